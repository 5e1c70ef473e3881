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
 * What answers mean to an SPF check.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "spf_local.h"

static void got_record(struct spf *, const struct mauth_answer *);
static void got_address(struct spf *, const struct mauth_answer *);
static void got_mx(struct spf *, const struct mauth_answer *);
static void got_mx_address(struct spf *, const struct mauth_answer *);
static void got_ptr(struct spf *, const struct mauth_answer *);
static void got_ptr_address(struct spf *, const struct mauth_answer *);
static void next_host(struct spf *);
static void next_name(struct spf *);
static bool has_client(
    const struct spf *, const struct mauth_answer *, const struct spf_term *);
static size_t
names_of(const struct mauth_answer *, size_t, char (*)[MAUTH_NAME_MAX]);

void
spf_answer(struct spf *s, const struct mauth_answer *a)
{
	if (s->over)
		return;
	s->asking = false;
	switch (s->step) {
	case SPF_ASK_RECORD:
		got_record(s, a);
		break;
	case SPF_ASK_ADDRESS:
		got_address(s, a);
		break;
	case SPF_ASK_MX:
		got_mx(s, a);
		break;
	case SPF_ASK_MX_ADDRESS:
		got_mx_address(s, a);
		break;
	case SPF_ASK_PTR:
		got_ptr(s, a);
		break;
	case SPF_ASK_PTR_ADDRESS:
		got_ptr_address(s, a);
		break;
	}
	spf_run(s);
}

/* RFC 7208 4.4 to 4.6 */
static void
got_record(struct spf *s, const struct mauth_answer *a)
{
	struct spf_frame *f;
	const char *terms, *text;
	size_t n, len;

	f = &s->frames[s->depth];
	if (a->status == MAUTH_TROUBLE) {
		spf_over(s, MAUTH_TEMPERROR);
		return;
	}
	n = len = 0;
	text = terms = NULL;
	for (size_t i = 0; a->status == MAUTH_FOUND && i < a->n; i++) {
		if (!spf_is_record(
			a->records[i].data, a->records[i].len, &terms))
			continue;
		n++;
		text = terms;
		len = a->records[i].len - 6;
	}
	if (n == 0) {
		spf_over(s, f->redirected ? MAUTH_PERMERROR : MAUTH_NONE);
		return;
	}
	if (n > 1) {
		spf_over(s, MAUTH_PERMERROR);
		return;
	}
	f->record = malloc(len + 1);
	if (f->record == NULL) {
		spf_over(s, MAUTH_TEMPERROR);
		return;
	}
	memcpy(f->record, text, len);
	f->record[len] = '\0';
	f->pos = f->record;
	f->end = f->record + len;
	/* A mistake anywhere counts, also behind what matches. */
	if (!spf_terms_ok(f->pos, f->end, &f->redirect))
		spf_over(s, MAUTH_PERMERROR);
}

static void
got_address(struct spf *s, const struct mauth_answer *a)
{
	const struct spf_term *t;

	t = &s->frames[s->depth].term;
	if (a->status == MAUTH_TROUBLE)
		spf_over(s, MAUTH_TEMPERROR);
	else if (a->status == MAUTH_NOTHING)
		spf_void(s, a->status);
	else if (t->kind == SPF_EXISTS || has_client(s, a, t))
		spf_match(s);
}

static void
got_mx(struct spf *s, const struct mauth_answer *a)
{
	if (a->status == MAUTH_TROUBLE) {
		spf_over(s, MAUTH_TEMPERROR);
		return;
	}
	spf_void(s, a->status);
	s->n_hosts = s->host = 0;
	if (a->status != MAUTH_FOUND || s->over)
		return;
	if (a->n > SPF_HOSTS_MAX) {
		spf_over(s, MAUTH_PERMERROR);
		return;
	}
	s->n_hosts = names_of(a, SPF_HOSTS_MAX, s->hosts);
	next_host(s);
}

static void
got_mx_address(struct spf *s, const struct mauth_answer *a)
{
	if (a->status == MAUTH_TROUBLE) {
		spf_over(s, MAUTH_TEMPERROR);
		return;
	}
	spf_void(s, a->status);
	if (s->over)
		return;
	if (a->status == MAUTH_FOUND &&
	    has_client(s, a, &s->frames[s->depth].term)) {
		spf_match(s);
		return;
	}
	s->host++;
	next_host(s);
}

static void
next_host(struct spf *s)
{
	if (s->host < s->n_hosts)
		spf_ask_address(s, SPF_ASK_MX_ADDRESS, s->hosts[s->host]);
}

/* RFC 7208 5.5: whatever goes wrong, there is no such name. */
static void
got_ptr(struct spf *s, const struct mauth_answer *a)
{
	spf_void(s, a->status);
	s->name = s->n_names = 0;
	if (a->status == MAUTH_FOUND)
		s->n_names = names_of(a, SPF_PTRS_MAX, s->names);
	next_name(s);
}

static void
got_ptr_address(struct spf *s, const struct mauth_answer *a)
{
	static const struct spf_term whole = {.bits4 = 32, .bits6 = 128};

	s->validated[s->name] = a->status == MAUTH_FOUND &&
	    has_client(s, a, &whole);
	s->name++;
	next_name(s);
}

static void
next_name(struct spf *s)
{
	if (s->over)
		return;
	if (s->name < s->n_names) {
		spf_ask_address(s, SPF_ASK_PTR_ADDRESS, s->names[s->name]);
		return;
	}
	s->ptr_known = true;
	s->again = true;
}

/* Is the client one of these addresses, as far as the term looks? */
static bool
has_client(
    const struct spf *s, const struct mauth_answer *a, const struct spf_term *t)
{
	unsigned int bits, whole, rest;
	const uint8_t *p;

	bits = s->client.version == 4 ? t->bits4 : t->bits6;
	whole = bits / 8;
	rest = bits % 8;
	for (size_t i = 0; i < a->n; i++) {
		p = a->records[i].data;
		if (a->records[i].len != (s->client.version == 4 ? 4 : 16) ||
		    memcmp(p, s->client.address, whole) != 0)
			continue;
		if (rest == 0 ||
		    ((p[whole] ^ s->client.address[whole]) >> (8 - rest)) == 0)
			return true;
	}
	return false;
}

/* Those that can be asked for, the first so many. */
static size_t
names_of(
    const struct mauth_answer *a, size_t max, char (*names)[MAUTH_NAME_MAX])
{
	size_t n;

	n = 0;
	for (size_t i = 0; i < a->n && n < max; i++) {
		if (a->records[i].len >= MAUTH_NAME_MAX)
			continue;
		memcpy(names[n], a->records[i].data, a->records[i].len);
		names[n][a->records[i].len] = '\0';
		if (mauth_name_ok(names[n]))
			n++;
	}
	return n;
}
