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
 * Upkeep that takes many small steps: a checkpoint, a snapshot, compaction.
 * Between two steps anything may happen to the account; each kind says in its
 * source why that does no harm.
 */

#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "store_local.h"

enum work_kind { WORK_CHECKPOINT, WORK_SNAPSHOT, WORK_COMPACT };

/* A box's column as it was when it was frozen. */
struct frozen {
	uint64_t box;
	struct blockref *blocks; /* NULL where it was not loaded: in its file */
	size_t nblocks;
	struct tombs *tombs;
	size_t ntombs;
	size_t n;
	uint32_t file;
	struct buf before; /* of a checkpoint: operations, made when frozen */
	struct buf after;
};

/* How far it was read. */
struct frozen_at {
	size_t block;
	size_t tomb;
	bool open; /* c is */
	struct colr c;
};

struct work {
	enum work_kind kind;
	struct frozen *boxes;
	size_t nboxes;
	size_t at; /* the one at hand */
	struct frozen_at pos;
	unsigned int phase; /* of a checkpoint's box; of a snapshot */
	/* checkpoint */
	struct buf rest; /* what follows the boxes */
	size_t rest_off;
	uint64_t since; /* log_since at its beginning */
	uint64_t len;   /* octets written */
	uint32_t first; /* its first segment; of a snapshot: see retire */
	/* snapshot */
	struct buf state;
	struct colw out;
	bool writing;    /* out is open */
	uint32_t retire; /* segments below it go when all is done; 0: none */
	/* compaction */
	struct buf buf;
	uint64_t box; /* the one at hand, or where to look for the next */
	uint32_t uid;
};

int freeze(struct frozen *, const struct box *);
void thaw(struct frozen *);
/*
 * The next messages, at most COL_ROWS of them, valid until the next call: 1; 0
 * at their end; -1.  Then the tombstones.
 */
int frozen_msgs(struct store *, struct frozen *, struct frozen_at *,
    const struct store_msg **, size_t *n);
int frozen_tombs(struct store *, struct frozen *, struct frozen_at *,
    const struct tomb **, size_t *n);
void frozen_rewind(struct frozen_at *);

struct work *work_new(struct store *, enum work_kind, size_t nboxes);
/* Forgets it; what it has written so far does no harm. */
void work_drop(struct store *);
/* One step; it is done when st->work is NULL. */
enum store_result work_step(struct store *);
enum store_result work_finish(struct store *); /* all of them */

enum store_result checkpoint_begin(struct store *);
enum store_result checkpoint_step(struct store *);
enum store_result snap_begin(struct store *, uint32_t retire);
enum store_result snap_step(struct store *);
void snap_dropped(struct store *, struct work *);
/* The highest generation below limit; 0 if there is none. */
uint64_t snap_highest(struct store *, uint64_t limit);
/* store_clear.c: some of what no snapshot needs any more; true: there is more.
 */
bool clear_step(struct store *);
enum store_result compact_begin(struct store *);
enum store_result compact_step(struct store *);

#endif
