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
 * Slots: trying, changing, merging two hosts' files.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"
#include "slot_local.h"

static int
try(const struct seal_slots *slots, const struct seal_ring *r,
    const char *secret, struct seal_slot_info *info)
{
	uint8_t amk[SEAL_KEY_LEN];

	if (seal_slots_try(slots, seal_ring_account(r), secret, strlen(secret),
		&seal_kdf_low, amk, info) == -1)
		return errno;
	ATF_REQUIRE_EQ(0, memcmp(amk, seal_ring_amk(r), sizeof(amk)));
	return 0;
}

static struct seal_ring *
other_ring(int fd, const struct seal_ring *r)
{
	struct seal_ring *other;

	other = seal_ring_load(fd, seal_ring_account(r), seal_ring_amk(r));
	ATF_REQUIRE_MSG(other != NULL, "ring: %s", strerror(errno));
	return other;
}

ATF_TC_WITHOUT_HEAD(app_password);
ATF_TC_BODY(app_password, tc)
{
	char code[SEAL_CODE_SIZE], app[SEAL_CODE_SIZE];
	char label[SEAL_LABEL_MAX + 1], longest[SEAL_LABEL_MAX + 2];
	const struct seal_account *a;
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_ring *r;
	uint32_t id, id2;
	int fd;

	fd = helper_account("acct", &r, code);
	a = seal_ring_account(r);
	s = seal_slots_load(fd, a);
	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP | SEAL_SCOPE_SUBMISSION, "phone", app, &id));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	seal_slots_free(s);
	s = seal_slots_load(fd, a);
	ATF_REQUIRE(s != NULL);
	ATF_CHECK_EQ(0, try(s, r, app, &info));
	ATF_CHECK_EQ(id, info.id);
	ATF_CHECK_EQ(SEAL_SLOT_APP, info.kind);
	ATF_CHECK_EQ(SEAL_SCOPE_IMAP | SEAL_SCOPE_SUBMISSION, info.scope);
	ATF_REQUIRE_EQ(0, seal_slots_label(s, a, seal_ring_amk(r), id, label));
	ATF_CHECK_STREQ("phone", label);
	memset(longest, 'x', sizeof(longest));
	longest[SEAL_LABEL_MAX + 1] = '\0';
	ATF_CHECK_EQ(-1,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, longest, code, &id2));
	longest[SEAL_LABEL_MAX] = '\0';
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, longest, code, &id2));
	ATF_REQUIRE_EQ(0, seal_slots_label(s, a, seal_ring_amk(r), id2, label));
	ATF_CHECK_STREQ(longest, label);
	/* Revoked: neither the text nor the label opens any more. */
	ATF_REQUIRE_EQ(0, seal_slots_revoke(s, id));
	ATF_CHECK_EQ(EACCES, try(s, r, app, &info));
	ATF_CHECK_EQ(-1, seal_slots_label(s, a, seal_ring_amk(r), id, label));
	ATF_CHECK_EQ(-1, seal_slots_revoke(s, id));
	ATF_CHECK_EQ(-1, seal_slots_revoke(s, 0));
	ATF_CHECK_EQ(0, try(s, r, HELPER_PASSWORD, &info));
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(password_change);
ATF_TC_BODY(password_change, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_ring *r;
	uint32_t id;
	int fd;

	fd = helper_account("acct", &r, code);
	s = seal_slots_load(fd, seal_ring_account(r));
	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(0, try(s, r, HELPER_PASSWORD, &info));
	id = info.id;
	ATF_REQUIRE_EQ(0,
	    seal_slots_set(s, seal_ring_account(r), seal_ring_amk(r), id,
		"another one", 11, &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	ATF_CHECK_EQ(-1, faccessat(fd, "keys/slots.0.1", F_OK, 0));
	seal_slots_free(s);
	s = seal_slots_load(fd, seal_ring_account(r));
	ATF_REQUIRE(s != NULL);
	ATF_CHECK_EQ(EACCES, try(s, r, HELPER_PASSWORD, &info));
	ATF_CHECK_EQ(0, try(s, r, "another one", &info));
	ATF_CHECK_EQ(id, info.id);
	ATF_CHECK_EQ(0, try(s, r, code, &info));
	/* Not the recovery slot, no empty password, no unknown id. */
	ATF_CHECK_EQ(-1,
	    seal_slots_set(s, seal_ring_account(r), seal_ring_amk(r), info.id,
		"x", 1, &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_CHECK_EQ(-1,
	    seal_slots_set(s, seal_ring_account(r), seal_ring_amk(r), id, "", 0,
		&seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_CHECK_EQ(-1,
	    seal_slots_set(s, seal_ring_account(r), seal_ring_amk(r), id + 1,
		"x", 1, &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

/*
 * Both hosts change the same slots while apart: the later one counts, on both,
 * and a revocation is not undone by the other's older file.
 */
ATF_TC_WITHOUT_HEAD(two_hosts);
ATF_TC_BODY(two_hosts, tc)
{
	char code[SEAL_CODE_SIZE], app[SEAL_CODE_SIZE];
	const struct seal_account *a;
	struct seal_slot_info info;
	struct seal_slots *s, *other;
	struct seal_ring *r;
	uint32_t id;
	int fd;

	fd = helper_account("acct", &r, code);
	a = seal_ring_account(r);
	s = seal_slots_load(fd, a);
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", app, &id));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	other = seal_slots_load(fd, a);
	/* Host 0 revokes; host 1, later to speak, still has it alive. */
	ATF_REQUIRE_EQ(0, seal_slots_revoke(s, id));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 1, other));
	seal_slots_free(s);
	seal_slots_free(other);
	s = seal_slots_load(fd, a);
	ATF_REQUIRE(s != NULL);
	ATF_CHECK_EQ(EACCES, try(s, r, app, &info));
	ATF_CHECK_EQ(0, try(s, r, HELPER_PASSWORD, &info));
	/* A new id made on host 1 joins. */
	ATF_REQUIRE_EQ(0,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", app, &id));
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 1, s));
	seal_slots_free(s);
	s = seal_slots_load(fd, a);
	ATF_CHECK_EQ(0, try(s, r, app, &info));
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

/* The scope, or any field of a record, is bound to the wrapped key. */
ATF_TC_WITHOUT_HEAD(bound);
ATF_TC_BODY(bound, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_account other;
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_slot *slot, keep;
	struct seal_ring *r;
	uint8_t amk[SEAL_KEY_LEN];
	int fd;

	fd = helper_account("acct", &r, code);
	s = seal_slots_load(fd, seal_ring_account(r));
	ATF_REQUIRE_EQ(0, try(s, r, code, &info));
	slot = slots_find(s, info.id);
	keep = *slot;
	slot->scope = SEAL_SCOPE_ALL;
	ATF_CHECK_EQ(EACCES, try(s, r, code, &info));
	*slot = keep;
	slot->commit[31] ^= 1;
	ATF_CHECK_EQ(EACCES, try(s, r, code, &info));
	*slot = keep;
	slot->wrapped[0] ^= 1;
	ATF_CHECK_EQ(EACCES, try(s, r, code, &info));
	*slot = keep;
	slot->kind = SEAL_SLOT_APP;
	ATF_CHECK_EQ(EACCES, try(s, r, code, &info));
	*slot = keep;
	ATF_CHECK_EQ(0, try(s, r, code, &info));
	other = *seal_ring_account(r);
	other.id[0] ^= 1;
	ATF_CHECK_EQ(-1,
	    seal_slots_try(
		s, &other, code, strlen(code), &seal_kdf_low, amk, &info));
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(unknown);
ATF_TC_BODY(unknown, tc)
{
	char code[SEAL_CODE_SIZE], big[SEAL_SECRET_MAX + 1];
	const struct seal_kdf absurd = {1, 1ULL << 50};
	struct seal_slot_info info;
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_ring *r;
	int fd;

	fd = helper_account("acct", &r, code);
	ATF_CHECK_EQ(EACCES, try(NULL, r, "x", &info));
	ATF_CHECK_EQ(EACCES, try(NULL, r, code, &info));
	ATF_CHECK_EQ(-1,
	    seal_slots_try(
		NULL, NULL, code, strlen(code), &seal_kdf_low, amk, &info));
	memset(big, 'x', sizeof(big));
	ATF_CHECK_EQ(-1,
	    seal_slots_try(
		NULL, NULL, big, sizeof(big), &seal_kdf_low, amk, &info));
	ATF_CHECK_EQ(EACCES, errno);
	ATF_CHECK_EQ(
	    -1, seal_slots_try(NULL, NULL, big, 10, &absurd, amk, &info));
	ATF_CHECK(errno != EACCES);
	seal_ring_free(r);
	close(fd);
}

/* As many as there may be, and not one more; all of them survive a file. */
ATF_TC_WITHOUT_HEAD(limit);
ATF_TC_BODY(limit, tc)
{
	char code[SEAL_CODE_SIZE], app[SEAL_CODE_SIZE];
	const struct seal_account *a;
	struct seal_slot_info info;
	struct seal_slots *s;
	struct seal_ring *r;
	size_t n = 0;
	int fd;

	fd = helper_account("acct", &r, code);
	a = seal_ring_account(r);
	s = seal_slots_load(fd, a);
	for (int i = 2; i < SEAL_SLOTS_MAX; i++)
		ATF_REQUIRE_EQ(0,
		    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
			SEAL_SCOPE_IMAP, "a label", app, NULL));
	ATF_CHECK_EQ(-1,
	    seal_slots_code(s, a, seal_ring_amk(r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", code, NULL));
	ATF_CHECK_EQ(E2BIG, errno);
	ATF_REQUIRE_EQ(0, seal_slots_save(fd, r, 0, s));
	seal_slots_free(s);
	s = seal_slots_load(fd, a);
	ATF_REQUIRE(s != NULL);
	while (seal_slots_info(s, n, &info))
		n++;
	ATF_CHECK_EQ(SEAL_SLOTS_MAX, n);
	ATF_CHECK_EQ(0, try(s, r, app, &info));
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

/* Every truncation and every flipped octet of a body decodes or is refused. */
ATF_TC_WITHOUT_HEAD(decode);
ATF_TC_BODY(decode, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_slots *s, *t;
	struct seal_ring *r;
	uint8_t *body;
	size_t len;
	int fd;

	fd = helper_account("acct", &r, code);
	s = seal_slots_load(fd, seal_ring_account(r));
	body = malloc(2 + 3 * SLOT_RECORD_MAX);
	ATF_REQUIRE(body != NULL);
	len = slots_encode(s, body, 2 + 3 * SLOT_RECORD_MAX);
	ATF_REQUIRE(len > 0);
	ATF_CHECK_EQ(0, slots_encode(s, body, SLOT_RECORD_MAX));
	for (size_t i = 0; i < len; i++) {
		t = seal_slots_new();
		ATF_REQUIRE_EQ(-1, slots_decode(t, body, i));
		seal_slots_free(t);
	}
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			body[i] ^= (uint8_t)(1 << bit);
			t = seal_slots_new();
			(void)slots_decode(t, body, len);
			ATF_REQUIRE(t->n <= SEAL_SLOTS_MAX);
			seal_slots_free(t);
			body[i] ^= (uint8_t)(1 << bit);
		}
	}
	free(body);
	seal_slots_free(s);
	seal_ring_free(r);
	close(fd);
}

/* Whoever reads while they are replaced finds the one or the other. */
ATF_TC_WITHOUT_HEAD(replaced);
ATF_TC_BODY(replaced, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_slots *s;
	struct seal_ring *r;
	int fd, status, done = 0;
	unsigned int loads = 0;
	pid_t pid;

	fd = helper_account("acct", &r, code);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		s = seal_slots_load(fd, seal_ring_account(r));
		for (int i = 0; i < 150; i++) {
			if (seal_slots_save(fd, r, 0, s) == -1 ||
			    (i % 8 == 0 && seal_ring_save(fd, r, 0) == -1))
				_exit(1);
		}
		_exit(0);
	}
	for (; done == 0; loads++) {
		done = waitpid(pid, &status, WNOHANG);
		s = seal_slots_load(fd, seal_ring_account(r));
		ATF_REQUIRE_MSG(s != NULL, "slots: %s", strerror(errno));
		seal_slots_free(s);
		if (loads % 8 == 0)
			seal_ring_free(other_ring(fd, r));
	}
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	printf("%u loads\n", loads);
	seal_ring_free(r);
	close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, app_password);
	ATF_TP_ADD_TC(tp, password_change);
	ATF_TP_ADD_TC(tp, two_hosts);
	ATF_TP_ADD_TC(tp, bound);
	ATF_TP_ADD_TC(tp, unknown);
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, decode);
	ATF_TP_ADD_TC(tp, replaced);
	return atf_no_error();
}
