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
 * What one session knows of its box: the translation between its sequence
 * numbers and UIDs, and the news it has not been told yet.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

#define RANK_NONE ((size_t)-1)

static int uid_compare(const void *, const void *);
static size_t ghost_before(struct view *, uint32_t seq, bool *is_ghost);
static size_t column_lower(const struct view *, uint32_t uid);
static bool resolve_uids(struct view *, const struct store_range *, size_t live,
    struct store_range *);
static enum vault_result resolve_seqs(struct view *, const struct store_range *,
    size_t live, struct store_range *, bool *);
static bool tell_flags(struct session *);
static void tell_expunged(struct session *);

void
uidlist_add(struct uidlist *l, uint32_t uid)
{
	uint32_t *v;
	size_t cap;

	if (l->n > 0 && l->v[l->n - 1] >= uid) {
		if (l->v[l->n - 1] == uid)
			return;
		l->mixed = true;
	}
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : l->cap * 2;
		v = vault_alloc(cap, sizeof(*v));
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		free(l->v);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = uid;
}

static int
uid_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
uidlist_sort(struct uidlist *l)
{
	size_t n = 0;

	if (!l->mixed)
		return;
	qsort(l->v, l->n, sizeof(*l->v), uid_compare);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || l->v[n - 1] != l->v[i])
			l->v[n++] = l->v[i];
	l->n = n;
	l->mixed = false;
}

size_t
uidlist_rank(struct uidlist *l, uint32_t uid)
{
	size_t lo = 0, hi, mid;

	if (l->n == 0)
		return 0;
	uidlist_sort(l);
	for (hi = l->n; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		if (l->v[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
uidlist_has(struct uidlist *l, uint32_t uid)
{
	size_t i;

	i = uidlist_rank(l, uid);
	return i < l->n && l->v[i] == uid;
}

void
uidlist_drop(struct uidlist *l, size_t n)
{
	if (n >= l->n) {
		uidlist_clear(l);
		return;
	}
	memmove(l->v, l->v + n, (l->n - n) * sizeof(*l->v));
	l->n -= n;
}

void
uidlist_clear(struct uidlist *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

struct store_range *
uidlist_ranges(struct uidlist *l, size_t *n)
{
	struct store_range *r;
	size_t k = 0;

	r = vault_alloc(l->n > 0 ? l->n : 1, sizeof(*r));
	for (size_t i = 0; i < l->n; i++) {
		if (k > 0 && r[k - 1].last + 1 == l->v[i]) {
			r[k - 1].last = l->v[i];
			continue;
		}
		r[k].first = r[k].last = l->v[i];
		k++;
	}
	*n = k;
	return r;
}

void
view_select(struct view *v, const struct store_box *box, bool readonly)
{
	const struct store_msg *m;

	memset(v, 0, sizeof(*v));
	v->selected = true;
	v->readonly = readonly;
	v->box = box->id;
	v->exists = box->messages;
	m = store_msg_at(
	    vault_store(), box->id, v->exists > 0 ? v->exists - 1 : 0);
	v->told = m == NULL ? 0 : m->uid;
	v->keywords = box->keywords_rev;
	v->known = box->modseq;
}

void
view_clear(struct view *v)
{
	uidlist_clear(&v->ghosts);
	uidlist_clear(&v->changed);
	uidlist_clear(&v->saved);
	memset(v, 0, sizeof(*v));
}

uint32_t
view_live(struct view *v)
{
	uidlist_sort(&v->ghosts);
	return v->exists - (uint32_t)v->ghosts.n;
}

uint32_t
view_seq(struct view *v, uint32_t uid, size_t pos)
{
	return (uint32_t)(pos + 1 + uidlist_rank(&v->ghosts, uid));
}

/* The first place in the column whose UID is not below uid. */
static size_t
column_lower(const struct view *v, uint32_t uid)
{
	size_t pos = 0;

	(void)store_msg_find(vault_store(), v->box, uid, &pos);
	return pos;
}

static uint32_t
uid_at(const struct view *v, size_t pos)
{
	const struct store_msg *m;

	m = store_msg_at(vault_store(), v->box, pos);
	return m == NULL ? 0 : m->uid;
}

/* How many ghosts have a smaller sequence number; whether seq is one. */
static size_t
ghost_before(struct view *v, uint32_t seq, bool *is_ghost)
{
	size_t lo = 0, hi, mid, at;

	*is_ghost = false;
	if (v->ghosts.n == 0)
		return 0;
	uidlist_sort(&v->ghosts);
	for (hi = v->ghosts.n; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		at = column_lower(v, v->ghosts.v[mid]) + mid + 1;
		if (at == seq) {
			*is_ghost = true;
			return mid;
		}
		if (at < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A range of UIDs, cut to what the session knows; false: nothing of it. */
static bool
resolve_uids(struct view *v, const struct store_range *in, size_t live,
    struct store_range *out)
{
	*out = *in;
	if (out->last == UINT32_MAX) {
		/* "*" is the highest message, and n:* always holds it. */
		if (live == 0)
			return false;
		out->last = v->told;
		if (out->first > uid_at(v, live - 1))
			out->first = uid_at(v, live - 1);
	}
	if (out->last > v->told)
		out->last = v->told;
	return out->first <= out->last;
}

/* The same from sequence numbers; *some: the range holds live messages. */
static enum vault_result
resolve_seqs(struct view *v, const struct store_range *in, size_t live,
    struct store_range *out, bool *some)
{
	struct store_range r = *in;
	size_t before_first, before_last, first, last;
	bool ghost_first, ghost_last;

	*some = false;
	if (r.last == UINT32_MAX) {
		r.last = v->exists;
		if (r.first == UINT32_MAX || r.first > r.last)
			r.first = r.last;
	}
	if (r.first == 0 || r.last > v->exists)
		return DONE_BADSEQ;
	before_first = ghost_before(v, r.first, &ghost_first);
	before_last = ghost_before(v, r.last, &ghost_last);
	first = r.first - 1 - before_first;
	last = r.last - 1 - before_last; /* the place of last, or after it */
	if (ghost_last)
		last--; /* may wrap where nothing lives below it */
	if (last != RANK_NONE && first <= last && last < live) {
		out->first = uid_at(v, first);
		out->last = uid_at(v, last);
		*some = true;
	}
	return ghost_first || ghost_last || before_last != before_first ?
	    DONE_EXPUNGED :
	    DONE_OK;
}

static int
range_compare(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Ascending and disjoint: "5:*,7" may name a message twice. */
static size_t
ranges_merge(struct store_range *r, size_t n)
{
	size_t i, k;

	for (i = 1; i < n; i++)
		if (r[i].first <= r[i - 1].last)
			break;
	if (i >= n)
		return n;
	(void)heapsort(r, n, sizeof(*r), range_compare);
	for (i = 1, k = 0; i < n; i++) {
		if (r[i].first > r[k].last)
			r[++k] = r[i];
		else if (r[i].last > r[k].last)
			r[k].last = r[i].last;
	}
	return k + 1;
}

uint32_t
view_last(struct view *v)
{
	size_t live;

	live = view_live(v);
	return live == 0 ? 0 : uid_at(v, live - 1);
}

enum vault_result
view_resolve(struct view *v, struct job *j)
{
	struct store_range *out;
	enum vault_result result = DONE_OK, one;
	size_t live, k = 0;
	bool some;

	if (j->saved) {
		free(j->set);
		uidlist_sort(&v->saved);
		j->set = uidlist_ranges(&v->saved, &j->nset);
	}
	live = view_live(v);
	out = vault_alloc(j->nset > 0 ? j->nset : 1, sizeof(*out));
	for (size_t i = 0; i < j->nset; i++) {
		if (j->saved || (j->bits & BY_UID)) {
			some = resolve_uids(v, &j->set[i], live, &out[k]);
		} else {
			one = resolve_seqs(v, &j->set[i], live, &out[k], &some);
			if (one == DONE_BADSEQ) {
				free(out);
				return one;
			}
			if (one != DONE_OK)
				result = one;
		}
		if (some)
			k++;
	}
	free(j->set);
	j->set = out;
	j->nset = ranges_merge(out, k);
	j->resolved = true;
	return result;
}

/* Places in the column, from the first of the range to after its last. */
static size_t
range_places(const struct view *v, const struct store_range *r, size_t *begin)
{
	*begin = column_lower(v, r->first);
	return column_lower(v, r->last + 1) - *begin;
}

void
view_part(struct view *v, struct job *j)
{
	size_t from, to, begin, n, k = 0, before = 0, total = 0;

	if (j->part == PARTIAL_NOT)
		return;
	for (size_t i = 0; i < j->nset; i++)
		total += range_places(v, &j->set[i], &begin);
	from = j->part_first - 1;
	to = j->part_last < total ? j->part_last : total;
	if (j->part == PARTIAL_LAST) {
		n = from;
		from = total - to;
		to = total < n ? 0 : total - n;
	}
	for (size_t i = 0; i < j->nset; i++, before += n) {
		n = range_places(v, &j->set[i], &begin);
		if (from >= before + n || to <= before || from >= to)
			continue;
		j->set[k] = j->set[i];
		if (from > before)
			j->set[k].first = uid_at(v, begin + (from - before));
		if (to < before + n)
			j->set[k].last = uid_at(v, begin + (to - before) - 1);
		k++;
	}
	j->nset = k;
	j->part = PARTIAL_NOT; /* it is done */
}

void
view_limit(struct view *v, struct job *j, uint32_t max)
{
	size_t begin, n, i, total = 0, gone;

	for (i = 0; i < j->nset; i++)
		total += range_places(v, &j->set[i], &begin);
	if (max == 0 || total <= max)
		return;
	for (i = 0, gone = total - max; gone > 0; i++) {
		n = range_places(v, &j->set[i], &begin);
		if (n > gone) {
			j->set[i].first = uid_at(v, begin + gone);
			break;
		}
		gone -= n;
	}
	j->nset -= i;
	memmove(j->set, j->set + i, j->nset * sizeof(*j->set));
	/* A range may begin with UIDs that nothing has. */
	for (i = 0; range_places(v, &j->set[i], &begin) == 0; i++)
		;
	j->limited = uid_at(v, begin);
}

static size_t
cut_seqs(const struct view *v, struct store_range *r, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (v->exists == 0 ||
		    (r[i].first > v->exists && r[i].last != UINT32_MAX))
			continue;
		r[k] = r[i];
		if (r[k].last != UINT32_MAX && r[k].last > v->exists)
			r[k].last = v->exists;
		k++;
	}
	return k;
}

void
view_ranges(struct view *v, bool uids, const struct store_range *set, size_t n,
    struct ranges *out)
{
	struct job one;

	memset(&one, 0, sizeof(one));
	one.bits = uids ? BY_UID : 0;
	one.set = vault_alloc(n > 0 ? n : 1, sizeof(*one.set));
	if (n > 0)
		memcpy(one.set, set, n * sizeof(*one.set));
	one.nset = uids ? n : cut_seqs(v, one.set, n);
	(void)view_resolve(v, &one);
	out->range = one.set;
	out->n = one.nset;
}

bool
ranges_have(const struct ranges *r, uint32_t uid)
{
	size_t lo = 0, hi = r->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (r->range[mid].first <= uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && r->range[lo - 1].last >= uid;
}

bool
view_news(const struct view *v, const struct store_box *box, bool expunge)
{
	if (!v->selected || box == NULL)
		return false;
	return v->changed.n > 0 || (expunge && v->ghosts.n > 0) ||
	    box->messages + v->ghosts.n > v->exists;
}

/* Rows of the changed; false: not all of them yet. */
static bool
tell_flags(struct session *s)
{
	const struct store_msg *m;
	struct view *v = &s->view;
	struct rows rows;
	size_t i, n, pos;

	uidlist_sort(&v->changed);
	rows_start(&rows, s, 0);
	n = v->changed.n < STEP_ROWS ? v->changed.n : STEP_ROWS;
	for (i = 0; i < n; i++) {
		m = store_msg_find(
		    vault_store(), v->box, v->changed.v[i], &pos);
		if (m != NULL && m->uid <= v->told)
			rows_flags(&rows, m, pos);
	}
	rows_send(&rows);
	uidlist_drop(&v->changed, n);
	return v->changed.n == 0;
}

/*
 * In ascending order, each number counted when the ones before it are gone:
 * what is left below a ghost then is only what lives.
 */
static void
tell_expunged(struct session *s)
{
	struct view *v = &s->view;
	struct msgout *o;
	size_t told = 0, batch;

	uidlist_sort(&v->ghosts);
	while (told < v->ghosts.n) {
		batch = v->ghosts.n - told;
		if (batch > EXPUNGED_MAX)
			batch = EXPUNGED_MAX;
		o = msg_new(s->wire, R_EXPUNGE, 0);
		msg_put_u32(o, (uint32_t)batch);
		for (size_t i = 0; i < batch; i++) {
			msg_put_u32(o,
			    (uint32_t)column_lower(v, v->ghosts.v[told + i]) +
				1);
			msg_put_u32(o, v->ghosts.v[told + i]);
		}
		msg_send(o);
		told += batch;
	}
	v->exists -= (uint32_t)v->ghosts.n;
	uidlist_clear(&v->ghosts);
}

/* No row may show a bit whose name the session has not been told. */
void
view_tell_keywords(struct session *s)
{
	const struct store_box *box;
	struct msgout *o;

	if (!s->view.selected)
		return;
	box = store_box_find(vault_store(), s->view.box);
	if (box == NULL || box->keywords_rev == s->view.keywords)
		return;
	o = msg_new(s->wire, R_KEYWORDS, 0);
	msg_put_u16(o, box->nkeywords);
	for (unsigned int i = 0; i < box->nkeywords; i++)
		msg_put_str(
		    o, box->keywords[i] == NULL ? "" : box->keywords[i]);
	msg_send(o);
	s->view.keywords = box->keywords_rev;
}

/* False if what is new can't be read. */
static bool
tell_exists(struct session *s, const struct store_box *box)
{
	struct view *v = &s->view;
	const struct store_msg *m;
	struct msgout *o;
	uint32_t first, known = v->exists - (uint32_t)v->ghosts.n;

	if (known >= box->messages)
		return false;
	m = store_msg_at(vault_store(), v->box, known);
	if (m == NULL)
		return false;
	first = m->uid;
	m = store_msg_at(vault_store(), v->box, box->messages - 1);
	if (m == NULL)
		return false;
	v->exists = box->messages + (uint32_t)v->ghosts.n;
	v->told = m->uid;
	o = msg_new(s->wire, R_EXISTS, 0);
	msg_put_u32(o, v->exists);
	msg_put_u32(o, first);
	msg_put_u32(o, v->told);
	msg_send(o);
	return true;
}

bool
view_tell(struct session *s, bool expunge, bool flags)
{
	const struct store_box *box;
	struct view *v = &s->view;

	if (!v->selected)
		return true;
	box = store_box_find(vault_store(), v->box);
	if (box == NULL)
		return true;
	view_tell_keywords(s);
	if (flags && v->changed.n > 0 && !tell_flags(s))
		return false;
	if (expunge && v->ghosts.n > 0)
		tell_expunged(s);
	if (box->messages + v->ghosts.n > v->exists && !tell_exists(s, box))
		return true; /* unreadable: nothing to announce */
	if (v->ghosts.n == 0 && v->changed.n == 0)
		v->known = box->modseq;
	return true;
}

void
view_tell_modseq(struct session *s)
{
	struct msgout *o;

	o = msg_new(s->wire, R_MODSEQ, 0);
	msg_put_u64(o, s->view.known < s->safe ? s->view.known : s->safe);
	msg_send(o);
}
