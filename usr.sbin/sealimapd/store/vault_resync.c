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
 * Clients that come back with what they know (RFC 7162): what is gone, and
 * what changed since.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

void
resync_parse(struct session *s, struct job *j, struct msg *m)
{
	struct resync *r;
	uint32_t n;

	r = j->resync = vault_alloc(1, sizeof(*r));
	r->uidvalidity = msg_get_u32(m);
	r->modseq = msg_get_u64(m);
	n = msg_get_u32(m);
	if (n > MATCHES_MAX) {
		m->bad = true;
		return;
	}
	for (r->nmatch = 0; r->nmatch < n; r->nmatch++) {
		r->seq[r->nmatch] = msg_get_u32(m);
		r->uid[r->nmatch] = msg_get_u32(m);
	}
	get_set(s, j, m);
	if (m->bad)
		return;
	if (j->nset == 0) {
		j->set[0].first = 1;
		j->set[0].last = UINT32_MAX - 1;
		j->nset = 1;
	}
	j->nasked = j->nset;
	j->asked = vault_alloc(j->nset, sizeof(*j->asked));
	memcpy(j->asked, j->set, j->nset * sizeof(*j->asked));
}

/* The highest UID up to which the client knows of all that is gone. */
static uint32_t
matched(const struct session *s, const struct resync *r)
{
	const struct store_msg *m;
	uint32_t known = 0;

	for (size_t i = 0; i < r->nmatch; i++) {
		if (r->seq[i] == 0)
			continue;
		m = store_msg_at(vault_store(), s->view.box, r->seq[i] - 1);
		if (m != NULL && m->uid == r->uid[i] && r->uid[i] > known)
			known = r->uid[i];
	}
	return known;
}

enum step
resync_answer(struct session *s, struct job *j)
{
	struct resync *r = j->resync;

	j->resolved = true;
	if (vanished_answer(s, j, r->modseq, matched(s, r)) != STEP_DONE)
		return STEP_MORE;
	return rows_answer_since(s, j, r->modseq);
}

static void
vanished_add(struct job *j, uint32_t first, uint32_t last)
{
	struct store_range *grown;

	if (j->nvanished > 0 &&
	    j->vanished[j->nvanished - 1].last + 1 >= first) {
		if (j->vanished[j->nvanished - 1].last < last)
			j->vanished[j->nvanished - 1].last = last;
		return;
	}
	if (j->nvanished == j->vanished_size) {
		j->vanished_size = 2 * j->vanished_size + 16;
		grown = vault_alloc(j->vanished_size, sizeof(*grown));
		if (j->nvanished > 0)
			memcpy(
			    grown, j->vanished, j->nvanished * sizeof(*grown));
		free(j->vanished);
		j->vanished = grown;
	}
	j->vanished[j->nvanished].first = first;
	j->vanished[j->nvanished++].last = last;
}

/* Every UID of the range that no message has. */
static void
list_all(struct session *s, struct job *j, uint32_t first, uint32_t last)
{
	const struct store_msg *m;
	size_t pos;

	(void)store_msg_find(vault_store(), s->view.box, first, &pos);
	for (;; pos++) {
		m = store_msg_at(vault_store(), s->view.box, pos);
		if (m == NULL || m->uid > last)
			break;
		if (m->uid > first)
			vanished_add(j, first, m->uid - 1);
		first = m->uid + 1;
	}
	if (first <= last)
		vanished_add(j, first, last);
}

/*
 * Of those that are remembered; what this session has still to be told by
 * R_EXPUNGE is not of an earlier time.
 */
static void
list_gone(struct session *s, struct job *j, const uint32_t *uid, size_t n,
    uint32_t first, uint32_t last)
{
	size_t i, hi, mid;

	for (i = 0, hi = n; i < hi;) {
		mid = i + (hi - i) / 2;
		if (uid[mid] < first)
			i = mid + 1;
		else
			hi = mid;
	}
	for (; i < n && uid[i] <= last; i++)
		if (!uidlist_has(&s->view.ghosts, uid[i]) &&
		    store_msg_find(vault_store(), s->view.box, uid[i], NULL) ==
			NULL)
			vanished_add(j, uid[i], uid[i]);
}

static void
list_vanished(struct session *s, struct job *j, uint64_t since, uint32_t known)
{
	const struct store_box *box;
	enum store_result result;
	uint32_t *uid, first, last;
	size_t n;
	bool all;

	j->listed = true;
	box = store_box_find(vault_store(), s->view.box);
	result = store_gone(vault_store(), s->view.box, since, &uid, &n, &all);
	if (result != STORE_OK || box == NULL) {
		j->result = result_of(result);
		free(uid);
		return;
	}
	for (size_t i = 0; i < j->nasked; i++) {
		first = j->asked[i].first;
		last = j->asked[i].last;
		if (first <= known)
			first = known + 1;
		if (last >= box->uidnext)
			last = box->uidnext - 1;
		if (first > last)
			continue;
		if (all)
			list_all(s, j, first, last);
		else
			list_gone(s, j, uid, n, first, last);
	}
	free(uid);
}

enum step
vanished_answer(
    struct session *s, struct job *j, uint64_t since, uint32_t known)
{
	struct msgout *o;
	size_t n;

	if (!j->listed)
		list_vanished(s, j, since, known);
	while (j->vanished_told < j->nvanished) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		n = j->nvanished - j->vanished_told;
		if (n > VANISHED_MAX)
			n = VANISHED_MAX;
		o = msg_new(s->wire, R_VANISHED, j->id);
		msg_put_u32(o, (uint32_t)n);
		for (; n > 0; n--, j->vanished_told++) {
			msg_put_u32(o, j->vanished[j->vanished_told].first);
			msg_put_u32(o, j->vanished[j->vanished_told].last);
		}
		msg_send(o);
	}
	return STEP_DONE;
}
