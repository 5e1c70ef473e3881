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
 * Transfer encodings undone, in pieces (RFC 2045 6.7, 6.8).  Input that is
 * wrong is passed as it stands (quoted-printable) or skipped (base64).
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
digit64(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum mime_coding
mime_coding_find(const char *name, size_t len)
{
	if (name_is(name, len, "quoted-printable"))
		return MIME_CODING_QP;
	if (name_is(name, len, "base64"))
		return MIME_CODING_BASE64;
	return MIME_CODING_NONE;
}

void
decoder_init(struct decoder *d, enum mime_coding coding)
{
	memset(d, 0, sizeof(*d));
	d->coding = coding;
}

static size_t
base64_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	size_t i, n = 0;
	int v;

	for (i = 0; i < len; i++) {
		if (in[i] == '=') {
			/* Parts that were joined after encoding go on. */
			d->nbits = 0;
			d->bits = 0;
			continue;
		}
		if ((v = digit64((unsigned char)in[i])) == -1)
			continue;
		d->bits = d->bits << 6 | (uint32_t)v;
		d->nbits += 6;
		if (d->nbits >= 8) {
			d->nbits -= 8;
			out[n++] = (char)(d->bits >> d->nbits);
			d->bits &= (1U << d->nbits) - 1;
		}
	}
	return n;
}

/* What follows '=', one octet at a time; those put to out. */
static size_t
qp_escape(struct decoder *d, char c, char *out)
{
	size_t n = 0;
	int hi, lo;

	if (d->state == 1) {
		d->hold[0] = c;
		d->state = 2;
		if (c == '\n')
			d->state = 0; /* soft line end */
		else if (hex(c) == -1 && c != '\r' && c != ' ' && c != '\t') {
			out[n++] = '=';
			out[n++] = c;
			d->state = 0;
		}
		return n;
	}
	hi = hex(d->hold[0]);
	lo = hex(c);
	if (hi == -1) {
		/* White space or CR after '=': soft if the line ends. */
		if (c == '\n')
			d->state = 0;
		else if (c != '\r' && c != ' ' && c != '\t') {
			d->state = 0;
			out[n++] = '=';
			out[n++] = c;
		}
		return n;
	}
	d->state = 0;
	if (lo != -1)
		out[n++] = (char)(hi << 4 | lo);
	else {
		out[n++] = '=';
		out[n++] = d->hold[0];
		out[n++] = c;
	}
	return n;
}

static size_t
qp_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	const char *e;
	size_t i = 0, n = 0, run;

	while (i < len) {
		if (d->state != 0) {
			n += qp_escape(d, in[i++], out + n);
			continue;
		}
		e = memchr(in + i, '=', len - i);
		run = e != NULL ? (size_t)(e - in) - i : len - i;
		memcpy(out + n, in + i, run);
		n += run;
		i += run;
		if (e != NULL) {
			d->state = 1;
			i++;
		}
	}
	return n;
}

size_t
decoder_feed(struct decoder *d, const char *in, size_t len, char *out)
{
	switch (d->coding) {
	case MIME_CODING_QP:
		return qp_feed(d, in, len, out);
	case MIME_CODING_BASE64:
		return base64_feed(d, in, len, out);
	case MIME_CODING_NONE:
		break;
	}
	memcpy(out, in, len);
	return len;
}

size_t
decoder_end(struct decoder *d, char *out)
{
	size_t n = 0;

	if (d->coding == MIME_CODING_QP && d->state != 0) {
		out[n++] = '=';
		if (d->state == 2 && hex(d->hold[0]) != -1)
			out[n++] = d->hold[0];
	}
	d->state = 0;
	return n;
}

bool
mime_coding_known(const char *name, size_t len)
{
	return mime_coding_find(name, len) != MIME_CODING_NONE ||
	    name_is(name, len, "7bit") || name_is(name, len, "8bit") ||
	    name_is(name, len, "binary");
}

struct mime_decoder {
	struct decoder d;
	char out[MIME_TEXT_STEP + 8];
};

struct mime_decoder *
mime_decoder_new(enum mime_coding coding)
{
	struct mime_decoder *d;

	d = calloc(1, sizeof(*d));
	if (d != NULL)
		decoder_init(&d->d, coding);
	return d;
}

void
mime_decoder_feed(struct mime_decoder *d, const void *octets, size_t len,
    mime_out out, void *arg)
{
	const char *p = octets;
	size_t n, step;

	for (; len > 0; p += step, len -= step) {
		step = len < MIME_TEXT_STEP ? len : MIME_TEXT_STEP;
		n = decoder_feed(&d->d, p, step, d->out);
		if (n > 0)
			out(arg, d->out, n);
	}
}

void
mime_decoder_end(struct mime_decoder *d, mime_out out, void *arg)
{
	size_t n;

	n = decoder_end(&d->d, d->out);
	if (n > 0)
		out(arg, d->out, n);
}

void
mime_decoder_free(struct mime_decoder *d)
{
	if (d != NULL)
		freezero(d, sizeof(*d));
}
