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
 * Files of the search index.  sealstore(5) has their form.
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

#include "seal_keys.h"
#include "store_index.h"
#include "store_local.h"

#define HEADER_LEN 32
#define NAME_SIZE 17
#define NEW_NAME "new"
#define TRAILER_LEN 8
#define AD_LEN (HEADER_LEN + 9)
#define KIND_PAGE 1
#define KIND_DIRECTORY 2
#define DIRECTORY_HEAD (4 * 5 + 8)
#define DIRECTORY_MAX                                                    \
	(DIRECTORY_HEAD + 4 * STORE_INDEX_DOCS + 4 * STORE_INDEX_PAGES + \
	    STORE_INDEX_HINT)

struct store_index {
	struct store *store;
	uint8_t *key; /* secret memory */
	int dir;
	uint32_t text;
	struct store_index_segment *segments;
	size_t n;
	/* The segment being made. */
	int fd; /* -1: none */
	uint64_t box;
	uint64_t off;
	uint8_t header[HEADER_LEN];
	uint32_t *lens;
	size_t pages;
};

static const uint8_t magic[8] = "SMindex\1";
static const uint8_t tail[4] = "SMix";

static void
ad_make(const uint8_t *header, uint64_t page, uint8_t kind, uint8_t *ad)
{
	memcpy(ad, header, HEADER_LEN);
	for (unsigned int i = 0; i < 8; i++)
		ad[HEADER_LEN + i] = (uint8_t)(page >> (56 - 8 * i));
	ad[HEADER_LEN + 8] = kind;
}

static void
name_make(const uint8_t *name, char *text)
{
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", name[i]);
}

static int
name_parse(const char *text, uint8_t *name)
{
	unsigned int octet;
	char check[NAME_SIZE];

	if (strlen(text) != NAME_SIZE - 1)
		return -1;
	for (size_t i = 0; i < 8; i++) {
		if (sscanf(text + 2 * i, "%2x", &octet) != 1)
			return -1;
		name[i] = (uint8_t)octet;
	}
	name_make(name, check);
	return strcmp(check, text) == 0 ? 0 : -1;
}

void
store_index_done(struct store_index_view *v)
{
	if (v->fd != -1)
		(void)close(v->fd);
	free(v->raw);
	free(v->uids);
	free(v->lens);
	free(v->offs);
	memset(v, 0, sizeof(*v));
	v->fd = -1;
}

/* The sealed directory at the end of the file, opened into v->raw. */
static int
directory_read(struct store_index_view *v, size_t *len)
{
	uint8_t end[TRAILER_LEN], ad[AD_LEN], *in = sys_scratch();
	struct rd r = {end, sizeof(end), 0, false};
	struct stat sb;
	uint64_t size;

	errno = EBADMSG;
	if (in == NULL || fstat(v->fd, &sb) == -1)
		return -1;
	size = (uint64_t)sb.st_size;
	if (size < HEADER_LEN + TRAILER_LEN ||
	    sys_read(v->fd, v->header, HEADER_LEN, 0) != HEADER_LEN ||
	    memcmp(v->header, magic, sizeof(magic)) != 0 ||
	    sys_read(v->fd, end, TRAILER_LEN, (off_t)(size - TRAILER_LEN)) !=
		TRAILER_LEN ||
	    memcmp(end + 4, tail, sizeof(tail)) != 0)
		return -1;
	*len = rd32(&r);
	if (*len < DIRECTORY_HEAD + SEAL_BOX_EXTRA ||
	    *len > DIRECTORY_MAX + SEAL_BOX_EXTRA ||
	    *len > size - HEADER_LEN - TRAILER_LEN ||
	    sys_read(v->fd, in, *len, (off_t)(size - TRAILER_LEN - *len)) !=
		(ssize_t)*len)
		return -1;
	ad_make(v->header, 0, KIND_DIRECTORY, ad);
	v->raw = malloc(*len);
	if (v->raw == NULL ||
	    seal_unbox(v->key, ad, sizeof(ad), in, *len, v->raw) == -1)
		return -1;
	*len -= SEAL_BOX_EXTRA;
	return 0;
}

/* The lowest and the highest. */
static void
uids_of(struct store_index_segment *s, const uint32_t *uids, size_t n)
{
	s->first = UINT32_MAX;
	s->last = 0;
	for (size_t i = 0; i < n; i++) {
		if (uids[i] < s->first)
			s->first = uids[i];
		if (uids[i] > s->last)
			s->last = uids[i];
	}
}

static int
directory_parse(struct store_index_view *v, size_t len, uint32_t text,
    struct store_index_segment *s)
{
	struct rd r = {v->raw, len, 0, false};
	uint64_t off = HEADER_LEN;

	errno = EBADMSG;
	if (rd32(&r) != text)
		return -1;
	s->box = rd64(&r);
	v->n = rd32(&r);
	v->pages = rd32(&r);
	v->hint_len = rd32(&r);
	if (r.bad || v->n > STORE_INDEX_DOCS || v->pages > STORE_INDEX_PAGES ||
	    len != DIRECTORY_HEAD - 4 + 4 * v->n + 4 * v->pages + v->hint_len)
		return -1;
	s->docs = (uint32_t)v->n;
	v->uids = calloc(v->n + 1, sizeof(*v->uids));
	v->lens = calloc(v->pages + 1, sizeof(*v->lens));
	v->offs = calloc(v->pages + 1, sizeof(*v->offs));
	if (v->uids == NULL || v->lens == NULL || v->offs == NULL)
		return -1;
	for (size_t i = 0; i < v->n; i++)
		v->uids[i] = rd32(&r);
	uids_of(s, v->uids, v->n);
	for (size_t i = 0; i < v->pages; i++) {
		v->lens[i] = rd32(&r);
		v->offs[i] = off;
		off += v->lens[i] + SEAL_BOX_EXTRA;
		if (v->lens[i] > STORE_INDEX_PAGE)
			return -1;
	}
	v->hint = v->raw + len - v->hint_len;
	return 0;
}

static int
view_open(struct store_index *x, const char *name, struct store_index_view *v,
    struct store_index_segment *s)
{
	struct stat sb;
	size_t len;

	memset(v, 0, sizeof(*v));
	v->key = x->key;
	v->fd = sys_open(x->dir, name, O_RDONLY);
	if (v->fd == -1 || fstat(v->fd, &sb) == -1 ||
	    directory_read(v, &len) == -1 ||
	    directory_parse(v, len, x->text, s) == -1) {
		store_index_done(v);
		return -1;
	}
	s->octets = (uint64_t)sb.st_size;
	return 0;
}

static int
segment_add(struct store_index *x, const struct store_index_segment *s)
{
	struct store_index_segment *p;

	if (x->n % 64 == 0) {
		p = reallocarray(x->segments, x->n + 64, sizeof(*p));
		if (p == NULL)
			return -1;
		x->segments = p;
	}
	x->segments[x->n++] = *s;
	return 0;
}

/* Is the file to be kept?  It is read later if that fails just now. */
static bool
look(struct store_index *x, const char *name)
{
	struct store_index_segment s = {0};
	struct store_index_view v;

	if (name_parse(name, s.name) == -1)
		return false;
	if (x->n == STORE_INDEX_SEGMENTS)
		return true;
	if (view_open(x, name, &v, &s) == -1)
		return errno != EBADMSG;
	store_index_done(&v);
	if (store_box_find(x->store, s.box) == NULL)
		return false;
	(void)segment_add(x, &s);
	return true;
}

static int
scan(struct store_index *x)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	fd = sys_open(x->dir, ".", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (!look(x, de->d_name))
			(void)sys()->unlink(x->dir, de->d_name, 0);
	}
	(void)closedir(dir);
	return 0;
}

enum store_result
store_index_open(struct store *st, uint32_t text, struct store_index **xp)
{
	struct store_index *x;

	*xp = NULL;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return STORE_IO;
	x->store = st;
	x->text = text;
	x->fd = -1;
	x->key = secret_alloc(SEAL_KEY_LEN);
	x->dir = sys_open(st->acct, "idx", O_RDONLY | O_DIRECTORY);
	if (x->key == NULL || x->dir == -1) {
		store_index_close(x);
		return sys_result();
	}
	seal_ring_sub(st->ring, SEAL_SUB_INDEX, x->key);
	if (scan(x) == -1) {
		store_index_close(x);
		return sys_result();
	}
	*xp = x;
	return STORE_OK;
}

void
store_index_close(struct store_index *x)
{
	if (x == NULL)
		return;
	store_index_abort(x);
	secret_free(x->key);
	if (x->dir != -1)
		(void)close(x->dir);
	free(x->segments);
	free(x);
}

const struct store_index_segment *
store_index_segments(const struct store_index *x, size_t *n)
{
	*n = x->n;
	return x->segments;
}

enum store_result
store_index_remove(struct store_index *x, size_t i)
{
	char name[NAME_SIZE];

	if (i >= x->n)
		return STORE_UNKNOWN;
	name_make(x->segments[i].name, name);
	x->segments[i] = x->segments[--x->n];
	if (sys()->unlink(x->dir, name, 0) == -1 && errno != ENOENT)
		return sys_result();
	return STORE_OK;
}

void
store_index_tidy(struct store_index *x)
{
	for (size_t i = x->n; i > 0; i--)
		if (store_box_find(x->store, x->segments[i - 1].box) == NULL)
			(void)store_index_remove(x, i - 1);
}

enum store_result
store_index_begin(struct store_index *x, uint64_t box)
{
	store_index_abort(x);
	if (x->n >= STORE_INDEX_SEGMENTS)
		return STORE_LIMIT;
	(void)sys()->unlink(x->dir, NEW_NAME, 0);
	x->lens = calloc(STORE_INDEX_PAGES, sizeof(*x->lens));
	if (x->lens == NULL)
		return STORE_IO;
	x->fd = sys_create(x->dir, NEW_NAME, 0600);
	memset(x->header, 0, sizeof(x->header));
	memcpy(x->header, magic, sizeof(magic));
	seal_random(x->header + 16, 16);
	x->box = box;
	x->pages = 0;
	x->off = HEADER_LEN;
	if (x->fd == -1 || sys_write(x->fd, x->header, HEADER_LEN, 0) == -1) {
		store_index_abort(x);
		return sys_result();
	}
	return STORE_OK;
}

/* Seals and writes what comes next. */
static int
put(struct store_index *x, uint64_t page, uint8_t kind, const void *data,
    size_t len)
{
	uint8_t ad[AD_LEN], *out = sys_scratch();

	if (out == NULL)
		return -1;
	ad_make(x->header, page, kind, ad);
	seal_box(x->key, ad, sizeof(ad), data, len, out);
	if (sys_write(x->fd, out, len + SEAL_BOX_EXTRA, (off_t)x->off) == -1)
		return -1;
	x->off += len + SEAL_BOX_EXTRA;
	return 0;
}

enum store_result
store_index_page(struct store_index *x, const void *data, size_t len)
{
	if (x->fd == -1)
		return STORE_UNKNOWN;
	if (x->pages == STORE_INDEX_PAGES || len > STORE_INDEX_PAGE) {
		store_index_abort(x);
		return STORE_LIMIT;
	}
	if (put(x, x->pages, KIND_PAGE, data, len) == -1) {
		store_index_abort(x);
		return sys_result();
	}
	x->lens[x->pages++] = (uint32_t)len;
	return STORE_OK;
}

/* Directory and trailer; then the file gets its name. */
static int
finish(struct store_index *x, struct buf *b, const char *name)
{
	struct buf end = {0};
	int r;

	buf_put32(&end, (uint32_t)(b->len + SEAL_BOX_EXTRA));
	buf_put(&end, tail, sizeof(tail));
	r = b->failed || end.failed ? -1 : 0;
	if (r == 0)
		r = put(x, 0, KIND_DIRECTORY, b->p, b->len);
	if (r == 0)
		r = sys_write(x->fd, end.p, end.len, (off_t)x->off);
	buf_clear(&end);
	if (r == 0)
		r = sys()->rename(x->dir, NEW_NAME, x->dir, name);
	return r;
}

enum store_result
store_index_end(struct store_index *x, const uint32_t *uids, size_t n,
    const void *hint, size_t hint_len)
{
	struct store_index_segment s = {0};
	struct buf b = {0};
	char name[NAME_SIZE];
	int r;

	if (x->fd == -1)
		return STORE_UNKNOWN;
	if (n > STORE_INDEX_DOCS || hint_len > STORE_INDEX_HINT) {
		store_index_abort(x);
		return STORE_LIMIT;
	}
	buf_put32(&b, x->text);
	buf_put64(&b, x->box);
	buf_put32(&b, (uint32_t)n);
	buf_put32(&b, (uint32_t)x->pages);
	buf_put32(&b, (uint32_t)hint_len);
	for (size_t i = 0; i < n; i++)
		buf_put32(&b, uids[i]);
	for (size_t i = 0; i < x->pages; i++)
		buf_put32(&b, x->lens[i]);
	buf_put(&b, hint, hint_len);
	s.box = x->box;
	s.docs = (uint32_t)n;
	uids_of(&s, uids, n);
	seal_random(s.name, sizeof(s.name));
	name_make(s.name, name);
	r = finish(x, &b, name);
	s.octets = x->off + TRAILER_LEN;
	buf_clear(&b);
	if (r == 0) {
		(void)close(x->fd);
		x->fd = -1;
		r = segment_add(x, &s);
	}
	store_index_abort(x);
	return r == 0 ? STORE_OK : sys_result();
}

void
store_index_abort(struct store_index *x)
{
	int saved = errno;

	if (x->fd != -1) {
		(void)close(x->fd);
		(void)sys()->unlink(x->dir, NEW_NAME, 0);
	}
	x->fd = -1;
	free(x->lens);
	x->lens = NULL;
	errno = saved;
}

enum store_result
store_index_view(struct store_index *x, size_t i, struct store_index_view *v)
{
	struct store_index_segment s;
	char name[NAME_SIZE];

	if (i >= x->n)
		return STORE_UNKNOWN;
	name_make(x->segments[i].name, name);
	if (view_open(x, name, v, &s) == -1)
		return STORE_UNKNOWN;
	if (s.box != x->segments[i].box) {
		store_index_done(v);
		return STORE_UNKNOWN;
	}
	return STORE_OK;
}

enum store_result
store_index_get(
    const struct store_index_view *v, size_t p, void *buf, size_t *len)
{
	uint8_t ad[AD_LEN], *in = sys_scratch();
	size_t n;

	if (in == NULL)
		return STORE_IO;
	if (p >= v->pages)
		return STORE_UNKNOWN;
	n = v->lens[p] + SEAL_BOX_EXTRA;
	ad_make(v->header, p, KIND_PAGE, ad);
	if (sys_read(v->fd, in, n, (off_t)v->offs[p]) != (ssize_t)n ||
	    seal_unbox(v->key, ad, sizeof(ad), in, n, buf) == -1)
		return STORE_UNKNOWN;
	*len = v->lens[p];
	return STORE_OK;
}
