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
 * Sessions: events, handshakes, input.  Callbacks may free the session, so
 * every event handler enters and leaves it: memory goes when the last leaves.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "tlsio_local.h"

#define READ_BURST 4 /* records in a row, then others have a turn */

/* What is read, until it is consumed; of TLS a record at a time. */
static uint8_t scratch[TLSIO_INPUT_MAX];

static void on_read(int, short, void *);
static void on_write(int, short, void *);
static void on_soon(int, short, void *);
static void leave(struct tlsio *);
static void start_tls(struct tlsio *);
static void handshake(struct tlsio *);
static void do_read(struct tlsio *);
static void deliver(struct tlsio *, size_t);
static void keep_rest(struct tlsio *);
static void call_input(struct tlsio *);
static bool can_read(const struct tlsio *);
static size_t unread(const struct tlsio *);
static void set_eof(struct tlsio *);
static void release(struct tlsio *);
static ssize_t cb_read(struct tls *, void *, size_t, void *);
static ssize_t cb_write(struct tls *, const void *, size_t, void *);

struct tlsio *
tlsio_new(
    struct tlsio_server *server, int fd, const struct tlsio_ops *ops, void *arg)
{
	struct tlsio *t;
	int flags;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		fatal("tlsio");
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		fatal("tlsio fd=%d", fd);
	t->fd = fd;
	t->ops = ops;
	t->arg = arg;
	STAILQ_INIT(&t->out);
	event_set(&t->ev_read, fd, EV_READ | EV_PERSIST, on_read, t);
	event_set(&t->ev_write, fd, EV_WRITE | EV_PERSIST, on_write, t);
	evtimer_set(&t->ev_soon, on_soon, t);
	if (server != NULL) {
		t->server = server_ref(server);
		start_tls(t);
	}
	session_events(t);
	return t;
}

void
tlsio_free(struct tlsio *t)
{
	if (t == NULL || t->dead)
		return;
	t->dead = true;
	release(t);
	if (t->busy == 0)
		free(t);
}

/* Everything but the memory of the struct. */
static void
release(struct tlsio *t)
{
	(void)event_del(&t->ev_read);
	(void)event_del(&t->ev_write);
	(void)event_del(&t->ev_soon);
	turn_forget(t);
	output_drop(t);
	if (t->in != NULL)
		freezero(t->in, t->in_size);
	t->in = NULL;
	t->in_off = t->in_len = t->in_size = 0;
	t->view_off = t->view_len;
	tls_free(t->tls);
	t->tls = NULL;
	t->ssl = NULL;
	tlsio_server_free(t->server);
	t->server = NULL;
	client_free(t->client);
	t->client = NULL;
	free(t->error);
	t->error = NULL;
	(void)close(t->fd);
	t->fd = -1;
}

void
tlsio_set(struct tlsio *t, const struct tlsio_ops *ops, void *arg)
{
	t->ops = ops;
	t->arg = arg;
}

int
tlsio_starttls(struct tlsio *t, struct tlsio_server *server)
{
	if (session_upgrade(t) == -1)
		return -1;
	t->server = server_ref(server);
	return 0;
}

int
session_upgrade(struct tlsio *t)
{
	size_t left;

	if (t->state != TLSIO_PLAIN || t->dead)
		return -1;
	left = unread(t);
	tlsio_consume(t, left);
	if (left > 0)
		return -1;
	t->state = TLSIO_UPGRADE;
	session_soon(t);
	return 0;
}

void
tlsio_finish(struct tlsio *t)
{
	t->finishing = true;
	/* Nobody is there yet to whom it could be said. */
	if (t->state == TLSIO_HANDSHAKE)
		output_drop(t);
	session_soon(t);
}

const uint8_t *
tlsio_input(struct tlsio *t, size_t *len)
{
	*len = unread(t);
	if (t->view != NULL)
		return t->view + t->view_off;
	return t->in == NULL ? (const uint8_t *)"" : t->in + t->in_off;
}

void
tlsio_consume(struct tlsio *t, size_t len)
{
	bool full;

	full = unread(t) >= TLSIO_INPUT_MAX;
	if (len > unread(t))
		fatalx("tlsio: %zu octets consumed of %zu", len, unread(t));
	if (t->view != NULL) {
		t->view_off += len;
		return;
	}
	if (len == 0)
		return;
	explicit_bzero(t->in + t->in_off, len);
	t->in_off += len;
	if (t->in_off == t->in_len) {
		freezero(t->in, t->in_size);
		t->in = NULL;
		t->in_off = t->in_len = t->in_size = 0;
	}
	/* TLS may hold more that no event will tell of. */
	if (full)
		session_soon(t);
}

void
tlsio_pause(struct tlsio *t)
{
	t->paused = true;
	session_events(t);
}

void
tlsio_resume(struct tlsio *t)
{
	if (!t->paused)
		return;
	t->paused = false;
	t->again = true;
	session_soon(t);
}

/* Events. */

static void
on_read(int fd, short what, void *arg)
{
	struct tlsio *t;

	t = arg;
	t->busy++;
	if (t->write_wants_read) {
		t->write_wants_read = false;
		t->blocked = false;
	}
	if (t->state == TLSIO_HANDSHAKE)
		turn_wait(t);
	else if (t->discarding)
		finish_discard(t);
	else
		do_read(t);
	leave(t);
}

static void
on_write(int fd, short what, void *arg)
{
	struct tlsio *t;

	t = arg;
	t->busy++;
	t->blocked = false;
	if (t->state == TLSIO_HANDSHAKE)
		turn_wait(t);
	else if (t->read_wants_write) {
		t->read_wants_write = false;
		do_read(t);
	}
	leave(t);
}

void
session_handshake(struct tlsio *t)
{
	t->busy++;
	if (t->state == TLSIO_HANDSHAKE && !t->ending)
		handshake(t);
	leave(t);
}

static void
on_soon(int fd, short what, void *arg)
{
	struct tlsio *t;

	t = arg;
	t->busy++;
	if (t->discarding)
		finish_end(t);
	if (t->again) {
		t->again = false;
		if (unread(t) > 0 && can_read(t))
			call_input(t);
	}
	if (!t->dead && t->state != TLSIO_HANDSHAKE)
		do_read(t);
	leave(t);
}

/* What follows from whatever happened; then the session may go. */
static void
leave(struct tlsio *t)
{
	if (!t->dead && !t->told)
		output_flush(t);
	if (!t->dead && !t->ending && t->was_full && t->out_len <= TLSIO_LOW) {
		t->was_full = false;
		t->ops->drained(t, t->arg);
		if (!t->dead)
			output_flush(t);
		if (!t->dead && t->was_full && t->out_len <= TLSIO_LOW)
			session_soon(t);
	}
	if (!t->dead && t->state == TLSIO_UPGRADE && t->out_len == 0 &&
	    !t->ending)
		start_tls(t);
	if (!t->dead && t->finishing && t->out_len == 0 && !t->ending &&
	    !t->discarding)
		finish_begin(t, unread(t) > 0);
	if (!t->dead && t->ending && !t->told && t->out_len == 0) {
		t->told = true;
		session_events(t);
		t->ops->closed(t, t->end, t->arg);
	}
	if (!t->dead)
		session_events(t);
	t->busy--;
	if (t->dead && t->busy == 0)
		free(t);
}

/* Adds and removes events as the state asks for. */
void
session_events(struct tlsio *t)
{
	bool r, w;

	if (t->dead)
		return;
	r = w = false;
	if (t->told || t->waits)
		;
	else if (t->discarding)
		r = true;
	else if (t->state == TLSIO_HANDSHAKE) {
		w = t->read_wants_write;
		r = !w;
	} else {
		r = can_read(t) && !t->read_wants_write;
		w = can_read(t) && t->read_wants_write;
		if (t->out_len > 0 && t->blocked) {
			r = r || t->write_wants_read;
			w = w || !t->write_wants_read;
		}
	}
	if (r != t->reading &&
	    (r ? event_add(&t->ev_read, NULL) : event_del(&t->ev_read)) == -1)
		fatal("tlsio fd=%d", t->fd);
	if (w != t->writing &&
	    (w ? event_add(&t->ev_write, NULL) : event_del(&t->ev_write)) == -1)
		fatal("tlsio fd=%d", t->fd);
	t->reading = r;
	t->writing = w;
}

/* on_soon() from the event loop, whatever the socket does. */
void
session_soon(struct tlsio *t)
{
	struct timeval now = {0, 0};

	if (t->dead || t->told || evtimer_pending(&t->ev_soon, NULL))
		return;
	if (evtimer_add(&t->ev_soon, &now) == -1)
		fatal("tlsio fd=%d", t->fd);
}

void
session_fail(struct tlsio *t, const char *text)
{
	output_drop(t);
	if (!t->ending) {
		t->ending = true;
		t->end = TLSIO_FAILED;
		t->error = strdup(text != NULL ? text : "unknown error");
	}
	session_soon(t);
}

static void
set_eof(struct tlsio *t)
{
	if (t->ending)
		return;
	/* Without TLS it can never be sent. */
	if (t->state == TLSIO_HANDSHAKE)
		output_drop(t);
	t->ending = true;
	t->end = TLSIO_EOF;
	session_soon(t);
}

enum io_result
session_result(struct tlsio *t, ssize_t n, enum io_result would_block)
{
	if (n > 0)
		return IO_OK;
	if (t->tls != NULL && n == TLS_WANT_POLLIN)
		return IO_WANT_READ;
	if (t->tls != NULL && n == TLS_WANT_POLLOUT)
		return IO_WANT_WRITE;
	if (t->tls == NULL && n == -1) {
		if (errno == EAGAIN)
			return would_block;
		if (errno != ECONNRESET && errno != EPIPE) {
			session_fail(t, strerror(errno));
			return IO_FAILED;
		}
	} else if (n != 0 && !t->peer_eof) {
		session_fail(t, tls_error(t->tls));
		return IO_FAILED;
	}
	set_eof(t);
	return IO_EOF;
}

/* TLS. */

static void
start_tls(struct tlsio *t)
{
	if (t->client != NULL) {
		t->state = TLSIO_HANDSHAKE;
		if (client_begin(t, cb_read, cb_write) == -1)
			session_fail(t, tls_error(t->tls));
		else
			turn_wait(t); /* it speaks first */
		return;
	}
	(void)ctx_last();
	if (tls_accept_cbs(t->server->tls, &t->tls, cb_read, cb_write, t) ==
	    -1) {
		session_fail(t, tls_error(t->server->tls));
		return;
	}
	t->ssl = ctx_last();
	t->state = TLSIO_HANDSHAKE;
}

static void
handshake(struct tlsio *t)
{
	int n;

	n = tls_handshake(t->tls);
	t->read_wants_write = n == TLS_WANT_POLLOUT;
	if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
		return;
	if (n != 0) {
		if (t->peer_eof)
			set_eof(t);
		else
			session_fail(t, tls_error(t->tls));
		return;
	}
	if (t->client != NULL && client_verify(t) == -1) {
		session_fail(t, t->client->why);
		return;
	}
	t->state = TLSIO_SECURE;
	if (t->ops->secure != NULL)
		t->ops->secure(t, t->arg);
	if (!t->dead)
		do_read(t);
}

/* With callbacks: no SIGPIPE, and we see how the peer ended. */
static ssize_t
cb_read(struct tls *tls, void *buf, size_t len, void *arg)
{
	struct tlsio *t;
	ssize_t n;

	t = arg;
	do {
		n = recv(t->fd, buf, len, 0);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return TLS_WANT_POLLIN;
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		t->peer_eof = true;
	return n;
}

static ssize_t
cb_write(struct tls *tls, const void *buf, size_t len, void *arg)
{
	struct tlsio *t;
	ssize_t n;
	int flags;

	t = arg;
	flags = t->more ? MSG_NOSIGNAL | COMPAT_MSG_MORE : MSG_NOSIGNAL;
	do {
		n = send(t->fd, buf, len, flags);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return TLS_WANT_POLLOUT;
	if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
		t->peer_eof = true;
	return n;
}

/* Input. */

static bool
can_read(const struct tlsio *t)
{
	return !t->paused && !t->ending && !t->finishing && !t->told &&
	    (t->state == TLSIO_PLAIN || t->state == TLSIO_SECURE) &&
	    unread(t) < TLSIO_INPUT_MAX;
}

static size_t
unread(const struct tlsio *t)
{
	if (t->view != NULL)
		return t->view_len - t->view_off;
	return t->in_len - t->in_off;
}

static void
do_read(struct tlsio *t)
{
	size_t max;
	ssize_t n;
	int i;

	for (i = 0; i < READ_BURST && can_read(t); i++) {
		max = TLSIO_INPUT_MAX - unread(t);
		if (max > sizeof(scratch))
			max = sizeof(scratch);
		if (t->tls != NULL && max > RECORD_MAX)
			max = RECORD_MAX;
		if (t->tls != NULL)
			n = tls_read(t->tls, scratch, max);
		else {
			do {
				n = recv(t->fd, scratch, max, 0);
			} while (n == -1 && errno == EINTR);
		}
		switch (session_result(t, n, IO_WANT_READ)) {
		case IO_OK:
			deliver(t, (size_t)n);
			/* The socket had no more; the next will be an event. */
			if (t->dead || (t->tls == NULL && (size_t)n < max))
				return;
			break;
		case IO_WANT_WRITE:
			t->read_wants_write = true;
			return;
		case IO_WANT_READ:
		case IO_EOF:
		case IO_FAILED:
			return;
		}
	}
	/* What TLS holds already raises no event. */
	if (i == READ_BURST && t->tls != NULL && can_read(t))
		session_soon(t);
}

/* Hands on len octets of scratch, and keeps what is not consumed. */
static void
deliver(struct tlsio *t, size_t len)
{
	if (t->in == NULL) {
		t->view = scratch;
		t->view_off = 0;
		t->view_len = len;
		call_input(t);
		keep_rest(t);
	} else {
		t->view = scratch;
		t->view_off = 0;
		t->view_len = len;
		keep_rest(t);
		call_input(t);
	}
	explicit_bzero(scratch, len);
}

static void
call_input(struct tlsio *t)
{
	t->again = false;
	t->ops->input(t, t->arg);
}

/* Moves what is left of the view behind what is unread already. */
static void
keep_rest(struct tlsio *t)
{
	const uint8_t *rest;
	uint8_t *p;
	size_t len, have, size;

	rest = t->view + t->view_off;
	len = t->view_len - t->view_off;
	t->view = NULL;
	t->view_off = t->view_len = 0;
	if (len == 0 || t->dead)
		return;
	have = t->in_len - t->in_off;
	if (t->in_size - t->in_len < len) {
		/* recallocarray(3) wipes; never more than twice what is in. */
		size = 2 * (have + len);
		p = calloc(1, size);
		if (p == NULL)
			fatal("tlsio");
		if (have > 0)
			memcpy(p, t->in + t->in_off, have);
		if (t->in != NULL)
			freezero(t->in, t->in_size);
		t->in = p;
		t->in_size = size;
		t->in_off = 0;
		t->in_len = have;
	}
	memcpy(t->in + t->in_len, rest, len);
	t->in_len += len;
}

/* What the session is. */

int
tlsio_fd(const struct tlsio *t)
{
	return t->fd;
}

bool
tlsio_is_secure(const struct tlsio *t)
{
	return t->state == TLSIO_SECURE;
}

bool
tlsio_resumed(const struct tlsio *t)
{
	return t->tls != NULL && tls_conn_session_resumed(t->tls) == 1;
}

const char *
tlsio_version(const struct tlsio *t)
{
	const char *s;

	s = t->tls == NULL ? NULL : tls_conn_version(t->tls);
	return s == NULL ? "-" : s;
}

const char *
tlsio_cipher(const struct tlsio *t)
{
	const char *s;

	s = t->tls == NULL ? NULL : tls_conn_cipher(t->tls);
	return s == NULL ? "-" : s;
}

const char *
tlsio_servername(const struct tlsio *t)
{
	const char *s;

	s = t->tls == NULL ? NULL : tls_conn_servername(t->tls);
	return s == NULL ? "-" : s;
}

const char *
tlsio_alpn(const struct tlsio *t)
{
	const char *s;

	s = t->tls == NULL ? NULL : tls_conn_alpn_selected(t->tls);
	return s == NULL ? "-" : s;
}

int
tlsio_channel(const struct tlsio *t, uint8_t out[TLSIO_CHANNEL_LEN])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (t->state != TLSIO_SECURE || t->ssl == NULL ||
	    SSL_version(t->ssl) != TLS1_3_VERSION)
		return -1;
	return SSL_export_keying_material(t->ssl, out, TLSIO_CHANNEL_LEN, label,
		   sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1 ?
	    0 :
	    -1;
}

const char *
tlsio_error(const struct tlsio *t)
{
	return t->error == NULL ? "-" : t->error;
}
