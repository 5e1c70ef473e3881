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
 * What a configuration names on this machine: users, certificates, files.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf_local.h"

#define ALIASES_TOLD 20 /* aliases that lead nowhere, told at once */
#define PEM_MAX 65536
#define ESCROW_FILE_MAX 1024
#define ESCROW_MAGIC "sealmail escrow public key 1\n"

static int check_cert(const struct conf_cert *, FILE *);
static int check_table(const struct conf *, size_t, FILE *);
static bool
alias_leads(const struct conf *, const struct conf_table *, const char *);
static int check_users(const struct conf *, FILE *);

/* 64 lower-case hexadecimal digits and a line end, and nothing more. */
static int
parse_key(const uint8_t *p, size_t len, uint8_t key[CONF_ESCROW_LEN])
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (len != 2 * CONF_ESCROW_LEN + 1 || p[len - 1] != '\n')
		return -1;
	for (size_t i = 0; i < CONF_ESCROW_LEN; i++) {
		high = memchr(digits, p[2 * i], 16);
		low = memchr(digits, p[2 * i + 1], 16);
		if (high == NULL || low == NULL)
			return -1;
		key[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return 0;
}

static int
read_escrow(const char *path, uint8_t key[CONF_ESCROW_LEN], FILE *errors)
{
	const size_t head = sizeof(ESCROW_MAGIC) - 1;
	struct stat st;
	uint8_t *text = NULL;
	const char *wrong = NULL;
	size_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "not a regular file";
	else if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		wrong = "others may change it: chown root, chmod go-w";
	else if ((text = conf_read_file(fd, ESCROW_FILE_MAX, &len)) == NULL)
		wrong = strerror(errno);
	else if (len < head || memcmp(text, ESCROW_MAGIC, head) != 0 ||
	    parse_key(text + head, len - head, key) == -1)
		wrong = "not a public key of 'sealctl escrow key'";
	if (wrong != NULL)
		(void)fprintf(errors, "escrow: %s: %s\n", path, wrong);
	if (text != NULL)
		freezero(text, len + 1);
	if (fd != -1)
		(void)close(fd);
	return wrong == NULL ? 0 : -1;
}

int
conf_escrow_load(struct conf *conf, FILE *errors)
{
	int ret = 0;

	for (size_t i = 0; i < conf->n_domains; i++) {
		if (conf->domains[i].escrow[0] != '\0' &&
		    read_escrow(conf->domains[i].escrow,
			conf->domains[i].escrow_key, errors) == -1)
			ret = -1;
	}
	return ret;
}

int
conf_check(const struct conf *conf, FILE *errors)
{
	uint8_t key[CONF_ESCROW_LEN];
	gid_t gid;
	int ret;

	ret = 0;
	for (size_t i = 0; i < conf->n_certs; i++) {
		if (check_cert(&conf->certs[i], errors) == -1)
			ret = -1;
	}
	for (size_t i = 0; i < conf->n_tables; i++) {
		if (check_table(conf, i, errors) == -1)
			ret = -1;
	}
	for (size_t i = 0; i < conf->n_domains; i++) {
		if (conf->domains[i].escrow[0] != '\0' &&
		    read_escrow(conf->domains[i].escrow, key, errors) == -1)
			ret = -1;
	}
	/* An ordinary user's suite runs as that user, whatever stands there. */
	if (geteuid() == 0 && check_users(conf, errors) == -1)
		ret = -1;
	for (size_t i = 0; i < CONF_CONTROLS; i++) {
		if (conf_control_gid(conf, i, &gid, errors) == -1)
			ret = -1;
	}
	return ret;
}

static int
check_cert(const struct conf_cert *c, FILE *errors)
{
	int fd, ret;

	ret = 0;
	fd = open(c->cert, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1) {
		(void)fprintf(errors, "%s: %s\n", c->cert, strerror(errno));
		ret = -1;
	} else if (check_pem(fd, c->cert, "CERTIFICATE-----", errors) == -1)
		ret = -1;
	fd = conf_open_secret(c->key, errors);
	if (fd == -1 || check_pem(fd, c->key, "PRIVATE KEY-----", errors) == -1)
		ret = -1;
	return ret;
}

int
check_pem(int fd, const char *path, const char *block, FILE *errors)
{
	uint8_t *text;
	size_t len;
	int ret;

	text = conf_read_file(fd, PEM_MAX, &len);
	if (text == NULL) {
		(void)fprintf(errors, "%s: %s\n", path, strerror(errno));
		(void)close(fd);
		return -1;
	}
	ret = 0;
	if (memmem(text, len, block, strlen(block)) == NULL) {
		(void)fprintf(
		    errors, "%s: holds no PEM \"...%s\"\n", path, block);
		ret = -1;
	}
	freezero(text, len + 1);
	(void)close(fd);
	return ret;
}

static int
check_table(const struct conf *conf, size_t i, FILE *errors)
{
	const struct conf_table *t = &conf->tables[i];
	struct conf_table copy;
	int ret;

	if (t->path[0] == '\0')
		return i == conf->aliases ?
		    conf_aliases_check(conf, t, errors) :
		    0;
	memset(&copy, 0, sizeof(copy));
	memcpy(copy.path, t->path, sizeof(copy.path));
	ret = conf_table_load(&copy, errors);
	if (ret == 0 && i == conf->aliases)
		ret = conf_aliases_check(conf, &copy, errors);
	conf_table_clear(&copy);
	return ret;
}

/* To a domain that is here, or to another entry. */
static bool
alias_leads(
    const struct conf *conf, const struct conf_table *t, const char *target)
{
	const char *at = strrchr(target, '@');

	for (size_t i = 0; at != NULL && i < conf->n_domains; i++)
		if (strcasecmp(conf->domains[i].name, at + 1) == 0)
			return true;
	return at == NULL || conf_alias(t, target) != NULL;
}

int
conf_aliases_check(
    const struct conf *conf, const struct conf_table *t, FILE *errors)
{
	char target[2 * CONF_NAME_MAX];
	const char *list;
	unsigned int wrong = 0;

	for (size_t i = 0; i < t->n_pairs && wrong < ALIASES_TOLD; i++) {
		list = t->pairs[i].value;
		while (wrong < ALIASES_TOLD &&
		    conf_list_next(&list, target, sizeof(target)) == 1) {
			if (alias_leads(conf, t, target))
				continue;
			(void)fprintf(errors,
			    "%s: \"%s\" leads to \"%s\", which is no address "
			    "of a domain here: mail is not forwarded\n",
			    t->path[0] != '\0' ? t->path : t->name,
			    t->pairs[i].key, target);
			wrong++;
		}
	}
	return wrong == 0 ? 0 : -1;
}

static int
check_users(const struct conf *conf, FILE *errors)
{
	uid_t uid, others[CONF_ROLES];
	gid_t gid;
	int ret;

	ret = 0;
	for (size_t i = 0; i < CONF_ROLES; i++) {
		others[i] = 0;
		if (conf_ids(conf, i, &uid, &gid, errors) == -1) {
			ret = -1;
			continue;
		}
		/* One uid for two roles would be no wall between them. */
		for (size_t j = 0; j < i; j++) {
			if (others[j] != uid)
				continue;
			(void)fprintf(errors,
			    "user %s and user %s are the same\n",
			    conf_role_name(j), conf_role_name(i));
			ret = -1;
		}
		others[i] = uid;
	}
	return ret;
}

int
conf_mail_gid(const struct conf *conf, gid_t *gid, FILE *errors)
{
	struct group *gr;

	*gid = conf->mail_gid;
	if (conf->mail_group[0] == '\0')
		return 0;
	gr = getgrnam(conf->mail_group);
	if (gr == NULL) {
		(void)fprintf(errors, "group mail: there is no group \"%s\"\n",
		    conf->mail_group);
		return -1;
	}
	*gid = gr->gr_gid;
	return 0;
}

int
conf_ids(const struct conf *conf, enum conf_role role, uid_t *uid, gid_t *gid,
    FILE *errors)
{
	const struct conf_user *u;
	struct passwd *pw;

	u = &conf->users[role];
	*uid = u->uid;
	*gid = u->gid;
	if (u->name[0] != '\0') {
		pw = getpwnam(u->name);
		if (pw == NULL) {
			(void)fprintf(errors,
			    "user %s: there is no user \"%s\"\n",
			    conf_role_name(role), u->name);
			return -1;
		}
		if (pw->pw_uid == 0) {
			(void)fprintf(errors, "user %s: no role runs as root\n",
			    conf_role_name(role));
			return -1;
		}
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	if (role == CONF_VAULT || role == CONF_MAIL)
		return conf_mail_gid(conf, gid, errors);
	return 0;
}
