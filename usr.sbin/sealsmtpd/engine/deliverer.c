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
 * Wires to smtp-deliver: questions about recipients, and messages.  Each one
 * has an id until its answer; when a deliverer dies, everything it owed is
 * answered with "trouble" here, and the client tries again.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "engine.h"

#define DELIVERERS_MAX 64
#define GIVE_UP_SECONDS 20 /* without any deliverer: the parent starts anew */

struct deliverer {
	struct wire *wire;
	struct event produce;
	unsigned int instance;
	unsigned int messages; /* open ones */
	size_t targets;        /* of these */
	bool greeted;
	bool full;
};

struct ask {
	RB_ENTRY(ask) entry;
	LIST_ENTRY(ask) of_session;
	uint32_t id;
	struct session *session; /* NULL: it is gone, see ask_leave() */
	struct deliverer *deliverer;
	size_t target;
	struct message *message; /* NULL: a question */
	size_t targets;          /* of it */
};
RB_HEAD(ask_tree, ask);

static struct ask_tree asks = RB_INITIALIZER(&asks);
static struct deliverer *deliverers[DELIVERERS_MAX];
static size_t ndeliverers;
static uint32_t last_id;
static struct event give_up;

static int ask_compare(const struct ask *, const struct ask *);
static struct ask *ask_new(struct session *, struct deliverer *);
static struct ask *ask_find(uint32_t, const struct deliverer *);
static void deliverer_handle(struct wire *, struct msg *, void *);
static void deliverer_gone(struct wire *, void *);
static void deliverer_end(struct deliverer *);
static void deliverer_room(struct wire *, void *);
static void deliverer_give_up(int, short, void *);
static int deliverer_hello(struct deliverer *, struct msg *);
static int deliverer_checked(struct deliverer *, struct msg *);
static int deliverer_answer(struct deliverer *, struct msg *);

RB_PROTOTYPE(ask_tree, ask, entry, ask_compare)
RB_GENERATE(ask_tree, ask, entry, ask_compare)

void
deliverer_start(unsigned int instance, int fd)
{
	struct deliverer *d;
	struct msgout *out;

	for (size_t i = 0; i < ndeliverers; i++)
		if (deliverers[i]->instance == instance) {
			deliverer_end(deliverers[i]);
			break;
		}
	if (ndeliverers == DELIVERERS_MAX)
		fatalx("more than %d deliverers", DELIVERERS_MAX);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		fatal("calloc");
	d->instance = instance;
	d->wire = wire_new(fd, deliverer_handle, deliverer_gone, d);
	deliverers[ndeliverers++] = d;
	if (event_initialized(&give_up))
		evtimer_del(&give_up);
	out = msg_new(d->wire, DELIVER_HELLO, 0);
	msg_put_u32(out, DELIVER_VERSION);
	msg_send(out);
}

/* The same account goes to the same one, which then knows its keys. */
struct deliverer *
deliverer_for(const char *account)
{
	uint32_t hash;

	if (ndeliverers == 0)
		return NULL;
	hash = 2166136261U;
	for (; *account != '\0'; account++)
		hash = (hash ^ (uint8_t)*account) * 16777619U;
	return deliverers[hash % ndeliverers];
}

struct deliverer *
deliverer_least(size_t targets)
{
	struct deliverer *d, *least;

	least = NULL;
	for (size_t i = 0; i < ndeliverers; i++) {
		d = deliverers[i];
		if (d->messages < DELIVER_OPEN_MAX &&
		    d->targets <= DELIVER_FILES_MAX - targets &&
		    (least == NULL || d->messages < least->messages))
			least = d;
	}
	return least;
}

struct ask *
deliverer_check(
    struct session *s, struct deliverer *d, size_t target, uint64_t size)
{
	struct ask *ask;
	struct msgout *out;

	ask = ask_new(s, d);
	ask->target = target;
	out = msg_new(d->wire, DELIVER_CHECK, ask->id);
	msg_put_str(out,
	    target == TARGET_OWN ? s->own.account : s->targets[target].account);
	msg_put_u64(out, size);
	msg_send(out);
	return ask;
}

struct ask *
deliverer_open(struct message *m, struct deliverer *d)
{
	struct ask *ask;

	ask = ask_new(m->session, d);
	ask->message = m;
	ask->targets = m->of != NULL ? 1 : m->session->ntargets;
	d->messages++;
	d->targets += ask->targets;
	return ask;
}

struct msgout *
deliverer_put(struct ask *ask)
{
	return msg_new(ask->deliverer->wire, DELIVER_PUT, ask->id);
}

/* True: the session is run again (session_resume()) when there is room. */
bool
deliverer_full(struct deliverer *d)
{
	if (!d->full && wire_queued(d->wire) > MSG_HIGH) {
		d->full = true;
		wire_produce(d->wire, deliverer_room);
	}
	return d->full;
}

void
ask_free(struct ask *ask)
{
	if (ask->message != NULL) {
		ask->deliverer->messages--;
		ask->deliverer->targets -= ask->targets;
	}
	RB_REMOVE(ask_tree, &asks, ask);
	if (ask->session != NULL)
		LIST_REMOVE(ask, of_session);
	free(ask);
}

/*
 * Its session is gone, and the delivery is not: it counts until its answer, as
 * it does for the deliverer.
 */
void
ask_leave(struct ask *ask)
{
	LIST_REMOVE(ask, of_session);
	ask->session = NULL;
}

/* The questions of a session that no longer wants to know. */
void
ask_free_all(struct session *s)
{
	struct ask *ask, *next;

	LIST_FOREACH_SAFE (ask, &s->asks, of_session, next)
		if (ask->message == NULL)
			ask_free(ask);
}

static int
ask_compare(const struct ask *a, const struct ask *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static struct ask *
ask_new(struct session *s, struct deliverer *d)
{
	struct ask *ask;

	ask = calloc(1, sizeof(*ask));
	if (ask == NULL)
		fatal("calloc");
	ask->session = s;
	ask->deliverer = d;
	do {
		ask->id = ++last_id;
	} while (ask->id == 0 || RB_FIND(ask_tree, &asks, ask) != NULL);
	RB_INSERT(ask_tree, &asks, ask);
	LIST_INSERT_HEAD(&s->asks, ask, of_session);
	return ask;
}

static struct ask *
ask_find(uint32_t id, const struct deliverer *d)
{
	struct ask key, *ask;

	memset(&key, 0, sizeof(key));
	key.id = id;
	ask = RB_FIND(ask_tree, &asks, &key);
	return ask != NULL && ask->deliverer == d ? ask : NULL;
}

static void
deliverer_handle(struct wire *wire, struct msg *msg, void *arg)
{
	struct deliverer *d;
	int r;

	d = arg;
	r = -1;
	if (!d->greeted) {
		if (msg->type == DELIVER_HELLO)
			r = deliverer_hello(d, msg);
	} else if (msg->type == DELIVER_CHECKED)
		r = deliverer_checked(d, msg);
	else if (msg->type == DELIVER_ANSWER)
		r = deliverer_answer(d, msg);
	if (r == -1) {
		log_warnx("bad message role=smtp-deliver instance=%u type=%u",
		    d->instance, msg->type);
		wire_fail(wire);
	}
}

static void
deliverer_gone(struct wire *wire, void *arg)
{
	(void)wire;
	deliverer_end(arg);
}

/* Everything it owes an answer for is in trouble. */
static void
deliverer_end(struct deliverer *d)
{
	struct timeval tv = {GIVE_UP_SECONDS, 0};
	struct session *s;
	struct message *message;
	struct ask *ask;
	size_t i, target;

	known_clear();
	for (i = 0; deliverers[i] != d; i++)
		;
	deliverers[i] = deliverers[--ndeliverers];
	for (;;) {
		RB_FOREACH (ask, ask_tree, &asks)
			if (ask->deliverer == d)
				break;
		if (ask == NULL)
			break;
		s = ask->session;
		target = ask->target;
		message = ask->message;
		ask_free(ask);
		if (s == NULL)
			continue;
		if (message == NULL) {
			rcpt_checked(s, target, DELIVER_TROUBLE, false);
			continue;
		}
		message->ask = NULL;
		message->deliverer = NULL;
		if (s->state != SESSION_COMMIT) {
			message_lost(message);
			continue;
		}
		if (message->of != NULL)
			s->own.result = DELIVER_TROUBLE;
		else
			for (i = 0; i < s->ntargets; i++)
				s->targets[i].result = DELIVER_TROUBLE;
		data_delivered(s);
	}
	wire_free(d->wire);
	free(d);
	if (ndeliverers == 0) {
		evtimer_set(&give_up, deliverer_give_up, NULL);
		evtimer_add(&give_up, &tv);
	}
}

static void
deliverer_give_up(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fatalx("no deliverer for %d seconds", GIVE_UP_SECONDS);
}

/* Its queue is empty: sessions may go on. */
static void
deliverer_room(struct wire *wire, void *arg)
{
	struct deliverer *d;

	d = arg;
	wire_produce(wire, NULL);
	d->full = false;
	session_resume(d);
}

static int
deliverer_hello(struct deliverer *d, struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg_end(msg) == -1 || version != DELIVER_VERSION)
		return -1;
	d->greeted = true;
	return 0;
}

static int
deliverer_checked(struct deliverer *d, struct msg *msg)
{
	struct session *s;
	struct ask *ask;
	size_t target;
	uint8_t result, saves, plenty;

	result = msg_get_u8(msg);
	saves = msg_get_u8(msg);
	plenty = msg_get_u8(msg);
	if (msg_end(msg) == -1 || result > DELIVER_TROUBLE || saves > 1 ||
	    plenty > 1)
		return -1;
	ask = ask_find(msg->id, d);
	if (ask == NULL)
		return 0; /* the client is gone */
	if (ask->message != NULL)
		return -1;
	s = ask->session;
	target = ask->target;
	ask_free(ask);
	if (target != TARGET_OWN && result == DELIVER_DONE && plenty == 1)
		known_note(s->targets[target].account, s->mail.size);
	rcpt_checked(s, target, (enum deliver_result)result, saves == 1);
	return 0;
}

static int
deliverer_answer(struct deliverer *d, struct msg *msg)
{
	uint8_t results[DELIVER_TARGETS_MAX];
	struct session *s;
	struct message *m;
	struct ask *ask;
	uint16_t n;

	n = msg_get_u16(msg);
	if (n > DELIVER_TARGETS_MAX)
		return -1;
	for (uint16_t i = 0; i < n; i++) {
		results[i] = msg_get_u8(msg);
		if (results[i] > DELIVER_TROUBLE)
			return -1;
	}
	if (msg_end(msg) == -1)
		return -1;
	ask = ask_find(msg->id, d);
	if (ask == NULL)
		return 0;
	s = ask->session;
	if (s == NULL) {
		ask_free(ask);
		return 0;
	}
	m = ask->message;
	if (m == NULL || s->state != SESSION_COMMIT ||
	    n != (m->of != NULL ? 1 : s->ntargets))
		return -1;
	if (m->of != NULL)
		s->own.result = (enum deliver_result)results[0];
	for (uint16_t i = 0; m->of == NULL && i < n; i++) {
		s->targets[i].result = (enum deliver_result)results[i];
		if (results[i] != DELIVER_DONE)
			known_forget(s->targets[i].account);
	}
	ask_free(ask);
	m->ask = NULL;
	data_delivered(s);
	return 0;
}
