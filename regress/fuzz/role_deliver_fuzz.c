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
 * Fuzzer of smtp-deliver as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealsmtpd/deliver/main.c"
#undef main

static void
check(void)
{
	role_must(config != NULL && config_new == NULL);
	role_must(config->host_index <= 1);
}

/* As before the first one. */
static void
forget(void)
{
	deliver_slice_free(config);
	config = NULL;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {SMTP_DELIVER_BASE};
	static const struct role_target target = {
	    "smtp-deliver", own, sizeof(own) / sizeof(own[0]), check, forget};

	role_run(&target, data, len);
	return 0;
}
