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
 * The records of a mail site, as a zone file has them.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <ctype.h>
#include <err.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "seal.h"
#include "zone.h"

#include "../sealrelayd/resolver_wire.h"

#define TTL 3600
#define STS_ID_LEN 8   /* octets, of at most 16 */
#define STRING_MAX 255 /* octets of one string of a TXT record */

struct dkim_arg {
	struct zone *zone;
	const char *domain;
	int state;
};

static void host_records(const struct conf *, struct zone *);
static void host_address(const struct conf *, struct zone *, int, const void *);
static bool is_private(int, const void *);
static void sender_records(const struct conf *, const char *, struct zone *);
static void
spf(const struct conf *, struct zone *, const char *, const char *, char);
static void spf_notes(const struct conf *, const char *, struct zone *);
static void transport_records(const struct conf *, const char *, struct zone *);
static void service_records(const struct conf *, const char *, struct zone *);
static void service(const struct conf *, const char *, struct zone *,
    const char *, const char *);
static void srv_raw(struct zone_record *, uint16_t, const char *);
static void dkim_record(const struct conf_dkim_key *, void *);
static void reverse_name(const char *, char *, size_t);
static void print_record(const struct zone_record *);
static void print_text(const char *);

void
zone_make(const struct conf *conf, const char *domain, struct zone *z)
{
	struct zone_record *r;

	memset(z, 0, sizeof(*z));
	if (strcmp(domain, conf->domains[0].name) == 0) {
		host_records(conf, z);
		zone_sshfp(conf, z);
	}
	r = zone_add(
	    z, ZONE_MX, "MX", domain, "mail for the domain comes here");
	(void)snprintf(r->data, sizeof(r->data), "10 %s.", conf->hostname);
	sender_records(conf, domain, z);
	transport_records(conf, domain, z);
	zone_certs(conf, domain, z);
	service_records(conf, domain, z);
}

void
zone_make_dkim(
    const struct conf *conf, const char *domain, int state, struct zone *z)
{
	struct dkim_arg arg;

	memset(z, 0, sizeof(*z));
	arg.zone = z;
	arg.domain = domain;
	arg.state = state;
	(void)conf_dkim_each(conf, dkim_record, &arg, stderr);
}

struct zone_record *
zone_add(struct zone *z, enum zone_kind kind, const char *type,
    const char *name, const char *note)
{
	struct zone_record *r;

	r = recallocarray(z->records, z->n, z->n + 1, sizeof(*r));
	if (r == NULL)
		err(EXIT_FAILED, "zone");
	z->records = r;
	r = &z->records[z->n++];
	r->kind = kind;
	r->type = type;
	(void)strlcpy(r->name, name, sizeof(r->name));
	(void)strlcpy(r->note, note, sizeof(r->note));
	return r;
}

void
zone_print(const struct zone *z, bool json)
{
	static const struct column columns[] = {
	    {"name", COLUMN_TEXT, 0},
	    {"type", COLUMN_TEXT, 0},
	    {"data", COLUMN_TEXT, 0},
	    {"note", COLUMN_TEXT, 0},
	};
	const struct zone_record *r;
	char name[ZONE_NAME_MAX];

	if (json)
		out_start(columns, sizeof(columns) / sizeof(columns[0]), true);
	for (size_t i = 0; i < z->n; i++) {
		r = &z->records[i];
		if (json) {
			reverse_name(r->name, name, sizeof(name));
			out_text(r->kind == ZONE_PTR ? name : r->name);
			out_text(r->kind == ZONE_NOTE ? "" : r->type);
			out_text(r->data);
			out_text(r->note);
			continue;
		}
		if (r->note[0] != '\0')
			(void)printf("; %s\n", r->note);
		if (r->kind != ZONE_NOTE)
			print_record(r);
	}
}

/* One of another's zone is a remark: a name server would refuse the file. */
static void
print_record(const struct zone_record *r)
{
	char name[ZONE_NAME_MAX];

	if (r->kind == ZONE_PTR) {
		reverse_name(r->name, name, sizeof(name));
		(void)printf("; %s. %d IN PTR %s\n", name, TTL, r->data);
		return;
	}
	(void)printf("%s. %d IN %s ", r->name, TTL, r->type);
	if (r->kind == ZONE_TEXT || r->kind == ZONE_TEXT_KIND)
		print_text(r->data);
	else
		(void)puts(r->data);
}

/* RFC 1035 3.5, RFC 3596 2.5; "" if it is no address. */
static void
reverse_name(const char *address, char *buf, size_t size)
{
	uint8_t a[16];
	size_t n;

	*buf = '\0';
	if (inet_pton(AF_INET, address, a) == 1) {
		(void)snprintf(buf, size, "%u.%u.%u.%u.in-addr.arpa", a[3],
		    a[2], a[1], a[0]);
		return;
	}
	if (inet_pton(AF_INET6, address, a) != 1 || size < 4 * sizeof(a) + 9)
		return;
	n = 0;
	for (size_t i = sizeof(a); i-- > 0; n += 4)
		(void)snprintf(
		    buf + n, size - n, "%x.%x.", a[i] & 15, a[i] >> 4);
	(void)snprintf(buf + n, size - n, "ip6.arpa");
}

int
zone_domain(const struct conf *conf, const char *arg, char *buf, size_t size)
{
	if (strlcpy(buf, arg, size) >= size)
		return -1;
	for (char *p = buf; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return conf_domain_find(conf, buf) != NULL ? 0 : -1;
}

/*
 * The addresses that smtp listens on; where that is all, those of this host
 * which others may reach.
 */
static void
host_records(const struct conf *conf, struct zone *z)
{
	const struct conf_listen *l;
	struct ifaddrs *all, *ifa;
	uint8_t a[16];
	bool any;

	any = false;
	for (size_t i = 0; i < conf->n_listens; i++) {
		l = &conf->listens[i];
		if (l->is_socket || l->proto != CONF_SMTP)
			continue;
		if (inet_pton(AF_INET, l->address, a) == 1)
			host_address(conf, z, AF_INET, a);
		else if (inet_pton(AF_INET6, l->address, a) == 1)
			host_address(conf, z, AF_INET6, a);
		else
			any = true;
	}
	if (!any || getifaddrs(&all) == -1)
		return;
	for (ifa = all; ifa != NULL; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL || (ifa->ifa_flags & IFF_UP) == 0 ||
		    (ifa->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (ifa->ifa_addr->sa_family == AF_INET) {
			struct sockaddr_in in4;

			memcpy(&in4, ifa->ifa_addr, sizeof(in4));
			host_address(conf, z, AF_INET, &in4.sin_addr);
		} else if (ifa->ifa_addr->sa_family == AF_INET6) {
			struct sockaddr_in6 in6;

			memcpy(&in6, ifa->ifa_addr, sizeof(in6));
			if (!IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
				host_address(conf, z, AF_INET6, &in6.sin6_addr);
		}
	}
	freeifaddrs(all);
}

/* Its record, and the one that leads back (many refuse mail without). */
static void
host_address(
    const struct conf *conf, struct zone *z, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN], note[ZONE_NOTE_MAX];
	struct zone_record *r;

	if (inet_ntop(family, address, text, sizeof(text)) == NULL)
		return;
	for (size_t i = 0; i < z->n; i++)
		if (strcmp(z->records[i].data, text) == 0)
			return;
	if (is_private(family, address)) {
		(void)snprintf(note, sizeof(note),
		    "%s is a private address: behind a translation of "
		    "addresses, publish the outer one, and its PTR",
		    text);
		(void)zone_add(z, ZONE_NOTE, "", conf->hostname, note);
		return;
	}
	r = zone_add(z, ZONE_ADDRESS, family == AF_INET ? "A" : "AAAA",
	    conf->hostname, "an address of this host");
	(void)strlcpy(r->data, text, sizeof(r->data));
	r = zone_add(z, ZONE_PTR, "PTR", text,
	    "by whoever gave you the address; others refuse mail without it");
	(void)snprintf(r->data, sizeof(r->data), "%s.", conf->hostname);
}

static bool
is_private(int family, const void *address)
{
	const uint8_t *a = address;

	if (family == AF_INET6)
		return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && a[1] >= 0x80);
	return a[0] == 10 || a[0] == 127 || (a[0] == 172 && a[1] >> 4 == 1) ||
	    (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
	    (a[0] == 100 && a[1] >> 6 == 1);
}

/* Who may send in the domain's name. */
static void
sender_records(const struct conf *conf, const char *domain, struct zone *z)
{
	char name[ZONE_NAME_MAX];
	struct zone_record *r;
	struct zone keys;

	spf(conf, z, domain, "SPF: mail of the domain comes from its MX hosts",
	    'm');
	if (strcmp(conf->hostname, domain) != 0)
		spf(conf, z, conf->hostname,
		    "SPF of reports, which come from nobody but this host",
		    'a');
	spf_notes(conf, domain, z);
	zone_make_dkim(conf, domain, 0, &keys);
	if (keys.n == 0)
		(void)zone_add(z, ZONE_NOTE, "", domain,
		    "DKIM: no keys yet: sealctl dkim new");
	for (size_t i = 0; i < keys.n; i++) {
		r = zone_add(
		    z, keys.records[i].kind, "TXT", keys.records[i].name, "");
		*r = keys.records[i];
	}
	free(keys.records);
	(void)snprintf(name, sizeof(name), "_dmarc.%s", domain);
	r = zone_add(z, ZONE_TEXT_KIND, "TXT", name,
	    "DMARC: what is neither SPF's nor DKIM's is suspect");
	(void)snprintf(r->data, sizeof(r->data),
	    "v=DMARC1; p=quarantine; rua=mailto:postmaster@%s", domain);
}

/* How says by which of its records the name sends; relay source, too. */
static void
spf(const struct conf *conf, struct zone *z, const char *name, const char *note,
    char how)
{
	struct zone_record *r;
	const char *source;

	r = zone_add(z, ZONE_TEXT_KIND, "TXT", name, note);
	(void)strlcpy(
	    r->data, how == 'm' ? "v=spf1 mx" : "v=spf1 a", sizeof(r->data));
	for (size_t i = 0; i < 2; i++) {
		source = conf->relay_source[i];
		if (source[0] == '\0')
			continue;
		(void)strlcat(
		    r->data, i == 0 ? " ip4:" : " ip6:", sizeof(r->data));
		(void)strlcat(r->data, source, sizeof(r->data));
	}
	(void)strlcat(r->data, " -all", sizeof(r->data));
}

/* What the configuration lets know of the way out, and DNS has to know. */
static void
spf_notes(const struct conf *conf, const char *domain, struct zone *z)
{
	char note[ZONE_NOTE_MAX];

	for (size_t i = 0; i < conf->n_routes; i++) {
		if (strcmp(conf->routes[i].domain, "*") != 0)
			continue;
		(void)snprintf(note, sizeof(note),
		    "SPF: mail leaves by way of %s: what its operator says "
		    "(include:...) has to stand before -all",
		    conf->routes[i].host);
		(void)zone_add(z, ZONE_NOTE, "", domain, note);
	}
	for (size_t i = 0; i < 2; i++) {
		if (conf->relay_source[i][0] == '\0' ||
		    strcmp(domain, conf->domains[0].name) != 0)
			continue;
		(void)snprintf(note, sizeof(note),
		    "%s is where mail leaves from (relay source): its PTR "
		    "record has to name a host that has this address",
		    conf->relay_source[i]);
		(void)zone_add(z, ZONE_NOTE, "", domain, note);
	}
}

/* How others are to come: by TLS, and to whom they complain. */
static void
transport_records(const struct conf *conf, const char *domain, struct zone *z)
{
	char name[ZONE_NAME_MAX], id[2 * STS_ID_LEN + 1];
	char note[ZONE_NOTE_MAX];
	uint8_t hash[crypto_generichash_BYTES];
	struct zone_record *r;

	/* Another policy has another id (RFC 8461 3.1). */
	(void)crypto_generichash(hash, sizeof(hash),
	    (const uint8_t *)conf->hostname, strlen(conf->hostname), NULL, 0);
	seal_hex(hash, STS_ID_LEN, id);
	(void)snprintf(note, sizeof(note),
	    "MTA-STS: https://mta-sts.%s/.well-known/mta-sts.txt has to say: "
	    "version: STSv1 / mode: enforce / mx: %s / max_age: 604800 "
	    "(a line each), from a web server with a certificate of that name",
	    domain, conf->hostname);
	(void)snprintf(name, sizeof(name), "_mta-sts.%s", domain);
	r = zone_add(z, ZONE_TEXT_KIND, "TXT", name, note);
	(void)snprintf(r->data, sizeof(r->data), "v=STSv1; id=%s", id);
	(void)snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
	r = zone_add(z, ZONE_TEXT_KIND, "TXT", name,
	    "TLSRPT: where others report that TLS failed");
	(void)snprintf(r->data, sizeof(r->data),
	    "v=TLSRPTv1; rua=mailto:postmaster@%s", domain);
}

/* How mail programs find their servers (RFC 6186, 8314). */
static void
service_records(const struct conf *conf, const char *domain, struct zone *z)
{
	char note[ZONE_NOTE_MAX];

	service(conf, domain, z, "_imaps", "mail programs find IMAP by it");
	/* Without TLS from the start it is for this machine alone. */
	service(conf, domain, z, "_imap", NULL);
	service(conf, domain, z, "_submissions",
	    "mail programs find where to send by it");
	service(conf, domain, z, "_submission", "sending with STARTTLS");
	(void)snprintf(note, sizeof(note),
	    "autoconfig: programs that ask https://autoconfig.%s/mail/"
	    "config-v1.1.xml find the same there if a web server has it; "
	    "none is needed where the SRV records are",
	    domain);
	(void)zone_add(z, ZONE_NOTE, "", domain, note);
}

/* Port 0 and "." where it is not there, or no note is: RFC 6186 3.4. */
static void
service(const struct conf *conf, const char *domain, struct zone *z,
    const char *word, const char *note)
{
	char name[ZONE_NAME_MAX];
	struct zone_record *r;
	const char *host;
	uint16_t port;

	port = 0;
	for (size_t i = 0; i < conf->n_listens; i++)
		if (!conf->listens[i].is_socket && port == 0 && note != NULL &&
		    strcmp(conf_proto_name(conf->listens[i].proto), word + 1) ==
			0)
			port = conf->listens[i].port;
	host = port == 0 ? "" : conf->hostname;
	(void)snprintf(name, sizeof(name), "%s._tcp.%s", word, domain);
	r = zone_add(
	    z, ZONE_RAW, "SRV", name, port == 0 ? "this is not served" : note);
	(void)snprintf(r->data, sizeof(r->data), "0 %d %u %s.",
	    port == 0 ? 0 : 1, port, host);
	r->rrtype = RESOLVER_TYPE_SRV;
	srv_raw(r, port, host);
}

/* RFC 2782: priority, weight, port, target. */
static void
srv_raw(struct zone_record *r, uint16_t port, const char *host)
{
	size_t n, len;

	memset(r->raw, 0, 6);
	r->raw[3] = port != 0;
	r->raw[4] = (uint8_t)(port >> 8);
	r->raw[5] = (uint8_t)port;
	n = 6;
	while (*host != '\0' && n < sizeof(r->raw) - 65) {
		len = strcspn(host, ".");
		if (len > 63)
			len = 63;
		r->raw[n++] = (uint8_t)len;
		memcpy(r->raw + n, host, len);
		n += len;
		host += len + (host[len] == '.');
	}
	r->raw[n++] = 0;
	r->raw_len = n;
}

static void
dkim_record(const struct conf_dkim_key *key, void *arg)
{
	struct dkim_arg *a = arg;
	char name[ZONE_NAME_MAX], record[DKIM_RECORD_MAX];
	const char *algorithm;
	struct zone_record *r;
	int bits;

	if (strcmp(key->domain, a->domain) != 0 ||
	    (a->state != 0 && key->state != (enum conf_dkim_state)a->state) ||
	    dkim_key_record(key, record, sizeof(record), &algorithm, &bits) ==
		-1)
		return;
	(void)snprintf(
	    name, sizeof(name), "%s._domainkey.%s", key->selector, key->domain);
	r = zone_add(a->zone, ZONE_TEXT, "TXT", name,
	    key->state == CONF_DKIM_NEXT ?
		"DKIM: the next key; sealctl dkim rotate when it is there" :
		key->state == CONF_DKIM_OLD ?
		"DKIM: a former key, for mail under way" :
		"DKIM: signs");
	(void)strlcpy(r->data, record, sizeof(r->data));
	if (key->state == CONF_DKIM_OLD &&
	    (int64_t)time(NULL) - key->since > DKIM_KEEP_DAYS * 86400) {
		r->old = true;
		r->kind = ZONE_NOTE;
		(void)snprintf(r->note, sizeof(r->note),
		    "DKIM: %s may be removed now", name);
	}
}

/* RFC 1035 5.1: strings of at most 255 octets. */
static void
print_text(const char *s)
{
	size_t len, n;

	for (len = strlen(s); len > 0; len -= n, s += n) {
		n = len > STRING_MAX ? STRING_MAX : len;
		(void)printf("\"%.*s\"%s", (int)n, s, len > n ? " " : "");
	}
	(void)putchar('\n');
}
