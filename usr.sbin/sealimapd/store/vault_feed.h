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
 * Messages on their way from the store to a worker that is to see their text:
 * candidates with their summary and a small first chunk, and the chunks that
 * the worker then asks for.  Chunks pass as they are stored, compressed.
 */

#ifndef VAULT_FEED_H
#define VAULT_FEED_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "store.h"

#include "../worker_wire.h"

#define FEED_NEEDS_MAX (2 * WORKER_CANDIDATES_MAX)

/* Zeroed, with worker, id and box set, it is ready. */
struct feed {
	struct wire *worker;
	uint32_t id;       /* of what is being done, on that wire */
	uint64_t box;      /* that the messages are in */
	unsigned int open; /* candidates without a verdict */
	struct msgout *o;  /* candidates not sent yet: see feed_flush() */
	struct feed_need {
		uint32_t uid, first, last;
	} needs[FEED_NEEDS_MAX]; /* ring of what the worker asked for */
	size_t need_head, need_n;
	struct store_body *body; /* of the need being served */
	uint32_t chunk;
};

/* May the worker get more now? */
bool feed_room(const struct feed *);
/*
 * A candidate, with the truth of that many nodes; body: its first chunk comes
 * along if it is small.  No other message may be made before feed_flush().
 */
void feed_candidate(struct feed *, const struct store_msg *,
    const uint8_t *truth, size_t nodes, bool body);
void feed_flush(struct feed *);
/* A chunk by itself. */
void feed_chunk(struct wire *worker, uint32_t id, uint32_t uid, uint8_t kind,
    bool last, uint32_t index, const struct store_chunk *);
/* The worker's NEED: it is remembered, or m is bad. */
void feed_need(struct feed *, struct msg *);
/* The next chunk of the first need; false: there is none. */
bool feed_serve(struct feed *);
void feed_end(struct feed *); /* forgets what was asked for */

#endif
