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
 * sealctl's questions: about policies, which are parsed here and nowhere else.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "relay.h"
#include "sts.h"

#include "../relay_ctl.h"

#define TOOLS_MAX 8 /* wires of sealctl at once */

struct tool {
	struct wire *wire;
	struct sts_wait *wait; /* for the answer to id */
	uint32_t id;
	char domain[RESOLVER_NAME_MAX];
	char host[RESOLVER_NAME_MAX];
};

static unsigned int n_tools;

static void tool_handle(struct wire *, struct msg *, void *);
static int tool_take(struct tool *, struct msg *);
static void tool_answer(const struct policy *, bool, void *);
static void tool_gone(struct wire *, void *);

void
ctl_start(int fd)
{
	struct tool *t;

	if (n_tools == TOOLS_MAX) {
		log_warnx("too many control tools");
		(void)wire_detach(wire_new(fd, NULL, NULL, NULL));
		return;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		fatal("calloc");
	t->wire = wire_new(fd, tool_handle, tool_gone, t);
	n_tools++;
}

static void
tool_handle(struct wire *wire, struct msg *msg, void *arg)
{
	if (tool_take(arg, msg) == 0)
		return;
	log_warnx("sealctl: bad message type=%u", msg->type);
	wire_fail(wire);
}

static int
tool_take(struct tool *t, struct msg *msg)
{
	uint32_t version;

	if (msg->type != RELAY_CTL_POLICY || t->wait != NULL)
		return -1;
	t->id = msg->id;
	version = msg_get_u32(msg);
	(void)msg_get_str(msg, t->domain, sizeof(t->domain));
	(void)msg_get_str(msg, t->host, sizeof(t->host));
	if (msg_end(msg) == -1 || version != RELAY_CTL_VERSION)
		return -1;
	t->wait = sts_look(t->domain, tool_answer, t);
	return 0;
}

/* What was looked at just now, not what may be remembered. */
static void
tool_answer(const struct policy *p, bool fresh, void *arg)
{
	char why[RELAY_CTL_WHY_MAX];
	struct tool *t = arg;
	struct msgout *out;
	uint32_t age;

	(void)fresh;
	t->wait = NULL;
	sts_seen(t->domain, why, sizeof(why), &age);
	if (p == NULL && why[0] == '\0')
		(void)strlcpy(why, "there is none", sizeof(why));
	out = msg_new(t->wire, RELAY_CTL_POLICY_IS, t->id);
	msg_put_u8(out,
	    (uint8_t)(why[0] != '\0'          ? RELAY_CTL_LACKS :
		    p->mode == POLICY_ENFORCE ? RELAY_CTL_ENFORCE :
		    p->mode == POLICY_TESTING ? RELAY_CTL_TESTING :
						RELAY_CTL_NONE));
	msg_put_u8(out, why[0] == '\0' && policy_allows(p, t->host));
	msg_put_u32(out, age);
	msg_put_str(out, why);
	msg_send(out);
}

static void
tool_gone(struct wire *wire, void *arg)
{
	struct tool *t = arg;

	sts_cancel(t->wait);
	wire_free(wire);
	n_tools--;
	free(t);
}
