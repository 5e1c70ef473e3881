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
 * What the workers have counted, for sealctl(8).  A child counts by itself and
 * tells the master after each of its tasks, over a socket of which it has the
 * end that writes: what others do is not seen from there.  What it says is
 * numbers, which are added up and nothing else.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <event.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "stats.h"
#include "worker.h"

/* In the order of enum worker_count. */
static struct stat_row rows[WORKER_COUNTS] = {
    {"worker_tasks_total", "kind=\"search\"", "What vaults asked workers to do",
	STAT_COUNTER, 0},
    {"worker_tasks_total", "kind=\"sort\"", "What vaults asked workers to do",
	STAT_COUNTER, 0},
    {"worker_messages_total", NULL, "Messages that workers were asked about",
	STAT_COUNTER, 0},
    {"worker_chunks_total", "result=\"opened\"",
	"Chunks of text that workers decompressed", STAT_COUNTER, 0},
    {"worker_chunks_total", "result=\"malformed\"",
	"Chunks of text that workers decompressed", STAT_COUNTER, 0},
    {"worker_octets_total", NULL, "Octets of text in those chunks",
	STAT_COUNTER, 0},
    {"workers_refused_total", NULL,
	"Workers that were asked for beyond the most there may be",
	STAT_COUNTER, 0},
    {"workers", NULL, "Workers at work", STAT_GAUGE, 0},
};

static struct {
	int fds[2]; /* the master's end, the children's */
	struct event ev;
	uint64_t counts[WORKER_COUNTS]; /* a child's, not told yet */
	bool child;
} report = {.fds = {-1, -1}};

static void on_counts(int, short, void *);

void
report_init(void (*refresh)(struct stat_row *))
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, report.fds) == -1)
		fatal("socketpair");
	event_set(
	    &report.ev, report.fds[0], EV_READ | EV_PERSIST, on_counts, NULL);
	if (event_add(&report.ev, NULL) == -1)
		fatalx("event_add");
	stats_set(rows, WORKER_COUNTS, refresh);
}

void
report_child(void)
{
	report.child = true;
	close(report.fds[0]);
	report.fds[0] = -1;
	memset(report.counts, 0, sizeof(report.counts));
}

void
report_add(enum worker_count count, uint64_t n)
{
	if (report.child)
		report.counts[count] += n;
	else
		rows[count].value += n;
}

/* Where the master is busy they are told next time. */
void
report_tell(void)
{
	if (report.child &&
	    send(report.fds[1], report.counts, sizeof(report.counts),
		MSG_NOSIGNAL) == (ssize_t)sizeof(report.counts))
		memset(report.counts, 0, sizeof(report.counts));
}

static void
on_counts(int fd, short what, void *arg)
{
	uint64_t counts[WORKER_COUNTS];

	while (recv(fd, counts, sizeof(counts), 0) == (ssize_t)sizeof(counts)) {
		for (size_t i = 0; i < WORKER_TOLD; i++)
			rows[i].value += counts[i];
	}
}
