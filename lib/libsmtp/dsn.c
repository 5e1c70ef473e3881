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
 * What a client wants to hear of its mail (RFC 3461 4): RET, ENVID, NOTIFY and
 * ORCPT.  Values are kept as they were given, xtext and all.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "smtp_local.h"

static bool xtext_valid(const char *, size_t, bool);

int
smtp_ret_parse(const struct smtp_param *p, enum smtp_ret *ret)
{
	if (p->value == NULL)
		return -1;
	if (smtp_word_is(p->value, p->value_len, "FULL"))
		*ret = SMTP_RET_FULL;
	else if (smtp_word_is(p->value, p->value_len, "HDRS"))
		*ret = SMTP_RET_HDRS;
	else
		return -1;
	return 0;
}

int
smtp_envid_parse(const struct smtp_param *p, char envid[SMTP_ENVID_MAX + 1])
{
	if (p->value == NULL || p->value_len > SMTP_ENVID_MAX ||
	    !xtext_valid(p->value, p->value_len, false))
		return -1;
	memcpy(envid, p->value, p->value_len);
	envid[p->value_len] = '\0';
	return 0;
}

/* NEVER alone, or a list of the others. */
int
smtp_notify_parse(const struct smtp_param *p, uint8_t *notify)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} words[] = {
	    {"NEVER", SMTP_NOTIFY_NEVER},
	    {"SUCCESS", SMTP_NOTIFY_SUCCESS},
	    {"FAILURE", SMTP_NOTIFY_FAILURE},
	    {"DELAY", SMTP_NOTIFY_DELAY},
	};
	const size_t n_words = sizeof(words) / sizeof(words[0]);
	size_t i, n, w;

	*notify = 0;
	for (i = 0; p->value != NULL && i <= p->value_len; i += n + 1) {
		for (n = 0; i + n < p->value_len && p->value[i + n] != ',';)
			n++;
		for (w = 0; w < n_words; w++)
			if (smtp_word_is(p->value + i, n, words[w].word))
				break;
		if (w == n_words || (*notify & words[w].bit) != 0)
			return -1;
		*notify |= words[w].bit;
	}
	if (*notify == 0 ||
	    ((*notify & SMTP_NOTIFY_NEVER) != 0 &&
		*notify != SMTP_NOTIFY_NEVER))
		return -1;
	return 0;
}

/* An address type, a semicolon, xtext; of SMTPUTF8 also octets above 127. */
int
smtp_orcpt_parse(
    const struct smtp_param *p, bool utf8, char orcpt[SMTP_ORCPT_MAX + 1])
{
	size_t n;

	if (p->value == NULL || p->value_len > SMTP_ORCPT_MAX)
		return -1;
	for (n = 0; n < p->value_len && p->value[n] != ';'; n++)
		if (!isalnum((unsigned char)p->value[n]) && p->value[n] != '-')
			return -1;
	if (n == 0 || n + 1 >= p->value_len ||
	    !xtext_valid(p->value + n + 1, p->value_len - n - 1, utf8))
		return -1;
	memcpy(orcpt, p->value, p->value_len);
	orcpt[p->value_len] = '\0';
	return 0;
}

static bool
xtext_valid(const char *s, size_t len, bool utf8)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c;

	for (size_t i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c > 126 ? !utf8 || c == 127 : c < '!' || c == '=')
			return false;
		if (c != '+')
			continue;
		if (len - i < 3 || memchr(hex, s[i + 1], 16) == NULL ||
		    memchr(hex, s[i + 2], 16) == NULL)
			return false;
		i += 2;
	}
	return true;
}
