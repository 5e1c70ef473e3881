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
 * Trying a secret against an account's slots, and changing them.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "slot_local.h"

#define MAIN_TRIES 2 /* main slots that one try may cost */

/* What a label's encryption is bound to. */
#define LABEL_AD (SEAL_ID_LEN + 4)

void
slot_describe(const struct seal_slot *s, struct seal_slot_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = s->id;
	info->rev = s->rev;
	info->kind = (enum seal_slot_kind)s->kind;
	info->scope = s->scope;
	info->kdf = s->kdf;
	info->created = s->created;
	if (s->alg == SLOT_SEALED)
		memcpy(info->to, s->aux + SEALED_TO, SEAL_KEY_LEN);
}

bool
seal_slots_info(
    const struct seal_slots *slots, size_t i, struct seal_slot_info *info)
{
	for (size_t j = 0; j < slots->n; j++) {
		if (slots->slot[j].dead)
			continue;
		if (i-- == 0) {
			slot_describe(&slots->slot[j], info);
			return true;
		}
	}
	return false;
}

/* A code: its slot only, and where there is none the same hash for nothing. */
static int
try_code(const struct seal_slots *slots, const struct seal_account *a,
    enum seal_slot_kind kind, uint32_t id, const uint8_t *secret, uint8_t *amk,
    struct seal_slot_info *info)
{
	static const struct seal_slot none;
	static const struct seal_account nobody;
	const struct seal_slot *s = NULL;
	struct slot_key sk;
	int ret;

	if (slots != NULL)
		s = slots_find(slots, id);
	if (s == NULL || s->dead || s->kind != kind || s->alg != SLOT_BLAKE2B)
		s = &none;
	slot_key_code(&sk, secret, kind, id, s->salt);
	ret = slot_unwrap(s, a == NULL ? &nobody : a, &sk, amk);
	explicit_bzero(&sk, sizeof(sk));
	if (ret == 0)
		slot_describe(s, info);
	return ret;
}

static int
try_one(const struct seal_slot *s, const struct seal_account *a,
    const char *secret, size_t len, uint8_t *amk, struct seal_slot_info *info)
{
	struct slot_key sk;
	int ret;

	ret = slot_key_password(&sk, secret, len, s->salt, &s->kdf);
	if (ret == 0)
		ret = slot_unwrap(s, a, &sk, amk);
	explicit_bzero(&sk, sizeof(sk));
	if (ret == 0)
		slot_describe(s, info);
	return ret;
}

static int
try_password(const struct seal_slots *slots, const struct seal_account *a,
    const char *secret, size_t len, const struct seal_kdf *kdf, uint8_t *amk,
    struct seal_slot_info *info)
{
	static const uint8_t salt[SLOT_SALT_LEN];
	struct slot_key sk;
	int tries = 0;

	for (size_t i = 0; slots != NULL && i < slots->n; i++) {
		if (slots->slot[i].dead || slots->slot[i].alg != SLOT_ARGON2ID)
			continue;
		if (try_one(&slots->slot[i], a, secret, len, amk, info) == 0)
			return 0;
		if (errno != EACCES)
			return -1;
		if (++tries == MAIN_TRIES)
			break;
	}
	if (tries == 0) {
		if (slot_key_password(&sk, secret, len, salt, kdf) == -1)
			return -1;
		explicit_bzero(&sk, sizeof(sk));
	}
	errno = EACCES;
	return -1;
}

int
seal_slots_try(const struct seal_slots *slots, const struct seal_account *a,
    const char *secret, size_t len, const struct seal_kdf *kdf, uint8_t *amk,
    struct seal_slot_info *info)
{
	uint8_t raw[CODE_SECRET_LEN];
	enum seal_slot_kind kind;
	uint32_t id;
	int ret;

	memset(info, 0, sizeof(*info));
	if (len > SEAL_SECRET_MAX) {
		errno = EACCES;
		return -1;
	}
	if (code_parse(secret, len, &kind, &id, raw) == SEAL_CODE_VALID) {
		ret = try_code(slots, a, kind, id, raw, amk, info);
		explicit_bzero(raw, sizeof(raw));
		return ret;
	}
	return try_password(slots, a, secret, len, kdf, amk, info);
}

/* An id that no slot has. */
static uint32_t
slot_new_id(const struct seal_slots *slots)
{
	uint32_t id;

	do
		id = randombytes_random();
	while (id == 0 || slots_find(slots, id) != NULL);
	return id;
}

struct seal_slot *
slot_prepare(struct seal_slots *slots, uint32_t id)
{
	struct seal_slot *s;
	uint64_t rev = 0;

	for (size_t i = 0; i < slots->n; i++) {
		if (slots->slot[i].rev > rev)
			rev = slots->slot[i].rev;
	}
	if (id != 0) {
		s = slots_find(slots, id);
		if (s == NULL || s->dead) {
			errno = ENOENT;
			return NULL;
		}
	} else {
		id = slot_new_id(slots);
		s = slots_append(slots);
		if (s == NULL)
			return NULL;
	}
	memset(s, 0, sizeof(*s));
	s->id = id;
	s->rev = rev + 1;
	s->gen = slots->gen;
	s->created = (int64_t)time(NULL);
	return s;
}

int
seal_slots_set(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, uint32_t id, const char *secret, size_t len,
    const struct seal_kdf *kdf, uint16_t scope, uint32_t *new_id)
{
	uint8_t salt[SLOT_SALT_LEN];
	struct seal_slot *s;
	struct slot_key sk;

	s = slots_find(slots, id);
	if (len == 0 || len > SEAL_SECRET_MAX ||
	    (s != NULL && s->kind != SEAL_SLOT_MAIN)) {
		errno = EINVAL;
		return -1;
	}
	/* First what may fail, so that a failure leaves all as it was. */
	randombytes_buf(salt, sizeof(salt));
	if (slot_key_password(&sk, secret, len, salt, kdf) == -1)
		return -1;
	s = slot_prepare(slots, id);
	if (s != NULL) {
		s->kind = SEAL_SLOT_MAIN;
		s->scope = scope;
		s->alg = SLOT_ARGON2ID;
		s->kdf = *kdf;
		memcpy(s->salt, salt, sizeof(salt));
		slot_wrap(s, a, &sk, amk);
		if (new_id != NULL)
			*new_id = s->id;
	}
	explicit_bzero(&sk, sizeof(sk));
	return s == NULL ? -1 : 0;
}

static void
label_ad(const struct seal_slot *s, const struct seal_account *a,
    uint8_t ad[LABEL_AD])
{
	memcpy(ad, a->id, SEAL_ID_LEN);
	put_be32(ad + SEAL_ID_LEN, s->id);
}

void
slot_label(struct seal_slot *s, const struct seal_account *a,
    const uint8_t *amk, const char *label)
{
	uint8_t key[SEAL_KEY_LEN], ad[LABEL_AD];
	size_t len;

	len = strlen(label);
	seal_amk_sub(amk, SEAL_SUB_LABEL, key);
	label_ad(s, a, ad);
	randombytes_buf(s->label, SEAL_NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->label + SEAL_NONCE_LEN,
	    NULL, (const uint8_t *)label, len, ad, sizeof(ad), NULL, s->label,
	    key);
	s->label_len = len + SEAL_NONCE_LEN + SEAL_TAG_LEN;
	explicit_bzero(key, sizeof(key));
}

int
seal_slots_code(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, enum seal_slot_kind kind, uint16_t scope,
    const char *label, char code[SEAL_CODE_SIZE], uint32_t *new_id)
{
	uint8_t secret[CODE_SECRET_LEN];
	struct seal_slot *s;
	struct slot_key sk;

	if ((kind != SEAL_SLOT_APP && kind != SEAL_SLOT_RECOVERY) ||
	    strlen(label) > SEAL_LABEL_MAX) {
		errno = EINVAL;
		return -1;
	}
	s = slot_prepare(slots, 0);
	if (s == NULL)
		return -1;
	s->kind = (uint8_t)kind;
	s->scope = scope;
	s->alg = SLOT_BLAKE2B;
	randombytes_buf(s->salt, sizeof(s->salt));
	randombytes_buf(secret, sizeof(secret));
	slot_key_code(&sk, secret, kind, s->id, s->salt);
	slot_wrap(s, a, &sk, amk);
	if (label[0] != '\0')
		slot_label(s, a, amk, label);
	code_format(kind, s->id, secret, code);
	if (new_id != NULL)
		*new_id = s->id;
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(&sk, sizeof(sk));
	return 0;
}

int
slot_bury(struct seal_slots *slots, uint32_t id)
{
	struct seal_slot *s;

	s = slot_prepare(slots, id);
	if (s == NULL)
		return -1;
	s->created = 0;
	s->gen = 0;
	s->dead = true;
	return 0;
}

int
seal_slots_revoke(struct seal_slots *slots, uint32_t id)
{
	struct seal_slot *s;
	int ret;

	if (id == 0) {
		errno = ENOENT;
		return -1;
	}
	ret = slot_bury(slots, id);
	for (size_t i = 0; ret == 0 && i < slots->n; i++) {
		s = &slots->slot[i];
		if (!s->dead && s->alg == SLOT_SCRAM &&
		    get_be32(s->aux + SCRAM_OWNER) == id)
			ret = slot_bury(slots, s->id);
	}
	return ret;
}

int
seal_slots_label(const struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *amk, uint32_t id, char *buf)
{
	uint8_t key[SEAL_KEY_LEN], ad[LABEL_AD];
	const struct seal_slot *s;
	size_t len;
	int ret;

	buf[0] = '\0';
	s = slots_find(slots, id);
	if (s == NULL || s->dead) {
		errno = ENOENT;
		return -1;
	}
	if (s->label_len == 0)
		return 0;
	errno = EBADMSG;
	if (s->label_len < SEAL_NONCE_LEN + SEAL_TAG_LEN)
		return -1;
	len = s->label_len - SEAL_NONCE_LEN - SEAL_TAG_LEN;
	seal_amk_sub(amk, SEAL_SUB_LABEL, key);
	label_ad(s, a, ad);
	ret = crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)buf, NULL,
	    NULL, s->label + SEAL_NONCE_LEN, len + SEAL_TAG_LEN, ad, sizeof(ad),
	    s->label, key);
	buf[ret == 0 ? len : 0] = '\0';
	explicit_bzero(key, sizeof(key));
	if (ret != 0)
		errno = EBADMSG;
	return ret;
}
