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
 * Between the parts of the verifier.
 */

#ifndef VERIFY_LOCAL_H
#define VERIFY_LOCAL_H

#include "dkim_local.h"
#include "dkim_verify.h"

/* A tag of a list (RFC 6376 3.2); blanks around its parts are cut off. */
struct dkim_tag {
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
};

/* verify_field.c.  1; 0: the list is over; -1: it is no such list. */
int dkim_tag_next(const char **pos, const char *end, struct dkim_tag *);
bool dkim_tag_is(const struct dkim_tag *, const char *);
/* Is the word in a list with colons? */
bool dkim_tag_lists(const struct dkim_tag *, const char *word);
/* -1: it is no base64, or longer. */
int
dkim_tag_octets(const struct dkim_tag *, uint8_t *, size_t size, size_t *len);

/* A signature as it stands in its field. */
struct dkim_signed {
	struct dkim_verified out;
	const struct dkim_header_field *field;
	bool relaxed_header, relaxed_body;
	uint64_t max; /* l= */
	uint8_t body_hash[DKIM_HASH_LEN];
	uint8_t octets[DKIM_VERIFY_OCTETS_MAX];
	size_t len;
	struct dkim_tag names; /* h= */
	struct dkim_tag b;     /* where b= stands */
	bool below;            /* i= is of a domain below d= */
	size_t body;
	bool proved; /* the header is what was signed; the body is to come */
	bool testing;
};
/* Fills it in; out.result is none, or why it is of no use. */
void dkim_signed_read(struct dkim_signed *, int64_t now);

/* verify_key.c: is it by this key?  Sets out.result unless it is. */
void dkim_key_check(struct dkim_signed *, const void *record, size_t len,
    const uint8_t digest[DKIM_HASH_LEN]);

#endif
