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
 * Answers that stream: rows of messages with their summaries, and bodies by
 * chunks.  Nothing is held: the next piece is made when the wire has taken the
 * last one.  The vault opens what was sealed and looks into none of it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

#define ROW_FIXED 96 /* octets of a row without its summary, and spare */

static void parse_fetch(struct session *, struct job *, struct msg *);
static void parse_body(struct session *, struct job *, struct msg *);
static void change_fetch(struct session *, struct job *);
static enum step answer_fetch(struct session *, struct job *);
static enum step answer_body(struct session *, struct job *);
static enum step fetch_row(struct session *, struct job *, struct rows *,
    const struct store_msg *, size_t pos);
static bool
fetch_open(struct session *, struct job *, const struct store_msg *);
static void row_put(struct rows *, const struct store_msg *, size_t pos);
static void row_room(struct rows *, size_t len);
static void row_summary(struct rows *, const struct store_msg *, size_t pos);
static void summary_chunks(
    struct rows *, uint32_t uid, const struct store_chunk *, size_t n);
static enum step body_chunks(struct session *, struct job *);
static enum vault_result body_chunk(struct session *, struct job *);

const struct job_kind rows_kinds[] = {
    {V_FETCH, false, parse_fetch, change_fetch, answer_fetch},
    {V_BODY, false, parse_body, NULL, answer_body},
    {V_PEEK, false, parse_body, NULL, answer_body},
    {0, false, NULL, NULL, NULL},
};

void
rows_start(struct rows *r, struct session *s, uint32_t id)
{
	view_tell_keywords(s);
	r->o = NULL;
	r->s = s;
	r->view = &s->view;
	r->id = id;
	r->ids = false;
}

void
rows_send(struct rows *r)
{
	if (r->o != NULL)
		msg_send(r->o);
	r->o = NULL;
}

/* Room for a row with len octets of summary, in this message or a new one. */
static void
row_room(struct rows *r, size_t len)
{
	if (r->o != NULL && msg_room(r->o) < ROW_FIXED + len)
		rows_send(r);
	if (r->o == NULL)
		r->o = msg_new(r->s->wire, R_ROWS, r->id);
}

/* All of a row up to what says whether a summary follows. */
static void
row_put(struct rows *r, const struct store_msg *m, size_t pos)
{
	struct store_cold cold;

	memset(&cold, 0, sizeof(cold));
	if (r->ids)
		(void)store_cold_get(
		    vault_store(), r->view->box, m->uid, &cold);
	msg_put_u32(r->o, view_seq(r->view, m->uid, pos));
	msg_put_u32(r->o, m->uid);
	msg_put_u64(r->o, m->flags);
	msg_put_u64(r->o, m->modseq < r->s->safe ? m->modseq : r->s->safe);
	msg_put_i64(r->o, m->date);
	msg_put_u16(r->o, (uint16_t)m->zone);
	msg_put_u64(r->o, m->size);
	msg_put_raw(r->o, cold.emailid, sizeof(cold.emailid));
	msg_put_u8(r->o, (uint8_t)m->codec);
	if (r->ids) {
		msg_put_raw(r->o, cold.threadid, sizeof(cold.threadid));
		msg_put_u32(r->o, m->saved);
	}
}

void
rows_flags(struct rows *r, const struct store_msg *m, size_t pos)
{
	row_room(r, 0);
	row_put(r, m, pos);
	msg_put_u8(r->o, 0);
}

static void
row_summary(struct rows *r, const struct store_msg *m, size_t pos)
{
	struct store_chunk c[STORE_SUMMARY_CHUNKS];
	uint32_t uid = m->uid;
	size_t n = STORE_SUMMARY_CHUNKS;

	if (store_summary(vault_store(), r->view->box, uid, c, &n) !=
		STORE_OK ||
	    n == 0) {
		/* The engine works it out from the body again. */
		rows_flags(r, m, pos);
		return;
	}
	row_room(r, n == 1 ? c[0].len + 16 : 0);
	row_put(r, m, pos);
	msg_put_u8(r->o, n == 1 ? 1 : 2);
	if (n == 1) {
		msg_put_u8(r->o, c[0].compressed);
		msg_put_u32(r->o, c[0].plain);
		msg_put_bytes(r->o, c[0].data, c[0].len);
		return;
	}
	rows_send(r);
	summary_chunks(r, uid, c, n);
}

static void
summary_chunks(
    struct rows *r, uint32_t uid, const struct store_chunk *c, size_t n)
{
	struct msgout *o;

	for (size_t i = 0; i < n; i++) {
		o = msg_new(r->s->wire, R_CHUNK, r->id);
		msg_put_u32(o, uid);
		msg_put_u8(o, STORE_SUMMARY);
		msg_put_u8(o, c[i].compressed);
		msg_put_u8(o, i + 1 == n);
		msg_put_u32(o, (uint32_t)i);
		msg_put_u32(o, c[i].plain);
		msg_put_raw(o, c[i].data, c[i].len);
		msg_send(o);
	}
}

static void
parse_fetch(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
	j->items = msg_get_u8(m);
	j->view = (j->items & ROW_GLANCE) != 0 ? &s->glance : &s->view;
	if ((j->items & ROW_GLANCE) != 0 &&
	    ((j->bits & BY_UID) == 0 ||
		(j->items & (ROW_SET_SEEN | ROW_VANISHED)) != 0))
		m->bad = true;
	j->unchanged = msg_get_u64(m);
	if ((j->items & ROW_PART) != 0) {
		j->part = msg_get_u8(m);
		j->part_first = msg_get_u32(m);
		j->part_last = msg_get_u32(m);
		if ((j->part != PARTIAL_FIRST && j->part != PARTIAL_LAST) ||
		    j->part_first == 0 || j->part_first > j->part_last)
			m->bad = true;
	}
	get_set(s, j, m);
	if ((j->items & ROW_VANISHED) != 0 && !m->bad) {
		j->nasked = j->nset;
		j->asked = vault_alloc(
		    j->nset > 0 ? j->nset : 1, sizeof(*j->asked));
		memcpy(j->asked, j->set, j->nset * sizeof(*j->asked));
	}
	j->barrier = true;
	if ((j->items & ROW_SET_SEEN) == 0)
		j->changed = true; /* reads only */
}

/* Of the resolved set what is asked for, and no more than may be. */
static void
set_cut(struct session *s, struct job *j)
{
	if (j->cut)
		return;
	j->cut = true;
	view_part(j->view, j);
	view_limit(j->view, j, s->limit);
}

/* \Seen is durable before a row shows it. */
static void
change_fetch(struct session *s, struct job *j)
{
	enum store_result result = STORE_OK;
	size_t n;

	if (!s->view.selected || s->view.readonly)
		return;
	j->result = view_resolve(&s->view, j);
	if (j->result == DONE_BADSEQ)
		return;
	set_cut(s, j);
	for (size_t i = 0; result == STORE_OK && i < j->nset; i += n) {
		n = j->nset - i < STORE_RANGES_MAX ? j->nset - i :
						     STORE_RANGES_MAX;
		result = store_flags(vault_store(), s->view.box, j->set + i, n,
		    STORE_SEEN, 0, UINT64_MAX);
	}
	/* A full or read-only store still shows its mail. */
	if (result != STORE_OK && result != STORE_READONLY &&
	    result != STORE_NOSPACE)
		j->result = result_of(result);
}

/* Why is no box there to fetch from? */
static enum vault_result
unopened(const struct session *s, const struct job *j)
{
	return j->view == &s->glance ? DONE_NONEXISTENT : DONE_NOTSELECTED;
}

static enum step
answer_fetch(struct session *s, struct job *j)
{
	const struct store_msg *m;
	struct rows rows;
	enum step step = STEP_DONE;
	size_t pos;
	int budget = STEP_ROWS;

	if (!j->view->selected) {
		j->result = unopened(s, j);
		return STEP_DONE;
	}
	if (!j->resolved)
		j->result = view_resolve(j->view, j);
	if (j->result == DONE_BADSEQ)
		return STEP_DONE;
	set_cut(s, j);
	if ((j->items & ROW_VANISHED) != 0 &&
	    vanished_answer(s, j, j->unchanged, 0) != STEP_DONE)
		return STEP_MORE;
	if (j->body != NULL && body_chunks(s, j) != STEP_DONE)
		return STEP_MORE;
	rows_start(&rows, s, j->id);
	rows.view = j->view;
	rows.ids = (j->items & ROW_IDS) != 0;
	while (step == STEP_DONE && j->range < j->nset) {
		if (j->uid < j->set[j->range].first)
			j->uid = j->set[j->range].first;
		(void)store_msg_find(vault_store(), j->view->box, j->uid, &pos);
		m = store_msg_at(vault_store(), j->view->box, pos);
		if (m == NULL || m->uid > j->set[j->range].last) {
			j->range++;
			j->uid = 0;
			continue;
		}
		if (budget-- == 0 || wire_queued(s->wire) > 0) {
			step = STEP_MORE;
			break;
		}
		j->uid = m->uid + 1;
		if (m->modseq > j->unchanged)
			step = fetch_row(s, j, &rows, m, pos);
	}
	rows_send(&rows);
	return step;
}

static enum step
fetch_row(struct session *s, struct job *j, struct rows *rows,
    const struct store_msg *m, size_t pos)
{
	struct store_msg copy = *m;

	/* A body that cannot be opened has no row: never a short literal. */
	if ((j->items & (ROW_BODY | ROW_FIRST)) && !fetch_open(s, j, &copy))
		return j->uid == copy.uid ? STEP_WAIT : STEP_DONE;
	if (j->items & ROW_SUMMARY)
		row_summary(rows, &copy, pos);
	else
		rows_flags(rows, &copy, pos);
	if (j->body == NULL)
		return STEP_DONE;
	rows_send(rows);
	return body_chunks(s, j);
}

/* Opens the body; where too many are open, stays at the message (retry). */
static bool
fetch_open(struct session *s, struct job *j, const struct store_msg *m)
{
	enum store_result result;

	result = store_body_open(vault_store(), j->view->box, m->uid, &j->body);
	if (result == STORE_LIMIT) {
		j->uid = m->uid;
		vault_retry();
		return false;
	}
	if (result != STORE_OK) {
		j->result = result_of(result);
		return false;
	}
	j->body_uid = m->uid;
	j->chunk = 0;
	j->chunk_last = j->items & ROW_BODY ? UINT32_MAX : 0;
	return true;
}

static void
parse_body(struct session *s, struct job *j, struct msg *m)
{
	j->view = j->kind->type == V_PEEK ? &s->glance : &s->view;
	j->uid = msg_get_u32(m);
	j->chunk = msg_get_u32(m);
	j->chunk_last = msg_get_u32(m);
	j->changed = true;
}

static enum step
answer_body(struct session *s, struct job *j)
{
	enum store_result result;

	if (!j->view->selected) {
		j->result = unopened(s, j);
		return STEP_DONE;
	}
	if (j->body == NULL) {
		result = store_body_open(
		    vault_store(), j->view->box, j->uid, &j->body);
		if (result == STORE_LIMIT) {
			vault_retry();
			return STEP_WAIT;
		}
		if (result == STORE_UNKNOWN) {
			j->result = DONE_EXPUNGED;
			return STEP_DONE;
		}
		if (result != STORE_OK) {
			j->result = result_of(result);
			return STEP_DONE;
		}
		j->body_uid = j->uid;
	}
	return body_chunks(s, j);
}

/* Chunks from j->chunk on, as the wire takes them; closes at the end. */
static enum step
body_chunks(struct session *s, struct job *j)
{
	enum vault_result result;
	uint32_t n;
	int budget = STEP_CHUNKS;

	n = store_body_chunks(j->body, STORE_BODY);
	for (;;) {
		if (n > 0 && (j->chunk >= n || j->chunk > j->chunk_last))
			break;
		if (wire_queued(s->wire) > 0 || budget-- == 0)
			return STEP_MORE;
		if (n == 0) {
			(void)body_chunk(s, j);
			break;
		}
		result = body_chunk(s, j);
		if (result != DONE_OK) {
			/* The rest cannot be sent: end the whole request. */
			j->result = result;
			j->range = j->nset;
			break;
		}
		j->chunk++;
	}
	store_body_close(j->body);
	j->body = NULL;
	return STEP_DONE;
}

/* One chunk, opened straight into the message. */
static enum vault_result
body_chunk(struct session *s, struct job *j)
{
	struct store_chunk c;
	enum store_result result;
	struct msgout *o;
	uint32_t n;
	void *p;

	n = store_body_chunks(j->body, STORE_BODY);
	memset(&c, 0, sizeof(c));
	if (n > 0) {
		result = store_body_info(j->body, STORE_BODY, j->chunk, &c);
		if (result != STORE_OK)
			return result_of(result);
	}
	o = msg_new(s->wire, R_CHUNK, j->id);
	msg_put_u32(o, j->body_uid);
	msg_put_u8(o, STORE_BODY);
	msg_put_u8(o, c.compressed);
	msg_put_u8(o, n == 0 || j->chunk + 1 == n);
	msg_put_u32(o, n == 0 ? 0 : j->chunk);
	msg_put_u32(o, c.plain);
	if (n > 0) {
		p = msg_put_space(o, c.len);
		result = store_body_read(
		    j->body, STORE_BODY, j->chunk, p, c.len, &c);
		if (result != STORE_OK) {
			msg_cancel(o);
			return result_of(result);
		}
	}
	msg_send(o);
	return DONE_OK;
}

/* Those that had changed since, as the client names them. */
static enum step
answer_modified(struct session *s, struct job *j)
{
	struct msgout *o;
	size_t n, pos, at;

	uidlist_sort(&j->failed);
	while (j->modified < j->failed.n) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		o = msg_new(s->wire, R_MODIFIED, j->id);
		at = msg_length(o);
		msg_put_u32(o, 0);
		for (n = 0; n < FOUND_MAX && j->modified < j->failed.n;
		     j->modified++) {
			if (store_msg_find(vault_store(), s->view.box,
				j->failed.v[j->modified], &pos) == NULL)
				continue;
			msg_put_u32(o,
			    j->bits & BY_UID ?
				j->failed.v[j->modified] :
				view_seq(
				    &s->view, j->failed.v[j->modified], pos));
			n++;
		}
		msg_set_u32(o, at, (uint32_t)n);
		msg_send(o);
	}
	return STEP_DONE;
}

enum step
rows_answer_since(struct session *s, struct job *j, uint64_t since)
{
	const struct store_msg *m;
	struct rows rows;
	size_t pos;
	int budget = STEP_ROWS;

	rows_start(&rows, s, j->id);
	while (j->range < j->nset && budget-- > 0) {
		if (j->uid < j->set[j->range].first)
			j->uid = j->set[j->range].first;
		(void)store_msg_find(vault_store(), s->view.box, j->uid, &pos);
		m = store_msg_at(vault_store(), s->view.box, pos);
		if (m == NULL || m->uid > j->set[j->range].last) {
			j->range++;
			j->uid = 0;
			continue;
		}
		j->uid = m->uid + 1;
		if (m->modseq > since && !uidlist_has(&j->failed, m->uid))
			rows_flags(&rows, m, pos);
	}
	rows_send(&rows);
	return j->range < j->nset ? STEP_MORE : STEP_DONE;
}

/* After V_STORE: the flags of the messages that it named. */
enum step
rows_answer_flags(struct session *s, struct job *j)
{
	if (!s->view.selected ||
	    (j->result != DONE_OK && j->result != DONE_EXPUNGED))
		return STEP_DONE;
	if (answer_modified(s, j) != STEP_DONE)
		return STEP_MORE;
	return j->bits & SILENT ? STEP_DONE : rows_answer_since(s, j, 0);
}
