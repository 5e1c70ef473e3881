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
 * A world of names for tests: who answers what.
 */

#ifndef ZONE_H
#define ZONE_H

#include "mauth.h"

/*
 * type: MAUTH_*; text: as one writes it (an address, a name, a text); NULL:
 * nobody knows.  Several of a name and type are several records.
 */
struct zone {
	enum mauth_type type;
	const char *name;
	const char *text;
};

/* Memory is the zone's, until the next call. */
void zone_ask(const struct zone *, size_t n, const struct mauth_question *,
    struct mauth_answer *);
unsigned int zone_asked(void); /* questions since the last call */

#endif
