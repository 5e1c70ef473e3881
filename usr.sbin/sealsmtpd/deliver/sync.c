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
 * Making deliveries durable; when, gather.h says.
 */

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <string.h>

#include "log.h"

#include "../gather.h"
#include "deliver.h"

static struct {
	struct delivery_list waiting;
	struct gather gather;
	uint64_t number; /* of the sync under way */
	int base;
} sync_state;

static void sync_run(int, short, void *);
static void sync_targets(struct delivery *, struct store_blob **, size_t *);
static void sync_answer(struct delivery *, enum store_result, int);

void
sync_init(int basefd)
{
	TAILQ_INIT(&sync_state.waiting);
	sync_state.base = basefd;
	gather_init(&sync_state.gather, sync_run);
}

void
sync_add(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&sync_state.waiting, d, waiting);
	gather_add(&sync_state.gather);
}

void
sync_remove(struct delivery *d)
{
	TAILQ_REMOVE(&sync_state.waiting, d, waiting);
	gather_remove(&sync_state.gather);
}

size_t
sync_waiting(void)
{
	return sync_state.gather.waits;
}

static void
sync_run(int fd, short what, void *arg)
{
	struct store_blob *blobs[SYNC_MAX];
	struct delivery *d, *next;
	enum store_result res;
	size_t n, taken, i;
	int error;

	(void)fd;
	(void)what;
	(void)arg;
	gather_running(&sync_state.gather);
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
		gather_begin(&sync_state.gather);
		res = store_blob_sync(sync_state.base, blobs, n);
		error = errno;
		gather_end(&sync_state.gather, n);
		report_add(COUNT_SYNCS, 1);
		report_add(COUNT_SYNCED, taken);
	}
	sync_state.number++;
	d = TAILQ_FIRST(&sync_state.waiting);
	for (i = 0; i < taken; i++, d = next) {
		next = TAILQ_NEXT(d, waiting);
		sync_answer(d, res, error);
	}
	gather_answered(&sync_state.gather, taken);
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
			  " account=%s result=%s",
		    DELIVER_TRACE(d->delivery_id), log_addr(t->account),
		    deliver_result_name(t->result));
	}
	engine_answer(d);
}
