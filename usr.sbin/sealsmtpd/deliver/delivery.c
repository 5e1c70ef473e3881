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
 * Deliveries: the records of PUT messages become one sealed file in in/ for
 * each target.  A target that fails keeps its reason and costs the others
 * nothing.
 */

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "deliver.h"

#define FLAG_SEEN 0x01 /* \Seen, as sealstore(5) numbers flags */

static int base = -1;

static struct delivery *
delivery_new(struct engine *, struct deliveries *, struct msg *);
static int
record_target(struct deliveries *, struct delivery *, struct msg *, bool own);
static int record_chunk(struct delivery *, struct msg *);
static int record_later(struct delivery *);
static int record_first(struct delivery *, struct msg *);
static int record_commit(struct delivery *, struct msg *);
static int record_known(struct delivery *, struct msg *);
static void targets_open(struct delivery *);
static void target_open(struct delivery *, struct target *);
static bool target_fits(const struct delivery *, struct target *);
static void target_fail(struct target *, enum store_result);
static int record_read(struct deliveries *, struct delivery *, struct msg *);

RB_GENERATE(delivery_tree, delivery, entry, delivery_compare)

void
delivery_init(int basefd)
{
	base = basefd;
}

int
delivery_compare(const struct delivery *a, const struct delivery *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

/* What the engine learns of a failure; the log learns the rest. */
enum deliver_result
delivery_result(enum store_result res, const char *account)
{
	switch (res) {
	case STORE_OK:
		return DELIVER_DONE;
	case STORE_UNKNOWN:
	case STORE_BADNAME:
		return DELIVER_UNKNOWN;
	case STORE_DISABLED:
		return DELIVER_DISABLED;
	case STORE_OVERQUOTA:
		return DELIVER_OVERQUOTA;
	case STORE_NOSPACE:
		return DELIVER_FULL;
	case STORE_IO:
		if (errno == ENOSPC || errno == EDQUOT)
			return DELIVER_FULL;
		log_warn("delivery failed account=%s", log_addr(account));
		return DELIVER_TROUBLE;
	case STORE_EXISTS:
	case STORE_LIMIT:
	case STORE_READONLY:
	case STORE_CORRUPT:
	case STORE_LOCKED:
	case STORE_INVALID:
		break;
	}
	log_warnx("delivery failed account=%s: %s", log_addr(account),
	    store_strerror(res));
	return DELIVER_TROUBLE;
}

struct delivery *
delivery_find(struct deliveries *all, uint32_t id)
{
	struct delivery key;

	memset(&key, 0, sizeof(key));
	key.id = id;
	return RB_FIND(delivery_tree, &all->tree, &key);
}

int
delivery_put(struct engine *engine, struct deliveries *all, struct msg *msg)
{
	struct delivery *d;
	uint32_t id;

	id = msg->id;
	if (id == 0)
		return -1;
	d = delivery_find(all, id);
	if (d == NULL) {
		d = delivery_new(engine, all, msg);
		if (d == NULL)
			return -1;
	}
	while (msg->off < msg->len) {
		if (record_read(all, d, msg) == -1)
			return -1;
		/* An abort has freed it, a commit leaves it to the sync. */
		d = delivery_find(all, id);
		if (d == NULL)
			break;
	}
	return msg_end(msg);
}

/* Frees it and, unless they are durable, unlinks its files. */
void
delivery_free(struct deliveries *all, struct delivery *d)
{
	struct target *t;

	RB_REMOVE(delivery_tree, &all->tree, d);
	all->n--;
	all->targets -= d->ntargets;
	if (d->state == DELIVERY_SYNC)
		sync_remove(d);
	for (size_t i = 0; i < d->ntargets; i++) {
		t = &d->targets[i];
		store_blob_free(t->blob);
		recipient_put(t->rcpt);
		free(t->account);
		free(t->to);
		free(t->hint);
	}
	free(d->targets);
	free(d->from);
	free(d);
}

static int
record_read(struct deliveries *all, struct delivery *d, struct msg *msg)
{
	switch (msg_get_u8(msg)) {
	case DELIVER_TARGET:
		return record_target(all, d, msg, false);
	case DELIVER_OWN:
		return record_target(all, d, msg, true);
	case DELIVER_CHUNK:
		return record_chunk(d, msg);
	case DELIVER_LATER:
		return record_later(d);
	case DELIVER_FIRST:
		return record_first(d, msg);
	case DELIVER_COMMIT:
		return record_commit(d, msg);
	case DELIVER_SUSPECT:
		d->suspect = true;
		return d->state == DELIVERY_SYNC ? -1 : 0;
	case DELIVER_ABORT:
		if (d->state == DELIVERY_SYNC)
			return -1;
		delivery_free(all, d);
		return msg->off == msg->len ? 0 : -1;
	default:
		return -1;
	}
}

/* A copy of the next string; NULL with the message bad. */
static char *
get_string(struct msg *msg, char *buf, size_t size)
{
	char *s;

	if (msg_get_str(msg, buf, size) == -1)
		return NULL;
	s = strdup(buf);
	if (s == NULL)
		fatal("strdup");
	return s;
}

static struct delivery *
delivery_new(struct engine *engine, struct deliveries *all, struct msg *msg)
{
	char from[DELIVER_ADDRESS_MAX];
	struct delivery *d;

	if (msg_get_u8(msg) != DELIVER_ENVELOPE || all->n == DELIVER_OPEN_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		fatal("calloc");
	d->engine = engine;
	d->id = msg->id;
	d->from = get_string(msg, from, sizeof(from));
	d->codec = msg_get_u8(msg);
	d->date = msg_get_i64(msg);
	if (msg_get_raw(msg, d->delivery_id, sizeof(d->delivery_id)) == -1 ||
	    d->from == NULL) {
		free(d->from);
		free(d);
		return NULL;
	}
	RB_INSERT(delivery_tree, &all->tree, d);
	all->n++;
	return d;
}

static int
record_target(
    struct deliveries *all, struct delivery *d, struct msg *msg, bool own)
{
	char account[DELIVER_ACCOUNT_MAX], to[DELIVER_ADDRESS_MAX];
	char hint[DELIVER_HINT_MAX + 1];
	struct target *t, *targets;
	size_t size;

	if (d->state != DELIVERY_HEAD || d->ntargets == DELIVER_TARGETS_MAX ||
	    all->targets == DELIVER_FILES_MAX)
		return -1;
	if (d->ntargets == d->targets_size) {
		size = d->targets_size == 0 ? 1 : d->targets_size * 2;
		targets = recallocarray(
		    d->targets, d->targets_size, size, sizeof(*targets));
		if (targets == NULL)
			fatal("recallocarray");
		d->targets = targets;
		d->targets_size = size;
	}
	t = &d->targets[d->ntargets++];
	all->targets++;
	t->own = own;
	t->account = get_string(msg, account, sizeof(account));
	if (own) {
		t->to = strdup("");
		t->hint = strdup("");
		if (t->to == NULL || t->hint == NULL)
			fatal("strdup");
	} else {
		t->to = get_string(msg, to, sizeof(to));
		t->hint = get_string(msg, hint, sizeof(hint));
	}
	if (t->account == NULL || t->to == NULL || t->hint == NULL)
		return -1;
	return 0;
}

static int
record_chunk(struct delivery *d, struct msg *msg)
{
	struct store_chunk chunk;
	enum store_result res;
	uint8_t kind, flags;

	memset(&chunk, 0, sizeof(chunk));
	kind = msg_get_u8(msg);
	flags = msg_get_u8(msg);
	chunk.plain = msg_get_u32(msg);
	chunk.data = msg_get_bytes(msg, &chunk.len, DELIVER_CHUNK_MAX);
	if (msg->bad || kind > STORE_SUMMARY || flags > 1 ||
	    chunk.plain > DELIVER_CHUNK_MAX || d->ntargets == 0)
		return -1;
	chunk.kind = kind == STORE_BODY ? STORE_BODY : STORE_SUMMARY;
	chunk.compressed = flags == 1;
	if (d->state == DELIVERY_HEAD)
		targets_open(d);
	if (kind == STORE_SUMMARY && d->state == DELIVERY_BODY)
		d->state = DELIVERY_SUMMARY;
	if (d->state != (kind == STORE_BODY ? DELIVERY_BODY : DELIVERY_SUMMARY))
		return -1;
	if (kind == STORE_BODY)
		d->plain += chunk.plain;
	for (size_t i = 0; i < d->ntargets; i++) {
		if (d->targets[i].blob == NULL)
			continue;
		res = store_blob_chunk(d->targets[i].blob, &chunk);
		if (res != STORE_OK)
			target_fail(&d->targets[i], res);
	}
	return 0;
}

static int
record_later(struct delivery *d)
{
	enum store_result res;

	if (d->state != DELIVERY_HEAD || d->ntargets == 0)
		return -1;
	targets_open(d);
	d->later = true;
	d->plain = DELIVER_CHUNK_MAX;
	for (size_t i = 0; i < d->ntargets; i++) {
		if (d->targets[i].blob == NULL)
			continue;
		res = store_blob_later(d->targets[i].blob);
		if (res != STORE_OK)
			target_fail(&d->targets[i], res);
	}
	return 0;
}

static int
record_first(struct delivery *d, struct msg *msg)
{
	enum store_result res;
	const uint8_t *data;
	size_t len;

	data = msg_get_bytes(msg, &len, DELIVER_CHUNK_MAX);
	if (msg->bad || len != DELIVER_CHUNK_MAX || !d->later ||
	    d->state == DELIVERY_SYNC)
		return -1;
	d->later = false;
	for (size_t i = 0; i < d->ntargets; i++) {
		if (d->targets[i].blob == NULL)
			continue;
		res = store_blob_first(d->targets[i].blob, data);
		if (res != STORE_OK)
			target_fail(&d->targets[i], res);
	}
	return 0;
}

static int
record_commit(struct delivery *d, struct msg *msg)
{
	struct store_envelope env;
	struct target *t;
	enum store_result res;

	if ((d->state != DELIVERY_BODY && d->state != DELIVERY_SUMMARY) ||
	    d->later)
		return -1;
	if (record_known(d, msg) == -1 || msg->off != msg->len)
		return -1;
	memset(&env, 0, sizeof(env));
	memcpy(env.delivery_id, d->delivery_id, sizeof(env.delivery_id));
	env.date = d->date;
	env.from = d->from;
	env.verdict = "";
	recipients_seal();
	for (size_t i = 0; i < d->ntargets; i++) {
		t = &d->targets[i];
		if (t->blob == NULL)
			continue;
		if (!target_fits(d, t))
			continue;
		env.to = t->to;
		env.hint = t->hint;
		env.flags = t->own ? STORE_OWN_COPY | FLAG_SEEN :
		    d->suspect     ? STORE_SUSPECT :
				     0;
		res = store_blob_finish(t->blob, &env);
		if (res != STORE_OK)
			target_fail(t, res);
		else
			recipient_took(t->rcpt, store_blob_size(t->blob));
	}
	d->state = DELIVERY_SYNC;
	sync_add(d);
	return 0;
}

/* Targets that have the message already. */
static int
record_known(struct delivery *d, struct msg *msg)
{
	struct target *t;
	uint16_t i;

	for (uint16_t n = msg_get_u16(msg); n > 0; n--) {
		i = msg_get_u16(msg);
		if (msg->bad || i >= d->ntargets)
			return -1;
		t = &d->targets[i];
		store_blob_free(t->blob);
		t->blob = NULL;
		t->result = DELIVER_DONE;
	}
	return msg->bad ? -1 : 0;
}

static void
targets_open(struct delivery *d)
{
	for (size_t i = 0; i < d->ntargets; i++)
		target_open(d, &d->targets[i]);
	d->state = DELIVERY_BODY;
}

/* The account may have gone, or filled up, since its recipient was asked. */
static void
target_open(struct delivery *d, struct target *t)
{
	enum store_result res;

	res = recipient_get(t->account, &t->rcpt);
	if (res == STORE_OK)
		res = recipient_check(t->rcpt, 0);
	if (res == STORE_OK)
		res = store_blob_create(
		    recipient_store(t->rcpt), d->codec, &t->blob);
	if (res != STORE_OK)
		target_fail(t, res);
}

/*
 * Senders may say nothing of the size, or lie, and many may have been told at
 * once that there is room for each.  To count what waits costs time that small
 * messages are not worth.
 */
static bool
target_fits(const struct delivery *d, struct target *t)
{
	enum store_result res;

	if (d->plain <= UNCOUNTED_MAX)
		return true;
	res = store_rcpt_fits(
	    recipient_store(t->rcpt), d->plain, store_blob_size(t->blob));
	if (res != STORE_OK)
		target_fail(t, res);
	return res == STORE_OK;
}

static void
target_fail(struct target *t, enum store_result res)
{
	t->result = delivery_result(res, t->account);
	store_blob_free(t->blob);
	t->blob = NULL;
}
