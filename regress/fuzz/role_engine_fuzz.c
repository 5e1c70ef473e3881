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
 * Fuzzer of imap-engine as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealimapd/engine/main.c"
#undef main

static void
check(void)
{
	role_must(config != NULL && config_new == NULL);
	role_must(config->n_listeners <= IMAP_LISTENERS_MAX &&
	    config->site.n_certs <= SITE_CERTS_MAX &&
	    config->site.n_domains <= SITE_DOMAINS_MAX);
	for (size_t i = 0; i < config->n_listeners; i++)
		role_must(config->listeners[i].kind >= IMAP_LISTEN_IMAPS &&
		    config->listeners[i].kind <= IMAP_LISTEN_STARTTLS);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {IMAP_ENGINE_BASE, IMAP_ENGINE_LISTENER,
	    SITE_BASE, SITE_DOMAIN, SITE_CERT, SITE_OCSP};
	static const struct role_target target = {
	    "imap-engine", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
