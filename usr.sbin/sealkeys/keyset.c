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

struct key {
	uint8_t id[KEYS_ID_LEN];
	EVP_PKEY *pkey;
	size_t size; /* octets of the longest signature */
	int type;
};

struct keyset {
	struct key keys[KEYS_MAX];
	size_t n;
};

static const char *check_key(EVP_PKEY *, struct key *);
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
	return ks->n;
}

const char *
keyset_add(struct keyset *ks, const uint8_t *pem, size_t len)
{
	struct key *k;
	EVP_PKEY *pkey;
	BIO *bio;
	const char *wrong;

	if (ks->n == KEYS_MAX)
		return "too many keys";
	if (len > KEYS_PEM_MAX)
		return "the file is too long";
	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio == NULL)
		fatalx("BIO_new_mem_buf");
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey == NULL)
		return "not a PEM private key, or one with a password";
	k = &ks->keys[ks->n];
	wrong = check_key(pkey, k);
	if (wrong != NULL) {
		EVP_PKEY_free(pkey);
		return wrong;
	}
	/* Two certificates may share a key. */
	if (find(ks, k->id) != NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->pkey = pkey;
	ks->n++;
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
		if (memcmp(ks->keys[i].id, id, KEYS_ID_LEN) == 0)
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
