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
 * Sending and receiving one message without an event loop: at the start of a
 * process, and where an answer is needed at once.
 */

#include <sys/types.h>

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "msg_local.h"

static struct msgin *waiting; /* of the message that msg_done() ends */

static int64_t now_ms(void);
static int wait_for(int, short, int64_t);

int
msg_send_wait(struct msgout *m, int timeout_ms)
{
	enum packet_result res;
	int64_t deadline;
	int ret;

	if (m->wire != NULL)
		fatalx("msg: msg_send_wait() of a message for a wire");
	msgout_seal(m);
	deadline = now_ms() + timeout_ms;
	ret = -1;
	for (;;) {
		res = packet_send(m->fd_out, m->buf, m->len, m->fd);
		if (res != PACKET_AGAIN)
			break;
		if (wait_for(m->fd_out, POLLOUT, deadline) == -1)
			goto out;
	}
	if (res == PACKET_OK)
		ret = 1;
	else if (res == PACKET_BAD)
		errno = EMSGSIZE;
out:
	msgout_put(m);
	return ret;
}

int
msg_recv_wait(int fd, struct msg *m, int timeout_ms)
{
	struct msgin *in;
	enum packet_result res;
	int64_t deadline;

	if (waiting != NULL)
		fatalx("msg: msg_recv_wait() without msg_done()");
	in = msgin_get();
	deadline = now_ms() + timeout_ms;
	for (;;) {
		res = packet_recv(fd, in, m);
		if (res == PACKET_RESET)
			continue;
		if (res != PACKET_AGAIN)
			break;
		if (wait_for(fd, POLLIN, deadline) == -1)
			break;
	}
	if (res == PACKET_OK) {
		waiting = in;
		return 1;
	}
	msgin_put(in, res == PACKET_BAD ? MSG_MAX : 0);
	if (res == PACKET_EOF)
		return 0;
	if (res == PACKET_BAD)
		errno = EBADMSG;
	return -1;
}

void
msg_done(struct msg *m)
{
	if (waiting == NULL)
		return;
	if (m->fd != -1)
		(void)close(m->fd);
	m->fd = -1;
	msgin_put(waiting, MSG_HEADER + m->len);
	waiting = NULL;
	m->data = NULL;
	m->len = m->off = 0;
	m->bad = true;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd pfd;
	int64_t left;
	int n;

	for (;;) {
		left = deadline - now_ms();
		if (left < 0)
			left = 0;
		pfd.fd = fd;
		pfd.events = events;
		n = poll(&pfd, 1, (int)left);
		if (n > 0)
			return 0;
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (errno != EINTR)
			return -1;
	}
}
