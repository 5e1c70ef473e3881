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
 * What is in the server's memory: little per idle connection, no key, and
 * nothing of what has passed through.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <event.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers.h"

#define CONNECTIONS 300
#define HEAP_TLS 20000  /* octets of heap of an idle TLS connection */
#define HEAP_PLAIN 1000 /* of a plain one */
#define SECRET_LEN 40

static const char *const names[] = {"rsa.test", "ec.test"};
static size_t n_lines;
static bool all_there;
static size_t n_closed;
static bool all_gone;

/* Echoes lines, consumes by halves so that the rest is kept. */
static void
on_input(struct tlsio *t, void *arg)
{
	const uint8_t *p, *nl;
	size_t len;

	p = tlsio_input(t, &len);
	nl = memchr(p, '\n', len);
	if (nl == NULL)
		return;
	len = (size_t)(nl - p) + 1;
	tlsio_write(t, p, len);
	tlsio_consume(t, len);
	if (++n_lines == CONNECTIONS)
		all_there = true;
}

static void
on_drained(struct tlsio *t, void *arg)
{
}

static void
on_closed(struct tlsio *t, enum tlsio_end end, void *arg)
{
	tlsio_free(t);
	if (++n_closed == CONNECTIONS)
		all_gone = true;
}

static const struct tlsio_ops ops = {
    .input = on_input,
    .drained = on_drained,
    .closed = on_closed,
};

static void
set_up(void)
{
	make_cert("rsa.test", false);
	make_cert("ec.test", true);
	tlsio_init();
	event_init();
	tlsio_signer(start_keys(names, 2));
}

struct many {
	int fds[CONNECTIONS];
	bool tls;
	int hold;
};

/* Connects them all, says a long line on each, then idles. */
static int
idle_clients(struct many *m)
{
	static char line[12000], back[12001];
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct tls *tls;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < CONNECTIONS; i++) {
		tls = NULL;
		if (m->tls && (tls = client_connect(m->fds[i], &c)) == NULL)
			return 1;
		if (client_write(tls, m->fds[i], line, sizeof(line)) == -1 ||
		    client_line(tls, m->fds[i], back, sizeof(back)) !=
			(ssize_t)sizeof(line))
			return 2;
	}
	return read(m->hold, line, 1) == 1 ? 0 : 3;
}

static size_t
heap_of_idle(struct tlsio_server *server)
{
	struct mallinfo2 before, after;
	struct many m;
	struct timeval tv = {0, 100000};
	int fds[2], mine[CONNECTIONS], hold[2];
	pid_t pid;

	ATF_REQUIRE_EQ(0, pipe(hold));
	m.hold = hold[0];
	m.tls = server != NULL;
	for (int i = 0; i < CONNECTIONS; i++) {
		ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
		mine[i] = fds[0];
		m.fds[i] = fds[1];
	}
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		for (int i = 0; i < CONNECTIONS; i++)
			(void)close(mine[i]);
		_exit(idle_clients(&m));
	}
	n_lines = n_closed = 0;
	all_there = all_gone = false;
	before = mallinfo2();
	for (int i = 0; i < CONNECTIONS; i++) {
		(void)close(m.fds[i]);
		(void)tlsio_new(server, mine[i], &ops, NULL);
	}
	run_until(&all_there);
	(void)event_loopexit(&tv);
	(void)event_dispatch();
	after = mallinfo2();
	ATF_REQUIRE_EQ(1, write(hold[1], "x", 1));
	run_until(&all_gone);
	ATF_CHECK_EQ(0, wait_client(pid));
	return (after.uordblks + after.hblkhd - before.uordblks -
		   before.hblkhd) /
	    CONNECTIONS;
}

ATF_TC_WITHOUT_HEAD(idle);
ATF_TC_BODY(idle, tc)
{
	struct tlsio_server *server;
	size_t tls, plain;

	set_up();
	server = load_server(&names[1], 1);
	/* Once to warm up. */
	(void)heap_of_idle(server);
	tls = heap_of_idle(server);
	plain = heap_of_idle(NULL);
	(void)printf(
	    "heap of an idle connection: TLS %zu, plain %zu\n", tls, plain);
	ATF_CHECK_MSG(tls < HEAP_TLS, "%zu", tls);
	ATF_CHECK_MSG(plain < HEAP_PLAIN, "%zu", plain);
}

/*
 * How often hidden (inverted, so as not to find itself) stands in what of our
 * memory can be written to.
 */
static int
scan_memory(const uint8_t *hidden, size_t len)
{
	static uint8_t page[65536 + 64];
	char line[512];
	unsigned long start, end;
	size_t have, i, j;
	ssize_t n;
	FILE *maps;
	char perms[8];
	int mem, hits;

	maps = fopen("/proc/self/maps", "r");
	mem = open("/proc/self/mem", O_RDONLY);
	ATF_REQUIRE(maps != NULL && mem != -1);
	hits = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3 ||
		    strncmp(perms, "rw", 2) != 0)
			continue;
		/* No heap of ours, but a sanitizer's shadow. */
		if (end - start > 1UL << 30)
			continue;
		for (; start < end; start += have - len + 1) {
			have = end - start < sizeof(page) ? end - start :
							    sizeof(page);
			n = pread(mem, page, have, (off_t)start);
			if (n <= 0 || (size_t)n < len)
				break;
			have = (size_t)n;
			for (i = 0; i + len <= have; i++) {
				for (j = 0; j < len; j++) {
					if ((page[i + j] ^ hidden[j]) != 0xff)
						break;
				}
				hits += j == len;
			}
			memset(page, 0, sizeof(page));
			if (have == len)
				break;
		}
	}
	(void)fclose(maps);
	(void)close(mem);
	return hits;
}

/* The text that a client says, inverted. */
static void
hidden_secret(uint8_t hidden[SECRET_LEN])
{
	for (int i = 0; i < SECRET_LEN; i++)
		hidden[i] = (uint8_t) ~('A' + (i * 7 + 3) % 26);
}

static int
say_secret(int fd, void *arg)
{
	struct client_tls c = {
	    "rsa.test", "rsa.test", TLS_PROTOCOL_TLSv1_2, -1, NULL};
	uint8_t hidden[SECRET_LEN];
	char text[SECRET_LEN + 1], back[64];
	struct tls *tls;

	tls = NULL;
	if (*(bool *)arg && (tls = client_connect(fd, &c)) == NULL)
		return 1;
	hidden_secret(hidden);
	for (int i = 0; i < SECRET_LEN; i++)
		text[i] = (char)~hidden[i];
	text[SECRET_LEN] = '\n';
	/* In two pieces, so that the first is kept for a while. */
	if (client_write(tls, fd, text, SECRET_LEN) == -1)
		return 2;
	(void)usleep(20000);
	if (client_write(tls, fd, "\n", 1) == -1 ||
	    client_line(tls, fd, back, sizeof(back)) != SECRET_LEN + 1)
		return 3;
	return 0;
}

ATF_TC_WITHOUT_HEAD(wiped);
ATF_TC_BODY(wiped, tc)
{
	struct tlsio_server *server;
	uint8_t hidden[SECRET_LEN];
	char found[SECRET_LEN];
	pid_t pid;
	bool tls;

	set_up();
	server = load_server(names, 2);
	hidden_secret(hidden);
	for (int i = 0; i < 2; i++) {
		tls = i == 0;
		n_closed = CONNECTIONS - 1;
		all_gone = false;
		(void)tlsio_new(tls ? server : NULL,
		    start_client(say_secret, &tls, &pid), &ops, NULL);
		run_until(&all_gone);
		ATF_CHECK_EQ(0, wait_client(pid));
		ATF_CHECK_EQ_MSG(
		    0, scan_memory(hidden, SECRET_LEN), "tls %d", tls);
	}
	/* The scan does find what is there. */
	for (int i = 0; i < SECRET_LEN; i++)
		((volatile char *)found)[i] = (char)~hidden[i];
	ATF_CHECK(scan_memory(hidden, SECRET_LEN) >= 1);
	explicit_bzero(found, sizeof(found));
}

ATF_TC_WITHOUT_HEAD(no_key);
ATF_TC_BODY(no_key, tc)
{
	struct tlsio_server *server;
	char path[64], *hidden;
	size_t len;
	pid_t pid;
	bool tls;

	set_up();
	server = load_server(names, 2);
	tls = true;
	n_closed = CONNECTIONS - 1;
	(void)tlsio_new(
	    server, start_client(say_secret, &tls, &pid), &ops, NULL);
	run_until(&all_gone);
	ATF_CHECK_EQ(0, wait_client(pid));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s.hidden", names[i]);
		hidden = read_text(path, &len);
		ATF_REQUIRE_EQ(32, len);
		ATF_CHECK_EQ_MSG(
		    0, scan_memory((uint8_t *)hidden, len), "%s", names[i]);
		free(hidden);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, idle);
	ATF_TP_ADD_TC(tp, wiped);
	ATF_TP_ADD_TC(tp, no_key);
	return atf_no_error();
}
