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
 * Frames of the operation log: sealing, and reading without a key.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_local.h"
#include "seal_log.h"

#define FRAME_MAGIC 0x53464c31 /* "SFL1" */
#define FRAME_SUM_LEN 16
#define CHAIN_CONTEXT "sealmail log"

size_t
frame_payload(size_t len)
{
	return (4 + len + SEAL_FRAME_ROUND - 1) / SEAL_FRAME_ROUND *
	    SEAL_FRAME_ROUND;
}

size_t
seal_frame_size(size_t len)
{
	return SEAL_FRAME_HEADER + frame_payload(len) + SEAL_TAG_LEN;
}

void
seal_chain_start(const uint8_t account[SEAL_ID_LEN], const uint8_t *writer,
    size_t len, uint8_t chain[SEAL_CHAIN_LEN])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, SEAL_CHAIN_LEN);
	crypto_generichash_update(
	    &st, (const uint8_t *)CHAIN_CONTEXT, sizeof(CHAIN_CONTEXT) - 1);
	crypto_generichash_update(&st, account, SEAL_ID_LEN);
	crypto_generichash_update(&st, writer, len);
	crypto_generichash_final(&st, chain, SEAL_CHAIN_LEN);
}

static void
frame_sum(const uint8_t *frame, size_t len, uint8_t sum[FRAME_SUM_LEN])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, FRAME_SUM_LEN);
	crypto_generichash_update(&st, frame, FRAME_SUM);
	crypto_generichash_update(
	    &st, frame + SEAL_FRAME_HEADER, len - SEAL_FRAME_HEADER);
	crypto_generichash_final(&st, sum, FRAME_SUM_LEN);
}

void
frame_ad(const uint8_t *frame, const uint8_t *chain, uint8_t ad[FRAME_AD])
{
	memcpy(ad, frame, FRAME_SUM);
	memcpy(ad + FRAME_SUM, chain, SEAL_CHAIN_LEN);
}

int
seal_frame_seal(const uint8_t key[SEAL_KEY_LEN], struct seal_frame *f,
    uint8_t chain[SEAL_CHAIN_LEN], const uint8_t *ops, size_t len, uint8_t *out)
{
	uint8_t ad[FRAME_AD], *p;
	size_t payload;

	if (len > SEAL_FRAME_MAX) {
		errno = E2BIG;
		return -1;
	}
	payload = frame_payload(len);
	f->len = (uint32_t)seal_frame_size(len);
	memset(out, 0, SEAL_FRAME_HEADER);
	put_be32(out, FRAME_MAGIC);
	out[4] = SEAL_SUITE;
	out[5] = f->flags;
	put_be16(out + 6, f->nops);
	put_be32(out + 8, f->len);
	put_be32(out + 12, f->epoch);
	put_be64(out + 16, f->seq);
	randombytes_buf(out + FRAME_NONCE, SEAL_NONCE_LEN);
	p = out + SEAL_FRAME_HEADER;
	put_be32(p, (uint32_t)len);
	if (len > 0)
		memcpy(p + 4, ops, len);
	memset(p + 4 + len, 0, payload - 4 - len);
	frame_ad(out, chain, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    p, NULL, p, payload, ad, sizeof(ad), NULL, out + FRAME_NONCE, key);
	frame_sum(out, f->len, out + FRAME_SUM);
	memcpy(chain, p + payload, SEAL_CHAIN_LEN);
	return 0;
}

int
seal_frame_parse(const uint8_t *p, size_t avail, struct seal_frame *f)
{
	memset(f, 0, sizeof(*f));
	if (avail < SEAL_FRAME_HEADER || get_be32(p) != FRAME_MAGIC ||
	    p[4] != SEAL_SUITE)
		goto bad;
	f->flags = p[5];
	f->nops = get_be16(p + 6);
	f->len = get_be32(p + 8);
	f->epoch = get_be32(p + 12);
	f->seq = get_be64(p + 16);
	if (f->len < seal_frame_size(0) ||
	    f->len > seal_frame_size(SEAL_FRAME_MAX) ||
	    (f->len - SEAL_FRAME_HEADER - SEAL_TAG_LEN) % SEAL_FRAME_ROUND != 0)
		goto bad;
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

int
seal_frame_check(const uint8_t *frame, const struct seal_frame *f)
{
	uint8_t sum[FRAME_SUM_LEN];

	frame_sum(frame, f->len, sum);
	if (memcmp(sum, frame + FRAME_SUM, sizeof(sum)) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}
