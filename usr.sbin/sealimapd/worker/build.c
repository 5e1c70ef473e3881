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
 * A segment of the index is made: the candidates' text goes through the same
 * pipe as for a search for a text that nothing decides, and what it would be
 * compared with is taken apart into trigrams.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "../worker_wire.h"
#include "index.h"
#include "worker.h"

static struct {
	struct segment *segment;
	bool full;
	uint32_t id;
	void (*done)(void);
	struct wire *wire; /* its pages are on their way there */
} build;

static void produce(struct wire *, void *);

/* One TEXT leaf, which stays open: so all that TEXT looks at is looked at. */
void
build_start(struct query *q)
{
	q->index = true;
	q->program = search_new();
	q->terms = calloc(1, sizeof(*q->terms));
	if (q->program == NULL || q->terms == NULL ||
	    search_add_text(q->program, SEARCH_TEXT, "", 0) == -1)
		fatal(NULL);
	q->n = search_count(q->program);
	build.segment = segment_new();
	build.full = false;
}

void
build_stop(void)
{
	if (build.wire != NULL)
		wire_produce(build.wire, NULL);
	segment_free(build.segment);
	memset(&build, 0, sizeof(build));
}

uint8_t
build_verdict(const struct candidate *c)
{
	const uint32_t *list = NULL;
	size_t n = 0;

	if (build.full)
		return WORKER_INDEXED_FULL;
	if (c->grams != NULL && !grams_list(c->grams, &list, &n))
		return WORKER_INDEXED_NOT;
	build.full = !segment_add(build.segment, list, n);
	return build.full ? WORKER_INDEXED_FULL : WORKER_INDEXED_IN;
}

void
build_finish(struct wire *w, uint32_t id, void (*done)(void))
{
	segment_close(build.segment);
	build.id = id;
	build.done = done;
	build.wire = w;
	wire_produce(w, produce);
}

bool
build_closed(void)
{
	return build.wire != NULL;
}

/* A page, when the wire takes one. */
static void
produce(struct wire *w, void *arg)
{
	struct msgout *o;
	const uint8_t *p;
	size_t len;

	(void)arg;
	p = segment_page(build.segment, &len);
	o = msg_new(
	    w, p != NULL ? WORKER_VAULT_PAGE : WORKER_VAULT_HINT, build.id);
	if (p != NULL) {
		msg_put_raw(o, p, len);
		msg_send(o);
		return;
	}
	wire_produce(w, NULL);
	p = segment_hint(build.segment, &len);
	msg_put_raw(o, p, len);
	msg_send(o);
	build.done();
}
