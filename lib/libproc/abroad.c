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
 * Wires between daemons.  Each parent listens on RUNDIR/<daemon>.wire; another
 * parent of the same user (or root) asks for a wire between one of its roles
 * and one of ours, and gets one end of a socket pair.  Both remember: when our
 * role is started anew the asker gets a new end, and when their role is, they
 * ask again.  No role calls connect(2).  A daemon that asks also tells, of some
 * of its connections, where they come from.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "procs_local.h"

#define ABROAD_VERSION 1
#define CLIENTS_MAX 8 /* daemons that ask us */
#define ASKS_MAX 256  /* wires of one of them */
#define PEERS_MAX 8   /* daemons that we ask */

enum abroad_message {
	/* asker: u32 version, str asking role, u32 instance, str wanted */
	ABROAD_ASK = 1,
	/* answerer, repeated when the role was started anew.  Descriptor. */
	ABROAD_GIVE = 2,
	/* answerer: no such pair of roles */
	ABROAD_REFUSE = 3,
	/*
	 * asker: it has accepted a connection, which has ended: u64 conn, u32
	 * listener, address, u8 trusted / u64 conn
	 */
	ABROAD_OPENED = 4,
	ABROAD_ENDED = 5
};

struct ask {
	TAILQ_ENTRY(ask) entry;
	uint32_t id;
	char role[PROC_NAME_MAX];
	uint32_t instance;
	char wanted[PROC_NAME_MAX];
};

struct client {
	LIST_ENTRY(client) entry;
	struct wire *wire;
	TAILQ_HEAD(, ask) asks;
	unsigned int n_asks;
	struct proc_strangers strangers;
};

struct peer {
	const char *daemon;
	bool told;         /* of our connections */
	struct wire *wire; /* NULL: not connected */
	struct event ev_retry;
	unsigned int backoff_ms;
};

static struct {
	LIST_HEAD(, client) clients;
	unsigned int n_clients;
	struct event ev_accept;
	int fd;
	struct peer peers[PEERS_MAX];
	size_t n_peers;
	bool running;
} state = {.fd = -1};

static void on_accept(int, short, void *);
static void client_dispatch(struct wire *, struct msg *, void *);
static void client_gone(struct wire *, void *);
static void client_asks(struct client *, struct msg *);
static void tell_peer(const struct told *, void *);
static bool may_ask(const struct ask *);
static struct ask *ask_get(struct client *, uint32_t);
static void ask_serve(struct client *, const struct ask *);
static struct peer *peer_get(const char *);
static void peer_connect(struct peer *);
static void peer_retry(struct peer *);
static void on_retry(int, short, void *);
static void peer_dispatch(struct wire *, struct msg *, void *);
static void peer_gone(struct wire *, void *);
static void peer_ask(struct peer *, const struct proc *);
static const struct proc_abroad *
wanted_from(const struct peer *, const struct proc *);

void
proc_abroad_begin(void)
{
	const struct proc_daemon *d;

	d = proc_supervisor()->daemon;
	LIST_INIT(&state.clients);
	if (d->n_serves > 0) {
		state.fd = proc_local_listen("wire", PROC_NO_GROUP);
		event_set(&state.ev_accept, state.fd, EV_READ | EV_PERSIST,
		    on_accept, NULL);
		if (event_add(&state.ev_accept, NULL) == -1)
			fatalx("event_add");
	}
	for (size_t i = 0; i < d->n_asks; i++) {
		if (d->asks[i].told)
			peer_get(d->asks[i].daemon)->told = true;
		else
			(void)peer_get(d->asks[i].daemon);
	}
}

void
proc_abroad_run(void)
{
	state.running = true;
	for (size_t i = 0; i < state.n_peers; i++)
		peer_connect(&state.peers[i]);
}

/* Whoever wanted this role gets a new wire; whomever it wants is asked. */
void
proc_abroad_started(struct proc *p)
{
	struct client *c;
	struct ask *a;

	LIST_FOREACH (c, &state.clients, entry) {
		TAILQ_FOREACH (a, &c->asks, entry) {
			if (strcmp(a->wanted, p->row->name) == 0)
				ask_serve(c, a);
		}
		if ((p->row->flags & PROC_WATCH_CONNS) != 0)
			proc_strangers_tell(&c->strangers, p->wire);
	}
	for (size_t i = 0; i < state.n_peers; i++) {
		if (state.peers[i].wire != NULL)
			peer_ask(&state.peers[i], p);
	}
}

void
proc_abroad_stop(void)
{
	struct client *c;

	state.running = false;
	if (state.fd != -1) {
		(void)event_del(&state.ev_accept);
		(void)close(state.fd);
		state.fd = -1;
	}
	while ((c = LIST_FIRST(&state.clients)) != NULL)
		client_gone(c->wire, c);
	for (size_t i = 0; i < state.n_peers; i++) {
		(void)event_del(&state.peers[i].ev_retry);
		wire_free(state.peers[i].wire);
		state.peers[i].wire = NULL;
	}
}

static void
on_accept(int fd, short what, void *arg)
{
	struct client *c;
	uid_t uid;
	int s;

	s = proc_local_accept(fd, false, &uid);
	if (s == -1)
		return;
	if (state.n_clients == CLIENTS_MAX) {
		log_warnx("too many daemons ask for wires");
		(void)close(s);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	TAILQ_INIT(&c->asks);
	RB_INIT(&c->strangers);
	LIST_INSERT_HEAD(&state.clients, c, entry);
	state.n_clients++;
	c->wire = wire_new(s, client_dispatch, client_gone, c);
}

static void
client_dispatch(struct wire *w, struct msg *m, void *arg)
{
	struct client *c;

	c = arg;
	switch (m->type) {
	case ABROAD_ASK:
		client_asks(c, m);
		break;
	case ABROAD_OPENED:
		if (proc_stranger_add(&c->strangers, m) == -1)
			log_debug("connection of another daemon left out");
		break;
	case ABROAD_ENDED:
		(void)proc_stranger_remove(&c->strangers, m);
		break;
	default:
		log_warnx("malformed request for a wire");
		wire_fail(w);
		break;
	}
}

static void
client_asks(struct client *c, struct msg *m)
{
	struct ask *a, got;

	memset(&got, 0, sizeof(got));
	if (msg_get_u32(m) != ABROAD_VERSION)
		m->bad = true;
	(void)msg_get_str(m, got.role, sizeof(got.role));
	got.instance = msg_get_u32(m);
	(void)msg_get_str(m, got.wanted, sizeof(got.wanted));
	if (msg_end(m) == -1) {
		log_warnx("malformed request for a wire");
		wire_fail(c->wire);
		return;
	}
	if (!may_ask(&got) || (a = ask_get(c, m->id)) == NULL) {
		log_warnx("wire refused role=%s wanted=%s", log_vis(got.role),
		    log_vis(got.wanted));
		msg_signal(c->wire, ABROAD_REFUSE, m->id);
		return;
	}
	(void)strlcpy(a->role, got.role, sizeof(a->role));
	(void)strlcpy(a->wanted, got.wanted, sizeof(a->wanted));
	a->instance = got.instance;
	ask_serve(c, a);
}

static void
client_gone(struct wire *w, void *arg)
{
	struct client *c;
	struct ask *a;

	c = arg;
	while ((a = TAILQ_FIRST(&c->asks)) != NULL) {
		TAILQ_REMOVE(&c->asks, a, entry);
		free(a);
	}
	proc_strangers_clear(&c->strangers);
	LIST_REMOVE(c, entry);
	state.n_clients--;
	wire_free(w);
	free(c);
}

static bool
may_ask(const struct ask *a)
{
	const struct proc_daemon *d;

	d = proc_supervisor()->daemon;
	for (size_t i = 0; i < d->n_serves; i++) {
		if (strcmp(d->serves[i].asker, a->role) == 0 &&
		    strcmp(d->serves[i].wanted, a->wanted) == 0)
			return true;
	}
	return false;
}

/* The ask of this id, which a repeated one replaces; NULL at the limit. */
static struct ask *
ask_get(struct client *c, uint32_t id)
{
	struct ask *a;

	TAILQ_FOREACH (a, &c->asks, entry) {
		if (a->id == id)
			return a;
	}
	if (c->n_asks == ASKS_MAX)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		fatal("calloc");
	a->id = id;
	TAILQ_INSERT_TAIL(&c->asks, a, entry);
	c->n_asks++;
	return a;
}

/* A role that is not running is given the wire when it starts. */
static void
ask_serve(struct client *c, const struct ask *a)
{
	struct msgout *m;
	struct proc *p;
	int fd;

	p = proc_find(a->wanted, 0);
	if (p == NULL || p->wire == NULL)
		return;
	fd = proc_wire_half(p, a->role, a->instance);
	if (fd == -1)
		return;
	m = msg_new(c->wire, ABROAD_GIVE, a->id);
	msg_put_fd(m, fd);
	msg_send(m);
}

static struct peer *
peer_get(const char *daemon)
{
	struct peer *p;

	for (size_t i = 0; i < state.n_peers; i++) {
		if (strcmp(state.peers[i].daemon, daemon) == 0)
			return &state.peers[i];
	}
	if (state.n_peers == PEERS_MAX)
		fatalx("too many daemons to ask");
	p = &state.peers[state.n_peers++];
	p->daemon = daemon;
	evtimer_set(&p->ev_retry, on_retry, p);
	return p;
}

static void
peer_connect(struct peer *peer)
{
	struct supervisor *sup;
	int fd;

	fd = proc_local_connect(peer->daemon, "wire");
	if (fd == -1) {
		log_debug("daemon=%s cannot be asked yet", peer->daemon);
		peer_retry(peer);
		return;
	}
	peer->wire = wire_new(fd, peer_dispatch, peer_gone, peer);
	sup = proc_supervisor();
	for (size_t i = 0; i < sup->n_procs; i++) {
		if (sup->procs[i].wire != NULL)
			peer_ask(peer, &sup->procs[i]);
	}
	proc_conns_each_told(tell_peer, peer);
}

/* One that reads nothing loses its wire, and hears of all by the next. */
static void
tell_peer(const struct told *told, void *arg)
{
	struct peer *peer;

	peer = arg;
	if (peer->wire != NULL && peer->told)
		proc_tell(peer->wire, ABROAD_OPENED, told);
}

void
proc_abroad_opened(const struct told *told)
{
	for (size_t i = 0; i < state.n_peers; i++)
		tell_peer(told, &state.peers[i]);
}

void
proc_abroad_ended(uint64_t conn)
{
	struct msgout *m;

	for (size_t i = 0; i < state.n_peers; i++) {
		if (state.peers[i].wire == NULL || !state.peers[i].told)
			continue;
		m = msg_new(state.peers[i].wire, ABROAD_ENDED, 0);
		msg_put_u64(m, conn);
		msg_send(m);
	}
}

static void
peer_retry(struct peer *peer)
{
	struct timeval tv;
	unsigned int ms;

	ms = proc_backoff(&peer->backoff_ms);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	if (state.running && evtimer_add(&peer->ev_retry, &tv) == -1)
		fatalx("evtimer_add");
}

static void
on_retry(int fd, short what, void *arg)
{
	peer_connect(arg);
}

/* An id is the place of our process in the table, plus one. */
static void
peer_dispatch(struct wire *w, struct msg *m, void *arg)
{
	const struct proc_abroad *want;
	struct supervisor *sup;
	struct peer *peer;
	struct proc *p;
	int fd;

	peer = arg;
	sup = proc_supervisor();
	if (m->type == ABROAD_REFUSE) {
		log_warnx("daemon=%s refused a wire", peer->daemon);
		return;
	}
	fd = m->type == ABROAD_GIVE ? msg_get_fd(m) : -1;
	if (fd == -1 || msg_end(m) == -1 || m->id == 0 ||
	    m->id > sup->n_procs) {
		log_warnx("daemon=%s malformed answer", peer->daemon);
		if (fd != -1)
			(void)close(fd);
		wire_fail(w);
		return;
	}
	peer->backoff_ms = 0;
	p = &sup->procs[m->id - 1];
	want = wanted_from(peer, p);
	if (want == NULL || p->wire == NULL) {
		(void)close(fd);
		return;
	}
	proc_wire_send(p, want->wanted, 0, fd);
}

static void
peer_gone(struct wire *w, void *arg)
{
	struct peer *peer;

	peer = arg;
	wire_free(w);
	peer->wire = NULL;
	peer_retry(peer);
}

static void
peer_ask(struct peer *peer, const struct proc *p)
{
	const struct proc_abroad *want;
	struct msgout *m;

	want = wanted_from(peer, p);
	if (want == NULL)
		return;
	m = msg_new(peer->wire, ABROAD_ASK,
	    (uint32_t)(p - proc_supervisor()->procs) + 1);
	msg_put_u32(m, ABROAD_VERSION);
	msg_put_str(m, p->row->name);
	msg_put_u32(m, p->instance);
	msg_put_str(m, want->wanted);
	msg_send(m);
}

/* A role wants at most one wire of a daemon. */
static const struct proc_abroad *
wanted_from(const struct peer *peer, const struct proc *p)
{
	const struct proc_daemon *d;

	d = proc_supervisor()->daemon;
	for (size_t i = 0; i < d->n_asks; i++) {
		if (strcmp(d->asks[i].daemon, peer->daemon) == 0 &&
		    strcmp(d->asks[i].asker, p->row->name) == 0)
			return &d->asks[i];
	}
	return NULL;
}
