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
 * Mail of strangers, counted by what it said and what that came to.  Old days
 * go as new ones come.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "origins.h"

RB_HEAD(origins_tree, origins_row);

static struct origins_tree rows = RB_INITIALIZER(&rows);
static TAILQ_HEAD(, origins_row) changes = TAILQ_HEAD_INITIALIZER(changes);
static size_t nrows;
static uint32_t told; /* the day on which it was said that there is no room */

static int
origins_compare(const struct origins_row *, const struct origins_row *);
static struct origins_row *origins_get(uint32_t, const uint8_t *, size_t);
static struct origins_row *origins_key(uint32_t, const uint8_t *, size_t);
static void origins_expire(uint32_t);
static void origins_drop(struct origins_row *);
static bool origins_room(uint32_t);

RB_PROTOTYPE(origins_tree, origins_row, entry, origins_compare)
RB_GENERATE(origins_tree, origins_row, entry, origins_compare)

bool
origins_add(int64_t now, const uint8_t *row, size_t len)
{
	struct origins_row *r;
	uint32_t day;

	day = (uint32_t)(now / ORIGINS_DAY);
	origins_expire(day);
	r = origins_get(day, row, len);
	if (r == NULL) {
		if (told != day)
			log_warnx("queue: more than %d rows of DMARC results: "
				  "the rest of this day is not counted",
			    ORIGINS_ROWS_MAX);
		told = day;
		return false;
	}
	r->messages++;
	if (!r->changed)
		TAILQ_INSERT_TAIL(&changes, r, change);
	r->changed = true;
	return true;
}

void
origins_set(uint32_t day, uint64_t messages, const uint8_t *row, size_t len)
{
	struct origins_row *r;

	origins_expire(day);
	r = origins_get(day, row, len);
	if (r != NULL)
		r->messages = messages;
}

const struct origins_row *
origins_after(uint32_t day, const uint8_t *row, size_t len)
{
	struct origins_row *key, *r;

	if (row == NULL)
		return RB_MIN(origins_tree, &rows);
	key = origins_key(day, row, len);
	r = RB_NFIND(origins_tree, &rows, key);
	if (r != NULL && origins_compare(r, key) == 0)
		r = RB_NEXT(origins_tree, &rows, r);
	free(key);
	return r;
}

void
origins_changed(void (*cb)(const struct origins_row *))
{
	struct origins_row *r;

	while ((r = TAILQ_FIRST(&changes)) != NULL) {
		TAILQ_REMOVE(&changes, r, change);
		r->changed = false;
		cb(r);
	}
}

/* It stands first by its day. */
static void
origins_expire(uint32_t day)
{
	struct origins_row *r;

	while ((r = RB_MIN(origins_tree, &rows)) != NULL && r->day < day &&
	    day - r->day >= ORIGINS_DAYS)
		origins_drop(r);
}

static void
origins_drop(struct origins_row *r)
{
	RB_REMOVE(origins_tree, &rows, r);
	if (r->changed)
		TAILQ_REMOVE(&changes, r, change);
	nrows--;
	free(r);
}

/*
 * Anybody can fill it, by From domains that he makes up: the oldest days make
 * room, so that this costs none of those that come.
 */
static bool
origins_room(uint32_t day)
{
	struct origins_row *r;
	uint32_t oldest;

	if (nrows < ORIGINS_ROWS_MAX)
		return true;
	oldest = RB_MIN(origins_tree, &rows)->day;
	if (oldest >= day)
		return false;
	while ((r = RB_MIN(origins_tree, &rows)) != NULL && r->day == oldest)
		origins_drop(r);
	return true;
}

static struct origins_row *
origins_get(uint32_t day, const uint8_t *row, size_t len)
{
	struct origins_row *key, *r;

	key = origins_key(day, row, len);
	r = RB_FIND(origins_tree, &rows, key);
	if (r != NULL || !origins_room(day)) {
		free(key);
		return r;
	}
	RB_INSERT(origins_tree, &rows, key);
	nrows++;
	return key;
}

/* Without messages yet; to be freed. */
static struct origins_row *
origins_key(uint32_t day, const uint8_t *row, size_t len)
{
	struct origins_row *r;

	r = malloc(sizeof(*r) + len);
	if (r == NULL)
		fatal("malloc");
	memset(r, 0, sizeof(*r));
	r->day = day;
	r->len = len;
	if (len > 0)
		memcpy(r->row, row, len);
	return r;
}

static int
origins_compare(const struct origins_row *a, const struct origins_row *b)
{
	int c;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	c = memcmp(a->row, b->row, a->len < b->len ? a->len : b->len);
	if (c != 0)
		return c;
	return a->len < b->len ? -1 : a->len > b->len;
}
