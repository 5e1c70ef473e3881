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
 * Fuzzer of libsasl: what clients say to log in.  The first octet chooses:
 * base64, PLAIN, or SCRAM, whose first message ends at a zero octet and whose
 * last one is what follows.  What cannot be true aborts.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sasl.h"

#define TEXT_MAX 12288 /* octets of a line of SMTP */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

/* What decodes is what it would be encoded to. */
static void
fuzz_base64(const uint8_t *p, size_t len)
{
	static uint8_t plain[TEXT_MAX];
	static char again[4 * ((TEXT_MAX + 2) / 3) + 1];
	ssize_t n;

	n = base64_decode(p, len, plain);
	if (n == -1)
		return;
	if ((size_t)n > len / 4 * 3)
		abort();
	base64_encode(plain, (size_t)n, again);
	/* The bits behind the end of the last octet are nobody's. */
	if (strlen(again) != len || (len > 4 && memcmp(again, p, len - 4) != 0))
		abort();
}

static void
fuzz_plain(const uint8_t *p, size_t len)
{
	const uint8_t *secret;
	const char *name;
	size_t n, k;

	if (sasl_plain(p, len, &name, &n, &secret, &k) != SASL_OK)
		return;
	if (n == 0 || k == 0 || memchr(name, '\0', n) != NULL ||
	    memchr(secret, '\0', k) != NULL || secret + k != p + len)
		abort();
}

static void
fuzz_scram(const uint8_t *p, size_t len, enum scram_binding binding)
{
	static const uint8_t nonce[SCRAM_NONCE_LEN], salt[SCRAM_SALT_LEN];
	static struct scram s;
	const uint8_t *last;

	memset(&s, 0, sizeof(s));
	s.binding = binding;
	last = memchr(p, '\0', len);
	if (last == NULL ||
	    scram_first(&s, p, (size_t)(last - p), nonce) != SASL_OK)
		return;
	if (s.name[0] == '\0' || memchr(s.name, '\0', sizeof(s.name)) == NULL)
		abort();
	scram_challenge(&s, salt, 4096);
	if (strncmp(s.server, "r=", 2) != 0)
		abort();
	last++;
	if (scram_final(&s, last, (size_t)(p + len - last)) != SASL_OK)
		return;
	if (strstr(s.message, s.server) == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	uint8_t *copy;

	if (len < 1 || len > TEXT_MAX)
		return 0;
	/* Of its own length: who reads past the end is noticed. */
	copy = malloc(len);
	if (copy == NULL)
		abort();
	memcpy(copy, data + 1, len - 1);
	switch (data[0] % 5) {
	case 0:
		fuzz_base64(copy, len - 1);
		break;
	case 1:
		fuzz_plain(copy, len - 1);
		break;
	case 2:
		fuzz_scram(copy, len - 1, SCRAM_UNBOUND);
		break;
	case 3:
		fuzz_scram(copy, len - 1, SCRAM_OFFERED);
		break;
	default:
		fuzz_scram(copy, len - 1, SCRAM_EXPORTER);
		break;
	}
	free(copy);
	return 0;
}
