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
 * Mailbox names on the wire of RFC 3501 section 5.1.3: UTF-16 in a base64 of
 * its own between & and -.  There is one right form of every name; others are
 * refused, so that two spellings cannot mean one mailbox.
 */

#include <sys/types.h>

#include <string.h>

#include "imap_local.h"

static const char b64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* The code point at p, and its length; 0 if it is not well-formed UTF-8. */
static size_t
utf8_get(const uint8_t *p, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c;
	size_t i, n;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len < n)
		return 0;
	c = p[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

static size_t
utf8_put(char *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 0x3f));
	p[2] = (char)(0x80 | (c >> 6 & 0x3f));
	p[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool
imap_utf8_valid(const char *s, size_t len, bool strict)
{
	const uint8_t *p;
	uint32_t code;
	size_t n;

	for (p = (const uint8_t *)s; len > 0; p += n, len -= n) {
		n = utf8_get(p, len, &code);
		if (n == 0)
			return false;
		/* RFC 6855 section 3 */
		if (strict &&
		    (code < ' ' || (code >= 0x7f && code < 0xa0) ||
			code == 0x2028 || code == 0x2029))
			return false;
	}
	return true;
}

/* What is written so far of a decoded name. */
struct decode {
	char *buf;
	size_t len;
	size_t size;
	uint32_t high; /* first half of a surrogate pair, or 0 */
};

static int
decode_unit(struct decode *d, uint32_t unit)
{
	char utf8[4];
	size_t n;

	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (d->high != 0)
			return -1;
		d->high = unit;
		return 0;
	}
	if (unit >= 0xdc00 && unit <= 0xdfff) {
		if (d->high == 0)
			return -1;
		unit = 0x10000 + ((d->high - 0xd800) << 10) + (unit - 0xdc00);
		d->high = 0;
	} else if (d->high != 0)
		return -1;
	/* Printable ASCII stands for itself; controls have no place. */
	if (unit < 0xa0)
		return -1;
	n = utf8_put(utf8, unit);
	if (n > d->size - 1 - d->len)
		return -1;
	memcpy(d->buf + d->len, utf8, n);
	d->len += n;
	return 0;
}

/* From behind an "&" to behind the "-"; NULL if it is not right. */
static const char *
decode_shift(struct decode *d, const char *p, const char *end)
{
	const char *digit;
	uint32_t bits;
	int nbits;

	if (p < end && *p == '-') {
		if (d->size - 1 - d->len < 1)
			return NULL;
		d->buf[d->len++] = '&';
		return p + 1;
	}
	bits = 0;
	nbits = 0;
	for (; p < end && *p != '-'; p++) {
		digit = *p == '\0' ? NULL : strchr(b64, *p);
		if (digit == NULL)
			return NULL;
		bits = bits << 6 | (uint32_t)(digit - b64);
		nbits += 6;
		if (nbits >= 16) {
			nbits -= 16;
			if (decode_unit(d, bits >> nbits & 0xffff) == -1)
				return NULL;
			bits &= (1U << nbits) - 1;
		}
	}
	/* What is left is padding, shorter than a digit, and zero. */
	if (p == end || nbits >= 6 || bits != 0 || d->high != 0)
		return NULL;
	p++;
	/* A shift that follows at once should have been part of this one. */
	if (end - p >= 2 && p[0] == '&' && p[1] != '-')
		return NULL;
	return p;
}

ssize_t
imap_utf7_decode(const char *s, size_t len, char *buf, size_t size)
{
	struct decode d = {.buf = buf, .size = size};
	const char *p, *end;

	if (size == 0)
		return -1;
	end = s + len;
	for (p = s; p < end;) {
		if (*p < ' ' || *p > '~')
			return -1;
		if (*p != '&') {
			if (d.size - 1 - d.len < 1)
				return -1;
			d.buf[d.len++] = *p++;
			continue;
		}
		p = decode_shift(&d, p + 1, end);
		if (p == NULL)
			return -1;
	}
	d.buf[d.len] = '\0';
	return (ssize_t)d.len;
}

/* What is written so far of an encoded name. */
struct encode {
	char *buf;
	size_t len;
	size_t size;
	uint32_t bits;
	int nbits;
	bool shifted;
};

static int
encode_char(struct encode *e, char c)
{
	if (e->size - 1 - e->len < 1)
		return -1;
	e->buf[e->len++] = c;
	return 0;
}

static int
encode_unit(struct encode *e, uint32_t unit)
{
	e->bits = e->bits << 16 | unit;
	for (e->nbits += 16; e->nbits >= 6; e->nbits -= 6)
		if (encode_char(e, b64[e->bits >> (e->nbits - 6) & 0x3f]) == -1)
			return -1;
	e->bits &= (1U << e->nbits) - 1;
	return 0;
}

static int
encode_end(struct encode *e)
{
	if (!e->shifted)
		return 0;
	e->shifted = false;
	if (e->nbits > 0 &&
	    encode_char(e, b64[e->bits << (6 - e->nbits) & 0x3f]) == -1)
		return -1;
	e->nbits = 0;
	e->bits = 0;
	return encode_char(e, '-');
}

ssize_t
imap_utf7_encode(const char *s, size_t len, char *buf, size_t size)
{
	struct encode e = {.buf = buf, .size = size};
	const uint8_t *p;
	uint32_t code;
	size_t n;

	if (size == 0)
		return -1;
	for (p = (const uint8_t *)s; len > 0; p += n, len -= n) {
		n = utf8_get(p, len, &code);
		if (n == 0)
			return -1;
		if (code >= ' ' && code <= '~') {
			if (encode_end(&e) == -1 ||
			    encode_char(&e, (char)code) == -1 ||
			    (code == '&' && encode_char(&e, '-') == -1))
				return -1;
			continue;
		}
		if (!e.shifted && encode_char(&e, '&') == -1)
			return -1;
		e.shifted = true;
		if (code >= 0x10000) {
			code -= 0x10000;
			if (encode_unit(&e, 0xd800 + (code >> 10)) == -1)
				return -1;
			code = 0xdc00 + (code & 0x3ff);
		}
		if (encode_unit(&e, code) == -1)
			return -1;
	}
	if (encode_end(&e) == -1)
		return -1;
	e.buf[e.len] = '\0';
	return (ssize_t)e.len;
}
