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
 * Output of sessions: queued by chunks of a record's size, or sent straight
 * from the caller's memory where a full record is at hand.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "tlsio_local.h"

#define CHUNK_SMALL 2048 /* the first of a queue */
#define IOV_COUNT 16

static bool may_send(const struct tlsio *);
static size_t send_direct(struct tlsio *, const uint8_t *, size_t);
static size_t send_some(struct tlsio *, const uint8_t *, size_t, bool more);
static size_t send_chunks(struct tlsio *);
static void append(struct tlsio *, const uint8_t *, size_t);
static void sent(struct tlsio *, size_t);

void
tlsio_write(struct tlsio *t, const void *data, size_t len)
{
	const uint8_t *p;
	size_t n;

	if (t->dead || t->ending || t->finishing)
		return;
	p = data;
	if (t->out_len > 0 && t->out_len + len >= RECORD_MAX && may_send(t)) {
		/* Full records: top the queued one up, send it. */
		n = RECORD_MAX - t->out_len % RECORD_MAX;
		if (n > len)
			n = len;
		append(t, p, n);
		p += n;
		len -= n;
		output_flush(t);
	}
	if (t->out_len == 0 && len >= RECORD_MAX && may_send(t)) {
		n = send_direct(t, p, len);
		p += n;
		len -= n;
	}
	if (t->ending)
		return;
	if (len > TLSIO_OUTPUT_MAX - t->out_len) {
		session_fail(t, "the peer does not read");
		return;
	}
	append(t, p, len);
	/* Within a callback it is sent when that has ended. */
	if (t->busy == 0 && t->out_len > 0 && !t->blocked)
		session_soon(t);
	else
		session_events(t);
}

void
tlsio_puts(struct tlsio *t, const char *s)
{
	tlsio_write(t, s, strlen(s));
}

size_t
tlsio_queued(const struct tlsio *t)
{
	return t->out_len;
}

bool
tlsio_full(struct tlsio *t)
{
	if (t->out_len < TLSIO_HIGH)
		return false;
	t->was_full = true;
	return true;
}

/* Sends what the socket takes.  Nothing is called back. */
void
output_flush(struct tlsio *t)
{
	struct chunk *c;
	size_t n;

	while ((c = STAILQ_FIRST(&t->out)) != NULL && may_send(t)) {
		if (t->tls == NULL)
			n = send_chunks(t);
		else
			n = send_some(t, c->data + c->off, c->len - c->off,
			    STAILQ_NEXT(c, entry) != NULL);
		if (n == 0)
			break;
		sent(t, n);
	}
	session_events(t);
}

void
output_drop(struct tlsio *t)
{
	sent(t, t->out_len);
}

static bool
may_send(const struct tlsio *t)
{
	return !t->blocked && !t->told && !(t->ending && t->end != TLSIO_EOF) &&
	    t->state != TLSIO_HANDSHAKE;
}

/* Full records only; how much of it the socket took. */
static size_t
send_direct(struct tlsio *t, const uint8_t *p, size_t len)
{
	size_t done, n;

	for (done = 0; len - done >= RECORD_MAX; done += n) {
		n = send_some(
		    t, p + done, RECORD_MAX, len - done >= 2 * RECORD_MAX);
		if (n == 0)
			break;
	}
	return done;
}

/*
 * 0 where it would block (or failed): TLS has then begun a record with these
 * octets, and they must be the first to be sent again.
 */
static size_t
send_some(struct tlsio *t, const uint8_t *p, size_t len, bool more)
{
	enum io_result res;
	ssize_t n;

	if (t->tls != NULL) {
		t->more = more;
		n = tls_write(t->tls, p, len < RECORD_MAX ? len : RECORD_MAX);
		t->more = false;
	} else {
		do {
			n = send(t->fd, p, len, MSG_NOSIGNAL);
		} while (n == -1 && errno == EINTR);
	}
	res = session_result(t, n, IO_WANT_WRITE);
	switch (res) {
	case IO_OK:
		return (size_t)n;
	case IO_WANT_READ:
		t->write_wants_read = true;
		t->blocked = true;
		break;
	case IO_WANT_WRITE:
		t->blocked = true;
		break;
	case IO_EOF:
	case IO_FAILED:
		output_drop(t);
		break;
	}
	return 0;
}

/* Plain: several chunks by one call. */
static size_t
send_chunks(struct tlsio *t)
{
	struct iovec iov[IOV_COUNT];
	struct msghdr mh;
	struct chunk *c;
	ssize_t n;
	size_t i;

	i = 0;
	STAILQ_FOREACH (c, &t->out, entry) {
		iov[i].iov_base = c->data + c->off;
		iov[i].iov_len = c->len - c->off;
		if (++i == IOV_COUNT)
			break;
	}
	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = iov;
	mh.msg_iovlen = i;
	do {
		n = sendmsg(t->fd, &mh, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	switch (session_result(t, n, IO_WANT_WRITE)) {
	case IO_OK:
		return (size_t)n;
	case IO_WANT_READ:
	case IO_WANT_WRITE:
		t->blocked = true;
		break;
	case IO_EOF:
	case IO_FAILED:
		output_drop(t);
		break;
	}
	return 0;
}

static void
append(struct tlsio *t, const uint8_t *p, size_t len)
{
	struct chunk *c;
	size_t n, size;

	while (len > 0) {
		c = STAILQ_LAST(&t->out, chunk, entry);
		if (c == NULL || c->len == c->size) {
			size = c == NULL && len <= CHUNK_SMALL ? CHUNK_SMALL :
								 RECORD_MAX;
			c = malloc(sizeof(*c) + size);
			if (c == NULL)
				fatal("tlsio");
			c->off = c->len = 0;
			c->size = size;
			STAILQ_INSERT_TAIL(&t->out, c, entry);
		}
		n = c->size - c->len < len ? c->size - c->len : len;
		memcpy(c->data + c->len, p, n);
		c->len += n;
		t->out_len += n;
		p += n;
		len -= n;
	}
}

/* Wipes and frees what is on its way. */
static void
sent(struct tlsio *t, size_t n)
{
	struct chunk *c;
	size_t m;

	t->out_len -= n;
	while ((c = STAILQ_FIRST(&t->out)) != NULL) {
		m = c->len - c->off < n ? c->len - c->off : n;
		c->off += m;
		n -= m;
		if (c->off < c->len)
			break;
		STAILQ_REMOVE_HEAD(&t->out, entry);
		freezero(c, sizeof(*c) + c->len);
	}
}
