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
 * COMPRESS=DEFLATE (RFC 4978): a layer between a connection and its TLS.
 *
 * Out: one compressor for the process.  What is flushed ends on an octet, and
 * a new compressor that goes on there refers to nothing before; so whoever
 * writes next starts a new one, and a connection that is silent has none.
 *
 * In: the client may refer to the last 32 KB that it sent.  These are kept,
 * and no more than these, where what has come ends with a block as it does
 * between commands; otherwise the decompressor itself is.  It goes on block by
 * block, and only after what the block before held is read: where the client
 * ends its compression (RFC 8437 section 4.1), nothing behind that is touched.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "codec.h"
#include "engine.h"
#include "log.h"

#define SQUEEZE_BITS 15           /* of the window: what RFC 1951 allows */
#define SQUEEZE_PIECE 16384       /* octets at a time, either way */
#define SQUEEZE_TURN (256 * 1024) /* plain octets, then others have a turn */
#define SQUEEZE_LEVEL 1
#define SQUEEZE_MEMORY 8
/* Of data_type, as zlib.h has it. */
#define BLOCK_END 128
#define BLOCK_LAST 64
#define BITS_UNUSED 63

struct squeeze {
	struct conn *conn;
	z_stream in;
	bool live;     /* in is; otherwise past is all that counts */
	bool stuck;    /* there may be more without further input */
	bool block;    /* something has come out of the block at hand */
	bool empty;    /* nothing came out of the last one, now ended */
	bool ended;    /* no block follows */
	bool closing;  /* the client's compression ends */
	bool failed;   /* that was no compression */
	uint8_t *past; /* what the client may refer to */
	size_t past_len;
	uint8_t *plain; /* what has come and is not read yet */
	size_t off, len;
	size_t turn;       /* octets in this turn */
	struct event soon; /* the next turn */
};

static z_stream deflater;
static const struct conn *deflater_of;
static uint8_t piece[SQUEEZE_PIECE];

static void
soon(int fd, short what, void *arg)
{
	struct squeeze *s = arg;

	conn_pump(s->conn);
}

void
squeeze_start(struct conn *c)
{
	struct squeeze *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("compress");
	s->conn = c;
	evtimer_set(&s->soon, soon, s);
	c->squeeze = s;
}

static void
out_end(void)
{
	if (deflater_of == NULL)
		return;
	(void)deflateEnd(&deflater);
	deflater_of = NULL;
}

static void
in_end(struct squeeze *s)
{
	if (s->live)
		(void)inflateEnd(&s->in);
	s->live = false;
}

static void
past_drop(struct squeeze *s)
{
	freezero(s->past, s->past_len);
	s->past = NULL;
	s->past_len = 0;
}

static void
out_stop(struct conn *c)
{
	if (deflater_of == c)
		out_end();
}

void
squeeze_stop(struct conn *c)
{
	struct squeeze *s = c->squeeze;

	out_stop(c);
	if (s == NULL)
		return;
	in_end(s);
	past_drop(s);
	freezero(s->plain, s->len);
	evtimer_del(&s->soon);
	freezero(s, sizeof(*s));
	c->squeeze = NULL;
	c->plain = false;
}

void
squeeze_write(struct conn *c, const void *p, size_t len)
{
	size_t n;

	if (deflater_of != c) {
		out_end();
		memset(&deflater, 0, sizeof(deflater));
		codec_memory(&deflater);
		if (deflateInit2(&deflater, SQUEEZE_LEVEL, Z_DEFLATED,
			-SQUEEZE_BITS, SQUEEZE_MEMORY,
			Z_DEFAULT_STRATEGY) != Z_OK)
			fatalx("compress: no memory");
		deflater_of = c;
	}
	deflater.next_in = (Bytef *)(uintptr_t)p;
	deflater.avail_in = (uInt)len;
	do {
		deflater.next_out = piece;
		deflater.avail_out = sizeof(piece);
		(void)deflate(&deflater, Z_SYNC_FLUSH);
		n = sizeof(piece) - deflater.avail_out;
		tlsio_write(c->io, piece, n);
		explicit_bzero(piece, n);
	} while (deflater.avail_out == 0);
	deflater.next_in = NULL;
}

static void
in_begin(struct squeeze *s)
{
	if (s->live)
		return;
	memset(&s->in, 0, sizeof(s->in));
	codec_memory(&s->in);
	if (inflateInit2(&s->in, -SQUEEZE_BITS) != Z_OK)
		fatalx("compress: no memory");
	s->live = true;
	if (s->past != NULL &&
	    inflateSetDictionary(&s->in, s->past, (uInt)s->past_len) != Z_OK)
		fatalx("compress: the past");
	past_drop(s);
}

/* At the end of a block, and of an octet; not of the last block. */
static bool
in_at_end(const struct squeeze *s)
{
	return (s->in.data_type & (BLOCK_END | BLOCK_LAST | BITS_UNUSED)) ==
	    BLOCK_END;
}

/* Between blocks nothing counts but what may be referred to. */
static void
in_rest(struct squeeze *s)
{
	uInt n;

	if (!s->live || s->stuck || !in_at_end(s))
		return;
	n = 0;
	if (inflateGetDictionary(&s->in, NULL, &n) != Z_OK)
		return;
	if (n > 0) {
		s->past = malloc(n);
		if (s->past == NULL)
			fatal("compress");
		(void)inflateGetDictionary(&s->in, s->past, &n);
		s->past_len = n;
	}
	in_end(s);
}

static void
fail(struct squeeze *s)
{
	s->failed = true;
	conn_bye(s->conn, "What was sent is not compressed as it should be");
}

/*
 * Decompresses up to the end of a block, or of the input, or of the piece: how
 * many octets; -1: that is not possible.
 */
static ssize_t
in_some(struct squeeze *s, const uint8_t *p, size_t len, size_t *used)
{
	size_t n;
	int end;

	in_begin(s);
	s->in.next_in = (Bytef *)(uintptr_t)p;
	s->in.avail_in = (uInt)len;
	s->in.next_out = piece;
	s->in.avail_out = sizeof(piece);
	end = inflate(&s->in, Z_BLOCK);
	*used = len - s->in.avail_in;
	s->in.next_in = NULL;
	n = sizeof(piece) - s->in.avail_out;
	s->stuck = s->in.avail_out == 0;
	s->empty = false;
	if ((s->in.data_type & BLOCK_END) != 0) {
		s->empty = n == 0 && !s->block;
		s->block = false;
		s->ended = (s->in.data_type & BLOCK_LAST) != 0;
	} else if (n > 0)
		s->block = true;
	if (end == Z_STREAM_END)
		s->ended = true;
	return end == Z_OK || end == Z_BUF_ERROR || end == Z_STREAM_END ?
	    (ssize_t)n :
	    -1;
}

static const uint8_t *
keep(struct squeeze *s, size_t n)
{
	s->plain = malloc(n);
	if (s->plain == NULL)
		fatal("compress");
	memcpy(s->plain, piece, n);
	explicit_bzero(piece, n);
	s->off = 0;
	s->len = n;
	return s->plain;
}

const uint8_t *
squeeze_input(struct conn *c, size_t *len)
{
	struct squeeze *s = c->squeeze;
	const uint8_t *p;
	size_t have, used;
	ssize_t n;

	*len = s->len - s->off;
	if (*len > 0)
		return s->plain + s->off;
	while (!s->failed) {
		/* A flush ends it, or what says of itself that it is last. */
		if (s->closing && (s->ended || (s->empty && in_at_end(s)))) {
			squeeze_stop(c);
			return tlsio_input(c->io, len);
		}
		p = tlsio_input(c->io, &have);
		if (have == 0 && !s->stuck) {
			in_rest(s);
			break;
		}
		if (s->turn >= SQUEEZE_TURN) {
			evtimer_add(&s->soon, &(struct timeval){0});
			break;
		}
		if (s->ended) {
			fail(s);
			break;
		}
		n = in_some(s, p, have, &used);
		tlsio_consume(c->io, used);
		s->turn += used + (n > 0 ? (size_t)n : 0);
		if (n == -1 || (n > 0 && s->closing)) {
			fail(s);
			break;
		}
		if (n > 0) {
			*len = (size_t)n;
			return keep(s, *len);
		}
	}
	return piece;
}

void
squeeze_consume(struct conn *c, size_t n)
{
	struct squeeze *s = c->squeeze;

	s->off += n;
	if (s->off < s->len)
		return;
	freezero(s->plain, s->len);
	s->plain = NULL;
	s->off = s->len = 0;
}

void
squeeze_turn(struct conn *c)
{
	c->squeeze->turn = 0;
}

void
squeeze_close(struct conn *c)
{
	out_stop(c);
	c->plain = true;
	c->squeeze->closing = true;
	c->squeeze->empty = false;
}
