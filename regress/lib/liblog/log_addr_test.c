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
 * Addresses in the log: hashed by default.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

ATF_TC_WITHOUT_HEAD(hashed);
ATF_TC_BODY(hashed, tc)
{
	uint8_t key[LOG_KEY_LEN];
	char one[32], two[32];

	ATF_CHECK_STREQ("h:-", log_addr("joe@example.org"));
	ATF_CHECK_STREQ("-", log_addr(NULL));
	memset(key, 1, sizeof(key));
	log_addr_key(key);
	(void)strlcpy(one, log_addr("joe@example.org"), sizeof(one));
	ATF_CHECK_EQ(14, strlen(one));
	ATF_CHECK_EQ(0, strncmp(one, "h:", 2));
	for (size_t i = 2; i < 14; i++)
		ATF_CHECK(isxdigit((unsigned char)one[i]));
	/* The same under any case, another for another, or another key. */
	ATF_CHECK_STREQ(one, log_addr("Joe@EXAMPLE.org"));
	(void)strlcpy(two, log_addr("jim@example.org"), sizeof(two));
	ATF_CHECK(strcmp(one, two) != 0);
	key[31] = 2;
	log_addr_key(key);
	ATF_CHECK(strcmp(one, log_addr("joe@example.org")) != 0);
}

ATF_TC_WITHOUT_HEAD(known);
ATF_TC_BODY(known, tc)
{
	uint8_t key[LOG_KEY_LEN];

	/* Python: hashlib.blake2b(b"a@b", key=bytes(range(32)),
	 * digest_size=16).hexdigest()[:12] */
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	log_addr_key(key);
	ATF_CHECK_STREQ("h:ef83fb58b685", log_addr("A@b"));
}

ATF_TC_WITHOUT_HEAD(in_clear);
ATF_TC_BODY(in_clear, tc)
{
	log_addr_clear(true);
	ATF_CHECK_STREQ("Joe@example.org", log_addr("Joe@example.org"));
	ATF_CHECK_STREQ("x\\012y", log_addr("x\ny"));
}

ATF_TC_WITHOUT_HEAD(long_address);
ATF_TC_BODY(long_address, tc)
{
	static char big[5000];
	uint8_t key[LOG_KEY_LEN];

	memset(key, 1, sizeof(key));
	log_addr_key(key);
	memset(big, 'x', sizeof(big) - 1);
	ATF_CHECK_EQ(14, strlen(log_addr(big)));
	log_addr_clear(true);
	ATF_CHECK(strlen(log_addr(big)) <= 200);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, hashed);
	ATF_TP_ADD_TC(tp, known);
	ATF_TP_ADD_TC(tp, in_clear);
	ATF_TP_ADD_TC(tp, long_address);
	return atf_no_error();
}
