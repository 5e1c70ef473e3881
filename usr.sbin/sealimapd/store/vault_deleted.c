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

/* Requests about messages that were deleted: which there are, bring back. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

static void parse_deleted(struct session *, struct job *, struct msg *);
static void parse_undelete(struct session *, struct job *, struct msg *);
static void change_undelete(struct session *, struct job *);
static enum step answer_deleted(struct session *, struct job *);

const struct job_kind deleted_kinds[] = {
    {V_DELETED, false, parse_deleted, NULL, answer_deleted},
    {V_UNDELETE, false, parse_undelete, change_undelete, NULL},
    {0, false, NULL, NULL, NULL},
};

static void
parse_deleted(struct session *s, struct job *j, struct msg *m)
{
}

static void
parse_undelete(struct session *s, struct job *j, struct msg *m)
{
	uint32_t n;

	j->bits = NEWS | NEWS_EXPUNGE;
	n = msg_get_u32(m);
	if (n == 0 || n > UNDELETE_MAX) {
		m->bad = true;
		return;
	}
	j->blobs = vault_alloc(n, sizeof(*j->blobs));
	for (j->nblobs = 0; j->nblobs < n; j->nblobs++)
		(void)msg_get_raw(m, j->blobs[j->nblobs], STORE_ID);
}

/* As many of them as can be; the first that cannot is told. */
static void
change_undelete(struct session *s, struct job *j)
{
	enum vault_result result;
	uint32_t uid;

	for (size_t i = 0; i < j->nblobs; i++) {
		result = result_of(
		    store_undelete(vault_store(), j->blobs[i], &uid));
		if (j->result == DONE_OK)
			j->result = result;
	}
}

/* STORE_DELETED_MAX small messages at most. */
static enum step
answer_deleted(struct session *s, struct job *j)
{
	struct store_deleted *list;
	struct msgout *o;
	size_t n;

	j->result = result_of(store_deleted_list(vault_store(), &list, &n));
	for (size_t i = 0; j->result == DONE_OK && i < n; i++) {
		o = msg_new(s->wire, R_DELETED, j->id);
		msg_put_raw(o, list[i].blob, STORE_ID);
		msg_put_i64(o, list[i].when);
		msg_put_i64(o, list[i].date);
		msg_put_u64(o, list[i].size);
		msg_send(o);
	}
	free(list);
	return STEP_DONE;
}
