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
 * APPEND as far as its message, which is not part of the command: the reader
 * hands its octets out as they come.
 */

#include <sys/types.h>

#include "imap_local.h"

/*
 * append-opts SP append-data, without the first space; the input ends behind
 * the literal's braces.  literal8 is a message that may hold NUL (RFC 3516).
 */
static int
append_message(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_literal literal;

	if (lex_peek(lex, '(')) {
		if (lex_flags(lex, true) == -1 || lex_space(lex) == -1)
			return -1;
	}
	if (lex_peek(lex, '"')) {
		if (lex_date_time(lex, &cmd->date, &cmd->zone) == -1 ||
		    lex_space(lex) == -1)
			return -1;
		cmd->has_date = true;
	}
	/* utf8-literal = "UTF8" SP "(" literal8 ")" (RFC 6855 section 4) */
	if (lex_take(lex, "UTF8")) {
		if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
			return -1;
		if (!lex_peek(lex, '~'))
			return lex_fail(lex, "literal8 expected");
		cmd->wrapped = true;
	}
	if (!imap_literal_find(lex->p, (size_t)(lex->end - lex->p), &literal) ||
	    literal.len != (size_t)(lex->end - lex->p))
		return lex_fail(lex, "Message literal expected");
	cmd->size = literal.overflow ? UINT64_MAX : literal.size;
	cmd->sync = !literal.nonsync;
	cmd->binary = literal.binary;
	lex->p = lex->end;
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
	    lex_space(lex) == -1)
		return -1;
	return append_message(lex);
}

int
imap_parse_append_more(struct imap_lex *lex)
{
	return lex_space(lex) == -1 ? -1 : append_message(lex);
}

/* replace = "REPLACE" SP seq-number SP mailbox append-message (RFC 8508) */
int
imap_parse_replace(struct imap_lex *lex)
{
	struct imap_set *set = &lex->cmd->set;
	uint32_t n = IMAP_STAR;

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
