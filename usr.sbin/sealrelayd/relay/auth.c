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
 * Logging in with a smarthost: within TLS, once its certificate has proved its
 * name, and never elsewhere (RFC 4954).
 */

#include <sys/types.h>

#include <string.h>

#include <sodium.h>

#include "conn.h"

/* RFC 4954: only where nobody listens.  true: a reply is awaited. */
bool
auth_start(struct conn *c)
{
	char plain[RELAY_AUTH_MAX + 2], text[2 * RELAY_AUTH_MAX];
	const char *colon;
	size_t len;

	colon = strchr(c->auth, ':');
	len = strlen(c->auth);
	if (!tlsio_is_secure(c->io) || c->policy.go_on || colon == NULL ||
	    (c->ext & (EXT_AUTH_PLAIN | EXT_AUTH_LOGIN)) == 0 ||
	    len >= RELAY_AUTH_MAX) {
		conn_fail(c, "4.7.0",
		    "The server lets nobody log in safely by PLAIN or LOGIN");
		return true;
	}
	c->state = CONN_AUTH;
	conn_timer(c, COMMAND_SECONDS);
	if ((c->ext & EXT_AUTH_PLAIN) == 0) {
		c->login = 1;
		conn_write(c, "AUTH LOGIN\r\n");
		return true;
	}
	plain[0] = '\0';
	memcpy(plain + 1, c->auth, len);
	plain[1 + (colon - c->auth)] = '\0';
	(void)sodium_bin2base64(text, sizeof(text), (const uint8_t *)plain,
	    len + 1, sodium_base64_VARIANT_ORIGINAL);
	conn_write(c, "AUTH PLAIN %s\r\n", text);
	explicit_bzero(plain, sizeof(plain));
	explicit_bzero(text, sizeof(text));
	return true;
}

/* What no RFC says and many servers ask: the name, then the password. */
void
auth_reply(struct conn *c)
{
	char text[2 * RELAY_AUTH_MAX];
	const char *what;
	size_t len;

	what = c->auth;
	len = strcspn(what, ":");
	if (c->login == 2) {
		what += len + 1;
		len = strlen(what);
	}
	/* After the password it has nothing more to ask. */
	c->login = c->login == 1 ? 2 : 0;
	(void)sodium_bin2base64(text, sizeof(text), (const uint8_t *)what, len,
	    sodium_base64_VARIANT_ORIGINAL);
	conn_timer(c, COMMAND_SECONDS);
	conn_write(c, "%s\r\n", text);
	explicit_bzero(text, sizeof(text));
}
