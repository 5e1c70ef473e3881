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

/* What copying.h promises. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "copying.h"
#include "seal_log.h"

void
copy_file(const char *from, const char *to, size_t len)
{
	char tmp[620], *p;
	struct stat sb;
	int fd;

	fd = open(from, O_RDONLY);
	ATF_REQUIRE_MSG(fd != -1, "%s", from);
	ATF_REQUIRE_EQ(0, fstat(fd, &sb));
	p = calloc(1, (size_t)sb.st_size + 1);
	ATF_REQUIRE(p != NULL);
	ATF_REQUIRE_EQ(sb.st_size, read(fd, p, (size_t)sb.st_size));
	close(fd);
	/* The frames that are left out are zeros, as where none are yet. */
	if (len < (size_t)sb.st_size)
		memset(p + len, 0, (size_t)sb.st_size - len);
	snprintf(tmp, sizeof(tmp), "%s.copy", to);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, sb.st_mode & 0777);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(sb.st_size, write(fd, p, (size_t)sb.st_size));
	close(fd);
	free(p);
	ATF_REQUIRE_EQ(0, rename(tmp, to));
}

void
copy_tree(const char *from, const char *to)
{
	char a[300], b[300];
	struct dirent *de;
	struct stat sb;
	DIR *dir;
	int n;

	ATF_REQUIRE_EQ(0, mkdir(to, 0700));
	dir = opendir(from);
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		n = snprintf(a, sizeof(a), "%s/%s", from, de->d_name);
		ATF_REQUIRE((size_t)n < sizeof(a));
		n = snprintf(b, sizeof(b), "%s/%s", to, de->d_name);
		ATF_REQUIRE((size_t)n < sizeof(b));
		ATF_REQUIRE_EQ(0, lstat(a, &sb));
		if (S_ISDIR(sb.st_mode))
			copy_tree(a, b);
		else
			copy_file(a, b, SIZE_MAX);
	}
	closedir(dir);
}

/* Octets of a segment up to the end of its k-th frame; *frames: how many. */
size_t
frames_end(const char *path, size_t k, size_t *frames)
{
	struct seal_frame f;
	struct stat sb;
	uint8_t *p;
	size_t off;
	int fd;

	*frames = 0;
	fd = open(path, O_RDONLY);
	if (fd == -1)
		return 0;
	ATF_REQUIRE_EQ(0, fstat(fd, &sb));
	p = malloc((size_t)sb.st_size + 1);
	ATF_REQUIRE(p != NULL);
	ATF_REQUIRE_EQ(sb.st_size, read(fd, p, (size_t)sb.st_size));
	close(fd);
	for (off = 64; *frames < k && off < (size_t)sb.st_size; off += f.len) {
		if (seal_frame_parse(p + off, (size_t)sb.st_size - off, &f) ==
			-1 ||
		    f.len > (size_t)sb.st_size - off)
			break;
		(*frames)++;
	}
	free(p);
	return off;
}

bool
segment_of(const char *path, unsigned int host)
{
	uint8_t p[40];
	int fd;
	bool is;

	fd = open(path, O_RDONLY);
	is = fd != -1 && read(fd, p, sizeof(p)) == sizeof(p) && p[32] == host;
	if (fd != -1)
		close(fd);
	return is;
}
