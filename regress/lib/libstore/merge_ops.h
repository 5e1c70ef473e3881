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
 * What the tests of merging do on one of the hosts, to any message or box; the
 * world knows afterwards what was done, and what may have been.
 */

#ifndef MERGE_OPS_H
#define MERGE_OPS_H

#include <stdbool.h>

#include "merge_world.h"

void do_append(struct host *);
void do_deliver(uint64_t flags); /* to both */
void do_drain(struct host *);
void do_expunge(struct host *);
void do_flag(struct host *);
void do_keyword(struct host *);
void do_copy(struct host *, bool move);
/* A whole box in pieces of two; their files may be taken away between them. */
void do_copy_pieces(struct host *);
void do_boxes(struct host *);
void do_upkeep(struct host *);
void do_close(struct host *); /* it may be opened again */

#endif
