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
 *
 * It also makes the keys that session tickets are sealed with, so that all
 * engines of a daemon take each other's: it parses nothing that comes from
 * outside, outlives engines, and no file or configuration has them.
 */

#ifndef KEYS_WIRE_H
#define KEYS_WIRE_H

#define KEYS_PEM_MAX 32768 /* octets of a key's file */
#define KEYS_MAX 64        /* keys at once */
#define KEYS_ID_LEN 32
#define KEYS_DIGEST_MAX 1024    /* octets to be signed: RSA 8192, padded */
#define KEYS_SIGNATURE_MAX 1024 /* octets of a signature: RSA 8192 */
#define KEYS_TIMEOUT_MS 5000    /* how long an engine waits */
#define KEYS_NAME_MAX 256       /* of a certificate's name, NUL included */

/* Keys of tickets: two of them new enough to be accepted, one in use. */
#define KEYS_TICKETS 3
#define KEYS_TICKET_NAME 16 /* octets that a ticket begins with */
#define KEYS_TICKET_KEY 64  /* of AES-256 and HMAC-SHA-256, 32 each */
#define KEYS_TICKET_LIFE_MIN 4
#define KEYS_TICKET_LIFE_MAX 86400

/*
 * parent -> sealkeys: config messages, between PROC_RELOAD_BEGIN and
 * PROC_RELOAD_COMMIT.  At COMMIT the new set takes the old one's place.  A key
 * that cannot be read is logged by its name and left out.  The key that a name
 * had stays until an engine has asked for the new one (KEYS_HAVE), and
 * KEYS_GRACE_S beyond: until then certificates of before are served.
 */
enum keys_config_message {
	KEYS_CONFIG_KEY = 0x100, /* str name, bytes PEM (KEYS_PEM_MAX) */
	/* u32 generation of the configuration, u32 seconds a ticket lives */
	KEYS_CONFIG_BASE = 0x101
};

#define KEYS_GRACE_S 60

/* engine <-> sealkeys */
enum keys_message {
	/*
	 * Engine: u8 enum keys_how, raw id[KEYS_ID_LEN], bytes (at most
	 * KEYS_DIGEST_MAX) to be signed.  The message's id is echoed.
	 */
	KEYS_SIGN = 1,
	KEYS_SIGNED = 2,  /* sealkeys: bytes signature (KEYS_SIGNATURE_MAX) */
	KEYS_REFUSED = 3, /* sealkeys: no such key, or not for this use */
	/* Engine: raw id[KEYS_ID_LEN]: is this key there? */
	KEYS_HAVE = 4,
	/*
	 * sealkeys: u32 generation (of the configuration that it has), u8 enum
	 * keys_have.  The message's id is echoed.
	 */
	KEYS_HAVE_IS = 5,
	/*
	 * sealkeys, unasked, when a wire is new and whenever the keys change
	 * (id 0): u8 n (KEYS_TICKETS at most), then n times, the newest first:
	 * raw name[KEYS_TICKET_NAME], raw key[KEYS_TICKET_KEY], u32 seconds
	 * for which new tickets may be made with it, u32 for which they are
	 * accepted.
	 */
	KEYS_TICKETS_ARE = 6,
	/*
	 * Engine: descriptor: a wire of a child of its own, which gets no keys
	 * of tickets.  Not answered.
	 */
	KEYS_WIRE = 7
};

enum keys_have {
	KEYS_HAVE_NOT = 0,
	KEYS_HAVE_NOW = 1,   /* it is what the configuration names */
	KEYS_HAVE_FORMER = 2 /* a name had it before */
};

enum keys_how {
	KEYS_RSA_PKCS1 = 1, /* DigestInfo, to be padded as PKCS #1 v1.5 */
	KEYS_RSA_RAW = 2,   /* padded already (PSS), as long as the modulus */
	KEYS_ECDSA = 3      /* a digest; the signature is DER */
};

#endif
