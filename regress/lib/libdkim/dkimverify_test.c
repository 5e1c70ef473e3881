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
 * Verifying: the examples of RFC 8463, what dkimpy has signed, and what is
 * wrong with a signature, a key or a message.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_verify.h"
#include "samples.h"

#define NOW 1800000000

static const struct key {
	const char *name;
	const char *text; /* NULL: nobody knows */
} keys[] = {
    {"r._domainkey.d.test", "v=DKIM1; k=rsa; p=" RSA_KEY},
    {"e._domainkey.d.test", "v=DKIM1; k=ed25519; p=" ED_KEY},
    {"short._domainkey.d.test", "p=" SHORT_KEY},
    {"trouble._domainkey.d.test", NULL},
    {"brisbane._domainkey.football.example.com",
	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    {"test._domainkey.football.example.com",
	"v=DKIM1; k=rsa; "
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk"
	"08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR"
	"+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K"
	"4w3QIDAQAB"},
};

/* RFC 8463 A. */
static const char football[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

static void
give(struct dkim_verify *v, size_t i, const char *text)
{
	struct mauth_answer a;
	struct mauth_record r;

	memset(&a, 0, sizeof(a));
	a.status = text == NULL ? MAUTH_TROUBLE : MAUTH_FOUND;
	r.data = text;
	r.len = text == NULL ? 0 : strlen(text);
	a.records = &r;
	a.n = text == NULL ? 0 : 1;
	dkim_verify_key(v, i, &a);
}

static void
ask(struct dkim_verify *v, const char *key)
{
	static const struct mauth_answer nothing = {.status = MAUTH_NOTHING};
	char name[MAUTH_NAME_MAX];
	size_t k;

	for (size_t i = 0; i < dkim_verify_count(v); i++) {
		if (!dkim_verify_question(v, i, name))
			continue;
		if (key != NULL) {
			give(v, i, key);
			continue;
		}
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (strcmp(keys[k].name, name) == 0)
				break;
		if (k < sizeof(keys) / sizeof(keys[0]))
			give(v, i, keys[k].text);
		else
			dkim_verify_key(v, i, &nothing);
	}
}

/* key: this one in place of what the world has. */
static struct dkim_verify *
verify(const char *message, size_t len, const char *key, int64_t now)
{
	struct dkim_verify *v;
	const char *end;
	size_t head, off, n;

	end = memmem(message, len, "\r\n\r\n", 4);
	ATF_REQUIRE(end != NULL);
	head = (size_t)(end - message) + 2;
	v = dkim_verify_new(message, head, now);
	ATF_REQUIRE(v != NULL);
	/* Keys first, or last; the body in pieces. */
	if (len % 2 == 0)
		ask(v, key);
	for (off = head + 2; off < len; off += n) {
		n = len - off < 7 ? len - off : 7;
		dkim_verify_body(v, message + off, n);
	}
	ask(v, key);
	dkim_verify_end(v);
	return v;
}

static void
check(const char *message, const char *key, enum mauth_result want,
    const char *reason)
{
	const struct dkim_verified *r;
	struct dkim_verify *v;

	v = verify(message, strlen(message), key, NOW);
	ATF_REQUIRE_EQ(1, dkim_verify_count(v));
	r = dkim_verify_result(v, 0);
	ATF_CHECK_MSG(r->result == want &&
		(reason == NULL) == (r->reason == NULL) &&
		(reason == NULL || strcmp(reason, r->reason) == 0),
	    "%.300s\n%s (%s), not %s (%s)", message,
	    mauth_result_name(r->result), r->reason, mauth_result_name(want),
	    reason);
	dkim_verify_free(v);
}

/* The message with one text in place of another; to be freed. */
static char *
changed(const char *message, const char *from, const char *to)
{
	const char *at;
	char *copy;
	size_t size;

	at = strstr(message, from);
	ATF_REQUIRE_MSG(at != NULL, "%s", from);
	size = strlen(message) + strlen(to) + 1;
	copy = malloc(size);
	ATF_REQUIRE(copy != NULL);
	(void)snprintf(copy, size, "%.*s%s%s", (int)(at - message), message, to,
	    at + strlen(from));
	return copy;
}

/* A tag by another name, which nobody knows. */
static char *
without(const char *message, const char *tag)
{
	char from[8], to[8];

	(void)snprintf(from, sizeof(from), " %s", tag);
	(void)snprintf(to, sizeof(to), " z%s", tag);
	return changed(message, from, to);
}

static void
change(const char *message, const char *from, const char *to,
    enum mauth_result want, const char *reason)
{
	char *copy;

	copy = changed(message, from, to);
	check(copy, NULL, want, reason);
	free(copy);
}

ATF_TC(rfc8463);
ATF_TC_HEAD(rfc8463, tc)
{
	atf_tc_set_md_var(
	    tc, "descr", "RFC 8463 A: one message, two signatures");
}
ATF_TC_BODY(rfc8463, tc)
{
	const struct dkim_verified *r;
	struct dkim_verify *v;

	v = verify(football, sizeof(football) - 1, NULL, NOW);
	ATF_REQUIRE_EQ(2, dkim_verify_count(v));
	r = dkim_verify_result(v, 0);
	ATF_CHECK_EQ(MAUTH_PASS, r->result);
	ATF_CHECK_EQ(DKIM_ED25519_SHA256, r->algorithm);
	ATF_CHECK_STREQ("football.example.com", r->domain);
	ATF_CHECK_STREQ("brisbane", r->selector);
	ATF_CHECK_STREQ("/gCrinpc", r->start);
	r = dkim_verify_result(v, 1);
	ATF_CHECK_EQ(MAUTH_PASS, r->result);
	ATF_CHECK_EQ(DKIM_RSA_SHA256, r->algorithm);
	dkim_verify_free(v);
}

ATF_TC(dkimpy);
ATF_TC_HEAD(dkimpy, tc)
{
	atf_tc_set_md_var(tc, "descr", "each canonical form, by somebody else");
}
ATF_TC_BODY(dkimpy, tc)
{
	static const char *const good[] = {relaxed_relaxed, relaxed_simple,
	    simple_relaxed, simple_simple, ed_simple, ed_relaxed, empty_simple,
	    empty_relaxed, length};
	char *copy;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check(good[i], NULL, MAUTH_PASS, NULL);
		change(good[i], "joe@", "j0e@", MAUTH_FAIL, "bad signature");
		change(good[i], "Subject: folded", "Subject: unfolded",
		    MAUTH_FAIL, "bad signature");
	}
	/* What relaxed forgives and simple does not. */
	change(relaxed_relaxed, "From:  Joe", "FROM : Joe", MAUTH_PASS, NULL);
	change(relaxed_relaxed, "line two\t", "line two", MAUTH_PASS, NULL);
	change(relaxed_simple, "line two\t", "line two", MAUTH_FAIL,
	    "the body has changed");
	change(simple_relaxed, "From:  Joe", "From: Joe", MAUTH_FAIL,
	    "bad signature");
	change(simple_simple, ".dot\r\n", ".dot\r\n\r\n", MAUTH_PASS, NULL);
	change(simple_simple, ".dot", ".", MAUTH_FAIL, "the body has changed");
	/* A field that is not signed may change; one more From may not be. */
	change(simple_simple, "from x by y", "from z by y", MAUTH_PASS, NULL);
	check(old_sha1, NULL, MAUTH_POLICY, "rsa-sha1");
	check(short_key, NULL, MAUTH_FAIL, "the key is too short");
	/* Behind l= anybody may have written. */
	copy = changed(length, ".dot\r\n\r\n\r\n", ".dot\r\n\r\n\r\nBuy!\r\n");
	check(copy, NULL, MAUTH_POLICY, "a part of the body is not signed");
	free(copy);
	copy = changed(length, ".dot\r\n\r\n\r\n", "");
	check(copy, NULL, MAUTH_PERMERROR, "l= is more than there is");
	free(copy);
}

ATF_TC(keys);
ATF_TC_HEAD(keys, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 6376 3.6.1: what a key says");
}
ATF_TC_BODY(keys, tc)
{
	static const struct {
		const char *record;
		enum mauth_result result;
		const char *reason;
	} all[] = {
	    {"p=" RSA_KEY, MAUTH_PASS, NULL},
	    {"p=" RSA_KEY_PKCS1, MAUTH_PASS, NULL},
	    {" v = DKIM1 ; h = sha1 : sha256 ; s = email ; p = " RSA_KEY ";",
		MAUTH_PASS, NULL},
	    {"v=DKIM1; n=x; t=s; p=" RSA_KEY, MAUTH_PASS, NULL},
	    {"v=DKIM1; p=", MAUTH_FAIL, "the key is revoked"},
	    {"v=DKIM1; t=y; p=", MAUTH_NEUTRAL, "the key is revoked"},
	    {"v=DKIM1", MAUTH_PERMERROR, "bad key record"},
	    {"v=DKIM2; p=" RSA_KEY, MAUTH_PERMERROR, "bad key record"},
	    {"p=" RSA_KEY "; v=DKIM1", MAUTH_PERMERROR, "bad key record"},
	    {"p=!", MAUTH_PERMERROR, "bad key"},
	    {"p=AAAA", MAUTH_FAIL, "bad key"},
	    {"k=ed25519; p=" ED_KEY, MAUTH_PERMERROR, "a key of another kind"},
	    {"k=rsb; p=" RSA_KEY, MAUTH_PERMERROR, "a key of an unknown kind"},
	    {"h=sha1; p=" RSA_KEY, MAUTH_PERMERROR, "a key without SHA-256"},
	    {"s=web; p=" RSA_KEY, MAUTH_PERMERROR,
		"a key that is not for mail"},
	    {"", MAUTH_PERMERROR, "bad key record"},
	    {"v=spf1 -all", MAUTH_PERMERROR, "bad key record"},
	};
	char *copy;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(relaxed_relaxed, all[i].record, all[i].result,
		    all[i].reason);
	change(relaxed_relaxed, "s=r;", "s=none;", MAUTH_PERMERROR,
	    "there is no key");
	change(relaxed_relaxed, "s=r;", "s=trouble;", MAUTH_TEMPERROR,
	    "the key is not known");
	/* t=s: no i= below d=; the signature does not hold either way. */
	copy = changed(relaxed_relaxed, "i=@d.test", "i=@a.d.test");
	check(copy, "t=s; p=" RSA_KEY, MAUTH_PERMERROR, "i= is not d=");
	check(copy, "p=" RSA_KEY, MAUTH_FAIL, "bad signature");
	check(copy, "t=y; p=" RSA_KEY, MAUTH_NEUTRAL, "bad signature");
	free(copy);
}

ATF_TC(fields);
ATF_TC_HEAD(fields, tc)
{
	atf_tc_set_md_var(tc, "descr", "RFC 6376 3.5: what a signature says");
}
ATF_TC_BODY(fields, tc)
{
	static const struct {
		const char *from, *to;
		enum mauth_result result;
		const char *reason;
	} all[] = {
	    {"v=1;", "v=2;", MAUTH_PERMERROR, "unknown version"},
	    {"v=1;", "", MAUTH_PERMERROR, "a tag is missing"},
	    {"v=1;", "v=1; v=1;", MAUTH_PERMERROR, "a tag twice"},
	    {"v=1;", "v=1; 9;", MAUTH_PERMERROR, "malformed"},
	    {"v=1;", "v=1; x;", MAUTH_PERMERROR, "malformed"},
	    {"rsa-sha256", "rsa-md5", MAUTH_POLICY, "unknown algorithm"},
	    {"relaxed/relaxed", "relaxed/x", MAUTH_PERMERROR, "unknown c="},
	    {"relaxed/relaxed", "", MAUTH_PERMERROR, "unknown c="},
	    {"d=d.test", "d=d..test", MAUTH_PERMERROR, "bad domain"},
	    {"d=d.test", "d=", MAUTH_PERMERROR, "bad domain"},
	    {"d=d.test", "d=a b", MAUTH_PERMERROR, "bad domain"},
	    {"v=1;", "v=1; i=joe@e.test;", MAUTH_PERMERROR, "i= is not of d="},
	    {"v=1;", "v=1; i=joe@xd.test;", MAUTH_PERMERROR, "i= is not of d="},
	    {"v=1;", "v=1; i=joe;", MAUTH_PERMERROR, "bad i="},
	    {"v=1;", "v=1; l=x;", MAUTH_PERMERROR, "bad l="},
	    {"v=1;", "v=1; q=http;", MAUTH_PERMERROR, "unknown q="},
	    {"v=1;", "v=1; x=1799999999;", MAUTH_FAIL, "expired"},
	    {"v=1;", "v=1; x=1800000000;", MAUTH_FAIL, "expired"},
	    {"v=1;", "v=1; x=x;", MAUTH_FAIL, "bad x="},
	    {"v=1;", "v=1; x=99999999999999999999999999999;", MAUTH_FAIL,
		"bad signature"},
	};
	char *copy, *old;

	/* When it was made is not what this is about, nor what dkimpy adds. */
	old = without(relaxed_relaxed, "t=");
	copy = without(old, "i=");
	free(old);
	old = without(copy, "q=");
	free(copy);
	check(old, NULL, MAUTH_FAIL, "bad signature");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		copy = changed(old, all[i].from, all[i].to);
		/* That it is not expired is seen by the signature. */
		if (strstr(all[i].to, "x=1800000000") != NULL)
			check(copy, NULL, MAUTH_FAIL, "bad signature");
		else
			check(copy, NULL, all[i].result, all[i].reason);
		free(copy);
	}
	copy = changed(old, "v=1;", "v=1; t=1800003601;");
	check(copy, NULL, MAUTH_FAIL, "of the future");
	free(copy);
	copy = changed(old, "v=1;", "v=1; t=1800003600;");
	check(copy, NULL, MAUTH_FAIL, "bad signature");
	free(copy);
	free(old);
}

ATF_TC(limits);
ATF_TC_HEAD(limits, tc)
{
	atf_tc_set_md_var(
	    tc, "descr", "1,000 signatures, names without end, each length");
}
ATF_TC_BODY(limits, tc)
{
	static char message[300000];
	struct dkim_verify *v;
	size_t len, head;
	char *copy;

	len = 0;
	head = (size_t)(strstr(relaxed_relaxed, "Received:") - relaxed_relaxed);
	for (int i = 0; i < 1000 && len < sizeof(message) / 2; i++) {
		memcpy(message + len, relaxed_relaxed, head);
		len += head;
	}
	(void)strlcpy(
	    message + len, relaxed_relaxed + head, sizeof(message) - len);
	v = verify(message, strlen(message), NULL, NOW);
	ATF_REQUIRE_EQ(DKIM_VERIFY_MAX, dkim_verify_count(v));
	for (size_t i = 0; i < DKIM_VERIFY_MAX; i++)
		ATF_CHECK_EQ(MAUTH_PASS, dkim_verify_result(v, i)->result);
	dkim_verify_free(v);
	/* h= with as many names as may be, and one more. */
	for (int n = DKIM_VERIFY_NAMES_MAX; n <= DKIM_VERIFY_NAMES_MAX + 1;
	     n++) {
		(void)strlcpy(message, "h=", sizeof(message));
		for (int i = 1; i < n; i++)
			(void)strlcat(message, "a:", sizeof(message));
		(void)strlcat(message, "from; z=", sizeof(message));
		copy = changed(relaxed_relaxed, "h=", message);
		check(copy, NULL,
		    n == DKIM_VERIFY_NAMES_MAX ? MAUTH_FAIL : MAUTH_PERMERROR,
		    n == DKIM_VERIFY_NAMES_MAX ? "bad signature" :
						 "too many names in h=");
		free(copy);
	}
	/* Cut at each octet of the header, all is read within its length. */
	for (size_t n = 0; n < head + 50; n++) {
		copy = malloc(n + 1);
		ATF_REQUIRE(copy != NULL);
		memcpy(copy, relaxed_relaxed, n);
		v = dkim_verify_new(copy, n, NOW);
		free(copy);
		ATF_REQUIRE(v != NULL);
		ask(v, NULL);
		dkim_verify_end(v);
		for (size_t i = 0; i < dkim_verify_count(v); i++)
			ATF_CHECK(
			    dkim_verify_result(v, i)->result != MAUTH_PASS);
		dkim_verify_free(v);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rfc8463);
	ATF_TP_ADD_TC(tp, dkimpy);
	ATF_TP_ADD_TC(tp, keys);
	ATF_TP_ADD_TC(tp, fields);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
