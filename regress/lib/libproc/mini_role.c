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
 * Both roles of mini_daemon, by the name it was started under.  A client of
 * mini-front sends one letter and gets a line back:
 *	p	who serves it; s as p, but it stays connected silently
 *	b	what mini-back knows, over the wire
 *	a	what mini-back of the other daemon knows
 *	k	a forbidden call; x: exit(3); l: many log lines, then exit(3)
 *	m	a message that the parent does not expect
 *	u	the end of a connection that there is not; then as p
 */

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "proc.h"

#define CLIENTS 64
#define LINES 180

struct client {
	struct event ev;
	struct proc_conn conn;
	int fd;
	bool used;
};

static struct client clients[CLIENTS];
static struct wire *peers[4]; /* mini-back's: the fronts */
static struct wire *back, *abroad;
static uint32_t generation, coming;
static unsigned int n_watched, n_opened, n_wires;

static void
client_end(struct client *c)
{
	(void)event_del(&c->ev);
	(void)close(c->fd);
	proc_conn_closed(c->conn.id);
	c->used = false;
}

static void
client_say(struct client *c, const char *text)
{
	if (write(c->fd, text, strlen(text)) == -1)
		log_warn("write");
	client_end(c);
}

static void
client_who(struct client *c)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "instance=%u pid=%d uid=%u gid=%u generation=%u wires=%u "
	    "peer=%s listener=%u\n",
	    proc_instance(), (int)getpid(), getuid(), getgid(), generation,
	    n_wires, c->conn.peer, c->conn.listener);
	client_say(c, text);
}

static void
client_ask(struct client *c, struct wire *w)
{
	if (w == NULL) {
		client_say(c, "no wire\n");
		return;
	}
	msg_signal(w, 1, (uint32_t)(c - clients) + 1);
}

/* In bursts that its socket can hold, and in between one by one. */
static void
client_log(void)
{
	for (int i = 0; i < LINES; i++) {
		log_info("line=%d", i);
		if (i % 40 == 39)
			(void)usleep(25000);
		else if (i % 40 > 35)
			(void)usleep(1000);
	}
	exit(3);
}

static void
on_client(int fd, short what, void *arg)
{
	struct client *c = arg;
	char letter;

	if (read(fd, &letter, 1) != 1) {
		client_end(c);
		return;
	}
	switch (letter) {
	case 'p':
		client_who(c);
		break;
	case 's':
		break;
	case 'b':
		client_ask(c, back);
		break;
	case 'a':
		client_ask(c, abroad);
		break;
	case 'k':
		(void)open("/etc/passwd", O_RDONLY);
		client_say(c, "alive\n");
		break;
	case 'x':
		exit(3);
	case 'l':
		client_log();
		break;
	case 'm':
		msg_send(proc_parent_new(PROC_OWN + 9, 0));
		break;
	case 'u':
		proc_conn_closed(12345);
		client_who(c);
		break;
	default:
		client_end(c);
		break;
	}
}

static void
on_conn(const struct proc_conn *conn, int fd, void *arg)
{
	struct client *c;

	for (c = clients; c->used; c++) {
		if (c == &clients[CLIENTS - 1])
			fatalx("too many clients");
	}
	c->used = true;
	c->conn = *conn;
	c->fd = fd;
	event_set(&c->ev, fd, EV_READ | EV_PERSIST, on_client, c);
	if (event_add(&c->ev, NULL) == -1)
		fatalx("event_add");
}

/* mini-front: the answer of a back. */
static void
on_answer(struct wire *w, struct msg *m, void *arg)
{
	char text[128];
	struct client *c;

	(void)msg_get_str(m, text, sizeof(text));
	if (msg_end(m) == -1 || m->id == 0 || m->id > CLIENTS)
		fatalx("malformed answer");
	c = &clients[m->id - 1];
	if (c->used)
		client_say(c, text);
}

/* mini-back: a front asks. */
static void
on_question(struct wire *w, struct msg *m, void *arg)
{
	struct msgout *out;
	char text[128];
	int fd;

	fd = open("data/file", O_RDWR | O_CREAT, 0600);
	(void)snprintf(text, sizeof(text),
	    "pid=%d uid=%u watched=%u opened=%u file=%s\n", (int)getpid(),
	    getuid(), n_watched, n_opened, fd == -1 ? "no" : "yes");
	if (fd != -1)
		(void)close(fd);
	out = msg_new(w, 2, m->id);
	msg_put_str(out, text);
	msg_send(out);
}

static void
on_gone(struct wire *w, void *arg)
{
	struct wire **place = arg;

	if (*place == w)
		*place = NULL;
	wire_free(w);
}

static void
on_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	struct wire **place;

	n_wires++;
	if (strcmp(role, "mini-front") == 0) {
		place = &peers[instance];
		if (*place != NULL)
			place++; /* of the other daemon */
		*place = wire_new(fd, on_question, on_gone, place);
		return;
	}
	/* Our own comes before anybody else's. */
	place = back == NULL || n_wires == 1 ? &back : &abroad;
	if (place == &abroad && *place != NULL)
		wire_free(*place);
	*place = wire_new(fd, on_answer, on_gone, place);
}

static void
on_config(struct msg *m, void *arg)
{
	coming = msg_get_u32(m);
	if (msg_end(m) == -1)
		fatalx("malformed config");
}

static void
on_commit(void *arg)
{
	generation = coming;
}

static void
on_opened(const struct proc_conn *conn, void *arg)
{
	n_watched++;
	n_opened++;
}

static void
on_ended(uint64_t id, void *arg)
{
	n_watched--;
}

/* One line, by which the test knows that the wire came through. */
static void
on_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	struct msgout *m;

	m = msg_new_fd(fd, 99, 1);
	msg_put_u32(m, uid);
	msg_put_u32(m, proc_instance());
	(void)msg_send_wait(m, 1000);
	(void)close(fd);
}

int
main(int argc, char *argv[])
{
	static const struct proc_handlers front = {
	    .config = on_config,
	    .reload_commit = on_commit,
	    .wire = on_wire,
	    .conn = on_conn,
	    .ctl = on_ctl,
	};
	static const struct proc_handlers backs = {
	    .config = on_config,
	    .reload_commit = on_commit,
	    .wire = on_wire,
	    .conn_opened = on_opened,
	    .conn_ended = on_ended,
	};
	const char *name;

	name = strrchr(argv[0], '/');
	name = name == NULL ? argv[0] : name + 1;
	if (strcmp(name, "mini-back") == 0)
		proc_role_start(argc, argv, "mini-back", &backs, NULL);
	else
		proc_role_start(argc, argv, "mini-front", &front, NULL);
	proc_role_sandbox();
	(void)event_dispatch();
	return 1;
}
