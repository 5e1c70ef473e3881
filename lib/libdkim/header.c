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
 * A header in fields, and their canonical forms (RFC 6376 3.4.1, 3.4.2).
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "dkim_local.h"

static bool is_name(const struct dkim_header_field *, const char *);
static void hash_relaxed(
    crypto_hash_sha256_state *, const struct dkim_header_field *, bool);

/* The fields of a header; lines that are none are nobody's. */
size_t
dkim_header_split(const char *header, size_t len,
    struct dkim_header_field *fields, size_t max)
{
	const char *end, *p, *next, *colon;
	struct dkim_header_field *f;
	size_t n;

	n = 0;
	end = header + len;
	for (p = header; p < end && n < max; p = next) {
		/* To a line end that no blank follows. */
		next = p;
		do {
			next = memchr(next, '\n', (size_t)(end - next));
			next = next == NULL ? end : next + 1;
		} while (next < end && (*next == ' ' || *next == '\t'));
		colon = memchr(p, ':', (size_t)(next - p));
		if (colon == NULL)
			continue;
		f = &fields[n++];
		f->name = p;
		f->name_len = (size_t)(colon - p);
		while (f->name_len > 0 &&
		    (p[f->name_len - 1] == ' ' || p[f->name_len - 1] == '\t'))
			f->name_len--;
		f->value = colon + 1;
		f->value_len = (size_t)(next - f->value);
		f->used = false;
	}
	return n;
}

/* From the bottom up (RFC 6376 5.4.2). */
struct dkim_header_field *
dkim_header_last(struct dkim_header_field *fields, size_t n, const char *name)
{
	while (n-- > 0)
		if (!fields[n].used && is_name(&fields[n], name))
			return &fields[n];
	return NULL;
}

size_t
dkim_header_count(
    const struct dkim_header_field *fields, size_t n, const char *name)
{
	size_t count;

	count = 0;
	for (size_t i = 0; i < n; i++)
		count += is_name(&fields[i], name);
	return count;
}

static bool
is_name(const struct dkim_header_field *f, const char *name)
{
	return strlen(name) == f->name_len &&
	    strncasecmp(f->name, name, f->name_len) == 0;
}

/* A simple field is hashed as it stands: name, what follows it, value. */
void
dkim_header_hash(crypto_hash_sha256_state *hash,
    const struct dkim_header_field *f, bool relaxed, bool crlf)
{
	size_t len;

	if (relaxed) {
		hash_relaxed(hash, f, crlf);
		return;
	}
	len = (size_t)(f->value + f->value_len - f->name);
	if (!crlf && len >= 2 && memcmp(f->name + len - 2, "\r\n", 2) == 0)
		len -= 2;
	(void)crypto_hash_sha256_update(hash, (const uint8_t *)f->name, len);
}

/*
 * The name in lower case, a colon, the value with runs of blanks and folds as
 * one space, none at either end; CRLF, but for the last.
 */
static void
hash_relaxed(crypto_hash_sha256_state *hash, const struct dkim_header_field *f,
    bool crlf)
{
	uint8_t out[256];
	size_t len;
	bool blank, any;
	char c;

	len = 0;
	for (size_t i = 0; i < f->name_len; i++) {
		out[len++] = (uint8_t)tolower((unsigned char)f->name[i]);
		if (len == sizeof(out)) {
			(void)crypto_hash_sha256_update(hash, out, len);
			len = 0;
		}
	}
	out[len++] = ':';
	blank = any = false;
	for (size_t i = 0; i < f->value_len; i++) {
		if (len > sizeof(out) - 4) {
			(void)crypto_hash_sha256_update(hash, out, len);
			len = 0;
		}
		c = f->value[i];
		if (c == '\r' || c == '\n')
			continue;
		if (c == ' ' || c == '\t') {
			blank = any;
			continue;
		}
		if (blank)
			out[len++] = ' ';
		blank = false;
		any = true;
		out[len++] = (uint8_t)c;
	}
	if (crlf) {
		out[len++] = '\r';
		out[len++] = '\n';
	}
	(void)crypto_hash_sha256_update(hash, out, len);
	explicit_bzero(out, sizeof(out));
}
