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
 * Header fields: which are kept in a summary, how they are read from it, and
 * what IMAP's ENVELOPE shows of them.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

/*
 * The fields that clients ask for in their lists.  The first ones are
 * ENVELOPE's, in the order of enum mime_field.  New names go to the end with
 * the next version, so that old summaries do not claim to know them.
 */
static const struct {
	const char *name;
	unsigned version;
} kept[] = {
    {"Date", 1},
    {"Subject", 1},
    {"From", 1},
    {"Sender", 1},
    {"Reply-To", 1},
    {"To", 1},
    {"Cc", 1},
    {"Bcc", 1},
    {"In-Reply-To", 1},
    {"Message-ID", 1},
    {"References", 1},
    {"Content-Type", 1},
    {"Content-Transfer-Encoding", 1},
    {"Content-Disposition", 1},
    {"Content-Class", 1},
    {"Content-Language", 1},
    {"MIME-Version", 1},
    {"List-Id", 1},
    {"List-Post", 1},
    {"List-Unsubscribe", 1},
    {"List-Unsubscribe-Post", 1},
    {"Mailing-List", 1},
    {"Mail-Followup-To", 1},
    {"Mail-Reply-To", 1},
    {"Followup-To", 1},
    {"X-Priority", 1},
    {"X-MSMail-Priority", 1},
    {"Importance", 1},
    {"Priority", 1},
    {"Precedence", 1},
    {"Auto-Submitted", 1},
    {"X-Mailer", 1},
    {"User-Agent", 1},
    {"Newsgroups", 1},
    {"Disposition-Notification-To", 1},
    {"Return-Receipt-To", 1},
    {"Resent-From", 1},
    {"Resent-To", 1},
    {"Resent-Date", 1},
    {"Resent-Message-ID", 1},
    {"Delivered-To", 1},
    {"Envelope-To", 1},
    {"X-Original-To", 1},
    {"Return-Path", 1},
    {"Status", 1},
    {"X-Status", 1},
    {"X-Keywords", 1},
    {"X-Label", 1},
    {"Lines", 1},
    {"Organization", 1},
    {"Autocrypt", 1},
    {"X-Spam-Flag", 1},
    {"X-Spam-Status", 1},
    {"X-Spam-Score", 1},
    {"X-TUID", 1}, /* mbsync finds its own uploads by it */
    {"X-OfflineIMAP", 1},
    {"X-Draft-Info", 1},
    {"X-Identity-Key", 1},
    {"X-Account-Key", 1},
    {"X-Mozilla-Draft-Info", 1},
    {"X-Uniform-Type-Identifier", 1},
    {"X-Universally-Unique-Identifier", 1},
    {"X-Mozilla-Keys", 1},
    {"X-UIDL", 1},
};
#define NKEPT (sizeof(kept) / sizeof(kept[0]))

bool
name_is(const char *s, size_t len, const char *name)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (name[i] == '\0' ||
		    lower((unsigned char)s[i]) != lower((unsigned char)name[i]))
			return false;
	}
	return name[len] == '\0';
}

size_t
field_name(const char *s, size_t len, size_t *value)
{
	size_t n, i, max;

	max = len < NAME_MAX_LEN + 1 ? len : NAME_MAX_LEN + 1;
	for (n = 0;
	     n < max && (unsigned char)(s[n] - '!') <= '~' - '!' && s[n] != ':';
	     n++)
		continue;
	if (n == 0 || n > NAME_MAX_LEN)
		return 0;
	/* As nearly all of them are. */
	if (n < len && s[n] == ':') {
		*value = n + 1;
		return n;
	}
	/* RFC 5322 4.5: white space before the colon is obsolete. */
	for (i = n;
	     i < len && i <= NAME_MAX_LEN && (s[i] == ' ' || s[i] == '\t'); i++)
		continue;
	if (i >= len || s[i] != ':')
		return 0;
	*value = i + 1;
	return n;
}

int
field_kept(const char *name, size_t len)
{
	size_t i;
	int c;

	if (len == 0)
		return -1;
	c = lower((unsigned char)name[0]);
	for (i = 0; i < NKEPT; i++) {
		if (lower((unsigned char)kept[i].name[0]) == c &&
		    name_is(name, len, kept[i].name))
			return (int)i;
	}
	return -1;
}

/* The kept fields of a part, and its flags. */
static const char *
block(const struct mime_summary *s, uint32_t part, size_t *len, unsigned *flags)
{
	const uint8_t *p = s->parts + (size_t)part * PART_SIZE;

	*flags = p[5];
	*len = get32(p + 60);
	return (const char *)s->headers + get32(p + 56);
}

bool
mime_header_cover(const struct mime_summary *s, const char *name, size_t len)
{
	unsigned flags;
	size_t n;
	int i;

	(void)block(s, 0, &n, &flags);
	if ((i = field_kept(name, len)) == -1 || kept[i].version > s->covered)
		return false;
	return (flags & PART_KEPT) != 0 && (flags & PART_PARTIAL) == 0;
}

/* The field at the start of p, with its continuations. */
static size_t
field_length(const char *p, size_t len)
{
	const char *e;
	size_t n = 0;

	while ((e = memchr(p + n, '\n', len - n)) != NULL) {
		n = (size_t)(e - p) + 1;
		if (n == len || (p[n] != ' ' && p[n] != '\t'))
			return n;
	}
	return len;
}

int
mime_header_next(const struct mime_summary *s, uint32_t part, size_t *pos,
    struct mime_str *name, struct mime_str *raw)
{
	const char *p;
	unsigned flags;
	size_t len, value;

	p = block(s, part, &len, &flags);
	if (*pos >= len)
		return 0;
	raw->s = name->s = p + *pos;
	raw->len = field_length(p + *pos, len - *pos);
	name->len = field_name(raw->s, raw->len, &value);
	*pos += raw->len;
	return 1;
}

/* The next field of that name from *pos on: its value.  1, or 0. */
int
header_find(const struct mime_summary *s, uint32_t part, const char *wanted,
    size_t *pos, struct mime_str *value)
{
	struct mime_str name, raw;
	size_t off;

	while (mime_header_next(s, part, pos, &name, &raw)) {
		if (!name_is(name.s, name.len, wanted))
			continue;
		if (field_name(raw.s, raw.len, &off) == 0)
			continue;
		value->s = raw.s + off;
		value->len = raw.len - off;
		return 1;
	}
	return 0;
}

const char *
field_of(enum mime_field field)
{
	return kept[field].name;
}

struct mime_str
mime_envelope_text(const struct mime_summary *s, uint32_t part,
    enum mime_field field, char *buf, size_t size)
{
	struct mime_str text = {NULL, 0}, value;
	size_t pos = 0;

	if (header_find(s, part, field_of(field), &pos, &value)) {
		text.s = buf;
		text.len = unfold(value.s, value.len, buf, size);
	}
	return text;
}

/* A message id between < and > from p[*off] on. */
static int
id_next(struct mime_str v, size_t *off, struct mime_str *id)
{
	const char *open, *close;
	size_t i;

	while (*off < v.len &&
	    (open = memchr(v.s + *off, '<', v.len - *off)) != NULL) {
		*off = (size_t)(open - v.s) + 1;
		close = memchr(v.s + *off, '>', v.len - *off);
		if (close == NULL)
			break;
		id->s = open + 1;
		id->len = (size_t)(close - open) - 1;
		*off = (size_t)(close - v.s) + 1;
		for (i = 0; i < id->len; i++) {
			if ((unsigned char)id->s[i] <= ' ' || id->s[i] == '<')
				break;
		}
		if (id->len > 0 && i == id->len)
			return 1;
	}
	*off = v.len;
	return 0;
}

/* *pos: which field, and the offset in its value. */
int
mime_thread_next(
    const struct mime_summary *s, size_t *pos, bool *own, struct mime_str *id)
{
	static const char *const names[] = {
	    "References", "In-Reply-To", "Message-ID"};
	size_t stage = *pos >> 24, off = *pos & 0xffffff, at, begun;
	struct mime_str value;

	for (; stage < 3; stage++, off = 0) {
		at = 0;
		begun = off;
		*own = stage == 2;
		if (header_find(s, 0, names[stage], &at, &value) &&
		    (stage < 2 || off == 0) && id_next(value, &off, id)) {
			*pos = stage << 24 | off;
			return 1;
		}
		if (stage == 0 && begun > 0)
			stage++; /* References there were */
	}
	*pos = (size_t)3 << 24;
	return 0;
}

/* The field of an envelope that has this name; -1 if none. */
static int
envelope_field(const char *name, size_t len)
{
	static const char first[] = "dsfsrtcbim";
	int i, c;

	c = lower((unsigned char)name[0]);
	for (i = 0; i < MIME_ENVELOPE_FIELDS; i++)
		if (first[i] == c && name_is(name, len, kept[i].name))
			return i;
	return -1;
}

void
mime_envelope_find(
    struct mime_envelope *e, const struct mime_summary *s, uint32_t part)
{
	size_t len, n, name_len, value;
	const char *p;
	unsigned flags;
	int i;

	memset(e, 0, sizeof(*e));
	e->summary = s;
	e->part = part;
	p = block(s, part, &len, &flags);
	for (; len > 0; p += n, len -= n) {
		n = field_length(p, len);
		name_len = field_name(p, n, &value);
		if (name_len == 0 || (i = envelope_field(p, name_len)) == -1)
			continue;
		if (e->value[i].s != NULL)
			e->many |= 1U << i;
		else {
			e->value[i].s = p + value;
			e->value[i].len = n - value;
		}
	}
}

/* A value on one line is its own text, less the white space around it. */
static bool
on_one_line(struct mime_str *v)
{
	size_t i;

	while (v->len > 0 &&
	    (v->s[v->len - 1] == '\n' || v->s[v->len - 1] == '\r' ||
		v->s[v->len - 1] == ' ' || v->s[v->len - 1] == '\t'))
		v->len--;
	while (v->len > 0 && (*v->s == ' ' || *v->s == '\t')) {
		v->s++;
		v->len--;
	}
	for (i = no_controls(v->s, v->len); i < v->len; i++) {
		if (v->s[i] == '\0' || v->s[i] == '\r' || v->s[i] == '\n')
			return false;
	}
	return true;
}

struct mime_str
mime_envelope_unfold(const struct mime_envelope *e, enum mime_field field,
    char *buf, size_t size)
{
	struct mime_str text = e->value[field];

	if (text.s != NULL && (!on_one_line(&text) || text.len > size)) {
		text.s = buf;
		text.len = unfold(
		    e->value[field].s, e->value[field].len, buf, size);
	}
	return text;
}
