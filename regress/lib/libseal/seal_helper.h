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
 * An account in the test's own directory, and a whole blob in memory.
 */

#ifndef SEAL_HELPER_H
#define SEAL_HELPER_H

#include "seal_keys.h"
#include "seal_read.h"

/* True: this allocation, of libseal or the test, fails.  NULL: none does. */
extern bool (*helper_no_memory)(void);

#define HELPER_PASSWORD "correct horse battery staple"

/* Makes NAME with keys/, and the account in it; the directory's descriptor. */
int helper_account(const char *name, struct seal_ring **, char *code);

/* A blob as a file would hold it; the caller frees data. */
struct helper_blob {
	uint8_t *data;
	size_t len;
	uint8_t key[SEAL_KEY_LEN];
	uint8_t id[SEAL_ID_LEN];
};
/* Body and summary: so many octets of a pattern. */
void helper_seal(struct helper_blob *, const struct seal_delivery *,
    size_t body, size_t summary);
uint8_t helper_pattern(enum seal_kind, size_t off);
/* 0: opens with the key, and both kinds are the pattern of those sizes. */
int helper_open(const uint8_t *, size_t len, const uint8_t *key, size_t body,
    size_t summary);
/* 0: the keyless checks pass. */
int helper_check(const uint8_t *, size_t len);
/* A whole file of dirfd. */
uint8_t *helper_slurp(int dirfd, const char *, size_t *);
void helper_spew(int dirfd, const char *, const uint8_t *, size_t);

#endif
