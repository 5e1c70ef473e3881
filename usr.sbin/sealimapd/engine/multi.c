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
 * ESEARCH in several mailboxes (RFC 7377): one search after the other, each
 * with a line of its own if it has found anything.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "search.h"

bool
multi_selected_only(const struct imap_cmd *cmd)
{
	const struct imap_notify *where = cmd->notify;
	size_t i;

	for (i = 0; i < where->n; i++)
		if (where->group[i].filter != IMAP_FILTER_SELECTED &&
		    where->group[i].filter != IMAP_FILTER_DELAYED)
			return false;
	return true;
}

/* What has a meaning in the selected mailbox alone (section 2.2). */
static bool
is_about_selected(const struct imap_cmd *cmd)
{
	size_t i;

	for (i = 0; i < cmd->nkeys; i++)
		if (cmd->keys[i].op == IMAP_KEY_SEQ || cmd->keys[i].set.saved)
			return true;
	return (cmd->returns & IMAP_RETURN_SAVE) != 0;
}

bool
multi_check(struct job *job)
{
	const struct imap_cmd *cmd = job->cmd;

	if (cmd->notify->overflow)
		job_done(job, "NO", "[LIMIT] Too many mailboxes are named");
	else if (cmd->notify->has_selected && job->conn->state != CONN_SELECTED)
		job_done(job, "BAD", "No mailbox is selected");
	else if (!multi_selected_only(cmd) && is_about_selected(cmd))
		job_done(job, "BAD",
		    "Message numbers and $ are of the selected mailbox");
	else
		return true;
	return false;
}

struct multi *
multi_start(struct job *job, const uint8_t *program, size_t len)
{
	struct multi *m;
	struct msgout *o;

	m = calloc(1, sizeof(*m));
	if (m == NULL || (m->program = malloc(len)) == NULL)
		fatal("search");
	memcpy(m->program, program, len);
	m->len = len;
	m->listing = true;
	o = job_request(job, V_LIST);
	msg_put_u8(o, BOX_NUMBERS);
	msg_send(o);
	return m;
}

void
multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	freezero(m->program, m->len);
	boxes_clear(&m->boxes);
	free(m);
}

static bool
is_wanted(const struct job *job, const struct box *box)
{
	const struct imap_cmd *cmd = job->cmd;

	if (!box->exists || !box->counted)
		return false;
	if (cmd->notify->has_selected && box->id == job->conn->box_id)
		return true;
	return !multi_selected_only(cmd) &&
	    notify_wanted(cmd->notify, box->name, box->len, box->subscribed) !=
	    0;
}

void
multi_box(struct job *job, struct multi *m, struct msg *msg)
{
	struct box *box;

	if (boxes_add(&m->boxes, msg) == -1) {
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	box = &m->boxes.box[m->boxes.n - 1];
	if (is_wanted(job, box))
		return;
	freezero(box->name, box->len + 1);
	memset(box, 0, sizeof(*box));
	m->boxes.n--;
}

const struct box *
multi_now(const struct multi *m)
{
	return m->at < m->boxes.n ? &m->boxes.box[m->at] : NULL;
}

const struct box *
multi_next(struct multi *m)
{
	if (m->listing)
		m->listing = false;
	else
		m->at++;
	return multi_now(m);
}

void
multi_correlate(struct imap_buf *b, const struct conn *c, const struct multi *m)
{
	const struct box *box = multi_now(m);

	imap_puts(b, " MAILBOX ");
	imap_put_mailbox(b, box->name, box->len, c->utf8);
	imap_puts(b, " UIDVALIDITY ");
	imap_put_number(b, box->number[3]);
}
