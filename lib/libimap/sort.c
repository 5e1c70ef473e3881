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
 * SORT and THREAD (RFC 5256; RFC 5957 for the display names; RFC 5267 for
 * SORT with RETURN): what stands before the keys, which are those of SEARCH.
 */

#include <sys/types.h>

#include <string.h>

#include "imap_local.h"

static const struct {
	const char *name;
	enum imap_sort sort;
} criteria[] = {
    {"ARRIVAL", IMAP_SORT_ARRIVAL},
    {"CC", IMAP_SORT_CC},
    {"DATE", IMAP_SORT_DATE},
    {"FROM", IMAP_SORT_FROM},
    {"SIZE", IMAP_SORT_SIZE},
    {"SUBJECT", IMAP_SORT_SUBJECT},
    {"TO", IMAP_SORT_TO},
    {"DISPLAYFROM", IMAP_SORT_DISPLAYFROM},
    {"DISPLAYTO", IMAP_SORT_DISPLAYTO},
};

#define CRITERIA (sizeof(criteria) / sizeof(criteria[0]))

/* sort-criterion = ["REVERSE" SP] sort-key */
static int
criterion(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	uint8_t reverse = 0;
	size_t i;

	if (lex_take(lex, "REVERSE")) {
		reverse = IMAP_SORT_REVERSE;
		if (lex_space(lex) == -1)
			return -1;
	}
	for (i = 0; i < CRITERIA; i++)
		if (lex_take(lex, criteria[i].name))
			break;
	if (i == CRITERIA)
		return lex_fail(lex, "Unknown sort criterion");
	if (cmd->nsort == IMAP_SORT_MAX)
		return lex_fail(lex, "Too many sort criteria");
	cmd->sort[cmd->nsort++] = (uint8_t)criteria[i].sort | reverse;
	return 0;
}

/*
 * sort = "SORT" [SP "RETURN" SP "(" ... ")"] SP
 *        "(" sort-criterion *(SP sort-criterion) ")" SP
 *        charset 1*(SP search-key)
 */
int
imap_parse_sort(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || imap_search_return(lex) == -1 ||
	    lex_char(lex, '(') == -1)
		return -1;
	do {
		if ((lex->cmd->nsort > 0 && lex_space(lex) == -1) ||
		    criterion(lex) == -1)
			return -1;
	} while (!lex_close(lex));
	return lex_space(lex) == -1 ? -1 : imap_search_program(lex, true);
}

/* thread = "THREAD" SP thread-alg SP charset 1*(SP search-key) */
int
imap_parse_thread(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "REFERENCES"))
		cmd->thread = IMAP_THREAD_REFERENCES;
	else if (lex_take(lex, "ORDEREDSUBJECT"))
		cmd->thread = IMAP_THREAD_ORDEREDSUBJECT;
	else
		return lex_fail(lex, "Unknown threading algorithm");
	return lex_space(lex) == -1 ? -1 : imap_search_program(lex, true);
}

/* cancelupdate = "CANCELUPDATE" 1*(SP quoted), RFC 5267 section 6 */
int
imap_parse_cancelupdate(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->words = imap_cmd_alloc(cmd, IMAP_WORDS_MAX * sizeof(*cmd->words));
	do {
		if (cmd->nwords == IMAP_WORDS_MAX)
			return lex_fail(lex, "Too many tags");
		if (lex_space(lex) == -1 ||
		    lex_string(lex, &cmd->words[cmd->nwords++]) == -1)
			return -1;
	} while (!lex_at_end(lex));
	return 0;
}

/* "IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")" SP */
static int
sources(struct imap_lex *lex)
{
	struct imap_notify *where = lex->cmd->notify;
	struct imap_event_group over, *g;

	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	do {
		if (where->n > 0 && lex_space(lex) == -1)
			return -1;
		/* Scope options may stand here, of which there are none. */
		if (lex_peek(lex, '('))
			return lex_fail(lex, "Unknown scope option");
		memset(&over, 0, sizeof(over));
		where->overflow |= where->n == IMAP_NOTIFY_GROUPS_MAX;
		g = where->overflow ? &over : &where->group[where->n++];
		if (imap_filter(lex, g, true) == -1)
			return -1;
		g->events = IMAP_EVENT_MESSAGE;
		if (g->filter == IMAP_FILTER_SELECTED ||
		    g->filter == IMAP_FILTER_DELAYED)
			where->has_selected = true;
	} while (!lex_close(lex));
	return lex_space(lex);
}

/*
 * esearch = "ESEARCH" [SP "IN" SP "(" ... ")"] [SP "RETURN" SP "(" ... ")"]
 *           SP search-program (RFC 7377 section 3)
 */
int
imap_parse_esearch(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->uid = true;
	cmd->notify = imap_cmd_alloc(cmd, sizeof(*cmd->notify));
	cmd->notify->group = imap_cmd_alloc(
	    cmd, IMAP_NOTIFY_GROUPS_MAX * sizeof(*cmd->notify->group));
	if (lex_space(lex) == -1)
		return -1;
	if (!lex_take(lex, "IN"))
		cmd->notify->has_selected = true;
	else if (sources(lex) == -1)
		return -1;
	if (imap_search_return(lex) == -1)
		return -1;
	if (!lex_take(lex, "CHARSET"))
		return imap_search_program(lex, false);
	return lex_space(lex) == -1 ? -1 : imap_search_program(lex, true);
}
