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
 * Octets of messages on their way in (DATA, BDAT), and what the client hears
 * of them.  A message that cannot be taken is read to its end all the same:
 * the client waits for its turn to listen.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "tlsio.h"

#include "engine.h"

static bool data_begin(struct session *);
static bool data_lines(struct session *, const uint8_t *, size_t, size_t *);
static bool data_chunk(struct session *, const uint8_t *, size_t, size_t *);
static void data_chunk_end(struct session *);
static void data_refuse(struct session *);
static void data_door(struct session *);
static bool data_over(struct session *, uint64_t);
static void data_trace(struct session *);
static void data_answer(struct session *);
static bool data_goes_on(const struct session *);
static bool data_all_have(const struct session *);
static bool data_own_failed(const struct session *);
static bool data_limits(struct session *);
static void data_again(struct session *, enum deliver_result);
static void data_targets(struct session *);
static void data_log(struct session *, enum deliver_result);
static enum deliver_result data_worst(const struct session *);
static enum deliver_result
rcpt_result(const struct session *, const struct rcpt *);
static enum deliver_result
rcpt_delivered(const struct session *, const struct rcpt *);
static const char *data_protocol(const struct session *);

void
data_start(struct session *s)
{
	if (!data_begin(s))
		return;
	s->state = SESSION_DATA;
	session_reply(s, 354, NULL, "End data with <CR><LF>.<CR><LF>");
}

void
data_bdat(struct session *s, const char *arg, size_t len)
{
	uint64_t size;
	bool last;

	if (smtp_bdat_parse(arg, len, &size, &last) != SMTP_OK) {
		/* How much of what follows is no command nobody knows. */
		session_reply(s, 501, "5.5.4", "Bad BDAT");
		session_close(s);
		return;
	}
	if (size > engine_config()->message_max) {
		session_reply(s, 552, "5.3.4", "Message too large");
		session_close(s);
		return;
	}
	if (s->message == NULL &&
	    (!s->in_mail || s->chunking || s->nrcpts == 0) &&
	    !data_over(s, size)) {
		session_error(s, 503, "5.5.1", "Too much that nobody gets");
		data_door(s);
		return;
	}
	s->chunk_left = size;
	s->chunk_last = last;
	s->chunk_refused = false;
	s->state = SESSION_BDAT;
	if (s->message != NULL)
		return;
	if (!s->in_mail || s->chunking || s->nrcpts == 0) {
		s->chunk_refused = true;
		return;
	}
	s->chunking = true;
	if (!data_begin(s)) {
		/* It has said why: the chunk needs no other answer. */
		s->chunking = false;
	}
}

bool
data_input(struct session *s, const uint8_t *in, size_t len, size_t *used)
{
	if (s->message != NULL && message_stalled(s->message)) {
		*used = 0;
		return false;
	}
	if (s->message != NULL && !message_drain(s->message)) {
		*used = 0;
		return false;
	}
	if (s->state == SESSION_DATA)
		return data_lines(s, in, len, used);
	return data_chunk(s, in, len, used);
}

void
data_delivered(struct session *s)
{
	struct message *m;

	/* Accounts first: what the queue has it may send at once. */
	m = s->message;
	if (m->ask != NULL || (m->copy != NULL && m->copy->ask != NULL))
		return;
	if (m->out == NULL)
		data_answer(s);
	else if (!data_goes_on(s)) {
		outgoing_free(m->out);
		m->out = NULL;
		data_answer(s);
	} else
		outgoing_commit(m->out);
}

bool
data_has(const struct session *s, const struct rcpt *rcpt)
{
	return rcpt->dest == NULL && rcpt_delivered(s, rcpt) == DELIVER_DONE &&
	    (session_is_lmtp(s) || data_all_have(s));
}

/*
 * Is it the queue's turn?  LMTP answers for each recipient: the sender hears of
 * those who have it, whatever comes of the others.
 */
static bool
data_goes_on(const struct session *s)
{
	if (!session_is_lmtp(s))
		return data_all_have(s);
	for (size_t i = 0; i < s->nrcpts; i++)
		if (rcpt_reported(s, &s->rcpts[i]) && data_has(s, &s->rcpts[i]))
			return true;
	return false;
}

static bool
data_all_have(const struct session *s)
{
	for (size_t i = 0; i < s->ntargets; i++)
		if (s->targets[i].result != DELIVER_DONE)
			return false;
	return !data_own_failed(s);
}

/* Its sender wants a copy and could have none. */
static bool
data_own_failed(const struct session *s)
{
	return s->saves && s->own.result != DELIVER_DONE;
}

void
data_queued(struct session *s, enum queue_result result)
{
	s->queued = result == QUEUE_DONE ? DELIVER_DONE :
	    result == QUEUE_FULL         ? DELIVER_FULL :
					   DELIVER_TROUBLE;
	data_answer(s);
}

/*
 * Everybody has answered for every recipient.  LMTP: one reply for each
 * recipient.  SMTP has one reply for all; if some targets have the message and
 * some do not, 250 would lose mail and an error for good would too, so the
 * client is told to come again, and retry.c remembers who has had it.
 */
static void
data_answer(struct session *s)
{
	struct rcpt *rcpt;
	enum deliver_result worst;

	worst = data_worst(s);
	data_log(s, worst);
	report_message(s, worst == DELIVER_DONE,
	    worst != DELIVER_UNKNOWN && worst != DELIVER_DISABLED);
	data_again(s, worst);
	retry_note(s->message);
	s->state = SESSION_COMMAND;
	if (worst == DELIVER_DONE)
		s->errors = 0;
	if (session_is_lmtp(s)) {
		for (size_t i = 0; i < s->nrcpts; i++) {
			rcpt = &s->rcpts[i];
			rcpt_reply(s, rcpt_result(s, rcpt), rcpt->address);
		}
	} else if (worst == DELIVER_DONE)
		session_reply(s, 250, "2.0.0", "Ok %s", s->message->id);
	else if (data_own_failed(s))
		rcpt_own_reply(s, s->own.result);
	else if (s->nrcpts == 1)
		rcpt_reply(s, worst, "Ok");
	else
		session_reply(s, 451, "4.3.0", "Try again later");
	if (s->state == SESSION_CLOSING)
		return;
	session_reset(s);
	if (s->ending)
		session_end(s);
	else
		session_run(s);
}

/* Which targets have what the client will send again. */
static void
data_again(struct session *s, enum deliver_result worst)
{
	const struct rcpt *rcpt;
	struct target *t;

	for (size_t i = 0; i < s->nrcpts; i++) {
		rcpt = &s->rcpts[i];
		if (worst == DELIVER_DONE ||
		    (session_is_lmtp(s) &&
			rcpt_result(s, rcpt) == DELIVER_DONE))
			continue;
		for (size_t k = 0; k < rcpt->ntargets; k++) {
			t = &s->targets[rcpt->targets[k]];
			t->again = t->result == DELIVER_DONE;
		}
	}
	s->own.again = worst != DELIVER_DONE && s->saves &&
	    s->own.result == DELIVER_DONE;
}

/*
 * Only accounts that an accepted recipient leads to stay: others were asked
 * about and refused.
 */
static void
data_targets(struct session *s)
{
	uint16_t map[DELIVER_TARGETS_MAX];
	bool used[DELIVER_TARGETS_MAX];
	struct rcpt *rcpt;
	size_t n;

	memset(used, 0, sizeof(used));
	memset(map, 0, sizeof(map));
	for (size_t i = 0; i < s->nrcpts; i++)
		for (size_t k = 0; k < s->rcpts[i].ntargets; k++)
			used[s->rcpts[i].targets[k]] = true;
	n = 0;
	for (size_t i = 0; i < s->ntargets; i++) {
		if (used[i]) {
			map[i] = (uint16_t)n;
			s->targets[n++] = s->targets[i];
			continue;
		}
		free(s->targets[i].account);
		free(s->targets[i].hint);
		free(s->targets[i].to);
	}
	s->ntargets = n;
	for (size_t i = 0; i < s->nrcpts; i++) {
		rcpt = &s->rcpts[i];
		for (size_t k = 0; k < rcpt->ntargets; k++)
			rcpt->targets[k] = map[rcpt->targets[k]];
	}
}

/* A message begins; false: it cannot, and that was said. */
static bool
data_begin(struct session *s)
{
	struct timespec ts;

	if (s->nrcpts == 0) {
		/* RFC 2033 4.2 wants 503; RFC 2920 allows 554. */
		session_error(s, 503, "5.5.1", "No valid recipients");
		return false;
	}
	s->idle_commands = 0;
	s->over = 0;
	s->transactions++;
	data_targets(s);
	s->message = message_new(s);
	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	s->started = ts.tv_sec;
	if (s->message == NULL) {
		session_reply(s, 451, "4.3.0", "Try again later");
		session_reset(s);
		return false;
	}
	data_trace(s);
	return true;
}

static bool
data_lines(struct session *s, const uint8_t *in, size_t len, size_t *used)
{
	struct message *m;
	uint8_t *out;
	size_t inlen, outlen;
	enum smtp_data_state state;

	m = s->message;
	out = message_space(m, &outlen);
	inlen = len;
	state = smtp_data_decode(&m->data, in, &inlen, out, &outlen);
	*used = inlen;
	message_add(m, outlen);
	if (!data_limits(s))
		return false;
	switch (state) {
	case SMTP_DATA_MORE:
		break;
	case SMTP_DATA_END:
		data_end(s);
		break;
	case SMTP_DATA_SMUGGLED:
		/* Another program may see the end here, and commands next. */
		session_refused(s, "smuggling");
		session_reply(s, 550, "5.6.0",
		    "Bare <CR> or <LF> around a dot (see RFC 5321 2.3.8)");
		session_close(s);
		return false;
	}
	return true;
}

static bool
data_chunk(struct session *s, const uint8_t *in, size_t len, size_t *used)
{
	struct message *m;
	uint8_t *out;
	size_t room;

	m = s->message;
	if (len > s->chunk_left)
		len = (size_t)s->chunk_left;
	if (m != NULL) {
		out = message_space(m, &room);
		if (len > room)
			len = room;
		if (len > 0)
			memcpy(out, in, len);
		smtp_data_chunk(
		    &m->data, in, len, s->chunk_last && len == s->chunk_left);
		message_add(m, len);
		if (!data_limits(s)) {
			*used = len;
			return false;
		}
	}
	s->chunk_left -= len;
	*used = len;
	if (s->chunk_left == 0)
		data_chunk_end(s);
	return true;
}

static void
data_chunk_end(struct session *s)
{
	struct message *m;

	m = s->message;
	if (m == NULL) {
		s->state = SESSION_COMMAND;
		if (s->chunk_refused)
			session_error(s, 503, "5.5.1",
			    s->in_mail ? "No valid recipients" :
					 "Say MAIL first");
		return;
	}
	if (s->chunk_last) {
		data_end(s);
		return;
	}
	if (m->large || m->data.bare || m->refusal != NULL) {
		data_refuse(s);
		return;
	}
	s->state = SESSION_COMMAND;
	session_reply(
	    s, 250, "2.0.0", "%llu octets", (unsigned long long)m->data.size);
}

/* All of the message is there. */
void
data_end(struct session *s)
{
	struct message *m;

	m = s->message;
	message_end(m);
	if (m->large || m->data.bare || m->lost || m->refusal != NULL ||
	    m->data.received > engine_config()->received_max) {
		data_refuse(s);
		return;
	}
	if (origin_end(s))
		s->state = SESSION_ORIGIN;
	else
		data_judged(s);
}

void
data_judged(struct session *s)
{
	struct message *m;
	bool waited;

	m = s->message;
	waited = s->state == SESSION_ORIGIN;
	/* A deliverer may have died while it waited. */
	if (!m->lost) {
		origin_log(s);
		origin_count(s);
		m->refusal = origin_refusal(s);
	}
	if (m->refusal != NULL || m->lost) {
		data_refuse(s);
		if (waited && s->state == SESSION_COMMAND)
			session_run(s);
		return;
	}
	message_release(m);
	data_release(s);
}

void
data_release(struct session *s)
{
	struct message *m;

	m = s->message;
	if (m->lost) {
		data_refuse(s);
		return;
	}
	if (!message_drain(m)) {
		s->state = SESSION_RELEASE;
		return;
	}
	s->queued = DELIVER_TROUBLE;
	message_copy_known(m);
	s->state = SESSION_COMMIT;
	if (m->local)
		message_commit(m);
	if (m->copy != NULL)
		message_commit(m->copy);
	if (!m->local && m->copy == NULL)
		data_delivered(s);
}

/* A message that no deliverer gets: one reply, in LMTP for each recipient. */
static void
data_refuse(struct session *s)
{
	const struct message *m;
	const char *enh, *text;
	int code;
	size_t n;

	m = s->message;
	if (m->large) {
		code = 552;
		enh = "5.3.4";
		text = "Message too large";
	} else if (m->data.bare) {
		code = 550;
		enh = "5.6.0";
		text = "Bare <CR> or <LF> (see RFC 5321 2.3.8)";
	} else if (m->data.received > engine_config()->received_max) {
		code = 554;
		enh = "5.4.6";
		text = "Too many hops, this is a loop";
	} else if (m->refusal != NULL) {
		code = m->refusal->code;
		enh = m->refusal->enh;
		text = m->refusal->text;
	} else {
		code = 451;
		enh = "4.3.0";
		text = "Try again later";
	}
	log_info("refused conn=%llu peer=%s id=%s size=%llu code=%d enh=%s",
	    (unsigned long long)s->conn, s->peer, m->id,
	    (unsigned long long)m->data.size, code, enh);
	report_message(s, false, code < 500);
	/* RFC 3030 2: a chunk that is not the last has one answer. */
	n = session_is_lmtp(s) && (!s->chunking || s->chunk_last) ? s->nrcpts :
								    1;
	s->state = SESSION_COMMAND;
	for (size_t i = 1; i < n; i++)
		session_reply(s, code, enh, "%s", text);
	if (code < 500)
		session_reply(s, code, enh, "%s", text);
	else
		session_error(s, code, enh, "%s", text);
	if (s->state != SESSION_CLOSING)
		session_reset(s);
}

/* False: it has gone so far beyond them that the client is shown the door. */
static bool
data_limits(struct session *s)
{
	struct message *m;
	uint64_t max;

	m = s->message;
	max = engine_config()->message_max;
	if (!m->large && m->data.size > max) {
		m->large = true;
		message_abort(m);
	}
	if (m->data.bare || m->data.received > engine_config()->received_max)
		message_abort(m);
	if (m->data.size <= max || m->data.size - max <= DATA_OVER_MAX)
		return true;
	data_refuse(s);
	data_door(s);
	return false;
}

/*
 * May a chunk be read that nobody gets?  Whoever has sent it before he knew so,
 * as CHUNKING allows, has done no wrong: one more than the limit.
 */
static bool
data_over(struct session *s, uint64_t size)
{
	if (size > engine_config()->message_max + DATA_OVER_MAX - s->over)
		return false;
	s->over += size;
	return true;
}

/* RFC 5321 3.8: nobody is shown it without a 421. */
static void
data_door(struct session *s)
{
	if (s->state == SESSION_CLOSING)
		return;
	session_refused(s, "size");
	session_reply(s, 421, "4.3.4", "Too much data that is not taken");
	session_close(s);
}

static void
data_trace(struct session *s)
{
	char buf[TRACE_MAX], from[SMTP_PATH_MAX * 2], tls[128];
	struct smtp_trace trace;
	size_t len;

	smtp_address_print(&s->mail.from, from, sizeof(from));
	memset(&trace, 0, sizeof(trace));
	trace.from = from;
	/* Where a user sits, and what his machine is called, is his affair. */
	trace.helo = s->login[0] != '\0' ? "localhost" : s->helo;
	if (s->login[0] == '\0' && strcmp(s->peer, "local") != 0)
		trace.peer = s->peer;
	trace.host = engine_config()->site.hostname;
	trace.protocol = data_protocol(s);
	if (s->login[0] == '\0' && session_is_secure(s)) {
		(void)snprintf(tls, sizeof(tls), "%s %s", tlsio_version(s->io),
		    tlsio_cipher(s->io));
		trace.tls = tls;
	}
	trace.id = s->message->id;
	/* Among several, one recipient is not told of the others. */
	if (s->nrcpts == 1)
		trace.rcpt = s->rcpts[0].address;
	trace.when = (int64_t)time(NULL);
	if (smtp_trace_print(&trace, buf, sizeof(buf), &len) == -1)
		fatalx("trace fields do not fit");
	message_feed(s->message, buf, len);
	if (s->message->out == NULL)
		return;
	trace.from = NULL;
	if (smtp_trace_print(&trace, buf, sizeof(buf), &len) == -1)
		fatalx("trace fields do not fit");
	outgoing_received(s->message->out, buf, len);
}

/* RFC 3848, RFC 6531 4.3 */
static const char *
data_protocol(const struct session *s)
{
	static const char *const names[2][2][2] = {
	    {{"ESMTP", "ESMTPS"}, {"UTF8SMTP", "UTF8SMTPS"}},
	    {{"LMTP", "LMTPS"}, {"UTF8LMTP", "UTF8LMTPS"}},
	};

	if (!s->esmtp)
		return "SMTP";
	if (s->login[0] != '\0')
		return s->mail.utf8 ? "UTF8SMTPSA" : "ESMTPSA";
	return names[session_is_lmtp(s)][s->mail.utf8][session_is_secure(s)];
}

/* Whoever asked for a report has his 250 once the queue has it to send. */
static enum deliver_result
rcpt_result(const struct session *s, const struct rcpt *rcpt)
{
	enum deliver_result result;

	if (rcpt->dest != NULL)
		return s->queued;
	result = rcpt_delivered(s, rcpt);
	return result == DELIVER_DONE && rcpt_reported(s, rcpt) ? s->queued :
								  result;
}

static enum deliver_result
rcpt_delivered(const struct session *s, const struct rcpt *rcpt)
{
	enum deliver_result first, result;
	size_t failed;

	first = DELIVER_DONE;
	failed = 0;
	for (size_t i = 0; i < rcpt->ntargets; i++) {
		result = s->targets[rcpt->targets[i]].result;
		if (result == DELIVER_DONE)
			continue;
		if (failed++ == 0)
			first = result;
	}
	/* Some have it, some do not: see data_answer(). */
	if (failed > 0 && failed < rcpt->ntargets)
		return DELIVER_TROUBLE;
	return first;
}

/* Of all recipients; only if all fare alike it is more than trouble. */
static enum deliver_result
data_worst(const struct session *s)
{
	enum deliver_result first, result;

	if (data_own_failed(s))
		return DELIVER_TROUBLE;
	first = rcpt_result(s, &s->rcpts[0]);
	for (size_t i = 1; i < s->nrcpts; i++) {
		result = rcpt_result(s, &s->rcpts[i]);
		if (result != first)
			return DELIVER_TROUBLE;
	}
	return first;
}

static void
data_log(struct session *s, enum deliver_result result)
{
	char from[SMTP_PATH_MAX * 2];

	smtp_address_print(&s->mail.from, from, sizeof(from));
	for (size_t i = 0; i < s->nrcpts; i++)
		log_info("message conn=%llu peer=%s id=%s "
			 "delivery=" DELIVER_TRACE_FMT " from=%s to=%s "
			 "size=%llu tls=%s result=%s all=%s",
		    (unsigned long long)s->conn, s->peer, s->message->id,
		    DELIVER_TRACE(s->message->delivery_id), log_addr(from),
		    log_addr(s->rcpts[i].address),
		    (unsigned long long)s->message->data.size,
		    session_is_secure(s) ? tlsio_version(s->io) : "-",
		    deliver_result_name(rcpt_result(s, &s->rcpts[i])),
		    deliver_result_name(result));
	if (s->saves)
		log_info("copy conn=%llu id=%s account=%s result=%s",
		    (unsigned long long)s->conn, s->message->id,
		    log_addr(s->login), deliver_result_name(s->own.result));
}
