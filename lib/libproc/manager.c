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
 * What a service manager like systemd gives and wants.  It may pass listening
 * sockets that it made: LISTEN_FDS descriptors from 3 on, for the process
 * LISTEN_PID.  A daemon that gets its sockets needs no network of its own to
 * make them in.  What the configuration says holds all the same: it names
 * each of them, and no other.  And it may wait to hear, at the datagram
 * socket NOTIFY_SOCKET, that the daemon serves.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "parent_local.h"
#include "procs_local.h"

#define PASSED_FIRST 3
#define PASSED_MAX 64

static struct {
	int fds[PASSED_MAX]; /* -1: taken */
	int n;
} passed;

static int notify_fd = -1;

static int how_many(void);
static void must_listen(int);
static int take(const struct sockaddr *, bool);
static bool both_families(int);
static bool same_file(const char *, const char *);
static bool
same_address(const struct sockaddr *, const struct sockaddr_storage *);

int
passed_init(void)
{
	int n;

	n = how_many();
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < n; i++) {
		passed.fds[i] = PASSED_FIRST + i;
		must_listen(passed.fds[i]);
	}
	passed.n = n;
	return PASSED_FIRST + n;
}

bool
passed_any(void)
{
	return passed.n > 0;
}

int
passed_take(const struct sockaddr *sa)
{
	return take(sa, false);
}

int
passed_take_both(const struct sockaddr *sa)
{
	return take(sa, true);
}

void
passed_end(void)
{
	struct sockaddr_storage ss;
	struct sockaddr_un sun;
	socklen_t len;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	for (int i = 0; i < passed.n; i++) {
		if (passed.fds[i] == -1)
			continue;
		len = sizeof(ss);
		memset(&ss, 0, sizeof(ss));
		if (getsockname(passed.fds[i], (struct sockaddr *)&ss, &len) ==
			0 &&
		    ss.ss_family == AF_UNIX) {
			memcpy(&sun, &ss, sizeof(sun));
			fatalx("the service manager passes a socket of path=%s,"
			       " which is none of ours",
			    sun.sun_path);
		}
		len = sizeof(ss);
		if (getsockname(passed.fds[i], (struct sockaddr *)&ss, &len) ==
			-1 ||
		    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host),
			port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
			fatalx("the service manager passes descriptor %d, "
			       "which has no address",
			    passed.fds[i]);
		fatalx("the service manager passes a socket of address=%s "
		       "port=%s, and no listen line wants it",
		    host, port);
	}
}

void
manager_begin(void)
{
	struct sockaddr_un sun;
	const char *path;
	size_t len;

	path = getenv("NOTIFY_SOCKET");
	if (path == NULL)
		return;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	len = strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	/* "@" would be a name without a file, which only one system has. */
	if (len >= sizeof(sun.sun_path) || path[0] != '/')
		fatalx("NOTIFY_SOCKET is no path of at most %zu octets",
		    sizeof(sun.sun_path) - 1);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd == -1)
		fatal("socket");
	if (connect(notify_fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		fatal("connect path=%s", path);
	(void)unsetenv("NOTIFY_SOCKET");
}

void
manager_ready(void)
{
	static const char ready[] = "READY=1";

	if (notify_fd == -1)
		return;
	if (send(notify_fd, ready, sizeof(ready) - 1, 0) == -1)
		log_warn("the service manager does not hear that we serve");
	(void)close(notify_fd);
	notify_fd = -1;
}

/* 0 unless they are for us. */
static int
how_many(void)
{
	const char *error, *pid, *fds;
	int n;

	pid = getenv("LISTEN_PID");
	fds = getenv("LISTEN_FDS");
	if (pid == NULL || fds == NULL)
		return 0;
	if (strtonum(pid, 1, INT_MAX, &error) != getpid() || error != NULL)
		return 0;
	n = (int)strtonum(fds, 0, PASSED_MAX, &error);
	if (error != NULL)
		fatalx("LISTEN_FDS is %s: at most %d", error, PASSED_MAX);
	return n;
}

/* A stream, or a control socket, that listens, and that no role inherits. */
static void
must_listen(int fd)
{
	int listens, type;
	socklen_t len;

	len = sizeof(listens);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1)
		fatal("the service manager passes descriptor %d", fd);
	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
		fatal("the service manager passes descriptor %d", fd);
	if (listens == 0 || (type != SOCK_STREAM && type != SOCK_SEQPACKET))
		fatalx("the service manager passes descriptor %d, which is "
		       "no listening socket of a stream or of packets",
		    fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		fatal("fcntl");
}

static int
take(const struct sockaddr *sa, bool both)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	for (int i = 0; i < passed.n; i++) {
		fd = passed.fds[i];
		if (fd == -1)
			continue;
		len = sizeof(ss);
		memset(&ss, 0, sizeof(ss));
		if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
			fatal("getsockname");
		if (!same_address(sa, &ss) || both_families(fd) != both)
			continue;
		passed.fds[i] = -1;
		return fd;
	}
	errno = ENOENT;
	return -1;
}

/* An IPv6 socket without V6ONLY also accepts IPv4, if it has no address. */
static bool
both_families(int fd)
{
	struct sockaddr_in6 sin6;
	socklen_t len;
	int only;

	len = sizeof(sin6);
	memset(&sin6, 0, sizeof(sin6));
	if (getsockname(fd, (struct sockaddr *)&sin6, &len) == -1 ||
	    sin6.sin6_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&sin6.sin6_addr))
		return false;
	len = sizeof(only);
	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 &&
	    only == 0;
}

/* /var/run may be another name of /run. */
static bool
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return lstat(a, &sa) == 0 && lstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool
same_address(const struct sockaddr *sa, const struct sockaddr_storage *ss)
{
	struct sockaddr_in a, b;
	struct sockaddr_in6 a6, b6;
	struct sockaddr_un au, bu;

	if (sa->sa_family != ss->ss_family)
		return false;
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&a, sa, sizeof(a));
		memcpy(&b, ss, sizeof(b));
		return a.sin_port == b.sin_port &&
		    a.sin_addr.s_addr == b.sin_addr.s_addr;
	case AF_INET6:
		memcpy(&a6, sa, sizeof(a6));
		memcpy(&b6, ss, sizeof(b6));
		return a6.sin6_port == b6.sin6_port &&
		    memcmp(&a6.sin6_addr, &b6.sin6_addr,
			sizeof(a6.sin6_addr)) == 0;
	case AF_UNIX:
		memcpy(&au, sa, sizeof(au));
		memcpy(&bu, ss, sizeof(bu));
		return same_file(au.sun_path, bu.sun_path);
	default:
		return false;
	}
}
