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

#include "log.h"
#include "vault.h"
#include "vault_local.h"

#define SUMMARY_TOLD_MAX 57344 /* octets; a message takes 64 KiB */

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
	get_name(j, m);
	n = msg_get_u32(m);
	if (n == 0 || n > UNDELETE_MAX) {
		m->bad = true;
		return;
	}
	j->blobs = vault_alloc(n, sizeof(*j->blobs));
	for (j->nblobs = 0; j->nblobs < n; j->nblobs++)
		(void)msg_get_raw(m, j->blobs[j->nblobs], STORE_ID);
}

static uint64_t
box_of(const struct job *j, const uint8_t *blob)
{
	for (size_t i = 0; i < j->ndeleted; i++)
		if (memcmp(j->deleted[i].blob, blob, STORE_ID) == 0 &&
		    j->deleted[i].box != 0)
			return j->deleted[i].box;
	return STORE_INBOX;
}

/* As many of them as can be; the first that cannot is told. */
static void
change_undelete(struct session *s, struct job *j)
{
	const struct store_box *to = NULL;
	enum store_result result;
	uint64_t box;
	uint32_t uid;

	if (j->name[0] != '\0' &&
	    (to = store_box_named(vault_store(), j->name)) == NULL) {
		j->result = DONE_TRYCREATE;
		return;
	}
	if (to == NULL)
		j->result = result_of(store_deleted_list(
		    vault_store(), &j->deleted, &j->ndeleted));
	if (j->result != DONE_OK)
		return;
	for (size_t i = 0; i < j->nblobs; i++) {
		box = to != NULL ? to->id : box_of(j, j->blobs[i]);
		result = store_undelete(vault_store(), j->blobs[i], box, &uid);
		if (j->result == DONE_OK)
			j->result = result_of(result);
	}
}

static void
tell_deleted(struct session *s, struct job *j, struct store_deleted *d)
{
	struct store_chunk c[STORE_SUMMARY_CHUNKS];
	const struct store_box *box;
	struct msgout *o;
	size_t n;

	if (store_deleted_look(vault_store(), d, c, &n) != STORE_OK)
		return;
	box = d->box == 0 ? NULL : store_box_find(vault_store(), d->box);
	o = msg_new(s->wire, R_DELETED, j->id);
	msg_put_raw(o, d->blob, STORE_ID);
	msg_put_i64(o, d->when);
	msg_put_i64(o, d->held);
	msg_put_i64(o, d->date);
	msg_put_u64(o, d->size);
	msg_put_str(o, box == NULL ? "" : box->name);
	msg_put_u8(o, d->codec);
	/* One that does not fit is done without. */
	n = n == 1 && c[0].len <= SUMMARY_TOLD_MAX;
	msg_put_u8(o, (uint8_t)n);
	if (n == 1) {
		msg_put_u8(o, c[0].compressed);
		msg_put_u32(o, c[0].plain);
		msg_put_bytes(o, c[0].data, c[0].len);
	}
	msg_send(o);
}

static enum step
answer_deleted(struct session *s, struct job *j)
{
	if (!j->resolved) {
		j->resolved = true;
		j->result = result_of(store_deleted_list(
		    vault_store(), &j->deleted, &j->ndeleted));
	}
	for (; j->range < j->ndeleted; j->range++) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		tell_deleted(s, j, &j->deleted[j->range]);
	}
	return STEP_DONE;
}

void
deleted_change(uint8_t op, struct manage_answer *a)
{
	enum store_result result;

	memset(a, 0, sizeof(*a));
	if (op == SLOT_CONFIRM)
		result = store_deleted_confirm(vault_store(), &a->revoked);
	else
		result = store_deleted_purge(vault_store(), &a->revoked);
	a->result = result == STORE_OK ? SLOT_DONE : SLOT_FAILED;
	if (result != STORE_OK)
		log_warnx("account=%s deletes: %s", log_addr(vault_account()),
		    store_strerror(result));
}
