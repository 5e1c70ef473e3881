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
 * Each function tries one way out of a sandbox that is no file: processes,
 * rights, sockets, code, the kernel's larger doors.
 */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes.h"

int probe_tcp = -1, probe_udp = -1, probe_local = -1;
struct sockaddr_un probe_abstract;

/* Programs and processes. */

static int
e_exec(void)
{
	char *argv[] = {strdup("true"), NULL};

	return execve("/bin/true", argv, NULL);
}

static int
e_execveat(void)
{
	char *argv[] = {strdup("true"), NULL};

	return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0);
}

static int
e_fork(void)
{
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static int
e_clone_user(void)
{
	long pid;

	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return (int)pid;
}

static int
e_clone3(void)
{
	uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
	long pid;

	pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	return (int)pid;
}

static int
e_thread(void)
{
	static char stack[65536];

	return (int)syscall(SYS_clone,
	    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
	    stack + sizeof(stack), 0, 0, 0);
}

static int
e_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
e_setns(void)
{
	return setns(0, 0);
}

static int
e_ptrace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
e_vm_read(void)
{
	char buf[8];
	struct iovec l = {buf, sizeof(buf)}, r = {probe_secret, sizeof(buf)};

	return (int)process_vm_readv(getppid(), &l, 1, &r, 1, 0);
}

static int
e_vm_write(void)
{
	char buf[8] = "";
	struct iovec l = {buf, sizeof(buf)}, r = {probe_made, sizeof(buf)};

	return (int)process_vm_writev(getppid(), &l, 1, &r, 1, 0);
}

static int
e_pidfd(void)
{
	return (int)syscall(SYS_pidfd_open, getppid(), 0);
}

static int
e_pidfd_getfd(void)
{
	return (int)syscall(SYS_pidfd_getfd, probe_tcp, 0, 0);
}

static int
e_kill(void)
{
	return kill(getppid(), 0);
}

static int
e_kill_init(void)
{
	return kill(1, 0);
}

static int
e_tgkill(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int
e_prlimit(void)
{
	struct rlimit rl;

	return prlimit(getppid(), RLIMIT_NOFILE, NULL, &rl);
}

static int
e_affinity(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(getppid(), sizeof(set), &set);
}

/* Rights. */

static int
e_setuid(void)
{
	return setuid(getuid());
}

static int
e_setresuid(void)
{
	return setresuid(0, 0, 0);
}

static int
e_setgroups(void)
{
	gid_t none[1] = {0};

	return setgroups(1, none);
}

static int
e_chroot(void)
{
	return chroot(".");
}

static int
e_capset(void)
{
	return (int)syscall(SYS_capset, NULL, NULL);
}

static int
e_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int
e_personality(void)
{
	return (int)syscall(SYS_personality, 0x0400000);
}

static int
e_listener(void)
{
	struct {
		unsigned short len;
		void *code;
	} prog = {0, NULL};

	/* SECCOMP_FILTER_FLAG_NEW_LISTENER */
	return (int)syscall(SYS_seccomp, 1, 8, &prog);
}

/* Sockets. */

static int
e_socket_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
e_socket_inet6(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0);
}

static int
e_socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
e_socket_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int
e_socket_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int
e_socket_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int
e_socket_alg(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static int
e_connect(void)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(9);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(probe_tcp, (struct sockaddr *)&sin, sizeof(sin)) == 0 ||
		errno == ECONNREFUSED ?
	    0 :
	    -1;
}

static int
e_bind(void)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(probe_tcp, (struct sockaddr *)&sin, sizeof(sin));
}

static int
e_listen(void)
{
	return listen(probe_tcp, 1);
}

static int
e_accept(void)
{
	return accept4(probe_tcp, NULL, NULL, 0) != -1 || errno == EINVAL ? 0 :
									    -1;
}

static int
e_sendto(void)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(9);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (int)sendto(
	    probe_udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin));
}

static int
e_abstract(void)
{
	return connect(probe_local, (struct sockaddr *)&probe_abstract,
	    sizeof(probe_abstract));
}

static int
e_filter_socket(void)
{
	char prog[16] = "";

	return setsockopt(probe_tcp, SOL_SOCKET, SO_ATTACH_FILTER, prog,
		   sizeof(prog)) == 0 ||
		errno == EINVAL ?
	    0 :
	    -1;
}

/* Code. */

static int
map(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		MAP_FAILED ?
	    -1 :
	    0;
}

static int
e_mmap_wx(void)
{
	return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int
e_mmap_x(void)
{
	return map(PROT_READ | PROT_EXEC);
}

static int
e_mprotect_x(void)
{
	void *p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
e_pkey_mprotect(void)
{
	void *p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	return (int)syscall(
	    SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_EXEC, -1);
}

static int
e_memfd(void)
{
	return (int)syscall(SYS_memfd_create, "x", 0);
}

/* The kernel's larger doors. */

static int
e_io_uring(void)
{
	char params[120] = "";

	return (int)syscall(SYS_io_uring_setup, 1, params);
}

static int
e_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int
e_userfaultfd(void)
{
	return (int)syscall(SYS_userfaultfd, 0);
}

static int
e_perf(void)
{
	return (int)syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0);
}

static int
e_keyctl(void)
{
	return (int)syscall(SYS_keyctl, 0, -3, 1);
}

static int
e_mount(void)
{
	return mount("none", ".", "tmpfs", 0, NULL);
}

static int
e_handle(void)
{
	return (int)syscall(SYS_open_by_handle_at, 0, NULL, 0);
}

static int
e_module(void)
{
	return (int)syscall(SYS_init_module, NULL, 0, "");
}

static int
e_tiocsti(void)
{
	char c = 'x';

	return ioctl(0, TIOCSTI, &c) == 0 || errno == EFAULT ? 0 : -1;
}

/* High bits that the kernel does not look at. */
static int
e_tiocsti_high(void)
{
	char c = 'x';

	return (int)syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, &c);
}

static int
e_unknown(void)
{
	return (int)syscall(2000);
}

#ifdef __x86_64__
static int
e_x32(void)
{
	return (int)syscall(0x40000000 | SYS_getpid);
}

/* getpid, by the numbers of 32-bit programs */
static int
e_int80(void)
{
	int res;

	__asm__ volatile("int $0x80"
			 : "=a"(res)
			 : "a"(20)
			 : "memory", "r8", "r9", "r10", "r11");
	return res;
}

static int
e_iopl(void)
{
	return (int)syscall(SYS_iopl, 3);
}

static int
e_ldt(void)
{
	return (int)syscall(SYS_modify_ldt, 0, NULL, 0);
}
#endif

const struct probe probes_system[] = {
    {"execve", e_exec, 0},
    {"execveat", e_execveat, 0},
    {"fork", e_fork, HAS_PROC},
    {"clone, new user", e_clone_user, 0},
    {"clone3", e_clone3, 0},
    {"thread", e_thread, 0},
    {"unshare", e_unshare, 0},
    {"setns", e_setns, 0},
    {"ptrace", e_ptrace, 0},
    {"process_vm_readv", e_vm_read, 0},
    {"process_vm_writev", e_vm_write, 0},
    {"pidfd_open", e_pidfd, 0},
    {"pidfd_getfd", e_pidfd_getfd, 0},
    {"kill", e_kill, 0},
    {"kill init", e_kill_init, 0},
    {"tgkill", e_tgkill, 0},
    {"prlimit of another", e_prlimit, 0},
    {"sched_setaffinity", e_affinity, 0},
    {"setuid", e_setuid, 0},
    {"setresuid", e_setresuid, 0},
    {"setgroups", e_setgroups, 0},
    {"chroot", e_chroot, 0},
    {"capset", e_capset, 0},
    {"dumpable again", e_dumpable, 0},
    {"personality", e_personality, 0},
    {"seccomp listener", e_listener, 0},
    {"socket inet", e_socket_inet, HAS_INET},
    {"socket inet6", e_socket_inet6, HAS_INET},
    {"socket unix", e_socket_unix, 0},
    {"socket netlink", e_socket_netlink, 0},
    {"socket packet", e_socket_packet, 0},
    {"socket vsock", e_socket_vsock, 0},
    {"socket alg", e_socket_alg, 0},
    {"connect", e_connect, HAS_INET},
    {"bind", e_bind, HAS_INET},
    {"listen", e_listen, HAS_INET},
    {"accept", e_accept, HAS_INET},
    {"sendto", e_sendto, HAS_INET},
    {"abstract socket", e_abstract, 0},
    {"socket filter", e_filter_socket, 0},
    {"mmap W|X", e_mmap_wx, 0},
    {"mmap X", e_mmap_x, 0},
    {"mprotect X", e_mprotect_x, 0},
    {"pkey_mprotect X", e_pkey_mprotect, 0},
    {"memfd", e_memfd, 0},
    {"io_uring", e_io_uring, 0},
    {"bpf", e_bpf, 0},
    {"userfaultfd", e_userfaultfd, 0},
    {"perf_event_open", e_perf, 0},
    {"keyctl", e_keyctl, 0},
    {"mount", e_mount, 0},
    {"open_by_handle_at", e_handle, 0},
    {"init_module", e_module, 0},
    {"TIOCSTI", e_tiocsti, 0},
    {"TIOCSTI, high bits", e_tiocsti_high, 0},
    {"an unknown call", e_unknown, 0},
#ifdef __x86_64__
    {"x32 number", e_x32, 0},
    {"int 0x80", e_int80, 0},
    {"iopl", e_iopl, 0},
    {"modify_ldt", e_ldt, 0},
#endif
};

const size_t n_probes_system = sizeof(probes_system) / sizeof(probes_system[0]);
