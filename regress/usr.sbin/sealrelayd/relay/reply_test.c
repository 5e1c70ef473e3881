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
 * Replies of servers, good and bad (RFC 5321 4.2, RFC 2034).
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "../../../../usr.sbin/sealrelayd/relay/reply.h"

/* Feeds it octet by octet; what came of it. */
static enum reply_result
feed(struct reply *r, const char *text)
{
	const char *line;
	enum reply_result res;
	size_t len, used, line_len, at;

	reply_init(r);
	at = 0;
	res = REPLY_MORE;
	for (len = 0; len <= strlen(text); len++) {
		res = reply_take(r, (const uint8_t *)text + at, len - at, &used,
		    &line, &line_len);
		at += used;
		if (res == REPLY_DONE || res == REPLY_WRONG)
			break;
	}
	return res;
}

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	struct reply r;

	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "250 2.1.5 fine\r\n"));
	ATF_CHECK_EQ(250, r.code);
	ATF_CHECK_STREQ("2.1.5", r.status);
	ATF_CHECK_STREQ("2.1.5 fine", r.text);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "250\r\n"));
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "354 go\n"));
	ATF_CHECK_EQ(REPLY_DONE,
	    feed(&r, "550-5.7.1 a\r\n550-5.7.1 b\r\n550 c\001\r\n"));
	ATF_CHECK_STREQ("5.7.1", r.status);
	ATF_CHECK_STREQ("5.7.1 a 5.7.1 b c?", r.text);
	ATF_CHECK_EQ(3, r.lines);
	/* No status: too long, not one, with something behind it. */
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "450 4.1234.1 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "450 4.1 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "450 4.1.2x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "450 3.1.2\r\n"));
	ATF_CHECK_STREQ("", r.status);
	/* RFC 2034 4: of another class than the code it says nothing. */
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "550 2.1.5 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "450 5.1.1 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "354 3.1.1 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "550-2.1.5 x\r\n550 5.1.1 x\r\n"));
	ATF_CHECK_STREQ("5.1.1", r.status);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, "250-2.1.5 x\r\n550 x\r\n"));
	ATF_CHECK_STREQ("", r.status);
}

ATF_TC_WITHOUT_HEAD(bad);
ATF_TC_BODY(bad, tc)
{
	static const char *const texts[] = {"\r\n", "25\r\n",
	    "HTTP/1.1 200\r\n", "250x\r\n", "150 x\r\n", "650 x\r\n",
	    "2a0 x\r\n", " 250 x\r\n"};
	static char text[REPLY_LINE_MAX + 100];
	struct reply r;
	const char *line;
	size_t used, len;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ATF_CHECK_EQ_MSG(
		    REPLY_WRONG, feed(&r, texts[i]), "%s", texts[i]);
	/* A line of the most octets, one more, and one without an end. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "250 ", 4);
	memcpy(text + REPLY_LINE_MAX, "\r\n", 3);
	ATF_CHECK_EQ(REPLY_DONE, feed(&r, text));
	ATF_CHECK(strlen(r.text) == QUEUE_TEXT_MAX - 1);
	memcpy(text + REPLY_LINE_MAX, "x\r\n", 4);
	ATF_CHECK_EQ(REPLY_WRONG, feed(&r, text));
	reply_init(&r);
	memset(text, 'x', sizeof(text));
	ATF_CHECK_EQ(REPLY_WRONG,
	    reply_take(&r, (uint8_t *)text, sizeof(text), &used, &line, &len));
	/* Lines without end. */
	reply_init(&r);
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		ATF_CHECK_EQ(REPLY_LINE,
		    reply_take(&r, (const uint8_t *)"250-x\r\n", 7, &used,
			&line, &len));
	ATF_CHECK_EQ(REPLY_WRONG,
	    reply_take(
		&r, (const uint8_t *)"250-x\r\n", 7, &used, &line, &len));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, bad);
	return atf_no_error();
}
