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
 * Counters.  A process has a table of them and adds to its fields: nothing is
 * sent until somebody asks.  The parent asks a role by PROC_STATS, libproc
 * answers for the role, and sealctl(8) prints what comes of it, also in
 * Prometheus' text format: hence names with units and "_total".
 */

#ifndef STATS_H
#define STATS_H

#include <stddef.h>
#include <stdint.h>

struct msg;
struct msgout;

#define STATS_NAME_MAX 64   /* octets of a name, NUL included */
#define STATS_LABEL_MAX 128 /* of a label, NUL included */
#define STATS_HELP_MAX 160  /* of what it means, NUL included */
#define STATS_MAX 512       /* rows of a process */

enum stat_kind { STAT_COUNTER = 0, STAT_GAUGE = 1 };

struct stat_row {
	const char *name;  /* lower case, "_"; rows of a name stand together */
	const char *label; /* NULL, or name="value" */
	const char *help;  /* a sentence, without its full stop */
	enum stat_kind kind;
	uint64_t value;
};

/* As it travels. */
struct stat_got {
	char name[STATS_NAME_MAX];
	char label[STATS_LABEL_MAX]; /* or empty */
	char help[STATS_HELP_MAX];
	enum stat_kind kind;
	uint64_t value;
};

/*
 * The process's table, which stays its own; refresh (or NULL) is called before
 * it is read, to set gauges.  Fatal where a row is malformed.
 */
void stats_set(struct stat_row *, size_t n, void (*refresh)(struct stat_row *));

/* libproc's: the rows from i on that fit; returns the next i, n at the end. */
size_t stats_put(struct msgout *, size_t i);
size_t stats_count(void);
void stats_refresh(void);
void stats_put_row(struct msgout *, const struct stat_row *);
void stats_get_row(struct msg *, struct stat_got *); /* msg->bad on errors */

#endif
