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
 * Trigrams of folded text, each once.  A bitmap tells which are known; the
 * list makes clearing it cheap.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "index.h"
#include "log.h"

struct grams {
	uint8_t *known; /* a bit of each trigram */
	uint32_t *list;
	size_t n;
	bool over;
	uint32_t last; /* the octets before, up to two */
	unsigned int kept;
};

struct grams *
grams_new(void)
{
	struct grams *g;

	if ((g = calloc(1, sizeof(*g))) == NULL ||
	    (g->known = calloc(1, GRAMS_ALL / 8)) == NULL ||
	    (g->list = calloc(GRAMS_MAX, sizeof(*g->list))) == NULL)
		fatal(NULL);
	return g;
}

void
grams_free(struct grams *g)
{
	if (g == NULL)
		return;
	freezero(g->known, GRAMS_ALL / 8);
	freezero(g->list, GRAMS_MAX * sizeof(*g->list));
	freezero(g, sizeof(*g));
}

void
grams_reset(struct grams *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->known[g->list[i] / 8] = 0;
	explicit_bzero(g->list, g->n * sizeof(*g->list));
	g->n = 0;
	g->over = false;
	grams_break(g);
}

void
grams_break(struct grams *g)
{
	g->last = 0;
	g->kept = 0;
}

void
grams_add(struct grams *g, const char *text, size_t len)
{
	uint32_t gram = g->last;
	uint8_t bit;

	for (size_t i = 0; i < len; i++) {
		gram = (gram << 8 | (uint8_t)text[i]) & (GRAMS_ALL - 1);
		if (g->kept < GRAM_LEN - 1) {
			g->kept++;
			continue;
		}
		bit = (uint8_t)(1 << gram % 8);
		if ((g->known[gram / 8] & bit) != 0)
			continue;
		if (g->n == GRAMS_MAX) {
			g->over = true;
			break;
		}
		g->known[gram / 8] |= bit;
		g->list[g->n++] = gram;
	}
	g->last = gram;
}

bool
grams_list(const struct grams *g, const uint32_t **list, size_t *n)
{
	*list = g->list;
	*n = g->n;
	return !g->over;
}
