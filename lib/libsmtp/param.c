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
 * Words, numbers, text and ESMTP parameters (RFC 5321 4.1.2, RFC 6531 3.3).
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "smtp_local.h"

static size_t utf8_sequence(const unsigned char *, size_t);

/* Digits only, at most 20 of them (RFC 1870 3). */
int
smtp_number(const char *s, size_t len, uint64_t *value)
{
	uint64_t v;
	unsigned int digit;

	if (len == 0 || len > 20)
		return -1;
	v = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		digit = (unsigned int)(s[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	*value = v;
	return 0;
}

bool
smtp_utf8_valid(const char *s, size_t len)
{
	const unsigned char *p;
	size_t n;

	p = (const unsigned char *)s;
	while (len > 0) {
		n = utf8_sequence(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* Neither control characters (of ASCII) nor broken UTF-8. */
bool
smtp_text_valid(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return smtp_utf8_valid(s, len);
}

int
smtp_params_split(
    const char *s, size_t len, struct smtp_param *params, size_t max, size_t *n)
{
	struct smtp_param *p;
	size_t i;

	*n = 0;
	for (i = 0;;) {
		while (i < len && s[i] == ' ')
			i++;
		if (i == len)
			return 0;
		if (*n == max)
			return -1;
		p = &params[(*n)++];
		memset(p, 0, sizeof(*p));
		p->name = s + i;
		while (i < len && (isalnum((unsigned char)s[i]) || s[i] == '-'))
			i++;
		p->name_len = (size_t)(s + i - p->name);
		if (p->name_len == 0 || p->name[0] == '-')
			return -1;
		if (i < len && s[i] == '=') {
			p->value = s + ++i;
			while (i < len && s[i] != ' ' && s[i] != '=')
				i++;
			p->value_len = (size_t)(s + i - p->value);
			if (p->value_len == 0)
				return -1;
		}
		if (i < len && s[i] != ' ')
			return -1;
	}
}

/* Length of the sequence at p; 0 if it is not well-formed (RFC 3629 4). */
static size_t
utf8_sequence(const unsigned char *p, size_t len)
{
	unsigned char low, high;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	low = 0x80;
	high = 0xbf;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		if (p[0] == 0xe0)
			low = 0xa0;
		else if (p[0] == 0xed)
			high = 0x9f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		if (p[0] == 0xf0)
			low = 0x90;
		else if (p[0] == 0xf4)
			high = 0x8f;
	} else
		return 0;
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}
