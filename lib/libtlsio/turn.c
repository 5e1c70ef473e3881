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
 * Handshakes take turns.  A step of one costs a millisecond, most of it waiting
 * for sealkeys: a thousand that are ready at once would stop all sessions for
 * a second.  So each round of the event loop does one step, the eldest's, and
 * whatever else is ready.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <event.h>

#include "log.h"
#include "tlsio_local.h"

static TAILQ_HEAD(, tlsio) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct event ev_turn;

static void on_turn(int, short, void *);
static void next_round(void);

void
turn_wait(struct tlsio *t)
{
	if (t->waits)
		return;
	t->waits = true;
	TAILQ_INSERT_TAIL(&waiting, t, turn);
	next_round();
}

void
turn_forget(struct tlsio *t)
{
	if (!t->waits)
		return;
	t->waits = false;
	TAILQ_REMOVE(&waiting, t, turn);
}

static void
on_turn(int fd, short what, void *arg)
{
	struct tlsio *t;

	t = TAILQ_FIRST(&waiting);
	if (t == NULL)
		return;
	turn_forget(t);
	next_round();
	session_handshake(t);
}

static void
next_round(void)
{
	static const struct timeval now = {0, 0};

	if (TAILQ_EMPTY(&waiting))
		return;
	if (!evtimer_initialized(&ev_turn))
		evtimer_set(&ev_turn, on_turn, NULL);
	if (!evtimer_pending(&ev_turn, NULL) && evtimer_add(&ev_turn, &now))
		fatal("tlsio");
}
