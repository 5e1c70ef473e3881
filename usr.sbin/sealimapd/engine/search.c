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
 * SEARCH: the keys, in prefix order, become the vault's program, in postfix
 * order; the answer is told as it comes.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

#include "../search.h"

#define SECONDS_OF_DAY 86400
#define RANGES_HERE 100 /* of a set within the program; others go ahead */

/* What is told of a search, beside its numbers. */
struct found {
	const struct imap_key *sent[SEARCH_SENT_MAX]; /* their sets go ahead */
	size_t n_sent;
	size_t ranges;       /* of them together */
	bool extended;       /* ESEARCH */
	bool told;           /* something was */
	const char *refusal; /* nothing is sought, but $ is emptied */
	uint32_t min, max, count;
	uint64_t modseq, modseq_min, modseq_max; /* highest; of min and max */
	uint32_t first, last; /* a range of ALL that may still grow */
	bool begun;           /* ALL has a range already */
};

/* An operator whose keys are not all written yet. */
struct open {
	enum imap_key_op op;
	uint32_t left; /* keys still to come */
	uint32_t n;    /* keys written */
};

static int
add_text(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	return search_add_text(s, kind, key->text.p, key->text.len);
}

static int
add_date(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	return search_add_number(
	    s, kind, (uint64_t)((int64_t)key->date * SECONDS_OF_DAY));
}

static int
add_set(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	struct search_range *range;
	size_t i;
	int r;

	if (key->set.saved)
		return search_add(s, SEARCH_SAVED);
	range = calloc(key->set.n, sizeof(*range));
	if (range == NULL)
		fatal("search");
	for (i = 0; i < key->set.n; i++) {
		range[i].first = key->set.range[i].first;
		range[i].last = key->set.range[i].last;
	}
	r = search_add_set(s, kind, range, key->set.n);
	free(range);
	return r;
}

/* An id of a message is "M" and 32 digits; no other has a message. */
static int
add_emailid(struct search *s, const struct imap_key *key)
{
	if (key->text.len != 33 || key->text.p[0] != 'M')
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	return search_add_text(s, SEARCH_EMAILID, key->text.p + 1, 32);
}

/* RFC 5032, RFC 7162, RFC 8474, RFC 8514. */
static int
add_extension(struct search *s, const struct imap_key *key)
{
	switch ((int)key->op) {
	case IMAP_KEY_YOUNGER:
		return search_add_number(s, SEARCH_YOUNGER, key->number);
	case IMAP_KEY_OLDER:
		return search_add_number(s, SEARCH_OLDER, key->number);
	case IMAP_KEY_SAVEDBEFORE:
		return add_date(s, SEARCH_SAVEDBEFORE, key);
	case IMAP_KEY_SAVEDON:
		return add_date(s, SEARCH_SAVEDON, key);
	case IMAP_KEY_SAVEDSINCE:
		return add_date(s, SEARCH_SAVEDSINCE, key);
	case IMAP_KEY_EMAILID:
		return add_emailid(s, key);
	case IMAP_KEY_THREADID:
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	case IMAP_KEY_MODSEQ:
		return search_add_number(s, SEARCH_MODSEQ, key->number);
	}
	return -1;
}

/* Large sets go ahead of the program. */
static int
add_large_set(struct search *s, const struct imap_key *key, struct found *f)
{
	if (f->n_sent == SEARCH_SENT_MAX ||
	    key->set.n > SET_TOTAL_MAX - f->ranges)
		return -1;
	f->sent[f->n_sent] = key;
	f->ranges += key->set.n;
	return search_add_number(s, SEARCH_SENT,
	    SEARCH_SENT_NUMBER(
		f->n_sent++, key->set.n, key->op == IMAP_KEY_UID));
}

static int
add_leaf(struct search *s, const struct imap_key *key, struct found *f)
{
	if (key->set.n > RANGES_HERE)
		return add_large_set(s, key, f);
	switch (key->op) {
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
		break;
	case IMAP_KEY_ALL:
		return search_add(s, SEARCH_ALL);
	case IMAP_KEY_FLAG:
		return search_add_number(s, SEARCH_FLAG_ANY, key->number);
	case IMAP_KEY_RECENT:
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	case IMAP_KEY_KEYWORD:
		return add_text(s, SEARCH_KEYWORD, key);
	case IMAP_KEY_SEQ:
		return add_set(s, SEARCH_SEQ, key);
	case IMAP_KEY_UID:
		return add_set(s, SEARCH_UID, key);
	case IMAP_KEY_BEFORE:
		return add_date(s, SEARCH_BEFORE, key);
	case IMAP_KEY_ON:
		return add_date(s, SEARCH_ON, key);
	case IMAP_KEY_SINCE:
		return add_date(s, SEARCH_SINCE, key);
	case IMAP_KEY_SENTBEFORE:
		return add_date(s, SEARCH_SENTBEFORE, key);
	case IMAP_KEY_SENTON:
		return add_date(s, SEARCH_SENTON, key);
	case IMAP_KEY_SENTSINCE:
		return add_date(s, SEARCH_SENTSINCE, key);
	case IMAP_KEY_LARGER:
		return search_add_number(s, SEARCH_LARGER, key->number);
	case IMAP_KEY_SMALLER:
		return search_add_number(s, SEARCH_SMALLER, key->number);
	case IMAP_KEY_HEADER:
		return search_add_header(s, key->field.p, key->field.len,
		    key->text.p, key->text.len);
	case IMAP_KEY_BODY:
		return add_text(s, SEARCH_BODY, key);
	case IMAP_KEY_TEXT:
		return add_text(s, SEARCH_TEXT, key);
	case IMAP_KEY_YOUNGER:
	case IMAP_KEY_OLDER:
	case IMAP_KEY_SAVEDBEFORE:
	case IMAP_KEY_SAVEDON:
	case IMAP_KEY_SAVEDSINCE:
	case IMAP_KEY_EMAILID:
	case IMAP_KEY_THREADID:
	case IMAP_KEY_MODSEQ:
		return add_extension(s, key);
	}
	return -1;
}

/* A key is written: so may be the operators that waited for it. */
static int
close_open(struct search *s, struct open *stack, size_t *depth)
{
	struct open *o;

	while (*depth > 0) {
		o = &stack[*depth - 1];
		o->n++;
		o->left--;
		if (o->op == IMAP_KEY_NOT && search_add(s, SEARCH_NOT) == -1)
			return -1;
		/* After each key but the first, so that few values wait. */
		if (o->n >= 2 &&
		    search_add(
			s, o->op == IMAP_KEY_OR ? SEARCH_OR : SEARCH_AND) == -1)
			return -1;
		if (o->left > 0)
			return 0;
		(*depth)--;
	}
	return 0;
}

static struct search *
program(const struct imap_cmd *cmd, struct found *f)
{
	struct open stack[2 * IMAP_NEST_MAX + 2];
	const struct imap_key *key;
	struct search *s;
	size_t depth;

	s = search_new();
	if (s == NULL)
		fatal("search");
	depth = 0;
	for (key = cmd->keys; key < cmd->keys + cmd->nkeys; key++) {
		if (key->op > IMAP_KEY_NOT) {
			if (add_leaf(s, key, f) == -1 ||
			    close_open(s, stack, &depth) == -1)
				goto err;
			continue;
		}
		if (depth == sizeof(stack) / sizeof(stack[0]))
			goto err;
		stack[depth].op = key->op;
		stack[depth].n = 0;
		stack[depth++].left = key->op == IMAP_KEY_AND ? key->n :
		    key->op == IMAP_KEY_OR                    ? 2 :
								1;
	}
	return s;
err:
	search_free(s);
	return NULL;
}

/* What of the found is to be saved (RFC 5182 section 2.4). */
static uint8_t
save_options(const struct imap_cmd *cmd)
{
	uint8_t options;

	if ((cmd->returns & IMAP_RETURN_SAVE) == 0)
		return 0;
	if ((cmd->returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0)
		return SAVE_ALL;
	options = 0;
	if ((cmd->returns & IMAP_RETURN_MIN) != 0)
		options |= SAVE_MIN;
	if ((cmd->returns & IMAP_RETURN_MAX) != 0)
		options |= SAVE_MAX;
	return options != 0 ? options : SAVE_ALL;
}

static void
ask(struct job *job, const struct found *f, const uint8_t *packed, size_t len)
{
	struct imap_cmd *cmd = job->cmd;
	struct msgout *m;
	size_t i;

	for (i = 0; i < f->n_sent; i++)
		job_send_ranges(job, f->sent[i]->set.range, f->sent[i]->set.n);
	m = job_request(job, V_SEARCH);
	msg_put_u8(m, job_news_bits(job, cmd->uid) | (cmd->uid ? BY_UID : 0));
	msg_put_u8(m, save_options(cmd));
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

	f->n_sent = 0;
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

void
search_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	const uint8_t *packed;
	struct search *s;
	struct found *f;
	size_t len;

	if (cmd->modseq_key)
		condstore_enable(job->conn);
	f = job->data = calloc(1, sizeof(*f));
	if (f == NULL)
		fatal("search");
	/* RFC 9051 7.3.4: there SEARCH too is answered by ESEARCH. */
	f->extended = cmd->has_return || job->conn->rev2;
	if (!cmd->has_return)
		cmd->returns = IMAP_RETURN_ALL;
	s = cmd->badcharset ? NULL : program(cmd, f);
	packed = s == NULL ? NULL : search_encode(s, &len);
	if (packed != NULL)
		ask(job, f, packed, len);
	else
		refuse(job, f);
	search_free(s);
}

void
search_end(struct job *job)
{
	free(job->data);
}

/* The range is as long as it gets. */
static void
put_range(struct imap_buf *b, struct found *f)
{
	if (f->first == 0)
		return;
	if (!f->begun)
		imap_puts(b, " ALL ");
	imap_put_range(b, f->first, f->last, !f->begun);
	f->begun = true;
	f->first = 0;
}

static void
begin_line(struct job *job, struct imap_buf *b, struct found *f)
{
	f->told = true;
	job->open = true;
	if (!f->extended) {
		imap_puts(b, "* SEARCH");
		return;
	}
	imap_puts(b, "* ESEARCH (TAG ");
	imap_put_string(b, job->cmd->tag, strlen(job->cmd->tag));
	imap_puts(b, job->cmd->uid ? ") UID" : ")");
}

/* Does ESEARCH say anything but what is saved? */
static bool
is_silent(const struct job *job)
{
	return job->cmd->returns == IMAP_RETURN_SAVE;
}

static void
put_found(struct job *job, struct imap_buf *b, uint32_t n)
{
	struct found *f = job->data;

	if (f->count++ == 0)
		f->min = n;
	f->max = n;
	if (!f->extended) {
		imap_putc(b, ' ');
		imap_put_number(b, n);
		return;
	}
	if ((job->cmd->returns & IMAP_RETURN_ALL) == 0)
		return;
	if (f->first != 0 && n == f->last + 1) {
		f->last = n;
		return;
	}
	put_range(b, f);
	f->first = f->last = n;
}

void
search_answer(struct job *job, struct msg *msg)
{
	struct found *f = job->data;
	struct imap_buf *b;
	uint32_t i, n;

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
	if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) == 0) {
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
	if (f->extended) {
		put_range(b, f);
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

void
search_done(struct job *job, enum vault_result result, const char *detail)
{
	struct found *f = job->data;

	if (f->refusal != NULL) {
		job_done(job, "NO", f->refusal);
		return;
	}
	/* RFC 3501 7.2.5: also when nothing was found. */
	if ((result == DONE_OK || result == DONE_EXPUNGED) && !f->told &&
	    !is_silent(job))
		begin_line(job, conn_out(job->conn), f);
	search_news(job);
	job_result(job, result, "Searched");
}
