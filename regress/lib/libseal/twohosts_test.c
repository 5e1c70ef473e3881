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
 * A rekey on one host while the other knows nothing of it, and changes keys
 * and slots of its own: whichever host's files arrive first, the rekey counts,
 * what the other did opens nothing new, and no mail is lost.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"
#include "seal_sealed.h"

#define NOW 2000000
#define OTHER "a password of the other host"

/* One copy of the account on each host. */
static struct {
	int dir[2];
	struct seal_account a;
	uint8_t leaked[SEAL_KEY_LEN]; /* the master key before */
	char app[SEAL_CODE_SIZE];     /* before; revoked by the rekey */
	char late[SEAL_CODE_SIZE];    /* of host 1, which did not know */
	char recovery[SEAL_CODE_SIZE];
	char fresh[SEAL_CODE_SIZE]; /* recovery code of the rekey */
	struct seal_escrow escrow;
	struct helper_blob old; /* mail to host 1's key before and after */
	struct helper_blob mail;
} t;

static void
shell(const char *command)
{
	ATF_REQUIRE_EQ_MSG(0, system(command), "%s", command);
}

/* A host's own series reach the other. */
static void
send_keys(int from)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    "rm -f h%d/keys/*.%d.* && cp -p h%d/keys/*.%d.* h%d/keys/",
	    1 - from, from, from, from, 1 - from);
	shell(command);
}

static struct seal_slots *
slots_of(int host)
{
	struct seal_slots *s;

	s = seal_slots_load(t.dir[host], &t.a);
	ATF_REQUIRE(s != NULL);
	return s;
}

/* The ring that a secret opens there; NULL: it opens none. */
static struct seal_ring *
unlock(int host, const char *secret)
{
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_ring *r = NULL;
	uint8_t amk[SEAL_KEY_LEN];

	s = slots_of(host);
	if (seal_slots_try(s, &t.a, secret, strlen(secret), &seal_kdf_low, amk,
		&info) == 0) {
		r = seal_ring_load(t.dir[host], &t.a, amk);
		ATF_REQUIRE_MSG(r != NULL, "a slot opens, the ring does not");
	}
	seal_slots_free(s);
	return r;
}

static bool
opens(int host, const char *secret)
{
	struct seal_ring *r;

	r = unlock(host, secret);
	seal_ring_free(r);
	return r != NULL;
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

static bool
reads(const struct seal_ring *r, const struct helper_blob *b)
{
	struct seal_trailer trailer;
	struct seal_stanza stanza;

	ATF_REQUIRE_EQ(0,
	    seal_trailer_parse(b->data + b->len - SEAL_TRAILER_LEN, &trailer));
	return seal_stanza_open(r, &trailer, &stanza) == 0 &&
	    memcmp(stanza.key, b->key, sizeof(b->key)) == 0;
}

/* A login at a host that makes its own delivery key. */
static void
rotate(int host, const char *secret, int64_t now, struct helper_blob *mail)
{
	struct seal_delivery d;
	struct seal_ring *r;

	r = unlock(host, secret);
	ATF_REQUIRE(r != NULL);
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, now));
	ATF_REQUIRE_EQ(0, seal_ring_save(t.dir[host], r, (unsigned)host));
	ATF_REQUIRE_EQ(
	    0, seal_delivery_save(t.dir[host], r, (unsigned)host, &d));
	ATF_REQUIRE_EQ(0, seal_keys_tidy(t.dir[host], r, (unsigned)host));
	seal_ring_free(r);
	ATF_REQUIRE_EQ(0, seal_delivery_load(t.dir[host], &t.a, &d));
	helper_seal(mail, &d, 100, 10);
}

/* Both have all of it; each has written its own series. */
static void
begin(void)
{
	struct seal_slots *s;
	struct seal_ring *r;

	memset(&t, 0, sizeof(t));
	t.dir[0] = helper_account("h0", &r, t.recovery);
	t.a = *seal_ring_account(r);
	memcpy(t.leaked, seal_ring_amk(r), SEAL_KEY_LEN);
	seal_escrow_make(&t.escrow);
	s = slots_of(0);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, &t.a, t.leaked, SEAL_SLOT_APP, SEAL_SCOPE_IMAP,
		"", t.app, NULL));
	ATF_REQUIRE_EQ(1, seal_slots_escrow(s, &t.a, t.leaked, t.escrow.pk));
	ATF_REQUIRE_EQ(0, seal_slots_save(t.dir[0], r, 0, s));
	seal_ring_free(r);
	shell("cp -Rp h0 h1");
	t.dir[1] = open("h1", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(t.dir[1] != -1);
	rotate(1, HELPER_PASSWORD, NOW, &t.old);
	r = unlock(1, HELPER_PASSWORD);
	ATF_REQUIRE_EQ(0, seal_slots_save(t.dir[1], r, 1, s));
	seal_ring_free(r);
	seal_slots_free(s);
	send_keys(1);
	send_keys(0);
}

static void
end(void)
{
	free(t.old.data);
	free(t.mail.data);
	close(t.dir[0]);
	close(t.dir[1]);
}

/* As a vault of that host does it. */
static void
rekey(int host)
{
	struct seal_slots *s;
	struct seal_ring *r, *fresh;
	uint8_t amk[SEAL_KEY_LEN];
	uint32_t id, revoked;

	r = unlock(host, HELPER_PASSWORD);
	ATF_REQUIRE(r != NULL);
	s = slots_of(host);
	id = main_slot(s);
	seal_random(amk, sizeof(amk));
	ATF_REQUIRE_EQ(0,
	    seal_slots_set(s, &t.a, amk, id, HELPER_PASSWORD,
		strlen(HELPER_PASSWORD), &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_REQUIRE_EQ(
	    0, seal_slots_rekey(s, &t.a, seal_ring_amk(r), amk, id, &revoked));
	ATF_CHECK_EQ(1, revoked);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, &t.a, amk, SEAL_SLOT_RECOVERY, SEAL_SCOPE_MANAGE,
		"", t.fresh, NULL));
	fresh = seal_ring_rekey(r, amk, NOW + 50);
	ATF_REQUIRE(fresh != NULL);
	ATF_REQUIRE_EQ(
	    0, seal_rekey_save(t.dir[host], fresh, (unsigned)host, s));
	seal_ring_free(r);
	seal_ring_free(fresh);
	seal_slots_free(s);
}

/*
 * Host 1 does not know: another password (again and again, so that its
 * revisions are far ahead), an app password, a delivery key that is the newest
 * of all, and mail to it.
 */
static void
unaware(void)
{
	struct seal_slots *s;
	struct seal_ring *r;

	r = unlock(1, HELPER_PASSWORD);
	s = slots_of(1);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, &t.a, t.leaked, SEAL_SLOT_APP, SEAL_SCOPE_IMAP,
		"", t.late, NULL));
	for (int i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(0,
		    seal_slots_set(s, &t.a, t.leaked, main_slot(s), OTHER,
			strlen(OTHER), &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_REQUIRE_EQ(0, seal_slots_save(t.dir[1], r, 1, s));
	seal_slots_free(s);
	seal_ring_free(r);
	rotate(1, OTHER, NOW + 100, &t.mail);
}

/* What holds wherever the files of the rekey are, with or without host 1's. */
static void
rekeyed(int host, bool mail)
{
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_ring *r;
	uint8_t amk[SEAL_KEY_LEN];

	ATF_CHECK(opens(host, t.fresh));
	ATF_CHECK(!opens(host, OTHER));
	ATF_CHECK(!opens(host, t.late));
	ATF_CHECK(!opens(host, t.app));
	ATF_CHECK(!opens(host, t.recovery));
	r = unlock(host, HELPER_PASSWORD);
	ATF_REQUIRE(r != NULL);
	ATF_CHECK(memcmp(seal_ring_amk(r), t.leaked, SEAL_KEY_LEN) != 0);
	ATF_CHECK(reads(r, &t.old));
	ATF_CHECK_EQ(mail, reads(r, &t.mail));
	/* The administrator's slot leads to the new key too. */
	s = slots_of(host);
	ATF_REQUIRE_EQ(0,
	    seal_slots_unseal(
		s, &t.a, SEAL_SLOT_ESCROW, t.escrow.sk, amk, &info));
	ATF_CHECK_EQ(0, memcmp(amk, seal_ring_amk(r), sizeof(amk)));
	seal_slots_free(s);
	seal_ring_free(r);
}

/* A login at a host, as its vault does it. */
static void
login(int host)
{
	const unsigned int h = (unsigned int)host;
	struct seal_delivery d;
	struct seal_ring *r;

	r = unlock(host, HELPER_PASSWORD);
	ATF_REQUIRE(r != NULL);
	if (seal_ring_behind(r, h))
		ATF_REQUIRE_EQ(0, seal_ring_save(t.dir[host], r, h));
	if (seal_ring_exposed(r)) {
		ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, NOW));
		ATF_CHECK(!seal_ring_exposed(r));
		ATF_REQUIRE_EQ(0, seal_ring_save(t.dir[host], r, h));
		ATF_REQUIRE_EQ(0, seal_delivery_save(t.dir[host], r, h, &d));
	}
	ATF_REQUIRE_EQ(0, seal_keys_tidy(t.dir[host], r, h));
	seal_ring_free(r);
}

/* After a login at each, who has the leaked key opens nothing at all. */
static void
settled(void)
{
	struct seal_delivery d;
	struct seal_ring *r;
	struct helper_blob b;

	for (int h = 0; h < 2; h++) {
		rekeyed(h, true);
		ATF_CHECK(seal_ring_load(t.dir[h], &t.a, t.leaked) == NULL);
		ATF_CHECK_EQ(EBADMSG, errno);
		r = unlock(h, HELPER_PASSWORD);
		ATF_CHECK(!seal_ring_behind(r, 0) && !seal_ring_behind(r, 1));
		ATF_CHECK(!seal_ring_exposed(r));
		ATF_REQUIRE_EQ(0, seal_delivery_load(t.dir[h], &t.a, &d));
		helper_seal(&b, &d, 100, 10);
		ATF_CHECK(reads(r, &b));
		free(b.data);
		seal_ring_free(r);
	}
}

/* What is sealed to that one now the leaked keys do not open. */
static void
not_exposed(int host, struct seal_ring *leaked)
{
	struct seal_delivery d;
	struct helper_blob b;

	ATF_REQUIRE_EQ(0, seal_delivery_load(t.dir[host], &t.a, &d));
	helper_seal(&b, &d, 100, 10);
	ATF_CHECK(!reads(leaked, &b));
	free(b.data);
}

/* The files of the rekey reach host 1, and its own go to host 0 later. */
ATF_TC_WITHOUT_HEAD(rekey_first);
ATF_TC_BODY(rekey_first, tc)
{
	struct seal_ring *leaked;

	begin();
	rekey(0);
	unaware();
	leaked = seal_ring_load(t.dir[1], &t.a, t.leaked);
	ATF_REQUIRE(leaked != NULL);
	rekeyed(0, false);
	ATF_CHECK(opens(1, OTHER));
	send_keys(0);
	rekeyed(1, true);
	login(1);
	not_exposed(1, leaked);
	send_keys(1);
	rekeyed(0, true);
	login(0);
	not_exposed(0, leaked);
	send_keys(0);
	settled();
	seal_ring_free(leaked);
	end();
}

/* Host 1's files are the first to arrive. */
ATF_TC_WITHOUT_HEAD(other_first);
ATF_TC_BODY(other_first, tc)
{
	struct seal_ring *leaked;

	begin();
	unaware();
	leaked = seal_ring_load(t.dir[1], &t.a, t.leaked);
	ATF_REQUIRE(leaked != NULL);
	rekey(0);
	send_keys(1);
	rekeyed(0, true);
	login(0);
	not_exposed(0, leaked);
	send_keys(0);
	rekeyed(1, true);
	login(1);
	send_keys(1);
	settled();
	not_exposed(0, leaked);
	not_exposed(1, leaked);
	seal_ring_free(leaked);
	end();
}

/* Two rekeys, one after the other, which host 1 misses both. */
ATF_TC_WITHOUT_HEAD(twice);
ATF_TC_BODY(twice, tc)
{
	struct seal_slots *s;
	struct seal_ring *r;

	begin();
	unaware();
	rekey(0);
	r = unlock(0, HELPER_PASSWORD);
	s = slots_of(0);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, &t.a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", t.app, NULL));
	ATF_REQUIRE_EQ(0, seal_slots_save(t.dir[0], r, 0, s));
	seal_slots_free(s);
	seal_ring_free(r);
	ATF_CHECK(opens(0, t.app));
	rekey(0);
	send_keys(0);
	rekeyed(1, true);
	login(1);
	send_keys(1);
	login(0);
	send_keys(0);
	settled();
	end();
}

/* Each host rekeys while apart: one of them counts, the same on both. */
ATF_TC_WITHOUT_HEAD(both);
ATF_TC_BODY(both, tc)
{
	struct seal_ring *one, *two;

	begin();
	rekey(0);
	rekey(1);
	send_keys(0);
	send_keys(1);
	one = unlock(0, HELPER_PASSWORD);
	two = unlock(1, HELPER_PASSWORD);
	ATF_REQUIRE(one != NULL && two != NULL);
	ATF_CHECK_EQ(
	    0, memcmp(seal_ring_amk(one), seal_ring_amk(two), SEAL_KEY_LEN));
	ATF_CHECK(memcmp(seal_ring_amk(one), t.leaked, SEAL_KEY_LEN) != 0);
	ATF_CHECK(reads(one, &t.old));
	/* Neither ring is one that the leaked key opens. */
	ATF_CHECK(seal_ring_load(t.dir[0], &t.a, t.leaked) == NULL);
	seal_ring_free(one);
	seal_ring_free(two);
	end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rekey_first);
	ATF_TP_ADD_TC(tp, other_first);
	ATF_TP_ADD_TC(tp, twice);
	ATF_TP_ADD_TC(tp, both);
	return atf_no_error();
}
