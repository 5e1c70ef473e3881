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
 * Replays the seeds of the fuzzer, and each of them cut and changed.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fuzz/imap_fuzz.c"

#define SEED_MAX 8192

static void
replay(uint8_t *seed, size_t len)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < 256; i += 3) {
		c = seed[0];
		seed[0] = (uint8_t)i;
		(void)LLVMFuzzerTestOneInput(seed, len);
		seed[0] = c;
	}
	for (i = 0; i <= len; i++)
		(void)LLVMFuzzerTestOneInput(seed, i);
	for (i = 1; i < len; i++) {
		c = seed[i];
		seed[i] = (uint8_t) "\r\n\"{}()\\ *\0\xff"[i % 12];
		(void)LLVMFuzzerTestOneInput(seed, len);
		seed[i] = c;
	}
}

ATF_TC_WITHOUT_HEAD(seeds);
ATF_TC_BODY(seeds, tc)
{
	char path[1024];
	uint8_t seed[SEED_MAX];
	struct dirent *de;
	ssize_t len;
	DIR *dir;
	int fd, n;

	(void)snprintf(path, sizeof(path), "%s/../../fuzz/imap_seeds",
	    atf_tc_get_config_var(tc, "srcdir"));
	dir = opendir(path);
	ATF_REQUIRE(dir != NULL);
	for (n = 0; (de = readdir(dir)) != NULL;) {
		if (de->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), de->d_name, O_RDONLY);
		ATF_REQUIRE(fd != -1);
		len = read(fd, seed, sizeof(seed));
		ATF_REQUIRE(len > 0);
		(void)close(fd);
		replay(seed, (size_t)len);
		n++;
	}
	(void)closedir(dir);
	ATF_CHECK(n >= 10);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, seeds);
	return atf_no_error();
}
