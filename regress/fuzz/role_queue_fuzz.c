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
 * Fuzzer of smtp-queue as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealsmtpd/queue/main.c"
#undef main

static void
check(void)
{
	static const uint8_t none[QUEUE_KEY_LEN];

	role_must(opened && coming.signer == NULL);
	role_must(limits.dest_jobs > 0 && limits.retry_min > 0);
	/* The key is where it belongs, and nowhere else. */
	role_must(memcmp(coming.key, none, sizeof(none)) == 0);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {
	    QUEUE_CONFIG_BASE, QUEUE_CONFIG_KEY, QUEUE_CONFIG_DKIM};
	static const struct role_target target = {
	    "smtp-queue", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
