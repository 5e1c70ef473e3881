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
 * The end of a message: nobody waits for it, nobody is to be told.
 */

#include <sys/types.h>

#include "count.h"
#include "log.h"
#include "peer.h"

static bool is_active(const struct message *);

/* May free it. */
void
message_look(struct message *m)
{
	sync_changes();
	if (m->left > 0) {
		report_due(m);
		return;
	}
	/* A relay has it yet: its recipients were removed meanwhile. */
	if (is_active(m))
		return;
	count_add(COUNT_LEFT, 1);
	log_info("done trace=%s", log_vis(m->trace));
	note_gone(m->id);
	sync_unlink(m->id);
	report_forget(m);
	message_free(m);
}

static bool
is_active(const struct message *m)
{
	const struct work *w;

	LIST_FOREACH (w, &m->works, list)
		if (w->active)
			return true;
	return false;
}
