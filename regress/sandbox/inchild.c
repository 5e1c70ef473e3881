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
 * Probes in children of their own.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#include "inchild.h"

#define NOBODY 65534

static int run_child(int (*)(const void *), const void *, int);

int
run(int (*fn)(const void *), const void *arg)
{
	return run_child(fn, arg, 0);
}

int
run_as_user(int (*fn)(const void *), const void *arg)
{
	return run_child(fn, arg, 1);
}

static int
run_child(int (*fn)(const void *), const void *arg, int drop)
{
	struct rlimit none = {0, 0};
	pid_t pid;
	int status;

	(void)fflush(NULL);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		if (drop && geteuid() == 0 &&
		    (setgroups(0, NULL) == -1 ||
			setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
			setresuid(NOBODY, NOBODY, NOBODY) == -1))
			_exit(99);
		_exit(fn(arg));
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		return KILLED_BY(WTERMSIG(status));
	return WEXITSTATUS(status);
}
