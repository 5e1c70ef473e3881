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
 * THREAD=REFERENCES (RFC 5256 section 3), its six steps.  Messages, and those
 * that only references name (dummies), are nodes; parents are kept by
 * forest.c, children are looked for when they are told.  Nothing recurs, and
 * each step takes about as long as sorting does.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sort.h"
#include "worker.h"

#define ID_MAX 1000 /* octets of a Message-ID that count */

struct node {
	uint32_t row;    /* SORT_NONE: a dummy */
	uint32_t parent; /* from step 3 on */
	uint32_t rank;   /* by date; a dummy's is its first child's */
	uint32_t child, next;
	bool gone; /* deleted, or no child of the root any more */
};

static struct {
	struct forest *forest;
	struct names *ids;
	struct node *node; /* as many as the forest has; then new dummies */
	size_t n, size;
} state;

void
threads_begin(void)
{
	memset(&state, 0, sizeof(state));
	state.forest = forest_new();
	state.ids = names_new();
}

void
threads_stop(void)
{
	forest_free(state.forest);
	names_free(state.ids);
	free(state.node);
	memset(&state, 0, sizeof(state));
}

static uint32_t
node_new(uint32_t row)
{
	struct node *node;
	size_t size;

	if (state.n == state.size) {
		size = state.size == 0 ? 1024 : 2 * state.size;
		node = recallocarray(
		    state.node, state.size, size, sizeof(*node));
		if (node == NULL)
			fatal(NULL);
		state.node = node;
		state.size = size;
	}
	node = &state.node[state.n];
	node->row = row;
	node->parent = node->child = node->next = SORT_NONE;
	node->rank = SORT_NONE;
	return (uint32_t)state.n++;
}

static uint32_t
id_add(uint32_t row)
{
	uint32_t i;

	i = node_new(row);
	(void)forest_add(state.forest);
	return i;
}

/* Quoted or not, it is the same Message-ID. */
static uint32_t *
id_find(const struct mime_str *id)
{
	char plain[ID_MAX];
	size_t i, n = 0;

	for (i = 0; i < id->len && n < sizeof(plain); i++) {
		if (id->s[i] == '"')
			continue;
		if (id->s[i] == '\\' && i + 1 < id->len)
			i++;
		plain[n++] = id->s[i];
	}
	return names_at(state.ids, plain, n);
}

/* The message's own node: a dummy that has its id, or a new one. */
static uint32_t
own_node(uint32_t row, const struct mime_str *id)
{
	uint32_t *at;

	if (id == NULL)
		return id_add(row);
	at = id_find(id);
	if (*at == SORT_NONE)
		*at = id_add(row);
	else if (state.node[*at].row == SORT_NONE)
		state.node[*at].row = row;
	else
		return id_add(row); /* one with that id was before it */
	return *at;
}

/* Step 1: links to what it refers to. */
bool
threads_row(uint32_t row, const struct mime_summary *summary)
{
	uint32_t last = SORT_NONE, *at, me;
	struct mime_str id, mine = {NULL, 0};
	size_t pos = 0;
	bool own, once = false;

	while (summary != NULL &&
	    mime_thread_next(summary, &pos, &own, &id) == 1) {
		if (own) {
			mine = id;
			continue;
		}
		/* Of In-Reply-To the first alone counts. */
		if (mime_thread_reply(pos)) {
			if (once)
				continue;
			once = true;
		}
		if (state.n >= THREAD_NODES_MAX)
			return false;
		at = id_find(&id);
		if (*at == SORT_NONE)
			*at = id_add(SORT_NONE);
		/* (A): what has a parent keeps it; no loops. */
		if (last != SORT_NONE && last != *at &&
		    forest_parent(state.forest, *at) == SORT_NONE)
			(void)forest_link(state.forest, *at, last);
		last = *at;
	}
	if (state.n >= THREAD_NODES_MAX)
		return false;
	/* (B): the last of them is its parent, whatever was before. */
	me = own_node(row, mine.s == NULL ? NULL : &mine);
	if (forest_parent(state.forest, me) != last) {
		forest_cut(state.forest, me);
		if (last != SORT_NONE)
			(void)forest_link(state.forest, me, last);
	}
	return true;
}

static bool
is_dummy(uint32_t i)
{
	return state.node[i].row == SORT_NONE;
}

/* The message above i, or the dummy that is a child of the root above it. */
static uint32_t
above(uint32_t i)
{
	uint32_t top = state.node[i].parent, next;

	while (top != SORT_NONE && is_dummy(top) &&
	    state.node[top].parent != SORT_NONE)
		top = state.node[top].parent;
	/* Those passed by point at it, so that no path is walked twice. */
	for (; state.node[i].parent != top; i = next) {
		next = state.node[i].parent;
		state.node[i].parent = top;
	}
	return top;
}

/*
 * Steps 2 and 3: dummies go; their children take their places, but not among
 * the children of the root unless alone.
 */
static void
prune(void)
{
	uint32_t *children, i, up;

	if ((children = calloc(state.n + 1, sizeof(*children))) == NULL)
		fatal(NULL);
	for (i = 0; i < state.n; i++)
		state.node[i].parent = forest_parent(state.forest, i);
	for (i = 0; i < state.n; i++)
		if (!is_dummy(i) && (up = above(i)) != SORT_NONE)
			children[up]++;
	for (i = 0; i < state.n; i++) {
		if (is_dummy(i)) {
			state.node[i].gone = children[i] < 2 ||
			    state.node[i].parent != SORT_NONE;
			continue;
		}
		up = state.node[i].parent;
		if (up != SORT_NONE && is_dummy(up) && children[up] < 2)
			state.node[i].parent = SORT_NONE;
	}
	free(children);
}

/* Ranks by date; a dummy has that of its first child. */
static void
rank(void)
{
	const uint32_t *order;
	uint32_t *ranks, i, up;
	size_t n = sort_count();

	order = sort_dates();
	if ((ranks = calloc(n + 1, sizeof(*ranks))) == NULL)
		fatal(NULL);
	for (i = 0; i < n; i++)
		ranks[order[i]] = i;
	for (i = 0; i < state.n; i++) {
		if (is_dummy(i))
			continue;
		state.node[i].rank = ranks[state.node[i].row];
		up = state.node[i].parent;
		if (up != SORT_NONE && is_dummy(up) &&
		    state.node[i].rank < state.node[up].rank)
			state.node[up].rank = state.node[i].rank;
	}
	free(ranks);
}

/* The children of the root by rank, SORT_NONE between them. */
static uint32_t *
tops(void)
{
	size_t n = sort_count();
	uint32_t *top, i;

	if ((top = calloc(n + 1, sizeof(*top))) == NULL)
		fatal(NULL);
	memset(top, 0xff, (n + 1) * sizeof(*top));
	for (i = 0; i < state.n; i++)
		if (!state.node[i].gone && state.node[i].parent == SORT_NONE)
			top[state.node[i].rank] = i;
	return top;
}

/* The thread subject's place in the table; NULL: it is empty. */
static uint32_t *
subject_find(
    struct names *table, uint32_t i, const uint32_t *order, bool *reply)
{
	const char *key;
	size_t len;

	/* A dummy's is that of its first child, which has its rank. */
	key = sort_subject(order[state.node[i].rank], &len, reply);
	if (is_dummy(i))
		*reply = false;
	return len == 0 ? NULL : names_at(table, key, len);
}

static bool
is_reply(uint32_t i)
{
	bool reply = false;
	size_t len;

	if (!is_dummy(i))
		(void)sort_subject(state.node[i].row, &len, &reply);
	return reply;
}

static void
adopt(uint32_t parent, uint32_t i)
{
	state.node[i].parent = parent;
	if (state.node[i].rank < state.node[parent].rank && is_dummy(parent))
		state.node[parent].rank = state.node[i].rank;
}

/*
 * Step 5 (C): the thread i joins that of the table.  Children of a dummy that
 * is deleted are found by its forward: parent is where they went.
 */
static void
join(uint32_t *at, uint32_t i, bool reply)
{
	uint32_t there = *at, dummy;

	if (is_dummy(there) && is_dummy(i)) {
		state.node[i].gone = true;
		adopt(there, i);
	} else if (is_dummy(there) || (reply && !is_reply(there)))
		adopt(there, i);
	else {
		dummy = node_new(SORT_NONE);
		adopt(dummy, i);
		adopt(dummy, there);
		*at = dummy;
	}
}

/* Step 5: threads of one base subject. */
static void
merge_subjects(void)
{
	uint32_t *top, *at, *order, i;
	size_t r, n = sort_count();
	struct names *table;
	bool reply;

	if ((order = calloc(n + 1, sizeof(*order))) == NULL)
		fatal(NULL);
	memcpy(order, sort_dates(), n * sizeof(*order));
	top = tops();
	table = names_new();
	for (r = 0; r < n; r++) {
		if ((i = top[r]) == SORT_NONE ||
		    (at = subject_find(table, i, order, &reply)) == NULL)
			continue;
		if (*at == SORT_NONE ||
		    (!is_dummy(*at) &&
			(is_dummy(i) || (is_reply(*at) && !reply))))
			*at = i;
	}
	for (r = 0; r < n; r++) {
		if ((i = top[r]) == SORT_NONE ||
		    state.node[i].parent != SORT_NONE ||
		    (at = subject_find(table, i, order, &reply)) == NULL ||
		    *at == i)
			continue;
		join(at, i, reply);
	}
	names_free(table);
	free(top);
	free(order);
}

/*
 * Step 6: siblings by date.  Nodes from the last rank to the first, each put
 * before its siblings.  Dummies are children of the root, and come last.
 */
static uint32_t
sort_siblings(void)
{
	uint32_t *node, *top, i, up, first = SORT_NONE;
	size_t r, n = sort_count();

	if ((node = calloc(n + 1, sizeof(*node))) == NULL)
		fatal(NULL);
	for (i = 0; i < state.n; i++)
		if (!is_dummy(i))
			node[state.node[i].rank] = i;
	for (r = n; r-- > 0;) {
		i = node[r];
		up = state.node[i].parent;
		/* A dummy that joined another is where its children are. */
		while (up != SORT_NONE && state.node[up].gone)
			up = state.node[up].parent;
		state.node[i].parent = up;
		if (up == SORT_NONE)
			continue;
		state.node[i].next = state.node[up].child;
		state.node[up].child = i;
	}
	free(node);
	top = tops();
	for (r = n; r-- > 0;) {
		if ((i = top[r]) == SORT_NONE)
			continue;
		state.node[i].next = first;
		first = i;
	}
	free(top);
	return first;
}

void
threads_end(void)
{
	uint32_t i, depth = 0, child;

	prune();
	rank();
	merge_subjects();
	for (i = sort_siblings(); i != SORT_NONE;) {
		child = state.node[i].child;
		child_threaded(is_dummy(i) ? 0 : sort_uid(state.node[i].row),
		    THREAD_PLACE(depth,
			child != SORT_NONE &&
			    state.node[child].next != SORT_NONE));
		if (child != SORT_NONE) {
			depth++;
			i = child;
			continue;
		}
		while (state.node[i].next == SORT_NONE && depth > 0) {
			depth--;
			i = state.node[i].parent;
		}
		i = state.node[i].next;
	}
}
