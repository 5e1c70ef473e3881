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
 * MTA-STS (RFC 8461): which policy a domain has.  What is known is kept here
 * and, with the destination's memory, in the queue; DNS says whether there is
 * another, and a web server that proves its name says which.  A server that
 * hangs or lies costs a minute and a bounded buffer.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "relay.h"
#include "sts.h"

#define HTTPS_PORT 443
#define ANSWER_MAX (POLICY_HEAD_MAX + POLICY_TEXT_MAX + 4)
#define ADDRESSES_MAX 4

struct sts_wait {
	TAILQ_ENTRY(sts_wait) entry;
	struct sts *sts;
	sts_cb cb;
	void *arg;
};

/* A domain. */
struct sts {
	RB_ENTRY(sts) entry;
	TAILQ_ENTRY(sts) order; /* who was looked up last stands last */
	char domain[RESOLVER_NAME_MAX];
	char id[POLICY_ID_MAX]; /* that DNS has, while it is looked for */
	struct policy *policy;  /* NULL: none is known */
	int64_t checked;        /* what is known holds until then */
	uint32_t age;           /* max_age, as it said */
	bool fresh;             /* the queue has not got it yet */
	bool look;              /* sealctl wants to know */
	char *why;              /* ... what it looked for is not there */
	TAILQ_HEAD(, sts_wait) waits;
	struct event soon; /* tells them, outside of a callback */
	struct event timer;
	struct question *question;

	/* The way to the policy. */
	struct address addresses[ADDRESSES_MAX];
	size_t n_addresses;
	size_t next;
	struct tlsio *io;
	struct event event;
	int fd;
	char *answer;
	size_t len;
	bool busy;
	bool again; /* soon is to try the next address */
	bool over;  /* the connection is of no use; freed by soon */
};

RB_HEAD(sts_tree, sts);
static struct sts_tree all = RB_INITIALIZER(&all);
static TAILQ_HEAD(, sts) order = TAILQ_HEAD_INITIALIZER(order);
static size_t n_all;

static int sts_compare(const struct sts *, const struct sts *);
static struct sts *sts_get(const char *);
static void sts_evict(void);
static void sts_tell(int, short, void *);
static void sts_soon(struct sts *);
static void got_text(const struct answer *, void *);
static void got_address(const struct answer *, void *);
static void fetch_next(struct sts *);
static void fetch_connected(int, short, void *);
static void fetch_input(struct tlsio *, void *);
static void fetch_drained(struct tlsio *, void *);
static void fetch_closed(struct tlsio *, enum tlsio_end, void *);
static void fetch_secure(struct tlsio *, void *);
static void fetch_read(struct sts *, bool);
static void fetch_timeout(int, short, void *);
static void fetch_drop(struct sts *);
static void fetch_failed(struct sts *, enum tlsio_result, const char *);
static void sts_lacks(struct sts *, const char *);
static void sts_done(struct sts *, int64_t);

RB_PROTOTYPE(sts_tree, sts, entry, sts_compare)
RB_GENERATE(sts_tree, sts, entry, sts_compare)

static const struct tlsio_ops ops = {
    .input = fetch_input,
    .drained = fetch_drained,
    .closed = fetch_closed,
    .secure = fetch_secure,
};

struct sts_wait *
sts_find(const char *domain, sts_cb cb, void *arg)
{
	struct sts_wait *w;
	struct sts *s;
	char name[RESOLVER_NAME_MAX];

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatal("calloc");
	s = w->sts = sts_get(domain);
	w->cb = cb;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&s->waits, w, entry);
	if (s->busy)
		return w;
	if (s->checked > relay_now() ||
	    snprintf(name, sizeof(name), "_mta-sts.%s", domain) >=
		(int)sizeof(name)) {
		sts_soon(s);
		return w;
	}
	s->busy = true;
	s->question = dns_text(name, got_text, s);
	return w;
}

/* One that is under way began a moment ago; its end is as good. */
struct sts_wait *
sts_look(const char *domain, sts_cb cb, void *arg)
{
	struct sts *s;

	s = sts_get(domain);
	s->look = true;
	free(s->why);
	s->why = NULL;
	if (!s->busy)
		s->checked = 0;
	return sts_find(domain, cb, arg);
}

void
sts_seen(const char *domain, char *why, size_t size, uint32_t *max_age)
{
	struct sts *s;

	s = sts_get(domain);
	s->look = false;
	*max_age = s->age;
	(void)strlcpy(why, s->why != NULL ? s->why : "", size);
	free(s->why);
	s->why = NULL;
}

void
sts_cancel(struct sts_wait *w)
{
	if (w == NULL)
		return;
	TAILQ_REMOVE(&w->sts->waits, w, entry);
	free(w);
}

size_t
sts_pack(const char *domain, uint8_t *buf, size_t size)
{
	struct sts *s;
	size_t n;

	s = sts_get(domain);
	s->fresh = false;
	if (s->policy == NULL)
		return 0;
	n = policy_pack(s->policy, buf, size);
	if (n == 0)
		log_warnx("mta-sts domain=%s: the policy is too long to keep",
		    log_vis(domain));
	return n;
}

/* What came of the network is never older than what was kept. */
void
sts_load(const char *domain, const uint8_t *data, size_t len)
{
	struct policy *p;
	struct sts *s;

	s = sts_get(domain);
	if (s->policy != NULL || s->busy)
		return;
	p = malloc(sizeof(*p));
	if (p == NULL)
		fatal("malloc");
	if (policy_unpack(p, data, len) == -1 || p->expires <= relay_now())
		free(p);
	else
		s->policy = p;
}

static struct sts *
sts_get(const char *domain)
{
	static struct sts key;
	struct sts *s;

	(void)strlcpy(key.domain, domain, sizeof(key.domain));
	s = RB_FIND(sts_tree, &all, &key);
	if (s != NULL) {
		TAILQ_REMOVE(&order, s, order);
		TAILQ_INSERT_TAIL(&order, s, order);
		return s;
	}
	if (n_all >= STS_DOMAINS_MAX)
		sts_evict();
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("calloc");
	(void)strlcpy(s->domain, domain, sizeof(s->domain));
	TAILQ_INIT(&s->waits);
	s->fd = -1;
	evtimer_set(&s->soon, sts_tell, s);
	evtimer_set(&s->timer, fetch_timeout, s);
	RB_INSERT(sts_tree, &all, s);
	TAILQ_INSERT_TAIL(&order, s, order);
	n_all++;
	return s;
}

/* The queue still has what it knew of the domain. */
static void
sts_evict(void)
{
	struct sts *s;

	TAILQ_FOREACH (s, &order, order)
		if (!s->busy && TAILQ_EMPTY(&s->waits) &&
		    !evtimer_pending(&s->soon, NULL))
			break;
	if (s == NULL)
		return;
	RB_REMOVE(sts_tree, &all, s);
	TAILQ_REMOVE(&order, s, order);
	n_all--;
	free(s->policy);
	free(s->why);
	free(s);
}

static void
sts_soon(struct sts *s)
{
	struct timeval now = {0};

	evtimer_del(&s->soon);
	evtimer_add(&s->soon, &now);
}

/* To all that wait now; whoever asks anew within is told again. */
static void
sts_tell(int fd, short what, void *arg)
{
	struct sts *s = arg;
	struct sts_wait *w;
	bool fresh;

	(void)fd;
	(void)what;
	if (s->over)
		fetch_drop(s);
	if (s->again) {
		s->again = false;
		fetch_next(s);
	}
	if (s->busy)
		return;
	if (s->policy != NULL && s->policy->expires <= relay_now()) {
		free(s->policy);
		s->policy = NULL;
	}
	while (!s->busy && (w = TAILQ_FIRST(&s->waits)) != NULL) {
		sts_cb cb = w->cb;
		void *cb_arg = w->arg;

		fresh = s->fresh;
		sts_cancel(w);
		cb(s->policy, fresh, cb_arg);
	}
}

/* RFC 8461 3.1: one record of the kind, or it is as if there were none. */
static void
got_text(const struct answer *a, void *arg)
{
	char id[POLICY_ID_MAX], host[RESOLVER_NAME_MAX];
	struct sts *s = arg;
	size_t n;

	s->question = NULL;
	n = 0;
	for (size_t i = 0; i < a->n_texts; i++) {
		if (a->texts[i].len < 7 ||
		    memcmp(a->texts[i].data, "v=STSv1", 7) != 0)
			continue;
		n++;
		if (!policy_id(a->texts[i].data, a->texts[i].len, id))
			n++;
	}
	if (a->status != RESOLVER_OK || n != 1) {
		sts_lacks(s,
		    n > 1 ? "DNS has no proper record of it, or several" :
			    "DNS has no record of it");
		sts_done(s,
		    a->status <= RESOLVER_NXDOMAIN ? STS_CHECK_SECONDS :
						     STS_RETRY_SECONDS);
		return;
	}
	if (s->policy != NULL && !s->look && strcmp(s->policy->id, id) == 0 &&
	    s->policy->expires - relay_now() > STS_REFRESH_SECONDS) {
		sts_done(s, STS_CHECK_SECONDS);
		return;
	}
	(void)strlcpy(s->id, id, sizeof(s->id));
	if (snprintf(host, sizeof(host), "mta-sts.%s", s->domain) >=
		(int)sizeof(host) ||
	    relay_roots() == NULL) {
		fetch_failed(s, TLSIO_STS_POLICY_FETCH_ERROR,
		    "there is nothing to verify the server by");
		return;
	}
	s->question = dns_address(host, got_address, s);
}

static void
got_address(const struct answer *a, void *arg)
{
	struct timeval tv = {.tv_sec = STS_SECONDS};
	struct sts *s = arg;

	s->question = NULL;
	s->n_addresses = s->next = 0;
	for (size_t i = 0; i < a->n_addresses && i < ADDRESSES_MAX; i++)
		s->addresses[s->n_addresses++] = a->addresses[i];
	evtimer_add(&s->timer, &tv);
	fetch_next(s);
}

static void
fetch_next(struct sts *s)
{
	struct sockaddr_in sin = {0};
	struct sockaddr_in6 sin6 = {0};
	const struct sockaddr *sa;
	const struct address *a;
	socklen_t len;

	if (s->next == s->n_addresses) {
		fetch_failed(s, TLSIO_STS_POLICY_FETCH_ERROR,
		    "its server cannot be reached");
		return;
	}
	a = &s->addresses[s->next++];
	if (a->family == 4) {
		sin.sin_family = AF_INET;
		sin.sin_port = htons(HTTPS_PORT);
		memcpy(&sin.sin_addr, a->octets, 4);
		sa = (const struct sockaddr *)&sin;
		len = sizeof(sin);
	} else {
		sin6.sin6_family = AF_INET6;
		sin6.sin6_port = htons(HTTPS_PORT);
		memcpy(&sin6.sin6_addr, a->octets, 16);
		sa = (const struct sockaddr *)&sin6;
		len = sizeof(sin6);
	}
	s->fd = relay_connect(sa, len);
	if (s->fd == -1) {
		s->again = true;
		sts_soon(s);
		return;
	}
	event_set(&s->event, s->fd, EV_WRITE, fetch_connected, s);
	event_add(&s->event, NULL);
}

static void
fetch_connected(int fd, short what, void *arg)
{
	char host[RESOLVER_NAME_MAX + 16];
	struct tlsio_peer peer = {0};
	struct sts *s = arg;
	const char *name;
	socklen_t len;
	int error;

	(void)what;
	error = 0;
	len = sizeof(error);
	s->fd = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    error != 0) {
		(void)close(fd);
		s->again = true;
		sts_soon(s);
		return;
	}
	(void)snprintf(host, sizeof(host), "mta-sts.%s", s->domain);
	name = host;
	peer.trust = TLSIO_TRUST_WEBPKI;
	peer.sni = host;
	peer.names = &name;
	peer.n_names = 1;
	peer.roots = relay_roots();
	s->io = tlsio_new(NULL, fd, &ops, s);
	s->len = 0;
	if (tlsio_client_start(s->io, &peer) == -1)
		fetch_failed(s, TLSIO_STS_POLICY_FETCH_ERROR,
		    "its server speaks no TLS");
}

/* Redirections are not followed, nor is anything kept of the server (3.3). */
static void
fetch_secure(struct tlsio *io, void *arg)
{
	struct sts *s = arg;

	if (s->over)
		return;
	s->answer = malloc(ANSWER_MAX);
	if (s->answer == NULL)
		fatal("malloc");
	tlsio_puts(
	    io, "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.");
	tlsio_puts(io, s->domain);
	tlsio_puts(io,
	    "\r\nAccept: text/plain\r\nUser-Agent: sealmail\r\n"
	    "Connection: close\r\n\r\n");
}

static void
fetch_input(struct tlsio *io, void *arg)
{
	struct sts *s = arg;
	const uint8_t *in;
	size_t len, room;

	in = tlsio_input(io, &len);
	if (s->over || s->answer == NULL) {
		tlsio_consume(io, len);
		return;
	}
	room = ANSWER_MAX - s->len;
	memcpy(s->answer + s->len, in, len < room ? len : room);
	s->len += len < room ? len : room;
	tlsio_consume(io, len);
	if (len > room)
		fetch_failed(
		    s, TLSIO_STS_POLICY_INVALID, "the answer is too long");
	else
		fetch_read(s, false);
}

static void
fetch_drained(struct tlsio *io, void *arg)
{
	(void)io;
	(void)arg;
}

static void
fetch_closed(struct tlsio *io, enum tlsio_end end, void *arg)
{
	struct sts *s = arg;

	if (s->over)
		return;
	if (s->answer != NULL && end == TLSIO_EOF)
		fetch_read(s, true);
	else if (s->answer != NULL)
		fetch_failed(
		    s, TLSIO_STS_POLICY_FETCH_ERROR, "the answer broke off");
	else
		/* Another address would show the same certificate. */
		fetch_failed(s,
		    tlsio_result(io) == TLSIO_OK ?
			TLSIO_STS_POLICY_FETCH_ERROR :
			TLSIO_STS_WEBPKI_INVALID,
		    tlsio_error(io));
}

static void
fetch_read(struct sts *s, bool end)
{
	static char copy[ANSWER_MAX];
	struct policy *p;
	uint32_t age;
	size_t len;
	char *body;

	memcpy(copy, s->answer, s->len);
	switch (policy_http(copy, s->len, end, &body, &len)) {
	case POLICY_MORE:
		return;
	case POLICY_WRONG:
		fetch_failed(s, TLSIO_STS_POLICY_FETCH_ERROR,
		    "the server has no policy there");
		return;
	case POLICY_WHOLE:
		break;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		fatal("calloc");
	if (policy_parse(body, len, p, &age) == -1) {
		free(p);
		fetch_failed(
		    s, TLSIO_STS_POLICY_INVALID, "the policy is malformed");
		return;
	}
	(void)strlcpy(p->id, s->id, sizeof(p->id));
	p->expires = relay_now() +
	    (age < POLICY_AGE_MIN ? POLICY_AGE_MIN : age);
	free(s->policy);
	s->policy = p;
	s->age = age;
	s->fresh = true;
	log_info("mta-sts domain=%s id=%s mode=%s mx=%zu max_age=%u",
	    log_vis(s->domain), p->id,
	    p->mode == POLICY_ENFORCE     ? "enforce" :
		p->mode == POLICY_TESTING ? "testing" :
					    "none",
	    p->n_mx, age);
	sts_done(s, STS_CHECK_SECONDS);
}

static void
fetch_timeout(int fd, short what, void *arg)
{
	struct sts *s = arg;

	(void)fd;
	(void)what;
	fetch_failed(
	    s, TLSIO_STS_POLICY_FETCH_ERROR, "its server takes too long");
}

/* 3.3: a policy that is known stays in force; without one, mail goes on. */
static void
fetch_failed(struct sts *s, enum tlsio_result result, const char *why)
{
	log_info("mta-sts domain=%s result=%s known=%d: %s", log_vis(s->domain),
	    tlsio_result_name(result), s->policy != NULL, log_vis(why));
	sts_lacks(s, why);
	if (!s->look)
		queue_tls(s->domain, TLS_POLICY_STS, result, "");
	sts_done(s, STS_RETRY_SECONDS);
}

/* Only where somebody will ask. */
static void
sts_lacks(struct sts *s, const char *why)
{
	if (!s->look)
		return;
	free(s->why);
	s->why = strdup(why);
	if (s->why == NULL)
		fatal("strdup");
}

static void
sts_done(struct sts *s, int64_t seconds)
{
	s->checked = relay_now() + seconds;
	s->busy = s->again = false;
	s->over = true;
	evtimer_del(&s->timer);
	sts_soon(s);
}

/* Not within its own callbacks. */
static void
fetch_drop(struct sts *s)
{
	s->over = false;
	dns_cancel(s->question);
	s->question = NULL;
	if (s->fd != -1) {
		event_del(&s->event);
		(void)close(s->fd);
		s->fd = -1;
	}
	tlsio_free(s->io);
	s->io = NULL;
	free(s->answer);
	s->answer = NULL;
}

static int
sts_compare(const struct sts *a, const struct sts *b)
{
	return strcasecmp(a->domain, b->domain);
}
