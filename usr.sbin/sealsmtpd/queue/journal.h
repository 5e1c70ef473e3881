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
 * The queue's journal: log/<n>, append-only segments of sealed frames.  What is
 * in the queue is a fold over them; sealstore(5) has the records.
 *
 * Compaction: journal_next() begins a segment, to which everything goes from
 * then on; the caller writes all that is in the queue anew, record by record
 * and between its other work; then journal_settle() unlinks the older ones.
 * Records are such that replaying old and new, one after the other, is right at
 * every step between.
 */

#ifndef JOURNAL_H
#define JOURNAL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define JOURNAL_KEY_LEN 32
#define JOURNAL_SEGMENTS_MAX 64 /* compactions that were cut short */

enum journal_state {
	JOURNAL_WHOLE,   /* all frames were read, a torn end cut off */
	JOURNAL_DAMAGED, /* some were not: the rest is right, but not all */
};

/*
 * Opens it, or makes one.  Every record goes to replay(), oldest first; one
 * that it refuses (-1) counts as damage.  -1 with errno where it cannot be
 * read or made.
 */
int journal_open(int dirfd, const uint8_t key[JOURNAL_KEY_LEN],
    int (*replay)(struct reader *), enum journal_state *);
/*
 * Writes nops records as one frame: all of them or none are there later.  Not
 * durable before journal_sync(), or a sync of the file system.  -1 with errno:
 * nothing was added.
 */
int journal_write(const struct buf *, uint16_t nops);
int journal_sync(void);
uint64_t journal_size(void); /* octets of all segments */

int journal_next(void);
int journal_settle(void);

#endif
