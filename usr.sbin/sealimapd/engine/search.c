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
 * SEARCH, SORT and THREAD: the keys become a program for the vault; its answer
 * is told as it comes.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "search.h"

/* What is told of a search, beside its numbers. */
struct found {
	struct search_sets sets;
	struct threads threads;
	bool extended;       /* ESEARCH */
	bool told;           /* something was */
	const char *refusal; /* nothing is sought, but $ is emptied */
	uint32_t min, max, count;
	uint64_t modseq, modseq_min, modseq_max; /* highest; of min and max */
	uint32_t first, last;    /* a range of ALL that may still grow */
	bool begun;              /* ALL has a range already */
	bool partial;            /* PARTIAL is told instead */
	uint32_t place;          /* in the result */
	struct multi *multi;     /* ESEARCH: in which boxes */
	struct context *context; /* UPDATE: the result is kept */
	bool counted;            /* R_COUNT has told count, min and max */
};

/* What of the found is to be saved (RFC 5182 section 2.4). */
static uint8_t
save_options(const struct imap_cmd *cmd)
{
	uint8_t options;

	if ((cmd->returns & IMAP_RETURN_SAVE) == 0)
		return 0;
	/* RFC 9394 section 3.2: COUNT makes it all, beside PARTIAL too. */
	if ((cmd->returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0)
		return SAVE_ALL;
	options = 0;
	if ((cmd->returns & IMAP_RETURN_PARTIAL) != 0)
		options |= SAVE_PARTIAL;
	if ((cmd->returns & IMAP_RETURN_MIN) != 0)
		options |= SAVE_MIN;
	if ((cmd->returns & IMAP_RETURN_MAX) != 0)
		options |= SAVE_MAX;
	return options != 0 ? options : SAVE_ALL;
}

/* In which order, and which part of it, or all in any case. */
static void
put_order(struct msgout *m, const struct imap_cmd *cmd, bool all)
{
	bool numbers;

	msg_put_u8(m,
	    cmd->verb == IMAP_SORT                    ? SORT_ORDER :
		cmd->thread == IMAP_THREAD_REFERENCES ? SORT_REFERENCES :
		cmd->thread == IMAP_THREAD_ORDEREDSUBJECT ?
							SORT_ORDEREDSUBJECT :
							SORT_NOT);
	msg_put_u8(m, (uint8_t)cmd->nsort);
	msg_put_raw(m, cmd->sort, cmd->nsort);
	if ((cmd->returns & IMAP_RETURN_PARTIAL) != 0 && !all) {
		msg_put_u8(m, cmd->partial.end ? PARTIAL_LAST : PARTIAL_FIRST);
		msg_put_u32(m, cmd->partial.first);
		msg_put_u32(m, cmd->partial.last);
		return;
	}
	/* Where only R_COUNT matters: what no result reaches. */
	numbers = all || (cmd->returns & IMAP_RETURN_ALL) != 0;
	msg_put_u8(m, numbers ? PARTIAL_NOT : PARTIAL_FIRST);
	msg_put_u32(m, numbers ? 0 : UINT32_MAX);
	msg_put_u32(m, numbers ? 0 : UINT32_MAX);
}

/* Is it more than V_SEARCH can do? */
static bool
is_ordered(const struct imap_cmd *cmd)
{
	/* Of an ESEARCH it is to be known at once whether there is any. */
	return cmd->verb != IMAP_SEARCH ||
	    (cmd->returns & (IMAP_RETURN_PARTIAL | IMAP_RETURN_UPDATE)) != 0;
}

static void
ask(struct job *job, const struct found *f, const uint8_t *packed, size_t len)
{
	struct imap_cmd *cmd = job->cmd;
	const struct imap_set *set;
	struct msgout *m;
	size_t i;
	bool other;

	for (i = 0; i < f->sets.n; i++) {
		set = &f->sets.set[i]->set;
		job_send_ranges(job, set->range, set->n);
	}
	other = f->multi != NULL && !multi_selected_only(cmd);
	m = job_request(job,
	    other               ? V_FIND :
		is_ordered(cmd) ? V_SORT :
				  V_SEARCH);
	msg_put_u8(m,
	    (other ? 0 : job_news_bits(job, cmd->uid)) |
		(cmd->uid ? BY_UID : 0));
	msg_put_u8(m, save_options(cmd));
	if (other)
		msg_put_u64(m, multi_now(f->multi)->id);
	if (is_ordered(cmd))
		put_order(m, cmd, f->context != NULL);
	msg_put_raw(m, packed, len);
	msg_send(m);
}

/* RFC 5182 section 2.1: a saving SEARCH that is NO leaves nothing saved. */
static void
refuse(struct job *job, struct found *f)
{
	const uint8_t *packed;
	struct search *s;
	size_t len;

	f->sets.n = 0;
	f->refusal = job->cmd->badcharset ?
	    "[BADCHARSET (UTF-8 US-ASCII)] Unknown charset" :
	    "[LIMIT] Too much to search for at once";
	if ((job->cmd->returns & IMAP_RETURN_SAVE) == 0) {
		job_done(job, "NO", f->refusal);
		return;
	}
	s = search_new();
	if (s == NULL || search_add_number(s, SEARCH_FLAG_ANY, 0) == -1 ||
	    (packed = search_encode(s, &len)) == NULL)
		fatal("search");
	ask(job, f, packed, len);
	search_free(s);
}

/* RFC 6855 section 3 */
static bool
charset_refused(struct job *job)
{
	if (!job->conn->accept || !job->cmd->has_charset ||
	    job->cmd->verb != IMAP_SEARCH)
		return false;
	job_done(job, "BAD", "No CHARSET after ENABLE UTF8=ACCEPT");
	return true;
}

void
search_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	const uint8_t *packed;
	struct search *s;
	struct found *f;
	size_t len;

	if (charset_refused(job) ||
	    (cmd->verb == IMAP_ESEARCH && !multi_check(job)))
		return;
	if (cmd->modseq_key)
		condstore_enable(job->conn);
	f = job->data = calloc(1, sizeof(*f));
	if (f == NULL)
		fatal("search");
	/* RFC 9051 7.3.4: there SEARCH too is answered by ESEARCH. */
	f->extended = cmd->has_return || cmd->verb == IMAP_ESEARCH ||
	    (job->conn->rev2 && cmd->verb == IMAP_SEARCH);
	if (!cmd->has_return)
		cmd->returns = IMAP_RETURN_ALL;
	f->partial = (cmd->returns & IMAP_RETURN_PARTIAL) != 0;
	s = cmd->badcharset ? NULL : search_keys(cmd, &f->sets);
	packed = s == NULL ? NULL : search_encode(s, &len);
	/* Of a part that is saved the vault must know: then no updates. */
	if (packed != NULL && (cmd->returns & IMAP_RETURN_UPDATE) != 0 &&
	    f->sets.n == 0 && cmd->verb != IMAP_ESEARCH &&
	    (!f->partial || (cmd->returns & IMAP_RETURN_SAVE) == 0))
		f->context = context_new(cmd, packed, len);
	if (packed != NULL && cmd->verb == IMAP_ESEARCH)
		f->multi = multi_start(job, packed, len);
	else if (packed != NULL)
		ask(job, f, packed, len);
	else
		refuse(job, f);
	search_free(s);
}

void
search_end(struct job *job)
{
	struct found *f = job->data;

	if (f == NULL)
		return;
	thread_free(&f->threads);
	context_end(f->context);
	multi_free(f->multi);
	free(f);
}

/* The range is as long as it gets. */
static void
put_range(struct imap_buf *b, struct found *f)
{
	if (f->first == 0)
		return;
	if (!f->begun && !f->partial)
		imap_puts(b, " ALL ");
	imap_put_range(b, f->first, f->last, !f->begun);
	f->begun = true;
	f->first = 0;
}

/* The range as the client gave it (RFC 9394 section 3.1). */
static void
put_partial(struct imap_buf *b, const struct imap_partial *partial)
{
	const char *sign = partial->end ? "-" : "";

	imap_puts(b, " PARTIAL (");
	imap_puts(b, sign);
	imap_put_number(b, partial->swapped ? partial->last : partial->first);
	imap_putc(b, ':');
	imap_puts(b, sign);
	imap_put_number(b, partial->swapped ? partial->first : partial->last);
	imap_putc(b, ' ');
}

static void
begin_line(struct job *job, struct imap_buf *b, struct found *f)
{
	f->told = true;
	job->open = true;
	if (!f->extended) {
		imap_puts(b, "* ");
		imap_puts(b, imap_verb_name(job->cmd->verb));
		return;
	}
	imap_puts(b, "* ESEARCH (TAG ");
	imap_put_string(b, job->cmd->tag, strlen(job->cmd->tag));
	if (f->multi != NULL)
		multi_correlate(b, job->conn, f->multi);
	imap_puts(b, job->cmd->uid ? ") UID" : ")");
	if (f->partial)
		put_partial(b, &job->cmd->partial);
}

/* Does ESEARCH say anything but what is saved? */
static bool
is_silent(const struct job *job)
{
	return job->cmd->returns == IMAP_RETURN_SAVE;
}

/* Where all is told for a context, PARTIAL is cut here. */
static bool
in_part(const struct imap_cmd *cmd, struct found *f)
{
	const struct imap_partial *partial = &cmd->partial;
	uint32_t place = ++f->place;

	if (!f->partial || f->context == NULL)
		return true;
	if (partial->end)
		place = f->count < place ? 0 : f->count - place + 1;
	return place >= partial->first && place <= partial->last;
}

static void
put_found(struct job *job, struct imap_buf *b, uint32_t n)
{
	struct found *f = job->data;

	if (!f->counted) {
		if (f->count++ == 0)
			f->min = n;
		f->max = n;
	}
	if (!f->extended) {
		imap_putc(b, ' ');
		imap_put_number(b, n);
		return;
	}
	if (f->context != NULL)
		context_found(f->context, n);
	if ((job->cmd->returns & (IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL)) ==
		0 ||
	    !in_part(job->cmd, f))
		return;
	if (f->first != 0 && n == f->last + 1) {
		f->last = n;
		return;
	}
	put_range(b, f);
	f->first = f->last = n;
}

/* Threads: number and place of each message. */
static void
threads_told(struct job *job, struct msg *msg)
{
	struct found *f = job->data;
	struct imap_buf *b;
	uint32_t n, number, place;

	b = conn_out(job->conn);
	if (!job->open)
		begin_line(job, b, f);
	for (n = msg_get_u32(msg); n > 0 && !msg->bad; n--) {
		number = msg_get_u32(msg);
		place = msg_get_u32(msg);
		if (!msg->bad)
			thread_put(b, &f->threads, number, place);
	}
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_THREADED");
}

/* Of several mailboxes: which of them it is. */
static void
progress_told(struct job *job, struct msg *msg)
{
	const struct found *f = job->data;
	uint32_t done, goal;

	done = msg_get_u32(msg);
	goal = msg_get_u32(msg);
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_PROGRESS");
	else if (f->multi != NULL)
		job_progress(
		    job, (uint32_t)f->multi->at, (uint32_t)f->multi->boxes.n);
	else
		job_progress(job, done, goal);
}

void
search_answer(struct job *job, struct msg *msg)
{
	struct found *f = job->data;
	struct imap_buf *b;
	uint32_t i, n;

	if (msg->type == R_COUNT) {
		f->count = msg_get_u32(msg);
		f->min = msg_get_u32(msg);
		f->max = msg_get_u32(msg);
		f->counted = true;
		if (msg_end(msg) == -1)
			conn_protocol(job->conn, "R_COUNT");
		return;
	}
	if (msg->type == R_PROGRESS) {
		progress_told(job, msg);
		return;
	}
	if (msg->type == R_BOX && f->multi != NULL && f->multi->listing) {
		multi_box(job, f->multi, msg);
		return;
	}
	if (msg->type == R_THREADED) {
		threads_told(job, msg);
		return;
	}

	if (msg->type == R_FOUND_MODSEQ) {
		f->modseq = msg_get_u64(msg);
		f->modseq_min = msg_get_u64(msg);
		f->modseq_max = msg_get_u64(msg);
		if (msg_end(msg) == -1)
			conn_protocol(job->conn, "R_FOUND_MODSEQ");
		return;
	}
	n = msg_get_u32(msg);
	if (msg->type != R_FOUND || msg->bad || n > (msg->len - msg->off) / 4) {
		conn_protocol(job->conn, "R_FOUND");
		return;
	}
	b = conn_out(job->conn);
	if (!job->open && !is_silent(job))
		begin_line(job, b, f);
	for (i = 0; i < n; i++)
		put_found(job, b, msg_get_u32(msg));
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_FOUND");
}

static void
put_item(struct imap_buf *b, const char *name, uint32_t n)
{
	imap_puts(b, name);
	imap_put_number(b, n);
}

/*
 * The highest MODSEQ of what is told (RFC 7162 section 3.1.5, RFC 4731 section
 * 3.2: of MIN and MAX alone only theirs).
 */
static void
put_modseq(struct imap_buf *b, const struct found *f, uint32_t returns)
{
	uint64_t modseq;

	if (f->modseq == 0)
		return;
	modseq = f->modseq;
	if ((returns &
		(IMAP_RETURN_ALL | IMAP_RETURN_COUNT | IMAP_RETURN_PARTIAL)) ==
	    0) {
		modseq = 0;
		if ((returns & IMAP_RETURN_MIN) != 0)
			modseq = f->modseq_min;
		if ((returns & IMAP_RETURN_MAX) != 0 && f->modseq_max > modseq)
			modseq = f->modseq_max;
	}
	imap_puts(b, f->extended ? " MODSEQ " : " (MODSEQ ");
	imap_put_number(b, modseq);
	if (!f->extended)
		imap_putc(b, ')');
}

/* All was found before any news: the line ends. */
void
search_news(struct job *job)
{
	uint32_t returns = job->cmd->returns;
	struct found *f = job->data;
	struct imap_buf *b;

	if (!job->open)
		return;
	job->open = false;
	b = conn_out(job->conn);
	thread_end(b, &f->threads);
	if (f->extended) {
		put_range(b, f);
		if (f->partial)
			imap_puts(b, f->begun ? ")" : "NIL)");
		if ((returns & IMAP_RETURN_MIN) != 0 && f->count > 0)
			put_item(b, " MIN ", f->min);
		if ((returns & IMAP_RETURN_MAX) != 0 && f->count > 0)
			put_item(b, " MAX ", f->max);
		if ((returns & IMAP_RETURN_COUNT) != 0)
			put_item(b, " COUNT ", f->count);
	}
	put_modseq(b, f, returns);
	imap_puts(b, "\r\n");
}

/* A mailbox is searched (or all are listed): its line, then the next. */
static void
multi_done(struct job *job, enum vault_result result)
{
	struct found *f = job->data;

	/* RFC 7377 section 2.1: none where nothing was found. */
	if (f->count > 0 && !f->told && !is_silent(job))
		begin_line(job, conn_out(job->conn), f);
	search_news(job);
	/* One that was removed meanwhile is none of them. */
	if (result == DONE_NONEXISTENT)
		job->result = DONE_OK;
	f->told = f->counted = f->begun = false;
	f->count = f->min = f->max = f->place = 0;
	f->modseq = f->modseq_min = f->modseq_max = 0;
	if (job->result == DONE_OK && multi_next(f->multi) != NULL) {
		ask(job, f, f->multi->program, f->multi->len);
		return;
	}
	if ((job->cmd->returns & IMAP_RETURN_UPDATE) != 0)
		context_refuse(job->conn, job->cmd->tag);
	job_result(job, job->result, "Searched");
}

void
search_done(struct job *job, enum vault_result result, const char *detail)
{
	struct found *f = job->data;

	if (f->multi != NULL) {
		multi_done(job, result);
		return;
	}

	if (f->refusal != NULL) {
		job_done(job, "NO", f->refusal);
		return;
	}
	/* RFC 3501 7.2.5: also when nothing was found. */
	if ((result == DONE_OK || result == DONE_EXPUNGED) && !f->told &&
	    !is_silent(job))
		begin_line(job, conn_out(job->conn), f);
	search_news(job);
	if ((job->cmd->returns & IMAP_RETURN_UPDATE) != 0 &&
	    (result == DONE_OK || result == DONE_EXPUNGED)) {
		if (f->context == NULL || job->limited != 0 ||
		    !context_keep(job, f->context)) {
			if (job->limited != 0)
				context_end(f->context);
			context_refuse(job->conn, job->cmd->tag);
		}
		f->context = NULL;
	}
	job_result(job, result, "Searched");
}
