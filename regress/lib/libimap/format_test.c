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
 * What is said to the client: strings, numbers, dates, flags, sets, and the
 * envelope and structure of messages.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "imap.h"
#include "imap_local.h"
#include "imapfmt.h"
#include "mime.h"

static struct imap_buf b;

/* The macro of ATF looks at its arguments twice. */
#define CHECK_SAID(expect)                        \
	do {                                      \
		const char *text_ = said();       \
		ATF_CHECK_STREQ((expect), text_); \
	} while (0)

/* What was put, and an empty buffer again. */
static const char *
said(void)
{
	static char text[8192];

	ATF_REQUIRE(b.len < sizeof(text));
	memcpy(text, b.p, b.len);
	text[b.len] = '\0';
	imap_buf_reset(&b, 1024);
	return text;
}

ATF_TC_WITHOUT_HEAD(strings);
ATF_TC_BODY(strings, tc)
{
	imap_put_string(&b, "a\"b\\", 4);
	CHECK_SAID("\"a\\\"b\\\\\"");
	imap_put_string(&b, "", 0);
	CHECK_SAID("\"\"");
	imap_put_string(&b, "a\r\nb", 4);
	CHECK_SAID("{4}\r\na\r\nb");
	imap_put_string(&b, "\xc3\xa4", 2);
	CHECK_SAID("{2}\r\n\xc3\xa4");
	imap_put_nstring(&b, NULL, 0);
	CHECK_SAID("NIL");
	imap_put_mailbox(&b, "a b", 3, false);
	CHECK_SAID("\"a b\"");
	imap_put_mailbox(&b, "a&b", 3, false);
	CHECK_SAID("a&-b");
	imap_put_mailbox(&b, "\xc3\xa4", 2, false);
	CHECK_SAID("&AOQ-");
	imap_put_mailbox(&b, "\xc3\xa4", 2, true);
	CHECK_SAID("\"\xc3\xa4\"");
	imap_put_mailbox(&b, "NIL", 3, false);
	CHECK_SAID("\"NIL\"");
}

/* What a string should look like: octets of it in want. */
static size_t
wanted(const char *s, size_t len, int c, char *want, size_t size)
{
	size_t n;

	if (c < ' ' || c > '~') {
		n = (size_t)snprintf(want, size, "{%zu}\r\n", len);
		memcpy(want + n, s, len);
		return n + len;
	}
	n = 0;
	want[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			want[n++] = '\\';
		want[n++] = s[i];
	}
	want[n++] = '"';
	return n;
}

static void
octets_at(size_t len, size_t at)
{
	char s[20], want[64];
	size_t n;

	for (int c = 1; c < 256; c++) {
		memset(s, at % 2 == 0 ? ' ' : '~', len);
		s[at] = (char)c;
		ATF_REQUIRE_EQ(c < 128, imap_is_ascii(s, len));
		n = wanted(s, len, c, want, sizeof(want));
		imap_put_string(&b, s, len);
		ATF_REQUIRE_EQ(n, b.len);
		ATF_REQUIRE(memcmp(want, b.p, n) == 0);
		imap_buf_reset(&b, 1024);
	}
}

/* Each octet at each place of strings of each length. */
ATF_TC_WITHOUT_HEAD(octets);
ATF_TC_BODY(octets, tc)
{
	(void)tc;
	imap_buf_reset(&b, 1024);
	for (size_t len = 1; len <= 20; len++)
		for (size_t at = 0; at < len; at++)
			octets_at(len, at);
}

ATF_TC_WITHOUT_HEAD(numbers);
ATF_TC_BODY(numbers, tc)
{
	static const uint32_t set[] = {1, 2, 3, 5, 7, 8};

	imap_put_number(&b, 0);
	imap_putc(&b, ' ');
	imap_put_number(&b, 99);
	imap_putc(&b, ' ');
	imap_put_number(&b, 100);
	imap_putc(&b, ' ');
	imap_put_number(&b, UINT64_MAX);
	CHECK_SAID("0 99 100 18446744073709551615");
	imap_put_numbers(&b, set, 6);
	CHECK_SAID("1:3,5,7:8");
	imap_put_range(&b, 4, IMAP_STAR, true);
	CHECK_SAID("4:*");
}

ATF_TC_WITHOUT_HEAD(dates);
ATF_TC_BODY(dates, tc)
{
	imap_put_date(&b, 837596665, -420);
	CHECK_SAID("\"17-Jul-1996 02:44:25 -0700\"");
	imap_put_date(&b, 0, 0);
	CHECK_SAID("\" 1-Jan-1970 00:00:00 +0000\"");
	imap_put_date(&b, -1, 330);
	CHECK_SAID("\" 1-Jan-1970 05:29:59 +0530\"");
	imap_put_date(&b, INT64_MAX, 0);
	CHECK_SAID("\" 1-Jan-1970 00:00:00 +0000\"");
}

ATF_TC_WITHOUT_HEAD(flags);
ATF_TC_BODY(flags, tc)
{
	static char kw[] = "$Junk", other[] = "other";
	char *const keywords[] = {kw, other};

	imap_put_flags(&b, 0, NULL, 0);
	CHECK_SAID("()");
	imap_put_flags(
	    &b, IMAP_FLAG_SEEN | IMAP_FLAG_DELETED | 0x200, keywords, 2);
	CHECK_SAID("(\\Deleted \\Seen other)");
	/* A bit without a keyword is nothing. */
	imap_put_flags(&b, 0xffffffffffffff00, keywords, 1);
	CHECK_SAID("($Junk)");
	imap_put_uses(&b, IMAP_USE_SENT | IMAP_USE_TRASH);
	CHECK_SAID(" \\Sent \\Trash");
}

static const char message[] = "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
			      "From: Fred Foobar <foobar@example.com>\r\n"
			      "Subject: a \"b\"\r\n"
			      "To: mooch@example.net, x:;\r\n"
			      "MIME-Version: 1.0\r\n"
			      "Content-Type: multipart/mixed; boundary=q\r\n"
			      "\r\n"
			      "--q\r\n"
			      "Content-Type: text/plain; charset=us-ascii\r\n"
			      "\r\n"
			      "hello\r\nworld\r\n"
			      "--q\r\n"
			      "Content-Type: message/rfc822\r\n"
			      "\r\n"
			      "Subject: in\r\n"
			      "\r\n"
			      "body\r\n"
			      "--q--\r\n";

ATF_TC_WITHOUT_HEAD(structure);
ATF_TC_BODY(structure, tc)
{
	struct mime_summary sum;
	struct mime_parser *p;
	const uint8_t *octets;
	size_t len;

	p = mime_parser_new();
	mime_parser_feed(p, message, sizeof(message) - 1);
	octets = mime_parser_finish(p, &len);
	ATF_REQUIRE_EQ(
	    0, mime_summary_open(&sum, octets, len, sizeof(message) - 1));
	ATF_REQUIRE_EQ(0, imap_put_envelope(&b, &sum));
	CHECK_SAID("(\"Mon, 7 Feb 1994 21:52:25 -0800\" "
		   "\"a \\\"b\\\"\" "
		   "((\"Fred Foobar\" NIL \"foobar\" \"example.com\")) "
		   "((\"Fred Foobar\" NIL \"foobar\" \"example.com\")) "
		   "((\"Fred Foobar\" NIL \"foobar\" \"example.com\")) "
		   "((NIL NIL \"mooch\" \"example.net\")"
		   "(NIL NIL \"x\" NIL)(NIL NIL NIL NIL)) "
		   "NIL NIL NIL NIL)");
	ATF_REQUIRE_EQ(0, imap_put_body(&b, &sum, false));
	CHECK_SAID("((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL "
		   "NIL \"7BIT\" 12 1)"
		   "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 19 "
		   "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		   "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL "
		   "NIL \"7BIT\" 4 0) 2) \"mixed\")");
	ATF_REQUIRE_EQ(0, imap_put_body(&b, &sum, true));
	CHECK_SAID("((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL "
		   "NIL \"7BIT\" 12 1 NIL NIL NIL NIL)"
		   "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 19 "
		   "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		   "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL "
		   "NIL \"7BIT\" 4 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) "
		   "\"mixed\" (\"boundary\" \"q\") NIL NIL NIL)");
	mime_parser_free(p);
}

static const char global[] = "Content-Type: multipart/mixed; boundary=q\r\n"
			     "\r\n"
			     "--q\r\n"
			     "Content-Type: message/global\r\n"
			     "\r\n"
			     "Subject: in\r\n"
			     "\r\n"
			     "body\r\n"
			     "--q\r\n"
			     "Content-Type: message/global\r\n"
			     "Content-Transfer-Encoding: base64\r\n"
			     "\r\n"
			     "QTogYg0KDQp4\r\n"
			     "--q--\r\n";

/* RFC 9051 section 9: MESSAGE/GLOBAL has an envelope; RFC 3501: it has none. */
ATF_TC_WITHOUT_HEAD(message_global);
ATF_TC_BODY(message_global, tc)
{
	static const uint32_t inner[] = {1, 1};
	struct mime_summary sum;
	struct mime_parser *p;
	const uint8_t *octets;
	size_t len;

	p = mime_parser_new();
	mime_parser_feed(p, global, sizeof(global) - 1);
	octets = mime_parser_finish(p, &len);
	ATF_REQUIRE_EQ(
	    0, mime_summary_open(&sum, octets, len, sizeof(global) - 1));
	ATF_REQUIRE(mime_part_find(&sum, inner, 2) != -1);
	ATF_REQUIRE_EQ(0, imap_put_body(&b, &sum, false));
	CHECK_SAID("((\"message\" \"global\" NIL NIL NIL \"7BIT\" 19)"
		   "(\"message\" \"global\" NIL NIL NIL \"base64\" 12) "
		   "\"mixed\")");
	b.global = true;
	ATF_REQUIRE_EQ(0, imap_put_body(&b, &sum, true));
	b.global = false;
	CHECK_SAID("((\"message\" \"global\" NIL NIL NIL \"7BIT\" 19 "
		   "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		   "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL "
		   "NIL \"7BIT\" 4 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)"
		   "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" "
		   "12 NIL NIL NIL NIL) "
		   "\"mixed\" (\"boundary\" \"q\") NIL NIL NIL)");
	mime_parser_free(p);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, strings);
	ATF_TP_ADD_TC(tp, octets);
	ATF_TP_ADD_TC(tp, numbers);
	ATF_TP_ADD_TC(tp, dates);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, structure);
	ATF_TP_ADD_TC(tp, message_global);
	return atf_no_error();
}
