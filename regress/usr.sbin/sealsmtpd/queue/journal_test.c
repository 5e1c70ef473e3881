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
 * The journal of a queue whose disk has damaged it: what can be read is read,
 * and that something is missing is known for as long as what is damaged is
 * there, also after a compaction.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../../usr.sbin/sealsmtpd/queue/journal.h"

#define FRAMES 5
#define RECORD 1000 /* octets, each the frame's number */

static unsigned int seen, odd;
static uint8_t refuse; /* the number of a frame that makes no sense */

static int
replay(struct reader *r)
{
	if (r->len - r->off != RECORD || r->data[r->off] == refuse)
		return -1;
	odd += r->data[r->off] != r->data[r->len - 1];
	r->off = r->len;
	seen++;
	return 0;
}

static void
write_frame(uint8_t number)
{
	uint8_t text[RECORD];
	struct buf b = {0};

	memset(text, number, sizeof(text));
	buf_raw(&b, text, sizeof(text));
	if (journal_write(&b, 1) == -1 || journal_sync() == -1)
		_exit(10);
	buf_free(&b);
}

/*
 * A process opens the journal, and compacts it if it is to: it must be in the
 * state, after so many frames.
 */
static void
opened(enum journal_state want, unsigned int frames, bool compact)
{
	static const uint8_t key[JOURNAL_KEY_LEN] = {1};
	enum journal_state state;
	int dir, status;
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		dir = open("queue", O_RDONLY | O_DIRECTORY);
		if (dir == -1 || journal_open(dir, key, replay, &state) == -1)
			_exit(11);
		if (state != want)
			_exit(12);
		if (seen != frames || odd > 0)
			_exit(20 + (int)seen);
		if (frames == 0)
			for (uint8_t i = 1; i <= FRAMES; i++)
				write_frame(i);
		if (compact) {
			if (journal_next() == -1)
				_exit(13);
			write_frame(100);
			if (journal_settle() == -1)
				_exit(14);
		}
		_exit(0);
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	ATF_CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %d", WEXITSTATUS(status));
}

static void
begin(void)
{
	ATF_REQUIRE_EQ(0, mkdir("queue", 0700));
	opened(JOURNAL_WHOLE, 0, false);
	opened(JOURNAL_WHOLE, FRAMES, false);
}

/* Compaction leaves what could not be read, and its mark. */
static void
compact_damaged(unsigned int frames)
{
	opened(JOURNAL_DAMAGED, frames, true);
	ATF_CHECK_EQ(0, access("queue/log/1.damaged", F_OK));
	ATF_CHECK_EQ(-1, access("queue/log/1", F_OK));
	refuse = 0;
	opened(JOURNAL_DAMAGED, 1, true);
	opened(JOURNAL_DAMAGED, 1, false);
	ATF_CHECK_EQ(0, access("queue/log/1.damaged", F_OK));
	ATF_REQUIRE_EQ(0, unlink("queue/log/1.damaged"));
	opened(JOURNAL_WHOLE, 1, false);
}

ATF_TC_WITHOUT_HEAD(damaged);
ATF_TC_BODY(damaged, tc)
{
	struct stat st;
	uint8_t c;
	int fd;

	begin();
	ATF_REQUIRE_EQ(0, stat("queue/log/1", &st));
	fd = open("queue/log/1", O_RDWR);
	ATF_REQUIRE(fd != -1);
	/* Amid the third of the five. */
	ATF_REQUIRE_EQ(1, pread(fd, &c, 1, st.st_size / 2));
	c ^= 0x40;
	ATF_REQUIRE_EQ(1, pwrite(fd, &c, 1, st.st_size / 2));
	ATF_REQUIRE_EQ(0, close(fd));
	opened(JOURNAL_DAMAGED, 2, false);
	compact_damaged(2);
}

/* A record that verifies and yet makes no sense. */
ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	begin();
	refuse = 3;
	compact_damaged(FRAMES - 1);
}

ATF_TC_WITHOUT_HEAD(compacted);
ATF_TC_BODY(compacted, tc)
{
	begin();
	opened(JOURNAL_WHOLE, FRAMES, true);
	ATF_CHECK_EQ(-1, access("queue/log/1", F_OK));
	opened(JOURNAL_WHOLE, 1, false);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, damaged);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, compacted);
	return atf_no_error();
}
