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
 * What the files of smtp-resolver share.
 */

#ifndef RESOLVER_H
#define RESOLVER_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "../resolver_wire.h"

#define PEERS_MAX 64       /* wires to askers */
#define QUESTIONS_MAX 8192 /* of all wires at once, withdrawn ones too */

struct packet;
struct peer;

/* ---- lookup.c: libunbound --------------------------------------------- */

struct lookup_config {
	const char *const *forwards; /* "address@port"; none: from the root */
	size_t n_forwards;
	const char *const *anchors; /* DS or DNSKEY records; none: the root's */
	size_t n_anchors;
};

/*
 * From now on questions are answered by this configuration; those that are
 * open keep the one they began with.  -1, and logged: the old one stays.
 */
int lookup_configure(const struct lookup_config *);

/*
 * One question about a name; NULL if that is impossible.  cb is called once,
 * from the event loop, unless the lookup is cancelled first; the packet is
 * valid within cb and NULL unless the status is RESOLVER_OK, NODATA or
 * NXDOMAIN.
 */
struct lookup;
typedef void (*lookup_cb)(
    enum resolver_status, bool secure, const struct packet *, void *arg);
struct lookup *
lookup_start(const char *name, uint16_t type, lookup_cb, void *arg);
void lookup_cancel(struct lookup *); /* NULL is fine */

/* ---- report.c ---------------------------------------------------------- */

void report_init(void);
void report_answer(enum resolver_status, bool secure); /* each */

/* ---- ask.c: wires to those who ask ------------------------------------ */

void peer_start(const char *role, unsigned int instance, int fd);

#endif
