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
 * Each promise: what it must let through, and what dies without it.  A child
 * that only computes must survive, or "everything dies" would pass.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "../../sandbox/inchild.h"
#include "msg.h"

#define OK 17 /* what a probe that got through returns */

struct probe {
	const char *name;
	int (*call)(void);
	const char *with;    /* promises with which it works */
	const char *without; /* and with which it kills */
};

static int pair[2], udp = -1, file = -1;

static int
c_compute(void)
{
	char text[64];
	int *list;

	list = calloc(1000000, sizeof(*list));
	if (list == NULL)
		return 1;
	for (int i = 0; i < 1000000; i++)
		list[i] = i % 1003;
	(void)snprintf(text, sizeof(text), "%.3f %d", 3.25, list[7]);
	free(list);
	return OK;
}

static int
compare(const void *a, const void *b)
{
	const char *x = a, *y = b;

	return (unsigned char)*x - (unsigned char)*y;
}

/* Large enough that glibc asks sysinfo(2) whether to use memory. */
static int
c_qsort(void)
{
	static char list[40000][64];

	for (int i = 0; i < 40000; i++)
		list[i][0] = (char)(i * 31);
	qsort(list, 40000, 64, compare);
	return OK;
}

static int
c_sodium(void)
{
	unsigned char *p, random[32];

	p = sodium_malloc(64);
	if (p == NULL)
		return 1;
	randombytes_buf(random, sizeof(random));
	memcpy(p, random, 32);
	if (sodium_mprotect_noaccess(p) == -1 ||
	    sodium_mprotect_readonly(p) == -1)
		return 1;
	sodium_free(p);
	return OK;
}

static int
c_clocks(void)
{
	struct timespec ts = {0, 1000};
	struct itimerval it;
	struct tm tm;
	time_t t = 1000000000;

	memset(&it, 0, sizeof(it));
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		return 1;
	ts.tv_sec = 0;
	ts.tv_nsec = 1000;
	if (nanosleep(&ts, NULL) == -1 ||
	    setitimer(ITIMER_REAL, &it, NULL) == -1 ||
	    localtime_r(&t, &tm) == NULL)
		return 1;
	return OK;
}

/* fstat(2), though glibc's is a call by path. */
static int
c_fstat(void)
{
	struct stat st;

	return fstat(pair[0], &st) == 0 && S_ISSOCK(st.st_mode) ? OK : 1;
}

static int
c_isatty(void)
{
	return isatty(file) == 0 && errno == ENOTTY ? OK : 1;
}

static void
stop(int fd, short what, void *arg)
{
	(void)event_loopexit(NULL);
}

static int
c_libevent(void)
{
	struct timeval tv = {0, 1000};
	struct event ev, timer;

	event_set(&ev, pair[0], EV_READ, stop, NULL);
	evtimer_set(&timer, stop, NULL);
	if (event_add(&ev, NULL) == -1 || evtimer_add(&timer, &tv) == -1)
		return 1;
	if (write(pair[1], "x", 1) != 1)
		return 1;
	return event_dispatch() == -1 ? 1 : OK;
}

static int
c_libmsg(void)
{
	struct msgout *m;
	struct msg got;
	int fds[2], fd;

	if (wire_pair(fds) == -1)
		return 1;
	m = msg_new_fd(fds[0], 1, 1);
	msg_put_str(m, "text");
	msg_put_fd(m, dup(pair[0]));
	if (msg_send_wait(m, 1000) != 1 ||
	    msg_recv_wait(fds[1], &got, 1000) != 1)
		return 1;
	fd = msg_get_fd(&got);
	msg_done(&got);
	return fd != -1 && close(fd) == 0 ? OK : 1;
}

static int
c_descriptors(void)
{
	int p[2], n;

	if (pipe2(p, O_CLOEXEC) == -1 || fcntl(p[0], F_GETFL) == -1 ||
	    fcntl(p[0], F_SETFL, O_NONBLOCK) == -1 ||
	    ioctl(p[0], FIONREAD, &n) == -1 || dup2(p[0], 60) == -1)
		return 1;
	if (ftruncate(file, 10) == -1 || fsync(file) == -1 ||
	    compat_syncfs(file) == -1 || lseek(file, 0, SEEK_SET) == -1)
		return 1;
	closefrom(61);
	return OK;
}

static int
c_limits(void)
{
	struct rusage ru;
	struct rlimit rl;

	return getrlimit(RLIMIT_NOFILE, &rl) == 0 && getppid() > 0 &&
		getrusage(RUSAGE_SELF, &ru) == 0 ?
	    OK :
	    1;
}

static int
c_lowered(void)
{
	return pledge("stdio", NULL) == 0 ? OK : 1;
}

static int
c_open_read(void)
{
	return open("file", O_RDONLY) != -1 ? OK : 1;
}

static int
c_open_write(void)
{
	return open("file", O_WRONLY) != -1 ? OK : 1;
}

static int
c_open_truncate(void)
{
	return open("file", O_WRONLY | O_TRUNC) != -1 ? OK : 1;
}

static int
c_open_create(void)
{
	return open("new", O_WRONLY | O_CREAT, 0600) != -1 ? OK : 1;
}

static int
c_stat(void)
{
	struct stat st;

	return stat("file", &st) == 0 ? OK : 1;
}

static int
c_readdir(void)
{
	char buf[4096];
	int fd;

	fd = open(".", O_RDONLY | O_DIRECTORY);
	return fd != -1 && syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0 ?
	    OK :
	    1;
}

static int
c_truncate(void)
{
	return truncate("file", 0) == 0 ? OK : 1;
}

static int
c_mkdir(void)
{
	return mkdir("dir", 0700) == 0 && rmdir("dir") == 0 ? OK : 1;
}

static int
c_rename(void)
{
	return rename("file", "other") == 0 && rename("other", "file") == 0 ?
	    OK :
	    1;
}

static int
c_unlink(void)
{
	return unlink("nothing") == -1 && errno == ENOENT ? OK : 1;
}

static int
c_chmod(void)
{
	return chmod("file", 0600) == 0 && fchmod(file, 0600) == 0 ? OK : 1;
}

static int
c_fchmod(void)
{
	return fchmod(file, 0600) == 0 ? OK : 1;
}

static int
c_chown(void)
{
	return chown("file", (uid_t)-1, (gid_t)-1) == 0 ? OK : 1;
}

static int
c_utimens(void)
{
	return utimensat(AT_FDCWD, "file", NULL, 0) == 0 &&
		futimens(file, NULL) == 0 ?
	    OK :
	    1;
}

static int
c_flock(void)
{
	return flock(file, LOCK_EX) == 0 ? OK : 1;
}

static int
c_fcntl_lock(void)
{
	struct flock fl;

	memset(&fl, 0, sizeof(fl));
	fl.l_type = F_WRLCK;
	return fcntl(file, F_SETLK, &fl) == 0 ? OK : 1;
}

static int
c_fork(void)
{
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0)
		_exit(OK);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WEXITSTATUS(status);
}

static int
c_signal_other(void)
{
	pid_t pid;

	/* Ourselves without proc; a child with it. */
	pid = getppid();
	return kill(pid, 0) == 0 || errno == EPERM ? OK : 1;
}

static int
c_exec(void)
{
	char *argv[] = {strdup("true"), NULL}, *env[] = {NULL};

	(void)execve("/bin/true", argv, env);
	return 1;
}

static int
c_setuid(void)
{
	return setresuid(getuid(), getuid(), getuid()) == 0 ? OK : 1;
}

static int
c_setpriority(void)
{
	return setpriority(PRIO_PROCESS, 0, 3) == 0 ? OK : 1;
}

static int
c_setrlimit(void)
{
	struct rlimit rl;

	return getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
		setrlimit(RLIMIT_NOFILE, &rl) == 0 ?
	    OK :
	    1;
}

static int
c_inet(void)
{
	struct sockaddr_in sin;
	int discover = IP_PMTUDISC_DO;
	int fd, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover,
		sizeof(discover)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 1) == -1)
		return 1;
	return socket(AF_INET6, SOCK_DGRAM, 0) != -1 || errno == EAFNOSUPPORT ?
	    OK :
	    1;
}

static int
c_unix(void)
{
	struct sockaddr_un sun;
	int fd, c;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "sock.%d", (int)getpid());
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (fd == -1 || c == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 1) == -1)
		return 1;
	return connect(c, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? OK : 1;
}

static int
c_sendto(void)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(9);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sendto(udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)) ==
		1 ?
	    OK :
	    1;
}

static int
c_resolve(void)
{
	struct addrinfo hints, *ai;
	int fd;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	/* nscd and the list of addresses are not there, but nobody dies. */
	if (fd == -1 || socket(AF_UNIX, SOCK_STREAM, 0) != -1 ||
	    socket(AF_NETLINK, SOCK_RAW, 0) != -1)
		return 1;
	return getaddrinfo("127.0.0.1", NULL, &hints, &ai) == 0 ? OK : 1;
}

static int
c_unveil(void)
{
	if (unveil(".", "r") == -1 || pledge("stdio rpath", NULL) == -1)
		return 1;
	return open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES &&
		open("file", O_RDONLY) != -1 ?
	    OK :
	    1;
}

static const struct probe probes[] = {
    {"compute", c_compute, "stdio", NULL},
    {"qsort", c_qsort, "stdio", NULL},
    {"sodium", c_sodium, "stdio", NULL},
    {"clocks", c_clocks, "stdio", NULL},
    {"fstat", c_fstat, "stdio", NULL},
    {"isatty", c_isatty, "stdio", NULL},
    {"libevent", c_libevent, "stdio", NULL},
    {"libmsg", c_libmsg, "stdio sendfd recvfd", NULL},
    {"descriptors", c_descriptors, "stdio", NULL},
    {"limits", c_limits, "stdio", NULL},
    {"lowered", c_lowered, "stdio rpath", NULL},
    {"open for reading", c_open_read, "stdio rpath", "stdio fattr"},
    {"open for writing", c_open_write, "stdio wpath", "stdio rpath"},
    {"open with O_TRUNC", c_open_truncate, "stdio wpath", "stdio rpath"},
    {"open with O_CREAT", c_open_create, "stdio wpath cpath",
	"stdio rpath wpath"},
    {"open write-only without rpath", c_open_read, "stdio rpath wpath",
	"stdio wpath"},
    {"stat", c_stat, "stdio rpath", "stdio flock proc"},
    {"readdir", c_readdir, "stdio rpath", "stdio wpath cpath"},
    {"truncate", c_truncate, "stdio wpath", "stdio rpath cpath"},
    {"mkdir", c_mkdir, "stdio cpath", "stdio rpath wpath"},
    {"rename", c_rename, "stdio cpath", "stdio rpath wpath fattr"},
    {"unlink", c_unlink, "stdio cpath", "stdio rpath wpath fattr"},
    {"chmod", c_chmod, "stdio fattr", "stdio rpath wpath cpath"},
    {"fchmod", c_fchmod, "stdio fattr", "stdio rpath wpath cpath"},
    {"chown", c_chown, "stdio fattr", "stdio rpath wpath cpath"},
    {"utimens", c_utimens, "stdio fattr", "stdio rpath wpath cpath"},
    {"flock", c_flock, "stdio flock", "stdio rpath wpath cpath"},
    {"fcntl lock", c_fcntl_lock, "stdio flock", "stdio rpath wpath"},
    {"fork", c_fork, "stdio proc", "stdio rpath unveil id"},
    {"signal another", c_signal_other, "stdio proc", "stdio id"},
    {"setrlimit", c_setrlimit, "stdio proc", "stdio rpath"},
    {"setpriority", c_setpriority, "stdio proc", "stdio rpath id"},
    {"setuid", c_setuid, "stdio id", "stdio proc"},
    {"inet", c_inet, "stdio inet", "stdio unix"},
    {"unix", c_unix, "stdio unix rpath cpath", "stdio inet rpath cpath"},
    {"sendto", c_sendto, "stdio inet", "stdio"},
    {"resolve", c_resolve, "stdio dns rpath", "stdio rpath"},
    {"unveil", c_unveil, "stdio rpath unveil", NULL},
    {"exec", c_exec, "stdio rpath exec proc", "stdio rpath proc"},
};

#define N_PROBES (sizeof(probes) / sizeof(probes[0]))

static void
prepare(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	ATF_REQUIRE(sodium_init() != -1);
	ATF_REQUIRE(event_init() != NULL);
	tzset();
	ATF_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	ATF_REQUIRE(udp != -1 && file != -1);
}

static int
with(const void *arg)
{
	const struct probe *p = arg;

	return pledge(p->with, NULL) == -1 ? 98 : p->call();
}

static int
without(const void *arg)
{
	const struct probe *p = arg;

	return pledge(p->without, NULL) == -1 ? 98 : p->call();
}

ATF_TC(promises);
ATF_TC_HEAD(promises, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "every promise opens its calls, and only with it they live");
}
ATF_TC_BODY(promises, tc)
{
	int wanted;

	prepare();
	for (size_t i = 0; i < N_PROBES; i++) {
		/* exec ends with the status of true(1). */
		wanted = strcmp(probes[i].name, "exec") == 0 ? 0 : OK;
		ATF_CHECK_EQ_MSG(wanted, run(with, &probes[i]),
		    "%s with \"%s\": %d", probes[i].name, probes[i].with,
		    run(with, &probes[i]));
		if (probes[i].without == NULL)
			continue;
		ATF_CHECK_EQ_MSG(SANDBOX_KILL, run(without, &probes[i]),
		    "%s with \"%s\": %d", probes[i].name, probes[i].without,
		    run(without, &probes[i]));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, promises);
	return atf_no_error();
}
