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
 * Opening frames of the log: apart, so that who only checks them cannot.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_local.h"
#include "seal_log.h"

int
seal_frame_open(const uint8_t key[SEAL_KEY_LEN], const struct seal_frame *f,
    uint8_t chain[SEAL_CHAIN_LEN], const uint8_t *frame, uint8_t *out,
    size_t *len)
{
	uint8_t ad[FRAME_AD];
	size_t sealed, payload;

	sealed = f->len - SEAL_FRAME_HEADER;
	payload = sealed - SEAL_TAG_LEN;
	frame_ad(frame, chain, ad);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		frame + SEAL_FRAME_HEADER, sealed, ad, sizeof(ad),
		frame + FRAME_NONCE, key) != 0)
		goto bad;
	*len = get_be32(out);
	if (*len > payload - 4 || frame_payload(*len) != payload)
		goto bad;
	memmove(out, out + 4, *len);
	memcpy(chain, frame + SEAL_FRAME_HEADER + payload, SEAL_CHAIN_LEN);
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}
