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
 * Fuzzer of libseal's decoders.  The first octet chooses which; the rest is
 * what it reads, sealed or signed here where the decoder wants that first:
 * whoever holds an account's keys, or its peer host, must not break a vault
 * either.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ring_local.h"
#include "seal_log.h"
#include "seal_read.h"
#include "slot_local.h"

#define HEADER_TABLE 64
#define PLAIN_MAX 65536

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static struct seal_account account;
static struct seal_ring *ring;
static uint8_t amk[SEAL_KEY_LEN];
static const struct ring_room room = {1, 1, 0}, none = {0, 0, 0};

static void
set_up(void)
{
	if (ring != NULL)
		return;
	if (seal_init() == -1)
		abort();
	ring = ring_new(&account, amk, &room);
	if (ring == NULL)
		abort();
	ring_delivery_new(&ring->delivery[0], 1);
	ring->ndelivery = 1;
	ring->roots[0].from = 1;
	ring->nroots = 1;
}

/* What decodes encodes to what decodes to the same. */
static void
fuzz_slots(const uint8_t *data, size_t len)
{
	struct seal_slots *a, *b;
	uint8_t *one, *two;
	size_t size, n;

	a = seal_slots_new();
	b = seal_slots_new();
	size = 2 + SEAL_SLOTS_MAX * (size_t)SLOT_RECORD_MAX;
	one = malloc(size);
	two = malloc(size);
	if (a == NULL || b == NULL || one == NULL || two == NULL)
		abort();
	if (slots_decode(a, data, len) == 0) {
		n = slots_encode(a, one, size);
		if (n == 0 || slots_decode(b, one, n) == -1 ||
		    slots_encode(b, two, size) != n || memcmp(one, two, n) != 0)
			abort();
	}
	free(one);
	free(two);
	seal_slots_free(a);
	seal_slots_free(b);
}

static void
fuzz_ring(const uint8_t *data, size_t len)
{
	uint8_t header[KEYFILE_HEADER] = {0}, key[SEAL_KEY_LEN], *sealed;
	struct seal_ring *r;

	sealed = malloc(len + SEAL_BOX_EXTRA);
	r = ring_new(&account, amk, &none);
	if (sealed == NULL || r == NULL)
		abort();
	seal_amk_sub(amk, SEAL_SUB_RING, key);
	seal_box(key, header, sizeof(header), data, len, sealed);
	if (ring_merge(&r, amk, header, sealed, len + SEAL_BOX_EXTRA) == 0 &&
	    (r->nroots > RING_ROOTS_MAX || r->ndelivery > RING_DELIVERY_MAX ||
		r->nearlier > RING_EARLIER_MAX))
		abort();
	seal_ring_free(r);
	free(sealed);
}

static void
fuzz_stanza(const uint8_t *data, size_t len)
{
	uint8_t plain[STANZA_PLAIN] = {0}, trailer[SEAL_TRAILER_LEN] = {0};
	struct seal_trailer t = {.alone = true};
	struct seal_stanza s;

	t.stanza = trailer + TRAILER_STANZA;
	memcpy(plain, data, len < sizeof(plain) ? len : sizeof(plain));
	memcpy(t.keyid, ring->delivery[0].pub.keyid, sizeof(t.keyid));
	if (crypto_box_seal(trailer + TRAILER_STANZA, plain, sizeof(plain),
		ring->delivery[0].pub.pk) != 0)
		abort();
	if (seal_stanza_open(ring, &t, &s) == 0 &&
	    (strlen(s.from) > SEAL_ADDR_MAX || strlen(s.to) > SEAL_ADDR_MAX ||
		strlen(s.hint) > SEAL_HINT_MAX ||
		strlen(s.verdicts) > SEAL_VERDICTS_MAX))
		abort();
}

/* The same of form 1. */
static void
fuzz_shared(const uint8_t *data, size_t len)
{
	static struct seal_sender *sender;
	uint8_t plain[STANZA_KEPT] = {0}, trailer[SEAL_TRAILER_LEN] = {0};
	struct seal_trailer t = {.alone = false};
	struct seal_stanza s;

	if (sender == NULL)
		sender = seal_sender_new(&ring->delivery[0].pub);
	t.head = trailer;
	t.stanza = trailer + TRAILER_STANZA;
	memcpy(plain, data, len < sizeof(plain) ? len : sizeof(plain));
	memcpy(t.keyid, ring->delivery[0].pub.keyid, sizeof(t.keyid));
	if (sender == NULL ||
	    sender_seal(sender, trailer, plain, trailer + TRAILER_STANZA) == -1)
		abort();
	if (seal_stanza_open(ring, &t, &s) == 0 &&
	    (strlen(s.from) > SEAL_ADDR_MAX || strlen(s.to) > SEAL_ADDR_MAX ||
		strlen(s.hint) > SEAL_HINT_MAX ||
		strlen(s.verdicts) > SEAL_VERDICTS_MAX))
		abort();
	trailer[16] ^= 1;
	if (seal_stanza_open(ring, &t, &s) == 0)
		abort();
}

static void
fuzz_table(const uint8_t *data, size_t len)
{
	struct seal_reader r = {.codec = 1};
	uint8_t nonce[12], *sealed;
	uint64_t off = HEADER_TABLE;
	struct seal_chunk c;
	struct seal_table *t;

	if (len >= SEAL_CHUNK)
		len = SEAL_CHUNK - 1;
	sealed = malloc(len + SEAL_TAG_LEN);
	if (sealed == NULL)
		abort();
	blob_nonce(nonce, SEAL_TABLE, 0, true);
	crypto_aead_chacha20poly1305_ietf_encrypt(
	    sealed, NULL, data, len, r.ad, sizeof(r.ad), NULL, nonce, r.key);
	t = seal_table_open(&r, sealed, len + SEAL_TAG_LEN);
	for (int k = SEAL_BODY; t != NULL && k <= SEAL_SUMMARY; k++) {
		for (uint32_t i = 0;
		     i < seal_table_chunks(t, (enum seal_kind)k); i++) {
			if (seal_table_chunk(t, (enum seal_kind)k, i, &c) ==
				-1 ||
			    c.off != off || c.len < SEAL_TAG_LEN ||
			    c.len > SEAL_CHUNK + SEAL_TAG_LEN ||
			    c.plain_len > SEAL_CHUNK)
				abort();
			off += c.len;
		}
	}
	seal_table_free(t);
	free(sealed);
}

static void
fuzz_keyless(const uint8_t *data, size_t len)
{
	struct seal_delivery d;
	struct seal_account a;
	struct seal_trailer t;
	struct seal_header h;
	struct keyfile kf;

	(void)seal_account_parse(data, len, &a);
	(void)delivery_parse(data, len, &d);
	if (len >= SEAL_HEADER_LEN)
		(void)seal_header_parse(data, &h);
	if (len >= SEAL_TRAILER_LEN)
		(void)seal_trailer_parse(data, &t);
	memset(&kf, 0, sizeof(kf));
	kf.buf = malloc(len + 1);
	if (kf.buf == NULL)
		abort();
	memcpy(kf.buf, data, len);
	kf.len = len;
	for (int k = KEYFILE_SLOTS; k <= KEYFILE_DELIVERY; k++)
		(void)keyfile_parse(&kf, (enum keyfile_kind)k, &account);
	free(kf.buf);
}

static void
fuzz_frame(const uint8_t *data, size_t len)
{
	uint8_t chain[SEAL_CHAIN_LEN] = {0}, *out;
	struct seal_frame f;
	size_t n;

	if (seal_frame_parse(data, len, &f) == -1 || f.len > len)
		return;
	(void)seal_frame_check(data, &f);
	out = malloc(f.len);
	if (out == NULL)
		abort();
	if (seal_frame_open(amk, &f, chain, data, out, &n) == 0 && n > f.len)
		abort();
	free(out);
}

static void
fuzz_code(const uint8_t *data, size_t len)
{
	char code[SEAL_CODE_SIZE];
	uint8_t secret[CODE_SECRET_LEN], again[CODE_SECRET_LEN];
	enum seal_slot_kind kind, kind2;
	uint32_t id, id2;

	if (code_parse((const char *)data, len, &kind, &id, secret) !=
	    SEAL_CODE_VALID)
		return;
	code_format(kind, id, secret, code);
	if (code_parse(code, strlen(code), &kind2, &id2, again) !=
		SEAL_CODE_VALID ||
	    kind != kind2 || id != id2 ||
	    memcmp(secret, again, sizeof(secret)) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static void (*const what[])(const uint8_t *, size_t) = {fuzz_slots,
	    fuzz_ring, fuzz_stanza, fuzz_table, fuzz_keyless, fuzz_frame,
	    fuzz_code, fuzz_shared};

	set_up();
	if (len == 0 || len > PLAIN_MAX)
		return 0;
	what[data[0] % (sizeof(what) / sizeof(what[0]))](data + 1, len - 1);
	return 0;
}
