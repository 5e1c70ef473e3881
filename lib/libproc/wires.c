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
 * Wires between roles: by the daemon's list of pairs, and no others.
 */

#include <sys/types.h>

#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "procs_local.h"

static void connect_to_all(struct proc *, const char *);
static void connect_two(struct proc *, struct proc *);

void
proc_wires_give(struct proc *p)
{
	const struct proc_daemon *d;

	d = proc_supervisor()->daemon;
	for (size_t i = 0; i < d->n_pairs; i++) {
		if (strcmp(d->pairs[i].a, p->row->name) == 0)
			connect_to_all(p, d->pairs[i].b);
		else if (strcmp(d->pairs[i].b, p->row->name) == 0)
			connect_to_all(p, d->pairs[i].a);
	}
}

int
proc_wire_half(struct proc *p, const char *peer, unsigned int instance)
{
	int fds[2];

	if (wire_pair(fds) == -1) {
		log_warn("wire from=%s to=%s", p->row->name, peer);
		return -1;
	}
	proc_wire_send(p, peer, instance, fds[0]);
	return fds[1];
}

void
proc_wire_send(struct proc *p, const char *peer, unsigned int instance, int fd)
{
	struct msgout *m;

	m = msg_new(p->wire, PROC_WIRE, 0);
	msg_put_str(m, peer);
	msg_put_u32(m, instance);
	msg_put_fd(m, fd);
	msg_send(m);
}

/* Those that are not running get theirs when they start. */
static void
connect_to_all(struct proc *p, const char *peer)
{
	struct supervisor *s;

	s = proc_supervisor();
	for (size_t i = 0; i < s->n_procs; i++) {
		if (s->procs[i].wire != NULL &&
		    strcmp(s->procs[i].row->name, peer) == 0)
			connect_two(p, &s->procs[i]);
	}
}

static void
connect_two(struct proc *p, struct proc *q)
{
	int fd;

	fd = proc_wire_half(p, q->row->name, q->instance);
	if (fd == -1)
		fatalx("no wire: out of descriptors?");
	proc_wire_send(q, p->row->name, p->instance, fd);
}
