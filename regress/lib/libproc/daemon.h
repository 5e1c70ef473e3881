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
 * A running mini_daemon, and what one asks of it.
 */

#ifndef DAEMON_H
#define DAEMON_H

#include <sys/types.h>

#include <stdint.h>

#include <atf-c.h>

struct process {
	char role[32];
	uint32_t instance, pid, uid, restarts;
	uint8_t sandbox;
	uint32_t conns;
};

#define PROCESSES_MAX 8

/* In the test's own directory; waits until it is ready.  The pid. */
pid_t daemon_start(const atf_tc_t *, const char *asks);
/* Its exit status. */
int daemon_wait(pid_t);
int daemon_stop(pid_t);

/* A control connection; the result of a request without payload. */
int ctl_open(const char *daemon);
int ctl_request(int fd, uint32_t type, char *reason, size_t size);
/* How many; all of them running and sandboxed, or -1. */
int ctl_processes(const char *daemon, struct process[PROCESSES_MAX]);
void daemon_ready(const char *daemon);

/* Connects and sends a letter; the descriptor. */
int client_open(const char *daemon, const char *letter);
int
client_open_from(const char *daemon, const char *letter, const char *source);
/* The answer's line; false at EOF. */
int client_line(int fd, char *buf, size_t size);
/* Both; a new connection each time. */
int client_ask(const char *daemon, const char *letter, char *, size_t);

#endif
