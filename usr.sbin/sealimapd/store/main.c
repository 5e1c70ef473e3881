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
 * imap-store: who may log in, and who holds what a login unlocks.
 *
 *	master --- forker --- opener --- vault (the opener it has been)
 *	                  \-- clerk
 *
 * The master knows names and wires, no secret and no file.  The forker makes
 * its children.  An opener takes one secret from an engine and ends, or becomes
 * the vault of its account (vault.c).  A clerk serves one sealctl,
 * or the vault of one who sets quotas of others.
 */

/*
 * Process:   imap-store
 * Runs as:   _sealvault, in the base directory
 * May do:    stdio rpath wpath cpath fattr flock unveil sendfd recvfd proc;
 *            accounts and removed (rwc), head (rwc)
 * Talks to:  imap-engine about logins and sessions; smtp-deliver about new
 *            mail; imap-worker for its vaults; sealctl about accounts
 * Holds:     the master nothing; a vault one user's keys while that user is
 *            logged in
 * Trusts:    the parent; everybody else is hostile
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "proc.h"
#include "seal.h"

#include "../imap_config.h"

static struct store_slice *next; /* between BEGIN and COMMIT */

static void
on_reload_begin(void *arg)
{
	store_slice_free(next);
	next = store_slice_new();
}

static void
on_config(struct msg *m, void *arg)
{
	if (next == NULL || store_slice_get(next, m) == -1)
		fatalx("config: malformed message type=%u", m->type);
}

static void
on_reload_commit(void *arg)
{
	master_slice(next);
	next = NULL;
}

static void
on_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	peer_wire(role, instance, fd);
}

static void
on_conn_opened(const struct proc_conn *c, void *arg)
{
	char source[SOURCE_MAX];

	proc_source(c, source, sizeof(source));
	conns_add(c->id, source, c->trusted);
}

static void
on_conn_ended(uint64_t conn, void *arg)
{
	conns_remove(conn);
}

static void
on_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	log_debug("control uid=%u", (unsigned int)uid);
	master_ctl(fd, may_change);
}

static const struct proc_handlers handlers = {
    .config = on_config,
    .reload_begin = on_reload_begin,
    .reload_commit = on_reload_commit,
    .wire = on_wire,
    .conn_opened = on_conn_opened,
    .conn_ended = on_conn_ended,
    .ctl = on_ctl,
};

/* What installation and the parent may have left to us. */
static void
make_dir(const char *name, mode_t mode)
{
	if (mkdir(name, mode) == -1 && errno != EEXIST)
		fatal("mkdir dir=%s", name);
}

int
main(int argc, char *argv[])
{
	int base, forker;

	/* These read files of the system: before the change of root. */
	tzset();
	proc_role_start(argc, argv, "imap-store", &handlers, NULL);
	if (seal_init() == -1)
		fatal("libsodium");
	make_dir("accounts", 02750);
	make_dir("removed", 0700);
	make_dir("head", 0700);
	base = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base == -1)
		fatal("base directory");
	proc_role_sandbox();
	opener_init(base);
	forker = forker_start(base);
	/* No more files, no more processes: only wires. */
	proc_narrow("stdio sendfd recvfd", NULL, 0);
	report_init();
	master_start(forker);
	(void)event_dispatch();
	fatalx("the event loop ended");
}
