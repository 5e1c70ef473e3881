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
 * What a session is told of mailboxes that it has not selected, and of their
 * names (RFC 5465).  A vault does not know who wants to hear of which: it keeps
 * for each session that listens a list of what happened, one entry for all that
 * happened to the messages of a box, and says that there is something; the
 * engine asks when it is in nobody's way.  A list that gets too long ends it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "vault_local.h"

#define EVENTS_MAX 1024 /* events that a session has not been told */

struct event_entry {
	uint64_t box; /* 0: of a name that no box has any more */
	uint8_t kinds;
	char *name; /* of EVENT_NAME and EVENT_SUBSCRIPTION */
	char *old;  /* of a rename; the entry of an annotation */
};

struct events {
	uint8_t wanted;   /* EVENT_ kinds */
	uint8_t selected; /* likewise, of the selected box */
	bool fresh;       /* something happened since it was told */
	bool nudged;      /* and it knows that */
	bool overflow;
	size_t n;
	size_t size;
	size_t last; /* that was added to */
	struct event_entry *entry;
};

static void parse_notify(struct session *, struct job *, struct msg *);
static void change_notify(struct session *, struct job *);
static void parse_events(struct session *, struct job *, struct msg *);
static enum step answer_events(struct session *, struct job *);

const struct job_kind notify_kinds[] = {
    {V_NOTIFY, true, parse_notify, change_notify, NULL},
    {V_EVENTS, false, parse_events, NULL, answer_events},
    {0, false, NULL, NULL, NULL},
};

static void
entry_clear(struct event_entry *e)
{
	if (e->name != NULL)
		freezero(e->name, strlen(e->name));
	if (e->old != NULL)
		freezero(e->old, strlen(e->old));
	memset(e, 0, sizeof(*e));
}

static void
events_clear(struct events *ev)
{
	for (size_t i = 0; i < ev->n; i++)
		entry_clear(&ev->entry[i]);
	free(ev->entry);
	ev->entry = NULL;
	ev->n = ev->last = ev->size = 0;
}

void
notify_free(struct events *ev)
{
	if (ev == NULL)
		return;
	events_clear(ev);
	free(ev);
}

static void
parse_notify(struct session *s, struct job *j, struct msg *m)
{
	j->items = msg_get_u8(m);
	j->use = msg_get_u8(m);
}

/* What was not told of the old wishes is no longer wanted. */
static void
change_notify(struct session *s, struct job *j)
{
	notify_free(s->events);
	s->events = NULL;
	if (j->items == 0 && j->use == 0)
		return;
	s->events = vault_alloc(1, sizeof(*s->events));
	s->events->wanted = j->items;
	s->events->selected = (uint8_t)j->use;
}

static void
parse_events(struct session *s, struct job *j, struct msg *m)
{
	j->bits = msg_get_u8(m);
}

static void
entries_grow(struct events *ev)
{
	struct event_entry *grown;
	size_t size;

	size = ev->size == 0 ? 4 : 2 * ev->size;
	grown = recallocarray(ev->entry, ev->size, size, sizeof(*grown));
	if (grown == NULL)
		fatal("out of memory");
	ev->entry = grown;
	ev->size = size;
}

/* NULL: there are too many. */
static struct event_entry *
entry_new(struct events *ev, uint64_t box, uint8_t kinds)
{
	struct event_entry *e;

	ev->fresh = true;
	if (ev->overflow)
		return NULL;
	if (ev->n == EVENTS_MAX) {
		events_clear(ev);
		ev->overflow = true;
		return NULL;
	}
	if (ev->n == ev->size)
		entries_grow(ev);
	ev->last = ev->n;
	e = &ev->entry[ev->n++];
	e->box = box;
	e->kinds = kinds;
	return e;
}

/* Something happened to a message. */
static void
message_event(struct events *ev, uint64_t box, uint8_t kind)
{
	struct event_entry *e;
	size_t i;

	/* The one that was last added to, then all. */
	for (i = 0; i <= ev->n && ev->n > 0; i++) {
		e = &ev->entry[i == 0 ? ev->last : i - 1];
		if (e->box != box || e->name != NULL || e->old != NULL)
			continue;
		e->kinds |= kind;
		ev->last = (size_t)(e - ev->entry);
		ev->fresh = true;
		return;
	}
	(void)entry_new(ev, box, kind);
}

void
notify_message(uint64_t box, enum store_change change)
{
	static const uint8_t kinds[] = {
	    [STORE_NEW] = EVENT_NEW,
	    [STORE_FLAGS] = EVENT_FLAGS,
	    [STORE_EXPUNGED] = EVENT_EXPUNGE,
	    [STORE_BOXGONE] = 0,
	};
	struct session *s = NULL;
	uint8_t kind = kinds[change];

	while ((s = vault_session_next(s)) != NULL) {
		/* Who did it knows. */
		if (s->dead || s->running || s->events == NULL || kind == 0)
			continue;
		if (s->view.selected && s->view.box == box)
			s->events->fresh |= (s->events->selected & kind) != 0;
		else if ((s->events->wanted & kind) != 0)
			message_event(s->events, box, kind);
	}
}

static char *
copy(const char *s)
{
	char *p;

	p = vault_alloc(1, strlen(s) + 1);
	memcpy(p, s, strlen(s));
	return p;
}

void
notify_name(
    const struct session *by, uint8_t kind, const char *name, const char *old)
{
	struct session *s = NULL;
	struct event_entry *e;

	while ((s = vault_session_next(s)) != NULL) {
		if (s->dead || s == by || s->events == NULL ||
		    (s->events->wanted & kind) == 0 ||
		    (e = entry_new(s->events, 0, kind)) == NULL)
			continue;
		e->name = copy(name);
		if (old != NULL)
			e->old = copy(old);
	}
}

/* The name itself and the one above it (RFC 5465 section 5.4). */
void
notify_made(const struct session *by, const char *name)
{
	char *above, *slash;

	notify_name(by, EVENT_NAME, name, NULL);
	above = copy(name);
	if ((slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		notify_name(by, EVENT_NAME, above, NULL);
	}
	freezero(above, strlen(name));
}

/* box 0: of the account. */
void
notify_meta(const struct session *by, uint64_t box, const char *entry)
{
	uint8_t kind = box == 0 ? EVENT_SERVER_METADATA : EVENT_METADATA;
	struct session *s = NULL;
	struct event_entry *e;

	while ((s = vault_session_next(s)) != NULL) {
		if (s->dead || s == by || s->events == NULL ||
		    (s->events->wanted & kind) == 0 ||
		    (e = entry_new(s->events, box, kind)) == NULL)
			continue;
		e->old = copy(entry);
	}
}

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

static void
put_event(struct session *s, uint32_t id, const struct event_entry *e)
{
	const struct store_box *box;
	struct msgout *o;

	box = e->name == NULL ? store_box_find(vault_store(), e->box) :
				store_box_named(vault_store(), e->name);
	/* What happened within a box that is gone is no news. */
	if (e->name == NULL && box == NULL && e->kinds != EVENT_SERVER_METADATA)
		return;
	o = msg_new(s->wire, R_EVENT, id);
	msg_put_u8(o, e->kinds);
	msg_put_str(o, e->old == NULL ? "" : e->old);
	if (e->kinds == EVENT_SERVER_METADATA) {
		msg_send(o);
		return;
	}
	msg_put_u8(o, e->name != NULL && has_children(e->name));
	if (box != NULL)
		box_put(o, box, BOX_NUMBERS);
	else
		box_put_name(o, e->name);
	msg_send(o);
}

static enum step
answer_events(struct session *s, struct job *j)
{
	struct events *ev = s->events;
	struct msgout *o;
	size_t i;

	if (ev == NULL)
		return STEP_DONE;
	ev->fresh = ev->nudged = false;
	if (ev->overflow) {
		o = msg_new(s->wire, R_EVENT, j->id);
		msg_put_u8(o, EVENT_OVERFLOW);
		msg_send(o);
		notify_free(ev);
		s->events = NULL;
		return STEP_DONE;
	}
	for (i = 0; i < ev->n && wire_queued(s->wire) == 0; i++)
		put_event(s, j->id, &ev->entry[i]);
	for (size_t k = 0; k < i; k++)
		entry_clear(&ev->entry[k]);
	if (i == ev->n) {
		ev->n = 0;
		events_clear(ev);
		return STEP_DONE;
	}
	memmove(ev->entry, ev->entry + i, (ev->n - i) * sizeof(*ev->entry));
	ev->n -= i;
	memset(ev->entry + ev->n, 0, i * sizeof(*ev->entry));
	ev->last = 0;
	return STEP_MORE;
}

void
notify_nudge(struct session *s)
{
	struct events *ev = s->events;

	if (ev == NULL || !ev->fresh || ev->nudged)
		return;
	ev->nudged = true;
	msg_signal(s->wire, R_NUDGE, 0);
}

/* Names before and after what another host has written. */
struct notify_names {
	size_t n;
	struct {
		uint64_t id;
		char *name;
	} box[];
};

struct notify_names *
notify_names_note(void)
{
	const struct store_box *box = NULL;
	struct notify_names *names;
	struct session *s = NULL;
	size_t n = 0;

	while ((s = vault_session_next(s)) != NULL)
		if (s->events != NULL && (s->events->wanted & EVENT_NAME) != 0)
			break;
	if (s == NULL)
		return NULL;
	while ((box = store_box_next(vault_store(), box)) != NULL)
		n++;
	names = vault_alloc(1, sizeof(*names) + n * sizeof(names->box[0]));
	while ((box = store_box_next(vault_store(), box)) != NULL) {
		names->box[names->n].id = box->id;
		names->box[names->n++].name = copy(box->name);
	}
	return names;
}

void
notify_names_tell(struct notify_names *old)
{
	const struct store_box *box = NULL;
	size_t i;

	if (old == NULL)
		return;
	for (i = 0; i < old->n; i++) {
		box = store_box_find(vault_store(), old->box[i].id);
		if (box == NULL)
			notify_made(NULL, old->box[i].name);
		else if (strcmp(box->name, old->box[i].name) != 0)
			notify_name(
			    NULL, EVENT_NAME, box->name, old->box[i].name);
	}
	/* Both are in the order of their ids. */
	i = 0;
	box = NULL;
	while ((box = store_box_next(vault_store(), box)) != NULL) {
		while (i < old->n && old->box[i].id < box->id)
			i++;
		if (i == old->n || old->box[i].id != box->id)
			notify_made(NULL, box->name);
	}
	for (i = 0; i < old->n; i++)
		freezero(old->box[i].name, strlen(old->box[i].name));
	free(old);
}
