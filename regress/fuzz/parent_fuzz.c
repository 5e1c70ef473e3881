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
 * Fuzzer of a parent, which may do what its roles may not: what roles that are
 * not to be trusted say to it, what a sealctl asks over its control sockets,
 * and what other daemons say over the wires between daemons; and of an engine,
 * whom a sealctl asks for its sessions.  It goes on whatever comes, and one
 * that looks only changes nothing.
 */

#include "../../lib/libproc/abroad.c"
/* In this order: the former has a variable that the latter has too. */
#include "../../lib/libproc/supervise.c"

#include "../../lib/libproc/parent_local.h"
#include "ctl.h"
#include "harness.h"
#include "sessions.h"

#define STEPS_MAX 64
#define PROCS 4
#define CLIENTS 4
#define WHAT_KIND 0x0f
#define WHAT_WHOM 0x70
#define WHAT_FD 0x80 /* with a descriptor */

enum step_kind {
	ROLE_READY,
	ROLE_CLOSED,
	ROLE_COUNTS,
	ROLE_CERT,
	ROLE_RAW, /* u32 type first */
	ROLE_DIES,
	ROLE_STARTS,
	CTL_COMES, /* whom & 1: may change; whom & 2: ours */
	CTL_ASKS,  /* u8: which of ctl_types[] first */
	CTL_RAW,
	CTL_GOES,
	WIRE_COMES,
	WIRE_ASKS,
	WIRE_GOES,
	PEER_SAYS,    /* u8: the type */
	ENGINE_ASKED, /* a sealctl at an engine: u8 what; whom & 1: it may */
	STEP_KINDS
};

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
int __wrap_proc_local_listen(const char *, gid_t);
int __wrap_proc_local_connect(const char *, const char *);
int __wrap_proc_local_accept(int, bool, uid_t *);
void __wrap_proc_local_remove(const char *);
int __wrap_proc_spawn(struct proc *, wire_handler, wire_gone);
void __wrap_proc_stop(void);
int __wrap_kill(pid_t, int);
pid_t __wrap_waitpid(pid_t, int *, int);
int __wrap_compat_nodump(void);

static const uint32_t ctl_types[] = {CTL_HELLO, CTL_PROCESSES, CTL_STOP,
    CTL_RELOAD, CTL_LOG, CTL_CONNECT, CTL_STATS, CTL_CERTIFICATES};

static const struct proc_row rows[] = {
    {.name = "worker",
	.flags = PROC_TAKES_CTL | PROC_WATCH_CONNS,
	.instances = 2,
	.max = 2,
	.nofile = 64,
	.promises = "stdio"},
    {.name = "keeper",
	.instances = 2,
	.max = 2,
	.nofile = 64,
	.promises = "stdio"},
};
static const struct proc_pair pairs[] = {{"worker", "keeper"}};
static const struct proc_abroad asks[] = {{"worker", "other", "store", false}};
static const struct proc_abroad serves[] = {
    {"deliver", "other", "keeper", false}};

static struct proc_settings settings;
static struct parent parent;
static struct loaded loaded;
static struct conf conf;
static struct conf_cert conf_certs[2];
static struct parent_kind kind = {.engine = "worker"};

static struct {
	int sockets[3][2]; /* sock, read.sock, wire: pipes that wake it up */
	size_t n_sockets;
	uid_t uid;       /* of who comes next */
	bool may_change; /* ... and may what */
	int come;        /* its descriptor */
	int proc_fd[PROCS], ctl_fd[CLIENTS], wire_fd[CLIENTS], peer_fd;
	int engine_fd[2]; /* the second may end sessions */
	bool may_kick;    /* who asks just now */
	bool ctl_may[CLIENTS];
	pid_t pid, dead;
	bool asked_stop, asked_reload;
} f;

static void
must(bool good)
{
	if (!good)
		abort();
}

int
__wrap_proc_local_listen(const char *suffix, gid_t gid)
{
	must(f.n_sockets < 3 && pipe(f.sockets[f.n_sockets]) == 0);
	return f.sockets[f.n_sockets++][0];
}

void
__wrap_proc_local_remove(const char *suffix)
{
}

int
__wrap_proc_local_connect(const char *daemon, const char *suffix)
{
	return f.peer_fd = harness_fd();
}

int
__wrap_proc_local_accept(int fd, bool any, uid_t *uid)
{
	char c;

	must(read(fd, &c, 1) == 1);
	*uid = f.uid;
	return f.come = harness_fd();
}

int
__wrap_proc_spawn(struct proc *p, wire_handler handler, wire_gone gone)
{
	p->pid = ++f.pid;
	f.proc_fd[p - sup.procs] = harness_fd();
	p->wire = wire_new(f.proc_fd[p - sup.procs], handler, gone, p);
	return 0;
}

void
__wrap_proc_stop(void)
{
	f.asked_stop = true;
}

/* Only of its own children, and these go at once. */
int
__wrap_kill(pid_t pid, int sig)
{
	must(pid > 0 && pid <= f.pid && sig == SIGKILL);
	f.dead = pid;
	return 0;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	pid_t dead = f.dead;

	f.dead = 0;
	*status = SIGKILL;
	return dead;
}

int
__wrap_compat_nodump(void)
{
	return 0;
}

static void
config(struct wire *w, const struct proc_row *row, unsigned int instance,
    void *arg)
{
	msg_signal(w, PROC_OWN, 0);
}

static int
reload(char *reason, size_t size, void *arg)
{
	f.asked_reload = true;
	(void)strlcpy(reason, "no", size);
	return -1;
}

static void
message(
    const struct proc_row *row, unsigned int instance, struct msg *m, void *arg)
{
	certs_report(&parent, row, instance, m);
}

static void
show_certs(struct wire *w, uint32_t id, void *arg)
{
	certs_show(&parent, w, id);
}

static const struct proc_daemon daemon_row = {.name = "parent",
    .version = "0",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .pairs = pairs,
    .n_pairs = 1,
    .asks = asks,
    .n_asks = 1,
    .serves = serves,
    .n_serves = 1,
    .config = config,
    .reload = reload,
    .message = message,
    .certs = show_certs};

/* Of an engine with two sessions. */
static void
sessions_each(bool (*take)(const struct session_view *, void *), void *arg)
{
	static const struct session_view views[] = {
	    {.conn = 7,
		.protocol = "imap",
		.peer = "192.0.2.1",
		.state = "idle"},
	    {.conn = 8,
		.protocol = "imap",
		.peer = "192.0.2.1",
		.account = "a@example.org",
		.tls = "TLSv1.3",
		.state = "idle"},
	};

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (take(&views[i], arg))
			must(f.may_kick);
}

static void
engine_step(unsigned int whom, const struct harness_step *s)
{
	static const uint32_t types[] = {CTL_SESSIONS, CTL_KICK};
	unsigned int n = whom & 1;
	struct wire *w = harness_wire(f.engine_fd[n]);

	if (w == NULL) {
		sessions_serve(f.engine_fd[n] = harness_fd(), n == 1);
		w = harness_wire(f.engine_fd[n]);
	}
	if (s->len == 0) {
		harness_eof(w);
		return;
	}
	f.may_kick = n == 1;
	harness_packet(w, s->data[0] < 2 ? types[s->data[0]] : s->data[0], whom,
	    s->data + 1, s->len - 1,
	    (s->what & WHAT_FD) != 0 ? harness_fd() : -1);
	harness_run();
}

static void
set_up(void)
{
	static const struct sessions_ops sessions = {sessions_each};

	static char dir[] = "/tmp/fuzz.XXXXXX";

	if (sup.daemon != NULL)
		return;
	harness_start();
	sessions_begin(&sessions);
	must(mkdtemp(dir) != NULL);
	settings.run_dir = settings.base_dir = settings.libexec = dir;
	settings.control_gid = PROC_NO_GROUP;
	settings.readers_gid = 1;
	settings.conns_max = 16;
	proc_begin(&daemon_row, &settings, NULL);
	(void)rmdir(dir);
	(void)strlcpy(conf_certs[0].name, "a", sizeof(conf_certs[0].name));
	(void)strlcpy(conf_certs[1].name, "b", sizeof(conf_certs[1].name));
	conf.certs = conf_certs;
	conf.n_certs = 2;
	loaded.conf = &conf;
	parent.kind = &kind;
	parent.daemon = daemon_row;
	parent.now = &loaded;
	parent.generation = 1;
	certs_begin(&parent);
}

static void
raw(int fd, const struct harness_step *s)
{
	struct wire *w = harness_wire(fd);
	uint32_t type;

	if (w == NULL || s->len < sizeof(type))
		return;
	memcpy(&type, s->data, sizeof(type));
	harness_packet(w, type, 1, s->data + sizeof(type),
	    s->len - sizeof(type),
	    (s->what & WHAT_FD) != 0 ? harness_fd() : -1);
}

static void
role_step(unsigned int step, unsigned int whom, const struct harness_step *s)
{
	static const uint32_t types[] = {
	    PROC_READY, PROC_CONN_CLOSED, PROC_COUNTS, SITE_CERT_IS};
	struct proc *p = &sup.procs[whom % PROCS];
	struct wire *w = p->wire;

	if (step == ROLE_STARTS && p->pid == 0) {
		(void)event_del(&p->ev_restart);
		restart_due(-1, 0, p);
	} else if (w == NULL) {
		return;
	} else if (step == ROLE_DIES) {
		harness_eof(w);
	} else if (step == ROLE_RAW) {
		raw(wire_fd(w), s);
	} else if (step < ROLE_RAW) {
		harness_packet(w, types[step], whom, s->data, s->len, -1);
	}
}

/* Somebody at one of its sockets. */
static int
comes(unsigned int door, uid_t uid)
{
	f.uid = uid;
	f.come = -1;
	must(write(f.sockets[door][1], "", 1) == 1);
	harness_run();
	return f.come;
}

static void
ctl_step(unsigned int step, unsigned int whom, const struct harness_step *s)
{
	unsigned int n = whom % CLIENTS;
	struct wire *w = harness_wire(f.ctl_fd[n]);

	if (step == CTL_COMES && w == NULL) {
		f.ctl_may[n] = (whom & 1) != 0 || s->len == 1;
		f.ctl_fd[n] = comes(
		    (whom & 1) == 0, s->len == 1 ? geteuid() : (uid_t)-2);
	} else if (w == NULL) {
		return;
	} else if (step == CTL_GOES) {
		harness_eof(w);
	} else if (step == CTL_RAW) {
		raw(wire_fd(w), s);
	} else if (step == CTL_ASKS && s->len > 0) {
		f.asked_stop = f.asked_reload = false;
		harness_packet(w, ctl_types[s->data[0] % 8], 7, s->data + 1,
		    s->len - 1, (s->what & WHAT_FD) != 0 ? harness_fd() : -1);
		harness_run();
		must(f.ctl_may[n] || (!f.asked_stop && !f.asked_reload));
	}
}

static void
wire_step(unsigned int step, unsigned int whom, const struct harness_step *s)
{
	unsigned int n = whom % CLIENTS;
	struct wire *w = harness_wire(f.wire_fd[n]);

	if (step == PEER_SAYS) {
		w = harness_wire(f.peer_fd);
		if (w != NULL && s->len > 0)
			harness_packet(w, s->data[0], whom, s->data + 1,
			    s->len - 1,
			    (s->what & WHAT_FD) != 0 ? harness_fd() : -1);
		return;
	}
	if (step == WIRE_COMES && w == NULL)
		f.wire_fd[n] = comes(2, geteuid());
	else if (w == NULL)
		return;
	else if (step == WIRE_GOES)
		harness_eof(w);
	else if (step == WIRE_ASKS)
		harness_packet(w, ABROAD_ASK, whom, s->data, s->len, -1);
}

static void
input_begin(void)
{
	harness_begin();
	f.pid = f.dead = 0;
	memset(f.proc_fd, 0, sizeof(f.proc_fd));
	memset(f.ctl_fd, 0, sizeof(f.ctl_fd));
	memset(f.wire_fd, 0, sizeof(f.wire_fd));
	memset(f.engine_fd, 0, sizeof(f.engine_fd));
	sup.was_up = true;
	must(sup.n_procs == PROCS);
	for (size_t i = 0; i < PROCS; i++) {
		sup.procs[i].backoff_ms = 0;
		start(&sup.procs[i]);
	}
	state.running = true;
	(void)event_del(&state.peers[0].ev_retry);
	peer_connect(&state.peers[0]);
}

/* All go; then nobody is left. */
static void
input_end(void)
{
	struct wire *w;

	for (size_t i = 0; i < 2; i++)
		if ((w = harness_wire(f.engine_fd[i])) != NULL)
			harness_eof(w);
	for (size_t i = 0; i < CLIENTS; i++) {
		if ((w = harness_wire(f.ctl_fd[i])) != NULL)
			harness_eof(w);
		if ((w = harness_wire(f.wire_fd[i])) != NULL)
			harness_eof(w);
	}
	harness_run();
	state.running = false;
	/* Nobody comes again, however long this takes. */
	(void)event_del(&state.peers[0].ev_retry);
	if ((w = harness_wire(f.peer_fd)) != NULL)
		harness_eof(w);
	harness_run();
	must(LIST_EMPTY(&state.clients) && state.peers[0].wire == NULL);
	for (size_t i = 0; i < PROCS; i++) {
		(void)event_del(&sup.procs[i].ev_restart);
		if (sup.procs[i].wire != NULL)
			harness_eof(sup.procs[i].wire);
		harness_run();
		on_child(SIGCHLD, 0, NULL);
		(void)event_del(&sup.procs[i].ev_restart);
		must(sup.procs[i].wire == NULL && sup.procs[i].pid == 0 &&
		    sup.procs[i].n_conns == 0);
	}
	harness_end();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;
	unsigned int step, whom;

	set_up();
	input_begin();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		step = s.what & WHAT_KIND;
		whom = (s.what & WHAT_WHOM) >> 4;
		if (step <= ROLE_STARTS)
			role_step(step, whom, &s);
		else if (step <= CTL_GOES)
			ctl_step(step, whom, &s);
		else if (step == ENGINE_ASKED)
			engine_step(whom, &s);
		else if (step < STEP_KINDS)
			wire_step(step, whom, &s);
		harness_run();
		on_child(SIGCHLD, 0, NULL);
	}
	input_end();
	return 0;
}
