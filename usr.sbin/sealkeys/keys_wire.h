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
 * The wires of sealkeys.  It reads no file: the parent sends it each key, and
 * engines ask it for signatures, one request at a time on a wire of their own.
 * A key is named by SHA-256 of its public half (SubjectPublicKeyInfo, DER).
 */

#ifndef KEYS_WIRE_H
#define KEYS_WIRE_H

#define KEYS_PEM_MAX 32768 /* octets of a key's file */
#define KEYS_MAX 64        /* keys at once */
#define KEYS_ID_LEN 32
#define KEYS_DIGEST_MAX 1024    /* octets to be signed: RSA 8192, padded */
#define KEYS_SIGNATURE_MAX 1024 /* octets of a signature: RSA 8192 */
#define KEYS_TIMEOUT_MS 5000    /* how long an engine waits */

/*
 * parent -> sealkeys: config messages, between PROC_RELOAD_BEGIN and
 * PROC_RELOAD_COMMIT.  At COMMIT the new set takes the old one's place.  A key
 * that cannot be read is logged by its name and left out.
 */
enum keys_config_message {
	KEYS_CONFIG_KEY = 0x100 /* str name, bytes PEM (KEYS_PEM_MAX) */
};

/* engine <-> sealkeys */
enum keys_message {
	/*
	 * Engine: u8 enum keys_how, raw id[KEYS_ID_LEN], bytes (at most
	 * KEYS_DIGEST_MAX) to be signed.  The message's id is echoed.
	 */
	KEYS_SIGN = 1,
	KEYS_SIGNED = 2, /* sealkeys: bytes signature (KEYS_SIGNATURE_MAX) */
	KEYS_REFUSED = 3 /* sealkeys: no such key, or not for this use */
};

enum keys_how {
	KEYS_RSA_PKCS1 = 1, /* DigestInfo, to be padded as PKCS #1 v1.5 */
	KEYS_RSA_RAW = 2,   /* padded already (PSS), as long as the modulus */
	KEYS_ECDSA = 3      /* a digest; the signature is DER */
};

#endif
