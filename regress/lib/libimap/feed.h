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
 * For the tests of libimap: a reader is fed in pieces, and what it said is
 * written down.
 */

#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "imap.h"

/*
 * The events of input fed by pieces of that many octets (0: at once):
 * "tag VERB", "tag BAD", "+", "message N", "data N", "end", "bad end",
 * "line <...>", "fatal", each with a newline.  Static.
 */
const char *feed(const char *input, size_t len, size_t piece, bool login);
/* The one command that a line (without its end) makes; free it. */
struct imap_cmd *feed_command(const char *line, size_t len);

#endif
