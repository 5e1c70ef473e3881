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
 * What pledge(2) is by itself: promises only shrink, an assertion that fails
 * is no breach, and where there is no sandbox nothing starts.
 */

#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "../../sandbox/inchild.h"

#define OK 17 /* what a probe that got through returns */

static void
prepare(void)
{
	int fd;

	fd = open("file", O_RDWR | O_CREAT, 0600);
	ATF_REQUIRE(fd != -1);
	close(fd);
}

static int
abort_inside(const void *arg)
{
	if (pledge("stdio", NULL) == -1)
		return 98;
	abort();
}

/* A failed assertion must look like one, not like a breach. */
ATF_TC_WITHOUT_HEAD(abort_is_sigabrt);
ATF_TC_BODY(abort_is_sigabrt, tc)
{
	ATF_CHECK_EQ(KILLED_BY(SIGABRT), run(abort_inside, NULL));
}

static int
regain(const void *arg)
{
	if (pledge("stdio rpath", NULL) == -1)
		return 98;
	if (pledge("stdio wpath", NULL) != -1 || errno != EPERM)
		return 1;
	if (pledge("stdio", NULL) == -1)
		return 2;
	if (pledge("stdio rpath", NULL) != -1 || errno != EPERM)
		return 3;
	return pledge(NULL, NULL) == 0 ? OK : 4;
}

static int
unknown(const void *arg)
{
	if (pledge("stdio tmppath", NULL) != -1 || errno != EINVAL)
		return 1;
	if (pledge("stdio", "nonsense") != -1 || errno != EINVAL)
		return 2;
	/* Nothing was entered. */
	return open("/etc/passwd", O_RDONLY) != -1 ? OK : 3;
}

ATF_TC_WITHOUT_HEAD(only_less);
ATF_TC_BODY(only_less, tc)
{
	ATF_CHECK_EQ(OK, run(regain, NULL));
	ATF_CHECK_EQ(OK, run(unknown, NULL));
}

static int
second_round(const void *arg)
{
	if (pledge("stdio rpath proc", NULL) == -1 ||
	    pledge("stdio", NULL) == -1)
		return 98;
	(void)open("file", O_RDONLY);
	return 1;
}

static int
forked_round(const void *arg)
{
	pid_t pid;
	int status;

	if (pledge("stdio rpath proc", NULL) == -1)
		return 98;
	pid = fork();
	if (pid == -1)
		return 97;
	if (pid == 0) {
		if (pledge("stdio", NULL) == -1)
			_exit(96);
		(void)open("file", O_RDONLY);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGSYS)
		return 2;
	/* The parent has what it had. */
	return open("file", O_RDONLY) != -1 ? OK : 3;
}

ATF_TC_WITHOUT_HEAD(stages);
ATF_TC_BODY(stages, tc)
{
	prepare();
	ATF_CHECK_EQ(SANDBOX_KILL, run(second_round, NULL));
	ATF_CHECK_EQ(OK, run(forked_round, NULL));
}

static int
exec_promises(const void *arg)
{
	char *argv[] = {strdup("sh"), strdup("-c"), strdup(arg), NULL};
	char *env[] = {NULL};

	if (pledge("stdio rpath proc exec",
		"stdio rpath wpath cpath proc exec") == -1)
		return 98;
	(void)execve("/bin/sh", argv, env);
	return 97;
}

/* What an executed program may do, and not more. */
ATF_TC_WITHOUT_HEAD(execpromises);
ATF_TC_BODY(execpromises, tc)
{
	ATF_CHECK_EQ(0, run(exec_promises, "echo x > made"));
	ATF_CHECK_EQ(0, access("made", R_OK));
	/* The shell reports how its child died. */
	ATF_CHECK_EQ(
	    128 + SIGSYS, run(exec_promises, "chmod 600 made; exit $?"));
}

static int
killed_for(const void *arg)
{
	if (pledge("stdio", NULL) == -1)
		return 98;
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	return 1;
}

ATF_TC(audit);
ATF_TC_HEAD(audit, tc)
{
	atf_tc_set_md_var(tc, "descr", "the log names the forbidden call");
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(audit, tc)
{
	struct timespec ts = {6, 0};
	pid_t pid;
	int fd, status, number;

	fd = compat_audit_open();
	if (fd == -1)
		atf_tc_skip("the kernel's log cannot be read");
	number = -1;
	/* The kernel prints ten of these in five seconds, and no more. */
	for (int i = 0; i < 5 && number == -1; i++) {
		if (i > 0)
			(void)nanosleep(&ts, NULL);
		pid = fork();
		ATF_REQUIRE(pid != -1);
		if (pid == 0)
			_exit(killed_for(NULL));
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
		number = compat_audit_find(fd, pid);
	}
	ATF_CHECK_EQ(SYS_ptrace, number);
	ATF_CHECK_STREQ("ptrace", compat_syscall_name(SYS_ptrace));
	ATF_CHECK(compat_syscall_name(100000) == NULL);
}

/* A kernel without one of the two, as a filter can make it. */
static int
lacking(const void *arg)
{
	const int *number = arg;
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)*number, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {4, code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, 1, 0, &prog) == -1)
		return 98;
	if (pledge("stdio", NULL) != -1 || errno != ENOSYS)
		return 1;
	if (*number == SYS_landlock_create_ruleset &&
	    (unveil(".", "r") != -1 || errno != ENOSYS))
		return 2;
	compat_sandbox_best_effort(true);
	if (*number == SYS_landlock_create_ruleset && unveil(".", "r") != 0)
		return 7;
	if (pledge("stdio", NULL) != 0)
		return 3;
	if (compat_sandbox_missing() !=
	    (*number == SYS_seccomp ? SANDBOX_NO_SYSCALLS : SANDBOX_NO_FILES))
		return 4;
	/* The other half holds: killed, or refused. */
	if (*number == SYS_seccomp)
		return open("file", O_RDONLY) == -1 && errno == EACCES ? OK : 5;
	(void)open("file", O_RDONLY);
	return 6;
}

ATF_TC(fail_closed);
ATF_TC_HEAD(fail_closed, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a kernel without a part is refused, unless told otherwise");
}
ATF_TC_BODY(fail_closed, tc)
{
	int number;

	prepare();
	number = SYS_seccomp;
	ATF_CHECK_EQ(OK, run(lacking, &number));
	number = SYS_landlock_create_ruleset;
	ATF_CHECK_EQ(SANDBOX_KILL, run(lacking, &number));
}

static int
not_dumpable(const void *arg)
{
	struct rlimit rl;
	char path[64];

	if (compat_nodump() == -1 || getrlimit(RLIMIT_CORE, &rl) == -1 ||
	    rl.rlim_max != 0)
		return 98;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
	return open("/proc/self/mem", O_RDONLY) == -1 ? OK : 1;
}

ATF_TC_WITHOUT_HEAD(nodump);
ATF_TC_BODY(nodump, tc)
{
	ATF_CHECK_EQ(OK, run_as_user(not_dumpable, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, abort_is_sigabrt);
	ATF_TP_ADD_TC(tp, only_less);
	ATF_TP_ADD_TC(tp, stages);
	ATF_TP_ADD_TC(tp, execpromises);
	ATF_TP_ADD_TC(tp, audit);
	ATF_TP_ADD_TC(tp, fail_closed);
	ATF_TP_ADD_TC(tp, nodump);
	return atf_no_error();
}
