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
 * Fuzzer of sealkeys as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealkeys/main.c"
#undef main

static void
check(void)
{
	role_must(coming.keys == NULL);
	role_must(coming.life >= KEYS_TICKET_LIFE_MIN &&
	    coming.life <= KEYS_TICKET_LIFE_MAX);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {KEYS_CONFIG_BASE, KEYS_CONFIG_KEY};
	static const struct role_target target = {
	    "sealkeys", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
