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
 * News for imap-store's master: a living vault takes a delivery in at once.
 * Without the wire nothing is lost, the next vault looks when it opens.
 */

#include <sys/types.h>

#include <event.h>

#include "log.h"
#include "msg.h"

#include "deliver.h"
#include "../../sealimapd/store_wire.h"

static struct wire *store;

static void notify_handle(struct wire *, struct msg *, void *);
static void notify_gone(struct wire *, void *);

void
notify_start(int fd)
{
	wire_free(store);
	store = wire_new(fd, notify_handle, notify_gone, NULL);
}

void
notify_mail(const char *account)
{
	struct msgout *out;

	/* A master that does not read need not hear of every message. */
	if (store == NULL || wire_queued(store) > MSG_HIGH)
		return;
	out = msg_new(store, DELIVER_MASTER_MAIL, 0);
	msg_put_str(out, account);
	msg_send(out);
}

/* The master has nothing to say to us. */
static void
notify_handle(struct wire *wire, struct msg *msg, void *arg)
{
	(void)arg;
	log_warnx("imap-store: unexpected message type=%u", msg->type);
	wire_fail(wire);
}

static void
notify_gone(struct wire *wire, void *arg)
{
	(void)arg;
	if (store == wire)
		store = NULL;
	wire_free(wire);
}
