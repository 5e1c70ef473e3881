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
 * The index is asked: which messages of a segment could a term be in?  Those
 * that have trigrams of it; whether they have it, the scan tells.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "../worker_wire.h"
#include "index.h"
#include "worker.h"

#define LEAF_GRAMS (WORKER_INDEX_ASKED / WORKER_INDEX_LEAVES)

_Static_assert(SEGMENT_DOCS <= WORKER_INDEX_DOCS, "what the vault takes");
_Static_assert(HINT_LEN <= WORKER_INDEX_HINT, "what the vault takes");
_Static_assert(PAGE_SIZE_MAX + 128 <= WORKER_INDEX_PAGE, "what it takes");

struct leaf {
	uint16_t node;
	uint32_t grams[LEAF_GRAMS];
	size_t n;
	uint8_t bits[SEGMENT_DOCS / 8];
};

static struct {
	bool open;
	uint32_t segment, docs;
	struct leaf leaves[WORKER_INDEX_LEAVES];
	size_t nleaves;
	uint8_t hint[HINT_LEN];
	size_t hint_len;
	uint32_t asked[WORKER_INDEX_ASKED];
	size_t nasked, got;
} narrow;

/* Leaves that a trigram can rule out. */
static void
leaves_find(const struct query *q)
{
	struct leaf *l;
	uint8_t kind;

	narrow.nleaves = 0;
	for (size_t i = 0; i < q->n && narrow.nleaves < WORKER_INDEX_LEAVES;
	     i++) {
		kind = search_node(q->program, i)->kind;
		if ((kind != SEARCH_BODY && kind != SEARCH_TEXT) ||
		    q->terms[i].len < GRAM_LEN)
			continue;
		l = &narrow.leaves[narrow.nleaves++];
		l->node = (uint16_t)i;
		l->n = lookup_grams(
		    q->terms[i].text, q->terms[i].len, l->grams, LEAF_GRAMS);
		memset(l->bits, 0xff, sizeof(l->bits));
	}
}

static void
ask(uint32_t page)
{
	size_t i;

	for (i = 0; i < narrow.nasked; i++)
		if (narrow.asked[i] == page)
			return;
	narrow.asked[narrow.nasked++] = page;
}

/* The pages that hold the trigrams; a trigram on none is in no message. */
static void
pages_find(void)
{
	struct leaf *l;
	int page;

	for (size_t i = 0; i < narrow.nleaves; i++) {
		l = &narrow.leaves[i];
		for (size_t j = 0; j < l->n; j++) {
			page = lookup_page(
			    narrow.hint, narrow.hint_len, l->grams[j]);
			if (page == -1)
				memset(l->bits, 0, sizeof(l->bits));
			else
				ask((uint32_t)page);
		}
	}
}

static void
answer(const struct query *q, struct wire *w)
{
	struct msgout *o = msg_new(w, WORKER_VAULT_POSSIBLE, q->id);

	msg_put_u32(o, narrow.segment);
	msg_put_u16(o, (uint16_t)narrow.nleaves);
	for (size_t i = 0; i < narrow.nleaves; i++) {
		msg_put_u16(o, narrow.leaves[i].node);
		msg_put_raw(o, narrow.leaves[i].bits, (narrow.docs + 7) / 8);
	}
	msg_send(o);
	narrow.open = false;
}

int
narrow_segment(const struct query *q, struct wire *w, struct msg *m)
{
	struct msgout *o;
	const uint8_t *hint;
	uint32_t pages;

	narrow.segment = msg_get_u32(m);
	narrow.docs = msg_get_u32(m);
	pages = msg_get_u32(m);
	hint = msg_get_bytes(m, &narrow.hint_len, WORKER_INDEX_HINT);
	if (msg_end(m) == -1 || narrow.open || q->index ||
	    narrow.docs > SEGMENT_DOCS)
		return -1;
	narrow.open = true;
	narrow.nasked = narrow.got = 0;
	leaves_find(q);
	/* A hint that some other worker has made up rules nothing out. */
	if (pages > SEGMENT_PAGES ||
	    narrow.hint_len != (size_t)pages * GRAM_LEN)
		narrow.hint_len = 0;
	memcpy(narrow.hint, hint, narrow.hint_len);
	if (narrow.hint_len > 0)
		pages_find();
	if (narrow.nasked == 0) {
		answer(q, w);
		return 0;
	}
	o = msg_new(w, WORKER_VAULT_PAGES, q->id);
	msg_put_u16(o, (uint16_t)narrow.nasked);
	for (size_t i = 0; i < narrow.nasked; i++)
		msg_put_u32(o, narrow.asked[i]);
	msg_send(o);
	return 0;
}

int
narrow_page(const struct query *q, struct wire *w, struct msg *m)
{
	uint32_t page = msg_get_u32(m);
	const uint8_t *p;
	struct leaf *l;
	size_t len;

	p = msg_get_bytes(m, &len, WORKER_INDEX_PAGE);
	if (msg_end(m) == -1 || !narrow.open || narrow.got == narrow.nasked ||
	    page != narrow.asked[narrow.got])
		return -1;
	narrow.got++;
	for (size_t i = 0; len > 0 && i < narrow.nleaves; i++) {
		l = &narrow.leaves[i];
		for (size_t j = 0; j < l->n; j++)
			if (lookup_page(narrow.hint, narrow.hint_len,
				l->grams[j]) == (int)page)
				(void)lookup_page_apply(p, len,
				    lookup_first(narrow.hint, page),
				    l->grams[j], narrow.docs, l->bits);
	}
	if (narrow.got == narrow.nasked)
		answer(q, w);
	return 0;
}

void
narrow_stop(void)
{
	explicit_bzero(&narrow, sizeof(narrow));
}
