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
 * What is said to an IMAP client: octets are put into a growing buffer, whose
 * owner hands it to the connection and wipes it.  No printf in what is said
 * once per message.  The envelope and body structure come from a summary.
 */

#ifndef IMAPFMT_H
#define IMAPFMT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mime_summary;

struct imap_buf {
	uint8_t *p;
	size_t len;
	size_t size;
	bool utf8;   /* who reads it has enabled UTF8=ACCEPT */
	bool global; /* and IMAP4rev2, which knows message/global */
};

/* Room for n more octets; fatal without memory.  Returns where they go. */
uint8_t *imap_buf_room(struct imap_buf *, size_t n);
/* Empties it, wiped, and keeps at most keep octets of memory. */
void imap_buf_reset(struct imap_buf *, size_t keep);
/* Back to its first len octets; what follows, and more beyond, is wiped. */
void imap_buf_cut(struct imap_buf *, size_t len, size_t more);
void imap_buf_free(struct imap_buf *);

/* Inline: an answer of 10,000 messages calls them a million times. */
static inline void
imap_put(struct imap_buf *b, const void *p, size_t len)
{
	if (len > b->size - b->len)
		(void)imap_buf_room(b, len);
	if (len > 0)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

static inline void
imap_putc(struct imap_buf *b, char c)
{
	if (b->len == b->size)
		(void)imap_buf_room(b, 1);
	b->p[b->len++] = (uint8_t)c;
}

static inline void
imap_puts(struct imap_buf *b, const char *s)
{
	imap_put(b, s, strlen(s));
}

void imap_put_number(struct imap_buf *, uint64_t);
/* "{n}" CRLF; the caller puts n octets after it. */
void imap_put_literal(struct imap_buf *, uint64_t n);
/* Quoted if it may be, with UTF-8 too if the buffer says so; else a literal. */
void imap_put_string(struct imap_buf *, const void *, size_t);
/* Between quotes, if it is ASCII that needs nothing else; or false. */
bool imap_put_plain(struct imap_buf *, const void *, size_t);
/* As imap_put_string(); p NULL is NIL. */
void imap_put_nstring(struct imap_buf *, const void *, size_t);
/* A mailbox name, UTF-8 in; modified UTF-7 out unless utf8. */
void imap_put_mailbox(struct imap_buf *, const char *, size_t, bool utf8);
/* dd-Mon-yyyy hh:mm:ss +zzzz, quoted (RFC 3501 date-time). */
void imap_put_date(struct imap_buf *, int64_t utc, int16_t zone);
/* (\Seen ...), keyword i of the table being bit 8 + i. */
void imap_put_flags(
    struct imap_buf *, uint64_t flags, char *const *keywords, size_t nkeywords);
/* The \Name of the uses in a mask, each with a space before it. */
void imap_put_uses(struct imap_buf *, uint32_t uses);
/* first:last with *, or one number; a comma before it unless begin. */
void
imap_put_range(struct imap_buf *, uint32_t first, uint32_t last, bool begin);
/* Numbers in rising order as a set: 1:3,7. */
void imap_put_numbers(struct imap_buf *, const uint32_t *, size_t n);

/* From a summary; 0, or -1 if it does not hold together (nothing is put). */
int imap_put_envelope(struct imap_buf *, const struct mime_summary *);
int
imap_put_body(struct imap_buf *, const struct mime_summary *, bool extended);

#endif
