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
 * The body's canonical forms.  Relaxed (RFC 6376 3.4.4): runs of blanks are one
 * space, none at a line's end.  Both: empty lines at the end do not count, what
 * there is ends in CRLF; of simple (3.4.3) nothing is a CRLF too.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_local.h"

#define OUT_MAX 4096

struct dkim_body {
	crypto_hash_sha256_state hash;
	uint64_t empty; /* lines that were empty, not hashed yet */
	bool any;       /* of this line something was hashed */
	bool blank;     /* blanks, not hashed yet */
	bool cr;        /* the last octet was one */
	bool simple;
	uint64_t max;   /* octets that are hashed */
	uint64_t total; /* octets that there were */
	uint8_t out[OUT_MAX];
	size_t len;
};

static void body_init(struct dkim_body *);
static void body_octet(struct dkim_body *, uint8_t);
static void body_text(struct dkim_body *, uint8_t);
static void body_line(struct dkim_body *);
static void put(struct dkim_body *, uint8_t);
static void flush(struct dkim_body *);

struct dkim_body *
dkim_body_new(void)
{
	return dkim_body_make(true, UINT64_MAX);
}

struct dkim_body *
dkim_body_make(bool relaxed, uint64_t max)
{
	struct dkim_body *b;

	b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	b->simple = !relaxed;
	b->max = max;
	body_init(b);
	return b;
}

void
dkim_body_update(struct dkim_body *b, const void *data, size_t len)
{
	const uint8_t *p;

	p = data;
	for (size_t i = 0; i < len; i++)
		body_octet(b, p[i]);
}

void
dkim_body_end(struct dkim_body *b, uint8_t hash[DKIM_HASH_LEN])
{
	uint64_t octets;

	dkim_body_finish(b, hash, &octets);
}

void
dkim_body_finish(
    struct dkim_body *b, uint8_t hash[DKIM_HASH_LEN], uint64_t *octets)
{
	if (b->cr) {
		b->cr = false;
		body_text(b, '\r');
	}
	/* A last line without its end gets one. */
	if (b->any)
		body_line(b);
	if (b->simple && b->total == 0) {
		put(b, '\r');
		put(b, '\n');
	}
	flush(b);
	*octets = b->total;
	(void)crypto_hash_sha256_final(&b->hash, hash);
	body_init(b);
}

void
dkim_body_free(struct dkim_body *b)
{
	freezero(b, sizeof(*b));
}

static void
body_init(struct dkim_body *b)
{
	bool simple;
	uint64_t max;

	simple = b->simple;
	max = b->max;
	explicit_bzero(b, sizeof(*b));
	b->simple = simple;
	b->max = max;
	(void)crypto_hash_sha256_init(&b->hash);
}

static void
body_octet(struct dkim_body *b, uint8_t c)
{
	if (b->cr) {
		b->cr = false;
		if (c == '\n') {
			body_line(b);
			return;
		}
		body_text(b, '\r');
	}
	if (c == '\r')
		b->cr = true;
	else if (!b->simple && (c == ' ' || c == '\t'))
		b->blank = true;
	else
		body_text(b, c);
}

static void
body_text(struct dkim_body *b, uint8_t c)
{
	for (; b->empty > 0; b->empty--) {
		put(b, '\r');
		put(b, '\n');
	}
	if (b->blank)
		put(b, ' ');
	b->blank = false;
	b->any = true;
	put(b, c);
}

static void
body_line(struct dkim_body *b)
{
	b->blank = false;
	if (!b->any) {
		b->empty++;
		return;
	}
	b->any = false;
	put(b, '\r');
	put(b, '\n');
}

static void
put(struct dkim_body *b, uint8_t c)
{
	if (++b->total > b->max)
		return;
	if (b->len == sizeof(b->out))
		flush(b);
	b->out[b->len++] = c;
}

static void
flush(struct dkim_body *b)
{
	(void)crypto_hash_sha256_update(&b->hash, b->out, b->len);
	explicit_bzero(b->out, b->len);
	b->len = 0;
}
