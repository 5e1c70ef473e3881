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
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.  To the vault a name is a
 * string; what lies below what is known here.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

/* Levels that are not empty, no control characters, not too long. */
bool
box_name_valid(const struct imap_cmd *cmd, const struct imap_str *s)
{
	const char *name = s->p;
	size_t i, len = s->len;

	if (cmd->badname || len == 0 || len > BOX_NAME_MAX || name[0] == '/' ||
	    name[len - 1] == '/')
		return false;
	for (i = 0; i + 1 < len; i++)
		if (name[i] == '/' && name[i + 1] == '/')
			return false;
	/* Wildcards would make a name that cannot be listed alone. */
	return memchr(name, '%', len) == NULL &&
	    memchr(name, '*', len) == NULL && imap_utf8_valid(name, len, true);
}

static void
ask_create(struct job *job, const char *name, size_t len, uint32_t use)
{
	struct msgout *m;

	m = job_request(job, V_CREATE);
	msg_put_u16(m, (uint16_t)use);
	msg_put_bytes(m, name, len);
	msg_send(m);
}

/* The levels above a name are made first (RFC 3501 6.3.3). */
static void
ask_parents(struct job *job, const char *name, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++)
		if (name[i] == '/')
			ask_create(job, name, i, 0);
}

void
create_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_str name = cmd->name;

	/* "a/" declares the wish to create names below "a". */
	if (name.len > 1 && name.p[name.len - 1] == '/')
		name.len--;
	if (!box_name_valid(cmd, &name)) {
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
		return;
	}
	if ((cmd->use & IMAP_USE_UNKNOWN) != 0) {
		job_done(job, "NO", "[USEATTR] No such special use");
		return;
	}
	ask_parents(job, name.p, name.len);
	ask_create(job, name.p, name.len, cmd->use);
}

/* Of the levels above none needs to be new; the last counts. */
void
create_done(struct job *job, enum vault_result result, const char *detail)
{
	struct imap_buf text = {0};

	if (job->waiting > 0)
		return;
	if (result != DONE_OK) {
		job_result(job, result, NULL);
		return;
	}
	put_oldname(job, "");
	imap_puts(&text, "[MAILBOXID (F");
	imap_puts(&text, detail);
	imap_put(&text, ")] Created", sizeof(")] Created"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}

void
delete_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	if (cmd->badname || cmd->name.len == 0 ||
	    cmd->name.len > BOX_NAME_MAX) {
		job_result(job, DONE_NONEXISTENT, NULL);
		return;
	}
	m = job_request(job, V_DELETE);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_send(m);
}

void
delete_done(struct job *job, enum vault_result result, const char *detail)
{
	if (result == DONE_OK)
		put_oldname(job, "\\NonExistent");
	job_result(job, result, "Deleted");
}

void
subscribe_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	if (!box_name_valid(cmd, &cmd->name)) {
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
		return;
	}
	m = job_request(job, V_SUBSCRIBE);
	msg_put_u8(m, cmd->verb == IMAP_SUBSCRIBE);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_send(m);
}

/* The steps of a RENAME. */
struct rename {
	struct boxes boxes;
	enum { LISTING, PARENTS, RENAMING } step;
};

void
rename_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_str *from = &cmd->name, *to = &cmd->name2;
	struct msgout *m;

	if (!box_name_valid(cmd, to)) {
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
		return;
	}
	/* Nothing can be moved below itself. */
	if (from->len < to->len && to->p[from->len] == '/' &&
	    memcmp(from->p, to->p, from->len) == 0 &&
	    strcmp(from->p, "INBOX") != 0) {
		job_done(job, "NO", "[CANNOT] Not below itself");
		return;
	}
	job->data = calloc(1, sizeof(struct rename));
	if (job->data == NULL)
		fatal("rename");
	m = job_request(job, V_LIST);
	msg_put_u8(m, BOX_NAMES);
	msg_send(m);
}

void
rename_free(struct job *job)
{
	struct rename *r = job->data;

	if (r == NULL)
		return;
	boxes_clear(&r->boxes);
	free(r);
}

void
rename_answer(struct job *job, struct msg *msg)
{
	struct rename *r = job->data;

	if (msg->type != R_BOX || r->step != LISTING ||
	    boxes_add(&r->boxes, msg) == -1)
		conn_protocol(job->conn, "R_BOX");
}

/* The box or one below it; of INBOX only itself (RFC 3501 6.3.5). */
static bool
concerned(const struct imap_str *from, const struct box *box)
{
	if (!box->exists || box->len < from->len ||
	    memcmp(box->name, from->p, from->len) != 0)
		return false;
	return box->len == from->len ||
	    (box->name[from->len] == '/' && strcmp(from->p, "INBOX") != 0);
}

static void
rename_ask(struct job *job)
{
	struct imap_str *from = &job->cmd->name, *to = &job->cmd->name2;
	struct rename *r = job->data;
	char name[2 * BOX_NAME_MAX + 1];
	struct msgout *m;
	size_t i, n, tail, room;

	n = 0;
	room = 0;
	for (i = 0; i < r->boxes.n; i++) {
		if (!concerned(from, &r->boxes.box[i]))
			continue;
		n++;
		tail = r->boxes.box[i].len - from->len;
		room += 8 + r->boxes.box[i].len + to->len + tail;
		if (to->len + tail > BOX_NAME_MAX) {
			job_done(job, "NO", "[CANNOT] A name gets too long");
			return;
		}
	}
	/* That there is one of the new name is an error (RFC 9051 6.3.6). */
	if (n > 0 && from->len == to->len &&
	    memcmp(from->p, to->p, to->len) == 0) {
		job_result(job, DONE_EXISTS, NULL);
		return;
	}
	if (n == 0 || n > RENAMES_MAX || room > MSG_PAYLOAD_MAX - 64) {
		job_result(job, n == 0 ? DONE_NONEXISTENT : DONE_LIMIT, NULL);
		return;
	}
	r->step = RENAMING;
	m = job_request(job, V_RENAME);
	msg_put_u32(m, (uint32_t)n);
	for (i = 0; i < r->boxes.n; i++) {
		if (!concerned(from, &r->boxes.box[i]))
			continue;
		tail = r->boxes.box[i].len - from->len;
		memcpy(name, to->p, to->len);
		memcpy(name + to->len, r->boxes.box[i].name + from->len, tail);
		msg_put_bytes(m, r->boxes.box[i].name, r->boxes.box[i].len);
		msg_put_bytes(m, name, to->len + tail);
	}
	msg_send(m);
}

void
rename_done(struct job *job, enum vault_result result, const char *detail)
{
	struct rename *r = job->data;

	if (job->waiting > 0)
		return;
	switch (r->step) {
	case LISTING:
		if (result != DONE_OK) {
			job_result(job, result, NULL);
			return;
		}
		r->step = PARENTS;
		ask_parents(job, job->cmd->name2.p, job->cmd->name2.len);
		if (job->waiting > 0)
			return;
		/* FALLTHROUGH */
	case PARENTS:
		job->result = DONE_OK;
		rename_ask(job);
		return;
	case RENAMING:
		if (result == DONE_OK)
			put_oldname(job, "");
		job_result(job, result, "Renamed");
		return;
	}
}
