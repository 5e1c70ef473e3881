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
 * For a relay that waits a fortieth of the time that it should: what ends
 * when a server hangs is the same, and a test sees it.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>

#define LONG_SECONDS 30 /* what is shorter stays as it is */
#define QUICKER 40

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);

int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	struct timeval quick;

	if (tv == NULL || tv->tv_sec < LONG_SECONDS)
		return __real_event_add(ev, tv);
	quick.tv_sec = tv->tv_sec / QUICKER;
	quick.tv_usec = tv->tv_sec % QUICKER * (1000000 / QUICKER);
	return __real_event_add(ev, &quick);
}
