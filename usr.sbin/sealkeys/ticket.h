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
 * The keys of session tickets: made here, replaced when half of a ticket's
 * life is over, wiped when no ticket of theirs is accepted any more.
 */

#ifndef TICKET_H
#define TICKET_H

#include <stdint.h>
#include <time.h>

struct msgout;

/* Seconds that a ticket lives; where that is new, so are all keys. */
void ticket_life(uint32_t life, time_t now);
/* Makes and wipes what is due; seconds until it should be called again. */
unsigned int ticket_rotate(time_t now);
void ticket_put(struct msgout *, time_t now); /* KEYS_TICKETS_ARE */

#endif
