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
 * APPEND within imap-engine: what takes the octets of a message, and who
 * brings those that a URL names (RFC 4469).
 */

#ifndef ENGINE_APPEND_H
#define ENGINE_APPEND_H

#include "engine.h"

#define CATENATE_CHUNKS 4 /* of a URL's message asked for at a time */

/* append.c: more octets of the message; false: they are not wanted. */
bool append_feed(struct job *, const uint8_t *, size_t);
/* Are so many more too many?  Then the APPEND is refused. */
bool append_too_big(struct job *, uint64_t more);

struct catenate;
/* The part that is being fetched, or NULL. */
struct catenate *append_catenate(const struct job *);

/* catenate.c: a part that lies on the server. */
enum catenate_state {
	CATENATE_MORE,   /* other requests are under way */
	CATENATE_DONE,   /* it was fed, or is not wanted any more */
	CATENATE_BADURL, /* there is no such thing */
	CATENATE_FAILED  /* job->result says why */
};
/* Asks for it; NULL: that is no URL of a message here. */
struct catenate *
catenate_start(struct job *, struct imap_cmd *, const struct imap_str *url);
void catenate_answer(struct job *, struct catenate *, struct msg *);
enum catenate_state
catenate_done(struct job *, struct catenate *, enum vault_result);
void catenate_free(struct catenate *); /* NULL ok */
/* No other box than the selected one is looked into any more. */
void catenate_end(struct conn *);

#endif
