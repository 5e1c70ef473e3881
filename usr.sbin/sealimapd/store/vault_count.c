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
 * What a vault has counted.  It tells the master what was added since it last
 * did, a while after something was: an idle vault does not wake for it, and a
 * busy one sends a message in that time.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "vault_local.h"

#define TELL_S 5

static struct {
	uint64_t added[VAULT_COUNTS];
	struct wire *master;
	struct event ev;
	bool pending;
} count;

static void on_tell(int, short, void *);

void
count_begin(struct wire *master)
{
	if (count.pending)
		(void)evtimer_del(&count.ev);
	count.pending = false;
	count.master = master;
	evtimer_set(&count.ev, on_tell, NULL);
}

void
count_add(enum vault_count what, uint64_t n)
{
	struct timeval tv = {TELL_S, 0};

	if (n == 0)
		return;
	count.added[what] += n;
	if (count.pending || count.master == NULL)
		return;
	count.pending = true;
	(void)evtimer_add(&count.ev, &tv);
}

void
count_end(void)
{
	if (count.pending && count.master != NULL)
		on_tell(-1, 0, NULL);
	count.master = NULL;
}

static void
on_tell(int fd, short what, void *arg)
{
	struct msgout *out;

	rest_later();
	count.pending = false;
	out = msg_new(count.master, VAULT_MASTER_COUNTS, 0);
	for (size_t i = 0; i < VAULT_COUNTS; i++)
		msg_put_u64(out, count.added[i]);
	msg_send(out);
	memset(count.added, 0, sizeof(count.added));
}

/*
 * A login is noted in the lock's time of modification, whole seconds: that of
 * a lock which was just made has a fraction.
 */
void
count_login(int acct)
{
	struct timespec times[2];

	memset(times, 0, sizeof(times));
	times[0].tv_sec = times[1].tv_sec = time(NULL);
	if (utimensat(acct, "lock", times, AT_SYMLINK_NOFOLLOW) == -1)
		log_warn("account=%s its login is not noted",
		    log_addr(vault_account()));
}
