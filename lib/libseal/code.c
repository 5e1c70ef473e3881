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
 * Codes: what stands for a secret of 128 random bits on paper or in a mail
 * program's settings.  A code carries the id of its slot, so that one try costs
 * one derivation, and 20 bits of check, so that a slip of the pen is told.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "slot_local.h"

#define CODE_CONTEXT "sealmail code"
#define CODE_PAYLOAD (4 + CODE_SECRET_LEN) /* slot id, secret */
#define CODE_SYMBOLS 32                    /* of the payload */
#define CODE_GROUP 4
#define PASSWORD_SYMBOLS 24

/* Crockford's alphabet: no i, l, o, u. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static int
symbol_value(char c)
{
	const char *p;

	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	if (c == 'o')
		c = '0';
	if (c == 'i' || c == 'l')
		c = '1';
	if (c == '\0' || (p = strchr(alphabet, c)) == NULL)
		return -1;
	return (int)(p - alphabet);
}

/* The four check symbols, as values. */
static void
code_check(enum seal_slot_kind kind, const uint8_t payload[CODE_PAYLOAD],
    uint8_t check[CODE_GROUP])
{
	crypto_generichash_state st;
	uint8_t sum[16], k;

	k = (uint8_t)kind;
	crypto_generichash_init(&st, NULL, 0, sizeof(sum));
	crypto_generichash_update(
	    &st, (const uint8_t *)CODE_CONTEXT, sizeof(CODE_CONTEXT) - 1);
	crypto_generichash_update(&st, &k, 1);
	crypto_generichash_update(&st, payload, CODE_PAYLOAD);
	crypto_generichash_final(&st, sum, sizeof(sum));
	explicit_bzero(&st, sizeof(st));
	for (int i = 0; i < CODE_GROUP; i++)
		check[i] = sum[i] & 31;
}

static void
symbols_pack(const uint8_t *values, uint8_t *out, size_t len)
{
	uint32_t acc = 0;
	unsigned int bits = 0;

	for (size_t n = 0; n < len; values++) {
		acc = (acc << 5 | *values) & 0xffff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(acc >> bits);
		}
	}
}

static void
symbols_unpack(const uint8_t *in, uint8_t *values, size_t n)
{
	uint32_t acc = 0;
	unsigned int bits = 0;

	for (size_t i = 0; i < n; i++) {
		if (bits < 5) {
			acc = (acc << 8 | *in++) & 0xffff;
			bits += 8;
		}
		bits -= 5;
		values[i] = acc >> bits & 31;
	}
}

/* Values as symbols in groups. */
static void
symbols_print(const uint8_t *values, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i % CODE_GROUP == 0)
			*out++ = '-';
		*out++ = alphabet[values[i]];
	}
	*out = '\0';
}

void
code_format(enum seal_slot_kind kind, uint32_t id,
    const uint8_t secret[CODE_SECRET_LEN], char code[SEAL_CODE_SIZE])
{
	uint8_t payload[CODE_PAYLOAD], values[SEAL_CODE_LEN];

	put_be32(payload, id);
	memcpy(payload + 4, secret, CODE_SECRET_LEN);
	symbols_unpack(payload, values, CODE_SYMBOLS);
	code_check(kind, payload, values + CODE_SYMBOLS);
	symbols_print(values, SEAL_CODE_LEN, code);
	explicit_bzero(payload, sizeof(payload));
	explicit_bzero(values, sizeof(values));
}

enum seal_code
code_parse(const char *text, size_t len, enum seal_slot_kind *kind,
    uint32_t *id, uint8_t secret[CODE_SECRET_LEN])
{
	static const enum seal_slot_kind kinds[] = {
	    SEAL_SLOT_APP, SEAL_SLOT_RECOVERY};
	uint8_t values[SEAL_CODE_LEN], payload[CODE_PAYLOAD];
	uint8_t check[CODE_GROUP];
	enum seal_code ret = SEAL_CODE_NONE;
	size_t n = 0;
	int v;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-' || text[i] == ' ')
			continue;
		v = symbol_value(text[i]);
		if (v == -1 || n == SEAL_CODE_LEN)
			goto done;
		values[n++] = (uint8_t)v;
	}
	if (n != SEAL_CODE_LEN)
		goto done;
	ret = SEAL_CODE_TYPO;
	symbols_pack(values, payload, sizeof(payload));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		code_check(kinds[i], payload, check);
		if (memcmp(check, values + CODE_SYMBOLS, sizeof(check)) != 0)
			continue;
		*kind = kinds[i];
		*id = get_be32(payload);
		if (secret != NULL)
			memcpy(secret, payload + 4, CODE_SECRET_LEN);
		ret = SEAL_CODE_VALID;
		break;
	}
done:
	explicit_bzero(values, sizeof(values));
	explicit_bzero(payload, sizeof(payload));
	return ret;
}

enum seal_code
seal_code_parse(
    const char *text, size_t len, enum seal_slot_kind *kind, uint32_t *slot_id)
{
	return code_parse(text, len, kind, slot_id, NULL);
}

bool
seal_password_short(const void *password, size_t len)
{
	const uint8_t *p = password;
	size_t i, n = 0;

	for (i = 0; i < len && n < SEAL_PASSWORD_MIN; i++)
		n += (p[i] & 0xc0) != 0x80;
	return n < SEAL_PASSWORD_MIN;
}

void
seal_password_make(char buf[SEAL_PASSWORD_SIZE])
{
	uint8_t raw[PASSWORD_SYMBOLS * 5 / 8], values[PASSWORD_SYMBOLS];

	randombytes_buf(raw, sizeof(raw));
	symbols_unpack(raw, values, PASSWORD_SYMBOLS);
	symbols_print(values, PASSWORD_SYMBOLS, buf);
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(values, sizeof(values));
}
