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
 * Connections of imap-engine: their life, their input, their limits.  Input
 * stays with the connection until there is a place for the next command, so
 * a client that sends without end is stopped by TCP.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"

#define LINGER_SECONDS 10 /* for the last output */

static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns);
static size_t n_conns;
static struct imap_buf out;
static struct conn *out_owner;
static bool ending;            /* exit with the last connection */
static struct log_quota quota; /* of connections that do not log in */
static struct event watch;     /* for what lasts */
static bool watching;

static void conn_free(struct conn *);
static void conn_input(struct tlsio *, void *);
static void conn_drained(struct tlsio *, void *);
static void conn_closed(struct tlsio *, enum tlsio_end, void *);
static void conn_secure(struct tlsio *, void *);

static const struct tlsio_ops conn_ops = {
    .input = conn_input,
    .drained = conn_drained,
    .closed = conn_closed,
    .secure = conn_secure,
};

static void
watch_due(int fd, short what, void *arg)
{
	struct conn *c, *next;

	watching = false;
	TAILQ_FOREACH_SAFE (c, &conns, entry, next) {
		if (c->dead || c->state == CONN_CLOSING || c->vault == NULL)
			continue;
		if (job_patience(c))
			conn_watch();
		conn_flush(c);
	}
}

void
conn_watch(void)
{
	const struct timeval tv = {.tv_sec = PROGRESS_SECONDS};

	if (watching)
		return;
	watching = true;
	evtimer_set(&watch, watch_due, NULL);
	evtimer_add(&watch, &tv);
}

size_t
conn_count(void)
{
	return n_conns;
}

struct conn *
conn_next(const struct conn *c)
{
	return c == NULL ? TAILQ_FIRST(&conns) : TAILQ_NEXT(c, entry);
}

bool
conn_utf8_headers(const struct conn *c)
{
	return c->accept || c->rev2;
}

struct imap_buf *
conn_out(struct conn *c)
{
	if (out_owner != c && out_owner != NULL)
		conn_flush(out_owner);
	out_owner = c;
	return &out;
}

void
conn_flush(struct conn *c)
{
	if (out_owner != c)
		return;
	if (out.len > 0 && !c->dead) {
		if (c->squeeze != NULL && !c->plain)
			squeeze_write(c, out.p, out.len);
		else
			tlsio_write(c->io, out.p, out.len);
		c->sent += out.len;
		report_add(COUNT_SENT, out.len);
	}
	imap_buf_reset(&out, OUT_KEEP);
	out_owner = NULL;
}

static void
conn_timer_set(struct conn *c, time_t seconds)
{
	struct timeval tv = {0};

	tv.tv_sec = seconds;
	evtimer_add(&c->timer, &tv);
}

static time_t
conn_limit(const struct conn *c)
{
	const struct engine_slice *conf = engine_config();

	if (c->state == CONN_BEFORE || c->state == CONN_LOGIN)
		return (time_t)conf->login_seconds;
	return (time_t)conf->idle_seconds;
}

static void
conn_timer(int fd, short what, void *arg)
{
	struct conn *c = arg;
	time_t left;

	if (c->dead || c->state == CONN_CLOSING) {
		conn_free(c);
		return;
	}
	left = c->active + conn_limit(c) - engine_now();
	if (left > 0) {
		conn_timer_set(c, left);
		return;
	}
	if (c->account != NULL || log_may(&quota))
		log_info("conn timeout conn=%llu", (unsigned long long)c->id);
	conn_bye(c, "Autologout; idle for too long");
}

static void
greet(struct conn *c)
{
	struct imap_buf *b;

	b = conn_out(c);
	imap_puts(b, "* OK [CAPABILITY");
	capability_put(c, b);
	imap_puts(b, "] ");
	imap_puts(b, engine_config()->site.hostname);
	imap_puts(b, " ready\r\n");
	conn_flush(c);
}

void
conn_new(const struct proc_conn *pc, int fd)
{
	const struct engine_slice *conf = engine_config();
	struct tlsio_server *server;
	struct conn *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("connection");
	c->id = pc->id;
	(void)strlcpy(c->peer, pc->peer, sizeof(c->peer));
	c->listener = IMAP_LISTEN_IMAPS;
	if (conf != NULL && pc->listener < conf->n_listeners)
		c->listener = conf->listeners[pc->listener].kind;
	TAILQ_INIT(&c->jobs);
	c->next_id = 1;
	c->reader = imap_reader_new();
	c->active = c->heard = engine_now();
	c->since = time(NULL);
	c->listener_index = pc->listener;
	server = c->listener == IMAP_LISTEN_IMAPS ? engine_tls(pc->listener) :
						    NULL;
	if (server == NULL && c->listener == IMAP_LISTEN_IMAPS) {
		log_warnx("conn without certificate conn=%llu",
		    (unsigned long long)c->id);
		(void)close(fd);
		proc_conn_closed(c->id);
		imap_reader_free(c->reader);
		free(c);
		return;
	}
	c->io = tlsio_new(server, fd, &conn_ops, c);
	if (c->io == NULL)
		fatal("connection");
	TAILQ_INSERT_TAIL(&conns, c, entry);
	n_conns++;
	evtimer_set(&c->timer, conn_timer, c);
	conn_timer_set(c, conn_limit(c));
	if (log_may(&quota))
		log_info("conn open conn=%llu peer=%s",
		    (unsigned long long)c->id, c->peer);
	if (server == NULL)
		greet(c);
}

static void
conn_secure(struct tlsio *io, void *arg)
{
	struct conn *c = arg;

	log_debug("conn secure conn=%llu version=%s", (unsigned long long)c->id,
	    tlsio_version(io));
	report_tls(io);
	/* A child has one handshake; nothing is signed for it later. */
	if (ending)
		tlsio_signer_child(-1);
	/* After STARTTLS there is no second greeting. */
	if (c->listener == IMAP_LISTEN_IMAPS)
		greet(c);
}

static void
conn_free(struct conn *c)
{
	struct job *job;

	c->dead = true;
	if (out_owner == c) {
		imap_buf_reset(&out, OUT_KEEP);
		out_owner = NULL;
	}
	evtimer_del(&c->timer);
	login_abort(c);
	while ((job = TAILQ_FIRST(&c->jobs)) != NULL)
		job_free(job);
	select_forget(c);
	contexts_forget(c);
	notify_forget(c);
	wire_free(c->vault);
	if (c->account != NULL)
		chunk_forget();
	imap_reader_free(c->reader);
	squeeze_stop(c);
	tlsio_free(c->io);
	if (c->account != NULL || log_may(&quota))
		log_info("conn close conn=%llu", (unsigned long long)c->id);
	proc_conn_closed(c->id);
	TAILQ_REMOVE(&conns, c, entry);
	n_conns--;
	if (c->account != NULL)
		freezero(c->account, strlen(c->account));
	freezero(c, sizeof(*c));
	if (ending && n_conns == 0) {
		apart_tell();
		exit(0);
	}
}

void
conn_drop(struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	wire_free(c->vault);
	c->vault = NULL;
	tlsio_pause(c->io);
	/* Freed from the event loop: a caller may still hold it. */
	conn_timer_set(c, 0);
}

void
conn_bye(struct conn *c, const char *text)
{
	struct imap_buf *b;

	if (c->dead || c->state == CONN_CLOSING)
		return;
	/* Within a literal nothing can be said that would be understood. */
	if (job_open(c)) {
		conn_drop(c);
		return;
	}
	b = conn_out(c);
	imap_puts(b, "* BYE ");
	imap_puts(b, text);
	imap_puts(b, "\r\n");
	conn_flush(c);
	c->state = CONN_CLOSING;
	wire_free(c->vault);
	c->vault = NULL;
	tlsio_finish(c->io);
	conn_timer_set(c, LINGER_SECONDS);
}

void
conn_alone(void)
{
	ending = true;
	if (n_conns == 0)
		exit(0);
}

void
conn_shutdown(void)
{
	struct conn *c, *next;

	TAILQ_FOREACH_SAFE (c, &conns, entry, next)
		conn_bye(c, "Server is shutting down");
}

/* Must the client's next octets wait? */
static bool
conn_blocked(struct conn *c)
{
	struct job *last;

	if (c->dead || c->state == CONN_CLOSING || c->plus_due)
		return true;
	if (tlsio_full(c->io))
		return true;
	if (c->append != NULL)
		return !c->append->started || c->throttled ||
		    append_waits(c->append);
	last = TAILQ_LAST(&c->jobs, jobs);
	if (last == NULL)
		return false;
	if (last->heavy)
		return true;
	if (last->cmd->verb == IMAP_AUTHENTICATE ||
	    last->cmd->verb == IMAP_IDLE)
		return !c->answer_due;
	/* What follows these is understood only after them. */
	if (last->cmd->verb == IMAP_LOGIN || last->cmd->verb == IMAP_STARTTLS ||
	    last->cmd->verb == IMAP_LOGOUT || last->cmd->verb == IMAP_ENABLE ||
	    last->cmd->verb == IMAP_COMPRESS ||
	    last->cmd->verb == IMAP_UNAUTHENTICATE)
		return true;
	return c->njobs >= JOBS_MAX;
}

static void
conn_line(struct conn *c)
{
	const uint8_t *line;
	struct job *job;
	size_t len;

	c->answer_due = false;
	line = imap_reader_data(c->reader, &len);
	job = TAILQ_LAST(&c->jobs, jobs);
	if (job == NULL)
		return;
	if (job->cmd->verb == IMAP_AUTHENTICATE)
		authenticate_line(c, line, len);
	else if (job->cmd->verb == IMAP_IDLE)
		idle_line(c, line, len);
}

static void
conn_command(struct conn *c)
{
	struct imap_cmd *cmd;

	cmd = imap_reader_take(c->reader);
	report_command(c, cmd->verb);
	if (cmd->verb == IMAP_BAD &&
	    ++c->bad > (c->state == CONN_BEFORE ? BAD_BEFORE_MAX : BAD_MAX)) {
		imap_cmd_free(cmd);
		conn_bye(c, "Too many wrong commands");
		return;
	}
	/* Of URLs alone: all of it is here. */
	if (cmd->verb == IMAP_APPEND || cmd->verb == IMAP_REPLACE)
		append_begin(c, cmd);
	else
		(void)job_new(c, cmd);
}

static void
conn_event(struct conn *c, enum imap_event event)
{
	const uint8_t *data;
	struct imap_cmd *cmd;
	size_t len;

	switch (event) {
	case IMAP_MORE:
		return;
	case IMAP_COMMAND:
		conn_command(c);
		break;
	case IMAP_CONTINUE:
		c->plus_due = true;
		break;
	case IMAP_MESSAGE:
		cmd = imap_reader_take(c->reader);
		report_command(c, cmd->verb);
		append_begin(c, cmd);
		break;
	case IMAP_DATA:
		data = imap_reader_data(c->reader, &len);
		append_data(c, data, len);
		break;
	case IMAP_DATA_END:
	case IMAP_DATA_BAD:
		append_data_end(c, event == IMAP_DATA_END);
		break;
	case IMAP_LINE:
		conn_line(c);
		break;
	case IMAP_FATAL:
		conn_bye(c, "Line or literal too long");
		break;
	}
	if (c->state != CONN_BEFORE && c->state != CONN_LOGIN)
		c->active = engine_now();
}

static const uint8_t *
conn_plain(struct conn *c, size_t *len)
{
	return c->squeeze != NULL ? squeeze_input(c, len) :
				    tlsio_input(c->io, len);
}

/* Reads up to the next event; false if there is nothing to be done. */
static bool
conn_read(struct conn *c)
{
	enum imap_event event;
	const uint8_t *p;
	size_t len, used;

	if (conn_blocked(c))
		return false;
	p = conn_plain(c, &len);
	if (len == 0)
		return false;
	event = imap_reader_next(c->reader, p, len, &used);
	conn_event(c, event);
	if (used > 0 && !c->dead) {
		if (c->squeeze != NULL)
			squeeze_consume(c, used);
		else
			tlsio_consume(c->io, used);
		c->heard = engine_now();
		c->received += used;
		report_add(COUNT_RECEIVED, used);
	}
	return used > 0 || event != IMAP_MORE;
}

/* A continuation may not stand inside another command's answer. */
static void
conn_plus(struct conn *c)
{
	if (!c->plus_due || !job_may_flow(c))
		return;
	c->plus_due = false;
	imap_puts(conn_out(c), "+ OK\r\n");
}

void
conn_pump(struct conn *c)
{
	bool more;

	if (c->in_pump || c->dead || c->state == CONN_CLOSING)
		return;
	c->in_pump = true;
	if (c->squeeze != NULL)
		squeeze_turn(c);
	do {
		job_start_all(c);
		if (c->dead || c->state == CONN_CLOSING)
			break;
		conn_plus(c);
		more = conn_read(c);
	} while (more && !c->dead && c->state != CONN_CLOSING);
	c->in_pump = false;
	conn_flush(c);
}

static void
conn_input(struct tlsio *io, void *arg)
{
	conn_pump(arg);
}

static void
conn_drained(struct tlsio *io, void *arg)
{
	struct conn *c = arg;
	struct job *job;

	if (c->dead || c->state == CONN_CLOSING)
		return;
	c->active = engine_now();
	if (c->vault != NULL)
		wire_resume(c->vault);
	job = TAILQ_FIRST(&c->jobs);
	if (job != NULL && job->started && job->command->drained != NULL)
		job->command->drained(job);
	conn_flush(c);
	conn_pump(c);
}

static void
conn_closed(struct tlsio *io, enum tlsio_end end, void *arg)
{
	struct conn *c = arg;

	if (end == TLSIO_FAILED)
		log_debug("conn failed conn=%llu error=%s",
		    (unsigned long long)c->id, log_vis(tlsio_error(io)));
	conn_drop(c);
}

static void
vault_message(struct wire *w, struct msg *msg, void *arg)
{
	struct conn *c = arg;

	if (c->dead || c->state == CONN_CLOSING)
		return;
	job_vault_message(c, msg);
	conn_flush(c);
	if (c->dead || c->state == CONN_CLOSING)
		return;
	if (tlsio_full(c->io))
		wire_pause(c->vault);
	conn_pump(c);
}

static void
vault_gone(struct wire *w, void *arg)
{
	struct conn *c = arg;

	wire_free(w);
	c->vault = NULL;
	if (c->dead || c->state == CONN_CLOSING)
		return;
	if (manage_hold(c))
		return;
	log_warnx("vault gone conn=%llu", (unsigned long long)c->id);
	conn_bye(c, "[UNAVAILABLE] The mail store has ended this session");
}

void
conn_vault(struct conn *c)
{
	struct msgout *m;

	wire_set(c->vault, vault_message, vault_gone, c);
	c->command_messages = engine_config()->command_messages;
	m = msg_new(c->vault, V_LIMIT, 0);
	msg_put_u32(m, c->command_messages);
	msg_send(m);
}

void
conn_leave(struct conn *c)
{
	select_forget(c);
	notify_forget(c);
	wire_free(c->vault);
	c->vault = NULL;
	c->throttled = false;
	chunk_forget();
	freezero(c->account, strlen(c->account));
	c->account = NULL;
	c->rev2 = c->condstore = c->qresync = c->uidonly = false;
	c->utf8 = c->accept = false;
	c->enabled = 0;
	c->uidvalidity = 0;
	imap_reader_logout(c->reader);
	c->state = CONN_BEFORE;
	c->active = engine_now();
	conn_timer_set(c, conn_limit(c));
}

void
conn_protocol(struct conn *c, const char *what)
{
	log_warnx("vault protocol conn=%llu what=%s", (unsigned long long)c->id,
	    what);
	conn_bye(c, "[SERVERBUG] Internal error");
}
