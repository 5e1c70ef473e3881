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
#include <unistd.h>

#include "store_work.h"

#define STATE_VERSION 6
#define STATE_BEFORE 5        /* there were no annotations */
#define STATE_MAX (256 << 20) /* octets of the file's plain text */
#define STATE_OPEN 4          /* where copies without an end are told */
#define STATE_FIXED 76        /* octets up to the count of writers, and that */
/* Octets of a writer before what it had seen of each. */
#define STATE_WRITER (WRITER_LEN + 1 + SEAL_CHAIN_LEN + 4 + 4 * 8)

static void
put_writers(const struct store *st, struct buf *b)
{
	const struct writer *w;
	size_t i, j;

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
		buf_put64(b, w->news);
		for (j = 0; j < st->nwriters; j++)
			buf_put64(b, st->saw[i][j]);
	}
	buf_put8(b, st->lease);
	buf_put8(b, (uint8_t)(st->paired | st->open << STATE_OPEN));
}

static void
put_pack(const struct pack *p, struct buf *b)
{
	buf_put64(b, p->len);
	buf_put32(b, (uint32_t)p->tail.len);
	buf_put(b, p->tail.p, p->tail.len);
}

static void
put_extra(const struct extra *x, struct buf *b)
{
	buf_put32(b, x->m.uid);
	buf_put32(b, x->m.size);
	buf_put64(b, x->m.flags);
	buf_put64(b, x->m.modseq);
	buf_put64(b, (uint64_t)(int64_t)x->m.date);
	buf_put16(b, (uint16_t)(int16_t)x->m.zone);
	buf_put8(b, (uint8_t)x->m.codec);
	buf_put32(b, x->m.saved);
	buf_put32(b, x->m.cold & ~COLD_ODD);
	buf_put64(b, x->m.inst);
	buf_put8(b, x->late);
}

/* What merging needs of a box. */
static void
put_merging(const struct box *box, struct buf *b)
{
	size_t i;

	buf_put_str(b, box->want == NULL ? "" : box->want);
	buf_put_str(b, box->old == NULL ? "" : box->old);
	buf_put8(b, box->mv_writer);
	buf_put64(b, box->mv_seq);
	buf_put8(b, box->foreign);
	for (i = 0; i < WRITERS_MAX; i++) {
		buf_put32(b, box->last[i].uid);
		buf_put64(b, box->last[i].seq);
	}
	buf_put32(b, (uint32_t)box->nextra);
	for (i = 0; i < box->nextra; i++)
		put_extra(&box->extra[i], b);
	buf_put32(b, (uint32_t)box->nrecent);
	for (i = 0; i < box->nrecent; i++) {
		buf_put8(b, box->recent[i].writer);
		buf_put32(b, box->recent[i].uid);
		buf_put64(b, box->recent[i].seq);
	}
}

static void
put_keywords(const struct box *box, struct buf *b)
{
	unsigned int i, n;

	for (i = n = 0; i < STORE_KEYWORDS_MAX; i++)
		n += box->keywords[i] != NULL;
	buf_put8(b, (uint8_t)n);
	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (box->keywords[i] == NULL)
			continue;
		buf_put8(b, (uint8_t)i);
		buf_put_str(b, box->keywords[i]);
	}
	buf_put(b, box->alias, sizeof(box->alias));
}

static void
put_box(const struct box *box, struct buf *b)
{
	buf_put64(b, box->pub.id);
	buf_put32(b, box->pub.uidvalidity);
	buf_put32(b, box->uidmax);
	buf_put32(b, box->pub.messages);
	buf_put32(b, box->pub.unseen);
	buf_put32(b, box->pub.deleted);
	buf_put64(b, box->pub.size);
	buf_put64(b, box->pub.modseq);
	buf_put16(b, box->pub.use);
	buf_put32(b, box->saving ? box->file + 1 : box->file);
	buf_put_str(b, box->pub.name);
	put_keywords(box, b);
	put_merging(box, b);
	metas_write(&box->metas, b);
}

/* Of a ghost; a box's are in its column file. */
static void
put_tombs(const struct box *g, struct buf *b)
{
	size_t i;

	buf_put32(b, (uint32_t)g->ntombs);
	for (i = 0; i < g->ntombs; i++) {
		buf_put32(b, g->tombs->t[i].uid);
		buf_put32(b, g->tombs->t[i].when);
		buf_put64(b, g->tombs->t[i].modseq);
		buf_put64(b, g->tombs->t[i].inst);
	}
}

static void
put_ghosts(const struct store *st, struct buf *b)
{
	const struct box *g;
	size_t i;

	buf_put32(b, (uint32_t)st->nghosts);
	for (i = 0; i < st->nghosts; i++) {
		g = st->ghosts[i];
		buf_put64(b, g->pub.id);
		buf_put32(b, g->pub.uidvalidity);
		buf_put16(b, g->pub.use);
		buf_put32(b, g->uidmax);
		buf_put32(b, g->gone);
		buf_put_str(b, g->pub.name);
		put_keywords(g, b);
		put_merging(g, b);
		put_tombs(g, b);
	}
}

/* With its length before it; the files of columns as they are about to be. */
int
state_write(struct store *st, struct buf *out)
{
	struct buf b = {0};
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
		buf_put8(&b, st->garbage[i].writer);
		buf_put64(&b, st->garbage[i].seq);
	}
	put_ghosts(st, &b);
	metas_write(&st->metas, &b);
	buf_put64(out, b.len);
	buf_put(out, b.p, b.len);
	r = b.failed || out->failed || b.len > STATE_MAX ? -1 : 0;
	buf_clear(&b);
	return r;
}

static void
get_writers(struct store *st, struct rd *r)
{
	struct writer *w;
	uint32_t n;
	size_t i;

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
		w->news = rd64(r);
		for (i = 0; i < n; i++)
			st->saw[st->nwriters][i] = rd64(r);
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
	/* What is not in the tail fills blocks. */
	if (tail == NULL || len > p->len || (p->len - len) % PACK_BLOCK != 0) {
		r->bad = true;
		return;
	}
	buf_put(&p->tail, tail, len);
	if (p->tail.failed)
		r->bad = true;
}

static void
get_extra(struct store *st, struct box *b, struct rd *r)
{
	struct store_msg m;

	memset(&m, 0, sizeof(m));
	m.uid = rd32(r);
	m.size = rd32(r);
	m.flags = rd64(r);
	m.modseq = rd64(r);
	m.date = (int64_t)rd64(r);
	m.zone = (int16_t)rd16(r);
	m.codec = (int8_t)rd8(r);
	m.saved = rd32(r);
	m.cold = rd32(r) | (st->gen % 2 != 0 ? COLD_ODD : 0);
	m.inst = rd64(r);
	if (extra_add(st, b, &m, rd8(r) != 0) == -1)
		r->bad = true;
}

/* An empty name is none. */
static char *
get_name(struct rd *r)
{
	char *name;

	name = rd_str(r, STORE_NAME_MAX);
	if (name != NULL && name[0] == '\0') {
		free(name);
		name = NULL;
	}
	return name;
}

static void
get_merging(struct store *st, struct box *box, struct rd *r)
{
	struct recent c;
	uint32_t n;
	size_t i;

	box->want = get_name(r);
	box->old = get_name(r);
	box->mv_writer = rd8(r);
	box->mv_seq = rd64(r);
	box->foreign = rd8(r) != 0;
	for (i = 0; i < WRITERS_MAX; i++) {
		box->last[i].uid = rd32(r);
		box->last[i].seq = rd64(r);
	}
	for (n = rd32(r); n > 0 && !r->bad; n--)
		get_extra(st, box, r);
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		c.writer = rd8(r);
		c.uid = rd32(r);
		c.seq = rd64(r);
		if (recent_add(box, c.uid, c.writer, c.seq) == -1)
			r->bad = true;
	}
	if (box->mv_writer >= WRITERS_MAX)
		r->bad = true;
}

static void
get_tombs(struct box *g, struct rd *r)
{
	struct tomb t;
	uint32_t n;

	for (n = rd32(r); n > 0 && !r->bad; n--) {
		t.uid = rd32(r);
		t.when = rd32(r);
		t.modseq = rd64(r);
		t.inst = rd64(r);
		if (tomb_add(g, &t) == -1)
			r->bad = true;
	}
}

static void
get_alias(struct box *box, struct rd *r)
{
	size_t i;
	uint8_t of;

	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		of = rd8(r);
		if (of > STORE_KEYWORDS_MAX ||
		    (of != 0 && box->keywords[of - 1] == NULL))
			r->bad = true;
		else
			box->alias[i] = of;
	}
}

static void
get_keywords(struct box *box, struct rd *r)
{
	unsigned int n, bit;
	char *name;

	for (n = rd8(r); n > 0 && !r->bad; n--) {
		bit = rd8(r);
		name = rd_str(r, STORE_KEYWORD_MAX);
		if (name == NULL || box_set_keyword(box, bit, name) == -1)
			r->bad = true;
	}
	get_alias(box, r);
}

static void
get_ghosts(struct store *st, struct rd *r)
{
	struct box *g, **p;
	uint32_t n;

	n = rd32(r);
	if (n > GHOSTS_MAX)
		r->bad = true;
	for (; n > 0 && !r->bad; n--) {
		p = reallocarray(st->ghosts, st->nghosts + 1, sizeof(*p));
		g = calloc(1, sizeof(*g));
		if (p != NULL)
			st->ghosts = p;
		if (p == NULL || g == NULL) {
			free(g);
			r->bad = true;
			return;
		}
		st->ghosts[st->nghosts++] = g;
		g->pub.id = rd64(r);
		g->pub.uidvalidity = rd32(r);
		g->pub.use = rd16(r);
		g->uidmax = rd32(r);
		g->gone = rd32(r);
		g->pub.name = rd_str(r, STORE_NAME_MAX);
		get_keywords(g, r);
		get_merging(st, g, r);
		get_tombs(g, r);
	}
}

static void
get_box(struct store *st, struct rd *r, uint32_t version)
{
	struct store_box pub = {0};
	struct box *box;
	uint32_t uidmax, file;
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
	get_keywords(box, r);
	get_merging(st, box, r);
	if (version != STATE_BEFORE)
		metas_read(&box->metas, r);
	box_update(st, box);
}

static void
get_rest(struct store *st, struct rd *r, uint32_t version)
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
		if (garbage_add(st, blob, rd64(r)) == -1) {
			r->bad = true;
			return;
		}
		st->garbage[st->ngarbage - 1].writer = rd8(r);
		st->garbage[st->ngarbage - 1].seq = rd64(r);
	}
	get_ghosts(st, r);
	if (version != STATE_BEFORE)
		metas_read(&st->metas, r);
}

static int
parse_state(struct store *st, struct rd *r)
{
	uint32_t n, version;
	uint8_t hosts;

	version = rd32(r);
	if ((version != STATE_VERSION && version != STATE_BEFORE) ||
	    rd64(r) != st->gen)
		return -1;
	st->lamport = rd64(r);
	st->next_box = rd64(r);
	st->last_uidvalidity = rd32(r);
	st->live = rd64(r);
	st->nflat = rd64(r);
	st->log_since = rd64(r);
	st->checkpoint_len = rd64(r);
	get_writers(st, r);
	st->lease = rd8(r);
	hosts = rd8(r);
	st->paired = hosts & ((1U << STATE_OPEN) - 1);
	st->open = (uint8_t)(hosts >> STATE_OPEN);
	st->multi = st->nwriters > 1;
	get_pack(&st->cold, r);
	get_pack(&st->sum, r);
	n = rd32(r);
	if (n > STORE_BOXES_MAX * 2)
		return -1;
	for (; n > 0 && !r->bad; n--)
		get_box(st, r, version);
	get_rest(st, r, version);
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

static int
get_small(struct seq *s, uint8_t *raw, size_t len, uint64_t *off)
{
	if (seq_get(s, raw, len) == -1)
		return -1;
	*off += len;
	return 0;
}

int
state_to_packs(struct store *st, struct seq *s, uint64_t *off)
{
	uint8_t raw[STATE_FIXED];
	struct rd r = {raw, sizeof(raw), 0, false};
	uint32_t n, i;

	*off = 0;
	if (get_small(s, raw, sizeof(raw), off) == -1)
		return -1;
	(void)rd64(&r);
	(void)rd32(&r);
	if (rd64(&r) != st->gen) {
		errno = EBADMSG;
		return -1;
	}
	(void)rd_raw(&r, STATE_FIXED - 4 - r.off);
	n = rd32(&r);
	if (n > WRITERS_MAX) {
		errno = EBADMSG;
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (get_small(s, raw, STATE_WRITER, off) == -1)
			return -1;
		for (uint32_t j = 0; j < n; j++) {
			if (get_small(s, raw, 8, off) == -1)
				return -1;
		}
	}
	return get_small(s, raw, 2, off);
}

/* Nothing is known: before a fold from the start, and at the end. */
void
state_reset(struct store *st)
{
	struct shared *s;

	work_drop(st);
	if (st->old.fd != -1)
		(void)close(st->old.fd);
	st->old.fd = -1;
	pack_close(&st->old.cold);
	pack_close(&st->old.sum);
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
	while (st->nghosts > 0)
		box_free(st->ghosts[--st->nghosts]);
	free(st->ghosts);
	st->ghosts = NULL;
	metas_clear(&st->metas);
	inst_clear(st);
	parts_clear(st);
	st->open = 0;
	free(st->undo_from);
	free(st->undo_to);
	st->undo_from = st->undo_to = NULL;
	memset(st->saw, 0, sizeof(st->saw));
	memset(st->writers, 0, sizeof(st->writers));
	st->lease = st->paired = 0;
	st->multi = st->stating = false;
	st->nmap = 0;
	free(st->boxes);
	free(st->subs);
	free(st->garbage);
	st->boxes = NULL;
	st->subs = NULL;
	st->garbage = NULL;
	st->boxes_size = st->subs_size = st->garbage_size = 0;
	st->ngarbage = 0;
	st->nwriters = 0;
	st->own = NO_WRITER;
	st->lamport = 0;
	st->next_box = BOX_FIRST_ID;
	st->last_uidvalidity = 0;
	st->live = 0;
	st->log_since = st->log_snapped = st->checkpoint_len = 0;
	st->next_sum_len = SUM_UNKNOWN;
	pack_close(&st->cold);
	pack_close(&st->sum);
}
