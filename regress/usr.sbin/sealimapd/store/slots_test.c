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
 * Changes of slots through the real imap-store: which secrets open what, in a
 * living vault and from the disk, before and after.
 */

#include <sys/types.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "seal_keys.h"
#include "store_blob.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define LOW 8, 1 /* KiB and passes */
#define USER "user@" DRIVER_DOMAIN
#define OLD "a pass phrase"
#define NEW "quite another one"
#define KEYS "base/accounts/" DRIVER_DOMAIN "/user/keys"

static struct driver d;
static const char *srcdir;
static char recovery[SEAL_CODE_SIZE];

static void
begin(const atf_tc_t *tc)
{
	int ctl;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	driver_start(&d, srcdir, "base", LOW, 2);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, OLD, NULL, recovery));
	close(ctl);
}

static void
again(void)
{
	driver_stop(&d);
	driver_start(&d, srcdir, "base", LOW, 2);
}

static uint8_t
try(const char *secret, uint8_t service)
{
	return driver_login(&d, USER, secret, service, NULL);
}

static int
session(const char *secret)
{
	int s;

	ATF_REQUIRE_EQ(0, driver_login(&d, USER, secret, SERVICE_IMAP, &s));
	return s;
}

/* The session is ended for the reason that its secret has gone. */
static void
ended(int s, uint8_t reason)
{
	struct msg m;

	driver_receive(s, &m, R_BYE);
	ATF_CHECK_EQ(reason, msg_get_u8(&m));
	msg_done(&m);
	ATF_CHECK(msg_recv_wait(s, &m, DRIVER_WAIT_MS) != 1);
	close(s);
}

static void
passwd(const char *secret, const char *fresh)
{
	const struct driver_change c = {.op = SLOT_PASSWD, .fresh = fresh};
	struct driver_answer a;

	ATF_REQUIRE_EQ(0, driver_change(&d, USER, secret, &c, &a));
	ATF_REQUIRE_EQ(SLOT_DONE, a.result);
	ATF_CHECK(a.slot != 0);
}

static struct driver_answer
app_add(const char *label, uint16_t scope)
{
	const struct driver_change c = {
	    .op = SLOT_APP_ADD, .label = label, .scope = scope};
	struct driver_answer a;

	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_REQUIRE_EQ(SLOT_DONE, a.result);
	ATF_REQUIRE_EQ(SEAL_CODE_SIZE - 1, strlen(a.code));
	return a;
}

static int
files(const char *prefix)
{
	struct dirent *de;
	int n = 0;
	DIR *dir;

	ATF_REQUIRE((dir = opendir(KEYS)) != NULL);
	while ((de = readdir(dir)) != NULL)
		n += strncmp(de->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}

/* The old password opens nothing: no living vault, not from the disk. */
ATF_TC_WITHOUT_HEAD(password);
ATF_TC_BODY(password, tc)
{
	int s, t;

	begin(tc);
	s = session(OLD);
	t = session(OLD);
	passwd(OLD, NEW);
	ended(s, 4);
	ended(t, 4);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(OLD, SERVICE_IMAP));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(OLD, SERVICE_SUBMISSION));
	ATF_CHECK_EQ(0, try(NEW, SERVICE_IMAP));
	ATF_CHECK_EQ(1, files("slots."));
	again();
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(OLD, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(NEW, SERVICE_SUBMISSION));
	again();
	/* Where no vault lives, one is made for it. */
	passwd(NEW, OLD);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(NEW, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	driver_stop(&d);
}

/* What is no proof, and what cannot be a password. */
ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	struct driver_change c = {.op = SLOT_PASSWD, .fresh = NEW};
	struct driver_answer a, app;
	int ctl, s;

	begin(tc);
	app = app_add("no manager", SEAL_SCOPE_IMAP | SEAL_SCOPE_SUBMISSION);
	s = session(OLD);
	for (uint8_t op = SLOT_PASSWD; op <= SLOT_REKEY; op++) {
		c.op = op;
		c.scope = SEAL_SCOPE_IMAP;
		c.id = app.slot;
		ATF_CHECK_EQ(REFUSED_CREDENTIALS,
		    driver_change(&d, USER, "wrong", &c, &a));
		ATF_CHECK_EQ(REFUSED_CREDENTIALS,
		    driver_change(&d, USER, app.code, &c, &a));
		ATF_CHECK_EQ(REFUSED_CREDENTIALS,
		    driver_change(&d, "nobody@" DRIVER_DOMAIN, OLD, &c, &a));
	}
	c.op = SLOT_PASSWD;
	c.fresh = "";
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_CHECK_EQ(SLOT_CANNOT, a.result);
	/* It would be tried as a code and never as a password. */
	c.fresh = recovery;
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_CHECK_EQ(SLOT_CANNOT, a.result);
	ctl = driver_ctl(&d);
	ATF_CHECK_EQ(
	    1, driver_add(ctl, "b@" DRIVER_DOMAIN, recovery, NULL, NULL));
	/* One character less than SEAL_PASSWORD_MIN, and as many. */
	ATF_CHECK_EQ(
	    1, driver_add(ctl, "b@" DRIVER_DOMAIN, "1234567", NULL, NULL));
	ATF_CHECK_EQ(
	    0, driver_add(ctl, "b@" DRIVER_DOMAIN, "12345678", NULL, NULL));
	c.fresh = "1234567";
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_CHECK_EQ(SLOT_SHORT, a.result);
	close(ctl);
	c.op = SLOT_REKEY;
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, recovery, &c, &a));
	ATF_CHECK_EQ(SLOT_CANNOT, a.result);
	c.op = SLOT_APP_REVOKE;
	c.id = 12345;
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_CHECK_EQ(SLOT_UNKNOWN, a.result);
	/* All this has disturbed nobody. */
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(app.code, SERVICE_IMAP));
	close(s);
	driver_stop(&d);
}

/* Scopes hold; a revoked one ends its sessions and those alone. */
ATF_TC_WITHOUT_HEAD(apps);
ATF_TC_BODY(apps, tc)
{
	struct driver_change c = {.op = SLOT_APP_REVOKE};
	struct driver_answer imap, send, a;
	struct msgout *out;
	struct msg m;
	int mine, s, n = 0;

	begin(tc);
	mine = session(OLD);
	imap = app_add("phone", SEAL_SCOPE_IMAP);
	send = app_add("printer", SEAL_SCOPE_SUBMISSION);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(send.code, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(send.code, SERVICE_SUBMISSION));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(imap.code, SERVICE_SUBMISSION));
	s = session(imap.code);
	/* Who asks sees all of them. */
	out = msg_new_fd(s, V_SLOTS, 5);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	for (;;) {
		ATF_REQUIRE_EQ(1, msg_recv_wait(s, &m, DRIVER_WAIT_MS));
		if (m.type != R_SLOT)
			break;
		n++;
		msg_done(&m);
	}
	ATF_CHECK_EQ(R_DONE, m.type);
	msg_done(&m);
	ATF_CHECK_EQ(4, n);
	c.id = imap.slot;
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_CHECK_EQ(SLOT_DONE, a.result);
	ended(s, 4);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(imap.code, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(send.code, SERVICE_SUBMISSION));
	/* The password's session has lived through it. */
	out = msg_new_fd(mine, V_NOOP, 6);
	msg_put_u8(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(mine, &m, R_DONE);
	msg_done(&m);
	close(mine);
	again();
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(imap.code, SERVICE_IMAP));
	ATF_CHECK_EQ(0, try(send.code, SERVICE_SUBMISSION));
	driver_stop(&d);
}

/* A forgotten password is replaced by the code; and the code by another. */
ATF_TC_WITHOUT_HEAD(recover);
ATF_TC_BODY(recover, tc)
{
	struct driver_change c = {.op = SLOT_RECOVER};
	struct driver_answer a, b;
	int s;

	begin(tc);
	s = session(OLD);
	passwd(recovery, NEW);
	ended(s, 4);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(OLD, SERVICE_IMAP));
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, NEW, &c, &a));
	ATF_REQUIRE_EQ(SLOT_DONE, a.result);
	ATF_CHECK_EQ(
	    REFUSED_CREDENTIALS, driver_change(&d, USER, recovery, &c, &b));
	again();
	ATF_CHECK_EQ(
	    REFUSED_CREDENTIALS, driver_change(&d, USER, recovery, &c, &b));
	passwd(a.code, OLD);
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	driver_stop(&d);
}

static uint32_t
messages(int s)
{
	struct msgout *out;
	struct msg m;
	uint32_t n;

	out = msg_new_fd(s, V_SELECT, 1);
	msg_put_u8(out, 0);
	msg_put_str(out, "INBOX");
	msg_put_u8(out, 0);
	msg_put_u8(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(s, &m, R_SELECTED);
	(void)msg_get_u64(&m);
	(void)msg_get_u32(&m);
	(void)msg_get_u32(&m);
	(void)msg_get_u64(&m);
	n = msg_get_u32(&m);
	msg_done(&m);
	driver_receive(s, &m, R_DONE);
	msg_done(&m);
	return n;
}

static void
deliver(const char *text)
{
	driver_deliver(&d, USER, text);
}

/* New keys all through; the mail of before and after is there. */
ATF_TC_WITHOUT_HEAD(rekey);
ATF_TC_BODY(rekey, tc)
{
	const struct driver_change c = {.op = SLOT_REKEY};
	struct driver_answer a, app;
	int s;

	begin(tc);
	app = app_add("phone", SEAL_SCOPE_IMAP);
	deliver("one");
	s = session(OLD);
	ATF_CHECK_EQ(1, messages(s));
	/* This one waits in in/, sealed to the old delivery key. */
	close(s);
	again();
	deliver("two");
	s = session(OLD);
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, OLD, &c, &a));
	ATF_REQUIRE_EQ(SLOT_DONE, a.result);
	ATF_CHECK_EQ(1, a.revoked);
	ended(s, 1);
	deliver("three");
	s = session(OLD);
	ATF_CHECK_EQ(3, messages(s));
	close(s);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS, try(app.code, SERVICE_IMAP));
	ATF_CHECK_EQ(1, files("ring."));
	ATF_CHECK_EQ(1, files("slots."));
	ATF_CHECK_EQ(1, files("delivery."));
	again();
	s = session(OLD);
	ATF_CHECK_EQ(3, messages(s));
	close(s);
	passwd(a.code, NEW);
	again();
	s = session(NEW);
	ATF_CHECK_EQ(3, messages(s));
	close(s);
	driver_stop(&d);
}

/* An account of last month; the keys in it. */
static void
aged(int64_t created)
{
	char code[SEAL_CODE_SIZE];
	struct seal_ring *r;
	int base, acct;

	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(base != -1);
	ATF_REQUIRE_EQ(STORE_OK, store_account_create(base, USER, &acct));
	r = seal_account_create(
	    acct, 0, OLD, strlen(OLD), &seal_kdf_low, created, code);
	ATF_REQUIRE(r != NULL);
	seal_ring_free(r);
	ATF_REQUIRE_EQ(STORE_OK, store_account_publish(base, USER, acct));
	close(acct);
	close(base);
}

static struct seal_delivery
published(void)
{
	struct seal_account a;
	struct seal_delivery del;
	int base, acct;

	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE_EQ(STORE_OK, store_account_open(base, USER, &acct));
	ATF_REQUIRE_EQ(0, seal_account_load(acct, &a));
	ATF_REQUIRE_EQ(0, seal_delivery_load(acct, &a, &del));
	close(acct);
	close(base);
	return del;
}

/* The delivery key changes at the first login of a new month, once. */
ATF_TC_WITHOUT_HEAD(rotation);
ATF_TC_BODY(rotation, tc)
{
	struct seal_delivery before, after, last;
	int s;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	driver_start(&d, srcdir, "base", LOW, 2);
	aged((int64_t)time(NULL) - 31 * 24 * 3600);
	before = published();
	deliver("sealed to the old key");
	s = session(OLD);
	ATF_CHECK_EQ(1, messages(s));
	after = published();
	ATF_CHECK(memcmp(before.keyid, after.keyid, SEAL_KEYID_LEN) != 0);
	deliver("sealed to the new key");
	close(s);
	again();
	s = session(OLD);
	ATF_CHECK_EQ(2, messages(s));
	close(s);
	last = published();
	ATF_CHECK_EQ(0, memcmp(last.keyid, after.keyid, SEAL_KEYID_LEN));
	ATF_CHECK_EQ(1, files("delivery."));
	ATF_CHECK_EQ(1, files("ring."));
	driver_stop(&d);
}

/* A vault that lives long changes the key at a login too. */
ATF_TC_WITHOUT_HEAD(rotation_alive);
ATF_TC_BODY(rotation_alive, tc)
{
	struct seal_delivery before, after;
	int s, t;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	driver_start(&d, srcdir, "base", LOW, 2);
	aged((int64_t)time(NULL) - 30 * 24 * 3600 + 2);
	before = published();
	s = session(OLD);
	after = published();
	ATF_CHECK_EQ(0, memcmp(before.keyid, after.keyid, SEAL_KEYID_LEN));
	(void)sleep(3);
	t = session(OLD);
	for (int i = 0; i < 200; i++) {
		after = published();
		if (memcmp(before.keyid, after.keyid, SEAL_KEYID_LEN) != 0)
			break;
		(void)usleep(10000);
	}
	ATF_CHECK(memcmp(before.keyid, after.keyid, SEAL_KEYID_LEN) != 0);
	deliver("sealed to the new key");
	for (int i = 0; i < 100 && messages(s) != 1; i++)
		(void)usleep(20000);
	ATF_CHECK_EQ(1, messages(t));
	close(s);
	close(t);
	again();
	s = session(OLD);
	ATF_CHECK_EQ(1, messages(s));
	close(s);
	driver_stop(&d);
}

/* What the main slot's derivation costs. */
static struct seal_kdf
cost(void)
{
	struct seal_slot_info info;
	struct seal_slots *slots;
	struct seal_account a;
	struct seal_kdf kdf = {0};
	int base, acct;

	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE_EQ(STORE_OK, store_account_open(base, USER, &acct));
	ATF_REQUIRE_EQ(0, seal_account_load(acct, &a));
	ATF_REQUIRE((slots = seal_slots_load(acct, &a)) != NULL);
	for (size_t i = 0; seal_slots_info(slots, i, &info); i++)
		if (info.kind == SEAL_SLOT_MAIN)
			kdf = info.kdf;
	seal_slots_free(slots);
	close(acct);
	close(base);
	return kdf;
}

static void
wait_cost(uint64_t ops, uint64_t mem)
{
	struct seal_kdf kdf = {0};

	/* The login is answered first. */
	for (int i = 0; i < 200; i++) {
		kdf = cost();
		if (kdf.ops == ops && kdf.mem == mem)
			return;
		(void)usleep(10000);
	}
	atf_tc_fail("cost is %llu, %llu", (unsigned long long)kdf.ops,
	    (unsigned long long)kdf.mem);
}

/* The domain's cost goes up: so does the slot's, at the next login alone. */
ATF_TC_WITHOUT_HEAD(raised);
ATF_TC_BODY(raised, tc)
{
	struct driver_answer app;
	int s;

	begin(tc);
	app = app_add("phone", SEAL_SCOPE_IMAP);
	driver_stop(&d);
	driver_start(&d, srcdir, "base", 16, 2, 2);
	ATF_CHECK_EQ(1, cost().ops);
	/* At a vault that another secret has opened. */
	s = session(app.code);
	ATF_CHECK_EQ(1, cost().ops);
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	wait_cost(2, 16 * 1024);
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	close(s);
	driver_stop(&d);
	/* And by the one that becomes the vault; never down. */
	driver_start(&d, srcdir, "base", 8, 3, 2);
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	wait_cost(3, 16 * 1024);
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	ATF_CHECK_EQ(1, files("slots."));
	driver_stop(&d);
}

/* An opener that hears no secret keeps no core, from its account neither. */
ATF_TC_WITHOUT_HEAD(silent);
ATF_TC_BODY(silent, tc)
{
	struct timespec t, u;
	int fd, ctl;
	uint8_t why;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	driver_start(&d, srcdir, "base", LOW, 1);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, OLD, NULL, recovery));
	close(ctl);
	(void)driver_login_send(&d, USER, SERVICE_IMAP, 1);
	(void)driver_login_answer(&d, &fd, &why);
	ATF_REQUIRE(fd != -1);
	clock_gettime(CLOCK_MONOTONIC, &t);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, "b@" DRIVER_DOMAIN, "x", SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(0, try(OLD, SERVICE_IMAP));
	clock_gettime(CLOCK_MONOTONIC, &u);
	ATF_CHECK_MSG(u.tv_sec - t.tv_sec < 3, "it took %ld s",
	    (long)(u.tv_sec - t.tv_sec));
	close(fd);
	driver_stop(&d);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, password);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, apps);
	ATF_TP_ADD_TC(tp, recover);
	ATF_TP_ADD_TC(tp, rekey);
	ATF_TP_ADD_TC(tp, rotation);
	ATF_TP_ADD_TC(tp, rotation_alive);
	ATF_TP_ADD_TC(tp, raised);
	ATF_TP_ADD_TC(tp, silent);
	return atf_no_error();
}
