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
 * Process:   smtp-resolver
 * Runs as:   _sealnet, in an empty root
 * May do:    stdio recvfd inet; no paths
 * Talks to:  name servers; smtp-relay, smtp-engine and sealctl, which ask
 * Holds:     names of those who send mail and get it; no mail, no key
 * Trusts:    the parent, the root zone's keys; never a name server
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "log.h"
#include "msg.h"
#include "proc.h"
#include "resolver.h"

#include "../resolver_config.h"

struct config {
	char *forwards[RESOLVER_FORWARDS_MAX];
	size_t n_forwards;
	char *anchors[RESOLVER_ANCHORS_MAX];
	size_t n_anchors;
};

static struct config *coming; /* between BEGIN and COMMIT */

static void resolver_config(struct msg *, void *);
static void resolver_reload_begin(void *);
static void resolver_reload_commit(void *);
static void resolver_wire(const char *, unsigned int, int, void *);
static void resolver_ctl(uid_t, bool, int, void *);
static void config_free(struct config *);

int
main(int argc, char *argv[])
{
	static const struct proc_handlers handlers = {
	    .config = resolver_config,
	    .reload_begin = resolver_reload_begin,
	    .reload_commit = resolver_reload_commit,
	    .wire = resolver_wire,
	    .ctl = resolver_ctl,
	};
	uint8_t seed[32];

	proc_role_start(argc, argv, "smtp-resolver", &handlers, NULL);
	/* What checks signatures, before the sandbox. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
		    OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS,
		NULL) != 1 ||
	    RAND_bytes(seed, sizeof(seed)) != 1)
		fatalx("libcrypto does not start");
	report_init();
	proc_role_sandbox();
	event_dispatch();
	fatalx("the event loop has ended");
}

static void
resolver_reload_begin(void *arg)
{
	(void)arg;
	config_free(coming);
	coming = calloc(1, sizeof(*coming));
	if (coming == NULL)
		fatal("calloc");
}

static void
resolver_config(struct msg *m, void *arg)
{
	char text[RESOLVER_CONFIG_MAX];
	char **to;

	(void)arg;
	to = NULL;
	(void)msg_get_str(m, text, sizeof(text));
	if (coming != NULL && m->type == RESOLVER_CONFIG_FORWARD &&
	    coming->n_forwards < RESOLVER_FORWARDS_MAX)
		to = &coming->forwards[coming->n_forwards++];
	else if (coming != NULL && m->type == RESOLVER_CONFIG_ANCHOR &&
	    coming->n_anchors < RESOLVER_ANCHORS_MAX)
		to = &coming->anchors[coming->n_anchors++];
	if (to == NULL || msg_end(m) == -1)
		fatalx("bad configuration from the parent");
	*to = strdup(text);
	if (*to == NULL)
		fatal("strdup");
}

static void
resolver_reload_commit(void *arg)
{
	struct lookup_config config = {0};

	(void)arg;
	if (coming == NULL)
		fatalx("a configuration ended that had not begun");
	config.forwards = (const char *const *)coming->forwards;
	config.n_forwards = coming->n_forwards;
	config.anchors = (const char *const *)coming->anchors;
	config.n_anchors = coming->n_anchors;
	(void)lookup_configure(&config);
	config_free(coming);
	coming = NULL;
}

static void
resolver_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)arg;
	peer_start(role, instance, fd);
}

/* sealctl asks as a relay does; nothing here can be changed. */
static void
resolver_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	(void)uid;
	(void)may_change;
	(void)arg;
	peer_start("sealctl", 0, fd);
}

static void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_forwards; i++)
		free(c->forwards[i]);
	for (size_t i = 0; i < c->n_anchors; i++)
		free(c->anchors[i]);
	free(c);
}
