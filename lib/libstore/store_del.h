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
 * Signed deletes, del/<host>.<n>: which blobs are to go, and not before when.
 * The account's key signs the lists, so a vault writes them; to read and to
 * execute them needs no secret.
 */

#ifndef STORE_DEL_H
#define STORE_DEL_H

#include <sys/tree.h>

#include <dirent.h>

#include "seal.h"
#include "store_file.h"

#define DEL_DIR "del"
#define DEL_CONTEXT "sealmail del" /* of the signature */
#define DEL_HEADER 64
#define DEL_ENTRY 40
#define DEL_SIG 64
#define DEL_BATCH 4096     /* entries of a file that a vault adds */
#define DEL_MAX 262144     /* entries of any file */
#define DEL_FILES_MAX 4096 /* files that are read of a series */
#define DEL_FILE_MAX (DEL_HEADER + DEL_MAX * DEL_ENTRY + DEL_SIG)
#define DEL_HOSTS 2

enum del_kind {
	DEL_CANCEL = 0,  /* what was signed before does not hold */
	DEL_GARBAGE = 1, /* no message uses it */
	DEL_EXPIRE = 2,  /* all that uses it lies in Trash or Spam */
	DEL_HOLD = 3,    /* being restored: only a vault decides */
	DEL_WAITING = 4, /* not a blob: in/ may wait so many seconds (T) */
};
/* Flags. */
#define DEL_BRAKED 0x01  /* a mass delete, which may be confirmed */
#define DEL_EXPIRED 0x02 /* it lay in Trash or Spam for its time */

struct del_entry {
	RB_ENTRY(del_entry) entry;
	uint8_t blob[STORE_ID];
	uint8_t kind;
	uint8_t flags;
	int64_t when; /* not before */
	int64_t signed_at;
	uint64_t order; /* Lamport time: the highest counts */
	uint8_t host;
	bool used;   /* scratch: some message uses it */
	uint8_t was; /* scratch: its kind, where HOLD stands for it */
};
RB_HEAD(del_tree, del_entry);
RB_PROTOTYPE(del_tree, del_entry, entry, del_cmp)

/* All that is signed: the last word on each blob. */
struct del_list {
	struct del_tree tree;
	size_t n;
	uint64_t last[DEL_HOSTS];  /* n of the newest file, 0: none */
	uint64_t first[DEL_HOSTS]; /* of the oldest that counts */
	int64_t waiting;           /* seconds in in/; 0: for ever */
	uint64_t waiting_order;
	uint64_t order; /* the highest of all */
	bool bad; /* a file is missing or does not verify: execute nothing */
};

void del_init(struct del_list *);
void del_clear(struct del_list *);
/* Adds the files of del/.  -1: a system call failed, errno says how. */
int del_load(int acct, const struct seal_account *, struct del_list *);
struct del_entry *del_find(struct del_list *, const uint8_t *blob);
/* As a later list says it; takes copies.  -1 without memory. */
int del_put(struct del_list *, const struct del_entry *);
/* "<host>.<n>" of del/ ; -1. */
int del_name(const char *, unsigned int *host, uint64_t *n);
/*
 * A file of del/ without a key: 0 if it is whole and signed; -1 with EBADMSG
 * or why it could not be read.
 */
int del_check(int acct, const struct seal_account *, const char *name);

/* Is it to be executed now?  confirmed: mass deletes signed until then are. */
bool del_due(const struct del_entry *, int64_t now, int64_t confirmed);
/* The administrator's word: file del/confirmed; 0 if there is none. */
int64_t del_confirmed(int acct);

/*
 * blob/ to trash/, and back: 1 if it was there (2: fanned out), 0 if not, -1
 * with errno.
 */
int del_trash(int acct, const uint8_t *blob);
int del_untrash(int acct, const uint8_t *blob);
/*
 * Removes from trash/ what has been there for a grace of seconds, at most max;
 * how many, so that max means: there may be more.
 */
unsigned int
del_empty_trash(int acct, int64_t now, int64_t grace, unsigned int max);
/*
 * The same in pieces: goes on where *at is, NULL at first, and looks at so
 * many files; true: there is more.  Who stops before that closes *at.
 */
bool del_trash_step(DIR **at, int acct, int64_t now, int64_t grace,
    unsigned int looks, unsigned int max);

#endif
