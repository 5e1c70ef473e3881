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
 * Process:   imap-worker
 * Runs as:   _sealwork, in an empty root
 * May do:    stdio recvfd proc; a child: stdio
 * Talks to:  imap-store's vaults, one user each
 * Holds:     text of one user's messages while it works on them
 * Trusts:    the parent; what it reads is hostile
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "mime_text.h"
#include "msg.h"
#include "proc.h"

#include "../worker_wire.h"
#include "stats.h"
#include "worker.h"

/* More users than this search text at once: the others are told "busy". */
#define SEARCHES_MAX 64
/* Likewise for what can wait, in places of their own. */
#define QUIET_MAX 4
#define CHILDREN_MAX (SEARCHES_MAX + QUIET_MAX)
#define STORES_MAX 16
#define QUIET_NICE 15 /* of what can wait */

static struct {
	struct wire *stores[STORES_MAX];
	pid_t children[CHILDREN_MAX];
	struct event sigchld;
} master;

static void master_wire(const char *, unsigned int, int, void *);
static void master_message(struct wire *, struct msg *, void *);
static void master_gone(struct wire *, void *);
static void master_open(struct msg *);
static void master_reap(int, short, void *);
static void master_count(struct stat_row *);

static const struct proc_handlers handlers = {
    .wire = master_wire,
};

int
main(int argc, char *argv[])
{
	int n_charsets;

	/* Reads files of the system: before the change of root. */
	n_charsets = mime_charset_init();
	proc_role_start(argc, argv, "imap-worker", &handlers, NULL);
	if (n_charsets == 0)
		log_warnx("iconv has no charsets: only UTF-8 and Latin-1");
	report_init(master_count);
	signal_set(&master.sigchld, SIGCHLD, master_reap, NULL);
	if (signal_add(&master.sigchld, NULL) == -1)
		fatal("signal_add");
	proc_role_sandbox();
	event_dispatch();
	return 1;
}

static void
master_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)arg;
	if (strcmp(role, "imap-store") != 0 || instance >= STORES_MAX)
		fatalx("wire to unexpected role %s", role);
	wire_free(master.stores[instance]);
	master.stores[instance] = wire_new(
	    fd, master_message, master_gone, &master.stores[instance]);
}

static void
master_gone(struct wire *w, void *arg)
{
	struct wire **slot = arg;

	*slot = NULL;
	wire_free(w);
}

static void
master_message(struct wire *w, struct msg *msg, void *arg)
{
	(void)arg;
	switch (msg->type) {
	case STORE_WORKER_OPEN:
		master_open(msg);
		break;
	default:
		fatalx("wire to imap-store: unexpected message %u", msg->type);
	}
}

/* A child of its own for the vault at the other end of the descriptor. */
static void
master_open(struct msg *msg)
{
	uint32_t version = msg_get_u32(msg);
	bool quiet = msg_get_u8(msg) != 0;
	int fd = msg_get_fd(msg);
	size_t i, slot, end;
	pid_t pid;

	if (msg_end(msg) == -1 || version != WORKER_WIRE_VERSION)
		fatalx("wire to imap-store: bad request for a worker");
	end = quiet ? CHILDREN_MAX : SEARCHES_MAX;
	slot = quiet ? SEARCHES_MAX : 0;
	while (slot < end && master.children[slot] != 0)
		slot++;
	if (slot == end && quiet) {
		close(fd);
		return;
	}
	if (slot == end) {
		log_warnx("too many searches: no worker for another");
		report_add(WORKER_REFUSED, 1);
		close(fd);
		return;
	}
	switch (pid = proc_fork("search")) {
	case -1:
		log_warn("fork");
		close(fd);
		return;
	case 0:
		for (i = 0; i < STORES_MAX; i++) {
			if (master.stores[i] != NULL)
				wire_abandon(master.stores[i]);
		}
		memset(&master, 0, sizeof(master));
		if (quiet && setpriority(PRIO_PROCESS, 0, QUIET_NICE) == -1)
			log_warn("setpriority");
		report_child();
		proc_narrow("stdio", NULL, 0);
		child_main(fd);
	}
	master.children[slot] = pid;
	close(fd);
}

static void
master_count(struct stat_row *rows)
{
	rows[WORKER_ALIVE].value = 0;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		rows[WORKER_ALIVE].value += master.children[i] != 0;
}

static void
master_reap(int sig, short event, void *arg)
{
	int status;
	size_t i;
	pid_t pid;

	(void)sig;
	(void)event;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < CHILDREN_MAX; i++) {
			if (master.children[i] == pid)
				master.children[i] = 0;
		}
		if (WIFSIGNALED(status))
			log_warnx("search pid=%d ended by signal=%d", (int)pid,
			    WTERMSIG(status));
	}
}
