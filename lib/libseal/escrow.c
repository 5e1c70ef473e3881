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
 * An administrator's key for escrow, as two small files of text.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "seal_sealed.h"
#include "slot_local.h"

#define ESCROW_PUBLIC "sealmail escrow public key 1\n"
#define ESCROW_SECRET "sealmail escrow secret key 1\n"
#define ESCROW_SEALED (SEAL_KEY_LEN + SEAL_TAG_LEN)
#define ESCROW_AD (sizeof(ESCROW_SECRET) - 1 + SEAL_KEY_LEN + SEAL_SUM_LEN)
#define HEX_SIZE(n) (2 * (n) + 1)

void
seal_escrow_make(struct seal_escrow *e)
{
	crypto_box_keypair(e->pk, e->sk);
}

void
seal_escrow_public(const struct seal_escrow *e, char text[SEAL_ESCROW_FILE_MAX])
{
	char hex[HEX_SIZE(SEAL_KEY_LEN)];

	seal_hex(e->pk, SEAL_KEY_LEN, hex);
	(void)snprintf(text, SEAL_ESCROW_FILE_MAX, ESCROW_PUBLIC "%s\n", hex);
}

/* What the secret's sealing is bound to. */
static void
escrow_ad(const uint8_t *pk, const uint8_t *commit, uint8_t ad[ESCROW_AD])
{
	const size_t n = sizeof(ESCROW_SECRET) - 1;

	memcpy(ad, ESCROW_SECRET, n);
	memcpy(ad + n, pk, SEAL_KEY_LEN);
	memcpy(ad + n + SEAL_KEY_LEN, commit, SEAL_SUM_LEN);
}

int
seal_escrow_secret(const struct seal_escrow *e, const char *phrase, size_t len,
    const struct seal_kdf *kdf, char text[SEAL_ESCROW_FILE_MAX])
{
	char hex[5][HEX_SIZE(ESCROW_SEALED)];
	uint8_t salt[SLOT_SALT_LEN], nonce[SEAL_NONCE_LEN], ad[ESCROW_AD];
	uint8_t sealed[ESCROW_SEALED];
	struct slot_key k;

	if (len == 0 || len > SEAL_SECRET_MAX) {
		errno = EINVAL;
		return -1;
	}
	randombytes_buf(salt, sizeof(salt));
	if (slot_key_password(&k, phrase, len, salt, kdf) == -1)
		return -1;
	randombytes_buf(nonce, sizeof(nonce));
	escrow_ad(e->pk, k.commit, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, e->sk,
	    SEAL_KEY_LEN, ad, sizeof(ad), NULL, nonce, k.kek);
	seal_hex(e->pk, SEAL_KEY_LEN, hex[0]);
	seal_hex(salt, sizeof(salt), hex[1]);
	seal_hex(k.commit, SEAL_SUM_LEN, hex[2]);
	seal_hex(nonce, sizeof(nonce), hex[3]);
	seal_hex(sealed, sizeof(sealed), hex[4]);
	explicit_bzero(&k, sizeof(k));
	(void)snprintf(text, SEAL_ESCROW_FILE_MAX,
	    ESCROW_SECRET "%s\n%llu %llu %s\n%s\n%s %s\n", hex[0],
	    (unsigned long long)kdf->ops, (unsigned long long)kdf->mem, hex[1],
	    hex[2], hex[3], hex[4]);
	return 0;
}

/* len octets in hexadecimal, then the octet end; what follows, or NULL. */
static const char *
hex_field(const char *p, uint8_t *out, size_t len, char end)
{
	char hex[HEX_SIZE(ESCROW_SEALED)];

	if (p == NULL || strnlen(p, 2 * len + 1) <= 2 * len ||
	    p[2 * len] != end)
		return NULL;
	memcpy(hex, p, 2 * len);
	hex[2 * len] = '\0';
	return seal_unhex(hex, out, len) == -1 ? NULL : p + 2 * len + 1;
}

/* A number without signs and leading zeros, then a space. */
static const char *
number_field(const char *p, uint64_t *n)
{
	size_t len;

	*n = 0;
	if (p == NULL)
		return NULL;
	len = strspn(p, "0123456789");
	if (len == 0 || len > 15 || p[len] != ' ' || *p == '0')
		return NULL;
	for (; *p != ' '; p++)
		*n = *n * 10 + (uint64_t)(*p - '0');
	return p + 1;
}

int
seal_escrow_open(
    const char *text, const char *phrase, size_t len, struct seal_escrow *e)
{
	uint8_t salt[SLOT_SALT_LEN], commit[SEAL_SUM_LEN], ad[ESCROW_AD];
	uint8_t nonce[SEAL_NONCE_LEN], sealed[ESCROW_SEALED];
	const char *p = NULL;
	struct seal_kdf kdf;
	struct slot_key k;
	int ret = -1;

	memset(e, 0, sizeof(*e));
	if (strncmp(text, ESCROW_SECRET, sizeof(ESCROW_SECRET) - 1) == 0)
		p = text + sizeof(ESCROW_SECRET) - 1;
	p = hex_field(p, e->pk, SEAL_KEY_LEN, '\n');
	p = number_field(p, &kdf.ops);
	p = number_field(p, &kdf.mem);
	p = hex_field(p, salt, sizeof(salt), '\n');
	p = hex_field(p, commit, sizeof(commit), '\n');
	p = hex_field(p, nonce, sizeof(nonce), ' ');
	p = hex_field(p, sealed, sizeof(sealed), '\n');
	if (p == NULL || *p != '\0' || !kdf_valid(&kdf)) {
		errno = EBADMSG;
		return -1;
	}
	if (slot_key_password(&k, phrase, len, salt, &kdf) == -1)
		return -1;
	escrow_ad(e->pk, commit, ad);
	errno = EACCES;
	if (sodium_memcmp(k.commit, commit, sizeof(commit)) == 0 &&
	    crypto_aead_xchacha20poly1305_ietf_decrypt(e->sk, NULL, NULL,
		sealed, sizeof(sealed), ad, sizeof(ad), nonce, k.kek) == 0)
		ret = 0;
	explicit_bzero(&k, sizeof(k));
	return ret;
}
