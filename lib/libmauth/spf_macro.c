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
 * Macros of SPF (RFC 7208 7).
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "spf_local.h"

#define PARTS_MAX 128 /* of a value; those before them are left out */
#define LETTERS "slodiphv"
#define DELIMITERS ".-+,/_="

struct macro {
	char letter;    /* lower case */
	bool escape;    /* it was upper case */
	unsigned int n; /* parts from the right; 0: all */
	bool reverse;
	const char *delimiters;
	size_t n_delimiters;
};

struct out {
	char *buf;
	size_t size;
	size_t len;
	bool full;
};

static size_t macro_parse(const char *, size_t, struct macro *);
static void macro_value(const struct spf_values *, char, char *, size_t);
static void macro_address(const struct spf_client *, char *, size_t);
static void macro_put(struct out *, const struct macro *, const char *);
static bool is_delimiter(const struct macro *, char);
static void put(struct out *, const char *, size_t, bool);
static bool ends_in_label(const char *, size_t);

bool
spf_macros_ok(const char *p, size_t len, bool domain)
{
	struct macro m;
	size_t n, tail;

	tail = 0; /* where the last macro ended */
	for (size_t i = 0; i < len; i += n) {
		n = 1;
		if (p[i] != '%')
			continue;
		if (len - i >= 2 && strchr("%_-", p[i + 1]) != NULL)
			n = 2;
		else
			n = macro_parse(p + i, len - i, &m);
		if (n == 0)
			return false;
		tail = i + n;
	}
	if (!domain)
		return true;
	return len > 0 && (tail == len || ends_in_label(p + tail, len - tail));
}

bool
spf_wants_ptr(const char *p, size_t len)
{
	for (size_t i = 0; len >= 3 && i <= len - 3; i++)
		if (p[i] == '%' && p[i + 1] == '{' &&
		    (p[i + 2] == 'p' || p[i + 2] == 'P'))
			return true;
	return false;
}

int
spf_expand(const struct spf_values *v, const char *p, size_t len,
    char name[MAUTH_NAME_MAX])
{
	char text[SPF_EXPANDED_MAX], value[2 * MAUTH_NAME_MAX];
	struct out o = {.buf = text, .size = sizeof(text)};
	struct macro m;
	const char *at, *dot;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = 1;
		if (p[i] != '%') {
			put(&o, p + i, 1, false);
		} else if (len - i >= 2 && p[i + 1] != '{') {
			n = 2;
			put(&o,
			    p[i + 1] == '%'     ? "%" :
				p[i + 1] == '_' ? " " :
						  "%20",
			    p[i + 1] == '-' ? 3 : 1, false);
		} else {
			n = macro_parse(p + i, len - i, &m);
			if (n == 0)
				return -1;
			macro_value(v, m.letter, value, sizeof(value));
			macro_put(&o, &m, value);
		}
	}
	if (o.full)
		return -1;
	if (o.len > 0 && text[o.len - 1] == '.')
		o.len--;
	text[o.len] = '\0';
	/* RFC 7208 7.3: labels on the left go until it fits. */
	for (at = text; strlen(at) > 253; at = dot + 1) {
		dot = strchr(at, '.');
		if (dot == NULL)
			return -1;
	}
	if (!mauth_name_ok(at))
		return -1;
	(void)strlcpy(name, at, MAUTH_NAME_MAX);
	return 0;
}

/* "%{" letter digits "r" delimiters "}": its length, or 0. */
static size_t
macro_parse(const char *p, size_t len, struct macro *m)
{
	size_t i;
	bool any;

	memset(m, 0, sizeof(*m));
	if (len < 4 || p[0] != '%' || p[1] != '{' ||
	    !isalpha((unsigned char)p[2]))
		return 0;
	m->letter = (char)tolower((unsigned char)p[2]);
	m->escape = p[2] != m->letter;
	if (strchr(LETTERS, m->letter) == NULL)
		return 0;
	any = false;
	for (i = 3; i < len && isdigit((unsigned char)p[i]); i++) {
		any = true;
		if (m->n < PARTS_MAX)
			m->n = m->n * 10 + (unsigned int)(p[i] - '0');
	}
	if (any && m->n == 0)
		return 0;
	if (i < len && (p[i] == 'r' || p[i] == 'R')) {
		m->reverse = true;
		i++;
	}
	m->delimiters = p + i;
	while (i < len && p[i] != '\0' && strchr(DELIMITERS, p[i]) != NULL)
		i++;
	m->n_delimiters = (size_t)(p + i - m->delimiters);
	return i < len && p[i] == '}' ? i + 1 : 0;
}

static void
macro_value(const struct spf_values *v, char letter, char *buf, size_t size)
{
	switch (letter) {
	case 's':
		(void)snprintf(buf, size, "%s@%s", v->local, v->sender);
		break;
	case 'l':
		(void)strlcpy(buf, v->local, size);
		break;
	case 'o':
		(void)strlcpy(buf, v->sender, size);
		break;
	case 'd':
		(void)strlcpy(buf, v->domain, size);
		break;
	case 'i':
		macro_address(v->client, buf, size);
		break;
	case 'p':
		(void)strlcpy(buf, v->validated, size);
		break;
	case 'h':
		(void)strlcpy(buf, v->client->helo, size);
		break;
	default: /* v: macro_parse() knows no more */
		(void)strlcpy(
		    buf, v->client->version == 4 ? "in-addr" : "ip6", size);
		break;
	}
}

/* RFC 7208 7.3: of IPv6 each nibble is a part. */
static void
macro_address(const struct spf_client *c, char *buf, size_t size)
{
	size_t len;

	if (c->version == 4) {
		(void)snprintf(buf, size, "%u.%u.%u.%u", c->address[0],
		    c->address[1], c->address[2], c->address[3]);
		return;
	}
	len = 0;
	for (size_t i = 0; i < sizeof(c->address); i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%x.%x",
		    i == 0 ? "" : ".", c->address[i] >> 4, c->address[i] & 15);
}

/* The value in parts, turned round, so many from the right, with dots. */
static void
macro_put(struct out *o, const struct macro *m, const char *value)
{
	struct {
		const char *p;
		size_t len;
	} parts[PARTS_MAX];
	size_t n, first, k;

	n = 0;
	for (const char *p = value;; p++) {
		if (n == PARTS_MAX) {
			memmove(
			    parts, parts + 1, sizeof(parts) - sizeof(*parts));
			n--;
		}
		parts[n].p = p;
		while (*p != '\0' && !is_delimiter(m, *p))
			p++;
		parts[n].len = (size_t)(p - parts[n].p);
		n++;
		if (*p == '\0')
			break;
	}
	first = m->n > 0 && m->n < n ? n - m->n : 0;
	for (size_t i = first; i < n; i++) {
		k = m->reverse ? n - 1 - i : i;
		if (i > first)
			put(o, ".", 1, false);
		put(o, parts[k].p, parts[k].len, m->escape);
	}
}

static bool
is_delimiter(const struct macro *m, char c)
{
	if (m->n_delimiters == 0)
		return c == '.';
	return memchr(m->delimiters, c, m->n_delimiters) != NULL;
}

static void
put(struct out *o, const char *p, size_t len, bool escape)
{
	char text[4];

	for (size_t i = 0; i < len; i++) {
		(void)snprintf(text, sizeof(text), "%c", p[i]);
		if (escape && !isalnum((unsigned char)p[i]) &&
		    strchr("-._~", p[i]) == NULL)
			(void)snprintf(text, sizeof(text), "%%%02X",
			    (unsigned int)(unsigned char)p[i]);
		if (strlen(text) >= o->size - o->len) {
			o->full = true;
			return;
		}
		memcpy(o->buf + o->len, text, strlen(text));
		o->len += strlen(text);
	}
}

/* domain-end: a dot and a label that is no number; a dot may follow it. */
static bool
ends_in_label(const char *p, size_t len)
{
	bool letter;
	size_t n;

	if (len > 0 && p[len - 1] == '.')
		len--;
	letter = false;
	for (n = 0; n < len && p[len - 1 - n] != '.'; n++) {
		if (!isalnum((unsigned char)p[len - 1 - n]) &&
		    p[len - 1 - n] != '-')
			return false;
		letter = letter || !isdigit((unsigned char)p[len - 1 - n]);
	}
	return n > 0 && n < len && letter && p[len - 1] != '-' &&
	    p[len - n] != '-';
}
