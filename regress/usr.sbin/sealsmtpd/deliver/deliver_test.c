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
 * What a deliverer does about an engine that lies: it talks the wire to one
 * that runs in a child process, with no account at all.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "../../../../usr.sbin/sealsmtpd/deliver/deliver.h"
#include "msg.h"
#include "seal.h"

#define PATIENCE 60000 /* milliseconds, where a machine is slow */
#define ENGINES 2

static pid_t child;
static int engines[ENGINES];

/* The deliverer, with a wire to each engine. */
static void
start(void)
{
	int fds[ENGINES][2], base;

	for (int i = 0; i < ENGINES; i++)
		ATF_REQUIRE_EQ(0, wire_pair(fds[i]));
	child = fork();
	ATF_REQUIRE(child != -1);
	if (child == 0) {
		(void)event_init();
		base = open(".", O_RDONLY | O_DIRECTORY);
		if (base == -1 || seal_init() == -1)
			_exit(2);
		report_init();
		delivery_init(base);
		recipient_init(base);
		sync_init(base);
		for (unsigned int i = 0; i < ENGINES; i++) {
			(void)close(fds[i][0]);
			engine_start(i, fds[i][1]);
		}
		(void)event_dispatch();
		_exit(0); /* both have gone */
	}
	for (int i = 0; i < ENGINES; i++) {
		(void)close(fds[i][1]);
		engines[i] = fds[i][0];
	}
}

static void
end(void)
{
	int status;

	for (int i = 0; i < ENGINES; i++)
		(void)close(engines[i]);
	ATF_REQUIRE_EQ(child, waitpid(child, &status, 0));
	ATF_CHECK_EQ(0, status);
}

static void
send_it(struct msgout *out)
{
	ATF_REQUIRE_EQ(1, msg_send_wait(out, PATIENCE));
}

static void
hello(int fd)
{
	struct msgout *out;
	struct msg msg;

	out = msg_new_fd(fd, DELIVER_HELLO, 0);
	msg_put_u32(out, DELIVER_VERSION);
	send_it(out);
	ATF_REQUIRE_EQ(1, msg_recv_wait(fd, &msg, PATIENCE));
	ATF_REQUIRE_EQ(DELIVER_HELLO, msg.type);
	msg_done(&msg);
}

static void
put_envelope(struct msgout *out)
{
	static const uint8_t id[STORE_ID];

	msg_put_u8(out, DELIVER_ENVELOPE);
	msg_put_str(out, "a@b.test");
	msg_put_u8(out, 0);
	msg_put_i64(out, 1);
	msg_put_raw(out, id, sizeof(id));
}

static void
put_targets(struct msgout *out, unsigned int n)
{
	for (; n > 0; n--) {
		msg_put_u8(out, DELIVER_TARGET);
		msg_put_str(out, "nobody@example.org");
		msg_put_str(out, "nobody@example.org");
		msg_put_str(out, "");
	}
}

/* A delivery to n targets, of which more could come; false: the wire is cut. */
static bool
begin(int fd, uint32_t id, unsigned int n)
{
	struct msgout *out;

	out = msg_new_fd(fd, DELIVER_PUT, id);
	put_envelope(out);
	put_targets(out, n);
	return msg_send_wait(out, PATIENCE) == 1;
}

static void
put(int fd, uint32_t id, uint8_t record)
{
	struct msgout *out;

	out = msg_new_fd(fd, DELIVER_PUT, id);
	msg_put_u8(out, record);
	if (record == DELIVER_COMMIT)
		msg_put_u16(out, 0);
	send_it(out);
}

static void
put_chunk(int fd, uint32_t id, uint8_t kind, uint32_t len)
{
	static const uint8_t data[DELIVER_CHUNK_MAX];
	struct msgout *out;

	out = msg_new_fd(fd, DELIVER_PUT, id);
	msg_put_u8(out, DELIVER_CHUNK);
	msg_put_u8(out, kind);
	msg_put_u8(out, 0);
	msg_put_u32(out, len);
	msg_put_bytes(out, data, len);
	send_it(out);
}

/* It answers questions: whoever breaks no rule is served. */
static void
served(int fd)
{
	struct msgout *out;
	struct msg msg;

	out = msg_new_fd(fd, DELIVER_CHECK, 7);
	msg_put_str(out, "nobody@example.org");
	msg_put_u64(out, 0);
	send_it(out);
	ATF_REQUIRE_EQ(1, msg_recv_wait(fd, &msg, PATIENCE));
	ATF_REQUIRE_EQ(DELIVER_CHECKED, msg.type);
	ATF_REQUIRE_EQ(7, msg.id);
	ATF_REQUIRE_EQ(DELIVER_UNKNOWN, msg_get_u8(&msg));
	msg_done(&msg);
}

/* Its wire is cut, without a word, and another engine's is not. */
static void
cut(int fd, int other)
{
	struct msg msg;
	int r;

	/* The deliverer closes a socket with unread octets: a reset, or EOF. */
	r = msg_recv_wait(fd, &msg, PATIENCE);
	ATF_CHECK(r == 0 || (r == -1 && errno == ECONNRESET));
	served(other);
}

/* The answer to a delivery that was committed, to n targets. */
static void
answered(int fd, uint32_t id, unsigned int n)
{
	struct msg msg;

	ATF_REQUIRE_EQ(1, msg_recv_wait(fd, &msg, PATIENCE));
	ATF_REQUIRE_EQ(DELIVER_ANSWER, msg.type);
	ATF_REQUIRE_EQ(id, msg.id);
	ATF_REQUIRE_EQ(n, msg_get_u16(&msg));
	for (; n > 0; n--)
		ATF_REQUIRE_EQ(DELIVER_UNKNOWN, msg_get_u8(&msg));
	ATF_CHECK_EQ(0, msg_end(&msg));
	msg_done(&msg);
}

ATF_TC_WITHOUT_HEAD(deliveries);
ATF_TC_BODY(deliveries, tc)
{
	start();
	hello(engines[0]);
	hello(engines[1]);
	for (uint32_t id = 1; id <= DELIVER_OPEN_MAX; id++)
		ATF_REQUIRE(begin(engines[0], id, 1));
	served(engines[0]);
	/* What ends makes room, by whatever end. */
	put(engines[0], 1, DELIVER_ABORT);
	put_chunk(engines[0], 2, 0, 0);
	put(engines[0], 2, DELIVER_COMMIT);
	answered(engines[0], 2, 1);
	ATF_REQUIRE(begin(engines[0], 1, 1));
	ATF_REQUIRE(begin(engines[0], 2, 1));
	served(engines[0]);
	/* Each wire has its own. */
	ATF_REQUIRE(begin(engines[1], 1, 1));
	ATF_REQUIRE(begin(engines[0], DELIVER_OPEN_MAX + 1, 1));
	cut(engines[0], engines[1]);
	end();
}

ATF_TC_WITHOUT_HEAD(targets);
ATF_TC_BODY(targets, tc)
{
	uint32_t id;
	unsigned int left;

	start();
	hello(engines[0]);
	hello(engines[1]);
	left = DELIVER_FILES_MAX;
	for (id = 1; left >= DELIVER_TARGETS_MAX; id++) {
		ATF_REQUIRE(begin(engines[0], id, DELIVER_TARGETS_MAX));
		left -= DELIVER_TARGETS_MAX;
	}
	ATF_REQUIRE(begin(engines[0], id, left));
	served(engines[0]);
	put_chunk(engines[0], 1, 0, 0);
	put(engines[0], 1, DELIVER_COMMIT);
	answered(engines[0], 1, DELIVER_TARGETS_MAX);
	put(engines[0], 2, DELIVER_ABORT);
	ATF_REQUIRE(begin(engines[0], 1, DELIVER_TARGETS_MAX));
	ATF_REQUIRE(begin(engines[0], 2, DELIVER_TARGETS_MAX));
	served(engines[0]);
	ATF_REQUIRE(begin(engines[0], id + 1, 1));
	cut(engines[0], engines[1]);
	end();
}

static void
put_first(int fd, uint32_t id, size_t len)
{
	static const uint8_t data[DELIVER_CHUNK_MAX];
	struct msgout *out;

	out = msg_new_fd(fd, DELIVER_PUT, id);
	msg_put_u8(out, DELIVER_FIRST);
	msg_put_bytes(out, data, len);
	send_it(out);
}

/* A first chunk that comes last: as it is meant. */
ATF_TC_WITHOUT_HEAD(later);
ATF_TC_BODY(later, tc)
{
	start();
	hello(engines[0]);
	ATF_REQUIRE(begin(engines[0], 1, 2));
	put(engines[0], 1, DELIVER_LATER);
	put_chunk(engines[0], 1, 0, 5);
	put_first(engines[0], 1, DELIVER_CHUNK_MAX);
	put_chunk(engines[0], 1, 1, 5);
	put(engines[0], 1, DELIVER_COMMIT);
	answered(engines[0], 1, 2);
	/* Nothing but it, and one that is given up. */
	ATF_REQUIRE(begin(engines[0], 1, 1));
	put(engines[0], 1, DELIVER_LATER);
	put_first(engines[0], 1, DELIVER_CHUNK_MAX);
	put(engines[0], 1, DELIVER_COMMIT);
	answered(engines[0], 1, 1);
	ATF_REQUIRE(begin(engines[0], 1, 1));
	put(engines[0], 1, DELIVER_LATER);
	put(engines[0], 1, DELIVER_ABORT);
	served(engines[0]);
	end();
}

/* ... and against the rules, each of which costs the wire. */
static void
wrong_later(void (*how)(int))
{
	start();
	hello(engines[0]);
	hello(engines[1]);
	ATF_REQUIRE(begin(engines[0], 1, 1));
	how(engines[0]);
	cut(engines[0], engines[1]);
	end();
}

static void
never_left(int fd)
{
	put_chunk(fd, 1, 0, 5);
	put_first(fd, 1, DELIVER_CHUNK_MAX);
}

static void
too_late(int fd)
{
	put_chunk(fd, 1, 0, 5);
	put(fd, 1, DELIVER_LATER);
}

static void
left_twice(int fd)
{
	put(fd, 1, DELIVER_LATER);
	put(fd, 1, DELIVER_LATER);
}

static void
never_came(int fd)
{
	put(fd, 1, DELIVER_LATER);
	put_chunk(fd, 1, 0, 5);
	put(fd, 1, DELIVER_COMMIT);
}

static void
came_twice(int fd)
{
	put(fd, 1, DELIVER_LATER);
	put_first(fd, 1, DELIVER_CHUNK_MAX);
	put_first(fd, 1, DELIVER_CHUNK_MAX);
}

static void
came_short(int fd)
{
	put(fd, 1, DELIVER_LATER);
	put_first(fd, 1, DELIVER_CHUNK_MAX - 1);
}

ATF_TC_WITHOUT_HEAD(later_wrong);
ATF_TC_BODY(later_wrong, tc)
{
	wrong_later(never_left);
	wrong_later(too_late);
	wrong_later(left_twice);
	wrong_later(never_came);
	wrong_later(came_twice);
	wrong_later(came_short);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, deliveries);
	ATF_TP_ADD_TC(tp, targets);
	ATF_TP_ADD_TC(tp, later);
	ATF_TP_ADD_TC(tp, later_wrong);
	return atf_no_error();
}
