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
 * COPY and MOVE, of many messages in pieces, between which others have their
 * turn.  A move's pieces are whole each: what it has moved is seen.  Of a copy
 * nothing is seen before all of it is there; meanwhile nobody changes the box
 * that it goes to, or takes anything out of the one that it comes from: jobs
 * that would wait, and so do deliveries.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

#define MOVE_PIECE 256 /* messages moved in one go */

static void parse_copy(struct session *, struct job *, struct msg *);
static void change_copy(struct session *, struct job *);
static enum step answer_copy(struct session *, struct job *);

const struct job_kind copy_kinds[] = {
    {V_COPY, false, parse_copy, change_copy, answer_copy},
    {0, false, NULL, NULL, NULL},
};

/* The copy that is under way. */
static struct {
	struct job *job; /* NULL: there is none */
	uint64_t from, to;
} copying;

/* ---- Pieces */

/* Places in the column of what lies in the range. */
static size_t
places(uint64_t box, uint32_t first, uint32_t last, size_t *begin)
{
	size_t end;

	(void)store_msg_find(vault_store(), box, first, begin);
	(void)store_msg_find(vault_store(), box, last + 1, &end);
	return end - *begin;
}

/* A piece is a list in vault_scratch(), until it is copied. */
const struct store_range *
piece_next(const struct session *s, struct job *j, uint32_t max, size_t *n)
{
	const struct store_msg *m;
	struct store_range r, *piece;
	size_t begin, k;
	uint32_t left = max;

	piece = vault_scratch();
	for (*n = 0; j->at < j->nset && left > 0 && *n < STORE_RANGES_MAX;) {
		r = j->set[j->at];
		if (r.first < j->at_uid)
			r.first = j->at_uid;
		k = places(s->view.box, r.first, r.last, &begin);
		if (k > left) {
			m = store_msg_at(
			    vault_store(), s->view.box, begin + left - 1);
			r.last = m->uid;
			j->at_uid = r.last + 1;
			k = left;
		} else
			j->at++;
		left -= (uint32_t)k;
		piece[(*n)++] = r;
	}
	j->pieces += max - left;
	return piece;
}

/*
 * The same from the end on, where messages go: the rest of the set is cut off
 * it.
 */
const struct store_range *
piece_last(const struct session *s, struct job *j, uint32_t max, size_t *n)
{
	const struct store_msg *m;
	struct store_range *r, *piece;
	size_t begin, k;
	uint32_t left = max;

	piece = vault_scratch();
	for (*n = 0; j->nset > 0 && left > 0 && *n < STORE_RANGES_MAX;) {
		r = &j->set[j->nset - 1];
		k = places(s->view.box, r->first, r->last, &begin);
		piece[STORE_RANGES_MAX - ++*n] = *r;
		if (k > left) {
			m = store_msg_at(
			    vault_store(), s->view.box, begin + k - left);
			piece[STORE_RANGES_MAX - *n].first = m->uid;
			r->last = m->uid - 1;
			k = left;
		} else
			j->nset--;
		left -= (uint32_t)k;
	}
	j->pieces += max - left;
	return piece + STORE_RANGES_MAX - *n;
}

/* A first piece was not all: how many messages there are to be. */
void
piece_more(struct session *s, struct job *j)
{
	size_t begin;

	if (j->changing)
		return;
	j->changing = true;
	j->goal = j->pieces;
	for (size_t i = j->at; i < j->nset; i++)
		j->goal += (uint32_t)places(
		    s->view.box, j->set[i].first, j->set[i].last, &begin);
	j->begun = 0;
	progress_begin(j);
}

/* ---- What a copy lets go on beside it */

bool
copy_under_way(void)
{
	return copying.job != NULL;
}

static bool
concerns(uint64_t box)
{
	return box == copying.from || box == copying.to;
}

bool
copy_blocks(const struct session *s, const struct job *j)
{
	const struct store_box *box;

	if (copying.job == NULL || copying.job == j)
		return false;
	switch (j->kind->type) {
	case V_SUBSCRIBE:
	case V_SETMETA:
	case V_SETTINGS_SET:
	case V_REINDEX:
	case V_NOTIFY:
		return false;
	case V_STORE:
		return s->view.selected && s->view.box == copying.to;
	case V_FETCH:
		return (j->items & ROW_SET_SEEN) != 0 && s->view.selected &&
		    s->view.box == copying.to;
	case V_EXPUNGE:
	case V_UNSELECT:
		return s->view.selected && concerns(s->view.box);
	case V_APPEND:
		box = store_box_named(vault_store(), append_target(j));
		return append_replaces(j) ||
		    (box != NULL && box->id == copying.to);
	default:
		return true;
	}
}

void
copy_forget(struct job *j)
{
	if (copying.job != j)
		return;
	copying.job = NULL;
	if (store_copy_cancel(j->copying) != STORE_OK)
		vault_fail("a copy could not be undone");
	j->copying = NULL;
	vault_run_soon(); /* who waited for it */
}

/* ---- The request */

static void
parse_copy(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
	j->on = msg_get_u8(m) != 0;
	get_name(j, m);
	get_set(s, j, m);
}

static void
copied(void *arg, uint32_t uid, uint32_t newuid)
{
	struct job *j = arg;

	uidlist_add(&j->from, uid);
	uidlist_add(&j->to, newuid);
}

/* What failed leaves of a move the messages that did move. */
static void
keep_moved(struct job *j, uint64_t to)
{
	struct uidlist from = j->from, made = j->to;

	memset(&j->from, 0, sizeof(j->from));
	memset(&j->to, 0, sizeof(j->to));
	for (size_t i = 0; i < made.n; i++) {
		if (store_msg_find(vault_store(), to, made.v[i], NULL) == NULL)
			continue;
		uidlist_add(&j->from, from.v[i]);
		uidlist_add(&j->to, made.v[i]);
	}
	uidlist_clear(&from);
	uidlist_clear(&made);
}

/* What there is to be done; false: nothing, and the result says why. */
static bool
copy_resolve(struct session *s, struct job *j)
{
	const struct store_box *to;

	j->result = j->on    ? view_writable(s) :
	    s->view.selected ? DONE_OK :
			       DONE_NOTSELECTED;
	if (j->result != DONE_OK)
		return false;
	if ((to = store_box_named(vault_store(), j->name)) == NULL) {
		j->result = DONE_TRYCREATE;
		return false;
	}
	j->uidvalidity = to->uidvalidity;
	j->to_box = to->id;
	/* Not all of them can be copied: none is (RFC 2180 section 4.4.1). */
	if ((j->result = view_resolve(&s->view, j)) != DONE_OK)
		return false;
	view_limit(&s->view, j, s->limit);
	if (j->limited != 0 && !j->on)
		j->result = DONE_MESSAGES;
	return j->result == DONE_OK;
}

/* RFC 9051 section 6.4.7: all or nothing. */
static void
copy_step(struct session *s, struct job *j)
{
	enum store_result result = STORE_OK;
	bool more = true;

	if (j->copying == NULL) {
		result = store_copy_begin(vault_store(), s->view.box, j->set,
		    j->nset, j->to_box, copied, j, &j->copying);
		copying.from = s->view.box;
		copying.to = j->to_box;
	}
	if (result == STORE_OK)
		result = store_copy_step(j->copying, &more);
	if (result == STORE_OK && more) {
		copying.job = j;
		j->pieces = store_copy_done(j->copying, &j->goal);
		if (!j->changing)
			progress_begin(j);
		j->changing = true;
		return;
	}
	j->changing = false;
	j->copying = NULL;
	if (copying.job == j) {
		copying.job = NULL;
		vault_run_soon();
	}
	if ((j->result = result_of(result)) != DONE_OK) {
		uidlist_clear(&j->from);
		uidlist_clear(&j->to);
	}
}

static void
move_step(struct session *s, struct job *j)
{
	const struct store_range *r;
	enum store_result result = STORE_OK;
	size_t n;

	r = piece_next(s, j, MOVE_PIECE, &n);
	if (n > 0)
		result = store_copy(vault_store(), s->view.box, r, n, j->to_box,
		    true, copied, j);
	if (result == STORE_OK && j->at < j->nset) {
		piece_more(s, j);
		return;
	}
	j->changing = false;
	if ((j->result = result_of(result)) != DONE_OK)
		keep_moved(j, j->to_box);
	j->gone = j->to.n > 0;
	j->bits |= NEWS | NEWS_EXPUNGE; /* RFC 6851, 3.3 */
}

static void
change_copy(struct session *s, struct job *j)
{
	if (!j->changing && !copy_resolve(s, j))
		return;
	if (j->on)
		move_step(s, j);
	else
		copy_step(s, j);
}

static void
put_uids(struct msgout *o, const uint32_t *uid, size_t n)
{
	msg_put_u32(o, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		msg_put_u32(o, uid[i]);
		msg_put_u32(o, uid[i]);
	}
}

/* Pairs, so that both sets of a message hold as many. */
static enum step
answer_copy(struct session *s, struct job *j)
{
	struct msgout *o;
	size_t n;

	while (j->range < j->from.n) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		n = j->from.n - j->range;
		if (n > COPIED_MAX)
			n = COPIED_MAX;
		o = msg_new(s->wire, R_COPIED, j->id);
		msg_put_u32(o, j->uidvalidity);
		put_uids(o, j->from.v + j->range, n);
		put_uids(o, j->to.v + j->range, n);
		msg_send(o);
		j->range += n;
	}
	return STEP_DONE;
}
