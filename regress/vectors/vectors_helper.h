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
 * What the tests of the committed vectors share.  A vector that is not there
 * fails the test.
 */

#ifndef VECTORS_HELPER_H
#define VECTORS_HELPER_H

#include <atf-c.h>

#include "seal_keys.h"

#define VALUE_MAX 8192

struct value {
	uint8_t p[VALUE_MAX];
	size_t len;
};

extern char vectors_dir[512];

void begin(const atf_tc_t *);
/* The value of a line of vectors.txt, as text: until the next look. */
const char *vector_text(const char *name);
const uint8_t *vector(const char *name, struct value *);
/* prefix and name, as one vector's name. */
const uint8_t *vector_of(const char *prefix, const char *name, struct value *);
uint64_t number(const char *name);
void same(const char *name, const void *, size_t len);
void same_of(const char *prefix, const char *name, const void *, size_t len);
int open_dir(const char *name); /* below the vectors */
/* NULL: the secret opens no slot of the account in that directory. */
struct seal_ring *unlock(int fd, const char *secret, enum seal_slot_kind kind);
struct seal_ring *unlock_password(int fd);
/* A whole file below a directory; *len octets. */
uint8_t *slurp(int fd, const char *name, size_t *len);

#endif
