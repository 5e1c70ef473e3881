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
 * The wire to imap-store's master: it names openers for those who log in, and
 * counts what users submit.  sealimapd's parent gives it, and a new one when
 * imap-store was started anew; without one nobody can submit for a while.
 */

#include <sys/types.h>

#include <stdlib.h>

#include "log.h"
#include "msg.h"

#include "engine.h"

#include "../../sealimapd/store_wire.h"

static struct wire *master;
static uint32_t last_id;

static void master_message(struct wire *, struct msg *, void *);
static void master_gone(struct wire *, void *);

void
master_start(int fd)
{
	if (master != NULL)
		master_gone(master, NULL);
	master = wire_new(fd, master_message, master_gone, NULL);
}

bool
master_there(void)
{
	return master != NULL;
}

struct msgout *
master_new(uint32_t type, uint32_t id)
{
	return msg_new(master, type, id);
}

uint32_t
master_next_id(void)
{
	if (++last_id == 0)
		last_id = 1;
	return last_id;
}

static void
master_message(struct wire *w, struct msg *m, void *arg)
{
	bool good;

	(void)arg;
	switch (m->type) {
	case MASTER_ENGINE_OPENER:
	case MASTER_ENGINE_REFUSED:
		good = auth_master_message(m);
		break;
	case MASTER_ENGINE_SPENT:
		good = pace_spent(m);
		break;
	default:
		good = false;
		break;
	}
	if (good)
		return;
	log_warnx("bad message role=imap-store type=%u", m->type);
	wire_fail(w);
}

/* What it owes an answer for is tried again by the client. */
static void
master_gone(struct wire *w, void *arg)
{
	(void)arg;
	wire_free(w);
	master = NULL;
	auth_master_gone();
	pace_master_gone();
}
