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
 * Put and get of what travels between a parent and its roles.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "msg.h"
#include "proc_local.h"

enum { ADDR_LOCAL = 0, ADDR_INET = 4, ADDR_INET6 = 6 };

void
proc_init_put(struct msgout *m, const struct proc_init *init)
{
	msg_put_u32(m, PROC_VERSION);
	msg_put_str(m, init->name);
	msg_put_u32(m, init->instance);
	msg_put_u8(m, init->root_mode);
	msg_put_u8(m, init->best_effort);
	msg_put_u8(m, init->verbose);
	msg_put_u8(m, init->log_addresses);
	msg_put_raw(m, init->log_key, sizeof(init->log_key));
	msg_put_u32(m, init->uid);
	msg_put_u32(m, init->gid);
	msg_put_str(m, init->dir);
	msg_put_u32(m, init->nofile);
	msg_put_str(m, init->promises);
	msg_put_u32(m, init->n_paths);
	for (uint32_t i = 0; i < init->n_paths; i++) {
		msg_put_str(m, init->paths[i].path);
		msg_put_str(m, init->paths[i].perm);
	}
}

int
proc_init_get(struct msg *m, struct proc_init *init)
{
	memset(init, 0, sizeof(*init));
	if (msg_get_u32(m) != PROC_VERSION)
		return -1;
	(void)msg_get_str(m, init->name, sizeof(init->name));
	init->instance = msg_get_u32(m);
	init->root_mode = msg_get_u8(m) != 0;
	init->best_effort = msg_get_u8(m) != 0;
	init->verbose = msg_get_u8(m) != 0;
	init->log_addresses = msg_get_u8(m) != 0;
	(void)msg_get_raw(m, init->log_key, sizeof(init->log_key));
	init->uid = msg_get_u32(m);
	init->gid = msg_get_u32(m);
	(void)msg_get_str(m, init->dir, sizeof(init->dir));
	init->nofile = msg_get_u32(m);
	(void)msg_get_str(m, init->promises, sizeof(init->promises));
	init->n_paths = msg_get_u32(m);
	if (init->n_paths > PROC_PATHS_MAX)
		return -1;
	for (uint32_t i = 0; i < init->n_paths; i++) {
		(void)msg_get_str(
		    m, init->paths[i].path, sizeof(init->paths[i].path));
		(void)msg_get_str(
		    m, init->paths[i].perm, sizeof(init->paths[i].perm));
	}
	return msg_end(m);
}

void
proc_addr_put(struct msgout *m, const struct sockaddr_storage *ss)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	switch (ss->ss_family) {
	case AF_INET:
		memcpy(&sin, ss, sizeof(sin));
		msg_put_u8(m, ADDR_INET);
		msg_put_raw(m, &sin.sin_addr, sizeof(sin.sin_addr));
		msg_put_u16(m, ntohs(sin.sin_port));
		break;
	case AF_INET6:
		memcpy(&sin6, ss, sizeof(sin6));
		msg_put_u8(m, ADDR_INET6);
		msg_put_raw(m, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
		msg_put_u16(m, ntohs(sin6.sin6_port));
		break;
	default:
		msg_put_u8(m, ADDR_LOCAL);
		break;
	}
}

void
proc_addr_get(struct msg *m, struct proc_conn *conn)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	memset(&conn->ss, 0, sizeof(conn->ss));
	switch (msg_get_u8(m)) {
	case ADDR_LOCAL:
		conn->ss.ss_family = AF_UNIX;
		conn->sslen = sizeof(sa_family_t);
		break;
	case ADDR_INET:
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		(void)msg_get_raw(m, &sin.sin_addr, sizeof(sin.sin_addr));
		sin.sin_port = htons(msg_get_u16(m));
		memcpy(&conn->ss, &sin, sizeof(sin));
		conn->sslen = sizeof(sin);
		break;
	case ADDR_INET6:
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		(void)msg_get_raw(m, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
		sin6.sin6_port = htons(msg_get_u16(m));
		memcpy(&conn->ss, &sin6, sizeof(sin6));
		conn->sslen = sizeof(sin6);
		break;
	default:
		m->bad = true;
		break;
	}
	proc_addr_print(&conn->ss, conn->peer, sizeof(conn->peer));
}

void
proc_addr_print(const struct sockaddr_storage *ss, char *buf, size_t size)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	(void)strlcpy(buf, "local", size);
	if (ss->ss_family == AF_INET) {
		memcpy(&sin, ss, sizeof(sin));
		(void)inet_ntop(AF_INET, &sin.sin_addr, buf, (socklen_t)size);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		(void)inet_ntop(
		    AF_INET6, &sin6.sin6_addr, buf, (socklen_t)size);
	}
}

void
proc_source(const struct proc_conn *conn, char *buf, size_t size)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 sin6;

	ss = conn->ss;
	if (ss.ss_family == AF_INET6) {
		memcpy(&sin6, &ss, sizeof(sin6));
		memset(&sin6.sin6_addr.s6_addr[8], 0, 8);
		memcpy(&ss, &sin6, sizeof(sin6));
	}
	proc_addr_print(&ss, buf, size);
	if (ss.ss_family == AF_INET6)
		(void)strlcat(buf, "/64", size);
}
