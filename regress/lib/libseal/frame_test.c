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
 * Frames of the log: chain, tearing, reordering.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "seal_keys.h"
#include "seal_log.h"
#include "seal_read.h"

static uint8_t key[SEAL_KEY_LEN];

static size_t
seal(uint8_t *out, uint8_t chain[SEAL_CHAIN_LEN], uint64_t seq, size_t len)
{
	struct seal_frame f = {.flags = 3, .nops = 9, .epoch = 4};
	uint8_t *ops;

	f.seq = seq;
	ops = malloc(len + 1);
	ATF_REQUIRE(ops != NULL);
	for (size_t i = 0; i < len; i++)
		ops[i] = (uint8_t)(seq + i);
	ATF_REQUIRE_EQ(0, seal_frame_seal(key, &f, chain, ops, len, out));
	free(ops);
	ATF_REQUIRE_EQ(seal_frame_size(len), f.len);
	return f.len;
}

/* 0 and the octets of one frame if it opens and is what seal() made. */
static int
open_one(const uint8_t *p, size_t avail, uint8_t chain[SEAL_CHAIN_LEN],
    uint64_t seq, size_t want)
{
	struct seal_frame f;
	uint8_t *out;
	size_t len;
	int ret = -1;

	if (seal_frame_parse(p, avail, &f) == -1 || f.len > avail ||
	    seal_frame_check(p, &f) == -1)
		return -1;
	out = malloc(f.len);
	ATF_REQUIRE(out != NULL);
	if (seal_frame_open(key, &f, chain, p, out, &len) == 0 && len == want &&
	    f.seq == seq && f.flags == 3 && f.nops == 9 && f.epoch == 4) {
		ret = 0;
		for (size_t i = 0; i < len; i++) {
			if (out[i] != (uint8_t)(seq + i))
				ret = -1;
		}
	}
	free(out);
	return ret;
}

static void
begin(uint8_t chain[SEAL_CHAIN_LEN])
{
	ATF_REQUIRE_EQ(0, seal_init());
	seal_random(key, sizeof(key));
	seal_chain_start(key, (const uint8_t *)"writer", 6, chain);
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	static const size_t sizes[] = {
	    0, 1, 251, 252, 253, 508, 70000, SEAL_FRAME_MAX};
	uint8_t a[SEAL_CHAIN_LEN], b[SEAL_CHAIN_LEN], *buf;
	struct seal_frame f = {.flags = 0};
	size_t n;

	begin(a);
	memcpy(b, a, sizeof(b));
	buf = malloc(SEAL_FRAME_MAX + SEAL_FRAME_EXTRA);
	ATF_REQUIRE(buf != NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = seal(buf, a, i, sizes[i]);
		ATF_REQUIRE(n <= sizes[i] + SEAL_FRAME_EXTRA);
		ATF_REQUIRE_EQ(80, n % SEAL_FRAME_ROUND);
		ATF_CHECK_EQ(0, open_one(buf, n, b, i, sizes[i]));
		ATF_CHECK_EQ(0, memcmp(a, b, sizeof(a)));
	}
	ATF_CHECK_EQ(
	    -1, seal_frame_seal(key, &f, a, buf, SEAL_FRAME_MAX + 1, buf));
	ATF_CHECK_EQ(E2BIG, errno);
	free(buf);
}

ATF_TC_WITHOUT_HEAD(damage);
ATF_TC_BODY(damage, tc)
{
	uint8_t a[SEAL_CHAIN_LEN], b[SEAL_CHAIN_LEN], buf[1024];
	struct seal_frame f;
	size_t n;

	begin(a);
	memcpy(b, a, sizeof(b));
	n = seal(buf, a, 5, 300);
	for (size_t i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(-1, open_one(buf, i, b, 5, 300));
		buf[i] ^= 4;
		/* Without a key, too. */
		ATF_REQUIRE(seal_frame_parse(buf, n, &f) == -1 || f.len > n ||
		    seal_frame_check(buf, &f) == -1);
		ATF_REQUIRE_EQ(-1, open_one(buf, n, b, 5, 300));
		buf[i] ^= 4;
	}
	/* None of it moved the chain. */
	ATF_CHECK_EQ(0, open_one(buf, n, b, 5, 300));
}

/* Left out, repeated, swapped, or of another series: the chain breaks. */
ATF_TC_WITHOUT_HEAD(chain);
ATF_TC_BODY(chain, tc)
{
	uint8_t a[SEAL_CHAIN_LEN], b[SEAL_CHAIN_LEN], other[SEAL_CHAIN_LEN];
	uint8_t one[1024], two[1024], three[1024];
	size_t n;

	begin(a);
	memcpy(b, a, sizeof(b));
	n = seal(one, a, 1, 10);
	(void)seal(two, a, 2, 10);
	(void)seal(three, a, 3, 10);
	ATF_CHECK_EQ(-1, open_one(two, n, b, 2, 10));
	ATF_CHECK_EQ(0, open_one(one, n, b, 1, 10));
	ATF_CHECK_EQ(-1, open_one(one, n, b, 1, 10));
	ATF_CHECK_EQ(-1, open_one(three, n, b, 3, 10));
	ATF_CHECK_EQ(0, open_one(two, n, b, 2, 10));
	ATF_CHECK_EQ(0, open_one(three, n, b, 3, 10));
	seal_chain_start(key, (const uint8_t *)"writes", 6, other);
	ATF_CHECK_EQ(-1, open_one(one, n, other, 1, 10));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, damage);
	ATF_TP_ADD_TC(tp, chain);
	return atf_no_error();
}
