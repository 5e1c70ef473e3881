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
 * Lists of tags (RFC 6376 3.2), and those of a DKIM-Signature field (3.5).
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "verify_local.h"

enum tag {
	TAG_V,
	TAG_A,
	TAG_B,
	TAG_BH,
	TAG_C,
	TAG_D,
	TAG_H,
	TAG_I,
	TAG_L,
	TAG_Q,
	TAG_S,
	TAG_T,
	TAG_X,
	TAGS
};

static const char *const tag_names[TAGS] = {
    "v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x"};

#define MUST                                                      \
	(1U << TAG_V | 1U << TAG_A | 1U << TAG_B | 1U << TAG_BH | \
	    1U << TAG_D | 1U << TAG_H | 1U << TAG_S)

static const char *
read_tags(struct dkim_tag *, unsigned int *, const struct dkim_header_field *);
static const char *
read_algorithm(struct dkim_signed *, const struct dkim_tag *);
static const char *read_names(struct dkim_signed *, const struct dkim_tag *);
static const char *
read_canonical(struct dkim_signed *, const struct dkim_tag *);
static const char *read_times(const struct dkim_tag *, unsigned int, int64_t);
static const char *read_identity(struct dkim_signed *, const struct dkim_tag *);
static bool read_domain(const struct dkim_tag *, char *);
static bool read_number(const struct dkim_tag *, uint64_t *);
static bool is_word(const struct dkim_tag *, const char *);
static bool is_blank(char);

int
dkim_tag_next(const char **pos, const char *end, struct dkim_tag *t)
{
	const char *p, *semicolon;

	for (p = *pos; p < end && is_blank(*p); p++)
		;
	if (p == end)
		return 0;
	memset(t, 0, sizeof(*t));
	semicolon = memchr(p, ';', (size_t)(end - p));
	if (semicolon == NULL)
		semicolon = end;
	*pos = semicolon < end ? semicolon + 1 : end;
	if (!isalpha((unsigned char)*p))
		return -1;
	t->name = p;
	while (p < semicolon && (isalnum((unsigned char)*p) || *p == '_'))
		p++;
	t->name_len = (size_t)(p - t->name);
	while (p < semicolon && is_blank(*p))
		p++;
	if (p == semicolon || *p != '=')
		return -1;
	for (p++; p < semicolon && is_blank(*p); p++)
		;
	t->value = p;
	t->len = (size_t)(semicolon - p);
	while (t->len > 0 && is_blank(t->value[t->len - 1]))
		t->len--;
	return 1;
}

/* Names of tags are with regard to case. */
bool
dkim_tag_is(const struct dkim_tag *t, const char *name)
{
	return strlen(name) == t->name_len &&
	    memcmp(t->name, name, t->name_len) == 0;
}

bool
dkim_tag_lists(const struct dkim_tag *t, const char *word)
{
	const char *p, *end, *colon;
	struct dkim_tag one;

	memset(&one, 0, sizeof(one));
	end = t->value + t->len;
	for (p = t->value;; p = colon + 1) {
		colon = memchr(p, ':', (size_t)(end - p));
		one.value = p;
		one.len = (size_t)((colon == NULL ? end : colon) - p);
		while (one.len > 0 && is_blank(*one.value)) {
			one.value++;
			one.len--;
		}
		while (one.len > 0 && is_blank(one.value[one.len - 1]))
			one.len--;
		if (is_word(&one, word))
			return true;
		if (colon == NULL)
			return false;
	}
}

/* Padding may be missing: some leave it out. */
int
dkim_tag_octets(
    const struct dkim_tag *t, uint8_t *out, size_t size, size_t *len)
{
	if (sodium_base642bin(out, size, t->value, t->len, " \t\r\n", len, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0)
		return 0;
	return sodium_base642bin(out, size, t->value, t->len, " \t\r\n", len,
	    NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

void
dkim_signed_read(struct dkim_signed *s, int64_t now)
{
	struct dkim_tag tags[TAGS];
	const char *wrong;
	unsigned int there;
	size_t len;

	s->max = UINT64_MAX;
	s->out.result = MAUTH_PERMERROR;
	wrong = read_tags(tags, &there, s->field);
	if (wrong == NULL && !is_word(&tags[TAG_V], "1"))
		wrong = "unknown version";
	if (wrong == NULL &&
	    (!read_domain(&tags[TAG_D], s->out.domain) ||
		!read_domain(&tags[TAG_S], s->out.selector)))
		wrong = "bad domain";
	if (wrong != NULL) {
		s->out.reason = wrong;
		s->out.domain[0] = '\0';
		return;
	}
	s->b = tags[TAG_B];
	len = s->b.len < sizeof(s->out.start) ? s->b.len :
						sizeof(s->out.start) - 1;
	memcpy(s->out.start, s->b.value, len);
	wrong = read_algorithm(s, &tags[TAG_A]);
	if (wrong != NULL) {
		s->out.result = MAUTH_POLICY;
		s->out.reason = wrong;
		return;
	}
	if (dkim_tag_octets(&tags[TAG_BH], s->body_hash, sizeof(s->body_hash),
		&len) == -1 ||
	    len != DKIM_HASH_LEN)
		wrong = "bad bh=";
	else if (dkim_tag_octets(
		     &s->b, s->octets, sizeof(s->octets), &s->len) == -1 ||
	    s->len == 0)
		wrong = "bad b=";
	if (wrong == NULL)
		wrong = read_names(s, &tags[TAG_H]);
	if (wrong == NULL && (there & 1U << TAG_C) != 0)
		wrong = read_canonical(s, &tags[TAG_C]);
	if (wrong == NULL && (there & 1U << TAG_L) != 0 &&
	    !read_number(&tags[TAG_L], &s->max))
		wrong = "bad l=";
	if (wrong == NULL && (there & 1U << TAG_Q) != 0 &&
	    !dkim_tag_lists(&tags[TAG_Q], "dns/txt"))
		wrong = "unknown q=";
	if (wrong == NULL && (there & 1U << TAG_I) != 0)
		wrong = read_identity(s, &tags[TAG_I]);
	if (wrong == NULL) {
		wrong = read_times(tags, there, now);
		if (wrong != NULL)
			s->out.result = MAUTH_FAIL;
	}
	s->out.reason = wrong;
	if (wrong == NULL)
		s->out.result = MAUTH_NONE;
}

/* Each known one, once; there: bits of those that are there. */
static const char *
read_tags(struct dkim_tag *tags, unsigned int *there,
    const struct dkim_header_field *f)
{
	const char *p, *end;
	struct dkim_tag t;
	int r;

	memset(tags, 0, TAGS * sizeof(*tags));
	*there = 0;
	p = f->value;
	end = f->value + f->value_len;
	while ((r = dkim_tag_next(&p, end, &t)) == 1) {
		for (unsigned int i = 0; i < TAGS; i++) {
			if (!dkim_tag_is(&t, tag_names[i]))
				continue;
			if ((*there & 1U << i) != 0)
				return "a tag twice";
			*there |= 1U << i;
			tags[i] = t;
		}
	}
	if (r == -1)
		return "malformed";
	return (*there & MUST) == MUST ? NULL : "a tag is missing";
}

/* RFC 8301 3.1: SHA-1 proves nothing. */
static const char *
read_algorithm(struct dkim_signed *s, const struct dkim_tag *t)
{
	if (is_word(t, "rsa-sha256"))
		s->out.algorithm = DKIM_RSA_SHA256;
	else if (is_word(t, "ed25519-sha256"))
		s->out.algorithm = DKIM_ED25519_SHA256;
	else
		return is_word(t, "rsa-sha1") ? "rsa-sha1" :
						"unknown algorithm";
	return NULL;
}

static const char *
read_names(struct dkim_signed *s, const struct dkim_tag *t)
{
	size_t n;

	n = 1;
	for (size_t i = 0; i < t->len; i++)
		n += t->value[i] == ':';
	if (n > DKIM_VERIFY_NAMES_MAX)
		return "too many names in h=";
	s->names = *t;
	return dkim_tag_lists(t, "from") ? NULL : "From is not signed";
}

static const char *
read_canonical(struct dkim_signed *s, const struct dkim_tag *t)
{
	struct dkim_tag header, body;
	const char *slash;

	header = body = *t;
	slash = memchr(t->value, '/', t->len);
	if (slash != NULL) {
		header.len = (size_t)(slash - t->value);
		body.value = slash + 1;
		body.len = t->len - header.len - 1;
	}
	s->relaxed_header = is_word(&header, "relaxed");
	s->relaxed_body = slash != NULL && is_word(&body, "relaxed");
	if ((!s->relaxed_header && !is_word(&header, "simple")) ||
	    (slash != NULL && !s->relaxed_body && !is_word(&body, "simple")))
		return "unknown c=";
	return NULL;
}

static const char *
read_times(const struct dkim_tag *tags, unsigned int there, int64_t now)
{
	uint64_t t, x;

	t = 0;
	if ((there & 1U << TAG_T) != 0) {
		if (!read_number(&tags[TAG_T], &t))
			return "bad t=";
		if (t > (uint64_t)now + DKIM_SKEW_SECONDS)
			return "of the future";
	}
	if ((there & 1U << TAG_X) == 0)
		return NULL;
	if (!read_number(&tags[TAG_X], &x))
		return "bad x=";
	return x < t || x < (uint64_t)now ? "expired" : NULL;
}

/* Its domain is d= or one below. */
static const char *
read_identity(struct dkim_signed *s, const struct dkim_tag *t)
{
	char domain[DKIM_NAME_MAX];
	struct dkim_tag part;
	const char *at;
	size_t n, m;

	at = NULL;
	for (size_t i = 0; i < t->len; i++)
		if (t->value[i] == '@')
			at = t->value + i;
	if (at == NULL)
		return "bad i=";
	part = *t;
	part.value = at + 1;
	part.len = (size_t)(t->value + t->len - part.value);
	if (!read_domain(&part, domain))
		return "bad i=";
	n = strlen(domain);
	m = strlen(s->out.domain);
	if (n < m || strcmp(domain + n - m, s->out.domain) != 0 ||
	    (n > m && domain[n - m - 1] != '.'))
		return "i= is not of d=";
	s->below = n > m;
	return NULL;
}

static bool
read_domain(const struct dkim_tag *t, char *domain)
{
	if (t->len == 0 || t->len >= DKIM_NAME_MAX)
		return false;
	for (size_t i = 0; i < t->len; i++)
		domain[i] = (char)tolower((unsigned char)t->value[i]);
	domain[t->len] = '\0';
	return strlen(domain) == t->len && mauth_name_ok(domain);
}

/* RFC 6376 3.5: at most 76 digits; what is past all times and sizes is that. */
static bool
read_number(const struct dkim_tag *t, uint64_t *n)
{
	unsigned int digit;

	*n = 0;
	if (t->len == 0 || t->len > 76)
		return false;
	for (size_t i = 0; i < t->len; i++) {
		if (!isdigit((unsigned char)t->value[i]))
			return false;
		digit = (unsigned int)(t->value[i] - '0');
		if (*n > ((uint64_t)INT64_MAX - digit) / 10)
			*n = INT64_MAX;
		else
			*n = *n * 10 + digit;
	}
	return true;
}

static bool
is_word(const struct dkim_tag *t, const char *word)
{
	return strlen(word) == t->len &&
	    strncasecmp(t->value, word, t->len) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
