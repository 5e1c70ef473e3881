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
 * SEARCH: what the columns decide is decided here, by number and flag; what
 * needs text goes to a worker of this user (vault_pool.c), which sees the text
 * of the messages that are still open, and answers yes or no.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "vault_index.h"
#include "vault_local.h"

#include "../search.h"
#include "../worker_wire.h"

#define TURN_MS 5 /* of reading, before others have their turn */

struct search_run {
	struct session *session;
	struct helper *helper; /* the worker that it has; NULL: none */
	struct view other;     /* V_FIND: a box that is not selected */
	bool opened;           /* that one is in use */
	struct search *program;
	bool text;    /* needs the worker */
	bool scanned; /* the column has been gone through */
	bool sent_end;
	bool cancelled;
	uint32_t next; /* UID to look at */
	int64_t now;
	struct uidlist found;
	struct sort_run *sort; /* of V_SORT */
	bool sorting; /* the worker is being told what is to be sorted */
	bool sorted;
	uint64_t highest, first, last; /* modseqs of the found */
	struct ranges sent[SEARCH_SENT_MAX];
	bool saved;                       /* what was to be kept is */
	const struct search_range *bound; /* UIDs that alone can be found */
	size_t nbound;                    /* 0: any */
	struct feed feed;
	struct narrow *narrow; /* what the index says */
};

static void search_parse(struct session *, struct job *, struct msg *);
static enum step search_answer(struct session *, struct job *);
static enum step search_scan(struct session *, struct job *);
static enum step search_text(struct session *, struct job *);
static enum step search_sort(struct session *, struct job *);
static enum step search_report(struct session *, struct job *);
static void search_limit(struct session *, struct job *);
static void search_bound(struct search_run *);
static bool bound_skip(struct search_run *, uint32_t *uid);
static bool is_few(const struct search_run *);
static void search_sent(struct session *, struct job *);
static bool claim(struct job *);
static void facts_of(struct view *, const struct store_msg *, size_t pos,
    uint32_t uid_max, int64_t now, struct search_facts *);
static uint64_t bind_keyword(void *, const char *);
static bool body_matters(const struct search *, const uint8_t *truth);
static void verdicts(struct job *, struct msg *);

const struct job_kind search_kind = {
    V_SEARCH, false, search_parse, NULL, search_answer};
const struct job_kind sort_kind = {
    V_SORT, false, search_parse, NULL, search_answer};
const struct job_kind find_kind = {
    V_FIND, false, search_parse, NULL, search_answer};

static void
search_parse(struct session *s, struct job *j, struct msg *m)
{
	struct search_run *r;
	const uint8_t *p;
	size_t len;

	j->bits = msg_get_u8(m);
	j->items = msg_get_u8(m);
	r = j->search = vault_alloc(1, sizeof(*r));
	j->view = &s->view;
	if (j->kind->type == V_FIND) {
		j->view = &r->other;
		r->other.box = msg_get_u64(m);
		if ((j->bits & BY_UID) == 0 || j->items != 0)
			m->bad = true;
	}
	if (j->kind->type != V_SEARCH)
		r->sort = sort_parse(m);
	p = msg_get_rest(m, &len);
	r->session = s;
	r->now = vault_now();
	if (!m->bad && (r->program = search_decode(p, len)) == NULL)
		m->bad = true;
	if (r->program != NULL)
		r->text = search_needs_text(r->program);
	get_sent(s, j);
}

void
search_free_run(struct search_run *r)
{
	if (r == NULL)
		return;
	if (r->helper != NULL)
		pool_drop(r->helper);
	if (r->opened)
		store_unuse(vault_store(), r->other.box);
	view_clear(&r->other);
	search_free(r->program);
	for (size_t i = 0; i < SEARCH_SENT_MAX; i++)
		free(r->sent[i].range);
	feed_end(&r->feed);
	narrow_free(r->narrow);
	sort_free(r->sort);
	uidlist_clear(&r->found);
	free(r);
}

static uint64_t
bind_keyword(void *arg, const char *name)
{
	const struct job *j = arg;
	unsigned int bit;

	if (store_keyword(vault_store(), j->view->box, name, false, &bit) !=
	    STORE_OK)
		return 0;
	return 1ULL << bit;
}

/* The box of V_FIND as it stands now: what comes later is not looked at. */
static bool
other_open(struct job *j)
{
	struct search_run *r = j->search;
	const struct store_box *box;

	if (r->opened || j->result != DONE_OK)
		return r->opened;
	if ((box = store_box_find(vault_store(), r->other.box)) == NULL)
		j->result = DONE_NONEXISTENT;
	else if (store_use(vault_store(), r->other.box) != STORE_OK)
		j->result = DONE_IO;
	else {
		r->opened = true;
		view_select(&r->other, box, true);
	}
	return r->opened;
}

void
search_box_gone(struct session *s, uint64_t box)
{
	struct job *j;

	TAILQ_FOREACH (j, &s->jobs, entry) {
		if (j->search == NULL || !j->search->opened ||
		    j->search->other.box != box)
			continue;
		store_unuse(vault_store(), box);
		j->search->opened = false;
		j->search->other.selected = false;
		j->result = DONE_NONEXISTENT;
		if (j->search->helper != NULL)
			pool_drop(j->search->helper);
		vault_run_soon();
	}
}

static enum step
search_answer(struct session *s, struct job *j)
{
	struct search_run *r = j->search;
	enum step step;

	if (j->kind->type == V_FIND && !other_open(j))
		return STEP_DONE;
	if (!j->view->selected) {
		j->result = DONE_NOTSELECTED;
		return STEP_DONE;
	}
	if (r->next == 0) {
		search_bind(r->program, bind_keyword, j);
		r->next = 1;
		search_sent(s, j);
		search_bound(r);
		search_limit(s, j);
		progress_begin(j);
	}
	if (r->cancelled || j->result != DONE_OK) {
		if (j->items != 0)
			uidlist_clear(&s->view.saved);
		return STEP_DONE;
	}
	if (r->text && !claim(j))
		return STEP_WAIT;
	if (j->result != DONE_OK) {
		if (j->items != 0)
			uidlist_clear(&s->view.saved);
		return STEP_DONE;
	}
	if (r->text && !is_few(r) &&
	    narrow_step(&r->narrow, &r->feed) != STEP_DONE)
		return STEP_WAIT;
	if (!r->scanned) {
		step = r->text ? search_text(s, j) : search_scan(s, j);
		if (step != STEP_DONE)
			return step;
	}
	if (r->text && !r->sorting && (r->feed.open > 0 || r->helper != NULL))
		return STEP_WAIT; /* verdicts, or the worker's DONE */
	if (r->sort != NULL) {
		step = search_sort(s, j);
		return step != STEP_DONE || j->result != DONE_OK ?
		    step :
		    search_report(s, j);
	}
	return search_report(s, j);
}

/* One of the sets that came before becomes UIDs that the session knows. */
static bool
sent_resolve(struct session *s, struct job *j, uint64_t number, size_t *off)
{
	struct ranges *sent = &j->search->sent[SEARCH_SENT_INDEX(number)];
	size_t n = SEARCH_SENT_RANGES(number);

	if (n > j->nset - *off || sent->range != NULL)
		return false;
	view_ranges(j->view, SEARCH_SENT_UIDS(number), j->set + *off, n, sent);
	*off += n;
	return true;
}

static void
search_sent(struct session *s, struct job *j)
{
	const struct search_node *node;
	size_t off = 0;

	for (size_t i = 0; i < search_count(j->search->program); i++) {
		node = search_node(j->search->program, i);
		if (node->kind == SEARCH_SENT &&
		    !sent_resolve(s, j, node->number, &off))
			j->result = DONE_LIMIT;
	}
}

/* Facts that few searches ask for. */
static void
facts_more(struct session *s, struct job *j, uint32_t uid, uint32_t stored,
    struct search_facts *f)
{
	struct search_run *r = j->search;
	struct store_cold cold;

	f->stored = stored;
	for (size_t i = 0; i < SEARCH_SENT_MAX && r->sent[i].range != NULL; i++)
		if (ranges_have(&r->sent[i], uid))
			f->sent |= 1ULL << i;
	if (search_has(r->program, SEARCH_SAVED))
		f->saved = uidlist_has(&s->view.saved, uid);
	if (search_has(r->program, SEARCH_EMAILID) &&
	    store_cold_get(vault_store(), j->view->box, uid, &cold) == STORE_OK)
		for (size_t i = 0; i < STORE_ID; i++)
			(void)snprintf(
			    f->emailid + 2 * i, 3, "%02x", cold.emailid[i]);
}

/*
 * A set of UIDs that stands alone or last in the program: nothing else need be
 * looked at.
 */
static void
search_bound(struct search_run *r)
{
	const struct search_node *node;
	size_t i, n = search_count(r->program);

	if (n == 0)
		return;
	if (n > 2 && search_node(r->program, n - 1)->kind == SEARCH_AND)
		n--;
	else if (n != 1)
		return;
	node = search_node(r->program, n - 1);
	if (node->kind != SEARCH_UID)
		return;
	for (i = 0; i < node->n; i++)
		if (node->range[i].last < node->range[i].first ||
		    node->range[i].last == UINT32_MAX ||
		    (i > 0 && node->range[i].first <= node->range[i - 1].last))
			return;
	r->bound = node->range;
	r->nbound = node->n;
}

/* The first from this UID on that is within bounds; false: there is none. */
static bool
bound_skip(struct search_run *r, uint32_t *uid)
{
	if (r->bound == NULL)
		return true;
	while (r->nbound > 0 && r->bound->last < *uid) {
		r->bound++;
		r->nbound--;
	}
	if (r->nbound == 0)
		return false;
	if (r->bound->first > *uid)
		*uid = r->bound->first;
	return true;
}

/* Then the index would take longer than to look. */
static bool
is_few(const struct search_run *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->nbound; i++)
		n += (uint64_t)r->bound[i].last - r->bound[i].first + 1;
	return r->bound != NULL && n <= FEW_UIDS;
}

/* Could it be found, by its number? */
static bool
is_meant(const struct search *program, uint8_t *truth)
{
	for (size_t i = 0; i < search_count(program); i++)
		switch (search_node(program, i)->kind) {
		case SEARCH_UID:
		case SEARCH_SEQ:
		case SEARCH_SAVED:
		case SEARCH_SENT:
			break;
		default:
			truth[i] = SEARCH_MAYBE;
		}
	return search_eval(program, truth) != SEARCH_NO;
}

/* RFC 9738: only so many of those that are meant are looked at. */
static void
search_limit(struct session *s, struct job *j)
{
	const struct store_msg *m;
	struct search_run *r = j->search;
	struct search_facts f;
	uint8_t truth[SEARCH_NODES_MAX];
	uint32_t last = view_last(j->view), n = 0, low = 0;
	size_t pos;

	if (s->limit == 0 || j->kind->type == V_FIND ||
	    j->view->exists <= s->limit)
		return;
	(void)store_msg_find(
	    vault_store(), j->view->box, j->view->told + 1, &pos);
	for (; pos > 0 && n <= s->limit; pos--) {
		m = store_msg_at(vault_store(), j->view->box, pos - 1);
		if (m == NULL)
			break;
		facts_of(j->view, m, pos - 1, last, r->now, &f);
		facts_more(s, j, m->uid, m->saved, &f);
		(void)search_eval_store(r->program, &f, truth);
		if (is_meant(r->program, truth) && n++ < s->limit)
			low = m->uid;
	}
	if (n <= s->limit)
		return;
	if (r->sort != NULL && sort_wanted(r->sort))
		j->result = DONE_MESSAGES;
	else
		r->next = j->limited = low;
}

/* The worker puts what was found in order. */
static enum step
search_sort(struct session *s, struct job *j)
{
	struct search_run *r = j->search;

	if (r->sorted || !sort_wanted(r->sort) || r->found.n == 0)
		return STEP_DONE;
	if (!r->sorting) {
		if (!pool_take(j, &r->helper))
			return STEP_WAIT;
		uidlist_sort(&r->found);
		r->sorting = true;
		sort_begin(r->sort, pool_wire(r->helper), j->id);
	}
	if (r->helper != NULL &&
	    !sort_feed(
		r->sort, pool_wire(r->helper), j->id, j->view->box, &r->found))
		pool_serve(r->helper);
	return STEP_WAIT; /* the worker's DONE */
}

/* RFC 5182: MIN or MAX alone save what they tell, anything else all. */
static void
search_save(struct session *s, struct job *j)
{
	struct uidlist *found = &j->search->found, *saved = &s->view.saved;

	j->search->saved = true;
	if (j->items == 0)
		return;
	uidlist_clear(saved);
	if (found->n == 0)
		return;
	if ((j->items & SAVE_ALL) != 0) {
		for (size_t i = 0; i < found->n; i++)
			uidlist_add(saved, found->v[i]);
		return;
	}
	if ((j->items & SAVE_MIN) != 0)
		uidlist_add(saved, found->v[0]);
	if ((j->items & SAVE_MAX) != 0)
		uidlist_add(saved, found->v[found->n - 1]);
}

static void
facts_of(struct view *v, const struct store_msg *m, size_t pos,
    uint32_t uid_max, int64_t now, struct search_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->uid = m->uid;
	f->uid_max = uid_max;
	f->seq = view_seq(v, m->uid, pos);
	f->seq_max = v->exists;
	f->flags = m->flags;
	f->size = m->size;
	f->modseq = m->modseq;
	f->date = m->date;
	f->zone = m->zone;
	f->now = now;
}

/* What the columns alone decide. */
static enum step
search_scan(struct session *s, struct job *j)
{
	const struct store_msg *m;
	struct search_run *r = j->search;
	struct search_facts f;
	uint8_t truth[SEARCH_NODES_MAX];
	uint32_t last = view_last(j->view);
	uint32_t uid;
	size_t n, pos;
	int budget = STEP_ROWS;

	(void)store_msg_find(vault_store(), j->view->box, r->next, &pos);
	for (n = 0;; pos++, m++, n--) {
		if (n == 0)
			m = store_msgs(vault_store(), j->view->box, pos, &n);
		if (m == NULL || m->uid > j->view->told)
			break;
		uid = m->uid;
		if (!bound_skip(r, &uid))
			break;
		if (uid != m->uid) {
			(void)store_msg_find(
			    vault_store(), j->view->box, uid, &pos);
			m = store_msgs(vault_store(), j->view->box, pos, &n);
			if (m == NULL || m->uid > j->view->told)
				break;
		}
		if (budget-- == 0) {
			r->next = m->uid;
			return STEP_MORE;
		}
		facts_of(j->view, m, pos, last, r->now, &f);
		facts_more(s, j, m->uid, m->saved, &f);
		if (search_eval_store(r->program, &f, truth) == SEARCH_YES)
			uidlist_add(&r->found, m->uid);
	}
	r->scanned = true;
	return STEP_DONE;
}

/* The same, handing what is open to the worker. */
static enum step
search_text(struct session *s, struct job *j)
{
	const struct store_msg *m;
	struct search_run *r = j->search;
	struct search_facts f;
	struct store_msg copy;
	enum search_truth is;
	uint8_t truth[SEARCH_NODES_MAX];
	uint32_t last = view_last(j->view);
	int64_t begin = vault_ms();
	size_t pos;
	int budget = STEP_ROWS;

	for (;; r->next = copy.uid + 1) {
		if (!bound_skip(r, &r->next))
			break;
		(void)store_msg_find(
		    vault_store(), j->view->box, r->next, &pos);
		m = store_msg_at(vault_store(), j->view->box, pos);
		if (m == NULL || m->uid > j->view->told)
			break;
		copy = *m;
		if (budget-- == 0 || vault_ms() - begin >= TURN_MS ||
		    !feed_room(&r->feed)) {
			feed_flush(&r->feed);
			if (wire_queued(r->feed.worker) > 0)
				pool_serve(r->helper);
			if (feed_room(&r->feed))
				vault_run_soon(); /* others come first */
			return STEP_WAIT;
		}
		facts_of(j->view, &copy, pos, last, r->now, &f);
		facts_more(s, j, copy.uid, copy.saved, &f);
		is = search_eval_store(r->program, &f, truth);
		if (is == SEARCH_MAYBE &&
		    narrow_apply(r->narrow, copy.uid, truth))
			is = search_eval(r->program, truth);
		switch (is) {
		case SEARCH_YES:
			uidlist_add(&r->found, copy.uid);
			break;
		case SEARCH_MAYBE:
			feed_candidate(&r->feed, &copy, truth,
			    search_count(r->program),
			    body_matters(r->program, truth));
			break;
		case SEARCH_NO:
			break;
		}
	}
	feed_flush(&r->feed);
	r->scanned = true;
	msg_signal(r->feed.worker, VAULT_WORKER_END, j->id);
	return STEP_DONE;
}

/* Whether a leaf that looks into the body could still decide. */
static bool
body_matters(const struct search *program, const uint8_t *truth)
{
	uint8_t kind;

	for (size_t i = 0; i < search_count(program); i++) {
		kind = search_node(program, i)->kind;
		if ((kind == SEARCH_BODY || kind == SEARCH_TEXT) &&
		    search_matters(program, truth, i))
			return true;
	}
	return false;
}

/* Numbers in order, of what is still there. */
static enum step
search_report(struct session *s, struct job *j)
{
	struct search_run *r = j->search;
	const struct store_msg *m;
	struct msgout *o;
	size_t n, pos, at;
	bool counts;

	uidlist_sort(&r->found);
	counts = search_has(r->program, SEARCH_MODSEQ);
	if (r->sort != NULL) {
		if (sort_report(r->sort, s, j, &r->found) != STEP_DONE)
			return STEP_MORE;
		sort_modseq(r->sort, &r->highest, &r->first, &r->last);
	} else if (!r->saved)
		search_save(s, j);
	while (r->sort == NULL && r->found.n > 0) {
		if (wire_queued(s->wire) > 0)
			return STEP_MORE;
		o = msg_new(s->wire, R_FOUND, j->id);
		at = msg_length(o);
		msg_put_u32(o, 0);
		n = 0;
		for (size_t i = 0; i < r->found.n && i < FOUND_MAX; i++) {
			m = store_msg_find(
			    vault_store(), j->view->box, r->found.v[i], &pos);
			if (m == NULL)
				continue;
			if (r->first == 0)
				r->first = m->modseq;
			r->last = m->modseq;
			if (m->modseq > r->highest)
				r->highest = m->modseq;
			msg_put_u32(o,
			    j->bits & BY_UID ?
				r->found.v[i] :
				view_seq(j->view, r->found.v[i], pos));
			n++;
		}
		msg_set_u32(o, at, (uint32_t)n);
		msg_send(o);
		uidlist_drop(&r->found, FOUND_MAX);
	}
	if (counts && r->highest > 0) {
		o = msg_new(s->wire, R_FOUND_MODSEQ, j->id);
		msg_put_u64(o, r->highest);
		msg_put_u64(o, r->first);
		msg_put_u64(o, r->last);
		msg_send(o);
		r->highest = 0;
	}
	return STEP_DONE;
}

/* The messages of the box, to be looked at and, with a sort, to be shown. */
void
search_progress(
    struct session *s, const struct job *j, uint32_t *done, uint32_t *goal)
{
	const struct search_run *r = j->search;
	bool sorts = r->sort != NULL && sort_wanted(r->sort);
	size_t pos = 0;

	*goal = sorts ? 2 * j->view->exists : j->view->exists;
	if (r->scanned)
		*done = j->view->exists;
	else {
		(void)store_msg_find(vault_store(), j->view->box,
		    r->next > 0 ? r->next : 1, &pos);
		*done = (uint32_t)pos;
	}
	*done -= r->feed.open < *done ? r->feed.open : *done;
	if (sorts)
		*done += sort_fed(r->sort);
}

void
search_cancel(struct session *s, uint32_t id)
{
	struct job *j;

	TAILQ_FOREACH (j, &s->jobs, entry) {
		if (j->id != id || j->search == NULL)
			continue;
		j->search->cancelled = true;
		j->result = DONE_CANCELLED;
		if (j->search->helper != NULL)
			pool_drop(j->search->helper);
	}
}

/* The worker for this job: true if it has it, or has failed (result). */
static bool
claim(struct job *j)
{
	struct search_run *r = j->search;
	const uint8_t *p;
	struct msgout *o;
	size_t len;

	if (r->helper != NULL || r->scanned)
		return true;
	if (!pool_take(j, &r->helper))
		return false;
	r->feed.worker = pool_wire(r->helper);
	r->feed.id = j->id;
	r->feed.box = j->view->box;
	p = search_encode(r->program, &len);
	if (p == NULL) {
		j->result = DONE_LIMIT;
		pool_drop(r->helper);
		return true;
	}
	o = msg_new(pool_wire(r->helper), VAULT_WORKER_SEARCH, j->id);
	msg_put_raw(o, p, len);
	msg_send(o);
	return true;
}

/* After its DONE a sort must be whole, unless it was too much. */
static bool
sorted_whole(struct job *j)
{
	struct search_run *r = j->search;

	if (!r->sorting || j->result == DONE_LIMIT)
		return true;
	r->sorted = sort_whole(r->sort, &r->found);
	return r->sorted;
}

/* What its worker says of a search; WORKER_BAD: it is not to be believed. */
enum worker_said
search_message(struct job *j, struct msg *m)
{
	struct search_run *r = j->search;

	switch (m->type) {
	case WORKER_VAULT_VERDICTS:
		verdicts(j, m);
		break;
	case WORKER_VAULT_NEED:
		feed_need(&r->feed, m);
		break;
	case WORKER_VAULT_SORTED:
	case WORKER_VAULT_THREADED:
		if (!r->sorting || !sort_take(r->sort, m, &r->found))
			m->bad = true;
		break;
	case WORKER_VAULT_PAGES:
	case WORKER_VAULT_POSSIBLE:
		narrow_message(
		    r->narrow, &r->feed, m, search_count(r->program));
		break;
	case WORKER_VAULT_DONE:
		if (msg_get_u8(m) != 0)
			j->result = DONE_LIMIT;
		if (msg_end(m) == -1 || !r->scanned || r->feed.open > 0 ||
		    !sorted_whole(j))
			return WORKER_BAD;
		return WORKER_DONE;
	default:
		m->bad = true;
		break;
	}
	return m->bad ? WORKER_BAD : WORKER_MORE;
}

/* What it has asked for of the bodies; true: there is more. */
bool
search_serve(struct job *j, struct wire *worker)
{
	for (int budget = STEP_CHUNKS; budget > 0; budget--)
		if (!feed_serve(&j->search->feed) || wire_queued(worker) > 0)
			break;
	return search_hungry(j);
}

bool
search_hungry(const struct job *j)
{
	return j->search->feed.need_n > 0;
}

bool
search_wants_worker(const struct job *j)
{
	const struct search_run *r = j->search;

	return r != NULL &&
	    (r->text || (r->sort != NULL && sort_wanted(r->sort)));
}

void
search_lost(struct job *j)
{
	j->search->helper = NULL;
}

struct session *
search_session(const struct job *j)
{
	return j->search->session;
}

static void
verdicts(struct job *j, struct msg *m)
{
	struct search_run *r = j->search;
	uint32_t uid;
	uint8_t match;

	while (!m->bad && m->off < m->len) {
		uid = msg_get_u32(m);
		match = msg_get_u8(m);
		if (m->bad || r->feed.open == 0) {
			m->bad = true;
			return;
		}
		r->feed.open--;
		/* Only what was asked for; the worker is not believed more. */
		if (match == 1 && uid <= j->view->told)
			uidlist_add(&r->found, uid);
	}
}
