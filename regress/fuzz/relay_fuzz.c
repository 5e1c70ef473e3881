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
 * Fuzzer of smtp-relay, whole: servers that lie (replies, TLS, policies of
 * MTA-STS), the DNS and the queue as they may speak.  What leaves has no bare
 * CR or LF; nobody is told a password but who has proved its name; no mail goes
 * in clear that must not; nothing is said of a job that is over.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../usr.sbin/sealrelayd/relay/conn.c"
#include "../../usr.sbin/sealrelayd/relay/session.c"
/* Both have a table of callbacks. */
#define ops sts_ops
#include "../../usr.sbin/sealrelayd/relay/sts.c"
#undef ops

#include "harness.h"
#include "msg.h"

#define STEPS_MAX 64
#define WHAT_KIND 0x0f
#define WHAT_WHOM 0x70     /* the n-th of those that live */
#define WHAT_TOGETHER 0x80 /* with the next step */
#define SESSIONS 64
#define JOBS (STEPS_MAX + 1)
#define QUESTIONS 256
#define SET_DIRECT 0x01 /* of the first octet: no TLS is asked for */
#define SET_VERIFY 0x02 /* "require tls verify" */
#define TIME_MAX (40 * 86400)

enum step_kind {
	QUEUE_GIVES,   /* a job */
	QUEUE_SENDS,   /* u8 which job, a chunk */
	QUEUE_SAYS,    /* u32 type */
	QUEUE_GOES,    /* and comes back */
	DNS_ANSWERS,   /* the n-th question */
	DNS_GOES,      /* likewise */
	SERVER_SAYS,   /* octets */
	SERVER_ENDS,   /* closes the connection */
	SERVER_STALLS, /* or reads on */
	SERVER_TLS,    /* the handshake: u8 how it came out */
	TIMEOUT,
	TIME, /* u32 seconds */
	RELOAD,
	REFUSE /* the next n connections are */
};

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
uint32_t __wrap_arc4random_uniform(uint32_t);
void __wrap_arc4random_buf(void *, size_t);

struct tlsio {
	const struct tlsio_ops *ops;
	void *arg;
	uint8_t *in; /* exactly what is unread, so that its end is seen */
	size_t in_len;
	size_t queued;
	int fd;
	struct tlsio_peer peer;
	enum tlsio_result result;
	uint8_t last; /* octet that left */
	bool shakes;
	bool secure;
	bool stalls;
	bool full;
	bool gone; /* closed was called */
};

static struct {
	struct tlsio *sessions[SESSIONS];
	size_t n_sessions;
	int queue_fd, dns_fd;
	bool open[JOBS]; /* given, and not over */
	uint32_t n_jobs;
	uint32_t questions[QUESTIONS];
	size_t n_questions;
	int64_t now;
	unsigned int refuse;
} f;

static char auth[] = "user:secret", roots_text[] = "roots";
static struct route routes[] = {
    {"secure.test", "mx.secure.test", 25, RELAY_TLS_VERIFY, NULL},
    {"first.test", "192.0.2.1", 465, RELAY_TLS_FIRST, auth},
    {"auth.test", "mx.auth.test", 587, RELAY_TLS_VERIFY, auth},
    {"plain.test", "192.0.2.2", 25, RELAY_TLS_NONE, auth},
    {"may.test", "[IPv6:2001:db8::1]", 25, RELAY_TLS_MAY, auth},
};
static struct relay_config config = {.hostname = "relay.test",
    .jobs = 5,
    .routes = routes,
    .n_routes = sizeof(routes) / sizeof(routes[0])};

static void
must(bool good)
{
	if (!good)
		abort();
}

/* ---- of main.c -------------------------------------------------------- */

const struct relay_config *
relay_config(void)
{
	return &config;
}

/* One that is there; what it holds is the fake's. */
const struct tlsio_roots *
relay_roots(void)
{
	return (const struct tlsio_roots *)(const void *)roots_text;
}

int64_t
relay_now(void)
{
	return f.now;
}

int
relay_connect(const struct sockaddr *sa, socklen_t len)
{
	int fds[2];

	if (f.refuse > 0 || f.n_sessions == SESSIONS) {
		f.refuse -= f.refuse > 0;
		errno = ECONNREFUSED;
		return -1;
	}
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	(void)close(fds[1]);
	return fds[0];
}

uint32_t
__wrap_arc4random_uniform(uint32_t bound)
{
	return 0;
}

/* Nonces that an input can know. */
void
__wrap_arc4random_buf(void *buf, size_t len)
{
	memset(buf, 'n', len);
}

/* ---- what tlsio.h and tlsio_client.h promise ------------------------- */

struct tlsio *
tlsio_new(
    struct tlsio_server *server, int fd, const struct tlsio_ops *o, void *arg)
{
	struct tlsio *t;

	t = calloc(1, sizeof(*t));
	must(t != NULL && f.n_sessions < SESSIONS);
	t->fd = fd;
	t->ops = o;
	t->arg = arg;
	f.sessions[f.n_sessions++] = t;
	return t;
}

void
tlsio_free(struct tlsio *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; f.sessions[i] != t; i++)
		must(i < f.n_sessions);
	memmove(&f.sessions[i], &f.sessions[i + 1],
	    (--f.n_sessions - i) * sizeof(f.sessions[0]));
	(void)close(t->fd);
	free(t->in);
	free(t);
}

int
tlsio_client_start(struct tlsio *t, const struct tlsio_peer *peer)
{
	must(!t->secure && !t->shakes);
	if (t->in_len > 0)
		return -1;
	t->peer = *peer;
	t->shakes = true;
	return 0;
}

const uint8_t *
tlsio_input(struct tlsio *t, size_t *len)
{
	*len = t->in_len;
	return t->in_len > 0 ? t->in : NULL;
}

void
tlsio_consume(struct tlsio *t, size_t len)
{
	uint8_t *rest;

	must(len <= t->in_len);
	t->in_len -= len;
	must((rest = malloc(t->in_len + 1)) != NULL);
	memcpy(rest, t->in + len, t->in_len);
	free(t->in);
	t->in = rest;
}

/* Has it proved its name? */
static bool
verified(const struct tlsio *t)
{
	return t->secure && t->peer.trust != TLSIO_TRUST_NONE &&
	    t->result == TLSIO_OK;
}

static bool
has_route(const char *dest)
{
	for (size_t i = 0; i < config.n_routes; i++)
		if (strcasecmp(routes[i].domain, dest) == 0)
			return true;
	return false;
}

static void
check_command(struct tlsio *t, const char *line, size_t len)
{
	const struct conn *c;

	TAILQ_FOREACH (c, &conns, entry)
		if (c->io == t)
			break;
	if (c == NULL || c->state == CONN_BODY || c->state == CONN_FINAL)
		return;
	must(len > 2 && memcmp(line + len - 2, "\r\n", 2) == 0);
	if (strncmp(line, "AUTH ", 5) == 0)
		must(verified(t));
	if (strncmp(line, "MAIL ", 5) != 0)
		return;
	must(!c->policy.must || t->secure);
	must((c->job->flags & QUEUE_REQUIRETLS) == 0 || verified(t));
	must(strcasecmp(c->dest, routes[0].domain) != 0 || verified(t));
	must(config.tls != RELAY_TLS_VERIFY || has_route(c->dest) ||
	    verified(t));
}

void
tlsio_write(struct tlsio *t, const void *data, size_t len)
{
	const uint8_t *p = data;

	must(!t->shakes);
	if (t->gone)
		return;
	harness_show(data, len);
	for (size_t i = 0; i < len; i++) {
		must((p[i] == '\n') == (t->last == '\r'));
		t->last = p[i];
	}
	if (len > 4)
		check_command(t, data, len);
	t->queued += len;
}

void
tlsio_puts(struct tlsio *t, const char *text)
{
	tlsio_write(t, text, strlen(text));
}

bool
tlsio_full(struct tlsio *t)
{
	if (t->queued >= TLSIO_HIGH)
		t->full = true;
	return t->full;
}

int
tlsio_channel(const struct tlsio *t, uint8_t out[TLSIO_CHANNEL_LEN])
{
	if (!t->secure)
		return -1;
	memset(out, 'c', TLSIO_CHANNEL_LEN);
	return 0;
}

bool
tlsio_is_secure(const struct tlsio *t)
{
	return t->secure;
}

enum tlsio_result
tlsio_result(const struct tlsio *t)
{
	return t->result;
}

const char *
tlsio_error(const struct tlsio *t)
{
	return "broken";
}

/* ---- servers ---------------------------------------------------------- */

static void
closed(struct tlsio *t, enum tlsio_end end)
{
	t->gone = true;
	t->ops->closed(t, end, t->arg);
}

/* Whatever is due; the program may free the session. */
static void
settle(void)
{
	struct tlsio *t;

	for (size_t i = 0; i < f.n_sessions; i++) {
		t = f.sessions[i];
		if (t->gone)
			continue;
		if (!t->stalls)
			t->queued = 0;
		if (t->queued > TLSIO_OUTPUT_MAX) {
			closed(t, TLSIO_FAILED);
		} else if (t->full && t->queued <= TLSIO_LOW) {
			t->full = false;
			t->ops->drained(t, t->arg);
		}
	}
}

static void
says(struct tlsio *t, const uint8_t *data, size_t len)
{
	uint8_t *grown;

	if (len > TLSIO_INPUT_MAX - t->in_len)
		len = TLSIO_INPUT_MAX - t->in_len;
	must((grown = malloc(t->in_len + len + 1)) != NULL);
	if (t->in_len > 0)
		memcpy(grown, t->in, t->in_len);
	memcpy(grown + t->in_len, data, len);
	free(t->in);
	t->in = grown;
	t->in_len += len;
	t->ops->input(t, t->arg);
}

/* What it shows need not please; who must be verified then ends here. */
static void
shakes_hands(struct tlsio *t, uint8_t result)
{
	t->shakes = false;
	t->result = result <= TLSIO_VALIDATION_FAILURE ? result : 0;
	if (t->peer.trust == TLSIO_TRUST_NONE)
		t->result = TLSIO_OK;
	if (result > TLSIO_VALIDATION_FAILURE ||
	    (t->result != TLSIO_OK && !t->peer.go_on)) {
		closed(t, TLSIO_FAILED);
		return;
	}
	t->secure = true;
	if (t->ops->secure != NULL)
		t->ops->secure(t, t->arg);
}

static void
server_step(unsigned int kind, unsigned int whom, const struct harness_step *s)
{
	struct tlsio *t;

	for (size_t i = 0; i < f.n_sessions; i++) {
		t = f.sessions[i];
		if (t->gone || whom-- > 0)
			continue;
		if (kind == SERVER_ENDS)
			closed(t, TLSIO_EOF);
		else if (kind == SERVER_STALLS)
			t->stalls = !t->stalls;
		else if (kind == SERVER_TLS && t->shakes && s->len > 0)
			shakes_hands(t, s->data[0]);
		else if (kind == SERVER_SAYS && !t->shakes && s->len > 0)
			says(t, s->data, s->len);
		return;
	}
}

/* ---- the queue and the DNS -------------------------------------------- */

static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (wire_fd(w) == f.dns_fd) {
		if (m->type != RESOLVER_HELLO && f.n_questions < QUESTIONS)
			f.questions[f.n_questions++] = m->id;
	} else if (wire_fd(w) == f.queue_fd && m->type != QUEUE_HELLO &&
	    m->type != QUEUE_READY && m->type != QUEUE_MEMORY &&
	    m->type != QUEUE_TLS) {
		must(m->id < JOBS && f.open[m->id]);
		if (m->type == QUEUE_UNREACHABLE)
			f.open[m->id] = false;
	}
}

static void
queue_comes(void)
{
	static const uint8_t hello[] = {QUEUE_VERSION, 0, 0, 0};

	memset(f.open, 0, sizeof(f.open));
	queue_start(f.queue_fd = harness_fd());
	harness_packet(
	    harness_wire(f.queue_fd), QUEUE_HELLO, 0, hello, sizeof(hello), -1);
}

static void
dns_comes(void)
{
	static const uint8_t hello[] = {RESOLVER_VERSION, 0, 0, 0};

	f.n_questions = 0;
	dns_start(f.dns_fd = harness_fd());
	harness_packet(harness_wire(f.dns_fd), RESOLVER_HELLO, 0, hello,
	    sizeof(hello), -1);
}

/* The queue's name of what it gave n jobs ago. */
static uint32_t
job_id(uint8_t n)
{
	return n < f.n_jobs ? f.n_jobs - n : 0;
}

static void
queue_step(unsigned int kind, const struct harness_step *s)
{
	struct wire *w = harness_wire(f.queue_fd);
	uint32_t type;

	if (w == NULL)
		queue_comes();
	else if (kind == QUEUE_GOES)
		harness_eof(w);
	else if (kind == QUEUE_GIVES) {
		f.open[++f.n_jobs] = true;
		harness_packet(w, QUEUE_JOB, f.n_jobs, s->data, s->len, -1);
	} else if (kind == QUEUE_SENDS && s->len > 0) {
		harness_packet(w, QUEUE_CHUNK, job_id(s->data[0]), s->data + 1,
		    s->len - 1, -1);
	} else if (kind == QUEUE_SAYS && s->len >= sizeof(type)) {
		memcpy(&type, s->data, sizeof(type));
		if (type != QUEUE_JOB)
			harness_packet(w, type, 1, s->data + 4, s->len - 4, -1);
	}
}

static void
dns_step(unsigned int kind, unsigned int whom, const struct harness_step *s)
{
	struct wire *w = harness_wire(f.dns_fd);

	if (w == NULL) {
		dns_comes();
	} else if (kind == DNS_GOES) {
		harness_eof(w);
	} else if (whom < f.n_questions) {
		harness_packet(
		    w, RESOLVER_ANSWER, f.questions[whom], s->data, s->len, -1);
		memmove(&f.questions[whom], &f.questions[whom + 1],
		    (--f.n_questions - whom) * sizeof(f.questions[0]));
	}
}

/* What the relay has ended itself. */
static void
jobs_look(void)
{
	for (uint32_t id = 1; id <= f.n_jobs; id++)
		if (f.open[id] && job_find(id) == NULL)
			f.open[id] = false;
}

/* ---- inputs ----------------------------------------------------------- */

static void
timeout(unsigned int whom)
{
	struct conn *c;

	TAILQ_FOREACH (c, &conns, entry) {
		if (c->dead || whom-- > 0)
			continue;
		evtimer_del(&c->timer);
		conn_timeout(-1, 0, c);
		return;
	}
}

static void
step(const struct harness_step *s)
{
	unsigned int kind = s->what & WHAT_KIND;
	unsigned int whom = (s->what & WHAT_WHOM) >> 4;
	uint32_t seconds = 0;

	if (kind <= QUEUE_GOES) {
		queue_step(kind, s);
	} else if (kind <= DNS_GOES) {
		dns_step(kind, whom, s);
	} else if (kind <= SERVER_TLS) {
		server_step(kind, whom, s);
	} else if (kind == TIMEOUT) {
		timeout(whom);
	} else if (kind == TIME) {
		memcpy(&seconds, s->data,
		    s->len < sizeof(seconds) ? s->len : sizeof(seconds));
		f.now += seconds % TIME_MAX;
	} else if (kind == RELOAD) {
		conns_close();
	} else if (kind == REFUSE) {
		f.refuse = whom;
	}
}

static void
run(void)
{
	for (int i = 0; i < 8; i++) {
		harness_run();
		settle();
	}
	harness_run();
	jobs_look();
}

static void
input_end(void)
{
	struct conn *c;
	struct wire *w;
	struct sts *s;

	for (int i = 0; i < 2; i++) {
		w = harness_wire(i == 0 ? f.queue_fd : f.dns_fd);
		if (w != NULL)
			harness_eof(w);
		run();
	}
	for (uint32_t id = 1; id <= f.n_jobs; id++)
		must(job_find(id) == NULL);
	TAILQ_FOREACH (c, &conns, entry)
		conn_free_later(c);
	run();
	must(TAILQ_EMPTY(&conns));
	while ((s = TAILQ_FIRST(&order)) != NULL) {
		must(TAILQ_EMPTY(&s->waits));
		fetch_drop(s);
		evtimer_del(&s->soon);
		evtimer_del(&s->timer);
		RB_REMOVE(sts_tree, &all, s);
		TAILQ_REMOVE(&order, s, order);
		free(s->policy);
		free(s);
	}
	n_all = 0;
	memset(refusers, 0, sizeof(refusers));
	must(f.n_sessions == 0);
	harness_end();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static bool started;
	struct harness_step s;

	if (len == 0)
		return 0;
	if (!started) {
		harness_start();
		harness_on_send(sent, NULL);
		report_init();
		started = true;
	}
	harness_begin();
	memset(&f, 0, sizeof(f));
	f.now = 1700000000;
	config.tls = (data[0] & SET_DIRECT) != 0 ? RELAY_TLS_NONE :
	    (data[0] & SET_VERIFY) != 0          ? RELAY_TLS_VERIFY :
						   RELAY_TLS_MAY;
	data++;
	len--;
	dns_comes();
	queue_comes();
	run();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		step(&s);
		if ((s.what & WHAT_TOGETHER) == 0)
			run();
	}
	input_end();
	return 0;
}
