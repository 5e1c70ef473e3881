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
 * The search index, as the worker makes and reads it.  A message is the set of
 * trigrams, three octets in a row, of its folded text.  A segment is about
 * some messages, numbered from 0; its pages hold the trigrams in ascending
 * order with the numbers of the messages that have them.  sealstore(5) has the
 * form of a page.  What is read may be of any content: a page that makes no
 * sense rules nothing out.
 */

#ifndef INDEX_H
#define INDEX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAM_LEN 3                /* octets */
#define GRAMS_ALL (1U << 24)      /* that there are */
#define GRAMS_MAX (256 * 1024)    /* of a message that is indexed */
#define SEGMENT_DOCS 4096         /* messages of a segment */
#define SEGMENT_GRAMS 4000000     /* their trigrams together */
#define SEGMENT_PAGES 4096        /* pages, at most */
#define PAGE_SIZE_MAX (16 * 1024) /* octets of a page, plain */
#define HINT_LEN (GRAM_LEN * SEGMENT_PAGES)

/* grams.c: the trigrams of one message. */
struct grams;
struct grams *grams_new(void);   /* fatal without memory */
void grams_free(struct grams *); /* wipes; NULL is fine */
void grams_reset(struct grams *);
void grams_break(struct grams *); /* what follows is another text */
void grams_add(struct grams *, const char *, size_t);
/* In no order.  false: more than GRAMS_MAX. */
bool grams_list(const struct grams *, const uint32_t **, size_t *);

/* segment.c: a segment in the making. */
struct segment;
struct segment *segment_new(void);   /* fatal without memory */
void segment_free(struct segment *); /* wipes; NULL is fine */
/* The next message; false: there is no room for it. */
bool segment_add(struct segment *, const uint32_t *grams, size_t n);
/* No more messages come. */
void segment_close(struct segment *);
/* The next page, as it is stored, until the next call; NULL: that was all. */
const uint8_t *segment_page(struct segment *, size_t *len);
/* The hint: the first trigram of each page. */
const uint8_t *segment_hint(const struct segment *, size_t *len);

/* lookup.c */
/* The page that a trigram would be on; -1: on none. */
int lookup_page(const uint8_t *hint, size_t len, uint32_t gram);
uint32_t lookup_first(const uint8_t *hint, size_t page);
/*
 * Clears the bits of those of n messages that do not have the trigram; first:
 * the page's first trigram.  -1 if the page makes no sense.
 */
int lookup_page_apply(const uint8_t *page, size_t len, uint32_t first,
    uint32_t gram, size_t n, uint8_t *bits);
/* At most max trigrams of a term, ascending and distinct. */
size_t lookup_grams(const char *term, size_t len, uint32_t *grams, size_t max);

#endif
