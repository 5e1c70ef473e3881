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
#include "site.h"

static int get_base(struct site *, struct msg *);
static int get_domain(struct site *, struct msg *);
static int get_cert(struct site *, struct msg *);

void
site_put(struct wire *w, const struct site *s)
{
	struct msgout *m;

	m = msg_new(w, SITE_BASE, 0);
	msg_put_str(m, s->hostname);
	msg_put_str(m, s->product);
	msg_put_u8(m, s->log_addresses);
	msg_put_u8(m, s->codec);
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
	default:
		return 0;
	}
}

void
site_clear(struct site *s)
{
	for (size_t i = 0; i < s->n_certs; i++)
		free(s->certs[i].chain);
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
