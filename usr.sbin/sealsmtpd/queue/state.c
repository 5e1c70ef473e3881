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
 * Messages, recipients and destinations in memory.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "main.h"
#include "queue.h"

static struct message_list all = TAILQ_HEAD_INITIALIZER(all);
static struct message_tree by_id = RB_INITIALIZER(&by_id);
static struct dest_tree dests = RB_INITIALIZER(&dests);
static size_t nmessages, ndests;

/*
 * Destinations that no mail waits for, those that were used longest ago first:
 * what is known of them serves the next mail, but not without end.
 */
TAILQ_HEAD(dest_list, dest);
static struct dest_list known = TAILQ_HEAD_INITIALIZER(known);
static struct dest_list failing = TAILQ_HEAD_INITIALIZER(failing);
static size_t nknown;

static void message_grow(struct message *);
static int message_compare(const struct message *, const struct message *);
static int dest_compare(const struct dest *, const struct dest *);
static void dest_free(struct dest *);
static void dest_file(struct dest *);
static void dest_unfile(struct dest *);
static bool dest_stale(const struct dest *);
static struct work *work_get(struct message *, struct dest *);
static struct verdict *
verdict_new(int64_t, uint16_t, const char *, const char *, const char *);
static void verdict_free(struct verdict *);
static char *copy(const char *);

RB_PROTOTYPE(message_tree, message, entry, message_compare)
RB_GENERATE(message_tree, message, entry, message_compare)
RB_PROTOTYPE(dest_tree, dest, entry, dest_compare)
RB_GENERATE(dest_tree, dest, entry, dest_compare)

struct message *
message_new(const uint8_t id[QUEUE_ID_LEN], uint16_t n)
{
	struct message *m;

	m = calloc(1, sizeof(*m));
	if (m == NULL)
		fatal("calloc");
	m->rcpts = calloc(n, sizeof(*m->rcpts));
	if (m->rcpts == NULL)
		fatal("calloc");
	memcpy(m->id, id, sizeof(m->id));
	m->n = m->room = n;
	LIST_INIT(&m->works);
	return m;
}

void
message_insert(struct message *m)
{
	message_free(message_find(m->id));
	RB_INSERT(message_tree, &by_id, m);
	TAILQ_INSERT_TAIL(&all, m, order);
	m->queued = true;
	nmessages++;
}

struct message *
message_find(const uint8_t id[QUEUE_ID_LEN])
{
	struct message key;

	memcpy(key.id, id, sizeof(key.id));
	return RB_FIND(message_tree, &by_id, &key);
}

bool
message_add(struct message *m, const char *address, const char *dest,
    const char *orcpt, uint8_t notify)
{
	struct dest *d;
	struct rcpt *r;

	d = dest_get(dest);
	if (d == NULL)
		return false;
	if (m->known == m->room)
		message_grow(m);
	r = &m->rcpts[m->known++];
	r->address = copy(address);
	r->orcpt = orcpt[0] == '\0' ? NULL : copy(orcpt);
	r->notify = notify;
	r->state = RCPT_WAIT;
	r->work = work_get(m, d);
	r->work->left++;
	m->left++;
	return true;
}

void
message_told(struct message *m, const char *address, const char *orcpt)
{
	struct rcpt *r;

	if (m->known == m->room)
		message_grow(m);
	r = &m->rcpts[m->known++];
	r->address = copy(address);
	r->orcpt = orcpt[0] == '\0' ? NULL : copy(orcpt);
	r->notify = QUEUE_NOTIFY_SUCCESS;
	r->state = RCPT_DELIVERED;
	rcpt_verdict(r, queue_now(), 0, "2.1.5", "", "");
	m->left++;
}

void
message_start(struct message *m)
{
	struct work *w;

	LIST_FOREACH (w, &m->works, list)
		work_due(w, w->next);
}

void
message_free(struct message *m)
{
	struct work *w;
	struct dest *d;

	if (m == NULL)
		return;
	while ((w = LIST_FIRST(&m->works)) != NULL) {
		d = w->dest;
		work_free(w);
		dest_prune(d);
	}
	for (uint16_t i = 0; i < m->known; i++) {
		rcpt_clear(&m->rcpts[i]);
	}
	if (m->queued) {
		RB_REMOVE(message_tree, &by_id, m);
		TAILQ_REMOVE(&all, m, order);
		nmessages--;
	}
	free(m->rcpts);
	free(m->sender);
	free(m->login);
	free(m->envid);
	free(m->trace);
	free(m);
}

struct message_list *
messages(void)
{
	return &all;
}

size_t
message_count(void)
{
	return nmessages;
}

struct message *
message_after(const uint8_t id[QUEUE_ID_LEN])
{
	struct message key, *m;

	memcpy(key.id, id, sizeof(key.id));
	m = RB_NFIND(message_tree, &by_id, &key);
	if (m != NULL && memcmp(m->id, id, sizeof(key.id)) == 0)
		m = RB_NEXT(message_tree, &by_id, m);
	return m;
}

size_t
dest_count(void)
{
	return ndests;
}

struct dest *
dest_find(const char *name)
{
	struct dest key;
	union {
		const char *name;
		char *key;
	} u = {name};

	key.name = u.key;
	return RB_FIND(dest_tree, &dests, &key);
}

struct dest *
dest_get(const char *name)
{
	struct dest *d;

	d = dest_find(name);
	if (d != NULL)
		return d;
	/* Two for one: they become fewer. */
	for (int i = 0; i < 2; i++) {
		d = TAILQ_FIRST(&failing);
		if (d != NULL && (ndests == DESTS_MAX || dest_stale(d)))
			dest_free(d);
	}
	if (ndests == DESTS_MAX && !TAILQ_EMPTY(&known))
		dest_free(TAILQ_FIRST(&known));
	if (ndests == DESTS_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		fatal("calloc");
	d->name = copy(name);
	RB_INIT(&d->works);
	RB_INSERT(dest_tree, &dests, d);
	ndests++;
	return d;
}

/* The callback may free the destination it is given. */
void
dest_each(void (*cb)(struct dest *, void *), void *arg)
{
	struct dest *d, *next;

	for (d = RB_MIN(dest_tree, &dests); d != NULL; d = next) {
		next = RB_NEXT(dest_tree, &dests, d);
		cb(d, arg);
	}
}

void
dest_remember(struct dest *d, const uint8_t *data, size_t len)
{
	uint8_t *memory;

	memory = malloc(len + (len == 0));
	if (memory == NULL)
		fatal("malloc");
	memcpy(memory, data, len);
	free(d->memory);
	d->memory = memory;
	d->memory_len = (uint16_t)len;
	dest_file(d);
}

void
dest_prune(struct dest *d)
{
	if (d->nworks > 0 || d->held || d->memory_len > 0 || !dest_stale(d))
		dest_file(d);
	else
		dest_free(d);
}

/* It may be tried at once: nothing is lost if that is not known. */
static bool
dest_stale(const struct dest *d)
{
	return d->failures == 0 || d->next <= queue_now();
}

static void
dest_unfile(struct dest *d)
{
	if (d->idles == IDLES_KNOWN) {
		TAILQ_REMOVE(&known, d, idle);
		nknown--;
	} else if (d->idles == IDLES_FAILING)
		TAILQ_REMOVE(&failing, d, idle);
	d->idles = IDLES_NOT;
}

/* Among those that no mail waits for, if none does: as the last one used. */
static void
dest_file(struct dest *d)
{
	dest_unfile(d);
	if (d->nworks > 0 || d->held)
		return;
	if (d->memory_len == 0) {
		TAILQ_INSERT_TAIL(&failing, d, idle);
		d->idles = IDLES_FAILING;
		return;
	}
	TAILQ_INSERT_TAIL(&known, d, idle);
	d->idles = IDLES_KNOWN;
	if (++nknown > DESTS_IDLE_MAX)
		dest_free(TAILQ_FIRST(&known));
}

static void
dest_free(struct dest *d)
{
	dest_unfile(d);
	RB_REMOVE(dest_tree, &dests, d);
	ndests--;
	free(d->memory);
	verdict_free(d->verdict);
	free(d->name);
	free(d);
}

static struct verdict *
verdict_new(int64_t when, uint16_t code, const char *status, const char *host,
    const char *text)
{
	struct verdict *v;

	v = calloc(1, sizeof(*v));
	if (v == NULL)
		fatal("calloc");
	v->when = when;
	v->code = code;
	v->status = copy(status);
	v->host = copy(host);
	v->text = copy(text);
	return v;
}

void
rcpt_verdict(struct rcpt *r, int64_t when, uint16_t code, const char *status,
    const char *host, const char *text)
{
	verdict_free(r->verdict);
	r->verdict = verdict_new(when, code, status, host, text);
}

void
dest_verdict(struct dest *d, int64_t when, const char *status, const char *host,
    const char *text)
{
	verdict_free(d->verdict);
	d->verdict = verdict_new(when, 0, status, host, text);
}

const struct verdict *
rcpt_last(const struct rcpt *r)
{
	static const struct verdict none;
	const struct verdict *v;

	v = r->work != NULL ? r->work->dest->verdict : NULL;
	if (v == NULL || (r->verdict != NULL && r->verdict->when > v->when))
		v = r->verdict;
	return v != NULL ? v : &none;
}

void
rcpt_settle(struct message *m, struct rcpt *r, enum rcpt_state state)
{
	struct work *w;
	struct dest *d;

	w = r->work;
	r->work = NULL;
	if (w != NULL && --w->left == 0 && !w->active) {
		d = w->dest;
		work_free(w);
		dest_prune(d);
	}
	if (state == RCPT_DONE && r->state != RCPT_DONE)
		m->left--;
	r->state = (uint8_t)state;
}

void
rcpt_clear(struct rcpt *r)
{
	free(r->address);
	free(r->orcpt);
	verdict_free(r->verdict);
	memset(r, 0, sizeof(*r));
}

/* One that comes in does not say how many recipients it has. */
static void
message_grow(struct message *m)
{
	struct rcpt *rcpts;
	uint16_t room;

	room = (uint16_t)(m->room * 2);
	rcpts = recallocarray(m->rcpts, m->room, room, sizeof(*rcpts));
	if (rcpts == NULL)
		fatal("recallocarray");
	m->rcpts = rcpts;
	m->room = room;
}

static int
message_compare(const struct message *a, const struct message *b)
{
	return memcmp(a->id, b->id, sizeof(a->id));
}

static int
dest_compare(const struct dest *a, const struct dest *b)
{
	return strcmp(a->name, b->name);
}

static struct work *
work_get(struct message *m, struct dest *d)
{
	struct work *w;

	LIST_FOREACH (w, &m->works, list)
		if (w->dest == d && w->left < QUEUE_JOB_RCPTS_MAX)
			return w;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatal("calloc");
	w->message = m;
	w->dest = d;
	d->nworks++;
	dest_unfile(d);
	LIST_INSERT_HEAD(&m->works, w, list);
	return w;
}

static void
verdict_free(struct verdict *v)
{
	if (v == NULL)
		return;
	free(v->status);
	free(v->host);
	free(v->text);
	free(v);
}

static char *
copy(const char *s)
{
	char *c;

	c = strdup(s == NULL ? "" : s);
	if (c == NULL)
		fatal("strdup");
	return c;
}
