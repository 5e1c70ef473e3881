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
 * libunbound wants an event loop: ours, by the calls that every libevent has.
 * Which libevent, if any, libunbound itself was built with does not matter.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdbool.h>
#include <stdlib.h>

#include <unbound-event.h>

#include "log.h"
#include "loop.h"

struct loop_event {
	struct ub_event ub; /* first: libunbound knows this only */
	struct event ev;
	int fd;
	short bits; /* UB_EV_* */
	bool added;
	void (*cb)(int, short, void *);
	void *arg;
};

static struct ub_event *loop_new(
    struct ub_event_base *, int, short, void (*)(int, short, void *), void *);
static void loop_free(struct ub_event *);
static void loop_add_bits(struct ub_event *, short);
static void loop_del_bits(struct ub_event *, short);
static void loop_set_fd(struct ub_event *, int);
static int loop_add(struct ub_event *, struct timeval *);
static int loop_del(struct ub_event *);
static int loop_add_timer(struct ub_event *, struct ub_event_base *,
    void (*)(int, short, void *), void *, struct timeval *);
static void loop_fired(int, short, void *);
static int loop_never_dispatch(struct ub_event_base *);
static int loop_never_exit(struct ub_event_base *, struct timeval *);
static struct ub_event *loop_never_signal(
    struct ub_event_base *, int, void (*)(int, short, void *), void *);
static struct ub_event *loop_never_wsa(
    struct ub_event_base *, void *, void (*)(int, short, void *), void *);
static int loop_never_add(struct ub_event *, struct timeval *);
static void loop_never_free(struct ub_event_base *);
static void loop_never_unregister(struct ub_event *);
static void loop_never_block(struct ub_event *, int);

static struct ub_event_vmt event_calls = {
    .add_bits = loop_add_bits,
    .del_bits = loop_del_bits,
    .set_fd = loop_set_fd,
    .free = loop_free,
    .add = loop_add,
    .del = loop_del,
    .add_timer = loop_add_timer,
    .del_timer = loop_del,
    .add_signal = loop_never_add,
    .del_signal = loop_del,
    .winsock_unregister_wsaevent = loop_never_unregister,
    .winsock_tcp_wouldblock = loop_never_block,
};

static struct ub_event_base_vmt base_calls = {
    .free = loop_never_free,
    .dispatch = loop_never_dispatch,
    .loopexit = loop_never_exit,
    .new_event = loop_new,
    .new_signal = loop_never_signal,
    .winsock_register_wsaevent = loop_never_wsa,
};

static struct ub_event_base base = {
    .magic = UB_EVENT_MAGIC,
    .vmt = &base_calls,
};

struct ub_event_base *
loop_unbound(void)
{
	return &base;
}

static struct ub_event *
loop_new(struct ub_event_base *b, int fd, short bits,
    void (*cb)(int, short, void *), void *arg)
{
	struct loop_event *e;

	(void)b;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->ub.magic = UB_EVENT_MAGIC;
	e->ub.vmt = &event_calls;
	e->fd = fd;
	e->bits = bits;
	e->cb = cb;
	e->arg = arg;
	return &e->ub;
}

static void
loop_free(struct ub_event *ub)
{
	if (ub == NULL)
		return;
	(void)loop_del(ub);
	free((struct loop_event *)ub);
}

static void
loop_add_bits(struct ub_event *ub, short bits)
{
	(void)loop_del(ub);
	((struct loop_event *)ub)->bits |= bits;
}

static void
loop_del_bits(struct ub_event *ub, short bits)
{
	(void)loop_del(ub);
	((struct loop_event *)ub)->bits &= (short)~bits;
}

static void
loop_set_fd(struct ub_event *ub, int fd)
{
	(void)loop_del(ub);
	((struct loop_event *)ub)->fd = fd;
}

static int
loop_add(struct ub_event *ub, struct timeval *tv)
{
	struct loop_event *e;
	short what;

	e = (struct loop_event *)ub;
	(void)loop_del(ub);
	what = 0;
	if (e->bits & UB_EV_READ)
		what |= EV_READ;
	if (e->bits & UB_EV_WRITE)
		what |= EV_WRITE;
	if (e->bits & UB_EV_PERSIST)
		what |= EV_PERSIST;
	event_set(&e->ev, e->fd, what, loop_fired, e);
	/* A time-out counts only where libunbound asks to hear of it. */
	if (event_add(&e->ev, e->bits & UB_EV_TIMEOUT ? tv : NULL) == -1)
		return -1;
	e->added = true;
	return 0;
}

static int
loop_del(struct ub_event *ub)
{
	struct loop_event *e;

	e = (struct loop_event *)ub;
	if (e->added)
		(void)event_del(&e->ev);
	e->added = false;
	return 0;
}

static int
loop_add_timer(struct ub_event *ub, struct ub_event_base *b,
    void (*cb)(int, short, void *), void *arg, struct timeval *tv)
{
	struct loop_event *e;

	(void)b;
	e = (struct loop_event *)ub;
	(void)loop_del(ub);
	e->fd = -1;
	e->bits = UB_EV_TIMEOUT;
	e->cb = cb;
	e->arg = arg;
	evtimer_set(&e->ev, loop_fired, e);
	if (evtimer_add(&e->ev, tv) == -1)
		return -1;
	e->added = true;
	return 0;
}

/* The event may be gone when its callback returns. */
static void
loop_fired(int fd, short what, void *arg)
{
	struct loop_event *e;
	short bits;

	e = arg;
	bits = 0;
	if (what & EV_READ)
		bits |= UB_EV_READ;
	if (what & EV_WRITE)
		bits |= UB_EV_WRITE;
	if (what & EV_TIMEOUT)
		bits |= UB_EV_TIMEOUT;
	if (!(e->bits & UB_EV_PERSIST))
		e->added = false;
	e->cb(fd, bits, e->arg);
}

/* What libunbound promises never to call within ub_resolve_event(). */

static int
loop_never_dispatch(struct ub_event_base *b)
{
	(void)b;
	fatalx("libunbound would run the event loop");
}

static int
loop_never_exit(struct ub_event_base *b, struct timeval *tv)
{
	(void)b;
	(void)tv;
	fatalx("libunbound would end the event loop");
}

static struct ub_event *
loop_never_signal(
    struct ub_event_base *b, int fd, void (*cb)(int, short, void *), void *arg)
{
	(void)b;
	(void)fd;
	(void)cb;
	(void)arg;
	fatalx("libunbound would catch a signal");
}

static struct ub_event *
loop_never_wsa(struct ub_event_base *b, void *wsa,
    void (*cb)(int, short, void *), void *arg)
{
	(void)b;
	(void)wsa;
	(void)cb;
	(void)arg;
	fatalx("libunbound thinks that this is another system");
}

static int
loop_never_add(struct ub_event *ub, struct timeval *tv)
{
	(void)ub;
	(void)tv;
	fatalx("libunbound would catch a signal");
}

static void
loop_never_free(struct ub_event_base *b)
{
	(void)b;
}

static void
loop_never_unregister(struct ub_event *ub)
{
	(void)ub;
}

/* Called on every system, and means something on one only. */
static void
loop_never_block(struct ub_event *ub, int bits)
{
	(void)ub;
	(void)bits;
}
