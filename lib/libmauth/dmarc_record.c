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
 * A DMARC record (RFC 7489 6.3; psd= and t= are of its successor).
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mauth.h"

#define VERSION "v=DMARC1"

struct tag {
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
};

static bool tag_next(const char **, const char *, struct tag *);
static bool tag_is(const struct tag *, const char *);
static enum dmarc_policy policy_of(const struct tag *);
static uint8_t percent_of(const struct tag *);
static void trim(const char **, size_t *);

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	static const char *const names[] = {
	    [DMARC_NO_POLICY] = "",
	    [DMARC_P_NONE] = "none",
	    [DMARC_P_QUARANTINE] = "quarantine",
	    [DMARC_P_REJECT] = "reject",
	};

	return names[policy];
}

bool
dmarc_parse(const void *text, size_t len, struct dmarc_record *r)
{
	const char *p, *end;
	struct tag t;
	bool reports, policy;

	memset(r, 0, sizeof(*r));
	r->pct = 100;
	r->psd = 'u';
	p = text;
	end = p + len;
	if (!tag_next(&p, end, &t) || t.name_len != 1 || t.name[0] != 'v' ||
	    t.len != sizeof(VERSION) - 3 ||
	    memcmp(t.value, &VERSION[2], t.len) != 0)
		return false;
	reports = policy = false;
	/* Tags nobody knows, and values that are wrong, are not there. */
	while (p < end) {
		if (!tag_next(&p, end, &t))
			continue;
		if (tag_is(&t, "p")) {
			policy = true;
			r->p = policy_of(&t);
		} else if (tag_is(&t, "sp"))
			r->sp = policy_of(&t);
		else if (tag_is(&t, "adkim"))
			r->strict_dkim = t.len == 1 &&
			    tolower((unsigned char)*t.value) == 's';
		else if (tag_is(&t, "aspf"))
			r->strict_spf = t.len == 1 &&
			    tolower((unsigned char)*t.value) == 's';
		else if (tag_is(&t, "pct"))
			r->pct = percent_of(&t);
		else if (tag_is(&t, "psd") && t.len == 1 &&
		    strchr("ynuYNU", *t.value) != NULL)
			r->psd = (char)tolower((unsigned char)*t.value);
		else if (tag_is(&t, "t") && t.len == 1 &&
		    tolower((unsigned char)*t.value) == 'y')
			r->pct = 0;
		else if (tag_is(&t, "rua"))
			reports = t.len > 0;
	}
	/* RFC 7489 6.6.3: who asks for reports has a policy: none. */
	if (r->p == DMARC_NO_POLICY) {
		if (policy && !reports)
			return false;
		if (!policy && !reports && r->psd == 'u')
			return false;
		r->p = DMARC_P_NONE;
	}
	if (r->sp == DMARC_NO_POLICY)
		r->sp = r->p;
	return true;
}

/* False: what stood there was no tag. */
static bool
tag_next(const char **p, const char *end, struct tag *t)
{
	const char *semicolon, *equals;

	semicolon = memchr(*p, ';', (size_t)(end - *p));
	if (semicolon == NULL)
		semicolon = end;
	t->name = *p;
	*p = semicolon < end ? semicolon + 1 : end;
	equals = memchr(t->name, '=', (size_t)(semicolon - t->name));
	if (equals == NULL)
		return false;
	t->name_len = (size_t)(equals - t->name);
	t->value = equals + 1;
	t->len = (size_t)(semicolon - t->value);
	trim(&t->name, &t->name_len);
	trim(&t->value, &t->len);
	return t->name_len > 0;
}

static bool
tag_is(const struct tag *t, const char *name)
{
	return strlen(name) == t->name_len &&
	    strncasecmp(t->name, name, t->name_len) == 0;
}

static enum dmarc_policy
policy_of(const struct tag *t)
{
	const char *name;

	for (int i = DMARC_P_NONE; i <= DMARC_P_REJECT; i++) {
		name = dmarc_policy_name((enum dmarc_policy)i);
		if (strlen(name) == t->len &&
		    strncasecmp(t->value, name, t->len) == 0)
			return (enum dmarc_policy)i;
	}
	return DMARC_NO_POLICY;
}

/* What is no number of this kind is all. */
static uint8_t
percent_of(const struct tag *t)
{
	unsigned int n;

	n = 0;
	if (t->len == 0 || t->len > 3)
		return 100;
	for (size_t i = 0; i < t->len; i++) {
		if (!isdigit((unsigned char)t->value[i]))
			return 100;
		n = n * 10 + (unsigned int)(t->value[i] - '0');
	}
	return n > 100 ? 100 : (uint8_t)n;
}

static void
trim(const char **p, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", **p) != NULL && **p != '\0') {
		(*p)++;
		(*len)--;
	}
	while (*len > 0 && (*p)[*len - 1] != '\0' &&
	    strchr(" \t\r\n", (*p)[*len - 1]) != NULL)
		(*len)--;
}
