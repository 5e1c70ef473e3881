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
 * Blobs: what is sealed comes back, and nothing else does.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>
#include <sodium.h>

#include "seal_helper.h"

static struct seal_delivery
any_delivery(struct seal_ring **ring)
{
	struct seal_delivery d;
	char code[SEAL_CODE_SIZE];
	int fd;

	fd = helper_account("acct", ring, code);
	ATF_REQUIRE_EQ(0, seal_ring_delivery(*ring, &d));
	close(fd);
	return d;
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	static const size_t sizes[] = {
	    0, 1, 4000, 65535, 65536, 65537, 131072, 200000, 1000003};
	struct seal_delivery d;
	struct helper_blob b;
	struct seal_ring *r;

	d = any_delivery(&r);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t s = 0; s <= 65536; s += 32768) {
			helper_seal(&b, &d, sizes[i], s);
			ATF_CHECK_EQ(0, b.len % SEAL_BLOCK);
			ATF_CHECK_EQ(0, helper_check(b.data, b.len));
			ATF_CHECK_EQ(
			    0, helper_open(b.data, b.len, b.key, sizes[i], s));
			free(b.data);
		}
	}
	seal_ring_free(r);
}

/* Its first chunk comes last: what comes of it opens like any other. */
static void
seal_later(struct helper_blob *h, const struct seal_delivery *d, size_t body)
{
	static const struct seal_stanza s;
	uint8_t plain[SEAL_CHUNK];
	struct seal_sender *to;
	struct seal_blob *b;
	size_t done, len;
	ssize_t n;

	h->data = calloc(1, body * 2 + 16 * SEAL_PIECE_MAX);
	ATF_REQUIRE(h->data != NULL);
	to = seal_sender_new(d);
	ATF_REQUIRE(to != NULL);
	b = seal_blob_new(to, 2, h->id);
	seal_sender_free(to);
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(-1, seal_blob_later(b)); /* no header yet */
	ATF_CHECK_EQ(-1, seal_blob_first(b, plain, h->data));
	h->len = (size_t)seal_blob_header(b, h->data);
	ATF_CHECK_EQ(-1, seal_blob_sum(b, h->data, 1));
	n = seal_blob_later(b);
	ATF_REQUIRE_EQ(SEAL_CHUNK + SEAL_TAG_LEN, n);
	h->len += (size_t)n;
	ATF_CHECK_EQ(-1, seal_blob_later(b));
	for (done = SEAL_CHUNK; done < body; done += len) {
		len = body - done < SEAL_CHUNK ? body - done : SEAL_CHUNK;
		for (size_t i = 0; i < len; i++)
			plain[i] = helper_pattern(SEAL_BODY, done + i);
		n = seal_blob_chunk(b, SEAL_BODY, 0, (uint32_t)len, plain, len,
		    h->data + h->len);
		ATF_REQUIRE(n > 0);
		h->len += (size_t)n;
	}
	ATF_CHECK_EQ(-1, seal_blob_sum(b, h->data, 1));
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0)); /* it has not come */
	for (size_t i = 0; i < SEAL_CHUNK; i++)
		plain[i] = helper_pattern(SEAL_BODY, i);
	n = seal_blob_first(b, plain, h->data + SEAL_HEADER_LEN);
	ATF_REQUIRE_EQ(SEAL_CHUNK + SEAL_TAG_LEN, n);
	/* Never with that nonce again; nor without the sum, nor with more. */
	ATF_CHECK_EQ(-1, seal_blob_first(b, plain, h->data + SEAL_HEADER_LEN));
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0));
	len = h->len - SEAL_HEADER_LEN;
	ATF_CHECK_EQ(-1, seal_blob_sum(b, h->data, len + 1));
	ATF_CHECK_EQ(0, seal_blob_sum(b, h->data + SEAL_HEADER_LEN, 100));
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0));
	ATF_CHECK_EQ(
	    0, seal_blob_sum(b, h->data + SEAL_HEADER_LEN + 100, len - 100));
	ATF_CHECK_EQ(-1, seal_blob_sum(b, h->data, 1));
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, -12345));
	while ((n = seal_blob_next(b, h->data + h->len, SEAL_PIECE_MAX)) > 0)
		h->len += (size_t)n;
	seal_blob_key(b, h->key);
	seal_blob_free(b);
}

ATF_TC_WITHOUT_HEAD(later);
ATF_TC_BODY(later, tc)
{
	static const size_t sizes[] = {65536, 65537, 131072, 1000003};
	struct seal_delivery d;
	struct helper_blob b;
	struct seal_ring *r;

	d = any_delivery(&r);
	memset(&b, 7, sizeof(b));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		seal_later(&b, &d, sizes[i]);
		ATF_CHECK_EQ(0, helper_check(b.data, b.len));
		ATF_CHECK_EQ(0, helper_open(b.data, b.len, b.key, sizes[i], 0));
		free(b.data);
	}
	seal_ring_free(r);
}

ATF_TC_WITHOUT_HEAD(stanza);
ATF_TC_BODY(stanza, tc)
{
	struct seal_delivery d;
	struct seal_trailer t;
	struct seal_stanza s;
	struct helper_blob b;
	struct seal_ring *r;
	uint8_t *trailer;

	d = any_delivery(&r);
	helper_seal(&b, &d, 100, 10);
	trailer = b.data + b.len - SEAL_TRAILER_LEN;
	ATF_REQUIRE_EQ(0, seal_trailer_parse(trailer, &t));
	ATF_REQUIRE_EQ(0, seal_stanza_open(r, &t, &s));
	ATF_CHECK_EQ(0, memcmp(s.key, b.key, sizeof(s.key)));
	ATF_CHECK_STREQ("alice@example.org", s.from);
	ATF_CHECK_STREQ("bob+lists@example.org", s.to);
	ATF_CHECK_STREQ("lists", s.hint);
	ATF_CHECK_EQ(SEAL_VERDICTS_MAX, strlen(s.verdicts));
	ATF_CHECK_EQ(5, s.flags);
	ATF_CHECK_EQ('d', s.delivery_id[15]);
	/* Every octet of the sealed box counts. */
	for (size_t i = 144; i < SEAL_TRAILER_LEN - 40; i++) {
		trailer[i] ^= 1;
		ATF_REQUIRE_EQ(0, seal_trailer_parse(trailer, &t));
		ATF_REQUIRE_EQ(-1, seal_stanza_open(r, &t, &s));
		ATF_REQUIRE_EQ(EBADMSG, errno);
		trailer[i] ^= 1;
	}
	/* A key that the ring does not have. */
	trailer[8] ^= 1;
	ATF_REQUIRE_EQ(0, seal_trailer_parse(trailer, &t));
	ATF_CHECK_EQ(-1, seal_stanza_open(r, &t, &s));
	ATF_CHECK_EQ(ENOENT, errno);
	free(b.data);
	seal_ring_free(r);
}

/* A field longer than its limit cannot be made; at the limit it can. */
ATF_TC_WITHOUT_HEAD(stanza_limits);
ATF_TC_BODY(stanza_limits, tc)
{
	uint8_t id[SEAL_ID_LEN] = {0}, out[SEAL_PIECE_MAX];
	struct seal_stanza s, back;
	struct seal_trailer t;
	struct seal_delivery d;
	struct seal_sender *to;
	struct seal_blob *b;
	struct seal_ring *r;
	ssize_t n;

	d = any_delivery(&r);
	memset(&s, 'x', sizeof(s));
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	b = seal_blob_new(to, 0, id);
	seal_sender_free(to);
	ATF_REQUIRE(b != NULL);
	ATF_REQUIRE(seal_blob_header(b, out) > 0);
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0));
	s.from[SEAL_ADDR_MAX] = s.to[SEAL_ADDR_MAX] = '\0';
	s.hint[SEAL_HINT_MAX] = s.verdicts[SEAL_VERDICTS_MAX] = '\0';
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, 0));
	n = seal_blob_next(b, out, sizeof(out));
	ATF_REQUIRE(n > SEAL_TRAILER_LEN);
	ATF_REQUIRE_EQ(0, seal_trailer_parse(out + n - SEAL_TRAILER_LEN, &t));
	ATF_REQUIRE_EQ(0, seal_stanza_open(r, &t, &back));
	ATF_CHECK_STREQ(s.from, back.from);
	ATF_CHECK_STREQ(s.verdicts, back.verdicts);
	ATF_CHECK_STREQ(s.hint, back.hint);
	seal_blob_free(b);
	seal_ring_free(r);
}

/* One small message; its trailer. */
static void
one_trailer(struct seal_sender *to, uint8_t trailer[SEAL_TRAILER_LEN])
{
	uint8_t id[SEAL_ID_LEN], out[SEAL_PIECE_MAX];
	struct seal_stanza s = {.flags = 5};
	struct seal_blob *b;
	ssize_t n;

	seal_random(id, sizeof(id));
	b = seal_blob_new(to, 0, id);
	ATF_REQUIRE(b != NULL);
	ATF_REQUIRE(seal_blob_header(b, out) > 0);
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, 0));
	n = seal_blob_next(b, out, sizeof(out));
	ATF_REQUIRE(n > SEAL_TRAILER_LEN);
	memcpy(trailer, out + n - SEAL_TRAILER_LEN, SEAL_TRAILER_LEN);
	seal_blob_free(b);
}

/* What cannot be agreed on seals nothing. */
static void
misfit(struct seal_sender *to)
{
	uint8_t id[SEAL_ID_LEN] = {0}, out[SEAL_PIECE_MAX];
	struct seal_stanza s = {.flags = 0};
	struct seal_blob *b;

	b = seal_blob_new(to, 0, id);
	ATF_REQUIRE(b != NULL);
	ATF_REQUIRE(seal_blob_header(b, out) > 0);
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0));
	ATF_CHECK_EQ(EINVAL, errno);
	seal_blob_free(b);
}

static bool
opens(const struct seal_ring *r, const uint8_t trailer[SEAL_TRAILER_LEN])
{
	struct seal_trailer t;
	struct seal_stanza s;

	return seal_trailer_parse(trailer, &t) == 0 &&
	    seal_stanza_open(r, &t, &s) == 0 && s.flags == 5;
}

static int64_t
msec(void)
{
	struct timespec ts;

	ATF_REQUIRE_EQ(0, clock_gettime(CLOCK_MONOTONIC, &ts));
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#define STANZA 144 /* in the trailer: ephemeral key, salt, ciphertext */
#define SALT 176
#define CIPHER 192

/*
 * One agreement serves so many messages and no more, each with a salt and a
 * ciphertext of its own; more often than that only where the second was over.
 */
ATF_TC_WITHOUT_HEAD(agreement);
ATF_TC_BODY(agreement, tc)
{
	static uint8_t t[SEAL_SENDER_MESSAGES + 1][SEAL_TRAILER_LEN];
	struct seal_delivery d;
	struct seal_sender *to;
	struct seal_ring *r;
	unsigned int i, j, changes, tries = 0;
	int64_t begin;

	d = any_delivery(&r);
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	do {
		if (tries++ == 20)
			atf_tc_skip("so slow that no second has as many");
		seal_sender_forget(to);
		begin = msec();
		for (i = 0; i <= SEAL_SENDER_MESSAGES; i++)
			one_trailer(to, t[i]);
	} while (msec() - begin >= SEAL_SENDER_MSEC);
	for (i = 1, changes = 0; i <= SEAL_SENDER_MESSAGES; i++) {
		ATF_REQUIRE(opens(r, t[i]));
		if (memcmp(t[i] + STANZA, t[0] + STANZA, SEAL_KEY_LEN) != 0)
			changes++;
		for (j = 0; j < i; j++) {
			ATF_CHECK(memcmp(t[i] + SALT, t[j] + SALT, 16) != 0);
			ATF_CHECK(
			    memcmp(t[i] + CIPHER, t[j] + CIPHER, 64) != 0);
		}
	}
	ATF_CHECK_EQ(1, changes);
	ATF_CHECK(memcmp(t[SEAL_SENDER_MESSAGES] + STANZA, t[0] + STANZA,
		      SEAL_KEY_LEN) != 0);
	seal_sender_free(to);
	seal_ring_free(r);
}

/* Forgotten, too old, or to another one: another ephemeral key. */
ATF_TC_WITHOUT_HEAD(agreement_ends);
ATF_TC_BODY(agreement_ends, tc)
{
	const struct timespec second = {.tv_sec = SEAL_SENDER_MSEC / 1000,
	    .tv_nsec = SEAL_SENDER_MSEC % 1000 * 1000000 + 1000000};
	uint8_t a[SEAL_TRAILER_LEN], b[SEAL_TRAILER_LEN];
	struct seal_sender *to, *other;
	struct seal_delivery d;
	struct seal_ring *r;

	d = any_delivery(&r);
	to = seal_sender_new(&d);
	other = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL && other != NULL);
	one_trailer(to, a);
	one_trailer(other, b);
	ATF_CHECK(memcmp(a + STANZA, b + STANZA, SEAL_KEY_LEN) != 0);
	seal_sender_free(other);
	seal_sender_forget(to);
	one_trailer(to, b);
	ATF_CHECK(memcmp(a + STANZA, b + STANZA, SEAL_KEY_LEN) != 0);
	ATF_REQUIRE_EQ(0, nanosleep(&second, NULL));
	one_trailer(to, a);
	ATF_CHECK(memcmp(a + STANZA, b + STANZA, SEAL_KEY_LEN) != 0);
	ATF_CHECK(opens(r, a) && opens(r, b));
	seal_sender_free(to);
	/* A key that hides nothing. */
	memset(d.pk, 0, sizeof(d.pk));
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	misfit(to);
	seal_sender_free(to);
	seal_ring_free(r);
}

/* A stanza is of its trailer alone, and of its form alone. */
ATF_TC_WITHOUT_HEAD(stanza_bound);
ATF_TC_BODY(stanza_bound, tc)
{
	uint8_t t[SEAL_TRAILER_LEN], u[SEAL_TRAILER_LEN];
	struct seal_trailer parsed;
	struct seal_stanza s;
	struct seal_delivery d;
	struct seal_sender *to;
	struct seal_ring *r;

	d = any_delivery(&r);
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	one_trailer(to, t);
	one_trailer(to, u);
	ATF_REQUIRE(opens(r, t) && opens(r, u));
	ATF_CHECK_EQ(1, t[2]);
	for (size_t i = 0; i < 40; i++) {
		t[i] ^= 1;
		ATF_CHECK_MSG(!opens(r, t), "octet %zu", i);
		t[i] ^= 1;
	}
	t[2] = 2;
	ATF_CHECK_EQ(-1, seal_trailer_parse(t, &parsed));
	t[2] = 1;
	/* Another blob's. */
	memcpy(u + STANZA, t + STANZA, SEAL_TRAILER_LEN - STANZA - 40);
	ATF_CHECK(!opens(r, u));
	ATF_REQUIRE_EQ(0, seal_trailer_parse(t, &parsed));
	ATF_CHECK_EQ(0, seal_stanza_open(r, &parsed, &s));
	seal_sender_free(to);
	seal_ring_free(r);
}

/* Older blobs have a stanza by crypto_box_seal: it opens for ever. */
ATF_TC_WITHOUT_HEAD(stanza_alone);
ATF_TC_BODY(stanza_alone, tc)
{
	uint8_t plain[1368] = {1}, t[SEAL_TRAILER_LEN];
	struct seal_delivery d;
	struct seal_sender *to;
	struct seal_ring *r;

	d = any_delivery(&r);
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	one_trailer(to, t);
	seal_sender_free(to);
	plain[59] = 5; /* flags; all texts are empty */
	ATF_REQUIRE_EQ(
	    0, crypto_box_seal(t + STANZA, plain, sizeof(plain), d.pk));
	ATF_CHECK(!opens(r, t));
	t[2] = 0;
	ATF_CHECK(opens(r, t));
	t[STANZA + 100] ^= 1;
	ATF_CHECK(!opens(r, t));
	seal_ring_free(r);
}

/* One bit of any octet: the keyless check fails; the opened parts too. */
ATF_TC_WITHOUT_HEAD(flip);
ATF_TC_BODY(flip, tc)
{
	struct seal_delivery d;
	struct helper_blob b;
	struct seal_ring *r;
	size_t silent = 0;

	d = any_delivery(&r);
	helper_seal(&b, &d, 300, 40);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x10;
		ATF_REQUIRE_EQ(-1, helper_check(b.data, b.len));
		/* Padding, stanza, key id, checksum: not what is read. */
		if (helper_open(b.data, b.len, b.key, 300, 40) == 0)
			silent++;
		b.data[i] ^= 0x10;
	}
	ATF_REQUIRE_EQ(0, helper_open(b.data, b.len, b.key, 300, 40));
	/* Header, both chunks, table and locator are all guarded. */
	ATF_CHECK(silent <= b.len - SEAL_HEADER_LEN - (300 + 16) - (40 + 16) -
		(40 + 8 + 16) - 28 - 16);
	free(b.data);
	seal_ring_free(r);
}

ATF_TC_WITHOUT_HEAD(truncate);
ATF_TC_BODY(truncate, tc)
{
	struct seal_delivery d;
	struct helper_blob b;
	struct seal_ring *r;

	d = any_delivery(&r);
	helper_seal(&b, &d, 300, 40);
	for (size_t i = 0; i < b.len; i++) {
		ATF_REQUIRE_EQ(-1, helper_check(b.data, i));
		ATF_REQUIRE_EQ(-1, helper_open(b.data, i, b.key, 300, 40));
	}
	free(b.data);
	seal_ring_free(r);
}

/* Chunks in another order, of another kind, or of another message. */
ATF_TC_WITHOUT_HEAD(splice);
ATF_TC_BODY(splice, tc)
{
	const size_t sealed = SEAL_CHUNK + SEAL_TAG_LEN;
	uint8_t plain[SEAL_CHUNK], *swap;
	struct helper_blob a, b;
	struct seal_delivery d;
	struct seal_reader ra;
	struct seal_chunk c = {.len = (uint32_t)sealed};
	struct seal_ring *r;

	d = any_delivery(&r);
	helper_seal(&a, &d, 3 * SEAL_CHUNK, 10);
	helper_seal(&b, &d, 3 * SEAL_CHUNK, 10);
	ATF_REQUIRE_EQ(-1, seal_reader_init(&ra, a.data, b.key));
	ATF_REQUIRE_EQ(0, seal_reader_init(&ra, a.data, a.key));
	ATF_CHECK_EQ(
	    0, seal_chunk_open(&ra, SEAL_BODY, 0, &c, a.data + 64, plain));
	ATF_CHECK_EQ(
	    -1, seal_chunk_open(&ra, SEAL_BODY, 1, &c, a.data + 64, plain));
	ATF_CHECK_EQ(
	    -1, seal_chunk_open(&ra, SEAL_SUMMARY, 0, &c, a.data + 64, plain));
	c.last = true;
	ATF_CHECK_EQ(
	    -1, seal_chunk_open(&ra, SEAL_BODY, 0, &c, a.data + 64, plain));
	c.last = false;
	ATF_CHECK_EQ(
	    -1, seal_chunk_open(&ra, SEAL_BODY, 0, &c, b.data + 64, plain));
	/* Swapped, and the first one twice. */
	swap = malloc(a.len);
	ATF_REQUIRE(swap != NULL);
	memcpy(swap, a.data, a.len);
	memcpy(swap + 64, a.data + 64 + sealed, sealed);
	ATF_CHECK_EQ(-1, helper_open(swap, a.len, a.key, 3 * SEAL_CHUNK, 10));
	memcpy(swap + 64, a.data + 64, sealed);
	memcpy(swap + 64 + sealed, a.data + 64, sealed);
	ATF_CHECK_EQ(-1, helper_open(swap, a.len, a.key, 3 * SEAL_CHUNK, 10));
	free(swap);
	free(a.data);
	free(b.data);
	seal_ring_free(r);
}

ATF_TC_WITHOUT_HEAD(misuse);
ATF_TC_BODY(misuse, tc)
{
	uint8_t id[SEAL_ID_LEN] = {0}, out[SEAL_PIECE_MAX], in[8] = {0};
	struct seal_stanza s = {.flags = 0};
	struct seal_delivery d;
	struct seal_sender *to;
	struct seal_blob *b;
	struct seal_ring *r;

	d = any_delivery(&r);
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	b = seal_blob_new(to, 1, id);
	seal_sender_free(to);
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_BODY, 0, 8, in, 8, out));
	ATF_CHECK_EQ(-1, seal_blob_next(b, out, sizeof(out)));
	ATF_REQUIRE(seal_blob_header(b, out) > 0);
	ATF_CHECK_EQ(-1, seal_blob_header(b, out));
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_TABLE, 0, 8, in, 8, out));
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_BODY, 0, 9, in, 8, out));
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_BODY, 2, 8, in, 8, out));
	ATF_CHECK_EQ(-1,
	    seal_blob_chunk(
		b, SEAL_BODY, SEAL_COMPRESSED, SEAL_CHUNK + 1, in, 8, out));
	ATF_CHECK_EQ(24, seal_blob_chunk(b, SEAL_BODY, 0, 8, in, 8, out));
	/* A short chunk is the last of its kind. */
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_BODY, 0, 8, in, 8, out));
	ATF_CHECK_EQ(24, seal_blob_chunk(b, SEAL_SUMMARY, 0, 8, in, 8, out));
	ATF_CHECK_EQ(-1, seal_blob_chunk(b, SEAL_BODY, 0, 8, in, 8, out));
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, 0));
	ATF_CHECK_EQ(-1, seal_blob_finish(b, &s, 0));
	ATF_CHECK_EQ(-1, seal_blob_next(b, out, sizeof(out) - 1));
	ATF_CHECK(seal_blob_next(b, out, sizeof(out)) > 0);
	ATF_CHECK_EQ(0, seal_blob_next(b, out, sizeof(out)));
	seal_blob_free(b);
	seal_ring_free(r);
}

/* The padded size tells at most the exponent's bits. */
ATF_TC_WITHOUT_HEAD(padme);
ATF_TC_BODY(padme, tc)
{
	uint64_t last = 0, p;

	ATF_CHECK_EQ(4096, seal_padded(1));
	ATF_CHECK_EQ(4096, seal_padded(4096));
	ATF_CHECK_EQ(8192, seal_padded(4097));
	ATF_CHECK_EQ(1048576, seal_padded(1048576));
	ATF_CHECK_EQ(1048576 + 32768, seal_padded(1048577));
	for (uint64_t n = 1; n < 300000000; n += n / 97 + 1) {
		p = seal_padded(n);
		ATF_REQUIRE(p >= n && p >= last && p % SEAL_BLOCK == 0);
		ATF_REQUIRE(p - n <= SEAL_BLOCK + n / 8);
		last = p;
	}
}

ATF_TC_WITHOUT_HEAD(compressed);
ATF_TC_BODY(compressed, tc)
{
	uint8_t id[SEAL_ID_LEN] = {9}, file[3 * SEAL_PIECE_MAX], small[100];
	struct seal_stanza s = {.flags = 0};
	struct seal_chunk c;
	struct seal_trailer t;
	struct seal_reader rd;
	struct seal_delivery d;
	struct seal_table *tab;
	struct seal_sender *to;
	struct seal_blob *b;
	struct seal_ring *r;
	uint8_t key[SEAL_KEY_LEN];
	size_t len, n;
	uint64_t off;

	d = any_delivery(&r);
	memset(small, 's', sizeof(small));
	to = seal_sender_new(&d);
	ATF_REQUIRE(to != NULL);
	b = seal_blob_new(to, 1, id);
	seal_sender_free(to);
	ATF_REQUIRE(b != NULL);
	len = (size_t)seal_blob_header(b, file);
	len += (size_t)seal_blob_chunk(b, SEAL_BODY, SEAL_COMPRESSED,
	    SEAL_CHUNK, small, sizeof(small), file + len);
	ATF_REQUIRE_EQ(0, seal_blob_finish(b, &s, 77));
	len += (size_t)seal_blob_next(b, file + len, SEAL_PIECE_MAX);
	ATF_REQUIRE_EQ(seal_blob_size(b), len);
	seal_blob_key(b, key);
	ATF_REQUIRE_EQ(0, seal_reader_init(&rd, file, key));
	ATF_CHECK_EQ(1, rd.codec);
	ATF_REQUIRE_EQ(
	    0, seal_trailer_parse(file + len - SEAL_TRAILER_LEN, &t));
	ATF_REQUIRE_EQ(0, seal_locator_open(&rd, &t, &off, &n));
	tab = seal_table_open(&rd, file + off, n);
	ATF_REQUIRE(tab != NULL);
	ATF_CHECK_EQ(77, seal_table_date(tab));
	ATF_CHECK_EQ(SEAL_CHUNK, seal_table_size(tab, SEAL_BODY));
	ATF_CHECK_EQ(2, seal_table_chunks(tab, SEAL_BODY));
	ATF_REQUIRE_EQ(0, seal_table_chunk(tab, SEAL_BODY, 0, &c));
	ATF_CHECK_EQ(SEAL_COMPRESSED, c.flags);
	ATF_CHECK_EQ(116, c.len);
	ATF_CHECK_EQ(SEAL_CHUNK, c.plain_len);
	ATF_REQUIRE_EQ(0, seal_table_chunk(tab, SEAL_BODY, 1, &c));
	ATF_CHECK_EQ(0, c.plain_len);
	ATF_CHECK(c.last);
	ATF_CHECK_EQ(-1, seal_table_chunk(tab, SEAL_BODY, 2, &c));
	seal_table_free(tab);
	seal_blob_free(b);
	seal_ring_free(r);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, later);
	ATF_TP_ADD_TC(tp, stanza);
	ATF_TP_ADD_TC(tp, stanza_limits);
	ATF_TP_ADD_TC(tp, agreement);
	ATF_TP_ADD_TC(tp, agreement_ends);
	ATF_TP_ADD_TC(tp, stanza_bound);
	ATF_TP_ADD_TC(tp, stanza_alone);
	ATF_TP_ADD_TC(tp, flip);
	ATF_TP_ADD_TC(tp, truncate);
	ATF_TP_ADD_TC(tp, splice);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, padme);
	ATF_TP_ADD_TC(tp, compressed);
	return atf_no_error();
}
