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
 * Authentication-Results (RFC 8601): which of those that a message brings
 * pretend to be ours, and the one that is.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mauth.h"

#define HOST_MAX 256 /* of an authserv-id that could be ours */

static size_t skip_comments(const char *, size_t, size_t);
static size_t comment_end(const char *, size_t, size_t);
static void put(struct authres *, const char *, size_t);
static void put_word(struct authres *, const char *);
static bool is_token(const char *);

bool
authres_is(const char *p, size_t len, const char *host)
{
	char name[HOST_MAX];
	size_t i, n;
	bool quoted;

	i = skip_comments(p, len, 0);
	if (i == len)
		return true;
	quoted = p[i] == '"';
	if (quoted)
		i++;
	for (n = 0; i < len && n < sizeof(name) - 1; i++) {
		if (quoted ? p[i] == '"' : strchr(" \t\r\n;(", p[i]) != NULL)
			break;
		if (quoted && p[i] == '\\' && i + 1 < len)
			i++;
		/* A fold within is none of the name. */
		if (p[i] == '\r' || p[i] == '\n')
			continue;
		name[n++] = p[i];
	}
	name[n] = '\0';
	if (n == 0 || n == sizeof(name) - 1 || strlen(name) != n)
		return true;
	/* Another dot at the end is the same host to some. */
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	return strcasecmp(name, host) == 0;
}

void
authres_begin(struct authres *a, char *buf, const char *host)
{
	static const char name[] = "Authentication-Results: ";

	memset(a, 0, sizeof(*a));
	a->buf = buf;
	put(a, name, sizeof(name) - 1);
	put(a, host, strlen(host));
}

void
authres_method(struct authres *a, const char *method, enum mauth_result result,
    const char *reason)
{
	const char *name;

	name = mauth_result_name(result);
	put(a, ";\r\n\t", 4);
	a->column = 8;
	a->any = true;
	put(a, method, strlen(method));
	put(a, "=", 1);
	put(a, name, strlen(name));
	if (reason == NULL)
		return;
	put(a, " reason=", 8);
	put_word(a, reason);
}

void
authres_property(struct authres *a, const char *name, const char *value)
{
	/* RFC 5322 2.1.1: lines of 78, where that can be. */
	if (a->column + strlen(name) + strlen(value) + 4 > 78) {
		put(a, "\r\n\t", 3);
		a->column = 8;
	} else
		put(a, " ", 1);
	put(a, name, strlen(name));
	put(a, "=", 1);
	put_word(a, value);
}

void
authres_comment(struct authres *a, const char *text)
{
	put(a, " (", 2);
	put(a, text, strlen(text));
	put(a, ")", 1);
}

/* Comments on lines of their own; what is too little for one is blanks. */
void
authres_pad(struct authres *a, size_t n)
{
	size_t line;

	while (n >= 5) {
		line = n < 76 ? n : 76;
		put(a, "\r\n\t(", 4);
		for (size_t i = 5; i < line; i++)
			put(a, " ", 1);
		put(a, ")", 1);
		n -= line;
	}
	for (; n > 0; n--)
		put(a, " ", 1);
}

int
authres_end(struct authres *a, size_t *len)
{
	if (!a->any)
		put(a, "; none", 6);
	put(a, "\r\n", 2);
	if (a->full)
		return -1;
	a->buf[a->len] = '\0';
	*len = a->len;
	return 0;
}

/* Blanks, folds and comments from off on. */
static size_t
skip_comments(const char *p, size_t len, size_t off)
{
	while (off < len) {
		if (p[off] == '(')
			off = comment_end(p, len, off);
		else if (strchr(" \t\r\n", p[off]) != NULL && p[off] != '\0')
			off++;
		else
			break;
	}
	return off;
}

static size_t
comment_end(const char *p, size_t len, size_t off)
{
	unsigned int depth;

	depth = 0;
	for (; off < len; off++) {
		if (p[off] == '\\')
			off++;
		else if (p[off] == '(') {
			if (++depth > AUTHRES_COMMENTS_MAX)
				return len;
		} else if (p[off] == ')' && --depth == 0)
			return off + 1;
	}
	return len;
}

/* What a stranger has chosen: one token, or quoted, without controls. */
static void
put_word(struct authres *a, const char *s)
{
	if (is_token(s)) {
		put(a, s, strlen(s));
		return;
	}
	put(a, "\"", 1);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put(a, "\\", 1);
		put(a, (unsigned char)*s < ' ' || *s == 127 ? "?" : s, 1);
	}
	put(a, "\"", 1);
}

/* RFC 2045 5.1, and '@', which a value may have (RFC 8601 2.2). */
static bool
is_token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s > 126 ||
		    strchr("()<>,;:\\\"/[]?=", *s) != NULL)
			return false;
	return true;
}

static void
put(struct authres *a, const char *s, size_t len)
{
	if (len >= AUTHRES_FIELD_MAX - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->buf + a->len, s, len);
	a->len += len;
	a->column += len;
}
