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
 * How much a user submits: imap-store's master, which all engines ask, counts
 * recipients, and with the first of a transaction a message.  Past the limit
 * of an hour the client is told to come later (450 4.7.1).
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "engine.h"

#include "../../sealimapd/store_wire.h"

/* A recipient that waits for the master's word. */
struct pace {
	TAILQ_ENTRY(pace) entry;
	struct session *session;
	uint32_t id;
};

static TAILQ_HEAD(, pace) waiting = TAILQ_HEAD_INITIALIZER(waiting);

static void pace_answer(struct pace *, uint32_t seconds);

bool
pace_ask(struct session *s)
{
	struct msgout *out;
	struct pace *p;

	if (!master_there()) {
		session_reply(s, 451, "4.3.0", "Try again later");
		rcpt_clear(&s->asking);
		return false;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		fatal("calloc");
	p->session = s;
	p->id = master_next_id();
	TAILQ_INSERT_TAIL(&waiting, p, entry);
	s->pace = p;
	s->state = SESSION_PACE;
	out = master_new(ENGINE_MASTER_SPEND, p->id);
	msg_put_str(out, s->login);
	msg_put_u32(out, s->paced ? 0 : 1);
	msg_put_u32(out, 1);
	msg_send(out);
	return true;
}

void
pace_abort(struct session *s)
{
	if (s->pace == NULL)
		return;
	TAILQ_REMOVE(&waiting, s->pace, entry);
	free(s->pace);
	s->pace = NULL;
}

bool
pace_spent(struct msg *m)
{
	uint32_t seconds;
	struct pace *p;

	seconds = msg_get_u32(m);
	if (msg_end(m) == -1)
		return false;
	TAILQ_FOREACH (p, &waiting, entry) {
		if (p->id == m->id)
			break;
	}
	if (p != NULL)
		pace_answer(p, seconds);
	return true;
}

void
pace_master_gone(void)
{
	struct pace *p;
	struct session *s;

	while ((p = TAILQ_FIRST(&waiting)) != NULL) {
		s = p->session;
		pace_abort(s);
		s->state = SESSION_COMMAND;
		rcpt_clear(&s->asking);
		session_reply(s, 451, "4.3.0", "Try again later");
		session_run(s);
	}
}

static void
pace_answer(struct pace *p, uint32_t seconds)
{
	struct session *s;

	s = p->session;
	pace_abort(s);
	s->state = SESSION_COMMAND;
	if (seconds > 0) {
		log_info("paced conn=%llu account=%s wait=%u",
		    (unsigned long long)s->conn, log_addr(s->login), seconds);
		rcpt_clear(&s->asking);
		session_reply(s, 450, "4.7.1",
		    "You send too much; try again in %u seconds", seconds);
	} else {
		s->paced = true;
		rcpt_paced(s);
	}
	session_run(s);
}
