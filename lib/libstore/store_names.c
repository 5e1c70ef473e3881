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
 * Mailboxes of several hosts: a name that two boxes have, renames that chase
 * each other, and boxes that one host removed while another put mail there.
 * Boxes are ids; of two with one name the older keeps it.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_local.h"

/* Does a name lie below another in the hierarchy? */
static bool
below(const char *name, const char *parent)
{
	size_t len;

	len = strlen(parent);
	return strncmp(name, parent, len) == 0 && name[len] == '/';
}

static const char *
true_name(const struct box *b)
{
	return b->want != NULL ? b->want : b->pub.name;
}

static void
set_name(struct box *b, char *name_take)
{
	char *old;

	memcpy(&old, &b->pub.name, sizeof(old));
	freezero(old, strlen(old));
	b->pub.name = name_take;
}

/*
 * Every shown name once: of two boxes the higher id is shown under its name
 * and number, until the holder of the lease has put its mail into the other.
 */
void
names_settle(struct store *st)
{
	struct box *b;
	char *name;
	size_t i, j;
	bool taken;

	for (i = 0; st->multi && i < st->nboxes; i++) {
		b = st->boxes[i];
		for (j = 0, taken = false; j < i && !taken; j++)
			taken = strcmp(true_name(st->boxes[j]), true_name(b)) ==
			    0;
		if (!taken && b->want != NULL) {
			set_name(b, b->want);
			b->want = NULL;
		} else if (taken && b->want == NULL) {
			if (asprintf(&name, "%s (%llu)", b->pub.name,
				(unsigned long long)b->pub.id) == -1) {
				st->failed = true;
				return;
			}
			memcpy(&b->want, &b->pub.name, sizeof(b->want));
			b->pub.name = name;
		}
	}
}

/* Is name below one that, unseen by the writer, was moved below b? */
static bool
chases(const struct store *st, const struct box *b, const char *name)
{
	const struct box *o;
	size_t i;

	for (i = 0; i < st->nboxes; i++) {
		o = st->boxes[i];
		if (o != b && o->old != NULL &&
		    !fold_seen(st, st->cur_writer, o->mv_writer, o->mv_seq) &&
		    below(name, o->old) && below(true_name(o), true_name(b)))
			return true;
	}
	return false;
}

/*
 * A rename that would close a circle is undone, it being the later one; with
 * it, what its frame renames of the boxes below.
 */
bool
name_cycle(struct store *st, struct box *b, const char *name)
{
	const char *from;

	from = true_name(b);
	if (st->undo_from != NULL && below(from, st->undo_from) &&
	    below(name, st->undo_to))
		return true;
	if (MUTANT(22) || !chases(st, b, name))
		return false;
	free(st->undo_from);
	free(st->undo_to);
	st->undo_from = strdup(from);
	st->undo_to = strdup(name);
	if (st->undo_from == NULL || st->undo_to == NULL)
		st->failed = true;
	return true;
}

struct box *
ghost_find(struct store *st, uint64_t id)
{
	size_t i;

	for (i = 0; i < st->nghosts; i++) {
		if (st->ghosts[i]->pub.id == id)
			return st->ghosts[i];
	}
	return NULL;
}

/*
 * What was expunged in a box that goes: an instance that the other host has
 * yet to place must still be known to be dead.
 */
static void
keep_tombs(struct store *st, struct box *ghost, const struct box *b)
{
	size_t i;

	if (!st->multi && st->paired == 0)
		return;
	for (i = 0; i < b->ntombs; i++) {
		if (b->tombs->t[i].inst != 0 &&
		    tomb_add(ghost, &b->tombs->t[i]) == -1)
			st->failed = true;
	}
}

/* The table of keywords; from has none then. */
static void
move_keywords(struct box *to, struct box *from)
{
	if (MUTANT(27))
		return;
	memcpy(to->keywords, from->keywords, sizeof(to->keywords));
	memcpy(to->alias, from->alias, sizeof(to->alias));
	to->pub.nkeywords = from->pub.nkeywords;
	memset(from->keywords, 0, sizeof(from->keywords));
	memset(from->alias, 0, sizeof(from->alias));
	from->pub.nkeywords = 0;
}

/* In the order of their removal: the first is forgotten first. */
static void
ghost_take_out(struct store *st, size_t i)
{
	st->nghosts--;
	memmove(st->ghosts + i, st->ghosts + i + 1,
	    (st->nghosts - i) * sizeof(*st->ghosts));
}

static void
forget_ghosts(struct store *st)
{
	struct box *oldest;

	while (st->nghosts > GHOSTS_MAX) {
		oldest = st->ghosts[0];
		ghost_take_out(st, 0);
		box_free(oldest);
	}
}

/* Its name, numbers and keywords stay, for mail that is still to come. */
void
ghost_make(struct store *st, struct box *b)
{
	struct box **p, *ghost;
	char *name;

	ghost = calloc(1, sizeof(*ghost));
	name = strdup(true_name(b));
	p = reallocarray(st->ghosts, st->nghosts + 1, sizeof(*p));
	if (p != NULL)
		st->ghosts = p;
	if (ghost == NULL || name == NULL || p == NULL) {
		free(ghost);
		free(name);
		st->failed = true;
	} else {
		ghost->pub.id = b->pub.id;
		ghost->pub.uidvalidity = b->pub.uidvalidity;
		ghost->pub.use = b->pub.use;
		ghost->pub.name = name;
		ghost->uidmax = b->uidmax;
		ghost->gone = st->now;
		memcpy(ghost->last, b->last, sizeof(ghost->last));
		move_keywords(ghost, b);
		keep_tombs(st, ghost, b);
		st->ghosts[st->nghosts++] = ghost;
		forget_ghosts(st);
	}
	box_remove(st, b);
}

int
ghost_revive(struct store *st, struct box *ghost)
{
	struct box *b;
	char *name;
	size_t i;

	name = strdup(ghost->pub.name);
	b = name == NULL ? NULL : box_add(st, ghost->pub.id, name);
	if (b == NULL)
		return -1;
	b->pub.uidvalidity = ghost->pub.uidvalidity;
	b->pub.use = ghost->pub.use;
	b->uidmax = ghost->uidmax;
	memcpy(b->last, ghost->last, sizeof(b->last));
	b->tombs = ghost->tombs;
	b->ntombs = ghost->ntombs;
	ghost->tombs = NULL;
	ghost->ntombs = 0;
	move_keywords(b, ghost);
	box_update(st, b);
	for (i = 0; st->ghosts[i] != ghost; i++)
		;
	ghost_take_out(st, i);
	box_free(ghost);
	if (!st->replaying)
		names_settle(st);
	return 0;
}

/* For mail of a box that nobody remembers. */
struct box *
box_recovered(struct store *st, uint64_t id)
{
	struct box *b;
	char *name;

	if (asprintf(&name, "Recovered (%llu)", (unsigned long long)id) == -1)
		return NULL;
	b = box_add(st, id, name);
	if (b != NULL)
		b->pub.uidvalidity = (uint32_t)(st->cur_modseq & 0x7fffffff);
	if (b != NULL && b->pub.uidvalidity == 0)
		b->pub.uidvalidity = 1;
	return b;
}
