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
 * Parts of an opened summary, and IMAP's section numbers.
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

static const struct mime_str defaults[][2] = {
    [MIME_LEAF] = {{"text", 4}, {"plain", 5}},
    [MIME_MULTIPART] = {{"multipart", 9}, {"mixed", 5}},
    [MIME_MESSAGE] = {{"message", 7}, {"rfc822", 6}},
};

/* The next entry of a record: its tag, 0 at the end. */
static enum tag
entry_next(const uint8_t *p, size_t len, size_t *pos, struct mime_str *text)
{
	enum tag tag;

	if (*pos >= len)
		return 0;
	tag = (enum tag)p[*pos];
	text->len = get16(p + *pos + 1);
	text->s = (const char *)p + *pos + 3;
	*pos += 3 + text->len;
	return tag;
}

static void
record_get(struct mime_part *m)
{
	struct mime_str *const slot[TAG_MAX + 1] = {
	    [TAG_TYPE] = &m->type,
	    [TAG_SUBTYPE] = &m->subtype,
	    [TAG_ENCODING] = &m->encoding,
	    [TAG_ID] = &m->id,
	    [TAG_DESCRIPTION] = &m->description,
	    [TAG_MD5] = &m->md5,
	    [TAG_LOCATION] = &m->location,
	    [TAG_DISPOSITION] = &m->disposition,
	};
	struct mime_str text;
	size_t pos = 0;
	enum tag tag;

	while ((tag = entry_next(m->record, m->record_len, &pos, &text)) != 0) {
		if (slot[tag] != NULL)
			*slot[tag] = text;
	}
	if (m->type.len == 0)
		m->type = defaults[m->kind][0];
	if (m->subtype.len == 0)
		m->subtype = defaults[m->kind][1];
	if (m->encoding.len == 0) {
		m->encoding.s = "7BIT";
		m->encoding.len = 4;
	}
}

void
mime_part_get(const struct mime_summary *s, uint32_t index, struct mime_part *m)
{
	const uint8_t *p = s->parts + (size_t)index * PART_SIZE;

	memset(m, 0, sizeof(*m));
	m->index = index;
	m->parent = get16(p) == 0xffff ? UINT32_MAX : get16(p);
	m->end = get16(p + 2);
	m->kind = (enum mime_kind)p[4];
	m->head_off = get64(p + 8);
	m->head_len = get64(p + 16);
	m->body_off = get64(p + 24);
	m->body_len = get64(p + 32);
	m->body_lines = get64(p + 40);
	m->record = s->strings + get32(p + 48);
	m->record_len = get32(p + 52);
	record_get(m);
}

bool
mime_part_is_global(const struct mime_part *m)
{
	return name_is(m->type.s, m->type.len, "message") &&
	    name_is(m->subtype.s, m->subtype.len, "global");
}

int
mime_param_next(const struct mime_part *m, enum mime_params which, size_t *pos,
    struct mime_str *name, struct mime_str *value)
{
	enum tag want = which == MIME_PARAMS_TYPE ? TAG_TNAME : TAG_DNAME;
	enum tag tag;

	while ((tag = entry_next(m->record, m->record_len, pos, name)) != 0) {
		if (tag == want) {
			(void)entry_next(m->record, m->record_len, pos, value);
			return 1;
		}
	}
	return 0;
}

int
mime_language_next(
    const struct mime_part *m, size_t *pos, struct mime_str *language)
{
	enum tag tag;

	while (
	    (tag = entry_next(m->record, m->record_len, pos, language)) != 0) {
		if (tag == TAG_LANGUAGE)
			return 1;
	}
	return 0;
}

struct mime_str
mime_param_find(
    const struct mime_part *m, enum mime_params which, const char *name)
{
	struct mime_str none = {NULL, 0}, found, value;
	size_t pos = 0;

	while (mime_param_next(m, which, &pos, &found, &value)) {
		if (name_is(found.s, found.len, name))
			return value;
	}
	return none;
}

/* Part n, from 1, of multipart m. */
static int
child_number(
    const struct mime_summary *s, const struct mime_part *m, uint32_t n)
{
	const uint8_t *p;
	uint32_t i;

	for (i = m->index + 1; i < m->end && n > 1; n--) {
		p = s->parts + (size_t)i * PART_SIZE;
		i = get16(p + 2);
	}
	return n == 1 && i < m->end ? (int)i : -1;
}

/* Part n of the message whose whole is part i (RFC 3501 6.4.5). */
static int
within_message(const struct mime_summary *s, uint32_t i, uint32_t n)
{
	struct mime_part m;

	mime_part_get(s, i, &m);
	if (m.kind == MIME_MULTIPART)
		return child_number(s, &m, n);
	return n == 1 ? (int)i : -1;
}

int
mime_part_find(const struct mime_summary *s, const uint32_t *path, size_t n)
{
	struct mime_part m;
	size_t i;
	int at;

	if (n == 0)
		return 0;
	at = within_message(s, 0, path[0]);
	for (i = 1; i < n && at != -1; i++) {
		mime_part_get(s, (uint32_t)at, &m);
		switch (m.kind) {
		case MIME_LEAF:
			return -1;
		case MIME_MULTIPART:
			at = child_number(s, &m, path[i]);
			break;
		case MIME_MESSAGE:
			at = within_message(s, m.index + 1, path[i]);
			break;
		}
	}
	return at;
}

int
mime_part_message(const struct mime_summary *s, const uint32_t *path, size_t n)
{
	struct mime_part m;
	int at;

	if (n == 0)
		return 0;
	if ((at = mime_part_find(s, path, n)) == -1)
		return -1;
	mime_part_get(s, (uint32_t)at, &m);
	return m.kind == MIME_MESSAGE ? at + 1 : -1;
}
