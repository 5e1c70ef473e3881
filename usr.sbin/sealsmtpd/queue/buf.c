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
 * Big-endian records in memory.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"

#define BUF_STEP 4096

static void buf_int(struct buf *, uint64_t, size_t);
static uint64_t read_int(struct reader *, size_t);

void
buf_u8(struct buf *b, uint8_t v)
{
	buf_int(b, v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
	buf_int(b, v, 2);
}

void
buf_u32(struct buf *b, uint32_t v)
{
	buf_int(b, v, 4);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	buf_int(b, v, 8);
}

void
buf_raw(struct buf *b, const void *data, size_t len)
{
	uint8_t *p;
	size_t size;

	if (len > b->size - b->len) {
		size = b->len + len;
		size += BUF_STEP - size % BUF_STEP;
		p = recallocarray(b->data, b->size, size, 1);
		if (p == NULL)
			fatal("recallocarray");
		b->data = p;
		b->size = size;
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
buf_bytes(struct buf *b, const void *data, size_t len)
{
	buf_u32(b, (uint32_t)len);
	buf_raw(b, data, len);
}

void
buf_str(struct buf *b, const char *s)
{
	if (s == NULL)
		s = "";
	buf_bytes(b, s, strlen(s));
}

void
buf_clear(struct buf *b)
{
	if (b->len > 0)
		explicit_bzero(b->data, b->len);
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	freezero(b->data, b->size);
	memset(b, 0, sizeof(*b));
}

uint8_t
read_u8(struct reader *r)
{
	return (uint8_t)read_int(r, 1);
}

uint16_t
read_u16(struct reader *r)
{
	return (uint16_t)read_int(r, 2);
}

uint32_t
read_u32(struct reader *r)
{
	return (uint32_t)read_int(r, 4);
}

uint64_t
read_u64(struct reader *r)
{
	return read_int(r, 8);
}

void
read_raw(struct reader *r, void *to, size_t len)
{
	if (r->bad || len > r->len - r->off) {
		r->bad = true;
		memset(to, 0, len);
		return;
	}
	memcpy(to, r->data + r->off, len);
	r->off += len;
}

const uint8_t *
read_bytes(struct reader *r, size_t *len, size_t max)
{
	const uint8_t *p;

	*len = read_u32(r);
	if (r->bad || *len > max || *len > r->len - r->off) {
		r->bad = true;
		*len = 0;
		return r->data;
	}
	p = r->data + r->off;
	r->off += *len;
	return p;
}

char *
read_str(struct reader *r, size_t size)
{
	const uint8_t *p;
	char *s;
	size_t len;

	p = read_bytes(r, &len, size - 1);
	if (len > 0 && memchr(p, '\0', len) != NULL) {
		r->bad = true;
		len = 0;
	}
	s = malloc(len + 1);
	if (s == NULL)
		fatal("malloc");
	if (len > 0)
		memcpy(s, p, len);
	s[len] = '\0';
	return s;
}

static void
buf_int(struct buf *b, uint64_t v, size_t n)
{
	uint8_t be[8];

	for (size_t i = 0; i < n; i++)
		be[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	buf_raw(b, be, n);
}

static uint64_t
read_int(struct reader *r, size_t n)
{
	uint8_t be[8];
	uint64_t v;

	read_raw(r, be, n);
	v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | be[i];
	return v;
}
