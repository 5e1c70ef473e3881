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
 * Random operations: whatever was done, in whatever order, the state in memory
 * is what the log tells, what a snapshot and the rest of the log tell, and what
 * a checkpoint tells.  The seed is printed; SEED in the environment sets it.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "account.h"
#include "store_local.h"
#include "store_sweep.h"

#define RUNS 6
#define STEPS 250

static uint64_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

static uint64_t
some_box(struct account *a)
{
	const struct store_box *b;
	uint32_t n;

	b = store_box_next(a->st, NULL);
	for (n = dice(9); n > 0; n--) {
		if (store_box_next(a->st, b) != NULL)
			b = store_box_next(a->st, b);
	}
	return b->id;
}

static struct store_range
some_range(struct account *a, uint64_t box)
{
	struct store_range r;
	uint32_t next;

	next = store_box_find(a->st, box)->uidnext;
	r.first = 1 + dice(next);
	r.last = r.first + dice(12);
	return r;
}

static void
change_boxes(struct account *a)
{
	struct store_rename r;
	char name[32];

	(void)snprintf(name, sizeof(name), "box %u", dice(12));
	switch (dice(7)) {
	case 5:
	case 6:
		OK(any_meta(a->st, some_box(a), dice));
		break;
	case 0:
	case 1:
		(void)store_mkbox(a->st, name, (uint16_t)dice(3), NULL);
		break;
	case 2:
		r.box = some_box(a);
		r.name = name;
		(void)store_mvbox(a->st, &r, 1);
		break;
	case 3:
		(void)store_rmbox(a->st, some_box(a));
		break;
	default:
		OK(store_subscribe(a->st, name, dice(2) == 0));
		break;
	}
}

static void
change_messages(struct account *a)
{
	struct store_range r;
	char name[16];
	uint64_t box, to, set, clear;
	unsigned int bit;

	box = some_box(a);
	to = some_box(a);
	r = some_range(a, box);
	switch (dice(5)) {
	case 0:
		(void)snprintf(name, sizeof(name), "word%u", dice(9));
		OK(store_keyword(a->st, box, name, true, &bit));
		OK(store_flags(a->st, box, &r, 1, 1ULL << bit, 0, UINT64_MAX));
		break;
	case 1:
		set = dice(32);
		clear = dice(32) & ~set;
		OK(store_flags(a->st, box, &r, 1, set, clear, UINT64_MAX));
		break;
	case 2:
		OK(store_expunge(a->st, box, &r, 1, dice(3) == 0));
		break;
	case 3:
		OK(store_copy(a->st, box, &r, 1, to, false, NULL, NULL));
		break;
	default:
		OK(store_copy(a->st, box, &r, 1, to, true, NULL, NULL));
		break;
	}
}

/* The same picture after each way to come back. */
static void
come_back(struct account *a, uint64_t begin)
{
	char *before, *after;
	bool more;

	OK(store_commit(a->st));
	before = picture(a);
	switch (dice(8)) {
	case 0:
		account_reopen(a);
		break;
	case 5:
	case 6:
		store_rest(a->st);
		break;
	case 1:
		account_close(a);
		ATF_REQUIRE_EQ(0, system("rm -rf accounts/*/*/snap/*"));
		account_open(a);
		break;
	case 2:
		OK(checkpoint(a->st));
		account_crash(a);
		break;
	case 3:
		OK(compact(a->st));
		break;
	case 4:
		OK(store_idle(a->st, &more));
		break;
	default:
		account_crash(a);
		break;
	}
	ATF_REQUIRE(store_damage(a->st) == NULL);
	after = picture(a);
	if (strcmp(before, after) != 0)
		atf_tc_fail("seed %llu:\n%s---\n%s", (unsigned long long)begin,
		    before, after);
	free(before);
	free(after);
}

static void
upkeep(struct account *a)
{
	bool more;

	do
		OK(store_idle(a->st, &more));
	while (more);
}

/* Every message can be read, and no blob lies about that nobody has. */
static void
check_blobs(struct account *a)
{
	const struct store_box *b;
	const struct store_msg *m;
	size_t i, n;

	upkeep(a);
	/* Much of it at once waits for a word of the administrator. */
	OK(store_confirm_deletes(a->dir));
	account_reopen(a);
	upkeep(a);
	for (b = NULL; (b = store_box_next(a->st, b)) != NULL;) {
		m = column(a->st, b->id, &n);
		for (i = 0; i < n; i++) {
			m = column(a->st, b->id, &n);
			check_message(a, b->id, m[i].uid,
			    (unsigned int)(m[i].date - 1700000000), m[i].size);
		}
	}
	ATF_CHECK_EQ(store_live_bytes(a->st), 4096 * count_files(a, "blob"));
}

ATF_TC_WITHOUT_HEAD(operations);
ATF_TC_BODY(operations, tc)
{
	const char *wanted;
	struct account a;
	uint64_t begin;
	uint32_t uid;
	unsigned int run, step;

	account_make(&a);
	account_open(&a);
	wanted = getenv("SEED");
	for (run = 0; run < RUNS; run++) {
		begin = wanted != NULL ? strtoull(wanted, NULL, 10) :
					 arc4random();
		seed = begin;
		printf("seed %llu\n", (unsigned long long)begin);
		for (step = 0; step < STEPS; step++) {
			switch (dice(8)) {
			case 0:
			case 1:
				OK(append(&a, some_box(&a), step, 300, &uid));
				break;
			case 2:
				OK(deliver(&a, run * STEPS + step, 300));
				if (dice(3) == 0)
					(void)drain(&a);
				break;
			case 3:
				change_boxes(&a);
				break;
			case 4:
				come_back(&a, begin);
				break;
			default:
				change_messages(&a);
				break;
			}
		}
		(void)drain(&a);
		check_blobs(&a);
	}
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, operations);
	return atf_no_error();
}
