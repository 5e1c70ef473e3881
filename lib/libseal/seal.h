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
 * Sealing: everything that needs no secret of the account.  A deliverer uses
 * this header alone; what opens, derives or makes keys is in seal_keys.h and
 * in other .c files, so that the linker shows who can do it.
 *
 * All integers on disk are big-endian.  lib/libseal/FORMAT has the layouts.
 * Functions return 0, or -1 with errno: EBADMSG (malformed, or a signature,
 * checksum or tag that does not verify), ENOENT, EINVAL (misuse), E2BIG (over
 * a limit), ENOMEM, or what a system call gave.
 */

#ifndef SEAL_H
#define SEAL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_SUITE 1     /* X25519, Ed25519, (X)ChaCha20-Poly1305, BLAKE2b */
#define SEAL_FORMAT 1    /* of the account directory */
#define SEAL_ID_LEN 16   /* account, blob and delivery ids */
#define SEAL_KEYID_LEN 8 /* delivery keys: BLAKE2b of the public key */
#define SEAL_KEY_LEN 32
#define SEAL_TAG_LEN 16
#define SEAL_SUM_LEN 32
#define SEAL_CHUNK 65536 /* plain octets of a full chunk */
#define SEAL_HEADER_LEN 64
#define SEAL_TRAILER_LEN 1600
#define SEAL_BLOCK 4096        /* a blob's size is a multiple of it */
#define SEAL_CHUNKS_MAX 262144 /* chunks of one kind: 16 GiB */
/* What seal_blob_chunk() and seal_blob_next() need as room. */
#define SEAL_PIECE_MAX (SEAL_CHUNK + 3 * SEAL_TAG_LEN)

/* Limits of a stanza's fields, in octets. */
#define SEAL_ADDR_MAX 256
#define SEAL_HINT_MAX 255
#define SEAL_VERDICTS_MAX 512

/* Once before anything else: sodium_init().  Reads the random device. */
int seal_init(void);

/* 0 and a lower-case name of len * 2 digits, NUL-terminated, in out. */
void seal_hex(const uint8_t *, size_t len, char *out);
/* Exactly len octets from len * 2 lower-case digits; else -1, EBADMSG. */
int seal_unhex(const char *, uint8_t *out, size_t len);

/* The file `account`. */
#define SEAL_ACCOUNT_LEN 132
struct seal_account {
	uint8_t id[SEAL_ID_LEN];
	uint8_t sign_pk[SEAL_KEY_LEN]; /* Ed25519 */
	int64_t created;               /* seconds */
};
int seal_account_parse(const uint8_t *, size_t len, struct seal_account *);
/* From the account's directory. */
int seal_account_load(int dirfd, struct seal_account *);
/* 0 if its key has signed that (seal_ring_sign()); else -1, EBADMSG. */
int seal_account_verify(const struct seal_account *, const char *context,
    const void *, size_t len, const uint8_t sig[64]);

/* A file of keys/ as its name and its signature tell; no key is needed. */
struct seal_keyfile {
	unsigned int kind; /* 0 slots, 1 ring, 2 delivery */
	unsigned int host;
	uint64_t version;
};
/* -1, EBADMSG: no key file is called so. */
int seal_keyfile_name(const char *, struct seal_keyfile *);
/* 0 if the account has signed it; dirfd: the account's. */
int seal_keyfile_check(
    int dirfd, const struct seal_account *, const struct seal_keyfile *);

/* The public key that mail for an account is sealed to. */
struct seal_delivery {
	uint8_t keyid[SEAL_KEYID_LEN];
	uint8_t pk[SEAL_KEY_LEN]; /* X25519 */
	int64_t created;
};
/* The newest validly signed one of either host; dirfd: the account's. */
int seal_delivery_load(
    int dirfd, const struct seal_account *, struct seal_delivery *);

/* What only the account's owner reads about how a message came. */
struct seal_stanza {
	uint8_t key[SEAL_KEY_LEN];        /* K_m; filled by the sealer */
	uint8_t delivery_id[SEAL_ID_LEN]; /* names the delivery, once */
	uint64_t flags;                   /* to begin with: \Seen = bit 0 ... */
	char from[SEAL_ADDR_MAX + 1];     /* envelope; "" is the null sender */
	char to[SEAL_ADDR_MAX + 1];
	char hint[SEAL_HINT_MAX + 1];         /* folder or +detail */
	char verdicts[SEAL_VERDICTS_MAX + 1]; /* of SPF, DKIM, DMARC */
};

/* Kinds of chunks; part of each chunk's nonce. */
enum seal_kind {
	SEAL_BODY = 0,
	SEAL_SUMMARY = 1,
	SEAL_TABLE = 2,
	SEAL_PADDING = 3,
	SEAL_LOCATOR = 4, /* in the trailer: where the table is */
};
#define SEAL_COMPRESSED 0x01 /* flag of a chunk */

/*
 * Who seals to one delivery key.  One key agreement serves so many messages
 * and so long; each has a key of its own.  Whoever may not seal more for a
 * while calls forget, which wipes what was agreed.  A blob may outlive the
 * caller's hold of its sender.
 */
#define SEAL_SENDER_MESSAGES 64
#define SEAL_SENDER_MSEC 1000
struct seal_sender;
struct seal_sender *seal_sender_new(const struct seal_delivery *);
void seal_sender_free(struct seal_sender *); /* wipes; NULL is fine */
void seal_sender_forget(struct seal_sender *);

/*
 * Sealing one message for one recipient.  Order of calls:
 *	seal_blob_new, seal_blob_header,
 *	seal_blob_chunk(SEAL_BODY) ..., seal_blob_chunk(SEAL_SUMMARY) ...,
 *	seal_blob_finish, seal_blob_next until it returns 0, seal_blob_free.
 * What each call writes to out goes to the file, one after the other, with
 * nothing between.  Each returns the octets written, or -1.  All chunks but the
 * last of a kind carry SEAL_CHUNK plain octets; whether the last one is full
 * need not be known (an empty one is added by itself).
 */
struct seal_blob;
struct seal_blob *seal_blob_new(
    struct seal_sender *, uint8_t codec, const uint8_t id[SEAL_ID_LEN]);
void seal_blob_free(struct seal_blob *); /* wipes; NULL is fine */
ssize_t seal_blob_header(struct seal_blob *, uint8_t out[SEAL_HEADER_LEN]);
/* data: len octets as they will be stored, which open to plain_len octets. */
ssize_t seal_blob_chunk(struct seal_blob *, enum seal_kind, uint8_t flags,
    uint32_t plain_len, const uint8_t *data, size_t len,
    uint8_t out[SEAL_PIECE_MAX]);
/*
 * The body's first chunk may come after all others, full and not compressed:
 * later, in its place, returns how much of the file is left free for it, first
 * is what goes there, and sum is given all of the file from there on, in order,
 * before finish.
 */
ssize_t seal_blob_later(struct seal_blob *);
ssize_t seal_blob_first(struct seal_blob *, const uint8_t data[SEAL_CHUNK],
    uint8_t out[SEAL_PIECE_MAX]);
int seal_blob_sum(struct seal_blob *, const uint8_t *, size_t len);
/* date: the internal date, in seconds.  Afterwards the size is known. */
int
seal_blob_finish(struct seal_blob *, const struct seal_stanza *, int64_t date);
uint64_t seal_blob_size(const struct seal_blob *); /* of the whole file */
uint64_t seal_blob_plain(const struct seal_blob *, enum seal_kind);
/* The rest: table, padding, trailer; size >= SEAL_PIECE_MAX.  0 at the end. */
ssize_t seal_blob_next(struct seal_blob *, uint8_t *out, size_t size);
/* K_m, for a vault's PLACE record. */
void seal_blob_key(const struct seal_blob *, uint8_t key[SEAL_KEY_LEN]);

/* Padme: the size that len is padded to, a multiple of SEAL_BLOCK. */
uint64_t seal_padded(uint64_t len);

/* What anybody can check about a blob, without a key. */
struct seal_header {
	uint8_t codec;
	uint8_t id[SEAL_ID_LEN];
};
int seal_header_parse(const uint8_t buf[SEAL_HEADER_LEN], struct seal_header *);
struct seal_trailer {
	uint8_t keyid[SEAL_KEYID_LEN];
	uint8_t id[SEAL_ID_LEN]; /* of the blob, again */
	uint64_t size;           /* of the whole file */
	bool alone;              /* the stanza has an ephemeral key alone */
	const uint8_t *head;     /* these point into the buffer */
	const uint8_t *locator;
	const uint8_t *stanza;
	const uint8_t *sum;
};
/* Shape and magic only; compare size with the file's and id with its name. */
int
seal_trailer_parse(const uint8_t buf[SEAL_TRAILER_LEN], struct seal_trailer *);
/* The checksum over the file up to the trailer's last 40 octets. */
struct seal_sum;
struct seal_sum *seal_sum_new(void);
void seal_sum_update(struct seal_sum *, const uint8_t *, size_t);
/* 0 if it is sum; frees. */
int seal_sum_end(struct seal_sum *, const uint8_t sum[SEAL_SUM_LEN]);
#define SEAL_SUM_TAIL 40 /* checksum and magic */

#endif
