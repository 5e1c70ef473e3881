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
 * Private keys and what is done with them.  A key signs what a handshake asks
 * to be signed and nothing else: what is not shaped like that is refused.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "keyset.h"
#include "log.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (8 * KEYS_SIGNATURE_MAX)
#define PSS_TRAILER 0xbc /* RFC 8017 9.1.1 */

/* A name has one of the configuration and up to one of before. */
#define ENTRIES (2 * KEYS_MAX)

struct key {
	char name[KEYS_NAME_MAX];
	uint8_t id[KEYS_ID_LEN];
	EVP_PKEY *pkey; /* NULL: what the file had could not be used */
	size_t size;    /* octets of the longest signature */
	int type;
	bool asked;   /* an engine uses it */
	bool former;  /* the configuration has another by now */
	time_t until; /* of a former one; 0: while the new one is not used */
};

struct keyset {
	struct key keys[ENTRIES];
	size_t n;
};

static EVP_PKEY *read_key(const uint8_t *, size_t);
static const char *check_key(EVP_PKEY *, struct key *);
static struct key *find_name(struct keyset *, const char *);
static void retire(struct keyset *, const struct key *, time_t);
static int identify(EVP_PKEY *, uint8_t[KEYS_ID_LEN]);
static const struct key *find(const struct keyset *, const uint8_t *);
static bool
may_sign(const struct key *, enum keys_how, const uint8_t *, size_t);
static int no_password(char *, int, int, void *);

struct keyset *
keyset_new(void)
{
	struct keyset *ks;

	ks = calloc(1, sizeof(*ks));
	if (ks == NULL)
		fatal("keyset");
	return ks;
}

void
keyset_free(struct keyset *ks)
{
	if (ks == NULL)
		return;
	for (size_t i = 0; i < ks->n; i++)
		EVP_PKEY_free(ks->keys[i].pkey);
	freezero(ks, sizeof(*ks));
}

size_t
keyset_count(const struct keyset *ks)
{
	size_t n;

	n = 0;
	for (size_t i = 0; i < ks->n; i++)
		n += ks->keys[i].pkey != NULL;
	return n;
}

const char *
keyset_add(struct keyset *ks, const char *name, const uint8_t *pem, size_t len)
{
	struct key *k;
	const char *wrong;

	if (ks->n == KEYS_MAX)
		return "too many keys";
	k = &ks->keys[ks->n];
	if (strlcpy(k->name, name, sizeof(k->name)) >= sizeof(k->name))
		return "its name is too long";
	/* A name without a key counts: it may have had one before. */
	ks->n++;
	if (len > KEYS_PEM_MAX)
		return "the file is too long";
	k->pkey = read_key(pem, len);
	if (k->pkey == NULL)
		return "not a PEM private key, or one with a password";
	wrong = check_key(k->pkey, k);
	if (wrong == NULL)
		return NULL;
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
	return wrong;
}

static EVP_PKEY *
read_key(const uint8_t *pem, size_t len)
{
	EVP_PKEY *pkey;
	BIO *bio;

	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio == NULL)
		fatalx("BIO_new_mem_buf");
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

void
keyset_inherit(struct keyset *ks, const struct keyset *old, time_t now)
{
	const struct key *was;
	struct key *k;

	for (size_t i = 0; old != NULL && i < old->n; i++) {
		was = &old->keys[i];
		k = find_name(ks, was->name);
		if (k == NULL || was->pkey == NULL ||
		    (was->until != 0 && was->until <= now))
			continue;
		if (k->pkey != NULL && memcmp(k->id, was->id, KEYS_ID_LEN) == 0)
			k->asked = k->asked || was->asked;
		else if (was->asked && ks->n < ENTRIES) {
			ks->keys[ks->n] = *was;
			EVP_PKEY_up_ref(was->pkey);
			ks->keys[ks->n++].former = true;
		}
	}
	/* One that came back needs no successor any more. */
	for (size_t i = 0; i < ks->n; i++) {
		if (ks->keys[i].asked && !ks->keys[i].former)
			retire(ks, &ks->keys[i], now);
	}
}

enum keys_have
keyset_have(struct keyset *ks, const uint8_t id[KEYS_ID_LEN], time_t now)
{
	enum keys_have have;
	struct key *k;

	(void)keyset_expire(ks, now);
	have = KEYS_HAVE_NOT;
	for (size_t i = 0; i < ks->n; i++) {
		k = &ks->keys[i];
		if (k->pkey == NULL || memcmp(k->id, id, KEYS_ID_LEN) != 0)
			continue;
		if (k->former) {
			if (have == KEYS_HAVE_NOT)
				have = KEYS_HAVE_FORMER;
			continue;
		}
		have = KEYS_HAVE_NOW;
		k->asked = true;
		retire(ks, k, now);
	}
	return have;
}

/* What stood in for k may go, once no handshake that began is left. */
static void
retire(struct keyset *ks, const struct key *k, time_t now)
{
	struct key *f;

	for (size_t i = 0; i < ks->n; i++) {
		f = &ks->keys[i];
		if (f->former && f->until == 0 && strcmp(f->name, k->name) == 0)
			f->until = now + KEYS_GRACE_S;
	}
}

unsigned int
keyset_expire(struct keyset *ks, time_t now)
{
	struct key *k;
	time_t next;

	next = 0;
	for (size_t i = 0; i < ks->n; i++) {
		k = &ks->keys[i];
		if (k->until == 0)
			continue;
		if (k->until <= now) {
			EVP_PKEY_free(k->pkey);
			*k = ks->keys[--ks->n];
			explicit_bzero(&ks->keys[ks->n], sizeof(*k));
			i--;
		} else if (next == 0 || k->until < next)
			next = k->until;
	}
	return next == 0 ? 0 : (unsigned int)(next - now);
}

static struct key *
find_name(struct keyset *ks, const char *name)
{
	for (size_t i = 0; i < ks->n; i++) {
		if (!ks->keys[i].former && strcmp(ks->keys[i].name, name) == 0)
			return &ks->keys[i];
	}
	return NULL;
}

static const char *
check_key(EVP_PKEY *pkey, struct key *k)
{
	int bits, size;

	k->type = EVP_PKEY_base_id(pkey);
	bits = EVP_PKEY_bits(pkey);
	if (k->type != EVP_PKEY_RSA && k->type != EVP_PKEY_EC)
		return "neither an RSA nor an EC key";
	if (k->type == EVP_PKEY_RSA &&
	    (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		return "an RSA key must have 2048 to 8192 bits";
	size = EVP_PKEY_size(pkey);
	if (size <= 0 || size > KEYS_SIGNATURE_MAX ||
	    identify(pkey, k->id) == -1)
		return "a key that cannot be used";
	k->size = (size_t)size;
	return NULL;
}

/* A daemon has nobody to ask. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static int
identify(EVP_PKEY *pkey, uint8_t id[KEYS_ID_LEN])
{
	unsigned char *der;
	int n, ret;

	der = NULL;
	ret = -1;
	n = i2d_PUBKEY(pkey, &der);
	if (n > 0 &&
	    EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(), NULL) == 1)
		ret = 0;
	OPENSSL_free(der);
	return ret;
}

static const struct key *
find(const struct keyset *ks, const uint8_t *id)
{
	for (size_t i = 0; i < ks->n; i++) {
		if (ks->keys[i].pkey != NULL &&
		    memcmp(ks->keys[i].id, id, KEYS_ID_LEN) == 0)
			return &ks->keys[i];
	}
	return NULL;
}

size_t
keyset_sign(struct keyset *ks, enum keys_how how, const uint8_t id[KEYS_ID_LEN],
    const uint8_t *data, size_t len, uint8_t sig[KEYS_SIGNATURE_MAX])
{
	const struct key *k;
	EVP_PKEY_CTX *ctx;
	size_t n;
	int padding;

	k = find(ks, id);
	if (k == NULL || !may_sign(k, how, data, len))
		return 0;
	n = KEYS_SIGNATURE_MAX;
	padding = how == KEYS_RSA_RAW ? RSA_NO_PADDING : RSA_PKCS1_PADDING;
	ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    (how != KEYS_ECDSA &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1) ||
	    EVP_PKEY_sign(ctx, sig, &n, data, len) != 1)
		n = 0;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return n;
}

/*
 * An engine that has been taken over can have handshakes signed, but a raw
 * RSA operation that is no PSS encoding would also decrypt.
 */
static bool
may_sign(
    const struct key *k, enum keys_how how, const uint8_t *data, size_t len)
{
	switch (how) {
	case KEYS_RSA_PKCS1:
		/* DigestInfo: a short SEQUENCE, as long as it says. */
		return k->type == EVP_PKEY_RSA && len > 2 && len < 128 &&
		    data[0] == 0x30 && data[1] == len - 2;
	case KEYS_RSA_RAW:
		return k->type == EVP_PKEY_RSA && len == k->size &&
		    data[len - 1] == PSS_TRAILER;
	case KEYS_ECDSA:
		return k->type == EVP_PKEY_EC && len >= 20 && len <= 64;
	}
	return false;
}
