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
 * What smtp-queue counts.
 */

#ifndef COUNT_H
#define COUNT_H

#include <stdint.h>

enum queue_count {
	COUNT_QUEUED,
	COUNT_REFUSED,
	COUNT_OCTETS,
	COUNT_JOBS,
	COUNT_SENT,
	COUNT_DEFERRED,
	COUNT_FAILED,
	COUNT_REPORTED,
	COUNT_NOT_REPORTED,
	COUNT_LEFT,
	COUNT_MESSAGES,
	COUNT_DESTINATIONS
};

void count_init(void);
void count_add(enum queue_count, uint64_t);

#endif
