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
 * A second box that a session looks into beside the selected one, by UID and
 * without leaving a trace: where messages are taken from that CATENATE names.
 */

#include <sys/types.h>

#include <string.h>

#include "vault_local.h"

void
glance_end(struct session *s)
{
	if (s->glance.selected)
		store_unuse(vault_store(), s->glance.box);
	view_clear(&s->glance);
}

void
glance_box_gone(struct session *s, uint64_t box)
{
	if (s->glance.selected && s->glance.box == box)
		glance_end(s);
}

bool
glance_message(struct session *s, struct msg *m)
{
	const struct store_box *box;
	char name[BOX_NAME_MAX + 1];
	uint32_t uidvalidity;
	struct job *j;

	(void)msg_get_str(m, name, sizeof(name));
	uidvalidity = msg_get_u32(m);
	if (msg_end(m) == -1)
		return false;
	/* Not while an answer is made from it. */
	TAILQ_FOREACH (j, &s->jobs, entry)
		if (j->view == &s->glance)
			return false;
	glance_end(s);
	box = store_box_named(vault_store(), name);
	explicit_bzero(name, sizeof(name));
	if (box == NULL ||
	    (uidvalidity != 0 && uidvalidity != box->uidvalidity) ||
	    store_use(vault_store(), box->id) != STORE_OK)
		return true;
	view_select(&s->glance, box, true);
	return true;
}
