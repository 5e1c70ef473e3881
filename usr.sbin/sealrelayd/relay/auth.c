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
 * Logging in with a smarthost: within TLS, once its certificate has proved its
 * name, and never elsewhere (RFC 4954).  By the best that it offers, which is
 * SCRAM-SHA-256 (RFC 7677), bound to the connection if it can be: then it does
 * not see the password.  One that offers SCRAM and refuses it, as it does for
 * users whose password it keeps otherwise, is asked by PLAIN or LOGIN at once.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "conn.h"
#include "log.h"
#include "sasl_client.h"

#define ROUNDS_TURN 2000 /* of SCRAM, between other work */
#define NONCE_LEN 18     /* random octets of a nonce */
#define UNPROVED_MAX 16  /* servers that refused SCRAM */

/* What the server's next reply is about. */
enum auth_step {
	STEP_LAST,      /* the outcome */
	STEP_NAME,      /* LOGIN: it asks for the name */
	STEP_PASSWORD,  /* ... and the password */
	STEP_CHALLENGE, /* SCRAM: its first message */
	STEP_ROUNDS,    /* nothing: it waits for us */
	STEP_PROOF,     /* its last message */
	STEP_SURE       /* the outcome; it knows the password */
};

struct auth {
	struct scram_client scram;
	struct event turn;
	enum auth_step step;
	bool plus; /* SCRAM is bound to the connection */
};

static struct {
	char host[RESOLVER_NAME_MAX];
	uint16_t port;
} unproved[UNPROVED_MAX];
static size_t next_unproved;

static void auth_by_password(struct conn *);
static bool auth_scram(struct conn *);
static void auth_wrong(struct conn *);
static void auth_challenge(struct conn *);
static void auth_turn(int, short, void *);
static void auth_proof(struct conn *);
static void auth_refused(struct conn *);
static void auth_say(struct conn *, const char *, const void *, size_t);
static ssize_t auth_text(const struct conn *, uint8_t *);
static bool is_ascii(const char *);
static bool is_unproved(const struct conn *);

unsigned int
auth_offered(const char *s, size_t len)
{
	static const struct {
		const char *word;
		unsigned int ext;
	} words[] = {
	    {"PLAIN", EXT_AUTH_PLAIN},
	    {"LOGIN", EXT_AUTH_LOGIN},
	    {"SCRAM-SHA-256", EXT_AUTH_SCRAM},
	    {"SCRAM-SHA-256-PLUS", EXT_AUTH_SCRAM_PLUS},
	};
	unsigned int ext;
	size_t n;

	ext = 0;
	for (; len > 0; s += n, len -= n) {
		for (n = 0; n < len && s[n] != ' '; n++)
			;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (n == strlen(words[i].word) &&
			    strncasecmp(s, words[i].word, n) == 0)
				ext |= words[i].ext;
		n += n < len;
	}
	return ext;
}

void
auth_start(struct conn *c)
{
	c->state = CONN_AUTH;
	conn_timer(c, COMMAND_SECONDS);
	if (!tlsio_is_secure(c->io) || c->policy.go_on ||
	    strchr(c->login, ':') == NULL ||
	    strlen(c->login) >= RELAY_AUTH_MAX) {
		conn_fail(c, "4.7.0", "The server lets nobody log in safely");
		return;
	}
	c->auth = calloc(1, sizeof(*c->auth));
	if (c->auth == NULL)
		fatal("calloc");
	evtimer_set(&c->auth->turn, auth_turn, c);
	if (!auth_scram(c))
		auth_by_password(c);
}

void
auth_free(struct conn *c)
{
	if (c->auth == NULL)
		return;
	evtimer_del(&c->auth->turn);
	scram_client_clear(&c->auth->scram);
	free(c->auth);
	c->auth = NULL;
}

void
auth_forget(void)
{
	memset(unproved, 0, sizeof(unproved));
}

/* A 235 counts only from a server that has proved what it has to. */
bool
auth_reply(struct conn *c)
{
	unsigned int code;

	code = c->reply.code;
	if (code == 235 &&
	    (c->auth->step == STEP_LAST || c->auth->step == STEP_SURE)) {
		auth_free(c);
		return true;
	}
	if (code != 334) {
		auth_refused(c);
		return false;
	}
	conn_timer(c, COMMAND_SECONDS);
	switch (c->auth->step) {
	case STEP_NAME:
		/* What no RFC says and many servers ask. */
		c->auth->step = STEP_PASSWORD;
		auth_say(c, "", c->login, strcspn(c->login, ":"));
		break;
	case STEP_PASSWORD:
		/* After it there is nothing more to ask. */
		c->auth->step = STEP_LAST;
		auth_say(c, "", strchr(c->login, ':') + 1,
		    strlen(strchr(c->login, ':') + 1));
		break;
	case STEP_CHALLENGE:
		auth_challenge(c);
		break;
	case STEP_PROOF:
		auth_proof(c);
		break;
	case STEP_LAST:
	case STEP_ROUNDS:
	case STEP_SURE:
		conn_fail(c, "4.7.8", "The server asks for more than it may");
		break;
	}
	return false;
}

static void
auth_by_password(struct conn *c)
{
	char plain[RELAY_AUTH_MAX + 2];
	size_t len;

	if ((c->ext & (EXT_AUTH_PLAIN | EXT_AUTH_LOGIN)) == 0) {
		conn_fail(c, "4.7.0",
		    "The server lets nobody log in by what is known here");
		return;
	}
	if ((c->ext & EXT_AUTH_PLAIN) == 0) {
		c->auth->step = STEP_NAME;
		conn_write(c, "AUTH LOGIN\r\n");
		return;
	}
	c->auth->step = STEP_LAST;
	len = strlen(c->login);
	plain[0] = '\0';
	memcpy(plain + 1, c->login, len + 1);
	plain[1 + strcspn(c->login, ":")] = '\0';
	auth_say(c, "AUTH PLAIN ", plain, len + 1);
	explicit_bzero(plain, sizeof(plain));
}

/* false: it is not offered, or not for this name and password. */
static bool
auth_scram(struct conn *c)
{
	char first[SCRAM_LINE_MAX], name[RELAY_AUTH_MAX];
	char nonce[4 * ((NONCE_LEN + 2) / 3) + 1];
	uint8_t octets[NONCE_LEN];
	struct auth *a;
	bool channel;

	a = c->auth;
	if (!is_ascii(c->login) || is_unproved(c))
		return false;
	channel = tlsio_channel(c->io, a->scram.channel) == 0;
	a->plus = channel && (c->ext & EXT_AUTH_SCRAM_PLUS) != 0;
	if (!a->plus && (c->ext & EXT_AUTH_SCRAM) == 0)
		return false;
	/* To one that offers no binding we say that there could be one. */
	a->scram.binding = a->plus                         ? SCRAM_EXPORTER :
	    channel && (c->ext & EXT_AUTH_SCRAM_PLUS) == 0 ? SCRAM_OFFERED :
							     SCRAM_UNBOUND;
	arc4random_buf(octets, sizeof(octets));
	base64_encode(octets, sizeof(octets), nonce);
	(void)strlcpy(name, c->login, sizeof(name));
	name[strcspn(name, ":")] = '\0';
	if (scram_client_first(&a->scram, name, nonce, first, sizeof(first)) ==
	    -1)
		return false;
	a->step = STEP_CHALLENGE;
	auth_say(c,
	    a->plus ? "AUTH SCRAM-SHA-256-PLUS " : "AUTH SCRAM-SHA-256 ", first,
	    strlen(first));
	return true;
}

static void
auth_wrong(struct conn *c)
{
	conn_fail(c, "4.7.8", "The server does not speak SCRAM-SHA-256");
}

static void
auth_challenge(struct conn *c)
{
	uint8_t text[QUEUE_TEXT_MAX];
	struct timeval now = {0};
	const char *password;
	ssize_t len;

	password = strchr(c->login, ':') + 1;
	len = auth_text(c, text);
	if (len == -1) {
		auth_wrong(c);
		return;
	}
	switch (scram_client_challenge(
	    &c->auth->scram, text, (size_t)len, password, strlen(password))) {
	case SASL_OK:
		break;
	case SASL_UNSUPPORTED:
		conn_fail(c, "4.7.8",
		    "The server asks for too few or too many rounds");
		return;
	case SASL_MALFORMED:
	case SASL_OTHER_USER:
		auth_wrong(c);
		return;
	}
	c->auth->step = STEP_ROUNDS;
	evtimer_add(&c->auth->turn, &now);
}

static void
auth_turn(int fd, short what, void *arg)
{
	char last[SCRAM_LINE_MAX];
	struct timeval now = {0};
	struct conn *c;

	(void)fd;
	(void)what;
	c = arg;
	if (c->dead)
		return;
	if (!scram_client_rounds(&c->auth->scram, ROUNDS_TURN)) {
		evtimer_add(&c->auth->turn, &now);
		return;
	}
	if (scram_client_last(&c->auth->scram, last, sizeof(last)) == -1) {
		auth_wrong(c);
		return;
	}
	c->auth->step = STEP_PROOF;
	conn_timer(c, COMMAND_SECONDS);
	auth_say(c, "", last, strlen(last));
}

/* RFC 5802 3: it knows the password, or a proof of ours is none of its. */
static void
auth_proof(struct conn *c)
{
	uint8_t text[QUEUE_TEXT_MAX];
	ssize_t len;

	len = auth_text(c, text);
	if (len == -1 ||
	    !scram_client_sure(&c->auth->scram, text, (size_t)len)) {
		conn_fail(
		    c, "4.7.8", "The server does not know the password itself");
		return;
	}
	c->auth->step = STEP_SURE;
	conn_write(c, "\r\n");
}

static void
auth_refused(struct conn *c)
{
	enum auth_step step;
	size_t i;

	step = c->auth->step;
	if (c->reply.code / 100 == 2) {
		conn_fail(c, "4.7.8",
		    "The server does not show that it knows the password");
		return;
	}
	if (c->reply.code / 100 != 5 ||
	    (step != STEP_CHALLENGE && step != STEP_PROOF) ||
	    (c->ext & (EXT_AUTH_PLAIN | EXT_AUTH_LOGIN)) == 0) {
		conn_fail(c, "4.7.8", c->reply.text);
		return;
	}
	log_info("host=%s refuses SCRAM-SHA-256: asked by %s", log_vis(c->host),
	    (c->ext & EXT_AUTH_PLAIN) != 0 ? "PLAIN" : "LOGIN");
	i = next_unproved++ % UNPROVED_MAX;
	(void)strlcpy(unproved[i].host, c->host, sizeof(unproved[i].host));
	unproved[i].port = c->port;
	conn_timer(c, COMMAND_SECONDS);
	auth_by_password(c);
}

/* The verb, and octets in base64. */
static void
auth_say(struct conn *c, const char *verb, const void *data, size_t len)
{
	char text[4 * ((SCRAM_LINE_MAX + 2) / 3) + 1];

	base64_encode(data, len, text);
	conn_write(c, "%s%s\r\n", verb, text);
	explicit_bzero(text, sizeof(text));
}

/* What the reply has in base64; its octets, or -1. */
static ssize_t
auth_text(const struct conn *c, uint8_t *text)
{
	return base64_decode(
	    (const uint8_t *)c->reply.text, strlen(c->reply.text), text);
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s > 0x7f)
			return false;
	return true;
}

static bool
is_unproved(const struct conn *c)
{
	for (size_t i = 0; i < UNPROVED_MAX; i++)
		if (unproved[i].port == c->port &&
		    strcasecmp(unproved[i].host, c->host) == 0)
			return true;
	return false;
}
