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
 * Opening blobs: the stanza with a ring, everything else with the message's
 * key.  Only what has verified is handed out.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring_local.h"
#include "seal_read.h"

struct seal_table {
	uint64_t size[2]; /* plain octets of body and summary */
	uint32_t n[2];    /* chunks of each */
	int64_t date;
	uint64_t *off; /* of chunk i, body's first; one more at the end */
	uint8_t *flags;
};

static int
stanza_text(struct cursor *c, char *buf, size_t max)
{
	size_t len;

	len = cursor_bytes(c, (uint8_t *)buf, max);
	buf[len] = '\0';
	return memchr(buf, '\0', len) == NULL ? 0 : -1;
}

static int
stanza_parse(const uint8_t *plain, size_t len, struct seal_stanza *s)
{
	struct cursor c = {.p = plain, .left = len};
	const uint8_t *p;

	memset(s, 0, sizeof(*s));
	if (cursor_u8(&c) != STANZA_VERSION || cursor_u8(&c) != 0 ||
	    cursor_u16(&c) != 0)
		return -1;
	p = cursor_raw(&c, SEAL_KEY_LEN);
	memcpy(s->key, p, SEAL_KEY_LEN);
	p = cursor_raw(&c, SEAL_ID_LEN);
	memcpy(s->delivery_id, p, SEAL_ID_LEN);
	s->flags = cursor_u64(&c);
	if (stanza_text(&c, s->from, SEAL_ADDR_MAX) == -1 ||
	    stanza_text(&c, s->to, SEAL_ADDR_MAX) == -1 ||
	    stanza_text(&c, s->hint, SEAL_HINT_MAX) == -1 ||
	    stanza_text(&c, s->verdicts, SEAL_VERDICTS_MAX) == -1 || c.bad)
		return -1;
	while (c.left > 0) {
		if (cursor_u8(&c) != 0)
			return -1;
	}
	return 0;
}

/* By the agreement of the ephemeral key, which begins it, with the ring's. */
static int
stanza_shared(const struct ring_delivery *d, const struct seal_trailer *t,
    uint8_t plain[STANZA_KEPT])
{
	static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	uint8_t shared[SEAL_KEY_LEN], key[SEAL_KEY_LEN];
	int ret;

	ret = crypto_box_beforenm(shared, t->stanza, d->sk);
	if (ret == 0) {
		stanza_key(shared, t->head, d->pub.pk, t->stanza, key);
		ret = crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL,
		    NULL, t->stanza + STANZA_HEAD, STANZA_SEALED - STANZA_HEAD,
		    NULL, 0, nonce, key);
	}
	explicit_bzero(shared, sizeof(shared));
	explicit_bzero(key, sizeof(key));
	return ret;
}

int
seal_stanza_open(const struct seal_ring *r, const struct seal_trailer *t,
    struct seal_stanza *s)
{
	const struct ring_delivery *d = NULL;
	uint8_t plain[STANZA_PLAIN];
	int ret = -1;

	for (uint32_t i = 0; i < r->ndelivery; i++) {
		if (memcmp(r->delivery[i].pub.keyid, t->keyid,
			SEAL_KEYID_LEN) == 0)
			d = &r->delivery[i];
	}
	if (d == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (t->alone) {
		if (crypto_box_seal_open(
			plain, t->stanza, STANZA_SEALED, d->pub.pk, d->sk) == 0)
			ret = stanza_parse(plain, STANZA_PLAIN, s);
	} else if (stanza_shared(d, t, plain) == 0)
		ret = stanza_parse(plain, STANZA_KEPT, s);
	explicit_bzero(plain, sizeof(plain));
	if (ret == -1) {
		explicit_bzero(s, sizeof(*s));
		errno = EBADMSG;
	}
	return ret;
}

int
seal_reader_init(struct seal_reader *r, const uint8_t header[SEAL_HEADER_LEN],
    const uint8_t key[SEAL_KEY_LEN])
{
	uint8_t commit[SEAL_SUM_LEN];
	struct seal_header h;

	memset(r, 0, sizeof(*r));
	if (seal_header_parse(header, &h) == -1)
		return -1;
	blob_derive(header, key, commit, r->key);
	if (sodium_memcmp(commit, header + 32, sizeof(commit)) != 0) {
		explicit_bzero(r, sizeof(*r));
		errno = EBADMSG;
		return -1;
	}
	r->codec = h.codec;
	crypto_generichash(
	    r->ad, sizeof(r->ad), header, SEAL_HEADER_LEN, NULL, 0);
	return 0;
}

static int
reader_aead(const struct seal_reader *r, enum seal_kind kind, uint32_t index,
    bool last, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	blob_nonce(nonce, kind, index, last);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, len,
		r->ad, sizeof(r->ad), nonce, r->key) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}

int
seal_locator_open(const struct seal_reader *r, const struct seal_trailer *t,
    uint64_t *off, size_t *len)
{
	uint8_t where[12];

	if (reader_aead(r, SEAL_LOCATOR, 0, true, t->locator,
		TRAILER_LOCATOR_LEN, where) == -1)
		return -1;
	*off = get_be64(where);
	*len = get_be32(where + 8);
	if (*len < table_sealed_len(TABLE_HEADER) ||
	    *len > table_sealed_len(TABLE_MAX) || *off < SEAL_HEADER_LEN ||
	    t->size < SEAL_TRAILER_LEN || *off > t->size - SEAL_TRAILER_LEN ||
	    *len > t->size - SEAL_TRAILER_LEN - *off) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

/* The sizes and counts: all chunks but the last are full. */
static int
table_header(struct seal_table *t, const uint8_t *p, size_t len)
{
	t->n[SEAL_BODY] = get_be32(p + 4);
	t->n[SEAL_SUMMARY] = get_be32(p + 8);
	t->size[SEAL_BODY] = get_be64(p + 16);
	t->size[SEAL_SUMMARY] = get_be64(p + 24);
	t->date = (int64_t)get_be64(p + 32);
	if (p[0] != TABLE_VERSION || get_be16(p + 2) != 0 ||
	    get_be32(p + 12) != 0)
		return -1;
	for (int k = SEAL_BODY; k <= SEAL_SUMMARY; k++) {
		if (t->n[k] < 1 || t->n[k] > SEAL_CHUNKS_MAX ||
		    t->size[k] / SEAL_CHUNK != t->n[k] - 1)
			return -1;
	}
	if (len !=
	    TABLE_HEADER + 4 * ((size_t)t->n[SEAL_BODY] + t->n[SEAL_SUMMARY]))
		return -1;
	return 0;
}

static uint32_t
table_plain_len(const struct seal_table *t, enum seal_kind kind, uint32_t index)
{
	return index == t->n[kind] - 1 ? t->size[kind] % SEAL_CHUNK :
					 SEAL_CHUNK;
}

static int
table_entries(struct seal_table *t, const uint8_t *p)
{
	uint64_t off = SEAL_HEADER_LEN;
	uint32_t entry, len, plain, i = 0;

	for (int k = SEAL_BODY; k <= SEAL_SUMMARY; k++) {
		for (uint32_t j = 0; j < t->n[k]; j++, i++, p += 4) {
			entry = get_be32(p);
			len = entry & ~TABLE_COMPRESSED;
			plain = table_plain_len(t, (enum seal_kind)k, j);
			if (len > plain ||
			    ((entry & TABLE_COMPRESSED) == 0 && len != plain))
				return -1;
			t->off[i] = off;
			if ((entry & TABLE_COMPRESSED) != 0)
				t->flags[i] = SEAL_COMPRESSED;
			off += len + SEAL_TAG_LEN;
		}
	}
	t->off[i] = off;
	return 0;
}

/* The plain table from its chunks; NULL if one does not verify. */
static uint8_t *
table_plain(const struct seal_reader *r, const uint8_t *in, size_t len,
    size_t *plain_len)
{
	uint8_t *plain;
	size_t done = 0, n;
	uint32_t index = 0;
	bool last;

	*plain_len = len;
	plain = malloc(len);
	if (plain == NULL)
		return NULL;
	for (last = false; !last; index++) {
		last = len < SEAL_CHUNK + SEAL_TAG_LEN;
		n = last ? len : SEAL_CHUNK + SEAL_TAG_LEN;
		if (n < SEAL_TAG_LEN ||
		    reader_aead(r, SEAL_TABLE, index, last, in, n,
			plain + done) == -1) {
			free(plain);
			errno = EBADMSG;
			return NULL;
		}
		in += n;
		len -= n;
		done += n - SEAL_TAG_LEN;
	}
	*plain_len = done;
	return plain;
}

struct seal_table *
seal_table_open(const struct seal_reader *r, const uint8_t *in, size_t len)
{
	struct seal_table *t = NULL;
	uint8_t *plain;
	size_t n;

	if (len < table_sealed_len(TABLE_HEADER) ||
	    len > table_sealed_len(TABLE_MAX)) {
		errno = EBADMSG;
		return NULL;
	}
	plain = table_plain(r, in, len, &len);
	if (plain == NULL)
		return NULL;
	errno = EBADMSG;
	if (len < TABLE_HEADER)
		goto err;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		goto err;
	errno = EBADMSG;
	if (plain[1] != r->codec || table_header(t, plain, len) == -1)
		goto err;
	n = (size_t)t->n[SEAL_BODY] + t->n[SEAL_SUMMARY];
	t->off = calloc(n + 1, sizeof(*t->off));
	t->flags = calloc(n, sizeof(*t->flags));
	if (t->off == NULL || t->flags == NULL)
		goto err;
	errno = EBADMSG;
	if (table_entries(t, plain + TABLE_HEADER) == -1)
		goto err;
	free(plain);
	return t;
err:
	free(plain);
	seal_table_free(t);
	return NULL;
}

void
seal_table_free(struct seal_table *t)
{
	if (t == NULL)
		return;
	free(t->off);
	free(t->flags);
	free(t);
}

uint64_t
seal_table_size(const struct seal_table *t, enum seal_kind kind)
{
	return kind > SEAL_SUMMARY ? 0 : t->size[kind];
}

uint32_t
seal_table_chunks(const struct seal_table *t, enum seal_kind kind)
{
	return kind > SEAL_SUMMARY ? 0 : t->n[kind];
}

int64_t
seal_table_date(const struct seal_table *t)
{
	return t->date;
}

int
seal_table_chunk(const struct seal_table *t, enum seal_kind kind,
    uint32_t index, struct seal_chunk *c)
{
	uint32_t i;

	memset(c, 0, sizeof(*c));
	if (kind > SEAL_SUMMARY || index >= t->n[kind]) {
		errno = EINVAL;
		return -1;
	}
	i = kind == SEAL_BODY ? index : t->n[SEAL_BODY] + index;
	c->off = t->off[i];
	c->len = (uint32_t)(t->off[i + 1] - t->off[i]);
	c->plain_len = table_plain_len(t, kind, index);
	c->flags = t->flags[i];
	c->last = index == t->n[kind] - 1;
	return 0;
}

int
seal_chunk_open(const struct seal_reader *r, enum seal_kind kind,
    uint32_t index, const struct seal_chunk *c, const uint8_t *in, uint8_t *out)
{
	return reader_aead(r, kind, index, c->last, in, c->len, out);
}
