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
 * What a signer adds: which fields are signed, and the field that says so.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim.h"
#include "dkim_local.h"

#define LINE_MAX_LEN 72 /* where lines of the field are folded */

struct out {
	char *buf;
	size_t size;
	size_t len;
	size_t column;
	bool full;
};

/*
 * RFC 6376 5.4.1, and what clients show.  once more: named in h= one time more
 * than there are, so that none can be added.
 */
static const struct {
	const char *name;
	bool once_more;
} signed_fields[] = {
    {"from", true},
    {"to", true},
    {"cc", true},
    {"subject", true},
    {"date", true},
    {"reply-to", true},
    {"message-id", true},
    {"sender", false},
    {"in-reply-to", false},
    {"references", false},
    {"mime-version", false},
    {"content-type", true},
    {"content-transfer-encoding", false},
    {"list-id", false},
    {"list-unsubscribe", false},
    {"list-unsubscribe-post", false},
    {"auto-submitted", false},
};
#define N_SIGNED (sizeof(signed_fields) / sizeof(signed_fields[0]))

static int
make_field(struct dkim_signature *, const struct dkim_header_field *, size_t);
static void put_tag(struct out *, const char *, const char *);
static void put_text(struct out *, const char *);
static void put_base64(struct out *, const uint8_t *, size_t);
static void put_char(struct out *, char);

int
dkim_sign(struct dkim_signature *s, const char *header, size_t len)
{
	crypto_hash_sha256_state hash;
	struct dkim_header_field *fields, own;
	size_t n;
	int ret;

	fields = calloc(DKIM_FIELDS_MAX, sizeof(*fields));
	if (fields == NULL)
		return -1;
	n = dkim_header_split(header, len, fields, DKIM_FIELDS_MAX);
	ret = -1;
	if (dkim_header_count(fields, n, "from") > 0)
		ret = make_field(s, fields, n);
	if (ret == 0) {
		(void)crypto_hash_sha256_init(&hash);
		for (size_t i = 0; i < N_SIGNED; i++)
			for (struct dkim_header_field *f;
			     (f = dkim_header_last(
				  fields, n, signed_fields[i].name)) != NULL;
			     f->used = true)
				dkim_header_hash(&hash, f, true, true);
		(void)dkim_header_split(s->field, strlen(s->field), &own, 1);
		dkim_header_hash(&hash, &own, true, false);
		(void)crypto_hash_sha256_final(&hash, s->digest);
	}
	free(fields);
	return ret;
}

int
dkim_field(const struct dkim_signature *s, const uint8_t *signature, size_t len,
    char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};
	const char *line;

	put_text(&o, s->field);
	line = strrchr(s->field, '\n');
	o.column = line == NULL ? strlen(s->field) : strlen(line + 1);
	put_base64(&o, signature, len);
	put_text(&o, "\r\n");
	return o.full ? -1 : (int)o.len;
}

static int
make_field(
    struct dkim_signature *s, const struct dkim_header_field *fields, size_t n)
{
	struct out o = {.buf = s->field, .size = sizeof(s->field)};
	char text[32], name[64];
	size_t count;
	bool first;

	put_text(&o, "DKIM-Signature: v=1;");
	put_tag(&o, "a=",
	    s->algorithm == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256");
	put_tag(&o, "c=", "relaxed/relaxed");
	put_tag(&o, "d=", s->domain);
	put_tag(&o, "s=", s->selector);
	(void)snprintf(text, sizeof(text), "%lld", (long long)s->when);
	put_tag(&o, "t=", text);
	put_text(&o, "\r\n\th=");
	o.column = 10;
	first = true;
	for (size_t i = 0; i < N_SIGNED; i++) {
		count = dkim_header_count(fields, n, signed_fields[i].name) +
		    signed_fields[i].once_more;
		for (; count > 0; count--) {
			(void)snprintf(name, sizeof(name), "%s%s",
			    first ? "" : ":", signed_fields[i].name);
			if (o.column + strlen(name) > LINE_MAX_LEN) {
				put_text(&o, "\r\n\t ");
				o.column = 9;
			}
			put_text(&o, name);
			first = false;
		}
	}
	put_text(&o, ";\r\n\tbh=");
	put_base64(&o, s->body, sizeof(s->body));
	put_text(&o, ";\r\n\tb=");
	put_char(&o, '\0');
	return o.full ? -1 : 0;
}

/* A tag whole on this line, or on a line of its own. */
static void
put_tag(struct out *o, const char *tag, const char *value)
{
	if (o->column + strlen(tag) + strlen(value) + 2 > LINE_MAX_LEN) {
		put_text(o, "\r\n\t");
		o->column = 8;
	} else
		put_char(o, ' ');
	put_text(o, tag);
	put_text(o, value);
	put_char(o, ';');
}

static void
put_text(struct out *o, const char *s)
{
	for (; *s != '\0'; s++)
		put_char(o, *s);
}

/* RFC 6376 2.10: folding within base64 is not part of it. */
static void
put_base64(struct out *o, const uint8_t *data, size_t len)
{
	char text[1024];

	if (sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL) >
	    sizeof(text)) {
		o->full = true;
		return;
	}
	(void)sodium_bin2base64(
	    text, sizeof(text), data, len, sodium_base64_VARIANT_ORIGINAL);
	for (const char *s = text; *s != '\0'; s++) {
		if (o->column >= LINE_MAX_LEN) {
			put_text(o, "\r\n\t ");
			o->column = 9;
		}
		put_char(o, *s);
	}
}

static void
put_char(struct out *o, char c)
{
	if (o->len == o->size) {
		o->full = true;
		return;
	}
	o->buf[o->len++] = c;
	o->column++;
}
