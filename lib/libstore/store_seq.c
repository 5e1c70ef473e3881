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
 * Sealed files of the snapshot that are written once, from front to end, and
 * read the same way: a header, then blocks of 64 KiB plain, each bound to the
 * header, its number and whether it is the last.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define SEQ_HEADER 32
#define SEQ_BLOCK 65536
#define SEQ_SEALED (SEQ_BLOCK + SEAL_BOX_EXTRA)
#define SEQ_AD (SEQ_HEADER + 9)

static const uint8_t magic[8] = "SMsnap\0\1";

static void
set_ad(struct seq *s, bool last)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		s->ad[SEQ_HEADER + i] = (uint8_t)(s->block >> (56 - 8 * i));
	s->ad[SEQ_HEADER + 8] = last;
}

static int
prepare(struct store *st, struct seq *s, int fd)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->key = st->snap_key;
	if (fd == -1)
		return -1;
	s->plain = malloc(SEQ_BLOCK);
	if (s->plain == NULL) {
		seq_abort(s);
		return -1;
	}
	return 0;
}

int
seq_create(struct store *st, struct seq *s, const char *name, uint8_t kind)
{
	int fd;

	if (sys()->unlink(st->snap_fd, name, 0) == -1 && errno != ENOENT) {
		memset(s, 0, sizeof(*s));
		s->fd = -1;
		return -1;
	}
	fd = sys_create(st->snap_fd, name, 0600);
	if (prepare(st, s, fd) == -1)
		return -1;
	s->writing = true;
	memcpy(s->ad, magic, sizeof(magic));
	s->ad[8] = kind;
	seal_random(s->ad + 16, 16);
	if (sys_write(fd, s->ad, SEQ_HEADER, 0) == -1) {
		seq_abort(s);
		return -1;
	}
	return 0;
}

static int
put_block(struct seq *s, bool last)
{
	uint8_t *out;
	uint64_t off;

	out = sys_scratch();
	if (out == NULL)
		return -1;
	set_ad(s, last);
	seal_box(s->key, s->ad, SEQ_AD, s->plain, s->len, out);
	off = SEQ_HEADER + s->block * SEQ_SEALED;
	if (sys_write(s->fd, out, s->len + SEAL_BOX_EXTRA, (off_t)off) == -1 ||
	    sys_behind(s->fd, off, s->len + SEAL_BOX_EXTRA) == -1)
		return -1;
	s->block++;
	s->len = 0;
	return 0;
}

int
seq_put(struct seq *s, const void *data, size_t len)
{
	const uint8_t *p;
	size_t n;

	for (p = data; len > 0; p += n, len -= n) {
		if (s->len == SEQ_BLOCK && put_block(s, false) == -1)
			return -1;
		n = SEQ_BLOCK - s->len;
		if (n > len)
			n = len;
		memcpy(s->plain + s->len, p, n);
		s->len += n;
	}
	return 0;
}

int
seq_open(
    struct store *st, int dir, struct seq *s, const char *name, uint8_t kind)
{
	return seq_open_take(st, s, sys_open(dir, name, O_RDONLY), kind);
}

int
seq_open_take(struct store *st, struct seq *s, int fd, uint8_t kind)
{
	struct stat sb;

	if (prepare(st, s, fd) == -1)
		return -1;
	if (fstat(s->fd, &sb) == -1 ||
	    sys_read(s->fd, s->ad, SEQ_HEADER, 0) != SEQ_HEADER ||
	    memcmp(s->ad, magic, sizeof(magic)) != 0 || s->ad[8] != kind ||
	    sb.st_size < SEQ_HEADER + SEAL_BOX_EXTRA) {
		errno = EBADMSG;
		seq_abort(s);
		return -1;
	}
	s->size = (uint64_t)sb.st_size - SEQ_HEADER;
	return 0;
}

static int
get_block(struct seq *s)
{
	uint8_t *in;
	uint64_t left;
	size_t n;

	left = s->size - s->block * SEQ_SEALED;
	in = sys_scratch();
	if (in == NULL)
		return -1;
	n = left < SEQ_SEALED ? (size_t)left : SEQ_SEALED;
	set_ad(s, left == n);
	if (n < SEAL_BOX_EXTRA ||
	    sys_read(s->fd, in, n,
		(off_t)(SEQ_HEADER + s->block * SEQ_SEALED)) != (ssize_t)n ||
	    seal_unbox(s->key, s->ad, SEQ_AD, in, n, s->plain) == -1) {
		errno = EBADMSG;
		return -1;
	}
	s->len = n - SEAL_BOX_EXTRA;
	s->off = 0;
	s->block++;
	return 0;
}

bool
seq_done(const struct seq *s)
{
	return s->off == s->len && s->block * SEQ_SEALED >= s->size;
}

int
seq_get(struct seq *s, void *out, size_t len)
{
	uint8_t *p;
	size_t n;

	for (p = out; len > 0; p += n, len -= n) {
		if (s->off == s->len) {
			if (seq_done(s)) {
				errno = EBADMSG;
				return -1;
			}
			if (get_block(s) == -1)
				return -1;
		}
		n = s->len - s->off;
		if (n > len)
			n = len;
		memcpy(p, s->plain + s->off, n);
		s->off += n;
	}
	return 0;
}

int
seq_seek(struct seq *s, uint64_t off)
{
	uint64_t block = off / SEQ_BLOCK;

	if (block > s->size / SEQ_SEALED) {
		errno = EBADMSG;
		return -1;
	}
	s->block = block;
	if (get_block(s) == -1)
		return -1;
	off %= SEQ_BLOCK;
	if (off > s->len) {
		errno = EBADMSG;
		return -1;
	}
	s->off = (size_t)off;
	return 0;
}

int
seq_end(struct seq *s)
{
	int r;

	if (s->writing)
		r = put_block(s, true);
	else if (!seq_done(s)) {
		errno = EBADMSG;
		r = -1;
	} else
		r = 0;
	if (s->writing && r == 0 && close(s->fd) == -1)
		r = -1;
	else if (!s->writing || r == -1)
		(void)close(s->fd);
	s->fd = -1;
	seq_abort(s);
	return r;
}

void
seq_abort(struct seq *s)
{
	int saved;

	saved = errno;
	if (s->fd != -1)
		(void)close(s->fd);
	freezero(s->plain, SEQ_BLOCK);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	errno = saved;
}
