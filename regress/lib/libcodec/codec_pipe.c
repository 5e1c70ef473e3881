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
 * codec_pipe CODEC: a chunk from standard input, as libcodec packs it, to
 * standard output; nothing if it does not get smaller.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"

int
main(int argc, char *argv[])
{
	static uint8_t in[CODEC_CHUNK_MAX], out[CODEC_CHUNK_MAX];
	size_t len, n;

	if (argc != 2)
		errx(1, "usage: codec_pipe codec");
	len = fread(in, 1, sizeof(in), stdin);
	n = codec_pack((uint8_t)atoi(argv[1]), in, len, out);
	if (fwrite(out, 1, n, stdout) != n || fflush(stdout) != 0)
		err(1, "standard output");
	return 0;
}
