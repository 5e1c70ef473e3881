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
 * Chunks of messages, as an engine has compressed them.
 */

#include <sys/types.h>

#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "unpack.h"
#include "queue_wire.h"

#define CODEC_DEFLATE 1
#define CODEC_ZSTD 2

static int inflate_all(const uint8_t *, size_t, uint8_t *, size_t);

int
decompress(uint8_t codec, bool compressed, const uint8_t *data, size_t len,
    uint8_t *buf, size_t plain)
{
	if (plain > QUEUE_CHUNK_MAX)
		return -1;
	if (!compressed) {
		if (len != plain)
			return -1;
		memcpy(buf, data, len);
		return 0;
	}
	if (codec == CODEC_ZSTD)
		return ZSTD_decompress(buf, plain, data, len) == plain ? 0 : -1;
	if (codec == CODEC_DEFLATE)
		return inflate_all(data, len, buf, plain);
	return -1;
}

static int
inflate_all(const uint8_t *data, size_t len, uint8_t *buf, size_t plain)
{
	z_stream z;
	uint8_t *in;
	int r;

	memset(&z, 0, sizeof(z));
	if (inflateInit(&z) != Z_OK)
		return -1;
	memcpy(&in, &data, sizeof(in)); /* zlib's next_in is not const */
	z.next_in = in;
	z.avail_in = (uInt)len;
	z.next_out = buf;
	z.avail_out = (uInt)plain;
	r = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	return r == Z_STREAM_END && z.avail_out == 0 && z.avail_in == 0 ? 0 :
									  -1;
}
