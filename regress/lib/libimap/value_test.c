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
 * What commands carry: sets, sections, flags, dates, names, search programs.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

static struct imap_cmd *
good(const char *line)
{
	struct imap_cmd *cmd;

	cmd = feed_command(line, strlen(line));
	ATF_REQUIRE_MSG(cmd->verb != IMAP_BAD, "%s: %s", line, cmd->error);
	return cmd;
}

static void
check_set(const char *text, const char *expect)
{
	struct imap_cmd *cmd;
	char line[256], set[256] = "", one[64];
	size_t i;

	(void)snprintf(line, sizeof(line), "a FETCH %s UID", text);
	cmd = good(line);
	for (i = 0; i < cmd->set.n; i++) {
		(void)snprintf(one, sizeof(one), "%s%u-%u", i == 0 ? "" : " ",
		    cmd->set.range[i].first, cmd->set.range[i].last);
		(void)strlcat(set, one, sizeof(set));
	}
	ATF_CHECK_STREQ_MSG(expect, set, "%s", text);
	imap_cmd_free(cmd);
}

ATF_TC_WITHOUT_HEAD(sets);
ATF_TC_BODY(sets, tc)
{
	check_set("1", "1-1");
	check_set("3:1", "1-3");
	check_set("1,2,3", "1-3");
	check_set("5,1:3,2:4", "1-5");
	check_set("1,3,5", "1-1 3-3 5-5");
	check_set("*", "4294967295-4294967295");
	check_set("*:5", "5-4294967295");
	check_set("5:*", "5-4294967295");
	/* The largest number is not a star. */
	check_set("4294967295", "4294967294-4294967294");
	check_set("1:4294967295", "1-4294967294");
}

ATF_TC_WITHOUT_HEAD(set_limit);
ATF_TC_BODY(set_limit, tc)
{
	struct imap_cmd *cmd;
	char *text, *p;
	int i;

	text = malloc(16 * IMAP_SET_MAX);
	ATF_REQUIRE(text != NULL);
	p = text + sprintf(text, "a FETCH 1");
	for (i = 1; i < IMAP_SET_MAX; i++)
		p += sprintf(p, ",%d", 2 * i + 1);
	strcpy(p, " UID");
	cmd = good(text);
	ATF_CHECK_EQ(IMAP_SET_MAX, cmd->set.n);
	imap_cmd_free(cmd);
	strcpy(p, ",99999 UID");
	cmd = feed_command(text, strlen(text));
	ATF_CHECK_EQ(IMAP_BAD, cmd->verb);
	imap_cmd_free(cmd);
	free(text);
}

ATF_TC_WITHOUT_HEAD(sections);
ATF_TC_BODY(sections, tc)
{
	const struct imap_section *s;
	struct imap_cmd *cmd;

	cmd = good("a UID FETCH 1 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS "
		   "(from {2+}\r\nTo)]<3.10> RFC822.TEXT BODY[])");
	ATF_CHECK(cmd->uid);
	ATF_CHECK_EQ(IMAP_ITEM_UID | IMAP_ITEM_FLAGS, cmd->items);
	ATF_REQUIRE_EQ(3, cmd->nsections);
	s = &cmd->sections[0];
	ATF_CHECK(s->peek && s->partial);
	ATF_CHECK_EQ(IMAP_TEXT_FIELDS, s->text);
	ATF_CHECK_EQ(2, s->nparts);
	ATF_CHECK_EQ(1, s->part[0]);
	ATF_CHECK_EQ(2, s->part[1]);
	ATF_CHECK_EQ(3, s->first);
	ATF_CHECK_EQ(10, s->count);
	ATF_CHECK_EQ(2, s->nfields);
	ATF_CHECK_STREQ("FROM", s->field[0].p);
	ATF_CHECK_STREQ("TO", s->field[1].p);
	ATF_CHECK_EQ(IMAP_SECTION_RFC822, s[1].kind);
	ATF_CHECK_EQ(IMAP_TEXT_TEXT, s[1].text);
	ATF_CHECK(!s[1].peek);
	ATF_CHECK_EQ(IMAP_TEXT_ALL, s[2].text);
	ATF_CHECK(!s[2].peek && !s[2].partial);
	imap_cmd_free(cmd);
}

ATF_TC_WITHOUT_HEAD(section_limits);
ATF_TC_BODY(section_limits, tc)
{
	struct imap_cmd *cmd;
	char text[4096];
	int i, n;

	for (n = IMAP_SECTIONS_MAX; n <= IMAP_SECTIONS_MAX + 1; n++) {
		(void)strlcpy(text, "a FETCH 1 (UID", sizeof(text));
		for (i = 0; i < n; i++)
			(void)strlcat(text, " BODY[1]", sizeof(text));
		(void)strlcat(text, ")", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_SECTIONS_MAX, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
	for (n = IMAP_PARTS_MAX; n <= IMAP_PARTS_MAX + 1; n++) {
		(void)strlcpy(text, "a FETCH 1 BODY[1", sizeof(text));
		for (i = 1; i < n; i++)
			(void)strlcat(text, ".1", sizeof(text));
		(void)strlcat(text, "]", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_PARTS_MAX, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
	for (n = IMAP_FIELDS_MAX; n <= IMAP_FIELDS_MAX + 1; n++) {
		(void)strlcpy(
		    text, "a FETCH 1 BODY[HEADER.FIELDS (x", sizeof(text));
		for (i = 1; i < n; i++)
			(void)strlcat(text, " x", sizeof(text));
		(void)strlcat(text, ")]", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_FIELDS_MAX, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
}

ATF_TC_WITHOUT_HEAD(flags);
ATF_TC_BODY(flags, tc)
{
	struct imap_cmd *cmd;
	char text[2048];
	int i, n;

	cmd = good("a STORE 2 -FLAGS.SILENT (\\seen \\DELETED kw KW $x)");
	ATF_CHECK_EQ(IMAP_STORE_REMOVE, cmd->store_op);
	ATF_CHECK(cmd->silent);
	ATF_CHECK_EQ(IMAP_FLAG_SEEN | IMAP_FLAG_DELETED, cmd->flags);
	ATF_REQUIRE_EQ(2, cmd->nkeywords);
	ATF_CHECK_STREQ("kw", cmd->keywords[0].p);
	ATF_CHECK_STREQ("$x", cmd->keywords[1].p);
	imap_cmd_free(cmd);
	for (n = IMAP_FLAGS_MAX; n <= IMAP_FLAGS_MAX + 1; n++) {
		(void)strlcpy(text, "a STORE 1 FLAGS (k0", sizeof(text));
		for (i = 1; i < n; i++)
			(void)snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), " k%d", i);
		(void)strlcat(text, ")", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_FLAGS_MAX, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
	for (n = IMAP_KEYWORD_MAX; n <= IMAP_KEYWORD_MAX + 1; n++) {
		(void)snprintf(
		    text, sizeof(text), "a STORE 1 FLAGS %0*d", n, 0);
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_KEYWORD_MAX, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
}

ATF_TC_WITHOUT_HEAD(append);
ATF_TC_BODY(append, tc)
{
	struct imap_cmd *cmd;

	cmd = good("a APPEND inbox (\\Draft) \"17-Jul-1996 02:44:25 -0700\" "
		   "{123+}");
	ATF_CHECK_STREQ("INBOX", cmd->name.p);
	ATF_CHECK_EQ(IMAP_STEP_BEGIN, cmd->steps->kind);
	ATF_CHECK_EQ(IMAP_FLAG_DRAFT, cmd->steps->flags);
	ATF_CHECK(cmd->steps->has_date);
	ATF_CHECK_EQ(837596665, cmd->steps->date);
	ATF_CHECK_EQ(-420, cmd->steps->zone);
	ATF_CHECK_EQ(123, cmd->size);
	ATF_CHECK(cmd->literal && !cmd->sync);
	imap_cmd_free(cmd);
	/* Flags are those of their message. */
	cmd = good("a APPEND x (\\Seen a) CATENATE (URL u) CATENATE (URL v "
		   "TEXT {5}");
	ATF_CHECK_EQ(1, cmd->steps->nkeywords);
	ATF_CHECK(cmd->steps->catenate);
	ATF_CHECK_STREQ("u", cmd->steps->next->url.p);
	ATF_CHECK_EQ(IMAP_STEP_END, cmd->steps->next->next->kind);
	ATF_CHECK_EQ(0, cmd->steps->next->next->next->flags);
	ATF_CHECK_EQ(0, cmd->steps->next->next->next->nkeywords);
	ATF_CHECK(cmd->part);
	imap_cmd_free(cmd);
}

/* What a URL names, in words; base NULL: no mailbox is selected. */
static const char *
url(const char *text, const char *base)
{
	static char out[256];
	struct imap_str s = {text, strlen(text)};
	struct imap_str b = {base, base == NULL ? 0 : strlen(base)};
	struct imap_cmd *cmd = imap_cmd_new();
	const struct imap_section *sec;
	struct imap_url u;
	int n;

	if (imap_url_parse(cmd, &s, base == NULL ? NULL : &b, &u) == -1) {
		imap_cmd_free(cmd);
		return "bad";
	}
	sec = &u.section;
	n = snprintf(
	    out, sizeof(out), "%s %u %u", u.name.p, u.uidvalidity, u.uid);
	for (size_t i = 0; i < sec->nparts; i++)
		n += snprintf(out + n, sizeof(out) - (size_t)n, "%c%u",
		    i == 0 ? ' ' : '.', sec->part[i]);
	if (sec->text != IMAP_TEXT_ALL)
		n += snprintf(
		    out + n, sizeof(out) - (size_t)n, " t%d", sec->text);
	for (size_t i = 0; i < sec->nfields; i++)
		n += snprintf(
		    out + n, sizeof(out) - (size_t)n, " %s", sec->field[i].p);
	if (sec->partial)
		(void)snprintf(out + n, sizeof(out) - (size_t)n, " <%llu.%llu>",
		    (unsigned long long)sec->first,
		    (unsigned long long)sec->count);
	imap_cmd_free(cmd);
	return out;
}

ATF_TC_WITHOUT_HEAD(urls);
ATF_TC_BODY(urls, tc)
{
	static const char *const bad[] = {"", "/", "//", "//h/INBOX/;UID=1",
	    "imap://u@h/INBOX/;UID=1", "IMAP:/INBOX/;UID=1", "/INBOX",
	    "/INBOX/", "/INBOX/;UID=0", "/INBOX/;UID=", "/INBOX/;UID=01",
	    "/INBOX/;UID=4294967296", "/INBOX/;UID=1/", "/INBOX/;UID=1;x",
	    "/INBOX/;UID=1/;FOO=1", "/INBOX;UID=1", "/;UID=1", ";UID=1",
	    "/INBOX;UIDVALIDITY=0/;UID=1", "/INBOX;UIDVALIDITY=x/;UID=1",
	    "/INBOX;UIDVALIDITY=1", "/INBOX/;UID=1?x", "/INBOX/;UID=1#x",
	    "/IN BOX/;UID=1",
	    "/INBOX/;UID=1/;SECTION=", "/INBOX/;UID=1/;SECTION=0",
	    "/INBOX/;UID=1/;SECTION=1.", "/INBOX/;UID=1/;SECTION=MIME",
	    "/INBOX/;UID=1/;SECTION=TEXT%5D", "/INBOX/;UID=1/;SECTION=TEXT]",
	    "/INBOX/;UID=1/;SECTION=1%5D%3C0.5%3E",
	    "/INBOX/;UID=1/;SECTION=HEADER.FIELDS",
	    "/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20()",
	    "/INBOX/;UID=1/;SECTION=TEXT;PARTIAL=1",
	    "/INBOX/;UID=1/;PARTIAL=", "/INBOX/;UID=1/;PARTIAL=1.0",
	    "/INBOX/;UID=1/;PARTIAL=1.", "/INBOX/;UID=1/;PARTIAL=a",
	    "/INBOX/;UID=1/;PARTIAL=1/;SECTION=TEXT",
	    "/INBOX/;UID=1/;URLAUTH=anonymous", "/%/;UID=1", "/%4/;UID=1",
	    "/%00/;UID=1", "/%FF/;UID=1", "/\xc3\xbc/;UID=1", "/%0A/;UID=1",
	    "/../;UID=1", "/./;UID=1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_STREQ_MSG("bad", url(bad[i], NULL), "%s", bad[i]);
	ATF_CHECK_STREQ("INBOX 0 1", url("/inbox/;UID=1", NULL));
	ATF_CHECK_STREQ("INBOX 0 1", url("INBOX/;uid=1", NULL));
	ATF_CHECK_STREQ("a/b 7 20 2.1 t5",
	    url("/a/b;UIDVALIDITY=7/;UID=20/;section=2.1.mime", NULL));
	ATF_CHECK_STREQ("a 0 2 t2 X/Y DATE <10.5>",
	    url("/a/;UID=2/;SECTION=HEADER.FIELDS%20(x/y%20Date)/;PARTIAL="
		"10.5",
		NULL));
	ATF_CHECK_STREQ(
	    "a 0 2 <3.9223372036854775807>", url("/a/;UID=2/;PARTIAL=3", NULL));
	ATF_CHECK_STREQ("Entw\xc3\xbcrfe;[x] 0 9",
	    url("/Entw%c3%BCrfe%3b%5Bx%5D/;UID=9", NULL));
	/* In normal form C, as other commands have it. */
	ATF_CHECK_STREQ("\xc3\xbc 0 9", url("/u%CC%88/;UID=9", NULL));
	ATF_CHECK_STREQ("a:b 0 1", url("/a:b/;UID=1", NULL));
	ATF_CHECK_STREQ("bad", url("a:b/;UID=1", NULL));
	/* RFC 4469 section 3: the selected mailbox is where they begin. */
	ATF_CHECK_STREQ("a/c 0 1", url("c/;UID=1", "a/b"));
	ATF_CHECK_STREQ("c 0 1", url("c/;UID=1", "b"));
	ATF_CHECK_STREQ("c 0 1", url("../c/;UID=1", "a/b"));
	ATF_CHECK_STREQ("c 0 1", url("../../../c/;UID=1", "a/b"));
	ATF_CHECK_STREQ("a/d 0 1", url("./c/../d/;UID=1", "a/b"));
	ATF_CHECK_STREQ("c 0 1", url("/c/;UID=1", "a/b"));
	ATF_CHECK_STREQ("a/b 0 3 t4", url(";UID=3/;SECTION=TEXT", "a/b"));
	ATF_CHECK_STREQ("a/b 5 3", url(";UIDVALIDITY=5/;UID=3", "a/b"));
	ATF_CHECK_STREQ("bad", url("/;UID=3", "a/b"));
	ATF_CHECK_STREQ("bad", url(";SECTION=TEXT", "a/b"));
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	struct imap_cmd *cmd;

	cmd = good("a SELECT Entw&APw-rfe");
	ATF_CHECK_STREQ("Entw\xc3\xbcrfe", cmd->name.p);
	ATF_CHECK(!cmd->badname);
	imap_cmd_free(cmd);
	cmd = good("a SELECT &AGE-");
	ATF_CHECK(cmd->badname);
	imap_cmd_free(cmd);
	cmd = good("a SELECT InBoX/Sub");
	ATF_CHECK_STREQ("INBOX/Sub", cmd->name.p);
	imap_cmd_free(cmd);
	cmd = good("a CREATE x (USE (\\Sent \\Junk))");
	ATF_CHECK_EQ(IMAP_USE_SENT | IMAP_USE_JUNK, cmd->use);
	imap_cmd_free(cmd);
}

/* A program in prefix order, one word per key. */
static const char *
program(const char *line)
{
	static const char *const ops[] = {"and", "or", "not", "all", "flag",
	    "keyword", "recent", "seq", "uid", "before", "on", "since",
	    "sentbefore", "senton", "sentsince", "larger", "smaller", "header",
	    "body", "text"};
	static char text[1024];
	struct imap_cmd *cmd;
	size_t i;

	cmd = good(line);
	text[0] = '\0';
	for (i = 0; i < cmd->nkeys; i++) {
		(void)strlcat(text, i == 0 ? "" : " ", sizeof(text));
		(void)strlcat(text, ops[cmd->keys[i].op], sizeof(text));
		if (cmd->keys[i].op == IMAP_KEY_AND)
			(void)snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), "%u", cmd->keys[i].n);
	}
	imap_cmd_free(cmd);
	return text;
}

ATF_TC_WITHOUT_HEAD(search);
ATF_TC_BODY(search, tc)
{
	struct imap_cmd *cmd;

	ATF_CHECK_STREQ("and1 all", program("a SEARCH ALL"));
	ATF_CHECK_STREQ(
	    "and2 flag not flag", program("a SEARCH SEEN UNFLAGGED"));
	ATF_CHECK_STREQ("and2 or header and2 seq larger body",
	    program("a SEARCH OR FROM x (1:3 LARGER 5) BODY y"));
	ATF_CHECK_STREQ("and2 or or flag flag not not and1 all text",
	    program("a SEARCH OR OR SEEN DRAFT NOT NOT (ALL) TEXT x"));
	cmd = good("a SEARCH HEADER X-Foo bar SENTON 2-Jan-1970");
	ATF_CHECK_STREQ("x-foo", cmd->keys[1].field.p);
	ATF_CHECK_STREQ("bar", cmd->keys[1].text.p);
	ATF_CHECK_EQ(1, cmd->keys[2].date);
	imap_cmd_free(cmd);
	cmd = good("a SEARCH CHARSET utf-7 TEXT {3+}\r\nabc");
	ATF_CHECK(cmd->badcharset);
	imap_cmd_free(cmd);
}

ATF_TC_WITHOUT_HEAD(search_limits);
ATF_TC_BODY(search_limits, tc)
{
	struct imap_cmd *cmd;
	char text[8192];
	int i, n;

	/* The whole is one level itself. */
	for (n = IMAP_NEST_MAX - 1; n <= IMAP_NEST_MAX; n++) {
		(void)strlcpy(text, "a SEARCH ", sizeof(text));
		for (i = 0; i < n; i++)
			(void)strlcat(text, "NOT ", sizeof(text));
		(void)strlcat(text, "ALL", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_NEST_MAX - 1, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
	for (n = IMAP_KEYS_MAX - 1; n <= IMAP_KEYS_MAX; n++) {
		(void)strlcpy(text, "a SEARCH", sizeof(text));
		for (i = 0; i < n; i++)
			(void)strlcat(text, " ALL", sizeof(text));
		cmd = feed_command(text, strlen(text));
		ATF_CHECK_EQ(n > IMAP_KEYS_MAX - 1, cmd->verb == IMAP_BAD);
		imap_cmd_free(cmd);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sets);
	ATF_TP_ADD_TC(tp, set_limit);
	ATF_TP_ADD_TC(tp, sections);
	ATF_TP_ADD_TC(tp, section_limits);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, append);
	ATF_TP_ADD_TC(tp, urls);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, search);
	ATF_TP_ADD_TC(tp, search_limits);
	return atf_no_error();
}
