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
 * DMARC: records, which of them is about a domain, and what belongs together.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "zone.h"

#define ROUNDS_MAX 64 /* questions about one message: more than there are */

static const struct zone world[] = {
    {MAUTH_TXT, "_dmarc.example.com", "v=DMARC1; p=reject; sp=quarantine"},
    {MAUTH_TXT, "_dmarc.own.example.com", "v=DMARC1;p=none"},
    {MAUTH_TXT, "_dmarc.strict.test",
	"v=DMARC1; p=reject; adkim=s; aspf=s; pct=20"},
    {MAUTH_TXT, "_dmarc.test", "v=DMARC1; p=reject; psd=y"},
    {MAUTH_TXT, "_dmarc.cut.example.org", "v=DMARC1; p=none; psd=n"},
    {MAUTH_TXT, "_dmarc.example.org", "v=DMARC1; p=quarantine"},
    {MAUTH_TXT, "_dmarc.two.example", "v=DMARC1; p=reject"},
    {MAUTH_TXT, "_dmarc.two.example", "v=DMARC1; p=none"},
    {MAUTH_TXT, "_dmarc.one.example", "v=spf1 -all"},
    {MAUTH_TXT, "_dmarc.one.example", "v=DMARC1; p=reject"},
    {MAUTH_TXT, "_dmarc.trouble.example", NULL},
    {MAUTH_TXT, "_dmarc.above.trouble.example", "v=DMARC1; p=reject"},
};
#define N_WORLD (sizeof(world) / sizeof(world[0]))

static void
ask(struct dmarc *d)
{
	struct mauth_answer a;

	for (unsigned int i = 0; dmarc_question(d) != NULL; i++) {
		ATF_REQUIRE(i < ROUNDS_MAX);
		zone_ask(world, N_WORLD, dmarc_question(d), &a);
		dmarc_answer(d, &a);
	}
}

static struct dmarc_verdict
judge(const char *from, const char *spf, const char *dkim, bool early)
{
	struct dmarc_verdict v;
	struct dmarc *d;

	d = dmarc_new(from);
	ATF_REQUIRE(d != NULL);
	if (!early)
		ask(d);
	if (spf != NULL)
		dmarc_proved(d, DMARC_BY_SPF, spf);
	if (dkim != NULL)
		dmarc_proved(d, DMARC_BY_DKIM, dkim);
	ask(d);
	dmarc_verdict(d, &v);
	dmarc_free(d);
	return v;
}

ATF_TC(records);
ATF_TC_HEAD(records, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 7489 6.3, 6.6.3");
}
ATF_TC_BODY(records, tc)
{
	static const struct {
		const char *text;
		bool is;
		enum dmarc_policy p, sp;
		uint8_t pct;
	} all[] = {
	    {"v=DMARC1; p=reject", true, DMARC_P_REJECT, DMARC_P_REJECT, 100},
	    {"v=DMARC1;p=none;", true, DMARC_P_NONE, DMARC_P_NONE, 100},
	    {" v = DMARC1 ; P = Quarantine ; pct = 50 ", true,
		DMARC_P_QUARANTINE, DMARC_P_QUARANTINE, 50},
	    {"v=DMARC1; p=none; sp=reject", true, DMARC_P_NONE, DMARC_P_REJECT,
		100},
	    {"v=DMARC1; sp=reject; p=none; pct=0", true, DMARC_P_NONE,
		DMARC_P_REJECT, 0},
	    {"v=DMARC1; p=reject; pct=101", true, DMARC_P_REJECT,
		DMARC_P_REJECT, 100},
	    {"v=DMARC1; p=reject; pct=-1; x; =; y=z", true, DMARC_P_REJECT,
		DMARC_P_REJECT, 100},
	    {"v=DMARC1; p=reject; t=y", true, DMARC_P_REJECT, DMARC_P_REJECT,
		0},
	    {"v=DMARC1; p=rejekt; rua=mailto:a@b", true, DMARC_P_NONE,
		DMARC_P_NONE, 100},
	    {"v=DMARC1; rua=mailto:a@b", true, DMARC_P_NONE, DMARC_P_NONE, 100},
	    {"v=DMARC1; p=reject; sp=x", true, DMARC_P_REJECT, DMARC_P_REJECT,
		100},
	    {"v=DMARC1; p=rejekt", false, 0, 0, 0},
	    {"v=DMARC1", false, 0, 0, 0},
	    {"v=DMARC2; p=reject", false, 0, 0, 0},
	    {"v=dmarc1; p=reject", false, 0, 0, 0},
	    {"p=reject; v=DMARC1", false, 0, 0, 0},
	    {"v=spf1 -all", false, 0, 0, 0},
	    {"", false, 0, 0, 0},
	    {";", false, 0, 0, 0},
	    {"v=", false, 0, 0, 0},
	};
	struct dmarc_record r;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ATF_CHECK_MSG(dmarc_parse(all[i].text, strlen(all[i].text),
				  &r) == all[i].is,
		    "%s", all[i].text);
		if (all[i].is)
			ATF_CHECK_MSG(r.p == all[i].p && r.sp == all[i].sp &&
				r.pct == all[i].pct,
			    "%s: %d %d %u", all[i].text, r.p, r.sp, r.pct);
	}
	ATF_CHECK(dmarc_parse("v=DMARC1;p=none;adkim=s;aspf=R", 30, &r));
	ATF_CHECK(r.strict_dkim && !r.strict_spf);
}

ATF_TC(policy);
ATF_TC_HEAD(policy, tc)
{
	atf_tc_set_md_var(tc, "descr", "whose record it is: own, above, none");
}
ATF_TC_BODY(policy, tc)
{
	static const struct {
		const char *from;
		enum mauth_result result;
		enum dmarc_policy policy;
		const char *domain;
	} all[] = {
	    {"example.com", MAUTH_FAIL, DMARC_P_REJECT, "example.com"},
	    {"EXAMPLE.Com", MAUTH_FAIL, DMARC_P_REJECT, "example.com"},
	    {"a.b.example.com", MAUTH_FAIL, DMARC_P_QUARANTINE, "example.com"},
	    {"own.example.com", MAUTH_FAIL, DMARC_P_NONE, "own.example.com"},
	    {"x.own.example.com", MAUTH_FAIL, DMARC_P_QUARANTINE,
		"example.com"},
	    {"nothing.example", MAUTH_NONE, DMARC_NO_POLICY, ""},
	    {"two.example", MAUTH_NONE, DMARC_NO_POLICY, ""},
	    {"one.example", MAUTH_FAIL, DMARC_P_REJECT, "one.example"},
	    {"trouble.example", MAUTH_TEMPERROR, DMARC_NO_POLICY, ""},
	    {"above.trouble.example", MAUTH_TEMPERROR, DMARC_P_REJECT,
		"above.trouble.example"},
	    /* A public suffix that says so speaks for those below it. */
	    {"quiet.test", MAUTH_FAIL, DMARC_P_REJECT, "quiet.test"},
	    {"[192.0.2.1]", MAUTH_NONE, DMARC_NO_POLICY, ""},
	    {"", MAUTH_NONE, DMARC_NO_POLICY, ""},
	};
	struct dmarc_verdict v;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		v = judge(all[i].from, NULL, NULL, false);
		ATF_CHECK_MSG(v.result == all[i].result &&
			v.policy == all[i].policy &&
			strcmp(v.domain, all[i].domain) == 0,
		    "%s: %s, %s by %s", all[i].from,
		    mauth_result_name(v.result), dmarc_policy_name(v.policy),
		    v.domain);
	}
}

ATF_TC(alignment);
ATF_TC_HEAD(alignment, tc)
{
	atf_tc_set_md_var(
	    tc, "descr", "what proves a From, relaxed and strict");
}
ATF_TC_BODY(alignment, tc)
{
	static const struct {
		const char *from, *spf, *dkim;
		bool by_spf, by_dkim;
	} all[] = {
	    {"example.com", "example.com", NULL, true, false},
	    {"example.com", NULL, "EXAMPLE.com", false, true},
	    {"example.com", "bounce.example.com", "example.com", true, true},
	    {"a.example.com", "example.com", NULL, true, false},
	    {"a.example.com", NULL, "b.example.com", false, true},
	    {"a.example.com", NULL, "x.y.z.b.example.com", false, true},
	    {"own.example.com", "example.com", NULL, true, false},
	    {"example.com", "example.net", "com", false, false},
	    {"example.com", "badexample.com", "example.com.evil.test", false,
		false},
	    {"strict.test", "strict.test", "mail.strict.test", true, false},
	    {"strict.test", "mail.strict.test", "strict.test", false, true},
	    {"a.example.org", "cut.example.org", "b.cut.example.org", false,
		false},
	    {"a.example.org", "b.example.org", NULL, true, false},
	    {"b.cut.example.org", "c.cut.example.org", "example.org", true,
		false},
	    /* Neighbours below a public suffix are strangers. */
	    {"quiet.test", "loud.test", "test", false, false},
	    {"a.quiet.test", "quiet.test", NULL, true, false},
	    /* Without a record nothing is asked for. */
	    {"nothing.example", "nothing.example", NULL, false, false},
	};
	struct dmarc_verdict v;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (int early = 0; early < 2; early++) {
			v = judge(
			    all[i].from, all[i].spf, all[i].dkim, early == 1);
			ATF_CHECK_MSG(
			    v.spf == all[i].by_spf && v.dkim == all[i].by_dkim,
			    "%s: %d %d", all[i].from, v.spf, v.dkim);
			ATF_CHECK_MSG(
			    (v.result == MAUTH_PASS) == (v.spf || v.dkim), "%s",
			    all[i].from);
		}
	}
}

ATF_TC(limits);
ATF_TC_HEAD(limits, tc)
{
	atf_tc_set_md_var(tc, "descr", "long names, many proofs");
}
ATF_TC_BODY(limits, tc)
{
	char name[MAUTH_NAME_MAX + 50];
	struct dmarc_verdict v;
	struct dmarc *d;

	/* A name of 100 labels costs no more questions than one of 8. */
	name[0] = '\0';
	for (int i = 0; i < 100; i++)
		(void)strlcat(name, "a.", sizeof(name));
	(void)strlcat(name, "example.com", sizeof(name));
	(void)zone_asked();
	v = judge(name, name, NULL, false);
	ATF_CHECK_EQ(DMARC_LABELS_MAX, zone_asked());
	ATF_CHECK_EQ(MAUTH_PASS, v.result);
	ATF_CHECK_EQ(DMARC_P_QUARANTINE, v.policy);
	/* The last that counts, and one past it. */
	for (int n = DMARC_IDS_MAX; n <= DMARC_IDS_MAX + 1; n++) {
		d = dmarc_new("example.com");
		ATF_REQUIRE(d != NULL);
		ask(d);
		for (int i = 1; i < n; i++)
			dmarc_proved(d, DMARC_BY_DKIM, "evil.test");
		dmarc_proved(d, DMARC_BY_DKIM, "example.com");
		ask(d);
		dmarc_verdict(d, &v);
		ATF_CHECK_EQ(n == DMARC_IDS_MAX, v.dkim);
		dmarc_free(d);
	}
	/* One that leaves no room for a question. */
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 50; i < sizeof(name) - 1; i += 51)
		name[i] = '.';
	v = judge(name, name, name, false);
	ATF_CHECK_EQ(MAUTH_NONE, v.result);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, records);
	ATF_TP_ADD_TC(tp, policy);
	ATF_TP_ADD_TC(tp, alignment);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
