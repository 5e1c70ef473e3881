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
 * Opening and closing an account, committing, and what is done when idle.
 * To open is: lock, newest snapshot that verifies, the log past it (or all of
 * it), the last segment made certain, then deliveries whose rename was lost.
 */

#include <sys/types.h>
#include <sys/file.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_retain.h"
#include "store_work.h"

static void
store_free(struct store *st)
{
	while (st->nblobs > 0)
		store_blob_free(st->blobs[--st->nblobs]);
	copying_drop(st);
	state_reset(st);
	retain_free(st);
	buf_clear(&st->ops);
	buf_clear(&st->sum_buf);
	free(st->waiting);
	free(st->news_seen);
	if (st->trash != NULL)
		(void)closedir(st->trash);
	if (st->snap_fd != -1)
		(void)close(st->snap_fd);
	if (st->log_fd != -1)
		(void)close(st->log_fd);
	if (st->lock != -1)
		(void)close(st->lock);
	if (st->acct != -1)
		(void)close(st->acct);
	if (st->base != -1)
		(void)close(st->base);
	seal_sender_free(st->sender);
	secret_free(st->snap_key);
	freezero(st, sizeof(*st));
}

static enum store_result
take_lock(struct store *st)
{
	st->lock = sys()->open(
	    st->acct, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (st->lock == -1)
		return sys_result();
	if (flock(st->lock, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? STORE_LOCKED : STORE_IO;
	return STORE_OK;
}

struct store *
store_new(int base, int acct, const struct seal_ring *ring, unsigned int host)
{
	struct store *st;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return NULL;
	st->lock = st->log_fd = st->snap_fd = -1;
	pack_init(&st->cold, 1);
	pack_init(&st->sum, 2);
	st->old.fd = -1;
	pack_init(&st->old.cold, 1);
	pack_init(&st->old.sum, 2);
	RB_INIT(&st->shared);
	st->ring = ring;
	st->host = (uint8_t)host;
	memcpy(st->account, seal_ring_account(ring)->id, STORE_ID);
	st->base = fcntl(base, F_DUPFD_CLOEXEC, 0);
	st->acct = fcntl(acct, F_DUPFD_CLOEXEC, 0);
	st->snap_key = secret_alloc(SEAL_KEY_LEN);
	state_reset(st);
	if (st->base == -1 || st->acct == -1 || st->snap_key == NULL) {
		store_free(st);
		return NULL;
	}
	seal_ring_sub(ring, SEAL_SUB_SNAPSHOT, st->snap_key);
	return st;
}

static void
count_flat(struct store *st)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	st->nflat = 0;
	fd = sys_open(st->acct, "blob", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((de = readdir(dir)) != NULL)
		st->nflat += strlen(de->d_name) == ID_HEX - 1;
	(void)closedir(dir);
}

/* Without a snapshot. */
enum store_result
fold_from_log(struct store *st, bool *clean)
{
	enum store_result result;

	state_reset(st);
	st->damage[0] = '\0';
	if (snap_new(st) == -1)
		return sys_result();
	result = replay(st, false, clean);
	count_flat(st);
	return result == STORE_UNKNOWN ? STORE_CORRUPT : result;
}

enum store_result
fold_state(struct store *st, bool whole, bool *clean)
{
	enum store_result result;

	if (waiting_list(st) == -1)
		return sys_result();
	result = STORE_UNKNOWN;
	if (!whole && snap_load(st) == 0) {
		st->log_snapped = st->log_since;
		result = replay(st, true, clean);
	}
	return result == STORE_UNKNOWN ? fold_from_log(st, clean) : result;
}

/* The state as the log tells it. */
static enum store_result
read_state(struct store *st, bool *clean)
{
	enum store_result result;

	result = fold_state(st, false, clean);
	st->live_written = UINT64_MAX; /* what deliverers read is not known */
	return result;
}

/* Others have seen more of our series than there is: this is an old copy. */
static bool
outrun(const struct store *st)
{
	size_t i;

	for (i = 0; st->own != NO_WRITER && i < st->nwriters; i++) {
		if (st->saw[i][st->own] > st->writers[st->own].seq)
			return true;
	}
	return false;
}

/*
 * A host that has not written here may begin where nobody has, or where the
 * log has the other's PAIR for it: from there on that one waits for it with
 * what it removes.  Not where it holds only a part of that log.
 */
static bool
announced(struct store *st)
{
	if (st->own != NO_WRITER || st->nwriters == 0 || mark_there(st) ||
	    (st->paired & 1U << st->host))
		return true;
	damaged(st,
	    "host %u has written here, and nothing in its log says "
	    "that host %u may: it must be paired, and that log be here whole",
	    st->writers[0].host, st->host);
	return false;
}

static enum store_result
start_writing(struct store *st, bool clean)
{
	enum store_result undone;
	bool behind, fresh, marked;

	if (!announced(st))
		return STORE_OK;
	if (head_check(st, &behind) == -1)
		return STORE_IO;
	marked = mark_there(st);
	behind = behind || marked || outrun(st);
	st->put_back = behind;
	fresh = st->nboxes > 0 && (st->own == NO_WRITER || behind);
	if (st->own == NO_WRITER || behind) {
		if (writer_new(st) == -1)
			return STORE_LIMIT;
		/* Values above all that were ever given, too. */
		if (behind)
			st->lamport += UID_SKIP;
	} else if (log_reopen(st, !clean) == -1)
		return sys_result();
	/* SAW comes first: what follows was done in knowledge of all that. */
	if (retain_open(st, behind) == -1 || waiting_finish(st) == -1 ||
	    merge_open(st) == -1)
		return STORE_IO;
	undone = parts_undo(st);
	if (undone != STORE_OK && undone != STORE_NOSPACE)
		return STORE_IO;
	if (fresh && skip_uids(st, UID_SKIP) == -1)
		return STORE_IO;
	if (st->nboxes == 0 && make_first_boxes(st) == -1)
		return STORE_IO;
	if (store_commit(st) != STORE_OK)
		return STORE_IO;
	if (!behind)
		return STORE_OK;
	/*
	 * From now on this copy is the one that counts; and without the mark
	 * anybody executes what is signed.
	 */
	if ((st->retain->unsure && retain_decide(st) != STORE_OK) ||
	    head_write(st) == -1)
		return STORE_IO;
	return marked && mark_finish(st) == -1 ? STORE_IO : STORE_OK;
}

enum store_result
store_open_host(int base, int acct, const struct seal_ring *ring,
    unsigned int host, struct store **out)
{
	enum store_result result;
	struct store *st;
	bool clean;

	*out = NULL;
	st = store_new(base, acct, ring, host);
	if (st == NULL)
		return STORE_IO;
	result = take_lock(st);
	if (result == STORE_OK)
		result = read_state(st, &clean);
	if (result == STORE_OK && st->damage[0] == '\0')
		result = start_writing(st, clean);
	if (result != STORE_OK) {
		store_free(st);
		return result;
	}
	*out = st;
	return STORE_OK;
}

enum store_result
store_open(int base, int acct, const struct seal_ring *ring, struct store **out)
{
	return store_open_host(base, acct, ring, 0, out);
}

void
store_set_notify(struct store *st, store_notify notify, void *arg)
{
	st->notify = notify;
	st->notify_arg = arg;
}

bool
store_put_back(const struct store *st)
{
	return st->put_back;
}

const char *
store_damage(const struct store *st)
{
	return st->damage[0] == '\0' ? NULL : st->damage;
}

bool
store_pending(const struct store *st)
{
	return st->ops.len > 0 || st->failed;
}

enum store_result
store_commit(struct store *st)
{
	if (st->failed)
		return STORE_IO;
	if (st->ops.len == 0)
		return STORE_OK;
	if (op_frame(st, 0) != STORE_OK)
		return STORE_IO;
	/* Only a hint for deliverers: that it fails harms nothing here. */
	if (quota_stale(st))
		(void)quota_write(st);
	return STORE_OK;
}

static bool
any_dirty(const struct store *st, uint64_t *octets)
{
	size_t i;
	bool dirty;

	*octets = 0;
	for (i = 0, dirty = false; i < st->nboxes; i++) {
		if (!st->boxes[i]->dirty)
			continue;
		dirty = true;
		*octets += st->boxes[i]->n * sizeof(struct store_msg);
	}
	return dirty;
}

/* A snapshot costs the dirty columns; the log it saves must be worth it. */
static bool
snapshot_due(const struct store *st)
{
	uint64_t grown, cost;

	(void)any_dirty(st, &cost);
	grown = st->log_since - st->log_snapped;
	return grown > SNAP_MIN && grown > cost / 8;
}

/* Of what costs room, one thing that is due; *done: there was one. */
static enum store_result
upkeep(struct store *st, bool *done)
{
	*done = true;
	if (parts_left(st))
		return parts_undo(st);
	if (st->work != NULL)
		return work_step(st);
	if (checkpoint_due(st))
		return checkpoint_begin(st);
	if (!st->snap_bad && compact_due(st))
		return compact_begin(st);
	if (!st->snap_bad && snapshot_due(st))
		return snap_begin(st, 0);
	*done = false;
	return STORE_OK;
}

enum store_result
store_idle(struct store *st, bool *more)
{
	enum store_result room, result;
	size_t i;
	bool done;

	*more = false;
	if (st->failed || st->damage[0] != '\0' || st->ops.len > 0)
		return STORE_OK;
	*more = true; /* what follows is seldom all */
	if (st->copying != NULL)
		return STORE_OK;
	room = upkeep(st, &done);
	if (done && room != STORE_NOSPACE)
		return room;
	/* That, too, waits for room; what makes some does not. */
	result = gc_step(st, more);
	if (result != STORE_OK || *more)
		return result;
	for (i = 0; i < st->nboxes; i++) {
		if (st->boxes[i]->loaded && !st->boxes[i]->dirty &&
		    !st->boxes[i]->saving && st->boxes[i]->users == 0)
			col_unload(st->boxes[i]);
	}
	store_rest(st);
	if (room == STORE_OK)
		room = retain_spare(st);
	if (quota_write(st) == -1)
		return sys_result();
	return room;
}

/*
 * Columns that their files have as they are.  Of a large one, which somebody
 * has open, the way back takes more than a moment.
 */
static void
columns_away(struct store *st)
{
	struct box *b;
	size_t i;

	if (st->old.fd != -1 || st->work != NULL || st->snap_bad ||
	    st->snap_fd == -1 || st->copying != NULL)
		return;
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		if (b->loaded && !b->dirty && !b->saving && b->file != 0 &&
		    (b->users == 0 || b->n <= REST_ROWS))
			col_unload(b);
	}
}

void
store_rest(struct store *st)
{
	tails_away(st);
	columns_away(st);
	pack_forget(&st->cold);
	pack_forget(&st->sum);
	pack_forget(&st->old.cold);
	pack_forget(&st->old.sum);
	buf_clear(&st->sum_buf);
	sys_scratch_free();
}

enum store_result
store_close(struct store *st)
{
	enum store_result result;
	uint64_t cost;

	if (st == NULL)
		return STORE_OK;
	result = STORE_OK;
	if (st->copying != NULL)
		result = store_copy_cancel(st->copying);
	if (st->damage[0] == '\0') {
		if (result == STORE_OK)
			result = store_commit(st);
		if (result == STORE_OK && !st->snap_bad && !parts_left(st) &&
		    (st->log_since != st->log_snapped || any_dirty(st, &cost)))
			(void)snap_save(st);
		if (result == STORE_OK &&
		    (quota_write(st) == -1 || head_write(st) == -1))
			result = STORE_IO;
	}
	store_free(st);
	return result;
}

void
store_abandon(struct store *st)
{
	if (st != NULL)
		store_free(st);
}

void
store_forget(struct store *st)
{
	if (st->sender != NULL)
		seal_sender_forget(st->sender);
}

void
store_set_ring(struct store *st, const struct seal_ring *ring)
{
	st->ring = ring;
}
