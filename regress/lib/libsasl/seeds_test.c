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
 * The fuzzer's seeds, replayed.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <dirent.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

#include "../../fuzz/sasl_fuzz.c"

ATF_TC_WITHOUT_HEAD(seeds);
ATF_TC_BODY(seeds, tc)
{
	static unsigned char buf[65536];
	char path[1024], dir[768];
	struct dirent *de;
	FILE *f;
	DIR *d;
	size_t n;
	int seen;

	snprintf(dir, sizeof(dir), "%s/../../fuzz/sasl_seeds",
	    atf_tc_get_config_var(tc, "srcdir"));
	d = opendir(dir);
	ATF_REQUIRE(d != NULL);
	seen = 0;
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		f = fopen(path, "r");
		ATF_REQUIRE(f != NULL);
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		LLVMFuzzerTestOneInput(buf, n);
		for (size_t i = 0; i < n; i++)
			LLVMFuzzerTestOneInput(buf, i);
		seen++;
	}
	closedir(d);
	ATF_CHECK(seen >= 10);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, seeds);
	return atf_no_error();
}
