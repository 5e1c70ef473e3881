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
 * Which instances there are and where: only for accounts with several writers,
 * since one writer never places an instance twice.  Made from the columns when
 * first needed, then kept in step by the fold.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"

#define FIRST_SIZE 1024

static size_t
slot(const struct store *st, uint64_t id)
{
	size_t i;

	/* Instance ids are random: their octets are their hash. */
	for (i = (size_t)id & (st->idx_size - 1); st->idx[i].used;
	     i = (i + 1) & (st->idx_size - 1)) {
		if (st->idx[i].id == id)
			break;
	}
	return i;
}

static int
grow(struct store *st)
{
	struct inst *old;
	size_t i, n;

	old = st->idx;
	n = st->idx_size;
	st->idx = calloc(n == 0 ? FIRST_SIZE : n * 2, sizeof(*old));
	if (st->idx == NULL) {
		st->idx = old;
		return -1;
	}
	st->idx_size = n == 0 ? FIRST_SIZE : n * 2;
	for (i = 0; i < n; i++) {
		if (old[i].used)
			st->idx[slot(st, old[i].id)] = old[i];
	}
	free(old);
	return 0;
}

void
inst_clear(struct store *st)
{
	free(st->idx);
	st->idx = NULL;
	st->idx_size = st->idx_used = 0;
	st->idx_built = false;
}

struct inst *
inst_find(struct store *st, uint64_t id)
{
	size_t i;

	if (st->idx_size == 0)
		return NULL;
	i = slot(st, id);
	return st->idx[i].used && st->idx[i].state != INST_NONE ? &st->idx[i] :
								  NULL;
}

int
inst_set(struct store *st, uint64_t id, uint64_t box, uint32_t uid,
    enum inst_state state)
{
	struct inst *in;

	if (st->idx_used * 2 >= st->idx_size && grow(st) == -1)
		return -1;
	in = &st->idx[slot(st, id)];
	if (!in->used)
		st->idx_used++;
	in->used = 1;
	in->id = id;
	in->box = box;
	in->uid = uid;
	in->state = (uint8_t)state;
	return 0;
}

static int
build_dead(struct store *st, const struct box *b)
{
	size_t i;

	for (i = 0; i < b->ntombs; i++) {
		if (b->tombs->t[i].inst != 0 &&
		    inst_find(st, b->tombs->t[i].inst) == NULL &&
		    inst_set(st, b->tombs->t[i].inst, 0, 0, INST_DEAD) == -1)
			return -1;
	}
	return 0;
}

static int
build_box(struct store *st, struct box *b)
{
	const struct store_msg *m;
	struct inst *in;
	size_t i;

	if (col_load(st, b) == -1 || build_dead(st, b) == -1)
		return -1;
	for (i = 0; i < b->n; i++) {
		m = col_at(b, i);
		if (inst_set(st, m->inst, b->pub.id, m->uid, INST_LIVE) == -1)
			return -1;
	}
	for (i = 0; i < b->nextra; i++) {
		in = inst_find(st, b->extra[i].m.inst);
		if ((in == NULL || in->state == INST_DEAD) &&
		    inst_set(st, b->extra[i].m.inst, b->pub.id, 0, INST_LIVE) ==
			-1)
			return -1;
	}
	return 0;
}

int
inst_build(struct store *st)
{
	size_t i;

	if (!st->multi || st->idx_built)
		return 0;
	inst_clear(st);
	for (i = 0; i < st->nghosts; i++) {
		if (build_dead(st, st->ghosts[i]) == -1)
			return -1;
	}
	for (i = 0; i < st->nboxes; i++) {
		if (build_box(st, st->boxes[i]) == -1)
			return -1;
	}
	st->idx_built = true;
	return 0;
}
