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
 * What a snapshot leaves behind: columns that it does not name, and older
 * generations.  All of it goes in small pieces, since hundreds of megabytes
 * that go at once keep the disk and whoever waits for the vault.  Where a
 * piece does not go the rest is left for the next snapshot, as after a crash.
 */

#include <sys/types.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_work.h"

#define STEP_OCTETS (8 * 1024 * 1024) /* taken away in one step */
#define STEP_FILES 64

/* Is it a column file, and none that a box names? */
static bool
is_left(struct store *st, const char *name)
{
	unsigned long long id;
	unsigned int version;
	struct box *b;

	if (sscanf(name, "box.%llx.%x", &id, &version) != 2)
		return false;
	b = box_find(st, id);
	return b == NULL || b->file != version;
}

/* 1: what there was has gone; 0: the budget has; -1. */
static int
clear_dir(struct store *st, int fd, bool all, uint64_t *budget)
{
	struct dirent *de;
	unsigned int n;
	DIR *dir;
	int r;

	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return -1;
	}
	for (n = 0, r = 1; r == 1 && (de = readdir(dir)) != NULL;) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    (!all && !is_left(st, de->d_name)))
			continue;
		if (*budget == 0 || n++ == STEP_FILES)
			r = 0;
		else
			r = sys_shrink(dirfd(dir), de->d_name, budget);
	}
	(void)closedir(dir);
	return r;
}

/* What reads of a generation that is half gone would not verify. */
static int
clear_older(struct store *st, uint64_t gen, uint64_t *budget)
{
	char name[32];
	int fd, r;

	(void)snprintf(
	    name, sizeof(name), "snap/%llu", (unsigned long long)gen);
	fd = sys_open(st->acct, name, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	if (sys_shrink(fd, "state", budget) == -1) {
		(void)close(fd);
		return -1;
	}
	r = clear_dir(st, fd, true, budget);
	if (r == 1)
		r = sys()->unlink(st->acct, name, AT_REMOVEDIR) == -1 ? -1 : 1;
	return r;
}

bool
clear_step(struct store *st)
{
	uint64_t budget, gen;
	int fd, r;

	budget = st->small_steps ? 4096 : STEP_OCTETS;
	fd = sys_open(st->snap_fd, ".", O_RDONLY | O_DIRECTORY);
	r = fd == -1 ? -1 : clear_dir(st, fd, false, &budget);
	while (r == 1 && budget > 0 && (gen = snap_highest(st, st->gen)) > 0)
		r = clear_older(st, gen, &budget);
	return r == 0 || (r == 1 && budget == 0);
}
