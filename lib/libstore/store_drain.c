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
 * Drain: sealed deliveries in in/ become messages.  PLACE is durable before
 * the file is renamed into blob/; a crash between is mended at the next
 * opening, where the fold meets the PLACE and in/ still has the file.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_local.h"
#include "store_sweep.h"

#define ENTRY (STORE_ID + 1) /* of the waiting list: id, placed */
#define UNFINISHED_AGE 86400 /* seconds until one without trailer goes */
#define WAITING_MAX 1000000
#define LOOKED_MAX 8192 /* deliveries that are put in order at a time */

/* A delivery in in/, and when its file was finished. */
struct arrival {
	struct timespec when;
	uint8_t id[STORE_ID];
};

static int
entry_cmp(const void *a, const void *b)
{
	return memcmp(a, b, STORE_ID);
}

static DIR *
open_in(struct store *st)
{
	DIR *dir;
	int fd;

	fd = sys_open(st->acct, "in", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

/*
 * Before a fold: what lies in in/.  A snapshot is taken only after renames out
 * of in/ are durable, so any PLACE of such a file is in what is folded.
 */
int
waiting_list(struct store *st)
{
	uint8_t id[STORE_ID], *p;
	struct dirent *de;
	size_t size;
	DIR *dir;

	free(st->waiting);
	st->waiting = NULL;
	st->nwaiting = 0;
	dir = open_in(st);
	if (dir == NULL)
		return -1;
	size = 0;
	while ((de = readdir(dir)) != NULL && st->nwaiting < WAITING_MAX) {
		if (seal_unhex(de->d_name, id, sizeof(id)) == -1)
			continue;
		if (st->nwaiting == size) {
			size = size == 0 ? 64 : size * 2;
			p = reallocarray(st->waiting, size, ENTRY);
			if (p == NULL) {
				(void)closedir(dir);
				return -1;
			}
			st->waiting = p;
		}
		p = st->waiting + st->nwaiting++ * ENTRY;
		memcpy(p, id, sizeof(id));
		p[STORE_ID] = 0;
	}
	(void)closedir(dir);
	if (st->nwaiting > 1)
		qsort(st->waiting, st->nwaiting, ENTRY, entry_cmp);
	return 0;
}

int
waiting_take(struct store *st, const uint8_t *blob)
{
	uint8_t *p;

	if (st->nwaiting == 0)
		return 0;
	p = bsearch(blob, st->waiting, st->nwaiting, ENTRY, entry_cmp);
	if (p != NULL)
		p[STORE_ID] = 1;
	return 0;
}

static int
move_in(struct store *st, const uint8_t *blob)
{
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE], id[ID_HEX];

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(from, sizeof(from), "in/%.32s", id);
	if (blob_place_name(st, blob, to, true) == -1 ||
	    sys()->rename(st->acct, from, st->acct, to) == -1)
		return -1;
	if (st->nflat < BLOB_FLAT)
		st->nflat++;
	return 0;
}

/* After the fold, and once the log is known to be durable. */
int
waiting_finish(struct store *st)
{
	size_t i;
	int r;

	r = 0;
	for (i = 0; i < st->nwaiting; i++) {
		if (st->waiting[i * ENTRY + STORE_ID] &&
		    move_in(st, st->waiting + i * ENTRY) == -1 &&
		    errno != ENOENT)
			r = -1;
	}
	free(st->waiting);
	st->waiting = NULL;
	st->nwaiting = 0;
	return r;
}

/*
 * Every octet as it was written, or half of it may be missing after a crash.
 * What could not be read or had no memory is not said to be unfinished: that
 * may be removed.
 */
static enum look
verify(int fd, uint64_t size, const uint8_t *want)
{
	struct seal_sum *sum;
	uint8_t *p;
	uint64_t off, end;
	size_t n;
	ssize_t got;

	p = sys_scratch();
	sum = p == NULL ? NULL : seal_sum_new();
	if (sum == NULL)
		return LOOK_ERROR;
	end = size - SEAL_SUM_TAIL;
	for (off = 0, got = 0; off < end && got != -1; off += n) {
		n = end - off < COPY_SIZE ? (size_t)(end - off) : COPY_SIZE;
		got = sys_read(fd, p, n, (off_t)off);
		if (got != (ssize_t)n)
			break;
		seal_sum_update(sum, p, n);
	}
	if (seal_sum_end(sum, want) == 0)
		return LOOK_OK;
	return got == -1 ? LOOK_ERROR : LOOK_UNFINISHED;
}

static enum look
look_trailer(struct store *st, int fd, struct delivery *d)
{
	uint8_t header[SEAL_HEADER_LEN], tail[SEAL_TRAILER_LEN];
	struct seal_header h;
	struct seal_trailer t;
	enum look whole;
	uint64_t size;

	if (fstat(fd, &d->sb) == -1)
		return LOOK_ERROR;
	if (!S_ISREG(d->sb.st_mode))
		return LOOK_BAD;
	size = (uint64_t)d->sb.st_size;
	if (d->sb.st_size < SEAL_HEADER_LEN + SEAL_TRAILER_LEN)
		return LOOK_UNFINISHED;
	if (sys_read(fd, tail, sizeof(tail),
		d->sb.st_size - SEAL_TRAILER_LEN) != sizeof(tail) ||
	    sys_read(fd, header, sizeof(header), 0) != sizeof(header))
		return LOOK_ERROR;
	if (seal_trailer_parse(tail, &t) == -1 || t.size != size)
		return LOOK_UNFINISHED;
	whole = verify(fd, size, t.sum);
	if (whole != LOOK_OK)
		return whole;
	if (memcmp(t.id, d->id, STORE_ID) != 0 ||
	    seal_header_parse(header, &h) == -1 ||
	    memcmp(h.id, d->id, STORE_ID) != 0 ||
	    seal_stanza_open(st->ring, &t, &d->stanza) == -1)
		return LOOK_BAD;
	d->codec = h.codec;
	memcpy(d->cold.blob, d->id, STORE_ID);
	memcpy(d->cold.key, d->stanza.key, SEAL_KEY_LEN);
	d->cold.bytes = size;
	seal_derive_id(
	    "delivery", d->stanza.delivery_id, STORE_ID, d->cold.instance);
	return LOOK_OK;
}

/* The table's date and size, and the summary. */
static enum look
look_inside(struct store *st, int fd_take, struct delivery *d)
{
	switch (
	    body_look(st, &d->cold, fd_take, &d->summary, &d->date, &d->size)) {
	case STORE_OK:
		return d->size > UINT32_MAX ? LOOK_BAD : LOOK_OK;
	case STORE_CORRUPT:
		return LOOK_BAD;
	default:
		return LOOK_ERROR;
	}
}

enum look
delivery_look(struct store *st, const char *path, struct delivery *d)
{
	enum look result;
	int fd;

	fd = sys_open(st->acct, path, O_RDONLY);
	if (fd == -1)
		return LOOK_ERROR;
	result = look_trailer(st, fd, d);
	if (result == LOOK_OK)
		return look_inside(st, fd, d);
	(void)close(fd);
	return result;
}

/* The first with this special use, or NULL. */
static struct box *
box_used(struct store *st, uint16_t use)
{
	struct box *box = NULL;

	for (size_t i = 0; i < st->nboxes; i++)
		if ((st->boxes[i]->pub.use & use) != 0 &&
		    (box == NULL || st->boxes[i]->pub.id < box->pub.id))
			box = st->boxes[i];
	return box;
}

/*
 * Where what the user has sent goes: the deliverer has said in the stanza,
 * which no sender has a word in, that it is a copy for himself.
 */
static struct box *
target_sent(struct store *st)
{
	const struct store_box *named;
	struct box *sent;

	sent = box_used(st, STORE_USE_SENT);
	if (sent != NULL)
		return sent;
	named = store_box_named(st, "Sent");
	return box_find(
	    st, named == NULL || named->use != 0 ? STORE_INBOX : named->id);
}

/*
 * INBOX, or the box that the hint names.  The hint may be the sender's word
 * (+detail), so it reaches no box with a special use but \Junk: nobody puts
 * mail among what the user sent, drafted or threw away.  What is suspect goes
 * to \\Junk, whatever the hint, where there is one.
 */
static struct box *
target(struct store *st, const struct seal_stanza *stanza)
{
	const struct store_box *named;
	const char *hint = stanza->hint;
	struct box *junk;

	if (stanza->flags & STORE_OWN_COPY)
		return target_sent(st);
	junk = box_used(st, STORE_USE_JUNK);
	if ((stanza->flags & STORE_SUSPECT) != 0 && junk != NULL)
		return junk;
	named = hint[0] == '\0' ? NULL : store_box_named(st, hint);
	if (named != NULL && (named->use & ~STORE_USE_JUNK) != 0)
		named = NULL;
	return box_find(st, named == NULL ? STORE_INBOX : named->id);
}

static enum store_result
place_delivery(struct store *st, const struct delivery *d)
{
	struct buf b = {0};
	enum store_result result;
	struct place p;
	struct box *box;

	box = target(st, &d->stanza);
	if (box == NULL || col_load(st, box) == -1)
		return STORE_CORRUPT;
	if (box->n >= STORE_MESSAGES_MAX)
		return STORE_LIMIT;
	result = mut_begin(st, 512);
	if (result != STORE_OK)
		return result;
	memset(&p, 0, sizeof(p));
	p.box = box->pub.id;
	p.uid = next_uid(st, box);
	p.how = HOW_NEW;
	p.codec = d->codec;
	memcpy(p.instance, d->cold.instance, STORE_ID);
	memcpy(p.blob, d->cold.blob, STORE_ID);
	memcpy(p.key, d->cold.key, SEAL_KEY_LEN);
	p.bytes = d->cold.bytes;
	p.size = (uint32_t)d->size;
	p.saved = (uint32_t)store_now();
	p.date = d->date;
	p.flags = d->stanza.flags & 0x1f;
	if (pack_append(st, &st->sum, d->summary.p, d->summary.len,
		&st->next_sum_off) == 0)
		st->next_sum_len = (uint32_t)d->summary.len;
	op_place(&b, &p);
	op_queue(st, OP_PLACE, &b);
	buf_clear(&b);
	explicit_bzero(&p, sizeof(p));
	/* No end of a group: what it refers to may not be durable yet. */
	return st->failed ? STORE_IO : STORE_OK;
}

/* Kept, for somebody to look at, and out of the way. */
static int
set_aside(struct store *st, const char *name)
{
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];

	if (sys()->mkdir(st->acct, "in/.bad", 0700) == -1 && errno != EEXIST)
		return -1;
	(void)snprintf(from, sizeof(from), "in/%.32s", name);
	(void)snprintf(to, sizeof(to), "in/.bad/%.32s", name);
	return sys()->rename(st->acct, from, st->acct, to);
}

static int
drop_unfinished(struct store *st, const char *name, const struct stat *sb)
{
	char path[BLOB_NAME_SIZE];
	time_t now;

	now = time(NULL);
	if (sb->st_mtime > now || now - sb->st_mtime < UNFINISHED_AGE)
		return 0;
	(void)snprintf(path, sizeof(path), "in/%.32s", name);
	return sys()->unlink(st->acct, path, 0);
}

/* In blob/ by the same name: a copy of the account may have put it back. */
static bool
in_blobs(struct store *st, const char *name)
{
	char path[BLOB_NAME_SIZE];
	struct stat sb;

	(void)snprintf(path, sizeof(path), "blob/%.32s", name);
	if (fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	(void)snprintf(path, sizeof(path), "blob/%.2s/%.32s", name, name);
	return fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Was this instance ever placed, as far as columns and tombstones know? */
static bool
was_placed(struct store *st, const uint8_t *instance)
{
	struct rd r = {instance, 8, 0, false};
	const struct store_msg *m;
	const struct box *b;
	uint64_t inst;
	size_t i, j, k, n;

	inst = rd64(&r);
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		if (col_load(st, st->boxes[i]) == -1)
			return false;
		for (j = 0; (m = col_run(b, j, &n)) != NULL; j += n) {
			for (k = 0; k < n; k++) {
				if (m[k].inst == inst)
					return true;
			}
		}
		for (j = 0; j < b->ntombs; j++) {
			if (b->tombs->t[j].inst == inst)
				return true;
		}
	}
	return false;
}

/* Placed by another host: its file is ours too, unless it was another. */
static bool
placed_elsewhere(struct store *st, const char *name, const struct delivery *d)
{
	struct rd r = {d->cold.instance, 8, 0, false};
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];
	struct inst *in;
	struct cold c;
	bool same;

	if (!st->multi || inst_build(st) == -1)
		return false;
	in = inst_find(st, rd64(&r));
	if (in == NULL)
		return false;
	same = in->state == INST_LIVE && fold_cold(st, in, &c) == 0 &&
	    memcmp(c.blob, d->id, STORE_ID) == 0;
	explicit_bzero(&c, sizeof(c));
	(void)snprintf(from, sizeof(from), "in/%.32s", name);
	(void)snprintf(to, sizeof(to), "trash/%.32s", name);
	if (same && in_blobs(st, name))
		(void)sys()->unlink(st->acct, from, 0);
	else if (same)
		(void)move_in(st, d->id);
	else
		(void)sys()->rename(st->acct, from, st->acct, to);
	return true;
}

static bool
placed_before(struct store *st, const char *name, const struct delivery *d)
{
	char path[BLOB_NAME_SIZE];

	if (placed_elsewhere(st, name, d))
		return true;
	if (!in_blobs(st, name) || !was_placed(st, d->cold.instance))
		return false;
	(void)snprintf(path, sizeof(path), "in/%.32s", name);
	(void)sys()->unlink(st->acct, path, 0);
	return true;
}

/* 1 if it was placed. */
static int
drain_one(
    struct store *st, const char *name, struct store_drained *out, uint8_t *id)
{
	char path[BLOB_NAME_SIZE];
	enum store_result result;
	struct delivery *d;
	enum look how;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return 0;
	memcpy(d->id, id, STORE_ID);
	(void)snprintf(path, sizeof(path), "in/%.32s", name);
	how = delivery_look(st, path, d);
	result = STORE_UNKNOWN;
	if (how == LOOK_OK && !placed_before(st, name, d))
		result = place_delivery(st, d);
	else if (how == LOOK_UNFINISHED)
		(void)drop_unfinished(st, name, &d->sb);
	else if (how == LOOK_BAD && set_aside(st, name) == 0)
		out->bad++;
	buf_clear(&d->summary);
	freezero(d, sizeof(*d));
	return result == STORE_OK;
}

static int
arrival_cmp(const void *a, const void *b)
{
	const struct arrival *x, *y;

	x = a;
	y = b;
	if (x->when.tv_sec != y->when.tv_sec)
		return x->when.tv_sec < y->when.tv_sec ? -1 : 1;
	if (x->when.tv_nsec != y->when.tv_nsec)
		return x->when.tv_nsec < y->when.tv_nsec ? -1 : 1;
	return memcmp(x->id, y->id, STORE_ID);
}

/* What lies there, the oldest first; *more: it is not all.  NULL: memory. */
static struct arrival *
arrivals(DIR *dir, size_t *n, bool *more)
{
	struct arrival *list, *a;
	struct dirent *de;
	struct stat sb;
	size_t size;

	*n = size = 0;
	*more = false;
	list = NULL;
	while ((de = readdir(dir)) != NULL) {
		if (*n == LOOKED_MAX) {
			*more = true;
			break;
		}
		if (*n == size) {
			size = size == 0 ? 64 : size * 2;
			a = reallocarray(list, size, sizeof(*list));
			if (a == NULL) {
				free(list);
				return NULL;
			}
			list = a;
		}
		a = &list[*n];
		if (seal_unhex(de->d_name, a->id, STORE_ID) == -1 ||
		    fstatat(dirfd(dir), de->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
			-1)
			continue;
		a->when = sb.st_mtim;
		(*n)++;
	}
	if (*n > 1)
		qsort(list, *n, sizeof(*list), arrival_cmp);
	return list;
}

/* UIDs go by arrival, which is the order that people read mail in. */
static void
drain_dir(struct store *st, DIR *dir, struct store_drained *out, uint8_t *ids)
{
	struct arrival *list;
	char name[ID_HEX];
	size_t n, i;
	uint8_t *id;
	bool more;

	list = arrivals(dir, &n, &more);
	for (i = 0; list != NULL && i < n && !st->failed; i++) {
		if (out->placed == STORE_DRAIN_MAX)
			break;
		id = ids + out->placed * STORE_ID;
		memcpy(id, list[i].id, STORE_ID);
		seal_hex(id, STORE_ID, name);
		if (drain_one(st, name, out, id) == 1)
			out->placed++;
	}
	out->more = (more || i < n) && (out->placed > 0 || out->bad > 0);
	free(list);
}

/*
 * Whole is not durable: the deliverer may still wait for its own sync.  PLACE
 * must not reach the disk before the file that it names.
 */
static int
sync_placed(struct store *st, const uint8_t *ids, unsigned int n)
{
	char id[ID_HEX], name[BLOB_NAME_SIZE];
	unsigned int i;
	int fd, r;

	r = n == 0 ? 0 : sys_syncfs(st->acct);
	if (r != 1)
		return r;
	for (i = 0; i < n; i++) {
		seal_hex(ids + i * STORE_ID, STORE_ID, id);
		(void)snprintf(name, sizeof(name), "in/%s", id);
		fd = sys_open(st->acct, name, O_RDONLY);
		if (fd == -1)
			return -1;
		r = sys_fsync(fd);
		(void)close(fd);
		if (r == -1)
			return -1;
	}
	return sys_sync_dir(st->acct, "in");
}

bool
store_mail_waits(struct store *st)
{
	uint8_t id[STORE_ID];
	struct dirent *de;
	bool found;
	DIR *dir;

	dir = open_in(st);
	if (dir == NULL)
		return false;
	found = false;
	while (!found && (de = readdir(dir)) != NULL)
		found = seal_unhex(de->d_name, id, sizeof(id)) == 0;
	(void)closedir(dir);
	return found;
}

enum store_result
store_drain(struct store *st, struct store_drained *out)
{
	uint8_t ids[(STORE_DRAIN_MAX + 1) * STORE_ID];
	enum store_result result;
	unsigned int i;
	DIR *dir;

	memset(out, 0, sizeof(*out));
	result = mut_begin(st, STORE_DRAIN_MAX * 220);
	if (result != STORE_OK)
		return result;
	dir = open_in(st);
	if (dir == NULL)
		return sys_result();
	drain_dir(st, dir, out, ids);
	(void)closedir(dir);
	if (sync_placed(st, ids, out->placed) == -1)
		st->failed = true;
	result = store_commit(st);
	for (i = 0; result == STORE_OK && i < out->placed; i++) {
		/* To drain it again would be to place it again: an end. */
		if (move_in(st, ids + i * STORE_ID) == -1) {
			st->failed = true;
			result = STORE_IO;
		}
	}
	return result;
}
