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
 * sealctl merge-check: what merging two copies of one account would find, from
 * their files alone.  It reads only.
 */

#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "proc.h"
#include "seal.h"
#include "sealctl.h"
#include "store_compare.h"

static const struct column columns[] = {
    {"file", COLUMN_TEXT, 50},
    {"finding", COLUMN_SENTENCE, 0},
};

static void
print_finding(void *arg, const char *name, const char *what)
{
	(void)arg;
	out_text(name);
	out_text(what);
}

int
cmd_merge_check(struct invocation *inv)
{
	struct store_compare c = {.tell = print_finding};
	enum store_result result;
	struct proc_path paths[2] = {{NULL, "r"}, {NULL, "r"}};
	int dir[2] = {-1, -1}, i;

	for (i = 0; i < 2 && inv->argc == 3; i++) {
		dir[i] = open(
		    inv->argv[1 + i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir[i] == -1) {
			warn("%s", inv->argv[1 + i]);
			return EXIT_FAILED;
		}
		if (faccessat(dir[i], "account", F_OK, 0) == -1) {
			warnx(
			    "%s: not an account's folder: the file account: %s",
			    inv->argv[1 + i], strerror(errno));
			return EXIT_FAILED;
		}
	}
	if (dir[1] == -1)
		return EXIT_BAD_USAGE;
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	/* Both were chosen by the caller; nothing else is reached. */
	paths[0].path = inv->argv[1];
	paths[1].path = inv->argv[2];
	proc_tool_narrow(inv->conf->best_effort, "stdio rpath", paths, 2);
	out_start(columns, 2, inv->json);
	result = store_compare(dir[0], dir[1], &c);
	(void)close(dir[0]);
	(void)close(dir[1]);
	if (out_end(result != STORE_OK) != 0) {
		warn("standard output");
		return EXIT_FAILED;
	}
	if (result != STORE_OK) {
		warnx("%s", store_strerror(result));
		return EXIT_FAILED;
	}
	return c.conflicts > 0 ? EXIT_FAILED : 0;
}
