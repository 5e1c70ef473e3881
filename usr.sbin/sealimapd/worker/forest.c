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
 * Which node is whose parent, and whether a new parent would be a descendant:
 * trees of any depth, whose links come and go, made by strangers.  Walking up
 * would cost the square of the depth, so paths are kept in splay trees (the
 * link-cut trees of Sleator and Tarjan): each operation takes logarithmic
 * time, spread over all of them.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sort.h"

struct node {
	uint32_t parent;   /* as it is seen from outside */
	uint32_t up;       /* in the splay tree, or of its whole path */
	uint32_t child[2]; /* in the splay tree: nearer to the root, farther */
	bool has_children; /* or had */
};

struct forest {
	struct node *node;
	size_t n, size;
};

struct forest *
forest_new(void)
{
	struct forest *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		fatal(NULL);
	return f;
}

void
forest_free(struct forest *f)
{
	if (f == NULL)
		return;
	free(f->node);
	free(f);
}

uint32_t
forest_add(struct forest *f)
{
	struct node *node;
	size_t size;

	if (f->n == f->size) {
		size = f->size == 0 ? 1024 : 2 * f->size;
		node = recallocarray(f->node, f->size, size, sizeof(*node));
		if (node == NULL)
			fatal(NULL);
		f->node = node;
		f->size = size;
	}
	node = &f->node[f->n];
	node->parent = node->up = SORT_NONE;
	node->child[0] = node->child[1] = SORT_NONE;
	return (uint32_t)f->n++;
}

size_t
forest_count(const struct forest *f)
{
	return f->n;
}

uint32_t
forest_parent(const struct forest *f, uint32_t i)
{
	return f->node[i].parent;
}

/* Which child of its splay parent i is; -1: the top of its splay tree. */
static int
side(const struct forest *f, uint32_t i)
{
	uint32_t up = f->node[i].up;

	if (up == SORT_NONE)
		return -1;
	if (f->node[up].child[0] == i)
		return 0;
	return f->node[up].child[1] == i ? 1 : -1;
}

static void
turn(struct forest *f, uint32_t i)
{
	uint32_t up = f->node[i].up, over = f->node[up].up, moved;
	int mine = side(f, i), its = side(f, up);

	moved = f->node[i].child[1 - mine];
	f->node[up].child[mine] = moved;
	if (moved != SORT_NONE)
		f->node[moved].up = up;
	f->node[i].child[1 - mine] = up;
	f->node[up].up = i;
	f->node[i].up = over;
	if (its != -1)
		f->node[over].child[its] = i;
}

static void
splay(struct forest *f, uint32_t i)
{
	int mine, its;

	while ((mine = side(f, i)) != -1) {
		its = side(f, f->node[i].up);
		if (its != -1)
			turn(f, its == mine ? f->node[i].up : i);
		turn(f, i);
	}
}

/* Makes the path from the root to i one splay tree with i at its top. */
static void
expose(struct forest *f, uint32_t i)
{
	uint32_t last = SORT_NONE, at;

	for (at = i; at != SORT_NONE; at = f->node[at].up) {
		splay(f, at);
		f->node[at].child[1] = last;
		last = at;
	}
	splay(f, i);
}

static uint32_t
root(struct forest *f, uint32_t i)
{
	expose(f, i);
	while (f->node[i].child[0] != SORT_NONE)
		i = f->node[i].child[0];
	splay(f, i);
	return i;
}

bool
forest_link(struct forest *f, uint32_t i, uint32_t parent)
{
	if (i == parent)
		return false;
	/* One without children is nobody's ancestor; i is a root. */
	if (f->node[i].has_children && f->node[parent].parent != SORT_NONE &&
	    root(f, parent) == i)
		return false;
	expose(f, i);
	f->node[i].up = parent;
	f->node[i].parent = parent;
	f->node[parent].has_children = true;
	return true;
}

void
forest_cut(struct forest *f, uint32_t i)
{
	uint32_t above;

	if (f->node[i].parent == SORT_NONE)
		return;
	expose(f, i);
	above = f->node[i].child[0];
	f->node[above].up = SORT_NONE;
	f->node[i].child[0] = SORT_NONE;
	f->node[i].parent = SORT_NONE;
}
