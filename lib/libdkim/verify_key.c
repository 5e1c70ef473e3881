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
 * A key record (RFC 6376 3.6.1, 8463), and whether a signature is by it.
 */

#include <sys/types.h>

#include <sodium.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "verify_local.h"

#define KEY_OCTETS_MAX 2048

struct key {
	uint8_t octets[KEY_OCTETS_MAX];
	size_t len;
	bool ed25519;
	bool testing; /* t=y */
	bool strict;  /* t=s: no i= below d= */
};

static const char *
key_read(struct key *, const char *, size_t, enum mauth_result *);
static const char *
key_tag(struct key *, const struct dkim_tag *, bool first, bool *there);
static const char *
rsa_check(const struct key *, const struct dkim_signed *, const uint8_t *);
static EVP_PKEY *rsa_key(const struct key *);

void
dkim_key_check(struct dkim_signed *s, const void *record, size_t len,
    const uint8_t digest[DKIM_HASH_LEN])
{
	struct key key;
	const char *wrong;

	memset(&key, 0, sizeof(key));
	s->out.result = MAUTH_PERMERROR;
	wrong = key_read(&key, record, len, &s->out.result);
	if (wrong == NULL &&
	    key.ed25519 != (s->out.algorithm == DKIM_ED25519_SHA256))
		wrong = "a key of another kind";
	if (wrong == NULL && key.strict && s->below)
		wrong = "i= is not d=";
	s->testing = key.testing;
	if (wrong == NULL) {
		s->out.result = MAUTH_FAIL;
		if (!key.ed25519)
			wrong = rsa_check(&key, s, digest);
		else if (key.len != crypto_sign_PUBLICKEYBYTES)
			wrong = "bad key";
		else if (s->len != crypto_sign_BYTES ||
		    crypto_sign_verify_detached(
			s->octets, digest, DKIM_HASH_LEN, key.octets) != 0)
			wrong = "bad signature";
	}
	if (wrong == NULL) {
		s->out.result = MAUTH_NONE;
		s->proved = true;
		return;
	}
	/* RFC 6376 3.6.1: mail of those who test is as if it were unsigned. */
	if (s->testing)
		s->out.result = MAUTH_NEUTRAL;
	s->out.reason = wrong;
}

static const char *
key_read(struct key *key, const char *p, size_t len, enum mauth_result *result)
{
	const char *end, *wrong;
	struct dkim_tag t;
	bool first, there;
	int r;

	end = p + len;
	first = true;
	there = false;
	while ((r = dkim_tag_next(&p, end, &t)) == 1) {
		wrong = key_tag(key, &t, first, &there);
		if (wrong != NULL)
			return wrong;
		first = false;
	}
	if (r == -1 || !there)
		return "bad key record";
	if (key->len == 0) {
		*result = MAUTH_FAIL;
		return "the key is revoked";
	}
	return NULL;
}

static const char *
key_tag(struct key *key, const struct dkim_tag *t, bool first, bool *there)
{
	if (dkim_tag_is(t, "v")) {
		if (!first || t->len != 5 || memcmp(t->value, "DKIM1", 5) != 0)
			return "bad key record";
	} else if (dkim_tag_is(t, "k")) {
		key->ed25519 = dkim_tag_lists(t, "ed25519");
		if (!key->ed25519 && !dkim_tag_lists(t, "rsa"))
			return "a key of an unknown kind";
	} else if (dkim_tag_is(t, "h")) {
		if (!dkim_tag_lists(t, "sha256"))
			return "a key without SHA-256";
	} else if (dkim_tag_is(t, "s")) {
		if (!dkim_tag_lists(t, "*") && !dkim_tag_lists(t, "email"))
			return "a key that is not for mail";
	} else if (dkim_tag_is(t, "t")) {
		key->testing = dkim_tag_lists(t, "y");
		key->strict = dkim_tag_lists(t, "s");
	} else if (dkim_tag_is(t, "p")) {
		if (*there)
			return "bad key record";
		*there = true;
		if (dkim_tag_octets(
			t, key->octets, sizeof(key->octets), &key->len) == -1)
			return "bad key";
	}
	return NULL;
}

static const char *
rsa_check(
    const struct key *key, const struct dkim_signed *s, const uint8_t *digest)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;
	const char *wrong;
	int bits;

	pkey = rsa_key(key);
	if (pkey == NULL)
		return "bad key";
	bits = EVP_PKEY_bits(pkey);
	ctx = NULL;
	if (bits < DKIM_RSA_BITS_MIN)
		wrong = "the key is too short";
	else if (bits > DKIM_RSA_BITS_MAX)
		wrong = "the key is too long";
	else if ((ctx = EVP_PKEY_CTX_new(pkey, NULL)) == NULL ||
	    EVP_PKEY_verify_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		wrong = "the key cannot be used";
	else if (EVP_PKEY_verify(
		     ctx, s->octets, s->len, digest, DKIM_HASH_LEN) == 1)
		wrong = NULL;
	else
		wrong = "bad signature";
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return wrong;
}

/* RFC 6376 3.6.1 says RSAPublicKey; everybody means SubjectPublicKeyInfo. */
static EVP_PKEY *
rsa_key(const struct key *key)
{
	const unsigned char *p;
	EVP_PKEY *pkey;

	p = key->octets;
	pkey = d2i_PUBKEY(NULL, &p, (long)key->len);
	if (pkey == NULL) {
		p = key->octets;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)key->len);
	}
	if (pkey != NULL && EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}
