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
 * The wires of engines, and the keys of their tickets.
 */

#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct keyset;

void serve_wire(int fd); /* takes fd; until its end */
bool serve_any(void);    /* whether such a wire is there */
/* What signatures are made with from now on; taken, the old set is freed. */
void serve_keys(struct keyset *, uint32_t generation);
/* How long a ticket lives: new keys where that differs from before. */
void serve_tickets(uint32_t life);

/* report.c: what sealctl(8) is told. */
void report_init(void);
void report_signature(bool made);

#endif
