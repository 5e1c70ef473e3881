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
 * What a FETCH says of one message: its items, and where in the message each
 * section lies (RFC 9051 section 6.4.5).
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch.h"
#include "log.h"

#define ITEMS_SUMMARY                                                    \
	(IMAP_ITEM_ENVELOPE | IMAP_ITEM_BODY | IMAP_ITEM_BODYSTRUCTURE | \
	    IMAP_ITEM_PREVIEW)

#define ITEMS_IDS (IMAP_ITEM_EMAILID | IMAP_ITEM_SAVEDATE)

/* The summary of an empty message: it knows which fields summaries cover. */
static uint8_t *probe_octets;
static struct mime_summary probe;

void
fetch_init(void)
{
	struct mime_parser *parser;
	const uint8_t *p;
	size_t len;

	parser = mime_parser_new();
	if (parser == NULL)
		fatal("parser");
	mime_parser_feed(parser, "\r\n", 2);
	p = mime_parser_finish(parser, &len);
	if (p == NULL || (probe_octets = malloc(len)) == NULL)
		fatal("summary");
	memcpy(probe_octets, p, len);
	if (mime_summary_open(&probe, probe_octets, len, 2) == -1)
		fatalx("summary of nothing does not hold together");
	mime_parser_free(parser);
}

static bool
is_whole(const struct imap_section *s)
{
	return s->text == IMAP_TEXT_ALL && s->nparts == 0;
}

static bool
is_binary(const struct imap_section *s)
{
	return s->kind == IMAP_SECTION_BINARY ||
	    s->kind == IMAP_SECTION_BINARY_SIZE;
}

static bool
is_covered(const struct imap_section *s, const struct mime_summary *sum)
{
	size_t i;

	if (s->text != IMAP_TEXT_FIELDS || s->nparts != 0)
		return false;
	for (i = 0; i < s->nfields; i++)
		if (!mime_header_cover(sum, s->field[i].p, s->field[i].len))
			return false;
	return true;
}

uint8_t
fetch_rows_wanted(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	const struct imap_section *s;
	uint8_t items;
	size_t i;

	items = (cmd->items & ITEMS_SUMMARY) != 0 ? ROW_SUMMARY : 0;
	if ((cmd->items & ITEMS_IDS) != 0)
		items |= ROW_IDS;
	for (i = 0; i < cmd->nsections; i++) {
		s = &cmd->sections[i];
		if (!s->peek && !job->conn->readonly)
			items |= ROW_SET_SEEN;
		if (s->kind == IMAP_SECTION_BINARY)
			items |= ROW_SUMMARY; /* is there NUL in it? */
		if (!is_whole(s)) {
			items |= ROW_SUMMARY;
			if (!is_covered(s, &probe))
				items |= ROW_FIRST;
		} else if (s->kind == IMAP_SECTION_BINARY_SIZE)
			continue;
		else if (!s->partial)
			items |= ROW_BODY;
		else if (s->first < CHUNK_PLAIN &&
		    s->count <= CHUNK_PLAIN - s->first)
			items |= ROW_FIRST;
	}
	if ((items & ROW_BODY) != 0)
		items &= (uint8_t)~ROW_FIRST;
	/* \Seen may be new: its flags are told (RFC 3501 6.4.5). */
	if ((items & ROW_SET_SEEN) != 0)
		cmd->items |= IMAP_ITEM_FLAGS;
	/* RFC 7162 section 3.2.4 */
	if ((items & ROW_SET_SEEN) != 0 && job->conn->condstore)
		cmd->items |= IMAP_ITEM_UID | IMAP_ITEM_MODSEQ;
	return items;
}

/* A space before every item but the first. */
static void
item(struct imap_buf *b, const char *name)
{
	if (b->p[b->len - 1] != '(')
		imap_putc(b, ' ');
	imap_puts(b, name);
}

/* RFC 8474, RFC 8514. */
static void
put_ids(struct imap_buf *b, const struct row *row, uint32_t items)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if ((items & IMAP_ITEM_EMAILID) != 0) {
		item(b, "EMAILID (M");
		for (i = 0; i < sizeof(row->email_id); i++) {
			imap_putc(b, digits[row->email_id[i] >> 4]);
			imap_putc(b, digits[row->email_id[i] & 15]);
		}
		imap_putc(b, ')');
	}
	if ((items & IMAP_ITEM_THREADID) != 0)
		item(b, "THREADID NIL");
	if ((items & IMAP_ITEM_SAVEDATE) != 0) {
		item(b, "SAVEDATE ");
		imap_put_date(b, (int64_t)row->saved, 0);
	}
}

void
fetch_put_head(
    struct job *job, struct imap_buf *b, const struct mime_summary *sum)
{
	struct fetch *f = job->data;
	struct conn *c = job->conn;
	const struct row *row = &f->row;
	uint32_t items = job->cmd->items;

	b->utf8 = conn_utf8_headers(c);
	b->global = c->rev2;
	put_fetch_begin(c, b, row);
	if ((items & IMAP_ITEM_UID) != 0) {
		imap_put(b, "UID ", 4);
		imap_put_number(b, row->uid);
	}
	if ((items & IMAP_ITEM_FLAGS) != 0) {
		item(b, "FLAGS ");
		imap_put_flags(b, row->flags, c->keywords, c->nkeywords);
	}
	if ((items & IMAP_ITEM_MODSEQ) != 0) {
		item(b, "MODSEQ (");
		imap_put_number(b, row->modseq);
		imap_putc(b, ')');
	}
	if ((items & IMAP_ITEM_INTERNALDATE) != 0) {
		item(b, "INTERNALDATE ");
		imap_put_date(b, row->date, row->zone);
	}
	if ((items & IMAP_ITEM_SIZE) != 0) {
		item(b, "RFC822.SIZE ");
		imap_put_number(b, row->size);
	}
	if ((items & (ITEMS_IDS | IMAP_ITEM_THREADID)) != 0)
		put_ids(b, row, items);
	if ((items & IMAP_ITEM_ENVELOPE) != 0) {
		item(b, "ENVELOPE ");
		(void)imap_put_envelope(b, sum);
	}
	if ((items & IMAP_ITEM_BODY) != 0) {
		item(b, "BODY ");
		(void)imap_put_body(b, sum, false);
	}
	if ((items & IMAP_ITEM_BODYSTRUCTURE) != 0) {
		item(b, "BODYSTRUCTURE ");
		(void)imap_put_body(b, sum, true);
	}
	/* Made when the message came: never NIL, LAZY or not (RFC 8970). */
	if ((items & IMAP_ITEM_PREVIEW) != 0) {
		item(b, "PREVIEW ");
		imap_put_string(b, sum->preview.s, sum->preview.len);
	}
	b->utf8 = false;
	f->any = b->p[b->len - 1] != '(';
}

void
fetch_partial(const struct imap_section *s, uint64_t total, uint64_t *first,
    uint64_t *count)
{
	*first = 0;
	*count = total;
	if (!s->partial)
		return;
	*first = s->first < total ? s->first : total;
	*count = total - *first;
	if (*count > s->count)
		*count = s->count;
}

static void
plan_range(struct piece *p, uint64_t off, uint64_t len)
{
	uint64_t first, count;

	fetch_partial(p->section, len, &first, &count);
	p->kind = count == 0 ? PIECE_MEMORY : PIECE_RANGE;
	p->off = count == 0 ? 0 : off + first;
	p->len = count;
}

/* Fields that the summary holds octet for octet. */
static void
plan_fields(struct fetch *f, struct piece *p, const struct mime_summary *sum)
{
	const struct imap_section *s = p->section;
	struct mime_str name, raw;
	uint64_t first, begin;
	size_t i, pos;

	begin = f->memory.len;
	pos = 0;
	while (mime_header_next(sum, 0, &pos, &name, &raw) == 1) {
		for (i = 0; i < s->nfields; i++)
			if (s->field[i].len == name.len &&
			    strncasecmp(s->field[i].p, name.s, name.len) == 0)
				break;
		if (i < s->nfields)
			imap_put(&f->memory, raw.s, raw.len);
	}
	imap_put(&f->memory, "\r\n", 2);
	p->kind = PIECE_MEMORY;
	fetch_partial(s, f->memory.len - begin, &first, &p->len);
	p->off = begin + first;
}

static bool
decodes(const struct mime_part *part)
{
	return part->kind != MIME_LEAF ||
	    mime_coding_known(part->encoding.s, part->encoding.len);
}

bool
fetch_decodes(const struct imap_section *s, const struct mime_summary *sum)
{
	struct mime_part part;
	int i;

	if (!is_binary(s) || is_whole(s) ||
	    (i = mime_part_find(sum, s->part, s->nparts)) == -1)
		return true;
	mime_part_get(sum, (uint32_t)i, &part);
	return decodes(&part);
}

/*
 * A part decoded, or its size then (RFC 3516, RFC 9051 6.4.5.1).  What is no
 * leaf has no encoding of its own.
 */
static void
plan_binary(struct fetch *f, struct piece *p, const struct mime_summary *sum)
{
	const struct imap_section *s = p->section;
	struct mime_part part;
	bool size;
	int i;

	size = s->kind == IMAP_SECTION_BINARY_SIZE;
	p->kind = size ? PIECE_NUMBER : PIECE_NIL;
	i = mime_part_find(sum, s->part, s->nparts);
	if (i == -1)
		return;
	mime_part_get(sum, (uint32_t)i, &part);
	if (!decodes(&part)) {
		f->unknown_cte = true;
		p->kind = PIECE_NONE;
		return;
	}
	p->coding = mime_coding_find(part.encoding.s, part.encoding.len);
	if (part.kind == MIME_LEAF && p->coding != MIME_CODING_NONE) {
		p->kind = PIECE_FILTER;
		p->nul = false;
		p->off = part.body_off;
		p->len = part.body_len;
	} else if (size)
		p->len = part.body_len;
	else
		plan_range(p, part.body_off, part.body_len);
}

static void
plan_section(struct fetch *f, struct piece *p, const struct mime_summary *sum)
{
	const struct imap_section *s = p->section;
	struct mime_part part;
	int i;

	if (is_covered(s, sum)) {
		plan_fields(f, p, sum);
		return;
	}
	p->kind = PIECE_NIL;
	if (s->text == IMAP_TEXT_ALL || s->text == IMAP_TEXT_MIME)
		i = mime_part_find(sum, s->part, s->nparts);
	else
		i = mime_part_message(sum, s->part, s->nparts);
	if (i == -1)
		return;
	mime_part_get(sum, (uint32_t)i, &part);
	switch (s->text) {
	case IMAP_TEXT_ALL:
	case IMAP_TEXT_TEXT:
		plan_range(p, part.body_off, part.body_len);
		break;
	case IMAP_TEXT_HEADER:
	case IMAP_TEXT_MIME:
		plan_range(p, part.head_off, part.head_len);
		break;
	case IMAP_TEXT_FIELDS:
	case IMAP_TEXT_FIELDS_NOT:
		p->kind = PIECE_FILTER;
		p->off = part.head_off;
		p->len = part.head_len;
		break;
	}
}

bool
fetch_plan(struct fetch *f, const struct imap_section *sections, size_t n,
    const struct mime_summary *sum)
{
	struct piece *p;
	bool body;
	size_t i;

	imap_buf_reset(&f->memory, OUT_KEEP);
	f->n = n;
	f->now = 0;
	f->pos = 0;
	body = false;
	for (i = 0; i < f->n; i++) {
		p = &f->piece[i];
		memset(p, 0, sizeof(*p));
		p->section = &sections[i];
		p->nul = sum->has_nul;
		if (is_whole(p->section) &&
		    p->section->kind == IMAP_SECTION_BINARY_SIZE) {
			p->kind = PIECE_NUMBER;
			p->len = f->row.size;
		} else if (is_whole(p->section))
			plan_range(p, 0, f->row.size);
		else if (is_binary(p->section))
			plan_binary(f, p, sum);
		else
			plan_section(f, p, sum);
		if (p->kind == PIECE_RANGE || p->kind == PIECE_FILTER)
			body = true;
	}
	return body;
}

static void
put_field_name(struct imap_buf *b, const struct imap_str *name)
{
	size_t i;

	for (i = 0; i < name->len; i++)
		if (!isalnum((unsigned char)name->p[i]) && name->p[i] != '-' &&
		    name->p[i] != '_')
			break;
	if (i == name->len && i > 0)
		imap_put(b, name->p, name->len);
	else
		imap_put_string(b, name->p, name->len);
}

void
fetch_put_name(struct imap_buf *b, const struct imap_section *s)
{
	static const char *const rfc822[] = {
	    "RFC822", "RFC822.HEADER", "", "", "RFC822.TEXT", ""};
	static const char *const texts[] = {
	    "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"};
	size_t i;

	if (s->kind == IMAP_SECTION_RFC822) {
		imap_puts(b, rfc822[s->text]);
		return;
	}
	imap_puts(b,
	    s->kind == IMAP_SECTION_BINARY_SIZE ? "BINARY.SIZE[" :
		s->kind == IMAP_SECTION_BINARY  ? "BINARY[" :
						  "BODY[");
	for (i = 0; i < s->nparts; i++) {
		if (i > 0)
			imap_putc(b, '.');
		imap_put_number(b, s->part[i]);
	}
	if (s->nparts > 0 && s->text != IMAP_TEXT_ALL)
		imap_putc(b, '.');
	imap_puts(b, texts[s->text]);
	for (i = 0; i < s->nfields; i++) {
		imap_puts(b, i == 0 ? " (" : " ");
		put_field_name(b, &s->field[i]);
	}
	imap_puts(b, s->nfields > 0 ? ")]" : "]");
	if (s->partial) {
		imap_putc(b, '<');
		imap_put_number(b, s->first);
		imap_putc(b, '>');
	}
}

static struct imap_buf *
put_name(struct job *job, const struct imap_section *s)
{
	struct imap_buf *b = conn_out(job->conn);
	struct fetch *f = job->data;

	if (f->any)
		imap_putc(b, ' ');
	f->any = true;
	fetch_put_name(b, s);
	imap_putc(b, ' ');
	return b;
}

void
fetch_put_value(
    struct job *job, const struct piece *piece, const uint8_t *p, uint64_t len)
{
	const struct imap_section *s = piece->section;
	struct imap_buf *b = put_name(job, s);

	if (p != NULL && len == 0) {
		imap_put(b, "\"\"", 2);
		return;
	}
	/* literal8 says that there is NUL (RFC 9051 section 7.5.2). */
	if (s->kind == IMAP_SECTION_BINARY &&
	    (p == NULL ? piece->nul : memchr(p, '\0', (size_t)len) != NULL))
		imap_putc(b, '~');
	imap_put_literal(b, len);
	if (p != NULL)
		imap_put(b, p, (size_t)len);
}

void
fetch_put_memory(struct job *job, struct piece *p)
{
	struct fetch *f = job->data;

	if (p->kind == PIECE_NONE)
		return;
	if (p->kind == PIECE_NUMBER) {
		imap_put_number(put_name(job, p->section), p->len);
		return;
	}
	if (p->kind == PIECE_NIL) {
		imap_put(put_name(job, p->section), "NIL", 3);
		return;
	}
	fetch_put_value(job, p,
	    p->len == 0 ? (const uint8_t *)"" : f->memory.p + p->off, p->len);
}

/* Where nothing is told a message is named all the same. */
void
fetch_put_end(struct job *job)
{
	struct imap_buf *b = conn_out(job->conn);
	struct fetch *f = job->data;

	if (!f->any) {
		imap_puts(b, "UID ");
		imap_put_number(b, f->row.uid);
	}
	imap_put(b, ")\r\n", 3);
	job->open = false;
}

struct filter {
	struct mime_filter *fields;
	struct mime_decoder *decoder;
};

struct filter *
filter_new(const struct piece *piece)
{
	const struct imap_section *s = piece->section;
	struct mime_str names[IMAP_FIELDS_MAX];
	struct filter *filter;
	size_t i;

	filter = calloc(1, sizeof(*filter));
	if (filter == NULL)
		fatal("filter");
	if (s->kind != IMAP_SECTION_BODY) {
		filter->decoder = mime_decoder_new(piece->coding);
		if (filter->decoder == NULL)
			fatal("decoder");
		return filter;
	}
	for (i = 0; i < s->nfields; i++) {
		names[i].s = s->field[i].p;
		names[i].len = s->field[i].len;
	}
	filter->fields = mime_filter_new(
	    names, s->nfields, s->text == IMAP_TEXT_FIELDS_NOT);
	if (filter->fields == NULL)
		fatal("filter");
	return filter;
}

void
filter_feed(
    struct filter *filter, const void *p, size_t len, mime_out out, void *arg)
{
	if (filter->decoder != NULL)
		mime_decoder_feed(filter->decoder, p, len, out, arg);
	else
		mime_filter_feed(filter->fields, p, len, out, arg);
}

void
filter_end(struct filter *filter, mime_out out, void *arg)
{
	if (filter->decoder != NULL)
		mime_decoder_end(filter->decoder, out, arg);
	else
		mime_filter_end(filter->fields, out, arg);
}

void
filter_free(struct filter *filter)
{
	if (filter == NULL)
		return;
	mime_decoder_free(filter->decoder);
	mime_filter_free(filter->fields);
	free(filter);
}

static void
filtered(void *arg, const void *p, size_t len)
{
	imap_put(arg, p, len);
}

void
fetch_put_filtered(struct job *job, struct piece *p, const uint8_t *header)
{
	struct fetch *f = job->data;
	struct filter *filter;
	uint64_t first, begin;

	begin = f->memory.len;
	filter = filter_new(p);
	filter_feed(filter, header, (size_t)p->len, filtered, &f->memory);
	filter_end(filter, filtered, &f->memory);
	filter_free(filter);
	if (p->section->kind == IMAP_SECTION_BODY)
		imap_put(&f->memory, "\r\n", 2);
	if (p->section->kind == IMAP_SECTION_BINARY_SIZE) {
		p->kind = PIECE_NUMBER;
		p->len = f->memory.len - begin;
		fetch_put_memory(job, p);
		return;
	}
	p->kind = PIECE_MEMORY;
	fetch_partial(p->section, f->memory.len - begin, &first, &p->len);
	p->off = begin + first;
	fetch_put_memory(job, p);
}
