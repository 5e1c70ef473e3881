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
 * What can be read of a blob without its key, and what sealing and opening
 * share: derivation from the message key, nonces, sizes.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seal_local.h"

#define DERIVE_CONTEXT "sealmail blob"
#define STANZA_CONTEXT "sealmail stanza"

const char blob_magic[] = "SEALBLOB";
const char trailer_magic[] = "SEALTAIL";

struct seal_sum {
	crypto_generichash_state st;
};

/*
 * One keyed hash gives the commitment, which tells a wrong key before any
 * Poly1305 is tried, and the key of the chunks, which is thereby bound to
 * codec, chunk size and blob id.
 */
void
blob_derive(const uint8_t header[SEAL_HEADER_LEN],
    const uint8_t key[SEAL_KEY_LEN], uint8_t commit[SEAL_SUM_LEN],
    uint8_t chunk_key[SEAL_KEY_LEN])
{
	crypto_generichash_state st;
	uint8_t out[64];

	crypto_generichash_init(&st, key, SEAL_KEY_LEN, sizeof(out));
	crypto_generichash_update(
	    &st, (const uint8_t *)DERIVE_CONTEXT, sizeof(DERIVE_CONTEXT) - 1);
	crypto_generichash_update(&st, header, 32);
	crypto_generichash_final(&st, out, sizeof(out));
	memcpy(commit, out, SEAL_SUM_LEN);
	memcpy(chunk_key, out + 32, SEAL_KEY_LEN);
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&st, sizeof(st));
}

void
stanza_key(const uint8_t shared[SEAL_KEY_LEN],
    const uint8_t trailer[TRAILER_LOCATOR], const uint8_t to[SEAL_KEY_LEN],
    const uint8_t stanza[STANZA_HEAD], uint8_t key[SEAL_KEY_LEN])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, shared, SEAL_KEY_LEN, SEAL_KEY_LEN);
	crypto_generichash_update(
	    &st, (const uint8_t *)STANZA_CONTEXT, sizeof(STANZA_CONTEXT) - 1);
	crypto_generichash_update(&st, trailer, TRAILER_LOCATOR);
	crypto_generichash_update(&st, to, SEAL_KEY_LEN);
	crypto_generichash_update(&st, stanza, STANZA_HEAD);
	crypto_generichash_final(&st, key, SEAL_KEY_LEN);
	explicit_bzero(&st, sizeof(st));
}

void
blob_nonce(uint8_t nonce[12], enum seal_kind kind, uint32_t index, bool last)
{
	memset(nonce, 0, 12);
	put_be32(nonce, index);
	nonce[4] = (uint8_t)kind;
	nonce[5] = last ? 1 : 0;
}

/*
 * Padme (Nikitin et al., 2019): sizes whose lower half of bits, as counted by
 * the length of the exponent, is zero; at most 12 % more.  Then whole blocks.
 */
uint64_t
seal_padded(uint64_t len)
{
	unsigned int e = 0, s = 0;
	uint64_t mask;

	for (uint64_t v = len; v > 1; v >>= 1)
		e++;
	for (unsigned int v = e; v > 0; v >>= 1)
		s++;
	if (e > s) {
		mask = ((uint64_t)1 << (e - s)) - 1;
		len = (len + mask) & ~mask;
	}
	return (len + SEAL_BLOCK - 1) / SEAL_BLOCK * SEAL_BLOCK;
}

int
seal_header_parse(const uint8_t buf[SEAL_HEADER_LEN], struct seal_header *h)
{
	if (memcmp(buf, blob_magic, SEAL_MAGIC_LEN) != 0 ||
	    buf[8] != SEAL_SUITE || get_be16(buf + 10) != 0 ||
	    get_be32(buf + 12) != SEAL_CHUNK) {
		errno = EBADMSG;
		return -1;
	}
	memset(h, 0, sizeof(*h));
	h->codec = buf[9];
	memcpy(h->id, buf + 16, SEAL_ID_LEN);
	return 0;
}

int
seal_trailer_parse(const uint8_t buf[SEAL_TRAILER_LEN], struct seal_trailer *t)
{
	memset(t, 0, sizeof(*t));
	if (memcmp(buf + TRAILER_SUM + SEAL_SUM_LEN, trailer_magic,
		SEAL_MAGIC_LEN) != 0 ||
	    buf[0] != SEAL_SUITE || buf[1] != SEAL_FORMAT ||
	    buf[TRAILER_FORM] > STANZA_SHARED || buf[3] != 0 ||
	    get_be32(buf + 4) != 0)
		goto bad;
	t->alone = buf[TRAILER_FORM] == STANZA_ALONE;
	memcpy(t->keyid, buf + 8, SEAL_KEYID_LEN);
	memcpy(t->id, buf + 16, SEAL_ID_LEN);
	t->size = get_be64(buf + 32);
	if (t->size % SEAL_BLOCK != 0 ||
	    t->size < SEAL_HEADER_LEN + SEAL_TRAILER_LEN)
		goto bad;
	/* The signature of the sealing host: none in this format. */
	for (size_t i = TRAILER_LOCATOR + TRAILER_LOCATOR_LEN;
	     i < TRAILER_STANZA; i++) {
		if (buf[i] != 0)
			goto bad;
	}
	t->head = buf;
	t->locator = buf + TRAILER_LOCATOR;
	t->stanza = buf + TRAILER_STANZA;
	t->sum = buf + TRAILER_SUM;
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

struct seal_sum *
seal_sum_new(void)
{
	struct seal_sum *s;

	s = aligned_alloc(_Alignof(struct seal_sum), sizeof(*s));
	if (s != NULL)
		crypto_generichash_init(&s->st, NULL, 0, SEAL_SUM_LEN);
	return s;
}

void
seal_sum_update(struct seal_sum *s, const uint8_t *data, size_t len)
{
	crypto_generichash_update(&s->st, data, len);
}

int
seal_sum_end(struct seal_sum *s, const uint8_t sum[SEAL_SUM_LEN])
{
	uint8_t have[SEAL_SUM_LEN];

	crypto_generichash_final(&s->st, have, sizeof(have));
	free(s);
	if (memcmp(have, sum, sizeof(have)) != 0) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}
