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
 * Keys of an account: slots, the keyring, key files, account creation.  Only
 * the store's openers and vaults (and account creation) use it; see seal.h for
 * errors and for what needs no secret.
 */

#ifndef SEAL_KEYS_H
#define SEAL_KEYS_H

#include "seal.h"

/*
 * Memory for long-lived keys: locked, guarded, not in core files, wiped when
 * freed.  Not per message: it costs four mappings.  NULL with ENOMEM.
 */
void *secret_alloc(size_t);
void secret_free(void *); /* NULL is fine */
void secret_readonly(void *);
void secret_readwrite(void *);

/* Cost of a password's key derivation. */
struct seal_kdf {
	uint64_t ops; /* Argon2id passes */
	uint64_t mem; /* octets */
};
extern const struct seal_kdf seal_kdf_standard; /* 64 MiB, 3 passes */
extern const struct seal_kdf seal_kdf_light;    /* 19 MiB, 2 passes */
extern const struct seal_kdf seal_kdf_low;      /* 8 KiB, 1: tests only */

enum seal_slot_kind {
	SEAL_SLOT_MAIN = 1,
	SEAL_SLOT_APP = 2,
	SEAL_SLOT_RECOVERY = 3,
	SEAL_SLOT_ESCROW = 4,
	SEAL_SLOT_SCRAM = 5,
	SEAL_SLOT_MEMBER = 6,
};
#define SEAL_SCOPE_IMAP 0x0001
#define SEAL_SCOPE_SUBMISSION 0x0002
#define SEAL_SCOPE_MANAGE 0x0004
#define SEAL_SCOPE_ALL 0x0007

#define SEAL_SLOTS_MAX 128    /* tombstones included */
#define SEAL_LABEL_MAX 64     /* octets */
#define SEAL_SECRET_MAX 1024  /* octets of a password */
#define SEAL_PASSWORD_MIN 8   /* characters of a new one */
#define SEAL_CODE_LEN 36      /* symbols of a code */
#define SEAL_CODE_SIZE 45     /* with hyphens and NUL */
#define SEAL_PASSWORD_SIZE 30 /* a generated password, with NUL */

struct seal_slot;
struct seal_slots;

/* The union of the newest files of both hosts; verified.  ENOENT: none. */
struct seal_slots *seal_slots_load(int dirfd, const struct seal_account *);
struct seal_slots *seal_slots_new(void);
void seal_slots_free(struct seal_slots *); /* NULL is fine */
/* What can be told of a slot without a key; i from 0; false past the last. */
struct seal_slot_info {
	uint32_t id;
	uint64_t rev; /* another one: another secret */
	enum seal_slot_kind kind;
	uint16_t scope;
	struct seal_kdf kdf; /* 0, 0 for codes */
	int64_t created;
	uint8_t to[SEAL_KEY_LEN]; /* escrow, member: whom it is sealed to */
};
bool
seal_slots_info(const struct seal_slots *, size_t i, struct seal_slot_info *);

/*
 * Tries a secret.  amk (secret memory, SEAL_KEY_LEN) and info are filled where
 * it opens a slot.  -1 with EACCES where it does not, after the same work:
 * slots may be NULL (no such account), kdf is the cost to spend then.  A secret
 * in the form of a code costs no Argon2id and is tried on its slot only.
 * ENOMEM: the derivation could not be done; nothing is known of the secret.
 */
int seal_slots_try(const struct seal_slots *, const struct seal_account *,
    const char *secret, size_t len, const struct seal_kdf *, uint8_t *amk,
    struct seal_slot_info *);

/*
 * Changes to slots, in memory: seal_slots_save() makes them durable.  Each
 * raises the slot's revision above all that are known.
 * set: a main slot by password (id 0: a new one, else the one it replaces).
 * code: an app or recovery slot; its text, to be shown once, goes to code.
 */
int seal_slots_set(struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, uint32_t id, const char *secret, size_t len,
    const struct seal_kdf *, uint16_t scope, uint32_t *new_id);
int seal_slots_code(struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, enum seal_slot_kind, uint16_t scope, const char *label,
    char code[SEAL_CODE_SIZE], uint32_t *new_id);
int seal_slots_revoke(struct seal_slots *, uint32_t id); /* and its scram */
/*
 * A slot as octets, for another process that is to store it: export gives the
 * length.  import takes, with a revision of its own, a main slot in place of
 * the live main slot of its id or as a new one; an app slot as a new one; a
 * scram slot likewise or in place of its owner's.  ENOENT: it, or its owner,
 * was revoked or changed; EAGAIN: see seal_scram.h.
 */
#define SEAL_RECORD_MAX 600
ssize_t seal_slots_export(
    const struct seal_slots *, uint32_t id, uint8_t out[SEAL_RECORD_MAX]);
int seal_slots_import(
    struct seal_slots *, const uint8_t *, size_t len, uint32_t *id);
/* The label, NUL-terminated, in buf of SEAL_LABEL_MAX + 1. */
int seal_slots_label(const struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, uint32_t id, char *buf);

/*
 * Codes: base 32 in groups of four, with check symbols.  parse takes what a
 * person typed (case, spaces and hyphens do not matter, o is 0, i and l are 1).
 */
enum seal_code {
	SEAL_CODE_NONE,  /* not in the form of a code */
	SEAL_CODE_TYPO,  /* a code with an error in it */
	SEAL_CODE_VALID, /* of that kind, for that slot */
};
enum seal_code seal_code_parse(
    const char *, size_t len, enum seal_slot_kind *, uint32_t *slot_id);
/*
 * Has a new password fewer than SEAL_PASSWORD_MIN characters?  Those of UTF-8
 * count as one each; what is not UTF-8 counts by its octets below 128 and from
 * 192 on.  Passwords that are shorter already go on opening.
 */
bool seal_password_short(const void *, size_t len);
/* A random password for people without one: 120 bits in groups. */
void seal_password_make(char buf[SEAL_PASSWORD_SIZE]);

/*
 * An unlocked account: master key and the union of the rings, in secret memory
 * that is read-only after the calls that make or change it.
 */
struct seal_ring;
struct seal_ring *
seal_ring_load(int dirfd, const struct seal_account *, const uint8_t *amk);
void seal_ring_free(struct seal_ring *); /* wipes; NULL is fine */
const struct seal_account *seal_ring_account(const struct seal_ring *);
const uint8_t *seal_ring_amk(const struct seal_ring *);
/* The newest delivery key of ours; for sealing what a client appends. */
int seal_ring_delivery(const struct seal_ring *, struct seal_delivery *);
/* A new delivery pair, in memory; save the ring, then publish. */
int seal_ring_rotate(struct seal_ring **, struct seal_delivery *, int64_t now);
/*
 * The ring under a new master key, with a log root for the next epoch and a
 * delivery pair beside the old ones, and the old master key.  The old ring
 * stays as it is.
 */
struct seal_ring *
seal_ring_rekey(const struct seal_ring *, const uint8_t *amk, int64_t now);

/*
 * The slots of it: id, which wraps amk already, and what is sealed to public
 * keys, sealed again.  All others are revoked; so many app passwords.
 */
int seal_slots_rekey(struct seal_slots *, const struct seal_account *,
    const uint8_t *old_amk, const uint8_t *amk, uint32_t id, uint32_t *revoked);
/*
 * Where one host did not know of the other's rekey: host's own ring is under an
 * earlier master key (save this one); the newest delivery key was found in such
 * a ring only (rotate), so that it may be known to whom the rekey shut out.
 */
bool seal_ring_behind(const struct seal_ring *, unsigned int host);
bool seal_ring_exposed(const struct seal_ring *);

/* Keys below the master key. */
enum seal_sub {
	SEAL_SUB_RING = 1,
	SEAL_SUB_SNAPSHOT = 2,
	SEAL_SUB_INDEX = 3,
	SEAL_SUB_HEAD = 4,
	SEAL_SUB_LABEL = 5,
	SEAL_SUB_PROOF = 6, /* an opener proves the master key to a vault */
	SEAL_SUB_META = 7,  /* sealed settings and scripts in files */
};
void seal_amk_sub(const uint8_t *amk, enum seal_sub, uint8_t key[SEAL_KEY_LEN]);
void seal_ring_sub(
    const struct seal_ring *, enum seal_sub, uint8_t key[SEAL_KEY_LEN]);
/* The log key of an epoch; -1, ENOENT where no root covers it. */
int seal_ring_log(
    const struct seal_ring *, uint32_t epoch, uint8_t key[SEAL_KEY_LEN]);
uint32_t seal_ring_epoch(const struct seal_ring *); /* to write in */
#define SEAL_SIG_LEN 64
void seal_ring_sign(const struct seal_ring *, const char *context, const void *,
    size_t len, uint8_t sig[SEAL_SIG_LEN]);

/*
 * Files.  Each save writes the next version of host's own series: tmp, sync,
 * read back and verified, rename, directory sync; then the older versions are
 * overwritten and unlinked.  When it returns 0 the change is durable.
 */
int seal_slots_save(int dirfd, const struct seal_ring *, unsigned int host,
    const struct seal_slots *);
int seal_ring_save(int dirfd, const struct seal_ring *, unsigned int host);
int seal_delivery_save(int dirfd, const struct seal_ring *, unsigned int host,
    const struct seal_delivery *);
/*
 * A rekey on disk: the new ring beside the old one, then the slots that lead to
 * it, then the delivery key; the old ring goes last.  Wherever it stops, the
 * old slots open the old ring or the new slots the new one.
 */
int seal_rekey_save(int dirfd, const struct seal_ring *, unsigned int host,
    const struct seal_slots *);
/*
 * Removes older versions of host's files that a crash has left; the ring tells
 * which ring file is in use.
 */
int seal_keys_tidy(int dirfd, const struct seal_ring *, unsigned int host);

/*
 * A new account in an empty directory that has keys/: ring, main slot,
 * recovery slot, delivery key, and `account` last.  The ring is returned (free
 * it), the recovery code goes to code.
 */
struct seal_ring *seal_account_create(int dirfd, unsigned int host,
    const char *password, size_t len, const struct seal_kdf *, int64_t now,
    char code[SEAL_CODE_SIZE]);

#endif
