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
 * What the grammar allows and what it does not, by section of RFC 9051 (or
 * the RFC named).  Every line is also cut at each octet, and fed octet by
 * octet.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "feed.h"

struct line {
	const char *section;
	const char *text;
	enum imap_verb verb;
};

static const struct line lines[] = {
    {"6.1.1", "a CAPABILITY", IMAP_CAPABILITY},
    {"6.1.1", "a CAPABILITY x", IMAP_BAD},
    {"6.1.3", "a LOGOUT", IMAP_LOGOUT},
    {"6.1.3", "a LOGOUT ", IMAP_BAD},
    {"2971 3.1", "a ID NIL", IMAP_ID},
    {"2971 3.1", "a ID (\"name\" \"x\" \"version\" NIL)", IMAP_ID},
    {"2971 3.1", "a ID ()", IMAP_ID},
    {"2971 3.1", "a ID (\"name\")", IMAP_BAD},
    {"2971 3.1", "a ID", IMAP_BAD},
    {"6.2.2", "a AUTHENTICATE PLAIN", IMAP_AUTHENTICATE},
    {"6.2.2", "a AUTHENTICATE PLAIN AGEAYg==", IMAP_AUTHENTICATE},
    {"6.2.2", "a AUTHENTICATE PLAIN =", IMAP_AUTHENTICATE},
    {"6.2.2", "a AUTHENTICATE PLAIN ", IMAP_BAD},
    {"6.2.2", "a AUTHENTICATE PLAIN a b", IMAP_BAD},
    {"6.2.2", "a AUTHENTICATE", IMAP_BAD},
    {"6.2.3", "a LOGIN bob pw", IMAP_LOGIN},
    {"6.2.3", "a LOGIN \"bob\" \"p\\\"w\\\\\"", IMAP_LOGIN},
    {"6.2.3", "a LOGIN \"b\xc3\xb6\x62\" \"p\xc3\xa4\"", IMAP_LOGIN},
    {"6.2.3", "a LOGIN \"b\xff\" pw", IMAP_BAD},
    {"6.2.3", "a LOGIN bob", IMAP_BAD},
    {"6.2.3", "a LOGIN  bob pw", IMAP_BAD},
    {"6.2.3", "a LOGIN bob pw pw", IMAP_BAD},
    {"6.2.3", "a LOGIN \"bob pw", IMAP_BAD},
    {"6.2.3", "a LOGIN \"b\\ob\" pw", IMAP_BAD},
    {"6.2.3", "a LOGIN b(b pw", IMAP_BAD},
    {"6.3.1", "a ENABLE IMAP4rev2", IMAP_ENABLE},
    {"6.3.1", "a ENABLE", IMAP_BAD},
    {"6.3.2", "a SELECT INBOX", IMAP_SELECT},
    {"6.3.2", "a SELECT \"a b\"", IMAP_SELECT},
    {"6.3.2", "a SELECT a]b", IMAP_SELECT},
    {"6.3.2", "a SELECT a b", IMAP_BAD},
    {"6.3.2", "a SELECT a*", IMAP_BAD},
    {"6.3.2", "a SELECT", IMAP_BAD},
    {"6.3.2", "a SELECT \"\"", IMAP_SELECT},
    {"6.3.3", "a EXAMINE x", IMAP_EXAMINE},
    {"6.3.4", "a CREATE x/y", IMAP_CREATE},
    {"6154 3", "a CREATE x (USE (\\Sent))", IMAP_CREATE},
    {"6154 3", "a CREATE x (USE (\\Sent \\Trash))", IMAP_CREATE},
    {"6154 3", "a CREATE x (USE (\\Foo))", IMAP_CREATE},
    {"6154 3", "a CREATE x (FOO)", IMAP_BAD},
    {"6154 3", "a CREATE x (USE (\\Sent)", IMAP_BAD},
    {"6.3.5", "a DELETE x", IMAP_DELETE},
    {"6.3.6", "a RENAME x y", IMAP_RENAME},
    {"6.3.6", "a RENAME x", IMAP_BAD},
    {"6.3.7", "a SUBSCRIBE x", IMAP_SUBSCRIBE},
    {"6.3.8", "a UNSUBSCRIBE x", IMAP_UNSUBSCRIBE},
    {"6.3.9", "a LIST \"\" *", IMAP_LIST},
    {"6.3.9", "a LIST \"\" \"a/%\"", IMAP_LIST},
    {"6.3.9", "a LIST \"\" \"\"", IMAP_LIST},
    {"6.3.9", "a LIST \"\"", IMAP_BAD},
    {"6.3.9", "a LIST \"\" * x", IMAP_BAD},
    {"3501 6.3.9", "a LSUB \"\" *", IMAP_LSUB},
    {"6.3.10", "a NAMESPACE", IMAP_NAMESPACE},
    {"6.3.11", "a STATUS x (MESSAGES)", IMAP_STATUS},
    {"6.3.11", "a STATUS x (MESSAGES UIDNEXT )", IMAP_STATUS},
    {"6.3.11", "a STATUS x ()", IMAP_BAD},
    {"6.3.11", "a STATUS x MESSAGES", IMAP_BAD},
    {"6.3.11", "a STATUS x (FOO)", IMAP_BAD},
    {"6.3.13", "a IDLE", IMAP_IDLE},
    {"6.4.1", "a CLOSE", IMAP_CLOSE},
    {"6.4.2", "a UNSELECT", IMAP_UNSELECT},
    {"6.4.3", "a EXPUNGE", IMAP_EXPUNGE},
    {"6.4.3", "a EXPUNGE 1", IMAP_BAD},
    {"6.4.9", "a UID EXPUNGE 1:*", IMAP_EXPUNGE},
    {"6.4.9", "a UID EXPUNGE", IMAP_BAD},
    {"6.4.4", "a SEARCH ALL", IMAP_SEARCH},
    {"6.4.4", "a UID SEARCH 1:* UID 2,3 NOT SEEN", IMAP_SEARCH},
    {"6.4.4", "a SEARCH CHARSET UTF-8 TEXT x", IMAP_SEARCH},
    {"6.4.4", "a SEARCH CHARSET KOI8-R TEXT x", IMAP_SEARCH},
    {"6.4.4", "a SEARCH OR SEEN (NOT FLAGGED LARGER 10)", IMAP_SEARCH},
    {"6.4.4", "a SEARCH OR OR SEEN DRAFT NOT NOT (ALL)", IMAP_SEARCH},
    {"6.4.4", "a SEARCH SINCE 1-Feb-1994 BEFORE \"02-Mar-1994\"", IMAP_SEARCH},
    {"6.4.4", "a SEARCH HEADER \"X-A\" \"\" KEYWORD $Junk", IMAP_SEARCH},
    {"6.4.4", "a SEARCH (ALL )", IMAP_SEARCH},
    {"6.4.4", "a SEARCH", IMAP_BAD},
    {"6.4.4", "a SEARCH ()", IMAP_BAD},
    {"6.4.4", "a SEARCH (ALL", IMAP_BAD},
    {"6.4.4", "a SEARCH ALL)", IMAP_BAD},
    {"6.4.4", "a SEARCH OR SEEN", IMAP_BAD},
    {"6.4.4", "a SEARCH NOT", IMAP_BAD},
    {"6.4.4", "a SEARCH FOO", IMAP_BAD},
    {"6.4.4", "a SEARCH 0", IMAP_BAD},
    {"6.4.4", "a SEARCH SINCE 1-Feb-94", IMAP_BAD},
    {"6.4.4", "a SEARCH SINCE 30-Feb-1994", IMAP_BAD},
    {"6.4.4", "a SEARCH SINCE 1-Foo-1994", IMAP_BAD},
    {"6.4.4", "a SEARCH CHARSET US-ASCII TEXT \"\xc3\xa4\"", IMAP_BAD},
    {"6.4.5", "a FETCH 1 FLAGS", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 ALL", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 FAST", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 FULL", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 (ALL)", IMAP_BAD},
    {"6.4.5", "a FETCH 1:3,5,7:* (FLAGS UID)", IMAP_FETCH},
    {"4.3", "a SEARCH SUBJECT \"\xc3\xbc\"", IMAP_BAD},
    {"6.2.3", "a LOGIN x \"\xc3\xbc\"", IMAP_LOGIN},
    {"RFC 4731", "a SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN", IMAP_SEARCH},
    {"RFC 4731", "a SEARCH RETURN () CHARSET UTF-8 ALL", IMAP_SEARCH},
    {"RFC 4731", "a SEARCH RETURN (FOO) ALL", IMAP_BAD},
    {"RFC 4731", "a SEARCH RETURN MIN ALL", IMAP_BAD},
    {"RFC 4731", "a SEARCH RETURN (MIN)", IMAP_BAD},
    {"RFC 5182", "a SEARCH RETURN (SAVE) ALL", IMAP_SEARCH},
    {"RFC 5182", "a SEARCH UNSEEN $", IMAP_SEARCH},
    {"RFC 5182", "a SEARCH UID $", IMAP_SEARCH},
    {"RFC 5182", "a FETCH $ FLAGS", IMAP_FETCH},
    {"RFC 5182", "a FETCH $,1 FLAGS", IMAP_BAD},
    {"RFC 5182", "a FETCH 1,$ FLAGS", IMAP_BAD},
    {"RFC 5182", "a FETCH $:2 FLAGS", IMAP_BAD},
    {"RFC 5032", "a SEARCH YOUNGER 3600 OLDER 1", IMAP_SEARCH},
    {"RFC 5032", "a SEARCH YOUNGER 0", IMAP_BAD},
    {"RFC 5032", "a SEARCH OLDER", IMAP_BAD},
    {"RFC 8514", "a SEARCH SAVEDSINCE 1-Feb-2020", IMAP_SEARCH},
    {"RFC 8514", "a SEARCH SAVEDBEFORE 1-Feb-20", IMAP_BAD},
    {"RFC 8514", "a SEARCH SAVEDATESUPPORTED", IMAP_SEARCH},
    {"RFC 8514", "a FETCH 1 SAVEDATE", IMAP_FETCH},
    {"RFC 8474", "a FETCH 1 (EMAILID THREADID)", IMAP_FETCH},
    {"RFC 8474", "a SEARCH EMAILID M12ab_-", IMAP_SEARCH},
    {"RFC 8474", "a SEARCH EMAILID M.1", IMAP_BAD},
    {"RFC 8474", "a STATUS x (MAILBOXID)", IMAP_STATUS},
    {"RFC 9738 3.2", "a SEARCH UIDAFTER 5 UIDBEFORE 4294967295", IMAP_SEARCH},
    {"RFC 9738 3.2", "a SEARCH UIDAFTER 0", IMAP_BAD},
    {"RFC 9738 3.2", "a SEARCH UIDBEFORE 1:2", IMAP_BAD},
    {"RFC 9738 3.2", "a SEARCH UIDBEFORE *", IMAP_BAD},
    {"RFC 9738 3.2", "a SEARCH UIDBEFORE 4294967296", IMAP_BAD},
    {"RFC 7889", "a STATUS x (APPENDLIMIT)", IMAP_STATUS},
    {"RFC 3516", "a FETCH 1 BINARY[1.2]<0.5>", IMAP_FETCH},
    {"RFC 3516", "a FETCH 1 (BINARY.PEEK[] BINARY.SIZE[1])", IMAP_FETCH},
    {"RFC 3516", "a FETCH 1 BINARY.SIZE[1]<0.5>", IMAP_BAD},
    {"RFC 3516", "a FETCH 1 BINARY[HEADER]", IMAP_BAD},
    {"RFC 3516", "a FETCH 1 BINARY[1.MIME]", IMAP_BAD},
    {"RFC 3516", "a FETCH 1 BINARY[0]", IMAP_BAD},
    {"RFC 3516", "a FETCH 1 BINARY[1.]", IMAP_BAD},
    {"RFC 3516", "a FETCH 1 BINARY", IMAP_BAD},
    {"RFC 5258", "a LIST (SUBSCRIBED) \"\" * RETURN (CHILDREN)", IMAP_LIST},
    {"RFC 5258", "a LIST () \"\" (a b) RETURN ()", IMAP_LIST},
    {"RFC 5258", "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %", IMAP_LIST},
    {"RFC 5258", "a LIST (RECURSIVEMATCH) \"\" %", IMAP_BAD},
    {"RFC 5258", "a LIST (REMOTE RECURSIVEMATCH) \"\" %", IMAP_BAD},
    {"RFC 5258", "a LIST (FOO) \"\" %", IMAP_BAD},
    {"RFC 5258", "a LIST \"\" ()", IMAP_BAD},
    {"RFC 5258", "a LIST \"\" % FOO", IMAP_BAD},
    {"RFC 5258", "a LIST \"\" % RETURN", IMAP_BAD},
    {"RFC 5258", "a LSUB \"\" % RETURN ()", IMAP_BAD},
    {"RFC 5819", "a LIST \"\" % RETURN (STATUS (MESSAGES))", IMAP_LIST},
    {"RFC 5819", "a LIST \"\" % RETURN (STATUS)", IMAP_BAD},
    {"RFC 5819", "a LIST \"\" % RETURN (STATUS ())", IMAP_BAD},
    {"6.4.5", "a FETCH 1 (FLAGS UID )", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 FLAGS UID", IMAP_BAD},
    {"6.4.5", "a FETCH 1 ()", IMAP_BAD},
    {"6.4.5", "a FETCH 0 FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 0:3 FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 01 FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 4294967296 FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 1, FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 1:2:3 FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH x FLAGS", IMAP_BAD},
    {"6.4.5", "a FETCH 1 FOO", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODYSTRUCTURE", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[]", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 body.peek[header]", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY.PEEK", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[HEADER.FIELDS (From \"To\")]", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[HEADER.FIELDS.NOT (From)]<0.10>", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[HEADER.FIELDS ()]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[HEADER.FIELDS]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[1.2.MIME]", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[1.2.HEADER]", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[1.TEXT]<1.2>", IMAP_FETCH},
    {"6.4.5", "a FETCH 1 BODY[MIME]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[0]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[1.]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[1.0]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[1.FOO]", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[]<0.0>", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[]<1>", IMAP_BAD},
    {"6.4.5", "a FETCH 1 BODY[]<-1.2>", IMAP_BAD},
    {"3501 6.4.5",
	"a FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT "
	"RFC822.SIZE)",
	IMAP_FETCH},
    {"6.4.6", "a STORE 1 FLAGS (\\Seen)", IMAP_STORE},
    {"6.4.6", "a STORE 1 +FLAGS.SILENT \\Seen $Junk", IMAP_STORE},
    {"6.4.6", "a STORE 1 -FLAGS ()", IMAP_STORE},
    {"6.4.6", "a STORE 1 FLAGS", IMAP_BAD},
    {"6.4.6", "a STORE 1 FLAGS (\\Recent)", IMAP_BAD},
    {"6.4.6", "a STORE 1 FLAGS (\\Seen) x", IMAP_BAD},
    {"6.4.6", "a STORE 1 FOO (\\Seen)", IMAP_BAD},
    {"6.4.7", "a COPY 1:2 x", IMAP_COPY},
    {"6.4.7", "a COPY 1:2", IMAP_BAD},
    {"6.4.8", "a UID MOVE 1 x", IMAP_MOVE},
    {"6.3.12", "a APPEND x (\\Seen kw) {3}", IMAP_APPEND},
    {"6.3.12", "a APPEND x \" 1-Feb-2020 00:00:00 +0000\" {3}", IMAP_APPEND},
    {"6.3.12", "a APPEND x \"31-Feb-2020 00:00:00 +0000\" {3}", IMAP_BAD},
    {"6.3.12", "a APPEND x \"1-Feb-2020 00:00:00 +0000\" {3}", IMAP_BAD},
    {"6.3.12", "a APPEND x \" 1-Feb-20 00:00:00 +0000\" {3}", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (URL u)", IMAP_APPEND},
    {"RFC 4469 5",
	"a APPEND x (\\Seen) \" 1-Feb-2020 00:00:00 +0000\" "
	"catenate (url \"u\" Text {3}",
	IMAP_APPEND},
    {"RFC 4469 5", "a APPEND x CATENATE (TEXT ~{3}", IMAP_APPEND},
    {"RFC 6855 4", "a APPEND x CATENATE (URL u UTF8 (~{3}", IMAP_APPEND},
    {"RFC 6855 4", "a APPEND x CATENATE (UTF8 ({3}", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE ()", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE(URL u)", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (URL u", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (URL u URL)", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE ({3}", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (TEXT abc)", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (URL u) (", IMAP_BAD},
    {"RFC 4469 5", "a APPEND x CATENATE (URL u) x", IMAP_BAD},
    {"RFC 3502", "a APPEND x CATENATE (URL u) (\\Seen) CATENATE (URL v)",
	IMAP_APPEND},
    {"RFC 8508 4.2", "a REPLACE 3 x CATENATE (URL u)", IMAP_REPLACE},
    {"RFC 8508 4.7", "a REPLACE 3 x CATENATE (URL u) CATENATE (URL u)",
	IMAP_BAD},
};

#define N (sizeof(lines) / sizeof(lines[0]))

ATF_TC_WITHOUT_HEAD(sections);
ATF_TC_BODY(sections, tc)
{
	struct imap_cmd *cmd;
	size_t i;

	for (i = 0; i < N; i++) {
		cmd = feed_command(lines[i].text, strlen(lines[i].text));
		ATF_CHECK_MSG(cmd->verb == lines[i].verb, "%s: %s: %s %s",
		    lines[i].section, lines[i].text, imap_verb_name(cmd->verb),
		    cmd->error == NULL ? "" : cmd->error);
		ATF_CHECK_STREQ("a", cmd->tag);
		imap_cmd_free(cmd);
	}
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	struct imap_cmd *cmd;
	size_t i, len;

	for (i = 0; i < N; i++) {
		for (len = 2; len < strlen(lines[i].text); len++) {
			cmd = feed_command(lines[i].text, len);
			ATF_CHECK(cmd->verb == IMAP_BAD || cmd->error == NULL);
			imap_cmd_free(cmd);
		}
	}
}

ATF_TC_WITHOUT_HEAD(octets);
ATF_TC_BODY(octets, tc)
{
	char text[256], whole[256];
	size_t i;

	for (i = 0; i < N; i++) {
		(void)strlcpy(text, lines[i].text, sizeof(text));
		(void)strlcat(text, "\r\n", sizeof(text));
		(void)strlcpy(
		    whole, feed(text, strlen(text), 0, true), sizeof(whole));
		ATF_CHECK_STREQ(whole, feed(text, strlen(text), 1, true));
	}
}

/* Whatever the order of the table, each verb bears its own name. */
ATF_TC_WITHOUT_HEAD(verb_names);
ATF_TC_BODY(verb_names, tc)
{
	size_t i, k;

	ATF_CHECK_STREQ("NOOP", imap_verb_name(IMAP_NOOP));
	ATF_CHECK_STREQ("SEARCH", imap_verb_name(IMAP_SEARCH));
	ATF_CHECK_STREQ("THREAD", imap_verb_name(IMAP_THREAD));
	ATF_CHECK_STREQ("REPLACE", imap_verb_name(IMAP_REPLACE));
	ATF_CHECK_STREQ("UNAUTHENTICATE", imap_verb_name(IMAP_UNAUTHENTICATE));
	ATF_CHECK_STREQ("SETQUOTA", imap_verb_name(IMAP_SETQUOTA));
	for (i = 0; i < IMAP_VERBS; i++)
		for (k = 0; k < i; k++)
			ATF_CHECK(strcmp(imap_verb_name((enum imap_verb)i),
				      imap_verb_name((enum imap_verb)k)) != 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sections);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, octets);
	ATF_TP_ADD_TC(tp, verb_names);
	return atf_no_error();
}
