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
 * What sealctl asks of the queue.  The parent has checked who runs it.
 */

#include <sys/types.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "log.h"
#include "main.h"
#include "msg.h"
#include "origins.h"
#include "peer.h"
#include "seal.h"
#include "tally.h"

#define CONTROLS_MAX 16
#define CHUNK_LAST 2
#define CHUNK_FAILED 4
#define RCPT_ROOM                                                   \
	(QUEUE_TRACE_MAX + 2 * QUEUE_ADDRESS_MAX + QUEUE_DEST_MAX + \
	    QUEUE_STATUS_MAX + QUEUE_HOST_MAX + QUEUE_TEXT_MAX + 128)

struct filter {
	char id[QUEUE_TRACE_MAX];
	char dest[QUEUE_DEST_MAX];
	char sender[QUEUE_ADDRESS_MAX];
	char rcpt[QUEUE_ADDRESS_MAX];
};

struct control {
	struct wire *wire;
	uid_t uid;
	bool may_change;
	struct filter filter;
	uint32_t what;
	uint32_t n;
	uint32_t reports; /* passed by: their senders are to be told */
	int64_t when;
	bool report;
	bool busy;

	/* A list: where it stands. */
	uint8_t after[QUEUE_ID_LEN];
	bool begun;

	struct tally tally; /* the same, of the tallies */
	uint32_t day;       /* ... of the rows about where mail is from */
	uint8_t row[QUEUE_ORIGIN_MAX];
	size_t row_len;

	/* A message. */
	struct spool_in *in;
};

static unsigned int ncontrols;

static void control_handle(struct wire *, struct msg *, void *);
static void control_gone(struct wire *, void *);
static int control_take(struct control *, struct msg *);
static void control_stats(struct control *);
static void control_list(struct wire *, void *);
static void control_tallies(struct wire *, void *);
static void control_origins(struct wire *, void *);
static void control_all(struct control *);
static bool control_dest(struct control *);
static bool control_message(struct control *, struct message *);
static void control_open(struct control *);
static void control_chunk(struct wire *, void *);
static void control_end(struct control *, enum queue_result);
static bool matches(const struct filter *, const struct message *);
static bool
matches_rcpt(const struct filter *, const struct message *, uint16_t);
static bool filter_empty(const struct filter *);
static const char *dest_name(const struct rcpt *);
static int64_t rcpt_next(const struct rcpt *);
static void put_rcpt(struct control *, const struct message *, uint16_t);
static bool change_rcpt(struct control *, struct message *, uint16_t, int64_t);
static bool drop_report(struct control *, struct message *, uint16_t);

void
control_start(uid_t uid, bool may_change, int fd)
{
	struct control *c;

	if (ncontrols == CONTROLS_MAX) {
		log_warnx("too many control tools");
		(void)wire_detach(wire_new(fd, NULL, NULL, NULL));
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->uid = uid;
	c->may_change = may_change;
	c->wire = wire_new(fd, control_handle, control_gone, c);
	ncontrols++;
}

static void
control_handle(struct wire *wire, struct msg *msg, void *arg)
{
	if (control_take(arg, msg) == 0)
		return;
	log_warnx("sealctl: bad message type=%u", msg->type);
	wire_fail(wire);
}

static void
control_gone(struct wire *wire, void *arg)
{
	struct control *c;

	c = arg;
	spool_close(c->in);
	wire_free(wire);
	ncontrols--;
	free(c);
}

static int
control_take(struct control *c, struct msg *msg)
{
	struct filter *f;

	f = &c->filter;
	if (c->busy || msg_get_u32(msg) != QUEUE_VERSION)
		return -1;
	c->what = msg->type;
	c->n = c->reports = 0;
	if (c->what == QUEUE_CTL_STATS) {
		if (msg_end(msg) == -1)
			return -1;
		control_stats(c);
		return 0;
	}
	if (c->what == QUEUE_CTL_TLS || c->what == QUEUE_CTL_DMARC) {
		if (msg_end(msg) == -1)
			return -1;
		c->busy = true;
		c->begun = false;
		wire_produce(c->wire,
		    c->what == QUEUE_CTL_TLS ? control_tallies :
					       control_origins);
		return 0;
	}
	(void)msg_get_str(msg, f->id, sizeof(f->id));
	(void)msg_get_str(msg, f->dest, sizeof(f->dest));
	(void)msg_get_str(msg, f->sender, sizeof(f->sender));
	(void)msg_get_str(msg, f->rcpt, sizeof(f->rcpt));
	if (c->what == QUEUE_CTL_REMOVE)
		c->report = msg_get_u8(msg) != 0;
	if (c->what == QUEUE_CTL_RESCHEDULE)
		c->when = msg_get_i64(msg);
	if (msg_end(msg) == -1 || c->what < QUEUE_CTL_LIST ||
	    c->what > QUEUE_CTL_MESSAGE)
		return -1;
	c->busy = true;
	if (c->what != QUEUE_CTL_LIST && !c->may_change) {
		control_end(c, QUEUE_REFUSED);
		return 0;
	}
	if (c->what == QUEUE_CTL_LIST) {
		c->begun = false;
		wire_produce(c->wire, control_list);
	} else if (c->what == QUEUE_CTL_MESSAGE)
		control_open(c);
	else
		control_all(c);
	return 0;
}

static void
control_stats(struct control *c)
{
	struct message *m;
	struct msgout *out;
	struct work *w;
	uint64_t rcpts, jobs;

	rcpts = jobs = 0;
	TAILQ_FOREACH (m, messages(), order) {
		rcpts += m->left;
		LIST_FOREACH (w, &m->works, list)
			jobs += w->active;
	}
	out = msg_new(c->wire, QUEUE_CTL_COUNTS, 0);
	msg_put_u64(out, message_count());
	msg_put_u64(out, rcpts);
	msg_put_u64(out, dest_count());
	msg_put_u64(out, jobs);
	msg_put_u64(out, journal_size());
	msg_put_u8(out, sched_held());
	msg_send(out);
}

/* A message's recipients at a time, as the wire takes them. */
static void
control_list(struct wire *wire, void *arg)
{
	static const uint8_t zero[QUEUE_ID_LEN];
	struct control *c;
	struct message *m;
	uint32_t before;

	c = arg;
	before = c->n;
	do {
		m = message_after(c->begun ? c->after : zero);
		c->begun = true;
		if (m == NULL) {
			wire_produce(wire, NULL);
			control_end(c, QUEUE_DONE);
			return;
		}
		memcpy(c->after, m->id, sizeof(c->after));
		if (!matches(&c->filter, m))
			continue;
		for (uint16_t i = 0; i < m->n; i++)
			if (matches_rcpt(&c->filter, m, i))
				put_rcpt(c, m, i);
		/* A generator that says nothing is not asked again. */
	} while (c->n == before);
}

/* A row at a time, as the wire takes them. */
static void
control_tallies(struct wire *wire, void *arg)
{
	const struct tally *t;
	struct control *c;
	struct msgout *out;

	c = arg;
	t = tally_after(c->begun ? &c->tally : NULL);
	if (t == NULL) {
		wire_produce(wire, NULL);
		control_end(c, QUEUE_DONE);
		return;
	}
	c->begun = true;
	c->tally = *t;
	c->n++;
	out = msg_new(wire, QUEUE_CTL_TALLY, 0);
	msg_put_u32(out, t->day);
	msg_put_u64(out, t->sessions);
	msg_put_u8(out, t->policy);
	msg_put_u8(out, t->result);
	msg_put_str(out, t->dest);
	msg_put_str(out, t->host);
	msg_send(out);
}

static void
control_origins(struct wire *wire, void *arg)
{
	const struct origins_row *o;
	struct control *c;
	struct msgout *out;

	c = arg;
	o = origins_after(c->day, c->begun ? c->row : NULL, c->row_len);
	if (o == NULL) {
		wire_produce(wire, NULL);
		control_end(c, QUEUE_DONE);
		return;
	}
	c->begun = true;
	c->day = o->day;
	memcpy(c->row, o->row, o->len);
	c->row_len = o->len;
	c->n++;
	out = msg_new(wire, QUEUE_CTL_ORIGIN, 0);
	msg_put_u32(out, o->day);
	msg_put_u64(out, o->messages);
	msg_put_bytes(out, o->row, o->len);
	msg_send(out);
}

/* As sealctl(8) calls it. */
static const char *
control_name(uint32_t what)
{
	switch (what) {
	case QUEUE_CTL_FLUSH:
		return "flush";
	case QUEUE_CTL_PAUSE:
		return "pause";
	case QUEUE_CTL_RESUME:
		return "resume";
	case QUEUE_CTL_REMOVE:
		return "remove";
	case QUEUE_CTL_RESCHEDULE:
		return "reschedule";
	default:
		return "other";
	}
}

static void
control_all(struct control *c)
{
	struct message *m, *next;

	log_info("control uid=%u what=%s", (unsigned int)c->uid,
	    control_name(c->what));
	if (filter_empty(&c->filter) &&
	    (c->what == QUEUE_CTL_PAUSE || c->what == QUEUE_CTL_RESUME)) {
		sched_hold(c->what == QUEUE_CTL_PAUSE);
		note_hold();
	} else if (!control_dest(c))
		TAILQ_FOREACH_SAFE (m, messages(), order, next)
			if (matches(&c->filter, m) && control_message(c, m))
				message_look(m);
	sync_changes();
	jobs_run();
	control_end(c, QUEUE_DONE);
}

/* A destination as a whole, with what comes for it later. */
static bool
control_dest(struct control *c)
{
	const struct filter *f;
	struct dest *d;

	f = &c->filter;
	if (f->id[0] != '\0' || f->sender[0] != '\0' || f->rcpt[0] != '\0' ||
	    (c->what != QUEUE_CTL_PAUSE && c->what != QUEUE_CTL_RESUME))
		return false;
	d = dest_get(f->dest);
	if (d == NULL)
		return true;
	dest_hold(d, c->what == QUEUE_CTL_PAUSE);
	note_dest(d);
	c->n = d->nworks;
	dest_prune(d);
	return true;
}

/* true: a recipient was changed. */
static bool
control_message(struct control *c, struct message *m)
{
	int64_t now;
	bool changed;

	now = queue_now();
	changed = false;
	for (uint16_t i = 0; i < m->n; i++)
		if (matches_rcpt(&c->filter, m, i) &&
		    change_rcpt(c, m, i, now)) {
			c->n++;
			changed = true;
		}
	return changed;
}

static bool
change_rcpt(struct control *c, struct message *m, uint16_t i, int64_t now)
{
	struct rcpt *r;
	struct work *w;

	r = &m->rcpts[i];
	w = r->work;
	if (r->state != RCPT_WAIT || w == NULL)
		return drop_report(c, m, i);
	switch (c->what) {
	case QUEUE_CTL_FLUSH:
	case QUEUE_CTL_RESCHEDULE:
		work_take(w);
		w->next = c->what == QUEUE_CTL_FLUSH ? now : c->when;
		if (c->what == QUEUE_CTL_FLUSH)
			dest_reached(w->dest);
		if (!w->active)
			work_due(w, w->next);
		break;
	case QUEUE_CTL_PAUSE:
	case QUEUE_CTL_RESUME:
		work_hold(w, c->what == QUEUE_CTL_PAUSE);
		break;
	case QUEUE_CTL_REMOVE:
		rcpt_verdict(r, now, 0, "5.0.0", "",
		    "Removed from the queue by the administrator");
		rcpt_settle(
		    m, r, c->report ? report_state(m, r, true) : RCPT_DONE);
		break;
	}
	note_rcpt(m, i);
	return true;
}

/* Nothing but a report is left of it. */
static bool
drop_report(struct control *c, struct message *m, uint16_t i)
{
	if (c->what != QUEUE_CTL_REMOVE)
		return false;
	if (c->report) {
		c->reports++;
		return false;
	}
	rcpt_settle(m, &m->rcpts[i], RCPT_DONE);
	note_rcpt(m, i);
	return true;
}

static void
control_open(struct control *c)
{
	struct message *m;
	struct msgout *out;

	TAILQ_FOREACH (m, messages(), order)
		if (matches(&c->filter, m))
			break;
	c->in = m == NULL ? NULL : spool_open(m->id, &m->sizes);
	if (c->in == NULL) {
		control_end(c, m == NULL ? QUEUE_NONE : QUEUE_TROUBLE);
		return;
	}
	c->n = m->left;
	log_info("control uid=%u reads trace=%s", (unsigned int)c->uid,
	    log_vis(m->trace));
	out = msg_new(c->wire, QUEUE_CTL_CODEC, 0);
	msg_put_u8(out, m->codec);
	msg_send(out);
	wire_produce(c->wire, control_chunk);
}

static void
control_chunk(struct wire *wire, void *arg)
{
	struct spool_chunk chunk = {0};
	struct control *c;
	struct msgout *out;
	int r;

	c = arg;
	r = spool_get(c->in, &chunk);
	if (r != 1) {
		wire_produce(wire, NULL);
		spool_close(c->in);
		c->in = NULL;
		control_end(c, r == 0 ? QUEUE_DONE : QUEUE_TROUBLE);
		return;
	}
	out = msg_new(wire, QUEUE_CHUNK, 0);
	msg_put_u8(out, chunk.kind);
	msg_put_u8(out, chunk.flags);
	msg_put_u32(out, chunk.plain);
	msg_put_bytes(out, chunk.data, chunk.len);
	msg_send(out);
}

static void
control_end(struct control *c, enum queue_result res)
{
	struct msgout *out;

	c->busy = false;
	out = msg_new(c->wire, QUEUE_CTL_END, 0);
	msg_put_u8(out, (uint8_t)res);
	msg_put_u32(out, c->n);
	msg_put_u32(out, c->reports);
	msg_send(out);
}

static bool
matches(const struct filter *f, const struct message *m)
{
	char id[QUEUE_ID_LEN * 2 + 1];

	seal_hex(m->id, sizeof(m->id), id);
	if (f->id[0] != '\0' && strcmp(f->id, id) != 0 &&
	    strcmp(f->id, m->trace) != 0)
		return false;
	return f->sender[0] == '\0' || strcmp(f->sender, m->sender) == 0;
}

static bool
matches_rcpt(const struct filter *f, const struct message *m, uint16_t i)
{
	const struct rcpt *r;

	r = &m->rcpts[i];
	if (r->state == RCPT_DONE)
		return false;
	if (f->dest[0] != '\0' && strcmp(f->dest, dest_name(r)) != 0)
		return false;
	return f->rcpt[0] == '\0' || strcmp(f->rcpt, r->address) == 0;
}

static bool
filter_empty(const struct filter *f)
{
	return f->id[0] == '\0' && f->dest[0] == '\0' && f->sender[0] == '\0' &&
	    f->rcpt[0] == '\0';
}

static const char *
dest_name(const struct rcpt *r)
{
	return r->work == NULL ? "" : r->work->dest->name;
}

/* It waits for its own time, and for its destination's. */
static int64_t
rcpt_next(const struct rcpt *r)
{
	if (r->work == NULL)
		return 0;
	return r->work->next > r->work->dest->next ? r->work->next :
						     r->work->dest->next;
}

static void
put_rcpt(struct control *c, const struct message *m, uint16_t i)
{
	const struct verdict *v;
	const struct rcpt *r;
	struct msgout *out;
	enum queue_ctl_state state;

	r = &m->rcpts[i];
	v = rcpt_last(r);
	state = r->state != RCPT_WAIT || r->work == NULL ? QUEUE_CTL_REPORTS :
	    r->work->active                              ? QUEUE_CTL_ACTIVE :
	    r->work->held || r->work->dest->held || sched_held() ?
			      QUEUE_CTL_HELD :
			      QUEUE_CTL_WAITS;
	out = msg_new(c->wire, QUEUE_CTL_RCPT, 0);
	msg_put_raw(out, m->id, sizeof(m->id));
	msg_put_str(out, m->trace);
	msg_put_str(out, m->sender);
	msg_put_str(out, r->address);
	msg_put_str(out, dest_name(r));
	msg_put_u8(out, (uint8_t)state);
	msg_put_i64(out, m->arrival);
	msg_put_i64(out, m->expiry);
	msg_put_i64(out, rcpt_next(r));
	msg_put_u16(out,
	    (uint16_t)(r->attempts +
		(r->work != NULL ? r->work->dest->failures : 0)));
	msg_put_u64(out, m->sizes.body + m->sizes.head);
	msg_put_u16(out, v->code);
	msg_put_str(out, v->status != NULL ? v->status : "");
	msg_put_str(out, v->host != NULL ? v->host : "");
	msg_put_str(out, v->text != NULL ? v->text : "");
	msg_send(out);
	c->n++;
}
