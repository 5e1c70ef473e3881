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
 * STORE, COPY, MOVE, EXPUNGE and their UID forms: one request each, so that
 * many of them share a sync.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

/*
 * Expunges may be told within UID commands, and not within FETCH, STORE and
 * SEARCH by number (RFC 3501 7.4.1).
 */
static uint8_t
bits(const struct job *job)
{
	return job_news_bits(job, job->cmd->uid) | (job->cmd->uid ? BY_UID : 0);
}

void
store_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct conn *c = job->conn;
	struct msgout *m;
	size_t i;

	if (cmd->conditional)
		condstore_enable(c);
	if (c->readonly) {
		job_result(job, DONE_READONLY, NULL);
		return;
	}
	if (cmd->nkeywords > KEYWORDS_MAX) {
		job_result(job, DONE_LIMIT, NULL);
		return;
	}
	job->data = calloc(1, sizeof(struct imap_buf));
	if (job->data == NULL)
		fatal("store");
	job_send_set(job, &cmd->set);
	m = job_request(job, V_STORE);
	/*
	 * The new MODSEQ is told all the same (RFC 7162 section 3.1.3), and
	 * contexts must know.
	 */
	msg_put_u8(m,
	    bits(job) |
		(cmd->silent && !c->condstore && c->contexts == NULL ? SILENT :
								       0));
	msg_put_u8(m, (uint8_t)cmd->store_op);
	msg_put_u64(m, cmd->flags);
	msg_put_u16(m, (uint16_t)cmd->nkeywords);
	for (i = 0; i < cmd->nkeywords; i++)
		msg_put_bytes(m, cmd->keywords[i].p, cmd->keywords[i].len);
	msg_put_u64(m, cmd->conditional ? cmd->modseq : UINT64_MAX);
	job_put_set(m, &cmd->set);
	msg_send(m);
}

void
store_free(struct job *job)
{
	struct imap_buf *modified = job->data;

	if (modified == NULL)
		return;
	imap_buf_free(modified);
	free(modified);
}

/* The set of MODIFIED. */
static void
store_modified(struct job *job, struct msg *msg)
{
	struct imap_buf *b = job->data;
	uint32_t i, n, number, first, last;

	n = msg_get_u32(msg);
	if (msg->bad || n > (msg->len - msg->off) / 4) {
		conn_protocol(job->conn, "R_MODIFIED");
		return;
	}
	first = last = 0;
	for (i = 0; i <= n; i++) {
		number = i < n ? msg_get_u32(msg) : 0;
		if (last != 0 && number == last + 1) {
			last = number;
			continue;
		}
		if (last != 0)
			imap_put_range(b, first, last, b->len == 0);
		first = last = number;
	}
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_MODIFIED");
}

static void
put_stored(struct job *job, struct imap_buf *b, const struct row *row)
{
	struct conn *c = job->conn;

	put_fetch_begin(c, b, row);
	/* RFC 7162 section 3.2.4 wants the UID too. */
	if (!c->uidonly && (job->cmd->uid || c->condstore)) {
		imap_puts(b, "UID ");
		imap_put_number(b, row->uid);
		imap_putc(b, ' ');
	}
	if (!job->cmd->silent) {
		imap_puts(b, "FLAGS ");
		imap_put_flags(b, row->flags, c->keywords, c->nkeywords);
	}
	if (c->condstore) {
		imap_puts(b, job->cmd->silent ? "MODSEQ (" : " MODSEQ (");
		imap_put_number(b, row->modseq);
		imap_putc(b, ')');
	}
	imap_put(b, ")\r\n", 3);
}

void
store_answer(struct job *job, struct msg *msg)
{
	struct conn *c = job->conn;
	struct imap_buf *b;
	struct row row;

	if (msg->type == R_MODIFIED) {
		store_modified(job, msg);
		return;
	}
	if (msg->type != R_ROWS) {
		conn_protocol(c, "answer to STORE");
		return;
	}
	b = conn_out(c);
	while (msg->off < msg->len) {
		row_get(msg, &row, false);
		if (msg->bad || row.follows != 0) {
			conn_protocol(c, "rows of STORE");
			return;
		}
		contexts_changed(c, row.uid, row.seq);
		if (job->cmd->silent && !c->condstore)
			continue;
		put_stored(job, b, &row);
	}
}

void
store_done(struct job *job, enum vault_result result, const char *detail)
{
	struct imap_buf *modified = job->data, text = {0};

	if (modified->len == 0 ||
	    (result != DONE_OK && result != DONE_EXPUNGED)) {
		job_result(job, result, "Done");
		return;
	}
	imap_puts(&text, "[MODIFIED ");
	imap_put(&text, modified->p, modified->len);
	imap_put(&text, "] Some have changed since",
	    sizeof("] Some have changed since"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}

/* What a COPY or MOVE has copied: the text of COPYUID. */
struct copy {
	struct imap_buf from, to;
	uint32_t uidvalidity;
	bool told; /* MOVE: in an untagged OK, before the expunges */
};

void
copy_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	/* TRYCREATE would be a lie (RFC 9051 section 6.3.12). */
	if (!box_name_valid(cmd, &cmd->name)) {
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
		return;
	}
	if (cmd->verb == IMAP_MOVE && job->conn->readonly) {
		job_result(job, DONE_READONLY, NULL);
		return;
	}
	job->data = calloc(1, sizeof(struct copy));
	if (job->data == NULL)
		fatal("copy");
	job_send_set(job, &cmd->set);
	m = job_request(job, V_COPY);
	/* What a MOVE takes away is told at once; else as with FETCH. */
	msg_put_u8(m, bits(job) | (cmd->verb == IMAP_MOVE ? NEWS_EXPUNGE : 0));
	msg_put_u8(m, cmd->verb == IMAP_MOVE);
	msg_put_bytes(m, cmd->name.p, cmd->name.len);
	job_put_set(m, &cmd->set);
	msg_send(m);
}

void
copy_free(struct job *job)
{
	struct copy *copy = job->data;

	if (copy == NULL)
		return;
	imap_buf_free(&copy->from);
	imap_buf_free(&copy->to);
	free(copy);
}

/* *count: messages, not ranges; all: from the least to the greatest UID. */
static int
get_set(struct msg *msg, struct imap_buf *b, uint32_t *count,
    struct imap_range *all)
{
	uint32_t i, n, first, last;

	*count = 0;
	all->first = UINT32_MAX;
	all->last = 0;
	n = msg_get_u32(msg);
	if (msg->bad || n > (msg->len - msg->off) / 8)
		return -1;
	for (i = 0; i < n; i++) {
		first = msg_get_u32(msg);
		last = msg_get_u32(msg);
		if (first == 0 || first > last || last == UINT32_MAX)
			return -1;
		*count += last - first + 1;
		if (first < all->first)
			all->first = first;
		if (last > all->last)
			all->last = last;
		imap_put_range(b, first, last, b->len == 0);
	}
	return 0;
}

void
copy_answer(struct job *job, struct msg *msg)
{
	struct copy *copy = job->data;
	struct imap_range all;
	uint32_t n;

	copy->uidvalidity = msg_get_u32(msg);
	if (msg->type != R_COPIED ||
	    get_set(msg, &copy->from, &n, &all) == -1 ||
	    get_set(msg, &copy->to, &n, &all) == -1 || msg_end(msg) == -1)
		conn_protocol(job->conn, "R_COPIED");
	else
		job_placed(job, copy->uidvalidity, n, all.first, all.last);
}

static void
put_copyuid(struct imap_buf *b, const struct copy *copy)
{
	imap_puts(b, "[COPYUID ");
	imap_put_number(b, copy->uidvalidity);
	imap_putc(b, ' ');
	imap_put(b, copy->from.p, copy->from.len);
	imap_putc(b, ' ');
	imap_put(b, copy->to.p, copy->to.len);
	imap_puts(b, "] ");
}

/* RFC 6851 4.3: COPYUID of a MOVE comes before its expunges. */
void
copy_news(struct job *job)
{
	struct copy *copy = job->data;
	struct imap_buf *b;

	if (job->cmd->verb != IMAP_MOVE || copy == NULL || copy->told ||
	    copy->from.len == 0)
		return;
	copy->told = true;
	b = conn_out(job->conn);
	imap_puts(b, "* OK ");
	put_copyuid(b, copy);
	imap_puts(b, "Moved\r\n");
}

void
copy_done(struct job *job, enum vault_result result, const char *detail)
{
	struct copy *copy = job->data;
	struct imap_buf text = {0};

	copy_news(job);
	if (result == DONE_OK && job->cmd->verb == IMAP_MOVE) {
		expunge_done(job, result, detail);
		return;
	}
	if (result != DONE_OK || copy->from.len == 0) {
		job_result(job, result, "Done");
		return;
	}
	put_copyuid(&text, copy);
	imap_put(&text, "Copied", sizeof("Copied"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}

void
expunge_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;

	if (job->conn->readonly) {
		job_result(job, DONE_READONLY, NULL);
		return;
	}
	job_send_set(job, &cmd->set);
	m = job_request(job, V_EXPUNGE);
	msg_put_u8(m,
	    NEWS | NEWS_EXPUNGE | BY_UID |
		(job->conn->qresync ? MODSEQ_LOW : 0));
	job_put_set(m, &cmd->set);
	msg_send(m);
}

/* RFC 7162 section 3.2.7: the box's MODSEQ, if something is gone. */
void
expunge_done(struct job *job, enum vault_result result, const char *detail)
{
	struct imap_buf text = {0};

	if (result != DONE_OK || !job->conn->condstore || *detail == '\0') {
		job_result(job, result, "Done");
		return;
	}
	imap_puts(&text, "[HIGHESTMODSEQ ");
	imap_puts(&text, detail);
	imap_put(&text, "] Done", sizeof("] Done"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}
