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
 * Replies, line by line.  Whatever a server writes ends up in reports and logs
 * as printable ASCII.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "reply.h"

static void reply_status(struct reply *, char, const char *, size_t);
static void reply_text(struct reply *, const char *, size_t);

void
reply_init(struct reply *r)
{
	memset(r, 0, sizeof(*r));
}

enum reply_result
reply_take(struct reply *r, const uint8_t *in, size_t len, size_t *used,
    const char **line, size_t *line_len)
{
	const uint8_t *end;
	unsigned int code;
	size_t n;

	*used = 0;
	end = memchr(in, '\n', len);
	if (end == NULL)
		return len > REPLY_LINE_MAX + 2 ? REPLY_WRONG : REPLY_MORE;
	*used = (size_t)(end - in) + 1;
	n = *used - 1;
	if (n > 0 && in[n - 1] == '\r')
		n--;
	if (n > REPLY_LINE_MAX || n < 3 || ++r->lines > REPLY_LINES_MAX ||
	    !isdigit(in[0]) || !isdigit(in[1]) || !isdigit(in[2]) ||
	    (n > 3 && in[3] != ' ' && in[3] != '-'))
		return REPLY_WRONG;
	code = (unsigned int)(in[0] - '0') * 100 +
	    (unsigned int)(in[1] - '0') * 10 + (unsigned int)(in[2] - '0');
	if (code < 200 || code > 599)
		return REPLY_WRONG;
	*line = (const char *)in + (n > 3 ? 4 : 3);
	*line_len = n > 3 ? n - 4 : 0;
	if (r->status[0] == '\0')
		reply_status(r, (char)in[0], *line, *line_len);
	reply_text(r, *line, *line_len);
	if (n > 3 && in[3] == '-')
		return REPLY_LINE;
	/* The last line has the code that counts. */
	if (r->status[0] != (char)in[0])
		r->status[0] = '\0';
	r->code = code;
	return REPLY_DONE;
}

/*
 * RFC 3463 2: class "." subject "." detail, before a blank or the end; of the
 * code's class (RFC 2034 4), else a report would tell of a failure that it went
 * well.
 */
static void
reply_status(struct reply *r, char class, const char *s, size_t len)
{
	size_t n, digits;

	if (len < 5 || s[0] != class || class == '3' || s[1] != '.')
		return;
	n = 2;
	for (int part = 0; part < 2; part++) {
		for (digits = 0; n < len && isdigit((unsigned char)s[n]); n++)
			digits++;
		if (digits == 0 || digits > 3)
			return;
		if (part == 0 && (n == len || s[n++] != '.'))
			return;
	}
	if ((n < len && s[n] != ' ') || n >= sizeof(r->status))
		return;
	memcpy(r->status, s, n);
	r->status[n] = '\0';
}

static void
reply_text(struct reply *r, const char *s, size_t len)
{
	size_t used;

	used = strlen(r->text);
	if (used > 0 && used < sizeof(r->text) - 1)
		r->text[used++] = ' ';
	for (; len > 0 && used < sizeof(r->text) - 1; s++, len--)
		r->text[used++] = isprint((unsigned char)*s) ? *s : '?';
	r->text[used] = '\0';
}
