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
 * Wrong secrets, counted by source and by account: past a limit logins are
 * refused without a look at the secret.  Whoever got in from the same source
 * lately is not locked out by what others do, so nobody can keep a user away by
 * guessing.  The table is bounded; what was not touched longest is forgotten.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "master.h"

#define ENTRIES_MAX 65536
#define WINDOW_S 600  /* in which failures are counted */
#define KNOWN_S 86400 /* a login from a source is remembered */
#define KEY_MAX (SOURCE_MAX + ACCOUNT_NAME_MAX + 2)

struct entry {
	RB_ENTRY(entry) tree;
	TAILQ_ENTRY(entry) age;
	time_t window;  /* when counting began */
	time_t let_in;  /* of a pair: last right secret, or 0 */
	uint32_t wrong; /* since window */
	char key[];     /* a letter, then the name */
};

static int entry_cmp(struct entry *, struct entry *);

RB_HEAD(entries, entry);
RB_PROTOTYPE(entries, entry, tree, entry_cmp);
RB_GENERATE(entries, entry, tree, entry_cmp);

static struct {
	struct entries by_key;
	TAILQ_HEAD(, entry) by_age; /* the one touched longest ago first */
	size_t n;
	uint32_t source_max, account_max;
} guard = {.by_key = RB_INITIALIZER(&guard.by_key),
    .by_age = TAILQ_HEAD_INITIALIZER(guard.by_age)};

static int
entry_cmp(struct entry *a, struct entry *b)
{
	return strcmp(a->key, b->key);
}

static time_t
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec + 1; /* 0 is never */
}

static struct entry *
entry_find(const char *key)
{
	/* Room for the key behind the struct. */
	static union {
		struct entry entry;
		char room[sizeof(struct entry) + KEY_MAX];
	} find;

	(void)strlcpy(find.entry.key, key, KEY_MAX);
	return RB_FIND(entries, &guard.by_key, &find.entry);
}

static void
entry_drop(struct entry *e)
{
	RB_REMOVE(entries, &guard.by_key, e);
	TAILQ_REMOVE(&guard.by_age, e, age);
	guard.n--;
	free(e);
}

/* Made if it is missing; young again. */
static struct entry *
entry_touch(const char *key)
{
	struct entry *e;
	size_t size;

	e = entry_find(key);
	if (e != NULL) {
		TAILQ_REMOVE(&guard.by_age, e, age);
		TAILQ_INSERT_TAIL(&guard.by_age, e, age);
		return e;
	}
	if (guard.n == ENTRIES_MAX)
		entry_drop(TAILQ_FIRST(&guard.by_age));
	size = strlen(key) + 1;
	e = calloc(1, sizeof(*e) + size);
	if (e == NULL)
		fatal("out of memory");
	memcpy(e->key, key, size);
	RB_INSERT(entries, &guard.by_key, e);
	TAILQ_INSERT_TAIL(&guard.by_age, e, age);
	guard.n++;
	return e;
}

static void
pair_key(char key[KEY_MAX], const char *source, const char *account)
{
	(void)snprintf(key, KEY_MAX, "p%s %s", source, account);
}

static void
one_key(char key[KEY_MAX], char kind, const char *name)
{
	(void)snprintf(key, KEY_MAX, "%c%s", kind, name);
}

/* What was wrong in this window. */
static uint32_t
wrong(const char *key, time_t t)
{
	const struct entry *e;

	e = entry_find(key);
	return e == NULL || t - e->window >= WINDOW_S ? 0 : e->wrong;
}

/* Counts one; true if it reaches the limit, 0 being none. */
static bool
add_wrong(const char *key, time_t t, uint32_t max)
{
	struct entry *e;

	e = entry_touch(key);
	if (t - e->window >= WINDOW_S) {
		e->window = t;
		e->wrong = 0;
	}
	return ++e->wrong == max;
}

void
guard_limits(uint32_t source_max, uint32_t account_max)
{
	guard.source_max = source_max;
	guard.account_max = account_max;
}

size_t
guard_size(void)
{
	return guard.n;
}

bool
guard_allows(const char *source, bool trusted, const char *account)
{
	char key[KEY_MAX];
	struct entry *e;
	time_t t;

	t = now();
	pair_key(key, source, account);
	e = entry_find(key);
	if (e != NULL && e->let_in != 0 && t - e->let_in < KNOWN_S)
		return trusted || guard.source_max == 0 ||
		    wrong(key, t) < guard.source_max;
	one_key(key, 's', source);
	if (!trusted && guard.source_max != 0 &&
	    wrong(key, t) >= guard.source_max)
		return false;
	one_key(key, 'u', account);
	return guard.account_max == 0 || wrong(key, t) < guard.account_max;
}

void
guard_wrong(const char *source, bool trusted, const char *account)
{
	char key[KEY_MAX];
	time_t t;

	t = now();
	pair_key(key, source, account);
	if (entry_find(key) != NULL)
		(void)add_wrong(key, t, 0);
	one_key(key, 's', source);
	if (!trusted && add_wrong(key, t, guard.source_max))
		log_warnx(
		    "logins refused source=%s: too many wrong secrets", source);
	one_key(key, 'u', account);
	if (add_wrong(key, t, guard.account_max))
		log_warnx("logins refused account=%s: too many wrong secrets",
		    log_addr(account));
}

void
guard_right(const char *source, const char *account)
{
	char key[KEY_MAX];
	struct entry *e;

	pair_key(key, source, account);
	e = entry_touch(key);
	e->let_in = now();
	e->wrong = 0;
}
