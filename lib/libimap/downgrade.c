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
 * Header text for a client that has not enabled UTF8=ACCEPT (RFC 6855 section
 * 7): what is in UTF-8 is told as RFC 6858 has it, in ASCII.  Texts become
 * encoded-words (RFC 2047), values of parameters the form of RFC 2231, and an
 * address that cannot be written the name of one that does not exist.  What is
 * 8-bit and no UTF-8 is left alone: nobody knows what it means.
 */

#include <sys/types.h>

#include <string.h>

#include "imap_local.h"
#include "imapfmt.h"
#include "mime.h"

#define WORD_OCTETS 45 /* of an encoded-word, before its encoding */

bool
imap_is_ascii(const char *s, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); s += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		if ((word & 0x8080808080808080) != 0)
			return false;
	}
	for (; len > 0; s++, len--)
		if ((uint8_t)*s >= 0x80)
			return false;
	return true;
}

bool
imap_must_downgrade(const struct imap_buf *b, const char *s, size_t len)
{
	return !b->utf8 && s != NULL && !imap_is_ascii(s, len) &&
	    imap_utf8_valid(s, len, false);
}

static void
put_base64(struct imap_buf *b, const uint8_t *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t n;
	size_t i;

	for (i = 0; i < len; i += 3) {
		n = (uint32_t)s[i] << 16;
		if (len - i > 1)
			n |= (uint32_t)s[i + 1] << 8;
		if (len - i > 2)
			n |= s[i + 2];
		imap_putc(b, digits[n >> 18]);
		imap_putc(b, digits[n >> 12 & 63]);
		imap_putc(b, len - i > 1 ? digits[n >> 6 & 63] : '=');
		imap_putc(b, len - i > 2 ? digits[n & 63] : '=');
	}
}

/* Encoded-words, each of whole characters, a space between them. */
static void
put_words(struct imap_buf *b, const char *s, size_t len)
{
	size_t n;

	while (len > 0) {
		n = len < WORD_OCTETS ? len : WORD_OCTETS;
		while (n < len && ((uint8_t)s[n] & 0xc0) == 0x80)
			n--;
		imap_puts(b, "=?UTF-8?B?");
		put_base64(b, (const uint8_t *)s, n);
		imap_puts(b, "?=");
		s += n;
		len -= n;
		if (len > 0)
			imap_putc(b, ' ');
	}
}

static size_t
word_len(const char *s, size_t len)
{
	const char *space;

	space = memchr(s, ' ', len);
	return space == NULL ? len : (size_t)(space - s);
}

/* From the first word that is not ASCII, as far as such words go on. */
static size_t
run_len(const char *s, size_t len)
{
	size_t n, next;

	n = word_len(s, len);
	while (n < len) {
		next = word_len(s + n + 1, len - n - 1);
		if (imap_is_ascii(s + n + 1, next))
			break;
		n += 1 + next;
	}
	return n;
}

void
imap_put_encoded(struct imap_buf *b, const char *s, size_t len)
{
	struct imap_buf text = {0};
	size_t n;

	for (; len > 0; s += n, len -= n) {
		if (*s == ' ') {
			imap_putc(&text, ' ');
			n = 1;
			continue;
		}
		n = word_len(s, len);
		if (imap_is_ascii(s, n))
			imap_put(&text, s, n);
		else {
			n = run_len(s, len);
			put_words(&text, s, n);
		}
	}
	imap_put_string(b, text.p, text.len);
	imap_buf_free(&text);
}

void
imap_put_address(struct imap_buf *b, const struct mime_addr *addr)
{
	struct imap_buf name = {0};
	const struct mime_str *box = &addr->mailbox, *host = &addr->host;

	/* A group has no host, and its end neither. */
	if (host->s == NULL) {
		imap_puts(b, "NIL NIL ");
		if (imap_must_downgrade(b, box->s, box->len))
			imap_put_encoded(b, box->s, box->len);
		else
			imap_put_nstring(b, box->s, box->len);
		imap_puts(b, " NIL");
		return;
	}
	if (addr->name.s != NULL)
		imap_put_encoded(b, addr->name.s, addr->name.len);
	else {
		imap_put(&name, box->s, box->len);
		imap_putc(&name, '@');
		imap_put(&name, host->s, host->len);
		imap_put_encoded(b, (const char *)name.p, name.len);
		imap_buf_free(&name);
	}
	imap_puts(b, " NIL \"invalid\" \"internationalized-address.invalid\"");
}

static bool
attribute_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=*'%", c) == NULL;
}

void
imap_put_extended(struct imap_buf *b, const char *s, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	struct imap_buf text = {0};
	size_t i;

	imap_puts(&text, "utf-8''");
	for (i = 0; i < len; i++) {
		if (attribute_char((uint8_t)s[i])) {
			imap_putc(&text, s[i]);
			continue;
		}
		imap_putc(&text, '%');
		imap_putc(&text, digits[(uint8_t)s[i] >> 4]);
		imap_putc(&text, digits[(uint8_t)s[i] & 15]);
	}
	imap_put_string(b, text.p, text.len);
	imap_buf_free(&text);
}
