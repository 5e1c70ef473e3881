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
 * A role's life: it starts under a parent, hears what the parent has to say,
 * and ends with it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "msg.h"
#include "proc.h"
#include "proc_local.h"
#include "stats.h"

#define FATAL_WAIT_MS 1000 /* for the log socket to take last words */

static struct {
	struct proc_init init;
	const struct proc_handlers *handlers;
	void *arg;
	struct wire *parent; /* NULL in a forked child */
	struct event_base *base;
	int log_fd;
	unsigned int log_lost; /* lines the socket would not take */
	bool sandboxed;
	bool reloading; /* between BEGIN and COMMIT */
} role = {.log_fd = -1};

static void receive_init(void);
static void set_signals(void);
static void log_to_parent(int, const char *, void *);
static void dispatch(struct wire *, struct msg *, void *);
static void parent_gone(struct wire *, void *);
static void on_wire(struct msg *);
static void on_conn(struct msg *);
static void on_conn_opened(struct msg *);
static void on_conn_ended(struct msg *);
static void on_ctl(struct msg *);
static void on_reload(struct msg *);
static void on_verbose(struct msg *);
static void on_shutdown(struct msg *);
static void on_stats(struct msg *);
static void must_end(struct msg *);

void
proc_role_start(int argc, char *argv[], const char *name,
    const struct proc_handlers *handlers, void *arg)
{
	struct sockaddr_storage ss;
	socklen_t len;

	compat_proctitle_init(argc, argv);
	log_init(name, true, 0);
	len = sizeof(ss);
	if (getsockname(PROC_FD, (struct sockaddr *)&ss, &len) == -1 ||
	    ss.ss_family != AF_UNIX)
		fatalx("not to be started by hand");
	closefrom(PROC_FD + 1);
	if (compat_nodump() == -1)
		fatal("nodump");
	set_signals();
	receive_init();
	if (strcmp(name, role.init.name) != 0)
		fatalx("started as %s", log_vis(role.init.name));
	if (role.init.instance == 0)
		setproctitle("%s", name);
	else
		setproctitle("%s %u", name, role.init.instance);
	compat_sandbox_best_effort(role.init.best_effort);
	role.handlers = handlers;
	role.arg = arg;
	role.base = event_init();
	if (role.base == NULL)
		fatalx("event_init");
	role.parent = wire_new(PROC_FD, dispatch, parent_gone, NULL);
	proc_drop(&role.init);
}

void
proc_role_sandbox(void)
{
	struct proc_path paths[PROC_PATHS_MAX];
	enum proc_sandbox level;
	struct msgout *m;
	int missing;

	for (uint32_t i = 0; i < role.init.n_paths; i++) {
		paths[i].path = role.init.paths[i].path;
		paths[i].perm = role.init.paths[i].perm;
	}
	proc_sandbox_enter(role.init.promises, paths, role.init.n_paths);
	missing = compat_sandbox_missing();
	level = PROC_SANDBOX_FULL;
	if (missing != 0) {
		level = missing == (SANDBOX_NO_SYSCALLS | SANDBOX_NO_FILES) ?
		    PROC_SANDBOX_NONE :
		    PROC_SANDBOX_PARTIAL;
		log_warnx("the sandbox is not complete: %s%s",
		    (missing & SANDBOX_NO_SYSCALLS) ? "no system call filter " :
						      "",
		    (missing & SANDBOX_NO_FILES) ? "no limits on files" : "");
	}
	role.sandboxed = true;
	m = msg_new(role.parent, PROC_READY, 0);
	msg_put_u8(m, (uint8_t)level);
	msg_send(m);
}

unsigned int
proc_instance(void)
{
	return role.init.instance;
}

bool
proc_is_root_mode(void)
{
	return role.init.root_mode;
}

gid_t
proc_gid(void)
{
	return getgid();
}

void
proc_conn_closed(uint64_t conn)
{
	struct msgout *m;

	if (role.parent == NULL)
		return;
	m = msg_new(role.parent, PROC_CONN_CLOSED, 0);
	msg_put_u64(m, conn);
	msg_send(m);
}

struct msgout *
proc_parent_new(uint32_t type, uint32_t id)
{
	if (type < PROC_OWN)
		fatalx("message type=%u belongs to libproc", type);
	return msg_new(role.parent, type, id);
}

/*
 * The child's copy of the event loop shares the kernel's with its parent until
 * event_reinit(); only then may a second one be made and the first forgotten.
 */
pid_t
proc_fork(const char *title)
{
	pid_t pid;

	pid = fork();
	if (pid != 0)
		return pid;
	if (event_reinit(role.base) == -1)
		fatalx("event_reinit");
	role.base = event_init();
	if (role.base == NULL)
		fatalx("event_init");
	if (role.parent != NULL) {
		wire_abandon(role.parent);
		role.parent = NULL;
	}
	msg_wipe();
	set_signals();
	setproctitle("%s", title);
	return 0;
}

void
proc_narrow(const char *promises, const struct proc_path *paths, size_t n_paths)
{
	proc_sandbox_enter(promises, paths, n_paths);
}

static void
receive_init(void)
{
	struct msg m;

	if (msg_recv_wait(PROC_FD, &m, PROC_INIT_WAIT_MS) != 1)
		fatal("no word from the parent");
	if (m.type != PROC_INIT)
		fatalx("the parent began with type=%u", m.type);
	role.log_fd = msg_get_fd(&m);
	if (proc_init_get(&m, &role.init) == -1)
		fatalx("the parent is of another version");
	msg_done(&m);
	log_verbose(role.init.verbose);
	log_addr_key(role.init.log_key);
	log_addr_clear(role.init.log_addresses);
	log_sink(log_to_parent, NULL);
}

/* The parent says when to stop; a terminal's ^C is meant for it. */
static void
set_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
	struct sigaction sa;
	sigset_t none;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (sigaction(ignored[i], &sa, NULL) == -1)
			fatal("sigaction");
	}
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal("sigprocmask");
}

/*
 * Not through libmsg, whose buffer may hold a message that is being composed.
 * A full socket must not stop a role: lines are then counted, not kept, but
 * last words get a second.
 */
static void
log_to_parent(int priority, const char *line, void *arg)
{
	char packet[PROC_LOG_MAX];
	struct pollfd pfd;
	uint32_t pid;
	size_t len;

	pid = (uint32_t)getpid();
	memcpy(packet, &pid, sizeof(pid));
	packet[4] = (char)priority;
	if (role.log_lost > 0 && priority > LOG_CRIT)
		len = (size_t)snprintf(packet + PROC_LOG_HEADER, LOG_LINE_MAX,
		    "(%u lines lost before) %s", role.log_lost, line);
	else
		len = strlcpy(packet + PROC_LOG_HEADER, line, LOG_LINE_MAX);
	if (len >= LOG_LINE_MAX)
		len = LOG_LINE_MAX - 1;
	for (int tries = 0; tries < 2; tries++) {
		if (send(role.log_fd, packet, PROC_LOG_HEADER + len,
			MSG_DONTWAIT | MSG_NOSIGNAL) != -1) {
			role.log_lost = 0;
			return;
		}
		if (errno != EAGAIN || priority > LOG_CRIT)
			break;
		pfd.fd = role.log_fd;
		pfd.events = POLLOUT;
		(void)poll(&pfd, 1, FATAL_WAIT_MS);
	}
	role.log_lost++;
}

/* The parent is trusted; what it may say depends on what this role does. */
static void
dispatch(struct wire *w, struct msg *m, void *arg)
{
	if (m->type >= PROC_OWN) {
		if (!role.reloading || role.handlers->config == NULL)
			fatalx("config message type=%u not expected", m->type);
		role.handlers->config(m, role.arg);
		return;
	}
	switch (m->type) {
	case PROC_WIRE:
		on_wire(m);
		break;
	case PROC_CONN:
		on_conn(m);
		break;
	case PROC_CONN_OPENED:
		on_conn_opened(m);
		break;
	case PROC_CONN_ENDED:
		on_conn_ended(m);
		break;
	case PROC_CTL:
		on_ctl(m);
		break;
	case PROC_RELOAD_BEGIN:
	case PROC_RELOAD_COMMIT:
		on_reload(m);
		break;
	case PROC_VERBOSE:
		on_verbose(m);
		break;
	case PROC_SHUTDOWN:
		on_shutdown(m);
		break;
	case PROC_STATS:
		on_stats(m);
		break;
	default:
		fatalx("the parent sent type=%u", m->type);
	}
}

static void
parent_gone(struct wire *w, void *arg)
{
	/* Nobody is left who would hear why. */
	exit(0);
}

static void
on_wire(struct msg *m)
{
	char name[PROC_NAME_MAX];
	uint32_t instance;
	int fd;

	(void)msg_get_str(m, name, sizeof(name));
	instance = msg_get_u32(m);
	fd = msg_get_fd(m);
	must_end(m);
	if (role.handlers->wire == NULL)
		fatalx("wire to %s not expected", name);
	role.handlers->wire(name, instance, fd, role.arg);
}

static void
on_conn(struct msg *m)
{
	struct proc_conn conn;
	int fd;

	memset(&conn, 0, sizeof(conn));
	conn.id = msg_get_u64(m);
	conn.listener = msg_get_u32(m);
	proc_addr_get(m, &conn);
	fd = msg_get_fd(m);
	must_end(m);
	if (role.handlers->conn == NULL || !role.sandboxed)
		fatalx("connection not expected");
	role.handlers->conn(&conn, fd, role.arg);
}

static void
on_conn_opened(struct msg *m)
{
	struct proc_conn conn;

	memset(&conn, 0, sizeof(conn));
	conn.id = msg_get_u64(m);
	conn.listener = msg_get_u32(m);
	proc_addr_get(m, &conn);
	conn.trusted = msg_get_u8(m) != 0;
	must_end(m);
	if (role.handlers->conn_opened == NULL)
		fatalx("news of connections not expected");
	role.handlers->conn_opened(&conn, role.arg);
}

static void
on_conn_ended(struct msg *m)
{
	uint64_t id;

	id = msg_get_u64(m);
	must_end(m);
	if (role.handlers->conn_ended == NULL)
		fatalx("news of connections not expected");
	role.handlers->conn_ended(id, role.arg);
}

static void
on_ctl(struct msg *m)
{
	bool may_change;
	uint32_t uid;
	int fd;

	uid = msg_get_u32(m);
	may_change = msg_get_u8(m) != 0;
	fd = msg_get_fd(m);
	must_end(m);
	if (role.handlers->ctl == NULL)
		fatalx("control wire not expected");
	role.handlers->ctl(uid, may_change, fd, role.arg);
}

static void
on_reload(struct msg *m)
{
	bool begin;

	must_end(m);
	begin = m->type == PROC_RELOAD_BEGIN;
	if (begin == role.reloading)
		fatalx("reload out of order");
	role.reloading = begin;
	if (begin && role.handlers->reload_begin != NULL)
		role.handlers->reload_begin(role.arg);
	if (!begin && role.handlers->reload_commit != NULL)
		role.handlers->reload_commit(role.arg);
}

static void
on_verbose(struct msg *m)
{
	uint8_t on;

	on = msg_get_u8(m);
	must_end(m);
	log_verbose(on != 0);
	if (role.handlers->verbose != NULL)
		role.handlers->verbose(on != 0, role.arg);
}

static void
on_shutdown(struct msg *m)
{
	must_end(m);
	if (role.handlers->shutdown == NULL)
		exit(0);
	role.handlers->shutdown(role.arg);
}

static void
on_stats(struct msg *m)
{
	struct msgout *out;
	size_t flag, i;
	uint32_t id;

	id = m->id;
	must_end(m);
	stats_refresh();
	i = 0;
	do {
		out = msg_new(role.parent, PROC_COUNTS, id);
		flag = msg_length(out);
		msg_put_u32(out, 0);
		i = stats_put(out, i);
		msg_set_u32(out, flag, i == stats_count());
		msg_send(out);
	} while (i < stats_count());
}

static void
must_end(struct msg *m)
{
	if (msg_end(m) == -1)
		fatalx("malformed message type=%u from the parent", m->type);
}
