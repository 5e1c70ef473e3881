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
 * What sealrelayd's parent tells smtp-resolver of the configuration, between
 * PROC_RELOAD_BEGIN and PROC_RELOAD_COMMIT.
 */

#ifndef RESOLVER_CONFIG_H
#define RESOLVER_CONFIG_H

#define RESOLVER_CONFIG_MAX 4096 /* octets of a text below, NUL included */
#define RESOLVER_FORWARDS_MAX 16
#define RESOLVER_ANCHORS_MAX 64

enum resolver_config_message {
	/* str "address" or "address@port", numeric; none: from the root */
	RESOLVER_CONFIG_FORWARD = 0x120,
	/* str a DS or DNSKEY record; none: the root zone's keys built in */
	RESOLVER_CONFIG_ANCHOR = 0x121,
};

#endif
