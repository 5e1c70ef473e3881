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
 * Where a stranger's mail is from: SPF from the first recipient on, DKIM and
 * DMARC once its header is there, all of it judged when the message has ended.
 * What DNS does not say in time nobody knows, and no mail waits for it longer.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dkim_verify.h"
#include "log.h"

#include "engine.h"
#include "origin.h"

static void origin_ask(struct origin *);
static void origin_spf_answer(const struct mauth_answer *, void *);
static void origin_key_answer(const struct mauth_answer *, void *);
static void origin_dmarc_answer(const struct mauth_answer *, void *);
static void origin_step(struct origin *);
static void origin_prove(struct origin *);
static void origin_over(struct origin *);
static void origin_timeout(int, short, void *);
static void origin_cancel(struct origin *);
static void origin_decide(struct origin *);
static bool client_of(const struct session *, struct spf_client *);

bool
origin_applies(const struct session *s)
{
	return s->kind == SMTP_LISTEN_SMTP && s->dsn == NULL &&
	    !session_may_relay(s) && !s->excepted &&
	    engine_config()->dmarc != SMTP_DMARC_OFF;
}

/* The first recipient is taken: SPF needs no more than that. */
void
origin_begin(struct session *s)
{
	char domain[QUEUE_DEST_MAX];
	struct spf_client client;
	struct origin *o;

	if (s->origin != NULL || !origin_applies(s) || !dns_there() ||
	    !client_of(s, &client))
		return;
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		fatal("calloc");
	s->origin = o;
	o->session = s;
	evtimer_set(&o->timer, origin_timeout, o);
	client.helo = s->helo != NULL ? s->helo : "";
	client.local = s->mail.from.local;
	client.domain = s->mail.from.domain;
	/* SPF knows A-labels only (RFC 8616). */
	if (s->mail.from.domain[0] != '\0' &&
	    outgoing_dest(&s->mail.from, domain, sizeof(domain)) == 0)
		client.domain = domain;
	o->spf = spf_new(&client);
	if (o->spf == NULL)
		fatal("no memory for SPF");
	origin_ask(o);
}

/* The header as it came. */
void
origin_header(struct session *s, const uint8_t *header, size_t len)
{
	struct mauth_question q;
	struct origin *o;

	o = s->origin;
	if (o == NULL)
		return;
	o->author = header_author(header, len, o->from, sizeof(o->from));
	o->dkim = dkim_verify_new(
	    (const char *)header, len, (int64_t)time(NULL));
	if (o->dkim == NULL)
		fatal("no memory for DKIM");
	o->n_keys = dkim_verify_count(o->dkim);
	for (size_t i = 0; i < o->n_keys; i++) {
		o->keys[i].origin = o;
		q.type = MAUTH_TXT;
		if (dkim_verify_question(o->dkim, i, q.name))
			o->keys[i].question = dns_ask(
			    &q, origin_key_answer, &o->keys[i]);
	}
	if (o->author == AUTHOR_ONE) {
		o->dmarc = dmarc_new(o->from);
		if (o->dmarc == NULL)
			fatal("no memory for DMARC");
	}
	origin_ask(o);
}

void
origin_body(struct session *s, const uint8_t *data, size_t len)
{
	if (s->origin != NULL && s->origin->dkim != NULL)
		dkim_verify_body(s->origin->dkim, data, len);
}

/* False: it is judged already, or nobody looks. */
bool
origin_end(struct session *s)
{
	struct timeval tv = {.tv_sec = ORIGIN_SECONDS_MAX};
	struct origin *o;

	o = s->origin;
	if (o == NULL || o->over)
		return false;
	o->ended = true;
	evtimer_add(&o->timer, &tv);
	origin_step(o);
	return !o->over;
}

const struct refusal *
origin_refusal(const struct session *s)
{
	return s->origin == NULL ? NULL : s->origin->refusal;
}

bool
origin_suspect(const struct session *s)
{
	return s->origin != NULL && s->origin->suspect;
}

void
origin_free(struct session *s)
{
	struct origin *o;

	o = s->origin;
	if (o == NULL)
		return;
	s->origin = NULL;
	origin_cancel(o);
	evtimer_del(&o->timer);
	spf_free(o->spf);
	dkim_verify_free(o->dkim);
	dmarc_free(o->dmarc);
	free(o);
}

/* What SPF and DMARC want to know next. */
static void
origin_ask(struct origin *o)
{
	const struct mauth_question *q;

	if (o->spf_question == NULL && (q = spf_question(o->spf)) != NULL)
		o->spf_question = dns_ask(q, origin_spf_answer, o);
	if (o->dmarc != NULL && o->dmarc_question == NULL &&
	    (q = dmarc_question(o->dmarc)) != NULL)
		o->dmarc_question = dns_ask(q, origin_dmarc_answer, o);
}

static void
origin_spf_answer(const struct mauth_answer *a, void *arg)
{
	struct origin *o;

	o = arg;
	o->spf_question = NULL;
	spf_answer(o->spf, a);
	origin_step(o);
}

static void
origin_key_answer(const struct mauth_answer *a, void *arg)
{
	struct origin_key *key;

	key = arg;
	key->question = NULL;
	dkim_verify_key(
	    key->origin->dkim, (size_t)(key - key->origin->keys), a);
	origin_step(key->origin);
}

static void
origin_dmarc_answer(const struct mauth_answer *a, void *arg)
{
	struct origin *o;

	o = arg;
	o->dmarc_question = NULL;
	dmarc_answer(o->dmarc, a);
	origin_step(o);
}

/* On, as far as is known.  The session may be gone when it returns. */
static void
origin_step(struct origin *o)
{
	origin_ask(o);
	if (o->ended && !o->proved) {
		if (o->spf_question != NULL)
			return;
		for (size_t i = 0; i < o->n_keys; i++)
			if (o->keys[i].question != NULL)
				return;
		origin_prove(o);
		origin_ask(o);
	}
	if (o->proved && o->dmarc_question == NULL)
		origin_over(o);
}

/* Who has proved to be what: DMARC compares that with From. */
static void
origin_prove(struct origin *o)
{
	const struct dkim_verified *v;

	o->proved = true;
	if (o->dkim != NULL)
		dkim_verify_end(o->dkim);
	if (o->dmarc == NULL)
		return;
	if (spf_question(o->spf) == NULL && spf_result(o->spf) == MAUTH_PASS)
		dmarc_proved(o->dmarc, DMARC_BY_SPF, spf_domain(o->spf));
	for (size_t i = 0; i < o->n_keys; i++) {
		v = dkim_verify_result(o->dkim, i);
		if (v->result == MAUTH_PASS)
			dmarc_proved(o->dmarc, DMARC_BY_DKIM, v->domain);
	}
}

static void
origin_over(struct origin *o)
{
	struct session *s;

	s = o->session;
	evtimer_del(&o->timer);
	o->over = true;
	origin_decide(o);
	if (s->state == SESSION_ORIGIN)
		data_judged(s);
}

/* What is open is not known, and stays so. */
static void
origin_timeout(int fd, short what, void *arg)
{
	static const struct mauth_answer trouble = {.status = MAUTH_TROUBLE};
	struct origin *o;

	(void)fd;
	(void)what;
	o = arg;
	origin_cancel(o);
	while (spf_question(o->spf) != NULL)
		spf_answer(o->spf, &trouble);
	if (!o->proved)
		origin_prove(o);
	while (o->dmarc != NULL && dmarc_question(o->dmarc) != NULL)
		dmarc_answer(o->dmarc, &trouble);
	log_info("origin conn=%llu peer=%s: DNS has no answer in %d seconds",
	    (unsigned long long)o->session->conn, o->session->peer,
	    ORIGIN_SECONDS_MAX);
	origin_over(o);
}

static void
origin_cancel(struct origin *o)
{
	dns_cancel(o->spf_question);
	dns_cancel(o->dmarc_question);
	o->spf_question = o->dmarc_question = NULL;
	for (size_t i = 0; i < o->n_keys; i++) {
		dns_cancel(o->keys[i].question);
		o->keys[i].question = NULL;
	}
}

/*
 * RFC 7489 6.6.4: what is not sampled by pct= gets the next milder policy.
 */
static void
origin_decide(struct origin *o)
{
	static const struct refusal policy = {
	    550, "5.7.1", "The From domain's DMARC policy is to reject this"};
	static const struct refusal several = {
	    550, "5.7.1", "From names more than one domain"};
	bool enforce, sampled;

	enforce = engine_config()->dmarc == SMTP_DMARC_ENFORCE;
	memset(&o->verdict, 0, sizeof(o->verdict));
	o->refusal = NULL;
	o->suspect = false;
	if (o->dmarc != NULL)
		dmarc_verdict(o->dmarc, &o->verdict);
	else if (o->author == AUTHOR_SEVERAL)
		o->verdict.result = MAUTH_PERMERROR;
	if (!enforce)
		return;
	if (o->author == AUTHOR_SEVERAL) {
		o->refusal = &several;
		return;
	}
	if (o->verdict.result != MAUTH_FAIL)
		return;
	sampled = arc4random_uniform(100) < o->verdict.record.pct;
	if (o->verdict.policy == DMARC_P_REJECT && sampled)
		o->refusal = &policy;
	else
		o->suspect = o->verdict.policy == DMARC_P_REJECT ||
		    (o->verdict.policy == DMARC_P_QUARANTINE && sampled);
}

static bool
client_of(const struct session *s, struct spf_client *c)
{
	const struct sockaddr_in *sin;
	const struct sockaddr_in6 *sin6;

	memset(c, 0, sizeof(*c));
	if (s->address.ss_family == AF_INET) {
		sin = (const struct sockaddr_in *)&s->address;
		c->version = 4;
		memcpy(c->address, &sin->sin_addr, 4);
		return true;
	}
	if (s->address.ss_family != AF_INET6)
		return false;
	sin6 = (const struct sockaddr_in6 *)&s->address;
	c->version = IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr) ? 4 : 6;
	memcpy(c->address, sin6->sin6_addr.s6_addr + (c->version == 4 ? 12 : 0),
	    c->version == 4 ? 4 : 16);
	return true;
}
