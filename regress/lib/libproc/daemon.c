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
 * Starting mini_daemon and speaking with it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <atf-c.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "daemon.h"
#include "msg.h"

#define WAIT_MS 5000
#define TRIES 500 /* of 10 ms */

static void
pause_ms(int ms)
{
	struct timespec ts = {0, ms * 1000000};

	(void)nanosleep(&ts, NULL);
}

static void
prepare(const char *srcdir)
{
	char from[1024];

	if (access("libexec", F_OK) == 0)
		return;
	ATF_REQUIRE(chmod(".", 0755) == 0);
	ATF_REQUIRE(mkdir("libexec", 0755) == 0);
	ATF_REQUIRE(mkdir("base", 0755) == 0);
	ATF_REQUIRE(mkdir("base/data", 0777) == 0);
	ATF_REQUIRE(chmod("base/data", 0777) == 0);
	(void)snprintf(from, sizeof(from),
	    "cp %s/mini_role libexec/mini-front && "
	    "cp %s/mini_role libexec/mini-back",
	    srcdir, srcdir);
	ATF_REQUIRE(system(from) == 0);
}

pid_t
daemon_start(const atf_tc_t *tc, const char *asks)
{
	char path[1024], cwd[1024];
	const char *srcdir;
	pid_t pid;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	prepare(srcdir);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(path, sizeof(path), "%s/mini_daemon", srcdir);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		(void)execl(path, path, cwd, asks, (char *)NULL);
		_exit(127);
	}
	daemon_ready(asks != NULL ? "other" : "mini");
	return pid;
}

void
daemon_ready(const char *daemon)
{
	struct process p[PROCESSES_MAX];

	for (int i = 0; i < TRIES; i++) {
		if (ctl_processes(daemon, p) == 4)
			return;
		pause_ms(10);
	}
	atf_tc_fail("%s does not get ready", daemon);
}

int
daemon_wait(pid_t pid)
{
	int status;

	for (int i = 0; i < TRIES; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		pause_ms(10);
	}
	(void)kill(pid, SIGKILL);
	atf_tc_fail("the daemon does not end");
}

int
daemon_stop(pid_t pid)
{
	ATF_REQUIRE(kill(pid, SIGTERM) == 0);
	return daemon_wait(pid);
}

int
ctl_open(const char *daemon)
{
	struct sockaddr_un sun;
	int fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "run/%s.sock", daemon);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ATF_REQUIRE(fd != -1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
ctl_request(int fd, uint32_t type, char *reason, size_t size)
{
	struct msgout *out;
	struct msg m;
	int result;

	out = msg_new_fd(fd, type, 5);
	ATF_REQUIRE(msg_send_wait(out, WAIT_MS) == 1);
	ATF_REQUIRE(msg_recv_wait(fd, &m, WAIT_MS) == 1);
	ATF_CHECK_EQ(CTL_DONE, m.type);
	ATF_CHECK_EQ(5, m.id);
	result = msg_get_u8(&m);
	(void)msg_get_str(&m, reason, size);
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
	return result;
}

int
ctl_processes(const char *daemon, struct process p[PROCESSES_MAX])
{
	struct msgout *out;
	struct msg m;
	int fd, n, ok;

	fd = ctl_open(daemon);
	if (fd == -1)
		return -1;
	out = msg_new_fd(fd, CTL_PROCESSES, 1);
	ATF_REQUIRE(msg_send_wait(out, WAIT_MS) == 1);
	for (n = 0, ok = 1;; n++) {
		ATF_REQUIRE(msg_recv_wait(fd, &m, WAIT_MS) == 1);
		if (m.type != CTL_PROCESS || n == PROCESSES_MAX)
			break;
		(void)msg_get_str(&m, p[n].role, sizeof(p[n].role));
		p[n].instance = msg_get_u32(&m);
		p[n].pid = msg_get_u32(&m);
		p[n].uid = msg_get_u32(&m);
		p[n].restarts = msg_get_u32(&m);
		p[n].sandbox = msg_get_u8(&m);
		(void)msg_get_i64(&m);
		p[n].conns = msg_get_u32(&m);
		ATF_CHECK_EQ(0, msg_end(&m));
		if (p[n].pid == 0 || p[n].sandbox != 2)
			ok = 0;
		msg_done(&m);
	}
	ATF_CHECK_EQ(CTL_DONE, m.type);
	msg_done(&m);
	(void)close(fd);
	return ok ? n : -1;
}

int
client_open(const char *daemon, const char *letter)
{
	return client_open_from(daemon, letter, "127.0.0.1");
}

int
client_open_from(const char *daemon, const char *letter, const char *source)
{
	struct sockaddr_in sin, from;
	char path[64];
	FILE *f;
	int fd, port;

	(void)snprintf(path, sizeof(path), "%s.port", daemon);
	f = fopen(path, "r");
	ATF_REQUIRE(f != NULL && fscanf(f, "%d", &port) == 1);
	(void)fclose(f);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ATF_REQUIRE(fd != -1);
	memset(&from, 0, sizeof(from));
	from.sin_family = AF_INET;
	from.sin_addr.s_addr = inet_addr(source);
	ATF_REQUIRE(bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	ATF_REQUIRE(connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	(void)send(fd, letter, strlen(letter), MSG_NOSIGNAL);
	return fd;
}

int
client_line(int fd, char *buf, size_t size)
{
	struct pollfd pfd = {fd, POLLIN, 0};
	ssize_t n;

	buf[0] = '\0';
	ATF_REQUIRE_MSG(poll(&pfd, 1, WAIT_MS) == 1, "no answer");
	n = read(fd, buf, size - 1);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return 1;
}

int
client_ask(const char *daemon, const char *letter, char *buf, size_t size)
{
	int fd, res;

	fd = client_open(daemon, letter);
	res = client_line(fd, buf, size);
	(void)close(fd);
	return res;
}
