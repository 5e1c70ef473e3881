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
 * sealctl verify: every file of accounts, without a key.  It reads only, and
 * neither needs the daemons nor minds them.
 */

#include <sys/types.h>

#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "seal.h"
#include "sealctl.h"
#include "store_verify.h"

static const struct column finding_columns[] = {
    {"account", COLUMN_TEXT, 0},
    {"file", COLUMN_TEXT, 0},
    {"finding", COLUMN_TEXT, 0},
    {"advice", COLUMN_TEXT, 0},
};
#define N_COLUMNS (sizeof(finding_columns) / sizeof(finding_columns[0]))

struct run {
	const char *account;
	bool json;
	uint64_t total; /* octets, for the bar */
	uint64_t accounts;
	struct store_check check;
};

/* A stray file's name is whatever somebody chose. */
static void
print_name(const char *s)
{
	for (; *s != '\0'; s++)
		(void)putchar(isgraph((unsigned char)*s) ? *s : '?');
}

static void
print_finding(void *arg, const char *file, const char *what, const char *advice)
{
	struct run *run = arg;

	bar_clear();
	if (run->json) {
		out_text(run->account);
		out_text(file);
		out_text(what);
		out_text(advice);
		return;
	}
	print_name(run->account);
	(void)fputs(": ", stdout);
	print_name(file);
	(void)printf(": %s; %s\n", what, advice);
}

static void
count_octets(void *arg, uint64_t octets)
{
	(void)arg;
	bar_add(octets);
}

static int
measure_account(const char *account, int fd, void *arg)
{
	struct run *run = arg;
	uint64_t files = 0;

	(void)account;
	store_measure(fd, &files, &run->total);
	return 0;
}

static int
verify_account(const char *account, int fd, void *arg)
{
	struct run *run = arg;
	enum store_result result;

	run->account = account;
	run->accounts++;
	result = store_verify(fd, &run->check);
	if (result == STORE_OK)
		return 0;
	bar_clear();
	warnx("%s: %s", account, store_strerror(result));
	return -1;
}

int
cmd_verify(struct invocation *inv)
{
	struct run run;
	unsigned int failed;
	int base, first = 1;

	if (inv->argc > 2 && strcmp(inv->argv[1], "-d") == 0) {
		first = 3;
		base = open(inv->argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (base == -1)
			warn("%s", inv->argv[2]);
	} else
		base = accounts_base(inv->conf);
	if (base == -1)
		return EXIT_FAILED;
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	accounts_narrow(
	    inv->conf, first == 3 ? inv->argv[2] : NULL, false, false);
	memset(&run, 0, sizeof(run));
	run.json = inv->json;
	run.check.found = print_finding;
	run.check.progress = count_octets;
	run.check.arg = &run;
	if (bar_wanted())
		(void)accounts_each(inv, -first, base, measure_account, &run);
	bar_start(run.total);
	if (run.json)
		out_start(finding_columns, N_COLUMNS, true);
	failed = accounts_each(inv, first, base, verify_account, &run);
	bar_clear();
	(void)close(base);
	if (bar_wanted())
		(void)fprintf(stderr,
		    "%llu accounts, %llu files, %llu MB: %llu findings\n",
		    (unsigned long long)run.accounts,
		    (unsigned long long)run.check.files,
		    (unsigned long long)(run.check.octets >> 20),
		    (unsigned long long)run.check.findings);
	if ((run.json ? out_end() : fflush(stdout)) != 0) {
		warn("standard output");
		failed++;
	}
	return failed > 0 || run.check.findings > 0 ? EXIT_FAILED : 0;
}
