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
 * The control sockets: ctl.h says who says what.  What a client may do is told
 * by the socket that it came by and its credentials, and looked up before its
 * message is read.  Clients are served one request after the other, and what a
 * role has to answer gets a wire to it.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "msg.h"
#include "procs_local.h"

struct client {
	LIST_ENTRY(client) entry;
	struct wire *wire;
	uid_t uid;
	bool may_change; /* everything; else just ask */
};

/* A socket: to whom, by the kernel, it is open. */
struct door {
	struct event ev;
	bool may_change;
};

static struct {
	LIST_HEAD(, client) clients;
	unsigned int n_clients;
	struct door all, readers;
} state;

static void door_open(struct door *, int, bool);
static struct log_quota quota; /* of tools that are turned away */

static void on_accept(int, short, void *);
static void dispatch(struct wire *, struct msg *, void *);
static void gone(struct wire *, void *);
static void done(struct wire *, uint32_t, enum ctl_result, const char *);
static void on_hello(struct client *, struct msg *);
static void on_processes(struct client *, struct msg *);
static void on_stop(struct client *, struct msg *);
static void on_reload(struct client *, struct msg *);
static void on_log(struct client *, struct msg *);
static void on_connect(struct client *, struct msg *);
static void on_stats(struct client *, struct msg *);
static void on_certificates(struct client *, struct msg *);
static void put_process(struct wire *, uint32_t, const struct proc *);

void
proc_control_begin(void)
{
	const struct proc_settings *set;
	int fd;

	set = proc_supervisor()->settings;
	LIST_INIT(&state.clients);
	door_open(
	    &state.all, proc_local_listen("sock", set->control_gid), true);
	/* A service manager's is for whom it says, "control readers" or not. */
	fd = proc_local_passed("read.sock");
	if (fd == -1 && set->readers_gid == PROC_NO_GROUP)
		proc_local_remove("read.sock");
	else if (fd == -1 && proc_local_only_passed())
		log_info("control readers: the service manager makes our "
			 "sockets, and none for them");
	else if (fd == -1)
		fd = proc_local_listen("read.sock", set->readers_gid);
	if (fd != -1)
		door_open(&state.readers, fd, false);
}

static void
door_open(struct door *d, int fd, bool may_change)
{
	d->may_change = may_change;
	event_set(&d->ev, fd, EV_READ | EV_PERSIST, on_accept, d);
	if (event_add(&d->ev, NULL) == -1)
		fatalx("event_add");
}

static void
on_accept(int fd, short what, void *arg)
{
	const struct door *door;
	struct client *c;
	uid_t uid;
	int s;

	door = arg;
	/* The modes of the socket have decided who comes in. */
	s = proc_local_accept(fd, true, &uid);
	if (s == -1)
		return;
	if (state.n_clients == CTL_CLIENTS_MAX) {
		if (log_may(&quota))
			log_warnx("too many control connections");
		(void)close(s);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->uid = uid;
	c->may_change = door->may_change || uid == 0 || uid == geteuid();
	LIST_INSERT_HEAD(&state.clients, c, entry);
	state.n_clients++;
	c->wire = wire_new(s, dispatch, gone, c);
}

static void
dispatch(struct wire *w, struct msg *m, void *arg)
{
	static const struct {
		uint32_t type;
		bool changes;
		void (*handler)(struct client *, struct msg *);
	} requests[] = {
	    {CTL_HELLO, false, on_hello},
	    {CTL_PROCESSES, false, on_processes},
	    {CTL_STOP, true, on_stop},
	    {CTL_RELOAD, true, on_reload},
	    {CTL_LOG, true, on_log},
	    /* The role is told whom it speaks with. */
	    {CTL_CONNECT, false, on_connect},
	    {CTL_STATS, false, on_stats},
	    {CTL_CERTIFICATES, false, on_certificates},
	};
	struct client *c;

	c = arg;
	/* One that asks without reading the answers. */
	if (wire_queued(w) >= MSG_HIGH) {
		wire_fail(w);
		return;
	}
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].type != m->type)
			continue;
		if (requests[i].changes && !c->may_change)
			done(w, m->id, CTL_DENIED, "");
		else
			requests[i].handler(c, m);
		return;
	}
	done(w, m->id, CTL_INVALID, "unknown request");
}

static void
gone(struct wire *w, void *arg)
{
	struct client *c;

	c = arg;
	LIST_REMOVE(c, entry);
	state.n_clients--;
	proc_stats_forget(w);
	wire_free(w);
	free(c);
}

static void
done(struct wire *w, uint32_t id, enum ctl_result result, const char *reason)
{
	struct msgout *m;

	m = msg_new(w, CTL_DONE, id);
	msg_put_u8(m, (uint8_t)result);
	msg_put_str(m, reason);
	msg_send(m);
}

static void
on_hello(struct client *c, struct msg *m)
{
	struct supervisor *sup;
	struct msgout *out;
	uint32_t version;

	version = msg_get_u32(m);
	if (msg_end(m) == -1 || version != CTL_VERSION) {
		done(c->wire, m->id, CTL_INVALID,
		    "this daemon is of another version than the tool");
		return;
	}
	sup = proc_supervisor();
	out = msg_new(c->wire, CTL_HELLO_IS, m->id);
	msg_put_str(out, sup->daemon->name);
	msg_put_str(out, sup->daemon->version);
	msg_put_u32(out, (uint32_t)getpid());
	msg_put_i64(out, (int64_t)sup->started);
	msg_put_u8(out, sup->verbose);
	msg_send(out);
	done(c->wire, m->id, CTL_OK, "");
}

static void
on_processes(struct client *c, struct msg *m)
{
	struct supervisor *sup;
	struct msgout *out;

	if (msg_end(m) == -1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	sup = proc_supervisor();
	out = msg_new(c->wire, CTL_PROCESS, m->id);
	msg_put_str(out, sup->daemon->name);
	msg_put_u32(out, 0);
	msg_put_u32(out, (uint32_t)getpid());
	msg_put_u32(out, (uint32_t)geteuid());
	msg_put_u32(out, 0);
	msg_put_u8(out, (uint8_t)proc_own_sandbox());
	msg_put_i64(out, (int64_t)sup->started);
	msg_put_u32(out, 0);
	msg_send(out);
	for (size_t i = 0; i < sup->n_procs; i++)
		put_process(c->wire, m->id, &sup->procs[i]);
	done(c->wire, m->id, CTL_OK, "");
}

static void
put_process(struct wire *w, uint32_t id, const struct proc *p)
{
	const struct proc_settings *set;
	struct msgout *out;

	set = proc_supervisor()->settings;
	out = msg_new(w, CTL_PROCESS, id);
	msg_put_str(out, p->row->name);
	msg_put_u32(out, p->instance);
	msg_put_u32(out, (uint32_t)p->pid);
	msg_put_u32(out,
	    geteuid() == 0 ? (uint32_t)set->users[p->row->user].uid :
			     (uint32_t)geteuid());
	msg_put_u32(out, p->restarts);
	msg_put_u8(out, (uint8_t)p->sandbox);
	msg_put_i64(out, (int64_t)p->started);
	msg_put_u32(out, (uint32_t)p->n_conns);
	msg_send(out);
}

static void
on_stop(struct client *c, struct msg *m)
{
	if (msg_end(m) == -1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	log_info("stop uid=%u", c->uid);
	done(c->wire, m->id, CTL_OK, "");
	proc_stop();
}

static void
on_reload(struct client *c, struct msg *m)
{
	char reason[CTL_TEXT_MAX];

	if (msg_end(m) == -1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	reason[0] = '\0';
	if (proc_reload(reason, sizeof(reason)) == -1)
		done(c->wire, m->id, CTL_FAILED, reason);
	else
		done(c->wire, m->id, CTL_OK, "");
}

static void
on_log(struct client *c, struct msg *m)
{
	uint8_t level;

	level = msg_get_u8(m);
	if (msg_end(m) == -1 || level > 1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	proc_set_verbose(level == 1);
	done(c->wire, m->id, CTL_OK, "");
}

static void
on_connect(struct client *c, struct msg *m)
{
	char role[PROC_NAME_MAX];
	struct msgout *out;
	struct proc *p;
	uint32_t instance;
	int fd;

	(void)msg_get_str(m, role, sizeof(role));
	instance = msg_get_u32(m);
	fd = msg_get_fd(m);
	if (msg_end(m) == -1) {
		if (fd != -1)
			(void)close(fd);
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	p = proc_find(role, instance);
	if (p == NULL || (p->row->flags & PROC_TAKES_CTL) == 0) {
		(void)close(fd);
		done(c->wire, m->id, CTL_NONE, "no such process");
		return;
	}
	if (!p->ready || p->wire == NULL) {
		(void)close(fd);
		done(c->wire, m->id, CTL_FAILED, "it is being started");
		return;
	}
	out = msg_new(p->wire, PROC_CTL, 0);
	msg_put_u32(out, c->uid);
	msg_put_u8(out, c->may_change);
	msg_put_fd(out, fd);
	msg_send(out);
	done(c->wire, m->id, CTL_OK, "");
}

static void
on_stats(struct client *c, struct msg *m)
{
	if (msg_end(m) == -1)
		done(c->wire, m->id, CTL_INVALID, "malformed");
	else if (proc_stats_ask(c->wire, m->id) == -1)
		done(c->wire, m->id, CTL_FAILED, "one question at a time");
}

static void
on_certificates(struct client *c, struct msg *m)
{
	struct supervisor *sup;

	if (msg_end(m) == -1) {
		done(c->wire, m->id, CTL_INVALID, "malformed");
		return;
	}
	sup = proc_supervisor();
	if (sup->daemon->certs != NULL)
		sup->daemon->certs(c->wire, m->id, sup->arg);
	done(c->wire, m->id, CTL_OK, "");
}
