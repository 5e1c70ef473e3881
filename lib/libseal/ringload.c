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
 * Loading the keyring: the union of what both hosts have stored.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "ring_local.h"

/*
 * The newest of a host's ring files that opens.  1: merged, *version is its;
 * 0: that host has none; -1.  A rekey writes the ring before the slots that
 * lead to it, so a newer one may be under a master key that came to nothing;
 * *foreign is then set.  Its signature was good all the same.
 */
int
ring_load_host(struct seal_ring **r, const uint8_t *amk, int dirfd,
    unsigned int host, uint64_t *version, bool *foreign)
{
	uint64_t below = UINT64_MAX;
	struct keyfile kf;
	int ret;

	for (int i = 0;;) {
		if (keyfile_load_below(dirfd, KEYFILE_RING, &(*r)->account,
			host, below, &kf) == -1) {
			if (errno == ENOENT)
				return 0;
			if (errno != EAGAIN || i++ == KEYFILE_TRIES)
				return -1;
			continue;
		}
		*version = kf.version;
		ret = ring_merge(r, amk, kf.buf, kf.body, kf.body_len);
		keyfile_clear(&kf);
		if (ret == 0)
			return 1;
		if (errno != EBADMSG)
			return -1;
		*foreign = true;
		below = *version;
	}
}

/*
 * What a host has that knew nothing of a rekey elsewhere: its ring is under an
 * earlier master key, and may be the only one with its delivery keys.
 */
static int
ring_load_behind(
    struct seal_ring **r, int dirfd, unsigned int host, bool *foreign)
{
	uint8_t amk[SEAL_KEY_LEN];
	uint64_t version;
	int n = 0;

	for (uint32_t i = 0; n != -1 && i < (*r)->nearlier; i++) {
		memcpy(amk, (*r)->earlier[i], sizeof(amk));
		n = ring_load_host(r, amk, dirfd, host, &version, foreign);
		if (n == 1)
			(*r)->behind |= 1U << host;
	}
	explicit_bzero(amk, sizeof(amk));
	return n == -1 ? -1 : 0;
}

struct seal_ring *
seal_ring_load(int dirfd, const struct seal_account *a, const uint8_t *amk)
{
	const struct ring_room none = {0, 0, 0};
	struct seal_ring *r;
	int found = 0, has[KEYFILE_HOSTS], save;
	bool foreign = false;
	uint64_t version;

	r = ring_new(a, amk, &none);
	if (r == NULL)
		return NULL;
	for (unsigned int h = 0; h < KEYFILE_HOSTS; h++) {
		has[h] = ring_load_host(&r, amk, dirfd, h, &version, &foreign);
		if (has[h] == -1)
			goto err;
		found += has[h];
	}
	r->old_first = r->ndelivery;
	for (unsigned int h = 0; h < KEYFILE_HOSTS; h++) {
		if (has[h] == 0 &&
		    ring_load_behind(&r, dirfd, h, &foreign) == -1)
			goto err;
	}
	r->old_end = r->ndelivery;
	if (found == 0) {
		errno = foreign ? EBADMSG : ENOENT;
		goto err;
	}
	if (!r->have_sign || r->nroots == 0 || r->ndelivery == 0) {
		errno = EBADMSG;
		goto err;
	}
	secret_readonly(r);
	return r;
err:
	save = errno;
	seal_ring_free(r);
	errno = save;
	return NULL;
}

bool
seal_ring_behind(const struct seal_ring *r, unsigned int host)
{
	return (r->behind >> host & 1) != 0;
}
