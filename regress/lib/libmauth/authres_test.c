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
 * Authentication-Results: whose one is, and what is made.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "mauth.h"

ATF_TC(whose);
ATF_TC_HEAD(whose, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 8601 5: those that pretend");
}
ATF_TC_BODY(whose, tc)
{
	static const struct {
		const char *value;
		bool ours;
	} all[] = {
	    {" mx.test; spf=pass", true},
	    {"mx.test;none", true},
	    {"\r\n\t MX.Test\r\n\t; dkim=pass", true},
	    {" (a (b) \\) c) mx.test 1; spf=pass", true},
	    {" \"mx.test\"; spf=pass", true},
	    {" \"mx\\.test\" 1; spf=pass", true},
	    {" mx.test(c); spf=pass", true},
	    {" mx.test.; spf=pass", true},
	    {" \"mx.\r\n test\"; spf=pass", false},
	    {" mx.test", true},
	    {" other.test; spf=pass", false},
	    {" mx.test.evil; spf=pass", false},
	    {" (mx.test) other.test; spf=pass", false},
	    /* What nobody can read. */
	    {"", true},
	    {" ; spf=pass", true},
	    {" (never ends mx.other", true},
	    {" ((((((((((((((((((((x))))))))))))))))))) a.test;", true},
	};
	size_t len;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		len = strlen(all[i].value);
		ATF_CHECK_MSG(
		    authres_is(all[i].value, len, "mx.test") == all[i].ours,
		    "\"%s\"", all[i].value);
		/* Cut anywhere, it is read within its length. */
		for (size_t n = 0; n < len; n++)
			(void)authres_is(all[i].value, n, "mx.test");
	}
}

ATF_TC(field);
ATF_TC_HEAD(field, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 8601 2.2: the field that is added");
}
ATF_TC_BODY(field, tc)
{
	char buf[AUTHRES_FIELD_MAX], big[AUTHRES_FIELD_MAX];
	struct authres a;
	size_t len;

	authres_begin(&a, buf, "mx.test");
	ATF_REQUIRE_EQ(0, authres_end(&a, &len));
	ATF_CHECK_STREQ("Authentication-Results: mx.test; none\r\n", buf);
	ATF_CHECK_EQ(strlen(buf), len);
	authres_begin(&a, buf, "mx.test");
	authres_method(&a, "spf", MAUTH_SOFTFAIL, NULL);
	authres_property(&a, "smtp.mailfrom", "a@e.test");
	authres_method(&a, "dkim", MAUTH_FAIL, "bad signature");
	authres_property(&a, "header.d", "e.test");
	authres_property(&a, "header.b", "ab/c+d==");
	authres_method(&a, "dmarc", MAUTH_FAIL, NULL);
	authres_comment(&a, "p=reject dis=none");
	authres_property(&a, "header.from", "e\"\r\nX: y");
	ATF_REQUIRE_EQ(0, authres_end(&a, &len));
	ATF_CHECK_STREQ("Authentication-Results: mx.test;\r\n"
			"\tspf=softfail smtp.mailfrom=a@e.test;\r\n"
			"\tdkim=fail reason=\"bad signature\" header.d=e.test "
			"header.b=\"ab/c+d==\";\r\n"
			"\tdmarc=fail (p=reject dis=none) "
			"header.from=\"e\\\"??X: y\"\r\n",
	    buf);
	/* What does not fit is said to. */
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	authres_begin(&a, buf, "mx.test");
	authres_method(&a, "spf", MAUTH_PASS, NULL);
	authres_property(&a, "smtp.helo", big);
	ATF_CHECK_EQ(-1, authres_end(&a, &len));
}

/* Octets that mean nothing: as many as were asked for, on lines of 78. */
ATF_TC_WITHOUT_HEAD(pad);
ATF_TC_BODY(pad, tc)
{
	static const char start[] = "Authentication-Results: mx.test;\r\n"
				    "\tspf=pass";
	char buf[AUTHRES_FIELD_MAX], *line, *end;
	struct authres a;
	size_t len;

	for (size_t n = 0; n < 1000; n++) {
		authres_begin(&a, buf, "mx.test");
		authres_method(&a, "spf", MAUTH_PASS, NULL);
		authres_pad(&a, n);
		ATF_REQUIRE_EQ(0, authres_end(&a, &len));
		ATF_REQUIRE_EQ(sizeof(start) - 1 + n + 2, len);
		ATF_REQUIRE_EQ(0, strncmp(buf, start, sizeof(start) - 1));
		ATF_REQUIRE(authres_is(buf + 23, len - 23, "mx.test"));
		/* RFC 5322 3.2.2: no line of a fold is blank. */
		for (line = buf; *line != '\0'; line = end + 2) {
			end = strstr(line, "\r\n");
			ATF_REQUIRE(end != NULL && end - line <= 78);
			ATF_REQUIRE(strspn(line, " \t") < (size_t)(end - line));
		}
	}
	authres_begin(&a, buf, "mx.test");
	authres_pad(&a, AUTHRES_FIELD_MAX);
	ATF_CHECK_EQ(-1, authres_end(&a, &len));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whose);
	ATF_TP_ADD_TC(tp, field);
	ATF_TP_ADD_TC(tp, pad);
	return atf_no_error();
}
