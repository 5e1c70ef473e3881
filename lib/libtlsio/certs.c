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
 * The certificates that an engine serves.  Whether a chain has its key only
 * sealkeys knows, which may have taken the configuration earlier or later than
 * this process: it says of which generation its answer is.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../usr.sbin/sealkeys/keys_wire.h"

#include "log.h"
#include "tlsio_certs.h"
#include "tlsio_local.h"

#define AGAIN_MS 20        /* sealkeys is behind: ask again after so long */
#define CHECK_SECONDS 3600 /* at the latest: clocks may be set */
#define SCOPE_MAX (TLSIO_CERTS_MAX * (SITE_NAME_MAX + 1))

/* A chain with its staple, the process's own copy. */
struct pair {
	struct tlsio_cert cert; /* chain NULL: there is none */
	struct chain_info info;
};

struct slot {
	char *name;
	struct pair want; /* what the configuration has */
	struct pair used; /* what is served */
	enum site_cert_state state;
	enum site_ocsp_state ocsp;
	bool staple;                  /* serve used's */
	bool told;                    /* the state is reported */
	char reason[TLSIO_ERROR_MAX]; /* why not as wanted */
	const char *why;              /* there is no staple */
};

static struct {
	struct slot *slots;
	size_t n;
	uint32_t generation;
	const struct tlsio_certs_ops *ops;
	struct event ev_again, ev_check;
	bool has_events;
} certs;

static void evaluate(void);
static bool evaluate_one(struct slot *, bool *);
static void settle(struct slot *, bool, enum site_cert_state, const char *);
static bool check_staple(struct slot *, int64_t *);
static bool check_staples(void);
static void report(struct slot *);
static void slot_want(struct slot *, const struct site_cert *);
static void pair_copy(struct pair *, const struct tlsio_cert *, const char *);
static void pair_clear(struct pair *);
static struct slot *find(struct slot *, size_t, const char *);
static void on_again(int, short, void *);
static void on_check(int, short, void *);
static void later(struct event *, int64_t);

void
tlsio_certs_set(const struct site *site, const struct tlsio_certs_ops *ops)
{
	struct slot *slots, *old;

	slots = calloc(site->n_certs + 1, sizeof(*slots));
	if (slots == NULL || site->n_certs > TLSIO_CERTS_MAX)
		fatal("certificates");
	for (size_t i = 0; i < site->n_certs; i++) {
		slots[i].name = strdup(site->certs[i].name);
		if (slots[i].name == NULL)
			fatal("certificates");
		slot_want(&slots[i], &site->certs[i]);
		old = find(certs.slots, certs.n, slots[i].name);
		if (old == NULL)
			continue;
		slots[i].used = old->used;
		slots[i].used.cert.name = slots[i].name;
		memset(&old->used, 0, sizeof(old->used));
	}
	for (size_t i = 0; i < certs.n; i++) {
		pair_clear(&certs.slots[i].want);
		pair_clear(&certs.slots[i].used);
		free(certs.slots[i].name);
	}
	free(certs.slots);
	certs.slots = slots;
	certs.n = site->n_certs;
	certs.generation = site->generation;
	certs.ops = ops;
	if (!certs.has_events) {
		evtimer_set(&certs.ev_again, on_again, NULL);
		evtimer_set(&certs.ev_check, on_check, NULL);
		certs.has_events = true;
	}
	evaluate();
}

struct tlsio_server *
tlsio_certs_server(uint64_t set, const struct tlsio_server_conf *base)
{
	char scope[SCOPE_MAX], error[TLSIO_ERROR_MAX];
	struct tlsio_cert list[TLSIO_CERTS_MAX];
	struct tlsio_server_conf conf;
	struct tlsio_server *server;
	const struct slot *s;

	conf = *base;
	conf.certs = list;
	conf.n_certs = 0;
	conf.scope = scope;
	(void)strlcpy(scope, base->alpn, sizeof(scope));
	for (size_t i = 0; i < certs.n; i++) {
		s = &certs.slots[i];
		if ((set >> i & 1) == 0)
			continue;
		(void)strlcat(scope, " ", sizeof(scope));
		(void)strlcat(scope, s->name, sizeof(scope));
		if (s->used.cert.chain == NULL)
			continue;
		list[conf.n_certs] = s->used.cert;
		if (!s->staple)
			list[conf.n_certs].ocsp = NULL;
		conf.n_certs++;
	}
	if (conf.n_certs == 0)
		return NULL;
	server = tlsio_server_new(&conf, error);
	if (server == NULL)
		log_warnx("certificates: %s", log_vis(error));
	return server;
}

void
certs_signer(void)
{
	if (certs.ops != NULL)
		evaluate();
}

static void
on_again(int fd, short what, void *arg)
{
	evaluate();
}

/* Staples end by themselves. */
static void
on_check(int fd, short what, void *arg)
{
	if (check_staples())
		certs.ops->changed();
	for (size_t i = 0; i < certs.n; i++)
		report(&certs.slots[i]);
}

static void
evaluate(void)
{
	bool behind;

	behind = false;
	for (size_t i = 0; i < certs.n; i++) {
		if (!evaluate_one(&certs.slots[i], &behind))
			break;
	}
	if (behind)
		later(&certs.ev_again, AGAIN_MS);
	(void)check_staples();
	certs.ops->changed();
	for (size_t i = 0; i < certs.n; i++)
		report(&certs.slots[i]);
}

/* False if there is nobody to ask now. */
static bool
evaluate_one(struct slot *s, bool *behind)
{
	char error[TLSIO_ERROR_MAX];
	uint32_t generation;
	int have;

	if (chain_check(&s->want.cert, &s->want.info, error) == -1) {
		settle(s, false, SITE_CERT_FORMER, error);
		return true;
	}
	have = signer_have(s->want.info.key, &generation);
	if (have == -1)
		return false;
	if (generation != certs.generation) {
		*behind = true;
		return true;
	}
	switch ((enum keys_have)have) {
	case KEYS_HAVE_NOW:
		settle(s, true, SITE_CERT_SERVED, "");
		break;
	case KEYS_HAVE_FORMER:
		settle(s, true, SITE_CERT_FORMER,
		    "it fits the key of before, not that of its key file");
		break;
	case KEYS_HAVE_NOT:
		settle(s, false, SITE_CERT_FORMER,
		    "its key file has not the key that it was made for");
		break;
	}
	return true;
}

static void
settle(
    struct slot *s, bool take, enum site_cert_state state, const char *reason)
{
	if (take) {
		pair_clear(&s->used);
		pair_copy(&s->used, &s->want.cert, s->name);
		s->used.info = s->want.info;
	}
	if (s->used.cert.chain == NULL)
		state = SITE_CERT_NONE;
	s->state = state;
	s->told = false;
	(void)strlcpy(s->reason, reason, sizeof(s->reason));
}

/* Whether something has changed; sets the time to look again. */
static bool
check_staples(void)
{
	int64_t next;
	bool changed;

	next = CHECK_SECONDS;
	changed = false;
	for (size_t i = 0; i < certs.n; i++)
		changed = check_staple(&certs.slots[i], &next) || changed;
	later(&certs.ev_check, next * 1000);
	return changed;
}

static bool
check_staple(struct slot *s, int64_t *next)
{
	enum site_ocsp_state state;
	const char *reason;
	int64_t left, until;
	bool before;

	before = s->staple;
	if (s->used.cert.chain == NULL)
		return false;
	state = chain_ocsp(&s->used.cert, &until, &reason);
	s->staple = state == SITE_OCSP_SERVED;
	left = until - (int64_t)time(NULL);
	if (s->staple && left < *next)
		*next = left < 1 ? 1 : left;
	if (state != s->ocsp)
		s->told = false;
	s->ocsp = state;
	s->why = reason;
	return before != s->staple;
}

static void
report(struct slot *s)
{
	struct site_cert_is is;

	if (s->told)
		return;
	s->told = true;
	memset(&is, 0, sizeof(is));
	is.generation = certs.generation;
	(void)strlcpy(is.name, s->name, sizeof(is.name));
	is.state = s->state;
	is.ocsp = s->ocsp;
	if (s->used.cert.chain != NULL) {
		is.expires = s->used.info.expires;
		memcpy(is.spki, s->used.info.key, sizeof(is.spki));
	}
	if (s->reason[0] != '\0')
		(void)strlcpy(is.reason, s->reason, sizeof(is.reason));
	else if (s->why != NULL && s->why[0] != '\0')
		(void)snprintf(
		    is.reason, sizeof(is.reason), "no staple: %s", s->why);
	certs.ops->report(&is);
}

static void
slot_want(struct slot *s, const struct site_cert *cert)
{
	struct tlsio_cert c;

	memset(&c, 0, sizeof(c));
	c.chain = cert->chain;
	c.len = cert->len;
	c.ocsp = cert->ocsp;
	c.ocsp_len = cert->ocsp_len;
	pair_copy(&s->want, &c, s->name);
}

static void
pair_copy(struct pair *p, const struct tlsio_cert *from, const char *name)
{
	char *chain;
	uint8_t *ocsp;

	chain = calloc(1, from->len + 1);
	ocsp = calloc(1, from->ocsp_len + 1);
	if (chain == NULL || ocsp == NULL)
		fatal("certificates");
	memcpy(chain, from->chain, from->len);
	p->cert.name = name;
	p->cert.chain = chain;
	p->cert.len = from->len;
	if (from->ocsp == NULL) {
		free(ocsp);
		return;
	}
	memcpy(ocsp, from->ocsp, from->ocsp_len);
	p->cert.ocsp = ocsp;
	p->cert.ocsp_len = from->ocsp_len;
}

static void
pair_clear(struct pair *p)
{
	free((char *)(uintptr_t)p->cert.chain);
	free((uint8_t *)(uintptr_t)p->cert.ocsp);
	memset(p, 0, sizeof(*p));
}

static struct slot *
find(struct slot *slots, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(slots[i].name, name) == 0)
			return &slots[i];
	}
	return NULL;
}

static void
later(struct event *ev, int64_t ms)
{
	struct timeval tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (evtimer_add(ev, &tv) == -1)
		fatal("certificates");
}
