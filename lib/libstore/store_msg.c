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
 * Messages in boxes: flags, keywords, expunge, and what is known of one.  Each
 * mutation is split into groups of bounded size; a group is whole in one frame.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_local.h"
#include "store_sweep.h"

/* A walk over the messages of a set of UIDs, by place in the column. */
struct walk {
	const struct store_range *ranges;
	size_t n;
	size_t range;
	size_t pos;
	bool begun;
};

/* The next place, or SIZE_MAX.  The column may have grown at its end. */
static size_t
walk_next(const struct box *b, struct walk *w)
{
	const struct store_msg *m;
	bool found;
	size_t i;

	for (; w->range < w->n; w->range++, w->begun = false) {
		if (!w->begun) {
			i = col_find(b, w->ranges[w->range].first, &found);
			if (i > w->pos || w->range == 0)
				w->pos = i;
			w->begun = true;
		}
		m = col_at(b, w->pos);
		if (m != NULL && m->uid <= w->ranges[w->range].last)
			return w->pos++;
	}
	return SIZE_MAX;
}

/*
 * A bit that no keyword has: of those that are this host's to give, so that
 * no two hosts give one bit to two names; while it is alone, of the others too.
 */
static unsigned int
free_keyword(const struct store *st, const struct box *b)
{
	unsigned int i, by;

	for (by = 0; by < 2; by++) {
		for (i = MUTANT(23) ? by : st->host ^ by;
		     i < STORE_KEYWORDS_MAX; i += 2) {
			if (b->keywords[i] == NULL && b->alias[i] == 0)
				return i;
		}
		if (store_paired(st))
			break;
	}
	return STORE_KEYWORDS_MAX;
}

enum store_result
store_keyword(struct store *st, uint64_t id, const char *name, bool make,
    unsigned int *bit)
{
	struct buf b = {0};
	enum store_result result;
	struct box *box;
	unsigned int i;

	box = box_find(st, id);
	if (box == NULL)
		return STORE_UNKNOWN;
	for (i = 0; i < box->pub.nkeywords; i++) {
		if (box->keywords[i] != NULL &&
		    strcasecmp(box->keywords[i], name) == 0) {
			*bit = 8 + i;
			return STORE_OK;
		}
	}
	if (!make)
		return STORE_UNKNOWN;
	if (name[0] == '\0' || strlen(name) > STORE_KEYWORD_MAX)
		return STORE_BADNAME;
	i = free_keyword(st, box);
	if (i >= STORE_KEYWORDS_MAX)
		return STORE_LIMIT;
	result = mut_begin(st, STORE_KEYWORD_MAX + 64);
	if (result != STORE_OK)
		return result;
	buf_put64(&b, id);
	buf_put8(&b, (uint8_t)i);
	buf_put_str(&b, name);
	op_queue(st, OP_KEYWORD, &b);
	buf_clear(&b);
	op_group_end(st);
	*bit = 8 + i;
	return st->failed ? STORE_IO : STORE_OK;
}

enum store_result
box_open(struct store *st, uint64_t id, struct box **box)
{
	*box = box_find(st, id);
	if (*box == NULL)
		return STORE_UNKNOWN;
	return col_load(st, *box) == -1 ? STORE_CORRUPT : STORE_OK;
}

static uint64_t
known_bits(const struct box *b)
{
	uint64_t bits;
	unsigned int i;

	for (bits = 0x1f, i = 0; i < b->pub.nkeywords; i++) {
		if (b->keywords[i] != NULL)
			bits |= 1ULL << (8 + i);
	}
	return bits;
}

/* Sends the list that put_listed() gathered, as one operation. */
static void
flush_list(struct store *st, enum op op, struct buf *head, struct buf *list,
    uint32_t n)
{
	struct buf b = {0};

	if (n > 0) {
		buf_put(&b, head->p, head->len);
		buf_put32(&b, n);
		buf_put(&b, list->p, list->len);
		if (head->failed || list->failed)
			st->failed = true;
		op_queue(st, op, &b);
		op_group_end(st);
	}
	buf_clear(&b);
	buf_reset(list, 0);
}

/*
 * Room for one list of a FLAG or EXPUNGE; *max: of how many messages it may
 * be.  Where the disk is full, what makes room still gets small ones.
 */
static enum store_result
list_begin(struct store *st, bool shrinks, bool first, uint32_t *max)
{
	static const uint32_t sizes[] = {OPS_BATCH, 512, 32, 1};
	enum store_result result;
	size_t i;

	*max = OPS_BATCH;
	if (!shrinks)
		return mut_begin(st, 64 + OPS_BATCH * 12);
	result = STORE_NOSPACE;
	for (i = 0;
	     result == STORE_NOSPACE && i < sizeof(sizes) / sizeof(sizes[0]);
	     i++) {
		*max = sizes[i];
		result = mut_shrink(st, 64 + (size_t)sizes[i] * 12, first);
	}
	return result;
}

enum store_result
store_flags(struct store *st, uint64_t id, const struct store_range *ranges,
    size_t n, uint64_t set, uint64_t clear, uint64_t unchanged)
{
	struct walk w = {ranges, n, 0, 0, false};
	struct buf head = {0}, list = {0};
	const struct store_msg *m;
	enum store_result result;
	struct box *box;
	uint32_t count, max;
	bool deletes;
	size_t i;

	result = box_open(st, id, &box);
	if (result != STORE_OK)
		return result;
	if (n > STORE_RANGES_MAX || (set & ~known_bits(box)) != 0)
		return STORE_INVALID;
	deletes = (set & STORE_DELETED) != 0;
	result = list_begin(st, deletes, true, &max);
	buf_put64(&head, id);
	buf_put64(&head, set);
	buf_put64(&head, clear);
	for (count = 0; result == STORE_OK;) {
		i = walk_next(box, &w);
		m = i == SIZE_MAX ? NULL : col_at(box, i);
		if (m != NULL && ((m->flags & ~clear) | set) != m->flags &&
		    m->modseq <= unchanged) {
			buf_put32(&list, m->uid);
			buf_put64(&list, m->inst);
			count++;
		}
		if (m != NULL && count < max)
			continue;
		flush_list(st, OP_FLAG, &head, &list, count);
		count = 0;
		if (m == NULL)
			break;
		result = list_begin(st, deletes, true, &max);
	}
	buf_clear(&head);
	buf_clear(&list);
	return result == STORE_OK && st->failed ? STORE_IO : result;
}

void
queue_expunge(
    struct store *st, struct box *box, const uint32_t *pos, uint32_t n)
{
	const struct store_msg *m;
	struct buf b = {0};
	uint32_t i;

	buf_put64(&b, box->pub.id);
	buf_put32(&b, n);
	for (i = 0; i < n; i++) {
		m = col_at(box, pos[i]);
		buf_put32(&b, m->uid);
		buf_put64(&b, m->inst);
	}
	op_queue(st, OP_EXPUNGE, &b);
	buf_clear(&b);
}

void
expunge_one(struct store *st, uint64_t id, uint32_t uid)
{
	struct box *box;
	uint32_t pos;
	bool found;

	box = box_find(st, id);
	if (box == NULL)
		return;
	pos = (uint32_t)col_find(box, uid, &found);
	if (found)
		queue_expunge(st, box, &pos, 1);
}

/* So many messages the set can have at most. */
static size_t
set_size(const struct box *box, const struct store_range *ranges, size_t n)
{
	size_t i, most, first, end;
	bool found;

	for (i = 0, most = 0; i < n; i++) {
		first = col_find(box, ranges[i].first, &found);
		end = col_find(box, ranges[i].last, &found);
		if (found)
			end++;
		if (end > first)
			most += end - first;
	}
	return most < box->n ? most : box->n;
}

uint32_t *
msgs_gather(struct box *box, const struct store_range *ranges, size_t n,
    bool all, uint32_t *count)
{
	struct walk w = {ranges, n, 0, 0, false};
	uint32_t *pos;
	size_t i, most;

	*count = 0;
	most = set_size(box, ranges, n);
	pos = calloc(most + 1, sizeof(*pos));
	while (pos != NULL && *count < most) {
		i = walk_next(box, &w);
		if (i == SIZE_MAX)
			break;
		if (all || (col_at(box, i)->flags & STORE_DELETED))
			pos[(*count)++] = (uint32_t)i;
	}
	return pos;
}

/*
 * From the highest down, so that what is told stands as it is told; the set is
 * gathered whole first, and removed in groups from its end.
 */
enum store_result
store_expunge(struct store *st, uint64_t id, const struct store_range *ranges,
    size_t n, bool all)
{
	enum store_result result;
	struct box *box;
	uint32_t *pos, count, max, part;

	result = box_open(st, id, &box);
	if (result != STORE_OK || box->n == 0)
		return result;
	if (n > STORE_RANGES_MAX)
		return STORE_INVALID;
	pos = msgs_gather(box, ranges, n, all, &count);
	if (pos == NULL)
		return STORE_IO;
	while (result == STORE_OK && count > 0) {
		result = list_begin(st, true, false, &max);
		if (result != STORE_OK)
			break;
		part = count < max ? count : max;
		count -= part;
		queue_expunge(st, box, pos + count, part);
		op_group_end(st);
		if (st->failed)
			result = STORE_IO;
	}
	free(pos);
	return result;
}

enum store_result
store_cold_get(
    struct store *st, uint64_t id, uint32_t uid, struct store_cold *out)
{
	const struct store_msg *m;
	struct cold c;

	m = store_msg_find(st, id, uid, NULL);
	if (m == NULL)
		return STORE_UNKNOWN;
	if (cold_read(st, m->cold, &c) == -1)
		return STORE_CORRUPT;
	memcpy(out->instance, c.instance, STORE_ID);
	memcpy(out->blob, c.blob, STORE_ID);
	memcpy(out->threadid, c.threadid, STORE_ID);
	seal_derive_id("emailid", c.blob, STORE_ID, out->emailid);
	out->bytes = c.bytes;
	explicit_bzero(&c, sizeof(c));
	return STORE_OK;
}

/* The packed summary of a message to st->sum_buf, from the pack or the blob. */
static enum store_result
fetch_summary(struct store *st, struct box *box, size_t pos)
{
	enum store_result result;
	struct cold c;
	uint64_t size;
	uint32_t ref;
	int64_t date;

	buf_reset(&st->sum_buf, 0);
	if (cold_read(st, col_at(box, pos)->cold, &c) == -1)
		return STORE_CORRUPT;
	result = STORE_OK;
	if (c.sum_len == SUM_UNKNOWN) {
		result = body_look(st, &c, -1, &st->sum_buf, &date, &size);
		/* Now it can be packed; the old record is left behind. */
		if (result == STORE_OK) {
			c.sum_len = (uint32_t)st->sum_buf.len;
			if (pack_append(st, &st->sum, st->sum_buf.p,
				st->sum_buf.len, &c.sum_off) == 0 &&
			    cold_append(st, &c, &ref) == 0)
				(void)col_set_cold(box, pos, ref);
		}
	} else if (c.sum_len > STORE_SUMMARY_MAX)
		result = STORE_CORRUPT;
	else {
		while (!st->sum_buf.failed && st->sum_buf.size < c.sum_len) {
			st->sum_buf.len = st->sum_buf.size;
			buf_put8(&st->sum_buf, 0);
		}
		st->sum_buf.len = c.sum_len;
		if (st->sum_buf.failed)
			result = STORE_IO;
		else if (pack_read(st, c.old ? &st->old.sum : &st->sum,
			     c.sum_off, c.sum_len, st->sum_buf.p) == -1)
			result = STORE_CORRUPT;
	}
	explicit_bzero(&c, sizeof(c));
	return result;
}

enum store_result
summary_chunks(const struct buf *packed, struct store_chunk *chunks, size_t *n)
{
	struct rd r = {packed->p, packed->len, 0, false};
	struct store_chunk *c;

	*n = 0;
	while (r.off < r.len) {
		if (*n == STORE_SUMMARY_CHUNKS)
			return STORE_CORRUPT;
		c = &chunks[(*n)++];
		c->kind = STORE_SUMMARY;
		c->compressed = rd8(&r) != 0;
		c->plain = rd32(&r);
		c->len = rd32(&r);
		c->data = rd_raw(&r, c->len);
		if (r.bad || c->len > STORE_CHUNK)
			return STORE_CORRUPT;
	}
	return STORE_OK;
}

enum store_result
store_summary(struct store *st, uint64_t id, uint32_t uid,
    struct store_chunk *chunks, size_t *n)
{
	enum store_result result;
	struct box *box;
	size_t pos;
	bool found;

	*n = 0;
	result = box_open(st, id, &box);
	if (result != STORE_OK)
		return result;
	pos = col_find(box, uid, &found);
	if (!found)
		return STORE_UNKNOWN;
	result = fetch_summary(st, box, pos);
	if (result != STORE_OK) {
		buf_clear(&st->sum_buf);
		return result;
	}
	return summary_chunks(&st->sum_buf, chunks, n);
}
