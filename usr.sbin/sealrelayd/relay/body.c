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
 * The octets of a message on their way: CRLF at each line's end, no CR or LF
 * elsewhere, as many as BDAT said.
 */

#include <sys/types.h>

#include <string.h>

#include "conn.h"

#define STUFFED_MAX (2 * QUEUE_CHUNK_MAX + 8)

static bool body_announced(struct conn *, size_t, bool);
static size_t stuff(struct conn *, const uint8_t *, size_t, uint8_t *);

/* Plain octets of the message; the queue is told when they are on their way. */
void
body_data(struct conn *c, const uint8_t *data, size_t len, bool last)
{
	static uint8_t out[STUFFED_MAX];
	size_t n;

	n = stuff(c, data, len, out);
	if (c->bdat && !body_announced(c, n, last)) {
		explicit_bzero(out, n);
		return;
	}
	tlsio_write(c->io, out, n);
	explicit_bzero(out, n);
	c->begun = true;
	conn_timer(c, BLOCK_SECONDS);
	if (last) {
		/* The end of a last line that had none. */
		if (!c->bdat && (!c->line_start || c->cr))
			tlsio_puts(c->io, c->cr ? " \r\n" : "\r\n");
		tlsio_puts(c->io, !c->bdat ? ".\r\n" : c->cr ? " " : "");
		c->whole = true;
		c->wanted = false;
		c->state = CONN_FINAL;
		conn_timer(c, FINAL_SECONDS);
		return;
	}
	if (tlsio_full(c->io))
		c->took++;
	else
		job_took(c->job);
}

/*
 * Less or more than was said would make the server take commands for text, or
 * text for commands: then the connection ends.
 */
static bool
body_announced(struct conn *c, size_t n, bool last)
{
	n += last && c->cr;
	if (n <= c->announced && (!last || n == c->announced)) {
		c->announced -= n;
		return true;
	}
	conn_fail(c, "4.3.0", "The message has another size than it should");
	return false;
}

void
body_drained(struct conn *c)
{
	for (; c->took > 0 && c->job != NULL; c->took--)
		job_took(c->job);
}

/*
 * RFC 5321 4.5.2; and a CR or LF on its own, which no message of ours has, goes
 * as a blank: nobody may take it for the end of a line.
 */
static size_t
stuff(struct conn *c, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n;

	n = 0;
	for (size_t i = 0; i < len; i++) {
		if (c->cr && in[i] == '\n') {
			out[n++] = '\r';
			out[n++] = '\n';
			c->cr = false;
			c->line_start = true;
			continue;
		}
		if (c->cr) {
			out[n++] = ' ';
			c->line_start = false;
		}
		c->cr = in[i] == '\r';
		if (c->cr)
			continue;
		if (in[i] == '.' && c->line_start && !c->bdat)
			out[n++] = '.';
		out[n++] = in[i] == '\n' ? ' ' : in[i];
		c->line_start = false;
	}
	return n;
}
