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
 * Mail addresses in log lines.  In a file of its own, so that a program which
 * logs none (sealkeys) needs no libsodium.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "log.h"

#define ADDR_MAX 320 /* 64 + "@" + 255: RFC 5321 4.5.3.1 */
#define HASH_LEN 16  /* the least that BLAKE2b gives here */
#define SHOWN_LEN 6

static uint8_t addr_key[LOG_KEY_LEN];
static bool have_key;
static bool in_clear;

void
log_addr_key(const uint8_t key[LOG_KEY_LEN])
{
	memcpy(addr_key, key, sizeof(addr_key));
	have_key = true;
}

void
log_addr_clear(bool yes)
{
	in_clear = yes;
}

const char *
log_addr(const char *addr)
{
	static char bufs[LOG_VIS_BUFS][2 + 2 * SHOWN_LEN + 1];
	static unsigned int next;
	char *buf, lower[ADDR_MAX];
	uint8_t hash[HASH_LEN];
	size_t len;

	if (addr == NULL)
		return "-";
	if (in_clear)
		return log_vis(addr);
	if (!have_key)
		return "h:-";
	len = 0;
	for (; *addr != '\0' && len < sizeof(lower); addr++)
		lower[len++] = (char)tolower((unsigned char)*addr);
	(void)crypto_generichash(hash, sizeof(hash), (uint8_t *)lower, len,
	    addr_key, sizeof(addr_key));
	buf = bufs[next++ % LOG_VIS_BUFS];
	buf[0] = 'h';
	buf[1] = ':';
	(void)sodium_bin2hex(buf + 2, 2 * SHOWN_LEN + 1, hash, SHOWN_LEN);
	explicit_bzero(lower, sizeof(lower));
	return buf;
}
