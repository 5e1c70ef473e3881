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
 * The client of SCRAM-SHA-256: the exchange of RFC 7677, itself against our own
 * server's half, and what a server may not say.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "sasl_client.h"

#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define THEIRS NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define CHALLENGE "r=" THEIRS ",s=" SALT ",i=4096"
#define PROVED "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct scram_client c;
static char out[SCRAM_LINE_MAX];

static void
begin(enum scram_binding binding)
{
	memset(&c, 0, sizeof(c));
	c.binding = binding;
	memset(c.channel, 7, sizeof(c.channel));
	ATF_REQUIRE_EQ(
	    0, scram_client_first(&c, "user", NONCE, out, sizeof(out)));
}

static enum sasl_result
challenge(const char *text)
{
	return scram_client_challenge(
	    &c, (const uint8_t *)text, strlen(text), "pencil", 6);
}

static bool
sure(const char *text)
{
	return scram_client_sure(&c, (const uint8_t *)text, strlen(text));
}

ATF_TC_WITHOUT_HEAD(vector);
ATF_TC_BODY(vector, tc)
{
	begin(SCRAM_UNBOUND);
	ATF_CHECK_STREQ("n,,n=user,r=" NONCE, out);
	ATF_REQUIRE_EQ(SASL_OK, challenge(CHALLENGE));
	/* In pieces, the last one short. */
	for (int i = 0; i < 4; i++)
		ATF_CHECK(!scram_client_rounds(&c, 1000));
	ATF_CHECK(scram_client_rounds(&c, 1000));
	ATF_REQUIRE_EQ(0, scram_client_last(&c, out, sizeof(out)));
	ATF_CHECK_STREQ("c=biws,r=" THEIRS
			",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    out);
	ATF_CHECK(sure(PROVED));
	ATF_CHECK(sure(PROVED ",x=y"));
	ATF_CHECK(!sure("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
	ATF_CHECK(!sure("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4"));
	ATF_CHECK(!sure(PROVED "x"));
	ATF_CHECK(!sure("e=other-error"));
	ATF_CHECK(!sure(""));
}

ATF_TC_WITHOUT_HEAD(wrong);
ATF_TC_BODY(wrong, tc)
{
	static const struct {
		const char *text;
		enum sasl_result want;
	} cases[] = {
	    {"", SASL_MALFORMED},
	    {"r=", SASL_MALFORMED},
	    {"m=x," CHALLENGE, SASL_UNSUPPORTED},
	    {"x=y," CHALLENGE, SASL_MALFORMED},
	    /* Nothing is added to our nonce, or it is another's. */
	    {"r=" NONCE ",s=" SALT ",i=4096", SASL_MALFORMED},
	    {"r=x" THEIRS ",s=" SALT ",i=4096", SASL_MALFORMED},
	    {"r=" THEIRS, SASL_MALFORMED},
	    {"r=" THEIRS ",i=4096", SASL_MALFORMED},
	    {"r=" THEIRS ",s=,i=4096", SASL_MALFORMED},
	    {"r=" THEIRS ",s=W22Za,i=4096", SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT, SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT ",i=", SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT ",i=04096", SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT ",i=4096x", SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT ",i=-1", SASL_MALFORMED},
	    {"r=" THEIRS ",s=" SALT ",i=4095", SASL_UNSUPPORTED},
	    {"r=" THEIRS ",s=" SALT ",i=2000000", SASL_OK},
	    {"r=" THEIRS ",s=" SALT ",i=2000001", SASL_UNSUPPORTED},
	    {"r=" THEIRS ",s=" SALT ",i=99999999999999999999",
		SASL_UNSUPPORTED},
	    {CHALLENGE ",x=y", SASL_OK},
	};
	char text[SCRAM_TEXT_MAX + 2];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(SCRAM_UNBOUND);
		ATF_CHECK_MSG(challenge(cases[i].text) == cases[i].want, "%s",
		    cases[i].text);
	}
	begin(SCRAM_UNBOUND);
	memset(text, 'x', sizeof(text));
	ATF_CHECK_EQ(SASL_MALFORMED,
	    scram_client_challenge(
		&c, (const uint8_t *)text, sizeof(text), "p", 1));
	memcpy(text, "r=" NONCE, strlen("r=" NONCE));
	ATF_CHECK_EQ(SASL_MALFORMED,
	    scram_client_challenge(
		&c, (const uint8_t *)text, SCRAM_TEXT_MAX, "p", 1));
	ATF_CHECK_EQ(SASL_MALFORMED,
	    scram_client_challenge(
		&c, (const uint8_t *)CHALLENGE, sizeof(CHALLENGE), "p", 1));
}

/* Our own server reads what our client says, bound and not. */
ATF_TC_WITHOUT_HEAD(both);
ATF_TC_BODY(both, tc)
{
	static const enum scram_binding ways[][2] = {
	    {SCRAM_UNBOUND, SCRAM_UNBOUND},
	    {SCRAM_UNBOUND, SCRAM_OFFERED},
	    {SCRAM_OFFERED, SCRAM_UNBOUND},
	    {SCRAM_EXPORTER, SCRAM_EXPORTER},
	};
	static const uint8_t nonce[SCRAM_NONCE_LEN] = {1};
	static const uint8_t salt[SCRAM_SALT_LEN] = {2};
	static struct scram s;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		memset(&c, 0, sizeof(c));
		memset(&s, 0, sizeof(s));
		c.binding = ways[i][0];
		s.binding = ways[i][1];
		memset(c.channel, 5, sizeof(c.channel));
		memset(s.channel, 5, sizeof(s.channel));
		ATF_REQUIRE_EQ(0,
		    scram_client_first(
			&c, "a=b,c@d.test", NONCE, out, sizeof(out)));
		ATF_REQUIRE_EQ(SASL_OK,
		    scram_first(&s, (const uint8_t *)out, strlen(out), nonce));
		ATF_CHECK_STREQ("a=b,c@d.test", s.name);
		scram_challenge(&s, salt, 5000);
		ATF_REQUIRE_EQ(SASL_OK, challenge(s.server));
		ATF_REQUIRE(scram_client_rounds(&c, 5000));
		ATF_REQUIRE_EQ(0, scram_client_last(&c, out, sizeof(out)));
		ATF_CHECK_EQ(SASL_OK,
		    scram_final(&s, (const uint8_t *)out, strlen(out)));
	}
}

/* Names and nonces at their limits; nothing is left of a password. */
ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	char name[SASL_NAME_MAX * 3 + 1], nonce[sizeof(c.nonce) + 1];
	static const struct scram_client none;

	begin(SCRAM_UNBOUND);
	ATF_CHECK_EQ(-1, scram_client_first(&c, "", NONCE, out, sizeof(out)));
	ATF_CHECK_EQ(-1, scram_client_first(&c, "user", NONCE, out, 20));
	memset(name, ',', sizeof(name));
	name[SASL_NAME_MAX - 1] = '\0';
	ATF_CHECK_EQ(0, scram_client_first(&c, name, NONCE, out, sizeof(out)));
	name[SASL_NAME_MAX - 1] = ',';
	name[SASL_NAME_MAX] = '\0';
	ATF_CHECK_EQ(-1, scram_client_first(&c, name, NONCE, out, sizeof(out)));
	memset(nonce, 'x', sizeof(nonce));
	nonce[sizeof(c.nonce)] = '\0';
	ATF_CHECK_EQ(
	    -1, scram_client_first(&c, "user", nonce, out, sizeof(out)));
	begin(SCRAM_UNBOUND);
	ATF_REQUIRE_EQ(SASL_OK, challenge(CHALLENGE));
	scram_client_clear(&c);
	ATF_CHECK_EQ(0, memcmp(&c, &none, sizeof(c)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, vector);
	ATF_TP_ADD_TC(tp, wrong);
	ATF_TP_ADD_TC(tp, both);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
