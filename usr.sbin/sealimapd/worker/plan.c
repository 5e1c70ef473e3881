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
 * What a summary decides of a search, and which octets must be seen for the
 * rest: the header where a field is asked for that is not kept, and the text
 * parts.  Terms are compared folded, in decoded text.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "index.h"
#include "log.h"
#include "worker.h"

#define DAY 86400

static bool
is(struct mime_str s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

/* The date that the Date field shows, whatever its zone (RFC 3501 6.4.4). */
static enum search_truth
sent(const struct search_node *node, const struct mime_summary *s)
{
	int64_t t, day = (int64_t)node->number;

	if (!s->has_date)
		return SEARCH_NO;
	t = s->date + (int64_t)s->zone * 60;
	switch (node->kind) {
	case SEARCH_SENTBEFORE:
		return t < day;
	case SEARCH_SENTON:
		return t >= day && (uint64_t)t - (uint64_t)day < DAY;
	default:
		return t >= day;
	}
}

enum search_truth
plan_truth(const struct query *q, const struct candidate *c)
{
	return search_eval(q->program, c->truth);
}

struct field {
	const char *name;
	size_t len; /* of its name */
	bool top;   /* of the message, not of one within it */
	bool bare;  /* its names are without quotes: not what TEXT is about */
};

/* Whether open leaf i looks at a field. */
static bool
looks(const struct query *q, const struct candidate *c, size_t i,
    const struct field *f)
{
	const struct search_node *node = search_node(q->program, i);

	if (c->truth[i] != SEARCH_MAYBE)
		return false;
	switch (node->kind) {
	case SEARCH_HEADER:
		return f->top && node->name_len == f->len &&
		    strncasecmp(node->name, f->name, f->len) == 0;
	case SEARCH_TEXT:
		return !f->bare;
	case SEARCH_BODY:
		return !f->top;
	default:
		return false;
	}
}

/* The whole field as TEXT sees it. */
static void
field_index(struct candidate *c, const char *field, size_t len)
{
	static char text[MIME_FIELD_MAX * 4], folded[MIME_FIELD_MAX * 4];
	size_t n, decoded;

	if (len > MIME_FIELD_MAX)
		len = MIME_FIELD_MAX;
	decoded = mime_words_decode(field, len, text, sizeof(text));
	n = mime_fold(text, decoded, folded, sizeof(folded));
	grams_break(c->grams);
	grams_add(c->grams, folded, n);
	explicit_bzero(text, decoded);
	explicit_bzero(folded, n);
}

/* The leaves that look at a field are asked about its text. */
static void
field_match(const struct query *q, struct candidate *c, const struct field *f,
    const char *text, size_t len)
{
	static char folded[MIME_FIELD_MAX * 4];
	const char *colon, *in;
	size_t i, n, skip;

	n = mime_fold(text, len, folded, sizeof(folded));
	colon = memchr(folded, ':', n);
	skip = colon == NULL ? 0 : (size_t)(colon - folded) + 1;
	if (skip < n && folded[skip] == ' ')
		skip++;
	for (i = 0; i < q->n; i++) {
		if (!looks(q, c, i, f))
			continue;
		/* HEADER is about the value, TEXT about the whole field. */
		in = folded;
		if (search_node(q->program, i)->kind == SEARCH_HEADER)
			in += skip;
		if (mime_contains(in, n - (size_t)(in - folded),
			q->terms[i].text, q->terms[i].len))
			c->truth[i] = SEARCH_YES;
	}
	explicit_bzero(folded, n);
}

static bool
looked_at(
    const struct query *q, const struct candidate *c, const struct field *f)
{
	for (size_t i = 0; i < q->n; i++)
		if (looks(q, c, i, f))
			return true;
	return false;
}

static bool
has_addresses(const struct field *f)
{
	static const char *const names[] = {
	    "From", "To", "Cc", "Bcc", "Sender", "Reply-To"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == f->len &&
		    strncasecmp(names[i], f->name, f->len) == 0)
			return true;
	return false;
}

/* Quotes, and what quotes one octet within them, are not of what they quote. */
static size_t
unquote(const char *field, size_t len, char *out)
{
	size_t i, n;
	bool quoted = false;

	for (i = n = 0; i < len; i++) {
		if (field[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && field[i] == '\\' && len - i > 1)
			i++;
		out[n++] = field[i];
	}
	return n;
}

void
plan_field(const struct query *q, struct candidate *c, const char *field,
    size_t len, bool top)
{
	static char text[MIME_FIELD_MAX * 4], bare[MIME_FIELD_MAX];
	struct field f = {field, 0, top, false};
	const char *colon;
	size_t decoded, plain;

	if (q->index) {
		field_index(c, field, len);
		return;
	}
	if (len > MIME_FIELD_MAX)
		len = MIME_FIELD_MAX;
	if ((colon = memchr(field, ':', len)) == NULL)
		return;
	for (f.len = (size_t)(colon - field);
	     f.len > 0 && (field[f.len - 1] == ' ' || field[f.len - 1] == '\t');
	     f.len--)
		continue;
	if (!looked_at(q, c, &f))
		return;
	decoded = mime_words_decode(field, len, text, sizeof(text));
	field_match(q, c, &f, text, decoded);
	explicit_bzero(text, decoded);
	/* A name is found as ENVELOPE has it, too (RFC 9051 section 6.4.4). */
	f.bare = true;
	if (!top || memchr(field, '"', len) == NULL || !has_addresses(&f) ||
	    !looked_at(q, c, &f))
		return;
	plain = unquote(field, len, bare);
	decoded = mime_words_decode(bare, plain, text, sizeof(text));
	field_match(q, c, &f, text, decoded);
	explicit_bzero(text, decoded);
	explicit_bzero(bare, plain);
}

/* Leaves that need no octet of the body. */
static void
leaves(const struct query *q, struct candidate *c, const struct mime_summary *s)
{
	const struct search_node *node;
	struct mime_str name, raw;
	bool any = false;
	size_t i, pos;

	for (i = 0; i < q->n; i++) {
		node = search_node(q->program, i);
		if (c->truth[i] != SEARCH_MAYBE)
			continue;
		switch (node->kind) {
		case SEARCH_SENTBEFORE:
		case SEARCH_SENTON:
		case SEARCH_SENTSINCE:
			c->truth[i] = (uint8_t)sent(node, s);
			break;
		case SEARCH_HEADER:
		case SEARCH_TEXT:
			any = true;
			break;
		case SEARCH_BODY:
			if (q->terms[i].len == 0)
				c->truth[i] = SEARCH_YES;
			break;
		default:
			break;
		}
	}
	if (!any || plan_truth(q, c) != SEARCH_MAYBE)
		return;
	for (pos = 0; mime_header_next(s, 0, &pos, &name, &raw);)
		plan_field(q, c, raw.s, raw.len, true);
	for (i = 0; i < q->n; i++) {
		node = search_node(q->program, i);
		if (node->kind == SEARCH_HEADER &&
		    c->truth[i] == SEARCH_MAYBE &&
		    mime_header_cover(s, node->name, node->name_len))
			c->truth[i] = SEARCH_NO;
	}
}

static struct range *
range_add(struct candidate *c, uint64_t off, uint64_t len)
{
	struct range *r;
	size_t room;

	if (len == 0)
		return NULL;
	if (c->n == c->room) {
		room = c->room == 0 ? 2 : c->room * 2;
		r = recallocarray(c->ranges, c->room, room, sizeof(*r));
		if (r == NULL)
			fatal(NULL);
		c->ranges = r;
		c->room = room;
	}
	r = &c->ranges[c->n++];
	memset(r, 0, sizeof(*r));
	r->off = off;
	r->len = len;
	return r;
}

static void
part_add(struct candidate *c, const struct mime_part *m)
{
	struct mime_str charset;
	struct range *r;
	bool known = true;

	if (m->kind != MIME_LEAF || !is(m->type, "text") ||
	    (r = range_add(c, m->body_off, m->body_len)) == NULL)
		return;
	charset = mime_param_find(m, MIME_PARAMS_TYPE, "charset");
	r->coding = mime_coding_find(m->encoding.s, m->encoding.len);
	/* Without a charset: UTF-8, of which ASCII is a part. */
	r->charset = charset.s == NULL ?
	    mime_charset_find("utf-8", 5, NULL) :
	    mime_charset_find(charset.s, charset.len, &known);
	r->html = is(m->subtype, "html");
}

static void
header_add(struct candidate *c, const struct mime_part *m)
{
	struct range *r;

	if ((r = range_add(c, m->head_off, m->head_len)) == NULL)
		return;
	r->header = true;
	r->top = m->index == 0;
}

void
plan_make(
    const struct query *q, struct candidate *c, const struct mime_summary *s)
{
	const struct search_node *node;
	bool header = false, text = false;
	struct mime_part m;
	uint32_t i;
	size_t j;

	if (!q->index)
		leaves(q, c, s);
	if (plan_truth(q, c) != SEARCH_MAYBE)
		return;
	for (j = 0; j < q->n; j++) {
		node = search_node(q->program, j);
		if (c->truth[j] != SEARCH_MAYBE ||
		    !search_matters(q->program, c->truth, j))
			continue;
		if (node->kind == SEARCH_HEADER || node->kind == SEARCH_TEXT)
			header = true;
		if (node->kind == SEARCH_BODY || node->kind == SEARCH_TEXT)
			text = true;
	}
	for (i = 0; i < s->nparts; i++) {
		mime_part_get(s, i, &m);
		if (i == 0 && header)
			header_add(c, &m);
		if (i == 0 && !text)
			break;
		part_add(c, &m);
		/* The header of a message within is text of the outer one. */
		if (m.kind == MIME_MESSAGE) {
			mime_part_get(s, i + 1, &m);
			header_add(c, &m);
		}
	}
}

bool
plan_finish(const struct query *q, struct candidate *c)
{
	size_t i;

	for (i = 0; i < q->n; i++) {
		if (search_is_text_leaf(search_node(q->program, i)->kind) &&
		    c->truth[i] == SEARCH_MAYBE)
			c->truth[i] = SEARCH_NO;
	}
	return plan_truth(q, c) == SEARCH_YES;
}
