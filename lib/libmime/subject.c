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
 * The base subject (RFC 5256 sections 2.1 and 5), by which SORT and THREAD
 * compare: what is left without Re:, Fwd:, [list] and (fwd).
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

struct subject {
	const char *s, *end;
	bool reply; /* something that replies and forwards have is gone */
};

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool
begins(const struct subject *t, const char *at, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(t->end - at) >= n && name_is(at, n, word);
}

/* subj-trailer = "(fwd)" / WSP, as many as there are. */
static void
trailers(struct subject *t)
{
	for (;;) {
		if (t->end > t->s && is_wsp(t->end[-1]))
			t->end--;
		else if (t->end - t->s >= 5 && begins(t, t->end - 5, "(fwd)")) {
			t->end -= 5;
			t->reply = true;
		} else
			return;
	}
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP: where it ends, or NULL. */
static const char *
blob(const struct subject *t, const char *at)
{
	if (at == t->end || *at != '[')
		return NULL;
	for (at++; at < t->end && *at != '[' && *at != ']'; at++)
		continue;
	if (at == t->end || *at != ']')
		return NULL;
	for (at++; at < t->end && is_wsp(*at); at++)
		continue;
	return at;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static const char *
refwd(const struct subject *t, const char *at)
{
	const char *p;

	if (begins(t, at, "re"))
		at += 2;
	else if (begins(t, at, "fwd"))
		at += 3;
	else if (begins(t, at, "fw"))
		at += 2;
	else
		return NULL;
	while (at < t->end && is_wsp(*at))
		at++;
	if ((p = blob(t, at)) != NULL)
		at = p;
	return at < t->end && *at == ':' ? at + 1 : NULL;
}

/*
 * subj-leader = (*subj-blob subj-refwd) / WSP.  The blobs that are walked over
 * are those of this run: to whom none leads on, they are not walked again.
 */
static bool
leader(struct subject *t, const char **tried)
{
	const char *at, *p;

	if (t->s < t->end && is_wsp(*t->s)) {
		t->s++;
		return true;
	}
	if (t->s < *tried)
		return false; /* behind these blobs there is no such word */
	for (at = t->s; (p = blob(t, at)) != NULL; at = p)
		continue;
	*tried = at;
	if ((p = refwd(t, at)) == NULL)
		return false;
	t->s = p;
	t->reply = true;
	return true;
}

/* Steps 3 to 5: leaders, and blobs that leave something behind them. */
static void
leaders(struct subject *t)
{
	const char *p, *tried = t->s;
	bool again;

	do {
		again = false;
		while (leader(t, &tried))
			again = true;
		if ((p = blob(t, t->s)) != NULL && p < t->end) {
			t->s = p;
			again = true;
		}
	} while (again);
}

/* Step 1: tabs, and runs of spaces, are one space. */
static size_t
spaces(const char *s, size_t len, char *out, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < len && n < size; i++) {
		if (is_wsp(s[i]) && n > 0 && out[n - 1] == ' ')
			continue;
		out[n++] = is_wsp(s[i]) ? ' ' : s[i];
	}
	return n;
}

struct mime_str
mime_subject_base(
    const char *s, size_t len, char *buf, size_t size, bool *reply)
{
	struct subject t = {.s = buf};
	struct mime_str base;

	t.end = buf + spaces(s, len, buf, size);
	for (;;) {
		trailers(&t);
		leaders(&t);
		if (!begins(&t, t.s, "[fwd:") || t.end[-1] != ']')
			break;
		t.s += 5;
		t.end--;
		t.reply = true;
	}
	*reply = t.reply;
	base.s = t.s;
	base.len = (size_t)(t.end - t.s);
	return base;
}
