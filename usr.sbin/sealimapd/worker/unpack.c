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

#include "codec.h"
#include "log.h"
#include "worker.h"

static uint8_t *opened[2];

void
unpack_init(void)
{
	opened[UNPACK_BODY] = calloc(1, CHUNK_SIZE);
	opened[UNPACK_SUMMARY] = calloc(1, CHUNK_SIZE);
	if (opened[0] == NULL || opened[1] == NULL)
		fatalx("no memory for decompression");
}

static const uint8_t *
chunk_open(int slot, uint8_t codec, bool compressed, const uint8_t *p,
    size_t len, size_t plain_len)
{
	if (plain_len > CHUNK_SIZE || len > CHUNK_SIZE)
		return NULL;
	if (!compressed)
		return len == plain_len ? p : NULL;
	return codec_unpack(codec, p, len, opened[slot], plain_len) ?
	    opened[slot] :
	    NULL;
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
	explicit_bzero(opened[UNPACK_BODY], CHUNK_SIZE);
	explicit_bzero(opened[UNPACK_SUMMARY], CHUNK_SIZE);
}
