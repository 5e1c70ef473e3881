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
 * The index is made, and made anew, where a mailbox has grown or changed: in
 * quiet moments, by a worker of its own, one segment at a time.  Small
 * segments are thrown away when there are several, and so are those most of
 * whose messages are gone; what they were about is then indexed again.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "vault_index.h"

#include "../search.h"

#define INDEX_MIN 256          /* messages that a segment is worth */
#define INDEX_QUIET_MS 3000    /* after a change, before one is made */
#define INDEX_STARVED_S 60     /* so long changes may put it off */
#define INDEX_NEXT_MS 50       /* between two segments */
#define INDEX_TROUBLE_S 600    /* after a failure */
#define INDEX_BUSY_S 20        /* and where no worker was to be had */
#define INDEX_SMALL 4          /* as many of a size are made into one */
#define INDEX_MERGED (1 << 20) /* octets of those together, at most */
#define INDEX_TRIED 16         /* merges that are remembered */
#define INDEX_ROWS 8           /* messages shown to the worker in one go */

static struct {
	bool ready; /* the event is set */
	struct store_index *index;
	bool failed;
	unsigned int holds;
	struct event ev;
	time_t waiting; /* since when there has been something to do; or 0 */
	struct wire *worker;
	bool wanted;
	bool building;
	bool heard; /* the worker has said something */
	bool ended; /* all were shown to the worker */
	struct feed feed;
	uint32_t *todo; /* ascending UIDs */
	size_t ntodo, at;
	uint32_t from; /* what lies below was looked at, in this box */
	uint32_t *in;  /* those that are in the segment, in its order */
	size_t nin;
	struct {
		uint64_t box;
		uint32_t uidnext;
		unsigned int level;
	} tried[INDEX_TRIED]; /* merges: another would make the same again */
	size_t ntried;
} state;

static void on_index(int, short, void *);
static void later(int ms);
static bool choose(void);
static bool box_choose(const struct store_box *);
static unsigned int level(const struct store_index_segment *);
static bool small_remove(const struct store_box *, unsigned int lev);
static bool tried(const struct store_box *, unsigned int lev);
static void stale_remove(uint64_t box);
static bool uncovered(const struct store_box *);
static void begin(void);
static void show(void);
static void index_message(struct wire *, struct msg *, void *);
static void index_gone(struct wire *, void *);
static void index_produce(struct wire *, void *);
static void verdicts(struct msg *);
static void page(struct msg *);
static void finish(struct msg *);
static void trouble(const char *what, enum store_result);
static void build_end(void);
static time_t monotonic(void);

struct store_index *
index_open(void)
{
	enum store_result result;

	if (state.index == NULL && !state.failed &&
	    store_damage(vault_store()) == NULL) {
		result = store_index_open(
		    vault_store(), WORKER_TEXT_VERSION, &state.index);
		if (result != STORE_OK) {
			state.failed = true;
			log_warnx("account=%s search index: %s",
			    log_addr(vault_account()), store_strerror(result));
		}
	}
	return state.index;
}

void
index_hold(bool on)
{
	if (on)
		state.holds++;
	else if (--state.holds == 0 && state.waiting != 0)
		later(INDEX_NEXT_MS);
}

void
index_soon(void)
{
	time_t now = monotonic();

	if (!state.ready) {
		evtimer_set(&state.ev, on_index, NULL);
		state.ready = true;
	}
	if (state.building || state.failed)
		return;
	if (state.waiting == 0)
		state.waiting = now;
	if (now - state.waiting < INDEX_STARVED_S)
		later(INDEX_QUIET_MS);
	else if (!evtimer_pending(&state.ev, NULL))
		later(0);
}

bool
index_again(void)
{
	build_end();
	state.failed = false;
	memset(state.tried, 0, sizeof(state.tried));
	state.from = 0;
	return index_open() != NULL;
}

uint32_t
index_goal(void)
{
	const struct store_box *b = NULL;
	uint32_t n = 0;

	while ((b = store_box_next(vault_store(), b)) != NULL)
		if (b->messages >= INDEX_MIN)
			n += b->messages;
	return n;
}

void
index_end(void)
{
	build_end();
	store_index_close(state.index);
	state.index = NULL;
	state.failed = true;
}

static void
on_index(int fd, short what, void *arg)
{
	if (state.building || state.holds > 0 || index_open() == NULL)
		return;
	vault_commit();
	store_index_tidy(state.index);
	if (!choose()) {
		state.waiting = 0;
		build_end();
		return;
	}
	if (state.worker != NULL)
		begin();
	else if (!state.wanted) {
		state.wanted = true;
		vault_want_worker(WORKER_FOR_INDEX);
	}
}

/* Is there a box with something to do?  Then state.todo says what. */
static bool
choose(void)
{
	const struct store_box *b = NULL;

	while ((b = store_box_next(vault_store(), b)) != NULL)
		if (b->messages >= INDEX_MIN && box_choose(b))
			return true;
	return false;
}

static bool
box_choose(const struct store_box *b)
{
	const struct store_index_segment *s;
	size_t n, docs = 0, few[3] = {0};

	s = store_index_segments(state.index, &n);
	for (size_t i = 0; i < n; i++) {
		if (s[i].box != b->id)
			continue;
		docs += s[i].docs;
		few[level(&s[i])]++;
	}
	if (state.feed.box != b->id)
		state.from = 0;
	state.feed.box = b->id;
	if (docs > b->messages + b->messages / 4 + INDEX_MIN)
		stale_remove(b->id);
	else if (!(few[0] >= INDEX_SMALL && small_remove(b, 0)) &&
	    !(few[1] >= INDEX_SMALL && small_remove(b, 1)) &&
	    docs + INDEX_MIN > b->messages)
		return false;
	return uncovered(b);
}

/*
 * 0 and 1: it is small; segments of 2 stay.  A segment is full of messages or
 * of trigrams, and its octets are all that tells of these.
 */
static unsigned int
level(const struct store_index_segment *s)
{
	if (s->octets > INDEX_MERGED / INDEX_SMALL ||
	    s->docs == STORE_INDEX_DOCS)
		return 2;
	return s->docs >= STORE_INDEX_DOCS / 4;
}

/* Small ones make room for one of all their messages; false: they stay. */
static bool
small_remove(const struct store_box *b, unsigned int lev)
{
	const struct store_index_segment *s;
	uint64_t octets = 0;
	size_t n;

	if (tried(b, lev))
		return false;
	state.from = 0;
	s = store_index_segments(state.index, &n);
	for (size_t i = n; i > 0; i--) {
		if (s[i - 1].box != b->id || level(&s[i - 1]) != lev ||
		    s[i - 1].octets > INDEX_MERGED - octets)
			continue;
		octets += s[i - 1].octets;
		(void)store_index_remove(state.index, i - 1);
	}
	return true;
}

/*
 * Text that repeats itself fills segments of few octets.  To merge what cannot
 * be merged would never end: once for each mail that comes.
 */
static bool
tried(const struct store_box *b, unsigned int lev)
{
	size_t i;

	for (i = 0; i < INDEX_TRIED; i++)
		if (state.tried[i].box == b->id &&
		    state.tried[i].uidnext == b->uidnext &&
		    state.tried[i].level == lev)
			return true;
	i = state.ntried++ % INDEX_TRIED;
	state.tried[i].box = b->id;
	state.tried[i].uidnext = b->uidnext;
	state.tried[i].level = lev;
	return false;
}

/* Segments a quarter of whose messages are gone. */
static void
stale_remove(uint64_t box)
{
	const struct store_index_segment *s;
	struct store_index_view v;
	size_t n, live, pos;

	state.from = 0;
	s = store_index_segments(state.index, &n);
	for (size_t i = n; i > 0; i--) {
		if (s[i - 1].box != box)
			continue;
		live = 0;
		if (store_index_view(state.index, i - 1, &v) == STORE_OK) {
			for (size_t d = 0; d < v.n; d++)
				live += store_msg_find(vault_store(), box,
					    v.uids[d], &pos) != NULL;
			n = v.n;
			store_index_done(&v);
		}
		if (live <= n - n / 4)
			(void)store_index_remove(state.index, i - 1);
	}
}

/* What the segments of the box cover, from state.from on. */
static void
covered_get(const struct store_box *b, struct uidlist *covered)
{
	const struct store_index_segment *s;
	struct store_index_view v;
	size_t n;

	s = store_index_segments(state.index, &n);
	for (size_t i = 0; i < n; i++) {
		if (s[i].box != b->id || s[i].last < state.from ||
		    store_index_view(state.index, i, &v) != STORE_OK)
			continue;
		for (size_t d = 0; d < v.n; d++)
			uidlist_add(covered, v.uids[d]);
		store_index_done(&v);
	}
	uidlist_sort(covered);
}

/* The messages of the box that are in no segment: as many as one takes. */
static bool
uncovered(const struct store_box *b)
{
	const struct store_msg *m;
	struct uidlist covered = {0};
	size_t n, pos, c = 0;

	covered_get(b, &covered);
	free(state.todo);
	state.todo = vault_alloc(STORE_INDEX_DOCS, sizeof(*state.todo));
	state.ntodo = 0;
	(void)store_msg_find(vault_store(), b->id, state.from, &pos);
	for (n = 0; state.ntodo < STORE_INDEX_DOCS; pos++, m++, n--) {
		if (n == 0)
			m = store_msgs(vault_store(), b->id, pos, &n);
		if (m == NULL)
			break;
		while (c < covered.n && covered.v[c] < m->uid)
			c++;
		if (c == covered.n || covered.v[c] != m->uid)
			state.todo[state.ntodo++] = m->uid;
	}
	uidlist_clear(&covered);
	if (state.ntodo >= INDEX_MIN)
		return true;
	state.from = 0;
	return false;
}

void
index_worker(int fd)
{
	struct msgout *o;

	state.wanted = false;
	if (fd == -1 || state.worker != NULL || state.failed) {
		if (fd != -1)
			close(fd);
		later(INDEX_TROUBLE_S * 1000);
		return;
	}
	state.worker = wire_new(fd, index_message, index_gone, NULL);
	o = msg_new(state.worker, VAULT_WORKER_HELLO, 1);
	msg_put_u32(o, WORKER_WIRE_VERSION);
	msg_send(o);
	later(0); /* what there is to do may be something else by now */
}

static void
begin(void)
{
	enum store_result result;

	result = store_index_begin(state.index, state.feed.box);
	if (result != STORE_OK) {
		trouble("begin", result);
		return;
	}
	state.building = true;
	state.heard = false;
	state.ended = false;
	state.at = state.nin = 0;
	state.from = state.todo[state.ntodo - 1] + 1;
	state.in = vault_alloc(STORE_INDEX_DOCS, sizeof(*state.in));
	state.feed.worker = state.worker;
	state.feed.id++;
	state.feed.open = 0;
	msg_signal(state.worker, VAULT_WORKER_INDEX, state.feed.id);
	wire_produce(state.worker, index_produce);
}

/* Shows the worker some more messages. */
static void
show(void)
{
	static const uint8_t truth[1] = {SEARCH_MAYBE};
	const struct store_msg *m;
	struct store_msg copy;
	size_t pos;

	for (int i = 0; i < INDEX_ROWS && state.at < state.ntodo; i++) {
		if (!feed_room(&state.feed))
			break;
		m = store_msg_find(vault_store(), state.feed.box,
		    state.todo[state.at++], &pos);
		if (m == NULL)
			continue;
		copy = *m;
		feed_candidate(&state.feed, &copy, truth, 1, true);
	}
	feed_flush(&state.feed);
	if (state.at == state.ntodo && !state.ended) {
		state.ended = true;
		msg_signal(state.worker, VAULT_WORKER_END, state.feed.id);
	}
}

static void
index_produce(struct wire *w, void *arg)
{
	bool more;

	wire_produce(w, NULL);
	if (!state.building)
		return;
	for (int i = 0; i < STEP_CHUNKS; i++)
		if (!feed_serve(&state.feed) || wire_queued(w) > 0)
			break;
	if (wire_queued(w) == 0)
		show();
	more = state.feed.need_n > 0 ||
	    (!state.ended && state.feed.open < WORKER_CANDIDATES_MAX);
	if (more)
		wire_produce(w, index_produce);
}

static void
index_message(struct wire *w, struct msg *m, void *arg)
{
	if (!state.building || m->id != state.feed.id)
		return;
	state.heard = true;
	switch (m->type) {
	case WORKER_VAULT_VERDICTS:
		verdicts(m);
		break;
	case WORKER_VAULT_NEED:
		feed_need(&state.feed, m);
		break;
	case WORKER_VAULT_PAGE:
		page(m);
		break;
	case WORKER_VAULT_HINT:
		finish(m);
		break;
	case WORKER_VAULT_DONE:
		state.building = false;
		later(INDEX_NEXT_MS);
		break;
	default:
		m->bad = true;
	}
	if (m->bad) {
		log_warnx("worker: malformed message type=%u", m->type);
		index_gone(w, arg);
		return;
	}
	if (state.building && (!state.ended || state.feed.need_n > 0))
		wire_produce(w, index_produce);
}

static bool
shown(uint32_t uid)
{
	size_t lo = 0, hi = state.at, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (state.todo[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < state.at && state.todo[lo] == uid;
}

static void
verdicts(struct msg *m)
{
	uint32_t uid;
	uint8_t indexed;

	while (!m->bad && m->off < m->len) {
		uid = msg_get_u32(m);
		indexed = msg_get_u8(m);
		if (m->bad || state.feed.open == 0 || !shown(uid)) {
			m->bad = true;
			return;
		}
		state.feed.open--;
		if (indexed == WORKER_INDEXED_FULL && uid < state.from)
			state.from = uid;
		if (indexed != WORKER_INDEXED_IN)
			continue;
		if (state.nin == STORE_INDEX_DOCS)
			m->bad = true;
		else
			state.in[state.nin++] = uid;
	}
}

static void
page(struct msg *m)
{
	enum store_result result;
	const uint8_t *p;
	size_t len;

	p = msg_get_rest(m, &len);
	if (len > STORE_INDEX_PAGE || state.feed.open > 0 || !state.ended) {
		m->bad = true;
		return;
	}
	result = store_index_page(state.index, p, len);
	if (result != STORE_OK)
		trouble("page", result);
}

/* The segment is whole; worth keeping where it saves looking at enough. */
static void
finish(struct msg *m)
{
	enum store_result result;
	const uint8_t *p;
	size_t len;

	p = msg_get_rest(m, &len);
	if (len > STORE_INDEX_HINT || state.feed.open > 0 || !state.ended) {
		m->bad = true;
		return;
	}
	if (state.nin < INDEX_MIN / 2) {
		trouble("too few messages", STORE_OK);
		return;
	}
	result = store_index_end(state.index, state.in, state.nin, p, len);
	if (result != STORE_OK) {
		trouble("end", result);
		return;
	}
	log_debug("account=%s indexed: messages=%zu", log_addr(vault_account()),
	    state.nin);
}

static void
trouble(const char *what, enum store_result result)
{
	if (result != STORE_OK)
		log_warnx("account=%s search index: %s: %s",
		    log_addr(vault_account()), what, store_strerror(result));
	build_end();
	later(INDEX_TROUBLE_S * 1000);
}

static void
index_gone(struct wire *w, void *arg)
{
	/* All the places for what can wait were taken. */
	if (state.building && !state.heard) {
		build_end();
		later(INDEX_BUSY_S * 1000);
	} else if (state.building)
		trouble("the worker ended", STORE_UNKNOWN);
	else
		build_end();
}

/* The worker goes, and what was not finished with it. */
static void
build_end(void)
{
	state.building = false;
	feed_end(&state.feed);
	wire_free(state.worker);
	state.worker = NULL;
	if (state.index != NULL)
		store_index_abort(state.index);
	free(state.todo);
	free(state.in);
	state.todo = state.in = NULL;
	state.ntodo = 0;
}

static void
later(int ms)
{
	struct timeval tv;

	if (!state.ready || state.failed)
		return;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)evtimer_add(&state.ev, &tv);
}

static time_t
monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}
