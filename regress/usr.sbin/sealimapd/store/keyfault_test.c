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
 * Every step of writing key files fails, or ends the process, in a running
 * vault that changes a password, adds, revokes, recovers, rekeys, rotates:
 * afterwards the old secret opens the account or the new one does, and what was
 * said to be done is done.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "keyfault.h"
#include "msg.h"
#include "seal_keys.h"
#include "store_blob.h"
#include "store_driver.h"

#define LOW 8, 1 /* KiB and passes */
#define USER "user@" DRIVER_DOMAIN
#define STEPS_MAX 200
#define SECRET_SIZE 64

static struct driver d;
static struct keyfault *map;
static unsigned int injected;

/* What is known of the account's secrets. */
static struct {
	char password[SECRET_SIZE];
	char fresh[SECRET_SIZE];
	char recovery[SEAL_CODE_SIZE];
	char app[SEAL_CODE_SIZE];
	uint32_t app_id;
	unsigned int n; /* passwords so far */
} me;

static void
begin(const atf_tc_t *tc)
{
	int ctl, fd;

	fd = open(KEYFAULT_FILE, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ATF_REQUIRE(fd != -1 && ftruncate(fd, sizeof(*map)) == 0);
	map = mmap(
	    NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ATF_REQUIRE(map != MAP_FAILED);
	close(fd);
	memset(&me, 0, sizeof(me));
	driver_program("store_faulty");
	driver_start(&d, atf_tc_get_config_var(tc, "srcdir"), "base", LOW, 2);
	(void)strlcpy(me.password, "password 0", sizeof(me.password));
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(
	    0, driver_add(ctl, USER, me.password, NULL, me.recovery));
	close(ctl);
}

/* A wire to an opener; one that died a moment ago is waited for. */
static int
opener(const char *account, uint8_t service)
{
	uint8_t why;
	int fd;

	for (int i = 0; i < 200; i++) {
		(void)driver_login_send(&d, account, service, 1);
		(void)driver_login_answer(&d, &fd, &why);
		if (fd != -1)
			return fd;
		(void)usleep(10000);
	}
	atf_tc_fail("no opener: %u", why);
}

/* What came of a change: the answer, a refusal, or the end of the wire. */
enum { REFUSED = 100, ENDED };

static int
change(
    const char *secret, const struct driver_change *c, struct driver_answer *a)
{
	uint8_t why;
	int fd, ret;

	fd = opener(USER, SERVICE_MANAGE);
	driver_change_send(fd, secret, c);
	ret = driver_change_wait(fd, &why, a);
	close(fd);
	return ret == -1 ? ENDED : why != 0 ? REFUSED : a->result;
}

static void
change_well(
    const char *secret, const struct driver_change *c, struct driver_answer *a)
{
	int got = ENDED;

	/* Of a vault that ends with the change before, the wire may end. */
	for (int i = 0; i < 50 && (got == ENDED || got == REFUSED); i++) {
		got = change(secret, c, a);
		if (got != SLOT_DONE)
			(void)usleep(20000);
	}
	ATF_REQUIRE_EQ_MSG(SLOT_DONE, got, "op %u: %d", c->op, got);
}

static void
arm(enum keyfault_kind kind, unsigned int at)
{
	map->calls = 0;
	map->at = at;
	map->error = at % 2 == 0 ? ENOSPC : EIO;
	map->kind = (int)kind;
}

/* True if it has struck. */
static bool
disarm(void)
{
	map->kind = KEYFAULT_NONE;
	if (map->calls < map->at)
		return false;
	injected++;
	return true;
}

/* Does it open the account's files as they lie there? */
static bool
disk_opens(const char *account, const char *secret)
{
	struct seal_slot_info info;
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_ring *r = NULL;
	uint8_t amk[SEAL_KEY_LEN];
	int acct, base;

	ATF_REQUIRE((base = open("base", O_RDONLY | O_DIRECTORY)) != -1);
	ATF_REQUIRE_EQ(STORE_OK, store_account_open(base, account, &acct));
	ATF_REQUIRE_EQ(0, seal_account_load(acct, &a));
	ATF_REQUIRE_MSG((slots = seal_slots_load(acct, &a)) != NULL,
	    "no slots: %s", strerror(errno));
	if (seal_slots_try(slots, &a, secret, strlen(secret), &seal_kdf_low,
		amk, &info) == 0) {
		r = seal_ring_load(acct, &a, amk);
		ATF_CHECK_MSG(r != NULL, "a slot opens, the ring does not");
	}
	seal_slots_free(slots);
	seal_ring_free(r);
	close(acct);
	close(base);
	return r != NULL;
}

/* Does it open a session?  The disk says the same. */
static bool
opens(const char *secret)
{
	bool disk, vault;
	uint8_t why;
	int fd;

	for (int i = 0; i < 200; i++) {
		fd = opener(USER, SERVICE_IMAP);
		driver_auth(fd, secret);
		why = driver_outcome(fd);
		close(fd);
		if (why != REFUSED_UNAVAILABLE)
			break;
		(void)usleep(10000);
	}
	vault = why == 0;
	disk = disk_opens(USER, secret);
	ATF_CHECK_EQ_MSG(disk, vault,
	    "'%s' opens on disk: %d, at the vault: "
	    "%d",
	    secret, disk, vault);
	return vault;
}

/* The same of a secret that has no other scope than to manage. */
static bool
manages(const char *secret)
{
	const struct driver_change c = {.op = SLOT_APP_REVOKE, .id = 1};
	struct driver_answer a;
	int got = ENDED;

	for (int i = 0; i < 50 && got == ENDED; i++)
		got = change(secret, &c, &a);
	ATF_CHECK_EQ(disk_opens(USER, secret), got == SLOT_UNKNOWN);
	return got == SLOT_UNKNOWN;
}

static bool
step_passwd(enum keyfault_kind kind, unsigned int at)
{
	struct driver_change c = {.op = SLOT_PASSWD, .fresh = me.fresh};
	struct driver_answer a;
	bool old, fresh, struck;
	int got;

	(void)snprintf(me.fresh, sizeof(me.fresh), "password %u", ++me.n);
	arm(kind, at);
	got = change(me.password, &c, &a);
	struck = disarm();
	old = opens(me.password);
	fresh = opens(me.fresh);
	ATF_CHECK_MSG(
	    old != fresh, "passwd at %u: old %d, new %d", at, old, fresh);
	if (got == SLOT_DONE)
		ATF_CHECK_MSG(fresh, "passwd at %u: done and lost", at);
	if (got == SLOT_FAILED)
		ATF_CHECK_MSG(old, "passwd at %u: failed, yet done", at);
	if (fresh)
		(void)strlcpy(me.password, me.fresh, sizeof(me.password));
	return struck;
}

static void
add_app(void)
{
	const struct driver_change c = {
	    .op = SLOT_APP_ADD, .label = "phone", .scope = SEAL_SCOPE_IMAP};
	struct driver_answer a;

	change_well(me.password, &c, &a);
	(void)strlcpy(me.app, a.code, sizeof(me.app));
	me.app_id = a.slot;
}

static bool
step_add(enum keyfault_kind kind, unsigned int at)
{
	const struct driver_change c = {
	    .op = SLOT_APP_ADD, .label = "phone", .scope = SEAL_SCOPE_IMAP};
	struct driver_answer a;
	bool struck;
	int got;

	arm(kind, at);
	got = change(me.password, &c, &a);
	struck = disarm();
	ATF_CHECK_MSG(opens(me.password), "add at %u: locked out", at);
	if (got == SLOT_DONE)
		ATF_CHECK_MSG(opens(a.code), "add at %u: done and lost", at);
	return struck;
}

static bool
step_revoke(enum keyfault_kind kind, unsigned int at)
{
	struct driver_change c = {.op = SLOT_APP_REVOKE};
	struct driver_answer a;
	bool struck, lives;
	int got;

	add_app();
	c.id = me.app_id;
	arm(kind, at);
	got = change(me.password, &c, &a);
	struck = disarm();
	ATF_CHECK_MSG(opens(me.password), "revoke at %u: locked out", at);
	lives = opens(me.app);
	if (got == SLOT_DONE)
		ATF_CHECK_MSG(!lives, "revoke at %u: done, and lives", at);
	if (got == SLOT_FAILED)
		ATF_CHECK_MSG(lives, "revoke at %u: failed, yet gone", at);
	return struck;
}

/* Of recover and rekey: the old code or the new one, where it was told. */
static void
code_changed(const char *op, unsigned int at, int got, const char *fresh)
{
	const struct driver_change again = {.op = SLOT_RECOVER};
	struct driver_answer a;
	bool old;

	ATF_CHECK_MSG(opens(me.password), "%s at %u: locked out", op, at);
	old = manages(me.recovery);
	if (got == SLOT_DONE)
		ATF_CHECK_MSG(!old && manages(fresh),
		    "%s at %u: done, but the old code is %d", op, at, old);
	else if (got == SLOT_FAILED)
		ATF_CHECK_MSG(old, "%s at %u: failed, yet gone", op, at);
	else if (got == SLOT_UNSURE)
		ATF_CHECK_MSG(old != manages(fresh),
		    "%s at %u: neither code, or both", op, at);
	if (old)
		return;
	change_well(me.password, &again, &a);
	(void)strlcpy(me.recovery, a.code, sizeof(me.recovery));
}

static bool
step_recover(enum keyfault_kind kind, unsigned int at)
{
	const struct driver_change c = {.op = SLOT_RECOVER};
	struct driver_answer a;
	bool struck;
	int got;

	arm(kind, at);
	got = change(me.password, &c, &a);
	struck = disarm();
	code_changed("recover", at, got, a.code);
	return struck;
}

static bool
step_rekey(enum keyfault_kind kind, unsigned int at)
{
	const struct driver_change c = {.op = SLOT_REKEY};
	struct driver_answer a;
	bool struck;
	int got;

	add_app();
	arm(kind, at);
	got = change(me.password, &c, &a);
	struck = disarm();
	code_changed("rekey", at, got, a.code);
	if (got == SLOT_DONE)
		ATF_CHECK_MSG(!opens(me.app), "rekey at %u: the app opens", at);
	return struck;
}

/* Another account, whose delivery key is of last month: a login changes it. */
static bool
step_rotate(enum keyfault_kind kind, unsigned int at)
{
	char name[64], code[SEAL_CODE_SIZE];
	struct seal_delivery published, own;
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_slot_info info;
	struct seal_ring *r;
	uint8_t amk[SEAL_KEY_LEN];
	struct msg m;
	bool struck;
	int acct, base, fd;

	(void)snprintf(
	    name, sizeof(name), "r%u-%d@" DRIVER_DOMAIN, at, (int)kind);
	ATF_REQUIRE((base = open("base", O_RDONLY | O_DIRECTORY)) != -1);
	ATF_REQUIRE_EQ(STORE_OK, store_account_create(base, name, &acct));
	r = seal_account_create(acct, 0, "x", 1, &seal_kdf_low,
	    (int64_t)time(NULL) - 31L * 24 * 3600, code);
	ATF_REQUIRE(r != NULL);
	seal_ring_free(r);
	ATF_REQUIRE_EQ(STORE_OK, store_account_publish(base, name, acct));
	arm(kind, at);
	fd = opener(name, SERVICE_IMAP);
	driver_auth(fd, "x");
	if (msg_recv_wait(fd, &m, DRIVER_WAIT_MS) == 1) {
		/* Whatever comes of it, it keeps nobody out. */
		ATF_CHECK_EQ(VAULT_ENGINE_WELCOME, m.type);
		msg_done(&m);
	} else
		ATF_CHECK_EQ(KEYFAULT_STOP, kind);
	struck = disarm();
	close(fd);
	ATF_CHECK(disk_opens(name, "x"));
	ATF_REQUIRE_EQ(0, seal_account_load(acct, &a));
	ATF_REQUIRE((slots = seal_slots_load(acct, &a)) != NULL);
	ATF_REQUIRE_EQ(
	    0, seal_slots_try(slots, &a, "x", 1, &seal_kdf_low, amk, &info));
	ATF_REQUIRE((r = seal_ring_load(acct, &a, amk)) != NULL);
	/* What is published can be opened. */
	ATF_REQUIRE_EQ(0, seal_delivery_load(acct, &a, &published));
	ATF_REQUIRE_EQ(0, seal_ring_delivery(r, &own));
	ATF_CHECK_MSG(published.created <= own.created,
	    "rotate at %u: published before the ring was durable", at);
	seal_ring_free(r);
	seal_slots_free(slots);
	close(acct);
	close(base);
	return struck;
}

/* Each step of it in turn, by each kind of fault. */
static void
all(bool (*step)(enum keyfault_kind, unsigned int), unsigned int least)
{
	unsigned int n;

	for (int kind = KEYFAULT_STOP; kind <= KEYFAULT_STUCK; kind++) {
		injected = 0;
		for (n = 1; step((enum keyfault_kind)kind, n); n++)
			ATF_REQUIRE(n < STEPS_MAX);
		printf("kind %d: %u faults\n", kind, injected);
		ATF_CHECK_MSG(injected >= least, "only %u", injected);
	}
	driver_stop(&d);
}

#define CASE(name, least)                                \
	ATF_TC(name);                                    \
	ATF_TC_HEAD(name, tc)                            \
	{                                                \
		atf_tc_set_md_var(tc, "timeout", "300"); \
	}                                                \
	ATF_TC_BODY(name, tc)                            \
	{                                                \
		begin(tc);                               \
		all(step_##name, least);                 \
	}

/* Open, write, sync, rename, sync; open, write, sync, unlink; sync. */
CASE(passwd, 8)
CASE(add, 8)
CASE(revoke, 8)
CASE(recover, 8)
CASE(rekey, 20)
CASE(rotate, 12)

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, passwd);
	ATF_TP_ADD_TC(tp, add);
	ATF_TP_ADD_TC(tp, revoke);
	ATF_TP_ADD_TC(tp, recover);
	ATF_TP_ADD_TC(tp, rekey);
	ATF_TP_ADD_TC(tp, rotate);
	return atf_no_error();
}
