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
 * unveil(): each right alone, what lies outside, narrowing in rounds, and what
 * a program needs to be executed.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "../../sandbox/inchild.h"

#define OK 7
#define ALL "stdio rpath wpath cpath unveil"

static void
make_file(const char *path)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE(write(fd, "text", 4) == 4);
	ATF_REQUIRE(close(fd) == 0);
}

/* in/a, in/sub/b; out/c: only in is unveiled. */
static void
prepare(void)
{
	(void)umask(0);
	ATF_REQUIRE(mkdir("in", 0777) == 0 || errno == EEXIST);
	ATF_REQUIRE(mkdir("in/sub", 0777) == 0 || errno == EEXIST);
	ATF_REQUIRE(mkdir("out", 0777) == 0 || errno == EEXIST);
	make_file("in/a");
	make_file("in/sub/b");
	make_file("out/c");
}

static int
enter(const char *path, const char *perm)
{
	return unveil(path, perm) == -1 || pledge(ALL, NULL) == -1 ? -1 : 0;
}

/* True if the call failed as one outside must. */
static int
refused(int res)
{
	return res == -1 &&
	    (errno == EACCES || errno == EXDEV || errno == ENOENT);
}

static int
outside(const void *arg)
{
	if (enter("in", "rwc") == -1)
		return 98;
	if (!refused(open("out/c", O_RDONLY)))
		return 1;
	if (!refused(open("out/c", O_WRONLY)))
		return 2;
	if (!refused(open("in/../out/c", O_RDONLY)))
		return 3;
	if (!refused(open("out/new", O_WRONLY | O_CREAT, 0600)))
		return 4;
	if (!refused(unlink("out/c")))
		return 5;
	if (!refused(truncate("out/c", 0)))
		return 6;
	if (!refused(rename("out/c", "in/c")))
		return 8;
	if (!refused(rename("in/a", "out/a")))
		return 9;
	if (!refused(link("out/c", "in/c")))
		return 10;
	if (!refused(mkdir("out/d", 0700)))
		return 11;
	if (!refused(symlink("x", "out/s")))
		return 12;
	if (!refused(rmdir("out")))
		return 13;
	if (!refused(open(".", O_RDONLY | O_DIRECTORY)))
		return 14;
	return open("in/a", O_RDWR) != -1 ? OK : 15;
}

static int
through_symlink(const void *arg)
{
	if (enter("in", "rwc") == -1)
		return 98;
	if (symlink("../out/c", "in/way") == -1)
		return 97;
	if (!refused(open("in/way", O_RDONLY)))
		return 1;
	return unlink("in/way") == 0 ? OK : 2;
}

/* An open directory is no way around. */
static int
by_directory(const void *arg)
{
	int fd;

	fd = open("out", O_RDONLY | O_DIRECTORY);
	if (fd == -1 || enter("in", "rwc") == -1)
		return 98;
	return refused(openat(fd, "c", O_RDONLY)) ? OK : 1;
}

ATF_TC_WITHOUT_HEAD(outside_is_closed);
ATF_TC_BODY(outside_is_closed, tc)
{
	prepare();
	ATF_CHECK_EQ(OK, run(outside, NULL));
	ATF_CHECK_EQ(OK, run(through_symlink, NULL));
	ATF_CHECK_EQ(OK, run(by_directory, NULL));
	ATF_CHECK_EQ(OK, run_as_user(outside, NULL));
}

static int
only_read(const void *arg)
{
	if (enter("in", "r") == -1)
		return 98;
	if (open("in/sub/b", O_RDONLY) == -1 ||
	    open("in/sub", O_RDONLY | O_DIRECTORY) == -1)
		return 1;
	if (!refused(open("in/a", O_WRONLY)) || !refused(unlink("in/a")) ||
	    !refused(truncate("in/a", 0)) ||
	    !refused(open("in/new", O_WRONLY | O_CREAT, 0600)))
		return 2;
	return OK;
}

static int
only_write(const void *arg)
{
	if (enter("in", "w") == -1)
		return 98;
	if (open("in/a", O_WRONLY) == -1 || truncate("in/a", 1) == -1)
		return 1;
	if (!refused(open("in/a", O_RDONLY)) || !refused(unlink("in/a")) ||
	    !refused(mkdir("in/d", 0700)))
		return 2;
	return OK;
}

static int
only_create(const void *arg)
{
	if (enter("in", "c") == -1)
		return 98;
	if (mkdir("in/d", 0700) == -1 || rmdir("in/d") == -1 ||
	    rename("in/a", "in/sub/a") == -1 ||
	    rename("in/sub/a", "in/a") == -1 || link("in/a", "in/l") == -1 ||
	    unlink("in/l") == -1)
		return 1;
	if (!refused(open("in/a", O_RDONLY)) ||
	    !refused(open("in/a", O_WRONLY)))
		return 2;
	return OK;
}

static int
one_file(const void *arg)
{
	if (enter("in/a", "rwc") == -1)
		return 98;
	if (open("in/a", O_RDWR) == -1)
		return 1;
	return refused(open("in/sub/b", O_RDONLY)) ? OK : 2;
}

ATF_TC_WITHOUT_HEAD(each_right);
ATF_TC_BODY(each_right, tc)
{
	prepare();
	ATF_CHECK_EQ(OK, run(only_read, NULL));
	ATF_CHECK_EQ(OK, run(only_write, NULL));
	ATF_CHECK_EQ(OK, run(only_create, NULL));
	ATF_CHECK_EQ(OK, run(one_file, NULL));
}

static int
narrower(const void *arg)
{
	if (enter("in", "rwc") == -1)
		return 98;
	if (open("in/a", O_RDONLY) == -1)
		return 1;
	/* The second round, as a forked child does it. */
	if (unveil("in/sub", "r") == -1 || pledge("stdio rpath", NULL) == -1)
		return 2;
	if (!refused(open("in/a", O_RDONLY)))
		return 3;
	return open("in/sub/b", O_RDONLY) != -1 ? OK : 4;
}

static int
wider(const void *arg)
{
	if (enter("in/sub", "r") == -1)
		return 98;
	/* It may be named, but nothing comes back by it. */
	if (unveil("out", "rwc") == -1 || unveil("in/sub", "rwc") == -1 ||
	    unveil(NULL, NULL) == -1)
		return 1;
	if (!refused(open("out/c", O_RDONLY)) ||
	    !refused(open("in/sub/b", O_WRONLY)))
		return 2;
	return open("in/sub/b", O_RDONLY) != -1 ? OK : 3;
}

static int
given_up(const void *arg)
{
	if (unveil("in", "r") == -1 || pledge("stdio rpath", NULL) == -1)
		return 98;
	if (unveil("in/sub", "r") == -1)
		return 1;
	/* No more layers: refused here, killed if it were tried. */
	return pledge("stdio rpath", NULL) == -1 && errno == EPERM ? OK : 2;
}

ATF_TC_WITHOUT_HEAD(rounds);
ATF_TC_BODY(rounds, tc)
{
	prepare();
	ATF_CHECK_EQ(OK, run(narrower, NULL));
	ATF_CHECK_EQ(OK, run(wider, NULL));
	ATF_CHECK_EQ(OK, run(given_up, NULL));
}

static int
nothing(const void *arg)
{
	if (unveil(NULL, NULL) == -1 || pledge(ALL, NULL) == -1)
		return 98;
	return refused(open("in/a", O_RDONLY)) &&
		refused(open("/etc/passwd", O_RDONLY)) ?
	    OK :
	    1;
}

static int
errors(const void *arg)
{
	if (unveil("missing", "r") != -1 || errno != ENOENT)
		return 1;
	if (unveil("in", "rq") != -1 || errno != EINVAL)
		return 2;
	if (unveil("in", "") != -1 || errno != EINVAL)
		return 3;
	if (unveil("in", NULL) != -1 || errno != EINVAL)
		return 4;
	return open("out/c", O_RDONLY) != -1 ? OK : 5;
}

/* 32 paths fit, the 33rd does not. */
static int
many(const void *arg)
{
	for (int i = 0; i < 32; i++) {
		if (unveil("in", "r") == -1)
			return 1;
	}
	return unveil("in", "r") == -1 && errno == E2BIG ? OK : 2;
}

ATF_TC_WITHOUT_HEAD(edges);
ATF_TC_BODY(edges, tc)
{
	prepare();
	ATF_CHECK_EQ(OK, run(nothing, NULL));
	ATF_CHECK_EQ(OK, run(errors, NULL));
	ATF_CHECK_EQ(OK, run(many, NULL));
}

/* As a parent: programs of one folder, and the linker that loads them. */
static int
execute(const void *arg)
{
	char *argv[] = {strdup("true"), NULL}, *env[] = {NULL};
	const char *interpreter;

	interpreter = compat_interpreter();
	if (interpreter == NULL || unveil("/", "r") == -1 ||
	    unveil("bin", "rx") == -1 || unveil(interpreter, "rx") == -1 ||
	    pledge("stdio rpath proc exec", NULL) == -1)
		return 98;
	(void)execve(arg, argv, env);
	return errno == EACCES ? OK : 1;
}

ATF_TC_WITHOUT_HEAD(exec);
ATF_TC_BODY(exec, tc)
{
	ATF_REQUIRE(mkdir("bin", 0755) == 0);
	ATF_REQUIRE(system("cp /bin/true bin/true") == 0);
	ATF_CHECK_EQ(0, run(execute, "bin/true"));
	ATF_CHECK_EQ(OK, run(execute, "/bin/true"));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, outside_is_closed);
	ATF_TP_ADD_TC(tp, each_right);
	ATF_TP_ADD_TC(tp, rounds);
	ATF_TP_ADD_TC(tp, edges);
	ATF_TP_ADD_TC(tp, exec);
	return atf_no_error();
}
