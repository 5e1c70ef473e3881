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
 * HTML to text, roughly, in pieces and without believing it: tags and
 * comments go, scripts and styles too, references become characters, white
 * space becomes one space.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

enum html_state {
	H_TEXT,
	H_REFERENCE, /* after & */
	H_OPEN,      /* after < */
	H_NAME,      /* in a tag's name, which may begin with / */
	H_REST,      /* in its attributes */
	H_DECLARE,   /* after <!, to > */
	H_COMMENT    /* after <!-- */
};

static const struct {
	const char *name;
	uint16_t c;
} references[] = {
    {"amp", '&'},
    {"lt", '<'},
    {"gt", '>'},
    {"quot", '"'},
    {"apos", '\''},
    {"nbsp", ' '},
    {"shy", 0xad},
    {"copy", 0xa9},
    {"reg", 0xae},
    {"trade", 0x2122},
    {"euro", 0x20ac},
    {"hellip", 0x2026},
    {"ndash", 0x2013},
    {"mdash", 0x2014},
    {"lsquo", 0x2018},
    {"rsquo", 0x2019},
    {"sbquo", 0x201a},
    {"ldquo", 0x201c},
    {"rdquo", 0x201d},
    {"bdquo", 0x201e},
    {"laquo", 0xab},
    {"raquo", 0xbb},
    {"bull", 0x2022},
    {"middot", 0xb7},
    {"zwnj", 0x200c},
    {"zwj", 0x200d},
    {"Auml", 0xc4},
    {"Ouml", 0xd6},
    {"Uuml", 0xdc},
    {"auml", 0xe4},
    {"ouml", 0xf6},
    {"uuml", 0xfc},
    {"szlig", 0xdf},
    {"Agrave", 0xc0},
    {"agrave", 0xe0},
    {"aacute", 0xe1},
    {"acirc", 0xe2},
    {"atilde", 0xe3},
    {"aring", 0xe5},
    {"aelig", 0xe6},
    {"ccedil", 0xe7},
    {"Eacute", 0xc9},
    {"egrave", 0xe8},
    {"eacute", 0xe9},
    {"ecirc", 0xea},
    {"euml", 0xeb},
    {"iacute", 0xed},
    {"icirc", 0xee},
    {"iuml", 0xef},
    {"ntilde", 0xf1},
    {"oacute", 0xf3},
    {"ocirc", 0xf4},
    {"otilde", 0xf5},
    {"oslash", 0xf8},
    {"ugrave", 0xf9},
    {"uacute", 0xfa},
    {"ucirc", 0xfb},
};

/* Tags within a line: they part no words. */
static const char inline_tags[] = " a abbr acronym b big cite code del dfn em "
				  "font i ins kbd mark o:p q s samp small span "
				  "strike strong sub sup tt u var "
				  "wbr ";

void
html_init(struct html *h)
{
	memset(h, 0, sizeof(*h));
	h->space = true;
}

static size_t
text_put(struct html *h, char c, char *out)
{
	if (h->skip[0] != '\0')
		return 0;
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' ||
	    c == '\0') {
		if (h->space)
			return 0;
		h->space = true;
		c = ' ';
	} else
		h->space = false;
	*out = c;
	return 1;
}

static size_t
text_puts(struct html *h, const char *s, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += text_put(h, s[i], out + n);
	return n;
}

/* The character that the reference's name stands for; 0: none. */
static uint32_t
reference_find(const char *name)
{
	unsigned long v;
	size_t i;
	char *end;

	if (name[0] == '#') {
		if (lower((unsigned char)name[1]) == 'x')
			v = strtoul(name + 2, &end, 16);
		else
			v = strtoul(name + 1, &end, 10);
		if (*end != '\0' || v < ' ' || v > 0x10ffff ||
		    (v >= 0xd800 && v < 0xe000) || (v >= 0x7f && v < 0xa0))
			return 0;
		return v == 0xa0 ? ' ' : (uint32_t)v;
	}
	for (i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
		if (strcmp(name, references[i].name) == 0)
			return references[i].c;
	}
	return 0;
}

/* The reference under way ends before (or with) c. */
static size_t
reference_end(struct html *h, char c, char *out)
{
	char one[4];
	uint32_t v;
	size_t n = 0;

	h->name[h->n] = '\0';
	h->state = H_TEXT;
	if (h->n > 0 && (v = reference_find(h->name)) != 0) {
		n = text_puts(h, one, utf8_put(v, one), out);
		return n;
	}
	n = text_put(h, '&', out);
	n += text_puts(h, h->name, h->n, out + n);
	if (c == ';')
		n += text_put(h, c, out + n);
	return n;
}

static size_t
tag_end(struct html *h, char *out)
{
	const char *name = h->name;
	bool close = name[0] == '/';
	char key[HTML_NAME_MAX + 3];

	h->name[h->n] = '\0';
	h->state = H_TEXT;
	if (close)
		name++;
	if (h->skip[0] != '\0') {
		if (close && strcmp(name, h->skip) == 0)
			h->skip[0] = '\0';
		return 0;
	}
	if (!close &&
	    (strcmp(name, "script") == 0 || strcmp(name, "style") == 0)) {
		strlcpy(h->skip, name, sizeof(h->skip));
		return 0;
	}
	key[0] = ' ';
	strlcpy(key + 1, name, sizeof(key) - 1);
	strlcat(key, " ", sizeof(key));
	if (strstr(inline_tags, key) != NULL)
		return 0;
	return text_put(h, ' ', out);
}

static size_t
open_step(struct html *h, char c, char *out)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	size_t n = 0;

	h->n = 0;
	if (c == '/' || (letter && h->skip[0] == '\0')) {
		h->state = H_NAME;
		h->name[h->n++] = (char)lower((unsigned char)c);
	} else if ((c == '!' || c == '?') && h->skip[0] == '\0') {
		h->state = H_DECLARE;
		h->dashes = 0;
	} else {
		h->state = H_TEXT;
		n = text_put(h, '<', out);
		if (c == '<')
			h->state = H_OPEN;
		else
			n += text_put(h, c, out + n);
	}
	return n;
}

static size_t
tag_step(struct html *h, char c, char *out)
{
	if (h->state == H_NAME) {
		if (c == '>')
			return tag_end(h, out);
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n' ||
		    c == '/') {
			h->state = H_REST;
			h->quote = '\0';
		} else if (h->n + 1 < HTML_NAME_MAX)
			h->name[h->n++] = (char)lower((unsigned char)c);
		return 0;
	}
	if (h->quote != '\0') {
		if (c == h->quote)
			h->quote = '\0';
	} else if (c == '"' || c == '\'')
		h->quote = c;
	else if (c == '>')
		return tag_end(h, out);
	return 0;
}

/* A declaration or, once it has begun with two dashes, a comment. */
static void
declare_step(struct html *h, char c)
{
	if (h->state == H_COMMENT) {
		if (c == '>' && h->dashes >= 2)
			h->state = H_TEXT;
		h->dashes = c == '-' ? (h->dashes < 2 ? h->dashes + 1 : 2) : 0;
		return;
	}
	if (c == '-' && h->dashes >= 0) {
		if (++h->dashes == 2)
			h->state = H_COMMENT;
		return;
	}
	h->dashes = -1;
	if (c == '>')
		h->state = H_TEXT;
}

static size_t
reference_step(struct html *h, char c, char *out)
{
	bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c == '#' && h->n == 0);
	size_t n;

	if (part && h->n + 1 < HTML_NAME_MAX) {
		h->name[h->n++] = c;
		return 0;
	}
	n = reference_end(h, c, out);
	if (c == '<')
		h->state = H_OPEN;
	else if (c == '&') {
		h->state = H_REFERENCE;
		h->n = 0;
	} else if (c != ';')
		n += text_put(h, c, out + n);
	return n;
}

size_t
html_feed(struct html *h, const char *in, size_t len, char *out)
{
	size_t i, n = 0;
	char c;

	for (i = 0; i < len; i++) {
		c = in[i];
		switch ((enum html_state)h->state) {
		case H_TEXT:
			if (c == '<')
				h->state = H_OPEN;
			else if (c == '&' && h->skip[0] == '\0') {
				h->state = H_REFERENCE;
				h->n = 0;
			} else
				n += text_put(h, c, out + n);
			break;
		case H_REFERENCE:
			n += reference_step(h, c, out + n);
			break;
		case H_OPEN:
			n += open_step(h, c, out + n);
			break;
		case H_NAME:
		case H_REST:
			n += tag_step(h, c, out + n);
			break;
		case H_DECLARE:
		case H_COMMENT:
			declare_step(h, c);
			break;
		}
	}
	return n;
}

size_t
html_end(struct html *h, char *out)
{
	if (h->state == H_REFERENCE)
		return reference_end(h, '\0', out);
	h->state = H_TEXT;
	return 0;
}
