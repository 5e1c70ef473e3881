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
 * What relays get: a job is the recipients of one message at one destination.
 * A relay is told of the message's envelope, asks for its octets when the
 * remote server wants them, and says what came of each recipient.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "log.h"
#include "main.h"
#include "msg.h"
#include "peer.h"
#include "tally.h"

#define CREDIT_MAX 100000
#define RUN_MAX 100          /* jobs handed out between other work */
#define RUN_SECONDS_MAX 3600 /* a later time would overflow the timer's */
#define ALONE_SECONDS 10     /* that due mail waits for a relay unsaid */

struct job {
	RB_ENTRY(job) entry;
	struct peer *peer;
	uint32_t id;
	struct work *work;
	uint16_t left; /* recipients without an outcome */
	uint8_t *told; /* bits: those that had one, or were no part of it */
};

struct outcome {
	char status[QUEUE_STATUS_MAX];
	char host[QUEUE_HOST_MAX];
	char text[QUEUE_TEXT_MAX];
	uint16_t index;
	uint16_t code;
	uint8_t what;
};

static struct event run_event;
static uint32_t next_id;
static int64_t alone_since; /* mail is due, and no relay is there; or 0 */
static bool alone_said;

static int job_compare(const struct job *, const struct job *);
static struct job *job_find(struct peer *, uint32_t);
static void run(int, short, void *);
static void run_in(int64_t);
static struct peer *relay_ready(void);
static int64_t alone(int64_t);
static void job_start(struct peer *, struct work *);
static void job_put(struct msgout *, struct job *);
static void outcome_take(struct job *, const struct outcome *, int64_t);
static const char *outcome_name(uint8_t);
static void outcome_defer(struct job *, struct rcpt *, int64_t);
static void job_over(struct job *);
static void job_free(struct job *);

RB_PROTOTYPE(job_tree, job, entry, job_compare)
RB_GENERATE(job_tree, job, entry, job_compare)

void
jobs_init(void)
{
	evtimer_set(&run_event, run, NULL);
}

void
jobs_run(void)
{
	run_in(0);
}

int
job_ready(struct peer *peer, struct msg *msg)
{
	uint32_t more;

	more = msg_get_u32(msg);
	if (msg_end(msg) == -1 || more > CREDIT_MAX - peer->credit)
		return -1;
	peer->credit += more;
	if (alone_said)
		log_info("there is a smtp-relay again");
	alone_said = false;
	alone_since = 0;
	jobs_run();
	return 0;
}

int
job_outcome(struct peer *peer, struct msg *msg)
{
	static struct outcome o;
	struct job *j;
	int64_t now;
	uint16_t n;

	j = job_find(peer, msg->id);
	if (j == NULL)
		return -1;
	now = queue_now();
	for (n = msg_get_u16(msg); n > 0; n--) {
		o.index = msg_get_u16(msg);
		o.what = msg_get_u8(msg);
		o.code = msg_get_u16(msg);
		(void)msg_get_str(msg, o.status, sizeof(o.status));
		(void)msg_get_str(msg, o.host, sizeof(o.host));
		(void)msg_get_str(msg, o.text, sizeof(o.text));
		if (msg->bad || o.what < OUTCOME_SENT ||
		    o.what > OUTCOME_UNSURE || o.index >= j->work->message->n ||
		    (j->told[o.index / 8] & 1 << o.index % 8) != 0)
			return -1;
		outcome_take(j, &o, now);
	}
	if (msg_end(msg) == -1)
		return -1;
	dest_reached(j->work->dest);
	if (j->left == 0)
		job_over(j);
	return 0;
}

int
job_unreachable(struct peer *peer, struct msg *msg)
{
	char status[QUEUE_STATUS_MAX], host[QUEUE_HOST_MAX];
	char text[QUEUE_TEXT_MAX];
	struct message *m;
	struct dest *d;
	struct job *j;
	uint32_t seconds;
	int64_t now;

	j = job_find(peer, msg->id);
	seconds = msg_get_u32(msg);
	(void)msg_get_str(msg, status, sizeof(status));
	(void)msg_get_str(msg, host, sizeof(host));
	(void)msg_get_str(msg, text, sizeof(text));
	if (msg_end(msg) == -1 || j == NULL)
		return -1;
	now = queue_now();
	m = j->work->message;
	d = j->work->dest;
	dest_verdict(d, now, status, host, text);
	dest_unreachable(d, now, seconds);
	log_info("unreachable trace=%s dest=%s failures=%u host=%s text=%s",
	    log_vis(m->trace), log_addr(d->name), d->failures, log_vis(host),
	    log_vis(text));
	note_dest(d);
	j->work->next = now;
	job_over(j);
	return 0;
}

int
job_memory(struct peer *peer, struct msg *msg)
{
	char name[QUEUE_DEST_MAX];
	const uint8_t *data;
	struct dest *d;
	size_t len;

	(void)peer;
	(void)msg_get_str(msg, name, sizeof(name));
	data = msg_get_bytes(msg, &len, QUEUE_MEMORY_MAX);
	if (msg_end(msg) == -1)
		return -1;
	d = dest_get(name);
	if (d == NULL)
		return 0;
	dest_remember(d, data, len);
	note_dest(d);
	sync_changes();
	return 0;
}

int
job_tls(struct peer *peer, struct msg *msg)
{
	char dest[QUEUE_DEST_MAX], host[QUEUE_HOST_MAX];
	const struct tally *t;
	uint8_t policy, result;

	(void)peer;
	policy = msg_get_u8(msg);
	result = msg_get_u8(msg);
	(void)msg_get_str(msg, dest, sizeof(dest));
	(void)msg_get_str(msg, host, sizeof(host));
	if (msg_end(msg) == -1 || policy > TLS_POLICY_DANE ||
	    result >= QUEUE_TLS_RESULTS)
		return -1;
	t = tally_add(queue_now(), policy, result, dest, host);
	if (t != NULL) {
		note_tally(t);
		sync_changes();
	}
	return 0;
}

struct message *
job_message(struct peer *peer, uint32_t id)
{
	struct job *j;

	j = job_find(peer, id);
	return j == NULL ? NULL : j->work->message;
}

/*
 * What the relay had sent and not told, it may send again: the servers it
 * spoke to know the message by its Message-ID, if at all (RFC 5321 6.1).
 */
void
jobs_drop(struct peer *peer)
{
	struct job *j;

	while ((j = RB_MIN(job_tree, &peer->jobs)) != NULL) {
		j->work->next = queue_now() + queue_limits()->retry_min;
		job_over(j);
	}
}

static void
run(int fd, short what, void *arg)
{
	struct peer *peer;
	struct work *w;
	int64_t now, wake;
	unsigned int n;

	(void)fd;
	(void)what;
	(void)arg;
	now = queue_now();
	for (n = 0; n < RUN_MAX; n++) {
		peer = relay_ready();
		/* What cannot be noted should not be done. */
		w = peer == NULL || record_pending() ? NULL : sched_next(now);
		if (w == NULL)
			break;
		job_start(peer, w);
	}
	wake = relay_ready() == NULL ? alone(now) : sched_wake();
	if (n == RUN_MAX)
		run_in(0);
	else if (wake != -1)
		run_in(wake <= now                   ? 1 :
			wake > now + RUN_SECONDS_MAX ? RUN_SECONDS_MAX :
						       wake - now);
}

static void
run_in(int64_t seconds)
{
	struct timeval tv = {0};

	tv.tv_sec = (time_t)seconds;
	evtimer_del(&run_event);
	evtimer_add(&run_event, &tv);
}

/* The one with the most room. */
static struct peer *
relay_ready(void)
{
	struct peer *p, *best;

	best = NULL;
	TAILQ_FOREACH (p, peers(), list)
		if (p->kind == PEER_RELAY && p->credit > 0 &&
		    (best == NULL || p->credit > best->credit))
			best = p;
	return best;
}

/*
 * A host that only receives needs no relay, and one that sends may have to wait
 * for it at its start; mail that waits longer is worth a word.  Returns when to
 * look again, or -1.
 */
static int64_t
alone(int64_t now)
{
	struct peer *p;
	int64_t due;

	TAILQ_FOREACH (p, peers(), list)
		if (p->kind == PEER_RELAY)
			return -1;
	due = sched_wake();
	if (due == -1 || due > now || alone_said)
		return alone_said ? -1 : due;
	if (alone_since == 0)
		alone_since = now;
	if (now - alone_since < ALONE_SECONDS)
		return alone_since + ALONE_SECONDS;
	log_warnx("mail waits, and there is no smtp-relay: is sealrelayd "
		  "running?");
	alone_said = true;
	return -1;
}

static void
job_start(struct peer *peer, struct work *w)
{
	struct msgout *out;
	struct message *m;
	struct job *j;

	m = w->message;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		fatal("calloc");
	j->told = calloc(m->n / 8U + 1, 1);
	if (j->told == NULL)
		fatal("calloc");
	j->peer = peer;
	j->work = w;
	do
		j->id = ++next_id;
	while (j->id == 0 || RB_INSERT(job_tree, &peer->jobs, j) != NULL);
	peer->credit--;
	for (uint16_t i = 0; i < m->n; i++) {
		if (m->rcpts[i].work == w)
			j->left++;
		else
			j->told[i / 8] |= (uint8_t)(1 << i % 8);
	}
	count_add(COUNT_JOBS, 1);
	out = msg_new(peer->wire, QUEUE_JOB, j->id);
	job_put(out, j);
	msg_send(out);
}

/*
 * A packet has room for what a job may hold at most only where addresses are
 * of common lengths; recipients that do not fit come in a later job.
 */
static void
job_put(struct msgout *out, struct job *j)
{
	struct message *m;
	struct rcpt *r;
	size_t at;
	uint32_t n;

	m = j->work->message;
	msg_put_str(out, j->work->dest->name);
	msg_put_str(out, m->sender);
	msg_put_str(out, m->trace);
	msg_put_u8(out, m->flags);
	msg_put_u8(out, m->codec);
	msg_put_u32(out, m->sizes.head);
	msg_put_u64(out, m->sizes.body);
	msg_put_str(out, m->envid);
	msg_put_u8(out, m->ret);
	msg_put_bytes(out, j->work->dest->memory, j->work->dest->memory_len);
	at = msg_length(out);
	msg_put_u32(out, 0);
	n = 0;
	for (uint16_t i = 0; i < m->n; i++) {
		r = &m->rcpts[i];
		if (r->work != j->work)
			continue;
		if (msg_room(out) < QUEUE_ADDRESS_MAX + QUEUE_ORCPT_MAX + 16) {
			j->told[i / 8] |= (uint8_t)(1 << i % 8);
			j->left--;
			continue;
		}
		msg_put_u16(out, i);
		msg_put_str(out, r->address);
		msg_put_str(out, r->orcpt == NULL ? "" : r->orcpt);
		msg_put_u8(out, r->notify);
		n++;
	}
	msg_set_u32(out, at, n);
}

static void
outcome_take(struct job *j, const struct outcome *o, int64_t now)
{
	struct message *m;
	struct rcpt *r;

	m = j->work->message;
	r = &m->rcpts[o->index];
	j->told[o->index / 8] |= (uint8_t)(1 << o->index % 8);
	j->left--;
	/* An administrator may have removed it meanwhile. */
	if (r->state != RCPT_WAIT)
		return;
	rcpt_verdict(r, now, o->code, o->status, o->host, o->text);
	log_info("%s trace=%s to=%s host=%s code=%u status=%s text=%s",
	    outcome_name(o->what), log_vis(m->trace), log_addr(r->address),
	    log_vis(o->host), o->code, log_vis(o->status), log_vis(o->text));
	count_add(o->what == OUTCOME_FAILED ? COUNT_FAILED :
		o->what >= OUTCOME_DEFERRED ? COUNT_DEFERRED :
					      COUNT_SENT,
	    1);
	switch ((enum queue_outcome)o->what) {
	case OUTCOME_SENT:
		rcpt_settle(m, r, RCPT_DONE);
		break;
	case OUTCOME_RELAYED:
		rcpt_settle(m, r, report_state(m, r, false));
		break;
	case OUTCOME_FAILED:
		rcpt_settle(m, r, report_state(m, r, true));
		break;
	case OUTCOME_UNSURE:
		if (r->unsure < UNSURE_MAX)
			r->unsure++;
		/* FALLTHROUGH */
	case OUTCOME_DEFERRED:
		outcome_defer(j, r, now);
		break;
	}
	note_rcpt(m, o->index);
}

static const char *
outcome_name(uint8_t what)
{
	switch ((enum queue_outcome)what) {
	case OUTCOME_FAILED:
		return "failed";
	case OUTCOME_DEFERRED:
	case OUTCOME_UNSURE:
		return "deferred";
	case OUTCOME_SENT:
	case OUTCOME_RELAYED:
		break;
	}
	return "sent";
}

/*
 * Recipients of a job that are deferred wait for the longest of them.  Who may
 * have it already, and gets it again by each try, waits ever longer: so there
 * are few copies of it, and yet it is tried until its time is over.
 */
static void
outcome_defer(struct job *j, struct rcpt *r, int64_t now)
{
	int64_t next;

	if (r->attempts < UINT16_MAX)
		r->attempts++;
	next = now +
	    (r->unsure < 2 ? sched_backoff(r->attempts) :
			     sched_backoff(UINT16_MAX) << (r->unsure - 2));
	if (next > j->work->next)
		j->work->next = next;
}

/* What is left of its work waits again. */
static void
job_over(struct job *j)
{
	struct message *m;
	struct work *w;
	struct dest *d;

	w = j->work;
	m = w->message;
	d = w->dest;
	sched_work_done(w);
	if (w->left == 0) {
		work_free(w);
		dest_prune(d);
	} else
		work_due(w, w->next);
	job_free(j);
	message_look(m);
	sync_changes();
	jobs_run();
}

static void
job_free(struct job *j)
{
	stream_stop(j->peer, j->id);
	RB_REMOVE(job_tree, &j->peer->jobs, j);
	free(j->told);
	free(j);
}

static struct job *
job_find(struct peer *peer, uint32_t id)
{
	struct job key;

	memset(&key, 0, sizeof(key));
	key.id = id;
	return RB_FIND(job_tree, &peer->jobs, &key);
}

static int
job_compare(const struct job *a, const struct job *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}
