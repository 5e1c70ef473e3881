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
 * Opening a summary.  It may have been forged by whoever sealed the blob, so
 * everything that the accessors rely on is checked here, once: bounds, the
 * shape of the tree, ranges within their parents, strings that IMAP can carry.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "mime_local.h"

struct sections {
	const uint8_t *p[5];
	uint32_t len[5];
};

static int
sections_find(const uint8_t *p, size_t len, unsigned n, struct sections *s)
{
	uint32_t type, off, size;
	const uint8_t *q;
	size_t start;
	unsigned i;

	memset(s, 0, sizeof(*s));
	start = SUM_HEADER + (size_t)n * SUM_SECTION;
	if (n > SUM_SECTIONS_MAX || start > len)
		return -1;
	for (i = 0; i < n; i++) {
		q = p + SUM_HEADER + i * SUM_SECTION;
		type = get16(q);
		off = get32(q + 4);
		size = get32(q + 8);
		if (off < start || off > len || size > len - off)
			return -1;
		if (type > SEC_PREVIEW)
			continue;
		if (type == 0 || s->p[type] != NULL)
			return -1;
		s->p[type] = p + off;
		s->len[type] = size;
	}
	for (i = SEC_PARTS; i <= SEC_PREVIEW; i++) {
		if (s->p[i] == NULL)
			return -1;
	}
	return 0;
}

/* No octet that would end a quoted string or a line. */
static bool
carries(const uint8_t *s, size_t len)
{
	size_t i;

	for (i = no_controls(s, len); i < len; i++) {
		if (s[i] == '\0' || s[i] == '\r' || s[i] == '\n')
			return false;
	}
	return true;
}

static bool
record_valid(const uint8_t *p, size_t len)
{
	uint32_t seen = 0, bit;
	unsigned tag, open = 0;
	size_t n;

	while (len > 0) {
		if (len < 3)
			return false;
		tag = p[0];
		n = get16(p + 1);
		if (tag == 0 || tag > TAG_MAX || n > len - 3 || n > TEXT_MAX ||
		    !carries(p + 3, n))
			return false;
		/* A name is followed by its value, and a value follows one. */
		if ((open != 0) != (tag == TAG_TVALUE || tag == TAG_DVALUE) ||
		    (open != 0 && tag != open + 1))
			return false;
		open = tag == TAG_TNAME || tag == TAG_DNAME ? tag : 0;
		if (open != 0 && n == 0)
			return false;
		if (tag < TAG_LANGUAGE) {
			bit = 1U << tag;
			if (seen & bit)
				return false;
			seen |= bit;
		}
		p += 3 + n;
		len -= 3 + n;
	}
	return open == 0;
}

static bool
fields_valid(const uint8_t *p, size_t len, bool nul)
{
	const char *s = (const char *)p, *e;
	size_t n, value;

	if (!nul && len > 0 && memchr(s, '\0', len) != NULL)
		return false;
	while (len > 0) {
		if (field_name(s, len, &value) == 0)
			return false;
		do {
			e = memchr(s, '\n', len);
			n = e != NULL ? (size_t)(e - s) + 1 : len;
			s += n;
			len -= n;
		} while (len > 0 && (*s == ' ' || *s == '\t'));
	}
	return true;
}

static bool
kind_valid(const struct mime_part *m)
{
	bool multipart = name_is(m->type.s, m->type.len, "multipart");
	bool message = name_is(m->type.s, m->type.len, "message") &&
	    name_is(m->subtype.s, m->subtype.len, "rfc822");
	bool global = mime_part_is_global(m);

	switch (m->kind) {
	case MIME_LEAF:
		return !multipart && !message && m->end == m->index + 1;
	case MIME_MULTIPART:
		return multipart && m->end > m->index + 1;
	case MIME_MESSAGE:
		return (message || global) && m->end > m->index + 1;
	}
	return false;
}

static bool
ranges_valid(const struct mime_part *m, uint64_t size)
{
	return m->head_off <= size && m->head_len <= size - m->head_off &&
	    m->body_off == m->head_off + m->head_len &&
	    m->body_len <= size - m->body_off && m->body_lines <= m->body_len;
}

/* What is checked of a part by itself, which is then in *m. */
static bool
part_valid(const struct mime_summary *s, uint32_t i, struct mime_part *m)
{
	const uint8_t *p = s->parts + (size_t)i * PART_SIZE;
	uint32_t rec = get32(p + 48), rec_len = get32(p + 52);
	uint32_t hdr = get32(p + 56), hdr_len = get32(p + 60);

	if (rec > s->strings_len || rec_len > s->strings_len - rec ||
	    hdr > s->headers_len || hdr_len > s->headers_len - hdr ||
	    p[4] > MIME_MESSAGE || get16(p + 6) != 0 ||
	    !record_valid(s->strings + rec, rec_len) ||
	    !fields_valid(s->headers + hdr, hdr_len, (p[5] & PART_NUL) != 0))
		return false;
	mime_part_get(s, i, m);
	return m->end > i && m->end <= s->nparts && kind_valid(m) &&
	    ranges_valid(m, s->size);
}

/* What is checked of a part against the one around it. */
static bool
child_valid(
    const struct mime_part *m, const struct mime_part *parent, uint64_t from)
{
	if (parent->kind == MIME_LEAF || m->parent != parent->index ||
	    m->end > parent->end || m->head_off < from ||
	    m->body_off + m->body_len > parent->body_off + parent->body_len)
		return false;
	return parent->kind != MIME_MESSAGE ||
	    (m->index == parent->index + 1 && m->end == parent->end &&
		m->head_off == parent->body_off);
}

static bool
tree_valid(const struct mime_summary *s)
{
	struct {
		struct mime_part part;
		uint64_t from; /* where the next child may begin */
	} open[MIME_DEPTH_MAX + 2] UNINITIALISED;
	unsigned depth = 0;
	struct mime_part m;
	uint32_t i;

	for (i = 0; i < s->nparts; i++) {
		if (!part_valid(s, i, &m))
			return false;
		while (depth > 0 && open[depth - 1].part.end == i)
			depth--;
		if (i == 0) {
			if (m.parent != UINT32_MAX || m.head_off != 0 ||
			    m.end != s->nparts ||
			    m.body_off + m.body_len != s->size)
				return false;
		} else if (depth == 0 ||
		    !child_valid(
			&m, &open[depth - 1].part, open[depth - 1].from))
			return false;
		else
			open[depth - 1].from = m.body_off + m.body_len;
		if (m.kind == MIME_LEAF)
			continue;
		if (depth == MIME_DEPTH_MAX + 1)
			return false;
		open[depth].part = m;
		open[depth++].from = m.body_off;
	}
	return true;
}

/* Valid UTF-8 without controls. */
static bool
preview_valid(const char *s, size_t len)
{
	bool more;
	size_t i;

	if (len > MIME_PREVIEW_MAX * 4 || utf8_valid(s, len, &more) != len)
		return false;
	for (i = 0; i < len; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	}
	return true;
}

static void
head_get(struct mime_summary *s, const uint8_t *p)
{
	unsigned flags = get16(p + 42);

	s->base = p;
	s->covered = p[5];
	s->size = get64(p + 16);
	s->lines = get64(p + 24);
	s->date = (int64_t)get64(p + 32);
	s->zone = (int16_t)get16(p + 40);
	s->has_date = (flags & SUM_HAS_DATE) != 0;
	s->has_nul = (flags & SUM_HAS_NUL) != 0;
	s->limited = (flags & SUM_LIMITED) != 0;
	s->nparts = get32(p + 44);
}

static bool
head_valid(const struct mime_summary *s)
{
	if (s->zone < -1440 || s->zone > 1440 || s->lines > s->size)
		return false;
	/* From year 0 to 9999, so that nobody's calendar overflows. */
	return s->date >= -62167219200LL && s->date <= 253402300799LL + 86400;
}

int
mime_summary_open(
    struct mime_summary *s, const void *bytes, size_t len, uint64_t size)
{
	const uint8_t *p = bytes;
	struct sections sec;

	memset(s, 0, sizeof(*s));
	if (len < SUM_HEADER || len > MIME_SUMMARY_MAX ||
	    get32(p) != SUM_MAGIC || p[4] != MIME_VERSION ||
	    get32(p + 8) != len || get32(p + 12) != sum_check(p, len))
		goto bad;
	head_get(s, p);
	if (s->size != size || !head_valid(s) || s->nparts == 0 ||
	    s->nparts > MIME_PARTS_MAX ||
	    sections_find(p, len, get16(p + 6), &sec) == -1 ||
	    sec.len[SEC_PARTS] != s->nparts * PART_SIZE)
		goto bad;
	s->parts = sec.p[SEC_PARTS];
	s->strings = sec.p[SEC_STRINGS];
	s->strings_len = sec.len[SEC_STRINGS];
	s->headers = sec.p[SEC_HEADERS];
	s->headers_len = sec.len[SEC_HEADERS];
	s->preview.s = (const char *)sec.p[SEC_PREVIEW];
	s->preview.len = sec.len[SEC_PREVIEW];
	if (!tree_valid(s) || !preview_valid(s->preview.s, s->preview.len))
		goto bad;
	return 0;
bad:
	memset(s, 0, sizeof(*s));
	errno = EBADMSG;
	return -1;
}
