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
 * What the user has chosen that the server must know without him: told and
 * changed in his sessions, kept in a file that is no secret.
 */

#include <sys/types.h>

#include "log.h"
#include "vault_local.h"

static void parse_settings(struct session *, struct job *, struct msg *);
static void parse_set(struct session *, struct job *, struct msg *);
static void change_set(struct session *, struct job *);
static enum step answer_settings(struct session *, struct job *);

const struct job_kind settings_kinds[] = {
    {V_SETTINGS, false, parse_settings, NULL, answer_settings},
    {V_SETTINGS_SET, false, parse_set, change_set, NULL},
    {0, false, NULL, NULL, NULL},
};

static void
parse_settings(struct session *s, struct job *j, struct msg *m)
{
}

static void
parse_set(struct session *s, struct job *j, struct msg *m)
{
	uint8_t save_sent = msg_get_u8(m);

	if (save_sent > 1)
		m->bad = true;
	j->on = save_sent == 1;
}

static void
change_set(struct session *s, struct job *j)
{
	struct store_settings settings = {0};

	settings.save_sent = j->on;
	j->result = result_of(store_settings_set(vault_store(), &settings));
	if (j->result == DONE_OK)
		log_info("account=%s settings save-sent=%s",
		    log_addr(vault_account()), j->on ? "yes" : "no");
}

static enum step
answer_settings(struct session *s, struct job *j)
{
	struct store_settings settings;
	struct msgout *o;

	j->result = result_of(store_settings(vault_store(), &settings));
	if (j->result != DONE_OK)
		return STEP_DONE;
	o = msg_new(s->wire, R_SETTINGS, j->id);
	msg_put_u8(o, settings.save_sent);
	msg_send(o);
	return STEP_DONE;
}
