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
 * The search index: made in quiet moments, asked before a text search.  The
 * vault keeps it, sealed, and knows which messages a segment is about; what is
 * in it only workers see.
 */

#ifndef VAULT_INDEX_H
#define VAULT_INDEX_H

#include "store_index.h"
#include "vault_feed.h"
#include "vault_local.h"

/* vault_index.c; NULL: there is none to be had. */
struct store_index *index_open(void);
/* While it is held none is made, and none moves to another place. */
void index_hold(bool);
/*
 * What is being made is given up, and a failure forgotten; false: there is no
 * index to be had.
 */
bool index_again(void);
/* How many messages are in mailboxes that are indexed. */
uint32_t index_goal(void);

/* vault_narrow.c: what the index rules out for a search. */
struct narrow;
/*
 * Asks the worker of that feed about the next segment of its box; STEP_DONE:
 * all were asked.  *np is made at first; narrow_free() when the search ends.
 */
enum step narrow_step(struct narrow **np, struct feed *);
/* PAGES and POSSIBLE of the worker; m is bad if they make no sense. */
void narrow_message(struct narrow *, struct feed *, struct msg *, size_t nodes);
/* Leaves that cannot be true of the message; UIDs come ascending. */
bool narrow_apply(struct narrow *, uint32_t uid, uint8_t *truth);
void narrow_free(struct narrow *); /* NULL is fine */

#endif
