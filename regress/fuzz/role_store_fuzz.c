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
 * Fuzzer of imap-store as its parent's child: see role_steps.h.
 */

#include "harness.h"
#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealimapd/store/main.c"
#undef main

int __wrap_forker_start(int);

/* It has nobody who forks. */
int
__wrap_forker_start(int base)
{
	return harness_fd();
}

static void
check(void)
{
	role_must(next == NULL && master_config() != NULL);
	role_must(master_config()->host_index <= 1 &&
	    master_config()->n_domains <= SITE_DOMAINS_MAX);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {
	    IMAP_STORE_BASE, IMAP_STORE_DOMAIN, IMAP_STORE_ADMINISTRATOR};
	static const struct role_target target = {
	    "imap-store", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
