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
 * Copies that were not made whole: the process ended between two of their
 * frames.  Nobody was shown what they placed; it goes when the account is
 * opened.  It is named by UID and instance, so that doing this twice, or where
 * another host has merged meanwhile, takes nothing else away.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"

#define UNDO_LEN (64 + OPS_BATCH * 12) /* octets of an EXPUNGE, and more */
#define UNDO_END 64                    /* and of what ends it */

int
part_add(struct store *st, const struct unfinished *p)
{
	struct unfinished *grown;
	size_t size;

	if (st->nparts == st->parts_size) {
		size = st->parts_size == 0 ? 1024 : st->parts_size * 2;
		grown = reallocarray(st->parts, size, sizeof(*grown));
		if (grown == NULL)
			return -1;
		st->parts = grown;
		st->parts_size = size;
	}
	st->parts[st->nparts++] = *p;
	return 0;
}

void
parts_clear(struct store *st)
{
	free(st->parts);
	st->parts = NULL;
	st->nparts = st->parts_size = 0;
}

/*
 * The places of the last parts that are of one box and are there, ascending;
 * the parts are no more.
 */
static uint32_t
last_places(struct store *st, struct box *box, uint32_t *pos)
{
	const struct unfinished *p;
	uint32_t n, i, at;
	uint64_t id;
	bool found;

	id = st->parts[st->nparts - 1].box;
	for (n = 0; st->nparts > 0 && n < OPS_BATCH; st->nparts--) {
		p = &st->parts[st->nparts - 1];
		if (p->box != id)
			break;
		at = box == NULL ? 0 : (uint32_t)col_find(box, p->uid, &found);
		if (box != NULL && found && col_at(box, at)->inst == p->inst &&
		    (n == 0 || at < pos[n - 1]))
			pos[n++] = at;
	}
	for (i = 0; i < n / 2; i++) {
		at = pos[i];
		pos[i] = pos[n - 1 - i];
		pos[n - 1 - i] = at;
	}
	return n;
}

/* What has the end of it must have an operation: one that changes nothing. */
static enum store_result
put_end(struct store *st, uint64_t id)
{
	enum store_result result;
	struct buf b = {0};
	struct box *box;

	result = mut_shrink(st, UNDO_END, false);
	if (result != STORE_OK)
		return result;
	box = box_find(st, id);
	buf_put64(&b, id);
	buf_put32(&b, box == NULL ? 1 : box->pub.uidnext);
	op_queue(st, OP_UIDNEXT, &b);
	buf_clear(&b);
	result = op_frame(st, FRAME_WHOLE);
	if (result == STORE_OK) {
		st->open &= (uint8_t) ~(1U << st->host);
		parts_clear(st);
	}
	return result;
}

bool
parts_left(const struct store *st)
{
	return (st->open & 1U << st->host) != 0;
}

/*
 * Where the disk is full some stay, and it is tried again.  Until it is done
 * nothing may be written that covers their frames, nor another end.
 */
enum store_result
parts_undo(struct store *st)
{
	enum store_result result = STORE_OK;
	struct box *box;
	uint32_t *pos, n;
	uint64_t id;

	if (!parts_left(st))
		return STORE_OK;
	pos = calloc(OPS_BATCH, sizeof(*pos));
	if (pos == NULL)
		return STORE_IO;
	id = st->nparts == 0 ? STORE_INBOX : st->parts[0].box;
	while (st->nparts > 0) {
		result = mut_shrink(st, UNDO_LEN, false);
		if (result != STORE_OK)
			break;
		box = box_find(st, st->parts[st->nparts - 1].box);
		/* What is not read now is read from the log, next time. */
		if (box != NULL && col_load(st, box) == -1) {
			result = STORE_IO;
			break;
		}
		n = last_places(st, box, pos);
		if (n > 0)
			queue_expunge(st, box, pos, n);
		op_group_end(st);
	}
	free(pos);
	if (result == STORE_OK)
		result = put_end(st, id);
	return st->failed ? STORE_IO : result;
}
