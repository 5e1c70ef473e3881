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
 * How far long searches and changes are, told every now and then to those who
 * wait for them (RFC 9585).
 */

#include <sys/types.h>

#include <event.h>
#include <string.h>

#include "vault_local.h"

static struct event timer;
static bool armed;

static void progress_due(int, short, void *);

static void
later(void)
{
	const struct timeval tv = {.tv_sec = PROGRESS_S};

	if (armed)
		return;
	armed = true;
	evtimer_set(&timer, progress_due, NULL);
	(void)evtimer_add(&timer, &tv);
}

void
progress_begin(struct job *j)
{
	j->begun = vault_now();
	later();
}

static void
progress_tell(struct session *s, struct job *j)
{
	uint32_t done, goal;
	struct msgout *o;

	if (j->changing) {
		done = j->pieces;
		goal = j->goal;
	} else
		search_progress(s, j, &done, &goal);
	/* What was said does not grow less; and it is not all yet. */
	if (done < j->progress)
		done = j->progress;
	if (goal < j->goal)
		goal = j->goal;
	if (done >= goal)
		done = goal > 0 ? goal - 1 : 0;
	j->progress = done;
	j->goal = goal;
	o = msg_new(s->wire, R_PROGRESS, j->id);
	msg_put_u32(o, done);
	msg_put_u32(o, goal);
	msg_send(o);
}

static void
progress_due(int fd, short what, void *arg)
{
	struct session *s = NULL;
	struct job *j;
	bool more = false;

	armed = false;
	while ((s = vault_session_next(s)) != NULL) {
		j = TAILQ_FIRST(&s->jobs);
		if (s->dead || j == NULL ||
		    (!j->changing &&
			(j->search == NULL || !j->answering || j->answered)))
			continue;
		more = true;
		/* A wire that is full says enough. */
		if (j->begun != 0 && vault_now() - j->begun >= PROGRESS_S - 1 &&
		    wire_queued(s->wire) == 0)
			progress_tell(s, j);
	}
	if (more)
		later();
}
