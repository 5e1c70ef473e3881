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
 * Policies of MTA-STS: RFC 8461 3.1-3.3, 4.1; answers of web servers cut
 * anywhere.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../usr.sbin/sealrelayd/relay/policy.h"

#define GOOD                                                          \
	"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n" \
	"mx: *.example.net\r\nmax_age: 604800\r\n"

ATF_TC_WITHOUT_HEAD(id);
ATF_TC_BODY(id, tc)
{
	static const struct {
		const char *text;
		const char *id; /* NULL: none */
	} cases[] = {
	    {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
	    {"v=STSv1;id=a", "a"},
	    {"v=STSv1; x=y; id=b ", "b"},
	    {"v=STSv1;", NULL},
	    {"v=STSv1", NULL},
	    {"v=STSv2; id=a", NULL},
	    {"id=a; v=STSv1", NULL},
	    {"v=STSv1; id=", NULL},
	    {"v=STSv1; id=a; id=b", NULL},
	    {"v=STSv1; id=a-b", NULL},
	    {"v=STSv1; id=12345678901234567890123456789012",
		"12345678901234567890123456789012"},
	    {"v=STSv1; id=123456789012345678901234567890123", NULL},
	};
	char got[POLICY_ID_MAX];
	bool ok;

	(void)tc;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok = policy_id(
		    (const uint8_t *)cases[i].text, strlen(cases[i].text), got);
		ATF_CHECK_EQ_MSG(cases[i].id != NULL, ok, "%s", cases[i].text);
		if (ok && cases[i].id != NULL)
			ATF_CHECK_STREQ(cases[i].id, got);
	}
}

ATF_TC_WITHOUT_HEAD(text);
ATF_TC_BODY(text, tc)
{
	static const char *const bad[] = {
	    "",
	    "mode: enforce\nmx: a.b\nmax_age: 1\n",
	    "version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 1\n",
	    "version: STSv1\nmode: force\nmx: a.b\nmax_age: 1\n",
	    "version: STSv1\nmode: enforce\nmax_age: 1\n",
	    "version: STSv1\nmode: enforce\nmx: a.b\n",
	    "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1\n",
	    "version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n",
	    "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n",
	    "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n",
	    "<html>\n",
	};
	static struct policy p;
	char *many;
	uint32_t age;
	size_t n;

	(void)tc;
	ATF_REQUIRE_EQ(0, policy_parse(GOOD, strlen(GOOD), &p, &age));
	ATF_CHECK_EQ(POLICY_ENFORCE, p.mode);
	ATF_CHECK_EQ(2, p.n_mx);
	ATF_CHECK_EQ(604800, age);
	ATF_CHECK(policy_allows(&p, "mail.example.com"));
	ATF_CHECK(policy_allows(&p, "MX.example.net"));
	ATF_CHECK(!policy_allows(&p, "example.net"));
	ATF_CHECK(!policy_allows(&p, "a.b.example.net"));
	ATF_CHECK(!policy_allows(&p, "mail.example.com.evil.test"));
	ATF_CHECK(policy_allows(NULL, "any"));
	/* None, without hosts; what is unknown; an age past the most. */
	n = strlen("version: STSv1\nmode: none\nmax_age: 99999999999\nz: 1");
	ATF_CHECK_EQ(0,
	    policy_parse(
		"version: STSv1\nmode: none\nmax_age: 99999999999\nz: 1", n, &p,
		&age));
	ATF_CHECK_EQ(POLICY_AGE_MAX, age);
	ATF_CHECK(policy_allows(&p, "any"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1,
		    policy_parse(bad[i], strlen(bad[i]), &p, &age), "%s",
		    bad[i]);
	/* Cut anywhere it is no other policy: its last line is the age. */
	for (n = 0; n < strlen(GOOD) - strlen("604800\r\n"); n++)
		ATF_CHECK_EQ(-1, policy_parse(GOOD, n, &p, &age));
	/* As many hosts as are kept, and one more. */
	many = calloc(1, POLICY_TEXT_MAX);
	ATF_REQUIRE(many != NULL);
	(void)strlcpy(many, "version: STSv1\nmode: enforce\nmax_age: 1\n",
	    POLICY_TEXT_MAX);
	for (n = 0; n < POLICY_MX_MAX; n++)
		(void)strlcat(many, "mx: a.b\n", POLICY_TEXT_MAX);
	ATF_CHECK_EQ(0, policy_parse(many, strlen(many), &p, &age));
	(void)strlcat(many, "mx: a.b\n", POLICY_TEXT_MAX);
	ATF_CHECK_EQ(-1, policy_parse(many, strlen(many), &p, &age));
	free(many);
}

static enum policy_http
http(const char *text, size_t len, bool end, char *copy, char **body, size_t *n)
{
	memcpy(copy, text, len);
	return policy_http(copy, len, end, body, n);
}

ATF_TC_WITHOUT_HEAD(answers);
ATF_TC_BODY(answers, tc)
{
	static const char *const whole[] = {
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 5\r\n\r\nhello",
	    "HTTP/1.0 200 \r\ncontent-type:text/plain; charset=utf-8\r\n\r\n"
	    "hello",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
	};
	static const char *const wrong[] = {
	    "HTTP/1.1 301 Moved\r\nContent-Type: text/plain\r\n"
	    "Location: https://evil.test/\r\n\r\n",
	    "HTTP/1.1 404 No\r\nContent-Type: text/plain\r\n\r\nx",
	    "HTTP/1.1 2000 OK\r\nContent-Type: text/plain\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plainly\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 99999999\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Encoding: gzip\r\n\r\nx",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n\r\nxx",
	    "SSH-2.0-x\r\n\r\n",
	};
	char copy[1024], *body;
	char *long_head;
	size_t len, n;

	(void)tc;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		len = strlen(whole[i]);
		ATF_REQUIRE_EQ(
		    POLICY_WHOLE, http(whole[i], len, true, copy, &body, &n));
		ATF_CHECK_EQ(5, n);
		ATF_CHECK_EQ(0, memcmp(body, "hello", 5));
		/* Octet by octet: never wrong, never whole too early. */
		for (len = 0; len < strlen(whole[i]); len++) {
			if (http(whole[i], len, false, copy, &body, &n) ==
			    POLICY_MORE)
				continue;
			ATF_CHECK_EQ_MSG(5, n, "%zu of %s", len, whole[i]);
		}
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ATF_CHECK_EQ_MSG(POLICY_WRONG,
		    http(wrong[i], strlen(wrong[i]), true, copy, &body, &n),
		    "%s", wrong[i]);
	/* A body that breaks off is no body. */
	ATF_CHECK_EQ(POLICY_WRONG,
	    http(whole[0], strlen(whole[0]) - 1, true, copy, &body, &n));
	ATF_CHECK_EQ(POLICY_WRONG,
	    http(whole[2], strlen(whole[2]) - 5, true, copy, &body, &n));
	/* A header that does not end. */
	long_head = malloc(POLICY_HEAD_MAX + 1);
	ATF_REQUIRE(long_head != NULL);
	memset(long_head, 'x', POLICY_HEAD_MAX + 1);
	ATF_CHECK_EQ(POLICY_MORE,
	    policy_http(long_head, POLICY_HEAD_MAX, false, &body, &n));
	ATF_CHECK_EQ(POLICY_WRONG,
	    policy_http(long_head, POLICY_HEAD_MAX + 1, false, &body, &n));
	free(long_head);
}

ATF_TC_WITHOUT_HEAD(kept);
ATF_TC_BODY(kept, tc)
{
	static struct policy p, q;
	uint8_t buf[1024];
	uint32_t age;
	size_t len;

	(void)tc;
	ATF_REQUIRE_EQ(0, policy_parse(GOOD, strlen(GOOD), &p, &age));
	(void)strlcpy(p.id, "x1", sizeof(p.id));
	p.expires = 1800000000;
	len = policy_pack(&p, buf, sizeof(buf));
	ATF_REQUIRE(len > 0);
	ATF_REQUIRE_EQ(0, policy_unpack(&q, buf, len));
	ATF_CHECK_STREQ("x1", q.id);
	ATF_CHECK_EQ(p.expires, q.expires);
	ATF_CHECK_EQ(p.mode, q.mode);
	ATF_CHECK_EQ(2, q.n_mx);
	ATF_CHECK_STREQ("*.example.net", q.mx[1]);
	for (size_t n = 0; n < len; n++) {
		ATF_CHECK_EQ(-1, policy_unpack(&q, buf, n));
		ATF_CHECK_EQ(0, policy_pack(&p, buf + 512, n));
	}
	ATF_CHECK_EQ(-1, policy_unpack(&q, buf, len + 1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, id);
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, answers);
	ATF_TP_ADD_TC(tp, kept);
	return atf_no_error();
}
