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
 * Statements about mail that leaves: how names are resolved, which way it
 * goes and what it is signed with.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_local.h"
#include "log.h"

#define DNS_PORT 53
#define SMTP_PORT 25
#define SUBMISSIONS_PORT 465

static void *more(void *, size_t, size_t);
static const char *set_port(uint16_t *, const char *);
static struct conf_route *last_route(struct conf *);

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

const char *
build_relay_tls(enum conf_relay_tls *tls, const char *word)
{
	static const char *const words[] = {
	    [CONF_RELAY_NONE] = "none",
	    [CONF_RELAY_MAY] = "may",
	    [CONF_RELAY_VERIFY] = "verify",
	    [CONF_RELAY_FIRST] = "first",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0) {
			*tls = (enum conf_relay_tls)i;
			return NULL;
		}
	return "not none, may, verify or first";
}

/* On port 25 TLS never comes first. */
const char *
build_mx_tls(enum conf_relay_tls *tls, const char *word)
{
	const char *wrong;

	wrong = build_relay_tls(tls, word);
	if (wrong == NULL && *tls != CONF_RELAY_FIRST)
		return NULL;
	*tls = CONF_RELAY_MAY;
	return "not none, may or verify";
}

/* Whoever may relay for all the world does so for those who send spam. */
const char *
build_relay_from(struct conf *conf, const char *network)
{
	const char *wrong;

	wrong = build_net(&conf->relay_from, &conf->n_relay_from, network);
	if (wrong == NULL && conf->relay_from[conf->n_relay_from - 1].bits == 0)
		wrong = "everybody's network, which makes an open relay";
	return wrong;
}

const char *
build_dmarc(struct conf *conf, const char *word)
{
	static const char *const words[] = {
	    [CONF_DMARC_OFF] = "off",
	    [CONF_DMARC_COUNT] = "count",
	    [CONF_DMARC_ENFORCE] = "enforce",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0) {
			conf->dmarc = (enum conf_dmarc)i;
			return NULL;
		}
	return "not off, count or enforce";
}

const char *
build_route(struct conf *conf, const char *domain)
{
	struct conf_route *r;
	const char *wrong;

	if (conf->n_routes == CONF_LIST_MAX)
		return "too many routes";
	conf->routes = more(conf->routes, conf->n_routes, sizeof(*r));
	r = &conf->routes[conf->n_routes];
	r->port = SMTP_PORT;
	r->tls = CONF_RELAY_MAY;
	if (strcmp(domain, "*") == 0)
		(void)strlcpy(r->domain, domain, sizeof(r->domain));
	else if ((wrong = build_name(r->domain, sizeof(r->domain), domain)) !=
	    NULL)
		return wrong;
	for (size_t i = 0; i < conf->n_routes; i++)
		if (strcmp(conf->routes[i].domain, r->domain) == 0)
			return "this domain has a route or a line of relay tls";
	conf->n_routes++;
	return NULL;
}

const char *
build_route_host(struct conf *conf, const char *host)
{
	struct in6_addr in6;
	struct conf_route *r;

	r = last_route(conf);
	if (inet_pton(AF_INET6, host, &in6) == 1) {
		(void)strlcpy(r->host, host, sizeof(r->host));
		return NULL;
	}
	return build_name(r->host, sizeof(r->host), host);
}

const char *
build_route_port(struct conf *conf, const char *port)
{
	return set_port(&last_route(conf)->port, port);
}

/* TLS from the start has a port of its own, unless another is said. */
const char *
build_route_tls(struct conf *conf, const char *word)
{
	struct conf_route *r;
	const char *wrong;

	r = last_route(conf);
	wrong = build_relay_tls(&r->tls, word);
	if (wrong == NULL && r->tls == CONF_RELAY_FIRST && r->port == SMTP_PORT)
		r->port = SUBMISSIONS_PORT;
	return wrong;
}

/* Not by a host that is named: where DNS says. */
const char *
build_domain_tls(struct conf *conf, const char *word)
{
	struct conf_route *r;

	r = last_route(conf);
	if (strcmp(r->domain, "*") == 0)
		return "for all domains there is \"relay tls\" alone";
	return build_mx_tls(&r->tls, word);
}

const char *
build_route_auth(struct conf *conf, const char *path)
{
	struct conf_route *r;

	r = last_route(conf);
	return build_path(r->auth, sizeof(r->auth), path);
}

/* One of each family. */
const char *
build_relay_source(struct conf *conf, const char *address)
{
	struct in6_addr in6;
	struct in_addr in4;
	char *source;

	if (inet_pton(AF_INET, address, &in4) == 1)
		source = conf->relay_source[0];
	else if (inet_pton(AF_INET6, address, &in6) == 1)
		source = conf->relay_source[1];
	else
		return "not a numeric address";
	if (*source != '\0')
		return "there is an address of this family already";
	if (strlcpy(source, address, CONF_FORWARD_MAX) >= CONF_FORWARD_MAX)
		return "too long";
	return NULL;
}

const char *
build_dkim(struct conf *conf, const char *domain, const char *selector,
    const char *key)
{
	struct conf_dkim *d;
	const char *wrong;

	if (conf->n_dkim == CONF_LIST_MAX)
		return "too many keys";
	conf->dkim = more(conf->dkim, conf->n_dkim, sizeof(*d));
	d = &conf->dkim[conf->n_dkim];
	if ((wrong = build_name(d->domain, sizeof(d->domain), domain)) ==
		NULL &&
	    (wrong = build_name(d->selector, sizeof(d->selector), selector)) ==
		NULL)
		wrong = build_path(d->key, sizeof(d->key), key);
	for (size_t i = 0; wrong == NULL && i < conf->n_dkim; i++)
		if (strcmp(conf->dkim[i].domain, d->domain) == 0 &&
		    strcmp(conf->dkim[i].selector, d->selector) == 0)
			wrong = "the domain has a key of this selector";
	if (wrong == NULL)
		conf->n_dkim++;
	return wrong;
}

/* Room for one more element, zeroed. */
static void *
more(void *list, size_t n, size_t size)
{
	void *p;

	p = recallocarray(list, n, n + 1, size);
	if (p == NULL)
		fatal("recallocarray");
	return p;
}

static const char *
set_port(uint16_t *to, const char *port)
{
	const char *wrong;
	long long n;

	n = strtonum(port, 1, 65535, &wrong);
	if (wrong != NULL)
		return "not a port";
	*to = (uint16_t)n;
	return NULL;
}

static struct conf_route *
last_route(struct conf *conf)
{
	return &conf->routes[conf->n_routes - 1];
}
