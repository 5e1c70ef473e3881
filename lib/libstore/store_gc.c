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
 * What expunged messages leave: blobs that no message uses go to trash/, and
 * from there, when their grace is over, away.  And the file that tells
 * deliverers how much the account holds.
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

#define GC_BATCH 64 /* blobs in one step */

static int
trash_blob(struct store *st, const uint8_t *blob)
{
	char id[ID_HEX], from[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(to, sizeof(to), "trash/%s", id);
	(void)snprintf(from, sizeof(from), "blob/%s", id);
	if (sys()->rename(st->acct, from, st->acct, to) == 0) {
		if (st->nflat > 0)
			st->nflat--;
		return 0;
	}
	if (errno != ENOENT)
		return -1;
	(void)snprintf(from, sizeof(from), "blob/%.2s/%s", id, id);
	if (sys()->rename(st->acct, from, st->acct, to) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	(void)snprintf(from, sizeof(from), "in/%s", id);
	/* Not there: an earlier run was cut short before its snapshot. */
	if (sys()->rename(st->acct, from, st->acct, to) == -1 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

/* Nothing of the stanza stays on the disk where the file is our own. */
static void
blank_trailer(int dirfd, const char *name, off_t size)
{
	static const uint8_t zeros[SEAL_TRAILER_LEN];
	int fd;

	if (size < SEAL_TRAILER_LEN)
		return;
	if (fchmodat(dirfd, name, 0600, 0) == -1)
		return;
	fd = sys_open(dirfd, name, O_WRONLY);
	if (fd == -1)
		return;
	if (sys_write(fd, zeros, sizeof(zeros), size - SEAL_TRAILER_LEN) == 0)
		(void)sys()->fdatasync(fd);
	(void)close(fd);
}

/* Removes what is past its grace, a batch; true if there may be more. */
static bool
empty_trash(struct store *st)
{
	struct dirent *de;
	struct stat sb;
	time_t now;
	unsigned int n;
	DIR *dir;
	int fd;

	fd = sys_open(st->acct, "trash", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return false;
	}
	now = time(NULL);
	for (n = 0; n < GC_BATCH && (de = readdir(dir)) != NULL;) {
		/* ctime: the rename into trash/ set it. */
		if (de->d_name[0] == '.' ||
		    fstatat(fd, de->d_name, &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
		    sb.st_ctime > now || now - sb.st_ctime < STORE_GRACE)
			continue;
		blank_trailer(fd, de->d_name, sb.st_size);
		(void)sys()->unlink(fd, de->d_name, 0);
		n++;
	}
	(void)closedir(dir);
	return n == GC_BATCH;
}

enum store_result
gc_step(struct store *st, bool *more)
{
	unsigned int n;

	for (n = 0; n < GC_BATCH && st->ngarbage > 0; n++) {
		if (trash_blob(st, st->garbage[st->ngarbage - 1].blob) == -1)
			return sys_result();
		st->ngarbage--;
	}
	*more = st->ngarbage > 0;
	if (!*more && !st->trash_checked) {
		*more = empty_trash(st);
		st->trash_checked = !*more;
	}
	return STORE_OK;
}

int
quota_write(struct store *st)
{
	char buf[64];
	int n;

	if (st->live == st->live_written)
		return 0;
	n = snprintf(
	    buf, sizeof(buf), "live %llu\n", (unsigned long long)st->live);
	if (sys_replace(st->acct, "quota", 0440, buf, (size_t)n) == -1)
		return -1;
	st->live_written = st->live;
	return 0;
}

uint64_t
store_live_bytes(const struct store *st)
{
	return st->live;
}
