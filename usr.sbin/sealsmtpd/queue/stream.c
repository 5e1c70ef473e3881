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
 * Messages on their way to relays and engines: opened chunk by chunk, as their
 * wires take them.  Several of one wire take turns.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "msg.h"
#include "peer.h"

#define CHUNK_COMPRESSED 1
#define CHUNK_LAST 2
#define CHUNK_FAILED 4

struct stream {
	TAILQ_ENTRY(stream) entry;
	uint32_t id;
	struct spool_in *in;
	uint64_t head;       /* plain octets that are left of it */
	uint64_t body;       /* ... that are wanted of the body */
	unsigned int window; /* chunks that may go before the next TOOK */
};

static void stream_next(struct wire *, void *);
static bool stream_step(struct peer *, struct stream *);
static void stream_send(
    struct peer *, uint32_t, uint8_t, uint8_t, const struct spool_chunk *);
static void stream_free(struct peer *, struct stream *);

int
stream_want(struct peer *peer, uint32_t id, struct message *m, uint64_t body)
{
	struct stream *s;

	if (peer->nstreams == STREAMS_MAX)
		return -1;
	stream_stop(peer, id);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	s->id = id;
	s->head = m->sizes.head;
	s->body = body < m->sizes.body ? body : m->sizes.body;
	s->window = QUEUE_WINDOW;
	s->in = spool_open(m->id, &m->sizes);
	if (s->in == NULL)
		log_warn("queue: trace=%s cannot be read", log_vis(m->trace));
	TAILQ_INSERT_TAIL(&peer->streams, s, entry);
	peer->nstreams++;
	wire_produce(peer->wire, stream_next);
	return 0;
}

void
stream_none(struct peer *peer, uint32_t id)
{
	struct spool_chunk c = {0};

	stream_send(peer, id, 1, CHUNK_FAILED, &c);
}

int
stream_took(struct peer *peer, uint32_t id)
{
	struct stream *s;

	TAILQ_FOREACH (s, &peer->streams, entry) {
		if (s->id != id)
			continue;
		if (s->window >= QUEUE_WINDOW)
			return -1;
		s->window++;
		wire_produce(peer->wire, stream_next);
	}
	return 0;
}

void
stream_stop(struct peer *peer, uint32_t id)
{
	struct stream *s, *next;

	TAILQ_FOREACH_SAFE (s, &peer->streams, entry, next)
		if (s->id == id)
			stream_free(peer, s);
}

void
streams_drop(struct peer *peer)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&peer->streams)) != NULL)
		stream_free(peer, s);
}

/* The wire takes more: one chunk of whose turn it is. */
static void
stream_next(struct wire *wire, void *arg)
{
	struct peer *peer;
	struct stream *s;

	peer = arg;
	TAILQ_FOREACH (s, &peer->streams, entry)
		if (s->window > 0)
			break;
	if (s == NULL) {
		wire_produce(wire, NULL);
		return;
	}
	TAILQ_REMOVE(&peer->streams, s, entry);
	TAILQ_INSERT_TAIL(&peer->streams, s, entry);
	s->window--;
	if (stream_step(peer, s))
		stream_free(peer, s);
}

/* true: that was the last one. */
static bool
stream_step(struct peer *peer, struct stream *s)
{
	struct spool_chunk c = {0};
	uint8_t flags;
	int r;

	r = s->in == NULL ? -1 : 0;
	if (r == 0 && (s->head > 0 || s->body > 0)) {
		r = spool_get(s->in, &c);
		if (r == 0) {
			r = -1;
			errno = EBADMSG;
		}
	}
	if (r == -1) {
		if (s->in != NULL)
			log_warn("queue: a message cannot be read");
		stream_send(peer, s->id, 1, CHUNK_FAILED, &c);
		return true;
	}
	if (r == 0) {
		stream_send(peer, s->id, 1, CHUNK_LAST, &c);
		return true;
	}
	flags = c.flags & CHUNK_COMPRESSED;
	if (c.kind == 0)
		s->head -= c.plain;
	else
		s->body -= c.plain < s->body ? c.plain : s->body;
	if (s->head == 0 && s->body == 0)
		flags |= CHUNK_LAST;
	stream_send(peer, s->id, c.kind, flags, &c);
	return (flags & CHUNK_LAST) != 0;
}

static void
stream_send(struct peer *peer, uint32_t id, uint8_t kind, uint8_t flags,
    const struct spool_chunk *c)
{
	struct msgout *out;

	out = msg_new(peer->wire, QUEUE_CHUNK, id);
	msg_put_u8(out, kind);
	msg_put_u8(out, flags);
	msg_put_u32(out, c->plain);
	msg_put_bytes(out, c->data, c->len);
	msg_send(out);
}

static void
stream_free(struct peer *peer, struct stream *s)
{
	TAILQ_REMOVE(&peer->streams, s, entry);
	peer->nstreams--;
	spool_close(s->in);
	free(s);
}
