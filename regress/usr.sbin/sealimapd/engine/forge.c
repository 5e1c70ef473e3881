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
 * Delivers a message whose summary is forged, as whoever holds an account's
 * public delivery key could:
 *
 *	forge BASE-DIRECTORY ACCOUNT MESSAGE KIND [NUMBER]
 *
 * KIND: true (the real summary), none, garbage, short (cut off in the middle),
 * long (octets behind it), other (of another message), flip (NUMBER is the
 * seed of which octets change), set (octet NUMBER, from the end round to the
 * beginning, becomes another, and the sum is put right: only what the fields
 * mean can give it away), zip (says it is compressed, and is not).
 * Of the body: deflate, zstd (give BOMB octets and claim a chunk), less (gives
 * a message of that length where a chunk is claimed), packed (says it is
 * compressed, and is not).
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "mime.h"
#include "mime_local.h"
#include "store.h"

#define MESSAGE_MAX STORE_CHUNK /* one chunk */
#define BOMB (48 * 1024 * 1024)
#define CODEC_DEFLATE 1
#define CODEC_ZSTD 2

static uint8_t message[MESSAGE_MAX];
static uint8_t summary[MIME_SUMMARY_MAX + 100];
static size_t len, summary_len;
static bool zip;
static bool body_packed;
static size_t body_claim; /* 0: the truth */
static uint8_t codec = CODEC_DEFLATE;

static void
summary_make(const void *p, size_t n)
{
	struct mime_parser *parser;
	const uint8_t *octets;

	parser = mime_parser_new();
	if (parser == NULL)
		err(1, "parser");
	mime_parser_feed(parser, p, n);
	octets = mime_parser_finish(parser, &summary_len);
	if (octets == NULL)
		err(1, "summary");
	memcpy(summary, octets, summary_len);
	mime_parser_free(parser);
}

/* Each octet in turn, then each with the next value. */
static void
forge_octet(unsigned int number)
{
	static const uint8_t values[] = {0, 1, 0xff, '\r', '"', 0x80, 40};
	size_t at, round;

	at = SUM_HEADER - 1 + number % (summary_len - SUM_HEADER + 1);
	round = number / (summary_len - SUM_HEADER + 1) + number;
	summary[at] = values[round % sizeof(values)];
	put32(summary + 12, sum_check(summary, summary_len));
}

/* So many zeros in place of the message. */
static void
forge_bomb(size_t plain)
{
	uLongf n = sizeof(message);
	uint8_t *zeros;

	zeros = calloc(1, plain);
	if (zeros == NULL)
		err(1, "bomb");
	if (codec == CODEC_ZSTD)
		len = ZSTD_compress(message, sizeof(message), zeros, plain, 19);
	else if (compress2(message, &n, zeros, plain, 9) == Z_OK)
		len = n;
	else
		len = SIZE_MAX;
	if (len > sizeof(message))
		errx(1, "the bomb does not fit");
	free(zeros);
}

static void
forge_body(const char *kind)
{
	codec = strcmp(kind, "zstd") == 0 ? CODEC_ZSTD : CODEC_DEFLATE;
	body_packed = true;
	body_claim = STORE_CHUNK;
	if (strcmp(kind, "packed") == 0)
		body_claim = len;
	else
		forge_bomb(strcmp(kind, "less") == 0 ? len : BOMB);
}

static void
forge(const char *kind, unsigned int number)
{
	static const char other[] =
	    "Subject: other\r\nContent-Type: multipart/mixed; "
	    "boundary=q\r\n\r\n"
	    "--q\r\n\r\none\r\n--q\r\n\r\ntwo\r\n--q--\r\n";
	uint32_t x;
	int i;

	if (strcmp(kind, "none") == 0)
		summary_len = 0;
	else if (strcmp(kind, "garbage") == 0) {
		for (i = 0; i < 300; i++)
			summary[i] = (uint8_t)(i * 7 + 1);
		summary_len = 300;
	} else if (strcmp(kind, "short") == 0)
		summary_len /= 2;
	else if (strcmp(kind, "long") == 0) {
		memset(summary + summary_len, 0, 50);
		summary_len += 50;
	} else if (strcmp(kind, "other") == 0)
		summary_make(other, sizeof(other) - 1);
	else if (strcmp(kind, "zip") == 0)
		zip = true;
	else if (strcmp(kind, "flip") == 0) {
		x = number * 2654435761U + 1;
		for (i = 0; i < 4; i++) {
			x = x * 1664525 + 1013904223;
			summary[(x >> 8) % summary_len] ^= (uint8_t)(1U
			    << (x >> 29));
		}
	} else if (strcmp(kind, "set") == 0)
		forge_octet(number);
	else if (strcmp(kind, "deflate") == 0 || strcmp(kind, "zstd") == 0 ||
	    strcmp(kind, "less") == 0 || strcmp(kind, "packed") == 0)
		forge_body(kind);
	else if (strcmp(kind, "true") != 0)
		errx(1, "kind: %s", kind);
}

static enum store_result
blob_write(struct store_blob *blob)
{
	struct store_chunk c = {0};
	struct store_envelope env = {0};
	enum store_result result;

	c.kind = STORE_BODY;
	c.compressed = body_packed;
	c.len = len;
	c.plain = (uint32_t)(body_claim != 0 ? body_claim : len);
	c.data = message;
	result = store_blob_chunk(blob, &c);
	c.kind = STORE_SUMMARY;
	c.compressed = zip;
	c.len = summary_len;
	c.plain = (uint32_t)summary_len;
	c.data = summary;
	if (result == STORE_OK && summary_len > 0)
		result = store_blob_chunk(blob, &c);
	env.from = "forger@example.net";
	env.to = env.hint = env.verdict = "";
	env.date = 1700000000;
	arc4random_buf(env.delivery_id, sizeof(env.delivery_id));
	return result == STORE_OK ? store_blob_finish(blob, &env) : result;
}

static void
deliver(const char *dir, const char *account)
{
	struct store_rcpt *rcpt;
	struct store_blob *blob;
	enum store_result result;
	int base;

	base = open(dir, O_RDONLY | O_DIRECTORY);
	if (base == -1)
		err(1, "%s", dir);
	result = store_rcpt_open(base, account, &rcpt);
	if (result != STORE_OK)
		errx(1, "%s: result %d", account, result);
	result = store_blob_create(rcpt, codec, &blob);
	store_rcpt_free(rcpt);
	if (result == STORE_OK)
		result = blob_write(blob);
	if (result == STORE_OK)
		result = store_blob_sync(base, &blob, 1);
	if (result != STORE_OK)
		errx(1, "delivery: result %d", result);
	store_blob_free(blob);
	(void)close(base);
}

int
main(int argc, char **argv)
{
	FILE *f;

	if (argc < 5)
		errx(1, "usage: forge DIR ACCOUNT MESSAGE KIND [NUMBER]");
	f = fopen(argv[3], "r");
	if (f == NULL)
		err(1, "%s", argv[3]);
	len = fread(message, 1, sizeof(message), f);
	(void)fclose(f);
	summary_make(message, len);
	forge(argv[4], argc > 5 ? (unsigned int)atoi(argv[5]) : 0);
	deliver(argv[1], argv[2]);
	return 0;
}
