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
 * The end of a session that we end.  Input that nobody reads would make the
 * close a reset, and a reset can overtake the last answer, which says why; so
 * where input has come, what follows is awaited and thrown away, for a while.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <string.h>

#include "log.h"
#include "tlsio_local.h"

#define DISCARD_BURST 16 /* reads in a row, then others have a turn */

void
finish_begin(struct tlsio *t, bool unread)
{
	struct timeval tv = {TLSIO_DISCARD_SECONDS, 0};

	if (t->state == TLSIO_SECURE)
		(void)tls_close(t->tls);
	t->discarding = true;
	finish_discard(t);
	if (t->ending)
		return;
	if ((!unread && t->discarded == 0) || shutdown(t->fd, SHUT_WR) == -1) {
		finish_end(t);
		return;
	}
	if (evtimer_add(&t->ev_soon, &tv) == -1)
		fatal("tlsio fd=%d", t->fd);
}

void
finish_discard(struct tlsio *t)
{
	uint8_t buf[4096];
	ssize_t n;
	int i;

	for (i = 0; i < DISCARD_BURST; i++) {
		n = recv(t->fd, buf, sizeof(buf), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n > 0)
			t->discarded += (size_t)n;
		if (n <= 0 || t->discarded >= TLSIO_DISCARD_MAX) {
			finish_end(t);
			break;
		}
	}
	explicit_bzero(buf, sizeof(buf));
}

void
finish_end(struct tlsio *t)
{
	t->discarding = false;
	t->ending = true;
	t->end = TLSIO_DONE;
}
