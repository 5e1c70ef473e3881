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
 * Octets to the client, without printf and without a check per octet where
 * room was made for all of them before.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap_local.h"
#include "imapfmt.h"
#include "log.h"

#define BUF_FIRST 4096
#define QUOTED_MAX 1000 /* longer strings go as literals */

uint8_t *
imap_buf_room(struct imap_buf *b, size_t n)
{
	size_t size;
	uint8_t *p;

	if (n <= b->size - b->len)
		return b->p + b->len;
	size = b->size == 0 ? BUF_FIRST : b->size;
	while (n > size - b->len) {
		if (size > SIZE_MAX / 4)
			fatalx("imap: output of %zu octets", n);
		size *= 2;
	}
	p = recallocarray(b->p, b->size, size, 1);
	if (p == NULL)
		fatal("imap: output");
	b->p = p;
	b->size = size;
	return b->p + b->len;
}

void
imap_buf_reset(struct imap_buf *b, size_t keep)
{
	if (b->size > keep) {
		imap_buf_free(b);
		return;
	}
	if (b->len > 0)
		explicit_bzero(b->p, b->len);
	b->len = 0;
}

void
imap_buf_cut(struct imap_buf *b, size_t len, size_t more)
{
	explicit_bzero(b->p + len, b->len - len + more);
	b->len = len;
}

void
imap_buf_free(struct imap_buf *b)
{
	freezero(b->p, b->size);
	b->p = NULL;
	b->len = b->size = 0;
}

/* Two digits at a time. */
static const char pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

void
imap_put_number(struct imap_buf *b, uint64_t n)
{
	char digits[20], *p;

	p = digits + sizeof(digits);
	for (; n >= 100; n /= 100) {
		p -= 2;
		memcpy(p, pairs + n % 100 * 2, 2);
	}
	if (n >= 10) {
		p -= 2;
		memcpy(p, pairs + n * 2, 2);
	} else
		*--p = (char)('0' + n);
	imap_put(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
imap_put_literal(struct imap_buf *b, uint64_t n)
{
	imap_putc(b, '{');
	imap_put_number(b, n);
	imap_put(b, "}\r\n", 3);
}

/* A top bit for what is no printing ASCII, or is a quote or a backslash. */
static uint64_t
odd_ones(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';

	/* What has one, is DEL, or is below ' '; what has become 0. */
	return (word | (word + ones) | (word - ones * ' ') | (quote - ones) |
		   (slash - ones)) &
	    tops;
}

/* Can it stand between quotes as it is?  False may be wrong. */
static bool
is_plain(const uint8_t *p, size_t len)
{
	uint64_t word, odd;
	size_t i;

	if (len < sizeof(word)) {
		word = 0x2020202020202020;
		for (i = 0; i < len; i++)
			word = word << 8 | p[i];
		return odd_ones(word) == 0;
	}
	for (i = 0, odd = 0; len - i > sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		odd |= odd_ones(word);
	}
	memcpy(&word, p + len - sizeof(word), sizeof(word));
	return (odd | odd_ones(word)) == 0;
}

bool
imap_put_plain(struct imap_buf *b, const void *s, size_t len)
{
	uint8_t *p;

	if (len > QUOTED_MAX || !is_plain(s, len))
		return false;
	p = imap_buf_room(b, len + 2);
	*p = '"';
	memcpy(p + 1, s, len);
	p[1 + len] = '"';
	b->len += len + 2;
	return true;
}

/* May it stand between quotes?  Long ones go as literals, as RFC 3501 asks. */
static bool
quotable(const struct imap_buf *b, const uint8_t *p, size_t len)
{
	bool ascii = true;
	size_t i;

	if (len > QUOTED_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
		if (p[i] > 0x7f)
			ascii = false;
	}
	return ascii ||
	    (b->utf8 && imap_utf8_valid((const char *)p, len, true));
}

static void
put_quoted(struct imap_buf *b, const uint8_t *s, size_t len)
{
	uint8_t *p;
	size_t i;

	p = imap_buf_room(b, 2 * len + 2);
	*p++ = '"';
	for (i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			*p++ = '\\';
		*p++ = s[i];
	}
	*p++ = '"';
	b->len = (size_t)(p - b->p);
}

void
imap_put_string(struct imap_buf *b, const void *s, size_t len)
{
	if (imap_put_plain(b, s, len))
		return;
	if (quotable(b, s, len)) {
		put_quoted(b, s, len);
		return;
	}
	imap_put_literal(b, len);
	imap_put(b, s, len);
}

void
imap_put_nstring(struct imap_buf *b, const void *s, size_t len)
{
	if (s == NULL)
		imap_put(b, "NIL", 3);
	else
		imap_put_string(b, s, len);
}

static bool
atom(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!imap_atom_char((uint8_t)s[i]))
			return false;
	return len > 0 && !(len == 3 && strncasecmp(s, "NIL", 3) == 0);
}

void
imap_put_mailbox(struct imap_buf *b, const char *name, size_t len, bool utf8)
{
	char *encoded;
	ssize_t n;
	size_t size;

	if (atom(name, len) && memchr(name, '&', len) == NULL) {
		imap_put(b, name, len);
		return;
	}
	if (utf8) {
		put_quoted(b, (const uint8_t *)name, len);
		return;
	}
	/* An octet of UTF-8 becomes at most eight of modified UTF-7. */
	size = 8 * len + 1;
	encoded = malloc(size);
	if (encoded == NULL)
		fatal("imap: mailbox name");
	n = imap_utf7_encode(name, len, encoded, size);
	if (n == -1)
		n = 0;
	if (atom(encoded, (size_t)n))
		imap_put(b, encoded, (size_t)n);
	else
		imap_put_string(b, encoded, (size_t)n);
	free(encoded);
}

void
imap_put_date(struct imap_buf *b, int64_t utc, int16_t zone)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t local;
	int32_t days, s;
	int year, month, day, z;
	uint8_t *p;

	/* Only years of four digits can be written. */
	local = utc + (int64_t)zone * 60;
	if (local < -62135596800LL || local > 253402300799LL)
		local = 0;
	days = (int32_t)((local >= 0 ? local : local - 86399) / 86400);
	s = (int32_t)(local - (int64_t)days * 86400);
	imap_date(days, &year, &month, &day);
	p = imap_buf_room(b, 28);
	memcpy(p, "\"00-Jan-0000 00:00:00 +0000\"", 28);
	memcpy(p + 1, pairs + 2 * day, 2);
	if (day < 10)
		p[1] = ' ';
	memcpy(p + 4, months + 3 * (month - 1), 3);
	memcpy(p + 8, pairs + 2 * (year / 100), 2);
	memcpy(p + 10, pairs + 2 * (year % 100), 2);
	memcpy(p + 13, pairs + 2 * (s / 3600), 2);
	memcpy(p + 16, pairs + 2 * (s / 60 % 60), 2);
	memcpy(p + 19, pairs + 2 * (s % 60), 2);
	z = zone < 0 ? -zone : zone;
	p[22] = zone < 0 ? '-' : '+';
	memcpy(p + 23, pairs + 2 * (z / 60 % 100), 2);
	memcpy(p + 25, pairs + 2 * (z % 60), 2);
	b->len += 28;
}

static const struct {
	uint32_t flag;
	uint8_t len;
	const char *name;
} system_flags[] = {
    {IMAP_FLAG_ANSWERED, 9, "\\Answered"},
    {IMAP_FLAG_FLAGGED, 8, "\\Flagged"},
    {IMAP_FLAG_DELETED, 8, "\\Deleted"},
    {IMAP_FLAG_SEEN, 5, "\\Seen"},
    {IMAP_FLAG_DRAFT, 6, "\\Draft"},
};

void
imap_put_flags(
    struct imap_buf *b, uint64_t flags, char *const *keywords, size_t nkeywords)
{
	size_t i;
	bool any;

	imap_putc(b, '(');
	any = false;
	for (i = 0; i < 5; i++) {
		if ((flags & system_flags[i].flag) == 0)
			continue;
		if (any)
			imap_putc(b, ' ');
		imap_put(b, system_flags[i].name, system_flags[i].len);
		any = true;
	}
	for (i = 0; flags >> 8 != 0 && i < nkeywords && i < 56; i++) {
		if ((flags >> (8 + i) & 1) == 0 || keywords[i][0] == '\0')
			continue;
		if (any)
			imap_putc(b, ' ');
		imap_puts(b, keywords[i]);
		any = true;
	}
	imap_putc(b, ')');
}

void
imap_put_uses(struct imap_buf *b, uint32_t uses)
{
	static const char *const names[] = {" \\Archive", " \\Drafts",
	    " \\Flagged", " \\Junk", " \\Sent", " \\Trash", " \\All"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((uses >> i & 1) != 0)
			imap_puts(b, names[i]);
}

static void
put_setnumber(struct imap_buf *b, uint32_t n)
{
	if (n == IMAP_STAR)
		imap_putc(b, '*');
	else
		imap_put_number(b, n);
}

void
imap_put_range(struct imap_buf *b, uint32_t first, uint32_t last, bool begin)
{
	if (!begin)
		imap_putc(b, ',');
	put_setnumber(b, first);
	if (first != last) {
		imap_putc(b, ':');
		put_setnumber(b, last);
	}
}

void
imap_put_numbers(struct imap_buf *b, const uint32_t *number, size_t n)
{
	size_t i, begin;

	for (i = 0; i < n; i++) {
		begin = i;
		while (i + 1 < n && number[i + 1] == number[i] + 1)
			i++;
		imap_put_range(b, number[begin], number[i], begin == 0);
	}
}
