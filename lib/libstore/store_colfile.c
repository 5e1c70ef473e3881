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
 * Column files of the snapshot: written, and read, a piece at a time.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_local.h"

#define KIND_COLUMN 2
#define MSG_LEN 52  /* octets of a message in a column file */
#define TOMB_LEN 24 /* of a tombstone */
#define BATCH 512   /* messages coded at a time */

static void
put_msg(struct buf *b, const struct store_msg *m)
{
	buf_put32(b, m->uid);
	buf_put32(b, m->size);
	buf_put64(b, m->flags);
	buf_put64(b, m->modseq);
	buf_put64(b, (uint64_t)(int64_t)m->date);
	buf_put16(b, (uint16_t)(int16_t)m->zone);
	buf_put16(b, (uint16_t)(uint8_t)m->codec);
	buf_put32(b, m->saved);
	buf_put32(b, m->cold & ~COLD_ODD);
	buf_put64(b, m->inst);
}

/* A million of them are read at a time: whole words, not octets. */
static uint32_t
word32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
word64(const uint8_t *p)
{
	return (uint64_t)word32(p) << 32 | word32(p + 4);
}

static void
get_msg(const uint8_t *p, struct store_msg *m)
{
	m->uid = word32(p);
	m->size = word32(p + 4);
	m->flags = word64(p + 8);
	m->modseq = word64(p + 16);
	m->date = (int64_t)word64(p + 24);
	m->zone = (int16_t)(p[32] << 8 | p[33]);
	m->codec = (int8_t)p[35];
	m->saved = word32(p + 36);
	m->cold = word32(p + 40);
	m->inst = word64(p + 44);
}

static void
col_name(uint64_t box, uint32_t version, char *name, size_t size)
{
	(void)snprintf(
	    name, size, "box.%llx.%x", (unsigned long long)box, version);
}

int
colw_begin(struct store *st, struct colw *w, uint64_t box, uint32_t version,
    size_t n, size_t ntombs)
{
	struct buf out = {0};
	char name[64];
	int r;

	col_name(box, version, name, sizeof(name));
	if (seq_create(st, &w->s, name, KIND_COLUMN) == -1)
		return -1;
	buf_put32(&out, (uint32_t)n);
	buf_put32(&out, (uint32_t)ntombs);
	r = out.failed ? -1 : seq_put(&w->s, out.p, out.len);
	buf_clear(&out);
	if (r == -1)
		seq_abort(&w->s);
	return r;
}

int
colw_msgs(struct colw *w, const struct store_msg *m, size_t n)
{
	struct buf out = {0};
	size_t i;
	int r;

	for (r = 0, i = 0; r == 0 && i < n; i++) {
		put_msg(&out, &m[i]);
		if (out.failed)
			r = -1;
		else if (i + 1 == n || out.len >= BATCH * MSG_LEN) {
			r = seq_put(&w->s, out.p, out.len);
			buf_reset(&out, 0);
		}
	}
	buf_clear(&out);
	return r;
}

int
colw_tombs(struct colw *w, const struct tomb *t, size_t n)
{
	struct buf out = {0};
	size_t i;
	int r;

	for (r = 0, i = 0; r == 0 && i < n; i++) {
		buf_put32(&out, t[i].uid);
		buf_put32(&out, t[i].when);
		buf_put64(&out, t[i].modseq);
		buf_put64(&out, t[i].inst);
		if (out.failed)
			r = -1;
		else if (i + 1 == n || out.len >= BATCH * TOMB_LEN) {
			r = seq_put(&w->s, out.p, out.len);
			buf_reset(&out, 0);
		}
	}
	buf_clear(&out);
	return r;
}

int
colr_begin(struct store *st, struct colr *c, int fd, uint64_t gen, uint64_t box,
    uint32_t version)
{
	uint8_t raw[8];
	struct rd h = {raw, sizeof(raw), 0, false};
	char name[64];

	errno = EBADMSG;
	col_name(box, version, name, sizeof(name));
	if (version == 0 || seq_open(st, fd, &c->s, name, KIND_COLUMN) == -1)
		return -1;
	if (seq_get(&c->s, raw, sizeof(raw)) == -1) {
		seq_abort(&c->s);
		return -1;
	}
	c->n = rd32(&h);
	c->ntombs = rd32(&h);
	c->odd = gen % 2 != 0 ? COLD_ODD : 0;
	c->uid = 0;
	return 0;
}

int
colr_msgs(struct colr *c, struct store_msg *m, size_t n)
{
	uint8_t raw[64 * MSG_LEN];
	size_t i, part;

	if (n > c->n) {
		errno = EBADMSG;
		return -1;
	}
	for (c->n -= n; n > 0; n -= part) {
		part = n < 64 ? n : 64;
		if (seq_get(&c->s, raw, part * MSG_LEN) == -1)
			return -1;
		for (i = 0; i < part; i++, m++) {
			get_msg(raw + i * MSG_LEN, m);
			m->cold |= c->odd;
			if (m->uid <= c->uid) {
				errno = EBADMSG;
				return -1;
			}
			c->uid = m->uid;
		}
	}
	return 0;
}

int
colr_tomb(struct colr *c, struct tomb *t)
{
	uint8_t raw[TOMB_LEN];
	struct rd r = {raw, sizeof(raw), 0, false};

	if (seq_get(&c->s, raw, sizeof(raw)) == -1)
		return -1;
	t->uid = rd32(&r);
	t->when = rd32(&r);
	t->modseq = rd64(&r);
	t->inst = rd64(&r);
	return 0;
}

static int
load(struct colr *c, struct box *b)
{
	struct store_msg *m;
	struct tomb t;
	size_t n;

	if (c->n > STORE_MESSAGES_MAX || c->n != b->pub.messages) {
		errno = EBADMSG;
		return -1;
	}
	while (c->n > 0) {
		n = c->n < COL_ROWS ? c->n : COL_ROWS;
		m = col_room(b, n);
		if (m == NULL || colr_msgs(c, m, n) == -1)
			return -1;
		col_grown(b, n);
	}
	for (; c->ntombs > 0; c->ntombs--) {
		if (colr_tomb(c, &t) == -1 || tomb_add(b, &t) == -1)
			return -1;
	}
	return 0;
}

int
col_load(struct store *st, struct box *b)
{
	struct colr c;
	int r;

	if (b->loaded)
		return 0;
	/* While a new generation is made, it may still be in the old one. */
	if (st->old.fd != -1 && !b->moved)
		r = colr_begin(
		    st, &c, st->old.fd, st->old.cold.gen, b->pub.id, b->file);
	else
		r = colr_begin(
		    st, &c, st->snap_fd, st->gen, b->pub.id, b->file);
	if (r == -1) {
		snap_invalidate(st);
		return -1;
	}
	if (load(&c, b) == -1) {
		seq_abort(&c.s);
		snap_invalidate(st);
		col_unload(b);
		return -1;
	}
	if (seq_end(&c.s) == -1) {
		snap_invalidate(st);
		col_unload(b);
		return -1;
	}
	b->loaded = true;
	b->dirty = false;
	return 0;
}
