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
 * Messages of an opened account (store.h): columns, summaries, flags, copying,
 * expunging, appending, draining, and reading bodies.
 */

#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include "store_blob.h"

#define STORE_MESSAGES_MAX (1U << 24) /* of a mailbox */
#define STORE_RANGES_MAX 4096         /* of one set */
#define STORE_DRAIN_MAX 64   /* deliveries taken in by one store_drain() */
#define STORE_BODIES_MAX 128 /* open struct store_body */

#define STORE_SEEN 0x01ULL
#define STORE_DELETED 0x08ULL

struct store;

/* A message in a box's column. */
struct store_msg {
	uint32_t uid;
	uint32_t size; /* octets of the message */
	uint64_t flags;
	uint64_t modseq;
	int64_t date : 44; /* internal date, seconds UTC */
	int64_t zone : 12; /* of date, minutes east */
	int64_t codec : 8; /* of its blob */
	uint32_t saved;    /* when it came into this box, seconds */
	uint32_t cold;     /* the store's own */
	uint64_t inst;     /* first octets of the instance id */
};

/*
 * Columns.  store_use() loads the box's column and keeps it until as many
 * store_unuse(), other calls load as they need, store_idle() unloads; and
 * store_rest() unloads those that are soon had again, whoever uses them.
 * store_msgs(): the column from place pos on, sorted by UID, as far as it lies
 * together: *n of them, then go on at pos + *n; NULL with *n 0 at the end or if
 * it is unreadable (errno).  Valid until the next call that changes the box.
 * How many there are in all is in struct store_box.
 */
enum store_result store_use(struct store *, uint64_t box);
void store_unuse(struct store *, uint64_t box);
const struct store_msg *
store_msgs(struct store *, uint64_t box, size_t pos, size_t *n);
/* The message at that place; NULL past the end. */
const struct store_msg *store_msg_at(struct store *, uint64_t box, size_t pos);
/* The place of the first without \Seen; false if there is none. */
bool store_first_unseen(struct store *, uint64_t box, size_t *pos);
/* The message, or NULL; *pos (if not NULL): its place or where it would be. */
const struct store_msg *
store_msg_find(struct store *, uint64_t box, uint32_t uid, size_t *pos);

/*
 * UIDs of messages that were taken out of the box with a MODSEQ above since,
 * ascending; free them.  *all: what was taken out so long ago is not known any
 * more, so that each UID that no message has may be one; then there is no list.
 */
enum store_result store_gone(struct store *, uint64_t box, uint64_t since,
    uint32_t **uids, size_t *n, bool *all);

struct store_cold {
	uint8_t instance[STORE_ID];
	uint8_t blob[STORE_ID];
	uint8_t emailid[STORE_ID];  /* the same for all copies */
	uint8_t threadid[STORE_ID]; /* zeros: none */
	uint64_t bytes;             /* of the blob's file */
};
enum store_result
store_cold_get(struct store *, uint64_t box, uint32_t uid, struct store_cold *);
/*
 * The summary's chunks as the engine made them, pointing into the store, valid
 * until the next call.  Neighbours in a column lie together: ask in order.
 */
enum store_result store_summary(struct store *, uint64_t box, uint32_t uid,
    struct store_chunk *, size_t *n);

/* Uids as ranges, ascending and disjoint. */
struct store_range {
	uint32_t first;
	uint32_t last;
};

/* Looks a keyword up, or (make) adds it.  Bit to *bit.  STORE_LIMIT. */
enum store_result store_keyword(
    struct store *, uint64_t box, const char *, bool make, unsigned int *bit);
/* flags = (flags & ~clear) | set, for all in the set; only what changes is
 * logged and told.  unchanged: leave out those with a higher modseq. */
enum store_result
store_flags(struct store *, uint64_t box, const struct store_range *, size_t n,
    uint64_t set, uint64_t clear, uint64_t unchanged);
/* Removes those of the set that have \Deleted, or (all) any. */
enum store_result store_expunge(struct store *, uint64_t box,
    const struct store_range *, size_t n, bool all);
/*
 * Copies or moves to another box, or the same.  For each message, in order, cb
 * gets the old and the new UID.  A message is moved whole or not; a copy of
 * many is done whole or, where it fails (cb then told too much), not.
 */
enum store_result store_copy(struct store *, uint64_t box,
    const struct store_range *, size_t n, uint64_t to, bool move,
    void (*cb)(void *arg, uint32_t uid, uint32_t newuid), void *arg);
/*
 * A copy in bounded pieces, of a set of any number of ranges; one at a time.
 * Until its last piece nobody sees any of it, and if the process ends before,
 * nobody will.  Meanwhile the caller changes nothing in the box that it goes
 * to, takes nothing out of the one that it comes from, neither drains nor
 * merges nor removes boxes; store_idle() does nothing.  Without *more it is
 * done or has failed, and is freed.  store_copy_done(): how many of *all.
 */
struct store_copying;
enum store_result
store_copy_begin(struct store *, uint64_t box, const struct store_range *,
    size_t n, uint64_t to, void (*cb)(void *arg, uint32_t uid, uint32_t newuid),
    void *arg, struct store_copying **);
enum store_result store_copy_step(struct store_copying *, bool *more);
enum store_result store_copy_cancel(struct store_copying *); /* and frees */
uint32_t store_copy_done(const struct store_copying *, uint32_t *all);
bool store_copies(const struct store *); /* is one under way? */

/*
 * APPEND: write a blob in blob/ (sealed to the account's own key), then place
 * it.  store_append_create() checks the quota with size, if known; else
 * store_append_fits() tells before it is placed.
 * store_place() queues its PLACE and takes the blob in any case; the commit
 * syncs all blobs that were placed since the last one, at once, before it.
 */
enum store_result store_append_create(
    struct store *, uint8_t codec, uint64_t size, struct store_blob **);
struct store_place {
	uint64_t box;
	uint64_t flags; /* of bits the box knows */
	int64_t date;   /* seconds UTC */
	int16_t zone;   /* minutes east */
	uint64_t size;  /* octets of the message */
	uint8_t threadid[STORE_ID];
};
struct store_replaced {
	uint64_t box;
	uint32_t uid;
};
enum store_result store_place(struct store *, struct store_blob *,
    const struct store_place *, uint32_t *uid);
/*
 * The same in the place of another message, whose EXPUNGE stands in the same
 * frame; its size counts for the quota.  STORE_UNKNOWN: that one is gone.
 */
enum store_result store_replace_create(struct store *, uint8_t codec,
    uint64_t size, uint64_t frees, struct store_blob **);
enum store_result
store_append_fits(struct store *, uint64_t size, uint64_t frees);
enum store_result store_replace(struct store *, struct store_blob *,
    const struct store_place *, const struct store_replaced *, uint32_t *uid);

/*
 * Takes deliveries in: at most STORE_DRAIN_MAX, placed (INBOX, or the box that
 * the hint names, if its special use is none or Junk), committed, renamed into
 * blob/.  placed: how many; more: others wait; bad: files that do not open and
 * were moved to in/.bad/.
 */
struct store_drained {
	unsigned int placed;
	unsigned int bad;
	bool more;
};
enum store_result store_drain(struct store *, struct store_drained *);
/* A look at names alone: may there be something to take in? */
bool store_mail_waits(struct store *);

/* Bodies.  At most STORE_BODIES_MAX open (STORE_LIMIT); each a descriptor. */
struct store_body;
enum store_result store_body_open(
    struct store *, uint64_t box, uint32_t uid, struct store_body **);
void store_body_close(struct store_body *); /* NULL ok */
uint32_t store_body_chunks(const struct store_body *, enum store_kind);
/* Stored and plain length, flag; data NULL.  The order is by index. */
enum store_result store_body_info(const struct store_body *, enum store_kind,
    uint32_t i, struct store_chunk *);
/*
 * Opens chunk i into buf, which has room for what store_body_info() said; what
 * does not verify is not released.
 */
enum store_result store_body_read(struct store_body *, enum store_kind,
    uint32_t i, void *buf, size_t size, struct store_chunk *);

#endif
