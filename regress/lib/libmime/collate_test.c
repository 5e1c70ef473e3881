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

/* Collation (RFC 5051) and base subjects (RFC 5256 section 2.1). */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "mime_text.h"

static int
compare(const char *a, const char *b)
{
	char x[256], y[256];
	size_t n, k;
	int r;

	n = mime_collate(a, strlen(a), x, sizeof(x));
	k = mime_collate(b, strlen(b), y, sizeof(y));
	r = memcmp(x, y, n < k ? n : k);
	return r != 0 ? r : n < k ? -1 : n > k;
}

ATF_TC_WITHOUT_HEAD(collate);
ATF_TC_BODY(collate, tc)
{
	static const char *const same[][2] = {{"", ""}, {"abc", "ABC"},
	    {"\303\244", "\303\204"}, {"\303\244", "A\314\210"},
	    {"\357\254\201", "FI"}, {"\307\206", "\307\204"},
	    {"\316\261", "\316\221"}, {"stra\303\237e", "STRA\303\237E"}};
	static const char *const order[] = {"", " ", "1", "a", "Ab", "abc",
	    "\303\204", "b", "_", "\316\221", "\320\220", "\344\270\200"};
	size_t i, j;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		ATF_CHECK_EQ_MSG(compare(same[i][0], same[i][1]), 0, "%s %s",
		    same[i][0], same[i][1]);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (j = 0; j < sizeof(order) / sizeof(order[0]); j++)
			ATF_CHECK_MSG(
			    (compare(order[i], order[j]) < 0) == (i < j),
			    "%s %s", order[i], order[j]);
}

/* Full: no character is broken, nothing is written behind the end. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	static const char text[] = "ab\303\244\344\270\200z";
	char out[16], whole[16];
	size_t n, size, all;

	all = mime_collate(text, sizeof(text) - 1, whole, sizeof(whole));
	for (size = 0; size < sizeof(out); size++) {
		memset(out, '#', sizeof(out));
		n = mime_collate(text, sizeof(text) - 1, out, size);
		ATF_CHECK(n <= size && n <= all);
		ATF_CHECK_EQ(memcmp(out, whole, n), 0);
		for (; n < sizeof(out); n++)
			ATF_CHECK(n < size || out[n] == '#');
	}
}

ATF_TC_WITHOUT_HEAD(subject);
ATF_TC_BODY(subject, tc)
{
	static const struct {
		const char *text, *base;
		bool reply;
	} cases[] = {
	    {"", "", false},
	    {"hello", "hello", false},
	    {"  hello \t world  ", "hello world", false},
	    {"Re: hello", "hello", true},
	    {"re : hello", "hello", true},
	    {"RE: Re: fw: FWD: hello", "hello", true},
	    {"Re[2]: hello", "hello", true},
	    {"Re [x] : hello", "hello", true},
	    {"Re: [list] Re: hello", "hello", true},
	    {"[list] hello", "hello", false},
	    {"[a] [b] hello", "hello", false},
	    {"[a][b] Re: hello", "hello", true},
	    {"[list]", "[list]", false},
	    {"[a] [b]", "[b]", false},
	    {"[a[b] hello", "[a[b] hello", false},
	    {"hello (fwd)", "hello", true},
	    {"hello (FWD) (fwd) ", "hello", true},
	    {"(fwd)", "", true},
	    {"[fwd: hello]", "hello", true},
	    {"[Fwd: Re: [x] hello (fwd)]", "hello", true},
	    {"[fwd: [fwd: hello]]", "hello", true},
	    {"[fwd: hello] there", "there", false},
	    {"[fwd:", "[fwd:", false},
	    {"[fwd:]", "", true},
	    {"Re:", "", true},
	    {"Re", "Re", false},
	    {"Reply: hello", "Reply: hello", false},
	    {"Fwdx: hello", "Fwdx: hello", false},
	    {"re re: hello", "re re: hello", false},
	    {"Re:Re:x", "x", true},
	    {"[x]Re[y]:[z]a b", "a b", true},
	};
	struct mime_str base;
	char buf[256];
	bool reply;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		base = mime_subject_base(cases[i].text, strlen(cases[i].text),
		    buf, sizeof(buf), &reply);
		ATF_CHECK_MSG(base.len == strlen(cases[i].base) &&
			memcmp(base.s, cases[i].base, base.len) == 0 &&
			reply == cases[i].reply,
		    "\"%s\": \"%.*s\" %d", cases[i].text, (int)base.len, base.s,
		    reply);
	}
}

/* What a stranger may write takes linear time: these are 2 MB. */
ATF_TC_WITHOUT_HEAD(hostile);
ATF_TC_BODY(hostile, tc)
{
	static const char *const pieces[] = {"[a]", "re:", "[fwd:", "(fwd)",
	    "re[x]", "[", "]", " ", "[a] re", "fwd:[b]"};
	size_t i, k, n, len = 2 * 1024 * 1024;
	struct mime_str base;
	char *text, *buf;
	bool reply;

	ATF_REQUIRE(
	    (text = malloc(len)) != NULL && (buf = malloc(len)) != NULL);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		k = strlen(pieces[i]);
		for (n = 0; n + k <= len; n += k)
			memcpy(text + n, pieces[i], k);
		base = mime_subject_base(text, n, buf, len, &reply);
		ATF_CHECK(base.len <= n);
	}
	free(text);
	free(buf);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, collate);
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, subject);
	ATF_TP_ADD_TC(tp, hostile);
	return atf_no_error();
}
