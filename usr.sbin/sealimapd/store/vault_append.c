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
 * APPEND: the message comes by chunks, is sealed to the account's own delivery
 * key as it comes, and is placed when it is whole.  A refusal is answered at
 * the end; what still comes until then is swallowed.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "vault_local.h"

#define UNSIZED_LOOK (1024 * 1024) /* octets that come between two looks */

struct append {
	struct append *next; /* placed together with this one */
	struct job *job;     /* what the job will be, once it is whole */
	uint32_t id;
	int64_t date;
	int16_t zone;
	uint64_t size; /* as the engine says, and as it comes */
	uint64_t got;
	bool unsized; /* which was not known at first */
	uint32_t uid;
	uint8_t codec;
	enum vault_result result;
	struct store_replaced old; /* uid 0: nothing is replaced */
	uint64_t old_size;
	struct store_blob *blob; /* NULL: refused, or placed by now */
};

static bool append_replace(struct session *, struct msg *);
static bool append_begin(struct session *, struct msg *);
static bool append_chunk(struct session *, struct msg *);
static bool append_end(struct session *, struct msg *);
static bool append_abort(struct session *, struct msg *);
static void append_parse(struct session *, struct job *, struct msg *);
static void append_change(struct session *, struct job *);
static enum step append_answer(struct session *, struct job *);
static enum store_result
append_place(struct append *, const struct store_place *);
static enum vault_result append_flags(struct job *, uint64_t box, uint64_t *);

const struct job_kind append_kind = {
    V_APPEND, false, append_parse, append_change, append_answer};

static void
append_free_one(struct append *a)
{
	store_blob_free(a->blob);
	if (a->job != NULL) {
		freezero(a->job->name, BOX_NAME_MAX + 1);
		for (size_t i = 0; i < a->job->nkeywords; i++)
			freezero(a->job->keywords[i], KEYWORD_MAX + 1);
		free(a->job->keywords);
		free(a->job);
	}
	free(a);
}

/* With all that would be placed together with it. */
void
append_free(struct append *a)
{
	struct append *next;

	for (; a != NULL; a = next) {
		next = a->next;
		append_free_one(a);
	}
}

bool
append_message(struct session *s, struct msg *m)
{
	if (m->type == V_REPLACE)
		return append_replace(s, m);
	if (m->type == V_APPEND)
		return append_begin(s, m);
	if (m->type == V_APPEND_ABORT)
		return append_abort(s, m);
	if (s->append == NULL || s->append->id != m->id)
		return false;
	return m->type == V_CHUNK ? append_chunk(s, m) : append_end(s, m);
}

/* Between two messages, too. */
static bool
append_abort(struct session *s, struct msg *m)
{
	const struct append *a = s->append != NULL ? s->append : s->whole;

	if (a == NULL || a->id != m->id)
		return false;
	append_free(s->append);
	append_free(s->whole);
	s->append = s->whole = NULL;
	return msg_end(m) == 0;
}

/* The job is filled in, but has no place in the order before the end. */
static void
append_parse(struct session *s, struct job *j, struct msg *m)
{
	struct append *a = s->append;

	j->bits = msg_get_u8(m);
	get_name(j, m);
	j->flags = msg_get_u64(m) & FLAG_SYSTEM;
	get_keywords(j, m);
	a->date = msg_get_i64(m);
	a->zone = (int16_t)msg_get_u16(m);
	a->size = msg_get_u64(m);
	a->codec = msg_get_u8(m);
}

static bool
append_replace(struct session *s, struct msg *m)
{
	s->replace_bits = msg_get_u8(m) & BY_UID;
	s->replace = msg_get_u32(m);
	s->replaces = true;
	return s->append == NULL && s->whole == NULL && msg_end(m) == 0;
}

/* Which message is to go?  It is named as the session knows it now. */
static enum vault_result
replaced(struct session *s, struct append *a)
{
	const struct store_msg *m;
	enum vault_result result;
	struct job one;

	if (!s->view.selected)
		return DONE_NOTSELECTED;
	if (s->view.readonly)
		return DONE_READONLY;
	memset(&one, 0, sizeof(one));
	one.bits = s->replace_bits;
	one.set = vault_alloc(1, sizeof(*one.set));
	one.set[0].first = one.set[0].last = s->replace;
	one.nset = 1;
	result = view_resolve(&s->view, &one);
	a->old.box = s->view.box;
	a->old.uid = one.nset == 1 ? one.set[0].last : 0;
	free(one.set);
	if (result == DONE_BADSEQ)
		return result;
	m = a->old.uid == 0 ?
	    NULL :
	    store_msg_find(vault_store(), a->old.box, a->old.uid, NULL);
	if (m == NULL)
		return DONE_EXPUNGED;
	a->old_size = m->size;
	return DONE_OK;
}

static bool
append_begin(struct session *s, struct msg *m)
{
	struct append *a, *w;
	enum store_result result;
	bool replaces = s->replaces;
	uint64_t size = 0;
	size_t n = 0;

	s->replaces = false;

	if (s->append != NULL || m->id == 0 ||
	    (s->whole != NULL && s->whole->id != m->id))
		return false;
	a = s->append = vault_alloc(1, sizeof(*a));
	a->id = m->id;
	a->job = vault_alloc(1, sizeof(*a->job));
	a->job->kind = &append_kind;
	a->job->id = m->id;
	append_parse(s, a->job, m);
	if (msg_end(m) == -1)
		return false;
	a->unsized = a->size == 0;
	if (a->size > UINT32_MAX) {
		a->result = DONE_LIMIT;
		return true;
	}
	if (s->whole == NULL &&
	    store_box_named(vault_store(), a->job->name) == NULL) {
		a->result = DONE_TRYCREATE;
		return true;
	}
	if (replaces && (a->result = replaced(s, a)) != DONE_OK)
		return true;
	/* Together they must fit the quota. */
	for (w = s->whole; w != NULL; w = w->next, n++)
		size += w->size;
	if (n >= APPEND_MESSAGES_MAX) {
		a->result = DONE_LIMIT;
		return true;
	}
	result = replaces ? STORE_OK :
			    store_more_messages(vault_store(), n + 1);
	if (result == STORE_OK)
		result = store_replace_create(vault_store(), a->codec,
		    size + a->size, a->old_size, &a->blob);
	a->result = result_of(result);
	return true;
}

/* Of one whose size nobody knows: it must fit the quota as it comes. */
static void
append_look(struct session *s, struct append *a)
{
	const struct append *w, *first = s->whole != NULL ? s->whole : a;
	uint64_t size = a->got;

	for (w = s->whole; w != NULL; w = w->next)
		size += w->size;
	a->result = result_of(
	    store_append_fits(vault_store(), size, first->old_size));
}

/* More than was announced, and so measured, is no engine of ours. */
static bool
append_count(struct session *s, struct append *a, const struct store_chunk *c)
{
	if (c->len > c->plain)
		return false;
	if (c->kind == STORE_SUMMARY)
		return true;
	a->got += c->plain;
	if (!a->unsized)
		return a->got <= a->size;
	if (a->result == DONE_OK && a->got % UNSIZED_LOOK == 0 && a->got > 0)
		append_look(s, a);
	return true;
}

static bool
append_chunk(struct session *s, struct msg *m)
{
	struct append *a = s->append;
	struct store_chunk c;
	enum store_result result;
	uint8_t kind;

	memset(&c, 0, sizeof(c));
	kind = msg_get_u8(m);
	c.kind = kind == 0 ? STORE_BODY : STORE_SUMMARY;
	c.compressed = msg_get_u8(m) != 0;
	c.plain = msg_get_u32(m);
	c.data = msg_get_rest(m, &c.len);
	if (msg_end(m) == -1 || kind > 1 || c.len > STORE_CHUNK ||
	    c.plain > CHUNK_PLAIN || !append_count(s, a, &c))
		return false;
	if (a->result != DONE_OK)
		return true;
	result = store_blob_chunk(a->blob, &c);
	if (result != STORE_OK) {
		a->result = result_of(result);
		store_blob_free(a->blob);
		a->blob = NULL;
	}
	return true;
}

static bool
append_end(struct session *s, struct msg *m)
{
	struct append *a = s->append, **last;
	struct job *j = a->job;
	bool more;

	a->size = msg_get_u64(m);
	more = msg_get_u8(m) != 0;
	if (msg_end(m) == -1 || a->size != a->got)
		return false;
	s->append = NULL;
	for (last = &s->whole; *last != NULL; last = &(*last)->next)
		;
	*last = a;
	if (more)
		return true;
	a->job = NULL;
	j->append = s->whole;
	s->whole = NULL;
	TAILQ_INSERT_TAIL(&s->jobs, j, entry);
	s->njobs++;
	return true;
}

const char *
append_target(const struct job *j)
{
	const struct append *a = j->append;

	return a->job != NULL ? a->job->name : j->name;
}

bool
append_replaces(const struct job *j)
{
	return j->append->old.uid != 0;
}

static enum vault_result
append_flags(struct job *j, uint64_t box, uint64_t *flags)
{
	enum store_result result;
	unsigned int bit;

	*flags = j->flags;
	for (size_t i = 0; i < j->nkeywords; i++) {
		result = store_keyword(
		    vault_store(), box, j->keywords[i], true, &bit);
		if (result != STORE_OK)
			return result_of(result);
		*flags |= 1ULL << bit;
	}
	return DONE_OK;
}

/* One of the messages of a command; its own job is the first's, or j. */
static enum vault_result
append_one(struct append *a, struct job *j, const struct store_box *box)
{
	struct store_place p;
	enum vault_result result;

	memset(&p, 0, sizeof(p));
	p.box = box->id;
	p.date = a->date;
	p.zone = a->zone;
	p.size = a->size;
	result = append_flags(a->job != NULL ? a->job : j, box->id, &p.flags);
	if (result != DONE_OK)
		return result;
	/* Somebody else took it away meanwhile. */
	if (a->old.uid != 0 &&
	    store_msg_find(vault_store(), a->old.box, a->old.uid, NULL) == NULL)
		return DONE_EXPUNGED;
	return result_of(append_place(a, &p));
}

/* Now that all sizes are known: do they fit the quota together? */
static enum vault_result
append_fits(const struct append *first)
{
	const struct append *a;
	uint64_t size = 0;
	bool unsized = false;

	for (a = first; a != NULL; a = a->next) {
		size += a->size;
		unsized = unsized || a->unsized;
	}
	return unsized ?
	    result_of(store_append_fits(vault_store(), size, first->old_size)) :
	    DONE_OK;
}

/*
 * All or none: what was placed before one that cannot be is taken out again,
 * within the same commit, so that nobody ever sees it (RFC 3502).
 */
static void
append_change(struct session *s, struct job *j)
{
	const struct store_box *box;
	struct store_range r;
	enum store_result result = STORE_OK;
	struct append *a, *b;
	size_t ghosts, n = 0;
	uint64_t id;

	for (a = j->append; a != NULL && j->result == DONE_OK; a = a->next, n++)
		j->result = a->result;
	if (j->result == DONE_OK)
		j->result = append_fits(j->append);
	if (j->result == DONE_OK && !append_replaces(j))
		j->result = result_of(store_more_messages(vault_store(), n));
	if (j->result != DONE_OK)
		return;
	a = j->append;
	box = store_box_named(vault_store(), append_target(j));
	if (box == NULL) {
		j->result = DONE_TRYCREATE;
		return;
	}
	id = box->id;
	j->uidvalidity = box->uidvalidity;
	ghosts = s->view.ghosts.n;
	for (; a != NULL; a = a->next) {
		j->result = append_one(a, j, store_box_find(vault_store(), id));
		if (j->result != DONE_OK)
			break;
	}
	for (b = j->append; a != NULL && b != a; b = b->next) {
		r.first = r.last = b->uid;
		result = store_expunge(vault_store(), id, &r, 1, true);
		if (result != STORE_OK)
			j->result = DONE_IO;
	}
	j->gone = s->view.ghosts.n > ghosts;
}

/* The blob gets its trailer, then its place. */
static enum store_result
append_place(struct append *a, const struct store_place *p)
{
	struct store_envelope e;
	struct store_blob *blob = a->blob;
	enum store_result result;

	memset(&e, 0, sizeof(e));
	randombytes_buf(e.delivery_id, sizeof(e.delivery_id));
	e.date = p->date;
	e.flags = p->flags & FLAG_SYSTEM;
	e.from = e.to = e.hint = e.verdict = "";
	a->blob = NULL;
	upkeep_seal();
	if ((result = store_blob_finish(blob, &e)) != STORE_OK) {
		store_blob_free(blob);
		return result;
	}
	return store_replace(
	    vault_store(), blob, p, a->old.uid == 0 ? NULL : &a->old, &a->uid);
}

static enum step
append_answer(struct session *s, struct job *j)
{
	struct append *a;
	struct msgout *o;

	if (j->result != DONE_OK)
		return STEP_DONE;
	for (a = j->append; a != NULL; a = a->next) {
		count_add(VAULT_APPENDED, 1);
		o = msg_new(s->wire, R_APPENDED, j->id);
		msg_put_u32(o, j->uidvalidity);
		msg_put_u32(o, a->uid);
		msg_send(o);
	}
	return STEP_DONE;
}
