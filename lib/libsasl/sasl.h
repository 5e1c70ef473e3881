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
 * What clients say in AUTHENTICATE and AUTH: base64, and the messages of
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) and its binding "tls-exporter".  No
 * network, no key.
 */

#ifndef SASL_H
#define SASL_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define SASL_NAME_MAX 320 /* octets of a name, NUL included */

/* Strict, with its padding: the length, or -1.  to may have len octets. */
ssize_t base64_decode(const uint8_t *, size_t len, uint8_t *to);
/* NUL-terminated; size of to: 4 * ((len + 2) / 3) + 1. */
void base64_encode(const void *, size_t len, char *to);

#define SCRAM_TEXT_MAX 1024 /* octets of a message of a client */
#define SCRAM_NONCE_LEN 18  /* random octets of ours */
#define SCRAM_SALT_LEN 16
#define SCRAM_KEY_LEN 32
#define SCRAM_MESSAGE_MAX 4096 /* octets of an AuthMessage */

enum sasl_result {
	SASL_OK,
	SASL_MALFORMED,
	SASL_UNSUPPORTED, /* channel binding or an extension is asked for */
	SASL_OTHER_USER,  /* the authorization identity is another one */
};

enum scram_binding {
	SCRAM_UNBOUND, /* this server offers none */
	SCRAM_OFFERED, /* it does, and the client chose the mechanism without */
	SCRAM_EXPORTER, /* -PLUS: channel is what RFC 9266 says */
};

/*
 * A response of PLAIN (RFC 4616 section 2), decoded: name and secret are parts
 * of it, neither is terminated.
 */
enum sasl_result sasl_plain(const uint8_t *, size_t len, const char **name,
    size_t *name_len, const uint8_t **secret, size_t *secret_len);

struct scram {
	enum scram_binding
	    binding; /* both are the caller's, before the first */
	uint8_t channel[SCRAM_KEY_LEN];
	char name[SASL_NAME_MAX]; /* as the client has it */
	/* the GS2 header, and the channel */
	char cbind[4 * ((SCRAM_TEXT_MAX + SCRAM_KEY_LEN + 2) / 3) + 1];
	char bare[SCRAM_TEXT_MAX + 1];
	char nonce[SCRAM_TEXT_MAX + 32];  /* the client's and ours */
	char server[SCRAM_TEXT_MAX + 96]; /* the first message of ours */
	char message[SCRAM_MESSAGE_MAX];  /* AuthMessage */
	uint8_t proof[SCRAM_KEY_LEN];
};

/* The client's first message, decoded; our nonce is random octets. */
enum sasl_result scram_first(struct scram *, const uint8_t *, size_t len,
    const uint8_t nonce[SCRAM_NONCE_LEN]);
/* Our first message, to server. */
void scram_challenge(
    struct scram *, const uint8_t salt[SCRAM_SALT_LEN], uint32_t iterations);
/* The client's last message, decoded: message and proof are there. */
enum sasl_result scram_final(struct scram *, const uint8_t *, size_t len);

#endif
