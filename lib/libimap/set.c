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
 * Sequence sets (RFC 9051 section 9, sequence-set): read, put in order, and
 * merged where ranges touch.  A set may name numbers that nothing has.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "imap_local.h"

static int
set_number(struct imap_lex *lex, uint32_t *number)
{
	if (lex_peek(lex, '*')) {
		lex->p++;
		*number = IMAP_STAR;
		return 0;
	}
	if (lex_nznumber(lex, number) == -1)
		return -1;
	/* The largest number is no star; nothing has it. */
	if (*number == IMAP_STAR)
		*number = IMAP_STAR - 1;
	return 0;
}

static int
set_range(struct imap_lex *lex, struct imap_range *range)
{
	uint32_t n;

	if (set_number(lex, &range->first) == -1)
		return -1;
	range->last = range->first;
	if (!lex_peek(lex, ':'))
		return 0;
	lex->p++;
	if (set_number(lex, &range->last) == -1)
		return -1;
	if (range->first > range->last) {
		n = range->first;
		range->first = range->last;
		range->last = n;
	}
	return 0;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

/*
 * Merges ranges that overlap or touch; one that ends in a star stays apart
 * from a lone star, since "*" may lie below its first number.
 */
static void
set_merge(struct imap_set *set)
{
	struct imap_range *r = set->range;
	size_t i, n;

	for (i = 1; i < set->n; i++)
		if (range_cmp(&r[i - 1], &r[i]) > 0)
			break;
	if (i < set->n)
		(void)heapsort(r, set->n, sizeof(*r), range_cmp);
	for (n = 0, i = 1; i < set->n; i++) {
		if (r[i].first == IMAP_STAR || r[n].last == IMAP_STAR ||
		    r[i].last == IMAP_STAR) {
			if (range_cmp(&r[n], &r[i]) != 0)
				r[++n] = r[i];
		} else if (r[i].first <= r[n].last + 1) {
			if (r[i].last > r[n].last)
				r[n].last = r[i].last;
		} else
			r[++n] = r[i];
	}
	set->n = n + 1;
}

int
lex_numbers(struct imap_lex *lex, struct imap_set *set)
{
	size_t i;

	if (lex_set(lex, set) == -1)
		return -1;
	for (i = 0; i < set->n; i++)
		if (set->range[i].last == IMAP_STAR)
			break;
	if (set->saved || i < set->n)
		return lex_fail(lex, "Only numbers are allowed here");
	return 0;
}

int
lex_set(struct imap_lex *lex, struct imap_set *set)
{
	const uint8_t *p;
	size_t n;

	/* seq-last-command = "$": alone, never within a list */
	if (lex_peek(lex, '$')) {
		lex->p++;
		set->saved = true;
		return 0;
	}
	for (p = lex->p, n = 1; p < lex->end && *p != ' ' && *p != ')'; p++)
		if (*p == ',')
			n++;
	if (n > IMAP_SET_MAX)
		return lex_fail(lex, "Too many ranges in a set");
	set->range = imap_cmd_alloc(lex->cmd, n * sizeof(*set->range));
	for (set->n = 0;;) {
		if (set_range(lex, &set->range[set->n++]) == -1)
			return -1;
		if (!lex_peek(lex, ','))
			break;
		lex->p++;
	}
	set_merge(set);
	return 0;
}
