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
 * sealctl rebuild: an account whose log is damaged or gone keeps its mail.
 * What needs the user's keys is done by the vault at the next login.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "seal.h"
#include "sealctl.h"
#include "store_rebuild.h"

static const struct column rebuilt_columns[] = {
    {"account", COLUMN_TEXT, 30},
    {"kept", COLUMN_NUMBER, 8},
    {"cut", COLUMN_NUMBER, 8},
    {"moved", COLUMN_NUMBER, 8},
    {"aside", COLUMN_TEXT, 0},
};
#define N_COLUMNS (sizeof(rebuilt_columns) / sizeof(rebuilt_columns[0]))

static void
show_progress(void *arg, size_t n, size_t of)
{
	(void)arg;
	if (n == 1)
		bar_start(of);
	bar_add(1);
}

static int
rebuild_account(const char *account, int fd, void *arg)
{
	const bool *all = arg;
	struct store_rebuilt out;
	enum store_result result;

	store_rebuild_tell(show_progress, NULL);
	result = store_rebuild(fd, *all, &out);
	bar_clear();
	if (result == STORE_OK) {
		out_text(account);
		out_number(out.kept);
		out_number(out.cut);
		out_number(out.moved);
		out_text(out.aside);
		return 0;
	}
	if (result == STORE_LOCKED)
		warnx("%s: its user is logged in: wait, or disable the account "
		      "first",
		    account);
	else if (result == STORE_IO)
		warn("%s", account);
	else
		warnx("%s: %s", account, store_strerror(result));
	return -1;
}

int
cmd_rebuild(struct invocation *inv)
{
	unsigned int failed;
	bool all = false;
	int base, first = 1;

	if (inv->argc > 1 && strcmp(inv->argv[1], "-a") == 0) {
		all = true;
		first = 2;
	}
	if (inv->argc != first + 1)
		return EXIT_BAD_USAGE;
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	if ((base = accounts_base(inv->conf)) == -1)
		return EXIT_FAILED;
	accounts_narrow(inv->conf, NULL, false, true);
	out_start(rebuilt_columns, N_COLUMNS, inv->json);
	failed = accounts_each(inv, first, base, rebuild_account, &all);
	(void)close(base);
	if (out_end(failed > 0) == -1) {
		warn("standard output");
		failed++;
	}
	return failed > 0 ? EXIT_FAILED : 0;
}
