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

/* Memory for keys: its size, its walls, and that it can be shut. */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_keys.h"

static const size_t sizes[] = {
    1, 16, 31, 32, 100, 4000, 4064, 4065, 4096, 5000, 70000};
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Does a write there end a process? */
static bool
is_fatal(volatile uint8_t *at)
{
	const struct rlimit none = {0, 0};
	pid_t pid;
	int status;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		*at = 1;
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void
check_size(size_t size)
{
	uintptr_t page, end;
	uint8_t *p;
	size_t i;

	p = secret_alloc(size);
	ATF_REQUIRE(p != NULL);
	ATF_CHECK_EQ(0, (uintptr_t)p % 16);
	for (i = 0; i < size; i++)
		ATF_REQUIRE_EQ(0, p[i]);
	memset(p, 0x5a, size);
	ATF_CHECK(!is_fatal(p));
	ATF_CHECK(!is_fatal(p + size - 1));
	page = (uintptr_t)getpagesize();
	end = ((uintptr_t)p + size + page - 1) / page * page;
	ATF_CHECK(is_fatal(p + (end - (uintptr_t)p)));
	secret_readonly(p);
	ATF_CHECK(is_fatal(p));
	ATF_CHECK(is_fatal(p + size - 1));
	for (i = 0; i < size; i++)
		ATF_REQUIRE_EQ(0x5a, p[i]);
	secret_readwrite(p);
	memset(p, 0xa5, size);
	ATF_CHECK_EQ(0xa5, p[size - 1]);
	secret_readonly(p);
	secret_free(p);
}

ATF_TC_WITHOUT_HEAD(walls);
ATF_TC_BODY(walls, tc)
{
	for (size_t i = 0; i < NSIZES; i++)
		check_size(sizes[i]);
	secret_free(NULL);
	ATF_CHECK(secret_alloc(SIZE_MAX - 10) == NULL);
}

ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	uint8_t *p[100];
	size_t i;

	for (i = 0; i < 100; i++) {
		p[i] = secret_alloc(sizes[i % NSIZES]);
		ATF_REQUIRE(p[i] != NULL);
		memset(p[i], (int)i, sizes[i % NSIZES]);
	}
	for (i = 0; i < 100; i++) {
		ATF_CHECK_EQ(i, p[i][0]);
		ATF_CHECK_EQ(i, p[i][sizes[i % NSIZES] - 1]);
		secret_free(p[i]);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, walls);
	ATF_TP_ADD_TC(tp, many);
	return atf_no_error();
}
