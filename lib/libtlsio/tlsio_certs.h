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
 * The certificates of an engine, over reloads: what the configuration names is
 * taken where it can be used, and where not, what was there before stays.
 * Staples are served while they are valid.
 */

#ifndef TLSIO_CERTS_H
#define TLSIO_CERTS_H

#include <stdint.h>

#include "site.h"
#include "tlsio.h"

struct tlsio_certs_ops {
	/* What can be served has changed: make all contexts anew. */
	void (*changed)(void);
	/* How a certificate is now: for each, and again when that changes. */
	void (*report)(const struct site_cert_is *);
};

/*
 * What the configuration names from now on; certificates are copied.  May call
 * both functions, and later again.
 */
void tlsio_certs_set(const struct site *, const struct tlsio_certs_ops *);

/*
 * A context with those certificates of the set (bit i: the i-th of the
 * configuration) that can be served; conf has everything but certificates and
 * scope.  NULL if there is none, or after logging.
 */
struct tlsio_server *
tlsio_certs_server(uint64_t set, const struct tlsio_server_conf *conf);

#endif
