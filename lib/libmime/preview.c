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
 * The preview: the first characters of a message's text, made while it is
 * parsed.  The first text/plain that is no attachment counts, else the first
 * text/html.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

#define PLAIN 0
#define HTML 1

static void
preview_text(void *arg, const void *data, size_t len)
{
	struct preview *v = arg;
	const char *s = data;
	size_t i, n;
	uint32_t c;
	int w = v->now;

	for (i = 0; i < len && v->chars[w] < MIME_PREVIEW_MAX; i += n) {
		c = utf8_get(s + i, len - i, &n);
		if (c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0xfeff ||
		    c == 0xad || (c >= 0x200b && c <= 0x200f)) {
			if (c <= ' ' || c == 0xa0)
				v->space = v->len[w] > 0;
			continue;
		}
		if (v->space) {
			v->out[w][v->len[w]++] = ' ';
			v->space = false;
			if (++v->chars[w] == MIME_PREVIEW_MAX)
				break;
		}
		v->len[w] += utf8_put(c, v->out[w] + v->len[w]);
		v->chars[w]++;
	}
}

int
preview_init(struct preview *v)
{
	memset(v, 0, sizeof(*v));
	v->now = -1;
	return (v->text = mime_text_new()) == NULL ? -1 : 0;
}

void
preview_reset(struct preview *v)
{
	struct mime_text *text = v->text;

	explicit_bzero(v, sizeof(*v));
	v->text = text;
	v->now = -1;
	mime_text_wipe(text);
}

void
preview_free(struct preview *v)
{
	mime_text_free(v->text);
	explicit_bzero(v, sizeof(*v));
}

bool
preview_start(struct preview *v, const struct leaf *leaf)
{
	int which;

	if (!name_is(leaf->type, strlen(leaf->type), "text") ||
	    leaf->attachment || v->have[PLAIN])
		return false;
	if (name_is(leaf->subtype, strlen(leaf->subtype), "plain"))
		which = PLAIN;
	else if (name_is(leaf->subtype, strlen(leaf->subtype), "html"))
		which = HTML;
	else
		return false;
	if (v->have[which])
		return false;
	v->now = which;
	v->have[which] = true;
	v->space = false;
	mime_text_start(v->text, leaf->coding, leaf->charset, which == HTML,
	    false, preview_text, v);
	return true;
}

bool
preview_feed(struct preview *v, const void *data, size_t len)
{
	const char *s = data;
	size_t n;

	/* In small steps: little of a long body is needed. */
	for (; len > 0; s += n, len -= n) {
		if (v->chars[v->now] >= MIME_PREVIEW_MAX)
			return false;
		n = len < 512 ? len : 512;
		mime_text_feed(v->text, s, n);
	}
	return true;
}

void
preview_stop(struct preview *v)
{
	mime_text_end(v->text);
	/* Nothing but white space: another part may say more. */
	if (v->len[v->now] == 0)
		v->have[v->now] = false;
	v->now = -1;
}

struct mime_str
preview_get(const struct preview *v)
{
	int which = v->len[PLAIN] > 0 ? PLAIN : HTML;
	struct mime_str s;

	s.s = v->out[which];
	s.len = v->len[which];
	return s;
}
