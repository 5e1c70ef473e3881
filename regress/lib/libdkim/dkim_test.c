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
 * Canonical forms: the examples of RFC 6376 and cases between chunks.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <string.h>

#include "dkim.h"

static void
check_body(const char *in, const char *canonical)
{
	uint8_t want[DKIM_HASH_LEN], got[DKIM_HASH_LEN];
	struct dkim_body *b;
	size_t len;

	len = strlen(in);
	(void)crypto_hash_sha256(
	    want, (const uint8_t *)canonical, strlen(canonical));
	b = dkim_body_new();
	ATF_REQUIRE(b != NULL);
	/* Whole, and cut at each octet. */
	for (size_t cut = 0; cut <= len; cut++) {
		dkim_body_update(b, in, cut);
		dkim_body_update(b, in + cut, len - cut);
		dkim_body_end(b, got);
		ATF_CHECK_MSG(memcmp(want, got, sizeof(want)) == 0,
		    "\"%s\" cut at %zu", in, cut);
	}
	dkim_body_free(b);
}

ATF_TC(body);
ATF_TC_HEAD(body, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 6376 3.4.4, 3.4.5");
}
ATF_TC_BODY(body, tc)
{
	check_body(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
	check_body("", "");
	check_body("\r\n\r\n", "");
	check_body(" \t\r\n \r\n", "");
	check_body("a", "a\r\n");
	check_body("a \t", "a\r\n");
	check_body("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n");
	check_body("\r\na\r\n", "\r\na\r\n");
	check_body("\ta  b\r\n", " a b\r\n");
	/* What is no CRLF ends no line. */
	check_body("a\rb\nc\r\n", "a\rb\nc\r\n");
	check_body("a\r", "a\r\r\n");
}

ATF_TC(header);
ATF_TC_HEAD(header, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 6376 3.4.2, 5.4.2");
}
ATF_TC_BODY(header, tc)
{
	static const char *const variants[] = {
	    "From: a@x\r\nSubject: one two\r\nSubject: three\r\n\r\n",
	    "FROM :\ta@x \r\nSubject:   one\r\n \ttwo\r\nX: y\r\n"
	    "Subject: three\r\n",
	};
	struct dkim_signature s[2];
	uint8_t digest[DKIM_HASH_LEN];

	memset(s, 0, sizeof(s));
	for (int i = 0; i < 2; i++) {
		(void)strlcpy(s[i].domain, "x", sizeof(s[i].domain));
		(void)strlcpy(s[i].selector, "s", sizeof(s[i].selector));
		s[i].algorithm = DKIM_ED25519_SHA256;
		s[i].when = 1000;
		ATF_REQUIRE_EQ(
		    0, dkim_sign(&s[i], variants[i], strlen(variants[i])));
	}
	ATF_CHECK_STREQ(s[0].field, s[1].field);
	ATF_CHECK(memcmp(s[0].digest, s[1].digest, DKIM_HASH_LEN) == 0);
	/* One From and one more; two Subjects, the last first, and one more. */
	ATF_CHECK(strstr(s[0].field,
		      "h=from:from:to:cc:subject:subject:"
		      "subject:date:") != NULL);
	memcpy(digest, s[0].digest, sizeof(digest));
	ATF_REQUIRE_EQ(0,
	    dkim_sign(&s[0],
		"From: a@x\r\nSubject: three\r\nSubject: one two\r\n", 45));
	ATF_CHECK(memcmp(digest, s[0].digest, sizeof(digest)) != 0);
	/* Without a From there is nothing to sign. */
	ATF_CHECK_EQ(-1, dkim_sign(&s[0], "To: a@x\r\n", 9));
	ATF_CHECK_EQ(-1, dkim_sign(&s[0], "", 0));
}

ATF_TC(limits);
ATF_TC_HEAD(limits, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "lines of the field, and what is too "
	    "much for it");
}
ATF_TC_BODY(limits, tc)
{
	static char header[400000], field[DKIM_FIELD_MAX + 2048];
	struct dkim_signature s;
	uint8_t signature[512];
	const char *line, *end;
	size_t len;
	int n;

	memset(&s, 0, sizeof(s));
	memset(s.domain, 'd', 200);
	memset(s.selector, 's', 60);
	s.algorithm = DKIM_RSA_SHA256;
	ATF_REQUIRE_EQ(0, dkim_sign(&s, "From: a@x\r\n", 11));
	memset(signature, 7, sizeof(signature));
	n = dkim_field(&s, signature, 256, field, sizeof(field));
	ATF_REQUIRE(n > 0 && (size_t)n == strlen(field));
	/* RFC 5322 2.1.1; a domain cannot be folded. */
	for (line = field; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		ATF_CHECK_MSG(end - line <= 78 ||
			memchr(line, 'd', 8) != NULL ||
			strstr(line, "d=") != NULL,
		    "%d octets", (int)(end - line));
	ATF_CHECK_EQ(-1, dkim_field(&s, signature, 256, field, 300));
	/* Too many of a kind: refused, not cut. */
	len = 0;
	for (int i = 0; i < 900; i++)
		len += (size_t)snprintf(
		    header + len, sizeof(header) - len, "From: a@x\r\n");
	ATF_CHECK_EQ(0, dkim_sign(&s, header, len));
	for (int i = 0; i < 900; i++)
		len += (size_t)snprintf(header + len, sizeof(header) - len,
		    "References: <a@x>\r\n");
	(void)dkim_sign(&s, header, len);
	/* Lines that are no fields, and one without an end. */
	ATF_CHECK_EQ(0, dkim_sign(&s, " x\r\nnothing\r\n:\r\nFrom: a", 24));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, body);
	ATF_TP_ADD_TC(tp, header);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
