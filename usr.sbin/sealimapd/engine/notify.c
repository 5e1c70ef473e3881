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
 * NOTIFY (RFC 5465).  The vault says that something has happened, the engine
 * asks what, in moments in which no command is under way but IDLE, so that no
 * answer is torn; and it looks who is to be told: names and what lies below
 * them are known here alone.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

struct notify {
	struct imap_cmd *cmd; /* the last NOTIFY */
	bool due;             /* the vault has something to tell */
	uint32_t first, last; /* UIDs of which MessageNew is to be told, or 0 */
};

static void poll_answer(struct job *, struct msg *);
static void poll_done(struct job *, enum vault_result, const char *);

static const struct command poll_command = {IMAP_NOOP, IN_LOGGED, CLASS_FLOW,
    NULL, poll_answer, poll_done, NULL, NULL, NULL};

static const struct imap_notify *
wishes(const struct conn *c)
{
	return c->notify->cmd->notify;
}

static void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	imap_cmd_free(n->cmd);
	free(n);
}

void
notify_forget(struct conn *c)
{
	notify_free(c->notify);
	c->notify = NULL;
}

void
notify_unselect(struct conn *c)
{
	if (c->notify != NULL)
		c->notify->first = c->notify->last = 0;
}

bool
notify_selected(const struct conn *c, uint32_t event)
{
	return c->notify == NULL || (wishes(c)->selected & event) != 0;
}

/* Which events are told of a mailbox of that name? */
uint32_t
notify_wanted(
    const struct imap_notify *n, const char *name, size_t len, bool subscribed)
{
	const struct imap_event_group *g;
	const struct imap_str *s;
	uint32_t events = 0;
	bool hit;

	for (size_t i = 0; i < n->n; i++) {
		g = &n->group[i];
		hit = g->filter == IMAP_FILTER_PERSONAL ||
		    (g->filter == IMAP_FILTER_SUBSCRIBED && subscribed);
		for (size_t k = 0; k < g->n && !hit; k++) {
			s = &g->name[k];
			hit = len >= s->len &&
			    memcmp(name, s->p, s->len) == 0 &&
			    (len == s->len ||
				(name[s->len] == '/' &&
				    (g->filter == IMAP_FILTER_SUBTREE ||
					(g->filter == IMAP_FILTER_SUBTREE_ONE &&
					    memchr(name + s->len + 1, '/',
						len - s->len - 1) == NULL))));
		}
		if (hit)
			events |= g->events;
	}
	return events;
}

static bool
is_selected(const struct conn *c, const struct box *box)
{
	return c->state == CONN_SELECTED && c->box_id == box->id;
}

/* All that any of the events MUST or MAY have (sections 3.1 and 5). */
static void
put_status(struct conn *c, const struct box *box)
{
	struct imap_buf *b = conn_out(c);

	imap_puts(b, "* STATUS ");
	imap_put_mailbox(b, box->name, box->len, c->utf8);
	imap_puts(b, " (MESSAGES ");
	imap_put_number(b, box->number[0]);
	imap_puts(b, " UIDNEXT ");
	imap_put_number(b, box->number[2]);
	imap_puts(b, " UIDVALIDITY ");
	imap_put_number(b, box->number[3]);
	imap_puts(b, " UNSEEN ");
	imap_put_number(b, box->number[4]);
	if (c->condstore) {
		imap_puts(b, " HIGHESTMODSEQ ");
		imap_put_number(b, box->number[7]);
	}
	imap_puts(b, ")\r\n");
}

static void
put_list(struct conn *c, const struct box *box, bool children, const char *old)
{
	struct imap_buf *b = conn_out(c);

	imap_puts(b, "* LIST (");
	if (!box->exists)
		imap_puts(b, "\\NonExistent ");
	imap_puts(b, children ? "\\HasChildren" : "\\HasNoChildren");
	if (box->subscribed)
		imap_puts(b, " \\Subscribed");
	imap_put_uses(b, box->uses);
	imap_puts(b, ") \"/\" ");
	imap_put_mailbox(b, box->name, box->len, c->utf8);
	if (old[0] != '\0') {
		imap_puts(b, " (\"OLDNAME\" (");
		imap_put_mailbox(b, old, strlen(old), c->utf8);
		imap_puts(b, "))");
	}
	imap_puts(b, "\r\n");
}

/* The name of what has changed, not the value (RFC 5464 section 4.4.2). */
static void
put_metadata(struct conn *c, const char *name, size_t len, const char *entry)
{
	struct imap_buf *b = conn_out(c);

	imap_puts(b, "* METADATA ");
	imap_put_mailbox(b, name, len, c->utf8);
	imap_putc(b, ' ');
	imap_put_string(b, entry, strlen(entry));
	imap_puts(b, "\r\n");
}

/* Of the server, in whichever group it was asked for. */
static void
server_metadata(struct conn *c, const char *entry)
{
	const struct imap_notify *n = wishes(c);

	for (size_t i = 0; i < n->n; i++) {
		if ((n->group[i].events & IMAP_EVENT_SERVER_METADATA) == 0)
			continue;
		put_metadata(c, "", 0, entry);
		return;
	}
}

/* NOTIFY NONE, by our own wish (section 5.8). */
static void
overflow(struct conn *c)
{
	imap_puts(conn_out(c),
	    "* OK [NOTIFICATIONOVERFLOW] Too much has happened\r\n");
	imap_cmd_free(c->notify->cmd);
	c->notify->cmd = imap_cmd_new();
	c->notify->cmd->notify = imap_cmd_alloc(
	    c->notify->cmd, sizeof(*c->notify->cmd->notify));
}

static void
poll_answer(struct job *job, struct msg *msg)
{
	struct conn *c = job->conn;
	char old[BOX_NAME_MAX + 1];
	struct boxes boxes = {0};
	struct box *box;
	uint32_t events;
	uint8_t kinds;
	bool children;

	kinds = msg_get_u8(msg);
	if (msg->type == R_EVENT && (kinds & EVENT_OVERFLOW) != 0) {
		overflow(c);
		return;
	}
	(void)msg_get_str(msg, old, sizeof(old));
	if (msg->type == R_EVENT && kinds == EVENT_SERVER_METADATA) {
		server_metadata(c, old);
		return;
	}
	children = msg_get_u8(msg) != 0;
	if (msg->type != R_EVENT || boxes_add(&boxes, msg) == -1) {
		boxes_clear(&boxes);
		conn_protocol(c, "R_EVENT");
		return;
	}
	box = &boxes.box[0];
	events = notify_wanted(wishes(c), box->name, box->len, box->subscribed);
	if (kinds == EVENT_METADATA) {
		if ((events & IMAP_EVENT_METADATA) != 0)
			put_metadata(c, box->name, box->len, old);
		boxes_clear(&boxes);
		return;
	}
	if (old[0] != '\0')
		events |= notify_wanted(wishes(c), old, strlen(old), false);
	events &= kinds;
	if ((events & (IMAP_EVENT_NAME | IMAP_EVENT_SUBSCRIPTION)) != 0)
		put_list(c, box, children, old);
	else if (events != 0 && box->counted && !is_selected(c, box))
		put_status(c, box);
	boxes_clear(&boxes);
}

static void
poll_done(struct job *job, enum vault_result result, const char *detail)
{
	job_free(job);
}

struct job *
inner_job(struct conn *c, const struct command *command, enum imap_verb verb)
{
	struct imap_cmd *cmd;
	struct job *job;

	cmd = imap_cmd_new();
	cmd->verb = verb;
	job = job_new(c, cmd);
	TAILQ_REMOVE(&c->jobs, job, entry);
	TAILQ_INSERT_HEAD(&c->jobs, job, entry);
	if (command != NULL)
		job->command = command;
	job->silent = true;
	job->started = true;
	return job;
}

static void
poll_start(struct conn *c, bool idling)
{
	struct msgout *m;
	struct job *job;

	c->notify->due = false;
	job = inner_job(c, &poll_command, IMAP_NOOP);
	m = job_request(job, V_EVENTS);
	msg_put_u8(m,
	    c->state == CONN_SELECTED ?
		job_news_bits(job, idling || !wishes(c)->delayed) :
		0);
	msg_send(m);
}

/* What MessageNew wants of the new messages, as UID FETCH tells it. */
static void
fetch_new(struct conn *c)
{
	const struct imap_cmd *wish = c->notify->cmd;
	struct imap_cmd *cmd;
	struct job *job;

	job = inner_job(c, NULL, IMAP_FETCH);
	cmd = job->cmd;
	cmd->uid = true;
	cmd->items = wish->items | IMAP_ITEM_UID;
	cmd->sections = wish->sections;
	cmd->nsections = wish->nsections;
	cmd->nfields = wish->nfields;
	cmd->set.range = imap_cmd_alloc(cmd, sizeof(*cmd->set.range));
	cmd->set.range[0].first = c->notify->first;
	cmd->set.range[0].last = c->notify->last;
	cmd->set.n = 1;
	c->notify->first = c->notify->last = 0;
	job->command->start(job);
}

/*
 * Whether n UIDs with these ends are all there can be between them: one of
 * several may have gone, and another's come.  A host of two takes every second.
 */
static bool
no_gaps(uint32_t n, uint32_t first, uint32_t last)
{
	uint64_t span = (uint64_t)last - first;

	return n <= 2 || span == n - 1 || span == 2 * ((uint64_t)n - 1);
}

/*
 * New messages are known to the client.  Those that a command of its own has
 * put there are not told again, where nothing else is new (RFC 5465 5.2).
 */
void
notify_exists(struct conn *c, uint32_t n, uint32_t first, uint32_t last)
{
	const struct imap_cmd *wish;
	const struct job *job;

	if (c->notify == NULL)
		return;
	wish = c->notify->cmd;
	if (wish->items == 0 && wish->nsections == 0)
		return;
	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job->waiting > 0)
			break;
	if (job != NULL && n > 0 && job->placed.n == n &&
	    job->placed.first == first && job->placed.last == last &&
	    no_gaps(n, first, last))
		return;
	if (c->notify->first == 0)
		c->notify->first = first;
	c->notify->last = last;
}

void
notify_nudge(struct conn *c)
{
	if (c->notify != NULL)
		c->notify->due = true;
}

void
notify_run(struct conn *c)
{
	const struct job *job;
	bool idling = false;

	if (c->notify == NULL || (!c->notify->due && c->notify->first == 0) ||
	    (c->state != CONN_AUTH && c->state != CONN_SELECTED))
		return;
	if ((job = TAILQ_FIRST(&c->jobs)) != NULL) {
		idling = job->cmd->verb == IMAP_IDLE && job->started &&
		    job->waiting == 0 && TAILQ_NEXT(job, entry) == NULL;
		if (!idling)
			return;
	}
	if (c->notify->first != 0 && c->state == CONN_SELECTED)
		fetch_new(c);
	else {
		c->notify->first = c->notify->last = 0;
		if (c->notify->due)
			poll_start(c, idling);
	}
}

static void
ask_status(struct job *job)
{
	struct msgout *m;

	m = job_request(job, V_LIST);
	msg_put_u8(m, BOX_NUMBERS);
	msg_send(m);
}

/* What accumulated in the selected mailbox is told at once, as by NOOP. */
static void
ask_news(struct job *job)
{
	struct msgout *m;

	m = job_request(job, V_NOOP);
	msg_put_u8(
	    m, NEWS | NEWS_EXPUNGE | (job->conn->qresync ? MODSEQ_LOW : 0));
	msg_send(m);
}

void
notify_start(struct job *job)
{
	const struct imap_notify *n = job->cmd->notify;
	uint32_t events = 0;
	struct msgout *m;

	if (n->unknown) {
		job_done(job, "NO",
		    "[BADEVENT (MessageNew MessageExpunge FlagChange "
		    "MailboxName SubscriptionChange MailboxMetadataChange "
		    "ServerMetadataChange)] Unknown event");
		return;
	}
	if (n->overflow) {
		job_done(job, "NO", "[NOTIFICATIONOVERFLOW] Too much of it");
		return;
	}
	for (size_t i = 0; i < n->n; i++)
		if (n->group[i].filter != IMAP_FILTER_SELECTED &&
		    n->group[i].filter != IMAP_FILTER_DELAYED)
			events |= n->group[i].events;
	m = job_request(job, V_NOTIFY);
	msg_put_u8(m, (uint8_t)events);
	msg_put_u8(m, (uint8_t)n->selected);
	msg_send(m);
	if (n->set && n->status)
		ask_status(job);
	if (n->set && job->conn->state == CONN_SELECTED)
		ask_news(job);
}

void
notify_answer(struct job *job, struct msg *msg)
{
	const struct imap_notify *n = job->cmd->notify;
	struct boxes boxes = {0};
	const struct box *box;

	if (msg->type != R_BOX || boxes_add(&boxes, msg) == -1) {
		boxes_clear(&boxes);
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	box = &boxes.box[0];
	if (box->exists && box->counted && !is_selected(job->conn, box) &&
	    (notify_wanted(n, box->name, box->len, box->subscribed) &
		IMAP_EVENT_MESSAGE) != 0)
		put_status(job->conn, box);
	boxes_clear(&boxes);
}

void
notify_done(struct job *job, enum vault_result result, const char *detail)
{
	struct conn *c = job->conn;

	if (job->waiting > 0)
		return;
	if (job->result != DONE_OK) {
		job_result(job, job->result, NULL);
		return;
	}
	notify_forget(c);
	c->notify = calloc(1, sizeof(*c->notify));
	if (c->notify == NULL)
		fatal("notify");
	c->notify->cmd = job->cmd;
	/* The job keeps what is needed to answer. */
	job->cmd = imap_cmd_new();
	job->cmd->verb = IMAP_NOTIFY;
	(void)strlcpy(
	    job->cmd->tag, c->notify->cmd->tag, sizeof(job->cmd->tag));
	job_done(job, "OK", "So you will be told");
}
