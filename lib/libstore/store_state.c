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

/* The snapshot's state file: everything but columns and full pack blocks. */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_local.h"

#define STATE_VERSION 1
#define STATE_MAX (256 << 20) /* octets of the file's plain text */

static void
put_writers(const struct store *st, struct buf *b)
{
	const struct writer *w;
	size_t i;

	buf_put32(b, (uint32_t)st->nwriters);
	for (i = 0; i < st->nwriters; i++) {
		w = &st->writers[i];
		buf_put(b, w->id, WRITER_LEN);
		buf_put8(b, w->host);
		buf_put(b, w->chain, SEAL_CHAIN_LEN);
		buf_put32(b, w->seg);
		buf_put64(b, w->off);
		buf_put64(b, w->seq);
		buf_put64(b, w->lamport);
	}
}

static void
put_pack(const struct pack *p, struct buf *b)
{
	buf_put64(b, p->len);
	buf_put32(b, (uint32_t)p->tail.len);
	buf_put(b, p->tail.p, p->tail.len);
}

static void
put_box(const struct box *box, struct buf *b)
{
	unsigned int i, n;

	buf_put64(b, box->pub.id);
	buf_put32(b, box->pub.uidvalidity);
	buf_put32(b, box->uidmax);
	buf_put32(b, box->pub.messages);
	buf_put32(b, box->pub.unseen);
	buf_put32(b, box->pub.deleted);
	buf_put64(b, box->pub.size);
	buf_put64(b, box->pub.modseq);
	buf_put16(b, box->pub.use);
	buf_put32(b, box->file);
	buf_put_str(b, box->pub.name);
	for (i = n = 0; i < STORE_KEYWORDS_MAX; i++)
		n += box->keywords[i] != NULL;
	buf_put8(b, (uint8_t)n);
	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (box->keywords[i] == NULL)
			continue;
		buf_put8(b, (uint8_t)i);
		buf_put_str(b, box->keywords[i]);
	}
}

int
state_write(struct store *st, struct seq *s)
{
	struct buf b = {0}, head = {0};
	struct shared *sh;
	size_t i, n;
	int r;

	buf_put32(&b, STATE_VERSION);
	buf_put64(&b, st->gen);
	buf_put64(&b, st->lamport);
	buf_put64(&b, st->next_box);
	buf_put32(&b, st->last_uidvalidity);
	buf_put64(&b, st->live);
	buf_put64(&b, st->nflat);
	buf_put64(&b, st->log_since);
	buf_put64(&b, st->checkpoint_len);
	put_writers(st, &b);
	put_pack(&st->cold, &b);
	put_pack(&st->sum, &b);
	buf_put32(&b, (uint32_t)st->nboxes);
	for (i = 0; i < st->nboxes; i++)
		put_box(st->boxes[i], &b);
	buf_put32(&b, (uint32_t)st->nsubs);
	for (i = 0; i < st->nsubs; i++)
		buf_put_str(&b, st->subs[i]);
	n = 0;
	RB_FOREACH (sh, shared_tree, &st->shared)
		n++;
	buf_put32(&b, (uint32_t)n);
	RB_FOREACH (sh, shared_tree, &st->shared) {
		buf_put(&b, sh->blob, STORE_ID);
		buf_put32(&b, sh->count);
	}
	buf_put32(&b, (uint32_t)st->ngarbage);
	for (i = 0; i < st->ngarbage; i++) {
		buf_put(&b, st->garbage[i].blob, STORE_ID);
		buf_put64(&b, st->garbage[i].bytes);
	}
	buf_put64(&head, b.len);
	r = -1;
	if (!b.failed && !head.failed && b.len <= STATE_MAX &&
	    seq_put(s, head.p, head.len) == 0)
		r = seq_put(s, b.p, b.len);
	buf_clear(&head);
	buf_clear(&b);
	return r;
}

static void
get_writers(struct store *st, struct rd *r)
{
	struct writer *w;
	uint32_t n;

	n = rd32(r);
	if (n > WRITERS_MAX)
		r->bad = true;
	for (st->nwriters = 0; !r->bad && st->nwriters < n; st->nwriters++) {
		w = &st->writers[st->nwriters];
		rd_copy(r, w->id, WRITER_LEN);
		w->host = rd8(r);
		rd_copy(r, w->chain, SEAL_CHAIN_LEN);
		w->seg = rd32(r);
		w->off = rd64(r);
		w->seq = rd64(r);
		w->lamport = rd64(r);
	}
}

static void
get_pack(struct pack *p, struct rd *r)
{
	const uint8_t *tail;
	size_t len;

	p->len = rd64(r);
	len = rd32(r);
	tail = rd_raw(r, len);
	if (tail == NULL || len > p->len) {
		r->bad = true;
		return;
	}
	buf_put(&p->tail, tail, len);
	if (p->tail.failed)
		r->bad = true;
}

static void
get_box(struct store *st, struct rd *r)
{
	struct store_box pub = {0};
	struct box *box;
	uint32_t uidmax, file;
	unsigned int n, bit;
	char *name;

	pub.id = rd64(r);
	pub.uidvalidity = rd32(r);
	uidmax = rd32(r);
	pub.messages = rd32(r);
	pub.unseen = rd32(r);
	pub.deleted = rd32(r);
	pub.size = rd64(r);
	pub.modseq = rd64(r);
	pub.use = rd16(r);
	file = rd32(r);
	name = rd_str(r, STORE_NAME_MAX);
	box = name == NULL ? NULL : box_add(st, pub.id, name);
	if (box == NULL) {
		r->bad = true;
		return;
	}
	pub.name = box->pub.name;
	pub.keywords = box->pub.keywords;
	box->pub = pub;
	box->uidmax = uidmax;
	box->file = file;
	box->loaded = box->dirty = false;
	for (n = rd8(r); n > 0 && !r->bad; n--) {
		bit = rd8(r);
		name = rd_str(r, STORE_KEYWORD_MAX);
		if (name == NULL || box_set_keyword(box, bit, name) == -1)
			r->bad = true;
	}
	box_update(st, box);
}

static void
get_rest(struct store *st, struct rd *r)
{
	uint8_t blob[STORE_ID];
	uint32_t n;
	char *name;

	for (n = rd32(r); n > 0 && !r->bad; n--) {
		name = rd_str(r, STORE_NAME_MAX);
		if (name == NULL || sub_apply(st, name, true) == -1)
			r->bad = true;
	}
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		rd_copy(r, blob, STORE_ID);
		if (shared_add(st, blob, rd32(r) - 1) == -1)
			r->bad = true;
	}
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		rd_copy(r, blob, STORE_ID);
		if (garbage_add(st, blob, rd64(r)) == -1)
			r->bad = true;
	}
}

static int
parse_state(struct store *st, struct rd *r)
{
	uint32_t n;

	if (rd32(r) != STATE_VERSION || rd64(r) != st->gen)
		return -1;
	st->lamport = rd64(r);
	st->next_box = rd64(r);
	st->last_uidvalidity = rd32(r);
	st->live = rd64(r);
	st->nflat = rd64(r);
	st->log_since = rd64(r);
	st->checkpoint_len = rd64(r);
	get_writers(st, r);
	get_pack(&st->cold, r);
	get_pack(&st->sum, r);
	n = rd32(r);
	if (n > STORE_BOXES_MAX * 2)
		return -1;
	for (; n > 0 && !r->bad; n--)
		get_box(st, r);
	get_rest(st, r);
	return r->bad || r->off != r->len ? -1 : 0;
}

int
state_read(struct store *st, struct seq *s)
{
	uint8_t raw[8], *p;
	struct rd r = {raw, sizeof(raw), 0, false};
	uint64_t len;
	int result;

	if (seq_get(s, raw, sizeof(raw)) == -1)
		return -1;
	len = rd64(&r);
	if (len > STATE_MAX) {
		errno = EBADMSG;
		return -1;
	}
	p = malloc((size_t)len + 1);
	if (p == NULL)
		return -1;
	result = seq_get(s, p, (size_t)len);
	if (result == 0) {
		r = (struct rd){p, (size_t)len, 0, false};
		result = parse_state(st, &r);
	}
	freezero(p, (size_t)len + 1);
	return result;
}

/* Nothing is known: before a fold from the start, and at the end. */
void
state_reset(struct store *st)
{
	struct shared *s;

	while (st->nboxes > 0)
		box_free(st->boxes[--st->nboxes]);
	while (st->nsubs > 0) {
		st->nsubs--;
		freezero(st->subs[st->nsubs], strlen(st->subs[st->nsubs]));
	}
	while ((s = RB_MIN(shared_tree, &st->shared)) != NULL) {
		(void)RB_REMOVE(shared_tree, &st->shared, s);
		free(s);
	}
	free(st->boxes);
	free(st->subs);
	free(st->garbage);
	st->boxes = NULL;
	st->subs = NULL;
	st->garbage = NULL;
	st->boxes_size = st->subs_size = st->garbage_size = 0;
	st->ngarbage = 0;
	st->nwriters = 0;
	st->own = WRITERS_MAX;
	st->lamport = 0;
	st->next_box = BOX_FIRST_ID;
	st->last_uidvalidity = 0;
	st->live = 0;
	st->log_since = st->log_snapped = st->checkpoint_len = 0;
	st->next_sum_len = SUM_UNKNOWN;
	pack_close(&st->cold);
	pack_close(&st->sum);
}
