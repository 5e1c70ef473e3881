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
 * Contexts of servers: certificates without their keys.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "log.h"
#include "tlsio_local.h"
#include "tlsio_mem.h"

#define CERTS_MAX 64
#define SESSION_SECONDS 7200 /* a ticket's life */
#define CHAIN_MAX (64 * 1024)

/* libtls has them, but its header does not say so. */
void tls_config_use_fake_private_key(struct tls_config *);
void tls_config_skip_private_key_check(struct tls_config *);

static int check_chain(const struct tlsio_cert *, char *);
static int add_certs(struct tls_config *, const struct tlsio_cert *, size_t);

void
tlsio_init(void)
{
	uint8_t seed[32];

	tlsio_mem_openssl();
	tlsio_mem_libevent();
	/* What the system's openssl.cnf says is not for us. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		fatalx("OPENSSL_init_crypto");
	signer_init();
	if (tls_init() == -1)
		fatalx("tls_init");
	if (RAND_bytes(seed, sizeof(seed)) != 1)
		fatalx("RAND_bytes");
	explicit_bzero(seed, sizeof(seed));
}

struct tlsio_server *
tlsio_server_new(const struct tlsio_cert *certs, size_t n, const char *alpn,
    char error[TLSIO_ERROR_MAX])
{
	struct tlsio_server *s;
	uint8_t id[TLS_MAX_SESSION_ID_LENGTH];
	const char *text;

	error[0] = '\0';
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->config = tls_config_new()) == NULL ||
	    (s->tls = tls_server()) == NULL)
		fatal("tlsio");
	s->refs = 1;
	if (n == 0 || n > CERTS_MAX) {
		(void)strlcpy(error, "no certificate", TLSIO_ERROR_MAX);
		goto err;
	}
	for (size_t i = 0; i < n; i++) {
		if (check_chain(&certs[i], error) == -1)
			goto err;
	}
	arc4random_buf(id, sizeof(id));
	tls_config_use_fake_private_key(s->config);
	tls_config_skip_private_key_check(s->config);
	if (tls_config_set_protocols(
		s->config, TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_ciphers(s->config, "secure") == -1 ||
	    tls_config_set_session_id(s->config, id, sizeof(id)) == -1 ||
	    tls_config_set_session_lifetime(s->config, SESSION_SECONDS) == -1 ||
	    (alpn != NULL && tls_config_set_alpn(s->config, alpn) == -1) ||
	    add_certs(s->config, certs, n) == -1) {
		text = tls_config_error(s->config);
		goto config;
	}
	tls_config_prefer_ciphers_server(s->config);
	if (tls_configure(s->tls, s->config) == -1) {
		text = tls_error(s->tls);
		goto config;
	}
	if (!ctx_mode_used())
		fatalx("libssl does not see our SSL_CTX_new()");
	return s;
config:
	(void)strlcpy(
	    error, text != NULL ? text : "no memory", TLSIO_ERROR_MAX);
err:
	tlsio_server_free(s);
	return NULL;
}

static int
add_certs(struct tls_config *config, const struct tlsio_cert *certs, size_t n)
{
	const uint8_t *chain;

	for (size_t i = 0; i < n; i++) {
		chain = (const uint8_t *)certs[i].chain;
		if (i == 0 &&
		    (tls_config_set_cert_mem(config, chain, certs[i].len) ==
			    -1 ||
			(certs[i].ocsp != NULL &&
			    tls_config_set_ocsp_staple_mem(config,
				certs[i].ocsp, certs[i].ocsp_len) == -1)))
			return -1;
		if (i > 0 &&
		    tls_config_add_keypair_ocsp_mem(config, chain, certs[i].len,
			NULL, 0, certs[i].ocsp, certs[i].ocsp_len) == -1)
			return -1;
	}
	return 0;
}

/* Only keys that sealkeys can be asked about. */
static int
check_chain(const struct tlsio_cert *cert, char *error)
{
	EVP_PKEY *key;
	X509 *x509;
	BIO *bio;
	int type;

	bio = NULL;
	x509 = NULL;
	key = NULL;
	if (cert->len <= CHAIN_MAX)
		bio = BIO_new_mem_buf(cert->chain, (int)cert->len);
	if (bio != NULL)
		x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (x509 != NULL)
		key = X509_get_pubkey(x509);
	type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_base_id(key);
	EVP_PKEY_free(key);
	X509_free(x509);
	BIO_free(bio);
	if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC)
		return 0;
	(void)strlcpy(error,
	    type == EVP_PKEY_NONE ? "not a certificate in PEM" :
				    "its key is neither RSA nor EC",
	    TLSIO_ERROR_MAX);
	return -1;
}

struct tlsio_server *
server_ref(struct tlsio_server *s)
{
	s->refs++;
	return s;
}

void
tlsio_server_free(struct tlsio_server *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	tls_free(s->tls);
	tls_config_free(s->config);
	free(s);
}
