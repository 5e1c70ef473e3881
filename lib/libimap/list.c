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
 * LIST with its options (RFC 5258, RFC 5819, RFC 6154; RFC 9051 6.3.9), and
 * LSUB.
 */

#include <sys/types.h>

#include "imap_local.h"

struct option {
	const char *name;
	uint32_t bit;
};

static const struct option selections[] = {
    {"SUBSCRIBED", IMAP_LIST_SUBSCRIBED},
    {"REMOTE", IMAP_LIST_REMOTE},
    {"RECURSIVEMATCH", IMAP_LIST_RECURSIVE},
    {"SPECIAL-USE", IMAP_LIST_SPECIAL_USE},
    {NULL, 0},
};

static const struct option returns[] = {
    {"SUBSCRIBED", IMAP_LIST_SUBSCRIBED},
    {"CHILDREN", IMAP_LIST_CHILDREN},
    {"SPECIAL-USE", IMAP_LIST_SPECIAL_USE},
    {"STATUS", IMAP_LIST_STATUS},
    {"METADATA", IMAP_LIST_METADATA},
    {NULL, 0},
};

/* "(" [option *(SP option)] ")" */
static int
options(struct imap_lex *lex, const struct option *table, uint32_t *bits)
{
	const struct option *o;
	int n;

	if (lex_char(lex, '(') == -1)
		return -1;
	for (n = 0; !lex_close(lex); n++) {
		if (n > 0 && lex_space(lex) == -1)
			return -1;
		for (o = table; o->name != NULL; o++)
			if (lex_take(lex, o->name))
				break;
		if (o->name == NULL)
			return lex_fail(lex, "Unknown LIST option");
		*bits |= o->bit;
		if (o->bit == IMAP_LIST_STATUS &&
		    (lex_space(lex) == -1 || lex_status_items(lex) == -1))
			return -1;
		if (o->bit == IMAP_LIST_METADATA &&
		    (lex_space(lex) == -1 || !lex_peek(lex, '(') ||
			imap_parse_entries(lex) == -1))
			return lex_fail(lex, "Entries expected");
	}
	return 0;
}

/* patterns = "(" list-mailbox *(SP list-mailbox) ")" */
static int
patterns(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	lex->p++;
	do {
		if (cmd->nwords > 0 && lex_space(lex) == -1)
			return -1;
		if (cmd->nwords == IMAP_WORDS_MAX)
			return lex_fail(lex, "Too many patterns");
		if (lex_pattern(lex, &cmd->words[cmd->nwords++]) == -1)
			return -1;
	} while (!lex_close(lex));
	return 0;
}

int
imap_parse_list(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->words = imap_cmd_alloc(cmd, IMAP_WORDS_MAX * sizeof(*cmd->words));
	if (lex_space(lex) == -1)
		return -1;
	if (lex_peek(lex, '(')) {
		cmd->list_extended = true;
		if (options(lex, selections, &cmd->list_select) == -1 ||
		    lex_space(lex) == -1)
			return -1;
		/* RFC 5258 section 3.1: not alone, nor with REMOTE only. */
		if ((cmd->list_select & IMAP_LIST_RECURSIVE) != 0 &&
		    (cmd->list_select &
			(IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)) == 0)
			return lex_fail(lex, "RECURSIVEMATCH of what?");
	}
	if (lex_mailbox(lex, &cmd->name2) == -1 || lex_space(lex) == -1)
		return -1;
	if (lex_peek(lex, '(')) {
		cmd->list_extended = true;
		if (patterns(lex) == -1)
			return -1;
	} else if (lex_pattern(lex, &cmd->words[cmd->nwords++]) == -1)
		return -1;
	if (!lex_peek(lex, ' '))
		return 0;
	lex->p++;
	cmd->list_extended = true;
	if (!lex_take(lex, "RETURN"))
		return lex_fail(lex, "Unexpected extra arguments");
	if (lex_space(lex) == -1)
		return -1;
	return options(lex, returns, &cmd->list_return);
}

int
imap_parse_lsub(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->words = imap_cmd_alloc(cmd, sizeof(*cmd->words));
	if (lex_space(lex) == -1 || lex_mailbox(lex, &cmd->name2) == -1 ||
	    lex_space(lex) == -1 || lex_pattern(lex, &cmd->words[0]) == -1)
		return -1;
	cmd->nwords = 1;
	return 0;
}
