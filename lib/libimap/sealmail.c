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
 * XSEALMAIL, the extension for secrets of an account; xsealmail(7) is its page.
 */

#include <sys/types.h>

#include "imap_local.h"

/* SP astring */
static int
argument(struct imap_lex *lex, struct imap_str *s)
{
	return lex_space(lex) == -1 || lex_astring(lex, s) == -1 ? -1 : 0;
}

static const struct {
	const char *name;
	uint32_t bit;
} scopes[] = {
    {"imap", IMAP_SCOPE_IMAP},
    {"submission", IMAP_SCOPE_SUBMISSION},
    {"manage", IMAP_SCOPE_MANAGE},
};

/* scope *("," scope) */
static int
parse_scope(struct imap_lex *lex)
{
	size_t i;

	if (lex_space(lex) == -1)
		return -1;
	for (;;) {
		for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
			if (lex_take(lex, scopes[i].name))
				break;
		if (i == sizeof(scopes) / sizeof(scopes[0]))
			return lex_fail(lex, "Unknown scope");
		lex->cmd->seal_scope |= scopes[i].bit;
		if (!lex_peek(lex, ','))
			return 0;
		lex->p++;
	}
}

static int
parse_app(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "LIST")) {
		cmd->seal_op = IMAP_SEAL_LIST;
		return 0;
	}
	if (lex_take(lex, "ADD")) {
		cmd->seal_op = IMAP_SEAL_APP_ADD;
		if (argument(lex, &cmd->secret) == -1 ||
		    argument(lex, &cmd->name2) == -1)
			return -1;
		return parse_scope(lex);
	}
	if (lex_take(lex, "REVOKE")) {
		cmd->seal_op = IMAP_SEAL_APP_REVOKE;
		if (argument(lex, &cmd->secret) == -1 || lex_space(lex) == -1)
			return -1;
		return lex_nznumber(lex, &cmd->seal_slot);
	}
	return lex_fail(lex, "Unknown APP command");
}

static int
parse_undelete(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "LIST")) {
		cmd->seal_op = IMAP_SEAL_DELETED;
		return 0;
	}
	if (!lex_take(lex, "RESTORE"))
		return lex_fail(lex, "Unknown UNDELETE command");
	cmd->seal_op = IMAP_SEAL_UNDELETE;
	if (argument(lex, &cmd->name2) == -1)
		return -1;
	return lex_peek(lex, ' ') ? argument(lex, &cmd->seal_box) : 0;
}

static int
parse_deleted(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "CONFIRM"))
		cmd->seal_op = IMAP_SEAL_CONFIRM;
	else if (lex_take(lex, "PURGE"))
		cmd->seal_op = IMAP_SEAL_PURGE;
	else
		return lex_fail(lex, "Unknown DELETED command");
	return argument(lex, &cmd->secret);
}

/* SP name SP value */
static int
parse_set(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->seal_op = IMAP_SEAL_SET;
	if (lex_space(lex) == -1)
		return -1;
	if (!lex_take(lex, "SAVE-SENT"))
		return lex_fail(lex, "Unknown setting");
	if (lex_space(lex) == -1)
		return -1;
	cmd->seal_on = lex_take(lex, "YES");
	if (!cmd->seal_on && !lex_take(lex, "NO"))
		return lex_fail(lex, "YES or NO");
	return 0;
}

static int
parse_scram(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "ON"))
		cmd->seal_op = IMAP_SEAL_SCRAM_ON;
	else if (lex_take(lex, "OFF"))
		cmd->seal_op = IMAP_SEAL_SCRAM_OFF;
	else
		return lex_fail(lex, "Unknown SCRAM command");
	return argument(lex, &cmd->secret);
}

int
imap_parse_sealmail(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "USER") &&
	    (argument(lex, &cmd->name) == -1 || lex_space(lex) == -1))
		return -1;
	if (lex_take(lex, "APP"))
		return parse_app(lex);
	if (lex_take(lex, "UNDELETE"))
		return parse_undelete(lex);
	if (lex_take(lex, "VERIFY")) {
		cmd->seal_op = IMAP_SEAL_VERIFY;
		return 0;
	}
	if (lex_take(lex, "REINDEX")) {
		cmd->seal_op = IMAP_SEAL_REINDEX;
		return 0;
	}
	if (lex_take(lex, "DELETED"))
		return parse_deleted(lex);
	if (lex_take(lex, "SETTINGS")) {
		cmd->seal_op = IMAP_SEAL_SETTINGS;
		return 0;
	}
	if (lex_take(lex, "SET"))
		return parse_set(lex);
	if (lex_take(lex, "SCRAM"))
		return parse_scram(lex);
	if (lex_take(lex, "PASSWD")) {
		cmd->seal_op = IMAP_SEAL_PASSWD;
		if (argument(lex, &cmd->secret) == -1)
			return -1;
		return argument(lex, &cmd->name2);
	}
	if (lex_take(lex, "RECOVER"))
		cmd->seal_op = IMAP_SEAL_RECOVER;
	else if (lex_take(lex, "REKEY"))
		cmd->seal_op = IMAP_SEAL_REKEY;
	else
		return lex_fail(lex, "Unknown XSEALMAIL command");
	return argument(lex, &cmd->secret);
}
