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
 * What senders are told: mail that failed, that is delayed, that went where no
 * further word will come from (RFC 3461, 3464, 5321 4.5.5).  An engine writes
 * the report, from nobody, and makes it durable; then the recipients that it
 * was about are done.  The null sender hears nothing.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "log.h"
#include "main.h"
#include "msg.h"
#include "peer.h"

#define TRIES_MAX 10     /* then a report is given up */
#define RETRY_SECONDS 60 /* between them */
#define LOOK_SECONDS 30  /* between looks at expiry and delays, at most */
#define RCPT_ROOM                                                 \
	(QUEUE_ADDRESS_MAX + QUEUE_ORCPT_MAX + QUEUE_STATUS_MAX + \
	    QUEUE_HOST_MAX + QUEUE_TEXT_MAX + 64)

struct report {
	TAILQ_ENTRY(report) entry; /* of those that wait */
	struct message *message;   /* NULL: it has left the queue */
	struct peer *peer;         /* who writes it, or NULL: it waits */
	enum queue_report kind;
	uint16_t *rcpts; /* indices that were told */
	uint16_t n;
	uint32_t id;
	unsigned int tries;
	int64_t next;
};

static struct report_list waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct event look_event, run_event;
static uint32_t next_id;

static void look(int, short, void *);
static void run(int, short, void *);
static bool look_expired(struct message *, int64_t);
static bool look_delayed(struct message *, int64_t);
static bool is_about(const struct rcpt *, enum queue_report);
static enum queue_report report_kind(const struct message *);
static struct peer *engine_free(void);
static void report_send(struct report *, struct peer *);
static void report_rcpts(struct report *, struct msgout *);
static void report_settle(struct report *);
static void report_wait(struct report *);
static void look_later(void);
static void report_free(struct report *);

void
report_init(void)
{
	evtimer_set(&run_event, run, NULL);
	evtimer_set(&look_event, look, NULL);
	look_later();
}

void
report_due(struct message *m)
{
	struct report *r;

	if (m->report != NULL || report_kind(m) == 0)
		return;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		fatal("calloc");
	r->message = m;
	m->report = r;
	TAILQ_INSERT_TAIL(&waiting, r, entry);
	reports_run();
}

void
reports_run(void)
{
	struct timeval now = {0};

	evtimer_add(&run_event, &now);
}

int
report_done(struct peer *peer, struct msg *msg)
{
	struct report *r;
	struct message *m;
	uint8_t done;

	done = msg_get_u8(msg);
	r = peer->report;
	if (msg_end(msg) == -1 || done > 1 || r == NULL || r->id != msg->id)
		return -1;
	peer->report = NULL;
	stream_stop(peer, r->id);
	m = r->message;
	if (m == NULL) {
		report_free(r);
		reports_run();
		return 0;
	}
	if (!done && ++r->tries < TRIES_MAX) {
		report_wait(r);
		return 0;
	}
	count_add(done ? COUNT_REPORTED : COUNT_NOT_REPORTED, 1);
	if (!done)
		log_warnx("queue: no report about trace=%s can be made",
		    log_vis(m->trace));
	report_settle(r);
	report_free(r);
	message_look(m);
	reports_run();
	return 0;
}

struct message *
report_message(struct peer *peer, uint32_t id)
{
	return peer->report != NULL && peer->report->id == id ?
	    peer->report->message :
	    NULL;
}

bool
report_is(const struct peer *peer, uint32_t id)
{
	return peer->report != NULL && peer->report->id == id;
}

/* Somebody else may have better luck with it, or worse. */
void
report_drop(struct peer *peer)
{
	struct report *r;

	r = peer->report;
	peer->report = NULL;
	if (r == NULL)
		return;
	if (r->message == NULL)
		report_free(r);
	else {
		r->tries++;
		report_wait(r);
	}
}

void
report_forget(struct message *m)
{
	struct report *r;

	r = m->report;
	m->report = NULL;
	if (r == NULL)
		return;
	r->message = NULL;
	if (r->peer == NULL)
		report_free(r);
}

enum rcpt_state
report_state(const struct message *m, const struct rcpt *r, bool failed)
{
	uint8_t asked;

	asked = r->notify;
	if (m->sender[0] == '\0' || (asked & QUEUE_NOTIFY_NEVER) != 0)
		return RCPT_DONE;
	if (failed)
		return asked == 0 || (asked & QUEUE_NOTIFY_FAILURE) != 0 ?
		    RCPT_FAILED :
		    RCPT_DONE;
	return (asked & QUEUE_NOTIFY_SUCCESS) != 0 ? RCPT_RELAYED : RCPT_DONE;
}

void
report_look(void)
{
	struct message *m, *next;
	int64_t now;
	bool changed;

	now = queue_now();
	TAILQ_FOREACH_SAFE (m, messages(), order, next) {
		changed = look_delayed(m, now);
		changed = look_expired(m, now) || changed;
		if (changed)
			message_look(m);
		else
			report_due(m);
	}
	look_later();
}

static void
look(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	report_look();
}

/* A time that is shorter than LOOK_SECONDS is looked at as often as it ends. */
static void
look_later(void)
{
	const struct queue_limits *l;
	struct timeval tv = {.tv_sec = LOOK_SECONDS};

	l = queue_limits();
	if (l->lifetime > 0 && l->lifetime < LOOK_SECONDS)
		tv.tv_sec = l->lifetime;
	if (l->warn > 0 && l->warn < tv.tv_sec)
		tv.tv_sec = l->warn;
	evtimer_add(&look_event, &tv);
}

static void
run(int fd, short what, void *arg)
{
	struct timeval tv = {.tv_sec = RETRY_SECONDS};
	struct report *r, *next;
	struct peer *peer;
	int64_t now;

	(void)fd;
	(void)what;
	(void)arg;
	now = queue_now();
	TAILQ_FOREACH_SAFE (r, &waiting, entry, next) {
		peer = engine_free();
		if (peer == NULL)
			break;
		if (r->next <= now)
			report_send(r, peer);
	}
	if (!TAILQ_EMPTY(&waiting))
		evtimer_add(&run_event, &tv);
}

/* It was tried for as long as it may be, and nobody tries just now. */
static bool
look_expired(struct message *m, int64_t now)
{
	char host[QUEUE_HOST_MAX], text[QUEUE_TEXT_MAX];
	const struct verdict *v;
	struct rcpt *r;
	bool changed;

	if (now < m->expiry)
		return false;
	changed = false;
	for (uint16_t i = 0; i < m->n; i++) {
		r = &m->rcpts[i];
		if (r->state != RCPT_WAIT || r->work == NULL ||
		    r->work->active || r->work->held || r->work->dest->held ||
		    sched_held())
			continue;
		v = rcpt_last(r);
		(void)strlcpy(
		    host, v->host != NULL ? v->host : "", sizeof(host));
		(void)strlcpy(text,
		    v->text != NULL && v->text[0] != '\0' ?
			v->text :
			"Delivery time expired",
		    sizeof(text));
		rcpt_verdict(r, now, v->code, "4.4.7", host, text);
		log_info("expired trace=%s to=%s", log_vis(m->trace),
		    log_addr(r->address));
		rcpt_settle(m, r, report_state(m, r, true));
		note_rcpt(m, i);
		changed = true;
	}
	return changed;
}

/* RFC 3461 4.1: who says NOTIFY without DELAY wants no warning. */
static bool
look_delayed(struct message *m, int64_t now)
{
	uint32_t warn;
	struct rcpt *r;
	bool changed;

	warn = queue_limits()->warn;
	/* When it arrived is an engine's word. */
	if (warn == 0 || now - (int64_t)warn < m->arrival ||
	    m->sender[0] == '\0')
		return false;
	changed = false;
	for (uint16_t i = 0; i < m->n; i++) {
		r = &m->rcpts[i];
		if (r->state != RCPT_WAIT || r->warned || r->warning ||
		    (r->notify != 0 && (r->notify & QUEUE_NOTIFY_DELAY) == 0))
			continue;
		r->warning = true;
		note_rcpt(m, i);
		changed = true;
	}
	return changed;
}

static bool
is_about(const struct rcpt *r, enum queue_report kind)
{
	switch (kind) {
	case REPORT_FAILED:
		return r->state == RCPT_FAILED;
	case REPORT_RELAYED:
		return r->state == RCPT_RELAYED;
	case REPORT_DELAYED:
		return r->state == RCPT_WAIT && r->warning;
	case REPORT_DELIVERED:
		return r->state == RCPT_DELIVERED;
	}
	return false;
}

/* What is to be told first; 0: nothing. */
static enum queue_report
report_kind(const struct message *m)
{
	static const enum queue_report kinds[] = {
	    REPORT_FAILED, REPORT_DELIVERED, REPORT_RELAYED, REPORT_DELAYED};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (uint16_t i = 0; i < m->n; i++)
			if (is_about(&m->rcpts[i], kinds[k]))
				return kinds[k];
	return 0;
}

static struct peer *
engine_free(void)
{
	struct peer *p;

	TAILQ_FOREACH (p, peers(), list)
		if (p->kind == PEER_ENGINE && p->greeted && p->report == NULL)
			return p;
	return NULL;
}

static void
report_send(struct report *r, struct peer *peer)
{
	struct message *m;
	struct msgout *out;

	m = r->message;
	TAILQ_REMOVE(&waiting, r, entry);
	r->kind = report_kind(m);
	if (r->kind == 0) {
		/* What it was to tell has been settled otherwise. */
		m->report = NULL;
		free(r->rcpts);
		free(r);
		return;
	}
	r->peer = peer;
	peer->report = r;
	do
		r->id = ++next_id;
	while (r->id == 0);
	out = msg_new(peer->wire, QUEUE_REPORT, r->id);
	msg_put_u8(out, (uint8_t)r->kind);
	msg_put_str(out, m->sender);
	msg_put_str(out, m->envid);
	msg_put_u8(out, m->ret);
	msg_put_str(out, m->trace);
	msg_put_i64(out, m->arrival);
	msg_put_i64(out, m->expiry);
	msg_put_u8(out, m->flags);
	msg_put_u8(out, m->codec);
	msg_put_u32(out, m->sizes.head);
	msg_put_u64(out, m->sizes.body);
	report_rcpts(r, out);
	msg_send(out);
}

/* As many as fit; others come with the next report. */
static void
report_rcpts(struct report *r, struct msgout *out)
{
	const struct verdict *v;
	struct rcpt *rcpt;
	struct message *m;
	size_t at;

	m = r->message;
	free(r->rcpts);
	r->rcpts = calloc(m->n, sizeof(*r->rcpts));
	if (r->rcpts == NULL)
		fatal("calloc");
	r->n = 0;
	at = msg_length(out);
	msg_put_u32(out, 0);
	for (uint16_t i = 0; i < m->n; i++) {
		rcpt = &m->rcpts[i];
		if (!is_about(rcpt, r->kind) || msg_room(out) < RCPT_ROOM)
			continue;
		v = rcpt_last(rcpt);
		msg_put_str(out, rcpt->address);
		msg_put_str(out, rcpt->orcpt != NULL ? rcpt->orcpt : "");
		msg_put_u16(out, v->code);
		msg_put_str(out, v->status != NULL ? v->status : "");
		msg_put_str(out, v->host != NULL ? v->host : "");
		msg_put_str(out, v->text != NULL ? v->text : "");
		msg_put_i64(out, v->when);
		r->rcpts[r->n++] = i;
	}
	msg_set_u32(out, at, r->n);
}

/* Those it told of hear no more of this. */
static void
report_settle(struct report *r)
{
	struct message *m;
	struct rcpt *rcpt;

	m = r->message;
	m->report = NULL;
	for (uint16_t i = 0; i < r->n; i++) {
		rcpt = &m->rcpts[r->rcpts[i]];
		if (r->kind == REPORT_DELAYED) {
			rcpt->warning = false;
			rcpt->warned = true;
		} else if (is_about(rcpt, r->kind))
			rcpt_settle(m, rcpt, RCPT_DONE);
		note_rcpt(m, r->rcpts[i]);
	}
	sync_changes();
}

static void
report_wait(struct report *r)
{
	r->peer = NULL;
	r->next = queue_now() + RETRY_SECONDS;
	TAILQ_INSERT_TAIL(&waiting, r, entry);
	reports_run();
}

static void
report_free(struct report *r)
{
	if (r->peer == NULL)
		TAILQ_REMOVE(&waiting, r, entry);
	free(r->rcpts);
	free(r);
}
