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
 * Shared by the Linux sandbox's files: promises as bits, the table of system
 * calls, and what pledge() asks of Landlock.
 */

#ifndef COMPAT_LOCAL_H
#define COMPAT_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#define P_STDIO 0x0001U
#define P_RPATH 0x0002U
#define P_WPATH 0x0004U
#define P_CPATH 0x0008U
#define P_FATTR 0x0010U
#define P_FLOCK 0x0020U
#define P_UNIX 0x0040U
#define P_INET 0x0080U
#define P_DNS 0x0100U
#define P_PROC 0x0200U
#define P_EXEC 0x0400U
#define P_ID 0x0800U
#define P_UNVEIL 0x1000U
#define P_SENDFD 0x2000U
#define P_RECVFD 0x4000U
#define P_ALL 0x7fffU
#define P_ALWAYS 0x8000U /* held by everybody, for ever */

/* Whoever holds one of these may ask about files by name. */
#define P_PATH (P_RPATH | P_WPATH | P_CPATH | P_FATTR | P_EXEC)
#define P_SOCKET (P_UNIX | P_INET | P_DNS)

/* What the filter does with a call whose promise is held. */
enum rule {
	RULE_HOT, /* allow; looked at first */
	RULE_ALLOW,
	RULE_OPEN,   /* flags in argument 1 */
	RULE_OPENAT, /* flags in argument 2 */
	RULE_FCNTL,
	RULE_IOCTL,
	RULE_PROT, /* argument 2: never writable and executable */
	RULE_PRCTL,
	RULE_PRLIMIT,
	RULE_CLONE,
	RULE_SIGNAL, /* argument 0: this process, or any with proc */
	RULE_SOCKET,
	RULE_SOCKETPAIR,
	RULE_SENDTO,
	RULE_SETSOCKOPT,
	RULE_SECCOMP,
	RULE_NOSYS /* libc tries these, and does without */
};

struct syscall_row {
	int number;
	const char *name;
	uint32_t promises; /* one of these must be held */
	enum rule rule;
};

extern const struct syscall_row compat_syscalls[];
extern const int compat_n_syscalls;

/*
 * Allows only what the promises allow, for good.  0, or -1 with errno: ENOSYS
 * where the kernel has no seccomp filters.
 */
int compat_filter_enter(uint32_t promises);

/*
 * Lays one more Landlock layer over this process: the paths given to unveil()
 * since the last one, or (no_files) no path at all; without net no new TCP
 * port or peer; scoped signals and abstract sockets always.  0, or -1 with
 * errno: ENOSYS where the kernel has no Landlock that will do.
 */
int compat_landlock_enter(bool no_files, bool net);
bool compat_unveil_pending(void);

/*
 * The kernel lacks this part, says errno: 0 and a note of it where that is not
 * to stop us, else -1.
 */
int compat_sandbox_lacks(int part);

#endif
