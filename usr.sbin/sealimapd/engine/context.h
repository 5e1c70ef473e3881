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
 * A search that is kept up to date, within imap-engine (RFC 5267).
 */

#ifndef ENGINE_CONTEXT_H
#define ENGINE_CONTEXT_H

#include "search.h"

struct numbers {
	uint32_t *v;
	size_t n, size;
};

struct changed {
	uint32_t uid, seq;
};

struct context {
	char tag[IMAP_TAG_MAX + 1];
	bool uid;
	bool sorted;
	bool bodies;  /* are looked into: never all of them again */
	bool drifts;  /* with time, too */
	bool all;     /* is to be searched anew */
	bool partial; /* what is under way is among those that changed */
	struct changed *changed; /* since it was searched last; */
	size_t n_changed;
	uint32_t first, last; /* and new UIDs, 0: none */
	struct numbers asked; /* of the changed, rising */
	uint8_t sort[IMAP_SORT_MAX];
	size_t nsort;
	uint8_t *program;
	size_t len;
	struct numbers list;   /* what the client knows, in its order */
	struct numbers next;   /* what is found anew */
	struct numbers added;  /* of that, in rising order */
	struct imap_cmd *wish; /* what is fetched of those; NULL: nothing */
};

/* context_tell.c */
void numbers_add(struct numbers *, uint32_t);
void numbers_free(struct numbers *);
/* The same numbers in rising order; the caller frees. */
uint32_t *rising(const struct numbers *);
bool has(const uint32_t *, size_t n, uint32_t number);
/* How many of them are smaller. */
uint32_t below(const uint32_t *, size_t n, uint32_t number);
/* Those of the list that are among others, or those that are not, go. */
void tell_removed(struct imap_buf *, struct context *, const uint32_t *others,
    size_t n, bool those);
/* The difference between the list and what was found anew. */
void tell_changes(struct conn *, struct context *);
/* The same where only what changed was looked at. */
void tell_partial(struct conn *, struct context *);
void tell_partial_sorted(struct conn *, struct context *);

#endif
