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

/* What the sources that look at an account without keys share. */

#ifndef STORE_KEYLESS_H
#define STORE_KEYLESS_H

#include "store_local.h"
#include "store_verify.h"

#define SEGMENT_MAX (8 * 1024 * 1024) /* octets of a segment that is read */
#define SEGMENTS_MAX 65536            /* names in log/ */

/* Marks of sealctl in an account's directory; store_mark.c. */
#define RESTORED_MARK "restored" /* a copy from a backup was put here */
#define REBUILD_MARK "rebuild"   /* look for messages that no log names */

/* One file of log/, as its name says, in order of writer and number. */
struct segment_name {
	uint8_t writer[WRITER_LEN];
	uint32_t seg;
};
/* Allocates *list; -1 with errno. */
int segment_list(int logfd, struct segment_name **list, size_t *n);
void segment_print(const struct segment_name *, char *name, size_t size);

enum segment_state {
	SEGMENT_GOOD,    /* frames, then zeros */
	SEGMENT_TORN,    /* frames, then octets that are no whole frame */
	SEGMENT_DAMAGED, /* a whole frame lies behind what is none */
	SEGMENT_FOREIGN, /* the header does not verify */
	SEGMENT_LARGE,
	SEGMENT_IO /* errno; ENOENT: gone since it was listed */
};
struct segment {
	enum segment_state state;
	uint8_t *data; /* its octets; free it */
	size_t len;
	size_t end; /* of the last good frame */
	bool begins_checkpoint;
	bool ends_checkpoint;
	uint64_t first_seq;
	uint64_t last_seq;
	uint8_t chain[SEAL_CHAIN_LEN]; /* before its first frame */
	uint8_t tag[SEAL_CHAIN_LEN];   /* of its last frame, else chain */
};
/* account: id, or NULL if it is not known. */
void segment_read(int logfd, const struct segment_name *,
    const uint8_t *account, struct segment *);

/*
 * One pass over a log directory: each segment and how they follow.  tell gets
 * what is wrong.  1: it changed meanwhile, and nothing told can be relied on;
 * 0; -1 with errno.
 */
int log_check(int logfd, const uint8_t *account,
    void (*tell)(void *, const char *file, const char *what), void *arg,
    uint64_t *files, uint64_t *octets);

/* The state of a blob's file, keyless. */
enum blob_state {
	BLOB_GOOD,
	BLOB_UNFINISHED, /* neither trailer nor checksum: it does not exist */
	BLOB_BAD,        /* it was finished, and is not as it was */
	BLOB_OTHER,      /* whole, but bears another name */
	BLOB_IO
};
/* Reads all of it; step is called as octets are read, unless NULL. */
enum blob_state blob_check(int fd, uint64_t size, const uint8_t *id,
    void (*step)(void *, uint64_t octets), void *arg);
/* "<32 hex>" as an id; -1. */
int blob_name_id(const char *name, uint8_t id[STORE_ID]);

#endif
