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
 * What the vault does beside its users' requests: taking deliveries in, the
 * store's upkeep, a small step at a time between the turns of the sessions,
 * and, where another host writes the account too, merging what has come of it.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "vault_local.h"

#define IDLE_EVERY_MS (30 * 60 * 1000)
#define IDLE_SLICE_MS 5   /* between two steps of upkeep */
#define IDLE_STARVED_S 60 /* so long users may keep it waiting */
#define IDLE_TROUBLE_S 60 /* after upkeep has failed */
#define DRAIN_EVERY_MS 50 /* between two drains, where mail comes */
#define DRAIN_MOST_MS 200 /* the same, while it pours in: */
#define DRAIN_MANY 4      /* messages that one drain finds */
#define FORGET_MS 1000    /* what messages were sealed with is wiped */
#define COPY_WAIT_MS 20   /* deliveries, where many messages are copied */
/*
 * Between two looks at log/ and keys/ for what another host has written, and at
 * in/ for mail that nobody told of.
 */
#define NEWS_PAIRED_MS 2000
#define NEWS_ALONE_MS (60 * 1000) /* where none is known */

static struct {
	bool holding; /* first answers wait for the mail that waits */
	struct timeval hold_until;
	struct event drain_ev;
	struct event idle_ev;
	struct event news_ev;
	struct event forget_ev;
	time_t waiting;  /* since when there has been something to do; or 0 */
	int64_t mail_ms; /* since when deliveries have waited; 0: none do */
	int64_t drained_ms; /* when the last drain ended */
	int64_t every_ms;   /* between that and the next */
} upkeep;

static void drain_first(void);
static void on_drain(int, short, void *);
static void on_idle(int, short, void *);
static void on_news(int, short, void *);
static void on_forget(int, short, void *);
static void later(struct event *, int ms);
static void drain_pace(unsigned int placed);
static int drain_wait(int64_t now);
static time_t monotonic(void);
static void merge(void);

void
upkeep_init(void)
{
	upkeep.every_ms = DRAIN_EVERY_MS;
	evtimer_set(&upkeep.drain_ev, on_drain, NULL);
	evtimer_set(&upkeep.idle_ev, on_idle, NULL);
	evtimer_set(&upkeep.news_ev, on_news, NULL);
	evtimer_set(&upkeep.forget_ev, on_forget, NULL);
	later(&upkeep.idle_ev, IDLE_WORK_MS);
	later(&upkeep.news_ev, NEWS_PAIRED_MS);
	index_soon();
	drain_first();
}

/* The first SELECT shows the mail that waits, if it is not endless. */
static void
drain_first(void)
{
	upkeep.holding = true;
	(void)gettimeofday(&upkeep.hold_until, NULL);
	upkeep.hold_until.tv_sec += FIRST_DRAIN_MS / 1000;
	later(&upkeep.drain_ev, 0);
}

/* Who logs in sees all that was delivered, whether we have heard of it or not.
 */
void
upkeep_session(void)
{
	if (upkeep.holding || !store_mail_waits(vault_store()))
		return;
	if (copy_under_way())
		upkeep_mail(); /* when that has ended */
	else
		drain_first();
}

/* Whoever asks sees what was delivered before. */
void
upkeep_asked(void)
{
	if (upkeep.mail_ms != 0 && !upkeep.holding && !copy_under_way())
		drain_first();
}

bool
vault_holding(void)
{
	return upkeep.holding;
}

void
upkeep_mail(void)
{
	int64_t now = vault_ms();

	if (upkeep.mail_ms == 0)
		upkeep.mail_ms = now;
	if (upkeep.holding)
		return;
	if (vault_session_next(NULL) == NULL ||
	    !evtimer_pending(&upkeep.drain_ev, NULL))
		later(&upkeep.drain_ev, drain_wait(now));
}

/* Mail pours in where a drain finds many: the next waits for more of them. */
static void
drain_pace(unsigned int placed)
{
	if (placed < DRAIN_MANY)
		upkeep.every_ms = DRAIN_EVERY_MS;
	else if (upkeep.every_ms < DRAIN_MOST_MS)
		upkeep.every_ms *= 2;
}

/*
 * A drain has two syncs, which deliveries wait for, too, so many messages
 * share one while mail pours in.  As long as nobody is logged in it waits for
 * a quiet moment.
 */
static int
drain_wait(int64_t now)
{
	int64_t wait;

	if (vault_session_next(NULL) != NULL)
		wait = upkeep.every_ms - (now - upkeep.drained_ms);
	else if (now - upkeep.mail_ms < IDLE_STARVED_S * 1000)
		wait = IDLE_WORK_MS;
	else
		wait = 0;
	return wait > 0 ? (int)wait : 0;
}

/* Something was written: upkeep waits for a quiet moment, but not for ever. */
void
upkeep_soon(void)
{
	time_t now;

	index_soon();
	/* What is under way goes on between the turns. */
	if (store_busy(vault_store()))
		return;
	now = monotonic();
	if (upkeep.waiting == 0)
		upkeep.waiting = now;
	if (now - upkeep.waiting < IDLE_STARVED_S)
		later(&upkeep.idle_ev, IDLE_WORK_MS);
	else if (!evtimer_pending(&upkeep.idle_ev, NULL))
		later(&upkeep.idle_ev, 0);
}

void
upkeep_now(void)
{
	later(&upkeep.idle_ev, 0);
}

/* A message is being sealed: what it leaves behind is wiped in a second. */
void
upkeep_seal(void)
{
	if (!evtimer_pending(&upkeep.forget_ev, NULL))
		later(&upkeep.forget_ev, FORGET_MS);
}

static void
on_forget(int fd, short what, void *arg)
{
	store_forget(vault_store());
}

/* Somebody says that the other host has sent something. */
void
upkeep_news(void)
{
	later(&upkeep.news_ev, 0);
}

/* Deliveries become messages; in slices, so that sessions go on. */
static void
on_drain(int fd, short what, void *arg)
{
	struct store_drained d;
	struct timeval now;
	enum store_result result;

	rest_later();
	if (copy_under_way()) {
		/* Answers do not wait for its end. */
		if (upkeep.holding)
			vault_run_soon();
		upkeep.holding = false;
		later(&upkeep.drain_ev, COPY_WAIT_MS);
		return;
	}
	memset(&d, 0, sizeof(d));
	upkeep.mail_ms = 0;
	result = store_drain(vault_store(), &d);
	count_add(VAULT_DRAINS, d.placed > 0);
	count_add(VAULT_DRAINED, d.placed);
	count_add(VAULT_UNREADABLE, d.bad);
	if (d.placed > 0)
		log_debug("drained account=%s messages=%u",
		    log_addr(vault_account()), d.placed);
	if (d.bad > 0)
		log_warnx("account=%s deliveries that do not open: %u",
		    log_addr(vault_account()), d.bad);
	if (result == STORE_READONLY || result == STORE_NOSPACE) {
		log_warnx("account=%s deliveries wait: %s",
		    log_addr(vault_account()), store_strerror(result));
		d.more = false;
	} else if (result != STORE_OK)
		vault_fail(store_strerror(result));
	(void)gettimeofday(&now, NULL);
	if (!d.more || now.tv_sec > upkeep.hold_until.tv_sec)
		upkeep.holding = false;
	upkeep.drained_ms = vault_ms();
	drain_pace(d.placed);
	if (d.more)
		later(&upkeep.drain_ev, 0);
	if (d.placed > 0)
		upkeep_soon();
	if (!upkeep.holding)
		vault_run_now();
}

static void
on_idle(int fd, short what, void *arg)
{
	enum store_result result;
	bool more = false;

	rest_later();
	if (copy_under_way()) {
		later(&upkeep.idle_ev, IDLE_WORK_MS);
		return;
	}
	vault_commit();
	result = store_idle(vault_store(), &more);
	if (result == STORE_IO)
		vault_fail("upkeep");
	if (result != STORE_OK) {
		log_warnx("account=%s upkeep: %s", log_addr(vault_account()),
		    store_strerror(result));
		later(&upkeep.idle_ev, IDLE_TROUBLE_S * 1000);
		return;
	}
	if (!more)
		upkeep.waiting = 0;
	later(&upkeep.idle_ev, more ? IDLE_SLICE_MS : IDLE_EVERY_MS);
}

static void
on_news(int fd, short what, void *arg)
{
	bool news;

	rest_later();
	if (copy_under_way()) {
		later(&upkeep.news_ev, IDLE_WORK_MS);
		return;
	}
	/* Keys first: the log may need them. */
	news = keys_news();
	if (store_news(vault_store()) || news)
		merge();
	/* The word of a delivery may have been lost: it is no promise. */
	if (store_damage(vault_store()) == NULL &&
	    store_mail_waits(vault_store()))
		upkeep_mail();
	later(&upkeep.news_ev,
	    store_paired(vault_store()) ? NEWS_PAIRED_MS : NEWS_ALONE_MS);
}

/* Sessions hear of it as of any change. */
static void
merge(void)
{
	struct notify_names *names;
	struct store_merged m;
	enum store_result result;

	vault_commit();
	names = notify_names_note();
	result = store_merge(vault_store(), &m);
	notify_names_tell(names);
	if (result == STORE_NOSPACE) {
		log_warnx("account=%s merging waits: %s",
		    log_addr(vault_account()), store_strerror(result));
		return;
	}
	if (result != STORE_OK)
		vault_fail("merging");
	if (m.added + m.gone + m.flagged + m.again > 0)
		log_debug("account=%s merged: new=%u gone=%u flags=%u again=%u "
			  "hidden=%u",
		    log_addr(vault_account()), m.added, m.gone, m.flagged,
		    m.again, m.hidden);
	upkeep_soon();
	vault_run_soon();
}

static void
later(struct event *ev, int ms)
{
	struct timeval tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)evtimer_add(ev, &tv);
}

static time_t
monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

int64_t
vault_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + 1;
}
