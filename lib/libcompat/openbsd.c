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
 * OpenBSD has what compat.h is about; the rest is easily said.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <stddef.h>

#include "compat.h"

void
compat_sandbox_best_effort(bool on)
{
	(void)on;
}

int
compat_sandbox_missing(void)
{
	return 0;
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
	(void)p;
	return 0;
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

int
compat_memory(pid_t pid, uint64_t *octets)
{
	(void)pid;
	(void)octets;
	errno = ENOSYS;
	return -1;
}

const char *
compat_interpreter(void)
{
	return NULL;
}

/* A socket's buffer is as large as the system makes it. */
void
compat_unsent_max(int fd, int octets)
{
	(void)fd;
	(void)octets;
}

/* Acknowledgements come when the system thinks fit. */
void
compat_ack_now(int fd)
{
	(void)fd;
}
