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
 * Wires to engines and relays.  One that breaks the rules loses its wire, and
 * what it had under way begins anew.
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>

#include "log.h"
#include "msg.h"
#include "peer.h"

static struct peer_list all = TAILQ_HEAD_INITIALIZER(all);
static unsigned int npeers;

static void peer_handle(struct wire *, struct msg *, void *);
static void peer_gone(struct wire *, void *);
static int peer_hello(struct peer *, struct msg *);
static int engine_handle(struct peer *, struct msg *);
static int relay_handle(struct peer *, struct msg *);
static int peer_want(struct peer *, struct msg *);
static int peer_stop(struct peer *, struct msg *);

struct peer_list *
peers(void)
{
	return &all;
}

void
peer_start(enum peer_kind kind, unsigned int instance, int fd)
{
	struct peer *peer;
	struct msgout *out;

	if (npeers == PEERS_MAX)
		fatalx("more than %d peers", PEERS_MAX);
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		fatal("calloc");
	peer->kind = kind;
	peer->instance = instance;
	TAILQ_INIT(&peer->streams);
	RB_INIT(&peer->entries);
	RB_INIT(&peer->jobs);
	peer->wire = wire_new(fd, peer_handle, peer_gone, peer);
	TAILQ_INSERT_TAIL(&all, peer, list);
	npeers++;
	out = msg_new(peer->wire, QUEUE_HELLO, 0);
	msg_put_u32(out, QUEUE_VERSION);
	msg_send(out);
}

static void
peer_handle(struct wire *wire, struct msg *msg, void *arg)
{
	struct peer *peer;
	int r;

	peer = arg;
	if (!peer->greeted)
		r = msg->type == QUEUE_HELLO ? peer_hello(peer, msg) : -1;
	else if (msg->type == QUEUE_WANT)
		r = peer_want(peer, msg);
	else if (msg->type == QUEUE_TOOK)
		r = msg_end(msg) == -1 ? -1 : stream_took(peer, msg->id);
	else if (msg->type == QUEUE_STOP)
		r = peer_stop(peer, msg);
	else if (peer->kind == PEER_ENGINE)
		r = engine_handle(peer, msg);
	else
		r = relay_handle(peer, msg);
	if (r == 0)
		return;
	log_warnx("%s %u: bad message type=%u, dropped",
	    peer->kind == PEER_ENGINE ? "engine" : "relay", peer->instance,
	    msg->type);
	wire_fail(wire);
}

static void
peer_gone(struct wire *wire, void *arg)
{
	struct peer *peer;

	peer = arg;
	TAILQ_REMOVE(&all, peer, list);
	npeers--;
	streams_drop(peer);
	entries_drop(peer);
	jobs_drop(peer);
	report_drop(peer);
	wire_free(wire);
	free(peer);
}

static int
peer_hello(struct peer *peer, struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg_end(msg) == -1 || version != QUEUE_VERSION)
		return -1;
	peer->greeted = true;
	if (peer->kind == PEER_ENGINE) {
		sign_keys(peer);
		reports_run();
	}
	return 0;
}

static int
engine_handle(struct peer *peer, struct msg *msg)
{
	switch (msg->type) {
	case QUEUE_CHECK:
		return entry_check(peer, msg);
	case QUEUE_PUT:
		return entry_put(peer, msg);
	case QUEUE_SIGN:
		return sign_request(peer, msg);
	case QUEUE_REPORTED:
		return report_done(peer, msg);
	case QUEUE_ORIGIN:
		return origin_take(peer, msg);
	default:
		return -1;
	}
}

static int
relay_handle(struct peer *peer, struct msg *msg)
{
	switch (msg->type) {
	case QUEUE_READY:
		return job_ready(peer, msg);
	case QUEUE_OUTCOME:
		return job_outcome(peer, msg);
	case QUEUE_UNREACHABLE:
		return job_unreachable(peer, msg);
	case QUEUE_MEMORY:
		return job_memory(peer, msg);
	case QUEUE_TLS:
		return job_tls(peer, msg);
	default:
		return -1;
	}
}

/* Only of a message that the queue gave it. */
static int
peer_want(struct peer *peer, struct msg *msg)
{
	struct message *m;
	uint64_t body;

	body = msg_get_u64(msg);
	if (msg_end(msg) == -1)
		return -1;
	m = peer->kind == PEER_ENGINE ? report_message(peer, msg->id) :
					job_message(peer, msg->id);
	if (m != NULL)
		return stream_want(peer, msg->id, m, body);
	if (peer->kind == PEER_RELAY || !report_is(peer, msg->id))
		return -1;
	/* An administrator has removed it meanwhile. */
	stream_none(peer, msg->id);
	return 0;
}

static int
peer_stop(struct peer *peer, struct msg *msg)
{
	if (msg_end(msg) == -1)
		return -1;
	stream_stop(peer, msg->id);
	return 0;
}
