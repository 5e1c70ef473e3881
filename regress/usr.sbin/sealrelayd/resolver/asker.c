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
 * Starts smtp-resolver as its parent would and asks it: each line of input is
 * a question, each line of output its answer.
 *	usage: asker PROGRAM FORWARD ANCHOR-FILE
 *	mx NAME | address NAME | ipv4 NAME | tlsa NAME PORT | txt NAME |
 *	ptr ADDRESS | many N (asks N times, then closes its wire) |
 *	reload (a configuration without forwarders)
 * An answer: STATUS secure|insecure CANONICAL-NAME, then the records.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "proc.h"
#include "proc_local.h"

#include "../../../../usr.sbin/sealrelayd/resolver_config.h"
#include "../../../../usr.sbin/sealrelayd/resolver_wire.h"

#define WAIT_MS 40000
#define TYPE_ERROR 0

static const char *const statuses[] = {"ok", "nodata", "nxdomain", "bogus",
    "servfail", "timeout", "broken", "busy"};

static int parent_fd;
static pid_t child;

static void
send_ok(struct msgout *m)
{
	if (msg_send_wait(m, WAIT_MS) != 1)
		err(1, "send");
}

static void
start(const char *program)
{
	static struct proc_init init;
	struct msgout *m;
	struct msg in;
	int fds[2], log_fd;

	log_fd = open("/dev/null", O_RDWR);
	if (wire_pair(fds) == -1 || log_fd == -1)
		err(1, "wire");
	child = fork();
	if (child == -1)
		err(1, "fork");
	if (child == 0) {
		if (fds[1] != PROC_FD && dup2(fds[1], PROC_FD) == -1)
			_exit(126);
		(void)fcntl(PROC_FD, F_SETFD, 0);
		execl(program, "smtp-resolver", (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	parent_fd = fds[0];
	(void)strlcpy(init.name, "smtp-resolver", sizeof(init.name));
	init.uid = (uint32_t)getuid();
	init.gid = (uint32_t)getgid();
	(void)strlcpy(init.dir, "/", sizeof(init.dir));
	init.nofile = 4096;
	(void)strlcpy(
	    init.promises, "stdio recvfd inet", sizeof(init.promises));
	m = msg_new_fd(parent_fd, PROC_INIT, 0);
	proc_init_put(m, &init);
	msg_put_fd(m, log_fd);
	send_ok(m);
	if (msg_recv_wait(parent_fd, &in, WAIT_MS) != 1 ||
	    in.type != PROC_READY || msg_get_u8(&in) != PROC_SANDBOX_FULL)
		errx(1, "smtp-resolver is not ready in its sandbox");
	msg_done(&in);
}

static void
configure(const char *forward, const char *anchors)
{
	char line[RESOLVER_CONFIG_MAX];
	struct msgout *m;
	FILE *f;

	send_ok(msg_new_fd(parent_fd, PROC_RELOAD_BEGIN, 0));
	if (forward != NULL) {
		m = msg_new_fd(parent_fd, RESOLVER_CONFIG_FORWARD, 0);
		msg_put_str(m, forward);
		send_ok(m);
	}
	f = anchors != NULL ? fopen(anchors, "r") : NULL;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, ";\n")] = '\0';
		m = msg_new_fd(parent_fd, RESOLVER_CONFIG_ANCHOR, 0);
		msg_put_str(m, line);
		send_ok(m);
	}
	if (f != NULL)
		(void)fclose(f);
	send_ok(msg_new_fd(parent_fd, PROC_RELOAD_COMMIT, 0));
}

static int
new_wire(void)
{
	struct msgout *m;
	struct msg in;
	int fds[2];

	if (wire_pair(fds) == -1)
		err(1, "wire");
	m = msg_new_fd(parent_fd, PROC_WIRE, 0);
	msg_put_str(m, "smtp-relay");
	msg_put_u32(m, 0);
	msg_put_fd(m, fds[1]);
	send_ok(m);
	if (msg_recv_wait(fds[0], &in, WAIT_MS) != 1 ||
	    in.type != RESOLVER_HELLO || msg_get_u32(&in) != RESOLVER_VERSION)
		errx(1, "no greeting");
	msg_done(&in);
	m = msg_new_fd(fds[0], RESOLVER_HELLO, 0);
	msg_put_u32(m, RESOLVER_VERSION);
	send_ok(m);
	return fds[0];
}

static void
print_record(struct msg *m, uint32_t type)
{
	char name[RESOLVER_NAME_MAX], text[64];
	uint8_t a[16], parts[3];
	const uint8_t *data;
	size_t len;
	uint16_t preference;
	uint8_t family;

	switch (type) {
	case RESOLVER_MX:
		preference = msg_get_u16(m);
		(void)msg_get_str(m, name, sizeof(name));
		printf(" %u:%s", preference, name[0] == '\0' ? "." : name);
		break;
	case RESOLVER_ADDRESS:
		family = msg_get_u8(m);
		(void)msg_get_raw(m, a, family == 4 ? 4 : 16);
		(void)inet_ntop(
		    family == 4 ? AF_INET : AF_INET6, a, text, sizeof(text));
		printf(" %s", text);
		break;
	case RESOLVER_TLSA:
		(void)msg_get_raw(m, parts, sizeof(parts));
		data = msg_get_bytes(m, &len, RESOLVER_TLSA_DATA_MAX);
		printf(" %u-%u-%u-", parts[0], parts[1], parts[2]);
		for (size_t i = 0; i < len; i++)
			printf("%02x", data[i]);
		break;
	case RESOLVER_TXT:
		data = msg_get_bytes(m, &len, RESOLVER_TEXT_MAX);
		printf(" [%zu:%.*s]", len, len > 60 ? 60 : (int)len,
		    (const char *)data);
		break;
	case RESOLVER_PTR:
		(void)msg_get_str(m, name, sizeof(name));
		printf(" %s", name);
		break;
	}
}

static void
print_answer(int fd, uint32_t type, uint32_t id)
{
	char name[RESOLVER_NAME_MAX];
	struct msg m;
	uint32_t n;
	uint8_t status, secure;

	if (msg_recv_wait(fd, &m, WAIT_MS) != 1)
		errx(1, "no answer");
	status = msg_get_u8(&m);
	secure = msg_get_u8(&m);
	(void)msg_get_u32(&m);
	(void)msg_get_str(&m, name, sizeof(name));
	n = msg_get_u32(&m);
	if (m.type != RESOLVER_ANSWER || m.id != id || status > RESOLVER_BUSY)
		errx(1, "malformed answer");
	printf(
	    "%s %s %s", statuses[status], secure ? "secure" : "insecure", name);
	for (uint32_t i = 0; i < n; i++)
		print_record(&m, type);
	printf("\n");
	(void)fflush(stdout);
	if (msg_end(&m) == -1)
		errx(1, "answer with octets left over, or too few");
	msg_done(&m);
}

static uint32_t
question_type(const char *word)
{
	if (strcmp(word, "mx") == 0)
		return RESOLVER_MX;
	if (strcmp(word, "address") == 0 || strcmp(word, "ipv4") == 0)
		return RESOLVER_ADDRESS;
	if (strcmp(word, "tlsa") == 0)
		return RESOLVER_TLSA;
	if (strcmp(word, "txt") == 0)
		return RESOLVER_TXT;
	if (strcmp(word, "ptr") == 0)
		return RESOLVER_PTR;
	return TYPE_ERROR;
}

static void
send_question(int fd, const char *word, const char *name, int port, uint32_t id)
{
	struct msgout *m;
	uint32_t type;

	type = question_type(word);
	m = msg_new_fd(fd, type, id);
	msg_put_str(m, name);
	if (type == RESOLVER_TLSA)
		msg_put_u16(m, (uint16_t)port);
	if (type == RESOLVER_ADDRESS)
		msg_put_u8(m,
		    *word == 'i' ? RESOLVER_IPV4 :
				   RESOLVER_IPV4 | RESOLVER_IPV6);
	send_ok(m);
}

static void
many(int n)
{
	int fd;

	fd = new_wire();
	for (int i = 0; i < n; i++)
		send_question(fd, "mx", "slow.test", 0, (uint32_t)i + 1);
	(void)close(fd);
	printf("asked\n");
	(void)fflush(stdout);
}

int
main(int argc, char *argv[])
{
	char line[1024], word[16], name[900];
	uint32_t id;
	int fd, port, status, words;

	if (argc != 4)
		errx(2, "usage: asker PROGRAM FORWARD ANCHOR-FILE");
	start(argv[1]);
	configure(argv[2], argv[3]);
	fd = new_wire();
	for (id = 1; fgets(line, sizeof(line), stdin) != NULL; id++) {
		port = 0;
		words = sscanf(line, "%15s %899s %d", word, name, &port);
		if (words >= 1 && strcmp(word, "reload") == 0) {
			configure(argv[2], argv[3]);
			continue;
		}
		if (words == 2 && strcmp(word, "many") == 0) {
			many(atoi(name));
			continue;
		}
		if (words < 2 || question_type(word) == TYPE_ERROR)
			errx(2, "no question: %s", line);
		send_question(fd, word, name, port, id);
		print_answer(fd, question_type(word), id);
	}
	if (waitpid(child, &status, WNOHANG) != 0)
		errx(1, "smtp-resolver has ended");
	(void)close(parent_fd);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		errx(1, "smtp-resolver status %d", status);
	return 0;
}
