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
 * Who a server is: its chain of certificates against roots and names, or
 * against TLSA records by RFC 7671 and 7672.  OpenSSL's own DANE wants the
 * SSL that libtls hides, and LibreSSL has none; so this is done with X.509
 * alone.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tlsio_local.h"

#define CERTS_MAX 16 /* of a chain; more are not looked at */
#define DEPTH_MAX 10

enum usage { DANE_TA = 2, DANE_EE = 3 };
enum selector { DANE_CERT = 0, DANE_SPKI = 1 };
enum matching { DANE_FULL = 0, DANE_SHA256 = 1, DANE_SHA512 = 2 };

static STACK_OF(X509) * read_chain(const uint8_t *, size_t);
static enum tlsio_result
verify_dane(const struct client *, STACK_OF(X509) *, const char **);
static enum tlsio_result verify_store(const struct client *, X509_STORE *,
    STACK_OF(X509) *, unsigned int, const char **);
static bool has_name(const struct client *, X509 *, unsigned int);
static size_t
add_anchors(X509_STORE *, const struct tlsio_tlsa *, STACK_OF(X509) *);
static size_t
add_full(X509_STORE *, const struct tlsio_tlsa *, STACK_OF(X509) *);
static bool is_usable(const struct tlsio_tlsa *);
static bool is_weak(const struct client *, const struct tlsio_tlsa *);
static bool matches(const struct tlsio_tlsa *, X509 *);

enum tlsio_result
verify_chain(
    const struct client *c, const uint8_t *pem, size_t len, const char **why)
{
	STACK_OF(X509) * chain;
	enum tlsio_result result;

	chain = read_chain(pem, len);
	*why = "the server's certificate cannot be read";
	if (chain == NULL)
		return TLSIO_VALIDATION_FAILURE;
	if (c->trust == TLSIO_TRUST_DANE)
		result = verify_dane(c, chain, why);
	else if (c->roots == NULL) {
		*why = "there are no roots";
		result = TLSIO_CERTIFICATE_NOT_TRUSTED;
	} else
		/* RFC 8461 4.1: a DNS-ID, so no common name. */
		result = verify_store(c, c->roots->store, chain,
		    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, why);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return result;
}

/* The server's own first; NULL if there is not even that. */
static STACK_OF(X509) * read_chain(const uint8_t *pem, size_t len)
{
	STACK_OF(X509) * chain;
	X509 *x;
	BIO *bio;

	chain = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem, (int)len);
	while (chain != NULL && bio != NULL && sk_X509_num(chain) < CERTS_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, x) <= 0)
			X509_free(x);
	}
	BIO_free(bio);
	if (chain != NULL && sk_X509_num(chain) > 0)
		return chain;
	sk_X509_free(chain);
	return NULL;
}

static enum tlsio_result
verify_store(const struct client *c, X509_STORE *store, STACK_OF(X509) * chain,
    unsigned int name_flags, const char **why)
{
	X509_STORE_CTX *ctx;
	X509 *leaf;
	int error;

	leaf = sk_X509_value(chain, 0);
	ctx = X509_STORE_CTX_new();
	error = X509_V_ERR_UNSPECIFIED;
	if (ctx != NULL && X509_STORE_CTX_init(ctx, store, leaf, chain) == 1 &&
	    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1) {
		X509_STORE_CTX_set_depth(ctx, DEPTH_MAX);
		error = X509_verify_cert(ctx) == 1 ?
		    X509_V_OK :
		    X509_STORE_CTX_get_error(ctx);
		if (error == X509_V_OK && !has_name(c, leaf, name_flags))
			error = X509_V_ERR_HOSTNAME_MISMATCH;
	}
	X509_STORE_CTX_free(ctx);
	*why = error == X509_V_OK ? "" : X509_verify_cert_error_string(error);
	switch (error) {
	case X509_V_OK:
		return TLSIO_OK;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLSIO_CERTIFICATE_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return TLSIO_CERTIFICATE_HOST_MISMATCH;
	default:
		return TLSIO_CERTIFICATE_NOT_TRUSTED;
	}
}

static bool
has_name(const struct client *c, X509 *leaf, unsigned int flags)
{
	flags |= X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	for (size_t i = 0; i < c->n_names; i++) {
		if (X509_check_host(leaf, c->names[i], strlen(c->names[i]),
			flags, NULL) == 1)
			return true;
	}
	return false;
}

/* RFC 7672 3.1: the server's key as it is, or a chain to an anchor. */
static enum tlsio_result
verify_dane(const struct client *c, STACK_OF(X509) * chain, const char **why)
{
	const struct tlsio_tlsa *r;
	enum tlsio_result result;
	X509_STORE *store;
	size_t anchors;

	*why = "no TLSA record can be used";
	if (tlsio_tlsa_usable(c->tlsa, c->n_tlsa) == 0)
		return TLSIO_TLSA_INVALID;
	*why = "no TLSA record matches";
	store = X509_STORE_new();
	if (store == NULL ||
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
		X509_STORE_free(store);
		return TLSIO_VALIDATION_FAILURE;
	}
	result = TLSIO_CERTIFICATE_NOT_TRUSTED;
	anchors = 0;
	for (r = c->tlsa; r < c->tlsa + c->n_tlsa; r++) {
		if (!is_usable(r) || is_weak(c, r))
			continue;
		/* 3.1.1: neither names nor dates matter. */
		if (r->usage == DANE_EE && matches(r, sk_X509_value(chain, 0)))
			result = TLSIO_OK;
		else if (r->usage == DANE_TA)
			anchors += add_anchors(store, r, chain);
	}
	if (result == TLSIO_OK)
		*why = "";
	else if (anchors > 0)
		result = verify_store(c, store, chain, 0, why);
	X509_STORE_free(store);
	return result;
}

/*
 * RFC 7671 9: of records for the same use, only those with the best digest
 * count, so that a broken one does not stay an open door.
 */
static bool
is_weak(const struct client *c, const struct tlsio_tlsa *r)
{
	const struct tlsio_tlsa *o;

	if (r->matching != DANE_SHA256)
		return false;
	for (o = c->tlsa; o < c->tlsa + c->n_tlsa; o++) {
		if (is_usable(o) && o->usage == r->usage &&
		    o->selector == r->selector && o->matching == DANE_SHA512)
			return true;
	}
	return false;
}

/* Anchors that this record names, by the chain or by what it has itself. */
static size_t
add_anchors(
    X509_STORE *store, const struct tlsio_tlsa *r, STACK_OF(X509) * chain)
{
	size_t n;

	n = 0;
	for (int i = 1; i < sk_X509_num(chain); i++) {
		if (matches(r, sk_X509_value(chain, i)) &&
		    X509_STORE_add_cert(store, sk_X509_value(chain, i)) == 1)
			n++;
	}
	if (n == 0 && r->matching == DANE_FULL)
		n = add_full(store, r, chain);
	return n;
}

/* Of an anchor that the server did not send (RFC 7671 5.2.2). */
static size_t
add_full(X509_STORE *store, const struct tlsio_tlsa *r, STACK_OF(X509) * chain)
{
	const unsigned char *p;
	EVP_PKEY *key;
	X509 *x;
	size_t n;

	p = r->data;
	n = 0;
	if (r->selector == DANE_CERT) {
		x = d2i_X509(NULL, &p, (long)r->len);
		n = x != NULL && X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
		return n;
	}
	/* A bare key: what it has signed stands for it. */
	key = d2i_PUBKEY(NULL, &p, (long)r->len);
	for (int i = 0; key != NULL && i < sk_X509_num(chain); i++) {
		x = sk_X509_value(chain, i);
		if (X509_verify(x, key) == 1 &&
		    X509_STORE_add_cert(store, x) == 1)
			n++;
	}
	EVP_PKEY_free(key);
	return n;
}

size_t
tlsio_tlsa_usable(const struct tlsio_tlsa *r, size_t n)
{
	size_t usable;

	usable = 0;
	for (size_t i = 0; i < n; i++)
		usable += is_usable(&r[i]);
	return usable;
}

/* Usages 0 and 1 are not for mail between hosts (RFC 7672 3.1.3). */
static bool
is_usable(const struct tlsio_tlsa *r)
{
	const unsigned char *p;
	EVP_PKEY *key;
	X509 *x;
	bool good;

	if ((r->usage != DANE_TA && r->usage != DANE_EE) ||
	    r->selector > DANE_SPKI)
		return false;
	if (r->matching == DANE_SHA256)
		return r->len == 32;
	if (r->matching == DANE_SHA512)
		return r->len == 64;
	if (r->matching != DANE_FULL || r->len == 0 ||
	    r->len > TLSIO_TLSA_DATA_MAX)
		return false;
	p = r->data;
	if (r->selector == DANE_SPKI) {
		key = d2i_PUBKEY(NULL, &p, (long)r->len);
		good = key != NULL;
		EVP_PKEY_free(key);
	} else {
		x = d2i_X509(NULL, &p, (long)r->len);
		good = x != NULL;
		X509_free(x);
	}
	ERR_clear_error();
	return good && p == r->data + r->len;
}

static bool
matches(const struct tlsio_tlsa *r, X509 *x)
{
	unsigned char *der, digest[EVP_MAX_MD_SIZE];
	const unsigned char *have;
	unsigned int len;
	bool same;
	int n;

	der = NULL;
	if (r->selector == DANE_CERT)
		n = i2d_X509(x, &der);
	else
		n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	if (n <= 0)
		return false;
	have = der;
	len = (unsigned int)n;
	if (r->matching != DANE_FULL) {
		have = digest;
		if (EVP_Digest(der, (size_t)n, digest, &len,
			r->matching == DANE_SHA256 ? EVP_sha256() :
						     EVP_sha512(),
			NULL) != 1)
			len = 0;
	}
	same = len == r->len && memcmp(have, r->data, r->len) == 0;
	OPENSSL_free(der);
	return same;
}

/* One label for the asterisk, which stands alone and first. */
bool
tlsio_mx_match(const char *pattern, const char *host)
{
	size_t p, h;

	if (strncmp(pattern, "*.", 2) == 0) {
		pattern++;
		h = strcspn(host, ".");
		if (h == 0)
			return false;
		host += h;
	}
	p = strlen(pattern);
	h = strlen(host);
	if (p > 0 && pattern[p - 1] == '.')
		p--;
	if (h > 0 && host[h - 1] == '.')
		h--;
	return p > 0 && p == h && strncasecmp(pattern, host, p) == 0;
}
