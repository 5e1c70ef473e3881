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
 * Making it durable; when, gather.h says.
 *
 * What became of recipients is in the journal before anything else happens, so
 * it survives this process; the disk has it with the next message, or a moment
 * later.  Only where the power fails within it is a message sent twice.
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

#include "../gather.h"

#define SYNC_MAX 512     /* entries of one sync */
#define RETRY_SECONDS 1  /* where the journal takes nothing */
#define LATE_USEC 100000 /* what became of recipients, on the disk */
#define UNLINK_USEC 2000 /* between files that are unlinked ... */
#define UNLINK_PART 64   /* ... by this part of them all */
#define SPARE_SECONDS 1  /* that files wait for another message */

struct gone {
	TAILQ_ENTRY(gone) entry;
	uint8_t id[QUEUE_ID_LEN];
};

TAILQ_HEAD(gone_list, gone);

static struct {
	struct entry_list waiting;
	struct gone_list noted;   /* to be unlinked once that is durable */
	struct gone_list written; /* likewise: it is in the journal */
	struct gone_list gone;    /* it is */
	size_t n_gone;
	struct gather gather;
	struct event write;
	struct event late;
	struct event unlink;
	struct event spare;
	int dir;
	bool unsynced;
	bool renewed; /* there was a spare file more */
} sync_state;

static void sync_run(int, short, void *);
static void sync_changed(int, short, void *);
static void sync_late(int, short, void *);
static void sync_write(void);
static unsigned int sync_enter(struct entry **, enum queue_result *);
static void sync_disk(struct entry *const *, unsigned int);
static void sync_files(struct entry *const *, unsigned int);
static void sync_unlinks(int, short, void *);
static bool sync_spare(const uint8_t *);
static void sync_spares(int, short, void *);

void
sync_init(int dirfd)
{
	TAILQ_INIT(&sync_state.waiting);
	TAILQ_INIT(&sync_state.noted);
	TAILQ_INIT(&sync_state.written);
	TAILQ_INIT(&sync_state.gone);
	sync_state.dir = dirfd;
	gather_init(&sync_state.gather, sync_run);
	evtimer_set(&sync_state.write, sync_changed, NULL);
	evtimer_set(&sync_state.late, sync_late, NULL);
	evtimer_set(&sync_state.unlink, sync_unlinks, NULL);
	evtimer_set(&sync_state.spare, sync_spares, NULL);
}

void
sync_entry(struct entry *e)
{
	TAILQ_INSERT_TAIL(&sync_state.waiting, e, waiting);
	gather_add(&sync_state.gather);
}

void
sync_entry_gone(struct entry *e)
{
	TAILQ_REMOVE(&sync_state.waiting, e, waiting);
	gather_remove(&sync_state.gather);
}

void
sync_changes(void)
{
	struct timeval now = {0};

	evtimer_add(&sync_state.write, &now);
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
	sync_changes();
}

static void
sync_run(int fd, short what, void *arg)
{
	struct entry *entries[SYNC_MAX];
	enum queue_result results[SYNC_MAX];
	unsigned int n;

	(void)fd;
	(void)what;
	(void)arg;
	gather_running(&sync_state.gather);
	sync_write();
	n = sync_enter(entries, results);
	if (n == 0)
		return;
	sync_disk(entries, n);
	for (unsigned int i = 0; i < n; i++)
		entry_answer(entries[i], results[i]);
	gather_answered(&sync_state.gather, n);
	jobs_run();
}

/* Changes to the journal; the disk has them with the next sync. */
static void
sync_write(void)
{
	struct timeval late = {.tv_usec = LATE_USEC};
	struct timeval again = {0};
	bool changed;

	changed = record_pending();
	if (record_changes() == -1) {
		log_warn("queue: the journal takes no changes");
		again.tv_sec = RETRY_SECONDS;
		evtimer_add(&sync_state.write, &again);
		return;
	}
	TAILQ_CONCAT(&sync_state.written, &sync_state.noted, entry);
	if (changed && !sync_state.unsynced) {
		sync_state.unsynced = true;
		evtimer_add(&sync_state.late, &late);
	}
	if (record_compact() || record_pending())
		evtimer_add(&sync_state.write, &again);
}

static void
sync_changed(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sync_write();
}

static void
sync_late(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (sync_state.unsynced)
		sync_disk(NULL, 0);
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
		gather_remove(&sync_state.gather);
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
	struct timeval soon = {.tv_usec = UNLINK_USEC};
	struct gone *g;

	gather_begin(&sync_state.gather);
	if (n == 0 || compat_syncfs(sync_state.dir) == -1) {
		if (n > 0 && errno != ENOSYS)
			fatal("queue: sync");
		sync_files(entries, n);
	}
	gather_end(&sync_state.gather, n);
	sync_state.unsynced = false;
	while ((g = TAILQ_FIRST(&sync_state.written)) != NULL) {
		TAILQ_REMOVE(&sync_state.written, g, entry);
		if (sync_spare(g->id)) {
			free(g);
			continue;
		}
		TAILQ_INSERT_TAIL(&sync_state.gone, g, entry);
		sync_state.n_gone++;
	}
	if (!TAILQ_EMPTY(&sync_state.gone))
		evtimer_add(&sync_state.unlink, &soon);
}

/* Where the system has no call for all of a file system. */
static void
sync_files(struct entry *const *entries, unsigned int n)
{
	int fd;

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

/*
 * A few at a time: an unlink may wait for the file system, and those who have
 * mail for us should not.
 */
static void
sync_unlinks(int fd, short what, void *arg)
{
	struct timeval soon = {.tv_usec = UNLINK_USEC};
	struct gone *g;
	unsigned int n;

	(void)fd;
	(void)what;
	(void)arg;
	n = sync_state.n_gone / UNLINK_PART + 1;
	while (n-- > 0 && (g = TAILQ_FIRST(&sync_state.gone)) != NULL) {
		if (spool_unlink(g->id) == -1 && errno != ENOENT)
			log_warn("queue: unlink");
		TAILQ_REMOVE(&sync_state.gone, g, entry);
		sync_state.n_gone--;
		free(g);
	}
	if (!TAILQ_EMPTY(&sync_state.gone))
		evtimer_add(&sync_state.unlink, &soon);
}

/* The next message may have it: that costs less than a new one. */
static bool
sync_spare(const uint8_t *id)
{
	struct timeval later = {.tv_sec = SPARE_SECONDS};

	if (!spool_spare(id))
		return false;
	sync_state.renewed = true;
	if (!evtimer_pending(&sync_state.spare, NULL))
		evtimer_add(&sync_state.spare, &later);
	return true;
}

/* Nothing has left for a while: what is over goes. */
static void
sync_spares(int fd, short what, void *arg)
{
	struct timeval later = {.tv_sec = SPARE_SECONDS};
	struct timeval soon = {.tv_usec = UNLINK_USEC};

	(void)fd;
	(void)what;
	(void)arg;
	if (!sync_state.renewed) {
		if (spool_spare_unlink())
			evtimer_add(&sync_state.spare, &soon);
		return;
	}
	sync_state.renewed = false;
	evtimer_add(&sync_state.spare, &later);
}
