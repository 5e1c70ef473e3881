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
 * Wires under the event loop: order, backpressure, fairness, ends, and packets
 * that ours would never send.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"

#define BIG 60000

/* One end of a wire and what happened to it. */
struct end {
	struct wire *w;
	uint32_t n_got;
	uint32_t burst; /* messages since the other end had its turn */
	uint32_t burst_max;
	uint32_t next; /* expected id */
	int fd;
	int n_gone;
	uint32_t produced;
	uint32_t stop_at;  /* leave the loop at so many messages */
	uint32_t pause_at; /* pause at so many */
	bool free_at_first;
	struct end *other;
};

static void on_msg(struct wire *, struct msg *, void *);
static void on_gone(struct wire *, void *);
static void run(int);
static void pair(struct end *, struct end *);

static void
on_msg(struct wire *w, struct msg *m, void *arg)
{
	struct end *e;
	const uint8_t *p;
	size_t len;

	e = arg;
	ATF_CHECK_EQ(e->next, m->id);
	e->next++;
	e->n_got++;
	if (++e->burst > e->burst_max)
		e->burst_max = e->burst;
	if (e->other != NULL)
		e->other->burst = 0;
	if (m->fd != -1)
		e->fd = msg_get_fd(m);
	p = msg_get_rest(m, &len);
	for (size_t i = 0; i < len; i++)
		ATF_REQUIRE_EQ((uint8_t)m->id, p[i]);
	ATF_CHECK_EQ(0, msg_end(m));
	if (e->free_at_first) {
		wire_free(w);
		e->w = NULL;
		(void)event_loopexit(NULL);
		return;
	}
	if (e->n_got == e->pause_at)
		wire_pause(w);
	if (e->n_got == e->stop_at)
		(void)event_loopexit(NULL);
}

static void
on_gone(struct wire *w, void *arg)
{
	struct end *e;

	e = arg;
	e->n_gone++;
	wire_free(w);
	e->w = NULL;
	(void)event_loopexit(NULL);
}

/* Until a loopexit or for ms. */
static void
run(int ms)
{
	struct timeval tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	ATF_REQUIRE_EQ(0, event_loopexit(&tv));
	ATF_REQUIRE_EQ(0, event_dispatch());
}

static void
pair(struct end *a, struct end *b)
{
	int fds[2];

	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	a->fd = b->fd = -1;
	a->w = wire_new(fds[0], on_msg, on_gone, a);
	b->w = wire_new(fds[1], on_msg, on_gone, b);
}

static void
send_big(struct wire *w, uint32_t id)
{
	struct msgout *m;

	m = msg_new(w, 9, id);
	memset(msg_put_space(m, BIG), (int)(uint8_t)id, BIG);
	msg_send(m);
}

ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	struct end a, b;

	event_init();
	pair(&a, &b);
	for (uint32_t i = 0; i < 200; i++)
		send_big(a.w, i);
	ATF_CHECK(wire_queued(a.w) > 0);
	ATF_CHECK(wire_queued(a.w) < 200 * (BIG + MSG_HEADER));
	b.stop_at = 200;
	run(5000);
	ATF_CHECK_EQ(200, b.n_got);
	ATF_CHECK_EQ(0, wire_queued(a.w));
	wire_free(a.w);
	run(5000);
	ATF_CHECK_EQ(1, b.n_gone);
}

/* Nobody reads: what is queued is bounded, then the wire ends. */
ATF_TC_WITHOUT_HEAD(backpressure);
ATF_TC_BODY(backpressure, tc)
{
	struct end a, b;
	size_t n;

	event_init();
	pair(&a, &b);
	wire_pause(b.w);
	for (n = 0; wire_queued(a.w) < MSG_HIGH; n++)
		send_big(a.w, (uint32_t)n);
	run(50);
	ATF_CHECK_EQ(0, b.n_got);
	wire_resume(b.w);
	b.stop_at = (uint32_t)n;
	run(5000);
	ATF_CHECK_EQ(n, b.n_got);
	wire_pause(b.w);
	for (size_t i = 0; i <= MSG_QUEUE_MAX / BIG + 20; i++) {
		send_big(a.w, 0);
		ATF_REQUIRE(wire_queued(a.w) <= MSG_QUEUE_MAX);
	}
	ATF_CHECK_EQ(0, a.n_gone);
	run(5000);
	ATF_CHECK_EQ(1, a.n_gone);
}

static void
produce(struct wire *w, void *arg)
{
	struct end *e;

	e = arg;
	ATF_CHECK_EQ(0, wire_queued(w));
	if (e->produced == 1000) {
		wire_produce(w, NULL);
		return;
	}
	send_big(w, e->produced++);
}

ATF_TC_WITHOUT_HEAD(producer);
ATF_TC_BODY(producer, tc)
{
	struct end a, b;

	event_init();
	pair(&a, &b);
	b.pause_at = 3;
	wire_produce(a.w, produce);
	run(200);
	ATF_CHECK_EQ(3, b.n_got);
	/* A reader that stopped stops the producer, one message queued. */
	ATF_CHECK(a.produced < 20);
	ATF_CHECK(wire_queued(a.w) <= BIG + MSG_HEADER);
	b.stop_at = 1000;
	wire_resume(b.w);
	run(10000);
	ATF_CHECK_EQ(1000, b.n_got);
}

static void
produce_and_free(struct wire *w, void *arg)
{
	struct end *e;

	e = arg;
	wire_free(w);
	e->w = NULL;
}

ATF_TC_WITHOUT_HEAD(free_in_callbacks);
ATF_TC_BODY(free_in_callbacks, tc)
{
	struct end a, b;

	event_init();
	pair(&a, &b);
	b.free_at_first = true;
	for (uint32_t i = 0; i < 10; i++)
		msg_signal(a.w, 1, i);
	run(5000);
	ATF_CHECK_EQ(1, b.n_got);
	ATF_CHECK(b.w == NULL);
	/* The peer had packets unread: a reset, then the end. */
	run(5000);
	ATF_CHECK_EQ(1, a.n_gone);

	pair(&a, &b);
	wire_produce(a.w, produce_and_free);
	run(5000);
	ATF_CHECK(a.w == NULL);
	ATF_CHECK_EQ(1, b.n_gone);
}

/* Two busy wires take turns: neither reads more than a burst in a row. */
ATF_TC_WITHOUT_HEAD(fair);
ATF_TC_BODY(fair, tc)
{
	struct end a, b, c, d;

	event_init();
	pair(&a, &b);
	pair(&c, &d);
	b.other = &d;
	d.other = &b;
	for (uint32_t i = 0; i < 4 * WIRE_BURST; i++) {
		msg_signal(a.w, 1, i);
		msg_signal(c.w, 1, i);
	}
	run(100);
	ATF_CHECK_EQ(4 * WIRE_BURST, b.n_got);
	ATF_CHECK_EQ(4 * WIRE_BURST, d.n_got);
	ATF_CHECK_EQ(WIRE_BURST, b.burst_max);
	ATF_CHECK_EQ(WIRE_BURST, d.burst_max);
}

ATF_TC_WITHOUT_HEAD(descriptors);
ATF_TC_BODY(descriptors, tc)
{
	struct end a, b;
	struct msgout *m;
	struct stat one, two;
	int p[2];

	event_init();
	pair(&a, &b);
	ATF_REQUIRE_EQ(0, pipe(p));
	ATF_REQUIRE_EQ(0, fstat(p[0], &one));
	/* Also through the queue. */
	for (uint32_t i = 0; i < 50; i++)
		send_big(a.w, i);
	m = msg_new(a.w, 1, 50);
	msg_put_fd(m, p[0]);
	msg_send(m);
	b.stop_at = 51;
	run(5000);
	ATF_REQUIRE(b.fd != -1);
	ATF_REQUIRE_EQ(0, fstat(b.fd, &two));
	ATF_CHECK_EQ(one.st_ino, two.st_ino);
	ATF_CHECK_EQ(FD_CLOEXEC, fcntl(b.fd, F_GETFD));
	/* Ours was closed when it had been sent. */
	ATF_CHECK(p[0] == b.fd || fcntl(p[0], F_GETFD) == -1);
}

static void
leave_fd(struct wire *w, struct msg *m, void *arg)
{
	struct end *e;

	e = arg;
	e->fd = m->fd;
	/* A descriptor that no getter took is an error. */
	ATF_CHECK_EQ(-1, msg_end(m));
	(void)event_loopexit(NULL);
}

ATF_TC_WITHOUT_HEAD(descriptor_not_taken);
ATF_TC_BODY(descriptor_not_taken, tc)
{
	struct end a, b;
	struct msgout *m;
	int p[2];

	event_init();
	pair(&a, &b);
	wire_set(b.w, leave_fd, on_gone, &b);
	ATF_REQUIRE_EQ(0, pipe(p));
	m = msg_new(a.w, 1, 0);
	msg_put_fd(m, p[0]);
	msg_send(m);
	run(5000);
	ATF_REQUIRE(b.fd != -1);
	ATF_CHECK_EQ(-1, fcntl(b.fd, F_GETFD));
}

/* Sends one packet as no honest peer would. */
static void
send_raw(int fd, const void *data, size_t len, const int *fds, size_t n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
	struct msghdr mh;
	struct cmsghdr *c;
	struct iovec iov;
	uint8_t copy[256];

	memset(&mh, 0, sizeof(mh));
	memset(control, 0, sizeof(control));
	memcpy(copy, data, len);
	iov.iov_base = copy;
	iov.iov_len = len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	if (n_fds > 0) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	ATF_REQUIRE_EQ((ssize_t)len, sendmsg(fd, &mh, 0));
}

static int
count_fds(void)
{
	int n;

	n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	struct end b;
	uint32_t packet[4] = {1, 0, 4, 0};
	int fds[2], many[8], before;

	event_init();
	many[0] = open("/dev/null", O_RDONLY);
	for (size_t i = 1; i < 8; i++)
		many[i] = many[0];
	/* 0: control; lengths; then 2, 3 and 8 descriptors. */
	for (int i = 0; i < 8; i++) {
		memset(&b, 0, sizeof(b));
		b.fd = -1;
		b.stop_at = 1;
		ATF_REQUIRE_EQ(0, wire_pair(fds));
		b.w = wire_new(fds[1], on_msg, on_gone, &b);
		run(20);
		before = count_fds();
		packet[2] = i == 1 ? 3 : i == 2 ? 5 : i == 3 ? UINT32_MAX : 4;
		if (i < 4)
			send_raw(fds[0], packet, 16, NULL, 0);
		else if (i == 4)
			send_raw(fds[0], packet, 11, NULL, 0);
		else
			send_raw(fds[0], packet, 16, many,
			    i == 5     ? 2 :
				i == 6 ? 3 :
					 8);
		run(2000);
		ATF_CHECK_EQ(i == 0 ? 1 : 0, b.n_got);
		ATF_CHECK_EQ_MSG(i == 0 ? 0 : 1, b.n_gone, "case %d", i);
		/* The wire's own end is closed, and nothing else is open. */
		ATF_CHECK_EQ_MSG(
		    i == 0 ? before : before - 1, count_fds(), "case %d", i);
		wire_free(b.w);
		(void)close(fds[0]);
	}
}

/* A packet longer than any of ours. */
ATF_TC_WITHOUT_HEAD(oversize);
ATF_TC_BODY(oversize, tc)
{
	static uint8_t packet[MSG_MAX + 1];
	struct end b;
	int fds[2];

	event_init();
	memset(&b, 0, sizeof(b));
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	b.w = wire_new(fds[1], on_msg, on_gone, &b);
	ATF_REQUIRE_EQ(
	    (ssize_t)sizeof(packet), send(fds[0], packet, sizeof(packet), 0));
	run(2000);
	ATF_CHECK_EQ(0, b.n_got);
	ATF_CHECK_EQ(1, b.n_gone);
}

/* What the peer sent before it ended is read first. */
ATF_TC_WITHOUT_HEAD(last_words);
ATF_TC_BODY(last_words, tc)
{
	struct end a, b;

	event_init();
	pair(&a, &b);
	/* Unread by a: makes b's end a reset. */
	msg_signal(b.w, 1, 0);
	wire_pause(a.w);
	for (uint32_t i = 0; i < 5; i++)
		msg_signal(a.w, 1, i);
	wire_free(a.w);
	/* Sending into the void does no harm. */
	msg_signal(b.w, 1, 1);
	run(5000);
	ATF_CHECK_EQ(5, b.n_got);
	ATF_CHECK_EQ(1, b.n_gone);
}

ATF_TC_WITHOUT_HEAD(fail);
ATF_TC_BODY(fail, tc)
{
	struct end a, b;

	event_init();
	pair(&a, &b);
	wire_fail(a.w);
	wire_fail(a.w);
	ATF_CHECK_EQ(0, a.n_gone);
	msg_signal(a.w, 1, 0);
	run(5000);
	ATF_CHECK_EQ(1, a.n_gone);
	run(5000);
	ATF_CHECK_EQ(0, b.n_got);
	ATF_CHECK_EQ(1, b.n_gone);
}

ATF_TC_WITHOUT_HEAD(detach);
ATF_TC_BODY(detach, tc)
{
	struct end a, b;
	struct msg m;
	int fd;

	event_init();
	pair(&a, &b);
	fd = wire_detach(b.w);
	msg_signal(a.w, 5, 6);
	ATF_REQUIRE_EQ(1, msg_recv_wait(fd, &m, 1000));
	ATF_CHECK_EQ(5, m.type);
	ATF_CHECK_EQ(6, m.id);
	msg_done(&m);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, backpressure);
	ATF_TP_ADD_TC(tp, producer);
	ATF_TP_ADD_TC(tp, free_in_callbacks);
	ATF_TP_ADD_TC(tp, fair);
	ATF_TP_ADD_TC(tp, descriptors);
	ATF_TP_ADD_TC(tp, descriptor_not_taken);
	ATF_TP_ADD_TC(tp, malformed);
	ATF_TP_ADD_TC(tp, oversize);
	ATF_TP_ADD_TC(tp, last_words);
	ATF_TP_ADD_TC(tp, fail);
	ATF_TP_ADD_TC(tp, detach);
	return atf_no_error();
}
