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
 * The client of SCRAM-SHA-256 (RFC 5802, RFC 7677), which knows the password.
 * Its rounds come in pieces, so that an event loop is not held.  No network.
 */

#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "sasl.h"

#define SCRAM_ROUNDS_MIN 4096    /* RFC 7677 4 */
#define SCRAM_ROUNDS_MAX 2000000 /* a server that wants more is refused */
#define SCRAM_SALT_MAX 64        /* octets of a server's salt */
#define SCRAM_LINE_MAX 2560      /* octets of a message of ours, and NUL */

struct scram_client {
	/*
	 * The caller's, before the first.  UNBOUND: there is no channel;
	 * OFFERED: there is one, and the server offers no binding to it.
	 */
	enum scram_binding binding;
	uint8_t channel[SCRAM_KEY_LEN];
	char nonce[64];
	char bare[SCRAM_TEXT_MAX + 1];
	char server[SCRAM_TEXT_MAX + 1]; /* its first message */
	char last[SCRAM_LINE_MAX];       /* ours, without the proof */
	uint32_t left;                   /* rounds */
	uint8_t round[SCRAM_KEY_LEN];
	uint8_t key[SCRAM_KEY_LEN]; /* SaltedPassword, in the end */
	uint8_t signature[SCRAM_KEY_LEN];
	crypto_auth_hmacsha256_state hmac; /* that has the password */
};

/*
 * Our first message, for a nonce of printable ASCII without commas; -1: one of
 * both is too long.  Names and passwords are taken as they are: those with
 * octets above 127 would have to be prepared (RFC 4013) and are not for this.
 */
int scram_client_first(struct scram_client *, const char *name,
    const char *nonce, char *out, size_t size);
/* The server's first message, decoded.  Then come the rounds. */
enum sasl_result scram_client_challenge(struct scram_client *, const uint8_t *,
    size_t len, const char *password, size_t password_len);
/* At most so many rounds; true: all are done. */
bool scram_client_rounds(struct scram_client *, uint32_t);
/* Our last message; -1: it does not fit. */
int scram_client_last(struct scram_client *, char *out, size_t size);
/* The server's last message, decoded: does it know the password, too? */
bool scram_client_sure(const struct scram_client *, const uint8_t *, size_t);
void scram_client_clear(struct scram_client *);

#endif
