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
 * Policies of MTA-STS, as text and as they are kept.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "tlsio_client.h"

#define PACK_VERSION 1

static bool pair(const char **, const char *, const char **, size_t *,
    const char **, size_t *);
static int take_pair(struct policy *, uint32_t *, unsigned int *, const char *,
    size_t, const char *, size_t);
static bool is(const char *, size_t, const char *);
static bool is_pattern(const char *, size_t);
static int number(const char *, size_t, uint64_t, uint64_t *);
static enum policy_http
head_read(const char *, size_t, bool *chunked, bool *counted, uint64_t *count);
static bool field_read(const char *, size_t, bool *chunked, bool *counted,
    uint64_t *count, bool *plain);
static enum policy_http unchunk(char *, size_t, size_t *);
static const char *line_end(const char *, const char *);

/* What a policy has to say. */
#define SAID_VERSION 1U
#define SAID_MODE 2U
#define SAID_AGE 4U

bool
policy_id(const uint8_t *text, size_t len, char id[POLICY_ID_MAX])
{
	const char *p, *end, *key, *value;
	size_t n;

	p = (const char *)text;
	end = p + len;
	/* "v=STSv1" comes first. */
	if (len < 8 || memcmp(p, "v=STSv1", 7) != 0)
		return false;
	p += 7;
	*id = '\0';
	while (p < end) {
		while (p < end && (*p == ' ' || *p == '\t' || *p == ';'))
			p++;
		key = p;
		while (p < end && *p != '=' && *p != ';')
			p++;
		if (p == end || *p == ';')
			continue;
		n = (size_t)(p - key);
		value = ++p;
		while (p < end && *p != ';' && *p != ' ' && *p != '\t')
			p++;
		if (!is(key, n, "id"))
			continue;
		n = (size_t)(p - value);
		if (n == 0 || n >= POLICY_ID_MAX || *id != '\0')
			return false;
		for (size_t i = 0; i < n; i++)
			if (!isalnum((unsigned char)value[i]))
				return false;
		memcpy(id, value, n);
		id[n] = '\0';
	}
	return *id != '\0';
}

int
policy_parse(const char *text, size_t len, struct policy *p, uint32_t *max_age)
{
	const char *end, *key, *value;
	size_t key_len, value_len;
	unsigned int said;

	if (len > POLICY_TEXT_MAX)
		return -1;
	p->n_mx = 0;
	p->mode = POLICY_NONE;
	*max_age = 0;
	said = 0;
	end = text + len;
	while (text < end) {
		if (!pair(&text, end, &key, &key_len, &value, &value_len))
			continue;
		if (take_pair(p, max_age, &said, key, key_len, value,
			value_len) == -1)
			return -1;
	}
	if (said != (SAID_VERSION | SAID_MODE | SAID_AGE) ||
	    (p->mode != POLICY_NONE && p->n_mx == 0))
		return -1;
	return 0;
}

bool
policy_allows(const struct policy *p, const char *host)
{
	if (p == NULL || p->mode == POLICY_NONE)
		return true;
	for (size_t i = 0; i < p->n_mx; i++)
		if (tlsio_mx_match(p->mx[i], host))
			return true;
	return false;
}

enum policy_http
policy_http(char *text, size_t len, bool end, char **body, size_t *body_len)
{
	enum policy_http r;
	uint64_t count;
	size_t head, n;
	bool chunked, counted;

	for (head = 0; head < len; head++)
		if (len - head >= 4 && memcmp(text + head, "\r\n\r\n", 4) == 0)
			break;
	if (head == len)
		return end || len > POLICY_HEAD_MAX ? POLICY_WRONG :
						      POLICY_MORE;
	if (head > POLICY_HEAD_MAX)
		return POLICY_WRONG;
	r = head_read(text, head + 2, &chunked, &counted, &count);
	if (r == POLICY_WRONG)
		return r;
	*body = text + head + 4;
	n = len - head - 4;
	if (n > POLICY_TEXT_MAX)
		return POLICY_WRONG;
	if (chunked) {
		r = unchunk(*body, n, body_len);
		return r == POLICY_MORE && end ? POLICY_WRONG : r;
	}
	*body_len = counted ? (size_t)count : n;
	if (counted && n < count)
		return end ? POLICY_WRONG : POLICY_MORE;
	return counted || end ? POLICY_WHOLE : POLICY_MORE;
}

size_t
policy_pack(const struct policy *p, uint8_t *buf, size_t size)
{
	size_t n, len;

	len = strlen(p->id);
	if (size < 12 + len)
		return 0;
	n = 0;
	buf[n++] = PACK_VERSION;
	buf[n++] = (uint8_t)p->mode;
	for (int i = 0; i < 8; i++)
		buf[n++] = (uint8_t)((uint64_t)p->expires >> (56 - 8 * i));
	buf[n++] = (uint8_t)len;
	memcpy(buf + n, p->id, len);
	n += len;
	buf[n++] = (uint8_t)p->n_mx;
	for (size_t i = 0; i < p->n_mx; i++) {
		len = strlen(p->mx[i]);
		if (size - n < len + 1)
			return 0;
		buf[n++] = (uint8_t)len;
		memcpy(buf + n, p->mx[i], len);
		n += len;
	}
	return n;
}

int
policy_unpack(struct policy *p, const uint8_t *buf, size_t size)
{
	uint64_t when;
	size_t n, len;

	memset(p, 0, sizeof(*p));
	if (size < 12 || buf[0] != PACK_VERSION || buf[1] > POLICY_ENFORCE)
		return -1;
	p->mode = (enum policy_mode)buf[1];
	when = 0;
	for (int i = 0; i < 8; i++)
		when = when << 8 | buf[2 + i];
	p->expires = (int64_t)when;
	len = buf[10];
	n = 11;
	if (len == 0 || len >= sizeof(p->id) || size - n < len + 1)
		return -1;
	memcpy(p->id, buf + n, len);
	n += len;
	p->n_mx = buf[n++];
	if (p->n_mx > POLICY_MX_MAX)
		return -1;
	for (size_t i = 0; i < p->n_mx; i++) {
		if (size - n < 1 || size - n - 1 < buf[n])
			return -1;
		len = buf[n++];
		memcpy(p->mx[i], buf + n, len);
		n += len;
	}
	return n == size ? 0 : -1;
}

/* "key: value" of the next line; false: it has none. */
static bool
pair(const char **p, const char *end, const char **key, size_t *key_len,
    const char **value, size_t *value_len)
{
	const char *line, *stop, *colon;

	line = *p;
	stop = memchr(line, '\n', (size_t)(end - line));
	*p = stop == NULL ? end : stop + 1;
	if (stop == NULL)
		stop = end;
	while (stop > line && isspace((unsigned char)stop[-1]))
		stop--;
	colon = memchr(line, ':', (size_t)(stop - line));
	if (colon == NULL)
		return false;
	*key = line;
	*key_len = (size_t)(colon - line);
	for (colon++; colon < stop && (*colon == ' ' || *colon == '\t');)
		colon++;
	*value = colon;
	*value_len = (size_t)(stop - colon);
	return true;
}

/* What is not known is for others: 3.2.  What comes twice: the first. */
static int
take_pair(struct policy *p, uint32_t *max_age, unsigned int *said,
    const char *key, size_t key_len, const char *value, size_t len)
{
	uint64_t n;

	if (is(key, key_len, "version") && (*said & SAID_VERSION) == 0) {
		*said |= SAID_VERSION;
		return is(value, len, "STSv1") ? 0 : -1;
	}
	if (is(key, key_len, "mode") && (*said & SAID_MODE) == 0) {
		*said |= SAID_MODE;
		if (is(value, len, "enforce"))
			p->mode = POLICY_ENFORCE;
		else if (is(value, len, "testing"))
			p->mode = POLICY_TESTING;
		else if (!is(value, len, "none"))
			return -1;
	} else if (is(key, key_len, "max_age") && (*said & SAID_AGE) == 0) {
		*said |= SAID_AGE;
		if (number(value, len, POLICY_AGE_MAX, &n) == -1)
			return -1;
		*max_age = (uint32_t)n;
	} else if (is(key, key_len, "mx")) {
		/* One too many would be a host that gets no mail. */
		if (!is_pattern(value, len) || p->n_mx == POLICY_MX_MAX)
			return -1;
		memcpy(p->mx[p->n_mx], value, len);
		p->mx[p->n_mx++][len] = '\0';
	}
	return 0;
}

static bool
is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static bool
is_pattern(const char *s, size_t len)
{
	if (len == 0 || len >= POLICY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '.' && s[i] != '_' &&
		    !(i == 0 && s[i] == '*' && len > 2 && s[1] == '.'))
			return false;
	return true;
}

/* Decimal; more than max is max. */
static int
number(const char *s, size_t len, uint64_t max, uint64_t *n)
{
	*n = 0;
	if (len == 0 || len > 18)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		*n = *n * 10 + (uint64_t)(s[i] - '0');
	}
	if (*n > max)
		*n = max;
	return 0;
}

/* The lines of a header, each with its CR and LF. */
static enum policy_http
head_read(
    const char *p, size_t len, bool *chunked, bool *counted, uint64_t *count)
{
	const char *end, *stop;
	bool plain;

	*chunked = *counted = plain = false;
	*count = 0;
	end = p + len;
	stop = line_end(p, end);
	if (stop == NULL || stop - p < 12 ||
	    (memcmp(p, "HTTP/1.1 200", 12) != 0 &&
		memcmp(p, "HTTP/1.0 200", 12) != 0) ||
	    (stop - p > 12 && p[12] != ' '))
		return POLICY_WRONG;
	for (p = stop + 2; p < end; p = stop + 2) {
		stop = line_end(p, end);
		if (stop == NULL ||
		    !field_read(
			p, (size_t)(stop - p), chunked, counted, count, &plain))
			return POLICY_WRONG;
	}
	return plain ? POLICY_WHOLE : POLICY_WRONG;
}

static bool
field_read(const char *s, size_t len, bool *chunked, bool *counted,
    uint64_t *count, bool *plain)
{
	static const char type[] = "text/plain";
	const char *colon;
	size_t key, n;

	colon = memchr(s, ':', len);
	if (colon == NULL)
		return false;
	key = (size_t)(colon - s);
	for (s += key + 1, len -= key + 1; len > 0 && (*s == ' ' || *s == '\t');
	     len--)
		s++;
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	colon -= key;
	if (key == 12 && strncasecmp(colon, "Content-Type", key) == 0) {
		n = sizeof(type) - 1;
		*plain = len >= n && strncasecmp(s, type, n) == 0 &&
		    (len == n || s[n] == ';' || s[n] == ' ');
	} else if (key == 14 &&
	    strncasecmp(colon, "Content-Length", key) == 0) {
		if (*counted || number(s, len, UINT64_MAX, count) == -1 ||
		    *count > POLICY_TEXT_MAX)
			return false;
		*counted = true;
	} else if (key == 17 &&
	    strncasecmp(colon, "Transfer-Encoding", key) == 0) {
		if (len != 7 || strncasecmp(s, "chunked", len) != 0)
			return false;
		*chunked = true;
	} else if (key == 16 &&
	    strncasecmp(colon, "Content-Encoding", key) == 0)
		return len == 8 && strncasecmp(s, "identity", len) == 0;
	return true;
}

/* RFC 9112 7.1, in place. */
static enum policy_http
unchunk(char *text, size_t len, size_t *out)
{
	size_t at, n, size;
	int digits;

	at = 0;
	*out = 0;
	for (;;) {
		size = 0;
		for (digits = 0; at < len && isxdigit((unsigned char)text[at]);
		     at++, digits++) {
			if (size > POLICY_TEXT_MAX)
				return POLICY_WRONG;
			size = size * 16 +
			    (size_t)(isdigit((unsigned char)text[at]) ?
				    text[at] - '0' :
				    tolower((unsigned char)text[at]) - 'a' +
					10);
		}
		while (at < len && text[at] != '\n')
			at++;
		if (at == len)
			return POLICY_MORE;
		at++;
		if (digits == 0 || size > POLICY_TEXT_MAX)
			return POLICY_WRONG;
		if (size == 0)
			return POLICY_WHOLE;
		if (len - at < size + 2)
			return POLICY_MORE;
		for (n = 0; n < size; n++)
			text[(*out)++] = text[at++];
		if (text[at] != '\r' || text[at + 1] != '\n')
			return POLICY_WRONG;
		at += 2;
	}
}

/* The CR of the line that begins at p. */
static const char *
line_end(const char *p, const char *end)
{
	for (; end - p >= 2; p++)
		if (p[0] == '\r' && p[1] == '\n')
			return p;
	return NULL;
}
