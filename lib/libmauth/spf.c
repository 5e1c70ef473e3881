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
 * check_host() of RFC 7208 4, without a stack of its own calls: records that
 * include others lie on a stack of frames, and each question ends the work
 * until it is answered.
 */

#include <sys/types.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spf_local.h"

static void copy_lower(char *, const char *);
static bool spf_next(struct spf *);
static void spf_eval(struct spf *);
static bool spf_count(struct spf *);
static bool spf_target(struct spf *, const struct spf_term *);
static bool is_network(const struct spf *, const struct spf_term *);
static void spf_include(struct spf *);
static void spf_redirect(struct spf *);
static bool spf_is_validated(const struct spf *);
static const char *spf_validated(const struct spf *);
static void spf_ask_ptr(struct spf *);
static bool is_below(const char *, const char *);
static struct spf_frame *top(struct spf *);

struct spf *
spf_new(const struct spf_client *client)
{
	struct spf *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->client = *client;
	copy_lower(s->helo, client->helo);
	(void)strlcpy(s->local, client->local, sizeof(s->local));
	copy_lower(s->domain, client->domain);
	/* RFC 7208 2.4, 4.3 */
	if (s->domain[0] == '\0')
		(void)strlcpy(s->domain, s->helo, sizeof(s->domain));
	if (s->local[0] == '\0' || client->domain[0] == '\0')
		(void)strlcpy(s->local, "postmaster", sizeof(s->local));
	s->client.helo = s->helo;
	s->client.local = s->local;
	s->client.domain = s->domain;
	s->result = MAUTH_NONE;
	/* RFC 7208 4.3: a literal, or a name of one label, has no record. */
	if (!mauth_name_ok(s->domain) || strchr(s->domain, '.') == NULL) {
		s->over = true;
		return s;
	}
	(void)strlcpy(
	    s->frames[0].domain, s->domain, sizeof(s->frames[0].domain));
	spf_ask(s, SPF_ASK_RECORD, MAUTH_TXT, s->domain);
	return s;
}

void
spf_free(struct spf *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SPF_DEPTH_MAX; i++)
		free(s->frames[i].record);
	free(s);
}

const struct mauth_question *
spf_question(const struct spf *s)
{
	return s->over ? NULL : &s->question;
}

enum mauth_result
spf_result(const struct spf *s)
{
	return s->result;
}

const char *
spf_domain(const struct spf *s)
{
	return s->domain;
}

void
spf_run(struct spf *s)
{
	while (!s->over && !s->asking) {
		if (!s->again && !spf_next(s))
			continue;
		s->again = false;
		spf_eval(s);
	}
}

void
spf_over(struct spf *s, enum mauth_result result)
{
	s->over = true;
	s->asking = false;
	s->result = result;
}

void
spf_ask(
    struct spf *s, enum spf_step step, enum mauth_type type, const char *name)
{
	s->asking = true;
	s->step = step;
	s->question.type = type;
	(void)strlcpy(s->question.name, name, sizeof(s->question.name));
}

void
spf_ask_address(struct spf *s, enum spf_step step, const char *name)
{
	spf_ask(s, step, s->client.version == 4 ? MAUTH_A : MAUTH_AAAA, name);
}

void
spf_void(struct spf *s, enum mauth_status status)
{
	if (status == MAUTH_NOTHING && ++s->voids > SPF_VOIDS_MAX)
		spf_over(s, MAUTH_PERMERROR);
}

/*
 * A mechanism matches, and the record is over.  So is an included one, and what
 * includes it goes on by its result (RFC 7208 5.2): errors end all at once.
 */
void
spf_match(struct spf *s)
{
	enum mauth_result result;

	for (result = top(s)->term.result;; result = top(s)->term.result) {
		free(top(s)->record);
		top(s)->record = NULL;
		if (s->depth == 0) {
			spf_over(s, result);
			return;
		}
		s->depth--;
		if (result != MAUTH_PASS)
			return;
	}
}

/* The next term of the record under way.  False: there was none. */
static bool
spf_next(struct spf *s)
{
	struct spf_frame *f;
	int r;

	f = top(s);
	s->counted = false;
	r = spf_term_next(&f->pos, f->end, &f->term);
	if (r == 1)
		return true;
	if (r == 0 && f->redirect.kind == SPF_REDIRECT) {
		f->term = f->redirect;
		f->redirect.kind = SPF_UNKNOWN;
		return true;
	}
	/* RFC 7208 4.7 */
	f->term.result = MAUTH_NEUTRAL;
	spf_match(s);
	return false;
}

static void
spf_eval(struct spf *s)
{
	const struct spf_term *t;

	t = &top(s)->term;
	switch (t->kind) {
	case SPF_ALL:
		spf_match(s);
		return;
	case SPF_IP4:
	case SPF_IP6:
		if (is_network(s, t))
			spf_match(s);
		return;
	case SPF_EXP:
	case SPF_UNKNOWN:
		return;
	case SPF_REDIRECT:
		/* Followed by spf_next(), at the end. */
		if (top(s)->redirect.kind == SPF_REDIRECT)
			return;
		break;
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
		break;
	}
	if (!spf_count(s))
		return;
	if (!s->ptr_known &&
	    (t->kind == SPF_PTR || spf_wants_ptr(t->spec, t->len))) {
		spf_ask_ptr(s);
		return;
	}
	if (!spf_target(s, t)) {
		/* RFC 7208 4.8: no such name; but these need a record. */
		if (t->kind == SPF_INCLUDE || t->kind == SPF_REDIRECT)
			spf_over(s, MAUTH_PERMERROR);
		return;
	}
	switch (t->kind) {
	case SPF_INCLUDE:
		spf_include(s);
		break;
	case SPF_REDIRECT:
		spf_redirect(s);
		break;
	case SPF_A:
		spf_ask_address(s, SPF_ASK_ADDRESS, s->target);
		break;
	case SPF_MX:
		spf_ask(s, SPF_ASK_MX, MAUTH_MX, s->target);
		break;
	case SPF_EXISTS:
		spf_ask(s, SPF_ASK_ADDRESS, MAUTH_A, s->target);
		break;
	case SPF_PTR:
		if (spf_is_validated(s))
			spf_match(s);
		break;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_UNKNOWN:
		break;
	}
}

/* RFC 7208 4.6.4 */
static bool
spf_count(struct spf *s)
{
	if (s->counted)
		return true;
	s->counted = true;
	if (++s->lookups <= SPF_LOOKUPS_MAX)
		return true;
	spf_over(s, MAUTH_PERMERROR);
	return false;
}

/* The name that a term is about; false: it is none that could be. */
static bool
spf_target(struct spf *s, const struct spf_term *t)
{
	struct spf_values v;

	if (t->len == 0) {
		(void)strlcpy(s->target, top(s)->domain, sizeof(s->target));
		return true;
	}
	v.client = &s->client;
	v.local = s->local;
	v.sender = s->domain;
	v.domain = top(s)->domain;
	v.validated = spf_validated(s);
	return spf_expand(&v, t->spec, t->len, s->target) == 0;
}

static bool
is_network(const struct spf *s, const struct spf_term *t)
{
	unsigned int bits, whole, rest;

	if (s->client.version != (t->kind == SPF_IP4 ? 4 : 6))
		return false;
	bits = s->client.version == 4 ? t->bits4 : t->bits6;
	whole = bits / 8;
	rest = bits % 8;
	if (memcmp(t->address, s->client.address, whole) != 0)
		return false;
	return rest == 0 ||
	    ((t->address[whole] ^ s->client.address[whole]) >> (8 - rest)) == 0;
}

/* Lookups are counted before: the stack cannot be too small. */
static void
spf_include(struct spf *s)
{
	struct spf_frame *f;

	f = &s->frames[++s->depth];
	memset(f, 0, sizeof(*f));
	(void)strlcpy(f->domain, s->target, sizeof(f->domain));
	f->redirected = true;
	spf_ask(s, SPF_ASK_RECORD, MAUTH_TXT, f->domain);
}

static void
spf_redirect(struct spf *s)
{
	struct spf_frame *f;

	f = top(s);
	free(f->record);
	memset(f, 0, sizeof(*f));
	(void)strlcpy(f->domain, s->target, sizeof(f->domain));
	f->redirected = true;
	spf_ask(s, SPF_ASK_RECORD, MAUTH_TXT, f->domain);
}

/* RFC 7208 5.5: a name of the address that is the target, or below it. */
static bool
spf_is_validated(const struct spf *s)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (s->validated[i] && is_below(s->names[i], s->target))
			return true;
	return false;
}

/* RFC 7208 7.3: best the domain itself, else one below, else any. */
static const char *
spf_validated(const struct spf *s)
{
	const char *best, *domain;

	best = "unknown";
	domain = s->frames[s->depth].domain;
	for (size_t i = s->n_names; i-- > 0;) {
		if (!s->validated[i])
			continue;
		if (strcasecmp(s->names[i], domain) == 0)
			return s->names[i];
		if (is_below(s->names[i], domain) || !is_below(best, domain))
			best = s->names[i];
	}
	return best;
}

static void
spf_ask_ptr(struct spf *s)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(s->client.version == 4 ? AF_INET : AF_INET6,
		s->client.address, text, sizeof(text)) == NULL)
		text[0] = '\0';
	spf_ask(s, SPF_ASK_PTR, MAUTH_PTR, text);
}

/* Is it this domain, or one below? */
static bool
is_below(const char *name, const char *domain)
{
	size_t n, m;

	n = strlen(name);
	m = strlen(domain);
	if (n < m || strcasecmp(name + n - m, domain) != 0)
		return false;
	return n == m || name[n - m - 1] == '.';
}

static void
copy_lower(char *to, const char *from)
{
	size_t i;

	for (i = 0; i < MAUTH_NAME_MAX - 1 && from[i] != '\0'; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
	if (i > 0 && to[i - 1] == '.')
		i--;
	to[i] = '\0';
}

static struct spf_frame *
top(struct spf *s)
{
	return &s->frames[s->depth];
}
