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
 * Two hosts that write one account, as the tests of merging see them: their
 * copies, what may crash, and what was done to each message.
 */

#ifndef MERGE_WORLD_H
#define MERGE_WORLD_H

#include "account.h"
#include "store_local.h"

#define MESSAGES 200 /* of one run */
#define NAMES 4096   /* places of the table of names */
#define BOXES 64
#define FIRST_DATE 1700000000
#define PLACE "accounts/example.org/anna"

struct note {
	bool created;     /* acknowledged */
	bool seen;        /* a client saw it */
	bool killed;      /* somebody expunged it, or removed its box */
	bool surely;      /* and that was acknowledged, by its instance */
	uint64_t from;    /* out of that box */
	uint8_t named[2]; /* keywords that a host set or took, by number */
	uint8_t names[2]; /* which of them it set */
	bool copied;
	bool within;           /* moved into the box it was in */
	bool spread;           /* perhaps delivered into two boxes */
	unsigned int moved[2]; /* times, by host */
	uint64_t to[2];        /* where it was moved last */
	uint8_t flagged[2];
	uint8_t value[2]; /* what a host last set */
	uint64_t in[2];   /* flags or keywords, in that box */
};

struct name { /* I1 */
	uint64_t box;
	uint32_t uid;
	uint64_t inst;
};

struct shown {
	uint32_t uid;
	uint32_t flags; /* of the system, and the numbers of keywords */
	uint64_t modseq;
};

struct view { /* I2, I4, of one host */
	uint64_t box;
	uint32_t next; /* no lower UID may turn up */
	struct shown *shown;
	size_t n;
};

struct host {
	struct account a;
	char dir[32];
	struct view views[BOXES];
	size_t nviews;
};

struct world {
	struct host hosts[2];
	struct note notes[MESSAGES];
	unsigned int nnotes;
	struct name names[NAMES];
	char bad[400];
	unsigned int crash_in; /* calls until the crash; 0: none */
	bool crashed;
	bool stay; /* nobody is opened anew to compare */
	struct {
		unsigned int crashes, merges, again, rounds, messages,
		    checkpoints;
		unsigned int read, pieces;
	} sum;
};

/* Both hosts give the same names, and others, in either case of letters. */
#define KEYWORD_NAMES 4
const char *keyword_name(unsigned int);
/* The one there is. */
struct world *world(void);
/* Whether the calls that change the disk may crash. */
void world_fragile(bool);
void dice_seed(uint64_t);
unsigned int count_of(const char *name, unsigned int otherwise);
void enter_fast(char *dir);
void violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint32_t dice(uint32_t n);
void host_open(struct host *h);
bool settle(struct host *h, enum store_result result);
void each_file(struct host *from, struct host *to, const char *what, bool whole,
    bool (*copy)(const char *, const char *, unsigned int, bool));
void exchange(struct host *from, bool whole);
void host_start(struct host *h, struct seal_ring *ring);
void host_stop(struct host *h);
unsigned int number(const struct store_msg *m);
void present(struct host *h);
char *view_text(struct host *h);
void check_all(void);
void check_again(struct host *h);
void check_reader(struct host *h);
uint8_t keyword_set(const struct store_box *b, uint64_t flags);
unsigned int count_all(struct store *st, unsigned int n);
struct store_msg *only_message(struct store *st, uint64_t box, struct place *p);

#endif
