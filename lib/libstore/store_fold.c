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
 * What the fold does where several hosts write (STORE.md 5).  An instance may
 * have several placements in a box: the highest that is not late is shown.  A
 * placement is late if another writer, without having seen it and unseen by
 * it, gave a higher UID in that box; it stays hidden until the holder of the
 * lease places its instance again.  EXPUNGE names the instance and wins.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_local.h"

bool
fold_seen(const struct store *st, size_t by, size_t of, uint64_t seq)
{
	return by == of || st->saw[by][of] >= seq;
}

/* The writer that a host now uses: its newest. */
size_t
fold_active(const struct store *st, unsigned int host)
{
	size_t i, best;

	best = NO_WRITER;
	for (i = 0; i < st->nwriters; i++) {
		if (st->writers[i].host == host &&
		    (best == NO_WRITER ||
			st->writers[i].lamport > st->writers[best].lamport))
			best = i;
	}
	return best;
}

size_t
writer_find(const struct store *st, const uint8_t id[WRITER_LEN])
{
	size_t i;

	for (i = 0; i < st->nwriters; i++) {
		if (memcmp(st->writers[i].id, id, WRITER_LEN) == 0)
			return i;
	}
	return NO_WRITER;
}

/* Has the other host, where there is one, seen that frame? */
bool
fold_settled(const struct store *st, size_t of, uint64_t seq)
{
	unsigned int host;
	size_t a;

	for (host = 0; host <= 1; host++) {
		if (of < st->nwriters && st->writers[of].host == host)
			continue;
		a = fold_active(st, host);
		if (a == NO_WRITER) {
			if (host != st->host && (st->paired & 1U << host))
				return false;
			continue;
		}
		if (!fold_seen(st, a, of, seq))
			return false;
	}
	return true;
}

int
extra_add(struct store *st, struct box *b, const struct store_msg *m, bool late)
{
	struct extra *p;
	size_t size;

	if (b->nextra == b->extra_size) {
		size = b->extra_size == 0 ? 16 : b->extra_size * 2;
		p = reallocarray(b->extra, size, sizeof(*p));
		if (p == NULL)
			return -1;
		b->extra = p;
		b->extra_size = size;
	}
	b->extra[b->nextra].m = *m;
	b->extra[b->nextra++].late = late;
	if (m->uid > b->uidmax)
		b->uidmax = m->uid;
	box_update(st, b);
	return 0;
}

static void
extra_drop(struct box *b, size_t i)
{
	b->extra[i] = b->extra[--b->nextra];
}

int
recent_add(struct box *b, uint32_t uid, uint8_t writer, uint64_t seq)
{
	struct recent *p;
	size_t size;

	if (b->nrecent == b->recent_size) {
		size = b->recent_size == 0 ? 16 : b->recent_size * 2;
		p = reallocarray(b->recent, size, sizeof(*p));
		if (p == NULL)
			return -1;
		b->recent = p;
		b->recent_size = size;
	}
	b->recent[b->nrecent++] = (struct recent){seq, uid, writer};
	return 0;
}

/*
 * What the other host changed stays marked as its own, by a MODSEQ of its
 * parity, until our SAW gives it one of ours: also where we changed the same
 * message later, or had before, with a higher one.  Clients of ours that know
 * that one must hear of it.
 */
static uint64_t
touched(const struct store *st, const struct store_msg *m)
{
	uint64_t modseq;
	bool foreign;

	modseq = st->cur_modseq > m->modseq ? st->cur_modseq : m->modseq;
	foreign = (st->cur_modseq & 1) != st->host ||
	    (m->modseq & 1) != st->host;
	return foreign && (modseq & 1) == st->host && !MUTANT(25) ? modseq + 1 :
								    modseq;
}

/* Takes a shown message out of the column, to the extras. */
static int
hide_at(struct store *st, struct box *b, size_t pos, bool late)
{
	struct store_msg m;
	struct inst *in;
	uint32_t p;

	m = *col_at(b, pos);
	p = (uint32_t)pos;
	op_tell(st, b, STORE_EXPUNGED, m.uid, pos);
	if (col_remove(st, b, &p, 1, st->cur_modseq) == -1 ||
	    extra_add(st, b, &m, late) == -1)
		return -1;
	/* Its UID is gone, not its instance. */
	b->tombs->t[b->ntombs - 1].inst = 0;
	raise_modseq(st, b, st->cur_modseq);
	in = inst_find(st, m.inst);
	if (in != NULL)
		in->uid = 0;
	return 0;
}

static bool
higher(uint32_t a, uint32_t b)
{
	return MUTANT(4) ? a < b : a > b;
}

/* The highest placement of the instance in b that is not late is shown. */
static int
show_best(struct store *st, struct box *b, struct inst *in)
{
	struct store_msg m;
	size_t i, best;
	bool found;

	best = SIZE_MAX;
	for (i = 0; i < b->nextra; i++) {
		if (b->extra[i].m.inst == in->id && !b->extra[i].late &&
		    (best == SIZE_MAX ||
			higher(b->extra[i].m.uid, b->extra[best].m.uid)))
			best = i;
	}
	if (best == SIZE_MAX)
		return 0;
	if (in->uid != 0) {
		if (in->box != b->pub.id ||
		    !higher(b->extra[best].m.uid, in->uid))
			return 0;
		i = col_find(b, in->uid, &found);
		if (found && hide_at(st, b, i, false) == -1)
			return -1;
	}
	m = b->extra[best].m;
	extra_drop(b, best);
	m.modseq = touched(st, &m);
	if (col_insert(st, b, &m) != 0)
		return -1;
	in->box = b->pub.id;
	in->uid = m.uid;
	raise_modseq(st, b, m.modseq);
	i = col_find(b, m.uid, &found);
	op_tell(st, b, STORE_NEW, m.uid, i);
	return 0;
}

/*
 * A late placement makes those of its instance below it late too: clients were
 * told that they are gone when it came, and none may come back.
 */
static int
late_below(struct store *st, struct box *b, uint64_t id, uint32_t uid)
{
	struct inst *in;
	size_t i;
	bool found;

	for (i = 0; i < b->nextra; i++) {
		if (b->extra[i].m.inst == id && b->extra[i].m.uid < uid)
			b->extra[i].late = true;
	}
	in = inst_find(st, id);
	if (in == NULL || in->uid == 0 || in->box != b->pub.id ||
	    in->uid >= uid)
		return 0;
	i = col_find(b, in->uid, &found);
	return found ? hide_at(st, b, i, true) : 0;
}

/* Whether such a one stands above a placement that comes now. */
static bool
late_above(const struct box *b, uint64_t id, uint32_t uid)
{
	for (size_t i = 0; i < b->nextra; i++) {
		if (b->extra[i].m.inst == id && b->extra[i].late &&
		    b->extra[i].m.uid > uid)
			return true;
	}
	return false;
}

static int
mark_late(struct store *st, struct box *b, uint32_t uid)
{
	struct inst *in;
	uint64_t id;
	size_t i;
	bool found;

	id = 0;
	for (i = 0; i < b->nextra; i++) {
		if (b->extra[i].m.uid == uid) {
			b->extra[i].late = true;
			id = b->extra[i].m.inst;
		}
	}
	i = col_find(b, uid, &found);
	if (found) {
		id = col_at(b, i)->inst;
		if (hide_at(st, b, i, true) == -1)
			return -1;
	}
	if (id == 0)
		return 0;
	if (late_below(st, b, id, uid) == -1)
		return -1;
	in = inst_find(st, id);
	return in == NULL ? 0 : show_best(st, b, in);
}

/*
 * The writer at hand gives uid in b: what others gave below without knowing is
 * late from now on, and *late says whether this one is.
 */
int
fold_late(struct store *st, struct box *b, uint32_t uid, bool *late)
{
	size_t i, w;

	w = st->cur_writer;
	*late = false;
	if (MUTANT(2))
		return 0;
	for (i = 0; i < st->nwriters; i++) {
		if (b->last[i].uid > uid &&
		    !fold_seen(st, w, i, b->last[i].seq))
			*late = true;
	}
	for (i = 0; i < b->nrecent && !MUTANT(7); i++) {
		if (b->recent[i].uid < uid &&
		    !fold_seen(st, w, b->recent[i].writer, b->recent[i].seq) &&
		    mark_late(st, b, b->recent[i].uid) == -1)
			return -1;
	}
	return 0;
}

/* UIDNEXT: as if the UID below had been given. */
int
fold_skip(struct store *st, struct box *b, uint32_t uid)
{
	bool late;

	if (uid == 0 || st->stating)
		return 0;
	if (st->multi &&
	    (inst_build(st) == -1 || col_load(st, b) == -1 ||
		fold_late(st, b, uid - 1, &late) == -1))
		return -1;
	if (uid - 1 > b->last[st->cur_writer].uid)
		b->last[st->cur_writer] = (struct last){st->cur_seq, uid - 1};
	return 0;
}

/* The message of an instance, shown or not. */
static const struct store_msg *
find_message(struct store *st, struct inst *in, struct box **box)
{
	struct box *b;
	size_t i, j;
	bool found;

	b = box_find(st, in->box);
	if (b != NULL && in->uid != 0 && col_load(st, b) == 0) {
		i = col_find(b, in->uid, &found);
		*box = b;
		return found ? col_at(b, i) : NULL;
	}
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		for (j = 0; j < b->nextra; j++) {
			if (b->extra[j].m.inst == in->id) {
				*box = b;
				return &b->extra[j].m;
			}
		}
	}
	return NULL;
}

int
fold_cold(struct store *st, struct inst *in, struct cold *c)
{
	const struct store_msg *m;
	struct box *b;

	m = find_message(st, in, &b);
	return m == NULL ? -1 : cold_read(st, m->cold, c);
}

static size_t
placements(const struct store *st, const struct inst *in)
{
	size_t i, j, n;

	n = in->uid != 0;
	for (i = 0; i < st->nboxes; i++) {
		for (j = 0; j < st->boxes[i]->nextra; j++)
			n += st->boxes[i]->extra[j].m.inst == in->id;
	}
	return n;
}

/* Another placement of an instance that lives. */
int
fold_again(struct store *st, struct box *b, struct inst *in,
    const struct place *p, bool late)
{
	const struct store_msg *old;
	struct store_msg m;
	struct box *home;
	struct cold c;
	int r;

	old = find_message(st, in, &home);
	if (old == NULL || cold_carry(st, old->cold, &c) == -1)
		return -1;
	m = *old;
	m.uid = p->uid;
	m.modseq = touched(st, old);
	m.saved = p->saved;
	if (home != b)
		m.flags &= 0x1f;
	c.writer = p->writer;
	c.seq = p->seq;
	r = 0;
	/* Delivered to both hosts: one of the two files is enough. */
	if (p->how == HOW_NEW && memcmp(c.blob, p->blob, STORE_ID) != 0)
		r = garbage_add(st, p->blob, p->bytes);
	if (r == 0)
		r = cold_append(st, &c, &m.cold);
	explicit_bzero(&c, sizeof(c));
	if (r == 0)
		r = extra_add(st, b, &m, late || late_above(b, in->id, p->uid));
	if (r == 0 && late)
		r = late_below(st, b, in->id, p->uid);
	if (r == 0 && (in->uid == 0 || in->box == b->pub.id))
		r = show_best(st, b, in);
	return r;
}

static void
flag_hidden(struct store *st, struct box *b, struct store_msg *m, uint64_t set,
    uint64_t clear)
{
	m->modseq = touched(st, m);
	m->flags = (m->flags & ~clear) | set;
	raise_modseq(st, b, st->cur_modseq);
}

static int
flag_one(struct store *st, struct inst *in, uint64_t from, uint64_t set,
    uint64_t clear)
{
	struct store_msg *m;
	struct box *b;
	uint64_t modseq;
	size_t i, j;
	bool found;

	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		for (j = 0; j < b->nextra; j++) {
			m = &b->extra[j].m;
			if (m->inst == in->id && !MUTANT(18))
				flag_hidden(st, b, m,
				    b->pub.id == from ? set : set & 0x1f,
				    b->pub.id == from ? clear : clear & 0x1f);
		}
	}
	if (in->uid == 0)
		return 0;
	b = box_find(st, in->box);
	if (b == NULL || col_load(st, b) == -1)
		return -1;
	i = col_find(b, in->uid, &found);
	if (!found)
		return -1;
	if (b->pub.id != from) {
		/* Keywords are numbered by the box. */
		set &= 0x1f;
		clear &= 0x1f;
	}
	modseq = touched(st, col_at(b, i));
	if (col_set_flags(b, i, (col_at(b, i)->flags & ~clear) | set, modseq) ==
	    -1)
		return -1;
	raise_modseq(st, b, modseq);
	op_tell(st, b, STORE_FLAGS, in->uid, i);
	return 0;
}

/* FLAG: r is at the list; its body begins with the box. */
int
fold_flag(struct store *st, struct rd r, uint64_t set, uint64_t clear)
{
	struct rd head = {r.p, r.len, 0, false};
	struct inst *in;
	uint64_t from;
	uint32_t n;

	if (inst_build(st) == -1)
		return -1;
	from = rd64(&head);
	for (n = rd32(&r); n > 0 && !r.bad; n--) {
		(void)rd32(&r);
		in = inst_find(st, rd64(&r));
		if (!r.bad && in != NULL && in->state == INST_LIVE &&
		    flag_one(st, in, from, set, clear) == -1)
			return -1;
	}
	return r.bad ? -1 : 0;
}

/* Forgets the hidden placements; the highest UID of them, or 0. */
static uint32_t
drop_extras(struct store *st, uint64_t id, struct box **where)
{
	struct box *b;
	uint32_t uid;
	size_t i, j;

	uid = 0;
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		for (j = b->nextra; j-- > 0;) {
			if (b->extra[j].m.inst != id)
				continue;
			if (b->extra[j].m.uid > uid) {
				uid = b->extra[j].m.uid;
				*where = b;
			}
			extra_drop(b, j);
		}
	}
	return uid;
}

static int
kill_one(struct store *st, struct inst *in)
{
	const struct store_msg *m;
	struct tomb t;
	struct box *b;
	struct cold c;
	uint32_t pos, uid;
	bool found;
	int r;

	m = find_message(st, in, &b);
	if (m == NULL || cold_read(st, m->cold, &c) == -1)
		return -1;
	r = blob_unref(st, c.blob, c.bytes);
	explicit_bzero(&c, sizeof(c));
	if (r == -1)
		return -1;
	raise_modseq(st, b, st->cur_modseq);
	if (in->uid != 0) {
		pos = (uint32_t)col_find(b, in->uid, &found);
		op_tell(st, b, STORE_EXPUNGED, m->uid, pos);
		r = col_remove(st, b, &pos, 1, st->cur_modseq);
		(void)drop_extras(st, in->id, &b);
	} else {
		uid = drop_extras(st, in->id, &b);
		t = (struct tomb){uid, st->now, st->cur_modseq, in->id};
		r = tomb_add(b, &t);
		b->dirty = true;
	}
	in->state = INST_DEAD;
	in->uid = 0;
	return r;
}

/* EXPUNGE: r is at the list. */
int
fold_kill(struct store *st, struct rd r)
{
	struct inst *in;
	uint32_t n, uid;
	size_t end;

	if (inst_build(st) == -1)
		return -1;
	n = rd32(&r);
	if (r.bad || n > OPS_BATCH || (r.len - r.off) / 12 < n)
		return -1;
	/* From the highest down, as notify promises. */
	for (end = r.off + (size_t)n * 12; n > 0; n--) {
		end -= 12;
		r.off = end;
		uid = rd32(&r);
		in = inst_find(st, rd64(&r));
		if (MUTANT(3) && in != NULL && in->uid != uid)
			continue;
		if (in != NULL && in->state == INST_LIVE &&
		    kill_one(st, in) == -1)
			return -1;
	}
	return 0;
}

static int
retire_one(struct store *st, struct box *b, struct inst *in, uint32_t uid)
{
	size_t i;
	bool found, last;

	last = placements(st, in) == 1 && !MUTANT(12);
	i = col_find(b, uid, &found);
	if (found && col_at(b, i)->inst == in->id &&
	    hide_at(st, b, i, last) == -1)
		return -1;
	for (i = 0; i < b->nextra; i++) {
		if (b->extra[i].m.uid != uid || b->extra[i].m.inst != in->id)
			continue;
		/* The last of a living one stays, to be placed again. */
		if (last)
			b->extra[i].late = true;
		else
			extra_drop(b, i);
		break;
	}
	return show_best(st, b, in);
}

int
fold_retire(struct store *st, struct box *b, struct rd *r)
{
	struct inst *in;
	uint32_t n, uid;

	if (inst_build(st) == -1 || col_load(st, b) == -1)
		return -1;
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		uid = rd32(r);
		in = inst_find(st, rd64(r));
		if (!r->bad && in != NULL && in->state == INST_LIVE &&
		    retire_one(st, b, in, uid) == -1)
			return -1;
	}
	return r->bad ? -1 : 0;
}

/* Out of a box that goes: another placement elsewhere takes over. */
static int
leave_box(struct store *st, struct inst *in, const struct cold *c)
{
	const struct store_msg *m;
	struct box *b;

	in->uid = 0;
	m = find_message(st, in, &b);
	if (m != NULL)
		return show_best(st, b, in);
	in->state = INST_NONE;
	return blob_unref(st, c->blob, c->bytes);
}

static int
remove_seen(struct store *st, struct box *b, const struct store_msg *m,
    bool shown, size_t at, bool *kept)
{
	struct inst *in;
	struct cold c;
	uint32_t pos;
	int r;

	if (cold_read(st, m->cold, &c) == -1)
		return -1;
	*kept = !fold_seen(st, st->cur_writer, c.writer, c.seq) && !MUTANT(10);
	r = 0;
	if (!*kept) {
		in = inst_find(st, m->inst);
		pos = (uint32_t)at;
		if (shown) {
			op_tell(st, b, STORE_EXPUNGED, m->uid, at);
			r = col_remove(st, b, &pos, 1, st->cur_modseq);
			b->tombs->t[b->ntombs - 1].inst = 0;
			if (in != NULL)
				in->uid = 0;
		} else
			extra_drop(b, at);
		if (r == 0 && in != NULL && placements(st, in) == 0)
			r = leave_box(st, in, &c);
		else if (r == 0 && in != NULL && in->uid == 0)
			r = show_best(st, b, in);
	}
	explicit_bzero(&c, sizeof(c));
	return r;
}

/* RMBOX: what its writer had seen goes, and the box where nothing is left. */
int
fold_rmbox(struct store *st, struct box *b)
{
	struct store_msg m;
	size_t i;
	bool kept, any;

	if (inst_build(st) == -1)
		return -1;
	any = false;
	for (i = b->nextra; i-- > 0;) {
		m = b->extra[i].m;
		if (remove_seen(st, b, &m, false, i, &kept) == -1)
			return -1;
		any = any || kept;
		if (i > b->nextra)
			i = b->nextra;
	}
	for (i = b->n; i-- > 0;) {
		m = *col_at(b, i);
		if (remove_seen(st, b, &m, true, i, &kept) == -1)
			return -1;
		any = any || kept;
		if (i > b->n)
			i = b->n;
	}
	raise_modseq(st, b, st->cur_modseq);
	if (any || b->n > 0 || b->nextra > 0)
		return 0;
	op_tell(st, b, STORE_BOXGONE, 0, 0);
	ghost_make(st, b);
	return 0;
}

/* What other hosts changed gets a MODSEQ of ours when we say that we saw it. */
static int
adopt(struct store *st, struct box *b)
{
	if (col_load(st, b) == -1 ||
	    col_adopt(b, st->host, st->cur_modseq) == -1)
		return -1;
	b->pub.modseq = st->cur_modseq;
	b->foreign = false;
	b->dirty = true;
	return 0;
}

static void
prune_recent(const struct store *st, struct box *b)
{
	size_t from, to;

	for (from = to = 0; from < b->nrecent; from++) {
		if (!fold_settled(
			st, b->recent[from].writer, b->recent[from].seq))
			b->recent[to++] = b->recent[from];
	}
	b->nrecent = to;
}

/*
 * May what other hosts changed have a MODSEQ of this SAW?  Not where a frame
 * lies before it that its writer had not seen: in the order of the fold it
 * came first, but clients were told of that MODSEQ without it.  A later SAW
 * then gives one to all of it.
 */
static bool
saw_all(const struct store *st, size_t by)
{
	size_t i;

	for (i = 0; i < st->nwriters; i++) {
		if (st->writers[i].host != st->host &&
		    st->writers[i].news > st->saw[by][i] && !MUTANT(26))
			return false;
	}
	return true;
}

int
fold_saw(struct store *st, struct rd *r)
{
	uint8_t id[WRITER_LEN];
	uint64_t seq;
	uint32_t n;
	size_t i, w;
	bool ours;

	w = st->cur_writer;
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		rd_copy(r, id, sizeof(id));
		seq = rd64(r);
		i = writer_find(st, id);
		if (!r->bad && i != NO_WRITER && seq > st->saw[w][i])
			st->saw[w][i] = seq;
	}
	ours = w < st->nwriters && st->writers[w].host == st->host &&
	    saw_all(st, w);
	for (i = 0; i < st->nboxes; i++) {
		prune_recent(st, st->boxes[i]);
		if (ours && st->boxes[i]->foreign &&
		    adopt(st, st->boxes[i]) == -1)
			return -1;
	}
	for (i = 0; i < st->nghosts; i++)
		prune_recent(st, st->ghosts[i]);
	return r->bad ? -1 : 0;
}
