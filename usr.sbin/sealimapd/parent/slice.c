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
 * The slices of imap_config.h on the wire between sealimapd's parent and its
 * roles, put and get side by side.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "proc.h"

#include "../imap_config.h"

static int get_engine_base(struct engine_slice *, struct msg *);
static int get_engine_listener(struct engine_slice *, struct msg *);
static int get_store_base(struct store_slice *, struct msg *);
static int get_store_domain(struct store_slice *, struct msg *);
static int get_administrator(struct store_slice *, struct msg *);

struct engine_slice *
engine_slice_new(void)
{
	struct engine_slice *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	return s;
}

void
engine_slice_free(struct engine_slice *s)
{
	if (s == NULL)
		return;
	site_clear(&s->site);
	free(s->listeners);
	free(s);
}

void
engine_slice_put(struct wire *w, const struct engine_slice *s)
{
	struct msgout *m;

	site_put(w, &s->site);
	m = msg_new(w, IMAP_ENGINE_BASE, 0);
	msg_put_u8(m, s->isolated);
	msg_put_u64(m, s->literal_max);
	msg_put_u32(m, s->idle_seconds);
	msg_put_u32(m, s->login_seconds);
	msg_put_u32(m, s->sessions_max);
	msg_put_u32(m, s->login_failures);
	msg_put_u32(m, s->command_messages);
	msg_put_u8(m, s->scram);
	msg_send(m);
	for (size_t i = 0; i < s->n_listeners; i++) {
		m = msg_new(w, IMAP_ENGINE_LISTENER, 0);
		msg_put_u8(m, (uint8_t)s->listeners[i].kind);
		msg_put_u8(m, s->listeners[i].only_tls13);
		msg_put_u64(m, s->listeners[i].certs);
		msg_send(m);
	}
}

int
engine_slice_get(struct engine_slice *s, struct msg *m)
{
	int got;

	got = site_get(&s->site, m);
	if (got != 0)
		return got == 1 ? 0 : -1;
	switch (m->type) {
	case IMAP_ENGINE_BASE:
		return get_engine_base(s, m);
	case IMAP_ENGINE_LISTENER:
		return get_engine_listener(s, m);
	default:
		return -1;
	}
}

static int
get_engine_base(struct engine_slice *s, struct msg *m)
{
	s->isolated = msg_get_u8(m) != 0;
	s->literal_max = msg_get_u64(m);
	s->idle_seconds = msg_get_u32(m);
	s->login_seconds = msg_get_u32(m);
	s->sessions_max = msg_get_u32(m);
	s->login_failures = msg_get_u32(m);
	s->command_messages = msg_get_u32(m);
	s->scram = msg_get_u8(m) != 0;
	return msg_end(m);
}

static int
get_engine_listener(struct engine_slice *s, struct msg *m)
{
	struct imap_listen *l;
	uint8_t kind;

	if (s->n_listeners == IMAP_LISTENERS_MAX)
		return -1;
	s->listeners = site_grow(
	    s->listeners, s->n_listeners, 1, sizeof(*s->listeners));
	l = &s->listeners[s->n_listeners];
	kind = msg_get_u8(m);
	l->only_tls13 = msg_get_u8(m) != 0;
	l->certs = msg_get_u64(m);
	if (msg_end(m) == -1 || kind < IMAP_LISTEN_IMAPS ||
	    kind > IMAP_LISTEN_STARTTLS)
		return -1;
	l->kind = (enum imap_listener)kind;
	s->n_listeners++;
	return 0;
}

struct store_slice *
store_slice_new(void)
{
	struct store_slice *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	return s;
}

void
store_slice_free(struct store_slice *s)
{
	if (s == NULL)
		return;
	free(s->domains);
	free(s->administrators);
	free(s);
}

void
store_slice_put(struct wire *w, const struct store_slice *s)
{
	struct msgout *m;

	m = msg_new(w, IMAP_STORE_BASE, 0);
	msg_put_u8(m, s->host_index);
	msg_put_u8(m, s->log_addresses);
	msg_put_u32(m, s->linger);
	msg_put_u32(m, s->sessions_max);
	msg_put_u32(m, s->derivations);
	msg_put_u32(m, s->failures_source);
	msg_put_u32(m, s->failures_user);
	msg_put_u64(m, s->quota);
	msg_send(m);
	for (size_t i = 0; i < s->n_domains; i++) {
		m = msg_new(w, IMAP_STORE_DOMAIN, 0);
		msg_put_str(m, s->domains[i].name);
		msg_put_u32(m, s->domains[i].kdf_kib);
		msg_put_u32(m, s->domains[i].kdf_passes);
		msg_put_u64(m, s->domains[i].quota);
		msg_put_u32(m, s->domains[i].trash_days);
		msg_put_u32(m, s->domains[i].spam_days);
		msg_put_u32(m, s->domains[i].waiting_days);
		msg_put_u32(m, s->domains[i].messages_hour);
		msg_put_u32(m, s->domains[i].recipients_hour);
		msg_put_bytes(m, s->domains[i].escrow_key,
		    s->domains[i].escrow ? IMAP_ESCROW_LEN : 0);
		msg_send(m);
	}
	for (size_t i = 0; i < s->n_administrators; i++) {
		m = msg_new(w, IMAP_STORE_ADMINISTRATOR, 0);
		msg_put_str(m, s->administrators[i]);
		msg_send(m);
	}
}

int
store_slice_get(struct store_slice *s, struct msg *m)
{
	switch (m->type) {
	case IMAP_STORE_BASE:
		return get_store_base(s, m);
	case IMAP_STORE_DOMAIN:
		return get_store_domain(s, m);
	case IMAP_STORE_ADMINISTRATOR:
		return get_administrator(s, m);
	default:
		return -1;
	}
}

static int
get_store_base(struct store_slice *s, struct msg *m)
{
	s->host_index = msg_get_u8(m);
	s->log_addresses = msg_get_u8(m) != 0;
	s->linger = msg_get_u32(m);
	s->sessions_max = msg_get_u32(m);
	s->derivations = msg_get_u32(m);
	s->failures_source = msg_get_u32(m);
	s->failures_user = msg_get_u32(m);
	s->quota = msg_get_u64(m);
	return msg_end(m) == -1 || s->host_index > 1 ? -1 : 0;
}

static int
get_administrator(struct store_slice *s, struct msg *m)
{
	s->administrators = site_grow(s->administrators, s->n_administrators, 1,
	    sizeof(*s->administrators));
	(void)msg_get_str(m, s->administrators[s->n_administrators],
	    sizeof(*s->administrators));
	if (msg_end(m) == -1)
		return -1;
	s->n_administrators++;
	return 0;
}

static int
get_store_domain(struct store_slice *s, struct msg *m)
{
	struct store_domain *d;
	const uint8_t *key;
	size_t len;

	if (s->n_domains == SITE_DOMAINS_MAX)
		return -1;
	s->domains = site_grow(
	    s->domains, s->n_domains, 1, sizeof(*s->domains));
	d = &s->domains[s->n_domains];
	(void)msg_get_str(m, d->name, sizeof(d->name));
	d->kdf_kib = msg_get_u32(m);
	d->kdf_passes = msg_get_u32(m);
	d->quota = msg_get_u64(m);
	d->trash_days = msg_get_u32(m);
	d->spam_days = msg_get_u32(m);
	d->waiting_days = msg_get_u32(m);
	d->messages_hour = msg_get_u32(m);
	d->recipients_hour = msg_get_u32(m);
	key = msg_get_bytes(m, &len, IMAP_ESCROW_LEN);
	d->escrow = !m->bad && len == IMAP_ESCROW_LEN;
	if (d->escrow)
		memcpy(d->escrow_key, key, len);
	if (msg_end(m) == -1 || (len != 0 && !d->escrow))
		return -1;
	s->n_domains++;
	return 0;
}
