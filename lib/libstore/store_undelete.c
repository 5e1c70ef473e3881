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
 * What was expunged and is still there: in trash/ for its grace, or in blob/
 * while a mass delete waits.  A blob is sealed to the account's own key, so
 * it tells by itself what it was; it is placed again as a new message.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_retain.h"
#include "store_sweep.h"

struct found {
	struct store_deleted *list;
	size_t n;
	size_t size;
};

static int
found_add(struct found *f, const uint8_t *blob, int64_t when, int64_t held)
{
	struct store_deleted *p;
	size_t size;

	if (f->n == f->size) {
		size = f->size == 0 ? 64 : f->size * 2;
		p = reallocarray(f->list, size, sizeof(*p));
		if (p == NULL)
			return -1;
		f->list = p;
		f->size = size;
	}
	p = &f->list[f->n++];
	memset(p, 0, sizeof(*p));
	memcpy(p->blob, blob, STORE_ID);
	p->when = when;
	p->held = held;
	return 0;
}

/* Of what lies in trash/: not what a message in Trash still shows. */
static int
find_trash(struct store *st, struct found *f)
{
	const struct del_entry *e;
	uint8_t id[STORE_ID];
	struct dirent *de;
	struct stat sb;
	DIR *dir;
	int fd, result;

	fd = sys_open(st->acct, "trash", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	result = 0;
	while (result == 0 && (de = readdir(dir)) != NULL) {
		if (seal_unhex(de->d_name, id, sizeof(id)) == -1 ||
		    fstatat(fd, de->d_name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		e = del_find(&st->retain->list, id);
		if (e == NULL || e->kind == DEL_GARBAGE)
			result = found_add(f, id, sb.st_ctime, 0);
	}
	(void)closedir(dir);
	return result;
}

static int
newer(const void *a, const void *b)
{
	const struct store_deleted *x = a, *y = b;

	return (x->when < y->when) - (x->when > y->when);
}

static int
find_all(struct store *st, struct found *f)
{
	struct del_entry *e;
	int64_t confirmed, now;

	if (find_trash(st, f) == -1)
		return -1;
	confirmed = del_confirmed(st->acct);
	now = store_now();
	RB_FOREACH (e, del_tree, &st->retain->list.tree) {
		if (e->kind == DEL_GARBAGE && blob_there(st, e->blob) &&
		    found_add(f, e->blob, e->signed_at,
			del_due(e, now, confirmed) ? 0 : e->when) == -1)
			return -1;
	}
	if (f->n > 1)
		qsort(f->list, f->n, sizeof(*f->list), newer);
	return 0;
}

/* The file of a blob that is in use by nothing; false if there is none. */
static bool
path_of(struct store *st, const uint8_t *blob, char path[BLOB_NAME_SIZE])
{
	char id[ID_HEX];
	struct stat sb;

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(path, BLOB_NAME_SIZE, "trash/%s", id);
	if (fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	(void)snprintf(path, BLOB_NAME_SIZE, "blob/%s", id);
	if (fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	(void)snprintf(path, BLOB_NAME_SIZE, "blob/%.2s/%s", id, id);
	return fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

enum store_result
store_deleted_list(struct store *st, struct store_deleted **list, size_t *n)
{
	struct found f = {NULL, 0, 0};
	enum store_result result;

	*list = NULL;
	*n = 0;
	if (st->retain == NULL)
		return STORE_READONLY;
	/* What was expunged this moment, too; on a full disk without. */
	result = gc_garbage(st);
	if (result != STORE_OK && result != STORE_NOSPACE)
		return result;
	if (find_all(st, &f) == -1 ||
	    where_find(st, f.list,
		f.n < STORE_DELETED_MAX ? f.n : STORE_DELETED_MAX) == -1) {
		free(f.list);
		return STORE_IO;
	}
	*n = f.n < STORE_DELETED_MAX ? f.n : STORE_DELETED_MAX;
	*list = f.list;
	return STORE_OK;
}

enum store_result
store_deleted_look(struct store *st, struct store_deleted *e,
    struct store_chunk *chunks, size_t *n)
{
	char path[BLOB_NAME_SIZE];
	enum store_result result;
	struct delivery *d;

	*n = 0;
	buf_reset(&st->sum_buf, 0);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return STORE_IO;
	memcpy(d->id, e->blob, STORE_ID);
	result = STORE_UNKNOWN;
	if (path_of(st, d->id, path) && delivery_look(st, path, d) == LOOK_OK) {
		e->date = d->date;
		e->size = d->size;
		e->codec = d->codec;
		if (d->summary.len > 0)
			buf_put(&st->sum_buf, d->summary.p, d->summary.len);
		result = st->sum_buf.failed ?
		    STORE_IO :
		    summary_chunks(&st->sum_buf, chunks, n);
	}
	buf_clear(&d->summary);
	freezero(d, sizeof(*d));
	return result;
}

/* Held, so that no sweep takes it, and back in blob/. */
static enum store_result
restore_hold(struct store *st, const uint8_t *blob)
{
	struct del_entry e;

	memset(&e, 0, sizeof(e));
	memcpy(e.blob, blob, STORE_ID);
	e.kind = DEL_HOLD;
	if (retain_sign(st, &e, 1) == -1)
		return sys_result();
	/* Until it is known whether a message uses it. */
	st->retain->unsure = true;
	if (!blob_there(st, blob) && del_untrash(st->acct, blob) != 1)
		return sys_result();
	return STORE_OK;
}

static enum store_result
restore_place(
    struct store *st, struct box *box, struct delivery *d, uint32_t *uid)
{
	struct buf b = {0};
	enum store_result result;
	struct place p;

	result = mut_begin(st, 512);
	if (result != STORE_OK)
		return result;
	memset(&p, 0, sizeof(p));
	p.box = box->pub.id;
	p.uid = next_uid(st, box);
	p.how = HOW_RESTORE;
	p.codec = d->codec;
	seal_random(p.instance, STORE_ID);
	memcpy(p.blob, d->cold.blob, STORE_ID);
	memcpy(p.key, d->cold.key, SEAL_KEY_LEN);
	p.bytes = d->cold.bytes;
	p.size = (uint32_t)d->size;
	p.saved = (uint32_t)store_now();
	p.date = d->date;
	p.flags = d->stanza.flags & 0x1f & ~STORE_DELETED;
	op_place(&b, &p);
	op_queue(st, OP_PLACE, &b);
	buf_clear(&b);
	*uid = p.uid;
	explicit_bzero(&p, sizeof(p));
	op_group_end(st);
	return st->failed ? STORE_IO : STORE_OK;
}

/*
 * In trash/ it is in use by no message, but where one expired; in blob/ it is
 * where it was signed to go.
 */
static bool
is_deleted(struct store *st, const uint8_t *blob)
{
	const struct del_entry *e;
	char id[ID_HEX], path[BLOB_NAME_SIZE];
	struct stat sb;

	e = del_find(&st->retain->list, blob);
	if (e != NULL)
		return e->kind == DEL_GARBAGE;
	seal_hex(blob, STORE_ID, id);
	(void)snprintf(path, sizeof(path), "trash/%s", id);
	return fstatat(st->acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

enum store_result
store_undelete(
    struct store *st, const uint8_t *blob, uint64_t to, uint32_t *uid)
{
	char path[BLOB_NAME_SIZE];
	enum store_result result;
	struct delivery *d;
	struct box *box;

	if (st->retain == NULL)
		return STORE_READONLY;
	box = box_find(st, to);
	if (box == NULL)
		return STORE_UNKNOWN;
	if (col_load(st, box) == -1)
		return STORE_CORRUPT;
	if (box->n >= STORE_MESSAGES_MAX)
		return STORE_LIMIT;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return STORE_IO;
	memcpy(d->id, blob, STORE_ID);
	result = STORE_UNKNOWN;
	if (is_deleted(st, blob) && path_of(st, blob, path) &&
	    delivery_look(st, path, d) == LOOK_OK)
		result = quota_check(st, d->cold.bytes, 0);
	if (result == STORE_OK)
		result = store_more_messages(st, 1);
	if (result == STORE_OK)
		result = restore_hold(st, blob);
	if (result == STORE_OK)
		result = restore_place(st, box, d, uid);
	buf_clear(&d->summary);
	freezero(d, sizeof(*d));
	return result;
}

enum store_result
store_deleted_confirm(struct store *st, uint32_t *n)
{
	struct del_entry *e;
	enum store_result result;
	int64_t confirmed, now;

	*n = 0;
	if (st->retain == NULL)
		return STORE_READONLY;
	result = gc_garbage(st);
	if (result != STORE_OK)
		return result;
	confirmed = del_confirmed(st->acct);
	now = store_now();
	RB_FOREACH (e, del_tree, &st->retain->list.tree) {
		if ((e->flags & DEL_BRAKED) != 0 &&
		    !del_due(e, now, confirmed) && blob_there(st, e->blob))
			(*n)++;
	}
	if (*n == 0)
		return STORE_OK;
	result = store_confirm_deletes(st->acct);
	retain_again(st->retain);
	return result;
}

enum store_result
store_deleted_purge(struct store *st, uint32_t *n)
{
	enum store_result result;

	*n = 0;
	if (st->retain == NULL)
		return STORE_READONLY;
	result = gc_garbage(st);
	if (result == STORE_OK)
		*n = del_empty_trash(st->acct, store_now(), 0, STORE_PURGE_MAX);
	return result;
}
