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
 * Engines ask, sealkeys answers at once, in order: signatures, and which keys
 * there are.  Unasked they get the keys of tickets.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keyset.h"
#include "log.h"
#include "msg.h"
#include "serve.h"
#include "ticket.h"

struct engine {
	LIST_ENTRY(engine) entry;
	struct wire *wire;
	bool alone; /* a child: no keys of tickets */
};

static LIST_HEAD(, engine) engines = LIST_HEAD_INITIALIZER(engines);
static struct keyset *keys;
static uint32_t generation;
static struct event ev_expire, ev_rotate;
static bool has_tickets;

static void on_request(struct wire *, struct msg *, void *);
static void on_gone(struct wire *, void *);
static int on_have(struct wire *, struct msg *);
static int on_wire(struct msg *);
static int on_sign(struct wire *, struct msg *);
static void on_expire(int, short, void *);
static void on_rotate(int, short, void *);
static void send_tickets(struct wire *);
static void again(struct event *, unsigned int);
static time_t uptime(void);

static struct engine *
engine_new(int fd)
{
	struct engine *e;

	e = calloc(1, sizeof(*e));
	if (e == NULL)
		fatal("engine");
	e->wire = wire_new(fd, on_request, on_gone, e);
	LIST_INSERT_HEAD(&engines, e, entry);
	return e;
}

void
serve_wire(int fd)
{
	struct engine *e;

	e = engine_new(fd);
	if (has_tickets)
		send_tickets(e->wire);
}

bool
serve_any(void)
{
	return !LIST_EMPTY(&engines);
}

void
serve_keys(struct keyset *set, uint32_t number)
{
	keyset_inherit(set, keys, uptime());
	keyset_free(keys);
	keys = set;
	generation = number;
	if (!evtimer_initialized(&ev_expire))
		evtimer_set(&ev_expire, on_expire, NULL);
	on_expire(-1, 0, NULL);
}

void
serve_tickets(uint32_t life)
{
	if (!has_tickets)
		evtimer_set(&ev_rotate, on_rotate, NULL);
	has_tickets = true;
	ticket_life(life, uptime());
	on_rotate(-1, 0, NULL);
}

static void
on_gone(struct wire *w, void *arg)
{
	struct engine *e;

	e = arg;
	LIST_REMOVE(e, entry);
	wire_free(w);
	free(e);
}

static void
on_request(struct wire *w, struct msg *m, void *arg)
{
	int ret;

	/* One that asks without reading the answers. */
	if (wire_queued(w) > MSG_HIGH) {
		log_warnx("engine reads no answers");
		wire_fail(w);
		return;
	}
	switch (m->type) {
	case KEYS_SIGN:
		ret = on_sign(w, m);
		break;
	case KEYS_HAVE:
		ret = on_have(w, m);
		break;
	case KEYS_WIRE:
		ret = on_wire(m);
		break;
	default:
		ret = -1;
		break;
	}
	if (ret == -1) {
		log_warnx("engine sent nonsense type=%u", m->type);
		wire_fail(w);
	}
}

static int
on_sign(struct wire *w, struct msg *m)
{
	uint8_t id[KEYS_ID_LEN], sig[KEYS_SIGNATURE_MAX];
	struct msgout *out;
	const uint8_t *data;
	size_t len, n;
	uint8_t how;

	how = msg_get_u8(m);
	(void)msg_get_raw(m, id, sizeof(id));
	data = msg_get_bytes(m, &len, KEYS_DIGEST_MAX);
	if (msg_end(m) == -1)
		return -1;
	n = 0;
	if (keys != NULL && how >= KEYS_RSA_PKCS1 && how <= KEYS_ECDSA)
		n = keyset_sign(keys, how, id, data, len, sig);
	report_signature(n > 0);
	if (n == 0) {
		log_warnx("refused how=%u len=%zu key=%02x%02x%02x%02x", how,
		    len, id[0], id[1], id[2], id[3]);
		msg_signal(w, KEYS_REFUSED, m->id);
		return 0;
	}
	out = msg_new(w, KEYS_SIGNED, m->id);
	msg_put_bytes(out, sig, n);
	msg_send(out);
	explicit_bzero(sig, sizeof(sig));
	return 0;
}

/* An engine's child, as it says: no more than the engine could ask itself. */
static int
on_wire(struct msg *m)
{
	int fd;

	fd = msg_get_fd(m);
	if (msg_end(m) == -1) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	engine_new(fd)->alone = true;
	return 0;
}

static int
on_have(struct wire *w, struct msg *m)
{
	uint8_t id[KEYS_ID_LEN];
	struct msgout *out;
	enum keys_have have;

	(void)msg_get_raw(m, id, sizeof(id));
	if (msg_end(m) == -1)
		return -1;
	have = KEYS_HAVE_NOT;
	if (keys != NULL) {
		have = keyset_have(keys, id, uptime());
		on_expire(-1, 0, NULL);
	}
	out = msg_new(w, KEYS_HAVE_IS, m->id);
	msg_put_u32(out, generation);
	msg_put_u8(out, (uint8_t)have);
	msg_send(out);
	return 0;
}

static void
on_expire(int fd, short what, void *arg)
{
	unsigned int next;

	next = keyset_expire(keys, uptime());
	if (next > 0)
		again(&ev_expire, next);
}

static void
on_rotate(int fd, short what, void *arg)
{
	struct engine *e;

	again(&ev_rotate, ticket_rotate(uptime()));
	LIST_FOREACH (e, &engines, entry) {
		if (!e->alone)
			send_tickets(e->wire);
	}
}

static void
send_tickets(struct wire *w)
{
	struct msgout *out;

	/* It reads nothing: it will be dropped when it asks. */
	if (wire_queued(w) > MSG_HIGH)
		return;
	out = msg_new(w, KEYS_TICKETS_ARE, 0);
	ticket_put(out, uptime());
	msg_send(out);
}

static void
again(struct event *ev, unsigned int seconds)
{
	struct timeval tv;

	tv.tv_sec = (time_t)seconds;
	tv.tv_usec = 0;
	if (evtimer_add(ev, &tv) == -1)
		fatalx("evtimer_add");
}

static time_t
uptime(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec;
}
