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
 * The slices of smtp_config.h on the wire between sealsmtpd's parent and its
 * roles, put and get side by side.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "proc.h"

#include "../smtp_config.h"

#define ALIASES_STEP 1024 /* room for so many more at a time */

static void put_aliases(struct wire *, const struct smtp_slice *);
static int get_base(struct smtp_slice *, struct msg *);
static int get_listener(struct smtp_slice *, struct msg *);
static int get_aliases(struct smtp_slice *, struct msg *);
static int get_alias(struct smtp_slice *, struct msg *);
static void put_nets(struct wire *, uint32_t, const struct smtp_net *, size_t);
static int get_nets(struct smtp_net **, size_t *, struct msg *);
static bool
nets_hold(const struct smtp_net *, size_t, const struct sockaddr_storage *);
static bool net_holds(const struct smtp_net *, uint8_t, const uint8_t *);

struct smtp_slice *
smtp_slice_new(void)
{
	struct smtp_slice *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	return s;
}

void
smtp_slice_free(struct smtp_slice *s)
{
	if (s == NULL)
		return;
	site_clear(&s->site);
	for (size_t i = 0; i < s->n_aliases; i++) {
		free(s->aliases[i].alias);
		free(s->aliases[i].target);
	}
	free(s->aliases);
	free(s->relay);
	free(s->except);
	free(s->listeners);
	free(s);
}

void
smtp_slice_put(struct wire *w, const struct smtp_slice *s)
{
	struct msgout *m;

	site_put(w, &s->site);
	m = msg_new(w, SMTP_ENGINE_BASE, 0);
	msg_put_u64(m, s->message_max);
	msg_put_u32(m, s->rcpt_max);
	msg_put_u32(m, s->messages_max);
	msg_put_u32(m, s->command_seconds);
	msg_put_u32(m, s->errors_max);
	msg_put_u32(m, s->received_max);
	msg_put_u32(m, s->login_failures);
	msg_put_u8(m, s->scram);
	msg_put_u8(m, s->show_agent);
	msg_put_u8(m, (uint8_t)s->dmarc);
	msg_send(m);
	for (size_t i = 0; i < s->n_listeners; i++) {
		m = msg_new(w, SMTP_ENGINE_LISTENER, 0);
		msg_put_u8(m, (uint8_t)s->listeners[i].kind);
		msg_put_u8(m, (uint8_t)s->listeners[i].tls);
		msg_put_u8(m, s->listeners[i].only_tls13);
		msg_put_u64(m, s->listeners[i].certs);
		msg_send(m);
	}
	put_aliases(w, s);
	put_nets(w, SMTP_ENGINE_RELAY, s->relay, s->n_relay);
	put_nets(w, SMTP_ENGINE_EXCEPT, s->except, s->n_except);
}

static void
put_nets(struct wire *w, uint32_t type, const struct smtp_net *nets, size_t n)
{
	struct msgout *m;

	if (n == 0)
		return;
	m = msg_new(w, type, 0);
	for (size_t i = 0; i < n && i < SMTP_NETS_MAX; i++) {
		msg_put_u8(m, nets[i].version);
		msg_put_raw(m, nets[i].address, sizeof(nets[i].address));
		msg_put_u8(m, nets[i].bits);
	}
	msg_send(m);
}

/* As many to a message as fit. */
static void
put_aliases(struct wire *w, const struct smtp_slice *s)
{
	struct msgout *m;
	size_t need;

	m = NULL;
	for (size_t i = 0; i < s->n_aliases; i++) {
		need = 8 + strlen(s->aliases[i].alias) +
		    strlen(s->aliases[i].target);
		if (m != NULL && msg_room(m) < need) {
			msg_send(m);
			m = NULL;
		}
		if (m == NULL)
			m = msg_new(w, SMTP_ENGINE_ALIASES, 0);
		msg_put_str(m, s->aliases[i].alias);
		msg_put_str(m, s->aliases[i].target);
	}
	if (m != NULL)
		msg_send(m);
}

int
smtp_slice_get(struct smtp_slice *s, struct msg *m)
{
	int got;

	got = site_get(&s->site, m);
	if (got != 0)
		return got == 1 ? 0 : -1;
	switch (m->type) {
	case SMTP_ENGINE_BASE:
		return get_base(s, m);
	case SMTP_ENGINE_LISTENER:
		return get_listener(s, m);
	case SMTP_ENGINE_ALIASES:
		return get_aliases(s, m);
	case SMTP_ENGINE_RELAY:
		return get_nets(&s->relay, &s->n_relay, m);
	case SMTP_ENGINE_EXCEPT:
		return get_nets(&s->except, &s->n_except, m);
	default:
		return -1;
	}
}

const struct smtp_alias *
smtp_slice_alias(const struct smtp_slice *s, const char *alias)
{
	size_t low, high, middle;

	low = 0;
	high = s->n_aliases;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(s->aliases[middle].alias, alias) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->n_aliases || strcmp(s->aliases[low].alias, alias) != 0)
		return NULL;
	return &s->aliases[low];
}

bool
smtp_slice_relays(const struct smtp_slice *s, const struct sockaddr_storage *ss)
{
	return nets_hold(s->relay, s->n_relay, ss);
}

bool
smtp_slice_excepts(
    const struct smtp_slice *s, const struct sockaddr_storage *ss)
{
	return nets_hold(s->except, s->n_except, ss);
}

static bool
nets_hold(
    const struct smtp_net *nets, size_t n, const struct sockaddr_storage *ss)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
	uint8_t address[16], version;

	memset(address, 0, sizeof(address));
	if (ss->ss_family == AF_INET) {
		memcpy(&sin, ss, sizeof(sin));
		memcpy(address, &sin.sin_addr, sizeof(sin.sin_addr));
		version = 4;
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		memcpy(address, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
		version = 6;
	} else
		return false;
	for (size_t i = 0; i < n; i++)
		if (net_holds(&nets[i], version, address))
			return true;
	return false;
}

static bool
net_holds(const struct smtp_net *net, uint8_t version, const uint8_t *address)
{
	unsigned int whole, rest;

	if (net->version != version)
		return false;
	whole = net->bits / 8;
	rest = net->bits % 8;
	if (memcmp(net->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	    ((net->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static int
get_base(struct smtp_slice *s, struct msg *m)
{
	uint8_t dmarc;

	s->message_max = msg_get_u64(m);
	s->rcpt_max = msg_get_u32(m);
	s->messages_max = msg_get_u32(m);
	s->command_seconds = msg_get_u32(m);
	s->errors_max = msg_get_u32(m);
	s->received_max = msg_get_u32(m);
	s->login_failures = msg_get_u32(m);
	s->scram = msg_get_u8(m) != 0;
	s->show_agent = msg_get_u8(m) != 0;
	dmarc = msg_get_u8(m);
	if (dmarc > SMTP_DMARC_ENFORCE)
		return -1;
	s->dmarc = (enum smtp_dmarc)dmarc;
	return msg_end(m);
}

static int
get_listener(struct smtp_slice *s, struct msg *m)
{
	struct smtp_listen *l;
	uint8_t kind, tls;

	if (s->n_listeners == SMTP_LISTENERS_MAX)
		return -1;
	s->listeners = site_grow(
	    s->listeners, s->n_listeners, 1, sizeof(*s->listeners));
	l = &s->listeners[s->n_listeners];
	kind = msg_get_u8(m);
	tls = msg_get_u8(m);
	l->only_tls13 = msg_get_u8(m) != 0;
	l->certs = msg_get_u64(m);
	if (msg_end(m) == -1 || kind < SMTP_LISTEN_SMTP ||
	    kind > SMTP_LISTEN_SUBMISSION || tls > SMTP_TLS_FIRST)
		return -1;
	l->kind = (enum smtp_listener)kind;
	l->tls = (enum smtp_tls)tls;
	s->n_listeners++;
	return 0;
}

static int
get_aliases(struct smtp_slice *s, struct msg *m)
{
	while (m->off < m->len) {
		if (get_alias(s, m) == -1)
			return -1;
	}
	return msg_end(m);
}

/* They must come sorted: smtp_slice_alias() halves. */
static int
get_alias(struct smtp_slice *s, struct msg *m)
{
	char alias[SMTP_ADDRESS_MAX], target[SMTP_ADDRESS_MAX];
	struct smtp_alias *a;

	if (s->n_aliases == SMTP_ALIASES_MAX)
		return -1;
	(void)msg_get_str(m, alias, sizeof(alias));
	(void)msg_get_str(m, target, sizeof(target));
	if (m->bad)
		return -1;
	if (s->n_aliases > 0 &&
	    strcmp(s->aliases[s->n_aliases - 1].alias, alias) > 0)
		return -1;
	if (s->n_aliases % ALIASES_STEP == 0)
		s->aliases = site_grow(s->aliases, s->n_aliases, ALIASES_STEP,
		    sizeof(*s->aliases));
	a = &s->aliases[s->n_aliases++];
	a->alias = strdup(alias);
	a->target = strdup(target);
	if (a->alias == NULL || a->target == NULL)
		fatal("strdup");
	return 0;
}

static int
get_nets(struct smtp_net **nets, size_t *n, struct msg *m)
{
	struct smtp_net *net;

	while (m->off < m->len) {
		if (*n == SMTP_NETS_MAX)
			return -1;
		*nets = site_grow(*nets, *n, 1, sizeof(*net));
		net = &(*nets)[(*n)++];
		net->version = msg_get_u8(m);
		(void)msg_get_raw(m, net->address, sizeof(net->address));
		net->bits = msg_get_u8(m);
		if (m->bad || (net->version != 4 && net->version != 6) ||
		    net->bits > (net->version == 4 ? 32 : 128))
			return -1;
	}
	return msg_end(m);
}

struct deliver_slice *
deliver_slice_new(void)
{
	struct deliver_slice *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	return s;
}

void
deliver_slice_free(struct deliver_slice *s)
{
	free(s);
}

void
deliver_slice_put(struct wire *w, const struct deliver_slice *s)
{
	struct msgout *m;

	m = msg_new(w, SMTP_DELIVER_BASE, 0);
	msg_put_str(m, s->hostname);
	msg_put_u8(m, s->host_index);
	msg_put_u8(m, s->log_addresses);
	msg_put_u64(m, s->free_bytes);
	msg_put_u64(m, s->free_inodes);
	msg_send(m);
}

int
deliver_slice_get(struct deliver_slice *s, struct msg *m)
{
	if (m->type != SMTP_DELIVER_BASE)
		return -1;
	(void)msg_get_str(m, s->hostname, sizeof(s->hostname));
	s->host_index = msg_get_u8(m);
	s->log_addresses = msg_get_u8(m) != 0;
	s->free_bytes = msg_get_u64(m);
	s->free_inodes = msg_get_u64(m);
	return msg_end(m) == -1 || s->host_index > 1 ? -1 : 0;
}
