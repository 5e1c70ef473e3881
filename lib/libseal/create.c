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
 * A new account: its keys, from random numbers and a password.  The file
 * `account` is written last, so that a crash leaves no account that cannot be
 * opened.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "ring_local.h"
#include "slot_local.h"

#define FIRST_EPOCH 1
#define MODE_ACCOUNT 0440

void
account_encode(const struct seal_account *a, const uint8_t *sign_sk,
    uint8_t out[SEAL_ACCOUNT_LEN])
{
	memset(out, 0, SEAL_ACCOUNT_LEN);
	memcpy(out, "SEALACCT", SEAL_MAGIC_LEN);
	out[8] = SEAL_SUITE;
	out[9] = SEAL_FORMAT;
	memcpy(out + 12, a->id, SEAL_ID_LEN);
	memcpy(out + 28, a->sign_pk, SEAL_KEY_LEN);
	put_be64(out + 60, (uint64_t)a->created);
	crypto_sign_detached(out + 68, NULL, out, 68, sign_sk);
}

/* A ring with one of each. */
static struct seal_ring *
ring_create(int64_t now)
{
	uint8_t amk[SEAL_KEY_LEN];
	const struct ring_room room = {1, 1, 0};
	struct seal_account a;
	struct seal_ring *r;

	memset(&a, 0, sizeof(a));
	randombytes_buf(a.id, sizeof(a.id));
	a.created = now;
	randombytes_buf(amk, sizeof(amk));
	r = ring_new(&a, amk, &room);
	explicit_bzero(amk, sizeof(amk));
	if (r == NULL)
		return NULL;
	crypto_sign_keypair(r->account.sign_pk, r->sign_sk);
	r->have_sign = true;
	do
		r->roots[0].id = randombytes_random();
	while (r->roots[0].id == 0);
	r->roots[0].from = FIRST_EPOCH;
	r->roots[0].created = now;
	randombytes_buf(r->roots[0].key, SEAL_KEY_LEN);
	r->nroots = 1;
	ring_delivery_new(&r->delivery[0], now);
	r->ndelivery = 1;
	secret_readonly(r);
	return r;
}

static int
slots_create(int dirfd, unsigned int host, const struct seal_ring *r,
    const char *password, size_t len, const struct seal_kdf *kdf,
    char code[SEAL_CODE_SIZE])
{
	struct seal_slots *slots;
	int ret = -1;

	slots = seal_slots_new();
	if (slots == NULL)
		return -1;
	if (seal_slots_set(slots, &r->account, r->amk, 0, password, len, kdf,
		SEAL_SCOPE_ALL, NULL) == 0 &&
	    seal_slots_code(slots, &r->account, r->amk, SEAL_SLOT_RECOVERY,
		SEAL_SCOPE_MANAGE, "", code, NULL) == 0)
		ret = seal_slots_save(dirfd, r, host, slots);
	seal_slots_free(slots);
	return ret;
}

struct seal_ring *
seal_account_create(int dirfd, unsigned int host, const char *password,
    size_t len, const struct seal_kdf *kdf, int64_t now,
    char code[SEAL_CODE_SIZE])
{
	uint8_t file[SEAL_ACCOUNT_LEN];
	struct seal_ring *r;
	int save;

	r = ring_create(now);
	if (r == NULL)
		return NULL;
	if (slots_create(dirfd, host, r, password, len, kdf, code) == -1 ||
	    seal_ring_save(dirfd, r, host) == -1 ||
	    seal_delivery_save(dirfd, r, host, &r->delivery[0].pub) == -1)
		goto err;
	account_encode(&r->account, r->sign_sk, file);
	if (file_write(dirfd, "account", ".account.new", MODE_ACCOUNT, file,
		sizeof(file)) == -1)
		goto err;
	return r;
err:
	save = errno;
	explicit_bzero(code, SEAL_CODE_SIZE);
	seal_ring_free(r);
	errno = save;
	return NULL;
}
