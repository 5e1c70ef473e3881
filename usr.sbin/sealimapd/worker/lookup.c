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
 * Reading pages of a segment.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "index.h"

#define PAGE_HEAD 3

uint32_t
lookup_first(const uint8_t *hint, size_t page)
{
	const uint8_t *p = hint + GRAM_LEN * page;

	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

int
lookup_page(const uint8_t *hint, size_t len, uint32_t gram)
{
	size_t lo = 0, hi = len / GRAM_LEN, mid;

	if (hi == 0 || lookup_first(hint, 0) > gram)
		return -1;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (lookup_first(hint, mid) <= gram)
			lo = mid;
		else
			hi = mid;
	}
	return (int)lo;
}

static int
get_number(const uint8_t **p, const uint8_t *end, uint32_t *v)
{
	unsigned int shift;

	*v = 0;
	for (shift = 0; shift < 28 && *p < end; shift += 7) {
		*v |= (uint32_t)(**p & 0x7f) << shift;
		if ((*(*p)++ & 0x80) == 0)
			return 0;
	}
	return -1;
}

/* Keeps of bits those that the list names. */
static int
list_apply(const uint8_t *p, size_t len, bool bitmap, size_t n, uint8_t *bits)
{
	uint8_t has[SEGMENT_DOCS / 8] = {0};
	const uint8_t *end = p + len;
	uint32_t step, doc = 0;
	size_t all = (n + 7) / 8;

	if (bitmap && len != all)
		return -1;
	if (bitmap)
		memcpy(has, p, all);
	while (!bitmap && p < end) {
		if (get_number(&p, end, &step) == -1 || step >= n - doc)
			return -1;
		doc += step;
		has[doc / 8] |= (uint8_t)(1 << doc % 8);
	}
	for (size_t i = 0; i < all; i++)
		bits[i] &= has[i];
	return 0;
}

/* The page opened, at most PAGE_SIZE_MAX octets of it. */
static const uint8_t *
page_open(const uint8_t *page, size_t len, size_t *plain)
{
	static uint8_t out[PAGE_SIZE_MAX];

	if (len < PAGE_HEAD)
		return NULL;
	*plain = (size_t)page[1] << 8 | page[2];
	if (page[0] == 0)
		return len - PAGE_HEAD == *plain ? page + PAGE_HEAD : NULL;
	if (*plain > sizeof(out) ||
	    ZSTD_decompress(
		out, sizeof(out), page + PAGE_HEAD, len - PAGE_HEAD) != *plain)
		return NULL;
	return out;
}

int
lookup_page_apply(const uint8_t *page, size_t len, uint32_t first,
    uint32_t gram, size_t n, uint8_t *bits)
{
	const uint8_t *p, *end;
	uint32_t step, size = 0, at = first;

	if (n > SEGMENT_DOCS || (p = page_open(page, len, &len)) == NULL)
		return -1;
	for (end = p + len; p < end;) {
		if (get_number(&p, end, &step) == -1 ||
		    get_number(&p, end, &size) == -1 ||
		    (size >> 1) > (size_t)(end - p))
			return -1;
		at += step;
		if (at >= gram)
			break;
		p += size >> 1;
	}
	if (p >= end || at != gram) {
		memset(bits, 0, (n + 7) / 8);
		return 0;
	}
	return list_apply(p, size >> 1, (size & 1) != 0, n, bits);
}

static int
gram_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

size_t
lookup_grams(const char *term, size_t len, uint32_t *grams, size_t max)
{
	const uint8_t *p = (const uint8_t *)term;
	size_t i, all, n = 0, at;

	if (len < GRAM_LEN)
		return 0;
	all = len - GRAM_LEN + 1;
	for (i = 0; i < all && i < max; i++) {
		/* Of a long one: from all over it. */
		at = all <= max ? i : i * (all - 1) / (max - 1);
		grams[n++] = (uint32_t)p[at] << 16 | (uint32_t)p[at + 1] << 8 |
		    p[at + 2];
	}
	qsort(grams, n, sizeof(*grams), gram_cmp);
	for (i = 0, all = n, n = 0; i < all; i++)
		if (n == 0 || grams[n - 1] != grams[i])
			grams[n++] = grams[i];
	return n;
}
