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
 * Signing for DKIM (RFC 6376, 8301, 8463), relaxed/relaxed, without the key:
 * what is to be hashed, and the field that carries the signature.  Everything
 * works on octets that others wrote, in time linear in them; nothing recurses.
 */

#ifndef DKIM_H
#define DKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DKIM_HASH_LEN 32
#define DKIM_NAME_MAX 256    /* of a domain or selector, NUL included */
#define DKIM_FIELD_MAX 8192  /* octets of the field made, NUL included */
#define DKIM_FIELDS_MAX 1000 /* of a header that are looked at */

/* The body's hash, as it streams by (RFC 6376 3.4.4). */
struct dkim_body;
struct dkim_body *dkim_body_new(void); /* NULL: no memory */
void dkim_body_update(struct dkim_body *, const void *, size_t);
/* Ends it; then it may begin anew. */
void dkim_body_end(struct dkim_body *, uint8_t hash[DKIM_HASH_LEN]);
void dkim_body_free(struct dkim_body *); /* NULL is fine */

enum dkim_algorithm { DKIM_RSA_SHA256 = 1, DKIM_ED25519_SHA256 = 2 };

struct dkim_signature {
	char domain[DKIM_NAME_MAX];   /* d= */
	char selector[DKIM_NAME_MAX]; /* s= */
	enum dkim_algorithm algorithm;
	int64_t when; /* t= */
	uint8_t body[DKIM_HASH_LEN];
	char field[DKIM_FIELD_MAX];    /* "DKIM-Signature: ... b=", folded */
	uint8_t digest[DKIM_HASH_LEN]; /* what is to be signed */
};

/*
 * header: all of a message's header fields with their CRLFs, as they will be
 * sent.  domain, selector, algorithm, when and body are given; field and
 * digest are made.  -1 if there is no From field, or the field gets too long.
 */
int dkim_sign(struct dkim_signature *, const char *header, size_t len);
/*
 * The whole field with the signature, CRLF at its end, in buf; its length, or
 * -1 where it does not fit.
 */
int dkim_field(const struct dkim_signature *, const uint8_t *signature,
    size_t len, char *buf, size_t size);

#endif
