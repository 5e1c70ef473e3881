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
 * Fuzzer of smtp-engine as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealsmtpd/engine/main.c"
#undef main

static void
check(void)
{
	role_must(config != NULL && config_new == NULL);
	role_must(config->n_listeners <= SMTP_LISTENERS_MAX &&
	    config->n_relay <= SMTP_NETS_MAX &&
	    config->n_except <= SMTP_NETS_MAX &&
	    config->n_aliases <= SMTP_ALIASES_MAX);
	/* What is there is found, halving. */
	for (size_t i = 0; i < config->n_aliases; i++)
		role_must(
		    smtp_slice_alias(config, config->aliases[i].alias) != NULL);
	for (size_t i = 0; i < config->n_relay; i++)
		role_must(config->relay[i].bits <= 128);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {SMTP_ENGINE_BASE, SMTP_ENGINE_LISTENER,
	    SMTP_ENGINE_ALIASES, SMTP_ENGINE_RELAY, SITE_BASE, SITE_DOMAIN,
	    SITE_CERT, SITE_OCSP, SMTP_ENGINE_EXCEPT};
	static const struct role_target target = {
	    "smtp-engine", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
