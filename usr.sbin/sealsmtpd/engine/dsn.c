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
 * Reports on mail: what the queue wants senders to be told.  A report is a
 * message from nobody, sent in a session of its own that has no client: to an
 * account of ours through a deliverer, to others through the queue.  What it is
 * about streams from the queue into it.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"
#include "dsn.h"
#include "log.h"
#include "msg.h"

#define CHUNK_COMPRESSED 1
#define CHUNK_LAST 2
#define CHUNK_FAILED 4

static TAILQ_HEAD(, dsn) all = TAILQ_HEAD_INITIALIZER(all);
static uint32_t transactions;

static struct dsn *dsn_new(enum dsn_kind);
static void dsn_free(struct dsn *);
static int dsn_get_rcpt(struct dsn *, struct msg *);
static struct dsn_rcpt *dsn_add(struct dsn *);
static char *get_str(struct msg *, size_t);
static char *copy(const char *);
static void dsn_start(struct dsn *);
static void dsn_step(struct dsn *);
static void dsn_data(struct dsn *);
static void dsn_commit(struct dsn *);
static void dsn_over(struct dsn *);
static void dsn_original(struct dsn *, const uint8_t *, size_t);

/* One of the queue's; -1: malformed. */
int
dsn_report(struct msg *msg)
{
	struct dsn *d;
	uint8_t kind, ret;
	uint32_t n;

	kind = msg_get_u8(msg);
	if (msg->id == 0 || kind < REPORT_FAILED || kind > REPORT_DELIVERED)
		return -1;
	d = dsn_new((enum dsn_kind)kind);
	d->report = msg->id;
	d->sender = get_str(msg, QUEUE_ADDRESS_MAX);
	d->envid = get_str(msg, QUEUE_ENVID_MAX);
	ret = msg_get_u8(msg);
	d->trace = get_str(msg, QUEUE_TRACE_MAX);
	d->arrival = msg_get_i64(msg);
	d->expiry = msg_get_i64(msg);
	d->flags = msg_get_u8(msg);
	d->codec = msg_get_u8(msg);
	(void)msg_get_u32(msg);
	d->octets = msg_get_u64(msg);
	n = msg_get_u32(msg);
	for (; n > 0 && !msg->bad; n--)
		(void)dsn_get_rcpt(d, msg);
	if (msg_end(msg) == -1 || d->n == 0 || d->sender[0] == '\0') {
		dsn_free(d);
		return -1;
	}
	/* RFC 3461 4.3: of what has not failed, the header is enough. */
	d->whole = d->kind == DSN_FAILED && ret != QUEUE_RET_HDRS &&
	    (ret == QUEUE_RET_FULL || (d->flags & QUEUE_REQUIRETLS) == 0) &&
	    d->octets <= DSN_ORIGINAL_MAX;
	dsn_start(d);
	return 0;
}

/* The queue is gone: it will ask again for what it wanted. */
void
dsn_queue_gone(void)
{
	struct dsn *d, *next;

	TAILQ_FOREACH_SAFE (d, &all, entry, next)
		dsn_free(d);
}

int
dsn_chunk(struct msg *msg)
{
	static uint8_t buf[QUEUE_CHUNK_MAX];
	const uint8_t *data;
	struct dsn *d;
	uint32_t plain;
	uint8_t kind, flags;
	size_t len;

	kind = msg_get_u8(msg);
	flags = msg_get_u8(msg);
	plain = msg_get_u32(msg);
	data = msg_get_bytes(msg, &len, QUEUE_CHUNK_MAX);
	if (msg_end(msg) == -1 || kind > 1 || plain > QUEUE_CHUNK_MAX)
		return -1;
	TAILQ_FOREACH (d, &all, entry)
		if (d->report == msg->id && d->phase == DSN_ORIGINAL)
			break;
	if (d == NULL)
		return 0;
	if ((flags & CHUNK_FAILED) == 0) {
		if (!codec_open(d->codec, (flags & CHUNK_COMPRESSED) != 0, data,
			len, buf, plain))
			return -1;
		dsn_original(d, buf, plain);
		explicit_bzero(buf, plain);
		queue_took(d->report);
	}
	if ((flags & (CHUNK_LAST | CHUNK_FAILED)) != 0) {
		codec_forget();
		dsn_commit(d);
		dsn_step(d);
	}
	return 0;
}

/* What a client of this session would hear. */
void
dsn_reply(struct session *s, int code)
{
	s->dsn->code = code;
}

/* Somebody has answered; nothing may follow in the caller. */
void
dsn_run(struct session *s)
{
	if (!s->dsn->running)
		dsn_step(s->dsn);
}

void
dsn_write(struct dsn *d, const void *data, size_t len)
{
	const uint8_t *p;
	struct message *m;
	uint8_t *space;
	size_t n;

	m = d->session.message;
	for (p = data; len > 0; p += n, len -= n) {
		space = message_space(m, &n);
		if (n > len)
			n = len;
		memcpy(space, p, n);
		m->data.size += n;
		message_add(m, n);
	}
}

static struct dsn *
dsn_new(enum dsn_kind kind)
{
	struct dsn *d;
	struct session *s;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		fatal("calloc");
	d->kind = kind;
	s = &d->session;
	s->dsn = d;
	s->kind = SMTP_LISTEN_SMTP;
	s->state = SESSION_COMMAND;
	s->relay = true;
	s->esmtp = true;
	(void)strlcpy(s->peer, "local", sizeof(s->peer));
	s->helo = copy(engine_config()->site.hostname);
	s->transactions = transactions++;
	LIST_INIT(&s->asks);
	LIST_INIT(&s->queue_asks);
	TAILQ_INSERT_TAIL(&all, d, entry);
	return d;
}

static void
dsn_free(struct dsn *d)
{
	struct dsn_rcpt *r;

	session_reset(&d->session);
	free(d->session.helo);
	for (size_t i = 0; i < d->n; i++) {
		r = &d->rcpts[i];
		free(r->address);
		free(r->orcpt);
		free(r->status);
		free(r->host);
		free(r->text);
	}
	free(d->rcpts);
	free(d->sender);
	free(d->envid);
	free(d->trace);
	TAILQ_REMOVE(&all, d, entry);
	free(d);
}

static int
dsn_get_rcpt(struct dsn *d, struct msg *msg)
{
	struct dsn_rcpt *r;

	r = dsn_add(d);
	r->address = get_str(msg, QUEUE_ADDRESS_MAX);
	r->orcpt = get_str(msg, QUEUE_ORCPT_MAX);
	r->code = msg_get_u16(msg);
	r->status = get_str(msg, QUEUE_STATUS_MAX);
	r->host = get_str(msg, QUEUE_HOST_MAX);
	r->text = get_str(msg, QUEUE_TEXT_MAX);
	r->when = msg_get_i64(msg);
	return msg->bad ? -1 : 0;
}

static struct dsn_rcpt *
dsn_add(struct dsn *d)
{
	struct dsn_rcpt *rcpts;

	rcpts = recallocarray(d->rcpts, d->n, d->n + 1, sizeof(*rcpts));
	if (rcpts == NULL)
		fatal("recallocarray");
	d->rcpts = rcpts;
	return &rcpts[d->n++];
}

static char *
get_str(struct msg *msg, size_t size)
{
	char buf[QUEUE_ADDRESS_MAX];

	buf[0] = '\0';
	(void)msg_get_str(msg, buf, size);
	return copy(msg->bad ? "" : buf);
}

static char *
copy(const char *s)
{
	char *c;

	c = strdup(s);
	if (c == NULL)
		fatal("strdup");
	return c;
}

/* MAIL FROM:<>, RCPT TO:<sender>. */
static void
dsn_start(struct dsn *d)
{
	char line[QUEUE_ADDRESS_MAX + 8];
	struct session *s;
	int n;

	s = &d->session;
	s->in_mail = true;
	s->mail.utf8 = (d->flags & QUEUE_UTF8) != 0;
	s->mail.requiretls = (d->flags & QUEUE_REQUIRETLS) != 0;
	d->phase = DSN_RCPT;
	n = snprintf(line, sizeof(line), "TO:<%s>", d->sender);
	d->running = true;
	if (n > 0 && (size_t)n < sizeof(line))
		rcpt_to(s, line, (size_t)n);
	else
		d->code = 550;
	d->running = false;
	dsn_step(d);
}

static void
dsn_step(struct dsn *d)
{
	const struct session *s;

	s = &d->session;
	if (s->state == SESSION_RCPT || s->state == SESSION_COMMIT)
		return;
	if (d->phase == DSN_RCPT && d->code / 100 == 2)
		dsn_data(d);
	/* Who was to get it has died. */
	if (d->phase == DSN_ORIGINAL && s->message != NULL && s->message->lost)
		d->code = 451;
	else if (d->phase == DSN_ORIGINAL)
		return;
	if (s->state != SESSION_COMMIT)
		dsn_over(d);
}

static void
dsn_data(struct dsn *d)
{
	struct session *s;

	s = &d->session;
	d->running = true;
	data_start(s);
	if (s->state == SESSION_DATA) {
		dsn_begin(d);
		d->phase = DSN_ORIGINAL;
		queue_want(d->report, d->whole ? d->octets : QUEUE_CHUNK_MAX);
	}
	d->running = false;
}

static void
dsn_commit(struct dsn *d)
{
	bool running;

	running = d->running;
	d->running = true;
	dsn_end(d);
	d->phase = DSN_SENT;
	data_end(&d->session);
	d->running = running;
}

/* What could not be sent now is asked for again; what never can is not. */
static void
dsn_over(struct dsn *d)
{
	if (d->code / 100 == 2)
		log_info("report on=%s kind=%d to=%s", log_vis(d->trace),
		    (int)d->kind, log_addr(d->sender));
	else
		log_warnx("report on=%s kind=%d to=%s cannot be sent: code=%d",
		    log_vis(d->trace), (int)d->kind, log_addr(d->sender),
		    d->code);
	queue_reported(d->report, d->code / 100 != 4);
	dsn_free(d);
}

/* A piece of the original, or of its header up to the empty line. */
static void
dsn_original(struct dsn *d, const uint8_t *data, size_t len)
{
	static const uint8_t end[] = "\r\n\r\n";
	size_t n;

	if (d->whole) {
		dsn_write(d, data, len);
		return;
	}
	for (n = 0; n < len && !d->past; n++) {
		if (data[n] != end[d->match])
			d->match = data[n] == '\r' ? 1 : 0;
		else if (++d->match == sizeof(end) - 1)
			d->past = true;
	}
	dsn_write(d, data, n);
}
