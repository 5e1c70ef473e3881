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
 * Small sealed things of one host, keyed hashes, and ids that follow from
 * others.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_local.h"
#include "seal_read.h"

void
seal_box(const uint8_t key[SEAL_KEY_LEN], const void *ad, size_t ad_len,
    const uint8_t *in, size_t len, uint8_t *out)
{
	_Static_assert(
	    SEAL_BOX_EXTRA == SEAL_NONCE_LEN + SEAL_TAG_LEN, "SEAL_BOX_EXTRA");
	randombytes_buf(out, SEAL_NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    out + SEAL_NONCE_LEN, NULL, in, len, ad, ad_len, NULL, out, key);
}

int
seal_unbox(const uint8_t key[SEAL_KEY_LEN], const void *ad, size_t ad_len,
    const uint8_t *in, size_t len, uint8_t *out)
{
	if (len >= SEAL_BOX_EXTRA &&
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		in + SEAL_NONCE_LEN, len - SEAL_NONCE_LEN, ad, ad_len, in,
		key) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}

void
seal_mac(const uint8_t key[SEAL_KEY_LEN], const void *data, size_t len,
    uint8_t mac[SEAL_SUM_LEN])
{
	crypto_generichash(mac, SEAL_SUM_LEN, data, len, key, SEAL_KEY_LEN);
}

bool
seal_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
seal_derive_id(
    const char *context, const void *data, size_t len, uint8_t id[SEAL_ID_LEN])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, SEAL_ID_LEN);
	crypto_generichash_update(
	    &st, (const uint8_t *)context, strlen(context) + 1);
	crypto_generichash_update(&st, data, len);
	crypto_generichash_final(&st, id, SEAL_ID_LEN);
}

void
seal_random(void *buf, size_t len)
{
	randombytes_buf(buf, len);
}
