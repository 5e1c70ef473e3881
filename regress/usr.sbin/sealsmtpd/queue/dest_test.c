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
 * Destinations that no mail waits for: what is known of them is kept, within
 * bounds, and what is of no more use is not.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "../../../../usr.sbin/sealsmtpd/queue/main.h"
#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"

static struct message *
wait_for(const char *dest)
{
	static uint8_t id[QUEUE_ID_LEN];
	struct message *m;

	id[0]++;
	m = message_new(id, 1);
	ATF_REQUIRE(message_add(m, "a@b", dest, "", 0));
	message_insert(m);
	message_start(m);
	return m;
}

static void
remember(const char *name)
{
	struct dest *d;

	d = dest_get(name);
	ATF_REQUIRE(d != NULL);
	dest_remember(d, (const uint8_t *)"known", 5);
}

ATF_TC_WITHOUT_HEAD(known);
ATF_TC_BODY(known, tc)
{
	struct message *m;
	char name[64];

	remember("first.test");
	m = wait_for("first.test");
	remember("second.test");
	for (unsigned int i = 0; i < DESTS_IDLE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%u.test", i);
		remember(name);
	}
	/* The oldest goes, but not one that mail waits for. */
	ATF_CHECK(dest_find("second.test") == NULL);
	ATF_CHECK(dest_find("d0.test") != NULL);
	ATF_REQUIRE(dest_find("first.test") != NULL);
	ATF_CHECK_EQ(DESTS_IDLE_MAX + 1, dest_count());
	message_free(m);
	/* Used last: it stays, and another goes for it. */
	ATF_REQUIRE(dest_find("first.test") != NULL);
	ATF_CHECK_EQ(5, dest_find("first.test")->memory_len);
	ATF_CHECK(dest_find("d0.test") == NULL);
	ATF_CHECK_EQ(DESTS_IDLE_MAX, dest_count());
}

ATF_TC_WITHOUT_HEAD(failing);
ATF_TC_BODY(failing, tc)
{
	struct message *m;
	char name[64];

	for (unsigned int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "d%u.test", i);
		m = wait_for(name);
		dest_unreachable(dest_find(name), queue_now(), 600);
		message_free(m);
	}
	/* They are not tried sooner because nobody waits for a moment. */
	ATF_CHECK_EQ(100, dest_count());
	ATF_CHECK_EQ(1, dest_find("d7.test")->failures);
	/* Later they go with others that come. */
	for (unsigned int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "d%u.test", i);
		dest_find(name)->next = queue_now() - 1;
	}
	for (unsigned int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "e%u.test", i);
		remember(name);
	}
	ATF_CHECK_EQ(50, dest_count());
	ATF_CHECK(dest_find("d7.test") == NULL);
	/* One that is held is somebody's word. */
	dest_hold(dest_get("held.test"), true);
	dest_prune(dest_find("held.test"));
	ATF_REQUIRE(dest_find("held.test") != NULL);
	dest_hold(dest_get("held.test"), false);
	dest_prune(dest_find("held.test"));
	ATF_CHECK(dest_find("held.test") == NULL);
}

/* As many as there may be: mail for others is taken all the same. */
ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	struct message *m;
	struct dest *d;
	char name[64];

	for (unsigned int i = 0; i < DESTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%u.test", i);
		d = dest_get(name);
		ATF_REQUIRE(d != NULL);
		d->failures = 1;
		d->next = queue_now() + 1000;
		dest_prune(d);
	}
	ATF_CHECK_EQ(DESTS_MAX, dest_count());
	m = wait_for("another.test");
	ATF_CHECK(dest_count() <= DESTS_MAX);
	ATF_CHECK(dest_find("d0.test") == NULL);
	ATF_CHECK(dest_find("another.test") != NULL);
	message_free(m);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, known);
	ATF_TP_ADD_TC(tp, failing);
	ATF_TP_ADD_TC(tp, full);
	return atf_no_error();
}
