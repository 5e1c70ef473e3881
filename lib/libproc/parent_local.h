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
 * Shared by the files of parent.h.
 */

#ifndef PARENT_LOCAL_H
#define PARENT_LOCAL_H

#include <sys/stat.h>

#include "parent.h"

/* What tells that a file is another one, or was written to. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

/* A certificate's files. */
struct files {
	char *pem;
	size_t len;
	uint8_t *ocsp; /* or NULL */
	size_t ocsp_len;
	struct stamp cert, key, staple;
};

/* A configuration and the files that it names. */
struct loaded {
	struct conf *conf;
	struct files chains[PARENT_CERTS_MAX];
	const struct conf_listen *listens[PARENT_LISTENS_MAX]; /* ours */
	size_t n_listens;
};

struct parent {
	const struct parent_kind *kind;
	struct proc_daemon daemon; /* with our callbacks */
	struct proc_settings settings;
	struct loaded *now;
	uint32_t generation; /* of what was read, for keys and engines */
	char *conf_path;     /* absolute */
	bool foreground;
	bool verbose;
};

/* NULL after lines on errors. */
struct loaded *
loaded_new(const struct parent_kind *, const char *path, FILE *errors);
void loaded_free(struct loaded *);
/*
 * The files of certificates as they are now; -1 after a line on errors, and
 * all stays as it is.
 */
int loaded_refresh(struct loaded *, FILE *errors);
/* Whether one of those files is another than was read. */
bool loaded_changed(const struct loaded *);
/* What a running daemon cannot change; NULL if there is none of that. */
const char *loaded_differs(const struct loaded *, const struct loaded *);

/* Opens them all and gives them to libproc.  Fatal on failure. */
void listeners_open(const struct parent *);

/*
 * Sockets that a service manager passes.  passed_init() takes note of them
 * before any other descriptor is opened, and returns the first number that
 * is free.  passed_take() returns the one of an address, or -1;
 * passed_take_both() the one of both families, by the address "::".
 * passed_end() is fatal if one is left.
 */
int passed_init(void);
bool passed_any(void);
int passed_take(const struct sockaddr *);
int passed_take_both(const struct sockaddr *);
void passed_end(void);
/* Connects to where the manager waits for manager_ready(), if it does. */
void manager_begin(void);

/* certs.c: what engines say of certificates. */
void certs_begin(struct parent *);
void certs_report(
    struct parent *, const struct proc_row *, unsigned int, struct msg *);
void certs_show(const struct parent *, struct wire *, uint32_t id);
void certs_watch(struct parent *); /* after each load */

/* The key by which addresses are hashed in logs; fatal on failure. */
void parent_log_key(const char *dir, uint8_t key[LOG_KEY_LEN]);

#endif
