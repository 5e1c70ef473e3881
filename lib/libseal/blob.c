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
 * Sealing a message: header, chunks, table, padding, trailer.  Only public keys
 * come in here; the message's own key is made, used and wiped within.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seal_local.h"

#define ENTRIES_MIN 6

enum blob_stage {
	BLOB_NEW,
	BLOB_CHUNKS,
	BLOB_TABLE,
	BLOB_PADDING,
	BLOB_TRAILER,
	BLOB_DONE,
};

struct seal_blob {
	crypto_generichash_state sum;
	uint8_t key[SEAL_KEY_LEN];       /* K_m */
	uint8_t chunk_key[SEAL_KEY_LEN]; /* K_c */
	uint8_t ad[SEAL_KEY_LEN];        /* hash of the header */
	uint8_t header[SEAL_HEADER_LEN];
	struct seal_sender *to;
	enum blob_stage stage;
	uint64_t off; /* what has been written */
	uint64_t summed;
	bool later;    /* the first chunk is still to come */
	bool behind;   /* sum lacks what is behind its place */
	uint64_t size; /* of the file; once finished */
	uint64_t table_off;
	int64_t date;      /* internal date, seconds */
	uint64_t plain[2]; /* by kind: body, summary */
	uint32_t nchunks[2];
	bool ended[2];     /* a short chunk has been sealed */
	uint32_t *entries; /* stored lengths, body's first */
	uint32_t nentries;
	uint32_t entries_max;
	uint8_t *table; /* encoded, once finished */
	size_t table_len;
	size_t table_done;
	uint32_t piece; /* index of the next piece of this stage */
	uint8_t trailer[TRAILER_LOCATOR]; /* its beginning */
	uint8_t stanza[STANZA_SEALED];
};

struct seal_blob *
seal_blob_new(
    struct seal_sender *to, uint8_t codec, const uint8_t id[SEAL_ID_LEN])
{
	struct seal_blob *b;
	uint8_t *h;

	/* The hash state asks for more alignment than calloc gives. */
	b = aligned_alloc(_Alignof(struct seal_blob), sizeof(*b));
	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->entries = calloc(ENTRIES_MIN, sizeof(*b->entries));
	if (b->entries == NULL) {
		free(b);
		return NULL;
	}
	b->entries_max = ENTRIES_MIN;
	b->to = sender_ref(to);
	randombytes_buf(b->key, sizeof(b->key));
	h = b->header;
	memcpy(h, blob_magic, SEAL_MAGIC_LEN);
	h[8] = SEAL_SUITE;
	h[9] = codec;
	put_be32(h + 12, SEAL_CHUNK);
	memcpy(h + 16, id, SEAL_ID_LEN);
	blob_derive(h, b->key, h + 32, b->chunk_key);
	crypto_generichash(b->ad, sizeof(b->ad), h, SEAL_HEADER_LEN, NULL, 0);
	crypto_generichash_init(&b->sum, NULL, 0, SEAL_SUM_LEN);
	return b;
}

void
seal_blob_free(struct seal_blob *b)
{
	if (b == NULL)
		return;
	free(b->entries);
	free(b->table);
	seal_sender_free(b->to);
	freezero(b, sizeof(*b));
}

/* Notes what goes to the file. */
static void
blob_account(struct seal_blob *b, const uint8_t *out, size_t len)
{
	b->off += len;
	if (b->behind)
		return;
	crypto_generichash_update(&b->sum, out, len);
	b->summed += len;
}

ssize_t
seal_blob_header(struct seal_blob *b, uint8_t out[SEAL_HEADER_LEN])
{
	if (b->stage != BLOB_NEW) {
		errno = EINVAL;
		return -1;
	}
	memcpy(out, b->header, SEAL_HEADER_LEN);
	blob_account(b, out, SEAL_HEADER_LEN);
	b->stage = BLOB_CHUNKS;
	return SEAL_HEADER_LEN;
}

static size_t
blob_aead(struct seal_blob *b, enum seal_kind kind, uint32_t index, bool last,
    const uint8_t *data, size_t len, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	blob_nonce(nonce, kind, index, last);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, data, len, b->ad,
	    sizeof(b->ad), NULL, nonce, b->chunk_key);
	return len + SEAL_TAG_LEN;
}

static int
blob_entry(struct seal_blob *b, uint32_t entry)
{
	uint32_t *p;

	if (b->nentries == b->entries_max) {
		p = recallocarray(b->entries, b->entries_max,
		    (size_t)b->entries_max * 2, sizeof(*p));
		if (p == NULL)
			return -1;
		b->entries = p;
		b->entries_max *= 2;
	}
	b->entries[b->nentries++] = entry;
	return 0;
}

/* Seals one chunk that has been checked. */
static ssize_t
blob_put(struct seal_blob *b, enum seal_kind kind, uint8_t flags,
    uint32_t plain_len, const uint8_t *data, size_t len, uint8_t *out)
{
	bool last = plain_len < SEAL_CHUNK;
	size_t n;

	if (b->nchunks[kind] == SEAL_CHUNKS_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (blob_entry(b,
		(uint32_t)len |
		    ((flags & SEAL_COMPRESSED) != 0 ? TABLE_COMPRESSED : 0)) ==
	    -1)
		return -1;
	n = blob_aead(b, kind, b->nchunks[kind], last, data, len, out);
	b->nchunks[kind]++;
	b->plain[kind] += plain_len;
	b->ended[kind] = last;
	blob_account(b, out, n);
	return (ssize_t)n;
}

/* The empty chunk that ends a kind whose last one was full, or which has none.
 */
static ssize_t
blob_end(struct seal_blob *b, enum seal_kind kind, uint8_t *out)
{
	if (b->ended[kind])
		return 0;
	return blob_put(b, kind, 0, 0, out, 0, out);
}

ssize_t
seal_blob_chunk(struct seal_blob *b, enum seal_kind kind, uint8_t flags,
    uint32_t plain_len, const uint8_t *data, size_t len,
    uint8_t out[SEAL_PIECE_MAX])
{
	ssize_t n = 0, m;

	errno = EINVAL;
	if (b->stage != BLOB_CHUNKS || kind > SEAL_SUMMARY ||
	    plain_len > SEAL_CHUNK || len > plain_len || b->ended[kind] ||
	    (flags & ~SEAL_COMPRESSED) != 0)
		return -1;
	if ((flags & SEAL_COMPRESSED) == 0 && len != plain_len)
		return -1;
	if (kind == SEAL_BODY && b->nchunks[SEAL_SUMMARY] > 0)
		return -1;
	if (kind == SEAL_SUMMARY) {
		n = blob_end(b, SEAL_BODY, out);
		if (n == -1)
			return -1;
	}
	m = blob_put(b, kind, flags, plain_len, data, len, out + n);
	return m == -1 ? -1 : n + m;
}

ssize_t
seal_blob_later(struct seal_blob *b)
{
	if (b->stage != BLOB_CHUNKS || b->nentries > 0) {
		errno = EINVAL;
		return -1;
	}
	if (blob_entry(b, SEAL_CHUNK) == -1)
		return -1;
	b->nchunks[SEAL_BODY]++;
	b->plain[SEAL_BODY] += SEAL_CHUNK;
	b->later = b->behind = true;
	b->off += SEAL_CHUNK + SEAL_TAG_LEN;
	return SEAL_CHUNK + SEAL_TAG_LEN;
}

ssize_t
seal_blob_first(struct seal_blob *b, const uint8_t data[SEAL_CHUNK],
    uint8_t out[SEAL_PIECE_MAX])
{
	/* Its nonce is used once. */
	if (b->stage != BLOB_CHUNKS || !b->later) {
		errno = EINVAL;
		return -1;
	}
	b->later = false;
	return (ssize_t)blob_aead(
	    b, SEAL_BODY, 0, false, data, SEAL_CHUNK, out);
}

int
seal_blob_sum(struct seal_blob *b, const uint8_t *data, size_t len)
{
	if (!b->behind || b->later || len > b->off - b->summed) {
		errno = EINVAL;
		return -1;
	}
	crypto_generichash_update(&b->sum, data, len);
	b->summed += len;
	b->behind = b->summed < b->off;
	return 0;
}

static int
blob_table(struct seal_blob *b, int64_t date)
{
	uint8_t *t;

	t = calloc(1, b->table_len);
	if (t == NULL)
		return -1;
	t[0] = TABLE_VERSION;
	t[1] = b->header[9];
	put_be32(t + 4, b->nchunks[SEAL_BODY]);
	put_be32(t + 8, b->nchunks[SEAL_SUMMARY]);
	put_be64(t + 16, b->plain[SEAL_BODY]);
	put_be64(t + 24, b->plain[SEAL_SUMMARY]);
	put_be64(t + 32, (uint64_t)date);
	for (uint32_t i = 0; i < b->nentries; i++)
		put_be32(t + TABLE_HEADER + 4 * (size_t)i, b->entries[i]);
	b->table = t;
	return 0;
}

static uint8_t *
stanza_text(uint8_t *p, const char *text)
{
	size_t len;

	len = strlen(text);
	put_be16(p, (uint16_t)len);
	memcpy(p + 2, text, len);
	return p + 2 + len;
}

static int
blob_stanza(struct seal_blob *b, const struct seal_stanza *s)
{
	uint8_t plain[STANZA_KEPT], *p;
	int ret;

	_Static_assert(sizeof(plain) >= STANZA_FIXED + 4 * 2 +
		    2 * SEAL_ADDR_MAX + SEAL_HINT_MAX + SEAL_VERDICTS_MAX,
	    "room in a stanza");

	if (memchr(s->from, '\0', sizeof(s->from)) == NULL ||
	    memchr(s->to, '\0', sizeof(s->to)) == NULL ||
	    memchr(s->hint, '\0', sizeof(s->hint)) == NULL ||
	    memchr(s->verdicts, '\0', sizeof(s->verdicts)) == NULL) {
		errno = EINVAL;
		return -1;
	}
	memset(plain, 0, sizeof(plain));
	plain[0] = STANZA_VERSION;
	memcpy(plain + 4, b->key, SEAL_KEY_LEN);
	memcpy(plain + 36, s->delivery_id, SEAL_ID_LEN);
	put_be64(plain + 52, s->flags);
	p = stanza_text(plain + STANZA_FIXED, s->from);
	p = stanza_text(p, s->to);
	p = stanza_text(p, s->hint);
	(void)stanza_text(p, s->verdicts);
	ret = sender_seal(b->to, b->trailer, plain, b->stanza);
	explicit_bzero(plain, sizeof(plain));
	return ret;
}

/* What a trailer begins with; the stanza is bound to it. */
static void
blob_trailer(struct seal_blob *b)
{
	uint8_t *t = b->trailer;

	memset(t, 0, sizeof(b->trailer));
	t[0] = SEAL_SUITE;
	t[1] = SEAL_FORMAT;
	t[TRAILER_FORM] = STANZA_SHARED;
	memcpy(t + 8, sender_to(b->to)->keyid, SEAL_KEYID_LEN);
	memcpy(t + 16, b->header + 16, SEAL_ID_LEN);
	put_be64(t + 32, b->size);
}

int
seal_blob_finish(struct seal_blob *b, const struct seal_stanza *s, int64_t date)
{
	uint64_t ends = 0;

	if (b->stage != BLOB_CHUNKS || b->behind) {
		errno = EINVAL;
		return -1;
	}
	/* Counted here, sealed by the first seal_blob_next(). */
	for (int k = SEAL_BODY; k <= SEAL_SUMMARY; k++) {
		if (!b->ended[k])
			ends += SEAL_TAG_LEN;
	}
	b->table_off = b->off + ends;
	b->table_len = TABLE_HEADER +
	    4 * ((size_t)b->nentries + (size_t)ends / SEAL_TAG_LEN);
	b->size = seal_padded(
	    b->table_off + table_sealed_len(b->table_len) + SEAL_TRAILER_LEN);
	blob_trailer(b);
	if (blob_stanza(b, s) == -1)
		return -1;
	b->stage = BLOB_TABLE;
	b->date = date;
	return 0;
}

uint64_t
seal_blob_size(const struct seal_blob *b)
{
	return b->size;
}

uint64_t
seal_blob_plain(const struct seal_blob *b, enum seal_kind kind)
{
	return kind > SEAL_SUMMARY ? 0 : b->plain[kind];
}

void
seal_blob_key(const struct seal_blob *b, uint8_t key[SEAL_KEY_LEN])
{
	memcpy(key, b->key, SEAL_KEY_LEN);
}

/* The ends of both kinds before the table's first piece, then its pieces. */
static ssize_t
blob_next_table(struct seal_blob *b, uint8_t *out)
{
	size_t n, len;
	ssize_t a = 0, s = 0;
	bool last;

	if (b->table == NULL) {
		a = blob_end(b, SEAL_BODY, out);
		if (a != -1)
			s = blob_end(b, SEAL_SUMMARY, out + a);
		if (a == -1 || s == -1 || blob_table(b, b->date) == -1)
			return -1;
	}
	len = b->table_len - b->table_done;
	last = len < SEAL_CHUNK;
	if (!last)
		len = SEAL_CHUNK;
	n = blob_aead(b, SEAL_TABLE, b->piece, last, b->table + b->table_done,
	    len, out + a + s);
	blob_account(b, out + a + s, n);
	b->table_done += len;
	b->piece++;
	if (last) {
		b->stage = BLOB_PADDING;
		b->piece = 0;
	}
	return a + s + (ssize_t)n;
}

/* Padding must not be told from ciphertext: a keystream. */
static size_t
blob_next_padding(struct seal_blob *b, uint8_t *out, size_t room)
{
	uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	uint64_t left;
	size_t n;

	left = b->size - SEAL_TRAILER_LEN - b->off;
	n = left < room ? (size_t)left : room;
	if (n > SEAL_CHUNK)
		n = SEAL_CHUNK;
	if (n > 0) {
		blob_nonce(nonce, SEAL_PADDING, b->piece++, false);
		crypto_stream_chacha20_ietf(out, n, nonce, b->chunk_key);
		blob_account(b, out, n);
	}
	if (n == left)
		b->stage = BLOB_TRAILER;
	return n;
}

static size_t
blob_next_trailer(struct seal_blob *b, uint8_t *out)
{
	uint8_t where[12];

	memset(out, 0, TRAILER_STANZA);
	memcpy(out, b->trailer, sizeof(b->trailer));
	put_be64(where, b->table_off);
	put_be32(where + 8, (uint32_t)table_sealed_len(b->table_len));
	(void)blob_aead(b, SEAL_LOCATOR, 0, true, where, sizeof(where),
	    out + TRAILER_LOCATOR);
	memcpy(out + TRAILER_STANZA, b->stanza, STANZA_SEALED);
	blob_account(b, out, TRAILER_SUM);
	crypto_generichash_final(&b->sum, out + TRAILER_SUM, SEAL_SUM_LEN);
	memcpy(out + TRAILER_SUM + SEAL_SUM_LEN, trailer_magic, SEAL_MAGIC_LEN);
	b->stage = BLOB_DONE;
	return SEAL_TRAILER_LEN;
}

ssize_t
seal_blob_next(struct seal_blob *b, uint8_t *out, size_t size)
{
	size_t done = 0;
	ssize_t n;

	if (b->stage < BLOB_TABLE || size < SEAL_PIECE_MAX) {
		errno = EINVAL;
		return -1;
	}
	while (b->stage == BLOB_TABLE && size - done >= SEAL_PIECE_MAX) {
		n = blob_next_table(b, out + done);
		if (n == -1)
			return -1;
		done += (size_t)n;
	}
	while (b->stage == BLOB_PADDING && size > done)
		done += blob_next_padding(b, out + done, size - done);
	if (b->stage == BLOB_TRAILER && size - done >= SEAL_TRAILER_LEN)
		done += blob_next_trailer(b, out + done);
	return (ssize_t)done;
}
