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
 * GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 section 7).
 */

#include <sys/types.h>

#include "imap_local.h"

/* getquota = "GETQUOTA" SP quota-root-name */
int
imap_parse_getquota(struct imap_lex *lex)
{
	if (lex_space(lex) == -1)
		return -1;
	return lex_astring(lex, &lex->cmd->name);
}

/*
 * setquota-resource = resource-name SP resource-limit.  What is named twice
 * has the last limit.
 */
static int
resource(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_str name;
	uint64_t limit;

	if (lex_atom(lex, &name) == -1 || lex_space(lex) == -1 ||
	    lex_number(lex, &limit, INT64_MAX) == -1)
		return -1;
	if (imap_equal(&name, "STORAGE"))
		cmd->quota = limit;
	else if (imap_equal(&name, "MESSAGE"))
		cmd->quota_messages = limit;
	else
		cmd->quota_other = true;
	return 0;
}

/* setquota = "SETQUOTA" SP quota-root-name SP setquota-list */
int
imap_parse_setquota(struct imap_lex *lex)
{
	int n;

	lex->cmd->quota = lex->cmd->quota_messages = IMAP_QUOTA_NONE;
	if (imap_parse_getquota(lex) == -1 || lex_space(lex) == -1 ||
	    lex_char(lex, '(') == -1)
		return -1;
	for (n = 0; !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || resource(lex) == -1)
			return -1;
	return 0;
}
