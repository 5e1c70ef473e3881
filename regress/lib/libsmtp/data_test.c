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
 * Message data: what ends it, what comes through, what is refused, under every
 * way of cutting the input into pieces.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "smtp.h"

#define ROOM 65536

struct result {
	enum smtp_data_state state;
	struct smtp_data data;
	uint8_t out[ROOM];
	size_t len;
	size_t used;
};

/* Decodes in pieces of so many octets, with so much room for output. */
static void
decode(const void *in, size_t len, size_t piece, size_t room, struct result *r)
{
	size_t i, o;

	memset(r, 0, sizeof(*r));
	smtp_data_init(&r->data);
	while (r->used < len && r->state == SMTP_DATA_MORE) {
		i = len - r->used < piece ? len - r->used : piece;
		o = room;
		r->state = smtp_data_decode(&r->data,
		    (const uint8_t *)in + r->used, &i, r->out + r->len, &o);
		ATF_REQUIRE(i > 0 || o > 0);
		r->used += i;
		r->len += o;
	}
}

/* The same whatever the pieces are; the result of one of them in r. */
static void
decode_all(const void *in, size_t len, struct result *r)
{
	static const size_t pieces[] = {1, 2, 3, 5, 7, 64, ROOM};
	static struct result other;

	decode(in, len, ROOM, ROOM, r);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		decode(in, len, pieces[i], 4, &other);
		ATF_CHECK_EQ(r->state, other.state);
		ATF_CHECK_EQ(r->used, other.used);
		ATF_REQUIRE_EQ(r->len, other.len);
		ATF_CHECK_EQ(0, memcmp(r->out, other.out, r->len));
		ATF_CHECK_EQ(r->data.bare, other.data.bare);
		ATF_CHECK_EQ(r->data.received, other.data.received);
		ATF_CHECK_EQ(r->data.size, other.data.size);
		ATF_CHECK_EQ(r->len, r->data.size);
	}
}

#define CHECK_END(in, want) \
	check_end(in, sizeof(in) - 1, want, sizeof(want) - 1)

static void
check_end(const char *in, size_t len, const char *want, size_t wantlen)
{
	static struct result r;

	decode_all(in, len, &r);
	ATF_CHECK_EQ_MSG(SMTP_DATA_END, r.state, "%s", in);
	ATF_CHECK_EQ(len, r.used);
	ATF_CHECK(!r.data.bare);
	ATF_CHECK_EQ_MSG(wantlen, r.len, "%s", in);
	ATF_CHECK_EQ_MSG(0, memcmp(want, r.out, wantlen), "%s", in);
}

#define CHECK_STATE(in, state, bare) \
	check_state(in, sizeof(in) - 1, state, bare)

static void
check_state(const char *in, size_t len, enum smtp_data_state state, bool bare)
{
	static struct result r;

	decode_all(in, len, &r);
	ATF_CHECK_EQ_MSG(state, r.state, "%s", in);
	ATF_CHECK_EQ_MSG(bare, r.data.bare, "%s", in);
}

ATF_TC_WITHOUT_HEAD(end);
ATF_TC_BODY(end, tc)
{
	CHECK_END(".\r\n", "");
	CHECK_END("a\r\n.\r\n", "a\r\n");
	CHECK_END("\r\n.\r\n", "\r\n");
	CHECK_END("a\r\n\r\n\r\n.\r\n", "a\r\n\r\n\r\n");
	CHECK_STATE("a\r\n.", SMTP_DATA_MORE, false);
	CHECK_STATE("a\r\n.\r", SMTP_DATA_MORE, false);
	CHECK_STATE("a.\r\n", SMTP_DATA_MORE, false);
}

ATF_TC_WITHOUT_HEAD(unstuff);
ATF_TC_BODY(unstuff, tc)
{
	CHECK_END("..\r\n.\r\n", ".\r\n");
	CHECK_END("...\r\n.\r\n", "..\r\n");
	CHECK_END("a\r\n..\r\n..b\r\n.\r\n", "a\r\n.\r\n.b\r\n");
	CHECK_END(".a\r\n.\r\n", "a\r\n");
	CHECK_END("a.b\r\n..\r\n.\r\n", "a.b\r\n.\r\n");
}

ATF_TC_WITHOUT_HEAD(follows);
ATF_TC_BODY(follows, tc)
{
	static struct result r;
	static const char in[] = "a\r\n.\r\nQUIT\r\n";

	decode_all(in, sizeof(in) - 1, &r);
	ATF_CHECK_EQ(SMTP_DATA_END, r.state);
	ATF_CHECK_EQ(6, r.used);
}

ATF_TC_WITHOUT_HEAD(octets);
ATF_TC_BODY(octets, tc)
{
	static struct result r;
	uint8_t in[1024];
	size_t n;

	n = 0;
	for (int c = 0; c < 256; c++)
		if (c != '\r' && c != '\n')
			in[n++] = (uint8_t)c;
	memcpy(in + n, "\r\n.\r\n", 5);
	decode_all(in, n + 5, &r);
	ATF_CHECK_EQ(SMTP_DATA_END, r.state);
	ATF_CHECK(!r.data.bare);
	ATF_CHECK_EQ(n + 2, r.len);
	ATF_CHECK_EQ(0, memcmp(in, r.out, n + 2));
}

ATF_TC_WITHOUT_HEAD(long_lines);
ATF_TC_BODY(long_lines, tc)
{
	static struct result r;
	static uint8_t in[ROOM / 2];

	memset(in, 'x', sizeof(in));
	memcpy(in + sizeof(in) - 5, "\r\n.\r\n", 5);
	decode_all(in, sizeof(in), &r);
	ATF_CHECK_EQ(SMTP_DATA_END, r.state);
	ATF_CHECK_EQ(sizeof(in) - 3, r.len);
}

/*
 * SMTP smuggling: what some servers take for the end of data.  Each must
 * neither end the message nor be passed over.
 */
#define SMUGGLE(name, line)                                                   \
	ATF_TC_WITHOUT_HEAD(name);                                            \
	ATF_TC_BODY(name, tc)                                                 \
	{                                                                     \
		CHECK_STATE("a" line "MAIL FROM:<x@y>\r\n.\r\n",              \
		    SMTP_DATA_SMUGGLED, true);                                \
		CHECK_STATE("a\r\nb" line "b\r\n", SMTP_DATA_SMUGGLED, true); \
	}

SMUGGLE(smuggle_lf_dot_lf, "\n.\n")
SMUGGLE(smuggle_lf_dot_crlf, "\n.\r\n")
SMUGGLE(smuggle_crlf_dot_lf, "\r\n.\n")
SMUGGLE(smuggle_cr_dot_cr, "\r.\r")
SMUGGLE(smuggle_cr_dot_crlf, "\r.\r\n")
SMUGGLE(smuggle_crlf_dot_cr, "\r\n.\rx")
SMUGGLE(smuggle_cr_dot_lf, "\r.\n")
SMUGGLE(smuggle_lf_dot_cr, "\n.\rx")
SMUGGLE(smuggle_crcrlf_dot_crcrlf, "\r\r\n.\r\r\n")
SMUGGLE(smuggle_crlfcr_dot_crlf, "\r\n\r.\r\n")

/* Looks like it, and is a message like any other. */
ATF_TC_WITHOUT_HEAD(smuggle_not);
ATF_TC_BODY(smuggle_not, tc)
{
	CHECK_END("a\r\n.\0\r\nb\r\n.\r\n", "a\r\n\0\r\nb\r\n");
	CHECK_END("a\r\n\0.\r\nb\r\n.\r\n", "a\r\n\0.\r\nb\r\n");
	CHECK_END("a\r\n. \r\nb\r\n.\r\n", "a\r\n \r\nb\r\n");
	CHECK_END("a\r\n \t.\r\nb\r\n.\r\n", "a\r\n \t.\r\nb\r\n");
	CHECK_END("a\0\r\n..\r\nb\r\n.\r\n", "a\0\r\n.\r\nb\r\n");
	CHECK_END("a\x85.\x85"
		  "b\r\n.\r\n",
	    "a\x85.\x85"
	    "b\r\n");
}

/* Bare octets without a dot: the message is refused, the end is the end. */
ATF_TC_WITHOUT_HEAD(bare);
ATF_TC_BODY(bare, tc)
{
	CHECK_STATE("a\nb\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("a\rb\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("\na\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("\ra\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("a\r\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("a\n\r\nb\r\n.\r\n", SMTP_DATA_END, true);
	CHECK_STATE("a\r\0\nb\r\n.\r\n", SMTP_DATA_END, true);
}

/* Against a decoder written the slow way, over all short inputs. */
ATF_TC(exhaustive);
ATF_TC_HEAD(exhaustive, tc)
{
	atf_tc_set_md_var(tc, "descr", "all inputs of 8 octets of 5 kinds");
}
ATF_TC_BODY(exhaustive, tc)
{
	static const char kinds[] = "\r\n.a\0";
	static struct result r;
	char in[8];
	const char *end;
	size_t n, want;

	for (n = 0; n < 390625; n++) {
		for (size_t i = 0, v = n; i < sizeof(in); i++, v /= 5)
			in[i] = kinds[v % 5];
		decode(in, sizeof(in), ROOM, ROOM, &r);
		want = sizeof(in) + 1;
		if (memcmp(in, ".\r\n", 3) == 0)
			want = 3;
		else {
			end = memmem(in, sizeof(in), "\r\n.\r\n", 5);
			if (end != NULL)
				want = (size_t)(end - in) + 5;
		}
		if (r.state == SMTP_DATA_END)
			ATF_REQUIRE_EQ(want, r.used);
		else if (want <= sizeof(in))
			ATF_REQUIRE_EQ(SMTP_DATA_SMUGGLED, r.state);
		if (r.state == SMTP_DATA_SMUGGLED)
			ATF_REQUIRE(r.data.bare);
		for (size_t i = 0; i < r.used && r.state == SMTP_DATA_END; i++)
			if ((in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
			    (in[i] == '\r' && in[i + 1] != '\n'))
				ATF_REQUIRE(r.data.bare);
	}
}

ATF_TC_WITHOUT_HEAD(received);
ATF_TC_BODY(received, tc)
{
	static struct result r;
	static const char in[] = "Received: a\r\n by b\r\nRECEIVED: c\r\n"
				 "Received-SPF: d\r\nXReceived: e\r\n"
				 "received:f\r\nRecei: g\r\n\r\n"
				 "Received: h\r\n.\r\n";

	decode_all(in, sizeof(in) - 1, &r);
	ATF_CHECK_EQ(SMTP_DATA_END, r.state);
	ATF_CHECK_EQ(3, r.data.received);
}

ATF_TC_WITHOUT_HEAD(chunks);
ATF_TC_BODY(chunks, tc)
{
	static const char in[] = "Received: a\r\n\r\n.\r\nb\r\n.\r\n";
	struct smtp_data d;

	smtp_data_init(&d);
	for (size_t i = 0; i < sizeof(in) - 1; i++)
		smtp_data_chunk(&d, (const uint8_t *)in + i, 1, false);
	smtp_data_chunk(&d, NULL, 0, true);
	ATF_CHECK_EQ(sizeof(in) - 1, d.size);
	ATF_CHECK_EQ(1, d.received);
	ATF_CHECK(!d.bare);

	smtp_data_init(&d);
	smtp_data_chunk(&d, (const uint8_t *)"a\r", 2, false);
	smtp_data_chunk(&d, (const uint8_t *)"\nb", 2, true);
	ATF_CHECK_MSG(!d.bare, "CRLF over two chunks");
	smtp_data_init(&d);
	smtp_data_chunk(&d, (const uint8_t *)"a\r", 2, false);
	smtp_data_chunk(&d, (const uint8_t *)"b", 1, true);
	ATF_CHECK(d.bare);
	smtp_data_init(&d);
	smtp_data_chunk(&d, (const uint8_t *)"a\r", 2, false);
	smtp_data_chunk(&d, NULL, 0, true);
	ATF_CHECK(d.bare);
	smtp_data_init(&d);
	smtp_data_chunk(&d, (const uint8_t *)"a\nb\r\n", 5, true);
	ATF_CHECK(d.bare);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, end);
	ATF_TP_ADD_TC(tp, unstuff);
	ATF_TP_ADD_TC(tp, follows);
	ATF_TP_ADD_TC(tp, octets);
	ATF_TP_ADD_TC(tp, long_lines);
	ATF_TP_ADD_TC(tp, smuggle_lf_dot_lf);
	ATF_TP_ADD_TC(tp, smuggle_lf_dot_crlf);
	ATF_TP_ADD_TC(tp, smuggle_crlf_dot_lf);
	ATF_TP_ADD_TC(tp, smuggle_cr_dot_cr);
	ATF_TP_ADD_TC(tp, smuggle_cr_dot_crlf);
	ATF_TP_ADD_TC(tp, smuggle_crlf_dot_cr);
	ATF_TP_ADD_TC(tp, smuggle_cr_dot_lf);
	ATF_TP_ADD_TC(tp, smuggle_lf_dot_cr);
	ATF_TP_ADD_TC(tp, smuggle_crcrlf_dot_crcrlf);
	ATF_TP_ADD_TC(tp, smuggle_crlfcr_dot_crlf);
	ATF_TP_ADD_TC(tp, smuggle_not);
	ATF_TP_ADD_TC(tp, bare);
	ATF_TP_ADD_TC(tp, exhaustive);
	ATF_TP_ADD_TC(tp, received);
	ATF_TP_ADD_TC(tp, chunks);
	return atf_no_error();
}
