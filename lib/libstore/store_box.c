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
 * Mailboxes, subscriptions, and the table of blobs that several messages
 * share.  Ids ascend, so the array is sorted and new ones go to its end.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "store_retain.h"

#define EPOCH 1577836800 /* 2020-01-01: UIDVALIDITY counts from here */

static int
shared_cmp(const struct shared *a, const struct shared *b)
{
	return memcmp(a->blob, b->blob, STORE_ID);
}

RB_GENERATE(shared_tree, shared, entry, shared_cmp)

/* Where id is or would be. */
static size_t
box_index(const struct store *st, uint64_t id)
{
	size_t lo, hi, mid;

	for (lo = 0, hi = st->nboxes; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		if (st->boxes[mid]->pub.id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct box *
box_find(struct store *st, uint64_t id)
{
	size_t i;

	i = box_index(st, id);
	return i < st->nboxes && st->boxes[i]->pub.id == id ? st->boxes[i] :
							      NULL;
}

/* Takes name; NULL without memory (name is freed then too). */
struct box *
box_add(struct store *st, uint64_t id, char *name_take)
{
	struct box **p, *b;
	size_t i, size;

	b = calloc(1, sizeof(*b));
	if (b != NULL && st->nboxes == st->boxes_size) {
		size = st->boxes_size == 0 ? 16 : st->boxes_size * 2;
		p = reallocarray(st->boxes, size, sizeof(*p));
		if (p == NULL) {
			free(b);
			b = NULL;
		} else {
			st->boxes = p;
			st->boxes_size = size;
		}
	}
	if (b == NULL) {
		free(name_take);
		return NULL;
	}
	i = box_index(st, id);
	memmove(st->boxes + i + 1, st->boxes + i,
	    (st->nboxes - i) * sizeof(*st->boxes));
	st->boxes[i] = b;
	st->nboxes++;
	b->pub.id = id;
	b->pub.name = name_take;
	b->pub.keywords = b->keywords;
	b->loaded = b->dirty = true;
	box_update(st, b);
	return b;
}

static void
free_name(char *name)
{
	if (name != NULL)
		freezero(name, strlen(name));
}

/* All that it points to. */
void
box_clear(struct box *b)
{
	size_t i;
	char *name;

	memcpy(&name, &b->pub.name, sizeof(name));
	free_name(name);
	free_name(b->want);
	free_name(b->old);
	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (b->keywords[i] != NULL)
			freezero(b->keywords[i], strlen(b->keywords[i]));
	}
	metas_clear(&b->metas);
	col_unload(b);
	freezero(b->extra, b->extra_size * sizeof(*b->extra));
	free(b->recent);
}

void
box_free(struct box *b)
{
	box_clear(b);
	freezero(b, sizeof(*b));
}

void
box_remove(struct store *st, struct box *b)
{
	size_t i;

	i = box_index(st, b->pub.id);
	st->nboxes--;
	memmove(st->boxes + i, st->boxes + i + 1,
	    (st->nboxes - i) * sizeof(*st->boxes));
	box_free(b);
}

/* The lowest UID that this host may give next. */
uint32_t
next_uid(const struct store *st, const struct box *b)
{
	uint32_t uid;

	uid = b->uidmax + 1;
	return uid % 2 == st->host || MUTANT(1) ? uid : uid + 1;
}

void
box_update(const struct store *st, struct box *b)
{
	/* The next may be another host's, of its parity. */
	b->pub.uidnext = b->uidmax + 1;
	b->pub.messages = b->loaded ? (uint32_t)b->n : b->pub.messages;
}

int
box_set_keyword(struct box *b, unsigned int bit, char *name_take)
{
	unsigned int i;

	if (bit >= STORE_KEYWORDS_MAX) {
		free(name_take);
		return -1;
	}
	/*
	 * Where both hosts gave that name, each with a bit of its own, the
	 * first in the order of the fold counts.  No message can have the
	 * other bit yet: who gave it had named it before.
	 */
	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (b->keywords[i] == NULL || MUTANT(24) ||
		    strcasecmp(b->keywords[i], name_take) != 0)
			continue;
		if (i != bit && b->keywords[bit] == NULL)
			b->alias[bit] = (uint8_t)(i + 1);
		free(name_take);
		return 0;
	}
	free(b->keywords[bit]);
	b->keywords[bit] = name_take;
	b->alias[bit] = 0;
	b->pub.keywords_rev++;
	if (bit >= b->pub.nkeywords)
		b->pub.nkeywords = (uint16_t)(bit + 1);
	return 0;
}

uint64_t
box_map_flags(const struct box *b, uint64_t flags)
{
	uint64_t bit;
	unsigned int i;

	for (i = 0; flags >> 8 != 0 && i < STORE_KEYWORDS_MAX; i++) {
		bit = 1ULL << (8 + i);
		if ((flags & bit) && b->alias[i] != 0)
			flags = (flags & ~bit) | 1ULL << (7 + b->alias[i]);
	}
	return flags;
}

const struct store_box *
store_box_next(struct store *st, const struct store_box *prev)
{
	size_t i;

	i = prev == NULL ? 0 : box_index(st, prev->id + 1);
	return i < st->nboxes ? &st->boxes[i]->pub : NULL;
}

const struct store_box *
store_box_find(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	return b == NULL ? NULL : &b->pub;
}

const struct store_box *
store_box_named(struct store *st, const char *name)
{
	size_t i;

	for (i = 0; i < st->nboxes; i++) {
		if (strcmp(st->boxes[i]->pub.name, name) == 0)
			return &st->boxes[i]->pub;
	}
	return NULL;
}

static enum store_result
check_name(const char *name)
{
	size_t len;

	len = strlen(name);
	return len == 0 || len > STORE_NAME_MAX ? STORE_BADNAME : STORE_OK;
}

/* Higher than any before, and with the host in its lowest bit. */
static uint32_t
new_uidvalidity(const struct store *st)
{
	uint32_t v;

	v = (uint32_t)(((uint64_t)(time(NULL) - EPOCH)) << 1);
	if (v <= st->last_uidvalidity)
		v = st->last_uidvalidity + 1;
	return v % 2 == st->host ? v : v + 1;
}

static void
queue_mkbox(struct store *st, uint64_t id, const char *name, uint16_t use)
{
	struct buf b = {0};

	buf_put64(&b, id);
	buf_put32(&b, new_uidvalidity(st));
	buf_put16(&b, use);
	buf_put_str(&b, name);
	op_queue(st, OP_MKBOX, &b);
	buf_clear(&b);
}

enum store_result
store_mkbox(struct store *st, const char *name, uint16_t use, uint64_t *id)
{
	enum store_result result;
	uint64_t new;

	result = check_name(name);
	if (result != STORE_OK)
		return result;
	if (store_box_named(st, name) != NULL)
		return STORE_EXISTS;
	if (st->nboxes >= STORE_BOXES_MAX)
		return STORE_LIMIT;
	result = mut_begin(st, STORE_NAME_MAX + 64);
	if (result != STORE_OK)
		return result;
	new = st->next_box < BOX_FIRST_ID ? BOX_FIRST_ID : st->next_box;
	if (new % 2 != st->host)
		new ++;
	queue_mkbox(st, new, name, use);
	op_group_end(st);
	if (id != NULL)
		*id = new;
	return STORE_OK;
}

int
make_first_boxes(struct store *st)
{
	static const struct {
		const char *name;
		uint16_t use;
	} first[] = {
	    {"INBOX", 0},
	    {"Archive", STORE_USE_ARCHIVE},
	    {"Drafts", STORE_USE_DRAFTS},
	    {"Sent", STORE_USE_SENT},
	    {"Spam", STORE_USE_JUNK},
	    {"Trash", STORE_USE_TRASH},
	};
	size_t i;

	if (mut_begin(st, 4096) != STORE_OK)
		return -1;
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		queue_mkbox(st, STORE_INBOX + i, first[i].name, first[i].use);
		if (sub_set(st, first[i].name, true) == -1)
			return -1;
	}
	op_group_end(st);
	return 0;
}

/* The name of each box after the renames; two alike are refused. */
static enum store_result
check_renames(struct store *st, const struct store_rename *r, size_t n)
{
	const struct store_box *other;
	enum store_result result;
	size_t i, j;

	for (i = 0; i < n; i++) {
		result = check_name(r[i].name);
		if (result != STORE_OK)
			return result;
		if (box_find(st, r[i].box) == NULL)
			return STORE_UNKNOWN;
		for (j = 0; j < i; j++) {
			if (r[j].box == r[i].box)
				return STORE_INVALID;
			if (strcmp(r[j].name, r[i].name) == 0)
				return STORE_EXISTS;
		}
		other = store_box_named(st, r[i].name);
		for (j = 0; other != NULL && j < n; j++) {
			if (r[j].box == other->id)
				other = NULL;
		}
		if (other != NULL)
			return STORE_EXISTS;
	}
	return STORE_OK;
}

enum store_result
store_mvbox(struct store *st, const struct store_rename *r, size_t n)
{
	struct buf b = {0};
	enum store_result result;
	size_t i;

	if (n > STORE_RENAMES_MAX)
		return STORE_LIMIT;
	result = check_renames(st, r, n);
	if (result == STORE_OK)
		result = mut_begin(st, n * (STORE_NAME_MAX + 64));
	if (result != STORE_OK)
		return result;
	for (i = 0; i < n; i++) {
		buf_put64(&b, r[i].box);
		buf_put_str(&b, r[i].name);
		op_queue(st, OP_MVBOX, &b);
		buf_clear(&b);
	}
	op_group_end(st);
	return STORE_OK;
}

enum store_result
store_rmbox(struct store *st, uint64_t id)
{
	struct buf b = {0};
	enum store_result result;
	struct box *box;

	box = box_find(st, id);
	if (box == NULL)
		return STORE_UNKNOWN;
	if (id == STORE_INBOX)
		return STORE_BADNAME;
	if (col_load(st, box) == -1)
		return STORE_CORRUPT;
	/* With two hosts some of it may have to be placed elsewhere. */
	result = st->multi ? mut_begin(st, 64) : mut_shrink(st, 64, false);
	if (result != STORE_OK)
		return result;
	if (merge_rescue(st, box) == -1)
		return st->failed ? STORE_IO : STORE_CORRUPT;
	buf_put64(&b, id);
	op_queue(st, OP_RMBOX, &b);
	buf_clear(&b);
	op_group_end(st);
	return STORE_OK;
}

enum store_result
store_set_use(struct store *st, uint64_t id, uint16_t use)
{
	struct buf b = {0};
	enum store_result result;

	if (box_find(st, id) == NULL)
		return STORE_UNKNOWN;
	result = mut_begin(st, 64);
	if (result == STORE_OK && retain_use(st, box_find(st, id)) == -1)
		result = STORE_CORRUPT;
	if (result != STORE_OK)
		return result;
	buf_put64(&b, id);
	buf_put16(&b, use);
	op_queue(st, OP_USE, &b);
	buf_clear(&b);
	op_group_end(st);
	return STORE_OK;
}

static size_t
sub_index(const struct store *st, const char *name, bool *found)
{
	size_t lo, hi, mid;
	int c;

	*found = false;
	for (lo = 0, hi = st->nsubs; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(st->subs[mid], name);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Queues the operation. */
int
sub_set(struct store *st, const char *name, bool on)
{
	struct buf b = {0};

	buf_put8(&b, on);
	buf_put_str(&b, name);
	op_queue(st, OP_SUB, &b);
	buf_clear(&b);
	return st->failed ? -1 : 0;
}

/* Applies it. */
int
sub_apply(struct store *st, char *name_take, bool on)
{
	char **p;
	size_t i, size;
	bool found;

	i = sub_index(st, name_take, &found);
	if (found == on) {
		free(name_take);
		return 0;
	}
	if (found) {
		free(name_take);
		freezero(st->subs[i], strlen(st->subs[i]));
		st->nsubs--;
		memmove(st->subs + i, st->subs + i + 1,
		    (st->nsubs - i) * sizeof(*st->subs));
		return 0;
	}
	if (st->nsubs == st->subs_size) {
		size = st->subs_size == 0 ? 16 : st->subs_size * 2;
		p = reallocarray(st->subs, size, sizeof(*p));
		if (p == NULL) {
			free(name_take);
			return -1;
		}
		st->subs = p;
		st->subs_size = size;
	}
	memmove(st->subs + i + 1, st->subs + i,
	    (st->nsubs - i) * sizeof(*st->subs));
	st->subs[i] = name_take;
	st->nsubs++;
	return 0;
}

enum store_result
store_subscribe(struct store *st, const char *name, bool on)
{
	enum store_result result;

	result = check_name(name);
	if (result != STORE_OK)
		return result;
	if (store_subscribed(st, name) == on)
		return STORE_OK;
	if (on && st->nsubs >= STORE_BOXES_MAX)
		return STORE_LIMIT;
	result = mut_begin(st, STORE_NAME_MAX + 64);
	if (result != STORE_OK)
		return result;
	if (sub_set(st, name, on) == -1)
		return STORE_IO;
	op_group_end(st);
	return STORE_OK;
}

bool
store_subscribed(struct store *st, const char *name)
{
	bool found;

	(void)sub_index(st, name, &found);
	return found;
}

const char *
store_sub_next(struct store *st, const char *prev)
{
	size_t i;
	bool found;

	i = 0;
	if (prev != NULL) {
		i = sub_index(st, prev, &found);
		if (found)
			i++;
	}
	return i < st->nsubs ? st->subs[i] : NULL;
}

/* count more instances; one that is in no table has one. */
int
shared_add(struct store *st, const uint8_t *blob, uint32_t count)
{
	struct shared key, *s;

	memcpy(key.blob, blob, STORE_ID);
	s = RB_FIND(shared_tree, &st->shared, &key);
	if (s != NULL) {
		s->count += count;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -1;
	memcpy(s->blob, blob, STORE_ID);
	s->count = 1 + count;
	(void)RB_INSERT(shared_tree, &st->shared, s);
	return 0;
}

int
garbage_add(struct store *st, const uint8_t *blob, uint64_t bytes)
{
	struct garbage *p;
	size_t size;

	if (st->ngarbage == st->garbage_size) {
		size = st->garbage_size == 0 ? 16 : st->garbage_size * 2;
		p = reallocarray(st->garbage, size, sizeof(*p));
		if (p == NULL)
			return -1;
		st->garbage = p;
		st->garbage_size = size;
	}
	memcpy(st->garbage[st->ngarbage].blob, blob, STORE_ID);
	st->garbage[st->ngarbage].writer = (uint8_t)st->cur_writer;
	st->garbage[st->ngarbage].seq = st->stating ? 0 : st->cur_seq;
	st->garbage[st->ngarbage++].bytes = bytes;
	return 0;
}

int
blob_ref(struct store *st, const uint8_t *blob, uint64_t bytes)
{
	size_t i;

	for (i = 0; st->multi && i < st->ngarbage && !MUTANT(11); i++) {
		if (memcmp(st->garbage[i].blob, blob, STORE_ID) != 0)
			continue;
		st->garbage[i] = st->garbage[--st->ngarbage];
		st->live += bytes;
		return 0;
	}
	return shared_add(st, blob, 1);
}

int
blob_unref(struct store *st, const uint8_t *blob, uint64_t bytes)
{
	struct shared key, *s;

	memcpy(key.blob, blob, STORE_ID);
	s = RB_FIND(shared_tree, &st->shared, &key);
	if (s == NULL) {
		st->live -= st->live < bytes ? st->live : bytes;
		return garbage_add(st, blob, bytes);
	}
	if (--s->count == 1) {
		(void)RB_REMOVE(shared_tree, &st->shared, s);
		free(s);
	}
	return 0;
}
