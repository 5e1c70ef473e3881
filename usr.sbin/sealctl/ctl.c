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
 * A connection to a daemon's control socket: one request at a time, each
 * answered up to its CTL_DONE (lib/libproc/ctl.h).
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "sealctl.h"

#define STOP_WAIT_MS 20000 /* a daemon's roles may finish what they do */

static int ctl_hello(struct ctl *);

/* Ends a request that the daemon did not answer as it should have. */
static void
ctl_broken(struct ctl *c, const char *reason)
{
	c->result = CTL_FAILED;
	(void)strlcpy(c->reason, reason, sizeof(c->reason));
}

/* 0, or -1 with errno. */
static int
ctl_connect(
    struct ctl *c, const struct conf *conf, const char *suffix, char **path)
{
	static struct sockaddr_un sun;
	int n;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	*path = sun.sun_path;
	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s.%s",
	    conf->run_directory, c->daemon, suffix);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		err(EXIT_FAILED, "socket");
	if (connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return 0;
	n = errno;
	ctl_close(c);
	errno = n;
	return -1;
}

bool
ctl_absent(const struct conf *conf, const char *daemon)
{
	struct ctl c;
	char *path;

	memset(&c, 0, sizeof(c));
	c.daemon = daemon;
	if (ctl_connect(&c, conf, "sock", &path) == 0) {
		ctl_close(&c);
		return false;
	}
	return errno == ENOENT;
}

int
ctl_open(struct ctl *c, const struct conf *conf, const char *daemon)
{
	char *path;
	int error;

	memset(c, 0, sizeof(*c));
	c->daemon = daemon;
	c->fd = -1;
	if (ctl_connect(c, conf, "sock", &path) == 0)
		return ctl_hello(c);
	error = errno;
	/* Perhaps we may ask, at least. */
	if ((error == EACCES || error == EPERM) &&
	    ctl_connect(c, conf, "read.sock", &path) == 0)
		return ctl_hello(c);
	if (error == ENOENT || error == ECONNREFUSED)
		warnx("%s is not running (no answer at %s): start it", daemon,
		    path);
	else if (error == EACCES || error == EPERM)
		warnx("%s: not allowed: run sealctl as root or as the user "
		      "that runs %s",
		    path, daemon);
	else {
		errno = error;
		warn("%s", path);
	}
	return -1;
}

static int
ctl_hello(struct ctl *c)
{
	struct msgout *m;
	struct msg msg;
	char daemon[64];

	m = ctl_new(c, CTL_HELLO);
	msg_put_u32(m, CTL_VERSION);
	ctl_send(c, m);
	while (ctl_next(c, &msg)) {
		if (msg.type != CTL_HELLO_IS)
			continue;
		(void)msg_get_str(&msg, daemon, sizeof(daemon));
		(void)msg_get_str(&msg, c->version, sizeof(c->version));
		c->pid = msg_get_u32(&msg);
		c->started = msg_get_i64(&msg);
		c->verbose = msg_get_u8(&msg);
		if (msg_end(&msg) == -1 || strcmp(daemon, c->daemon) != 0)
			ctl_broken(c, "its answer is not understood");
	}
	if (!ctl_failed(c, "greeting"))
		return 0;
	ctl_close(c);
	return -1;
}

void
ctl_close(struct ctl *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

struct msgout *
ctl_new(struct ctl *c, uint32_t type)
{
	c->id++;
	c->result = CTL_OK;
	c->reason[0] = '\0';
	return msg_new_fd(c->fd, type, c->id);
}

void
ctl_send(struct ctl *c, struct msgout *m)
{
	if (msg_send_wait(m, CTL_WAIT_MS) == -1)
		ctl_broken(c, strerror(errno));
}

static bool
ctl_receive(struct ctl *c, struct msg *msg)
{
	int n;

	n = msg_recv_wait(c->fd, msg, CTL_WAIT_MS);
	if (n == 1)
		return true;
	if (n == 0)
		ctl_broken(c, "it closed the connection");
	else if (errno == ETIMEDOUT)
		ctl_broken(c, "no answer in time; see its log");
	else
		ctl_broken(c, strerror(errno));
	return false;
}

bool
ctl_next(struct ctl *c, struct msg *msg)
{
	uint8_t result;

	msg_done(msg);
	if (c->result != CTL_OK || !ctl_receive(c, msg))
		return false;
	if (msg->id != c->id) {
		msg_done(msg);
		ctl_broken(c, "it answered another question");
		return false;
	}
	if (msg->type != CTL_DONE)
		return true;
	result = msg_get_u8(msg);
	(void)msg_get_str(msg, c->reason, sizeof(c->reason));
	if (msg_end(msg) == -1 || result > CTL_INVALID)
		ctl_broken(c, "its answer is not understood");
	else
		c->result = (enum ctl_result)result;
	msg_done(msg);
	return false;
}

bool
ctl_failed(const struct ctl *c, const char *what)
{
	const char *reason = c->reason;

	switch (c->result) {
	case CTL_OK:
		return false;
	case CTL_NONE:
		if (reason[0] == '\0')
			reason = "no such thing";
		break;
	case CTL_DENIED:
		if (reason[0] == '\0')
			reason = "not allowed: run sealctl as root";
		break;
	case CTL_FAILED:
		if (reason[0] == '\0')
			reason = "failed; see the log";
		break;
	case CTL_INVALID:
		if (reason[0] == '\0')
			reason = "not understood: are sealctl and the daemon "
				 "of one version?";
		break;
	}
	warnx("%s: %s: %s", c->daemon, what, reason);
	return true;
}

void
ctl_silent(const char *role, const char *daemon)
{
	errx(EXIT_FAILED,
	    "%s does not answer: see the log of %s, and \"sealctl show "
	    "processes\"",
	    role, daemon);
}

int
ctl_role(struct ctl *c, const char *role, uint32_t instance)
{
	struct msgout *m;
	struct msg msg;
	int fds[2];

	if (wire_pair(fds) == -1)
		err(EXIT_FAILED, "socketpair");
	m = ctl_new(c, CTL_CONNECT);
	msg_put_str(m, role);
	msg_put_u32(m, instance);
	msg_put_fd(m, fds[1]);
	ctl_send(c, m);
	while (ctl_next(c, &msg))
		ctl_broken(c, "its answer is not understood");
	if (c->result == CTL_OK)
		return fds[0];
	(void)close(fds[0]);
	return -1;
}

int
ctl_wait_end(struct ctl *c)
{
	struct msg msg;
	int n;

	while ((n = msg_recv_wait(c->fd, &msg, STOP_WAIT_MS)) == 1)
		msg_done(&msg);
	if (n == -1 && errno == ETIMEDOUT)
		return -1;
	return 0;
}
