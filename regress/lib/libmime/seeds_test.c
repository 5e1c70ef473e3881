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
 * The fuzzer's seeds, replayed: whole, cut off at each octet, and with each
 * octet of a summary changed.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <dirent.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/mime_fuzz.c"

#define SEED_MAX 65536

static size_t
each(const atf_tc_t *tc, void (*what)(uint8_t *, size_t))
{
	static uint8_t buf[SEED_MAX];
	char dir[PATH_MAX], path[PATH_MAX];
	struct dirent *e;
	size_t n = 0;
	FILE *f;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/../../fuzz/mime_seeds",
	    atf_tc_get_config_var(tc, "srcdir"));
	d = opendir(dir);
	ATF_REQUIRE_MSG(d != NULL, "%s", dir);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		ATF_REQUIRE(snprintf(path, sizeof(path), "%s/%s", dir,
				e->d_name) < (int)sizeof(path));
		f = fopen(path, "r");
		ATF_REQUIRE(f != NULL);
		what(buf, fread(buf, 1, sizeof(buf), f));
		fclose(f);
		n++;
	}
	closedir(d);
	return n;
}

static void
whole(uint8_t *p, size_t len)
{
	size_t piece;

	LLVMFuzzerTestOneInput(p, len);
	for (piece = 1; piece < 20; piece++)
		fuzz_message(p, len, piece);
	fuzz_message(p, len, 1 + arc4random_uniform(200));
}

ATF_TC_WITHOUT_HEAD(seeds);
ATF_TC_BODY(seeds, tc)
{
	ATF_CHECK(each(tc, whole) >= 40);
}

static void
cut(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 2000; i++)
		LLVMFuzzerTestOneInput(p, i);
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	ATF_CHECK(each(tc, cut) >= 40);
}

static void
forge(uint8_t *p, size_t len)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '\r', '\n'};
	static uint8_t copy[MIME_SUMMARY_MAX];
	struct mime_parser *m = mime_parser_new();
	struct mime_summary s;
	const uint8_t *sum;
	size_t n, i, j;

	ATF_REQUIRE(m != NULL);
	mime_parser_feed(m, p, len);
	sum = mime_parser_finish(m, &n);
	ATF_REQUIRE(sum != NULL);
	ATF_CHECK_EQ(mime_summary_open(&s, sum, n, len + 1), -1);
	for (i = 0; i < n; i++) {
		/* Damage is noticed; what is forged well does no harm. */
		ATF_REQUIRE_EQ(mime_summary_open(&s, sum, i, len), -1);
		for (j = 0; j < sizeof(values); j++) {
			memcpy(copy, sum, n);
			if (copy[i] == values[j])
				continue;
			copy[i] = values[j];
			ATF_REQUIRE_EQ_MSG(mime_summary_open(&s, copy, n, len),
			    -1, "octet %zu", i);
			fuzz_summary(copy, n);
		}
	}
	mime_parser_free(m);
}

ATF_TC_WITHOUT_HEAD(forged);
ATF_TC_BODY(forged, tc)
{
	ATF_CHECK(each(tc, forge) >= 40);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, seeds);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, forged);
	return atf_no_error();
}
