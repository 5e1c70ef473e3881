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
 * The sweep: what signed lists say of an account whose vault does not live.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_del.h"
#include "store_local.h"
#include "store_sweep.h"

static enum store_result
lock_take(int acct, int *lock)
{
	*lock = sys()->open(
	    acct, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*lock == -1)
		return sys_result();
	if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return STORE_OK;
	(void)close(*lock);
	return errno == EWOULDBLOCK ? STORE_LOCKED : STORE_IO;
}

static enum store_result
sweep_list(int acct, struct del_list *l, int64_t now, struct store_swept *out)
{
	struct del_entry *e;
	int64_t confirmed;
	int moved;

	confirmed = del_confirmed(acct);
	RB_FOREACH (e, del_tree, &l->tree) {
		if (!del_due(e, now, confirmed))
			continue;
		if (out->trashed == STORE_SWEEP_MAX) {
			out->more = true;
			break;
		}
		moved = del_trash(acct, e->blob);
		if (moved == -1)
			return sys_result();
		out->trashed += moved > 0;
	}
	return STORE_OK;
}

/* Deliveries that nobody took in; hidden ones are not deliveries. */
static enum store_result
sweep_waiting(int acct, int64_t limit, int64_t now, struct store_swept *out)
{
	char from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];
	uint8_t id[STORE_ID];
	struct dirent *de;
	struct stat sb;
	DIR *dir;
	int fd;

	fd = sys_open(acct, "in", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return sys_result();
	}
	while ((de = readdir(dir)) != NULL) {
		if (seal_unhex(de->d_name, id, sizeof(id)) == -1 ||
		    fstatat(fd, de->d_name, &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
		    sb.st_mtime > now || now - sb.st_mtime < limit)
			continue;
		if (out->expired == STORE_SWEEP_MAX) {
			out->more = true;
			break;
		}
		(void)snprintf(from, sizeof(from), "in/%.32s", de->d_name);
		(void)snprintf(to, sizeof(to), "trash/%.32s", de->d_name);
		if (sys()->rename(acct, from, acct, to) == 0)
			out->expired++;
	}
	(void)closedir(dir);
	return STORE_OK;
}

static enum store_result
sweep_locked(int acct, int64_t grace, struct store_swept *out)
{
	enum store_result result;
	struct seal_account a;
	struct del_list l;
	int64_t now;

	if (seal_account_load(acct, &a) == -1)
		return sys_result();
	now = store_now();
	del_init(&l);
	result = STORE_OK;
	if (del_load(acct, &a, &l) == -1)
		result = sys_result();
	out->bad = l.bad;
	/* A restored account: only its vault knows what may go. */
	if (result == STORE_OK && !l.bad && !mark_in(acct))
		result = sweep_list(acct, &l, now, out);
	if (result == STORE_OK && !l.bad && l.waiting > 0)
		result = sweep_waiting(acct, l.waiting, now, out);
	del_clear(&l);
	if (result != STORE_OK)
		return result;
	out->removed = del_empty_trash(acct, now, grace, STORE_SWEEP_MAX);
	out->more = out->more || out->removed == STORE_SWEEP_MAX;
	return STORE_OK;
}

enum store_result
store_sweep(int acct, int64_t grace, struct store_swept *out)
{
	enum store_result result;
	int lock;

	memset(out, 0, sizeof(*out));
	result = lock_take(acct, &lock);
	if (result == STORE_LOCKED && grace < STORE_GRACE) {
		/* Its vault sweeps, but with the grace that users are told. */
		out->removed = del_empty_trash(
		    acct, store_now(), grace, STORE_SWEEP_MAX);
		out->more = out->removed == STORE_SWEEP_MAX;
		return STORE_OK;
	}
	if (result != STORE_OK)
		return result;
	result = sweep_locked(acct, grace, out);
	(void)close(lock);
	return result;
}
