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
 * The queue in its journal.  A record is a type and its fields; sealstore(5)
 * lists them.  Each says what is so from then on, so that records of a
 * compaction may come again after it was cut short.
 */

#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "log.h"
#include "main.h"
#include "origins.h"
#include "queue.h"
#include "seal_log.h"
#include "tally.h"

#define FRAME_FULL (SEAL_FRAME_MAX / 4) /* octets: then a frame is written */
#ifndef COMPACT_MIN                     /* the test of faults has another */
#define COMPACT_MIN (16 * 1024 * 1024)  /* octets of a journal worth it */
#endif
#define COMPACT_SLICE 200 /* messages between other work */
#define ENTRY_GUESS 1024  /* octets of a message's records */

enum record {
	/*
	 * raw[16] id, str sender, str login, str envid, str trace, u64 file,
	 * u64 head offset, u64 body, u32 head, u64 arrival, u64 expiry, u8
	 * flags, u8 codec, u8 ret, u16 recipients.  RCPTs and CHANGEs of this
	 * id that follow are about it; WHOLE ends it.
	 */
	RECORD_ENTER = 1,
	/* raw[16] id, str address, str destination, str orcpt, u8 notify */
	RECORD_RCPT = 2,
	/*
	 * raw[16] id, u16 index, u8 state, u16 attempts, u8 warned (1), due
	 * for a warning (2), held (4), u64 next, u8 verdict follows: u64 time,
	 * u16 code, str status, str host, str text
	 */
	RECORD_CHANGE = 3,
	RECORD_GONE = 4, /* raw[16] id */
	/* str name, u64 next, u16 failures, u8 held, bytes memory */
	RECORD_DEST = 5,
	RECORD_HOLD = 6, /* u8: everything is held */
	/* raw[16] id: it is in the queue, in place of one of that id. */
	RECORD_WHOLE = 7,
	/* u32 day, u8 policy, u8 result, u64 sessions, str dest, str host */
	RECORD_TALLY = 8,
	RECORD_ORIGIN = 9 /* u32 day, u64 messages, bytes row */
};

/* Records for a frame. */
struct batch {
	TAILQ_ENTRY(batch) entry;
	struct buf buf;
	uint16_t n;
};
static TAILQ_HEAD(batches, batch) changes = TAILQ_HEAD_INITIALIZER(changes);

static struct message *coming; /* between ENTER and WHOLE */

static bool compacting;

static int replay(struct reader *);
static int replay_enter(struct reader *);
static int replay_rcpt(struct reader *);
static int replay_change(struct reader *);
static int replay_gone(struct reader *);
static int replay_dest(struct reader *);
static int replay_whole(struct reader *);
static int replay_tally(struct reader *);
static int replay_origin(struct reader *);
static void compact_counts(void);
static struct message *replay_find(const uint8_t *);
static void replay_verdict(struct reader *, struct rcpt *);
static void put_enter(struct buf *, const struct message *);
static void put_rcpt(struct buf *, const struct message *, const struct rcpt *);
static void put_change(struct buf *, const struct message *, uint16_t);
static void put_dest(struct buf *, const struct dest *);
static int put_message(const struct message *);
static struct buf *note(void);
static void batch_free(struct batch *);
static int flush(struct buf *, uint16_t *, size_t);
static bool known(const uint8_t *);
static void settle_open(void);
static bool compact_due(void);
static void compact_dest(struct dest *, void *);

void
record_open(int dirfd, const uint8_t key[QUEUE_KEY_LEN])
{
	enum journal_state state;
	int n;

	if (journal_open(dirfd, key, replay, &state) == -1)
		fatal("queue: the journal");
	settle_open();
	/* With a part of the journal missing, files may be all there is. */
	if (state == JOURNAL_DAMAGED) {
		log_warnx("queue: damaged; files without an entry are kept");
		return;
	}
	n = spool_clean(known);
	if (n == -1)
		fatal("queue: msg");
	log_info("queue messages=%zu unfinished=%d", message_count(), n);
}

void
note_rcpt(const struct message *m, uint16_t index)
{
	put_change(note(), m, index);
}

void
note_gone(const uint8_t id[QUEUE_ID_LEN])
{
	struct buf *b;

	b = note();
	buf_u8(b, RECORD_GONE);
	buf_raw(b, id, QUEUE_ID_LEN);
}

void
note_dest(const struct dest *d)
{
	put_dest(note(), d);
}

/* The whole count: to read it twice changes nothing. */
void
note_tally(const struct tally *t)
{
	struct buf *b;

	b = note();
	buf_u8(b, RECORD_TALLY);
	buf_u32(b, t->day);
	buf_u8(b, t->policy);
	buf_u8(b, t->result);
	buf_u64(b, t->sessions);
	buf_str(b, t->dest);
	buf_str(b, t->host);
}

void
note_origin(const struct origins_row *o)
{
	struct buf *b;

	b = note();
	buf_u8(b, RECORD_ORIGIN);
	buf_u32(b, o->day);
	buf_u64(b, o->messages);
	buf_bytes(b, o->row, o->len);
}

void
note_hold(void)
{
	struct buf *b;

	b = note();
	buf_u8(b, RECORD_HOLD);
	buf_u8(b, sched_held());
}

bool
record_pending(void)
{
	return !TAILQ_EMPTY(&changes);
}

int
record_changes(void)
{
	struct batch *b;

	while ((b = TAILQ_FIRST(&changes)) != NULL) {
		if (journal_write(&b->buf, b->n) == -1)
			return -1;
		batch_free(b);
	}
	return 0;
}

/* Changes noted before go first, since they may be what made room. */
int
record_enter(const struct message *m)
{
	return record_changes() == -1 ? -1 : put_message(m);
}

/*
 * Everything that is in the queue goes to a new segment, a slice at a time;
 * what changes meanwhile goes there too.  A message that was dumped once need
 * not be again: its later changes follow.
 */
bool
record_compact(void)
{
	struct message *m;
	unsigned int n;

	if (!compacting) {
		if (!compact_due())
			return false;
		if (record_changes() == -1 || journal_next() == -1) {
			log_warn("queue: a new segment");
			return false;
		}
		compacting = true;
		TAILQ_FOREACH (m, messages(), order)
			m->dumped = false;
		dest_each(compact_dest, NULL);
		note_hold();
		compact_counts();
		return true;
	}
	n = 0;
	TAILQ_FOREACH (m, messages(), order) {
		if (m->dumped)
			continue;
		if (record_enter(m) == -1) {
			log_warn("queue: compaction");
			return false;
		}
		m->dumped = true;
		if (++n == COMPACT_SLICE)
			return true;
	}
	if (record_changes() == -1 || journal_settle() == -1) {
		log_warn("queue: compaction");
		return false;
	}
	compacting = false;
	log_info("queue compacted octets=%" PRIu64, journal_size());
	return false;
}

/* Room for one more change. */
static struct buf *
note(void)
{
	struct batch *b;

	b = TAILQ_LAST(&changes, batches);
	if (b == NULL || b->buf.len >= FRAME_FULL) {
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			fatal("calloc");
		TAILQ_INSERT_TAIL(&changes, b, entry);
	}
	b->n++;
	return &b->buf;
}

static void
batch_free(struct batch *b)
{
	TAILQ_REMOVE(&changes, b, entry);
	buf_free(&b->buf);
	free(b);
}

/*
 * All of a message, as it is now.  Where the last of several frames fails, the
 * first ones are a message that never became whole.
 */
static int
put_message(const struct message *m)
{
	struct buf b = {0};
	const struct rcpt *r;
	uint16_t n;
	int ret, saved_errno;

	put_enter(&b, m);
	n = 1;
	ret = 0;
	for (uint16_t i = 0; ret == 0 && i < m->n; i++) {
		r = &m->rcpts[i];
		put_rcpt(&b, m, r);
		n++;
		if (r->attempts > 0 || r->verdict != NULL ||
		    r->state != RCPT_WAIT || r->warned || r->warning ||
		    (r->work != NULL && r->work->held)) {
			put_change(&b, m, i);
			n++;
		}
		ret = flush(&b, &n, FRAME_FULL);
	}
	if (ret == 0) {
		buf_u8(&b, RECORD_WHOLE);
		buf_raw(&b, m->id, sizeof(m->id));
		n++;
		ret = flush(&b, &n, 0);
	}
	saved_errno = errno;
	buf_free(&b);
	errno = saved_errno;
	return ret;
}

/* Frames of records, once there are more than enough octets. */
static int
flush(struct buf *b, uint16_t *n, size_t enough)
{
	if (*n == 0 || b->len < enough)
		return 0;
	if (journal_write(b, *n) == -1)
		return -1;
	buf_clear(b);
	*n = 0;
	return 0;
}

static int
replay(struct reader *r)
{
	int ret;

	switch (read_u8(r)) {
	case RECORD_ENTER:
		ret = replay_enter(r);
		break;
	case RECORD_RCPT:
		ret = replay_rcpt(r);
		break;
	case RECORD_CHANGE:
		ret = replay_change(r);
		break;
	case RECORD_GONE:
		ret = replay_gone(r);
		break;
	case RECORD_DEST:
		ret = replay_dest(r);
		break;
	case RECORD_WHOLE:
		ret = replay_whole(r);
		break;
	case RECORD_TALLY:
		ret = replay_tally(r);
		break;
	case RECORD_ORIGIN:
		ret = replay_origin(r);
		break;
	case RECORD_HOLD:
		sched_hold(read_u8(r) != 0);
		ret = 0;
		break;
	default:
		ret = -1;
	}
	return r->bad ? -1 : ret;
}

static int
replay_enter(struct reader *r)
{
	struct message *m;
	uint8_t id[QUEUE_ID_LEN];
	char *text[4];
	static const size_t sizes[] = {QUEUE_ADDRESS_MAX, QUEUE_ADDRESS_MAX,
	    QUEUE_ENVID_MAX, QUEUE_TRACE_MAX};
	struct spool_sizes file;
	int64_t arrival, expiry;
	uint8_t flags, codec, ret;
	uint16_t n;

	read_raw(r, id, sizeof(id));
	for (size_t i = 0; i < 4; i++)
		text[i] = read_str(r, sizes[i]);
	file.file = read_u64(r);
	file.head_off = read_u64(r);
	file.body = read_u64(r);
	file.head = read_u32(r);
	arrival = (int64_t)read_u64(r);
	expiry = (int64_t)read_u64(r);
	flags = read_u8(r);
	codec = read_u8(r);
	ret = read_u8(r);
	n = read_u16(r);
	if (r->bad || n == 0 || n > QUEUE_RCPTS_MAX) {
		for (size_t i = 0; i < 4; i++)
			free(text[i]);
		return -1;
	}
	message_free(coming);
	m = coming = message_new(id, n);
	m->sender = text[0];
	m->login = text[1];
	m->envid = text[2];
	m->trace = text[3];
	m->sizes = file;
	m->arrival = arrival;
	m->expiry = expiry;
	m->flags = flags;
	m->codec = codec;
	m->ret = ret;
	return 0;
}

static int
replay_rcpt(struct reader *r)
{
	struct message *m;
	uint8_t id[QUEUE_ID_LEN];
	char *address, *dest, *orcpt;
	uint8_t notify;
	int ret;

	read_raw(r, id, sizeof(id));
	address = read_str(r, QUEUE_ADDRESS_MAX);
	dest = read_str(r, QUEUE_DEST_MAX);
	orcpt = read_str(r, QUEUE_ORCPT_MAX);
	notify = read_u8(r);
	ret = -1;
	m = coming;
	if (!r->bad && m != NULL && memcmp(m->id, id, sizeof(id)) == 0 &&
	    m->known < m->n && message_add(m, address, dest, orcpt, notify))
		ret = 0;
	free(address);
	free(dest);
	free(orcpt);
	return ret;
}

/*
 * After a compaction, changes may stand before the message, which was written
 * later and with them: those are of no message here.
 */
static int
replay_change(struct reader *r)
{
	struct message *m;
	struct rcpt *rcpt, nobody;
	uint8_t id[QUEUE_ID_LEN];
	int64_t next;
	uint16_t index, attempts;
	uint8_t state, warned;

	read_raw(r, id, sizeof(id));
	index = read_u16(r);
	state = read_u8(r);
	attempts = read_u16(r);
	warned = read_u8(r);
	next = (int64_t)read_u64(r);
	m = replay_find(id);
	if (r->bad || state < RCPT_WAIT || state > RCPT_DELIVERED ||
	    (m != NULL && index >= m->known))
		return -1;
	memset(&nobody, 0, sizeof(nobody));
	rcpt = m != NULL ? &m->rcpts[index] : &nobody;
	rcpt->attempts = attempts;
	rcpt->warned = (warned & 1) != 0;
	rcpt->warning = (warned & 2) != 0;
	if (read_u8(r) != 0)
		replay_verdict(r, rcpt);
	if (m == NULL)
		rcpt_clear(rcpt);
	else if (state != RCPT_WAIT)
		rcpt_settle(m, rcpt, state);
	else if (rcpt->work != NULL) {
		rcpt->work->next = next;
		rcpt->work->held = (warned & 4) != 0;
	}
	return 0;
}

static void
replay_verdict(struct reader *r, struct rcpt *rcpt)
{
	char *status, *host, *text;
	int64_t when;
	uint16_t code;

	when = (int64_t)read_u64(r);
	code = read_u16(r);
	status = read_str(r, QUEUE_STATUS_MAX);
	host = read_str(r, QUEUE_HOST_MAX);
	text = read_str(r, QUEUE_TEXT_MAX);
	if (!r->bad)
		rcpt_verdict(rcpt, when, code, status, host, text);
	free(status);
	free(host);
	free(text);
}

/* One that is gone already was dumped by no compaction: fine. */
static int
replay_gone(struct reader *r)
{
	uint8_t id[QUEUE_ID_LEN];

	read_raw(r, id, sizeof(id));
	if (!r->bad)
		message_free(message_find(id));
	return 0;
}

static int
replay_dest(struct reader *r)
{
	struct dest *d;
	const uint8_t *memory;
	char *name;
	int64_t next;
	size_t len;
	uint16_t failures;
	uint8_t held;

	name = read_str(r, QUEUE_DEST_MAX);
	next = (int64_t)read_u64(r);
	failures = read_u16(r);
	held = read_u8(r);
	memory = read_bytes(r, &len, QUEUE_MEMORY_MAX);
	d = r->bad ? NULL : dest_get(name);
	free(name);
	if (d == NULL)
		return -1;
	d->next = next;
	d->failures = failures;
	d->held = held != 0;
	dest_remember(d, memory, len);
	dest_prune(d);
	return 0;
}

static int
replay_whole(struct reader *r)
{
	uint8_t id[QUEUE_ID_LEN];

	read_raw(r, id, sizeof(id));
	if (r->bad || coming == NULL ||
	    memcmp(coming->id, id, sizeof(id)) != 0 ||
	    coming->known < coming->n)
		return -1;
	message_insert(coming);
	coming = NULL;
	return 0;
}

static int
replay_tally(struct reader *r)
{
	struct tally t;
	char *dest, *host;

	memset(&t, 0, sizeof(t));
	t.day = read_u32(r);
	t.policy = read_u8(r);
	t.result = read_u8(r);
	t.sessions = read_u64(r);
	dest = read_str(r, sizeof(t.dest));
	host = read_str(r, sizeof(t.host));
	(void)strlcpy(t.dest, dest, sizeof(t.dest));
	(void)strlcpy(t.host, host, sizeof(t.host));
	free(dest);
	free(host);
	if (r->bad || t.policy > TLS_POLICY_DANE ||
	    t.result >= QUEUE_TLS_RESULTS)
		return -1;
	tally_set(&t);
	return 0;
}

static int
replay_origin(struct reader *r)
{
	const uint8_t *row;
	uint64_t messages;
	uint32_t day;
	size_t len;

	day = read_u32(r);
	messages = read_u64(r);
	row = read_bytes(r, &len, QUEUE_ORIGIN_MAX);
	if (r->bad)
		return -1;
	origins_set(day, messages, row, len);
	return 0;
}

/* What was counted, of each row the whole. */
static void
compact_counts(void)
{
	const struct origins_row *o;
	const struct tally *t;

	for (t = tally_after(NULL); t != NULL; t = tally_after(t))
		note_tally(t);
	for (o = origins_after(0, NULL, 0); o != NULL;
	     o = origins_after(o->day, o->row, o->len))
		note_origin(o);
}

static struct message *
replay_find(const uint8_t *id)
{
	if (coming != NULL && memcmp(coming->id, id, QUEUE_ID_LEN) == 0)
		return coming;
	return message_find(id);
}

static void
put_enter(struct buf *b, const struct message *m)
{
	buf_u8(b, RECORD_ENTER);
	buf_raw(b, m->id, sizeof(m->id));
	buf_str(b, m->sender);
	buf_str(b, m->login);
	buf_str(b, m->envid);
	buf_str(b, m->trace);
	buf_u64(b, m->sizes.file);
	buf_u64(b, m->sizes.head_off);
	buf_u64(b, m->sizes.body);
	buf_u32(b, m->sizes.head);
	buf_u64(b, (uint64_t)m->arrival);
	buf_u64(b, (uint64_t)m->expiry);
	buf_u8(b, m->flags);
	buf_u8(b, m->codec);
	buf_u8(b, m->ret);
	buf_u16(b, m->n);
}

static void
put_rcpt(struct buf *b, const struct message *m, const struct rcpt *r)
{
	buf_u8(b, RECORD_RCPT);
	buf_raw(b, m->id, sizeof(m->id));
	buf_str(b, r->address);
	/* One that waits for nothing needs no destination any more. */
	buf_str(b, r->work != NULL ? r->work->dest->name : "");
	buf_str(b, r->orcpt);
	buf_u8(b, r->notify);
}

static void
put_change(struct buf *b, const struct message *m, uint16_t index)
{
	const struct rcpt *r;
	const struct verdict *v;

	r = &m->rcpts[index];
	v = r->verdict;
	buf_u8(b, RECORD_CHANGE);
	buf_raw(b, m->id, sizeof(m->id));
	buf_u16(b, index);
	buf_u8(b, r->state);
	buf_u16(b, r->attempts);
	buf_u8(b,
	    (uint8_t)(r->warned | r->warning << 1 |
		(r->work != NULL && r->work->held) << 2));
	buf_u64(b, r->work != NULL ? (uint64_t)r->work->next : 0);
	buf_u8(b, v != NULL);
	if (v == NULL)
		return;
	buf_u64(b, (uint64_t)v->when);
	buf_u16(b, v->code);
	buf_str(b, v->status);
	buf_str(b, v->host);
	buf_str(b, v->text);
}

static void
put_dest(struct buf *b, const struct dest *d)
{
	buf_u8(b, RECORD_DEST);
	buf_str(b, d->name);
	buf_u64(b, (uint64_t)d->next);
	buf_u16(b, d->failures);
	buf_u8(b, d->held);
	buf_bytes(b, d->memory, d->memory_len);
}

static bool
known(const uint8_t *id)
{
	return message_find(id) != NULL;
}

/* After the journal was read: what is not whole goes, the rest waits. */
static void
settle_open(void)
{
	struct message *m, *next;

	message_free(coming);
	coming = NULL;
	TAILQ_FOREACH_SAFE (m, messages(), order, next) {
		if (m->left == 0)
			message_free(m);
		else
			message_start(m);
	}
}

/* More than half of the journal is about what is no more. */
static bool
compact_due(void)
{
	uint64_t size;

	size = journal_size();
	return size > COMPACT_MIN &&
	    size / 2 > (uint64_t)message_count() * ENTRY_GUESS;
}

/* What is known of it, where there is more than its name. */
static void
compact_dest(struct dest *d, void *arg)
{
	(void)arg;
	if (d->memory_len > 0 || d->held || d->failures > 0 || d->next > 0)
		note_dest(d);
}
