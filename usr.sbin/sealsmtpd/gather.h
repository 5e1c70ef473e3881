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
 * When smtp-deliver and smtp-queue make durable what waits, without a thread: a
 * sync runs when all wires were read that had something, and takes with it what
 * came while the one before kept the process waiting.  Those who were answered
 * by it mostly come again at once, and are waited for, for a part of the time
 * that it took.
 */

#ifndef GATHER_H
#define GATHER_H

#include <sys/types.h>

#include <event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATHER_USEC 5000 /* at most, for those who were answered */

struct gather {
	struct event event;
	int64_t began; /* a sync, in microseconds */
	int64_t ended;
	int64_t took;
	size_t waits;   /* who wait for one */
	size_t gathers; /* who waited for the last one: they come again */
	bool scheduled;
	bool hurried; /* ... and everybody is there */
};

/* run: when it is time for a sync; it calls gather_running() first. */
void gather_init(struct gather *, void (*run)(int, short, void *));
void gather_add(struct gather *);
void gather_remove(struct gather *); /* one waits no more */
void gather_running(struct gather *);
/* Around a sync, of n that somebody waits for; 0: its time tells nothing. */
void gather_begin(struct gather *);
void gather_end(struct gather *, size_t n);
/* So many had their answer and are removed; the next sync is planned. */
void gather_answered(struct gather *, size_t n);

#endif
