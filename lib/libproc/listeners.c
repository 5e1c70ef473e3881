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
 * Listening sockets, opened by the parent while it may bind low ports, or
 * passed to it by a service manager.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent_local.h"

#define BACKLOG 1024

static void
open_one(const struct parent *, const struct conf_listen *, unsigned int);
static void open_address(const struct parent *, const struct conf_listen *,
    unsigned int, const char *);
static bool
take_both(const struct parent *, const struct conf_listen *, unsigned int);
static struct addrinfo *resolve(const struct conf_listen *, const char *);
static int open_inet(const struct addrinfo *);
static int open_local(const char *);
static void remove_stale(const struct sockaddr_un *);

void
listeners_open(const struct parent *p)
{
	for (size_t i = 0; i < p->now->n_listens; i++)
		open_one(p, p->now->listens[i], (unsigned int)i);
	passed_end();
}

static void
open_one(
    const struct parent *p, const struct conf_listen *l, unsigned int index)
{
	if (l->is_socket)
		proc_listen(open_local(l->path), index, p->kind->engine);
	else if (strcmp(l->address, "*") != 0)
		open_address(p, l, index, l->address);
	else if (!take_both(p, l, index)) {
		open_address(p, l, index, "0.0.0.0");
		open_address(p, l, index, "::");
	}
}

/* "*" may be one socket that a service manager passes. */
static bool
take_both(
    const struct parent *p, const struct conf_listen *l, unsigned int index)
{
	struct addrinfo *ai;
	int fd;

	if (!passed_any())
		return false;
	ai = resolve(l, "::");
	fd = passed_take_both(ai->ai_addr);
	freeaddrinfo(ai);
	if (fd != -1)
		proc_listen(fd, index, p->kind->engine);
	return fd != -1;
}

static struct addrinfo *
resolve(const struct conf_listen *l, const char *address)
{
	struct addrinfo hints, *ai;
	char port[8];
	int error;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
	hints.ai_socktype = SOCK_STREAM;
	(void)snprintf(port, sizeof(port), "%u", l->port);
	error = getaddrinfo(address, port, &hints, &ai);
	if (error != 0)
		fatalx("line %d: listen on %s: %s", l->line, l->address,
		    gai_strerror(error));
	return ai;
}

static void
open_address(const struct parent *p, const struct conf_listen *l,
    unsigned int index, const char *address)
{
	struct addrinfo *ai;
	int fd;

	ai = resolve(l, address);
	fd = passed_any() ? passed_take(ai->ai_addr) : open_inet(ai);
	freeaddrinfo(ai);
	/* A system without IPv6 has no "*" of that kind. */
	if (fd == -1 && strcmp(l->address, "*") == 0 &&
	    strcmp(address, "::") == 0 &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL ||
		errno == ENOENT)) {
		log_info("no IPv6 here: port=%u on IPv4 only", l->port);
		return;
	}
	if (fd == -1 && passed_any())
		fatalx("listen address=%s port=%u: the service manager passes "
		       "sockets, but none of these",
		    address, l->port);
	if (fd == -1)
		fatal("listen address=%s port=%u", address, l->port);
	proc_listen(fd, index, p->kind->engine);
}

static int
open_inet(const struct addrinfo *ai)
{
	int fd, on, saved_errno;

	on = 1;
	fd = socket(
	    ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		saved_errno = errno;
		(void)close(fd);
		errno = saved_errno;
		return -1;
	}
	return fd;
}

/* Anybody on this machine may hand in mail, as with sendmail(8). */
static int
open_local(const char *path)
{
	struct sockaddr_un sun;
	mode_t old;
	int fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		fatalx("listen path=%s: longer than %zu octets", path,
		    sizeof(sun.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		fatal("socket");
	remove_stale(&sun);
	old = umask(0111);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, BACKLOG) == -1)
		fatal("listen path=%s", path);
	(void)umask(old);
	return fd;
}

/* A socket that nobody listens on; anything else is not ours to remove. */
static void
remove_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd;

	if (lstat(sun->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		fatal("socket");
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		fatalx("listen path=%s: already in use", sun->sun_path);
	if (errno == ECONNREFUSED && unlink(sun->sun_path) == -1)
		fatal("unlink path=%s", sun->sun_path);
	(void)close(fd);
}
