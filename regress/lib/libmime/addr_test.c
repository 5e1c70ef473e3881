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

/* Address lists (RFC 5322 3.4, 4.4, appendix A) and what stands for one. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "mime.h"

/* "name|adl|mailbox|host" of each, "-" for NIL, joined by spaces. */
static void
print(const char *text, size_t len, char *out, size_t size)
{
	struct mime_addr_iter it;
	struct mime_addr a;
	const struct mime_str *s[4] = {&a.name, &a.adl, &a.mailbox, &a.host};
	size_t n = 0;
	int i;

	out[0] = '\0';
	mime_addr_init_text(&it, text, len);
	while (mime_addr_next(&it, &a)) {
		for (i = 0; i < 4; i++) {
			n += (size_t)snprintf(out + n, size - n, "%s%.*s",
			    i > 0     ? "|" :
				n > 0 ? " " :
					"",
			    s[i]->s == NULL ? 1 : (int)s[i]->len,
			    s[i]->s == NULL ? "-" : s[i]->s);
			ATF_REQUIRE(n < size);
		}
	}
}

ATF_TC_WITHOUT_HEAD(lists);
ATF_TC_BODY(lists, tc)
{
	static const char *const t[][2] = {
	    {"a@b.c", "-|-|a|b.c"},
	    {"John Doe <jdoe@machine.example>",
		"John Doe|-|jdoe|machine.example"},
	    {"\"Joe Q. Public\" <john.q.public@example.com>",
		"Joe Q. Public|-|john.q.public|example.com"},
	    {"\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
		"Giant; \"Big\" Box|-|sysservices|example.net"},
	    {"Who? <one@y.test>, <boss@nil.test>",
		"Who?|-|one|y.test -|-|boss|nil.test"},
	    {"A Group:Ed Jones <c@a.test>,joe@where.test;",
		"-|-|A Group|- Ed Jones|-|c|a.test -|-|joe|where.test "
		"-|-|-|-"},
	    {"Undisclosed recipients:;",
		"-|-|Undisclosed recipients|- -|-|-|-"},
	    {"g: a@b", "-|-|g|- -|-|a|b -|-|-|-"},
	    {"Pete(A nice \\) chap) <pete(his account)@silly.test(host)>",
		"Pete|-|pete|silly.test"},
	    {"<@machine.tld,@b:mary@example.net>",
		"-|@machine.tld,@b|mary|example.net"},
	    {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . "
	     "example",
		"Mary Smith|@node.test|mary|example.net "
		"-|-|jdoe|test.example"},
	    {"john@x.test (John Doe)", "John Doe|-|john|x.test"},
	    {"\"lo cal\"@x.y", "-|-|lo cal|x.y"},
	    {"x@[1.2.3.4]", "-|-|x|[1.2.3.4]"},
	    {"root", "-|-|root|"},
	    {"", ""},
	    {" , ,, ", ""},
	    {"(only a comment)", ""},
	    {"<>", "-|-||"},
	    {"<x", "-|-|x|"},
	    {"a <b@c", "a|-|b|c"},
	    {"\"open", "-|-|open|"},
	    {"a@b; c@d", "-|-|a|b -|-|c|d"},
	    {"=?utf-8?q?J=C3=BC?= <j@x>", "=?utf-8?q?J=C3=BC?=|-|j|x"},
	    {"a\r\n b <c@d>", "a b|-|c|d"},
	    {";;", ""},
	    {"g:;h:;", "-|-|g|- -|-|-|- -|-|h|- -|-|-|-"},
	};
	char out[4096];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		print(t[i][0], strlen(t[i][0]), out, sizeof(out));
		ATF_CHECK_STREQ_MSG(out, t[i][1], "%s: %s", t[i][0], out);
	}
}

/* Long strings are cut, and one address does not cost the next. */
ATF_TC_WITHOUT_HEAD(long_name);
ATF_TC_BODY(long_name, tc)
{
	struct mime_addr_iter it;
	struct mime_addr a;
	char text[10000];

	memset(text, 'x', sizeof(text));
	memcpy(text + 9000, " <a@b>, c@d", 11);
	mime_addr_init_text(&it, text, 9011);
	ATF_REQUIRE_EQ(mime_addr_next(&it, &a), 1);
	ATF_CHECK_EQ(a.name.len, MIME_ADDR_MAX);
	ATF_CHECK_EQ(a.mailbox.len, 1);
	ATF_REQUIRE_EQ(mime_addr_next(&it, &a), 1);
	ATF_CHECK_EQ(memcmp(a.host.s, "d", 1), 0);
	ATF_CHECK_EQ(mime_addr_next(&it, &a), 0);
}

/* All addresses, as text. */
static void
walk(struct mime_addr_iter *it, char *buf, size_t size)
{
	struct mime_addr a;
	size_t n = 0;

	buf[0] = '\0';
	while (mime_addr_next(it, &a) == 1 && n < size)
		n += (size_t)snprintf(buf + n, size - n, "%.*s,%.*s,%.*s;",
		    (int)a.name.len, a.name.s != NULL ? a.name.s : "",
		    (int)a.mailbox.len, a.mailbox.s != NULL ? a.mailbox.s : "",
		    (int)a.host.len, a.host.s != NULL ? a.host.s : "");
}

/* The one pass over the fields finds what a look-up of each does. */
ATF_TC_WITHOUT_HEAD(envelope);
ATF_TC_BODY(envelope, tc)
{
	static const char *const messages[] = {
	    "From: A <a@b>\r\nSender: s@b\r\nReply-To:\r\nTo: x@y\r\n"
	    "to: z@y\r\nSubject: one\r\nSUBJECT: two\r\nDate: now\r\n\r\n",
	    "Sender: \r\nsender: s@b\r\nFrom: a@b\r\nFrom: c@d\r\n"
	    "Cc: g: a@b;\r\nBcc: q\r\nMessage-ID: <m>\r\n\r\n",
	    "Subject: \t one\r\n  two \r\nFrom: a\r\n\t<b@c>\r\n"
	    "In-Reply-To: <x>\t \r\nDate:\r\nMessage-ID:\r\n <y> \r\n\r\n",
	    "Subject: one\rtwo \r\nDate: \r\n \r\nMessage-ID: \tx\r\n\r\n",
	    "Sender: \r\nReply-To: \r\nreply-to:\r\n\r\n", "\r\n"};
	static char one[4096], two[4096];
	struct mime_summary sum;
	struct mime_envelope e;
	struct mime_addr_iter it;
	struct mime_parser *parser;
	struct mime_str x, y;
	const uint8_t *p;
	size_t i, len;
	int f;

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		parser = mime_parser_new();
		ATF_REQUIRE(parser != NULL);
		mime_parser_feed(parser, messages[i], strlen(messages[i]));
		p = mime_parser_finish(parser, &len);
		ATF_REQUIRE(p != NULL);
		ATF_REQUIRE_EQ(
		    0, mime_summary_open(&sum, p, len, strlen(messages[i])));
		mime_envelope_find(&e, &sum, 0);
		for (f = 0; f < MIME_ENVELOPE_FIELDS; f++) {
			x = mime_envelope_text(&sum, 0, f, one, sizeof(one));
			y = mime_envelope_unfold(&e, f, two, sizeof(two));
			ATF_CHECK_EQ(x.s == NULL, y.s == NULL);
			ATF_CHECK_EQ(x.len, y.len);
			if (x.s != NULL && x.len == y.len)
				ATF_CHECK_EQ(0, memcmp(x.s, y.s, x.len));
			mime_addr_init(&it, &sum, 0, f);
			walk(&it, one, sizeof(one));
			if (!mime_addr_init_found(&it, &e, f))
				mime_addr_init(&it, &sum, 0,
				    f == MIME_SENDER || f == MIME_REPLY_TO ?
					MIME_FROM :
					f);
			walk(&it, two, sizeof(two));
			ATF_CHECK_STREQ(one, two);
		}
		mime_parser_free(parser);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lists);
	ATF_TP_ADD_TC(tp, long_name);
	ATF_TP_ADD_TC(tp, envelope);
	return atf_no_error();
}
