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

/* Requests about mailboxes: which there are, selecting, naming, counting. */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

static void parse_select(struct session *, struct job *, struct msg *);
static void parse_unselect(struct session *, struct job *, struct msg *);
static void parse_flag(struct session *, struct job *, struct msg *);
static void parse_name(struct session *, struct job *, struct msg *);
static void parse_list(struct session *, struct job *, struct msg *);
static void parse_status(struct session *, struct job *, struct msg *);
static void parse_create(struct session *, struct job *, struct msg *);
static void parse_rename(struct session *, struct job *, struct msg *);
static void parse_subscribe(struct session *, struct job *, struct msg *);
static void parse_noop(struct session *, struct job *, struct msg *);
static void change_unselect(struct session *, struct job *);
static void change_create(struct session *, struct job *);
static void change_delete(struct session *, struct job *);
static void change_rename(struct session *, struct job *);
static void change_subscribe(struct session *, struct job *);
static enum vault_result rename_inbox(struct job *);
static enum step answer_select(struct session *, struct job *);
static enum step answer_list(struct session *, struct job *);
static enum step answer_status(struct session *, struct job *);
static void unselect(struct session *);
static uint32_t first_unseen(const struct store_box *);
static void
put_box(struct session *, uint32_t id, const struct store_box *, uint8_t what);
static void put_subscription(struct session *, uint32_t id, const char *name);

const struct job_kind box_kinds[] = {
    {V_SELECT, false, parse_select, NULL, answer_select},
    {V_UNSELECT, true, parse_unselect, change_unselect, NULL},
    {V_LIST, false, parse_list, NULL, answer_list},
    {V_STATUS, false, parse_status, NULL, answer_status},
    {V_CREATE, false, parse_create, change_create, NULL},
    {V_DELETE, true, parse_name, change_delete, NULL},
    {V_RENAME, true, parse_rename, change_rename, NULL},
    {V_SUBSCRIBE, false, parse_subscribe, change_subscribe, NULL},
    {V_NOOP, false, parse_noop, NULL, NULL},
    {V_IDLE, false, parse_flag, NULL, NULL},
    {0, false, NULL, NULL, NULL},
};

static void
parse_select(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
	get_name(j, m);
	j->on = msg_get_u8(m) != 0;
	if (msg_get_u8(m) != 0)
		resync_parse(s, j, m);
}

static void
parse_unselect(struct session *s, struct job *j, struct msg *m)
{
	j->on = msg_get_u8(m) != 0;
}

static void
parse_flag(struct session *s, struct job *j, struct msg *m)
{
	j->on = msg_get_u8(m) != 0;
	if (j->kind->type == V_IDLE)
		j->bits = NEWS | NEWS_EXPUNGE;
}

static void
parse_name(struct session *s, struct job *j, struct msg *m)
{
	get_name(j, m);
}

static void
parse_list(struct session *s, struct job *j, struct msg *m)
{
	j->items = msg_get_u8(m);
	if (j->items > BOX_RECLAIM)
		m->bad = true;
}

static void
parse_status(struct session *s, struct job *j, struct msg *m)
{
	get_name(j, m);
	parse_list(s, j, m);
}

static void
parse_create(struct session *s, struct job *j, struct msg *m)
{
	j->use = msg_get_u16(m);
	get_name(j, m);
}

static void
parse_rename(struct session *s, struct job *j, struct msg *m)
{
	uint32_t n;

	n = msg_get_u32(m);
	if (n == 0 || n > RENAMES_MAX) {
		m->bad = true;
		return;
	}
	j->renames = vault_alloc(n, sizeof(*j->renames));
	for (j->nrenames = 0; j->nrenames < n; j->nrenames++) {
		struct rename_pair *p = &j->renames[j->nrenames];

		p->from = vault_alloc(1, BOX_NAME_MAX + 1);
		p->to = vault_alloc(1, BOX_NAME_MAX + 1);
		(void)msg_get_str(m, p->from, BOX_NAME_MAX + 1);
		(void)msg_get_str(m, p->to, BOX_NAME_MAX + 1);
	}
}

static void
parse_subscribe(struct session *s, struct job *j, struct msg *m)
{
	j->on = msg_get_u8(m) != 0;
	get_name(j, m);
}

static void
parse_noop(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
}

static void
unselect(struct session *s)
{
	if (!s->view.selected)
		return;
	store_unuse(vault_store(), s->view.box);
	view_clear(&s->view);
}

static void
change_unselect(struct session *s, struct job *j)
{
	if (!s->view.selected)
		return;
	if (j->on && !s->view.readonly && s->view.told > 0) {
		if (!j->changing) {
			j->set = vault_alloc(1, sizeof(*j->set));
			j->set[0] = (struct store_range){1, s->view.told};
			j->nset = 1;
		}
		expunge_step(s, j);
	}
	if (!j->changing)
		unselect(s);
}

static uint32_t
first_unseen(const struct store_box *box)
{
	size_t pos;

	if (!store_first_unseen(vault_store(), box->id, &pos))
		return 0;
	return (uint32_t)pos + 1;
}

/* Is there a box whose name lies below this one? */
static bool
has_children(const char *name)
{
	const struct store_box *box = NULL;
	size_t len = strlen(name);

	while ((box = store_box_next(vault_store(), box)) != NULL)
		if (strncmp(box->name, name, len) == 0 && box->name[len] == '/')
			return true;
	return false;
}

static enum step
answer_select(struct session *s, struct job *j)
{
	const struct store_box *box;
	struct msgout *o;
	bool readonly;

	if (j->resolved)
		return resync_answer(s, j);
	unselect(s);
	if ((box = store_box_named(vault_store(), j->name)) == NULL) {
		j->result = DONE_NONEXISTENT;
		return STEP_DONE;
	}
	j->result = result_of(store_use(vault_store(), box->id));
	if (j->result != DONE_OK)
		return STEP_DONE;
	readonly = j->on || store_damage(vault_store()) != NULL;
	view_select(&s->view, box, readonly);
	o = msg_new(s->wire, R_SELECTED, j->id);
	msg_put_u64(o, box->id);
	msg_put_u32(o, box->uidvalidity);
	msg_put_u32(o, box->uidnext);
	msg_put_u64(o, box->modseq);
	msg_put_u32(o, s->view.exists);
	msg_put_u32(o, first_unseen(box));
	msg_put_u8(o, readonly);
	msg_put_u16(o, box->use);
	msg_put_u8(o, has_children(box->name));
	msg_put_u16(o, box->nkeywords);
	for (unsigned int i = 0; i < box->nkeywords; i++)
		msg_put_str(
		    o, box->keywords[i] == NULL ? "" : box->keywords[i]);
	msg_send(o);
	if (j->resync == NULL || j->resync->uidvalidity != box->uidvalidity)
		return STEP_DONE;
	return resync_answer(s, j);
}

void
box_put(struct msgout *o, const struct store_box *box, uint8_t what)
{
	msg_put_u64(o, box->id);
	msg_put_u16(o, box->use);
	msg_put_u8(o, store_subscribed(vault_store(), box->name));
	msg_put_u8(o, 1);
	msg_put_str(o, box->name);
	msg_put_u8(o, what != BOX_NAMES);
	if (what == BOX_NAMES)
		return;
	msg_put_u32(o, box->messages);
	msg_put_u32(o, box->uidnext);
	msg_put_u32(o, box->uidvalidity);
	msg_put_u32(o, box->unseen);
	msg_put_u32(o, box->deleted);
	msg_put_u64(o, box->size);
	msg_put_u64(o, box->modseq);
	msg_put_u64(o,
	    what == BOX_RECLAIM ? store_reclaimable(vault_store(), box->id) :
				  0);
}

void
box_put_name(struct msgout *o, const char *name)
{
	msg_put_u64(o, 0);
	msg_put_u16(o, 0);
	msg_put_u8(o, store_subscribed(vault_store(), name));
	msg_put_u8(o, 0);
	msg_put_str(o, name);
	msg_put_u8(o, 0);
}

static void
put_box(
    struct session *s, uint32_t id, const struct store_box *box, uint8_t what)
{
	struct msgout *o;

	o = msg_new(s->wire, R_BOX, id);
	box_put(o, box, what);
	msg_send(o);
}

/* A name that is subscribed though no box has it. */
static void
put_subscription(struct session *s, uint32_t id, const char *name)
{
	struct msgout *o;

	o = msg_new(s->wire, R_BOX, id);
	box_put_name(o, name);
	msg_send(o);
}

/* At most STORE_BOXES_MAX small messages of each kind, in one go. */
static enum step
answer_list(struct session *s, struct job *j)
{
	const struct store_box *box = NULL;
	const char *name = NULL;

	while ((box = store_box_next(vault_store(), box)) != NULL)
		put_box(s, j->id, box, j->items);
	while ((name = store_sub_next(vault_store(), name)) != NULL)
		if (store_box_named(vault_store(), name) == NULL)
			put_subscription(s, j->id, name);
	return STEP_DONE;
}

static enum step
answer_status(struct session *s, struct job *j)
{
	const struct store_box *box;

	if ((box = store_box_named(vault_store(), j->name)) == NULL)
		j->result = DONE_NONEXISTENT;
	else
		put_box(s, j->id, box, j->items);
	return STEP_DONE;
}

static void
change_create(struct session *s, struct job *j)
{
	uint64_t id;

	j->result = result_of(store_mkbox(vault_store(), j->name, j->use, &id));
	if (j->result != DONE_OK)
		return;
	(void)snprintf(
	    j->detail, sizeof(j->detail), "%016llx", (unsigned long long)id);
	notify_made(s, j->name);
}

static void
change_delete(struct session *s, struct job *j)
{
	const struct store_box *box;

	if ((box = store_box_named(vault_store(), j->name)) == NULL)
		j->result = has_children(j->name) ? DONE_HASCHILDREN :
						    DONE_NONEXISTENT;
	else
		j->result = result_of(store_rmbox(vault_store(), box->id));
	if (j->result == DONE_OK)
		notify_made(s, j->name);
}

/* INBOX stays, empty; what was in it lies in the new box. */
static enum vault_result
rename_inbox(struct job *j)
{
	struct store_range all = {1, UINT32_MAX - 1};
	enum store_result result;
	uint64_t id;

	result = store_mkbox(vault_store(), j->renames[0].to, 0, &id);
	if (result == STORE_OK)
		result = store_copy(
		    vault_store(), STORE_INBOX, &all, 1, id, true, NULL, NULL);
	if (result == STORE_OK)
		result = meta_copy(STORE_INBOX, id);
	return result_of(result);
}

/* Does pair i only follow another, which names what lies above it? */
static bool
rename_follows(const struct job *j, size_t i)
{
	const char *from = j->renames[i].from;
	size_t len;

	for (size_t k = 0; k < j->nrenames; k++) {
		len = strlen(j->renames[k].from);
		if (strncmp(from, j->renames[k].from, len) == 0 &&
		    from[len] == '/')
			return true;
	}
	return false;
}

static void
rename_tell(struct session *s, struct job *j)
{
	if (j->result != DONE_OK)
		return;
	for (size_t i = 0; i < j->nrenames; i++)
		if (!rename_follows(j, i))
			notify_name(s, EVENT_NAME, j->renames[i].to,
			    j->renames[i].from);
}

static void
change_rename(struct session *s, struct job *j)
{
	const struct store_box *box;
	struct store_rename *r;

	box = store_box_named(vault_store(), j->renames[0].from);
	if (box != NULL && box->id == STORE_INBOX) {
		j->result = j->nrenames == 1 ? rename_inbox(j) : DONE_CANNOT;
		rename_tell(s, j);
		return;
	}
	r = vault_alloc(j->nrenames, sizeof(*r));
	for (size_t i = 0; i < j->nrenames; i++) {
		box = store_box_named(vault_store(), j->renames[i].from);
		if (box == NULL) {
			j->result = DONE_NONEXISTENT;
			free(r);
			return;
		}
		r[i].box = box->id;
		r[i].name = j->renames[i].to;
	}
	j->result = result_of(store_mvbox(vault_store(), r, j->nrenames));
	free(r);
	rename_tell(s, j);
}

static void
change_subscribe(struct session *s, struct job *j)
{
	bool was;

	was = store_subscribed(vault_store(), j->name);
	j->result = result_of(store_subscribe(vault_store(), j->name, j->on));
	if (j->result == DONE_OK && was != j->on)
		notify_name(s, EVENT_SUBSCRIPTION, j->name, NULL);
}
