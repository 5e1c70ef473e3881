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
 * Fuzzer of libdkim, and of the relay's reader of replies.  The first octet
 * chooses; the next cuts the rest into pieces, which must make no difference.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../usr.sbin/sealrelayd/relay/reply.c"
#include "dkim.h"

#define KIND_REPLY 0x01
#define LINE_MAX_OCTETS 998 /* RFC 5322 2.1.1, without the CRLF */
#define SIGNATURE_LEN 256

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* A header field of ours: folded lines, nothing that ends it too early. */
static void
field_check(const char *field, size_t len)
{
	size_t line = 0;

	must(len > 2 && field[len - 1] == '\n');
	for (size_t i = 0; i < len; i++) {
		if (field[i] == '\r') {
			must(i + 1 < len && field[i + 1] == '\n');
			must(line > 0 && line <= LINE_MAX_OCTETS);
			must(i + 2 == len || field[i + 2] == ' ' ||
			    field[i + 2] == '\t');
			line = 0;
		} else if (field[i] == '\n') {
			must(i > 0 && field[i - 1] == '\r');
		} else {
			must(isprint((unsigned char)field[i]) ||
			    field[i] == '\t');
			line++;
		}
	}
}

static void
fuzz_dkim(size_t piece, const uint8_t *in, size_t len)
{
	static const uint8_t signature[SIGNATURE_LEN];
	static char field[2 * DKIM_FIELD_MAX];
	static struct dkim_signature sig;
	uint8_t hash[DKIM_HASH_LEN];
	struct dkim_body *body;
	size_t n;
	int ret;

	memset(&sig, 0, sizeof(sig));
	(void)strlcpy(sig.domain, "example.org", sizeof(sig.domain));
	(void)strlcpy(sig.selector, "s1", sizeof(sig.selector));
	sig.algorithm = DKIM_RSA_SHA256;
	sig.when = 1700000000;
	body = dkim_body_new();
	must(body != NULL);
	dkim_body_update(body, in, len);
	dkim_body_end(body, sig.body);
	for (size_t off = 0; off < len; off += n) {
		n = len - off < piece ? len - off : piece;
		dkim_body_update(body, in + off, n);
	}
	dkim_body_end(body, hash);
	must(memcmp(hash, sig.body, sizeof(hash)) == 0);
	dkim_body_free(body);
	if (dkim_sign(&sig, (const char *)in, len) == -1)
		return;
	ret = dkim_field(
	    &sig, signature, sizeof(signature), field, sizeof(field));
	if (ret != -1)
		field_check(field, (size_t)ret);
}

/* All replies of the input, as a session takes them out of what has come. */
static uint32_t
replies(const uint8_t *in, size_t len, size_t piece)
{
	enum reply_result res = REPLY_MORE;
	const char *line;
	struct reply r;
	size_t used, line_len, off = 0, have = 0;
	uint32_t sum = 0;

	reply_init(&r);
	while (res != REPLY_WRONG) {
		res = reply_take(
		    &r, in + off, have - off, &used, &line, &line_len);
		if (res == REPLY_MORE) {
			must(used == 0);
			if (have == len)
				break;
			have += len - have < piece ? len - have : piece;
			continue;
		}
		if (res == REPLY_WRONG)
			break;
		must(used > 0 && used <= have - off && line_len <= used);
		for (const char *p = r.text; *p != '\0'; p++)
			must(isprint((unsigned char)*p));
		must(strlen(r.status) < sizeof(r.status));
		must(r.lines <= REPLY_LINES_MAX);
		off += used;
		sum = sum * 31 + (uint32_t)used;
		if (res == REPLY_LINE)
			continue;
		must(r.code >= 200 && r.code <= 599);
		sum = sum * 31 + r.code;
		reply_init(&r);
	}
	return sum * 31 + (res == REPLY_WRONG);
}

int
LLVMFuzzerTestOneInput(const unsigned char *in, size_t len)
{
	size_t piece;

	if (len < 2)
		return 0;
	piece = (size_t)in[1] + 1;
	if ((in[0] & KIND_REPLY) == 0)
		fuzz_dkim(piece, in + 2, len - 2);
	else if (len < REPLY_LINE_MAX)
		must(replies(in + 2, len - 2, len) ==
		    replies(in + 2, len - 2, piece));
	else
		(void)replies(in + 2, len - 2, piece);
	return 0;
}
