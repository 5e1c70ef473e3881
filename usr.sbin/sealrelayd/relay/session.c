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
 * SMTP as its client (RFC 5321, 3207, 1870, 6152, 6531, 2920, 3461, 4954).
 * Commands of a transaction go out at once where the server pipelines.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conn.h"
#include "log.h"

#define REFUSERS_MAX 64 /* hosts that say CHUNKING and know no BDAT */

static char refusers[REFUSERS_MAX][RESOLVER_NAME_MAX];
static size_t next_refuser;

static void session_reply(struct conn *);
static void session_greeted(struct conn *);
static void session_hello(struct conn *, const char *);
static void session_extension(struct conn *, const char *, size_t);
static void session_ready(struct conn *);
static void session_tls(struct conn *);
static void session_lacks(struct conn *);
static void session_may(struct conn *);
static void session_mail(struct conn *);
static void send_rcpt(struct conn *, const struct job_rcpt *);
static void got_mail(struct conn *);
static void got_rcpt(struct conn *);
static void after_rcpts(struct conn *);
static void got_data(struct conn *);
static bool bdat_refused(const char *);
static void got_early(struct conn *);
static enum queue_outcome final_of(struct conn *);
static void got_final(struct conn *);
static void session_next(struct conn *);
static void
session_refused(struct conn *, unsigned int, const char *, const char *);
static struct job_rcpt *next_rcpt(struct conn *);
static const char *status_of(const struct reply *);
static enum queue_outcome outcome_of(unsigned int);
static bool is_word(const char *, size_t, const char *);

void
session_begin(struct conn *c)
{
	reply_init(&c->reply);
	if (c->policy.first) {
		session_tls(c);
		return;
	}
	c->state = CONN_GREETING;
	conn_timer(c, GREETING_SECONDS);
}

/* On a connection that has sent others. */
void
session_job(struct conn *c)
{
	if (c->job->plan != NULL)
		plan_free(c->job->plan);
	session_may(c);
}

void
session_secure(struct conn *c)
{
	conn_tls(c, tlsio_result(c->io));
	reply_init(&c->reply);
	c->ext = 0;
	c->size_max = 0;
	if (c->policy.first) {
		c->state = CONN_GREETING;
		conn_timer(c, GREETING_SECONDS);
	} else
		session_hello(c, "EHLO");
}

void
session_input(struct conn *c)
{
	const uint8_t *in;
	const char *line;
	enum reply_result r;
	size_t len, used, line_len;

	for (;;) {
		in = tlsio_input(c->io, &len);
		if (len == 0 || c->dead)
			return;
		r = reply_take(&c->reply, in, len, &used, &line, &line_len);
		if (r == REPLY_MORE)
			return;
		if (r == REPLY_WRONG || c->state == CONN_IDLE ||
		    c->state == CONN_TLS ||
		    (c->state == CONN_BODY && r == REPLY_DONE &&
			c->reply.code < 400)) {
			/* A server may close with a 421 at any time. */
			if (r == REPLY_DONE && c->reply.code == 421)
				conn_fail(
				    c, status_of(&c->reply), c->reply.text);
			else
				conn_fail(c, "4.5.0",
				    "The server does not speak SMTP");
			return;
		}
		if (c->state == CONN_EHLO && c->reply.lines > 1)
			session_extension(c, line, line_len);
		tlsio_consume(c->io, used);
		if (r != REPLY_DONE)
			continue;
		session_reply(c);
		if (c->dead)
			return;
		reply_init(&c->reply);
	}
}

static void
session_reply(struct conn *c)
{
	unsigned int code;

	code = c->reply.code;
	if (code == 421 && c->state != CONN_QUIT) {
		conn_fail(c, status_of(&c->reply), c->reply.text);
		return;
	}
	switch (c->state) {
	case CONN_GREETING:
		session_greeted(c);
		break;
	case CONN_EHLO:
		if (code / 100 == 2)
			session_ready(c);
		else if (c->policy.must || c->login != NULL || code / 100 != 5)
			/* Only who does not know EHLO is asked by HELO. */
			session_refused(
			    c, code, status_of(&c->reply), c->reply.text);
		else
			session_hello(c, "HELO");
		break;
	case CONN_HELO:
		if (code / 100 == 2)
			session_may(c);
		else
			session_refused(
			    c, code, status_of(&c->reply), c->reply.text);
		break;
	case CONN_STARTTLS:
		if (code / 100 == 2)
			session_tls(c);
		else {
			conn_tls(c, TLSIO_STARTTLS_NOT_SUPPORTED);
			if (c->policy.must)
				conn_fail(
				    c, "4.7.4", "The server refuses STARTTLS");
			else
				session_may(c);
		}
		break;
	case CONN_AUTH:
		if (auth_reply(c))
			session_may(c);
		break;
	case CONN_MAIL:
		got_mail(c);
		break;
	case CONN_RCPT:
		got_rcpt(c);
		break;
	case CONN_DATA:
		got_data(c);
		break;
	case CONN_FINAL:
		got_final(c);
		break;
	case CONN_BODY:
		got_early(c);
		break;
	case CONN_RESET:
		session_next(c);
		break;
	case CONN_QUIT:
		conn_fail(c, "", "");
		break;
	case CONN_CONNECT:
	case CONN_TLS:
	case CONN_IDLE:
		break;
	}
}

static void
session_greeted(struct conn *c)
{
	if (c->reply.code == 220)
		session_hello(c, "EHLO");
	else
		session_refused(
		    c, c->reply.code, status_of(&c->reply), c->reply.text);
}

static void
session_hello(struct conn *c, const char *verb)
{
	c->state = *verb == 'E' ? CONN_EHLO : CONN_HELO;
	conn_timer(c, COMMAND_SECONDS);
	conn_write(c, "%s %s\r\n", verb, relay_config()->hostname);
}

static void
session_extension(struct conn *c, const char *s, size_t len)
{
	static const struct {
		const char *word;
		unsigned int ext;
	} words[] = {
	    {"PIPELINING", EXT_PIPELINING},
	    {"8BITMIME", EXT_8BITMIME},
	    {"SMTPUTF8", EXT_SMTPUTF8},
	    {"DSN", EXT_DSN},
	    {"STARTTLS", EXT_STARTTLS},
	    {"REQUIRETLS", EXT_REQUIRETLS},
	    {"SIZE", EXT_SIZE},
	    {"CHUNKING", EXT_CHUNKING},
	};
	size_t n;

	for (n = 0; n < len && s[n] != ' ' && s[n] != '='; n++)
		;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(s, n, words[i].word))
			c->ext |= words[i].ext;
	if (is_word(s, n, "SIZE"))
		for (c->size_max = 0, n++;
		     n < len && isdigit((unsigned char)s[n]) &&
		     c->size_max < UINT64_MAX / 10 - 1;
		     n++)
			c->size_max = c->size_max * 10 + (uint64_t)(s[n] - '0');
	/* Some say "AUTH=", as drafts had it. */
	if (len > 5 && is_word(s, 4, "AUTH") && (s[4] == ' ' || s[4] == '='))
		c->ext |= auth_offered(s + 5, len - 5);
}

/* After EHLO: TLS first, if it is to be and is not yet. */
static void
session_ready(struct conn *c)
{
	if (!tlsio_is_secure(c->io) &&
	    (c->policy.must || c->policy.trust != TLSIO_TRUST_NONE)) {
		if ((c->ext & EXT_STARTTLS) != 0) {
			c->state = CONN_STARTTLS;
			conn_timer(c, COMMAND_SECONDS);
			conn_write(c, "STARTTLS\r\n");
			return;
		}
		conn_tls(c, TLSIO_STARTTLS_NOT_SUPPORTED);
		if (c->policy.must) {
			conn_fail(c, "4.7.4", "The server offers no TLS");
			return;
		}
	}
	if (c->login != NULL)
		auth_start(c);
	else
		session_may(c);
}

static void
session_tls(struct conn *c)
{
	const char *names[2];
	struct tlsio_peer peer = {0};

	c->state = CONN_TLS;
	conn_timer(c, TLS_SECONDS);
	names[0] = c->policy.name;
	names[1] = c->policy.name2;
	peer.trust = c->policy.trust;
	peer.go_on = c->policy.go_on;
	/* RFC 6066 3: no addresses. */
	peer.sni = strspn(c->policy.name, "0123456789.:[]") ==
		strlen(c->policy.name) ?
	    NULL :
	    c->policy.name;
	peer.names = names;
	peer.n_names = c->policy.name2[0] != '\0' ? 2 : 1;
	peer.roots = relay_roots();
	peer.tlsa = c->policy.tlsa;
	peer.n_tlsa = c->policy.n_tlsa;
	if (peer.trust == TLSIO_TRUST_WEBPKI && peer.roots == NULL)
		peer.trust = TLSIO_TRUST_NONE;
	if (tlsio_client_start(c->io, &peer) == -1)
		conn_fail(c, "4.7.0", "The server sends before TLS begins");
}

/* RFC 8689 4.2.1: another server may, this one is of use for other mail. */
static void
session_lacks(struct conn *c)
{
	struct job *j;

	j = c->job;
	j->conn = NULL;
	c->job = NULL;
	c->plan = NULL;
	conn_idle(c);
	if (j->plan != NULL)
		plan_lacks(j->plan);
	else
		plan_start(j);
}

/* May this message go to this server at all? */
static void
session_may(struct conn *c)
{
	const char *status, *text;
	struct job *j;

	j = c->job;
	if (j == NULL) {
		conn_idle(c);
		return;
	}
	if ((j->flags & QUEUE_REQUIRETLS) != 0 &&
	    ((c->ext & EXT_REQUIRETLS) == 0 || !tlsio_is_secure(c->io))) {
		session_lacks(c);
		return;
	}
	status = text = NULL;
	if ((j->flags & QUEUE_8BIT) != 0 && (c->ext & EXT_8BITMIME) == 0) {
		status = "5.6.3";
		text = "The server takes no 8-bit text (RFC 6152)";
	} else if ((j->flags & QUEUE_UTF8) != 0 &&
	    (c->ext & EXT_SMTPUTF8) == 0) {
		status = "5.6.7";
		text = "The server takes no UTF-8 addresses (RFC 6531)";
	} else if (c->size_max > 0 && j->head + j->body > c->size_max) {
		status = "5.3.4";
		text = "The message is too large for the server";
	}
	if (status != NULL) {
		plan_free(j->plan);
		c->plan = NULL;
		c->job = NULL;
		j->conn = NULL;
		job_outcome_all(j, OUTCOME_FAILED, 0, status, c->host, text);
		conn_idle(c);
		return;
	}
	if (tlsio_is_secure(c->io) && !c->policy.first && !c->policy.loose)
		job_remember(j,
		    c->policy.trust == TLSIO_TRUST_WEBPKI &&
			    tlsio_result(c->io) == TLSIO_OK ?
			KNOWN_VERIFIED :
			KNOWN_TLS);
	session_mail(c);
}

/* What TLS has proved of the server. */
static enum relay_count
session_proved(const struct conn *c)
{
	if (!tlsio_is_secure(c->io))
		return COUNT_PLAIN;
	if (c->policy.trust == TLSIO_TRUST_NONE ||
	    tlsio_result(c->io) != TLSIO_OK)
		return COUNT_UNVERIFIED;
	if (c->policy.trust == TLSIO_TRUST_DANE)
		return COUNT_DANE;
	return c->policy.sts ? COUNT_STS : COUNT_VERIFIED;
}

/* From here on the message is this connection's. */
static void
session_mail(struct conn *c)
{
	char size[64], dsn[QUEUE_ENVID_MAX + 64];
	struct job *j;

	j = c->job;
	report_add(session_proved(c));
	plan_free(j->plan);
	c->plan = NULL;
	c->rcpt = c->accepted = 0;
	c->begun = c->whole = c->wanted = c->bdat = false;
	c->took = 0;
	c->cr = false;
	c->line_start = true;
	size[0] = dsn[0] = '\0';
	if ((c->ext & EXT_SIZE) != 0)
		(void)snprintf(size, sizeof(size), " SIZE=%llu",
		    (unsigned long long)(j->head + j->body));
	if ((c->ext & EXT_DSN) != 0)
		(void)snprintf(dsn, sizeof(dsn), "%s%s%s",
		    j->ret == QUEUE_RET_FULL     ? " RET=FULL" :
			j->ret == QUEUE_RET_HDRS ? " RET=HDRS" :
						   "",
		    j->envid[0] != '\0' ? " ENVID=" : "", j->envid);
	c->state = CONN_MAIL;
	conn_timer(c, COMMAND_SECONDS);
	conn_write(c, "MAIL FROM:<%s>%s%s%s%s%s\r\n", j->sender, size,
	    (c->ext & EXT_8BITMIME) == 0     ? "" :
		(j->flags & QUEUE_8BIT) != 0 ? " BODY=8BITMIME" :
					       "",
	    (j->flags & QUEUE_UTF8) != 0 ? " SMTPUTF8" : "",
	    (j->flags & QUEUE_REQUIRETLS) != 0 ? " REQUIRETLS" : "", dsn);
	if ((c->ext & EXT_PIPELINING) == 0 || c->dead)
		return;
	for (uint32_t i = 0; i < j->n && !c->dead; i++)
		if (!j->rcpts[i].done)
			send_rcpt(c, &j->rcpts[i]);
}

/* RFC 3461 4: what the sender asked for goes on to who cares for it. */
static void
send_rcpt(struct conn *c, const struct job_rcpt *r)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} words[] = {
	    {QUEUE_NOTIFY_NEVER, "NEVER"},
	    {QUEUE_NOTIFY_SUCCESS, "SUCCESS"},
	    {QUEUE_NOTIFY_FAILURE, "FAILURE"},
	    {QUEUE_NOTIFY_DELAY, "DELAY"},
	};
	char notify[64], orcpt[QUEUE_ORCPT_MAX + 16];

	notify[0] = orcpt[0] = '\0';
	if ((c->ext & EXT_DSN) != 0) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if ((r->notify & words[i].bit) == 0)
				continue;
			(void)strlcat(notify,
			    notify[0] == '\0' ? " NOTIFY=" : ",",
			    sizeof(notify));
			(void)strlcat(notify, words[i].word, sizeof(notify));
		}
		if (r->orcpt[0] != '\0')
			(void)snprintf(
			    orcpt, sizeof(orcpt), " ORCPT=%s", r->orcpt);
	}
	conn_write(c, "RCPT TO:<%s>%s%s\r\n", r->address, notify, orcpt);
}

static void
got_mail(struct conn *c)
{
	struct job *j;
	struct job_rcpt *r;

	j = c->job;
	if (c->reply.code / 100 != 2) {
		/* Pipelined RCPTs are answered too: begin anew elsewhere. */
		c->job = NULL;
		j->conn = NULL;
		job_outcome_all(j, outcome_of(c->reply.code), c->reply.code,
		    status_of(&c->reply), c->host, c->reply.text);
		if ((c->ext & EXT_PIPELINING) != 0)
			conn_quit(c);
		else
			session_next(c);
		return;
	}
	c->state = CONN_RCPT;
	conn_timer(c, COMMAND_SECONDS);
	r = next_rcpt(c);
	if (r != NULL && (c->ext & EXT_PIPELINING) == 0)
		send_rcpt(c, r);
}

static void
got_rcpt(struct conn *c)
{
	struct job_rcpt *r;
	struct job *j;
	unsigned int code;

	j = c->job;
	r = next_rcpt(c);
	code = c->reply.code;
	c->rcpt++;
	if (code / 100 == 2) {
		r->accepted = true;
		c->accepted++;
	} else if (j->left > 1 || c->accepted > 0)
		job_outcome(j, r, outcome_of(code), code, status_of(&c->reply),
		    c->host, c->reply.text);
	else {
		/* The last one: the job ends with it. */
		c->job = NULL;
		j->conn = NULL;
		job_outcome(j, r, outcome_of(code), code, status_of(&c->reply),
		    c->host, c->reply.text);
		c->state = CONN_RESET;
		conn_write(c, "RSET\r\n");
		return;
	}
	conn_timer(c, COMMAND_SECONDS);
	r = next_rcpt(c);
	if (r == NULL)
		after_rcpts(c);
	else if ((c->ext & EXT_PIPELINING) == 0)
		send_rcpt(c, r);
}

/* RFC 3030: no octet of the message can be taken for its end. */
static void
after_rcpts(struct conn *c)
{
	if ((c->ext & EXT_CHUNKING) != 0 && !bdat_refused(c->host)) {
		c->bdat = true;
		c->announced = c->job->head + c->job->body;
		conn_write(
		    c, "BDAT %llu LAST\r\n", (unsigned long long)c->announced);
		c->state = CONN_BODY;
		c->wanted = true;
		conn_timer(c, BLOCK_SECONDS);
		job_want(c->job);
		return;
	}
	c->state = CONN_DATA;
	conn_timer(c, COMMAND_SECONDS);
	conn_write(c, "DATA\r\n");
}

static void
got_data(struct conn *c)
{
	struct job *j;

	j = c->job;
	if (c->reply.code == 354) {
		c->state = CONN_BODY;
		c->wanted = true;
		conn_timer(c, BLOCK_SECONDS);
		job_want(j);
		return;
	}
	/* The answer to something else: not an octet of it was sent. */
	if (c->reply.code / 100 == 2) {
		conn_fail(c, "4.5.0", "The server's replies are out of step");
		return;
	}
	c->job = NULL;
	j->conn = NULL;
	job_outcome_all(j, outcome_of(c->reply.code), c->reply.code,
	    status_of(&c->reply), c->host, c->reply.text);
	c->state = CONN_RESET;
	conn_write(c, "RSET\r\n");
}

/* It wants no more of it: what it says is the last word. */
static void
got_early(struct conn *c)
{
	struct job *j;

	j = c->job;
	c->job = NULL;
	j->conn = NULL;
	job_stop(j);
	c->wanted = false;
	job_outcome_all(j, final_of(c), c->reply.code, status_of(&c->reply),
	    c->host, c->reply.text);
	conn_fail(c, "", "");
}

/*
 * Something between us and the server may hide that it knows no BDAT: such a
 * host is not asked again by it, and the mail comes later.
 */
static enum queue_outcome
final_of(struct conn *c)
{
	if (!c->bdat || c->reply.code < 500 || c->reply.code > 504)
		return outcome_of(c->reply.code);
	(void)strlcpy(refusers[next_refuser++ % REFUSERS_MAX], c->host,
	    sizeof(refusers[0]));
	return OUTCOME_DEFERRED;
}

static bool
bdat_refused(const char *host)
{
	for (size_t i = 0; i < REFUSERS_MAX; i++)
		if (strcasecmp(refusers[i], host) == 0)
			return true;
	return false;
}

static void
got_final(struct conn *c)
{
	enum queue_outcome what;
	struct job *j;

	j = c->job;
	c->job = NULL;
	j->conn = NULL;
	c->messages++;
	what = final_of(c);
	if (what == OUTCOME_SENT && (c->ext & EXT_DSN) == 0)
		what = OUTCOME_RELAYED;
	job_outcome_all(j, what, c->reply.code, status_of(&c->reply), c->host,
	    c->reply.text);
	session_next(c);
}

/* The connection is free. */
static void
session_next(struct conn *c)
{
	if (!c->dead)
		conn_idle(c);
}

/* The server wants nothing of us, now (4yz) or at all. */
static void
session_refused(
    struct conn *c, unsigned int code, const char *status, const char *text)
{
	struct job *j;

	/* RFC 5321 4.2.1: 5yz is for good; other hosts are not asked. */
	if (code / 100 != 5 || c->plan == NULL) {
		conn_fail(c, status, text);
		return;
	}
	j = c->job;
	plan_free(j->plan);
	c->plan = NULL;
	c->job = NULL;
	j->conn = NULL;
	job_outcome_all(j, OUTCOME_FAILED, code, status, c->host, text);
	conn_quit(c);
}

/* Whose reply is next. */
static struct job_rcpt *
next_rcpt(struct conn *c)
{
	for (; c->rcpt < c->job->n; c->rcpt++)
		if (!c->job->rcpts[c->rcpt].done)
			return &c->job->rcpts[c->rcpt];
	return NULL;
}

/* RFC 3463 3: what a code means where the server does not say. */
static const char *
status_of(const struct reply *r)
{
	if (r->status[0] != '\0')
		return r->status;
	return r->code / 100 == 2 ? "2.0.0" :
	    r->code / 100 == 5    ? "5.0.0" :
				    "4.0.0";
}

static enum queue_outcome
outcome_of(unsigned int code)
{
	return code / 100 == 2 ? OUTCOME_SENT :
	    code / 100 == 5    ? OUTCOME_FAILED :
				 OUTCOME_DEFERRED;
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}
