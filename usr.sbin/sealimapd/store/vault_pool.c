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
 * The workers that search and sort for this user: WORKERS_MAX searches and
 * sorts run at a time, each with a worker of its own; others of the user wait
 * their turn, the rest of the sessions' work goes on between the steps.  A
 * worker parses mail: its word is taken for nothing but the search it has.
 */

#include <sys/types.h>

#include <unistd.h>

#include "log.h"
#include "vault_local.h"

#include "../worker_wire.h"

/* A worker's wire, and the search that has it now. */
static struct helper {
	struct wire *wire; /* NULL: there is none */
	struct job *job;
} helpers[WORKERS_MAX];
static bool asked;
static bool refused; /* until one is free again */

static void worker_message(struct wire *, struct msg *, void *);
static void worker_gone(struct wire *, void *);
static void worker_produce(struct wire *, void *);
static void add(int fd);
static void none(void);

bool
pool_take(struct job *j, struct helper **helper)
{
	bool room = false;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		if (helpers[i].wire == NULL)
			room = true;
		else if (helpers[i].job == NULL) {
			helpers[i].job = j;
			*helper = &helpers[i];
			return true;
		}
	}
	if (room && !asked && !refused) {
		asked = true;
		vault_want_worker(WORKER_FOR_SEARCH);
	}
	return false;
}

struct wire *
pool_wire(const struct helper *h)
{
	return h->wire;
}

void
pool_serve(struct helper *h)
{
	wire_produce(h->wire, worker_produce);
}

void
pool_drop(struct helper *h)
{
	if (h->job != NULL)
		search_lost(h->job);
	h->job = NULL;
	wire_free(h->wire);
	h->wire = NULL;
	refused = false;
	vault_run_soon();
}

void
pool_worker(int fd)
{
	asked = false;
	if (fd != -1)
		add(fd);
	else
		none();
	vault_run_soon();
}

static void
add(int fd)
{
	struct helper *h = helpers;
	struct msgout *o;

	while (h < helpers + WORKERS_MAX - 1 && h->wire != NULL)
		h++;
	if (h->wire != NULL) {
		close(fd);
		return;
	}
	h->wire = wire_new(fd, worker_message, worker_gone, h);
	o = msg_new(h->wire, VAULT_WORKER_HELLO, 1);
	msg_put_u32(o, WORKER_WIRE_VERSION);
	msg_send(o);
}

/* Nobody works, and there is no worker: those who wait for one wait in vain. */
static void
none(void)
{
	struct session *s = NULL;
	struct job *j;

	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (helpers[i].job != NULL) {
			refused = true;
			return;
		}
	while ((s = vault_session_next(s)) != NULL)
		TAILQ_FOREACH (j, &s->jobs, entry)
			if (search_wants_worker(j))
				j->result = DONE_BUSY;
}

void
pool_end(void)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		wire_free(helpers[i].wire);
		helpers[i].wire = NULL;
	}
}

bool
pool_release(void)
{
	bool all = true;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		if (helpers[i].job != NULL) {
			all = false;
			continue;
		}
		wire_free(helpers[i].wire);
		helpers[i].wire = NULL;
	}
	return all;
}

static void
worker_gone(struct wire *w, void *arg)
{
	struct helper *h = arg;

	if (h->job != NULL) {
		log_warnx("the search worker died");
		h->job->result = DONE_BUSY;
	}
	pool_drop(h);
}

static void
worker_message(struct wire *w, struct msg *m, void *arg)
{
	struct helper *h = arg;
	struct job *j = h->job;
	struct session *s;

	if (j == NULL || m->id != j->id)
		return; /* of a search that ended meanwhile */
	switch (search_message(j, m)) {
	case WORKER_BAD:
		log_warnx("worker: bad message type=%u", m->type);
		worker_gone(w, arg);
		return;
	case WORKER_DONE:
		h->job = NULL;
		s = search_session(j);
		search_lost(j);
		refused = false;
		vault_worker_quiet();
		vault_run_soon(); /* the next search, too */
		session_run(s);
		return;
	case WORKER_MORE:
		break;
	}
	if (search_hungry(j))
		pool_serve(h);
	vault_run_soon(); /* once for all it said, and others come first */
}

static void
worker_produce(struct wire *w, void *arg)
{
	struct helper *h = arg;

	wire_produce(w, NULL);
	if (h->job == NULL)
		return;
	if (search_serve(h->job, w))
		pool_serve(h);
	vault_run_soon();
}
