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

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"

#define FORKER_WAIT_MS (60 * 60 * 1000)

static void
forker_child(int wire, int base, uint8_t kind, int master)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
	close(wire);
	msg_wipe();
	if (kind == CHILD_OPENER)
		opener_main(master, base);
	clerk_main(master, base);
}

static void
forker_main(int wire, int base)
{
	struct sigaction sa;
	struct msg m;
	uint8_t kind;
	pid_t pid;
	int fd, n;

	/* Nobody waits for the children: their wires tell of their end. */
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	sa.sa_flags = SA_NOCLDWAIT;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		fatal("sigaction");
	for (;;) {
		n = msg_recv_wait(wire, &m, FORKER_WAIT_MS);
		if (n == -1 && errno == ETIMEDOUT)
			continue;
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
