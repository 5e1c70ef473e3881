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
 * Compression of chunks.  The compressors keep literals of what they worked on
 * in their memory; it is wiped a moment after the last use.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <string.h>

#include "codec.h"
#include "engine.h"

#define SLOTS 2          /* results that live at once */
#define WIPE_USEC 100000 /* after the first use since the last time */

static struct {
	uint8_t out[SLOTS][DELIVER_CHUNK_MAX];
	struct event wipe;
	bool wiping;
} state;

static void compress_wipe(int, short, void *);

void
compress_init(void)
{
	evtimer_set(&state.wipe, compress_wipe, NULL);
}

/* What it points to holds until the next call with the same slot. */
void
compress_chunk(uint8_t codec, unsigned int slot, const uint8_t *data,
    size_t len, struct compressed *result)
{
	struct timeval tv = {0, WIPE_USEC};
	size_t n;

	n = codec_pack(codec, data, len, state.out[slot]);
	result->smaller = n > 0;
	result->data = n > 0 ? state.out[slot] : data;
	result->len = n > 0 ? n : len;
	if (!state.wiping) {
		state.wiping = true;
		evtimer_add(&state.wipe, &tv);
	}
}

static void
compress_wipe(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	state.wiping = false;
	codec_forget();
	explicit_bzero(state.out, sizeof(state.out));
}
