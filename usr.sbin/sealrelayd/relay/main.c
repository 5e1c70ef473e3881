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
 * Process:   smtp-relay
 * Runs as:   _sealnet, in an empty root
 * May do:    stdio recvfd inet; no paths
 * Talks to:  mail servers; smtp-queue about what is due; smtp-resolver;
 *            sealctl about policies
 * Holds:     messages in flight; what smarthosts want to see; no key
 * Trusts:    the parent, smtp-queue, smtp-resolver; never a server
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "proc.h"
#include "relay.h"

static struct relay_config *config, *coming;
static struct tlsio_roots *roots;

static void relay_config_get(struct msg *, void *);
static void relay_reload_begin(void *);
static void relay_reload_commit(void *);
static void relay_wire(const char *, unsigned int, int, void *);
static void relay_ctl(uid_t, bool, int, void *);
static int config_base(struct msg *);
static int config_route(struct msg *);
static void config_free(struct relay_config *);

const struct relay_config *
relay_config(void)
{
	return config;
}

const struct tlsio_roots *
relay_roots(void)
{
	return roots;
}

int64_t
relay_now(void)
{
	return (int64_t)time(NULL);
}

int
relay_connect(const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in sin = {0};
	struct sockaddr_in6 sin6 = {0};
	int fd, ret, saved_errno;

	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	ret = 0;
	if (sa->sa_family == AF_INET &&
	    inet_pton(AF_INET, config->source[0], &sin.sin_addr) == 1) {
		sin.sin_family = AF_INET;
		ret = bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	} else if (sa->sa_family == AF_INET6 &&
	    inet_pton(AF_INET6, config->source[1], &sin6.sin6_addr) == 1) {
		sin6.sin6_family = AF_INET6;
		ret = bind(fd, (struct sockaddr *)&sin6, sizeof(sin6));
	}
	if (ret == 0 && (connect(fd, sa, len) == 0 || errno == EINPROGRESS))
		return fd;
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}

int
main(int argc, char *argv[])
{
	static const struct proc_handlers handlers = {
	    .config = relay_config_get,
	    .reload_begin = relay_reload_begin,
	    .reload_commit = relay_reload_commit,
	    .wire = relay_wire,
	    .ctl = relay_ctl,
	};
	char error[TLSIO_ERROR_MAX];

	tlsio_init();
	/* The system's roots, before the empty root. */
	roots = tlsio_roots_file(NULL, error);
	proc_role_start(argc, argv, "smtp-relay", &handlers, NULL);
	if (roots == NULL)
		log_warnx("no certificates of authorities, so no server can "
			  "prove its name: %s: install them (on Debian, "
			  "ca-certificates) and start again",
		    error);
	report_init();
	proc_role_sandbox();
	event_dispatch();
	fatalx("the event loop has ended");
}

static void
relay_reload_begin(void *arg)
{
	(void)arg;
	config_free(coming);
	coming = calloc(1, sizeof(*coming));
	if (coming == NULL)
		fatal("calloc");
}

static void
relay_config_get(struct msg *m, void *arg)
{
	int r;

	(void)arg;
	r = -1;
	if (coming != NULL && m->type == RELAY_CONFIG_BASE)
		r = config_base(m);
	else if (coming != NULL && m->type == RELAY_CONFIG_ROUTE)
		r = config_route(m);
	if (r == -1)
		fatalx("bad configuration from the parent");
}

/* Plans point at routes: old ones stay as long as the process. */
static void
relay_reload_commit(void *arg)
{
	uint32_t before;

	(void)arg;
	if (coming == NULL || coming->jobs == 0)
		fatalx("a configuration ended that was not whole");
	before = config == NULL ? 0 : config->jobs;
	config = coming;
	coming = NULL;
	log_addr_clear(config->log_addresses);
	conns_close();
	if (before != 0 && config->jobs > before)
		queue_ready(config->jobs - before);
}

static void
relay_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)instance;
	(void)arg;
	if (config == NULL)
		fatalx("a wire before the configuration");
	if (strcmp(role, "smtp-queue") == 0)
		queue_start(fd);
	else if (strcmp(role, "smtp-resolver") == 0)
		dns_start(fd);
	else
		fatalx("wire to unexpected role %s", role);
}

/* Whoever may ask may ask this; nothing here can be changed. */
static void
relay_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	(void)uid;
	(void)may_change;
	(void)arg;
	ctl_start(fd);
}

static int
config_base(struct msg *m)
{
	uint8_t tls;

	(void)msg_get_str(m, coming->hostname, sizeof(coming->hostname));
	tls = msg_get_u8(m);
	coming->jobs = msg_get_u32(m);
	coming->log_addresses = msg_get_u8(m) != 0;
	for (size_t i = 0; i < 2; i++)
		(void)msg_get_str(
		    m, coming->source[i], sizeof(coming->source[i]));
	coming->tls = (enum relay_tls)tls;
	return msg_end(m) == -1 || tls > RELAY_TLS_FIRST ||
		coming->jobs > RELAY_JOBS_MAX ?
	    -1 :
	    0;
}

static int
config_route(struct msg *m)
{
	char auth[RELAY_AUTH_MAX];
	struct route *routes, *r;
	uint8_t tls;

	if (coming->n_routes == RELAY_ROUTES_MAX)
		return -1;
	routes = recallocarray(coming->routes, coming->n_routes,
	    coming->n_routes + 1, sizeof(*routes));
	if (routes == NULL)
		fatal("recallocarray");
	coming->routes = routes;
	r = &routes[coming->n_routes++];
	(void)msg_get_str(m, r->domain, sizeof(r->domain));
	(void)msg_get_str(m, r->host, sizeof(r->host));
	r->port = msg_get_u16(m);
	tls = msg_get_u8(m);
	r->tls = (enum relay_tls)tls;
	(void)msg_get_str(m, auth, sizeof(auth));
	if (msg_end(m) == -1 || tls > RELAY_TLS_FIRST)
		return -1;
	if (auth[0] != '\0') {
		r->auth = strdup(auth);
		if (r->auth == NULL)
			fatal("strdup");
	}
	explicit_bzero(auth, sizeof(auth));
	return 0;
}

static void
config_free(struct relay_config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_routes; i++)
		if (c->routes[i].auth != NULL)
			freezero(c->routes[i].auth, strlen(c->routes[i].auth));
	free(c->routes);
	free(c);
}
