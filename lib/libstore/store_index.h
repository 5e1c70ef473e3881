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
 * The search index of an account: segments, each about some messages of one
 * mailbox, made of pages that somebody else fills and reads.  Local, derived,
 * never replicated and never synced: what is torn, of another key or of
 * another text version is thrown away and made anew.
 */

#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store.h"

#define STORE_INDEX_DOCS 4096     /* messages of a segment */
#define STORE_INDEX_PAGES 4096    /* pages of a segment */
#define STORE_INDEX_PAGE 32768    /* octets of a page */
#define STORE_INDEX_HINT 16384    /* octets that say what the pages hold */
#define STORE_INDEX_SEGMENTS 8192 /* of an account; others are not read */

struct store_index;

struct store_index_segment {
	uint64_t box;
	uint64_t octets; /* of its file */
	uint32_t docs;
	uint32_t first, last; /* UIDs */
	uint8_t name[8];
};

/*
 * text: the version of the text that is indexed.  Segments of another, of
 * mailboxes that are gone, and what does not open, are removed.  After a rekey
 * it is closed and opened again.
 */
enum store_result
store_index_open(struct store *, uint32_t text, struct store_index **);
void store_index_close(struct store_index *); /* NULL ok; aborts */
/* The segments, in no order; valid until one is made or removed. */
const struct store_index_segment *
store_index_segments(const struct store_index *, size_t *n);
/* Removed: segment i; the last takes its place. */
enum store_result store_index_remove(struct store_index *, size_t i);
/* Removes what the mailboxes that are gone have left. */
void store_index_tidy(struct store_index *);

/*
 * Making a segment, one at a time: pages in their order, then the messages by
 * number (n <= STORE_INDEX_DOCS) and the hint.  A failure aborts it.
 */
enum store_result store_index_begin(struct store_index *, uint64_t box);
enum store_result
store_index_page(struct store_index *, const void *, size_t len);
enum store_result store_index_end(struct store_index *, const uint32_t *uids,
    size_t n, const void *hint, size_t hint_len);
void store_index_abort(struct store_index *); /* no segment begun: nothing */

/*
 * Reading segment i.  STORE_UNKNOWN: it does not open any more.  uids and hint
 * live until store_index_done().
 */
struct store_index_view {
	int fd;
	uint8_t header[32];
	const uint8_t *key;
	uint8_t *raw; /* the directory */
	uint32_t *uids;
	uint32_t *lens; /* of the pages */
	uint64_t *offs;
	const uint8_t *hint;
	size_t n, pages, hint_len;
};
enum store_result
store_index_view(struct store_index *, size_t i, struct store_index_view *);
/* Page p into buf of STORE_INDEX_PAGE octets. */
enum store_result store_index_get(
    const struct store_index_view *, size_t p, void *buf, size_t *len);
void store_index_done(struct store_index_view *);

#endif
