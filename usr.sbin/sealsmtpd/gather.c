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

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <time.h>

#include "log.h"

#include "gather.h"

#define USEC 1000000

static int64_t
now_usec(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * USEC + ts.tv_nsec / 1000;
}

/* How long those who come again are still waited for, in microseconds. */
static int64_t
patience(const struct gather *g)
{
	int64_t wait;

	if (g->waits >= g->gathers)
		return 0;
	wait = g->took / 2;
	if (wait > GATHER_USEC)
		wait = GATHER_USEC;
	wait -= now_usec() - g->ended;
	return wait > 0 ? wait : 0;
}

/* The next sync, or earlier if that was planned. */
static void
plan(struct gather *g)
{
	int64_t usec = patience(g);
	struct timeval tv;

	if (g->scheduled && (usec > 0 || g->hurried))
		return;
	g->scheduled = true;
	g->hurried = usec == 0;
	tv.tv_sec = usec / USEC;
	tv.tv_usec = usec % USEC;
	evtimer_add(&g->event, &tv);
}

void
gather_init(struct gather *g, void (*run)(int, short, void *))
{
	evtimer_set(&g->event, run, NULL);
}

void
gather_add(struct gather *g)
{
	g->waits++;
	plan(g);
}

void
gather_remove(struct gather *g)
{
	g->waits--;
}

void
gather_running(struct gather *g)
{
	g->scheduled = false;
}

void
gather_begin(struct gather *g)
{
	g->began = now_usec();
}

void
gather_end(struct gather *g, size_t n)
{
	g->ended = now_usec();
	if (n > 0)
		g->took = g->ended - g->began;
}

void
gather_answered(struct gather *g, size_t n)
{
	g->gathers = n;
	if (g->waits > 0)
		plan(g);
}
