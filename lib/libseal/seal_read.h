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
 * Opening: blobs with the ring or with a message's key, local sealed files, and
 * the keyed hashes of a vault.  See seal.h for errors.
 */

#ifndef SEAL_READ_H
#define SEAL_READ_H

#include "seal.h"

struct seal_ring;

/* Opening what was sealed to one of the ring's delivery keys. */
int seal_stanza_open(const struct seal_ring *, const struct seal_trailer *,
    struct seal_stanza *);

/* Reading a blob with K_m.  The caller wipes the struct. */
struct seal_reader {
	uint8_t key[SEAL_KEY_LEN]; /* K_c */
	uint8_t ad[SEAL_KEY_LEN];  /* hash of the header */
	uint8_t codec;
};
int seal_reader_init(struct seal_reader *,
    const uint8_t header[SEAL_HEADER_LEN], const uint8_t key[SEAL_KEY_LEN]);
/* Where the table lies in the file, and its sealed length. */
int seal_locator_open(const struct seal_reader *, const struct seal_trailer *,
    uint64_t *off, size_t *len);
struct seal_table;
struct seal_table *
seal_table_open(const struct seal_reader *, const uint8_t *, size_t len);
void seal_table_free(struct seal_table *);
uint64_t seal_table_size(const struct seal_table *, enum seal_kind);
uint32_t seal_table_chunks(const struct seal_table *, enum seal_kind);
int64_t seal_table_date(const struct seal_table *);
struct seal_chunk {
	uint64_t off;       /* in the file */
	uint32_t len;       /* sealed octets there */
	uint32_t plain_len; /* after opening and decompression */
	uint8_t flags;
	bool last;
};
int seal_table_chunk(const struct seal_table *, enum seal_kind, uint32_t index,
    struct seal_chunk *);
/* len - SEAL_TAG_LEN octets to out, which may be in. */
int seal_chunk_open(const struct seal_reader *, enum seal_kind, uint32_t index,
    const struct seal_chunk *, const uint8_t *in, uint8_t *out);

/* Local files: nonce | ciphertext | tag; out has len + SEAL_BOX_EXTRA. */
#define SEAL_BOX_EXTRA 40
void seal_box(const uint8_t key[SEAL_KEY_LEN], const void *ad, size_t ad_len,
    const uint8_t *in, size_t len, uint8_t *out);
int seal_unbox(const uint8_t key[SEAL_KEY_LEN], const void *ad, size_t ad_len,
    const uint8_t *in, size_t len, uint8_t *out);

/* Keyed BLAKE2b, 32 octets: the head file, proofs, secret tags. */
void seal_mac(const uint8_t key[SEAL_KEY_LEN], const void *, size_t len,
    uint8_t mac[SEAL_SUM_LEN]);
bool seal_equal(const void *, const void *, size_t); /* constant time */
/* An id that follows from others: instances, moves.  BLAKE2b, 16 octets. */
void seal_derive_id(
    const char *context, const void *, size_t len, uint8_t id[SEAL_ID_LEN]);
void seal_random(void *, size_t);

#endif
