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
 * Slots as records: decoding, encoding, and the union of both hosts' files, in
 * which the highest revision of each slot counts.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slot_local.h"

#define STATE_LIVE 1
#define STATE_DEAD 2

#define SLOTS_STEP 4
#define SCRAM_ITERATIONS_MIN 4096 /* RFC 7677 section 4 */
#define SCRAM_ITERATIONS_MAX 10000000

static size_t slot_encode(const struct seal_slot *, uint8_t *);

struct seal_slots *
seal_slots_new(void)
{
	return calloc(1, sizeof(struct seal_slots));
}

void
seal_slots_free(struct seal_slots *slots)
{
	if (slots == NULL)
		return;
	freezero(slots->slot, slots->max * sizeof(*slots->slot));
	free(slots);
}

/*
 * Forgets the oldest tombstone, where no other host can have the slot still
 * alive in a file of its own.  False: there is none to forget.
 */
static bool
slots_forget(struct seal_slots *slots)
{
	struct seal_slot *s, *old = NULL;

	if ((slots->hosts & (slots->hosts - 1)) != 0)
		return false;
	for (size_t i = 0; i < slots->n; i++) {
		s = &slots->slot[i];
		if (s->dead && (old == NULL || s->rev < old->rev))
			old = s;
	}
	if (old == NULL)
		return false;
	*old = slots->slot[--slots->n];
	return true;
}

/* An account has two or three as a rule, and a vault keeps its heap. */
struct seal_slot *
slots_append(struct seal_slots *slots)
{
	struct seal_slot *p;

	if (slots->n == SEAL_SLOTS_MAX && !slots_forget(slots)) {
		errno = E2BIG;
		return NULL;
	}
	if (slots->n == slots->max) {
		p = recallocarray(slots->slot, slots->max,
		    slots->max + SLOTS_STEP, sizeof(*p));
		if (p == NULL)
			return NULL;
		slots->slot = p;
		slots->max += SLOTS_STEP;
	}
	memset(&slots->slot[slots->n], 0, sizeof(slots->slot[0]));
	return &slots->slot[slots->n++];
}

struct seal_slot *
slots_find(const struct seal_slots *slots, uint32_t id)
{
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	}
	return NULL;
}

/* What is further data on disk is the kind's own, and the generation. */
static void
slot_split(struct seal_slot *s)
{
	size_t own;

	own = s->alg == SLOT_SEALED ? SEALED_AUX_LEN : 0;
	if (s->alg == SLOT_SCRAM)
		own = s->aux_len < SCRAM_MAIN_LEN ? SCRAM_AUX_LEN :
						    SCRAM_MAIN_LEN;
	if (s->aux_len != own + SLOT_GEN_LEN)
		return;
	s->gen = get_be32(s->aux + own);
	s->aux_len = s->gen == 0 ? SLOT_AUX_MAX : own; /* not valid */
}

static bool
slot_valid(const struct seal_slot *s)
{
	if (s->id == 0 || s->rev == 0)
		return false;
	if (s->dead)
		return true;
	switch (s->alg) {
	case SLOT_ARGON2ID:
		return s->kind == SEAL_SLOT_MAIN && kdf_valid(&s->kdf) &&
		    s->wrapped_len == SEAL_KEY_LEN + SEAL_TAG_LEN &&
		    s->aux_len == 0;
	case SLOT_BLAKE2B:
		return (s->kind == SEAL_SLOT_APP ||
			   s->kind == SEAL_SLOT_RECOVERY) &&
		    s->kdf.ops == 0 && s->kdf.mem == 0 &&
		    s->wrapped_len == SEAL_KEY_LEN + SEAL_TAG_LEN &&
		    s->aux_len == 0;
	case SLOT_SEALED:
		return (s->kind == SEAL_SLOT_ESCROW ||
			   s->kind == SEAL_SLOT_MEMBER) &&
		    s->kdf.ops == 0 && s->kdf.mem == 0 &&
		    s->wrapped_len == SEAL_KEY_LEN + SEAL_TAG_LEN &&
		    s->aux_len == SEALED_AUX_LEN;
	case SLOT_SCRAM:
		return s->kind == SEAL_SLOT_SCRAM &&
		    s->kdf.ops >= SCRAM_ITERATIONS_MIN &&
		    s->kdf.ops <= SCRAM_ITERATIONS_MAX && s->kdf.mem == 0 &&
		    s->wrapped_len == SEAL_KEY_LEN + SEAL_TAG_LEN &&
		    (s->aux_len == SCRAM_AUX_LEN ||
			s->aux_len == SCRAM_MAIN_LEN);
	default:
		return false;
	}
}

/* One record, which must fill what c holds. */
static int
slot_decode(struct seal_slot *s, struct cursor *c)
{
	const uint8_t *salt, *commit, *nonce;
	uint8_t state;

	memset(s, 0, sizeof(*s));
	s->id = cursor_u32(c);
	s->rev = cursor_u64(c);
	state = cursor_u8(c);
	s->dead = state == STATE_DEAD;
	if (state == STATE_LIVE) {
		s->kind = cursor_u8(c);
		s->scope = cursor_u16(c);
		s->alg = cursor_u8(c);
		s->kdf.ops = cursor_u64(c);
		s->kdf.mem = cursor_u64(c);
		salt = cursor_raw(c, sizeof(s->salt));
		commit = cursor_raw(c, sizeof(s->commit));
		nonce = cursor_raw(c, sizeof(s->nonce));
		if (nonce == NULL)
			return -1;
		memcpy(s->salt, salt, sizeof(s->salt));
		memcpy(s->commit, commit, sizeof(s->commit));
		memcpy(s->nonce, nonce, sizeof(s->nonce));
		s->wrapped_len = cursor_bytes(
		    c, s->wrapped, sizeof(s->wrapped));
		s->created = (int64_t)cursor_u64(c);
		s->aux_len = cursor_bytes(c, s->aux, sizeof(s->aux));
		s->label_len = cursor_bytes(c, s->label, sizeof(s->label));
		slot_split(s);
	} else if (state != STATE_DEAD)
		return -1;
	if (c->bad || c->left != 0 || !slot_valid(s))
		return -1;
	return 0;
}

/*
 * Of two records of one id: the tombstone, since no id lives again; then the
 * one of the later master key, then the higher revision, then the greater
 * octets, so that both hosts choose the same.
 */
static bool
slot_wins(const struct seal_slot *a, const struct seal_slot *b)
{
	int d;

	if (a->dead != b->dead)
		return a->dead;
	if (a->gen != b->gen)
		return a->gen > b->gen;
	if (a->rev != b->rev)
		return a->rev > b->rev;
	d = memcmp(a->salt, b->salt, sizeof(a->salt));
	if (d == 0)
		d = memcmp(a->nonce, b->nonce, sizeof(a->nonce));
	return d > 0;
}

int
slots_decode(struct seal_slots *slots, const uint8_t *body, size_t len)
{
	struct cursor c = {.p = body, .left = len}, one;
	struct seal_slot s, *old;
	unsigned int n;

	n = cursor_u16(&c);
	for (unsigned int i = 0; i < n && !c.bad; i++) {
		one.left = cursor_u16(&c);
		one.p = cursor_raw(&c, one.left);
		one.bad = one.p == NULL;
		if (slot_decode(&s, &one) == -1)
			goto bad;
		old = slots_find(slots, s.id);
		if (old == NULL) {
			old = slots_append(slots);
			if (old == NULL && errno == ENOMEM)
				return -1;
			if (old == NULL)
				goto bad;
			*old = s;
		} else if (slot_wins(&s, old))
			*old = s;
	}
	if (c.bad || c.left != 0)
		goto bad;
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

static uint8_t *
encode_bytes(uint8_t *p, const uint8_t *data, size_t len)
{
	put_be16(p, (uint16_t)len);
	memcpy(p + 2, data, len);
	return p + 2 + len;
}

ssize_t
seal_slots_export(
    const struct seal_slots *slots, uint32_t id, uint8_t out[SEAL_RECORD_MAX])
{
	uint8_t record[SLOT_RECORD_MAX];
	const struct seal_slot *s;
	size_t len;

	_Static_assert(SEAL_RECORD_MAX >= SLOT_RECORD_MAX, "SEAL_RECORD_MAX");
	s = slots_find(slots, id);
	if (s == NULL || s->dead) {
		errno = ENOENT;
		return -1;
	}
	len = slot_encode(s, record) - 2;
	memcpy(out, record + 2, len);
	explicit_bzero(record, sizeof(record));
	return (ssize_t)len;
}

/*
 * May s stand where old does, or be new?  What the maker of s saw may be past:
 * EAGAIN, or ENOENT for what was revoked.
 */
static bool
import_fits(const struct seal_slots *slots, const struct seal_slot *s,
    const struct seal_slot *old)
{
	bool scram = s->alg == SLOT_SCRAM;

	errno = ENOENT;
	if (s->gen != slots->gen || (scram && scram_owner(slots, s) == NULL))
		return false;
	if (old != NULL &&
	    (old->dead || old->kind != s->kind || s->kind == SEAL_SLOT_APP ||
		(scram &&
		    memcmp(old->aux, s->aux, SCRAM_STORED - SCRAM_OWNER) != 0)))
		return false;
	errno = EAGAIN;
	return !scram || !scram_outdone(slots, s);
}

int
seal_slots_import(
    struct seal_slots *slots, const uint8_t *record, size_t len, uint32_t *id)
{
	struct cursor c = {.p = record, .left = len};
	struct seal_slot s, *old;
	uint64_t rev = 0;

	if (slot_decode(&s, &c) == -1 || s.dead ||
	    (s.kind != SEAL_SLOT_MAIN && s.kind != SEAL_SLOT_APP &&
		s.kind != SEAL_SLOT_SCRAM)) {
		errno = EBADMSG;
		return -1;
	}
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->slot[i].rev > rev)
			rev = slots->slot[i].rev;
	}
	old = slots_find(slots, s.id);
	if (!import_fits(slots, &s, old))
		return -1;
	if (old == NULL && (old = slots_append(slots)) == NULL)
		return -1;
	*old = s;
	old->rev = rev + 1;
	*id = s.id;
	explicit_bzero(&s, sizeof(s));
	return 0;
}

/* The further data, and behind it the generation, where it is not 0. */
static uint8_t *
encode_aux(uint8_t *p, const struct seal_slot *s)
{
	size_t len = s->aux_len;

	p = encode_bytes(p, s->aux, len);
	if (s->gen == 0)
		return p;
	put_be16(p - len - 2, (uint16_t)(len + SLOT_GEN_LEN));
	put_be32(p, s->gen);
	return p + SLOT_GEN_LEN;
}

/* At most SLOT_RECORD_MAX octets. */
static size_t
slot_encode(const struct seal_slot *s, uint8_t *out)
{
	uint8_t *p = out + 2;

	put_be32(p, s->id);
	put_be64(p + 4, s->rev);
	p[12] = s->dead ? STATE_DEAD : STATE_LIVE;
	p += 13;
	if (!s->dead) {
		p[0] = s->kind;
		put_be16(p + 1, s->scope);
		p[3] = s->alg;
		put_be64(p + 4, s->kdf.ops);
		put_be64(p + 12, s->kdf.mem);
		p += 20;
		memcpy(p, s->salt, sizeof(s->salt));
		p += sizeof(s->salt);
		memcpy(p, s->commit, sizeof(s->commit));
		p += sizeof(s->commit);
		memcpy(p, s->nonce, sizeof(s->nonce));
		p += sizeof(s->nonce);
		p = encode_bytes(p, s->wrapped, s->wrapped_len);
		put_be64(p, (uint64_t)s->created);
		p = encode_aux(p + 8, s);
		p = encode_bytes(p, s->label, s->label_len);
	}
	put_be16(out, (uint16_t)(p - out - 2));
	return (size_t)(p - out);
}

size_t
slots_encode(const struct seal_slots *slots, uint8_t *out, size_t size)
{
	size_t len = 2;

	_Static_assert(2 + 13 + 20 + SLOT_SALT_LEN + SEAL_SUM_LEN +
		    SEAL_NONCE_LEN + 2 + SLOT_WRAPPED_MAX + 8 + 2 +
		    SLOT_AUX_MAX + 2 + SLOT_LABEL_SEALED <=
		SLOT_RECORD_MAX,
	    "SLOT_RECORD_MAX");
	if (size < 2 + slots->n * SLOT_RECORD_MAX)
		return 0;
	put_be16(out, (uint16_t)slots->n);
	for (size_t i = 0; i < slots->n; i++)
		len += slot_encode(&slots->slot[i], out + len);
	return len;
}

/* 1: merged, 0: that host has none, -1. */
static int
slots_merge_host(struct seal_slots *slots, int dirfd,
    const struct seal_account *a, unsigned int host)
{
	struct keyfile kf;
	int ret;

	for (int i = 0;; i++) {
		if (keyfile_load(dirfd, KEYFILE_SLOTS, a, host, &kf) == 0)
			break;
		if (errno == ENOENT)
			return 0;
		if (errno != EAGAIN || i == KEYFILE_TRIES)
			return -1;
	}
	ret = slots_decode(slots, kf.body, kf.body_len);
	keyfile_clear(&kf);
	return ret == -1 ? -1 : 1;
}

const struct seal_slot *
scram_owner(const struct seal_slots *slots, const struct seal_slot *s)
{
	const struct seal_slot *owner;
	bool bound = s->aux_len == SCRAM_MAIN_LEN;

	owner = slots_find(slots, get_be32(s->aux + SCRAM_OWNER));
	if (owner == NULL || owner->dead ||
	    owner->kind != (bound ? SEAL_SLOT_MAIN : SEAL_SLOT_APP))
		return NULL;
	/* Of an earlier password: the other host had not heard of it. */
	if (bound &&
	    memcmp(owner->salt, s->aux + SCRAM_BOUND, SLOT_SALT_LEN) != 0)
		return NULL;
	return owner;
}

/*
 * What wraps an earlier master key is no more: a host that did not know of the
 * rekey has written it.
 */
static void
slots_settle(struct seal_slots *slots)
{
	struct seal_slot *s;

	for (size_t i = 0; i < slots->n; i++) {
		if (!slots->slot[i].dead && slots->slot[i].gen > slots->gen)
			slots->gen = slots->slot[i].gen;
	}
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->slot[i].gen != slots->gen)
			slots->slot[i].dead = true;
	}
	for (size_t i = 0; i < slots->n; i++) {
		s = &slots->slot[i];
		if (!s->dead && s->alg == SLOT_SCRAM &&
		    scram_owner(slots, s) == NULL)
			s->dead = true;
	}
}

struct seal_slots *
seal_slots_load(int dirfd, const struct seal_account *a)
{
	struct seal_slots *slots;
	int found = 0, n;

	slots = seal_slots_new();
	if (slots == NULL)
		return NULL;
	for (unsigned int h = 0; h < KEYFILE_HOSTS; h++) {
		n = slots_merge_host(slots, dirfd, a, h);
		if (n == -1) {
			seal_slots_free(slots);
			return NULL;
		}
		found += n;
		slots->hosts |= (unsigned int)n << h;
	}
	if (found == 0) {
		seal_slots_free(slots);
		errno = ENOENT;
		return NULL;
	}
	slots_settle(slots);
	return slots;
}
