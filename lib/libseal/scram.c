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
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, on opaque octets: what
 * is in a message is the engine's business.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_scram.h"
#include "slot_local.h"

#define SCRAM_KEY_CONTEXT "sealmail scram slot"

/* HMAC-SHA-256 with a key of any length. */
static void
hmac(const void *key, size_t key_len, const void *data, size_t len,
    uint8_t out[SEAL_SCRAM_KEY])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, key_len);
	crypto_auth_hmacsha256_update(&st, data, len);
	crypto_auth_hmacsha256_final(&st, out);
	explicit_bzero(&st, sizeof(st));
}

/* Hi() of RFC 5802 2.2: PBKDF2 with one block. */
static void
salted_password(const char *password, size_t len,
    const uint8_t salt[SEAL_SCRAM_SALT], uint64_t iterations,
    uint8_t out[SEAL_SCRAM_KEY])
{
	crypto_auth_hmacsha256_state keyed, st;
	uint8_t first[SEAL_SCRAM_SALT + 4], u[SEAL_SCRAM_KEY];

	memcpy(first, salt, SEAL_SCRAM_SALT);
	put_be32(first + SEAL_SCRAM_SALT, 1);
	crypto_auth_hmacsha256_init(&keyed, (const uint8_t *)password, len);
	st = keyed;
	crypto_auth_hmacsha256_update(&st, first, sizeof(first));
	crypto_auth_hmacsha256_final(&st, u);
	memcpy(out, u, sizeof(u));
	for (uint64_t i = 1; i < iterations; i++) {
		st = keyed;
		crypto_auth_hmacsha256_update(&st, u, sizeof(u));
		crypto_auth_hmacsha256_final(&st, u);
		for (size_t k = 0; k < sizeof(u); k++)
			out[k] ^= u[k];
	}
	explicit_bzero(&keyed, sizeof(keyed));
	explicit_bzero(&st, sizeof(st));
	explicit_bzero(u, sizeof(u));
}

/* What the key of a right proof opens: as other secrets do. */
static void
slot_key_scram(struct slot_key *k, const struct seal_slot *s,
    const uint8_t client_key[SEAL_SCRAM_KEY])
{
	crypto_generichash_state st;
	uint8_t out[64], head[5];

	head[0] = s->kind;
	put_be32(head + 1, s->id);
	crypto_generichash_init(&st, client_key, SEAL_SCRAM_KEY, sizeof(out));
	crypto_generichash_update(&st, (const uint8_t *)SCRAM_KEY_CONTEXT,
	    sizeof(SCRAM_KEY_CONTEXT) - 1);
	crypto_generichash_update(&st, head, sizeof(head));
	crypto_generichash_update(&st, s->salt, sizeof(s->salt));
	crypto_generichash_update(&st, s->aux, s->aux_len);
	crypto_generichash_final(&st, out, sizeof(out));
	memcpy(k->kek, out, SEAL_KEY_LEN);
	memcpy(k->commit, out + SEAL_KEY_LEN, SEAL_SUM_LEN);
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&st, sizeof(st));
}

static bool
scram_lives(const struct seal_slots *slots, const struct seal_slot *s)
{
	return !s->dead && s->alg == SLOT_SCRAM &&
	    scram_owner(slots, s) != NULL;
}

/*
 * The one whose salt and iterations clients are told.  Hosts that had not heard
 * of each other may have made several: the costliest, then the greater salt.
 */
static const struct seal_slot *
any_scram(const struct seal_slots *slots)
{
	const struct seal_slot *s, *best = NULL;

	for (size_t i = 0; slots != NULL && i < slots->n; i++) {
		s = &slots->slot[i];
		if (!scram_lives(slots, s))
			continue;
		if (best == NULL || s->kdf.ops > best->kdf.ops ||
		    (s->kdf.ops == best->kdf.ops &&
			memcmp(s->salt, best->salt, SEAL_SCRAM_SALT) > 0))
			best = s;
	}
	return best;
}

bool
scram_outdone(const struct seal_slots *slots, const struct seal_slot *s)
{
	const struct seal_slot *other;

	other = any_scram(slots);
	return other != NULL &&
	    (other->kdf.ops > s->kdf.ops ||
		(other->kdf.ops == s->kdf.ops &&
		    memcmp(other->salt, s->salt, SEAL_SCRAM_SALT) != 0));
}

bool
seal_scram_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return len > 0 && len <= SEAL_SECRET_MAX;
}

uint32_t
seal_scram_of(const struct seal_slots *slots, uint32_t owner)
{
	const struct seal_slot *s;

	for (size_t i = 0; slots != NULL && i < slots->n; i++) {
		s = &slots->slot[i];
		if (scram_lives(slots, s) &&
		    get_be32(s->aux + SCRAM_OWNER) == owner)
			return s->id;
	}
	return 0;
}

int
seal_scram_prune(struct seal_slots *slots, uint32_t id)
{
	const struct seal_slot *keep, *s;

	for (size_t i = 0; i < slots->n; i++) {
		keep = slots_find(slots, id);
		s = &slots->slot[i];
		if (keep == NULL || s->dead || s->alg != SLOT_SCRAM ||
		    s->kdf.ops >= keep->kdf.ops)
			continue;
		/* It is buried where it lies: nothing moves. */
		if (slot_bury(slots, s->id) == -1)
			return -1;
	}
	return 0;
}

int
seal_scram_remove(struct seal_slots *slots, uint32_t owner, bool all)
{
	const struct seal_slot *s;

	for (size_t i = 0; i < slots->n; i++) {
		s = &slots->slot[i];
		if (s->dead || s->alg != SLOT_SCRAM ||
		    get_be32(s->aux + SCRAM_OWNER) != owner ||
		    (!all && scram_owner(slots, s) != NULL))
			continue;
		if (slot_bury(slots, s->id) == -1)
			return -1;
	}
	return 0;
}

/* The slot beside owner, whatever it still proves: to be written anew. */
static uint32_t
scram_beside(const struct seal_slots *slots, uint32_t owner)
{
	const struct seal_slot *s;

	for (size_t i = 0; i < slots->n; i++) {
		s = &slots->slot[i];
		if (!s->dead && s->alg == SLOT_SCRAM &&
		    get_be32(s->aux + SCRAM_OWNER) == owner)
			return s->id;
	}
	return 0;
}

/* StoredKey and ServerKey, and the master key under ClientKey. */
static void
scram_fill(struct seal_slot *s, const struct seal_account *a,
    const uint8_t *amk, const struct seal_slot *owner, const char *text,
    size_t len)
{
	uint8_t salted[SEAL_SCRAM_KEY], client[SEAL_SCRAM_KEY];
	struct slot_key k;

	s->aux_len = SCRAM_AUX_LEN;
	if (owner->kind == SEAL_SLOT_MAIN) {
		memcpy(s->aux + SCRAM_BOUND, owner->salt, SLOT_SALT_LEN);
		s->aux_len = SCRAM_MAIN_LEN;
	}
	salted_password(text, len, s->salt, s->kdf.ops, salted);
	hmac(salted, sizeof(salted), "Client Key", 10, client);
	put_be32(s->aux + SCRAM_OWNER, owner->id);
	crypto_hash_sha256(s->aux + SCRAM_STORED, client, sizeof(client));
	hmac(salted, sizeof(salted), "Server Key", 10, s->aux + SCRAM_SERVER);
	slot_key_scram(&k, s, client);
	slot_wrap(s, a, &k, amk);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	explicit_bzero(&k, sizeof(k));
}

int
seal_slots_scram(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, uint32_t owner_id, const char *text, size_t len,
    const uint8_t first[SEAL_SCRAM_SALT], uint32_t *id)
{
	uint8_t salt[SLOT_SALT_LEN];
	const struct seal_slot *other;
	struct seal_slot owner, *s;
	uint64_t iterations;

	s = slots_find(slots, owner_id);
	if (s == NULL || s->dead ||
	    (s->kind != SEAL_SLOT_APP && s->kind != SEAL_SLOT_MAIN)) {
		errno = ENOENT;
		return -1;
	}
	if (s->kind == SEAL_SLOT_MAIN && !seal_scram_text(text, len)) {
		errno = EINVAL;
		return -1;
	}
	owner = *s; /* which may move when there is one more */
	iterations = owner.kind == SEAL_SLOT_MAIN ? SEAL_SCRAM_PASSWORD :
						    SEAL_SCRAM_ITERATIONS;
	other = any_scram(slots);
	memcpy(salt, other != NULL ? other->salt : first, sizeof(salt));
	if (other != NULL && other->kdf.ops > iterations)
		iterations = other->kdf.ops;
	s = slot_prepare(slots, scram_beside(slots, owner_id));
	if (s == NULL)
		return -1;
	s->kind = SEAL_SLOT_SCRAM;
	s->scope = owner.scope;
	s->alg = SLOT_SCRAM;
	s->kdf.ops = iterations;
	memcpy(s->salt, salt, sizeof(salt));
	scram_fill(s, a, amk, &owner, text, len);
	*id = s->id;
	return seal_scram_prune(slots, *id);
}

void
seal_scram_challenge(const struct seal_slots *slots,
    const uint8_t key[SEAL_KEY_LEN], const char *name,
    uint8_t salt[SEAL_SCRAM_SALT], uint32_t *iterations)
{
	uint8_t h[SEAL_SCRAM_SALT + 1];
	const struct seal_slot *s;

	s = any_scram(slots);
	/* Done in either case, for the time it takes. */
	crypto_generichash(h, sizeof(h), (const uint8_t *)name, strlen(name),
	    key, SEAL_KEY_LEN);
	memcpy(salt, h, SEAL_SCRAM_SALT);
	*iterations = h[SEAL_SCRAM_SALT] % SEAL_SCRAM_DECOYS == 0 ?
	    SEAL_SCRAM_PASSWORD :
	    SEAL_SCRAM_ITERATIONS;
	if (s == NULL)
		return;
	memcpy(salt, s->salt, SEAL_SCRAM_SALT);
	*iterations = (uint32_t)s->kdf.ops;
}

/* Is it a proof for this slot?  Then it opens, and signs. */
static int
scram_one(const struct seal_slot *s, const struct seal_account *a,
    const void *message, size_t len, const uint8_t proof[SEAL_SCRAM_KEY],
    uint8_t *amk, uint8_t signature[SEAL_SCRAM_KEY])
{
	uint8_t client[SEAL_SCRAM_KEY], stored[SEAL_SCRAM_KEY];
	struct slot_key k;
	int ret = -1;

	hmac(s->aux + SCRAM_STORED, SEAL_SCRAM_KEY, message, len, client);
	for (size_t i = 0; i < sizeof(client); i++)
		client[i] ^= proof[i];
	crypto_hash_sha256(stored, client, sizeof(client));
	if (sodium_memcmp(stored, s->aux + SCRAM_STORED, sizeof(stored)) == 0) {
		slot_key_scram(&k, s, client);
		ret = slot_unwrap(s, a, &k, amk);
		explicit_bzero(&k, sizeof(k));
	}
	if (ret == 0)
		hmac(s->aux + SCRAM_SERVER, SEAL_SCRAM_KEY, message, len,
		    signature);
	explicit_bzero(client, sizeof(client));
	return ret;
}

int
seal_scram_try(const struct seal_slots *slots, const struct seal_account *a,
    const void *message, size_t len, const uint8_t proof[SEAL_SCRAM_KEY],
    uint8_t *amk, struct seal_slot_info *info,
    uint8_t signature[SEAL_SCRAM_KEY])
{
	static const struct seal_slot none;
	const struct seal_slot *s, *owner;

	memset(info, 0, sizeof(*info));
	for (size_t i = 0; slots != NULL && i < slots->n; i++) {
		s = &slots->slot[i];
		if (s->dead || s->alg != SLOT_SCRAM)
			continue;
		owner = scram_owner(slots, s);
		if (owner == NULL ||
		    scram_one(s, a, message, len, proof, amk, signature) == -1)
			continue;
		slot_describe(owner, info);
		return 0;
	}
	if (any_scram(slots) == NULL)
		(void)scram_one(&none, a, message, len, proof, amk, signature);
	errno = EACCES;
	return -1;
}
