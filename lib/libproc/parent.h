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
 * What the parents of all daemons do alike: options, the configuration and its
 * reload, listeners, certificates and keys, directories.  A daemon adds its
 * tables and says what each role is sent.  Needs libconf; no role links it.
 */

#ifndef PARENT_H
#define PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf.h"
#include "log.h"
#include "procs.h"
#include "site.h"

#define PARENT_LISTENS_MAX 64
#define PARENT_CERTS_MAX SITE_CERTS_MAX
#define PARENT_CHAIN_MAX SITE_CHAIN_MAX
#define PARENT_KEY_MAX 32768 /* octets of a private key */

struct parent;

struct parent_kind {
	const struct proc_daemon *daemon; /* config, reload: NULL, see below */
	/*
	 * The role that takes connections.  A daemon without one has no
	 * listeners, reads nothing but the configuration, and keeps nothing in
	 * the base directory.
	 */
	const char *engine;
	bool (*is_ours)(enum conf_proto); /* listeners that this daemon opens */
	/* Of them: other daemons are told who comes there; NULL: of none. */
	bool (*tells)(enum conf_proto);
	/* As proc_daemon's, with the parent to ask for what to send. */
	void (*config)(struct wire *, const struct proc_row *,
	    unsigned int instance, const struct parent *);
	/* What is to be made before the sandbox; NULL: nothing. */
	void (*prepare)(const struct conf *, const struct proc_settings *);
	/*
	 * Whether config can send what a reload has read: -1 after a line on
	 * errors, and all stays as it was.  NULL: it can.
	 */
	int (*usable)(const struct conf *, FILE *errors);
};

/* main() of a daemon; returns its exit status. */
int parent_main(int argc, char *argv[], const struct parent_kind *);

const struct conf *parent_conf(const struct parent *);
/* Our listeners, by the index that connections bear. */
size_t parent_n_listens(const struct parent *);
const struct conf_listen *parent_listen(const struct parent *, size_t);
/* Bit i: the listener serves conf->certs[i]. */
uint64_t parent_listen_certs(const struct parent *, size_t);
/* What all engines are told; into an empty one. */
void parent_site(const struct parent *, struct site *);
/* Reads the private keys and sends each to sealkeys; none stays here. */
void parent_send_keys(const struct parent *, struct wire *);

/*
 * The key of hashed addresses in logs, for a tool: -1 with errno where it is
 * not there or not to be read.
 */
int parent_log_key_read(const char *dir, uint8_t key[LOG_KEY_LEN]);

#endif
