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
 * A message that comes in the place of another: both changes, or neither.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"

#define SIZE 3000

static enum store_result
replace(struct account *a, uint32_t old, unsigned int n, uint32_t *uid)
{
	const struct store_replaced replaced = {STORE_INBOX, old};
	struct store_place place = {0};
	struct store_blob *blob;

	OK(store_replace_create(a->st, 0, SIZE, SIZE, &blob));
	OK(send_body(blob, n, SIZE));
	place.box = STORE_INBOX;
	place.date = 1700000000 + n;
	place.zone = -330;
	place.size = SIZE;
	return store_replace(a->st, blob, &place, &replaced, uid);
}

static bool
there(struct account *a, uint32_t uid)
{
	return store_msg_find(a->st, STORE_INBOX, uid, NULL) != NULL;
}

/* Flips the last octet that is not zero of the last file of the log. */
static void
tear_last_frame(struct account *a)
{
	static uint8_t buf[1 << 22];
	char last[256] = "";
	struct dirent *de;
	ssize_t n;
	DIR *dir;
	int fd;

	fd = openat(a->dir, "log", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && (dir = fdopendir(fd)) != NULL);
	while ((de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.' && strcmp(de->d_name, last) > 0)
			(void)strlcpy(last, de->d_name, sizeof(last));
	fd = openat(dirfd(dir), last, O_RDWR);
	ATF_REQUIRE(fd != -1);
	n = read(fd, buf, sizeof(buf));
	while (n > 0 && buf[n - 1] == 0)
		n--;
	ATF_REQUIRE(n > 0);
	buf[n - 1] ^= 0x55;
	ATF_REQUIRE_EQ(1, pwrite(fd, buf + n - 1, 1, n - 1));
	close(fd);
	closedir(dir);
}

ATF_TC_WITHOUT_HEAD(both);
ATF_TC_BODY(both, tc)
{
	struct account a;
	uint32_t uid[3], fresh, none;

	account_make(&a);
	account_open(&a);
	for (unsigned int i = 0; i < 3; i++)
		OK(append(&a, STORE_INBOX, i, SIZE, &uid[i]));
	OK(store_commit(a.st));
	OK(replace(&a, uid[1], 9, &fresh));
	ATF_CHECK(!there(&a, uid[1]));
	OK(store_commit(a.st));
	account_crash(&a);
	ATF_CHECK(there(&a, uid[0]) && !there(&a, uid[1]) && there(&a, uid[2]));
	ATF_CHECK(fresh > uid[2]);
	check_message(&a, STORE_INBOX, fresh, 9, SIZE);
	/* What is gone already is not replaced: nothing comes. */
	ATF_CHECK_EQ(STORE_UNKNOWN, replace(&a, uid[1], 10, &none));
	ATF_CHECK_EQ(0, none);
	OK(store_commit(a.st));
	account_reopen(&a);
	check_message(&a, STORE_INBOX, fresh, 9, SIZE);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(neither);
ATF_TC_BODY(neither, tc)
{
	struct account a;
	uint32_t old, fresh;

	account_make(&a);
	account_open(&a);
	OK(append(&a, STORE_INBOX, 1, SIZE, &old));
	OK(store_commit(a.st));
	/* Not written. */
	OK(replace(&a, old, 2, &fresh));
	account_crash(&a);
	ATF_CHECK(!there(&a, fresh));
	check_message(&a, STORE_INBOX, old, 1, SIZE);
	/* Written, and its one frame torn. */
	OK(replace(&a, old, 3, &fresh));
	OK(store_commit(a.st));
	store_abandon(a.st);
	tear_last_frame(&a);
	account_open(&a);
	ATF_CHECK(!there(&a, fresh));
	check_message(&a, STORE_INBOX, old, 1, SIZE);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, both);
	ATF_TP_ADD_TC(tp, neither);
	return atf_no_error();
}
