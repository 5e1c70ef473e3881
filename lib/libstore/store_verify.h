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
 * What can be told of an account's files without any key: whether each bears
 * its name, is whole, and belongs where it lies.  Nothing here opens, derives
 * or writes; a vault and deliverers may work beside it: what changes while it
 * is looked at is looked at again.
 */

#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "store_blob.h"

/* A checker, with what it has seen so far. */
struct store_check {
	/* Something is wrong with a file: what, and what to do. */
	void (*found)(
	    void *arg, const char *file, const char *what, const char *advice);
	/* Octets were read; NULL if nobody asks. */
	void (*progress)(void *arg, uint64_t octets);
	void *arg;
	uint64_t files;    /* looked at */
	uint64_t octets;   /* of them */
	uint64_t findings; /* calls of found */
};
/*
 * The files of one account.  STORE_IO: its directory could not be read.
 * Memory: one segment of the log (8 MiB at most) and the names of the log.
 */
enum store_result store_verify(int acctfd, struct store_check *);
/* Adds the files that store_verify() will read and their octets. */
void store_measure(int acctfd, uint64_t *files, uint64_t *octets);

#endif
