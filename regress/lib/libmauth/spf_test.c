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
 * SPF: what RFC 7208 says about each mechanism, macro and limit, as facts in a
 * small world of names.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone.h"

#define ROUNDS_MAX 300 /* questions of one check, more than there can be */

struct fact {
	const char *record; /* of e.test, mail of x@e.test */
	const char *client;
	enum mauth_result result;
};

static const struct zone world[] = {
    /* RFC 7208 appendix A. */
    {MAUTH_A, "example.com", "192.0.2.10"},
    {MAUTH_A, "example.com", "192.0.2.11"},
    {MAUTH_MX, "example.com", "mail-a.example.com"},
    {MAUTH_MX, "example.com", "mail-b.example.com"},
    {MAUTH_A, "amy.example.com", "192.0.2.65"},
    {MAUTH_A, "bob.example.com", "192.0.2.66"},
    {MAUTH_A, "mail-a.example.com", "192.0.2.129"},
    {MAUTH_A, "mail-b.example.com", "192.0.2.130"},
    {MAUTH_A, "www.example.com", "192.0.2.10"},
    {MAUTH_MX, "example.org", "mail-c.example.org"},
    {MAUTH_A, "mail-c.example.org", "192.0.2.140"},
    {MAUTH_PTR, "192.0.2.10", "example.com"},
    {MAUTH_PTR, "192.0.2.11", "example.com"},
    {MAUTH_PTR, "192.0.2.65", "amy.example.com"},
    {MAUTH_PTR, "192.0.2.66", "bob.example.com"},
    {MAUTH_PTR, "192.0.2.129", "mail-a.example.com"},
    {MAUTH_PTR, "10.0.0.4", "bob.example.com"},
    {MAUTH_A, "mary.mobile-users._spf.example.com", "127.0.0.2"},
    {MAUTH_A, "15.15.168.192.joel.remote-users._spf.example.com", "127.0.0.2"},

    {MAUTH_A, "e.test", "192.0.2.1"},
    {MAUTH_AAAA, "e.test", "2001:db8::1"},
    {MAUTH_MX, "e.test", "mx.e.test"},
    {MAUTH_A, "mx.e.test", "192.0.2.2"},
    {MAUTH_AAAA, "mx.e.test", "2001:db8::2"},
    {MAUTH_PTR, "2001:db8::1", "e.test"},
    {MAUTH_TXT, "pass.test", "v=spf1 ip4:192.0.2.0/24 -all"},
    {MAUTH_TXT, "fail.test", "v=spf1 -all"},
    {MAUTH_TXT, "soft.test", "v=spf1 ~all"},
    {MAUTH_TXT, "neutral.test", "v=spf1 ?all"},
    {MAUTH_TXT, "two.test", "v=spf1 +all"},
    {MAUTH_TXT, "two.test", "v=spf1 -all"},
    {MAUTH_TXT, "broken.test", "v=spf1 ip4:1.2.3 all"},
    {MAUTH_TXT, "other.test", "v=spf10 +all"},
    {MAUTH_TXT, "other.test", "google-site-verification=x"},
    {MAUTH_TXT, "upper.test", "V=SPF1 ALL"},
    {MAUTH_TXT, "text.test", "verified"},
    {MAUTH_TXT, "text.test", "v=spf1 a:e.test -all"},
    {MAUTH_TXT, "trouble.test", NULL},
    {MAUTH_A, "trouble.test", NULL},
    {MAUTH_MX, "trouble.test", NULL},
    {MAUTH_MX, "mxtrouble.test", "trouble.test"},
    {MAUTH_TXT, "self.test", "v=spf1 include:self.test -all"},
    {MAUTH_TXT, "circle.test", "v=spf1 redirect=circle.test"},
    {MAUTH_TXT, "nested.test", "v=spf1 include:pass.test ?all"},
    {MAUTH_TXT, "to.test", "v=spf1 redirect=pass.test"},
    {MAUTH_TXT, "d.test", "v=spf1 exists:%{d}.check.test -all"},
    {MAUTH_A, "d.test.check.test", "127.0.0.2"},
    {MAUTH_MX, "ten.test", "h1.test"},
    {MAUTH_MX, "ten.test", "h2.test"},
    {MAUTH_MX, "ten.test", "h3.test"},
    {MAUTH_MX, "ten.test", "h4.test"},
    {MAUTH_MX, "ten.test", "h5.test"},
    {MAUTH_MX, "ten.test", "h6.test"},
    {MAUTH_MX, "ten.test", "h7.test"},
    {MAUTH_MX, "ten.test", "h8.test"},
    {MAUTH_MX, "ten.test", "h9.test"},
    {MAUTH_MX, "ten.test", "e.test"},
    {MAUTH_A, "h1.test", "10.0.0.1"},
    {MAUTH_A, "h2.test", "10.0.0.1"},
    {MAUTH_A, "h3.test", "10.0.0.1"},
    {MAUTH_A, "h4.test", "10.0.0.1"},
    {MAUTH_A, "h5.test", "10.0.0.1"},
    {MAUTH_A, "h6.test", "10.0.0.1"},
    {MAUTH_A, "h7.test", "10.0.0.1"},
    {MAUTH_A, "h8.test", "10.0.0.1"},
    {MAUTH_A, "h9.test", "10.0.0.1"},
    {MAUTH_MX, "eleven.test", "h1.test"},
    {MAUTH_MX, "eleven.test", "h2.test"},
    {MAUTH_MX, "eleven.test", "h3.test"},
    {MAUTH_MX, "eleven.test", "h4.test"},
    {MAUTH_MX, "eleven.test", "h5.test"},
    {MAUTH_MX, "eleven.test", "h6.test"},
    {MAUTH_MX, "eleven.test", "h7.test"},
    {MAUTH_MX, "eleven.test", "h8.test"},
    {MAUTH_MX, "eleven.test", "h9.test"},
    {MAUTH_MX, "eleven.test", "mx.e.test"},
    {MAUTH_MX, "eleven.test", "e.test"},
    {MAUTH_A, "1.2.0.192.in-addr.x.e.test.m.test", "127.0.0.2"},
};
#define N_WORLD (sizeof(world) / sizeof(world[0]))

static struct spf_client
client_of(const char *address)
{
	struct spf_client c;

	memset(&c, 0, sizeof(c));
	c.version = strchr(address, ':') != NULL ? 6 : 4;
	ATF_REQUIRE_EQ(1,
	    inet_pton(c.version == 4 ? AF_INET : AF_INET6, address, c.address));
	c.helo = "mx.e.test";
	c.local = "x";
	c.domain = "e.test";
	return c;
}

static enum mauth_result
check(const struct spf_client *client, const char *record)
{
	struct zone zone[N_WORLD + 1];
	struct mauth_answer a;
	enum mauth_result result;
	struct spf *s;
	size_t n;

	memcpy(zone, world, sizeof(world));
	n = N_WORLD;
	if (record != NULL) {
		zone[n].type = MAUTH_TXT;
		zone[n].name = client->domain;
		zone[n++].text = record;
	}
	s = spf_new(client);
	ATF_REQUIRE(s != NULL);
	for (unsigned int i = 0; spf_question(s) != NULL; i++) {
		ATF_REQUIRE_MSG(i < ROUNDS_MAX, "%s", record);
		zone_ask(zone, n, spf_question(s), &a);
		spf_answer(s, &a);
	}
	result = spf_result(s);
	spf_free(s);
	return result;
}

static void
facts(const struct fact *f, size_t n)
{
	struct spf_client c;
	enum mauth_result got;

	for (; n > 0; n--, f++) {
		c = client_of(f->client);
		got = check(&c, f->record);
		ATF_CHECK_MSG(got == f->result, "%s of %s: %s, not %s",
		    f->record, f->client, mauth_result_name(got),
		    mauth_result_name(f->result));
	}
}
#define FACTS(a) facts(a, sizeof(a) / sizeof(a[0]))

#define V4 "192.0.2.1"
#define MX4 "192.0.2.2"
#define FAR "203.0.113.9"
#define V6 "2001:db8::1"

ATF_TC(mechanisms);
ATF_TC_HEAD(mechanisms, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 5");
}
ATF_TC_BODY(mechanisms, tc)
{
	static const struct fact all[] = {
	    {"v=spf1 +all", FAR, MAUTH_PASS},
	    {"v=spf1 -all", V4, MAUTH_FAIL},
	    {"v=spf1 ~all", V4, MAUTH_SOFTFAIL},
	    {"v=spf1 ?all", V4, MAUTH_NEUTRAL},
	    {"v=spf1", V4, MAUTH_NEUTRAL},
	    {"v=spf1 ", V4, MAUTH_NEUTRAL},
	    {"V=SPF1   ALL  ", V4, MAUTH_PASS},
	    {"v=spf1 a -all", V4, MAUTH_PASS},
	    {"v=spf1 a -all", V6, MAUTH_PASS},
	    {"v=spf1 a -all", FAR, MAUTH_FAIL},
	    {"v=spf1 a/24 -all", "192.0.2.200", MAUTH_PASS},
	    {"v=spf1 a/24 -all", "192.0.3.1", MAUTH_FAIL},
	    {"v=spf1 a/0 -all", FAR, MAUTH_PASS},
	    {"v=spf1 a//64 -all", "2001:db8::77", MAUTH_PASS},
	    {"v=spf1 a/24//64 -all", "192.0.2.7", MAUTH_PASS},
	    {"v=spf1 a/24//64 -all", "2001:db8:0:1::1", MAUTH_FAIL},
	    {"v=spf1 a:mx.e.test -all", MX4, MAUTH_PASS},
	    {"v=spf1 a:mx.e.test. -all", MX4, MAUTH_PASS},
	    {"v=spf1 a:nothing.test -all", MX4, MAUTH_FAIL},
	    {"v=spf1 mx -all", MX4, MAUTH_PASS},
	    {"v=spf1 mx -all", V4, MAUTH_FAIL},
	    {"v=spf1 mx -all", "2001:db8::2", MAUTH_PASS},
	    {"v=spf1 mx/31 -all", "192.0.2.3", MAUTH_PASS},
	    {"v=spf1 mx:ten.test -all", V4, MAUTH_PASS},
	    {"v=spf1 mx:eleven.test -all", V4, MAUTH_PERMERROR},
	    {"v=spf1 ip4:192.0.2.1 -all", V4, MAUTH_PASS},
	    {"v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.127", MAUTH_PASS},
	    {"v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.128", MAUTH_FAIL},
	    {"v=spf1 ip4:0.0.0.0/0 -all", V6, MAUTH_FAIL},
	    {"v=spf1 ip6:2001:db8::/32 -all", V6, MAUTH_PASS},
	    {"v=spf1 ip6:2001:db9::/32 -all", V6, MAUTH_FAIL},
	    {"v=spf1 ip6:::/0 -all", V4, MAUTH_FAIL},
	    {"v=spf1 exists:mx.e.test -all", FAR, MAUTH_PASS},
	    {"v=spf1 exists:mx.e.test -all", V6, MAUTH_PASS},
	    {"v=spf1 exists:no.e.test -all", FAR, MAUTH_FAIL},
	    {"v=spf1 ptr:example.com -all", "192.0.2.65", MAUTH_PASS},
	    {"v=spf1 ptr:bob.example.com -all", "192.0.2.65", MAUTH_FAIL},
	    {"v=spf1 ptr:example.com -all", "10.0.0.4", MAUTH_FAIL},
	    {"v=spf1 ptr:ample.com -all", "192.0.2.65", MAUTH_FAIL},
	    {"v=spf1 ptr -all", V6, MAUTH_PASS},
	    {"v=spf1 ptr -all", FAR, MAUTH_FAIL},
	};

	FACTS(all);
}

ATF_TC(include);
ATF_TC_HEAD(include, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 5.2, 6.1");
}
ATF_TC_BODY(include, tc)
{
	static const struct fact all[] = {
	    {"v=spf1 include:pass.test -all", V4, MAUTH_PASS},
	    {"v=spf1 ?include:pass.test -all", V4, MAUTH_NEUTRAL},
	    {"v=spf1 -include:pass.test +all", V4, MAUTH_FAIL},
	    {"v=spf1 include:pass.test ~all", FAR, MAUTH_SOFTFAIL},
	    {"v=spf1 include:fail.test +all", V4, MAUTH_PASS},
	    {"v=spf1 include:soft.test ?all", V4, MAUTH_NEUTRAL},
	    {"v=spf1 include:neutral.test -all", V4, MAUTH_FAIL},
	    {"v=spf1 include:nested.test -all", V4, MAUTH_PASS},
	    {"v=spf1 include:nested.test -all", FAR, MAUTH_FAIL},
	    {"v=spf1 include:to.test -all", V4, MAUTH_PASS},
	    {"v=spf1 include:to.test ?all", FAR, MAUTH_NEUTRAL},
	    {"v=spf1 include:nothing.test +all", V4, MAUTH_PERMERROR},
	    {"v=spf1 include:other.test +all", V4, MAUTH_PERMERROR},
	    {"v=spf1 include:broken.test +all", V4, MAUTH_PERMERROR},
	    {"v=spf1 include:two.test +all", V4, MAUTH_PERMERROR},
	    {"v=spf1 include:trouble.test +all", V4, MAUTH_TEMPERROR},
	    {"v=spf1 a:trouble.test +all", V4, MAUTH_TEMPERROR},
	    {"v=spf1 mx:trouble.test +all", V4, MAUTH_TEMPERROR},
	    {"v=spf1 mx:mxtrouble.test +all", V4, MAUTH_TEMPERROR},
	    {"v=spf1 exists:trouble.test +all", V4, MAUTH_TEMPERROR},
	    {"v=spf1 redirect=pass.test", V4, MAUTH_PASS},
	    {"v=spf1 redirect=pass.test", FAR, MAUTH_FAIL},
	    {"v=spf1 redirect=fail.test ip4:192.0.2.1", V4, MAUTH_PASS},
	    {"v=spf1 redirect=fail.test ?all", V4, MAUTH_NEUTRAL},
	    {"v=spf1 redirect=to.test", V4, MAUTH_PASS},
	    {"v=spf1 redirect=nothing.test", V4, MAUTH_PERMERROR},
	    {"v=spf1 redirect=trouble.test", V4, MAUTH_TEMPERROR},
	    /* %{d} is that of the record, %{o} is the sender's. */
	    {"v=spf1 include:d.test -all", V4, MAUTH_PASS},
	};

	FACTS(all);
}

ATF_TC(syntax);
ATF_TC_HEAD(syntax, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 4.6: a mistake anywhere");
}
ATF_TC_BODY(syntax, tc)
{
	static const char *const wrong[] = {"all:e.test", "all/8", "include",
	    "include:", "include:e.test/24", "a:", "a:/24", "a/33", "a//129",
	    "a/024", "a:e.test/99", "a:com", "a:e.123", "a:e.test:8080",
	    "a:-e.-test", "a:e.test-", "mx:", "mx/", "ptr:", "ptr/24", "ip4",
	    "ip4:", "ip4:192.0.2", "ip4:192.0.2.1/33", "ip4:1.2.3.4/",
	    "ip4:192.0.2.1//32", "ip4:01.2.3.4.5", "ip6:", "ip6:e.test",
	    "ip6:2001:db8::/129", "ip6:2001:db8::1/-1", "exists",
	    "exists:%{x}.test", "exists:%{i", "exists:%{i0}.test",
	    "exists:%{i}%.test", "exists:%{}.test", "exists:%(i).test",
	    "nothing", "nothing:e.test", "-", "=x", "+redirect=e.test",
	    "redirect=", "redirect=com", "redirect=a.test redirect=b.test",
	    "exp=", "exp=a.test exp=a.test", "moo=%{i", "\xc3\xa4.test",
	    "a:e.t\x01st"};
	static const char *const right[] = {"exp=why.%{d}", "moo=", "moo=a/b:c",
	    "a.b-c_d=e", "ip4:192.0.2.1/0", "a:%{d}", "a:%{d2r-.+}.test",
	    "exists:%%.%_.%-.test", "a:e.test/0//0", "exists:%{L}.test",
	    "a:e.t-1", "ip6:::1"};
	struct spf_client c;
	char record[512];

	c = client_of(FAR);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		/* Behind what matches it is seen, too. */
		(void)snprintf(
		    record, sizeof(record), "v=spf1 +all %s", wrong[i]);
		ATF_CHECK_MSG(
		    check(&c, record) == MAUTH_PERMERROR, "%s", record);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		(void)snprintf(
		    record, sizeof(record), "v=spf1 +all %s", right[i]);
		ATF_CHECK_MSG(check(&c, record) == MAUTH_PASS, "%s", record);
	}
}

ATF_TC(records);
ATF_TC_HEAD(records, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 4.3 to 4.5: which record");
}
ATF_TC_BODY(records, tc)
{
	static const struct {
		const char *domain;
		enum mauth_result result;
	} all[] = {
	    {"pass.test", MAUTH_PASS},
	    {"PASS.Test", MAUTH_PASS},
	    {"nothing.test", MAUTH_NONE},
	    {"other.test", MAUTH_NONE},
	    {"text.test", MAUTH_PASS},
	    {"upper.test", MAUTH_PASS},
	    {"two.test", MAUTH_PERMERROR},
	    {"trouble.test", MAUTH_TEMPERROR},
	    {"test", MAUTH_NONE},
	    {"[192.0.2.1]", MAUTH_NONE},
	    {"a..test", MAUTH_NONE},
	    {"\xc3\xa4.test", MAUTH_NONE},
	    {"a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "aaaaaa.test",
		MAUTH_NONE},
	};
	struct spf_client c;

	c = client_of(V4);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		c.domain = all[i].domain;
		ATF_CHECK_MSG(
		    check(&c, NULL) == all[i].result, "%s", all[i].domain);
	}
	/* The null sender: HELO's domain, and postmaster there. */
	c.local = c.domain = "";
	c.helo = "pass.test";
	ATF_CHECK_EQ(MAUTH_PASS, check(&c, NULL));
	c.helo = "fail.test";
	ATF_CHECK_EQ(MAUTH_FAIL, check(&c, NULL));
	c.helo = "[192.0.2.1]";
	ATF_CHECK_EQ(MAUTH_NONE, check(&c, NULL));
}

ATF_TC(appendix);
ATF_TC_HEAD(appendix, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 A.1, A.4");
}
ATF_TC_BODY(appendix, tc)
{
	static const struct fact all[] = {
	    {"v=spf1 a -all", "192.0.2.10", MAUTH_PASS},
	    {"v=spf1 a -all", "192.0.2.11", MAUTH_PASS},
	    {"v=spf1 a:example.org -all", "192.0.2.10", MAUTH_FAIL},
	    {"v=spf1 mx -all", "192.0.2.129", MAUTH_PASS},
	    {"v=spf1 mx:example.org -all", "192.0.2.140", MAUTH_PASS},
	    {"v=spf1 mx mx:example.org -all", "192.0.2.130", MAUTH_PASS},
	    {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", MAUTH_PASS},
	    {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", MAUTH_PASS},
	    {"v=spf1 ptr -all", "192.0.2.65", MAUTH_PASS},
	    {"v=spf1 ptr -all", "192.0.2.140", MAUTH_FAIL},
	    {"v=spf1 ptr -all", "10.0.0.4", MAUTH_FAIL},
	    {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", MAUTH_FAIL},
	    {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", MAUTH_PASS},
	};
	static const struct fact remote = {
	    "v=spf1 mx exists:%{l}.mobile-users._spf.%{d} "
	    "exists:%{ir}.%{l1r+-}.remote-users._spf.%{d} -all",
	    "192.168.15.15", MAUTH_PASS};
	struct spf_client c;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		c = client_of(all[i].client);
		c.domain = "example.com";
		ATF_CHECK_MSG(check(&c, all[i].record) == all[i].result,
		    "%s of %s", all[i].record, all[i].client);
	}
	c = client_of(remote.client);
	c.domain = "example.com";
	c.local = "mary";
	ATF_CHECK_EQ(MAUTH_PASS, check(&c, remote.record));
	c.local = "joel+work";
	ATF_CHECK_EQ(MAUTH_PASS, check(&c, remote.record));
	c.local = "work+joel";
	ATF_CHECK_EQ(MAUTH_FAIL, check(&c, remote.record));
	c.local = "joel";
	ATF_CHECK_EQ(MAUTH_PASS, check(&c, remote.record));
	c.local = "bob";
	ATF_CHECK_EQ(MAUTH_FAIL, check(&c, remote.record));
}

/* What a macro asks for: the name of the question that it leads to. */
static void
expands(const struct spf_client *c, const char *spec, const char *want)
{
	struct mauth_answer a;
	struct mauth_record r;
	char record[1024];
	struct spf *s;
	size_t names;

	(void)snprintf(record, sizeof(record), "v=spf1 exists:%s -all", spec);
	s = spf_new(c);
	ATF_REQUIRE(s != NULL && spf_question(s) != NULL);
	r.data = record;
	r.len = strlen(record);
	a.status = MAUTH_FOUND;
	a.records = &r;
	a.n = 1;
	spf_answer(s, &a);
	/* Who the client is comes first, where %{p} is to be known. */
	if (spf_question(s) != NULL && spf_question(s)->type == MAUTH_PTR) {
		zone_ask(world, N_WORLD, spf_question(s), &a);
		names = a.n;
		spf_answer(s, &a);
		for (; names > 0; names--) {
			zone_ask(world, N_WORLD, spf_question(s), &a);
			spf_answer(s, &a);
		}
	}
	if (want == NULL)
		ATF_CHECK_MSG(spf_question(s) == NULL, "%s", spec);
	else if (spf_question(s) == NULL)
		ATF_CHECK_MSG(false, "%s: nothing", spec);
	else
		ATF_CHECK_STREQ(want, spf_question(s)->name);
	spf_free(s);
}

ATF_TC(macros);
ATF_TC_HEAD(macros, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7208 7.4, and more");
}
ATF_TC_BODY(macros, tc)
{
	struct spf_client c;

	c = client_of("192.0.2.3");
	c.local = "strong-bad";
	c.domain = "email.example.com";
	expands(&c, "%{o}", "email.example.com");
	expands(&c, "%{d}", "email.example.com");
	expands(&c, "%{d4}", "email.example.com");
	expands(&c, "%{d3}", "email.example.com");
	expands(&c, "%{d2}", "example.com");
	expands(&c, "%{d1}", "com");
	expands(&c, "%{dr}", "com.example.email");
	expands(&c, "%{d2r}", "example.email");
	expands(&c, "%{l}.x", "strong-bad.x");
	expands(&c, "%{l-}.x", "strong.bad.x");
	expands(&c, "%{lr}.x", "strong-bad.x");
	expands(&c, "%{lr-}.x", "bad.strong.x");
	expands(&c, "%{l1r-}.x", "strong.x");
	expands(
	    &c, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com");
	expands(&c, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com");
	expands(&c, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
	    "bad.strong.lp.3.2.0.192.in-addr._spf.example.com");
	expands(&c, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
	    "3.2.0.192.in-addr.strong.lp._spf.example.com");
	expands(&c, "%{d2}.trusted-domains.example.net",
	    "example.com.trusted-domains.example.net");
	expands(&c, "%{h}", "mx.e.test");
	expands(&c, "%{p}.x", "unknown.x");
	/* "@" and "%" are in no name. */
	expands(&c, "%{s}", NULL);
	expands(&c, "%{s@}.x", NULL);
	expands(&c, "a%_b.x", NULL);
	c = client_of("2001:db8::cb01");
	c.domain = "email.example.com";
	expands(&c, "%{ir}.%{v}._spf.%{d2}",
	    "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	    ".ip6._spf.example.com");
	c = client_of("192.0.2.65");
	c.domain = "example.com";
	expands(&c, "%{p}.x", "amy.example.com.x");
	/* Too long a name loses labels on its left. */
	c.domain = "a.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
		   "cccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
		   "dddddddddddddddddddddddddddddddddddddddddddddddddddddddd."
		   "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
	expands(&c, "f.%{d}.ffffffffffffffffffffffff.test",
	    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
	    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddd."
	    "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee."
	    "ffffffffffffffffffffffff.test");
}

ATF_TC(limits);
ATF_TC_HEAD(limits, tc)
{
	atf_tc_set_md_var(
	    tc, "descr", "RFC 7208 4.6.4: at each limit, past it");
}
ATF_TC_BODY(limits, tc)
{
	static const struct fact all[] = {
	    /* A record that includes itself. */
	    {"v=spf1 include:self.test -all", V4, MAUTH_PERMERROR},
	    {"v=spf1 redirect=circle.test", V4, MAUTH_PERMERROR},
	    /* Two that are void, and three. */
	    {"v=spf1 a:n1.test a:n2.test +all", V4, MAUTH_PASS},
	    {"v=spf1 a:n1.test exists:n2.test mx:n3.test +all", V4,
		MAUTH_PERMERROR},
	    /* Names that cannot be are not asked for. */
	    {"v=spf1 a:n1.test a:n2.test a:%{s}.test +all", V4, MAUTH_PASS},
	};
	char record[8192];
	struct spf_client c;

	FACTS(all);
	c = client_of(V4);
	for (int n = SPF_LOOKUPS_MAX; n <= SPF_LOOKUPS_MAX + 1; n++) {
		(void)strlcpy(record, "v=spf1", sizeof(record));
		for (int i = 0; i < n; i++)
			(void)strlcat(record, " a:mx.e.test", sizeof(record));
		(void)strlcat(record, " +all", sizeof(record));
		ATF_CHECK_EQ(
		    n == SPF_LOOKUPS_MAX ? MAUTH_PASS : MAUTH_PERMERROR,
		    check(&c, record));
	}
	/* What asks nobody is not counted; a long record is no harm. */
	(void)strlcpy(record, "v=spf1", sizeof(record));
	for (int i = 0; i < 500; i++)
		(void)strlcat(record, " ip4:10.0.0.1", sizeof(record));
	(void)zone_asked();
	ATF_CHECK_EQ(MAUTH_NEUTRAL, check(&c, record));
	ATF_CHECK_EQ(1, zone_asked());
	/* A name of 4096 octets and more is none. */
	(void)strlcpy(record, "v=spf1 exists:", sizeof(record));
	for (int i = 0; i < 900; i++)
		(void)strlcat(record, "%{d}.", sizeof(record));
	(void)strlcat(record, "test -all", sizeof(record));
	ATF_CHECK_EQ(MAUTH_FAIL, check(&c, record));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, mechanisms);
	ATF_TP_ADD_TC(tp, include);
	ATF_TP_ADD_TC(tp, syntax);
	ATF_TP_ADD_TC(tp, records);
	ATF_TP_ADD_TC(tp, appendix);
	ATF_TP_ADD_TC(tp, macros);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
