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
 * Replies of SMTP servers (RFC 5321 4.2), as they come in.
 */

#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../sealsmtpd/queue_wire.h"

#define REPLY_LINE_MAX 2048 /* octets of a line; RFC 5321 4.5.3.1.5 has 512 */
#define REPLY_LINES_MAX 256 /* of one reply */

struct reply {
	unsigned int code;             /* 0: not whole yet */
	char status[QUEUE_STATUS_MAX]; /* enhanced (RFC 2034), or "" */
	char text[QUEUE_TEXT_MAX];     /* lines joined by blanks, printable */
	unsigned int lines;
};

enum reply_result {
	REPLY_MORE,  /* all input was used, the reply is not whole */
	REPLY_LINE,  /* one line that is not the last; see line, len */
	REPLY_DONE,  /* the last line; code, status and text are whole */
	REPLY_WRONG, /* no reply: not SMTP, or past a limit */
};

void reply_init(struct reply *);
/*
 * Looks for a line in *len octets; *used of them belong to it.  *line and
 * *line_len: what stands behind the code.
 */
enum reply_result reply_take(struct reply *, const uint8_t *, size_t len,
    size_t *used, const char **line, size_t *line_len);

#endif
