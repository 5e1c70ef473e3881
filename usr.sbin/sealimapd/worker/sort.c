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
 * SORT (RFC 5256, RFC 5957) and the keys of THREAD: a row's keys are made when
 * it comes, as numbers or as octets in an arena, and compared at the end.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mime_text.h"
#include "sort.h"
#include "worker.h"

#define TEXT_MAX (4 * SORT_KEY_MAX) /* octets looked at of a field */
#define ROWS_FIRST 1024
#define ARENA_FIRST 65536

struct text {
	uint32_t off, len;
};

union key {
	int64_t number;
	struct text text;
};

/* THREAD has these two keys. */
#define KEY_DATE 0
#define KEY_SUBJECT 1

static struct {
	uint8_t how;
	uint8_t criteria[SORT_CRITERIA_MAX];
	size_t width; /* keys of a row */
	uint32_t *uid;
	union key *keys; /* width of each row */
	bool *reply;
	size_t n, size;
	char *arena;
	size_t arena_n, arena_size;
	bool full;
	uint32_t *order, *spare; /* of rows, while they are sorted */
} state;

static bool
is_text(uint8_t criterion)
{
	switch (criterion & ~SORT_REVERSE) {
	case SORT_ARRIVAL:
	case SORT_DATE:
	case SORT_SIZE:
		return false;
	default:
		return true;
	}
}

int
sort_begin(uint8_t how, const uint8_t *criteria, size_t n)
{
	size_t i;

	memset(&state, 0, sizeof(state));
	state.how = how;
	if (how == SORT_REFERENCES || how == SORT_ORDEREDSUBJECT) {
		state.criteria[KEY_DATE] = SORT_DATE;
		state.criteria[KEY_SUBJECT] = SORT_SUBJECT;
		state.width = 2;
		if (how == SORT_REFERENCES)
			threads_begin();
		return n == 0 ? 0 : -1;
	}
	if (how != SORT_ORDER || n == 0 || n > SORT_CRITERIA_MAX)
		return -1;
	for (i = 0; i < n; i++) {
		state.criteria[i] = criteria[i];
		if ((criteria[i] & ~SORT_REVERSE) < SORT_ARRIVAL ||
		    (criteria[i] & ~SORT_REVERSE) > SORT_DISPLAYTO)
			return -1;
	}
	state.width = n;
	return 0;
}

bool
sort_wants_summary(void)
{
	size_t i;

	for (i = 0; i < state.width; i++)
		if (is_text(state.criteria[i]) ||
		    (state.criteria[i] & ~SORT_REVERSE) == SORT_DATE)
			return true;
	return false;
}

void
sort_stop(void)
{
	if (state.how == SORT_REFERENCES)
		threads_stop();
	if (state.arena != NULL)
		freezero(state.arena, state.arena_size);
	if (state.keys != NULL)
		freezero(
		    state.keys, state.size * state.width * sizeof(*state.keys));
	free(state.uid);
	free(state.reply);
	free(state.order);
	free(state.spare);
	memset(&state, 0, sizeof(state));
}

/* Room for one more row; false: that is too much. */
static bool
rows_grow(void)
{
	size_t size,
	    each = sizeof(*state.uid) + sizeof(*state.reply) +
	    state.width * sizeof(*state.keys);

	if (state.n < state.size)
		return true;
	size = state.size == 0 ? ROWS_FIRST : 2 * state.size;
	if (size * each + state.arena_size > SORT_MEMORY_MAX)
		return false;
	state.uid = recallocarray(
	    state.uid, state.size, size, sizeof(*state.uid));
	state.reply = recallocarray(
	    state.reply, state.size, size, sizeof(*state.reply));
	state.keys = recallocarray(state.keys, state.size * state.width,
	    size * state.width, sizeof(*state.keys));
	if (state.uid == NULL || state.reply == NULL || state.keys == NULL)
		fatal(NULL);
	state.size = size;
	return true;
}

/* Where a key of at most SORT_KEY_MAX octets may be written; NULL: full. */
static char *
arena_room(void)
{
	size_t size;
	char *p;

	if (state.arena_size - state.arena_n >= SORT_KEY_MAX)
		return state.arena + state.arena_n;
	size = state.arena_size == 0 ? ARENA_FIRST : 2 * state.arena_size;
	if (size > SORT_MEMORY_MAX)
		return NULL;
	p = recallocarray(state.arena, state.arena_size, size, 1);
	if (p == NULL)
		fatal(NULL);
	state.arena = p;
	state.arena_size = size;
	return p + state.arena_n;
}

static void
text_key(union key *key, const char *text, size_t len)
{
	char *to;

	if ((to = arena_room()) == NULL) {
		state.full = true;
		return;
	}
	key->text.off = (uint32_t)state.arena_n;
	key->text.len = (uint32_t)mime_collate(text, len, to, SORT_KEY_MAX);
	state.arena_n += key->text.len;
}

/* RFC 5256 section 2.1. */
static void
subject_key(union key *key, bool *reply, const struct mime_envelope *e)
{
	static char text[TEXT_MAX], decoded[TEXT_MAX], base[TEXT_MAX];
	struct mime_str raw, left;
	size_t n;

	raw = mime_envelope_unfold(e, MIME_SUBJECT, text, sizeof(text));
	if (raw.s == NULL)
		return;
	n = mime_words_decode(raw.s, raw.len, decoded, sizeof(decoded));
	left = mime_subject_base(decoded, n, base, sizeof(base), reply);
	text_key(key, left.s, left.len);
}

static void
words_key(union key *key, const struct mime_str *s)
{
	static char decoded[TEXT_MAX];
	size_t n;

	n = mime_words_decode(s->s, s->len, decoded, sizeof(decoded));
	text_key(key, decoded, n);
}

/* RFC 5957 section 3: a name, be it a group's, or the address itself. */
static void
display_key(union key *key, const struct mime_addr *a)
{
	static char whole[2 * MIME_ADDR_MAX + 1];
	size_t n = 0;

	if (a->name.s != NULL && a->name.len > 0) {
		words_key(key, &a->name);
		return;
	}
	if (a->host.s == NULL) {
		words_key(key, &a->mailbox);
		return;
	}
	if (a->mailbox.len > MIME_ADDR_MAX || a->host.len > MIME_ADDR_MAX)
		return;
	if (a->mailbox.s != NULL) {
		memcpy(whole, a->mailbox.s, a->mailbox.len);
		n = a->mailbox.len;
	}
	whole[n++] = '@';
	memcpy(whole + n, a->host.s, a->host.len);
	text_key(key, whole, n + a->host.len);
}

/* Of the first address, as ENVELOPE has it. */
static void
address_key(union key *key, const struct mime_envelope *e,
    enum mime_field field, bool display)
{
	static struct mime_addr_iter it;
	struct mime_addr a;

	if (!mime_addr_init_found(&it, e, field) ||
	    mime_addr_next(&it, &a) != 1)
		return;
	if (display)
		display_key(key, &a);
	else if (a.mailbox.s != NULL && a.host.s != NULL)
		text_key(key, a.mailbox.s, a.mailbox.len);
	else if (a.mailbox.s != NULL)
		words_key(key, &a.mailbox);
}

static void
key_make(union key *key, uint8_t criterion, bool *reply,
    const struct mime_envelope *e)
{
	switch ((enum sort_criterion)(criterion & ~SORT_REVERSE)) {
	case SORT_CC:
		address_key(key, e, MIME_CC, false);
		break;
	case SORT_FROM:
		address_key(key, e, MIME_FROM, false);
		break;
	case SORT_TO:
		address_key(key, e, MIME_TO, false);
		break;
	case SORT_DISPLAYFROM:
		address_key(key, e, MIME_FROM, true);
		break;
	case SORT_DISPLAYTO:
		address_key(key, e, MIME_TO, true);
		break;
	case SORT_SUBJECT:
		subject_key(key, reply, e);
		break;
	case SORT_ARRIVAL:
	case SORT_DATE:
	case SORT_SIZE:
		break;
	}
}

void
sort_row(uint32_t uid, uint64_t size, int64_t arrival,
    const struct mime_summary *summary)
{
	struct mime_envelope e;
	union key *key;
	size_t i;

	if (state.full || !rows_grow()) {
		state.full = true;
		return;
	}
	state.uid[state.n] = uid;
	key = state.keys + state.n * state.width;
	if (summary != NULL)
		mime_envelope_find(&e, summary, 0);
	for (i = 0; i < state.width; i++, key++) {
		if (is_text(state.criteria[i])) {
			if (summary != NULL)
				key_make(key, state.criteria[i],
				    &state.reply[state.n], &e);
			continue;
		}
		key->number = arrival;
		if ((state.criteria[i] & ~SORT_REVERSE) == SORT_SIZE)
			key->number = (int64_t)size;
		/* Section 2.2: the internal date where there is no other. */
		else if ((state.criteria[i] & ~SORT_REVERSE) == SORT_DATE &&
		    summary != NULL && summary->has_date)
			key->number = summary->date;
	}
	if (state.how == SORT_REFERENCES &&
	    !threads_row((uint32_t)state.n, summary))
		state.full = true;
	state.n++;
}

static int
key_compare(uint8_t criterion, const union key *a, const union key *b)
{
	size_t n;
	int r;

	if (!is_text(criterion))
		return a->number < b->number ? -1 : a->number > b->number;
	n = a->text.len < b->text.len ? a->text.len : b->text.len;
	r = n == 0 ?
	    0 :
	    memcmp(state.arena + a->text.off, state.arena + b->text.off, n);
	if (r != 0)
		return r;
	return a->text.len < b->text.len ? -1 : a->text.len > b->text.len;
}

/* By n of the keys, from first on; what is equal stays as it was. */
static bool
in_order(uint32_t a, uint32_t b, size_t first, size_t n)
{
	const union key *x = state.keys + a * state.width;
	const union key *y = state.keys + b * state.width;
	size_t i;
	int r;

	for (i = first; i < first + n; i++) {
		r = key_compare(state.criteria[i], &x[i], &y[i]);
		if (r != 0)
			return (state.criteria[i] & SORT_REVERSE) != 0 ? r > 0 :
									 r < 0;
	}
	return true;
}

/* Merges neighbours of width octets each, from below: no stack, stable. */
static void
merge_sort(size_t first, size_t keys)
{
	uint32_t *from = state.order, *to = state.spare, *swap;
	size_t width, at, i, j, k, mid, end;

	for (width = 1; width < state.n; width *= 2) {
		for (at = 0; at < state.n; at = end) {
			mid = state.n - at < width ? state.n : at + width;
			end = state.n - mid < width ? state.n : mid + width;
			for (i = at, j = mid, k = at; k < end; k++)
				if (j == end ||
				    (i < mid &&
					in_order(
					    from[i], from[j], first, keys)))
					to[k] = from[i++];
				else
					to[k] = from[j++];
		}
		swap = from;
		from = to;
		to = swap;
	}
	state.order = from;
	state.spare = to;
}

static void
order_make(void)
{
	size_t i, n = state.n > 0 ? state.n : 1;

	if (state.order == NULL &&
	    ((state.order = calloc(n, sizeof(*state.order))) == NULL ||
		(state.spare = calloc(n, sizeof(*state.spare))) == NULL))
		fatal(NULL);
	for (i = 0; i < state.n; i++)
		state.order[i] = (uint32_t)i;
}

const uint32_t *
sort_dates(void)
{
	order_make();
	merge_sort(KEY_DATE, 1);
	return state.order;
}

size_t
sort_count(void)
{
	return state.n;
}

uint32_t
sort_uid(uint32_t row)
{
	return state.uid[row];
}

const char *
sort_subject(uint32_t row, size_t *len, bool *reply)
{
	const union key *key = &state.keys[row * state.width + KEY_SUBJECT];

	*len = key->text.len;
	*reply = state.reply[row];
	return *len == 0 ? "" : state.arena + key->text.off;
}

static bool
same_subject(uint32_t a, uint32_t b)
{
	return key_compare(SORT_SUBJECT,
		   &state.keys[a * state.width + KEY_SUBJECT],
		   &state.keys[b * state.width + KEY_SUBJECT]) == 0;
}

/*
 * Section 3, ORDEREDSUBJECT: threads of one base subject; of each the first is
 * the parent of the others; in the order of their first dates.
 */
static void
ordered_subject(void)
{
	uint32_t *first, *groups;
	size_t i, k, begin, end, n = state.n;

	(void)sort_dates();
	merge_sort(KEY_SUBJECT, 1);
	if ((first = calloc(n + 1, sizeof(*first))) == NULL ||
	    (groups = calloc(n + 1, sizeof(*groups))) == NULL)
		fatal(NULL);
	/* first: where in groups the thread of a row begins, plus 1. */
	memcpy(groups, state.order, n * sizeof(*groups));
	for (i = 0; i < n; i++)
		if (i == 0 || !same_subject(groups[i - 1], groups[i]))
			first[groups[i]] = (uint32_t)i + 1;
	(void)sort_dates();
	for (k = 0; k < n; k++) {
		if ((begin = first[state.order[k]]) == 0)
			continue;
		for (end = begin; end < n && first[groups[end]] == 0; end++)
			continue;
		child_threaded(state.uid[groups[begin - 1]],
		    THREAD_PLACE(0, end - begin > 1));
		for (i = begin; i < end; i++)
			child_threaded(
			    state.uid[groups[i]], THREAD_PLACE(1, 0));
	}
	free(first);
	free(groups);
}

int
sort_end(void)
{
	size_t i;

	if (state.full)
		return -1;
	switch (state.how) {
	case SORT_REFERENCES:
		threads_end();
		break;
	case SORT_ORDEREDSUBJECT:
		ordered_subject();
		break;
	default:
		order_make();
		merge_sort(0, state.width);
		for (i = 0; i < state.n; i++)
			child_sorted(state.uid[state.order[i]]);
		break;
	}
	return 0;
}
