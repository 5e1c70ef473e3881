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

/* Requests that change messages: flags, copies, expunges. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

#define OP_REPLACE 0
#define OP_ADD 1
#define OP_REMOVE 2

static void parse_store(struct session *, struct job *, struct msg *);
static void change_store(struct session *, struct job *);
static void parse_copy(struct session *, struct job *, struct msg *);
static void change_copy(struct session *, struct job *);
static enum step answer_copy(struct session *, struct job *);
static void parse_expunge(struct session *, struct job *, struct msg *);
static void change_expunge(struct session *, struct job *);
static enum vault_result writable(struct session *);
static enum vault_result
keyword_mask(struct session *, struct job *, uint64_t *mask);
static void copied(void *, uint32_t uid, uint32_t newuid);
static void put_uids(struct msgout *, const uint32_t *, size_t n);

const struct job_kind change_kinds[] = {
    {V_STORE, false, parse_store, change_store, rows_answer_flags},
    {V_COPY, false, parse_copy, change_copy, answer_copy},
    {V_EXPUNGE, true, parse_expunge, change_expunge, NULL},
    {0, false, NULL, NULL, NULL},
};

static enum vault_result
writable(struct session *s)
{
	if (!s->view.selected)
		return DONE_NOTSELECTED;
	return s->view.readonly ? DONE_READONLY : DONE_OK;
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
 * Which of the set fail the UNCHANGEDSINCE test; their flags are told, so that
 * the client need not ask (RFC 7162 section 3.1.3).
 */
static void
changed_since(struct session *s, struct job *j)
{
	const struct store_msg *m;
	size_t pos;

	for (size_t i = 0; i < j->nset; i++) {
		(void)store_msg_find(
		    vault_store(), s->view.box, j->set[i].first, &pos);
		for (;; pos++) {
			m = store_msg_at(vault_store(), s->view.box, pos);
			if (m == NULL || m->uid > j->set[i].last)
				break;
			if (m->modseq <= j->unchanged)
				continue;
			uidlist_add(&j->failed, m->uid);
			uidlist_add(&s->view.changed, m->uid);
		}
	}
}

static void
change_store(struct session *s, struct job *j)
{
	enum vault_result expunged;
	enum store_result result = STORE_OK;
	uint64_t mask, clear = 0;
	size_t n;

	if ((j->result = writable(s)) != DONE_OK)
		return;
	expunged = view_resolve(&s->view, j);
	if (expunged == DONE_BADSEQ) {
		j->result = expunged;
		return;
	}
	j->result = expunged;
	view_limit(&s->view, j, s->limit);
	/* Of nothing a keyword is not made either. */
	if (j->nset == 0)
		return;
	if ((j->result = keyword_mask(s, j, &mask)) != DONE_OK)
		return;
	if (j->items == OP_REPLACE)
		clear = UINT64_MAX;
	else if (j->items == OP_REMOVE) {
		clear = mask;
		mask = 0;
	}
	if (j->unchanged != UINT64_MAX)
		changed_since(s, j);
	for (size_t i = 0; result == STORE_OK && i < j->nset; i += n) {
		n = j->nset - i < STORE_RANGES_MAX ? j->nset - i :
						     STORE_RANGES_MAX;
		result = store_flags(vault_store(), s->view.box, j->set + i, n,
		    mask, clear, j->unchanged);
	}
	j->result = result == STORE_OK ? expunged : result_of(result);
}

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

/*
 * What failed leaves a copy's target as it was (RFC 9051 section 6.4.7), of a
 * move the messages that did move; the store has told too much.
 */
static void
copy_undo(struct session *s, struct job *j, uint64_t to)
{
	struct uidlist from = j->from, made = j->to;
	struct store_range *r;
	size_t n, part;

	memset(&j->from, 0, sizeof(j->from));
	memset(&j->to, 0, sizeof(j->to));
	for (size_t i = 0; j->on && i < made.n; i++) {
		if (store_msg_find(vault_store(), to, made.v[i], NULL) == NULL)
			continue;
		uidlist_add(&j->from, from.v[i]);
		uidlist_add(&j->to, made.v[i]);
	}
	if (!j->on) {
		r = uidlist_ranges(&made, &n);
		for (size_t i = 0; i < n; i += part) {
			part = n - i < STORE_RANGES_MAX ? n - i :
							  STORE_RANGES_MAX;
			if (store_expunge(vault_store(), to, r + i, part,
				true) != STORE_OK)
				vault_fail("a copy could not be undone");
		}
		free(r);
	}
	uidlist_clear(&from);
	uidlist_clear(&made);
}

static void
change_copy(struct session *s, struct job *j)
{
	const struct store_box *to;
	enum vault_result expunged;
	enum store_result result = STORE_OK;
	uint64_t to_id;
	size_t n;
	bool move;

	j->result = j->on    ? writable(s) :
	    s->view.selected ? DONE_OK :
			       DONE_NOTSELECTED;
	if (j->result != DONE_OK)
		return;
	if ((to = store_box_named(vault_store(), j->name)) == NULL) {
		j->result = DONE_TRYCREATE;
		return;
	}
	/* Not all of them can be copied: none is (RFC 2180 section 4.4.1). */
	expunged = view_resolve(&s->view, j);
	if (expunged != DONE_OK) {
		j->result = expunged;
		return;
	}
	view_limit(&s->view, j, s->limit);
	if (j->limited != 0 && !j->on) {
		j->result = DONE_MESSAGES;
		return;
	}
	j->uidvalidity = to->uidvalidity;
	to_id = to->id;
	/* Into its own box a message moves by a copy and an expunge. */
	move = j->on && to->id != s->view.box;
	for (size_t i = 0; result == STORE_OK && i < j->nset; i += n) {
		n = j->nset - i < STORE_RANGES_MAX ? j->nset - i :
						     STORE_RANGES_MAX;
		result = store_copy(vault_store(), s->view.box, j->set + i, n,
		    to_id, move, copied, j);
		if (result == STORE_OK && j->on && !move)
			result = store_expunge(
			    vault_store(), s->view.box, j->set + i, n, true);
	}
	j->result = result_of(result);
	if (result != STORE_OK)
		copy_undo(s, j, to_id);
	j->gone = j->on && j->to.n > 0;
	if (j->on)
		j->bits |= NEWS | NEWS_EXPUNGE; /* RFC 6851, 3.3 */
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
	enum store_result result = STORE_OK;
	size_t n, before;

	if ((j->result = writable(s)) != DONE_OK)
		return;
	(void)view_resolve(&s->view, j);
	if (!j->on)
		limit_deleted(s, j);
	before = s->view.ghosts.n;
	for (size_t i = 0; result == STORE_OK && i < j->nset; i += n) {
		n = j->nset - i < STORE_RANGES_MAX ? j->nset - i :
						     STORE_RANGES_MAX;
		result = store_expunge(
		    vault_store(), s->view.box, j->set + i, n, false);
	}
	j->gone = s->view.ghosts.n > before;
	j->result = result_of(result);
}
