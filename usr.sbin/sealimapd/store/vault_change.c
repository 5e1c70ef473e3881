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
 * Requests that change messages: flags, expunges.  Of many messages, a piece at
 * a time; between two of them others have their turn.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

#define OP_REPLACE 0
#define OP_ADD 1
#define OP_REMOVE 2

static void parse_store(struct session *, struct job *, struct msg *);
static void change_store(struct session *, struct job *);
static void parse_expunge(struct session *, struct job *, struct msg *);
static void change_expunge(struct session *, struct job *);
static enum vault_result
keyword_mask(struct session *, struct job *, uint64_t *mask);

const struct job_kind change_kinds[] = {
    {V_STORE, false, parse_store, change_store, rows_answer_flags},
    {V_EXPUNGE, true, parse_expunge, change_expunge, NULL},
    {0, false, NULL, NULL, NULL},
};

enum vault_result
view_writable(const struct session *s)
{
	if (!s->view.selected)
		return DONE_NOTSELECTED;
	return s->view.readonly ? DONE_READONLY : DONE_OK;
}

/* From the end of the set on; what is left of it is j->changing. */
void
expunge_step(struct session *s, struct job *j)
{
	const struct store_range *r;
	enum store_result result = STORE_OK;
	size_t n, before;

	before = s->view.ghosts.n;
	r = piece_last(s, j, STEP_ROWS, &n);
	if (n > 0)
		result = store_expunge(vault_store(), s->view.box, r, n, false);
	j->gone = j->gone || s->view.ghosts.n > before;
	if (result == STORE_OK && j->nset > 0) {
		piece_more(s, j);
		return;
	}
	j->changing = false;
	j->result = result_of(result);
}

static void
parse_store(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
	j->items = msg_get_u8(m);
	if (j->items > OP_REMOVE)
		m->bad = true;
	j->flags = msg_get_u64(m) & FLAG_SYSTEM;
	get_keywords(j, m);
	j->unchanged = msg_get_u64(m);
	get_set(s, j, m);
}

/* The bits of the keywords; only what is set makes new ones. */
static enum vault_result
keyword_mask(struct session *s, struct job *j, uint64_t *mask)
{
	enum store_result result;
	unsigned int bit;

	*mask = j->flags;
	for (size_t i = 0; i < j->nkeywords; i++) {
		result = store_keyword(vault_store(), s->view.box,
		    j->keywords[i], j->items != OP_REMOVE, &bit);
		if (result == STORE_UNKNOWN)
			continue; /* nobody has it: nothing to take away */
		if (result != STORE_OK)
			return result_of(result);
		*mask |= 1ULL << bit;
	}
	return DONE_OK;
}

/*
 * Which of these fail the UNCHANGEDSINCE test; their flags are told, so that
 * the client need not ask (RFC 7162 section 3.1.3).
 */
static void
changed_since(
    struct session *s, struct job *j, const struct store_range *r, size_t n)
{
	const struct store_msg *m;
	size_t pos;

	for (; n > 0; n--, r++) {
		(void)store_msg_find(
		    vault_store(), s->view.box, r->first, &pos);
		for (;; pos++) {
			m = store_msg_at(vault_store(), s->view.box, pos);
			if (m == NULL || m->uid > r->last)
				break;
			if (m->modseq <= j->unchanged)
				continue;
			uidlist_add(&j->failed, m->uid);
			uidlist_add(&s->view.changed, m->uid);
		}
	}
}

/* What there is to be done; false: nothing, and the result says why. */
static bool
store_resolve(struct session *s, struct job *j)
{
	enum vault_result result;

	if ((j->result = view_writable(s)) != DONE_OK)
		return false;
	j->result = view_resolve(&s->view, j);
	if (j->result == DONE_BADSEQ)
		return false;
	view_limit(&s->view, j, s->limit);
	/* Of nothing a keyword is not made either. */
	if (j->nset == 0)
		return false;
	if ((result = keyword_mask(s, j, &j->add)) != DONE_OK) {
		j->result = result;
		return false;
	}
	j->take = 0;
	if (j->items == OP_REPLACE)
		j->take = UINT64_MAX;
	else if (j->items == OP_REMOVE) {
		j->take = j->add;
		j->add = 0;
	}
	return true;
}

static void
change_store(struct session *s, struct job *j)
{
	const struct store_range *r;
	enum store_result result;
	size_t n;

	if (!j->changing && !store_resolve(s, j))
		return;
	r = piece_next(s, j, STEP_ROWS, &n);
	if (j->unchanged != UINT64_MAX)
		changed_since(s, j, r, n);
	result = store_flags(
	    vault_store(), s->view.box, r, n, j->add, j->take, j->unchanged);
	if (result == STORE_OK && j->at < j->nset) {
		piece_more(s, j);
		return;
	}
	j->changing = false;
	if (result != STORE_OK)
		j->result = result_of(result);
}

static void
parse_expunge(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
	get_set(s, j, m);
	if (m->bad)
		return;
	if (j->nset > 0)
		j->bits |= BY_UID;
	else {
		/* All that the session knows. */
		j->set[0].first = 1;
		j->set[0].last = UINT32_MAX - 1;
		j->nset = 1;
		j->on = true; /* none is left: RFC 9738 section 3.1 */
		j->bits |= BY_UID;
	}
}

/* Those with \\Deleted count, from the highest UID down. */
static void
limit_deleted(struct session *s, struct job *j)
{
	const struct store_msg *m;
	size_t pos;
	uint32_t n = 0;

	for (size_t i = j->nset; s->limit > 0 && i > 0; i--) {
		(void)store_msg_find(
		    vault_store(), s->view.box, j->set[i - 1].last + 1, &pos);
		for (; pos > 0; pos--) {
			m = store_msg_at(vault_store(), s->view.box, pos - 1);
			if (m == NULL || m->uid < j->set[i - 1].first)
				break;
			if ((m->flags & FLAG_DELETED) == 0)
				continue;
			if (n++ < s->limit) {
				j->limited = m->uid;
				continue;
			}
			j->set[i - 1].first = m->uid + 1;
			memmove(j->set, j->set + i - 1,
			    (j->nset - i + 1) * sizeof(*j->set));
			j->nset -= i - 1;
			if (j->set[0].first > j->set[0].last)
				memmove(j->set, j->set + 1,
				    --j->nset * sizeof(*j->set));
			return;
		}
	}
	j->limited = 0;
}

static void
change_expunge(struct session *s, struct job *j)
{
	if (!j->changing) {
		if ((j->result = view_writable(s)) != DONE_OK)
			return;
		(void)view_resolve(&s->view, j);
		if (!j->on)
			limit_deleted(s, j);
	}
	expunge_step(s, j);
}
