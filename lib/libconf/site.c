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
 * What a site could not work with, or not as it was meant, though a daemon may
 * start: for who checks a configuration.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"
#include "config.h"

static int
check_here(const struct conf *, const char *what, const char *address, FILE *);
static int
check_folder(const char *what, const char *path, bool needed, FILE *);
static int check_queue_key(const struct conf *, FILE *);

int
conf_check_site(const struct conf *conf, FILE *errors)
{
	const char *postmaster = conf->postmaster;
	bool own = strcmp(conf->libexec, LIBEXECDIR) != 0;
	int ret = 0;

	/* An alias may lead it on. */
	if (conf->aliases == SIZE_MAX &&
	    check_here(conf, "postmaster", postmaster, errors) == -1)
		ret = -1;
	for (size_t i = 0; i < conf->n_administrators; i++)
		if (check_here(conf, "administrator", conf->administrators[i],
			errors) == -1)
			ret = -1;
	/* Those that are not there yet are made where a service starts. */
	if (check_folder("directory", conf->directory, false, errors) == -1 ||
	    check_folder("run directory", conf->run_directory, false, errors) ==
		-1)
		ret = -1;
	if (check_folder("libexec", conf->libexec, own, errors) == -1)
		ret = -1;
	if (check_queue_key(conf, errors) == -1)
		ret = -1;
	for (size_t i = 0; i < conf->n_certs; i++)
		if (conf->certs[i].ocsp[0] != '\0' &&
		    access(conf->certs[i].ocsp, R_OK) == -1)
			(void)fprintf(errors,
			    "%s: %s: certificate %s goes without a staple\n",
			    conf->certs[i].ocsp, strerror(errno),
			    conf->certs[i].name);
	return ret;
}

static int
check_here(const struct conf *conf, const char *what, const char *address,
    FILE *errors)
{
	const char *at = strrchr(address, '@');

	if (at != NULL && conf_domain_find(conf, at + 1) != NULL)
		return 0;
	(void)fprintf(errors, "%s: \"%s\" is no address of a domain here\n",
	    what, address);
	return -1;
}

static int
check_folder(const char *what, const char *path, bool needed, FILE *errors)
{
	const char *wrong = NULL;
	struct stat st;

	if (stat(path, &st) == 0)
		wrong = S_ISDIR(st.st_mode) ? NULL : strerror(ENOTDIR);
	else if (needed || (errno != ENOENT && errno != EACCES))
		wrong = strerror(errno);
	if (wrong == NULL)
		return 0;
	(void)fprintf(errors, "%s: %s: %s\n", what, path, wrong);
	return -1;
}

/* sealsmtpd makes one that is missing, and starts with no other's. */
static int
check_queue_key(const struct conf *conf, FILE *errors)
{
	int fd;

	if (access(conf->queue_key, R_OK) == -1)
		return 0;
	fd = conf_open_secret(conf->queue_key, errors);
	if (fd == -1)
		return -1;
	(void)close(fd);
	return 0;
}
