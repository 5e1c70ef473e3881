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
 * Messages of the queue as files: msg/<id>, each sealed under a key of its own
 * that only the queue key gives.  sealstore(5) has the layout.
 */

#ifndef SPOOL_H
#define SPOOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../queue_wire.h"

#define SPOOL_KEY_LEN 32

struct spool_chunk {
	uint8_t kind;  /* 0 head, 1 body */
	uint8_t flags; /* 1: compressed */
	uint32_t plain;
	const uint8_t *data;
	size_t len;
};

/* What the journal keeps of a message's file. */
struct spool_sizes {
	uint64_t file;     /* octets in all */
	uint64_t head_off; /* where the head's chunks begin */
	uint64_t body;     /* plain octets */
	uint32_t head;     /* plain octets */
};

/* dirfd: the queue's directory; the key is copied. */
void spool_init(int dirfd, const uint8_t key[SPOOL_KEY_LEN]);

/*
 * Writing.  Functions return 0, or -1 with errno; a file that is not kept is
 * unlinked when it is freed.
 */
struct spool_out;
struct spool_out *spool_create(uint8_t id[QUEUE_ID_LEN]); /* NULL: errno */
int spool_put(struct spool_out *, const struct spool_chunk *);
/* No more chunks; sizes are known. */
int spool_end(struct spool_out *, struct spool_sizes *);
/* Where the system cannot sync a whole file system at once. */
int spool_sync(struct spool_out *);
void spool_keep(struct spool_out *);
void spool_free(struct spool_out *); /* NULL is fine */

/*
 * Reading: the head's chunks first, then the body's.  1 and a chunk, whose data
 * stay until the next call; 0 at the end; -1 with errno: EBADMSG where the file
 * is not what was written.
 */
struct spool_in;
struct spool_in *
spool_open(const uint8_t id[QUEUE_ID_LEN], const struct spool_sizes *);
int spool_get(struct spool_in *, struct spool_chunk *);
void spool_close(struct spool_in *); /* NULL is fine */

int spool_unlink(const uint8_t id[QUEUE_ID_LEN]);
/*
 * This message has left, durably: its file is for the next one.  false: there
 * are enough of them.
 */
bool spool_spare(const uint8_t id[QUEUE_ID_LEN]);
bool spool_spare_unlink(void); /* one; false: there is none */
/* Is there room for so many octets, leaving this much free? */
bool spool_room(uint64_t octets, uint64_t free_bytes, uint64_t free_inodes);
/*
 * Unlinks files whose ids known() does not know.  Returns how many, or -1 with
 * errno.
 */
int spool_clean(bool (*known)(const uint8_t id[QUEUE_ID_LEN]));

#endif
