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
 * Scanning: octets of a body in order, cut into the ranges of the plan, each
 * decoded to folded text in which the terms are looked for.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "log.h"
#include "worker.h"

struct scan {
	const struct query *query;
	struct candidate *c; /* while feeding */
	struct mime_text *text;
	struct mime_finder *finders; /* one per BODY or TEXT leaf */
	size_t *leaf;                /* its node */
	size_t n;
	struct grams *grams; /* where the index is made */
	bool open;           /* the range under way has begun */
	bool decided;        /* nothing more is needed */
	uint64_t done;       /* octets of the range under way */
	char *field;
	size_t field_len;
	bool bol; /* a header's next octet begins a line */
};

struct scan *
scan_new(const struct query *q)
{
	struct scan *s;
	size_t i;
	int kind;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->text = mime_text_new()) == NULL ||
	    (s->field = calloc(1, MIME_FIELD_MAX)) == NULL ||
	    (s->leaf = calloc(q->n, sizeof(*s->leaf))) == NULL)
		fatal(NULL);
	s->query = q;
	for (i = 0; i < q->n; i++) {
		kind = search_node(q->program, i)->kind;
		if (kind == SEARCH_BODY || kind == SEARCH_TEXT)
			s->leaf[s->n++] = i;
	}
	if (q->index)
		s->grams = grams_new();
	s->finders = calloc(s->n + 1, sizeof(*s->finders));
	if (s->finders == NULL)
		fatal(NULL);
	return s;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	mime_text_free(s->text);
	grams_free(s->grams);
	freezero(s->finders, (s->n + 1) * sizeof(*s->finders));
	freezero(s->field, MIME_FIELD_MAX);
	free(s->leaf);
	freezero(s, sizeof(*s));
}

void
scan_reset(struct scan *s)
{
	s->open = s->decided = false;
	explicit_bzero(s->field, s->field_len);
	s->field_len = 0;
	if (s->grams != NULL)
		grams_reset(s->grams);
}

static void
text_found(struct scan *s, size_t leaf)
{
	s->c->truth[leaf] = SEARCH_YES;
	if (plan_truth(s->query, s->c) != SEARCH_MAYBE)
		s->decided = true;
}

/* Folded text of a part. */
static void
text_piece(void *arg, const void *data, size_t len)
{
	struct scan *s = arg;
	size_t i;

	if (s->grams != NULL) {
		grams_add(s->grams, data, len);
		return;
	}
	for (i = 0; i < s->n && !s->decided; i++) {
		if (s->c->truth[s->leaf[i]] == SEARCH_MAYBE &&
		    mime_finder_feed(&s->finders[i], data, len))
			text_found(s, s->leaf[i]);
	}
}

static void
field_end(struct scan *s, const struct range *r)
{
	if (s->field_len > 0)
		plan_field(s->query, s->c, s->field, s->field_len, r->top);
	explicit_bzero(s->field, s->field_len);
	s->field_len = 0;
	if (plan_truth(s->query, s->c) != SEARCH_MAYBE)
		s->decided = true;
}

static void
header_feed(struct scan *s, const struct range *r, const char *p, size_t len)
{
	const char *e;
	size_t n, room;

	for (; len > 0 && !s->decided; p += n, len -= n) {
		if (s->bol && *p != ' ' && *p != '\t')
			field_end(s, r);
		e = memchr(p, '\n', len);
		n = e != NULL ? (size_t)(e - p) + 1 : len;
		s->bol = e != NULL;
		room = MIME_FIELD_MAX - s->field_len;
		room = n < room ? n : room;
		memcpy(s->field + s->field_len, p, room);
		s->field_len += room;
	}
}

static void
range_start(struct scan *s, const struct range *r)
{
	size_t i;

	s->open = true;
	s->done = 0;
	if (r->header) {
		s->field_len = 0;
		s->bol = false;
		return;
	}
	for (i = 0; i < s->n; i++)
		mime_finder_init(&s->finders[i],
		    s->query->terms[s->leaf[i]].text,
		    s->query->terms[s->leaf[i]].len);
	if (s->grams != NULL)
		grams_break(s->grams);
	mime_text_start(
	    s->text, r->coding, r->charset, r->html, true, text_piece, s);
}

static void
range_end(struct scan *s, const struct range *r)
{
	if (r->header)
		field_end(s, r);
	else
		mime_text_end(s->text);
	s->open = false;
}

bool
scan_feed(struct scan *s, struct candidate *c, uint64_t off, const uint8_t *p,
    size_t len)
{
	const struct range *r;
	uint64_t from, n;

	s->c = c;
	c->grams = s->grams;
	while (c->at < c->n && !s->decided) {
		r = &c->ranges[c->at];
		if (!s->open)
			range_start(s, r);
		from = r->off + s->done;
		if (from < off || from - off >= len)
			break; /* not in this chunk */
		n = len - (from - off);
		if (n > r->len - s->done)
			n = r->len - s->done;
		if (r->header)
			header_feed(
			    s, r, (const char *)p + (from - off), (size_t)n);
		else
			mime_text_feed(s->text, p + (from - off), (size_t)n);
		s->done += n;
		if (s->done < r->len)
			break;
		range_end(s, r);
		c->at++;
	}
	if (s->decided || c->at == c->n) {
		s->open = false;
		s->c = NULL;
		return true;
	}
	s->c = NULL;
	return false;
}
