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
 * Which addresses are a user's: his account's, with any +detail, and those of
 * the aliases that lead to it.  Authors are read strictly: what two programs
 * might read as two different addresses is refused, for the reader's program
 * would be the one that is believed.
 */

#include <sys/types.h>

#include <string.h>

#include "engine.h"

/* A header field's value, as far as it has been read. */
struct reader {
	const char *p, *end;
	bool bad;
};

static bool reader_address(struct reader *, struct smtp_address *);
static void reader_space(struct reader *);
static void reader_comment(struct reader *);
static void reader_quoted(struct reader *);
static void reader_phrase(struct reader *);
static void reader_spec(struct reader *, const char **spec, size_t *len);
static bool is_atom(unsigned char);

bool
identity_owns(const char *login, const struct smtp_address *address)
{
	char detail[SMTP_LOCAL_MAX + 1];
	const char *const *accounts;
	size_t n;

	if (alias_expand(address, false, detail, sizeof(detail), &accounts,
		&n) != ALIAS_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(accounts[i], login) == 0)
			return true;
	return false;
}

/* RFC 5322 3.4, mailbox-list without obsolete forms and groups. */
enum identity_result
identity_list(const char *login, const char *value, size_t len, size_t *n)
{
	struct reader r = {value, value + len, false};
	struct smtp_address address;
	enum identity_result res;

	*n = 0;
	res = IDENTITY_OWN;
	for (;;) {
		if (!reader_address(&r, &address))
			return IDENTITY_MALFORMED;
		(*n)++;
		if (!identity_owns(login, &address))
			res = IDENTITY_OTHER;
		if (r.p == r.end)
			return res;
		if (*r.p++ != ',')
			return IDENTITY_MALFORMED;
	}
}

/* An address, with a name or without, and the space around it. */
static bool
reader_address(struct reader *r, struct smtp_address *address)
{
	const char *start, *spec;
	size_t len;

	reader_space(r);
	start = r->p;
	reader_phrase(r);
	if (!r->bad && r->p < r->end && *r->p == '<') {
		r->p++;
		reader_spec(r, &spec, &len);
		if (r->bad || r->p == r->end || *r->p++ != '>')
			return false;
	} else {
		/* Without brackets there is no name before it. */
		r->p = start;
		reader_spec(r, &spec, &len);
	}
	reader_space(r);
	return !r->bad && smtp_address_parse(spec, len, address) == SMTP_OK &&
	    address->domain[0] != '\0';
}

/* CFWS */
static void
reader_space(struct reader *r)
{
	while (r->p < r->end && !r->bad) {
		if (*r->p == '(')
			reader_comment(r);
		else if (strchr(" \t\r\n", *r->p) != NULL && *r->p != '\0')
			r->p++;
		else
			return;
	}
}

static void
reader_comment(struct reader *r)
{
	unsigned int depth;

	depth = 0;
	for (; r->p < r->end; r->p++) {
		if (*r->p == '\\') {
			if (++r->p == r->end)
				break;
		} else if (*r->p == '(') {
			if (++depth > COMMENT_DEPTH_MAX)
				break;
		} else if (*r->p == ')' && --depth == 0) {
			r->p++;
			return;
		}
	}
	r->bad = true;
}

/* At a quote. */
static void
reader_quoted(struct reader *r)
{
	for (r->p++; r->p < r->end; r->p++) {
		if (*r->p == '\\') {
			if (++r->p == r->end)
				break;
		} else if (*r->p == '"') {
			r->p++;
			return;
		}
	}
	r->bad = true;
}

/* Words, with dots as many write them (obs-phrase). */
static void
reader_phrase(struct reader *r)
{
	for (;;) {
		reader_space(r);
		if (r->bad || r->p == r->end)
			return;
		if (*r->p == '"')
			reader_quoted(r);
		else if (is_atom((unsigned char)*r->p) || *r->p == '.')
			r->p++;
		else
			return;
	}
}

/* addr-spec: local part, "@", domain or literal; nothing between them. */
static void
reader_spec(struct reader *r, const char **spec, size_t *len)
{
	*spec = r->p;
	if (r->p < r->end && *r->p == '"')
		reader_quoted(r);
	else
		while (r->p < r->end &&
		    (is_atom((unsigned char)*r->p) || *r->p == '.'))
			r->p++;
	if (r->bad || r->p == r->end || *r->p != '@') {
		r->bad = true;
		return;
	}
	r->p++;
	if (r->p < r->end && *r->p == '[') {
		while (r->p < r->end && *r->p != ']')
			r->p++;
		if (r->p < r->end)
			r->p++;
	} else
		while (r->p < r->end &&
		    (is_atom((unsigned char)*r->p) || *r->p == '.'))
			r->p++;
	*len = (size_t)(r->p - *spec);
}

/* RFC 5322 3.2.3, RFC 6532 3.2 */
static bool
is_atom(unsigned char c)
{
	return c > ' ' && c != 0x7f && strchr("()<>[]:;@\\,.\"", c) == NULL;
}
