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
 * The operation log, writing: segments of one writer, zeroed ahead so that a
 * commit is one write and one fdatasync that changes no metadata.  One frame
 * is under way at a time: whatever lies after a bad frame was synced after
 * it, and tells corruption from a torn end.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define ZEROS 65536

static const uint8_t magic[8] = "SMlogs\0\1";

struct writer *
own_writer(struct store *st)
{
	return &st->writers[st->own];
}

int
log_key(struct store *st, uint32_t epoch, uint8_t key[SEAL_KEY_LEN])
{
	return seal_ring_log(st->ring, epoch, key);
}

void
seg_name(const struct writer *w, uint32_t seg, char *name, size_t size)
{
	char id[WRITER_LEN * 2 + 1];

	seal_hex(w->id, WRITER_LEN, id);
	(void)snprintf(name, size, "log/%s.%u", id, seg);
}

int
seg_parse_name(const char *name, uint8_t writer[WRITER_LEN], uint32_t *seg)
{
	const char *end;
	char id[WRITER_LEN * 2 + 1];

	if (strlen(name) < sizeof(id) + 1 || name[WRITER_LEN * 2] != '.')
		return -1;
	(void)strlcpy(id, name, sizeof(id));
	if (seal_unhex(id, writer, WRITER_LEN) == -1)
		return -1;
	*seg = (uint32_t)strtonum(
	    name + WRITER_LEN * 2 + 1, 1, UINT32_MAX - 1, &end);
	return end == NULL ? 0 : -1;
}

static int
make_header(struct store *st, const struct writer *w, uint8_t flags,
    uint8_t out[SEG_HEADER])
{
	struct buf b = {0};
	int r;

	buf_put(&b, magic, sizeof(magic));
	buf_put(&b, st->account, STORE_ID);
	buf_put(&b, w->id, WRITER_LEN);
	buf_put8(&b, w->host);
	buf_put8(&b, flags);
	buf_put16(&b, 0);
	buf_put32(&b, w->seg + 1);
	buf_put64(&b, w->seq + 1);
	buf_put(&b, w->chain, SEAL_CHAIN_LEN);
	r = b.failed || b.len != SEG_HEADER ? -1 : 0;
	if (r == 0)
		memcpy(out, b.p, SEG_HEADER);
	buf_clear(&b);
	return r;
}

int
seg_header_parse(struct store *st, const uint8_t *p, struct seg_header *h)
{
	struct rd r = {p, SEG_HEADER, 0, false};
	const uint8_t *m, *account;

	m = rd_raw(&r, sizeof(magic));
	account = rd_raw(&r, STORE_ID);
	if (memcmp(m, magic, sizeof(magic)) != 0 ||
	    memcmp(account, st->account, STORE_ID) != 0)
		return -1;
	rd_copy(&r, h->writer, WRITER_LEN);
	h->host = rd8(&r);
	h->flags = rd8(&r);
	(void)rd16(&r);
	h->seg = rd32(&r);
	h->first_seq = rd64(&r);
	rd_copy(&r, h->chain, SEAL_CHAIN_LEN);
	return h->host > 1 ? -1 : 0;
}

static int
put_zeros(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[ZEROS];
	size_t n;

	for (; from < to; from += n) {
		n = to - from < ZEROS ? (size_t)(to - from) : ZEROS;
		if (sys_write(fd, zeros, n, (off_t)from) == -1)
			return -1;
	}
	return 0;
}

/* A file named .new in log/: len octets of data, zeros up to size. */
static int
new_file(struct store *st, const uint8_t *data, size_t len, uint64_t size)
{
	int fd;

	if (sys()->unlink(st->acct, "log/.new", 0) == -1 && errno != ENOENT)
		return -1;
	fd = sys_create(st->acct, "log/.new", 0600);
	if (fd == -1)
		return -1;
	if (sys_write(fd, data, len, 0) == -1 ||
	    put_zeros(fd, len, size) == -1 || sys_fsync(fd) == -1) {
		(void)close(fd);
		(void)sys()->unlink(st->acct, "log/.new", 0);
		return -1;
	}
	return fd;
}

/* Gives .new its name, durably. */
static int
name_file(struct store *st, int fd, uint32_t seg)
{
	char name[64];

	seg_name(own_writer(st), seg, name, sizeof(name));
	if (sys()->rename(st->acct, "log/.new", st->acct, name) == -1 ||
	    sys_sync_dir(st->acct, "log") == -1) {
		(void)close(fd);
		return -1;
	}
	if (st->log_fd != -1)
		(void)close(st->log_fd);
	st->log_fd = fd;
	return 0;
}

int
log_new_segment(struct store *st, size_t room, uint8_t flags)
{
	uint8_t header[SEG_HEADER];
	struct writer *w;
	uint64_t size;
	int fd;

	w = own_writer(st);
	size = SEG_HEADER + (uint64_t)room;
	size += LOG_SPARE;
	if (w->seg > 0 && size < SEG_STEP)
		size = SEG_STEP;
	if (size < SEG_FIRST)
		size = SEG_FIRST;
	if (make_header(st, w, flags, header) == -1)
		return -1;
	fd = new_file(st, header, sizeof(header), size);
	if (fd == -1 || name_file(st, fd, w->seg + 1) == -1)
		return -1;
	w->seg++;
	w->off = SEG_HEADER;
	st->log_alloc = size;
	return 0;
}

/* What is queued may be flushed in between, as a frame of its own. */
static size_t
frames_size(const struct store *st, size_t len)
{
	return seal_frame_size(st->ops.len + 16) + seal_frame_size(len + 16);
}

static bool
fits(struct store *st, size_t need)
{
	return st->log_fd != -1 && need <= st->log_alloc &&
	    own_writer(st)->off <= st->log_alloc - need;
}

enum store_result
log_reserve(struct store *st, size_t len)
{
	struct writer *w;
	uint64_t end;
	size_t need;

	w = own_writer(st);
	need = frames_size(st, len) + LOG_SPARE;
	if (fits(st, need))
		return STORE_OK;
	if (st->log_fd == -1 || (w->off + need > SEG_MAX && w->off > SEG_FIRST))
		return log_new_segment(st, need, 0) == -1 ? sys_result() :
							    STORE_OK;
	end = w->off + need + SEG_STEP;
	if (put_zeros(st->log_fd, st->log_alloc, end) == -1)
		return sys_result();
	st->log_alloc = end;
	/* The new size must not cost the commits to come. */
	return sys_fsync(st->log_fd) == -1 ? STORE_IO : STORE_OK;
}

enum store_result
log_spare(struct store *st, size_t len, size_t keep)
{
	return fits(st, frames_size(st, len) + keep) ? STORE_OK : STORE_NOSPACE;
}

int
log_write(struct store *st, uint8_t flags)
{
	struct seal_frame f;
	struct writer *w;
	uint8_t key[SEAL_KEY_LEN], *out;
	size_t size;
	int r;

	if (st->ops.len == 0)
		return 0;
	if (place_sync(st) == -1 ||
	    (!fits(st, frames_size(st, 0)) && log_reserve(st, 0) != STORE_OK))
		return -1;
	w = own_writer(st);
	size = seal_frame_size(st->ops.len);
	out = malloc(size);
	if (out == NULL || st->ops.failed)
		goto err;
	memset(&f, 0, sizeof(f));
	f.flags = flags;
	f.nops = (uint16_t)st->nops;
	f.epoch = seal_ring_epoch(st->ring);
	f.seq = w->seq + 1;
	if (log_key(st, f.epoch, key) == -1)
		goto err;
	r = seal_frame_seal(key, &f, w->chain, st->ops.p, st->ops.len, out);
	explicit_bzero(key, sizeof(key));
	if (r == -1 || sys_write(st->log_fd, out, f.len, (off_t)w->off) == -1 ||
	    sys()->fdatasync(st->log_fd) == -1)
		goto err;
	free(out);
	w->off += f.len;
	w->seq++;
	w->lamport = st->lamport;
	if (st->ops_news)
		w->news = w->seq;
	st->ops_news = false;
	/* A checkpoint is not what has to be read after it. */
	if (!(flags & FRAME_CHECKPOINT))
		st->log_since += f.len;
	buf_reset(&st->ops, 0);
	st->nops = 0;
	return 0;
err:
	free(out);
	return -1;
}

/*
 * The frames as a new file; on a full disk over themselves, where each sector
 * is what it was or what it shall be, and zeros behind them.
 */
static int
certain(struct store *st, int fd, const uint8_t *data, uint64_t size)
{
	struct writer *w = own_writer(st);
	uint64_t alloc;
	int new;

	alloc = w->off + SEG_FIRST;
	new = new_file(st, data, (size_t)w->off, alloc);
	if (new != -1) {
		if (name_file(st, new, w->seg) == -1)
			return -1;
		(void)close(fd);
		st->log_alloc = alloc;
		return 0;
	}
	if (sys_result() != STORE_NOSPACE ||
	    sys_write(fd, data, (size_t)w->off, 0) == -1 ||
	    put_zeros(fd, w->off, size) == -1 || sys_fsync(fd) == -1)
		return -1;
	st->log_fd = fd;
	st->log_alloc = size;
	return 0;
}

/* The last segment, for writing; made certain where its state is open. */
int
log_reopen(struct store *st, bool copy)
{
	struct writer *w;
	struct stat sb;
	uint8_t *data;
	char name[64];
	int fd, r;

	w = own_writer(st);
	if (w->seg == 0)
		return 0;
	seg_name(w, w->seg, name, sizeof(name));
	fd = sys_open(st->acct, name, O_RDWR);
	if (fd == -1)
		return -1;
	if (fstat(fd, &sb) == -1) {
		(void)close(fd);
		return -1;
	}
	if (!copy) {
		st->log_fd = fd;
		st->log_alloc = (uint64_t)sb.st_size;
		return 0;
	}
	data = malloc((size_t)w->off);
	r = -1;
	if (data != NULL &&
	    sys_read(fd, data, (size_t)w->off, 0) == (ssize_t)w->off)
		r = certain(st, fd, data, (uint64_t)sb.st_size);
	free(data);
	if (r == -1 && st->log_fd != fd)
		(void)close(fd);
	return r;
}
