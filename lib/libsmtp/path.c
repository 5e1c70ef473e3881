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
 * Addresses (RFC 5321 4.1.2 and 4.1.3, RFC 6531 3.3): parsing, printing, and
 * the account that an address names.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtp_local.h"

#define LABEL_MAX 63
#define LITERAL_MAX 64

static enum smtp_result
local_quoted(const char *, size_t, size_t *, struct smtp_address *);
static enum smtp_result
local_dots(const char *, size_t, size_t *, struct smtp_address *);
static size_t route_skip(const char *, size_t);
static bool is_atext(unsigned char);
static bool local_is_dot_string(const char *);

enum smtp_result
smtp_address_parse(const char *s, size_t len, struct smtp_address *address)
{
	enum smtp_result res;
	size_t n;

	memset(address, 0, sizeof(*address));
	n = route_skip(s, len);
	s += n;
	len -= n;
	if (len == 0)
		return SMTP_BAD_ADDRESS;
	if (s[0] == '"')
		res = local_quoted(s, len, &n, address);
	else
		res = local_dots(s, len, &n, address);
	if (res != SMTP_OK)
		return res;
	if (n == len)
		return SMTP_OK;
	if (s[n] != '@')
		return SMTP_BAD_ADDRESS;
	s += n + 1;
	len -= n + 1;
	if (len == 0 || len > SMTP_DOMAIN_MAX)
		return SMTP_BAD_ADDRESS;
	if (s[0] == '[' ? !smtp_literal_valid(s, len) :
			  !smtp_domain_valid(s, len))
		return SMTP_BAD_ADDRESS;
	for (size_t i = 0; i < len; i++)
		address->domain[i] = s[i] >= 'A' && s[i] <= 'Z' ?
		    (char)(s[i] - 'A' + 'a') :
		    s[i];
	return SMTP_OK;
}

void
smtp_address_print(const struct smtp_address *address, char *buf, size_t size)
{
	char quoted[SMTP_LOCAL_MAX * 2 + 3], *q;
	const char *p;

	if (size == 0)
		return;
	if (address->local[0] == '\0' && address->domain[0] == '\0') {
		buf[0] = '\0';
		return;
	}
	q = quoted;
	if (local_is_dot_string(address->local)) {
		for (p = address->local; *p != '\0';)
			*q++ = *p++;
	} else {
		*q++ = '"';
		for (p = address->local; *p != '\0';) {
			if (*p == '"' || *p == '\\')
				*q++ = '\\';
			*q++ = *p++;
		}
		*q++ = '"';
	}
	*q = '\0';
	(void)snprintf(buf, size, "%s%s%s", quoted,
	    address->domain[0] != '\0' ? "@" : "", address->domain);
}

bool
smtp_address_is_ascii(const struct smtp_address *address)
{
	const char *p;

	for (p = address->local; *p != '\0'; p++)
		if ((unsigned char)*p > 0x7f)
			return false;
	for (p = address->domain; *p != '\0'; p++)
		if ((unsigned char)*p > 0x7f)
			return false;
	return true;
}

int
smtp_address_account(const struct smtp_address *address, char separator,
    const char *fallback, char *account, size_t size, char *detail,
    size_t detail_size)
{
	const char *domain, *cut;
	size_t n;
	int len;

	domain = address->domain[0] != '\0' ? address->domain : fallback;
	n = strlen(address->local);
	if (n == 0)
		return -1;
	cut = NULL;
	if (separator != '\0')
		cut = strchr(address->local + 1, separator);
	if (cut != NULL)
		n = (size_t)(cut - address->local);
	if (strlcpy(detail, cut != NULL ? cut + 1 : "", detail_size) >=
	    detail_size)
		return -1;
	len = snprintf(
	    account, size, "%.*s@%s", (int)n, address->local, domain);
	if (len < 0 || (size_t)len >= size)
		return -1;
	for (; *account != '\0'; account++)
		if (*account >= 'A' && *account <= 'Z')
			*account = (char)(*account - 'A' + 'a');
	return 0;
}

/* Letters, digits, hyphens; underscores and UTF-8 because names have them. */
bool
smtp_domain_valid(const char *s, size_t len)
{
	size_t label;
	unsigned char c;

	if (len == 0 || len > SMTP_DOMAIN_MAX)
		return false;
	label = 0;
	for (size_t i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum(c) && c != '-' && c != '_' && c < 0x80)
			return false;
		if (c == '-' && label == 0)
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && s[len - 1] != '-' && smtp_utf8_valid(s, len);
}

/* [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 4.1.3). */
bool
smtp_literal_valid(const char *s, size_t len)
{
	char text[LITERAL_MAX];
	unsigned char addr[16];

	if (len < 3 || s[0] != '[' || s[len - 1] != ']')
		return false;
	s++;
	len -= 2;
	if (len >= sizeof(text) || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (strncasecmp(text, "IPv6:", 5) == 0)
		return inet_pton(AF_INET6, text + 5, addr) == 1;
	return inet_pton(AF_INET, text, addr) == 1;
}

/* "@a,@b:" before the mailbox: obsolete, to be accepted and ignored. */
static size_t
route_skip(const char *s, size_t len)
{
	const char *colon;

	if (len == 0 || s[0] != '@')
		return 0;
	colon = memchr(s, ':', len);
	if (colon == NULL)
		return 0;
	for (const char *p = s; p < colon; p++)
		if (!isalnum((unsigned char)*p) &&
		    strchr("@.,-_[]", *p) == NULL)
			return 0;
	return (size_t)(colon - s) + 1;
}

static enum smtp_result
local_quoted(
    const char *s, size_t len, size_t *used, struct smtp_address *address)
{
	size_t i, n;
	unsigned char c;

	for (i = 1, n = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '"')
			break;
		if (c == '\\') {
			if (++i == len)
				return SMTP_BAD_ADDRESS;
			c = (unsigned char)s[i];
			if (c >= 0x80)
				return SMTP_BAD_ADDRESS;
		}
		if (c < ' ' || c == 0x7f || n == SMTP_LOCAL_MAX)
			return SMTP_BAD_ADDRESS;
		address->local[n++] = (char)c;
	}
	if (i == len || n == 0 || !smtp_utf8_valid(address->local, n))
		return SMTP_BAD_ADDRESS;
	*used = i + 1;
	return SMTP_OK;
}

/*
 * Dots may stand anywhere: mobile carriers gave out "a..b" and "a.", and their
 * users write mail.  Such a local part is printed in quotes.
 */
static enum smtp_result
local_dots(
    const char *s, size_t len, size_t *used, struct smtp_address *address)
{
	size_t i;

	for (i = 0; i < len && s[i] != '@'; i++) {
		if (!is_atext((unsigned char)s[i]) && s[i] != '.')
			return SMTP_BAD_ADDRESS;
		if (i == SMTP_LOCAL_MAX)
			return SMTP_BAD_ADDRESS;
		address->local[i] = s[i];
	}
	if (i == 0 || !smtp_utf8_valid(s, i))
		return SMTP_BAD_ADDRESS;
	*used = i;
	return SMTP_OK;
}

static bool
is_atext(unsigned char c)
{
	return isalnum(c) || c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
local_is_dot_string(const char *local)
{
	const char *p;

	if (*local == '\0' || *local == '.')
		return false;
	for (p = local; *p != '\0'; p++) {
		if (*p == '.' ? p[1] == '.' || p[1] == '\0' :
				!is_atext((unsigned char)*p))
			return false;
	}
	return true;
}
