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
 * SELECT, EXAMINE, CLOSE, UNSELECT, and the news of a selected box: flags,
 * expunges, new messages, in the order in which the vault tells them.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

static void
keywords_free(struct conn *c)
{
	size_t i;

	for (i = 0; i < c->nkeywords; i++)
		if (c->keywords[i] != NULL)
			freezero(c->keywords[i], strlen(c->keywords[i]));
	free(c->keywords);
	c->keywords = NULL;
	c->nkeywords = 0;
}

void
select_forget(struct conn *c)
{
	keywords_free(c);
	notify_unselect(c);
	contexts_forget(c);
	if (c->box_name != NULL)
		freezero(c->box_name, strlen(c->box_name));
	c->box_name = NULL;
	c->exists = 0;
	c->readonly = false;
}

/* A keyword is an atom; what a store says else is not passed on. */
static bool
keyword_valid(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || strchr("(){%*\"\\]", *s) != NULL)
			return false;
	return true;
}

static int
keywords_get(struct conn *c, struct msg *msg)
{
	char keyword[KEYWORD_MAX + 1];
	size_t i, n;

	keywords_free(c);
	n = msg_get_u16(msg);
	if (n > KEYWORDS_MAX)
		return -1;
	if (n == 0)
		return 0;
	c->keywords = calloc(n, sizeof(*c->keywords));
	if (c->keywords == NULL)
		fatal("keywords");
	for (i = 0; i < n; i++) {
		if (msg_get_str(msg, keyword, sizeof(keyword)) == -1 ||
		    (keyword[0] != '\0' && !keyword_valid(keyword)))
			return -1;
		c->keywords[i] = strdup(keyword);
		if (c->keywords[i] == NULL)
			fatal("keywords");
		c->nkeywords++;
	}
	return 0;
}

/* (\Answered ... keyword); with \* where new keywords may be made. */
static void
put_all_flags(struct conn *c, struct imap_buf *b, bool more)
{
	size_t i;

	imap_puts(b, "(\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (i = 0; i < c->nkeywords; i++) {
		if (c->keywords[i][0] == '\0')
			continue; /* a bit that no keyword has */
		imap_putc(b, ' ');
		imap_puts(b, c->keywords[i]);
	}
	if (more)
		imap_puts(b, " \\*");
	imap_putc(b, ')');
}

static void
put_flags_lines(struct conn *c, struct imap_buf *b)
{
	imap_puts(b, "* FLAGS ");
	put_all_flags(c, b, false);
	imap_puts(b, "\r\n* OK [PERMANENTFLAGS ");
	if (c->readonly)
		imap_puts(b, "()");
	else
		put_all_flags(c, b, c->nkeywords < KEYWORDS_MAX);
	imap_puts(b, "] Flags that stay\r\n");
}

void
select_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct conn *c = job->conn;
	struct msgout *m;

	if (cmd->resync != NULL && !c->qresync) {
		job_done(job, "BAD", "ENABLE QRESYNC first");
		return;
	}
	if (cmd->condstore || cmd->resync != NULL)
		c->condstore = true;
	/*
	 * Whatever comes of it, the old box is left (RFC 3501 6.3.1); clients
	 * of IMAP4rev1 are told too, since there is QRESYNC (RFC 7162 3.2.11).
	 */
	if (c->state == CONN_SELECTED)
		imap_puts(conn_out(c), "* OK [CLOSED] Left\r\n");
	select_forget(c);
	c->state = CONN_AUTH;
	if (cmd->badname || cmd->name.len == 0 ||
	    cmd->name.len > BOX_NAME_MAX) {
		m = job_request(job, V_UNSELECT);
		msg_put_u8(m, 0);
		msg_send(m);
		job->result = DONE_NONEXISTENT;
		return;
	}
	if (cmd->resync != NULL)
		job_send_ranges(
		    job, cmd->resync->known.range, cmd->resync->known.n);
	m = job_request(job, V_SELECT);
	msg_put_u8(m, 0);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	msg_put_u8(m, cmd->verb == IMAP_EXAMINE);
	resync_put(job, m);
	msg_send(m);
}

static void
put_code(struct imap_buf *b, const char *code, uint32_t n, const char *text)
{
	imap_puts(b, "* OK [");
	imap_puts(b, code);
	imap_putc(b, ' ');
	imap_put_number(b, n);
	imap_puts(b, "] ");
	imap_puts(b, text);
	imap_puts(b, "\r\n");
}

/* RFC 8474: "F" and 16 hexadecimal digits. */
void
put_mailbox_id(struct imap_buf *b, uint64_t id)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "F%016llx", (unsigned long long)id);
	imap_puts(b, text);
}

static void
put_list(struct job *job, const char *attributes, uint32_t uses,
    const struct imap_str *name)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_buf *b = conn_out(job->conn);

	imap_puts(b, "* LIST (");
	imap_puts(b, attributes);
	imap_put_uses(b, uses);
	imap_puts(b, ") \"/\" ");
	imap_put_mailbox(b, name->p, name->len, true);
	if (cmd->denormal) {
		imap_puts(b, " (\"OLDNAME\" (");
		imap_put_mailbox(b, cmd->given.p, cmd->given.len, true);
		imap_puts(b, "))");
	}
	imap_puts(b, "\r\n");
}

void
put_oldname(struct job *job, const char *attributes)
{
	struct imap_cmd *cmd = job->cmd;
	struct imap_str name;

	if (!job->conn->rev2 || !cmd->denormal)
		return;
	name = cmd->verb == IMAP_RENAME ? cmd->name2 : cmd->name;
	if (name.len > 1 && name.p[name.len - 1] == '/')
		name.len--;
	put_list(job, attributes, 0, &name);
}

static void
selected(struct job *job, struct msg *msg)
{
	struct conn *c = job->conn;
	struct imap_buf *b;
	uint32_t uidnext, unseen;
	uint64_t id, modseq;
	uint16_t uses;
	bool below;

	id = c->box_id = msg_get_u64(msg);
	c->uidvalidity = msg_get_u32(msg);
	uidnext = msg_get_u32(msg);
	modseq = msg_get_u64(msg);
	c->exists = msg_get_u32(msg);
	unseen = msg_get_u32(msg);
	c->readonly = msg_get_u8(msg) != 0;
	uses = msg_get_u16(msg);
	below = msg_get_u8(msg) != 0;
	if (keywords_get(c, msg) == -1 || msg_end(msg) == -1) {
		conn_protocol(c, "R_SELECTED");
		return;
	}
	b = conn_out(c);
	put_flags_lines(c, b);
	imap_puts(b, "* ");
	imap_put_number(b, c->exists);
	imap_puts(b, " EXISTS\r\n");
	/* RFC 9051 6.3.2: neither, but the name as LIST tells it. */
	if (c->rev2)
		put_list(job, below ? "\\HasChildren" : "\\HasNoChildren", uses,
		    &job->cmd->name);
	else {
		imap_puts(b, "* 0 RECENT\r\n");
		if (unseen != 0 && !c->uidonly)
			put_code(b, "UNSEEN", unseen, "First unseen");
	}
	imap_puts(b, "* OK [MAILBOXID (");
	put_mailbox_id(b, id);
	imap_puts(b, ")] Its id\r\n");
	put_code(b, "UIDVALIDITY", c->uidvalidity, "UIDs are valid");
	put_code(b, "UIDNEXT", uidnext, "Next UID");
	put_highest_modseq(b, modseq);
}

void
select_answer(struct job *job, struct msg *msg)
{
	switch (msg->type) {
	case R_SELECTED:
		selected(job, msg);
		break;
	case R_VANISHED:
		put_vanished(job->conn, msg);
		break;
	case R_ROWS:
		put_flag_rows(job->conn, msg);
		break;
	default:
		conn_protocol(job->conn, "answer to SELECT");
	}
}

void
select_done(struct job *job, enum vault_result result, const char *detail)
{
	struct conn *c = job->conn;

	if (job->result == DONE_OK) {
		c->state = CONN_SELECTED;
		c->box_name = strdup(job->cmd->name.p);
		if (c->box_name == NULL)
			fatal("select");
		job_done(job, "OK",
		    c->readonly ? "[READ-ONLY] Selected" :
				  "[READ-WRITE] Selected");
		return;
	}
	select_forget(c);
	job_result(job, job->result, NULL);
}

/* CLOSE takes out what is deleted, without telling of it; UNSELECT does not. */
void
unselect_start(struct job *job)
{
	struct conn *c = job->conn;
	struct msgout *m;

	m = job_request(job, V_UNSELECT);
	msg_put_u8(m, job->cmd->verb == IMAP_CLOSE && !c->readonly);
	msg_send(m);
}

void
unselect_done(struct job *job, enum vault_result result, const char *detail)
{
	struct conn *c = job->conn;

	select_forget(c);
	c->state = CONN_AUTH;
	job_result(job, result, "Closed");
}

void
row_get(struct msg *msg, struct row *row, bool ids)
{
	uint8_t thread_id[16];

	row->seq = msg_get_u32(msg);
	row->uid = msg_get_u32(msg);
	row->flags = msg_get_u64(msg);
	row->modseq = msg_get_u64(msg);
	row->date = msg_get_i64(msg);
	row->zone = (int16_t)msg_get_u16(msg);
	row->size = msg_get_u64(msg);
	(void)msg_get_raw(msg, row->email_id, sizeof(row->email_id));
	row->codec = msg_get_u8(msg);
	row->saved = 0;
	if (ids) {
		(void)msg_get_raw(msg, thread_id, sizeof(thread_id));
		row->saved = msg_get_u32(msg);
	}
	row->follows = msg_get_u8(msg);
}

/* RFC 7162 section 3.2.10, RFC 9586 section 3.6: UIDs, in one line. */
static void
news_vanished(struct conn *c, struct msg *msg, uint32_t n)
{
	struct imap_buf *b = conn_out(c);
	uint32_t i, uid, first, last;
	bool begin;

	imap_puts(b, "* VANISHED ");
	first = last = 0;
	begin = true;
	for (i = 0; i <= n; i++) {
		if (i < n)
			(void)msg_get_u32(msg);
		uid = i < n ? msg_get_u32(msg) : 0;
		if (uid != 0 && uid == last + 1 && last != 0) {
			last = uid;
			continue;
		}
		if (last != 0) {
			imap_put_range(b, first, last, begin);
			begin = false;
		}
		first = last = uid;
	}
	imap_put(b, "\r\n", 2);
	c->exists -= n;
}

static void
news_expunge(struct conn *c, struct msg *msg)
{
	struct imap_buf *b;
	uint32_t i, n, seq;
	bool vanished;

	b = conn_out(c);
	n = msg_get_u32(msg);
	if (msg->bad || n > c->exists || n > (msg->len - msg->off) / 8) {
		conn_protocol(c, "R_EXPUNGE");
		return;
	}
	contexts_expunge(c, msg, n);
	vanished = c->qresync || c->uidonly;
	if (vanished)
		news_vanished(c, msg, n);
	for (i = 0; !vanished && i < n; i++) {
		seq = msg_get_u32(msg);
		(void)msg_get_u32(msg);
		if (msg->bad || seq == 0 || seq > c->exists) {
			conn_protocol(c, "R_EXPUNGE");
			return;
		}
		c->exists--;
		imap_put(b, "* ", 2);
		imap_put_number(b, seq);
		imap_puts(b, " EXPUNGE\r\n");
	}
	if (msg_end(msg) == -1)
		conn_protocol(c, "R_EXPUNGE");
}

void
news_message(struct conn *c, struct msg *msg)
{
	struct imap_buf *b;
	uint64_t modseq;
	uint32_t n, first, last;

	/* What was under way when the box was left. */
	if (c->state != CONN_SELECTED)
		return;
	switch (msg->type) {
	case R_ROWS:
		put_flag_rows(c, msg);
		break;
	case R_EXPUNGE:
		news_expunge(c, msg);
		break;
	case R_EXISTS:
		n = msg_get_u32(msg);
		first = msg_get_u32(msg);
		last = msg_get_u32(msg);
		if (msg_end(msg) == -1 || n < c->exists) {
			conn_protocol(c, "R_EXISTS");
			return;
		}
		notify_exists(c, n - c->exists, first, last);
		contexts_new(c, first, last);
		c->exists = n;
		b = conn_out(c);
		imap_put(b, "* ", 2);
		imap_put_number(b, n);
		imap_puts(b, " EXISTS\r\n");
		break;
	case R_MODSEQ:
		modseq = msg_get_u64(msg);
		if (msg_end(msg) == -1)
			conn_protocol(c, "R_MODSEQ");
		else
			put_highest_modseq(conn_out(c), modseq);
		break;
	default:
		conn_protocol(c, "news");
	}
}

void
news_keywords(struct conn *c, struct msg *msg)
{
	if (c->state != CONN_SELECTED)
		return;
	if (keywords_get(c, msg) == -1 || msg_end(msg) == -1) {
		conn_protocol(c, "R_KEYWORDS");
		return;
	}
	put_flags_lines(c, conn_out(c));
}
