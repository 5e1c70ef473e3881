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
 * CATENATE (RFC 4469): the octets that a URL names go from the vault through
 * this process and back.  While the vault answers it reads nothing, so they
 * are asked for a few chunks at a time: that much is held, whatever their
 * number.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "fetch.h"
#include "log.h"

struct catenate {
	struct imap_url url;
	enum { CAT_ROW, CAT_PARSE, CAT_BODY } step;
	struct fetch f;
	struct piece piece;
	uint64_t pos, end;   /* octets of the message that are yet to come */
	uint64_t asked;      /* where the last request began */
	uint64_t skip, left; /* of what a filter lets pass */
	bool bad;            /* a chunk was not what it should be */
};

static void
ask_row(struct job *job, struct catenate *cat)
{
	const struct imap_section *s = &cat->url.section;
	struct msgout *m;
	bool whole = s->text == IMAP_TEXT_ALL && s->nparts == 0;

	m = msg_new(job->conn->vault, V_GLANCE, 0);
	msg_put_bytes(m, cat->url.name.p, cat->url.name.len);
	msg_put_u32(m, cat->url.uidvalidity);
	msg_send(m);
	m = job_request(job, V_FETCH);
	msg_put_u8(m, BY_UID);
	msg_put_u8(m, ROW_GLANCE | (whole ? 0 : ROW_SUMMARY));
	msg_put_u64(m, 0);
	msg_put_u32(m, 1);
	msg_put_u32(m, cat->url.uid);
	msg_put_u32(m, cat->url.uid);
	msg_send(m);
}

struct catenate *
catenate_start(
    struct job *job, struct imap_cmd *cmd, const struct imap_str *url)
{
	struct conn *c = job->conn;
	struct imap_str base;
	struct catenate *cat;

	cat = calloc(1, sizeof(*cat));
	if (cat == NULL)
		fatal("catenate");
	base.p = c->box_name;
	base.len = c->box_name == NULL ? 0 : strlen(c->box_name);
	if (imap_url_parse(
		cmd, url, base.p == NULL ? NULL : &base, &cat->url) == -1 ||
	    cat->url.name.len > BOX_NAME_MAX) {
		free(cat);
		return NULL;
	}
	cat->f.piece = &cat->piece;
	ask_row(job, cat);
	return cat;
}

void
catenate_free(struct catenate *cat)
{
	if (cat == NULL)
		return;
	imap_buf_free(&cat->f.summary);
	imap_buf_free(&cat->f.memory);
	filter_free(cat->f.filter);
	mime_parser_free(cat->f.parser);
	freezero(cat, sizeof(*cat));
}

void
catenate_end(struct conn *c)
{
	struct msgout *m;

	m = msg_new(c->vault, V_GLANCE, 0);
	msg_put_str(m, "");
	msg_put_u32(m, 0);
	msg_send(m);
}

static void
ask_body(struct job *job, struct catenate *cat)
{
	uint64_t last = (cat->end - 1) / CHUNK_PLAIN;
	struct msgout *m;

	cat->asked = cat->pos;
	cat->f.chunk = (uint32_t)(cat->pos / CHUNK_PLAIN);
	if (last > cat->f.chunk + CATENATE_CHUNKS - 1)
		last = cat->f.chunk + CATENATE_CHUNKS - 1;
	m = job_request(job, V_PEEK);
	msg_put_u32(m, cat->url.uid);
	msg_put_u32(m, cat->f.chunk);
	msg_put_u32(m, (uint32_t)last);
	msg_send(m);
}

/* What was fed has left for the vault: go on. */
static void
body_room(struct wire *w, void *arg)
{
	struct conn *c = arg;

	wire_produce(w, NULL);
	c->throttled = false;
	ask_body(c->append, append_catenate(c->append));
}

static void
body_next(struct job *job, struct catenate *cat)
{
	struct conn *c = job->conn;

	if (wire_queued(c->vault) > MSG_HIGH) {
		c->throttled = true;
		wire_produce(c->vault, body_room);
	} else
		ask_body(job, cat);
}

static void
row(struct job *job, struct catenate *cat, struct msg *msg)
{
	struct fetch *f = &cat->f;
	const uint8_t *p;
	size_t len;

	if (cat->step != CAT_ROW || f->have_row) {
		conn_protocol(job->conn, "R_ROWS");
		return;
	}
	row_get(msg, &f->row, false);
	f->have_row = true;
	if (f->row.follows == 1) {
		p = fetch_summary_get(msg, &f->row, &len);
		if (p != NULL)
			imap_put(&f->summary, p, len);
	}
	if (msg->bad || f->row.follows > 2 || msg->off != msg->len)
		conn_protocol(job->conn, "R_ROWS");
}

struct sink {
	struct job *job;
	struct catenate *cat;
};

/* What a filter lets pass, less what a partial leaves out. */
static void
filtered(void *arg, const void *octets, size_t len)
{
	struct sink *sink = arg;
	struct catenate *cat = sink->cat;
	const uint8_t *p = octets;
	size_t n;

	n = cat->skip < len ? (size_t)cat->skip : len;
	cat->skip -= n;
	p += n;
	len -= n;
	n = cat->left < len ? (size_t)cat->left : len;
	cat->left -= n;
	if (n > 0)
		(void)append_feed(sink->job, p, n);
}

static void
body_chunk(struct job *job, struct catenate *cat, const struct chunk *chunk)
{
	struct sink sink = {job, cat};
	uint64_t begin = (uint64_t)chunk->index * CHUNK_PLAIN;
	const uint8_t *p;
	size_t n;

	if (chunk->uid != cat->url.uid || chunk->index != cat->f.chunk++ ||
	    chunk->p == NULL || (!chunk->last && chunk->len != CHUNK_PLAIN) ||
	    cat->pos < begin || cat->pos - begin > chunk->len)
		cat->bad = true;
	if (cat->bad)
		return;
	p = chunk->p + (cat->pos - begin);
	n = chunk->len - (size_t)(cat->pos - begin);
	if (n > cat->end - cat->pos)
		n = (size_t)(cat->end - cat->pos);
	cat->pos += n;
	if (cat->step == CAT_PARSE)
		mime_parser_feed(cat->f.parser, p, n);
	else if (cat->f.filter != NULL)
		filter_feed(cat->f.filter, p, n, filtered, &sink);
	else
		(void)append_feed(job, p, n);
}

void
catenate_answer(struct job *job, struct catenate *cat, struct msg *msg)
{
	struct fetch *f = &cat->f;
	struct chunk chunk;

	if (msg->type == R_ROWS) {
		row(job, cat, msg);
	} else if (msg->type != R_CHUNK ||
	    chunk_get(msg, f->row.codec, &chunk) == -1) {
		conn_protocol(job->conn, "answer to CATENATE");
		return;
	} else if (cat->step != CAT_ROW) {
		body_chunk(job, cat, &chunk);
	} else if (chunk.kind == 1 && chunk.p != NULL &&
	    chunk.len <= SUMMARY_MAX - f->summary.len)
		imap_put(&f->summary, chunk.p, chunk.len);
	chunk_wipe();
}

static enum catenate_state
failed(struct job *job, enum vault_result result)
{
	job->result = result;
	return CATENATE_FAILED;
}

/* From here to there, in what the step makes of it. */
static enum catenate_state
body_begin(
    struct job *job, struct catenate *cat, int step, uint64_t off, uint64_t len)
{
	cat->step = step;
	cat->pos = off;
	cat->end = off + len;
	body_next(job, cat);
	return CATENATE_MORE;
}

static enum catenate_state
filter_finish(struct job *job, struct catenate *cat)
{
	struct sink sink = {job, cat};

	filter_end(cat->f.filter, filtered, &sink);
	filtered(&sink, "\r\n", 2);
	return CATENATE_DONE;
}

/* It is known where the part lies. */
static enum catenate_state
planned(struct job *job, struct catenate *cat, const struct mime_summary *sum)
{
	struct piece *p = &cat->piece;

	(void)fetch_plan(&cat->f, &cat->url.section, 1, sum);
	switch (p->kind) {
	case PIECE_NIL:
	case PIECE_NONE:
	case PIECE_NUMBER:
		return CATENATE_BADURL;
	case PIECE_MEMORY:
		if (p->len > 0)
			(void)append_feed(
			    job, cat->f.memory.p + p->off, (size_t)p->len);
		return CATENATE_DONE;
	case PIECE_RANGE:
		if (append_too_big(job, p->len))
			return CATENATE_DONE;
		break;
	case PIECE_FILTER:
		cat->f.filter = filter_new(p);
		fetch_partial(
		    &cat->url.section, UINT64_MAX, &cat->skip, &cat->left);
		if (p->len == 0)
			return filter_finish(job, cat);
		break;
	}
	return body_begin(job, cat, CAT_BODY, p->off, p->len);
}

static enum catenate_state
row_done(struct job *job, struct catenate *cat, enum vault_result result)
{
	const struct imap_section *s = &cat->url.section;
	struct fetch *f = &cat->f;
	struct mime_summary sum = {0};

	if (result == DONE_NONEXISTENT || result == DONE_EXPUNGED ||
	    (result == DONE_OK && !f->have_row))
		return CATENATE_BADURL;
	if (result != DONE_OK)
		return failed(job, result);
	if ((s->text == IMAP_TEXT_ALL && s->nparts == 0) ||
	    mime_summary_open(
		&sum, f->summary.p, f->summary.len, f->row.size) == 0)
		return planned(job, cat, &sum);
	/* Forged, damaged or none: the body tells. */
	f->parser = mime_parser_new();
	if (f->parser == NULL)
		fatal("parser");
	if (f->row.size == 0)
		return failed(job, DONE_CORRUPT);
	return body_begin(job, cat, CAT_PARSE, 0, f->row.size);
}

static enum catenate_state
parse_done(struct job *job, struct catenate *cat)
{
	struct mime_summary sum;
	const uint8_t *p;
	size_t len;

	p = mime_parser_finish(cat->f.parser, &len);
	if (p == NULL || mime_summary_open(&sum, p, len, cat->f.row.size) == -1)
		return failed(job, DONE_CORRUPT);
	return planned(job, cat, &sum);
}

enum catenate_state
catenate_done(struct job *job, struct catenate *cat, enum vault_result result)
{
	if (cat->step == CAT_ROW)
		return row_done(job, cat, result);
	/* Expunged meanwhile, or its mailbox is gone. */
	if (result == DONE_EXPUNGED || result == DONE_NONEXISTENT)
		return CATENATE_BADURL;
	if (result != DONE_OK)
		return failed(job, result);
	if (cat->bad || (cat->pos < cat->end && cat->pos == cat->asked))
		return failed(job, DONE_CORRUPT);
	if (append_too_big(job, 0))
		return CATENATE_DONE;
	if (cat->pos < cat->end) {
		body_next(job, cat);
		return CATENATE_MORE;
	}
	if (cat->step == CAT_PARSE)
		return parse_done(job, cat);
	return cat->f.filter != NULL ? filter_finish(job, cat) : CATENATE_DONE;
}
