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
 * Blocking calls, also within a handler and across fork(2).
 */

#include <sys/types.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "msg.h"

static int side[2];
static int handled;

static int64_t
now_ms(void)
{
	struct timespec ts;

	ATF_REQUIRE_EQ(0, clock_gettime(CLOCK_MONOTONIC, &ts));
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

ATF_TC_WITHOUT_HEAD(time_out);
ATF_TC_BODY(time_out, tc)
{
	struct msgout *out;
	struct msg m;
	int64_t start;
	int fds[2], n, ret;

	ATF_REQUIRE_EQ(0, wire_pair(fds));
	start = now_ms();
	ATF_CHECK_EQ(-1, msg_recv_wait(fds[0], &m, 100));
	ATF_CHECK_EQ(ETIMEDOUT, errno);
	ATF_CHECK(now_ms() - start >= 95);
	/* A peer that never reads. */
	ret = 1;
	for (n = 0; n < 1000 && ret == 1; n++) {
		out = msg_new_fd(fds[0], 1, 1);
		(void)msg_put_space(out, MSG_PAYLOAD_MAX);
		ret = msg_send_wait(out, 100);
	}
	ATF_CHECK_EQ(-1, ret);
	ATF_CHECK_EQ(ETIMEDOUT, errno);
	ATF_CHECK(n > 1 && n < 100);
	(void)close(fds[1]);
	ATF_CHECK_EQ(0, msg_recv_wait(fds[0], &m, 100));
	ATF_CHECK_EQ(-1, msg_send_wait(msg_new_fd(fds[0], 1, 1), 100));
	ATF_CHECK_EQ(EPIPE, errno);
}

/* A handler asks another process and goes on reading its own message. */
static void
ask(struct wire *w, struct msg *m, void *arg)
{
	struct msg answer;
	uint32_t first, second;

	first = msg_get_u32(m);
	ATF_REQUIRE_EQ(1, msg_send_wait(msg_new_fd(side[0], 3, 4), 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(side[1], &answer, 1000));
	ATF_CHECK_EQ(3, answer.type);
	msg_done(&answer);
	second = msg_get_u32(m);
	ATF_CHECK_EQ(111, first);
	ATF_CHECK_EQ(222, second);
	ATF_CHECK_EQ(0, msg_end(m));
	handled++;
	(void)event_loopexit(NULL);
}

ATF_TC_WITHOUT_HEAD(in_handler);
ATF_TC_BODY(in_handler, tc)
{
	struct msgout *out;
	struct wire *w;
	int fds[2];

	event_init();
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	ATF_REQUIRE_EQ(0, wire_pair(side));
	w = wire_new(fds[0], ask, NULL, NULL);
	out = msg_new_fd(fds[1], 1, 1);
	msg_put_u32(out, 111);
	msg_put_u32(out, 222);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
	event_dispatch();
	ATF_CHECK_EQ(1, handled);
	wire_free(w);
}

static void
answer(struct wire *w, struct msg *m, void *arg)
{
	msg_signal(w, m->type + 1, m->id);
}

static void
gone(struct wire *w, void *arg)
{
	wire_free(w);
	_exit(0);
}

/*
 * Forks within a handler, as a store's master does: the child has an event
 * loop and a wire of its own, the parent's wire works on.
 */
static void
fork_child(struct wire *w, struct msg *m, void *arg)
{
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		msg_wipe();
		wire_abandon(w);
		event_init();
		(void)close(side[0]);
		(void)wire_new(side[1], answer, gone, NULL);
		event_dispatch();
		_exit(1);
	}
	(void)close(side[1]);
	side[1] = (int)pid;
	if (++handled == 1)
		(void)event_loopexit(NULL);
}

ATF_TC_WITHOUT_HEAD(forked);
ATF_TC_BODY(forked, tc)
{
	struct wire *w;
	struct msg m;
	int fds[2], status;

	event_init();
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	ATF_REQUIRE_EQ(0, wire_pair(side));
	w = wire_new(fds[0], fork_child, NULL, NULL);
	ATF_REQUIRE_EQ(1, msg_send_wait(msg_new_fd(fds[1], 1, 1), 1000));
	event_dispatch();
	for (uint32_t i = 0; i < 100; i++) {
		ATF_REQUIRE_EQ(
		    1, msg_send_wait(msg_new_fd(side[0], 10, i), 1000));
		ATF_REQUIRE_EQ(1, msg_recv_wait(side[0], &m, 2000));
		ATF_CHECK_EQ(11, m.type);
		ATF_CHECK_EQ(i, m.id);
		msg_done(&m);
	}
	/* The parent's own wire still hears its peer. */
	wire_set(w, answer, NULL, NULL);
	ATF_REQUIRE_EQ(1, msg_send_wait(msg_new_fd(fds[1], 20, 7), 1000));
	(void)event_loop(EVLOOP_ONCE);
	ATF_REQUIRE_EQ(1, msg_recv_wait(fds[1], &m, 2000));
	ATF_CHECK_EQ(21, m.type);
	msg_done(&m);
	(void)close(side[0]);
	ATF_REQUIRE_EQ((pid_t)side[1], waitpid((pid_t)side[1], &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, time_out);
	ATF_TP_ADD_TC(tp, in_handler);
	ATF_TP_ADD_TC(tp, forked);
	return atf_no_error();
}
