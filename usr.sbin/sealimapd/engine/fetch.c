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
 * FETCH: the pass over the rows, as the vault streams them.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fetch.h"
#include "log.h"

void
fetch_ask(struct job *job, uint8_t items, const struct imap_set *set)
{
	const struct imap_cmd *cmd = job->cmd;
	const struct fetch *f = job->data;
	const bool named = set == NULL;
	struct msgout *m;

	if (named)
		set = &cmd->set;
	job_send_set(job, set);
	m = job_request(job, V_FETCH);
	/* Nobody's command is no place for expunges (RFC 9051 7.5.1). */
	msg_put_u8(m,
	    job_news_bits(job, cmd->uid && !job->silent && !f->checking) |
		(cmd->uid || !named ? BY_UID : 0));
	if (named && (cmd->returns & IMAP_RETURN_PARTIAL) != 0)
		items |= ROW_PART;
	msg_put_u8(m, items | (named && cmd->vanished ? ROW_VANISHED : 0));
	msg_put_u64(m, named && cmd->conditional ? cmd->modseq : 0);
	if ((items & ROW_PART) != 0) {
		msg_put_u8(m, cmd->partial.end ? PARTIAL_LAST : PARTIAL_FIRST);
		msg_put_u32(m, cmd->partial.first);
		msg_put_u32(m, cmd->partial.last);
	}
	job_put_set(m, set);
	msg_send(m);
}

void
fetch_start(struct job *job)
{
	struct fetch *f;

	if (job->cmd->vanished && !job->conn->qresync) {
		job_done(job, "BAD", "ENABLE QRESYNC first");
		return;
	}
	/* RFC 9738 section 3.1; where there are fewer it names no more. */
	if ((job->cmd->returns & IMAP_RETURN_PARTIAL) != 0 &&
	    job->conn->exists > job->conn->command_messages &&
	    job->cmd->partial.last - job->cmd->partial.first >=
		job->conn->command_messages) {
		job_result(job, job->result = DONE_MESSAGES, NULL);
		return;
	}
	if ((job->cmd->items & IMAP_ITEM_MODSEQ) != 0)
		condstore_enable(job->conn);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		fatal("fetch");
	job->data = f;
	if (job->cmd->nsections > 0) {
		f->piece = calloc(job->cmd->nsections, sizeof(*f->piece));
		if (f->piece == NULL)
			fatal("fetch");
	}
	f->items = fetch_rows_wanted(job);
	f->checking = fetch_check_due(job);
	fetch_ask(job, f->checking ? ROW_SUMMARY : f->items, NULL);
}

void
fetch_free(struct job *job)
{
	struct fetch *f = job->data;

	if (f == NULL)
		return;
	imap_buf_free(&f->head);
	imap_buf_free(&f->summary);
	imap_buf_free(&f->memory);
	filter_free(f->filter);
	mime_parser_free(f->parser);
	free(f->good.set.range);
	free(f->bad.set.range);
	free(f->deferred);
	free(f->piece);
	freezero(f, sizeof(*f));
}

void
fetch_defer(struct job *job, uint32_t uid)
{
	struct fetch *f = job->data;
	uint32_t *grown;
	size_t size;

	if (f->n_deferred == DEFERRED_MAX) {
		if (job->result == DONE_OK)
			job->result = DONE_LIMIT;
		return;
	}
	if (f->n_deferred == f->size) {
		size = f->size == 0 ? 64 : 2 * f->size;
		grown = reallocarray(f->deferred, size, sizeof(*grown));
		if (grown == NULL)
			fatal("fetch");
		f->deferred = grown;
		f->size = size;
	}
	f->deferred[f->n_deferred++] = uid;
}

const uint8_t *
summary_unpack(struct msg *msg, uint8_t codec, size_t *len)
{
	const uint8_t *p;
	uint32_t plain;
	bool packed;

	packed = msg_get_u8(msg) != 0;
	plain = msg_get_u32(msg);
	p = msg_get_bytes(msg, len, CHUNK_PLAIN + 1024);
	if (p == NULL)
		return NULL;
	if (packed) {
		p = chunk_unpack(codec, p, *len, plain);
		*len = plain;
	} else if (*len != plain)
		return NULL;
	return p;
}

const uint8_t *
fetch_summary_get(struct msg *msg, const struct row *row, size_t *len)
{
	return summary_unpack(msg, row->codec, len);
}

int
chunk_read(struct msg *msg, uint8_t codec, struct chunk *chunk)
{
	uint32_t plain;
	bool packed;

	memset(chunk, 0, sizeof(*chunk));
	chunk->uid = msg_get_u32(msg);
	chunk->kind = msg_get_u8(msg);
	packed = msg_get_u8(msg) != 0;
	chunk->last = msg_get_u8(msg) != 0;
	chunk->index = msg_get_u32(msg);
	plain = msg_get_u32(msg);
	chunk->packed = msg_get_rest(msg, &chunk->packed_len);
	if (msg->bad || plain > CHUNK_PLAIN)
		return -1;
	chunk->len = plain;
	if (packed)
		chunk->codec = codec;
	else if (chunk->packed_len == plain)
		chunk->p = chunk->packed;
	return 0;
}

void
chunk_open(struct chunk *chunk)
{
	if (chunk->codec != 0)
		chunk->p = chunk_unpack(
		    chunk->codec, chunk->packed, chunk->packed_len, chunk->len);
}

int
chunk_get(struct msg *msg, uint8_t codec, struct chunk *chunk)
{
	if (chunk_read(msg, codec, chunk) == -1)
		return -1;
	chunk_open(chunk);
	return 0;
}

/* The answer is whole. */
static void
message_end(struct job *job)
{
	struct fetch *f = job->data;

	fetch_put_end(job);
	f->have_row = false;
}

static void
message_begin(struct job *job)
{
	struct fetch *f = job->data;

	imap_put(conn_out(job->conn), f->head.p, f->head.len);
	job->open = true;
}

/* A row, with its summary in plain octets if one was asked for. */
static void
row_ready(struct job *job, const uint8_t *octets, size_t len)
{
	struct fetch *f = job->data;
	struct mime_summary sum = {0};
	size_t i;

	f->have_row = false;
	if (f->checking) {
		fetch_check_row(job,
		    octets == NULL ||
			    mime_summary_open(&sum, octets, len, f->row.size) ==
				-1 ?
			NULL :
			&sum);
		return;
	}
	if ((f->items & ROW_SUMMARY) != 0 &&
	    (octets == NULL ||
		mime_summary_open(&sum, octets, len, f->row.size) == -1)) {
		fetch_defer(job, f->row.uid);
		return;
	}
	if (job->cmd->nsections == 0) {
		fetch_put_head(job, conn_out(job->conn), &sum);
		message_end(job);
		return;
	}
	imap_buf_reset(&f->head, OUT_KEEP);
	fetch_put_head(job, &f->head, &sum);
	if (fetch_plan(f, job->cmd->sections, job->cmd->nsections, &sum)) {
		if ((f->items & (ROW_BODY | ROW_FIRST)) == 0)
			fetch_defer(job, f->row.uid);
		else {
			f->have_row = true;
			f->chunk = 0;
		}
		return;
	}
	message_begin(job);
	for (i = 0; i < f->n; i++)
		fetch_put_memory(job, &f->piece[i]);
	message_end(job);
}

static void
rows(struct job *job, struct msg *msg)
{
	struct fetch *f = job->data;
	const uint8_t *octets;
	size_t len;

	while (msg->off < msg->len) {
		row_get(msg, &f->row, (f->items & ROW_IDS) != 0);
		octets = NULL;
		len = 0;
		if (f->row.follows == 1)
			octets = fetch_summary_get(msg, &f->row, &len);
		if (msg->bad || f->row.follows > 2) {
			conn_protocol(job->conn, "R_ROWS");
			return;
		}
		if ((f->items & ROW_SET_SEEN) != 0 && !f->checking)
			contexts_changed(job->conn, f->row.uid, f->row.seq);
		if (f->row.follows == 2) {
			imap_buf_reset(&f->summary, OUT_KEEP);
			f->have_row = true;
		} else
			row_ready(job, octets, len);
	}
	chunk_wipe();
}

/* A piece of a summary that is larger than a chunk. */
static void
summary_chunk(struct job *job, const struct chunk *chunk)
{
	struct fetch *f = job->data;

	if (f->row.follows != 2)
		return;
	if (chunk->p != NULL && chunk->len <= SUMMARY_MAX - f->summary.len)
		imap_put(&f->summary, chunk->p, chunk->len);
	if (chunk->last) {
		f->row.follows = 1;
		row_ready(job, f->summary.p, f->summary.len);
		imap_buf_reset(&f->summary, 0);
	}
}

/* Do all pieces lie in the first chunk? */
static bool
in_first(const struct fetch *f, size_t len)
{
	const struct piece *p;

	for (p = f->piece; p < f->piece + f->n; p++)
		if ((p->kind == PIECE_RANGE || p->kind == PIECE_FILTER) &&
		    (p->off > len || p->len > len - p->off))
			return false;
	return true;
}

static void
put_first(struct job *job, const uint8_t *body)
{
	struct fetch *f = job->data;
	struct piece *p;

	message_begin(job);
	for (p = f->piece; p < f->piece + f->n; p++) {
		if (p->kind == PIECE_RANGE)
			fetch_put_value(job, p, body + p->off, p->len);
		else if (p->kind == PIECE_FILTER)
			fetch_put_filtered(job, p, body + p->off);
		else
			fetch_put_memory(job, p);
	}
	message_end(job);
}

static int
piece_cmp(const struct piece *a, const struct piece *b)
{
	if ((a->kind == PIECE_RANGE) != (b->kind == PIECE_RANGE))
		return a->kind == PIECE_RANGE ? 1 : -1;
	return a->off < b->off ? -1 : a->off > b->off;
}

/* Puts them in the order of the body; false if one pass is not enough. */
static bool
sort_pieces(struct fetch *f)
{
	struct piece tmp, *p = f->piece;
	size_t i, k;

	for (i = 1; i < f->n; i++)
		for (k = i; k > 0 && piece_cmp(&p[k - 1], &p[k]) > 0; k--) {
			tmp = p[k];
			p[k] = p[k - 1];
			p[k - 1] = tmp;
		}
	for (i = 0; i < f->n; i++) {
		if (p[i].kind == PIECE_FILTER)
			return false;
		if (i > 0 && p[i - 1].kind == PIECE_RANGE &&
		    p[i].off < p[i - 1].off + p[i - 1].len)
			return false;
	}
	return true;
}

/* What a chunk has of the pieces that are due. */
static void
stream(struct job *job, const struct chunk *chunk)
{
	struct imap_buf *b = conn_out(job->conn);
	struct fetch *f = job->data;
	struct piece *p;
	uint64_t begin, end, at, n;

	begin = (uint64_t)chunk->index * CHUNK_PLAIN;
	end = begin + chunk->len;
	for (; f->now < f->n; f->now++) {
		p = &f->piece[f->now];
		if (p->kind != PIECE_RANGE) {
			fetch_put_memory(job, p);
			continue;
		}
		at = p->off + f->pos;
		if (at >= end)
			break;
		if (!p->begun)
			fetch_put_value(job, p, NULL, p->len);
		p->begun = true;
		n = p->len - f->pos;
		if (n > end - at)
			n = end - at;
		imap_put(b, chunk->p + (at - begin), (size_t)n);
		f->pos += n;
		if (f->pos < p->len)
			break;
		f->pos = 0;
	}
	if (f->now == f->n)
		message_end(job);
	else if (chunk->last) {
		/* Shorter than its own size: nothing else can be said. */
		log_warnx(
		    "short body conn=%llu", (unsigned long long)job->conn->id);
		conn_drop(job->conn);
	}
}

/*
 * Is the chunk, all of it, what the client is sent next?  A whole message
 * mostly is: it is then decompressed where the output lies.
 */
static bool
is_straight(const struct fetch *f, const struct chunk *chunk)
{
	const struct piece *p = f->piece;

	return chunk->codec != 0 && f->n == 1 && f->now == 0 &&
	    p->kind == PIECE_RANGE &&
	    p->section->kind != IMAP_SECTION_BINARY && /* NUL is looked for */
	    p->off + f->pos == (uint64_t)chunk->index * CHUNK_PLAIN &&
	    p->len - f->pos >= chunk->len &&
	    (p->len - f->pos == chunk->len ||
		(!chunk->last && (f->items & ROW_BODY) != 0));
}

/* False where it does not open: the output is as it was. */
static bool
put_straight(struct job *job, const struct chunk *chunk)
{
	struct imap_buf *b = conn_out(job->conn);
	struct fetch *f = job->data;
	struct piece *p = f->piece;
	bool any = f->any, open = job->open;
	size_t begin = b->len;

	if (!job->open)
		message_begin(job);
	if (!p->begun)
		fetch_put_value(job, p, NULL, p->len);
	if (!codec_unpack(chunk->codec, chunk->packed, chunk->packed_len,
		imap_buf_room(b, chunk->len), chunk->len)) {
		imap_buf_cut(b, begin, chunk->len);
		f->any = any;
		job->open = open;
		return false;
	}
	p->begun = true;
	b->len += chunk->len;
	f->pos += chunk->len;
	if (f->pos == p->len) {
		f->pos = 0;
		f->now = 1;
		message_end(job);
	}
	return true;
}

static void
chunk_damaged(struct job *job)
{
	struct fetch *f = job->data;

	f->have_row = false;
	if (job->open)
		conn_drop(job->conn);
	else if (job->result == DONE_OK)
		job->result = DONE_CORRUPT;
}

static void
body_chunk(struct job *job, struct chunk *chunk)
{
	struct fetch *f = job->data;

	if (!f->have_row || chunk->uid != f->row.uid)
		return;
	/* Where an octet stands follows from this alone. */
	if (f->row.follows == 2 || chunk->index != f->chunk++ ||
	    (!chunk->last && chunk->len != CHUNK_PLAIN)) {
		conn_protocol(job->conn, "order of chunks");
		return;
	}
	if (is_straight(f, chunk)) {
		if (!put_straight(job, chunk))
			chunk_damaged(job);
		return;
	}
	chunk_open(chunk);
	if (chunk->p == NULL) {
		chunk_damaged(job);
		return;
	}
	if (chunk->index == 0) {
		if (in_first(f, chunk->len)) {
			put_first(job, chunk->p);
			return;
		}
		if ((f->items & ROW_BODY) == 0 || !sort_pieces(f)) {
			f->have_row = false;
			fetch_defer(job, f->row.uid);
			return;
		}
		message_begin(job);
	}
	stream(job, chunk);
}

void
fetch_answer(struct job *job, struct msg *msg)
{
	struct fetch *f = job->data;
	struct chunk chunk;

	if (msg->type == R_ROWS) {
		if (job->open)
			conn_protocol(job->conn, "row within a body");
		else if (f->step == FETCH_ROWS)
			rows(job, msg);
		else
			fetch_slow_rows(job, msg);
		return;
	}
	if (msg->type == R_VANISHED && !job->open) {
		put_vanished(job->conn, msg);
		return;
	}
	if (msg->type != R_CHUNK ||
	    chunk_read(msg, f->row.codec, &chunk) == -1) {
		conn_protocol(job->conn, "answer to FETCH");
		return;
	}
	if (f->step == FETCH_ROWS && chunk.kind != 1)
		body_chunk(job, &chunk);
	else {
		chunk_open(&chunk);
		if (f->step != FETCH_ROWS)
			fetch_slow_chunk(job, &chunk);
		else
			summary_chunk(job, &chunk);
	}
	chunk_wipe();
}

void
fetch_done(struct job *job, enum vault_result result, const char *detail)
{
	struct fetch *f = job->data;

	if (f->step != FETCH_ROWS) {
		fetch_slow_done(job, result);
		return;
	}
	if (job->open) {
		/* The vault gave up midway: never a short literal. */
		conn_drop(job->conn);
		return;
	}
	if (!fetch_check_next(job))
		fetch_slow_next(job);
}
