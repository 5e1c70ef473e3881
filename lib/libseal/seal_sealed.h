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
 * Slots of kind escrow and member: the master key sealed to a public key.  To
 * make one takes no secret but the master key, so an account's vault makes it
 * for an administrator or a member who is not there.  See seal.h for errors.
 */

#ifndef SEAL_SEALED_H
#define SEAL_SEALED_H

#include "seal_keys.h"

#define SEAL_LABEL_KEYID 17 /* a key's id in hexadecimal, with NUL */

/*
 * A new slot, sealed to pk (X25519).  Kind escrow: that of an administrator's
 * key file, and the label is the key's id.  Kind member: a delivery key of the
 * member's account (seal_delivery_load()), and the label what names him.
 * EINVAL: no such kind, too long a label, or no key at all.
 */
int seal_slots_seal(struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, enum seal_slot_kind, uint16_t scope, const char *label,
    const uint8_t pk[SEAL_KEY_LEN], uint32_t *new_id);
/* The same slot, label and scope under another master key. */
int seal_slots_reseal(struct seal_slots *, const struct seal_account *,
    const uint8_t *old_amk, const uint8_t *amk, uint32_t id);
/*
 * Opens the slot of that kind that is sealed to the public half of sk.  amk
 * and info are filled.  -1 with EACCES: there is none, or it does not open.
 */
int seal_slots_unseal(const struct seal_slots *, const struct seal_account *,
    enum seal_slot_kind, const uint8_t sk[SEAL_KEY_LEN], uint8_t *amk,
    struct seal_slot_info *);
/* The slots (of another account) that one of the member's ring opens. */
int seal_ring_unseal(const struct seal_ring *, const struct seal_slots *,
    const struct seal_account *, uint8_t *amk, struct seal_slot_info *);
/*
 * The escrow slot as the account's domain asks for it: to pk alone, or none
 * where pk is NULL; others are revoked.  1: changed, in memory; 0: it was so.
 */
int seal_slots_escrow(struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, const uint8_t *pk);

/* What a key is called: the id of sealstore(5). */
void seal_key_name(const uint8_t pk[SEAL_KEY_LEN], char name[SEAL_LABEL_KEYID]);

/*
 * The two files of an administrator's key, as text (sealstore(5)): the public
 * one goes to the server, the secret one, under a pass phrase, stays away.
 */
#define SEAL_ESCROW_FILE_MAX 1024
struct seal_escrow {
	uint8_t pk[SEAL_KEY_LEN];
	uint8_t sk[SEAL_KEY_LEN]; /* wiped by the caller */
};
void seal_escrow_make(struct seal_escrow *);
/* NUL-terminated; secret: -1, ENOMEM where it cannot be derived. */
void
seal_escrow_public(const struct seal_escrow *, char text[SEAL_ESCROW_FILE_MAX]);
int seal_escrow_secret(const struct seal_escrow *, const char *phrase,
    size_t len, const struct seal_kdf *, char text[SEAL_ESCROW_FILE_MAX]);
/* EBADMSG: not such a file; EACCES: not with this phrase. */
int seal_escrow_open(
    const char *text, const char *phrase, size_t len, struct seal_escrow *);

#endif
