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
 * Commands: verbs, arguments, parameters, and what they refuse.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "smtp.h"

static enum smtp_verb
verb(const char *line, const char **arg, size_t *len, bool *bad)
{
	return smtp_verb_parse(line, strlen(line), arg, len, bad);
}

static enum smtp_result
mail(const char *arg, struct smtp_mail *m)
{
	return smtp_mail_parse(arg, strlen(arg), m);
}

static enum smtp_result
rcpt(const char *arg, bool utf8, struct smtp_rcpt *r)
{
	return smtp_rcpt_parse(arg, strlen(arg), utf8, r);
}

ATF_TC_WITHOUT_HEAD(verbs);
ATF_TC_BODY(verbs, tc)
{
	const char *arg;
	size_t len;
	bool bad;

	ATF_CHECK_EQ(SMTP_EHLO, verb("ehlo there", &arg, &len, &bad));
	ATF_CHECK(!bad && len == 5 && memcmp(arg, "there", 5) == 0);
	ATF_CHECK_EQ(SMTP_MAIL, verb("MAIL  FROM:<>  ", &arg, &len, &bad));
	ATF_CHECK(len == 7 && memcmp(arg, "FROM:<>", 7) == 0);
	ATF_CHECK_EQ(SMTP_QUIT, verb("QuIt", &arg, &len, &bad));
	ATF_CHECK_EQ(0, len);
	ATF_CHECK_EQ(SMTP_UNKNOWN, verb("", &arg, &len, &bad));
	ATF_CHECK_EQ(SMTP_UNKNOWN, verb(" QUIT", &arg, &len, &bad));
	ATF_CHECK_EQ(SMTP_UNKNOWN, verb("QUITS", &arg, &len, &bad));
	ATF_CHECK_EQ(SMTP_HTTP, verb("GET / HTTP/1.1", &arg, &len, &bad));
	ATF_CHECK_EQ(SMTP_NOOP, verb("NOOP \tx", &arg, &len, &bad));
	ATF_CHECK(bad);
	ATF_CHECK_EQ(SMTP_NOOP, verb("NOOP \xc3\xa4", &arg, &len, &bad));
	ATF_CHECK(!bad);
	ATF_CHECK_EQ(SMTP_NOOP, verb("NOOP \xc3", &arg, &len, &bad));
	ATF_CHECK(bad);
	ATF_CHECK_EQ(SMTP_NOOP, verb("NOOP \xed\xa0\x80", &arg, &len, &bad));
	ATF_CHECK_MSG(bad, "a surrogate is no UTF-8");
	ATF_CHECK_EQ(SMTP_NOOP, verb("NOOP \xc0\xaf", &arg, &len, &bad));
	ATF_CHECK_MSG(bad, "an overlong sequence is no UTF-8");
	ATF_CHECK_EQ(
	    SMTP_NOOP, smtp_verb_parse("NOOP a\0b", 8, &arg, &len, &bad));
	ATF_CHECK_MSG(bad, "a NUL is no text");
}

ATF_TC_WITHOUT_HEAD(helo);
ATF_TC_BODY(helo, tc)
{
	static const char *const good[] = {"localhost", "mx1.example.org",
	    "[127.0.0.1]", "[IPv6:::1]", "my_host", "1.2.3.4"};
	static const char *const wrong[] = {"", "a b", "[127.0.0.1", "a..b",
	    "-a", "a-", "<script>", "a(b)", "a\"b", "."};
	char name[SMTP_DOMAIN_MAX + 1], longest[SMTP_DOMAIN_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ATF_CHECK_EQ_MSG(SMTP_OK,
		    smtp_helo_parse(
			good[i], strlen(good[i]), name, sizeof(name)),
		    "%s", good[i]);
		ATF_CHECK_STREQ(good[i], name);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ATF_CHECK_MSG(smtp_helo_parse(wrong[i], strlen(wrong[i]), name,
				  sizeof(name)) != SMTP_OK,
		    "%s", wrong[i]);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 60; i < sizeof(longest); i += 60)
		longest[i] = '.';
	ATF_CHECK_EQ(SMTP_OK,
	    smtp_helo_parse(longest, SMTP_DOMAIN_MAX, name, sizeof(name)));
	ATF_CHECK(smtp_helo_parse(longest, SMTP_DOMAIN_MAX + 1, name,
		      sizeof(name)) != SMTP_OK);
}

ATF_TC_WITHOUT_HEAD(mail_from);
ATF_TC_BODY(mail_from, tc)
{
	struct smtp_mail m;

	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<Anna@Example.ORG>", &m));
	ATF_CHECK_STREQ("Anna", m.from.local);
	ATF_CHECK_STREQ("example.org", m.from.domain);
	ATF_REQUIRE_EQ(SMTP_OK, mail("from: <>", &m));
	ATF_CHECK_STREQ("", m.from.local);
	ATF_REQUIRE_EQ(
	    SMTP_OK, mail("FROM:<a@b> SIZE=1000 BODY=8BITMIME SMTPUTF8", &m));
	ATF_CHECK_EQ(1000, m.size);
	ATF_CHECK_EQ(SMTP_BODY_8BITMIME, m.body);
	ATF_CHECK(m.utf8);
	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<\"a> b\"@c> SIZE=0", &m));
	ATF_CHECK_STREQ("a> b", m.from.local);
	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<postmaster>", &m));
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, mail("FROM:<anna>", &m));
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, mail("FROM:< >", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:a@b", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM <a@b>", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:<a@b", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:<\"a@b>", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:<a@b>SIZE=1", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:<a@b> =1", &m));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail("FROM:<a@b> SIZE=", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE=1x", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE=-1", &m));
	ATF_CHECK_EQ(SMTP_OK, mail("FROM:<a@b> SIZE=18446744073709551615", &m));
	ATF_CHECK_EQ(
	    SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE=18446744073709551616", &m));
	ATF_CHECK_EQ(
	    SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE=000000000000000000001", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> SIZE=1 SIZE=1", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> BODY=BINARYMIME", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> SMTPUTF8=1", &m));
	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<a@b>", &m));
	ATF_CHECK(!m.requiretls);
	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<a@b> requireTLS", &m));
	ATF_CHECK(m.requiretls);
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> REQUIRETLS=1", &m));
	ATF_CHECK_EQ(
	    SMTP_BAD_PARAM, mail("FROM:<a@b> REQUIRETLS REQUIRETLS", &m));
	ATF_CHECK_EQ(SMTP_UNKNOWN_PARAM, mail("FROM:<a@b> MT-PRIORITY=1", &m));
	ATF_CHECK_EQ(SMTP_OK, mail("FROM:<a@b> SIZE=1", &m));
	ATF_CHECK(!m.auth);
	ATF_CHECK_EQ(SMTP_OK, mail("FROM:<a@b> AUTH=<>", &m));
	ATF_CHECK(m.auth);
	ATF_CHECK_EQ(SMTP_OK, mail("FROM:<a@b> AUTH=e+3Dmc2@example.com", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> AUTH", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> AUTH=a+3", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> AUTH=a+3d", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("FROM:<a@b> AUTH=<> AUTH=<>", &m));
	ATF_CHECK_EQ(SMTP_NEED_UTF8, mail("FROM:<\xc3\xa4@b>", &m));
	ATF_REQUIRE_EQ(SMTP_OK, mail("FROM:<\xc3\xa4@b> SMTPUTF8", &m));
	ATF_CHECK_STREQ("\xc3\xa4", m.from.local);
}

ATF_TC_WITHOUT_HEAD(rcpt_to);
ATF_TC_BODY(rcpt_to, tc)
{
	struct smtp_rcpt r;

	ATF_REQUIRE_EQ(SMTP_OK, rcpt("TO:<a+b@c.d>", false, &r));
	ATF_CHECK_STREQ("a+b", r.to.local);
	ATF_REQUIRE_EQ(SMTP_OK, rcpt("TO:<PostMaster>", false, &r));
	ATF_CHECK_STREQ("", r.to.domain);
	ATF_REQUIRE_EQ(SMTP_OK, rcpt("TO:<@x,@y.z:a@c.d>", false, &r));
	ATF_CHECK_STREQ("a", r.to.local);
	ATF_CHECK_STREQ("c.d", r.to.domain);
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, rcpt("TO:<>", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, rcpt("TO:<a>", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, rcpt("TO:<a@>", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_ADDRESS, rcpt("TO:<a@b@c>", false, &r));
	ATF_CHECK_EQ(SMTP_UNKNOWN_PARAM, rcpt("TO:<a@b> RRVS=x", false, &r));
	ATF_CHECK_EQ(SMTP_NEED_UTF8, rcpt("TO:<a@\xc3\xa4.b>", false, &r));
	ATF_CHECK_EQ(SMTP_OK, rcpt("TO:<a@\xc3\xa4.b>", true, &r));
}

ATF_TC_WITHOUT_HEAD(many_params);
ATF_TC_BODY(many_params, tc)
{
	char line[SMTP_COMMAND_MAX] = "FROM:<a@b>";
	struct smtp_mail m;

	for (int i = 0; i < SMTP_PARAMS_MAX; i++)
		strlcat(line, " X=1", sizeof(line));
	ATF_CHECK_EQ(SMTP_UNKNOWN_PARAM, mail(line, &m));
	strlcat(line, " X=1", sizeof(line));
	ATF_CHECK_EQ(SMTP_BAD_SYNTAX, mail(line, &m));
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	static const char line[] = "TO:<@x:\"a\\\"b\"@[IPv6:2001:db8::1]>";
	struct smtp_rcpt r;

	for (size_t i = 0; i < sizeof(line) - 1; i++)
		ATF_CHECK_MSG(smtp_rcpt_parse(line, i, false, &r) != SMTP_OK,
		    "cut at %zu", i);
	ATF_CHECK_EQ(
	    SMTP_OK, smtp_rcpt_parse(line, sizeof(line) - 1, false, &r));
	ATF_CHECK_STREQ("a\"b", r.to.local);
}

ATF_TC_WITHOUT_HEAD(bdat);
ATF_TC_BODY(bdat, tc)
{
	uint64_t size;
	bool last;

	ATF_CHECK_EQ(SMTP_OK, smtp_bdat_parse("86", 2, &size, &last));
	ATF_CHECK(size == 86 && !last);
	ATF_CHECK_EQ(SMTP_OK, smtp_bdat_parse("0 last", 6, &size, &last));
	ATF_CHECK(size == 0 && last);
	ATF_CHECK(smtp_bdat_parse("", 0, &size, &last) != SMTP_OK);
	ATF_CHECK(smtp_bdat_parse("LAST", 4, &size, &last) != SMTP_OK);
	ATF_CHECK(smtp_bdat_parse("1 LASTS", 7, &size, &last) != SMTP_OK);
	ATF_CHECK(smtp_bdat_parse("+1", 2, &size, &last) != SMTP_OK);
	ATF_CHECK(smtp_bdat_parse("1 LAST X", 8, &size, &last) != SMTP_OK);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, verbs);
	ATF_TP_ADD_TC(tp, helo);
	ATF_TP_ADD_TC(tp, mail_from);
	ATF_TP_ADD_TC(tp, rcpt_to);
	ATF_TP_ADD_TC(tp, many_params);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, bdat);
	return atf_no_error();
}
