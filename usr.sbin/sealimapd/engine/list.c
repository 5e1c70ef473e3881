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

/* An annotation that was asked for (RFC 9590). */
struct list_meta {
	uint64_t box;
	char *entry;
	uint8_t *value;
	size_t len;
};

struct list {
	struct boxes boxes;
	struct imap_str *pattern; /* each with the reference before it */
	size_t n;
	size_t octets;          /* of all patterns */
	struct event yield;     /* goes on after others had their turn */
	struct list_meta *meta; /* of all boxes, by id and entry */
	size_t nmeta;
	size_t meta_size;
	size_t next; /* box to be told of */
	size_t work; /* of looking below names, since the last turn */
	bool done;   /* all are known: only output is left */
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

/* In the order of IMAP_STATUS_: the second is RECENT, of which none is. */
static void
box_numbers(struct box *box, struct msg *msg)
{
	size_t i;

	box->number[0] = msg_get_u32(msg);
	box->number[1] = 0;
	for (i = 2; i < 6; i++)
		box->number[i] = msg_get_u32(msg);
	box->number[6] = msg_get_u64(msg);
	box->number[7] = msg_get_u64(msg);
	box->number[8] = msg_get_u64(msg);
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
	box->id = msg_get_u64(msg);
	box->uses = msg_get_u16(msg);
	box->subscribed = msg_get_u8(msg) != 0;
	box->exists = msg_get_u8(msg) != 0;
	name = msg_get_bytes(msg, &box->len, BOX_NAME_MAX);
	box->counted = msg_get_u8(msg) != 0;
	if (box->counted)
		box_numbers(box, msg);
	if (name == NULL || msg_end(msg) == -1 || box->len == 0 ||
	    memchr(name, '\0', box->len) != NULL)
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

/* The patterns with the reference before them; false: too long. */
static bool
patterns_make(struct list *l, const struct imap_cmd *cmd)
{
	const struct imap_str *word;
	size_t i;
	char *p;

	l->pattern = calloc(cmd->nwords, sizeof(*l->pattern));
	if (l->pattern == NULL)
		fatal("list");
	for (i = 0; i < cmd->nwords; i++) {
		word = &cmd->words[i];
		l->pattern[i].len = cmd->name2.len + word->len;
		l->octets += l->pattern[i].len;
		p = calloc(1, l->pattern[i].len + 1);
		if (p == NULL)
			fatal("list");
		memcpy(p, cmd->name2.p, cmd->name2.len);
		memcpy(p + cmd->name2.len, word->p, word->len);
		l->pattern[i].p = p;
		l->n++;
	}
	return l->octets <= 2 * BOX_NAME_MAX;
}

static bool
is_lsub(const struct job *job)
{
	return job->cmd->verb == IMAP_LSUB;
}

/* What the vault is to count; not all of it is for nothing. */
static uint8_t
numbers_of(const struct imap_cmd *cmd)
{
	return (cmd->status & IMAP_STATUS_DELETED_STORAGE) != 0 ? BOX_RECLAIM :
								  BOX_NUMBERS;
}

void
list_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;
	struct list *l;

	/* The hierarchy's separator is asked for (RFC 3501 6.3.8). */
	if (!is_lsub(job) && !cmd->list_extended && cmd->words[0].len == 0 &&
	    !cmd->badname) {
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
	if (!patterns_make(l, cmd)) {
		job_done(job, "NO", "[LIMIT] Pattern too long");
		return;
	}
	if ((cmd->status & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		condstore_enable(job->conn);
	if ((cmd->list_return & IMAP_LIST_METADATA) != 0)
		meta_ask(job, true);
	m = job_request(job, V_LIST);
	msg_put_u8(m,
	    (cmd->list_return & IMAP_LIST_STATUS) != 0 ? numbers_of(cmd) :
							 BOX_NAMES);
	msg_send(m);
}

void
list_free(struct job *job)
{
	struct list *l = job->data;
	size_t i;

	if (l == NULL)
		return;
	evtimer_del(&l->yield);
	boxes_clear(&l->boxes);
	for (i = 0; i < l->nmeta; i++) {
		freezero(l->meta[i].entry, strlen(l->meta[i].entry));
		freezero(l->meta[i].value, l->meta[i].len + 1);
	}
	free(l->meta);
	for (i = 0; i < l->n; i++)
		freezero(
		    (char *)(uintptr_t)l->pattern[i].p, l->pattern[i].len + 1);
	free(l->pattern);
	free(l);
}

static void
list_meta(struct job *job, struct msg *msg)
{
	struct list *l = job->data;
	struct list_meta *grown;
	struct meta meta;
	size_t size;

	if (meta_get(msg, &meta) == -1 || meta.value == NULL) {
		conn_protocol(job->conn, "R_META");
		return;
	}
	if (l->nmeta == l->meta_size) {
		size = l->meta_size == 0 ? 16 : 2 * l->meta_size;
		grown = recallocarray(
		    l->meta, l->meta_size, size, sizeof(*grown));
		if (grown == NULL)
			fatal("list");
		l->meta = grown;
		l->meta_size = size;
	}
	grown = &l->meta[l->nmeta++];
	grown->box = meta.box;
	grown->len = meta.len;
	grown->entry = strdup(meta.entry);
	grown->value = malloc(meta.len + 1);
	if (grown->entry == NULL || grown->value == NULL)
		fatal("list");
	memcpy(grown->value, meta.value, meta.len);
	grown->value[meta.len] = '\0';
}

void
list_answer(struct job *job, struct msg *msg)
{
	struct list *l = job->data;
	struct box *box;

	if (msg->type == R_META && l != NULL) {
		list_meta(job, msg);
		return;
	}

	if (msg->type != R_BOX || l == NULL ||
	    boxes_add(&l->boxes, msg) == -1) {
		conn_protocol(job->conn, "R_BOX");
		return;
	}
	/* Names that only are subscribed interest who asks for them. */
	box = &l->boxes.box[l->boxes.n - 1];
	if (is_lsub(job) ? box->subscribed :
			   box->exists ||
		    (job->cmd->list_select & IMAP_LIST_SUBSCRIBED) != 0)
		return;
	freezero(box->name, box->len + 1);
	memset(box, 0, sizeof(*box));
	l->boxes.n--;
}

static bool
matches(const struct list *l, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (imap_pattern_match(
			l->pattern[i].p, l->pattern[i].len, name, len))
			return true;
	return false;
}

/* Does the box meet the selection options, all of them? */
static bool
is_selected(const struct job *job, const struct box *box)
{
	uint32_t select = job->cmd->list_select;

	if (is_lsub(job))
		return box->subscribed;
	if ((select & IMAP_LIST_SUBSCRIBED) != 0 && !box->subscribed)
		return false;
	if ((select & IMAP_LIST_SPECIAL_USE) != 0 && box->uses == 0)
		return false;
	return (select & IMAP_LIST_SUBSCRIBED) != 0 || box->exists;
}

/* What is known of a name: a box, or only a part of others' names. */
struct name {
	const char *p;
	size_t len;
	const struct box *box; /* NULL: none of that name */
	bool children;         /* a box lies below it */
	bool below;            /* one that is selected: CHILDINFO */
	bool selected;
};

/*
 * Goes through what lies below the name: those from box first on.  Of a name
 * that is not selected itself, one that is told anyway is not worth a CHILDINFO
 * (RFC 9051 section 6.3.9.6).
 */
static void
look_below(struct job *job, struct name *name, size_t first)
{
	struct list *l = job->data;
	const struct box *box;
	bool deep;

	deep = (job->cmd->list_select & IMAP_LIST_RECURSIVE) != 0;
	for (; first < l->boxes.n; first++) {
		box = &l->boxes.box[first];
		if (!within(box, name->p, name->len))
			return;
		l->work += deep ? l->octets + 64 : 8;
		if (box->exists || is_lsub(job))
			name->children = true;
		if (deep && is_selected(job, box) &&
		    (name->selected || !matches(l, box->name, box->len)))
			name->below = true;
		if (name->children && (!deep || name->below))
			return;
	}
}

static void
put_attributes(struct job *job, struct imap_buf *b, const struct name *name)
{
	struct imap_cmd *cmd = job->cmd;
	uint32_t either = cmd->list_select | cmd->list_return;
	const struct box *box = name->box;

	if (is_lsub(job)) {
		if (box == NULL)
			imap_puts(b, "\\Noselect");
		return;
	}
	/* RFC 5258 section 3: \NonExistent implies \Noselect. */
	if (box == NULL || !box->exists)
		imap_puts(b,
		    cmd->list_extended || job->conn->rev2 ? "\\NonExistent " :
							    "\\Noselect ");
	imap_puts(b, name->children ? "\\HasChildren" : "\\HasNoChildren");
	if (box != NULL && box->subscribed &&
	    (either & IMAP_LIST_SUBSCRIBED) != 0)
		imap_puts(b, " \\Subscribed");
	if (box != NULL)
		imap_put_uses(b, box->uses);
}

static void
put_status(struct job *job, const struct box *box)
{
	static const char *const names[] = {"MESSAGES ", "RECENT ", "UIDNEXT ",
	    "UIDVALIDITY ", "UNSEEN ", "DELETED ", "SIZE "};
	struct conn *c = job->conn;
	struct imap_buf *b;
	size_t i, begin;

	b = conn_out(c);
	imap_puts(b, "* STATUS ");
	imap_put_mailbox(b, box->name, box->len, c->utf8);
	imap_puts(b, " (");
	begin = b->len;
	for (i = 0; i < 11; i++) {
		if ((job->cmd->status >> i & 1) == 0)
			continue;
		if (b->len > begin)
			imap_putc(b, ' ');
		if (i < 7) {
			imap_puts(b, names[i]);
			imap_put_number(b, box->number[i]);
		} else if (i == 7) {
			imap_puts(b, "APPENDLIMIT ");
			imap_put_number(b, engine_config()->literal_max);
		} else if (i == 9) {
			imap_puts(b, "HIGHESTMODSEQ ");
			imap_put_number(b, box->number[7]);
		} else if (i == 10) {
			imap_puts(b, "DELETED-STORAGE ");
			imap_put_number(b, box->number[8]);
		} else {
			imap_puts(b, "MAILBOXID (");
			put_mailbox_id(b, box->id);
			imap_putc(b, ')');
		}
	}
	imap_puts(b, ")\r\n");
}

static int
meta_cmp(const void *a, const void *b)
{
	const struct list_meta *x = a, *y = b;

	if (x->box != y->box)
		return x->box < y->box ? -1 : 1;
	return strcmp(x->entry, y->entry);
}

/* All entries that were asked for, those without value too. */
static void
put_metadata(struct job *job, const struct box *box)
{
	struct imap_cmd *cmd = job->cmd;
	struct list *l = job->data;
	const struct list_meta *found;
	struct list_meta key = {.box = box->id};
	struct imap_buf *b = conn_out(job->conn);

	imap_puts(b, "* METADATA ");
	imap_put_mailbox(b, box->name, box->len, job->conn->utf8);
	for (size_t i = 0; i < cmd->nentries; i++) {
		memcpy(&key.entry, &cmd->entries[i].name.p, sizeof(key.entry));
		found = l->nmeta == 0 ? NULL :
					bsearch(&key, l->meta, l->nmeta,
					    sizeof(*l->meta), meta_cmp);
		imap_puts(b, i == 0 ? " (" : " ");
		imap_put_string(
		    b, cmd->entries[i].name.p, cmd->entries[i].name.len);
		imap_putc(b, ' ');
		put_meta_value(b, found == NULL ? NULL : found->value,
		    found == NULL ? 0 : found->len);
	}
	imap_puts(b, ")\r\n");
}

/* What CHILDINFO says: by which selections there is something below. */
static void
put_childinfo(struct job *job, struct imap_buf *b)
{
	uint32_t select = job->cmd->list_select;

	imap_puts(b, " (\"CHILDINFO\" (");
	if ((select & IMAP_LIST_SUBSCRIBED) != 0)
		imap_puts(b, "\"SUBSCRIBED\"");
	else
		imap_puts(b, "\"SPECIAL-USE\"");
	imap_puts(b, "))");
}

static void
put_name(struct job *job, const struct name *name)
{
	struct conn *c = job->conn;
	struct list *l = job->data;
	struct imap_buf *b;

	/* A parent that is only a name interests LSUB for a % alone. */
	if (is_lsub(job) && name->box == NULL &&
	    (l->pattern[0].len == 0 ||
		l->pattern[0].p[l->pattern[0].len - 1] != '%'))
		return;
	if ((!name->selected && !name->below) ||
	    !matches(l, name->p, name->len))
		return;
	b = conn_out(c);
	imap_puts(b, is_lsub(job) ? "* LSUB (" : "* LIST (");
	put_attributes(job, b, name);
	imap_puts(b, ") \"/\" ");
	imap_put_mailbox(b, name->p, name->len, c->utf8);
	if (name->below)
		put_childinfo(job, b);
	imap_puts(b, "\r\n");
	if (name->box != NULL && name->box->counted && name->selected)
		put_status(job, name->box);
	if (name->box != NULL && name->box->exists &&
	    (job->cmd->list_return & IMAP_LIST_METADATA) != 0)
		put_metadata(job, name->box);
}

/* Box i, and before it the parents that exist only as parts of its name. */
static void
put_box(struct job *job, size_t i)
{
	struct list *l = job->data;
	struct box *box = &l->boxes.box[i];
	struct name name;
	size_t len;

	for (len = 1; len < box->len; len++) {
		if (box->name[len] != '/')
			continue;
		if (i > 0 && within(box - 1, box->name, len))
			continue;
		memset(&name, 0, sizeof(name));
		name.p = box->name;
		name.len = len;
		/* Of itself it is nothing that could be selected. */
		name.selected = job->cmd->list_select == 0;
		look_below(job, &name, i);
		put_name(job, &name);
	}
	memset(&name, 0, sizeof(name));
	name.p = box->name;
	name.len = box->len;
	name.box = box;
	name.selected = is_selected(job, box);
	look_below(job, &name, i + 1);
	put_name(job, &name);
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

	if (l == NULL || !l->done)
		return;
	evtimer_del(&l->yield);
	for (l->work = 0; l->next < l->boxes.n && l->work < LIST_WORK;) {
		l->work += l->boxes.box[l->next].len * (l->octets + 64);
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

	if (job->waiting > 0)
		return;
	if (l->nmeta > 0)
		(void)heapsort(l->meta, l->nmeta, sizeof(*l->meta), meta_cmp);
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
	if ((cmd->status & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		condstore_enable(job->conn);
	m = job_request(job, V_STATUS);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_put_u8(m, numbers_of(cmd));
	msg_send(m);
}

void
status_answer(struct job *job, struct msg *msg)
{
	struct boxes boxes = {0};

	if (msg->type != R_BOX || boxes_add(&boxes, msg) == -1 ||
	    !boxes.box[0].counted)
		conn_protocol(job->conn, "R_BOX");
	else
		put_status(job, &boxes.box[0]);
	boxes_clear(&boxes);
}
