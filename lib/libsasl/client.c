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
 * The client of SCRAM; see sasl_client.h.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "sasl_client.h"

#define KEY_TEXT 44 /* octets of a key in base64 */

static int name_print(const char *, char *, size_t);
static int bound_print(struct scram_client *, char *, size_t);
static size_t nonce_len(const char *);
static int rounds_parse(const char *, uint32_t *);

int
scram_client_first(struct scram_client *c, const char *name, const char *nonce,
    char *out, size_t size)
{
	static const char *const headers[] = {
	    [SCRAM_UNBOUND] = "n,,",
	    [SCRAM_OFFERED] = "y,,",
	    [SCRAM_EXPORTER] = "p=tls-exporter,,",
	};
	char text[SASL_NAME_MAX * 3];
	int n;

	if (strlcpy(c->nonce, nonce, sizeof(c->nonce)) >= sizeof(c->nonce) ||
	    name_print(name, text, sizeof(text)) == -1)
		return -1;
	n = snprintf(c->bare, sizeof(c->bare), "n=%s,r=%s", text, nonce);
	if (n < 0 || (size_t)n >= sizeof(c->bare))
		return -1;
	n = snprintf(out, size, "%s%s", headers[c->binding], c->bare);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

/*
 * The nonce goes on from ours: otherwise somebody plays an old exchange.  What
 * follows the rounds are extensions, which may be passed over.
 */
enum sasl_result
scram_client_challenge(struct scram_client *c, const uint8_t *data, size_t len,
    const char *password, size_t password_len)
{
	static const uint8_t first_block[4] = {0, 0, 0, 1};
	char bound[SCRAM_TEXT_MAX];
	uint8_t salt[SCRAM_TEXT_MAX];
	crypto_auth_hmacsha256_state hmac;
	const char *p;
	ssize_t salt_len;
	size_t n;

	if (len > SCRAM_TEXT_MAX || memchr(data, '\0', len) != NULL)
		return SASL_MALFORMED;
	memcpy(c->server, data, len);
	c->server[len] = '\0';
	p = c->server;
	if (strncmp(p, "m=", 2) == 0)
		return SASL_UNSUPPORTED;
	n = strncmp(p, "r=", 2) == 0 ? nonce_len(p + 2) : 0;
	if (n <= strlen(c->nonce) ||
	    strncmp(p + 2, c->nonce, strlen(c->nonce)) != 0 ||
	    bound_print(c, bound, sizeof(bound)) == -1)
		return SASL_MALFORMED;
	(void)snprintf(
	    c->last, sizeof(c->last), "c=%s,r=%.*s", bound, (int)n, p + 2);
	p += 2 + n;
	if (strncmp(p, ",s=", 3) != 0)
		return SASL_MALFORMED;
	n = strcspn(p + 3, ",");
	salt_len = base64_decode((const uint8_t *)p + 3, n, salt);
	if (salt_len < 1 || salt_len > SCRAM_SALT_MAX)
		return SASL_MALFORMED;
	p += 3 + n;
	if (strncmp(p, ",i=", 3) != 0 || rounds_parse(p + 3, &c->left) == -1)
		return SASL_MALFORMED;
	if (c->left < SCRAM_ROUNDS_MIN || c->left > SCRAM_ROUNDS_MAX)
		return SASL_UNSUPPORTED;
	/* PBKDF2 (RFC 8018 5.2), its one block. */
	crypto_auth_hmacsha256_init(
	    &c->hmac, (const uint8_t *)password, password_len);
	hmac = c->hmac;
	crypto_auth_hmacsha256_update(&hmac, salt, (size_t)salt_len);
	crypto_auth_hmacsha256_update(&hmac, first_block, sizeof(first_block));
	crypto_auth_hmacsha256_final(&hmac, c->round);
	memcpy(c->key, c->round, sizeof(c->key));
	c->left--;
	explicit_bzero(&hmac, sizeof(hmac));
	return SASL_OK;
}

bool
scram_client_rounds(struct scram_client *c, uint32_t n)
{
	crypto_auth_hmacsha256_state hmac;

	for (; n > 0 && c->left > 0; n--, c->left--) {
		hmac = c->hmac;
		crypto_auth_hmacsha256_update(
		    &hmac, c->round, sizeof(c->round));
		crypto_auth_hmacsha256_final(&hmac, c->round);
		for (size_t i = 0; i < sizeof(c->key); i++)
			c->key[i] ^= c->round[i];
	}
	explicit_bzero(&hmac, sizeof(hmac));
	return c->left == 0;
}

/* RFC 5802 3 */
int
scram_client_last(struct scram_client *c, char *out, size_t size)
{
	char message[SCRAM_MESSAGE_MAX], text[KEY_TEXT + 1];
	uint8_t key[SCRAM_KEY_LEN], stored[SCRAM_KEY_LEN];
	uint8_t signature[SCRAM_KEY_LEN];
	int n;

	n = snprintf(
	    message, sizeof(message), "%s,%s,%s", c->bare, c->server, c->last);
	if (n < 0 || (size_t)n >= sizeof(message))
		return -1;
	crypto_auth_hmacsha256(key, (const uint8_t *)"Client Key", 10, c->key);
	crypto_hash_sha256(stored, key, sizeof(key));
	crypto_auth_hmacsha256(
	    signature, (const uint8_t *)message, (size_t)n, stored);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] ^= signature[i];
	base64_encode(key, sizeof(key), text);
	crypto_auth_hmacsha256(key, (const uint8_t *)"Server Key", 10, c->key);
	crypto_auth_hmacsha256(
	    c->signature, (const uint8_t *)message, (size_t)n, key);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(signature, sizeof(signature));
	n = snprintf(out, size, "%s,p=%s", c->last, text);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

bool
scram_client_sure(const struct scram_client *c, const uint8_t *data, size_t len)
{
	uint8_t got[KEY_TEXT];

	return len >= 2 + KEY_TEXT && memcmp(data, "v=", 2) == 0 &&
	    (len == 2 + KEY_TEXT || data[2 + KEY_TEXT] == ',') &&
	    base64_decode(data + 2, KEY_TEXT, got) == SCRAM_KEY_LEN &&
	    sodium_memcmp(got, c->signature, SCRAM_KEY_LEN) == 0;
}

void
scram_client_clear(struct scram_client *c)
{
	explicit_bzero(c, sizeof(*c));
}

/* saslname: no comma and no equals sign as they are. */
static int
name_print(const char *name, char *out, size_t size)
{
	size_t n, len;

	if (*name == '\0')
		return -1;
	for (n = 0; *name != '\0'; name++) {
		len = *name == ',' || *name == '=' ? 3 : 1;
		if (len >= size - n)
			return -1;
		if (len == 3)
			memcpy(out + n, *name == ',' ? "=2C" : "=3D", 3);
		else
			out[n] = *name;
		n += len;
	}
	out[n] = '\0';
	return 0;
}

/* The GS2 header, and the channel, in base64. */
static int
bound_print(struct scram_client *c, char *out, size_t size)
{
	static const char header[] = "p=tls-exporter,,";
	uint8_t bound[sizeof(header) - 1 + SCRAM_KEY_LEN];

	if (size < 4 * ((sizeof(bound) + 2) / 3) + 1)
		return -1;
	if (c->binding != SCRAM_EXPORTER) {
		base64_encode(
		    c->binding == SCRAM_OFFERED ? "y,," : "n,,", 3, out);
		return 0;
	}
	memcpy(bound, header, sizeof(header) - 1);
	memcpy(bound + sizeof(header) - 1, c->channel, SCRAM_KEY_LEN);
	base64_encode(bound, sizeof(bound), out);
	return 0;
}

/* A nonce: printable ASCII but no comma. */
static size_t
nonce_len(const char *p)
{
	size_t n;

	for (n = 0; p[n] > 0x20 && p[n] < 0x7f && p[n] != ','; n++)
		;
	return n;
}

/* posit-number, up to the end or a comma; one that is too large is UINT32_MAX
 */
static int
rounds_parse(const char *p, uint32_t *rounds)
{
	uint32_t n;

	if (*p < '1' || *p > '9')
		return -1;
	for (n = 0; *p >= '0' && *p <= '9'; p++)
		n = n > SCRAM_ROUNDS_MAX ? UINT32_MAX :
					   n * 10 + (uint32_t)(*p - '0');
	*rounds = n;
	return *p == '\0' || *p == ',' ? 0 : -1;
}
