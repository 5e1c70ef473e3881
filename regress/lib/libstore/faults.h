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
 * One call of libstore, the n-th that changes the disk, goes wrong: it fails,
 * or the process ends before it or, where it writes, in its middle.
 */

#ifndef FAULTS_H
#define FAULTS_H

#include "store_blob.h"

enum fault { STOP, FAIL, FULL, TEAR };
struct fault_plan {
	enum fault kind;
	unsigned int at;    /* which call, from 1; 0: none */
	unsigned int calls; /* so far */
};
struct fault_plan *fault_plan(void);
const struct store_sys *fault_sys(void); /* for store_sys_set() */

#endif
