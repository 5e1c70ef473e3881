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
 * SORT, THREAD and parts of results: what a search has found is shown to the
 * worker message by message, which answers with the order; nothing but
 * numbers that were shown to it is believed.  Then the order is told, or the
 * part of it that was asked for.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "vault_feed.h"
#include "vault_local.h"

#include "../search.h"
#include "../worker_wire.h"

#define ROW_ROOM 64       /* octets of a row beside its summary */
#define ROWS_MAX 512      /* rows of one message */
#define THREADED_MAX 8000 /* entries of one R_THREADED */

/* What is known of a message's summary (VAULT_WORKER_ROWS). */
#define KNOWN_NOTHING 0
#define KNOWN_HERE 1
#define KNOWN_CHUNKS 2
#define KNOWN_BODY 3
#define KNOWN_UNASKED 4

struct sort_run {
	uint8_t how;
	uint8_t criteria[SORT_CRITERIA_MAX];
	uint8_t n;
	bool summaries; /* a criterion asks for them */
	uint8_t partial;
	uint32_t first, last;
	size_t fed;      /* of the found */
	bool ended;      /* all are fed */
	uint32_t *uid;   /* in order; 0 in threads: none */
	uint32_t *place; /* of threads */
	size_t total, size, shown;
	bool ready; /* R_COUNT was sent */
	size_t at, end;
	uint64_t highest, modseq_first, modseq_last;
};

struct sort_run *
sort_parse(struct msg *m)
{
	struct sort_run *r;
	uint8_t criterion;

	r = vault_alloc(1, sizeof(*r));
	r->how = msg_get_u8(m);
	r->n = msg_get_u8(m);
	if (r->how > SORT_ORDEREDSUBJECT || r->n > SORT_CRITERIA_MAX ||
	    (r->how == SORT_ORDER) != (r->n > 0))
		m->bad = true;
	else
		(void)msg_get_raw(m, r->criteria, r->n);
	for (size_t i = 0; !m->bad && i < r->n; i++) {
		criterion = r->criteria[i] & (uint8_t)~SORT_REVERSE;
		if (criterion < SORT_ARRIVAL || criterion > SORT_DISPLAYTO)
			m->bad = true;
		if (criterion != SORT_ARRIVAL && criterion != SORT_SIZE)
			r->summaries = true;
	}
	if (r->how > SORT_ORDER)
		r->summaries = true;
	r->partial = msg_get_u8(m);
	r->first = msg_get_u32(m);
	r->last = msg_get_u32(m);
	if (r->partial > PARTIAL_LAST ||
	    (r->partial != PARTIAL_NOT &&
		(r->first == 0 || r->first > r->last)))
		m->bad = true;
	return r;
}

void
sort_free(struct sort_run *r)
{
	if (r == NULL)
		return;
	free(r->uid);
	free(r->place);
	free(r);
}

uint32_t
sort_fed(const struct sort_run *r)
{
	return (uint32_t)r->fed;
}

bool
sort_wanted(const struct sort_run *r)
{
	return r->how != SORT_NOT;
}

void
sort_begin(struct sort_run *r, struct wire *worker, uint32_t id)
{
	struct msgout *o;

	o = msg_new(worker, VAULT_WORKER_SORT, id);
	msg_put_u8(o, r->how);
	msg_put_u8(o, r->n);
	msg_put_raw(o, r->criteria, r->n);
	msg_send(o);
}

/* Without a summary: the first chunk, in which the header begins. */
static bool
body_read(uint64_t box, uint32_t uid, uint8_t *buf, struct store_chunk *c)
{
	struct store_body *b;
	bool ok = false;

	if (store_body_open(vault_store(), box, uid, &b) != STORE_OK)
		return false;
	if (store_body_chunks(b, STORE_BODY) > 0 &&
	    store_body_info(b, STORE_BODY, 0, c) == STORE_OK)
		ok = store_body_read(b, STORE_BODY, 0, buf, CHUNK_PLAIN, c) ==
		    STORE_OK;
	store_body_close(b);
	return ok;
}

/* What comes in messages of its own, and ends the one with its row. */
static void
row_rest(struct wire *worker, uint32_t id, uint32_t uid, uint64_t box,
    struct msgout *o, const struct store_chunk *c, size_t n)
{
	uint8_t *buf = vault_scratch();
	struct store_chunk body;

	if (n > 0) {
		msg_put_u8(o, KNOWN_CHUNKS);
		msg_send(o);
		for (size_t i = 0; i < n; i++)
			feed_chunk(worker, id, uid, WORKER_CHUNK_SUMMARY,
			    i + 1 == n, (uint32_t)i, &c[i]);
		return;
	}
	if (!body_read(box, uid, buf, &body)) {
		msg_put_u8(o, KNOWN_NOTHING);
		msg_send(o);
		return;
	}
	msg_put_u8(o, KNOWN_BODY);
	msg_send(o);
	feed_chunk(worker, id, uid, WORKER_CHUNK_BODY, true, 0, &body);
	explicit_bzero(buf, body.len);
}

/* Adds a row to the message under way, or to a new one. */
static void
row_show(struct sort_run *r, struct wire *worker, uint32_t id, uint64_t box,
    struct msgout **o, const struct store_msg *m)
{
	struct store_chunk c[STORE_SUMMARY_CHUNKS];
	size_t n = STORE_SUMMARY_CHUNKS, room = ROW_ROOM;
	uint32_t uid = m->uid;

	if (*o == NULL)
		*o = msg_new(worker, VAULT_WORKER_ROWS, id);
	if (r->summaries &&
	    store_summary(vault_store(), box, uid, c, &n) != STORE_OK)
		n = 0;
	if (r->summaries && n == 1)
		room += c[0].len;
	if (msg_room(*o) < room && msg_length(*o) > 0) {
		msg_send(*o);
		*o = msg_new(worker, VAULT_WORKER_ROWS, id);
	}
	msg_put_u32(*o, uid);
	msg_put_u64(*o, m->size);
	msg_put_i64(*o, m->date);
	msg_put_u8(*o, (uint8_t)m->codec);
	if (!r->summaries) {
		msg_put_u8(*o, KNOWN_UNASKED);
	} else if (n == 1 && msg_room(*o) >= room - 24) {
		msg_put_u8(*o, KNOWN_HERE);
		msg_put_u8(*o, c[0].compressed);
		msg_put_u32(*o, c[0].plain);
		msg_put_bytes(*o, c[0].data, c[0].len);
	} else {
		row_rest(worker, id, uid, box, *o, c, n);
		*o = NULL;
	}
}

bool
sort_feed(struct sort_run *r, struct wire *worker, uint32_t id, uint64_t box,
    const struct uidlist *found)
{
	static const struct store_msg gone;
	struct store_msg m;
	const struct store_msg *at;
	struct msgout *o = NULL;

	if (r->ended)
		return true;
	for (int rows = 0; r->fed < found->n; r->fed++) {
		if (rows++ == ROWS_MAX || wire_queued(worker) > 0) {
			if (o != NULL)
				msg_send(o);
			return false;
		}
		at = store_msg_find(vault_store(), box, found->v[r->fed], NULL);
		m = at != NULL ? *at : gone;
		m.uid = found->v[r->fed];
		row_show(r, worker, id, box, &o, &m);
	}
	if (o != NULL)
		msg_send(o);
	msg_signal(worker, VAULT_WORKER_ROWS_END, id);
	r->ended = true;
	return true;
}

static void
result_grow(struct sort_run *r)
{
	size_t size = r->size == 0 ? 1024 : 2 * r->size;

	r->uid = recallocarray(r->uid, r->size, size, sizeof(*r->uid));
	if (r->how != SORT_ORDER)
		r->place = recallocarray(
		    r->place, r->size, size, sizeof(*r->place));
	if (r->uid == NULL || (r->how != SORT_ORDER && r->place == NULL))
		fatal("sort");
	r->size = size;
}

/* Threads: depths grow by one at a time, and there is one who is no message
 * over at least two. */
static bool
place_fits(const struct sort_run *r, uint32_t place)
{
	uint32_t depth = THREAD_DEPTH(place);

	if (r->total == 0 || depth == 0)
		return depth == 0;
	return depth <= THREAD_DEPTH(r->place[r->total - 1]) + 1;
}

bool
sort_take(struct sort_run *r, struct msg *m, struct uidlist *found)
{
	uint32_t uid, place = 0;

	if (!r->ended ||
	    (m->type == WORKER_VAULT_SORTED) != (r->how == SORT_ORDER))
		return false;
	while (m->off < m->len) {
		uid = msg_get_u32(m);
		if (r->how != SORT_ORDER)
			place = msg_get_u32(m);
		if (m->bad || r->total >= 2 * found->n ||
		    (uid == 0 ? r->how == SORT_ORDER :
				!uidlist_has(found, uid)))
			return false;
		if (r->how != SORT_ORDER && !place_fits(r, place))
			return false;
		if (r->total == r->size)
			result_grow(r);
		if (r->place != NULL)
			r->place[r->total] = place;
		r->uid[r->total++] = uid;
		r->shown += uid != 0;
	}
	return true;
}

bool
sort_whole(const struct sort_run *r, const struct uidlist *found)
{
	return r->ended && r->shown == found->n;
}

/* RFC 5182 section 2.1, RFC 9394 section 3.2. */
static void
result_save(struct sort_run *r, struct session *s, const struct job *j)
{
	struct uidlist *saved = &s->view.saved;

	if (j->items == 0)
		return;
	uidlist_clear(saved);
	for (size_t i = 0; i < r->total; i++)
		if ((j->items & SAVE_ALL) != 0 ||
		    ((j->items & SAVE_MIN) != 0 && i == 0) ||
		    ((j->items & SAVE_MAX) != 0 && i == r->total - 1) ||
		    ((j->items & SAVE_PARTIAL) != 0 && i >= r->at &&
			i < r->end))
			uidlist_add(saved, r->uid[i]);
}

/* Which of the places are to be told. */
static void
result_cut(struct sort_run *r)
{
	size_t first = r->first, last = r->last;

	r->at = 0;
	r->end = r->total;
	if (r->partial == PARTIAL_NOT)
		return;
	if (first > r->total) {
		r->end = 0;
		return;
	}
	if (last > r->total)
		last = r->total;
	r->at = r->partial == PARTIAL_FIRST ? first - 1 : r->total - last;
	r->end = r->partial == PARTIAL_FIRST ? last : r->total - first + 1;
}

static uint32_t
number_of(struct session *s, const struct job *j, uint32_t uid)
{
	size_t pos;

	if ((j->bits & BY_UID) != 0)
		return uid;
	(void)store_msg_find(vault_store(), j->view->box, uid, &pos);
	return view_seq(j->view, uid, pos);
}

/* Of the messages told; of all where none is told but R_COUNT. */
static void
modseq_count(struct sort_run *r, const struct job *j)
{
	const struct store_msg *m;
	bool all = r->partial != PARTIAL_NOT && r->first == UINT32_MAX;

	for (size_t i = 0; r->place == NULL && i < r->total; i++) {
		m = store_msg_find(
		    vault_store(), j->view->box, r->uid[i], NULL);
		if (m == NULL)
			continue;
		if (i == 0)
			r->modseq_first = m->modseq;
		r->modseq_last = m->modseq;
		if ((all || (i >= r->at && i < r->end)) &&
		    m->modseq > r->highest)
			r->highest = m->modseq;
	}
}

/* All is known: what is gone meanwhile goes here too, then R_COUNT. */
static void
result_ready(
    struct sort_run *r, struct session *s, struct job *j, struct uidlist *found)
{
	struct msgout *o;
	size_t k = 0;

	if (r->how == SORT_NOT) {
		r->uid = vault_alloc(found->n + 1, sizeof(*r->uid));
		r->size = found->n + 1;
		r->total = found->n;
		if (found->n > 0)
			memcpy(r->uid, found->v, found->n * sizeof(*r->uid));
	}
	for (size_t i = 0; r->place == NULL && i < r->total; i++)
		if (store_msg_find(
			vault_store(), j->view->box, r->uid[i], NULL) != NULL)
			r->uid[k++] = r->uid[i];
	if (r->place == NULL)
		r->total = k;
	result_cut(r);
	result_save(r, s, j);
	modseq_count(r, j);
	r->ready = true;
	o = msg_new(s->wire, R_COUNT, j->id);
	msg_put_u32(o, (uint32_t)r->total);
	msg_put_u32(o, r->total == 0 ? 0 : number_of(s, j, r->uid[0]));
	msg_put_u32(
	    o, r->total == 0 ? 0 : number_of(s, j, r->uid[r->total - 1]));
	msg_send(o);
}

/* One that is gone still has its number here, and its place in a thread. */
static uint32_t
told_number(struct sort_run *r, struct session *s, struct job *j, uint32_t uid)
{
	const struct store_msg *m;

	if (uid == 0)
		return 0;
	m = store_msg_find(vault_store(), j->view->box, uid, NULL);
	if (m == NULL && r->place == NULL)
		return 0;
	return number_of(s, j, uid);
}

enum step
sort_report(
    struct sort_run *r, struct session *s, struct job *j, struct uidlist *found)
{
	struct msgout *o;
	uint32_t number;
	size_t n, at, max;

	if (!r->ready)
		result_ready(r, s, j, found);
	max = r->place != NULL ? THREADED_MAX : FOUND_MAX;
	while (r->at < r->end) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		o = msg_new(
		    s->wire, r->place != NULL ? R_THREADED : R_FOUND, j->id);
		at = msg_length(o);
		msg_put_u32(o, 0);
		for (n = 0; r->at < r->end && n < max; r->at++) {
			number = told_number(r, s, j, r->uid[r->at]);
			if (number == 0 && r->place == NULL)
				continue;
			msg_put_u32(o, number);
			if (r->place != NULL)
				msg_put_u32(o, r->place[r->at]);
			n++;
		}
		msg_set_u32(o, at, (uint32_t)n);
		msg_send(o);
	}
	return STEP_DONE;
}

void
sort_modseq(const struct sort_run *r, uint64_t *highest, uint64_t *first,
    uint64_t *last)
{
	*highest = r->highest;
	*first = r->modseq_first;
	*last = r->modseq_last;
}
