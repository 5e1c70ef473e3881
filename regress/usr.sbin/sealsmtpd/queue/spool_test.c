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
 * Files of messages: what is written is read, whoever writes between, into a
 * new file or into one of a message that has left.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/spool.h"

#define SMALL 3000
#define LARGE (300 * 1024) /* more than a spare file may have */

static const uint8_t key[SPOOL_KEY_LEN] = "key";

struct file {
	uint8_t id[QUEUE_ID_LEN];
	struct spool_sizes sizes;
	struct spool_out *out;
	size_t len;
	char c; /* all of it */
};

static void
begin(void)
{
	int fd;

	ATF_REQUIRE_EQ(0, seal_init());
	fd = open(".", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	spool_init(fd, key);
}

static void
file_begin(struct file *f, char c)
{
	memset(f, 0, sizeof(*f));
	f->c = c;
	f->out = spool_create(f->id);
	ATF_REQUIRE(f->out != NULL);
}

static void
file_add(struct file *f, uint8_t kind, size_t len)
{
	static uint8_t data[QUEUE_CHUNK_MAX];
	struct spool_chunk chunk = {.kind = kind, .data = data};

	memset(data, f->c, sizeof(data));
	f->len += len;
	for (; len > 0; len -= chunk.len) {
		chunk.len = len < sizeof(data) ? len : sizeof(data);
		chunk.plain = (uint32_t)chunk.len;
		ATF_REQUIRE_EQ(0, spool_put(f->out, &chunk));
	}
}

static void
file_end(struct file *f)
{
	ATF_REQUIRE_EQ(0, spool_end(f->out, &f->sizes));
	spool_keep(f->out);
	spool_free(f->out);
}

static void
file_make(struct file *f, char c, size_t len)
{
	file_begin(f, c);
	file_add(f, 1, len);
	file_add(f, 0, 10);
	file_end(f);
}

static struct stat
file_stat(const struct file *f)
{
	char name[4 + 2 * QUEUE_ID_LEN + 1] = "msg/";
	struct stat st = {0};

	seal_hex(f->id, sizeof(f->id), name + 4);
	if (stat(name, &st) == -1)
		ATF_REQUIRE_EQ(ENOENT, errno);
	return st;
}

static bool
is_there(const struct file *f)
{
	return file_stat(f).st_ino != 0;
}

/* What is left of it to read. */
static void
read_rest(struct spool_in *in, const struct file *f, size_t have)
{
	struct spool_chunk chunk = {0};
	int r;

	while ((r = spool_get(in, &chunk)) == 1) {
		for (size_t i = 0; i < chunk.len; i++)
			ATF_REQUIRE_EQ(f->c, (char)chunk.data[i]);
		have += chunk.len;
	}
	ATF_CHECK_EQ(0, r);
	ATF_CHECK_EQ(f->len, have);
	spool_close(in);
}

static void
file_check(const struct file *f)
{
	struct spool_in *in;

	in = spool_open(f->id, &f->sizes);
	ATF_REQUIRE(in != NULL);
	read_rest(in, f, 0);
	ATF_CHECK_EQ((off_t)f->sizes.file, file_stat(f).st_size);
}

ATF_TC_WITHOUT_HEAD(written);
ATF_TC_BODY(written, tc)
{
	static const size_t sizes[] = {
	    1, SMALL, 32768, 65535, 65536, 65537, LARGE};
	struct file f;

	(void)tc;
	begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		file_make(&f, 'a', sizes[i]);
		file_check(&f);
	}
}

/* Their records lie in one buffer until it is another's turn. */
ATF_TC_WITHOUT_HEAD(in_turns);
ATF_TC_BODY(in_turns, tc)
{
	struct file f[3], given_up;

	(void)tc;
	begin();
	file_begin(&given_up, 'x');
	for (int i = 0; i < 3; i++)
		file_begin(&f[i], (char)('a' + i));
	for (int n = 0; n < 4; n++)
		for (int i = 0; i < 3; i++)
			file_add(&f[i], 1, QUEUE_CHUNK_MAX);
	file_add(&given_up, 1, SMALL);
	spool_free(given_up.out);
	ATF_CHECK(!is_there(&given_up));
	for (int i = 0; i < 3; i++)
		file_add(&f[i], 0, (size_t)i + 1);
	for (int i = 0; i < 3; i++)
		file_end(&f[i]);
	for (int i = 0; i < 3; i++)
		file_check(&f[i]);
}

ATF_TC_WITHOUT_HEAD(spare);
ATF_TC_BODY(spare, tc)
{
	static const size_t sizes[] = {SMALL, 10, LARGE / 2, SMALL};
	struct file old, f;
	ino_t inode;

	(void)tc;
	begin();
	file_make(&old, 'a', SMALL);
	inode = file_stat(&old).st_ino;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ATF_REQUIRE(spool_spare(old.id));
		ATF_CHECK(is_there(&old));
		file_make(&f, (char)('b' + i), sizes[i]);
		ATF_CHECK_EQ(inode, file_stat(&f).st_ino);
		ATF_CHECK(!is_there(&old));
		file_check(&f);
		old = f;
	}
	/* One that is given up takes its file along. */
	ATF_REQUIRE(spool_spare(old.id));
	file_begin(&f, 'z');
	ATF_CHECK_EQ(inode, file_stat(&f).st_ino);
	spool_free(f.out);
	ATF_CHECK(!is_there(&f) && !is_there(&old));
	ATF_CHECK(!spool_spare_unlink());
}

/* A spare file of much room, or none, is no spare file. */
ATF_TC_WITHOUT_HEAD(no_spare);
ATF_TC_BODY(no_spare, tc)
{
	struct file large, lost, f;
	size_t n;

	(void)tc;
	begin();
	file_make(&large, 'a', LARGE);
	ATF_REQUIRE(spool_spare(large.id));
	file_make(&f, 'b', SMALL);
	file_check(&f);
	ATF_CHECK(!is_there(&large));
	file_make(&lost, 'c', SMALL);
	ATF_REQUIRE_EQ(0, spool_unlink(lost.id));
	ATF_REQUIRE(spool_spare(lost.id));
	file_make(&f, 'd', SMALL);
	file_check(&f);
	for (n = 0; spool_spare(f.id); n++)
		ATF_REQUIRE(n < 10000);
	for (; n > 0; n--)
		ATF_CHECK(spool_spare_unlink());
	ATF_CHECK(!spool_spare_unlink());
	ATF_CHECK(!is_there(&f));
}

/* Somebody reads yet what an administrator has removed. */
ATF_TC_WITHOUT_HEAD(read_yet);
ATF_TC_BODY(read_yet, tc)
{
	struct spool_chunk chunk = {0};
	struct file old, f;
	struct spool_in *in;
	ino_t inode;

	(void)tc;
	begin();
	file_make(&old, 'a', 2 * QUEUE_CHUNK_MAX);
	inode = file_stat(&old).st_ino;
	in = spool_open(old.id, &old.sizes);
	ATF_REQUIRE(in != NULL);
	ATF_REQUIRE_EQ(1, spool_get(in, &chunk));
	ATF_REQUIRE(spool_spare(old.id));
	file_make(&f, 'b', SMALL);
	ATF_CHECK(file_stat(&f).st_ino != inode);
	read_rest(in, &old, chunk.len);
	file_make(&f, 'c', SMALL);
	ATF_CHECK_EQ(inode, file_stat(&f).st_ino);
	file_check(&f);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, written);
	ATF_TP_ADD_TC(tp, in_turns);
	ATF_TP_ADD_TC(tp, spare);
	ATF_TP_ADD_TC(tp, no_spare);
	ATF_TP_ADD_TC(tp, read_yet);
	return atf_no_error();
}
