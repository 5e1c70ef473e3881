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
 * Trash and Spam: what lies there for as long as the domain's configuration
 * says is expunged; and for an owner who does not come, the delete of each
 * blob is signed ahead.  A blob that another message uses too is not signed.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_retain.h"
#include "store_sweep.h"

#define SCAN_BATCH 1024 /* messages looked at in one step */
#define SCAN_EVERY 3600 /* seconds */

struct scan {
	struct store *st;
	struct box *box;
	uint32_t days;
	int64_t now;
	struct del_entry list[SCAN_BATCH];
	size_t n;
	struct store_range gone[SCAN_BATCH];
	size_t ngone;
};

void
store_set_expiry(struct store *st, uint32_t trash_days, uint32_t spam_days)
{
	struct retain *r = st->retain;

	if (r == NULL)
		return;
	r->configured = true;
	r->trash_days = trash_days;
	r->spam_days = spam_days;
	r->scanned = false;
	r->scan_box = 0;
	r->scan_uid = 0;
}

static bool
is_shared(struct store *st, const uint8_t *blob)
{
	struct shared key;

	memcpy(key.blob, blob, STORE_ID);
	return RB_FIND(shared_tree, &st->shared, &key) != NULL;
}

static void
scan_sign(struct scan *s, const uint8_t *blob, enum del_kind kind, int64_t when)
{
	struct del_entry *e;

	e = &s->list[s->n++];
	memset(e, 0, sizeof(*e));
	memcpy(e->blob, blob, STORE_ID);
	e->kind = (uint8_t)kind;
	e->when = when;
}

/* -1: its record cannot be read. */
static int
scan_message(struct scan *s, const struct store_msg *m)
{
	const struct del_entry *e;
	struct cold c;
	int64_t when;

	if (cold_read(s->st, m->cold, &c) == -1)
		return -1;
	e = del_find(&s->st->retain->list, c.blob);
	if (e != NULL && e->kind != DEL_EXPIRE)
		e = NULL;
	when = (int64_t)m->saved + (int64_t)s->days * DAY;
	/* Signed and due: some host may have executed it. */
	if ((e != NULL && e->when <= s->now) ||
	    (s->days > 0 && when <= s->now)) {
		s->gone[s->ngone].first = s->gone[s->ngone].last = m->uid;
		s->ngone++;
	} else if (s->days == 0 || is_shared(s->st, c.blob)) {
		if (e != NULL)
			scan_sign(s, c.blob, DEL_CANCEL, 0);
	} else if (e == NULL || e->when != when)
		scan_sign(s, c.blob, DEL_EXPIRE, when);
	explicit_bzero(&c, sizeof(c));
	return 0;
}

/* What was found is done: the expunge durable before its blobs are garbage. */
static enum store_result
scan_end(struct scan *s)
{
	enum store_result result;

	if (retain_sign(s->st, s->list, s->n) == -1)
		return sys_result();
	if (s->ngone == 0)
		return STORE_OK;
	result = store_expunge(s->st, s->box->pub.id, s->gone, s->ngone, true);
	return result == STORE_OK ? store_commit(s->st) : result;
}

/* From the UID on that was reached; true when the box is done. */
static enum store_result
scan_box(struct scan *s, bool *done)
{
	struct retain *r = s->st->retain;
	const struct store_msg *m;
	size_t i, n;
	bool found;

	if (col_load(s->st, s->box) == -1)
		return STORE_CORRUPT;
	i = col_find(s->box, r->scan_uid, &found);
	for (n = 0; i < s->box->n && n < SCAN_BATCH; i++, n++) {
		m = col_at(s->box, i);
		r->scan_uid = m->uid + 1;
		if (scan_message(s, m) == -1)
			return STORE_CORRUPT;
	}
	*done = i >= s->box->n;
	return scan_end(s);
}

static struct box *
next_bin(struct store *st)
{
	size_t i;

	for (i = 0; i < st->nboxes; i++) {
		if (st->boxes[i]->pub.id >= st->retain->scan_box &&
		    retain_is_bin(st->boxes[i]))
			return st->boxes[i];
	}
	return NULL;
}

static enum store_result
scan_step(struct store *st, struct box *b)
{
	struct retain *r = st->retain;
	enum store_result result;
	struct scan *s;
	bool done;

	if (b->pub.id != r->scan_box) {
		r->scan_box = b->pub.id;
		r->scan_uid = 0;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return STORE_IO;
	s->st = st;
	s->box = b;
	s->days = b->pub.use & STORE_USE_TRASH ? r->trash_days : r->spam_days;
	s->now = store_now();
	done = false;
	result = scan_box(s, &done);
	free(s);
	if (result == STORE_OK && done) {
		r->scan_box = b->pub.id + 1;
		r->scan_uid = 0;
	}
	return result;
}

enum store_result
expire_step(struct store *st, bool *more)
{
	struct retain *r = st->retain;
	struct box *b;
	int64_t now;

	*more = false;
	now = store_now();
	if (!r->configured ||
	    (r->scan_box == 0 && r->scanned && now >= r->scan_at &&
		now - r->scan_at < SCAN_EVERY))
		return STORE_OK;
	if (r->scan_box == 0) {
		r->scanned = true; /* unless something is placed meanwhile */
		r->scan_at = now;
		retain_again(r);
		st->trash_checked = false;
	}
	b = next_bin(st);
	if (b == NULL) {
		r->scan_box = 0;
		*more = !r->scanned || !r->executed;
		return STORE_OK;
	}
	*more = true;
	return scan_step(st, b);
}
