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
 * Fields: what was put is got, and nothing else.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"

#define FIELDS_MAX 40
#define ROUNDS 400

enum kind { U8, U16, U32, U64, I64, BYTES, STR, RAW, KINDS };

struct field {
	enum kind kind;
	uint64_t v;
	uint8_t data[300];
	size_t len;
};

static int wires[2];

static void
field_random(struct field *f)
{
	f->kind = arc4random_uniform(KINDS);
	arc4random_buf(&f->v, sizeof(f->v));
	f->len = arc4random_uniform(sizeof(f->data));
	arc4random_buf(f->data, sizeof(f->data));
	if (f->kind != STR)
		return;
	for (size_t i = 0; i < f->len; i++)
		f->data[i] |= 1;
	f->data[f->len] = '\0';
}

static void
field_put(struct msgout *m, const struct field *f)
{
	switch (f->kind) {
	case U8:
		msg_put_u8(m, (uint8_t)f->v);
		break;
	case U16:
		msg_put_u16(m, (uint16_t)f->v);
		break;
	case U32:
		msg_put_u32(m, (uint32_t)f->v);
		break;
	case U64:
		msg_put_u64(m, f->v);
		break;
	case I64:
		msg_put_i64(m, (int64_t)f->v);
		break;
	case BYTES:
		msg_put_bytes(m, f->data, f->len);
		break;
	case STR:
		msg_put_str(m, (const char *)f->data);
		break;
	case RAW:
	case KINDS:
		msg_put_raw(m, f->data, f->len);
		break;
	}
}

/* Whether the next field of the message is f. */
static bool
field_get(struct msg *m, const struct field *f)
{
	const uint8_t *p;
	char buf[300];
	size_t len;

	switch (f->kind) {
	case U8:
		return msg_get_u8(m) == (uint8_t)f->v && !m->bad;
	case U16:
		return msg_get_u16(m) == (uint16_t)f->v && !m->bad;
	case U32:
		return msg_get_u32(m) == (uint32_t)f->v && !m->bad;
	case U64:
		return msg_get_u64(m) == f->v && !m->bad;
	case I64:
		return msg_get_i64(m) == (int64_t)f->v && !m->bad;
	case BYTES:
		p = msg_get_bytes(m, &len, sizeof(f->data));
		return p != NULL && len == f->len &&
		    memcmp(p, f->data, len) == 0;
	case STR:
		return msg_get_str(m, buf, sizeof(buf)) == 0 &&
		    strcmp(buf, (const char *)f->data) == 0;
	case RAW:
	case KINDS:
		return msg_get_raw(m, buf, f->len) == 0 &&
		    memcmp(buf, f->data, f->len) == 0;
	}
	return false;
}

static void
open_wires(void)
{
	ATF_REQUIRE_EQ(0, wire_pair(wires));
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	static struct field f[FIELDS_MAX];
	struct msgout *out;
	struct msg m;
	uint32_t type, id;
	size_t n;

	open_wires();
	for (int round = 0; round < ROUNDS; round++) {
		n = arc4random_uniform(FIELDS_MAX + 1);
		type = arc4random();
		id = arc4random();
		out = msg_new_fd(wires[0], type, id);
		for (size_t i = 0; i < n; i++) {
			field_random(&f[i]);
			field_put(out, &f[i]);
		}
		ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
		ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
		ATF_CHECK_EQ(type, m.type);
		ATF_CHECK_EQ(id, m.id);
		ATF_CHECK_EQ(-1, m.fd);
		for (size_t i = 0; i < n; i++)
			ATF_REQUIRE(field_get(&m, &f[i]));
		ATF_REQUIRE_EQ(0, msg_end(&m));
		msg_done(&m);
	}
}

/* Cut anywhere, some getter or msg_end() must say so. */
ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	static const uint8_t text[] = "five";
	struct msgout *out;
	struct msg m, cut;
	char str[16];
	size_t len;

	open_wires();
	out = msg_new_fd(wires[0], 1, 2);
	msg_put_u8(out, 1);
	msg_put_u16(out, 2);
	msg_put_u32(out, 3);
	msg_put_u64(out, 4);
	msg_put_i64(out, -5);
	msg_put_bytes(out, text, sizeof(text));
	msg_put_str(out, "six");
	msg_put_raw(out, text, sizeof(text));
	ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	for (size_t n = 0; n <= m.len; n++) {
		cut = m;
		cut.len = n;
		(void)msg_get_u8(&cut);
		(void)msg_get_u16(&cut);
		(void)msg_get_u32(&cut);
		(void)msg_get_u64(&cut);
		(void)msg_get_i64(&cut);
		(void)msg_get_bytes(&cut, &len, 100);
		ATF_CHECK(len == 0 || len == sizeof(text));
		(void)msg_get_str(&cut, str, sizeof(str));
		(void)msg_get_raw(&cut, str, sizeof(text));
		ATF_CHECK_EQ_MSG(n == m.len ? 0 : -1, msg_end(&cut),
		    "cut at %zu of %zu", n, m.len);
	}
	msg_done(&m);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	struct msgout *out;
	struct msg m, copy;
	char str[8];
	size_t len;

	open_wires();
	out = msg_new_fd(wires[0], 1, 2);
	msg_put_bytes(out, "1234567", 7);
	msg_put_bytes(out, "1\0003", 3);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	copy = m;
	ATF_CHECK(msg_get_bytes(&copy, &len, 7) != NULL);
	ATF_CHECK_EQ(7, len);
	copy = m;
	ATF_CHECK(msg_get_bytes(&copy, &len, 6) == NULL);
	ATF_CHECK(copy.bad);
	copy = m;
	ATF_CHECK_EQ(0, msg_get_str(&copy, str, 8));
	ATF_CHECK_STREQ("1234567", str);
	/* An inner NUL would make two texts of one. */
	ATF_CHECK_EQ(-1, msg_get_str(&copy, str, 8));
	copy = m;
	ATF_CHECK_EQ(-1, msg_get_str(&copy, str, 7));
	ATF_CHECK_STREQ("", str);
	/* Bad stays bad. */
	ATF_CHECK_EQ(0, msg_get_u8(&copy));
	ATF_CHECK_EQ(-1, msg_end(&copy));
	/* Left over. */
	copy = m;
	ATF_CHECK(msg_get_bytes(&copy, &len, 7) != NULL);
	ATF_CHECK_EQ(-1, msg_end(&copy));
	/* A length of 2^32 - 1. */
	copy = m;
	memset((uint8_t *)(uintptr_t)m.data, 0xff, 4);
	ATF_CHECK(msg_get_bytes(&copy, &len, SIZE_MAX) == NULL);
	ATF_CHECK_EQ(-1, msg_end(&copy));
	msg_done(&m);
}

ATF_TC_WITHOUT_HEAD(largest);
ATF_TC_BODY(largest, tc)
{
	struct msgout *out;
	struct msg m;
	uint8_t *p;
	size_t len;

	open_wires();
	out = msg_new_fd(wires[0], 7, 8);
	msg_put_u32(out, 0);
	len = msg_room(out);
	ATF_CHECK_EQ(MSG_PAYLOAD_MAX - 4, len);
	p = msg_put_space(out, len);
	memset(p, 0xa5, len);
	msg_set_u32(out, 0, 77);
	ATF_CHECK_EQ(0, msg_room(out));
	ATF_CHECK_EQ(MSG_PAYLOAD_MAX, msg_length(out));
	ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	ATF_CHECK_EQ(77, msg_get_u32(&m));
	ATF_REQUIRE(msg_get_rest(&m, &len) != NULL);
	ATF_CHECK_EQ(MSG_PAYLOAD_MAX - 4, len);
	ATF_CHECK_EQ(0xa5, m.data[MSG_PAYLOAD_MAX - 1]);
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
}

ATF_TC_WITHOUT_HEAD(over_limit);
ATF_TC_BODY(over_limit, tc)
{
	struct msgout *out;
	pid_t pid;
	int status;

	open_wires();
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		out = msg_new_fd(wires[0], 7, 8);
		(void)msg_put_space(out, MSG_PAYLOAD_MAX);
		msg_put_u8(out, 1);
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* What the second message says must not end up in the first. */
ATF_TC_WITHOUT_HEAD(nested);
ATF_TC_BODY(nested, tc)
{
	struct msgout *one, *two;
	struct msg m;

	open_wires();
	one = msg_new_fd(wires[0], 1, 1);
	msg_put_u32(one, 11);
	two = msg_new_fd(wires[0], 2, 2);
	msg_put_u32(two, 22);
	ATF_REQUIRE_EQ(1, msg_send_wait(two, 1000));
	ATF_REQUIRE_EQ(1, msg_send_wait(one, 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	ATF_CHECK_EQ(2, m.type);
	ATF_CHECK_EQ(22, msg_get_u32(&m));
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	ATF_CHECK_EQ(1, m.type);
	ATF_CHECK_EQ(11, msg_get_u32(&m));
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
}

/* Nothing of a message is left in either buffer. */
ATF_TC_WITHOUT_HEAD(wiped);
ATF_TC_BODY(wiped, tc)
{
	struct msgout *out;
	struct msg m;
	uint8_t *sent;
	const uint8_t *got;
	size_t len;

	open_wires();
	out = msg_new_fd(wires[0], 1, 1);
	sent = msg_put_space(out, 1000);
	memset(sent, 0x5a, 1000);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, 1000));
	ATF_REQUIRE_EQ(1, msg_recv_wait(wires[1], &m, 1000));
	got = msg_get_rest(&m, &len);
	ATF_REQUIRE_EQ(1000, len);
	ATF_CHECK_EQ(0x5a, got[999]);
	msg_done(&m);
	for (size_t i = 0; i < 1000; i++) {
		ATF_REQUIRE_EQ(0, sent[i]);
		ATF_REQUIRE_EQ(0, got[i]);
	}
	/* And after msg_wipe() nothing of one in the making. */
	out = msg_new_fd(wires[0], 1, 1);
	memset(msg_put_space(out, MSG_PAYLOAD_MAX), 0x5a, MSG_PAYLOAD_MAX);
	msg_wipe();
	for (size_t i = 0; i < MSG_PAYLOAD_MAX; i++)
		ATF_REQUIRE_EQ(0, sent[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, largest);
	ATF_TP_ADD_TC(tp, over_limit);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, wiped);
	return atf_no_error();
}
