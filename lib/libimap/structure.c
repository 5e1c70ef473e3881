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
 * ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 section 7.5.2) from a summary.
 * The tree is walked by index with a stack as deep as a summary may be.
 */

#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "imap_local.h"
#include "imapfmt.h"
#include "mime.h"

static void
put_str(struct imap_buf *b, const struct mime_str *s)
{
	if (s->s != NULL && imap_put_plain(b, s->s, s->len))
		return;
	if (imap_must_downgrade(b, s->s, s->len))
		imap_put_encoded(b, s->s, s->len);
	else
		imap_put_nstring(b, s->s, s->len);
}

static bool
plain_address(const struct imap_buf *b, const struct mime_addr *a)
{
	return !imap_must_downgrade(b, a->mailbox.s, a->mailbox.len) &&
	    !imap_must_downgrade(b, a->host.s, a->host.len);
}

static void
put_text(
    struct imap_buf *b, const struct mime_envelope *e, enum mime_field field)
{
	static char
	    buf[MIME_VALUE_MAX]; /* not on the stack: see put_envelope */
	struct mime_str s;

	s = mime_envelope_unfold(e, field, buf, sizeof(buf));
	put_str(b, &s);
	if (s.s == buf)
		explicit_bzero(buf, s.len);
}

/* False: there is none, and nothing was put. */
static bool
put_addresses(struct imap_buf *b, struct mime_addr_iter *it)
{
	struct mime_addr addr;
	bool any;

	any = false;
	while (mime_addr_next(it, &addr) == 1) {
		if (!any)
			imap_putc(b, '(');
		any = true;
		imap_putc(b, '(');
		if (!plain_address(b, &addr)) {
			imap_put_address(b, &addr);
			imap_putc(b, ')');
			continue;
		}
		put_str(b, &addr.name);
		imap_putc(b, ' ');
		put_str(b, &addr.adl);
		imap_putc(b, ' ');
		put_str(b, &addr.mailbox);
		imap_putc(b, ' ');
		put_str(b, &addr.host);
		imap_putc(b, ')');
	}
	if (any)
		imap_putc(b, ')');
	return any;
}

/* Sender and Reply-To default to From (RFC 9051 7.5.2): what was said. */
static void
put_lists(struct imap_buf *b, const struct mime_envelope *e)
{
	static const enum mime_field lists[] = {
	    MIME_FROM, MIME_SENDER, MIME_REPLY_TO, MIME_TO, MIME_CC, MIME_BCC};
	static struct mime_addr_iter it;
	size_t i, from, len, begin;
	uint8_t *to;
	bool any;

	from = len = 0;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		imap_putc(b, ' ');
		begin = b->len;
		any = mime_addr_init_found(&it, e, lists[i]) &&
		    put_addresses(b, &it);
		if (any && lists[i] == MIME_FROM) {
			from = begin;
			len = b->len - begin;
		} else if (!any && len > 0 &&
		    (lists[i] == MIME_SENDER || lists[i] == MIME_REPLY_TO)) {
			to = imap_buf_room(b, len);
			memcpy(to, b->p + from, len);
			b->len += len;
		} else if (!any)
			imap_put(b, "NIL", 3);
	}
	explicit_bzero(it.buf, sizeof(it.buf));
}

/*
 * Buffers are static because the compiler would clear those on the stack at
 * every call, which costs more than the work; they are wiped after use.
 */
static void
put_envelope(struct imap_buf *b, const struct mime_summary *sum, uint32_t part)
{
	struct mime_envelope e;

	mime_envelope_find(&e, sum, part);
	imap_putc(b, '(');
	put_text(b, &e, MIME_DATE);
	imap_putc(b, ' ');
	put_text(b, &e, MIME_SUBJECT);
	put_lists(b, &e);
	imap_putc(b, ' ');
	put_text(b, &e, MIME_IN_REPLY_TO);
	imap_putc(b, ' ');
	put_text(b, &e, MIME_MESSAGE_ID);
	imap_putc(b, ')');
}

int
imap_put_envelope(struct imap_buf *b, const struct mime_summary *sum)
{
	put_envelope(b, sum, 0);
	return 0;
}

static bool
is_text(const struct mime_part *part)
{
	return part->type.len == 4 && strncasecmp(part->type.s, "TEXT", 4) == 0;
}

/* A value that is UTF-8 goes as RFC 2231 has it. */
static void
put_param(struct imap_buf *b, const struct mime_str *name,
    const struct mime_str *value)
{
	char star[MIME_ADDR_MAX];

	if (!imap_must_downgrade(b, value->s, value->len) ||
	    name->len >= sizeof(star) || !imap_is_ascii(name->s, name->len)) {
		imap_put_string(b, name->s, name->len);
		imap_putc(b, ' ');
		imap_put_string(b, value->s, value->len);
		return;
	}
	memcpy(star, name->s, name->len);
	star[name->len] = '*';
	imap_put_string(b, star, name->len + 1);
	imap_putc(b, ' ');
	imap_put_extended(b, value->s, value->len);
}

/* body-fld-param = "(" string SP string *(...) ")" / nil */
static void
put_params(
    struct imap_buf *b, const struct mime_part *part, enum mime_params which)
{
	struct mime_str name, value;
	size_t pos;
	bool any;

	any = false;
	/* Text is US-ASCII unless it says otherwise (RFC 2045 section 5.2). */
	if (which == MIME_PARAMS_TYPE && part->kind == MIME_LEAF &&
	    is_text(part) &&
	    mime_param_find(part, MIME_PARAMS_TYPE, "charset").s == NULL) {
		imap_puts(b, "(\"charset\" \"us-ascii\"");
		any = true;
	}
	pos = 0;
	while (mime_param_next(part, which, &pos, &name, &value) == 1) {
		imap_putc(b, any ? ' ' : '(');
		any = true;
		put_param(b, &name, &value);
	}
	if (any)
		imap_putc(b, ')');
	else
		imap_put(b, "NIL", 3);
}

/* body-fld-dsp SP body-fld-lang SP body-fld-loc, a space before each. */
static void
put_extension(struct imap_buf *b, const struct mime_part *part)
{
	struct mime_str tag;
	size_t pos;
	int n;

	imap_putc(b, ' ');
	if (part->disposition.s == NULL)
		imap_put(b, "NIL", 3);
	else {
		imap_putc(b, '(');
		put_str(b, &part->disposition);
		imap_putc(b, ' ');
		put_params(b, part, MIME_PARAMS_DISPOSITION);
		imap_putc(b, ')');
	}
	imap_putc(b, ' ');
	pos = 0;
	for (n = 0; mime_language_next(part, &pos, &tag) == 1; n++) {
		imap_putc(b, n == 0 ? '(' : ' ');
		imap_put_string(b, tag.s, tag.len);
	}
	if (n == 0)
		imap_put(b, "NIL", 3);
	else
		imap_putc(b, ')');
	imap_putc(b, ' ');
	put_str(b, &part->location);
}

/*
 * media-type SP body-fields, and lines where the type has them.  A leaf is no
 * message/global for who expects an envelope then (RFC 9051 section 9).
 */
static void
put_leaf(struct imap_buf *b, const struct mime_part *part)
{
	if (part->kind == MIME_LEAF && b->global && mime_part_is_global(part))
		imap_puts(b, "\"application\" \"octet-stream\" ");
	else {
		imap_put_string(b, part->type.s, part->type.len);
		imap_putc(b, ' ');
		imap_put_string(b, part->subtype.s, part->subtype.len);
		imap_putc(b, ' ');
	}
	put_params(b, part, MIME_PARAMS_TYPE);
	imap_putc(b, ' ');
	put_str(b, &part->id);
	imap_putc(b, ' ');
	put_str(b, &part->description);
	imap_putc(b, ' ');
	imap_put_string(b, part->encoding.s, part->encoding.len);
	imap_putc(b, ' ');
	imap_put_number(b, part->body_len);
}

static void
put_lines(struct imap_buf *b, const struct mime_part *part)
{
	imap_putc(b, ' ');
	imap_put_number(b, part->body_lines);
}

/* What follows the children, or a leaf's own fields. */
static void
put_tail(struct imap_buf *b, const struct mime_part *part, bool extended)
{
	if (part->kind == MIME_MULTIPART) {
		imap_putc(b, ' ');
		imap_put_string(b, part->subtype.s, part->subtype.len);
		if (extended) {
			imap_putc(b, ' ');
			put_params(b, part, MIME_PARAMS_TYPE);
			put_extension(b, part);
		}
	} else {
		if (part->kind == MIME_MESSAGE || is_text(part))
			put_lines(b, part);
		if (extended) {
			imap_putc(b, ' ');
			put_str(b, &part->md5);
			put_extension(b, part);
		}
	}
	imap_putc(b, ')');
}

int
imap_put_body(struct imap_buf *b, const struct mime_summary *sum, bool extended)
{
	/* The compiler is not to clear it for each of 10,000 messages. */
	uint32_t stack[MIME_PARTS_MAX] __attribute__((__uninitialized__));
	struct mime_part part, open;
	size_t depth, begin;
	uint32_t i;

	begin = b->len;
	depth = 0;
	for (i = 0; i < sum->nparts; i++) {
		/* Close what ended before this part. */
		while (depth > 0) {
			mime_part_get(sum, stack[depth - 1], &open);
			if (i < open.end)
				break;
			put_tail(b, &open, extended);
			depth--;
		}
		mime_part_get(sum, i, &part);
		/* IMAP4rev1 has no envelope there (RFC 3501 section 9). */
		if (part.kind == MIME_MESSAGE && !b->global &&
		    mime_part_is_global(&part)) {
			part.kind = MIME_LEAF;
			i = part.end - 1;
		}
		imap_putc(b, '(');
		if (part.kind != MIME_MULTIPART)
			put_leaf(b, &part);
		if (part.kind == MIME_LEAF) {
			put_tail(b, &part, extended);
			continue;
		}
		if (part.kind == MIME_MESSAGE) {
			imap_putc(b, ' ');
			put_envelope(b, sum, i + 1);
			imap_putc(b, ' ');
		}
		if (depth == MIME_PARTS_MAX) {
			b->len = begin;
			return -1;
		}
		stack[depth++] = i;
	}
	while (depth > 0) {
		mime_part_get(sum, stack[--depth], &open);
		put_tail(b, &open, extended);
	}
	return 0;
}
