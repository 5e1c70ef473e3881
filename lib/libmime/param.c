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
 * Structured header fields of MIME (RFC 2045 5.1, RFC 2183): a value and
 * parameters, as they are meant and as they are met.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* Past white space and comments (which nest) from pos on. */
size_t
skip_cfws(const char *s, size_t len, size_t pos)
{
	size_t depth = 0;

	for (; pos < len; pos++) {
		if (s[pos] == '(')
			depth++;
		else if (depth > 0 && s[pos] == ')')
			depth--;
		else if (depth > 0 && s[pos] == '\\' && pos + 1 < len)
			pos++;
		else if (depth == 0 && !is_space(s[pos]))
			break;
	}
	return pos;
}

size_t
unfold(const char *s, size_t len, char *out, size_t size)
{
	size_t i, n = 0;
	char c;

	if (size == 0)
		return 0;
	for (i = 0; i < len && n < size; i++) {
		c = s[i];
		if (c == '\0')
			continue;
		if (c == '\r' || c == '\n') {
			/* A line end in a field is a fold; others are none. */
			if (i + 1 < len &&
			    (s[i + 1] == ' ' || s[i + 1] == '\t' ||
				s[i + 1] == '\n'))
				continue;
			c = ' ';
		}
		if (n == 0 && (c == ' ' || c == '\t'))
			continue;
		out[n++] = c;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	return n;
}

/* The quoted string at s[pos] == '"', unquoted to *out; past it. */
static size_t
quoted(const char *s, size_t len, size_t pos, char **out)
{
	for (pos++; pos < len && s[pos] != '"'; pos++) {
		if (s[pos] == '\\' && pos + 1 < len)
			pos++;
		if (s[pos] != '\r' && s[pos] != '\n' && s[pos] != '\0')
			*(*out)++ = s[pos];
	}
	return pos < len ? pos + 1 : pos;
}

/* An unquoted value: to the semicolon, less white space and a comment. */
static size_t
unquoted(const char *s, size_t len, size_t pos, char **out)
{
	char *start = *out;

	for (; pos < len && s[pos] != ';'; pos++) {
		if (s[pos] == '(' && *out > start && is_space(s[pos - 1])) {
			pos = skip_cfws(s, len, pos);
			break;
		}
		if (s[pos] != '\r' && s[pos] != '\n' && s[pos] != '\0')
			*(*out)++ = s[pos];
	}
	while (*out > start && is_space((*out)[-1]))
		(*out)--;
	return pos;
}

/* One parameter from s[pos] on; the position after it. */
static size_t
param_parse(struct params *p, const char *s, size_t len, size_t pos, char **out)
{
	struct param *v = &p->v[p->n];

	v->name = *out;
	for (; pos < len && s[pos] != '=' && s[pos] != ';' && s[pos] != '"' &&
	     s[pos] != '(';
	     pos++) {
		if (!is_space(s[pos]))
			*(*out)++ = s[pos];
	}
	v->name_len = (size_t)(*out - v->name);
	pos = skip_cfws(s, len, pos);
	v->value = *out;
	if (pos < len && s[pos] == '=') {
		pos = skip_cfws(s, len, pos + 1);
		if (pos < len && s[pos] == '"')
			pos = quoted(s, len, pos, out);
		else
			pos = unquoted(s, len, pos, out);
		v->value_len = (size_t)(*out - v->value);
		if (v->name_len > 0)
			p->n++;
	}
	return pos;
}

int
params_parse(
    struct params *p, const char *s, size_t len, char *token, size_t token_size)
{
	size_t pos, n = 0;
	char *out;

	p->n = 0;
	p->cut = false;
	p->text.len = 0;
	while (p->text.size < len + 1) {
		/* Only the room is wanted. */
		if (buf_add(&p->text, s, len, SIZE_MAX) == -1 ||
		    buf_add(&p->text, "", 1, SIZE_MAX) == -1)
			return -1;
	}
	out = (char *)p->text.p;
	for (pos = skip_cfws(s, len, 0); pos < len && s[pos] != ';'; pos++) {
		if (is_space(s[pos]) || s[pos] == '(') {
			pos = skip_cfws(s, len, pos);
			if (pos == len || s[pos] == ';')
				break;
		}
		if (n + 1 < token_size && s[pos] != '"')
			token[n++] = s[pos];
	}
	token[n] = '\0';
	while (pos < len) {
		while (pos < len && s[pos] != ';')
			pos = s[pos] == '"' ? quoted(s, len, pos, &out) :
					      pos + 1;
		if (pos == len)
			break;
		pos = skip_cfws(s, len, pos + 1);
		if (p->n == MIME_PARAMS_MAX) {
			p->cut = true;
			break;
		}
		pos = param_parse(p, s, len, pos, &out);
	}
	p->text.len = (size_t)(out - (char *)p->text.p);
	return 0;
}
