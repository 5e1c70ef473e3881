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
 * The ways out that are tried from inside each role.
 */

#ifndef PROBES_H
#define PROBES_H

#include <sys/types.h>
#include <sys/un.h>

#include <stddef.h>

/* Which rows a probe is no escape for, since they are meant to. */
#define HAS_PROC 0x01
#define HAS_PATHS 0x02
#define HAS_FATTR 0x04
#define HAS_INET 0x08

struct probe {
	const char *name;
	int (*call)(void); /* 0 and up: it worked; -1: refused */
	unsigned int fine;
};

/*
 * What the probes aim at: files that no row may see, made where nothing is, and
 * sockets from before the sandbox.
 */
extern char probe_secret[4096], probe_made[4096];
extern int probe_tcp, probe_udp, probe_local;
extern struct sockaddr_un probe_abstract; /* somebody listens there */

extern const struct probe probes_files[], probes_system[];
extern const size_t n_probes_files, n_probes_system;

#endif
