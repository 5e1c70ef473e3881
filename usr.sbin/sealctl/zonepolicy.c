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
 * sealctl dns -c: the policy of MTA-STS (RFC 8461 3.2), which is no record.
 * smtp-relay fetches and reads it, as it does those of others.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zone.h"

#include "../sealrelayd/relay_ctl.h"

#define AGE_DAYS 7 /* below that a policy lapses while nobody looks */

struct answer {
	enum relay_ctl_policy policy;
	bool allows;
	uint32_t age;
	char why[RELAY_CTL_WHY_MAX];
};

static int ask(struct ctl *, const char *, const char *, struct answer *);
static bool
judge(const struct answer *, const char *, const char **, char *, size_t);

bool
zone_policy(
    struct ctl *ctl, const struct conf *conf, const struct zone_record *record)
{
	char name[ZONE_NAME_MAX], what[ZONE_DATA_MAX];
	const char *domain, *state;
	struct answer a;
	bool well;

	domain = strchr(record->name, '.') + 1;
	memset(&a, 0, sizeof(a));
	if (ask(ctl, domain, conf->hostname, &a) == -1) {
		state = "unknown";
		(void)strlcpy(
		    what, "see whether smtp-relay runs", sizeof(what));
		well = false;
	} else
		well = judge(&a, conf->hostname, &state, what, sizeof(what));
	(void)snprintf(name, sizeof(name),
	    "https://mta-sts.%s/.well-known/mta-sts.txt", domain);
	out_text(name);
	out_text("STS");
	out_text(state);
	out_text(what);
	return well;
}

static int
ask(struct ctl *ctl, const char *domain, const char *host, struct answer *a)
{
	struct msgout *m;
	struct msg msg;
	int fd, ret;

	fd = ctl_role(ctl, "smtp-relay", 0);
	if (fd == -1)
		return -1;
	m = msg_new_fd(fd, RELAY_CTL_POLICY, 1);
	msg_put_u32(m, RELAY_CTL_VERSION);
	msg_put_str(m, domain);
	msg_put_str(m, host);
	memset(&msg, 0, sizeof(msg));
	ret = -1;
	if (msg_send_wait(m, RELAY_CTL_SECONDS * 1000) == 1 &&
	    msg_recv_wait(fd, &msg, RELAY_CTL_SECONDS * 1000) == 1 &&
	    msg.type == RELAY_CTL_POLICY_IS) {
		a->policy = (enum relay_ctl_policy)msg_get_u8(&msg);
		a->allows = msg_get_u8(&msg) != 0;
		a->age = msg_get_u32(&msg);
		(void)msg_get_str(&msg, a->why, sizeof(a->why));
		ret = msg_end(&msg);
	}
	msg_done(&msg);
	(void)close(fd);
	return ret;
}

static bool
judge(const struct answer *a, const char *host, const char **state, char *what,
    size_t size)
{
	*what = '\0';
	*state = "differs";
	switch (a->policy) {
	case RELAY_CTL_LACKS:
		*state = "missing";
		(void)snprintf(what, size,
		    "others cannot have it (%s): let a web server with a "
		    "certificate of that name serve it as text/plain",
		    a->why);
		return false;
	case RELAY_CTL_NONE:
		(void)snprintf(
		    what, size, "mode: none protects nobody: make it enforce");
		return false;
	case RELAY_CTL_TESTING:
	case RELAY_CTL_ENFORCE:
		break;
	default:
		*state = "unknown";
		return false;
	}
	if (!a->allows) {
		(void)snprintf(what, size, "add the line \"mx: %s\": %s", host,
		    a->policy == RELAY_CTL_ENFORCE ?
			"mail to this host is refused without" :
			"it would be refused if this were enforced");
		return false;
	}
	if (a->age < AGE_DAYS * 86400) {
		(void)snprintf(what, size,
		    "make max_age at least %d: it lapses too soon",
		    AGE_DAYS * 86400);
		return false;
	}
	*state = "ok";
	if (a->policy == RELAY_CTL_TESTING)
		(void)snprintf(what, size,
		    "mode: testing protects nobody yet; make it enforce once "
		    "reports name no failures");
	return true;
}
