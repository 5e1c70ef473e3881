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
 * A rekey on host 0 that host 1 does not know of, while it takes mail: sealed
 * to its delivery key of before, some in its log, some waiting.  Whichever
 * host's files arrive first, both show all of it afterwards.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "seal_keys.h"
#include "seal_read.h"
#include "store_blob.h"

#define PASSWORD "secret"
#define DIR_OF "accounts/example.org/anna"
#define SIZE 3000
#define NOW 1800000000

static struct account hosts[2];

static void
shell(const char *command)
{
	ATF_REQUIRE_EQ_MSG(0, system(command), "%s", command);
}

/* What host `from` has written reaches the other, as replication does it. */
static void
send_files(int from)
{
	char command[1024];

	(void)snprintf(command, sizeof(command),
	    "a=h%d/" DIR_OF " b=h%d/" DIR_OF "; rm -f $b/keys/*.%d.* && "
	    "{ ! ls $a/keys/*.%d.* >list 2>&1 || "
	    "cp -p $(cat list) $b/keys/; } && "
	    "for d in in blob; do for f in $a/$d/*; do n=${f##*/}; "
	    "[ ! -f $f ] || [ -f $b/in/$n ] || [ -f $b/blob/$n ] || "
	    "cp -p $f $b/$d/; done; done; "
	    "for f in $(cat h%d/mine); do cp -p $a/log/$f.* $b/log/; done",
	    from, 1 - from, from, from, from);
	shell(command);
}

static uint32_t
main_slot(const struct seal_slots *s)
{
	struct seal_slot_info info;

	for (size_t i = 0; seal_slots_info(s, i, &info); i++) {
		if (info.kind == SEAL_SLOT_MAIN)
			return info.id;
	}
	atf_tc_fail("no main slot");
}

/* A vault's beginning: by the password, with what it makes good. */
static void
login(int host)
{
	struct account *a = &hosts[host];
	struct seal_slot_info info;
	struct seal_account id;
	struct seal_delivery d;
	struct seal_slots *s;
	uint8_t amk[SEAL_KEY_LEN];

	ATF_REQUIRE_EQ(0, seal_account_load(a->dir, &id));
	ATF_REQUIRE((s = seal_slots_load(a->dir, &id)) != NULL);
	ATF_REQUIRE_EQ(0,
	    seal_slots_try(
		s, &id, PASSWORD, strlen(PASSWORD), &seal_kdf_low, amk, &info));
	seal_slots_free(s);
	seal_ring_free(a->ring);
	a->ring = seal_ring_load(a->dir, &id, amk);
	ATF_REQUIRE(a->ring != NULL);
	if (seal_ring_behind(a->ring, (unsigned)host))
		ATF_REQUIRE_EQ(
		    0, seal_ring_save(a->dir, a->ring, (unsigned)host));
	if (seal_ring_exposed(a->ring)) {
		ATF_REQUIRE_EQ(0, seal_ring_rotate(&a->ring, &d, NOW));
		ATF_REQUIRE_EQ(
		    0, seal_ring_save(a->dir, a->ring, (unsigned)host));
		ATF_REQUIRE_EQ(
		    0, seal_delivery_save(a->dir, a->ring, (unsigned)host, &d));
	}
	ATF_REQUIRE_EQ(0, seal_keys_tidy(a->dir, a->ring, (unsigned)host));
	OK(store_open_host(a->base, a->dir, a->ring, (unsigned)host, &a->st));
	ATF_CHECK_MSG(store_damage(a->st) == NULL, "host %d: %s", host,
	    store_damage(a->st));
}

/* Its log's series, by what was not there before. */
static void
note_mine(int host)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
	    "ls h%d/" DIR_OF "/log | sed 's/\\..*//' | sort -u >h%d/all; "
	    "cat h%d/mine 2>/dev/null | grep -vxf - h%d/all >h%d/mine || true",
	    host, host, 1 - host, host, host);
	shell(command);
}

static void
logout(int host)
{
	OK(store_close(hosts[host].st));
	hosts[host].st = NULL;
}

static void
open_base(int host)
{
	char name[8];

	(void)snprintf(name, sizeof(name), "h%d", host);
	hosts[host].base = open(name, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(hosts[host].base != -1);
	OK(store_account_open(hosts[host].base, ACCOUNT, &hosts[host].dir));
}

/* A pair with one message; host 1 has a series of its own already. */
static void
begin(void)
{
	struct account a;

	ATF_REQUIRE_EQ(0, mkdir("h0", 0700));
	ATF_REQUIRE_EQ(0, chdir("h0"));
	account_make(&a);
	OK(deliver(&a, 1, SIZE));
	OK(store_open_host(a.base, a.dir, a.ring, 0, &a.st));
	OK(store_pair(a.st));
	(void)drain(&a);
	OK(store_commit(a.st));
	account_end(&a);
	ATF_REQUIRE_EQ(0, chdir(".."));
	shell("cp -Rp h0 h1 && rm -f h1/head/*");
	memset(hosts, 0, sizeof(hosts));
	open_base(0);
	open_base(1);
	note_mine(0);
	login(1);
	logout(1);
	note_mine(1);
	send_files(1);
}

/* Host 1 gets a delivery key of its own, and mail to it. */
static void
unaware(void)
{
	struct account *a = &hosts[1];
	struct seal_delivery d;

	login(1);
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&a->ring, &d, NOW + 100));
	ATF_REQUIRE_EQ(0, seal_ring_save(a->dir, a->ring, 1));
	ATF_REQUIRE_EQ(0, seal_delivery_save(a->dir, a->ring, 1, &d));
	store_set_ring(a->st, a->ring);
	OK(deliver(a, 2, SIZE));
	ATF_CHECK_EQ(1, drain(a));
	OK(store_commit(a->st));
	logout(1);
	OK(deliver(a, 3, SIZE));
}

static void
rekey(void)
{
	struct account *a = &hosts[0];
	const struct seal_account *id;
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_slots *s;
	struct seal_ring *fresh;
	uint32_t main, revoked;

	login(0);
	logout(0);
	id = seal_ring_account(a->ring);
	ATF_REQUIRE((s = seal_slots_load(a->dir, id)) != NULL);
	main = main_slot(s);
	seal_random(amk, sizeof(amk));
	ATF_REQUIRE_EQ(0,
	    seal_slots_set(s, id, amk, main, PASSWORD, strlen(PASSWORD),
		&seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_REQUIRE_EQ(0,
	    seal_slots_rekey(
		s, id, seal_ring_amk(a->ring), amk, main, &revoked));
	fresh = seal_ring_rekey(a->ring, amk, NOW);
	ATF_REQUIRE(fresh != NULL);
	ATF_REQUIRE_EQ(0, seal_rekey_save(a->dir, fresh, 0, s));
	seal_ring_free(fresh);
	seal_slots_free(s);
	/* And mail under the new keys. */
	login(0);
	OK(deliver(a, 4, SIZE));
	(void)drain(a);
	OK(store_commit(a->st));
	logout(0);
}

/* All that were delivered anywhere, each of them as it was sent. */
static void
shows(int host, unsigned int n)
{
	struct account *a = &hosts[host];
	const struct store_box *b;

	login(host);
	(void)drain(a);
	OK(store_commit(a->st));
	b = store_box_find(a->st, STORE_INBOX);
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ_MSG(n, b->messages, "host %d shows %u messages, not %u",
	    host, b->messages, n);
	logout(host);
}

static void
end(void)
{
	for (int h = 0; h < 2; h++) {
		seal_ring_free(hosts[h].ring);
		close(hosts[h].dir);
		close(hosts[h].base);
	}
}

/* The rekey's files come to host 1 first. */
ATF_TC_WITHOUT_HEAD(rekey_first);
ATF_TC_BODY(rekey_first, tc)
{
	begin();
	rekey();
	unaware();
	send_files(0);
	/* Of two of one time, one waits for the lease's holder to place it. */
	shows(1, 3);
	send_files(1);
	shows(0, 4);
	send_files(0);
	shows(1, 4);
	shows(0, 4);
	end();
}

/* Host 1's come to host 0 first, before or after the rekey there. */
ATF_TC_WITHOUT_HEAD(mail_first);
ATF_TC_BODY(mail_first, tc)
{
	begin();
	unaware();
	rekey();
	send_files(1);
	shows(0, 4);
	send_files(0);
	shows(1, 4);
	send_files(1);
	shows(0, 4);
	end();
}

/* A rekey that knew all, and mail to the older key that came meanwhile. */
ATF_TC_WITHOUT_HEAD(known);
ATF_TC_BODY(known, tc)
{
	begin();
	unaware();
	send_files(1);
	rekey();
	OK(deliver(&hosts[1], 5, SIZE));
	send_files(1);
	shows(0, 5);
	send_files(0);
	shows(1, 5);
	end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rekey_first);
	ATF_TP_ADD_TC(tp, mail_first);
	ATF_TP_ADD_TC(tp, known);
	return atf_no_error();
}
