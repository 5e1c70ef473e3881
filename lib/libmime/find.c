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
 * Finding folded needles in folded text that streams by.
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

bool
mime_contains(
    const char *text, size_t len, const char *needle, size_t needle_len)
{
	return needle_len == 0 ||
	    (len >= needle_len &&
		memmem(text, len, needle, needle_len) != NULL);
}

void
mime_finder_init(struct mime_finder *f, const char *needle, size_t len)
{
	f->needle = needle;
	f->len = len;
	f->kept = 0;
	f->found = len == 0;
}

bool
mime_finder_feed(struct mime_finder *f, const char *s, size_t len)
{
	size_t keep, n;

	if (f->found || len == 0 || f->len > MIME_NEEDLE_MAX)
		return f->found;
	/* Across the border: the tail, and as much as a needle may reach. */
	if (f->kept > 0) {
		n = len < f->len - 1 ? len : f->len - 1;
		memcpy(f->tail + f->kept, s, n);
		f->found = mime_contains(
		    f->tail, f->kept + n, f->needle, f->len);
	}
	f->found = f->found || mime_contains(s, len, f->needle, f->len);
	if (f->found)
		return true;
	/* The last len - 1 octets of all that went by. */
	keep = f->len - 1;
	if (len >= keep) {
		memcpy(f->tail, s + len - keep, keep);
		f->kept = keep;
	} else {
		n = f->kept + len;
		if (n > keep) {
			memmove(f->tail, f->tail + (n - keep),
			    f->kept - (n - keep));
			f->kept -= n - keep;
		}
		memcpy(f->tail + f->kept, s, len);
		f->kept += len;
	}
	return false;
}
