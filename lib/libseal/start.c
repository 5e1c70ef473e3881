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
 * Start of the library, names in hexadecimal, and the bounded reader that every
 * decoder uses.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_local.h"

int
seal_init(void)
{
	if (sodium_init() == -1) {
		errno = EIO;
		return -1;
	}
	return 0;
}

void
seal_hex(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
seal_unhex(const char *in, uint8_t *out, size_t len)
{
	int hi, lo;

	if (strlen(in) / 2 != len || strlen(in) % 2 != 0) {
		errno = EBADMSG;
		return -1;
	}
	for (size_t i = 0; i < len; i++) {
		hi = hex_digit(in[2 * i]);
		lo = hex_digit(in[2 * i + 1]);
		if (hi == -1 || lo == -1) {
			errno = EBADMSG;
			return -1;
		}
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

const uint8_t *
cursor_raw(struct cursor *c, size_t len)
{
	const uint8_t *p;

	if (c->bad || len > c->left) {
		c->bad = true;
		return NULL;
	}
	p = c->p;
	c->p += len;
	c->left -= len;
	return p;
}

uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p;

	p = cursor_raw(c, 1);
	return p == NULL ? 0 : p[0];
}

uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p;

	p = cursor_raw(c, 2);
	return p == NULL ? 0 : get_be16(p);
}

uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *p;

	p = cursor_raw(c, 4);
	return p == NULL ? 0 : get_be32(p);
}

uint64_t
cursor_u64(struct cursor *c)
{
	const uint8_t *p;

	p = cursor_raw(c, 8);
	return p == NULL ? 0 : get_be64(p);
}

size_t
cursor_bytes(struct cursor *c, uint8_t *buf, size_t max)
{
	const uint8_t *p;
	size_t len;

	len = cursor_u16(c);
	if (len > max)
		c->bad = true;
	p = cursor_raw(c, len);
	if (p == NULL)
		return 0;
	memcpy(buf, p, len);
	return len;
}
