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
 * Account directories and message blobs: what a deliverer and a vault share.
 * Names and paths, reading limits and usage, writing sealed blobs.  Nothing
 * here needs a secret of an account, and nothing here parses mail: bodies and
 * summaries are opaque chunks.  Synchronous calls, no events.
 */

#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_ACCOUNT_MAX 320  /* octets of local@domain, NUL included */
#define STORE_PATH_MAX 512     /* octets of an account's path, NUL included */
#define STORE_PART_MAX 240     /* octets of one %XX-encoded component */
#define STORE_ID 16            /* octets of blob, instance, account ids */
#define STORE_CHUNK 65536      /* plain octets of every chunk but the last */
#define STORE_CHUNKS_MAX 16000 /* chunks of one body (1 GB) */
#define STORE_SUMMARY_MAX (256 * 1024) /* octets of a summary as stored */
#define STORE_SUMMARY_CHUNKS 8         /* chunks of one summary */
#define STORE_ENVELOPE_MAX 256         /* octets of from, of to, of hint */
#define STORE_VERDICT_MAX 512

/* How a call ended.  Where errno says more (STORE_IO), it is set. */
enum store_result {
	STORE_OK = 0,
	STORE_UNKNOWN = 1, /* no such account, box or message */
	STORE_EXISTS = 2,  /* the name is taken */
	STORE_BADNAME = 3, /* empty, too long, or not to be used so */
	STORE_LIMIT = 4,   /* too many, too large */
	STORE_OVERQUOTA = 5,
	STORE_DISABLED = 6, /* takes no mail by the administrator's word */
	STORE_NOSPACE = 7,  /* no blocks or inodes; nothing was changed */
	STORE_READONLY = 8, /* opened read-only, see store_damage() */
	STORE_IO = 9,       /* a system call failed, errno says which way */
	STORE_CORRUPT = 10, /* does not verify */
	STORE_LOCKED = 11,  /* another vault holds the account */
	STORE_INVALID = 12  /* the caller's mistake: out of order, of range */
};

/* A constant string, for logs. */
const char *store_strerror(enum store_result);

/*
 * Names and directories.  basefd is the directory that holds accounts/ and
 * head/.  A name is local@domain as the engines normalise it.
 */
/* "accounts/<domain>/<local>" with %XX; -1 if a component is too long. */
int store_path(const char *account, char *path, size_t size);
/* The name of such a directory; -1 if it is not one that store_path makes. */
int store_name(const char *domain, const char *local, char *name, size_t size);
/*
 * Creates the directory with all below it, for the effective uid and gid; the
 * caller then writes account and keys/ and ends with store_account_publish(),
 * which syncs it and gives it its name.  dirfd to *fd: not yet visible.
 */
enum store_result
store_account_create(int basefd, const char *account, int *fd);
enum store_result
store_account_publish(int basefd, const char *account, int fd);
/* Another name, of another domain too; durable.  STORE_EXISTS, _UNKNOWN. */
enum store_result
store_account_rename(int basefd, const char *account, const char *to);
/* Forgets one that was created and not published. */
void store_account_abandon(int basefd, const char *account, int fd);
/* Opens without following a symbolic link anywhere. */
enum store_result store_account_open(int basefd, const char *account, int *fd);
/* Renames it out of sight, then removes all of it.  The caller has its lock. */
enum store_result store_account_remove(int basefd, const char *account);
/*
 * Calls cb for each account of a domain (NULL: of all); -1 of cb ends it.
 * STORE_IO, with errno: a folder could not be read, the others were.
 */
enum store_result store_account_list(int basefd, const char *domain,
    int (*cb)(const char *account, void *arg), void *arg);

/* limits: the administrator's; missing file: no limit, enabled. */
struct store_limits {
	uint64_t quota;        /* octets, 0 unlimited */
	uint64_t max_messages; /* one more than there may be, 0 unlimited */
	bool disabled;
};
enum store_result store_limits_read(int acctfd, struct store_limits *);
enum store_result store_limits_write(int acctfd, const struct store_limits *);
/* settings: the user's, written by his vault; missing file: none. */
struct store_settings {
	bool save_sent; /* what he submits is copied to his \Sent box */
};
enum store_result store_settings_read(int acctfd, struct store_settings *);
/* What is there by the vault's last word, plus what waits in in/. */
struct store_used {
	uint64_t octets;
	uint64_t messages; /* of all mailboxes, copies too */
};
enum store_result store_usage(int acctfd, struct store_used *);
/* False if the file system lacks room for size more octets or inodes. */
bool store_room(int fd, uint64_t size);

/*
 * A recipient, as a deliverer sees it: account checked, newest validly signed
 * delivery key.  STORE_UNKNOWN, STORE_DISABLED, STORE_CORRUPT (no valid key).
 * It keeps one descriptor.
 */
struct store_rcpt;
enum store_result
store_rcpt_open(int basefd, const char *account, struct store_rcpt **);
/* May it take size more octets?  STORE_OVERQUOTA, STORE_NOSPACE, ... */
enum store_result store_rcpt_check(struct store_rcpt *, uint64_t size);
/*
 * The same of a message of size octets that has come, of which so many are
 * written to a file in in/ that is not finished yet.  STORE_OVERQUOTA.
 */
enum store_result
store_rcpt_fits(struct store_rcpt *, uint64_t size, uint64_t written);
/* Is the number of his messages limited? */
bool store_rcpt_counts(const struct store_rcpt *);
bool store_rcpt_saves_sent(const struct store_rcpt *); /* see settings */
/* Wipes what the next blobs would share; within a second of the last one. */
void store_rcpt_forget(struct store_rcpt *);
void store_rcpt_free(struct store_rcpt *); /* NULL ok */

/*
 * Writing a blob: create, body chunks (all plain STORE_CHUNK but the last),
 * summary chunks, finish; then store_blob_sync(), and only then it may be
 * acknowledged.  Data is passed as the engine sent it.  After a result other
 * than STORE_OK only store_blob_free() is allowed.  One blob holds at most
 * 16 KiB back; a message smaller than that is written with one write(2).
 */
struct store_blob;

enum store_kind { STORE_BODY = 0, STORE_SUMMARY = 1 };

struct store_chunk {
	enum store_kind kind;
	bool compressed;
	uint32_t plain;   /* octets when decompressed, <= STORE_CHUNK */
	const void *data; /* what is stored */
	size_t len;       /* <= STORE_CHUNK */
};

/* Of an envelope: the account's user has sent this himself. */
#define STORE_OWN_COPY (UINT64_C(1) << 8)
/* ... it is to be looked at as spam: see DELIVER_SUSPECT. */
#define STORE_SUSPECT (UINT64_C(1) << 9)

/* What goes into stanza and table.  Strings: not NULL, cut where too long. */
struct store_envelope {
	uint8_t delivery_id[STORE_ID]; /* the same: the same delivery */
	int64_t date;                  /* internal date, seconds UTC */
	uint64_t flags;   /* system flags to set at drain, and those above */
	const char *from; /* envelope, for the record */
	const char *to;
	const char *hint;    /* +detail or folder */
	const char *verdict; /* authentication results, for the record */
};

/* In in/ of the recipient, sealed to its delivery key. */
enum store_result store_blob_create(
    const struct store_rcpt *, uint8_t codec, struct store_blob **);
enum store_result
store_blob_chunk(struct store_blob *, const struct store_chunk *);
/*
 * In place of the body's first chunk, which then comes after all of the body:
 * STORE_CHUNK octets, stored as they are.
 */
enum store_result store_blob_later(struct store_blob *);
enum store_result store_blob_first(struct store_blob *, const void *data);
enum store_result
store_blob_finish(struct store_blob *, const struct store_envelope *);
/*
 * Makes n finished blobs durable, all or (STORE_IO) none to be believed: one
 * syncfs(2), or fsync of each and its directory.  All lie below basefd.
 */
enum store_result
store_blob_sync(int basefd, struct store_blob *const *, size_t n);
/* The file's octets so far; whole and padded once finished. */
uint64_t store_blob_size(const struct store_blob *);
/* Closes and, unless it was synced, unlinks.  NULL ok. */
void store_blob_free(struct store_blob *);

/*
 * Fault injection: every call of the library that changes the disk goes
 * through this table.  Tests replace it; NULL restores the system's.
 */
struct store_sys {
	int (*open)(int, const char *, int, mode_t); /* creating ones */
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*fsync)(int);
	int (*fdatasync)(int);
	int (*syncfs)(int); /* ENOSYS: the system has none */
	int (*rename)(int, const char *, int, const char *);
	int (*unlink)(int, const char *, int);
	int (*mkdir)(int, const char *, mode_t);
	int (*ftruncate)(int, off_t);
};
void store_sys_set(const struct store_sys *);

#endif
