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

/* Two copies of one account, compared without a key; see sealctl(8). */

#ifndef STORE_COMPARE_H
#define STORE_COMPARE_H

#include "store_blob.h"

struct store_compare {
	/* One line: a file or series, and how the two copies stand to it. */
	void (*tell)(void *arg, const char *name, const char *what);
	void *arg;
	unsigned int lacks;     /* what one has and the other lacks */
	unsigned int conflicts; /* what no exchange of files mends */
};
/* Of two directories of accounts.  STORE_IO: one could not be read. */
enum store_result store_compare(int first, int second, struct store_compare *);

#endif
