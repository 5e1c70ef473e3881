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
 * Deletes that are due, executed without any key: for accounts whose owner is
 * not logged in.
 */

#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include "store_blob.h"

struct store_swept {
	unsigned int trashed; /* blobs moved to trash/ */
	unsigned int expired; /* deliveries that waited too long */
	unsigned int removed; /* files of trash/ past their grace */
	bool more;            /* the bound was met: call again */
	bool bad;             /* a list does not verify: no delete executed */
};
#define STORE_SWEEP_MAX 1024 /* files changed by one call */

/*
 * One account; files stay in trash/ for a grace of seconds, STORE_GRACE or
 * less.  STORE_LOCKED: its vault lives, and does the same; where the grace is
 * less, trash/ alone is emptied instead.  Holds the lock while it works.
 */
enum store_result store_sweep(int acctfd, int64_t grace, struct store_swept *);
/*
 * Signs for a new account how many days mail may wait undrained; 0: for ever,
 * which needs no list.
 */
struct seal_ring;
enum store_result store_sign_waiting(
    int acctfd, const struct seal_ring *, unsigned int host, uint32_t days);
/* Mass deletes signed until now need not wait any longer. */
enum store_result store_confirm_deletes(int acctfd);

/* Time for deletes, seconds; a test sets its own, NULL: time(3). */
int64_t store_now(void);
void store_clock_set(int64_t (*)(void));

#endif
