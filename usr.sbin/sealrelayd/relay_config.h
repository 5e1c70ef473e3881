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
 * What sealrelayd's parent tells smtp-relay of the configuration, between
 * PROC_RELOAD_BEGIN and PROC_RELOAD_COMMIT.
 */

#ifndef RELAY_CONFIG_H
#define RELAY_CONFIG_H

#define RELAY_NAME_MAX 256  /* octets of a host or domain, NUL included */
#define RELAY_AUTH_MAX 1024 /* octets of "name:password", NUL included */
#define RELAY_ROUTES_MAX 1024
#define RELAY_ADDRESS_MAX 64 /* octets of one as text, NUL included */
#define RELAY_JOBS_MAX 10000

enum relay_config_message {
	/*
	 * str hostname, u8 enum relay_tls, u32 jobs, u8 log_addresses, str
	 * IPv4 address to call from, str IPv6 address ("": any)
	 */
	RELAY_CONFIG_BASE = 0x140,
	/*
	 * str domain ("*": all others), str host ("": as DNS says, and of tls
	 * alone), u16 port, u8 enum relay_tls, str auth ("": none)
	 */
	RELAY_CONFIG_ROUTE = 0x141
};

enum relay_tls {
	RELAY_TLS_NONE = 0,
	RELAY_TLS_MAY = 1,    /* DANE where there is; else what is offered */
	RELAY_TLS_VERIFY = 2, /* a certificate that proves the name */
	RELAY_TLS_FIRST = 3   /* likewise, TLS from the start */
};

#endif
