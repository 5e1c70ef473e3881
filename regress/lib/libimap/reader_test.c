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
 * The reader: commands, literals, messages and answers, however the input is
 * cut; and its limits.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

static void
check_len(const char *input, size_t len, bool login, const char *expect)
{
	static const size_t pieces[] = {0, 1, 2, 3, 7, 64};
	size_t i;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		ATF_CHECK_STREQ_MSG(expect, feed(input, len, pieces[i], login),
		    "in pieces of %zu", pieces[i]);
}

static void
check(const char *input, bool login, const char *expect)
{
	check_len(input, strlen(input), login, expect);
}

ATF_TC_WITHOUT_HEAD(lines);
ATF_TC_BODY(lines, tc)
{
	check("a1 NOOP\r\n", true, "a1 NOOP\n");
	check("a1 noop\r\na2 Check\r\n", true, "a1 NOOP\na2 CHECK\n");
	/* Beyond the grammar: a bare LF ends a line. */
	check("a1 NOOP\na2 CHECK\n", true, "a1 NOOP\na2 CHECK\n");
	check("a1 NOOP", true, "");
	check("\r\n", true, "* BAD\n");
	check("a1\r\n", true, "* BAD\n");
	check("a+ NOOP\r\n", true, "* BAD\n");
	check("a1 FOO bar\r\n", true, "a1 BAD\n");
	check("a1 NOOP bar\r\na2 NOOP\r\n", true, "a1 BAD\na2 NOOP\n");
	check("a1 UID NOOP\r\n", true, "a1 BAD\n");
	check("a1 SELECT INBOX\r\n", false, "a1 BAD\n");
}

ATF_TC_WITHOUT_HEAD(literals);
ATF_TC_BODY(literals, tc)
{
	check("a LOGIN {3}\r\nbob {2}\r\npw\r\n", false, "+\n+\na LOGIN\n");
	check("a LOGIN {3+}\r\nbob {2+}\r\npw\r\n", false, "a LOGIN\n");
	/* RFC 7888 section 8: LITERAL- has no form of its own. */
	check("a LOGIN {3-}\r\nbob pw\r\n", false, "a BAD\nbob BAD\n");
	check("a LOGIN {3+}\nbob {2+}\npw\n", false, "a LOGIN\n");
	/* What lies in a literal is not read as a line. */
	check("a LOGIN {9+}\r\na\r\nb NOOP pw\r\n", false, "a LOGIN\n");
	check("a LOGIN {0+}\r\n {0+}\r\n\r\n", false, "a LOGIN\n");
	/* RFC 7888: also a literal of an unknown command is consumed. */
	check("a FOO {7+}\r\nb BAR\r\n\r\nc NOOP\r\n", true, "a BAD\nc NOOP\n");
	check("a FOO {6}\r\nc NOOP\r\n", true, "a BAD\nc NOOP\n");
	check(
	    "a NOOP {7+}\r\nb BAR\r\n\r\nc NOOP\r\n", true, "a BAD\nc NOOP\n");
	/* Extra arguments after a literal. */
	check("a LOGIN {1+}\r\nx {1+}\r\ny {1+}\r\nz\r\n", false, "a BAD\n");
	check_len("a LOGIN {3+}\r\na\0b pw\r\n", 22, false, "a BAD\n");
}

ATF_TC_WITHOUT_HEAD(literal_limits);
ATF_TC_BODY(literal_limits, tc)
{
	char text[IMAP_PRELITERAL_MAX + 200];
	int n;

	/* Before login, up to IMAP_PRELITERAL_MAX. */
	n = snprintf(text, sizeof(text), "a LOGIN u {%d+}\r\n%0*d\r\n",
	    IMAP_PRELITERAL_MAX, IMAP_PRELITERAL_MAX, 0);
	check_len(text, (size_t)n, false, "a LOGIN\n");
	n = snprintf(text, sizeof(text),
	    "a LOGIN u {%d+}\r\n%0*d\r\nb NOOP\r\n", IMAP_PRELITERAL_MAX + 1,
	    IMAP_PRELITERAL_MAX + 1, 0);
	check_len(text, (size_t)n, false, "a BAD\nb NOOP\n");
	/* A client that waits is told at once. */
	check("a LOGIN u {1025}\r\nb NOOP\r\n", false, "a BAD\nb NOOP\n");
	/* What would have to be read over for ever ends the connection. */
	check("a LOGIN u {100000+}\r\n", false, "fatal\n");
	check("a LOGIN u {99999999999999999999999+}\r\n", false, "fatal\n");
	check("a FOO {2000000+}\r\n", true, "fatal\n");
	check("a SELECT {65537}\r\nb NOOP\r\n", true, "a BAD\nb NOOP\n");
}

ATF_TC_WITHOUT_HEAD(line_limits);
ATF_TC_BODY(line_limits, tc)
{
	size_t max = IMAP_COMMAND_MAX;
	char *text;

	text = malloc(max + 64);
	ATF_REQUIRE(text != NULL);
	memset(text, 'x', max + 64);
	memcpy(text, "a SELECT ", 9);
	memcpy(text + max, "\r\nb NOOP\r\n", 10);
	ATF_CHECK_STREQ("a SELECT\nb NOOP\n", feed(text, max + 10, 1000, true));
	memset(text, 'x', max + 64);
	memcpy(text, "a SELECT ", 9);
	memcpy(text + max + 1, "\r\nb NOOP\r\n", 10);
	ATF_CHECK_STREQ("a BAD\nb NOOP\n", feed(text, max + 11, 1000, true));
	ATF_CHECK_STREQ("a BAD\nb NOOP\n", feed(text, max + 11, 0, true));
	/* Its literal is consumed all the same. */
	memcpy(text + max + 1, "{4+}\r\na b\n\r\nb NOOP\r\n", 20);
	ATF_CHECK_STREQ("a BAD\nb NOOP\n", feed(text, max + 21, 7, true));
	free(text);
}

ATF_TC_WITHOUT_HEAD(endless_line);
ATF_TC_BODY(endless_line, tc)
{
	size_t len = IMAP_PRELINE_MAX + IMAP_SKIP_MAX;
	char *text;

	text = malloc(len + 8192);
	ATF_REQUIRE(text != NULL);
	memset(text, 'x', len + 8192);
	memcpy(text, "a LOGIN ", 8);
	text[len - 4096] = '\n';
	ATF_CHECK_STREQ("a BAD\n", feed(text, len - 4095, 4096, false));
	text[len - 4096] = 'x';
	ATF_CHECK_STREQ("fatal\n", feed(text, len + 8192, 4096, false));
	free(text);
}

ATF_TC_WITHOUT_HEAD(append);
ATF_TC_BODY(append, tc)
{
	check("a APPEND INBOX {5}\r\nhello\r\n", true,
	    "a message 5 sync\ndata 5\nend\n");
	check("a APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {5+}\r\n"
	      "a\r\nb\n\r\nb NOOP\r\n",
	    true, "a message 5\ndata 5\nend\nb NOOP\n");
	/* A mailbox name that is a literal itself. */
	check("a APPEND {5}\r\nINBOX {2+}\r\nhi\r\n", true,
	    "+\na message 2\ndata 2\nend\n");
	/* NUL is in literal8 alone (RFC 9051 section 9, CHAR8). */
	check_len("a APPEND INBOX ~{3+}\r\n\0\0\0\r\n", 27, true,
	    "a message 3\ndata 3\nend\n");
	check_len("a APPEND INBOX {3+}\r\nx\0x\r\nb NOOP\r\n", 34, true,
	    "a message 3\ndata 3\nbad end\nb NOOP\n");
	check_len("a APPEND INBOX {1+}\r\nx {1+}\r\n\0 {1+}\r\nx\r\n", 40, true,
	    "a message 1\ndata 1\n message 1\ndata 1\nbad end\n");
	/* What follows the message must be the end of the line. */
	check("a APPEND INBOX {2+}\r\nhi x\r\nb NOOP\r\n", true,
	    "a message 2\ndata 2\nbad end\nb NOOP\n");
	check("a APPEND INBOX {2+}\r\nhi x {3+}\r\nabc\r\nb NOOP\r\n", true,
	    "a message 2\ndata 2\nbad end\nb NOOP\n");
	/* RFC 3502: more messages, the last one's line ends the command. */
	check("a APPEND INBOX {2+}\r\nhi (\\Seen) {3+}\r\nabc\r\nb NOOP\r\n",
	    true, "a message 2\ndata 2\n message 3\ndata 3\nend\nb NOOP\n");
	check("a APPEND INBOX {2+}\r\nhi (\\Recent) {3+}\r\nabc\r\nb NOOP\r\n",
	    true, "a message 2\ndata 2\nbad end\nb NOOP\n");
	/* RFC 3516: literal8 */
	/* RFC 4469: parts, of which some stand elsewhere */
	check("a APPEND x CATENATE (URL u URL v)\r\nb NOOP\r\n", true,
	    "a APPEND\nb NOOP\n");
	check("a APPEND x CATENATE (TEXT {2+}\r\nhi)\r\nb NOOP\r\n", true,
	    "a part 2 (\ndata 2\nend\nb NOOP\n");
	check("a APPEND x CATENATE (URL u TEXT {2}\r\nhi URL v URL w TEXT {0+}"
	      "\r\n TEXT {1+}\r\nx URL y)\r\nb NOOP\r\n",
	    true,
	    "a part 2 sync ( u\ndata 2\n part 0 v w\n part 1\ndata 1\n"
	    "end y )\nb NOOP\n");
	/* A URL as a literal, in the first line and behind an octet string. */
	check("a APPEND x CATENATE (URL {1}\r\nu TEXT {2+}\r\nhi URL {1+}\r\nv"
	      " URL {1}\r\nw)\r\nb NOOP\r\n",
	    true, "+\na part 2 ( u\ndata 2\n+\nend v w )\nb NOOP\n");
	check("a APPEND x {1+}\r\na (\\Seen) CATENATE (URL u) (a) CATENATE "
	      "(UTF8 (~{1+}\r\nb) URL w) {1+}\r\nc\r\nb NOOP\r\n",
	    true,
	    "a message 1\ndata 1\n part 1 ) ( u ) (\ndata 1\n"
	    " message 1 w ) (\ndata 1\nend\nb NOOP\n");
	check("a APPEND x CATENATE (TEXT {2+}\r\nhi\r\nb NOOP\r\n", true,
	    "a part 2 (\ndata 2\nbad end\nb NOOP\n");
	check("a APPEND x CATENATE (TEXT {2+}\r\nhi URL {99999+}\r\n", true,
	    "a part 2 (\ndata 2\n");
	check("a APPEND x CATENATE (TEXT {2+}\r\nhi URL {99999}\r\nb NOOP\r\n",
	    true, "a part 2 (\ndata 2\nbad end\nb NOOP\n");
	check("a APPEND x CATENATE (TEXT {2+}\r\nhi TEXT x {3+}\r\nabc)\r\n"
	      "b NOOP\r\n",
	    true, "a part 2 (\ndata 2\nbad end\nb NOOP\n");
	check("a REPLACE 1 x CATENATE (TEXT {1+}\r\na) {1+}\r\nb\r\n"
	      "b NOOP\r\n",
	    true, "a part 1 (\ndata 1\nbad end\nb NOOP\n");
	check("a APPEND INBOX ~{2+}\r\nhi\r\n", true,
	    "a message 2\ndata 2\nend\n");
	/* Wrong before the message: the message is read over. */
	check("a APPEND INBOX (\\Recent) {5+}\r\nhello\r\nb NOOP\r\n", true,
	    "a BAD\nb NOOP\n");
	check("a APPEND INBOX (\\Recent) {5}\r\nb NOOP\r\n", true,
	    "a BAD\nb NOOP\n");
	check("a APPEND INBOX hello\r\n", true, "a BAD\n");
	check("a APPEND INBOX {2+}\r\nhi\r\n", false, "a BAD\n");
}

ATF_TC_WITHOUT_HEAD(answers);
ATF_TC_BODY(answers, tc)
{
	check("a IDLE\r\nDONE\r\nb NOOP\r\n", true,
	    "a IDLE\nline <DONE>\nb NOOP\n");
	check("a AUTHENTICATE PLAIN\r\nAGEAYg==\r\nb NOOP\r\n", false,
	    "a AUTHENTICATE\nline <AGEAYg==>\nb NOOP\n");
	check("a AUTHENTICATE PLAIN\r\n\r\nb NOOP\r\n", false,
	    "a AUTHENTICATE\nline <>\nb NOOP\n");
}

ATF_TC_WITHOUT_HEAD(answer_limit);
ATF_TC_BODY(answer_limit, tc)
{
	char text[IMAP_AUTHLINE_MAX + 64];
	int n;

	n = snprintf(
	    text, sizeof(text), "a IDLE\r\n%0*d\r\n", IMAP_AUTHLINE_MAX, 0);
	ATF_CHECK(strstr(feed(text, (size_t)n, 9, true), "line <0") != NULL);
	n = snprintf(
	    text, sizeof(text), "a IDLE\r\n%0*d\r\n", IMAP_AUTHLINE_MAX + 1, 0);
	ATF_CHECK_STREQ("a IDLE\nfatal\n", feed(text, (size_t)n, 0, true));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lines);
	ATF_TP_ADD_TC(tp, literals);
	ATF_TP_ADD_TC(tp, literal_limits);
	ATF_TP_ADD_TC(tp, line_limits);
	ATF_TP_ADD_TC(tp, endless_line);
	ATF_TP_ADD_TC(tp, append);
	ATF_TP_ADD_TC(tp, answers);
	ATF_TP_ADD_TC(tp, answer_limit);
	return atf_no_error();
}
