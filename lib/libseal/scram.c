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

static const struct seal_slot *
any_scram(const struct seal_slots *slots)
{
	for (size_t i = 0; slots != NULL && i < slots->n; i++) {
		if (!slots->slot[i].dead && slots->slot[i].alg == SLOT_SCRAM)
			return &slots->slot[i];
	}
	return NULL;
}

int
seal_slots_scram(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, uint32_t owner, const char *code)
{
	uint8_t salted[SEAL_SCRAM_KEY], client[SEAL_SCRAM_KEY];
	uint8_t salt[SLOT_SALT_LEN];
	const struct seal_slot *other;
	struct seal_slot *s;
	struct slot_key k;
	uint16_t scope;

	s = slots_find(slots, owner);
	if (s == NULL || s->dead || s->kind != SEAL_SLOT_APP) {
		errno = ENOENT;
		return -1;
	}
	scope = s->scope;
	other = any_scram(slots);
	if (other != NULL)
		memcpy(salt, other->salt, sizeof(salt));
	else
		randombytes_buf(salt, sizeof(salt));
	s = slot_prepare(slots, 0);
	if (s == NULL)
		return -1;
	s->kind = SEAL_SLOT_SCRAM;
	s->scope = scope;
	s->alg = SLOT_SCRAM;
	s->kdf.ops = SEAL_SCRAM_ITERATIONS;
	memcpy(s->salt, salt, sizeof(salt));
	salted_password(code, strlen(code), salt, s->kdf.ops, salted);
	hmac(salted, sizeof(salted), "Client Key", 10, client);
	put_be32(s->aux + SCRAM_OWNER, owner);
	crypto_hash_sha256(s->aux + SCRAM_STORED, client, sizeof(client));
	hmac(salted, sizeof(salted), "Server Key", 10, s->aux + SCRAM_SERVER);
	s->aux_len = SCRAM_AUX_LEN;
	slot_key_scram(&k, s, client);
	slot_wrap(s, a, &k, amk);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	explicit_bzero(&k, sizeof(k));
	return 0;
}

void
seal_scram_challenge(const struct seal_slots *slots,
    const uint8_t key[SEAL_KEY_LEN], const char *name,
    uint8_t salt[SEAL_SCRAM_SALT], uint32_t *iterations)
{
	const struct seal_slot *s;

	s = any_scram(slots);
	/* Done in either case, for the time it takes. */
	crypto_generichash(salt, SEAL_SCRAM_SALT, (const uint8_t *)name,
	    strlen(name), key, SEAL_KEY_LEN);
	*iterations = SEAL_SCRAM_ITERATIONS;
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
		owner = slots_find(slots, get_be32(s->aux + SCRAM_OWNER));
		if (owner == NULL || owner->dead ||
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
