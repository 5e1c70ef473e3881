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
 * Slots of kind scram: an app password, or the password whose user asked for
 * it, that is proved and not shown (SCRAM-SHA-256, RFC 5802 and RFC 7677).  On
 * disk is what verifies a proof; the master key opens under the key that a
 * right proof reveals.  See seal.h for errors.
 *
 * A client is told one salt and one number of iterations before it shows which
 * of its secrets it has.  So all scram slots of an account have the same: once
 * a password needs more than codes do, codes made before are proved no more.
 */

#ifndef SEAL_SCRAM_H
#define SEAL_SCRAM_H

#include "seal_keys.h"

#define SEAL_SCRAM_SALT 16
#define SEAL_SCRAM_KEY 32 /* octets of a proof, and of a server's signature */
#define SEAL_SCRAM_ITERATIONS 4096  /* enough for 128 random bits */
#define SEAL_SCRAM_PASSWORD 600000  /* iterations, of what people choose */
#define SEAL_SCRAM_DECOYS 8         /* of so many names one looks so */
#define SEAL_SCRAM_MESSAGE_MAX 4096 /* octets of an AuthMessage */

/*
 * A slot beside the app password or password of slot `owner`, of which text is
 * what a client proves; in place of the owner's, if it has one.  It lives as
 * long as that text opens the owner.  salt: if no other slot has one.  Those of
 * fewer iterations, which nobody could prove any more, are revoked.
 */
int seal_slots_scram(struct seal_slots *, const struct seal_account *,
    const uint8_t *amk, uint32_t owner, const char *text, size_t len,
    const uint8_t salt[SEAL_SCRAM_SALT], uint32_t *id);
/* The scram slot of owner; 0: it has none. */
uint32_t seal_scram_of(const struct seal_slots *, uint32_t owner);
/* After an import of id: revokes those of fewer iterations. */
int seal_scram_prune(struct seal_slots *, uint32_t id);
/* Revokes the owner's; all: not only what an earlier password is proved by. */
int seal_scram_remove(struct seal_slots *, uint32_t owner, bool all);
/*
 * Can it be a password's text?  What is not printable ASCII clients may prepare
 * (RFC 4013) or not.
 */
bool seal_scram_text(const char *, size_t len);
/*
 * What a client is told before it proves anything.  Where there are no scram
 * slots (slots may be NULL) it follows from key and name, so that it stays the
 * same; and one name of SEAL_SCRAM_DECOYS is said to have the iterations of a
 * password, so that those do not tell that there is an account.
 */
void
seal_scram_challenge(const struct seal_slots *, const uint8_t key[SEAL_KEY_LEN],
    const char *name, uint8_t salt[SEAL_SCRAM_SALT], uint32_t *iterations);
/*
 * Tries a proof of an AuthMessage on each scram slot.  amk and info (of the
 * owner) are filled, and the server's signature.  -1, EACCES: it is none.
 */
int seal_scram_try(const struct seal_slots *, const struct seal_account *,
    const void *message, size_t len, const uint8_t proof[SEAL_SCRAM_KEY],
    uint8_t *amk, struct seal_slot_info *, uint8_t signature[SEAL_SCRAM_KEY]);

#endif
