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
 * From a secret to the master key: derivation of a slot's key, the commitment
 * that is compared before the AEAD is tried, wrapping and unwrapping.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "slot_local.h"

#define CODE_KEY_CONTEXT "sealmail code key"
#define WRAP_CONTEXT "sealmail slot"
#define KDF_OPS_MAX 16
#define KDF_MEM_MAX (1024ULL * 1024 * 1024)

const struct seal_kdf seal_kdf_standard = {3, 64ULL * 1024 * 1024};
const struct seal_kdf seal_kdf_light = {2, 19ULL * 1024 * 1024};
const struct seal_kdf seal_kdf_low = {1, 8192};

bool
kdf_valid(const struct seal_kdf *k)
{
	return k->ops >= 1 && k->ops <= KDF_OPS_MAX && k->mem >= 8192 &&
	    k->mem <= KDF_MEM_MAX && k->mem % 1024 == 0;
}

int
slot_key_password(struct slot_key *sk, const char *secret, size_t len,
    const uint8_t salt[SLOT_SALT_LEN], const struct seal_kdf *kdf)
{
	uint8_t out[64];
	int ret;

	_Static_assert(SLOT_SALT_LEN == crypto_pwhash_SALTBYTES, "salt");
	if (!kdf_valid(kdf)) {
		errno = EINVAL;
		return -1;
	}
	ret = crypto_pwhash(out, sizeof(out), secret, len, salt, kdf->ops,
	    (size_t)kdf->mem, crypto_pwhash_ALG_ARGON2ID13);
	if (ret == 0) {
		memcpy(sk->kek, out, SEAL_KEY_LEN);
		memcpy(sk->commit, out + SEAL_KEY_LEN, SEAL_SUM_LEN);
	} else
		errno = ENOMEM;
	explicit_bzero(out, sizeof(out));
	return ret;
}

void
slot_key_code(struct slot_key *sk, const uint8_t secret[CODE_SECRET_LEN],
    enum seal_slot_kind kind, uint32_t id, const uint8_t salt[SLOT_SALT_LEN])
{
	crypto_generichash_state st;
	uint8_t out[64], head[5];

	head[0] = (uint8_t)kind;
	put_be32(head + 1, id);
	crypto_generichash_init(&st, secret, CODE_SECRET_LEN, sizeof(out));
	crypto_generichash_update(&st, (const uint8_t *)CODE_KEY_CONTEXT,
	    sizeof(CODE_KEY_CONTEXT) - 1);
	crypto_generichash_update(&st, head, sizeof(head));
	crypto_generichash_update(&st, salt, SLOT_SALT_LEN);
	crypto_generichash_final(&st, out, sizeof(out));
	memcpy(sk->kek, out, SEAL_KEY_LEN);
	memcpy(sk->commit, out + SEAL_KEY_LEN, SEAL_SUM_LEN);
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&st, sizeof(st));
}

#define WRAP_AD                                                            \
	(sizeof(WRAP_CONTEXT) - 1 + 1 + SEAL_ID_LEN + 4 + 1 + 2 + 1 + 16 + \
	    SLOT_SALT_LEN + SEAL_SUM_LEN)

/* Everything of a slot that decides what its secret may do. */
static void
wrap_ad(const struct seal_slot *s, const struct seal_account *a,
    uint8_t ad[WRAP_AD])
{
	uint8_t *p = ad;

	memcpy(p, WRAP_CONTEXT, sizeof(WRAP_CONTEXT) - 1);
	p += sizeof(WRAP_CONTEXT) - 1;
	*p++ = SEAL_SUITE;
	memcpy(p, a->id, SEAL_ID_LEN);
	p += SEAL_ID_LEN;
	put_be32(p, s->id);
	p[4] = s->kind;
	put_be16(p + 5, s->scope);
	p[7] = s->alg;
	put_be64(p + 8, s->kdf.ops);
	put_be64(p + 16, s->kdf.mem);
	p += 24;
	memcpy(p, s->salt, SLOT_SALT_LEN);
	memcpy(p + SLOT_SALT_LEN, s->commit, SEAL_SUM_LEN);
}

void
slot_wrap(struct seal_slot *s, const struct seal_account *a,
    const struct slot_key *sk, const uint8_t *amk)
{
	uint8_t ad[WRAP_AD];

	memcpy(s->commit, sk->commit, SEAL_SUM_LEN);
	randombytes_buf(s->nonce, sizeof(s->nonce));
	wrap_ad(s, a, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->wrapped, NULL, amk,
	    SEAL_KEY_LEN, ad, sizeof(ad), NULL, s->nonce, sk->kek);
	s->wrapped_len = SEAL_KEY_LEN + SEAL_TAG_LEN;
}

int
slot_unwrap(const struct seal_slot *s, const struct seal_account *a,
    const struct slot_key *sk, uint8_t *amk)
{
	uint8_t ad[WRAP_AD];

	if (s->wrapped_len != SEAL_KEY_LEN + SEAL_TAG_LEN ||
	    sodium_memcmp(s->commit, sk->commit, SEAL_SUM_LEN) != 0)
		goto bad;
	wrap_ad(s, a, ad);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(amk, NULL, NULL,
		s->wrapped, s->wrapped_len, ad, sizeof(ad), s->nonce,
		sk->kek) == 0)
		return 0;
bad:
	errno = EACCES;
	return -1;
}
