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
 * Numbers by text.  Of the text 128 bits of a keyed hash are kept, so that
 * what a stranger writes into a Message-ID costs 20 octets whatever its
 * length, and cannot be made to collide.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sort.h"

#define NAMES_FIRST 1024

struct name {
	uint64_t hash[2];
	uint32_t number;
	bool used;
};

struct names {
	uint64_t key[4];
	struct name *name;
	size_t n, size; /* size: a power of two */
};

static uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-2-4. */
static uint64_t
sip(const uint64_t key[2], const char *s, size_t len)
{
	uint64_t v[4], m;
	size_t i, n;

	v[0] = key[0] ^ 0x736f6d6570736575ULL;
	v[1] = key[1] ^ 0x646f72616e646f6dULL;
	v[2] = key[0] ^ 0x6c7967656e657261ULL;
	v[3] = key[1] ^ 0x7465646279746573ULL;
	for (n = len; n >= 8; s += 8, n -= 8) {
		memcpy(&m, s, sizeof(m));
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)len << 56;
	for (i = 0; i < n; i++)
		m |= (uint64_t)(unsigned char)s[i] << (8 * i);
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct names *
names_new(void)
{
	struct names *t;

	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->name = calloc(NAMES_FIRST, sizeof(*t->name))) == NULL)
		fatal(NULL);
	t->size = NAMES_FIRST;
	arc4random_buf(t->key, sizeof(t->key));
	return t;
}

void
names_free(struct names *t)
{
	if (t == NULL)
		return;
	freezero(t->name, t->size * sizeof(*t->name));
	freezero(t, sizeof(*t));
}

/* Where the hash is, or an empty place for it. */
static struct name *
place(struct name *name, size_t size, const uint64_t hash[2])
{
	size_t i;

	for (i = hash[0] & (size - 1); name[i].used; i = (i + 1) & (size - 1))
		if (name[i].hash[0] == hash[0] && name[i].hash[1] == hash[1])
			break;
	return &name[i];
}

static void
grow(struct names *t)
{
	size_t i, size = 2 * t->size;
	struct name *name;

	if ((name = calloc(size, sizeof(*name))) == NULL)
		fatal(NULL);
	for (i = 0; i < t->size; i++)
		if (t->name[i].used)
			*place(name, size, t->name[i].hash) = t->name[i];
	freezero(t->name, t->size * sizeof(*t->name));
	t->name = name;
	t->size = size;
}

uint32_t *
names_at(struct names *t, const char *s, size_t len)
{
	struct name *found;
	uint64_t hash[2];

	hash[0] = sip(t->key, s, len);
	hash[1] = sip(t->key + 2, s, len);
	found = place(t->name, t->size, hash);
	if (!found->used) {
		if (++t->n > t->size / 4 * 3) {
			grow(t);
			found = place(t->name, t->size, hash);
		}
		found->used = true;
		found->hash[0] = hash[0];
		found->hash[1] = hash[1];
		found->number = SORT_NONE;
	}
	return &found->number;
}
