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
 * Between signing and verifying: the fields of a header, and what of them is
 * hashed.
 */

#ifndef DKIM_LOCAL_H
#define DKIM_LOCAL_H

#include <sodium.h>

#include "dkim.h"

struct dkim_header_field {
	const char *name;
	size_t name_len;
	const char *value; /* behind the colon, up to the last CRLF */
	size_t value_len;
	bool used;
};

/* The fields of a header, the first max; lines that are none are nobody's. */
size_t
dkim_header_split(const char *, size_t, struct dkim_header_field *, size_t max);
/* The last of that name that is not used yet: RFC 6376 5.4.2. */
struct dkim_header_field *
dkim_header_last(struct dkim_header_field *, size_t, const char *);
size_t
dkim_header_count(const struct dkim_header_field *, size_t, const char *);
/* Relaxed or simple (RFC 6376 3.4.1, 3.4.2); crlf: with its line end. */
void dkim_header_hash(crypto_hash_sha256_state *,
    const struct dkim_header_field *, bool relaxed, bool crlf);

/* As dkim_body_new(): simple or relaxed, and no more than max octets of it. */
struct dkim_body *dkim_body_make(bool relaxed, uint64_t max);
/* As dkim_body_end(); octets: of the canonical body, those past max too. */
void dkim_body_finish(
    struct dkim_body *, uint8_t hash[DKIM_HASH_LEN], uint64_t *octets);

#endif
