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
 * What appended messages are sealed with: the same for a moment, another one
 * once that is forgotten, and always to the newest key.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "seal_keys.h"
#include "store_blob.h"
#include "store_message.h"

#define NOW 1800000000
#define SIZE 3000

/* The parts of a trailer that tell; sealstore(5). */
struct sealed {
	uint8_t keyid[SEAL_KEYID_LEN];
	uint8_t ephemeral[SEAL_KEY_LEN];
};

static uint32_t
appended(struct account *a)
{
	uint32_t uid;

	OK(append(a, STORE_INBOX, 1, SIZE, &uid));
	return uid;
}

/* How the message is sealed. */
static struct sealed
sealed_with(struct account *a, uint32_t uid)
{
	uint8_t trailer[SEAL_TRAILER_LEN];
	char id[2 * SEAL_ID_LEN + 1], name[64];
	struct seal_trailer t;
	struct store_cold c;
	struct sealed s;
	off_t end;
	int fd;

	OK(store_cold_get(a->st, STORE_INBOX, uid, &c));
	seal_hex(c.blob, sizeof(c.blob), id);
	(void)snprintf(name, sizeof(name), "blob/%s", id);
	fd = openat(a->dir, name, O_RDONLY);
	ATF_REQUIRE(fd != -1);
	end = lseek(fd, 0, SEEK_END);
	ATF_REQUIRE_EQ((ssize_t)sizeof(trailer),
	    pread(fd, trailer, sizeof(trailer), end - (off_t)sizeof(trailer)));
	close(fd);
	ATF_REQUIRE_EQ(0, seal_trailer_parse(trailer, &t));
	ATF_CHECK(!t.alone);
	memcpy(s.keyid, t.keyid, sizeof(s.keyid));
	memcpy(s.ephemeral, t.stanza, sizeof(s.ephemeral));
	check_message(a, STORE_INBOX, uid, 1, SIZE);
	return s;
}

static bool
same_key(const struct sealed *a, const struct sealed *b)
{
	return memcmp(a->ephemeral, b->ephemeral, sizeof(a->ephemeral)) == 0;
}

ATF_TC_WITHOUT_HEAD(forgotten);
ATF_TC_BODY(forgotten, tc)
{
	struct sealed first, second, third;
	uint32_t one, two, three;
	struct account a;
	int tries = 0;

	account_make(&a);
	account_open(&a);
	/* A second may be over between the two, but not each time. */
	do {
		one = appended(&a);
		two = appended(&a);
		store_forget(a.st);
		three = appended(&a);
		OK(store_commit(a.st));
		first = sealed_with(&a, one);
		second = sealed_with(&a, two);
		third = sealed_with(&a, three);
		ATF_REQUIRE(!same_key(&first, &third));
		ATF_REQUIRE(!same_key(&second, &third));
	} while (!same_key(&first, &second) && ++tries < 100);
	ATF_CHECK(same_key(&first, &second));
	account_close(&a);
	account_end(&a);
}

/* A vault that has sealed to one key seals to the next once there is one. */
ATF_TC_WITHOUT_HEAD(rotated);
ATF_TC_BODY(rotated, tc)
{
	struct sealed before, after;
	struct seal_delivery d;
	uint32_t one, two;
	struct account a;

	account_make(&a);
	account_open(&a);
	one = appended(&a);
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&a.ring, &d, NOW));
	store_set_ring(a.st, a.ring);
	two = appended(&a);
	OK(store_commit(a.st));
	before = sealed_with(&a, one);
	after = sealed_with(&a, two);
	ATF_CHECK(memcmp(before.keyid, d.keyid, sizeof(d.keyid)) != 0);
	ATF_CHECK_EQ(0, memcmp(after.keyid, d.keyid, sizeof(d.keyid)));
	ATF_CHECK(!same_key(&before, &after));
	account_close(&a);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, forgotten);
	ATF_TP_ADD_TC(tp, rotated);
	return atf_no_error();
}
