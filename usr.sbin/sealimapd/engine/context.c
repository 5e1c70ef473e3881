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

#include "context.h"
#include "log.h"

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
