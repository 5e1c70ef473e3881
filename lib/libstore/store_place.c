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

/* APPEND: a blob of the vault's own, then its place in a box. */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_local.h"
#include "store_sweep.h"

/* Who seals to the newest delivery key. */
static enum store_result
append_sender(struct store *st)
{
	struct seal_delivery key;

	if (seal_ring_delivery(st->ring, &key) == -1)
		return STORE_CORRUPT;
	if (st->sender != NULL &&
	    memcmp(st->sender_to, key.pk, sizeof(key.pk)) == 0)
		return STORE_OK;
	seal_sender_free(st->sender);
	st->sender = seal_sender_new(&key);
	if (st->sender == NULL)
		return STORE_IO;
	memcpy(st->sender_to, key.pk, sizeof(key.pk));
	return STORE_OK;
}

enum store_result
store_append_create(
    struct store *st, uint8_t codec, uint64_t size, struct store_blob **out)
{
	return store_replace_create(st, codec, size, 0, out);
}

enum store_result
store_replace_create(struct store *st, uint8_t codec, uint64_t size,
    uint64_t frees, struct store_blob **out)
{
	enum store_result result;

	*out = NULL;
	if (st->damage[0] != '\0')
		return STORE_READONLY;
	result = quota_check(st, size, frees);
	if (result != STORE_OK)
		return result;
	if (!store_room(st->acct, size))
		return STORE_NOSPACE;
	result = append_sender(st);
	if (result != STORE_OK)
		return result;
	result = blob_create_in(st->acct, "blob", 0440, st->sender, codec, out);
	if (result == STORE_OK)
		blob_keep_summary(*out);
	return result;
}

enum store_result
store_append_fits(struct store *st, uint64_t size, uint64_t frees)
{
	return quota_check(st, size, frees);
}

static enum store_result
place_blob(struct store *st, struct store_blob *blob,
    const struct store_place *in, const struct store_replaced *old,
    uint32_t *uid)
{
	struct buf b = {0};
	struct place p;
	struct box *box;
	const uint8_t *summary;
	size_t len;

	box = box_find(st, in->box);
	if (box == NULL)
		return STORE_UNKNOWN;
	if (col_load(st, box) == -1)
		return STORE_CORRUPT;
	if (box->n >= STORE_MESSAGES_MAX || in->size > UINT32_MAX)
		return STORE_LIMIT;
	memset(&p, 0, sizeof(p));
	p.box = in->box;
	p.uid = next_uid(st, box);
	p.how = HOW_NEW;
	p.codec = blob_codec(blob);
	p.zone = in->zone;
	seal_random(p.instance, STORE_ID);
	memcpy(p.blob, blob_id(blob), STORE_ID);
	blob_key(blob, p.key);
	memcpy(p.threadid, in->threadid, STORE_ID);
	p.bytes = store_blob_size(blob);
	p.size = (uint32_t)in->size;
	p.saved = (uint32_t)store_now();
	p.date = in->date;
	p.flags = in->flags;
	summary = blob_summary(blob, &len);
	if (pack_append(st, &st->sum, summary, len, &st->next_sum_off) == 0)
		st->next_sum_len = (uint32_t)len;
	op_place(&b, &p);
	op_queue(st, OP_PLACE, &b);
	buf_clear(&b);
	*uid = p.uid;
	explicit_bzero(&p, sizeof(p));
	/* In one frame: never both of them, never neither. */
	if (old != NULL && !st->failed)
		expunge_one(st, old->box, old->uid);
	op_group_end(st);
	if (st->failed)
		return STORE_IO;
	st->nflat++;
	return STORE_OK;
}

/* What PLACE refers to is on the disk before it: called before each frame. */
int
place_sync(struct store *st)
{
	size_t i;

	if (st->nblobs == 0)
		return 0;
	if (store_blob_sync(st->acct, st->blobs, st->nblobs) != STORE_OK)
		return -1;
	for (i = 0; i < st->nblobs; i++)
		store_blob_free(st->blobs[i]);
	st->nblobs = 0;
	return 0;
}

enum store_result
store_place(struct store *st, struct store_blob *blob,
    const struct store_place *in, uint32_t *uid)
{
	return store_replace(st, blob, in, NULL, uid);
}

enum store_result
store_replace(struct store *st, struct store_blob *blob,
    const struct store_place *in, const struct store_replaced *old,
    uint32_t *uid)
{
	enum store_result result;

	*uid = 0;
	if (old != NULL &&
	    store_msg_find(st, old->box, old->uid, NULL) == NULL) {
		store_blob_free(blob);
		return STORE_UNKNOWN;
	}
	result = mut_begin(st, 768);
	if (result == STORE_OK && st->nblobs == SYNC_BATCH &&
	    place_sync(st) == -1) {
		st->failed = true;
		result = STORE_IO;
	}
	if (result != STORE_OK) {
		store_blob_free(blob);
		return result;
	}
	/* Among those to be synced before its PLACE can be written. */
	st->blobs[st->nblobs++] = blob;
	result = place_blob(st, blob, in, old, uid);
	if (result != STORE_OK && !st->failed) {
		st->nblobs--;
		store_blob_free(blob);
	}
	return result;
}
