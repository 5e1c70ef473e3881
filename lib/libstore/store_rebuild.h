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

/* An account whose log is damaged or gone: what can be done without keys. */

#ifndef STORE_REBUILD_H
#define STORE_REBUILD_H

#include "store_blob.h"

struct store_rebuilt {
	char aside[32];     /* below the account: what was moved there */
	unsigned int kept;  /* segments of the log that stay */
	unsigned int cut;   /* of those, without their damaged end */
	unsigned int moved; /* segments moved aside */
};
/*
 * Keeps of each series of the log what verifies from its beginning, or its
 * last checkpoint, on (all: nothing), moves the rest and the snapshots aside,
 * and marks the account.  Its next vault places into INBOX whatever blobs the
 * log then does not name.  Nothing is lost wherever it stops: do it again.
 * STORE_LOCKED: a vault has the account.
 */
enum store_result store_rebuild(int acctfd, bool all, struct store_rebuilt *);
/* Tells, from now on, of each segment that was read, and of how many. */
void store_rebuild_tell(void (*)(void *arg, size_t n, size_t of), void *arg);

#endif
