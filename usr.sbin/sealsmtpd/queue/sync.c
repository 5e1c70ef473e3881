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
 * Making it durable.  There is no timer and no thread: a sync runs when all
 * wires were read that had something, and takes with it what came while the
 * one before kept the process waiting.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "journal.h"
#include "log.h"
#include "peer.h"

#define SYNC_MAX 512    /* entries of one sync */
#define RETRY_SECONDS 1 /* where the journal takes nothing */

struct gone {
	TAILQ_ENTRY(gone) entry;
	uint8_t id[QUEUE_ID_LEN];
};

TAILQ_HEAD(gone_list, gone);

static struct {
	struct entry_list waiting;
	struct gone_list noted;   /* to be unlinked once that is durable */
	struct gone_list written; /* likewise: it is in the journal */
	struct event event;
	int dir;
	bool scheduled;
} sync_state;

static void sync_schedule(time_t);
static void sync_run(int, short, void *);
static unsigned int sync_enter(struct entry **, enum queue_result *);
static void sync_disk(struct entry *const *, unsigned int);
static void sync_unlinks(void);

void
sync_init(int dirfd)
{
	TAILQ_INIT(&sync_state.waiting);
	TAILQ_INIT(&sync_state.noted);
	TAILQ_INIT(&sync_state.written);
	sync_state.dir = dirfd;
	evtimer_set(&sync_state.event, sync_run, NULL);
}

void
sync_entry(struct entry *e)
{
	TAILQ_INSERT_TAIL(&sync_state.waiting, e, waiting);
	sync_schedule(0);
}

void
sync_entry_gone(struct entry *e)
{
	TAILQ_REMOVE(&sync_state.waiting, e, waiting);
}

void
sync_changes(void)
{
	sync_schedule(0);
}

void
sync_unlink(const uint8_t id[QUEUE_ID_LEN])
{
	struct gone *g;

	g = calloc(1, sizeof(*g));
	if (g == NULL)
		fatal("calloc");
	memcpy(g->id, id, sizeof(g->id));
	TAILQ_INSERT_TAIL(&sync_state.noted, g, entry);
	sync_schedule(0);
}

static void
sync_schedule(time_t seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	if (sync_state.scheduled)
		return;
	sync_state.scheduled = true;
	evtimer_add(&sync_state.event, &tv);
}

static void
sync_run(int fd, short what, void *arg)
{
	struct entry *entries[SYNC_MAX];
	enum queue_result results[SYNC_MAX];
	unsigned int n;
	bool stuck;

	(void)fd;
	(void)what;
	(void)arg;
	sync_state.scheduled = false;
	stuck = record_changes() == -1;
	if (stuck)
		log_warn("queue: the journal takes no changes");
	else
		TAILQ_CONCAT(&sync_state.written, &sync_state.noted, entry);
	n = sync_enter(entries, results);
	sync_disk(entries, n);
	for (unsigned int i = 0; i < n; i++)
		entry_answer(entries[i], results[i]);
	sync_unlinks();
	if (stuck)
		sync_schedule(RETRY_SECONDS);
	else if (!TAILQ_EMPTY(&sync_state.waiting) || record_compact() ||
	    record_pending())
		sync_schedule(0);
	if (n > 0)
		jobs_run();
}

/* Journal records of the entries that wait. */
static unsigned int
sync_enter(struct entry **entries, enum queue_result *results)
{
	struct entry *e;
	unsigned int n;

	for (n = 0; n < SYNC_MAX; n++) {
		e = TAILQ_FIRST(&sync_state.waiting);
		if (e == NULL)
			break;
		TAILQ_REMOVE(&sync_state.waiting, e, waiting);
		entries[n] = e;
		results[n] = QUEUE_DONE;
		if (record_enter(entry_message(e)) == 0)
			continue;
		results[n] = errno == ENOSPC || errno == EDQUOT ? QUEUE_FULL :
								  QUEUE_TROUBLE;
		log_warn("queue: the journal takes no entry");
	}
	return n;
}

/*
 * After a sync that failed nobody knows what is on the disk: the process ends,
 * nothing was acknowledged, and what is there is read anew.
 */
static void
sync_disk(struct entry *const *entries, unsigned int n)
{
	int fd;

	if (n > 0) {
		if (compat_syncfs(sync_state.dir) == 0)
			return;
		if (errno != ENOSYS)
			fatal("queue: sync");
	}
	for (unsigned int i = 0; i < n; i++)
		if (spool_sync(entry_file(entries[i])) == -1)
			fatal("queue: sync of a message");
	if (n > 0) {
		fd = openat(
		    sync_state.dir, "msg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1 || fsync(fd) == -1)
			fatal("queue: sync of msg");
		(void)close(fd);
	}
	if (journal_sync() == -1)
		fatal("queue: sync of the journal");
}

static void
sync_unlinks(void)
{
	struct gone *g;

	while ((g = TAILQ_FIRST(&sync_state.written)) != NULL) {
		if (spool_unlink(g->id) == -1 && errno != ENOENT)
			log_warn("queue: unlink");
		TAILQ_REMOVE(&sync_state.written, g, entry);
		free(g);
	}
}
