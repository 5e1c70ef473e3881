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

/* Copying files of accounts, for backup and restore. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_copy.h"

void
copy_failed(struct store_transfer *t, const char *file, const char *why)
{
	t->failures++;
	t->failed(t->arg, file, why);
}

void
copy_step(struct store_transfer *t, uint64_t octets)
{
	if (t->progress != NULL)
		t->progress(t->arg, octets);
}

DIR *
copy_opendir(int dirfd, const char *name)
{
	DIR *dir;
	int fd;

	fd = sys_open(dirfd, name, O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

int
copy_mkdir(int dirfd, const char *name, mode_t mode)
{
	if (sys()->mkdir(dirfd, name, mode) == -1 && errno != EEXIST)
		return -1;
	return 0;
}

bool
copy_exists(int dirfd, const char *name)
{
	struct stat sb;

	return fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
copy_fan(const char *name)
{
	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

static int
read_tail(int dirfd, const char *name, uint8_t *tail, off_t *size)
{
	struct stat sb;
	ssize_t n;
	int fd;

	fd = sys_open(dirfd, name, O_RDONLY);
	if (fd == -1)
		return -1;
	n = -1;
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) &&
	    sb.st_size >= SEAL_TRAILER_LEN)
		n = sys_read(
		    fd, tail, SEAL_TRAILER_LEN, sb.st_size - SEAL_TRAILER_LEN);
	(void)close(fd);
	*size = sb.st_size;
	return n == SEAL_TRAILER_LEN ? 0 : -1;
}

bool
copy_same_message(int a, const char *aname, int b, const char *bname)
{
	uint8_t x[SEAL_TRAILER_LEN], y[SEAL_TRAILER_LEN];
	off_t m, n;

	return read_tail(b, bname, y, &n) == 0 &&
	    read_tail(a, aname, x, &m) == 0 && m == n &&
	    memcmp(x, y, sizeof(x)) == 0;
}

static int
copy_octets(int in, int out, uint64_t size)
{
	uint64_t off;
	uint8_t *p;
	size_t n;

	p = sys_scratch();
	if (p == NULL)
		return -1;
	for (off = 0; off < size; off += n) {
		n = size - off < COPY_SIZE ? (size_t)(size - off) : COPY_SIZE;
		if (sys_read(in, p, n, (off_t)off) != (ssize_t)n) {
			errno = EIO;
			return -1;
		}
		if (sys_write(out, p, n, (off_t)off) == -1)
			return -1;
	}
	return 0;
}

int
copy_put(struct copy_to *c, const char *name, mode_t mode, int in,
    const void *data, uint64_t size)
{
	int out, r, saved;

	out = sys_create(c->dir, name, mode);
	if (out == -1)
		return -1;
	r = data != NULL ? sys_write(out, data, (size_t)size, 0) :
			   copy_octets(in, out, size);
	if (r == 0 && c->own && fchown(out, c->uid, c->gid) == -1)
		r = -1;
	if (r == 0 && c->sync_each && sys_fsync(out) == -1)
		r = -1;
	saved = errno;
	if (close(out) == -1 && r == 0)
		return -1;
	errno = saved;
	if (r == 0) {
		c->t->copied++;
		c->t->octets += size;
	}
	return r;
}

enum copy_result
copy_message(struct copy_to *c, int from, const char *name, const char *to,
    const uint8_t *id)
{
	enum copy_result result;
	struct stat sb;
	int fd;

	fd = sys_open(from, name, O_RDONLY);
	if (fd == -1)
		return errno == ENOENT ? COPY_GONE : COPY_BAD;
	result = COPY_BAD;
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode)) {
		switch (blob_check(fd, (uint64_t)sb.st_size, id, NULL, NULL)) {
		case BLOB_GOOD:
			result = copy_put(c, to, 0440, fd, NULL,
				     (uint64_t)sb.st_size) == 0 ?
			    COPY_DONE :
			    COPY_FAILED;
			break;
		case BLOB_UNFINISHED:
			result = COPY_NOTHING;
			break;
		case BLOB_BAD:
		case BLOB_OTHER:
		case BLOB_IO:
			break;
		}
		copy_step(c->t, (uint64_t)sb.st_size);
	}
	(void)close(fd);
	return result;
}
