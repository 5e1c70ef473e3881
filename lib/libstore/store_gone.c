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
 * What was taken out of a mailbox, for clients that come back (RFC 7162).
 * Tombstones are kept for TOMB_KEEP; of older ones the last stays as a mark.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"
#include "store_sweep.h"

bool
tomb_old(const struct tomb *t, uint32_t now)
{
	return t->when <= now && now - t->when > TOMB_KEEP;
}

uint64_t
tombs_forgotten(const struct box *b, uint32_t now)
{
	uint64_t last;
	size_t i;

	for (i = 0, last = 0; i < b->ntombs; i++)
		if (tomb_old(&b->tombs->t[i], now) &&
		    b->tombs->t[i].modseq > last)
			last = b->tombs->t[i].modseq;
	return last;
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

enum store_result
store_gone(struct store *st, uint64_t id, uint64_t since, uint32_t **uids,
    size_t *n, bool *all)
{
	struct box *b;
	size_t i, k;

	*uids = NULL;
	*n = 0;
	*all = false;
	b = box_find(st, id);
	if (b == NULL)
		return STORE_UNKNOWN;
	if (col_load(st, b) == -1)
		return STORE_IO;
	*all = since < tombs_forgotten(b, (uint32_t)store_now());
	if (*all || b->ntombs == 0)
		return STORE_OK;
	*uids = calloc(b->ntombs, sizeof(**uids));
	if (*uids == NULL)
		return STORE_IO;
	for (i = 0; i < b->ntombs; i++)
		if (b->tombs->t[i].modseq > since)
			(*uids)[(*n)++] = b->tombs->t[i].uid;
	if (*n > 1 && heapsort(*uids, *n, sizeof(**uids), uid_cmp) == -1)
		return STORE_IO;
	for (i = 0, k = 0; i < *n; i++)
		if (k == 0 || (*uids)[k - 1] != (*uids)[i])
			(*uids)[k++] = (*uids)[i];
	*n = k;
	return STORE_OK;
}
