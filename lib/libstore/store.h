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
#include "store_message.h"

#define STORE_NAME_MAX 1000   /* octets of a mailbox name */
#define STORE_BOXES_MAX 10000 /* mailboxes, and subscriptions */
#define STORE_RENAMES_MAX 500 /* boxes of one store_mvbox() */
#define STORE_KEYWORD_MAX 100 /* octets of a keyword */
/* Of a mailbox; keyword i is flag bit 8 + i.  Half of them for each host. */
#define STORE_KEYWORDS_MAX 56
#define STORE_INBOX 1           /* the id of INBOX */
#define STORE_GRACE (7 * 86400) /* seconds a removed blob stays in trash/ */

/* Special uses (RFC 6154), as vault_wire.h has them. */
#define STORE_USE_ARCHIVE 0x01
#define STORE_USE_DRAFTS 0x02
#define STORE_USE_FLAGGED 0x04
#define STORE_USE_JUNK 0x08
#define STORE_USE_SENT 0x10
#define STORE_USE_TRASH 0x20
#define STORE_USE_ALL 0x40

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
	uint16_t keywords_rev; /* changes with the names */
	char *const *keywords; /* by bit; NULL: there is none of that bit */
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
/* The same as host 0 or 1 of a pair. */
enum store_result store_open_host(int base, int acct, const struct seal_ring *,
    unsigned int host, struct store **);
/* From now on this ring, which has all keys of the one before and more. */
void store_set_ring(struct store *, const struct seal_ring *);
/* Wipes what the next appended messages would share; within a second. */
void store_forget(struct store *);
/* Commits, writes snapshot, quota and head, unlocks, frees.  NULL ok. */
enum store_result store_close(struct store *);
/* The same without writing anything: after a failed commit. */
void store_abandon(struct store *);
void store_set_notify(struct store *, store_notify, void *arg);
/* When it was opened, its files were older than they once had been. */
bool store_put_back(const struct store *);
/* NULL, or why the account is read-only: one line for the log. */
const char *store_damage(const struct store *);
/* Makes everything queued durable.  Nothing queued costs nothing. */
enum store_result store_commit(struct store *);
bool store_pending(const struct store *); /* is there something to commit? */
bool store_busy(const struct store *);    /* is upkeep under way? */
/*
 * Work for idle moments, a bounded piece a call: snapshot where the log grew,
 * checkpoint, garbage to trash/, trash past its grace away, unused columns out
 * of memory, quota file.  *more: call again soon.
 */
enum store_result store_idle(struct store *, bool *more);
/* Gives up memory that can be had again; not while store_busy(). */
void store_rest(struct store *);

/*
 * Merging with the other host: its log segments (and blobs, before them) have
 * come into the account's directory.  Done when the account is opened, and by
 * store_merge() where it is open: commits, folds again, tells what changed of
 * what was there (not of new boxes), and, where this host holds the lease,
 * places again what came late.  Pointers to boxes that remain stay valid.
 */
struct store_merged {
	bool news;          /* there was something to merge */
	unsigned int added; /* messages that are new in their boxes */
	unsigned int gone;
	unsigned int flagged;
	unsigned int again;  /* that this host placed again */
	unsigned int hidden; /* that wait for the other host to do so */
};
enum store_result store_merge(struct store *, struct store_merged *);
/*
 * Has something come that store_merge() would take?  A look at names and times
 * alone, unless those changed: to be asked every few seconds.
 */
bool store_news(struct store *);
bool store_paired(const struct store *); /* does another host write here? */
/*
 * The lease: its holder merges, the other host does not.  Host 0 has it at
 * first.  Taken with the other's consent, or without: then 64 UIDs are left
 * out in each box, so that what the other wrote last is all that moves.
 */
bool store_lease(const struct store *); /* is it ours? */
enum store_result store_lease_take(struct store *, bool consent);
/*
 * Says that the other host may write: from now on neither a checkpoint nor
 * the removal of a blob goes before it has seen what they rest upon.  A host
 * whose copy of the log does not have that opens the account read-only.
 */
enum store_result store_pair(struct store *);

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
 * Annotations (RFC 5464) of a box, or of the account: box 0.  A name is text,
 * a value any octets; to set one without a value is to remove it.
 */
#define STORE_META_NAME_MAX 256          /* octets of a name */
#define STORE_META_VALUE_MAX (16 * 1024) /* octets of a value */
#define STORE_META_ENTRIES_MAX 100       /* of a box, or the account */
#define STORE_META_TOTAL_MAX (4 << 20)   /* octets of all there are */
#define STORE_META_SET_MAX (128 * 1024)  /* octets that are set at once */
struct store_meta {
	const char *name;
	const uint8_t *value; /* NULL: none */
	size_t len;
};
/* Sorted by name; NULL at the end; valid until they change. */
const struct store_meta *store_meta_at(struct store *, uint64_t box, size_t i);
/* All or none; STORE_LIMIT: too many.  What is not there may be removed. */
enum store_result store_meta_set(
    struct store *, uint64_t box, const struct store_meta *, size_t n);

/*
 * Days that messages stay in Trash and in Spam, 0: for ever.  Until it is told
 * nothing expires; store_idle() then expunges and signs ahead what is due.
 */
void store_set_expiry(struct store *, uint32_t trash_days, uint32_t spam_days);

/*
 * What was expunged within STORE_GRACE, or waits as a mass delete: the newest
 * first; free the list.  store_deleted_look() opens one: its date, size, codec
 * and summary, valid until the next; STORE_UNKNOWN: it does not open.
 */
#define STORE_DELETED_MAX 1000
struct store_deleted {
	uint8_t blob[STORE_ID];
	int64_t when; /* it was deleted, seconds */
	int64_t held; /* a mass delete: until then it does not begin; or 0 */
	uint64_t box; /* where it was, before Trash and Spam; 0: unknown */
	int64_t date; /* internal date */
	uint64_t size;
	uint8_t codec;
};
enum store_result
store_deleted_list(struct store *, struct store_deleted **, size_t *n);
enum store_result store_deleted_look(struct store *, struct store_deleted *,
    struct store_chunk *, size_t *n); /* STORE_SUMMARY_CHUNKS */
/* Into that box, with its date; STORE_OVERQUOTA, ...  Commit after it. */
enum store_result store_undelete(
    struct store *, const uint8_t *blob, uint64_t box, uint32_t *uid);
/* Mass deletes signed so far need not wait any longer; how many did. */
enum store_result store_deleted_confirm(struct store *, uint32_t *n);
/*
 * What is in trash/ goes at once, and cannot be brought back; how many, where
 * STORE_PURGE_MAX means: there may be more.
 */
#define STORE_PURGE_MAX 1000
enum store_result store_deleted_purge(struct store *, uint32_t *n);

/* Octets of all blobs that are in use. */
uint64_t store_live_bytes(const struct store *);
/* The same with what waits in in/, and the limits. */
enum store_result
store_quota(struct store *, struct store_used *, struct store_limits *);
/* STORE_OVERQUOTA: there may not be so many more messages. */
enum store_result store_more_messages(struct store *, uint64_t n);
/* See store_blob.h; durable when it returns. */
enum store_result store_settings(struct store *, struct store_settings *);
enum store_result
store_settings_set(struct store *, const struct store_settings *);
/*
 * Octets of the blobs that an expunge of what has \Deleted would let go.  Past
 * STORE_RECLAIM_MAX messages, or where the column cannot be read, the sum of
 * their sizes, or of what is known of it (RFC 9208 section 4.1.4).
 */
#define STORE_RECLAIM_MAX 4096
uint64_t store_reclaimable(struct store *, uint64_t box);

#endif
