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
 * The series of each writer, read segment by segment: a series goes on to its
 * last frame that verifies and chains; a valid frame behind a bad one is
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

#include "store_series.h"

#define SEG_LIMIT (8 * 1024 * 1024) /* octets of a segment that is read */

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

int
series_list(struct store *st, struct replay *rp)
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
int
series_load(
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
int
series_open(struct store *st, struct series *s)
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

	if (series_load(st, s, s->w.seg + 1, &h) == -1 ||
	    h.first_seq != s->w.seq + 1 ||
	    memcmp(h.chain, s->w.chain, SEAL_CHAIN_LEN) != 0)
		return -1;
	s->w.seg++;
	s->w.off = SEG_HEADER;
	return 0;
}

/* Puts the next frame at hand, or ends the series. */
void
series_advance(struct store *st, struct series *s)
{
	size_t rest;

	s->have = false;
	while (!s->ended) {
		if (series_open(st, s) == 1) {
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
int
series_at(struct store *st, struct series *s, uint32_t seg, bool *checkpoint)
{
	struct seg_header h;
	uint8_t chain[SEAL_CHAIN_LEN];

	if (series_load(st, s, seg, &h) == -1)
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
int
series_from(struct store *st, struct series *s)
{
	struct seg_header h;
	size_t i;

	for (i = 0; i < st->nwriters; i++) {
		if (memcmp(st->writers[i].id, s->w.id, WRITER_LEN) != 0)
			continue;
		s->w = st->writers[i];
		if (s->w.seg == 0 || series_load(st, s, s->w.seg, &h) == -1 ||
		    s->w.off > s->len || s->w.off < SEG_HEADER)
			return -1;
		return 0;
	}
	return 1;
}

int
series_apply(struct store *st, struct series *s)
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

struct series *
series_earliest(struct replay *rp)
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
int
series_bind(struct store *st, struct replay *rp)
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
void
series_passed(struct store *st, struct series *s)
{
	st->writers[s->idx] = s->w;
	if (s->w.lamport > st->lamport)
		st->lamport = s->w.lamport;
}

/* The vector of a checkpoint's BEGIN: writers, and what each had seen. */
int
series_vector(struct store *st, struct series *s)
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
bool
series_begins(const struct series *s)
{
	return s->f.flags & FRAME_CHECKPOINT && s->plain_len > 12 &&
	    s->plain.p[12] == OP_BEGIN;
}

/* Sets a series to go on behind what the checkpoint covers. */
void
series_behind(struct store *st, struct series *s)
{
	struct seg_header h;
	uint32_t seg;

	s->skip = MUTANT(14) ? 0 : st->writers[s->idx].seq;
	for (seg = s->last; seg >= s->first && seg > 0; seg--) {
		if (series_load(st, s, seg, &h) == -1 ||
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

void
series_rewind(struct replay *rp)
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

size_t
series_checkpoints(struct store *st, struct replay *rp, struct candidate *all)
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
			if (series_at(st, s, c.seg, &checkpoint) == -1 ||
			    !checkpoint || series_open(st, s) != 1 ||
			    !(s->f.flags & FRAME_CHECKPOINT))
				continue;
			c.lamport = s->base << 1 | s->w.host;
			add_candidate(all, &n, &c);
			of++;
		}
	}
	series_rewind(rp);
	return n;
}
