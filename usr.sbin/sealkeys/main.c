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
 * Process:   sealkeys
 * Runs as:   _sealkeys, in an empty root
 * May do:    stdio recvfd; no paths
 * Talks to:  its parent, which sends the keys; engines, which ask for
 *            signatures of handshakes
 * Holds:     the TLS private keys of the daemon that started it
 * Trusts:    its parent; everybody else is hostile
 */

#include <sys/types.h>

#include <event.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "compat.h"
#include "keyset.h"
#include "log.h"
#include "msg.h"
#include "proc.h"
#include "serve.h"
#include "tlsio_mem.h"

#define NAME_MAX_LEN 256

static struct keyset *coming; /* between BEGIN and COMMIT */

static void keys_config(struct msg *, void *);
static void keys_reload_begin(void *);
static void keys_reload_commit(void *);
static void keys_wire(const char *, unsigned int, int, void *);

int
main(int argc, char *argv[])
{
	static const struct proc_handlers handlers = {
	    .config = keys_config,
	    .reload_begin = keys_reload_begin,
	    .reload_commit = keys_reload_commit,
	    .wire = keys_wire,
	};
	uint8_t seed[32];

	tlsio_mem_openssl();
	proc_role_start(argc, argv, "sealkeys", &handlers, NULL);
	/* The random generator and all algorithms, before the sandbox. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
		    OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS,
		NULL) != 1 ||
	    RAND_bytes(seed, sizeof(seed)) != 1)
		fatalx("libcrypto does not start");
	explicit_bzero(seed, sizeof(seed));
	proc_role_sandbox();
	event_dispatch();
	fatalx("the event loop has ended");
}

static void
keys_reload_begin(void *arg)
{
	keyset_free(coming);
	coming = keyset_new();
}

static void
keys_config(struct msg *m, void *arg)
{
	char name[NAME_MAX_LEN];
	const uint8_t *pem;
	const char *wrong;
	size_t len;

	(void)msg_get_str(m, name, sizeof(name));
	pem = msg_get_bytes(m, &len, KEYS_PEM_MAX);
	if (m->type != KEYS_CONFIG_KEY || msg_end(m) == -1 || coming == NULL)
		fatalx("parent sent nonsense type=%u", m->type);
	wrong = keyset_add(coming, pem, len);
	if (wrong != NULL)
		log_warnx("key name=%s: %s", log_vis(name), wrong);
}

static void
keys_reload_commit(void *arg)
{
	if (coming == NULL)
		fatalx("parent ended a configuration that it did not begin");
	log_debug("keys=%zu", keyset_count(coming));
	serve_keys(coming);
	coming = NULL;
}

static void
keys_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	serve_wire(fd);
}
