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
 * Frames of the operation log.  A frame is sealed under the log key of its
 * epoch and bound to the frame before it; its header and checksum can be read
 * without a key, so that a replica can find a torn write.
 */

#ifndef SEAL_LOG_H
#define SEAL_LOG_H

#include "seal.h"

#define SEAL_FRAME_HEADER 64
#define SEAL_FRAME_ROUND 256         /* payloads are padded to a multiple */
#define SEAL_FRAME_MAX (1024 * 1024) /* octets of operations in one frame */
#define SEAL_FRAME_EXTRA \
	(SEAL_FRAME_HEADER + SEAL_TAG_LEN + 4 + SEAL_FRAME_ROUND)
#define SEAL_CHAIN_LEN 16

/* The part of a frame that anybody can read. */
struct seal_frame {
	uint8_t flags; /* the log's own meaning; authenticated */
	uint16_t nops;
	uint32_t epoch;
	uint64_t seq;
	uint32_t len; /* of the whole frame */
};

/* Octets of a frame that carries len octets of operations. */
size_t seal_frame_size(size_t len);

/* What the first frame of a series is chained to. */
void seal_chain_start(const uint8_t account[SEAL_ID_LEN], const uint8_t *writer,
    size_t len, uint8_t chain[SEAL_CHAIN_LEN]);

/*
 * Seals ops (len <= SEAL_FRAME_MAX) to out (seal_frame_size(len) octets; may
 * not overlap).  chain is the tag of the frame before, and becomes this one's.
 * flags, nops, epoch and seq are read from the frame, its len is set.
 */
int seal_frame_seal(const uint8_t key[SEAL_KEY_LEN], struct seal_frame *,
    uint8_t chain[SEAL_CHAIN_LEN], const uint8_t *ops, size_t len,
    uint8_t *out);

/*
 * Reads a header; avail octets are there.  0: f is filled, and f->len may be
 * more than avail.  -1, EBADMSG: no frame begins here.
 */
int seal_frame_parse(const uint8_t *, size_t avail, struct seal_frame *);
/* The checksum of a whole frame of f->len octets: 0 if it is right. */
int seal_frame_check(const uint8_t *, const struct seal_frame *);
/*
 * Opens a frame that parsed and checked.  out has f->len octets; *len of them
 * are operations.  chain is advanced only where the frame opens.
 */
int seal_frame_open(const uint8_t key[SEAL_KEY_LEN], const struct seal_frame *,
    uint8_t chain[SEAL_CHAIN_LEN], const uint8_t *frame, uint8_t *out,
    size_t *len);

#endif
