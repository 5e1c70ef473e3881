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
 * Process:   imap-engine
 * Runs as:   net user, empty root directory
 * May do:    stdio recvfd; no path (where sessions are isolated, sendfd and
 *            proc too, but then its children read the clients, see apart.c)
 * Talks to:  parent; imap-store (logins); vaults (sessions); sealkeys
 *            (handshakes)
 * Holds:     what its live sessions show; no key
 * Trusts:    parent, imap-store, vaults; never its clients, never a summary
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "log.h"
#include "mime_text.h"
#include "sessions.h"
#include "tlsio_certs.h"

#include "engine.h"

#define SHUTDOWN_SECONDS 3 /* for the last words */

static struct engine_slice *config, *config_new;
static struct tlsio_server *tls[IMAP_LISTENERS_MAX];
static struct wire *master;
static struct event shutdown_timer;

static void engine_reload_begin(void *);
static void engine_config_get(struct msg *, void *);
static void engine_reload_commit(void *);
static void engine_certs_changed(void);
static void engine_wire(const char *, unsigned int, int, void *);
static void engine_conn(const struct proc_conn *, int, void *);
static void engine_ctl(uid_t, bool, int, void *);
static void engine_verbose(bool, void *);

static const struct proc_handlers handlers = {
    .config = engine_config_get,
    .reload_begin = engine_reload_begin,
    .reload_commit = engine_reload_commit,
    .wire = engine_wire,
    .conn = engine_conn,
    .ctl = engine_ctl,
    .verbose = engine_verbose,
    .shutdown = engine_shutdown,
};

int
main(int argc, char *argv[])
{
	tlsio_init();
	/* These read files of the system: before the change of root. */
	tzset();
	(void)mime_charset_init();
	proc_role_start(argc, argv, "imap-engine", &handlers, NULL);
	if (sodium_init() == -1)
		fatalx("cannot start libsodium");
	fetch_init();
	report_init();
	apart_init();
	proc_role_sandbox();
	event_dispatch();
	return 1;
}

const struct engine_slice *
engine_config(void)
{
	return config;
}

struct wire *
engine_master(void)
{
	return master;
}

struct tlsio_server *
engine_tls(uint32_t listener)
{
	return listener < IMAP_LISTENERS_MAX ? tls[listener] : NULL;
}

time_t
engine_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec;
}

static void
engine_reload_begin(void *arg)
{
	(void)arg;
	engine_slice_free(config_new);
	config_new = engine_slice_new();
}

static void
engine_config_get(struct msg *msg, void *arg)
{
	(void)arg;
	if (config_new == NULL || engine_slice_get(config_new, msg) == -1)
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
	if (config_new == NULL)
		fatalx("no configuration from the parent");
	engine_slice_free(config);
	config = config_new;
	config_new = NULL;
	log_addr_clear(config->site.log_addresses);
	tlsio_certs_set(&config->site, &ops);
}

static void
engine_certs_changed(void)
{
	const struct imap_listen *listen;
	struct tlsio_server_conf conf;

	memset(&conf, 0, sizeof(conf));
	conf.alpn = "imap";
	conf.ticket_seconds = config->site.ticket_seconds;
	for (size_t i = 0; i < IMAP_LISTENERS_MAX; i++) {
		tlsio_server_free(tls[i]);
		tls[i] = NULL;
		if (i >= config->n_listeners ||
		    config->listeners[i].kind == IMAP_LISTEN_IMAP)
			continue;
		listen = &config->listeners[i];
		conf.only_tls13 = listen->only_tls13;
		tls[i] = tlsio_certs_server(listen->certs, &conf);
	}
}

static void
master_message(struct wire *w, struct msg *msg, void *arg)
{
	if (config != NULL && config->isolated)
		apart_master_message(msg);
	else
		login_master_message(msg);
}

static void
store_gone(void)
{
	if (config != NULL && config->isolated)
		apart_master_gone();
	else
		login_master_gone();
}

void
engine_child(struct wire *w)
{
	master = w;
}

static void
master_gone(struct wire *w, void *arg)
{
	wire_free(w);
	/* A new one may have taken its place already. */
	if (master == w)
		master = NULL;
	store_gone();
}

static void
engine_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	if (strcmp(role, "sealkeys") == 0) {
		tlsio_signer(fd);
		return;
	}
	if (strcmp(role, "imap-store") != 0)
		fatalx("wire to %s", role);
	if (master != NULL) {
		wire_free(master);
		master = NULL;
		store_gone();
	}
	master = wire_new(fd, master_message, master_gone, NULL);
	if (master == NULL)
		fatal("wire to imap-store");
}

static void
engine_conn(const struct proc_conn *pc, int fd, void *arg)
{
	if (config == NULL || pc->listener >= config->n_listeners)
		fatalx("connection of unknown listener %u", pc->listener);
	if (config->isolated)
		apart_conn(pc, fd);
	else
		conn_new(pc, fd);
}

static void
engine_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	if (config == NULL)
		fatalx("a control wire before the configuration");
	if (config->isolated)
		apart_ctl(fd, may_change);
	else
		sessions_serve(fd, may_change);
}

static void
engine_verbose(bool on, void *arg)
{
	apart_verbose(on);
}

static void
engine_exit(int fd, short what, void *arg)
{
	exit(0);
}

void
engine_shutdown(void *arg)
{
	struct timeval tv = {.tv_sec = SHUTDOWN_SECONDS};

	conn_shutdown();
	if (conn_count() == 0 && apart_shutdown())
		exit(0);
	evtimer_set(&shutdown_timer, engine_exit, NULL);
	evtimer_add(&shutdown_timer, &tv);
}
