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
 * Sessions that are the client.  libtls makes the handshake and believes
 * everybody; who the server is, is found out in verify.c, before a word is
 * said to it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "tlsio_local.h"

/*
 * What is better than no TLS; an old server's key of 1,024 bits too, where
 * the library would refuse it (LibreSSL does not know the word).
 */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:HIGH:!aNULL"
#define CIPHERS_ALL CIPHERS ":@SECLEVEL=1"

static struct client *client_new(const struct tlsio_peer *);
static int copy_names(struct client *, const struct tlsio_peer *);
static int copy_tlsa(struct client *, const struct tlsio_peer *);
static struct tls_config *config_get(void);

static const char *const results[] = {
    [TLSIO_OK] = "",
    [TLSIO_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
    [TLSIO_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
    [TLSIO_CERTIFICATE_EXPIRED] = "certificate-expired",
    [TLSIO_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
    [TLSIO_VALIDATION_FAILURE] = "validation-failure",
    [TLSIO_TLSA_INVALID] = "tlsa-invalid",
    [TLSIO_DNSSEC_INVALID] = "dnssec-invalid",
    [TLSIO_DANE_REQUIRED] = "dane-required",
    [TLSIO_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
    [TLSIO_STS_POLICY_INVALID] = "sts-policy-invalid",
    [TLSIO_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

const char *
tlsio_result_name(enum tlsio_result result)
{
	return results[result];
}

enum tlsio_result
tlsio_result(const struct tlsio *t)
{
	return t->client == NULL ? TLSIO_OK : t->client->result;
}

int
tlsio_client_start(struct tlsio *t, const struct tlsio_peer *peer)
{
	struct client *c;

	if (t->client != NULL)
		return -1;
	c = client_new(peer);
	if (c == NULL)
		return -1;
	if (session_upgrade(t) == -1) {
		client_free(c);
		return -1;
	}
	t->client = c;
	return 0;
}

/* The handshake, once all that was said in clear has been sent. */
int
client_begin(struct tlsio *t, tls_read_cb read_cb, tls_write_cb write_cb)
{
	struct client *c;

	c = t->client;
	t->tls = tls_client();
	if (t->tls == NULL)
		fatal("tlsio");
	if (tls_configure(t->tls, config_get()) == -1 ||
	    tls_connect_cbs(t->tls, read_cb, write_cb, t,
		c->sni[0] == '\0' ? NULL : c->sni) == -1)
		return -1;
	t->ssl = ctx_last();
	return 0;
}

int
client_verify(struct tlsio *t)
{
	struct client *c;
	const uint8_t *pem;
	size_t len;

	c = t->client;
	c->result = TLSIO_OK;
	c->why = "";
	if (c->trust == TLSIO_TRUST_NONE)
		return 0;
	pem = tls_peer_cert_chain_pem(t->tls, &len);
	if (pem == NULL) {
		c->result = TLSIO_CERTIFICATE_NOT_TRUSTED;
		c->why = "the server sent no certificate";
	} else
		c->result = verify_chain(c, pem, len, &c->why);
	return c->result == TLSIO_OK || c->go_on ? 0 : -1;
}

static struct client *
client_new(const struct tlsio_peer *peer)
{
	struct client *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("tlsio");
	c->trust = peer->trust;
	c->go_on = peer->go_on;
	c->roots = peer->roots;
	c->result = TLSIO_VALIDATION_FAILURE;
	c->why = "no handshake";
	if ((peer->sni == NULL ||
		strlcpy(c->sni, peer->sni, sizeof(c->sni)) < sizeof(c->sni)) &&
	    copy_names(c, peer) == 0 && copy_tlsa(c, peer) == 0)
		return c;
	client_free(c);
	return NULL;
}

static int
copy_names(struct client *c, const struct tlsio_peer *peer)
{
	if (peer->n_names > TLSIO_NAMES_MAX)
		return -1;
	for (; c->n_names < peer->n_names; c->n_names++) {
		if (strlcpy(c->names[c->n_names], peer->names[c->n_names],
			TLSIO_NAME_MAX) >= TLSIO_NAME_MAX)
			return -1;
	}
	return 0;
}

static int
copy_tlsa(struct client *c, const struct tlsio_peer *peer)
{
	uint8_t *data;

	if (peer->n_tlsa > TLSIO_TLSA_MAX)
		return -1;
	c->tlsa = calloc(peer->n_tlsa + 1, sizeof(*c->tlsa));
	if (c->tlsa == NULL)
		fatal("tlsio");
	for (; c->n_tlsa < peer->n_tlsa; c->n_tlsa++) {
		c->tlsa[c->n_tlsa] = peer->tlsa[c->n_tlsa];
		c->tlsa[c->n_tlsa].data = NULL;
		if (peer->tlsa[c->n_tlsa].len > TLSIO_TLSA_DATA_MAX)
			return -1;
		data = malloc(peer->tlsa[c->n_tlsa].len + 1);
		if (data == NULL)
			fatal("tlsio");
		memcpy(data, peer->tlsa[c->n_tlsa].data,
		    peer->tlsa[c->n_tlsa].len);
		c->tlsa[c->n_tlsa].data = data;
	}
	return 0;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_tlsa; i++)
		free((uint8_t *)(uintptr_t)c->tlsa[i].data);
	free(c->tlsa);
	free(c);
}

/* One for all: what is believed does not depend on it. */
static struct tls_config *
config_get(void)
{
	static struct tls_config *config;

	if (config != NULL)
		return config;
	config = tls_config_new();
	if (config == NULL ||
	    tls_config_set_protocols(
		config, TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    (tls_config_set_ciphers(config, CIPHERS_ALL) == -1 &&
		tls_config_set_ciphers(config, CIPHERS) == -1))
		fatalx("tlsio: %s",
		    config == NULL ? "no memory" : tls_config_error(config));
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	tls_config_insecure_noverifytime(config);
	return config;
}
