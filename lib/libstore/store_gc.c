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
 * What expunged messages leave: the vault signs that a blob is to go, moves it
 * to trash/, and from there, when its grace is over, away.  A mass delete is
 * signed to wait.  And the file that tells deliverers how much the account
 * holds.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_retain.h"
#include "store_sweep.h"

#define GC_BATCH 1024    /* blobs signed in one step */
#define GC_MOVES 128     /* and moved to trash/ */
#define GC_LOOKS 16384   /* entries looked at in one step */
#define TRASH_BATCH 4    /* files removed in one step, each with a sync */
#define TRASH_LOOKS 1024 /* and looked at */
/* Of change that deliverers must know. */
#define QUOTA_STEP (4 << 20) /* octets */
#define QUOTA_MESSAGES 256

bool
blob_there(struct store *st, const uint8_t *blob)
{
	char id[ID_HEX], name[BLOB_NAME_SIZE];
	struct stat sb;

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(name, sizeof(name), "blob/%s", id);
	if (fstatat(st->acct, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	(void)snprintf(name, sizeof(name), "blob/%.2s/%s", id, id);
	return fstatat(st->acct, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
trash_blob(struct store *st, const uint8_t *blob)
{
	int moved;

	moved = del_trash(st->acct, blob);
	if (moved == 1 && st->nflat > 0)
		st->nflat--;
	return moved == -1 ? -1 : 0;
}

void
garbage_drop(struct store *st, const uint8_t *blob)
{
	size_t i;

	for (i = st->ngarbage; i-- > 0;) {
		if (memcmp(st->garbage[i].blob, blob, STORE_ID) == 0)
			st->garbage[i] = st->garbage[--st->ngarbage];
	}
}

static bool
is_kind(struct store *st, const uint8_t *blob, enum del_kind kind, int64_t now)
{
	const struct del_entry *e;

	e = del_find(&st->retain->list, blob);
	return e != NULL && e->kind == kind &&
	    (kind != DEL_EXPIRE || e->when <= now);
}

/*
 * Is what is about to be deleted, with what was within the hour, so much that
 * somebody may regret it?
 */
static bool
is_mass(struct store *st, int64_t now)
{
	struct del_entry *e;
	uint64_t n, messages;
	size_t i;

	n = 0;
	RB_FOREACH (e, del_tree, &st->retain->list.tree) {
		if (e->kind == DEL_GARBAGE && !(e->flags & DEL_EXPIRED) &&
		    now - e->signed_at < BRAKE_HOUR && ++n > BRAKE_MAX)
			return true;
	}
	for (i = 0; i < st->ngarbage && n <= BRAKE_MAX; i++) {
		if (!is_kind(st, st->garbage[i].blob, DEL_GARBAGE, now) &&
		    !is_kind(st, st->garbage[i].blob, DEL_EXPIRE, now))
			n++;
	}
	for (i = 0, messages = n; i < st->nboxes; i++)
		messages += st->boxes[i]->pub.messages;
	return n > BRAKE_MAX || (n > BRAKE_MIN && n > messages / BRAKE_PART);
}

/* Those of the batch that nobody has signed yet; how many. */
static size_t
collect(struct store *st, const struct garbage *g, size_t n,
    struct del_entry *list, bool mass, int64_t now)
{
	struct del_entry *e;
	size_t i, count;
	bool expired, brake;

	for (i = 0, count = 0; i < n; i++) {
		expired = is_kind(st, g[i].blob, DEL_EXPIRE, now);
		brake = mass && !expired;
		/* Gone: an earlier run was cut short before its snapshot. */
		if (is_kind(st, g[i].blob, DEL_GARBAGE, now) ||
		    (!expired && !blob_there(st, g[i].blob)))
			continue;
		e = &list[count++];
		memset(e, 0, sizeof(*e));
		memcpy(e->blob, g[i].blob, STORE_ID);
		e->kind = DEL_GARBAGE;
		e->flags = brake ? DEL_BRAKED : expired ? DEL_EXPIRED : 0;
		e->when = brake ? now + BRAKE_WAIT : now;
	}
	return count;
}

/*
 * How much may go: what the other host has seen gone, since it may be using
 * what it does not know to be.  That comes to lie at the end of the list.
 */
static size_t
ready(struct store *st)
{
	struct garbage g;
	size_t i, to;

	for (i = to = 0; i < st->ngarbage; i++) {
		g = st->garbage[i];
		if (fold_settled(st, g.writer, g.seq) || MUTANT(8))
			continue;
		st->garbage[i] = st->garbage[to];
		st->garbage[to++] = g;
	}
	return st->ngarbage - to;
}

static enum store_result
garbage_step(struct store *st)
{
	const struct del_entry *e;
	struct del_entry *list;
	const struct garbage *g;
	int64_t now, confirmed;
	size_t moved, n;
	int result;

	n = ready(st);
	if (n > GC_BATCH)
		n = GC_BATCH;
	g = st->garbage + (st->ngarbage - n);
	list = calloc(n, sizeof(*list));
	if (list == NULL)
		return STORE_IO;
	now = store_now();
	confirmed = del_confirmed(st->acct);
	result = retain_sign(
	    st, list, collect(st, g, n, list, is_mass(st, now), now));
	free(list);
	/* What is signed and not yet moved is the next step's. */
	for (moved = 0;
	     result == 0 && n > 0 && moved < (st->small_steps ? 1 : GC_MOVES);
	     n--) {
		e = del_find(&st->retain->list, g[n - 1].blob);
		if (e != NULL && del_due(e, now, confirmed)) {
			result = trash_blob(st, e->blob);
			moved++;
		}
		if (result == 0)
			st->ngarbage--;
	}
	return result == -1 ? sys_result() : STORE_OK;
}

void
retain_again(struct retain *r)
{
	r->executed = r->executing = false;
}

/* Some of what has come due, of all that is signed; Trash and Spam aside. */
static enum store_result
execute(struct store *st)
{
	struct retain *r = st->retain;
	struct del_entry key, *e;
	int64_t now, confirmed;
	unsigned int looks, moves;

	now = store_now();
	confirmed = del_confirmed(st->acct);
	memcpy(key.blob, r->executed_to, STORE_ID);
	e = r->executing ? RB_NFIND(del_tree, &r->list.tree, &key) :
			   RB_MIN(del_tree, &r->list.tree);
	r->executing = true;
	for (looks = moves = 0; e != NULL && looks < GC_LOOKS &&
	     moves < (st->small_steps ? 1 : GC_MOVES);
	     looks++, e = RB_NEXT(del_tree, &r->list.tree, e)) {
		if (e->kind != DEL_GARBAGE || !del_due(e, now, confirmed))
			continue;
		if (trash_blob(st, e->blob) == -1)
			return sys_result();
		moves++;
	}
	if (e != NULL)
		memcpy(r->executed_to, e->blob, STORE_ID);
	else {
		r->executing = false;
		r->executed = true;
	}
	return STORE_OK;
}

enum store_result
gc_garbage(struct store *st)
{
	enum store_result result;

	/* What lets a blob go is durable before its delete is signed. */
	result = store_commit(st);
	if (result == STORE_OK && st->retain->unsure)
		result = retain_decide(st);
	if (result != STORE_OK)
		return result;
	while (result == STORE_OK && ready(st) > 0)
		result = garbage_step(st);
	retain_again(st->retain);
	while (result == STORE_OK && !st->retain->executed)
		result = execute(st);
	return result;
}

/* The lists are in order: one piece of what they ask for. */
static enum store_result
retain_step(struct store *st, bool *more)
{
	enum store_result result;

	*more = true;
	if (st->retain->unsure)
		return retain_decide(st);
	if (ready(st) > 0)
		return garbage_step(st);
	if (retain_compact_due(st))
		return retain_compact(st) == -1 ? sys_result() : STORE_OK;
	if (!st->retain->executed)
		return execute(st);
	result = expire_step(st, more);
	if (result != STORE_OK || *more)
		return result;
	*more = ready(st) > 0;
	return STORE_OK;
}

enum store_result
gc_step(struct store *st, bool *more)
{
	enum store_result result;

	*more = false;
	if (st->retain != NULL) {
		result = retain_step(st, more);
		if (result != STORE_OK || *more)
			return result;
	}
	if (!st->trash_checked) {
		*more = del_trash_step(&st->trash, st->acct, store_now(),
		    STORE_GRACE, TRASH_LOOKS, TRASH_BATCH);
		st->trash_checked = !*more;
	}
	return STORE_OK;
}

/* Those that a copy under way has made and will make are among them. */
static uint64_t
count_messages(const struct store *st)
{
	uint64_t n;

	n = copies_to_come(st);
	for (size_t i = 0; i < st->nboxes; i++)
		n += st->boxes[i]->pub.messages + st->boxes[i]->hidden;
	return n;
}

int
quota_write(struct store *st)
{
	char buf[96];
	uint64_t messages;
	int n;

	messages = count_messages(st);
	if (st->live == st->live_written && messages == st->messages_written)
		return 0;
	n = snprintf(buf, sizeof(buf), "live %llu\nmessages %llu\n",
	    (unsigned long long)st->live, (unsigned long long)messages);
	if (sys_replace(st->acct, "quota", 0440, buf, (size_t)n) == -1)
		return -1;
	st->live_written = st->live;
	st->messages_written = messages;
	return 0;
}

static uint64_t
distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Where few messages are allowed, deliverers must know the better. */
bool
quota_stale(const struct store *st)
{
	struct store_limits limits;
	uint64_t n;

	n = distance(count_messages(st), st->messages_written);
	if (distance(st->live, st->live_written) >= QUOTA_STEP ||
	    n >= QUOTA_MESSAGES)
		return true;
	return n > 0 && store_limits_read(st->acct, &limits) == STORE_OK &&
	    limits.max_messages != 0 && n > limits.max_messages / 64;
}

static enum store_result
quota_used(struct store *st, struct store_used *used)
{
	enum store_result result;

	/* What the file says must be known, to tell in/ from it. */
	if (st->live_written == UINT64_MAX && quota_write(st) == -1)
		return sys_result();
	result = store_usage(st->acct, used);
	if (result == STORE_OK) {
		used->octets = used->octets - st->live_written + st->live;
		used->messages = used->messages - st->messages_written +
		    count_messages(st);
	}
	return result;
}

/* May the account hold so many octets more, without those that go? */
enum store_result
quota_check(struct store *st, uint64_t size, uint64_t frees)
{
	struct store_limits limits;
	enum store_result result;
	struct store_used used;

	result = store_limits_read(st->acct, &limits);
	if (result != STORE_OK || limits.quota == 0)
		return result;
	result = quota_used(st, &used);
	if (result != STORE_OK)
		return result;
	used.octets -= frees < used.octets ? frees : used.octets;
	return octets_full(&limits, &used, size) ? STORE_OVERQUOTA : STORE_OK;
}

enum store_result
store_more_messages(struct store *st, uint64_t n)
{
	struct store_limits limits;
	enum store_result result;
	struct store_used used;

	result = store_limits_read(st->acct, &limits);
	if (result != STORE_OK || limits.max_messages == 0)
		return result;
	result = quota_used(st, &used);
	if (result != STORE_OK)
		return result;
	return messages_full(&limits, &used, n) ? STORE_OVERQUOTA : STORE_OK;
}

enum store_result
store_quota(
    struct store *st, struct store_used *used, struct store_limits *limits)
{
	enum store_result result;

	result = store_limits_read(st->acct, limits);
	return result == STORE_OK ? quota_used(st, used) : result;
}

uint64_t
store_live_bytes(const struct store *st)
{
	return st->live;
}
