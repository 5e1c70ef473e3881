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
 * Replies and trace fields.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "smtp.h"

ATF_TC_WITHOUT_HEAD(reply);
ATF_TC_BODY(reply, tc)
{
	char buf[SMTP_REPLY_MAX + 1], text[1024];
	size_t n;

	n = smtp_reply(buf, sizeof(buf), 250, "2.1.0", false, "Ok %d", 7);
	buf[n] = '\0';
	ATF_CHECK_STREQ("250 2.1.0 Ok 7\r\n", buf);
	n = smtp_reply(buf, sizeof(buf), 250, NULL, true, "SIZE");
	buf[n] = '\0';
	ATF_CHECK_STREQ("250-SIZE\r\n", buf);
	n = smtp_reply(buf, sizeof(buf), 550, "5.1.1", false, "a\r\n250 b");
	buf[n] = '\0';
	ATF_CHECK_STREQ_MSG(
	    "550 5.1.1 a??250 b\r\n", buf, "a reply cannot be made two");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	n = smtp_reply(buf, sizeof(buf), 250, NULL, false, "%s", text);
	ATF_CHECK(n <= SMTP_REPLY_MAX);
	ATF_CHECK(memcmp(buf + n - 2, "\r\n", 2) == 0);
}

ATF_TC_WITHOUT_HEAD(date);
ATF_TC_BODY(date, tc)
{
	char buf[64];

	smtp_date_print(0, buf, sizeof(buf));
	ATF_CHECK_STREQ("Thu, 1 Jan 1970 00:00:00 +0000", buf);
	smtp_date_print(1709210096, buf, sizeof(buf));
	ATF_CHECK_STREQ("Thu, 29 Feb 2024 12:34:56 +0000", buf);
}

ATF_TC_WITHOUT_HEAD(trace);
ATF_TC_BODY(trace, tc)
{
	struct smtp_trace t = {.from = "a@b",
	    .helo = "client.example",
	    .peer = "2001:db8::1",
	    .host = "mx.example.org",
	    .protocol = "ESMTPS",
	    .tls = "TLSv1.3 X",
	    .id = "17",
	    .rcpt = "c@d",
	    .when = 0};
	static const char want[] =
	    "Return-Path: <a@b>\r\n"
	    "Delivered-To: c@d\r\n"
	    "Received: from client.example ([IPv6:2001:db8::1])\r\n"
	    "\tby mx.example.org with ESMTPS id 17\r\n"
	    "\t(TLSv1.3 X)\r\n"
	    "\tfor <c@d>;\r\n"
	    "\tThu, 1 Jan 1970 00:00:00 +0000\r\n";
	char buf[1024];
	size_t len;

	ATF_REQUIRE_EQ(0, smtp_trace_print(&t, buf, sizeof(buf) - 1, &len));
	buf[len] = '\0';
	ATF_CHECK_STREQ(want, buf);
	for (size_t i = 0; i < sizeof(want) - 1; i++)
		ATF_CHECK_EQ(-1, smtp_trace_print(&t, buf, i, &len));
	t.from = "";
	t.peer = "192.0.2.1";
	t.tls = t.rcpt = NULL;
	ATF_REQUIRE_EQ(0, smtp_trace_print(&t, buf, sizeof(buf) - 1, &len));
	buf[len] = '\0';
	ATF_CHECK_STREQ("Return-Path: <>\r\n"
			"Received: from client.example ([192.0.2.1])\r\n"
			"\tby mx.example.org with ESMTPS id 17;\r\n"
			"\tThu, 1 Jan 1970 00:00:00 +0000\r\n",
	    buf);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, reply);
	ATF_TP_ADD_TC(tp, date);
	ATF_TP_ADD_TC(tp, trace);
	return atf_no_error();
}
