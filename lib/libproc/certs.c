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
 * Certificates, as the engines serve them: what goes wrong and what will expire
 * is logged, and sealctl may ask.  And their files: a renewed one is taken
 * although nobody has said "reload".
 */

#include <sys/types.h>
#include <sys/time.h>

#include <ctype.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "log.h"
#include "msg.h"
#include "parent_local.h"
#include "procs_local.h"

#define DAY 86400
#define SOON_DAYS 30
#define LAST_DAYS 7       /* from here on each day */
#define LOOK_SECONDS 3600 /* between looks at what expires */

/* A certificate of the configuration. */
struct known {
	char name[SITE_NAME_MAX];
	/* By the engine's instance; generation 0: it has said nothing. */
	struct site_cert_is is[PROC_INSTANCES_MAX];
	char said[SITE_REASON_MAX]; /* the reason that was logged */
	int64_t said_expires;       /* likewise; 0: none */
	int64_t warned_days;        /* the last warning's; -1: none */
};

static struct {
	struct known *list;
	size_t n;
	unsigned int instances; /* of the engine */
	struct event ev_look, ev_watch;
	bool refused; /* changed files could not be taken, and it was said */
} certs;

static void remember(const struct parent *);
static struct known *find(const char *);
static struct site_cert_is merged(const struct parent *, const struct known *);
static void say(struct known *, const struct site_cert_is *);
static void warn_expiry(struct known *, const struct site_cert_is *);
static void on_look(int, short, void *);
static void on_watch(int, short, void *);
static void later(struct event *, time_t);

void
certs_begin(struct parent *p)
{
	const struct proc_daemon *d;

	d = &p->daemon;
	for (size_t i = 0; i < d->n_rows; i++) {
		if (strcmp(d->rows[i].name, p->kind->engine) == 0)
			certs.instances = proc_instances(&d->rows[i]);
	}
	evtimer_set(&certs.ev_look, on_look, p);
	evtimer_set(&certs.ev_watch, on_watch, p);
	later(&certs.ev_look, LOOK_SECONDS);
	certs_watch(p);
}

void
certs_watch(struct parent *p)
{
	uint64_t seconds;

	remember(p);
	certs.refused = false;
	(void)evtimer_del(&certs.ev_watch);
	seconds = p->now->conf->limits[CONF_CERTIFICATE_CHECK];
	if (seconds > 0)
		later(&certs.ev_watch, (time_t)seconds);
}

/* The names of the configuration, with what was said of them before. */
static void
remember(const struct parent *p)
{
	const struct conf *conf;
	struct known *list, *old;

	conf = p->now->conf;
	list = calloc(conf->n_certs + 1, sizeof(*list));
	if (list == NULL)
		fatal("certificates");
	for (size_t i = 0; i < conf->n_certs; i++) {
		old = find(conf->certs[i].name);
		if (old != NULL) {
			list[i] = *old;
			continue;
		}
		(void)strlcpy(
		    list[i].name, conf->certs[i].name, sizeof(list[i].name));
		list[i].warned_days = -1;
	}
	free(certs.list);
	certs.list = list;
	certs.n = conf->n_certs;
}

static struct known *
find(const char *name)
{
	for (size_t i = 0; i < certs.n; i++) {
		if (strcmp(certs.list[i].name, name) == 0)
			return &certs.list[i];
	}
	return NULL;
}

void
certs_report(struct parent *p, const struct proc_row *row,
    unsigned int instance, struct msg *m)
{
	struct site_cert_is is;
	struct known *k;

	if (m->type != SITE_CERT_IS ||
	    strcmp(row->name, p->kind->engine) != 0 ||
	    instance >= PROC_INSTANCES_MAX || site_cert_is_get(m, &is) == -1) {
		proc_message_bad(row, instance);
		return;
	}
	/* Sentences for people: log_vis() would take their blanks. */
	for (char *c = is.reason; *c != '\0'; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
	k = find(is.name);
	/* The configuration may have changed meanwhile. */
	if (k == NULL)
		return;
	k->is[instance] = is;
	if (is.generation != p->generation || is.state == SITE_CERT_WAITS)
		return;
	say(k, &is);
	is = merged(p, k);
	warn_expiry(k, &is);
}

/* Each thing once, although all engines say it. */
static void
say(struct known *k, const struct site_cert_is *is)
{
	char text[32];
	time_t t;
	struct tm tm;

	if (strcmp(k->said, is->reason) != 0 && is->reason[0] != '\0') {
		log_warnx("certificate name=%s: %s; %s", log_vis(k->name),
		    is->reason,
		    is->state == SITE_CERT_SERVED     ? "served without" :
			is->state == SITE_CERT_FORMER ? "the one before stays" :
							"not served");
	}
	(void)strlcpy(k->said, is->reason, sizeof(k->said));
	if (is->expires == k->said_expires || is->expires == 0)
		return;
	k->said_expires = is->expires;
	k->warned_days = -1;
	t = (time_t)is->expires;
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	log_info(
	    "certificate name=%s served expires=%s", log_vis(k->name), text);
}

static void
warn_expiry(struct known *k, const struct site_cert_is *is)
{
	int64_t days;

	if (is->expires == 0)
		return;
	days = is->expires - (int64_t)time(NULL);
	days = days < 0 ? -1 : days / DAY;
	if (days >= SOON_DAYS || days == k->warned_days)
		return;
	/* Once when it comes near, and then for each of the last days. */
	if (days >= LAST_DAYS && k->warned_days != -1)
		return;
	if (days < 0)
		log_warnx("certificate name=%s has expired", log_vis(k->name));
	else
		log_warnx("certificate name=%s expires in %lld days",
		    log_vis(k->name), (long long)days);
	k->warned_days = days < 0 ? -2 : days;
}

/* The worst that an engine says; WAITS while one has not spoken. */
static struct site_cert_is
merged(const struct parent *p, const struct known *k)
{
	const struct site_cert_is *is;
	struct site_cert_is all;
	unsigned int n;

	memset(&all, 0, sizeof(all));
	n = 0;
	for (size_t i = 0; i < PROC_INSTANCES_MAX; i++) {
		is = &k->is[i];
		if (is->generation != p->generation ||
		    is->state == SITE_CERT_WAITS)
			continue;
		if (n++ == 0 || is->state > all.state ||
		    (is->state == all.state && is->ocsp > all.ocsp))
			all = *is;
	}
	if (n < certs.instances)
		all.state = SITE_CERT_WAITS;
	return all;
}

void
certs_show(const struct parent *p, struct wire *w, uint32_t id)
{
	struct site_cert_is is;
	struct msgout *m;

	for (size_t i = 0; i < certs.n; i++) {
		is = merged(p, &certs.list[i]);
		m = msg_new(w, CTL_CERTIFICATE, id);
		msg_put_str(m, certs.list[i].name);
		msg_put_u8(m, (uint8_t)is.state);
		msg_put_u8(m, (uint8_t)is.ocsp);
		msg_put_i64(m, is.expires);
		msg_put_raw(m, is.spki, sizeof(is.spki));
		msg_put_str(m, is.reason);
		msg_send(m);
	}
}

static void
on_look(int fd, short what, void *arg)
{
	const struct parent *p;
	struct site_cert_is is;

	p = arg;
	for (size_t i = 0; i < certs.n; i++) {
		is = merged(p, &certs.list[i]);
		warn_expiry(&certs.list[i], &is);
	}
	later(&certs.ev_look, LOOK_SECONDS);
}

/*
 * Whoever renews a certificate writes several files, one after the other: taken
 * between two of them they do not fit, and what was there before stays until
 * the next look.
 */
static void
on_watch(int fd, short what, void *arg)
{
	struct parent *p;
	FILE *errors;
	char *text;
	size_t len;

	p = arg;
	later(&certs.ev_watch,
	    (time_t)p->now->conf->limits[CONF_CERTIFICATE_CHECK]);
	if (!loaded_changed(p->now)) {
		certs.refused = false;
		return;
	}
	text = NULL;
	errors = open_memstream(&text, &len);
	if (errors == NULL)
		fatal("open_memstream");
	if (loaded_refresh(p->now, errors) == 0) {
		log_info("files of certificates have changed");
		p->generation++;
		certs.refused = false;
		proc_resend();
	}
	if (fclose(errors) != 0)
		fatal("open_memstream");
	if (len > 0 && !certs.refused) {
		text[strcspn(text, "\n")] = '\0';
		log_warnx("%s", text);
		certs.refused = true;
	}
	free(text);
}

static void
later(struct event *ev, time_t seconds)
{
	struct timeval tv;

	tv.tv_sec = seconds;
	tv.tv_usec = 0;
	if (evtimer_add(ev, &tv) == -1)
		fatal("certificates");
}
