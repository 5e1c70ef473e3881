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
 * Text as a key that octets order: the collation i;unicode-casemap (RFC 5051),
 * by which IMAP sorts and threads (RFC 5256, RFC 5255).  Each character is
 * made titlecase, then taken apart as far as Unicode says, until nothing
 * changes; no order of marks is restored.
 */

#include <sys/types.h>

#include <string.h>
#include <utf8proc.h>

#include "mime_local.h"

#define COLLATE_CHARS 18 /* the longest decomposition has that many */

/* The parts of a character; how many octets they are in out. */
static size_t
collate_char(uint32_t c, char *out, size_t size)
{
	utf8proc_int32_t to[COLLATE_CHARS];
	utf8proc_ssize_t n, i;
	size_t k, len = 0;
	int class = 0;
	char one[4];

	n = utf8proc_decompose_char(utf8proc_totitle((utf8proc_int32_t)c), to,
	    COLLATE_CHARS, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &class);
	if (n < 0 || n > COLLATE_CHARS) {
		to[0] = (utf8proc_int32_t)c;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		/* What came apart may have a titlecase of its own. */
		k = utf8_put((uint32_t)utf8proc_totitle(to[i]), one);
		if (k > size - len)
			break;
		memcpy(out + len, one, k);
		len += k;
	}
	return len;
}

size_t
mime_collate(const char *s, size_t len, char *out, size_t size)
{
	size_t i = 0, n = 0, k, put;
	unsigned char b;
	uint32_t c;

	while (i < len && n < size) {
		b = (unsigned char)s[i];
		if (b < 0x80) {
			out[n++] = (char)(b >= 'a' && b <= 'z' ? b - 32 : b);
			i++;
			continue;
		}
		c = utf8_get(s + i, len - i, &k);
		put = collate_char(c, out + n, size - n);
		if (put == 0)
			break; /* it is full */
		i += k;
		n += put;
	}
	return n;
}
