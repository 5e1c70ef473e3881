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
 * GETMETADATA and SETMETADATA (RFC 5464 section 5), and METADATA of LIST (RFC
 * 9590).  Names of entries are taken down to lower case: they have none.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "imap_local.h"

/* Parts of the name, or 0 where it is none (section 3.2). */
static unsigned int
components(const struct imap_str *s)
{
	unsigned int n = 0;

	if (s->len == 0 || s->p[0] != '/' || s->p[s->len - 1] == '/' ||
	    memchr(s->p, '*', s->len) != NULL ||
	    memchr(s->p, '%', s->len) != NULL)
		return 0;
	for (size_t i = 0; i < s->len; i++) {
		if ((uint8_t)s->p[i] < 0x20 || (uint8_t)s->p[i] >= 0x7f ||
		    (s->p[i] == '/' && s->p[i + 1] == '/'))
			return 0;
		n += s->p[i] == '/';
	}
	return n;
}

static bool
begins(const struct imap_str *s, const char *with)
{
	size_t len = strlen(with);

	return s->len >= len && memcmp(s->p, with, len) == 0 &&
	    (s->len == len || s->p[len] == '/');
}

/* set: it is to have a value, so it is more than the begin of names. */
static int
entry(struct imap_lex *lex, bool set, struct imap_str *s)
{
	unsigned int n;
	char *p;

	if (lex_astring(lex, s) == -1)
		return -1;
	p = imap_cmd_alloc(lex->cmd, s->len + 1);
	for (size_t i = 0; i < s->len; i++)
		p[i] = (char)tolower((unsigned char)s->p[i]);
	s->p = p;
	n = components(s);
	if (n == 0 || (!begins(s, "/private") && !begins(s, "/shared")) ||
	    (set && n < 2))
		return lex_fail(lex, "No entry can have that name");
	if (set && n < 4 &&
	    (begins(s, "/private/vendor") || begins(s, "/shared/vendor")))
		return lex_fail(lex, "Whose entry is that?");
	return 0;
}

static int
entry_new(struct imap_lex *lex, bool set, struct imap_entry **e)
{
	struct imap_cmd *cmd = lex->cmd;

	if (cmd->entries == NULL)
		cmd->entries = imap_cmd_alloc(
		    cmd, IMAP_ENTRIES_MAX * sizeof(*cmd->entries));
	if (cmd->nentries == IMAP_ENTRIES_MAX)
		return lex_fail(lex, "Too many entries");
	*e = &cmd->entries[cmd->nentries++];
	return entry(lex, set, &(*e)->name);
}

/* entries = entry / "(" entry *(SP entry) ")" */
int
imap_parse_entries(struct imap_lex *lex)
{
	struct imap_entry *e;

	if (!lex_peek(lex, '('))
		return entry_new(lex, false, &e);
	lex->p++;
	for (int n = 0; n == 0 || !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) ||
		    entry_new(lex, false, &e) == -1)
			return -1;
	return 0;
}

static int
option(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_take(lex, "MAXSIZE")) {
		if (lex_space(lex) == -1)
			return -1;
		return lex_number(lex, &cmd->maxsize, UINT32_MAX);
	}
	if (!lex_take(lex, "DEPTH"))
		return lex_fail(lex, "Unknown GETMETADATA option");
	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "0"))
		cmd->depth = 0;
	else if (lex_take(lex, "1"))
		cmd->depth = 1;
	else if (lex_take(lex, "infinity"))
		cmd->depth = IMAP_DEPTH_INFINITY;
	else
		return lex_fail(lex, "DEPTH is 0, 1 or infinity");
	return 0;
}

static int
options(struct imap_lex *lex)
{
	lex->p++;
	for (int n = 0; n == 0 || !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || option(lex) == -1)
			return -1;
	return lex_space(lex);
}

/* Is a list of options here?  Entries begin with a slash. */
static bool
options_here(const struct imap_lex *lex)
{
	return lex_peek(lex, '(') && lex->end - lex->p > 1 &&
	    isalpha(lex->p[1]) != 0;
}

/*
 * getmetadata = "GETMETADATA" [SP options] SP mailbox SP entries; the examples
 * of the RFC have the options after the mailbox, and so do clients.
 */
int
imap_parse_getmetadata(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->maxsize = UINT64_MAX;
	if (lex_space(lex) == -1 || (options_here(lex) && options(lex) == -1) ||
	    lex_mailbox(lex, &cmd->name) == -1 || lex_space(lex) == -1 ||
	    (options_here(lex) && options(lex) == -1))
		return -1;
	return imap_parse_entries(lex);
}

/* entry-value = entry SP (nstring / literal8) */
static int
entry_value(struct imap_lex *lex)
{
	struct imap_entry *e;
	int result;
	bool nil;

	if (entry_new(lex, true, &e) == -1 || lex_space(lex) == -1)
		return -1;
	lex->binary = true;
	result = lex_nstring(lex, &e->value, &nil);
	lex->binary = false;
	e->set = result == 0 && !nil;
	return result;
}

int
imap_parse_setmetadata(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || lex_mailbox(lex, &lex->cmd->name) == -1 ||
	    lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	for (int n = 0; n == 0 || !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || entry_value(lex) == -1)
			return -1;
	return 0;
}
