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
 * DKIM keys: those that the configuration names, and those of its directory,
 * DIRECTORY/DOMAIN/SELECTOR.pem, which sealctl makes and rotates.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"

static int each_domain(const char *, int, conf_dkim_cb, void *, FILE *);
static void
each_key(const char *, const char *, int, DIR *, conf_dkim_cb, void *);
static int safe_dir(int, const char *, FILE *);

static const struct {
	const char *suffix;
	enum conf_dkim_state state;
} suffixes[] = {
    {".pem", CONF_DKIM_SIGNS},
    {".next", CONF_DKIM_NEXT},
    {".old", CONF_DKIM_OLD},
};

int
conf_dkim_each(
    const struct conf *conf, conf_dkim_cb cb, void *arg, FILE *errors)
{
	struct conf_dkim_key key;
	int fd, ret;

	for (size_t i = 0; i < conf->n_dkim; i++) {
		memset(&key, 0, sizeof(key));
		(void)strlcpy(
		    key.domain, conf->dkim[i].domain, sizeof(key.domain));
		(void)strlcpy(
		    key.selector, conf->dkim[i].selector, sizeof(key.selector));
		(void)strlcpy(key.path, conf->dkim[i].key, sizeof(key.path));
		key.state = CONF_DKIM_SIGNS;
		key.named = true;
		cb(&key, arg);
	}
	fd = open(conf->dkim_directory,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1) {
		(void)fprintf(
		    errors, "%s: %s\n", conf->dkim_directory, strerror(errno));
		return -1;
	}
	ret = safe_dir(fd, conf->dkim_directory, errors);
	if (ret == 0)
		ret = each_domain(conf->dkim_directory, fd, cb, arg, errors);
	(void)close(fd);
	return ret;
}

bool
conf_dkim_name(const char *name)
{
	char buf[CONF_NAME_MAX];

	return build_name(buf, sizeof(buf), name) == NULL;
}

/* Folders that bear the name of a domain; others are none of ours. */
static int
each_domain(const char *base, int fd, conf_dkim_cb cb, void *arg, FILE *errors)
{
	char path[CONF_PATH_MAX];
	struct dirent **names;
	DIR *dir;
	int dfd, n, ret;

	n = scandir(base, &names, NULL, alphasort);
	if (n == -1) {
		(void)fprintf(errors, "%s: %s\n", base, strerror(errno));
		return -1;
	}
	ret = 0;
	for (int i = 0; i < n; i++) {
		dfd = -1;
		if (names[i]->d_name[0] != '.' &&
		    conf_dkim_name(names[i]->d_name))
			dfd = openat(fd, names[i]->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (dfd != -1) {
			(void)strlcpy(path, base, sizeof(path));
			(void)strlcat(path, "/", sizeof(path));
			(void)strlcat(path, names[i]->d_name, sizeof(path));
			dir = safe_dir(dfd, path, errors) == 0 ?
			    fdopendir(dfd) :
			    NULL;
			if (dir == NULL) {
				(void)close(dfd);
				ret = -1;
			} else {
				each_key(
				    path, names[i]->d_name, dfd, dir, cb, arg);
				(void)closedir(dir);
			}
		}
		free(names[i]);
	}
	free(names);
	return ret;
}

static void
each_key(const char *base, const char *domain, int fd, DIR *dir,
    conf_dkim_cb cb, void *arg)
{
	struct conf_dkim_key key;
	struct dirent *d;
	struct stat st;
	const char *dot;
	size_t n;

	while ((d = readdir(dir)) != NULL) {
		dot = strrchr(d->d_name, '.');
		if (dot == NULL || dot == d->d_name ||
		    (n = (size_t)(dot - d->d_name)) >= sizeof(key.selector) ||
		    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		memset(&key, 0, sizeof(key));
		memcpy(key.selector, d->d_name, n);
		(void)strlcpy(key.domain, domain, sizeof(key.domain));
		key.since = (int64_t)st.st_mtime;
		if (snprintf(key.path, sizeof(key.path), "%s/%s", base,
			d->d_name) >= (int)sizeof(key.path) ||
		    !conf_dkim_name(key.selector))
			continue;
		for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]);
		     i++) {
			if (strcmp(dot, suffixes[i].suffix) != 0)
				continue;
			key.state = suffixes[i].state;
			cb(&key, arg);
		}
	}
}

/* Who may put a file there signs in our name. */
static int
safe_dir(int fd, const char *path, FILE *errors)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		(void)fprintf(errors, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	if ((st.st_uid == 0 || st.st_uid == geteuid()) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	(void)fprintf(errors,
	    "%s: others may put keys there: chown root %s; chmod 700 %s\n",
	    path, path, path);
	return -1;
}
