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
 * Prints a configuration in its own syntax, and frees it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "conf_local.h"

static void print_quoted(FILE *, const char *);
static void print_users(const struct conf *, FILE *);
static void print_domain(const struct conf_domain *, FILE *);
static void
print_listen(const struct conf *, const struct conf_listen *, FILE *);
static void print_table(const struct conf_table *, FILE *);
static void print_settings(const struct conf *, FILE *);
static void print_resolver(const struct conf *, FILE *);
static void print_relay(const struct conf *, FILE *);
static void print_dmarc(const struct conf *, FILE *);
static void print_kdf(const struct conf_kdf *, FILE *);
static void print_quota(uint64_t, FILE *);
static void print_escrow(const char *, FILE *);
static void print_expire(enum conf_expire, uint32_t, FILE *);

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n_listens; i++)
		free(conf->listens[i].certs);
	for (size_t i = 0; i < conf->n_tables; i++)
		conf_table_clear(&conf->tables[i]);
	free(conf->domains);
	free(conf->certs);
	free(conf->listens);
	free(conf->tables);
	free(conf->trusted);
	free(conf->administrators);
	free(conf->relay_from);
	free(conf->dmarc_except);
	free(conf->routes);
	free(conf->dkim);
	free(conf);
}

void
conf_print(const struct conf *conf, FILE *out)
{
	(void)fprintf(out, "hostname ");
	print_quoted(out, conf->hostname);
	(void)fprintf(out, "\npostmaster ");
	print_quoted(out, conf->postmaster);
	(void)fprintf(out, "\ndirectory ");
	print_quoted(out, conf->directory);
	(void)fprintf(out, "\nrun directory ");
	print_quoted(out, conf->run_directory);
	(void)fprintf(out, "\nlibexec ");
	print_quoted(out, conf->libexec);
	(void)fprintf(out, "\n");
	print_users(conf, out);
	print_settings(conf, out);
	for (size_t i = 0; i < conf->n_domains; i++)
		print_domain(&conf->domains[i], out);
	for (size_t i = 0; i < conf->n_certs; i++) {
		(void)fprintf(out, "certificate ");
		print_quoted(out, conf->certs[i].name);
		(void)fprintf(out, " cert ");
		print_quoted(out, conf->certs[i].cert);
		(void)fprintf(out, " key ");
		print_quoted(out, conf->certs[i].key);
		if (conf->certs[i].ocsp[0] != '\0') {
			(void)fprintf(out, " ocsp ");
			print_quoted(out, conf->certs[i].ocsp);
		}
		(void)fprintf(out, "\n");
	}
	for (size_t i = 0; i < conf->n_listens; i++)
		print_listen(conf, &conf->listens[i], out);
	for (size_t i = 0; i < conf->n_tables; i++)
		print_table(&conf->tables[i], out);
	if (conf->aliases != SIZE_MAX) {
		(void)fprintf(out, "aliases ");
		print_quoted(out, conf->tables[conf->aliases].name);
		(void)fprintf(out, "\n");
	}
}

static void
print_quoted(FILE *out, const char *s)
{
	(void)fputc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			(void)fputc('\\', out);
		(void)fputc(*s, out);
	}
	(void)fputc('"', out);
}

static void
print_users(const struct conf *conf, FILE *out)
{
	const struct conf_user *u;

	for (size_t i = 0; i < CONF_ROLES; i++) {
		u = &conf->users[i];
		(void)fprintf(out, "user %s ", conf_role_name(i));
		if (u->name[0] != '\0')
			print_quoted(out, u->name);
		else
			(void)fprintf(out, "%u:%u", (unsigned int)u->uid,
			    (unsigned int)u->gid);
		(void)fprintf(out, "\n");
	}
	(void)fprintf(out, "group mail ");
	if (conf->mail_group[0] != '\0')
		print_quoted(out, conf->mail_group);
	else
		(void)fprintf(out, "%u", (unsigned int)conf->mail_gid);
	(void)fprintf(out, "\n");
}

static void
print_settings(const struct conf *conf, FILE *out)
{
	static const char *const codecs[] = {
	    [CONF_STORED] = "none",
	    [CONF_DEFLATE] = "deflate",
	    [CONF_ZSTD] = "zstd",
	};

	for (size_t i = 0; i < CONF_LIMITS; i++)
		(void)fprintf(out, "limit %s %llu\n", conf_limit_name(i),
		    (unsigned long long)conf->limits[i]);
	print_kdf(&conf->kdf, out);
	(void)fprintf(out, "\n");
	print_quota(conf->quota, out);
	(void)fprintf(out, "\n");
	print_escrow(conf->escrow, out);
	for (size_t i = 0; i < CONF_EXPIRES; i++)
		print_expire(i, conf->expire[i], out);
	(void)fprintf(out, "linger %u\n", conf->linger);
	(void)fprintf(out, "compression %s\n", codecs[conf->codec]);
	(void)fprintf(out, "scram %s\n", conf->scram ? "yes" : "no");
	(void)fprintf(
	    out, "submission agent %s\n", conf->show_agent ? "show" : "hide");
	(void)fprintf(
	    out, "log addresses %s\n", conf->log_addresses ? "yes" : "no");
	(void)fprintf(out, "log %s\n", conf->log_verbose ? "verbose" : "brief");
	(void)fprintf(
	    out, "sandbox %s\n", conf->best_effort ? "best-effort" : "strict");
	(void)fprintf(out, "tls %s\n", conf->only_tls13 ? "1.3" : "1.2");
	(void)fprintf(out, "host index %u\n", conf->host_index);
	print_control(conf, out);
	print_resolver(conf, out);
	print_relay(conf, out);
	print_dmarc(conf, out);
}

static void
print_resolver(const struct conf *conf, FILE *out)
{
	const char *at;

	for (size_t i = 0; i < conf->n_forwards; i++) {
		at = strchr(conf->forwards[i], '@');
		(void)fprintf(out, "resolver forward \"%.*s\" port %s\n",
		    (int)(at - conf->forwards[i]), conf->forwards[i], at + 1);
	}
	if (conf->anchors[0] == '\0')
		return;
	(void)fprintf(out, "resolver anchors ");
	print_quoted(out, conf->anchors);
	(void)fprintf(out, "\n");
}

static void
print_dmarc(const struct conf *conf, FILE *out)
{
	static const char *const words[] = {
	    [CONF_DMARC_OFF] = "off",
	    [CONF_DMARC_COUNT] = "count",
	    [CONF_DMARC_ENFORCE] = "enforce",
	};

	(void)fprintf(out, "dmarc %s\n", words[conf->dmarc]);
	for (size_t i = 0; i < conf->n_dmarc_except; i++) {
		(void)fprintf(out, "dmarc except ");
		print_net(&conf->dmarc_except[i], out);
	}
}

static void
print_relay(const struct conf *conf, FILE *out)
{
	static const char *const words[] = {
	    [CONF_RELAY_NONE] = "none",
	    [CONF_RELAY_MAY] = "may",
	    [CONF_RELAY_VERIFY] = "verify",
	    [CONF_RELAY_FIRST] = "first",
	};
	const struct conf_route *r;

	(void)fprintf(out, "queue key ");
	print_quoted(out, conf->queue_key);
	(void)fprintf(out, "\nrelay tls %s\n", words[conf->relay_tls]);
	for (size_t i = 0; i < 2; i++) {
		if (conf->relay_source[i][0] == '\0')
			continue;
		(void)fprintf(out, "relay source ");
		print_quoted(out, conf->relay_source[i]);
		(void)fprintf(out, "\n");
	}
	for (size_t i = 0; i < conf->n_relay_from; i++) {
		(void)fprintf(out, "relay from ");
		print_net(&conf->relay_from[i], out);
	}
	for (size_t i = 0; i < conf->n_routes; i++) {
		r = &conf->routes[i];
		if (r->host[0] == '\0') {
			(void)fprintf(
			    out, "relay tls %s domain ", words[r->tls]);
			print_quoted(out, r->domain);
			(void)fprintf(out, "\n");
			continue;
		}
		(void)fprintf(out, "route ");
		print_quoted(out, r->domain);
		(void)fprintf(out, " host ");
		print_quoted(out, r->host);
		(void)fprintf(out, " port %u tls %s", r->port, words[r->tls]);
		if (r->auth[0] != '\0') {
			(void)fprintf(out, " auth ");
			print_quoted(out, r->auth);
		}
		(void)fprintf(out, "\n");
	}
	(void)fprintf(out, "dkim directory ");
	print_quoted(out, conf->dkim_directory);
	(void)fprintf(out, "\n");
	for (size_t i = 0; i < conf->n_dkim; i++) {
		(void)fprintf(out, "dkim ");
		print_quoted(out, conf->dkim[i].domain);
		(void)fprintf(out, " selector ");
		print_quoted(out, conf->dkim[i].selector);
		(void)fprintf(out, " key ");
		print_quoted(out, conf->dkim[i].key);
		(void)fprintf(out, "\n");
	}
}

static void
print_kdf(const struct conf_kdf *kdf, FILE *out)
{
	(void)fprintf(out, "kdf memory %uK passes %u", kdf->kib, kdf->passes);
}

static void
print_quota(uint64_t quota, FILE *out)
{
	if (quota == 0)
		(void)fprintf(out, "quota none");
	else
		(void)fprintf(out, "quota %llu", (unsigned long long)quota);
}

static void
print_escrow(const char *path, FILE *out)
{
	(void)fprintf(out, "escrow ");
	print_quoted(out, path[0] == '\0' ? "none" : path);
	(void)fprintf(out, "\n");
}

static void
print_expire(enum conf_expire what, uint32_t days, FILE *out)
{
	(void)fprintf(out, "expire %s %u\n", conf_expire_name(what), days);
}

static void
print_domain(const struct conf_domain *d, FILE *out)
{
	(void)fprintf(out, "domain ");
	print_quoted(out, d->name);
	if (d->own_kdf || d->own_quota || d->own_escrow ||
	    d->own_expire[CONF_TRASH] || d->own_expire[CONF_SPAM] ||
	    d->own_expire[CONF_WAITING] || submission_has(d)) {
		(void)fprintf(out, " {\n");
		if (d->own_kdf) {
			(void)fprintf(out, "\t");
			print_kdf(&d->kdf, out);
			(void)fprintf(out, "\n");
		}
		if (d->own_quota) {
			(void)fprintf(out, "\t");
			print_quota(d->quota, out);
			(void)fprintf(out, "\n");
		}
		if (d->own_escrow) {
			(void)fprintf(out, "\t");
			print_escrow(d->escrow, out);
		}
		for (size_t i = 0; i < CONF_EXPIRES; i++) {
			if (!d->own_expire[i])
				continue;
			(void)fprintf(out, "\t");
			print_expire(i, d->expire[i], out);
		}
		print_rates(d, out);
		(void)fprintf(out, "}");
	}
	(void)fprintf(out, "\n");
}

static void
print_listen(const struct conf *conf, const struct conf_listen *l, FILE *out)
{
	(void)fprintf(out, "listen on ");
	if (l->is_socket) {
		(void)fprintf(out, "socket ");
		print_quoted(out, l->path);
	} else
		(void)fprintf(out, "%s", l->address);
	(void)fprintf(out, " %s", conf_proto_name(l->proto));
	if (!l->is_socket)
		(void)fprintf(out, " port %u", l->port);
	if (l->proto == CONF_IMAP || l->proto == CONF_SMTP)
		(void)fprintf(out, " %s",
		    l->tls == CONF_TLS_START ? "starttls" : "no-tls");
	if (l->own_tls13)
		(void)fprintf(out, " tls %s", l->only_tls13 ? "1.3" : "1.2");
	for (size_t i = 0; i < l->n_certs; i++) {
		(void)fprintf(out, " certificate ");
		print_quoted(out, conf->certs[l->certs[i]].name);
	}
	(void)fprintf(out, "\n");
}

static void
print_table(const struct conf_table *t, FILE *out)
{
	(void)fprintf(out, "table ");
	print_quoted(out, t->name);
	if (t->path[0] != '\0') {
		(void)fprintf(out, " \"file:");
		for (const char *p = t->path; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				(void)fputc('\\', out);
			(void)fputc(*p, out);
		}
		(void)fprintf(out, "\"\n");
		return;
	}
	(void)fprintf(out, " {\n");
	for (size_t i = 0; i < t->n_pairs; i++) {
		(void)fprintf(out, "\t");
		print_quoted(out, t->pairs[i].key);
		(void)fprintf(out, " = ");
		print_quoted(out, t->pairs[i].value);
		(void)fprintf(out, "\n");
	}
	(void)fprintf(out, "}\n");
}
