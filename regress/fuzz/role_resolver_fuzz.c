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
 * Fuzzer of smtp-resolver as its parent's child: see role_steps.h.
 */

#include "role_steps.h"

#define main role_main
#include "../../usr.sbin/sealrelayd/resolver/main.c"
#undef main

/* Not lookup.c: libunbound reads what comes out here. */
int
lookup_configure(const struct lookup_config *c)
{
	for (size_t i = 0; i < c->n_forwards; i++)
		role_must(strlen(c->forwards[i]) < RESOLVER_CONFIG_MAX);
	for (size_t i = 0; i < c->n_anchors; i++)
		role_must(strlen(c->anchors[i]) < RESOLVER_CONFIG_MAX);
	return 0;
}

struct lookup *
lookup_start(const char *name, uint16_t type, lookup_cb cb, void *arg)
{
	return NULL;
}

void
lookup_cancel(struct lookup *l)
{
}

static void
check(void)
{
	role_must(coming == NULL);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint32_t own[] = {
	    RESOLVER_CONFIG_FORWARD, RESOLVER_CONFIG_ANCHOR};
	static const struct role_target target = {
	    "smtp-resolver", own, sizeof(own) / sizeof(own[0]), check, NULL};

	role_run(&target, data, len);
	return 0;
}
