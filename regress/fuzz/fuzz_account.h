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
 * A small account in memory (a tmpfs, where there is one) for the fuzzers of
 * what opens one: made once, and put back as it was before each input.
 */

#ifndef FUZZ_ACCOUNT_H
#define FUZZ_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

struct seal_ring;

#define FUZZ_ACCOUNT "anna@example.org"

struct fuzz_account {
	int base; /* directory of accounts/ and head/ */
	int acct;
	struct seal_ring *ring;
};

#define FUZZ_MANY 264 /* messages of "Many": worth a segment of the index */

/* INBOX with three messages, a box "A" with one.  Made at the first call. */
const struct fuzz_account *fuzz_account(void);
/*
 * And a segment of the search index about the three, and a box "Many" without
 * a segment.  Instead of the above.
 */
const struct fuzz_account *fuzz_account_indexed(void);
/* All files as they were then. */
void fuzz_account_restore(void);

#endif
