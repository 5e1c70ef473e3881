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
 * What engines put in.  Records become a file of the spool as they come; a
 * message is entered when it was committed, and answered when it is durable.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "count.h"
#include "log.h"
#include "main.h"
#include "msg.h"
#include "peer.h"
#include "seal.h"

#define NOTIFY_ALL 0x0f

struct envelope {
	char sender[QUEUE_ADDRESS_MAX];
	char login[QUEUE_ADDRESS_MAX];
	char envid[QUEUE_ENVID_MAX];
	char trace[QUEUE_TRACE_MAX];
};

static struct entry *entry_new(struct peer *, struct msg *);
static int entry_compare(const struct entry *, const struct entry *);
static int record_read(struct entry *, struct msg *);
static int record_rcpt(struct entry *, struct msg *);
static int record_told(struct entry *, struct msg *);
static int record_data(struct entry *, struct msg *);
static int record_commit(struct entry *, struct msg *);
static enum queue_result entry_whole(struct entry *);
static void entry_failed(struct entry *);
static void entry_free(struct entry *);
static char *copy(const char *);

RB_PROTOTYPE(entry_tree, entry, entry, entry_compare)
RB_GENERATE(entry_tree, entry, entry, entry_compare)

int
entry_check(struct peer *peer, struct msg *msg)
{
	struct msgout *out;
	uint64_t size;
	enum queue_result res;

	size = msg_get_u64(msg);
	if (msg_end(msg) == -1 || msg->id == 0)
		return -1;
	res = QUEUE_DONE;
	if (message_count() >= MESSAGES_MAX ||
	    !spool_room(
		size, queue_limits()->free_bytes, queue_limits()->free_inodes))
		res = QUEUE_FULL;
	out = msg_new(peer->wire, QUEUE_CHECKED, msg->id);
	msg_put_u8(out, (uint8_t)res);
	msg_send(out);
	return 0;
}

int
entry_put(struct peer *peer, struct msg *msg)
{
	struct entry key, *e;
	int r;

	if (msg->id == 0)
		return -1;
	memset(&key, 0, sizeof(key));
	key.id = msg->id;
	e = RB_FIND(entry_tree, &peer->entries, &key);
	if (e == NULL) {
		e = entry_new(peer, msg);
		if (e == NULL)
			return -1;
	}
	if (e->committed)
		return -1;
	while (msg->off < msg->len) {
		r = record_read(e, msg);
		if (r == -1)
			return -1;
		if (r == 1)
			break;
	}
	return msg_end(msg);
}

void
entries_drop(struct peer *peer)
{
	struct entry *e;

	while ((e = RB_MIN(entry_tree, &peer->entries)) != NULL) {
		if (e->committed)
			sync_entry_gone(e);
		entry_free(e);
	}
}

/* Nobody who was told 250 may be forgotten; whoever was not asks again. */
void
entry_answer(struct entry *e, enum queue_result res)
{
	char id[2 * QUEUE_ID_LEN + 1];
	struct message *m;
	struct msgout *out;

	m = e->message;
	out = msg_new(e->peer->wire, QUEUE_ANSWER, e->id);
	msg_put_u8(out, (uint8_t)res);
	msg_put_raw(out, m->id, sizeof(m->id));
	msg_send(out);
	count_add(res == QUEUE_DONE ? COUNT_QUEUED : COUNT_REFUSED, 1);
	if (res == QUEUE_DONE) {
		count_add(COUNT_OCTETS, m->sizes.head + m->sizes.body);
		seal_hex(m->id, sizeof(m->id), id);
		log_info(
		    "queued trace=%s queue=%s from=%s rcpts=%u octets=%llu",
		    log_vis(m->trace), id, log_addr(m->sender), m->n,
		    (unsigned long long)(m->sizes.body + m->sizes.head));
		spool_keep(e->file);
		message_insert(m);
		message_start(m);
		report_due(m);
		e->message = NULL;
	}
	entry_free(e);
}

struct message *
entry_message(struct entry *e)
{
	return e->message;
}

struct spool_out *
entry_file(struct entry *e)
{
	return e->file;
}

static struct entry *
entry_new(struct peer *peer, struct msg *msg)
{
	static struct envelope env;
	struct entry *e;
	struct message *m;
	uint8_t id[QUEUE_ID_LEN];
	int64_t arrival;
	uint32_t life;
	uint8_t flags, codec, ret;

	if (msg_get_u8(msg) != QUEUE_ENVELOPE)
		return NULL;
	(void)msg_get_str(msg, env.sender, sizeof(env.sender));
	(void)msg_get_str(msg, env.login, sizeof(env.login));
	flags = msg_get_u8(msg);
	codec = msg_get_u8(msg);
	(void)msg_get_str(msg, env.envid, sizeof(env.envid));
	ret = msg_get_u8(msg);
	arrival = msg_get_i64(msg);
	life = msg_get_u32(msg);
	(void)msg_get_str(msg, env.trace, sizeof(env.trace));
	if (msg->bad || codec > CODEC_LAST || ret > QUEUE_RET_HDRS ||
	    peer->nentries == QUEUE_OPEN_MAX)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		fatal("calloc");
	e->peer = peer;
	e->id = msg->id;
	e->file = spool_create(id);
	if (e->file == NULL)
		entry_failed(e);
	m = e->message = message_new(id, 1);
	m->sender = copy(env.sender);
	m->login = copy(env.login);
	m->envid = copy(env.envid);
	m->trace = copy(env.trace);
	m->flags = flags;
	m->codec = codec;
	m->ret = ret;
	m->arrival = arrival;
	if (life == 0 || life > queue_limits()->lifetime)
		life = queue_limits()->lifetime;
	m->expiry = queue_now() + (int64_t)life;
	RB_INSERT(entry_tree, &peer->entries, e);
	peer->nentries++;
	return e;
}

/* 1: it has ended. */
static int
record_read(struct entry *e, struct msg *msg)
{
	switch (msg_get_u8(msg)) {
	case QUEUE_RCPT:
		return record_rcpt(e, msg);
	case QUEUE_TOLD:
		return record_told(e, msg);
	case QUEUE_DATA:
		return record_data(e, msg);
	case QUEUE_FLAGS:
		e->message->flags |= msg_get_u8(msg);
		return msg->bad ? -1 : 0;
	case QUEUE_COMMIT:
		return record_commit(e, msg) == -1 ? -1 : 1;
	case QUEUE_ABORT:
		entry_free(e);
		return 1;
	default:
		return -1;
	}
}

static int
record_rcpt(struct entry *e, struct msg *msg)
{
	char address[QUEUE_ADDRESS_MAX], dest[QUEUE_DEST_MAX];
	char orcpt[QUEUE_ORCPT_MAX];
	uint8_t notify;

	(void)msg_get_str(msg, address, sizeof(address));
	(void)msg_get_str(msg, dest, sizeof(dest));
	(void)msg_get_str(msg, orcpt, sizeof(orcpt));
	notify = msg_get_u8(msg);
	if (msg->bad || address[0] == '\0' || dest[0] == '\0' ||
	    (notify & ~NOTIFY_ALL) != 0 || e->message->known == QUEUE_RCPTS_MAX)
		return -1;
	if (!message_add(e->message, address, dest, orcpt, notify)) {
		log_warnx("queue: more than %d destinations", DESTS_MAX);
		e->result = QUEUE_FULL;
	}
	return 0;
}

static int
record_told(struct entry *e, struct msg *msg)
{
	char address[QUEUE_ADDRESS_MAX], orcpt[QUEUE_ORCPT_MAX];

	(void)msg_get_str(msg, address, sizeof(address));
	(void)msg_get_str(msg, orcpt, sizeof(orcpt));
	if (msg->bad || address[0] == '\0' ||
	    e->message->known == QUEUE_RCPTS_MAX)
		return -1;
	message_told(e->message, address, orcpt);
	return 0;
}

static int
record_data(struct entry *e, struct msg *msg)
{
	struct spool_chunk c;

	c.kind = msg_get_u8(msg);
	c.flags = msg_get_u8(msg);
	c.plain = msg_get_u32(msg);
	c.data = msg_get_bytes(msg, &c.len, QUEUE_CHUNK_MAX);
	if (msg->bad)
		return -1;
	if (e->result != QUEUE_DONE || spool_put(e->file, &c) == 0)
		return 0;
	if (errno == EINVAL)
		return -1;
	entry_failed(e);
	return 0;
}

static int
record_commit(struct entry *e, struct msg *msg)
{
	struct message *m;

	m = e->message;
	if (msg->off != msg->len || (e->result == QUEUE_DONE && m->known == 0))
		return -1;
	if (e->result == QUEUE_DONE)
		e->result = entry_whole(e);
	e->committed = true;
	if (e->result == QUEUE_DONE)
		sync_entry(e);
	else
		entry_answer(e, e->result);
	return 0;
}

static enum queue_result
entry_whole(struct entry *e)
{
	struct message *m;

	m = e->message;
	if (spool_end(e->file, &m->sizes) == -1) {
		entry_failed(e);
		return e->result;
	}
	m->n = m->known;
	return QUEUE_DONE;
}

static void
entry_failed(struct entry *e)
{
	e->result = errno == ENOSPC || errno == EDQUOT ? QUEUE_FULL :
							 QUEUE_TROUBLE;
	log_warn("queue: a message cannot be written");
}

static void
entry_free(struct entry *e)
{
	RB_REMOVE(entry_tree, &e->peer->entries, e);
	e->peer->nentries--;
	message_free(e->message);
	spool_free(e->file);
	free(e);
}

static int
entry_compare(const struct entry *a, const struct entry *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static char *
copy(const char *s)
{
	char *c;

	c = strdup(s);
	if (c == NULL)
		fatal("strdup");
	return c;
}
