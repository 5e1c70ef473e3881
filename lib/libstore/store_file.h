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

/* What the sources that need no secret share: system calls and files. */

#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "store_blob.h"

#define ID_HEX (STORE_ID * 2 + 1) /* an id as a file name, with NUL */
/* The file of what a user has chosen, and a line of it. */
#define SETTINGS "settings"
#define SAVE_SENT "save-sent"
#define COPY_SIZE 65536 /* of the scratch buffer */

/* The table of store_blob.h: every call that changes the disk. */
const struct store_sys *sys(void);

/* errno as a result: ENOSPC and EDQUOT are STORE_NOSPACE. */
enum store_result sys_result(void);
/* Writes all of it, over short writes and EINTR; 0 or -1. */
int sys_write(int fd, const void *, size_t len, off_t off);
/* Reads len octets; what was read (less only at the end), or -1. */
ssize_t sys_read(int fd, void *, size_t len, off_t off);
/* Opens an existing plain file or directory below dirfd, no links. */
int sys_open(int dirfd, const char *, int flags);
/* A new file with its final mode. */
int sys_create(int dirfd, const char *, mode_t);
int sys_fsync(int fd);
/* fsync of the directory of that name below dirfd. */
int sys_sync_dir(int dirfd, const char *name);
/*
 * So many octets were just written there: what fills a megabyte begins to go
 * to the disk, so that the sync at the end finds little to do.
 */
int sys_behind(int fd, uint64_t off, size_t len);
/*
 * Takes the file away, or its last octets where it has more than *budget,
 * which shrinks by what was taken: 1: it has gone; 0: not yet; -1.  A large
 * file that goes at once would keep the disk, and the caller, busy.
 */
int sys_shrink(int dirfd, const char *name, uint64_t *budget);
/* syncfs of fd's file system: 0, -1, or 1 where there is none. */
int sys_syncfs(int fd);
/* Small files, whole: write to name.tmp, sync, rename, sync directory. */
int sys_replace(int dirfd, const char *name, mode_t, const void *, size_t);
/* At most size octets of it; -1 with errno, EFBIG if it is larger. */
ssize_t sys_slurp(int dirfd, const char *name, void *, size_t size);
/* One buffer of COPY_SIZE + 4096 octets for whoever needs one just now. */
uint8_t *sys_scratch(void);
void sys_scratch_free(void); /* wiped; the next who needs it gets another */
#define SCRATCH_SIZE (COPY_SIZE + 4096)

/* The name of an id below blob/: flat, or fanned out by two digits. */
#define BLOB_NAME_SIZE 64

/* A blob below dirname, sealed by that sender, which it keeps hold of. */
struct seal_sender;
enum store_result blob_create_in(int acctfd, const char *dirname, mode_t,
    struct seal_sender *, uint8_t codec, struct store_blob **);
/* Keep what passes as summary chunks, packed as the summary pack has it. */
void blob_keep_summary(struct store_blob *);
const uint8_t *blob_summary(const struct store_blob *, size_t *len);
const uint8_t *blob_id(const struct store_blob *);
uint8_t blob_codec(const struct store_blob *);
void blob_key(const struct store_blob *, uint8_t key[32]);
/* A summary as packed: per chunk u8 compressed, u32 plain, u32 len, octets. */
#define SUMMARY_CHUNK_HEAD 9

/* Removes name below dirfd with all that it holds. */
int path_remove_tree(int dirfd, const char *name);

/* store_limits.c: would so much more be past a limit? */
bool octets_full(
    const struct store_limits *, const struct store_used *, uint64_t more);
bool messages_full(
    const struct store_limits *, const struct store_used *, uint64_t more);

#endif
