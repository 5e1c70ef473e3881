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
 * When something has changed in the box the search is made again, and the
 * client is told the difference; what is expunged is taken out at once.
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

struct context {
	char tag[IMAP_TAG_MAX + 1];
	bool uid;
	bool sorted;
	bool dirty;
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
	if (x->wish != NULL)
		imap_cmd_free(x->wish);
	free(x);
}

/* RFC 5267 section 4.3.1: what we do not watch. */
static bool
is_costly(const struct imap_cmd *cmd)
{
	size_t i;

	for (i = 0; i < cmd->nkeys; i++)
		if (cmd->keys[i].op == IMAP_KEY_BODY ||
		    cmd->keys[i].op == IMAP_KEY_TEXT ||
		    cmd->keys[i].op == IMAP_KEY_SEQ || cmd->keys[i].set.saved)
			return true;
	return false;
}

struct context *
context_new(const struct imap_cmd *cmd, const uint8_t *program, size_t len)
{
	struct context *x;

	if (is_costly(cmd))
		return NULL;
	x = calloc(1, sizeof(*x));
	if (x == NULL || (x->program = malloc(len)) == NULL)
		fatal("context");
	memcpy(x->program, program, len);
	x->len = len;
	(void)strlcpy(x->tag, cmd->tag, sizeof(x->tag));
	x->uid = cmd->uid;
	x->sorted = cmd->verb == IMAP_SORT;
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

void
contexts_changed(struct conn *c)
{
	size_t i;

	for (i = 0; c->contexts != NULL && i < c->contexts->n; i++)
		c->contexts->at[i]->dirty = true;
}

/* A command of the client's own may have changed flags. */
void
contexts_command(struct conn *c, const struct imap_cmd *cmd)
{
	size_t i;

	if (c->contexts == NULL)
		return;
	if (cmd->verb == IMAP_STORE)
		contexts_changed(c);
	for (i = 0; cmd->verb == IMAP_FETCH && i < cmd->nsections; i++)
		if (!cmd->sections[i].peek)
			contexts_changed(c);
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

/* Before EXPUNGE: what goes, and smaller numbers for what is left. */
void
contexts_expunge(struct conn *c, struct msg *msg, size_t n)
{
	struct context *x;
	uint32_t *gone;
	size_t i, k, lo, hi, mid;

	if (c->contexts == NULL)
		return;
	gone = calloc(n + 1, sizeof(*gone));
	if (gone == NULL)
		fatal("context");
	for (i = 0; i < c->contexts->n; i++) {
		x = c->contexts->at[i];
		(void)gone_get(msg, n, x->uid, gone);
		tell_removed(conn_out(c), x, gone, n, true);
		for (k = 0; !x->uid && k < x->list.n; k++) {
			for (lo = 0, hi = n; lo < hi;) {
				mid = lo + (hi - lo) / 2;
				if (gone[mid] < x->list.v[k])
					lo = mid + 1;
				else
					hi = mid;
			}
			x->list.v[k] -= (uint32_t)lo;
		}
	}
	free(gone);
}

static void
context_ask(struct conn *c, struct context *x)
{
	struct msgout *m;
	struct job *job;

	x->dirty = false;
	c->contexts->asking = true;
	job = inner_job(c, &context_command, IMAP_SEARCH);
	(void)strlcpy(job->cmd->tag, x->tag, sizeof(job->cmd->tag));
	m = job_request(job, V_SORT);
	msg_put_u8(m, x->uid ? BY_UID : 0);
	msg_put_u8(m, 0);
	msg_put_u8(m, x->sorted ? SORT_ORDER : SORT_NOT);
	msg_put_u8(m, (uint8_t)x->nsort);
	msg_put_raw(m, x->sort, x->nsort);
	msg_put_u8(m, PARTIAL_NOT);
	msg_put_u32(m, 0);
	msg_put_u32(m, 0);
	msg_put_raw(m, x->program, x->len);
	msg_send(m);
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
context_done(struct job *job, enum vault_result result, const char *detail)
{
	struct context *x = context_of(job);
	struct conn *c = job->conn;

	if (x != NULL) {
		c->contexts->asking = false;
		if ((result == DONE_OK || result == DONE_EXPUNGED) &&
		    x->next.n <= CONTEXT_FOUND_MAX)
			tell_changes(c, x);
		else {
			context_refuse(c, x->tag);
			context_drop(c->contexts,
			    context_find(c->contexts, job->cmd->tag));
		}
	}
	job_free(job);
}

void
contexts_run(struct conn *c)
{
	size_t i;

	if (c->contexts == NULL || c->contexts->asking ||
	    c->state != CONN_SELECTED || !job_calm(c))
		return;
	for (i = 0; i < c->contexts->n; i++) {
		if (c->contexts->at[i]->added.n > 0) {
			context_fetch(c, c->contexts->at[i]);
			return;
		}
		if (c->contexts->at[i]->dirty) {
			context_ask(c, c->contexts->at[i]);
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
