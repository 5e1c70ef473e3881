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
 * What slots and codes share among the files that have account secrets in hand.
 */

#ifndef SLOT_LOCAL_H
#define SLOT_LOCAL_H

#include "seal_keys.h"
#include "seal_local.h"

#define SLOT_WRAPPED_MAX 96
#define SLOT_AUX_MAX 128
#define SLOT_GEN_LEN 4
#define SLOT_LABEL_SEALED (SEAL_LABEL_MAX + SEAL_NONCE_LEN + SEAL_TAG_LEN)
#define SLOT_SALT_LEN 16
#define CODE_SECRET_LEN 16

/* Further data of a sealed slot: an ephemeral public key, and whom it is for.
 */
#define SEALED_EPHEMERAL 0
#define SEALED_TO SEAL_KEY_LEN
#define SEALED_AUX_LEN (2 * SEAL_KEY_LEN)

/*
 * ... of a scram slot: whose it is, StoredKey, ServerKey (RFC 5802); beside a
 * password also the salt of the slot with that password, since another one in
 * it ends this.
 */
#define SCRAM_OWNER 0
#define SCRAM_STORED 4
#define SCRAM_SERVER 36
#define SCRAM_AUX_LEN 68
#define SCRAM_BOUND SCRAM_AUX_LEN
#define SCRAM_MAIN_LEN (SCRAM_AUX_LEN + SLOT_SALT_LEN)

enum slot_alg {
	SLOT_ARGON2ID = 1,
	SLOT_BLAKE2B = 2, /* a code of 128 random bits needs no stretching */
	SLOT_SEALED = 3,  /* to a public key: escrow, member */
	SLOT_SCRAM = 4,   /* SCRAM-SHA-256 */
};

struct seal_slot {
	uint32_t id;  /* never 0 */
	uint64_t rev; /* Lamport: the highest of an id counts */
	bool dead;    /* a tombstone: only id and rev mean anything */
	uint8_t kind;
	uint16_t scope;
	uint8_t alg;
	struct seal_kdf kdf;
	uint8_t salt[SLOT_SALT_LEN];
	uint8_t commit[SEAL_SUM_LEN];
	uint8_t nonce[SEAL_NONCE_LEN];
	size_t wrapped_len;
	uint8_t wrapped[SLOT_WRAPPED_MAX];
	int64_t created;
	uint32_t gen;   /* rekeys before the master key that it wraps */
	size_t aux_len; /* further data of the kind */
	uint8_t aux[SLOT_AUX_MAX];
	size_t label_len;
	uint8_t label[SLOT_LABEL_SEALED];
};

struct seal_slots {
	unsigned int hosts; /* bits: whose files it was read from */
	uint32_t gen;       /* of all that live */
	size_t n;
	size_t max; /* allocated; at most SEAL_SLOTS_MAX */
	struct seal_slot *slot;
};

/* Encoded records: body of a slot file.  encode returns the length. */
#define SLOT_RECORD_MAX 600
int slots_decode(struct seal_slots *, const uint8_t *, size_t);
size_t slots_encode(const struct seal_slots *, uint8_t *, size_t size);
struct seal_slot *slots_find(const struct seal_slots *, uint32_t id);
/* Room for one more, cleared and counted; NULL: E2BIG or ENOMEM. */
struct seal_slot *slots_append(struct seal_slots *);
/* Whose it is; NULL: nobody's any more, and it is as a tombstone. */
const struct seal_slot *
scram_owner(const struct seal_slots *, const struct seal_slot *);
/* Are there others of more iterations, so that nobody could prove it? */
bool scram_outdone(const struct seal_slots *, const struct seal_slot *);
/* Buries the slot of that id. */
int slot_bury(struct seal_slots *, uint32_t id);
/* The slot to be written: that of id, or (0) a new one; with a new revision. */
struct seal_slot *slot_prepare(struct seal_slots *, uint32_t id);
void slot_describe(const struct seal_slot *, struct seal_slot_info *);
/* Its label, sealed under the master key. */
void slot_label(struct seal_slot *, const struct seal_account *,
    const uint8_t *amk, const char *label);

/* KEK and commitment in one. */
struct slot_key {
	uint8_t kek[SEAL_KEY_LEN];
	uint8_t commit[SEAL_SUM_LEN];
};
bool kdf_valid(const struct seal_kdf *);
/* -1, ENOMEM if the memory is not to be had. */
int slot_key_password(struct slot_key *, const char *, size_t,
    const uint8_t salt[SLOT_SALT_LEN], const struct seal_kdf *);
void slot_key_code(struct slot_key *, const uint8_t secret[CODE_SECRET_LEN],
    enum seal_slot_kind, uint32_t id, const uint8_t salt[SLOT_SALT_LEN]);
void slot_wrap(struct seal_slot *, const struct seal_account *,
    const struct slot_key *, const uint8_t *amk);
int slot_unwrap(const struct seal_slot *, const struct seal_account *,
    const struct slot_key *, uint8_t *amk);

/* secret (may be NULL) is what a valid code carries. */
enum seal_code code_parse(const char *, size_t, enum seal_slot_kind *,
    uint32_t *, uint8_t secret[CODE_SECRET_LEN]);
void code_format(enum seal_slot_kind, uint32_t id,
    const uint8_t secret[CODE_SECRET_LEN], char code[SEAL_CODE_SIZE]);

#endif
