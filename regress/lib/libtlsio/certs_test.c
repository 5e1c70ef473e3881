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
 * Which certificates and staples an engine serves, and names of MTA-STS.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <atf-c.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "peers.h"
#include "tlsio_certs.h"
#include "tlsio_client.h"

/* ../../../lib/libtlsio/chain.c */
enum site_ocsp_state
chain_ocsp(const struct tlsio_cert *, int64_t *until, const char **reason);

#define HOUR 3600

/* What a response says. */
struct answer {
	const char *about;  /* NAME.crt */
	const char *signer; /* NAME.crt and NAME.key: about's issuer too */
	int status;
	long made, next; /* seconds from now; next 0: none */
};

static X509 *
read_cert(const char *name)
{
	char path[64];
	FILE *f;
	X509 *x;

	(void)snprintf(path, sizeof(path), "%s.crt", name);
	f = fopen(path, "r");
	x = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);
	if (x == NULL)
		_exit(1);
	(void)fclose(f);
	return x;
}

/* In a process of its own: here signatures come from sealkeys. */
static void
respond_child(const struct answer *a, const char *path)
{
	OCSP_BASICRESP *basic;
	OCSP_RESPONSE *resp;
	EVP_PKEY *key;
	X509 *about, *signer;
	unsigned char *der;
	char name[64];
	FILE *f;
	int n;

	EC_KEY_set_default_method(EC_KEY_OpenSSL());
	about = read_cert(a->about);
	signer = read_cert(a->signer);
	(void)snprintf(name, sizeof(name), "%s.key", a->signer);
	f = fopen(name, "r");
	key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
	basic = OCSP_BASICRESP_new();
	if (key == NULL || basic == NULL ||
	    OCSP_basic_add1_status(basic,
		OCSP_cert_to_id(EVP_sha1(), about, signer), a->status,
		OCSP_REVOKED_STATUS_NOSTATUS,
		ASN1_TIME_adj(NULL, time(NULL), 0, a->made),
		ASN1_TIME_adj(NULL, time(NULL), 0, a->made),
		a->next == 0 ?
		    NULL :
		    ASN1_TIME_adj(NULL, time(NULL), 0, a->next)) == NULL ||
	    OCSP_basic_sign(basic, signer, key, EVP_sha256(), NULL, 0) != 1)
		_exit(1);
	resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	f = fopen(path, "w");
	der = NULL;
	n = resp == NULL ? -1 : i2d_OCSP_RESPONSE(resp, &der);
	if (f == NULL || n <= 0 || fwrite(der, 1, (size_t)n, f) != (size_t)n ||
	    fclose(f) != 0)
		_exit(1);
	_exit(0);
}

static uint8_t *
respond(const struct answer *a, size_t *len)
{
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0)
		respond_child(a, "response");
	ATF_REQUIRE_EQ(0, wait_client(pid));
	return (uint8_t *)read_text("response", len);
}

/* The certificate of NAME with itself as its issuer. */
static char *
read_chain(const char *name, bool issuer, size_t *len)
{
	char path[64];
	char *text;

	(void)snprintf(path, sizeof(path), "%s.crt", name);
	text = read_text(path, len);
	if (!issuer)
		return text;
	memmove(text + *len, text, *len);
	*len *= 2;
	return text;
}

ATF_TC_WITHOUT_HEAD(staples);
ATF_TC_BODY(staples, tc)
{
	static const struct {
		const char *what;
		struct answer answer;
		enum site_ocsp_state state, alone; /* without issuer */
	} cases[] = {
	    {"good", {"a", "a", V_OCSP_CERTSTATUS_GOOD, -HOUR, HOUR},
		SITE_OCSP_SERVED, SITE_OCSP_SERVED},
	    {"over", {"a", "a", V_OCSP_CERTSTATUS_GOOD, -2 * HOUR, -HOUR},
		SITE_OCSP_STALE, SITE_OCSP_STALE},
	    {"to come", {"a", "a", V_OCSP_CERTSTATUS_GOOD, HOUR, 2 * HOUR},
		SITE_OCSP_STALE, SITE_OCSP_STALE},
	    {"endless", {"a", "a", V_OCSP_CERTSTATUS_GOOD, -HOUR, 0},
		SITE_OCSP_STALE, SITE_OCSP_STALE},
	    {"revoked", {"a", "a", V_OCSP_CERTSTATUS_REVOKED, -HOUR, HOUR},
		SITE_OCSP_BROKEN, SITE_OCSP_BROKEN},
	    {"unknown", {"a", "a", V_OCSP_CERTSTATUS_UNKNOWN, -HOUR, HOUR},
		SITE_OCSP_BROKEN, SITE_OCSP_BROKEN},
	    {"of a stranger", {"a", "b", V_OCSP_CERTSTATUS_GOOD, -HOUR, HOUR},
		SITE_OCSP_BROKEN, SITE_OCSP_SERVED},
	};
	struct tlsio_cert cert, bare;
	const char *reason;
	uint8_t *der;
	int64_t until;

	make_cert("a", true);
	make_cert("b", true);
	tlsio_init();
	memset(&cert, 0, sizeof(cert));
	memset(&bare, 0, sizeof(bare));
	cert.chain = read_chain("a", true, &cert.len);
	bare.chain = read_chain("a", false, &bare.len);
	ATF_CHECK_EQ(SITE_OCSP_NONE, chain_ocsp(&cert, &until, &reason));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		der = respond(&cases[i].answer, &cert.ocsp_len);
		bare.ocsp = cert.ocsp = der;
		bare.ocsp_len = cert.ocsp_len;
		ATF_CHECK_EQ_MSG(cases[i].state,
		    chain_ocsp(&cert, &until, &reason), "%s: %s", cases[i].what,
		    reason);
		ATF_CHECK_EQ(
		    cases[i].state == SITE_OCSP_SERVED, reason[0] == '\0');
		ATF_CHECK_EQ_MSG(cases[i].alone,
		    chain_ocsp(&bare, &until, &reason), "%s: %s", cases[i].what,
		    reason);
		if (i == 0) {
			ATF_CHECK(until > time(NULL) + HOUR - 60 &&
			    until <= time(NULL) + HOUR);
			for (; cert.ocsp_len > 0; cert.ocsp_len--)
				(void)chain_ocsp(&cert, &until, &reason);
		}
		free(der);
	}
}

/* Every octet of a response changed: no crash, and never served. */
ATF_TC_WITHOUT_HEAD(changed_staples);
ATF_TC_BODY(changed_staples, tc)
{
	static const struct answer good = {
	    "a", "a", V_OCSP_CERTSTATUS_GOOD, -HOUR, HOUR};
	struct tlsio_cert cert;
	const char *reason;
	uint8_t *der;
	int64_t until;
	int served;

	make_cert("a", true);
	tlsio_init();
	memset(&cert, 0, sizeof(cert));
	cert.chain = read_chain("a", true, &cert.len);
	cert.ocsp = der = respond(&good, &cert.ocsp_len);
	served = 0;
	for (size_t i = 0; i < cert.ocsp_len; i++) {
		der[i] ^= 1;
		served += chain_ocsp(&cert, &until, &reason) ==
		    SITE_OCSP_SERVED;
		der[i] ^= 1;
	}
	/* What nobody has signed: the certificate that came with it. */
	(void)printf(
	    "%d of %zu changes do not matter\n", served, cert.ocsp_len);
	ATF_CHECK(served < (int)cert.ocsp_len / 2);
	ATF_CHECK_EQ(SITE_OCSP_SERVED, chain_ocsp(&cert, &until, &reason));
}

static struct site_cert_is last; /* what was reported */
static unsigned int changes;

static void
on_changed(void)
{
	changes++;
}

static void
on_report(const struct site_cert_is *is)
{
	last = *is;
}

static const struct tlsio_certs_ops ops = {on_changed, on_report};

static void
set(const char *name, const char *file, uint32_t generation)
{
	struct site_cert cert;
	struct site site;

	memset(&site, 0, sizeof(site));
	memset(&cert, 0, sizeof(cert));
	(void)strlcpy(cert.name, name, sizeof(cert.name));
	cert.chain = read_chain(file, false, &cert.len);
	site.generation = generation;
	site.certs = &cert;
	site.n_certs = 1;
	memset(&last, 0, sizeof(last));
	changes = 0;
	tlsio_certs_set(&site, &ops);
	free(cert.chain);
}

/* Whether there is something to serve. */
static bool
serves(void)
{
	struct tlsio_server_conf conf;
	struct tlsio_server *s;

	memset(&conf, 0, sizeof(conf));
	conf.alpn = "imap";
	conf.ticket_seconds = 7200;
	s = tlsio_certs_server(1, &conf);
	tlsio_server_free(s);
	return s != NULL;
}

ATF_TC_WITHOUT_HEAD(certificates);
ATF_TC_BODY(certificates, tc)
{
	static const char *const first[] = {"a"};
	FILE *f;

	make_cert("a", true);
	make_cert("b", true);
	f = fopen("broken.crt", "w");
	ATF_REQUIRE(f != NULL && fputs("nothing\n", f) >= 0);
	ATF_REQUIRE_EQ(0, fclose(f));
	tlsio_init();
	event_init();
	/* Nobody to ask. */
	set("one", "a", 1);
	ATF_CHECK_EQ(SITE_CERT_WAITS, last.state);
	ATF_CHECK(!serves());
	tlsio_signer(start_keys(first, 1));
	ATF_CHECK_EQ(SITE_CERT_SERVED, last.state);
	ATF_CHECK_STREQ("", last.reason);
	ATF_CHECK(last.expires > time(NULL));
	ATF_CHECK_EQ(2, changes);
	ATF_CHECK(serves());
	/* A chain whose key is not there, and what is none. */
	set("one", "b", 1);
	ATF_CHECK_EQ(SITE_CERT_FORMER, last.state);
	ATF_CHECK(last.reason[0] != '\0');
	ATF_CHECK(serves());
	set("one", "broken", 1);
	ATF_CHECK_EQ(SITE_CERT_FORMER, last.state);
	ATF_CHECK(last.expires > time(NULL));
	ATF_CHECK(serves());
	/* Under a new name there was none before. */
	set("two", "b", 1);
	ATF_CHECK_EQ(SITE_CERT_NONE, last.state);
	ATF_CHECK_EQ(0, last.expires);
	ATF_CHECK(!serves());
	set("two", "a", 1);
	ATF_CHECK_EQ(SITE_CERT_SERVED, last.state);
	/* sealkeys is behind: what is there stays until it has caught up. */
	set("two", "b", 2);
	ATF_CHECK_EQ(SITE_CERT_WAITS, last.state);
	ATF_CHECK(serves());
	/* It is gone: likewise. */
	tlsio_signer(-1);
	set("two", "b", 1);
	ATF_CHECK_EQ(SITE_CERT_WAITS, last.state);
	ATF_CHECK(serves());
}

ATF_TC_WITHOUT_HEAD(mx_patterns);
ATF_TC_BODY(mx_patterns, tc)
{
	static const struct {
		const char *pattern, *host;
		bool matches;
	} cases[] = {
	    {"mx.a.test", "mx.a.test", true},
	    {"mx.a.test", "MX.A.test.", true},
	    {"mx.a.test.", "mx.a.test", true},
	    {"mx.a.test", "mx2.a.test", false},
	    {"mx.a.test", "x.mx.a.test", false},
	    {"*.a.test", "mx.a.test", true},
	    {"*.a.test", "x.mx.a.test", false},
	    {"*.a.test", "a.test", false},
	    {"*.a.test", ".a.test", false},
	    {"*.a.test", "mxa.test", false},
	    {"*.a.test", "mx.b.test", false},
	    {"m*.a.test", "mx.a.test", false},
	    {"*", "a", false},
	    {"*.", "a.", false},
	    {"", "", false},
	    {".", ".", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ATF_CHECK_EQ_MSG(cases[i].matches,
		    tlsio_mx_match(cases[i].pattern, cases[i].host), "%s %s",
		    cases[i].pattern, cases[i].host);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, staples);
	ATF_TP_ADD_TC(tp, changed_staples);
	ATF_TP_ADD_TC(tp, certificates);
	ATF_TP_ADD_TC(tp, mx_patterns);
	return atf_no_error();
}
