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
 * From options and configuration to a running supervisor, and the reload.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "config.h"
#include "log.h"
#include "parent_local.h"

#define DEFAULT_CONF SYSCONFDIR "/sealmail.conf"
#define PRODUCT "Sealmail" /* the name that clients see */

struct options {
	const char *conf;
	bool foreground, check, table;
	int verbose;
};

static void own_descriptors(void);
static void
site_cert(struct site_cert *, const struct conf_cert *, const struct files *);
static int options_parse(int, char *[], struct options *);
static int check(const struct options *);
static void settings_fill(struct parent *);
static void settings_limits(struct parent *);
static void make_dirs(const struct parent *);
static bool is_mine(const char *);
static void
on_config(struct wire *, const struct proc_row *, unsigned int, void *);
static int on_reload(char *, size_t, void *);
static void
on_message(const struct proc_row *, unsigned int, struct msg *, void *);
static void on_certs(struct wire *, uint32_t, void *);
static bool trusts(const struct sockaddr_storage *, void *);
static bool tells(uint32_t, void *);
static void first_line(char *, size_t, const char *);

int
parent_main(int argc, char *argv[], const struct parent_kind *kind)
{
	static struct parent p;
	struct options o;

	compat_proctitle_init(argc, argv);
	own_descriptors();
	if (options_parse(argc, argv, &o) == -1)
		return 1;
	if (o.table) {
		proc_table_print(kind->daemon, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (o.check)
		return check(&o);
	log_init(kind->daemon->name, true, o.verbose);
	p.kind = kind;
	p.foreground = o.foreground;
	p.verbose = o.verbose > 0;
	p.conf_path = realpath(o.conf, NULL);
	if (p.conf_path == NULL)
		fatal("%s", o.conf);
	p.now = loaded_new(kind, p.conf_path, stderr);
	if (p.now == NULL)
		return 1;
	p.daemon = *kind->daemon;
	p.daemon.config = on_config;
	p.daemon.reload = on_reload;
	if (kind->engine != NULL) {
		p.daemon.message = on_message;
		p.daemon.certs = on_certs;
	}
	p.generation = 1;
	p.daemon.trusts = trusts;
	p.daemon.tells = tells;
	settings_fill(&p);
	make_dirs(&p);
	parent_log_key(p.settings.base_dir, p.settings.log_key);
	log_addr_key(p.settings.log_key);
	if (!p.foreground && daemon(1, 0) == -1)
		fatal("daemon");
	log_init(kind->daemon->name, p.foreground, p.verbose);
	log_addr_clear(p.settings.log_addresses);
	proc_begin(&p.daemon, &p.settings, &p);
	if (kind->engine != NULL)
		certs_begin(&p);
	listeners_open(&p);
	setproctitle("parent");
	return proc_run();
}

const struct conf *
parent_conf(const struct parent *p)
{
	return p->now->conf;
}

size_t
parent_n_listens(const struct parent *p)
{
	return p->now->n_listens;
}

const struct conf_listen *
parent_listen(const struct parent *p, size_t i)
{
	return p->now->listens[i];
}

uint64_t
parent_listen_certs(const struct parent *p, size_t i)
{
	const struct conf_listen *l;
	uint64_t set;

	l = p->now->listens[i];
	set = 0;
	for (size_t k = 0; k < l->n_certs; k++)
		set |= (uint64_t)1 << l->certs[k];
	for (size_t k = 0; l->n_certs == 0 && k < p->now->conf->n_certs; k++)
		set |= (uint64_t)1 << k;
	return set;
}

void
parent_site(const struct parent *p, struct site *s)
{
	const struct conf *conf;
	const struct loaded *l;

	l = p->now;
	conf = l->conf;
	(void)strlcpy(s->hostname, conf->hostname, sizeof(s->hostname));
	(void)strlcpy(s->product, PRODUCT, sizeof(s->product));
	s->log_addresses = conf->log_addresses;
	s->codec = (uint8_t)conf->codec;
	s->generation = p->generation;
	s->ticket_seconds = (uint32_t)conf->limits[CONF_TICKET_LIFE];
	s->domains = site_grow(NULL, 0, conf->n_domains, sizeof(*s->domains));
	for (size_t i = 0; i < conf->n_domains; i++)
		(void)strlcpy(s->domains[s->n_domains++], conf->domains[i].name,
		    sizeof(*s->domains));
	if (conf->n_certs > 0)
		s->certs = site_grow(NULL, 0, conf->n_certs, sizeof(*s->certs));
	for (size_t i = 0; i < conf->n_certs; i++)
		site_cert(
		    &s->certs[s->n_certs++], &conf->certs[i], &l->chains[i]);
}

static void
site_cert(struct site_cert *out, const struct conf_cert *conf,
    const struct files *files)
{
	(void)strlcpy(out->name, conf->name, sizeof(out->name));
	out->chain = strdup(files->pem);
	if (out->chain == NULL)
		fatal("strdup");
	out->len = strlen(out->chain);
	if (files->ocsp == NULL)
		return;
	out->ocsp = malloc(files->ocsp_len);
	if (out->ocsp == NULL)
		fatal("malloc");
	memcpy(out->ocsp, files->ocsp, files->ocsp_len);
	out->ocsp_len = files->ocsp_len;
}

/*
 * 0, 1 and 2 are there, and nothing of whoever started us is beside them but
 * sockets that are meant for us.
 */
static void
own_descriptors(void)
{
	int fd, first;

	first = passed_init();

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	closefrom(first);
	manager_begin();
}

static int
options_parse(int argc, char *argv[], struct options *o)
{
	int ch;

	memset(o, 0, sizeof(*o));
	o->conf = DEFAULT_CONF;
	while ((ch = getopt(argc, argv, "df:nPv")) != -1) {
		switch (ch) {
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->conf = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'P':
			o->table = true;
			break;
		case 'v':
			o->verbose++;
			break;
		default:
			goto usage;
		}
	}
	if (optind == argc)
		return 0;
usage:
	(void)fprintf(stderr, "usage: %s [-dnPv] [-f file]\n", getprogname());
	return -1;
}

static int
check(const struct options *o)
{
	struct conf *conf;
	int ret;

	conf = conf_load(o->conf, stderr);
	if (conf == NULL)
		return 1;
	ret = conf_check(conf, stderr) == -1 ? 1 : 0;
	if (ret == 0 && o->verbose > 0)
		conf_print(conf, stdout);
	else if (ret == 0)
		(void)fprintf(stderr, "configuration OK\n");
	conf_free(conf);
	return ret;
}

static void
settings_fill(struct parent *p)
{
	const struct conf *conf;
	struct proc_settings *s;

	conf = p->now->conf;
	s = &p->settings;
	/* Strings that outlive a reload. */
	s->libexec = strdup(conf->libexec);
	s->run_dir = strdup(conf->run_directory);
	s->base_dir = strdup(conf->directory);
	if (s->libexec == NULL || s->run_dir == NULL || s->base_dir == NULL)
		fatal("strdup");
	s->best_effort = conf->best_effort;
	s->apart = conf->isolated;
	s->foreground = p->foreground;
	p->verbose = p->verbose || conf->log_verbose;
	s->verbose = p->verbose;
	for (int i = 0; i < CONF_ROLES; i++) {
		s->users[i].uid = geteuid();
		s->users[i].gid = getegid();
		if (geteuid() == 0 &&
		    conf_ids(conf, (enum conf_role)i, &s->users[i].uid,
			&s->users[i].gid, stderr) == -1)
			exit(1);
	}
	if (conf_control_gid(conf, CONF_OPERATORS, &s->control_gid, stderr) ==
		-1 ||
	    conf_control_gid(conf, CONF_READERS, &s->readers_gid, stderr) == -1)
		exit(1);
	settings_limits(p);
}

static bool
trusts(const struct sockaddr_storage *ss, void *arg)
{
	const struct parent *p;

	p = arg;
	return conf_trusts(p->now->conf, ss);
}

static bool
tells(uint32_t listener, void *arg)
{
	const struct parent *p;

	p = arg;
	return p->kind->tells != NULL && listener < p->now->n_listens &&
	    p->kind->tells(p->now->listens[listener]->proto);
}

/* What a reload may change. */
static void
settings_limits(struct parent *p)
{
	const struct conf *conf;
	struct proc_settings *s;

	conf = p->now->conf;
	s = &p->settings;
	s->log_addresses = conf->log_addresses;
	s->conns_max = conf->limits[CONF_CONNECTIONS];
	s->conns_per_source = conf->limits[CONF_CONNECTIONS_PER_SOURCE];
	s->conn_rate = conf->limits[CONF_CONNECTION_RATE];
}

/*
 * Whichever daemon comes first makes them.  Everything below accounts is in
 * the mail group by the set-group-ID bit; other folders are the vaults' alone.
 */
static void
make_dirs(const struct parent *p)
{
	const struct proc_settings *s;
	char path[PATH_MAX];
	uid_t vault;
	gid_t group;

	s = &p->settings;
	if (p->kind->engine == NULL && !is_mine(s->base_dir))
		return;
	vault = s->users[CONF_VAULT].uid;
	group = s->users[CONF_VAULT].gid;
	if (proc_dir_make(s->base_dir, 0755, geteuid(), getegid()) == -1)
		exit(1);
	if (p->kind->engine == NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s/accounts", s->base_dir);
	if (proc_dir_make(path, 02750, vault, group) == -1)
		exit(1);
	(void)snprintf(path, sizeof(path), "%s/head", s->base_dir);
	if (proc_dir_make(path, 0700, vault, group) == -1)
		exit(1);
	(void)snprintf(path, sizeof(path), "%s/removed", s->base_dir);
	if (proc_dir_make(path, 0700, vault, group) == -1)
		exit(1);
	if (p->kind->prepare != NULL)
		p->kind->prepare(p->now->conf, s);
}

/* Not so: another user's, which a daemon that keeps nothing there may read. */
static bool
is_mine(const char *dir)
{
	struct stat st;

	return geteuid() == 0 || lstat(dir, &st) == -1 ||
	    st.st_uid == geteuid();
}

static void
on_config(struct wire *w, const struct proc_row *row, unsigned int instance,
    void *arg)
{
	const struct parent *p;

	p = arg;
	p->kind->config(w, row, instance, p);
}

static int
on_reload(char *reason, size_t size, void *arg)
{
	struct parent *p;
	struct loaded *new;
	const char *differs;
	char *text;
	size_t len;
	FILE *errors;

	p = arg;
	text = NULL;
	errors = open_memstream(&text, &len);
	if (errors == NULL)
		fatal("open_memstream");
	new = loaded_new(p->kind, p->conf_path, errors);
	if (new != NULL && p->kind->usable != NULL &&
	    p->kind->usable(new->conf, errors) == -1) {
		loaded_free(new);
		new = NULL;
	}
	if (fclose(errors) != 0)
		fatal("open_memstream");
	first_line(reason, size, text);
	free(text);
	if (new == NULL)
		return -1;
	differs = loaded_differs(p->now, new);
	if (differs != NULL) {
		(void)snprintf(
		    reason, size, "%s changed: that needs a restart", differs);
		loaded_free(new);
		return -1;
	}
	loaded_free(p->now);
	p->now = new;
	p->generation++;
	if (p->kind->engine != NULL)
		certs_watch(p);
	settings_limits(p);
	log_addr_clear(p->settings.log_addresses);
	return 0;
}

/* What roles of this daemon say beside what all roles do. */
static void
on_message(
    const struct proc_row *row, unsigned int instance, struct msg *m, void *arg)
{
	certs_report(arg, row, instance, m);
}

static void
on_certs(struct wire *w, uint32_t id, void *arg)
{
	certs_show(arg, w, id);
}

static void
first_line(char *buf, size_t size, const char *text)
{
	(void)strlcpy(buf, text == NULL ? "" : text, size);
	buf[strcspn(buf, "\n")] = '\0';
}
