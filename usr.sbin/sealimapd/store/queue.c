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
 * Who waits for a password's derivation.  Each source has its turn, so that one
 * address with ten thousand wrong passwords delays nobody else by more than the
 * derivation under way.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "master.h"

struct source {
	RB_ENTRY(source) entry;
	TAILQ_ENTRY(source) turn;
	TAILQ_HEAD(, waiter) waiters;
	unsigned int n;
	unsigned int openers; /* of its logins, at work */
	char name[SOURCE_MAX];
};

static int source_cmp(struct source *, struct source *);

RB_HEAD(sources, source);
RB_PROTOTYPE(sources, source, entry, source_cmp);
RB_GENERATE(sources, source, entry, source_cmp);

static struct {
	struct sources by_name;
	TAILQ_HEAD(, source) turns;
	unsigned int n;
} queue = {.by_name = RB_INITIALIZER(&queue.by_name),
    .turns = TAILQ_HEAD_INITIALIZER(queue.turns)};

static int
source_cmp(struct source *a, struct source *b)
{
	return strcmp(a->name, b->name);
}

static struct source *
source_get(const char *name)
{
	struct source key, *s;

	(void)strlcpy(key.name, name, sizeof(key.name));
	s = RB_FIND(sources, &queue.by_name, &key);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("out of memory");
	(void)strlcpy(s->name, name, sizeof(s->name));
	TAILQ_INIT(&s->waiters);
	RB_INSERT(sources, &queue.by_name, s);
	TAILQ_INSERT_TAIL(&queue.turns, s, turn);
	return s;
}

static void
source_tidy(struct source *s)
{
	if (s->n > 0 || s->openers > 0)
		return;
	RB_REMOVE(sources, &queue.by_name, s);
	TAILQ_REMOVE(&queue.turns, s, turn);
	free(s);
}

struct source *
queue_hold(const char *name)
{
	struct source *s;

	s = source_get(name);
	s->openers++;
	return s;
}

void
queue_release(struct source *s)
{
	s->openers--;
	source_tidy(s);
}

unsigned int
queue_openers(const struct waiter *w)
{
	return w->source->openers;
}

/* How many of a source wait for one account. */
static unsigned int
pairs(const struct source *s, const struct account *a)
{
	const struct waiter *w;
	unsigned int n = 0;

	TAILQ_FOREACH (w, &s->waiters, entry)
		n += w->account == a;
	return n;
}

int
queue_add(struct waiter *w, const char *source)
{
	struct source *s;

	/* Openers, which have a place already, are few. */
	if (w->child == NULL &&
	    (queue.n >= LOGIN_QUEUE_MAX ||
		w->account->waiting >= LOGIN_ACCOUNT_MAX)) {
		errno = ENOBUFS;
		return -1;
	}
	s = source_get(source);
	if (w->child == NULL &&
	    (s->n >= LOGIN_SOURCE_MAX ||
		pairs(s, w->account) >= LOGIN_PAIR_MAX)) {
		errno = ENOBUFS;
		return -1;
	}
	w->source = s;
	(void)strlcpy(w->from, source, sizeof(w->from));
	TAILQ_INSERT_TAIL(&s->waiters, w, entry);
	s->n++;
	queue.n++;
	w->account->waiting++;
	return 0;
}

void
queue_remove(struct waiter *w)
{
	struct source *s = w->source;

	TAILQ_REMOVE(&s->waiters, w, entry);
	w->source = NULL;
	w->account->waiting--;
	queue.n--;
	s->n--;
	source_tidy(s);
}

struct waiter *
queue_next(bool (*ready)(const struct waiter *))
{
	struct source *s;
	struct waiter *w;

	TAILQ_FOREACH (s, &queue.turns, turn) {
		TAILQ_FOREACH (w, &s->waiters, entry) {
			if (!ready(w))
				continue;
			TAILQ_REMOVE(&queue.turns, s, turn);
			TAILQ_INSERT_TAIL(&queue.turns, s, turn);
			queue_remove(w);
			return w;
		}
	}
	return NULL;
}

struct waiter *
queue_of_engine(const struct engine *engine, uint32_t id, bool any)
{
	struct source *s;
	struct waiter *w;

	TAILQ_FOREACH (s, &queue.turns, turn) {
		TAILQ_FOREACH (w, &s->waiters, entry) {
			if (w->engine != engine || (!any && w->id != id))
				continue;
			queue_remove(w);
			return w;
		}
	}
	return NULL;
}
