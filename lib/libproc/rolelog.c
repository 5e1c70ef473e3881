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
 * Log lines of the roles.  Each role, with the children it forks, writes
 * packets to a socket of its own (role.c); the parent writes them on, so no
 * role needs syslog.  Who speaks is known by the socket; the pid in a packet
 * is the role's word and only printed.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "procs_local.h"

#define BURST 32       /* lines of one role before others have their turn */
#define REST_MS 10     /* between two looks at a role that says much */
#define DRAIN_MAX 1024 /* lines of one role that are not left behind */

/*
 * A role that says much is read now and then instead of at each line: while
 * nobody waits for its socket, it wakes nobody.
 */
struct rolelog {
	LIST_ENTRY(rolelog) entry;
	struct event ev;
	struct event rest;
	int64_t read_ms; /* when all there was had been read */
	int fd;
	const char *role; /* of the table */
};
static LIST_HEAD(, rolelog) all = LIST_HEAD_INITIALIZER(all);

static void on_line(int, short, void *);
static void on_rested(int, short, void *);
static void rest(struct rolelog *);
static int read_line(const struct rolelog *);
static void print_line(const struct rolelog *, const char *, size_t);
static void visible(char *, const char *, size_t);

void
proc_log_add(int fd, const char *role)
{
	struct rolelog *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		fatal("calloc");
	r->fd = fd;
	r->role = role;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		fatal("fcntl");
	event_set(&r->ev, fd, EV_READ | EV_PERSIST, on_line, r);
	evtimer_set(&r->rest, on_rested, r);
	if (event_add(&r->ev, NULL) == -1)
		fatal("event_add");
	LIST_INSERT_HEAD(&all, r, entry);
}

void
proc_log_drain(void)
{
	const struct rolelog *r;

	LIST_FOREACH (r, &all, entry)
		for (int i = 0; i < DRAIN_MAX && read_line(r) == 1; i++)
			;
}

static void
on_line(int fd, short what, void *arg)
{
	struct rolelog *r;

	r = arg;
	for (int i = 0; i < BURST; i++) {
		switch (read_line(r)) {
		case 1:
			break;
		case 0:
			rest(r);
			return;
		default:
			(void)event_del(&r->ev);
			(void)close(r->fd);
			LIST_REMOVE(r, entry);
			free(r);
			return;
		}
	}
}

/* All was read; the next line can wait where the last ones came one by one. */
static void
rest(struct rolelog *r)
{
	struct timeval tv = {0, REST_MS * 1000};
	int64_t now;

	now = proc_now_ms();
	if (now - r->read_ms <= REST_MS) {
		(void)event_del(&r->ev);
		(void)evtimer_add(&r->rest, &tv);
	}
	r->read_ms = now;
}

static void
on_rested(int fd, short what, void *arg)
{
	struct rolelog *r;

	r = arg;
	r->read_ms = proc_now_ms();
	if (event_add(&r->ev, NULL) == -1)
		fatal("event_add");
}

/* 1: a line; 0: none yet; -1: there will be no more. */
static int
read_line(const struct rolelog *r)
{
	char packet[PROC_LOG_MAX + 1];
	ssize_t n;

	n = recv(r->fd, packet, sizeof(packet), 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	if (n < PROC_LOG_HEADER || (size_t)n > PROC_LOG_MAX)
		log_warnx("role=%s malformed log line", r->role);
	else
		print_line(r, packet, (size_t)n);
	return 1;
}

static void
print_line(const struct rolelog *r, const char *packet, size_t len)
{
	char text[4 * LOG_LINE_MAX + 1], tag[PROC_NAME_MAX + 16];
	uint32_t pid;
	int priority;

	memcpy(&pid, packet, sizeof(pid));
	priority = (unsigned char)packet[4];
	if (priority > LOG_DEBUG)
		priority = LOG_DEBUG;
	visible(text, packet + PROC_LOG_HEADER, len - PROC_LOG_HEADER);
	(void)snprintf(tag, sizeof(tag), "%s[%u]", r->role, pid);
	log_line(priority, tag, text);
}

/*
 * As strvisx(3) with VIS_OCTAL, blanks kept, which the libraries called libbsd
 * do not agree on.  dst has room for four times len and a NUL.
 */
static void
visible(char *dst, const char *src, size_t len)
{
	unsigned char c;

	for (size_t i = 0; i < len; i++) {
		c = (unsigned char)src[i];
		if (c >= ' ' && c < 0x7f) {
			*dst++ = (char)c;
			continue;
		}
		*dst++ = '\\';
		*dst++ = (char)('0' + (c >> 6));
		*dst++ = (char)('0' + ((c >> 3) & 7));
		*dst++ = (char)('0' + (c & 7));
	}
	*dst = '\0';
}
