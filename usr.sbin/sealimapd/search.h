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
 * A SEARCH program: an array of nodes in postfix order, as it travels from
 * the engine (which makes it from IMAP) to the vault (which decides what its
 * columns can decide) and on to the worker (which decides what needs text).
 * Truth has three values, so that most messages are decided without text.
 */

#ifndef SEARCH_H
#define SEARCH_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_NODES_MAX 512           /* nodes of a program */
#define SEARCH_DEPTH_MAX 64            /* values waiting on the stack */
#define SEARCH_TEXT_MAX 1024           /* octets of a term or name */
#define SEARCH_PROGRAM_MAX (60 * 1024) /* octets of an encoded program */
#define SEARCH_RANGES_MAX (7 * 1024)   /* ranges of all sets together */
#define SEARCH_SENT_MAX 64             /* sets that were sent before */

/*
 * Which of the sets sent before, in their order; how many ranges it has; and
 * whether they are UIDs or sequence numbers.
 */
#define SEARCH_SENT_NUMBER(i, n, uids) \
	((uint64_t)(n) << 8 | (uint64_t)(i) << 1 | (uint64_t)(uids))
#define SEARCH_SENT_INDEX(number) ((unsigned int)((number) >> 1 & 63))
#define SEARCH_SENT_RANGES(number) ((size_t)((number) >> 8))
#define SEARCH_SENT_UIDS(number) (((number)&1) != 0)

enum search_kind {
	/* Operators: they take the one or two values before them. */
	SEARCH_AND = 1,
	SEARCH_OR = 2,
	SEARCH_NOT = 3,
	/* Leaves that the vault decides. */
	SEARCH_ALL = 10,
	SEARCH_FLAG_ANY = 11,  /* number: flags & mask != 0 (mask 0: never) */
	SEARCH_FLAG_NONE = 12, /* number: flags & mask == 0 (mask 0: always) */
	SEARCH_KEYWORD = 13,   /* text: the keyword's name */
	SEARCH_UID = 14,       /* ranges of UIDs */
	SEARCH_SEQ = 15,       /* ranges of sequence numbers */
	SEARCH_BEFORE = 16,  /* number: midnight (as UTC) of the date given; */
	SEARCH_ON = 17,      /* internal date as its own zone's clock says, */
	SEARCH_SINCE = 18,   /* see search_facts.date */
	SEARCH_LARGER = 19,  /* number: size > n */
	SEARCH_SMALLER = 20, /* number: size < n */
	SEARCH_MODSEQ = 21,  /* number: modseq >= n */
	SEARCH_YOUNGER = 22, /* number: received within n seconds of now */
	SEARCH_OLDER = 23,   /* number: received n seconds ago or earlier */
	SEARCH_SAVED = 24,   /* what the session's last search has saved */
	SEARCH_SENT = 25,    /* of a set that was sent before (V_SET); */
			     /* number: SEARCH_SENT_NUMBER() */
	SEARCH_SAVEDBEFORE = 26, /* number: midnight UTC; when it came into */
	SEARCH_SAVEDON = 27,     /* the box, as UTC */
	SEARCH_SAVEDSINCE = 28,
	SEARCH_EMAILID = 29, /* text: 32 hexadecimal digits */
	/* Leaves that the worker decides.  Terms are UTF-8, not folded. */
	SEARCH_HEADER = 40, /* name, text; FROM, TO, SUBJECT... are this too */
	SEARCH_BODY = 41,   /* text */
	SEARCH_TEXT = 42,   /* text: in header or body */
	SEARCH_SENTBEFORE =
	    43,             /* number: midnight (as UTC); the Date field as */
	SEARCH_SENTON = 44, /* its own zone's clock says */
	SEARCH_SENTSINCE = 45
};

/* How what was found is told; criteria of SORT_ORDER are u8 each. */
enum sort_how {
	SORT_NOT = 0,   /* by number */
	SORT_ORDER = 1, /* by criteria */
	SORT_REFERENCES = 2,
	SORT_ORDEREDSUBJECT = 3
};
#define SORT_CRITERIA_MAX 16
#define SORT_REVERSE 0x80
enum sort_criterion {
	SORT_ARRIVAL = 1,
	SORT_CC = 2,
	SORT_DATE = 3,
	SORT_FROM = 4,
	SORT_SIZE = 5,
	SORT_SUBJECT = 6,
	SORT_TO = 7,
	SORT_DISPLAYFROM = 8,
	SORT_DISPLAYTO = 9
};
/* Of a message within threads: how deep, and whether several follow it. */
#define THREAD_PLACE(depth, several) ((uint32_t)(depth) << 1 | (several))
#define THREAD_DEPTH(place) ((place) >> 1)
#define THREAD_SEVERAL(place) (((place)&1) != 0)

enum search_truth { SEARCH_NO = 0, SEARCH_YES = 1, SEARCH_MAYBE = 2 };

struct search_range {
	uint32_t first, last; /* either order; UINT32_MAX means * */
};

struct search_node {
	uint8_t kind;            /* enum search_kind */
	uint64_t number;         /* dates: int64_t seconds cast to uint64_t */
	const char *name, *text; /* NUL-terminated; NULL where there is none */
	size_t name_len, text_len;
	const struct search_range *range; /* of UID and SEQ: n of them */
	size_t n;
};

struct search;

/*
 * Making one, in postfix order: "a b AND c OR".  The adders return -1 once a
 * limit is passed or a string holds NUL (sticky: _encode() then fails too).
 * A list of keys is their AND; an empty program is not valid.
 */
struct search *search_new(void);                   /* NULL: no memory */
void search_free(struct search *);                 /* wipes; NULL is fine */
int search_add(struct search *, enum search_kind); /* operators, ALL */
int search_add_number(struct search *, enum search_kind, uint64_t);
int search_add_text(
    struct search *, enum search_kind, const char *text, size_t len);
int search_add_header(struct search *, const char *name, size_t name_len,
    const char *text, size_t len);
int search_add_set(
    struct search *, enum search_kind, const struct search_range *, size_t n);
/* At most SEARCH_PROGRAM_MAX octets, which the search owns; NULL: not a
 * whole program, or past a limit. */
const uint8_t *search_encode(struct search *, size_t *len);
/* NULL with EBADMSG (not a valid program) or ENOMEM. */
struct search *search_decode(const void *, size_t len);

size_t search_count(const struct search *);
const struct search_node *search_node(const struct search *, size_t i);
/* Whether a worker is needed where the vault's leaves leave it open. */
bool search_needs_text(const struct search *);
bool search_is_store_leaf(uint8_t kind);
bool search_is_text_leaf(uint8_t kind);

/*
 * The vault's part.  Bind keywords first (mask 0: no such keyword here), once
 * per program and box.  search_eval_store() sets truth[i] of every node: its
 * own leaves decided, all else MAYBE; and returns the whole's truth.
 */
struct search_facts {
	uint32_t uid, uid_max; /* of the message; of the box (for *) */
	uint32_t seq, seq_max;
	uint64_t flags;
	uint64_t size, modseq;
	int64_t date; /* internal date, seconds UTC */
	int zone;     /* minutes east that it was given with; 0 if unknown */
	int64_t now;
	int64_t stored;   /* when it came into the box, seconds UTC */
	bool saved;       /* in the saved result */
	uint64_t sent;    /* bit i: in set i of those sent before */
	char emailid[33]; /* filled in if search_has() EMAILID */
};
/* Does a leaf of this kind occur? */
bool search_has(const struct search *, enum search_kind);
void search_bind(struct search *,
    uint64_t (*keyword)(void *arg, const char *name), void *arg);
enum search_truth search_eval_store(const struct search *,
    const struct search_facts *, uint8_t truth[SEARCH_NODES_MAX]);

/* The value of the whole, given that of each leaf (by node index). */
enum search_truth
search_eval(const struct search *, const uint8_t truth[SEARCH_NODES_MAX]);
/* Whether leaf i being known could still change the whole: saves text work. */
bool search_matters(
    const struct search *, const uint8_t truth[SEARCH_NODES_MAX], size_t i);

#endif
