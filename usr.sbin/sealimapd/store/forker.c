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
 * nor a large memory, and the master can give up files and fork(2).
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"

#define FORKER_WAIT_MS 1000 /* for what poll(2) has announced */

static int child_pipe[2]; /* says that a child has ended */

static void
forker_child(int wire, int base, uint8_t kind, int master)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
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
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (WIFSIGNALED(status))
			log_warnx("opener, vault or clerk pid=%d was ended by "
				  "signal %d (%s)",
			    (int)pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
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
forker_main(int wire, int base)
{
	struct msg m;
	uint8_t kind;
	pid_t pid;
	int fd, n;

	forker_init();
	for (;;) {
		forker_wait(wire);
		n = msg_recv_wait(wire, &m, FORKER_WAIT_MS);
		if (n != 1)
			exit(n == 0 ? 0 : 1);
		if (m.type != MASTER_FORKER_CHILD)
			fatalx("master: unknown message type=%u", m.type);
		kind = msg_get_u8(&m);
		fd = msg_get_fd(&m);
		if (msg_end(&m) == -1 ||
		    (kind != CHILD_OPENER && kind != CHILD_CLERK))
			fatalx("master: malformed message type=%u", m.type);
		msg_done(&m);
		pid = fork();
		if (pid == 0)
			forker_child(wire, base, kind, fd);
		if (pid == -1)
			log_warn("fork");
		/* Where it failed, the master sees the end of the wire. */
		close(fd);
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
