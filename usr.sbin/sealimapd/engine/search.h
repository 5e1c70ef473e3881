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

/* What the files of SEARCH, SORT and THREAD share. */

#ifndef ENGINE_SEARCH_H
#define ENGINE_SEARCH_H

#include "engine.h"

#include "../search.h"

/* Sets that are too large for the program go ahead of it. */
struct search_sets {
	const struct imap_key *set[SEARCH_SENT_MAX];
	size_t n;
	size_t ranges; /* of them together */
};

/* How deep a thread's message stands, as it was put out. */
#define THREAD_OPENED 0x1   /* a parenthesis was opened for it */
#define THREAD_BRANCHES 0x2 /* several follow it */
struct threads {
	uint8_t *at; /* by depth */
	size_t size;
	uint32_t depth; /* of the last message */
	bool begun;
	bool number; /* the last was a message */
};

/* multi.c: the mailboxes of an ESEARCH */
struct multi {
	bool listing; /* which there are is not known yet */
	struct boxes boxes;
	size_t at;
	uint8_t *program;
	size_t len;
};
bool multi_selected_only(const struct imap_cmd *);
bool multi_check(struct job *); /* false: it is answered */
struct multi *multi_start(struct job *, const uint8_t *program, size_t);
void multi_free(struct multi *); /* NULL ok */
void multi_box(struct job *, struct multi *, struct msg *);
/* The mailbox that is searched, or the next; NULL: none is left. */
const struct box *multi_now(const struct multi *);
const struct box *multi_next(struct multi *);
/* " MAILBOX ... UIDVALIDITY ..." */
void
multi_correlate(struct imap_buf *, const struct conn *, const struct multi *);

/* context.c */
#define CONTEXTS_MAX 8           /* of a connection */
#define CONTEXT_FOUND_MAX 100000 /* messages of one */
#define CONTEXT_FETCH_MAX 1000   /* ranges of what came in, fetched at once */
#define CHANGED_MAX 500          /* changes remembered one by one */
#define CHANGED_SORTED_MAX 50    /* the same where a place is to be found */
struct context;
/* NULL: such a search is not kept up to date. */
struct context *
context_new(const struct imap_cmd *, const uint8_t *program, size_t len);
void context_found(struct context *, uint32_t number); /* at first, in order */
/* It is kept from now on, or is gone: false.  Takes it. */
bool context_keep(struct job *, struct context *);
void context_end(struct context *); /* NULL ok */
void context_refuse(struct conn *, const char *tag);

/* search_keys.c: NULL if that is too much for one program. */
struct search *search_keys(const struct imap_cmd *, struct search_sets *);

/* thread.c */
void thread_put(
    struct imap_buf *, struct threads *, uint32_t number, uint32_t place);
void thread_end(struct imap_buf *, struct threads *);
void thread_free(struct threads *);

#endif
