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
 * Replies (RFC 5321 4.2, RFC 2034).
 */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smtp_local.h"

size_t
smtp_reply(char *buf, size_t size, int code, const char *enh, bool more,
    const char *fmt, ...)
{
	va_list ap;
	size_t len, i;
	int n;

	if (size > SMTP_REPLY_MAX)
		size = SMTP_REPLY_MAX;
	if (size < 32)
		return 0;
	size -= 2; /* CRLF always fits */
	n = snprintf(buf, size, "%03d%c%s%s", code, more ? '-' : ' ',
	    enh != NULL ? enh : "", enh != NULL ? " " : "");
	len = n < 0 ? 0 : (size_t)n >= size ? size - 1 : (size_t)n;
	i = len;
	va_start(ap, fmt);
	n = vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n >= size - len ? size - len - 1 : (size_t)n;
	for (; i < len; i++)
		if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
			buf[i] = '?';
	buf[len++] = '\r';
	buf[len++] = '\n';
	return len;
}
