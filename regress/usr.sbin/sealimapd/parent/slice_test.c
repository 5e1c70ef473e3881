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
 * The config slices of both daemons: what is put is what is got, at the limits
 * and past them, and no message that is cut short is taken.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"

#include "../../../../usr.sbin/sealimapd/imap_config.h"
#include "../../../../usr.sbin/sealsmtpd/smtp_config.h"

#define WAIT_MS 2000

static int fds[2];
static struct wire *out;

static void
never(struct wire *w, struct msg *m, void *arg)
{
	atf_tc_fail("a message nobody sent");
}

static void
gone(struct wire *w, void *arg)
{
	atf_tc_fail("the wire broke");
}

static void
prepare(void)
{
	ATF_REQUIRE(event_init() != NULL);
	ATF_REQUIRE(wire_pair(fds) == 0);
	out = wire_new(fds[0], never, gone, NULL);
}

/* Takes in what lies in the socket; how many messages. */
static int
take(int (*get)(void *, struct msg *), void *slice)
{
	struct msg m;
	int n;

	(void)event_loop(EVLOOP_NONBLOCK);
	for (n = 0; msg_recv_wait(fds[1], &m, 50) == 1; n++) {
		ATF_CHECK_EQ(0, get(slice, &m));
		msg_done(&m);
		(void)event_loop(EVLOOP_NONBLOCK);
	}
	return n;
}

static int
get_engine(void *slice, struct msg *m)
{
	return engine_slice_get(slice, m);
}

static int
get_store(void *slice, struct msg *m)
{
	return store_slice_get(slice, m);
}

static int
get_smtp(void *slice, struct msg *m)
{
	return smtp_slice_get(slice, m);
}

static int
get_deliver(void *slice, struct msg *m)
{
	return deliver_slice_get(slice, m);
}

ATF_TC_WITHOUT_HEAD(engine);
ATF_TC_BODY(engine, tc)
{
	char domains[2][SITE_NAME_MAX] = {"a.example", "b.example"};
	uint8_t staple[SITE_OCSP_MAX];
	struct site_cert cert = {.name = "one"};
	struct imap_listen listens[2] = {
	    {IMAP_LISTEN_IMAPS, true, 5}, {IMAP_LISTEN_IMAP, false, 0}};
	struct engine_slice s, *got;

	prepare();
	memset(&s, 0, sizeof(s));
	(void)strlcpy(s.site.hostname, "mx.example", sizeof(s.site.hostname));
	(void)strlcpy(s.site.product, "P", sizeof(s.site.product));
	s.site.log_addresses = true;
	s.site.codec = 2;
	s.isolated = true;
	s.literal_max = 1ULL << 40;
	s.scram = true;
	s.idle_seconds = 1800;
	s.login_seconds = 60;
	s.sessions_max = 20;
	s.login_failures = 3;
	s.command_messages = 4000;
	s.site.domains = domains;
	s.site.n_domains = 2;
	cert.chain = malloc(SITE_CHAIN_MAX + 1);
	ATF_REQUIRE(cert.chain != NULL);
	memset(cert.chain, 'x', SITE_CHAIN_MAX);
	cert.chain[SITE_CHAIN_MAX] = '\0';
	cert.len = SITE_CHAIN_MAX;
	memset(staple, 'y', sizeof(staple));
	cert.ocsp = staple;
	cert.ocsp_len = sizeof(staple);
	s.site.generation = 7;
	s.site.ticket_seconds = 600;
	s.site.certs = &cert;
	s.site.n_certs = 1;
	s.listeners = listens;
	s.n_listeners = 2;
	engine_slice_put(out, &s);
	got = engine_slice_new();
	ATF_CHECK_EQ(8, take(get_engine, got));
	ATF_CHECK_STREQ(s.site.hostname, got->site.hostname);
	ATF_CHECK(got->site.log_addresses);
	ATF_CHECK(got->isolated);
	ATF_CHECK_EQ(2, got->site.codec);
	ATF_CHECK_EQ(s.literal_max, got->literal_max);
	ATF_CHECK(got->scram);
	ATF_CHECK_EQ(1800, got->idle_seconds);
	ATF_CHECK_EQ(3, got->login_failures);
	ATF_CHECK_EQ(4000, got->command_messages);
	ATF_REQUIRE_EQ(2, got->site.n_domains);
	ATF_CHECK_STREQ("b.example", got->site.domains[1]);
	ATF_REQUIRE_EQ(1, got->site.n_certs);
	ATF_CHECK_STREQ(cert.chain, got->site.certs[0].chain);
	ATF_REQUIRE_EQ(sizeof(staple), got->site.certs[0].ocsp_len);
	ATF_CHECK_EQ(
	    0, memcmp(staple, got->site.certs[0].ocsp, sizeof(staple)));
	ATF_CHECK_EQ(7, got->site.generation);
	ATF_CHECK_EQ(600, got->site.ticket_seconds);
	ATF_CHECK(got->listeners[0].only_tls13);
	ATF_CHECK(!got->listeners[1].only_tls13);
	ATF_REQUIRE_EQ(2, got->n_listeners);
	ATF_CHECK_EQ(IMAP_LISTEN_IMAP, got->listeners[1].kind);
	ATF_CHECK_EQ(5, got->listeners[0].certs);
	engine_slice_free(got);
	free(cert.chain);
}

ATF_TC_WITHOUT_HEAD(store);
ATF_TC_BODY(store, tc)
{
	struct store_domain domain = {"a.example", 65536, 3, 1ULL << 33, 30, 10,
	    365, 40, 50, true, {1, 2, 3}};
	char administrators[2][IMAP_ACCOUNT_MAX] = {
	    "a@b.example", "c@d.example"};
	struct store_slice s, *got;

	prepare();
	memset(&s, 0, sizeof(s));
	s.host_index = 1;
	s.linger = 60;
	s.sessions_max = 9;
	s.derivations = 2;
	s.failures_source = 40;
	s.failures_user = 41;
	s.quota = 77;
	s.domains = &domain;
	s.n_domains = 1;
	s.administrators = administrators;
	s.n_administrators = 2;
	store_slice_put(out, &s);
	got = store_slice_new();
	ATF_CHECK_EQ(4, take(get_store, got));
	ATF_REQUIRE_EQ(2, got->n_administrators);
	ATF_CHECK_STREQ("c@d.example", got->administrators[1]);
	ATF_CHECK_EQ(1, got->host_index);
	ATF_CHECK_EQ(60, got->linger);
	ATF_CHECK_EQ(2, got->derivations);
	ATF_CHECK_EQ(40, got->failures_source);
	ATF_CHECK_EQ(41, got->failures_user);
	ATF_CHECK_EQ(77, got->quota);
	ATF_REQUIRE_EQ(1, got->n_domains);
	ATF_CHECK_STREQ("a.example", got->domains[0].name);
	ATF_CHECK_EQ(65536, got->domains[0].kdf_kib);
	ATF_CHECK_EQ(3, got->domains[0].kdf_passes);
	ATF_CHECK_EQ(1ULL << 33, got->domains[0].quota);
	ATF_CHECK_EQ(30, got->domains[0].trash_days);
	ATF_CHECK_EQ(10, got->domains[0].spam_days);
	ATF_CHECK_EQ(365, got->domains[0].waiting_days);
	ATF_CHECK_EQ(40, got->domains[0].messages_hour);
	ATF_CHECK_EQ(50, got->domains[0].recipients_hour);
	ATF_CHECK(got->domains[0].escrow);
	ATF_CHECK_EQ(0,
	    memcmp(domain.escrow_key, got->domains[0].escrow_key,
		IMAP_ESCROW_LEN));
	store_slice_free(got);
}

/* Enough aliases for several messages. */
ATF_TC_WITHOUT_HEAD(smtp);
ATF_TC_BODY(smtp, tc)
{
	struct smtp_slice s, *got;
	const struct smtp_alias *a;
	char name[32];

	prepare();
	memset(&s, 0, sizeof(s));
	s.message_max = 52428800;
	s.rcpt_max = 100;
	s.messages_max = 50;
	s.received_max = 30;
	s.n_aliases = 5000;
	s.aliases = calloc(s.n_aliases, sizeof(*s.aliases));
	ATF_REQUIRE(s.aliases != NULL);
	for (size_t i = 0; i < s.n_aliases; i++) {
		(void)snprintf(name, sizeof(name), "a%05zu", i / 2);
		s.aliases[i].alias = strdup(name);
		(void)snprintf(name, sizeof(name), "t%zu@a.example", i);
		s.aliases[i].target = strdup(name);
	}
	smtp_slice_put(out, &s);
	got = smtp_slice_new();
	ATF_CHECK(take(get_smtp, got) > 2);
	ATF_CHECK_EQ(52428800, got->message_max);
	ATF_CHECK_EQ(100, got->rcpt_max);
	ATF_CHECK_EQ(50, got->messages_max);
	ATF_CHECK_EQ(30, got->received_max);
	ATF_REQUIRE_EQ(5000, got->n_aliases);
	a = smtp_slice_alias(got, "a01234");
	ATF_REQUIRE(a != NULL);
	ATF_CHECK_STREQ("t2468@a.example", a[0].target);
	ATF_CHECK_STREQ("t2469@a.example", a[1].target);
	ATF_CHECK(smtp_slice_alias(got, "a0123") == NULL);
	ATF_CHECK(smtp_slice_alias(got, "z") == NULL);
	ATF_CHECK(smtp_slice_alias(got, "") == NULL);
	smtp_slice_free(got);
}

ATF_TC_WITHOUT_HEAD(deliver);
ATF_TC_BODY(deliver, tc)
{
	struct deliver_slice s, *got;

	prepare();
	memset(&s, 0, sizeof(s));
	(void)strlcpy(s.hostname, "mx.example", sizeof(s.hostname));
	s.free_bytes = 6;
	s.free_inodes = 7;
	deliver_slice_put(out, &s);
	got = deliver_slice_new();
	ATF_CHECK_EQ(1, take(get_deliver, got));
	ATF_CHECK_STREQ("mx.example", got->hostname);
	ATF_CHECK_EQ(6, got->free_bytes);
	ATF_CHECK_EQ(7, got->free_inodes);
	deliver_slice_free(got);
}

/* Each message cut at each octet, and one octet too long. */
static void
cut(uint32_t type, const uint8_t *data, size_t len,
    int (*get)(void *, struct msg *), void *(*new)(void),
    void (*release)(void *))
{
	struct msg m;
	void *slice;

	for (size_t n = 0; n <= len + 1; n++) {
		if (n == len)
			continue;
		memset(&m, 0, sizeof(m));
		m.type = type;
		m.fd = -1;
		m.data = data;
		m.len = n;
		slice = new ();
		ATF_CHECK_EQ_MSG(
		    -1, get(slice, &m), "type %x, %zu of %zu", type, n, len);
		release(slice);
	}
}

static void *
new_engine(void)
{
	return engine_slice_new();
}

static void *
new_store(void)
{
	return store_slice_new();
}

static void
free_engine(void *slice)
{
	engine_slice_free(slice);
}

static void
free_store(void *slice)
{
	store_slice_free(slice);
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	struct store_domain domain = {
	    "a.example", 65536, 3, 0, 0, 0, 0, 0, 0, true, {1, 2, 3}};
	struct imap_listen listen = {IMAP_LISTEN_IMAPS, false, 1};
	struct engine_slice e;
	struct store_slice s;
	uint8_t data[4096];
	struct msg m;
	size_t len;

	prepare();
	memset(&e, 0, sizeof(e));
	memset(&s, 0, sizeof(s));
	e.listeners = &listen;
	e.n_listeners = 1;
	s.domains = &domain;
	s.n_domains = 1;
	engine_slice_put(out, &e);
	store_slice_put(out, &s);
	while (msg_recv_wait(fds[1], &m, 50) == 1) {
		memset(data, 0, sizeof(data));
		len = m.len;
		ATF_REQUIRE(len + 1 < sizeof(data));
		memcpy(data, m.data, len);
		if (m.type >= IMAP_STORE_BASE)
			cut(m.type, data, len, get_store, new_store,
			    free_store);
		else
			cut(m.type, data, len, get_engine, new_engine,
			    free_engine);
		msg_done(&m);
	}
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static const uint8_t listener[10] = {IMAP_LISTEN_IMAPS};
	static const uint8_t unknown[10] = {IMAP_LISTEN_STARTTLS + 1};
	struct engine_slice *e;
	struct msg m;

	prepare();
	e = engine_slice_new();
	memset(&m, 0, sizeof(m));
	m.fd = -1;
	m.type = IMAP_ENGINE_LISTENER;
	m.len = sizeof(listener);
	for (int i = 0; i < IMAP_LISTENERS_MAX; i++) {
		m.data = listener;
		m.off = 0;
		ATF_CHECK_EQ(0, engine_slice_get(e, &m));
	}
	m.off = 0;
	ATF_CHECK_EQ(-1, engine_slice_get(e, &m));
	engine_slice_free(e);
	e = engine_slice_new();
	m.data = unknown;
	m.off = 0;
	ATF_CHECK_EQ(-1, engine_slice_get(e, &m));
	m.type = 0x1ff;
	m.off = 0;
	m.bad = false;
	ATF_CHECK_EQ(-1, engine_slice_get(e, &m));
	engine_slice_free(e);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, engine);
	ATF_TP_ADD_TC(tp, store);
	ATF_TP_ADD_TC(tp, smtp);
	ATF_TP_ADD_TC(tp, deliver);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
