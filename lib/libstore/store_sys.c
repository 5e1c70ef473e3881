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
 * System calls that change the disk, behind one table so that tests can make
 * the n-th of them fail or stop, and the loops around short reads and writes.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "compat.h"
#include "store_file.h"

#define BEHIND (1024 * 1024) /* octets that go to the disk together */
#define SHRINK_MIN 4095      /* octets of a file that goes in one piece */

static int
real_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return openat(dirfd, name, flags, mode);
}

static const struct store_sys real_sys = {
    .open = real_open,
    .pwrite = pwrite,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .syncfs = compat_syncfs,
    .rename = renameat,
    .unlink = unlinkat,
    .mkdir = mkdirat,
    .ftruncate = ftruncate,
};

static const struct store_sys *table = &real_sys;

const struct store_sys *
sys(void)
{
	return table;
}

void
store_sys_set(const struct store_sys *replacement)
{
	table = replacement != NULL ? replacement : &real_sys;
}

const char *
store_strerror(enum store_result result)
{
	switch (result) {
	case STORE_OK:
		return "done";
	case STORE_UNKNOWN:
		return "no such thing";
	case STORE_EXISTS:
		return "exists already";
	case STORE_BADNAME:
		return "not a usable name";
	case STORE_LIMIT:
		return "over a limit";
	case STORE_OVERQUOTA:
		return "over quota";
	case STORE_DISABLED:
		return "disabled";
	case STORE_NOSPACE:
		return "no space left";
	case STORE_READONLY:
		return "opened read-only";
	case STORE_IO:
		return "input or output failed";
	case STORE_CORRUPT:
		return "does not verify";
	case STORE_LOCKED:
		return "locked by another process";
	case STORE_INVALID:
		return "wrong use";
	}
	return "unknown result";
}

enum store_result
sys_result(void)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return STORE_NOSPACE;
	case ENOENT:
		return STORE_UNKNOWN;
	case EBADMSG:
		return STORE_CORRUPT;
	case EROFS:
		return STORE_READONLY;
	default:
		return STORE_IO;
	}
}

int
sys_write(int fd, const void *data, size_t len, off_t off)
{
	const uint8_t *p;
	ssize_t n;

	for (p = data; len > 0; p += n, len -= (size_t)n, off += n) {
		n = sys()->pwrite(fd, p, len, off);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
		else if (n == 0) {
			errno = ENOSPC;
			return -1;
		}
	}
	return 0;
}

ssize_t
sys_read(int fd, void *data, size_t len, off_t off)
{
	uint8_t *p;
	size_t done;
	ssize_t n;

	p = data;
	for (done = 0; done < len; done += (size_t)n) {
		n = pread(fd, p + done, len - done, off + (off_t)done);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
		else if (n == 0)
			break;
	}
	return (ssize_t)done;
}

int
sys_open(int dirfd, const char *name, int flags)
{
	return openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

int
sys_create(int dirfd, const char *name, mode_t mode)
{
	return sys()->open(dirfd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

int
sys_fsync(int fd)
{
	return sys()->fsync(fd);
}

int
sys_behind(int fd, uint64_t off, size_t len)
{
	uint64_t from, to;

	from = off / BEHIND * BEHIND;
	to = (off + len) / BEHIND * BEHIND;
	if (from == to ||
	    compat_write_behind(fd, (off_t)from, (off_t)(to - from)) == 0)
		return 0;
	return errno == ENOSYS ? sys()->fdatasync(fd) : -1;
}

int
sys_shrink(int dirfd, const char *name, uint64_t *budget)
{
	struct stat sb;
	uint64_t size, take;
	int fd, r;

	fd = sys_open(dirfd, name, O_WRONLY);
	if (fd == -1)
		return errno == ENOENT ? 1 : -1;
	r = fstat(fd, &sb);
	size = r == 0 && S_ISREG(sb.st_mode) ? (uint64_t)sb.st_size : 0;
	take = size < *budget ? size : *budget;
	/* Empty before it goes: an inode with pages takes long to drop. */
	if (r == 0 && size > SHRINK_MIN)
		r = sys()->ftruncate(fd, (off_t)(size - take));
	(void)close(fd);
	*budget -= take;
	if (r == -1 || (take < size && size > SHRINK_MIN))
		return r;
	return sys()->unlink(dirfd, name, 0) == -1 ? -1 : 1;
}

int
sys_sync_dir(int dirfd, const char *name)
{
	int fd, r;

	fd = sys_open(dirfd, name, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	r = sys()->fsync(fd);
	(void)close(fd);
	return r;
}

int
sys_syncfs(int fd)
{
	if (sys()->syncfs(fd) == 0)
		return 0;
	return errno == ENOSYS || errno == EOPNOTSUPP ? 1 : -1;
}

int
sys_replace(
    int dirfd, const char *name, mode_t mode, const void *data, size_t len)
{
	char tmp[64];
	int fd, n;

	n = snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (sys()->unlink(dirfd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = sys_create(dirfd, tmp, mode);
	if (fd == -1)
		return -1;
	if (sys_write(fd, data, len, 0) == -1 || sys()->fsync(fd) == -1) {
		(void)close(fd);
		return -1;
	}
	if (close(fd) == -1 || sys()->rename(dirfd, tmp, dirfd, name) == -1)
		return -1;
	return sys_sync_dir(dirfd, ".");
}

ssize_t
sys_slurp(int dirfd, const char *name, void *data, size_t size)
{
	struct stat st;
	ssize_t n;
	int fd;

	fd = sys_open(dirfd, name, O_RDONLY);
	if (fd == -1)
		return -1;
	n = -1;
	if (fstat(fd, &st) == -1)
		n = -1;
	else if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (st.st_size < 0 || (uint64_t)st.st_size > size)
		errno = EFBIG;
	else
		n = sys_read(fd, data, (size_t)st.st_size, 0);
	(void)close(fd);
	return n;
}

static uint8_t *scratch;

uint8_t *
sys_scratch(void)
{
	if (scratch == NULL)
		scratch = calloc(1, SCRATCH_SIZE);
	return scratch;
}

void
sys_scratch_free(void)
{
	freezero(scratch, SCRATCH_SIZE);
	scratch = NULL;
}
