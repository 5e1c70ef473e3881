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
 * How chunks of messages are compressed by those who parse them, and opened
 * again.  What holds keys stores chunks as they come and never calls this.
 *
 * A chunk is compressed alone, and only where that makes it smaller; the format
 * is in sealstore(5).  CODEC_MAIL is zstd that first takes lines of base64
 * apart: an attachment is compressed as what it is, not as its letters.
 *
 * The contexts are the process's; so nothing here is for threads.
 */

#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec {
	CODEC_NONE = 0,
	CODEC_DEFLATE = 1, /* zlib, RFC 1950 */
	CODEC_ZSTD = 2,    /* RFC 8878 */
	CODEC_MAIL = 3,    /* zstd, lines of base64 taken apart */
};

#define CODEC_LAST CODEC_MAIL
#define CODEC_CHUNK_MAX 65536 /* octets of a chunk, plain */

struct z_stream_s;

/*
 * Compresses len octets (at most CODEC_CHUNK_MAX) to out, which has room for
 * len.  Returns how many octets it wrote, less than len; 0 if they would not
 * get fewer, the codec is none that compresses, or there is no memory: the
 * chunk is then stored as it is, and what out holds is undefined.
 */
size_t codec_pack(uint8_t codec, const void *p, size_t len, void *out);

/*
 * Opens len octets to out, which has room for plain (at most CODEC_CHUNK_MAX).
 * False if they are not what codec_pack() makes of exactly plain octets; out
 * may have been written to all the same.
 */
bool
codec_unpack(uint8_t codec, const void *p, size_t len, void *out, size_t plain);

/* The same of a chunk that may have been stored as it is. */
bool codec_open(uint8_t codec, bool packed, const void *p, size_t len,
    void *out, size_t plain);

/* Gives up the contexts, which keep text of what went through; wiped. */
void codec_forget(void);

/* Makes a zlib stream take memory that is wiped when it is given back. */
void codec_memory(struct z_stream_s *);

#endif
