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
 * Where deleted messages were: the records of the snapshot tell the instances
 * of a blob, those that are no more too, and the tombstones of the boxes when
 * an instance left.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_retain.h"

struct origin {
	uint64_t inst;
	uint32_t of; /* index in the list */
};

struct where {
	struct store *st;
	struct store_deleted *list;
	size_t n;
	uint32_t *sorted; /* the list by blob */
	struct origin *origins;
	size_t norigins;
	size_t size;
	uint32_t *left; /* when each left the box that is its best so far */
};

static const struct store_deleted *sorting;

static int
by_blob(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return memcmp(sorting[*x].blob, sorting[*y].blob, STORE_ID);
}

static int
by_inst(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	return (x->inst > y->inst) - (x->inst < y->inst);
}

static int
blob_cmp(const void *key, const void *member)
{
	const uint32_t *x = member;

	return memcmp(key, sorting[*x].blob, STORE_ID);
}

static int
origin_add(struct where *w, const struct cold *c, uint32_t of)
{
	struct origin *p;
	size_t size, i;

	if (w->norigins == w->size) {
		size = w->size == 0 ? 64 : w->size * 2;
		p = reallocarray(w->origins, size, sizeof(*p));
		if (p == NULL)
			return -1;
		w->origins = p;
		w->size = size;
	}
	p = &w->origins[w->norigins++];
	p->of = of;
	for (i = 0, p->inst = 0; i < sizeof(p->inst); i++)
		p->inst = p->inst << 8 | c->instance[i];
	return 0;
}

/* The records of a generation of the snapshot, which is odd or not. */
static int
scan_records(struct where *w, const struct pack *p, uint32_t odd)
{
	const uint32_t *of;
	struct cold c;
	uint64_t i, n;
	int r;

	n = p->len / COLD_LEN;
	for (i = 0, r = 0; r == 0 && i < n && i < COLD_ODD; i++) {
		/* A record that does not open tells nothing. */
		if (cold_read(w->st, (uint32_t)i | odd, &c) == -1)
			break;
		of = bsearch(
		    c.blob, w->sorted, w->n, sizeof(*w->sorted), blob_cmp);
		if (of != NULL)
			r = origin_add(w, &c, *of);
		explicit_bzero(&c, sizeof(c));
	}
	return r;
}

static int
find_instances(struct where *w)
{
	struct store *st = w->st;
	uint32_t odd;
	int r;

	odd = st->gen % 2 != 0 ? COLD_ODD : 0;
	r = scan_records(w, &st->cold, odd);
	/* While it is compacted, what is no more is in the old one alone. */
	if (r == 0 && st->old.fd != -1)
		r = scan_records(w, &st->old.cold, odd ^ COLD_ODD);
	if (w->norigins > 1)
		qsort(w->origins, w->norigins, sizeof(*w->origins), by_inst);
	return r;
}

/* The box it left last; Trash and Spam only if there is no other. */
static void
consider(struct where *w, const struct box *b, const struct tomb *t)
{
	struct origin key = {t->inst, 0}, *o;
	const struct box *best;
	struct store_deleted *d;
	bool bin;

	if (w->norigins == 0 || t->inst == 0)
		return;
	o = bsearch(&key, w->origins, w->norigins, sizeof(key), by_inst);
	if (o == NULL)
		return;
	d = &w->list[o->of];
	best = d->box == 0 ? NULL : box_find(w->st, d->box);
	bin = retain_is_bin(b);
	if (best != NULL &&
	    (bin != retain_is_bin(best) ? bin : t->when < w->left[o->of]))
		return;
	d->box = b->pub.id;
	w->left[o->of] = t->when;
}

int
where_find(struct store *st, struct store_deleted *list, size_t n)
{
	struct where w = {st, list, n, NULL, NULL, 0, 0, NULL};
	struct box *b;
	size_t i, j;
	int r;

	if (n == 0)
		return 0;
	w.sorted = calloc(n, sizeof(*w.sorted));
	w.left = calloc(n, sizeof(*w.left));
	r = w.sorted == NULL || w.left == NULL ? -1 : 0;
	for (i = 0; r == 0 && i < n; i++)
		w.sorted[i] = (uint32_t)i;
	sorting = list;
	if (r == 0) {
		qsort(w.sorted, n, sizeof(*w.sorted), by_blob);
		r = find_instances(&w);
	}
	for (i = 0; r == 0 && i < st->nboxes; i++) {
		b = st->boxes[i];
		if (col_load(st, b) == -1)
			continue;
		for (j = 0; j < b->ntombs; j++)
			consider(&w, b, &b->tombs->t[j]);
	}
	free(w.sorted);
	free(w.left);
	free(w.origins);
	return r;
}
