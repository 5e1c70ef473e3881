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
 * What the files of smtp-queue share: the messages that wait, to whom, and when
 * each is due.  Times are seconds since 1970.
 */

#ifndef QUEUE_H
#define QUEUE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "spool.h"

#include "../queue_config.h"
#include "../queue_wire.h"

#define DESTS_MAX 200000      /* destinations that something is known of */
#define DESTS_IDLE_MAX 100000 /* ... and that no mail waits for */
#define MESSAGES_MAX 1000000  /* in the queue */

/* What is to become of a recipient. */
enum rcpt_state {
	RCPT_WAIT = 1,    /* to be relayed */
	RCPT_FAILED = 2,  /* a report is due */
	RCPT_RELAYED = 3, /* likewise: success, and it was asked for */
	RCPT_DONE = 4,
	RCPT_DELIVERED = 5 /* as 3: it had the message before it came here */
};

/* The last word on a recipient; kept only where there is one. */
struct verdict {
	int64_t when;
	uint16_t code;
	char *status;
	char *host;
	char *text;
};

struct rcpt {
	char *address;
	char *orcpt;       /* NULL: none */
	struct work *work; /* NULL: not RCPT_WAIT */
	struct verdict *verdict;
	uint16_t attempts;
	uint8_t notify;
	uint8_t state;
	bool warned;    /* of the delay */
	bool warning;   /* a report of the delay is due */
	uint8_t unsure; /* times that nobody said whether it was taken */
};
#define UNSURE_MAX 16 /* that are counted */

/* The recipients of a message at one destination: they go together. */
struct work {
	RB_ENTRY(work) entry;  /* of the destination, by due time */
	LIST_ENTRY(work) list; /* of the message */
	struct message *message;
	struct dest *dest;
	int64_t next;
	uint64_t seq;  /* between equals: who came first */
	uint16_t left; /* recipients that wait */
	bool waits;    /* in its destination's tree */
	bool active;   /* with a relay */
	bool held;     /* by an administrator */
};

RB_HEAD(work_tree, work);
RB_HEAD(message_tree, message);
RB_HEAD(dest_tree, dest);
RB_HEAD(due_tree, dest);
LIST_HEAD(work_list, work);

struct message {
	RB_ENTRY(message) entry;
	TAILQ_ENTRY(message) order; /* by arrival here */
	uint8_t id[QUEUE_ID_LEN];
	char *sender;
	char *login; /* NULL: none */
	char *envid; /* NULL: none */
	char *trace;
	struct spool_sizes sizes;
	int64_t arrival;
	int64_t expiry;
	struct rcpt *rcpts;
	struct work_list works;
	struct report *report; /* under way or due, or NULL */
	uint16_t n;
	uint16_t known; /* recipients that were added; all, once it is in */
	uint16_t room;  /* ... that there is memory for */
	uint16_t left;  /* ... not RCPT_DONE */
	uint8_t flags;
	uint8_t codec;
	uint8_t ret;
	bool queued; /* it can be found */
	bool dumped; /* the compaction under way has written it */
};

struct dest {
	RB_ENTRY(dest) entry;   /* by name */
	RB_ENTRY(dest) due;     /* by when the first of its work may go */
	TAILQ_ENTRY(dest) idle; /* no mail waits for it */
	char *name;
	struct work_tree works;
	int64_t due_at; /* as it stands in the tree */
	uint64_t turn;  /* between equals: whose turn was longest ago */
	int64_t next;   /* not before: it could not be reached */
	uint8_t *memory;
	struct verdict *verdict; /* why it could not be reached, or NULL */
	uint16_t memory_len;
	uint16_t active;   /* jobs with relays */
	uint16_t failures; /* in a row */
	uint32_t nworks;
	bool in_due;
	bool held;
	uint8_t idles; /* enum idles */
};

/* Where a destination stands that no mail waits for. */
enum idles {
	IDLES_NOT = 0, /* some does, or it is held */
	IDLES_KNOWN,   /* a relay remembers it */
	IDLES_FAILING  /* it could not be reached, a while ago */
};

TAILQ_HEAD(message_list, message);

/* ---- state.c: what is in the queue, in memory ------------------------- */

/*
 * In no queue yet: message_add() comes n times, then message_insert(), then
 * message_start().
 */
struct message *message_new(const uint8_t id[QUEUE_ID_LEN], uint16_t n);
/* In place of one of that id, if there is one. */
void message_insert(struct message *);
struct message *message_find(const uint8_t id[QUEUE_ID_LEN]);
/* false: too many destinations.  Strings are copied. */
bool message_add(struct message *, const char *address, const char *dest,
    const char *orcpt, uint8_t notify);
/* One who has the message; its sender is to be told. */
void message_told(struct message *, const char *address, const char *orcpt);
void message_start(struct message *); /* its recipients wait from now on */
void message_free(struct message *);  /* of memory only; NULL is fine */
size_t message_count(void);
/* The first after this id, in the order of ids. */
struct message *message_after(const uint8_t id[QUEUE_ID_LEN]);
size_t dest_count(void);
struct message_list *messages(void); /* by arrival here */

struct dest *dest_find(const char *name);
/* Makes it, and forgets others that nobody waits for; NULL: too many. */
struct dest *dest_get(const char *name);
void dest_each(void (*)(struct dest *, void *), void *);
void dest_remember(struct dest *, const uint8_t *, size_t);
/* No mail may wait for it any more: frees it if there is nothing to know. */
void dest_prune(struct dest *);

/* Replaces what was known of the recipient; NULL strings are empty. */
void rcpt_verdict(struct rcpt *, int64_t when, uint16_t code,
    const char *status, const char *host, const char *text);
/* The same of all that waits for a destination; forgotten at the end. */
void dest_verdict(struct dest *, int64_t when, const char *status,
    const char *host, const char *text);
/* The latest of both; empty where there is none. */
const struct verdict *rcpt_last(const struct rcpt *);
void rcpt_clear(struct rcpt *); /* frees what it holds */
/* RCPT_WAIT no longer: its work loses it. */
void rcpt_settle(struct message *, struct rcpt *, enum rcpt_state);

/* ---- record.c: the same in the journal -------------------------------- */

/* Reads the journal and cleans the spool; fatal where that cannot be. */
void record_open(int dirfd, const uint8_t key[QUEUE_KEY_LEN]);

/*
 * What has changed.  Changes are kept until record_changes() has written them;
 * nothing is durable before a sync.
 */
void note_rcpt(const struct message *, uint16_t index);
void note_gone(const uint8_t id[QUEUE_ID_LEN]);
void note_dest(const struct dest *);
void note_hold(void); /* of everything */
struct tally;
void note_tally(const struct tally *);
struct origins_row;
void note_origin(const struct origins_row *);
bool record_pending(void);
int record_changes(void); /* -1 with errno: they are kept */
/* A new message; -1 with errno: it is not there. */
int record_enter(const struct message *);

/* Compaction, a slice at a time, where it is due; true: there is more. */
bool record_compact(void);

/* ---- sched.c: when what is due ---------------------------------------- */

void work_due(struct work *, int64_t next); /* it waits, from now on */
void work_take(struct work *);              /* out of the trees */
void work_free(struct work *);
void work_hold(struct work *, bool);
/* Work that may go now, or NULL; it is taken. */
struct work *sched_next(int64_t now);
/* When to look again; -1: not before something changes. */
int64_t sched_wake(void);
void dest_hold(struct dest *, bool);
void sched_hold(bool); /* everything */
bool sched_held(void);
/* Of a recipient that was deferred so many times. */
int64_t sched_backoff(unsigned int attempts);
void dest_unreachable(struct dest *, int64_t now, uint32_t seconds);
void dest_reached(struct dest *);
void sched_work_done(struct work *); /* a relay has no more to do with it */

#endif
