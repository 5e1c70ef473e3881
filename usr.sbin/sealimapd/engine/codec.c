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
 * Compression of chunks: zstd or deflate, each with one context of
 * the process.  What comes out of a store is opened into one buffer, and never
 * to more than a chunk.  The contexts keep text of their own (literals,
 * windows), so they are given up, wiped, when a session ends.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY /* for its allocator, which must wipe */
#include <zstd.h>

#include "engine.h"

#define CODEC_DEFLATE 1
#define CODEC_ZSTD 2
/* As smtp-engine does it (compress.c), and for the same reason. */
#define ZSTD_LEVEL (-3)

static uint8_t packed[CHUNK_PLAIN];
static uint8_t plain_buf[CHUNK_PLAIN];
static size_t plain_used, packed_used;
static ZSTD_CCtx *zstd_pack;
static ZSTD_DCtx *zstd_unpack;
static z_stream *deflater, *inflater;

/* Memory that knows its size, so that it can be wiped. */
struct block {
	size_t size;
	max_align_t data[];
};

static void *
block_new(void *arg, size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = sizeof(*b) + size;
	return b->data;
}

static void
block_free(void *arg, void *p)
{
	struct block *b;

	if (p == NULL)
		return;
	b = (struct block *)(void *)((uint8_t *)p -
	    offsetof(struct block, data));
	freezero(b, b->size);
}

static voidpf
zlib_new(voidpf arg, uInt n, uInt size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return block_new(NULL, (size_t)n * size);
}

void
codec_memory(z_stream *z)
{
	z->zalloc = zlib_new;
	z->zfree = block_free;
}

static z_stream *
stream_new(void)
{
	z_stream *z;

	z = calloc(1, sizeof(*z));
	if (z == NULL)
		return NULL;
	codec_memory(z);
	return z;
}

static const ZSTD_customMem zstd_memory = {block_new, block_free, NULL};

void
codec_forget(void)
{
	ZSTD_freeCCtx(zstd_pack);
	ZSTD_freeDCtx(zstd_unpack);
	zstd_pack = NULL;
	zstd_unpack = NULL;
	if (deflater != NULL)
		(void)deflateEnd(deflater);
	if (inflater != NULL)
		(void)inflateEnd(inflater);
	free(deflater);
	free(inflater);
	deflater = inflater = NULL;
	explicit_bzero(packed, packed_used);
	packed_used = 0;
	codec_wipe();
}

static size_t
pack_deflate(const void *p, size_t len)
{
	if (deflater == NULL) {
		deflater = stream_new();
		if (deflater == NULL || deflateInit(deflater, 1) != Z_OK)
			return 0;
	}
	if (deflateReset(deflater) != Z_OK)
		return 0;
	deflater->next_in = (Bytef *)(uintptr_t)p;
	deflater->avail_in = (uInt)len;
	deflater->next_out = packed;
	deflater->avail_out = (uInt)(len - 1);
	if (deflate(deflater, Z_FINISH) != Z_STREAM_END)
		return 0;
	return len - 1 - deflater->avail_out;
}

static size_t
pack_zstd(const void *p, size_t len)
{
	size_t n;

	if (zstd_pack == NULL) {
		zstd_pack = ZSTD_createCCtx_advanced(zstd_memory);
		if (zstd_pack == NULL)
			return 0;
		(void)ZSTD_CCtx_setParameter(
		    zstd_pack, ZSTD_c_compressionLevel, ZSTD_LEVEL);
		(void)ZSTD_CCtx_setParameter(
		    zstd_pack, ZSTD_c_literalCompressionMode, 1);
	}
	n = ZSTD_compress2(zstd_pack, packed, len - 1, p, len);
	return ZSTD_isError(n) ? 0 : n;
}

size_t
codec_pack(uint8_t codec, const void *p, size_t len, const uint8_t **out)
{
	*out = packed;
	if (len < 2 || len > sizeof(packed))
		return 0;
	if (len > packed_used)
		packed_used = len;
	switch (codec) {
	case CODEC_DEFLATE:
		return pack_deflate(p, len);
	case CODEC_ZSTD:
		return pack_zstd(p, len);
	default:
		return 0;
	}
}

static bool
unpack_deflate(const void *p, size_t len, uint8_t *out, size_t plain)
{
	if (inflater == NULL) {
		inflater = stream_new();
		if (inflater == NULL || inflateInit(inflater) != Z_OK)
			return false;
	}
	if (inflateReset(inflater) != Z_OK)
		return false;
	inflater->next_in = (Bytef *)(uintptr_t)p;
	inflater->avail_in = (uInt)len;
	inflater->next_out = out;
	inflater->avail_out = (uInt)plain;
	return inflate(inflater, Z_FINISH) == Z_STREAM_END &&
	    inflater->avail_in == 0 && inflater->avail_out == 0;
}

bool
codec_unpack_to(
    uint8_t codec, const void *p, size_t len, uint8_t *out, size_t plain)
{
	size_t n;

	switch (codec) {
	case CODEC_DEFLATE:
		return unpack_deflate(p, len, out, plain);
	case CODEC_ZSTD:
		if (zstd_unpack == NULL)
			zstd_unpack = ZSTD_createDCtx_advanced(zstd_memory);
		if (zstd_unpack == NULL)
			return false;
		n = ZSTD_decompressDCtx(zstd_unpack, out, plain, p, len);
		return !ZSTD_isError(n) && n == plain;
	default:
		return false;
	}
}

const uint8_t *
codec_unpack(uint8_t codec, const void *p, size_t len, size_t plain)
{
	if (plain > sizeof(plain_buf))
		return NULL;
	if (plain > plain_used)
		plain_used = plain;
	return codec_unpack_to(codec, p, len, plain_buf, plain) ? plain_buf :
								  NULL;
}

void
codec_wipe(void)
{
	explicit_bzero(plain_buf, plain_used);
	plain_used = 0;
}
