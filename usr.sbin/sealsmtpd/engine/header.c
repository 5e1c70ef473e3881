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
 * The header of a message that goes elsewhere, as a whole: where it ends, and
 * who says to have written it.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "mime.h"

#include "engine.h"

static bool is_field(const uint8_t *, size_t);
static const uint8_t *
field_find(const uint8_t *, size_t, const char *, size_t *);
static const uint8_t *
field_next(const uint8_t *, size_t, const char *, size_t *, size_t *, size_t *);
static bool domain_of(const struct mime_addr *, char *, size_t);

/*
 * A line that is neither a field nor the rest of one belongs to the body: then
 * the empty line is missing, and fields put before would come to stand in the
 * body of what others read.
 */
bool
header_ends(const uint8_t *buf, size_t len, size_t start, size_t *pos,
    size_t *sep, bool last)
{
	const uint8_t *line, *end;
	size_t n;

	*sep = 0;
	while (*pos < len) {
		line = buf + *pos;
		end = memchr(line, '\n', len - *pos);
		if (end == NULL && !last)
			return false;
		n = end == NULL ? len - *pos : (size_t)(end - line) + 1;
		if (n == 2 && line[0] == '\r' && end != NULL) {
			*sep = 2;
			return true;
		}
		if (!((line[0] == ' ' || line[0] == '\t') && *pos > start) &&
		    !is_field(line, n))
			return true;
		*pos += n;
	}
	return last;
}

bool
header_from(const uint8_t *header, size_t len, char *domain, size_t size)
{
	struct mime_addr_iter it;
	struct mime_addr addr;
	const uint8_t *value;
	size_t n;

	value = field_find(header, len, "from", &n);
	if (value == NULL)
		return false;
	mime_addr_init_text(&it, (const char *)value, n);
	while (mime_addr_next(&it, &addr) == 1) {
		if (addr.host.s == NULL || addr.host.len == 0)
			continue; /* a group begins or ends */
		if (addr.host.len >= size)
			return false;
		for (size_t i = 0; i < addr.host.len; i++)
			domain[i] = (char)tolower(
			    (unsigned char)addr.host.s[i]);
		domain[addr.host.len] = '\0';
		return true;
	}
	return false;
}

enum header_author
header_author(const uint8_t *header, size_t len, char *domain, size_t size)
{
	char other[SMTP_DOMAIN_MAX + 1];
	struct mime_addr_iter it;
	struct mime_addr addr;
	const uint8_t *value;
	size_t pos, start, n;
	bool any;

	any = false;
	domain[0] = '\0';
	pos = 0;
	value = field_next(header, len, "from", &pos, &start, &n);
	if (value == NULL)
		return AUTHOR_NONE;
	mime_addr_init_text(&it, (const char *)value, n);
	while (mime_addr_next(&it, &addr) == 1) {
		if (addr.host.s == NULL || addr.host.len == 0)
			continue; /* a group begins or ends */
		if (!domain_of(&addr, other, sizeof(other)))
			return AUTHOR_SEVERAL;
		if (any && strcmp(domain, other) != 0)
			return AUTHOR_SEVERAL;
		if (strlcpy(domain, other, size) >= size)
			return AUTHOR_SEVERAL;
		any = true;
	}
	/* RFC 5322 3.6: there is one; programs show any of several. */
	if (field_next(header, len, "from", &pos, &start, &n) != NULL)
		return AUTHOR_SEVERAL;
	return any ? AUTHOR_ONE : AUTHOR_NONE;
}

size_t
header_strip(uint8_t *header, size_t len, const char *name,
    bool (*is)(const char *, size_t, const char *), const char *arg)
{
	const uint8_t *value;
	size_t pos, start, n;

	pos = 0;
	while (
	    (value = field_next(header, len, name, &pos, &start, &n)) != NULL) {
		if (!is((const char *)value, n, arg))
			continue;
		memmove(header + start, header + pos, len - pos);
		len -= pos - start;
		pos = start;
	}
	return len;
}

bool
header_says(
    const uint8_t *header, size_t len, const char *name, const char *want)
{
	const uint8_t *value;
	size_t n;

	value = field_find(header, len, name, &n);
	if (value == NULL)
		return false;
	for (; n > 0 && strchr(" \t\r\n", value[0]) != NULL; value++)
		n--;
	while (n > 0 && strchr(" \t\r\n", value[n - 1]) != NULL)
		n--;
	return n == strlen(want) &&
	    strncasecmp((const char *)value, want, n) == 0;
}

/* As DNS has it: A-labels, lower case, without a final dot. */
static bool
domain_of(const struct mime_addr *addr, char *domain, size_t size)
{
	struct smtp_address a;
	size_t len;

	len = addr->host.len;
	if (len > 1 && addr->host.s[len - 1] == '.')
		len--;
	if (len >= sizeof(a.domain))
		return false;
	memset(&a, 0, sizeof(a));
	memcpy(a.domain, addr->host.s, len);
	if (outgoing_dest(&a, domain, size) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		a.domain[i] = (char)tolower((unsigned char)a.domain[i]);
	return strlcpy(domain, a.domain, size) < size;
}

static bool
is_field(const uint8_t *line, size_t len)
{
	size_t n;

	for (n = 0; n < len && line[n] > ' ' && line[n] < 127; n++)
		if (line[n] == ':')
			return n > 0;
	while (n > 0 && n < len && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return n > 0 && n < len && line[n] == ':';
}

/* The value of the first field of that name, folds and all. */
static const uint8_t *
field_find(const uint8_t *header, size_t len, const char *name, size_t *n)
{
	size_t pos, start;

	pos = 0;
	return field_next(header, len, name, &pos, &start, n);
}

/*
 * The next of that name from *pos on, which moves behind it; start: where the
 * field begins.
 */
static const uint8_t *
field_next(const uint8_t *header, size_t len, const char *name, size_t *pos,
    size_t *start, size_t *n)
{
	const uint8_t *line, *end, *value;
	size_t name_len, i;

	name_len = strlen(name);
	for (line = header + *pos; line < header + len; line = end) {
		end = line;
		do {
			end = memchr(end, '\n', (size_t)(header + len - end));
			end = end == NULL ? header + len : end + 1;
		} while (end < header + len && (*end == ' ' || *end == '\t'));
		if ((size_t)(end - line) <= name_len ||
		    strncasecmp((const char *)line, name, name_len) != 0)
			continue;
		for (i = name_len;
		     line + i < end && (line[i] == ' ' || line[i] == '\t');)
			i++;
		if (line + i == end || line[i] != ':')
			continue;
		value = line + i + 1;
		*n = (size_t)(end - value);
		*start = (size_t)(line - header);
		*pos = (size_t)(end - header);
		return value;
	}
	return NULL;
}
