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
 * Starts smtp-queue, smtp-relay and smtp-resolver as their parent would, and
 * is their engine: puts messages in, writes no reports but prints them.
 *	usage: outbox BIN-DIRECTORY QUEUE-DIRECTORY CONFIG
 *	       outbox roots (the file with those of the relay)
 * CONFIG: lines "forward ADDRESS@PORT", "anchors FILE", "route DOMAIN HOST PORT
 * TLS AUTH" (HOST -: by DNS), "tls N", "retry SECONDS", "lifetime SECONDS",
 * "warn SECONDS", "jobs N", "source 1" (it calls from 127.0.0.77).
 * Commands on standard input:
 *	send SENDER RCPT[,RCPT...] FILE [FLAGS [NOTIFY]]
 *	many N SENDER DOMAIN FILE (rcpt0@DOMAIN ...)
 *	wait SECONDS (until the queue is empty, at most so long)
 *	settle N SECONDS (until N are left and none of them is under way)
 *	sleep SECONDS
 *	reports N SECONDS (until so many have come)
 *	kill relay|queue (SIGKILL, and starts it again)
 *	mute 1|0 (says nothing of reports that it gets)
 *	memory (that the relay has of its own)
 *	clock (milliseconds)
 * Output: "queued", "report KIND RCPT STATUS TEXT", "empty", "left N", ...
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tls.h>

#include "msg.h"
#include "proc.h"
#include "proc_local.h"

#include "../../../../usr.sbin/sealsmtpd/queue_config.h"
#include "../../../../usr.sbin/sealsmtpd/queue_wire.h"
#include "../../../../usr.sbin/sealrelayd/relay_config.h"
#include "../../../../usr.sbin/sealrelayd/resolver_config.h"

#define WAIT_MS 20000
#define HEAD "Received: by outbox\r\n"

enum role { QUEUE, RELAY, RESOLVER, ROLES };

static const char *const names[] = {
    "smtp-queue", "smtp-relay", "smtp-resolver"};
static const char *const dirs[] = {
    "sealsmtpd/queue", "sealrelayd/relay", "sealrelayd/resolver"};
static const char *const promises[] = {
    "stdio rpath wpath cpath recvfd", "stdio recvfd inet", "stdio recvfd inet"};

static struct {
	pid_t pid;
	int fd;
} roles[ROLES];
static const char *bin, *base, *config;
static int engine = -1; /* our wire to the queue */
static bool mute;
static unsigned int reports; /* recipients that were told of */
static uint32_t next_id;

static void
send_ok(struct msgout *m)
{
	if (msg_send_wait(m, WAIT_MS) != 1)
		err(1, "send");
}

static void
start(enum role role)
{
	static struct proc_init init;
	struct msgout *m;
	struct msg in;
	char path[1024];
	int fds[2], log_fd;

	memset(&init, 0, sizeof(init));
	(void)snprintf(
	    path, sizeof(path), "%s/%s/%s", bin, dirs[role], names[role]);
	log_fd = open("/dev/null", O_RDWR);
	if (wire_pair(fds) == -1 || log_fd == -1)
		err(1, "wire");
	roles[role].pid = fork();
	if (roles[role].pid == -1)
		err(1, "fork");
	if (roles[role].pid == 0) {
		if (fds[1] != PROC_FD && dup2(fds[1], PROC_FD) == -1)
			_exit(126);
		(void)fcntl(PROC_FD, F_SETFD, 0);
		execl(path, names[role], (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	roles[role].fd = fds[0];
	(void)strlcpy(init.name, names[role], sizeof(init.name));
	init.uid = (uint32_t)getuid();
	init.gid = (uint32_t)getgid();
	(void)strlcpy(init.dir, role == QUEUE ? base : "/", sizeof(init.dir));
	init.nofile = 4096;
	(void)strlcpy(init.promises, promises[role], sizeof(init.promises));
	if (role == QUEUE) {
		init.n_paths = 1;
		(void)strlcpy(
		    init.paths[0].path, "queue", sizeof(init.paths[0].path));
		(void)strlcpy(
		    init.paths[0].perm, "rwc", sizeof(init.paths[0].perm));
	}
	m = msg_new_fd(roles[role].fd, PROC_INIT, 0);
	proc_init_put(m, &init);
	msg_put_fd(m, log_fd);
	send_ok(m);
	if (msg_recv_wait(roles[role].fd, &in, WAIT_MS) != 1 ||
	    in.type != PROC_READY || msg_get_u8(&in) != PROC_SANDBOX_FULL)
		errx(1, "%s is not ready in its sandbox", names[role]);
	msg_done(&in);
}

/* The number behind a word of the configuration. */
static unsigned int
setting(const char *word, unsigned int otherwise)
{
	char line[1024], w[32];
	unsigned int n;
	FILE *f;

	n = otherwise;
	f = fopen(config, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%31s", w) == 1 && strcmp(w, word) == 0)
			(void)sscanf(line, "%*s %u", &n);
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static void
configure_queue(void)
{
	static const uint8_t key[QUEUE_KEY_LEN] = "key";
	struct msgout *m;

	m = msg_new_fd(roles[QUEUE].fd, QUEUE_CONFIG_BASE, 0);
	msg_put_u32(m, setting("lifetime", 432000));
	msg_put_u32(m, setting("warn", 0));
	msg_put_u32(m, setting("retry", 1));
	msg_put_u32(m, setting("retry", 1) * 2);
	msg_put_u32(m, 5);
	msg_put_u64(m, 0);
	msg_put_u64(m, 0);
	msg_put_u8(m, 1);
	send_ok(m);
	m = msg_new_fd(roles[QUEUE].fd, QUEUE_CONFIG_KEY, 0);
	msg_put_raw(m, key, sizeof(key));
	send_ok(m);
}

static void
configure_relay(void)
{
	char line[1024], domain[256], host[256], auth[256];
	unsigned int port, tls;
	struct msgout *m;
	FILE *f;

	m = msg_new_fd(roles[RELAY].fd, RELAY_CONFIG_BASE, 0);
	msg_put_str(m, "out.example.org");
	msg_put_u8(m, (uint8_t)setting("tls", RELAY_TLS_MAY));
	msg_put_u32(m, setting("jobs", 50));
	msg_put_u8(m, 1);
	msg_put_str(m, setting("source", 0) != 0 ? "127.0.0.77" : "");
	msg_put_str(m, "");
	send_ok(m);
	f = fopen(config, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		auth[0] = '\0';
		if (sscanf(line, "route %255s %255s %u %u %255s", domain, host,
			&port, &tls, auth) < 4)
			continue;
		m = msg_new_fd(roles[RELAY].fd, RELAY_CONFIG_ROUTE, 0);
		msg_put_str(m, domain);
		msg_put_str(m, strcmp(host, "-") == 0 ? "" : host);
		msg_put_u16(m, (uint16_t)port);
		msg_put_u8(m, (uint8_t)tls);
		msg_put_str(m, auth);
		send_ok(m);
	}
	if (f != NULL)
		(void)fclose(f);
}

static void
anchors(const char *path)
{
	char line[RESOLVER_CONFIG_MAX];
	struct msgout *m;
	FILE *f;

	f = fopen(path, "r");
	if (f == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		m = msg_new_fd(roles[RESOLVER].fd, RESOLVER_CONFIG_ANCHOR, 0);
		msg_put_str(m, line);
		send_ok(m);
	}
	(void)fclose(f);
}

static void
configure(enum role role)
{
	char line[1024], word[1024];
	struct msgout *m;
	FILE *f;

	send_ok(msg_new_fd(roles[role].fd, PROC_RELOAD_BEGIN, 0));
	if (role == QUEUE)
		configure_queue();
	else if (role == RELAY)
		configure_relay();
	else {
		f = fopen(config, "r");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			if (sscanf(line, "anchors %1023s", word) == 1)
				anchors(word);
			if (sscanf(line, "forward %1023s", word) != 1)
				continue;
			m = msg_new_fd(
			    roles[role].fd, RESOLVER_CONFIG_FORWARD, 0);
			msg_put_str(m, word);
			send_ok(m);
		}
		if (f != NULL)
			(void)fclose(f);
	}
	send_ok(msg_new_fd(roles[role].fd, PROC_RELOAD_COMMIT, 0));
}

static void
give_wire(enum role to, const char *peer, int fd)
{
	struct msgout *m;

	m = msg_new_fd(roles[to].fd, PROC_WIRE, 0);
	msg_put_str(m, peer);
	msg_put_u32(m, 0);
	msg_put_fd(m, fd);
	send_ok(m);
}

static void
join(enum role a, enum role b)
{
	int fds[2];

	if (wire_pair(fds) == -1)
		err(1, "wire");
	give_wire(a, names[b], fds[0]);
	give_wire(b, names[a], fds[1]);
}

static void
join_engine(void)
{
	struct msgout *m;
	int fds[2];

	if (engine != -1)
		(void)close(engine);
	if (wire_pair(fds) == -1)
		err(1, "wire");
	give_wire(QUEUE, "smtp-engine", fds[1]);
	engine = fds[0];
	m = msg_new_fd(engine, QUEUE_HELLO, 0);
	msg_put_u32(m, QUEUE_VERSION);
	send_ok(m);
}

static void
restart(enum role role)
{
	int status;

	(void)kill(roles[role].pid, SIGKILL);
	(void)waitpid(roles[role].pid, &status, 0);
	(void)close(roles[role].fd);
	start(role);
	configure(role);
	if (role == QUEUE)
		join_engine();
	join(RELAY, QUEUE);
	if (role == RELAY)
		join(RELAY, RESOLVER);
}

static void
print_report(struct msg *in)
{
	static const char *const kinds[] = {
	    "", "failed", "delayed", "relayed", "delivered"};
	char sender[QUEUE_ADDRESS_MAX], text[QUEUE_TEXT_MAX];
	char rcpt[QUEUE_ADDRESS_MAX], status[QUEUE_STATUS_MAX];
	char host[QUEUE_HOST_MAX], orcpt[QUEUE_ORCPT_MAX];
	struct msgout *m;
	uint32_t n;
	uint8_t kind;

	kind = msg_get_u8(in);
	(void)msg_get_str(in, sender, sizeof(sender));
	(void)msg_get_str(in, text, sizeof(text));
	(void)msg_get_u8(in);
	(void)msg_get_str(in, text, sizeof(text));
	(void)msg_get_i64(in);
	(void)msg_get_i64(in);
	(void)msg_get_u8(in);
	(void)msg_get_u8(in);
	(void)msg_get_u32(in);
	(void)msg_get_u64(in);
	for (n = msg_get_u32(in); n > 0 && !in->bad; n--) {
		(void)msg_get_str(in, rcpt, sizeof(rcpt));
		(void)msg_get_str(in, orcpt, sizeof(orcpt));
		(void)msg_get_u16(in);
		(void)msg_get_str(in, status, sizeof(status));
		(void)msg_get_str(in, host, sizeof(host));
		(void)msg_get_str(in, text, sizeof(text));
		(void)msg_get_i64(in);
		printf("report %s %s %s %s\n", kinds[kind], rcpt, status, text);
		reports++;
	}
	if (msg_end(in) == -1)
		errx(1, "malformed report");
	if (mute)
		return;
	m = msg_new_fd(engine, QUEUE_REPORTED, in->id);
	msg_put_u8(m, 1);
	send_ok(m);
}

/* What the queue says; returns its type. */
static uint32_t
take(int timeout_ms)
{
	struct msg in;
	uint32_t type;
	uint8_t res;

	if (msg_recv_wait(engine, &in, timeout_ms) != 1)
		return 0;
	type = in.type;
	if (type == QUEUE_REPORT)
		print_report(&in);
	else if (type == QUEUE_ANSWER) {
		res = msg_get_u8(&in);
		if (res != QUEUE_DONE)
			errx(1, "the queue answers %u", res);
	}
	msg_done(&in);
	(void)fflush(stdout);
	return type;
}

static void
put_in(const char *sender, const char *rcpts, const char *file, int flags,
    int notify)
{
	static uint8_t buf[QUEUE_CHUNK_MAX];
	char list[65536], *rest, *rcpt, *at;
	struct msgout *m;
	uint32_t id;
	size_t len;
	FILE *f;

	id = ++next_id;
	m = msg_new_fd(engine, QUEUE_PUT, id);
	msg_put_u8(m, QUEUE_ENVELOPE);
	msg_put_str(m, strcmp(sender, "<>") == 0 ? "" : sender);
	msg_put_str(m, "");
	msg_put_u8(m, (uint8_t)flags);
	msg_put_u8(m, 0);
	msg_put_str(m, "");
	msg_put_u8(m, 0);
	msg_put_i64(m, (int64_t)time(NULL));
	msg_put_u32(m, 0);
	msg_put_str(m, "trace");
	(void)strlcpy(list, rcpts, sizeof(list));
	rest = list;
	while ((rcpt = strsep(&rest, ",")) != NULL) {
		at = strchr(rcpt, '@');
		msg_put_u8(m, QUEUE_RCPT);
		msg_put_str(m, rcpt);
		msg_put_str(m, at + 1);
		msg_put_str(m, "");
		msg_put_u8(m, (uint8_t)notify);
	}
	send_ok(m);
	f = fopen(file, "r");
	if (f == NULL)
		err(1, "%s", file);
	while ((len = fread(buf, 1, sizeof(buf), f)) > 0) {
		m = msg_new_fd(engine, QUEUE_PUT, id);
		msg_put_u8(m, QUEUE_DATA);
		msg_put_u8(m, 1);
		msg_put_u8(m, 0);
		msg_put_u32(m, (uint32_t)len);
		msg_put_bytes(m, buf, len);
		send_ok(m);
	}
	(void)fclose(f);
	m = msg_new_fd(engine, QUEUE_PUT, id);
	msg_put_u8(m, QUEUE_DATA);
	msg_put_u8(m, 0);
	msg_put_u8(m, 0);
	msg_put_u32(m, (uint32_t)strlen(HEAD));
	msg_put_bytes(m, HEAD, strlen(HEAD));
	msg_put_u8(m, QUEUE_COMMIT);
	send_ok(m);
	while (take(WAIT_MS) != QUEUE_ANSWER)
		;
}

/* How many jobs are with the relay in *jobs, if that is not NULL. */
static uint64_t
messages_left(uint64_t *jobs)
{
	struct msgout *m;
	struct msg in;
	uint64_t n;
	int fds[2];

	if (wire_pair(fds) == -1)
		err(1, "wire");
	m = msg_new_fd(roles[QUEUE].fd, PROC_CTL, 0);
	msg_put_u32(m, (uint32_t)getuid());
	msg_put_u8(m, 1);
	msg_put_fd(m, fds[1]);
	send_ok(m);
	m = msg_new_fd(fds[0], QUEUE_CTL_STATS, 1);
	msg_put_u32(m, QUEUE_VERSION);
	send_ok(m);
	if (msg_recv_wait(fds[0], &in, WAIT_MS) != 1 ||
	    in.type != QUEUE_CTL_COUNTS)
		errx(1, "no counts");
	n = msg_get_u64(&in);
	(void)msg_get_u64(&in);
	(void)msg_get_u64(&in);
	if (jobs != NULL)
		*jobs = msg_get_u64(&in);
	msg_done(&in);
	(void)close(fds[0]);
	return n;
}

static void
wait_empty(int seconds)
{
	time_t end;

	end = time(NULL) + seconds;
	while (time(NULL) < end && messages_left(NULL) > 0)
		while (take(50) != 0)
			;
	while (take(0) != 0)
		;
	if (messages_left(NULL) == 0)
		printf("empty\n");
	else
		printf("left %llu\n", (unsigned long long)messages_left(NULL));
	(void)fflush(stdout);
}

static void
wait_reports(unsigned int n, int seconds)
{
	time_t end;

	end = time(NULL) + seconds;
	while (time(NULL) < end && reports < n)
		(void)take(50);
}

static void
settle(unsigned int n, int seconds)
{
	uint64_t jobs;
	time_t end;

	end = time(NULL) + seconds;
	jobs = 1;
	while (time(NULL) < end && (messages_left(&jobs) != n || jobs > 0))
		while (take(50) != 0)
			;
	printf("left %llu\n", (unsigned long long)messages_left(&jobs));
	printf("jobs %llu\n", (unsigned long long)jobs);
	(void)fflush(stdout);
}

static void
print_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	printf(
	    "clock %lld\n", (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
memory(void)
{
	char path[64], line[256];
	unsigned int n;
	FILE *f;

	n = 0;
	(void)snprintf(
	    path, sizeof(path), "/proc/%d/status", (int)roles[RELAY].pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "RssAnon: %u", &n);
	if (f != NULL)
		(void)fclose(f);
	printf("memory %u\n", n);
}

static void
many(int n, const char *sender, const char *domain, const char *file)
{
	char rcpt[512];

	for (int i = 0; i < n; i++) {
		(void)snprintf(rcpt, sizeof(rcpt), "rcpt%d@%.400s", i, domain);
		put_in(sender, rcpt, file, 0, 0);
	}
	printf("queued %d\n", n);
	(void)fflush(stdout);
}

static void
command(char *line)
{
	static char a[65536];
	char word[16], b[1024], c[1024], d[1024];
	int flags, notify, n;

	flags = notify = 0;
	if (sscanf(line, "%15s", word) != 1)
		return;
	if (strcmp(word, "send") == 0 &&
	    sscanf(line, "%*s %1023s %65535s %1023s %d %d", b, a, c, &flags,
		&notify) >= 3) {
		put_in(b, a, c, flags, notify);
		printf("queued\n");
	} else if (sscanf(line, "many %d %1023s %1023s %1023s", &n, b, c, d) ==
	    4)
		many(n, b, c, d);
	else if (sscanf(line, "wait %d", &n) == 1)
		wait_empty(n);
	else if (sscanf(line, "settle %d %d", &n, &flags) == 2)
		settle((unsigned int)n, flags);
	else if (strncmp(line, "clock", 5) == 0)
		print_clock();
	else if (strncmp(line, "memory", 6) == 0)
		memory();
	else if (sscanf(line, "reports %d %d", &n, &flags) == 2)
		wait_reports((unsigned int)n, flags);
	else if (sscanf(line, "sleep %d", &n) == 1)
		(void)sleep((unsigned int)n);
	else if (strncmp(line, "kill relay", 10) == 0)
		restart(RELAY);
	else if (strncmp(line, "kill queue", 10) == 0) {
		restart(QUEUE);
		printf("restarted\n");
	} else if (sscanf(line, "mute %d", &n) == 1)
		mute = n != 0;
	else
		errx(2, "no command: %s", line);
	(void)fflush(stdout);
}

int
main(int argc, char *argv[])
{
	static char line[70000];
	int status;

	if (argc == 2 && strcmp(argv[1], "roots") == 0) {
		printf("%s\n", tls_default_ca_cert_file());
		return 0;
	}
	if (argc != 4)
		errx(2, "usage: outbox BIN QUEUE-DIRECTORY CONFIG");
	bin = argv[1];
	base = argv[2];
	config = argv[3];
	for (enum role r = 0; r < ROLES; r++) {
		start(r);
		configure(r);
	}
	join(RELAY, QUEUE);
	join(RELAY, RESOLVER);
	join_engine();
	while (fgets(line, sizeof(line), stdin) != NULL)
		command(line);
	for (enum role r = 0; r < ROLES; r++)
		if (waitpid(roles[r].pid, &status, WNOHANG) != 0)
			errx(1, "%s has ended, status %d", names[r], status);
	for (enum role r = 0; r < ROLES; r++) {
		(void)close(roles[r].fd);
		(void)waitpid(roles[r].pid, &status, 0);
	}
	return 0;
}
