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
 * Slots of kind scram, by the example of RFC 7677 section 3, and what becomes
 * of them.
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_helper.h"
#include "seal_scram.h"
#include "slot_local.h"

/* RFC 7677 section 3: user "user", password "pencil". */
#define RFC_MESSAGE                                                         \
	"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaT" \
	"CAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOpr" \
	"NGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define RFC_PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct {
	int fd;
	struct seal_ring *r;
	const struct seal_account *a;
	struct seal_slots *s;
} t;

static const uint8_t first[SEAL_SCRAM_SALT] = "a salt of before";

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

static void
stored(unsigned int host)
{
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, host, t.s));
	seal_slots_free(t.s);
	t.s = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(t.s != NULL);
}

static void
base64(const char *text, uint8_t *out, size_t len)
{
	size_t n;

	ATF_REQUIRE_EQ(0,
	    sodium_base642bin(out, len, text, strlen(text), NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL));
	ATF_REQUIRE_EQ(len, n);
}

static uint32_t
app(const char *text, char code[SEAL_CODE_SIZE])
{
	uint32_t id, scram;

	ATF_REQUIRE_EQ(0,
	    seal_slots_code(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", code, &id));
	ATF_REQUIRE_EQ(0,
	    seal_slots_scram(t.s, t.a, seal_ring_amk(t.r), id,
		text == NULL ? code : text, strlen(text == NULL ? code : text),
		first, &scram));
	ATF_CHECK_EQ(scram, seal_scram_of(t.s, id));
	return id;
}

/* The password of before, or one anew, is to be proved; the slot's id. */
static uint32_t
password(const char *text)
{
	uint32_t id = t.s->slot[0].id, scram;

	ATF_REQUIRE_EQ(SEAL_SLOT_MAIN, t.s->slot[0].kind);
	if (text != NULL)
		ATF_REQUIRE_EQ(0,
		    seal_slots_set(t.s, t.a, seal_ring_amk(t.r), id, text,
			strlen(text), &seal_kdf_low, SEAL_SCOPE_ALL, &id));
	else
		text = HELPER_PASSWORD;
	ATF_REQUIRE_EQ(0,
	    seal_slots_scram(t.s, t.a, seal_ring_amk(t.r), id, text,
		strlen(text), first, &scram));
	return scram;
}

/* The client's side of it, by the definitions of RFC 5802 section 3. */
static void
prove_by(const char *password, const uint8_t *salt, uint32_t iterations,
    const char *message, uint8_t proof[SEAL_SCRAM_KEY])
{
	crypto_auth_hmacsha256_state st;
	uint8_t salted[32], u[32], client[32], key[32], sig[32];
	static const uint8_t one[4] = {0, 0, 0, 1};

	for (uint32_t i = 0; i < iterations; i++) {
		crypto_auth_hmacsha256_init(
		    &st, (const uint8_t *)password, strlen(password));
		if (i == 0) {
			crypto_auth_hmacsha256_update(
			    &st, salt, SEAL_SCRAM_SALT);
			crypto_auth_hmacsha256_update(&st, one, 4);
		} else
			crypto_auth_hmacsha256_update(&st, u, 32);
		crypto_auth_hmacsha256_final(&st, u);
		for (int k = 0; k < 32; k++)
			salted[k] = (uint8_t)(i == 0 ? u[k] : salted[k] ^ u[k]);
	}
	crypto_auth_hmacsha256(
	    client, (const uint8_t *)"Client Key", 10, salted);
	crypto_hash_sha256(key, client, 32);
	crypto_auth_hmacsha256(
	    sig, (const uint8_t *)message, strlen(message), key);
	for (int k = 0; k < 32; k++)
		proof[k] = client[k] ^ sig[k];
}

static void
prove(const char *password, const uint8_t *salt, const char *message,
    uint8_t proof[SEAL_SCRAM_KEY])
{
	prove_by(password, salt, SEAL_SCRAM_ITERATIONS, message, proof);
}

static int
try(const char *message, const uint8_t *proof, uint32_t *id, uint8_t *sig)
{
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_slot_info info;

	if (seal_scram_try(t.s, t.a, message, strlen(message), proof, amk,
		&info, sig) == -1)
		return errno;
	ATF_CHECK_EQ(0, memcmp(amk, seal_ring_amk(t.r), sizeof(amk)));
	ATF_CHECK(info.kind == SEAL_SLOT_APP || info.kind == SEAL_SLOT_MAIN);
	*id = info.id;
	return 0;
}

ATF_TC_WITHOUT_HEAD(rfc7677);
ATF_TC_BODY(rfc7677, tc)
{
	uint8_t proof[SEAL_SCRAM_KEY], want[SEAL_SCRAM_KEY];
	uint8_t sig[SEAL_SCRAM_KEY];
	char code[SEAL_CODE_SIZE];
	uint32_t id, got;

	begin();
	/* The first one's salt is that of all others. */
	(void)app(NULL, code);
	base64(RFC_SALT, t.s->slot[t.s->n - 1].salt, SEAL_SCRAM_SALT);
	id = app("pencil", code);
	base64(RFC_PROOF, proof, sizeof(proof));
	base64(RFC_SIGNATURE, want, sizeof(want));
	ATF_REQUIRE_EQ(0, try(RFC_MESSAGE, proof, &got, sig));
	ATF_CHECK_EQ(id, got);
	ATF_CHECK_EQ(0, memcmp(want, sig, sizeof(sig)));
	stored(0);
	ATF_REQUIRE_EQ(0, try(RFC_MESSAGE, proof, &got, sig));
	/* Each octet of the proof and of the message matters. */
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 1;
		ATF_CHECK_EQ(EACCES, try(RFC_MESSAGE, proof, &got, sig));
		proof[i] ^= 1;
	}
	ATF_CHECK_EQ(EACCES, try(RFC_MESSAGE " ", proof, &got, sig));
	end();
}

ATF_TC_WITHOUT_HEAD(several);
ATF_TC_BODY(several, tc)
{
	uint8_t proof[2][SEAL_SCRAM_KEY], sig[SEAL_SCRAM_KEY];
	uint8_t salt[SEAL_SCRAM_SALT], again[SEAL_SCRAM_SALT];
	const uint8_t key[SEAL_KEY_LEN] = {1};
	char code[2][SEAL_CODE_SIZE];
	struct seal_slots *mine;
	uint32_t id[2], got, n;

	begin();
	seal_scram_challenge(t.s, key, "somebody", salt, &n);
	ATF_CHECK(n == SEAL_SCRAM_ITERATIONS || n == SEAL_SCRAM_PASSWORD);
	seal_scram_challenge(NULL, key, "somebody", again, &n);
	ATF_CHECK_EQ(0, memcmp(salt, again, sizeof(salt)));
	seal_scram_challenge(NULL, key, "another", again, &n);
	ATF_CHECK(memcmp(salt, again, sizeof(salt)) != 0);
	memset(proof, 0, sizeof(proof));
	ATF_CHECK_EQ(EACCES, try("m", proof[0], &got, sig));
	for (int i = 0; i < 2; i++) {
		id[i] = app(NULL, code[i]);
		stored((unsigned int)i);
	}
	seal_scram_challenge(t.s, key, "somebody", again, &n);
	ATF_CHECK_EQ(0, memcmp(first, again, sizeof(salt)));
	ATF_CHECK_EQ(SEAL_SCRAM_ITERATIONS, n);
	for (int i = 0; i < 2; i++) {
		prove(code[i], again, "m", proof[i]);
		ATF_REQUIRE_EQ(0, try("m", proof[i], &got, sig));
		ATF_CHECK_EQ(id[i], got);
	}
	/* A recovery code has none; and an app password's goes with it. */
	ATF_REQUIRE_EQ(SEAL_SLOT_RECOVERY, t.s->slot[1].kind);
	ATF_CHECK_EQ(-1,
	    seal_slots_scram(t.s, t.a, seal_ring_amk(t.r), t.s->slot[1].id, "x",
		1, first, &got));
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_REQUIRE_EQ(0, seal_slots_revoke(t.s, id[0]));
	ATF_CHECK_EQ(EACCES, try("m", proof[0], &got, sig));
	ATF_CHECK_EQ(0, try("m", proof[1], &got, sig));
	stored(0);
	ATF_CHECK_EQ(EACCES, try("m", proof[0], &got, sig));
	ATF_CHECK_EQ(0, try("m", proof[1], &got, sig));
	/* The other host revokes the app password alone. */
	mine = t.s;
	for (size_t i = 0; i < mine->n; i++)
		if (mine->slot[i].id == id[1])
			mine->slot[i].dead = true;
	stored(1);
	ATF_CHECK_EQ(EACCES, try("m", proof[1], &got, sig));
	end();
}

/* The proof is of no use as a password, nor is anything on disk. */
ATF_TC_WITHOUT_HEAD(nothing_else);
ATF_TC_BODY(nothing_else, tc)
{
	uint8_t proof[SEAL_SCRAM_KEY], sig[SEAL_SCRAM_KEY], amk[SEAL_KEY_LEN];
	char code[SEAL_CODE_SIZE];
	struct seal_slot_info info;
	struct seal_slot *s, keep;
	uint32_t got;

	begin();
	(void)app(NULL, code);
	s = &t.s->slot[t.s->n - 1];
	prove(code, s->salt, "m", proof);
	ATF_REQUIRE_EQ(0, try("m", proof, &got, sig));
	ATF_CHECK_EQ(-1,
	    seal_slots_try(t.s, t.a, (const char *)proof, sizeof(proof),
		&seal_kdf_low, amk, &info));
	/* Who has StoredKey can tell a proof, but not make one. */
	memcpy(proof, s->aux + SCRAM_STORED, sizeof(proof));
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	prove(code, s->salt, "m", proof);
	keep = *s;
	s->scope = SEAL_SCOPE_ALL;
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	*s = keep;
	s->aux[SCRAM_SERVER] ^= 1;
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	*s = keep;
	s->id ^= 1;
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	*s = keep;
	ATF_CHECK_EQ(0, try("m", proof, &got, sig));
	end();
}

/* The password's; what an app password is proved by follows or goes. */
ATF_TC_WITHOUT_HEAD(of_password);
ATF_TC_BODY(of_password, tc)
{
	uint8_t proof[3][SEAL_SCRAM_KEY], sig[SEAL_SCRAM_KEY];
	uint8_t salt[SEAL_SCRAM_SALT];
	const uint8_t key[SEAL_KEY_LEN] = {1};
	char code[2][SEAL_CODE_SIZE];
	uint32_t before, id, got, n, scram, main = 0;

	begin();
	main = t.s->slot[0].id;
	before = app(NULL, code[0]);
	prove(code[0], first, "m", proof[0]);
	ATF_REQUIRE_EQ(0, try("m", proof[0], &got, sig));
	scram = password(NULL);
	ATF_CHECK_EQ(scram, seal_scram_of(t.s, main));
	ATF_CHECK_EQ(0u, seal_scram_of(t.s, before));
	stored(0);
	seal_scram_challenge(t.s, key, "somebody", salt, &n);
	ATF_CHECK_EQ(0, memcmp(salt, first, sizeof(salt)));
	ATF_CHECK_EQ(SEAL_SCRAM_PASSWORD, n);
	prove_by(HELPER_PASSWORD, first, n, "m", proof[1]);
	ATF_REQUIRE_EQ(0, try("m", proof[1], &got, sig));
	ATF_CHECK_EQ(main, got);
	/* With less work there is nothing to be had. */
	ATF_CHECK_EQ(EACCES, try("m", proof[0], &got, sig));
	prove(HELPER_PASSWORD, first, "m", proof[2]);
	ATF_CHECK_EQ(EACCES, try("m", proof[2], &got, sig));
	/* An app password from now on costs as much, and stays. */
	id = app(NULL, code[1]);
	prove_by(code[1], first, n, "m", proof[2]);
	ATF_REQUIRE_EQ(0, try("m", proof[2], &got, sig));
	ATF_CHECK_EQ(id, got);
	/* Another password: the old one proves nothing, written anew or not. */
	ATF_REQUIRE_EQ(0,
	    seal_slots_set(t.s, t.a, seal_ring_amk(t.r), main, "another", 7,
		&seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_CHECK_EQ(EACCES, try("m", proof[1], &got, sig));
	ATF_CHECK_EQ(0u, seal_scram_of(t.s, main));
	ATF_CHECK_EQ(scram, password("a third"));
	stored(1);
	ATF_CHECK_EQ(EACCES, try("m", proof[1], &got, sig));
	prove_by("a third", first, n, "m", proof[1]);
	ATF_REQUIRE_EQ(0, try("m", proof[1], &got, sig));
	ATF_CHECK_EQ(main, got);
	/* What cannot be prepared alike by all is none. */
	ATF_CHECK_EQ(-1,
	    seal_slots_scram(t.s, t.a, seal_ring_amk(t.r), main, "na\303\257ve",
		6, first, &got));
	ATF_CHECK_EQ(EINVAL, errno);
	/* Taken away: the iterations stay with the app password's. */
	ATF_REQUIRE_EQ(0, seal_scram_remove(t.s, main, true));
	stored(0);
	ATF_CHECK_EQ(EACCES, try("m", proof[1], &got, sig));
	ATF_CHECK_EQ(0, try("m", proof[2], &got, sig));
	seal_scram_challenge(t.s, key, "somebody", salt, &n);
	ATF_CHECK_EQ(SEAL_SCRAM_PASSWORD, n);
	ATF_REQUIRE_EQ(0, seal_slots_revoke(t.s, id));
	(void)app(NULL, code[0]);
	seal_scram_challenge(t.s, key, "somebody", salt, &n);
	ATF_CHECK_EQ(SEAL_SCRAM_ITERATIONS, n);
	end();
}

/* One host changes the password while the other lets it be proved. */
ATF_TC_WITHOUT_HEAD(of_hosts);
ATF_TC_BODY(of_hosts, tc)
{
	uint8_t proof[SEAL_SCRAM_KEY], sig[SEAL_SCRAM_KEY];
	struct seal_slots *other;
	uint32_t got;

	begin();
	prove_by(HELPER_PASSWORD, first, SEAL_SCRAM_PASSWORD, "m", proof);
	other = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(other != NULL);
	(void)password(NULL);
	ATF_REQUIRE_EQ(0, try("m", proof, &got, sig));
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, 0, t.s));
	ATF_REQUIRE_EQ(0,
	    seal_slots_set(other, t.a, seal_ring_amk(t.r), other->slot[0].id,
		"another", 7, &seal_kdf_low, SEAL_SCOPE_ALL, NULL));
	ATF_REQUIRE_EQ(0, seal_slots_save(t.fd, t.r, 1, other));
	seal_slots_free(other);
	seal_slots_free(t.s);
	t.s = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(t.s != NULL);
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	end();
}

/* Records from another process: what they were made from may be past. */
ATF_TC_WITHOUT_HEAD(imported);
ATF_TC_BODY(imported, tc)
{
	uint8_t record[2][SEAL_RECORD_MAX], late[2][SEAL_RECORD_MAX];
	uint8_t proof[SEAL_SCRAM_KEY], sig[SEAL_SCRAM_KEY];
	char code[SEAL_CODE_SIZE];
	struct seal_slots *vault;
	uint32_t id, was, got;
	ssize_t len[2], late_len[2];

	begin();
	vault = seal_slots_load(t.fd, t.a);
	ATF_REQUIRE(vault != NULL);
	id = app(NULL, code);
	prove(code, first, "m", proof);
	len[0] = seal_slots_export(t.s, id, record[0]);
	len[1] = seal_slots_export(t.s, seal_scram_of(t.s, id), record[1]);
	was = id;
	ATF_REQUIRE(len[0] > 0 && len[1] > 0);
	id = app(NULL, code);
	late_len[0] = seal_slots_export(t.s, id, late[0]);
	late_len[1] = seal_slots_export(t.s, seal_scram_of(t.s, id), late[1]);
	ATF_REQUIRE(late_len[0] > 0 && late_len[1] > 0);
	/* Not without its owner, and the owner not twice. */
	ATF_CHECK_EQ(
	    -1, seal_slots_import(vault, record[1], (size_t)len[1], &got));
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_REQUIRE_EQ(
	    0, seal_slots_import(vault, record[0], (size_t)len[0], &got));
	ATF_CHECK_EQ(was, got);
	ATF_CHECK_EQ(
	    -1, seal_slots_import(vault, record[0], (size_t)len[0], &got));
	ATF_REQUIRE_EQ(
	    0, seal_slots_import(vault, record[1], (size_t)len[1], &got));
	seal_slots_free(t.s);
	t.s = vault;
	ATF_CHECK_EQ(0, try("m", proof, &got, sig));
	ATF_CHECK_EQ(was, got);
	/* Meanwhile the password asks for more: that is not undone. */
	(void)password(NULL);
	ATF_CHECK_EQ(EACCES, try("m", proof, &got, sig));
	ATF_CHECK_EQ(
	    -1, seal_slots_import(t.s, record[1], (size_t)len[1], &got));
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_REQUIRE_EQ(
	    0, seal_slots_import(t.s, late[0], (size_t)late_len[0], &got));
	ATF_CHECK_EQ(
	    -1, seal_slots_import(t.s, late[1], (size_t)late_len[1], &got));
	ATF_CHECK_EQ(EAGAIN, errno);
	end();
}

/* Some names nobody has look as those do whose password is to be proved. */
ATF_TC_WITHOUT_HEAD(decoys);
ATF_TC_BODY(decoys, tc)
{
	const uint8_t key[SEAL_KEY_LEN] = {7};
	uint8_t salt[2][SEAL_SCRAM_SALT];
	uint32_t n[2], costly = 0;
	char name[32];

	for (int i = 0; i < 800; i++) {
		(void)snprintf(name, sizeof(name), "user%d@example.org", i);
		for (int k = 0; k < 2; k++)
			seal_scram_challenge(NULL, key, name, salt[k], &n[k]);
		ATF_CHECK_EQ(n[0], n[1]);
		ATF_CHECK_EQ(0, memcmp(salt[0], salt[1], sizeof(salt[0])));
		ATF_CHECK(n[0] == SEAL_SCRAM_ITERATIONS ||
		    n[0] == SEAL_SCRAM_PASSWORD);
		costly += n[0] == SEAL_SCRAM_PASSWORD;
	}
	ATF_CHECK_MSG(costly > 50 && costly < 200, "%u", costly);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rfc7677);
	ATF_TP_ADD_TC(tp, several);
	ATF_TP_ADD_TC(tp, nothing_else);
	ATF_TP_ADD_TC(tp, of_password);
	ATF_TP_ADD_TC(tp, of_hosts);
	ATF_TP_ADD_TC(tp, imported);
	ATF_TP_ADD_TC(tp, decoys);
	return atf_no_error();
}
