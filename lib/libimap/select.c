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
 * SELECT and EXAMINE, with the parameters of RFC 7162: CONDSTORE, and what a
 * client that comes back knows of the mailbox.
 */

#include <sys/types.h>

#include "imap_local.h"

static uint64_t
set_count(const struct imap_set *set)
{
	uint64_t n;
	size_t i;

	for (n = 0, i = 0; i < set->n; i++)
		n += set->range[i].last - set->range[i].first + 1ULL;
	return n;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static int
match_data(struct imap_lex *lex, struct imap_resync *r)
{
	if (lex_char(lex, '(') == -1 || lex_numbers(lex, &r->seqs) == -1 ||
	    lex_space(lex) == -1 || lex_numbers(lex, &r->uids) == -1 ||
	    lex_char(lex, ')') == -1)
		return -1;
	if (set_count(&r->seqs) != set_count(&r->uids))
		return lex_fail(lex, "Not as many UIDs as numbers");
	return 0;
}

/*
 * "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
 * [SP seq-match-data] ")"
 */
static int
resync(struct imap_lex *lex)
{
	struct imap_resync *r;

	r = lex->cmd->resync = imap_cmd_alloc(lex->cmd, sizeof(*r));
	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1 ||
	    lex_nznumber(lex, &r->uidvalidity) == -1 || lex_space(lex) == -1 ||
	    lex_modseq(lex, &r->modseq, false) == -1)
		return -1;
	if (lex_close(lex))
		return 0;
	if (lex_space(lex) == -1)
		return -1;
	if (!lex_peek(lex, '(')) {
		if (lex_numbers(lex, &r->known) == -1)
			return -1;
		if (lex_close(lex))
			return 0;
		if (lex_space(lex) == -1)
			return -1;
	}
	return match_data(lex, r) == -1 ? -1 : lex_char(lex, ')');
}

/* select = "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"] */
int
imap_parse_select(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	int n;

	if (lex_space(lex) == -1 || lex_mailbox(lex, &cmd->name) == -1)
		return -1;
	if (!lex_peek(lex, ' '))
		return 0;
	lex->p++;
	if (lex_char(lex, '(') == -1)
		return -1;
	n = 0;
	do {
		if (n++ > 0 && lex_space(lex) == -1)
			return -1;
		if (lex_take(lex, "CONDSTORE"))
			cmd->condstore = true;
		else if (cmd->resync == NULL && lex_take(lex, "QRESYNC")) {
			if (resync(lex) == -1)
				return -1;
		} else
			return lex_fail(lex, "Unknown SELECT parameter");
	} while (!lex_close(lex));
	return 0;
}
