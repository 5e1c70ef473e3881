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
#include "store_wire.h"

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

static const struct column vault_columns[] = {
    {"account", COLUMN_TEXT, 0},
    {"messages", COLUMN_NUMBER, 0},
    {"octets", COLUMN_NUMBER, 0},
    {"findings", COLUMN_NUMBER, 0},
};
#define N_VAULT_COLUMNS (sizeof(vault_columns) / sizeof(vault_columns[0]))

/* What the vault of an account says; the number of findings, or -1. */
static int64_t
vault_follow(struct store *st, const char *account, uint64_t figures[4])
{
	uint64_t told = 0;
	struct msg msg;

	memset(&msg, 0, sizeof(msg));
	memset(figures, 0, 4 * sizeof(*figures));
	for (;;) {
		store_receive(st, &msg);
		if (msg.id == st->id && msg.type == MASTER_CTL_END)
			break;
		if (msg.id != st->id || msg.type != MASTER_CTL_AUDITED)
			continue;
		for (int i = 0; i < 4; i++)
			figures[i] = msg_get_u64(&msg);
		if (told == 0)
			bar_start(figures[1]);
		if (figures[0] > told)
			bar_add(figures[0] - told);
		told = figures[0];
	}
	bar_clear();
	return store_end(&msg, account) == -1 ? -1 : (int64_t)figures[3];
}

/* One account, by who has its key: the vault of a user who is logged in. */
static bool
vault_verify(struct store *st, struct invocation *inv, const char *arg)
{
	char account[ACCOUNT_NAME_MAX];
	struct msgout *m;
	uint64_t figures[4];
	int64_t findings;

	if (account_name(inv->conf, arg, account, sizeof(account)) == -1)
		return false;
	m = store_new(st, CTL_MASTER_AUDIT);
	msg_put_str(m, account);
	store_send(m);
	findings = vault_follow(st, account, figures);
	if (findings == -1)
		return false;
	if (inv->json) {
		out_text(account);
		out_number(figures[0]);
		out_number(figures[2]);
		out_number(figures[3]);
	} else
		(void)printf("%s: messages %llu, octets %llu, findings %llu\n",
		    account, (unsigned long long)figures[0],
		    (unsigned long long)figures[2],
		    (unsigned long long)figures[3]);
	return findings == 0;
}

static int
verify_vaults(struct invocation *inv)
{
	struct store st;
	bool good = true;
	int code;

	if (inv->argc < 3)
		return EXIT_BAD_USAGE;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	if (inv->json)
		out_start(vault_columns, N_VAULT_COLUMNS, true);
	for (int i = 2; i < inv->argc; i++)
		if (!vault_verify(&st, inv, inv->argv[i]))
			good = false;
	store_close(&st);
	if ((inv->json ? out_end(0) : fflush(stdout)) != 0) {
		warn("standard output");
		good = false;
	}
	return good ? 0 : EXIT_FAILED;
}

int
cmd_verify(struct invocation *inv)
{
	struct run run;
	unsigned int failed;
	int base, first = 1;

	if (inv->argc > 1 && strcmp(inv->argv[1], "-k") == 0)
		return verify_vaults(inv);
	if (inv->argc > 2 && strcmp(inv->argv[1], "-d") == 0) {
		first = 3;
		base = open(inv->argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (base == -1)
			warn("%s", inv->argv[2]);
		else if (accounts_there(base, inv->argv[2]) == -1)
			return EXIT_FAILED;
	} else if (inv->argc > 1 && inv->argv[1][0] == '-')
		return EXIT_BAD_USAGE;
	else
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
	if ((run.json ? out_end(0) : fflush(stdout)) != 0) {
		warn("standard output");
		failed++;
	}
	return failed > 0 || run.check.findings > 0 ? EXIT_FAILED : 0;
}
