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
 * The roles of sealsmtpd: what each may do, who speaks with whom, and what the
 * parent tells them of the configuration.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "msg.h"
#include "smtp_procs.h"

#include "../smtp_config.h"

#define ENGINES_MAX 4
#define DELIVERERS_MAX 8

static void send_config(struct wire *, const struct proc_row *, unsigned int,
    const struct parent *);
static void send_engine(struct wire *, const struct parent *);
static void engine_listeners(struct smtp_slice *, const struct parent *);
static void engine_aliases(struct smtp_slice *, const struct conf *);
static struct smtp_net *engine_nets(const struct conf_net *, size_t);
static void engine_dmarc(struct smtp_slice *, const struct conf *);
static void engine_alias(struct smtp_slice *, const struct conf_pair *);
static void alias_add(struct smtp_slice *, const char *, const char *);
static void send_deliver(struct wire *, const struct parent *);
static bool is_ours(enum conf_proto);
static bool is_submission(enum conf_proto);

static const struct proc_row rows[] = {
    {
	.name = "sealkeys",
	.user = CONF_KEYS,
	.instances = 1,
	.max = 1,
	.nofile = 256,
	.promises = "stdio recvfd", /* recvfd: wires of engines */
	.runs_as = "_sealkeys, in an empty root",
	.talks_to = "its parent, which sends the keys; engines, which ask "
		    "for signatures of handshakes",
	.holds = "the TLS private keys of the daemon that started it; the "
		 "keys of its session tickets",
	.trusts = "its parent; everybody else is hostile",
    },
    {
	.name = "smtp-deliver",
	.user = CONF_MAIL,
	.flags = PROC_IN_BASE,
	.instances = PROC_PER_CORE,
	.max = DELIVERERS_MAX,
	.nofile = 4096,
	/* rpath: keys and limits; wpath cpath: in/; recvfd: wires. */
	.promises = "stdio rpath wpath cpath recvfd",
	.paths = {{"accounts", "rwc"}},
	.runs_as = "_sealmail, in the base directory",
	.talks_to = "smtp-engine about recipients and messages; imap-store "
		    "about new mail",
	.holds = "messages in flight; public keys; what opens the mail of the "
		 "last second",
	.trusts = "the parent; what lies in the accounts' directories",
    },
    {
	.name = "smtp-engine",
	.user = CONF_NET,
	.flags = PROC_TAKES_CTL,
	.instances = PROC_PER_CORE,
	.max = ENGINES_MAX,
	.nofile = 65536,
	.promises = "stdio recvfd", /* recvfd: connections and wires */
	.runs_as = "_sealnet, in an empty root",
	.talks_to = "mail servers and programs; smtp-deliver; smtp-queue; "
		    "sealkeys; imap-store about logins; smtp-resolver",
	.holds = "messages in flight of all its clients; no key",
	.trusts = "the parent, smtp-deliver, smtp-queue, imap-store; never "
		  "its clients, nor what they have in DNS",
    },
    {
	.name = "smtp-queue",
	.user = CONF_QUEUE,
	.flags = PROC_IN_BASE | PROC_TAKES_CTL,
	.instances = 1,
	.max = 1,
	.nofile = 4096,
	/* rpath wpath cpath: the queue; recvfd: wires. */
	.promises = "stdio rpath wpath cpath recvfd",
	.paths = {{"queue", "rwc"}},
	.runs_as = "_sealqueue, in the base directory",
	.talks_to = "smtp-engine about messages, signatures and reports; "
		    "smtp-relay about what is due; sealctl",
	.holds = "the queue key, DKIM keys, messages that wait",
	.trusts = "the parent, engines in what they put in; parses nothing "
		  "of it",
    },
};

/* An account's mail goes to one deliverer: so each engine has them all. */
static const struct proc_pair pairs[] = {
    {"smtp-engine", "smtp-deliver"},
    {"smtp-engine", "smtp-queue"},
    {"smtp-engine", "sealkeys"},
};

/*
 * "There is mail for X."  Logins, and what a user may still send.  What is due
 * elsewhere: no role of this daemon calls anybody.
 */
static const struct proc_abroad asks[] = {
    {"smtp-deliver", "sealimapd", "imap-store", true},
    {"smtp-engine", "sealimapd", "imap-store", true},
    {"smtp-queue", "sealrelayd", "smtp-relay", false},
    {"smtp-engine", "sealrelayd", "smtp-resolver", false},
};

static const struct proc_daemon daemon_smtp = {
    .name = "sealsmtpd",
    .version = SEALMAIL_VERSION,
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .pairs = pairs,
    .n_pairs = sizeof(pairs) / sizeof(pairs[0]),
    .asks = asks,
    .n_asks = sizeof(asks) / sizeof(asks[0]),
};

const struct parent_kind smtp_parent = {
    .daemon = &daemon_smtp,
    .engine = "smtp-engine",
    .is_ours = is_ours,
    .tells = is_submission,
    .config = send_config,
    .prepare = prepare_queue,
    .usable = queue_usable,
};

static bool
is_ours(enum conf_proto proto)
{
	return proto == CONF_SMTP || proto == CONF_LMTP || is_submission(proto);
}

static bool
is_submission(enum conf_proto proto)
{
	return proto == CONF_SUBMISSION || proto == CONF_SUBMISSIONS;
}

static void
send_config(struct wire *w, const struct proc_row *row, unsigned int instance,
    const struct parent *p)
{
	if (strcmp(row->name, "smtp-engine") == 0)
		send_engine(w, p);
	else if (strcmp(row->name, "smtp-queue") == 0)
		send_queue(w, parent_conf(p));
	else if (strcmp(row->name, "smtp-deliver") == 0)
		send_deliver(w, p);
	else if (strcmp(row->name, "sealkeys") == 0)
		parent_send_keys(p, w);
}

static void
send_engine(struct wire *w, const struct parent *p)
{
	const struct conf *conf;
	struct smtp_slice *s;

	conf = parent_conf(p);
	s = smtp_slice_new();
	parent_site(p, &s->site);
	s->message_max = conf->limits[CONF_MESSAGE_SIZE];
	s->rcpt_max = (uint32_t)conf->limits[CONF_RECIPIENTS];
	s->messages_max = (uint32_t)conf->limits[CONF_MESSAGES_PER_SESSION];
	s->command_seconds = (uint32_t)conf->limits[CONF_COMMAND_TIMEOUT];
	s->errors_max = (uint32_t)conf->limits[CONF_BAD_COMMANDS];
	s->received_max = (uint32_t)conf->limits[CONF_RECEIVED_LINES];
	s->login_failures = (uint32_t)conf->limits[CONF_LOGIN_FAILURES];
	s->scram = conf->scram;
	s->show_agent = conf->show_agent;
	engine_listeners(s, p);
	engine_aliases(s, conf);
	s->relay = engine_nets(conf->relay_from, conf->n_relay_from);
	s->n_relay = conf->n_relay_from;
	engine_dmarc(s, conf);
	smtp_slice_put(w, s);
	smtp_slice_free(s);
}

static void
engine_listeners(struct smtp_slice *s, const struct parent *p)
{
	const struct conf_listen *l;
	struct smtp_listen *out;

	s->listeners = calloc(parent_n_listens(p), sizeof(*s->listeners));
	if (s->listeners == NULL)
		fatal("calloc");
	for (size_t i = 0; i < parent_n_listens(p); i++) {
		l = parent_listen(p, i);
		out = &s->listeners[s->n_listeners++];
		out->kind = is_submission(l->proto) ? SMTP_LISTEN_SUBMISSION :
		    l->proto == CONF_LMTP           ? SMTP_LISTEN_LMTP :
						      SMTP_LISTEN_SMTP;
		out->certs = parent_listen_certs(p, i);
		out->only_tls13 = l->only_tls13;
		switch (l->tls) {
		case CONF_TLS_NONE:
			out->tls = SMTP_TLS_NONE;
			break;
		case CONF_TLS_START:
			out->tls = SMTP_TLS_START;
			break;
		case CONF_TLS_FIRST:
			out->tls = SMTP_TLS_FIRST;
			break;
		}
	}
}

/*
 * libconf keeps tables sorted by key, as the slice wants its aliases.  Unless
 * the table says something else, postmaster (RFC 5321 4.5.1) is who the config
 * names.
 */
static void
engine_aliases(struct smtp_slice *s, const struct conf *conf)
{
	const struct conf_table *t;
	bool postmaster;

	s->aliases = calloc(SMTP_ALIASES_MAX, sizeof(*s->aliases));
	if (s->aliases == NULL)
		fatal("calloc");
	t = conf->aliases != SIZE_MAX ? &conf->tables[conf->aliases] : NULL;
	postmaster = t != NULL && conf_table_find(t, "postmaster") != NULL;
	for (size_t i = 0; t != NULL && i < t->n_pairs; i++) {
		if (!postmaster && strcmp(t->pairs[i].key, "postmaster") > 0) {
			alias_add(s, "postmaster", conf->postmaster);
			postmaster = true;
		}
		engine_alias(s, &t->pairs[i]);
	}
	if (!postmaster && s->n_aliases < SMTP_ALIASES_MAX)
		alias_add(s, "postmaster", conf->postmaster);
}

static struct smtp_net *
engine_nets(const struct conf_net *nets, size_t n)
{
	struct smtp_net *out;

	out = calloc(n + 1, sizeof(*out));
	if (out == NULL)
		fatal("calloc");
	for (size_t i = 0; i < n; i++) {
		out[i].version = nets[i].family == AF_INET ? 4 : 6;
		memcpy(out[i].address, nets[i].address, sizeof(out[i].address));
		out[i].bits = nets[i].bits;
	}
	return out;
}

static void
engine_dmarc(struct smtp_slice *s, const struct conf *conf)
{
	switch (conf->dmarc) {
	case CONF_DMARC_OFF:
		s->dmarc = SMTP_DMARC_OFF;
		break;
	case CONF_DMARC_COUNT:
		s->dmarc = SMTP_DMARC_COUNT;
		break;
	case CONF_DMARC_ENFORCE:
		s->dmarc = SMTP_DMARC_ENFORCE;
		break;
	}
	s->except = engine_nets(conf->dmarc_except, conf->n_dmarc_except);
	s->n_except = conf->n_dmarc_except;
}

static void
engine_alias(struct smtp_slice *s, const struct conf_pair *pair)
{
	char target[SMTP_ADDRESS_MAX];
	const char *list;
	int res;

	list = pair->value;
	for (;;) {
		res = conf_list_next(&list, target, sizeof(target));
		if (res == 0)
			break;
		/* The last place is postmaster's. */
		if (res == -1 || s->n_aliases >= SMTP_ALIASES_MAX - 1 ||
		    strlen(pair->key) >= SMTP_ADDRESS_MAX) {
			log_warnx("alias name=%s is left out: too long, or "
				  "too many",
			    log_vis(pair->key));
			break;
		}
		alias_add(s, pair->key, target);
	}
}

static void
alias_add(struct smtp_slice *s, const char *alias, const char *target)
{
	struct smtp_alias *a;

	a = &s->aliases[s->n_aliases++];
	a->alias = strdup(alias);
	a->target = strdup(target);
	if (a->alias == NULL || a->target == NULL)
		fatal("strdup");
	for (char *c = a->target; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
}

static void
send_deliver(struct wire *w, const struct parent *p)
{
	const struct conf *conf;
	struct deliver_slice *s;

	conf = parent_conf(p);
	s = deliver_slice_new();
	(void)strlcpy(s->hostname, conf->hostname, sizeof(s->hostname));
	s->host_index = conf->host_index;
	s->log_addresses = conf->log_addresses;
	s->free_bytes = conf->limits[CONF_FREE_SPACE];
	s->free_inodes = conf->limits[CONF_FREE_INODES];
	deliver_slice_put(w, s);
	deliver_slice_free(s);
}
