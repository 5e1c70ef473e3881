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
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "log.h"
#include "tlsio_local.h"
#include "tlsio_mem.h"

/*
 * TLS 1.2: ephemeral keys and AEAD.  Where the alternative is no encryption
 * at all (mail between hosts), CBC of those that have nothing better too.
 */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define CIPHERS_WIDE                          \
	CIPHERS ":ECDHE-ECDSA-AES128-SHA256:" \
		"ECDHE-RSA-AES128-SHA256:"    \
		"ECDHE-ECDSA-AES256-SHA384:"  \
		"ECDHE-RSA-AES256-SHA384:"    \
		"ECDHE-ECDSA-AES128-SHA:"     \
		"ECDHE-RSA-AES128-SHA:"       \
		"ECDHE-ECDSA-AES256-SHA:"     \
		"ECDHE-RSA-AES256-SHA"
#define CURVES "X25519,P-256,P-384"

/* libtls has them, but its header does not say so. */
void tls_config_use_fake_private_key(struct tls_config *);
void tls_config_skip_private_key_check(struct tls_config *);

static int configure(struct tls_config *, const struct tlsio_server_conf *);
static int add_certs(struct tls_config *, const struct tlsio_cert *, size_t);

void
tlsio_init(void)
{
	uint8_t seed[32];

	tlsio_mem_openssl();
	tlsio_mem_libevent();
	/* libtls converts a peer's dates: that reads the zone's file once. */
	tzset();
	/* What the system's openssl.cnf says is not for us. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		fatalx("OPENSSL_init_crypto");
	signer_init();
	ticket_init();
	if (tls_init() == -1)
		fatalx("tls_init");
	if (RAND_bytes(seed, sizeof(seed)) != 1)
		fatalx("RAND_bytes");
	explicit_bzero(seed, sizeof(seed));
}

struct tlsio_server *
tlsio_server_new(
    const struct tlsio_server_conf *conf, char error[TLSIO_ERROR_MAX])
{
	SSL_CTX *ctxs[TLSIO_CERTS_MAX];
	struct tlsio_server *s;
	const char *text;

	error[0] = '\0';
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->config = tls_config_new()) == NULL ||
	    (s->tls = tls_server()) == NULL)
		fatal("tlsio");
	s->refs = 1;
	if (conf->n_certs == 0 || conf->n_certs > TLSIO_CERTS_MAX) {
		(void)strlcpy(error, "no certificate", TLSIO_ERROR_MAX);
		goto err;
	}
	for (size_t i = 0; i < conf->n_certs; i++) {
		if (chain_check(&conf->certs[i], NULL, error) == -1)
			goto err;
	}
	if (configure(s->config, conf) == -1) {
		text = tls_config_error(s->config);
		goto config;
	}
	ctx_note(ctxs, TLSIO_CERTS_MAX);
	if (tls_configure(s->tls, s->config) == -1) {
		(void)ctx_noted();
		text = tls_error(s->tls);
		goto config;
	}
	if (!ctx_mode_used())
		fatalx("libssl does not see our SSL_CTX_new()");
	/* One for each, in their order. */
	if (ctx_noted() == conf->n_certs)
		beside(ctxs, conf->certs, conf->n_certs);
	return s;
config:
	(void)strlcpy(
	    error, text != NULL ? text : "no memory", TLSIO_ERROR_MAX);
err:
	tlsio_server_free(s);
	return NULL;
}

static int
configure(struct tls_config *config, const struct tlsio_server_conf *conf)
{
	uint8_t scope[32];
	uint32_t protocols;

	if (EVP_Digest(conf->scope, strlen(conf->scope), scope, NULL,
		EVP_sha256(), NULL) != 1)
		return -1;
	protocols = TLS_PROTOCOL_TLSv1_3;
	if (!conf->only_tls13)
		protocols |= TLS_PROTOCOL_TLSv1_2;
	tls_config_use_fake_private_key(config);
	tls_config_skip_private_key_check(config);
	tls_config_prefer_ciphers_server(config);
	if (tls_config_set_protocols(config, protocols) == -1 ||
	    tls_config_set_ciphers(
		config, conf->wide ? CIPHERS_WIDE : CIPHERS) == -1 ||
	    tls_config_set_ecdhecurves(config, CURVES) == -1 ||
	    tls_config_set_session_id(config, scope, sizeof(scope)) == -1 ||
	    tls_config_set_session_lifetime(
		config, (int)conf->ticket_seconds) == -1 ||
	    (conf->alpn != NULL &&
		tls_config_set_alpn(config, conf->alpn) == -1))
		return -1;
	return add_certs(config, conf->certs, conf->n_certs);
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
