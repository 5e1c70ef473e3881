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
 * What the tests of libseal share.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"

bool (*helper_no_memory)(void);

/* The linker sends what libseal and the tests allocate here (--wrap). */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_recallocarray(void *, size_t, size_t, size_t);
DIR *__real_fdopendir(int);
void *__real_secret_alloc(size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_recallocarray(void *, size_t, size_t, size_t);
DIR *__wrap_fdopendir(int);
void *__wrap_secret_alloc(size_t);

static bool
fails(void)
{
	if (helper_no_memory == NULL || !helper_no_memory())
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	return fails() ? NULL : __real_recallocarray(p, old, n, size);
}

DIR *
__wrap_fdopendir(int fd)
{
	return fails() ? NULL : __real_fdopendir(fd);
}

void *
__wrap_secret_alloc(size_t size)
{
	return fails() ? NULL : __real_secret_alloc(size);
}

int
helper_account(const char *name, struct seal_ring **ring, char *code)
{
	struct seal_ring *r;
	int fd;

	ATF_REQUIRE_EQ(0, seal_init());
	ATF_REQUIRE_EQ(0, mkdir(name, 0700));
	fd = open(name, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, mkdirat(fd, "keys", 0700));
	r = seal_account_create(fd, 0, HELPER_PASSWORD, strlen(HELPER_PASSWORD),
	    &seal_kdf_low, 1000000, code);
	ATF_REQUIRE(r != NULL);
	if (ring != NULL)
		*ring = r;
	else
		seal_ring_free(r);
	return fd;
}

uint8_t
helper_pattern(enum seal_kind kind, size_t off)
{
	return (uint8_t)(off * 7 + off / 251 + (size_t)kind * 101);
}

static size_t
seal_kind_of(
    struct seal_blob *b, enum seal_kind kind, size_t size, uint8_t *out)
{
	uint8_t chunk[SEAL_CHUNK];
	size_t done = 0, len = 0, n;
	ssize_t r;

	while (done < size) {
		n = size - done < SEAL_CHUNK ? size - done : SEAL_CHUNK;
		for (size_t i = 0; i < n; i++)
			chunk[i] = helper_pattern(kind, done + i);
		r = seal_blob_chunk(
		    b, kind, 0, (uint32_t)n, chunk, n, out + len);
		ATF_REQUIRE(r > 0);
		len += (size_t)r;
		done += n;
	}
	return len;
}

void
helper_seal(struct helper_blob *h, const struct seal_delivery *to, size_t body,
    size_t summary)
{
	struct seal_sender *sender;
	struct seal_stanza s;
	struct seal_blob *b;
	ssize_t n;

	seal_random(h->id, sizeof(h->id));
	memset(&s, 0, sizeof(s));
	memset(s.delivery_id, 'd', sizeof(s.delivery_id));
	s.flags = 5;
	(void)strlcpy(s.from, "alice@example.org", sizeof(s.from));
	(void)strlcpy(s.to, "bob+lists@example.org", sizeof(s.to));
	(void)strlcpy(s.hint, "lists", sizeof(s.hint));
	memset(s.verdicts, 'v', SEAL_VERDICTS_MAX);
	sender = seal_sender_new(to);
	ATF_REQUIRE(sender != NULL);
	b = seal_blob_new(sender, 2, h->id);
	seal_sender_free(sender);
	ATF_REQUIRE(b != NULL);
	h->data = malloc(
	    seal_padded(body + summary + 65536) * 2 + 8 * SEAL_PIECE_MAX);
	ATF_REQUIRE(h->data != NULL);
	ATF_REQUIRE_EQ(SEAL_HEADER_LEN, seal_blob_header(b, h->data));
	h->len = SEAL_HEADER_LEN;
	h->len += seal_kind_of(b, SEAL_BODY, body, h->data + h->len);
	h->len += seal_kind_of(b, SEAL_SUMMARY, summary, h->data + h->len);
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, -12345));
	ATF_REQUIRE_EQ(body, seal_blob_plain(b, SEAL_BODY));
	ATF_REQUIRE_EQ(summary, seal_blob_plain(b, SEAL_SUMMARY));
	while ((n = seal_blob_next(b, h->data + h->len, SEAL_PIECE_MAX)) > 0)
		h->len += (size_t)n;
	ATF_REQUIRE_EQ(0, n);
	ATF_REQUIRE_EQ(seal_blob_size(b), h->len);
	seal_blob_key(b, h->key);
	seal_blob_free(b);
}

static int
open_kind(const struct seal_reader *r, const struct seal_table *t,
    enum seal_kind kind, const uint8_t *data, size_t len, size_t size)
{
	uint8_t plain[SEAL_CHUNK];
	struct seal_chunk c;
	size_t done = 0;

	if (seal_table_size(t, kind) != size)
		return -1;
	for (uint32_t i = 0; i < seal_table_chunks(t, kind); i++) {
		if (seal_table_chunk(t, kind, i, &c) == -1 || c.off > len ||
		    c.len > len - c.off ||
		    seal_chunk_open(r, kind, i, &c, data + c.off, plain) == -1)
			return -1;
		for (size_t j = 0; j < c.plain_len; j++) {
			if (plain[j] != helper_pattern(kind, done + j))
				return -1;
		}
		done += c.plain_len;
	}
	return done == size ? 0 : -1;
}

int
helper_open(const uint8_t *data, size_t len, const uint8_t *key, size_t body,
    size_t summary)
{
	struct seal_trailer tr;
	struct seal_reader r;
	struct seal_table *t;
	uint64_t off;
	size_t n;
	int ret = -1;

	if (len < SEAL_HEADER_LEN + SEAL_TRAILER_LEN ||
	    seal_reader_init(&r, data, key) == -1 ||
	    seal_trailer_parse(data + len - SEAL_TRAILER_LEN, &tr) == -1 ||
	    tr.size != len || seal_locator_open(&r, &tr, &off, &n) == -1)
		return -1;
	t = seal_table_open(&r, data + off, n);
	if (t == NULL)
		return -1;
	if (open_kind(&r, t, SEAL_BODY, data, len, body) == 0 &&
	    open_kind(&r, t, SEAL_SUMMARY, data, len, summary) == 0 &&
	    seal_table_date(t) == -12345)
		ret = 0;
	seal_table_free(t);
	return ret;
}

int
helper_check(const uint8_t *data, size_t len)
{
	struct seal_header h;
	struct seal_trailer t;
	struct seal_sum *sum;

	if (len < SEAL_HEADER_LEN + SEAL_TRAILER_LEN ||
	    seal_header_parse(data, &h) == -1 ||
	    seal_trailer_parse(data + len - SEAL_TRAILER_LEN, &t) == -1 ||
	    t.size != len || memcmp(h.id, t.id, sizeof(h.id)) != 0)
		return -1;
	sum = seal_sum_new();
	ATF_REQUIRE(sum != NULL);
	seal_sum_update(sum, data, len - SEAL_SUM_TAIL);
	return seal_sum_end(sum, t.sum);
}

uint8_t *
helper_slurp(int dirfd, const char *name, size_t *len)
{
	struct stat st;
	uint8_t *buf;
	int fd;

	fd = openat(dirfd, name, O_RDONLY);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, fstat(fd, &st));
	buf = malloc((size_t)st.st_size + 1);
	ATF_REQUIRE(buf != NULL);
	ATF_REQUIRE_EQ(st.st_size, read(fd, buf, (size_t)st.st_size));
	close(fd);
	*len = (size_t)st.st_size;
	return buf;
}

void
helper_spew(int dirfd, const char *name, const uint8_t *data, size_t len)
{
	int fd;

	(void)unlinkat(dirfd, name, 0);
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ((ssize_t)len, write(fd, data, len));
	close(fd);
}
