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
 * sealctl kick: ends sessions of an account, of an address, or one.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "proc.h"
#include "sealctl.h"
#include "sessions.h"
#include "store_wire.h"

static struct {
	enum ctl_kick by;
	uint64_t conn;
	char text[SESSIONS_ACCOUNT_MAX];
	uint32_t n;
} kick;

/* The number alone; as it is logged. */
static bool
is_session(const char *arg)
{
	unsigned long long id;
	char *end;

	if (!isdigit((unsigned char)*arg))
		return false;
	errno = 0;
	id = strtoull(arg, &end, 10);
	if (*end != '\0' || errno != 0)
		return false;
	kick.conn = id;
	return true;
}

/* In the form in which daemons write it. */
static bool
is_address(const char *arg)
{
	unsigned char raw[sizeof(struct in6_addr)];
	int family;

	family = strchr(arg, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(family, arg, raw) == 1 &&
	    inet_ntop(family, raw, kick.text, sizeof(kick.text)) != NULL;
}

static int
understand(struct invocation *inv)
{
	const char *arg = inv->argv[1];

	if (is_session(arg))
		kick.by = CTL_KICK_SESSION;
	else if (is_address(arg))
		kick.by = CTL_KICK_ADDRESS;
	else {
		kick.by = CTL_KICK_ACCOUNT;
		return account_name(
		    inv->conf, arg, kick.text, sizeof(kick.text));
	}
	return 0;
}

static int
kick_engine(struct ctl *ctl, int fd)
{
	struct ctl engine;
	struct msgout *m;
	struct msg msg;
	int ret;

	engine = *ctl;
	engine.fd = fd;
	m = ctl_new(&engine, CTL_KICK);
	msg_put_u32(m, CTL_VERSION);
	msg_put_u8(m, (uint8_t)kick.by);
	msg_put_u64(m, kick.conn);
	msg_put_str(m, kick.text);
	ctl_send(&engine, m);
	while (ctl_next(&engine, &msg)) {
		if (msg.type == CTL_KICKED)
			kick.n += msg_get_u32(&msg);
	}
	ret = ctl_failed(&engine, "kick") ? -1 : 0;
	ctl_close(&engine);
	return ret;
}

static int
kick_daemon(struct ctl *ctl)
{
	return each_engine(ctl, "kick", kick_engine);
}

/* The vault too, which would keep the keys for a while. */
static int
kick_vault(struct invocation *inv)
{
	struct msgout *m;
	struct store st;
	int code;

	if ((code = store_open(&st, inv)) != 0)
		return code;
	m = store_new(&st, CTL_MASTER_KICK);
	msg_put_str(m, kick.text);
	code = store_ask(&st, m, kick.text);
	store_close(&st);
	return code;
}

int
cmd_kick(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"sessions", COLUMN_NUMBER, 10},
	};
	int code, vault;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (understand(inv) == -1)
		return EXIT_FAILED;
	code = each_daemon(inv, kick_daemon);
	if (code == 0 && kick.by == CTL_KICK_ACCOUNT &&
	    (vault = kick_vault(inv)) != EXIT_NOT_RUNNING)
		code = vault;
	if (code != 0)
		return code;
	if (kick.n == 0 && kick.by != CTL_KICK_ACCOUNT) {
		if (kick.by == CTL_KICK_ADDRESS)
			warnx("%s: no session from this address", kick.text);
		else
			warnx("%s: no such session", inv->argv[1]);
		return EXIT_FAILED;
	}
	out_start(columns, 1, inv->json);
	out_number(kick.n);
	return finish(0);
}
