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
 * Changes of secrets while others log in with them: whatever comes first, who
 * got in with what was changed or revoked is put out, and afterwards it opens
 * nothing.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "seal_keys.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define LOW 8, 1 /* KiB and passes */
#define USER "user@" DRIVER_DOMAIN
#define LOGINS 12 /* at once, the change among them */
#define ROUNDS 8
#define SECRET_SIZE 64
#define REVOKED 4 /* of R_BYE: the secret that opened it has gone */

static struct driver d;
static char password[SECRET_SIZE] = "password 0";

static void
begin(const atf_tc_t *tc)
{
	int ctl;

	driver_start(&d, atf_tc_get_config_var(tc, "srcdir"), "base", LOW, 2);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, password, NULL, NULL));
	close(ctl);
}

static bool
opens(const char *secret)
{
	return driver_login(&d, USER, secret, SERVICE_IMAP, NULL) == 0;
}

/* Logins and changes, all asked for before any has its answer. */
struct party {
	const char *secret;
	const struct driver_change *change; /* NULL: a login */
	uint32_t id;
	int fd;
	uint8_t why;
	struct driver_answer answer;
};

static void
ask_all(struct party *p, size_t n)
{
	uint32_t id;
	uint8_t why;
	int fd;

	for (size_t i = 0; i < n; i++)
		p[i].id = driver_login_send(&d, USER,
		    p[i].change == NULL ? SERVICE_IMAP : SERVICE_MANAGE, 1);
	for (size_t i = 0; i < n; i++) {
		id = driver_login_answer(&d, &fd, &why);
		ATF_REQUIRE_MSG(fd != -1, "refused: %u", why);
		for (size_t k = 0; k < n; k++) {
			if (p[k].id != id)
				continue;
			p[k].fd = fd;
			if (p[k].change == NULL)
				driver_auth(fd, p[k].secret);
			else
				driver_change_send(
				    fd, p[k].secret, p[k].change);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i].change == NULL) {
			p[i].why = driver_outcome(p[i].fd);
			continue;
		}
		ATF_REQUIRE_EQ(
		    0, driver_change_wait(p[i].fd, &p[i].why, &p[i].answer));
	}
}

/* Who got in by that secret is told so and put out. */
static unsigned int
put_out(struct party *p, size_t n, uint8_t reason)
{
	unsigned int in = 0;
	struct msg m;
	int got;

	for (size_t i = 0; i < n; i++) {
		if (p[i].change == NULL && p[i].why == 0) {
			in++;
			do {
				got = msg_recv_wait(
				    p[i].fd, &m, DRIVER_WAIT_MS);
				ATF_REQUIRE_MSG(got == 1,
				    "a session ends without a word: %d", got);
				if (m.type == R_BYE)
					ATF_CHECK_EQ(reason, msg_get_u8(&m));
				got = (int)m.type;
				msg_done(&m);
			} while (got != R_BYE);
		} else if (p[i].change == NULL)
			ATF_CHECK_EQ(REFUSED_CREDENTIALS, p[i].why);
		close(p[i].fd);
	}
	return in;
}

/* With a vault that lives (even rounds), or without. */
static void
settle(int round)
{
	if (round % 2 == 0)
		(void)opens(password);
	else
		(void)usleep(1500 * 1000); /* the linger is a second */
}

ATF_TC(change_and_logins);
ATF_TC_HEAD(change_and_logins, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(change_and_logins, tc)
{
	struct driver_change c = {.op = SLOT_PASSWD};
	struct party p[LOGINS];
	char fresh[SECRET_SIZE];
	unsigned int in = 0;

	begin(tc);
	for (int round = 0; round < ROUNDS; round++) {
		settle(round);
		(void)snprintf(fresh, sizeof(fresh), "password %d", round + 1);
		c.fresh = fresh;
		memset(p, 0, sizeof(p));
		for (int i = 0; i < LOGINS; i++)
			p[i].secret = password;
		p[round % LOGINS].change = &c;
		ask_all(p, LOGINS);
		ATF_CHECK_EQ(0, p[round % LOGINS].why);
		ATF_CHECK_EQ(SLOT_DONE, p[round % LOGINS].answer.result);
		in += put_out(p, LOGINS, REVOKED);
		ATF_CHECK_MSG(!opens(password), "the old one opens");
		ATF_CHECK_MSG(opens(fresh), "the new one does not open");
		(void)strlcpy(password, fresh, sizeof(password));
	}
	printf("%u got in before\n", in);
	driver_stop(&d);
}

/* Two at once, with the same secret: one holds, and it is one that was told. */
ATF_TC(two_changes);
ATF_TC_HEAD(two_changes, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(two_changes, tc)
{
	struct driver_change c[2] = {{.op = SLOT_PASSWD}, {.op = SLOT_PASSWD}};
	struct party p[2];
	char fresh[2][SECRET_SIZE];
	bool done[2], open[2];

	begin(tc);
	for (int round = 0; round < ROUNDS; round++) {
		settle(round);
		memset(p, 0, sizeof(p));
		for (int i = 0; i < 2; i++) {
			(void)snprintf(fresh[i], sizeof(fresh[i]),
			    "password %d.%d", round + 1, i);
			c[i].fresh = fresh[i];
			p[i].secret = password;
			p[i].change = &c[i];
		}
		ask_all(p, 2);
		for (int i = 0; i < 2; i++) {
			close(p[i].fd);
			done[i] = p[i].why == 0 &&
			    p[i].answer.result == SLOT_DONE;
			if (!done[i])
				ATF_CHECK_EQ(REFUSED_CREDENTIALS, p[i].why);
			open[i] = opens(fresh[i]);
			if (open[i])
				(void)strlcpy(
				    password, fresh[i], sizeof(password));
		}
		ATF_CHECK(done[0] || done[1]);
		ATF_CHECK_MSG(
		    open[0] != open[1], "%d and %d", open[0], open[1]);
		ATF_CHECK(!open[0] || done[0]);
		ATF_CHECK(!open[1] || done[1]);
	}
	driver_stop(&d);
}

/* An app password is revoked while its device logs in again and again. */
ATF_TC(revoke_and_logins);
ATF_TC_HEAD(revoke_and_logins, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(revoke_and_logins, tc)
{
	const struct driver_change add = {
	    .op = SLOT_APP_ADD, .label = "x", .scope = SEAL_SCOPE_IMAP};
	struct driver_change revoke = {.op = SLOT_APP_REVOKE};
	struct driver_answer a;
	struct party p[LOGINS];
	unsigned int in = 0;
	int other;

	begin(tc);
	for (int round = 0; round < ROUNDS; round++) {
		ATF_REQUIRE_EQ(0, driver_change(&d, USER, password, &add, &a));
		ATF_REQUIRE_EQ(SLOT_DONE, a.result);
		settle(round);
		revoke.id = a.slot;
		memset(p, 0, sizeof(p));
		for (int i = 0; i < LOGINS; i++)
			p[i].secret = i == round % LOGINS ? password : a.code;
		p[round % LOGINS].change = &revoke;
		ask_all(p, LOGINS);
		ATF_CHECK_EQ(SLOT_DONE, p[round % LOGINS].answer.result);
		/* The user's other sessions are left alone. */
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, password, SERVICE_IMAP, &other));
		in += put_out(p, LOGINS, REVOKED);
		ATF_CHECK_MSG(!opens(a.code), "the app password opens");
		close(other);
	}
	printf("%u got in before\n", in);
	driver_stop(&d);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, change_and_logins);
	ATF_TP_ADD_TC(tp, two_changes);
	ATF_TP_ADD_TC(tp, revoke_and_logins);
	return atf_no_error();
}
