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
 * The statements of sealmail.conf(5), one function each: words are checked
 * and noted in struct conf.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "conf_local.h"
#include "log.h"

#define LINGER_DEFAULT 60
#define LINGER_MAX 86400
#define KDF_KIB_MIN 8
#define KDF_KIB_MAX (1024 * 1024) /* what libseal takes */
#define KDF_PASSES_MAX 16
#define EXPIRE_DEFAULT 30 /* days */
#define EXPIRE_MAX 36500
#define QUOTA_MAX (UINT64_C(1) << 60)
#define LISTEN_MAX 64
#define CERT_MAX 64

static const struct {
	const char *name;
	struct conf_kdf cost;
} kdfs[] = {
    {"interactive", {64 * 1024, 3}}, {"moderate", {19 * 1024, 2}},
    {"low", {64, 1}}, /* for tests */
};

static const struct {
	const char *name;
	const char *user;
} roles[CONF_ROLES] = {
    [CONF_KEYS] = {"keys", "_sealkeys"},
    [CONF_NET] = {"net", "_sealnet"},
    [CONF_VAULT] = {"vault", "_sealvault"},
    [CONF_WORK] = {"work", "_sealwork"},
    [CONF_MAIL] = {"mail", "_sealmail"},
    [CONF_QUEUE] = {"queue", "_sealqueue"},
};

static const char *const protos[] = {
    [CONF_IMAPS] = "imaps",
    [CONF_IMAP] = "imap",
    [CONF_SMTP] = "smtp",
    [CONF_LMTP] = "lmtp",
    [CONF_SUBMISSION] = "submission",
    [CONF_SUBMISSIONS] = "submissions",
};

static const uint16_t ports[] = {
    [CONF_IMAPS] = 993,
    [CONF_IMAP] = 143,
    [CONF_SMTP] = 25,
    [CONF_LMTP] = 24,
    [CONF_SUBMISSION] = 587,
    [CONF_SUBMISSIONS] = 465,
};

static void *grow(void *, size_t, size_t);
static const char *default_listens(struct conf *);
static const char *check_listens(const struct conf *);
static bool is_loopback(const char *);
static int parse_id(const char *, size_t, uint32_t *);

const char *
conf_role_name(enum conf_role role)
{
	return roles[role].name;
}

const char *
conf_proto_name(enum conf_proto proto)
{
	return protos[proto];
}

const struct conf_domain *
conf_domain_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_domains; i++) {
		if (strcasecmp(conf->domains[i].name, name) == 0)
			return &conf->domains[i];
	}
	return NULL;
}

struct conf *
build_new(void)
{
	struct conf *conf;

	conf = calloc(1, sizeof(*conf));
	if (conf == NULL)
		fatal("conf");
	(void)strlcpy(conf->directory, STATEDIR, sizeof(conf->directory));
	(void)strlcpy(conf->run_directory, RUNDIR, sizeof(conf->run_directory));
	(void)strlcpy(conf->libexec, LIBEXECDIR, sizeof(conf->libexec));
	for (size_t i = 0; i < CONF_ROLES; i++)
		(void)strlcpy(conf->users[i].name, roles[i].user,
		    sizeof(conf->users[i].name));
	(void)strlcpy(conf->mail_group, "_sealmail", sizeof(conf->mail_group));
	for (size_t i = 0; i < CONF_LIMITS; i++)
		conf->limits[i] = conf_limit_rows[i].initial;
	conf->aliases = SIZE_MAX;
	conf->kdf = kdfs[0].cost;
	conf->linger = LINGER_DEFAULT;
	conf->expire[CONF_TRASH] = conf->expire[CONF_SPAM] = EXPIRE_DEFAULT;
	conf->codec = CONF_ZSTD;
	conf->relay_tls = CONF_RELAY_MAY;
	conf->dmarc = CONF_DMARC_COUNT;
	(void)strlcpy(conf->queue_key, SYSCONFDIR "/sealmail.queue.key",
	    sizeof(conf->queue_key));
	(void)strlcpy(conf->dkim_directory, SYSCONFDIR "/sealmail.dkim",
	    sizeof(conf->dkim_directory));
	return conf;
}

/* What can only be said when the whole file is read. */
const char *
build_finish(struct conf *conf)
{
	struct conf_domain *d;
	const char *wrong;
	size_t i;

	if (conf->hostname[0] == '\0')
		return "hostname is missing";
	if (conf->n_domains == 0)
		return "there must be a domain";
	for (i = 0; i < conf->n_domains; i++) {
		d = &conf->domains[i];
		if (!d->own_kdf)
			d->kdf = conf->kdf;
		if (!d->own_quota)
			d->quota = conf->quota;
		if (!d->own_escrow)
			memcpy(d->escrow, conf->escrow, sizeof(d->escrow));
		for (size_t j = 0; j < CONF_EXPIRES; j++) {
			if (!d->own_expire[j])
				d->expire[j] = conf->expire[j];
		}
		submission_finish(conf, d);
	}
	if (conf->n_dmarc_except == 0) {
		(void)build_net(
		    &conf->dmarc_except, &conf->n_dmarc_except, "127.0.0.0/8");
		(void)build_net(
		    &conf->dmarc_except, &conf->n_dmarc_except, "::1");
	}
	for (i = 0; conf->aliases == SIZE_MAX && i < conf->n_tables; i++) {
		if (strcmp(conf->tables[i].name, "aliases") == 0)
			conf->aliases = i;
	}
	if (conf->postmaster[0] == '\0' &&
	    (size_t)snprintf(conf->postmaster, sizeof(conf->postmaster),
		"postmaster@%s",
		conf->domains[0].name) >= sizeof(conf->postmaster))
		return "the first domain is too long";
	if (conf->n_listens == 0 && (wrong = default_listens(conf)) != NULL)
		return wrong;
	for (i = 0; i < conf->n_listens; i++) {
		if (!conf->listens[i].own_tls13)
			conf->listens[i].only_tls13 = conf->only_tls13;
	}
	return check_listens(conf);
}

static const char *
default_listens(struct conf *conf)
{
	const char *wrong;

	if (conf->n_certs == 0)
		return "there must be a certificate (or a listen)";
	if ((wrong = build_listen(conf, 0)) != NULL)
		return wrong;
	build_listen_proto(&conf->listens[0], CONF_IMAPS);
	if ((wrong = build_listen_address(&conf->listens[0], "*")) != NULL)
		return wrong;
	if ((wrong = build_listen(conf, 0)) != NULL)
		return wrong;
	build_listen_proto(&conf->listens[1], CONF_SMTP);
	if ((wrong = build_listen_address(&conf->listens[1], "*")) != NULL)
		return wrong;
	if ((wrong = build_listen(conf, 0)) != NULL)
		return wrong;
	build_listen_proto(&conf->listens[2], CONF_LMTP);
	if ((wrong = build_listen_socket(conf, &conf->listens[2], NULL)) !=
		NULL ||
	    (wrong = build_listen(conf, 0)) != NULL)
		return wrong;
	build_listen_proto(&conf->listens[3], CONF_SUBMISSIONS);
	return build_listen_address(&conf->listens[3], "*");
}

static const char *
check_listens(const struct conf *conf)
{
	static char text[160];
	const struct conf_listen *a, *b;
	const char *wrong;

	for (size_t i = 0; i < conf->n_listens; i++) {
		a = &conf->listens[i];
		wrong = NULL;
		if (a->tls != CONF_TLS_NONE && conf->n_certs == 0)
			wrong = "needs a certificate";
		else if (a->proto == CONF_IMAP && a->tls == CONF_TLS_NONE &&
		    !a->is_socket && !is_loopback(a->address))
			wrong = "without starttls only on loopback";
		else if (a->own_tls13 && a->tls == CONF_TLS_NONE)
			wrong = "has no TLS to have a version of";
		for (size_t j = 0; j < i; j++) {
			b = &conf->listens[j];
			if (a->is_socket == b->is_socket &&
			    strcmp(a->path, b->path) == 0 &&
			    strcmp(a->address, b->address) == 0 &&
			    a->port == b->port)
				wrong = "stands there twice";
		}
		if (wrong == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "listen of line %d (%s): %s",
		    a->line, protos[a->proto], wrong);
		return text;
	}
	return NULL;
}

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* Room for one more element of a list. */
static void *
grow(void *list, size_t n, size_t size)
{
	void *p;

	p = recallocarray(list, n, n + 1, size);
	if (p == NULL)
		fatal("conf");
	return p;
}

/* A host or domain name, noted in lower case. */
const char *
build_name(char *buf, size_t size, const char *host)
{
	size_t label, i;
	char c;

	if (strlen(host) >= size || strlen(host) > 253)
		return "the name is too long";
	label = 0;
	for (i = 0; (c = host[i]) != '\0'; i++) {
		buf[i] = (char)tolower((unsigned char)c);
		if (c == '.') {
			if (label == 0)
				return "not a host name";
			label = 0;
			continue;
		}
		if ((unsigned char)c >= 0x80)
			return "write the name in its xn-- form";
		if (!isalnum((unsigned char)c) && c != '_' &&
		    (c != '-' || label == 0))
			return "not a host name";
		if (++label > 63)
			return "a label of the name is too long";
	}
	buf[i] = '\0';
	return label == 0 ? "not a host name" : NULL;
}

const char *
build_path(char *buf, size_t size, const char *path)
{
	if (path[0] != '/')
		return "not an absolute path";
	if (strlcpy(buf, path, size) >= size)
		return "the path is too long";
	return NULL;
}

const char *
build_postmaster(struct conf *conf, const char *address)
{
	const char *at;

	at = strrchr(address, '@');
	if (at == NULL || at == address || at[1] == '\0')
		return "not an address: user@domain";
	if (strlcpy(conf->postmaster, address, sizeof(conf->postmaster)) >=
	    sizeof(conf->postmaster))
		return "the address is too long";
	return NULL;
}

const char *
build_domain(struct conf *conf, const char *name)
{
	struct conf_domain *d;

	if (conf_domain_find(conf, name) != NULL)
		return "this domain stands there already";
	if (conf->n_domains == CONF_LIST_MAX)
		return "too many domains";
	conf->domains = grow(conf->domains, conf->n_domains, sizeof(*d));
	d = &conf->domains[conf->n_domains++];
	return build_name(d->name, sizeof(d->name), name);
}

const char *
build_cert(struct conf *conf, const char *name)
{
	struct conf_cert *c;

	for (size_t i = 0; i < conf->n_certs; i++) {
		if (strcmp(conf->certs[i].name, name) == 0)
			return "a certificate of this name stands there "
			       "already";
	}
	if (conf->n_certs == CERT_MAX)
		return "too many certificates";
	conf->certs = grow(conf->certs, conf->n_certs, sizeof(*c));
	c = &conf->certs[conf->n_certs++];
	if (*name == '\0' ||
	    strlcpy(c->name, name, sizeof(c->name)) >= sizeof(c->name))
		return "not a name";
	return NULL;
}

const char *
build_cert_path(struct conf *conf, const char *path)
{
	struct conf_cert *c;

	c = &conf->certs[conf->n_certs - 1];
	return build_path(c->cert, sizeof(c->cert), path);
}

const char *
build_key_path(struct conf *conf, const char *path)
{
	struct conf_cert *c;

	c = &conf->certs[conf->n_certs - 1];
	return build_path(c->key, sizeof(c->key), path);
}

const char *
build_ocsp_path(struct conf *conf, const char *path)
{
	struct conf_cert *c;

	c = &conf->certs[conf->n_certs - 1];
	return build_path(c->ocsp, sizeof(c->ocsp), path);
}

const char *
build_tls_version(bool *only_tls13, const char *version)
{
	*only_tls13 = strcmp(version, "1.3") == 0;
	if (!*only_tls13 && strcmp(version, "1.2") != 0)
		return "no such version of TLS: 1.2 or 1.3";
	return NULL;
}

const char *
build_listen(struct conf *conf, int line)
{
	struct conf_listen *l;

	if (conf->n_listens == LISTEN_MAX)
		return "too many listeners";
	conf->listens = grow(conf->listens, conf->n_listens, sizeof(*l));
	l = &conf->listens[conf->n_listens++];
	l->line = line;
	return NULL;
}

void
build_listen_proto(struct conf_listen *l, enum conf_proto proto)
{
	l->proto = proto;
	l->port = l->is_socket ? 0 : ports[proto];
	switch (proto) {
	case CONF_IMAPS:
	case CONF_SUBMISSIONS:
		l->tls = CONF_TLS_FIRST;
		break;
	case CONF_SMTP:
	case CONF_SUBMISSION:
		l->tls = CONF_TLS_START;
		break;
	case CONF_IMAP:
	case CONF_LMTP:
		l->tls = CONF_TLS_NONE;
		break;
	}
}

const char *
build_listen_address(struct conf_listen *l, const char *address)
{
	struct in6_addr in6;
	struct in_addr in4;

	if (strcmp(address, "*") != 0 &&
	    inet_pton(AF_INET, address, &in4) != 1 &&
	    inet_pton(AF_INET6, address, &in6) != 1)
		return "not a numeric address, \"*\" or socket";
	if (strlcpy(l->address, address, sizeof(l->address)) >=
	    sizeof(l->address))
		return "the address is too long";
	return NULL;
}

/* path NULL: the socket of that protocol in the run directory. */
const char *
build_listen_socket(struct conf *conf, struct conf_listen *l, const char *path)
{
	char standard[CONF_PATH_MAX];
	int n;

	l->is_socket = true;
	l->port = 0;
	l->tls = CONF_TLS_NONE;
	if (l->proto != CONF_LMTP)
		return "only lmtp listens on a socket";
	if (path == NULL) {
		n = snprintf(standard, sizeof(standard), "%s/%s.sock",
		    conf->run_directory, protos[l->proto]);
		if (n < 0 || (size_t)n >= sizeof(standard))
			return "the run directory's path is too long";
		path = standard;
	}
	/* What fits into sun_path everywhere. */
	if (strlen(path) >= 100)
		return "the socket's path is too long";
	return build_path(l->path, sizeof(l->path), path);
}

const char *
build_listen_cert(struct conf *conf, struct conf_listen *l, const char *name)
{
	size_t i;

	for (i = 0; i < conf->n_certs; i++) {
		if (strcmp(conf->certs[i].name, name) == 0)
			break;
	}
	if (i == conf->n_certs)
		return "no certificate of this name stands above";
	for (size_t j = 0; j < l->n_certs; j++) {
		if (l->certs[j] == i)
			return "this certificate was named already";
	}
	l->certs = grow(l->certs, l->n_certs, sizeof(*l->certs));
	l->certs[l->n_certs++] = i;
	return NULL;
}

const char *
build_listen_port(struct conf_listen *l, const char *port)
{
	uint64_t n;

	if (l->is_socket)
		return "a socket has no port";
	if (conf_number(port, 1, UINT16_MAX, &n) == -1)
		return "not a port";
	l->port = (uint16_t)n;
	return NULL;
}

const char *
build_listen_tls(struct conf_listen *l, enum conf_tls tls)
{
	if (l->is_socket || (l->proto != CONF_IMAP && l->proto != CONF_SMTP))
		return "not with this protocol";
	l->tls = tls;
	return NULL;
}

/* file: "file:PATH", or NULL if pairs follow. */
const char *
build_table(struct conf *conf, const char *name, const char *file)
{
	struct conf_table *t;

	for (size_t i = 0; i < conf->n_tables; i++) {
		if (strcmp(conf->tables[i].name, name) == 0)
			return "this name has a table already";
	}
	if (conf->n_tables == CONF_LIST_MAX)
		return "too many tables";
	conf->tables = grow(conf->tables, conf->n_tables, sizeof(*t));
	t = &conf->tables[conf->n_tables++];
	if (*name == '\0' ||
	    strlcpy(t->name, name, sizeof(t->name)) >= sizeof(t->name))
		return "not a name";
	if (file == NULL)
		return NULL;
	if (strncmp(file, "file:", 5) != 0)
		return "expected file:PATH or { key = value }";
	return build_path(t->path, sizeof(t->path), file + 5);
}

const char *
build_pair(struct conf *conf, const char *key, const char *value)
{
	if (*key == '\0' || strlen(key) >= 2 * CONF_NAME_MAX)
		return "not a key";
	return conf_table_add(&conf->tables[conf->n_tables - 1], key, value);
}

const char *
build_table_end(struct conf *conf)
{
	if (conf_table_sort(&conf->tables[conf->n_tables - 1]) != NULL)
		return "a key stands there twice";
	return NULL;
}

const char *
build_aliases(struct conf *conf, const char *table)
{
	for (size_t i = 0; i < conf->n_tables; i++) {
		if (strcmp(conf->tables[i].name, table) == 0) {
			conf->aliases = i;
			return NULL;
		}
	}
	return "no table of this name stands above";
}

/* A name as useradd(8) would give it. */
bool
build_is_account(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) &&
		    strchr("._-", *name) == NULL)
			return false;
	}
	return true;
}

static int
parse_id(const char *text, size_t len, uint32_t *id)
{
	char buf[16];
	uint64_t n;

	if (len >= sizeof(buf))
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	/* The highest one is no id but "unchanged" to the system. */
	if (conf_number(buf, 0, UINT32_MAX - 1, &n) == -1)
		return -1;
	*id = (uint32_t)n;
	return 0;
}

/* who: NAME, UID or UID:GID. */
const char *
build_user(struct conf *conf, const char *role, const char *who)
{
	struct conf_user *u;
	uint32_t uid, gid;
	size_t i, len;

	for (i = 0; i < CONF_ROLES; i++) {
		if (strcmp(roles[i].name, role) == 0)
			break;
	}
	if (i == CONF_ROLES)
		return "no such role: keys, net, vault, work, mail or queue";
	u = &conf->users[i];
	memset(u, 0, sizeof(*u));
	if (!isdigit((unsigned char)*who)) {
		if (!build_is_account(who) ||
		    strlcpy(u->name, who, sizeof(u->name)) >= sizeof(u->name))
			return "not a user: NAME, UID or UID:GID";
		return NULL;
	}
	len = strcspn(who, ":");
	if (parse_id(who, len, &uid) == -1)
		return "not a uid";
	gid = uid;
	if (who[len] == ':' &&
	    parse_id(who + len + 1, strlen(who + len + 1), &gid) == -1)
		return "not a gid";
	if (uid == 0)
		return "no role runs as root";
	u->uid = (uid_t)uid;
	u->gid = (gid_t)gid;
	return NULL;
}

const char *
build_group(struct conf *conf, const char *group, const char *who)
{
	uint32_t gid;

	if (strcmp(group, "mail") != 0)
		return "no such group: mail";
	if (!isdigit((unsigned char)*who)) {
		if (!build_is_account(who) ||
		    strlcpy(conf->mail_group, who, sizeof(conf->mail_group)) >=
			sizeof(conf->mail_group))
			return "not a group";
		return NULL;
	}
	if (parse_id(who, strlen(who), &gid) == -1)
		return "not a gid";
	conf->mail_group[0] = '\0';
	conf->mail_gid = (gid_t)gid;
	return NULL;
}

const char *
build_limit(struct conf *conf, const char *name, const char *value)
{
	const struct conf_limit_row *row;
	size_t i;
	int ret;

	for (i = 0; i < CONF_LIMITS; i++) {
		if (strcmp(conf_limit_rows[i].name, name) == 0)
			break;
	}
	if (i == CONF_LIMITS)
		return "no such limit";
	row = &conf_limit_rows[i];
	ret = -1;
	switch (row->kind) {
	case LIMIT_COUNT:
		ret = conf_number(value, row->min, row->max, &conf->limits[i]);
		break;
	case LIMIT_SIZE:
		ret = conf_size(value, row->min, row->max, &conf->limits[i]);
		break;
	case LIMIT_SECONDS:
		ret = conf_seconds(value, row->min, row->max, &conf->limits[i]);
		break;
	}
	return ret == -1 ? conf_limit_wrong(row) : NULL;
}

const char *
build_kdf(struct conf_kdf *kdf, const char *name)
{
	for (size_t i = 0; i < sizeof(kdfs) / sizeof(kdfs[0]); i++) {
		if (strcmp(kdfs[i].name, name) == 0) {
			*kdf = kdfs[i].cost;
			return NULL;
		}
	}
	return "no such cost: interactive, moderate, low, or "
	       "memory SIZE passes NUMBER";
}

const char *
build_kdf_cost(struct conf_kdf *kdf, const char *memory, const char *passes)
{
	uint64_t size, n;

	if (conf_size(memory, KDF_KIB_MIN * 1024, UINT64_C(1024) * KDF_KIB_MAX,
		&size) == -1)
		return "not a size of memory: 8K to 1G";
	if (conf_number(passes, 1, KDF_PASSES_MAX, &n) == -1)
		return "not a number of passes: 1 to 16";
	kdf->kib = (uint32_t)(size / 1024);
	kdf->passes = (uint32_t)n;
	return NULL;
}

const char *
build_quota(uint64_t *quota, const char *value)
{
	if (strcmp(value, "none") == 0) {
		*quota = 0;
		return NULL;
	}
	if (conf_size(value, 1, QUOTA_MAX, quota) == -1)
		return "not a size, or none";
	return NULL;
}

const char *
build_escrow(char path[CONF_PATH_MAX], const char *value)
{
	if (strcmp(value, "none") == 0) {
		path[0] = '\0';
		return NULL;
	}
	return build_path(path, CONF_PATH_MAX, value);
}

static const char *const expires[] = {
    [CONF_TRASH] = "trash",
    [CONF_SPAM] = "spam",
    [CONF_WAITING] = "waiting",
};

const char *
conf_expire_name(enum conf_expire what)
{
	return expires[what];
}

int
build_expire_kind(const char *name)
{
	for (int i = 0; i < CONF_EXPIRES; i++) {
		if (strcmp(name, expires[i]) == 0)
			return i;
	}
	return -1;
}

const char *
build_expire(uint32_t *days, const char *value)
{
	uint64_t n;

	if (conf_number(value, 0, EXPIRE_MAX, &n) == -1)
		return "not a number of days: 0 (never) to 36500";
	*days = (uint32_t)n;
	return NULL;
}

const char *
build_linger(struct conf *conf, const char *value)
{
	uint64_t n;

	if (conf_seconds(value, 0, LINGER_MAX, &n) == -1)
		return "not a time: 0 to 24h";
	conf->linger = (uint32_t)n;
	return NULL;
}

const char *
build_codec(struct conf *conf, const char *name)
{
	if (strcmp(name, "zstd") == 0)
		conf->codec = CONF_ZSTD;
	else if (strcmp(name, "deflate") == 0)
		conf->codec = CONF_DEFLATE;
	else if (strcmp(name, "none") == 0)
		conf->codec = CONF_STORED;
	else
		return "no such compression: zstd, deflate or none";
	return NULL;
}
