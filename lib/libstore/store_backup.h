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
 * Backups of accounts: plain files in an account's own layout, without what a
 * vault can make again (snap/, idx/) and without trash/.  No key is needed.
 */

#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store_blob.h"

/* What is done, and what came of it. */
struct store_transfer {
	/* A file could not be taken, and why; the others are. */
	void (*failed)(void *arg, const char *file, const char *why);
	void (*progress)(void *arg, uint64_t octets); /* NULL: nobody asks */
	void *arg;
	uint64_t copied; /* files */
	uint64_t octets; /* of them */
	uint64_t kept;   /* files that were there already */
	uint64_t failures;
};

/*
 * Brings the copy of an account in directory to up to date; a vault and
 * deliverers may be at work.  Afterwards it holds whatever was acknowledged
 * before the call.  It is good at every moment: as it was, or as it will be.
 * What the account no longer has is in the copy's trash/ for STORE_GRACE.
 * STORE_CORRUPT: the file account does not verify; STORE_EXISTS: the copy is
 * another account's; STORE_NOSPACE, STORE_IO.
 */
enum store_result store_backup(int acctfd, int to, struct store_transfer *);

/*
 * Fills an account that store_account_create() has made from such a copy, and
 * marks it as restored: its vault then writes under a new name, with numbers
 * that what was lost cannot have used.  As root, all is given to uid and gid.
 * The caller publishes it.  STORE_CORRUPT: the copy's account or keys.
 */
enum store_result store_restore(
    int from, int acctfd, uid_t uid, gid_t gid, struct store_transfer *);

#endif
