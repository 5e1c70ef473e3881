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
 * libproc as a whole: a small daemon is started, used, wounded and stopped.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "daemon.h"
#include "msg.h"

#define TRIES 500

static void
pause_ms(int ms)
{
	struct timespec ts = {0, ms * 1000000};

	(void)nanosleep(&ts, NULL);
}

static int
number(const char *line, const char *key)
{
	const char *p;

	p = strstr(line, key);
	ATF_REQUIRE_MSG(p != NULL, "no %s in %s", key, line);
	return atoi(p + strlen(key));
}

static uint32_t
pid_of(const char *role, uint32_t instance)
{
	struct process p[PROCESSES_MAX];
	int n;

	for (int t = 0; t < TRIES; t++) {
		n = ctl_processes("mini", p);
		for (int i = 0; i < n; i++) {
			if (strcmp(p[i].role, role) == 0 &&
			    p[i].instance == instance)
				return p[i].pid;
		}
		pause_ms(10);
	}
	atf_tc_fail("no %s %u", role, instance);
}

/* A word of /proc/PID/status. */
static void
status_of(uint32_t pid, const char *key, char *buf, size_t size)
{
	char path[64], line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "r");
	ATF_REQUIRE(f != NULL);
	buf[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0 &&
		    line[strlen(key)] == ':')
			(void)snprintf(buf, size, "%s", line + strlen(key) + 2);
	}
	(void)fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

/* Waits for at least one. */
static uint32_t
restarts_seen(void)
{
	struct process p[PROCESSES_MAX];
	uint32_t restarts;

	restarts = 0;
	for (int t = 0; t < TRIES && restarts == 0; t++) {
		pause_ms(10);
		if (ctl_processes("mini", p) != 4)
			continue;
		for (int i = 0; i < 4; i++)
			restarts += p[i].restarts;
	}
	return restarts;
}

ATF_TC_WITHOUT_HEAD(serves);
ATF_TC_BODY(serves, tc)
{
	char line[256];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK_EQ(1, number(line, "generation="));
	ATF_CHECK_EQ(1, number(line, "wires="));
	ATF_CHECK_EQ(7, number(line, "listener="));
	ATF_CHECK(strstr(line, "peer=127.0.0.1 ") != NULL);
	ATF_CHECK(client_ask("mini", "b", line, sizeof(line)));
	ATF_CHECK(strstr(line, "file=yes") != NULL);
	/* This very connection is open. */
	ATF_CHECK_EQ(1, number(line, "watched="));
	ATF_CHECK_EQ(2, number(line, "opened="));
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC_WITHOUT_HEAD(processes);
ATF_TC_BODY(processes, tc)
{
	struct process p[PROCESSES_MAX];
	char word[128], wanted[128];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	ATF_REQUIRE_EQ(4, ctl_processes("mini", p));
	ATF_CHECK_STREQ("mini", p[0].role);
	ATF_CHECK_EQ((uint32_t)pid, p[0].pid);
	for (int i = 0; i < 4; i++) {
		status_of(p[i].pid, "NoNewPrivs", word, sizeof(word));
		ATF_CHECK_STREQ("1", word);
		status_of(p[i].pid, "Seccomp", word, sizeof(word));
		ATF_CHECK_STREQ("2", word);
		if (i == 0)
			continue;
		status_of(p[i].pid, "CapEff", word, sizeof(word));
		ATF_CHECK_STREQ("0000000000000000", word);
		status_of(p[i].pid, "Groups", word, sizeof(word));
		if (geteuid() == 0)
			ATF_CHECK_STREQ(
			    "", strtok(word, " ") == NULL ? "" : word);
		status_of(p[i].pid, "Uid", word, sizeof(word));
		(void)snprintf(wanted, sizeof(wanted), "%u\t%u\t%u\t%u",
		    p[i].uid, p[i].uid, p[i].uid, p[i].uid);
		ATF_CHECK_STREQ(wanted, word);
		if (geteuid() == 0)
			ATF_CHECK_EQ(i == 1 ? 50001 : 50002, p[i].uid);
	}
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC(roots);
ATF_TC_HEAD(roots, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
	atf_tc_set_md_var(tc, "descr", "each role is in its root directory");
}
ATF_TC_BODY(roots, tc)
{
	char path[64], link[1024], cwd[1024], wanted[1100];
	ssize_t n;
	pid_t pid;

	pid = daemon_start(tc, NULL);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%u/root",
		    pid_of(i == 0 ? "mini-back" : "mini-front", 0));
		n = readlink(path, link, sizeof(link) - 1);
		ATF_REQUIRE(n > 0);
		link[n] = '\0';
		(void)snprintf(wanted, sizeof(wanted), "%s/%s", cwd,
		    i == 0 ? "base" : "run/empty");
		ATF_CHECK_STREQ(wanted, link);
	}
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC_WITHOUT_HEAD(killed_comes_back);
ATF_TC_BODY(killed_comes_back, tc)
{
	char line[256];
	uint32_t old;
	pid_t pid;

	pid = daemon_start(tc, NULL);
	old = pid_of("mini-back", 0);
	ATF_REQUIRE(kill((pid_t)old, SIGKILL) == 0);
	for (int i = 0; i < TRIES && pid_of("mini-back", 0) == old; i++)
		pause_ms(10);
	ATF_CHECK(pid_of("mini-back", 0) != old);
	/* The surviving fronts have a wire to the new one. */
	for (int i = 0; i < 4; i++) {
		ATF_CHECK(client_ask("mini", "b", line, sizeof(line)));
		ATF_CHECK_EQ(
		    pid_of("mini-back", 0), (uint32_t)number(line, "pid="));
	}
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

/* The others go on; the dead one's connections are counted out. */
ATF_TC_WITHOUT_HEAD(front_dies);
ATF_TC_BODY(front_dies, tc)
{
	char line[256];
	pid_t pid;
	int a, b;

	pid = daemon_start(tc, NULL);
	a = client_open("mini", "s");
	b = client_open("mini", "s");
	/* They went to different instances. */
	ATF_CHECK(client_ask("mini", "b", line, sizeof(line)));
	ATF_CHECK_EQ(3, number(line, "watched="));
	ATF_CHECK(!client_ask("mini", "x", line, sizeof(line)));
	for (int i = 0; i < TRIES; i++) {
		if (client_ask("mini", "b", line, sizeof(line)) &&
		    number(line, "watched=") == 2)
			break;
		pause_ms(10);
	}
	ATF_CHECK_EQ(2, number(line, "watched="));
	(void)close(a);
	(void)close(b);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC_WITHOUT_HEAD(breach_is_killed);
ATF_TC_BODY(breach_is_killed, tc)
{
	char line[256];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	ATF_CHECK(!client_ask("mini", "k", line, sizeof(line)));
	ATF_CHECK_STREQ("", line);
	ATF_CHECK_EQ(1, restarts_seen());
	ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

/* Every line, in order, and the end after the last of them. */
ATF_TC_WITHOUT_HEAD(says_much);
ATF_TC_BODY(says_much, tc)
{
	char line[256];
	FILE *f;
	pid_t pid;
	int err, fd, seen = 0, ended = 0;

	err = dup(STDERR_FILENO);
	fd = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ATF_REQUIRE(err != -1 && fd != -1);
	ATF_REQUIRE(dup2(fd, STDERR_FILENO) != -1);
	pid = daemon_start(tc, NULL);
	ATF_REQUIRE(dup2(err, STDERR_FILENO) != -1);
	ATF_CHECK(!client_ask("mini", "l", line, sizeof(line)));
	ATF_CHECK_EQ(1, restarts_seen());
	ATF_CHECK_EQ(0, daemon_stop(pid));
	ATF_REQUIRE((f = fopen("log", "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, " line=") != NULL)
			ATF_CHECK_EQ(seen++, number(line, " line="));
		else if (strstr(line, "ended status=3") != NULL) {
			ATF_CHECK_EQ(180, seen);
			ended++;
		}
	}
	ATF_CHECK_EQ(180, seen);
	ATF_CHECK_EQ(1, ended);
	(void)fclose(f);
	(void)close(fd);
	(void)close(err);
}

/* A role that says what it may not is killed, and started again. */
ATF_TC_WITHOUT_HEAD(nonsense_is_killed);
ATF_TC_BODY(nonsense_is_killed, tc)
{
	char line[256];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	/* What it says of connections that it has not is not believed. */
	ATF_CHECK(client_ask("mini", "u", line, sizeof(line)));
	ATF_CHECK(!client_ask("mini", "m", line, sizeof(line)));
	ATF_CHECK_EQ(1, restarts_seen());
	ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

/* Four of one source, five in all: one more is closed at once. */
ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	char line[256];
	pid_t pid;
	int fd[4], other, surplus;

	pid = daemon_start(tc, NULL);
	for (int i = 0; i < 4; i++)
		fd[i] = client_open("mini", "s");
	ATF_CHECK(!client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK(!client_ask("mini", "p", line, sizeof(line)));
	other = client_open_from("mini", "", "127.0.0.2");
	surplus = client_open_from("mini", "p", "127.0.0.2");
	ATF_CHECK(!client_line(surplus, line, sizeof(line)));
	ATF_REQUIRE(send(other, "p", 1, MSG_NOSIGNAL) == 1);
	ATF_CHECK(client_line(other, line, sizeof(line)));
	ATF_CHECK(strstr(line, "peer=127.0.0.2 ") != NULL);
	(void)close(other);
	(void)close(surplus);
	(void)close(fd[0]);
	for (int i = 0; i < TRIES; i++) {
		if (client_ask("mini", "p", line, sizeof(line)))
			break;
		pause_ms(10);
	}
	ATF_CHECK(strstr(line, "instance=") != NULL);
	for (int i = 1; i < 4; i++)
		(void)close(fd[i]);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

/* Three a minute of one source, others not counted. */
ATF_TC_WITHOUT_HEAD(rate);
ATF_TC_BODY(rate, tc)
{
	char line[256];
	pid_t pid;
	FILE *f;
	int fd;

	f = fopen("rate", "w");
	ATF_REQUIRE(f != NULL && fprintf(f, "3\n") > 0 && fclose(f) == 0);
	pid = daemon_start(tc, NULL);
	for (int i = 0; i < 3; i++)
		ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK(!client_ask("mini", "p", line, sizeof(line)));
	fd = client_open_from("mini", "p", "127.0.0.2");
	ATF_CHECK(client_line(fd, line, sizeof(line)));
	(void)close(fd);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC_WITHOUT_HEAD(reload);
ATF_TC_BODY(reload, tc)
{
	char line[256], reason[256];
	int fd, keep;
	pid_t pid;

	pid = daemon_start(tc, NULL);
	keep = client_open("mini", "");
	fd = ctl_open("mini");
	ATF_REQUIRE(fd != -1);
	ATF_CHECK_EQ(
	    CTL_OK, ctl_request(fd, CTL_RELOAD, reason, sizeof(reason)));
	ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
	ATF_CHECK_EQ(2, number(line, "generation="));
	ATF_REQUIRE(kill(pid, SIGHUP) == 0);
	for (int i = 0; i < TRIES; i++) {
		ATF_CHECK(client_ask("mini", "p", line, sizeof(line)));
		if (number(line, "generation=") == 3)
			break;
		pause_ms(10);
	}
	ATF_CHECK_EQ(3, number(line, "generation="));
	/* A bad one is refused, with its reason, and changes nothing. */
	ATF_REQUIRE(close(open("bad", O_WRONLY | O_CREAT, 0600)) == 0);
	ATF_CHECK_EQ(
	    CTL_FAILED, ctl_request(fd, CTL_RELOAD, reason, sizeof(reason)));
	ATF_CHECK_STREQ("the file is bad", reason);
	/* The session from before the reloads still lives. */
	ATF_REQUIRE(send(keep, "p", 1, MSG_NOSIGNAL) == 1);
	ATF_CHECK(client_line(keep, line, sizeof(line)));
	ATF_CHECK_EQ(3, number(line, "generation="));
	(void)close(keep);
	(void)close(fd);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

static int
ctl_connect(int fd, const char *role, uint32_t instance, int give)
{
	struct msgout *out;
	struct msg m;
	int result;

	out = msg_new_fd(fd, CTL_CONNECT, 9);
	msg_put_str(out, role);
	msg_put_u32(out, instance);
	msg_put_fd(out, give);
	ATF_REQUIRE(msg_send_wait(out, 1000) == 1);
	ATF_REQUIRE(msg_recv_wait(fd, &m, 1000) == 1);
	result = msg_get_u8(&m);
	msg_done(&m);
	return result;
}

ATF_TC_WITHOUT_HEAD(control);
ATF_TC_BODY(control, tc)
{
	struct msg m;
	char reason[256];
	int fd, pair[2];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	fd = ctl_open("mini");
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE(wire_pair(pair) == 0);
	ATF_CHECK_EQ(CTL_OK, ctl_connect(fd, "mini-front", 1, pair[1]));
	ATF_REQUIRE(msg_recv_wait(pair[0], &m, 5000) == 1);
	ATF_CHECK_EQ(99, m.type);
	ATF_CHECK_EQ(geteuid(), msg_get_u32(&m));
	ATF_CHECK_EQ(1, msg_get_u32(&m));
	msg_done(&m);
	ATF_CHECK_EQ(CTL_NONE, ctl_connect(fd, "mini-front", 2, dup(pair[0])));
	/* Not open to tools. */
	ATF_CHECK_EQ(CTL_NONE, ctl_connect(fd, "mini-back", 0, dup(pair[0])));
	ATF_CHECK_EQ(
	    CTL_INVALID, ctl_request(fd, CTL_CONNECT, reason, sizeof(reason)));
	ATF_CHECK_EQ(CTL_INVALID, ctl_request(fd, 77, reason, sizeof(reason)));
	ATF_CHECK_EQ(CTL_OK, ctl_request(fd, CTL_STOP, reason, sizeof(reason)));
	ATF_CHECK_EQ(0, daemon_wait(pid));
}

/* Sixteen may be connected; the next is closed. */
ATF_TC_WITHOUT_HEAD(control_limit);
ATF_TC_BODY(control_limit, tc)
{
	char reason[256];
	struct msg m;
	int fd[CTL_CLIENTS_MAX + 1];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	for (int i = 0; i <= CTL_CLIENTS_MAX; i++) {
		fd[i] = ctl_open("mini");
		ATF_REQUIRE(fd[i] != -1);
	}
	ATF_CHECK_EQ(
	    CTL_INVALID, ctl_request(fd[0], 77, reason, sizeof(reason)));
	ATF_CHECK(msg_recv_wait(fd[CTL_CLIENTS_MAX], &m, 5000) != 1);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

ATF_TC_WITHOUT_HEAD(second_is_refused);
ATF_TC_BODY(second_is_refused, tc)
{
	char cwd[1024], path[1100];
	pid_t pid, second;

	pid = daemon_start(tc, NULL);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(path, sizeof(path), "%s/mini_daemon",
	    atf_tc_get_config_var(tc, "srcdir"));
	second = fork();
	if (second == 0) {
		(void)execl(path, path, cwd, (char *)NULL);
		_exit(127);
	}
	ATF_CHECK_EQ(1, daemon_wait(second));
	daemon_ready("mini");
	/* One that was killed leaves its sockets; the next takes them. */
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	ATF_CHECK_EQ(-1, daemon_wait(pid));
	pid = daemon_start(tc, NULL);
	ATF_CHECK_EQ(0, daemon_stop(pid));
}

/* Whose parent dies, dies. */
ATF_TC_WITHOUT_HEAD(parent_dies);
ATF_TC_BODY(parent_dies, tc)
{
	uint32_t role;
	pid_t pid;

	pid = daemon_start(tc, NULL);
	role = pid_of("mini-front", 0);
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	ATF_CHECK_EQ(-1, daemon_wait(pid));
	for (int i = 0; i < TRIES && kill((pid_t)role, 0) == 0; i++)
		pause_ms(10);
	ATF_CHECK_EQ(-1, kill((pid_t)role, 0));
}

ATF_TC_WITHOUT_HEAD(cannot_start);
ATF_TC_BODY(cannot_start, tc)
{
	char cwd[1024], path[1100];
	pid_t pid;

	pid = daemon_start(tc, NULL);
	ATF_CHECK_EQ(0, daemon_stop(pid));
	ATF_REQUIRE(system("cp /bin/false libexec/mini-back") == 0);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(path, sizeof(path), "%s/mini_daemon",
	    atf_tc_get_config_var(tc, "srcdir"));
	pid = fork();
	if (pid == 0) {
		(void)execl(path, path, cwd, (char *)NULL);
		_exit(127);
	}
	ATF_CHECK_EQ(1, daemon_wait(pid));
}

/* Another daemon's role has a wire to ours, through any restart. */
ATF_TC_WITHOUT_HEAD(abroad);
ATF_TC_BODY(abroad, tc)
{
	char line[256];
	pid_t ours, theirs;
	uint32_t old;

	/* The asker comes first, and has to try again. */
	theirs = daemon_start(tc, "asks");
	ours = daemon_start(tc, NULL);
	for (int i = 0; i < TRIES; i++) {
		if (client_ask("other", "a", line, sizeof(line)) &&
		    strstr(line, "pid=") != NULL)
			break;
		pause_ms(10);
	}
	ATF_CHECK_EQ(pid_of("mini-back", 0), (uint32_t)number(line, "pid="));
	old = pid_of("mini-back", 0);
	ATF_REQUIRE(kill((pid_t)old, SIGKILL) == 0);
	for (int i = 0; i < TRIES; i++) {
		if (pid_of("mini-back", 0) != old &&
		    client_ask("other", "a", line, sizeof(line)) &&
		    strstr(line, "pid=") != NULL)
			break;
		pause_ms(10);
	}
	ATF_CHECK_EQ(pid_of("mini-back", 0), (uint32_t)number(line, "pid="));
	/* And the whole daemon anew. */
	ATF_CHECK_EQ(0, daemon_stop(ours));
	ours = daemon_start(tc, NULL);
	for (int i = 0; i < TRIES; i++) {
		if (client_ask("other", "a", line, sizeof(line)) &&
		    strstr(line, "pid=") != NULL)
			break;
		pause_ms(10);
	}
	ATF_CHECK_EQ(pid_of("mini-back", 0), (uint32_t)number(line, "pid="));
	ATF_CHECK_EQ(0, daemon_stop(ours));
	ATF_CHECK_EQ(0, daemon_stop(theirs));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, serves);
	ATF_TP_ADD_TC(tp, processes);
	ATF_TP_ADD_TC(tp, roots);
	ATF_TP_ADD_TC(tp, killed_comes_back);
	ATF_TP_ADD_TC(tp, front_dies);
	ATF_TP_ADD_TC(tp, breach_is_killed);
	ATF_TP_ADD_TC(tp, says_much);
	ATF_TP_ADD_TC(tp, nonsense_is_killed);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, rate);
	ATF_TP_ADD_TC(tp, reload);
	ATF_TP_ADD_TC(tp, control);
	ATF_TP_ADD_TC(tp, control_limit);
	ATF_TP_ADD_TC(tp, second_is_refused);
	ATF_TP_ADD_TC(tp, parent_dies);
	ATF_TP_ADD_TC(tp, cannot_start);
	ATF_TP_ADD_TC(tp, abroad);
	return atf_no_error();
}
