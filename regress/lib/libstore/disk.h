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
 * A disk that can lose power.  Every call of libstore that changes the disk is
 * recorded, and no sync reaches the real one; disk_replay() then makes the
 * directories that a loss of power could have left at any moment: what was
 * synced is there; of the rest any sector of a file is as it was at any time
 * since, sizes likewise; any directory entry may be there or not, but a rename
 * is whole, and two changes of one entry or one file come in their order.
 */

#ifndef DISK_H
#define DISK_H

#include "store_blob.h"

/* Begins: what lies in ./accounts and ./head is durable. */
void disk_start(bool has_syncfs);
/*
 * A sync to be left out: asked with the kind of call and the path below the
 * account, or "head/...".  NULL: none.
 */
void disk_drop(bool (*)(const char *kind, const char *path));
/* Calls recorded so far: a moment. */
size_t disk_now(void);
void disk_stop(void); /* the real calls from here on */
void disk_free(void);

/*
 * For each moment after which something is not durable: every state if they
 * are few, else as many as samples.  The callback finds it in disk_crashed()
 * and returns false to end.  How many states there were.
 */
size_t disk_replay(uint64_t seed, unsigned int samples, unsigned int stride,
    bool (*look)(size_t moment, void *arg), void *arg);

/* In memory where there is a file system for it, else here. */
const char *disk_crashed(void);

#endif
