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
 * The operation log, reading.  The series of all writers are folded frame by
 * frame in the order of (Lamport time, host, writer), which every host that
 * has the same frames computes alike; where there is a checkpoint, the frames
 * that its vector does not cover follow it in that order.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_series.h"

/* STORE_UNKNOWN: this beginning does not do, try an earlier one. */
static enum store_result
fold(struct store *st, struct replay *rp, bool snapshot)
{
	struct series *s;
	uint64_t begin;
	size_t i;
	bool marked, ours;

	begin = st->lamport;
	for (i = 0; i < rp->n; i++)
		series_advance(st, &rp->s[i]);
	while ((s = series_earliest(rp)) != NULL) {
		if (snapshot && s->base <= begin)
			return STORE_UNKNOWN;
		marked = (s->f.flags & FRAME_CHECKPOINT) != 0;
		ours = !marked && s->w.host == st->host;
		st->cur_part = ours && (s->f.flags & FRAME_PART) != 0;
		if (!marked && (s->f.flags & FRAME_PART) != 0)
			st->open |= (uint8_t)(1U << s->w.host);
		if (!marked && series_apply(st, s) == -1) {
			if (st->snap_bad || errno == ENOMEM)
				return STORE_UNKNOWN;
			damaged(st, "log segment %u: frame %llu has no sense",
			    s->w.seg, (unsigned long long)s->w.seq);
			return STORE_OK;
		}
		if (!marked && (s->f.flags & FRAME_WHOLE) != 0)
			st->open &= (uint8_t) ~(1U << s->w.host);
		if (ours && (s->f.flags & FRAME_WHOLE) != 0)
			parts_clear(st);
		if (!marked)
			st->log_since += s->f.len;
		series_passed(st, s);
		series_advance(st, s);
	}
	for (i = 0; snapshot && i < rp->n; i++) {
		if (rp->s[i].gap)
			return STORE_UNKNOWN;
	}
	return STORE_OK;
}

/*
 * The state, as the checkpoint in front of a series tells it.  Frames without
 * the mark that lie among its own are later than all of it: they are folded
 * with those that follow, each series from what the vector covers.
 */
static enum store_result
fold_checkpoint(struct store *st, struct replay *rp, struct series *s)
{
	struct writer covered;
	bool end;
	size_t i;

	series_advance(st, s);
	if (!s->have || !(s->f.flags & FRAME_CHECKPOINT) ||
	    series_vector(st, s) == -1)
		return STORE_UNKNOWN;
	covered = st->writers[s->idx];
	for (st->stating = true, end = false; !end; series_advance(st, s)) {
		/* Another one began: this one was given up. */
		if (!s->have || (series_begins(s) && st->checkpoint_len > 0))
			return STORE_UNKNOWN;
		if (!(s->f.flags & FRAME_CHECKPOINT))
			continue;
		if (series_apply(st, s) == -1)
			return STORE_UNKNOWN;
		st->checkpoint_len += s->f.len;
		end = (s->f.flags & FRAME_END) != 0;
	}
	st->stating = false;
	st->writers[s->idx] = covered;
	for (i = 0; i < rp->n; i++) {
		rp->s[i].ended = false;
		series_behind(st, &rp->s[i]);
	}
	return STORE_OK;
}

static enum store_result
fold_start(struct store *st, struct replay *rp)
{
	struct series *s;
	bool checkpoint;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		if (series_at(st, s, s->first, &checkpoint) == 0 && !checkpoint)
			continue;
		if (s->w.host == st->host)
			damaged(st, "log segment %u cannot be read", s->first);
		s->ended = true;
	}
	if (series_bind(st, rp) == -1)
		return sys_result();
	for (i = 0; i < rp->n; i++)
		st->writers[rp->s[i].idx].host = rp->s[i].w.host;
	return fold(st, rp, false);
}

/* The whole log, from the newest whole checkpoint that there is. */
static enum store_result
fold_all(struct store *st, struct replay *rp)
{
	struct candidate all[WRITERS_MAX * CANDIDATES];
	enum store_result result;
	bool checkpoint;
	size_t i, j, n;

	n = series_checkpoints(st, rp, all);
	for (i = 0; i < n; i++) {
		if (series_bind(st, rp) == -1)
			return sys_result();
		for (j = 0; j < rp->n; j++)
			st->writers[rp->s[j].idx].host = rp->s[j].w.host;
		result = STORE_UNKNOWN;
		if (series_at(st, &rp->s[all[i].series], all[i].seg,
			&checkpoint) == 0)
			result = fold_checkpoint(st, rp, &rp->s[all[i].series]);
		if (result == STORE_OK)
			result = fold(st, rp, false);
		if (result != STORE_UNKNOWN)
			return result;
		state_reset(st);
		st->damage[0] = '\0';
		series_rewind(rp);
		if (snap_new(st) == -1)
			return sys_result();
	}
	return fold_start(st, rp);
}

static enum store_result
fold_tail(struct store *st, struct replay *rp)
{
	bool checkpoint;
	size_t i;
	int r;

	for (i = 0; i < rp->n; i++) {
		r = series_from(st, &rp->s[i]);
		/* A second writer changes what is to be known of the first. */
		if (r == 1 && !st->multi)
			return STORE_UNKNOWN;
		if (r == 1)
			r = series_at(
			    st, &rp->s[i], rp->s[i].first, &checkpoint);
		if (r == -1)
			return STORE_UNKNOWN;
	}
	if (rp->n < st->nwriters && !st->multi)
		return STORE_UNKNOWN;
	return series_bind(st, rp) == -1 ? sys_result() : fold(st, rp, true);
}

/* A series may go on in a segment that has no frame yet. */
static void
take_ends(struct store *st, const struct replay *rp)
{
	const struct series *s;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		if (s->w.seg != 0 && s->w.seq >= st->writers[s->idx].seq)
			st->writers[s->idx] = s->w;
	}
}

/* Ours is the newest of our host.  What was seen once must be there. */
static void
check_writers(struct store *st)
{
	size_t i;

	st->own = fold_active(st, st->host);
	for (i = 0; st->own != NO_WRITER && i < st->nwriters; i++) {
		if (st->writers[i].host != st->host &&
		    st->saw[st->own][i] > st->writers[i].seq)
			damaged(st,
			    "the log of host %u ends before what was "
			    "seen of it",
			    st->writers[i].host);
	}
}

/* What can be seen of log/ without reading it. */
struct news_seen {
	struct timespec dir;
	struct {
		off_t size;
		struct timespec changed;
	} seg[WRITERS_MAX];
};

static void
look(struct store *st, struct news_seen *n)
{
	struct stat sb;
	char name[64];
	size_t i;

	memset(n, 0, sizeof(*n));
	if (fstatat(st->acct, "log", &sb, AT_SYMLINK_NOFOLLOW) == 0)
		n->dir = sb.st_mtim;
	for (i = 0; i < st->nwriters; i++) {
		seg_name(
		    &st->writers[i], st->writers[i].seg, name, sizeof(name));
		if (i == st->own ||
		    fstatat(st->acct, name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		n->seg[i].size = sb.st_size;
		n->seg[i].changed = sb.st_mtim;
	}
}

bool
store_news(struct store *st)
{
	struct news_seen now;

	if (st->failed || st->damage[0] != '\0')
		return false;
	look(st, &now);
	if (st->news_seen == NULL) {
		st->news_seen = calloc(1, sizeof(*st->news_seen));
		if (st->news_seen == NULL)
			return log_news(st);
	} else if (memcmp(&now, st->news_seen, sizeof(now)) == 0)
		return false;
	*st->news_seen = now;
	return log_news(st);
}

/* Is there a frame of another host past what we know? */
bool
log_news(struct store *st)
{
	struct seal_frame f;
	struct seg_header h;
	struct replay *rp;
	struct series *s;
	size_t i, w;
	bool news;

	rp = calloc(1, sizeof(*rp));
	news = rp != NULL && series_list(st, rp) == 0;
	for (i = 0; news && i < rp->n; i++) {
		s = &rp->s[i];
		w = writer_find(st, s->w.id);
		if (w == st->own)
			continue;
		if (w == NO_WRITER || st->writers[w].seg == 0 ||
		    s->last > st->writers[w].seg)
			break;
		s->w = st->writers[w];
		if (series_load(st, s, s->w.seg, &h) == 0 &&
		    s->w.off < s->len &&
		    seal_frame_parse(
			s->seg + s->w.off, s->len - (size_t)s->w.off, &f) == 0)
			break;
	}
	news = news && i < rp->n;
	for (i = 0; rp != NULL && i < rp->n; i++)
		free(rp->s[i].seg);
	free(rp);
	return news;
}

/* What came last, if nothing of it is older than what is folded. */
static enum store_result
fold_last(struct store *st, struct replay *rp)
{
	bool checkpoint;
	size_t i;
	int r;

	for (i = 0; i < rp->n; i++) {
		r = series_from(st, &rp->s[i]);
		if (r == 1 && st->multi)
			r = series_at(
			    st, &rp->s[i], rp->s[i].first, &checkpoint);
		if (r != 0)
			return STORE_UNKNOWN;
		/* Ours is folded as it is written. */
		if (writer_find(st, rp->s[i].w.id) == st->own)
			rp->s[i].ended = true;
	}
	if (series_bind(st, rp) == -1)
		return sys_result();
	st->telling = true;
	return fold(st, rp, true);
}

enum store_result
replay_news(struct store *st)
{
	enum store_result result;
	struct replay *rp;
	size_t i;

	if (!st->multi || waiting_list(st) == -1)
		return STORE_UNKNOWN;
	rp = calloc(1, sizeof(*rp));
	if (rp == NULL)
		return STORE_IO;
	st->replaying = true;
	result = STORE_UNKNOWN;
	if (series_list(st, rp) == 0)
		result = fold_last(st, rp);
	st->replaying = st->telling = st->cur_part = false;
	if (result == STORE_OK) {
		take_ends(st, rp);
		check_writers(st);
		names_settle(st);
	}
	for (i = 0; i < rp->n; i++) {
		free(rp->s[i].seg);
		buf_clear(&rp->s[i].plain);
	}
	free(rp);
	return result;
}

/*
 * From the loaded snapshot, or from the start.  *clean: nothing lies in our
 * own series past what the snapshot had seen.
 */
enum store_result
replay(struct store *st, bool from_snapshot, bool *clean)
{
	struct replay *rp;
	enum store_result result;
	size_t i, own;

	rp = calloc(1, sizeof(*rp));
	if (rp == NULL)
		return STORE_IO;
	st->replaying = true;
	result = STORE_IO;
	if (series_list(st, rp) == 0)
		result = from_snapshot ? fold_tail(st, rp) : fold_all(st, rp);
	st->replaying = st->stating = st->cur_part = false;
	if (result == STORE_OK) {
		take_ends(st, rp);
		check_writers(st);
		names_settle(st);
	}
	for (own = 0; own < rp->n && rp->s[own].idx != st->own; own++)
		;
	*clean = from_snapshot && result == STORE_OK &&
	    (st->own == NO_WRITER ||
		(own < rp->n && !rp->s[own].moved && rp->s[own].rest_zero));
	for (i = 0; i < rp->n; i++) {
		free(rp->s[i].seg);
		buf_clear(&rp->s[i].plain);
	}
	free(rp);
	return result;
}
