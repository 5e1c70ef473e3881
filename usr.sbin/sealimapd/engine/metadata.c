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
 * GETMETADATA and SETMETADATA (RFC 5464).  To other users nothing is shown,
 * for there is no sharing yet; an entry of the server in /shared would be seen
 * by all of them, and is not a user's to set.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define ROOM_MAX 60000 /* octets of entries and values in one request */

/* A value as nstring or literal8. */
void
put_meta_value(struct imap_buf *b, const uint8_t *p, size_t len)
{
	if (p != NULL && memchr(p, '\0', len) != NULL) {
		imap_putc(b, '~');
		imap_put_literal(b, len);
		imap_put(b, p, len);
	} else
		imap_put_nstring(b, p, len);
}

int
meta_get(struct msg *msg, struct meta *meta)
{
	meta->box = msg_get_u64(msg);
	meta->value = NULL;
	meta->len = 0;
	if (msg_get_str(msg, meta->entry, sizeof(meta->entry)) == 0 &&
	    msg_get_u8(msg) != 0)
		meta->value = msg_get_bytes(msg, &meta->len, META_VALUE_MAX);
	return msg->type == R_META ? msg_end(msg) : -1;
}

/* The mailbox, or "": the server. */
static bool
name_valid(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;

	if (!cmd->badname && cmd->name.len <= BOX_NAME_MAX)
		return true;
	job_result(job, DONE_NONEXISTENT, NULL);
	return false;
}

/* No entry is longer; one that is asked for is not there. */
static size_t
entry_len(const struct imap_entry *e)
{
	return e->name.len > META_NAME_MAX ? META_NAME_MAX : e->name.len;
}

void
meta_ask(struct job *job, bool all)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	m = job_request(job, V_META);
	msg_put_bytes(m, all ? "" : cmd->name.p, all ? 0 : cmd->name.len);
	msg_put_u8(m, all);
	msg_put_u8(m, all ? 0 : cmd->depth);
	msg_put_u64(m, all ? UINT64_MAX : cmd->maxsize);
	msg_put_u16(m, (uint16_t)cmd->nentries);
	for (size_t i = 0; i < cmd->nentries; i++)
		msg_put_bytes(
		    m, cmd->entries[i].name.p, entry_len(&cmd->entries[i]));
	msg_send(m);
}

void
getmetadata_start(struct job *job)
{
	if (name_valid(job))
		meta_ask(job, false);
}

void
getmetadata_answer(struct job *job, struct msg *msg)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_buf *b;
	struct meta meta;

	if (meta_get(msg, &meta) == -1) {
		conn_protocol(job->conn, "R_META");
		return;
	}
	b = conn_out(job->conn);
	imap_puts(b, "* METADATA ");
	imap_put_mailbox(b, cmd->name.p, cmd->name.len, job->conn->utf8);
	imap_puts(b, " (");
	imap_put_string(b, meta.entry, strlen(meta.entry));
	imap_putc(b, ' ');
	put_meta_value(b, meta.value, meta.len);
	imap_puts(b, ")\r\n");
}

void
getmetadata_done(struct job *job, enum vault_result result, const char *detail)
{
	struct imap_buf text = {0};

	if (result != DONE_OK || *detail == '\0') {
		job_result(job, result, "That is what there is");
		return;
	}
	imap_puts(&text, "[METADATA LONGENTRIES ");
	imap_puts(&text, detail);
	imap_put(&text, "] Some are longer", sizeof("] Some are longer"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}

/* What the vault would not take; true: it was answered. */
static bool
refused(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	const struct imap_entry *e;
	size_t room = 0;

	for (size_t i = 0; i < cmd->nentries; i++) {
		e = &cmd->entries[i];
		room += 16 + e->name.len + e->value.len;
		if (e->value.len > META_VALUE_MAX) {
			job_done(job, "NO",
			    "[METADATA MAXSIZE 16384] Too long a value");
			return true;
		}
		if (e->name.len > META_NAME_MAX) {
			job_done(job, "NO", "[LIMIT] Too long a name");
			return true;
		}
		if (cmd->name.len == 0 &&
		    strncmp(e->name.p, "/shared/", 8) == 0) {
			job_done(job, "NO",
			    "[NOPERM] What all users see is not yours to set");
			return true;
		}
	}
	if (room > ROOM_MAX)
		job_done(job, "NO", "[LIMIT] Too much at once");
	return room > ROOM_MAX;
}

void
setmetadata_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	const struct imap_entry *e;
	struct msgout *m;

	_Static_assert(META_VALUE_MAX == 16384, "what MAXSIZE says");
	if (!name_valid(job) || refused(job))
		return;
	m = job_request(job, V_SETMETA);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_put_u16(m, (uint16_t)cmd->nentries);
	for (size_t i = 0; i < cmd->nentries; i++) {
		e = &cmd->entries[i];
		msg_put_bytes(m, e->name.p, e->name.len);
		msg_put_u8(m, e->set);
		if (e->set)
			msg_put_bytes(m, e->value.p, e->value.len);
	}
	msg_send(m);
}

void
setmetadata_done(struct job *job, enum vault_result result, const char *detail)
{
	if (result == DONE_LIMIT)
		job_done(job, "NO", "[METADATA TOOMANY] Too many of them");
	else
		job_result(job, result, "Set");
}
