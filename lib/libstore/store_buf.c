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

/* Growing buffers and bounded reading of what is on disk, big-endian. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"

static uint8_t *
space(struct buf *b, size_t len)
{
	uint8_t *p;
	size_t size;

	if (b->failed || len > SIZE_MAX / 4 - b->len)
		return NULL;
	if (len == 0)
		return b->p;
	if (b->size - b->len < len) {
		for (size = b->size < 256 ? 256 : b->size; size - b->len < len;
		     size *= 2)
			;
		p = recallocarray(b->p, b->size, size, 1);
		if (p == NULL) {
			b->failed = true;
			return NULL;
		}
		b->p = p;
		b->size = size;
	}
	p = b->p + b->len;
	b->len += len;
	return p;
}

static void
put_number(struct buf *b, uint64_t v, size_t n)
{
	uint8_t *p;

	p = space(b, n);
	if (p == NULL)
		return;
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

void
buf_put8(struct buf *b, uint8_t v)
{
	put_number(b, v, 1);
}

void
buf_put16(struct buf *b, uint16_t v)
{
	put_number(b, v, 2);
}

void
buf_put32(struct buf *b, uint32_t v)
{
	put_number(b, v, 4);
}

void
buf_put64(struct buf *b, uint64_t v)
{
	put_number(b, v, 8);
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	uint8_t *p;

	p = space(b, len);
	if (p != NULL && len > 0)
		memcpy(p, data, len);
}

void
buf_put_str(struct buf *b, const char *s)
{
	size_t len;

	len = strlen(s);
	buf_put16(b, (uint16_t)len);
	buf_put(b, s, (uint16_t)len);
}

void
buf_clear(struct buf *b)
{
	freezero(b->p, b->size);
	memset(b, 0, sizeof(*b));
}

void
buf_reset(struct buf *b, size_t len)
{
	if (b->len > len)
		explicit_bzero(b->p + len, b->len - len);
	b->len = len;
}

const uint8_t *
rd_raw(struct rd *r, size_t len)
{
	const uint8_t *p;

	if (r->bad || len > r->len - r->off) {
		r->bad = true;
		return NULL;
	}
	p = r->p + r->off;
	r->off += len;
	return p;
}

static uint64_t
number(struct rd *r, size_t n)
{
	const uint8_t *p;
	uint64_t v;

	p = rd_raw(r, n);
	if (p == NULL)
		return 0;
	for (v = 0; n-- > 0; p++)
		v = v << 8 | *p;
	return v;
}

uint8_t
rd8(struct rd *r)
{
	return (uint8_t)number(r, 1);
}

uint16_t
rd16(struct rd *r)
{
	return (uint16_t)number(r, 2);
}

uint32_t
rd32(struct rd *r)
{
	return (uint32_t)number(r, 4);
}

uint64_t
rd64(struct rd *r)
{
	return number(r, 8);
}

void
rd_copy(struct rd *r, void *out, size_t len)
{
	const uint8_t *p;

	p = rd_raw(r, len);
	if (p == NULL)
		memset(out, 0, len);
	else
		memcpy(out, p, len);
}

char *
rd_str(struct rd *r, size_t max)
{
	const uint8_t *p;
	size_t len;
	char *s;

	len = rd16(r);
	p = rd_raw(r, len);
	if (p == NULL || len > max || memchr(p, '\0', len) != NULL) {
		r->bad = true;
		return NULL;
	}
	s = malloc(len + 1);
	if (s == NULL) {
		r->bad = true;
		return NULL;
	}
	memcpy(s, p, len);
	s[len] = '\0';
	return s;
}
