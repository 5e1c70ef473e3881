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
 * One connection: input to commands and data, replies, time-outs, the end.
 * Commands are handled one after the other, also where they came pipelined; a
 * command that waits for another process keeps those behind it waiting.
 */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "tlsio.h"

#include "engine.h"

static TAILQ_HEAD(, session) sessions = TAILQ_HEAD_INITIALIZER(sessions);
static struct log_quota quota; /* of clients that are shown the door */

static void session_input(struct tlsio *, void *);
static void session_drained(struct tlsio *, void *);
static void session_closed(struct tlsio *, enum tlsio_end, void *);
static void session_secure(struct tlsio *, void *);
static void session_greet(struct session *);
static void session_free(struct session *);
static bool session_waits(const struct session *);
static void session_timeout(int, short, void *);
static void session_timer(struct session *, time_t);
static void session_consume(struct session *, size_t);
static void session_line(struct session *, const uint8_t *, size_t, size_t *);
static time_t session_now(void);
static void session_vreply(
    struct session *, int, const char *, bool, const char *, va_list);

static const struct tlsio_ops session_ops = {
    .input = session_input,
    .drained = session_drained,
    .closed = session_closed,
    .secure = session_secure,
};

void
session_start(const struct proc_conn *conn, int fd)
{
	const struct smtp_listen *listener;
	struct session *s;
	struct tlsio_server *server;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	listener = &engine_config()->listeners[conn->listener];
	s->conn = conn->id;
	s->listener = conn->listener;
	s->kind = listener->kind;
	s->tls = listener->tls;
	s->active = s->started = session_now();
	s->since = time(NULL);
	LIST_INIT(&s->asks);
	LIST_INIT(&s->queue_asks);
	s->relay = s->kind == SMTP_LISTEN_SMTP &&
	    smtp_slice_relays(engine_config(), &conn->ss);
	s->excepted = smtp_slice_excepts(engine_config(), &conn->ss);
	s->address = conn->ss;
	(void)strlcpy(s->peer, conn->peer, sizeof(s->peer));
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	evtimer_set(&s->timer, session_timeout, s);
	session_timer(s, engine_config()->command_seconds);
	log_debug("conn open conn=%llu peer=%s", (unsigned long long)s->conn,
	    s->peer);
	server = s->tls == SMTP_TLS_FIRST ? engine_tls(s->listener) : NULL;
	s->io = tlsio_new(server, fd, &session_ops, s);
	if (s->tls == SMTP_TLS_FIRST && server == NULL) {
		session_reply(s, 421, "4.7.0", "TLS is not available");
		session_close(s);
	} else if (server == NULL)
		session_greet(s);
}

/* All that can be done with the input that is there. */
void
session_run(struct session *s)
{
	const uint8_t *in;
	size_t len, used;

	if (s->dsn != NULL) {
		dsn_run(s);
		return;
	}
	if (s->state == SESSION_RELEASE)
		data_release(s);
	for (;;) {
		if (session_waits(s) || s->state == SESSION_CLOSING ||
		    tlsio_full(s->io))
			return;
		in = tlsio_input(s->io, &len);
		if (len == 0 && (s->state != SESSION_BDAT || s->chunk_left > 0))
			return;
		used = 0;
		if (s->state == SESSION_COMMAND ||
		    s->state == SESSION_AUTH_LINE) {
			session_line(s, in, len, &used);
			if (used == 0)
				return;
			continue;
		}
		if (!data_input(s, in, len, &used)) {
			session_consume(s, used);
			return;
		}
		session_consume(s, used);
	}
}

void
session_reply(
    struct session *s, int code, const char *enh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	session_vreply(s, code, enh, false, fmt, ap);
	va_end(ap);
}

/* A line of several, without an enhanced code (EHLO, HELP). */
void
session_reply_more(struct session *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	session_vreply(s, code, NULL, true, fmt, ap);
	va_end(ap);
}

void
session_error(
    struct session *s, int code, const char *enh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	session_vreply(s, code, enh, false, fmt, ap);
	va_end(ap);
	if (s->dsn != NULL)
		return;
	/* An MTA that delivers by LMTP asks about names it was given. */
	if (session_is_lmtp(s) && code == 550)
		return;
	if (++s->errors < engine_config()->errors_max)
		return;
	session_refused(s, "errors");
	session_reply(s, 421, "4.7.0", "Too many errors");
	session_close(s);
}

void
session_refused(const struct session *s, const char *reason)
{
	if (log_may(&quota))
		log_info("refused conn=%llu peer=%s reason=%s",
		    (unsigned long long)s->conn, s->peer, reason);
}

/* The line is longer than others may be. */
void
session_challenge(struct session *s, const char *base64)
{
	if (s->state == SESSION_CLOSING)
		return;
	s->active = session_now();
	tlsio_write(s->io, "334 ", 4);
	tlsio_write(s->io, base64, strlen(base64));
	tlsio_write(s->io, "\r\n", 2);
	s->sent += strlen(base64) + 6;
	report_add(COUNT_SENT, strlen(base64) + 6);
}

void
session_logged_in(struct session *s)
{
	s->login_since = session_now();
}

bool
session_login_over(const struct session *s)
{
	return session_now() - s->login_since >= LOGIN_SECONDS_MAX;
}

void
session_close(struct session *s)
{
	if (s->state == SESSION_CLOSING)
		return;
	auth_abort(s);
	session_reset(s);
	s->state = SESSION_CLOSING;
	tlsio_finish(s->io);
}

/* Ends the mail transaction, if there is one (RFC 5321 4.1.1.5). */
void
session_reset(struct session *s)
{
	ask_free_all(s);
	pace_abort(s);
	origin_free(s);
	message_free(s->message);
	queue_forget(s);
	s->message = NULL;
	for (size_t i = 0; i < s->nrcpts; i++)
		rcpt_clear(&s->rcpts[i]);
	free(s->rcpts);
	s->rcpts = NULL;
	s->nrcpts = s->nremote = s->nreported = 0;
	rcpt_clear(&s->asking);
	s->asked = 0;
	for (size_t i = 0; i < s->ntargets; i++) {
		free(s->targets[i].account);
		free(s->targets[i].hint);
		free(s->targets[i].to);
	}
	free(s->targets);
	free(s->own.account);
	free(s->own.hint);
	memset(&s->own, 0, sizeof(s->own));
	s->saves = false;
	s->targets = NULL;
	s->ntargets = s->targets_size = 0;
	s->in_mail = s->chunking = s->paced = false;
	s->started = 0;
	memset(&s->mail, 0, sizeof(s->mail));
}

bool
session_is_lmtp(const struct session *s)
{
	return s->kind == SMTP_LISTEN_LMTP;
}

bool
session_may_relay(const struct session *s)
{
	return s->relay || s->login[0] != '\0';
}

bool
session_has_dsn(const struct session *s)
{
	return s->kind != SMTP_LISTEN_SMTP || session_may_relay(s);
}

bool
session_is_secure(const struct session *s)
{
	return s->io != NULL && tlsio_is_secure(s->io);
}

bool
session_any(void)
{
	return !TAILQ_EMPTY(&sessions);
}

void
session_each(void (*cb)(const struct session *, void *), void *arg)
{
	struct session *s;

	TAILQ_FOREACH (s, &sessions, entry)
		cb(s, arg);
}

void
session_end(struct session *s)
{
	s->ending = true;
	if (s->state == SESSION_COMMIT || s->state == SESSION_CLOSING)
		return;
	session_reply(s, 421, "4.3.2", "Ended by the administrator");
	session_close(s);
}

void
session_end_some(bool (*which)(struct session *, void *), void *arg)
{
	struct session *s, *next;

	TAILQ_FOREACH_SAFE (s, &sessions, entry, next) {
		if (which(s, arg))
			session_end(s);
	}
}

int64_t
session_silent(const struct session *s)
{
	return (int64_t)(session_now() - s->active);
}

/* Those that wait for a deliverer may still hear its answer. */
void
session_shutdown(void)
{
	struct session *s, *next;

	TAILQ_FOREACH_SAFE (s, &sessions, entry, next) {
		if (s->state == SESSION_COMMIT || s->state == SESSION_CLOSING)
			continue;
		session_reply(s, 421, "4.3.2", "Shutting down");
		session_close(s);
	}
}

void
session_resume(struct deliverer *deliverer)
{
	struct session *s, *next;

	TAILQ_FOREACH_SAFE (s, &sessions, entry, next) {
		if (s->message != NULL &&
		    (s->message->deliverer == deliverer ||
			(s->message->copy != NULL &&
			    s->message->copy->deliverer == deliverer)))
			session_run(s);
	}
}

void
session_resume_queue(void)
{
	struct session *s, *next;

	TAILQ_FOREACH_SAFE (s, &sessions, entry, next) {
		if (s->message != NULL && s->message->out != NULL)
			session_run(s);
	}
}

static void
session_input(struct tlsio *io, void *arg)
{
	struct session *s;

	(void)io;
	s = arg;
	/* Of commands only whole ones count: those that are replied to. */
	if (s->state == SESSION_DATA || s->state == SESSION_BDAT)
		s->active = session_now();
	session_run(s);
}

static void
session_drained(struct tlsio *io, void *arg)
{
	(void)io;
	session_run(arg);
}

static void
session_closed(struct tlsio *io, enum tlsio_end end, void *arg)
{
	struct session *s;

	s = arg;
	if (end == TLSIO_FAILED)
		log_debug("conn failed conn=%llu peer=%s error=%s",
		    (unsigned long long)s->conn, s->peer,
		    log_vis(tlsio_error(io)));
	session_free(s);
}

static void
session_secure(struct tlsio *io, void *arg)
{
	struct session *s;

	s = arg;
	report_tls(io);
	s->started = 0;
	if (s->tls == SMTP_TLS_FIRST)
		session_greet(s);
}

static void
session_greet(struct session *s)
{
	s->started = 0;
	session_reply(s, 220, NULL, "%s %s %s", engine_config()->site.hostname,
	    session_is_lmtp(s) ? "LMTP" : "ESMTP",
	    engine_config()->site.product);
}

static void
session_free(struct session *s)
{
	auth_abort(s);
	session_reset(s);
	if (s->refused > REFUSED_LOGGED)
		log_info("refused conn=%llu peer=%s more=%u",
		    (unsigned long long)s->conn, s->peer,
		    s->refused - REFUSED_LOGGED);
	evtimer_del(&s->timer);
	TAILQ_REMOVE(&sessions, s, entry);
	tlsio_free(s->io);
	proc_conn_closed(s->conn);
	free(s->helo);
	free(s);
	engine_session_ended();
}

/* For another process, not for its client. */
static bool
session_waits(const struct session *s)
{
	return s->state == SESSION_RCPT || s->state == SESSION_COMMIT ||
	    s->state == SESSION_AUTH || s->state == SESSION_PACE ||
	    s->state == SESSION_ORIGIN || s->state == SESSION_RELEASE;
}

static void
session_consume(struct session *s, size_t len)
{
	tlsio_consume(s->io, len);
	s->received += len;
	report_add(COUNT_RECEIVED, len);
}

/* One command line, if it is there whole. */
static void
session_line(struct session *s, const uint8_t *in, size_t len, size_t *used)
{
	char line[AUTH_LINE_MAX];
	const uint8_t *end;
	size_t n, max;

	max = s->state == SESSION_AUTH_LINE ? AUTH_LINE_MAX : SMTP_COMMAND_MAX;

	end = memchr(in, '\n', len);
	if (end == NULL) {
		if (len < max && !s->skip_line)
			return;
		s->skip_line = true;
		*used = len;
		session_consume(s, len);
		return;
	}
	*used = (size_t)(end - in) + 1;
	n = *used - 1;
	if (s->skip_line || *used > max) {
		s->skip_line = false;
		session_consume(s, *used);
		/* RFC 4954 4 has a code of its own. */
		session_error(s, 500, s->auth != NULL ? "5.5.6" : "5.5.2",
		    "Line too long");
		auth_abort(s);
		return;
	}
	if (n == 0 || in[n - 1] != '\r') {
		session_consume(s, *used);
		session_error(s, 500, "5.5.2", "Lines end with CRLF");
		auth_abort(s);
		return;
	}
	n--;
	memcpy(line, in, n);
	session_consume(s, *used);
	if (s->state == SESSION_AUTH_LINE)
		auth_line(s, line, n);
	else
		command_run(s, line, n);
	explicit_bzero(line, n); /* it may hold a password */
}

static void
session_vreply(struct session *s, int code, const char *enh, bool more,
    const char *fmt, va_list ap)
{
	char text[SMTP_REPLY_MAX], line[SMTP_REPLY_MAX];
	size_t len;

	if (s->dsn != NULL)
		dsn_reply(s, code);
	if (s->state == SESSION_CLOSING || s->dsn != NULL)
		return;
	s->active = session_now();
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	len = smtp_reply(line, sizeof(line), code, enh, more, "%s", text);
	tlsio_write(s->io, line, len);
	s->sent += len;
	report_add(COUNT_SENT, len);
	report_reply(code, enh);
}

static time_t
session_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec;
}

static void
session_timer(struct session *s, time_t seconds)
{
	struct timeval tv;

	tv.tv_sec = seconds > 0 ? seconds : 1;
	tv.tv_usec = 0;
	evtimer_add(&s->timer, &tv);
}

/*
 * One timer for a session's whole life: it looks how long ago the client was
 * heard and sleeps for the rest, so input costs no timer call.
 */
static void
session_timeout(int fd, short what, void *arg)
{
	struct session *s;
	time_t idle, now;

	(void)fd;
	(void)what;
	s = arg;
	now = session_now();
	idle = (time_t)engine_config()->command_seconds;
	if (s->state == SESSION_CLOSING) {
		session_free(s); /* it does not even take our last words */
		return;
	}
	if (s->started != 0 && s->state != SESSION_COMMIT &&
	    now - s->started >=
		(s->message != NULL ? DATA_SECONDS_MAX : HANDSHAKE_SECONDS_MAX))
		s->active = now - idle;
	if (!session_waits(s) && now - s->active >= idle) {
		if (log_may(&quota))
			log_info("timeout conn=%llu peer=%s",
			    (unsigned long long)s->conn, s->peer);
		session_reply(s, 421, "4.4.2", "Timed out");
		session_close(s);
		session_timer(s, HANDSHAKE_SECONDS_MAX);
		return;
	}
	session_timer(s, s->active + idle - now);
}
