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
 * The others of a test: a certificate's maker, a sealkeys, clients; each is a
 * process of its own, so that nothing of theirs is in the server's memory.
 */

#ifndef PEERS_H
#define PEERS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <tls.h>

#include "tlsio.h"

/* Writes NAME.crt, NAME.key and NAME.hidden: 32 octets of it, inverted. */
void make_cert(const char *name, bool is_ec);
char *read_text(const char *path, size_t *len);
struct tlsio_server *load_server(const char *const *names, size_t n);

/* A process that signs with the keys of these names; its wire. */
int start_keys(const char *const *names, size_t n);

/* A client at the other end of the returned socket; it exits with run's. */
typedef int (*client_run)(int fd, void *arg);
int start_client(client_run, void *arg, pid_t *pid);
/* 0 if it did well. */
int wait_client(pid_t);

/* For clients: a TLS connection that trusts NAME.crt; NULL on failure. */
struct client_tls {
	const char *trusted;
	const char *servername;
	uint32_t protocols;
	int session_fd; /* -1: none */
	const char *alpn;
};
struct tls *client_connect(int fd, const struct client_tls *);
int client_write(struct tls *, int fd, const void *, size_t);
/* Until a newline or EOF; the length, or -1. */
ssize_t client_line(struct tls *, int fd, char *, size_t);

/* Runs the loop until *done or for 30 s. */
void run_until(const bool *done);

#endif
