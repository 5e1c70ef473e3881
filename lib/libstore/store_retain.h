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

/* What a vault knows of deletes: the signed lists, and what it owes them. */

#ifndef STORE_RETAIN_H
#define STORE_RETAIN_H

#include "store_del.h"
#include "store_local.h"

#define BRAKE_HOUR 3600
#define BRAKE_MAX 1000 /* deletes of an hour that nothing stops */
#define BRAKE_MIN 50   /* so few are never a mass */
#define BRAKE_PART 5   /* one in so many of the account is */
#define BRAKE_WAIT (7 * 86400)
#define DAY 86400

struct retain {
	struct del_list list;
	struct del_entry *cancel; /* to be signed before the next frame */
	size_t ncancel;
	size_t cancel_size;
	bool executed;  /* what was due when the account was opened */
	bool executing; /* up to here */
	uint8_t executed_to[STORE_ID];
	bool unsure; /* entries of kind HOLD are to be decided */
	bool marked; /* opened after a restore or rebuild */
	bool spare;  /* there is a file for a list on a full disk */
	bool configured;
	bool scanned; /* Trash and Spam, since opened or changed */
	uint64_t scan_box;
	uint32_t scan_uid;
	int64_t scan_at; /* when the last scan began */
	uint32_t trash_days;
	uint32_t spam_days;
};

/* store_sign.c */
/* marked: the files come from a backup, or the log is not what it was. */
int retain_open(struct store *, bool marked);
void retain_free(struct store *);
/* store_gc.c: something may be due that was not. */
void retain_again(struct retain *);
/* Signs entries, n at most DEL_BATCH: kind, flags, when are given. */
int retain_sign(struct store *, struct del_entry *, size_t n);
/*
 * A file that becomes a list where the disk is full.  Without it nothing is
 * placed, for what that cancels must be signed.
 */
enum store_result retain_spare(struct store *);
/* One list in the place of all. */
int retain_compact(struct store *);
bool retain_compact_due(const struct store *);
/* A message that refers to the blob is being placed (box NULL: or stays). */
void retain_placed(struct store *, const struct box *, const uint8_t *blob);
bool retain_is_bin(const struct box *); /* Trash or Spam */
/* A box is about to have another use: what it signed does not hold. */
int retain_use(struct store *, struct box *);
/* Before a frame is written: what it saves must not be deleted. */
int retain_before_log(struct store *);
/* Entries of kind HOLD: is the blob in use? */
enum store_result retain_decide(struct store *);

/* store_gc.c */
void garbage_drop(struct store *, const uint8_t *blob);
/* Is the file in blob/? */
bool blob_there(struct store *, const uint8_t *blob);

/* store_expire.c: a piece of the scan; *more as in store_idle(). */
enum store_result expire_step(struct store *, bool *more);

#endif
