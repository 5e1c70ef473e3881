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
 * Many wrong passwords from one address, and everybody else: logins at living
 * vaults, a first login, deliveries.  And what an onlooker learns from time.
 * STRESS makes them long.
 */

#include <sys/types.h>

#include <math.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define USER "user@" DRIVER_DOMAIN
#define PASSWORD "a pass phrase"
#define FLOOD 10000
#define AHEAD 900   /* wrong logins that wait at a time */
#define FDS_MAX 128 /* openers at a time: fewer than the store allows */
#define SAMPLES_MAX 4096
#define ATTACKER 1
#define OTHER 2
#define MS 1e3

static struct driver d;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool
stress(void)
{
	return getenv("STRESS") != NULL;
}

struct samples {
	size_t n;
	double v[SAMPLES_MAX];
};

static void
sample(struct samples *s, double v)
{
	if (s->n < SAMPLES_MAX)
		s->v[s->n++] = v;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The q-th part of them is not above. */
static double
quantile(struct samples *s, double q)
{
	ATF_REQUIRE(s->n > 0);
	qsort(s->v, s->n, sizeof(s->v[0]), compare);
	return s->v[(size_t)(q * (double)(s->n - 1))];
}

static void
show(const char *name, struct samples *s)
{
	printf("%-20s n=%zu ms: least %.1f quartiles %.1f %.1f %.1f 95%% %.1f "
	       "most %.1f\n",
	    name, s->n, quantile(s, 0) * MS, quantile(s, .25) * MS,
	    quantile(s, .5) * MS, quantile(s, .75) * MS, quantile(s, .95) * MS,
	    quantile(s, 1) * MS);
}

static void
add(const char *account)
{
	int ctl;

	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, account, PASSWORD, NULL, NULL));
	close(ctl);
}

/* The flood: as many as may wait do wait, until all are sent. */
static struct {
	int sent, waiting, refused, done, total;
	size_t nfds;
	int fd[FDS_MAX];
	uint32_t mine; /* a login of somebody else's, under way */
	int opener;    /* its wire, once there */
} flood;

static void
flood_send(void)
{
	char name[64];

	while (flood.sent < flood.total && flood.waiting < AHEAD) {
		/* Names that are none, and one that is. */
		(void)snprintf(
		    name, sizeof(name), "n%d@" DRIVER_DOMAIN, flood.sent);
		(void)driver_login_send(&d, flood.sent % 50 == 0 ? USER : name,
		    SERVICE_IMAP, ATTACKER);
		flood.sent++;
		flood.waiting++;
	}
}

static void
flood_answer(void)
{
	uint32_t id;
	uint8_t why;
	int fd;

	id = driver_login_answer(&d, &fd, &why);
	if (id == flood.mine) {
		ATF_REQUIRE_MSG(fd != -1, "refused: %u", why);
		driver_auth(fd, PASSWORD);
		flood.opener = fd;
		return;
	}
	flood.waiting--;
	if (fd == -1) {
		ATF_REQUIRE_EQ(REFUSED_UNAVAILABLE, why);
		flood.refused++;
		return;
	}
	driver_auth(fd, "wrong");
	ATF_REQUIRE(flood.nfds < FDS_MAX);
	flood.fd[flood.nfds++] = fd;
}

/* One turn; true if the login of somebody else's has its outcome. */
static bool
flood_turn(int timeout)
{
	struct pollfd p[FDS_MAX + 2];
	size_t n = flood.nfds;

	flood_send();
	p[0] = (struct pollfd){.fd = d.engine, .events = POLLIN};
	p[1] = (struct pollfd){.fd = flood.opener, .events = POLLIN};
	for (size_t i = 0; i < n; i++)
		p[i + 2] = (struct pollfd){.fd = flood.fd[i], .events = POLLIN};
	ATF_REQUIRE(poll(p, (nfds_t)n + 2, timeout) >= 0);
	if (p[1].revents != 0)
		return true;
	for (size_t i = n; i-- > 0;) {
		if (p[i + 2].revents == 0)
			continue;
		ATF_REQUIRE_EQ(
		    REFUSED_CREDENTIALS, driver_outcome(flood.fd[i]));
		close(flood.fd[i]);
		flood.fd[i] = flood.fd[--flood.nfds];
		flood.done++;
	}
	if (p[0].revents != 0)
		flood_answer();
	return false;
}

/* A right login from elsewhere, in the midst of it: how long it took. */
static double
elsewhere(const char *account)
{
	double t = now();
	int s;

	flood.opener = -1;
	flood.mine = driver_login_send(&d, account, SERVICE_IMAP, OTHER);
	while (!flood_turn(-1))
		;
	ATF_REQUIRE_EQ(0, driver_outcome(flood.opener));
	t = now() - t;
	s = flood.opener;
	flood.opener = -1;
	flood.mine = 0;
	close(s);
	return t;
}

static uint32_t
exists(int session)
{
	struct msg m;
	uint32_t n;

	do {
		ATF_REQUIRE_EQ(1, msg_recv_wait(session, &m, DRIVER_WAIT_MS));
		n = m.type == R_EXISTS ? msg_get_u32(&m) : 0;
		msg_done(&m);
	} while (n == 0);
	return n;
}

/* A session of the user's that has INBOX open and idles. */
static int
idler(void)
{
	struct msgout *out;
	struct msg m;
	int s;

	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	out = msg_new_fd(s, V_SELECT, 1);
	msg_put_u8(out, 0);
	msg_put_str(out, "INBOX");
	msg_put_u8(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(s, &m, R_SELECTED);
	msg_done(&m);
	driver_receive(s, &m, R_DONE);
	msg_done(&m);
	out = msg_new_fd(s, V_IDLE, 2);
	msg_put_u8(out, 1);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(s, &m, R_DONE);
	msg_done(&m);
	return s;
}

ATF_TC(others);
ATF_TC_HEAD(others, tc)
{
	atf_tc_set_md_var(tc, "timeout", "3600");
}
ATF_TC_BODY(others, tc)
{
	static struct samples warm, cold, mail;
	char name[64];
	double t;
	int s, n = 0;

	driver_start(&d, atf_tc_get_config_var(tc, "srcdir"), "base",
	    stress() ? 19456 : 8192, stress() ? 2 : 1, 2);
	add(USER);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "c%d@" DRIVER_DOMAIN, i);
		add(name);
	}
	driver_conn(&d, ATTACKER, "192.0.2.1");
	driver_conn(&d, OTHER, "192.0.2.2");
	s = idler();
	flood.total = stress() ? FLOOD : FLOOD / 20;
	flood.opener = -1;
	while (flood.done + flood.refused < flood.total) {
		for (int i = 0; i < 5 && flood.waiting > 0; i++)
			(void)flood_turn(100);
		if (flood.sent == flood.total && flood.waiting == 0) {
			(void)flood_turn(100);
			continue;
		}
		sample(&warm, elsewhere(USER));
		if (++n % 4 == 0 && cold.n < 8) {
			(void)snprintf(
			    name, sizeof(name), "c%zu@" DRIVER_DOMAIN, cold.n);
			sample(&cold, elsewhere(name));
		}
		driver_deliver(&d, USER, "mail");
		t = now();
		(void)exists(s);
		sample(&mail, now() - t);
	}
	printf("%d wrong, %d of them refused unheard\n", flood.total,
	    flood.refused);
	show("login, vault lives", &warm);
	show("first login", &cold);
	show("delivery to session", &mail);
	ATF_CHECK(quantile(&warm, .5) < 0.1);
	ATF_CHECK(quantile(&mail, .5) < 0.1);
	ATF_CHECK_MSG(warm.n > 10 && cold.n > 1, "too few of them");
	close(s);
	driver_stop(&d);
}

/* How far two samples' ranks are from chance, in standard deviations. */
static double
ranks_apart(const struct samples *a, const struct samples *b)
{
	double u = 0, na = (double)a->n, nb = (double)b->n;

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			u += a->v[i] < b->v[j] ? 1 :
			    a->v[i] == b->v[j] ? .5 :
						 0;
	return (u - na * nb / 2) / sqrt(na * nb * (na + nb + 1) / 12);
}

static double
wrong(struct driver *at, const char *account)
{
	double t = now();

	ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
	    driver_login(at, account, "wrong", SERVICE_IMAP, NULL));
	return now() - t;
}

/*
 * Three kinds of wrong logins in turn: all have the same answer, and their
 * times are one distribution.  The control, another cost, is told apart.
 */
ATF_TC(onlooker);
ATF_TC_HEAD(onlooker, tc)
{
	atf_tc_set_md_var(tc, "timeout", "3600");
}
ATF_TC_BODY(onlooker, tc)
{
	static struct samples known, unknown, nowhere, dear;
	const int n = stress() ? 400 : 60;
	const char *srcdir = atf_tc_get_config_var(tc, "srcdir");
	struct driver costly;
	double z;

	driver_start(&d, srcdir, "base", 19456, 2, 1);
	driver_start(&costly, srcdir, "costly", 19456, 4, 1);
	add(USER);
	for (int i = 0; i < n; i++) {
		sample(&known, wrong(&d, USER));
		sample(&unknown, wrong(&d, "nobody@" DRIVER_DOMAIN));
		sample(&nowhere, wrong(&d, "nobody@elsewhere.org"));
		sample(&dear, wrong(&costly, "nobody@" DRIVER_DOMAIN));
	}
	driver_stop(&costly);
	driver_stop(&d);
	z = ranks_apart(&known, &unknown);
	printf("wrong password against unknown name: %.1f\n", z);
	ATF_CHECK_MSG(fabs(z) < 4.5, "told apart: %.1f", z);
	z = ranks_apart(&known, &nowhere);
	printf("... against unknown domain: %.1f\n", z);
	ATF_CHECK_MSG(fabs(z) < 4.5, "told apart: %.1f", z);
	z = ranks_apart(&known, &dear);
	ATF_CHECK_MSG(fabs(z) > 4.5, "the control is not told apart: %.1f", z);
	show("wrong password", &known);
	show("unknown name", &unknown);
	show("unknown domain", &nowhere);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, others);
	ATF_TP_ADD_TC(tp, onlooker);
	return atf_no_error();
}
