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
 * The roles of sealimapd: what each may do, who speaks with whom, and what the
 * parent tells them of the configuration.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "msg.h"
#include "imap_procs.h"

#include "../imap_config.h"

#define ENGINES_MAX 4

static void send_config(struct wire *, const struct proc_row *, unsigned int,
    const struct parent *);
static void send_engine(struct wire *, const struct parent *);
static void send_store(struct wire *, const struct parent *);
static void engine_listeners(struct engine_slice *, const struct parent *);
static bool is_ours(enum conf_proto);

static const struct proc_row rows[] = {
    {
	.name = "sealkeys",
	.user = CONF_KEYS,
	.instances = 1,
	.max = 1,
	.nofile = 65536, /* a wire for each handshake of an isolated session */
	.promises = "stdio recvfd", /* recvfd: wires of engines */
	.runs_as = "_sealkeys, in an empty root",
	.talks_to = "its parent, which sends the keys; engines, which ask "
		    "for signatures of handshakes",
	.holds = "the TLS private keys of the daemon that started it; the "
		 "keys of its session tickets",
	.trusts = "its parent; everybody else is hostile",
    },
    {
	.name = "imap-store",
	.user = CONF_VAULT,
	.flags = PROC_IN_BASE | PROC_WATCH_CONNS | PROC_TAKES_CTL,
	.instances = 1,
	.max = 1,
	.nofile = 65536,
	/*
	 * rpath wpath cpath fattr: the accounts; flock: one vault each; proc
	 * unveil: children that see one account; sendfd recvfd: wires.
	 */
	.promises = "stdio rpath wpath cpath fattr flock unveil sendfd "
		    "recvfd proc",
	.paths = {{"accounts", "rwc"}, {"removed", "rwc"}, {"head", "rwc"}},
	.runs_as = "_sealvault, in the base directory",
	.talks_to = "imap-engine about logins and sessions; smtp-deliver "
		    "about new mail; imap-worker for its vaults; sealctl "
		    "about accounts",
	.holds = "the master nothing; a vault one user's keys while that "
		 "user is logged in",
	.trusts = "the parent; everybody else is hostile",
    },
    {
	.name = "imap-worker",
	.user = CONF_WORK,
	.instances = 1,
	.max = 1,
	.nofile = 4096,
	/* proc: a child for each vault that has work; recvfd: its wire. */
	.promises = "stdio recvfd proc",
	.runs_as = "_sealwork, in an empty root",
	.talks_to = "imap-store's vaults, one user each",
	.holds = "text of one user's messages while it works on them",
	.trusts = "the parent; what it reads is hostile",
    },
    {
	.name = "imap-engine",
	.user = CONF_NET,
	.flags = PROC_TAKES_CTL,
	.instances = PROC_PER_CORE,
	.max = ENGINES_MAX,
	.nofile = 65536,
	.promises = "stdio recvfd", /* recvfd: connections and wires */
	/* proc sendfd: a child for each, which then has the row above. */
	.apart = "stdio recvfd sendfd proc",
	.runs_as = "_sealnet, in an empty root",
	.talks_to = "parent; imap-store (logins); vaults (sessions); sealkeys "
		    "(handshakes)",
	.holds = "what its live sessions show; no key",
	.trusts = "parent, imap-store, vaults; never its clients, never a "
		  "summary",
    },
};

static const struct proc_pair pairs[] = {
    {"imap-engine", "imap-store"},
    {"imap-engine", "sealkeys"},
    {"imap-store", "imap-worker"},
};

/* A delivery is announced to the vaults; who submits logs in. */
static const struct proc_abroad serves[] = {
    {"smtp-engine", "sealsmtpd", "imap-store", true},
    {"smtp-deliver", "sealsmtpd", "imap-store", true},
};

static const struct proc_daemon daemon_imap = {
    .name = "sealimapd",
    .version = SEALMAIL_VERSION,
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .pairs = pairs,
    .n_pairs = sizeof(pairs) / sizeof(pairs[0]),
    .serves = serves,
    .n_serves = sizeof(serves) / sizeof(serves[0]),
};

const struct parent_kind imap_parent = {
    .daemon = &daemon_imap,
    .engine = "imap-engine",
    .is_ours = is_ours,
    .config = send_config,
};

static bool
is_ours(enum conf_proto proto)
{
	return proto == CONF_IMAPS || proto == CONF_IMAP;
}

static void
send_config(struct wire *w, const struct proc_row *row, unsigned int instance,
    const struct parent *p)
{
	if (strcmp(row->name, "imap-engine") == 0)
		send_engine(w, p);
	else if (strcmp(row->name, "imap-store") == 0)
		send_store(w, p);
	else if (strcmp(row->name, "sealkeys") == 0)
		parent_send_keys(p, w);
	/* imap-worker needs none. */
}

static void
send_engine(struct wire *w, const struct parent *p)
{
	const struct conf *conf;
	struct engine_slice *s;

	conf = parent_conf(p);
	s = engine_slice_new();
	parent_site(p, &s->site);
	s->isolated = conf->isolated;
	s->literal_max = conf->limits[CONF_MESSAGE_SIZE];
	s->scram = conf->scram;
	s->idle_seconds = (uint32_t)conf->limits[CONF_IDLE_TIMEOUT];
	s->login_seconds = (uint32_t)conf->limits[CONF_LOGIN_TIMEOUT];
	s->sessions_max = (uint32_t)conf->limits[CONF_SESSIONS_PER_USER];
	s->login_failures = (uint32_t)conf->limits[CONF_LOGIN_FAILURES];
	s->command_messages = (uint32_t)conf->limits[CONF_COMMAND_MESSAGES];
	engine_listeners(s, p);
	engine_slice_put(w, s);
	engine_slice_free(s);
}

static void
engine_listeners(struct engine_slice *s, const struct parent *p)
{
	const struct conf_listen *l;

	s->listeners = calloc(parent_n_listens(p), sizeof(*s->listeners));
	if (s->listeners == NULL)
		fatal("calloc");
	for (size_t i = 0; i < parent_n_listens(p); i++) {
		l = parent_listen(p, i);
		s->listeners[i].certs = parent_listen_certs(p, i);
		s->listeners[i].only_tls13 = l->only_tls13;
		switch (l->tls) {
		case CONF_TLS_FIRST:
			s->listeners[i].kind = IMAP_LISTEN_IMAPS;
			break;
		case CONF_TLS_START:
			s->listeners[i].kind = IMAP_LISTEN_STARTTLS;
			break;
		case CONF_TLS_NONE:
			s->listeners[i].kind = IMAP_LISTEN_IMAP;
			break;
		}
		s->n_listeners++;
	}
}

static void
send_store(struct wire *w, const struct parent *p)
{
	const struct conf *conf;
	struct store_slice *s;
	long cores;

	conf = parent_conf(p);
	s = store_slice_new();
	s->host_index = conf->host_index;
	s->log_addresses = conf->log_addresses;
	s->linger = conf->linger;
	s->sessions_max = (uint32_t)conf->limits[CONF_SESSIONS_PER_USER];
	s->derivations = (uint32_t)conf->limits[CONF_DERIVATIONS];
	if (s->derivations == 0) {
		cores = sysconf(_SC_NPROCESSORS_ONLN);
		s->derivations = cores < 1 ? 1 : (uint32_t)cores;
	}
	s->failures_source = (uint32_t)conf->limits[CONF_FAILURES_PER_SOURCE];
	s->failures_user = (uint32_t)conf->limits[CONF_FAILURES_PER_USER];
	s->quota = conf->quota;
	s->domains = calloc(conf->n_domains, sizeof(*s->domains));
	if (s->domains == NULL)
		fatal("calloc");
	for (size_t i = 0; i < conf->n_domains; i++) {
		(void)strlcpy(s->domains[i].name, conf->domains[i].name,
		    sizeof(s->domains[i].name));
		s->domains[i].kdf_kib = conf->domains[i].kdf.kib;
		s->domains[i].kdf_passes = conf->domains[i].kdf.passes;
		s->domains[i].quota = conf->domains[i].quota;
		s->domains[i].messages_hour =
		    (uint32_t)conf->domains[i].rate[CONF_RATE_MESSAGES];
		s->domains[i].recipients_hour =
		    (uint32_t)conf->domains[i].rate[CONF_RATE_RECIPIENTS];
		s->domains[i].trash_days = conf->domains[i].expire[CONF_TRASH];
		s->domains[i].spam_days = conf->domains[i].expire[CONF_SPAM];
		s->domains[i].waiting_days =
		    conf->domains[i].expire[CONF_WAITING];
		s->domains[i].escrow = conf->domains[i].escrow[0] != '\0';
		_Static_assert(IMAP_ESCROW_LEN == CONF_ESCROW_LEN, "a key");
		memcpy(s->domains[i].escrow_key, conf->domains[i].escrow_key,
		    IMAP_ESCROW_LEN);
		s->n_domains++;
	}
	s->administrators = calloc(
	    conf->n_administrators + 1, sizeof(*s->administrators));
	if (s->administrators == NULL)
		fatal("calloc");
	_Static_assert(IMAP_ACCOUNT_MAX == CONF_ACCOUNT_MAX, "a name");
	s->n_administrators = conf->n_administrators;
	if (conf->n_administrators > 0)
		memcpy(s->administrators, conf->administrators,
		    conf->n_administrators * sizeof(*s->administrators));
	store_slice_put(w, s);
	store_slice_free(s);
}
