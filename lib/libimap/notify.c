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
 * NOTIFY (RFC 5465 section 8).  A list that is longer than we keep is read to
 * its end all the same: it is not wrong, it is too much.
 */

#include <sys/types.h>

#include <string.h>

#include "imap_local.h"

static const struct {
	const char *name;
	uint32_t bit;
} events[] = {
    {"MessageNew", IMAP_EVENT_NEW},
    {"MessageExpunge", IMAP_EVENT_EXPUNGE},
    {"FlagChange", IMAP_EVENT_FLAGS},
    {"MailboxName", IMAP_EVENT_NAME},
    {"SubscriptionChange", IMAP_EVENT_SUBSCRIPTION},
    {"MailboxMetadataChange", IMAP_EVENT_METADATA},
    {"ServerMetadataChange", IMAP_EVENT_SERVER_METADATA},
};

static const struct {
	const char *name;
	enum imap_filter filter;
	bool names;
} filters[] = {
    {"SELECTED", IMAP_FILTER_SELECTED, false},
    {"SELECTED-DELAYED", IMAP_FILTER_DELAYED, false},
    {"INBOXES", IMAP_FILTER_PERSONAL, false},
    {"PERSONAL", IMAP_FILTER_PERSONAL, false},
    {"SUBSCRIBED", IMAP_FILTER_SUBSCRIBED, false},
    {"SUBTREE", IMAP_FILTER_SUBTREE, true},
    {"SUBTREE-ONE", IMAP_FILTER_SUBTREE_ONE, true},
    {"MAILBOXES", IMAP_FILTER_MAILBOXES, true},
};

static bool
is_selected(const struct imap_event_group *g)
{
	return g->filter == IMAP_FILTER_SELECTED ||
	    g->filter == IMAP_FILTER_DELAYED;
}

/* "(" fetch-att *(SP fetch-att) ")" after MessageNew */
static int
attributes(struct imap_lex *lex, const struct imap_event_group *g)
{
	struct imap_cmd *cmd = lex->cmd;

	if (!is_selected(g))
		return lex_fail(lex, "FETCH items are for SELECTED alone");
	if (cmd->sections != NULL)
		return lex_fail(lex, "FETCH items twice");
	return imap_parse_items(lex);
}

static int
event(struct imap_lex *lex, struct imap_event_group *g)
{
	struct imap_str name;
	size_t i, n = sizeof(events) / sizeof(events[0]);

	for (i = 0; i < n; i++)
		if (lex_take(lex, events[i].name))
			break;
	if (i == n) {
		/* AnnotationChange, and what others may invent. */
		if (lex_atom(lex, &name) == -1)
			return -1;
		lex->cmd->notify->unknown = true;
		return 0;
	}
	g->events |= events[i].bit;
	if (events[i].bit != IMAP_EVENT_NEW || lex->end - lex->p < 2 ||
	    lex->p[0] != ' ' || lex->p[1] != '(')
		return 0;
	lex->p++;
	return attributes(lex, g);
}

/* What of them must stand together (sections 5 and 6.1). */
static int
events_check(struct imap_lex *lex, const struct imap_event_group *g)
{
	uint32_t pair = g->events & (IMAP_EVENT_NEW | IMAP_EVENT_EXPUNGE);

	if (pair != 0 && pair != (IMAP_EVENT_NEW | IMAP_EVENT_EXPUNGE))
		return lex_fail(
		    lex, "MessageNew and MessageExpunge go together");
	if ((g->events & IMAP_EVENT_FLAGS) != 0 && pair == 0)
		return lex_fail(lex, "FlagChange needs MessageNew");
	if (is_selected(g) && (g->events & ~IMAP_EVENT_MESSAGE) != 0)
		return lex_fail(
		    lex, "Only events of messages are for SELECTED");
	return 0;
}

/* events = ( "(" event *(SP event) ")" ) / "NONE" */
static int
event_list(struct imap_lex *lex, struct imap_event_group *g)
{
	if (lex_take(lex, "NONE"))
		return 0;
	if (lex_char(lex, '(') == -1)
		return -1;
	for (int n = 0; n == 0 || !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || event(lex, g) == -1)
			return -1;
	return events_check(lex, g);
}

static int
add_name(struct imap_lex *lex, struct imap_event_group *g)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_str *grown, name;
	size_t size;

	if (lex_mailbox(lex, &name) == -1)
		return -1;
	/* What no mailbox can be called is none of them. */
	if (cmd->badname) {
		cmd->badname = false;
		return 0;
	}
	if (cmd->notify->names == IMAP_NOTIFY_NAMES_MAX) {
		cmd->notify->overflow = true;
		return 0;
	}
	if (g->n == g->size) {
		size = g->size == 0 ? 4 : 2 * g->size;
		grown = imap_cmd_alloc(cmd, size * sizeof(*grown));
		if (g->n > 0)
			memcpy(grown, g->name, g->n * sizeof(*grown));
		g->name = grown;
		g->size = size;
	}
	g->name[g->n++] = name;
	cmd->notify->names++;
	return 0;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static int
names(struct imap_lex *lex, struct imap_event_group *g)
{
	if (!lex_peek(lex, '('))
		return add_name(lex, g);
	lex->p++;
	for (int n = 0; n == 0 || !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || add_name(lex, g) == -1)
			return -1;
	return 0;
}

int
imap_filter(struct imap_lex *lex, struct imap_event_group *g, bool one)
{
	size_t i, n = sizeof(filters) / sizeof(filters[0]);

	for (i = 0; i < n; i++)
		if ((one || filters[i].filter != IMAP_FILTER_SUBTREE_ONE) &&
		    lex_take(lex, filters[i].name))
			break;
	if (i == n)
		return lex_fail(lex, "Unknown mailboxes");
	g->filter = filters[i].filter;
	if (!filters[i].names)
		return 0;
	return lex_space(lex) == -1 ? -1 : names(lex, g);
}

/* event-group = "(" filter-mailboxes SP events ")" */
static int
group(struct imap_lex *lex)
{
	struct imap_notify *notify = lex->cmd->notify;
	struct imap_event_group *g, over;

	memset(&over, 0, sizeof(over));
	notify->overflow |= notify->n == IMAP_NOTIFY_GROUPS_MAX;
	g = notify->n == IMAP_NOTIFY_GROUPS_MAX ? &over :
						  &notify->group[notify->n++];
	if (lex_char(lex, '(') == -1 || imap_filter(lex, g, false) == -1 ||
	    lex_space(lex) == -1 || event_list(lex, g) == -1)
		return -1;
	if (is_selected(g)) {
		if (notify->has_selected)
			return lex_fail(lex, "SELECTED stands there twice");
		notify->has_selected = true;
		notify->delayed = g->filter == IMAP_FILTER_DELAYED;
		notify->selected = g->events;
	}
	return lex_char(lex, ')');
}

/* notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE") */
int
imap_parse_notify(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_notify *notify;

	notify = cmd->notify = imap_cmd_alloc(cmd, sizeof(*notify));
	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "NONE"))
		return 0;
	if (!lex_take(lex, "SET"))
		return lex_fail(lex, "SET or NONE expected");
	notify->set = true;
	notify->group = imap_cmd_alloc(
	    cmd, IMAP_NOTIFY_GROUPS_MAX * sizeof(*notify->group));
	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "STATUS")) {
		notify->status = true;
		if (lex_space(lex) == -1)
			return -1;
	}
	for (int n = 0; n == 0 || lex_peek(lex, ' '); n++)
		if ((n > 0 && lex_space(lex) == -1) || group(lex) == -1)
			return -1;
	return 0;
}
