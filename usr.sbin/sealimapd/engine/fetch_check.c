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
 * BINARY, where it sets \Seen: what cannot be decoded is not read, so a pass
 * over the summaries tells those messages first, and only of the others is it
 * set (RFC 9051 section 6.4.5.1).
 */

#include <sys/types.h>

#include <stdlib.h>

#include "fetch.h"
#include "log.h"

bool
fetch_check_due(struct job *job)
{
	const struct imap_section *s = job->cmd->sections;
	const struct fetch *f = job->data;
	size_t i;

	if ((f->items & ROW_SET_SEEN) == 0)
		return false;
	for (i = 0; i < job->cmd->nsections; i++)
		if (!s[i].peek && s[i].nparts > 0 &&
		    s[i].kind == IMAP_SECTION_BINARY)
			return true;
	return false;
}

/* False: there is no room. */
static bool
add(struct fetch_uids *uids, const struct row *row)
{
	struct imap_range *last, *grown;
	size_t size;

	last = uids->set.n == 0 ? NULL : &uids->set.range[uids->set.n - 1];
	if (last != NULL && row->uid > last->last &&
	    row->seq == uids->seq + 1) {
		last->last = row->uid;
		uids->seq = row->seq;
		return true;
	}
	if (uids->set.n == uids->size) {
		if (uids->size == DEFERRED_MAX)
			return false;
		size = uids->size == 0 ? 64 : 2 * uids->size;
		grown = reallocarray(uids->set.range, size, sizeof(*grown));
		if (grown == NULL)
			fatal("fetch");
		uids->set.range = grown;
		uids->size = size;
	}
	last = &uids->set.range[uids->set.n++];
	last->first = last->last = row->uid;
	uids->seq = row->seq;
	return true;
}

void
fetch_check_row(struct job *job, const struct mime_summary *sum)
{
	const struct imap_cmd *cmd = job->cmd;
	struct fetch *f = job->data;
	bool good = sum == NULL;
	size_t i;

	for (i = 0; !good && i < cmd->nsections; i++)
		good = !cmd->sections[i].peek &&
		    fetch_decodes(&cmd->sections[i], sum);
	if (!add(good ? &f->good : &f->bad, &f->row) && job->result == DONE_OK)
		job->result = DONE_LIMIT;
}

bool
fetch_check_next(struct job *job)
{
	struct fetch *f = job->data;

	f->checking = false;
	if (f->good.set.n > 0) {
		fetch_ask(job, f->items, &f->good.set);
		f->good.set.n = 0;
		return true;
	}
	if (f->bad.set.n > 0) {
		f->items &= (uint8_t)~ROW_SET_SEEN;
		fetch_ask(job, f->items, &f->bad.set);
		f->bad.set.n = 0;
		return true;
	}
	return false;
}
