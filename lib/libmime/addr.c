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
 * Addresses (RFC 5322 3.4 and 4.4) as ENVELOPE shows them, out of whatever
 * stands in the field.  One pass, one address a call; nothing is refused.
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

/* A string in one of the four places of the iterator's buffer. */
struct out {
	char *p;
	size_t n;
	bool space; /* put one before the next word */
};

struct parse {
	const char *p, *end;
	struct out phrase, local, adl, host, comment;
	bool any, at, angle, quoted; /* what was met */
};

static void
out_put(struct out *o, char c)
{
	if (c == '\0' || c == '\r' || c == '\n')
		return;
	if (o->space && o->n > 0 && o->n < MIME_ADDR_MAX)
		o->p[o->n++] = ' ';
	o->space = false;
	if (o->n < MIME_ADDR_MAX)
		o->p[o->n++] = c;
}

/* What may mean more than itself, in an address. */
static const bool special[256] = {
    ['\0'] = true,
    ['\t'] = true,
    ['\n'] = true,
    ['\r'] = true,
    [' '] = true,
    ['"'] = true,
    ['('] = true,
    [')'] = true,
    [','] = true,
    [':'] = true,
    [';'] = true,
    ['<'] = true,
    ['>'] = true,
    ['@'] = true,
    ['['] = true,
    ['\\'] = true,
    [']'] = true,
};

/* out_put() of all of them: ordinary ones, or one. */
static void
out_puts(struct out *o, const char *p, size_t n)
{
	if (n == 1) {
		out_put(o, *p);
		return;
	}
	if (o->space && o->n > 0 && o->n < MIME_ADDR_MAX)
		o->p[o->n++] = ' ';
	o->space = false;
	if (n > MIME_ADDR_MAX - o->n)
		n = MIME_ADDR_MAX - o->n;
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* What is next and has no meaning here, to both. */
static void
word(struct parse *a, struct out *x, struct out *y)
{
	size_t n;

	for (n = 1; n < (size_t)(a->end - a->p) &&
	     !special[(unsigned char)a->p[n - 1]] &&
	     !special[(unsigned char)a->p[n]];
	     n++)
		continue;
	out_puts(x, a->p, n);
	if (y != NULL)
		out_puts(y, a->p, n);
	a->p += n;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* A comment, at '('; its text is kept: it may be an obsolete name. */
static void
comment(struct parse *a)
{
	size_t depth = 0;

	a->comment.n = 0;
	a->comment.space = false;
	for (; a->p < a->end; a->p++) {
		if (*a->p == '(' && depth++ == 0)
			continue;
		if (*a->p == ')' && --depth == 0) {
			a->p++;
			return;
		}
		if (*a->p == '\\' && a->p + 1 < a->end)
			a->p++;
		if (is_space(*a->p))
			a->comment.space = true;
		else
			out_put(&a->comment, *a->p);
	}
}

/* A quoted string, at '"', to both. */
static void
quoted(struct parse *a, struct out *x, struct out *y)
{
	for (a->p++; a->p < a->end && *a->p != '"'; a->p++) {
		if (*a->p == '\\' && a->p + 1 < a->end)
			a->p++;
		out_put(x, *a->p);
		if (y != NULL)
			out_put(y, *a->p);
	}
	if (a->p < a->end)
		a->p++;
}

static void
domain(struct parse *a, const char *stop)
{
	while (a->p < a->end) {
		if (!special[(unsigned char)*a->p])
			word(a, &a->host, NULL);
		else if (strchr(stop, *a->p) != NULL)
			break;
		else if (is_space(*a->p))
			a->p++;
		else if (*a->p == '(')
			comment(a);
		else if (*a->p == '[') {
			for (; a->p < a->end && *a->p != ']' && *a->p != '>';
			     a->p++) {
				if (!is_space(*a->p))
					out_put(&a->host, *a->p);
			}
		} else
			word(a, &a->host, NULL);
	}
}

/* "@a,@b:" before an address (obsolete): the source route. */
static void
route(struct parse *a)
{
	const char *p;

	for (p = a->p; p < a->end && *p != ':' && *p != '>'; p++)
		continue;
	if (p == a->end || *p == '>')
		return;
	for (; a->p < p; a->p++) {
		if (!is_space(*a->p))
			out_put(&a->adl, *a->p);
	}
	a->p++;
}

/* After '<': to '>' or the end of the field. */
static void
angle(struct parse *a)
{
	a->angle = true;
	a->local.n = 0;
	a->local.space = false;
	while (a->p < a->end && is_space(*a->p))
		a->p++;
	if (a->p < a->end && *a->p == '@')
		route(a);
	while (a->p < a->end && *a->p != '>' && *a->p != '@') {
		if (*a->p == '"')
			quoted(a, &a->local, NULL);
		else if (*a->p == '(')
			comment(a);
		else if (is_space(*a->p))
			a->p++;
		else
			word(a, &a->local, NULL);
	}
	if (a->p < a->end && *a->p == '@') {
		a->at = true;
		a->p++;
		domain(a, ">");
	}
	if (a->p < a->end)
		a->p++;
}

/*
 * Up to the end of one address: true at ':' after a phrase, which begins a
 * group; the separator is taken.
 */
static bool
address(struct parse *a, bool in_group)
{
	for (; a->p < a->end;) {
		switch (*a->p) {
		case ',':
			a->p++;
			return false;
		case ';':
			/* Outside a group some mean a comma by it. */
			if (!in_group)
				a->p++;
			return false;
		case ':':
			a->p++;
			if (a->any && !a->at && !a->angle && !in_group)
				return true;
			continue;
		case '<':
			a->p++;
			if (a->angle) /* a second one: garbage */
				continue;
			a->any = true;
			angle(a);
			continue;
		case '>':
		case ' ':
		case '\t':
		case '\r':
		case '\n':
		case '\0':
			a->p++;
			a->phrase.space = true;
			continue;
		case '(':
			comment(a);
			continue;
		case '"':
			a->any = true;
			quoted(a, &a->phrase, &a->local);
			continue;
		case '@':
			a->p++;
			if (a->angle || a->at)
				continue;
			a->any = a->at = true;
			domain(a, ",;<");
			continue;
		default:
			a->any = true;
			word(a, &a->phrase, a->angle ? NULL : &a->local);
			continue;
		}
	}
	return false;
}

static struct mime_str
str(const struct out *o, bool nil)
{
	struct mime_str s = {NULL, 0};

	if (o->n > 0 || !nil) {
		s.s = o->p;
		s.len = o->n;
	}
	return s;
}

static void
parse_init(struct parse *a, struct mime_addr_iter *it, char *extra)
{
	memset(a, 0, sizeof(*a));
	a->p = it->p;
	a->end = it->end;
	a->phrase.p = it->buf;
	a->local.p = it->buf + MIME_ADDR_MAX;
	a->adl.p = it->buf + 2 * MIME_ADDR_MAX;
	a->host.p = it->buf + 3 * MIME_ADDR_MAX;
	a->comment.p = extra;
}

static void
result(struct parse *a, struct mime_addr_iter *it, struct mime_addr *addr)
{
	if (a->angle || a->at) {
		/* "a@b (Name)" and "(Name) <a@b>" have the name so. */
		if (!a->angle)
			a->phrase.n = 0;
		if (a->phrase.n == 0 && a->comment.n > 0) {
			memcpy(it->buf, a->comment.p, a->comment.n);
			a->phrase.n = a->comment.n;
		}
		addr->name = str(&a->phrase, true);
		addr->mailbox = str(&a->local, false);
	} else
		addr->mailbox = str(&a->phrase, false);
	addr->adl = str(&a->adl, true);
	addr->host = str(&a->host, false);
}

/* Goes on to the next field of the name; false if there is none. */
static bool
field_next(struct mime_addr_iter *it)
{
	struct mime_str value;

	if (it->summary == NULL ||
	    !header_find(
		it->summary, it->part, field_of(it->field), &it->pos, &value))
		return false;
	it->p = value.s;
	it->end = value.s + value.len;
	return true;
}

int
mime_addr_next(struct mime_addr_iter *it, struct mime_addr *addr)
{
	char extra[MIME_ADDR_MAX] UNINITIALISED;
	struct parse a;
	bool group;

	memset(addr, 0, sizeof(*addr));
	for (;;) {
		while (it->p < it->end && (is_space(*it->p) || *it->p == ','))
			it->p++;
		if (it->group && (it->p == it->end || *it->p == ';')) {
			if (it->p < it->end)
				it->p++;
			it->group = false;
			return 1; /* all NULL: the group ends */
		}
		if (it->p == it->end) {
			if (!field_next(it))
				return 0;
			continue;
		}
		parse_init(&a, it, extra);
		group = address(&a, it->group);
		it->p = a.p;
		if (group) {
			it->group = true;
			addr->mailbox = str(&a.phrase, false);
			return 1;
		}
		if (a.any) {
			result(&a, it, addr);
			return 1;
		}
	}
}

static bool
empty(const struct mime_summary *s, uint32_t part, enum mime_field field)
{
	struct mime_str value;
	size_t pos = 0, i;

	while (header_find(s, part, field_of(field), &pos, &value)) {
		for (i = 0; i < value.len; i++) {
			if (!is_space(value.s[i]))
				return false;
		}
	}
	return true;
}

void
mime_addr_init(struct mime_addr_iter *it, const struct mime_summary *s,
    uint32_t part, enum mime_field field)
{
	if ((field == MIME_SENDER || field == MIME_REPLY_TO) &&
	    empty(s, part, field))
		field = MIME_FROM;
	it->summary = s;
	it->part = part;
	it->field = field;
	it->pos = 0;
	it->p = it->end = NULL;
	it->group = false;
}

void
mime_addr_init_text(struct mime_addr_iter *it, const char *s, size_t len)
{
	it->summary = NULL;
	it->p = s;
	it->end = s + len;
	it->pos = 0;
	it->group = false;
}

bool
mime_addr_init_found(struct mime_addr_iter *it, const struct mime_envelope *e,
    enum mime_field field)
{
	const struct mime_str *value = &e->value[field];
	size_t i;

	if (value->s == NULL)
		return false;
	if ((e->many >> field & 1) != 0) {
		mime_addr_init(it, e->summary, e->part, field);
		return it->field == field;
	}
	for (i = 0; i < value->len; i++)
		if (!is_space(value->s[i]))
			break;
	mime_addr_init_text(it, value->s, value->len);
	return i < value->len;
}
