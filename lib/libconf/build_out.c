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
 * Statements about mail that leaves: how names are resolved.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_local.h"

#define DNS_PORT 53

/* port NULL: that of DNS. */
const char *
build_forward(struct conf *conf, const char *address, const char *port)
{
	struct in6_addr in6;
	struct in_addr in4;
	const char *wrong;
	long long n;

	n = DNS_PORT;
	wrong = NULL;
	if (port != NULL)
		n = strtonum(port, 1, 65535, &wrong);
	if (wrong != NULL)
		return "not a port";
	if (inet_pton(AF_INET, address, &in4) != 1 &&
	    inet_pton(AF_INET6, address, &in6) != 1)
		return "not a numeric address";
	if (conf->n_forwards == CONF_FORWARDS_MAX)
		return "too many forwarders";
	(void)snprintf(conf->forwards[conf->n_forwards++], CONF_FORWARD_MAX,
	    "%s@%lld", address, n);
	return NULL;
}
