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
 * Codes and generated passwords.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "seal_keys.h"
#include "seal_read.h"
#include "slot_local.h"

static void
any_code(char code[SEAL_CODE_SIZE], enum seal_slot_kind kind, uint32_t id)
{
	uint8_t secret[CODE_SECRET_LEN];

	seal_random(secret, sizeof(secret));
	code_format(kind, id, secret, code);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	uint8_t secret[CODE_SECRET_LEN], back[CODE_SECRET_LEN];
	char code[SEAL_CODE_SIZE];
	enum seal_slot_kind kind, want;
	uint32_t id, want_id;

	ATF_REQUIRE_EQ(0, seal_init());
	for (int i = 0; i < 1000; i++) {
		seal_random(secret, sizeof(secret));
		seal_random(&want_id, sizeof(want_id));
		want = i % 2 == 0 ? SEAL_SLOT_APP : SEAL_SLOT_RECOVERY;
		code_format(want, want_id, secret, code);
		ATF_REQUIRE_EQ(SEAL_CODE_SIZE - 1, strlen(code));
		ATF_REQUIRE_EQ(SEAL_CODE_VALID,
		    code_parse(code, strlen(code), &kind, &id, back));
		ATF_REQUIRE_EQ(want, kind);
		ATF_REQUIRE_EQ(want_id, id);
		ATF_REQUIRE_EQ(0, memcmp(secret, back, sizeof(secret)));
	}
}

/* As people type it. */
ATF_TC_WITHOUT_HEAD(forms);
ATF_TC_BODY(forms, tc)
{
	char code[SEAL_CODE_SIZE], typed[4 * SEAL_CODE_SIZE];
	enum seal_slot_kind kind;
	uint32_t id;
	size_t n = 0;

	ATF_REQUIRE_EQ(0, seal_init());
	any_code(code, SEAL_SLOT_APP, 0x01010101);
	for (size_t i = 0; code[i] != '\0'; i++) {
		if (code[i] == '-')
			continue;
		typed[n++] = code[i] == '0' ? 'O' :
		    code[i] == '1'          ? (i % 2 ? 'l' : 'I') :
					      (char)toupper(code[i]);
		typed[n++] = ' ';
		typed[n++] = '-';
	}
	ATF_CHECK_EQ(SEAL_CODE_VALID, seal_code_parse(typed, n, &kind, &id));
	ATF_CHECK_EQ(0x01010101, id);
}

/* Every single slip and every swap of neighbours is told. */
ATF_TC_WITHOUT_HEAD(typos);
ATF_TC_BODY(typos, tc)
{
	static const char symbols[] = "0123456789abcdefghjkmnpqrstvwxyz";
	char code[SEAL_CODE_SIZE], c;
	enum seal_slot_kind kind;
	uint32_t id;
	int missed = 0;

	ATF_REQUIRE_EQ(0, seal_init());
	any_code(code, SEAL_SLOT_RECOVERY, 7);
	for (size_t i = 0; i < SEAL_CODE_SIZE - 1; i++) {
		if ((c = code[i]) == '-')
			continue;
		for (size_t j = 0; symbols[j] != '\0'; j++) {
			if (symbols[j] == c)
				continue;
			code[i] = symbols[j];
			missed += seal_code_parse(code, SEAL_CODE_SIZE - 1,
				      &kind, &id) != SEAL_CODE_TYPO;
		}
		code[i] = c;
	}
	for (size_t i = 0; i + 1 < SEAL_CODE_SIZE - 1; i++) {
		c = code[i];
		if (c == '-' || code[i + 1] == '-' || code[i + 1] == c)
			continue;
		code[i] = code[i + 1];
		code[i + 1] = c;
		missed += seal_code_parse(code, SEAL_CODE_SIZE - 1, &kind,
			      &id) != SEAL_CODE_TYPO;
		code[i + 1] = code[i];
		code[i] = c;
	}
	/* 1,100 chances of one in half a million. */
	ATF_CHECK_EQ(0, missed);
}

ATF_TC_WITHOUT_HEAD(no_code);
ATF_TC_BODY(no_code, tc)
{
	static const char *const texts[] = {"", "secret",
	    "correct horse battery staple", "0000-0000",
	    "u000-0000-0000-0000-0000-0000-0000-0000-0000",
	    "0000-0000-0000-0000-0000-0000-0000-0000-000",
	    "0000-0000-0000-0000-0000-0000-0000-0000-00000",
	    "0000-0000-0000-0000-0000-0000-0000-0000-00\xc3\xa4"};
	enum seal_slot_kind kind;
	uint32_t id;

	ATF_REQUIRE_EQ(0, seal_init());
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ATF_CHECK_EQ(SEAL_CODE_NONE,
		    seal_code_parse(texts[i], strlen(texts[i]), &kind, &id));
	ATF_CHECK_EQ(SEAL_CODE_NONE, seal_code_parse("\0", 1, &kind, &id));
}

ATF_TC_WITHOUT_HEAD(passwords);
ATF_TC_BODY(passwords, tc)
{
	char a[SEAL_PASSWORD_SIZE], b[SEAL_PASSWORD_SIZE];
	enum seal_slot_kind kind;
	uint32_t id;

	ATF_REQUIRE_EQ(0, seal_init());
	seal_password_make(a);
	seal_password_make(b);
	ATF_CHECK_EQ(SEAL_PASSWORD_SIZE - 1, strlen(a));
	ATF_CHECK(strcmp(a, b) != 0);
	/* It must not be taken for a code. */
	ATF_CHECK_EQ(SEAL_CODE_NONE, seal_code_parse(a, strlen(a), &kind, &id));
}

ATF_TC_WITHOUT_HEAD(short_passwords);
ATF_TC_BODY(short_passwords, tc)
{
	static const char *const few[] = {"", "x", "1234567",
	    "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4",
	    "\x80\x80\x80\x80\x80\x80\x80\x80"};
	static const char *const enough[] = {"12345678", "        ",
	    "1234567\xf0\x9f\x94\x91", "\xe4\xe4\xe4\xe4\xe4\xe4\xe4\xe4"};

	for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
		ATF_CHECK_MSG(
		    seal_password_short(few[i], strlen(few[i])), "%zu", i);
	for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++)
		ATF_CHECK_MSG(
		    !seal_password_short(enough[i], strlen(enough[i])), "%zu",
		    i);
	ATF_CHECK(seal_password_short("12345678", SEAL_PASSWORD_MIN - 1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, forms);
	ATF_TP_ADD_TC(tp, typos);
	ATF_TP_ADD_TC(tp, no_code);
	ATF_TP_ADD_TC(tp, passwords);
	ATF_TP_ADD_TC(tp, short_passwords);
	return atf_no_error();
}
