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
 * Linked into imap-store in front of the C library: calls that write files of
 * keys/ are counted, and one of them fails as the test has asked.  All others
 * go on as they are.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyfault.h"

#define FDS 4096

static struct keyfault *map;
static bool ours[FDS]; /* descriptors of keys/ and of files in it */
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static int (*real_closedir)(DIR *);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);

static void begin(void) __attribute__((constructor));

static void
begin(void)
{
	int fd;

	/* POSIX wants this conversion; ISO C has none. */
	*(void **)&real_openat = dlsym(RTLD_NEXT, "openat");
	*(void **)&real_close = dlsym(RTLD_NEXT, "close");
	*(void **)&real_closedir = dlsym(RTLD_NEXT, "closedir");
	*(void **)&real_write = dlsym(RTLD_NEXT, "write");
	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&real_renameat = dlsym(RTLD_NEXT, "renameat");
	*(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
	fd = open(KEYFAULT_FILE, O_RDWR);
	if (fd == -1)
		abort();
	map = mmap(
	    NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort();
	(void)real_close(fd);
}

static bool
now(void)
{
	unsigned int n;

	if (map->kind == KEYFAULT_NONE)
		return false;
	n = ++map->calls;
	if (n < map->at || (n > map->at && map->kind != KEYFAULT_STUCK))
		return false;
	if (map->kind == KEYFAULT_STOP)
		_exit(7);
	errno = map->error;
	return true;
}

static bool
is_ours(int fd)
{
	return fd >= 0 && fd < FDS && ours[fd];
}

int
openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (is_ours(dir) && (flags & O_CREAT) != 0 && now())
		return -1;
	fd = real_openat(dir, name, flags, mode);
	if (fd >= 0 && fd < FDS)
		ours[fd] = is_ours(dir) || strcmp(name, "keys") == 0;
	return fd;
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS)
		ours[fd] = false;
	return real_close(fd);
}

int
closedir(DIR *dir)
{
	int fd = dirfd(dir);

	if (fd >= 0 && fd < FDS)
		ours[fd] = false;
	return real_closedir(dir);
}

ssize_t
write(int fd, const void *p, size_t len)
{
	if (!is_ours(fd))
		return real_write(fd, p, len);
	/* Half of it, as after a power failure. */
	if (map->kind == KEYFAULT_STOP && map->calls + 1 == map->at)
		(void)real_write(fd, p, len / 2);
	return now() ? -1 : real_write(fd, p, len);
}

int
fsync(int fd)
{
	return is_ours(fd) && now() ? -1 : real_fsync(fd);
}

int
renameat(int a, const char *from, int b, const char *to)
{
	return is_ours(a) && now() ? -1 : real_renameat(a, from, b, to);
}

int
unlinkat(int fd, const char *name, int flags)
{
	return is_ours(fd) && now() ? -1 : real_unlinkat(fd, name, flags);
}
