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
 * Slots that are sealed to a public key: escrow and member; and the files of an
 * administrator's key.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"
#include "seal_sealed.h"
#include "slot_local.h"

static struct {
	int fd;
	struct seal_ring *r;
	const struct seal_account *a;
	struct seal_slots *s;
} t;

static void
begin(void)
{
	char code[SEAL_CODE_SIZE];

	t.fd = helper_account("acct", &t.r, code);
	t.a = seal_ring_account(t.r);
	t.s = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(t.s != NULL);
}

static void
end(void)
{
	seal_slots_free(t.s);
	seal_ring_free(t.r);
	close(t.fd);
}

/* Through the disk, and back. */
static void
stored(unsigned int host)
{
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, host, t.s));
	seal_slots_free(t.s);
	t.s = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(t.s != NULL);
}

static int
unseal(enum seal_slot_kind kind, const uint8_t *sk, const uint8_t *amk)
{
	uint8_t got[SEAL_KEY_LEN];
	struct seal_slot_info info;

	if (seal_slots_unseal(t.s, t.a, kind, sk, got, &info) == -1) {
		ATF_CHECK_EQ(EACCES, errno);
		return -1;
	}
	ATF_CHECK_EQ(kind, info.kind);
	ATF_CHECK_EQ(0, memcmp(amk, got, sizeof(got)));
	return 0;
}

static unsigned int
count(enum seal_slot_kind kind, struct seal_slot_info *last)
{
	struct seal_slot_info info;
	unsigned int n = 0;

	for (size_t i = 0; seal_slots_info(t.s, i, &info); i++) {
		if (info.kind != kind)
			continue;
		*last = info;
		n++;
	}
	return n;
}

ATF_TC_WITHOUT_HEAD(escrow);
ATF_TC_BODY(escrow, tc)
{
	char label[SEAL_LABEL_MAX + 1], name[SEAL_LABEL_KEYID];
	struct seal_escrow one, two;
	struct seal_slot_info info;
	const uint8_t *amk;
	uint64_t rev;

	begin();
	amk = seal_ring_amk(t.r);
	seal_escrow_make(&one);
	seal_escrow_make(&two);
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, one.sk, amk));
	ATF_CHECK_EQ(0, seal_slots_escrow(t.s, t.a, amk, NULL));
	ATF_CHECK_EQ(1, seal_slots_escrow(t.s, t.a, amk, one.pk));
	stored(0);
	ATF_CHECK_EQ(0, seal_slots_escrow(t.s, t.a, amk, one.pk));
	ATF_CHECK_EQ(0, unseal(SEAL_SLOT_ESCROW, one.sk, amk));
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, two.sk, amk));
	/* It is not what a member opens. */
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_MEMBER, one.sk, amk));
	ATF_REQUIRE_EQ(1, count(SEAL_SLOT_ESCROW, &info));
	ATF_CHECK_EQ(0, memcmp(one.pk, info.to, sizeof(info.to)));
	ATF_CHECK_EQ(SEAL_SCOPE_MANAGE, info.scope);
	ATF_REQUIRE_EQ(0, seal_slots_label(t.s, t.a, amk, info.id, label));
	seal_key_name(one.pk, name);
	ATF_CHECK_STREQ(name, label);
	/* The other host's file has an older idea: the newer one counts. */
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, 1, t.s));
	rev = info.rev;
	ATF_CHECK_EQ(1, seal_slots_escrow(t.s, t.a, amk, two.pk));
	stored(0);
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, one.sk, amk));
	ATF_CHECK_EQ(0, unseal(SEAL_SLOT_ESCROW, two.sk, amk));
	ATF_REQUIRE_EQ(1, count(SEAL_SLOT_ESCROW, &info));
	ATF_CHECK(info.rev > rev);
	ATF_CHECK_EQ(1, seal_slots_escrow(t.s, t.a, amk, NULL));
	stored(1);
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, two.sk, amk));
	ATF_CHECK_EQ(0, count(SEAL_SLOT_ESCROW, &info));
	end();
}

/* Another account's member opens it with the ring it has. */
ATF_TC_WITHOUT_HEAD(member);
ATF_TC_BODY(member, tc)
{
	char label[SEAL_LABEL_MAX + 1], code[SEAL_CODE_SIZE];
	struct seal_ring *him, *other;
	struct seal_delivery d, newer;
	struct seal_slot_info info;
	uint8_t amk[SEAL_KEY_LEN];
	uint32_t id;
	int fd, fd2;

	begin();
	fd = helper_account("him", &him, code);
	fd2 = helper_account("other", &other, code);
	ATF_REQUIRE_EQ(0, seal_delivery_load(fd, seal_ring_account(him), &d));
	ATF_REQUIRE_EQ(0,
	    seal_slots_seal(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_MEMBER,
		SEAL_SCOPE_IMAP, "him@example.org", d.pk, &id));
	stored(0);
	ATF_REQUIRE_EQ(0, seal_ring_unseal(him, t.s, t.a, amk, &info));
	ATF_CHECK_EQ(0, memcmp(amk, seal_ring_amk(t.r), sizeof(amk)));
	ATF_CHECK_EQ(id, info.id);
	ATF_CHECK_EQ(SEAL_SLOT_MEMBER, info.kind);
	ATF_CHECK_EQ(SEAL_SCOPE_IMAP, info.scope);
	ATF_REQUIRE_EQ(0, seal_slots_label(t.s, t.a, amk, id, label));
	ATF_CHECK_STREQ("him@example.org", label);
	ATF_CHECK_EQ(-1, seal_ring_unseal(other, t.s, t.a, amk, &info));
	ATF_CHECK_EQ(EACCES, errno);
	/* His delivery key changes, and his master key: he still opens it. */
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&him, &newer, 2000000));
	ATF_REQUIRE_EQ(0, seal_ring_save(fd, him, 0));
	memset(amk, 7, sizeof(amk));
	seal_ring_free(other);
	other = seal_ring_rekey(him, amk, 3000000);
	ATF_REQUIRE(other != NULL);
	ATF_CHECK_EQ(0, seal_ring_unseal(him, t.s, t.a, amk, &info));
	ATF_CHECK_EQ(0, seal_ring_unseal(other, t.s, t.a, amk, &info));
	/* Revoked on one host, while the other still has it in its file. */
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, 1, t.s));
	ATF_REQUIRE_EQ(0, seal_slots_revoke(t.s, id));
	stored(0);
	ATF_CHECK_EQ(-1, seal_ring_unseal(him, t.s, t.a, amk, &info));
	seal_ring_free(him);
	seal_ring_free(other);
	close(fd);
	close(fd2);
	end();
}

/* Under another master key it is the same slot, with its label. */
ATF_TC_WITHOUT_HEAD(reseal);
ATF_TC_BODY(reseal, tc)
{
	char label[SEAL_LABEL_MAX + 1], code[SEAL_CODE_SIZE];
	uint8_t fresh[SEAL_KEY_LEN], got[SEAL_KEY_LEN];
	struct seal_slot_info info;
	struct seal_escrow e;
	uint32_t id;

	begin();
	seal_escrow_make(&e);
	ATF_REQUIRE_EQ(0,
	    seal_slots_seal(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_ESCROW,
		SEAL_SCOPE_MANAGE, "a label", e.pk, &id));
	memset(fresh, 9, sizeof(fresh));
	ATF_REQUIRE_EQ(
	    0, seal_slots_reseal(t.s, t.a, seal_ring_amk(t.r), fresh, id));
	ATF_CHECK_EQ(0, unseal(SEAL_SLOT_ESCROW, e.sk, fresh));
	ATF_REQUIRE_EQ(1, count(SEAL_SLOT_ESCROW, &info));
	ATF_CHECK_EQ(id, info.id);
	ATF_REQUIRE_EQ(0, seal_slots_label(t.s, t.a, fresh, id, label));
	ATF_CHECK_STREQ("a label", label);
	ATF_CHECK_EQ(
	    -1, seal_slots_reseal(t.s, t.a, seal_ring_amk(t.r), fresh, id + 1));
	ATF_CHECK_EQ(ENOENT, errno);
	/* A code's secret is nowhere: that one cannot. */
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", code, &id));
	ATF_CHECK_EQ(
	    -1, seal_slots_reseal(t.s, t.a, seal_ring_amk(t.r), fresh, id));
	ATF_CHECK_EQ(EINVAL, errno);
	ATF_CHECK_EQ(0,
	    seal_slots_try(
		t.s, t.a, code, strlen(code), &seal_kdf_low, got, &info));
	end();
}

/* Each field of the record is bound; no text opens it; no weak key is taken. */
ATF_TC_WITHOUT_HEAD(bound);
ATF_TC_BODY(bound, tc)
{
	uint8_t amk[SEAL_KEY_LEN], weak[SEAL_KEY_LEN] = {0};
	struct seal_slot *slot, keep;
	struct seal_slot_info info;
	struct seal_account other;
	struct seal_escrow e;
	char text[65], longest[SEAL_LABEL_MAX + 2];
	size_t n;

	begin();
	seal_escrow_make(&e);
	n = t.s->n;
	for (int i = 0; i < 2; i++) {
		weak[0] = (uint8_t)i; /* points of order 4 and 1 */
		ATF_CHECK_EQ(
		    -1, seal_slots_escrow(t.s, t.a, seal_ring_amk(t.r), weak));
		ATF_CHECK_EQ(EINVAL, errno);
	}
	memset(longest, 'x', sizeof(longest));
	longest[SEAL_LABEL_MAX + 1] = '\0';
	ATF_CHECK_EQ(-1,
	    seal_slots_seal(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_ESCROW, 0,
		longest, e.pk, NULL));
	ATF_CHECK_EQ(-1,
	    seal_slots_seal(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_MAIN, 0, "",
		e.pk, NULL));
	ATF_CHECK_EQ(n, t.s->n);
	ATF_REQUIRE_EQ(
	    1, seal_slots_escrow(t.s, t.a, seal_ring_amk(t.r), e.pk));
	slot = &t.s->slot[t.s->n - 1];
	keep = *slot;
	slot->scope = SEAL_SCOPE_ALL;
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, e.sk, NULL));
	*slot = keep;
	slot->kind = SEAL_SLOT_MEMBER;
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_MEMBER, e.sk, NULL));
	*slot = keep;
	slot->id ^= 1;
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, e.sk, NULL));
	*slot = keep;
	slot->aux[3] ^= 1;
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, e.sk, NULL));
	*slot = keep;
	slot->salt[0] ^= 1;
	ATF_CHECK_EQ(-1, unseal(SEAL_SLOT_ESCROW, e.sk, NULL));
	*slot = keep;
	other = *t.a;
	other.id[0] ^= 1;
	ATF_CHECK_EQ(-1,
	    seal_slots_unseal(t.s, &other, SEAL_SLOT_ESCROW, e.sk, amk, &info));
	ATF_CHECK_EQ(0, unseal(SEAL_SLOT_ESCROW, e.sk, seal_ring_amk(t.r)));
	/* The secret as a password opens nothing. */
	seal_hex(e.sk, sizeof(e.sk), text);
	ATF_CHECK_EQ(
	    -1, seal_slots_try(t.s, t.a, text, 64, &seal_kdf_low, amk, &info));
	ATF_CHECK_EQ(-1,
	    seal_slots_try(t.s, t.a, (const char *)e.sk, sizeof(e.sk),
		&seal_kdf_low, amk, &info));
	end();
}

/* A record without an ephemeral key, or with a cost, is none. */
ATF_TC_WITHOUT_HEAD(shape);
ATF_TC_BODY(shape, tc)
{
	struct seal_slot *slot, keep;
	struct seal_escrow e;
	struct seal_slots *back;
	uint8_t *body;
	size_t len, size;

	begin();
	seal_escrow_make(&e);
	ATF_REQUIRE_EQ(
	    1, seal_slots_escrow(t.s, t.a, seal_ring_amk(t.r), e.pk));
	slot = &t.s->slot[t.s->n - 1];
	keep = *slot;
	size = 2 + t.s->n * SLOT_RECORD_MAX;
	body = malloc(size);
	ATF_REQUIRE(body != NULL);
	for (int i = 0; i < 5; i++) {
		*slot = keep;
		if (i == 1)
			slot->aux_len--;
		else if (i == 2)
			slot->kdf.ops = 1;
		else if (i == 3)
			slot->kind = SEAL_SLOT_APP;
		else if (i == 4)
			slot->wrapped_len++;
		len = slots_encode(t.s, body, size);
		back = seal_slots_new();
		ATF_CHECK_EQ(i == 0 ? 0 : -1, slots_decode(back, body, len));
		seal_slots_free(back);
	}
	free(body);
	end();
}

ATF_TC_WITHOUT_HEAD(key_files);
ATF_TC_BODY(key_files, tc)
{
	char public[SEAL_ESCROW_FILE_MAX], secret[SEAL_ESCROW_FILE_MAX];
	char bad[SEAL_ESCROW_FILE_MAX + 1], hex[65];
	struct seal_escrow e, back;
	size_t len;

	ATF_REQUIRE_EQ(0, seal_init());
	seal_escrow_make(&e);
	seal_escrow_public(&e, public);
	seal_hex(e.pk, sizeof(e.pk), hex);
	ATF_CHECK(strstr(public, hex) != NULL);
	ATF_REQUIRE_EQ(
	    0, seal_escrow_secret(&e, "phrase", 6, &seal_kdf_low, secret));
	ATF_CHECK(strstr(secret, hex) != NULL);
	seal_hex(e.sk, sizeof(e.sk), hex);
	ATF_CHECK(strstr(secret, hex) == NULL);
	ATF_REQUIRE_EQ(0, seal_escrow_open(secret, "phrase", 6, &back));
	ATF_CHECK_EQ(0, memcmp(&e, &back, sizeof(e)));
	ATF_CHECK_EQ(-1, seal_escrow_open(secret, "Phrase", 6, &back));
	ATF_CHECK_EQ(EACCES, errno);
	ATF_CHECK_EQ(-1, seal_escrow_open(public, "phrase", 6, &back));
	ATF_CHECK_EQ(EBADMSG, errno);
	ATF_CHECK_EQ(-1, seal_escrow_secret(&e, "", 0, &seal_kdf_low, public));
	/* Whatever is cut off or changed does not open; nothing is overread. */
	len = strlen(secret);
	for (size_t i = 0; i < len; i++) {
		(void)strlcpy(bad, secret, i + 1);
		ATF_REQUIRE_EQ(-1, seal_escrow_open(bad, "phrase", 6, &back));
		(void)strlcpy(bad, secret, sizeof(bad));
		bad[i] = bad[i] == '0' ? '1' : '0';
		ATF_REQUIRE_EQ(-1, seal_escrow_open(bad, "phrase", 6, &back));
	}
	(void)snprintf(bad, sizeof(bad), "%sx", secret);
	ATF_CHECK_EQ(-1, seal_escrow_open(bad, "phrase", 6, &back));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, escrow);
	ATF_TP_ADD_TC(tp, member);
	ATF_TP_ADD_TC(tp, reseal);
	ATF_TP_ADD_TC(tp, bound);
	ATF_TP_ADD_TC(tp, shape);
	ATF_TP_ADD_TC(tp, key_files);
	return atf_no_error();
}
