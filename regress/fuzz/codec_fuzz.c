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
 * Fuzzer of libcodec.  The first octet is a codec; if its highest bit is set
 * the rest is plain, and what is packed must open to it again.  Otherwise the
 * next two octets say how long what the rest opens to is said to be.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
around(uint8_t codec, const uint8_t *p, size_t len)
{
	uint8_t *packed, *opened;
	size_t n;

	packed = malloc(len + 1);
	opened = malloc(len + 1);
	if (packed == NULL || opened == NULL)
		abort();
	n = codec_pack(codec, p, len, packed);
	if (n >= len && n > 0)
		abort();
	if (n > 0 &&
	    (!codec_unpack(codec, packed, n, opened, len) ||
		memcmp(opened, p, len) != 0))
		abort();
	free(packed);
	free(opened);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	uint8_t *copy, *opened;
	size_t plain;

	if (size < 3)
		return 0;
	if ((data[0] & 0x80) != 0) {
		around(data[0] & 0x7f, data + 1, size - 1);
		return 0;
	}
	plain = (size_t)data[1] << 8 | data[2];
	copy = malloc(size);
	opened = malloc(plain + 1);
	if (copy == NULL || opened == NULL)
		abort();
	memcpy(copy, data + 3, size - 3);
	(void)codec_unpack(data[0], copy, size - 3, opened, plain);
	free(copy);
	free(opened);
	return 0;
}
