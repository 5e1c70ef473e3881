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
 * Keys made for a test.
 */

/* PSS padding on its own is deprecated in OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "testkeys.h"

/* DigestInfo of SHA-256, up to the digest: RFC 8017 9.2 note 1. */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
    0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

EVP_PKEY *
testkey_new(const char *type, int bits)
{
	EVP_PKEY *key;

	if (strcmp(type, "RSA") == 0)
		key = EVP_RSA_gen((unsigned int)bits);
	else if (strcmp(type, "EC") == 0)
		key = EVP_EC_gen("P-256");
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	if (key == NULL)
		abort();
	return key;
}

void
testkey_id(EVP_PKEY *key, uint8_t id[KEYS_ID_LEN])
{
	unsigned char *der;
	int n;

	der = NULL;
	n = i2d_PUBKEY(key, &der);
	if (n <= 0 ||
	    EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(), NULL) != 1)
		abort();
	OPENSSL_free(der);
}

char *
testkey_pem(EVP_PKEY *key, const char *password, size_t *len)
{
	char *data, *pem;
	BIO *bio;
	long n;

	bio = BIO_new(BIO_s_mem());
	if (bio == NULL ||
	    PEM_write_bio_PrivateKey(bio, key,
		password == NULL ? NULL : EVP_aes_256_cbc(),
		(const unsigned char *)password,
		password == NULL ? 0 : (int)strlen(password), NULL, NULL) != 1)
		abort();
	n = BIO_get_mem_data(bio, &data);
	pem = calloc(1, (size_t)n + 1);
	if (pem == NULL)
		abort();
	memcpy(pem, data, (size_t)n);
	*len = (size_t)n;
	BIO_free(bio);
	return pem;
}

size_t
testkey_request(EVP_PKEY *key, enum keys_how how, const uint8_t digest[32],
    uint8_t out[KEYS_DIGEST_MAX])
{
	RSA *rsa;
	int len;

	switch (how) {
	case KEYS_RSA_PKCS1:
		memcpy(out, digest_info, sizeof(digest_info));
		memcpy(out + sizeof(digest_info), digest, 32);
		return sizeof(digest_info) + 32;
	case KEYS_RSA_RAW:
		rsa = EVP_PKEY_get1_RSA(key);
		if (rsa == NULL ||
		    RSA_padding_add_PKCS1_PSS(
			rsa, out, digest, EVP_sha256(), 32) != 1)
			abort();
		len = RSA_size(rsa);
		RSA_free(rsa);
		return (size_t)len;
	case KEYS_ECDSA:
		memcpy(out, digest, 32);
		return 32;
	}
	abort();
}

bool
testkey_verify(EVP_PKEY *key, enum keys_how how, const uint8_t digest[32],
    const uint8_t *sig, size_t len)
{
	EVP_PKEY_CTX *ctx;
	bool good;

	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1)
		abort();
	if (how != KEYS_ECDSA &&
	    (EVP_PKEY_CTX_set_rsa_padding(ctx,
		 how == KEYS_RSA_RAW ? RSA_PKCS1_PSS_PADDING :
				       RSA_PKCS1_PADDING) != 1 ||
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1))
		abort();
	good = EVP_PKEY_verify(ctx, sig, len, digest, 32) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}
