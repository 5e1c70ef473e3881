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
 * When what is due.  Work of a destination waits in a tree of its own, so ten
 * thousand messages for a dead host are one entry in the tree of destinations,
 * which the others pass.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "main.h"
#include "queue.h"

#define JITTER 8 /* a back-off varies by one part of so many */

static struct due_tree due = RB_INITIALIZER(&due);
static uint64_t turns;
static uint64_t works;
static bool held;

static int work_compare(const struct work *, const struct work *);
static int due_compare(const struct dest *, const struct dest *);
static void dest_update(struct dest *);
static int64_t grown(unsigned int);

RB_PROTOTYPE(work_tree, work, entry, work_compare)
RB_GENERATE(work_tree, work, entry, work_compare)
RB_PROTOTYPE(due_tree, dest, due, due_compare)
RB_GENERATE(due_tree, dest, due, due_compare)

void
work_due(struct work *w, int64_t next)
{
	w->next = next;
	w->seq = ++works;
	if (w->held)
		return;
	RB_INSERT(work_tree, &w->dest->works, w);
	w->waits = true;
	dest_update(w->dest);
}

void
work_take(struct work *w)
{
	if (!w->waits)
		return;
	RB_REMOVE(work_tree, &w->dest->works, w);
	w->waits = false;
	dest_update(w->dest);
}

void
work_free(struct work *w)
{
	work_take(w);
	if (w->active)
		sched_work_done(w);
	w->dest->nworks--;
	LIST_REMOVE(w, list);
	free(w);
}

/*
 * Of the destinations that are due, the one whose last turn was longest ago.
 * They stand in the order of their times, and those whose time has come are
 * put at this moment's, so the turn decides among them.
 */
struct work *
sched_next(int64_t now)
{
	struct dest *d;
	struct work *w;

	if (held)
		return NULL;
	d = RB_MIN(due_tree, &due);
	if (d == NULL || d->due_at > now)
		return NULL;
	w = RB_MIN(work_tree, &d->works);
	RB_REMOVE(work_tree, &d->works, w);
	w->waits = false;
	w->active = true;
	d->active++;
	d->turn = ++turns;
	dest_update(d);
	return w;
}

int64_t
sched_wake(void)
{
	struct dest *d;

	d = held ? NULL : RB_MIN(due_tree, &due);
	return d == NULL ? -1 : d->due_at;
}

void
work_hold(struct work *w, bool on)
{
	if (w->held == on)
		return;
	w->held = on;
	if (on)
		work_take(w);
	else if (!w->active)
		work_due(w, w->next);
}

void
dest_hold(struct dest *d, bool on)
{
	d->held = on;
	dest_update(d);
}

void
sched_hold(bool on)
{
	held = on;
}

bool
sched_held(void)
{
	return held;
}

int64_t
sched_backoff(unsigned int attempts)
{
	return grown(attempts);
}

/*
 * All that waits for it waits longer each time; jobs that went out together
 * have found the same once.
 */
void
dest_unreachable(struct dest *d, int64_t now, uint32_t seconds)
{
	if (d->failures > 0 && d->next > now)
		return;
	if (d->failures < UINT16_MAX)
		d->failures++;
	d->next = now + (seconds > 0 ? (int64_t)seconds : grown(d->failures));
	dest_update(d);
}

void
dest_reached(struct dest *d)
{
	if (d->failures == 0 && d->next == 0)
		return;
	d->failures = 0;
	d->next = 0;
	dest_update(d);
}

void
sched_work_done(struct work *w)
{
	w->active = false;
	w->dest->active--;
	dest_update(w->dest);
}

/* Where it stands among the destinations, after any change. */
static void
dest_update(struct dest *d)
{
	struct work *w;

	if (d->in_due)
		RB_REMOVE(due_tree, &due, d);
	d->in_due = false;
	w = RB_MIN(work_tree, &d->works);
	/* One of all that wait finds out whether it is there again. */
	if (w == NULL || d->held ||
	    d->active >= (d->failures > 0 ? 1 : queue_limits()->dest_jobs))
		return;
	d->due_at = w->next > d->next ? w->next : d->next;
	if (d->due_at < queue_now())
		d->due_at = queue_now();
	RB_INSERT(due_tree, &due, d);
	d->in_due = true;
}

static int64_t
grown(unsigned int n)
{
	int64_t t;

	t = queue_limits()->retry_min;
	while (n-- > 1 && t < queue_limits()->retry_max)
		t *= 2;
	if (t > queue_limits()->retry_max)
		t = queue_limits()->retry_max;
	if (t < JITTER)
		return t;
	return t - t / JITTER +
	    (int64_t)arc4random_uniform((uint32_t)(2 * (t / JITTER)));
}

static int
work_compare(const struct work *a, const struct work *b)
{
	if (a->next != b->next)
		return a->next < b->next ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static int
due_compare(const struct dest *a, const struct dest *b)
{
	if (a->due_at != b->due_at)
		return a->due_at < b->due_at ? -1 : 1;
	if (a->turn != b->turn)
		return a->turn < b->turn ? -1 : 1;
	return strcmp(a->name, b->name);
}
