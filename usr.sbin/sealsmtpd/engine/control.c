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
 * What sealctl(8) asks: which sessions there are.
 */

#include <sys/types.h>

#include <string.h>
#include <time.h>

#include "ctl.h"
#include "log.h"
#include "msg.h"

#include "engine.h"

#define CLIENTS_MAX 16

struct answer {
	struct wire *wire;
	uint32_t id;
};

static unsigned int nclients;

static void control_handle(struct wire *, struct msg *, void *);
static void control_gone(struct wire *, void *);
static void control_session(const struct session *, void *);
static const char *state_name(const struct session *);

void
control_start(int fd)
{
	struct wire *wire;

	wire = wire_new(fd, control_handle, control_gone, NULL);
	if (++nclients > CLIENTS_MAX)
		wire_fail(wire);
}

static void
control_handle(struct wire *wire, struct msg *msg, void *arg)
{
	struct answer answer = {wire, msg->id};
	struct msgout *out;
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg->type != CTL_SESSIONS || msg_end(msg) == -1 ||
	    version != CTL_VERSION) {
		wire_fail(wire);
		return;
	}
	session_each(control_session, &answer);
	out = msg_new(wire, CTL_DONE, answer.id);
	msg_put_u8(out, CTL_OK);
	msg_put_str(out, "");
	msg_send(out);
}

static void
control_gone(struct wire *wire, void *arg)
{
	nclients--;
	wire_free(wire);
}

static void
control_session(const struct session *s, void *arg)
{
	const struct answer *answer;
	struct msgout *out;

	answer = arg;
	out = msg_new(answer->wire, CTL_SESSION, answer->id);
	msg_put_u64(out, s->conn);
	msg_put_str(out, session_is_lmtp(s) ? "lmtp" : "smtp");
	msg_put_str(out, s->peer);
	msg_put_str(out, "");
	msg_put_str(out, state_name(s));
	msg_put_i64(out, (int64_t)s->since);
	msg_send(out);
}

static const char *
state_name(const struct session *s)
{
	switch (s->state) {
	case SESSION_COMMAND:
		return s->in_mail ? "envelope" : "idle";
	case SESSION_RCPT:
		return "envelope";
	case SESSION_DATA:
	case SESSION_BDAT:
		return "data";
	case SESSION_COMMIT:
		return "sync";
	case SESSION_CLOSING:
		break;
	}
	return "closing";
}
