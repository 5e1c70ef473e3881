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
 * SASL messages; see sasl.h.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sasl.h"

#define PROOF_TEXT 44 /* octets of a proof in base64 */

static int
base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

ssize_t
base64_decode(const uint8_t *p, size_t len, uint8_t *to)
{
	uint32_t bits;
	size_t i, n, pad;
	int d;

	if (len % 4 != 0)
		return -1;
	pad = 0;
	while (pad < 2 && len > pad && p[len - 1 - pad] == '=')
		pad++;
	bits = 0;
	n = 0;
	for (i = 0; i < len - pad; i++) {
		d = base64_digit(p[i]);
		if (d == -1)
			return -1;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			to[n++] = (uint8_t)(bits >> 16);
			to[n++] = (uint8_t)(bits >> 8);
			to[n++] = (uint8_t)bits;
			bits = 0;
		}
	}
	if (pad == 1) {
		to[n++] = (uint8_t)(bits >> 10);
		to[n++] = (uint8_t)(bits >> 2);
	} else if (pad == 2)
		to[n++] = (uint8_t)(bits >> 4);
	return (ssize_t)n;
}

void
base64_encode(const void *data, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = data;
	uint32_t bits;

	for (; len > 0; p += 3) {
		bits = (uint32_t)p[0] << 16;
		if (len > 1)
			bits |= (uint32_t)p[1] << 8;
		if (len > 2)
			bits |= p[2];
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = '=';
		*to++ = '=';
		if (len > 1)
			to[-2] = digits[bits >> 6 & 63];
		if (len > 2)
			to[-1] = digits[bits & 63];
		len = len > 3 ? len - 3 : 0;
	}
	*to = '\0';
}

enum sasl_result
sasl_plain(const uint8_t *p, size_t len, const char **name, size_t *name_len,
    const uint8_t **secret, size_t *secret_len)
{
	const uint8_t *id, *end = p + len;

	id = memchr(p, '\0', len);
	if (id == NULL)
		return SASL_MALFORMED;
	*name = (const char *)++id;
	*secret = memchr(id, '\0', (size_t)(end - id));
	if (*secret == NULL)
		return SASL_MALFORMED;
	*name_len = (size_t)(*secret - id);
	*secret_len = (size_t)(end - ++*secret);
	if (*name_len == 0 || *secret_len == 0 ||
	    memchr(*secret, '\0', *secret_len) != NULL)
		return SASL_MALFORMED;
	/* authzid: whom he wants to act for, which is himself. */
	if (id - 1 != p &&
	    ((size_t)(id - 1 - p) != *name_len ||
		memcmp(p, id, *name_len) != 0))
		return SASL_OTHER_USER;
	return SASL_OK;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, nothing else begins so. */
static int
decode_name(const char *p, size_t len, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (n + 1 >= size || p[i] == '\0')
			return -1;
		if (p[i] != '=') {
			to[n++] = p[i];
			continue;
		}
		if (len - i < 3)
			return -1;
		if (memcmp(p + i, "=2C", 3) == 0)
			to[n++] = ',';
		else if (memcmp(p + i, "=3D", 3) == 0)
			to[n++] = '=';
		else
			return -1;
		i += 2;
	}
	to[n] = '\0';
	return n == 0 ? -1 : 0;
}

/*
 * gs2-cbind-flag and its comma (RFC 5802 section 6).  "y" to a server that
 * offers bindings: somebody has kept that from the client.
 */
static size_t
flag_len(const struct scram *s, const char *text, enum sasl_result *why)
{
	static const char exporter[] = "p=tls-exporter,";

	*why = SASL_UNSUPPORTED;
	if (text[0] == 'p' && text[1] == '=') {
		if (s->binding == SCRAM_EXPORTER &&
		    strncmp(text, exporter, sizeof(exporter) - 1) == 0)
			return sizeof(exporter) - 1;
		return 0;
	}
	if (text[0] == 'y' && text[1] == ',' && s->binding == SCRAM_OFFERED)
		return 0;
	*why = SASL_MALFORMED;
	if ((text[0] != 'n' && text[0] != 'y') || text[1] != ',')
		return 0;
	return s->binding == SCRAM_EXPORTER ? 0 : 2;
}

/* gs2-header: flag "," [authzid] ","; its octets, or 0 and why. */
static size_t
parse_header(const struct scram *s, const char *text, char *authzid,
    enum sasl_result *why)
{
	const char *p;
	size_t len;

	authzid[0] = '\0';
	p = text + flag_len(s, text, why);
	if (p == text)
		return 0;
	*why = SASL_MALFORMED;
	if (*p != ',') {
		len = strcspn(p, ",");
		if (strncmp(p, "a=", 2) != 0 ||
		    decode_name(p + 2, len - 2, authzid, SASL_NAME_MAX) == -1)
			return 0;
		p += len;
	}
	if (*p++ != ',')
		return 0;
	return (size_t)(p - text);
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

enum sasl_result
scram_first(struct scram *s, const uint8_t *data, size_t len,
    const uint8_t nonce[SCRAM_NONCE_LEN])
{
	char text[SCRAM_TEXT_MAX + 1], authzid[SASL_NAME_MAX];
	uint8_t bound[SCRAM_TEXT_MAX + SCRAM_KEY_LEN];
	enum sasl_result why;
	const char *p;
	size_t n;

	if (len > SCRAM_TEXT_MAX || memchr(data, '\0', len) != NULL)
		return SASL_MALFORMED;
	memcpy(text, data, len);
	text[len] = '\0';
	n = parse_header(s, text, authzid, &why);
	if (n == 0)
		return why;
	memcpy(bound, text, n);
	memcpy(bound + n, s->channel, sizeof(s->channel));
	base64_encode(bound,
	    s->binding == SCRAM_EXPORTER ? n + sizeof(s->channel) : n,
	    s->cbind);
	p = text + n;
	(void)snprintf(s->bare, sizeof(s->bare), "%s", p);
	if (strncmp(p, "m=", 2) == 0)
		return SASL_UNSUPPORTED;
	n = strcspn(p, ",");
	if (strncmp(p, "n=", 2) != 0 ||
	    decode_name(p + 2, n - 2, s->name, sizeof(s->name)) == -1 ||
	    strncmp(p + n, ",r=", 3) != 0)
		return SASL_MALFORMED;
	if (authzid[0] != '\0' && strcmp(authzid, s->name) != 0)
		return SASL_OTHER_USER;
	p += n + 3;
	n = nonce_len(p);
	if (n == 0 || (p[n] != '\0' && p[n] != ','))
		return SASL_MALFORMED;
	memcpy(s->nonce, p, n);
	base64_encode(nonce, SCRAM_NONCE_LEN, s->nonce + n);
	return SASL_OK;
}

void
scram_challenge(
    struct scram *s, const uint8_t salt[SCRAM_SALT_LEN], uint32_t iterations)
{
	char text[4 * ((SCRAM_SALT_LEN + 2) / 3) + 1];

	base64_encode(salt, SCRAM_SALT_LEN, text);
	(void)snprintf(s->server, sizeof(s->server), "r=%s,s=%s,i=%lu",
	    s->nonce, text, (unsigned long)iterations);
}

enum sasl_result
scram_final(struct scram *s, const uint8_t *data, size_t len)
{
	char text[2 * SCRAM_TEXT_MAX + 1], want[2 * SCRAM_TEXT_MAX + 64], *p;
	uint8_t proof[PROOF_TEXT];
	int n;

	if (len >= sizeof(text) || memchr(data, '\0', len) != NULL)
		return SASL_MALFORMED;
	memcpy(text, data, len);
	text[len] = '\0';
	n = snprintf(want, sizeof(want), "c=%s,r=%s", s->cbind, s->nonce);
	p = len < PROOF_TEXT + 3 ? NULL : text + len - PROOF_TEXT - 3;
	if (n < 0 || (size_t)n >= sizeof(want) || p == NULL || p < text + n ||
	    memcmp(text, want, (size_t)n) != 0 || (text[n] != ',') ||
	    strncmp(p, ",p=", 3) != 0 ||
	    base64_decode((const uint8_t *)p + 3, PROOF_TEXT, proof) !=
		SCRAM_KEY_LEN)
		return SASL_MALFORMED;
	memcpy(s->proof, proof, SCRAM_KEY_LEN);
	*p = '\0';
	n = snprintf(s->message, sizeof(s->message), "%s,%s,%s", s->bare,
	    s->server, text);
	return n < 0 || (size_t)n >= sizeof(s->message) ? SASL_MALFORMED :
							  SASL_OK;
}
