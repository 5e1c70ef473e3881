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
 * Making deliveries durable, without a thread: a sync runs when all wires were
 * read that had something, and takes with it what came while the one before
 * kept the process waiting.  Those who were answered by it mostly come again at
 * once, and are waited for, for a part of the time that it took.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <string.h>
#include <time.h>

#include "log.h"

#include "deliver.h"

#define GATHER_USEC 5000 /* at most, for those who were answered */

static struct {
	struct delivery_list waiting;
	struct event event;
	uint64_t number; /* of the sync under way */
	int64_t ended;   /* the last one, in microseconds */
	int64_t took;    /* and how long it was */
	size_t waits;    /* deliveries */
	size_t gathers;  /* deliveries of the last sync: they come again */
	int base;
	bool scheduled;
	bool hurried; /* ... and everybody is there */
} sync_state;

static void sync_run(int, short, void *);
static void sync_schedule(int64_t);
static int64_t sync_gather(void);
static int64_t now_usec(void);
static void sync_targets(struct delivery *, struct store_blob **, size_t *);
static void sync_answer(struct delivery *, enum store_result, int);

void
sync_init(int basefd)
{
	TAILQ_INIT(&sync_state.waiting);
	sync_state.base = basefd;
	evtimer_set(&sync_state.event, sync_run, NULL);
}

void
sync_add(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&sync_state.waiting, d, waiting);
	sync_state.waits++;
	sync_schedule(sync_gather());
}

void
sync_remove(struct delivery *d)
{
	TAILQ_REMOVE(&sync_state.waiting, d, waiting);
	sync_state.waits--;
}

size_t
sync_waiting(void)
{
	return sync_state.waits;
}

/* In so many microseconds, or earlier if that was planned. */
static void
sync_schedule(int64_t usec)
{
	struct timeval tv;

	if (sync_state.scheduled && (usec > 0 || sync_state.hurried))
		return;
	sync_state.scheduled = true;
	sync_state.hurried = usec == 0;
	tv.tv_sec = usec / 1000000;
	tv.tv_usec = usec % 1000000;
	evtimer_add(&sync_state.event, &tv);
}

static int64_t
sync_gather(void)
{
	int64_t wait;

	if (sync_state.waits >= sync_state.gathers)
		return 0;
	wait = sync_state.took / 2;
	if (wait > GATHER_USEC)
		wait = GATHER_USEC;
	wait -= now_usec() - sync_state.ended;
	return wait > 0 ? wait : 0;
}

static int64_t
now_usec(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
sync_run(int fd, short what, void *arg)
{
	struct store_blob *blobs[SYNC_MAX];
	struct delivery *d, *next;
	enum store_result res;
	int64_t began;
	size_t n, taken, i;
	int error;

	(void)fd;
	(void)what;
	(void)arg;
	sync_state.scheduled = false;
	n = taken = 0;
	TAILQ_FOREACH (d, &sync_state.waiting, waiting) {
		if (d->ntargets > SYNC_MAX - n)
			break;
		sync_targets(d, blobs, &n);
		taken++;
	}
	res = STORE_OK;
	error = 0;
	if (n > 0) {
		began = now_usec();
		res = store_blob_sync(sync_state.base, blobs, n);
		error = errno;
		sync_state.ended = now_usec();
		sync_state.took = sync_state.ended - began;
		report_add(COUNT_SYNCS, 1);
		report_add(COUNT_SYNCED, taken);
	}
	sync_state.number++;
	d = TAILQ_FIRST(&sync_state.waiting);
	for (i = 0; i < taken; i++, d = next) {
		next = TAILQ_NEXT(d, waiting);
		sync_answer(d, res, error);
	}
	sync_state.gathers = taken;
	if (!TAILQ_EMPTY(&sync_state.waiting))
		sync_schedule(sync_gather());
}

static void
sync_targets(struct delivery *d, struct store_blob **blobs, size_t *n)
{
	for (size_t i = 0; i < d->ntargets; i++)
		if (d->targets[i].blob != NULL)
			blobs[(*n)++] = d->targets[i].blob;
}

static void
sync_answer(struct delivery *d, enum store_result res, int error)
{
	struct target *t;

	for (size_t i = 0; i < d->ntargets; i++) {
		t = &d->targets[i];
		if (t->blob == NULL)
			continue;
		if (res != STORE_OK) {
			errno = error;
			t->result = delivery_result(res, t->account);
			continue;
		}
		t->result = DELIVER_DONE;
		report_add(COUNT_BYTES, store_blob_size(t->blob));
		if (recipient_news(t->rcpt, sync_state.number))
			notify_mail(t->account);
	}
	for (size_t i = 0; i < d->ntargets; i++) {
		t = &d->targets[i];
		report_add(COUNT_RESULT + t->result, 1);
		log_debug("delivered delivery=" DELIVER_TRACE_FMT
			  " account=%s result=%d",
		    DELIVER_TRACE(d->delivery_id), log_addr(t->account),
		    (int)t->result);
	}
	engine_answer(d);
}
