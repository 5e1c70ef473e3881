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
 * Wires without sockets, and a loop that goes round until all is quiet.
 * Linked with --wrap of what the Makefile lists (WRAP); an exit() that an input
 * causes is a finding.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <event.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "log.h"
#include "msg.h"
#include "msg_local.h"
#include "proc.h"

#define FD_NONE 100000  /* from here on they are no files */
#define ROUNDS_MAX 4096 /* of one harness_run() */

struct packet {
	TAILQ_ENTRY(packet) entry;
	struct msg msg;
	uint8_t *data;
	int from; /* for harness_say() */
};
TAILQ_HEAD(packet_list, packet);

struct wire {
	TAILQ_ENTRY(wire) entry;
	struct packet_list packets;
	wire_handler handler;
	wire_gone gone;
	void (*produce)(struct wire *, void *);
	void *arg;
	size_t queued;
	int fd;
	bool paused;
	bool slow;
	bool eof;
	bool failed; /* gone is due */
	bool told;   /* gone was called */
	bool turn;   /* of what comes, while something is produced */
	bool keep;
};

static TAILQ_HEAD(wire_list, wire) wires = TAILQ_HEAD_INITIALIZER(wires);
static harness_sent sent_cb;
static void *sent_arg;
static bool inside;
static jmp_buf exit_env;
static bool may_exit;
static int exit_status;
static struct wire *parent;    /* mostly there is none */
static struct packet *current; /* delivered just now */
static int next_fd = FD_NONE;
static struct packet_list said = TAILQ_HEAD_INITIALIZER(said);
static struct packet *heard; /* the program has it in hand */
static harness_told told_cb;
static void *told_arg;

static void packet_free(struct packet *);
void __wrap_proc_narrow(const char *, const struct proc_path *, size_t);
void __wrap_setproctitle(const char *, ...);
void __wrap_proc_conn_closed(uint64_t);
struct msgout *__wrap_proc_parent_new(uint32_t, uint32_t);
void __real_proc_conn_closed(uint64_t);
struct msgout *__real_proc_parent_new(uint32_t, uint32_t);
void __real_exit(int) __attribute__((noreturn));
void __wrap_exit(int) __attribute__((noreturn));

void
__wrap_exit(int status)
{
	exit_status = status;
	if (may_exit)
		longjmp(exit_env, 1);
	if (inside)
		abort();
	__real_exit(status);
}

/* Where the Makefile says WRAP_blocking: the fuzzer keeps what it may do. */
void
__wrap_proc_narrow(
    const char *promises, const struct proc_path *paths, size_t n_paths)
{
}

void
__wrap_setproctitle(const char *fmt, ...)
{
}

/* There is no parent. */
void
__wrap_proc_conn_closed(uint64_t conn)
{
	if (parent != NULL)
		__real_proc_conn_closed(conn);
}

struct msgout *
__wrap_proc_parent_new(uint32_t type, uint32_t id)
{
	if (parent != NULL)
		return __real_proc_parent_new(type, id);
	return msg_new_fd(FD_NONE, type, id);
}

static bool
loud(void)
{
	static int is = -1;

	if (is == -1)
		is = getenv("FUZZ_LOG") != NULL;
	return is != 0;
}

static void
quiet(int priority, const char *line, void *arg)
{
	if (loud())
		fprintf(stderr, "%d: %s\n", priority, line);
}

void
harness_show(const uint8_t *data, size_t len)
{
	if (loud())
		(void)fwrite(data, 1, len, stderr);
}

void
harness_quiet(void)
{
	log_sink(quiet, NULL);
}

void
harness_start(void)
{
	/* A program that makes its own one leaves this one to nobody. */
	static struct event_base *volatile base;

	harness_quiet();
	base = event_init();
	if (base == NULL)
		abort();
}

void
harness_begin(void)
{
	inside = true;
	next_fd = FD_NONE;
}

void
harness_end(void)
{
	struct msg none = {.fd = -1};
	struct packet *p;
	struct wire *w, *next;

	TAILQ_FOREACH_SAFE (w, &wires, entry, next) {
		if (!w->keep) {
			wire_free(w);
			continue;
		}
		while ((p = TAILQ_FIRST(&w->packets)) != NULL) {
			TAILQ_REMOVE(&w->packets, p, entry);
			packet_free(p);
		}
	}
	while ((p = TAILQ_FIRST(&said)) != NULL) {
		TAILQ_REMOVE(&said, p, entry);
		packet_free(p);
	}
	if (heard != NULL)
		packet_free(heard);
	heard = NULL;
	msg_done(&none); /* where it was not, before an exit() */
	inside = false;
}

void
harness_keep(struct wire *to_parent)
{
	struct wire *w;

	parent = to_parent;
	TAILQ_FOREACH (w, &wires, entry)
		w->keep = true;
}

void
harness_on_send(harness_sent cb, void *arg)
{
	sent_cb = cb;
	sent_arg = arg;
}

struct wire *
harness_wire(int fd)
{
	struct wire *w;

	TAILQ_FOREACH_REVERSE(w, &wires, wire_list, entry)
	if (w->fd == fd)
		return w;
	return NULL;
}

int
harness_fd(void)
{
	return next_fd++;
}

/* Memory of its own, so that its end is seen. */
static struct packet *
packet_new(uint32_t type, uint32_t id, const uint8_t *data, size_t len, int fd)
{
	struct packet *p;

	if (len > MSG_PAYLOAD_MAX)
		len = MSG_PAYLOAD_MAX;
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->data = malloc(len > 0 ? len : 1)) == NULL)
		abort();
	if (len > 0)
		memcpy(p->data, data, len);
	p->msg.type = type;
	p->msg.id = id;
	p->msg.fd = fd;
	p->msg.data = p->data;
	p->msg.len = len;
	return p;
}

void
harness_packet(struct wire *w, uint32_t type, uint32_t id, const uint8_t *data,
    size_t len, int fd)
{
	struct packet *p;

	p = packet_new(type, id, data, len, fd);
	TAILQ_INSERT_TAIL(&w->packets, p, entry);
}

void
harness_eof(struct wire *w)
{
	w->eof = true;
}

void
harness_slow(struct wire *w, bool slow)
{
	w->slow = slow;
}

static void
packet_free(struct packet *p)
{
	if (p->msg.fd != -1 && p->msg.fd < FD_NONE)
		(void)close(p->msg.fd);
	free(p->data);
	free(p);
}

/* One event of the wire; false: nothing is due. */
static bool
wire_event(struct wire *w)
{
	struct packet *p;

	if (w->told)
		return false;
	if (w->failed || (w->eof && TAILQ_EMPTY(&w->packets) && !w->paused)) {
		w->failed = w->told = true;
		if (w->gone != NULL)
			w->gone(w, w->arg);
		else
			wire_free(w);
		return true;
	}
	if (w->queued > 0) {
		w->queued = 0;
		return true;
	}
	w->turn = !w->turn;
	if (w->produce != NULL &&
	    (!w->turn || w->paused || TAILQ_EMPTY(&w->packets))) {
		w->produce(w, w->arg);
		return true;
	}
	if (w->paused || (p = TAILQ_FIRST(&w->packets)) == NULL)
		return false;
	TAILQ_REMOVE(&w->packets, p, entry);
	current = p;
	w->handler(w, &p->msg, w->arg);
	current = NULL;
	packet_free(p);
	return true;
}

/* Any of them may go while another has its turn. */
static bool
round_of_wires(void)
{
	struct wire *list[256], *w;
	size_t n = 0;
	bool any = false;

	TAILQ_FOREACH (w, &wires, entry)
		if (n < sizeof(list) / sizeof(list[0]))
			list[n++] = w;
	for (size_t i = 0; i < n; i++) {
		TAILQ_FOREACH (w, &wires, entry)
			if (w == list[i])
				break;
		if (w != NULL && wire_event(w))
			any = true;
	}
	return any;
}

void
harness_run(void)
{
	int rounds = 0;
	bool any;

	do {
		any = round_of_wires();
		(void)event_loop(EVLOOP_NONBLOCK);
	} while (any && ++rounds < ROUNDS_MAX);
	(void)event_loop(EVLOOP_NONBLOCK);
}

bool
harness_call(void (*fn)(void))
{
	bool lives;

	may_exit = true;
	lives = setjmp(exit_env) == 0;
	if (lives)
		fn();
	else if (current != NULL)
		packet_free(current);
	current = NULL;
	may_exit = false;
	return lives;
}

int
harness_status(void)
{
	return exit_status;
}

bool
harness_run_or_exit(void)
{
	return harness_call(harness_run);
}

bool
harness_step(const uint8_t **input, size_t *left, struct harness_step *s)
{
	if (*left < 3)
		return false;
	s->what = (*input)[0];
	s->len = (size_t)(*input)[1] | (size_t)(*input)[2] << 8;
	*input += 3;
	*left -= 3;
	if (s->len > *left)
		s->len = *left;
	s->data = *input;
	*input += s->len;
	*left -= s->len;
	return true;
}

/* What msg.h promises of wires. */

int
wire_pair(int fds[2])
{
	fds[0] = harness_fd();
	fds[1] = harness_fd();
	return 0;
}

struct wire *
wire_new(int fd, wire_handler handler, wire_gone gone, void *arg)
{
	struct wire *w;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		abort();
	TAILQ_INIT(&w->packets);
	w->fd = fd;
	wire_set(w, handler, gone, arg);
	TAILQ_INSERT_TAIL(&wires, w, entry);
	return w;
}

int
wire_detach(struct wire *w)
{
	struct packet *p;
	int fd;

	while ((p = TAILQ_FIRST(&w->packets)) != NULL) {
		TAILQ_REMOVE(&w->packets, p, entry);
		packet_free(p);
	}
	TAILQ_REMOVE(&wires, w, entry);
	fd = w->fd;
	free(w);
	return fd;
}

void
wire_free(struct wire *w)
{
	int fd;

	if (w == NULL)
		return;
	fd = wire_detach(w);
	if (fd != -1 && fd < FD_NONE)
		(void)close(fd);
}

void
wire_abandon(struct wire *w)
{
	wire_free(w);
}

void
wire_set(struct wire *w, wire_handler handler, wire_gone gone, void *arg)
{
	w->handler = handler;
	w->gone = gone;
	w->arg = arg;
}

int
wire_fd(const struct wire *w)
{
	return w->fd;
}

void
wire_pause(struct wire *w)
{
	w->paused = true;
}

void
wire_resume(struct wire *w)
{
	w->paused = false;
}

size_t
wire_queued(const struct wire *w)
{
	return w->queued;
}

void
wire_produce(struct wire *w, void (*cb)(struct wire *, void *))
{
	w->produce = cb;
}

void
wire_fail(struct wire *w)
{
	w->failed = true;
}

void
wire_send(struct wire *w, const uint8_t *data, size_t len, int fd)
{
	struct msg m;

	memset(&m, 0, sizeof(m));
	memcpy(&m.type, data, sizeof(m.type));
	memcpy(&m.id, data + 4, sizeof(m.id));
	m.fd = fd;
	m.data = data + MSG_HEADER;
	m.len = len - MSG_HEADER;
	if (w->failed) {
		if (fd != -1 && fd < FD_NONE)
			(void)close(fd);
		return;
	}
	if (w->slow)
		w->queued += len;
	if (sent_cb != NULL)
		sent_cb(w, &m, sent_arg);
	if (fd != -1 && fd < FD_NONE)
		(void)close(fd);
}

/* Without a loop: what is sent is shown, what was laid ready comes. */

void
harness_on_tell(harness_told cb, void *arg)
{
	told_cb = cb;
	told_arg = arg;
}

void
harness_say(int fd, uint32_t type, uint32_t id, const uint8_t *data, size_t len,
    int passed)
{
	struct packet *p;

	p = packet_new(type, id, data, len, passed);
	p->from = fd;
	TAILQ_INSERT_TAIL(&said, p, entry);
}

enum packet_result
packet_send(int fd, const void *data, size_t len, int fd_passed)
{
	const uint8_t *p = data;
	struct msg m;

	memset(&m, 0, sizeof(m));
	memcpy(&m.type, p, sizeof(m.type));
	memcpy(&m.id, p + 4, sizeof(m.id));
	m.fd = fd_passed;
	m.data = p + MSG_HEADER;
	m.len = len - MSG_HEADER;
	if (told_cb != NULL)
		told_cb(fd, &m, told_arg);
	return PACKET_OK;
}

enum packet_result
packet_recv(int fd, struct msgin *in, struct msg *m)
{
	struct packet *p;

	TAILQ_FOREACH (p, &said, entry)
		if (p->from == fd)
			break;
	if (p == NULL)
		return PACKET_EOF;
	TAILQ_REMOVE(&said, p, entry);
	if (heard != NULL)
		packet_free(heard);
	heard = p;
	*m = p->msg;
	p->msg.fd = -1; /* the program's */
	return PACKET_OK;
}
