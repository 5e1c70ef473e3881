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
 * Sessions without TLS: what the interface promises of input, output, ends.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers.h"

#define BULK (20 * 1024 * 1024)

struct served {
	struct tlsio *t;
	char got[256];
	size_t n_got;
	size_t n_input; /* calls */
	size_t total;
	size_t made; /* produced so far */
	size_t most; /* queued at most */
	size_t chunk;
	unsigned int n_drained;
	uint32_t sum;
	enum tlsio_end end;
	bool done;
};

static void on_input(struct tlsio *, void *);
static void on_drained(struct tlsio *, void *);
static void on_closed(struct tlsio *, enum tlsio_end, void *);

static const struct tlsio_ops echo_ops = {
    .input = on_input,
    .drained = on_drained,
    .closed = on_closed,
};

/* Echoes whole lines in capitals; "quit" ends. */
static void
on_input(struct tlsio *t, void *arg)
{
	struct served *s;
	const uint8_t *p, *nl;
	uint8_t c;
	size_t len;

	s = arg;
	s->n_input++;
	for (;;) {
		p = tlsio_input(t, &len);
		nl = memchr(p, '\n', len);
		if (nl == NULL)
			return;
		len = (size_t)(nl - p) + 1;
		for (size_t i = 0; i < len; i++) {
			c = p[i] >= 'a' && p[i] <= 'z' ? p[i] - 32 : p[i];
			tlsio_write(t, &c, 1);
		}
		if (len == 5 && memcmp(p, "quit\n", 5) == 0)
			tlsio_finish(t);
		tlsio_consume(t, len);
	}
}

static void
on_drained(struct tlsio *t, void *arg)
{
}

static void
on_closed(struct tlsio *t, enum tlsio_end end, void *arg)
{
	struct served *s;

	s = arg;
	s->end = end;
	s->done = true;
	tlsio_free(t);
}

static int
ask_lines(int fd, void *arg)
{
	char line[64];

	if (client_write(NULL, fd, "one\ntw", 6) == -1 ||
	    client_line(NULL, fd, line, sizeof(line)) != 4 ||
	    strcmp(line, "ONE\n") != 0 ||
	    client_write(NULL, fd, "o\nquit\n", 7) == -1 ||
	    client_line(NULL, fd, line, sizeof(line)) != 4 ||
	    strcmp(line, "TWO\n") != 0 ||
	    client_line(NULL, fd, line, sizeof(line)) != 5 ||
	    strcmp(line, "QUIT\n") != 0)
		return 1;
	return client_line(NULL, fd, line, sizeof(line)) == 0 ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(lines);
ATF_TC_BODY(lines, tc)
{
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(
	    NULL, start_client(ask_lines, NULL, &pid), &echo_ops, &s);
	ATF_CHECK(!tlsio_is_secure(s.t));
	ATF_CHECK_STREQ("-", tlsio_version(s.t));
	run_until(&s.done);
	ATF_CHECK_EQ(TLSIO_DONE, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static int
half_close(int fd, void *arg)
{
	char line[64];

	if (client_write(NULL, fd, "last\n", 5) == -1 ||
	    shutdown(fd, SHUT_WR) == -1)
		return 1;
	return client_line(NULL, fd, line, sizeof(line)) == 5 ? 0 : 2;
}

/* A client that has sent all still gets its answer. */
ATF_TC_WITHOUT_HEAD(eof);
ATF_TC_BODY(eof, tc)
{
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(
	    NULL, start_client(half_close, NULL, &pid), &echo_ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(TLSIO_EOF, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));
}

/* Ends at the first line, whatever follows. */
static void
refuse(struct tlsio *t, void *arg)
{
	tlsio_puts(t, "no\n");
	tlsio_finish(t);
}

static const struct tlsio_ops refuse_ops = {
    .input = refuse,
    .closed = on_closed,
};

static int
talk_on(int fd, void *arg)
{
	static char block[65536];
	char line[64];
	const size_t *total;

	total = arg;
	for (size_t sent = 0; sent < *total; sent += sizeof(block)) {
		if (client_write(NULL, fd, block, sizeof(block)) == -1)
			return *total > TLSIO_DISCARD_MAX ? 0 : 1;
	}
	if (client_line(NULL, fd, line, sizeof(line)) != 3 ||
	    strcmp(line, "no\n") != 0)
		return 2;
	return client_line(NULL, fd, line, sizeof(line)) == 0 ? 0 : 3;
}

/* Who is sent away while he still talks reads why; but he may not for ever. */
ATF_TC_WITHOUT_HEAD(discard);
ATF_TC_BODY(discard, tc)
{
	size_t totals[] = {65536, TLSIO_DISCARD_MAX / 2, 100 << 20};
	struct served s;
	pid_t pid;

	event_init();
	for (size_t i = 0; i < 3; i++) {
		memset(&s, 0, sizeof(s));
		s.t = tlsio_new(NULL, start_client(talk_on, &totals[i], &pid),
		    &refuse_ops, &s);
		run_until(&s.done);
		ATF_CHECK_EQ(TLSIO_DONE, s.end);
		ATF_CHECK_EQ(0, wait_client(pid));
	}
}

static int
stay(int fd, void *arg)
{
	static char block[65536];

	if (client_write(NULL, fd, block, sizeof(block)) == -1)
		return 1;
	/* Until the other side has gone. */
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		(void)usleep(10000);
	return 0;
}

/* Who never ends is not waited for. */
ATF_TC_WITHOUT_HEAD(discard_time);
ATF_TC_BODY(discard_time, tc)
{
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(NULL, start_client(stay, NULL, &pid), &refuse_ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(TLSIO_DONE, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));
}

/* A producer that looks at tlsio_full(). */
static void
produce(struct tlsio *t, void *arg)
{
	static uint8_t block[40000];
	struct served *s;

	s = arg;
	while (!tlsio_full(t) && s->made < BULK) {
		memset(block, (int)(s->made / sizeof(block)) & 0xff,
		    sizeof(block));
		tlsio_write(t, block, s->chunk);
		s->made += s->chunk;
		if (tlsio_queued(t) > s->most)
			s->most = tlsio_queued(t);
	}
	if (s->made >= BULK)
		tlsio_finish(t);
}

static void
produce_more(struct tlsio *t, void *arg)
{
	struct served *s;

	s = arg;
	s->n_drained++;
	ATF_CHECK(tlsio_queued(t) <= TLSIO_LOW);
	produce(t, arg);
}

static const struct tlsio_ops produce_ops = {
    .input = produce,
    .drained = produce_more,
    .closed = on_closed,
};

static int
swallow(int fd, void *arg)
{
	static char buf[65536];
	size_t total;
	ssize_t n;

	if (client_write(NULL, fd, "x", 1) == -1)
		return 1;
	(void)usleep(50000);
	total = 0;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		total += (size_t)n;
	return total >= BULK ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(bulk_out);
ATF_TC_BODY(bulk_out, tc)
{
	static const size_t chunks[] = {100, 5000, 16384, 40000};
	struct served s;
	pid_t pid;

	event_init();
	for (size_t i = 0; i < 4; i++) {
		memset(&s, 0, sizeof(s));
		s.chunk = chunks[i];
		s.t = tlsio_new(
		    NULL, start_client(swallow, NULL, &pid), &produce_ops, &s);
		run_until(&s.done);
		ATF_CHECK_EQ(TLSIO_DONE, s.end);
		ATF_CHECK(s.n_drained > 0);
		ATF_CHECK(s.most >= TLSIO_HIGH);
		ATF_CHECK(s.most < TLSIO_HIGH + s.chunk);
		ATF_CHECK_EQ(0, wait_client(pid));
	}
}

static int
never_reads(int fd, void *arg)
{
	char c;

	if (client_write(NULL, fd, "x\n", 2) == -1)
		return 1;
	return read(*(int *)arg, &c, 1) == 1 ? 0 : 2;
}

static void
flood(struct tlsio *t, void *arg)
{
	static uint8_t block[50000];

	for (int i = 0; i < 200; i++)
		tlsio_write(t, block, sizeof(block));
	ATF_CHECK(tlsio_queued(t) <= TLSIO_OUTPUT_MAX);
}

/* Who ignores tlsio_full() loses the session, not the memory. */
ATF_TC_WITHOUT_HEAD(output_limit);
ATF_TC_BODY(output_limit, tc)
{
	static const struct tlsio_ops ops = {
	    .input = flood,
	    .drained = on_drained,
	    .closed = on_closed,
	};
	struct served s;
	pid_t pid;
	int hold[2];

	event_init();
	memset(&s, 0, sizeof(s));
	ATF_REQUIRE_EQ(0, pipe(hold));
	s.t = tlsio_new(
	    NULL, start_client(never_reads, &hold[0], &pid), &ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(TLSIO_FAILED, s.end);
	ATF_REQUIRE_EQ(1, write(hold[1], "x", 1));
	ATF_CHECK_EQ(0, wait_client(pid));
}

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static int
upload(int fd, void *arg)
{
	static uint8_t buf[7777];
	size_t done, n;

	for (done = 0; done < BULK; done += n) {
		n = BULK - done < sizeof(buf) ? BULK - done : sizeof(buf);
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(done + i);
		if (client_write(NULL, fd, buf, n) == -1)
			return 1;
	}
	return 0;
}

/* Consumes odd amounts, pauses now and then. */
static void
nibble(struct tlsio *t, void *arg)
{
	struct served *s;
	const uint8_t *p;
	size_t len, n;

	s = arg;
	s->n_input++;
	p = tlsio_input(t, &len);
	ATF_REQUIRE(len <= TLSIO_INPUT_MAX);
	n = len > 3 && s->total + len < BULK ? len - len / 3 : len;
	for (size_t i = 0; i < n; i++)
		ATF_REQUIRE_EQ(pattern(s->total + i), p[i]);
	tlsio_consume(t, n);
	s->total += n;
	if (s->n_input % 5 == 0) {
		tlsio_pause(t);
		tlsio_resume(t);
	}
	if (s->total == BULK)
		s->done = true;
}

ATF_TC_WITHOUT_HEAD(bulk_in);
ATF_TC_BODY(bulk_in, tc)
{
	static const struct tlsio_ops ops = {
	    .input = nibble,
	    .drained = on_drained,
	    .closed = on_closed,
	};
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(NULL, start_client(upload, NULL, &pid), &ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(BULK, s.total);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static void
take_nothing(struct tlsio *t, void *arg)
{
	struct served *s;

	s = arg;
	(void)tlsio_input(t, &s->n_got);
	if (s->n_got == TLSIO_INPUT_MAX)
		s->done = true;
}

static void
take_all(struct tlsio *t, void *arg)
{
	struct served *s;
	size_t len;

	s = arg;
	(void)tlsio_input(t, &len);
	tlsio_consume(t, len);
	s->total += len;
	if (s->total == BULK)
		s->done = true;
}

/* Input that nobody takes is bounded, and flows on when it is taken. */
ATF_TC_WITHOUT_HEAD(input_limit);
ATF_TC_BODY(input_limit, tc)
{
	static const struct tlsio_ops none = {
	    .input = take_nothing,
	    .drained = on_drained,
	    .closed = on_closed,
	};
	static const struct tlsio_ops all = {
	    .input = take_all,
	    .drained = on_drained,
	    .closed = on_closed,
	};
	struct timeval tv = {0, 100000};
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(NULL, start_client(upload, NULL, &pid), &none, &s);
	run_until(&s.done);
	(void)event_loopexit(&tv);
	(void)event_dispatch();
	ATF_CHECK_EQ(TLSIO_INPUT_MAX, s.n_got);
	s.done = false;
	tlsio_set(s.t, &all, &s);
	take_all(s.t, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(BULK, s.total);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static void
free_on_input(struct tlsio *t, void *arg)
{
	struct served *s;

	s = arg;
	tlsio_puts(t, "never sent");
	tlsio_free(t);
	s->done = true;
}

static int
expect_eof(int fd, void *arg)
{
	char line[64];

	if (client_write(NULL, fd, "x\n", 2) == -1)
		return 1;
	return client_line(NULL, fd, line, sizeof(line)) <= 0 ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(free_in_callback);
ATF_TC_BODY(free_in_callback, tc)
{
	static const struct tlsio_ops ops = {
	    .input = free_on_input,
	    .drained = on_drained,
	    .closed = on_closed,
	};
	struct served s;
	pid_t pid;

	event_init();
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(NULL, start_client(expect_eof, NULL, &pid), &ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(0, wait_client(pid));
	tlsio_free(NULL);
}

/* Output made outside callbacks is sent when the loop runs. */
ATF_TC_WITHOUT_HEAD(write_outside);
ATF_TC_BODY(write_outside, tc)
{
	struct served s;
	char line[64];
	int fds[2];

	event_init();
	memset(&s, 0, sizeof(s));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	s.t = tlsio_new(NULL, fds[0], &echo_ops, &s);
	tlsio_puts(s.t, "* OK ");
	tlsio_puts(s.t, "ready\n");
	(void)event_loop(EVLOOP_ONCE);
	ATF_CHECK_EQ(11, recv(fds[1], line, sizeof(line), MSG_DONTWAIT));
	ATF_CHECK_EQ(0, memcmp(line, "* OK ready\n", 11));
	ATF_CHECK_EQ(0, tlsio_queued(s.t));
	tlsio_free(s.t);
	ATF_CHECK_EQ(0, recv(fds[1], line, sizeof(line), MSG_DONTWAIT));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lines);
	ATF_TP_ADD_TC(tp, eof);
	ATF_TP_ADD_TC(tp, discard);
	ATF_TP_ADD_TC(tp, discard_time);
	ATF_TP_ADD_TC(tp, bulk_out);
	ATF_TP_ADD_TC(tp, output_limit);
	ATF_TP_ADD_TC(tp, bulk_in);
	ATF_TP_ADD_TC(tp, input_limit);
	ATF_TP_ADD_TC(tp, free_in_callback);
	ATF_TP_ADD_TC(tp, write_outside);
	return atf_no_error();
}
