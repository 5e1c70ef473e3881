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
 * What the parser takes from header fields: those that describe a part go to
 * its record at once, those that are kept are copied octet for octet.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "parser_local.h"

static void
record_add(struct mime_parser *p, enum tag tag, const char *s, size_t len)
{
	uint8_t head[3];
	size_t max = STRINGS_MAX;

	if (tag != TAG_TYPE && tag != TAG_SUBTYPE && tag != TAG_ENCODING)
		max = STRINGS_SOFT;
	if (len > TEXT_MAX) {
		len = TEXT_MAX;
		p->limited = true;
	}
	if (p->strings.len > max || len + 3 > max - p->strings.len) {
		p->limited = true;
		return;
	}
	head[0] = (uint8_t)tag;
	put16(head + 1, (uint32_t)len);
	if (buf_add(&p->strings, head, 3, max) == -1 ||
	    buf_add(&p->strings, s, len, max) == -1)
		p->failed = true;
}

/* A name and its value go together or not at all. */
static void
param_add(struct mime_parser *p, enum tag tag, const char *name,
    size_t name_len, const char *value, size_t len)
{
	if (name_len > NAME_MAX_LEN || p->strings.len > STRINGS_SOFT ||
	    name_len + TEXT_MAX + 6 > STRINGS_SOFT - p->strings.len) {
		p->limited = true;
		return;
	}
	record_add(p, tag, name, name_len);
	record_add(p, (enum tag)(tag + 1), value, len);
}

/*
 * "name*3*" is segment 3 of name, encoded (RFC 2231 3, 4.1): the length of
 * name, 0 if this is no such name.
 */
static size_t
segment(const struct param *v, unsigned *number, bool *encoded)
{
	size_t n = v->name_len, digits = 0, star;

	*encoded = n > 0 && v->name[n - 1] == '*';
	if (*encoded)
		n--;
	for (*number = 0, star = n;
	     star > 0 && v->name[star - 1] >= '0' && v->name[star - 1] <= '9';
	     star--)
		digits++;
	if (digits == 0 || digits > 3 || star < 2 || v->name[star - 1] != '*')
		return 0;
	while (star < n)
		*number = *number * 10 + (unsigned)(v->name[star++] - '0');
	return star - digits - 1;
}

static bool
same_name(
    const struct param *a, size_t alen, const struct param *b, size_t blen)
{
	size_t i;

	if (alen != blen)
		return false;
	for (i = 0; i < alen; i++) {
		if (lower((unsigned char)a->name[i]) !=
		    lower((unsigned char)b->name[i]))
			return false;
	}
	return true;
}

static size_t
segment_add(char *out, size_t n, const struct param *v, bool encode)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c;
	size_t i;

	for (i = 0; i < v->value_len && n + 3 < TEXT_MAX; i++) {
		c = (unsigned char)v->value[i];
		if (encode &&
		    (c <= ' ' || c >= 127 || c == '%' || c == '\'' ||
			c == '*' || c == '(' || c == ')' || c == '"')) {
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		} else
			out[n++] = (char)c;
	}
	return n;
}

/* The first that is told is it; blanks at its end are none of it. */
static void
boundary_set(struct content *c, const char *s, size_t len)
{
	if (c->boundary_len > 0 || len > MIME_BOUNDARY_MAX)
		return;
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	memcpy(c->boundary, s, len);
	c->boundary_len = len;
}

/* Joins the segments whose first is v[first], with a name of len octets. */
static void
segments_join(struct mime_parser *p, enum tag tag, size_t first, size_t len)
{
	const struct param *found[MIME_PARAMS_MAX], *v;
	bool encoded, any = false, is[MIME_PARAMS_MAX];
	char out[TEXT_MAX], name[NAME_MAX_LEN + 2];
	size_t i, n = 0, out_len = 0;
	unsigned number;

	memset(found, 0, sizeof(found));
	memset(is, 0, sizeof(is));
	for (i = 0; i < p->params.n; i++) {
		v = &p->params.v[i];
		if (!same_name(v, segment(v, &number, &encoded),
			&p->params.v[first], len) ||
		    number >= MIME_PARAMS_MAX || found[number] != NULL)
			continue;
		found[number] = v;
		is[number] = encoded;
	}
	for (n = 0; n < MIME_PARAMS_MAX && found[n] != NULL; n++)
		any = any || is[n];
	for (i = 0; i < n; i++)
		out_len = segment_add(out, out_len, found[i], any && !is[i]);
	if (len > NAME_MAX_LEN)
		return;
	memcpy(name, p->params.v[first].name, len);
	if (tag == TAG_TNAME && !any && name_is(name, len, "boundary"))
		boundary_set(&p->content, out, out_len);
	if (any)
		name[len++] = '*';
	param_add(p, tag, name, len, out, out_len);
	explicit_bzero(out, sizeof(out));
}

static void
params_add(struct mime_parser *p, enum tag tag)
{
	const struct param *v;
	unsigned number;
	bool encoded;
	size_t i, len;

	if (p->params.cut)
		p->limited = true;
	for (i = 0; i < p->params.n; i++) {
		v = &p->params.v[i];
		len = segment(v, &number, &encoded);
		if (len == 0)
			param_add(p, tag, v->name, v->name_len, v->value,
			    v->value_len);
		else if (number == 0)
			segments_join(p, tag, i, len);
	}
}

static void
type_field(struct mime_parser *p, const char *s, size_t len)
{
	struct content *c = &p->content;
	char token[2 * TOKEN_MAX + 2], *slash;
	const struct param *v;
	size_t i;

	if (params_parse(&p->params, s, len, token, sizeof(token)) == -1) {
		p->failed = true;
		return;
	}
	slash = strchr(token, '/');
	if (slash != NULL && slash > token && slash[1] != '\0') {
		*slash = '\0';
		strlcpy(c->type, token, sizeof(c->type));
		strlcpy(c->subtype, slash + 1, sizeof(c->subtype));
	} else {
		/* RFC 2045 5.2: what cannot be understood is plain text. */
		strlcpy(c->type, "text", sizeof(c->type));
		strlcpy(c->subtype, "plain", sizeof(c->subtype));
	}
	for (i = 0; i < p->params.n; i++) {
		v = &p->params.v[i];
		if (name_is(v->name, v->name_len, "charset"))
			c->charset = mime_charset_find(
			    v->value, v->value_len, NULL);
		if (name_is(v->name, v->name_len, "boundary"))
			boundary_set(c, v->value, v->value_len);
	}
	params_add(p, TAG_TNAME);
}

static void
disposition_field(struct mime_parser *p, const char *s, size_t len)
{
	char token[TOKEN_MAX + 1];

	if (params_parse(&p->params, s, len, token, sizeof(token)) == -1) {
		p->failed = true;
		return;
	}
	if (token[0] == '\0')
		return;
	p->content.attachment = name_is(token, strlen(token), "attachment");
	record_add(p, TAG_DISPOSITION, token, strlen(token));
	params_add(p, TAG_DNAME);
}

static void
language_field(struct mime_parser *p, const char *s, size_t len)
{
	size_t pos = 0, n, count = 0;
	char tag[TOKEN_MAX + 1];

	while (pos < len && count < MIME_PARAMS_MAX) {
		pos = skip_cfws(s, len, pos);
		for (n = 0; pos < len && s[pos] != ',' && s[pos] != '(';
		     pos++) {
			if (s[pos] > ' ' && n < TOKEN_MAX)
				tag[n++] = s[pos];
		}
		pos = skip_cfws(s, len, pos);
		if (n > 0) {
			record_add(p, TAG_LANGUAGE, tag, n);
			count++;
		}
		while (pos < len && s[pos] != ',')
			pos++;
		pos++;
	}
}

static void
encoding_field(struct mime_parser *p, const char *s, size_t len)
{
	char token[TOKEN_MAX + 1];
	size_t n = 0, pos = skip_cfws(s, len, 0);

	for (; pos < len && n < TOKEN_MAX && s[pos] > ' ' && s[pos] != ';' &&
	     s[pos] != '(';
	     pos++) {
		if (s[pos] != '"')
			token[n++] = s[pos];
	}
	token[n] = '\0';
	strlcpy(p->content.encoding, token, sizeof(p->content.encoding));
}

static void
text_field(struct mime_parser *p, enum tag tag, const char *s, size_t len)
{
	char out[TEXT_MAX];
	size_t n;

	if ((n = unfold(s, len, out, sizeof(out))) > 0)
		record_add(p, tag, out, n);
	explicit_bzero(out, sizeof(out));
}

static const struct {
	const char *name;
	enum tag tag;
	void (*parse)(struct mime_parser *, const char *, size_t);
} fields[] = {
    {"Content-Type", TAG_TYPE, type_field},
    {"Content-Transfer-Encoding", TAG_ENCODING, encoding_field},
    {"Content-Disposition", TAG_DISPOSITION, disposition_field},
    {"Content-Language", TAG_LANGUAGE, language_field},
    {"Content-ID", TAG_ID, NULL},
    {"Content-Description", TAG_DESCRIPTION, NULL},
    {"Content-MD5", TAG_MD5, NULL},
    {"Content-Location", TAG_LOCATION, NULL},
};

static void
content_field(struct mime_parser *p, const char *name, size_t name_len,
    const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!name_is(name, name_len, fields[i].name))
			continue;
		if (p->content.seen & 1U << fields[i].tag)
			return; /* the first counts */
		p->content.seen |= 1U << fields[i].tag;
		if (fields[i].parse != NULL)
			fields[i].parse(p, s, len);
		else
			text_field(p, fields[i].tag, s, len);
		return;
	}
}

/* Keeps the field as it stands, if it is one that is kept. */
static void
keep_field(struct mime_parser *p, const char *s, size_t len, size_t name_len)
{
	struct node *n = &p->nodes[p->now];
	size_t max, kept, value;
	bool cut;
	int i;

	if ((i = field_kept(s, name_len)) == -1 ||
	    (p->now > 0 && i >= FIELD_ENVELOPE))
		return;
	max = p->now == 0 ? HEADERS_TOP : HEADERS_MAX;
	kept = len < max - p->headers.len ? len : max - p->headers.len;
	cut = kept < p->field_size;
	if (cut) {
		/* Still a field, and it ends before the next one begins. */
		kept = kept < name_len + 4 ? 0 : kept - 2;
		/* Two line ends in a row would be one without a field. */
		while (kept > 0 && (s[kept - 1] == '\n' || s[kept - 1] == '\r'))
			kept--;
		if (kept > 0 && field_name(s, kept, &value) == 0)
			kept = 0;
		n->flags |= PART_PARTIAL;
		p->limited = true;
	} else if (s[kept - 1] != '\n')
		n->flags |= PART_PARTIAL;
	if (memchr(s, '\0', kept) != NULL)
		n->flags |= PART_NUL;
	if (buf_add(&p->headers, s, kept, max) == -1 ||
	    (cut && kept > 0 && buf_add(&p->headers, "\r\n", 2, max) == -1))
		p->failed = true;
}

/* Takes in the field that has been gathered, and forgets it. */
void
parser_field(struct mime_parser *p)
{
	const char *s = (const char *)p->field.p;
	size_t len = p->field.len, name_len, value;
	bool message;

	if (p->field_size == 0)
		return;
	message = (p->nodes[p->now].flags & PART_KEPT) != 0;
	name_len = len > 0 ? field_name(s, len, &value) : 0;
	if (name_len == 0 || ++p->nfields > MIME_FIELDS_MAX) {
		if (len < p->field_size || p->nfields > MIME_FIELDS_MAX)
			p->nodes[p->now].flags |= message ? PART_PARTIAL : 0;
		p->limited = p->limited || len < p->field_size;
	} else {
		if (message)
			keep_field(p, s, len, name_len);
		if (lower(s[0]) == 'c')
			content_field(p, s, name_len, s + value, len - value);
		if (p->now == 0 && !p->has_date && name_is(s, name_len, "date"))
			p->has_date = mime_date_parse(s + value, len - value,
					  &p->date, &p->zone) == 0;
	}
	if (p->field.p != NULL)
		explicit_bzero(p->field.p, p->field.len);
	p->field.len = 0;
	p->field_size = 0;
}

void
parser_header_start(struct mime_parser *p)
{
	struct node *n = &p->nodes[p->now];

	memset(&p->content, 0, sizeof(p->content));
	p->content.charset = CHARSET_UTF8; /* of which ASCII is a part */
	p->field.len = 0;
	p->field_size = p->line_size = p->header_size = 0;
	p->nfields = p->nlines = 0;
	p->more = false;
	if (n->parent == UINT32_MAX || p->nodes[n->parent].kind == MIME_MESSAGE)
		n->flags |= PART_KEPT;
}

/* Only these leave a message or a multipart as it is (RFC 2045 6.4). */
static bool
identity(const char *encoding)
{
	size_t len = strlen(encoding);

	return len == 0 || name_is(encoding, len, "7bit") ||
	    name_is(encoding, len, "8bit") || name_is(encoding, len, "binary");
}

static enum mime_kind
kind_of(const struct mime_parser *p)
{
	const struct content *c = &p->content;

	if (name_is(c->type, strlen(c->type), "multipart"))
		return MIME_MULTIPART;
	if (!name_is(c->type, strlen(c->type), "message"))
		return MIME_LEAF;
	if (name_is(c->subtype, strlen(c->subtype), "rfc822"))
		return MIME_MESSAGE;
	/* It may be encoded (RFC 6532 section 3.5), and is then a leaf. */
	return name_is(c->subtype, strlen(c->subtype), "global") &&
		identity(c->encoding) ?
	    MIME_MESSAGE :
	    MIME_LEAF;
}

void
parser_header_end(struct mime_parser *p)
{
	struct node *n = &p->nodes[p->now];
	struct content *c = &p->content;
	bool digest;

	digest = p->nlevels > 0 && p->levels[p->nlevels - 1].digest &&
	    p->levels[p->nlevels - 1].node == n->parent;
	if (c->type[0] == '\0') {
		/* RFC 2046 5.1.5 */
		strlcpy(c->type, digest ? "message" : "text", sizeof(c->type));
		strlcpy(c->subtype, digest ? "rfc822" : "plain",
		    sizeof(c->subtype));
	}
	n->kind = (uint8_t)kind_of(p);
	if (n->kind != MIME_LEAF &&
	    (p->nlevels >= MIME_DEPTH_MAX ||
		(n->kind == MIME_MESSAGE && !identity(c->encoding)))) {
		/* Not looked into, so it must not look like a container. */
		p->limited = p->limited || p->nlevels >= MIME_DEPTH_MAX;
		n->kind = MIME_LEAF;
		strlcpy(c->type, "application", sizeof(c->type));
		strlcpy(c->subtype, "octet-stream", sizeof(c->subtype));
	}
	record_add(p, TAG_TYPE, c->type, strlen(c->type));
	record_add(p, TAG_SUBTYPE, c->subtype, strlen(c->subtype));
	if (c->encoding[0] != '\0')
		record_add(p, TAG_ENCODING, c->encoding, strlen(c->encoding));
	n = &p->nodes[p->now];
	n->rec_len = (uint32_t)p->strings.len - n->rec_off;
	n->hdr_len = (uint32_t)p->headers.len - n->hdr_off;
}
