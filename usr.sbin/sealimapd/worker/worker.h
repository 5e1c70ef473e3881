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
 * imap-worker's parts: child.c speaks with the vault, candidate.c keeps the
 * messages that wait, plan.c decides what can be decided from a summary and
 * says which octets of the body are to be seen, scan.c turns those octets into
 * text and looks for the terms, unpack.c undoes compression.
 */

#ifndef WORKER_H
#define WORKER_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime.h"
#include "mime_text.h"
#include "msg.h"

#include "../search.h"

#define CHUNK_SIZE 65536 /* plain octets of each chunk but the last */
#define SLICE_CHUNKS 16  /* asked for at a time */

/* Octets of the body that are to be seen, and as what. */
struct range {
	uint64_t off, len;
	enum mime_coding coding;
	int charset;
	bool header; /* a header: fields, not a text */
	bool top;    /* ... of the whole message */
	bool html;
};

/* Folded terms of the program's text leaves. */
struct term {
	char *text;
	size_t len;
};

struct query {
	struct search *program;
	size_t n;           /* nodes */
	struct term *terms; /* by node */
	uint32_t id;        /* of the search */
	bool index;         /* it is none: a segment of the index is made */
};

/* A message that the vault has asked about. */
struct candidate {
	TAILQ_ENTRY(candidate) entry;
	uint32_t handle;
	uint64_t size;
	uint8_t codec;
	bool parsing;   /* its summary is made first, from the body */
	uint8_t *truth; /* by node; what is open is SEARCH_MAYBE */
	struct range *ranges;
	size_t n, room;
	size_t at;        /* the range under way */
	uint64_t next;    /* chunk that is expected */
	uint64_t need_to; /* last chunk of the slice asked for */
	bool asked;
	struct grams *grams; /* of its text, where the index is made */
};
TAILQ_HEAD(candidates, candidate);

/* report.c: what is counted; the order is that of its rows. */
enum worker_count {
	WORKER_SEARCHES,
	WORKER_SORTS,
	WORKER_MESSAGES,
	WORKER_OPENED,
	WORKER_MALFORMED,
	WORKER_OCTETS,
	WORKER_TOLD, /* by children: those above */
	WORKER_REFUSED = WORKER_TOLD,
	WORKER_ALIVE,
	WORKER_COUNTS
};
struct stat_row;
void report_init(void (*refresh)(struct stat_row *)); /* the master */
void report_child(void); /* in a child, after fork */
void report_add(enum worker_count, uint64_t);
void report_tell(void); /* a child, after a task */

/* child.c */
_Noreturn void child_main(int fd);
void child_verdict(const struct candidate *, bool match);
void child_need(uint32_t handle, uint64_t first, uint64_t last);
void child_sorted(uint32_t uid);
void child_threaded(uint32_t uid, uint32_t place);
/* The vault speaks nonsense: the child ends. */
_Noreturn void child_nonsense(const struct msg *);
/* A chunk within a message: u8 compressed, u32 plain length, bytes. */
struct packed;
void child_packed(struct msg *, struct packed *);

/* candidate.c: -1 if what the vault said makes no sense. */
void candidates_start(struct query *);
void candidates_stop(void);
bool candidates_empty(void);
/* A chunk as it came along; p NULL: none. */
struct packed {
	const uint8_t *p;
	size_t len, plain_len;
	bool compressed;
};
/* Takes c; summary (plain octets) may be NULL; body is chunk 0, which is
 * opened only if it is needed. */
void candidate_begin(struct candidate *c, const uint8_t *summary,
    size_t summary_len, const struct packed *body);
int candidate_chunk(
    uint32_t handle, uint32_t index, bool last, const uint8_t *, size_t);
uint8_t candidate_codec(uint32_t handle); /* 0 if there is none */
bool candidate_gone(uint32_t handle);     /* whether it waited */
void candidate_free(struct candidate *);

/* plan.c */
/* Leaves that the summary decides; then the ranges for the rest. */
void plan_make(
    const struct query *, struct candidate *, const struct mime_summary *);
/* One header field of the message (top) or of one within it. */
void plan_field(
    const struct query *, struct candidate *, const char *, size_t, bool top);
enum search_truth plan_truth(const struct query *, const struct candidate *);
/* What is still open has not been found. */
bool plan_finish(const struct query *, struct candidate *);

/* scan.c */
struct scan;
struct scan *scan_new(const struct query *); /* fatal without memory */
void scan_reset(struct scan *);              /* for the next candidate */
void scan_free(struct scan *);
/* Feeds plain octets that stand at off; true: nothing more is needed. */
bool scan_feed(
    struct scan *, struct candidate *, uint64_t off, const uint8_t *, size_t);

/* rows.c: what is to be sorted. */
void rows_begin(struct msg *);
/* Does the message of this id belong to a sort? */
bool rows_sorting(uint32_t id);
void rows_message(struct msg *, struct wire *);
void rows_stop(void); /* forgets and wipes all */

/* build.c: a segment of the index is made; narrow.c: it is asked. */
struct wire;
struct msg;
void build_start(struct query *);
void build_stop(void);
uint8_t build_verdict(const struct candidate *); /* enum worker_indexed */
/* All candidates are in: sends what was made, then calls done. */
void build_finish(struct wire *, uint32_t id, void (*done)(void));
bool build_closed(void); /* that has begun, and is not done */
/* A SEGMENT, a PAGE of it; -1: it makes no sense. */
int narrow_segment(const struct query *, struct wire *, struct msg *);
int narrow_page(const struct query *, struct wire *, struct msg *);
void narrow_stop(void);

/* unpack.c */
void unpack_init(void);
/* Plain octets of a chunk in a buffer that lives until the next call with the
 * same slot; NULL if it does not open to exactly plain_len octets. */
#define UNPACK_BODY 0
#define UNPACK_SUMMARY 1
const uint8_t *unpack(int slot, uint8_t codec, bool compressed, const uint8_t *,
    size_t len, size_t plain_len);
void unpack_wipe(void);

#endif
