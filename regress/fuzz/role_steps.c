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
 * A parent's words to one of its roles, as steps.  Linked with --wrap of what
 * the Makefile lists (WRAP_role): the process keeps its rights, and its event
 * loop is the fuzzer's.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/libproc/role.c"

#include "harness.h"
#include "msg.h"
#include "proc.h"
#include "role_steps.h"

#define STEPS_MAX 48
#define WHAT_KIND 0x0f
#define WHAT_FD 0x80   /* with a descriptor */
#define WHAT_NONE 0x40 /* ... or without, where there should be one */

enum step_kind {
	SAYS_BEGIN,
	SAYS_OWN, /* u8: which of own[] first */
	SAYS_COMMIT,
	SAYS_WIRE,
	SAYS_CONN,
	SAYS_OPENED,
	SAYS_ENDED,
	SAYS_CTL,
	SAYS_VERBOSE,
	SAYS_STATS,
	SAYS_RAW,   /* u32 type first */
	READS_INIT, /* not said: read */
	PEER_SAYS   /* u8 which one of them, u32 type */
};

int __wrap_getsockname(int, struct sockaddr *, socklen_t *);
void __wrap_closefrom(int);
int __wrap_compat_nodump(void);
void __wrap_compat_proctitle_init(int, char *[]);
void __wrap_proc_drop(const struct proc_init *);
void __wrap_proc_sandbox_enter(const char *, const struct proc_path *, size_t);
int __wrap_event_dispatch(void);
pid_t __wrap_proc_fork(const char *);

/* A socket that the role was given; it may have closed it long ago. */
struct passed {
	int fd;
	dev_t dev;
	ino_t ino;
};

static struct {
	const struct role_target *target;
	struct wire *parent;
	int wires[STEPS_MAX]; /* to peers and sealctls */
	struct passed socks[STEPS_MAX];
	size_t n_wires, n_socks;
	bool ready; /* it has said so */
	pid_t (*forks)(void);
} f;

void
role_must(bool good)
{
	if (!good)
		abort();
}

int
__wrap_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	memset(sa, 0, *len);
	sa->sa_family = AF_UNIX;
	return 0;
}

void
__wrap_closefrom(int fd)
{
}

int
__wrap_compat_nodump(void)
{
	return 0;
}

void
__wrap_compat_proctitle_init(int argc, char *argv[])
{
}

void
__wrap_proc_drop(const struct proc_init *init)
{
}

void
__wrap_proc_sandbox_enter(
    const char *promises, const struct proc_path *paths, size_t n_paths)
{
}

/* main() has done what it does once. */
int
__wrap_event_dispatch(void)
{
	return 0;
}

pid_t
__wrap_proc_fork(const char *title)
{
	if (f.forks != NULL)
		return f.forks();
	errno = EAGAIN;
	return -1;
}

void
role_forks(pid_t (*forks)(void))
{
	f.forks = forks;
}

/* A message that was composed for nobody: the role's first. */
static void
init_is(int fd, const struct msg *m, void *arg)
{
	harness_say(PROC_FD, PROC_INIT, 0, m->data, m->len, harness_fd());
}

static void
say_init(void)
{
	struct proc_init init;
	struct msgout *m;

	memset(&init, 0, sizeof(init));
	(void)strlcpy(init.name, f.target->name, sizeof(init.name));
	(void)strlcpy(init.dir, "/", sizeof(init.dir));
	(void)strlcpy(init.promises, "stdio", sizeof(init.promises));
	init.nofile = 64;
	harness_on_tell(init_is, NULL);
	m = msg_new_fd(harness_fd(), PROC_INIT, 0);
	proc_init_put(m, &init);
	role_must(msg_send_wait(m, 0) == 1);
	harness_on_tell(NULL, NULL);
}

static void
start(void)
{
	char *argv[] = {(char *)(uintptr_t)f.target->name, NULL};

	(void)role_main(1, argv);
}

static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (m->type == PROC_READY && wire_fd(w) == PROC_FD)
		f.ready = true;
}

/* A socket whose other end has gone already. */
static int
passed(void)
{
	struct stat st;
	int fds[2];

	role_must(socketpair(AF_UNIX,
		      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	(void)close(fds[1]);
	role_must(fstat(fds[0], &st) == 0);
	f.socks[f.n_socks].fd = fds[0];
	f.socks[f.n_socks].dev = st.st_dev;
	f.socks[f.n_socks++].ino = st.st_ino;
	return fds[0];
}

/* A peer or a sealctl: harness_wire() finds it, if it is a wire. */
static int
peer(void)
{
	return f.wires[f.n_wires++] = passed();
}

/* What is not whole is not taken; what is taken is within its bounds. */
static void
init_step(const struct harness_step *s)
{
	struct proc_init *init;
	struct msg m;

	memset(&m, 0, sizeof(m));
	m.fd = -1;
	m.data = s->data;
	m.len = s->len;
	init = malloc(sizeof(*init));
	role_must(init != NULL);
	if (proc_init_get(&m, init) == 0) {
		role_must(init->n_paths <= PROC_PATHS_MAX);
		role_must(memchr(init->name, 0, sizeof(init->name)) != NULL);
		role_must(memchr(init->dir, 0, sizeof(init->dir)) != NULL);
		role_must(
		    memchr(init->promises, 0, sizeof(init->promises)) != NULL);
		for (uint32_t i = 0; i < init->n_paths; i++)
			role_must(memchr(init->paths[i].perm, 0,
				      PROC_PERM_MAX) != NULL);
	}
	free(init);
}

static void
say(uint32_t type, const uint8_t *data, size_t len, int fd)
{
	harness_packet(f.parent, type, 1, data, len, fd);
}

/* A step of one of the parent's messages; 0: it is none. */
static uint32_t
type_of(const struct harness_step *s)
{
	static const uint32_t types[] = {[SAYS_BEGIN] = PROC_RELOAD_BEGIN,
	    [SAYS_COMMIT] = PROC_RELOAD_COMMIT,
	    [SAYS_WIRE] = PROC_WIRE,
	    [SAYS_CONN] = PROC_CONN,
	    [SAYS_OPENED] = PROC_CONN_OPENED,
	    [SAYS_ENDED] = PROC_CONN_ENDED,
	    [SAYS_CTL] = PROC_CTL,
	    [SAYS_VERBOSE] = PROC_VERBOSE,
	    [SAYS_STATS] = PROC_STATS};
	enum step_kind kind = s->what & WHAT_KIND;
	uint32_t type = 0;

	if (kind == SAYS_OWN && s->len > 0)
		type = f.target->n_own == 0 ?
		    PROC_OWN :
		    f.target->own[s->data[0] % f.target->n_own];
	else if (kind == SAYS_RAW && s->len >= sizeof(type))
		memcpy(&type, s->data, sizeof(type));
	else if (kind < sizeof(types) / sizeof(types[0]))
		type = types[kind];
	/* A good end would be for ever. */
	return type == PROC_SHUTDOWN ? 0 : type;
}

/* The same file still, not another of that number. */
static bool
is_open(const struct passed *p)
{
	struct stat st;

	return fstat(p->fd, &st) == 0 && st.st_dev == p->dev &&
	    st.st_ino == p->ino;
}

/*
 * One of those whose wires it has; what it is given there it gives to a child.
 * False: the role has ended.
 */
static bool
peer_says(const struct harness_step *s)
{
	struct wire *w;
	uint32_t type;
	int fd = -1;

	if (f.forks == NULL || f.n_wires == 0 || s->len <= sizeof(type))
		return true;
	w = harness_wire(f.wires[s->data[0] % f.n_wires]);
	if (w == NULL)
		return true;
	memcpy(&type, s->data + 1, sizeof(type));
	if ((s->what & WHAT_NONE) == 0)
		fd = passed();
	harness_packet(w, type, 1, s->data + 1 + sizeof(type),
	    s->len - 1 - sizeof(type), fd);
	if (!harness_run_or_exit())
		return false;
	role_must(fd == -1 || !is_open(&f.socks[f.n_socks - 1]));
	return true;
}

/* False: the role has ended, as it may. */
static bool
says(const struct harness_step *s)
{
	enum step_kind kind = s->what & WHAT_KIND;
	bool lives, reloading;
	uint32_t type;
	size_t head;
	int fd = -1;

	if (kind == PEER_SAYS)
		return peer_says(s);
	type = type_of(s);
	if (type == 0) {
		if (kind == READS_INIT)
			init_step(s);
		return true;
	}
	if ((s->what & WHAT_FD) != 0 ||
	    ((s->what & WHAT_NONE) == 0 &&
		(kind == SAYS_WIRE || kind == SAYS_CTL || kind == SAYS_CONN)))
		fd = peer();
	head = kind == SAYS_OWN ? 1 : kind == SAYS_RAW ? sizeof(type) : 0;
	say(type, s->data + head, s->len - head, fd);
	reloading = role.reloading;
	lives = harness_run_or_exit();
	/* A configuration comes in one piece, after it was announced. */
	role_must(!lives || type < PROC_OWN || reloading);
	role_must(!lives || type != PROC_RELOAD_BEGIN || !reloading);
	role_must(!lives || type != PROC_RELOAD_COMMIT || reloading);
	if (lives && type == PROC_RELOAD_COMMIT)
		f.target->check();
	return lives;
}

/* All but the parent go; what the role was told is told to its end. */
static void
input_end(void)
{
	static const uint8_t off = 0;
	struct wire *w;

	role.reloading = false;
	say(PROC_VERBOSE, &off, 1, -1);
	(void)harness_run_or_exit();
	for (size_t i = 0; i < f.n_wires; i++) {
		if ((w = harness_wire(f.wires[i])) == NULL)
			continue;
		harness_eof(w);
		(void)harness_run_or_exit();
	}
	(void)harness_run_or_exit();
	for (size_t i = 0; i < f.n_socks; i++)
		if (is_open(&f.socks[i]))
			(void)close(f.socks[i].fd);
	f.n_wires = f.n_socks = 0;
	if (f.target->forget != NULL)
		f.target->forget();
}

/* What should come after a configuration. */
static void
first(uint32_t type)
{
	static const uint8_t conn[13], ctl[5];

	if (type == PROC_CONN)
		say(type, conn, sizeof(conn), peer());
	else
		say(type, ctl, sizeof(ctl), peer());
	(void)harness_run_or_exit();
}

/* What a base directory has; then main(), up to its event loop. */
static void
set_up(const struct role_target *target)
{
	static const int signals[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
	struct sigaction before[4];
	char dir[1024];
	const char *tmp;
	int here;

	if (f.target != NULL)
		return;
	f.target = target;
	if ((tmp = getenv("TMPDIR")) == NULL)
		tmp = "/tmp";
	(void)snprintf(dir, sizeof(dir), "%s/role.XXXXXX", tmp);
	/* The wire to the parent is no file, but must not become one. */
	if (fcntl(PROC_FD, F_GETFD) == -1)
		role_must(dup2(STDERR_FILENO, PROC_FD) == PROC_FD);
	/* Whoever runs us has names of files that begin here. */
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	role_must(here != -1 && mkdtemp(dir) != NULL && chdir(dir) == 0 &&
	    mkdir("queue", 0700) == 0 && mkdir("accounts", 0700) == 0 &&
	    mkdir("head", 0700) == 0);
	for (size_t i = 0; i < 4; i++)
		role_must(sigaction(signals[i], NULL, &before[i]) == 0);
	say_init();
	harness_on_send(sent, NULL);
	(void)harness_call(start);
	role_must(fchdir(here) == 0);
	(void)close(here);
	for (size_t i = 0; i < 4; i++)
		role_must(sigaction(signals[i], &before[i], NULL) == 0);
	role_must(f.ready);
	harness_quiet();
	f.parent = harness_wire(PROC_FD);
	role_must(f.parent != NULL);
	harness_keep(f.parent);
	/* A parent that begins with what comes after the configuration. */
	harness_begin();
	first(PROC_CONN);
	first(PROC_CTL);
	input_end();
	harness_end();
}

void
role_run(
    const struct role_target *target, const unsigned char *data, size_t len)
{
	struct harness_step s;

	set_up(target);
	harness_begin();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		if (!says(&s))
			break;
	}
	input_end();
	harness_end();
}
