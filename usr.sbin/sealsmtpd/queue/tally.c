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
 * Sessions with other servers, counted by what TLS came to.  A row is a day, a
 * destination, its policy and a result, of failures also the host; old days go
 * as new ones come.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "tally.h"

RB_HEAD(tally_tree, tally);

static struct tally_tree tallies = RB_INITIALIZER(&tallies);
static size_t ntallies;
static uint32_t told; /* the day on which it was said that there is no room */

static int tally_compare(const struct tally *, const struct tally *);
static struct tally *tally_get(const struct tally *);
static void tally_expire(uint32_t);
static void tally_drop(struct tally *);
static bool tally_room(uint32_t);

RB_PROTOTYPE(tally_tree, tally, entry, tally_compare)
RB_GENERATE(tally_tree, tally, entry, tally_compare)

const struct tally *
tally_add(int64_t now, uint8_t policy, uint8_t result, const char *dest,
    const char *host)
{
	struct tally key, *t;

	memset(&key, 0, sizeof(key));
	key.day = (uint32_t)(now / TALLY_DAY);
	key.policy = policy;
	key.result = result;
	(void)strlcpy(key.dest, dest, sizeof(key.dest));
	if (result != 0)
		(void)strlcpy(key.host, host, sizeof(key.host));
	tally_expire(key.day);
	t = tally_get(&key);
	if (t != NULL)
		t->sessions++;
	else if (told != key.day) {
		told = key.day;
		log_warnx(
		    "queue: more than %d rows of TLS results: the rest of "
		    "this day is not counted",
		    TALLY_ROWS_MAX);
	}
	return t;
}

void
tally_set(const struct tally *row)
{
	struct tally *t;

	tally_expire(row->day);
	t = tally_get(row);
	if (t != NULL)
		t->sessions = row->sessions;
}

const struct tally *
tally_after(const struct tally *row)
{
	struct tally key, *t;

	if (row == NULL)
		return RB_MIN(tally_tree, &tallies);
	key = *row;
	t = RB_NFIND(tally_tree, &tallies, &key);
	if (t != NULL && tally_compare(t, &key) == 0)
		t = RB_NEXT(tally_tree, &tallies, t);
	return t;
}

/* It stands first by its day. */
static void
tally_expire(uint32_t day)
{
	struct tally *t;

	while ((t = RB_MIN(tally_tree, &tallies)) != NULL && t->day < day &&
	    day - t->day >= TALLY_DAYS)
		tally_drop(t);
}

static void
tally_drop(struct tally *t)
{
	RB_REMOVE(tally_tree, &tallies, t);
	ntallies--;
	free(t);
}

/* A day that filled it costs none of those that come. */
static bool
tally_room(uint32_t day)
{
	struct tally *t;
	uint32_t oldest;

	if (ntallies < TALLY_ROWS_MAX)
		return true;
	oldest = RB_MIN(tally_tree, &tallies)->day;
	if (oldest >= day)
		return false;
	while ((t = RB_MIN(tally_tree, &tallies)) != NULL && t->day == oldest)
		tally_drop(t);
	return true;
}

static struct tally *
tally_get(const struct tally *key)
{
	struct tally *t, find;

	find = *key;
	t = RB_FIND(tally_tree, &tallies, &find);
	if (t != NULL || !tally_room(key->day))
		return t;
	t = malloc(sizeof(*t));
	if (t == NULL)
		fatal("malloc");
	*t = *key;
	t->sessions = 0;
	RB_INSERT(tally_tree, &tallies, t);
	ntallies++;
	return t;
}

static int
tally_compare(const struct tally *a, const struct tally *b)
{
	int c;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	c = strcmp(a->dest, b->dest);
	if (c == 0)
		c = (int)a->policy - b->policy;
	if (c == 0)
		c = (int)a->result - b->result;
	return c != 0 ? c : strcmp(a->host, b->host);
}
