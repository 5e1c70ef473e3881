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
 * Where a job goes: by its route, or by DNS (RFC 5321 5.1, 7505, 7672); host
 * after host, address after address, until a server takes it.  What is known
 * of the destination's TLS, and what DANE says, is asked of each.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "relay.h"
#include "sts.h"

#define SMTP_PORT 25

struct plan {
	struct job *job;
	const struct route *route; /* NULL: by MX */
	enum relay_tls tls;        /* what is asked of servers */
	struct question *question;
	struct sts_wait *sts_wait;
	struct policy *sts; /* of MTA-STS, or NULL */
	struct event later; /* the next step, outside of a callback */

	char hosts[HOSTS_MAX][RESOLVER_NAME_MAX];
	size_t n_hosts;
	size_t host; /* the one that is tried */
	bool mx_secure;

	struct address addresses[ADDRESSES_TRIED_MAX];
	size_t n_addresses;
	size_t address;
	bool address_secure;
	char canonical[RESOLVER_NAME_MAX];

	struct tls_policy policy;
	unsigned int attempts;
	bool any;                      /* a host was tried, or could be */
	bool plain;                    /* its TLS does not work */
	bool lacks;                    /* a server lacks REQUIRETLS */
	size_t n_here;                 /* hosts that are but this one */
	char status[QUEUE_STATUS_MAX]; /* why the last one failed */
	char text[QUEUE_TEXT_MAX];
	char where[RESOLVER_NAME_MAX];
};

static const struct route *route_find(const char *);
static enum relay_tls tls_find(const char *);
static void plan_step(int, short, void *);
static void plan_soon(struct plan *);
static bool plan_literal(struct plan *, const char *);
static void got_sts(const struct policy *, bool, void *);
static void got_mx(const struct answer *, void *);
static bool plan_strict(const struct plan *);
static bool plan_enforces(const struct plan *);
static void plan_allowed(struct plan *);
static void take_mx(struct plan *, const struct answer *);
static void plan_next_host(struct plan *);
static void got_addresses(const struct answer *, void *);
static size_t take_addresses(struct plan *, const struct answer *);
static bool address_here(const struct address *);
static void plan_here(struct plan *);
static void got_tlsa(const struct answer *, void *);
static void plan_try(struct plan *);
static void plan_policy_set(struct plan *);
static void plan_dane(struct plan *, const struct answer *);
static void plan_give_up(struct plan *);
static void plan_reject(struct plan *, const char *, const char *);
static void plan_note(struct plan *, const char *, const char *);
static void plan_host_failed(struct plan *, const char *, const char *);
static void shuffle(void *, size_t, size_t);

void
plan_start(struct job *j)
{
	struct plan *p;

	p = calloc(1, sizeof(*p));
	if (p == NULL)
		fatal("calloc");
	p->job = j;
	j->plan = p;
	p->route = route_find(j->dest);
	p->tls = p->route != NULL ? p->route->tls : tls_find(j->dest);
	evtimer_set(&p->later, plan_step, p);
	(void)strlcpy(p->status, "4.4.1", sizeof(p->status));
	(void)strlcpy(p->text, "No server could be reached", sizeof(p->text));
	if (p->route != NULL) {
		(void)strlcpy(p->hosts[0], p->route->host, sizeof(p->hosts[0]));
		p->n_hosts = 1;
		plan_soon(p);
	} else if (j->dest[0] == '[') {
		(void)strlcpy(p->hosts[0], j->dest, sizeof(p->hosts[0]));
		p->n_hosts = 1;
		plan_soon(p);
	} else if (p->tls == RELAY_TLS_NONE)
		p->question = dns_mx(j->dest, got_mx, p);
	else
		p->sts_wait = sts_find(j->dest, got_sts, p);
}

void
plan_lacks(struct plan *p)
{
	p->lacks = true;
	plan_failed(p, "5.7.30",
	    "The server does not offer REQUIRETLS within verified TLS "
	    "(RFC 8689)");
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	p->job->plan = NULL;
	sts_cancel(p->sts_wait);
	free(p->sts);
	dns_cancel(p->question);
	evtimer_del(&p->later);
	free(p);
}

void
plan_failed(struct plan *p, const char *status, const char *text)
{
	log_info("attempt trace=%s host=%s status=%s text=%s",
	    log_vis(p->job->trace), log_vis(p->hosts[p->host]), log_vis(status),
	    log_vis(text));
	plan_note(p, status, text);
	p->plain = false;
	p->address++;
	plan_soon(p);
}

void
plan_without_tls(struct plan *p)
{
	log_info("attempt trace=%s host=%s without TLS, which fails",
	    log_vis(p->job->trace), log_vis(p->hosts[p->host]));
	p->plain = true;
	plan_soon(p);
}

const struct tls_policy *
plan_policy(const struct plan *p)
{
	return &p->policy;
}

const struct route *
plan_route(const struct plan *p)
{
	return p->route;
}

const char *
plan_host(const struct plan *p)
{
	return p->hosts[p->host];
}

struct job *
plan_job(const struct plan *p)
{
	return p->job;
}

static const struct route *
route_find(const char *dest)
{
	const struct relay_config *c;
	const struct route *all;

	c = relay_config();
	all = NULL;
	for (size_t i = 0; i < c->n_routes; i++) {
		if (c->routes[i].host[0] == '\0')
			continue;
		if (strcasecmp(c->routes[i].domain, dest) == 0)
			return &c->routes[i];
		if (strcmp(c->routes[i].domain, "*") == 0)
			all = &c->routes[i];
	}
	return all;
}

/* What is asked where there is no route: of this domain, or of all. */
static enum relay_tls
tls_find(const char *dest)
{
	const struct relay_config *c;

	c = relay_config();
	for (size_t i = 0; i < c->n_routes; i++)
		if (c->routes[i].host[0] == '\0' &&
		    strcasecmp(c->routes[i].domain, dest) == 0)
			return c->routes[i].tls;
	return c->tls;
}

/* A step after a failure: the next address, the next host, or the end. */
static void
plan_step(int fd, short what, void *arg)
{
	struct plan *p;

	(void)fd;
	(void)what;
	p = arg;
	if (p->attempts >= ATTEMPTS_MAX)
		plan_give_up(p);
	else if (p->address < p->n_addresses)
		plan_try(p);
	else
		plan_next_host(p);
}

static void
plan_soon(struct plan *p)
{
	struct timeval now = {0};

	evtimer_add(&p->later, &now);
}

/* It may be another one before the plan is over. */
static void
got_sts(const struct policy *policy, bool fresh, void *arg)
{
	struct plan *p;

	p = arg;
	p->sts_wait = NULL;
	if (policy != NULL && policy->mode != POLICY_NONE) {
		p->sts = malloc(sizeof(*p->sts));
		if (p->sts == NULL)
			fatal("malloc");
		*p->sts = *policy;
	}
	if (fresh)
		job_keep(p->job);
	p->question = dns_mx(p->job->dest, got_mx, p);
}

static void
got_mx(const struct answer *a, void *arg)
{
	struct plan *p;

	p = arg;
	p->question = NULL;
	p->mx_secure = a->secure;
	switch (a->status) {
	case RESOLVER_OK:
		if (a->n_mx == 1 && a->mx[0].host[0] == '\0') {
			plan_reject(p, "5.1.10", "The domain takes no mail");
			return;
		}
		take_mx(p, a);
		return;
	case RESOLVER_NODATA:
		/* RFC 5321 5.1: the domain itself. */
		(void)strlcpy(p->hosts[0], p->job->dest, sizeof(p->hosts[0]));
		p->n_hosts = 1;
		plan_next_host(p);
		return;
	case RESOLVER_NXDOMAIN:
		plan_reject(p, "5.1.2", "There is no such domain");
		return;
	case RESOLVER_BOGUS:
		plan_note(p, "4.7.5", "The domain's signatures are wrong");
		queue_tls(
		    p->job->dest, TLS_POLICY_DANE, TLSIO_DNSSEC_INVALID, "");
		break;
	case RESOLVER_SERVFAIL:
	case RESOLVER_TIMEOUT:
	case RESOLVER_BROKEN:
	case RESOLVER_BUSY:
		plan_note(p, "4.4.3", "The domain cannot be looked up");
		break;
	}
	plan_give_up(p);
}

/*
 * In the order of preferences, at random between equals.  If we are among
 * them, those as good or worse are no use: mail would come back (RFC 5321 5.1).
 */
static void
take_mx(struct plan *p, const struct answer *a)
{
	size_t first, n;
	uint32_t own;

	own = UINT32_MAX;
	for (size_t i = 0; i < a->n_mx; i++)
		if (strcasecmp(a->mx[i].host, relay_config()->hostname) == 0 &&
		    a->mx[i].preference < own)
			own = a->mx[i].preference;
	for (size_t i = 0; i < a->n_mx && p->n_hosts < HOSTS_MAX;) {
		first = p->n_hosts;
		for (n = i;
		     n < a->n_mx && a->mx[n].preference == a->mx[i].preference;
		     n++)
			if (a->mx[n].preference < own &&
			    a->mx[n].host[0] != '\0' && p->n_hosts < HOSTS_MAX)
				(void)strlcpy(p->hosts[p->n_hosts++],
				    a->mx[n].host, sizeof(p->hosts[0]));
		shuffle(
		    p->hosts[first], p->n_hosts - first, sizeof(p->hosts[0]));
		i = n;
	}
	if (p->n_hosts == 0) {
		plan_reject(p, "5.4.6", "Mail for this domain would loop here");
		return;
	}
	p->host = 0;
	plan_next_host(p);
}

/* The first one too: nothing has been looked up for it yet. */
static void
plan_next_host(struct plan *p)
{
	if (p->any)
		p->host++;
	p->any = true;
	p->n_addresses = p->address = 0;
	if (p->host >= p->n_hosts) {
		plan_give_up(p);
		return;
	}
	if (plan_literal(p, p->hosts[p->host])) {
		plan_policy_set(p);
		if (p->route == NULL && address_here(&p->addresses[0]))
			plan_here(p);
		else
			plan_soon(p);
		return;
	}
	p->question = dns_address(p->hosts[p->host], got_addresses, p);
}

/* "192.0.2.1", "2001:db8::1", and the same in brackets (RFC 5321 4.1.3). */
static bool
plan_literal(struct plan *p, const char *host)
{
	char text[RESOLVER_NAME_MAX];
	struct address *a;
	size_t len;

	(void)strlcpy(text, host, sizeof(text));
	len = strlen(text);
	host = text;
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		host = text + 1;
		if (strncasecmp(host, "IPv6:", 5) == 0)
			host += 5;
	}
	a = &p->addresses[0];
	if (inet_pton(AF_INET, host, a->octets) == 1)
		a->family = 4;
	else if (inet_pton(AF_INET6, host, a->octets) == 1)
		a->family = 6;
	else
		return false;
	p->n_addresses = 1;
	p->address_secure = false;
	return true;
}

static void
got_addresses(const struct answer *a, void *arg)
{
	struct plan *p;

	p = arg;
	p->question = NULL;
	if (a->status != RESOLVER_OK || a->n_addresses == 0) {
		if (p->route == NULL && p->n_hosts == 1 &&
		    strcmp(p->hosts[0], p->job->dest) == 0 &&
		    (a->status == RESOLVER_NODATA ||
			a->status == RESOLVER_NXDOMAIN)) {
			/* RFC 7505 3: neither MX nor address. */
			plan_reject(p, "5.1.2", "The domain has no server");
			return;
		}
		plan_host_failed(p, "4.4.3", "The host has no address");
		return;
	}
	if (take_addresses(p, a) == 0) {
		plan_here(p);
		return;
	}
	p->address_secure = a->secure;
	(void)strlcpy(p->canonical, a->name, sizeof(p->canonical));
	plan_policy_set(p);
	if (p->policy.loose) {
		plan_try(p);
		return;
	}
	/*
	 * RFC 7672 2.2: where the way to the host is signed, its TLSA records
	 * may be.
	 */
	if (p->policy.first || p->tls == RELAY_TLS_NONE ||
	    (p->route != NULL && p->tls != RELAY_TLS_MAY) ||
	    !p->address_secure || (p->route == NULL && !p->mx_secure)) {
		plan_allowed(p);
		return;
	}
	p->question = dns_tlsa(p->hosts[p->host],
	    p->route != NULL ? p->route->port : SMTP_PORT, got_tlsa, p);
}

/* IPv6 and IPv4 take turns, IPv6 first; at random within.  How many. */
static size_t
take_addresses(struct plan *p, const struct answer *a)
{
	struct address six[RESOLVER_ADDRESSES_MAX],
	    four[RESOLVER_ADDRESSES_MAX];
	size_t n6, n4;

	n6 = n4 = 0;
	for (size_t i = 0; i < a->n_addresses; i++) {
		if (p->route == NULL && address_here(&a->addresses[i]))
			continue;
		if (a->addresses[i].family == 6 && n6 < RESOLVER_ADDRESSES_MAX)
			six[n6++] = a->addresses[i];
		else if (n4 < RESOLVER_ADDRESSES_MAX)
			four[n4++] = a->addresses[i];
	}
	shuffle(six, n6, sizeof(six[0]));
	shuffle(four, n4, sizeof(four[0]));
	for (size_t i = 0; i < RESOLVER_ADDRESSES_MAX; i++) {
		if (i < n6 && p->n_addresses < ADDRESSES_TRIED_MAX)
			p->addresses[p->n_addresses++] = six[i];
		if (i < n4 && p->n_addresses < ADDRESSES_TRIED_MAX)
			p->addresses[p->n_addresses++] = four[i];
	}
	return p->n_addresses;
}

/*
 * An address by which whoever connects reaches himself.  What a stranger has in
 * DNS must not lead there, to servers that trust this host.
 */
static bool
address_here(const struct address *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t none[15];
	const uint8_t *four;

	four = a->octets;
	if (a->family == 6) {
		if (memcmp(a->octets, none, sizeof(none)) == 0)
			return a->octets[15] <= 1;
		if (memcmp(a->octets, mapped, sizeof(mapped)) != 0)
			return false;
		four += sizeof(mapped);
	}
	return four[0] == 127 || four[0] == 0;
}

static void
plan_here(struct plan *p)
{
	p->n_here++;
	plan_host_failed(p, "5.4.6", "The host's address is that of any host");
}

static void
got_tlsa(const struct answer *a, void *arg)
{
	struct plan *p;

	p = arg;
	p->question = NULL;
	switch (a->status) {
	case RESOLVER_OK:
		if (a->secure)
			plan_dane(p, a);
		break;
	case RESOLVER_NODATA:
	case RESOLVER_NXDOMAIN:
		break;
	case RESOLVER_BOGUS:
	case RESOLVER_SERVFAIL:
	case RESOLVER_TIMEOUT:
	case RESOLVER_BROKEN:
	case RESOLVER_BUSY:
		/* RFC 7672 2.1.1: not a licence to go without. */
		if (p->route == NULL && a->status == RESOLVER_BOGUS)
			queue_tls(p->job->dest, TLS_POLICY_DANE,
			    TLSIO_DNSSEC_INVALID, p->hosts[p->host]);
		plan_host_failed(
		    p, "4.7.5", "The host's TLSA records cannot be had");
		return;
	}
	plan_allowed(p);
}

static bool
plan_strict(const struct plan *p)
{
	return (p->job->flags & QUEUE_REQUIRETLS) != 0;
}

static bool
plan_enforces(const struct plan *p)
{
	return p->sts != NULL && p->sts->mode == POLICY_ENFORCE;
}

/* RFC 8461 4.1, 2: whom DANE vouches for needs no policy. */
static void
plan_allowed(struct plan *p)
{
	/* RFC 8689 4.2.1: a forged MX must not lead to one who can do it. */
	if (plan_strict(p) && !p->policy.named) {
		p->lacks = true;
		plan_host_failed(p, "5.7.30",
		    "Neither DNSSEC nor MTA-STS says that the host is the "
		    "domain's (RFC 8689)");
		return;
	}
	if (p->policy.trust == TLSIO_TRUST_DANE ||
	    policy_allows(p->sts, p->hosts[p->host])) {
		plan_try(p);
		return;
	}
	log_info("mta-sts trace=%s host=%s: not in the policy of mode=%s",
	    log_vis(p->job->trace), log_vis(p->hosts[p->host]),
	    plan_enforces(p) ? "enforce" : "testing");
	if (p->policy.told)
		queue_tls(p->job->dest, TLS_POLICY_STS,
		    TLSIO_VALIDATION_FAILURE, p->hosts[p->host]);
	if (plan_enforces(p))
		plan_host_failed(p, "4.7.5",
		    "The host is not in the domain's policy (MTA-STS)");
	else
		plan_try(p);
}

/*
 * RFC 7672 2.2, 3.1: with none that is usable, TLS without verification, but
 * where something else asks for that.
 */
static void
plan_dane(struct plan *p, const struct answer *a)
{
	struct tls_policy *t;
	size_t len;

	t = &p->policy;
	t->must = true;
	t->kind = TLS_POLICY_DANE;
	for (size_t i = 0; i < a->n_tlsa; i++) {
		len = a->tlsa[i].len;
		if (len > sizeof(t->tlsa_data[0]))
			continue;
		memcpy(t->tlsa_data[t->n_tlsa], a->tlsa[i].data, len);
		t->tlsa[t->n_tlsa] = (struct tlsio_tlsa){
		    .usage = a->tlsa[i].parts[0],
		    .selector = a->tlsa[i].parts[1],
		    .matching = a->tlsa[i].parts[2],
		    .data = t->tlsa_data[t->n_tlsa],
		    .len = len,
		};
		t->n_tlsa++;
	}
	if (tlsio_tlsa_usable(t->tlsa, t->n_tlsa) == 0) {
		t->n_tlsa = 0;
		if (t->go_on)
			t->trust = TLSIO_TRUST_NONE;
		return;
	}
	t->trust = TLSIO_TRUST_DANE;
	t->go_on = false;
	(void)strlcpy(t->name2, p->job->dest, sizeof(t->name2));
}

/* What the configuration and the past ask, before DANE has its say. */
static void
plan_policy_set(struct plan *p)
{
	struct tls_policy *t;
	enum relay_tls how;

	t = &p->policy;
	memset(t, 0, sizeof(*t));
	how = p->tls;
	t->told = p->route == NULL && how != RELAY_TLS_NONE &&
	    (p->job->flags & QUEUE_TLS_OPTIONAL) == 0;
	t->kind = p->sts != NULL ? TLS_POLICY_STS : TLS_POLICY_NONE;
	t->named = p->route != NULL || p->mx_secure || p->job->dest[0] == '[' ||
	    (p->sts != NULL && policy_allows(p->sts, p->hosts[p->host]));
	(void)strlcpy(t->name, p->hosts[p->host], sizeof(t->name));
	t->trust = TLSIO_TRUST_WEBPKI;
	t->go_on = true;
	switch (how) {
	case RELAY_TLS_NONE:
		if (plan_strict(p))
			break;
		t->trust = TLSIO_TRUST_NONE;
		return;
	case RELAY_TLS_MAY:
		/* RFC 8689 5: the domain's wish, not the administrator's. */
		t->loose = (p->job->flags & QUEUE_TLS_OPTIONAL) != 0;
		if (t->loose)
			return;
		t->must = p->job->known >= KNOWN_TLS;
		t->go_on = p->job->known < KNOWN_VERIFIED;
		break;
	case RELAY_TLS_FIRST:
		t->first = true;
		/* FALLTHROUGH */
	case RELAY_TLS_VERIFY:
		t->must = true;
		t->go_on = false;
		break;
	}
	if (plan_enforces(p)) {
		t->sts = true;
		t->must = true;
		t->go_on = false;
	}
	/* RFC 8689 4.2.1 */
	if (plan_strict(p)) {
		t->must = true;
		t->go_on = false;
	}
}

static void
plan_try(struct plan *p)
{
	struct sockaddr_storage ss;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
	const struct address *a;
	char text[INET6_ADDRSTRLEN];
	socklen_t len;
	uint16_t port;

	p->attempts++;
	if (p->plain)
		p->policy.trust = TLSIO_TRUST_NONE;
	a = &p->addresses[p->address];
	port = htons(p->route != NULL ? p->route->port : SMTP_PORT);
	memset(&ss, 0, sizeof(ss));
	if (a->family == 4) {
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		sin.sin_port = port;
		memcpy(&sin.sin_addr, a->octets, 4);
		len = sizeof(sin);
		memcpy(&ss, &sin, len);
	} else {
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		sin6.sin6_port = port;
		memcpy(&sin6.sin6_addr, a->octets, 16);
		len = sizeof(sin6);
		memcpy(&ss, &sin6, len);
	}
	(void)inet_ntop(ss.ss_family, a->octets, text, sizeof(text));
	conn_start(p, (const struct sockaddr *)&ss, len, text);
}

static void
plan_host_failed(struct plan *p, const char *status, const char *text)
{
	plan_note(p, status, text);
	p->n_addresses = p->address = 0;
	plan_soon(p);
}

static void
plan_note(struct plan *p, const char *status, const char *text)
{
	(void)strlcpy(p->status, status, sizeof(p->status));
	(void)strlcpy(p->text, text, sizeof(p->text));
	(void)strlcpy(p->where, p->host < p->n_hosts ? p->hosts[p->host] : "",
	    sizeof(p->where));
}

static void
plan_give_up(struct plan *p)
{
	char status[QUEUE_STATUS_MAX], text[QUEUE_TEXT_MAX];
	char where[RESOLVER_NAME_MAX];
	struct job *j;
	bool lacks;

	j = p->job;
	if (p->n_here > 0 && p->n_here == p->n_hosts) {
		plan_reject(p, "5.4.6", "The domain's servers are loopback");
		return;
	}
	(void)strlcpy(status, p->status, sizeof(status));
	(void)strlcpy(text, p->text, sizeof(text));
	(void)strlcpy(where, p->where, sizeof(where));
	lacks = p->lacks;
	plan_free(p);
	/* Other mail for the destination may well be taken. */
	if ((j->flags & QUEUE_REQUIRETLS) != 0)
		job_outcome_all(j, lacks ? OUTCOME_FAILED : OUTCOME_DEFERRED, 0,
		    lacks ? "5.7.30" : status, where, text);
	else
		job_unreachable(j, status, where, text);
}

/* For good: another try would find the same. */
static void
plan_reject(struct plan *p, const char *status, const char *text)
{
	struct job *j;

	j = p->job;
	plan_free(p);
	job_outcome_all(j, OUTCOME_FAILED, 0, status, "", text);
}

static void
shuffle(void *list, size_t n, size_t size)
{
	uint8_t tmp[RESOLVER_NAME_MAX];
	uint8_t *a, *b, *base;

	base = list;
	for (; n > 1; n--) {
		a = base + (n - 1) * size;
		b = base + arc4random_uniform((uint32_t)n) * size;
		memcpy(tmp, a, size);
		memmove(a, b, size);
		memcpy(b, tmp, size);
	}
}
