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
 * Segments of the search index: which messages have a trigram, and pages that
 * make no sense.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../usr.sbin/sealimapd/worker/index.h"

static uint64_t seed = 88172645463325252;

static uint32_t
chance(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed % n);
}

/* Pages of a segment, kept. */
struct pages {
	uint8_t *data[SEGMENT_PAGES];
	size_t len[SEGMENT_PAGES];
	size_t n;
	const uint8_t *hint;
	size_t hint_len;
};

static void
pages_get(struct segment *s, struct pages *p)
{
	const uint8_t *data;
	size_t len;

	memset(p, 0, sizeof(*p));
	segment_close(s);
	while ((data = segment_page(s, &len)) != NULL) {
		ATF_REQUIRE(p->n < SEGMENT_PAGES && len <= PAGE_SIZE_MAX + 128);
		p->data[p->n] = malloc(len);
		ATF_REQUIRE(p->data[p->n] != NULL);
		memcpy(p->data[p->n], data, len);
		p->len[p->n++] = len;
	}
	p->hint = segment_hint(s, &p->hint_len);
	ATF_REQUIRE_EQ(p->hint_len, p->n * GRAM_LEN);
}

static void
pages_free(struct pages *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->data[i]);
}

/* Which of docs have the trigram, by the pages. */
static void
ask(const struct pages *p, uint32_t gram, size_t docs, uint8_t *bits)
{
	int page = lookup_page(p->hint, p->hint_len, gram);

	memset(bits, 0xff, SEGMENT_DOCS / 8);
	if (page == -1) {
		memset(bits, 0, SEGMENT_DOCS / 8);
		return;
	}
	ATF_REQUIRE((size_t)page < p->n);
	ATF_REQUIRE_EQ(
	    lookup_page_apply(p->data[page], p->len[page],
		lookup_first(p->hint, (size_t)page), gram, docs, bits),
	    0);
}

#define KINDS 3000

/* Trigrams that are rare, common and in all messages; docs of them. */
static void
segment_try(size_t docs)
{
	static uint8_t has[KINDS][SEGMENT_DOCS / 8];
	static uint32_t grams[KINDS], list[KINDS];
	uint8_t bits[SEGMENT_DOCS / 8];
	struct pages *p = malloc(sizeof(*p));
	struct segment *s = segment_new();
	size_t n;

	ATF_REQUIRE(p != NULL);
	memset(has, 0, sizeof(has));
	for (size_t k = 0; k < KINDS; k++)
		grams[k] = (uint32_t)(k * (GRAMS_ALL / KINDS)) + chance(5000);
	grams[0] = 0;
	grams[KINDS - 1] = GRAMS_ALL - 1;
	for (size_t d = 0; d < docs; d++) {
		for (n = 0, list[0] = 0; n < KINDS; n++)
			list[n] = UINT32_MAX;
		n = 0;
		for (size_t k = KINDS; k > 0; k--) {
			if (chance((uint32_t)k) > 20)
				continue;
			list[n++] = grams[k - 1];
			has[k - 1][d / 8] |= (uint8_t)(1 << d % 8);
		}
		ATF_REQUIRE(segment_add(s, list, n));
	}
	pages_get(s, p);
	for (size_t k = 0; k < KINDS; k++) {
		ask(p, grams[k], docs, bits);
		ATF_CHECK_MSG(
		    memcmp(bits, has[k], (docs + 7) / 8) == 0 || docs == 0,
		    "trigram %06x of %zu messages", grams[k], docs);
		if (k > 0 && grams[k] - 1 != grams[k - 1]) {
			ask(p, grams[k] - 1, docs, bits);
			for (size_t i = 0; i < (docs + 7) / 8; i++)
				ATF_REQUIRE_EQ(bits[i], 0);
		}
	}
	pages_free(p);
	segment_free(s);
	free(p);
}

ATF_TC_WITHOUT_HEAD(found);
ATF_TC_BODY(found, tc)
{
	static const size_t sizes[] = {
	    1, 2, 7, 8, 9, 255, 256, 257, 1000, SEGMENT_DOCS};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		segment_try(sizes[i]);
}

ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	static uint32_t list[GRAMS_MAX];
	struct segment *s = segment_new();
	struct pages *p = malloc(sizeof(*p));
	uint8_t bits[SEGMENT_DOCS / 8];
	size_t n = 0;

	for (uint32_t i = 0; i < GRAMS_MAX; i++)
		list[i] = i * 64;
	while (segment_add(s, list, GRAMS_MAX))
		n++;
	ATF_CHECK_EQ(n, SEGMENT_GRAMS / GRAMS_MAX);
	ATF_REQUIRE(p != NULL);
	pages_get(s, p);
	ask(p, 64, n, bits);
	ATF_CHECK_EQ(bits[0], 0xff);
	ask(p, 65, n, bits);
	ATF_CHECK_EQ(bits[0], 0);
	pages_free(p);
	free(p);
	segment_free(s);
	s = segment_new();
	for (n = 0; segment_add(s, list, 1); n++)
		continue;
	ATF_CHECK_EQ(n, SEGMENT_DOCS);
	segment_free(s);
}

ATF_TC_WITHOUT_HEAD(grams);
ATF_TC_BODY(grams, tc)
{
	static char text[GRAMS_MAX + 10];
	struct grams *g = grams_new();
	const uint32_t *list;
	uint32_t few[4];
	size_t n;

	grams_add(g, "ab", 2);
	grams_add(g, "cab", 3);
	grams_break(g);
	grams_add(g, "cx", 2);
	ATF_CHECK(grams_list(g, &list, &n));
	ATF_REQUIRE_EQ(n, 3); /* abc bca cab; nothing over the break */
	ATF_CHECK_EQ(list[0], 0x616263);
	ATF_CHECK_EQ(list[1], 0x626361);
	ATF_CHECK_EQ(list[2], 0x636162);
	grams_reset(g);
	grams_add(g, "abc", 3);
	ATF_CHECK(grams_list(g, &list, &n));
	ATF_CHECK_EQ(n, 1);
	grams_reset(g);
	for (int i = 0; i < 8; i++) {
		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = (char)chance(256);
		grams_add(g, text, sizeof(text));
	}
	ATF_CHECK(!grams_list(g, &list, &n));
	ATF_CHECK_EQ(n, GRAMS_MAX);
	grams_free(g);
	ATF_CHECK_EQ(lookup_grams("ab", 2, few, 4), 0);
	ATF_CHECK_EQ(lookup_grams("aaaaaa", 6, few, 4), 1);
	ATF_CHECK_EQ(lookup_grams("abcdefghijkl", 12, few, 4), 4);
	ATF_CHECK_EQ(few[0], 0x616263);
	ATF_CHECK_EQ(few[3], 0x6a6b6c);
}

/* Pages of any content: an answer or none, but no harm. */
ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	uint32_t list[200];
	uint8_t bits[SEGMENT_DOCS / 8], *copy;
	struct segment *s = segment_new();
	struct pages *p = malloc(sizeof(*p));
	size_t len, refused = 0;

	ATF_REQUIRE(p != NULL);
	for (int d = 0; d < 50; d++) {
		for (uint32_t i = 0; i < 200; i++)
			list[i] = i * 1000 + chance(1000);
		ATF_REQUIRE(segment_add(s, list, 200));
	}
	pages_get(s, p);
	for (int i = 0; i < 20000; i++) {
		len = 1 + chance((uint32_t)p->len[0]);
		ATF_REQUIRE((copy = malloc(len)) != NULL);
		memcpy(copy, p->data[0], len);
		copy[0] = (uint8_t)chance(2);
		for (uint32_t k = chance(8); k > 0; k--)
			copy[chance((uint32_t)len)] = (uint8_t)chance(256);
		if (chance(2) == 0 && len > 3) {
			copy[0] = 0;
			copy[1] = (uint8_t)((len - 3) >> 8);
			copy[2] = (uint8_t)(len - 3);
		}
		memset(bits, 0xff, sizeof(bits));
		refused += lookup_page_apply(copy, len,
			       lookup_first(p->hint, 0), list[chance(200)],
			       chance(SEGMENT_DOCS), bits) == -1;
		free(copy);
	}
	ATF_CHECK(refused > 100);
	ATF_CHECK_EQ(lookup_page(NULL, 0, 5), -1);
	pages_free(p);
	free(p);
	segment_free(s);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, found);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, grams);
	ATF_TP_ADD_TC(tp, nonsense);
	return atf_no_error();
}
