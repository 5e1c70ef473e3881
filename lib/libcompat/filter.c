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
 * From promises to a seccomp filter in raw BPF.  First the machine is checked,
 * since i386 and x32 calls bear other numbers; then the hot calls, which look
 * at no argument, so that the kernel may answer them from its bitmap; then
 * calls whose arguments matter; then the rest.  Arguments that the kernel
 * takes as 32 bits are compared as 32 bits: set high bits hide nothing.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "compat.h"
#include "compat_local.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000U
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "no system call table for this machine"
#endif

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

#define FILTER_MAX 1024
#define FAIL(error) (SECCOMP_RET_ERRNO | (error))
#define O_TMPFILE_BIT ((uint32_t)(O_TMPFILE & ~O_DIRECTORY))

/* A forked child, or a vforked one; no thread and no new name space. */
#define CLONE_ALLOWED                                                  \
	((uint32_t)(0xff | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | \
	    CLONE_PARENT_SETTID | CLONE_VM | CLONE_VFORK))

struct filter {
	struct sock_filter code[FILTER_MAX];
	size_t len;
	uint32_t promises;
	bool overflow;
};

static void put(struct filter *, uint16_t, uint32_t, uint8_t, uint8_t);
static void put_ret(struct filter *, uint32_t);
static void put_if(struct filter *, uint32_t, uint32_t);
static void put_if_bits(struct filter *, uint32_t, uint32_t);
static void load_arg(struct filter *, int);
static void load_arg_high(struct filter *, int);
static void put_head(struct filter *);
static void put_plain(struct filter *, enum rule, uint32_t);
static void put_rules(struct filter *);
static void put_rule(struct filter *, enum rule);
static void put_refused(struct filter *);
static void rule_open(struct filter *, int);
static void rule_fcntl(struct filter *);
static void rule_ioctl(struct filter *);
static void rule_prot(struct filter *);
static void rule_prctl(struct filter *);
static void rule_prlimit(struct filter *);
static void rule_clone(struct filter *);
static void rule_signal(struct filter *);
static void rule_socket(struct filter *);
static void rule_socketpair(struct filter *);
static void rule_sendto(struct filter *);
static void rule_setsockopt(struct filter *);
static void rule_seccomp(struct filter *);

int
compat_filter_enter(uint32_t promises)
{
	struct filter f;
	struct sock_fprog prog;

	memset(&f, 0, sizeof(f));
	f.promises = promises;
	put_head(&f);
	put_plain(&f, RULE_HOT, SECCOMP_RET_ALLOW);
	put_rules(&f);
	put_plain(&f, RULE_ALLOW, SECCOMP_RET_ALLOW);
	put_refused(&f);
	put_plain(&f, RULE_NOSYS, FAIL(ENOSYS));
	put_ret(&f, SECCOMP_RET_KILL_PROCESS);
	if (f.overflow) {
		errno = E2BIG;
		return -1;
	}
	prog.len = (unsigned short)f.len;
	prog.filter = f.code;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1) {
		if (errno == EINVAL)
			errno = ENOSYS;
		return -1;
	}
	return 0;
}

static void
put(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (f->len == FILTER_MAX) {
		f->overflow = true;
		return;
	}
	f->code[f->len].code = code;
	f->code[f->len].jt = jt;
	f->code[f->len].jf = jf;
	f->code[f->len].k = k;
	f->len++;
}

static void
put_ret(struct filter *f, uint32_t action)
{
	put(f, BPF_RET | BPF_K, action, 0, 0);
}

/* If the loaded value is this one, act. */
static void
put_if(struct filter *f, uint32_t value, uint32_t action)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	put_ret(f, action);
}

/* If the loaded value has any of these bits, act. */
static void
put_if_bits(struct filter *f, uint32_t bits, uint32_t action)
{
	put(f, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	put_ret(f, action);
}

static void
load_arg(struct filter *f, int n)
{
	put(f, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)offsetof(struct seccomp_data, args) + 8 * (uint32_t)n, 0,
	    0);
}

/* Both machines are little-endian. */
static void
load_arg_high(struct filter *f, int n)
{
	put(f, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)offsetof(struct seccomp_data, args) + 8 * (uint32_t)n + 4,
	    0, 0);
}

/* Leaves the number of the call loaded. */
static void
put_head(struct filter *f)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0,
	    0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	put(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0,
	    0);
#ifdef X32_BIT
	put(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void
put_plain(struct filter *f, enum rule rule, uint32_t action)
{
	const struct syscall_row *row;

	for (int i = 0; i < compat_n_syscalls; i++) {
		row = &compat_syscalls[i];
		if (row->rule == rule && (row->promises & f->promises) != 0)
			put_if(f, (uint32_t)row->number, action);
	}
}

/*
 * A rule loads arguments over the number of the call, so each ends with a
 * verdict, and calls with another number jump over it.
 */
static void
put_rules(struct filter *f)
{
	const struct syscall_row *row;
	size_t start;

	for (int i = 0; i < compat_n_syscalls; i++) {
		row = &compat_syscalls[i];
		if (row->rule == RULE_HOT || row->rule == RULE_ALLOW ||
		    row->rule == RULE_NOSYS ||
		    (row->promises & f->promises) == 0)
			continue;
		start = f->len;
		put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)row->number, 0, 0);
		put_rule(f, row->rule);
		if (f->overflow || f->len - start - 1 > UINT8_MAX) {
			f->overflow = true;
			return;
		}
		f->code[start].jf = (uint8_t)(f->len - start - 1);
	}
}

static void
put_rule(struct filter *f, enum rule rule)
{
	switch (rule) {
	case RULE_OPEN:
		rule_open(f, 1);
		break;
	case RULE_OPENAT:
		rule_open(f, 2);
		break;
	case RULE_FCNTL:
		rule_fcntl(f);
		break;
	case RULE_IOCTL:
		rule_ioctl(f);
		break;
	case RULE_PROT:
		rule_prot(f);
		break;
	case RULE_PRCTL:
		rule_prctl(f);
		break;
	case RULE_PRLIMIT:
		rule_prlimit(f);
		break;
	case RULE_CLONE:
		rule_clone(f);
		break;
	case RULE_SIGNAL:
		rule_signal(f);
		break;
	case RULE_SOCKET:
		rule_socket(f);
		break;
	case RULE_SOCKETPAIR:
		rule_socketpair(f);
		break;
	case RULE_SENDTO:
		rule_sendto(f);
		break;
	case RULE_SETSOCKOPT:
		rule_setsockopt(f);
		break;
	case RULE_SECCOMP:
		rule_seccomp(f);
		break;
	case RULE_HOT:
	case RULE_ALLOW:
	case RULE_NOSYS:
		break;
	}
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
}

/*
 * glibc's fstat(3) is newfstatat(fd, "", AT_EMPTY_PATH).  That the path is
 * empty cannot be seen here, so whoever may not name files gets no such call;
 * our fstat() (process.c) does without.  Of the others libc tries several.
 */
static void
put_refused(struct filter *f)
{
	if ((f->promises & P_PATH) != 0)
		return;
	put_if(f, SYS_statx, FAIL(ENOSYS));
	put_if(f, SYS_faccessat2, FAIL(ENOSYS));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 0, 4);
	load_arg(f, 3);
	put_if_bits(f, AT_EMPTY_PATH, FAIL(ENOSYS));
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
}

static void
rule_open(struct filter *f, int arg)
{
	load_arg(f, arg);
	if ((f->promises & P_WPATH) == 0)
		put_if_bits(
		    f, O_WRONLY | O_RDWR | O_TRUNC, SECCOMP_RET_KILL_PROCESS);
	if ((f->promises & P_CPATH) == 0)
		put_if_bits(
		    f, O_CREAT | O_TMPFILE_BIT, SECCOMP_RET_KILL_PROCESS);
	if ((f->promises & P_RPATH) == 0) {
		put(f, BPF_ALU | BPF_AND | BPF_K, O_ACCMODE, 0, 0);
		put_if(f, O_WRONLY, SECCOMP_RET_ALLOW);
		return;
	}
	put_ret(f, SECCOMP_RET_ALLOW);
}

static void
rule_fcntl(struct filter *f)
{
	static const uint32_t plain[] = {
	    F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC};
	static const uint32_t locks[] = {
	    F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

	load_arg(f, 1);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		put_if(f, plain[i], SECCOMP_RET_ALLOW);
	if ((f->promises & P_FLOCK) == 0)
		return;
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		put_if(f, locks[i], SECCOMP_RET_ALLOW);
}

static void
rule_ioctl(struct filter *f)
{
	load_arg(f, 1);
	put_if(f, FIONREAD, SECCOMP_RET_ALLOW);
	put_if(f, FIONBIO, SECCOMP_RET_ALLOW);
	put_if(f, FIOCLEX, SECCOMP_RET_ALLOW);
	put_if(f, FIONCLEX, SECCOMP_RET_ALLOW);
	/* isatty(3), by which stdio chooses its buffers */
	put_if(f, TCGETS, FAIL(ENOTTY));
	put_if(f, TIOCGWINSZ, FAIL(ENOTTY));
}

static void
rule_prot(struct filter *f)
{
	load_arg(f, 2);
	if ((f->promises & P_EXEC) == 0) {
		put_if_bits(f, PROT_EXEC, SECCOMP_RET_KILL_PROCESS);
		put_ret(f, SECCOMP_RET_ALLOW);
		return;
	}
	/* An executed program is linked by mapping its libraries. */
	put(f, BPF_ALU | BPF_AND | BPF_K, PROT_EXEC | PROT_WRITE, 0, 0);
	put_if(f, PROT_EXEC | PROT_WRITE, SECCOMP_RET_KILL_PROCESS);
	put_ret(f, SECCOMP_RET_ALLOW);
}

static void
rule_prctl(struct filter *f)
{
	load_arg(f, 0);
	put_if(f, PR_SET_NO_NEW_PRIVS, SECCOMP_RET_ALLOW);
	put_if(f, PR_GET_NO_NEW_PRIVS, SECCOMP_RET_ALLOW);
	put_if(f, PR_SET_NAME, SECCOMP_RET_ALLOW);
	put_if(f, PR_GET_DUMPABLE, SECCOMP_RET_ALLOW);
	if ((f->promises & P_PROC) != 0)
		put_if(f, PR_SET_PDEATHSIG, SECCOMP_RET_ALLOW);
	/* Off, not on again. */
	put(f, BPF_JMP | BPF_JEQ | BPF_K, PR_SET_DUMPABLE, 0, 3);
	load_arg(f, 1);
	put_if(f, 0, SECCOMP_RET_ALLOW);
}

/* Of this process; without proc or id only to look. */
static void
rule_prlimit(struct filter *f)
{
	load_arg(f, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	if ((f->promises & (P_PROC | P_ID)) != 0) {
		put_ret(f, SECCOMP_RET_ALLOW);
		return;
	}
	load_arg(f, 2);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	load_arg_high(f, 2);
	put_if(f, 0, SECCOMP_RET_ALLOW);
}

static void
rule_clone(struct filter *f)
{
	load_arg(f, 0);
	put_if_bits(f, ~CLONE_ALLOWED, SECCOMP_RET_KILL_PROCESS);
	put_ret(f, SECCOMP_RET_ALLOW);
}

static void
rule_signal(struct filter *f)
{
	if ((f->promises & P_PROC) != 0) {
		put_ret(f, SECCOMP_RET_ALLOW);
		return;
	}
	load_arg(f, 0);
	put_if(f, (uint32_t)getpid(), SECCOMP_RET_ALLOW);
}

static void
rule_socket(struct filter *f)
{
	/* Streams, datagrams and packets; no raw ones. */
	load_arg(f, 1);
	put(f, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 5, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 4, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 3, 0);
	/* getaddrinfo(3) asks for the addresses, and does without. */
	put_if(f, SOCK_RAW,
	    (f->promises & P_DNS) != 0 ? FAIL(EAFNOSUPPORT) :
					 SECCOMP_RET_KILL_PROCESS);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	load_arg(f, 0);
	if ((f->promises & (P_INET | P_DNS)) != 0) {
		put_if(f, AF_INET, SECCOMP_RET_ALLOW);
		put_if(f, AF_INET6, SECCOMP_RET_ALLOW);
	}
	if ((f->promises & P_UNIX) != 0)
		put_if(f, AF_UNIX, SECCOMP_RET_ALLOW);
	else if ((f->promises & P_DNS) != 0)
		put_if(f, AF_UNIX, FAIL(EAFNOSUPPORT)); /* nscd */
}

static void
rule_socketpair(struct filter *f)
{
	load_arg(f, 0);
	put_if(f, AF_UNIX, SECCOMP_RET_ALLOW);
}

/* send(2) is sendto(2) without an address. */
static void
rule_sendto(struct filter *f)
{
	if ((f->promises & P_SOCKET) != 0) {
		put_ret(f, SECCOMP_RET_ALLOW);
		return;
	}
	load_arg(f, 4);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	load_arg_high(f, 4);
	put_if(f, 0, SECCOMP_RET_ALLOW);
}

static void
rule_setsockopt(struct filter *f)
{
	static const uint32_t sock[] = {SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
	    SO_LINGER, SO_REUSEADDR, SO_REUSEPORT, SO_RCVTIMEO, SO_SNDTIMEO};
	static const uint32_t tcp[] = {TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE,
	    TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_QUICKACK,
	    TCP_MAXSEG, TCP_NOTSENT_LOWAT};
	size_t n_sock, n_tcp;

	n_sock = sizeof(sock) / sizeof(sock[0]);
	n_tcp = sizeof(tcp) / sizeof(tcp[0]);
	load_arg(f, 1);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0,
	    (uint8_t)(2 + 2 * n_sock));
	load_arg(f, 2);
	for (size_t i = 0; i < n_sock; i++)
		put_if(f, sock[i], SECCOMP_RET_ALLOW);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0,
	    (uint8_t)(2 + 2 * n_tcp));
	load_arg(f, 2);
	for (size_t i = 0; i < n_tcp; i++)
		put_if(f, tcp[i], SECCOMP_RET_ALLOW);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	if ((f->promises & P_INET) == 0)
		return;
	/* A resolver wants its datagrams whole, or not at all. */
	put(f, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IP, 0, 6);
	load_arg(f, 2);
	put_if(f, IP_MTU_DISCOVER, SECCOMP_RET_ALLOW);
	put_if(f, IP_BIND_ADDRESS_NO_PORT, SECCOMP_RET_ALLOW);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IPV6, 0, 7);
	load_arg(f, 2);
	put_if(f, IPV6_V6ONLY, SECCOMP_RET_ALLOW);
	put_if(f, IPV6_MTU, SECCOMP_RET_ALLOW);
	put_if(f, IPV6_MTU_DISCOVER, SECCOMP_RET_ALLOW);
}

/* One more filter, which can only take away; no listener for it. */
static void
rule_seccomp(struct filter *f)
{
	load_arg(f, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SECCOMP_SET_MODE_FILTER, 1, 0);
	put_ret(f, SECCOMP_RET_KILL_PROCESS);
	load_arg(f, 1);
	put_if(f, 0, SECCOMP_RET_ALLOW);
}
