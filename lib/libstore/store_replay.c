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
 * that its vector does not cover follow it in that order.  A series is read up
 * to its last frame that verifies and chains; a valid frame behind a bad one is
 * corruption.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define SEG_LIMIT (8 * 1024 * 1024) /* octets of a segment that is read */

struct series {
	struct writer w;
	size_t idx;     /* of the writer in the store's table */
	uint64_t skip;  /* frames up to this one are in the checkpoint */
	uint32_t first; /* segments that are there */
	uint32_t last;
	uint8_t *seg; /* the one being read */
	size_t len;
	struct seal_frame f; /* the frame at hand */
	struct buf plain;
	size_t plain_len;
	uint64_t base; /* its Lamport time */
	bool have;
	bool ended;
	bool rest_zero; /* nothing but zeros after the last frame */
	bool moved;     /* frames were read */
	bool gap;       /* segments are there that do not follow */
};

struct replay {
	struct series s[WRITERS_MAX];
	size_t n;
};

/* A segment that begins with a checkpoint. */
struct candidate {
	size_t series;
	uint32_t seg;
	uint64_t lamport;
};
#define CANDIDATES 32 /* of one writer; those cut short included */

static int
find_series(struct replay *rp, const uint8_t *id, uint32_t seg)
{
	struct series *s;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		if (memcmp(s->w.id, id, WRITER_LEN) == 0) {
			if (seg < s->first)
				s->first = seg;
			if (seg > s->last)
				s->last = seg;
			return 0;
		}
	}
	if (rp->n == WRITERS_MAX) {
		errno = EMFILE;
		return -1;
	}
	s = &rp->s[rp->n++];
	memcpy(s->w.id, id, WRITER_LEN);
	s->first = s->last = seg;
	return 0;
}

static int
list_series(struct store *st, struct replay *rp)
{
	uint8_t id[WRITER_LEN];
	struct dirent *de;
	uint32_t seg;
	DIR *dir;
	int fd, r;

	fd = sys_open(st->acct, "log", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL)
		return -1;
	r = 0;
	while (r == 0 && (de = readdir(dir)) != NULL) {
		if (seg_parse_name(de->d_name, id, &seg) == 0)
			r = find_series(rp, id, seg);
	}
	(void)closedir(dir);
	return r;
}

/* Reads segment seg whole.  Its header to *h. */
static int
load_segment(
    struct store *st, struct series *s, uint32_t seg, struct seg_header *h)
{
	struct stat sb;
	char name[64];
	int fd;

	free(s->seg);
	s->seg = NULL;
	s->len = 0;
	seg_name(&s->w, seg, name, sizeof(name));
	fd = sys_open(st->acct, name, O_RDONLY);
	if (fd == -1)
		return -1;
	if (fstat(fd, &sb) == -1 || sb.st_size < SEG_HEADER ||
	    sb.st_size > SEG_LIMIT)
		goto err;
	s->seg = malloc((size_t)sb.st_size);
	if (s->seg == NULL ||
	    sys_read(fd, s->seg, (size_t)sb.st_size, 0) != sb.st_size)
		goto err;
	s->len = (size_t)sb.st_size;
	(void)close(fd);
	fd = -1;
	if (seg_header_parse(st, s->seg, h) == -1 || h->seg != seg ||
	    memcmp(h->writer, s->w.id, WRITER_LEN) != 0)
		goto err;
	s->w.host = h->host;
	return 0;
err:
	if (fd != -1)
		(void)close(fd);
	free(s->seg);
	s->seg = NULL;
	errno = EBADMSG;
	return -1;
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Is there a whole frame anywhere in the rest? */
static bool
frame_after(const uint8_t *p, size_t len)
{
	struct seal_frame f;
	size_t i;

	for (i = 0; len - i > SEAL_FRAME_HEADER; i++) {
		if (p[i] != 0 && seal_frame_parse(p + i, len - i, &f) == 0 &&
		    f.len <= len - i && seal_frame_check(p + i, &f) == 0)
			return true;
	}
	return false;
}

/* The frame at the series' place: 1 opened, 0 none. */
static int
open_frame(struct store *st, struct series *s)
{
	uint8_t key[SEAL_KEY_LEN];
	struct rd r;
	const uint8_t *p;
	size_t avail;
	int result;

	avail = s->len - (size_t)s->w.off;
	p = s->seg + s->w.off;
	if (avail <= SEAL_FRAME_HEADER ||
	    seal_frame_parse(p, avail, &s->f) == -1 || s->f.len > avail ||
	    seal_frame_check(p, &s->f) == -1 || s->f.seq != s->w.seq + 1 ||
	    log_key(st, s->f.epoch, key) == -1)
		return 0;
	buf_clear(&s->plain);
	s->plain.p = malloc(s->f.len);
	s->plain.size = s->plain.p == NULL ? 0 : s->f.len;
	result = s->plain.p == NULL ? -1 :
				      seal_frame_open(key, &s->f, s->w.chain, p,
					  s->plain.p, &s->plain_len);
	explicit_bzero(key, sizeof(key));
	if (result == -1)
		return 0;
	r = (struct rd){s->plain.p, s->plain_len, 0, false};
	s->base = rd64(&r);
	return r.bad ? 0 : 1;
}

/* On to the next segment, if it goes on from here. */
static int
next_segment(struct store *st, struct series *s)
{
	struct seg_header h;

	if (load_segment(st, s, s->w.seg + 1, &h) == -1 ||
	    h.first_seq != s->w.seq + 1 ||
	    memcmp(h.chain, s->w.chain, SEAL_CHAIN_LEN) != 0)
		return -1;
	s->w.seg++;
	s->w.off = SEG_HEADER;
	return 0;
}

/* Puts the next frame at hand, or ends the series. */
static void
advance(struct store *st, struct series *s)
{
	size_t rest;

	s->have = false;
	while (!s->ended) {
		if (open_frame(st, s) == 1) {
			s->w.off += s->f.len;
			s->w.seq = s->f.seq;
			s->w.lamport = s->base + s->f.nops - 1;
			if (s->w.seq <= s->skip)
				continue;
			s->have = s->moved = true;
			return;
		}
		rest = s->len - (size_t)s->w.off;
		s->rest_zero = all_zero(s->seg + s->w.off, rest);
		if (!s->rest_zero && frame_after(s->seg + s->w.off, rest)) {
			if (s->w.host == st->host)
				damaged(st,
				    "log segment %u: damaged at octet %llu",
				    s->w.seg, (unsigned long long)s->w.off);
			s->ended = true;
		} else if (s->w.seg >= s->last)
			s->ended = true;
		else if (next_segment(st, s) == -1) {
			/*
			 * The other host's may be on its way, or gone to its
			 * trash because a checkpoint covers it.
			 */
			s->gap = true;
			if (s->w.host == st->host)
				damaged(st,
				    "log segment %u is missing or does not "
				    "follow",
				    s->w.seg + 1);
			s->ended = true;
		}
	}
}

/* Sets the series to begin with its segment seg. */
static int
begin_at(struct store *st, struct series *s, uint32_t seg, bool *checkpoint)
{
	struct seg_header h;
	uint8_t chain[SEAL_CHAIN_LEN];

	if (load_segment(st, s, seg, &h) == -1)
		return -1;
	*checkpoint = (h.flags & SEG_CHECKPOINT) != 0;
	seal_chain_start(st->account, s->w.id, WRITER_LEN, chain);
	if (!*checkpoint &&
	    (h.first_seq != 1 || memcmp(h.chain, chain, sizeof(chain)) != 0))
		return -1;
	s->w.seg = seg;
	s->w.off = SEG_HEADER;
	s->w.seq = h.first_seq - 1;
	memcpy(s->w.chain, h.chain, SEAL_CHAIN_LEN);
	return 0;
}

/* Where the snapshot says that its writer was. */
static int
begin_from(struct store *st, struct series *s)
{
	struct seg_header h;
	size_t i;

	for (i = 0; i < st->nwriters; i++) {
		if (memcmp(st->writers[i].id, s->w.id, WRITER_LEN) != 0)
			continue;
		s->w = st->writers[i];
		if (s->w.seg == 0 || load_segment(st, s, s->w.seg, &h) == -1 ||
		    s->w.off > s->len || s->w.off < SEG_HEADER)
			return -1;
		return 0;
	}
	return 1;
}

static int
apply_frame(struct store *st, struct series *s)
{
	struct rd r = {s->plain.p, s->plain_len, 0, false};
	struct rd op;
	uint64_t lamport;
	enum op type;
	size_t len;

	lamport = rd64(&r);
	st->now = rd32(&r);
	st->cur_writer = s->idx;
	st->cur_seq = s->w.seq;
	free(st->undo_from);
	free(st->undo_to);
	st->undo_from = st->undo_to = NULL;
	while (!r.bad && r.off < r.len) {
		type = (enum op)rd8(&r);
		len = rd32(&r);
		op = (struct rd){rd_raw(&r, len), len, 0, false};
		if (r.bad || lamport >= UINT64_MAX / 4)
			return -1;
		if (type != OP_SAW && !st->stating)
			s->w.news = s->w.seq;
		if (op_apply(st, type, &op, lamport << 1 | s->w.host) == -1)
			return -1;
		lamport++;
	}
	return r.bad ? -1 : 0;
}

static struct series *
earliest(struct replay *rp)
{
	struct series *s, *best;
	size_t i;

	best = NULL;
	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		if (!s->have)
			continue;
		if (best == NULL || s->base < best->base ||
		    (s->base == best->base &&
			(s->w.host < best->w.host ||
			    (s->w.host == best->w.host &&
				memcmp(s->w.id, best->w.id, WRITER_LEN) < 0))))
			best = s;
	}
	return best;
}

/* Every series has its writer in the table; new ones come at its end. */
static int
bind_writers(struct store *st, struct replay *rp)
{
	struct series *s;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		s->idx = writer_find(st, s->w.id);
		if (s->idx != NO_WRITER)
			continue;
		if (st->nwriters == WRITERS_MAX) {
			errno = EMFILE;
			return -1;
		}
		s->idx = st->nwriters++;
		st->writers[s->idx] = (struct writer){.host = s->w.host};
		memcpy(st->writers[s->idx].id, s->w.id, WRITER_LEN);
	}
	st->multi = st->nwriters > 1;
	return 0;
}

/* After a frame: the table says how far its writer has come. */
static void
passed(struct store *st, struct series *s)
{
	st->writers[s->idx] = s->w;
	if (s->w.lamport > st->lamport)
		st->lamport = s->w.lamport;
}

/* STORE_UNKNOWN: this beginning does not do, try an earlier one. */
static enum store_result
fold(struct store *st, struct replay *rp, bool snapshot)
{
	struct series *s;
	uint64_t begin;
	size_t i;
	bool marked;

	begin = st->lamport;
	for (i = 0; i < rp->n; i++)
		advance(st, &rp->s[i]);
	while ((s = earliest(rp)) != NULL) {
		if (snapshot && s->base <= begin)
			return STORE_UNKNOWN;
		marked = (s->f.flags & FRAME_CHECKPOINT) != 0;
		if (!marked && apply_frame(st, s) == -1) {
			if (st->snap_bad || errno == ENOMEM)
				return STORE_UNKNOWN;
			damaged(st, "log segment %u: frame %llu has no sense",
			    s->w.seg, (unsigned long long)s->w.seq);
			return STORE_OK;
		}
		if (!marked)
			st->log_since += s->f.len;
		passed(st, s);
		advance(st, s);
	}
	for (i = 0; snapshot && i < rp->n; i++) {
		if (rp->s[i].gap)
			return STORE_UNKNOWN;
	}
	return STORE_OK;
}

/* The vector of a checkpoint's BEGIN: writers, and what each had seen. */
static int
read_vector(struct store *st, struct series *s)
{
	struct rd r = {s->plain.p, s->plain_len, 0, false};
	struct writer *w;
	uint8_t id[WRITER_LEN];
	uint64_t saw;
	uint32_t n;
	size_t i, j, k;

	(void)rd64(&r);
	(void)rd32(&r);
	if (rd8(&r) != OP_BEGIN)
		return -1;
	if (rd32(&r) == 20) {
		/* Of one writer: without a vector. */
		st->nmap = 1;
		st->map[0] = (uint8_t)s->idx;
		st->writers[s->idx].seq = s->w.seq - 1;
		return 0;
	}
	(void)rd_raw(&r, 8 + 4 + 8 + 1 + 1);
	n = rd32(&r);
	if (r.bad || n > WRITERS_MAX)
		return -1;
	for (st->nmap = 0; st->nmap < n; st->nmap++) {
		rd_copy(&r, id, sizeof(id));
		i = writer_find(st, id);
		if (i == NO_WRITER && st->nwriters < WRITERS_MAX) {
			i = st->nwriters++;
			st->writers[i] = (struct writer){.seg = 0};
			memcpy(st->writers[i].id, id, sizeof(id));
		}
		if (i == NO_WRITER)
			return -1;
		w = &st->writers[i];
		w->host = rd8(&r);
		w->seq = w->news = rd64(&r);
		rd_copy(&r, w->chain, SEAL_CHAIN_LEN);
		w->lamport = rd64(&r);
		st->map[st->nmap] = (uint8_t)i;
	}
	for (j = 0; j < n; j++) {
		for (k = 0; k < n; k++) {
			saw = rd64(&r);
			st->saw[st->map[j]][st->map[k]] = saw;
		}
	}
	st->multi = st->nwriters > 1;
	return r.bad ? -1 : 0;
}

/* Is this the frame that has BEGIN? */
static bool
begins(const struct series *s)
{
	return s->f.flags & FRAME_CHECKPOINT && s->plain_len > 12 &&
	    s->plain.p[12] == OP_BEGIN;
}

/* Sets a series to go on behind what the checkpoint covers. */
static void
begin_behind(struct store *st, struct series *s)
{
	struct seg_header h;
	uint32_t seg;

	s->skip = MUTANT(14) ? 0 : st->writers[s->idx].seq;
	for (seg = s->last; seg >= s->first && seg > 0; seg--) {
		if (load_segment(st, s, seg, &h) == -1 ||
		    h.first_seq > s->skip + 1)
			continue;
		s->w.seg = seg;
		s->w.off = SEG_HEADER;
		s->w.seq = h.first_seq - 1;
		s->w.news = st->writers[s->idx].news;
		memcpy(s->w.chain, h.chain, SEAL_CHAIN_LEN);
		return;
	}
	if (s->w.host == st->host)
		damaged(st, "log segment %u cannot be read", s->first);
	s->ended = true;
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

	advance(st, s);
	if (!s->have || !(s->f.flags & FRAME_CHECKPOINT) ||
	    read_vector(st, s) == -1)
		return STORE_UNKNOWN;
	covered = st->writers[s->idx];
	for (st->stating = true, end = false; !end; advance(st, s)) {
		/* Another one began: this one was given up. */
		if (!s->have || (begins(s) && st->checkpoint_len > 0))
			return STORE_UNKNOWN;
		if (!(s->f.flags & FRAME_CHECKPOINT))
			continue;
		if (apply_frame(st, s) == -1)
			return STORE_UNKNOWN;
		st->checkpoint_len += s->f.len;
		end = (s->f.flags & FRAME_END) != 0;
	}
	st->stating = false;
	st->writers[s->idx] = covered;
	for (i = 0; i < rp->n; i++) {
		rp->s[i].ended = false;
		begin_behind(st, &rp->s[i]);
	}
	return STORE_OK;
}

static void
rewind_all(struct replay *rp)
{
	struct writer w;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		free(rp->s[i].seg);
		buf_clear(&rp->s[i].plain);
		memset(&w, 0, sizeof(w));
		memcpy(w.id, rp->s[i].w.id, WRITER_LEN);
		w.host = rp->s[i].w.host;
		rp->s[i] = (struct series){.w = w,
		    .idx = rp->s[i].idx,
		    .first = rp->s[i].first,
		    .last = rp->s[i].last};
	}
}

/* Newest first, so that all who have the same files begin alike. */
static void
add_candidate(struct candidate *all, size_t *n, const struct candidate *c)
{
	size_t i;

	for (i = *n; i > 0 && all[i - 1].lamport < c->lamport; i--)
		all[i] = all[i - 1];
	all[i] = *c;
	(*n)++;
}

static size_t
find_checkpoints(struct store *st, struct replay *rp, struct candidate *all)
{
	struct candidate c;
	struct series *s;
	bool checkpoint;
	size_t n, of;

	n = 0;
	for (c.series = 0; c.series < rp->n; c.series++) {
		s = &rp->s[c.series];
		of = 0;
		for (c.seg = s->last;
		     c.seg > 0 && c.seg >= s->first && of < CANDIDATES;
		     c.seg--) {
			checkpoint = false;
			if (begin_at(st, s, c.seg, &checkpoint) == -1 ||
			    !checkpoint || open_frame(st, s) != 1 ||
			    !(s->f.flags & FRAME_CHECKPOINT))
				continue;
			c.lamport = s->base << 1 | s->w.host;
			add_candidate(all, &n, &c);
			of++;
		}
	}
	rewind_all(rp);
	return n;
}

static enum store_result
fold_start(struct store *st, struct replay *rp)
{
	struct series *s;
	bool checkpoint;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		if (begin_at(st, s, s->first, &checkpoint) == 0 && !checkpoint)
			continue;
		if (s->w.host == st->host)
			damaged(st, "log segment %u cannot be read", s->first);
		s->ended = true;
	}
	if (bind_writers(st, rp) == -1)
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

	n = find_checkpoints(st, rp, all);
	for (i = 0; i < n; i++) {
		if (bind_writers(st, rp) == -1)
			return sys_result();
		for (j = 0; j < rp->n; j++)
			st->writers[rp->s[j].idx].host = rp->s[j].w.host;
		result = STORE_UNKNOWN;
		if (begin_at(st, &rp->s[all[i].series], all[i].seg,
			&checkpoint) == 0)
			result = fold_checkpoint(st, rp, &rp->s[all[i].series]);
		if (result == STORE_OK)
			result = fold(st, rp, false);
		if (result != STORE_UNKNOWN)
			return result;
		state_reset(st);
		st->damage[0] = '\0';
		rewind_all(rp);
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
		r = begin_from(st, &rp->s[i]);
		/* A second writer changes what is to be known of the first. */
		if (r == 1 && !st->multi)
			return STORE_UNKNOWN;
		if (r == 1)
			r = begin_at(
			    st, &rp->s[i], rp->s[i].first, &checkpoint);
		if (r == -1)
			return STORE_UNKNOWN;
	}
	if (rp->n < st->nwriters && !st->multi)
		return STORE_UNKNOWN;
	return bind_writers(st, rp) == -1 ? sys_result() : fold(st, rp, true);
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
	news = rp != NULL && list_series(st, rp) == 0;
	for (i = 0; news && i < rp->n; i++) {
		s = &rp->s[i];
		w = writer_find(st, s->w.id);
		if (w == st->own)
			continue;
		if (w == NO_WRITER || st->writers[w].seg == 0 ||
		    s->last > st->writers[w].seg)
			break;
		s->w = st->writers[w];
		if (load_segment(st, s, s->w.seg, &h) == 0 &&
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
		r = begin_from(st, &rp->s[i]);
		if (r == 1 && st->multi)
			r = begin_at(
			    st, &rp->s[i], rp->s[i].first, &checkpoint);
		if (r != 0)
			return STORE_UNKNOWN;
		/* Ours is folded as it is written. */
		if (writer_find(st, rp->s[i].w.id) == st->own)
			rp->s[i].ended = true;
	}
	if (bind_writers(st, rp) == -1)
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
	if (list_series(st, rp) == 0)
		result = fold_last(st, rp);
	st->replaying = st->telling = false;
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
	if (list_series(st, rp) == 0)
		result = from_snapshot ? fold_tail(st, rp) : fold_all(st, rp);
	st->replaying = st->stating = false;
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
