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
 * Signed deletes in copies: those that verify, and what the administrator has
 * confirmed.  Lists are added while they are copied, and made one: a list that
 * has gone meanwhile is in a newer one.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_copy.h"
#include "store_del.h"

#define PATH_SIZE 64
#define CONFIRMED_MAX 64 /* octets of del/confirmed */

static bool
is_list(const char *name)
{
	unsigned int host;
	uint64_t n;

	return del_name(name, &host, &n) == 0;
}

static int
put_file(struct copy_to *c, int from, const char *path, mode_t mode, size_t max)
{
	uint8_t *p;
	ssize_t n;
	int r;

	p = malloc(max);
	if (p == NULL)
		return -1;
	n = sys_slurp(from, path, p, max);
	r = n == -1 ? 1 : copy_put(c, path, mode, -1, p, (uint64_t)n);
	if (n > 0)
		copy_step(c->t, (uint64_t)n);
	free(p);
	return r;
}

/* 1: it went while it was looked at. */
static int
put_list(struct copy_to *c, int from, const struct seal_account *account,
    const char *name)
{
	char path[PATH_SIZE];
	struct stat sb;

	(void)snprintf(path, sizeof(path), DEL_DIR "/%.40s", name);
	if (fstatat(from, path, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return 1;
	if (del_check(from, account, name) == -1) {
		if (!copy_exists(from, path))
			return 1;
		copy_failed(c->t, path, "does not verify; not copied");
		return 0;
	}
	return put_file(c, from, path, 0400, DEL_FILE_MAX);
}

int
copy_deletes(struct copy_to *c, int from, const struct seal_account *account)
{
	struct dirent *de;
	DIR *dir;
	int r;

	if (path_remove_tree(c->dir, DEL_DIR) == -1)
		return -1;
	dir = copy_opendir(from, DEL_DIR);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	r = copy_mkdir(c->dir, DEL_DIR, 0700);
	while (r == 0 && (de = readdir(dir)) != NULL) {
		if (is_list(de->d_name))
			r = put_list(c, from, account, de->d_name);
	}
	(void)closedir(dir);
	if (r == 0 && copy_exists(from, DEL_DIR "/confirmed"))
		r = put_file(
		    c, from, DEL_DIR "/confirmed", 0600, CONFIRMED_MAX);
	return r;
}
