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
 * APPEND and REPLACE as far as the octets of their messages, which are not
 * part of the command: the reader hands them out as they come.  What stands
 * before, between and behind them becomes steps.
 */

#include <sys/types.h>

#include "imap_local.h"

static struct imap_step *
step_new(struct imap_lex *lex, enum imap_step_kind kind)
{
	struct imap_step *step;

	if (lex->steps++ == IMAP_STEPS_MAX) {
		(void)lex_fail(lex, "Too many parts");
		return NULL;
	}
	step = imap_cmd_alloc(lex->cmd, sizeof(*step));
	step->kind = kind;
	if (lex->last == NULL)
		lex->cmd->steps = step;
	else
		lex->last->next = step;
	lex->last = step;
	return step;
}

/* literal8 may hold NUL (RFC 3516); the input ends behind the braces. */
static int
message_literal(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_literal literal;

	if (!imap_literal_find(lex->p, (size_t)(lex->end - lex->p), &literal) ||
	    literal.len != (size_t)(lex->end - lex->p))
		return lex_fail(lex, "Message literal expected");
	cmd->size = literal.overflow ? UINT64_MAX : literal.size;
	cmd->sync = !literal.nonsync;
	cmd->binary = literal.binary;
	cmd->literal = true;
	lex->p = lex->end;
	return 0;
}

/* utf8-literal = "UTF8" SP "(" literal8 ")" (RFC 6855 section 4) */
static int
utf8_literal(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	if (!lex_peek(lex, '~'))
		return lex_fail(lex, "literal8 expected");
	lex->cmd->wrapped = true;
	return message_literal(lex);
}

/* cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal */
static int
cat_part(struct imap_lex *lex)
{
	struct imap_step *step;

	if (lex_take(lex, "TEXT"))
		return lex_space(lex) == -1 ? -1 : message_literal(lex);
	if (lex_take(lex, "UTF8"))
		return utf8_literal(lex);
	if (!lex_take(lex, "URL"))
		return lex_fail(lex, "TEXT or URL expected");
	step = step_new(lex, IMAP_STEP_URL);
	if (step == NULL || lex_space(lex) == -1)
		return -1;
	return lex_astring(lex, &step->url);
}

/* *(SP cat-part) ")", or as far as a literal. */
static int
cat_parts(struct imap_lex *lex)
{
	while (!lex->cmd->literal) {
		if (lex_close(lex))
			return step_new(lex, IMAP_STEP_END) == NULL ? -1 : 0;
		if (lex_space(lex) == -1 || cat_part(lex) == -1)
			return -1;
	}
	lex->cmd->part = true;
	return 0;
}

/*
 * [flag-list SP] [date-time SP] append-data
 * append-data = literal / literal8 / utf8-literal /
 *               "CATENATE" SP "(" cat-part *(SP cat-part) ")"
 */
static int
append_message(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_step *step;

	if ((step = step_new(lex, IMAP_STEP_BEGIN)) == NULL)
		return -1;
	if (lex_peek(lex, '(')) {
		if (lex_flags(lex, true) == -1 || lex_space(lex) == -1)
			return -1;
		step->flags = cmd->flags;
		step->keywords = cmd->keywords;
		step->nkeywords = cmd->nkeywords;
		cmd->flags = 0;
		cmd->keywords = NULL;
		cmd->nkeywords = 0;
	}
	if (lex_peek(lex, '"')) {
		if (lex_date_time(lex, &step->date, &step->zone) == -1 ||
		    lex_space(lex) == -1)
			return -1;
		step->has_date = true;
	}
	if (lex_take(lex, "UTF8"))
		return utf8_literal(lex);
	if (!lex_take(lex, "CATENATE"))
		return message_literal(lex);
	step->catenate = true;
	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1 ||
	    cat_part(lex) == -1)
		return -1;
	return cat_parts(lex);
}

/* *(SP append-message), as far as a literal. */
static int
append_messages(struct imap_lex *lex)
{
	while (!lex->cmd->literal && !lex_at_end(lex)) {
		if (lex->single)
			return lex_fail(lex, "Unexpected extra arguments");
		if (lex_space(lex) == -1 || append_message(lex) == -1)
			return -1;
	}
	return 0;
}

/*
 * append = "APPEND" SP mailbox 1*append-message
 * append-message = SP [flag-list SP] [date-time SP] append-data
 */
int
imap_parse_append(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || lex_mailbox(lex, &lex->cmd->name) == -1 ||
	    lex_space(lex) == -1 || append_message(lex) == -1)
		return -1;
	return append_messages(lex);
}

int
imap_parse_append_more(struct imap_lex *lex, bool part)
{
	if (part) {
		if (cat_parts(lex) == -1)
			return -1;
	} else if (step_new(lex, IMAP_STEP_END) == NULL)
		return -1;
	return append_messages(lex);
}

/* replace = "REPLACE" SP seq-number SP mailbox append-message (RFC 8508) */
int
imap_parse_replace(struct imap_lex *lex)
{
	struct imap_set *set = &lex->cmd->set;
	uint32_t n = IMAP_STAR;

	lex->single = true;
	if (lex_space(lex) == -1)
		return -1;
	if (lex_peek(lex, '*'))
		lex->p++;
	else if (lex_nznumber(lex, &n) == -1)
		return -1;
	set->range = imap_cmd_alloc(lex->cmd, sizeof(*set->range));
	set->range->first = set->range->last = n;
	set->n = 1;
	return imap_parse_append(lex);
}
