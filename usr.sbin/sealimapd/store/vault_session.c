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
 * One session of the user: its requests become jobs, in order.  A job that
 * changes the store does so at once, when all before it have; what it answers
 * waits for the commit, which many jobs of many sessions share.  A job that
 * only reads is answered when its turn has come and nothing is uncommitted.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "seal_keys.h"
#include "vault_local.h"

static void session_message(struct wire *, struct msg *, void *);
static void session_gone(struct wire *, void *);
static void session_produce(struct wire *, void *);
static void
session_job(struct session *, const struct job_kind *, struct msg *);
static const struct job_kind *kind_find(uint32_t type);
static bool session_change(struct session *);
static enum step session_answer(struct session *);
static enum step job_finish(struct session *, struct job *);
static void session_idle_news(struct session *);
static void job_free(struct session *, struct job *);
static void names_free(char **, size_t);
static bool session_set(struct session *, struct msg *);

struct session *
session_new(int fd, uint64_t id, uint32_t slot, uint8_t scope)
{
	struct session *s;

	s = vault_alloc(1, sizeof(*s));
	s->id = id;
	s->slot = slot;
	s->scope = scope;
	TAILQ_INIT(&s->jobs);
	s->wire = wire_new(fd, session_message, session_gone, s);
	return s;
}

/* What the log of this host says, its user must hear too. */
void
session_notes(struct session *s)
{
	struct msgout *o;
	uint8_t notes = 0;

	if (store_put_back(vault_store()))
		notes |= NOTE_PUT_BACK;
	if (store_damage(vault_store()) != NULL)
		notes |= NOTE_READ_ONLY;
	if (notes == 0)
		return;
	o = msg_new(s->wire, VAULT_ENGINE_NOTE, 0);
	msg_put_u8(o, notes);
	msg_send(o);
}

void
session_free(struct session *s)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&s->jobs)) != NULL)
		job_free(s, j);
	append_free(s->append);
	append_free(s->whole);
	free(s->sent);
	if (s->view.selected)
		store_unuse(vault_store(), s->view.box);
	view_clear(&s->view);
	glance_end(s);
	notify_free(s->events);
	wire_free(s->wire);
	free(s);
}

static void
session_gone(struct wire *w, void *arg)
{
	struct session *s = arg;

	wire_pause(w);
	wire_produce(w, NULL);
	vault_reap(s);
}

void
session_bye(struct session *s, uint8_t reason)
{
	struct msgout *o;

	if (s->dead)
		return;
	o = msg_new(s->wire, R_BYE, 0);
	msg_put_u8(o, reason);
	msg_send(o);
	vault_reap(s);
}

static void
parse_slots(struct session *s, struct job *j, struct msg *m)
{
}

/* As many as there are: at most SEAL_SLOTS_MAX small messages. */
static enum step
answer_slots(struct session *s, struct job *j)
{
	char label[SEAL_LABEL_MAX + 1];
	struct seal_slot_info info;
	struct msgout *o;
	bool scram;

	for (size_t i = 0; keys_list(i, &info, label, &scram); i++) {
		o = msg_new(s->wire, R_SLOT, j->id);
		msg_put_u32(o, info.id);
		msg_put_u8(o, (uint8_t)info.kind);
		msg_put_u16(o, info.scope);
		msg_put_i64(o, info.created);
		msg_put_str(o, label);
		msg_put_u8(o, scram);
		msg_send(o);
	}
	explicit_bzero(label, sizeof(label));
	return STEP_DONE;
}

static const struct job_kind slots_kind = {
    V_SLOTS, false, parse_slots, NULL, answer_slots};

static const struct job_kind *
kind_find(uint32_t type)
{
	const struct job_kind *const tables[] = {rows_kinds, change_kinds,
	    copy_kinds, box_kinds, deleted_kinds, audit_kinds, quota_kinds,
	    notify_kinds, meta_kinds, settings_kinds, reindex_kinds};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct job_kind *k = tables[t]; k->type != 0; k++)
			if (k->type == type)
				return k;
	if (type == V_SEARCH)
		return &search_kind;
	if (type == V_SORT)
		return &sort_kind;
	if (type == V_FIND)
		return &find_kind;
	if (type == V_SLOTS)
		return &slots_kind;
	return NULL;
}

static void
session_message(struct wire *w, struct msg *m, void *arg)
{
	const struct job_kind *kind;
	struct session *s = arg;

	if (s->dead)
		return;
	rest_later();
	switch (m->type) {
	case V_REPLACE:
	case V_APPEND:
	case V_CHUNK:
	case V_APPEND_END:
	case V_APPEND_ABORT:
		if (!append_message(s, m)) {
			log_warnx("session=%llu bad append message",
			    (unsigned long long)s->id);
			vault_reap(s);
		}
		break;
	case V_CANCEL:
		search_cancel(s, m->id);
		break;
	case V_SET:
		if (!session_set(s, m)) {
			log_warnx(
			    "session=%llu bad set", (unsigned long long)s->id);
			vault_reap(s);
		}
		return;
	case V_LIMIT:
		s->limit = msg_get_u32(m);
		if (msg_end(m) == -1)
			vault_reap(s);
		return;
	case V_GLANCE:
		if (!glance_message(s, m)) {
			log_warnx("session=%llu bad glance",
			    (unsigned long long)s->id);
			vault_reap(s);
		}
		return;
	default:
		kind = kind_find(m->type);
		if (kind == NULL || m->id == 0) {
			log_warnx("session=%llu unknown message type=%u",
			    (unsigned long long)s->id, m->type);
			vault_reap(s);
			return;
		}
		session_job(s, kind, m);
		break;
	}
	session_run(s);
}

static void
session_job(struct session *s, const struct job_kind *kind, struct msg *m)
{
	struct job *j;

	j = vault_alloc(1, sizeof(*j));
	j->kind = kind;
	j->id = m->id;
	TAILQ_INSERT_TAIL(&s->jobs, j, entry);
	s->njobs++;
	kind->parse(s, j, m);
	if (kind->change == NULL)
		j->changed = true;
	upkeep_asked();
	if (msg_end(m) == -1) {
		log_warnx("session=%llu malformed message type=%u",
		    (unsigned long long)s->id, m->type);
		vault_reap(s);
	}
}

static uint64_t
selected_modseq(const struct session *s)
{
	const struct store_box *box = NULL;

	if (s->view.selected)
		box = store_box_find(vault_store(), s->view.box);
	return box == NULL ? 0 : box->modseq;
}

/*
 * What jobs behind the first have changed is not answered yet.  If the session
 * ended now its client would ask for what is above the highest modseq that it
 * was told of, so that must not be above theirs.
 */
static uint64_t
safe_modseq(const struct session *s)
{
	const struct job *j;

	j = TAILQ_FIRST(&s->jobs);
	while (j != NULL && (j = TAILQ_NEXT(j, entry)) != NULL)
		if (j->changed && j->kind->change != NULL && !j->barrier)
			return j->before;
	return UINT64_MAX;
}

/*
 * Lets the jobs change the store as far as order allows.  False: there is
 * something to commit before anything may be answered.
 */
static bool
session_change(struct session *s)
{
	struct job *j;

	TAILQ_FOREACH (j, &s->jobs, entry) {
		if (j->changed && !j->changing) {
			if (j->kind->change == NULL || j->barrier ||
			    j->answering)
				break;
			continue;
		}
		/* A move takes messages away like an expunge. */
		if ((j->kind->alone || (j->kind->type == V_COPY && j->on)) &&
		    j != TAILQ_FIRST(&s->jobs))
			break;
		if (copy_blocks(s, j))
			break; /* whose end runs the sessions */
		if (j->changing && !vault_stepping()) {
			vault_run_soon();
			break;
		}
		if (!j->changed)
			j->before = selected_modseq(s);
		j->changed = true;
		j->kind->change(s, j);
		if (j->result == DONE_IO)
			vault_fail("a change could not be written");
		if (s->dead)
			return false;
		if (j->changing) {
			if (!store_pending(vault_store()))
				vault_run_soon();
			break;
		}
	}
	if (!store_pending(vault_store()))
		return true;
	vault_want_commit();
	return false;
}

bool
session_changing(const struct session *s)
{
	const struct job *j;

	TAILQ_FOREACH (j, &s->jobs, entry)
		if (j->changing)
			return true;
	return false;
}

void
session_run(struct session *s)
{
	enum step step = STEP_DONE;

	if (s->running || s->dead)
		return;
	s->running = true;
	for (;;) {
		step = STEP_DONE;
		if (!session_change(s) || vault_holding())
			break;
		if (TAILQ_EMPTY(&s->jobs)) {
			session_idle_news(s);
			notify_nudge(s);
			break;
		}
		step = session_answer(s);
		if (s->dead || step != STEP_DONE)
			break;
	}
	s->running = false;
	if (s->dead)
		return;
	if (step == STEP_MORE && wire_queued(s->wire) == 0)
		vault_run_soon(); /* others have their turn first */
	wire_produce(s->wire,
	    wire_queued(s->wire) > 0 && (step == STEP_MORE || s->idling) ?
		session_produce :
		NULL);
	if (s->njobs >= JOBS_MAX || step == STEP_MORE)
		wire_pause(s->wire);
	else
		wire_resume(s->wire);
}

static void
session_produce(struct wire *w, void *arg)
{
	wire_produce(w, NULL);
	rest_later();
	session_run(arg);
}

/* The first job's answer, or a piece of it. */
static enum step
session_answer(struct session *s)
{
	struct job *j;
	enum step step;

	j = TAILQ_FIRST(&s->jobs);
	if (!j->changed || j->changing)
		return STEP_WAIT;
	s->safe = safe_modseq(s);
	if (!j->answering && (j->bits & MODSEQ_NOW) != 0 && s->view.selected)
		view_tell_modseq(s);
	j->answering = true;
	if (!j->answered) {
		step = j->kind->answer == NULL ? STEP_DONE :
						 j->kind->answer(s, j);
		if (step != STEP_DONE)
			return step;
		j->answered = true;
	}
	return job_finish(s, j);
}

/*
 * A client that syncs by MODSEQs must not believe it knows all up to one it
 * was told of while expunges before it are held back (RFC 7162 section 3.2).
 */
static void
tell_low(struct session *s, struct job *j)
{
	struct view *v = &s->view;

	if (!v->selected || (j->bits & MODSEQ_LOW) == 0 ||
	    (v->ghosts.n == 0 && !v->lowered))
		return;
	/* Each command anew: the client takes note at its end (section 6). */
	v->lowered = v->ghosts.n > 0;
	view_tell_modseq(s);
}

static enum step
job_finish(struct session *s, struct job *j)
{
	struct msgout *o;
	uint64_t modseq;

	if (j->bits & NEWS) {
		if (wire_queued(s->wire) > 0 ||
		    !view_tell(s, (j->bits & NEWS_EXPUNGE) != 0,
			(j->bits & NEWS_QUIET) == 0))
			return STEP_MORE;
		tell_low(s, j);
	}
	if (j->limited != 0) {
		o = msg_new(s->wire, R_LIMITED, j->id);
		msg_put_u32(o, j->limited);
		msg_send(o);
	}
	modseq = selected_modseq(s);
	if (j->gone && modseq != 0)
		(void)snprintf(j->detail, sizeof(j->detail), "%llu",
		    (unsigned long long)(modseq < s->safe ? modseq : s->safe));
	o = msg_new(s->wire, R_DONE, j->id);
	msg_put_u8(o, (uint8_t)j->result);
	msg_put_str(o, j->detail);
	msg_send(o);
	if (j->kind->type == V_IDLE)
		s->idling = j->on;
	job_free(s, j);
	return STEP_DONE;
}

/* While the client idles, news goes out as it comes (RFC 2177). */
static void
session_idle_news(struct session *s)
{
	if (!s->idling)
		return;
	s->safe = UINT64_MAX;
	while (wire_queued(s->wire) == 0)
		if (view_tell(s, true, true))
			break;
}

void
session_changed(uint64_t box, enum store_change change, uint32_t uid)
{
	struct session *s = NULL;

	notify_message(box, change);
	while ((s = vault_session_next(s)) != NULL) {
		if (change == STORE_BOXGONE) {
			search_box_gone(s, box);
			glance_box_gone(s, box);
		}
		if (s->dead || !s->view.selected || s->view.box != box)
			continue;
		switch (change) {
		case STORE_NEW:
			break; /* the column says so itself */
		case STORE_FLAGS:
			/* Who asked for it gets rows, or wants none. */
			if (uid <= s->view.told && !s->running)
				uidlist_add(&s->view.changed, uid);
			break;
		case STORE_EXPUNGED:
			if (uid <= s->view.told)
				uidlist_add(&s->view.ghosts, uid);
			break;
		case STORE_BOXGONE:
			store_unuse(vault_store(), box);
			view_clear(&s->view);
			if (!s->running)
				session_bye(s, 3);
			break;
		}
	}
}

enum vault_result
result_of(enum store_result result)
{
	switch (result) {
	case STORE_OK:
		return DONE_OK;
	case STORE_UNKNOWN:
		return DONE_NONEXISTENT;
	case STORE_EXISTS:
		return DONE_EXISTS;
	case STORE_BADNAME:
	case STORE_INVALID:
		return DONE_CANNOT;
	case STORE_LIMIT:
		return DONE_LIMIT;
	case STORE_OVERQUOTA:
		return DONE_OVERQUOTA;
	case STORE_NOSPACE:
		return DONE_NOSPACE;
	case STORE_READONLY:
	case STORE_DISABLED:
		return DONE_READONLY;
	case STORE_CORRUPT:
		return DONE_CORRUPT;
	case STORE_IO:
	case STORE_LOCKED:
		break;
	}
	return DONE_IO;
}

/* Reads ranges and puts them behind the n that are there. */
static bool
get_ranges(struct store_range **set, size_t *n, struct msg *m)
{
	struct store_range *grown;
	uint32_t more;

	more = msg_get_u32(m);
	if (m->bad || more > SET_RANGES_MAX || more > SET_TOTAL_MAX - *n)
		return false;
	grown = vault_alloc(*n + more > 0 ? *n + more : 1, sizeof(*grown));
	if (*n > 0)
		memcpy(grown, *set, *n * sizeof(*grown));
	free(*set);
	*set = grown;
	for (; more > 0; more--, (*n)++) {
		grown[*n].first = msg_get_u32(m);
		grown[*n].last = msg_get_u32(m);
		if (grown[*n].first > grown[*n].last)
			return false;
	}
	return true;
}

static bool
session_set(struct session *s, struct msg *m)
{
	return get_ranges(&s->sent, &s->nsent, m) && msg_end(m) == 0;
}

void
get_sent(struct session *s, struct job *j)
{
	j->set = s->sent;
	j->nset = s->nsent;
	s->sent = NULL;
	s->nsent = 0;
}

void
get_set(struct session *s, struct job *j, struct msg *m)
{
	get_sent(s, j);
	if (!get_ranges(&j->set, &j->nset, m)) {
		m->bad = true;
		return;
	}
	j->saved = j->nset == 1 && j->set[0].last == 0;
}

void
get_name(struct job *j, struct msg *m)
{
	j->name = vault_alloc(1, BOX_NAME_MAX + 1);
	(void)msg_get_str(m, j->name, BOX_NAME_MAX + 1);
}

void
get_keywords(struct job *j, struct msg *m)
{
	uint16_t n;

	n = msg_get_u16(m);
	if (n > KEYWORDS_MAX) {
		m->bad = true;
		return;
	}
	j->keywords = vault_alloc(n > 0 ? n : 1, sizeof(*j->keywords));
	for (j->nkeywords = 0; j->nkeywords < n; j->nkeywords++) {
		j->keywords[j->nkeywords] = vault_alloc(1, KEYWORD_MAX + 1);
		(void)msg_get_str(
		    m, j->keywords[j->nkeywords], KEYWORD_MAX + 1);
	}
}

static void
names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		freezero(names[i], KEYWORD_MAX + 1);
	free(names);
}

static void
job_free(struct session *s, struct job *j)
{
	copy_forget(j);
	TAILQ_REMOVE(&s->jobs, j, entry);
	s->njobs--;
	freezero(j->name, j->name == NULL ? 0 : BOX_NAME_MAX + 1);
	names_free(j->keywords, j->nkeywords);
	for (size_t i = 0; i < j->nrenames; i++) {
		freezero(j->renames[i].from, BOX_NAME_MAX + 1);
		freezero(j->renames[i].to, BOX_NAME_MAX + 1);
	}
	free(j->renames);
	free(j->blobs);
	free(j->deleted);
	audit_free(j->audit);
	quota_forget(j->errand);
	meta_free(j->meta);
	free(j->set);
	store_body_close(j->body);
	uidlist_clear(&j->from);
	uidlist_clear(&j->to);
	uidlist_clear(&j->failed);
	free(j->asked);
	free(j->vanished);
	free(j->resync);
	append_free(j->append);
	search_free_run(j->search);
	free(j);
}
