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
 * Before a text search the worker is shown the segments of the index, one
 * after the other; it says of which messages a leaf could be true, and the
 * others need not be looked at for it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "vault_index.h"

#include "../search.h"

/* A message of a segment: the leaves (by place) that it could have. */
struct possible {
	uint32_t uid;
	uint8_t leaves;
};

struct narrow {
	size_t at;    /* of the segments */
	bool waiting; /* for POSSIBLE of segment at */
	bool done;
	struct store_index_view view;
	uint16_t nodes[WORKER_INDEX_LEAVES];
	size_t nnodes;
	struct possible *known;
	size_t n, size, cursor;
	bool mixed; /* not ascending */
};

static void next_segment(struct narrow *, struct feed *);
static void pages_send(struct narrow *, struct feed *, struct msg *);
static void possible_get(struct narrow *, struct msg *, size_t nodes);
static void finish(struct narrow *);

enum step
narrow_step(struct narrow **np, struct feed *f)
{
	struct narrow *n = *np;

	if (n == NULL) {
		n = *np = vault_alloc(1, sizeof(*n));
		n->view.fd = -1;
		n->done = index_open() == NULL;
		if (!n->done)
			index_hold(true);
	}
	if (n->done)
		return STEP_DONE;
	if (!n->waiting)
		next_segment(n, f);
	return n->done ? STEP_DONE : STEP_WAIT;
}

/* Shows the next segment of the box; without one, that was all. */
static void
next_segment(struct narrow *n, struct feed *f)
{
	const struct store_index_segment *s;
	struct msgout *o;
	size_t all;

	s = store_index_segments(index_open(), &all);
	for (; n->at < all; n->at++)
		if (s[n->at].box == f->box &&
		    store_index_view(index_open(), n->at, &n->view) == STORE_OK)
			break;
	if (n->at >= all) {
		finish(n);
		return;
	}
	n->waiting = true;
	o = msg_new(f->worker, VAULT_WORKER_SEGMENT, f->id);
	msg_put_u32(o, (uint32_t)n->at);
	msg_put_u32(o, (uint32_t)n->view.n);
	msg_put_u32(o, (uint32_t)n->view.pages);
	msg_put_bytes(o, n->view.hint, n->view.hint_len);
	msg_send(o);
}

void
narrow_message(struct narrow *n, struct feed *f, struct msg *m, size_t nodes)
{
	if (n == NULL || !n->waiting)
		m->bad = true;
	else if (m->type == WORKER_VAULT_PAGES)
		pages_send(n, f, m);
	else
		possible_get(n, m, nodes);
}

static void
pages_send(struct narrow *n, struct feed *f, struct msg *m)
{
	uint8_t *page = vault_scratch();
	uint32_t asked[WORKER_INDEX_ASKED];
	struct msgout *o;
	size_t count = msg_get_u16(m), len;

	if (count > WORKER_INDEX_ASKED)
		m->bad = true;
	for (size_t i = 0; i < count && !m->bad; i++)
		asked[i] = msg_get_u32(m);
	if (msg_end(m) == -1)
		return;
	for (size_t i = 0; i < count; i++) {
		if (store_index_get(&n->view, asked[i], page, &len) != STORE_OK)
			len = 0;
		o = msg_new(f->worker, VAULT_WORKER_PAGE, f->id);
		msg_put_u32(o, asked[i]);
		msg_put_bytes(o, page, len);
		msg_send(o);
		explicit_bzero(page, len);
	}
}

static void
known_add(struct narrow *n, uint32_t uid, uint8_t leaves)
{
	struct possible *p;
	size_t size;

	if (n->n == n->size) {
		size = n->size == 0 ? 4096 : 2 * n->size;
		p = recallocarray(n->known, n->size, size, sizeof(*p));
		if (p == NULL)
			fatal(NULL);
		n->known = p;
		n->size = size;
	}
	if (n->n > 0 && n->known[n->n - 1].uid >= uid)
		n->mixed = true;
	n->known[n->n].uid = uid;
	n->known[n->n++].leaves = leaves;
}

/* The leaves are the same for all segments of a search. */
static bool
leaf_get(struct narrow *n, struct msg *m, size_t i, size_t nodes)
{
	uint16_t node = msg_get_u16(m);

	if (m->bad || node >= nodes || (i < n->nnodes && n->nodes[i] != node))
		return false;
	n->nodes[i] = node;
	if (i == n->nnodes)
		n->nnodes++;
	return true;
}

static void
possible_get(struct narrow *n, struct msg *m, size_t nodes)
{
	uint8_t bits[WORKER_INDEX_LEAVES][STORE_INDEX_DOCS / 8];
	uint32_t segment = msg_get_u32(m);
	size_t count = msg_get_u16(m);
	uint8_t leaves;

	if (count > WORKER_INDEX_LEAVES || segment != n->at)
		m->bad = true;
	for (size_t i = 0; i < count && !m->bad; i++)
		if (!leaf_get(n, m, i, nodes) ||
		    msg_get_raw(m, bits[i], (n->view.n + 7) / 8) == -1)
			m->bad = true;
	if (msg_end(m) == -1)
		return;
	for (size_t d = 0; d < n->view.n && count > 0; d++) {
		leaves = 0;
		for (size_t i = 0; i < count; i++)
			if ((bits[i][d / 8] & 1 << d % 8) != 0)
				leaves |= (uint8_t)(1 << i);
		known_add(n, n->view.uids[d], leaves);
	}
	store_index_done(&n->view);
	n->waiting = false;
	n->at++;
	if (count == 0)
		finish(n);
}

static int
possible_cmp(const void *a, const void *b)
{
	const struct possible *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
finish(struct narrow *n)
{
	n->done = true;
	index_hold(false);
	if (n->mixed)
		qsort(n->known, n->n, sizeof(*n->known), possible_cmp);
}

bool
narrow_apply(struct narrow *n, uint32_t uid, uint8_t *truth)
{
	bool any = false;

	if (n == NULL)
		return false;
	while (n->cursor < n->n && n->known[n->cursor].uid < uid)
		n->cursor++;
	if (n->cursor == n->n || n->known[n->cursor].uid != uid)
		return false;
	for (size_t i = 0; i < n->nnodes; i++) {
		if ((n->known[n->cursor].leaves & 1 << i) != 0 ||
		    truth[n->nodes[i]] != SEARCH_MAYBE)
			continue;
		truth[n->nodes[i]] = SEARCH_NO;
		any = true;
	}
	return any;
}

void
narrow_free(struct narrow *n)
{
	if (n == NULL)
		return;
	if (!n->done)
		index_hold(false);
	store_index_done(&n->view);
	free(n->known);
	free(n);
}
