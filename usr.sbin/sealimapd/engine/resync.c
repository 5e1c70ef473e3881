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
 * CONDSTORE and QRESYNC (RFC 7162): what a client that knows of MODSEQs is told
 * beside the rest.
 */

#include <sys/types.h>

#include <string.h>

#include "engine.h"
#include "log.h"

void
put_highest_modseq(struct imap_buf *b, uint64_t modseq)
{
	imap_puts(b, "* OK [HIGHESTMODSEQ ");
	imap_put_number(b, modseq);
	imap_puts(b, "] Highest\r\n");
}

/*
 * The first command that shows it, whichever it is, makes the vault tell the
 * highest MODSEQ of the selected box (section 3.1); nobody waits for its done.
 */
void
condstore_enable(struct conn *c)
{
	struct msgout *m;

	if (c->condstore)
		return;
	c->condstore = true;
	if (c->state != CONN_SELECTED)
		return;
	m = msg_new(c->vault, V_NOOP, c->next_id++);
	if (c->next_id == 0)
		c->next_id = 1;
	msg_put_u8(m, MODSEQ_NOW);
	msg_send(m);
}

/* The numbers of a set, one after another. */
struct walk {
	const struct imap_set *set;
	size_t range;
	uint64_t before; /* numbers in the ranges before it */
};

/* Number i; called with rising i. */
static uint32_t
walk_to(struct walk *w, uint64_t i)
{
	const struct imap_range *r = w->set->range;

	while (i - w->before > r[w->range].last - r[w->range].first) {
		w->before += r[w->range].last - r[w->range].first + 1ULL;
		w->range++;
	}
	return r[w->range].first + (uint32_t)(i - w->before);
}

static uint64_t
count(const struct imap_set *set)
{
	uint64_t n;
	size_t i;

	for (n = 0, i = 0; i < set->n; i++)
		n += set->range[i].last - set->range[i].first + 1ULL;
	return n;
}

/* Of very many pairs some: each says as much as those before it together. */
static void
put_pairs(struct msgout *m, const struct imap_resync *r)
{
	struct walk seqs = {&r->seqs, 0, 0}, uids = {&r->uids, 0, 0};
	uint64_t all, n, i, at;

	all = count(&r->seqs);
	n = all < MATCHES_MAX ? all : MATCHES_MAX;
	msg_put_u32(m, (uint32_t)n);
	for (i = 0; i < n; i++) {
		at = (i + 1) * all / n - 1;
		msg_put_u32(m, walk_to(&seqs, at));
		msg_put_u32(m, walk_to(&uids, at));
	}
}

void
resync_put(struct job *job, struct msgout *m)
{
	const struct imap_resync *r = job->cmd->resync;

	msg_put_u8(m, r != NULL);
	if (r == NULL)
		return;
	msg_put_u32(m, r->uidvalidity);
	msg_put_u64(m, r->modseq);
	put_pairs(m, r);
	msg_put_u32(m, 0); /* the set went ahead */
}

void
put_vanished(struct conn *c, struct msg *msg)
{
	struct imap_buf *b = conn_out(c);
	uint32_t i, n, first, last;

	n = msg_get_u32(msg);
	if (msg->bad || n == 0 || n > (msg->len - msg->off) / 8) {
		conn_protocol(c, "R_VANISHED");
		return;
	}
	imap_puts(b, "* VANISHED (EARLIER) ");
	for (i = 0; i < n; i++) {
		first = msg_get_u32(msg);
		last = msg_get_u32(msg);
		imap_put_range(b, first, last, i == 0);
	}
	imap_put(b, "\r\n", 2);
	if (msg_end(msg) == -1)
		conn_protocol(c, "R_VANISHED");
}

void
put_flag_rows(struct conn *c, struct msg *msg)
{
	struct imap_buf *b = conn_out(c);
	struct row row;

	while (msg->off < msg->len) {
		row_get(msg, &row, false);
		if (msg->bad || row.follows != 0) {
			conn_protocol(c, "rows of flags");
			return;
		}
		contexts_changed(c, row.uid, row.seq);
		put_fetch_begin(c, b, &row);
		if (!c->uidonly) {
			imap_puts(b, "UID ");
			imap_put_number(b, row.uid);
			imap_putc(b, ' ');
		}
		imap_puts(b, "FLAGS ");
		imap_put_flags(b, row.flags, c->keywords, c->nkeywords);
		if (c->condstore) {
			imap_puts(b, " MODSEQ (");
			imap_put_number(b, row.modseq);
			imap_putc(b, ')');
		}
		imap_put(b, ")\r\n", 3);
	}
}
