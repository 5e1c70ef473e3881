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
 * Which promise opens which system call on Linux.  A call that is not listed,
 * or whose promises are not held, kills.  x86-64 has, beside the calls of
 * newer machines, the old forms that glibc still uses there.
 */

#include <sys/syscall.h>

#include <stddef.h>

#include "compat.h"
#include "compat_local.h"

#define ROW(name, promises, rule)                          \
	{                                                  \
		SYS_##name, #name, (promises), RULE_##rule \
	}

const struct syscall_row compat_syscalls[] = {
    /* Every request passes through these. */
    ROW(read, P_STDIO, HOT),
    ROW(write, P_STDIO, HOT),
    ROW(readv, P_STDIO, HOT),
    ROW(writev, P_STDIO, HOT),
    ROW(sendmsg, P_STDIO, HOT),
    ROW(recvmsg, P_STDIO, HOT),
    ROW(recvfrom, P_STDIO, HOT),
    ROW(epoll_pwait, P_STDIO, HOT),
    ROW(epoll_ctl, P_STDIO, HOT),
    ROW(pread64, P_STDIO, HOT),
    ROW(pwrite64, P_STDIO, HOT),
    ROW(close, P_STDIO, HOT),
    ROW(getpid, P_STDIO, HOT), /* OpenSSL, at every random draw */
    ROW(getrandom, P_STDIO, HOT),
    ROW(clock_gettime, P_STDIO, HOT), /* where the vDSO has no clock */
#ifdef __x86_64__
    ROW(epoll_wait, P_STDIO, HOT),
    ROW(poll, P_STDIO, HOT),
#endif

    /* Calls with arguments to be looked at. */
    ROW(openat, P_RPATH | P_WPATH | P_CPATH, OPENAT),
    ROW(fcntl, P_STDIO, FCNTL),
    ROW(ioctl, P_STDIO, IOCTL),
    ROW(mmap, P_STDIO, PROT),
    ROW(mprotect, P_STDIO, PROT),
    ROW(prctl, P_STDIO, PRCTL),
    ROW(prlimit64, P_STDIO, PRLIMIT),
    ROW(clone, P_PROC, CLONE),
    ROW(kill, P_STDIO, SIGNAL),
    ROW(tgkill, P_STDIO, SIGNAL),
    ROW(socket, P_SOCKET, SOCKET),
    ROW(socketpair, P_STDIO, SOCKETPAIR),
    ROW(sendto, P_STDIO, SENDTO),
    ROW(setsockopt, P_STDIO, SETSOCKOPT),
    ROW(seccomp, P_STDIO, SECCOMP),
#ifdef __x86_64__
    ROW(open, P_RPATH | P_WPATH | P_CPATH, OPEN),
#endif

    /* Memory. */
    ROW(brk, P_STDIO, ALLOW),
    ROW(munmap, P_STDIO, ALLOW),
    ROW(mremap, P_STDIO, ALLOW),
    ROW(madvise, P_STDIO, ALLOW),
    ROW(mlock, P_STDIO, ALLOW), /* secret_alloc() */
    ROW(mlock2, P_STDIO, ALLOW),
    ROW(munlock, P_STDIO, ALLOW),
    ROW(sysinfo, P_STDIO, ALLOW), /* qsort() of a large array */

    /* Descriptors. */
    ROW(lseek, P_STDIO, ALLOW),
    ROW(preadv, P_STDIO, ALLOW),
    ROW(pwritev, P_STDIO, ALLOW),
    ROW(preadv2, P_STDIO, ALLOW),
    ROW(pwritev2, P_STDIO, ALLOW),
    ROW(fstat, P_STDIO, ALLOW),
    ROW(fsync, P_STDIO, ALLOW),
    ROW(fdatasync, P_STDIO, ALLOW),
    ROW(syncfs, P_STDIO, ALLOW),
    ROW(sync_file_range, P_STDIO, ALLOW),
    ROW(ftruncate, P_STDIO, ALLOW),
    ROW(fallocate, P_STDIO, ALLOW),
    ROW(fadvise64, P_STDIO, ALLOW),
    ROW(dup, P_STDIO, ALLOW),
    ROW(dup3, P_STDIO, ALLOW),
    ROW(pipe2, P_STDIO, ALLOW),
    ROW(close_range, P_STDIO, ALLOW),
    ROW(umask, P_STDIO, ALLOW),
    ROW(flock, P_FLOCK, ALLOW),

    /* Waiting and time. */
    ROW(epoll_create1, P_STDIO, ALLOW),
    ROW(eventfd2, P_STDIO, ALLOW),
    ROW(ppoll, P_STDIO, ALLOW),
    ROW(pselect6, P_STDIO, ALLOW),
    ROW(nanosleep, P_STDIO, ALLOW),
    ROW(clock_nanosleep, P_STDIO, ALLOW),
    ROW(clock_getres, P_STDIO, ALLOW),
    ROW(gettimeofday, P_STDIO, ALLOW),
    ROW(getitimer, P_STDIO, ALLOW),
    ROW(setitimer, P_STDIO, ALLOW),
    ROW(timerfd_create, P_STDIO, ALLOW),
    ROW(timerfd_settime, P_STDIO, ALLOW),
    ROW(futex, P_STDIO, ALLOW),
    ROW(sched_yield, P_STDIO, ALLOW),
    ROW(sched_getaffinity, P_STDIO, ALLOW), /* malloc() counts processors */

    /* The process itself. */
    ROW(exit, P_ALWAYS, ALLOW),
    ROW(exit_group, P_ALWAYS, ALLOW),
    ROW(restart_syscall, P_STDIO, ALLOW),
    ROW(rt_sigaction, P_STDIO, ALLOW),
    ROW(rt_sigprocmask, P_STDIO, ALLOW),
    ROW(rt_sigreturn, P_ALWAYS, ALLOW),
    ROW(rt_sigpending, P_STDIO, ALLOW),
    ROW(rt_sigsuspend, P_STDIO, ALLOW),
    ROW(rt_sigtimedwait, P_STDIO, ALLOW),
    ROW(sigaltstack, P_STDIO, ALLOW),
    ROW(rseq, P_STDIO, ALLOW),
    ROW(set_robust_list, P_STDIO, ALLOW),
    ROW(getppid, P_STDIO, ALLOW),
    ROW(gettid, P_STDIO, ALLOW),
    ROW(getuid, P_STDIO, ALLOW),
    ROW(geteuid, P_STDIO, ALLOW),
    ROW(getgid, P_STDIO, ALLOW),
    ROW(getegid, P_STDIO, ALLOW),
    ROW(getresuid, P_STDIO, ALLOW),
    ROW(getresgid, P_STDIO, ALLOW),
    ROW(getgroups, P_STDIO, ALLOW),
    ROW(getpgid, P_STDIO, ALLOW),
    ROW(getsid, P_STDIO, ALLOW),
    ROW(getrusage, P_STDIO, ALLOW),
    ROW(times, P_STDIO, ALLOW),
    ROW(uname, P_STDIO, ALLOW),
    ROW(wait4, P_STDIO, ALLOW),
    ROW(waitid, P_STDIO, ALLOW),

    /* Sockets that are there already. */
    ROW(shutdown, P_STDIO, ALLOW),
    ROW(getsockopt, P_STDIO, ALLOW),
    ROW(getsockname, P_STDIO, ALLOW),
    ROW(getpeername, P_STDIO, ALLOW),

    /* New ones. */
    ROW(bind, P_UNIX | P_INET, ALLOW),
    ROW(listen, P_UNIX | P_INET, ALLOW),
    ROW(accept, P_UNIX | P_INET, ALLOW),
    ROW(accept4, P_UNIX | P_INET, ALLOW),
    ROW(connect, P_SOCKET, ALLOW),
    ROW(sendmmsg, P_INET | P_DNS, ALLOW),
    ROW(recvmmsg, P_INET | P_DNS, ALLOW),

    /* Files by name: reading. */
    ROW(newfstatat, P_PATH, ALLOW),
    ROW(statx, P_PATH, ALLOW),
    ROW(statfs, P_PATH, ALLOW),
    ROW(fstatfs, P_PATH, ALLOW),
    ROW(faccessat, P_PATH, ALLOW),
    ROW(faccessat2, P_PATH, ALLOW),
    ROW(readlinkat, P_RPATH, ALLOW),
    ROW(getdents64, P_RPATH, ALLOW),
    ROW(getcwd, P_RPATH, ALLOW),
    ROW(chdir, P_RPATH, ALLOW),
    ROW(fchdir, P_RPATH, ALLOW),
    /* Writing, making and removing. */
    ROW(truncate, P_WPATH, ALLOW),
    ROW(mkdirat, P_CPATH, ALLOW),
    ROW(unlinkat, P_CPATH, ALLOW),
    ROW(renameat, P_CPATH, ALLOW),
    ROW(renameat2, P_CPATH, ALLOW),
    ROW(linkat, P_CPATH, ALLOW),
    ROW(symlinkat, P_CPATH, ALLOW),
    /* Landlock sees none of these: they need no unveil()ed path. */
    ROW(fchmod, P_FATTR, ALLOW),
    ROW(fchmodat, P_FATTR, ALLOW),
    ROW(fchown, P_FATTR, ALLOW),
    ROW(fchownat, P_FATTR, ALLOW),
    ROW(utimensat, P_FATTR, ALLOW),
#ifdef __x86_64__
    ROW(stat, P_PATH, ALLOW),
    ROW(lstat, P_PATH, ALLOW),
    ROW(access, P_PATH, ALLOW),
    ROW(readlink, P_RPATH, ALLOW),
    ROW(getdents, P_RPATH, ALLOW),
    ROW(mkdir, P_CPATH, ALLOW),
    ROW(rmdir, P_CPATH, ALLOW),
    ROW(unlink, P_CPATH, ALLOW),
    ROW(rename, P_CPATH, ALLOW),
    ROW(link, P_CPATH, ALLOW),
    ROW(symlink, P_CPATH, ALLOW),
    ROW(chmod, P_FATTR, ALLOW),
    ROW(chown, P_FATTR, ALLOW),
    ROW(lchown, P_FATTR, ALLOW),
    ROW(utime, P_FATTR, ALLOW),
    ROW(utimes, P_FATTR, ALLOW),
    ROW(futimesat, P_FATTR, ALLOW),
#endif

    /* Other processes and programs. */
    ROW(setsid, P_PROC, ALLOW),
    ROW(setpriority, P_PROC, ALLOW),
    ROW(setpgid, P_PROC, ALLOW),
    ROW(execve, P_EXEC, ALLOW),
    ROW(set_tid_address, P_EXEC, ALLOW),
#ifdef __x86_64__
    ROW(fork, P_PROC, ALLOW),
    ROW(vfork, P_PROC, ALLOW),
    ROW(arch_prctl, P_EXEC, ALLOW),
#endif

    /* Who this process is. */
    ROW(setuid, P_ID, ALLOW),
    ROW(setgid, P_ID, ALLOW),
    ROW(setreuid, P_ID, ALLOW),
    ROW(setregid, P_ID, ALLOW),
    ROW(setresuid, P_ID, ALLOW),
    ROW(setresgid, P_ID, ALLOW),
    ROW(setgroups, P_ID, ALLOW),
    ROW(chroot, P_ID, ALLOW),

    /* Only ever takes away; an executed program sandboxes itself. */
    ROW(landlock_create_ruleset, P_UNVEIL | P_EXEC, ALLOW),
    ROW(landlock_add_rule, P_UNVEIL | P_EXEC, ALLOW),
    ROW(landlock_restrict_self, P_UNVEIL | P_EXEC, ALLOW),

    /* Arguments of these lie in memory, where a filter cannot look. */
    ROW(clone3, P_ALWAYS, NOSYS),
    ROW(openat2, P_ALWAYS, NOSYS),
#ifdef __x86_64__
    ROW(pipe, P_STDIO, ALLOW),
    ROW(dup2, P_STDIO, ALLOW),
    ROW(select, P_STDIO, ALLOW),
    ROW(epoll_create, P_STDIO, ALLOW),
    ROW(pause, P_STDIO, ALLOW),
    ROW(alarm, P_STDIO, ALLOW),
    ROW(time, P_STDIO, ALLOW),
    ROW(getpgrp, P_STDIO, ALLOW),
    ROW(getrlimit, P_STDIO, ALLOW),
#endif

    /* Named in the log only: no promise opens them. */
    ROW(ptrace, 0, ALLOW),
    ROW(process_vm_readv, 0, ALLOW),
    ROW(process_vm_writev, 0, ALLOW),
    ROW(pidfd_getfd, 0, ALLOW),
    ROW(pidfd_open, 0, ALLOW),
    ROW(memfd_create, 0, ALLOW),
    ROW(mount, 0, ALLOW),
    ROW(unshare, 0, ALLOW),
    ROW(setns, 0, ALLOW),
    ROW(bpf, 0, ALLOW),
    ROW(io_uring_setup, 0, ALLOW),
    ROW(perf_event_open, 0, ALLOW),
    ROW(userfaultfd, 0, ALLOW),
    ROW(keyctl, 0, ALLOW),
    ROW(execveat, 0, ALLOW),
    ROW(mknodat, 0, ALLOW),
    ROW(pivot_root, 0, ALLOW),
    ROW(sched_setaffinity, 0, ALLOW),
    ROW(sendfile, 0, ALLOW),
    ROW(splice, 0, ALLOW),
    ROW(copy_file_range, 0, ALLOW),
    ROW(capset, 0, ALLOW),
};

const int compat_n_syscalls = sizeof(compat_syscalls) /
    sizeof(compat_syscalls[0]);

const char *
compat_syscall_name(int number)
{
	for (int i = 0; i < compat_n_syscalls; i++) {
		if (compat_syscalls[i].number == number)
			return compat_syscalls[i].name;
	}
	return NULL;
}
