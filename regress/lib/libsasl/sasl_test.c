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
 * SASL messages: what RFC 5802 allows, and every way to cut or spoil it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "sasl.h"

#define FIRST "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
#define CBIND "c=biws,r="
#define PROOF ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const uint8_t nonce[SCRAM_NONCE_LEN] = {1, 2, 3};
static const uint8_t salt[SCRAM_SALT_LEN] = {9};
static struct scram s;

/* In memory of its own length, so that a reader past the end is noticed. */
static enum sasl_result
first(const char *text, size_t len)
{
	enum sasl_result got;
	uint8_t *copy;

	copy = malloc(len == 0 ? 1 : len);
	ATF_REQUIRE(copy != NULL);
	memcpy(copy, text, len);
	memset(&s, 0, sizeof(s));
	got = scram_first(&s, copy, len, nonce);
	free(copy);
	return got;
}

static enum sasl_result
final(const char *text, size_t len)
{
	enum sasl_result got;
	uint8_t *copy;

	copy = malloc(len == 0 ? 1 : len);
	ATF_REQUIRE(copy != NULL);
	memcpy(copy, text, len);
	got = scram_final(&s, copy, len);
	free(copy);
	return got;
}

#define FIRST_OF(text) first(text, strlen(text))

ATF_TC_WITHOUT_HEAD(base64);
ATF_TC_BODY(base64, tc)
{
	static const char *const bad[] = {
	    "A", "AA", "AAA", "A===", "AA=A", "AAA*", "====", "AA==AA=="};
	uint8_t data[64], back[64];
	char text[89];

	for (size_t n = 0; n <= sizeof(data); n++) {
		for (size_t i = 0; i < n; i++)
			data[i] = (uint8_t)(i * 37 + n);
		base64_encode(data, n, text);
		ATF_CHECK_EQ((n + 2) / 3 * 4, strlen(text));
		ATF_CHECK_EQ((ssize_t)n,
		    base64_decode((const uint8_t *)text, strlen(text), back));
		ATF_CHECK_EQ(0, memcmp(data, back, n));
	}
	base64_encode("foobar", 5, text);
	ATF_CHECK_STREQ("Zm9vYmE=", text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1,
		    base64_decode(
			(const uint8_t *)bad[i], strlen(bad[i]), back),
		    "%s", bad[i]);
}

ATF_TC_WITHOUT_HEAD(first_message);
ATF_TC_BODY(first_message, tc)
{
	char longest[SCRAM_TEXT_MAX + 2];

	ATF_REQUIRE_EQ(SASL_OK, FIRST_OF(FIRST));
	ATF_CHECK_STREQ("user", s.name);
	ATF_CHECK_STREQ("n=user,r=fyko+d2lbbFgONRv9qkxdawL", s.bare);
	ATF_CHECK_STREQ("biws", s.cbind);
	ATF_CHECK_EQ(0, strncmp(s.nonce, "fyko+d2lbbFgONRv9qkxdawL", 24));
	ATF_CHECK_EQ(24 + 24, strlen(s.nonce));
	ATF_REQUIRE_EQ(SASL_OK, FIRST_OF("y,,n=a=2Cb=3Dc,r=x,ext=1"));
	ATF_CHECK_STREQ("a,b=c", s.name);
	ATF_CHECK_STREQ("eSws", s.cbind);
	ATF_CHECK_EQ(SASL_OK, FIRST_OF("n,a=user,n=user,r=x"));
	ATF_CHECK_EQ(SASL_OTHER_USER, FIRST_OF("n,a=root,n=user,r=x"));
	ATF_CHECK_EQ(SASL_UNSUPPORTED, FIRST_OF("p=tls-exporter,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_UNSUPPORTED, FIRST_OF("n,,m=x,n=user,r=x"));
	/* Cut anywhere before the nonce, it is none. */
	for (size_t i = 0; i < strlen("n,,n=user,r=f"); i++)
		ATF_CHECK_EQ_MSG(
		    SASL_MALFORMED, first(FIRST, i), "%zu octets", i);
	ATF_CHECK_EQ(SASL_MALFORMED, FIRST_OF("n,,n=us=er,r=x"));
	ATF_CHECK_EQ(SASL_MALFORMED, FIRST_OF("n,,n=user=2,r=x"));
	ATF_CHECK_EQ(SASL_MALFORMED, FIRST_OF("n,,n=,r=x"));
	ATF_CHECK_EQ(SASL_MALFORMED, FIRST_OF("n,,n=user,r=a b"));
	ATF_CHECK_EQ(SASL_MALFORMED, first("n,,n=u\0r,r=x", 13));
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "n,,n=u,r=", 9);
	ATF_CHECK_EQ(SASL_OK, first(longest, SCRAM_TEXT_MAX));
	scram_challenge(&s, salt, 4294967295U);
	ATF_CHECK(strstr(s.server, ",i=4294967295") != NULL);
	ATF_CHECK_EQ(SASL_MALFORMED, first(longest, SCRAM_TEXT_MAX + 1));
	memset(longest + 5, 'x', 400);
	ATF_CHECK_EQ(SASL_MALFORMED, first(longest, SCRAM_TEXT_MAX));
}

/* RFC 5802 section 6, RFC 9266 section 2 */
static enum sasl_result
bound(enum scram_binding binding, const char *text)
{
	memset(&s, 0, sizeof(s));
	s.binding = binding;
	memset(s.channel, 0xff, sizeof(s.channel));
	return scram_first(&s, (const uint8_t *)text, strlen(text), nonce);
}

ATF_TC_WITHOUT_HEAD(binding);
ATF_TC_BODY(binding, tc)
{
	static const char exporter[] = "p=tls-exporter,,n=user,r=x";
	uint8_t want[64], got[128];

	ATF_CHECK_EQ(SASL_UNSUPPORTED, bound(SCRAM_UNBOUND, exporter));
	ATF_CHECK_EQ(SASL_UNSUPPORTED, bound(SCRAM_OFFERED, exporter));
	ATF_CHECK_EQ(SASL_OK, bound(SCRAM_UNBOUND, "y,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_UNSUPPORTED, bound(SCRAM_OFFERED, "y,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_OK, bound(SCRAM_OFFERED, "n,,n=user,r=x"));
	ATF_CHECK_STREQ("biws", s.cbind);
	ATF_CHECK_EQ(SASL_MALFORMED, bound(SCRAM_EXPORTER, "n,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_MALFORMED, bound(SCRAM_EXPORTER, "y,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_UNSUPPORTED,
	    bound(SCRAM_EXPORTER, "p=tls-unique,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_UNSUPPORTED,
	    bound(SCRAM_EXPORTER, "p=tls-exporter2,,n=user,r=x"));
	ATF_CHECK_EQ(SASL_OTHER_USER,
	    bound(SCRAM_EXPORTER, "p=tls-exporter,a=root,n=user,r=x"));
	ATF_REQUIRE_EQ(SASL_OK, bound(SCRAM_EXPORTER, exporter));
	memcpy(want, exporter, 16);
	memset(want + 16, 0xff, 32);
	ATF_REQUIRE_EQ(
	    48, base64_decode((const uint8_t *)s.cbind, strlen(s.cbind), got));
	ATF_CHECK_EQ(0, memcmp(want, got, 48));
}

ATF_TC_WITHOUT_HEAD(final_message);
ATF_TC_BODY(final_message, tc)
{
	static char text[2048], want[8192];
	size_t len;

	ATF_REQUIRE_EQ(SASL_OK, FIRST_OF(FIRST));
	scram_challenge(&s, salt, 4096);
	ATF_CHECK_EQ(0, strncmp(s.server, "r=fyko+d2lbbFgONRv9qkxdawL", 26));
	ATF_CHECK(
	    strstr(s.server, ",s=CQAAAAAAAAAAAAAAAAAAAA==,i=4096") != NULL);
	(void)snprintf(text, sizeof(text), CBIND "%s" PROOF, s.nonce);
	len = strlen(text);
	ATF_REQUIRE_EQ(SASL_OK, final(text, len));
	(void)snprintf(
	    want, sizeof(want), "%s,%s," CBIND "%s", s.bare, s.server, s.nonce);
	ATF_CHECK_STREQ(want, s.message);
	ATF_CHECK_EQ(0x74, s.proof[0]);
	ATF_CHECK_EQ(0x54, s.proof[SCRAM_KEY_LEN - 1]);
	for (size_t i = 0; i < len; i++) {
		ATF_CHECK_EQ_MSG(
		    SASL_MALFORMED, final(text, i), "%zu octets", i);
		if (i >= len - 44)
			continue; /* of the proof the opener judges */
		text[i] ^= 1;
		ATF_CHECK_EQ_MSG(
		    SASL_MALFORMED, final(text, len), "octet %zu", i);
		text[i] ^= 1;
	}
	/* An extension, which the message then has. */
	(void)snprintf(text, sizeof(text), CBIND "%s,ext=1" PROOF, s.nonce);
	ATF_REQUIRE_EQ(SASL_OK, final(text, strlen(text)));
	ATF_CHECK(strstr(s.message, ",ext=1") != NULL);
	(void)snprintf(text, sizeof(text), CBIND "%sx" PROOF, s.nonce);
	ATF_CHECK_EQ(SASL_MALFORMED, final(text, strlen(text)));
}

/* RFC 4616; memory of its own length, as above. */
static enum sasl_result
plain(const char *text, size_t len)
{
	const uint8_t *secret;
	enum sasl_result got;
	const char *name;
	size_t n, k;
	uint8_t *copy;

	copy = malloc(len == 0 ? 1 : len);
	ATF_REQUIRE(copy != NULL);
	memcpy(copy, text, len);
	got = sasl_plain(copy, len, &name, &n, &secret, &k);
	if (got == SASL_OK) {
		ATF_CHECK(n == 3 && memcmp(name, "tim", 3) == 0);
		ATF_CHECK(k == 2 && memcmp(secret, "pw", 2) == 0);
	}
	free(copy);
	return got;
}
#define PLAIN(text) plain(text, sizeof(text) - 1)

ATF_TC_WITHOUT_HEAD(plain_responses);
ATF_TC_BODY(plain_responses, tc)
{
	static const char whole[] = "tim\0tim\0pw";

	ATF_CHECK_EQ(SASL_OK, PLAIN("\0tim\0pw"));
	ATF_CHECK_EQ(SASL_OK, PLAIN("tim\0tim\0pw"));
	ATF_CHECK_EQ(SASL_OTHER_USER, PLAIN("tom\0tim\0pw"));
	ATF_CHECK_EQ(SASL_OTHER_USER, PLAIN("ti\0tim\0pw"));
	ATF_CHECK_EQ(SASL_MALFORMED, PLAIN("\0\0pw"));
	ATF_CHECK_EQ(SASL_MALFORMED, PLAIN("\0tim\0"));
	ATF_CHECK_EQ(SASL_MALFORMED, PLAIN("\0tim\0p\0w"));
	for (size_t i = 0; i < sizeof(whole) - 3; i++)
		ATF_CHECK_EQ(SASL_MALFORMED, plain(whole, i));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain_responses);
	ATF_TP_ADD_TC(tp, base64);
	ATF_TP_ADD_TC(tp, first_message);
	ATF_TP_ADD_TC(tp, binding);
	ATF_TP_ADD_TC(tp, final_message);
	return atf_no_error();
}
