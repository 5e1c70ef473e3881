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
 * One account as its vault sees it: mailboxes, messages, flags as a fold over
 * the encrypted operation log, with a local snapshot as cache.  Callers are
 * synchronous: a mutation changes the state at once and queues operations;
 * store_commit() makes them durable, and only then may anything that depends
 * on them be acknowledged.  Where a commit fails the vault must end.
 */

#ifndef STORE_H
#define STORE_H

#include "store_blob.h"

#define STORE_NAME_MAX 1000   /* octets of a mailbox name */
#define STORE_BOXES_MAX 10000 /* mailboxes, and subscriptions */
#define STORE_KEYWORD_MAX 100 /* octets of a keyword */
#define STORE_KEYWORDS_MAX 56 /* of a mailbox; keyword i is flag bit 8 + i */
#define STORE_MESSAGES_MAX (1U << 24) /* of a mailbox */
#define STORE_INBOX 1                 /* the id of INBOX */
#define STORE_RANGES_MAX 4096         /* of one set */
#define STORE_DRAIN_MAX 64      /* deliveries taken in by one store_drain() */
#define STORE_BODIES_MAX 16     /* open struct store_body */
#define STORE_GRACE (7 * 86400) /* seconds a removed blob stays in trash/ */

/* Special uses (RFC 6154), as vault_wire.h has them. */
#define STORE_USE_ARCHIVE 0x01
#define STORE_USE_DRAFTS 0x02
#define STORE_USE_FLAGGED 0x04
#define STORE_USE_JUNK 0x08
#define STORE_USE_SENT 0x10
#define STORE_USE_TRASH 0x20
#define STORE_USE_ALL 0x40

#define STORE_SEEN 0x01ULL
#define STORE_DELETED 0x08ULL

struct store;

/* A mailbox.  Read-only for callers; valid until it is removed. */
struct store_box {
	uint64_t id;      /* never reused: the raw MAILBOXID */
	const char *name; /* octets without NUL, NUL-terminated */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t messages;
	uint32_t unseen;
	uint32_t deleted; /* messages with \Deleted */
	uint64_t size;    /* sum of the messages' sizes */
	uint64_t modseq;  /* highest */
	uint16_t use;
	uint16_t nkeywords;
	char *const *keywords; /* in bit order */
};

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

enum store_change { STORE_NEW, STORE_FLAGS, STORE_EXPUNGED, STORE_BOXGONE };
/*
 * Called within the mutation for each message changed.  pos: its 0-based place
 * in the column; the messages of one expunge are told from the highest down,
 * while the column still holds them, so that each pos stands when those before
 * it are gone.  STORE_BOXGONE: uid and pos are 0, the box is about to go.
 */
typedef void (*store_notify)(
    void *arg, uint64_t box, enum store_change, uint32_t uid, uint32_t pos);

/*
 * Opening.  base: the directory of head/ and accounts/; acct: the account's
 * (both are duplicated).  ring: as libseal opened it; used until the close.
 * Takes the lock, replays, makes the first boxes of a new account.
 */
struct seal_ring;
enum store_result
store_open(int base, int acct, const struct seal_ring *, struct store **);
/* Commits, writes snapshot, quota and head, unlocks, frees.  NULL ok. */
enum store_result store_close(struct store *);
/* The same without writing anything: after a failed commit. */
void store_abandon(struct store *);
void store_set_notify(struct store *, store_notify, void *arg);
/* NULL, or why the account is read-only: one line for the log. */
const char *store_damage(const struct store *);
/* Makes everything queued durable.  Nothing queued costs nothing. */
enum store_result store_commit(struct store *);
bool store_pending(const struct store *); /* is there something to commit? */
/*
 * Work for idle moments, a bounded piece a call: snapshot where the log grew,
 * checkpoint, garbage to trash/, trash past its grace away, unused columns out
 * of memory, quota file.  *more: call again soon.
 */
enum store_result store_idle(struct store *, bool *more);

/* Boxes.  In order of id; NULL at the end, NULL to begin. */
const struct store_box *
store_box_next(struct store *, const struct store_box *);
const struct store_box *store_box_find(struct store *, uint64_t id);
const struct store_box *store_box_named(struct store *, const char *name);
/* use 0 for none; id of the new box to *id if not NULL. */
enum store_result
store_mkbox(struct store *, const char *name, uint16_t use, uint64_t *id);
/* n renames at once, all or none.  STORE_EXISTS, STORE_UNKNOWN, ... */
struct store_rename {
	uint64_t box;
	const char *name;
};
enum store_result
store_mvbox(struct store *, const struct store_rename *, size_t n);
/* With all its messages.  Not INBOX (STORE_BADNAME). */
enum store_result store_rmbox(struct store *, uint64_t box);
enum store_result store_set_use(struct store *, uint64_t box, uint16_t use);
/* Any name, whether a box has it or not. */
enum store_result store_subscribe(struct store *, const char *name, bool on);
bool store_subscribed(struct store *, const char *name);
const char *store_sub_next(struct store *, const char *); /* sorted; NULL.. */

/*
 * Columns.  store_use() loads the box's column and keeps it until as many
 * store_unuse(); other calls load as they need, store_idle() unloads.
 * store_msgs(): the column, sorted by UID, valid until the next call that
 * changes the box; NULL with *n 0 if empty or unreadable (errno).
 */
enum store_result store_use(struct store *, uint64_t box);
void store_unuse(struct store *, uint64_t box);
const struct store_msg *store_msgs(struct store *, uint64_t box, size_t *n);
/* The message, or NULL; *pos (if not NULL): its place or where it would be. */
const struct store_msg *
store_msg_find(struct store *, uint64_t box, uint32_t uid, size_t *pos);

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
 * Copies or moves to another (copy: also the same) box.  For each message, in
 * order, cb gets the old and the new UID.  A message is moved whole or not.
 */
enum store_result store_copy(struct store *, uint64_t box,
    const struct store_range *, size_t n, uint64_t to, bool move,
    void (*cb)(void *arg, uint32_t uid, uint32_t newuid), void *arg);

/*
 * APPEND: write a blob in blob/ (sealed to the account's own key), then place
 * it.  store_append_create() checks the quota with size, if known.
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
enum store_result store_place(struct store *, struct store_blob *,
    const struct store_place *, uint32_t *uid);

/*
 * Takes deliveries in: at most STORE_DRAIN_MAX, placed (INBOX, or the box that
 * the hint names), committed, renamed into blob/.  placed: how many; more:
 * others wait; bad: files that do not open and were moved to in/.bad/.
 */
struct store_drained {
	unsigned int placed;
	unsigned int bad;
	bool more;
};
enum store_result store_drain(struct store *, struct store_drained *);

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

/* Octets of all blobs that are in use. */
uint64_t store_live_bytes(const struct store *);

#endif
