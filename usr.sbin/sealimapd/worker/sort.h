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
 * SORT and THREAD (RFC 5256): what the worker is shown of a result, row by
 * row, becomes keys; then the rows' order, or their threads.
 */

#ifndef WORKER_SORT_H
#define WORKER_SORT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime.h"

#define SORT_KEY_MAX 1024                   /* octets of a key; rest: equal */
#ifndef SORT_MEMORY_MAX                     /* a test has less */
#define SORT_MEMORY_MAX (256 * 1024 * 1024) /* octets of keys and rows */
#endif
#define THREAD_NODES_MAX (2 * 1024 * 1024) /* messages and those named */
#define SORT_NONE UINT32_MAX

/* sort.c */
int sort_begin(uint8_t how, const uint8_t *criteria, size_t n); /* -1 */
/* Does a key come from the summary? */
bool sort_wants_summary(void);
/* A row; summary NULL: there is nothing to be known of it. */
void sort_row(
    uint32_t uid, uint64_t size, int64_t arrival, const struct mime_summary *);
/* The rest is put out by child_sorted(), child_threaded(); -1: too much. */
int sort_end(void);
void sort_stop(void); /* wipes */
/* Rows by sent date, then by their place; sort_dates() makes it. */
const uint32_t *sort_dates(void);
size_t sort_count(void);
uint32_t sort_uid(uint32_t row);
/* The base subject as a key, and whether it is a reply's. */
const char *sort_subject(uint32_t row, size_t *len, bool *reply);

/* threads.c */
void threads_begin(void);
/* False: there are too many. */
bool threads_row(uint32_t row, const struct mime_summary *);
void threads_end(void);
void threads_stop(void);

/* names.c: 32-bit numbers by text of any length, of which a hash is kept. */
struct names;
struct names *names_new(void);
void names_free(struct names *);
/* The number's place: SORT_NONE in it at first; until the next call. */
uint32_t *names_at(struct names *, const char *, size_t len);

/* forest.c: which trees nodes are in, while their parents change. */
struct forest;
struct forest *forest_new(void);
void forest_free(struct forest *);
uint32_t forest_add(struct forest *); /* a node by itself; in order from 0 */
size_t forest_count(const struct forest *);
uint32_t forest_parent(const struct forest *, uint32_t); /* SORT_NONE */
/* Makes parent of a node that has none; false: it would be its own. */
bool forest_link(struct forest *, uint32_t node, uint32_t parent);
void forest_cut(struct forest *, uint32_t node);

#endif
