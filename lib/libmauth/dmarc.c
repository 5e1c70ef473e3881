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
 * Which DMARC record is about a From domain, and whether SPF or DKIM has
 * proved a domain that belongs to it.
 *
 * What belongs together is found by walking up the tree of names, record by
 * record, as the successor of RFC 7489 does, and not by a list of public
 * suffixes: such a list is somebody else's, grows old on disk, and a suite of
 * programs that parse as little as they can would parse 200 KiB more.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mauth.h"

#define LABEL "_dmarc."

struct id {
	enum dmarc_by by;
	char domain[MAUTH_NAME_MAX];
};

enum state {
	STATE_FROM, /* up from the From domain */
	STATE_ID,   /* up from a domain that was proved */
	STATE_IDLE
};

struct dmarc {
	enum state state;
	struct mauth_question question;
	char from[MAUTH_NAME_MAX];
	char base[MAUTH_NAME_MAX]; /* where the walk began */
	const char *at;            /* within base: where it is */
	bool trouble;
	bool has_own, has_org;
	struct dmarc_record own, org; /* of From; highest above it */
	char org_domain[MAUTH_NAME_MAX];
	struct id ids[DMARC_IDS_MAX];
	size_t n_ids, id; /* id: the next to look at */
	bool aligned[2];  /* by enum dmarc_by */
};

static void walk_begin(struct dmarc *, const char *);
static bool walk_up(struct dmarc *);
static void walk_ask(struct dmarc *);
static bool record_of(const struct mauth_answer *, struct dmarc_record *);
static void from_answer(struct dmarc *, const struct mauth_answer *);
static void from_found(struct dmarc *, const struct dmarc_record *);
static void id_answer(struct dmarc *, const struct mauth_answer *);
static void next_id(struct dmarc *);
static bool id_start(struct dmarc *, const struct id *);
static const char *parent(const char *);
static size_t labels(const char *);
static bool is_below(const char *, const char *);
static void copy_lower(char *, const char *);

struct dmarc *
dmarc_new(const char *from)
{
	struct dmarc *d;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	copy_lower(d->from, from);
	d->state = STATE_IDLE;
	if (mauth_name_ok(d->from) &&
	    strlen(d->from) < MAUTH_NAME_MAX - sizeof(LABEL)) {
		d->state = STATE_FROM;
		walk_begin(d, d->from);
	}
	return d;
}

void
dmarc_free(struct dmarc *d)
{
	free(d);
}

void
dmarc_proved(struct dmarc *d, enum dmarc_by by, const char *domain)
{
	struct id *id;

	if (d->n_ids == DMARC_IDS_MAX)
		return;
	id = &d->ids[d->n_ids++];
	id->by = by;
	copy_lower(id->domain, domain);
	if (d->state == STATE_IDLE)
		next_id(d);
}

const struct mauth_question *
dmarc_question(const struct dmarc *d)
{
	return d->state == STATE_IDLE ? NULL : &d->question;
}

void
dmarc_answer(struct dmarc *d, const struct mauth_answer *a)
{
	if (a->status == MAUTH_TROUBLE)
		d->trouble = true;
	if (d->state == STATE_FROM)
		from_answer(d, a);
	else if (d->state == STATE_ID)
		id_answer(d, a);
}

void
dmarc_verdict(const struct dmarc *d, struct dmarc_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->spf = d->aligned[DMARC_BY_SPF];
	v->dkim = d->aligned[DMARC_BY_DKIM];
	if (d->has_own) {
		v->record = d->own;
		v->policy = d->own.p;
		(void)strlcpy(v->domain, d->from, sizeof(v->domain));
	} else if (d->has_org) {
		v->record = d->org;
		v->policy = d->org.sp;
		(void)strlcpy(v->domain, d->org_domain, sizeof(v->domain));
	}
	if (v->spf || v->dkim)
		v->result = MAUTH_PASS;
	else if (d->trouble)
		v->result = MAUTH_TEMPERROR;
	else
		v->result = v->policy == DMARC_NO_POLICY ? MAUTH_NONE :
							   MAUTH_FAIL;
}

static void
walk_begin(struct dmarc *d, const char *domain)
{
	(void)strlcpy(d->base, domain, sizeof(d->base));
	d->at = d->base;
	walk_ask(d);
}

/* To the next name; of a long one the middle is left out. */
static bool
walk_up(struct dmarc *d)
{
	do
		d->at = parent(d->at);
	while (d->at != NULL && labels(d->at) >= DMARC_LABELS_MAX);
	if (d->at == NULL)
		return false;
	walk_ask(d);
	return true;
}

static void
walk_ask(struct dmarc *d)
{
	d->question.type = MAUTH_TXT;
	(void)strlcpy(d->question.name, LABEL, sizeof(d->question.name));
	(void)strlcat(d->question.name, d->at, sizeof(d->question.name));
}

/* RFC 7489 6.6.3: several are none. */
static bool
record_of(const struct mauth_answer *a, struct dmarc_record *r)
{
	struct dmarc_record one;
	size_t n;

	n = 0;
	for (size_t i = 0; a->status == MAUTH_FOUND && i < a->n; i++) {
		if (!dmarc_parse(a->records[i].data, a->records[i].len, &one))
			continue;
		*r = one;
		n++;
	}
	return n == 1;
}

static void
from_answer(struct dmarc *d, const struct mauth_answer *a)
{
	struct dmarc_record r;

	if (record_of(a, &r)) {
		from_found(d, &r);
		if (r.psd == 'n' || (r.psd == 'y' && d->at != d->base)) {
			next_id(d);
			return;
		}
	}
	if (!walk_up(d))
		next_id(d);
}

/* The highest counts, but that of a public suffix: what is below it does. */
static void
from_found(struct dmarc *d, const struct dmarc_record *r)
{
	const char *below, *up;

	if (d->at == d->base) {
		d->has_own = true;
		d->own = *r;
	}
	below = d->at;
	if (r->psd == 'y' && d->at != d->base)
		for (below = d->base; (up = parent(below)) != d->at;)
			below = up;
	d->has_org = true;
	/* A suffix speaks for a domain that says nothing itself. */
	if (below == d->at || d->org_domain[0] == '\0')
		d->org = *r;
	(void)strlcpy(d->org_domain, below, sizeof(d->org_domain));
}

/* Something between the domain and what it seems to belong to? */
static void
id_answer(struct dmarc *d, const struct mauth_answer *a)
{
	struct dmarc_record r;
	const struct id *id;

	id = &d->ids[d->id - 1];
	if (record_of(a, &r) &&
	    (r.psd == 'n' || (r.psd == 'y' && d->at != d->base))) {
		next_id(d);
		return;
	}
	if (a->status != MAUTH_TROUBLE && walk_up(d)) {
		if (strcmp(d->at, d->org_domain) != 0 &&
		    is_below(d->at, d->org_domain))
			return;
		d->aligned[id->by] = true;
	}
	next_id(d);
}

static void
next_id(struct dmarc *d)
{
	d->state = STATE_IDLE;
	while (d->id < d->n_ids)
		if (id_start(d, &d->ids[d->id++]))
			return;
}

/* True: it takes a walk to know. */
static bool
id_start(struct dmarc *d, const struct id *id)
{
	const struct dmarc_record *r;

	if (d->aligned[id->by] || !d->has_org)
		return false;
	r = d->has_own ? &d->own : &d->org;
	if (strcmp(id->domain, d->from) == 0) {
		d->aligned[id->by] = true;
		return false;
	}
	if ((id->by == DMARC_BY_SPF ? r->strict_spf : r->strict_dkim) ||
	    !mauth_name_ok(id->domain) ||
	    strlen(id->domain) >= MAUTH_NAME_MAX - sizeof(LABEL) ||
	    !is_below(id->domain, d->org_domain))
		return false;
	if (strcmp(id->domain, d->org_domain) == 0) {
		d->aligned[id->by] = true;
		return false;
	}
	d->state = STATE_ID;
	walk_begin(d, id->domain);
	return true;
}

static const char *
parent(const char *name)
{
	const char *dot;

	dot = strchr(name, '.');
	return dot == NULL ? NULL : dot + 1;
}

static size_t
labels(const char *name)
{
	size_t n;

	for (n = 1; (name = parent(name)) != NULL;)
		n++;
	return n;
}

/* Is it this domain, or one below?  Both are in lower case. */
static bool
is_below(const char *name, const char *domain)
{
	size_t n, m;

	n = strlen(name);
	m = strlen(domain);
	if (n < m || strcmp(name + n - m, domain) != 0)
		return false;
	return n == m || name[n - m - 1] == '.';
}

static void
copy_lower(char *to, const char *from)
{
	size_t i;

	for (i = 0; i < MAUTH_NAME_MAX - 1 && from[i] != '\0'; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
	to[i] = '\0';
}
