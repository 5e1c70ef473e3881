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
 * The ring as a struct, shared by the files that fill, save and use it.
 */

#ifndef RING_LOCAL_H
#define RING_LOCAL_H

#include "seal_keys.h"
#include "seal_local.h"

#define RING_ROOTS_MAX 64
#define RING_DELIVERY_MAX 1024
#define RING_EARLIER_MAX 64

struct ring_root {
	uint32_t id;
	uint32_t from; /* the first epoch it is the root of */
	int64_t created;
	uint8_t key[SEAL_KEY_LEN];
};

struct ring_delivery {
	struct seal_delivery pub;
	uint8_t sk[SEAL_KEY_LEN];
};

/* In secret memory, with the arrays behind it. */
struct seal_ring {
	struct seal_account account;
	uint8_t amk[SEAL_KEY_LEN];
	uint8_t sign_sk[crypto_sign_SECRETKEYBYTES];
	bool have_sign;
	uint32_t nroots;
	uint32_t ndelivery;
	uint32_t nearlier;
	unsigned int
	    behind;         /* bits: hosts whose ring is under an earlier key */
	uint32_t old_first; /* delivery keys from here on, */
	uint32_t old_end;   /* up to here, are from such a ring alone */
	struct ring_root *roots;
	struct ring_delivery *delivery;
	uint8_t (*earlier)[SEAL_KEY_LEN]; /* master keys before a rekey */
};

/* How many of each. */
struct ring_room {
	uint32_t roots;
	uint32_t delivery;
	uint32_t earlier;
};

/* An empty ring with room for so many. */
struct seal_ring *ring_new(
    const struct seal_account *, const uint8_t *amk, const struct ring_room *);
/* A copy with room for so many more; NULL, and the old one stays. */
struct seal_ring *ring_grow(const struct seal_ring *, const struct ring_room *);
/*
 * Adds what the body of a ring file, sealed under that master key, has and
 * *ring lacks.
 */
int ring_merge(struct seal_ring **, const uint8_t *amk, const uint8_t *header,
    const uint8_t *body, size_t len);
/* See ringload.c; seal_ring_load() is the union of both hosts. */
int ring_load_host(struct seal_ring **, const uint8_t *amk, int dirfd,
    unsigned int host, uint64_t *version, bool *foreign);
bool ring_has_root(const struct seal_ring *, uint32_t id);
/* The sealed body, to be freed; header is what it is bound to. */
uint8_t *ring_encode(const struct seal_ring *,
    const uint8_t header[KEYFILE_HEADER], size_t *len);
/* Octets of ring_encode()'s answer. */
size_t ring_encoded_len(const struct seal_ring *);
void ring_delivery_new(struct ring_delivery *, int64_t now);

/* `account`, signed, into out. */
void account_encode(const struct seal_account *, const uint8_t *sign_sk,
    uint8_t out[SEAL_ACCOUNT_LEN]);
/* Writes name in dirfd, whole and durable, or not at all. */
int file_write(int dirfd, const char *name, const char *tmp, int mode,
    const uint8_t *, size_t len);

#endif
