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
 * CONTEXT (RFC 5267 section 4): searches and sorts whose results are kept up
 * to date.  What a context has found is kept in the client's own numbers.
 * When messages have changed or are new in the box the search is made again
 * among them, or among all where that is not enough: where very many have
 * changed, where time is among the keys, and where something has to find its
 * place in a sort.  The client is told the difference; what is expunged is
 * taken out at once.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "search.h"

struct numbers {
	uint32_t *v;
	size_t n, size;
};

struct changed {
	uint32_t uid, seq;
};

struct context {
	char tag[IMAP_TAG_MAX + 1];
	bool uid;
	bool sorted;
	bool bodies;  /* are looked into: never all of them again */
	bool drifts;  /* with time, too */
	bool all;     /* is to be searched anew */
	bool partial; /* what is under way is among those that changed */
	struct changed *changed; /* since it was searched last; */
	size_t n_changed;
	uint32_t first, last; /* and new UIDs, 0: none */
	struct numbers asked; /* of the changed, rising */
	uint8_t sort[IMAP_SORT_MAX];
	size_t nsort;
	uint8_t *program;
	size_t len;
	struct numbers list;   /* what the client knows, in its order */
	struct numbers next;   /* what is found anew */
	struct numbers added;  /* of that, in rising order */
	struct imap_cmd *wish; /* what is fetched of those; NULL: nothing */
};

struct contexts {
	struct context *at[CONTEXTS_MAX];
	size_t n;
	bool asking; /* one of them is searched */
};

static void context_answer(struct job *, struct msg *);
static void context_done(struct job *, enum vault_result, const char *);

static const struct command context_command = {IMAP_SEARCH, IN_SELECTED,
    CLASS_BARRIER, NULL, context_answer, context_done, NULL, NULL, NULL};

static void
numbers_add(struct numbers *l, uint32_t n)
{
	size_t size;

	if (l->n == l->size) {
		size = l->size == 0 ? 64 : 2 * l->size;
		l->v = recallocarray(l->v, l->size, size, sizeof(*l->v));
		if (l->v == NULL)
			fatal("context");
		l->size = size;
	}
	l->v[l->n++] = n;
}

static void
numbers_free(struct numbers *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static void
context_free(struct context *x)
{
	freezero(x->program, x->len);
	numbers_free(&x->list);
	numbers_free(&x->next);
	numbers_free(&x->added);
	numbers_free(&x->asked);
	free(x->changed);
	if (x->wish != NULL)
		imap_cmd_free(x->wish);
	free(x);
}

/* RFC 5267 section 4.3.1: what we do not watch. */
static bool
is_costly(const struct imap_cmd *cmd, const struct context *x)
{
	size_t i;

	for (i = 0; i < cmd->nkeys; i++)
		if (cmd->keys[i].op == IMAP_KEY_SEQ || cmd->keys[i].set.saved)
			return true;
	/* Whatever came into a sort would be looked for in all bodies. */
	return x->bodies && (x->sorted || x->drifts);
}

static void
look_at_keys(const struct imap_cmd *cmd, struct context *x)
{
	size_t i;

	for (i = 0; i < cmd->nkeys; i++)
		switch ((int)cmd->keys[i].op) {
		case IMAP_KEY_BODY:
		case IMAP_KEY_TEXT:
			x->bodies = true;
			break;
		case IMAP_KEY_YOUNGER:
		case IMAP_KEY_OLDER:
			x->drifts = true;
			break;
		default:
			break;
		}
}

struct context *
context_new(const struct imap_cmd *cmd, const uint8_t *program, size_t len)
{
	struct context *x;

	x = calloc(1, sizeof(*x));
	if (x == NULL)
		fatal("context");
	x->sorted = cmd->verb == IMAP_SORT;
	look_at_keys(cmd, x);
	if (is_costly(cmd, x)) {
		free(x);
		return NULL;
	}
	if ((x->program = malloc(len)) == NULL)
		fatal("context");
	memcpy(x->program, program, len);
	x->len = len;
	(void)strlcpy(x->tag, cmd->tag, sizeof(x->tag));
	x->uid = cmd->uid;
	memcpy(x->sort, cmd->sort, sizeof(x->sort));
	x->nsort = cmd->nsort;
	return x;
}

void
context_found(struct context *x, uint32_t n)
{
	if (x->list.n <= CONTEXT_FOUND_MAX)
		numbers_add(&x->list, n);
}

static void
context_drop(struct contexts *all, size_t i)
{
	context_free(all->at[i]);
	all->n--;
	memmove(
	    &all->at[i], &all->at[i + 1], (all->n - i) * sizeof(all->at[0]));
}

static size_t
context_find(const struct contexts *all, const char *tag)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (strcmp(all->at[i]->tag, tag) == 0)
			break;
	return i;
}

bool
context_keep(struct job *job, struct context *x)
{
	struct conn *c = job->conn;
	struct contexts *all;
	size_t i;

	if (c->contexts == NULL &&
	    (c->contexts = calloc(1, sizeof(*c->contexts))) == NULL)
		fatal("context");
	all = c->contexts;
	i = context_find(all, x->tag);
	if (i < all->n)
		context_drop(all, i);
	if (all->n == CONTEXTS_MAX || x->list.n > CONTEXT_FOUND_MAX) {
		context_free(x);
		return false;
	}
	all->at[all->n++] = x;
	/* RFC 5465 section 7: the items lie in the command. */
	if (job->cmd->items != 0 || job->cmd->nsections > 0) {
		x->wish = job->cmd;
		job->cmd = imap_cmd_new();
		job->cmd->verb = x->wish->verb;
		(void)strlcpy(
		    job->cmd->tag, x->wish->tag, sizeof(job->cmd->tag));
	}
	return true;
}

void
context_end(struct context *x)
{
	if (x != NULL)
		context_free(x);
}

void
contexts_forget(struct conn *c)
{
	struct contexts *all = c->contexts;

	if (all == NULL)
		return;
	while (all->n > 0)
		context_drop(all, all->n - 1);
	free(all);
	c->contexts = NULL;
}

static void
changed_forget(struct context *x)
{
	free(x->changed);
	x->changed = NULL;
	x->n_changed = 0;
	x->first = x->last = 0;
}

static void
changed_add(struct context *x, uint32_t uid, uint32_t seq)
{
	size_t max = x->sorted ? CHANGED_SORTED_MAX : CHANGED_MAX;

	if (x->all)
		return;
	if (x->n_changed == max) {
		changed_forget(x);
		x->all = true;
		return;
	}
	if (x->changed == NULL &&
	    (x->changed = calloc(max, sizeof(*x->changed))) == NULL)
		fatal("context");
	x->changed[x->n_changed].uid = uid;
	x->changed[x->n_changed++].seq = seq;
}

void
contexts_numbers(struct conn *c)
{
	struct contexts *all = c->contexts;

	for (size_t i = all == NULL ? 0 : all->n; i-- > 0;) {
		if (all->at[i]->uid)
			continue;
		context_refuse(c, all->at[i]->tag);
		context_drop(all, i);
	}
}

void
contexts_changed(struct conn *c, uint32_t uid, uint32_t seq)
{
	size_t i;

	for (i = 0; c->contexts != NULL && i < c->contexts->n; i++)
		changed_add(c->contexts->at[i], uid, seq);
}

void
contexts_new(struct conn *c, uint32_t first, uint32_t last)
{
	struct context *x;
	size_t i;

	for (i = 0; c->contexts != NULL && i < c->contexts->n; i++) {
		x = c->contexts->at[i];
		if (x->first == 0 || x->first > first)
			x->first = first;
		if (x->last < last)
			x->last = last;
	}
}

static void
begin_line(struct imap_buf *b, const struct context *x)
{
	imap_puts(b, "* ESEARCH (TAG ");
	imap_put_string(b, x->tag, strlen(x->tag));
	imap_puts(b, x->uid ? ") UID" : ")");
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The same numbers in rising order; the caller frees. */
static uint32_t *
rising(const struct numbers *l)
{
	uint32_t *v;

	v = calloc(l->n + 1, sizeof(*v));
	if (v == NULL)
		fatal("context");
	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	(void)heapsort(v, l->n, sizeof(*v), compare);
	return v;
}

static bool
has(const uint32_t *v, size_t n, uint32_t number)
{
	return n > 0 && bsearch(&number, v, n, sizeof(*v), compare) != NULL;
}

/* What is told of a difference: a line with pairs of place and numbers. */
struct change {
	struct imap_buf *b;
	const struct context *x;
	const char *word;
	bool begun;
	uint32_t first, last; /* of a range that may grow */
	bool range;           /* the pair has a range already */
};

static void
change_range(struct change *g)
{
	if (g->first == 0)
		return;
	imap_put_range(g->b, g->first, g->last, !g->range);
	g->range = true;
	g->first = 0;
}

/* place 0: in the order of the mailbox, all in one pair. */
static void
change_add(struct change *g, size_t place, uint32_t number)
{
	if (!g->begun)
		begin_line(g->b, g->x);
	if (place == 0 && g->first != 0 && number == g->last + 1) {
		g->last = number;
		return;
	}
	change_range(g);
	if (place != 0 || !g->begun) {
		if (g->begun)
			imap_putc(g->b, ' ');
		else {
			imap_putc(g->b, ' ');
			imap_puts(g->b, g->word);
			imap_puts(g->b, " (");
		}
		imap_put_number(g->b, place);
		imap_putc(g->b, ' ');
		g->range = false;
	}
	g->begun = true;
	g->first = g->last = number;
}

static void
change_end(struct change *g)
{
	change_range(g);
	if (g->begun)
		imap_puts(g->b, ")\r\n");
}

/*
 * What is in list but not in others goes, each from the place that it has
 * when those before it are gone.
 */
static void
tell_removed(struct imap_buf *b, struct context *x, const uint32_t *others,
    size_t n, bool those)
{
	struct change g = {.b = b, .x = x, .word = "REMOVEFROM"};
	size_t i, k = 0;

	for (i = 0; i < x->list.n; i++) {
		if (has(others, n, x->list.v[i]) == those)
			change_add(&g, x->sorted ? k + 1 : 0, x->list.v[i]);
		else
			x->list.v[k++] = x->list.v[i];
	}
	x->list.n = k;
	change_end(&g);
}

/* Each at the place that it has when those before it are there. */
static void
tell_added(struct imap_buf *b, struct context *x)
{
	struct change g = {.b = b, .x = x, .word = "ADDTO"};
	uint32_t *old;
	size_t i;

	old = rising(&x->list);
	for (i = 0; i < x->next.n; i++)
		if (!has(old, x->list.n, x->next.v[i])) {
			change_add(&g, x->sorted ? i + 1 : 0, x->next.v[i]);
			if (x->wish != NULL)
				numbers_add(&x->added, x->next.v[i]);
		}
	free(old);
	change_end(&g);
}

static void
tell_changes(struct conn *c, struct context *x)
{
	struct imap_buf *b = conn_out(c);
	uint32_t *now;

	now = rising(&x->next);
	tell_removed(b, x, now, x->next.n, false);
	free(now);
	tell_added(b, x);
	numbers_free(&x->list);
	x->list = x->next;
	memset(&x->next, 0, sizeof(x->next));
}

void
context_refuse(struct conn *c, const char *tag)
{
	struct imap_buf *b = conn_out(c);

	imap_puts(b, "* OK [NOUPDATE ");
	imap_put_string(b, tag, strlen(tag));
	imap_puts(b, "] This result is not kept up to date\r\n");
}

/* No longer: RFC 5267 section 4.3.1. */
static void
context_stop(struct conn *c, struct context *x)
{
	context_refuse(c, x->tag);
	context_drop(c->contexts, context_find(c->contexts, x->tag));
}

/* Numbers of those that are gone, as they were before any of them went. */
static size_t
gone_get(struct msg *msg, size_t n, bool uid, uint32_t *v)
{
	size_t i, off = msg->off;
	uint32_t number, seq;

	for (i = 0; i < n; i++) {
		seq = msg_get_u32(msg);
		number = msg_get_u32(msg);
		v[i] = uid ? number : seq + (uint32_t)i;
	}
	msg->off = off;
	return n;
}

/* How many of them are smaller. */
static uint32_t
below(const uint32_t *gone, size_t n, uint32_t number)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (gone[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

/* Smaller sequence numbers for what is left. */
static void
renumber(struct context *x, const uint32_t *gone, size_t n)
{
	size_t i, k;

	for (i = 0; i < x->list.n; i++)
		x->list.v[i] -= below(gone, n, x->list.v[i]);
	for (i = k = 0; i < x->asked.n; i++)
		if (!has(gone, n, x->asked.v[i]))
			x->asked.v[k++] = x->asked.v[i] -
			    below(gone, n, x->asked.v[i]);
	x->asked.n = k;
	for (i = k = 0; i < x->n_changed; i++)
		if (!has(gone, n, x->changed[i].seq)) {
			x->changed[k] = x->changed[i];
			x->changed[k++].seq -= below(
			    gone, n, x->changed[i].seq);
		}
	x->n_changed = k;
}

/* Before EXPUNGE: what goes, and smaller numbers for what is left. */
void
contexts_expunge(struct conn *c, struct msg *msg, size_t n)
{
	struct context *x;
	uint32_t *gone;
	size_t i;

	if (c->contexts == NULL)
		return;
	gone = calloc(n + 1, sizeof(*gone));
	if (gone == NULL)
		fatal("context");
	for (i = 0; i < c->contexts->n; i++) {
		x = c->contexts->at[i];
		(void)gone_get(msg, n, x->uid, gone);
		tell_removed(conn_out(c), x, gone, n, true);
		if (!x->uid)
			renumber(x, gone, n);
	}
	free(gone);
}

static int
compare_changed(const void *a, const void *b)
{
	const struct changed *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The program, for those that have changed alone; NULL: that is too much. */
static struct search *
narrowed(struct context *x)
{
	struct search_range range[CHANGED_MAX + 1];
	struct search *s;
	size_t i, n = 0;

	(void)heapsort(
	    x->changed, x->n_changed, sizeof(*x->changed), compare_changed);
	for (i = 0; i < x->n_changed; i++) {
		if (n > 0 && x->changed[i].uid <= range[n - 1].last + 1) {
			range[n - 1].last = x->changed[i].uid;
			continue;
		}
		range[n].first = range[n].last = x->changed[i].uid;
		n++;
	}
	if (x->first != 0) {
		range[n].first = x->first;
		range[n++].last = x->last;
	}
	s = search_decode(x->program, x->len);
	if (s == NULL || search_add_set(s, SEARCH_UID, range, n) == -1 ||
	    search_add(s, SEARCH_AND) == -1) {
		search_free(s);
		return NULL;
	}
	return s;
}

/* What is asked about, in the context's numbers. */
static void
asked_note(struct context *x)
{
	uint32_t *v;
	size_t i;

	numbers_free(&x->asked);
	for (i = 0; i < x->n_changed; i++)
		numbers_add(
		    &x->asked, x->uid ? x->changed[i].uid : x->changed[i].seq);
	v = rising(&x->asked);
	free(x->asked.v);
	x->asked.v = v;
	x->asked.size = x->asked.n + 1;
}

static void
context_ask(struct conn *c, struct context *x)
{
	const uint8_t *program = NULL;
	struct search *s = NULL;
	struct msgout *m;
	struct job *job;
	size_t len;

	if (!x->all && !x->drifts && (s = narrowed(x)) != NULL)
		program = search_encode(s, &len);
	x->partial = program != NULL;
	if (x->partial)
		asked_note(x);
	else {
		program = x->program;
		len = x->len;
	}
	changed_forget(x);
	x->all = false;
	c->contexts->asking = true;
	job = inner_job(c, &context_command, IMAP_SEARCH);
	(void)strlcpy(job->cmd->tag, x->tag, sizeof(job->cmd->tag));
	m = job_request(job, V_SORT);
	msg_put_u8(m, x->uid ? BY_UID : 0);
	msg_put_u8(m, 0);
	if (x->sorted && !x->partial) {
		msg_put_u8(m, SORT_ORDER);
		msg_put_u8(m, (uint8_t)x->nsort);
		msg_put_raw(m, x->sort, x->nsort);
	} else {
		msg_put_u8(m, SORT_NOT);
		msg_put_u8(m, 0);
	}
	msg_put_u8(m, PARTIAL_NOT);
	msg_put_u32(m, 0);
	msg_put_u32(m, 0);
	msg_put_raw(m, program, len);
	msg_send(m);
	search_free(s);
}

/* RFC 5465 section 7: what the client wants of those that came in. */
static void
context_fetch(struct conn *c, struct context *x)
{
	struct imap_range *range;
	struct imap_cmd *cmd;
	struct job *job;
	uint32_t *v;
	size_t i, k = 0;

	job = inner_job(c, NULL, IMAP_FETCH);
	cmd = job->cmd;
	cmd->uid = x->uid;
	cmd->items = x->wish->items | (x->uid ? IMAP_ITEM_UID : 0);
	cmd->sections = x->wish->sections;
	cmd->nsections = x->wish->nsections;
	cmd->nfields = x->wish->nfields;
	range = imap_cmd_alloc(cmd, x->added.n * sizeof(*range));
	v = rising(&x->added);
	for (i = 0; i < x->added.n; i++) {
		if (k > 0 && v[i] == range[k - 1].last + 1)
			range[k - 1].last = v[i];
		else if (k < CONTEXT_FETCH_MAX) {
			range[k].first = range[k].last = v[i];
			k++;
		}
	}
	free(v);
	numbers_free(&x->added);
	cmd->set.range = range;
	cmd->set.n = k;
	job->command->start(job);
}

/* The context that the job searches; NULL: it is no more. */
static struct context *
context_of(const struct job *job)
{
	const struct contexts *all = job->conn->contexts;
	size_t i;

	if (all == NULL)
		return NULL;
	i = context_find(all, job->cmd->tag);
	return i < all->n ? all->at[i] : NULL;
}

static void
context_answer(struct job *job, struct msg *msg)
{
	struct context *x = context_of(job);
	uint32_t n, number;

	if (msg->type != R_FOUND)
		return; /* R_COUNT, R_PROGRESS, R_FOUND_MODSEQ: nobody asks */
	for (n = msg_get_u32(msg); n > 0 && !msg->bad; n--) {
		number = msg_get_u32(msg);
		if (!msg->bad && x != NULL && x->next.n <= CONTEXT_FOUND_MAX)
			numbers_add(&x->next, number);
	}
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_FOUND");
}

/* Takes one out of a rising list, or puts it in; false: it was so already. */
static bool
list_set(struct numbers *l, uint32_t number, bool in)
{
	size_t at;

	at = below(l->v, l->n, number);
	if ((at < l->n && l->v[at] == number) == in)
		return false;
	if (!in) {
		l->n--;
		memmove(l->v + at, l->v + at + 1, (l->n - at) * sizeof(*l->v));
		return true;
	}
	numbers_add(l, number);
	memmove(l->v + at + 1, l->v + at, (l->n - 1 - at) * sizeof(*l->v));
	l->v[at] = number;
	return true;
}

/* In the order of the mailbox: by what has changed alone. */
static void
tell_partial(struct conn *c, struct context *x)
{
	struct change gone = {.b = conn_out(c), .x = x, .word = "REMOVEFROM"};
	struct change come = {.b = conn_out(c), .x = x, .word = "ADDTO"};
	uint32_t *now;
	size_t i;

	now = rising(&x->next);
	for (i = 0; i < x->asked.n; i++)
		if (!has(now, x->next.n, x->asked.v[i]) &&
		    list_set(&x->list, x->asked.v[i], false))
			change_add(&gone, 0, x->asked.v[i]);
	change_end(&gone);
	for (i = 0; i < x->next.n; i++)
		if (list_set(&x->list, now[i], true)) {
			change_add(&come, 0, now[i]);
			if (x->wish != NULL)
				numbers_add(&x->added, now[i]);
		}
	change_end(&come);
	free(now);
}

/* In a sort: who goes; who comes in has a place that must be found. */
static void
tell_partial_sorted(struct conn *c, struct context *x)
{
	uint32_t *list, *now;
	size_t i, k;

	list = rising(&x->list);
	now = rising(&x->next);
	for (i = 0; i < x->next.n; i++)
		if (!has(list, x->list.n, now[i]))
			x->all = true;
	for (i = k = 0; i < x->asked.n; i++)
		if (!has(now, x->next.n, x->asked.v[i]))
			x->asked.v[k++] = x->asked.v[i];
	free(list);
	free(now);
	if (k > 0)
		tell_removed(conn_out(c), x, x->asked.v, k, true);
}

static void
context_found_anew(struct conn *c, struct context *x)
{
	if (!x->partial)
		tell_changes(c, x);
	else if (x->sorted)
		tell_partial_sorted(c, x);
	else
		tell_partial(c, x);
	numbers_free(&x->next);
	numbers_free(&x->asked);
}

static void
context_done(struct job *job, enum vault_result result, const char *detail)
{
	struct context *x = context_of(job);
	struct conn *c = job->conn;

	if (x != NULL) {
		c->contexts->asking = false;
		if ((result == DONE_OK || result == DONE_EXPUNGED) &&
		    job->limited == 0 && x->next.n <= CONTEXT_FOUND_MAX &&
		    x->list.n <= CONTEXT_FOUND_MAX)
			context_found_anew(c, x);
		else
			context_stop(c, x);
	}
	job_free(job);
}

/* Is something to be asked? */
static bool
is_due(const struct context *x)
{
	return x->all || x->n_changed > 0 || x->first != 0;
}

void
contexts_run(struct conn *c)
{
	struct context *x;
	size_t i;

	if (c->contexts == NULL || c->contexts->asking ||
	    c->state != CONN_SELECTED || !job_calm(c))
		return;
	for (i = 0; i < c->contexts->n; i++) {
		x = c->contexts->at[i];
		if (x->added.n > 0) {
			context_fetch(c, x);
			return;
		}
		/* Not all bodies again. */
		if (x->all && x->bodies) {
			context_stop(c, x);
			i--;
			continue;
		}
		if (is_due(x)) {
			context_ask(c, x);
			return;
		}
	}
}

/* RFC 5267 section 4.3.5. */
void
cancelupdate_start(struct job *job)
{
	struct contexts *all = job->conn->contexts;
	struct imap_cmd *cmd = job->cmd;
	size_t i;

	for (i = 0; i < cmd->nwords; i++)
		if (all == NULL || context_find(all, cmd->words[i].p) == all->n)
			break;
	if (i < cmd->nwords) {
		job_done(job, "BAD", "No such update");
		return;
	}
	for (i = 0; i < cmd->nwords; i++)
		if (context_find(all, cmd->words[i].p) < all->n)
			context_drop(all, context_find(all, cmd->words[i].p));
	job_done(job, "OK", "No further updates");
}
