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
 * The keys of a search, in prefix order, become the vault's program, in
 * postfix order.
 */

#include <sys/types.h>

#include <stdlib.h>

#include "engine.h"
#include "log.h"
#include "search.h"

#define SECONDS_OF_DAY 86400
#define RANGES_HERE 100 /* of a set within the program; others go ahead */

/* An operator whose keys are not all written yet. */
struct open {
	enum imap_key_op op;
	uint32_t left; /* keys still to come */
	uint32_t n;    /* keys written */
};

static int
add_text(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	return search_add_text(s, kind, key->text.p, key->text.len);
}

static int
add_date(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	return search_add_number(
	    s, kind, (uint64_t)((int64_t)key->date * SECONDS_OF_DAY));
}

static int
add_set(struct search *s, enum search_kind kind, const struct imap_key *key)
{
	struct search_range *range;
	size_t i;
	int r;

	if (key->set.saved)
		return search_add(s, SEARCH_SAVED);
	range = calloc(key->set.n, sizeof(*range));
	if (range == NULL)
		fatal("search");
	for (i = 0; i < key->set.n; i++) {
		range[i].first = key->set.range[i].first;
		range[i].last = key->set.range[i].last;
	}
	r = search_add_set(s, kind, range, key->set.n);
	free(range);
	return r;
}

/* An id of a message is "M" and 32 digits; no other has a message. */
static int
add_emailid(struct search *s, const struct imap_key *key)
{
	if (key->text.len != 33 || key->text.p[0] != 'M')
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	return search_add_text(s, SEARCH_EMAILID, key->text.p + 1, 32);
}

/* RFC 5032, RFC 7162, RFC 8474, RFC 8514. */
static int
add_extension(struct search *s, const struct imap_key *key)
{
	switch ((int)key->op) {
	case IMAP_KEY_YOUNGER:
		return search_add_number(s, SEARCH_YOUNGER, key->number);
	case IMAP_KEY_OLDER:
		return search_add_number(s, SEARCH_OLDER, key->number);
	case IMAP_KEY_SAVEDBEFORE:
		return add_date(s, SEARCH_SAVEDBEFORE, key);
	case IMAP_KEY_SAVEDON:
		return add_date(s, SEARCH_SAVEDON, key);
	case IMAP_KEY_SAVEDSINCE:
		return add_date(s, SEARCH_SAVEDSINCE, key);
	case IMAP_KEY_EMAILID:
		return add_emailid(s, key);
	case IMAP_KEY_THREADID:
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	case IMAP_KEY_MODSEQ:
		return search_add_number(s, SEARCH_MODSEQ, key->number);
	}
	return -1;
}

/* Large sets go ahead of the program. */
static int
add_large_set(
    struct search *s, const struct imap_key *key, struct search_sets *f)
{
	if (f->n == SEARCH_SENT_MAX || key->set.n > SET_TOTAL_MAX - f->ranges)
		return -1;
	f->set[f->n] = key;
	f->ranges += key->set.n;
	return search_add_number(s, SEARCH_SENT,
	    SEARCH_SENT_NUMBER(f->n++, key->set.n, key->op == IMAP_KEY_UID));
}

static int
add_leaf(struct search *s, const struct imap_key *key, struct search_sets *f)
{
	if (key->set.n > RANGES_HERE)
		return add_large_set(s, key, f);
	switch (key->op) {
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
		break;
	case IMAP_KEY_ALL:
		return search_add(s, SEARCH_ALL);
	case IMAP_KEY_FLAG:
		return search_add_number(s, SEARCH_FLAG_ANY, key->number);
	case IMAP_KEY_RECENT:
		return search_add_number(s, SEARCH_FLAG_ANY, 0);
	case IMAP_KEY_KEYWORD:
		return add_text(s, SEARCH_KEYWORD, key);
	case IMAP_KEY_SEQ:
		return add_set(s, SEARCH_SEQ, key);
	case IMAP_KEY_UID:
		return add_set(s, SEARCH_UID, key);
	case IMAP_KEY_BEFORE:
		return add_date(s, SEARCH_BEFORE, key);
	case IMAP_KEY_ON:
		return add_date(s, SEARCH_ON, key);
	case IMAP_KEY_SINCE:
		return add_date(s, SEARCH_SINCE, key);
	case IMAP_KEY_SENTBEFORE:
		return add_date(s, SEARCH_SENTBEFORE, key);
	case IMAP_KEY_SENTON:
		return add_date(s, SEARCH_SENTON, key);
	case IMAP_KEY_SENTSINCE:
		return add_date(s, SEARCH_SENTSINCE, key);
	case IMAP_KEY_LARGER:
		return search_add_number(s, SEARCH_LARGER, key->number);
	case IMAP_KEY_SMALLER:
		return search_add_number(s, SEARCH_SMALLER, key->number);
	case IMAP_KEY_HEADER:
		return search_add_header(s, key->field.p, key->field.len,
		    key->text.p, key->text.len);
	case IMAP_KEY_BODY:
		return add_text(s, SEARCH_BODY, key);
	case IMAP_KEY_TEXT:
		return add_text(s, SEARCH_TEXT, key);
	case IMAP_KEY_YOUNGER:
	case IMAP_KEY_OLDER:
	case IMAP_KEY_SAVEDBEFORE:
	case IMAP_KEY_SAVEDON:
	case IMAP_KEY_SAVEDSINCE:
	case IMAP_KEY_EMAILID:
	case IMAP_KEY_THREADID:
	case IMAP_KEY_MODSEQ:
		return add_extension(s, key);
	}
	return -1;
}

/* A key is written: so may be the operators that waited for it. */
static int
close_open(struct search *s, struct open *stack, size_t *depth)
{
	struct open *o;

	while (*depth > 0) {
		o = &stack[*depth - 1];
		o->n++;
		o->left--;
		if (o->op == IMAP_KEY_NOT && search_add(s, SEARCH_NOT) == -1)
			return -1;
		/* After each key but the first, so that few values wait. */
		if (o->n >= 2 &&
		    search_add(
			s, o->op == IMAP_KEY_OR ? SEARCH_OR : SEARCH_AND) == -1)
			return -1;
		if (o->left > 0)
			return 0;
		(*depth)--;
	}
	return 0;
}

struct search *
search_keys(const struct imap_cmd *cmd, struct search_sets *f)
{
	struct open stack[2 * IMAP_NEST_MAX + 2];
	const struct imap_key *key;
	struct search *s;
	size_t depth;

	s = search_new();
	if (s == NULL)
		fatal("search");
	depth = 0;
	for (key = cmd->keys; key < cmd->keys + cmd->nkeys; key++) {
		if (key->op > IMAP_KEY_NOT) {
			if (add_leaf(s, key, f) == -1 ||
			    close_open(s, stack, &depth) == -1)
				goto err;
			continue;
		}
		if (depth == sizeof(stack) / sizeof(stack[0]))
			goto err;
		stack[depth].op = key->op;
		stack[depth].n = 0;
		stack[depth++].left = key->op == IMAP_KEY_AND ? key->n :
		    key->op == IMAP_KEY_OR                    ? 2 :
								1;
	}
	return s;
err:
	search_free(s);
	return NULL;
}
