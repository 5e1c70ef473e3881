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
 * Which keys are taken, and what they sign.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "../../../usr.sbin/sealkeys/keyset.h"

#include "testkeys.h"

static const char *
add_as(struct keyset *ks, const char *name, EVP_PKEY *key)
{
	const char *wrong;
	char *pem;
	size_t len;

	pem = testkey_pem(key, NULL, &len);
	wrong = keyset_add(ks, name, (uint8_t *)pem, len);
	free(pem);
	return wrong;
}

static const char *
add(struct keyset *ks, EVP_PKEY *key)
{
	return add_as(ks, "name", key);
}

ATF_TC_WITHOUT_HEAD(sign);
ATF_TC_BODY(sign, tc)
{
	uint8_t digest[32], id[KEYS_ID_LEN], req[KEYS_DIGEST_MAX];
	uint8_t sig[KEYS_SIGNATURE_MAX];
	struct keyset *ks;
	EVP_PKEY *keys[2], *key;
	size_t len, n;

	ks = keyset_new();
	keys[0] = testkey_new("RSA", 2048);
	keys[1] = testkey_new("EC", 0);
	for (int i = 0; i < 2; i++)
		ATF_REQUIRE(add(ks, keys[i]) == NULL);
	for (int how = KEYS_RSA_PKCS1; how <= KEYS_ECDSA; how++) {
		key = keys[how == KEYS_ECDSA];
		testkey_id(key, id);
		arc4random_buf(digest, sizeof(digest));
		len = testkey_request(key, how, digest, req);
		n = keyset_sign(ks, how, id, req, len, sig);
		ATF_REQUIRE(n > 0);
		ATF_CHECK(testkey_verify(key, how, digest, sig, n));
		digest[0] ^= 1;
		ATF_CHECK(!testkey_verify(key, how, digest, sig, n));
		/* Another key, or no key at all. */
		testkey_id(keys[how != KEYS_ECDSA], id);
		ATF_CHECK_EQ(0, keyset_sign(ks, how, id, req, len, sig));
		memset(id, 0, sizeof(id));
		ATF_CHECK_EQ(0, keyset_sign(ks, how, id, req, len, sig));
	}
	keyset_free(ks);
}

/* What no handshake asks for would decrypt or forge. */
ATF_TC_WITHOUT_HEAD(refuse);
ATF_TC_BODY(refuse, tc)
{
	uint8_t digest[32], id[KEYS_ID_LEN], req[KEYS_DIGEST_MAX];
	uint8_t sig[KEYS_SIGNATURE_MAX];
	struct keyset *ks;
	EVP_PKEY *key;
	size_t len;

	ks = keyset_new();
	key = testkey_new("RSA", 2048);
	ATF_REQUIRE(add(ks, key) == NULL);
	testkey_id(key, id);
	memset(digest, 7, sizeof(digest));
	len = testkey_request(key, KEYS_RSA_RAW, digest, req);
	ATF_CHECK(keyset_sign(ks, KEYS_RSA_RAW, id, req, len, sig) > 0);
	ATF_CHECK_EQ(0, keyset_sign(ks, KEYS_RSA_RAW, id, req, len - 1, sig));
	req[len - 1] ^= 1;
	ATF_CHECK_EQ(0, keyset_sign(ks, KEYS_RSA_RAW, id, req, len, sig));
	len = testkey_request(key, KEYS_RSA_PKCS1, digest, req);
	for (size_t n = 0; n <= len + 1; n++) {
		ATF_CHECK_EQ(n == len,
		    keyset_sign(ks, KEYS_RSA_PKCS1, id, req, n, sig) > 0);
	}
	ATF_CHECK_EQ(0, keyset_sign(ks, KEYS_ECDSA, id, req, 32, sig));
	ATF_CHECK_EQ(0, keyset_sign(ks, 0, id, req, 32, sig));
	ATF_CHECK_EQ(0, keyset_sign(ks, 99, id, req, 32, sig));

	key = testkey_new("EC", 0);
	ATF_REQUIRE(add(ks, key) == NULL);
	testkey_id(key, id);
	ATF_CHECK_EQ(0, keyset_sign(ks, KEYS_ECDSA, id, req, 19, sig));
	ATF_CHECK(keyset_sign(ks, KEYS_ECDSA, id, req, 64, sig) > 0);
	ATF_CHECK_EQ(0, keyset_sign(ks, KEYS_ECDSA, id, req, 65, sig));
	keyset_free(ks);
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	struct keyset *ks;
	EVP_PKEY *key;
	char *pem;
	size_t len;

	key = testkey_new("EC", 0);
	pem = testkey_pem(key, NULL, &len);
	/* The last line's end may be missing. */
	for (size_t n = 0; n < len - 1; n++) {
		ks = keyset_new();
		ATF_CHECK_MSG(keyset_add(ks, "name", (uint8_t *)pem, n) != NULL,
		    "cut at %zu", n);
		ATF_CHECK_EQ(0, keyset_count(ks));
		keyset_free(ks);
	}
	ks = keyset_new();
	ATF_CHECK(keyset_add(ks, "name", (uint8_t *)pem, len - 1) == NULL);
	ATF_CHECK_EQ(1, keyset_count(ks));
	keyset_free(ks);
}

ATF_TC_WITHOUT_HEAD(other_keys);
ATF_TC_BODY(other_keys, tc)
{
	static uint8_t big[KEYS_PEM_MAX + 1];
	struct keyset *ks;
	EVP_PKEY *key;
	char *pem;
	size_t len;

	ks = keyset_new();
	ATF_CHECK(add(ks, testkey_new("ED25519", 0)) != NULL);
	ATF_CHECK(add(ks, testkey_new("RSA", 1024)) != NULL);
	key = testkey_new("EC", 0);
	pem = testkey_pem(key, "secret", &len);
	ATF_CHECK(keyset_add(ks, "name", (uint8_t *)pem, len) != NULL);
	memset(big, '\n', sizeof(big));
	pem = testkey_pem(key, NULL, &len);
	memcpy(big, pem, len);
	ATF_CHECK(keyset_add(ks, "name", big, sizeof(big)) != NULL);
	ATF_CHECK_EQ(0, keyset_count(ks));
	ATF_CHECK(keyset_add(ks, "name", big, sizeof(big) - 1) == NULL);
	ATF_CHECK_EQ(1, keyset_count(ks));
	keyset_free(ks);
	ks = keyset_new();
	for (int i = 0; i < KEYS_MAX; i++)
		ATF_REQUIRE(add(ks, testkey_new("EC", 0)) == NULL);
	ATF_CHECK_EQ(KEYS_MAX, keyset_count(ks));
	ATF_CHECK(add(ks, testkey_new("EC", 0)) != NULL);
	keyset_free(ks);
	keyset_free(NULL);
}

static enum keys_have
have(struct keyset *ks, EVP_PKEY *key, time_t now)
{
	uint8_t id[KEYS_ID_LEN];

	testkey_id(key, id);
	return keyset_have(ks, id, now);
}

/* A set in place of old, whose name "a" has the key, or something else. */
static struct keyset *
next_set(struct keyset *old, EVP_PKEY *key, time_t now)
{
	struct keyset *ks;

	ks = keyset_new();
	if (key != NULL)
		ATF_CHECK(add_as(ks, "a", key) == NULL);
	else
		ATF_CHECK(keyset_add(ks, "a", (const uint8_t *)"x", 1) != NULL);
	keyset_inherit(ks, old, now);
	keyset_free(old);
	return ks;
}

/* A key stays until an engine has asked for the one in its place. */
ATF_TC_WITHOUT_HEAD(former);
ATF_TC_BODY(former, tc)
{
	struct keyset *ks;
	EVP_PKEY *key[4];

	for (int i = 0; i < 4; i++)
		key[i] = testkey_new("EC", 0);
	ks = next_set(NULL, key[0], 1000);
	/* Never asked for: nobody needs it. */
	ks = next_set(ks, key[1], 1000);
	ATF_CHECK_EQ(1, keyset_count(ks));
	ATF_CHECK_EQ(KEYS_HAVE_NOT, have(ks, key[0], 1000));
	ATF_CHECK_EQ(KEYS_HAVE_NOW, have(ks, key[1], 1000));
	/* Asked for: it stays through wrong ones and broken files. */
	ks = next_set(ks, key[2], 2000);
	ATF_CHECK_EQ(KEYS_HAVE_FORMER, have(ks, key[1], 2000));
	ks = next_set(ks, NULL, 3000);
	ATF_CHECK_EQ(KEYS_HAVE_FORMER, have(ks, key[1], 3000));
	ATF_CHECK_EQ(KEYS_HAVE_NOT, have(ks, key[2], 3000));
	ks = next_set(ks, key[3], 90000);
	ATF_CHECK_EQ(2, keyset_count(ks));
	ATF_CHECK_EQ(0, keyset_expire(ks, 90000));
	/* The new one is in use: a little later the old one is gone. */
	ATF_CHECK_EQ(KEYS_HAVE_NOW, have(ks, key[3], 90000));
	ATF_CHECK_EQ(KEYS_GRACE_S, keyset_expire(ks, 90000));
	ATF_CHECK_EQ(KEYS_HAVE_FORMER, have(ks, key[1], 90000));
	ks = next_set(ks, key[3], 90001);
	ATF_CHECK_EQ(KEYS_GRACE_S - 1, keyset_expire(ks, 90001));
	ATF_CHECK_EQ(1, keyset_expire(ks, 90000 + KEYS_GRACE_S - 1));
	ATF_CHECK_EQ(2, keyset_count(ks));
	ATF_CHECK_EQ(KEYS_HAVE_NOT, have(ks, key[1], 90000 + KEYS_GRACE_S));
	ATF_CHECK_EQ(1, keyset_count(ks));
	keyset_free(ks);
}

/* It comes back before its successor was used. */
ATF_TC_WITHOUT_HEAD(comes_back);
ATF_TC_BODY(comes_back, tc)
{
	struct keyset *ks, *none;
	EVP_PKEY *key[2];

	key[0] = testkey_new("EC", 0);
	key[1] = testkey_new("EC", 0);
	ks = next_set(NULL, key[0], 10);
	ATF_CHECK_EQ(KEYS_HAVE_NOW, have(ks, key[0], 10));
	ks = next_set(ks, key[1], 20);
	ks = next_set(ks, key[0], 30);
	ATF_CHECK_EQ(1, keyset_count(ks));
	ATF_CHECK_EQ(KEYS_HAVE_NOW, have(ks, key[0], 30));
	/* Its name has left the configuration. */
	none = keyset_new();
	keyset_inherit(none, ks, 40);
	ATF_CHECK_EQ(0, keyset_count(none));
	keyset_free(none);
	keyset_free(ks);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sign);
	ATF_TP_ADD_TC(tp, refuse);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, other_keys);
	ATF_TP_ADD_TC(tp, former);
	ATF_TP_ADD_TC(tp, comes_back);
	return atf_no_error();
}
