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
 * A daemon's tables: checked before anything runs, and printed for the manual.
 */

#include <sys/types.h>

#include <string.h>
#include <unistd.h>

#include "log.h"
#include "procs_local.h"

static const struct proc_row *
row_find(const struct proc_daemon *, const char *);
static void check_row(const struct proc_row *);
static void print_row(const struct proc_row *, FILE *);

void
proc_table_check(const struct proc_daemon *d)
{
	for (size_t i = 0; i < d->n_rows; i++)
		check_row(&d->rows[i]);
	for (size_t i = 0; i < d->n_pairs; i++) {
		if (row_find(d, d->pairs[i].a) == NULL ||
		    row_find(d, d->pairs[i].b) == NULL ||
		    strcmp(d->pairs[i].a, d->pairs[i].b) == 0)
			fatalx("pair %s, %s: no such roles", d->pairs[i].a,
			    d->pairs[i].b);
	}
	for (size_t i = 0; i < d->n_asks; i++) {
		if (row_find(d, d->asks[i].asker) == NULL)
			fatalx("no role %s", d->asks[i].asker);
	}
	for (size_t i = 0; i < d->n_serves; i++) {
		if (row_find(d, d->serves[i].wanted) == NULL)
			fatalx("no role %s", d->serves[i].wanted);
	}
}

unsigned int
proc_instances(const struct proc_row *row)
{
	long n;

	n = row->instances;
	if (row->instances == PROC_PER_CORE)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	if (n > (long)row->max)
		n = row->max;
	return (unsigned int)n;
}

void
proc_table_print(const struct proc_daemon *d, FILE *f)
{
	(void)fprintf(f, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < d->n_rows; i++)
		print_row(&d->rows[i], f);
	(void)fprintf(f, ".El\n");
}

static const struct proc_row *
row_find(const struct proc_daemon *d, const char *name)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		if (strcmp(d->rows[i].name, name) == 0)
			return &d->rows[i];
	}
	return NULL;
}

static void
check_row(const struct proc_row *row)
{
	size_t n;

	for (n = 0; n < PROC_PATHS_MAX && row->paths[n].path != NULL; n++)
		;
	if (strlen(row->name) >= PROC_NAME_MAX ||
	    strlen(row->promises) >= PROC_PROMISES_MAX ||
	    (row->apart != NULL && strlen(row->apart) >= PROC_PROMISES_MAX) ||
	    row->max < 1 || row->max > PROC_INSTANCES_MAX ||
	    row->user >= PROC_USERS_MAX || row->nofile == 0 ||
	    n == PROC_PATHS_MAX)
		fatalx("role %s: row out of bounds", row->name);
	/* A promise of files without paths would be one of all files. */
	if ((strstr(row->promises, "path") != NULL) != (n > 0))
		fatalx("role %s: promises and paths do not agree", row->name);
	if (n > 0 && (row->flags & PROC_IN_BASE) == 0)
		fatalx("role %s: paths, but no base directory", row->name);
}

/* What people read, and beside it the two things that the kernel enforces. */
static void
print_row(const struct proc_row *row, FILE *f)
{
	(void)fprintf(f, ".It Nm %s\n", row->name);
	(void)fprintf(f, "Runs as %s.\n", row->runs_as);
	(void)fprintf(f, "Promises: %s.\n", row->promises);
	if (row->apart != NULL)
		(void)fprintf(f, "Promises, where sessions are isolated: %s.\n",
		    row->apart);
	for (size_t i = 0; i < PROC_PATHS_MAX && row->paths[i].path != NULL;
	     i++)
		(void)fprintf(f, "Path: %s (%s).\n", row->paths[i].path,
		    row->paths[i].perm);
	(void)fprintf(f, "Talks to: %s.\n", row->talks_to);
	(void)fprintf(f, "Holds: %s.\n", row->holds);
	(void)fprintf(f, "Trusts: %s.\n", row->trusts);
}
