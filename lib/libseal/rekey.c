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
 * What changes keys: a new delivery pair, a new master key.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "ring_local.h"
#include "seal_sealed.h"
#include "slot_local.h"

void
ring_delivery_new(struct ring_delivery *d, int64_t now)
{
	memset(d, 0, sizeof(*d));
	crypto_box_keypair(d->pub.pk, d->sk);
	delivery_keyid(d->pub.pk, d->pub.keyid);
	d->pub.created = now;
}

/*
 * There is room for it.  It is newer than all others, whatever the clocks of
 * the hosts say, so that it is the one that is sealed to.
 */
static const struct ring_delivery *
ring_delivery_add(struct seal_ring *r, int64_t now)
{
	struct seal_delivery newest;

	if (seal_ring_delivery(r, &newest) == 0 && newest.created >= now)
		now = newest.created + 1;
	ring_delivery_new(&r->delivery[r->ndelivery], now);
	return &r->delivery[r->ndelivery++];
}

int
seal_ring_rotate(
    struct seal_ring **ring, struct seal_delivery *pub, int64_t now)
{
	const struct ring_room more = {0, 1, 0};
	const struct ring_delivery *d;
	struct seal_ring *r;

	r = ring_grow(*ring, &more);
	if (r == NULL)
		return -1;
	d = ring_delivery_add(r, now);
	*pub = d->pub;
	seal_ring_free(*ring);
	*ring = r;
	secret_readonly(r);
	return 0;
}

struct seal_ring *
seal_ring_rekey(const struct seal_ring *old, const uint8_t *amk, int64_t now)
{
	const struct ring_room more = {1, 1, 1};
	struct ring_root *root;
	struct seal_ring *r;
	uint32_t epoch;

	epoch = seal_ring_epoch(old);
	r = epoch == UINT32_MAX ? NULL : ring_grow(old, &more);
	if (r == NULL)
		return NULL;
	memcpy(r->earlier[r->nearlier++], old->amk, sizeof(old->amk));
	memcpy(r->amk, amk, sizeof(r->amk));
	root = &r->roots[r->nroots];
	memset(root, 0, sizeof(*root));
	do
		root->id = randombytes_random();
	while (root->id == 0 || ring_has_root(r, root->id));
	root->from = epoch + 1;
	root->created = now;
	randombytes_buf(root->key, SEAL_KEY_LEN);
	r->nroots++;
	(void)ring_delivery_add(r, now);
	secret_readonly(r);
	return r;
}

bool
seal_ring_exposed(const struct seal_ring *r)
{
	struct seal_delivery newest;

	if (seal_ring_delivery(r, &newest) == -1)
		return false;
	for (uint32_t i = r->old_first; i < r->old_end; i++) {
		if (memcmp(r->delivery[i].pub.keyid, newest.keyid,
			SEAL_KEYID_LEN) == 0)
			return true;
	}
	return false;
}

int
seal_slots_rekey(struct seal_slots *slots, const struct seal_account *a,
    const uint8_t *old_amk, const uint8_t *amk, uint32_t id, uint32_t *revoked)
{
	struct seal_slot *s;
	int ret = 0;

	s = slots_find(slots, id);
	if (s == NULL || s->dead || slots->gen == UINT32_MAX) {
		errno = s == NULL || s->dead ? ENOENT : E2BIG;
		return -1;
	}
	*revoked = 0;
	s->gen = ++slots->gen;
	for (size_t i = 0; ret == 0 && i < slots->n; i++) {
		s = &slots->slot[i];
		if (s->dead || s->id == id)
			continue;
		/* Its owner's salt is new: so it was made with it. */
		if (s->alg == SLOT_SCRAM && s->aux_len == SCRAM_MAIN_LEN &&
		    scram_owner(slots, s) != NULL) {
			s->gen = slots->gen;
			continue;
		}
		if (s->alg == SLOT_SEALED) {
			ret = seal_slots_reseal(slots, a, old_amk, amk, s->id);
			continue;
		}
		*revoked += s->kind == SEAL_SLOT_APP;
		ret = seal_slots_revoke(slots, s->id);
	}
	return ret;
}
