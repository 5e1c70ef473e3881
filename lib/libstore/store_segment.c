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
 * The log as anybody can read it: segment headers, frames by length, checksum
 * and number, and how segments follow each other.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_keyless.h"

static const uint8_t magic[8] = "SMlogs\0\1";

static int
segment_parse(const char *name, struct segment_name *s)
{
	const char *end;
	char id[WRITER_LEN * 2 + 1];

	if (strlen(name) < sizeof(id) + 1 || name[WRITER_LEN * 2] != '.')
		return -1;
	(void)strlcpy(id, name, sizeof(id));
	if (seal_unhex(id, s->writer, WRITER_LEN) == -1)
		return -1;
	s->seg = (uint32_t)strtonum(
	    name + WRITER_LEN * 2 + 1, 1, UINT32_MAX - 1, &end);
	return end == NULL ? 0 : -1;
}

void
segment_print(const struct segment_name *s, char *name, size_t size)
{
	char id[WRITER_LEN * 2 + 1];

	seal_hex(s->writer, WRITER_LEN, id);
	(void)snprintf(name, size, "%s.%u", id, s->seg);
}

static int
segment_cmp(const void *a, const void *b)
{
	const struct segment_name *x = a, *y = b;
	int c;

	c = memcmp(x->writer, y->writer, WRITER_LEN);
	if (c != 0)
		return c;
	return x->seg < y->seg ? -1 : x->seg > y->seg;
}

int
segment_list(int logfd, struct segment_name **list, size_t *n)
{
	struct segment_name one, *p;
	struct dirent *de;
	size_t size;
	DIR *dir;
	int fd;

	*list = NULL;
	*n = size = 0;
	fd = sys_open(logfd, ".", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while ((de = readdir(dir)) != NULL && *n < SEGMENTS_MAX) {
		if (segment_parse(de->d_name, &one) == -1)
			continue;
		if (*n == size) {
			size = size == 0 ? 64 : size * 2;
			p = reallocarray(*list, size, sizeof(one));
			if (p == NULL) {
				(void)closedir(dir);
				free(*list);
				*list = NULL;
				return -1;
			}
			*list = p;
		}
		(*list)[(*n)++] = one;
	}
	(void)closedir(dir);
	if (*n > 1)
		qsort(*list, *n, sizeof(one), segment_cmp);
	return 0;
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static bool
frame_at(const uint8_t *p, size_t len, struct seal_frame *f)
{
	return len > SEAL_FRAME_HEADER && seal_frame_parse(p, len, f) == 0 &&
	    f->len <= len && seal_frame_check(p, f) == 0;
}

static bool
frame_after(const uint8_t *p, size_t len)
{
	struct seal_frame f;
	size_t i;

	for (i = 0; len - i > SEAL_FRAME_HEADER; i++) {
		if (p[i] != 0 && frame_at(p + i, len - i, &f))
			return true;
	}
	return false;
}

/* From the header on: the frames, then what is behind them. */
static void
segment_walk(struct segment *s)
{
	struct seal_frame f;
	const uint8_t *p;

	s->end = SEG_HEADER;
	s->last_seq = s->first_seq - 1;
	memcpy(s->tag, s->chain, SEAL_CHAIN_LEN);
	for (;;) {
		p = s->data + s->end;
		if (!frame_at(p, s->len - s->end, &f) ||
		    f.seq != s->last_seq + 1)
			break;
		s->last_seq = f.seq;
		memcpy(s->tag, p + f.len - SEAL_TAG_LEN, SEAL_CHAIN_LEN);
		if ((f.flags & (FRAME_CHECKPOINT | FRAME_END)) ==
		    (FRAME_CHECKPOINT | FRAME_END))
			s->ends_checkpoint = true;
		s->end += f.len;
	}
	if (all_zero(p, s->len - s->end))
		s->state = SEGMENT_GOOD;
	else if (frame_after(p, s->len - s->end))
		s->state = SEGMENT_DAMAGED;
	else
		s->state = SEGMENT_TORN;
}

static enum segment_state
segment_load(int logfd, const struct segment_name *name, struct segment *s)
{
	struct stat sb;
	char file[64];
	int fd;

	segment_print(name, file, sizeof(file));
	fd = sys_open(logfd, file, O_RDONLY);
	if (fd == -1)
		return SEGMENT_IO;
	if (fstat(fd, &sb) == -1 || !S_ISREG(sb.st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return SEGMENT_IO;
	}
	if (sb.st_size > SEGMENT_MAX) {
		(void)close(fd);
		return SEGMENT_LARGE;
	}
	s->len = (size_t)sb.st_size;
	s->data = malloc(s->len + 1);
	if (s->data == NULL ||
	    sys_read(fd, s->data, s->len, 0) != (ssize_t)s->len) {
		(void)close(fd);
		return SEGMENT_IO;
	}
	(void)close(fd);
	return SEGMENT_GOOD;
}

void
segment_read(int logfd, const struct segment_name *name, const uint8_t *account,
    struct segment *s)
{
	const uint8_t *m, *id, *writer;
	struct rd r;
	uint8_t host;

	memset(s, 0, sizeof(*s));
	s->state = segment_load(logfd, name, s);
	if (s->state != SEGMENT_GOOD)
		return;
	s->state = SEGMENT_FOREIGN;
	if (s->len < SEG_HEADER)
		return;
	r = (struct rd){s->data, SEG_HEADER, 0, false};
	m = rd_raw(&r, sizeof(magic));
	id = rd_raw(&r, STORE_ID);
	writer = rd_raw(&r, WRITER_LEN);
	host = rd8(&r);
	s->begins_checkpoint = (rd8(&r) & SEG_CHECKPOINT) != 0;
	if (memcmp(m, magic, sizeof(magic)) != 0 ||
	    (account != NULL && memcmp(id, account, STORE_ID) != 0) ||
	    memcmp(writer, name->writer, WRITER_LEN) != 0 || host > 1 ||
	    rd16(&r) != 0 || rd32(&r) != name->seg)
		return;
	s->first_seq = rd64(&r);
	rd_copy(&r, s->chain, SEAL_CHAIN_LEN);
	if (s->first_seq == 0)
		return;
	segment_walk(s);
}

/* A series, as far as it was followed. */
struct follow {
	bool begun;
	uint32_t seg;
	uint64_t seq;
	uint8_t tag[SEAL_CHAIN_LEN];
	uint32_t gap;   /* the segment that does not follow; 0: none */
	bool gap_first; /* it is the first that is there */
	uint32_t begin; /* the segment where a checkpoint began */
};

/* Does the series begin here, or go on from the one before? */
static bool
follows(const struct follow *fo, const struct segment_name *name,
    const struct segment *s, const uint8_t *account)
{
	uint8_t chain[SEAL_CHAIN_LEN];

	if (fo->begun)
		return name->seg == fo->seg + 1 &&
		    s->first_seq == fo->seq + 1 &&
		    memcmp(s->chain, fo->tag, SEAL_CHAIN_LEN) == 0;
	if (s->begins_checkpoint)
		return true;
	if (s->first_seq != 1)
		return false;
	if (account == NULL)
		return true;
	seal_chain_start(account, name->writer, WRITER_LEN, chain);
	return memcmp(s->chain, chain, SEAL_CHAIN_LEN) == 0;
}

static const char *
segment_fault(const struct segment *s, char *buf, size_t size)
{
	switch (s->state) {
	case SEGMENT_GOOD:
		return NULL;
	case SEGMENT_TORN:
		(void)snprintf(buf, size,
		    "no whole frame at octet %zu, where frames end", s->end);
		return buf;
	case SEGMENT_DAMAGED:
		(void)snprintf(
		    buf, size, "damaged at octet %zu, before others", s->end);
		return buf;
	case SEGMENT_FOREIGN:
		return "its header is damaged, or of another account or name";
	case SEGMENT_LARGE:
		return "larger than a segment can be";
	case SEGMENT_IO:
		return "cannot be read";
	}
	return NULL;
}

struct pass {
	int logfd;
	const uint8_t *account;
	void (*tell)(void *, const char *, const char *);
	void *arg;
	uint64_t files;
	uint64_t octets;
	bool whole; /* some series holds a whole checkpoint */
};

static void
tell_name(struct pass *pa, const struct segment_name *name, const char *what)
{
	char file[64], path[80];

	segment_print(name, file, sizeof(file));
	(void)snprintf(path, sizeof(path), "log/%s", file);
	pa->tell(pa->arg, path, what);
}

/* 1: a segment has gone, so the list is old. */
static int
pass_segment(
    struct pass *pa, struct follow *fo, const struct segment_name *name)
{
	struct segment s;
	char buf[128];
	const char *what;

	segment_read(pa->logfd, name, pa->account, &s);
	if (s.state == SEGMENT_IO && errno == ENOENT)
		return 1;
	pa->files++;
	pa->octets += s.len;
	what = segment_fault(&s, buf, sizeof(buf));
	if (what != NULL)
		tell_name(pa, name, what);
	if (s.state != SEGMENT_GOOD && s.state != SEGMENT_TORN &&
	    s.state != SEGMENT_DAMAGED) {
		free(s.data);
		return 0;
	}
	/* A gap that a later checkpoint covers is what retirement leaves. */
	if (!follows(fo, name, &s, pa->account) && fo->gap == 0) {
		fo->gap = name->seg;
		fo->gap_first = !fo->begun;
	}
	if (s.begins_checkpoint)
		fo->begin = name->seg;
	if (s.ends_checkpoint && fo->begin != 0) {
		if (fo->begin >= fo->gap)
			fo->gap = 0;
		pa->whole = true;
	}
	fo->begun = true;
	fo->seg = name->seg;
	fo->seq = s.last_seq;
	memcpy(fo->tag, s.tag, SEAL_CHAIN_LEN);
	free(s.data);
	return 0;
}

static int
pass_all(struct pass *pa, const struct segment_name *list, size_t n)
{
	struct segment_name gaps[WRITERS_MAX];
	bool first[WRITERS_MAX];
	struct follow fo;
	size_t i, ngaps;

	memset(&fo, 0, sizeof(fo));
	ngaps = 0;
	for (i = 0; i < n; i++) {
		if (pass_segment(pa, &fo, &list[i]) == 1)
			return 1;
		if (i + 1 < n &&
		    memcmp(list[i].writer, list[i + 1].writer, WRITER_LEN) == 0)
			continue;
		if (fo.gap != 0 && ngaps < WRITERS_MAX) {
			gaps[ngaps] = list[i];
			gaps[ngaps].seg = fo.gap;
			first[ngaps++] = fo.gap_first;
		}
		memset(&fo, 0, sizeof(fo));
	}
	/* Another writer's checkpoint may cover the beginning of a series. */
	for (i = 0; i < ngaps; i++) {
		if (!(first[i] && pa->whole))
			tell_name(pa, &gaps[i],
			    "does not follow the segment before it, or that "
			    "one is missing");
	}
	return 0;
}

int
log_check(int logfd, const uint8_t *account,
    void (*tell)(void *, const char *file, const char *what), void *arg,
    uint64_t *files, uint64_t *octets)
{
	struct segment_name *list;
	struct pass pa = {logfd, account, tell, arg, 0, 0, false};
	size_t n;
	int r;

	if (segment_list(logfd, &list, &n) == -1)
		return -1;
	r = pass_all(&pa, list, n);
	free(list);
	*files = pa.files;
	*octets = pa.octets;
	return r;
}
