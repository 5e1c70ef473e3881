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
 * Columns: what is in memory of each message of a box, sorted by UID, and the
 * tombstones of those that are gone.  Loaded from the snapshot's file of the
 * box when first needed.
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

size_t
col_find(const struct box *b, uint32_t uid, bool *found)
{
	size_t lo, hi, mid;

	for (lo = 0, hi = b->n; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		if (b->col[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < b->n && b->col[lo].uid == uid;
	return lo;
}

void
count_msg(struct box *b, const struct store_msg *m, int sign)
{
	if (!(m->flags & STORE_SEEN))
		b->pub.unseen += (uint32_t)sign;
	if (m->flags & STORE_DELETED)
		b->pub.deleted += (uint32_t)sign;
	b->pub.size += (uint64_t)((int64_t)m->size * sign);
}

/* 0; 1 if there is such a UID already. */
int
col_insert(struct store *st, struct box *b, const struct store_msg *m)
{
	struct store_msg *p;
	size_t i, size;
	bool found;

	i = col_find(b, m->uid, &found);
	if (found)
		return 1;
	if (b->n >= STORE_MESSAGES_MAX)
		return -1;
	if (b->n == b->size) {
		size = b->size < 16 ? 16 : b->size + b->size / 2;
		p = recallocarray(b->col, b->size, size, sizeof(*p));
		if (p == NULL)
			return -1;
		b->col = p;
		b->size = size;
	}
	memmove(b->col + i + 1, b->col + i, (b->n - i) * sizeof(*b->col));
	b->col[i] = *m;
	b->n++;
	b->dirty = true;
	count_msg(b, m, 1);
	if (m->uid > b->uidmax)
		b->uidmax = m->uid;
	box_update(st, b);
	return 0;
}

int
tomb_add(struct box *b, const struct tomb *t)
{
	struct tomb *p;
	size_t size;

	if (b->ntombs == b->tombs_size) {
		size = b->tombs_size < 16 ? 16 :
					    b->tombs_size + b->tombs_size / 2;
		p = reallocarray(b->tombs, size, sizeof(*p));
		if (p == NULL)
			return -1;
		b->tombs = p;
		b->tombs_size = size;
	}
	b->tombs[b->ntombs++] = *t;
	return 0;
}

/* Takes the messages at pos[0..n), ascending, out; a tombstone for each. */
int
col_remove(struct store *st, struct box *b, const uint32_t *pos, size_t n,
    uint64_t modseq)
{
	struct tomb t;
	size_t i, end, to;

	to = n == 0 ? b->n : pos[0];
	for (i = 0; i < n; i++) {
		count_msg(b, &b->col[pos[i]], -1);
		t.uid = b->col[pos[i]].uid;
		t.inst = b->col[pos[i]].inst;
		t.modseq = modseq;
		t.when = st->now;
		if (tomb_add(b, &t) == -1)
			return -1;
		/* What lies between this one and the next moves as one. */
		end = i + 1 < n ? pos[i + 1] : b->n;
		memmove(b->col + to, b->col + pos[i] + 1,
		    (end - pos[i] - 1) * sizeof(*b->col));
		to += end - pos[i] - 1;
	}
	b->n = to;
	b->dirty = true;
	box_update(st, b);
	return 0;
}

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
	buf_put32(b, m->cold);
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
col_name(const struct box *b, uint32_t version, char *name, size_t size)
{
	(void)snprintf(
	    name, size, "box.%llx.%x", (unsigned long long)b->pub.id, version);
}

static int
save_messages(struct seq *s, const struct box *b)
{
	struct buf out = {0};
	size_t i;
	int r;

	r = 0;
	buf_put32(&out, (uint32_t)b->n);
	buf_put32(&out, (uint32_t)b->ntombs);
	for (i = 0; r == 0 && i < b->n; i++) {
		put_msg(&out, &b->col[i]);
		if (out.failed)
			r = -1;
		else if (out.len >= BATCH * MSG_LEN) {
			r = seq_put(s, out.p, out.len);
			buf_reset(&out, 0);
		}
	}
	for (i = 0; r == 0 && i < b->ntombs; i++) {
		buf_put32(&out, b->tombs[i].uid);
		buf_put32(&out, b->tombs[i].when);
		buf_put64(&out, b->tombs[i].modseq);
		buf_put64(&out, b->tombs[i].inst);
		if (out.failed)
			r = -1;
		else if (out.len >= BATCH * TOMB_LEN) {
			r = seq_put(s, out.p, out.len);
			buf_reset(&out, 0);
		}
	}
	if (r == 0 && out.len > 0)
		r = seq_put(s, out.p, out.len);
	buf_clear(&out);
	return r;
}

/* A new version; the old one stays for the snapshot that names it. */
int
col_save(struct store *st, struct box *b)
{
	struct seq s;
	char name[64];

	/* The sync of the whole snapshot follows. */
	col_name(b, b->file + 1, name, sizeof(name));
	if (seq_create(st, &s, name, KIND_COLUMN) == -1)
		return -1;
	if (save_messages(&s, b) == -1) {
		seq_abort(&s);
		return -1;
	}
	if (seq_end(&s) == -1)
		return -1;
	b->file++;
	b->dirty = false;
	return 0;
}

static int
load_tombs(struct seq *s, struct box *b, size_t n)
{
	uint8_t raw[TOMB_LEN];
	struct tomb t;
	size_t i;

	for (i = 0; i < n; i++) {
		struct rd r = {raw, sizeof(raw), 0, false};

		if (seq_get(s, raw, sizeof(raw)) == -1)
			return -1;
		t.uid = rd32(&r);
		t.when = rd32(&r);
		t.modseq = rd64(&r);
		t.inst = rd64(&r);
		if (tomb_add(b, &t) == -1)
			return -1;
	}
	return 0;
}

static int
load_batch(struct seq *s, struct box *b, size_t n)
{
	static uint8_t raw[BATCH * MSG_LEN];
	size_t i;

	if (seq_get(s, raw, n * MSG_LEN) == -1)
		return -1;
	for (i = 0; i < n; i++, b->n++) {
		get_msg(raw + i * MSG_LEN, &b->col[b->n]);
		if (b->n > 0 && b->col[b->n].uid <= b->col[b->n - 1].uid) {
			errno = EBADMSG;
			return -1;
		}
	}
	return 0;
}

static int
load_messages(struct seq *s, struct box *b)
{
	uint8_t raw[MSG_LEN];
	struct rd h = {raw, 8, 0, false};
	size_t n, ntombs;

	if (seq_get(s, raw, 8) == -1)
		return -1;
	n = rd32(&h);
	ntombs = rd32(&h);
	if (n > STORE_MESSAGES_MAX || n != b->pub.messages) {
		errno = EBADMSG;
		return -1;
	}
	b->size = n + n / 16 + 16;
	b->col = calloc(b->size, sizeof(*b->col));
	if (b->col == NULL)
		return -1;
	while (b->n < n) {
		if (load_batch(s, b, n - b->n < BATCH ? n - b->n : BATCH) == -1)
			return -1;
	}
	return load_tombs(s, b, ntombs);
}

int
col_load(struct store *st, struct box *b)
{
	struct seq s;
	char name[64];

	if (b->loaded)
		return 0;
	errno = EBADMSG;
	col_name(b, b->file, name, sizeof(name));
	if (b->file == 0 || seq_open(st, &s, name, KIND_COLUMN) == -1) {
		snap_invalidate(st);
		return -1;
	}
	if (load_messages(&s, b) == -1) {
		seq_abort(&s);
		snap_invalidate(st);
		col_unload(b);
		return -1;
	}
	if (seq_end(&s) == -1) {
		snap_invalidate(st);
		col_unload(b);
		return -1;
	}
	b->loaded = true;
	b->dirty = false;
	return 0;
}

void
col_unload(struct box *b)
{
	freezero(b->col, b->size * sizeof(*b->col));
	free(b->tombs);
	b->col = NULL;
	b->tombs = NULL;
	b->n = b->size = b->ntombs = b->tombs_size = 0;
	b->loaded = false;
}

enum store_result
store_use(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	if (b == NULL)
		return STORE_UNKNOWN;
	if (col_load(st, b) == -1)
		return STORE_CORRUPT;
	b->users++;
	return STORE_OK;
}

void
store_unuse(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	if (b != NULL && b->users > 0)
		b->users--;
}

const struct store_msg *
store_msgs(struct store *st, uint64_t id, size_t *n)
{
	struct box *b;

	*n = 0;
	b = box_find(st, id);
	if (b == NULL || col_load(st, b) == -1 || b->n == 0)
		return NULL;
	*n = b->n;
	return b->col;
}

const struct store_msg *
store_msg_find(struct store *st, uint64_t id, uint32_t uid, size_t *pos)
{
	struct box *b;
	size_t i;
	bool found;

	b = box_find(st, id);
	if (b == NULL || col_load(st, b) == -1)
		return NULL;
	i = col_find(b, uid, &found);
	if (pos != NULL)
		*pos = i;
	return found ? &b->col[i] : NULL;
}
