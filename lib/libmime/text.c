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
 * The pipe from a body's octets to text: transfer decoding, charset, HTML,
 * folding, in steps of MIME_TEXT_STEP octets with fixed buffers.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

struct mime_text {
	struct decoder decoder;
	struct html markup;
	int charset;
	size_t bom; /* octets that may tell its order, while they come */
	bool html, fold;
	mime_out out;
	void *arg;
	size_t nraw;              /* octets waiting for conversion */
	char raw[MIME_TEXT_STEP]; /* a character's, or a line's */
	char plain[MIME_TEXT_STEP + DECODER_SLACK];
	char utf8[4 * MIME_TEXT_STEP];
	char shown[4 * MIME_TEXT_STEP + HTML_SLACK];
	char folded[3 * MIME_TEXT_STEP + 64];
};

struct mime_text *
mime_text_new(void)
{
	return calloc(1, sizeof(struct mime_text));
}

void
mime_text_free(struct mime_text *t)
{
	freezero(t, sizeof(*t));
}

void
mime_text_wipe(struct mime_text *t)
{
	explicit_bzero(t, sizeof(*t));
}

void
mime_text_start(struct mime_text *t, enum mime_coding coding, int charset,
    bool html, bool fold, mime_out out, void *arg)
{
	decoder_init(&t->decoder, coding);
	html_init(&t->markup);
	t->charset = charset;
	t->bom = charset_bom(charset);
	t->html = html;
	t->fold = fold;
	t->out = out;
	t->arg = arg;
	t->nraw = 0;
}

/* The longest prefix of at most max octets that splits no character. */
static size_t
whole(const char *s, size_t len, size_t max)
{
	size_t n = max;

	if (len <= max)
		return len;
	while (n > 0 && max - n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n > 0 ? n : max;
}

/* Text, valid UTF-8 but for a character split by HTML's own buffers: out. */
static void
text_out(struct mime_text *t, const char *s, size_t len)
{
	size_t n, k;

	if (!t->fold) {
		if (len > 0)
			t->out(t->arg, s, len);
		return;
	}
	for (; len > 0; s += n, len -= n) {
		n = whole(s, len, MIME_TEXT_STEP);
		k = mime_fold(s, n, t->folded, sizeof(t->folded));
		if (k > 0)
			t->out(t->arg, t->folded, k);
	}
}

static void
utf8_out(struct mime_text *t, const char *s, size_t len)
{
	size_t n, k;

	if (!t->html) {
		text_out(t, s, len);
		return;
	}
	for (; len > 0; s += n, len -= n) {
		n = whole(s, len, 4 * MIME_TEXT_STEP);
		k = html_feed(&t->markup, s, n, t->shown);
		text_out(t, t->shown, k);
	}
}

/* Converts all of s that can be; what is left over: its length. */
static size_t
convert(struct mime_text *t, const char *s, size_t len, bool fresh, bool final)
{
	size_t used, n;
	bool more;

	if (t->charset == CHARSET_UTF8) {
		/* Nothing to convert, nothing to copy. */
		n = utf8_valid(s, len, &more);
		if (n > 0)
			utf8_out(t, s, n);
		s += n;
		len -= n;
	}
	while (len > 0) {
		n = charset_convert(t->charset, s, len, &used, t->utf8,
		    sizeof(t->utf8), fresh, final);
		fresh = false;
		if (n > 0)
			utf8_out(t, t->utf8, n);
		if (used == 0 && n == 0)
			break;
		s += used;
		len -= used;
	}
	return len;
}

/*
 * Charsets with states (a shift, a letter held back for its accent): a line at
 * a time, each from the first state, because pipes share the one descriptor
 * that iconv has of a charset.
 */
static void
lines_out(struct mime_text *t, const char *s, size_t len)
{
	const char *e;
	size_t n;

	for (; len > 0; s += n, len -= n) {
		e = memchr(s, '\n', len);
		n = e != NULL ? (size_t)(e - s) + 1 : len;
		if (n > sizeof(t->raw) - t->nraw)
			n = sizeof(t->raw) - t->nraw;
		memcpy(t->raw + t->nraw, s, n);
		t->nraw += n;
		if (t->raw[t->nraw - 1] == '\n' || t->nraw == sizeof(t->raw)) {
			(void)convert(t, t->raw, t->nraw, true, true);
			t->nraw = 0;
		}
	}
}

/* The first octets: a mark is no text.  How many of s were taken. */
static size_t
bom_take(struct mime_text *t, const char *s, size_t len)
{
	size_t n, mark;

	n = t->bom - t->nraw < len ? t->bom - t->nraw : len;
	memcpy(t->raw + t->nraw, s, n);
	t->nraw += n;
	if (t->nraw < t->bom)
		return n;
	t->bom = 0;
	t->charset = charset_order(t->charset, t->raw, t->nraw, &mark);
	t->nraw -= mark;
	memmove(t->raw, t->raw + mark, t->nraw);
	return n;
}

static void
plain_out(struct mime_text *t, const char *s, size_t len)
{
	size_t n, left;

	if (charset_by_line(t->charset)) {
		lines_out(t, s, len);
		return;
	}
	if (t->bom > 0) {
		n = bom_take(t, s, len);
		s += n;
		len -= n;
	}
	/* Complete the character that the last piece broke off. */
	while (t->nraw > 0 && len > 0) {
		t->raw[t->nraw++] = *s++;
		len--;
		left = convert(t, t->raw, t->nraw, false, t->nraw > 16);
		memmove(t->raw, t->raw + (t->nraw - left), left);
		t->nraw = left;
	}
	if (len == 0)
		return;
	n = convert(t, s, len, false, false);
	if (n > 16) /* cannot be: no character is so long */
		n = 0;
	memcpy(t->raw, s + (len - n), n);
	t->nraw = n;
}

void
mime_text_feed(struct mime_text *t, const void *data, size_t len)
{
	const char *s = data;
	size_t n, k;

	if (t->decoder.coding == MIME_CODING_NONE) {
		if (len > 0)
			plain_out(t, s, len);
		return;
	}
	for (; len > 0; s += n, len -= n) {
		n = len < MIME_TEXT_STEP ? len : MIME_TEXT_STEP;
		k = decoder_feed(&t->decoder, s, n, t->plain);
		if (k > 0)
			plain_out(t, t->plain, k);
	}
}

void
mime_text_end(struct mime_text *t)
{
	size_t n;

	n = decoder_end(&t->decoder, t->plain);
	if (n > 0)
		plain_out(t, t->plain, n);
	if (t->nraw > 0)
		(void)convert(
		    t, t->raw, t->nraw, charset_by_line(t->charset), true);
	t->nraw = 0;
	if (t->html) {
		n = html_end(&t->markup, t->shown);
		text_out(t, t->shown, n);
	}
}
