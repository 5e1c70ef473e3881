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
 * FETCH of one message at a time, for what the pass over the rows could not
 * answer.  Each section is its own request for chunks; a header that is too
 * long to be filtered in memory goes by twice, once to be counted.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "log.h"

static void piece_next(struct job *);

static void
ask_row(struct job *job, uint32_t uid)
{
	struct fetch *f = job->data;
	struct msgout *m;

	m = job_request(job, V_FETCH);
	msg_put_u8(m, BY_UID);
	msg_put_u8(m, ROW_SUMMARY | (f->items & ROW_IDS));
	msg_put_u64(m, 0);
	msg_put_u32(m, 1);
	msg_put_u32(m, uid);
	msg_put_u32(m, uid);
	msg_send(m);
}

static void
ask_body(struct job *job, uint64_t off, uint64_t len)
{
	struct fetch *f = job->data;
	struct msgout *m;

	m = job_request(job, V_BODY);
	msg_put_u32(m, f->row.uid);
	msg_put_u32(m, (uint32_t)(off / CHUNK_PLAIN));
	msg_put_u32(m,
	    len == UINT64_MAX ? UINT32_MAX :
				(uint32_t)((off + len - 1) / CHUNK_PLAIN));
	msg_send(m);
}

void
fetch_slow_next(struct job *job)
{
	struct fetch *f = job->data;

	f->have_row = false;
	imap_buf_reset(&f->summary, OUT_KEEP);
	if (f->next == f->n_deferred) {
		if (f->unknown_cte && job->result == DONE_OK)
			job_done(job, "NO",
			    "[UNKNOWN-CTE] A part cannot be decoded");
		else
			job_result(job, job->result, "Fetched");
		return;
	}
	f->step = SLOW_ROW;
	ask_row(job, f->deferred[f->next++]);
}

void
fetch_slow_rows(struct job *job, struct msg *msg)
{
	struct fetch *f = job->data;
	const uint8_t *p;
	size_t len;

	if (f->step != SLOW_ROW || f->have_row) {
		conn_protocol(job->conn, "R_ROWS");
		return;
	}
	row_get(msg, &f->row, (f->items & ROW_IDS) != 0);
	f->have_row = true;
	if (f->row.follows == 1) {
		p = fetch_summary_get(msg, &f->row, &len);
		if (p != NULL)
			imap_put(&f->summary, p, len);
		chunk_wipe();
	}
	if (msg->bad || f->row.follows > 2 || msg->off != msg->len)
		conn_protocol(job->conn, "R_ROWS");
}

/* The summary is there: what does not need the body, and the first piece. */
static void
message_ready(struct job *job, const struct mime_summary *sum)
{
	struct fetch *f = job->data;

	fetch_put_head(job, conn_out(job->conn), sum);
	f->n = 0;
	if (job->cmd->nsections > 0)
		(void)fetch_plan(
		    f, job->cmd->sections, job->cmd->nsections, sum);
	job->open = true;
	piece_next(job);
}

static void
row_done(struct job *job)
{
	struct fetch *f = job->data;
	struct mime_summary sum;

	/* Expunged meanwhile. */
	if (!f->have_row) {
		fetch_slow_next(job);
		return;
	}
	if (mime_summary_open(
		&sum, f->summary.p, f->summary.len, f->row.size) == 0) {
		message_ready(job, &sum);
		return;
	}
	/* Forged, damaged or none: the body tells. */
	log_debug("summary made anew conn=%llu uid=%u",
	    (unsigned long long)job->conn->id, f->row.uid);
	f->step = SLOW_PARSE;
	if (f->parser == NULL)
		f->parser = mime_parser_new();
	if (f->parser == NULL)
		fatal("parser");
	ask_body(job, 0, UINT64_MAX);
}

static void
parse_done(struct job *job, enum vault_result result)
{
	struct fetch *f = job->data;
	struct mime_summary sum;
	const uint8_t *p;
	size_t len;

	if (result == DONE_OK && mime_parser_size(f->parser) == f->row.size) {
		p = mime_parser_finish(f->parser, &len);
		if (p != NULL &&
		    mime_summary_open(&sum, p, len, f->row.size) == 0) {
			message_ready(job, &sum);
			return;
		}
	}
	if (job->result == DONE_OK)
		job->result = DONE_CORRUPT;
	mime_parser_reset(f->parser);
	fetch_slow_next(job);
}

static void
piece_next(struct job *job)
{
	struct fetch *f = job->data;
	struct piece *p;

	for (; f->now < f->n; f->now++) {
		p = &f->piece[f->now];
		f->pos = 0;
		f->total = 0;
		if (p->kind == PIECE_RANGE) {
			f->step = SLOW_RANGE;
			fetch_put_value(job, p, NULL, p->len);
			ask_body(job, p->off, p->len);
			return;
		}
		if (p->kind == PIECE_FILTER && p->len > 0) {
			f->step = p->len > HEADER_BUFFER ? SLOW_COUNT :
							   SLOW_FILTER;
			f->filter = filter_new(p);
			ask_body(job, p->off, p->len);
			return;
		}
		if (p->kind == PIECE_FILTER)
			fetch_put_filtered(job, p, (const uint8_t *)"");
		else
			fetch_put_memory(job, p);
	}
	fetch_put_end(job);
	if (f->parser != NULL)
		mime_parser_reset(f->parser);
	fetch_slow_next(job);
}

/* What the filter lets pass: counted, held, or told at once. */
static void
filter_out(void *arg, const void *octets, size_t len)
{
	struct job *job = arg;
	struct fetch *f = job->data;
	struct piece *p = &f->piece[f->now];
	const uint8_t *o = octets;
	uint64_t first, begin, end;

	begin = f->total;
	f->total += len;
	if (f->step != SLOW_COUNT && !p->begun) {
		imap_put(&f->memory, o, len);
		return;
	}
	/* What the partial leaves: looked at, and told the second time. */
	first = p->section->partial ? p->section->first : 0;
	end = UINT64_MAX;
	if (p->begun)
		end = first + f->pos;
	else if (p->section->partial)
		end = first + p->section->count;
	if (f->total <= first || begin >= end)
		return;
	if (begin < first) {
		o += first - begin;
		len -= (size_t)(first - begin);
		begin = first;
	}
	if (len > end - begin)
		len = (size_t)(end - begin);
	if (f->step == SLOW_COUNT)
		p->nul = p->nul || memchr(o, '\0', len) != NULL;
	else
		imap_put(conn_out(job->conn), o, len);
}

static void
range_chunk(struct job *job, const struct chunk *chunk)
{
	struct fetch *f = job->data;
	struct piece *p = &f->piece[f->now];
	uint64_t begin, at, n;

	begin = (uint64_t)chunk->index * CHUNK_PLAIN;
	at = p->off + f->pos;
	if (at < begin || at >= begin + chunk->len)
		return;
	n = p->len - f->pos;
	if (n > begin + chunk->len - at)
		n = begin + chunk->len - at;
	imap_put(conn_out(job->conn), chunk->p + (at - begin), (size_t)n);
	f->pos += n;
}

/* The part of a header that lies in this chunk. */
static void
filter_chunk(struct job *job, const struct chunk *chunk)
{
	struct fetch *f = job->data;
	struct piece *p = &f->piece[f->now];
	uint64_t begin, end;

	begin = (uint64_t)chunk->index * CHUNK_PLAIN;
	end = begin + chunk->len;
	if (end > p->off + p->len)
		end = p->off + p->len;
	if (begin < p->off) {
		if (end <= p->off)
			return;
		filter_feed(f->filter, chunk->p + (p->off - begin),
		    (size_t)(end - p->off), filter_out, job);
	} else if (end > begin)
		filter_feed(f->filter, chunk->p, (size_t)(end - begin),
		    filter_out, job);
}

void
fetch_slow_chunk(struct job *job, const struct chunk *chunk)
{
	struct fetch *f = job->data;

	if (chunk->uid != f->row.uid) {
		conn_protocol(job->conn, "R_CHUNK");
		return;
	}
	if (chunk->p == NULL && f->step != SLOW_ROW) {
		if (job->open)
			conn_drop(job->conn);
		return;
	}
	switch (f->step) {
	case FETCH_ROWS:
		break;
	case SLOW_ROW:
		if (chunk->kind == 1 && chunk->p != NULL &&
		    chunk->len <= SUMMARY_MAX - f->summary.len)
			imap_put(&f->summary, chunk->p, chunk->len);
		break;
	case SLOW_PARSE:
		mime_parser_feed(f->parser, chunk->p, chunk->len);
		break;
	case SLOW_RANGE:
		range_chunk(job, chunk);
		break;
	case SLOW_FILTER:
	case SLOW_COUNT:
		filter_chunk(job, chunk);
		break;
	}
}

/* The filter has seen all of the header. */
static void
filter_done(struct job *job)
{
	struct fetch *f = job->data;
	struct piece *p = &f->piece[f->now];
	uint64_t first, count, begin;

	begin = f->memory.len -
	    (f->step == SLOW_FILTER && !p->begun ? f->total : 0);
	filter_end(f->filter, filter_out, job);
	filter_free(f->filter);
	f->filter = NULL;
	if (p->section->kind == IMAP_SECTION_BODY)
		filter_out(job, "\r\n", 2);
	if (p->section->kind == IMAP_SECTION_BINARY_SIZE) {
		p->kind = PIECE_NUMBER;
		p->len = f->total;
		fetch_put_memory(job, p);
		f->now++;
		piece_next(job);
		return;
	}
	fetch_partial(p->section, f->total, &first, &count);
	if (f->step == SLOW_COUNT) {
		fetch_put_value(job, p, NULL, count);
		f->step = SLOW_FILTER;
		f->pos = count;
		f->total = 0;
		p->begun = true;
		f->filter = filter_new(p);
		ask_body(job, p->off, p->len);
		return;
	}
	if (!p->begun) {
		p->kind = PIECE_MEMORY;
		p->off = begin + first;
		p->len = count;
		fetch_put_memory(job, p);
	}
	f->now++;
	piece_next(job);
}

void
fetch_slow_done(struct job *job, enum vault_result result)
{
	struct fetch *f = job->data;

	if (f->step == SLOW_ROW) {
		row_done(job);
		return;
	}
	if (f->step == SLOW_PARSE) {
		parse_done(job, result);
		return;
	}
	if (result != DONE_OK ||
	    (f->step == SLOW_RANGE && f->pos != f->piece[f->now].len)) {
		log_warnx("body cut short conn=%llu",
		    (unsigned long long)job->conn->id);
		conn_drop(job->conn);
		return;
	}
	if (f->step == SLOW_RANGE) {
		f->now++;
		piece_next(job);
	} else
		filter_done(job);
}
