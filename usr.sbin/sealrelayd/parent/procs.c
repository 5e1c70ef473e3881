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
 * The roles of sealrelayd, the one daemon that calls strangers: what each may
 * do, who speaks with whom.  Nobody calls it, it keeps nothing on disk, and all
 * of it may run as one ordinary user.
 */

#include <string.h>

#include "config.h"
#include "log.h"
#include "msg.h"
#include "relay_procs.h"

static void send_config(struct wire *, const struct proc_row *, unsigned int,
    const struct parent *);

static const struct proc_row rows[] = {
    {
	.name = "smtp-relay",
	.user = CONF_NET,
	.flags = PROC_TAKES_CTL,
	.instances = 1,
	.max = 1,
	.nofile = 16384,
	/* recvfd: wires; inet: mail servers. */
	.promises = "stdio recvfd inet",
	.runs_as = "_sealnet, in an empty root",
	.talks_to = "mail servers; smtp-queue about what is due; "
		    "smtp-resolver; sealctl about policies",
	.holds = "messages in flight; what smarthosts want to see; no key",
	.trusts = "the parent, smtp-queue, smtp-resolver; never a server",
    },
    {
	.name = "smtp-resolver",
	.user = CONF_NET,
	.flags = PROC_TAKES_CTL,
	.instances = 1,
	.max = 1,
	.nofile = 4096,
	/* recvfd: wires of those who ask; inet: name servers. */
	.promises = "stdio recvfd inet",
	.runs_as = "_sealnet, in an empty root",
	.talks_to = "name servers; smtp-relay, smtp-engine and sealctl, "
		    "which ask",
	.holds = "names of those who send mail and get it; no mail, "
		 "no key",
	.trusts = "the parent, the root zone's keys; never a name server",
    },
};

static const struct proc_pair pairs[] = {
    {"smtp-relay", "smtp-resolver"},
};

/* What is due; where mail that comes in is from. */
static const struct proc_abroad serves[] = {
    {"smtp-queue", "sealsmtpd", "smtp-relay", false},
    {"smtp-engine", "sealsmtpd", "smtp-resolver", false},
};

static const struct proc_daemon daemon_relay = {
    .name = "sealrelayd",
    .version = SEALMAIL_VERSION,
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .pairs = pairs,
    .n_pairs = sizeof(pairs) / sizeof(pairs[0]),
    .serves = serves,
    .n_serves = sizeof(serves) / sizeof(serves[0]),
};

const struct parent_kind relay_parent = {
    .daemon = &daemon_relay,
    .config = send_config,
};

static void
send_config(struct wire *w, const struct proc_row *row, unsigned int instance,
    const struct parent *p)
{
	if (strcmp(row->name, "smtp-relay") == 0)
		send_relay(w, parent_conf(p));
	else if (strcmp(row->name, "smtp-resolver") == 0)
		send_resolver(w, parent_conf(p));
}
