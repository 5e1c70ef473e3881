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
 * What only a vault can tell of its account: whether all that is sealed opens,
 * and agrees with what is shown.  It is done by slices beside sessions; what
 * changes meanwhile is looked at as it is when its turn comes.
 */

#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store.h"

struct store_audit;
struct store_audited {
	uint64_t done;  /* messages */
	uint64_t total; /* that there were at its beginning */
	uint64_t octets;
	uint64_t frames; /* of the log */
	uint64_t findings;
};
/* Something does not: in a mailbox (uid 0: in its columns), or box NULL. */
typedef void (*store_audit_found)(
    void *arg, const char *box, uint32_t uid, const char *what);

/* NULL without memory. */
struct store_audit *
store_audit_new(struct store *, store_audit_found, void *arg);
void store_audit_free(struct store_audit *); /* NULL ok */
/* A slice of some milliseconds; *more: call again. */
enum store_result store_audit_step(struct store_audit *, bool *more);
void store_audit_state(const struct store_audit *, struct store_audited *);

#endif
