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
 * Holds:     the TLS private keys of the daemon that started it; the keys
 *            of its session tickets
 * Trusts:    its parent; everybody else is hostile
 */

#include <sys/types.h>

#include <event.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium.h>

#include "compat.h"
#include "keyset.h"
#include "log.h"
#include "msg.h"
#include "proc.h"
#include "serve.h"
#include "tlsio_mem.h"

/* Between BEGIN and COMMIT. */
static struct {
	struct keyset *keys;
	uint32_t generation;
	uint32_t life;
} coming;

static void keys_config(struct msg *, void *);
static int get_base(struct msg *);
static int get_key(struct msg *);
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
	    RAND_bytes(seed, sizeof(seed)) != 1 || sodium_init() == -1)
		fatalx("libcrypto does not start");
	explicit_bzero(seed, sizeof(seed));
	report_init();
	proc_role_sandbox();
	event_dispatch();
	fatalx("the event loop has ended");
}

static void
keys_reload_begin(void *arg)
{
	keyset_free(coming.keys);
	memset(&coming, 0, sizeof(coming));
	coming.keys = keyset_new();
}

static void
keys_config(struct msg *m, void *arg)
{
	int ret;

	ret = -1;
	if (m->type == KEYS_CONFIG_BASE)
		ret = get_base(m);
	else if (m->type == KEYS_CONFIG_KEY && coming.keys != NULL)
		ret = get_key(m);
	if (ret == -1)
		fatalx("parent sent nonsense type=%u", m->type);
}

static int
get_base(struct msg *m)
{
	coming.generation = msg_get_u32(m);
	coming.life = msg_get_u32(m);
	if (msg_end(m) == -1 || coming.life < KEYS_TICKET_LIFE_MIN ||
	    coming.life > KEYS_TICKET_LIFE_MAX)
		return -1;
	return 0;
}

static int
get_key(struct msg *m)
{
	char name[KEYS_NAME_MAX];
	const uint8_t *pem;
	const char *wrong;
	size_t len;

	(void)msg_get_str(m, name, sizeof(name));
	pem = msg_get_bytes(m, &len, KEYS_PEM_MAX);
	if (msg_end(m) == -1)
		return -1;
	wrong = keyset_add(coming.keys, name, pem, len);
	if (wrong != NULL)
		log_warnx("key name=%s: %s", log_vis(name), wrong);
	return 0;
}

static void
keys_reload_commit(void *arg)
{
	if (coming.keys == NULL || coming.life == 0)
		fatalx("parent ended a configuration that it did not begin");
	log_debug("keys=%zu", keyset_count(coming.keys));
	serve_keys(coming.keys, coming.generation);
	coming.keys = NULL;
	serve_tickets(coming.life);
}

static void
keys_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	serve_wire(fd);
}
