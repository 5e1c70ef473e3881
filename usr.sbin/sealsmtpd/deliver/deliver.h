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
 * What the files of smtp-deliver share.
 */

#ifndef DELIVER_H
#define DELIVER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "store_blob.h"

#include "../deliver_wire.h"

#define RECIPIENTS_MAX 1024     /* accounts kept open, each with a descriptor */
#define SYNC_MAX 1024           /* blobs made durable by one sync */
#define ENGINES_MAX 64          /* wires of engines */
#define UNCOUNTED_MAX (1 << 20) /* octets: no second look at a quota */

struct engine;
struct msg;
struct recipient;

/* One account that a message goes to. */
struct target {
	struct recipient *rcpt; /* NULL: result says why */
	struct store_blob *blob;
	char *account;
	char *to;
	char *hint;
	bool own; /* the account's user has sent it */
	enum deliver_result result;
};

enum delivery_state {
	DELIVERY_HEAD,    /* targets may come */
	DELIVERY_BODY,    /* chunks of the body */
	DELIVERY_SUMMARY, /* chunks of the summary */
	DELIVERY_SYNC,    /* committed, waiting for the disk */
};

/* One message on its way. */
struct delivery {
	RB_ENTRY(delivery) entry;
	TAILQ_ENTRY(delivery) waiting;
	struct engine *engine;
	uint32_t id;
	enum delivery_state state;
	uint8_t codec;
	bool suspect; /* see DELIVER_SUSPECT */
	bool later;   /* see DELIVER_LATER: it has not come yet */
	uint8_t delivery_id[STORE_ID];
	int64_t date;
	uint64_t plain; /* octets of the body so far */
	char *from;
	struct target *targets;
	size_t ntargets;
	size_t targets_size;
};
RB_HEAD(delivery_tree, delivery);
/* Those of a wire that have no answer yet. */
struct deliveries {
	struct delivery_tree tree;
	size_t n, targets;
};
TAILQ_HEAD(delivery_list, delivery);
int delivery_compare(const struct delivery *, const struct delivery *);
RB_PROTOTYPE(delivery_tree, delivery, entry, delivery_compare)

/* wire.c: the engines. */
void engine_start(unsigned int instance, int fd);
void engine_answer(struct delivery *);

/* delivery.c */
void delivery_init(int basefd);
enum deliver_result delivery_result(enum store_result, const char *account);
struct delivery *delivery_find(struct deliveries *, uint32_t id);
/* Reads a PUT's records; -1: the engine breaks the rules.  May free *d. */
int delivery_put(struct engine *, struct deliveries *, struct msg *);
void delivery_free(struct deliveries *, struct delivery *);

/* sync.c */
void sync_init(int basefd);
void sync_add(struct delivery *);
void sync_remove(struct delivery *);
size_t sync_waiting(void);

/* recipient.c: accounts kept open. */
void recipient_init(int basefd);
/* Octets and inodes to leave free on the file system. */
void recipient_reserve(uint64_t bytes, uint64_t inodes);
enum store_result recipient_get(const char *account, struct recipient **);
void recipient_put(struct recipient *); /* NULL ok */
enum store_result recipient_check(struct recipient *, uint64_t size);
bool recipient_plenty(const struct recipient *); /* far from its quota */
void recipient_took(struct recipient *, uint64_t size);
/* Before a message is sealed: what it leaves behind is wiped in a second. */
void recipients_seal(void);
struct store_rcpt *recipient_store(struct recipient *);
/* The first time in this sync that mail for it became durable? */
bool recipient_news(struct recipient *, uint64_t sync);

/* report.c: what sealctl(8) is told. */
enum count {
	COUNT_RESULT, /* and the results of deliver_wire.h */
	COUNT_BYTES = COUNT_RESULT + DELIVER_TROUBLE + 1,
	COUNT_SYNCS,
	COUNT_SYNCED,
	COUNT_WAITING,
	COUNT_ANNOUNCED,
	COUNTS
};
void report_init(void);
void report_add(unsigned int count, uint64_t);

/* notify.c: imap-store. */
void notify_start(int fd);
void notify_mail(const char *account);

#endif
