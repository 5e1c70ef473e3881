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
 * Header text to UTF-8: encoded-words (RFC 2047), extended parameter values
 * (RFC 2231), and the raw eighth bits that RFC 6532 allows and older mail has.
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

#define WORD_OCTETS 2048 /* of adjacent words, decoded, before conversion */
#define WORD_MAX 1024    /* octets of one encoded-word (75 by the RFC) */

struct words {
	char *out;
	size_t n, size; /* size: without the NUL */
	char run[WORD_OCTETS + WORD_MAX + DECODER_SLACK];
	size_t len;  /* of run */
	int charset; /* of run */
};

struct word {
	struct mime_str charset, text;
	bool base64;
	size_t len; /* of the whole */
};

/* Converts all of s to out; cut where it is full, between characters. */
static void
convert_all(struct words *w, int charset, const char *s, size_t len)
{
	size_t used, n;
	bool fresh = true;

	charset = charset_order(charset, s, len, &n);
	s += n;
	len -= n;
	while (len > 0 && w->size - w->n >= 8) {
		n = charset_convert(charset, s, len, &used, w->out + w->n,
		    w->size - w->n, fresh, true);
		fresh = false;
		w->n += n;
		if (used == 0)
			break;
		s += used;
		len -= used;
	}
}

static void
run_flush(struct words *w)
{
	if (w->len > 0)
		convert_all(w, w->charset, w->run, w->len);
	w->len = 0;
}

/* An encoded-word at s: "=?charset?Q?text?=". */
static bool
word_parse(const char *s, size_t len, struct word *w)
{
	size_t i, start;

	if (len > WORD_MAX)
		len = WORD_MAX;
	if (len < 8 || s[0] != '=' || s[1] != '?')
		return false;
	for (i = 2; i < len && s[i] != '?' && (unsigned char)s[i] > ' '; i++)
		continue;
	w->charset.s = s + 2;
	w->charset.len = i - 2;
	if (i == 2 || len - i < 5 || s[i] != '?' || s[i + 2] != '?')
		return false;
	w->base64 = lower((unsigned char)s[i + 1]) == 'b';
	if (!w->base64 && lower((unsigned char)s[i + 1]) != 'q')
		return false;
	start = i + 3;
	/* Spaces are not allowed, but are met; line ends are not. */
	for (i = start; i + 1 < len && s[i] != '\n'; i++) {
		if (s[i] == '?' && s[i + 1] == '=') {
			w->text.s = s + start;
			w->text.len = i - start;
			w->len = i + 2;
			return true;
		}
	}
	return false;
}

static void
word_decode(struct words *w, const struct word *word)
{
	int charset = mime_charset_find(
	    word->charset.s, word->charset.len, NULL);
	char text[WORD_MAX];
	struct decoder d;
	size_t i;

	/* A character may be split over two words, against the RFC. */
	if (w->len > 0 && (charset != w->charset || w->len > WORD_OCTETS))
		run_flush(w);
	w->charset = charset;
	memcpy(text, word->text.s, word->text.len);
	if (!word->base64) {
		for (i = 0; i < word->text.len; i++) {
			if (text[i] == '_')
				text[i] = ' ';
		}
	}
	decoder_init(&d, word->base64 ? MIME_CODING_BASE64 : MIME_CODING_QP);
	w->len += decoder_feed(&d, text, word->text.len, w->run + w->len);
	w->len += decoder_end(&d, w->run + w->len);
	if (charset_by_line(charset))
		run_flush(w);
}

/* Text between words. */
static void
raw_out(struct words *w, const char *s, size_t len)
{
	bool more;

	run_flush(w);
	if (utf8_valid(s, len, &more) == len)
		convert_all(w, CHARSET_UTF8, s, len);
	else
		convert_all(w, CHARSET_LATIN1, s, len);
}

static bool
blanks(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
			return false;
	}
	return true;
}

/* Folds gone, controls to spaces. */
static size_t
tidy(char *s, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (s[i] == '\r' || s[i] == '\n' || s[i] == '\0')
			continue;
		s[n++] = s[i] == '\t' ? ' ' : s[i];
	}
	return n;
}

size_t
mime_words_decode(const char *s, size_t len, char *out, size_t size)
{
	struct words w = {.out = out, .size = size > 0 ? size - 1 : 0};
	size_t i = 0, raw = 0; /* raw: where text not yet put out begins */
	struct word word;
	bool after = false; /* a word went before raw */
	const char *e;

	if (size == 0)
		return 0;
	while (i < len && (e = memchr(s + i, '=', len - i)) != NULL) {
		i = (size_t)(e - s);
		if (!word_parse(e, len - i, &word)) {
			i++;
			continue;
		}
		/* White space between two words is none (RFC 2047 6.2). */
		if (i > raw && !(after && blanks(s + raw, i - raw)))
			raw_out(&w, s + raw, i - raw);
		word_decode(&w, &word);
		i += word.len;
		raw = i;
		after = true;
	}
	raw_out(&w, s + raw, len - raw);
	w.n = tidy(out, w.n);
	out[w.n] = '\0';
	explicit_bzero(w.run, sizeof(w.run));
	return w.n;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
mime_ext_decode(const char *s, size_t len, char *out, size_t size)
{
	struct words w = {.out = out, .size = size > 0 ? size - 1 : 0};
	const char *a, *b = NULL;
	size_t i;

	if (size == 0)
		return 0;
	w.charset = CHARSET_UTF8;
	a = memchr(s, '\'', len);
	if (a != NULL)
		b = memchr(a + 1, '\'', len - (size_t)(a + 1 - s));
	if (b != NULL) {
		w.charset = mime_charset_find(s, (size_t)(a - s), NULL);
		len -= (size_t)(b + 1 - s);
		s = b + 1;
	}
	for (i = 0; i < len && w.len < WORD_OCTETS; i++) {
		if (s[i] == '%' && len - i > 2 && hex(s[i + 1]) != -1 &&
		    hex(s[i + 2]) != -1) {
			w.run[w.len++] = (char)(hex(s[i + 1]) << 4 |
			    hex(s[i + 2]));
			i += 2;
		} else
			w.run[w.len++] = s[i];
	}
	run_flush(&w);
	w.n = tidy(out, w.n);
	out[w.n] = '\0';
	explicit_bzero(w.run, sizeof(w.run));
	return w.n;
}
