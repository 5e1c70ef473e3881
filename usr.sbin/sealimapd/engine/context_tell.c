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
 * What a client is told of a result that is kept up to date: which numbers
 * come and go, and in a sort at which places (RFC 5267 section 4.3).
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "log.h"

void
numbers_add(struct numbers *l, uint32_t n)
{
	size_t size;

	if (l->n == l->size) {
		size = l->size == 0 ? 64 : 2 * l->size;
		l->v = recallocarray(l->v, l->size, size, sizeof(*l->v));
		if (l->v == NULL)
			fatal("context");
		l->size = size;
	}
	l->v[l->n++] = n;
}

void
numbers_free(struct numbers *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static void
begin_line(struct imap_buf *b, const struct context *x)
{
	imap_puts(b, "* ESEARCH (TAG ");
	imap_put_string(b, x->tag, strlen(x->tag));
	imap_puts(b, x->uid ? ") UID" : ")");
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint32_t *
rising(const struct numbers *l)
{
	uint32_t *v;

	v = calloc(l->n + 1, sizeof(*v));
	if (v == NULL)
		fatal("context");
	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	(void)heapsort(v, l->n, sizeof(*v), compare);
	return v;
}

bool
has(const uint32_t *v, size_t n, uint32_t number)
{
	return n > 0 && bsearch(&number, v, n, sizeof(*v), compare) != NULL;
}

/* What is told of a difference: a line with pairs of place and numbers. */
struct change {
	struct imap_buf *b;
	const struct context *x;
	const char *word;
	bool begun;
	uint32_t first, last; /* of a range that may grow */
	bool range;           /* the pair has a range already */
};

static void
change_range(struct change *g)
{
	if (g->first == 0)
		return;
	imap_put_range(g->b, g->first, g->last, !g->range);
	g->range = true;
	g->first = 0;
}

/* place 0: in the order of the mailbox, all in one pair. */
static void
change_add(struct change *g, size_t place, uint32_t number)
{
	if (!g->begun)
		begin_line(g->b, g->x);
	if (place == 0 && g->first != 0 && number == g->last + 1) {
		g->last = number;
		return;
	}
	change_range(g);
	if (place != 0 || !g->begun) {
		if (g->begun)
			imap_putc(g->b, ' ');
		else {
			imap_putc(g->b, ' ');
			imap_puts(g->b, g->word);
			imap_puts(g->b, " (");
		}
		imap_put_number(g->b, place);
		imap_putc(g->b, ' ');
		g->range = false;
	}
	g->begun = true;
	g->first = g->last = number;
}

static void
change_end(struct change *g)
{
	change_range(g);
	if (g->begun)
		imap_puts(g->b, ")\r\n");
}

/*
 * What is in list but not in others goes, each from the place that it has
 * when those before it are gone.
 */
void
tell_removed(struct imap_buf *b, struct context *x, const uint32_t *others,
    size_t n, bool those)
{
	struct change g = {.b = b, .x = x, .word = "REMOVEFROM"};
	size_t i, k = 0;

	for (i = 0; i < x->list.n; i++) {
		if (has(others, n, x->list.v[i]) == those)
			change_add(&g, x->sorted ? k + 1 : 0, x->list.v[i]);
		else
			x->list.v[k++] = x->list.v[i];
	}
	x->list.n = k;
	change_end(&g);
}

/* Each at the place that it has when those before it are there. */
static void
tell_added(struct imap_buf *b, struct context *x)
{
	struct change g = {.b = b, .x = x, .word = "ADDTO"};
	uint32_t *old;
	size_t i;

	old = rising(&x->list);
	for (i = 0; i < x->next.n; i++)
		if (!has(old, x->list.n, x->next.v[i])) {
			change_add(&g, x->sorted ? i + 1 : 0, x->next.v[i]);
			if (x->wish != NULL)
				numbers_add(&x->added, x->next.v[i]);
		}
	free(old);
	change_end(&g);
}

void
tell_changes(struct conn *c, struct context *x)
{
	struct imap_buf *b = conn_out(c);
	uint32_t *now;

	now = rising(&x->next);
	tell_removed(b, x, now, x->next.n, false);
	free(now);
	tell_added(b, x);
	numbers_free(&x->list);
	x->list = x->next;
	memset(&x->next, 0, sizeof(x->next));
}

uint32_t
below(const uint32_t *gone, size_t n, uint32_t number)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (gone[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

/* Takes one out of a rising list, or puts it in; false: it was so already. */
static bool
list_set(struct numbers *l, uint32_t number, bool in)
{
	size_t at;

	at = below(l->v, l->n, number);
	if ((at < l->n && l->v[at] == number) == in)
		return false;
	if (!in) {
		l->n--;
		memmove(l->v + at, l->v + at + 1, (l->n - at) * sizeof(*l->v));
		return true;
	}
	numbers_add(l, number);
	memmove(l->v + at + 1, l->v + at, (l->n - 1 - at) * sizeof(*l->v));
	l->v[at] = number;
	return true;
}

/* In the order of the mailbox: by what has changed alone. */
void
tell_partial(struct conn *c, struct context *x)
{
	struct change gone = {.b = conn_out(c), .x = x, .word = "REMOVEFROM"};
	struct change come = {.b = conn_out(c), .x = x, .word = "ADDTO"};
	uint32_t *now;
	size_t i;

	now = rising(&x->next);
	for (i = 0; i < x->asked.n; i++)
		if (!has(now, x->next.n, x->asked.v[i]) &&
		    list_set(&x->list, x->asked.v[i], false))
			change_add(&gone, 0, x->asked.v[i]);
	change_end(&gone);
	for (i = 0; i < x->next.n; i++)
		if (list_set(&x->list, now[i], true)) {
			change_add(&come, 0, now[i]);
			if (x->wish != NULL)
				numbers_add(&x->added, now[i]);
		}
	change_end(&come);
	free(now);
}

/* In a sort: who goes; who comes in has a place that must be found. */
void
tell_partial_sorted(struct conn *c, struct context *x)
{
	uint32_t *list, *now;
	size_t i, k;

	list = rising(&x->list);
	now = rising(&x->next);
	for (i = 0; i < x->next.n; i++)
		if (!has(list, x->list.n, now[i]))
			x->all = true;
	for (i = k = 0; i < x->asked.n; i++)
		if (!has(now, x->next.n, x->asked.v[i]))
			x->asked.v[k++] = x->asked.v[i];
	free(list);
	free(now);
	if (k > 0)
		tell_removed(conn_out(c), x, x->asked.v, k, true);
}
