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
 * What a chain of certificates is, and whether an OCSP response belongs to it.
 * Both come from files of the operator, but were made elsewhere.
 */

#include <sys/types.h>

#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "log.h"
#include "tlsio_local.h"

#define CHAIN_MAX (64 * 1024)
#define OCSP_MAX (32 * 1024)
#define CLOCK_SKEW 300 /* seconds that clocks may differ */

static int fill(X509 *, EVP_PKEY *, struct chain_info *);
static int64_t seconds(const ASN1_TIME *);
static enum site_ocsp_state
check_basic(OCSP_BASICRESP *, X509 *, X509 *, int64_t *, const char **);
static bool signed_by(OCSP_BASICRESP *, X509 *);

int
chain_check(const struct tlsio_cert *cert, struct chain_info *info, char *error)
{
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	const char *wrong;
	int type;

	key = NULL;
	wrong = NULL;
	chain = chain_read(cert);
	if (chain != NULL)
		key = X509_get_pubkey(sk_X509_value(chain, 0));
	type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_base_id(key);
	/* Only keys that sealkeys can be asked about. */
	if (type == EVP_PKEY_NONE)
		wrong = "not a chain of certificates in PEM";
	else if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
		wrong = "its key is neither RSA nor EC";
	else if (info != NULL && fill(sk_X509_value(chain, 0), key, info) == -1)
		wrong = "its validity or key cannot be read";
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	if (wrong == NULL)
		return 0;
	(void)strlcpy(error, wrong, TLSIO_ERROR_MAX);
	return -1;
}

STACK_OF(X509) * chain_read(const struct tlsio_cert *cert)
{
	STACK_OF(X509) * chain;
	unsigned long error;
	BIO *bio;
	X509 *x;

	if (cert->len > CHAIN_MAX)
		return NULL;
	chain = sk_X509_new_null();
	bio = BIO_new_mem_buf(cert->chain, (int)cert->len);
	if (chain == NULL || bio == NULL)
		fatalx("certificates");
	ERR_clear_error();
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, x) <= 0)
			fatalx("certificates");
	}
	BIO_free(bio);
	/* The end, or something that is none. */
	error = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE &&
	    sk_X509_num(chain) > 0)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

static int
fill(X509 *x, EVP_PKEY *key, struct chain_info *info)
{
	unsigned char *der;
	int n, ret;

	der = NULL;
	n = i2d_PUBKEY(key, &der);
	ret = n > 0 &&
		EVP_Digest(
		    der, (size_t)n, info->key, NULL, EVP_sha256(), NULL) == 1 ?
	    0 :
	    -1;
	OPENSSL_free(der);
	info->expires = seconds(X509_get0_notAfter(x));
	return info->expires == -1 ? -1 : ret;
}

/* -1 where it is no time. */
static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	return (int64_t)timegm(&tm);
}

enum site_ocsp_state
chain_ocsp(const struct tlsio_cert *cert, int64_t *until, const char **reason)
{
	const unsigned char *p;
	enum site_ocsp_state state;
	OCSP_BASICRESP *basic;
	OCSP_RESPONSE *resp;
	STACK_OF(X509) * chain;

	*until = 0;
	*reason = "";
	if (cert->ocsp == NULL)
		return SITE_OCSP_NONE;
	p = cert->ocsp;
	chain = NULL;
	basic = NULL;
	resp = NULL;
	state = SITE_OCSP_BROKEN;
	*reason = "not an OCSP response in DER";
	if (cert->ocsp_len <= OCSP_MAX)
		resp = d2i_OCSP_RESPONSE(NULL, &p, (long)cert->ocsp_len);
	if (resp != NULL &&
	    OCSP_response_status(resp) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(resp);
	if (basic != NULL && (chain = chain_read(cert)) != NULL)
		state = check_basic(basic, sk_X509_value(chain, 0),
		    sk_X509_value(chain, 1), until, reason);
	sk_X509_pop_free(chain, X509_free);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return state;
}

static enum site_ocsp_state
check_basic(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, int64_t *until,
    const char **reason)
{
	ASN1_GENERALIZEDTIME *made, *next;
	ASN1_INTEGER *serial;
	OCSP_SINGLERESP *one;
	int i, status;

	one = NULL;
	for (i = 0; i < OCSP_resp_count(basic); i++) {
		one = OCSP_resp_get0(basic, i);
		if (OCSP_id_get0_info(NULL, NULL, NULL, &serial,
			(OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(
			    one)) == 1 &&
		    ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0)
			break;
	}
	*reason = "it speaks of another certificate";
	if (one == NULL || i == OCSP_resp_count(basic))
		return SITE_OCSP_BROKEN;
	*reason = "it is not signed for the certificate's issuer";
	if (issuer != NULL && !signed_by(basic, issuer))
		return SITE_OCSP_BROKEN;
	status = OCSP_single_get0_status(one, NULL, NULL, &made, &next);
	*reason = "it does not say that the certificate is good";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return SITE_OCSP_BROKEN;
	*reason = "it does not say until when it is good";
	if (next == NULL || (*until = seconds(next)) == -1)
		return SITE_OCSP_STALE;
	*reason = "its time is over, or has not come";
	if (OCSP_check_validity(made, next, CLOCK_SKEW, -1) != 1 ||
	    *until <= (int64_t)time(NULL))
		return SITE_OCSP_STALE;
	*reason = "";
	return SITE_OCSP_SERVED;
}

/* By the issuer itself, or by whom it has named for this. */
static bool
signed_by(OCSP_BASICRESP *basic, X509 *issuer)
{
	STACK_OF(X509) * others;
	X509_STORE *store;
	bool good;

	store = X509_STORE_new();
	others = sk_X509_new_null();
	good = store != NULL && others != NULL &&
	    X509_STORE_add_cert(store, issuer) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    sk_X509_push(others, issuer) > 0 &&
	    OCSP_basic_verify(basic, others, store, 0) == 1;
	sk_X509_free(others);
	X509_STORE_free(store);
	return good;
}
