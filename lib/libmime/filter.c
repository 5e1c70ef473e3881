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
 * HEADER.FIELDS over a header that streams by.  A field is decided on its
 * name, of which at most NAME_MAX_LEN octets are held back.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "mime_local.h"

enum filter_state {
	AT_START, /* of a line; its name is held */
	PASS,
	DROP,
	DONE /* the empty line was seen */
};

struct mime_filter {
	char *names; /* each with its NUL */
	size_t size;
	bool inverse;
	enum filter_state state;
	bool any;  /* a line went before: white space continues it */
	bool pass; /* what became of it */
	size_t held;
	char hold[NAME_MAX_LEN + 3];
};

struct mime_filter *
mime_filter_new(const struct mime_str *names, size_t n, bool inverse)
{
	struct mime_filter *f;
	size_t i, size = 1;
	char *p;

	for (i = 0; i < n; i++) {
		if (names[i].len > SIZE_MAX - 1 - size)
			return NULL;
		size += names[i].len + 1;
	}
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	if ((f->names = calloc(1, size)) == NULL) {
		free(f);
		return NULL;
	}
	f->size = size;
	f->inverse = inverse;
	for (i = 0, p = f->names; i < n; i++) {
		/* An empty name ends the list; no field bears it. */
		if (names[i].len == 0 ||
		    memchr(names[i].s, '\0', names[i].len) != NULL)
			continue;
		memcpy(p, names[i].s, names[i].len);
		p += names[i].len + 1;
	}
	return f;
}

static bool
listed(const struct mime_filter *f, const char *name, size_t len)
{
	const char *p;

	for (p = f->names; *p != '\0'; p += strlen(p) + 1) {
		if (name_is(name, len, p))
			return true;
	}
	return false;
}

/* The held start of a line suffices to tell what becomes of it. */
static void
decide(struct mime_filter *f)
{
	size_t value, n;

	if ((f->held == 1 && f->hold[0] == '\n') ||
	    (f->held == 2 && f->hold[0] == '\r' && f->hold[1] == '\n')) {
		f->state = DONE;
		return;
	}
	if (f->any && f->held > 0 && (f->hold[0] == ' ' || f->hold[0] == '\t'))
		;
	else if ((n = field_name(f->hold, f->held, &value)) > 0)
		f->pass = listed(f, f->hold, n) != f->inverse;
	else
		f->pass = f->inverse; /* garbage is no field that was named */
	f->any = true;
	f->state = f->pass ? PASS : DROP;
}

static void
held_out(struct mime_filter *f, mime_out out, void *arg)
{
	decide(f);
	if (f->state == PASS)
		out(arg, f->hold, f->held);
	if (f->state != DONE && f->held > 0 && f->hold[f->held - 1] == '\n')
		f->state = AT_START;
	f->held = 0;
}

void
mime_filter_feed(struct mime_filter *f, const void *data, size_t len,
    mime_out out, void *arg)
{
	const char *s = data, *e;
	size_t n;
	char c;

	while (len > 0 && f->state != DONE) {
		if (f->state == AT_START) {
			c = *s++;
			len--;
			f->hold[f->held++] = c;
			if (c == '\n' || c == ':' ||
			    f->held == sizeof(f->hold) ||
			    (f->held == 1 && f->any && (c == ' ' || c == '\t')))
				held_out(f, out, arg);
			continue;
		}
		e = memchr(s, '\n', len);
		n = e != NULL ? (size_t)(e - s) + 1 : len;
		if (f->state == PASS)
			out(arg, s, n);
		if (e != NULL)
			f->state = AT_START;
		s += n;
		len -= n;
	}
}

void
mime_filter_end(struct mime_filter *f, mime_out out, void *arg)
{
	if (f->state == AT_START && f->held > 0)
		held_out(f, out, arg);
}

void
mime_filter_free(struct mime_filter *f)
{
	if (f == NULL)
		return;
	freezero(f->names, f->size);
	freezero(f, sizeof(*f));
}
