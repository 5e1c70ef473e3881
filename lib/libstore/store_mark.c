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
 * Marks that sealctl leaves in an account's directory: "restored", its files
 * came from a backup; "rebuild", its log is not what it was, and messages that
 * it does not name are to be found again.  Either way the vault goes on under
 * a new writer id, with numbers that what was lost cannot have used.
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

#include "store_keyless.h"
#include "store_retain.h"

/* Ids of blobs, sorted. */
struct known {
	uint8_t *id;
	size_t n;
	size_t size;
};

bool
mark_in(int acct)
{
	struct stat sb;

	return fstatat(acct, RESTORED_MARK, &sb, AT_SYMLINK_NOFOLLOW) == 0 ||
	    fstatat(acct, REBUILD_MARK, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
mark_there(struct store *st)
{
	return mark_in(st->acct);
}

static int
id_cmp(const void *a, const void *b)
{
	return memcmp(a, b, STORE_ID);
}

static int
known_add(struct known *k, const uint8_t *id)
{
	uint8_t *p;
	size_t size;

	if (k->n == k->size) {
		size = k->size == 0 ? 1024 : k->size * 2;
		p = reallocarray(k->id, size, STORE_ID);
		if (p == NULL)
			return -1;
		k->id = p;
		k->size = size;
	}
	memcpy(k->id + k->n++ * STORE_ID, id, STORE_ID);
	return 0;
}

static bool
known_has(const struct known *k, const uint8_t *id)
{
	return k->n > 0 && bsearch(id, k->id, k->n, STORE_ID, id_cmp) != NULL;
}

/* The blobs of all messages. */
static int
known_messages(struct store *st, struct known *k)
{
	struct box *b;
	struct cold c;
	size_t i, j;
	int r;

	r = 0;
	for (i = 0; r == 0 && i < st->nboxes; i++) {
		b = st->boxes[i];
		r = col_load(st, b);
		for (j = 0; r == 0 && j < b->n; j++) {
			r = cold_read(st, col_at(b, j)->cold, &c);
			if (r == 0)
				r = known_add(k, c.blob);
			explicit_bzero(&c, sizeof(c));
		}
	}
	if (k->n > 1)
		qsort(k->id, k->n, STORE_ID, id_cmp);
	return r;
}

/* Those that no message uses, and that are about to go. */
static int
known_garbage(struct store *st, struct known *k)
{
	size_t i;
	int r;

	for (r = 0, i = 0; r == 0 && i < st->ngarbage; i++)
		r = known_add(k, st->garbage[i].blob);
	if (k->n > 1)
		qsort(k->id, k->n, STORE_ID, id_cmp);
	return r;
}

static DIR *
open_part(struct store *st, const char *name)
{
	DIR *dir;
	int fd;

	fd = sys_open(st->acct, name, O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

/* Is its deletion signed?  A blob that is used after all is not asked for. */
static bool
was_deleted(struct store *st, const uint8_t *id)
{
	const struct del_entry *e;

	e = st->retain == NULL ? NULL : del_find(&st->retain->list, id);
	return e != NULL && e->kind == DEL_GARBAGE;
}

/* Back to in/, from where the next drain takes them with their date. */
static int
find_orphans(struct store *st, const struct known *messages,
    const struct known *garbage, const char *name)
{
	uint8_t id[STORE_ID];
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];
	struct dirent *de;
	DIR *dir;
	int r;

	dir = open_part(st, name);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		if (seal_unhex(de->d_name, id, STORE_ID) == -1 ||
		    known_has(messages, id) || known_has(garbage, id) ||
		    was_deleted(st, id))
			continue;
		(void)snprintf(
		    from, sizeof(from), "%.8s/%.32s", name, de->d_name);
		(void)snprintf(to, sizeof(to), "in/%.32s", de->d_name);
		r = sys()->rename(st->acct, from, st->acct, to);
	}
	(void)closedir(dir);
	return r;
}

/* What the lost part of the log had expunged is not expunged now. */
static int
find_trashed(struct store *st, const struct known *messages)
{
	uint8_t id[STORE_ID];
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];
	struct dirent *de;
	DIR *dir;
	int r;

	dir = open_part(st, "trash");
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		if (seal_unhex(de->d_name, id, STORE_ID) == -1 ||
		    !known_has(messages, id))
			continue;
		(void)snprintf(from, sizeof(from), "trash/%.32s", de->d_name);
		if (blob_place_name(st, id, to, true) == -1)
			r = -1;
		else
			r = sys()->rename(st->acct, from, st->acct, to);
	}
	(void)closedir(dir);
	return r == 0 ? sys_sync_dir(st->acct, "blob") : -1;
}

static int
find_all(struct store *st)
{
	struct known messages = {0}, garbage = {0};
	char fan[16];
	unsigned int i;
	int r;

	r = known_messages(st, &messages);
	if (r == 0)
		r = known_garbage(st, &garbage);
	if (r == 0)
		r = find_trashed(st, &messages);
	if (r == 0)
		r = find_orphans(st, &messages, &garbage, "blob");
	for (i = 0; r == 0 && i < 256; i++) {
		(void)snprintf(fan, sizeof(fan), "blob/%02x", i);
		r = find_orphans(st, &messages, &garbage, fan);
	}
	free(messages.id);
	free(garbage.id);
	return r == 0 ? sys_sync_dir(st->acct, "in") : -1;
}

int
mark_finish(struct store *st)
{
	struct stat sb;

	if (fstatat(st->acct, REBUILD_MARK, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    find_all(st) == -1)
		return -1;
	if ((sys()->unlink(st->acct, REBUILD_MARK, 0) == -1 &&
		errno != ENOENT) ||
	    (sys()->unlink(st->acct, RESTORED_MARK, 0) == -1 &&
		errno != ENOENT))
		return -1;
	return sys_sync_dir(st->acct, ".");
}
