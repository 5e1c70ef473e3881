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
 * Connections: the parent accepts, counts and hands them on to the instance
 * that has the fewest.  It never reads or writes one.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "msg.h"
#include "procs_local.h"

#define ACCEPT_BURST 64   /* of one listener, before others */
#define KEY_LEN 17        /* kind and 16 octets */
#define SOURCES_MAX 65536 /* remembered for their rate */
#define RATE_WINDOW_MS 60000
#define SWEEP_S 60   /* forgetting sources, and saying what was refused */
#define PAUSE_MS 500 /* when the system is out of descriptors */
#define KEEPALIVE_IDLE_S 300
#define UNSENT_MAX (128 * 1024) /* octets in the kernel for a slow client */

/* One address (IPv4) or /64 network (IPv6). */
struct source {
	RB_ENTRY(source) entry;
	uint8_t key[KEY_LEN];
	uint64_t n_conns;
	uint64_t n_new; /* since window_ms */
	int64_t window_ms;
};

struct conn {
	RB_ENTRY(conn) entry;
	uint64_t id;
	uint32_t listener;
	struct sockaddr_storage ss;
	struct source *source; /* NULL for local and trusted ones */
	struct proc *proc;
	bool trusted;
	bool told; /* other daemons hear of it */
};

struct listener {
	LIST_ENTRY(listener) entry;
	struct event ev;
	int fd;
	uint32_t index;
	const char *role;
};

enum verdict { CONN_OK, CONN_TOTAL, CONN_SOURCE, CONN_RATE };
#define N_VERDICTS 4

RB_HEAD(proc_conn_tree, conn);
RB_HEAD(proc_source_tree, source);

static struct {
	struct proc_conn_tree conns;
	struct proc_source_tree sources;
	LIST_HEAD(, listener) listeners;
	struct event ev_sweep, ev_pause;
	uint64_t next_id;
	uint64_t n_conns, n_sources;
	uint64_t accepted, refused_said;
	uint64_t refused[N_VERDICTS]; /* CONN_OK: out of descriptors */
	int reserve_fd;
} state;

static uint64_t first_id(void);
static int conn_cmp(struct conn *, struct conn *);
static int source_cmp(struct source *, struct source *);
static void listeners_on(const char *);
static void listeners_off(const char *);
static void on_accept(int, short, void *);
static void accept_failed(struct listener *, int);
static void on_pause_over(int, short, void *);
static void on_sweep(int, short, void *);
static void sweep(int64_t);
static struct proc *least_loaded(const char *);
static bool
take(struct listener *, struct proc *, int, struct sockaddr_storage *);
static enum verdict
judge(const struct sockaddr_storage *, bool, struct source **);
static bool is_trusted(const struct sockaddr_storage *);
static int source_key(const struct sockaddr_storage *, uint8_t[KEY_LEN]);
static struct source *source_get(const uint8_t[KEY_LEN]);
static void plain_inet(struct sockaddr_storage *);
static void set_options(int, const struct sockaddr_storage *);
static void give(const struct conn *, int);
static bool is_told(uint32_t);
static void told_of(const struct conn *, struct told *);
static void conn_free(struct conn *);

RB_PROTOTYPE(proc_conn_tree, conn, entry, conn_cmp)
RB_PROTOTYPE(proc_source_tree, source, entry, source_cmp)
RB_GENERATE(proc_conn_tree, conn, entry, conn_cmp)
RB_GENERATE(proc_source_tree, source, entry, source_cmp)

void
proc_conns_begin(void)
{
	struct timeval tv = {SWEEP_S, 0};

	RB_INIT(&state.conns);
	RB_INIT(&state.sources);
	LIST_INIT(&state.listeners);
	state.next_id = first_id();
	state.reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (state.reserve_fd == -1)
		fatal("open path=/dev/null");
	evtimer_set(&state.ev_pause, on_pause_over, NULL);
	evtimer_set(&state.ev_sweep, on_sweep, NULL);
	if (evtimer_add(&state.ev_sweep, &tv) == -1)
		fatalx("evtimer_add");
}

void
proc_listen(int fd, unsigned int index, const char *role)
{
	struct listener *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("calloc");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("fcntl");
	l->fd = fd;
	l->index = index;
	l->role = role;
	event_set(&l->ev, fd, EV_READ | EV_PERSIST, on_accept, l);
	LIST_INSERT_HEAD(&state.listeners, l, entry);
}

void
proc_conns_ready(struct proc *p)
{
	listeners_on(p->row->name);
}

void
proc_conns_started(struct proc *p)
{
	struct conn *c;
	struct told told;

	if ((p->row->flags & PROC_WATCH_CONNS) == 0)
		return;
	RB_FOREACH (c, proc_conn_tree, &state.conns) {
		told_of(c, &told);
		proc_tell(p->wire, PROC_CONN_OPENED, &told);
	}
}

void
proc_conns_each_told(void (*cb)(const struct told *, void *), void *arg)
{
	struct conn *c;
	struct told told;

	RB_FOREACH (c, proc_conn_tree, &state.conns) {
		told_of(c, &told);
		if (c->told)
			cb(&told, arg);
	}
}

void
proc_conns_died(struct proc *p)
{
	struct conn *c, *next;

	for (c = RB_MIN(proc_conn_tree, &state.conns); c != NULL; c = next) {
		next = RB_NEXT(proc_conn_tree, &state.conns, c);
		if (c->proc == p)
			conn_free(c);
	}
	p->n_conns = 0;
}

/* What a role says of connections it does not have is its own mistake. */
void
proc_conn_end(struct proc *p, uint64_t id)
{
	struct conn *c, key;

	key.id = id;
	c = RB_FIND(proc_conn_tree, &state.conns, &key);
	if (c == NULL || c->proc != p) {
		log_warnx("role=%s closed an unknown connection", p->row->name);
		return;
	}
	conn_free(c);
}

void
proc_conns_stop(void)
{
	struct listener *l;

	while ((l = LIST_FIRST(&state.listeners)) != NULL) {
		LIST_REMOVE(l, entry);
		(void)event_del(&l->ev);
		(void)close(l->fd);
		free(l);
	}
	(void)event_del(&state.ev_sweep);
	(void)event_del(&state.ev_pause);
}

void
proc_conns_count(struct stat_row rows[PROC_COUNTERS])
{
	static const char *const reasons[] = {
	    [CONN_OK] = "reason=\"descriptors\"",
	    [CONN_TOTAL] = "reason=\"connections\"",
	    [CONN_SOURCE] = "reason=\"connections-per-source\"",
	    [CONN_RATE] = "reason=\"connection-rate\"",
	};

	rows[0] = (struct stat_row){"connections", NULL,
	    "Connections of the daemon", STAT_GAUGE, state.n_conns};
	rows[1] = (struct stat_row){"connections_accepted_total", NULL,
	    "Connections that were let in", STAT_COUNTER, state.accepted};
	for (size_t i = 0; i < N_VERDICTS; i++)
		rows[2 + i] = (struct stat_row){"connections_refused_total",
		    reasons[i], "Connections closed at once, at a limit",
		    STAT_COUNTER, state.refused[i]};
	rows[6] = (struct stat_row){"connection_sources", NULL,
	    "Addresses that are remembered for their rate", STAT_GAUGE,
	    state.n_sources};
	rows[7] = (struct stat_row){"start_time_seconds", NULL,
	    "When the daemon began", STAT_GAUGE,
	    (uint64_t)proc_supervisor()->started};
}

/*
 * Larger than any that an earlier run of this daemon gave out, and with other
 * high bits than another daemon's, whose logs are read beside ours.
 */
static uint64_t
first_id(void)
{
	const char *name;
	uint64_t sum;

	sum = 0;
	for (name = proc_supervisor()->daemon->name; *name != '\0'; name++)
		sum = sum * 31 + (unsigned char)*name;
	return (sum & 0x7f) << 56 | (uint64_t)time(NULL) << 24;
}

static int
conn_cmp(struct conn *a, struct conn *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static int
source_cmp(struct source *a, struct source *b)
{
	return memcmp(a->key, b->key, KEY_LEN);
}

static void
listeners_on(const char *role)
{
	struct listener *l;

	LIST_FOREACH (l, &state.listeners, entry) {
		if ((role == NULL || strcmp(l->role, role) == 0) &&
		    least_loaded(l->role) != NULL &&
		    event_add(&l->ev, NULL) == -1)
			fatalx("event_add");
	}
}

static void
listeners_off(const char *role)
{
	struct listener *l;

	LIST_FOREACH (l, &state.listeners, entry) {
		if (role == NULL || strcmp(l->role, role) == 0)
			(void)event_del(&l->ev);
	}
}

static void
on_accept(int fd, short what, void *arg)
{
	struct sockaddr_storage ss;
	struct listener *l;
	struct proc *p;
	socklen_t len;
	int c;

	l = arg;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		/* Nobody to serve them: they wait in the kernel's queue. */
		p = least_loaded(l->role);
		if (p == NULL) {
			listeners_off(l->role);
			return;
		}
		memset(&ss, 0, sizeof(ss));
		len = sizeof(ss);
		c = accept4(fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (c == -1) {
			accept_failed(l, errno);
			return;
		}
		plain_inet(&ss);
		if (!take(l, p, c, &ss))
			(void)close(c);
	}
}

/*
 * Out of descriptors: the reserve is spent on telling one client (by closing),
 * so that the queue does not stand; then we wait.
 */
static void
accept_failed(struct listener *l, int error)
{
	struct timeval tv = {0, PAUSE_MS * 1000};
	int c;

	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	if (error == EMFILE || error == ENFILE) {
		if (state.reserve_fd != -1)
			(void)close(state.reserve_fd);
		c = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (c != -1) {
			(void)close(c);
			state.refused[CONN_OK]++;
		}
		state.reserve_fd = fcntl(
		    proc_supervisor()->null_fd, F_DUPFD_CLOEXEC, 3);
	}
	errno = error;
	log_warn("accept");
	listeners_off(NULL);
	if (evtimer_add(&state.ev_pause, &tv) == -1)
		fatalx("evtimer_add");
}

static void
on_pause_over(int fd, short what, void *arg)
{
	listeners_on(NULL);
}

static void
on_sweep(int fd, short what, void *arg)
{
	struct timeval tv = {SWEEP_S, 0};
	uint64_t refused;

	sweep(proc_now_ms());
	refused = 0;
	for (size_t i = 0; i < N_VERDICTS; i++)
		refused += state.refused[i];
	if (refused != state.refused_said) {
		log_warnx("connections refused n=%llu total=%llu source=%llu "
			  "rate=%llu",
		    (unsigned long long)(refused - state.refused_said),
		    (unsigned long long)state.refused[CONN_TOTAL],
		    (unsigned long long)state.refused[CONN_SOURCE],
		    (unsigned long long)state.refused[CONN_RATE]);
		state.refused_said = refused;
	}
	if (evtimer_add(&state.ev_sweep, &tv) == -1)
		fatalx("evtimer_add");
}

static void
sweep(int64_t now)
{
	struct source *s, *next;

	for (s = RB_MIN(proc_source_tree, &state.sources); s != NULL;
	     s = next) {
		next = RB_NEXT(proc_source_tree, &state.sources, s);
		if (s->n_conns > 0 || now - s->window_ms < RATE_WINDOW_MS)
			continue;
		RB_REMOVE(proc_source_tree, &state.sources, s);
		state.n_sources--;
		free(s);
	}
}

static struct proc *
least_loaded(const char *role)
{
	struct supervisor *sup;
	struct proc *best, *p;

	sup = proc_supervisor();
	best = NULL;
	for (size_t i = 0; i < sup->n_procs; i++) {
		p = &sup->procs[i];
		if (!p->ready || p->wire == NULL ||
		    strcmp(p->row->name, role) != 0 ||
		    wire_queued(p->wire) >= MSG_HIGH)
			continue;
		if (best == NULL || p->n_conns < best->n_conns)
			best = p;
	}
	return best;
}

/* False if the connection is refused; the descriptor stays the caller's. */
static bool
take(struct listener *l, struct proc *p, int fd, struct sockaddr_storage *ss)
{
	enum verdict verdict;
	struct source *source;
	struct told told;
	struct conn *c;
	bool trusted;

	trusted = is_trusted(ss);
	verdict = judge(ss, trusted, &source);
	if (verdict != CONN_OK) {
		state.refused[verdict]++;
		return false;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->id = ++state.next_id;
	c->listener = l->index;
	c->ss = *ss;
	c->source = source;
	c->trusted = trusted;
	c->proc = p;
	RB_INSERT(proc_conn_tree, &state.conns, c);
	state.n_conns++;
	state.accepted++;
	p->n_conns++;
	if (source != NULL)
		source->n_conns++;
	set_options(fd, ss);
	c->told = is_told(c->listener);
	told_of(c, &told);
	proc_told_opened(&told);
	if (c->told)
		proc_abroad_opened(&told);
	give(c, fd);
	return true;
}

static bool
is_trusted(const struct sockaddr_storage *ss)
{
	const struct supervisor *s;

	s = proc_supervisor();
	return s->daemon->trusts != NULL && s->daemon->trusts(ss, s->arg);
}

/* Local and trusted connections have no source; only the total counts. */
static enum verdict
judge(const struct sockaddr_storage *ss, bool trusted, struct source **source)
{
	const struct proc_settings *set;
	uint8_t key[KEY_LEN];
	int64_t now;

	set = proc_supervisor()->settings;
	*source = NULL;
	if (state.n_conns >= set->conns_max)
		return CONN_TOTAL;
	if (trusted || source_key(ss, key) == -1)
		return CONN_OK;
	*source = source_get(key);
	if (*source == NULL)
		return CONN_RATE;
	now = proc_now_ms();
	if (now - (*source)->window_ms >= RATE_WINDOW_MS) {
		(*source)->window_ms = now;
		(*source)->n_new = 0;
	}
	if ((*source)->n_conns >= set->conns_per_source)
		return CONN_SOURCE;
	if (set->conn_rate != 0 && (*source)->n_new >= set->conn_rate)
		return CONN_RATE;
	(*source)->n_new++;
	return CONN_OK;
}

/* A customer has a /64: its addresses count as one. */
static int
source_key(const struct sockaddr_storage *ss, uint8_t key[KEY_LEN])
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	memset(key, 0, KEY_LEN);
	if (ss->ss_family == AF_INET) {
		memcpy(&sin, ss, sizeof(sin));
		key[0] = 4;
		memcpy(key + 1, &sin.sin_addr, 4);
		return 0;
	}
	if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		key[0] = 6;
		memcpy(key + 1, &sin6.sin6_addr, 8);
		return 0;
	}
	return -1;
}

/* NULL when too many are remembered, none of which can be forgotten. */
static struct source *
source_get(const uint8_t key[KEY_LEN])
{
	struct source find, *s;

	memcpy(find.key, key, KEY_LEN);
	s = RB_FIND(proc_source_tree, &state.sources, &find);
	if (s != NULL)
		return s;
	if (state.n_sources >= SOURCES_MAX)
		sweep(proc_now_ms());
	if (state.n_sources >= SOURCES_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	memcpy(s->key, key, KEY_LEN);
	s->window_ms = proc_now_ms();
	RB_INSERT(proc_source_tree, &state.sources, s);
	state.n_sources++;
	return s;
}

/* ::ffff:192.0.2.1 is 192.0.2.1 to limits, logs and trace headers. */
static void
plain_inet(struct sockaddr_storage *ss)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (ss->ss_family != AF_INET6)
		return;
	memcpy(&sin6, ss, sizeof(sin6));
	if (!IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
		return;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = sin6.sin6_port;
	memcpy(&sin.sin_addr, &sin6.sin6_addr.s6_addr[12], 4);
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &sin, sizeof(sin));
}

static void
set_options(int fd, const struct sockaddr_storage *ss)
{
	int on, idle;

	on = 1;
	if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	compat_unsent_max(fd, UNSENT_MAX);
	idle = KEEPALIVE_IDLE_S;
#ifdef TCP_KEEPIDLE
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
#else
	(void)idle;
#endif
}

static void
give(const struct conn *c, int fd)
{
	struct msgout *m;

	m = msg_new(c->proc->wire, PROC_CONN, 0);
	msg_put_u64(m, c->id);
	msg_put_u32(m, c->listener);
	proc_addr_put(m, &c->ss);
	msg_put_fd(m, fd);
	msg_send(m);
}

static bool
is_told(uint32_t listener)
{
	const struct supervisor *s;

	s = proc_supervisor();
	return s->daemon->tells != NULL && s->daemon->tells(listener, s->arg);
}

static void
told_of(const struct conn *c, struct told *told)
{
	memset(told, 0, sizeof(*told));
	told->id = c->id;
	told->listener = c->listener;
	told->ss = c->ss;
	told->trusted = c->trusted;
}

void
proc_told_opened(const struct told *told)
{
	struct supervisor *sup;
	struct proc *p;

	sup = proc_supervisor();
	for (size_t i = 0; i < sup->n_procs; i++) {
		p = &sup->procs[i];
		if (p->wire != NULL && (p->row->flags & PROC_WATCH_CONNS) != 0)
			proc_tell(p->wire, PROC_CONN_OPENED, told);
	}
}

void
proc_told_ended(uint64_t id)
{
	struct supervisor *sup;
	struct msgout *m;
	struct proc *p;

	sup = proc_supervisor();
	for (size_t i = 0; i < sup->n_procs; i++) {
		p = &sup->procs[i];
		if (p->wire == NULL || (p->row->flags & PROC_WATCH_CONNS) == 0)
			continue;
		m = msg_new(p->wire, PROC_CONN_ENDED, 0);
		msg_put_u64(m, id);
		msg_send(m);
	}
}

void
proc_tell(struct wire *w, uint32_t type, const struct told *told)
{
	struct msgout *m;

	m = msg_new(w, type, 0);
	msg_put_u64(m, told->id);
	msg_put_u32(m, told->listener);
	proc_addr_put(m, &told->ss);
	msg_put_u8(m, told->trusted);
	msg_send(m);
}

static void
conn_free(struct conn *c)
{
	proc_told_ended(c->id);
	if (c->told)
		proc_abroad_ended(c->id);
	RB_REMOVE(proc_conn_tree, &state.conns, c);
	state.n_conns--;
	if (c->proc->n_conns > 0)
		c->proc->n_conns--;
	if (c->source != NULL)
		c->source->n_conns--;
	free(c);
}
