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
 * What an engine says of a message that it hands in, and what it hands in: one
 * that has been taken over may say anything.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define LOW 8, 1 /* KiB and passes */
#define USER "user@" DRIVER_DOMAIN
#define PASSWORD "a pass phrase"
#define DIRECTORY "base/accounts/" DRIVER_DOMAIN "/user"
#define QUOTA (3 * 1024 * 1024)

static int
session(struct driver *d)
{
	int s;

	driver_conn(d, 1, "192.0.2.1");
	ATF_REQUIRE_EQ(0, driver_login(d, USER, PASSWORD, SERVICE_IMAP, &s));
	return s;
}

static void
start(const atf_tc_t *tc, struct driver *d)
{
	int ctl;

	driver_start(d, atf_tc_get_config_var(tc, "srcdir"), "base", LOW, 1);
	ctl = driver_ctl(d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, PASSWORD, NULL, NULL));
	close(ctl);
}

static void
append(int s, uint64_t size)
{
	struct msgout *out;

	out = msg_new_fd(s, V_APPEND, 7);
	msg_put_u8(out, 0);
	msg_put_str(out, "INBOX");
	msg_put_u64(out, 0);
	msg_put_u16(out, 0);
	msg_put_i64(out, 1700000000);
	msg_put_u16(out, 0);
	msg_put_u64(out, size);
	msg_put_u8(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
}

/* The wire may have ended by then. */
static void
chunk(int s, uint32_t plain, size_t len)
{
	static uint8_t octets[CHUNK_PLAIN];
	struct msgout *out;

	out = msg_new_fd(s, V_CHUNK, 7);
	msg_put_u8(out, 0);
	msg_put_u8(out, plain != len);
	msg_put_u32(out, plain);
	msg_put_raw(out, octets, len);
	(void)msg_send_wait(out, DRIVER_WAIT_MS);
}

static void
end(int s, uint64_t size)
{
	struct msgout *out;

	out = msg_new_fd(s, V_APPEND_END, 7);
	msg_put_u64(out, size);
	msg_put_u8(out, 0);
	(void)msg_send_wait(out, DRIVER_WAIT_MS);
}

/* What it comes to. */
static uint8_t
done(int s)
{
	struct msg m;
	uint8_t result;

	for (;;) {
		ATF_REQUIRE_EQ(1, msg_recv_wait(s, &m, DRIVER_WAIT_MS));
		if (m.type == R_DONE)
			break;
		ATF_REQUIRE(m.type == R_APPENDED || m.type == R_SETTINGS);
		msg_done(&m);
	}
	result = msg_get_u8(&m);
	msg_done(&m);
	return result;
}

static void
is_over(int s)
{
	struct msg m;

	ATF_CHECK(msg_recv_wait(s, &m, DRIVER_WAIT_MS) < 1);
	close(s);
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	struct driver d;
	int s;

	start(tc, &d);
	s = session(&d);
	append(s, CHUNK_PLAIN + 5);
	chunk(s, CHUNK_PLAIN, CHUNK_PLAIN);
	chunk(s, 5, 5);
	end(s, CHUNK_PLAIN + 5);
	ATF_CHECK_EQ(DONE_OK, done(s));
	/* More than was announced. */
	append(s, CHUNK_PLAIN);
	chunk(s, CHUNK_PLAIN, CHUNK_PLAIN);
	chunk(s, 1, 1);
	is_over(s);
	/* Another size in the end, known at first or not. */
	s = session(&d);
	append(s, 10);
	chunk(s, 10, 10);
	end(s, 11);
	is_over(s);
	s = session(&d);
	append(s, 0);
	chunk(s, 10, 10);
	end(s, 9);
	is_over(s);
	/* Compressed, and larger than it was. */
	s = session(&d);
	append(s, 10);
	chunk(s, 1, 1000);
	is_over(s);
	/* Larger than any may be: not measured, but refused. */
	s = session(&d);
	append(s, UINT64_MAX);
	chunk(s, 10, 10);
	end(s, 10);
	ATF_CHECK_EQ(DONE_LIMIT, done(s));
	close(s);
	driver_stop(&d);
}

static uint64_t
octets_in(const char *dir)
{
	char path[300];
	struct dirent *de;
	struct stat sb;
	uint64_t n = 0;
	DIR *dp;

	dp = opendir(dir);
	ATF_REQUIRE(dp != NULL);
	while ((de = readdir(dp)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (stat(path, &sb) == 0 && S_ISREG(sb.st_mode))
			n += (uint64_t)sb.st_size;
	}
	closedir(dp);
	return n;
}

static void
limit(struct driver *d)
{
	struct msgout *out;
	struct msg m;
	int ctl;

	ctl = driver_ctl(d);
	out = msg_new_fd(ctl, CTL_MASTER_USER_LIMIT, 1);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_str(out, USER);
	msg_put_u8(out, CTL_LIMIT_QUOTA);
	msg_put_u64(out, QUOTA);
	msg_put_u64(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(ctl, &m, MASTER_CTL_END);
	ATF_REQUIRE_EQ(CTL_END_DONE, msg_get_u8(&m));
	msg_done(&m);
	close(ctl);
}

/* One whose size is not known ahead is measured as it comes. */
ATF_TC_WITHOUT_HEAD(endless);
ATF_TC_BODY(endless, tc)
{
	struct driver d;
	uint32_t n;
	int s;

	start(tc, &d);
	limit(&d);
	s = session(&d);
	append(s, 0);
	for (n = 0; n < 4 * QUOTA / CHUNK_PLAIN; n++)
		chunk(s, CHUNK_PLAIN, CHUNK_PLAIN);
	/* All of it has been read when what comes behind it is answered. */
	ATF_REQUIRE_EQ(
	    1, msg_send_wait(msg_new_fd(s, V_SETTINGS, 8), DRIVER_WAIT_MS));
	ATF_REQUIRE_EQ(DONE_OK, done(s));
	ATF_CHECK_MSG(octets_in(DIRECTORY "/blob") < QUOTA + 2 * 1024 * 1024,
	    "%llu octets", (unsigned long long)octets_in(DIRECTORY "/blob"));
	end(s, (uint64_t)n * CHUNK_PLAIN);
	ATF_CHECK_EQ(DONE_OVERQUOTA, done(s));
	/* Others' work of the vault may come before it is cleared away. */
	for (n = 0; n < 6000 && octets_in(DIRECTORY "/blob") > 0; n++)
		(void)poll(NULL, 0, 10);
	ATF_CHECK_EQ(0, octets_in(DIRECTORY "/blob"));
	close(s);
	driver_stop(&d);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, endless);
	return atf_no_error();
}
