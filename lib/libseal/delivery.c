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
 * Delivery keys as a deliverer sees them: public halves, signed by the account.
 * The newest of either host's counts.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "seal_local.h"

#define KEYID_CONTEXT "sealmail key id"

void
delivery_keyid(const uint8_t pk[SEAL_KEY_LEN], uint8_t id[SEAL_KEYID_LEN])
{
	crypto_generichash_state st;
	uint8_t sum[16];

	crypto_generichash_init(&st, NULL, 0, sizeof(sum));
	crypto_generichash_update(
	    &st, (const uint8_t *)KEYID_CONTEXT, sizeof(KEYID_CONTEXT) - 1);
	crypto_generichash_update(&st, pk, SEAL_KEY_LEN);
	crypto_generichash_final(&st, sum, sizeof(sum));
	memcpy(id, sum, SEAL_KEYID_LEN);
}

int
delivery_parse(const uint8_t *body, size_t len, struct seal_delivery *d)
{
	struct cursor c = {.p = body, .left = len};
	uint8_t want[SEAL_KEYID_LEN];
	const uint8_t *id, *pk;
	int64_t created;
	unsigned int n;

	n = cursor_u16(&c);
	if (n < 1 || n > DELIVERY_MAX || c.left != n * DELIVERY_RECORD)
		goto bad;
	memset(d, 0, sizeof(*d));
	for (unsigned int i = 0; i < n; i++) {
		id = cursor_raw(&c, SEAL_KEYID_LEN);
		pk = cursor_raw(&c, SEAL_KEY_LEN);
		created = (int64_t)cursor_u64(&c);
		delivery_keyid(pk, want);
		if (memcmp(id, want, sizeof(want)) != 0)
			goto bad;
		if (i > 0 && created < d->created)
			continue;
		memcpy(d->keyid, id, SEAL_KEYID_LEN);
		memcpy(d->pk, pk, SEAL_KEY_LEN);
		d->created = created;
	}
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

static int
load_host(int dirfd, const struct seal_account *a, unsigned int host,
    struct seal_delivery *d)
{
	struct keyfile kf;
	int ret;

	for (int i = 0;; i++) {
		if (keyfile_load(dirfd, KEYFILE_DELIVERY, a, host, &kf) == 0)
			break;
		if (errno != EAGAIN || i == KEYFILE_TRIES)
			return -1;
	}
	ret = delivery_parse(kf.body, kf.body_len, d);
	keyfile_clear(&kf);
	return ret;
}

int
seal_delivery_load(
    int dirfd, const struct seal_account *a, struct seal_delivery *d)
{
	struct seal_delivery one;
	bool have = false;
	int error = ENOENT;

	for (unsigned int h = 0; h < KEYFILE_HOSTS; h++) {
		if (load_host(dirfd, a, h, &one) == -1) {
			if (errno != ENOENT)
				error = errno;
			continue;
		}
		if (!have || one.created > d->created)
			*d = one;
		have = true;
	}
	if (have)
		return 0;
	errno = error;
	return -1;
}
