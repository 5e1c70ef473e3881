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
 * The vault: one process per logged-in user.  An opener that has unwrapped the
 * master key, finds no vault alive and has the account's lock to itself calls
 * vault_main() and is the vault from then on.
 */

#ifndef VAULT_H
#define VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "seal_keys.h"

#include "../store_wire.h"

struct msg;
struct msgout;

/* store_wire.h has it. */
struct escrow_wish {
	uint8_t mode; /* enum escrow_mode */
	uint8_t key[SEAL_KEY_LEN];
};
void escrow_wish_put(struct msgout *, const struct escrow_wish *);
void escrow_wish_get(struct msg *, struct escrow_wish *);

/* A change of slots on its way from an opener to the vault. */
struct slot_change {
	uint8_t op; /* enum slot_op; 0: none */
	uint16_t scope;
	uint32_t id;
	char label[LABEL_MAX + 1];
	size_t record_len;
	uint8_t record[SEAL_RECORD_MAX]; /* the new main or app slot */
	size_t scram_len;
	uint8_t scram[SEAL_RECORD_MAX]; /* beside it; maybe */
	uint8_t amk[SEAL_KEY_LEN];      /* that they wrap, of a rekey */
	char code[CODE_MAX];            /* of the new app slot */
};
/* The records alone, of a costlier derivation. */
void slot_records_put(struct msgout *, const struct slot_change *);
void slot_records_get(struct msg *, struct slot_change *);
void slot_change_put(struct msgout *, const struct slot_change *);
void slot_change_get(struct msg *, struct slot_change *);
/* VAULT_ENGINE_MANAGED; the caller sends it and closes. */
struct manage_answer {
	uint8_t result;
	uint32_t slot;
	uint32_t revoked;
	char code[CODE_MAX];
};
void manage_answer_put(struct msgout *, const struct manage_answer *);

/* record.c: what an opener has in hand to make c->record. */
struct record {
	uint8_t service;
	const struct seal_account *id;
	struct seal_kdf *kdf; /* the domain's; raised to the slot's */
	const uint8_t *amk;
	const uint8_t *secret;
	size_t secret_len;
	const uint8_t *fresh; /* the secret to be */
	size_t fresh_len;
	const uint8_t *salt; /* of a first scram slot, SEAL_SCRAM_SALT */
	struct slot_change *change;
};
/*
 * Makes what is wanted: in the opener, since what stretches a secret has no
 * place in an event loop.  -1; with EINVAL: not with this secret; E2BIG: there
 * are too many slots.
 */
int record_make(
    const struct record *, struct seal_slots *, const struct seal_slot_info *);

struct vault_start {
	char account[ACCOUNT_NAME_MAX];
	int base;               /* directory of accounts/ and head/ */
	int acct;               /* the account's directory */
	struct seal_ring *ring; /* unlocked; the vault's from now on */
	int master;             /* wire to imap-store's master */
	int session;            /* the engine's end of the first session */
	uint8_t host;           /* whose series of key files is ours */
	uint32_t slot;          /* that opened it */
	uint64_t rev;           /* of that slot */
	uint8_t scope;
	uint8_t service;
	void *secret; /* what opened the slot; wiped by the vault */
	size_t secret_len;
	/*
	 * With an op: the session is the wire of that one command.  Without,
	 * records that are not empty are the slot with a costlier derivation,
	 * and what is beside it.
	 */
	struct slot_change change;
	unsigned int linger;       /* seconds after the last session */
	unsigned int sessions_max; /* of this user at a time */
	uint32_t trash_days;       /* mail stays there; 0: for ever */
	uint32_t spam_days;
	struct escrow_wish escrow;
};

/* Opens the account, welcomes the first session, serves, and exits. */
void vault_main(struct vault_start *) __attribute__((noreturn));

#endif
