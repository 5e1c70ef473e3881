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
 * Faults in the writing of key files, of a real imap-store that keyfault.c is
 * linked into: armed by the test through a file that both map.
 */

#ifndef KEYFAULT_H
#define KEYFAULT_H

#define KEYFAULT_FILE "keyfault.map" /* in the directory it starts in */

enum keyfault_kind {
	KEYFAULT_NONE,
	KEYFAULT_STOP, /* the process ends there */
	KEYFAULT_FAIL, /* with error; what follows works again */
	KEYFAULT_STUCK /* so does all that follows */
};

struct keyfault {
	volatile int kind;
	volatile int error;
	volatile unsigned int at;    /* the call that fails, from 1 */
	volatile unsigned int calls; /* so many so far */
};

#endif
