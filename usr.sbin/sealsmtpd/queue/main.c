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
 * Process:   smtp-queue
 * Runs as:   _sealqueue, in the base directory
 * May do:    stdio rpath wpath cpath recvfd; queue: rwc
 * Talks to:  smtp-engine about messages, signatures and reports; smtp-relay
 *            about what is due; sealctl
 * Holds:     the queue key, DKIM keys, messages that wait
 * Trusts:    the parent, engines in what they put in; parses nothing of it
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "count.h"
#include "log.h"
#include "main.h"
#include "msg.h"
#include "peer.h"
#include "proc.h"
#include "seal.h"

static struct queue_limits limits;
static struct {
	struct queue_limits limits;
	struct signer *signer;
	uint8_t key[QUEUE_KEY_LEN];
	bool log_addresses;
	bool has_base;
	bool has_key;
} coming;
static int dir = -1;
static bool opened;

static void queue_config(struct msg *, void *);
static void queue_reload_begin(void *);
static void queue_reload_commit(void *);
static void queue_wire(const char *, unsigned int, int, void *);
static void queue_ctl(uid_t, bool, int, void *);
static int config_base(struct msg *);
static int config_dkim(struct msg *);

const struct queue_limits *
queue_limits(void)
{
	return &limits;
}

int64_t
queue_now(void)
{
	return (int64_t)time(NULL);
}

int
main(int argc, char *argv[])
{
	static const struct proc_handlers handlers = {
	    .config = queue_config,
	    .reload_begin = queue_reload_begin,
	    .reload_commit = queue_reload_commit,
	    .wire = queue_wire,
	    .ctl = queue_ctl,
	};
	uint8_t seed[32];

	proc_role_start(argc, argv, "smtp-queue", &handlers, NULL);
	/* The random generator and all algorithms, before the sandbox. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
		    OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS,
		NULL) != 1 ||
	    RAND_bytes(seed, sizeof(seed)) != 1)
		fatalx("libcrypto does not start");
	if (seal_init() == -1)
		fatalx("cannot start libsodium");
	dir = open("queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir == -1)
		fatal("open the queue's directory");
	sync_init(dir);
	jobs_init();
	report_init();
	count_init();
	proc_role_sandbox();
	event_dispatch();
	fatalx("the event loop has ended");
}

static void
queue_reload_begin(void *arg)
{
	(void)arg;
	signer_free(coming.signer);
	memset(&coming, 0, sizeof(coming));
	coming.signer = signer_new();
}

static void
queue_config(struct msg *m, void *arg)
{
	int r;

	(void)arg;
	r = -1;
	if (coming.signer == NULL)
		fatalx("a configuration that had not begun");
	if (m->type == QUEUE_CONFIG_BASE)
		r = config_base(m);
	else if (m->type == QUEUE_CONFIG_DKIM)
		r = config_dkim(m);
	else if (m->type == QUEUE_CONFIG_KEY) {
		(void)msg_get_raw(m, coming.key, sizeof(coming.key));
		coming.has_key = true;
		r = msg_end(m);
	}
	if (r == -1)
		fatalx("bad configuration from the parent");
}

/* The key is for good: what lies in the queue was sealed under it. */
static void
queue_reload_commit(void *arg)
{
	(void)arg;
	if (coming.signer == NULL || !coming.has_base || !coming.has_key)
		fatalx("a configuration ended that was not whole");
	limits = coming.limits;
	log_addr_clear(coming.log_addresses);
	signer_use(coming.signer);
	coming.signer = NULL;
	if (!opened) {
		spool_init(dir, coming.key);
		record_open(dir, coming.key);
		opened = true;
	}
	report_look(); /* with these times */
	explicit_bzero(coming.key, sizeof(coming.key));
	jobs_run();
}

static void
queue_wire(const char *role, unsigned int instance, int fd, void *arg)
{
	(void)arg;
	if (strcmp(role, "smtp-engine") == 0)
		peer_start(PEER_ENGINE, instance, fd);
	else if (strcmp(role, "smtp-relay") == 0)
		peer_start(PEER_RELAY, instance, fd);
	else
		fatalx("wire to unexpected role %s", role);
}

static void
queue_ctl(uid_t uid, bool may_change, int fd, void *arg)
{
	(void)arg;
	control_start(uid, may_change, fd);
}

static int
config_base(struct msg *m)
{
	struct queue_limits *l;

	l = &coming.limits;
	l->lifetime = msg_get_u32(m);
	l->warn = msg_get_u32(m);
	l->retry_min = msg_get_u32(m);
	l->retry_max = msg_get_u32(m);
	l->dest_jobs = msg_get_u32(m);
	l->free_bytes = msg_get_u64(m);
	l->free_inodes = msg_get_u64(m);
	coming.log_addresses = msg_get_u8(m) != 0;
	coming.has_base = true;
	return msg_end(m) == -1 || l->dest_jobs == 0 || l->retry_min == 0 ? -1 :
									    0;
}

static int
config_dkim(struct msg *m)
{
	char domain[QUEUE_DOMAIN_MAX], selector[QUEUE_DOMAIN_MAX];
	const uint8_t *pem;
	const char *wrong;
	size_t len;

	(void)msg_get_str(m, domain, sizeof(domain));
	(void)msg_get_str(m, selector, sizeof(selector));
	pem = msg_get_bytes(m, &len, QUEUE_PEM_MAX);
	if (msg_end(m) == -1)
		return -1;
	wrong = signer_add(coming.signer, domain, selector, pem, len);
	if (wrong != NULL)
		log_warnx("dkim domain=%s selector=%s: %s", log_vis(domain),
		    log_vis(selector), wrong);
	return 0;
}
