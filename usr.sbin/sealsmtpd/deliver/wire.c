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
 * Wires to the engines: questions about recipients, pieces of messages,
 * answers.  An engine that breaks the rules loses its wire, and with it all
 * that it had not committed.
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>

#include "log.h"
#include "msg.h"

#include "deliver.h"

struct engine {
	TAILQ_ENTRY(engine) entry;
	struct deliveries deliveries;
	struct wire *wire;
	unsigned int instance;
	bool greeted;
};
static TAILQ_HEAD(, engine) engines = TAILQ_HEAD_INITIALIZER(engines);
static unsigned int nengines;

static void engine_handle(struct wire *, struct msg *, void *);
static void engine_gone(struct wire *, void *);
static int engine_hello(struct engine *, struct msg *);
static int engine_check(struct engine *, struct msg *);

void
engine_start(unsigned int instance, int fd)
{
	struct engine *engine;
	struct msgout *out;

	if (nengines == ENGINES_MAX)
		fatalx("more than %d engines", ENGINES_MAX);
	engine = calloc(1, sizeof(*engine));
	if (engine == NULL)
		fatal("calloc");
	RB_INIT(&engine->deliveries.tree);
	engine->instance = instance;
	engine->wire = wire_new(fd, engine_handle, engine_gone, engine);
	TAILQ_INSERT_TAIL(&engines, engine, entry);
	nengines++;
	out = msg_new(engine->wire, DELIVER_HELLO, 0);
	msg_put_u32(out, DELIVER_VERSION);
	msg_send(out);
}

/* Tells how each target of a committed delivery fared. */
void
engine_answer(struct delivery *d)
{
	struct msgout *out;

	out = msg_new(d->engine->wire, DELIVER_ANSWER, d->id);
	msg_put_u16(out, (uint16_t)d->ntargets);
	for (size_t i = 0; i < d->ntargets; i++)
		msg_put_u8(out, (uint8_t)d->targets[i].result);
	msg_send(out);
	delivery_free(&d->engine->deliveries, d);
}

static void
engine_handle(struct wire *wire, struct msg *msg, void *arg)
{
	struct engine *engine;
	int r;

	engine = arg;
	r = -1;
	if (!engine->greeted) {
		if (msg->type == DELIVER_HELLO)
			r = engine_hello(engine, msg);
	} else if (msg->type == DELIVER_CHECK)
		r = engine_check(engine, msg);
	else if (msg->type == DELIVER_PUT)
		r = delivery_put(engine, &engine->deliveries, msg);
	if (r == -1) {
		log_warnx("bad message role=smtp-engine instance=%u type=%u",
		    engine->instance, msg->type);
		wire_fail(wire);
	}
}

/* The engine died or was dropped: its clients have no 250 of us. */
static void
engine_gone(struct wire *wire, void *arg)
{
	struct engine *engine;
	struct delivery *d;

	engine = arg;
	while ((d = RB_MIN(delivery_tree, &engine->deliveries.tree)) != NULL)
		delivery_free(&engine->deliveries, d);
	TAILQ_REMOVE(&engines, engine, entry);
	nengines--;
	wire_free(wire);
	free(engine);
}

static int
engine_hello(struct engine *engine, struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg_end(msg) == -1 || version != DELIVER_VERSION)
		return -1;
	engine->greeted = true;
	return 0;
}

static int
engine_check(struct engine *engine, struct msg *msg)
{
	char account[DELIVER_ACCOUNT_MAX];
	struct recipient *rcpt;
	struct msgout *out;
	enum store_result res;
	uint64_t size;
	bool saves = false, plenty = false;

	if (msg_get_str(msg, account, sizeof(account)) == -1)
		return -1;
	size = msg_get_u64(msg);
	if (msg_end(msg) == -1 || msg->id == 0)
		return -1;
	res = recipient_get(account, &rcpt);
	if (res == STORE_OK) {
		res = recipient_check(rcpt, size);
		saves = store_rcpt_saves_sent(recipient_store(rcpt));
		plenty = res == STORE_OK && recipient_plenty(rcpt);
		recipient_put(rcpt);
	}
	out = msg_new(engine->wire, DELIVER_CHECKED, msg->id);
	msg_put_u8(out, (uint8_t)delivery_result(res, account));
	msg_put_u8(out, saves);
	msg_put_u8(out, plenty);
	msg_send(out);
	return 0;
}
