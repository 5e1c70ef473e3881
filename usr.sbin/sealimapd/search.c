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
 * SEARCH programs: made by the engine, checked by whoever receives them, and
 * evaluated without recursion in three-valued logic.
 *
 * Encoded, big-endian: u8 version, u8 zero, u16 nodes; then per node u8 kind
 * and, by kind, u64 number | u16 length, text | u16 length, name, u16 length,
 * text | u16 ranges, each u32 first, u32 last.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

#define SEARCH_VERSION 1
#define DAY 86400

struct search {
	struct search_node node[SEARCH_NODES_MAX];
	size_t n;
	char *text; /* names and terms, each with a NUL: SEARCH_PROGRAM_MAX */
	size_t text_len;
	struct search_range *range; /* SEARCH_RANGES_MAX, or NULL: no sets */
	size_t nranges;
	uint8_t *encoded; /* SEARCH_PROGRAM_MAX, or NULL */
	size_t size;      /* that the nodes need when encoded */
	bool bad;
};

/* What a node carries. */
enum shape {
	SHAPE_NONE,
	SHAPE_UNARY,
	SHAPE_BINARY,
	SHAPE_PLAIN,
	SHAPE_NUMBER,
	SHAPE_TEXT,
	SHAPE_HEADER,
	SHAPE_SET
};

static enum shape
shape_of(unsigned kind)
{
	switch (kind) {
	case SEARCH_AND:
	case SEARCH_OR:
		return SHAPE_BINARY;
	case SEARCH_NOT:
		return SHAPE_UNARY;
	case SEARCH_ALL:
	case SEARCH_SAVED:
		return SHAPE_PLAIN;
	case SEARCH_FLAG_ANY:
	case SEARCH_FLAG_NONE:
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
	case SEARCH_MODSEQ:
	case SEARCH_YOUNGER:
	case SEARCH_OLDER:
	case SEARCH_SENT:
	case SEARCH_SAVEDBEFORE:
	case SEARCH_SAVEDON:
	case SEARCH_SAVEDSINCE:
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return SHAPE_NUMBER;
	case SEARCH_KEYWORD:
	case SEARCH_EMAILID:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return SHAPE_TEXT;
	case SEARCH_HEADER:
		return SHAPE_HEADER;
	case SEARCH_UID:
	case SEARCH_SEQ:
		return SHAPE_SET;
	default:
		return SHAPE_NONE;
	}
}

bool
search_is_store_leaf(uint8_t kind)
{
	return kind >= SEARCH_ALL && kind < SEARCH_HEADER &&
	    shape_of(kind) != SHAPE_NONE;
}

bool
search_is_text_leaf(uint8_t kind)
{
	return kind >= SEARCH_HEADER && shape_of(kind) != SHAPE_NONE;
}

struct search *
search_new(void)
{
	struct search *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if ((s->text = calloc(1, SEARCH_PROGRAM_MAX)) == NULL) {
		free(s);
		return NULL;
	}
	s->size = 4;
	return s;
}

void
search_free(struct search *s)
{
	if (s == NULL)
		return;
	freezero(s->text, SEARCH_PROGRAM_MAX);
	if (s->range != NULL)
		freezero(s->range, SEARCH_RANGES_MAX * sizeof(*s->range));
	if (s->encoded != NULL)
		freezero(s->encoded, SEARCH_PROGRAM_MAX);
	freezero(s, sizeof(*s));
}

/* A new node that takes size octets when encoded. */
static struct search_node *
node_new(struct search *s, unsigned kind, enum shape shape, size_t size)
{
	struct search_node *node;

	if (s->bad || shape_of(kind) != shape || s->n == SEARCH_NODES_MAX ||
	    size > SEARCH_PROGRAM_MAX - s->size) {
		s->bad = true;
		return NULL;
	}
	s->size += size;
	node = &s->node[s->n++];
	node->kind = (uint8_t)kind;
	return node;
}

/* A copy of the string, or NULL. */
static const char *
string_new(struct search *s, const char *text, size_t len)
{
	char *p;

	if (len > SEARCH_TEXT_MAX || memchr(text, '\0', len) != NULL ||
	    len + 1 > SEARCH_PROGRAM_MAX - s->text_len) {
		s->bad = true;
		return NULL;
	}
	p = s->text + s->text_len;
	memcpy(p, text, len);
	p[len] = '\0';
	s->text_len += len + 1;
	return p;
}

int
search_add(struct search *s, enum search_kind kind)
{
	return node_new(s, kind,
		   shape_of(kind) < SHAPE_NUMBER ? shape_of(kind) : SHAPE_NONE,
		   1) != NULL ?
	    0 :
	    -1;
}

int
search_add_number(struct search *s, enum search_kind kind, uint64_t number)
{
	struct search_node *node;

	if ((node = node_new(s, kind, SHAPE_NUMBER, 9)) == NULL)
		return -1;
	node->number = number;
	return 0;
}

int
search_add_text(
    struct search *s, enum search_kind kind, const char *text, size_t len)
{
	struct search_node *node;

	if (len > SEARCH_TEXT_MAX)
		s->bad = true;
	if ((node = node_new(s, kind, SHAPE_TEXT, len + 3)) == NULL)
		return -1;
	node->text = string_new(s, text, len);
	node->text_len = len;
	return node->text != NULL ? 0 : -1;
}

int
search_add_header(struct search *s, const char *name, size_t name_len,
    const char *text, size_t len)
{
	struct search_node *node;

	if (len > SEARCH_TEXT_MAX || name_len > SEARCH_TEXT_MAX)
		s->bad = true;
	if ((node = node_new(
		 s, SEARCH_HEADER, SHAPE_HEADER, name_len + len + 5)) == NULL)
		return -1;
	node->name = string_new(s, name, name_len);
	node->name_len = name_len;
	node->text = string_new(s, text, len);
	node->text_len = len;
	return s->bad ? -1 : 0;
}

int
search_add_set(struct search *s, enum search_kind kind,
    const struct search_range *range, size_t n)
{
	struct search_node *node;
	size_t i;

	if (s->range == NULL &&
	    (s->range = calloc(SEARCH_RANGES_MAX, sizeof(*s->range))) == NULL)
		s->bad = true;
	if (n == 0 || n > SEARCH_RANGES_MAX - s->nranges)
		s->bad = true;
	for (i = 0; !s->bad && i < n; i++) {
		if (range[i].first == 0 || range[i].last == 0)
			s->bad = true; /* no message has that number */
	}
	if ((node = node_new(s, kind, SHAPE_SET, 3 + 8 * n)) == NULL)
		return -1;
	node->range = s->range + s->nranges;
	node->n = n;
	memcpy(s->range + s->nranges, range, n * sizeof(*range));
	s->nranges += n;
	return 0;
}

size_t
search_count(const struct search *s)
{
	return s->n;
}

const struct search_node *
search_node(const struct search *s, size_t i)
{
	return &s->node[i];
}

bool
search_has(const struct search *s, enum search_kind kind)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->node[i].kind == kind)
			return true;
	return false;
}

bool
search_needs_text(const struct search *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (search_is_text_leaf(s->node[i].kind))
			return true;
	}
	return false;
}

/* Whether the nodes are one whole postfix program. */
static bool
whole(const struct search *s)
{
	size_t i, depth = 0;

	for (i = 0; i < s->n; i++) {
		switch (shape_of(s->node[i].kind)) {
		case SHAPE_NONE:
			return false;
		case SHAPE_UNARY:
			if (depth < 1)
				return false;
			break;
		case SHAPE_BINARY:
			if (depth < 2)
				return false;
			depth--;
			break;
		case SHAPE_PLAIN:
		case SHAPE_NUMBER:
		case SHAPE_TEXT:
		case SHAPE_HEADER:
		case SHAPE_SET:
			if (depth++ == SEARCH_DEPTH_MAX)
				return false;
			break;
		}
	}
	return depth == 1;
}

static size_t
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static size_t
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
	return 4;
}

static size_t
put_string(uint8_t *p, const char *s, size_t len)
{
	put16(p, len);
	memcpy(p + 2, s, len);
	return len + 2;
}

static size_t
put_node(uint8_t *p, const struct search_node *node)
{
	size_t i, n = 0;

	p[n++] = node->kind;
	switch (shape_of(node->kind)) {
	case SHAPE_NONE:
	case SHAPE_UNARY:
	case SHAPE_BINARY:
	case SHAPE_PLAIN:
		break;
	case SHAPE_NUMBER:
		n += put32(p + n, (uint32_t)(node->number >> 32));
		n += put32(p + n, (uint32_t)node->number);
		break;
	case SHAPE_HEADER:
		n += put_string(p + n, node->name, node->name_len);
		/* FALLTHROUGH */
	case SHAPE_TEXT:
		n += put_string(p + n, node->text, node->text_len);
		break;
	case SHAPE_SET:
		n += put16(p + n, node->n);
		for (i = 0; i < node->n; i++) {
			n += put32(p + n, node->range[i].first);
			n += put32(p + n, node->range[i].last);
		}
		break;
	}
	return n;
}

const uint8_t *
search_encode(struct search *s, size_t *len)
{
	size_t i, n = 4;

	if (s->bad || !whole(s))
		return NULL;
	if (s->encoded == NULL &&
	    (s->encoded = calloc(1, SEARCH_PROGRAM_MAX)) == NULL)
		return NULL;
	s->encoded[0] = SEARCH_VERSION;
	s->encoded[1] = 0;
	put16(s->encoded + 2, s->n);
	for (i = 0; i < s->n; i++)
		n += put_node(s->encoded + n, &s->node[i]);
	*len = n;
	return s->encoded;
}

struct reader {
	const uint8_t *p;
	size_t len;
	bool bad;
};

static uint64_t
get(struct reader *r, size_t n)
{
	uint64_t v = 0;

	if (n > r->len) {
		r->bad = true;
		return 0;
	}
	r->len -= n;
	for (; n > 0; n--)
		v = v << 8 | *r->p++;
	return v;
}

static const char *
get_string(struct reader *r, size_t *len)
{
	const char *s;

	*len = (size_t)get(r, 2);
	if (r->bad || *len > r->len) {
		r->bad = true;
		*len = 0;
		return "";
	}
	s = (const char *)r->p;
	r->p += *len;
	r->len -= *len;
	return s;
}

static int
get_set(struct reader *r, struct search *s, enum search_kind kind)
{
	struct search_range range;
	size_t i, n = (size_t)get(r, 2);
	struct search_node *node;

	if (r->bad || n * 8 > r->len)
		return -1;
	/* One range makes the node; the others are put behind it. */
	for (i = 0; i < n; i++) {
		range.first = (uint32_t)get(r, 4);
		range.last = (uint32_t)get(r, 4);
		if (i == 0) {
			if (search_add_set(s, kind, &range, 1) == -1)
				return -1;
			continue;
		}
		if (s->nranges == SEARCH_RANGES_MAX || range.first == 0 ||
		    range.last == 0 || 8 > SEARCH_PROGRAM_MAX - s->size)
			return -1;
		node = &s->node[s->n - 1];
		s->range[s->nranges++] = range;
		node->n++;
		s->size += 8;
	}
	return n > 0 ? 0 : -1;
}

static int
get_node(struct reader *r, struct search *s)
{
	enum search_kind kind = (enum search_kind)get(r, 1);
	const char *text, *name;
	size_t len, name_len;

	if (r->bad)
		return -1;
	switch (shape_of(kind)) {
	case SHAPE_NONE:
		return -1;
	case SHAPE_UNARY:
	case SHAPE_BINARY:
	case SHAPE_PLAIN:
		return search_add(s, kind);
	case SHAPE_NUMBER:
		return search_add_number(s, kind, get(r, 8));
	case SHAPE_TEXT:
		text = get_string(r, &len);
		return r->bad ? -1 : search_add_text(s, kind, text, len);
	case SHAPE_HEADER:
		name = get_string(r, &name_len);
		text = get_string(r, &len);
		return r->bad ? -1 :
				search_add_header(s, name, name_len, text, len);
	case SHAPE_SET:
		return get_set(r, s, kind);
	}
	return -1;
}

struct search *
search_decode(const void *p, size_t len)
{
	struct reader r = {p, len, false};
	struct search *s;
	size_t i, n;

	if ((s = search_new()) == NULL)
		return NULL;
	if (len > SEARCH_PROGRAM_MAX || get(&r, 2) != SEARCH_VERSION << 8)
		goto bad;
	n = (size_t)get(&r, 2);
	for (i = 0; i < n; i++) {
		if (get_node(&r, s) == -1 || r.bad)
			goto bad;
	}
	if (r.bad || r.len > 0 || s->bad || !whole(s))
		goto bad;
	return s;
bad:
	search_free(s);
	errno = EBADMSG;
	return NULL;
}

void
search_bind(
    struct search *s, uint64_t (*keyword)(void *, const char *), void *arg)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->node[i].kind == SEARCH_KEYWORD)
			s->node[i].number = keyword(arg, s->node[i].text);
	}
}

static bool
set_holds(const struct search_node *node, uint32_t v, uint32_t max)
{
	uint32_t a, b, t;
	size_t i;

	for (i = 0; i < node->n; i++) {
		a = node->range[i].first == UINT32_MAX ? max :
							 node->range[i].first;
		b = node->range[i].last == UINT32_MAX ? max :
							node->range[i].last;
		if (a > b) {
			t = a;
			a = b;
			b = t;
		}
		if (v >= a && v <= b)
			return true;
	}
	return false;
}

/* The time of the clock on the wall where it was said. */
static int64_t
wall(const struct search_facts *f)
{
	return f->date + (int64_t)f->zone * 60;
}

/* At least n seconds old. */
static bool
old(const struct search_facts *f, uint64_t n)
{
	return f->now >= f->date && (uint64_t)f->now - (uint64_t)f->date >= n;
}

static bool
on_day(int64_t t, uint64_t day)
{
	int64_t d = (int64_t)day;

	return t >= d && (uint64_t)t - (uint64_t)d < DAY;
}

static enum search_truth
store_leaf(const struct search_node *node, const struct search_facts *f)
{
	switch (node->kind) {
	case SEARCH_ALL:
		return SEARCH_YES;
	case SEARCH_FLAG_ANY:
	case SEARCH_KEYWORD:
		return (f->flags & node->number) != 0;
	case SEARCH_FLAG_NONE:
		return (f->flags & node->number) == 0;
	case SEARCH_UID:
		return set_holds(node, f->uid, f->uid_max);
	case SEARCH_SEQ:
		return set_holds(node, f->seq, f->seq_max);
	case SEARCH_BEFORE:
		return wall(f) < (int64_t)node->number;
	case SEARCH_ON:
		return on_day(wall(f), node->number);
	case SEARCH_SINCE:
		return wall(f) >= (int64_t)node->number;
	case SEARCH_LARGER:
		return f->size > node->number;
	case SEARCH_SMALLER:
		return f->size < node->number;
	case SEARCH_MODSEQ:
		return f->modseq >= node->number;
	case SEARCH_YOUNGER:
		return !old(f, node->number) ||
		    (uint64_t)f->now - (uint64_t)f->date == node->number;
	case SEARCH_OLDER:
		return old(f, node->number);
	case SEARCH_SAVED:
		return f->saved;
	case SEARCH_SENT:
		return f->sent >> SEARCH_SENT_INDEX(node->number) & 1;
	case SEARCH_SAVEDBEFORE:
		return f->stored < (int64_t)node->number;
	case SEARCH_SAVEDON:
		return on_day(f->stored, node->number);
	case SEARCH_SAVEDSINCE:
		return f->stored >= (int64_t)node->number;
	case SEARCH_EMAILID:
		return strcmp(f->emailid, node->text) == 0;
	default:
		return SEARCH_MAYBE;
	}
}

enum search_truth
search_eval_store(const struct search *s, const struct search_facts *f,
    uint8_t truth[SEARCH_NODES_MAX])
{
	size_t i;

	for (i = 0; i < s->n; i++)
		truth[i] = (uint8_t)store_leaf(&s->node[i], f);
	return search_eval(s, truth);
}

static uint8_t
truth_and(uint8_t a, uint8_t b)
{
	if (a == SEARCH_NO || b == SEARCH_NO)
		return SEARCH_NO;
	return a == SEARCH_YES && b == SEARCH_YES ? SEARCH_YES : SEARCH_MAYBE;
}

static uint8_t
truth_not(uint8_t a)
{
	if (a == SEARCH_MAYBE)
		return a;
	return a == SEARCH_YES ? SEARCH_NO : SEARCH_YES;
}

enum search_truth
search_eval(const struct search *s, const uint8_t truth[SEARCH_NODES_MAX])
{
	uint8_t stack[SEARCH_DEPTH_MAX];
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		switch (s->node[i].kind) {
		case SEARCH_AND:
			n--;
			stack[n - 1] = truth_and(stack[n - 1], stack[n]);
			break;
		case SEARCH_OR:
			n--;
			stack[n - 1] = truth_not(truth_and(
			    truth_not(stack[n - 1]), truth_not(stack[n])));
			break;
		case SEARCH_NOT:
			stack[n - 1] = truth_not(stack[n - 1]);
			break;
		default:
			stack[n++] = truth[i] > SEARCH_MAYBE ? SEARCH_MAYBE :
							       truth[i];
			break;
		}
	}
	return (enum search_truth)stack[0];
}

/*
 * A node matters if it is undecided and no operator above it is decided
 * already.  Going up from leaf i: its operator is the next node that takes it
 * as an operand; what that takes beside it lies between.
 */
bool
search_matters(
    const struct search *s, const uint8_t truth[SEARCH_NODES_MAX], size_t i)
{
	struct {
		uint8_t truth;
		bool mine; /* leaf i is below */
	} stack[SEARCH_DEPTH_MAX], *a, *b;
	size_t j, n = 0;

	for (j = 0; j < s->n; j++) {
		b = n > 0 ? &stack[n - 1] : NULL;
		a = n > 1 ? &stack[n - 2] : NULL;
		switch (s->node[j].kind) {
		case SEARCH_AND:
		case SEARCH_OR:
			if (s->node[j].kind == SEARCH_AND)
				a->truth = truth_and(a->truth, b->truth);
			else
				a->truth = truth_not(truth_and(
				    truth_not(a->truth), truth_not(b->truth)));
			a->mine = a->mine || b->mine;
			n--;
			b = a;
			break;
		case SEARCH_NOT:
			b->truth = truth_not(b->truth);
			break;
		default:
			stack[n].truth = truth[j] > SEARCH_MAYBE ?
			    SEARCH_MAYBE :
			    truth[j];
			stack[n].mine = j == i;
			b = &stack[n++];
			break;
		}
		if (b->mine && b->truth != SEARCH_MAYBE)
			return false;
	}
	return true;
}
