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

/* What backup and restore share. */

#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <dirent.h>

#include "store_backup.h"
#include "store_keyless.h"

struct copy_to {
	struct store_transfer *t;
	int dir;
	bool sync_each; /* there is no syncfs(2) */
	bool own;       /* give files to uid and gid */
	uid_t uid;
	gid_t gid;
};

enum copy_result {
	COPY_DONE,
	COPY_GONE,    /* it is no longer there */
	COPY_NOTHING, /* unfinished: no message */
	COPY_BAD,     /* it does not verify */
	COPY_FAILED   /* it could not be written, errno says why */
};

void copy_failed(struct store_transfer *, const char *file, const char *why);
void copy_step(struct store_transfer *, uint64_t octets);
DIR *copy_opendir(int dirfd, const char *name);
/* It may exist already. */
int copy_mkdir(int dirfd, const char *name, mode_t);
bool copy_exists(int dirfd, const char *name);
/* blob/<two digits>. */
bool copy_fan(const char *name);
/* By size and trailer: messages do not change. */
bool copy_same_message(int a, const char *aname, int b, const char *bname);
/* A new file of size octets, from data or else from the descriptor in. */
int copy_put(struct copy_to *, const char *name, mode_t, int in,
    const void *data, uint64_t size);
/* A message that verifies, to a new file. */
enum copy_result copy_message(struct copy_to *, int from, const char *name,
    const char *to, const uint8_t *id);

/*
 * del/ as it is, with whatever was there removed.  1: it changed meanwhile;
 * what is there now may lack something.
 */
int copy_deletes(struct copy_to *, int from, const struct seal_account *);

#endif
