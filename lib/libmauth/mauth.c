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
 * Words and names that all checks share.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "mauth.h"

#define LABEL_MAX 63
#define NAME_LEN_MAX 253

const char *
mauth_result_name(enum mauth_result result)
{
	static const char *const names[MAUTH_RESULTS] = {
	    [MAUTH_NONE] = "none",
	    [MAUTH_PASS] = "pass",
	    [MAUTH_FAIL] = "fail",
	    [MAUTH_SOFTFAIL] = "softfail",
	    [MAUTH_NEUTRAL] = "neutral",
	    [MAUTH_POLICY] = "policy",
	    [MAUTH_TEMPERROR] = "temperror",
	    [MAUTH_PERMERROR] = "permerror",
	};

	return names[result];
}

bool
mauth_name_ok(const char *name)
{
	size_t label, n;

	label = 0;
	for (n = 0; name[n] != '\0'; n++) {
		if (name[n] == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)name[n]) && name[n] != '-' &&
		    name[n] != '_')
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && n <= NAME_LEN_MAX;
}
