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
 * URLs of messages (RFC 5092) as CATENATE has them: on this server, of this
 * user, and so without scheme and server.
 *
 * path = mailbox [";UIDVALIDITY=" n] "/;UID=" n ["/;SECTION=" section]
 *        ["/;PARTIAL=" n ["." n]]
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "imap_local.h"

/* What an IMAP URL may consist of; no query and no fragment. */
static bool
url_chars(const struct imap_str *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		if (!isalnum((unsigned char)s->p[i]) &&
		    (s->p[i] == '\0' ||
			strchr("-._~!$&'()*+,;=:@/%", s->p[i]) == NULL))
			return false;
	return true;
}

/* scheme ":" */
static bool
has_scheme(const struct imap_str *s)
{
	size_t n = strcspn(s->p, ":/;");

	return n < s->len && s->p[n] == ':';
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)toupper((unsigned char)c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands for octets becomes them; -1: %XX is malformed, or NUL. */
static int
decode(struct imap_cmd *cmd, const char *p, size_t len, struct imap_str *to)
{
	char *out;
	size_t i, n;
	int c;

	out = imap_cmd_alloc(cmd, len + 2);
	for (i = n = 0; i < len; i++) {
		if (p[i] != '%') {
			out[n++] = p[i];
			continue;
		}
		if (len - i < 3 || hex(p[i + 1]) == -1 || hex(p[i + 2]) == -1)
			return -1;
		c = hex(p[i + 1]) * 16 + hex(p[i + 2]);
		if (c == 0)
			return -1;
		out[n++] = (char)c;
		i += 2;
	}
	to->p = out;
	to->len = n;
	return 0;
}

/* Does ";NAME=" stand here?  Then what comes behind it. */
static const char *
parameter(const char *p, const char *name)
{
	size_t n = strlen(name);

	if (*p != ';' || strncasecmp(p + 1, name, n) != 0 || p[n + 1] != '=')
		return NULL;
	return p + n + 2;
}

static int
number(struct imap_cmd *cmd, const char **p, uint64_t *n, uint64_t max)
{
	struct imap_lex lex = {.cmd = cmd};

	lex.p = (const uint8_t *)*p;
	lex.end = lex.p + strlen(*p);
	if (lex_number(&lex, n, max) == -1)
		return -1;
	*p = (const char *)lex.p;
	return 0;
}

/* nz-number */
static int
positive(struct imap_cmd *cmd, const char **p, uint32_t *n)
{
	uint64_t value;

	if (**p == '0' || number(cmd, p, &value, UINT32_MAX) == -1)
		return -1;
	*n = (uint32_t)value;
	return 0;
}

/*
 * The mailbox that a path names, seen from another: the levels of both, less
 * the last of the base, "." and ".." taken out (RFC 3986 section 5.2).
 */
static int
resolve(struct imap_cmd *cmd, const struct imap_str *path,
    const struct imap_str *base, struct imap_str *out)
{
	const char *p = path->p, *end = path->p + path->len;
	struct imap_str level;
	size_t len, n = 0;
	char *to;

	to = imap_cmd_alloc(cmd, path->len + (base ? base->len : 0) + 2);
	for (len = base ? base->len : 0; len > 0; len--)
		if (base->p[len - 1] == '/') {
			n = len;
			memcpy(to, base->p, n);
			break;
		}
	for (; p < end; p += len + 1) {
		len = strcspn(p, "/");
		if (len > (size_t)(end - p))
			len = (size_t)(end - p);
		if (len == 1 && *p == '.')
			continue;
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (n > 0 && to[--n] != '/')
				;
			while (n > 0 && to[n - 1] != '/')
				n--;
			continue;
		}
		if (decode(cmd, p, len, &level) == -1)
			return -1;
		memcpy(to + n, level.p, level.len);
		n += level.len;
		to[n++] = '/';
	}
	if (n > 0 && to[n - 1] == '/')
		n--;
	to[n] = '\0';
	out->p = to;
	out->len = n;
	return 0;
}

/* In UTF-8, as every command has it. */
static int
mailbox(struct imap_cmd *cmd, const struct imap_str *raw, struct imap_str *to)
{
	struct imap_lex lex = {.cmd = cmd, .utf8 = true};
	bool bad = cmd->badname, denormal = cmd->denormal, good;

	cmd->badname = false;
	good = raw->len > 0 && lex_name(&lex, raw, to) == 0 && !cmd->badname;
	cmd->badname = bad;
	cmd->denormal = denormal;
	return good ? 0 : -1;
}

/* The section as FETCH has it; *p behind it. */
static int
section(struct imap_cmd *cmd, const char **p, struct imap_section *s)
{
	struct imap_lex lex = {.cmd = cmd};
	struct imap_str text;
	size_t len;
	char *end;

	/* It may have a "/"; ";" is encoded in it. */
	len = strcspn(*p, ";");
	if ((*p)[len] == ';') {
		if (len == 0 || (*p)[len - 1] != '/')
			return -1;
		len--;
	}
	if (len == 0 || decode(cmd, *p, len, &text) == -1)
		return -1;
	*p += len;
	end = (char *)(uintptr_t)text.p + text.len;
	*end = ']';
	lex.p = (const uint8_t *)text.p;
	lex.end = (const uint8_t *)end + 1;
	cmd->nfields = 0;
	if (imap_parse_section(&lex, s) == -1 || !lex_at_end(&lex))
		return -1;
	return 0;
}

/* partial-range = number ["." nz-number]; without the second: to the end. */
static int
partial(struct imap_cmd *cmd, const char **p, struct imap_section *s)
{
	uint64_t n;

	s->partial = true;
	s->count = INT64_MAX;
	if (number(cmd, p, &s->first, INT64_MAX) == -1)
		return -1;
	if (**p != '.')
		return 0;
	(*p)++;
	if (**p == '0' || number(cmd, p, &n, INT64_MAX) == -1)
		return -1;
	s->count = n;
	return 0;
}

/* "/" and a parameter behind it; what is optional may be absent. */
static const char *
next(const char *p, const char *name)
{
	return *p == '/' ? parameter(p + 1, name) : NULL;
}

/* From behind the mailbox on; bare: there is none. */
static int
parameters(struct imap_cmd *cmd, const char *p, bool bare, struct imap_url *url)
{
	const char *q;

	if ((q = parameter(p, "UIDVALIDITY")) != NULL) {
		if (positive(cmd, &q, &url->uidvalidity) == -1)
			return -1;
		p = q;
	}
	q = next(p, "UID");
	if (q == NULL && bare)
		q = parameter(p, "UID");
	if (q == NULL || positive(cmd, &q, &url->uid) == -1)
		return -1;
	p = q;
	if ((q = next(p, "SECTION")) != NULL) {
		if (section(cmd, &q, &url->section) == -1)
			return -1;
		p = q;
	}
	if ((q = next(p, "PARTIAL")) != NULL) {
		if (partial(cmd, &q, &url->section) == -1)
			return -1;
		p = q;
	}
	return *p == '\0' ? 0 : -1;
}

int
imap_url_parse(struct imap_cmd *cmd, const struct imap_str *text,
    const struct imap_str *base, struct imap_url *url)
{
	struct imap_str path, raw;
	const char *p;

	memset(url, 0, sizeof(*url));
	url->section.peek = true;
	if (!url_chars(text) || has_scheme(text))
		return -1;
	p = text->p;
	if (*p == '/') {
		p++;
		base = NULL;
	}
	/* A server's name, or a mailbox whose first level has none. */
	if (*p == '/')
		return -1;
	path.p = p;
	path.len = strcspn(p, ";");
	p = path.p + path.len;
	/* The parameter may be a level of its own. */
	if (parameter(p, "UIDVALIDITY") == NULL && path.len > 0) {
		if (path.p[path.len - 1] != '/')
			return -1;
		path.len--;
		p--;
	}
	if (path.len > 0) {
		if (resolve(cmd, &path, base, &raw) == -1)
			return -1;
	} else if (base != NULL)
		raw = *base; /* of the selected mailbox itself */
	else
		return -1;
	if (mailbox(cmd, &raw, &url->name) == -1)
		return -1;
	return parameters(cmd, p, path.len == 0, url);
}
