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
 * The wire to smtp-queue: is there room, here is a message, please sign.  When
 * the queue dies, what it owed is answered with "trouble" here, and the client
 * tries again; its parent starts it anew and gives a new wire.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dkim.h"
#include "log.h"
#include "msg.h"

#include "engine.h"

#define ROOM_SECONDS 1            /* an answer about room holds so long */
#define ROOM_OCTETS (1024 * 1024) /* that are asked for at least */
#define KEYS_MAX 1024

enum ask_kind { ASK_ROOM, ASK_SIGN, ASK_MESSAGE };

struct queue_ask {
	RB_ENTRY(queue_ask) entry;
	LIST_ENTRY(queue_ask) of_session;
	uint32_t id;
	enum ask_kind kind;
	struct session *session;
	struct outgoing *out; /* of SIGN and MESSAGE */
	size_t key;           /* of SIGN: which of the message's signatures */
	uint64_t size;        /* of ROOM */
};
RB_HEAD(queue_ask_tree, queue_ask);

static struct {
	struct wire *wire; /* NULL: there is none */
	struct queue_ask_tree asks;
	struct queue_key *keys;
	size_t n_keys;
	uint32_t last_id;
	unsigned int messages; /* open ones */
	time_t room_until;     /* there was room a moment ago */
	uint64_t room;         /* for so many octets */
	bool greeted;
	bool full;
} queue = {.asks = RB_INITIALIZER(&queue.asks)};

static int
queue_ask_compare(const struct queue_ask *, const struct queue_ask *);
static struct queue_ask *
queue_ask_new(enum ask_kind, struct session *, struct outgoing *);
static void queue_ask_free(struct queue_ask *);
static struct queue_ask *queue_ask_find(uint32_t);
static void queue_handle(struct wire *, struct msg *, void *);
static void queue_gone(struct wire *, void *);
static void queue_end(void);
static void queue_drained(struct wire *, void *);
static int take_hello(struct msg *);
static int take_keys(struct msg *);
static int take_room(struct msg *);
static int take_signature(struct msg *);
static int take_answer(struct msg *);
static void ask_settle(struct queue_ask *, enum queue_result);
static time_t now(void);

RB_PROTOTYPE(queue_ask_tree, queue_ask, entry, queue_ask_compare)
RB_GENERATE(queue_ask_tree, queue_ask, entry, queue_ask_compare)

void
queue_start(int fd)
{
	struct msgout *out;

	queue_end();
	queue.wire = wire_new(fd, queue_handle, queue_gone, NULL);
	out = msg_new(queue.wire, QUEUE_HELLO, 0);
	msg_put_u32(out, QUEUE_VERSION);
	msg_send(out);
}

bool
queue_full(void)
{
	if (queue.wire != NULL && !queue.full &&
	    wire_queued(queue.wire) > MSG_HIGH) {
		queue.full = true;
		wire_produce(queue.wire, queue_drained);
	}
	return queue.full;
}

/* It is asked once a second; what it takes in the end its answer says. */
bool
queue_room(struct session *s, uint64_t size, enum queue_result *result)
{
	struct queue_ask *ask;
	struct msgout *out;

	*result = queue.wire == NULL ? QUEUE_TROUBLE : QUEUE_DONE;
	if (queue.wire == NULL ||
	    (now() < queue.room_until && size <= queue.room))
		return true;
	ask = queue_ask_new(ASK_ROOM, s, NULL);
	ask->size = size > ROOM_OCTETS ? size : ROOM_OCTETS;
	out = msg_new(queue.wire, QUEUE_CHECK, ask->id);
	msg_put_u64(out, ask->size);
	msg_send(out);
	return false;
}

struct queue_ask *
queue_open(struct session *s, struct outgoing *o)
{
	if (queue.wire == NULL || queue.messages == QUEUE_OPEN_MAX)
		return NULL;
	queue.messages++;
	return queue_ask_new(ASK_MESSAGE, s, o);
}

struct msgout *
queue_put(struct queue_ask *ask)
{
	return msg_new(queue.wire, QUEUE_PUT, ask->id);
}

void
queue_sign(struct queue_ask *of, size_t key, const char *domain,
    const char *selector, const uint8_t digest[QUEUE_DIGEST_LEN])
{
	struct queue_ask *ask;
	struct msgout *out;

	ask = queue_ask_new(ASK_SIGN, of->session, of->out);
	ask->key = key;
	out = msg_new(queue.wire, QUEUE_SIGN, ask->id);
	msg_put_str(out, domain);
	msg_put_str(out, selector);
	msg_put_raw(out, digest, QUEUE_DIGEST_LEN);
	msg_send(out);
}

void
queue_forget(struct session *s)
{
	struct queue_ask *ask;

	while ((ask = LIST_FIRST(&s->queue_asks)) != NULL)
		queue_ask_free(ask);
}

void
queue_forget_out(struct session *s, struct outgoing *o)
{
	struct queue_ask *ask, *next;

	LIST_FOREACH_SAFE (ask, &s->queue_asks, of_session, next)
		if (ask->out == o)
			queue_ask_free(ask);
}

void
queue_want(uint32_t report, uint64_t octets)
{
	struct msgout *out;

	if (queue.wire == NULL)
		return;
	out = msg_new(queue.wire, QUEUE_WANT, report);
	msg_put_u64(out, octets);
	msg_send(out);
}

void
queue_took(uint32_t report)
{
	if (queue.wire != NULL)
		msg_signal(queue.wire, QUEUE_TOOK, report);
}

void
queue_origin(const char *row)
{
	struct msgout *out;

	if (queue.wire == NULL)
		return;
	out = msg_new(queue.wire, QUEUE_ORIGIN, 0);
	msg_put_bytes(out, row, strlen(row));
	msg_send(out);
}

void
queue_reported(uint32_t report, bool done)
{
	struct msgout *out;

	if (queue.wire == NULL)
		return;
	out = msg_new(queue.wire, QUEUE_REPORTED, report);
	msg_put_u8(out, done);
	msg_send(out);
}

size_t
queue_keys(const char *domain, const struct queue_key **keys, size_t max)
{
	size_t n;

	n = 0;
	for (size_t i = 0; i < queue.n_keys && n < max; i++)
		if (strcmp(queue.keys[i].domain, domain) == 0)
			keys[n++] = &queue.keys[i];
	return n;
}

static int
queue_ask_compare(const struct queue_ask *a, const struct queue_ask *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static struct queue_ask *
queue_ask_new(enum ask_kind kind, struct session *s, struct outgoing *o)
{
	struct queue_ask *ask;

	ask = calloc(1, sizeof(*ask));
	if (ask == NULL)
		fatal("calloc");
	ask->kind = kind;
	ask->session = s;
	ask->out = o;
	do {
		ask->id = ++queue.last_id;
	} while (
	    ask->id == 0 || RB_FIND(queue_ask_tree, &queue.asks, ask) != NULL);
	RB_INSERT(queue_ask_tree, &queue.asks, ask);
	LIST_INSERT_HEAD(&s->queue_asks, ask, of_session);
	return ask;
}

static void
queue_ask_free(struct queue_ask *ask)
{
	if (ask->kind == ASK_MESSAGE)
		queue.messages--;
	LIST_REMOVE(ask, of_session);
	RB_REMOVE(queue_ask_tree, &queue.asks, ask);
	free(ask);
}

/* NULL: whoever asked is gone. */
static struct queue_ask *
queue_ask_find(uint32_t id)
{
	struct queue_ask key;

	memset(&key, 0, sizeof(key));
	key.id = id;
	return RB_FIND(queue_ask_tree, &queue.asks, &key);
}

static void
queue_handle(struct wire *wire, struct msg *msg, void *arg)
{
	int r;

	(void)arg;
	r = -1;
	if (!queue.greeted)
		r = msg->type == QUEUE_HELLO ? take_hello(msg) : -1;
	else if (msg->type == QUEUE_KEYS)
		r = take_keys(msg);
	else if (msg->type == QUEUE_CHECKED)
		r = take_room(msg);
	else if (msg->type == QUEUE_SIGNED)
		r = take_signature(msg);
	else if (msg->type == QUEUE_ANSWER)
		r = take_answer(msg);
	else if (msg->type == QUEUE_REPORT)
		r = dsn_report(msg);
	else if (msg->type == QUEUE_CHUNK)
		r = dsn_chunk(msg);
	if (r == -1) {
		log_warnx("bad message role=smtp-queue type=%u", msg->type);
		wire_fail(wire);
	}
}

static void
queue_gone(struct wire *wire, void *arg)
{
	(void)wire;
	(void)arg;
	queue_end();
}

/* Everything it owes an answer for is in trouble. */
static void
queue_end(void)
{
	struct queue_ask *ask;

	if (queue.wire == NULL)
		return;
	wire_free(queue.wire);
	queue.wire = NULL;
	queue.greeted = queue.full = false;
	queue.room_until = 0;
	free(queue.keys);
	queue.keys = NULL;
	queue.n_keys = 0;
	while ((ask = RB_MIN(queue_ask_tree, &queue.asks)) != NULL)
		ask_settle(ask, QUEUE_TROUBLE);
	dsn_queue_gone();
}

static void
ask_settle(struct queue_ask *ask, enum queue_result result)
{
	struct session *s;
	struct outgoing *o;
	enum ask_kind kind;

	s = ask->session;
	o = ask->out;
	kind = ask->kind;
	queue_ask_free(ask);
	if (kind == ASK_ROOM)
		rcpt_room(s, result);
	else if (kind == ASK_MESSAGE)
		outgoing_answer(o, result);
	/* A signature: so is its message. */
}

static void
queue_drained(struct wire *wire, void *arg)
{
	(void)arg;
	wire_produce(wire, NULL);
	queue.full = false;
	session_resume_queue();
}

static int
take_hello(struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg_end(msg) == -1 || version != QUEUE_VERSION)
		return -1;
	queue.greeted = true;
	return 0;
}

static int
take_keys(struct msg *msg)
{
	struct queue_key *keys, *k;
	uint8_t first;

	first = msg_get_u8(msg);
	if (first == 1)
		queue.n_keys = 0;
	while (msg->off < msg->len) {
		if (queue.n_keys == KEYS_MAX)
			return -1;
		keys = reallocarray(
		    queue.keys, queue.n_keys + 1, sizeof(*keys));
		if (keys == NULL)
			fatal("reallocarray");
		queue.keys = keys;
		k = &keys[queue.n_keys++];
		memset(k, 0, sizeof(*k));
		(void)msg_get_str(msg, k->domain, sizeof(k->domain));
		(void)msg_get_str(msg, k->selector, sizeof(k->selector));
		k->algorithm = msg_get_u8(msg);
		if (msg->bad ||
		    (k->algorithm != DKIM_RSA_SHA256 &&
			k->algorithm != DKIM_ED25519_SHA256))
			return -1;
	}
	return msg_end(msg) == -1 || first > 1 ? -1 : 0;
}

static int
take_room(struct msg *msg)
{
	struct queue_ask *ask;
	uint8_t result;

	result = msg_get_u8(msg);
	if (msg_end(msg) == -1 || result > QUEUE_TROUBLE)
		return -1;
	ask = queue_ask_find(msg->id);
	if (ask == NULL)
		return 0;
	if (ask->kind != ASK_ROOM)
		return -1;
	if (result == QUEUE_DONE) {
		queue.room_until = now() + ROOM_SECONDS;
		queue.room = ask->size;
	}
	ask_settle(ask, (enum queue_result)result);
	return 0;
}

static int
take_signature(struct msg *msg)
{
	struct queue_ask *ask;
	struct outgoing *o;
	const uint8_t *signature;
	size_t len, key;
	uint8_t result;

	result = msg_get_u8(msg);
	signature = msg_get_bytes(msg, &len, QUEUE_SIGNATURE_MAX);
	if (msg_end(msg) == -1 || result > QUEUE_TROUBLE ||
	    (result == QUEUE_DONE) != (len > 0))
		return -1;
	ask = queue_ask_find(msg->id);
	if (ask == NULL)
		return 0;
	if (ask->kind != ASK_SIGN)
		return -1;
	o = ask->out;
	key = ask->key;
	queue_ask_free(ask);
	outgoing_signed(o, key, result == QUEUE_DONE ? signature : NULL, len);
	return 0;
}

static int
take_answer(struct msg *msg)
{
	struct queue_ask *ask;
	uint8_t result, id[QUEUE_ID_LEN];

	result = msg_get_u8(msg);
	(void)msg_get_raw(msg, id, sizeof(id));
	if (msg_end(msg) == -1 || result > QUEUE_TROUBLE)
		return -1;
	ask = queue_ask_find(msg->id);
	if (ask == NULL)
		return 0;
	if (ask->kind != ASK_MESSAGE)
		return -1;
	ask_settle(ask, (enum queue_result)result);
	return 0;
}

static time_t
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec;
}
