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
 * Verifying DKIM signatures (RFC 6376, 8301, 8463) of a message that comes in:
 * its header at first, then its body as it streams by, then keys as somebody
 * finds them in DNS.  Asks nobody, and works on what strangers wrote, in time
 * and memory that the limits bound.
 */

#ifndef DKIM_VERIFY_H
#define DKIM_VERIFY_H

#include "dkim.h"
#include "mauth.h"

#define DKIM_VERIFY_MAX 8          /* signatures, from the top */
#define DKIM_VERIFY_NAMES_MAX 256  /* of fields in h= */
#define DKIM_VERIFY_OCTETS_MAX 512 /* of a signature: RSA of 4096 bits */
#define DKIM_RSA_BITS_MIN 1024     /* RFC 8301 3.2 */
#define DKIM_RSA_BITS_MAX 4096
#define DKIM_SKEW_SECONDS 3600 /* that t= may be ahead of us */

/* What came of a signature. */
struct dkim_verified {
	/* pass, fail, neutral, policy, temperror, permerror; none: not yet */
	enum mauth_result result;
	const char *reason; /* NULL of pass */
	enum dkim_algorithm algorithm;
	char domain[DKIM_NAME_MAX]; /* d=, lower case; "": it was unreadable */
	char selector[DKIM_NAME_MAX];
	char start[9]; /* the first of b=: RFC 6008 */
};

/*
 * header: all fields with their CRLFs, as they came; now: seconds, UTC.  NULL:
 * no memory.
 */
struct dkim_verify;
struct dkim_verify *
dkim_verify_new(const char *header, size_t len, int64_t now);
void dkim_verify_free(struct dkim_verify *); /* NULL is fine */
size_t dkim_verify_count(const struct dkim_verify *);
/* Where the key of a signature is (TXT).  False: no key would help. */
bool dkim_verify_question(
    const struct dkim_verify *, size_t, char name[MAUTH_NAME_MAX]);
/* The key, or why there is none. */
void dkim_verify_key(struct dkim_verify *, size_t, const struct mauth_answer *);
void dkim_verify_body(struct dkim_verify *, const void *, size_t);
/* The body has ended; a key that has not come is one that nobody knows. */
void dkim_verify_end(struct dkim_verify *);
const struct dkim_verified *
dkim_verify_result(const struct dkim_verify *, size_t);

#endif
