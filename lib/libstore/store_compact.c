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
 * Compaction of the packs: cold records and summaries of messages that are no
 * more stay in them, and when they are the larger part, what is in use is
 * copied to the packs of a new generation, in the order of boxes and UIDs.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define DEAD_MIN 8192 /* dead records that are never worth it */

struct compaction {
	struct store *st;
	int snap_fd; /* the old generation */
	struct pack cold;
	struct pack sum;
	struct buf buf;
};

bool
compact_due(const struct store *st)
{
	uint64_t live, all;
	size_t i;

	for (i = 0, live = 0; i < st->nboxes; i++)
		live += st->boxes[i]->pub.messages;
	all = st->cold.len / COLD_LEN;
	/* Once begun it must end. */
	return all > live && all - live > DEAD_MIN && all - live > live &&
	    store_room(st->acct, st->cold.len + st->sum.len);
}

/* Copies of a message share its summary, here as before. */
static int
copy_summary(struct compaction *cp, struct cold *c)
{
	struct shared key, *s;
	uint64_t off;

	if (c->sum_len == SUM_UNKNOWN)
		return 0;
	memcpy(key.blob, c->blob, STORE_ID);
	s = RB_FIND(shared_tree, &cp->st->shared, &key);
	if (s != NULL && s->sum_gen == cp->st->gen) {
		c->sum_off = s->sum_off;
		return 0;
	}
	buf_reset(&cp->buf, 0);
	while (!cp->buf.failed && cp->buf.size < c->sum_len) {
		cp->buf.len = cp->buf.size;
		buf_put8(&cp->buf, 0);
	}
	if (cp->buf.failed || c->sum_len > STORE_SUMMARY_MAX ||
	    pack_read(cp->st, &cp->sum, c->sum_off, c->sum_len, cp->buf.p) ==
		-1 ||
	    pack_append(cp->st, &cp->st->sum, cp->buf.p, c->sum_len, &off) ==
		-1)
		return -1;
	cp->buf.len = c->sum_len;
	c->sum_off = off;
	if (s != NULL) {
		s->sum_off = off;
		s->sum_gen = cp->st->gen;
	}
	return 0;
}

static int
copy_message(struct compaction *cp, struct store_msg *m)
{
	struct cold c;
	uint32_t ref;
	int r;

	r = cold_read_from(cp->st, &cp->cold, m->cold, &c);
	if (r == 0)
		r = copy_summary(cp, &c);
	if (r == 0)
		r = cold_append(cp->st, &c, &ref);
	if (r == 0)
		m->cold = ref;
	explicit_bzero(&c, sizeof(c));
	return r;
}

static int
copy_box(struct compaction *cp, struct box *b)
{
	bool loaded;
	size_t i;
	int fd, r;

	loaded = b->loaded;
	fd = cp->st->snap_fd;
	cp->st->snap_fd = cp->snap_fd;
	r = col_load(cp->st, b);
	cp->st->snap_fd = fd;
	for (i = 0; r == 0 && i < b->n; i++)
		r = copy_message(cp, &b->col[i]);
	for (i = 0; r == 0 && i < b->nextra; i++)
		r = copy_message(cp, &b->extra[i].m);
	if (r == 0)
		r = col_save(cp->st, b);
	if (r == 0 && !loaded)
		col_unload(b);
	return r;
}

/*
 * A failure leaves columns of two generations in memory: the account must be
 * opened anew, and the old generation is still there for it.
 */
enum store_result
compact(struct store *st)
{
	struct compaction cp = {.st = st};
	enum store_result result;
	size_t i;
	int r;

	if (st->ops.len > 0 || st->failed || st->snap_bad)
		return STORE_INVALID;
	cp.snap_fd = st->snap_fd;
	cp.cold = st->cold;
	cp.sum = st->sum;
	st->snap_fd = -1;
	pack_init(&st->cold, cp.cold.kind);
	pack_init(&st->sum, cp.sum.kind);
	r = snap_enter_next(st);
	for (i = 0; r == 0 && i < st->nboxes; i++)
		r = copy_box(&cp, st->boxes[i]);
	result = r == 0 ? snap_save(st) : sys_result();
	if (result != STORE_OK)
		st->failed = true;
	/* What does not verify there must not be loaded again. */
	if (result == STORE_CORRUPT)
		(void)sys()->unlink(cp.snap_fd, "state", 0);
	(void)close(cp.snap_fd);
	pack_close(&cp.cold);
	pack_close(&cp.sum);
	buf_clear(&cp.buf);
	return result;
}
