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
 * Wires under an event loop, and the packet calls below them.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "msg_local.h"

/* A message that the socket would not take. */
struct queued {
	TAILQ_ENTRY(queued) entry;
	int fd;
	size_t len;
	uint8_t *data;
};

struct wire {
	struct event ev_read;
	struct event ev_write; /* added only while there is something to do */
	struct event ev_fail;  /* a timer of 0: gone from the event loop */
	TAILQ_HEAD(, queued) queue;
	wire_handler handler;
	wire_gone gone;
	void (*produce)(struct wire *, void *);
	void *arg;
	bool *freed;   /* told when a callback frees the wire */
	size_t queued; /* octets in queue */
	int fd;
	bool paused;
	bool reset;  /* PACKET_RESET was seen */
	bool deaf;   /* sending failed: the peer is gone, or going */
	bool failed; /* gone is due or was called */
};

static struct log_quota quota; /* of packets that are malformed */

static void on_read(int, short, void *);
static void on_write(int, short, void *);
static void on_fail(int, short, void *);
static bool read_one(struct wire *);
static void call_gone(struct wire *);
static void call_produce(struct wire *);
static void flush_queue(struct wire *);
static void want_write(struct wire *);
static void send_failed(struct wire *);
static void drop_queue(struct wire *);
static size_t take_fds(struct msghdr *, int *);

int
wire_pair(int fds[2])
{
	int size, saved_errno;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		size = MSG_SOCKBUF;
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size,
			sizeof(size)) == 0 &&
		    setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size,
			sizeof(size)) == 0)
			continue;
		saved_errno = errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		errno = saved_errno;
		return -1;
	}
	return 0;
}

struct wire *
wire_new(int fd, wire_handler handler, wire_gone gone, void *arg)
{
	struct wire *w;
	int flags;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatal("wire");
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("wire fd=%d", fd);
	w->fd = fd;
	w->handler = handler;
	w->gone = gone;
	w->arg = arg;
	TAILQ_INIT(&w->queue);
	event_set(&w->ev_read, fd, EV_READ | EV_PERSIST, on_read, w);
	event_set(&w->ev_write, fd, EV_WRITE | EV_PERSIST, on_write, w);
	evtimer_set(&w->ev_fail, on_fail, w);
	if (event_add(&w->ev_read, NULL) == -1)
		fatal("wire fd=%d", fd);
	return w;
}

void
wire_free(struct wire *w)
{
	if (w != NULL)
		(void)close(wire_detach(w));
}

int
wire_detach(struct wire *w)
{
	int fd;

	(void)event_del(&w->ev_read);
	(void)event_del(&w->ev_write);
	(void)event_del(&w->ev_fail);
	drop_queue(w);
	if (w->freed != NULL)
		*w->freed = true;
	fd = w->fd;
	free(w);
	return fd;
}

void
wire_abandon(struct wire *w)
{
	drop_queue(w);
	(void)close(w->fd);
	free(w);
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
	(void)event_del(&w->ev_read);
	/* Nobody would read the EOF that tells. */
	if (w->deaf)
		wire_fail(w);
}

void
wire_resume(struct wire *w)
{
	w->paused = false;
	if (!w->failed && event_add(&w->ev_read, NULL) == -1)
		fatal("wire fd=%d", w->fd);
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
	want_write(w);
}

void
wire_fail(struct wire *w)
{
	struct timeval now = {0, 0};

	if (w->failed)
		return;
	w->failed = true;
	drop_queue(w);
	(void)event_del(&w->ev_read);
	(void)event_del(&w->ev_write);
	if (evtimer_add(&w->ev_fail, &now) == -1)
		fatal("wire fd=%d", w->fd);
}

void
wire_send(struct wire *w, const uint8_t *data, size_t len, int fd)
{
	struct queued *q;

	if (w->failed || w->deaf) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	if (TAILQ_EMPTY(&w->queue)) {
		switch (packet_send(w->fd, data, len, fd)) {
		case PACKET_OK:
			if (fd != -1)
				(void)close(fd);
			return;
		case PACKET_AGAIN:
			break;
		case PACKET_EOF:
		case PACKET_RESET:
		case PACKET_BAD:
		case PACKET_ERROR:
			if (fd != -1)
				(void)close(fd);
			send_failed(w);
			return;
		}
	}
	if (len > MSG_QUEUE_MAX - w->queued) {
		if (fd != -1)
			(void)close(fd);
		wire_fail(w);
		log_warnx("wire fd=%d: peer does not read", w->fd);
		return;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL || (q->data = malloc(len)) == NULL)
		fatal("wire fd=%d", w->fd);
	memcpy(q->data, data, len);
	q->len = len;
	q->fd = fd;
	TAILQ_INSERT_TAIL(&w->queue, q, entry);
	w->queued += len;
	want_write(w);
}

/* One packet at a time, so that each is wiped before the next is read. */
static void
on_read(int fd, short what, void *arg)
{
	struct wire *w;
	bool freed, *outer;

	w = arg;
	freed = false;
	outer = w->freed;
	w->freed = &freed;
	for (int i = 0; i < WIRE_BURST; i++) {
		if (!read_one(w) || freed || w->paused || w->failed)
			break;
	}
	if (!freed)
		w->freed = outer;
	else if (outer != NULL)
		*outer = true;
}

/* True if there may be more and the wire may still exist. */
static bool
read_one(struct wire *w)
{
	struct msgin *in;
	struct msg m;
	enum packet_result res;

	in = msgin_get();
	res = packet_recv(w->fd, in, &m);
	if (res == PACKET_OK) {
		w->handler(w, &m, w->arg);
		if (m.fd != -1)
			(void)close(m.fd);
		msgin_put(in, MSG_HEADER + m.len);
		return true;
	}
	msgin_put(in, res == PACKET_BAD ? MSG_MAX : 0);
	switch (res) {
	case PACKET_OK:
	case PACKET_AGAIN:
		return false;
	case PACKET_RESET:
		/* Said once; what the peer had sent is still to be read. */
		if (!w->reset) {
			w->reset = true;
			return true;
		}
		break;
	case PACKET_BAD:
		if (log_may(&quota))
			log_warnx("wire fd=%d: malformed packet", w->fd);
		break;
	case PACKET_ERROR:
		log_warn("wire fd=%d", w->fd);
		break;
	case PACKET_EOF:
		break;
	}
	call_gone(w);
	return false;
}

static void
on_fail(int fd, short what, void *arg)
{
	call_gone(arg);
}

static void
call_gone(struct wire *w)
{
	w->failed = true;
	drop_queue(w);
	(void)event_del(&w->ev_read);
	(void)event_del(&w->ev_write);
	(void)event_del(&w->ev_fail);
	if (w->gone != NULL)
		w->gone(w, w->arg);
	else
		wire_free(w);
}

static void
on_write(int fd, short what, void *arg)
{
	struct wire *w;

	w = arg;
	flush_queue(w);
	if (!w->failed && TAILQ_EMPTY(&w->queue) && w->produce != NULL)
		call_produce(w);
	else
		want_write(w);
}

static void
call_produce(struct wire *w)
{
	bool freed, *outer;

	freed = false;
	outer = w->freed;
	w->freed = &freed;
	for (int i = 0; i < WIRE_BURST; i++) {
		w->produce(w, w->arg);
		if (freed) {
			if (outer != NULL)
				*outer = true;
			return;
		}
		if (w->produce == NULL || w->failed || w->deaf ||
		    !TAILQ_EMPTY(&w->queue))
			break;
	}
	w->freed = outer;
	want_write(w);
}

static void
flush_queue(struct wire *w)
{
	struct queued *q;
	enum packet_result res;

	while ((q = TAILQ_FIRST(&w->queue)) != NULL) {
		res = packet_send(w->fd, q->data, q->len, q->fd);
		if (res == PACKET_AGAIN)
			return;
		if (res != PACKET_OK) {
			send_failed(w);
			return;
		}
		TAILQ_REMOVE(&w->queue, q, entry);
		w->queued -= q->len;
		if (q->fd != -1)
			(void)close(q->fd);
		freezero(q->data, q->len);
		free(q);
	}
}

static void
want_write(struct wire *w)
{
	if (!w->failed && !w->deaf &&
	    (!TAILQ_EMPTY(&w->queue) || w->produce != NULL)) {
		if (event_add(&w->ev_write, NULL) == -1)
			fatal("wire fd=%d", w->fd);
	} else
		(void)event_del(&w->ev_write);
}

/*
 * The peer takes no more.  What it had sent is still read, up to EOF; but a
 * paused reader would never get there.
 */
static void
send_failed(struct wire *w)
{
	w->deaf = true;
	drop_queue(w);
	(void)event_del(&w->ev_write);
	if (w->paused)
		wire_fail(w);
}

static void
drop_queue(struct wire *w)
{
	struct queued *q;

	while ((q = TAILQ_FIRST(&w->queue)) != NULL) {
		TAILQ_REMOVE(&w->queue, q, entry);
		if (q->fd != -1)
			(void)close(q->fd);
		freezero(q->data, q->len);
		free(q);
	}
	w->queued = 0;
}

enum packet_result
packet_send(int fd, const void *data, size_t len, int fd_passed)
{
	union {
		struct cmsghdr hdr;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh;
	struct cmsghdr *cmsg;
	struct iovec iov;
	void *base;
	ssize_t n;

	memset(&mh, 0, sizeof(mh));
	memcpy(&base, &data, sizeof(base)); /* iov_base is not const */
	iov.iov_base = base;
	iov.iov_len = len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	if (fd_passed != -1) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control.buf;
		mh.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd_passed, sizeof(int));
	}
	do {
		n = sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n >= 0)
		return (size_t)n == len ? PACKET_OK : PACKET_BAD;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ETOOMANYREFS: /* too many descriptors under way */
		return PACKET_AGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return PACKET_EOF;
	default:
		return PACKET_ERROR;
	}
}

enum packet_result
packet_recv(int fd, struct msgin *in, struct msg *m)
{
	union {
		struct cmsghdr hdr;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh;
	struct iovec iov;
	uint32_t len;
	size_t nfds;
	ssize_t n;

	memset(m, 0, sizeof(*m));
	m->fd = -1;
	memset(&mh, 0, sizeof(mh));
	iov.iov_base = in->buf;
	iov.iov_len = MSG_MAX;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = &control.buf;
	mh.msg_controllen = sizeof(control.buf);
	do {
		n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return PACKET_AGAIN;
	if (n == -1)
		return errno == ECONNRESET ? PACKET_RESET : PACKET_ERROR;
	nfds = take_fds(&mh, &m->fd);
	if (n == 0 && nfds == 0)
		return PACKET_EOF;
	/* Two ints fit where CMSG_SPACE() made room for one. */
	if (nfds > 1 || (mh.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 ||
	    n < MSG_HEADER)
		goto bad;
	memcpy(&m->type, in->buf, sizeof(m->type));
	memcpy(&m->id, in->buf + 4, sizeof(m->id));
	memcpy(&len, in->buf + 8, sizeof(len));
	m->data = in->buf + MSG_HEADER;
	m->len = (size_t)n - MSG_HEADER;
	if (len != m->len)
		goto bad;
	return PACKET_OK;
bad:
	if (m->fd != -1)
		(void)close(m->fd);
	m->fd = -1;
	return PACKET_BAD;
}

/* Keeps the first descriptor, closes the others; says how many there were. */
static size_t
take_fds(struct msghdr *mh, int *keep)
{
	struct cmsghdr *c;
	size_t bytes, total;
	int fd;

	total = 0;
	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (total++ == 0)
				*keep = fd;
			else
				(void)close(fd);
		}
	}
	return total;
}
