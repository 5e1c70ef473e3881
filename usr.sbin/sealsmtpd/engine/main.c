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
 * Process:   smtp-engine
 * Runs as:   _sealnet, in an empty root
 * May do:    stdio recvfd; no path
 * Talks to:  mail servers and programs; smtp-deliver; smtp-queue; sealkeys;
 *            imap-store about logins; smtp-resolver
 * Holds:     messages in flight of all its clients; no key
 * Trusts:    the parent, smtp-deliver, smtp-queue, imap-store; never its
 *            clients, nor what they have in DNS
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "log.h"
#include "mime.h"
#include "mime_text.h"
#include "msg.h"
#include "proc.h"
#include "sessions.h"
#include "tlsio_certs.h"

#include "engine.h"

/* Not registered; what other mail servers offer and take. */
#define ALPN "smtp,esmtp"
#define SHUTDOWN_SECONDS 5 /* messages under way have so long */

static struct smtp_slice *config, *config_new;
static struct tlsio_server *tls[SMTP_LISTENERS_MAX];
static struct event shutdown_timer;
static bool ending;

static void engine_reload_begin(void *);
static void engine_config_get(struct msg *, void *);
static void engine_reload_commit(void *);
static void engine_certs_changed(void);
static void engine_wire(const char *, unsigned int, int, void *);
static void engine_conn(const struct proc_conn *, int, void *);
static void engine_ctl(uid_t, bool, int, void *);
static void engine_shutdown(void *);
static void engine_exit(int, short, void *);

static const struct proc_handlers handlers = {
    .config = engine_config_get,
    .reload_begin = engine_reload_begin,
    .reload_commit = engine_reload_commit,
    .wire = engine_wire,
    .conn = engine_conn,
    .ctl = engine_ctl,
    .shutdown = engine_shutdown,
};

int
main(int argc, char *argv[])
{
	tlsio_init();
	/* These read files of the system: before the change of root. */
	tzset();
	(void)mime_charset_init();
	proc_role_start(argc, argv, "smtp-engine", &handlers, NULL);
	if (sodium_init() == -1)
		fatalx("cannot start libsodium");
	compress_init();
	report_init();
	proc_role_sandbox();
	event_dispatch();
	return 1;
}

const struct smtp_slice *
engine_config(void)
{
	return config;
}

struct tlsio_server *
engine_tls(uint32_t listener)
{
	return listener < SMTP_LISTENERS_MAX ? tls[listener] : NULL;
}

void
engine_session_ended(void)
{
	if (ending && !session_any())
		exit(0);
}

static void
engine_reload_begin(void *arg)
{
	(void)arg;
	smtp_slice_free(config_new);
	config_new = smtp_slice_new();
}

static void
engine_config_get(struct msg *msg, void *arg)
{
	(void)arg;
	if (config_new == NULL || smtp_slice_get(config_new, msg) == -1)
		fatalx("bad configuration from the parent");
}

/* Sessions keep the certificate that they began with. */
static void
engine_reload_commit(void *arg)
{
	static const struct tlsio_certs_ops ops = {
	    .changed = engine_certs_changed,
	    .report = site_cert_is_send,
	};

	(void)arg;
	if (config_new == NULL || config_new->site.n_domains == 0)
		fatalx("a configuration without domains from the parent");
	smtp_slice_free(config);
	config = config_new;
	config_new = NULL;
	log_addr_clear(config->site.log_addresses);
	tlsio_certs_set(&config->site, &ops);
}

static void
engine_certs_changed(void)
{
	const struct smtp_listen *listen;
	struct tlsio_server_conf conf;

	memset(&conf, 0, sizeof(conf));
	conf.alpn = ALPN;
	conf.ticket_seconds = config->site.ticket_seconds;
	for (size_t i = 0; i < SMTP_LISTENERS_MAX; i++) {
		tlsio_server_free(tls[i]);
		tls[i] = NULL;
		if (i >= config->n_listeners ||
		    config->listeners[i].tls == SMTP_TLS_NONE)
			continue;
		listen = &config->listeners[i];
		conf.only_tls13 = listen->only_tls13;
		/* A host that cannot do better would send in clear. */
		conf.wide = listen->tls == SMTP_TLS_START;
		tls[i] = tlsio_certs_server(listen->certs, &conf);
	}
}

static void
engine_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)arg;
	if (strcmp(role, "smtp-deliver") == 0)
		deliverer_start(instance, fd);
	else if (strcmp(role, "smtp-queue") == 0)
		queue_start(fd);
	else if (strcmp(role, "smtp-resolver") == 0)
		dns_start(fd);
	else if (strcmp(role, "imap-store") == 0)
		master_start(fd);
	else if (strcmp(role, "sealkeys") == 0)
		tlsio_signer(fd);
	else
		fatalx("wire to unexpected role %s", role);
}

static void
engine_conn(const struct proc_conn *conn, int fd, void *arg)
{
	(void)arg;
	if (config == NULL || conn->listener >= config->n_listeners)
		fatalx("connection of unknown listener %u", conn->listener);
	session_start(conn, fd);
}

static void
engine_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	sessions_serve(fd, may_change);
}

static void
engine_shutdown(void *arg)
{
	struct timeval tv = {SHUTDOWN_SECONDS, 0};

	(void)arg;
	ending = true;
	if (!session_any())
		exit(0);
	evtimer_set(&shutdown_timer, engine_exit, NULL);
	evtimer_add(&shutdown_timer, &tv);
	session_shutdown();
}

static void
engine_exit(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	exit(0);
}
