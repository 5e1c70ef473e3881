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
 * Files that mail on its way out needs: passwords of routes, keys of DKIM,
 * trust anchors.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"

struct dkim_arg {
	FILE *errors;
	int ret;
};

static int check_routes(const struct conf *, FILE *);
static void check_dkim(const struct conf_dkim_key *, void *);
static int check_anchors(const char *, FILE *);

char *
conf_route_auth(const struct conf_route *r, size_t *len, FILE *errors)
{
	char *auth;
	int fd;

	fd = conf_open_secret(r->auth, errors);
	if (fd == -1)
		return NULL;
	auth = (char *)conf_read_file(fd, CONF_AUTH_MAX - 1, len);
	if (auth == NULL)
		(void)fprintf(errors, "%s: %s\n", r->auth, strerror(errno));
	(void)close(fd);
	if (auth == NULL)
		return NULL;
	auth[strcspn(auth, "\r\n")] = '\0';
	if (strchr(auth, ':') == NULL) {
		(void)fprintf(errors,
		    "route %s: %s holds no line \"name:password\"\n", r->domain,
		    r->auth);
		freezero(auth, *len + 1);
		return NULL;
	}
	return auth;
}

int
conf_check_out(const struct conf *conf, FILE *errors)
{
	struct dkim_arg arg = {errors, 0};

	if (check_routes(conf, errors) == -1)
		arg.ret = -1;
	if (conf_dkim_each(conf, check_dkim, &arg, errors) == -1)
		arg.ret = -1;
	if (conf->anchors[0] != '\0' &&
	    check_anchors(conf->anchors, errors) == -1)
		arg.ret = -1;
	return arg.ret;
}

static int
check_routes(const struct conf *conf, FILE *errors)
{
	char *auth;
	size_t len;
	int ret = 0;

	for (size_t i = 0; i < conf->n_routes; i++) {
		if (conf->routes[i].auth[0] == '\0')
			continue;
		auth = conf_route_auth(&conf->routes[i], &len, errors);
		if (auth == NULL)
			ret = -1;
		else
			freezero(auth, len + 1);
	}
	return ret;
}

static void
check_dkim(const struct conf_dkim_key *key, void *arg)
{
	struct dkim_arg *a = arg;
	int fd;

	if (key->state != CONF_DKIM_SIGNS)
		return;
	fd = conf_open_secret(key->path, a->errors);
	if (fd == -1 ||
	    check_pem(fd, key->path, "PRIVATE KEY-----", a->errors) == -1)
		a->ret = -1;
}

static int
check_anchors(const char *path, FILE *errors)
{
	uint8_t *text;
	size_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	text = fd == -1 ? NULL : conf_read_file(fd, CONF_ANCHORS_MAX, &len);
	if (text == NULL)
		(void)fprintf(errors, "resolver anchors: %s: %s\n", path,
		    strerror(errno));
	else
		freezero(text, len + 1);
	if (fd != -1)
		(void)close(fd);
	return text == NULL ? -1 : 0;
}
