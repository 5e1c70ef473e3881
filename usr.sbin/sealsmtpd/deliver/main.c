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
 * Process:   smtp-deliver
 * Runs as:   _sealmail, in the base directory
 * May do:    stdio rpath wpath cpath recvfd; accounts: rwc
 * Talks to:  smtp-engine about recipients and messages; imap-store about new
 *            mail
 * Holds:     messages in flight; public keys; what opens the mail of the last
 *            second
 * Trusts:    the parent; what lies in the accounts' directories
 */

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "proc.h"
#include "seal.h"

#include "deliver.h"
#include "../smtp_config.h"

static struct deliver_slice *config, *config_new;

static void deliver_config(struct msg *, void *);
static void deliver_reload_begin(void *);
static void deliver_reload_commit(void *);
static void deliver_wire(const char *, unsigned int, int, void *);

static const struct proc_handlers handlers = {
    .config = deliver_config,
    .reload_begin = deliver_reload_begin,
    .reload_commit = deliver_reload_commit,
    .wire = deliver_wire,
};

int
main(int argc, char *argv[])
{
	int basefd;

	proc_role_start(argc, argv, "smtp-deliver", &handlers, NULL);
	if (seal_init() == -1)
		fatalx("cannot start libsodium");
	basefd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (basefd == -1)
		fatal("open the base directory");
	delivery_init(basefd);
	recipient_init(basefd);
	sync_init(basefd);
	report_init();
	proc_role_sandbox();
	event_dispatch();
	return 1;
}

static void
deliver_reload_begin(void *arg)
{
	(void)arg;
	deliver_slice_free(config_new);
	config_new = deliver_slice_new();
}

static void
deliver_config(struct msg *msg, void *arg)
{
	(void)arg;
	if (config_new == NULL || deliver_slice_get(config_new, msg) == -1)
		fatalx("bad configuration from the parent");
}

static void
deliver_reload_commit(void *arg)
{
	(void)arg;
	if (config_new == NULL)
		fatalx("a configuration ended that had not begun");
	deliver_slice_free(config);
	config = config_new;
	config_new = NULL;
	log_addr_clear(config->log_addresses);
	recipient_reserve(config->free_bytes, config->free_inodes);
}

static void
deliver_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)arg;
	if (strcmp(role, "smtp-engine") == 0)
		engine_start(instance, fd);
	else if (strcmp(role, "imap-store") == 0)
		notify_start(fd);
	else
		fatalx("wire to unexpected role %s", role);
}
