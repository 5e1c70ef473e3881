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
 * Policies of MTA-STS (RFC 8461) as text: what DNS says of them, the answer
 * of the web server that has them, and how they are kept.  All of it was
 * written by strangers; time and memory are linear and bounded.
 */

#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_ID_MAX 33        /* octets of an id, NUL included */
#define POLICY_MX_MAX 64        /* patterns that are kept */
#define POLICY_NAME_MAX 256     /* octets of one, NUL included */
#define POLICY_TEXT_MAX 65536   /* octets of a policy */
#define POLICY_HEAD_MAX 16384   /* octets of the web server's header */
#define POLICY_AGE_MAX 31557600 /* seconds; RFC 8461 3.2 */
#define POLICY_AGE_MIN 86400    /* less is kept so long all the same */

enum policy_mode { POLICY_NONE = 0, POLICY_TESTING = 1, POLICY_ENFORCE = 2 };

struct policy {
	char id[POLICY_ID_MAX]; /* "": there is none */
	enum policy_mode mode;
	int64_t expires; /* seconds since 1970 */
	char mx[POLICY_MX_MAX][POLICY_NAME_MAX];
	size_t n_mx;
};

/* The id of a TXT record (3.1); false: it is none of MTA-STS. */
bool policy_id(const uint8_t *, size_t len, char id[POLICY_ID_MAX]);
/* The text (3.2); -1: it is no policy.  id and expires: the caller's. */
int policy_parse(const char *, size_t len, struct policy *, uint32_t *max_age);
/* Whether the host may have mail under it; true also if nothing says not. */
bool policy_allows(const struct policy *, const char *host);

enum policy_http { POLICY_MORE, POLICY_WHOLE, POLICY_WRONG };
/*
 * An answer so far (RFC 9112), at its end or not: where its body is once it is
 * whole.  Anything but 200 and text/plain is wrong: 3.3 of RFC 8461.  A body
 * in chunks is put together in place, so this works on a copy.
 */
enum policy_http
policy_http(char *, size_t len, bool end, char **body, size_t *body_len);

/* As it is kept; 0: it does not fit.  Reading: -1 if it is malformed. */
size_t policy_pack(const struct policy *, uint8_t *, size_t size);
int policy_unpack(struct policy *, const uint8_t *, size_t len);

#endif
