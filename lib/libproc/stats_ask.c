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
 * Counters for sealctl(8): the parent asks all roles at once, passes on what
 * comes, and does not wait for one that does not answer.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "log.h"
#include "msg.h"
#include "procs_local.h"

/* A client's question. */
struct gather {
	LIST_ENTRY(gather) entry;
	struct wire *client;
	uint32_t id;     /* the client's */
	uint32_t serial; /* ours, to the roles */
	unsigned int waiting;
	struct event ev_late;
};

static LIST_HEAD(, gather) gathers = LIST_HEAD_INITIALIZER(gathers);
static uint32_t serial;

static void own_counts(struct gather *);
static void proc_counts(struct gather *, const struct proc *);
static void put(struct gather *, const struct proc *, const struct stat_row *);
static void ask_roles(struct gather *);
static void on_late(int, short, void *);
static void gather_end(struct gather *);
static void gather_free(struct gather *);

int
proc_stats_ask(struct wire *client, uint32_t id)
{
	struct timeval tv = {CTL_STATS_MS / 1000, CTL_STATS_MS % 1000 * 1000};
	struct gather *g;

	LIST_FOREACH (g, &gathers, entry) {
		if (g->client == client)
			return -1;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		fatal("calloc");
	g->client = client;
	g->id = id;
	g->serial = ++serial == 0 ? ++serial : serial;
	LIST_INSERT_HEAD(&gathers, g, entry);
	evtimer_set(&g->ev_late, on_late, g);
	if (evtimer_add(&g->ev_late, &tv) == -1)
		fatalx("evtimer_add");
	own_counts(g);
	ask_roles(g);
	if (g->waiting == 0)
		gather_end(g);
	return 0;
}

void
proc_stats_counts(struct proc *p, struct msg *m)
{
	struct msgout *out;
	struct stat_got row;
	struct gather *g;
	uint32_t last;

	LIST_FOREACH (g, &gathers, entry) {
		if (g->serial == m->id)
			break;
	}
	last = msg_get_u32(m);
	while (!m->bad && m->off < m->len) {
		stats_get_row(m, &row);
		if (m->bad)
			break;
		if (g == NULL || wire_queued(g->client) >= MSG_QUEUE_MAX / 2)
			continue;
		out = msg_new(g->client, CTL_COUNT, g->id);
		msg_put_str(out, p->row->name);
		msg_put_u32(out, p->instance);
		stats_put_row(out,
		    &(struct stat_row){row.name,
			row.label[0] == '\0' ? NULL : row.label, row.help,
			row.kind, row.value});
		msg_send(out);
	}
	if (msg_end(m) == -1) {
		proc_bad(p, "malformed COUNTS");
		return;
	}
	if (g != NULL && last != 0 && --g->waiting == 0)
		gather_end(g);
}

void
proc_stats_forget(const struct wire *client)
{
	struct gather *g;

	LIST_FOREACH (g, &gathers, entry) {
		if (g->client != client)
			continue;
		gather_free(g);
		return;
	}
}

static void
own_counts(struct gather *g)
{
	struct stat_row rows[PROC_COUNTERS];
	struct supervisor *s;

	s = proc_supervisor();
	proc_conns_count(rows);
	for (size_t i = 0; i < PROC_COUNTERS; i++)
		put(g, NULL, &rows[i]);
	for (size_t i = 0; i < s->n_procs; i++)
		proc_counts(g, &s->procs[i]);
}

static void
proc_counts(struct gather *g, const struct proc *p)
{
	const struct stat_row rows[] = {
	    {"process_up", NULL, "Whether the process serves", STAT_GAUGE,
		p->ready},
	    {"process_restarts_total", NULL,
		"How often the process was started anew", STAT_COUNTER,
		p->restarts},
	    {"process_connections", NULL, "Connections that the process has",
		STAT_GAUGE, p->n_conns},
	    {"process_start_time_seconds", NULL, "When the process began",
		STAT_GAUGE, p->pid == 0 ? 0 : (uint64_t)p->started},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put(g, p, &rows[i]);
}

static void
put(struct gather *g, const struct proc *p, const struct stat_row *row)
{
	struct msgout *out;

	out = msg_new(g->client, CTL_COUNT, g->id);
	msg_put_str(
	    out, p == NULL ? proc_supervisor()->daemon->name : p->row->name);
	msg_put_u32(out, p == NULL ? 0 : p->instance);
	stats_put_row(out, row);
	msg_send(out);
}

static void
ask_roles(struct gather *g)
{
	struct supervisor *s;
	struct proc *p;

	s = proc_supervisor();
	for (size_t i = 0; i < s->n_procs; i++) {
		p = &s->procs[i];
		if (p->wire == NULL || !p->ready ||
		    wire_queued(p->wire) >= MSG_HIGH)
			continue;
		msg_signal(p->wire, PROC_STATS, g->serial);
		g->waiting++;
	}
}

static void
on_late(int fd, short what, void *arg)
{
	gather_end(arg);
}

static void
gather_end(struct gather *g)
{
	struct msgout *out;

	out = msg_new(g->client, CTL_DONE, g->id);
	msg_put_u8(out, CTL_OK);
	msg_put_str(out, "");
	msg_send(out);
	gather_free(g);
}

static void
gather_free(struct gather *g)
{
	(void)event_del(&g->ev_late);
	LIST_REMOVE(g, entry);
	free(g);
}
