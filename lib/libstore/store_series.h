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
 * The series of a log, frame by frame; for those that fold them.
 */

#ifndef STORE_SERIES_H
#define STORE_SERIES_H

#include "store_local.h"

struct series {
	struct writer w;
	size_t idx;     /* of the writer in the store's table */
	uint64_t skip;  /* frames up to this one are in the checkpoint */
	uint32_t first; /* segments that are there */
	uint32_t last;
	uint8_t *seg; /* the one being read */
	size_t len;
	struct seal_frame f; /* the frame at hand */
	struct buf plain;
	size_t plain_len;
	uint64_t base; /* its Lamport time */
	bool have;
	bool ended;
	bool rest_zero; /* nothing but zeros after the last frame */
	bool moved;     /* frames were read */
	bool gap;       /* segments are there that do not follow */
};

struct replay {
	struct series s[WRITERS_MAX];
	size_t n;
};

/* A segment that begins with a checkpoint. */
struct candidate {
	size_t series;
	uint32_t seg;
	uint64_t lamport;
};
#define CANDIDATES 32 /* of one writer; those cut short included */

int series_list(struct store *st, struct replay *rp);
/* Reads segment seg whole.  Its header to *h. */
int series_load(
    struct store *st, struct series *s, uint32_t seg, struct seg_header *h);
/* The frame at the series' place: 1 opened, 0 none. */
int series_open(struct store *st, struct series *s);
/* Puts the next frame at hand, or ends the series. */
void series_advance(struct store *st, struct series *s);
/* Sets the series to begin with its segment seg. */
int
series_at(struct store *st, struct series *s, uint32_t seg, bool *checkpoint);
/* Where the snapshot says that its writer was. */
int series_from(struct store *st, struct series *s);
int series_apply(struct store *st, struct series *s);
struct series *series_earliest(struct replay *rp);
/* Every series has its writer in the table; new ones come at its end. */
int series_bind(struct store *st, struct replay *rp);
/* After a frame: the table says how far its writer has come. */
void series_passed(struct store *st, struct series *s);
/* The vector of a checkpoint's BEGIN: writers, and what each had seen. */
int series_vector(struct store *st, struct series *s);
/* Is this the frame that has BEGIN? */
bool series_begins(const struct series *s);
/* Sets a series to go on behind what the checkpoint covers. */
void series_behind(struct store *st, struct series *s);
void series_rewind(struct replay *rp);
size_t
series_checkpoints(struct store *st, struct replay *rp, struct candidate *all);

#endif
