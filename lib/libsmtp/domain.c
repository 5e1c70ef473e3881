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
 * Names for DNS: labels of UTF-8 as A-labels, by Punycode (RFC 3492).
 */

#include <sys/types.h>

#include <string.h>

#include "smtp_local.h"

#define LABEL_MAX 63
#define PREFIX "xn--"

/* RFC 3492 5 */
#define BASE 36
#define TMIN 1
#define TMAX 26
#define SKEW 38
#define DAMP 700
#define INITIAL_BIAS 72
#define INITIAL_N 0x80

static int label_ascii(const char *, size_t, char *, size_t);
static size_t label_decode(const char *, size_t, uint32_t[LABEL_MAX]);
static int punycode(const uint32_t *, size_t, char *, size_t);
static size_t put_delta(char *, size_t, uint32_t, uint32_t);
static uint32_t adapt(uint32_t, uint32_t, bool);

int
smtp_domain_ascii(const char *domain, char *buf, size_t size)
{
	size_t n, len;
	int r;

	if (domain[0] == '[')
		return strlcpy(buf, domain, size) < size ? 0 : -1;
	for (len = 0;; domain += n + 1) {
		n = strcspn(domain, ".");
		r = label_ascii(domain, n, buf + len, size - len);
		if (r == -1)
			return -1;
		len += (size_t)r;
		if (domain[n] == '\0')
			break;
		if (len + 1 >= size)
			return -1;
		buf[len++] = '.';
	}
	return len > SMTP_DOMAIN_MAX ? -1 : 0;
}

/* Its length; NUL-terminated. */
static int
label_ascii(const char *label, size_t n, char *buf, size_t size)
{
	uint32_t points[LABEL_MAX];
	size_t i, npoints;
	int r;

	for (i = 0; i < n && (unsigned char)label[i] < 0x80; i++)
		;
	if (i == n) {
		if (n > LABEL_MAX || n >= size)
			return -1;
		for (i = 0; i < n; i++)
			buf[i] = label[i] >= 'A' && label[i] <= 'Z' ?
			    (char)(label[i] - 'A' + 'a') :
			    label[i];
		buf[n] = '\0';
		return (int)n;
	}
	npoints = label_decode(label, n, points);
	if (npoints == 0 || size <= sizeof(PREFIX))
		return -1;
	memcpy(buf, PREFIX, sizeof(PREFIX) - 1);
	if (size > LABEL_MAX + 1)
		size = LABEL_MAX + 1;
	r = punycode(points, npoints, buf + sizeof(PREFIX) - 1,
	    size - (sizeof(PREFIX) - 1));
	return r == -1 ? -1 : r + (int)sizeof(PREFIX) - 1;
}

/* UTF-8 was checked where the address came in; 0: too long. */
static size_t
label_decode(const char *s, size_t len, uint32_t points[LABEL_MAX])
{
	unsigned char c;
	size_t n, more;

	if (!smtp_utf8_valid(s, len))
		return 0;
	for (n = 0; len > 0; n++) {
		if (n == LABEL_MAX)
			return 0;
		c = (unsigned char)*s;
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
		points[n] = more == 0 ? c : c & (0x3fU >> more);
		if (points[n] >= 'A' && points[n] <= 'Z')
			points[n] += 'a' - 'A';
		for (s++, len--; more > 0; more--, s++, len--)
			points[n] = points[n] << 6 | ((unsigned char)*s & 0x3f);
	}
	return n;
}

static int
punycode(const uint32_t *points, size_t n, char *buf, size_t size)
{
	uint32_t next, least, delta, bias;
	size_t len, basic, done, r;

	for (len = 0, done = 0; done < n; done++)
		if (points[done] < INITIAL_N) {
			if (len + 1 >= size)
				return -1;
			buf[len++] = (char)points[done];
		}
	basic = done = len;
	if (basic > 0) {
		if (len + 1 >= size)
			return -1;
		buf[len++] = '-';
	}
	delta = 0;
	bias = INITIAL_BIAS;
	for (next = INITIAL_N; done < n; next++, delta++) {
		least = UINT32_MAX;
		for (size_t i = 0; i < n; i++)
			if (points[i] >= next && points[i] < least)
				least = points[i];
		/* At most 63 times 0x10ffff: no overflow. */
		delta += (least - next) * (uint32_t)(done + 1);
		next = least;
		for (size_t i = 0; i < n; i++) {
			if (points[i] < next)
				delta++;
			if (points[i] != next)
				continue;
			r = put_delta(buf + len, size - len, delta, bias);
			if (r == 0)
				return -1;
			len += r;
			bias = adapt(delta, (uint32_t)done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	buf[len] = '\0';
	return (int)len;
}

/* A number of variable length (RFC 3492 6.3); 0: no room. */
static size_t
put_delta(char *buf, size_t size, uint32_t q, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t k, t;
	size_t len;

	for (len = 0, k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (len + 1 >= size)
			return 0;
		if (q < t)
			break;
		buf[len++] = digits[t + (q - t) % (BASE - t)];
		q = (q - t) / (BASE - t);
	}
	buf[len++] = digits[q];
	return len;
}

static uint32_t
adapt(uint32_t delta, uint32_t n, bool first)
{
	uint32_t k;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / n;
	for (k = 0; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}
