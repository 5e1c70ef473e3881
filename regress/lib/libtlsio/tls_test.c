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
 * Sessions with TLS, their signatures made by a sealkeys in another process.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "msg.h"
#include "peers.h"
#include "tlsio_mem.h"

#define BULK (50 * 1024 * 1024)

struct served {
	struct tlsio *t;
	struct tlsio_server *upgrade;
	size_t made;
	size_t most;
	int upgraded;
	bool secure;
	enum tlsio_end end;
	bool done;
};

/* How long the event loop was away at most. */
struct ticks {
	struct event ev;
	double last, longest; /* seconds */
};

static const char *const one_rsa[] = {"rsa.test"};
static const char *const one_ec[] = {"ec.test"};
static const char *const both[] = {"rsa.test", "ec.test"};

static void on_input(struct tlsio *, void *);
static void on_drained(struct tlsio *, void *);
static void on_closed(struct tlsio *, enum tlsio_end, void *);
static void on_secure(struct tlsio *, void *);

static const struct tlsio_ops echo_ops = {
    .input = on_input,
    .drained = on_drained,
    .closed = on_closed,
    .secure = on_secure,
};

/* Echoes lines; knows "starttls", "bulk" and "quit". */
static void
on_input(struct tlsio *t, void *arg)
{
	struct served *s;
	const uint8_t *p, *nl;
	size_t len;

	s = arg;
	for (;;) {
		p = tlsio_input(t, &len);
		nl = memchr(p, '\n', len);
		if (nl == NULL)
			return;
		len = (size_t)(nl - p) + 1;
		tlsio_write(t, p, len);
		if (len == 5 && memcmp(p, "quit\n", 5) == 0)
			tlsio_finish(t);
		if (len == 5 && memcmp(p, "bulk\n", 5) == 0)
			on_drained(t, s);
		if (len == 9 && memcmp(p, "starttls\n", 9) == 0) {
			tlsio_consume(t, len);
			s->upgraded = tlsio_starttls(t, s->upgrade);
			if (s->upgraded == -1)
				tlsio_finish(t);
			return;
		}
		tlsio_consume(t, len);
	}
}

static void
on_drained(struct tlsio *t, void *arg)
{
	static uint8_t block[50000];
	struct served *s;

	s = arg;
	while (!tlsio_full(t) && s->made < BULK) {
		tlsio_write(t, block, sizeof(block));
		s->made += sizeof(block);
		if (tlsio_queued(t) > s->most)
			s->most = tlsio_queued(t);
	}
}

static void
on_closed(struct tlsio *t, enum tlsio_end end, void *arg)
{
	struct served *s;

	s = arg;
	s->end = end;
	s->done = true;
	tlsio_free(t);
}

static void
on_secure(struct tlsio *t, void *arg)
{
	struct served *s;

	s = arg;
	ATF_CHECK(tlsio_is_secure(t));
	s->secure = true;
}

/* Certificates and keys of both kinds; sealkeys; everything for a server. */
static void
set_up(void)
{
	make_cert("rsa.test", false);
	make_cert("ec.test", true);
	tlsio_init();
	event_init();
	tlsio_signer(start_keys(both, 2));
}

static int
greet_and_quit(int fd, void *arg)
{
	struct tls *tls;
	char line[64];

	tls = client_connect(fd, arg);
	if (tls == NULL)
		return 1;
	if (client_line(tls, fd, line, sizeof(line)) != 6 ||
	    strcmp(line, "hello\n") != 0)
		return 2;
	if (client_write(tls, fd, "some text\n", 10) == -1 ||
	    client_line(tls, fd, line, sizeof(line)) != 10)
		return 3;
	if (client_write(tls, fd, "quit\n", 5) == -1 ||
	    client_line(tls, fd, line, sizeof(line)) != 5)
		return 4;
	/* close_notify, not a cut. */
	if (client_line(tls, fd, line, sizeof(line)) != 0)
		return 5;
	return tls_conn_session_resumed(tls) ? 77 : 0;
}

/* One session, greeted while the handshake is under way. */
static int
serve_one(struct tlsio_server *server, struct client_tls *c, struct served *s,
    const char *version)
{
	pid_t pid;

	memset(s, 0, sizeof(*s));
	s->t = tlsio_new(
	    server, start_client(greet_and_quit, c, &pid), &echo_ops, s);
	tlsio_puts(s->t, "hello\n");
	if (version != NULL) {
		run_until(&s->secure);
		ATF_CHECK_STREQ(version, tlsio_version(s->t));
		ATF_CHECK_STREQ(c->servername, tlsio_servername(s->t));
		ATF_CHECK_STREQ(
		    c->alpn == NULL ? "-" : c->alpn, tlsio_alpn(s->t));
	}
	run_until(&s->done);
	return wait_client(pid);
}

ATF_TC_WITHOUT_HEAD(handshakes);
ATF_TC_BODY(handshakes, tc)
{
	struct tlsio_server *server;
	struct client_tls c;
	struct served s;

	set_up();
	for (int i = 0; i < 4; i++) {
		server = load_server(i < 2 ? one_rsa : one_ec, 1);
		memset(&c, 0, sizeof(c));
		c.trusted = c.servername = i < 2 ? "rsa.test" : "ec.test";
		c.protocols = i % 2 == 0 ? TLS_PROTOCOL_TLSv1_2 :
					   TLS_PROTOCOL_TLSv1_3;
		c.alpn = i == 0 ? "imap" : NULL;
		c.session_fd = -1;
		ATF_CHECK_EQ_MSG(0,
		    serve_one(
			server, &c, &s, i % 2 == 0 ? "TLSv1.2" : "TLSv1.3"),
		    "case %d", i);
		ATF_CHECK_EQ(TLSIO_DONE, s.end);
		tlsio_server_free(server);
	}
}

ATF_TC_WITHOUT_HEAD(old_protocol);
ATF_TC_BODY(old_protocol, tc)
{
	struct tlsio_server *server;
	struct client_tls c = {
	    "rsa.test", "rsa.test", TLS_PROTOCOL_TLSv1_1, -1, NULL};
	struct served s;

	set_up();
	server = load_server(one_rsa, 1);
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
	ATF_CHECK(s.end != TLSIO_DONE);
	ATF_CHECK(!s.secure);
}

/* Each name gets its own certificate, a foreign name the first. */
ATF_TC_WITHOUT_HEAD(sni);
ATF_TC_BODY(sni, tc)
{
	struct tlsio_server *server;
	struct client_tls c;
	struct served s;

	set_up();
	server = load_server(both, 2);
	for (int i = 0; i < 4; i++) {
		memset(&c, 0, sizeof(c));
		c.protocols = i < 2 ? TLS_PROTOCOL_TLSv1_2 :
				      TLS_PROTOCOL_TLSv1_3;
		c.session_fd = -1;
		c.trusted = c.servername = both[i % 2];
		ATF_CHECK_EQ_MSG(
		    0, serve_one(server, &c, &s, NULL), "case %d", i);
	}
	/* The wrong one would not be believed. */
	c.servername = "other.test";
	c.trusted = "rsa.test";
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
}

/* New certificates for new sessions, the old ones stay. */
ATF_TC_WITHOUT_HEAD(reload);
ATF_TC_BODY(reload, tc)
{
	struct tlsio_server *old, *new;
	struct client_tls a = {
	    "rsa.test", "rsa.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct client_tls b = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct served one, two;
	pid_t pid;

	set_up();
	old = load_server(one_rsa, 1);
	memset(&one, 0, sizeof(one));
	one.t = tlsio_new(
	    old, start_client(greet_and_quit, &a, &pid), &echo_ops, &one);
	run_until(&one.secure);
	new = load_server(one_ec, 1);
	tlsio_server_free(old);
	ATF_CHECK_EQ(0, serve_one(new, &b, &two, "TLSv1.3"));
	tlsio_puts(one.t, "hello\n");
	run_until(&one.done);
	ATF_CHECK_EQ(TLSIO_DONE, one.end);
	ATF_CHECK_EQ(0, wait_client(pid));
	tlsio_server_free(new);
}

ATF_TC_WITHOUT_HEAD(resumption);
ATF_TC_BODY(resumption, tc)
{
	struct tlsio_server *server;
	/* libtls, as a client, never sees the tickets of TLS 1.3. */
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_2, -1, NULL};
	struct served s;

	set_up();
	server = load_server(one_ec, 1);
	c.session_fd = open("session", O_RDWR | O_CREAT | O_EXCL, 0600);
	ATF_REQUIRE(c.session_fd != -1);
	ATF_CHECK_EQ(0, serve_one(server, &c, &s, NULL));
	ATF_CHECK_EQ(77, serve_one(server, &c, &s, NULL));
}

static int
upgrade(int fd, void *arg)
{
	struct tls *tls;
	char line[64];

	if (client_write(NULL, fd, "plain\nstarttls\n", 15) == -1 ||
	    client_line(NULL, fd, line, sizeof(line)) != 6 ||
	    client_line(NULL, fd, line, sizeof(line)) != 9)
		return 1;
	tls = client_connect(fd, arg);
	if (tls == NULL)
		return 2;
	if (client_write(tls, fd, "safe\nquit\n", 10) == -1 ||
	    client_line(tls, fd, line, sizeof(line)) != 5 ||
	    strcmp(line, "safe\n") != 0)
		return 3;
	return 0;
}

/* What stands after STARTTLS in clear must not be taken as said in TLS. */
static int
inject(int fd, void *arg)
{
	char line[64];

	if (client_write(NULL, fd, "starttls\ninjected\n", 18) == -1 ||
	    client_line(NULL, fd, line, sizeof(line)) != 9)
		return 1;
	return client_line(NULL, fd, line, sizeof(line)) == 0 ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(starttls);
ATF_TC_BODY(starttls, tc)
{
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct served s;
	pid_t pid;

	set_up();
	memset(&s, 0, sizeof(s));
	s.upgrade = load_server(one_ec, 1);
	s.t = tlsio_new(NULL, start_client(upgrade, &c, &pid), &echo_ops, &s);
	run_until(&s.done);
	ATF_CHECK(s.secure);
	ATF_CHECK_EQ(TLSIO_DONE, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));

	s.done = s.secure = false;
	s.t = tlsio_new(NULL, start_client(inject, &c, &pid), &echo_ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(-1, s.upgraded);
	ATF_CHECK(!s.secure);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static int
swallow(int fd, void *arg)
{
	static char buf[65536];
	struct tls *tls;
	char line[64];
	size_t total;
	ssize_t n;

	tls = client_connect(fd, arg);
	if (tls == NULL || client_write(tls, fd, "bulk\n", 5) == -1 ||
	    client_line(tls, fd, line, sizeof(line)) != 5)
		return 1;
	for (total = 0; total < BULK; total += (size_t)n) {
		n = tls_read(tls, buf, sizeof(buf));
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			n = 0;
		else if (n <= 0)
			return 2;
	}
	return 0;
}

ATF_TC_WITHOUT_HEAD(bulk);
ATF_TC_BODY(bulk, tc)
{
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct timespec a, b;
	struct tlsio_server *server;
	struct served s;
	pid_t pid;

	set_up();
	server = load_server(one_ec, 1);
	memset(&s, 0, sizeof(s));
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	s.t = tlsio_new(server, start_client(swallow, &c, &pid), &echo_ops, &s);
	run_until(&s.done);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	(void)printf("%.0f MB/s, queued at most %zu\n",
	    BULK / 1e6 /
		((double)(b.tv_sec - a.tv_sec) +
		    (double)(b.tv_nsec - a.tv_nsec) / 1e9),
	    s.most);
	ATF_CHECK(s.most < TLSIO_HIGH + 50000);
	ATF_CHECK_EQ(TLSIO_EOF, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static int
upload(int fd, void *arg)
{
	static char line[1000];
	struct tls *tls;
	char back[1001];

	tls = client_connect(fd, arg);
	if (tls == NULL)
		return 1;
	memset(line, 'x', sizeof(line));
	line[999] = '\n';
	/* Many lines at once, which are several records held by TLS. */
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < 30; j++) {
			if (client_write(tls, fd, line, sizeof(line)) == -1)
				return 2;
		}
		for (int j = 0; j < 30; j++) {
			if (client_line(tls, fd, back, sizeof(back)) != 1000)
				return 3;
		}
	}
	return 0;
}

ATF_TC_WITHOUT_HEAD(pipelined);
ATF_TC_BODY(pipelined, tc)
{
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_2, -1, NULL};
	struct tlsio_server *server;
	struct served s;
	pid_t pid;

	set_up();
	server = load_server(one_ec, 1);
	memset(&s, 0, sizeof(s));
	s.t = tlsio_new(server, start_client(upload, &c, &pid), &echo_ops, &s);
	run_until(&s.done);
	ATF_CHECK_EQ(TLSIO_EOF, s.end);
	ATF_CHECK_EQ(0, wait_client(pid));
}

static int
garbage(int fd, void *arg)
{
	char buf[5000];

	arc4random_buf(buf, sizeof(buf));
	if (*(int *)arg == 1)
		memcpy(buf, "\x16\x03\x01\x10\x00\x01\x00\x0f\xfc", 9);
	else if (*(int *)arg == 2)
		memcpy(buf, "A1 LOGIN joe secret\r\n", 21);
	if (*(int *)arg != 3 && client_write(NULL, fd, buf, sizeof(buf)) == -1)
		return 0;
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	return 0;
}

ATF_TC_WITHOUT_HEAD(no_handshake);
ATF_TC_BODY(no_handshake, tc)
{
	struct tlsio_server *server;
	struct served s;
	pid_t pid;
	int kind;

	set_up();
	server = load_server(one_ec, 1);
	for (kind = 0; kind < 4; kind++) {
		memset(&s, 0, sizeof(s));
		s.t = tlsio_new(
		    server, start_client(garbage, &kind, &pid), &echo_ops, &s);
		tlsio_puts(s.t, "never seen\n");
		run_until(&s.done);
		ATF_CHECK(s.end != TLSIO_DONE);
		ATF_CHECK(!s.secure);
		ATF_CHECK_EQ(0, wait_client(pid));
	}
}

#define KEY_UPDATES 6000 /* as many as a socket holds */

/* Records without data, one after the other, and then the end. */
static int
update_keys(int fd, void *arg)
{
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *out;
	char *p;
	long len;

	ctx = SSL_CTX_new(TLS_client_method());
	ssl = ctx == NULL ? NULL : SSL_new(ctx);
	out = BIO_new(BIO_s_mem());
	if (ssl == NULL || out == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_connect(ssl) != 1)
		return 1;
	SSL_set0_wbio(ssl, out);
	for (int i = 0; i < KEY_UPDATES; i++) {
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
		    SSL_do_handshake(ssl) != 1)
			return 2;
	}
	if (SSL_write(ssl, "quit\n", 5) != 5)
		return 3;
	len = BIO_get_mem_data(out, &p);
	return client_write(NULL, fd, p, (size_t)len) == -1 ? 4 : 0;
}

static void
on_tick(int fd, short what, void *arg)
{
	struct timeval tv = {0, 1000};
	struct ticks *ticks;
	struct timespec ts;
	double now;

	ticks = arg;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	if (ticks->last != 0 && now - ticks->last > ticks->longest)
		ticks->longest = now - ticks->last;
	ticks->last = now;
	(void)evtimer_add(&ticks->ev, &tv);
}

/* They keep nobody else waiting. */
ATF_TC_WITHOUT_HEAD(key_updates);
ATF_TC_BODY(key_updates, tc)
{
	struct tlsio_server *server;
	struct served s;
	struct ticks ticks;
	struct timespec a, b;
	double took;
	pid_t pid;

	set_up();
	server = load_server(one_ec, 1);
	memset(&s, 0, sizeof(s));
	memset(&ticks, 0, sizeof(ticks));
	s.t = tlsio_new(
	    server, start_client(update_keys, NULL, &pid), &echo_ops, &s);
	run_until(&s.secure);
	/* All of it lies in the socket when the server begins to read. */
	tlsio_pause(s.t);
	ATF_CHECK_EQ(0, wait_client(pid));
	tlsio_resume(s.t);
	evtimer_set(&ticks.ev, on_tick, &ticks);
	on_tick(-1, 0, &ticks);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	run_until(&s.done);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	took = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	(void)printf("%.3f s, the longest wait %.3f s\n", took, ticks.longest);
	ATF_CHECK(ticks.longest < took * 0.7);
}

/* Without sealkeys a handshake fails; and one that is silent is not awaited. */
ATF_TC_WITHOUT_HEAD(no_keys);
ATF_TC_BODY(no_keys, tc)
{
	struct client_tls c = {
	    "ec.test", "ec.test", TLS_PROTOCOL_TLSv1_3, -1, NULL};
	struct tlsio_server *server;
	struct served s;
	time_t start;
	int fds[2];

	set_up();
	server = load_server(one_ec, 1);
	tlsio_signer(-1);
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
	ATF_CHECK_EQ(TLSIO_FAILED, s.end);
	/* Other keys. */
	tlsio_signer(start_keys(one_rsa, 1));
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
	ATF_CHECK_EQ(TLSIO_FAILED, s.end);
	/* Gone. */
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	(void)close(fds[1]);
	tlsio_signer(fds[0]);
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
	/* Silent. */
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	tlsio_signer(fds[0]);
	start = time(NULL);
	ATF_CHECK_EQ(1, serve_one(server, &c, &s, NULL));
	ATF_CHECK(time(NULL) - start >= 4 && time(NULL) - start <= 8);
	ATF_CHECK_EQ(TLSIO_FAILED, s.end);
	/* And all is well again. */
	tlsio_signer(start_keys(one_ec, 1));
	ATF_CHECK_EQ(0, serve_one(server, &c, &s, "TLSv1.3"));
}

ATF_TC_WITHOUT_HEAD(bad_certificates);
ATF_TC_BODY(bad_certificates, tc)
{
	struct tlsio_server_conf conf;
	struct tlsio_cert cert;
	char error[TLSIO_ERROR_MAX];
	char *chain;
	size_t len;

	set_up();
	memset(&cert, 0, sizeof(cert));
	memset(&conf, 0, sizeof(conf));
	conf.scope = "test";
	conf.ticket_seconds = 7200;
	ATF_CHECK(tlsio_server_new(&conf, error) == NULL);
	ATF_CHECK(error[0] != '\0');
	chain = read_text("ec.test.crt", &len);
	cert.chain = chain;
	conf.certs = &cert;
	conf.n_certs = 1;
	for (cert.len = 0; cert.len < len - 2; cert.len += 11) {
		ATF_CHECK(tlsio_server_new(&conf, error) == NULL);
		ATF_CHECK(error[0] != '\0');
	}
	free(chain);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, handshakes);
	ATF_TP_ADD_TC(tp, old_protocol);
	ATF_TP_ADD_TC(tp, sni);
	ATF_TP_ADD_TC(tp, reload);
	ATF_TP_ADD_TC(tp, resumption);
	ATF_TP_ADD_TC(tp, starttls);
	ATF_TP_ADD_TC(tp, bulk);
	ATF_TP_ADD_TC(tp, pipelined);
	ATF_TP_ADD_TC(tp, no_handshake);
	ATF_TP_ADD_TC(tp, no_keys);
	ATF_TP_ADD_TC(tp, key_updates);
	ATF_TP_ADD_TC(tp, bad_certificates);
	return atf_no_error();
}
