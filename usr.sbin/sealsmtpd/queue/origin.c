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
 * Rows of engines on their way to the journal: a while after the first of them,
 * so that mail that comes in costs no write.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdbool.h>

#include "log.h"
#include "main.h"
#include "msg.h"
#include "origins.h"
#include "peer.h"
#include "queue.h"

#define NOTE_SECONDS 10 /* of counts are lost where this process dies */

static struct event note_timer;
static bool noting;

static void origin_note(int, short, void *);

int
origin_take(struct peer *peer, struct msg *msg)
{
	struct timeval tv = {.tv_sec = NOTE_SECONDS};
	const uint8_t *row;
	size_t len;

	(void)peer;
	row = msg_get_bytes(msg, &len, QUEUE_ORIGIN_MAX);
	if (msg_end(msg) == -1)
		return -1;
	if (!origins_add(queue_now(), row, len) || noting)
		return 0;
	noting = true;
	evtimer_set(&note_timer, origin_note, NULL);
	evtimer_add(&note_timer, &tv);
	return 0;
}

static void
origin_note(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	noting = false;
	origins_changed(note_origin);
	sync_changes();
}
