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
 * LIST, LSUB and STATUS.  The vault names all boxes; hierarchy, patterns and
 * attributes are made here.  Sorted with '/' before every other octet, a box
 * is followed at once by all that is below it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

#define LIST_WORK 1000000 /* comparisons until others have their turn */

struct list {
	struct boxes boxes;
	char *pattern;
	size_t pattern_len;
	struct event yield; /* goes on after others had their turn */
	size_t next;        /* box to be told of */
	bool done;          /* all are known: only output is left */
};

void
boxes_clear(struct boxes *boxes)
{
	size_t i;

	for (i = 0; i < boxes->n; i++)
		freezero(boxes->box[i].name, boxes->box[i].len + 1);
	free(boxes->box);
	memset(boxes, 0, sizeof(*boxes));
}

int
boxes_add(struct boxes *boxes, struct msg *msg)
{
	struct box *box, *grown;
	const uint8_t *name;
	size_t size;

	if (boxes->n == BOXES_MAX)
		return -1;
	if (boxes->n == boxes->size) {
		size = boxes->size == 0 ? 16 : 2 * boxes->size;
		grown = recallocarray(
		    boxes->box, boxes->size, size, sizeof(*boxes->box));
		if (grown == NULL)
			fatal("boxes");
		boxes->box = grown;
		boxes->size = size;
	}
	box = &boxes->box[boxes->n];
	(void)msg_get_u64(msg);
	box->uses = msg_get_u16(msg);
	box->subscribed = msg_get_u8(msg) != 0;
	box->exists = msg_get_u8(msg) != 0;
	name = msg_get_bytes(msg, &box->len, BOX_NAME_MAX);
	if (msg_get_u8(msg) != 0 || name == NULL || msg_end(msg) == -1 ||
	    box->len == 0 || memchr(name, '\0', box->len) != NULL)
		return -1;
	box->name = calloc(1, box->len + 1);
	if (box->name == NULL)
		fatal("boxes");
	memcpy(box->name, name, box->len);
	boxes->n++;
	return 0;
}

static void list_again(int, short, void *);

static int
name_cmp(const void *a, const void *b)
{
	const struct box *x = a, *y = b;
	const unsigned char *p, *q;

	p = (const unsigned char *)x->name;
	q = (const unsigned char *)y->name;
	for (; *p == *q; p++, q++)
		if (*p == '\0')
			return 0;
	if (*p == '\0' || *q == '\0')
		return *p == '\0' ? -1 : 1;
	if (*p == '/' || *q == '/')
		return *p == '/' ? -1 : 1;
	return *p < *q ? -1 : 1;
}

/* Is name the box, or something below it? */
static bool
within(const struct box *box, const char *name, size_t len)
{
	return box->len >= len && memcmp(box->name, name, len) == 0 &&
	    (box->len == len || box->name[len] == '/');
}

void
list_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;
	struct list *l;

	if (cmd->name2.len + cmd->words[0].len > 2 * BOX_NAME_MAX) {
		job_done(job, "NO", "[LIMIT] Pattern too long");
		return;
	}
	/* The hierarchy's separator is asked for (RFC 3501 6.3.8). */
	if (cmd->verb == IMAP_LIST && cmd->words[0].len == 0 && !cmd->badname) {
		imap_puts(
		    conn_out(job->conn), "* LIST (\\Noselect) \"/\" \"\"\r\n");
		job_done(job, "OK", "Listed");
		return;
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("list");
	job->data = l;
	evtimer_set(&l->yield, list_again, job);
	l->pattern_len = cmd->name2.len + cmd->words[0].len;
	l->pattern = calloc(1, l->pattern_len + 1);
	if (l->pattern == NULL)
		fatal("list");
	memcpy(l->pattern, cmd->name2.p, cmd->name2.len);
	memcpy(l->pattern + cmd->name2.len, cmd->words[0].p, cmd->words[0].len);
	m = job_request(job, V_LIST);
	msg_put_u8(m, 0);
	msg_send(m);
}

void
list_free(struct job *job)
{
	struct list *l = job->data;

	if (l == NULL)
		return;
	evtimer_del(&l->yield);
	boxes_clear(&l->boxes);
	freezero(l->pattern, l->pattern_len + 1);
	free(l);
}

void
list_answer(struct job *job, struct msg *msg)
{
	struct list *l = job->data;
	struct box *box;

	if (msg->type != R_BOX || l == NULL ||
	    boxes_add(&l->boxes, msg) == -1) {
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	/* LIST tells of what exists, LSUB of what is subscribed. */
	box = &l->boxes.box[l->boxes.n - 1];
	if (job->cmd->verb == IMAP_LSUB ? !box->subscribed : !box->exists) {
		freezero(box->name, box->len + 1);
		memset(box, 0, sizeof(*box));
		l->boxes.n--;
	}
}

static void
put_name(struct job *job, const char *name, size_t len, const struct box *box,
    bool children)
{
	struct list *l = job->data;
	struct imap_buf *b;

	/* A parent that is only a name interests LSUB for a % alone. */
	if (job->cmd->verb == IMAP_LSUB && box == NULL &&
	    (l->pattern_len == 0 || l->pattern[l->pattern_len - 1] != '%'))
		return;
	if (!imap_pattern_match(l->pattern, l->pattern_len, name, len))
		return;
	b = conn_out(job->conn);
	if (job->cmd->verb == IMAP_LSUB)
		imap_puts(b, box == NULL ? "* LSUB (\\Noselect" : "* LSUB (");
	else {
		imap_puts(b, box == NULL ? "* LIST (\\Noselect " : "* LIST (");
		imap_puts(b, children ? "\\HasChildren" : "\\HasNoChildren");
		if (box != NULL)
			imap_put_uses(b, box->uses);
	}
	imap_puts(b, ") \"/\" ");
	imap_put_mailbox(b, name, len, false);
	imap_puts(b, "\r\n");
}

/* Box i, and before it the parents that exist only as parts of its name. */
static void
put_box(struct job *job, size_t i)
{
	struct list *l = job->data;
	struct box *box = &l->boxes.box[i];
	bool children;
	size_t len;

	for (len = 1; len < box->len; len++) {
		if (box->name[len] != '/')
			continue;
		if (i > 0 && within(box - 1, box->name, len))
			continue;
		put_name(job, box->name, len, NULL, true);
	}
	children = i + 1 < l->boxes.n && within(box + 1, box->name, box->len);
	put_name(job, box->name, box->len, box, children);
}

/*
 * As much as the connection takes.  A long pattern over many long names is
 * work for seconds: in between others have their turn.
 */
void
list_drained(struct job *job)
{
	struct timeval now = {0};
	struct conn *c = job->conn;
	struct list *l = job->data;
	size_t work;

	if (l == NULL || !l->done)
		return;
	evtimer_del(&l->yield);
	for (work = 0; l->next < l->boxes.n && work < LIST_WORK;) {
		work += l->boxes.box[l->next].len * (l->pattern_len + 64);
		put_box(job, l->next++);
	}
	if (l->next == l->boxes.n) {
		job_done(job, "OK", "Listed");
		return;
	}
	conn_flush(c);
	if (!tlsio_full(c->io))
		evtimer_add(&l->yield, &now);
}

static void
list_again(int fd, short what, void *arg)
{
	struct job *job = arg;
	struct conn *c = job->conn;

	if (c->dead || c->state == CONN_CLOSING)
		return;
	list_drained(job);
	conn_flush(c);
	conn_pump(c);
}

void
list_done(struct job *job, enum vault_result result, const char *detail)
{
	struct list *l = job->data;

	if (result != DONE_OK) {
		job_result(job, result, NULL);
		return;
	}
	(void)heapsort(
	    l->boxes.box, l->boxes.n, sizeof(*l->boxes.box), name_cmp);
	l->done = true;
	list_drained(job);
}

void
status_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	if (cmd->badname || cmd->name.len == 0 ||
	    cmd->name.len > BOX_NAME_MAX) {
		job_result(job, DONE_NONEXISTENT, NULL);
		return;
	}
	m = job_request(job, V_STATUS);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_send(m);
}

void
status_answer(struct job *job, struct msg *msg)
{
	static const char *const names[] = {"MESSAGES ", "RECENT ", "UIDNEXT ",
	    "UIDVALIDITY ", "UNSEEN ", "DELETED ", "SIZE "};
	struct imap_buf *b;
	uint64_t value[7];
	const uint8_t *name;
	size_t i, len;
	bool any;

	(void)msg_get_u64(msg);
	(void)msg_get_u16(msg);
	(void)msg_get_u8(msg);
	(void)msg_get_u8(msg);
	name = msg_get_bytes(msg, &len, BOX_NAME_MAX);
	if (msg->type != R_BOX || msg_get_u8(msg) == 0 || name == NULL) {
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	value[0] = msg_get_u32(msg);
	value[1] = 0;
	for (i = 2; i < 6; i++)
		value[i] = msg_get_u32(msg);
	value[6] = msg_get_u64(msg);
	(void)msg_get_u64(msg);
	if (msg_end(msg) == -1) {
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	b = conn_out(job->conn);
	imap_puts(b, "* STATUS ");
	imap_put_mailbox(b, job->cmd->name.p, job->cmd->name.len, false);
	imap_puts(b, " (");
	any = false;
	for (i = 0; i < 7; i++) {
		if ((job->cmd->status >> i & 1) == 0)
			continue;
		if (any)
			imap_putc(b, ' ');
		any = true;
		imap_puts(b, names[i]);
		imap_put_number(b, value[i]);
	}
	imap_puts(b, ")\r\n");
}
