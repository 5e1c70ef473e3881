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

/* What the tests of merging do on one of the hosts, to any message or box. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "copying.h"
#include "merge_ops.h"

static uint64_t
some_box(struct host *h)
{
	const struct store_box *b;
	uint32_t n;

	b = store_box_next(h->a.st, NULL);
	if (dice(3) == 0)
		return b->id;
	for (n = dice(8); n > 0; n--) {
		if (store_box_next(h->a.st, b) != NULL)
			b = store_box_next(h->a.st, b);
	}
	return b->id;
}

/* A message that the client sees, if there is one. */
static const struct store_msg *
some_message(struct host *h, uint64_t *box, struct store_range *r)
{
	const struct store_msg *m;
	size_t n;

	*box = some_box(h);
	m = column(h->a.st, *box, &n);
	if (n == 0)
		return NULL;
	m += dice((uint32_t)n);
	r->first = r->last = m->uid;
	return m;
}

void
do_append(struct host *h)
{
	enum store_result result;
	unsigned int n;
	uint32_t uid;

	if (world()->nnotes == MESSAGES)
		return;
	n = world()->nnotes++;
	result = append(&h->a, some_box(h), n, 20, &uid);
	if (settle(h, result))
		world()->notes[n].created = true;
}

/* The same delivery for both hosts, to be drained by either. */
void
do_deliver(uint64_t flags)
{
	struct dirent *de;
	char from[300], to[300];
	DIR *dir;
	unsigned int n;

	if (world()->nnotes == MESSAGES)
		return;
	n = world()->nnotes++;
	if (deliver_as(&world()->hosts[0].a, n, 20, flags) != STORE_OK) {
		violation("delivery");
		return;
	}
	world()->notes[n].created = true;
	world()->notes[n].spread = flags != 0;
	snprintf(from, sizeof(from), "%s/" PLACE "/in", world()->hosts[0].dir);
	dir = opendir(from);
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL) {
		if (strlen(de->d_name) != 32)
			continue;
		snprintf(from, sizeof(from), "%s/" PLACE "/in/%.40s",
		    world()->hosts[0].dir, de->d_name);
		snprintf(to, sizeof(to), "%s/" PLACE "/in/%.40s",
		    world()->hosts[1].dir, de->d_name);
		if (access(to, F_OK) == -1 && world()->notes[n].value[1] == 0) {
			/* Only what is new: the others were drained there. */
			char mark[300];

			snprintf(mark, sizeof(mark), "%s/%.40s",
			    world()->hosts[1].dir, de->d_name);
			if (access(mark, F_OK) == -1) {
				copy_file(from, to, SIZE_MAX);
				close(open(mark, O_CREAT | O_WRONLY, 0600));
			}
		}
	}
	closedir(dir);
}

void
do_drain(struct host *h)
{
	struct store_drained d;
	enum store_result result;

	do {
		result = store_drain(h->a.st, &d);
		if (d.bad > 0)
			violation("a delivery does not open");
	} while (settle(h, result) && d.more);
}

void
do_expunge(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	note->killed = true;
	if (settle(h, store_expunge(h->a.st, box, &r, 1, true)))
		note->surely = true;
	note->from = box;
}

void
do_flag(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, bit;
	int on, i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	i = (int)(h - world()->hosts);
	note->in[i] = box;
	bit = 1ULL << dice(3);
	on = (int)dice(2);
	note->flagged[i] |= (uint8_t)bit;
	note->value[i] &= (uint8_t)~bit;
	if (on)
		note->value[i] |= (uint8_t)bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? bit : 0, on ? 0 : bit,
		    UINT64_MAX)))
		note->flagged[0] = note->flagged[1] = 0xff; /* not known */
}

void
do_keyword(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, flag;
	unsigned int bit, k;
	char name[8];
	bool on;
	int i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	i = (int)(h - world()->hosts);
	note->in[i] = box;
	k = dice(4);
	on = dice(3) != 0;
	(void)strlcpy(name, keyword_name(k), sizeof(name));
	if (dice(2) == 0)
		name[0] -= 'a' - 'A';
	note->named[i] |= (uint8_t)(1U << k);
	note->names[i] &= (uint8_t) ~(1U << k);
	if (on)
		note->names[i] |= (uint8_t)(1U << k);
	if (store_keyword(h->a.st, box, name, true, &bit) != STORE_OK) {
		(void)settle(h, STORE_IO);
		note->named[0] = note->named[1] = 0xff; /* not known */
		return;
	}
	flag = 1ULL << bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? flag : 0, on ? 0 : flag,
		    UINT64_MAX)))
		note->named[0] = note->named[1] = 0xff;
}

void
do_copy(struct host *h, bool move)
{
	const struct store_msg *m;
	struct store_range r;
	uint64_t box, to;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	to = some_box(h);
	if (move) {
		world()->notes[number(m)].moved[h - world()->hosts]++;
		world()->notes[number(m)].to[h - world()->hosts] = to;
		world()->notes[number(m)].within |= to == box;
	} else
		world()->notes[number(m)].copied = true;
	(void)settle(h, store_copy(h->a.st, box, &r, 1, to, move, NULL, NULL));
}

static uint32_t
visible(struct host *h, uint64_t box)
{
	const struct store_box *b;

	b = store_box_find(h->a.st, box);
	return b == NULL ? 0 : b->messages;
}

/* False: the process has ended, and was begun anew. */
static bool
copy_pieces(struct host *h, struct store_copying *c, uint64_t to, uint32_t n)
{
	struct store *st = h->a.st;
	enum store_result result;
	uint32_t before = visible(h, to);
	unsigned int left;
	/* What comes late is placed by whoever opens the account. */
	bool late = box_find(h->a.st, to)->nextra > 0, more = true;

	while (more) {
		result = store_copy_step(c, &more);
		world()->sum.pieces++;
		if (!settle(h, result)) {
			if (h->a.st != NULL && !late &&
			    visible(h, to) != before &&
			    visible(h, to) != before + n)
				violation("I7: after the end %u of %u copied",
				    visible(h, to) - before, n);
			return h->a.st == st;
		}
		if (visible(h, to) != before + (more ? 0 : n))
			violation("I7: %u of %u copied are seen",
			    visible(h, to) - before, n);
		if (more && dice(3) == 0) {
			/* It is this host that may crash. */
			left = world()->crash_in;
			world()->crash_in = 0;
			exchange(h, dice(2) == 0);
			world()->crash_in = left;
		}
		present(&world()->hosts[0]);
		present(&world()->hosts[1]);
		if (more && dice(9) == 0) {
			if (settle(h, store_copy_cancel(c)) &&
			    visible(h, to) != before)
				violation("I7: copied in spite of all");
			return h->a.st == st;
		}
	}
	return true;
}

void
do_copy_pieces(struct host *h)
{
	const struct store_range all = {1, UINT32_MAX};
	const struct store_msg *m;
	struct store_copying *c;
	const struct store_box *b = NULL;
	uint64_t box = STORE_INBOX, to;
	size_t n, i;

	while ((b = store_box_next(h->a.st, b)) != NULL)
		if (b->messages > visible(h, box))
			box = b->id;
	to = some_box(h);
	world()->crash_in = dice(2) == 0 ? 0 : 1 + dice(10);
	m = column(h->a.st, box, &n);
	for (i = 0; i < n; i++)
		world()->notes[number(&m[i])].copied = true;
	h->a.st->small_steps = true;
	if (!settle(h,
		store_copy_begin(h->a.st, box, &all, 1, to, NULL, NULL, &c)) ||
	    copy_pieces(h, c, to, (uint32_t)n))
		h->a.st->small_steps = false;
}

static void
do_rmbox(struct host *h)
{
	const struct store_msg *m;
	struct box *b;
	uint64_t box;
	size_t n;

	box = some_box(h);
	for (n = 0; n < h->a.st->nboxes && dice(2) == 0; n++) {
		if (h->a.st->boxes[n]->nextra > 0)
			box = h->a.st->boxes[n]->pub.id;
	}
	if (box == STORE_INBOX)
		return;
	m = column(h->a.st, box, &n);
	while (n-- > 0)
		world()->notes[number(&m[n])].killed = true;
	/* What is hidden there goes to INBOX, perhaps beside another copy. */
	b = box_find(h->a.st, box);
	for (n = 0; n < b->nextra; n++)
		world()->notes[number(&b->extra[n].m)].copied = true;
	(void)settle(h, store_rmbox(h->a.st, box));
}

void
do_boxes(struct host *h)
{
	static const char *const some[] = {
	    "x", "y", "x/y", "y/x", "z", "x/z", "Archive", "y/z"};
	struct store_rename r;
	const char *name;

	name = some[dice(8)];
	switch (dice(8)) {
	case 6:
	case 7:
		(void)settle(h, any_meta(h->a.st, some_box(h), dice));
		break;
	case 0:
	case 1:
		do_rmbox(h);
		break;
	case 2:
		r.box = some_box(h);
		r.name = name;
		if (r.box != STORE_INBOX)
			(void)settle(h, store_mvbox(h->a.st, &r, 1));
		break;
	case 3:
		(void)settle(h, store_subscribe(h->a.st, name, dice(2) == 0));
		break;
	default:
		(void)settle(h, store_mkbox(h->a.st, name, 0, NULL));
		break;
	}
}

/* Upkeep: what the log can spare goes, and what nobody uses. */
void
do_upkeep(struct host *h)
{
	bool more;
	uint32_t seg;

	switch (dice(4)) {
	case 0:
		seg = own_writer(h->a.st)->seg;
		if (settle(h, checkpoint(h->a.st)))
			world()->sum.checkpoints += own_writer(h->a.st)->seg >
			    seg;
		break;
	case 1:
		(void)settle(h, compact(h->a.st));
		break;
	default:
		(void)settle(h, store_idle(h->a.st, &more));
		break;
	}
}

void
do_close(struct host *h)
{
	(void)store_close(h->a.st);
	h->a.st = NULL;
	world()->crashed = false;
	world()->crash_in = 0;
	if (dice(3) == 0)
		host_open(h);
}
