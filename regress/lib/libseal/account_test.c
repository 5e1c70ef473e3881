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
 * Account and key files: what is made loads again; what is changed does not.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"

/* Logs in with a secret, as an opener does; NULL with errno. */
static struct seal_ring *
unlock(int fd, const char *secret, struct seal_slot_info *info)
{
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_ring *r = NULL;

	if (seal_account_load(fd, &a) == -1)
		return NULL;
	slots = seal_slots_load(fd, &a);
	if (slots == NULL)
		return NULL;
	if (seal_slots_try(slots, &a, secret, strlen(secret), &seal_kdf_low,
		amk, info) == 0)
		r = seal_ring_load(fd, &a, amk);
	seal_slots_free(slots);
	return r;
}

ATF_TC_WITHOUT_HEAD(create);
ATF_TC_BODY(create, tc)
{
	struct seal_slot_info info;
	struct seal_ring *made, *r;
	struct seal_delivery d, e;
	char code[SEAL_CODE_SIZE];
	struct stat st;
	int fd;

	fd = helper_account("acct", &made, code);
	r = unlock(fd, HELPER_PASSWORD, &info);
	ATF_REQUIRE(r != NULL);
	ATF_CHECK_EQ(SEAL_SLOT_MAIN, info.kind);
	ATF_CHECK_EQ(SEAL_SCOPE_ALL, info.scope);
	ATF_CHECK_EQ(
	    0, memcmp(seal_ring_amk(r), seal_ring_amk(made), SEAL_KEY_LEN));
	ATF_REQUIRE_EQ(0, seal_delivery_load(fd, seal_ring_account(r), &d));
	ATF_REQUIRE_EQ(0, seal_ring_delivery(r, &e));
	ATF_CHECK_EQ(0, memcmp(&d, &e, sizeof(d)));
	seal_ring_free(r);
	/* The recovery code opens the account, for changes only. */
	r = unlock(fd, code, &info);
	ATF_REQUIRE(r != NULL);
	ATF_CHECK_EQ(SEAL_SLOT_RECOVERY, info.kind);
	ATF_CHECK_EQ(SEAL_SCOPE_MANAGE, info.scope);
	seal_ring_free(r);
	ATF_CHECK(unlock(fd, "wrong", &info) == NULL);
	ATF_CHECK_EQ(EACCES, errno);
	ATF_REQUIRE_EQ(0, fstatat(fd, "keys/slots.0.1", &st, 0));
	ATF_CHECK_EQ(0400, st.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstatat(fd, "keys/ring.0.1", &st, 0));
	ATF_CHECK_EQ(0400, st.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstatat(fd, "keys/delivery.0.1", &st, 0));
	ATF_CHECK_EQ(0440, st.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstatat(fd, "account", &st, 0));
	ATF_CHECK_EQ(0440, st.st_mode & 07777);
	seal_ring_free(made);
	close(fd);
}

/* Without a key: does anything of the account still load? */
static bool
loads(
    int fd, const char *file, const uint8_t *amk, const struct seal_account *a)
{
	struct seal_slots *slots;
	struct seal_delivery d;
	struct seal_account b;
	struct seal_ring *r;
	bool ok;

	if (strcmp(file, "account") == 0)
		return seal_account_load(fd, &b) == 0;
	if (strstr(file, "delivery") != NULL)
		return seal_delivery_load(fd, a, &d) == 0;
	if (strstr(file, "slots") != NULL) {
		slots = seal_slots_load(fd, a);
		ok = slots != NULL;
		seal_slots_free(slots);
		return ok;
	}
	r = seal_ring_load(fd, a, amk);
	ok = r != NULL;
	seal_ring_free(r);
	return ok;
}

ATF_TC_WITHOUT_HEAD(damage);
ATF_TC_BODY(damage, tc)
{
	static const char *const files[] = {
	    "account", "keys/slots.0.1", "keys/ring.0.1", "keys/delivery.0.1"};
	char code[SEAL_CODE_SIZE];
	struct seal_account a;
	struct seal_ring *r;
	uint8_t *data;
	size_t len;
	int fd;

	fd = helper_account("acct", &r, code);
	a = *seal_ring_account(r);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		data = helper_slurp(fd, files[i], &len);
		for (size_t j = 0; j < len; j++) {
			data[j] ^= 1;
			helper_spew(fd, files[i], data, len);
			ATF_REQUIRE_MSG(
			    !loads(fd, files[i], seal_ring_amk(r), &a),
			    "%s: octet %zu does not matter", files[i], j);
			data[j] ^= 1;
		}
		for (size_t j = 0; j <= len; j += j < 64 ? 1 : 13) {
			if (j == len)
				break;
			helper_spew(fd, files[i], data, j);
			ATF_REQUIRE(!loads(fd, files[i], seal_ring_amk(r), &a));
		}
		data[len] = 0;
		helper_spew(fd, files[i], data, len + 1);
		ATF_REQUIRE(!loads(fd, files[i], seal_ring_amk(r), &a));
		helper_spew(fd, files[i], data, len);
		ATF_REQUIRE(loads(fd, files[i], seal_ring_amk(r), &a));
		free(data);
	}
	seal_ring_free(r);
	close(fd);
}

/* Another account's files, however good, are not taken. */
ATF_TC_WITHOUT_HEAD(foreign);
ATF_TC_BODY(foreign, tc)
{
	static const char *const files[] = {
	    "keys/slots.0.1", "keys/ring.0.1", "keys/delivery.0.1"};
	char code[SEAL_CODE_SIZE];
	struct seal_ring *r;
	uint8_t *data;
	size_t len;
	int fd, other;

	fd = helper_account("acct", &r, code);
	other = helper_account("other", NULL, code);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		data = helper_slurp(other, files[i], &len);
		helper_spew(fd, files[i], data, len);
		ATF_CHECK(!loads(
		    fd, files[i], seal_ring_amk(r), seal_ring_account(r)));
		free(data);
	}
	seal_ring_free(r);
	close(fd);
	close(other);
}

/* Versions rise, the older one goes, and the other host's stays. */
ATF_TC_WITHOUT_HEAD(versions);
ATF_TC_BODY(versions, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_delivery d, e;
	struct seal_slot_info info;
	struct seal_ring *r, *s;
	uint8_t amk[SEAL_KEY_LEN];
	int fd;

	fd = helper_account("acct", &r, code);
	memcpy(amk, seal_ring_amk(r), sizeof(amk));
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, 2000000));
	ATF_REQUIRE_EQ(0, seal_ring_save(fd, r, 0));
	ATF_REQUIRE_EQ(0, seal_delivery_save(fd, r, 0, &d));
	ATF_CHECK_EQ(0, faccessat(fd, "keys/ring.0.2", F_OK, 0));
	ATF_CHECK_EQ(-1, faccessat(fd, "keys/ring.0.1", F_OK, 0));
	ATF_CHECK_EQ(-1, faccessat(fd, "keys/delivery.0.1", F_OK, 0));
	ATF_REQUIRE_EQ(0, seal_delivery_load(fd, seal_ring_account(r), &e));
	ATF_CHECK_EQ(0, memcmp(&d, &e, sizeof(d)));
	/* The other host rotates too; the union has three. */
	ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, 3000000));
	ATF_REQUIRE_EQ(0, seal_ring_save(fd, r, 1));
	ATF_REQUIRE_EQ(0, seal_delivery_save(fd, r, 1, &d));
	ATF_CHECK_EQ(0, faccessat(fd, "keys/ring.0.2", F_OK, 0));
	ATF_CHECK_EQ(0, faccessat(fd, "keys/ring.1.1", F_OK, 0));
	ATF_REQUIRE_EQ(0, seal_delivery_load(fd, seal_ring_account(r), &e));
	ATF_CHECK_EQ(3000000, e.created);
	s = seal_ring_load(fd, seal_ring_account(r), amk);
	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(0, seal_ring_delivery(s, &e));
	ATF_CHECK_EQ(0, memcmp(&d, &e, sizeof(d)));
	seal_ring_free(s);
	s = unlock(fd, HELPER_PASSWORD, &info);
	ATF_CHECK(s != NULL);
	seal_ring_free(s);
	ATF_CHECK_EQ(-1, seal_ring_save(fd, r, 2));
	seal_ring_free(r);
	close(fd);
}

/* What old deliveries were sealed to opens after any number of rotations. */
ATF_TC_WITHOUT_HEAD(rotate_opens);
ATF_TC_BODY(rotate_opens, tc)
{
	char code[SEAL_CODE_SIZE];
	struct helper_blob b[5];
	struct seal_delivery d;
	struct seal_trailer t;
	struct seal_stanza s;
	struct seal_ring *r;
	int fd;

	fd = helper_account("acct", &r, code);
	for (int i = 0; i < 5; i++) {
		ATF_REQUIRE_EQ(
		    0, seal_delivery_load(fd, seal_ring_account(r), &d));
		helper_seal(&b[i], &d, 10, 10);
		ATF_REQUIRE_EQ(0, seal_ring_rotate(&r, &d, 1000001 + i));
		ATF_REQUIRE_EQ(0, seal_ring_save(fd, r, 0));
		ATF_REQUIRE_EQ(0, seal_delivery_save(fd, r, 0, &d));
	}
	for (int i = 0; i < 5; i++) {
		ATF_REQUIRE_EQ(0,
		    seal_trailer_parse(
			b[i].data + b[i].len - SEAL_TRAILER_LEN, &t));
		ATF_CHECK_EQ(0, seal_stanza_open(r, &t, &s));
		ATF_CHECK_EQ(0, memcmp(s.key, b[i].key, sizeof(s.key)));
		free(b[i].data);
	}
	seal_ring_free(r);
	close(fd);
}

/* A crash may leave a torn newest file: the one before is used. */
ATF_TC_WITHOUT_HEAD(torn_newest);
ATF_TC_BODY(torn_newest, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_slot_info info;
	struct seal_ring *r;
	int fd;

	fd = helper_account("acct", NULL, code);
	helper_spew(fd, "keys/slots.0.2", (const uint8_t *)"SEALSLOT", 8);
	helper_spew(fd, "keys/ring.0.7", (const uint8_t *)"", 0);
	helper_spew(fd, "keys/slots.0.03", (const uint8_t *)"x", 1);
	helper_spew(fd, "keys/slots.0.x", (const uint8_t *)"x", 1);
	r = unlock(fd, HELPER_PASSWORD, &info);
	ATF_REQUIRE(r != NULL);
	/* And the next one is written above it. */
	ATF_REQUIRE_EQ(0, seal_ring_save(fd, r, 0));
	ATF_CHECK_EQ(0, faccessat(fd, "keys/ring.0.8", F_OK, 0));
	ATF_CHECK_EQ(-1, faccessat(fd, "keys/ring.0.1", F_OK, 0));
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(symlink);
ATF_TC_BODY(symlink, tc)
{
	char code[SEAL_CODE_SIZE];
	struct seal_account a;
	int fd;

	fd = helper_account("acct", NULL, code);
	ATF_REQUIRE_EQ(0, renameat(fd, "account", fd, "elsewhere"));
	ATF_REQUIRE_EQ(0, symlinkat("elsewhere", fd, "account"));
	ATF_CHECK_EQ(-1, seal_account_load(fd, &a));
	close(fd);
}

ATF_TC_WITHOUT_HEAD(subkeys);
ATF_TC_BODY(subkeys, tc)
{
	uint8_t key[9][SEAL_KEY_LEN], id[SEAL_ID_LEN], sig[SEAL_SIG_LEN];
	char code[SEAL_CODE_SIZE];
	struct seal_ring *r;
	int fd, n = 0;

	fd = helper_account("acct", &r, code);
	for (int i = SEAL_SUB_RING; i <= SEAL_SUB_META; i++)
		seal_ring_sub(r, (enum seal_sub)i, key[n++]);
	ATF_CHECK_EQ(1, seal_ring_epoch(r));
	ATF_REQUIRE_EQ(0, seal_ring_log(r, 1, key[n++]));
	ATF_REQUIRE_EQ(0, seal_ring_log(r, 2, key[n++]));
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < i; j++)
			ATF_CHECK(!seal_equal(key[i], key[j], SEAL_KEY_LEN));
	}
	ATF_CHECK_EQ(-1, seal_ring_log(r, 0, key[0]));
	seal_derive_id("a", "bc", 2, id);
	seal_ring_sign(r, "context", id, sizeof(id), sig);
	seal_ring_free(r);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(box);
ATF_TC_BODY(box, tc)
{
	uint8_t key[SEAL_KEY_LEN], in[100], out[140], back[100];

	ATF_REQUIRE_EQ(0, seal_init());
	seal_random(key, sizeof(key));
	seal_random(in, sizeof(in));
	seal_box(key, "ad", 2, in, sizeof(in), out);
	ATF_REQUIRE_EQ(0, seal_unbox(key, "ad", 2, out, sizeof(out), back));
	ATF_CHECK_EQ(0, memcmp(in, back, sizeof(in)));
	ATF_CHECK_EQ(-1, seal_unbox(key, "ae", 2, out, sizeof(out), back));
	for (size_t i = 0; i < sizeof(out); i++) {
		ATF_CHECK_EQ(-1, seal_unbox(key, "ad", 2, out, i, back));
		out[i] ^= 0x80;
		ATF_CHECK_EQ(
		    -1, seal_unbox(key, "ad", 2, out, sizeof(out), back));
		out[i] ^= 0x80;
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, create);
	ATF_TP_ADD_TC(tp, damage);
	ATF_TP_ADD_TC(tp, foreign);
	ATF_TP_ADD_TC(tp, versions);
	ATF_TP_ADD_TC(tp, rotate_opens);
	ATF_TP_ADD_TC(tp, torn_newest);
	ATF_TP_ADD_TC(tp, symlink);
	ATF_TP_ADD_TC(tp, subkeys);
	ATF_TP_ADD_TC(tp, box);
	return atf_no_error();
}
