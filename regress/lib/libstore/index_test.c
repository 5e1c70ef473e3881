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
 * Files of the search index: what was put in comes out, and what is not whole
 * is thrown away.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "faults.h"
#include "store_index.h"

#define TEXT 7

static uint8_t page[STORE_INDEX_PAGE];

/* The octets of page i of segment n. */
static size_t
page_fill(unsigned int n, unsigned int i)
{
	size_t len = (n * 7919 + i * 104729) % sizeof(page) + 1;

	memset(page, (int)(n + i), len);
	return len;
}

static struct store_index *
index_of(struct account *a, uint32_t text)
{
	struct store_index *x;

	OK(store_index_open(a->st, text, &x));
	return x;
}

static enum store_result
make(struct store_index *x, unsigned int n, unsigned int pages)
{
	enum store_result result;
	uint32_t uids[3] = {n, n + 20, n + 10};
	size_t len;

	result = store_index_begin(x, STORE_INBOX);
	for (unsigned int i = 0; i < pages && result == STORE_OK; i++) {
		len = page_fill(n, i);
		result = store_index_page(x, page, len);
	}
	if (result == STORE_OK)
		result = store_index_end(x, uids, 3, &n, sizeof(n));
	return result;
}

static size_t
count(struct store_index *x)
{
	size_t n;

	(void)store_index_segments(x, &n);
	return n;
}

/* Each segment is as make() made it; false: a page does not open. */
static bool
whole(struct store_index *x, unsigned int pages)
{
	struct store_index_view v;
	uint8_t got[STORE_INDEX_PAGE];
	unsigned int n;
	size_t len;
	bool good = true;

	for (size_t i = 0; i < count(x); i++) {
		OK(store_index_view(x, i, &v));
		ATF_REQUIRE_EQ(v.n, 3);
		ATF_REQUIRE_EQ(v.pages, pages);
		ATF_REQUIRE_EQ(v.hint_len, sizeof(n));
		memcpy(&n, v.hint, sizeof(n));
		ATF_CHECK(v.uids[0] == n && v.uids[1] == n + 20);
		ATF_CHECK_EQ(store_index_segments(x, &len)[i].first, n);
		ATF_CHECK_EQ(store_index_segments(x, &len)[i].last, n + 20);
		for (unsigned int p = 0; p < pages; p++) {
			if (store_index_get(&v, p, got, &len) != STORE_OK) {
				good = false;
				continue;
			}
			ATF_CHECK_EQ(len, page_fill(n, p));
			ATF_CHECK_EQ(memcmp(got, page, len), 0);
		}
		ATF_CHECK_EQ(
		    store_index_get(&v, pages, got, &len), STORE_UNKNOWN);
		store_index_done(&v);
	}
	return good;
}

ATF_TC_WITHOUT_HEAD(kept);
ATF_TC_BODY(kept, tc)
{
	struct store_index *x;
	struct account a;

	account_make(&a);
	account_open(&a);
	x = index_of(&a, TEXT);
	ATF_CHECK_EQ(count(x), 0);
	for (unsigned int n = 1; n < 5; n++)
		OK(make(x, n, 9));
	ATF_CHECK(whole(x, 9));
	store_index_close(x);
	x = index_of(&a, TEXT);
	ATF_CHECK_EQ(count(x), 4);
	ATF_CHECK(whole(x, 9));
	OK(store_index_remove(x, 1));
	ATF_CHECK_EQ(count_files(&a, "idx"), 3);
	OK(store_index_begin(x, STORE_INBOX));
	ATF_CHECK_EQ(count_files(&a, "idx"), 4);
	store_index_abort(x);
	ATF_CHECK_EQ(count_files(&a, "idx"), 3);
	store_index_close(x);
	x = index_of(&a, TEXT + 1);
	ATF_CHECK_EQ(count(x), 0);
	ATF_CHECK_EQ(count_files(&a, "idx"), 0);
	store_index_close(x);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static uint32_t uids[STORE_INDEX_DOCS + 1];
	static uint8_t hint[STORE_INDEX_HINT + 1];
	struct store_index *x;
	struct account a;

	account_make(&a);
	account_open(&a);
	x = index_of(&a, TEXT);
	ATF_CHECK_EQ(store_index_page(x, page, 1), STORE_UNKNOWN);
	OK(store_index_begin(x, STORE_INBOX));
	ATF_CHECK_EQ(
	    store_index_page(x, page, STORE_INDEX_PAGE + 1), STORE_LIMIT);
	OK(store_index_begin(x, STORE_INBOX));
	ATF_CHECK_EQ(store_index_end(x, uids, STORE_INDEX_DOCS + 1, hint, 0),
	    STORE_LIMIT);
	OK(store_index_begin(x, STORE_INBOX));
	ATF_CHECK_EQ(
	    store_index_end(x, uids, 1, hint, sizeof(hint)), STORE_LIMIT);
	OK(store_index_begin(x, STORE_INBOX));
	for (unsigned int i = 0; i < STORE_INDEX_PAGES; i++)
		OK(store_index_page(x, page, 1));
	OK(store_index_end(x, uids, STORE_INDEX_DOCS, hint, STORE_INDEX_HINT));
	store_index_close(x);
	x = index_of(&a, TEXT);
	ATF_CHECK_EQ(count(x), 1);
	store_index_close(x);
	account_end(&a);
}

/* The only file there. */
static int
the_file(const struct account *a, char *name, size_t size)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	fd = openat(a->dir, "idx", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE((dir = fdopendir(fd)) != NULL);
	while ((de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.')
			(void)snprintf(name, size, "idx/%.200s", de->d_name);
	closedir(dir);
	fd = openat(a->dir, name, O_RDWR);
	ATF_REQUIRE(fd != -1);
	return fd;
}

/* An octet changed or cut off anywhere is seen, and nothing else breaks. */
ATF_TC_WITHOUT_HEAD(damaged);
ATF_TC_BODY(damaged, tc)
{
	struct store_index *x;
	struct account a;
	struct stat sb;
	char name[256];
	uint8_t octet;
	bool good;
	int fd;

	account_make(&a);
	account_open(&a);
	for (int i = 0; i < 200; i++) {
		x = index_of(&a, TEXT);
		while (count(x) > 0)
			OK(store_index_remove(x, 0));
		OK(make(x, 3, 2));
		store_index_close(x);
		fd = the_file(&a, name, sizeof(name));
		ATF_REQUIRE_EQ(fstat(fd, &sb), 0);
		if (i % 2 == 0)
			ATF_REQUIRE_EQ(ftruncate(fd, sb.st_size * i / 200), 0);
		else {
			ATF_REQUIRE_EQ(
			    pread(fd, &octet, 1, sb.st_size * i / 200), 1);
			octet ^= 1;
			ATF_REQUIRE_EQ(
			    pwrite(fd, &octet, 1, sb.st_size * i / 200), 1);
		}
		close(fd);
		x = index_of(&a, TEXT);
		good = whole(x, 2);
		ATF_CHECK_MSG(count(x) == 0 || !good, "unnoticed: %d", i);
		if (count(x) == 0)
			ATF_CHECK_EQ(count_files(&a, "idx"), 0);
		store_index_close(x);
	}
	account_end(&a);
}

/* What a removed mailbox leaves goes. */
ATF_TC_WITHOUT_HEAD(orphans);
ATF_TC_BODY(orphans, tc)
{
	struct store_index *x;
	struct account a;
	uint32_t uid = 1;
	uint64_t box;

	account_make(&a);
	account_open(&a);
	OK(store_mkbox(a.st, "box", 0, &box));
	OK(store_commit(a.st));
	x = index_of(&a, TEXT);
	for (int i = 0; i < 2; i++) {
		OK(store_index_begin(x, box));
		OK(store_index_end(x, &uid, 1, "", 0));
	}
	OK(make(x, 1, 1));
	OK(store_rmbox(a.st, box));
	OK(store_commit(a.st));
	store_index_tidy(x);
	ATF_CHECK_EQ(count(x), 1);
	ATF_CHECK_EQ(count_files(&a, "idx"), 1);
	store_index_close(x);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, kept);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, damaged);
	ATF_TP_ADD_TC(tp, orphans);
	return atf_no_error();
}
