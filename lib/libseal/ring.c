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
 * The keyring: log roots, delivery secrets and the account's signing key, as
 * the union of what both hosts have stored under the master key.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring_local.h"
#include "seal_read.h"

#define AMK_CONTEXT "sealamk1" /* crypto_kdf wants eight octets */
#define LOG_CONTEXT "seallog1"

/* Records of the plain body: u8 type, u16 length, fields. */
#define RECORD_SIGN 1     /* Ed25519 seed */
#define RECORD_ROOT 2     /* u32 id, u32 from, i64 created, key */
#define RECORD_DELIVERY 3 /* key id, i64 created, public, secret */
#define RECORD_EARLIER 4  /* a master key before a rekey */
#define RECORD_TYPES 5
#define RECORD_HEAD 3
#define SIGN_LEN crypto_sign_SEEDBYTES
#define ROOT_LEN (4 + 4 + 8 + SEAL_KEY_LEN)
#define DELIVERY_LEN (SEAL_KEYID_LEN + 8 + 2 * SEAL_KEY_LEN)
#define RING_ROUND 256 /* the plain body is padded to a multiple */

void
seal_amk_sub(const uint8_t *amk, enum seal_sub sub, uint8_t key[SEAL_KEY_LEN])
{
	crypto_kdf_derive_from_key(
	    key, SEAL_KEY_LEN, (uint64_t)sub, AMK_CONTEXT, amk);
}

struct seal_ring *
ring_new(const struct seal_account *a, const uint8_t *amk,
    const struct ring_room *room)
{
	struct seal_ring *r;
	size_t roots, delivery, earlier;

	roots = room->roots * sizeof(*r->roots);
	delivery = room->delivery * sizeof(*r->delivery);
	earlier = room->earlier * sizeof(*r->earlier);
	/* Rounded, since the end of the allocation is what is aligned. */
	r = secret_alloc(
	    (sizeof(*r) + roots + delivery + earlier + 63) / 64 * 64);
	if (r == NULL)
		return NULL;
	r->account = *a;
	memcpy(r->amk, amk, sizeof(r->amk));
	r->roots = (struct ring_root *)(void *)(r + 1);
	r->delivery = (struct ring_delivery *)(void *)((uint8_t *)(r + 1) +
	    roots);
	r->earlier = (uint8_t(*)[SEAL_KEY_LEN])(
	    (uint8_t *)(r + 1) + roots + delivery);
	return r;
}

void
seal_ring_free(struct seal_ring *r)
{
	secret_free(r);
}

struct seal_ring *
ring_grow(const struct seal_ring *old, const struct ring_room *more)
{
	struct ring_room room;
	struct seal_ring *r;

	if (more->roots > RING_ROOTS_MAX - old->nroots ||
	    more->delivery > RING_DELIVERY_MAX - old->ndelivery ||
	    more->earlier > RING_EARLIER_MAX - old->nearlier) {
		errno = E2BIG;
		return NULL;
	}
	room.roots = old->nroots + more->roots;
	room.delivery = old->ndelivery + more->delivery;
	room.earlier = old->nearlier + more->earlier;
	r = ring_new(&old->account, old->amk, &room);
	if (r == NULL)
		return NULL;
	memcpy(r->sign_sk, old->sign_sk, sizeof(r->sign_sk));
	r->have_sign = old->have_sign;
	r->behind = old->behind;
	r->old_first = old->old_first;
	r->old_end = old->old_end;
	r->nroots = old->nroots;
	r->ndelivery = old->ndelivery;
	r->nearlier = old->nearlier;
	memcpy(r->roots, old->roots, r->nroots * sizeof(*r->roots));
	memcpy(r->delivery, old->delivery, r->ndelivery * sizeof(*r->delivery));
	memcpy(r->earlier, old->earlier, r->nearlier * sizeof(*r->earlier));
	return r;
}

bool
ring_has_root(const struct seal_ring *r, uint32_t id)
{
	for (uint32_t i = 0; i < r->nroots; i++) {
		if (r->roots[i].id == id)
			return true;
	}
	return false;
}

static const struct ring_delivery *
ring_find_delivery(const struct seal_ring *r, const uint8_t *keyid)
{
	for (uint32_t i = 0; i < r->ndelivery; i++) {
		if (memcmp(r->delivery[i].pub.keyid, keyid, SEAL_KEYID_LEN) ==
		    0)
			return &r->delivery[i];
	}
	return NULL;
}

static int
ring_put_sign(struct seal_ring *r, struct cursor *c)
{
	uint8_t pk[SEAL_KEY_LEN];
	const uint8_t *seed;

	seed = cursor_raw(c, SIGN_LEN);
	if (seed == NULL)
		return -1;
	crypto_sign_seed_keypair(pk, r->sign_sk, seed);
	if (memcmp(pk, r->account.sign_pk, sizeof(pk)) != 0)
		return -1;
	r->have_sign = true;
	return 0;
}

static int
ring_put_root(struct seal_ring *r, struct cursor *c)
{
	struct ring_root root;
	const uint8_t *key;

	memset(&root, 0, sizeof(root));
	root.id = cursor_u32(c);
	root.from = cursor_u32(c);
	root.created = (int64_t)cursor_u64(c);
	key = cursor_raw(c, SEAL_KEY_LEN);
	if (key == NULL)
		return -1;
	memcpy(root.key, key, SEAL_KEY_LEN);
	if (!ring_has_root(r, root.id))
		r->roots[r->nroots++] = root;
	explicit_bzero(&root, sizeof(root));
	return 0;
}

static int
ring_put_delivery(struct seal_ring *r, struct cursor *c)
{
	const uint8_t *keyid, *pk, *sk;
	struct ring_delivery *d;
	int64_t created;

	keyid = cursor_raw(c, SEAL_KEYID_LEN);
	created = (int64_t)cursor_u64(c);
	pk = cursor_raw(c, SEAL_KEY_LEN);
	sk = cursor_raw(c, SEAL_KEY_LEN);
	if (sk == NULL)
		return -1;
	if (ring_find_delivery(r, keyid) != NULL)
		return 0;
	d = &r->delivery[r->ndelivery++];
	memcpy(d->pub.keyid, keyid, SEAL_KEYID_LEN);
	d->pub.created = created;
	memcpy(d->pub.pk, pk, SEAL_KEY_LEN);
	memcpy(d->sk, sk, SEAL_KEY_LEN);
	return 0;
}

/* Its own key need not be there: that of another host's ring may. */
static int
ring_put_earlier(struct seal_ring *r, struct cursor *c)
{
	const uint8_t *key;

	key = cursor_raw(c, SEAL_KEY_LEN);
	if (key == NULL)
		return -1;
	if (sodium_memcmp(key, r->amk, SEAL_KEY_LEN) == 0)
		return 0;
	for (uint32_t i = 0; i < r->nearlier; i++) {
		if (sodium_memcmp(key, r->earlier[i], SEAL_KEY_LEN) == 0)
			return 0;
	}
	memcpy(r->earlier[r->nearlier++], key, SEAL_KEY_LEN);
	return 0;
}

/* Counts the records of each type, by type; -1 if any is unknown or torn. */
static int
ring_count(struct cursor c, uint32_t count[RECORD_TYPES])
{
	static const size_t lens[RECORD_TYPES] = {
	    0, SIGN_LEN, ROOT_LEN, DELIVERY_LEN, SEAL_KEY_LEN};
	unsigned int type;

	memset(count, 0, RECORD_TYPES * sizeof(*count));
	while (c.left > 0) {
		type = cursor_u8(&c);
		if (type < RECORD_SIGN || type >= RECORD_TYPES ||
		    cursor_u16(&c) != lens[type] ||
		    cursor_raw(&c, lens[type]) == NULL)
			return -1;
		count[type]++;
	}
	return 0;
}

/* Takes in the plain body's records; the ring may move. */
static int
ring_take(struct seal_ring **ring, struct cursor c)
{
	uint32_t count[RECORD_TYPES];
	struct ring_room room;
	struct seal_ring *r;
	unsigned int type;
	int ret = 0;

	errno = EBADMSG;
	if (ring_count(c, count) == -1)
		return -1;
	room.roots = count[RECORD_ROOT];
	room.delivery = count[RECORD_DELIVERY];
	room.earlier = count[RECORD_EARLIER];
	r = ring_grow(*ring, &room);
	if (r == NULL)
		return -1;
	while (c.left > 0 && ret == 0) {
		type = cursor_u8(&c);
		(void)cursor_u16(&c);
		if (type == RECORD_SIGN)
			ret = ring_put_sign(r, &c);
		else if (type == RECORD_ROOT)
			ret = ring_put_root(r, &c);
		else if (type == RECORD_EARLIER)
			ret = ring_put_earlier(r, &c);
		else
			ret = ring_put_delivery(r, &c);
	}
	if (ret == -1) {
		seal_ring_free(r);
		errno = EBADMSG;
		return -1;
	}
	seal_ring_free(*ring);
	*ring = r;
	return 0;
}

int
ring_merge(struct seal_ring **ring, const uint8_t *amk, const uint8_t *header,
    const uint8_t *body, size_t len)
{
	struct cursor c;
	uint8_t key[SEAL_KEY_LEN], *plain;
	size_t plain_len;
	int ret = -1;

	if (len < SEAL_BOX_EXTRA + 4 || len > KEYFILE_MAX) {
		errno = EBADMSG;
		return -1;
	}
	plain_len = len - SEAL_BOX_EXTRA;
	plain = malloc(plain_len);
	if (plain == NULL)
		return -1;
	seal_amk_sub(amk, SEAL_SUB_RING, key);
	if (seal_unbox(key, header, KEYFILE_HEADER, body, len, plain) == 0) {
		c.p = plain;
		c.left = plain_len;
		c.bad = false;
		plain_len = cursor_u32(&c);
		errno = EBADMSG;
		if (plain_len <= c.left) {
			c.left = plain_len;
			ret = ring_take(ring, c);
		}
	}
	explicit_bzero(key, sizeof(key));
	freezero(plain, len - SEAL_BOX_EXTRA);
	return ret;
}

static size_t
ring_plain_len(const struct seal_ring *r)
{
	return (RECORD_HEAD + SIGN_LEN) +
	    r->nroots * (RECORD_HEAD + (size_t)ROOT_LEN) +
	    r->ndelivery * (RECORD_HEAD + (size_t)DELIVERY_LEN) +
	    r->nearlier * (RECORD_HEAD + (size_t)SEAL_KEY_LEN);
}

size_t
ring_encoded_len(const struct seal_ring *r)
{
	return (4 + ring_plain_len(r) + RING_ROUND - 1) / RING_ROUND *
	    RING_ROUND +
	    SEAL_BOX_EXTRA;
}

static uint8_t *
record_head(uint8_t *p, uint8_t type, size_t len)
{
	p[0] = type;
	put_be16(p + 1, (uint16_t)len);
	return p + RECORD_HEAD;
}

static void
ring_write(const struct seal_ring *r, uint8_t *p)
{
	const struct ring_delivery *d;

	p = record_head(p, RECORD_SIGN, SIGN_LEN);
	crypto_sign_ed25519_sk_to_seed(p, r->sign_sk);
	p += SIGN_LEN;
	for (uint32_t i = 0; i < r->nroots; i++) {
		p = record_head(p, RECORD_ROOT, ROOT_LEN);
		put_be32(p, r->roots[i].id);
		put_be32(p + 4, r->roots[i].from);
		put_be64(p + 8, (uint64_t)r->roots[i].created);
		memcpy(p + 16, r->roots[i].key, SEAL_KEY_LEN);
		p += ROOT_LEN;
	}
	for (uint32_t i = 0; i < r->ndelivery; i++) {
		d = &r->delivery[i];
		p = record_head(p, RECORD_DELIVERY, DELIVERY_LEN);
		memcpy(p, d->pub.keyid, SEAL_KEYID_LEN);
		put_be64(p + 8, (uint64_t)d->pub.created);
		memcpy(p + 16, d->pub.pk, SEAL_KEY_LEN);
		memcpy(p + 48, d->sk, SEAL_KEY_LEN);
		p += DELIVERY_LEN;
	}
	for (uint32_t i = 0; i < r->nearlier; i++) {
		p = record_head(p, RECORD_EARLIER, SEAL_KEY_LEN);
		memcpy(p, r->earlier[i], SEAL_KEY_LEN);
		p += SEAL_KEY_LEN;
	}
}

uint8_t *
ring_encode(const struct seal_ring *r, const uint8_t header[KEYFILE_HEADER],
    size_t *len)
{
	uint8_t key[SEAL_KEY_LEN], *plain, *out;
	size_t plain_len;

	*len = ring_encoded_len(r);
	plain_len = *len - SEAL_BOX_EXTRA;
	plain = calloc(1, plain_len);
	out = malloc(*len);
	if (plain != NULL && out != NULL) {
		put_be32(plain, (uint32_t)ring_plain_len(r));
		ring_write(r, plain + 4);
		seal_amk_sub(r->amk, SEAL_SUB_RING, key);
		seal_box(key, header, KEYFILE_HEADER, plain, plain_len, out);
		explicit_bzero(key, sizeof(key));
	} else {
		free(out);
		out = NULL;
	}
	freezero(plain, plain_len);
	return out;
}

const struct seal_account *
seal_ring_account(const struct seal_ring *r)
{
	return &r->account;
}

const uint8_t *
seal_ring_amk(const struct seal_ring *r)
{
	return r->amk;
}

int
seal_ring_delivery(const struct seal_ring *r, struct seal_delivery *d)
{
	if (r->ndelivery == 0) {
		errno = ENOENT;
		return -1;
	}
	*d = r->delivery[0].pub;
	for (uint32_t i = 1; i < r->ndelivery; i++) {
		if (r->delivery[i].pub.created >= d->created)
			*d = r->delivery[i].pub;
	}
	return 0;
}

void
seal_ring_sub(
    const struct seal_ring *r, enum seal_sub sub, uint8_t key[SEAL_KEY_LEN])
{
	seal_amk_sub(r->amk, sub, key);
}

/* The root of an epoch: of those that begin before it, the latest. */
static const struct ring_root *
ring_root_of(const struct seal_ring *r, uint32_t epoch)
{
	const struct ring_root *best = NULL;

	for (uint32_t i = 0; i < r->nroots; i++) {
		if (r->roots[i].from > epoch)
			continue;
		if (best == NULL || r->roots[i].from > best->from ||
		    (r->roots[i].from == best->from &&
			r->roots[i].id > best->id))
			best = &r->roots[i];
	}
	return best;
}

int
seal_ring_log(
    const struct seal_ring *r, uint32_t epoch, uint8_t key[SEAL_KEY_LEN])
{
	const struct ring_root *root;

	root = ring_root_of(r, epoch);
	if (root == NULL) {
		errno = ENOENT;
		return -1;
	}
	crypto_kdf_derive_from_key(
	    key, SEAL_KEY_LEN, epoch, LOG_CONTEXT, root->key);
	return 0;
}

uint32_t
seal_ring_epoch(const struct seal_ring *r)
{
	const struct ring_root *root;

	root = ring_root_of(r, UINT32_MAX);
	return root == NULL ? 0 : root->from;
}

void
seal_ring_sign(const struct seal_ring *r, const char *context, const void *data,
    size_t len, uint8_t sig[SEAL_SIG_LEN])
{
	crypto_sign_state st;

	/* Ed25519ph, so that nothing else the key signs can be meant. */
	crypto_sign_init(&st);
	crypto_sign_update(&st, (const uint8_t *)context, strlen(context) + 1);
	crypto_sign_update(&st, data, len);
	crypto_sign_final_create(&st, sig, NULL, r->sign_sk);
}
