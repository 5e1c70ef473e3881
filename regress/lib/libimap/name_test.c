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
 * Mailbox names in modified UTF-7 (RFC 3501 5.1.3), and LIST patterns.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imap.h"

static const struct {
	const char *utf7;
	const char *utf8;
} names[] = {
    {"", ""},
    {"INBOX", "INBOX"},
    {"a&-b", "a&b"},
    {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    {"&2D3eAA-", "\xf0\x9f\x98\x80"},
    {"&AOQ-&-&AOQ-", "\xc3\xa4&\xc3\xa4"},
};

static const char *const bad[] = {"a&", "a&A", "&AGE-", "&2D0-", "&3gA-",
    "&AOR-", "&AOQ-&APY-", "&A-", "&!AA-", "\xc3\xa4", "a\x7f", "a\tb",
    "&AAo-"};

ATF_TC_WITHOUT_HEAD(utf7);
ATF_TC_BODY(utf7, tc)
{
	char buf[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ATF_CHECK_EQ((ssize_t)strlen(names[i].utf8),
		    imap_utf7_decode(names[i].utf7, strlen(names[i].utf7), buf,
			sizeof(buf)));
		ATF_CHECK_STREQ(names[i].utf8, buf);
		ATF_CHECK_EQ((ssize_t)strlen(names[i].utf7),
		    imap_utf7_encode(names[i].utf8, strlen(names[i].utf8), buf,
			sizeof(buf)));
		ATF_CHECK_STREQ(names[i].utf7, buf);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1,
		    imap_utf7_decode(bad[i], strlen(bad[i]), buf, sizeof(buf)),
		    "%s", bad[i]);
}

ATF_TC_WITHOUT_HEAD(utf7_room);
ATF_TC_BODY(utf7_room, tc)
{
	char buf[64];
	size_t i, k;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (k = 0; k <= strlen(names[i].utf8); k++)
			ATF_CHECK_EQ(-1,
			    imap_utf7_decode(
				names[i].utf7, strlen(names[i].utf7), buf, k));
		for (k = 0; k <= strlen(names[i].utf7); k++)
			ATF_CHECK_EQ(-1,
			    imap_utf7_encode(
				names[i].utf8, strlen(names[i].utf8), buf, k));
	}
}

static bool
match(const char *pattern, const char *name)
{
	return imap_pattern_match(pattern, strlen(pattern), name, strlen(name));
}

ATF_TC_WITHOUT_HEAD(patterns);
ATF_TC_BODY(patterns, tc)
{
	ATF_CHECK(match("*", "a/b"));
	ATF_CHECK(match("*", ""));
	ATF_CHECK(match("%", "a"));
	ATF_CHECK(!match("%", "a/b"));
	ATF_CHECK(match("a/%", "a/b"));
	ATF_CHECK(!match("a/%", "a/b/c"));
	ATF_CHECK(match("%/%", "a/b"));
	ATF_CHECK(match("%/b", "a/b"));
	ATF_CHECK(match("*b", "a/bab"));
	ATF_CHECK(match("*/%b", "a/b/ab"));
	ATF_CHECK(match("%*", "a/b"));
	ATF_CHECK(match("*%", "a/b"));
	ATF_CHECK(!match("a*", "b"));
	ATF_CHECK(!match("a", "A"));
	ATF_CHECK(match("inbox", "INBOX"));
	ATF_CHECK(match("inBOX/x", "INBOX/x"));
	ATF_CHECK(!match("inBOX/x", "INBOX/X"));
	ATF_CHECK(match("%%%a%", "bab"));
	ATF_CHECK(!match("%a%/b", "a/b/b"));
	ATF_CHECK(match("*%a%/b", "a/ba/b"));
}

/* Many wildcards against a long name that almost matches. */
ATF_TC_WITHOUT_HEAD(pattern_bomb);
ATF_TC_BODY(pattern_bomb, tc)
{
	char pattern[2001], name[1001];
	clock_t begin;
	size_t i;

	for (i = 0; i < 2000; i += 2) {
		pattern[i] = i % 4 == 0 ? '*' : '%';
		pattern[i + 1] = 'a';
	}
	pattern[1999] = 'b';
	memset(name, 'a', 1000);
	begin = clock();
	for (i = 0; i < 20; i++)
		ATF_CHECK(!imap_pattern_match(pattern, 2000, name, 1000));
	ATF_CHECK(clock() - begin < CLOCKS_PER_SEC);
}

ATF_TC_WITHOUT_HEAD(days);
ATF_TC_BODY(days, tc)
{
	int32_t i;
	int y, m, d;

	ATF_CHECK_EQ(0, imap_days(1970, 1, 1));
	ATF_CHECK_EQ(11016, imap_days(2000, 2, 29));
	ATF_CHECK_EQ(-719528, imap_days(0, 1, 1));
	for (i = -719528; i < 2932897; i += 13) {
		imap_date(i, &y, &m, &d);
		ATF_REQUIRE_EQ(i, imap_days(y, m, d));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, utf7);
	ATF_TP_ADD_TC(tp, utf7_room);
	ATF_TP_ADD_TC(tp, patterns);
	ATF_TP_ADD_TC(tp, pattern_bomb);
	ATF_TP_ADD_TC(tp, days);
	return atf_no_error();
}
