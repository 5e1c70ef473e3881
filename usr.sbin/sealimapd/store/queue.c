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
 * Who waits for a password's derivation.  Each source has its turn, and those
 * from which mostly wrong passwords came lately have it after all others: so an
 * address with ten thousand wrong passwords delays nobody else.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
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
	unsigned int wrong;   /* secrets lately; halved as time passes */
	unsigned int right;   /* likewise */
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
	unsigned int sources;
	unsigned int ahead; /* picks since a suspect had its turn */
	struct event fade_ev;
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
	queue.sources++;
	return s;
}

/* What came from it is remembered for a while, if there is room. */
static void
source_tidy(struct source *s)
{
	if (s->n > 0 || s->openers > 0 ||
	    (s->wrong > 0 && queue.sources <= SOURCES_MAX))
		return;
	RB_REMOVE(sources, &queue.by_name, s);
	TAILQ_REMOVE(&queue.turns, s, turn);
	queue.sources--;
	free(s);
}

static void
on_fade(int fd, short what, void *arg)
{
	struct timeval tv = {SUSPECT_FADE_S, 0};
	struct source *s, *next;

	(void)evtimer_add(&queue.fade_ev, &tv);
	for (s = RB_MIN(sources, &queue.by_name); s != NULL; s = next) {
		next = RB_NEXT(sources, &queue.by_name, s);
		s->wrong /= 2;
		s->right /= 2;
		source_tidy(s);
	}
}

void
queue_start(void)
{
	struct timeval tv = {SUSPECT_FADE_S, 0};

	evtimer_set(&queue.fade_ev, on_fade, NULL);
	(void)evtimer_add(&queue.fade_ev, &tv);
}

void
queue_outcome(struct source *s, bool right)
{
	if (right)
		s->right++;
	else
		s->wrong++;
}

bool
queue_suspect(const struct source *s)
{
	return s->wrong >= SUSPECT_WRONG && s->wrong > s->right;
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
queue_length(void)
{
	return queue.n;
}

unsigned int
queue_openers(const struct source *s)
{
	return s->openers;
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

/* The next of the suspects, or of the others. */
static struct waiter *
next_of(bool suspects, bool (*ready)(const struct waiter *))
{
	struct source *s;
	struct waiter *w;

	TAILQ_FOREACH (s, &queue.turns, turn) {
		if (queue_suspect(s) != suspects)
			continue;
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

bool
queue_suspects_turn(void)
{
	return queue.ahead >= SUSPECT_BEHIND;
}

struct waiter *
queue_next(bool (*ready)(const struct waiter *))
{
	bool suspects = queue_suspects_turn();
	struct waiter *w;

	w = next_of(suspects, ready);
	if (w == NULL)
		w = next_of(suspects = !suspects, ready);
	if (w != NULL)
		queue.ahead = suspects ? 0 : queue.ahead + 1;
	return w;
}

struct waiter *
queue_of_peer(const struct peer *peer, uint32_t id, bool any)
{
	struct source *s;
	struct waiter *w;

	TAILQ_FOREACH (s, &queue.turns, turn) {
		TAILQ_FOREACH (w, &s->waiters, entry) {
			if (w->peer != peer || (!any && w->id != id))
				continue;
			queue_remove(w);
			return w;
		}
	}
	return NULL;
}
