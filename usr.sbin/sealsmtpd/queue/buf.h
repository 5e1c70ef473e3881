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
 * Records of the journal in memory, big-endian: a growing buffer to write, and
 * a reader with a sticky error.
 */

#ifndef BUF_H
#define BUF_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t size;
};

/* Growth is fatal where there is no memory; old contents are wiped. */
void buf_u8(struct buf *, uint8_t);
void buf_u16(struct buf *, uint16_t);
void buf_u32(struct buf *, uint32_t);
void buf_u64(struct buf *, uint64_t);
void buf_raw(struct buf *, const void *, size_t);
void buf_bytes(struct buf *, const void *, size_t); /* u32 length first */
void buf_str(struct buf *, const char *);           /* likewise; NULL is "" */
void buf_clear(struct buf *);                       /* wipes; keeps memory */
void buf_free(struct buf *);                        /* wipes */

struct reader {
	const uint8_t *data;
	size_t len;
	size_t off;
	bool bad; /* something ran past the end, or a limit */
};

uint8_t read_u8(struct reader *);
uint16_t read_u16(struct reader *);
uint32_t read_u32(struct reader *);
uint64_t read_u64(struct reader *);
void read_raw(struct reader *, void *, size_t);
/* At most max octets; points into the reader's. */
const uint8_t *read_bytes(struct reader *, size_t *len, size_t max);
/* A copy that the caller frees, of less than size octets; never NULL. */
char *read_str(struct reader *, size_t size);

#endif
