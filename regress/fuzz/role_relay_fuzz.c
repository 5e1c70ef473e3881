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
 * Fuzzer of smtp-relay as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealrelayd/relay/main.c"
#undef main

static struct relay_config *before;

/* Jobs might point at old ones; here there is none. */
static void
check(void)
{
	if (before != config)
		config_free(before);
	before = config;
	role_must(config != NULL && coming == NULL);
	role_must(config->jobs > 0 && config->jobs <= RELAY_JOBS_MAX &&
	    config->n_routes <= RELAY_ROUTES_MAX);
	for (size_t i = 0; i < config->n_routes; i++)
		role_must(config->routes[i].tls <= RELAY_TLS_FIRST);
}

/* As before the first one. */
static void
forget(void)
{
	config_free(config);
	config = before = NULL;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {RELAY_CONFIG_BASE, RELAY_CONFIG_ROUTE};
	static const struct role_target target = {
	    "smtp-relay", own, sizeof(own) / sizeof(own[0]), check, forget};

	role_run(&target, data, len);
	return 0;
}
