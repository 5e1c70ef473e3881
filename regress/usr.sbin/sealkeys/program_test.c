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
 * The program itself, in its sandbox; the test is its parent and its engine.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "proc.h"
#include "proc_local.h"
#include "testkeys.h"

#define WAIT_MS 10000

static int parent_fd; /* the parent's end of fd 3 */
static pid_t child;
static uint32_t generation;
static uint32_t ticket_life = 7200;

static void
send_ok(struct msgout *m)
{
	ATF_REQUIRE_EQ(1, msg_send_wait(m, WAIT_MS));
}

/* Starts sealkeys as an ordinary parent would. */
static void
start(const atf_tc_t *tc)
{
	static struct proc_init init;
	struct msgout *m;
	struct msg in;
	char path[1024];
	int fds[2], log_fds[2];

	(void)snprintf(path, sizeof(path), "%s/../../../usr.sbin/sealkeys/%s",
	    atf_tc_get_config_var(tc, "srcdir"), "sealkeys");
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	ATF_REQUIRE_EQ(0, wire_pair(log_fds));
	child = fork();
	ATF_REQUIRE(child != -1);
	if (child == 0) {
		if (fds[1] != PROC_FD && dup2(fds[1], PROC_FD) == -1)
			_exit(126);
		(void)fcntl(PROC_FD, F_SETFD, 0);
		execl(path, "sealkeys", (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	parent_fd = fds[0];
	(void)strlcpy(init.name, "sealkeys", sizeof(init.name));
	init.uid = (uint32_t)getuid();
	init.gid = (uint32_t)getgid();
	(void)strlcpy(init.dir, "/", sizeof(init.dir));
	init.nofile = 256;
	(void)strlcpy(init.promises, "stdio recvfd", sizeof(init.promises));
	m = msg_new_fd(parent_fd, PROC_INIT, 0);
	proc_init_put(m, &init);
	msg_put_fd(m, log_fds[1]);
	send_ok(m);
	ATF_REQUIRE_EQ(1, msg_recv_wait(parent_fd, &in, WAIT_MS));
	ATF_CHECK_EQ(PROC_READY, in.type);
	ATF_CHECK_EQ(PROC_SANDBOX_FULL, msg_get_u8(&in));
	msg_done(&in);
}

static void
send_keys(EVP_PKEY *const *keys, size_t n)
{
	struct msgout *m;
	char *pem;
	size_t len;

	send_ok(msg_new_fd(parent_fd, PROC_RELOAD_BEGIN, 0));
	m = msg_new_fd(parent_fd, KEYS_CONFIG_BASE, 0);
	msg_put_u32(m, ++generation);
	msg_put_u32(m, ticket_life);
	send_ok(m);
	for (size_t i = 0; i < n; i++) {
		m = msg_new_fd(parent_fd, KEYS_CONFIG_KEY, 0);
		msg_put_str(m, "name");
		pem = testkey_pem(keys[i], NULL, &len);
		msg_put_bytes(m, pem, len);
		send_ok(m);
	}
	send_ok(msg_new_fd(parent_fd, PROC_RELOAD_COMMIT, 0));
}

/* A wire as an engine has it. */
static int
new_wire(void)
{
	struct msgout *m;
	int fds[2];

	ATF_REQUIRE_EQ(0, wire_pair(fds));
	m = msg_new_fd(parent_fd, PROC_WIRE, 0);
	msg_put_str(m, "imap-engine");
	msg_put_u32(m, 0);
	msg_put_fd(m, fds[1]);
	send_ok(m);
	return fds[0];
}

/* The next message but tickets, as msg_recv_wait(). */
static int
answer(int fd, struct msg *m)
{
	int ret;

	for (;;) {
		ret = msg_recv_wait(fd, m, WAIT_MS);
		if (ret != 1 || m->type != KEYS_TICKETS_ARE)
			return ret;
		msg_done(m);
	}
}

static struct msgout *
request(int fd, EVP_PKEY *key, enum keys_how how, const uint8_t *digest,
    uint32_t id)
{
	uint8_t key_id[KEYS_ID_LEN], req[KEYS_DIGEST_MAX];
	struct msgout *m;
	size_t len;

	testkey_id(key, key_id);
	len = testkey_request(key, how, digest, req);
	m = msg_new_fd(fd, KEYS_SIGN, id);
	msg_put_u8(m, (uint8_t)how);
	msg_put_raw(m, key_id, sizeof(key_id));
	msg_put_bytes(m, req, len);
	return m;
}

/* Whether it signs with this key. */
static bool
signs(int fd, EVP_PKEY *key, enum keys_how how)
{
	static uint32_t id;
	uint8_t digest[32];
	const uint8_t *sig;
	struct msg m;
	size_t len;
	bool good;

	arc4random_buf(digest, sizeof(digest));
	send_ok(request(fd, key, how, digest, ++id));
	ATF_REQUIRE_EQ(1, answer(fd, &m));
	ATF_CHECK_EQ(id, m.id);
	good = false;
	if (m.type == KEYS_SIGNED) {
		sig = msg_get_bytes(&m, &len, KEYS_SIGNATURE_MAX);
		good = testkey_verify(key, how, digest, sig, len);
		ATF_CHECK(good);
	} else
		ATF_CHECK_EQ(KEYS_REFUSED, m.type);
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
	return good;
}

/* It is there to the end, and ends with its parent. */
static void
finish(void)
{
	int status;

	ATF_CHECK_EQ(0, waitpid(child, &status, WNOHANG));
	(void)close(parent_fd);
	ATF_REQUIRE_EQ(child, waitpid(child, &status, 0));
	ATF_CHECK_MSG(WIFEXITED(status), "status %d", status);
}

ATF_TC_WITHOUT_HEAD(signatures);
ATF_TC_BODY(signatures, tc)
{
	EVP_PKEY *keys[2];
	int a, b;

	keys[0] = testkey_new("RSA", 2048);
	keys[1] = testkey_new("EC", 0);
	start(tc);
	a = new_wire();
	/* Before it has keys. */
	ATF_CHECK(!signs(a, keys[0], KEYS_RSA_RAW));
	send_keys(keys, 2);
	b = new_wire();
	ATF_CHECK(signs(b, keys[1], KEYS_ECDSA));
	for (int i = 0; i < 20; i++) {
		ATF_CHECK(signs(a, keys[0], KEYS_RSA_RAW));
		ATF_CHECK(signs(b, keys[0], KEYS_RSA_PKCS1));
		ATF_CHECK(signs(a, keys[1], KEYS_ECDSA));
	}
	/* A reload takes the old keys away. */
	send_keys(&keys[1], 1);
	ATF_CHECK(signs(new_wire(), keys[1], KEYS_ECDSA));
	ATF_CHECK(!signs(a, keys[0], KEYS_RSA_RAW));
	finish();
}

/* One engine's nonsense costs it its wire and nobody else theirs. */
ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	static uint8_t big[KEYS_DIGEST_MAX + 1];
	EVP_PKEY *key;
	struct msgout *m;
	struct msg in;
	uint8_t id[KEYS_ID_LEN];
	int good, bad;

	key = testkey_new("EC", 0);
	testkey_id(key, id);
	start(tc);
	send_keys(&key, 1);
	good = new_wire();
	for (int i = 0; i < 5; i++) {
		bad = new_wire();
		m = msg_new_fd(bad, i == 0 ? 77 : KEYS_SIGN, 1);
		if (i < 3) {
			msg_put_u8(m, KEYS_ECDSA);
			msg_put_raw(m, id, i == 1 ? 31 : 32);
		}
		if (i == 0 || i == 2)
			msg_put_bytes(m, big, i == 2 ? sizeof(big) : 32);
		if (i == 3)
			msg_put_space(m, MSG_PAYLOAD_MAX);
		send_ok(m);
		ATF_CHECK_EQ_MSG(0, answer(bad, &in), "case %d", i);
		(void)close(bad);
		ATF_CHECK(signs(good, key, KEYS_ECDSA));
	}
	finish();
}

/* Many requests without reading an answer: bounded, and the others go on. */
ATF_TC_WITHOUT_HEAD(flood);
ATF_TC_BODY(flood, tc)
{
	uint8_t digest[32];
	EVP_PKEY *key;
	int good, bad, n, ret;

	key = testkey_new("EC", 0);
	memset(digest, 1, sizeof(digest));
	(void)signal(SIGPIPE, SIG_IGN);
	start(tc);
	send_keys(&key, 1);
	good = new_wire();
	bad = new_wire();
	ret = 1;
	for (n = 0; n < 50000 && ret == 1; n++)
		ret = msg_send_wait(
		    request(bad, key, KEYS_ECDSA, digest, 1), WAIT_MS);
	ATF_CHECK_EQ(-1, ret);
	/* With requests unread at its end, Linux says the latter. */
	ATF_CHECK(errno == EPIPE || errno == ECONNRESET);
	ATF_CHECK(signs(good, key, KEYS_ECDSA));
	finish();
}

static enum keys_have
asked(int fd, EVP_PKEY *key)
{
	uint8_t id[KEYS_ID_LEN], have;
	struct msgout *m;
	struct msg in;

	testkey_id(key, id);
	m = msg_new_fd(fd, KEYS_HAVE, 5);
	msg_put_raw(m, id, sizeof(id));
	send_ok(m);
	ATF_REQUIRE_EQ(1, answer(fd, &in));
	ATF_CHECK_EQ(KEYS_HAVE_IS, in.type);
	ATF_CHECK_EQ(5, in.id);
	ATF_CHECK_EQ(generation, msg_get_u32(&in));
	have = msg_get_u8(&in);
	ATF_CHECK_EQ(0, msg_end(&in));
	msg_done(&in);
	return have;
}

/* A new key in place of one that engines use. */
ATF_TC_WITHOUT_HEAD(replaced);
ATF_TC_BODY(replaced, tc)
{
	EVP_PKEY *keys[2];
	int a;

	keys[0] = testkey_new("EC", 0);
	keys[1] = testkey_new("EC", 0);
	start(tc);
	send_keys(keys, 1);
	a = new_wire();
	ATF_CHECK_EQ(KEYS_HAVE_NOW, asked(a, keys[0]));
	ATF_CHECK_EQ(KEYS_HAVE_NOT, asked(a, keys[1]));
	send_keys(&keys[1], 1);
	/* By a new wire, since that comes behind the keys. */
	a = new_wire();
	ATF_CHECK_EQ(KEYS_HAVE_FORMER, asked(a, keys[0]));
	ATF_CHECK(signs(a, keys[0], KEYS_ECDSA));
	ATF_CHECK_EQ(KEYS_HAVE_NOW, asked(a, keys[1]));
	ATF_CHECK(signs(a, keys[1], KEYS_ECDSA));
	finish();
}

struct tickets {
	uint8_t n;
	struct {
		uint8_t name[KEYS_TICKET_NAME], key[KEYS_TICKET_KEY];
		uint32_t make, take;
	} key[KEYS_TICKETS];
};

static void
get_tickets(int fd, struct tickets *t)
{
	struct msg m;

	memset(t, 0, sizeof(*t));
	ATF_REQUIRE_EQ(1, msg_recv_wait(fd, &m, WAIT_MS));
	ATF_REQUIRE_EQ(KEYS_TICKETS_ARE, m.type);
	t->n = msg_get_u8(&m);
	ATF_REQUIRE(t->n <= KEYS_TICKETS);
	for (int i = 0; i < t->n; i++) {
		(void)msg_get_raw(&m, t->key[i].name, KEYS_TICKET_NAME);
		(void)msg_get_raw(&m, t->key[i].key, KEYS_TICKET_KEY);
		t->key[i].make = msg_get_u32(&m);
		t->key[i].take = msg_get_u32(&m);
	}
	ATF_CHECK_EQ(0, msg_end(&m));
	msg_done(&m);
}

/* All engines have the same; they change in time; none lives too long. */
ATF_TC_WITHOUT_HEAD(tickets);
ATF_TC_BODY(tickets, tc)
{
	struct tickets a, b, next;
	EVP_PKEY *key;
	int one, two;

	key = testkey_new("EC", 0);
	ticket_life = 4;
	start(tc);
	send_keys(&key, 1);
	one = new_wire();
	two = new_wire();
	get_tickets(one, &a);
	get_tickets(two, &b);
	ATF_REQUIRE_EQ(1, a.n);
	ATF_CHECK_EQ(0, memcmp(a.key[0].name, b.key[0].name, 16));
	ATF_CHECK_EQ(0, memcmp(a.key[0].key, b.key[0].key, 64));
	ATF_CHECK(a.key[0].make >= 1 && a.key[0].make <= 2);
	ATF_CHECK(a.key[0].take >= 5 && a.key[0].take <= 6);
	/* A reload leaves them alone, and an engine that is new has them. */
	send_keys(&key, 1);
	get_tickets(one, &a);
	ATF_CHECK_EQ(0, memcmp(a.key[0].key, b.key[0].key, 64));
	for (int i = 0; i < 3; i++) {
		get_tickets(one, &next);
		ATF_REQUIRE(next.n >= 2 && next.n <= KEYS_TICKETS);
		ATF_CHECK(memcmp(next.key[0].key, a.key[0].key, 64) != 0);
		ATF_CHECK_EQ(0, memcmp(next.key[1].key, a.key[0].key, 64));
		for (int k = 1; k < next.n; k++) {
			ATF_CHECK_EQ(0, next.key[k].make);
			ATF_CHECK(next.key[k].take <= 4);
		}
		a = next;
	}
	ATF_CHECK_EQ(KEYS_TICKETS, a.n);
	finish();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, signatures);
	ATF_TP_ADD_TC(tp, nonsense);
	ATF_TP_ADD_TC(tp, flood);
	ATF_TP_ADD_TC(tp, replaced);
	ATF_TP_ADD_TC(tp, tickets);
	return atf_no_error();
}
