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
 * What the suite needs beyond FreeBSD's libc.  There is no sandbox yet: a
 * role starts only where the configuration says best-effort, and then the
 * walls are users, groups and chroot(2).
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <malloc_np.h>

#include "compat.h"
#include "freebsd.h"

static bool best_effort;

int
pledge(const char *promises, const char *execpromises)
{
	(void)promises;
	(void)execpromises;
	if (best_effort)
		return 0;
	errno = ENOSYS;
	return -1;
}

int
unveil(const char *path, const char *permissions)
{
	(void)path;
	(void)permissions;
	if (best_effort)
		return 0;
	errno = ENOSYS;
	return -1;
}

void
compat_sandbox_best_effort(bool on)
{
	best_effort = on;
}

int
compat_sandbox_missing(void)
{
	return SANDBOX_NO_SYSCALLS | SANDBOX_NO_FILES;
}

const char *
compat_syscall_name(int number)
{
	(void)number;
	return NULL;
}

int
compat_audit_open(void)
{
	return -1;
}

int
compat_audit_find(int fd, pid_t pid)
{
	(void)fd;
	(void)pid;
	return -1;
}

int
compat_nodump(void)
{
	struct rlimit rl;

	rl.rlim_cur = rl.rlim_max = 0;
	return setrlimit(RLIMIT_CORE, &rl);
}

void
compat_proctitle_init(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
}

size_t
compat_malloc_size(void *p)
{
	return malloc_usable_size(p);
}

int
compat_orphan_wakes(void)
{
	errno = ENOSYS;
	return -1;
}

void
compat_memory_rest(void)
{
}

int
compat_syncfs(int fd)
{
	(void)fd;
	errno = ENOSYS;
	return -1;
}

int
compat_write_behind(int fd, off_t off, off_t len)
{
	(void)fd;
	(void)off;
	(void)len;
	errno = ENOSYS;
	return -1;
}

const char *
compat_interpreter(void)
{
	return NULL;
}

/* Acknowledgements come when the system thinks fit. */
void
compat_ack_now(int fd)
{
	(void)fd;
}

void
freezero(void *ptr, size_t size)
{
	if (ptr == NULL)
		return;
	explicit_bzero(ptr, size);
	free(ptr);
}

void *
recallocarray(void *ptr, size_t oldn, size_t newn, size_t size)
{
	size_t oldsize, newsize;
	void *new;

	if (ptr == NULL)
		return calloc(newn, size);
	if (size != 0 && (newn > SIZE_MAX / size || oldn > SIZE_MAX / size)) {
		errno = newn > SIZE_MAX / size ? ENOMEM : EINVAL;
		return NULL;
	}
	oldsize = oldn * size;
	newsize = newn * size;
	new = calloc(newn, size);
	if (new == NULL)
		return NULL;
	memcpy(new, ptr, oldsize < newsize ? oldsize : newsize);
	freezero(ptr, oldsize);
	return new;
}
