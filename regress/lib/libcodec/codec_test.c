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
 * Compression of chunks: what was packed opens to what it was, whatever it
 * was; what nobody packed does not open, and costs no memory.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static uint8_t plain[CODEC_CHUNK_MAX + 128];
static size_t len;

static void
put(const void *p, size_t n)
{
	ATF_REQUIRE(n <= sizeof(plain) - len);
	memcpy(plain + len, p, n);
	len += n;
}

static void
put_text(const char *s)
{
	put(s, strlen(s));
}

/* Lines of so many letters, as random as an attachment's. */
static void
put_lines(unsigned int lines, unsigned int letters, const char *end)
{
	unsigned int i;

	for (; lines > 0; lines--) {
		for (i = 0; i < letters; i++)
			put(&LETTERS[arc4random_uniform(64)], 1);
		put_text(end);
	}
}

/* In memory of exactly that size, so that a sanitizer sees what is beyond. */
static size_t
around(uint8_t codec)
{
	uint8_t *in, *out, *back;
	size_t n;

	in = malloc(len);
	out = malloc(len);
	back = malloc(len);
	ATF_REQUIRE(in != NULL && out != NULL && back != NULL);
	memcpy(in, plain, len);
	n = codec_pack(codec, in, len, out);
	ATF_REQUIRE_MSG(n < len, "%zu octets became %zu", len, n);
	if (n > 0) {
		memset(back, 0xa5, len);
		ATF_REQUIRE(codec_unpack(codec, out, n, back, len));
		ATF_REQUIRE(memcmp(back, plain, len) == 0);
		ATF_CHECK(!codec_unpack(codec, out, n, back, len - 1));
	}
	free(in);
	free(out);
	free(back);
	return n;
}

static void
check_around(void)
{
	uint8_t codec;

	for (codec = CODEC_NONE; codec <= CODEC_LAST; codec++)
		(void)around(codec);
	ATF_CHECK_EQ(0, around(CODEC_NONE));
}

ATF_TC_WITHOUT_HEAD(shapes);
ATF_TC_BODY(shapes, tc)
{
	static const unsigned int widths[] = {
	    4, 36, 40, 64, 76, 77, 128, 996, 1000, 2000};
	static const char *const ends[] = {
	    "\r\n", "\n", "\r", "", "=\r\n", "==\r\n", " \r\n", "\r\r\n"};
	size_t w, e;

	for (w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
		for (e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
			len = 0;
			put_text("Subject: a test\r\n\r\nSee the picture.\r\n");
			put_lines(20, widths[w], ends[e]);
			put_text("--boundary--\r\n");
			check_around();
		}
	codec_forget();
	check_around();
}

ATF_TC_WITHOUT_HEAD(lengths);
ATF_TC_BODY(lengths, tc)
{
	size_t n;

	/* Cut anywhere, as the boundary of two chunks cuts. */
	for (n = 2; n < 400; n++) {
		len = 0;
		put_text("X: y\r\n\r\n");
		put_lines(6, 76, "\r\n");
		len = n;
		check_around();
		memmove(plain, plain + n, sizeof(plain) - n);
		len = 480 - n;
		check_around();
	}
	len = 0;
	while (len < CODEC_CHUNK_MAX)
		put_lines(1, 76, "\r\n");
	len = CODEC_CHUNK_MAX;
	check_around();
	len++;
	ATF_CHECK_EQ(0, codec_pack(CODEC_MAIL, plain, len, plain));
	len = 1;
	check_around();
}

/* More runs than a chunk can describe. */
ATF_TC_WITHOUT_HEAD(runs);
ATF_TC_BODY(runs, tc)
{
	unsigned int i;

	for (i = len = 0; i < 400; i++) {
		put_lines(2, 40 + i % 3 * 4, "\r\n");
		if (i % 5 == 0)
			put_text("and some text\r\n");
	}
	check_around();
	for (i = len = 0; i < 600; i++) {
		put_lines(1, 76, "\r\n");
		put_text("> \r\n");
	}
	check_around();
}

ATF_TC_WITHOUT_HEAD(smaller);
ATF_TC_BODY(smaller, tc)
{
	unsigned int i, row;
	size_t mail, zstd;
	char group[5] = "AAAA";

	len = 0;
	put_lines(800, 76, "\r\n");
	mail = around(CODEC_MAIL);
	zstd = around(CODEC_ZSTD);
	/* Three quarters and what two letters in 78 are. */
	ATF_CHECK_MSG(mail > 0 && mail <= 800 * 57 + 10, "%zu", mail);
	ATF_CHECK_MSG(mail < zstd, "%zu, by zstd alone %zu", mail, zstd);
	/* An attachment that repeats itself, at other places of its groups. */
	for (row = len = 0; row < 700; row++) {
		for (i = 0; i < 19; i++) {
			group[i % 4] = LETTERS[(row * 7 + i * i) % 11];
			put(group, 4);
		}
		put_text("\r\n");
	}
	mail = around(CODEC_MAIL);
	ATF_CHECK_MSG(mail > 0 && mail < len / 2, "%zu of %zu", mail, len);
}

/* The example of sealstore(5). */
ATF_TC_WITHOUT_HEAD(example);
ATF_TC_BODY(example, tc)
{
	static const char text[] = "A: b\r\n\r\nend\r\n";
	static const uint8_t head[] = {1, 0, 1, 0, 13, 0, 8, 0, 3, 19};
	uint8_t made[sizeof(head) + 13 + 171], out[256];
	unsigned int i, v;

	memcpy(made, head, sizeof(head));
	memcpy(made + sizeof(head), text, 13);
	len = 0;
	put(text, 8);
	for (i = 0; i < 171; i++)
		made[sizeof(head) + 13 + i] = (uint8_t)i;
	for (i = 0; i < 171; i += 3) {
		v = i << 16 | (i + 1) << 8 | (i + 2);
		put(&LETTERS[v >> 18 & 63], 1);
		put(&LETTERS[v >> 12 & 63], 1);
		put(&LETTERS[v >> 6 & 63], 1);
		put(&LETTERS[v & 63], 1);
		if (i % 57 == 54)
			put_text("\r\n");
	}
	put(text + 8, 5);
	ATF_REQUIRE_EQ(247, len);
	ATF_REQUIRE(codec_unpack(CODEC_MAIL, made, sizeof(made), out, len));
	ATF_CHECK(memcmp(out, plain, len) == 0);
	ATF_CHECK_EQ(sizeof(made), codec_pack(CODEC_MAIL, plain, len, out));
	ATF_CHECK(memcmp(out, made, sizeof(made)) == 0);
	/* Nobody else's codec. */
	ATF_CHECK(!codec_unpack(CODEC_ZSTD, made, sizeof(made), out, len));
	ATF_CHECK(!codec_unpack(CODEC_NONE, made, sizeof(made), out, len));
	ATF_CHECK(!codec_unpack(CODEC_LAST + 1, made, sizeof(made), out, len));
	for (i = 0; i < sizeof(made); i++)
		ATF_CHECK_MSG(!codec_unpack(CODEC_MAIL, made, i, out, len),
		    "cut at %u", i);
	for (i = 0; i < sizeof(head); i++) {
		made[i] ^= 0x40;
		ATF_CHECK_MSG(
		    !codec_unpack(CODEC_MAIL, made, sizeof(made), out, len),
		    "octet %u", i);
		made[i] ^= 0x40;
	}
}

/* Whatever octets are changed: no more than the plain length is written. */
ATF_TC_WITHOUT_HEAD(changed);
ATF_TC_BODY(changed, tc)
{
	uint8_t *out, *back, *copy;
	size_t n, i, at;
	uint8_t codec;

	len = 0;
	put_text("Subject: some text, and some more of it, that repeats "
		 "itself: some text, and some more of it\r\n\r\n");
	put_lines(30, 76, "\r\n");
	put_text("some text, and some more of it\r\n");
	put_lines(9, 64, "\r\n");
	for (codec = CODEC_DEFLATE; codec <= CODEC_LAST; codec++) {
		out = malloc(len);
		back = malloc(len);
		ATF_REQUIRE(out != NULL && back != NULL);
		n = codec_pack(codec, plain, len, out);
		ATF_REQUIRE(n > 0);
		for (i = 0; i < n; i++) {
			copy = malloc(n);
			ATF_REQUIRE(copy != NULL);
			memcpy(copy, out, n);
			for (at = i; at < n; at += 1 + arc4random_uniform(90))
				copy[at] ^= (uint8_t)(1 +
				    arc4random_uniform(255));
			(void)codec_unpack(codec, copy, n, back, len);
			free(copy);
		}
		ATF_CHECK(codec_unpack(codec, out, n, back, len));
		free(out);
		free(back);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, shapes);
	ATF_TP_ADD_TC(tp, lengths);
	ATF_TP_ADD_TC(tp, runs);
	ATF_TP_ADD_TC(tp, smaller);
	ATF_TP_ADD_TC(tp, example);
	ATF_TP_ADD_TC(tp, changed);
	return atf_no_error();
}
