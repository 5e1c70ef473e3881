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
 * Message data on its way in: the end of DATA, dot-unstuffing (RFC 5321
 * 4.5.2), and what is counted meanwhile.  smtp.h has the policy.
 */

#include <sys/types.h>

#include <string.h>

#include "smtp_local.h"

enum { DOT_MID, DOT_LINE, DOT_SEEN, DOT_CR };
enum { SLOPPY_MID, SLOPPY_LINE, SLOPPY_DOT };

#define MATCH_NOT 0xff /* this line is no Received field */

static const char received[] = "received:";

static enum smtp_data_state
data_octet(struct smtp_data *, uint8_t, uint8_t *, size_t *);
static void data_note(struct smtp_data *, uint8_t);
static size_t data_span(struct smtp_data *, const uint8_t *, size_t);

void
smtp_data_init(struct smtp_data *data)
{
	memset(data, 0, sizeof(*data));
	data->in_header = true;
	data->dot = DOT_LINE;
	data->sloppy = SLOPPY_LINE;
}

enum smtp_data_state
smtp_data_decode(struct smtp_data *data, const uint8_t *in, size_t *inlen,
    uint8_t *out, size_t *outlen)
{
	enum smtp_data_state state;
	size_t i, o, n;

	state = SMTP_DATA_MORE;
	for (i = 0, o = 0; i < *inlen && o < *outlen;) {
		n = *inlen - i;
		if (n > *outlen - o)
			n = *outlen - o;
		n = data_span(data, in + i, n);
		if (n > 0) {
			memcpy(out + o, in + i, n);
			i += n;
			o += n;
			data->size += n;
			continue;
		}
		state = data_octet(data, in[i++], out, &o);
		if (state != SMTP_DATA_MORE)
			break;
	}
	*inlen = i;
	*outlen = o;
	return state;
}

void
smtp_data_chunk(
    struct smtp_data *data, const uint8_t *in, size_t len, bool last)
{
	size_t i, n;

	for (i = 0; i < len;) {
		n = data_span(data, in + i, len - i);
		if (n > 0) {
			i += n;
			continue;
		}
		data_note(data, in[i++]);
	}
	data->size += len;
	if (last && data->last == '\r')
		data->bare = true;
}

/*
 * How many octets at in are in the middle of a line and mean nothing to us:
 * up to the next CR or LF, once the line is known to be no Received field.
 */
static size_t
data_span(struct smtp_data *data, const uint8_t *in, size_t len)
{
	const uint8_t *end;

	if (data->last == '\r' || data->dot != DOT_MID ||
	    data->sloppy != SLOPPY_MID ||
	    (data->in_header && data->match != MATCH_NOT))
		return 0;
	end = memchr(in, '\r', len);
	if (end != NULL)
		len = (size_t)(end - in);
	end = memchr(in, '\n', len);
	if (end != NULL)
		len = (size_t)(end - in);
	if (len > 0)
		data->last = in[len - 1];
	return len;
}

static enum smtp_data_state
data_octet(struct smtp_data *data, uint8_t c, uint8_t *out, size_t *o)
{
	switch (data->dot) {
	case DOT_CR:
		if (c == '\n')
			return SMTP_DATA_END;
		data->bare = true;
		return SMTP_DATA_SMUGGLED; /* CRLF . CR */
	case DOT_SEEN:
		if (c == '\r') {
			data->dot = DOT_CR;
			return SMTP_DATA_MORE;
		}
		if (c == '\n') {
			data->bare = true;
			return SMTP_DATA_SMUGGLED; /* CRLF . LF */
		}
		data->sloppy = SLOPPY_MID; /* the stuffed dot was seen */
		break;
	case DOT_LINE:
		if (c == '.') {
			data->dot = DOT_SEEN;
			data->last = c;
			return SMTP_DATA_MORE;
		}
		break;
	default:
		/* LF . LF, LF . CRLF, CR . CR and so on */
		if (data->sloppy == SLOPPY_DOT && (c == '\r' || c == '\n')) {
			data->bare = true;
			return SMTP_DATA_SMUGGLED;
		}
		break;
	}
	data_note(data, c);
	out[(*o)++] = c;
	data->size++;
	return SMTP_DATA_MORE;
}

/* One octet of the message, unstuffed: lines, fields, bare CR and LF. */
static void
data_note(struct smtp_data *data, uint8_t c)
{
	uint8_t lower;
	bool newline;

	newline = c == '\n' && data->last == '\r';
	if (data->last == '\r' && !newline)
		data->bare = true;
	if (c == '\n' && !newline)
		data->bare = true;
	if (data->in_header && data->match != MATCH_NOT && c != '\r' &&
	    !newline) {
		lower = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		if (lower != received[data->match])
			data->match = MATCH_NOT;
		else if (received[++data->match] == '\0') {
			data->received++;
			data->match = MATCH_NOT;
		}
	}
	if (newline) {
		if (data->match == 0)
			data->in_header = false;
		data->match = 0;
	}
	if (c == '\r' || c == '\n')
		data->sloppy = SLOPPY_LINE;
	else if (c == '.' && data->sloppy == SLOPPY_LINE)
		data->sloppy = SLOPPY_DOT;
	else
		data->sloppy = SLOPPY_MID;
	data->dot = newline ? DOT_LINE : DOT_MID;
	data->last = c;
}
