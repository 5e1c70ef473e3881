/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * DKIM signatures (RFC 6376, 8463).  The engine has canonicalised and hashed;
 * here are the keys.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "log.h"
#include "msg.h"
#include "peer.h"

#define RSA_BITS_MIN 1024 /* RFC 8301 3.2 */
#define KEY_ROOM (2 * QUEUE_DOMAIN_MAX + 16)

struct sign_key {
	char domain[QUEUE_DOMAIN_MAX];
	char selector[QUEUE_DOMAIN_MAX];
	EVP_PKEY *pkey;
};

struct signer {
	struct sign_key *keys;
	size_t n;
};

static struct signer *current;

static const struct sign_key *key_find(const char *, const char *);
static size_t key_sign(const struct sign_key *, const uint8_t *, uint8_t *);
static size_t sign_rsa(EVP_PKEY *, const uint8_t *, uint8_t *);
static size_t sign_ed25519(EVP_PKEY *, const uint8_t *, uint8_t *);
static int no_password(char *, int, int, void *);

struct signer *
signer_new(void)
{
	struct signer *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	return s;
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		EVP_PKEY_free(s->keys[i].pkey);
	free(s->keys);
	free(s);
}

const char *
signer_add(struct signer *s, const char *domain, const char *selector,
    const uint8_t *pem, size_t len)
{
	struct sign_key *keys, *k;
	EVP_PKEY *pkey;
	BIO *bio;

	if (s->n == QUEUE_KEYS_MAX)
		return "too many keys";
	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio == NULL)
		return "no memory";
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (pkey == NULL)
		return "no private key in PEM";
	if (EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519 &&
	    (EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA ||
		EVP_PKEY_bits(pkey) < RSA_BITS_MIN ||
		EVP_PKEY_size(pkey) > QUEUE_SIGNATURE_MAX)) {
		EVP_PKEY_free(pkey);
		return "neither Ed25519 nor RSA of 1024 to 4096 bits";
	}
	keys = recallocarray(s->keys, s->n, s->n + 1, sizeof(*keys));
	if (keys == NULL)
		fatal("recallocarray");
	s->keys = keys;
	k = &keys[s->n++];
	(void)strlcpy(k->domain, domain, sizeof(k->domain));
	(void)strlcpy(k->selector, selector, sizeof(k->selector));
	k->pkey = pkey;
	return NULL;
}

void
signer_use(struct signer *s)
{
	struct peer *peer;

	signer_free(current);
	current = s;
	TAILQ_FOREACH (peer, peers(), list)
		if (peer->kind == PEER_ENGINE && peer->greeted)
			sign_keys(peer);
}

/* In as many messages as they fill; an engine that knows none hears of none. */
void
sign_keys(struct peer *peer)
{
	const struct sign_key *k;
	struct msgout *out;
	size_t i;

	i = 0;
	if (current == NULL || (current->n == 0 && !peer->told_keys))
		return;
	peer->told_keys = true;
	do {
		out = msg_new(peer->wire, QUEUE_KEYS, 0);
		msg_put_u8(out, i == 0);
		while (i < current->n && msg_room(out) > KEY_ROOM) {
			k = &current->keys[i++];
			msg_put_str(out, k->domain);
			msg_put_str(out, k->selector);
			msg_put_u8(out,
			    EVP_PKEY_base_id(k->pkey) == EVP_PKEY_RSA ? 1 : 2);
		}
		msg_send(out);
	} while (i < current->n);
}

int
sign_request(struct peer *peer, struct msg *msg)
{
	char domain[QUEUE_DOMAIN_MAX], selector[QUEUE_DOMAIN_MAX];
	uint8_t digest[QUEUE_DIGEST_LEN], sig[QUEUE_SIGNATURE_MAX];
	const struct sign_key *k;
	struct msgout *out;
	size_t len;

	(void)msg_get_str(msg, domain, sizeof(domain));
	(void)msg_get_str(msg, selector, sizeof(selector));
	(void)msg_get_raw(msg, digest, sizeof(digest));
	if (msg_end(msg) == -1 || msg->id == 0)
		return -1;
	k = key_find(domain, selector);
	len = k == NULL ? 0 : key_sign(k, digest, sig);
	out = msg_new(peer->wire, QUEUE_SIGNED, msg->id);
	msg_put_u8(out,
	    k == NULL    ? QUEUE_REFUSED :
		len == 0 ? QUEUE_TROUBLE :
			   QUEUE_DONE);
	msg_put_bytes(out, sig, len);
	msg_send(out);
	return 0;
}

static const struct sign_key *
key_find(const char *domain, const char *selector)
{
	for (size_t i = 0; current != NULL && i < current->n; i++)
		if (strcmp(current->keys[i].domain, domain) == 0 &&
		    strcmp(current->keys[i].selector, selector) == 0)
			return &current->keys[i];
	return NULL;
}

static size_t
key_sign(const struct sign_key *k, const uint8_t *digest, uint8_t *sig)
{
	size_t len;

	if (EVP_PKEY_base_id(k->pkey) == EVP_PKEY_ED25519)
		len = sign_ed25519(k->pkey, digest, sig);
	else
		len = sign_rsa(k->pkey, digest, sig);
	if (len == 0)
		log_warnx("dkim domain=%s selector=%s: cannot sign",
		    log_vis(k->domain), log_vis(k->selector));
	return len;
}

/* RSASSA-PKCS1-v1_5 of the SHA-256 that came (RFC 6376 3.3.2). */
static size_t
sign_rsa(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *sig)
{
	EVP_PKEY_CTX *ctx;
	size_t len;

	len = QUEUE_SIGNATURE_MAX;
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(ctx, sig, &len, digest, QUEUE_DIGEST_LEN) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	return len;
}

/* PureEdDSA of the SHA-256 that came (RFC 8463 3). */
static size_t
sign_ed25519(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *sig)
{
	EVP_MD_CTX *ctx;
	size_t len;

	len = QUEUE_SIGNATURE_MAX;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, digest, QUEUE_DIGEST_LEN) != 1)
		len = 0;
	EVP_MD_CTX_free(ctx);
	return len;
}

/* A key file with a password would ask for it on a terminal. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}
