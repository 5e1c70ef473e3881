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
 * The forker: makes openers and clerks for the master.  It is forked before the
 * master knows anything, so its children inherit neither the wires of others
 * nor a large memory, and the master can give up files and fork(2).  It knows
 * their pids, so it is it that stops an opener and lets it go on.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"

#define FORKER_WAIT_MS 1000 /* for what poll(2) has announced */

/* A child that lives, or has not been reaped: its pid is nobody else's. */
struct forked {
	RB_ENTRY(forked) entry;
	TAILQ_ENTRY(forked) stops;
	uint32_t number;
	pid_t pid;
	bool stopped;
};
RB_HEAD(forks, forked);

static int forked_compare(const struct forked *, const struct forked *);
RB_PROTOTYPE(forks, forked, entry, forked_compare)

static int child_pipe[2]; /* says that a child has ended */
static struct forks forks = RB_INITIALIZER(&forks);
static TAILQ_HEAD(, forked) stopped = TAILQ_HEAD_INITIALIZER(stopped);

static int
forked_compare(const struct forked *a, const struct forked *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}
RB_GENERATE(forks, forked, entry, forked_compare)

static struct forked *
forked_find(uint32_t number)
{
	struct forked key;

	memset(&key, 0, sizeof(key));
	key.number = number;
	return RB_FIND(forks, &forks, &key);
}

static void
forked_add(uint32_t number, pid_t pid)
{
	struct forked *f;

	f = calloc(1, sizeof(*f));
	if (f == NULL)
		fatal("out of memory");
	f->number = number;
	f->pid = pid;
	if (RB_INSERT(forks, &forks, f) != NULL)
		fatalx("master: child number=%u is not new", number);
}

static void
forked_stop(struct forked *f, bool stop)
{
	if (f->stopped == stop)
		return;
	if (kill(f->pid, stop ? SIGSTOP : SIGCONT) == -1) {
		log_warn("kill");
		return;
	}
	f->stopped = stop;
	if (stop)
		TAILQ_INSERT_TAIL(&stopped, f, stops);
	else
		TAILQ_REMOVE(&stopped, f, stops);
}

static void
forked_reaped(pid_t pid)
{
	struct forked *f;

	RB_FOREACH (f, forks, &forks)
		if (f->pid == pid)
			break;
	if (f == NULL)
		return;
	if (f->stopped)
		TAILQ_REMOVE(&stopped, f, stops);
	(void)RB_REMOVE(forks, &forks, f);
	free(f);
}

/* Nobody else would: they end by themselves when the master has. */
static void
forker_end(int status)
{
	struct forked *f;

	while ((f = TAILQ_FIRST(&stopped)) != NULL) {
		TAILQ_REMOVE(&stopped, f, stops);
		(void)kill(f->pid, SIGCONT);
	}
	exit(status);
}

static void
forker_child(int wire, int base, uint8_t kind, int master)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
	/* Or whoever is stopped when the forker is killed would stay so. */
	if (compat_orphan_wakes() == -1 && errno != ENOSYS)
		log_warn("orphans");
	close(wire);
	close(child_pipe[0]);
	close(child_pipe[1]);
	msg_wipe();
	if (kind == CHILD_OPENER)
		opener_main(master, base);
	clerk_main(master, base);
}

static void
child_ended(int sig)
{
	int save = errno;

	(void)!write(child_pipe[1], "", 1);
	errno = save;
}

/*
 * The wires tell the master that a child has ended; that it was a signal, which
 * the sandbox sends too, is told here.
 */
static void
forker_reap(void)
{
	char buf[64];
	int status;
	pid_t pid;

	while (read(child_pipe[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		forked_reaped(pid);
		if (WIFSIGNALED(status))
			log_warnx("opener, vault or clerk pid=%d was ended by "
				  "signal %d (%s)",
			    (int)pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	}
}

static void
forker_init(void)
{
	struct sigaction sa;

	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		fatal("pipe");
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = child_ended;
	sa.sa_flags = SA_NOCLDSTOP | SA_RESTART;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
}

/* Waits for the master's word; children that end meanwhile are reaped. */
static void
forker_wait(int wire)
{
	struct pollfd p[2];

	for (;;) {
		p[0] = (struct pollfd){.fd = wire, .events = POLLIN};
		p[1] = (struct pollfd){.fd = child_pipe[0], .events = POLLIN};
		if (poll(p, 2, -1) == -1) {
			if (errno == EINTR)
				continue;
			fatal("poll");
		}
		if (p[1].revents != 0)
			forker_reap();
		if (p[0].revents != 0)
			return;
	}
}

static void
forker_fork(int wire, int base, struct msg *m)
{
	uint32_t number;
	uint8_t kind;
	pid_t pid;
	int fd;

	kind = msg_get_u8(m);
	number = msg_get_u32(m);
	fd = msg_get_fd(m);
	if (msg_end(m) == -1 || (kind != CHILD_OPENER && kind != CHILD_CLERK))
		fatalx("master: malformed message type=%u", m->type);
	msg_done(m);
	pid = fork();
	if (pid == 0)
		forker_child(wire, base, kind, fd);
	if (pid == -1)
		log_warn("fork");
	else
		forked_add(number, pid);
	/* Where it failed, the master sees the end of the wire. */
	close(fd);
}

static void
forker_pause(struct msg *m)
{
	struct forked *f;
	bool stop;

	f = forked_find(msg_get_u32(m));
	stop = msg_get_u8(m) != 0;
	if (msg_end(m) == -1)
		fatalx("master: malformed message type=%u", m->type);
	msg_done(m);
	/* It may have ended meanwhile. */
	if (f != NULL)
		forked_stop(f, stop);
}

static void
forker_main(int wire, int base)
{
	struct msg m;
	int n;

	forker_init();
	for (;;) {
		forker_wait(wire);
		n = msg_recv_wait(wire, &m, FORKER_WAIT_MS);
		if (n != 1)
			forker_end(n == 0 ? 0 : 1);
		switch (m.type) {
		case MASTER_FORKER_CHILD:
			forker_fork(wire, base, &m);
			break;
		case MASTER_FORKER_PAUSE:
			forker_pause(&m);
			break;
		default:
			fatalx("master: unknown message type=%u", m.type);
		}
	}
}

int
forker_start(int base)
{
	int fds[2];
	pid_t pid;

	if (wire_pair(fds) == -1)
		fatal("socketpair");
	pid = proc_fork("forker");
	if (pid == -1)
		fatal("fork");
	if (pid == 0) {
		close(fds[0]);
		forker_main(fds[1], base);
	}
	close(fds[1]);
	close(base);
	return fds[0];
}
