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
 * Folding for search: what differs in case, accents, width or ligatures
 * becomes equal.  ASCII needs no table; the characters below FOLD_TABLE come
 * from one that is made at start, the others from utf8proc as they come.
 */

#include <sys/types.h>

#include <string.h>
#include <utf8proc.h>

#include "mime_local.h"

#define FOLD_TABLE 0x2100 /* Latin, Greek, Cyrillic, ... */
#define FOLD_OCTETS 12    /* of what one character may become */
#define FOLD_CHARS 18     /* the longest decomposition has that many */

static struct {
	char s[7];
	uint8_t len; /* 0xff: ask utf8proc; 0: nothing is left of it */
} table[FOLD_TABLE];
static bool made;

/* Letters that Unicode does not take apart, but people do. */
static const struct {
	uint32_t c;
	const char *to;
} extra[] = {
    {0xe6, "ae"},
    {0xf0, "d"},
    {0xf8, "o"},
    {0xfe, "th"},
    {0x111, "d"},
    {0x127, "h"},
    {0x131, "i"},
    {0x142, "l"},
    {0x153, "oe"},
    {0x167, "t"},
};

static size_t
fold_char(uint32_t c, char *out, size_t size)
{
	utf8proc_int32_t to[FOLD_CHARS];
	utf8proc_ssize_t n, i;
	int class = 0;
	size_t j, len = 0;
	const char *s;
	char one[4];
	size_t k;

	n = utf8proc_decompose_char((utf8proc_int32_t)c, to, FOLD_CHARS,
	    UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
		UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
	    &class);
	if (n < 0 || n > FOLD_CHARS) {
		to[0] = (utf8proc_int32_t)c;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		s = NULL;
		for (j = 0; j < sizeof(extra) / sizeof(extra[0]); j++) {
			if (extra[j].c == (uint32_t)to[i])
				s = extra[j].to;
		}
		if (s == NULL) {
			k = utf8_put((uint32_t)to[i], one);
			s = one;
		} else
			k = strlen(s);
		if (k > size - len)
			break;
		memcpy(out + len, s, k);
		len += k;
	}
	return len;
}

void
fold_init(void)
{
	char out[FOLD_CHARS * 4];
	uint32_t c;
	size_t n;

	if (made)
		return;
	for (c = 0; c < FOLD_TABLE; c++) {
		n = fold_char(c, out, sizeof(out));
		table[c].len = 0xff;
		if (n <= sizeof(table[c].s)) {
			memcpy(table[c].s, out, n);
			table[c].len = (uint8_t)n;
		}
	}
	made = true;
}

/* ASCII at the start of s, folded to out: how many octets. */
static size_t
fold_ascii(const char *s, size_t len, char *out)
{
	uint64_t w, heavy;
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		memcpy(&w, s + i, 8);
		if ((w & 0x8080808080808080ULL) != 0)
			break;
		/* Bit 7 of each octet that is from 'A' to 'Z'. */
		heavy = (w + 0x3f3f3f3f3f3f3f3fULL) &
		    ~(w + 0x2525252525252525ULL) & 0x8080808080808080ULL;
		w |= heavy >> 2;
		memcpy(out + i, &w, 8);
	}
	for (; i < len && (unsigned char)s[i] < 0x80; i++)
		out[i] = (char)lower((unsigned char)s[i]);
	return i;
}

size_t
mime_fold(const char *s, size_t len, char *out, size_t size)
{
	size_t i = 0, n = 0, k, room;
	uint32_t c;

	if (!made)
		fold_init();
	while (i < len) {
		room = len - i < size - n ? len - i : size - n;
		k = fold_ascii(s + i, room, out + n);
		i += k;
		n += k;
		if (i == len || k == room)
			break;
		c = utf8_get(s + i, len - i, &k);
		i += k;
		if (c < FOLD_TABLE && table[c].len != 0xff) {
			if (table[c].len > size - n)
				break;
			memcpy(out + n, table[c].s, table[c].len);
			n += table[c].len;
		} else
			n += fold_char(c, out + n, size - n);
	}
	return n;
}
