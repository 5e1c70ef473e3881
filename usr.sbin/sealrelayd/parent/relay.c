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
 * What smtp-relay is sent: how it calls itself, and routes with what their
 * hosts want to see.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "relay_procs.h"

#include "../relay_config.h"

_Static_assert(RELAY_AUTH_MAX == CONF_AUTH_MAX, "one bound");

static enum relay_tls relay_tls(enum conf_relay_tls);
static void send_route(struct wire *, const struct conf_route *);

void
send_relay(struct wire *w, const struct conf *conf)
{
	struct msgout *m;

	m = msg_new(w, RELAY_CONFIG_BASE, 0);
	msg_put_str(m, conf->hostname);
	msg_put_u8(m, (uint8_t)relay_tls(conf->relay_tls));
	msg_put_u32(m, (uint32_t)conf->limits[CONF_RELAY_JOBS]);
	msg_put_u8(m, conf->log_addresses);
	msg_put_str(m, conf->relay_source[0]);
	msg_put_str(m, conf->relay_source[1]);
	msg_send(m);
	for (size_t i = 0; i < conf->n_routes && i < RELAY_ROUTES_MAX; i++)
		send_route(w, &conf->routes[i]);
}

static enum relay_tls
relay_tls(enum conf_relay_tls tls)
{
	switch (tls) {
	case CONF_RELAY_NONE:
		return RELAY_TLS_NONE;
	case CONF_RELAY_MAY:
		return RELAY_TLS_MAY;
	case CONF_RELAY_VERIFY:
		return RELAY_TLS_VERIFY;
	case CONF_RELAY_FIRST:
		return RELAY_TLS_FIRST;
	}
	fatalx("TLS of kind %d", tls);
}

/* Without the password mail waits, and the log says why. */
static void
send_route(struct wire *w, const struct conf_route *r)
{
	struct msgout *m;
	char *auth;
	size_t len;

	auth = NULL;
	len = 0;
	if (r->auth[0] != '\0') {
		auth = conf_route_auth(r, &len, stderr);
		if (auth == NULL)
			log_warnx("route %s: %s is no \"name:password\"",
			    r->domain, r->auth);
	}
	m = msg_new(w, RELAY_CONFIG_ROUTE, 0);
	msg_put_str(m, r->domain);
	msg_put_str(m, r->host);
	msg_put_u16(m, r->port);
	msg_put_u8(m, (uint8_t)relay_tls(r->tls));
	/* Not nothing, where something was wanted: then none would be tried. */
	msg_put_str(m, r->auth[0] == '\0' ? "" : auth == NULL ? "none" : auth);
	msg_send(m);
	if (auth != NULL)
		freezero(auth, len + 1);
}
