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
 * Makes a running process do one system call, as an intruder in it would, and
 * says what came of it:
 *
 *	inject PID NUMBER [ARGUMENT ...]
 *
 * An argument is a number, or a string that is written to the process's stack
 * and passed by address.  Output: "ret N" (negative: -errno) or "died SIGNAL".
 * Needs the right to trace the process.
 */

#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK_GAP 8192 /* below the stack pointer: nobody's */
#define ARGS_MAX 6
#define STEPS_MAX 16

/* The address of a "syscall" instruction in some executable mapping. */
static uint64_t
find_syscall(pid_t pid, int mem)
{
	uint8_t buf[65536];
	uint64_t from, to;
	char path[64], perm[8], line[512];
	FILE *f;
	size_t len;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if ((f = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to,
			perm) != 3 ||
		    perm[2] != 'x' || strstr(line, "vsyscall") != NULL)
			continue;
		for (; from < to; from += sizeof(buf) - 1) {
			len = to - from < sizeof(buf) ? to - from : sizeof(buf);
			n = pread(mem, buf, len, (off_t)from);
			for (ssize_t i = 0; i + 1 < n; i++)
				if (buf[i] == 0x0f && buf[i + 1] == 0x05) {
					fclose(f);
					return from + (uint64_t)i;
				}
		}
	}
	errx(2, "no syscall instruction found");
}

static int
died(int status)
{
	if (!WIFSIGNALED(status))
		return 0;
	printf("died %d\n", WTERMSIG(status));
	return 1;
}

int
main(int argc, char *argv[])
{
	struct user_regs_struct saved, regs;
	uint64_t arg[ARGS_MAX] = {0}, at;
	char path[64], *end;
	pid_t pid;
	int mem, status;

	if (argc < 3 || argc > 3 + ARGS_MAX)
		errx(2, "usage: inject pid number [argument ...]");
	pid = (pid_t)strtol(argv[1], NULL, 10);
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) == -1)
		err(3, "tracing %d", pid);
	if (waitpid(pid, &status, 0) == -1)
		err(2, "waitpid");
	if (died(status))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if ((mem = open(path, O_RDWR)) == -1)
		err(2, "%s", path);
	if (ptrace(PTRACE_GETREGS, pid, 0, &saved) == -1)
		err(2, "registers");
	regs = saved;
	at = (saved.rsp - STACK_GAP) & ~15ULL;
	for (int i = 3; i < argc; i++) {
		arg[i - 3] = strtoull(argv[i], &end, 0);
		if (argv[i][0] != '\0' && *end == '\0')
			continue;
		if (pwrite(mem, argv[i], strlen(argv[i]) + 1, (off_t)at) == -1)
			err(2, "writing to the stack");
		arg[i - 3] = at;
		at += (strlen(argv[i]) + 16) & ~15ULL;
	}
	regs.rax = strtoull(argv[2], NULL, 0);
	regs.orig_rax = UINT64_MAX; /* no restart of what was interrupted */
	regs.rip = find_syscall(pid, mem);
	regs.rdi = arg[0];
	regs.rsi = arg[1];
	regs.rdx = arg[2];
	regs.r10 = arg[3];
	regs.r8 = arg[4];
	regs.r9 = arg[5];
	at = regs.rip;
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) == -1)
		err(2, "registers");
	/* Stops of other kinds may come before the instruction is done. */
	for (int i = 0; i < STEPS_MAX && regs.rip == at; i++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1 ||
		    waitpid(pid, &status, 0) == -1)
			err(2, "stepping");
		if (died(status))
			return 0;
		/* A stop for SIGSYS comes before the death. */
		if (WSTOPSIG(status) == SIGSYS) {
			printf("died %d\n", SIGSYS);
			(void)ptrace(PTRACE_DETACH, pid, 0, SIGSYS);
			return 0;
		}
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == -1)
			err(2, "registers");
	}
	printf("ret %lld\n", (long long)regs.rax);
	if (ptrace(PTRACE_SETREGS, pid, 0, &saved) == -1 ||
	    ptrace(PTRACE_DETACH, pid, 0, 0) == -1)
		err(2, "detaching");
	return 0;
}
