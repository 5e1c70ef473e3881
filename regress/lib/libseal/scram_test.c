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
	uint32_t id;

	ATF_REQUIRE_EQ(0,
	    seal_slots_code(t.s, t.a, seal_ring_amk(t.r), SEAL_SLOT_APP,
		SEAL_SCOPE_IMAP, "", code, &id));
	ATF_REQUIRE_EQ(0,
	    seal_slots_scram(
		t.s, t.a, seal_ring_amk(t.r), id, text == NULL ? code : text));
	return id;
}

/* The client's side of it, by the definitions of RFC 5802 section 3. */
static void
prove(const char *password, const uint8_t *salt, const char *message,
    uint8_t proof[SEAL_SCRAM_KEY])
{
	crypto_auth_hmacsha256_state st;
	uint8_t salted[32], u[32], client[32], key[32], sig[32];
	static const uint8_t one[4] = {0, 0, 0, 1};

	for (int i = 0; i < SEAL_SCRAM_ITERATIONS; i++) {
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

static int
try(const char *message, const uint8_t *proof, uint32_t *id, uint8_t *sig)
{
	uint8_t amk[SEAL_KEY_LEN];
	struct seal_slot_info info;

	if (seal_scram_try(t.s, t.a, message, strlen(message), proof, amk,
		&info, sig) == -1)
		return errno;
	ATF_CHECK_EQ(0, memcmp(amk, seal_ring_amk(t.r), sizeof(amk)));
	ATF_CHECK_EQ(SEAL_SLOT_APP, info.kind);
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
	ATF_CHECK_EQ(SEAL_SCRAM_ITERATIONS, n);
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
	ATF_CHECK(memcmp(salt, again, sizeof(salt)) != 0);
	for (int i = 0; i < 2; i++) {
		prove(code[i], again, "m", proof[i]);
		ATF_REQUIRE_EQ(0, try("m", proof[i], &got, sig));
		ATF_CHECK_EQ(id[i], got);
	}
	/* Only an app password has one; and it goes with it. */
	ATF_CHECK_EQ(-1,
	    seal_slots_scram(
		t.s, t.a, seal_ring_amk(t.r), t.s->slot[0].id, "x"));
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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rfc7677);
	ATF_TP_ADD_TC(tp, several);
	ATF_TP_ADD_TC(tp, nothing_else);
	return atf_no_error();
}
