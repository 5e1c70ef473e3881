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
 * How much an expunge of a box would free.  A blob goes with its last instance,
 * so one that another message shares counts for nothing.
 */

#include <sys/types.h>

#include <string.h>

#include "store_local.h"

/* What lets the message's blob go; 0: nothing, or it cannot be told. */
static uint64_t
reclaim_one(struct store *st, const struct store_msg *m)
{
	struct shared key;
	struct cold cold;

	if (cold_read(st, m->cold, &cold) == -1)
		return 0;
	memcpy(key.blob, cold.blob, STORE_ID);
	explicit_bzero(cold.key, sizeof(cold.key));
	return RB_FIND(shared_tree, &st->shared, &key) != NULL ? 0 : cold.bytes;
}

uint64_t
store_reclaimable(struct store *st, uint64_t id)
{
	const struct store_msg *m;
	struct box *box;
	uint64_t bytes = 0;
	bool exact;
	size_t n;

	box = box_find(st, id);
	if (box == NULL || box->pub.deleted == 0 || col_load(st, box) == -1)
		return 0;
	exact = box->pub.deleted <= STORE_RECLAIM_MAX;
	for (size_t pos = 0; (m = col_run(box, pos, &n)) != NULL; pos += n)
		for (size_t i = 0; i < n; i++)
			if ((m[i].flags & STORE_DELETED) != 0)
				bytes += exact ? reclaim_one(st, &m[i]) :
						 m[i].size;
	return bytes;
}
