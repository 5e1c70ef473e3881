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
 * Slots that are sealed to a public key.  X25519 of an ephemeral key and that
 * one gives what a password gives elsewhere: a wrapping key and a commitment,
 * bound to the slot and to both public keys.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "ring_local.h"
#include "seal_sealed.h"
#include "slot_local.h"

#define SEALED_KEY_CONTEXT "sealmail sealed slot"
#define NAME_LEN 8 /* octets of a key's id */

/* -1: the public key is one that hides nothing. */
static int
slot_key_sealed(struct slot_key *k, const struct seal_slot *s,
    const uint8_t sk[SEAL_KEY_LEN], const uint8_t pk[SEAL_KEY_LEN])
{
	crypto_generichash_state st;
	uint8_t shared[SEAL_KEY_LEN], out[64], head[5];

	_Static_assert(sizeof(*k) == sizeof(out), "struct slot_key");
	_Static_assert(crypto_scalarmult_BYTES == SEAL_KEY_LEN, "X25519");
	if (crypto_scalarmult(shared, sk, pk) != 0)
		return -1;
	head[0] = s->kind;
	put_be32(head + 1, s->id);
	crypto_generichash_init(&st, shared, sizeof(shared), sizeof(out));
	crypto_generichash_update(&st, (const uint8_t *)SEALED_KEY_CONTEXT,
	    sizeof(SEALED_KEY_CONTEXT) - 1);
	crypto_generichash_update(&st, head, sizeof(head));
	crypto_generichash_update(&st, s->salt, sizeof(s->salt));
	crypto_generichash_update(&st, s->aux, s->aux_len);
	crypto_generichash_final(&st, out, sizeof(out));
	memcpy(k->kek, out, SEAL_KEY_LEN);
	memcpy(k->commit, out + SEAL_KEY_LEN, SEAL_SUM_LEN);
	explicit_bzero(shared, sizeof(shared));
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&st, sizeof(st));
	return 0;
}

/* The slot has its id, kind and scope: seals amk to pk. */
static int
slot_seal(struct seal_slot *s, const struct seal_account *a, const uint8_t *amk,
    const uint8_t pk[SEAL_KEY_LEN])
{
	uint8_t sk[SEAL_KEY_LEN];
	struct slot_key k;
	int ret;

	s->alg = SLOT_SEALED;
	randombytes_buf(s->salt, sizeof(s->salt));
	crypto_box_keypair(s->aux + SEALED_EPHEMERAL, sk);
	memmove(s->aux + SEALED_TO, pk, SEAL_KEY_LEN);
	s->aux_len = SEALED_AUX_LEN;
	ret = slot_key_sealed(&k, s, sk, pk);
	if (ret == 0)
		slot_wrap(s, a, &k, amk);
	else
		errno = EINVAL;
	explicit_bzero(sk, sizeof(sk));
	explicit_bzero(&k, sizeof(k));
	return ret;
}

static int
slot_unseal(const struct seal_slot *s, const struct seal_account *a,
    const uint8_t sk[SEAL_KEY_LEN], uint8_t *amk)
{
	struct slot_key k;
	int ret = -1;

	if (slot_key_sealed(&k, s, sk, s->aux + SEALED_EPHEMERAL) == 0)
		ret = slot_unwrap(s, a, &k, amk);
	explicit_bzero(&k, sizeof(k));
	if (ret == -1)
		errno = EACCES;
	return ret;
}

static bool
is_sealed_to(const struct seal_slot *s, enum seal_slot_kind kind,
    const uint8_t pk[SEAL_KEY_LEN])
{
	return !s->dead && s->kind == kind && s->alg == SLOT_SEALED &&
	    memcmp(s->aux + SEALED_TO, pk, SEAL_KEY_LEN) == 0;
}

int
seal_slots_seal(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, enum seal_slot_kind kind, uint16_t scope,
    const char *label, const uint8_t pk[SEAL_KEY_LEN], uint32_t *new_id)
{
	struct seal_slot *s, made;

	if ((kind != SEAL_SLOT_ESCROW && kind != SEAL_SLOT_MEMBER) ||
	    strlen(label) > SEAL_LABEL_MAX) {
		errno = EINVAL;
		return -1;
	}
	/* In a copy, so that what fails leaves all as it was. */
	s = slot_prepare(slots, 0);
	if (s == NULL)
		return -1;
	made = *s;
	made.kind = (uint8_t)kind;
	made.scope = scope;
	if (slot_seal(&made, a, amk, pk) == -1) {
		slots->n--;
		return -1;
	}
	if (label[0] != '\0')
		slot_label(&made, a, amk, label);
	*s = made;
	if (new_id != NULL)
		*new_id = s->id;
	return 0;
}

int
seal_slots_reseal(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *old_amk, const uint8_t *amk, uint32_t id)
{
	char label[SEAL_LABEL_MAX + 1];
	struct seal_slot *s, old;

	s = slots_find(slots, id);
	if (s == NULL || s->dead) {
		errno = ENOENT;
		return -1;
	}
	if (s->alg != SLOT_SEALED) {
		errno = EINVAL;
		return -1;
	}
	old = *s;
	/* A label that cannot be read is not worth the slot. */
	(void)seal_slots_label(slots, a, old_amk, id, label);
	s = slot_prepare(slots, id);
	if (s == NULL)
		return -1;
	s->kind = old.kind;
	s->scope = old.scope;
	s->created = old.created;
	if (slot_seal(s, a, amk, old.aux + SEALED_TO) == -1) {
		*s = old;
		return -1;
	}
	if (label[0] != '\0')
		slot_label(s, a, amk, label);
	return 0;
}

int
seal_slots_unseal(const struct seal_slots *slots, const struct seal_account *a,
    enum seal_slot_kind kind, const uint8_t sk[SEAL_KEY_LEN], uint8_t *amk,
    struct seal_slot_info *info)
{
	uint8_t pk[SEAL_KEY_LEN];

	memset(info, 0, sizeof(*info));
	crypto_scalarmult_base(pk, sk);
	for (size_t i = 0; i < slots->n; i++) {
		if (!is_sealed_to(&slots->slot[i], kind, pk) ||
		    slot_unseal(&slots->slot[i], a, sk, amk) == -1)
			continue;
		slot_describe(&slots->slot[i], info);
		return 0;
	}
	errno = EACCES;
	return -1;
}

int
seal_ring_unseal(const struct seal_ring *r, const struct seal_slots *slots,
    const struct seal_account *a, uint8_t *amk, struct seal_slot_info *info)
{
	const struct ring_delivery *d;

	memset(info, 0, sizeof(*info));
	for (size_t i = 0; i < slots->n; i++) {
		for (uint32_t j = 0; j < r->ndelivery; j++) {
			d = &r->delivery[j];
			if (!is_sealed_to(
				&slots->slot[i], SEAL_SLOT_MEMBER, d->pub.pk) ||
			    slot_unseal(&slots->slot[i], a, d->sk, amk) == -1)
				continue;
			slot_describe(&slots->slot[i], info);
			return 0;
		}
	}
	errno = EACCES;
	return -1;
}

void
seal_key_name(const uint8_t pk[SEAL_KEY_LEN], char name[SEAL_LABEL_KEYID])
{
	uint8_t id[SEAL_KEYID_LEN];

	_Static_assert(SEAL_LABEL_KEYID == 2 * NAME_LEN + 1, "a key's name");
	delivery_keyid(pk, id);
	seal_hex(id, NAME_LEN, name);
}

int
seal_slots_escrow(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, const uint8_t *pk)
{
	char name[SEAL_LABEL_KEYID];
	const struct seal_slot *s;
	bool there = false;
	int changed = 0;

	for (size_t i = 0; i < slots->n; i++) {
		s = &slots->slot[i];
		if (s->dead || s->kind != SEAL_SLOT_ESCROW)
			continue;
		if (pk != NULL && !there &&
		    is_sealed_to(s, SEAL_SLOT_ESCROW, pk)) {
			there = true;
			continue;
		}
		if (seal_slots_revoke(slots, s->id) == -1)
			return -1;
		changed = 1;
	}
	if (pk == NULL || there)
		return changed;
	seal_key_name(pk, name);
	return seal_slots_seal(slots, a, amk, SEAL_SLOT_ESCROW,
		   SEAL_SCOPE_MANAGE, name, pk, NULL) == -1 ?
	    -1 :
	    1;
}
