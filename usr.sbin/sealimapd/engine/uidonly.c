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
 * UIDONLY (RFC 9586): a session that knows messages by UID alone.
 */

#include <sys/types.h>

#include "engine.h"

/* Section 3.1; what a search by numbers would be told of has an end. */
void
uidonly_enable(struct conn *c)
{
	c->uidonly = true;
	contexts_numbers(c);
}

/* Section 3.5: "$" is no number (RFC 5182), it stands for messages. */
static bool
keys_by_numbers(const struct imap_cmd *cmd)
{
	for (size_t i = 0; i < cmd->nkeys; i++) {
		if (cmd->keys[i].op == IMAP_KEY_SEQ && !cmd->keys[i].set.saved)
			return true;
	}
	return false;
}

/* Sections 3.2, 3.5 and 3.8. */
bool
by_numbers(const struct imap_cmd *cmd)
{
	switch ((int)cmd->verb) {
	case IMAP_FETCH:
	case IMAP_STORE:
	case IMAP_COPY:
	case IMAP_MOVE:
	case IMAP_REPLACE:
		return !cmd->uid;
	case IMAP_SEARCH:
	case IMAP_SORT:
	case IMAP_THREAD:
		return !cmd->uid || keys_by_numbers(cmd);
	case IMAP_ESEARCH:
		return keys_by_numbers(cmd);
	case IMAP_SELECT:
	case IMAP_EXAMINE:
		return cmd->resync != NULL && cmd->resync->seqs.n > 0;
	default:
		return false;
	}
}

/* Section 3.3 */
void
put_fetch_begin(const struct conn *c, struct imap_buf *b, const struct row *row)
{
	imap_put(b, "* ", 2);
	imap_put_number(b, c->uidonly ? row->uid : row->seq);
	if (c->uidonly)
		imap_put(b, " UIDFETCH (", 11);
	else
		imap_put(b, " FETCH (", 8);
}
