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
 * The common part of the engines' slices on the wire.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "proc.h"
#include "site.h"

static int get_base(struct site *, struct msg *);
static int get_domain(struct site *, struct msg *);
static int get_cert(struct site *, struct msg *);
static int get_ocsp(struct site *, struct msg *);

void
site_put(struct wire *w, const struct site *s)
{
	struct msgout *m;

	m = msg_new(w, SITE_BASE, 0);
	msg_put_str(m, s->hostname);
	msg_put_str(m, s->product);
	msg_put_u8(m, s->log_addresses);
	msg_put_u8(m, s->codec);
	msg_put_u32(m, s->generation);
	msg_put_u32(m, s->ticket_seconds);
	msg_send(m);
	for (size_t i = 0; i < s->n_domains; i++) {
		m = msg_new(w, SITE_DOMAIN, 0);
		msg_put_str(m, s->domains[i]);
		msg_send(m);
	}
	for (size_t i = 0; i < s->n_certs; i++) {
		m = msg_new(w, SITE_CERT, 0);
		msg_put_str(m, s->certs[i].name);
		msg_put_bytes(m, s->certs[i].chain, s->certs[i].len);
		msg_send(m);
		if (s->certs[i].ocsp == NULL)
			continue;
		m = msg_new(w, SITE_OCSP, 0);
		msg_put_bytes(m, s->certs[i].ocsp, s->certs[i].ocsp_len);
		msg_send(m);
	}
}

int
site_get(struct site *s, struct msg *m)
{
	switch (m->type) {
	case SITE_BASE:
		return get_base(s, m);
	case SITE_DOMAIN:
		return get_domain(s, m);
	case SITE_CERT:
		return get_cert(s, m);
	case SITE_OCSP:
		return get_ocsp(s, m);
	default:
		return 0;
	}
}

void
site_clear(struct site *s)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		free(s->certs[i].chain);
		free(s->certs[i].ocsp);
	}
	free(s->certs);
	free(s->domains);
	memset(s, 0, sizeof(*s));
}

void *
site_grow(void *list, size_t old, size_t n, size_t size)
{
	list = recallocarray(list, old, old + n, size);
	if (list == NULL)
		fatal("recallocarray");
	return list;
}

static int
get_base(struct site *s, struct msg *m)
{
	(void)msg_get_str(m, s->hostname, sizeof(s->hostname));
	(void)msg_get_str(m, s->product, sizeof(s->product));
	s->log_addresses = msg_get_u8(m) != 0;
	s->codec = msg_get_u8(m);
	s->generation = msg_get_u32(m);
	s->ticket_seconds = msg_get_u32(m);
	return msg_end(m) == -1 ? -1 : 1;
}

static int
get_domain(struct site *s, struct msg *m)
{
	if (s->n_domains == SITE_DOMAINS_MAX)
		return -1;
	s->domains = site_grow(
	    s->domains, s->n_domains, 1, sizeof(*s->domains));
	(void)msg_get_str(
	    m, s->domains[s->n_domains], sizeof(s->domains[s->n_domains]));
	if (msg_end(m) == -1)
		return -1;
	s->n_domains++;
	return 1;
}

static int
get_cert(struct site *s, struct msg *m)
{
	struct site_cert *c;
	const uint8_t *chain;

	if (s->n_certs == SITE_CERTS_MAX)
		return -1;
	s->certs = site_grow(s->certs, s->n_certs, 1, sizeof(*s->certs));
	c = &s->certs[s->n_certs];
	(void)msg_get_str(m, c->name, sizeof(c->name));
	chain = msg_get_bytes(m, &c->len, SITE_CHAIN_MAX);
	if (msg_end(m) == -1)
		return -1;
	c->chain = malloc(c->len + 1);
	if (c->chain == NULL)
		fatal("malloc");
	memcpy(c->chain, chain, c->len);
	c->chain[c->len] = '\0';
	s->n_certs++;
	return 1;
}

static int
get_ocsp(struct site *s, struct msg *m)
{
	struct site_cert *c;
	const uint8_t *ocsp;
	size_t len;

	ocsp = msg_get_bytes(m, &len, SITE_OCSP_MAX);
	if (msg_end(m) == -1 || len == 0 || s->n_certs == 0 ||
	    s->certs[s->n_certs - 1].ocsp != NULL)
		return -1;
	c = &s->certs[s->n_certs - 1];
	c->ocsp = malloc(len);
	if (c->ocsp == NULL)
		fatal("malloc");
	memcpy(c->ocsp, ocsp, len);
	c->ocsp_len = len;
	return 1;
}

void
site_cert_is_send(const struct site_cert_is *is)
{
	struct msgout *m;

	m = proc_parent_new(SITE_CERT_IS, 0);
	msg_put_u32(m, is->generation);
	msg_put_str(m, is->name);
	msg_put_u8(m, (uint8_t)is->state);
	msg_put_u8(m, (uint8_t)is->ocsp);
	msg_put_i64(m, is->expires);
	msg_put_raw(m, is->spki, sizeof(is->spki));
	msg_put_str(m, is->reason);
	msg_send(m);
}

int
site_cert_is_get(struct msg *m, struct site_cert_is *is)
{
	uint8_t state, ocsp;

	memset(is, 0, sizeof(*is));
	is->generation = msg_get_u32(m);
	(void)msg_get_str(m, is->name, sizeof(is->name));
	state = msg_get_u8(m);
	ocsp = msg_get_u8(m);
	is->expires = msg_get_i64(m);
	(void)msg_get_raw(m, is->spki, sizeof(is->spki));
	(void)msg_get_str(m, is->reason, sizeof(is->reason));
	if (msg_end(m) == -1 || state > SITE_CERT_NONE ||
	    ocsp > SITE_OCSP_BROKEN)
		return -1;
	is->state = (enum site_cert_state)state;
	is->ocsp = (enum site_ocsp_state)ocsp;
	return 0;
}
