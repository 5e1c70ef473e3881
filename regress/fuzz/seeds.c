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

#include <sys/types.h>

#include <dirent.h>
#include <stdio.h>

#include <atf-c.h>

#include "seeds.h"

#define SEEDS_MIN 10

void
seeds_run(const char *srcdir, const char *folder,
    int (*target)(const unsigned char *, size_t))
{
	static unsigned char buf[65536];
	char path[1024], dir[768];
	struct dirent *de;
	FILE *f;
	DIR *d;
	size_t n;
	int seen = 0;

	snprintf(dir, sizeof(dir), "%s/../../fuzz/%s", srcdir, folder);
	d = opendir(dir);
	ATF_REQUIRE(d != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		f = fopen(path, "r");
		ATF_REQUIRE(f != NULL);
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		(void)target(buf, n);
		for (size_t i = 0; i < n; i++)
			(void)target(buf, i);
		seen++;
	}
	closedir(d);
	ATF_CHECK(seen >= SEEDS_MIN);
}
