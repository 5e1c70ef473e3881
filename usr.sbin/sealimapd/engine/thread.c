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
 * The response of THREAD (RFC 5256 section 4): messages come with their depth,
 * each before what follows it, and parentheses are put between them.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "search.h"

static void
close_to(struct imap_buf *b, struct threads *t, uint32_t depth)
{
	while (t->begun) {
		if ((t->at[t->depth] & THREAD_OPENED) != 0)
			imap_putc(b, ')');
		if (t->depth == depth)
			break;
		t->depth--;
	}
}

static void
room_for(struct threads *t, uint32_t depth)
{
	size_t size;

	if (depth < t->size)
		return;
	for (size = t->size == 0 ? 64 : t->size; size <= depth; size *= 2)
		continue;
	t->at = recallocarray(t->at, t->size, size, 1);
	if (t->at == NULL)
		fatal("thread");
	t->size = size;
}

void
thread_put(
    struct imap_buf *b, struct threads *t, uint32_t number, uint32_t place)
{
	uint32_t depth = THREAD_DEPTH(place);
	bool open;

	/* The vault has checked that depths grow by one. */
	if (depth > (t->begun ? t->depth + 1 : 0))
		return;
	room_for(t, depth);
	open = depth == 0 || (t->at[depth - 1] & THREAD_BRANCHES) != 0;
	if (t->begun && depth <= t->depth)
		close_to(b, t, depth);
	else if (t->number)
		imap_putc(b, ' ');
	if (!t->begun)
		imap_putc(b, ' ');
	if (open)
		imap_putc(b, '(');
	if (number != 0)
		imap_put_number(b, number);
	t->at[depth] = (open ? THREAD_OPENED : 0) |
	    (THREAD_SEVERAL(place) ? THREAD_BRANCHES : 0);
	t->depth = depth;
	t->begun = true;
	t->number = number != 0;
}

void
thread_end(struct imap_buf *b, struct threads *t)
{
	close_to(b, t, 0);
	t->begun = false;
}

void
thread_free(struct threads *t)
{
	free(t->at);
	memset(t, 0, sizeof(*t));
}
