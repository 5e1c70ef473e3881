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
 * In which order logins have their turn, and what their time tells, through
 * the real imap-store.
 */

#include <sys/types.h>

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define LOW 8, 1     /* KiB and passes */
#define SILENT_MAX 4 /* of master.h */
#define AGREE_SECONDS 240
#define USER "user@" DRIVER_DOMAIN
#define PASSWORD "a pass phrase"

static void
add(struct driver *d, const char *account)
{
	int ctl;

	ctl = driver_ctl(d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, account, PASSWORD, NULL, NULL));
	close(ctl);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool
alike(double a, double b)
{
	return a < b * 1.2 && b < a * 1.2;
}

#define FLOOD 60

/*
 * One address sends many wrong passwords; another's right one overtakes all
 * but the derivation under way.
 */
ATF_TC_WITHOUT_HEAD(fair);
ATF_TC_BODY(fair, tc)
{
	int fds[FLOOD], fd, n = 0, before = 0, let_in = 0;
	struct pollfd p;
	uint32_t id, mine;
	struct driver d;
	uint8_t why;

	driver_start(
	    &d, atf_tc_get_config_var(tc, "srcdir"), "base", 65536, 1, 1);
	add(&d, USER);
	driver_conn(&d, 1, "192.0.2.1");
	driver_conn(&d, 2, "192.0.2.2");
	/* The parent's wire and the engine's are not read in one order. */
	ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, "x@" DRIVER_DOMAIN, "w", SERVICE_IMAP, NULL));
	for (int i = 0; i < FLOOD; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "n%d@" DRIVER_DOMAIN, i);
		(void)driver_login_send(&d, name, SERVICE_IMAP, 1);
	}
	mine = driver_login_send(&d, USER, SERVICE_IMAP, 2);
	while (n < FLOOD) {
		id = driver_login_answer(&d, &fd, &why);
		ATF_REQUIRE(fd != -1);
		if (id != mine) {
			driver_auth(fd, "wrong");
			fds[n++] = fd;
			continue;
		}
		let_in = n;
		driver_auth(fd, PASSWORD);
		ATF_CHECK_EQ(0, driver_outcome(fd));
		close(fd);
		for (int i = 0; i < n; i++) {
			p = (struct pollfd){.fd = fds[i], .events = POLLIN};
			before += poll(&p, 1, 0) == 1;
		}
	}
	ATF_CHECK_MSG(let_in > 0 && before <= 3, "%d before", before);
	for (int i = 0; i < FLOOD; i++) {
		ATF_CHECK_EQ(REFUSED_CREDENTIALS, driver_outcome(fds[i]));
		close(fds[i]);
	}
	driver_stop(&d);
}

/*
 * An unknown name takes the time of a wrong password.  The least of many, until
 * they agree: a busy machine only adds, and a difference of ours would stay.
 */
ATF_TC_WITHOUT_HEAD(unknown_time);
ATF_TC_BODY(unknown_time, tc)
{
	double t, end, known = 1e9, unknown = 1e9;
	struct driver d;

	driver_start(
	    &d, atf_tc_get_config_var(tc, "srcdir"), "base", 65536, 3, 1);
	add(&d, USER);
	end = now() + AGREE_SECONDS;
	for (int i = 0; i < 6 || (!alike(known, unknown) && now() < end); i++) {
		t = now();
		ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
		    driver_login(&d, USER, "wrong", SERVICE_IMAP, NULL));
		t = now() - t;
		known = t < known ? t : known;
		t = now();
		ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
		    driver_login(&d, "nobody@" DRIVER_DOMAIN, "wrong",
			SERVICE_IMAP, NULL));
		t = now() - t;
		unknown = t < unknown ? t : unknown;
	}
	ATF_CHECK_MSG(alike(known, unknown), "known %.1f ms, unknown %.1f ms",
	    known * 1e3, unknown * 1e3);
	driver_stop(&d);
}

/* Past the queue's bound the answer is UNAVAILABLE, and it recovers. */
ATF_TC_WITHOUT_HEAD(queue_full);
ATF_TC_BODY(queue_full, tc)
{
	const int sent = LOGIN_PAIR_MAX + SILENT_MAX + 5;
	int fd, refused = 0;
	struct driver d;
	uint8_t why;

	driver_start(
	    &d, atf_tc_get_config_var(tc, "srcdir"), "base", 65536, 3, 1);
	add(&d, USER);
	/* The first have openers that wait for their secrets. */
	for (int i = 0; i < sent; i++)
		(void)driver_login_send(&d, USER, SERVICE_IMAP, 1);
	for (int i = 0; i < sent; i++) {
		(void)driver_login_answer(&d, &fd, &why);
		if (fd == -1) {
			ATF_CHECK_EQ(REFUSED_UNAVAILABLE, why);
			refused++;
		} else {
			/* Whoever goes away leaves the turn to the next. */
			close(fd);
		}
	}
	ATF_CHECK_EQ(5, refused);
	ATF_CHECK_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, NULL));
	driver_stop(&d);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fair);
	ATF_TP_ADD_TC(tp, unknown_time);
	ATF_TP_ADD_TC(tp, queue_full);
	return atf_no_error();
}
