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
 * Writing a summary, once the whole message has been seen.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "parser_local.h"

int
buf_add(struct buf *b, const void *p, size_t len, size_t max)
{
	uint8_t *q;
	size_t size;

	if (len > max || b->len > max - len)
		return -1;
	if (len > b->size - b->len) {
		size = b->size == 0 ? 1024 : b->size;
		while (size - b->len < len)
			size *= 2;
		if ((q = recallocarray(b->p, b->size, size, 1)) == NULL)
			return -1;
		b->p = q;
		b->size = size;
	}
	if (len > 0)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	return 0;
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	freezero(b->p, b->size);
	memset(b, 0, sizeof(*b));
}

/*
 * The sum of a summary, over all but itself, eight octets a step: it notices
 * damage, and is no defence against forgery, which the reader's checks are.
 */
uint32_t
sum_check(const uint8_t *summary, size_t size)
{
	const uint8_t *p = summary + 16;
	size_t len = size - 16;
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ get64(summary + 4);

	for (; len >= 8; p += 8, len -= 8) {
		h = (h ^ get64(p)) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	for (; len > 0; p++, len--) {
		h = (h ^ *p) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static void
node_put(const struct node *n, uint8_t *q)
{
	memset(q, 0, PART_SIZE);
	put16(q, n->parent == UINT32_MAX ? 0xffff : n->parent);
	put16(q + 2, n->end);
	q[4] = n->kind;
	q[5] = n->flags;
	put64(q + 8, n->head_off);
	put64(q + 16, n->head_len);
	put64(q + 24, n->body_off);
	put64(q + 32, n->body_len);
	put64(q + 40, n->lines);
	put32(q + 48, n->rec_off);
	put32(q + 52, n->rec_len);
	put32(q + 56, n->hdr_off);
	put32(q + 60, n->hdr_len);
}

static void
head_put(const struct mime_parser *p, uint8_t *q)
{
	unsigned flags = 0;

	if (p->has_date)
		flags |= SUM_HAS_DATE;
	if (p->nul)
		flags |= SUM_HAS_NUL;
	if (p->limited)
		flags |= SUM_LIMITED;
	put32(q, SUM_MAGIC);
	q[4] = MIME_VERSION;
	q[5] = COVERED_VERSION;
	put64(q + 16, p->off);
	put64(q + 24, p->lines);
	put64(q + 32, p->has_date ? (uint64_t)p->date : 0);
	put16(q + 40, p->has_date ? (uint32_t)(uint16_t)p->zone : 0);
	put16(q + 42, flags);
	put32(q + 44, p->n);
}

static int
section_put(struct mime_parser *p, unsigned i, enum sum_section type,
    const void *data, size_t len)
{
	uint8_t *q = p->out.p + SUM_HEADER + i * SUM_SECTION;

	put16(q, type);
	put32(q + 4, (uint32_t)p->out.len);
	put32(q + 8, (uint32_t)len);
	return buf_add(&p->out, data, len, MIME_SUMMARY_MAX);
}

static int
sections_put(struct mime_parser *p)
{
	struct mime_str preview = preview_get(&p->preview);
	unsigned i = 0;

	/* The parts' octets are made in place, after the table. */
	if (section_put(p, i++, SEC_STRINGS, p->strings.p, p->strings.len) ==
		-1 ||
	    section_put(p, i++, SEC_HEADERS, p->headers.p, p->headers.len) ==
		-1 ||
	    section_put(p, i++, SEC_PREVIEW, preview.s, preview.len) == -1)
		return -1;
	return 0;
}

static int
encode(struct mime_parser *p)
{
	uint8_t zero[SUM_HEADER + 4 * SUM_SECTION] = {0}, part[PART_SIZE];
	uint8_t *q;
	uint32_t i;

	p->out.len = 0;
	if (buf_add(&p->out, zero, sizeof(zero), MIME_SUMMARY_MAX) == -1 ||
	    sections_put(p) == -1)
		return -1;
	q = p->out.p + SUM_HEADER + 3 * SUM_SECTION;
	put16(q, SEC_PARTS);
	put32(q + 4, (uint32_t)p->out.len);
	put32(q + 8, p->n * PART_SIZE);
	for (i = 0; i < p->n; i++) {
		node_put(&p->nodes[i], part);
		if (buf_add(&p->out, part, sizeof(part), MIME_SUMMARY_MAX) ==
		    -1)
			return -1;
	}
	head_put(p, p->out.p);
	put16(p->out.p + 6, 4);
	put32(p->out.p + 8, (uint32_t)p->out.len);
	put32(p->out.p + 12, sum_check(p->out.p, p->out.len));
	return 0;
}

const uint8_t *
mime_parser_finish(struct mime_parser *p, size_t *len)
{
	if (!p->finished && !p->failed) {
		parser_close(p);
		if (!p->failed && encode(p) == -1)
			p->failed = true;
		p->finished = true;
	}
	if (p->failed)
		return NULL;
	*len = p->out.len;
	return p->out.p;
}
