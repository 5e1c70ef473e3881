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
add(struct keyset *ks, EVP_PKEY *key)
{
	const char *wrong;
	char *pem;
	size_t len;

	pem = testkey_pem(key, NULL, &len);
	wrong = keyset_add(ks, (uint8_t *)pem, len);
	free(pem);
	return wrong;
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
	ks = keyset_new();
	/* The last line's end may be missing. */
	for (size_t n = 0; n < len - 1; n++) {
		ATF_CHECK_MSG(
		    keyset_add(ks, (uint8_t *)pem, n) != NULL, "cut at %zu", n);
	}
	ATF_CHECK_EQ(0, keyset_count(ks));
	ATF_CHECK(keyset_add(ks, (uint8_t *)pem, len - 1) == NULL);
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
	ATF_CHECK(keyset_add(ks, (uint8_t *)pem, len) != NULL);
	memset(big, '\n', sizeof(big));
	pem = testkey_pem(key, NULL, &len);
	memcpy(big, pem, len);
	ATF_CHECK(keyset_add(ks, big, sizeof(big)) != NULL);
	ATF_CHECK_EQ(0, keyset_count(ks));
	ATF_CHECK(keyset_add(ks, big, sizeof(big) - 1) == NULL);
	/* The same once more is one key. */
	ATF_CHECK(add(ks, key) == NULL);
	ATF_CHECK_EQ(1, keyset_count(ks));
	for (int i = 1; i < KEYS_MAX; i++)
		ATF_REQUIRE(add(ks, testkey_new("EC", 0)) == NULL);
	ATF_CHECK_EQ(KEYS_MAX, keyset_count(ks));
	ATF_CHECK(add(ks, testkey_new("EC", 0)) != NULL);
	keyset_free(ks);
	keyset_free(NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sign);
	ATF_TP_ADD_TC(tp, refuse);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, other_keys);
	return atf_no_error();
}
