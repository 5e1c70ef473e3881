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
 * One message from octets to the deliverer's records: trace fields and body go
 * through the MIME parser and, by chunks of 64 KiB, the compressor; the
 * summary follows.  A message of less than a chunk costs one packet.
 *
 * Where it goes elsewhere (outgoing.c) or was written by one of our users, its
 * header is kept back until it is whole; until then it grows in the buffer.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "mime.h"
#include "msg.h"

#include "engine.h"

#define SUMMARY_PLAIN 2048 /* octets of a summary not worth compressing */
#define KIND_BODY 0
#define KIND_SUMMARY 1

struct kept {
	STAILQ_ENTRY(kept) entry;
	size_t len;
	uint8_t data[DELIVER_CHUNK_MAX];
};
static size_t kept_total; /* octets of pieces, of all messages */

static TAILQ_HEAD(, message) spares = TAILQ_HEAD_INITIALIZER(spares);
static unsigned int nspares;

static struct message *message_alloc(void);
static bool message_copy_new(struct message *);
static void message_take(struct message *, size_t);
static void message_copy(struct message *, const uint8_t *, size_t);
static void message_header(struct message *, bool);
static void message_origin(struct message *, size_t, size_t);
static bool message_keeps(const struct message *);
static void message_overflow(struct message *);
static void message_field(struct message *, size_t);
static size_t message_top(const struct message *);
static uint8_t *message_at(struct message *, size_t *);
static void kept_free(struct message *, struct kept *);
static void message_replace(struct message *, const uint8_t *, size_t, size_t);
static void message_chunk(struct message *);
static void message_later(struct message *);
static void message_first(struct message *, struct msgout **);
static void first_free(struct message *);
static void message_start(struct message *, struct msgout **);
static void message_summary(struct message *, struct msgout **);
static void put_room(struct message *, struct msgout **, size_t);
static void put_chunk(struct message *, struct msgout **, uint8_t, size_t,
    const struct compressed *);

/* NULL: there is no deliverer, or no queue. */
struct message *
message_new(struct session *s)
{
	struct message *m;
	struct deliverer *deliverer;

	deliverer = NULL;
	if (s->ntargets > 0 &&
	    (deliverer = deliverer_least(s->ntargets)) == NULL)
		return NULL;
	m = message_alloc();
	m->session = s;
	m->codec = engine_config()->site.codec;
	smtp_data_init(&m->data);
	if (s->nremote + s->nreported > 0 &&
	    (m->out = outgoing_new(m)) == NULL) {
		message_free(m);
		return NULL;
	}
	if (deliverer != NULL) {
		m->local = true;
		m->deliverer = deliverer;
		m->ask = deliverer_open(m, deliverer);
	}
	if (s->saves && !message_copy_new(m)) {
		message_free(m);
		return NULL;
	}
	m->kept = origin_applies(s);
	m->header_kept = m->kept || m->out != NULL || s->login[0] != '\0';
	arc4random_buf(m->delivery_id, sizeof(m->delivery_id));
	(void)snprintf(m->id, sizeof(m->id), "%08x%u.%llx.%u", arc4random(),
	    proc_instance(), (unsigned long long)s->conn, s->transactions);
	retry_begin(m);
	return m;
}

/*
 * What a user submits, once more, for his \Sent box: with the fields that only
 * he may see and without trace fields, as his own program would have saved it.
 */
static bool
message_copy_new(struct message *m)
{
	struct deliverer *deliverer;
	struct message *c;

	deliverer = deliverer_least(1);
	if (deliverer == NULL)
		return false;
	c = message_alloc();
	m->copy = c;
	c->of = m;
	c->session = m->session;
	c->codec = m->codec;
	c->local = true;
	c->deliverer = deliverer;
	c->ask = deliverer_open(c, deliverer);
	arc4random_buf(c->delivery_id, sizeof(c->delivery_id));
	return true;
}

void
message_copy_known(struct message *m)
{
	if (m->copy == NULL || !retry_has_own(m))
		return;
	message_free(m->copy);
	m->copy = NULL;
	m->session->own.result = DELIVER_DONE;
}

uint8_t *
message_space(struct message *m, size_t *room)
{
	/* Others may have what it could have been kept in. */
	message_overflow(m);
	return message_at(m, room);
}

/* len octets were written to the space. */
void
message_add(struct message *m, size_t len)
{
	uint8_t *at;
	size_t room;

	at = message_at(m, &room);
	if (len == 0 || m->dead) {
		explicit_bzero(at, len);
		return;
	}
	retry_update(m, at, len);
	if (m->header_kept) {
		m->len += len;
		message_header(m, false);
		return;
	}
	origin_body(m->session, at, len);
	if (m->kept) {
		if (at == m->buf + m->len)
			m->len += len;
		else {
			STAILQ_LAST(&m->more, kept, entry)->len += len;
			m->more_len += len;
		}
		message_overflow(m);
		return;
	}
	if (m->out != NULL)
		outgoing_body(m->out, m->buf + m->len, len);
	if (m->copy != NULL)
		message_copy(m->copy, m->buf + m->len, len);
	message_take(m, len);
}

/* Trace fields: not part of what a client would send again. */
void
message_feed(struct message *m, const void *data, size_t len)
{
	if (!m->local)
		return;
	if (len >= DELIVER_CHUNK_MAX - m->len)
		fatalx("trace fields too long");
	memcpy(m->buf + m->len, data, len);
	if (!m->kept)
		mime_parser_feed(m->parser, data, len);
	m->len += len;
	m->header = m->line = m->len;
}

void
message_end(struct message *m)
{
	if (m->header_kept && !m->dead)
		message_header(m, true);
}

void
message_release(struct message *m)
{
	char field[AUTHRES_FIELD_MAX];

	if (m->dead)
		return;
	if (m->kept) {
		message_field(m, origin_field(m->session, 0, field));
		memcpy(m->buf + m->field, field, m->field_len);
		m->field_len = 0;
		mime_parser_feed(m->parser, m->buf, m->len);
	} else if (m->field_len > 0) {
		/* It fits, unless this host has another name by now. */
		if (origin_field(m->session, m->field_len, field) > 0)
			memcpy(
			    (m->first != NULL ? m->first : m->buf) + m->field,
			    field, m->field_len);
	}
	m->kept = false;
}

bool
message_drain(struct message *m)
{
	struct kept *k;

	while (!m->kept && (k = STAILQ_FIRST(&m->more)) != NULL) {
		if (m->deliverer != NULL && deliverer_full(m->deliverer))
			return false;
		message_copy(m, k->data, k->len);
		kept_free(m, k);
	}
	return true;
}

/*
 * It may be too long to be kept.  Then it leaves, but for its first chunk, in
 * which a field has the place of what it will be found to be.
 */
static void
message_overflow(struct message *m)
{
	char field[AUTHRES_FIELD_MAX];
	size_t len;

	if (!m->kept || m->header_kept || m->len < KEPT_ROOM ||
	    message_keeps(m))
		return;
	len = origin_room(m->session);
	/* Names so long that nothing fits: nothing is told. */
	if (len > 0 && origin_field(m->session, len, field) == 0)
		len = 0;
	message_field(m, len);
	memcpy(m->buf + m->field, field, len);
	m->kept = false;
	mime_parser_feed(m->parser, m->buf, m->len);
}

/* Makes the place of a field of that length. */
static void
message_field(struct message *m, size_t len)
{
	m->field = message_top(m);
	m->field_len = len;
	memmove(m->buf + m->field + len, m->buf + m->field, m->len - m->field);
	m->len += len;
}

/*
 * What was found out goes on top of our Received, and below Return-Path: that
 * is where programs look for the last hop's.
 */
static size_t
message_top(const struct message *m)
{
	const uint8_t *end;

	if (m->header <= 12 || memcmp(m->buf, "Return-Path:", 12) != 0)
		return 0;
	end = memchr(m->buf, '\n', m->header);
	return (size_t)(end - m->buf) + 1;
}

/* Is there a place for more of it behind its buffer? */
static bool
message_keeps(const struct message *m)
{
	const struct kept *last;

	last = STAILQ_LAST(&m->more, kept, entry);
	if (last != NULL && last->len < sizeof(last->data))
		return true;
	return m->more_len + sizeof(last->data) <= KEPT_MORE_MAX &&
	    kept_total + sizeof(last->data) <= KEPT_TOTAL_MAX;
}

/* Where the next octets go, and how many. */
static uint8_t *
message_at(struct message *m, size_t *room)
{
	struct kept *last;

	if (!m->kept || m->len < KEPT_ROOM || !message_keeps(m)) {
		*room = (m->kept ? KEPT_ROOM : DELIVER_CHUNK_MAX) - m->len;
		return m->buf + m->len;
	}
	last = STAILQ_LAST(&m->more, kept, entry);
	if (last == NULL || last->len == sizeof(last->data)) {
		last = malloc(sizeof(*last));
		if (last == NULL)
			fatal("malloc");
		last->len = 0;
		kept_total += sizeof(last->data);
		STAILQ_INSERT_TAIL(&m->more, last, entry);
	}
	*room = sizeof(last->data) - last->len;
	return last->data + last->len;
}

static void
kept_free(struct message *m, struct kept *k)
{
	STAILQ_REMOVE_HEAD(&m->more, entry);
	m->more_len -= k->len;
	kept_total -= sizeof(k->data);
	explicit_bzero(k->data, k->len);
	free(k);
}

void
message_lost(struct message *m)
{
	if (m->of != NULL)
		m = m->of;
	m->lost = true;
	message_abort(m);
	session_run(m->session);
}

/* What is left of the body, the summary, the end; data_answer() follows. */
void
message_commit(struct message *m)
{
	struct compressed body;
	struct msgout *out;
	uint16_t known[DELIVER_TARGETS_MAX];
	size_t n;

	compress_chunk(m->codec, 0, m->buf, m->len, &body);
	out = NULL;
	if (!m->begun)
		message_start(m, &out);
	if (m->first != NULL)
		message_first(m, &out);
	if (m->len > 0 || mime_parser_size(m->parser) == 0)
		put_chunk(m, &out, KIND_BODY, m->len, &body);
	message_summary(m, &out);
	n = m->of != NULL ? 0 : retry_known(m, known);
	put_room(m, &out, 4 + n * 2);
	if (m->of == NULL && origin_suspect(m->session))
		msg_put_u8(out, DELIVER_SUSPECT);
	msg_put_u8(out, DELIVER_COMMIT);
	msg_put_u16(out, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		msg_put_u16(out, known[i]);
	msg_send(out);
}

void
message_abort(struct message *m)
{
	struct msgout *out;

	if (m->ask != NULL && m->begun && m->session->state == SESSION_COMMIT)
		ask_leave(m->ask);
	else if (m->ask != NULL) {
		if (m->begun) {
			out = deliverer_put(m->ask);
			msg_put_u8(out, DELIVER_ABORT);
			msg_send(out);
		}
		ask_free(m->ask);
	}
	m->ask = NULL;
	outgoing_free(m->out);
	m->out = NULL;
	if (m->copy != NULL)
		message_abort(m->copy);
	m->dead = true;
	m->kept = false;
	while (!STAILQ_EMPTY(&m->more))
		kept_free(m, STAILQ_FIRST(&m->more));
	first_free(m);
	m->deliverer = NULL;
	explicit_bzero(m->buf, m->len);
	m->len = 0;
}

void
message_free(struct message *m)
{
	uint8_t *buf;
	struct mime_parser *parser;

	if (m == NULL)
		return;
	message_abort(m);
	message_free(m->copy);
	retry_end(m);
	mime_parser_reset(m->parser);
	buf = m->buf;
	parser = m->parser;
	explicit_bzero(m, sizeof(*m));
	m->buf = buf;
	m->parser = parser;
	STAILQ_INIT(&m->more);
	if (nspares < MESSAGES_SPARE) {
		nspares++;
		TAILQ_INSERT_HEAD(&spares, m, spare);
		return;
	}
	mime_parser_free(parser);
	free(buf);
	free(m);
}

bool
message_stalled(const struct message *m)
{
	return (m->deliverer != NULL && deliverer_full(m->deliverer)) ||
	    (m->out != NULL && queue_full()) ||
	    (m->copy != NULL && message_stalled(m->copy));
}

/* len octets more are in the buffer: the deliverer's. */
static void
message_take(struct message *m, size_t len)
{
	if (!m->local) {
		explicit_bzero(m->buf + m->len, len);
		return;
	}
	mime_parser_feed(m->parser, m->buf + m->len, len);
	m->len += len;
	if (m->len == DELIVER_CHUNK_MAX)
		message_chunk(m);
}

/* The same of octets from elsewhere. */
static void
message_copy(struct message *m, const uint8_t *data, size_t len)
{
	size_t n;

	for (; len > 0 && m->local; data += n, len -= n) {
		n = DELIVER_CHUNK_MAX - m->len;
		if (n > len)
			n = len;
		memcpy(m->buf + m->len, data, n);
		message_take(m, n);
	}
}

/* Is the header whole?  Then all that was kept back may go; last: it is. */
static void
message_header(struct message *m, bool last)
{
	static const struct refusal large = {552, "5.3.4", "Header too large"};
	const uint8_t *header;
	uint8_t *own = NULL;
	size_t end, sep, len, rest, hidden;

	if (!header_ends(m->buf, m->len, m->header, &m->line, &sep, last)) {
		if (m->kept ? m->len < KEPT_ROOM :
			      m->len - m->header < HEADER_MAX)
			return;
		m->refusal = &large;
		m->header_kept = false;
		message_abort(m);
		return;
	}
	m->header_kept = false;
	end = m->line;
	header = m->buf + m->header;
	len = end - m->header;
	rest = m->len - end - sep;
	if (m->kept) {
		message_origin(m, end, sep);
		return;
	}
	if (m->session->login[0] != '\0') {
		m->refusal = submission_header(
		    m->session, header, len, &own, &len, &hidden);
		if (m->refusal != NULL) {
			message_abort(m);
			return;
		}
		header = own;
	}
	if (m->out != NULL) {
		outgoing_header(m->out, header, len);
		outgoing_body(m->out, m->buf + end + sep, rest);
	}
	if (m->copy != NULL && own != NULL) {
		message_copy(m->copy, own, len + hidden);
		message_copy(m->copy, (const uint8_t *)"\r\n", 2);
		message_copy(m->copy, m->buf + end + sep, rest);
	}
	if (own != NULL || (sep == 0 && rest > 0)) {
		message_replace(m, header, len, rest);
		freezero(own, own == NULL ? 0 : len + hidden);
		return;
	}
	m->len = m->header;
	message_take(m, len + sep + rest);
}

/*
 * The header of a stranger's mail, which ends there: what it is to be judged
 * by, without results that pretend to be ours.
 */
static void
message_origin(struct message *m, size_t end, size_t sep)
{
	uint8_t *header;
	size_t len, gone;

	header = m->buf + m->header;
	len = end - m->header;
	origin_header(m->session, header, len);
	origin_body(m->session, m->buf + end + sep, m->len - end - sep);
	gone = len -
	    header_strip(header, len, "Authentication-Results", authres_is,
		engine_config()->site.hostname);
	if (gone > 0) {
		memmove(m->buf + end - gone, m->buf + end, m->len - end);
		m->len -= gone;
		m->line -= gone;
		explicit_bzero(m->buf + m->len, gone);
	}
	message_overflow(m);
}

/* Other fields in place of those in the buffer, an empty line, the rest. */
static void
message_replace(
    struct message *m, const uint8_t *fields, size_t len, size_t rest)
{
	uint8_t *copy;
	size_t whole;

	whole = len + rest;
	copy = malloc(whole + 1);
	if (copy == NULL)
		fatal("malloc");
	memcpy(copy, fields, len);
	memcpy(copy + len, m->buf + m->len - rest, rest);
	explicit_bzero(m->buf + m->header, m->len - m->header);
	m->len = m->header;
	message_copy(m, copy, len);
	message_copy(m, (const uint8_t *)"\r\n", 2);
	message_copy(m, copy + len, rest);
	freezero(copy, whole + 1);
}

static struct message *
message_alloc(void)
{
	struct message *m;

	m = TAILQ_FIRST(&spares);
	if (m != NULL) {
		TAILQ_REMOVE(&spares, m, spare);
		nspares--;
		return m;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		fatal("calloc");
	STAILQ_INIT(&m->more);
	m->buf = malloc(DELIVER_CHUNK_MAX);
	m->parser = mime_parser_new();
	if (m->buf == NULL || m->parser == NULL)
		fatal("no memory for a message");
	return m;
}

/* A full chunk of the body leaves. */
static void
message_chunk(struct message *m)
{
	struct compressed chunk;
	struct msgout *out;

	if (m->field_len > 0 && !m->begun) {
		message_later(m);
		return;
	}
	compress_chunk(m->codec, 0, m->buf, m->len, &chunk);
	out = NULL;
	if (!m->begun)
		message_start(m, &out);
	put_chunk(m, &out, KIND_BODY, m->len, &chunk);
	msg_send(out);
	explicit_bzero(m->buf, m->len);
	m->len = 0;
}

/* The first one stays here until the message is judged. */
static void
message_later(struct message *m)
{
	struct msgout *out;

	out = NULL;
	message_start(m, &out);
	put_room(m, &out, 1);
	msg_put_u8(out, DELIVER_LATER);
	msg_send(out);
	m->first = m->buf;
	m->buf = malloc(DELIVER_CHUNK_MAX);
	if (m->buf == NULL)
		fatal("malloc");
	m->len = 0;
}

static void
message_first(struct message *m, struct msgout **out)
{
	put_room(m, out, DELIVER_CHUNK_MAX + 16);
	msg_put_u8(*out, DELIVER_FIRST);
	msg_put_bytes(*out, m->first, DELIVER_CHUNK_MAX);
	first_free(m);
}

static void
first_free(struct message *m)
{
	if (m->first == NULL)
		return;
	freezero(m->first, DELIVER_CHUNK_MAX);
	m->first = NULL;
}

/* The envelope and the accounts of all recipients. */
static void
message_start(struct message *m, struct msgout **out)
{
	char from[SMTP_PATH_MAX * 2];
	struct session *s;
	struct target *t;

	s = m->session;
	smtp_address_print(&s->mail.from, from, sizeof(from));
	if (strlen(from) >= DELIVER_ADDRESS_MAX)
		from[DELIVER_ADDRESS_MAX - 1] = '\0';
	put_room(m, out, DELIVER_ADDRESS_MAX + DELIVER_ACCOUNT_MAX + 64);
	msg_put_u8(*out, DELIVER_ENVELOPE);
	msg_put_str(*out, from);
	msg_put_u8(*out, m->codec);
	msg_put_i64(*out, (int64_t)time(NULL));
	msg_put_raw(*out, m->delivery_id, sizeof(m->delivery_id));
	if (m->of != NULL) {
		msg_put_u8(*out, DELIVER_OWN);
		msg_put_str(*out, s->login);
	}
	for (size_t i = 0; m->of == NULL && i < s->ntargets; i++) {
		t = &s->targets[i];
		put_room(m, out,
		    strlen(t->account) + strlen(t->to) + strlen(t->hint) + 16);
		msg_put_u8(*out, DELIVER_TARGET);
		msg_put_str(*out, t->account);
		msg_put_str(*out, t->to);
		msg_put_str(*out, t->hint);
	}
	m->begun = true;
}

static void
message_summary(struct message *m, struct msgout **out)
{
	struct compressed chunk;
	const uint8_t *summary;
	size_t len, n;

	summary = mime_parser_finish(m->parser, &len);
	if (summary == NULL)
		fatalx("no memory for a summary");
	for (; len > 0; len -= n, summary += n) {
		n = len > DELIVER_CHUNK_MAX ? DELIVER_CHUNK_MAX : len;
		compress_chunk(
		    len > SUMMARY_PLAIN ? m->codec : 0, 1, summary, n, &chunk);
		put_chunk(m, out, KIND_SUMMARY, n, &chunk);
	}
}

/* A packet with room for need octets more. */
static void
put_room(struct message *m, struct msgout **out, size_t need)
{
	if (*out != NULL && msg_room(*out) < need) {
		msg_send(*out);
		*out = NULL;
	}
	if (*out == NULL)
		*out = deliverer_put(m->ask);
}

static void
put_chunk(struct message *m, struct msgout **out, uint8_t kind, size_t plain,
    const struct compressed *chunk)
{
	put_room(m, out, chunk->len + 16);
	msg_put_u8(*out, DELIVER_CHUNK);
	msg_put_u8(*out, kind);
	msg_put_u8(*out, chunk->smaller);
	msg_put_u32(*out, (uint32_t)plain);
	msg_put_bytes(*out, chunk->data, chunk->len);
}
