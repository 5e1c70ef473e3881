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
 * Packs: the cold records and the summaries of all messages, each a stream of
 * octets cut into blocks of 64 KiB that are sealed one by one, in order of
 * arrival.  What does not yet fill a block is the tail, in memory; the
 * snapshot keeps it, alone where nobody asks for it (store_tail.c).  Where the
 * disk is full the tail grows past a block, and the next mutation is refused
 * until it could be written.  A pack only grows: what was once written stays as
 * it is, so that a crash leaves what an older snapshot refers to.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define PACK_SLOT (PACK_BLOCK + SEAL_BOX_EXTRA)

void
pack_init(struct pack *p, uint8_t kind)
{
	memset(p, 0, sizeof(*p));
	p->fd = p->away_fd = -1;
	p->kind = kind;
}

size_t
pack_tail(const struct pack *p)
{
	return p->away + p->tail.len;
}

int
pack_open(struct store *st, struct pack *p, const char *name, bool create)
{
	p->gen = st->gen;
	p->fd = sys()->open(st->snap_fd, name,
	    O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
	return p->fd == -1 ? -1 : 0;
}

static void
pack_ad(const struct pack *p, uint64_t block, uint8_t ad[17])
{
	unsigned int i;

	ad[0] = p->kind;
	for (i = 0; i < 8; i++) {
		ad[1 + i] = (uint8_t)(p->gen >> (56 - 8 * i));
		ad[9 + i] = (uint8_t)(block >> (56 - 8 * i));
	}
}

/* The tail's first block goes out. */
static int
put_tail(struct store *st, struct pack *p)
{
	uint8_t ad[17], *out;
	uint64_t block;
	size_t rest;

	out = sys_scratch();
	if (out == NULL)
		return -1;
	block = (p->len - p->tail.len) / PACK_BLOCK;
	pack_ad(p, block, ad);
	seal_box(st->snap_key, ad, sizeof(ad), p->tail.p, PACK_BLOCK, out);
	if (sys_write(p->fd, out, PACK_SLOT, (off_t)(block * PACK_SLOT)) ==
		-1 ||
	    sys_behind(p->fd, block * PACK_SLOT, PACK_SLOT) == -1)
		return -1;
	rest = p->tail.len - PACK_BLOCK;
	memmove(p->tail.p, p->tail.p + PACK_BLOCK, rest);
	buf_reset(&p->tail, rest);
	return 0;
}

int
pack_flush(struct store *st, struct pack *p)
{
	while (pack_tail(p) >= PACK_BLOCK) {
		if (tail_back(st, p) == -1 || put_tail(st, p) == -1)
			return -1;
	}
	return 0;
}

int
pack_append(struct store *st, struct pack *p, const void *data, size_t len,
    uint64_t *off)
{
	const uint8_t *in;
	size_t n;

	*off = p->len;
	for (in = data; len > 0; in += n, len -= n) {
		n = PACK_BLOCK - pack_tail(p) % PACK_BLOCK;
		if (n > len)
			n = len;
		buf_put(&p->tail, in, n);
		if (p->tail.failed)
			return -1;
		p->len += n;
		/* A full disk: later. */
		if (pack_tail(p) % PACK_BLOCK == 0 && pack_flush(st, p) == -1 &&
		    sys_result() != STORE_NOSPACE)
			return -1;
	}
	return 0;
}

/* The block, opened: from the cache or into its oldest place. */
static const uint8_t *
get_block(struct store *st, struct pack *p, uint64_t block)
{
	uint8_t ad[17], *in;
	size_t i, old;

	p->tick++;
	for (i = old = 0; i < CACHE_BLOCKS; i++) {
		if (p->cache[i].p != NULL && p->cache[i].used != 0 &&
		    p->cache[i].block == block) {
			p->cache[i].used = p->tick;
			return p->cache[i].p;
		}
		if (p->cache[i].used < p->cache[old].used)
			old = i;
	}
	in = sys_scratch();
	if (p->cache[old].p == NULL)
		p->cache[old].p = malloc(PACK_BLOCK);
	if (in == NULL || p->cache[old].p == NULL)
		return NULL;
	p->cache[old].used = 0;
	pack_ad(p, block, ad);
	if (sys_read(p->fd, in, PACK_SLOT, (off_t)(block * PACK_SLOT)) !=
		PACK_SLOT ||
	    seal_unbox(st->snap_key, ad, sizeof(ad), in, PACK_SLOT,
		p->cache[old].p) == -1) {
		errno = EBADMSG;
		snap_invalidate(st);
		return NULL;
	}
	p->cache[old].block = block;
	p->cache[old].used = p->tick;
	return p->cache[old].p;
}

int
pack_read(
    struct store *st, struct pack *p, uint64_t off, size_t len, void *data)
{
	const uint8_t *block;
	uint64_t tail;
	uint8_t *out;
	size_t n, in;

	if (off > p->len || len > p->len - off) {
		errno = EBADMSG;
		return -1;
	}
	/* Where it is back, or is not asked for, it begins in memory. */
	if (off < p->len - p->tail.len && len > 0 &&
	    off + len > p->len - pack_tail(p) && tail_back(st, p) == -1)
		return -1;
	tail = p->len - p->tail.len;
	for (out = data; len > 0; out += n, off += n, len -= n) {
		in = (size_t)(off % PACK_BLOCK);
		n = PACK_BLOCK - in;
		if (n > len)
			n = len;
		if (off >= tail) {
			memcpy(out, p->tail.p + (off - tail), n);
			continue;
		}
		block = get_block(st, p, off / PACK_BLOCK);
		if (block == NULL)
			return -1;
		memcpy(out, block + in, n);
	}
	return 0;
}

void
pack_forget(struct pack *p)
{
	size_t i;

	for (i = 0; i < CACHE_BLOCKS; i++) {
		freezero(p->cache[i].p, PACK_BLOCK);
		p->cache[i].p = NULL;
		p->cache[i].used = 0;
	}
}

void
pack_close(struct pack *p)
{
	pack_forget(p);
	buf_clear(&p->tail);
	if (p->fd != -1)
		(void)close(p->fd);
	if (p->away_fd != -1)
		(void)close(p->away_fd);
	pack_init(p, p->kind);
}

int
cold_append(struct store *st, const struct cold *c, uint32_t *ref)
{
	struct buf b = {0};
	uint64_t off;
	int r;

	buf_put(&b, c->instance, STORE_ID);
	buf_put(&b, c->blob, STORE_ID);
	buf_put(&b, c->key, SEAL_KEY_LEN);
	buf_put(&b, c->threadid, STORE_ID);
	buf_put64(&b, c->bytes);
	buf_put64(&b, c->sum_off);
	buf_put32(&b, c->sum_len);
	buf_put8(&b, c->writer);
	buf_put64(&b, c->seq);
	while (!b.failed && b.len < COLD_LEN)
		buf_put8(&b, 0);
	r = b.failed ? -1 : pack_append(st, &st->cold, b.p, COLD_LEN, &off);
	buf_clear(&b);
	if (r == -1)
		return -1;
	*ref = (uint32_t)(off / COLD_LEN) | (st->gen % 2 != 0 ? COLD_ODD : 0);
	return 0;
}

int
cold_read(struct store *st, uint32_t ref, struct cold *c)
{
	uint8_t raw[COLD_LEN];
	struct rd r = {raw, sizeof(raw), 0, false};
	struct pack *p;

	/* Of two generations that follow each other one is odd. */
	c->old = ((ref & COLD_ODD) != 0) != (st->gen % 2 != 0);
	if (c->old && st->old.fd == -1) {
		errno = EBADMSG;
		return -1;
	}
	p = c->old ? &st->old.cold : &st->cold;
	ref &= ~COLD_ODD;
	if (pack_read(st, p, (uint64_t)ref * COLD_LEN, COLD_LEN, raw) == -1)
		return -1;
	rd_copy(&r, c->instance, STORE_ID);
	rd_copy(&r, c->blob, STORE_ID);
	rd_copy(&r, c->key, SEAL_KEY_LEN);
	rd_copy(&r, c->threadid, STORE_ID);
	c->bytes = rd64(&r);
	c->sum_off = rd64(&r);
	c->sum_len = rd32(&r);
	c->writer = rd8(&r);
	c->seq = rd64(&r);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}
