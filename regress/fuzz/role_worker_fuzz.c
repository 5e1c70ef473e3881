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
 * Fuzzer of imap-worker as its parent's child, and of what vaults' master asks
 * it for: see role_steps.h.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealimapd/worker/main.c"
#undef main

#define FORKS_GOOD 7 /* and then one that fails */

pid_t __wrap_waitpid(pid_t, int *, int);

static pid_t forked, reaped;
static unsigned int n_forks;

/* Children all end when there is a configuration. */
pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	if (reaped == forked)
		return 0;
	*status = reaped % 2 == 0 ? SIGSYS : 0;
	return ++reaped;
}

static pid_t
forks(void)
{
	if (n_forks++ % (FORKS_GOOD + 1) == FORKS_GOOD) {
		errno = EAGAIN;
		return -1;
	}
	return ++forked;
}

static size_t
children(void)
{
	struct stat_row rows[WORKER_ALIVE + 1];

	memset(rows, 0, sizeof(rows));
	master_count(rows);
	return (size_t)rows[WORKER_ALIVE].value;
}

static void
check(void)
{
	role_must(children() == (size_t)(forked - reaped));
	master_reap(SIGCHLD, 0, NULL);
	role_must(children() == 0);
}

/* Its wires ended with the input. */
static void
forget(void)
{
	for (size_t i = 0; i < STORES_MAX; i++)
		role_must(master.stores[i] == NULL);
	memset(master.children, 0, sizeof(master.children));
	forked = reaped = 0;
	n_forks = 0;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const struct role_target target = {
	    "imap-worker", NULL, 0, check, forget};

	role_forks(forks);
	role_run(&target, data, len);
	return 0;
}
