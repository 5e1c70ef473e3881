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
 * has the same frames computes alike.  A series is read up to its last frame
 * that verifies and chains; a valid frame behind a bad one is corruption.
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
};

struct replay {
	struct series s[WRITERS_MAX];
	size_t n;
	bool in_checkpoint; /* the one that the fold began with */
	bool ended_checkpoint;
};

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
			s->have = s->moved = true;
			s->w.off += s->f.len;
			s->w.seq = s->f.seq;
			s->w.lamport = s->base + s->f.nops - 1;
			return;
		}
		rest = s->len - (size_t)s->w.off;
		s->rest_zero = all_zero(s->seg + s->w.off, rest);
		if (!s->rest_zero && frame_after(s->seg + s->w.off, rest)) {
			damaged(st, "log segment %u: damaged at octet %llu",
			    s->w.seg, (unsigned long long)s->w.off);
			s->ended = true;
		} else if (s->w.seg >= s->last)
			s->ended = true;
		else if (next_segment(st, s) == -1) {
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
	while (!r.bad && r.off < r.len) {
		type = (enum op)rd8(&r);
		len = rd32(&r);
		op = (struct rd){rd_raw(&r, len), len, 0, false};
		if (r.bad || lamport >= UINT64_MAX / 4)
			return -1;
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

/* STORE_UNKNOWN: this beginning does not do, try an earlier one. */
static enum store_result
fold(struct store *st, struct replay *rp, bool snapshot)
{
	struct series *s;
	bool checkpoint;
	size_t i;

	for (i = 0; i < rp->n; i++)
		advance(st, &rp->s[i]);
	while ((s = earliest(rp)) != NULL) {
		if (snapshot && s->base <= st->lamport)
			return STORE_UNKNOWN;
		checkpoint = (s->f.flags & FRAME_CHECKPOINT) != 0;
		if ((!checkpoint || rp->in_checkpoint) &&
		    apply_frame(st, s) == -1) {
			if (st->snap_bad || errno == ENOMEM)
				return STORE_UNKNOWN;
			damaged(st, "log segment %u: frame %llu has no sense",
			    s->w.seg, (unsigned long long)s->w.seq);
			return STORE_OK;
		}
		if (checkpoint && rp->in_checkpoint)
			st->checkpoint_len += s->f.len;
		else
			st->log_since += s->f.len;
		if (s->f.flags & FRAME_END) {
			rp->ended_checkpoint = true;
			rp->in_checkpoint = false;
		}
		if (s->w.lamport > st->lamport)
			st->lamport = s->w.lamport;
		advance(st, s);
	}
	return rp->in_checkpoint ? STORE_UNKNOWN : STORE_OK;
}

/* Writers as the fold left them; ours is the one of our host. */
static void
take_writers(struct store *st, struct replay *rp)
{
	size_t i;

	st->nwriters = rp->n;
	st->own = WRITERS_MAX;
	for (i = 0; i < rp->n; i++) {
		st->writers[i] = rp->s[i].w;
		if (rp->s[i].w.host == st->host &&
		    (st->own == WRITERS_MAX ||
			st->writers[st->own].lamport < rp->s[i].w.lamport))
			st->own = i;
	}
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
		rp->s[i] = (struct series){
		    .w = w, .first = rp->s[i].first, .last = rp->s[i].last};
	}
	rp->in_checkpoint = rp->ended_checkpoint = false;
}

/* The whole log, from the newest whole checkpoint that there is. */
static enum store_result
fold_all(struct store *st, struct replay *rp)
{
	enum store_result result;
	struct series *s;
	uint32_t seg;
	bool checkpoint;
	size_t i;

	for (i = 0; i < rp->n; i++) {
		s = &rp->s[i];
		for (seg = s->last; seg > 0 && seg >= s->first; seg--) {
			checkpoint = false;
			if (begin_at(st, s, seg, &checkpoint) == -1 ||
			    !checkpoint)
				continue;
			rp->in_checkpoint = true;
			result = fold(st, rp, false);
			if (result == STORE_OK)
				return result;
			state_reset(st);
			st->damage[0] = '\0';
			rewind_all(rp);
			if (snap_new(st) == -1)
				return sys_result();
		}
		rewind_all(rp);
	}
	for (i = 0; i < rp->n; i++) {
		if (begin_at(st, &rp->s[i], rp->s[i].first, &checkpoint) ==
			-1 ||
		    checkpoint) {
			damaged(st, "log segment %u cannot be read",
			    rp->s[i].first);
			rp->s[i].ended = true;
		}
	}
	return fold(st, rp, false);
}

static enum store_result
fold_tail(struct store *st, struct replay *rp)
{
	bool checkpoint;
	size_t i;
	int r;

	for (i = 0; i < rp->n; i++) {
		r = begin_from(st, &rp->s[i]);
		if (r == 1)
			r = begin_at(
			    st, &rp->s[i], rp->s[i].first, &checkpoint);
		if (r == -1)
			return STORE_UNKNOWN;
	}
	if (rp->n < st->nwriters)
		return STORE_UNKNOWN;
	return fold(st, rp, true);
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
	size_t i;

	rp = calloc(1, sizeof(*rp));
	if (rp == NULL)
		return STORE_IO;
	st->replaying = true;
	result = STORE_IO;
	if (list_series(st, rp) == 0)
		result = from_snapshot ? fold_tail(st, rp) : fold_all(st, rp);
	st->replaying = false;
	if (result == STORE_OK)
		take_writers(st, rp);
	*clean = from_snapshot && result == STORE_OK &&
	    (st->own == WRITERS_MAX ||
		(!rp->s[st->own].moved && rp->s[st->own].rest_zero));
	for (i = 0; i < rp->n; i++) {
		free(rp->s[i].seg);
		buf_clear(&rp->s[i].plain);
	}
	free(rp);
	return result;
}
