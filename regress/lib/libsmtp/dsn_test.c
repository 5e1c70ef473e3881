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
 * Parameters of RFC 3461, and names for DNS.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "smtp.h"

static enum smtp_result
mail(const char *params, struct smtp_mail *m)
{
	char line[SMTP_COMMAND_MAX];

	(void)strlcpy(line, "FROM:<a@b> ", sizeof(line));
	(void)strlcat(line, params, sizeof(line));
	return smtp_mail_parse(line, strlen(line), m);
}

static enum smtp_result
rcpt(const char *params, bool utf8, struct smtp_rcpt *r)
{
	char line[SMTP_COMMAND_MAX];

	(void)strlcpy(line, "TO:<a@b> ", sizeof(line));
	(void)strlcat(line, params, sizeof(line));
	return smtp_rcpt_parse(line, strlen(line), utf8, r);
}

ATF_TC_WITHOUT_HEAD(ret_envid);
ATF_TC_BODY(ret_envid, tc)
{
	char long_envid[SMTP_ENVID_MAX + 16] = "ENVID=";
	struct smtp_mail m;

	ATF_CHECK_EQ(SMTP_OK, mail("SIZE=3", &m));
	ATF_CHECK_EQ(SMTP_RET_NONE, m.ret);
	ATF_CHECK_STREQ("", m.envid);
	ATF_CHECK_EQ(SMTP_OK, mail("RET=full ENVID=QQ+2B314", &m));
	ATF_CHECK_EQ(SMTP_RET_FULL, m.ret);
	ATF_CHECK_STREQ("QQ+2B314", m.envid);
	ATF_CHECK_EQ(SMTP_OK, mail("RET=HDRS", &m));
	ATF_CHECK_EQ(SMTP_RET_HDRS, m.ret);
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("RET=BODY", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("RET", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("RET=FULL RET=FULL", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("ENVID=a+2", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("ENVID=a+2b", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("ENVID=\303\244", &m));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail("ENVID=a ENVID=a", &m));
	while (strlen(long_envid) < 6 + SMTP_ENVID_MAX)
		(void)strlcat(long_envid, "x", sizeof(long_envid));
	ATF_CHECK_EQ(SMTP_OK, mail(long_envid, &m));
	(void)strlcat(long_envid, "x", sizeof(long_envid));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, mail(long_envid, &m));
}

ATF_TC_WITHOUT_HEAD(notify);
ATF_TC_BODY(notify, tc)
{
	static const char *const bad[] = {"NOTIFY", "NOTIFY=MAYBE",
	    "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,NEVER", "NOTIFY=SUCCESS,",
	    "NOTIFY=,SUCCESS", "NOTIFY=DELAY,DELAY",
	    "NOTIFY=NEVER NOTIFY=NEVER"};
	struct smtp_rcpt r;

	ATF_CHECK_EQ(SMTP_OK, rcpt("", false, &r));
	ATF_CHECK_EQ(0, r.notify);
	ATF_CHECK_EQ(SMTP_OK, rcpt("NOTIFY=NEVER", false, &r));
	ATF_CHECK_EQ(SMTP_NOTIFY_NEVER, r.notify);
	ATF_CHECK_EQ(SMTP_OK, rcpt("notify=delay,Failure", false, &r));
	ATF_CHECK_EQ(SMTP_NOTIFY_DELAY | SMTP_NOTIFY_FAILURE, r.notify);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(
		    SMTP_BAD_PARAM, rcpt(bad[i], false, &r), "%s", bad[i]);
}

ATF_TC_WITHOUT_HEAD(orcpt);
ATF_TC_BODY(orcpt, tc)
{
	char line[SMTP_ORCPT_MAX + 64] = "ORCPT=rfc822;";
	struct smtp_rcpt r;

	ATF_CHECK_EQ(SMTP_OK, rcpt("ORCPT=rfc822;Bob+2Bx@a.b", false, &r));
	ATF_CHECK_STREQ("rfc822;Bob+2Bx@a.b", r.orcpt);
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt("ORCPT=rfc822", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt("ORCPT=rfc822;", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt("ORCPT=;a@b", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt("ORCPT=r_c;a@b", false, &r));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt("ORCPT=utf-8;\303\244@b", false, &r));
	ATF_CHECK_EQ(SMTP_OK, rcpt("ORCPT=utf-8;\303\244@b", true, &r));
	while (strlen(line) < 6 + SMTP_ORCPT_MAX)
		(void)strlcat(line, "x", sizeof(line));
	ATF_CHECK_EQ(SMTP_OK, rcpt(line, false, &r));
	(void)strlcat(line, "x", sizeof(line));
	ATF_CHECK_EQ(SMTP_BAD_PARAM, rcpt(line, false, &r));
}

/* Made by Python's codec "punycode". */
ATF_TC_WITHOUT_HEAD(domains);
ATF_TC_BODY(domains, tc)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
	    {"b\303\274cher.example", "xn--bcher-kva.example"},
	    {"M\303\274NCHEN.de", "xn--mnchen-3ya.de"},
	    {"example.org", "example.org"},
	    {"\344\276\213\343\201\210.jp", "xn--r8jz45g.jp"},
	    {"\320\277\321\200\320\270\320\274\320\265\321\200."
	     "\321\200\321\204",
		"xn--e1afmkfd.xn--p1ai"},
	    {"a.\303\244\303\266\303\274-x.b", "a.xn---x-uia6e4a.b"},
	    {"\342\230\203.net", "xn--n3h.net"},
	    {"\331\205\330\253\330\247\331\204", "xn--mgbh0fb"},
	    {"[192.0.2.1]", "[192.0.2.1]"},
	    {"MX.Example.ORG", "mx.example.org"},
	};
	char buf[SMTP_DOMAIN_MAX + 1], label[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ATF_CHECK_EQ_MSG(0,
		    smtp_domain_ascii(cases[i].in, buf, sizeof(buf)), "%s",
		    cases[i].in);
		ATF_CHECK_STREQ(cases[i].out, buf);
		/* Too small by one octet, and by more. */
		for (size_t n = 1; n <= strlen(cases[i].out); n++)
			ATF_CHECK_EQ(
			    -1, smtp_domain_ascii(cases[i].in, buf, n));
	}
	memset(label, 0, sizeof(label));
	for (size_t i = 0; i < 63; i++)
		label[i] = 'a';
	ATF_CHECK_EQ(0, smtp_domain_ascii(label, buf, sizeof(buf)));
	label[63] = 'a';
	ATF_CHECK_EQ(-1, smtp_domain_ascii(label, buf, sizeof(buf)));
	/* 60 letters and an umlaut: more than 63 octets with "xn--". */
	(void)strlcpy(label + 60, "\303\274", sizeof(label) - 60);
	ATF_CHECK_EQ(-1, smtp_domain_ascii(label, buf, sizeof(buf)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, ret_envid);
	ATF_TP_ADD_TC(tp, notify);
	ATF_TP_ADD_TC(tp, orcpt);
	ATF_TP_ADD_TC(tp, domains);
	return atf_no_error();
}
