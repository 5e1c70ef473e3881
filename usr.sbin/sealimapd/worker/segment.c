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
 * A segment in the making.  Pairs of a trigram and a message's number are
 * gathered in runs of 256 messages, so that a pair takes 32 bits; each run is
 * sorted when the segment is closed, and the runs are merged page by page.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "compat.h"
#include "index.h"
#include "log.h"

#define RUN_DOCS 256
#define RUNS (SEGMENT_DOCS / RUN_DOCS)
#define ZSTD_LEVEL 3
#define PAGE_HEAD 3 /* u8 1 if compressed, u16 plain octets */
#define LIST_MAX (SEGMENT_DOCS / 8)
#define RECORD_MAX (LIST_MAX + 8)

struct run {
	size_t first, end; /* pairs */
};

struct segment {
	uint32_t *pairs; /* trigram << 8 | number % RUN_DOCS */
	size_t n, size;
	struct run runs[RUNS];
	size_t docs;
	uint32_t last; /* trigram of the record before, in this page */
	uint8_t hint[HINT_LEN];
	size_t pages;
	uint8_t plain[PAGE_SIZE_MAX];
	size_t len;
	uint8_t out[PAGE_HEAD + ZSTD_COMPRESSBOUND(PAGE_SIZE_MAX)];
	ZSTD_CCtx *zstd;
	/* The record that did not fit the page before. */
	uint8_t list[LIST_MAX * 2 + 16];
};

struct segment *
segment_new(void)
{
	struct segment *s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->zstd = ZSTD_createCCtx()) == NULL)
		fatal(NULL);
	return s;
}

void
segment_free(struct segment *s)
{
	if (s == NULL)
		return;
	freezero(s->pairs, s->size * sizeof(*s->pairs));
	ZSTD_freeCCtx(s->zstd);
	freezero(s, sizeof(*s));
}

bool
segment_add(struct segment *s, const uint32_t *grams, size_t n)
{
	struct run *run;
	uint32_t *p;
	size_t size;

	if (s->docs == SEGMENT_DOCS || n > SEGMENT_GRAMS - s->n)
		return false;
	if (n > s->size - s->n) {
		for (size = s->size == 0 ? 65536 : s->size; size < s->n + n;)
			size *= 2;
		p = recallocarray(s->pairs, s->size, size, sizeof(*p));
		if (p == NULL)
			fatal(NULL);
		s->pairs = p;
		s->size = size;
	}
	run = &s->runs[s->docs / RUN_DOCS];
	if (s->docs % RUN_DOCS == 0)
		run->first = s->n;
	for (size_t i = 0; i < n; i++)
		s->pairs[s->n++] = grams[i] << 8 |
		    (uint32_t)(s->docs % RUN_DOCS);
	run->end = s->n;
	s->docs++;
	return true;
}

/* By trigram, an octet at a time; the numbers stay in order. */
static void
run_sort(uint32_t *pairs, uint32_t *spare, size_t n)
{
	size_t count[257];
	uint32_t *from = pairs, *to = spare, *swap;

	for (unsigned int shift = 8; shift < 32; shift += 8) {
		memset(count, 0, sizeof(count));
		for (size_t i = 0; i < n; i++)
			count[(from[i] >> shift & 255) + 1]++;
		for (size_t i = 1; i < 257; i++)
			count[i] += count[i - 1];
		for (size_t i = 0; i < n; i++)
			to[count[from[i] >> shift & 255]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	memcpy(pairs, from, n * sizeof(*pairs));
}

void
segment_close(struct segment *s)
{
	uint32_t *spare;
	size_t n, most = 0;

	for (size_t i = 0; i < RUNS; i++) {
		n = s->runs[i].end - s->runs[i].first;
		if (n > most)
			most = n;
	}
	if (most == 0)
		return;
	if ((spare = calloc(most, sizeof(*spare))) == NULL)
		fatal(NULL);
	for (size_t i = 0; i < RUNS; i++) {
		n = s->runs[i].end - s->runs[i].first;
		if (n > 0)
			run_sort(s->pairs + s->runs[i].first, spare, n);
	}
	freezero(spare, most * sizeof(*spare));
}

static size_t
put_number(uint8_t *p, uint32_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

/* The smallest trigram that is left; GRAMS_ALL: none is. */
static uint32_t
gram_next(const struct segment *s)
{
	uint32_t gram, least = GRAMS_ALL;

	for (size_t i = 0; i < RUNS; i++) {
		if (s->runs[i].first == s->runs[i].end)
			continue;
		gram = s->pairs[s->runs[i].first] >> 8;
		if (gram < least)
			least = gram;
	}
	return least;
}

/*
 * The messages that have it: a bitmap, or the distances from one to the next,
 * whichever is shorter.  The octets in s->list.
 */
static size_t
list_make(struct segment *s, uint32_t gram, bool *bitmap)
{
	uint8_t bits[LIST_MAX] = {0};
	uint32_t doc, before = 0;
	size_t n = 0, all = (s->docs + 7) / 8;
	struct run *r;

	for (size_t i = 0; i < RUNS; i++) {
		r = &s->runs[i];
		for (; r->first < r->end && s->pairs[r->first] >> 8 == gram;
		     r->first++) {
			doc = (uint32_t)(i * RUN_DOCS) +
			    (s->pairs[r->first] & 255);
			bits[doc / 8] |= (uint8_t)(1 << doc % 8);
			if (n <= all)
				n += put_number(s->list + n, doc - before);
			before = doc;
		}
	}
	*bitmap = n >= all;
	if (*bitmap) {
		memcpy(s->list, bits, all);
		n = all;
	}
	explicit_bzero(bits, sizeof(bits));
	return n;
}

/* What is in s->plain, as it is stored. */
static const uint8_t *
page_pack(struct segment *s, size_t *len)
{
	size_t n;

	s->out[1] = (uint8_t)(s->len >> 8);
	s->out[2] = (uint8_t)s->len;
	n = ZSTD_compressCCtx(s->zstd, s->out + PAGE_HEAD,
	    sizeof(s->out) - PAGE_HEAD, s->plain, s->len, ZSTD_LEVEL);
	s->out[0] = !ZSTD_isError(n) && n < s->len;
	if (s->out[0] == 0) {
		memcpy(s->out + PAGE_HEAD, s->plain, s->len);
		n = s->len;
	}
	*len = PAGE_HEAD + n;
	return s->out;
}

const uint8_t *
segment_page(struct segment *s, size_t *len)
{
	uint32_t gram;
	bool bitmap;
	size_t n;

	s->len = 0;
	for (; (gram = gram_next(s)) != GRAMS_ALL; s->last = gram) {
		if (s->len > sizeof(s->plain) - RECORD_MAX)
			return page_pack(s, len);
		if (s->len == 0) {
			if (s->pages == SEGMENT_PAGES)
				fatalx("a segment of too many pages");
			s->hint[GRAM_LEN * s->pages] = (uint8_t)(gram >> 16);
			s->hint[GRAM_LEN * s->pages + 1] = (uint8_t)(gram >> 8);
			s->hint[GRAM_LEN * s->pages + 2] = (uint8_t)gram;
			s->pages++;
			s->last = gram;
		}
		n = list_make(s, gram, &bitmap);
		s->len += put_number(s->plain + s->len, gram - s->last);
		s->len += put_number(
		    s->plain + s->len, (uint32_t)(n << 1) | bitmap);
		memcpy(s->plain + s->len, s->list, n);
		s->len += n;
	}
	return s->len == 0 ? NULL : page_pack(s, len);
}

const uint8_t *
segment_hint(const struct segment *s, size_t *len)
{
	*len = GRAM_LEN * s->pages;
	return s->hint;
}
