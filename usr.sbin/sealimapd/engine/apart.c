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
 * "sessions isolated": the engine that was started stays warm, forks a child
 * for each connection, and parses no octet of a client.  A child has wires to
 * this process alone, which asks the store master and sealkeys for it, and for
 * its own connection only; it narrows itself to what any engine may do, and
 * ends with its connection.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "engine.h"
#include "log.h"
#include "sessions.h"

#define CHILDREN_MAX 20000 /* of this engine; each has two wires */
#define ASKERS_MAX 16      /* sealctls */
#define TELL_S 5           /* a child tells what it counted so much later */

/* Beside the messages of store_wire.h that pass through. */
enum apart_message {
	/* to a child: u8 whether to log debug lines; finish. */
	APART_VERBOSE = 0x400,
	APART_SHUTDOWN = 0x401,
	/* child: u32 sessions that are logged in, then report_put(). */
	APART_COUNTS = 0x402
};

struct request;

/* What a child has been asked for a sealctl, in order. */
struct debt {
	TAILQ_ENTRY(debt) entry;
	struct request *request;
};

struct child {
	TAILQ_ENTRY(child) entry;
	uint64_t conn;
	struct wire *wire; /* its words to imap-store */
	struct wire *ctl;  /* as sealctl speaks to an engine */
	uint32_t sessions; /* it has logged in: its word */
	TAILQ_HEAD(, debt) debts;
};

/* A login that the store master is asked for. */
struct passed {
	TAILQ_ENTRY(passed) entry;
	struct child *child;
	uint32_t id;     /* the child's */
	uint32_t serial; /* ours */
};

/* A sealctl. */
struct asker {
	TAILQ_ENTRY(asker) entry;
	struct wire *wire;
	bool may_change;
};

/* What it wants to know. */
struct request {
	TAILQ_ENTRY(request) entry;
	struct asker *asker; /* NULL: it is gone */
	uint32_t id;
	unsigned int waiting;
	uint8_t result;
};

static struct {
	TAILQ_HEAD(, child) children;
	TAILQ_HEAD(, passed) passed;
	TAILQ_HEAD(, asker) askers;
	TAILQ_HEAD(, request) requests;
	unsigned int n_children, n_askers;
	struct event ev_child;
	bool ending;
} apart = {.children = TAILQ_HEAD_INITIALIZER(apart.children),
    .passed = TAILQ_HEAD_INITIALIZER(apart.passed),
    .askers = TAILQ_HEAD_INITIALIZER(apart.askers),
    .requests = TAILQ_HEAD_INITIALIZER(apart.requests)};

/* Of a child. */
static struct {
	struct wire *wire;
	struct event ev_tell;
	bool pending;
} own;

static void
on_child(int sig, short what, void *arg)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (WIFSIGNALED(status))
			log_warnx("session died pid=%d signal=%d (%s)",
			    (int)pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	}
}

void
apart_init(void)
{
	signal_set(&apart.ev_child, SIGCHLD, on_child, NULL);
	if (signal_add(&apart.ev_child, NULL) == -1)
		fatal("signal_add");
}

unsigned int
apart_sessions(void)
{
	const struct child *c;
	unsigned int n = 0;

	TAILQ_FOREACH (c, &apart.children, entry)
		n += c->sessions;
	return n;
}

/* ---- In the child */

void
apart_tell(void)
{
	struct msgout *m;
	struct conn *c;
	uint32_t n = 0;

	own.pending = false;
	if (own.wire == NULL)
		return;
	for (c = conn_next(NULL); c != NULL; c = conn_next(c))
		n += c->account != NULL;
	m = msg_new(own.wire, APART_COUNTS, 0);
	msg_put_u32(m, n);
	report_put(m);
	msg_send(m);
}

static void
on_tell(int fd, short what, void *arg)
{
	apart_tell();
}

void
apart_tell_soon(void)
{
	struct timeval tv = {TELL_S, 0};

	if (own.pending || own.wire == NULL)
		return;
	own.pending = true;
	(void)evtimer_add(&own.ev_tell, &tv);
}

/* The one that forked us: it passes on what the store master says. */
static void
own_message(struct wire *w, struct msg *m, void *arg)
{
	uint8_t on;

	switch (m->type) {
	case APART_VERBOSE:
		on = msg_get_u8(m);
		if (msg_end(m) == 0)
			log_verbose(on);
		break;
	case APART_SHUTDOWN:
		engine_shutdown(NULL);
		break;
	default:
		login_master_message(m);
		break;
	}
}

static void
own_gone(struct wire *w, void *arg)
{
	own.wire = NULL;
	engine_child(NULL);
	wire_free(w);
	login_master_gone();
	engine_shutdown(NULL);
}

static void child_main(const struct proc_conn *, int fd, int link, int ctl,
    int keys) __attribute__((noreturn));

static void
child_main(const struct proc_conn *pc, int fd, int link, int ctl, int keys)
{
	struct child *c;
	struct asker *a;

	/* Of the others nothing is left here, neither wires nor words. */
	TAILQ_FOREACH (c, &apart.children, entry) {
		wire_abandon(c->wire);
		if (c->ctl != NULL)
			wire_abandon(c->ctl);
	}
	TAILQ_FOREACH (a, &apart.askers, entry)
		wire_abandon(a->wire);
	TAILQ_INIT(&apart.children);
	TAILQ_INIT(&apart.askers);
	apart.n_children = 0;
	if (engine_master() != NULL)
		wire_abandon(engine_master());
	tlsio_signer_child(keys);
	proc_narrow("stdio recvfd", NULL, 0);
	report_child();
	evtimer_set(&own.ev_tell, on_tell, NULL);
	own.wire = wire_new(link, own_message, own_gone, NULL);
	engine_child(own.wire);
	sessions_serve(ctl, true);
	conn_new(pc, fd);
	conn_alone();
	(void)event_dispatch();
	exit(1);
}

/* ---- In the warm engine: children */

static void request_done(struct request *, uint8_t);

static void
debt_paid(struct child *c, uint8_t result)
{
	struct debt *d;

	d = TAILQ_FIRST(&c->debts);
	TAILQ_REMOVE(&c->debts, d, entry);
	request_done(d->request, result);
	free(d);
}

static void
child_free(struct child *c)
{
	struct passed *p, *next;

	TAILQ_FOREACH_SAFE (p, &apart.passed, entry, next) {
		if (p->child != c)
			continue;
		if (engine_master() != NULL)
			msg_signal(
			    engine_master(), ENGINE_MASTER_CANCEL, p->serial);
		TAILQ_REMOVE(&apart.passed, p, entry);
		free(p);
	}
	while (!TAILQ_EMPTY(&c->debts))
		debt_paid(c, CTL_OK);
	TAILQ_REMOVE(&apart.children, c, entry);
	apart.n_children--;
	wire_free(c->wire);
	wire_free(c->ctl);
	proc_conn_closed(c->conn);
	free(c);
	if (apart.ending && apart.n_children == 0)
		exit(0);
}

static void
child_gone(struct wire *w, void *arg)
{
	child_free(arg);
}

static void
child_bad(struct child *c, const char *what)
{
	log_warnx("session misbehaves conn=%llu: %s",
	    (unsigned long long)c->conn, what);
	wire_fail(c->wire);
}

static void
child_refuse(struct child *c, uint32_t id)
{
	struct msgout *m;

	m = msg_new(c->wire, MASTER_ENGINE_REFUSED, id);
	msg_put_u8(m, REFUSED_UNAVAILABLE);
	msg_send(m);
}

/* For its own connection, and under an id of ours. */
static void
child_login(struct child *c, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	struct msgout *out;
	struct passed *p;
	uint64_t conn;
	uint8_t service;

	conn = msg_get_u64(m);
	service = msg_get_u8(m);
	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1 || conn != c->conn) {
		child_bad(c, "malformed login");
		return;
	}
	/* A session has one under way. */
	TAILQ_FOREACH (p, &apart.passed, entry) {
		if (p->child == c) {
			child_bad(c, "two logins at once");
			return;
		}
	}
	if (engine_master() == NULL) {
		child_refuse(c, m->id);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		fatal("login");
	p->child = c;
	p->id = m->id;
	p->serial = login_next_id();
	TAILQ_INSERT_TAIL(&apart.passed, p, entry);
	out = msg_new(engine_master(), ENGINE_MASTER_LOGIN, p->serial);
	msg_put_u64(out, conn);
	msg_put_u8(out, service);
	msg_put_str(out, name);
	msg_send(out);
	explicit_bzero(name, sizeof(name));
}

static void
child_cancel(struct child *c, struct msg *m)
{
	struct passed *p;

	TAILQ_FOREACH (p, &apart.passed, entry) {
		if (p->child == c && p->id == m->id)
			break;
	}
	if (msg_end(m) == -1 || p == NULL)
		return; /* answered meanwhile */
	if (engine_master() != NULL)
		msg_signal(engine_master(), ENGINE_MASTER_CANCEL, p->serial);
	TAILQ_REMOVE(&apart.passed, p, entry);
	free(p);
}

static void
child_message(struct wire *w, struct msg *m, void *arg)
{
	struct child *c = arg;

	switch (m->type) {
	case ENGINE_MASTER_LOGIN:
		child_login(c, m);
		break;
	case ENGINE_MASTER_CANCEL:
		child_cancel(c, m);
		break;
	case APART_COUNTS:
		c->sessions = msg_get_u32(m) > 0;
		report_get(m);
		if (msg_end(m) == -1)
			child_bad(c, "malformed counts");
		break;
	default:
		child_bad(c, "unknown message");
		break;
	}
}

/* What the child says to a sealctl: of itself alone. */
static void
child_ctl(struct wire *w, struct msg *m, void *arg)
{
	struct child *c = arg;
	const struct request *r;
	struct msgout *out;
	const uint8_t *rest;
	uint64_t conn;
	uint8_t result;
	size_t len;

	if (TAILQ_EMPTY(&c->debts)) {
		child_bad(c, "answers nobody");
		return;
	}
	r = TAILQ_FIRST(&c->debts)->request;
	if (m->type == CTL_DONE) {
		result = msg_get_u8(m);
		debt_paid(c, result);
		return;
	}
	rest = msg_get_rest(m, &len);
	memcpy(&conn, rest, len < sizeof(conn) ? 0 : sizeof(conn));
	if ((m->type != CTL_SESSION || len < sizeof(conn) || conn != c->conn) &&
	    (m->type != CTL_KICKED || len != sizeof(uint32_t))) {
		child_bad(c, "speaks of others");
		return;
	}
	if (r->asker == NULL ||
	    wire_queued(r->asker->wire) >= MSG_QUEUE_MAX / 2)
		return;
	out = msg_new(r->asker->wire, m->type, r->id);
	msg_put_raw(out, rest, len);
	msg_send(out);
}

static void
child_ctl_gone(struct wire *w, void *arg)
{
	struct child *c = arg;

	/* It ends; what it owes is forgiven when the other wire ends too. */
	wire_free(w);
	c->ctl = NULL;
}

void
apart_conn(const struct proc_conn *pc, int fd)
{
	int link[2] = {-1, -1}, ctl[2] = {-1, -1}, keys = -1;
	struct child *c;
	pid_t pid = -1;

	if (apart.n_children < CHILDREN_MAX && !apart.ending &&
	    wire_pair(link) != -1 && wire_pair(ctl) != -1) {
		keys = tlsio_signer_pair();
		pid = proc_fork("session");
	}
	if (pid == 0) {
		(void)close(link[0]);
		(void)close(ctl[0]);
		child_main(pc, fd, link[1], ctl[1], keys);
	}
	(void)close(fd);
	if (keys != -1)
		(void)close(keys);
	if (link[1] != -1)
		(void)close(link[1]);
	if (ctl[1] != -1)
		(void)close(ctl[1]);
	if (pid == -1) {
		log_warn("no session conn=%llu", (unsigned long long)pc->id);
		if (link[0] != -1)
			(void)close(link[0]);
		if (ctl[0] != -1)
			(void)close(ctl[0]);
		proc_conn_closed(pc->id);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("session");
	c->conn = pc->id;
	TAILQ_INIT(&c->debts);
	c->wire = wire_new(link[0], child_message, child_gone, c);
	c->ctl = wire_new(ctl[0], child_ctl, child_ctl_gone, c);
	TAILQ_INSERT_TAIL(&apart.children, c, entry);
	apart.n_children++;
}

/* ---- Answers of the store master */

void
apart_master_message(struct msg *m)
{
	struct msgout *out;
	struct passed *p;
	struct child *c;
	uint8_t refusal;
	uint32_t id;
	int fd;

	TAILQ_FOREACH (p, &apart.passed, entry) {
		if (p->serial == m->id)
			break;
	}
	if (m->type != MASTER_ENGINE_OPENER && m->type != MASTER_ENGINE_REFUSED)
		fatalx("store master: message %u", m->type);
	if (p == NULL)
		return; /* cancelled; libmsg closes the descriptor */
	c = p->child;
	id = p->id;
	TAILQ_REMOVE(&apart.passed, p, entry);
	free(p);
	fd = m->type == MASTER_ENGINE_OPENER ? msg_get_fd(m) : -1;
	refusal = m->type == MASTER_ENGINE_REFUSED ? msg_get_u8(m) : 0;
	if (msg_end(m) == -1)
		fatalx("store master: malformed message %u", m->type);
	out = msg_new(c->wire, m->type, id);
	if (fd != -1)
		msg_put_fd(out, fd);
	else
		msg_put_u8(out, refusal);
	msg_send(out);
}

void
apart_master_gone(void)
{
	struct passed *p;

	while ((p = TAILQ_FIRST(&apart.passed)) != NULL) {
		child_refuse(p->child, p->id);
		TAILQ_REMOVE(&apart.passed, p, entry);
		free(p);
	}
}

void
apart_verbose(bool on)
{
	struct msgout *m;
	struct child *c;

	TAILQ_FOREACH (c, &apart.children, entry) {
		m = msg_new(c->wire, APART_VERBOSE, 0);
		msg_put_u8(m, on);
		msg_send(m);
	}
}

bool
apart_shutdown(void)
{
	struct child *c;

	if (own.wire != NULL)
		return true;
	apart.ending = true;
	TAILQ_FOREACH (c, &apart.children, entry)
		msg_signal(c->wire, APART_SHUTDOWN, 0);
	return apart.n_children == 0;
}

/* ---- sealctl */

static void
asker_done(struct asker *a, uint32_t id, uint8_t result)
{
	struct msgout *m;

	m = msg_new(a->wire, CTL_DONE, id);
	msg_put_u8(m, result);
	msg_put_str(m, "");
	msg_send(m);
}

static void
request_done(struct request *r, uint8_t result)
{
	if (result != CTL_OK && result <= CTL_INVALID)
		r->result = result;
	if (--r->waiting > 0)
		return;
	if (r->asker != NULL)
		asker_done(r->asker, r->id, r->result);
	TAILQ_REMOVE(&apart.requests, r, entry);
	free(r);
}

/* All children are asked the same. */
static void
ask_all(struct asker *a, struct msg *m)
{
	struct msgout *out;
	const uint8_t *rest;
	struct request *r;
	struct child *c;
	struct debt *d;
	size_t len;

	rest = msg_get_rest(m, &len);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		fatal("request");
	r->asker = a;
	r->id = m->id;
	r->waiting = 1; /* ours, until all are asked */
	TAILQ_INSERT_TAIL(&apart.requests, r, entry);
	TAILQ_FOREACH (c, &apart.children, entry) {
		if (c->ctl == NULL)
			continue;
		d = calloc(1, sizeof(*d));
		if (d == NULL)
			fatal("request");
		d->request = r;
		r->waiting++;
		TAILQ_INSERT_TAIL(&c->debts, d, entry);
		out = msg_new(c->ctl, m->type, 1);
		msg_put_raw(out, rest, len);
		msg_send(out);
	}
	request_done(r, CTL_OK);
}

/* As sessions.c will read it in each child. */
static bool
well_formed(const struct msg *m)
{
	char text[SESSIONS_ACCOUNT_MAX];
	struct msg copy;
	bool good;

	copy = *m;
	good = msg_get_u32(&copy) == CTL_VERSION;
	if (m->type == CTL_KICK) {
		(void)msg_get_u8(&copy);
		(void)msg_get_u64(&copy);
		(void)msg_get_str(&copy, text, sizeof(text));
	}
	return good && msg_end(&copy) == 0;
}

static void
asker_message(struct wire *w, struct msg *m, void *arg)
{
	struct asker *a = arg;

	if (wire_queued(w) >= MSG_HIGH)
		wire_fail(w);
	else if (m->type == CTL_KICK && !a->may_change)
		asker_done(a, m->id, CTL_DENIED);
	else if ((m->type == CTL_SESSIONS || m->type == CTL_KICK) &&
	    well_formed(m))
		ask_all(a, m);
	else
		asker_done(a, m->id, CTL_INVALID);
}

static void
asker_gone(struct wire *w, void *arg)
{
	struct asker *a = arg;
	struct request *r;

	TAILQ_FOREACH (r, &apart.requests, entry) {
		if (r->asker == a)
			r->asker = NULL;
	}
	TAILQ_REMOVE(&apart.askers, a, entry);
	apart.n_askers--;
	wire_free(w);
	free(a);
}

void
apart_ctl(int fd, bool may_change)
{
	struct asker *a;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		fatal("control");
	a->may_change = may_change;
	a->wire = wire_new(fd, asker_message, asker_gone, a);
	TAILQ_INSERT_TAIL(&apart.askers, a, entry);
	if (++apart.n_askers > ASKERS_MAX)
		wire_fail(a->wire);
}
