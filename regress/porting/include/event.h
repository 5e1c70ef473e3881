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

#ifndef PORTING_EVENT_H
#define PORTING_EVENT_H

/*
 * The calls of libevent 1.4, which OpenBSD has in its base system.
 */
#include <sys/types.h>
#include <sys/time.h>

#include <stdarg.h>

#define EV_TIMEOUT 0x01
#define EV_READ 0x02
#define EV_WRITE 0x04
#define EV_SIGNAL 0x08
#define EV_PERSIST 0x10
#define EVLOOP_ONCE 0x01
#define EVLOOP_NONBLOCK 0x02

struct event_base;
struct event {
	void *porting_members[16];
	int ev_fd;
	short ev_events, ev_flags;
};
#define EVLIST_INIT 0x80
struct evbuffer {
	unsigned char *buffer, *orig_buffer;
	size_t misalign, totallen, off;
};

struct event_base *event_init(void);
int event_reinit(struct event_base *);
int event_dispatch(void);
int event_loop(int);
int event_loopexit(const struct timeval *);
int event_loopbreak(void);
void
event_set(struct event *, int, short, void (*)(int, short, void *), void *);
int event_add(struct event *, const struct timeval *);
int event_del(struct event *);
int event_pending(struct event *, short, struct timeval *);
int event_once(
    int, short, void (*)(int, short, void *), void *, const struct timeval *);
void event_active(struct event *, int, short);
int event_priority_init(int);
int event_priority_set(struct event *, int);
int event_base_set(struct event_base *, struct event *);
const char *event_get_version(void);
const char *event_get_method(void);
#define event_initialized(ev) ((ev)->ev_flags & EVLIST_INIT)
#define evtimer_set(ev, cb, arg) event_set(ev, -1, 0, cb, arg)
#define evtimer_add(ev, tv) event_add(ev, tv)
#define evtimer_del(ev) event_del(ev)
#define evtimer_pending(ev, tv) event_pending(ev, EV_TIMEOUT, tv)
#define evtimer_initialized(ev) event_initialized(ev)
#define signal_set(ev, x, cb, arg) \
	event_set(ev, x, EV_SIGNAL | EV_PERSIST, cb, arg)
#define signal_add(ev, tv) event_add(ev, tv)
#define signal_del(ev) event_del(ev)

struct evbuffer *evbuffer_new(void);
void evbuffer_free(struct evbuffer *);
int evbuffer_add(struct evbuffer *, const void *, size_t);
int evbuffer_add_printf(struct evbuffer *, const char *, ...);
int evbuffer_add_vprintf(struct evbuffer *, const char *, va_list);
int evbuffer_remove(struct evbuffer *, void *, size_t);
void evbuffer_drain(struct evbuffer *, size_t);
int evbuffer_write(struct evbuffer *, int);
int evbuffer_read(struct evbuffer *, int, int);
unsigned char *evbuffer_find(struct evbuffer *, const unsigned char *, size_t);
char *evbuffer_readln(struct evbuffer *, size_t *, int);
#define EVBUFFER_LENGTH(b) ((b)->off)
#define EVBUFFER_DATA(b) ((b)->buffer)

#endif
