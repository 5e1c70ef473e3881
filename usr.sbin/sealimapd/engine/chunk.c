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
 * Chunks on their way to a vault and from it: the process's buffers that they
 * are compressed into and opened in.
 */

#include <sys/types.h>

#include <string.h>

#include "codec.h"
#include "engine.h"

static uint8_t packed[CHUNK_PLAIN];
static uint8_t plain_buf[CHUNK_PLAIN];
static size_t plain_used, packed_used;

size_t
chunk_pack(const void *p, size_t len, const uint8_t **out)
{
	size_t n;

	*out = packed;
	if (len > sizeof(packed))
		return 0;
	n = codec_pack(engine_config()->site.codec, p, len, packed);
	if (len > packed_used)
		packed_used = len;
	return n;
}

const uint8_t *
chunk_unpack(uint8_t codec, const void *p, size_t len, size_t plain)
{
	if (plain > sizeof(plain_buf))
		return NULL;
	if (plain > plain_used)
		plain_used = plain;
	return codec_unpack(codec, p, len, plain_buf, plain) ? plain_buf : NULL;
}

void
chunk_wipe(void)
{
	explicit_bzero(plain_buf, plain_used);
	plain_used = 0;
}

void
chunk_forget(void)
{
	codec_forget();
	explicit_bzero(packed, packed_used);
	packed_used = 0;
	chunk_wipe();
}
