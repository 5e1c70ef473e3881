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
 * What the files of libseal share: big-endian fields, a bounded reader, the
 * envelope of key files, and the layouts that more than one of them needs.
 */

#ifndef SEAL_LOCAL_H
#define SEAL_LOCAL_H

#include <sodium.h>

#include "seal.h"

#define SEAL_MAGIC_LEN 8
#define SEAL_NONCE_LEN 24 /* XChaCha20-Poly1305 */
#define SEAL_SIGN_LEN 64  /* Ed25519 signature */

static inline void
put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

static inline uint16_t
get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t
get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

/* A reader that stops at the end: past it, bad is set and zeros are read. */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

uint8_t cursor_u8(struct cursor *);
uint16_t cursor_u16(struct cursor *);
uint32_t cursor_u32(struct cursor *);
uint64_t cursor_u64(struct cursor *);
/* len octets in place, or NULL. */
const uint8_t *cursor_raw(struct cursor *, size_t len);
/* u16 length, at most max octets, copied to buf; the length. */
size_t cursor_bytes(struct cursor *, uint8_t *buf, size_t max);

/*
 * Key files: keys/<kind>.<host>.<version>, all in one envelope, which the
 * account's key signs.
 */
enum keyfile_kind {
	KEYFILE_SLOTS,
	KEYFILE_RING,
	KEYFILE_DELIVERY,
};
#define KEYFILE_HEADER 48
#define KEYFILE_MAX (256 * 1024)
#define KEYFILE_HOSTS 2
#define KEYFILE_TRIES 16 /* of one that is replaced meanwhile: EAGAIN */
#define KEYFILE_NAME_SIZE 48

struct keyfile {
	uint8_t *buf;
	size_t len;
	const uint8_t *body;
	size_t body_len;
	unsigned int host;
	uint64_t version;
};

extern const char *const keyfile_names[];
extern const char *const keyfile_magics[];

/* Envelope and signature of what is in kf->buf; fills the rest. */
int
keyfile_parse(struct keyfile *, enum keyfile_kind, const struct seal_account *);
/* The newest good one of a host's series; -1, ENOENT if there is none. */
int keyfile_load(int dirfd, enum keyfile_kind, const struct seal_account *,
    unsigned int host, struct keyfile *);
/* The same, of the versions below that one. */
int
keyfile_load_below(int dirfd, enum keyfile_kind, const struct seal_account *,
    unsigned int host, uint64_t below, struct keyfile *);
void keyfile_clear(struct keyfile *); /* wipes */
int keyfile_dir(int dirfd);           /* the descriptor of keys/ */
/* The version in a file's name; 0 if it is not of that series. */
uint64_t keyfile_version(const char *, enum keyfile_kind, unsigned int host);
/* A whole regular file of at most max octets; the caller frees *buf. */
int keyfile_read(int dirfd, const char *, size_t max, uint8_t **, size_t *);

/* The body of a delivery file: u16 count, then so many of these. */
#define DELIVERY_RECORD (SEAL_KEYID_LEN + SEAL_KEY_LEN + 8)
#define DELIVERY_MAX 8
/* The newest in a body. */
int delivery_parse(const uint8_t *, size_t, struct seal_delivery *);
void delivery_keyid(const uint8_t pk[SEAL_KEY_LEN], uint8_t id[SEAL_KEYID_LEN]);

/* Frames of the log: offsets, and what is sealed with them. */
#define FRAME_NONCE 24
#define FRAME_SUM 48 /* 16 octets */
#define FRAME_AD (FRAME_SUM + SEAL_TAG_LEN)
size_t frame_payload(size_t len);
void frame_ad(const uint8_t *frame, const uint8_t *chain, uint8_t ad[FRAME_AD]);

/* Blobs. */
#define TRAILER_LOCATOR 40
#define TRAILER_LOCATOR_LEN (12 + SEAL_TAG_LEN)
#define TRAILER_STANZA 144
#define TRAILER_SUM (SEAL_TRAILER_LEN - SEAL_SUM_TAIL)
#define STANZA_SEALED (TRAILER_SUM - TRAILER_STANZA)
/* Form 0: crypto_box_seal.  Form 1: key, salt, ciphertext, tag (sender.c). */
#define TRAILER_FORM 2
#define STANZA_ALONE 0
#define STANZA_SHARED 1
#define STANZA_PLAIN (STANZA_SEALED - (int)crypto_box_SEALBYTES)
#define STANZA_SALT 16
#define STANZA_HEAD (SEAL_KEY_LEN + STANZA_SALT)
#define STANZA_KEPT (STANZA_SEALED - STANZA_HEAD - SEAL_TAG_LEN)
#define STANZA_VERSION 1
#define STANZA_FIXED 60 /* octets before its texts */
#define TABLE_VERSION 1
#define TABLE_HEADER 40
#define TABLE_COMPRESSED 0x80000000U
#define TABLE_MAX (TABLE_HEADER + 4 * 2 * (size_t)SEAL_CHUNKS_MAX)

/* Octets of the table once sealed in chunks. */
static inline size_t
table_sealed_len(size_t plain)
{
	return plain + SEAL_TAG_LEN * (plain / SEAL_CHUNK + 1);
}

/* Commitment and chunk key of a header (its first 32 octets) under K_m. */
void blob_derive(const uint8_t header[SEAL_HEADER_LEN],
    const uint8_t key[SEAL_KEY_LEN], uint8_t commit[SEAL_SUM_LEN],
    uint8_t chunk_key[SEAL_KEY_LEN]);
void blob_nonce(uint8_t nonce[12], enum seal_kind, uint32_t index, bool last);
/*
 * The key of one stanza of form 1, used for it alone, from what its ephemeral
 * key (which begins it, salt next) agreed on with the recipient's key to.
 */
void stanza_key(const uint8_t shared[SEAL_KEY_LEN],
    const uint8_t trailer[TRAILER_LOCATOR], const uint8_t to[SEAL_KEY_LEN],
    const uint8_t stanza[STANZA_HEAD], uint8_t key[SEAL_KEY_LEN]);

/* What blob.c wants of who seals to a key. */
struct seal_sender *sender_ref(struct seal_sender *);
const struct seal_delivery *sender_to(const struct seal_sender *);
int sender_seal(struct seal_sender *, const uint8_t trailer[TRAILER_LOCATOR],
    const uint8_t plain[STANZA_KEPT], uint8_t out[STANZA_SEALED]);

extern const char blob_magic[];
extern const char trailer_magic[];

#endif
