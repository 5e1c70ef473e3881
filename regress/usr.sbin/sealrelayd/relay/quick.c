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
 * For a relay that is patient for a part of its time alone (QUICKER=N in its
 * environment: an N-th, of MOST_SECONDS at the most, LEAST_SECONDS at the
 * least), or lives so many seconds later than the others (LATER=N): what it
 * does then is the same, and a test sees it.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <time.h>

#define LONG_SECONDS 30 /* what is shorter stays as it is */
#define MOST_SECONDS 300
#define LEAST_SECONDS 3

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
time_t __real_time(time_t *);
time_t __wrap_time(time_t *);

static long
setting(const char *name, long otherwise)
{
	const char *value;

	value = getenv(name);
	return value == NULL ? otherwise : atol(value);
}

int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	struct timeval quick = {0};
	long part, ms;

	part = setting("QUICKER", 1);
	if (tv == NULL || tv->tv_sec < LONG_SECONDS || part == 1)
		return __real_event_add(ev, tv);
	ms = (tv->tv_sec < MOST_SECONDS ? tv->tv_sec : MOST_SECONDS) * 1000 /
	    part;
	if (ms < LEAST_SECONDS * 1000)
		ms = LEAST_SECONDS * 1000;
	quick.tv_sec = ms / 1000;
	quick.tv_usec = ms % 1000 * 1000;
	return __real_event_add(ev, &quick);
}

time_t
__wrap_time(time_t *to)
{
	time_t now;

	now = __real_time(NULL) + setting("LATER", 0);
	if (to != NULL)
		*to = now;
	return now;
}
