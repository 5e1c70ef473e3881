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
 * The messages that wait for a verdict.  One at a time has its chunks asked
 * for, in slices; the others wait in line, with their plan and nothing else.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker.h"

static struct {
	struct query *query;
	struct candidates line;
	struct mime_parser *parser;
	struct scan *now;  /* of the first in line */
	struct scan *here; /* of bodies that came along */
} state;

static void line_step(void);

void
candidates_start(struct query *q)
{
	state.query = q;
	TAILQ_INIT(&state.line);
	state.now = scan_new(q);
	state.here = scan_new(q);
}

void
candidates_stop(void)
{
	struct candidate *c;

	if (state.query == NULL)
		return;
	while ((c = TAILQ_FIRST(&state.line)) != NULL) {
		TAILQ_REMOVE(&state.line, c, entry);
		candidate_free(c);
	}
	scan_free(state.now);
	scan_free(state.here);
	mime_parser_free(state.parser);
	memset(&state, 0, sizeof(state));
}

bool
candidates_empty(void)
{
	return TAILQ_EMPTY(&state.line);
}

void
candidate_free(struct candidate *c)
{
	free(c->truth);
	free(c->ranges);
	free(c);
}

/* The parser, ready for a message. */
static struct mime_parser *
parser(void)
{
	if (state.parser == NULL) {
		if ((state.parser = mime_parser_new()) == NULL)
			fatal(NULL);
	} else
		mime_parser_reset(state.parser);
	return state.parser;
}

/* The verdict, if there is one without more octets. */
static bool
decided(struct candidate *c)
{
	enum search_truth t = plan_truth(state.query, c);

	if (t == SEARCH_MAYBE && c->n == 0)
		t = plan_finish(state.query, c) ? SEARCH_YES : SEARCH_NO;
	if (t == SEARCH_MAYBE)
		return false;
	child_verdict(c, t == SEARCH_YES);
	return true;
}

/* The whole body went through the parser: now there is a plan. */
static bool
parsed(struct candidate *c)
{
	struct mime_summary s;
	const uint8_t *p;
	size_t len;

	p = mime_parser_finish(state.parser, &len);
	if (p == NULL ||
	    mime_summary_open(&s, p, len, mime_parser_size(state.parser)) == -1)
		fatalx("the parser's own summary cannot be read");
	c->parsing = false;
	c->size = mime_parser_size(state.parser);
	c->next = 0;
	plan_make(state.query, c, &s);
	return decided(c);
}

/* The whole body, if it came along and opens; else it is asked for. */
static const uint8_t *
whole_body(const struct candidate *c, const struct packed *body)
{
	if (body->p == NULL || body->plain_len != c->size)
		return NULL;
	return unpack(UNPACK_BODY, c->codec, body->compressed, body->p,
	    body->len, body->plain_len);
}

void
candidate_begin(struct candidate *c, const uint8_t *summary, size_t summary_len,
    const struct packed *packed)
{
	struct mime_summary s;
	const uint8_t *body;

	if (summary != NULL &&
	    mime_summary_open(&s, summary, summary_len, c->size) == 0) {
		plan_make(state.query, c, &s);
		if (decided(c)) {
			candidate_free(c);
			return;
		}
		body = whole_body(c, packed);
	} else {
		body = TAILQ_EMPTY(&state.line) ? whole_body(c, packed) : NULL;
		if (body == NULL)
			c->parsing = true;
		else {
			mime_parser_feed(parser(), body, (size_t)c->size);
			if (parsed(c)) {
				candidate_free(c);
				return;
			}
		}
	}
	if (body != NULL) {
		scan_reset(state.here);
		(void)scan_feed(state.here, c, 0, body, (size_t)c->size);
		child_verdict(c, plan_finish(state.query, c));
		candidate_free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&state.line, c, entry);
	line_step();
}

/* Asks for the next slice of what c needs, from chunk c->next on. */
static void
slice_ask(struct candidate *c)
{
	uint64_t first = c->next, last, end;
	size_t i;

	if (c->parsing)
		last = first + SLICE_CHUNKS - 1;
	else {
		if (first < c->ranges[c->at].off / CHUNK_SIZE)
			first = c->ranges[c->at].off / CHUNK_SIZE;
		last = first;
		for (i = c->at; i < c->n; i++) {
			if (c->ranges[i].off / CHUNK_SIZE > last + 1)
				break;
			end = c->ranges[i].off + c->ranges[i].len - 1;
			if (end / CHUNK_SIZE > last)
				last = end / CHUNK_SIZE;
		}
		if (last > first + SLICE_CHUNKS - 1)
			last = first + SLICE_CHUNKS - 1;
	}
	c->next = first;
	c->need_to = last;
	c->asked = true;
	child_need(c->handle, first, last);
}

/* The first in line gets on. */
static void
line_step(void)
{
	struct candidate *c = TAILQ_FIRST(&state.line);

	if (c == NULL || c->asked)
		return;
	if (c->parsing && c->next == 0)
		(void)parser();
	slice_ask(c);
}

static void
line_drop(struct candidate *c)
{
	TAILQ_REMOVE(&state.line, c, entry);
	candidate_free(c);
	scan_reset(state.now);
	line_step();
}

static struct candidate *
first(uint32_t handle)
{
	struct candidate *c = TAILQ_FIRST(&state.line);

	return c != NULL && c->handle == handle && c->asked ? c : NULL;
}

uint8_t
candidate_codec(uint32_t handle)
{
	struct candidate *c = first(handle);

	return c != NULL ? c->codec : 0;
}

/* A verdict waits for the slice's end, so that no chunk comes after it. */
static void
slice_end(struct candidate *c, bool last)
{
	enum search_truth t;

	c->asked = false;
	if (c->parsing) {
		if (last && parsed(c))
			line_drop(c);
		else
			line_step(); /* more of it, or now by plan */
		return;
	}
	t = plan_truth(state.query, c);
	/* Past the body's end nothing can be found. */
	if (t == SEARCH_MAYBE && c->at < c->n && !last) {
		line_step();
		return;
	}
	child_verdict(c, plan_finish(state.query, c));
	line_drop(c);
}

int
candidate_chunk(
    uint32_t handle, uint32_t index, bool last, const uint8_t *p, size_t len)
{
	struct candidate *c;

	if ((c = first(handle)) == NULL)
		return 0; /* it has its verdict */
	if (index != c->next || index > c->need_to ||
	    (!last && len != CHUNK_SIZE))
		return -1;
	c->next++;
	if (c->parsing)
		mime_parser_feed(state.parser, p, len);
	else if (plan_truth(state.query, c) == SEARCH_MAYBE)
		(void)scan_feed(
		    state.now, c, (uint64_t)index * CHUNK_SIZE, p, len);
	if (last || index == c->need_to)
		slice_end(c, last);
	return 0;
}

bool
candidate_gone(uint32_t handle)
{
	struct candidate *c;

	TAILQ_FOREACH (c, &state.line, entry) {
		if (c->handle == handle) {
			line_drop(c);
			return true;
		}
	}
	return false;
}
