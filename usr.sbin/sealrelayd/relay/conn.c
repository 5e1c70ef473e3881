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
 * Connections: made, timed, kept for the next message, ended.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"

static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns);

static void conn_connected(int, short, void *);
static void conn_timeout(int, short, void *);
static void conn_end(int, short, void *);
static void conn_free_later(struct conn *);
static void io_input(struct tlsio *, void *);
static void io_drained(struct tlsio *, void *);
static void io_closed(struct tlsio *, enum tlsio_end, void *);
static void io_secure(struct tlsio *, void *);

static const struct tlsio_ops ops = {
    .input = io_input,
    .drained = io_drained,
    .closed = io_closed,
    .secure = io_secure,
};

/* Would the job's own plan lead to such a connection? */
static bool
conn_fits(const struct conn *c, const struct job *j)
{
	/* RFC 8689 4.2.1: not over whatever connection there is. */
	if ((j->flags & QUEUE_REQUIRETLS) != 0)
		return c->policy.named && !c->policy.go_on &&
		    c->policy.trust != TLSIO_TRUST_NONE &&
		    tlsio_is_secure(c->io) && (c->ext & EXT_REQUIRETLS) != 0;
	return !c->policy.loose || (j->flags & QUEUE_TLS_OPTIONAL) != 0;
}

bool
conn_reuse(struct job *j)
{
	struct conn *c;

	TAILQ_FOREACH (c, &conns, entry)
		if (c->state == CONN_IDLE && !c->dead &&
		    strcmp(c->dest, j->dest) == 0 && conn_fits(c, j))
			break;
	if (c == NULL)
		return false;
	c->job = j;
	j->conn = c;
	session_job(c);
	return true;
}

void
conn_start(struct plan *p, const struct sockaddr *sa, socklen_t len,
    const char *address)
{
	struct conn *c;
	const struct route *r;

	report_add(COUNT_CONNECTIONS);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->plan = p;
	c->job = plan_job(p);
	c->job->conn = c;
	c->policy = *plan_policy(p);
	/* Its data lie in the policy that was copied. */
	for (size_t i = 0; i < c->policy.n_tlsa; i++)
		c->policy.tlsa[i].data = c->policy.tlsa_data[i];
	(void)strlcpy(c->dest, c->job->dest, sizeof(c->dest));
	(void)strlcpy(c->host, plan_host(p), sizeof(c->host));
	(void)strlcpy(c->address, address, sizeof(c->address));
	r = plan_route(p);
	if (r != NULL && r->auth != NULL) {
		c->port = r->port;
		c->login = strdup(r->auth);
		if (c->login == NULL)
			fatal("strdup");
	}
	TAILQ_INSERT_TAIL(&conns, c, entry);
	evtimer_set(&c->timer, conn_timeout, c);
	evtimer_set(&c->end, conn_end, c);
	c->fd = relay_connect(sa, len);
	if (c->fd == -1) {
		conn_fail(c, "4.4.1", strerror(errno));
		return;
	}
	event_set(&c->event, c->fd, EV_WRITE, conn_connected, c);
	event_add(&c->event, NULL);
	conn_timer(c, CONNECT_SECONDS);
}

/* The job has ended otherwise: what was sent of it is worth nothing. */
void
conn_abort(struct conn *c)
{
	c->job->conn = NULL;
	c->job = NULL;
	c->plan = NULL;
	conn_free_later(c);
}

void
conn_data(struct conn *c, const uint8_t *data, size_t len, bool last)
{
	if (c->state == CONN_BODY)
		body_data(c, data, len, last);
}

/* Half a message may be with the server: it must not take that for all. */
void
conn_data_failed(struct conn *c)
{
	conn_fail(c, "4.3.0", "The message cannot be read here");
}

void
conns_close(void)
{
	struct conn *c;

	auth_forget();
	TAILQ_FOREACH (c, &conns, entry)
		if (c->state == CONN_IDLE && !c->dead)
			conn_quit(c);
}

void
conn_tls(struct conn *c, enum tlsio_result result)
{
	if (!c->policy.told || c->counted)
		return;
	c->counted = true;
	/* Without a policy nothing was to be proved. */
	if (c->policy.kind == TLS_POLICY_NONE && tlsio_is_secure(c->io))
		result = TLSIO_OK;
	else if (c->policy.kind == TLS_POLICY_DANE && result == TLSIO_OK &&
	    c->policy.trust != TLSIO_TRUST_DANE)
		result = TLSIO_TLSA_INVALID;
	queue_tls(c->dest, c->policy.kind, result, c->host);
}

void
conn_timer(struct conn *c, unsigned int seconds)
{
	struct timeval tv = {0};

	tv.tv_sec = seconds;
	evtimer_del(&c->timer);
	evtimer_add(&c->timer, &tv);
}

void
conn_idle(struct conn *c)
{
	c->state = CONN_IDLE;
	if (c->messages >= CONN_MESSAGES_MAX)
		conn_quit(c);
	else
		conn_timer(c, CONN_IDLE_SECONDS);
}

void
conn_quit(struct conn *c)
{
	c->state = CONN_QUIT;
	conn_write(c, "QUIT\r\n");
	conn_timer(c, CONN_IDLE_SECONDS);
}

void
conn_fail(struct conn *c, const char *status, const char *text)
{
	struct job *j;
	struct plan *p;

	if (c->dead)
		return;
	if (c->state == CONN_TLS)
		conn_tls(c,
		    tlsio_result(c->io) != TLSIO_OK ? tlsio_result(c->io) :
						      TLSIO_VALIDATION_FAILURE);
	j = c->job;
	p = c->plan;
	c->job = NULL;
	c->plan = NULL;
	conn_free_later(c);
	if (j == NULL)
		return;
	j->conn = NULL;
	if (c->wanted)
		job_stop(j);
	if (p != NULL && c->state == CONN_TLS && !c->policy.must)
		plan_without_tls(p);
	else if (p != NULL)
		plan_failed(p, status, text);
	else
		job_outcome_all(j, c->whole ? OUTCOME_UNSURE : OUTCOME_DEFERRED,
		    0, status, c->host, text);
}

void
conn_write(struct conn *c, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		conn_fail(c, "5.5.2", "A command got too long");
		return;
	}
	tlsio_write(c->io, line, (size_t)n);
	explicit_bzero(line, (size_t)n);
}

static void
conn_connected(int fd, short what, void *arg)
{
	struct conn *c;
	socklen_t len;
	int error;

	(void)what;
	c = arg;
	error = 0;
	len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		conn_fail(c, "4.4.1", strerror(error));
		return;
	}
	c->fd = -1;
	c->io = tlsio_new(NULL, fd, &ops, c);
	session_begin(c);
}

/* Whatever it waits for takes too long, also if it comes octet by octet. */
static void
conn_timeout(int fd, short what, void *arg)
{
	struct conn *c;

	(void)fd;
	(void)what;
	c = arg;
	if (c->state == CONN_IDLE)
		conn_quit(c);
	else if (c->state == CONN_QUIT)
		conn_free_later(c);
	else
		conn_fail(c, c->state == CONN_CONNECT ? "4.4.1" : "4.4.2",
		    "The server takes too long");
}

/* From the event loop: its callbacks may be on the stack. */
static void
conn_free_later(struct conn *c)
{
	struct timeval now = {0};

	if (c->dead)
		return;
	c->dead = true;
	evtimer_del(&c->timer);
	evtimer_add(&c->end, &now);
}

static void
conn_end(int fd, short what, void *arg)
{
	struct conn *c;

	(void)fd;
	(void)what;
	c = arg;
	TAILQ_REMOVE(&conns, c, entry);
	evtimer_del(&c->timer);
	if (c->fd != -1) {
		if (event_initialized(&c->event))
			event_del(&c->event);
		(void)close(c->fd);
	}
	tlsio_free(c->io);
	auth_free(c);
	if (c->login != NULL)
		freezero(c->login, strlen(c->login));
	free(c);
}

static void
io_input(struct tlsio *io, void *arg)
{
	struct conn *c;
	size_t len;

	c = arg;
	if (!c->dead) {
		session_input(c);
		return;
	}
	(void)tlsio_input(io, &len);
	tlsio_consume(io, len);
}

static void
io_drained(struct tlsio *io, void *arg)
{
	struct conn *c;

	(void)io;
	c = arg;
	if (!c->dead)
		body_drained(c);
}

static void
io_closed(struct tlsio *io, enum tlsio_end end, void *arg)
{
	struct conn *c;
	char text[QUEUE_TEXT_MAX];

	c = arg;
	if (c->dead)
		return;
	if (c->state == CONN_TLS)
		(void)snprintf(text, sizeof(text), "TLS: %s: %s",
		    tlsio_result_name(tlsio_result(io)), tlsio_error(io));
	else
		(void)strlcpy(text,
		    end == TLSIO_FAILED ? tlsio_error(io) :
					  "The server closed the connection",
		    sizeof(text));
	if (c->state == CONN_IDLE || c->state == CONN_QUIT)
		conn_free_later(c);
	else
		conn_fail(c, c->state == CONN_TLS ? "4.7.5" : "4.4.2", text);
}

static void
io_secure(struct tlsio *io, void *arg)
{
	struct conn *c;

	(void)io;
	c = arg;
	if (!c->dead)
		session_secure(c);
}
