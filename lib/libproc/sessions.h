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
 * What an engine tells sealctl(8) of its sessions, and how sealctl ends some:
 * CTL_SESSIONS and CTL_KICK of ctl.h, served alike by all engines.
 */

#ifndef SESSIONS_H
#define SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#define SESSIONS_CLIENTS_MAX 16  /* sealctls that one engine serves */
#define SESSIONS_WORD_MAX 32     /* octets of protocol, TLS version, state */
#define SESSIONS_ACCOUNT_MAX 512 /* of an account or a source */

/* For the length of a call: an engine fills it from its own struct. */
struct session_view {
	uint64_t conn;
	const char *protocol; /* imap, smtp, lmtp */
	const char *peer;     /* numeric */
	const char *account;  /* NULL before login */
	const char *tls;      /* NULL: plain */
	const char *state;    /* one word */
	int64_t since;        /* connected: seconds, UTC */
	int64_t active;       /* last heard of, likewise */
	uint64_t commands;
	uint64_t received; /* octets, without TLS */
	uint64_t sent;
};

struct sessions_ops {
	/*
	 * Calls take with each session, and ends those for which it says true,
	 * in the protocol's words.
	 */
	void (*each)(
	    bool (*take)(const struct session_view *, void *), void *arg);
};

/* Once, before connections. */
void sessions_begin(const struct sessions_ops *);
/* A wire to a sealctl, who may end sessions or just look. */
void sessions_serve(int fd, bool may_change);

#endif
