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

/* The calls of libstore, of which one goes wrong. */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "faults.h"
#include "store_file.h"

static struct fault_plan plan;

struct fault_plan *
fault_plan(void)
{
	return &plan;
}

/* True where this call is to fail. */
static bool
now(void)
{
	if (++plan.calls != plan.at)
		return false;
	if (plan.kind == STOP || plan.kind == TEAR)
		_exit(7);
	errno = plan.kind == FULL ? ENOSPC : EIO;
	return true;
}

static int
f_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return now() ? -1 : openat(dirfd, name, flags, mode);
}

static ssize_t
f_pwrite(int fd, const void *p, size_t len, off_t off)
{
	if (plan.calls + 1 == plan.at && plan.kind == TEAR)
		(void)!pwrite(fd, p, len / 2, off);
	return now() ? -1 : pwrite(fd, p, len, off);
}

/* Nothing here loses power: a sync only has to be counted. */
static int
f_sync(int fd)
{
	return now() ? -1 : 0;
}

static int
f_rename(int a, const char *from, int b, const char *to)
{
	return now() ? -1 : renameat(a, from, b, to);
}

static int
f_unlink(int dirfd, const char *name, int flags)
{
	return now() ? -1 : unlinkat(dirfd, name, flags);
}

static int
f_mkdir(int dirfd, const char *name, mode_t mode)
{
	return now() ? -1 : mkdirat(dirfd, name, mode);
}

static int
f_ftruncate(int fd, off_t len)
{
	return now() ? -1 : ftruncate(fd, len);
}

static const struct store_sys faulty = {f_open, f_pwrite, f_sync, f_sync,
    f_sync, f_rename, f_unlink, f_mkdir, f_ftruncate};

const struct store_sys *
fault_sys(void)
{
	return &faulty;
}
