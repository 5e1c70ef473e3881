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
 * Fuzzer of libsmtp.  The first octet chooses: a command line, or data, cut
 * into pieces by the next octet.  What cannot be true aborts.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
fuzz_address(const struct smtp_address *address)
{
	struct smtp_address again;
	char text[SMTP_PATH_MAX * 2], account[256], detail[64];

	smtp_address_print(address, text, sizeof(text));
	if (text[0] == '\0')
		return;
	if (smtp_address_parse(text, strlen(text), &again) != SMTP_OK ||
	    strcmp(again.local, address->local) != 0 ||
	    strcmp(again.domain, address->domain) != 0)
		abort();
	(void)smtp_address_account(address, '+', "example.org", account,
	    sizeof(account), detail, sizeof(detail));
}

static void
fuzz_command(const char *line, size_t len)
{
	char name[SMTP_DOMAIN_MAX + 1];
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	const char *arg;
	uint64_t size;
	size_t arglen;
	bool flag;

	if (len > SMTP_COMMAND_MAX)
		return;
	(void)smtp_verb_parse(line, len, &arg, &arglen, &flag);
	if (arg < line || arg + arglen > line + len)
		abort();
	(void)smtp_helo_parse(arg, arglen, name, sizeof(name));
	(void)smtp_bdat_parse(arg, arglen, &size, &flag);
	if (smtp_mail_parse(arg, arglen, &mail) == SMTP_OK)
		fuzz_address(&mail.from);
	if (smtp_rcpt_parse(arg, arglen, true, &rcpt) == SMTP_OK)
		fuzz_address(&rcpt.to);
}

static void
fuzz_data(size_t piece, const uint8_t *in, size_t len)
{
	static uint8_t out[65536];
	enum smtp_data_state state;
	struct smtp_data whole, pieces;
	size_t used, n, o, all;

	if (len > sizeof(out))
		return;
	smtp_data_init(&whole);
	all = len;
	o = sizeof(out);
	state = smtp_data_decode(&whole, in, &all, out, &o);
	if (state == SMTP_DATA_END &&
	    (all < 3 || memcmp(in + all - 3, ".\r\n", 3) != 0 ||
		(all > 3 && memcmp(in + all - 5, "\r\n", 2) != 0)))
		abort();
	smtp_data_init(&pieces);
	for (used = 0; used < all; used += n) {
		n = all - used < piece ? all - used : piece;
		o = sizeof(out);
		if (smtp_data_decode(&pieces, in + used, &n, out, &o) !=
			SMTP_DATA_MORE &&
		    used + n != all)
			abort();
	}
	if (whole.size != pieces.size || whole.bare != pieces.bare ||
	    whole.received != pieces.received)
		abort();
	smtp_data_chunk(&pieces, in, len, true);
}

int
LLVMFuzzerTestOneInput(const unsigned char *in, size_t len)
{
	if (len < 2)
		return 0;
	if (in[0] & 1)
		fuzz_data((size_t)in[1] + 1, in + 2, len - 2);
	else
		fuzz_command((const char *)in + 1, len - 1);
	return 0;
}
