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
 * What this system's libraries lack: pledge() and unveil() everywhere, and a
 * few calls that not every system has.  Include it where one of these is used;
 * on OpenBSD it only fetches the system's own.
 */

#ifndef COMPAT_H
#define COMPAT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#ifndef __OpenBSD__
/*
 * As OpenBSD's pledge(2); called by libproc only.  0, or -1 with errno: EINVAL
 * for an unknown promise, EPERM for one that an earlier call gave up, ENOSYS
 * where the kernel has no sandbox.  A forbidden call kills the process with
 * SIGSYS.  Promises: stdio rpath wpath cpath fattr flock unix inet dns proc
 * exec id unveil sendfd recvfd.
 *
 * On Linux (seccomp-bpf, Landlock):
 * - filters outlive execve(2), so what execpromises names is open to the
 *   caller as well; with execpromises NULL a program that is executed has
 *   the caller's promises;
 * - without a promise that names files (rpath wpath cpath fattr exec unix) no
 *   file can be reached by name at all;
 * - sendfd and recvfd cannot be told apart from other messages: allowed;
 * - fattr is not bound to unveil()ed paths;
 * - signals reach only processes that share the sandbox, or younger ones.
 */
int pledge(const char *promises, const char *execpromises);

/*
 * As OpenBSD's unveil(2), but names take effect together at unveil(NULL, NULL)
 * or at the next pledge().  May be called again later, while "unveil" is
 * promised, to narrow further: each round can only take away.  A path must
 * exist (ENOENT).  Rights of a directory hold for all below it.
 */
int unveil(const char *path, const char *permissions);
#endif

/* What a kernel may lack of the sandbox. */
#define SANDBOX_NO_SYSCALLS 0x01 /* seccomp */
#define SANDBOX_NO_FILES 0x02    /* Landlock: no limits on files */

/*
 * With best-effort set, pledge() and unveil() go on where the kernel lacks a
 * part of the sandbox, and compat_sandbox_missing() tells what it lacked.
 */
void compat_sandbox_best_effort(bool);
int compat_sandbox_missing(void);

/* The name of a system call of this machine; NULL if unknown. */
const char *compat_syscall_name(int number);

/*
 * Where the kernel says why it killed a process: open before the sandbox, -1
 * if it cannot be read.  compat_audit_find() reads on and returns the number
 * of the system call that killed pid, or -1.
 */
int compat_audit_open(void);
int compat_audit_find(int fd, pid_t pid);

/*
 * The program that links ours when it is executed: an execve(2) within the
 * sandbox needs it to be reachable.  NULL if none is needed.
 */
const char *compat_interpreter(void);

/* Neither core files nor ptrace(2) by one's own user.  0, or -1 with errno. */
int compat_nodump(void);

/*
 * Acknowledges at once what has come on a TCP connection, where the system can:
 * a client that sends a piece and then a short end waits for that (RFC 896).
 */
void compat_ack_now(int fd);

/*
 * For send(2): more follows at once, and what does not fill a packet may wait
 * for it, where the system knows such a thing.
 */
#ifdef __linux__
#define COMPAT_MSG_MORE MSG_MORE
#else
#define COMPAT_MSG_MORE 0
#endif

/*
 * A TCP socket takes so many octets that cannot be sent yet and no more, where
 * the system's buffers would grow to megabytes for a peer that does not read.
 */
void compat_unsent_max(int fd, int octets);

/*
 * This process goes on, if it was stopped, when the one that forked it dies;
 * -1 with ENOSYS where the system has no such thing.
 */
int compat_orphan_wakes(void);

/* Must come first in main(), for setproctitle(3). */
void compat_proctitle_init(int argc, char *argv[]);

/* Syncs the file system that fd lies on; -1 with ENOSYS where it cannot. */
int compat_syncfs(int fd);

/*
 * Begins to write so many octets to the disk and does not wait: nothing is
 * durable by it.  -1 with ENOSYS where the system has no such call.
 */
int compat_write_behind(int fd, off_t off, off_t len);

/*
 * Nothing is to be done for a while: pages of the heap and of the stack in
 * which nothing lies go back to the system, where it does not take them anyway.
 */
void compat_memory_rest(void);

/* Octets that malloc(3) gave for a pointer, at least; 0: nobody knows. */
size_t compat_malloc_size(void *);

/*
 * Octets of resident memory that a process shares with no file, as far as the
 * caller may see that; -1 where it cannot be told.
 */
int compat_memory(pid_t, uint64_t *octets);

#endif
