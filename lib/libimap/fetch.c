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
 * FETCH (RFC 9051 section 6.4.5): macros, items, and sections with parts,
 * suffixes and partials.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "imap_local.h"

#define ITEMS_ALL                                                    \
	(IMAP_ITEM_FLAGS | IMAP_ITEM_INTERNALDATE | IMAP_ITEM_SIZE | \
	    IMAP_ITEM_ENVELOPE)
#define ITEMS_FAST (IMAP_ITEM_FLAGS | IMAP_ITEM_INTERNALDATE | IMAP_ITEM_SIZE)
#define ITEMS_FULL (ITEMS_ALL | IMAP_ITEM_BODY)

static const struct {
	const char *name;
	uint32_t item;
} simple[] = {
    {"UID", IMAP_ITEM_UID},
    {"FLAGS", IMAP_ITEM_FLAGS},
    {"INTERNALDATE", IMAP_ITEM_INTERNALDATE},
    {"RFC822.SIZE", IMAP_ITEM_SIZE},
    {"ENVELOPE", IMAP_ITEM_ENVELOPE},
    {"BODYSTRUCTURE", IMAP_ITEM_BODYSTRUCTURE},
    {"EMAILID", IMAP_ITEM_EMAILID},
    {"THREADID", IMAP_ITEM_THREADID},
    {"SAVEDATE", IMAP_ITEM_SAVEDATE},
    {"MODSEQ", IMAP_ITEM_MODSEQ},
    {"PREVIEW", IMAP_ITEM_PREVIEW},
};

static const struct {
	const char *name;
	enum imap_section_text text;
	bool peek;
} rfc822[] = {
    {"RFC822", IMAP_TEXT_ALL, false},
    {"RFC822.HEADER", IMAP_TEXT_HEADER, true},
    {"RFC822.TEXT", IMAP_TEXT_TEXT, false},
};

static const struct {
	const char *name;
	enum imap_section_kind kind;
	bool peek;
} sectioned[] = {
    {"BODY", IMAP_SECTION_BODY, false},
    {"BODY.PEEK", IMAP_SECTION_BODY, true},
    {"BINARY", IMAP_SECTION_BINARY, false},
    {"BINARY.PEEK", IMAP_SECTION_BINARY, true},
    {"BINARY.SIZE", IMAP_SECTION_BINARY_SIZE, true},
};

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static int
header_list(struct imap_lex *lex, struct imap_section *s)
{
	struct imap_str *field;
	size_t i, n, room;
	char *p;

	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	room = IMAP_FIELDS_MAX - lex->cmd->nfields;
	field = imap_cmd_alloc(lex->cmd, (room + 1) * sizeof(*field));
	n = 0;
	do {
		if (lex->cmd->nfields++ == IMAP_FIELDS_MAX)
			return lex_fail(lex, "Too many header fields");
		if ((n > 0 && lex_space(lex) == -1) ||
		    lex_astring(lex, &field[n]) == -1)
			return -1;
		p = imap_cmd_alloc(lex->cmd, field[n].len + 1);
		for (i = 0; i < field[n].len; i++)
			p[i] = (char)toupper((unsigned char)field[n].p[i]);
		field[n++].p = p;
	} while (!lex_close(lex));
	s->field = field;
	s->nfields = n;
	return 0;
}

static int
section_text(struct imap_lex *lex, struct imap_section *s)
{
	if (lex_take(lex, "HEADER.FIELDS.NOT")) {
		s->text = IMAP_TEXT_FIELDS_NOT;
		return header_list(lex, s);
	}
	if (lex_take(lex, "HEADER.FIELDS")) {
		s->text = IMAP_TEXT_FIELDS;
		return header_list(lex, s);
	}
	if (lex_take(lex, "HEADER"))
		s->text = IMAP_TEXT_HEADER;
	else if (lex_take(lex, "TEXT"))
		s->text = IMAP_TEXT_TEXT;
	else if (s->nparts > 0 && lex_take(lex, "MIME"))
		s->text = IMAP_TEXT_MIME;
	else
		return lex_fail(lex, "Unknown section");
	return 0;
}

/* section-part = nz-number *("." nz-number), then perhaps "." and a text. */
static int
section_parts(struct imap_lex *lex, struct imap_section *s)
{
	uint32_t part[IMAP_PARTS_MAX], *copy;

	while (lex->p < lex->end && isdigit(*lex->p)) {
		if (s->nparts == IMAP_PARTS_MAX)
			return lex_fail(lex, "Section too deep");
		if (lex_nznumber(lex, &part[s->nparts++]) == -1)
			return -1;
		if (!lex_peek(lex, '.'))
			break;
		lex->p++;
		if (lex->p == lex->end ||
		    (!isdigit(*lex->p) &&
			(lex_peek(lex, ']') || s->kind != IMAP_SECTION_BODY)))
			return lex_fail(lex, "Unknown section");
	}
	copy = imap_cmd_alloc(lex->cmd, s->nparts * sizeof(*copy));
	memcpy(copy, part, s->nparts * sizeof(*copy));
	s->part = copy;
	return 0;
}

int
imap_parse_section(struct imap_lex *lex, struct imap_section *s)
{
	uint64_t count;

	if (lex->p < lex->end && isdigit(*lex->p) &&
	    section_parts(lex, s) == -1)
		return -1;
	/* section-binary = "[" [section-part] "]" (RFC 3516) */
	if (!lex_peek(lex, ']') && s->kind == IMAP_SECTION_BODY &&
	    section_text(lex, s) == -1)
		return -1;
	if (lex_char(lex, ']') == -1)
		return -1;
	if (!lex_peek(lex, '<') || s->kind == IMAP_SECTION_BINARY_SIZE)
		return 0;
	lex->p++;
	s->partial = true;
	if (lex_number(lex, &s->first, INT64_MAX) == -1 ||
	    lex_char(lex, '.') == -1)
		return -1;
	if (lex_peek(lex, '0'))
		return lex_fail(lex, "Zero is not allowed here");
	if (lex_number(lex, &count, INT64_MAX) == -1)
		return -1;
	s->count = count;
	return lex_char(lex, '>');
}

/* ["(" preview-mod *(SP preview-mod) ")"]; others in parentheses are FETCH's */
static int
preview_modifiers(struct imap_lex *lex)
{
	const uint8_t *back = lex->p;

	if (lex->end - lex->p < 2 || lex->p[0] != ' ' || lex->p[1] != '(')
		return 0;
	lex->p += 2;
	if (!lex_take(lex, "LAZY")) {
		lex->p = back;
		return 0;
	}
	while (!lex_close(lex))
		if (lex_space(lex) == -1 || !lex_take(lex, "LAZY"))
			return lex_fail(lex, "Unknown PREVIEW modifier");
	return 0;
}

static int
item(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_section *s;
	size_t i;

	for (i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
		if (lex_take(lex, simple[i].name)) {
			cmd->items |= simple[i].item;
			return simple[i].item == IMAP_ITEM_PREVIEW ?
			    preview_modifiers(lex) :
			    0;
		}
	}
	if (cmd->nsections == IMAP_SECTIONS_MAX)
		return lex_fail(lex, "Too many sections");
	s = &cmd->sections[cmd->nsections];
	for (i = 0; i < sizeof(rfc822) / sizeof(rfc822[0]); i++) {
		if (!lex->rev2 && lex_take(lex, rfc822[i].name)) {
			s->kind = IMAP_SECTION_RFC822;
			s->text = rfc822[i].text;
			s->peek = rfc822[i].peek;
			cmd->nsections++;
			return 0;
		}
	}
	for (i = 0; i < sizeof(sectioned) / sizeof(sectioned[0]); i++)
		if (lex_take(lex, sectioned[i].name))
			break;
	if (i == sizeof(sectioned) / sizeof(sectioned[0]))
		return lex_fail(lex, "Unknown FETCH item");
	s->kind = sectioned[i].kind;
	s->peek = sectioned[i].peek;
	if (!lex_peek(lex, '[')) {
		if (i != 0)
			return lex_fail(lex, "Section expected");
		cmd->items |= IMAP_ITEM_BODY;
		return 0;
	}
	lex->p++;
	if (imap_parse_section(lex, s) == -1)
		return -1;
	cmd->nsections++;
	return 0;
}

int
imap_parse_items(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	int n;

	if (cmd->sections == NULL)
		cmd->sections = imap_cmd_alloc(
		    cmd, IMAP_SECTIONS_MAX * sizeof(*cmd->sections));
	if (lex_char(lex, '(') == -1)
		return -1;
	n = 0;
	do {
		if (n++ > 0 && lex_space(lex) == -1)
			return -1;
		if (item(lex) == -1)
			return -1;
	} while (!lex_close(lex));
	return 0;
}

static int
items(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->sections = imap_cmd_alloc(
	    cmd, IMAP_SECTIONS_MAX * sizeof(*cmd->sections));
	if (cmd->uid)
		cmd->items |= IMAP_ITEM_UID;
	if (lex_take(lex, "ALL"))
		cmd->items |= ITEMS_ALL;
	else if (lex_take(lex, "FAST"))
		cmd->items |= ITEMS_FAST;
	else if (lex_take(lex, "FULL"))
		cmd->items |= ITEMS_FULL;
	else if (lex_peek(lex, '('))
		return imap_parse_items(lex);
	else
		return item(lex);
	return 0;
}

/*
 * fetch-modifier: "CHANGEDSINCE" SP modseq and with it, for UID FETCH alone,
 * "VANISHED" (RFC 7162); "PARTIAL" SP partial-range (RFC 9394 section 3.2).
 */
static int
modifiers(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	int n;

	if (lex_char(lex, '(') == -1)
		return -1;
	n = 0;
	do {
		if (n++ > 0 && lex_space(lex) == -1)
			return -1;
		if (!cmd->conditional && lex_take(lex, "CHANGEDSINCE")) {
			cmd->conditional = true;
			if (lex_space(lex) == -1 ||
			    lex_modseq(lex, &cmd->modseq, false) == -1)
				return -1;
		} else if (cmd->uid && !cmd->vanished &&
		    lex_take(lex, "VANISHED"))
			cmd->vanished = true;
		else if ((cmd->returns & IMAP_RETURN_PARTIAL) == 0 &&
		    lex_take(lex, "PARTIAL")) {
			cmd->returns |= IMAP_RETURN_PARTIAL;
			if (lex_space(lex) == -1 ||
			    imap_partial(lex, &cmd->partial) == -1)
				return -1;
		} else
			return lex_fail(lex, "Unknown FETCH modifier");
	} while (!lex_close(lex));
	if (cmd->vanished && !cmd->conditional)
		return lex_fail(lex, "VANISHED since when?");
	if (cmd->conditional)
		cmd->items |= IMAP_ITEM_MODSEQ;
	return 0;
}

/*
 * fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
 *         "(" fetch-att *(SP fetch-att) ")") [SP "(" modifiers ")"]
 */
int
imap_parse_fetch(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || lex_set(lex, &lex->cmd->set) == -1 ||
	    lex_space(lex) == -1 || items(lex) == -1)
		return -1;
	if (!lex_peek(lex, ' '))
		return 0;
	lex->p++;
	return modifiers(lex);
}
