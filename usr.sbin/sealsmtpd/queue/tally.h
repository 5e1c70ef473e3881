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
 * What TLS came to, by day, destination and policy, for reports (RFC 8460).
 */

#ifndef TALLY_H
#define TALLY_H

#include <sys/tree.h>

#include <stdint.h>

#include "../queue_wire.h"

#define TALLY_DAYS 8         /* that are kept, this one included */
#define TALLY_ROWS_MAX 20000 /* then the oldest days go, but not this */
#define TALLY_DAY 86400

struct tally {
	RB_ENTRY(tally) entry;
	uint64_t sessions;
	uint32_t day; /* since 1970, UTC */
	uint8_t policy;
	uint8_t result;
	char dest[QUEUE_DEST_MAX];
	char host[QUEUE_HOST_MAX]; /* "" of success */
};

/* One session more; NULL: there is no room to count it. */
const struct tally *tally_add(int64_t now, uint8_t policy, uint8_t result,
    const char *dest, const char *host);
/* As the journal has it. */
void tally_set(const struct tally *);
/* The first after this one, in an order of its own; NULL: the first of all. */
const struct tally *tally_after(const struct tally *);

#endif
