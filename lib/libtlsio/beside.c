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
 * Certificates with keys of two kinds for the same names: libtls serves the
 * first of them and has no place for the other, OpenSSL has.  So the contexts
 * that libtls made get the other one too, and a client the one that it can
 * verify.
 */

/* The functions of RSA and EC keys are deprecated in OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tlsio_local.h"

static void add(SSL_CTX *, STACK_OF(X509) *);
static EVP_PKEY *asking_key(X509 *);
static int kind(X509 *);
static bool same_names(X509 *, X509 *);
static int count_names(GENERAL_NAMES *);
static bool has_all(GENERAL_NAMES *, GENERAL_NAMES *);

void
beside(SSL_CTX *const *ctxs, const struct tlsio_cert *certs, size_t n)
{
	STACK_OF(X509) * chains[TLSIO_CERTS_MAX];
	X509 *a, *b;

	for (size_t i = 0; i < n; i++)
		chains[i] = chain_read(&certs[i]);
	for (size_t i = 0; i < n; i++) {
		/* It would be stapled to the other too. */
		if (chains[i] == NULL || certs[i].ocsp != NULL)
			continue;
		a = sk_X509_value(chains[i], 0);
		for (size_t j = 0; j < n; j++) {
			if (j == i || chains[j] == NULL)
				continue;
			b = sk_X509_value(chains[j], 0);
			if (kind(a) == kind(b) || !same_names(a, b))
				continue;
			add(ctxs[i], chains[j]);
			break;
		}
	}
	for (size_t i = 0; i < n; i++)
		sk_X509_pop_free(chains[i], X509_free);
	ERR_clear_error();
}

/* Where this fails there is one certificate, as without it. */
static void
add(SSL_CTX *ctx, STACK_OF(X509) * chain)
{
	EVP_PKEY *key;

	key = asking_key(sk_X509_value(chain, 0));
	if (key != NULL &&
	    SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1) {
		for (int i = 1; i < sk_X509_num(chain); i++)
			(void)SSL_CTX_add1_chain_cert(
			    ctx, sk_X509_value(chain, i));
	}
	EVP_PKEY_free(key);
}

/* The public half in an object whose signatures come from sealkeys. */
static EVP_PKEY *
asking_key(X509 *x)
{
	EVP_PKEY *pub, *key;
	EC_KEY *ec;
	RSA *rsa;
	int ret;

	ret = 0;
	ec = NULL;
	rsa = NULL;
	pub = X509_get_pubkey(x);
	key = EVP_PKEY_new();
	if (pub != NULL && key != NULL) {
		if ((rsa = EVP_PKEY_get1_RSA(pub)) != NULL)
			ret = RSA_set_method(rsa, RSA_get_default_method()) ==
				1 &&
			    EVP_PKEY_set1_RSA(key, rsa) == 1;
		else if ((ec = EVP_PKEY_get1_EC_KEY(pub)) != NULL)
			ret = EC_KEY_set_method(
				  ec, EC_KEY_get_default_method()) == 1 &&
			    EVP_PKEY_set1_EC_KEY(key, ec) == 1;
	}
	RSA_free(rsa);
	EC_KEY_free(ec);
	EVP_PKEY_free(pub);
	if (ret == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int
kind(X509 *x)
{
	EVP_PKEY *key;
	int type;

	key = X509_get_pubkey(x);
	type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_base_id(key);
	EVP_PKEY_free(key);
	return type;
}

static bool
same_names(X509 *a, X509 *b)
{
	GENERAL_NAMES *x, *y;
	bool same;

	x = X509_get_ext_d2i(a, NID_subject_alt_name, NULL, NULL);
	y = X509_get_ext_d2i(b, NID_subject_alt_name, NULL, NULL);
	same = count_names(x) > 0 && has_all(x, y) && has_all(y, x);
	GENERAL_NAMES_free(x);
	GENERAL_NAMES_free(y);
	return same;
}

static int
count_names(GENERAL_NAMES *names)
{
	return names == NULL ? 0 : sk_GENERAL_NAME_num(names);
}

/* Whether all of some are in all. */
static bool
has_all(GENERAL_NAMES *all, GENERAL_NAMES *some)
{
	GENERAL_NAME *name;
	bool found;

	for (int i = 0; i < count_names(some); i++) {
		name = sk_GENERAL_NAME_value(some, i);
		found = false;
		for (int j = 0; j < count_names(all) && !found; j++)
			found = GENERAL_NAME_cmp(
				    name, sk_GENERAL_NAME_value(all, j)) == 0;
		if (!found)
			return false;
	}
	return true;
}
