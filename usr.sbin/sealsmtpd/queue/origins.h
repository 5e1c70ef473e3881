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
 * Where strangers' mail said to be from, and what that came to, by day, for
 * reports (RFC 7489 7.2).  A row is what an engine calls it: opaque octets.
 */

#ifndef ORIGINS_H
#define ORIGINS_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../queue_wire.h"

#define ORIGINS_DAYS 8         /* that are kept, this one included */
#define ORIGINS_ROWS_MAX 20000 /* then the oldest days go, but not this */
#define ORIGINS_DAY 86400

struct origins_row {
	RB_ENTRY(origins_row) entry;
	TAILQ_ENTRY(origins_row) change;
	uint64_t messages;
	uint32_t day; /* since 1970, UTC */
	bool changed; /* and not noted yet */
	size_t len;
	uint8_t row[];
};

/* One message more; false: there is no room to count it. */
bool origins_add(int64_t now, const uint8_t *row, size_t len);
/* As the journal has it. */
void
origins_set(uint32_t day, uint64_t messages, const uint8_t *row, size_t len);
/* The first after this one, in an order of its own; row NULL: of all. */
const struct origins_row *
origins_after(uint32_t day, const uint8_t *row, size_t len);
/* Those that have changed since. */
void origins_changed(void (*)(const struct origins_row *));

#endif
