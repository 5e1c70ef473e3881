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
 * What a process does to itself: no core file, no debugger, a title; and two
 * calls that the C library has, but not as we need them.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "compat.h"

#define STACK_NEAR 2048            /* octets of it that are in use, or soon */
#define STACK_BELOW (512 * 1024UL) /* that may have been used */

extern char **environ;

void setproctitle_init(int, char *[], char *[]);

static int find_interpreter(struct dl_phdr_info *, size_t, void *);

int
compat_nodump(void)
{
	struct rlimit rl;

	rl.rlim_cur = rl.rlim_max = 0;
	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int
compat_orphan_wakes(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
}

void
compat_proctitle_init(int argc, char *argv[])
{
	setproctitle_init(argc, argv, environ);
}

size_t
compat_malloc_size(void *p)
{
	return malloc_usable_size(p);
}

/* Addresses below the stack that nobody has are left out by the kernel. */
void
compat_memory_rest(void)
{
	const uintptr_t page = 4096;
	uintptr_t here;

	(void)malloc_trim(0);
	here = (uintptr_t)__builtin_frame_address(0);
	here = (here - STACK_NEAR) / page * page;
	(void)madvise((void *)(here - STACK_BELOW), STACK_BELOW, MADV_DONTNEED);
}

int
compat_syncfs(int fd)
{
	return syncfs(fd);
}

int
compat_write_behind(int fd, off_t off, off_t len)
{
	return sync_file_range(fd, off, len, SYNC_FILE_RANGE_WRITE);
}

/*
 * glibc's is newfstatat(2) with an empty path, which a filter cannot tell from
 * one with a path; the old call names no file at all.
 */
int
fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

const char *
compat_interpreter(void)
{
	const char *path;

	path = NULL;
	(void)dl_iterate_phdr(find_interpreter, &path);
	return path;
}

/* The first object is the program itself. */
static int
find_interpreter(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char **path;

	path = arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*path = (const char *)(info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr);
	}
	return 1;
}

void
compat_ack_now(int fd)
{
	int on;

	on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

void
compat_unsent_max(int fd, int octets)
{
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &octets, sizeof(octets));
}
