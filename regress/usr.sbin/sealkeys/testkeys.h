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
 * Keys made for a test, and whether a signature was made with one.
 */

#ifndef TESTKEYS_H
#define TESTKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "../../../usr.sbin/sealkeys/keys_wire.h"

/* type: "RSA", "EC", "ED25519"; bits of an RSA key. */
EVP_PKEY *testkey_new(const char *type, int bits);
void testkey_id(EVP_PKEY *, uint8_t id[KEYS_ID_LEN]);
/* PEM, NUL-terminated; with a password unless NULL. */
char *testkey_pem(EVP_PKEY *, const char *password, size_t *len);
/*
 * What a handshake would have signed of this SHA-256 digest, and whether sig is
 * the signature of it.
 */
size_t testkey_request(EVP_PKEY *, enum keys_how, const uint8_t digest[32],
    uint8_t out[KEYS_DIGEST_MAX]);
bool testkey_verify(EVP_PKEY *, enum keys_how, const uint8_t digest[32],
    const uint8_t *sig, size_t len);

#endif
