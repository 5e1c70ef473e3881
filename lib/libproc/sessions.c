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
 * The control wires of an engine.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "log.h"
#include "msg.h"
#include "sessions.h"

struct client {
	struct wire *wire;
	bool may_change;
};

/* Whom a CTL_KICK means. */
struct kick {
	enum ctl_kick by;
	uint64_t conn;
	char text[SESSIONS_ACCOUNT_MAX];
	uint32_t n;
};

struct list {
	struct wire *wire;
	uint32_t id;
};

static const struct sessions_ops *ops;
static unsigned int n_clients;

static void dispatch(struct wire *, struct msg *, void *);
static void gone(struct wire *, void *);
static void done(struct wire *, uint32_t, enum ctl_result, const char *);
static bool version_get(struct msg *);
static void on_sessions(struct client *, struct msg *);
static void on_kick(struct client *, struct msg *);
static bool list_one(const struct session_view *, void *);
static bool kick_one(const struct session_view *, void *);

void
sessions_begin(const struct sessions_ops *o)
{
	ops = o;
}

void
sessions_serve(int fd, bool may_change)
{
	struct client *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->may_change = may_change;
	c->wire = wire_new(fd, dispatch, gone, c);
	if (++n_clients > SESSIONS_CLIENTS_MAX)
		wire_fail(c->wire);
}

static void
dispatch(struct wire *w, struct msg *m, void *arg)
{
	struct client *c;

	c = arg;
	/* One that asks without reading the answers. */
	if (wire_queued(w) >= MSG_HIGH) {
		wire_fail(w);
		return;
	}
	switch (m->type) {
	case CTL_SESSIONS:
		on_sessions(c, m);
		break;
	case CTL_KICK:
		on_kick(c, m);
		break;
	default:
		done(w, m->id, CTL_INVALID, "unknown request");
		break;
	}
}

static void
gone(struct wire *w, void *arg)
{
	n_clients--;
	wire_free(w);
	free(arg);
}

static void
done(struct wire *w, uint32_t id, enum ctl_result result, const char *reason)
{
	struct msgout *m;

	m = msg_new(w, CTL_DONE, id);
	msg_put_u8(m, (uint8_t)result);
	msg_put_str(m, reason);
	msg_send(m);
}

static bool
version_get(struct msg *m)
{
	return msg_get_u32(m) == CTL_VERSION;
}

static void
on_sessions(struct client *c, struct msg *m)
{
	struct list list = {c->wire, m->id};

	if (!version_get(m) || msg_end(m) == -1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	ops->each(list_one, &list);
	done(c->wire, list.id, CTL_OK, "");
}

static bool
list_one(const struct session_view *s, void *arg)
{
	const struct list *list;
	struct msgout *m;

	list = arg;
	m = msg_new(list->wire, CTL_SESSION, list->id);
	msg_put_u64(m, s->conn);
	msg_put_str(m, s->protocol);
	msg_put_str(m, s->peer);
	msg_put_str(m, s->account == NULL ? "" : s->account);
	msg_put_str(m, s->tls == NULL ? "" : s->tls);
	msg_put_str(m, s->state);
	msg_put_i64(m, s->since);
	msg_put_i64(m, s->active);
	msg_put_u64(m, s->commands);
	msg_put_u64(m, s->received);
	msg_put_u64(m, s->sent);
	msg_send(m);
	return false;
}

static void
on_kick(struct client *c, struct msg *m)
{
	struct msgout *out;
	struct kick k;
	uint32_t id;
	uint8_t by;
	bool good;

	id = m->id;
	memset(&k, 0, sizeof(k));
	good = version_get(m);
	by = msg_get_u8(m);
	k.conn = msg_get_u64(m);
	(void)msg_get_str(m, k.text, sizeof(k.text));
	if (msg_end(m) == -1 || !good || by < CTL_KICK_SESSION ||
	    by > CTL_KICK_ADDRESS) {
		done(c->wire, id, CTL_INVALID, "malformed");
		return;
	}
	if (!c->may_change) {
		done(c->wire, id, CTL_DENIED, "");
		return;
	}
	k.by = (enum ctl_kick)by;
	ops->each(kick_one, &k);
	out = msg_new(c->wire, CTL_KICKED, id);
	msg_put_u32(out, k.n);
	msg_send(out);
	done(c->wire, id, CTL_OK, "");
}

static bool
kick_one(const struct session_view *s, void *arg)
{
	struct kick *k;
	bool hit;

	k = arg;
	hit = false;
	switch (k->by) {
	case CTL_KICK_SESSION:
		hit = s->conn == k->conn;
		break;
	case CTL_KICK_ACCOUNT:
		hit = s->account != NULL && strcmp(s->account, k->text) == 0;
		break;
	case CTL_KICK_ADDRESS:
		hit = strcmp(s->peer, k->text) == 0;
		break;
	}
	if (!hit)
		return false;
	log_info("kicked conn=%llu", (unsigned long long)s->conn);
	k->n++;
	return true;
}
