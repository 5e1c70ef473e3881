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
 * How much users submit: two buckets of tokens for each account, messages and
 * recipients, which fill again within an hour.  They are here since every
 * engine, of every connection, asks this one process: a user who opens many
 * connections has no more for it.  What is spent is counted, not what is left,
 * so an account that sends nothing costs nothing and other limits hold at once.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "master.h"

#define HOUR_MS UINT64_C(3600000) /* also what a token counts for */
#define ENTRIES_MAX 65536

struct pace {
	RB_ENTRY(pace) tree;
	TAILQ_ENTRY(pace) age;
	uint64_t when; /* ms, of the last look */
	/* Tokens spent, by HOUR_MS; a limit of n takes n a millisecond off. */
	uint64_t spent[PACE_KINDS];
	char account[];
};

static int pace_cmp(struct pace *, struct pace *);

RB_HEAD(paces, pace);
RB_PROTOTYPE(paces, pace, tree, pace_cmp);
RB_GENERATE(paces, pace, tree, pace_cmp);

static struct {
	struct paces by_account;
	TAILQ_HEAD(, pace) by_age; /* the one touched longest ago first */
	size_t n;
} all = {.by_account = RB_INITIALIZER(&all.by_account),
    .by_age = TAILQ_HEAD_INITIALIZER(all.by_age)};

static int
pace_cmp(struct pace *a, struct pace *b)
{
	return strcmp(a->account, b->account);
}

static void
pace_drop(struct pace *p)
{
	RB_REMOVE(paces, &all.by_account, p);
	TAILQ_REMOVE(&all.by_age, p, age);
	all.n--;
	free(p);
}

static struct pace *
pace_get(const char *account, uint64_t now)
{
	/* Room for the name behind the struct. */
	static union {
		struct pace pace;
		char room[sizeof(struct pace) + ACCOUNT_NAME_MAX];
	} find;
	struct pace *p;
	size_t size;

	/* Those have all their tokens again; the others wait for their turn. */
	while ((p = TAILQ_FIRST(&all.by_age)) != NULL &&
	    (now - p->when >= HOUR_MS || all.n > ENTRIES_MAX))
		pace_drop(p);
	size = strlcpy(find.pace.account, account, ACCOUNT_NAME_MAX) + 1;
	p = RB_FIND(paces, &all.by_account, &find.pace);
	if (p != NULL) {
		TAILQ_REMOVE(&all.by_age, p, age);
		TAILQ_INSERT_TAIL(&all.by_age, p, age);
		return p;
	}
	p = calloc(1, sizeof(*p) + size);
	if (p == NULL)
		fatal("out of memory");
	memcpy(p->account, account, size);
	p->when = now;
	RB_INSERT(paces, &all.by_account, p);
	TAILQ_INSERT_TAIL(&all.by_age, p, age);
	all.n++;
	return p;
}

/* Time gives tokens back. */
static void
pace_refill(struct pace *p, const uint32_t limit[PACE_KINDS], uint64_t now)
{
	uint64_t back, passed = now - p->when;

	if (passed > HOUR_MS)
		passed = HOUR_MS;
	for (int i = 0; i < PACE_KINDS; i++) {
		back = passed * limit[i];
		p->spent[i] = limit[i] == 0 || back >= p->spent[i] ?
		    0 :
		    p->spent[i] - back;
	}
	p->when = now;
}

uint32_t
pace_spend(const char *account, const uint32_t limit[PACE_KINDS],
    const uint32_t n[PACE_KINDS], uint64_t now)
{
	struct pace *p;
	uint64_t cost, full, ms, wait = 0;

	p = pace_get(account, now);
	pace_refill(p, limit, now);
	for (int i = 0; i < PACE_KINDS; i++) {
		if (limit[i] == 0)
			continue;
		full = limit[i] * HOUR_MS;
		cost = n[i] * HOUR_MS;
		if (cost <= full && p->spent[i] <= full - cost)
			continue;
		/* More at once than there ever is: no time would help. */
		ms = cost > full ? HOUR_MS :
				   (p->spent[i] - (full - cost)) / limit[i] + 1;
		if (ms > wait)
			wait = ms;
	}
	if (wait > 0)
		return (uint32_t)((wait + 999) / 1000);
	for (int i = 0; i < PACE_KINDS; i++) {
		if (limit[i] != 0)
			p->spent[i] += n[i] * HOUR_MS;
	}
	return 0;
}

uint64_t
pace_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

size_t
pace_size(void)
{
	return all.n;
}
