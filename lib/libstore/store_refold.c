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
 * The log folded once more, beside the account that is shown and by slices, to
 * see whether both are the same: columns, flags, numbers and names of a vault
 * that has lived for months come of the snapshot and of what it did since.  The
 * packs of this fold are files without a name; nothing of the account changes.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "store_refold.h"
#include "store_series.h"

#define SLICE_OCTETS (256 * 1024) /* of frames, in one step */
#define SLICE_ROWS 65536          /* compared, in one step */
#define AGAIN_MAX 3               /* beginnings: files come and go meanwhile */
#define TOLD_MAX 100              /* messages of a mailbox */
#define SCRATCH "snap/audit"

enum phase {
	REFOLD_BEGIN,
	REFOLD_CHECKPOINT,
	REFOLD_FRAMES,
	REFOLD_COMPARE,
	REFOLD_END
};

struct refold {
	struct store *live;
	struct store *st;
	struct replay rp;
	struct candidate all[WRITERS_MAX * CANDIDATES];
	size_t n;
	size_t at;
	enum phase phase;
	struct series *cp; /* whose checkpoint is read */
	struct writer covered;
	unsigned int begun;
	uint64_t newest; /* Lamport time of the last frame that was folded */
	bool caught;     /* what follows is later than that, or it was merged */
	uint64_t box;    /* compared up to this one */
	store_audit_found found;
	void *arg;
};

/* Files that nobody else finds, and no crash leaves for long. */
static int
scratch_open(struct store *st)
{
	(void)path_remove_tree(st->acct, SCRATCH);
	if (st->snap_fd != -1)
		(void)close(st->snap_fd);
	st->snap_fd = -1;
	st->gen = 1;
	if (sys()->mkdir(st->acct, SCRATCH, 0700) == -1)
		return -1;
	st->snap_fd = sys_open(st->acct, SCRATCH, O_RDONLY | O_DIRECTORY);
	if (st->snap_fd == -1 || pack_open(st, &st->cold, "cold", true) == -1 ||
	    pack_open(st, &st->sum, "sum", true) == -1)
		return -1;
	return path_remove_tree(st->acct, SCRATCH);
}

static void
series_free(struct refold *r)
{
	size_t i;

	for (i = 0; i < r->rp.n; i++) {
		free(r->rp.s[i].seg);
		buf_clear(&r->rp.s[i].plain);
	}
	memset(&r->rp, 0, sizeof(r->rp));
}

/* Nothing is folded yet: with the files that there are now. */
static int
start(struct refold *r)
{
	series_free(r);
	state_reset(r->st);
	r->st->damage[0] = '\0';
	r->phase = REFOLD_BEGIN;
	r->at = 0;
	r->box = 0;
	r->newest = 0;
	r->caught = false;
	if (scratch_open(r->st) == -1 || series_list(r->st, &r->rp) == -1)
		return -1;
	r->n = series_checkpoints(r->st, &r->rp, r->all);
	return 0;
}

struct refold *
refold_new(struct store *live, store_audit_found found, void *arg)
{
	struct refold *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->live = live;
	r->found = found;
	r->arg = arg;
	r->st = store_new(live->base, live->acct, live->ring, live->host);
	if (r->st == NULL) {
		free(r);
		return NULL;
	}
	r->st->replaying = true;
	if (start(r) == -1) {
		refold_free(r);
		return NULL;
	}
	return r;
}

void
refold_free(struct refold *r)
{
	int saved = errno;

	if (r == NULL)
		return;
	series_free(r);
	store_abandon(r->st);
	free(r);
	errno = saved;
}

static void
bind_hosts(struct refold *r)
{
	size_t i;

	for (i = 0; i < r->rp.n; i++)
		r->st->writers[r->rp.s[i].idx].host = r->rp.s[i].w.host;
}

/* Without a checkpoint: each series from its first segment. */
static void
begin_first(struct refold *r)
{
	struct series *s;
	bool checkpoint;
	size_t i;

	for (i = 0; i < r->rp.n; i++) {
		s = &r->rp.s[i];
		if (series_at(r->st, s, s->first, &checkpoint) == -1 ||
		    checkpoint)
			s->ended = true;
		series_advance(r->st, s);
	}
	bind_hosts(r);
	r->phase = REFOLD_FRAMES;
}

/* The checkpoint's turn; one that is not whole is passed over. */
static int
begin(struct refold *r)
{
	struct series *s;
	bool checkpoint;

	if (series_bind(r->st, &r->rp) == -1)
		return -1;
	if (r->at == r->n) {
		begin_first(r);
		return 0;
	}
	bind_hosts(r);
	s = &r->rp.s[r->all[r->at].series];
	if (series_at(r->st, s, r->all[r->at].seg, &checkpoint) == 0)
		series_advance(r->st, s);
	if (s->have && (s->f.flags & FRAME_CHECKPOINT) &&
	    series_vector(r->st, s) == 0) {
		r->cp = s;
		r->covered = r->st->writers[s->idx];
		r->st->stating = true;
		r->phase = REFOLD_CHECKPOINT;
		return 0;
	}
	r->at++;
	state_reset(r->st);
	series_rewind(&r->rp);
	return scratch_open(r->st);
}

/* Marked frames up to END; then every series goes on behind the vector. */
static int
checkpoint_slice(struct refold *r)
{
	struct series *s = r->cp;
	size_t octets, i;
	bool end;

	for (octets = 0, end = false; !end && octets < SLICE_OCTETS;
	     series_advance(r->st, s)) {
		if (!s->have ||
		    (series_begins(s) && r->st->checkpoint_len > 0) ||
		    ((s->f.flags & FRAME_CHECKPOINT) &&
			series_apply(r->st, s) == -1)) {
			r->at++;
			state_reset(r->st);
			series_rewind(&r->rp);
			r->phase = REFOLD_BEGIN;
			return scratch_open(r->st);
		}
		octets += s->f.len;
		if (!(s->f.flags & FRAME_CHECKPOINT))
			continue;
		r->st->checkpoint_len += s->f.len;
		end = (s->f.flags & FRAME_END) != 0;
	}
	if (!end)
		return 0;
	r->st->stating = false;
	r->st->writers[s->idx] = r->covered;
	for (i = 0; i < r->rp.n; i++) {
		r->rp.s[i].ended = false;
		series_behind(r->st, &r->rp.s[i]);
		series_advance(r->st, &r->rp.s[i]);
	}
	r->phase = REFOLD_FRAMES;
	return 0;
}

/* The files are others than they were: from the start, or never mind. */
static int
again(struct refold *r)
{
	if (++r->begun < AGAIN_MAX)
		return start(r);
	r->phase = REFOLD_END;
	return 0;
}

static int
frames_slice(struct refold *r)
{
	struct series *s;
	size_t octets;

	for (octets = 0; octets < SLICE_OCTETS; octets += s->f.len) {
		s = series_earliest(&r->rp);
		if (s == NULL) {
			names_settle(r->st);
			r->phase = REFOLD_COMPARE;
			return 0;
		}
		/* The other host's, of before: the fold has another order. */
		if (r->caught && s->base <= r->newest)
			return again(r);
		r->newest = s->base;
		if (!(s->f.flags & FRAME_CHECKPOINT) &&
		    series_apply(r->st, s) == -1) {
			r->found(
			    r->arg, NULL, 0, "log: a frame that has no sense");
			r->phase = REFOLD_END;
			return 0;
		}
		series_passed(r->st, s);
		series_advance(r->st, s);
	}
	return 0;
}

/*
 * What was written since goes on: 1 there is more of it, 0 both have come as
 * far, -1 the files are others now.
 */
static int
catch_up(struct refold *r)
{
	const struct writer *w;
	struct seg_header h;
	struct series *s;
	size_t i, j;
	int more;

	if (r->st->nwriters != r->live->nwriters)
		return -1;
	for (i = 0, more = 0; i < r->rp.n; i++) {
		s = &r->rp.s[i];
		j = writer_find(r->live, s->w.id);
		if (j == NO_WRITER)
			return -1;
		w = &r->live->writers[j];
		/* A merge is due, and comes first. */
		if (s->w.seq > w->seq)
			return -1;
		if (s->w.seq == w->seq)
			continue;
		if (w->seg > s->last)
			s->last = w->seg;
		s->ended = false;
		if (series_load(r->st, s, s->w.seg, &h) == -1)
			return -1;
		series_advance(r->st, s);
		if (!s->have)
			return -1;
		more = 1;
	}
	return more;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Annotations, as the snapshot would have them. */
static bool
same_metas(const struct metas *a, const struct metas *b)
{
	struct buf x = {0}, y = {0};
	bool same;

	metas_write(a, &x);
	metas_write(b, &y);
	same = x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0);
	buf_clear(&x);
	buf_clear(&y);
	return same;
}

static void
compare_box(struct refold *r, const struct box *a, const struct box *b)
{
	size_t i;
	bool same;

	same = same_text(a->pub.name, b->pub.name) &&
	    same_text(a->want, b->want) &&
	    a->pub.uidvalidity == b->pub.uidvalidity &&
	    a->pub.use == b->pub.use && a->uidmax == b->uidmax &&
	    a->nextra == b->nextra && same_metas(&a->metas, &b->metas);
	for (i = 0; i < STORE_KEYWORDS_MAX; i++)
		same = same && same_text(a->keywords[i], b->keywords[i]) &&
		    a->alias[i] == b->alias[i];
	if (!same)
		r->found(r->arg, a->pub.name, 0,
		    "its name, numbers, keywords or annotations are not as "
		    "the log has them");
}

/* MODSEQs of what the other host did come of when we heard of it. */
static bool
same_message(const struct refold *r, const struct store_msg *a,
    const struct store_msg *b)
{
	return a->inst == b->inst && a->flags == b->flags &&
	    a->size == b->size && a->date == b->date && a->zone == b->zone &&
	    a->codec == b->codec && a->saved == b->saved &&
	    (r->live->multi || a->modseq == b->modseq);
}

static size_t
compare_rows(struct refold *r, const struct box *a, const struct box *b)
{
	const struct store_msg *p, *q;
	const char *what;
	unsigned int told;
	uint32_t uid;
	size_t i, j;

	for (i = j = 0, told = 0; told < TOLD_MAX; told += what != NULL) {
		p = col_at(a, i);
		q = col_at(b, j);
		if (p == NULL && q == NULL)
			break;
		what = NULL;
		uid = p == NULL || (q != NULL && q->uid < p->uid) ? q->uid :
								    p->uid;
		if (p == NULL || p->uid != uid)
			what = "the log has it, and it is not shown";
		else if (q == NULL || q->uid != uid)
			what = "it is shown, and the log has it not";
		else if (!same_message(r, p, q))
			what = "its flags, date or size are not as the log "
			       "has them";
		i += p != NULL && p->uid == uid;
		j += q != NULL && q->uid == uid;
		if (what != NULL)
			r->found(r->arg, a->pub.name, uid, what);
	}
	return i + j;
}

/* The next mailbox of either above the last one; NULL: none. */
static struct box *
box_after(struct store *st, uint64_t id)
{
	size_t i;

	for (i = 0; i < st->nboxes; i++) {
		if (st->boxes[i]->pub.id > id)
			return st->boxes[i];
	}
	return NULL;
}

static void
compare_rest(struct refold *r)
{
	size_t i;
	bool same;

	same = r->st->nsubs == r->live->nsubs &&
	    r->st->nghosts == r->live->nghosts &&
	    r->st->live == r->live->live && r->st->lease == r->live->lease &&
	    r->st->paired == r->live->paired &&
	    r->st->next_box == r->live->next_box &&
	    same_metas(&r->st->metas, &r->live->metas);
	for (i = 0; same && i < r->st->nsubs; i++)
		same = strcmp(r->st->subs[i], r->live->subs[i]) == 0;
	if (!same)
		r->found(r->arg, NULL, 0,
		    "log: subscriptions, annotations or counts are not as it "
		    "has them");
	if (r->st->damage[0] != '\0')
		r->found(r->arg, NULL, 0, r->st->damage);
	r->phase = REFOLD_END;
}

static int
compare_slice(struct refold *r)
{
	struct box *a, *b;
	size_t rows;

	for (rows = 0; rows < SLICE_ROWS;) {
		a = box_after(r->live, r->box);
		b = box_after(r->st, r->box);
		if (a == NULL && b == NULL) {
			compare_rest(r);
			return 0;
		}
		if (b == NULL || (a != NULL && a->pub.id < b->pub.id)) {
			r->box = a->pub.id;
			r->found(r->arg, a->pub.name, 0,
			    "the log does not have this mailbox");
		} else if (a == NULL || b->pub.id < a->pub.id) {
			r->box = b->pub.id;
			r->found(r->arg, b->pub.name, 0,
			    "the log has this mailbox, and it is not shown");
		} else if (col_load(r->live, a) == -1)
			return -1;
		else {
			r->box = a->pub.id;
			compare_box(r, a, b);
			rows += compare_rows(r, a, b);
		}
	}
	return 0;
}

enum store_result
refold_step(struct refold *r, bool *more)
{
	int n = 0;

	*more = true;
	r->st->ring = r->live->ring;
	switch (r->phase) {
	case REFOLD_BEGIN:
		n = begin(r);
		break;
	case REFOLD_CHECKPOINT:
		n = checkpoint_slice(r);
		break;
	case REFOLD_FRAMES:
		n = frames_slice(r);
		break;
	case REFOLD_COMPARE:
		/* What is queued is shown, and in no file yet. */
		if (r->live->ops.len > 0)
			return STORE_OK;
		n = catch_up(r);
		if (n == 1) {
			r->caught = true;
			r->phase = REFOLD_FRAMES;
			n = 0;
		} else if (n == 0)
			n = compare_slice(r);
		else
			n = again(r);
		break;
	case REFOLD_END:
		*more = false;
		break;
	}
	return n == -1 ? sys_result() : STORE_OK;
}
