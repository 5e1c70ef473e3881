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
 * LIST patterns (RFC 9051 section 6.3.9): "*" matches anything, "%" anything
 * without the hierarchy separator.  A run over the name with one place to
 * return to for each of the two costs at most the product of both lengths,
 * whatever the pattern: a later "*" makes all earlier choices final.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "imap_local.h"

/* The last wildcard of a kind, and where the name stood then. */
struct mark {
	size_t pattern;
	size_t name;
	bool set;
};

/* INBOX, alone or as first level, is the same in any case. */
static size_t
inbox_len(const char *s, size_t len)
{
	if (len >= 5 && strncasecmp(s, "INBOX", 5) == 0 &&
	    (len == 5 || s[5] == '/'))
		return 5;
	return 0;
}

bool
imap_pattern_match(
    const char *pattern, size_t plen, const char *name, size_t nlen)
{
	struct mark star = {0}, percent = {0};
	size_t p, n, inbox;

	inbox = inbox_len(name, nlen);
	for (p = n = 0; n < nlen || p < plen;) {
		if (p < plen && pattern[p] == '*') {
			star = (struct mark){++p, n, true};
			percent.set = false;
			continue;
		}
		if (p < plen && pattern[p] == '%') {
			percent = (struct mark){++p, n, true};
			continue;
		}
		if (p < plen && n < nlen &&
		    (pattern[p] == name[n] ||
			(n < inbox &&
			    toupper((unsigned char)pattern[p]) ==
				toupper((unsigned char)name[n])))) {
			p++;
			n++;
			continue;
		}
		if (percent.set && percent.name < nlen &&
		    name[percent.name] != '/') {
			n = ++percent.name;
			p = percent.pattern;
			continue;
		}
		percent.set = false;
		if (!star.set || star.name >= nlen)
			return false;
		n = ++star.name;
		p = star.pattern;
	}
	return true;
}
