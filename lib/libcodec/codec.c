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
 * Compression of chunks.  The contexts keep text of their own (literals,
 * windows): their memory knows its size, so that it can be wiped.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY /* for its allocator, which must wipe */
#include <zstd.h>

#include "codec.h"
#include "lines.h"

#define DEFLATE_LEVEL 1
/*
 * Few matches, but literals in Huffman codes: of mail, mostly text and base64,
 * it makes 2 % more octets than level 1 in 85 % of the time.
 */
#define ZSTD_LEVEL (-3)

/* What CODEC_MAIL makes of a chunk with lines of base64: sealstore(5). */
#define MAIL_FORM 1      /* a frame of zstd begins with another octet */
#define MAIL_TEXT_ZSTD 1 /* flags: the text is a frame of zstd */
#define MAIL_OCTETS_ZSTD 2
#define MAIL_FLAGS 3
#define MAIL_HEAD 5      /* u8 form, u8 flags, u8 runs, u16 octets of text */
#define MAIL_RUN 5       /* u16 text, u16 lines, u8 groups */
#define MAIL_SHARE 8     /* saved: an eighth, or it is not worth while */
#define MAIL_PART_MIN 64 /* octets of text or attachment; fewer stay */

static ZSTD_CCtx *zstd_pack;
static ZSTD_DCtx *zstd_unpack;
static z_stream *deflater, *inflater;
static struct lines lines;
static uint8_t text_buf[CODEC_CHUNK_MAX];
static uint8_t octets_buf[LINES_OCTETS_MAX];

/* Memory that knows its size. */
struct block {
	size_t size;
	max_align_t data[];
};

static void *
block_new(void *arg, size_t size)
{
	struct block *b;

	(void)arg;
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

	(void)arg;
	if (p == NULL)
		return;
	b = (struct block *)(void *)((uint8_t *)p -
	    offsetof(struct block, data));
	freezero(b, b->size);
}

static voidpf
zlib_new(voidpf arg, uInt n, uInt size)
{
	(void)arg;
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
	if (z != NULL)
		codec_memory(z);
	return z;
}

static const ZSTD_customMem zstd_memory = {block_new, block_free, NULL};

void
codec_forget(void)
{
	(void)ZSTD_freeCCtx(zstd_pack);
	(void)ZSTD_freeDCtx(zstd_unpack);
	zstd_pack = NULL;
	zstd_unpack = NULL;
	if (deflater != NULL)
		(void)deflateEnd(deflater);
	if (inflater != NULL)
		(void)inflateEnd(inflater);
	free(deflater);
	free(inflater);
	deflater = inflater = NULL;
}

static size_t
pack_deflate(const uint8_t *p, size_t len, uint8_t *out, size_t size)
{
	if (deflater == NULL) {
		deflater = stream_new();
		if (deflater == NULL ||
		    deflateInit(deflater, DEFLATE_LEVEL) != Z_OK)
			return 0;
	}
	if (deflateReset(deflater) != Z_OK)
		return 0;
	deflater->next_in = (Bytef *)(uintptr_t)p;
	deflater->avail_in = (uInt)len;
	deflater->next_out = out;
	deflater->avail_out = (uInt)size;
	if (deflate(deflater, Z_FINISH) != Z_STREAM_END)
		return 0;
	return size - deflater->avail_out;
}

static bool
unpack_deflate(const uint8_t *p, size_t len, uint8_t *out, size_t plain)
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

/* Octets written, at most size; 0: it needs more. */
static size_t
pack_zstd(const uint8_t *p, size_t len, uint8_t *out, size_t size)
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
	n = ZSTD_compress2(zstd_pack, out, size, p, len);
	return ZSTD_isError(n) ? 0 : n;
}

static bool
unpack_zstd(const uint8_t *p, size_t len, uint8_t *out, size_t plain)
{
	size_t n;

	if (zstd_unpack == NULL)
		zstd_unpack = ZSTD_createDCtx_advanced(zstd_memory);
	if (zstd_unpack == NULL)
		return false;
	n = ZSTD_decompressDCtx(zstd_unpack, out, plain, p, len);
	return !ZSTD_isError(n) && n == plain;
}

static void
put_u16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* As it is, where zstd does not save 1/share of it; there is room for that. */
static size_t
pack_part(const uint8_t *p, size_t len, size_t share, uint8_t *out,
    uint8_t flag, uint8_t *flags)
{
	size_t n = 0;

	if (len >= MAIL_PART_MIN)
		n = pack_zstd(p, len, out, len - len / share - 1);
	if (n > 0) {
		*flags |= flag;
		return n;
	}
	memcpy(out, p, len);
	return len;
}

/*
 * The head, the runs, the text, the octets.  A line of base64 loses a quarter
 * and two octets, more than its run's description takes: out, of which len are
 * there, has room for all even where zstd saves nothing.
 */
static size_t
pack_lines(uint8_t *out)
{
	uint8_t flags = 0;
	size_t at, n;
	unsigned int i;

	at = MAIL_HEAD;
	for (i = 0; i < lines.runs; i++, at += MAIL_RUN) {
		put_u16(out + at, lines.run[i].text);
		put_u16(out + at + 2, lines.run[i].lines);
		out[at + 4] = lines.run[i].groups;
	}
	n = pack_part(lines.text, lines.text_len, lines.text_len + 1, out + at,
	    MAIL_TEXT_ZSTD, &flags);
	at += n;
	at += pack_part(lines.octets, lines.octets_len, MAIL_SHARE, out + at,
	    MAIL_OCTETS_ZSTD, &flags);
	out[0] = MAIL_FORM;
	out[1] = flags;
	out[2] = (uint8_t)lines.runs;
	put_u16(out + 3, n);
	return at;
}

static size_t
pack_mail(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t n;

	lines_apart(&lines, p, len);
	n = lines.octets_len < len / MAIL_SHARE || lines.runs == 0 ?
	    pack_zstd(p, len, out, len - 1) :
	    pack_lines(out);
	explicit_bzero(lines.text, lines.text_len);
	explicit_bzero(lines.octets, lines.octets_len);
	return n;
}

size_t
codec_pack(uint8_t codec, const void *p, size_t len, void *out)
{
	if (len < 2 || len > CODEC_CHUNK_MAX)
		return 0;
	switch (codec) {
	case CODEC_DEFLATE:
		return pack_deflate(p, len, out, len - 1);
	case CODEC_ZSTD:
		return pack_zstd(p, len, out, len - 1);
	case CODEC_MAIL:
		return pack_mail(p, len, out);
	default:
		return 0;
	}
}

/* Reads the runs; how long text and octets are is left to find. */
static bool
unpack_runs(const uint8_t *p, size_t len, size_t plain)
{
	size_t octets = 0, letters = 0, n;
	unsigned int i;

	lines.runs = p[2];
	if (len < MAIL_HEAD + (size_t)lines.runs * MAIL_RUN)
		return false;
	for (i = 0, p += MAIL_HEAD; i < lines.runs; i++, p += MAIL_RUN) {
		lines.run[i].text = get_u16(p);
		lines.run[i].lines = get_u16(p + 2);
		lines.run[i].groups = p[4];
		n = (size_t)lines.run[i].lines * lines.run[i].groups;
		octets += n * 3;
		letters += n * 4 + (size_t)lines.run[i].lines * 2;
		if (letters > plain)
			return false;
	}
	lines.octets_len = octets;
	lines.text_len = plain - letters;
	return true;
}

/* A part that is to have plain octets; in buf if it had to be opened. */
static const uint8_t *
unpack_part(
    bool packed, const uint8_t *p, size_t len, uint8_t *buf, size_t plain)
{
	if (packed)
		return unpack_zstd(p, len, buf, plain) ? buf : NULL;
	return len == plain ? p : NULL;
}

static bool
unpack_lines(const uint8_t *p, size_t len, uint8_t *out, size_t plain)
{
	const uint8_t *text, *octets;
	uint8_t flags;
	size_t at, n;
	bool ok;

	if (len < MAIL_HEAD || p[0] != MAIL_FORM || (p[1] & ~MAIL_FLAGS) != 0 ||
	    !unpack_runs(p, len, plain))
		return false;
	flags = p[1];
	n = get_u16(p + 3);
	at = MAIL_HEAD + (size_t)lines.runs * MAIL_RUN;
	if (n > len - at)
		return false;
	text = unpack_part(
	    (flags & MAIL_TEXT_ZSTD) != 0, p + at, n, text_buf, lines.text_len);
	at += n;
	octets = unpack_part((flags & MAIL_OCTETS_ZSTD) != 0, p + at, len - at,
	    octets_buf, lines.octets_len);
	ok = text != NULL && octets != NULL &&
	    lines_join(&lines, text, octets, out, plain);
	if ((flags & MAIL_TEXT_ZSTD) != 0)
		explicit_bzero(text_buf, lines.text_len);
	if ((flags & MAIL_OCTETS_ZSTD) != 0)
		explicit_bzero(octets_buf, lines.octets_len);
	return ok;
}

bool
codec_unpack(uint8_t codec, const void *p, size_t len, void *out, size_t plain)
{
	const uint8_t *form = p;

	if (plain > CODEC_CHUNK_MAX)
		return false;
	switch (codec) {
	case CODEC_DEFLATE:
		return unpack_deflate(p, len, out, plain);
	case CODEC_MAIL:
		if (len > 0 && form[0] == MAIL_FORM)
			return unpack_lines(p, len, out, plain);
		/* FALLTHROUGH */
	case CODEC_ZSTD:
		return unpack_zstd(p, len, out, plain);
	default:
		return false;
	}
}

bool
codec_open(uint8_t codec, bool packed, const void *p, size_t len, void *out,
    size_t plain)
{
	if (packed)
		return codec_unpack(codec, p, len, out, plain);
	if (len != plain || plain > CODEC_CHUNK_MAX)
		return false;
	memcpy(out, p, len);
	return true;
}
