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
 * Secrets that have opened the account, known again by a keyed hash: a wrong
 * one costs one hash.  And what an opener proves the master key over.  All of
 * it is in secret memory and ends with the process.
 */

#include <sys/types.h>

#include <string.h>

#include <sodium.h>

#include "log.h"
#include "seal_keys.h"
#include "vault_local.h"

#define TAGS_MAX SEAL_SLOTS_MAX

static struct tags {
	uint8_t key[32]; /* of this process */
	uint8_t proof_key[SEAL_KEY_LEN];
	size_t n;
	struct {
		uint8_t tag[TAG_LEN];
		uint32_t slot;
		uint8_t scope;
	} tag[TAGS_MAX];
} * tags;

void
tags_init(const struct seal_ring *ring)
{
	tags = secret_alloc(sizeof(*tags));
	if (tags == NULL)
		fatal("secret memory");
	memset(tags, 0, sizeof(*tags));
	randombytes_buf(tags->key, sizeof(tags->key));
	seal_ring_sub(ring, SEAL_SUB_PROOF, tags->proof_key);
}

void
tags_end(void)
{
	secret_free(tags);
	tags = NULL;
}

void
tag_of(const void *secret, size_t len, uint8_t tag[TAG_LEN])
{
	(void)crypto_generichash(
	    tag, TAG_LEN, secret, len, tags->key, sizeof(tags->key));
}

void
tag_add(const uint8_t tag[TAG_LEN], uint32_t slot, uint8_t scope)
{
	size_t i;

	/* One secret a slot: a new one takes the place of the old. */
	for (i = 0; i < tags->n; i++)
		if (tags->tag[i].slot == slot)
			break;
	if (i == TAGS_MAX)
		return;
	memcpy(tags->tag[i].tag, tag, TAG_LEN);
	tags->tag[i].slot = slot;
	tags->tag[i].scope = scope;
	if (i == tags->n)
		tags->n++;
}

bool
tag_known(const uint8_t tag[TAG_LEN], uint32_t *slot, uint8_t *scope)
{
	bool known = false;

	/* All of them are looked at: the time tells nothing. */
	for (size_t i = 0; i < tags->n; i++) {
		if (sodium_memcmp(tags->tag[i].tag, tag, TAG_LEN) != 0)
			continue;
		*slot = tags->tag[i].slot;
		*scope = tags->tag[i].scope;
		known = true;
	}
	return known;
}

bool
tag_of_slot(uint32_t slot)
{
	for (size_t i = 0; i < tags->n; i++)
		if (tags->tag[i].slot == slot)
			return true;
	return false;
}

void
tag_forget(uint32_t slot)
{
	for (size_t i = tags->n; i > 0; i--) {
		if (tags->tag[i - 1].slot != slot)
			continue;
		tags->tag[i - 1] = tags->tag[--tags->n];
		explicit_bzero(&tags->tag[tags->n], sizeof(tags->tag[0]));
	}
}

bool
proof_good(const uint8_t nonce[NONCE_LEN], uint32_t slot, const uint8_t *proof)
{
	uint8_t text[NONCE_LEN + 4], want[32];
	bool good;

	memcpy(text, nonce, NONCE_LEN);
	for (int i = 0; i < 4; i++)
		text[NONCE_LEN + i] = (uint8_t)(slot >> (24 - 8 * i));
	(void)crypto_generichash(want, sizeof(want), text, sizeof(text),
	    tags->proof_key, sizeof(tags->proof_key));
	good = sodium_memcmp(want, proof, sizeof(want)) == 0;
	explicit_bzero(want, sizeof(want));
	return good;
}
