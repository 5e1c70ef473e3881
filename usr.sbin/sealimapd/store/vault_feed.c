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
 * See vault_feed.h.
 */

#include <sys/types.h>

#include <string.h>

#include "vault_feed.h"
#include "vault_local.h"

#define INLINE_BODY_MAX (16 * 1024) /* of a body's first chunk, as stored */

static void first_chunk(struct feed *, uint32_t uid);

bool
feed_room(const struct feed *f)
{
	return f->open < WORKER_CANDIDATES_MAX && wire_queued(f->worker) == 0;
}

void
feed_flush(struct feed *f)
{
	if (f->o != NULL)
		msg_send(f->o);
	f->o = NULL;
}

void
feed_candidate(struct feed *f, const struct store_msg *m, const uint8_t *truth,
    size_t nodes, bool body)
{
	struct store_chunk c[STORE_SUMMARY_CHUNKS];
	size_t n, need_room = 64 + nodes + INLINE_BODY_MAX;

	rest_later();
	n = STORE_SUMMARY_CHUNKS;
	if (store_summary(vault_store(), f->box, m->uid, c, &n) != STORE_OK)
		n = 0;
	if (n == 1)
		need_room += c[0].len;
	if (f->o != NULL && msg_room(f->o) < need_room)
		feed_flush(f);
	if (f->o == NULL)
		f->o = msg_new(f->worker, VAULT_WORKER_CANDIDATES, f->id);
	f->open++;
	msg_put_u32(f->o, m->uid);
	msg_put_u64(f->o, m->size);
	msg_put_i64(f->o, m->date);
	msg_put_u8(f->o, (uint8_t)m->codec);
	msg_put_u16(f->o, (uint16_t)nodes);
	msg_put_raw(f->o, truth, nodes);
	/* A summary that leaves no room for the rest follows as chunks. */
	if (n == 1 && msg_room(f->o) > c[0].len + 64) {
		msg_put_u8(f->o, 1);
		msg_put_u8(f->o, c[0].compressed);
		msg_put_u32(f->o, c[0].plain);
		msg_put_bytes(f->o, c[0].data, c[0].len);
		if (body)
			first_chunk(f, m->uid);
		else
			msg_put_u8(f->o, 0);
		return;
	}
	msg_put_u8(f->o, n == 0 ? 0 : 2);
	msg_put_u8(f->o, 0);
	feed_flush(f);
	for (size_t i = 0; i < n; i++)
		feed_chunk(f->worker, f->id, m->uid, WORKER_CHUNK_SUMMARY,
		    i + 1 == n, (uint32_t)i, &c[i]);
}

/* A small first chunk goes along: most mail is decided without a question. */
static void
first_chunk(struct feed *f, uint32_t uid)
{
	struct store_body *b;
	struct store_chunk c;
	uint8_t buf[INLINE_BODY_MAX];
	bool ok = false;

	if (store_body_open(vault_store(), f->box, uid, &b) == STORE_OK) {
		if (store_body_chunks(b, STORE_BODY) > 0 &&
		    store_body_info(b, STORE_BODY, 0, &c) == STORE_OK &&
		    c.len <= sizeof(buf) && c.len + 16 < msg_room(f->o))
			ok = store_body_read(b, STORE_BODY, 0, buf, sizeof(buf),
				 &c) == STORE_OK;
		store_body_close(b);
	}
	msg_put_u8(f->o, ok);
	if (ok) {
		msg_put_u8(f->o, c.compressed);
		msg_put_u32(f->o, c.plain);
		msg_put_bytes(f->o, buf, c.len);
		explicit_bzero(buf, c.len);
	}
}

void
feed_chunk(struct wire *worker, uint32_t id, uint32_t uid, uint8_t kind,
    bool last, uint32_t index, const struct store_chunk *c)
{
	struct msgout *o;

	o = msg_new(worker, VAULT_WORKER_CHUNK, id);
	msg_put_u32(o, uid);
	msg_put_u8(o, kind);
	msg_put_u8(o, c->compressed);
	msg_put_u8(o, last);
	msg_put_u32(o, index);
	msg_put_u32(o, c->plain);
	msg_put_raw(o, c->data, c->len);
	msg_send(o);
}

void
feed_need(struct feed *f, struct msg *m)
{
	struct feed_need *n;

	if (f->need_n == FEED_NEEDS_MAX) {
		m->bad = true;
		return;
	}
	n = &f->needs[(f->need_head + f->need_n) % FEED_NEEDS_MAX];
	n->uid = msg_get_u32(m);
	n->first = msg_get_u32(m);
	n->last = msg_get_u32(m);
	if (msg_end(m) == 0)
		f->need_n++;
}

bool
feed_serve(struct feed *f)
{
	uint8_t *buf;
	struct feed_need *n = &f->needs[f->need_head];
	struct store_chunk c;
	struct msgout *o;
	uint32_t chunks;
	bool ok;

	if (f->need_n == 0)
		return false;
	buf = vault_scratch();
	if (f->body == NULL) {
		f->chunk = n->first;
		if (store_body_open(vault_store(), f->box, n->uid, &f->body) !=
		    STORE_OK)
			f->body = NULL;
	}
	chunks = f->body == NULL ? 0 : store_body_chunks(f->body, STORE_BODY);
	ok = f->chunk < chunks &&
	    store_body_info(f->body, STORE_BODY, f->chunk, &c) == STORE_OK &&
	    store_body_read(f->body, STORE_BODY, f->chunk, buf, CHUNK_PLAIN,
		&c) == STORE_OK;
	if (ok) {
		feed_chunk(f->worker, f->id, n->uid, WORKER_CHUNK_BODY,
		    f->chunk + 1 == chunks, f->chunk, &c);
		explicit_bzero(buf, c.len);
	} else {
		o = msg_new(f->worker, VAULT_WORKER_GONE, f->id);
		msg_put_u32(o, n->uid);
		msg_send(o);
		if (f->open > 0)
			f->open--;
	}
	if (!ok || f->chunk == n->last || f->chunk + 1 >= chunks) {
		store_body_close(f->body);
		f->body = NULL;
		f->need_head = (f->need_head + 1) % FEED_NEEDS_MAX;
		f->need_n--;
	} else
		f->chunk++;
	return true;
}

void
feed_end(struct feed *f)
{
	store_body_close(f->body);
	f->body = NULL;
	f->need_n = 0;
}
