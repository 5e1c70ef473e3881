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
 * Chunks decompressed.  What they open to is bounded by the plain length that
 * the vault says, and that by the size of a chunk.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "log.h"
#include "worker.h"

#define CODEC_DEFLATE 1
#define CODEC_ZSTD 2

static struct {
	uint8_t *out[2];
	ZSTD_DCtx *zstd;
	z_stream z;
} state;

void
unpack_init(void)
{
	state.out[UNPACK_BODY] = calloc(1, CHUNK_SIZE);
	state.out[UNPACK_SUMMARY] = calloc(1, CHUNK_SIZE);
	state.zstd = ZSTD_createDCtx();
	if (state.out[0] == NULL || state.out[1] == NULL ||
	    state.zstd == NULL || inflateInit(&state.z) != Z_OK)
		fatalx("no memory for decompression");
}

static size_t
unzip(uint8_t *out, const uint8_t *p, size_t len)
{
	int r;

	if (inflateReset(&state.z) != Z_OK)
		return SIZE_MAX;
	memcpy(&state.z.next_in, &p, sizeof(p));
	state.z.avail_in = (uInt)len;
	state.z.next_out = out;
	state.z.avail_out = CHUNK_SIZE;
	r = inflate(&state.z, Z_FINISH);
	return r == Z_STREAM_END ? CHUNK_SIZE - state.z.avail_out : SIZE_MAX;
}

static const uint8_t *
chunk_open(int slot, uint8_t codec, bool compressed, const uint8_t *p,
    size_t len, size_t plain_len)
{
	uint8_t *out = state.out[slot];
	size_t n;

	if (plain_len > CHUNK_SIZE || len > CHUNK_SIZE)
		return NULL;
	if (!compressed)
		return len == plain_len ? p : NULL;
	switch (codec) {
	case CODEC_DEFLATE:
		n = unzip(out, p, len);
		break;
	case CODEC_ZSTD:
		n = ZSTD_decompressDCtx(state.zstd, out, CHUNK_SIZE, p, len);
		if (ZSTD_isError(n))
			n = SIZE_MAX;
		break;
	default:
		return NULL;
	}
	return n == plain_len ? out : NULL;
}

const uint8_t *
unpack(int slot, uint8_t codec, bool compressed, const uint8_t *p, size_t len,
    size_t plain_len)
{
	const uint8_t *plain;

	plain = chunk_open(slot, codec, compressed, p, len, plain_len);
	report_add(plain == NULL ? WORKER_MALFORMED : WORKER_OPENED, 1);
	if (plain != NULL)
		report_add(WORKER_OCTETS, plain_len);
	return plain;
}

void
unpack_wipe(void)
{
	explicit_bzero(state.out[UNPACK_BODY], CHUNK_SIZE);
	explicit_bzero(state.out[UNPACK_SUMMARY], CHUNK_SIZE);
}
