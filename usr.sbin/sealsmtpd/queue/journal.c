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
 * Segments of sealed frames (seal_log.h), chained within a segment.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "log.h"
#include "seal_log.h"

#define NAME_MAX_LEN 32
#define READ_STEP (1024 * 1024)

#define DAMAGED ".damaged"

struct segment {
	uint32_t n;
	uint64_t size;
	bool damaged;
};

static struct {
	struct segment segments[JOURNAL_SEGMENTS_MAX]; /* the last is current */
	size_t n_segments;
	uint8_t key[JOURNAL_KEY_LEN];
	uint8_t chain[SEAL_CHAIN_LEN];
	uint64_t seq;
	int (*replay)(struct reader *);
	int dir;
	int fd;       /* of the current segment */
	bool refused; /* a record that there cannot be */
	bool kept;    /* segments that are damaged, from before */
} j = {.dir = -1, .fd = -1};

static int find_segments(void);
static int segment_add(const char *);
static int segment_away(const struct segment *);
static int by_number(const void *, const void *);
static int replay_segment(struct segment *, bool, enum journal_state *);
static int replay_frames(int, uint64_t *);
static int replay_frame(const uint8_t *, const struct seal_frame *);
static bool frames_follow(int, uint64_t, uint64_t);
static void segment_name(uint32_t, char *);
static void segment_chain(uint32_t);
static int segment_new(uint32_t);
static int write_all(const uint8_t *, size_t, uint64_t);
static ssize_t read_at(int, uint8_t *, size_t, uint64_t);

int
journal_open(int dirfd, const uint8_t key[JOURNAL_KEY_LEN],
    int (*replay)(struct reader *), enum journal_state *state)
{
	bool last;

	j.dir = dirfd;
	j.replay = replay;
	memcpy(j.key, key, sizeof(j.key));
	*state = JOURNAL_WHOLE;
	if (mkdirat(dirfd, "log", 0700) == -1 && errno != EEXIST)
		return -1;
	if (find_segments() == -1)
		return -1;
	for (size_t i = 0; i < j.n_segments; i++) {
		last = i == j.n_segments - 1;
		if (replay_segment(&j.segments[i], last, state) == -1)
			return -1;
	}
	if (j.refused) {
		log_warnx("queue: the journal has records that make no sense");
		*state = JOURNAL_DAMAGED;
	}
	/* What is damaged stays as it is, for whoever can make use of it. */
	if (j.n_segments == 0)
		return segment_new(1);
	if (*state == JOURNAL_DAMAGED) {
		(void)close(j.fd);
		return segment_new(j.segments[j.n_segments - 1].n + 1);
	}
	if (j.kept)
		*state = JOURNAL_DAMAGED;
	return 0;
}

int
journal_write(const struct buf *ops, uint16_t nops)
{
	uint8_t chain[SEAL_CHAIN_LEN];
	struct segment *s;
	struct seal_frame f = {0};
	uint8_t *frame;
	size_t size;
	int ret, saved_errno;

	s = &j.segments[j.n_segments - 1];
	size = seal_frame_size(ops->len);
	frame = malloc(size);
	if (frame == NULL)
		fatal("malloc");
	f.nops = nops;
	f.seq = j.seq + 1;
	memcpy(chain, j.chain, sizeof(chain));
	ret = seal_frame_seal(j.key, &f, chain, ops->data, ops->len, frame);
	if (ret == 0)
		ret = write_all(frame, size, s->size);
	saved_errno = errno;
	free(frame);
	if (ret == 0) {
		s->size += size;
		j.seq = f.seq;
		memcpy(j.chain, chain, sizeof(chain));
		return 0;
	}
	/* Half a frame would hide those after it. */
	if (ftruncate(j.fd, (off_t)s->size) == -1)
		fatal("queue: the journal cannot be cut");
	errno = saved_errno;
	return -1;
}

int
journal_sync(void)
{
	return fdatasync(j.fd);
}

uint64_t
journal_size(void)
{
	uint64_t size;

	size = 0;
	for (size_t i = 0; i < j.n_segments; i++)
		size += j.segments[i].size;
	return size;
}

int
journal_next(void)
{
	int old;

	if (j.n_segments == JOURNAL_SEGMENTS_MAX) {
		errno = EMLINK;
		return -1;
	}
	/* Nothing new may be durable before what it follows. */
	if (journal_sync() == -1)
		fatal("queue: sync of the journal");
	old = j.fd;
	if (segment_new(j.segments[j.n_segments - 1].n + 1) == -1)
		return -1;
	(void)close(old);
	return 0;
}

int
journal_settle(void)
{
	int fd;

	if (journal_sync() == -1)
		fatal("queue: sync of the journal");
	/* What says that something is missing goes nowhere before the rest. */
	for (size_t i = 0; i + 1 < j.n_segments; i++)
		if (j.segments[i].damaged && segment_away(&j.segments[i]) == -1)
			return -1;
	for (size_t i = 0; i + 1 < j.n_segments; i++)
		if (!j.segments[i].damaged &&
		    segment_away(&j.segments[i]) == -1)
			return -1;
	j.segments[0] = j.segments[j.n_segments - 1];
	j.n_segments = 1;
	fd = openat(j.dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fsync(fd) == -1)
		log_warn("queue: sync of log");
	(void)close(fd);
	return 0;
}

/*
 * One that compaction has replaced.  Of a damaged one there may be entries that
 * nobody has read: it is kept under another name, for whoever can make use of
 * it, and as long as it is there files without an entry are kept, too.
 */
static int
segment_away(const struct segment *s)
{
	char name[NAME_MAX_LEN], aside[NAME_MAX_LEN + sizeof(DAMAGED)];

	segment_name(s->n, name);
	if (!s->damaged)
		return unlinkat(j.dir, name, 0) == -1 && errno != ENOENT ? -1 :
									   0;
	(void)snprintf(aside, sizeof(aside), "%s" DAMAGED, name);
	if (renameat(j.dir, name, j.dir, aside) == -1 && errno != ENOENT)
		return -1;
	log_warnx("queue: %s is kept", aside);
	j.kept = true;
	return 0;
}

static int
find_segments(void)
{
	struct dirent *de;
	int fd, ret = 0;
	DIR *d;

	fd = openat(j.dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	d = fdopendir(fd);
	if (d == NULL) {
		(void)close(fd);
		return -1;
	}
	while (ret == 0 && (de = readdir(d)) != NULL)
		ret = segment_add(de->d_name);
	(void)closedir(d);
	qsort(j.segments, j.n_segments, sizeof(j.segments[0]), by_number);
	return ret;
}

/* A name of the folder: a segment's, one that is kept, or another. */
static int
segment_add(const char *name)
{
	const char *wrong;
	size_t len = strlen(name);
	long long n;

	if (len > strlen(DAMAGED) &&
	    strcmp(name + len - strlen(DAMAGED), DAMAGED) == 0) {
		log_warnx("queue: log/%s is there yet", name);
		j.kept = true;
	}
	n = strtonum(name, 1, UINT32_MAX, &wrong);
	if (wrong != NULL)
		return 0;
	if (j.n_segments == JOURNAL_SEGMENTS_MAX) {
		errno = EMLINK;
		return -1;
	}
	j.segments[j.n_segments++].n = (uint32_t)n;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct segment *x, *y;

	x = a;
	y = b;
	return x->n < y->n ? -1 : x->n > y->n;
}

/*
 * The longest run of frames that verify.  What is left over at the end of the
 * last segment is a write that was cut short, and goes; frames that verify
 * after one that does not are damage, and stay.
 */
static int
replay_segment(struct segment *s, bool last, enum journal_state *state)
{
	char name[NAME_MAX_LEN];
	struct stat st;
	uint64_t good;
	bool refused;
	int fd;

	segment_name(s->n, name);
	fd = openat(j.dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 || fstat(fd, &st) == -1)
		return -1;
	s->size = (uint64_t)st.st_size;
	segment_chain(s->n);
	refused = j.refused;
	j.refused = false;
	if (replay_frames(fd, &good) == -1)
		return -1;
	s->damaged = j.refused;
	j.refused |= refused;
	if (good < s->size) {
		if (!last || frames_follow(fd, good, s->size)) {
			log_warnx("queue: %s is damaged at octet %" PRIu64,
			    name, good);
			*state = JOURNAL_DAMAGED;
			s->damaged = true;
		} else if (*state == JOURNAL_WHOLE) {
			log_warnx("queue: %s: a write of %" PRIu64
				  " octets was cut short",
			    name, s->size - good);
			if (ftruncate(fd, (off_t)good) == -1)
				return -1;
			s->size = good;
		}
	}
	if (!last) {
		(void)close(fd);
		return 0;
	}
	/* What the page cache shows may not be on the disk. */
	if (fsync(fd) == -1)
		return -1;
	j.fd = fd;
	return 0;
}

static int
replay_frames(int fd, uint64_t *good)
{
	struct seal_frame f;
	uint8_t *buf;
	uint64_t base;
	size_t have, at;
	ssize_t n;
	int ret;

	buf = malloc(2 * READ_STEP + SEAL_FRAME_EXTRA);
	if (buf == NULL)
		fatal("malloc");
	*good = base = 0;
	have = at = 0;
	ret = 0;
	for (;;) {
		if (seal_frame_parse(buf + at, have - at, &f) == 0 &&
		    f.len <= have - at) {
			if (seal_frame_check(buf + at, &f) == -1 ||
			    replay_frame(buf + at, &f) == -1)
				break;
			at += f.len;
			*good = base + at;
			continue;
		}
		memmove(buf, buf + at, have - at);
		base += at;
		have -= at;
		at = 0;
		n = read_at(fd, buf + have,
		    2 * READ_STEP + SEAL_FRAME_EXTRA - have, base + have);
		if (n <= 0) {
			ret = n == 0 ? 0 : -1;
			break;
		}
		have += (size_t)n;
	}
	freezero(buf, 2 * READ_STEP + SEAL_FRAME_EXTRA);
	return ret;
}

static int
replay_frame(const uint8_t *frame, const struct seal_frame *f)
{
	struct reader r = {0};
	uint8_t *ops;
	size_t len;
	int ret;

	ops = malloc(f->len);
	if (ops == NULL)
		fatal("malloc");
	ret = -1;
	if (seal_frame_open(j.key, f, j.chain, frame, ops, &len) == 0) {
		r.data = ops;
		r.len = len;
		ret = 0;
		for (uint16_t i = 0; ret == 0 && i < f->nops; i++)
			ret = j.replay(&r);
		if (ret == -1 || r.bad || r.off != r.len)
			j.refused = true;
		ret = 0;
		j.seq = f->seq;
	}
	freezero(ops, f->len);
	return ret;
}

/* Is there a whole frame behind one that is none? */
static bool
frames_follow(int fd, uint64_t from, uint64_t size)
{
	struct seal_frame f;
	uint8_t *buf;
	uint64_t off;
	ssize_t n;
	bool found;

	buf = malloc(2 * READ_STEP);
	if (buf == NULL)
		fatal("malloc");
	found = false;
	for (off = from + 1; !found && off < size; off += READ_STEP) {
		n = read_at(fd, buf, 2 * READ_STEP, off);
		for (ssize_t i = 0; !found && i < n && i < READ_STEP; i++)
			found = seal_frame_parse(
				    buf + i, (size_t)(n - i), &f) == 0 &&
			    f.len <= (size_t)(n - i) &&
			    seal_frame_check(buf + i, &f) == 0;
	}
	freezero(buf, 2 * READ_STEP);
	return found;
}

static void
segment_name(uint32_t n, char *name)
{
	(void)snprintf(name, NAME_MAX_LEN, "log/%" PRIu32, n);
}

static void
segment_chain(uint32_t n)
{
	static const uint8_t id[SEAL_ID_LEN] = "sealmail queue";
	uint8_t be[4];

	be[0] = (uint8_t)(n >> 24);
	be[1] = (uint8_t)(n >> 16);
	be[2] = (uint8_t)(n >> 8);
	be[3] = (uint8_t)n;
	seal_chain_start(id, be, sizeof(be), j.chain);
}

static int
segment_new(uint32_t n)
{
	char name[NAME_MAX_LEN];
	int fd, dfd;

	if (j.n_segments == JOURNAL_SEGMENTS_MAX) {
		errno = EMLINK;
		return -1;
	}
	segment_name(n, name);
	fd = openat(j.dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	dfd = openat(j.dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd == -1 || fsync(dfd) == -1) {
		if (dfd != -1)
			(void)close(dfd);
		(void)close(fd);
		return -1;
	}
	(void)close(dfd);
	j.segments[j.n_segments].n = n;
	j.segments[j.n_segments].size = 0;
	j.segments[j.n_segments].damaged = false;
	j.n_segments++;
	j.fd = fd;
	segment_chain(n);
	return 0;
}

static int
write_all(const uint8_t *p, size_t len, uint64_t off)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(j.fd, p, len, (off_t)off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t
read_at(int fd, uint8_t *p, size_t len, uint64_t off)
{
	ssize_t n;

	do
		n = pread(fd, p, len, (off_t)off);
	while (n == -1 && errno == EINTR);
	return n;
}
