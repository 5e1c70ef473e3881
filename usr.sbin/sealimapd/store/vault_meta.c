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

/* Annotations (RFC 5464): to the vault names with slashes, and octets. */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault_local.h"

struct meta_request {
	bool all; /* of every box */
	uint8_t depth;
	uint64_t maxsize;
	uint64_t longest; /* of those that are longer */
	size_t n;
	struct store_meta entry[META_ENTRIES_MAX];
};

static void parse_meta(struct session *, struct job *, struct msg *);
static enum step answer_meta(struct session *, struct job *);
static void parse_setmeta(struct session *, struct job *, struct msg *);
static void change_setmeta(struct session *, struct job *);

const struct job_kind meta_kinds[] = {
    {V_META, false, parse_meta, NULL, answer_meta},
    {V_SETMETA, false, parse_setmeta, change_setmeta, NULL},
    {0, false, NULL, NULL, NULL},
};

void
meta_free(struct meta_request *q)
{
	void *p;

	if (q == NULL)
		return;
	for (size_t i = 0; i < q->n; i++) {
		memcpy(&p, &q->entry[i].name, sizeof(p));
		freezero(p, META_NAME_MAX + 1);
		memcpy(&p, &q->entry[i].value, sizeof(p));
		freezero(p, p == NULL ? 0 : q->entry[i].len + 1);
	}
	free(q);
}

static struct store_meta *
get_entry(struct meta_request *q, struct msg *m)
{
	char *name;

	name = vault_alloc(1, META_NAME_MAX + 1);
	q->entry[q->n].name = name;
	(void)msg_get_str(m, name, META_NAME_MAX + 1);
	return &q->entry[q->n++];
}

static void
parse_meta(struct session *s, struct job *j, struct msg *m)
{
	struct meta_request *q;
	uint16_t n;

	q = j->meta = vault_alloc(1, sizeof(*q));
	get_name(j, m);
	q->all = msg_get_u8(m) != 0;
	q->depth = msg_get_u8(m);
	q->maxsize = msg_get_u64(m);
	n = msg_get_u16(m);
	if (n > META_ENTRIES_MAX)
		m->bad = true;
	while (!m->bad && q->n < n)
		(void)get_entry(q, m);
}

static void
parse_setmeta(struct session *s, struct job *j, struct msg *m)
{
	struct meta_request *q;
	struct store_meta *e;
	const uint8_t *p;
	uint8_t *value;
	size_t len;
	uint16_t n;

	q = j->meta = vault_alloc(1, sizeof(*q));
	get_name(j, m);
	n = msg_get_u16(m);
	if (n > META_ENTRIES_MAX)
		m->bad = true;
	while (!m->bad && q->n < n) {
		e = get_entry(q, m);
		if (msg_get_u8(m) == 0)
			continue;
		p = msg_get_bytes(m, &len, META_VALUE_MAX);
		if (p == NULL)
			return;
		value = vault_alloc(1, len + 1);
		memcpy(value, p, len);
		e->value = value;
		e->len = len;
	}
}

/* Is it the entry, or below it as deep as was asked? */
static bool
meets(const struct meta_request *q, const char *entry, const char *name)
{
	size_t len = strlen(entry);

	if (strncmp(name, entry, len) != 0)
		return false;
	if (name[len] == '\0')
		return true;
	return q->depth > 0 && name[len] == '/' &&
	    (q->depth == META_DEPTH_ALL || strchr(name + len + 1, '/') == NULL);
}

static void
put_entry(struct session *s, uint32_t id, uint64_t box, const char *name,
    const struct store_meta *m)
{
	struct msgout *o;

	o = msg_new(s->wire, R_META, id);
	msg_put_u64(o, box);
	msg_put_str(o, name);
	msg_put_u8(o, m != NULL);
	if (m != NULL)
		msg_put_bytes(o, m->value, m->len);
	msg_send(o);
}

/* At most STORE_META_ENTRIES_MAX of a box; what is not there is said. */
static void
answer_box(struct session *s, struct job *j, uint64_t box)
{
	struct meta_request *q = j->meta;
	bool hit[META_ENTRIES_MAX] = {false}, wanted;
	const struct store_meta *m;

	for (size_t i = 0; (m = store_meta_at(vault_store(), box, i)) != NULL;
	     i++) {
		wanted = false;
		for (size_t k = 0; k < q->n; k++)
			if (meets(q, q->entry[k].name, m->name))
				wanted = hit[k] = true;
		if (!wanted)
			continue;
		if (m->len <= q->maxsize)
			put_entry(s, j->id, box, m->name, m);
		else if (m->len > q->longest)
			q->longest = m->len;
	}
	for (size_t k = 0; k < q->n && !q->all; k++)
		if (!hit[k])
			put_entry(s, j->id, box, q->entry[k].name, NULL);
}

/* Which box; false: none of that name. */
static bool
box_of(struct job *j, uint64_t *id)
{
	const struct store_box *box;

	*id = 0;
	if (j->name[0] == '\0')
		return true;
	if ((box = store_box_named(vault_store(), j->name)) == NULL) {
		j->result = DONE_NONEXISTENT;
		return false;
	}
	*id = box->id;
	return true;
}

static enum step
answer_meta(struct session *s, struct job *j)
{
	const struct store_box *box = NULL;
	uint64_t id;

	if (j->meta->all) {
		while ((box = store_box_next(vault_store(), box)) != NULL)
			answer_box(s, j, box->id);
		return STEP_DONE;
	}
	if (!box_of(j, &id))
		return STEP_DONE;
	answer_box(s, j, id);
	if (j->meta->longest > 0)
		(void)snprintf(j->detail, sizeof(j->detail), "%llu",
		    (unsigned long long)j->meta->longest);
	return STEP_DONE;
}

static void
change_setmeta(struct session *s, struct job *j)
{
	struct meta_request *q = j->meta;
	uint64_t id;

	if (!box_of(j, &id))
		return;
	j->result = result_of(
	    store_meta_set(vault_store(), id, q->entry, q->n));
	for (size_t i = 0; i < q->n && j->result == DONE_OK; i++)
		notify_meta(s, id, q->entry[i].name);
}

/* What INBOX has stays, and the new box has it too (section 4.1). */
enum store_result
meta_copy(uint64_t from, uint64_t to)
{
	enum store_result result = STORE_OK;
	const struct store_meta *m;

	for (size_t i = 0; result == STORE_OK &&
	     (m = store_meta_at(vault_store(), from, i)) != NULL;
	     i++)
		result = store_meta_set(vault_store(), to, m, 1);
	return result == STORE_LIMIT ? STORE_OK : result;
}
