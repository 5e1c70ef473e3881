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
 * Annotations of boxes and of the account (RFC 5464): names and values, opaque
 * octets to the store.  Each is set or removed by one META; of two hosts that
 * set the same one the later by Lamport time and host stays, as the fold meets
 * them.  A box that is removed takes its own with it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"

static void
meta_free(struct store_meta *m)
{
	char *name;
	uint8_t *value;

	memcpy(&name, &m->name, sizeof(name));
	memcpy(&value, &m->value, sizeof(value));
	freezero(name, strlen(name) + 1);
	freezero(value, m->len + 1);
}

void
metas_clear(struct metas *ms)
{
	for (size_t i = 0; i < ms->n; i++)
		meta_free(&ms->m[i]);
	free(ms->m);
	memset(ms, 0, sizeof(*ms));
}

/* The account's own, or a box's; NULL: there is no such box. */
static struct metas *
metas_of(struct store *st, uint64_t id)
{
	struct box *box;

	if (id == 0)
		return &st->metas;
	box = box_find(st, id);
	return box == NULL ? NULL : &box->metas;
}

/* Its place, or where it would be. */
static size_t
meta_place(const struct metas *ms, const char *name, bool *found)
{
	size_t lo = 0, hi = ms->n, mid;
	int cmp;

	*found = false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		cmp = strcmp(ms->m[mid].name, name);
		if (cmp == 0) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
meta_insert(struct metas *ms, size_t at, const struct store_meta *m)
{
	struct store_meta *grown;
	uint8_t *value;
	char *name;
	size_t size;

	if (ms->n == ms->size) {
		size = ms->size == 0 ? 4 : 2 * ms->size;
		grown = recallocarray(ms->m, ms->size, size, sizeof(*grown));
		if (grown == NULL)
			return -1;
		ms->m = grown;
		ms->size = size;
	}
	name = strdup(m->name);
	value = malloc(m->len + 1);
	if (name == NULL || value == NULL) {
		free(name);
		free(value);
		return -1;
	}
	memcpy(value, m->value, m->len);
	value[m->len] = '\0';
	memmove(ms->m + at + 1, ms->m + at, (ms->n - at) * sizeof(*ms->m));
	ms->m[at].name = name;
	ms->m[at].value = value;
	ms->m[at].len = m->len;
	ms->n++;
	return 0;
}

static int
metas_put(struct metas *ms, const struct store_meta *m)
{
	bool found;
	size_t at;

	at = meta_place(ms, m->name, &found);
	if (found) {
		meta_free(&ms->m[at]);
		ms->n--;
		memmove(
		    ms->m + at, ms->m + at + 1, (ms->n - at) * sizeof(*ms->m));
	}
	return m->value == NULL ? 0 : meta_insert(ms, at, m);
}

/* Name, whether it has a value, length, octets: what a META and state have. */
static void
put_meta(struct buf *b, const struct store_meta *m)
{
	buf_put_str(b, m->name);
	buf_put8(b, m->value != NULL);
	buf_put32(b, m->value != NULL ? (uint32_t)m->len : 0);
	if (m->value != NULL)
		buf_put(b, m->value, m->len);
}

static int
get_meta(struct metas *ms, struct rd *r)
{
	struct store_meta m = {0};
	const uint8_t *value;
	char *name;
	bool set;
	int result;

	name = rd_str(r, STORE_META_NAME_MAX);
	set = rd8(r) != 0;
	m.len = rd32(r);
	if (m.len > STORE_META_VALUE_MAX)
		r->bad = true;
	value = r->bad ? NULL : rd_raw(r, m.len);
	if (name == NULL || value == NULL) {
		free(name);
		return -1;
	}
	m.name = name;
	m.value = set ? value : NULL;
	/* Of a box that is not there it changes nothing. */
	result = ms == NULL ? 0 : metas_put(ms, &m);
	freezero(name, strlen(name));
	return result;
}

int
meta_apply(struct store *st, struct rd *r)
{
	uint64_t id;

	id = rd64(r);
	return get_meta(metas_of(st, id), r);
}

void
metas_write(const struct metas *ms, struct buf *b)
{
	buf_put32(b, (uint32_t)ms->n);
	for (size_t i = 0; i < ms->n; i++)
		put_meta(b, &ms->m[i]);
}

void
metas_read(struct metas *ms, struct rd *r)
{
	for (uint32_t n = rd32(r); n > 0 && !r->bad; n--)
		if (get_meta(ms, r) == -1)
			r->bad = true;
}

void
meta_body(struct buf *b, uint64_t id, const struct store_meta *m)
{
	buf_put64(b, id);
	put_meta(b, m);
}

const struct store_meta *
store_meta_at(struct store *st, uint64_t id, size_t i)
{
	const struct metas *ms;

	ms = metas_of(st, id);
	return ms == NULL || i >= ms->n ? NULL : &ms->m[i];
}

static size_t
octets_of(const struct store_meta *m)
{
	return m->value == NULL ? 0 : strlen(m->name) + m->len;
}

static size_t
octets_all(const struct metas *ms)
{
	size_t octets = 0;

	for (size_t i = 0; i < ms->n; i++)
		octets += octets_of(&ms->m[i]);
	return octets;
}

/* Would so many be too many, or too much? */
static enum store_result
limits_check(struct store *st, const struct metas *ms,
    const struct store_meta *m, size_t n)
{
	size_t count = ms->n, octets, i;
	bool found;

	octets = octets_all(&st->metas);
	for (i = 0; i < st->nboxes; i++)
		octets += octets_all(&st->boxes[i]->metas);
	for (i = 0; i < n; i++) {
		if (m[i].name[0] == '\0' ||
		    strlen(m[i].name) > STORE_META_NAME_MAX)
			return STORE_BADNAME;
		if (m[i].value != NULL && m[i].len > STORE_META_VALUE_MAX)
			return STORE_INVALID;
		(void)meta_place(ms, m[i].name, &found);
		count += m[i].value != NULL && !found;
		octets += octets_of(&m[i]);
	}
	return count > STORE_META_ENTRIES_MAX ||
		(octets > STORE_META_TOTAL_MAX) ?
	    STORE_LIMIT :
	    STORE_OK;
}

enum store_result
store_meta_set(
    struct store *st, uint64_t id, const struct store_meta *m, size_t n)
{
	enum store_result result;
	struct buf b = {0};
	struct metas *ms;
	size_t room = 64;

	if ((ms = metas_of(st, id)) == NULL)
		return STORE_UNKNOWN;
	for (size_t i = 0; i < n; i++)
		room += 64 + strlen(m[i].name) + m[i].len;
	if (room > STORE_META_SET_MAX)
		return STORE_INVALID;
	result = limits_check(st, ms, m, n);
	if (result == STORE_OK)
		result = mut_begin(st, room);
	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < n; i++) {
		meta_body(&b, id, &m[i]);
		op_queue(st, OP_META, &b);
		buf_clear(&b);
	}
	op_group_end(st);
	return st->failed ? STORE_IO : STORE_OK;
}
