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
 * The head file, outside the accounts tree: how far each writer of the account
 * had come, under a key of the account.  A copy of the account directory that
 * was put back from a backup is behind it.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define HEAD_FIXED (8 + STORE_ID + 8 + 4)
#define HEAD_WRITER (WRITER_LEN + 1 + 4 + 8 + SEAL_CHAIN_LEN)
#define HEAD_MAX (HEAD_FIXED + WRITERS_MAX * HEAD_WRITER + SEAL_SUM_LEN)

static const uint8_t magic[8] = "SMhead\0\1";

static void
head_mac(struct store *st, const uint8_t *p, size_t len, uint8_t *mac)
{
	uint8_t key[SEAL_KEY_LEN];

	seal_ring_sub(st->ring, SEAL_SUB_HEAD, key);
	seal_mac(key, p, len, mac);
	explicit_bzero(key, sizeof(key));
}

static int
open_head(struct store *st)
{
	int fd;

	fd = sys_open(st->base, "head", O_RDONLY | O_DIRECTORY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	if (sys()->mkdir(st->base, "head", 0700) == -1 ||
	    sys_fsync(st->base) == -1)
		return -1;
	return sys_open(st->base, "head", O_RDONLY | O_DIRECTORY);
}

int
head_write(struct store *st)
{
	struct buf b = {0};
	uint8_t mac[SEAL_SUM_LEN];
	char name[ID_HEX];
	size_t i;
	int fd, r;

	fd = open_head(st);
	if (fd == -1)
		return -1;
	buf_put(&b, magic, sizeof(magic));
	buf_put(&b, st->account, STORE_ID);
	buf_put64(&b, st->lamport);
	buf_put32(&b, (uint32_t)st->nwriters);
	for (i = 0; i < st->nwriters; i++) {
		buf_put(&b, st->writers[i].id, WRITER_LEN);
		buf_put8(&b, st->writers[i].host);
		buf_put32(&b, st->writers[i].seg);
		buf_put64(&b, st->writers[i].seq);
		buf_put(&b, st->writers[i].chain, SEAL_CHAIN_LEN);
	}
	r = -1;
	if (!b.failed) {
		head_mac(st, b.p, b.len, mac);
		buf_put(&b, mac, sizeof(mac));
		seal_hex(st->account, STORE_ID, name);
		if (!b.failed)
			r = sys_replace(fd, name, 0600, b.p, b.len);
	}
	buf_clear(&b);
	(void)close(fd);
	return r;
}

/* *behind: the head knows a later frame of a writer than our log holds. */
static void
compare(struct store *st, struct rd *r, bool *behind)
{
	uint8_t id[WRITER_LEN];
	uint64_t seq;
	uint32_t n;
	size_t i;

	(void)rd64(r);
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		rd_copy(r, id, sizeof(id));
		(void)rd8(r);
		(void)rd32(r);
		seq = rd64(r);
		(void)rd_raw(r, SEAL_CHAIN_LEN);
		for (i = 0; i < st->nwriters; i++) {
			if (memcmp(st->writers[i].id, id, sizeof(id)) == 0)
				break;
		}
		if (!r->bad &&
		    (i == st->nwriters ? seq > 0 : seq > st->writers[i].seq))
			*behind = true;
	}
}

/* A head that does not verify tells nothing. */
int
head_check(struct store *st, bool *behind)
{
	uint8_t raw[HEAD_MAX], mac[SEAL_SUM_LEN];
	struct rd r;
	char name[ID_HEX];
	ssize_t n;
	int fd;

	*behind = false;
	fd = sys_open(st->base, "head", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	seal_hex(st->account, STORE_ID, name);
	n = sys_slurp(fd, name, raw, sizeof(raw));
	(void)close(fd);
	if (n < HEAD_FIXED + SEAL_SUM_LEN ||
	    memcmp(raw, magic, sizeof(magic)) != 0 ||
	    memcmp(raw + 8, st->account, STORE_ID) != 0)
		return 0;
	head_mac(st, raw, (size_t)n - SEAL_SUM_LEN, mac);
	if (!seal_equal(mac, raw + n - SEAL_SUM_LEN, sizeof(mac)))
		return 0;
	r = (struct rd){raw, (size_t)n - SEAL_SUM_LEN, 8 + STORE_ID, false};
	compare(st, &r, behind);
	return 0;
}
