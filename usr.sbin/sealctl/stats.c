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
 * sealctl show stats: the counters of all processes, as records or in the text
 * format of Prometheus.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"
#include "sealctl.h"
#include "stats.h"

#define PREFIX "sealmail_"
#define ROWS_MAX 65536 /* of all processes of a daemon */

/* A counter of one process. */
struct row {
	char daemon[PROC_NAME_MAX];
	char role[PROC_NAME_MAX];
	uint32_t instance;
	size_t order; /* as it came */
	struct stat_got got;
};

static struct {
	struct row *rows;
	size_t n;
	size_t size;
} all;

static int
ask_stats(struct ctl *ctl)
{
	struct row *r;
	struct msg msg;

	ctl_send(ctl, ctl_new(ctl, CTL_STATS));
	while (ctl_next(ctl, &msg)) {
		if (msg.type != CTL_COUNT || all.n == ROWS_MAX)
			continue;
		if (all.n == all.size) {
			all.rows = recallocarray(all.rows, all.size,
			    all.size + 256, sizeof(*all.rows));
			if (all.rows == NULL)
				err(EXIT_FAILED, "stats");
			all.size += 256;
		}
		r = &all.rows[all.n];
		memset(r, 0, sizeof(*r));
		(void)strlcpy(r->daemon, ctl->daemon, sizeof(r->daemon));
		(void)msg_get_str(&msg, r->role, sizeof(r->role));
		r->instance = msg_get_u32(&msg);
		stats_get_row(&msg, &r->got);
		if (msg_end(&msg) == -1) {
			warnx("%s: an answer is not understood", ctl->daemon);
			continue;
		}
		r->order = all.n++;
	}
	return ctl_failed(ctl, "show stats") ? -1 : 0;
}

static const struct column columns[] = {
    {"daemon", COLUMN_TEXT, 10},
    {"role", COLUMN_TEXT, 13},
    {"instance", COLUMN_NUMBER, 8},
    {"name", COLUMN_TEXT, 28},
    {"label", COLUMN_TEXT, 26},
    {"value", COLUMN_NUMBER, 12},
};

static void
print_records(bool json)
{
	const struct row *r;

	out_start(columns, sizeof(columns) / sizeof(columns[0]), json);
	for (size_t i = 0; i < all.n; i++) {
		r = &all.rows[i];
		out_text(r->daemon);
		out_text(r->role);
		out_number(r->instance);
		out_text(r->got.name);
		out_text(r->got.label);
		out_number(r->got.value);
	}
}

/* Rows of a name must stand together. */
static int
by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c;

	c = strcmp(x->got.name, y->got.name);
	if (c != 0)
		return c;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Names are our own; a name that is not one would spoil the whole text. */
static bool
is_name(const char *s)
{
	return *s != '\0' &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool
is_text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < ' ' || *s > '~' || *s == '\\')
			return false;
	}
	return true;
}

static void
print_prometheus(void)
{
	const char *name = "";
	const struct row *r;

	if (all.n > 0)
		qsort(all.rows, all.n, sizeof(*all.rows), by_name);
	for (size_t i = 0; i < all.n; i++) {
		r = &all.rows[i];
		if (!is_name(r->got.name) || !is_text(r->got.label) ||
		    !is_text(r->got.help) || !is_text(r->role))
			continue;
		if (strcmp(name, r->got.name) != 0) {
			name = r->got.name;
			(void)printf(
			    "# HELP " PREFIX "%s %s.\n", name, r->got.help);
			(void)printf("# TYPE " PREFIX "%s %s\n", name,
			    r->got.kind == STAT_GAUGE ? "gauge" : "counter");
		}
		(void)printf(PREFIX "%s{daemon=\"%s\",role=\"%s\","
				    "instance=\"%u\"%s%s} %llu\n",
		    name, r->daemon, r->role, r->instance,
		    r->got.label[0] == '\0' ? "" : ",", r->got.label,
		    (unsigned long long)r->got.value);
	}
}

int
cmd_show_stats(struct invocation *inv)
{
	bool prometheus = false;
	int ch, code;

	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "p")) != -1) {
		if (ch != 'p')
			return EXIT_BAD_USAGE;
		prometheus = true;
	}
	if (optind != inv->argc || (prometheus && inv->json))
		return EXIT_BAD_USAGE;
	code = each_daemon(inv, ask_stats);
	if (!prometheus) {
		print_records(inv->json);
		return finish(code);
	}
	print_prometheus();
	if (fflush(stdout) == EOF || ferror(stdout)) {
		warn("standard output");
		return EXIT_FAILED;
	}
	return code;
}
