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
 * Lines of base64 (RFC 2045 6.8) taken apart and put together.
 */

#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

#define LINES_RUNS_MAX 255   /* in a chunk; what follows stays text */
#define LINES_GROUPS_MIN 10  /* of four letters in a line: shorter is text */
#define LINES_GROUPS_MAX 249 /* 996 letters: RFC 5321 4.5.3.1.6 has no more */
#define LINES_OCTETS_MAX (CODEC_CHUNK_MAX / 4 * 3)

/*
 * A chunk is runs of lines, each of as many letters as the others of its run,
 * with text before each run and after the last.
 */
struct lines {
	struct {
		uint16_t text;  /* octets of text before it */
		uint16_t lines; /* not 0 */
		uint8_t groups; /* of four letters in each line */
	} run[LINES_RUNS_MAX];
	unsigned int runs;
	size_t text_len;
	size_t octets_len;
	uint8_t text[CODEC_CHUNK_MAX];
	uint8_t octets[LINES_OCTETS_MAX];
};

/* Fills l from len octets, at most CODEC_CHUNK_MAX.  Nothing gets lost. */
void lines_apart(struct lines *l, const uint8_t *p, size_t len);

/*
 * Writes the chunk of l's runs, of text and of octets to out.  False if they
 * do not give exactly len octets.
 */
bool lines_join(const struct lines *l, const uint8_t *text,
    const uint8_t *octets, uint8_t *out, size_t len);

#endif
