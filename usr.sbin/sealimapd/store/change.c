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
 * Changes of slots as messages: what openers and the vault say alike.
 */

#include <sys/types.h>

#include <string.h>

#include "msg.h"
#include "vault.h"

void
slot_records_put(struct msgout *out, const struct slot_change *c)
{
	msg_put_bytes(out, c->record, c->record_len);
	msg_put_bytes(out, c->scram, c->scram_len);
}

void
slot_change_put(struct msgout *out, const struct slot_change *c)
{
	msg_put_u8(out, c->op);
	msg_put_u16(out, c->scope);
	msg_put_u32(out, c->id);
	msg_put_str(out, c->label);
	slot_records_put(out, c);
	msg_put_raw(out, c->amk, sizeof(c->amk));
	msg_put_str(out, c->code);
}

static void
record_get(struct msg *m, uint8_t *to, size_t *len)
{
	const uint8_t *record;

	record = msg_get_bytes(m, len, SEAL_RECORD_MAX);
	if (m->bad)
		*len = 0;
	else if (*len > 0)
		memcpy(to, record, *len);
}

void
slot_records_get(struct msg *m, struct slot_change *c)
{
	record_get(m, c->record, &c->record_len);
	record_get(m, c->scram, &c->scram_len);
}

void
slot_change_get(struct msg *m, struct slot_change *c)
{
	memset(c, 0, sizeof(*c));
	c->op = msg_get_u8(m);
	c->scope = msg_get_u16(m);
	c->id = msg_get_u32(m);
	(void)msg_get_str(m, c->label, sizeof(c->label));
	slot_records_get(m, c);
	(void)msg_get_raw(m, c->amk, sizeof(c->amk));
	(void)msg_get_str(m, c->code, sizeof(c->code));
	if (c->op < SLOT_PASSWD || c->op > SLOT_OP_LAST)
		m->bad = true;
}

void
escrow_wish_put(struct msgout *out, const struct escrow_wish *e)
{
	msg_put_u8(out, e->mode);
	msg_put_raw(out, e->key, sizeof(e->key));
}

void
escrow_wish_get(struct msg *m, struct escrow_wish *e)
{
	memset(e, 0, sizeof(*e));
	e->mode = msg_get_u8(m);
	(void)msg_get_raw(m, e->key, sizeof(e->key));
	if (e->mode > ESCROW_KEY)
		m->bad = true;
	if (m->bad)
		e->mode = ESCROW_LEAVE;
}

void
manage_answer_put(struct msgout *out, const struct manage_answer *a)
{
	msg_put_u8(out, a->result);
	msg_put_u32(out, a->slot);
	msg_put_str(out, a->code);
	msg_put_u32(out, a->revoked);
}
