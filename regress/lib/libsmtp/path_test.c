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
 * Addresses: what parses, how it prints, which account it names.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "smtp.h"

static enum smtp_result
parse(const char *s, struct smtp_address *a)
{
	return smtp_address_parse(s, strlen(s), a);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
	    {"a@b", "a@b"},
	    {"a.b+c@d.e", "a.b+c@d.e"},
	    {"\"a\"@b", "a@b"},
	    {"\"a b\"@c", "\"a b\"@c"},
	    {"\"a\\\\b\\\"\"@c", "\"a\\\\b\\\"\"@c"},
	    {"a..b@c", "\"a..b\"@c"},
	    {"a.@c", "\"a.\"@c"},
	    {"a@[192.0.2.1]", "a@[192.0.2.1]"},
	    {"a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]"},
	    {"@x.y:a@b", "a@b"},
	    {"!#$%&'*+-/=?^_`{|}~@b", "!#$%&'*+-/=?^_`{|}~@b"},
	    {"postmaster", "postmaster"},
	};
	struct smtp_address a;
	char buf[SMTP_PATH_MAX * 2];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ATF_CHECK_EQ_MSG(
		    SMTP_OK, parse(cases[i].in, &a), "%s", cases[i].in);
		smtp_address_print(&a, buf, sizeof(buf));
		ATF_CHECK_STREQ(cases[i].out, buf);
		ATF_CHECK_EQ(SMTP_OK, parse(buf, &a));
	}
	memset(&a, 0, sizeof(a));
	smtp_address_print(&a, buf, sizeof(buf));
	ATF_CHECK_STREQ("", buf);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const char *const cases[] = {"", "@", "@b", "a@", "a b@c",
	    "a@b c", "a@b@c", "\"a@b", "\"\"@b", "\"a\"b@c", "a@b..c", "a@.b",
	    "a@b.", "a@-b", "a@b-", "a@b-.c", "a@[1.2.3]", "a@[1.2.3.4", "a@[]",
	    "a@[x]", "a@[IPv6:1.2.3.4.5]", "a<b@c", "a\\b@c", "\"a\\", "a,b@c",
	    "a@b/c", "a@b:c", "\"a\\\xc3\xa4\"@b"};
	struct smtp_address a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ATF_CHECK_MSG(parse(cases[i], &a) != SMTP_OK, "%s", cases[i]);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	char text[1024];
	struct smtp_address a;

	memset(text, 'a', sizeof(text));
	strlcpy(text + SMTP_LOCAL_MAX, "@b", 16);
	ATF_CHECK_EQ(SMTP_OK, parse(text, &a));
	ATF_CHECK_EQ(SMTP_LOCAL_MAX, strlen(a.local));
	text[SMTP_LOCAL_MAX] = 'a';
	strlcpy(text + SMTP_LOCAL_MAX + 1, "@b", 16);
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, parse(text, &a));

	memset(text, 'a', sizeof(text));
	text[1] = '@';
	text[2 + 63] = '\0';
	ATF_CHECK_EQ(SMTP_OK, parse(text, &a));
	text[2 + 63] = 'a';
	text[2 + 64] = '\0';
	ATF_CHECK_MSG(parse(text, &a) != SMTP_OK, "a label of 64");
	for (size_t i = 2 + 50; i < 300; i += 51)
		text[i] = '.';
	text[2 + 64] = 'a';
	text[2 + SMTP_DOMAIN_MAX] = '\0';
	text[2 + SMTP_DOMAIN_MAX - 1] = 'a';
	ATF_CHECK_EQ(SMTP_OK, parse(text, &a));
	text[2 + SMTP_DOMAIN_MAX] = 'a';
	text[2 + SMTP_DOMAIN_MAX + 1] = '\0';
	ATF_CHECK(parse(text, &a) != SMTP_OK);
}

ATF_TC_WITHOUT_HEAD(account);
ATF_TC_BODY(account, tc)
{
	struct smtp_address a;
	char name[64], detail[16];

	ATF_REQUIRE_EQ(SMTP_OK, parse("Anna.B+Lists@Example.org", &a));
	ATF_CHECK_EQ(0,
	    smtp_address_account(
		&a, '+', "x", name, sizeof(name), detail, sizeof(detail)));
	ATF_CHECK_STREQ("anna.b@example.org", name);
	ATF_CHECK_STREQ("Lists", detail);
	ATF_CHECK_EQ(0,
	    smtp_address_account(
		&a, '\0', "x", name, sizeof(name), detail, sizeof(detail)));
	ATF_CHECK_STREQ("anna.b+lists@example.org", name);
	ATF_CHECK_STREQ("", detail);
	ATF_REQUIRE_EQ(SMTP_OK, parse("+x@b", &a));
	ATF_CHECK_EQ(0,
	    smtp_address_account(
		&a, '+', "x", name, sizeof(name), detail, sizeof(detail)));
	ATF_CHECK_STREQ_MSG("+x@b", name, "no account has an empty name");
	ATF_REQUIRE_EQ(SMTP_OK, parse("Postmaster", &a));
	ATF_CHECK_EQ(0,
	    smtp_address_account(&a, '+', "example.org", name, sizeof(name),
		detail, sizeof(detail)));
	ATF_CHECK_STREQ("postmaster@example.org", name);
	ATF_REQUIRE_EQ(SMTP_OK, parse("a+12345678901234567@b", &a));
	ATF_CHECK_EQ(-1,
	    smtp_address_account(
		&a, '+', "x", name, sizeof(name), detail, sizeof(detail)));
	ATF_CHECK_EQ(-1,
	    smtp_address_account(
		&a, '\0', "x", name, 4, detail, sizeof(detail)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, account);
	return atf_no_error();
}
