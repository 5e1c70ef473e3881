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

/* Files of an account, copied as somebody would by hand. */

#ifndef COPYING_H
#define COPYING_H

#include <stdbool.h>
#include <stddef.h>

/* By a temporary name; octets from len on become zeros. */
void copy_file(const char *from, const char *to, size_t len);
/* A folder without what begins with a dot; to must not be there. */
void copy_tree(const char *from, const char *to);
/* The end of a segment's k-th frame, or of its last; *frames: how many. */
size_t frames_end(const char *path, size_t k, size_t *frames);
bool segment_of(const char *path, unsigned int host);

#endif
