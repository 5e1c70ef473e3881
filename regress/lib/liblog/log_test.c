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
 * Lines: where they go, how long they get, what may stand in them.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

static char last[2 * LOG_LINE_MAX];
static int last_priority;
static int n_lines;

static void
note(int priority, const char *line, void *arg)
{
	ATF_CHECK(arg == &n_lines);
	last_priority = priority;
	n_lines++;
	(void)strlcpy(last, line, sizeof(last));
}

ATF_TC_WITHOUT_HEAD(sink);
ATF_TC_BODY(sink, tc)
{
	log_init("test", true, 0);
	log_sink(note, &n_lines);
	log_info("session id=%d peer=%s", 7, "127.0.0.1");
	ATF_CHECK_STREQ("session id=7 peer=127.0.0.1", last);
	ATF_CHECK_EQ(LOG_INFO, last_priority);
	errno = ENOENT;
	log_warn("open path=%s", "x");
	ATF_CHECK_STREQ("open path=x: No such file or directory", last);
	ATF_CHECK_EQ(LOG_WARNING, last_priority);
	ATF_CHECK_EQ(ENOENT, errno);
	log_warnx("odd");
	ATF_CHECK_STREQ("odd", last);
	ATF_CHECK_EQ(3, n_lines);
	log_debug("not said");
	ATF_CHECK_EQ(3, n_lines);
	log_verbose(1);
	ATF_CHECK_EQ(1, log_is_verbose());
	log_debug("said");
	ATF_CHECK_EQ(4, n_lines);
	ATF_CHECK_EQ(LOG_DEBUG, last_priority);
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	static char longtext[3 * LOG_LINE_MAX];

	log_init("test", true, 0);
	log_sink(note, &n_lines);
	for (size_t len = LOG_LINE_MAX - 3; len <= LOG_LINE_MAX + 3; len++) {
		memset(longtext, 'x', len);
		longtext[len] = '\0';
		errno = EPERM;
		log_warn("%s", longtext);
		ATF_CHECK_EQ(LOG_LINE_MAX - 1, strlen(last));
	}
	memset(longtext, 'x', sizeof(longtext) - 1);
	log_info("%s", longtext);
	ATF_CHECK_EQ(LOG_LINE_MAX - 1, strlen(last));
}

/* One event is one line, even where a caller forgot log_vis(). */
ATF_TC_WITHOUT_HEAD(one_line);
ATF_TC_BODY(one_line, tc)
{
	log_init("test", true, 0);
	log_sink(note, &n_lines);
	log_info("%s", "a\nJan 1 forged: line\r\x1b[2J\t\x7f");
	ATF_CHECK_STREQ("a?Jan 1 forged: line??[2J??", last);
}

static void
logging_sink(int priority, const char *line, void *arg)
{
	if (++n_lines < 100)
		log_warnx("the sink has failed");
}

ATF_TC_WITHOUT_HEAD(no_recursion);
ATF_TC_BODY(no_recursion, tc)
{
	log_init("test", true, 0);
	log_sink(logging_sink, NULL);
	log_info("one");
	ATF_CHECK_EQ(1, n_lines);
}

/* Runs in a child; what it writes to standard error. */
static int
stderr_of(void (*run)(void), char *buf, size_t size)
{
	ssize_t n;
	size_t len;
	pid_t pid;
	int p[2], status;

	ATF_REQUIRE_EQ(0, pipe(p));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		if (dup2(p[1], STDERR_FILENO) == -1)
			_exit(99);
		run();
		_exit(0);
	}
	(void)close(p[1]);
	for (len = 0; (n = read(p[0], buf + len, size - 1 - len)) > 0;)
		len += (size_t)n;
	buf[len] = '\0';
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
run_fatal(void)
{
	log_init("role", true, 0);
	errno = EIO;
	fatal("write fd=%d", 3);
}

static void
run_fatalx(void)
{
	log_init("role", true, 0);
	fatalx("impossible state=%d", 3);
}

static void
run_foreign(void)
{
	log_init("parent", true, 0);
	log_line(LOG_INFO, "imap-engine", "hello");
}

ATF_TC_WITHOUT_HEAD(to_stderr);
ATF_TC_BODY(to_stderr, tc)
{
	char buf[4096];

	ATF_CHECK_EQ(1, stderr_of(run_fatal, buf, sizeof(buf)));
	ATF_CHECK_STREQ("role: write fd=3: Input/output error\n", buf);
	ATF_CHECK_EQ(1, stderr_of(run_fatalx, buf, sizeof(buf)));
	ATF_CHECK_STREQ("role: impossible state=3\n", buf);
	ATF_CHECK_EQ(0, stderr_of(run_foreign, buf, sizeof(buf)));
	ATF_CHECK_STREQ("imap-engine: hello\n", buf);
}

ATF_TC_WITHOUT_HEAD(visible);
ATF_TC_BODY(visible, tc)
{
	const char *a, *b, *c, *d;
	char big[1000];

	ATF_CHECK_STREQ("-", log_vis(NULL));
	ATF_CHECK_STREQ("", log_vis(""));
	ATF_CHECK_STREQ("joe@example.org", log_vis("joe@example.org"));
	ATF_CHECK_STREQ("a\\040b\\075c\\012\\000", log_vis_len("a b=c\n\0", 7));
	ATF_CHECK_STREQ(
	    "\\134\\042\\047\\303\\244\\177", log_vis("\\\"'\xc3\xa4\x7f"));
	memset(big, 'x', sizeof(big));
	ATF_CHECK_EQ(200, strlen(log_vis_len(big, sizeof(big))));
	/* Never half an escape. */
	memset(big, '\n', sizeof(big));
	ATF_CHECK_EQ(200, strlen(log_vis_len(big, sizeof(big))));
	big[0] = 'x';
	ATF_CHECK_EQ(197, strlen(log_vis_len(big, sizeof(big))));
	/* Four in one line. */
	a = log_vis("1");
	b = log_vis("2");
	c = log_vis("3");
	d = log_vis("4");
	ATF_CHECK_STREQ("1", a);
	ATF_CHECK_STREQ("2", b);
	ATF_CHECK_STREQ("3", c);
	ATF_CHECK_STREQ("4", d);
}

ATF_TC_WITHOUT_HEAD(no_heap);
ATF_TC_BODY(no_heap, tc)
{
	struct mallinfo2 before, after;

	log_init("test", true, 1);
	log_sink(note, &n_lines);
	log_info("warm %s", log_vis("x"));
	before = mallinfo2();
	for (int i = 0; i < 1000; i++) {
		errno = EPERM;
		log_warn("line n=%d text=%s", i, log_vis("some text"));
	}
	after = mallinfo2();
	ATF_CHECK_EQ(before.uordblks, after.uordblks);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sink);
	ATF_TP_ADD_TC(tp, bounded);
	ATF_TP_ADD_TC(tp, one_line);
	ATF_TP_ADD_TC(tp, no_recursion);
	ATF_TP_ADD_TC(tp, to_stderr);
	ATF_TP_ADD_TC(tp, visible);
	ATF_TP_ADD_TC(tp, no_heap);
	return atf_no_error();
}
