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
 * A configuration with what it names: tables, certificate chains, keys.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "parent_local.h"

#include "../../usr.sbin/sealkeys/keys_wire.h"

static int load_tables(struct conf *, FILE *);
static int load_chains(struct loaded *, FILE *);
static int files_read(struct files *, const struct conf_cert *, FILE *);
static uint8_t *read_public(const char *, size_t, size_t *, struct stamp *);
static void files_clear(struct files *);
static void stamp(int, struct stamp *);
static void stamp_set(struct stamp *, const struct stat *);
static bool same_stamp(const char *, const struct stamp *);
static int load_listens(struct loaded *, const struct parent_kind *, FILE *);
static bool same_listen(const struct conf_listen *, const struct conf_listen *);
static bool same_user(const struct conf_user *, const struct conf_user *);
static void send_key(struct wire *, const struct conf_cert *);
static int open_key(const struct conf_cert *);

struct loaded *
loaded_new(const struct parent_kind *kind, const char *path, FILE *errors)
{
	struct loaded *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("calloc");
	l->conf = conf_load(path, errors);
	if (l->conf == NULL ||
	    (kind->engine != NULL &&
		(load_tables(l->conf, errors) == -1 ||
		    conf_escrow_load(l->conf, errors) == -1 ||
		    load_chains(l, errors) == -1 ||
		    load_listens(l, kind, errors) == -1))) {
		loaded_free(l);
		return NULL;
	}
	return l;
}

void
loaded_free(struct loaded *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < PARENT_CERTS_MAX; i++)
		files_clear(&l->chains[i]);
	conf_free(l->conf);
	free(l);
}

const char *
loaded_differs(const struct loaded *a, const struct loaded *b)
{
	if (strcmp(a->conf->directory, b->conf->directory) != 0)
		return "directory";
	if (strcmp(a->conf->run_directory, b->conf->run_directory) != 0)
		return "run directory";
	if (strcmp(a->conf->libexec, b->conf->libexec) != 0)
		return "libexec";
	if (strcmp(a->conf->queue_key, b->conf->queue_key) != 0)
		return "queue key";
	if (strcmp(a->conf->mail_group, b->conf->mail_group) != 0 ||
	    a->conf->mail_gid != b->conf->mail_gid)
		return "group";
	if (a->conf->host_index != b->conf->host_index)
		return "host index";
	if (a->conf->best_effort != b->conf->best_effort)
		return "sandbox";
	if (a->conf->isolated != b->conf->isolated)
		return "sessions";
	for (int i = 0; i < CONF_CONTROLS; i++) {
		if (memcmp(&a->conf->control[i], &b->conf->control[i],
			sizeof(a->conf->control[i])) != 0)
			return "control";
	}
	for (int i = 0; i < CONF_ROLES; i++) {
		if (!same_user(&a->conf->users[i], &b->conf->users[i]))
			return "user";
	}
	if (a->n_listens != b->n_listens)
		return "listen";
	for (size_t i = 0; i < a->n_listens; i++) {
		if (!same_listen(a->listens[i], b->listens[i]))
			return "listen";
	}
	return NULL;
}

void
parent_send_keys(const struct parent *p, struct wire *w)
{
	struct msgout *m;

	m = msg_new(w, KEYS_CONFIG_BASE, 0);
	msg_put_u32(m, p->generation);
	msg_put_u32(m, (uint32_t)p->now->conf->limits[CONF_TICKET_LIFE]);
	msg_send(m);
	for (size_t i = 0; i < p->now->conf->n_certs; i++)
		send_key(w, &p->now->conf->certs[i]);
}

static int
load_tables(struct conf *conf, FILE *errors)
{
	for (size_t i = 0; i < conf->n_tables; i++) {
		if (conf->tables[i].path[0] != '\0' &&
		    conf_table_load(&conf->tables[i], errors) == -1)
			return -1;
	}
	if (conf->aliases < conf->n_tables)
		return conf_aliases_check(
		    conf, &conf->tables[conf->aliases], errors);
	return 0;
}

static int
load_chains(struct loaded *l, FILE *errors)
{
	if (l->conf->n_certs > PARENT_CERTS_MAX) {
		(void)fprintf(
		    errors, "more than %d certificates\n", PARENT_CERTS_MAX);
		return -1;
	}
	for (size_t i = 0; i < l->conf->n_certs; i++) {
		if (files_read(&l->chains[i], &l->conf->certs[i], errors) == -1)
			return -1;
	}
	return 0;
}

int
loaded_refresh(struct loaded *l, FILE *errors)
{
	struct files *new;
	int ret;

	new = calloc(PARENT_CERTS_MAX, sizeof(*new));
	if (new == NULL)
		fatal("calloc");
	ret = 0;
	for (size_t i = 0; ret == 0 && i < l->conf->n_certs; i++)
		ret = files_read(&new[i], &l->conf->certs[i], errors);
	for (size_t i = 0; i < PARENT_CERTS_MAX; i++)
		files_clear(ret == 0 ? &l->chains[i] : &new[i]);
	if (ret == 0)
		memcpy(l->chains, new, sizeof(l->chains));
	free(new);
	return ret;
}

bool
loaded_changed(const struct loaded *l)
{
	const struct conf_cert *c;
	const struct files *f;

	for (size_t i = 0; i < l->conf->n_certs; i++) {
		c = &l->conf->certs[i];
		f = &l->chains[i];
		if (!same_stamp(c->cert, &f->cert) ||
		    !same_stamp(c->key, &f->key) ||
		    (c->ocsp[0] != '\0' && !same_stamp(c->ocsp, &f->staple)))
			return true;
	}
	return false;
}

/* The key is only looked at here: see send_key(). */
static int
files_read(struct files *f, const struct conf_cert *c, FILE *errors)
{
	int fd;

	f->pem = (char *)read_public(
	    c->cert, PARENT_CHAIN_MAX - 1, &f->len, &f->cert);
	if (f->pem == NULL) {
		(void)fprintf(errors, "certificate %s: %s: %s\n", c->name,
		    c->cert, strerror(errno));
		return -1;
	}
	/* A missing key should not wait for the first client. */
	fd = conf_open_secret(c->key, errors);
	if (fd == -1)
		return -1;
	stamp(fd, &f->key);
	(void)close(fd);
	if (c->ocsp[0] == '\0')
		return 0;
	f->ocsp = read_public(c->ocsp, SITE_OCSP_MAX, &f->ocsp_len, &f->staple);
	/* It may come later: no reason not to serve. */
	if (f->ocsp == NULL)
		log_warn(
		    "certificate name=%s: no staple path=%s", c->name, c->ocsp);
	else if (f->ocsp_len == 0) {
		free(f->ocsp);
		f->ocsp = NULL;
	}
	return 0;
}

static uint8_t *
read_public(const char *path, size_t max, size_t *len, struct stamp *st)
{
	uint8_t *text;
	int fd, saved_errno;

	memset(st, 0, sizeof(*st));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return NULL;
	stamp(fd, st);
	text = conf_read_file(fd, max, len);
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return text;
}

static void
files_clear(struct files *f)
{
	free(f->pem);
	free(f->ocsp);
	memset(f, 0, sizeof(*f));
}

static void
stamp(int fd, struct stamp *out)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (fstat(fd, &st) == 0)
		stamp_set(out, &st);
}

static void
stamp_set(struct stamp *out, const struct stat *st)
{
	out->dev = st->st_dev;
	out->ino = st->st_ino;
	out->size = st->st_size;
	out->mtime = st->st_mtim;
}

/* One that is not there is the same as one that was not. */
static bool
same_stamp(const char *path, const struct stamp *was)
{
	struct stamp is;
	struct stat st;

	memset(&is, 0, sizeof(is));
	if (stat(path, &st) == 0)
		stamp_set(&is, &st);
	return is.dev == was->dev && is.ino == was->ino &&
	    is.size == was->size && is.mtime.tv_sec == was->mtime.tv_sec &&
	    is.mtime.tv_nsec == was->mtime.tv_nsec;
}

static int
load_listens(struct loaded *l, const struct parent_kind *kind, FILE *errors)
{
	const struct conf_listen *c;

	for (size_t i = 0; i < l->conf->n_listens; i++) {
		c = &l->conf->listens[i];
		if (!kind->is_ours(c->proto))
			continue;
		if (c->tls != CONF_TLS_NONE && l->conf->n_certs == 0) {
			(void)fprintf(errors,
			    "line %d: a listener with TLS, but no "
			    "certificate\n",
			    c->line);
			return -1;
		}
		if (l->n_listens == PARENT_LISTENS_MAX) {
			(void)fprintf(errors, "more than %d listeners\n",
			    PARENT_LISTENS_MAX);
			return -1;
		}
		l->listens[l->n_listens++] = c;
	}
	if (l->n_listens == 0) {
		(void)fprintf(errors,
		    "no listen line for %s; where one stands, those that are "
		    "the default stand no more\n",
		    kind->daemon->name);
		return -1;
	}
	return 0;
}

/* As far as the socket goes; certificates may change. */
static bool
same_listen(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->proto == b->proto && a->is_socket == b->is_socket &&
	    a->port == b->port && strcmp(a->address, b->address) == 0 &&
	    strcmp(a->path, b->path) == 0;
}

static bool
same_user(const struct conf_user *a, const struct conf_user *b)
{
	return strcmp(a->name, b->name) == 0 && a->uid == b->uid &&
	    a->gid == b->gid;
}

/* Here for the length of this function; libmsg wipes what it sent. */
static void
send_key(struct wire *w, const struct conf_cert *c)
{
	struct msgout *m;
	uint8_t *pem;
	size_t len;
	int fd;

	fd = open_key(c);
	if (fd == -1)
		return;
	pem = conf_read_file(fd, KEYS_PEM_MAX, &len);
	(void)close(fd);
	if (pem == NULL) {
		log_warn("certificate name=%s key=%s", c->name, c->key);
		return;
	}
	m = msg_new(w, KEYS_CONFIG_KEY, 0);
	msg_put_str(m, c->name);
	msg_put_bytes(m, pem, len);
	msg_send(m);
	freezero(pem, len + 1);
}

/* -1 after logging why: by now there may be nobody to read our errors. */
static int
open_key(const struct conf_cert *c)
{
	FILE *errors;
	char *text;
	size_t len;
	int fd;

	text = NULL;
	errors = open_memstream(&text, &len);
	if (errors == NULL)
		fatal("open_memstream");
	fd = conf_open_secret(c->key, errors);
	if (fclose(errors) != 0)
		fatal("open_memstream");
	if (fd == -1) {
		text[strcspn(text, "\n")] = '\0';
		log_warnx("certificate name=%s: %s", c->name, text);
	}
	free(text);
	return fd;
}
