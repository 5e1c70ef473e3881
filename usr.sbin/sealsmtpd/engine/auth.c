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
 * AUTH (RFC 4954): PLAIN, LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS.
 * imap-store's master names an opener, which alone gets the secret and
 * compares; it is wiped here at once.  No answer tells an unknown name from a
 * wrong password, and refusals come late.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <ctype.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "msg.h"
#include "sasl.h"
#include "tlsio.h"

#include "engine.h"

#include "../../sealimapd/store_wire.h"

#define AUTH_DELAY_MS 500    /* before the first refusal; grows */
#define AUTH_CHALLENGE_MS 20 /* the soonest, so that it tells nothing */
#define AUTH_TEXT_MAX 9216   /* octets of a response, decoded */
#define PROMPT_NAME "Username:"
#define PROMPT_SECRET "Password:"

enum auth_mechanism { AUTH_PLAIN, AUTH_LOGIN, AUTH_SCRAM, AUTH_SCRAM_PLUS };

static const char *const mechanisms[] = {
    [AUTH_PLAIN] = "PLAIN",
    [AUTH_LOGIN] = "LOGIN",
    [AUTH_SCRAM] = "SCRAM-SHA-256",
    [AUTH_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
};
#define N_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

/* How far an exchange is. */
enum auth_stage {
	AUTH_FIRST,  /* the client is to send its first response */
	AUTH_SECRET, /* LOGIN: and the password */
	AUTH_CHECK,  /* the opener has it */
	AUTH_SALT,   /* SCRAM: the opener is asked for the salt */
	AUTH_PROOF,  /* the client is to send its proof */
	AUTH_PROVE,  /* the opener has it */
	AUTH_LAST,   /* the client is to take note of our signature */
};

struct auth {
	TAILQ_ENTRY(auth) entry;
	struct session *session;
	enum auth_mechanism mechanism;
	enum auth_stage stage;
	uint32_t id;
	bool asked; /* the master owes an answer */
	struct wire *opener;
	char name[ACCOUNT_NAME_MAX];
	uint8_t secret[SECRET_MAX];
	size_t len;
	struct scram *scram;
	uint8_t signature[SCRAM_KEY_LEN];
	struct timeval begun;
	struct event challenge;
	enum store_refusal refusal;
	struct event delay;
};

static TAILQ_HEAD(, auth) auths = TAILQ_HEAD_INITIALIZER(auths);

static bool auth_may(struct session *);
static bool auth_offered(const struct session *, enum auth_mechanism);
static void auth_new(struct session *, enum auth_mechanism);
static void auth_response(struct auth *, const char *, size_t);
static void auth_take(struct auth *, const uint8_t *, size_t);
static void auth_prompt(struct auth *, const char *);
static void auth_fail(struct auth *, int, const char *, const char *);
static void auth_name(struct auth *, const char *, size_t);
static void auth_password(struct auth *, const uint8_t *secret, size_t len);
static void auth_malformed(struct auth *, enum sasl_result);
static void auth_scram(struct auth *, const uint8_t *, size_t);
static void auth_salt(struct auth *, struct msg *);
static void auth_challenge(int, short, void *);
static void auth_ask(struct auth *);
static void auth_opener(struct auth *, int fd);
static void auth_refused(struct auth *, enum store_refusal);
static void auth_delayed(int, short, void *);
static void auth_say(struct session *, enum store_refusal);
static void auth_done(struct auth *);
static void opener_message(struct wire *, struct msg *, void *);
static void opener_gone(struct wire *, void *);
static void opener_close(struct auth *);

void
auth_start(struct session *s, const char *arg, size_t len)
{
	size_t n, i;

	if (!auth_may(s))
		return;
	for (n = 0; n < len && arg[n] != ' '; n++)
		;
	for (i = 0; i < N_MECHANISMS; i++) {
		if (strlen(mechanisms[i]) == n &&
		    strncasecmp(arg, mechanisms[i], n) == 0)
			break;
	}
	if (n == 0) {
		session_error(s, 501, "5.5.4", "AUTH needs a mechanism");
		return;
	}
	if (i == N_MECHANISMS || !auth_offered(s, (enum auth_mechanism)i)) {
		session_error(s, 504, "5.5.4", "Unknown mechanism");
		return;
	}
	auth_new(s, (enum auth_mechanism)i);
	while (n < len && arg[n] == ' ')
		n++;
	if (n < len) {
		/* RFC 4954 4: "=" is an initial response that is empty. */
		i = len - n == 1 && arg[n] == '=' ? 1 : 0;
		auth_response(s->auth, arg + n + i, len - n - i);
	} else
		auth_prompt(s->auth,
		    s->auth->mechanism == AUTH_LOGIN ? PROMPT_NAME : "");
}

/* A value of the connection (RFC 9266) only TLS 1.3 has. */
static bool
auth_offered(const struct session *s, enum auth_mechanism mechanism)
{
	uint8_t channel[TLSIO_CHANNEL_LEN];
	int ret;

	if (mechanism == AUTH_PLAIN || mechanism == AUTH_LOGIN)
		return true;
	if (!engine_config()->scram || mechanism == AUTH_SCRAM)
		return engine_config()->scram;
	ret = tlsio_channel(s->io, channel);
	explicit_bzero(channel, sizeof(channel));
	return ret == 0;
}

void
auth_list(const struct session *s, char *list, size_t size)
{
	list[0] = '\0';
	for (size_t i = 0; i < N_MECHANISMS; i++) {
		if (!auth_offered(s, (enum auth_mechanism)i))
			continue;
		(void)strlcat(list, " ", size);
		(void)strlcat(list, mechanisms[i], size);
	}
}

void
auth_line(struct session *s, const char *line, size_t len)
{
	if (len == 1 && line[0] == '*')
		auth_fail(s->auth, 501, "5.7.0", "Cancelled");
	else
		auth_response(s->auth, line, len);
}

void
auth_abort(struct session *s)
{
	struct auth *a;

	a = s->auth;
	if (a == NULL)
		return;
	if (a->asked && master_there())
		msg_send(master_new(ENGINE_MASTER_CANCEL, a->id));
	opener_close(a);
	evtimer_del(&a->delay);
	evtimer_del(&a->challenge);
	TAILQ_REMOVE(&auths, a, entry);
	if (a->scram != NULL)
		freezero(a->scram, sizeof(*a->scram));
	freezero(a, sizeof(*a));
	s->auth = NULL;
	if (s->state == SESSION_AUTH || s->state == SESSION_AUTH_LINE)
		s->state = SESSION_COMMAND;
}

bool
auth_master_message(struct msg *m)
{
	struct auth *a;
	uint8_t refusal;
	int fd;

	TAILQ_FOREACH (a, &auths, entry) {
		if (a->asked && a->id == m->id)
			break;
	}
	if (m->type == MASTER_ENGINE_OPENER) {
		/* If it is not wanted any more libmsg closes it. */
		if (a == NULL)
			return true;
		fd = msg_get_fd(m);
		if (msg_end(m) == -1)
			return false;
		auth_opener(a, fd);
		return true;
	}
	refusal = msg_get_u8(m);
	if (msg_end(m) == -1)
		return false;
	if (a != NULL)
		auth_refused(a, refusal);
	return true;
}

void
auth_master_gone(void)
{
	struct auth *a;

	TAILQ_FOREACH (a, &auths, entry) {
		if (a->asked)
			auth_refused(a, REFUSED_UNAVAILABLE);
	}
}

/* RFC 4954 4; and no password in clear. */
static bool
auth_may(struct session *s)
{
	if (s->kind != SMTP_LISTEN_SUBMISSION)
		session_error(s, 502, "5.5.1", "Not offered here");
	else if (!tlsio_is_secure(s->io))
		session_error(s, 538, "5.7.11", "Encryption required");
	else if (s->helo == NULL || !s->esmtp)
		session_error(s, 503, "5.5.1", "Say EHLO first");
	else if (s->login[0] != '\0')
		session_error(s, 503, "5.5.1", "Logged in already");
	else if (s->in_mail)
		session_error(s, 503, "5.5.1", "Not amid a message");
	else
		return true;
	return false;
}

static void
auth_new(struct session *s, enum auth_mechanism mechanism)
{
	struct auth *a;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		fatal("calloc");
	a->session = s;
	a->mechanism = mechanism;
	evtimer_set(&a->delay, auth_delayed, a);
	evtimer_set(&a->challenge, auth_challenge, a);
	TAILQ_INSERT_TAIL(&auths, a, entry);
	s->auth = a;
	s->state = SESSION_AUTH;
}

static void
auth_response(struct auth *a, const char *text, size_t len)
{
	uint8_t buf[AUTH_TEXT_MAX];
	ssize_t n;

	a->session->state = SESSION_AUTH;
	n = len > sizeof(buf) ? -1 :
				base64_decode((const uint8_t *)text, len, buf);
	if (n == -1)
		auth_fail(a, 501, "5.5.2", "Not base64");
	else
		auth_take(a, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
}

/* Ends with a prompt, a question to the master, or the end of it all. */
static void
auth_take(struct auth *a, const uint8_t *p, size_t len)
{
	enum sasl_result res;
	const char *name;
	const uint8_t *secret;
	size_t name_len;

	switch (a->mechanism) {
	case AUTH_PLAIN:
		res = sasl_plain(p, len, &name, &name_len, &secret, &len);
		if (res != SASL_OK) {
			auth_malformed(a, res);
			return;
		}
		auth_name(a, name, name_len);
		auth_password(a, secret, len);
		break;
	case AUTH_LOGIN:
		if (a->stage == AUTH_SECRET) {
			auth_password(a, p, len);
			break;
		}
		auth_name(a, (const char *)p, len);
		a->stage = AUTH_SECRET;
		auth_prompt(a, PROMPT_SECRET);
		break;
	case AUTH_SCRAM:
	case AUTH_SCRAM_PLUS:
		auth_scram(a, p, len);
		break;
	}
}

/* 334, and a line of the client's after it. */
static void
auth_prompt(struct auth *a, const char *text)
{
	char encoded[4 * ((2 * SCRAM_TEXT_MAX + 2) / 3) + 1];

	base64_encode(text, strlen(text), encoded);
	a->session->state = SESSION_AUTH_LINE;
	session_challenge(a->session, encoded);
}

/* It is over, and not for the secret's sake. */
static void
auth_fail(struct auth *a, int code, const char *enh, const char *text)
{
	struct session *s;

	s = a->session;
	auth_abort(s);
	session_error(s, code, enh, "%s", text);
}

/* As imap-engine does: "" where it can be nobody's. */
static void
auth_name(struct auth *a, const char *name, size_t len)
{
	const struct smtp_slice *config;

	config = engine_config();
	a->name[0] = '\0';
	if (len == 0 || len >= sizeof(a->name) ||
	    memchr(name, '\0', len) != NULL)
		return;
	for (size_t i = 0; i < len; i++)
		a->name[i] = (char)tolower((unsigned char)name[i]);
	a->name[len] = '\0';
	if (strchr(a->name, '@') != NULL)
		return;
	if (strlcat(a->name, "@", sizeof(a->name)) >= sizeof(a->name) ||
	    strlcat(a->name, config->site.domains[0], sizeof(a->name)) >=
		sizeof(a->name))
		a->name[0] = '\0';
}

static void
auth_password(struct auth *a, const uint8_t *secret, size_t len)
{
	if (a->name[0] == '\0' || len == 0 || len > sizeof(a->secret)) {
		auth_refused(a, REFUSED_CREDENTIALS);
		return;
	}
	memcpy(a->secret, secret, len);
	a->len = len;
	a->stage = AUTH_CHECK;
	auth_ask(a);
}

static void
auth_malformed(struct auth *a, enum sasl_result why)
{
	switch (why) {
	case SASL_OTHER_USER:
		auth_fail(a, 535, "5.7.8", "Not for another user");
		break;
	case SASL_UNSUPPORTED:
		auth_fail(a, 504, "5.5.4", "Not with this channel binding");
		break;
	case SASL_OK:
	case SASL_MALFORMED:
		auth_fail(a, 501, "5.5.2", "Malformed response");
		break;
	}
}

/* RFC 5802 section 5. */
static void
auth_scram(struct auth *a, const uint8_t *p, size_t len)
{
	uint8_t nonce[SCRAM_NONCE_LEN];
	enum sasl_result why;

	if (a->stage == AUTH_LAST && len == 0) {
		auth_done(a);
		return;
	}
	if (a->stage == AUTH_PROOF) {
		why = scram_final(a->scram, p, len);
		if (why == SASL_OK) {
			a->stage = AUTH_PROVE;
			auth_ask(a);
			return;
		}
	} else if (a->stage == AUTH_FIRST) {
		a->scram = calloc(1, sizeof(*a->scram));
		if (a->scram == NULL)
			fatal("calloc");
		arc4random_buf(nonce, sizeof(nonce));
		if (tlsio_channel(a->session->io, a->scram->channel) == 0)
			a->scram->binding = a->mechanism == AUTH_SCRAM_PLUS ?
			    SCRAM_EXPORTER :
			    SCRAM_OFFERED;
		why = scram_first(a->scram, p, len, nonce);
		if (why == SASL_OK) {
			a->stage = AUTH_SALT;
			(void)gettimeofday(&a->begun, NULL);
			auth_name(a, a->scram->name, strlen(a->scram->name));
			if (a->name[0] == '\0')
				auth_refused(a, REFUSED_CREDENTIALS);
			else
				auth_ask(a);
			return;
		}
	} else
		why = SASL_MALFORMED;
	auth_malformed(a, why);
}

/* Told the client after the same time, whatever it took. */
static void
auth_salt(struct auth *a, struct msg *m)
{
	struct timeval now, spent, tv = {0, 0};
	uint8_t salt[SCRAM_SALT_LEN];
	uint32_t iterations;

	(void)msg_get_raw(m, salt, sizeof(salt));
	iterations = msg_get_u32(m);
	opener_close(a);
	if (msg_end(m) == -1 || a->stage != AUTH_SALT) {
		auth_refused(a, REFUSED_UNAVAILABLE);
		return;
	}
	scram_challenge(a->scram, salt, iterations);
	a->stage = AUTH_PROOF;
	(void)gettimeofday(&now, NULL);
	timersub(&now, &a->begun, &spent);
	if (spent.tv_sec == 0 && spent.tv_usec < AUTH_CHALLENGE_MS * 1000)
		tv.tv_usec = AUTH_CHALLENGE_MS * 1000 - spent.tv_usec;
	evtimer_add(&a->challenge, &tv);
}

static void
auth_challenge(int fd, short what, void *arg)
{
	struct auth *a;

	(void)fd;
	(void)what;
	a = arg;
	auth_prompt(a, a->scram->server);
	session_run(a->session);
}

/* The master names an opener. */
static void
auth_ask(struct auth *a)
{
	struct msgout *out;

	if (!master_there()) {
		auth_refused(a, REFUSED_UNAVAILABLE);
		return;
	}
	a->id = master_next_id();
	a->asked = true;
	out = master_new(ENGINE_MASTER_LOGIN, a->id);
	msg_put_u64(out, a->session->conn);
	msg_put_u8(out, SERVICE_SUBMISSION);
	msg_put_str(out, a->name);
	msg_send(out);
}

static void
auth_opener(struct auth *a, int fd)
{
	struct msgout *out;

	a->asked = false;
	a->opener = wire_new(fd, opener_message, opener_gone, a);
	out = msg_new(a->opener, ENGINE_OPENER_AUTH, a->id);
	msg_put_u32(out, STORE_WIRE_VERSION);
	if (a->stage == AUTH_SALT) {
		msg_put_u8(out, MECHANISM_SCRAM_ASK);
		msg_put_bytes(out, "", 0);
	} else if (a->stage == AUTH_PROVE) {
		msg_put_u8(out, MECHANISM_SCRAM_PROVE);
		msg_put_bytes(
		    out, a->scram->message, strlen(a->scram->message));
		msg_put_raw(out, a->scram->proof, SCRAM_KEY_LEN);
	} else {
		msg_put_u8(out, MECHANISM_PASSWORD);
		msg_put_bytes(out, a->secret, a->len);
	}
	msg_send(out);
	explicit_bzero(a->secret, sizeof(a->secret));
}

static void
opener_close(struct auth *a)
{
	if (a->opener != NULL)
		wire_free(a->opener);
	a->opener = NULL;
}

static void
opener_gone(struct wire *w, void *arg)
{
	struct auth *a;

	(void)w;
	a = arg;
	opener_close(a);
	/* After its word it goes; before, it has died. */
	if (a->stage != AUTH_LAST)
		auth_refused(a, REFUSED_UNAVAILABLE);
}

static void
opener_message(struct wire *w, struct msg *m, void *arg)
{
	char account[ACCOUNT_NAME_MAX], text[80], encoded[48];
	struct auth *a;
	uint8_t refusal;

	(void)w;
	a = arg;
	switch (m->type) {
	case OPENER_ENGINE_CHALLENGE:
		auth_salt(a, m);
		return;
	case OPENER_ENGINE_PROVED:
		(void)msg_get_raw(m, a->signature, sizeof(a->signature));
		if (msg_end(m) == 0 && a->stage == AUTH_PROVE)
			return;
		break;
	case OPENER_ENGINE_NO:
		refusal = msg_get_u8(m);
		opener_close(a);
		auth_refused(
		    a, msg_end(m) == 0 ? refusal : REFUSED_UNAVAILABLE);
		return;
	case VAULT_ENGINE_WELCOME:
		(void)msg_get_u8(m);
		(void)msg_get_u32(m);
		(void)msg_get_u64(m);
		(void)msg_get_str(m, account, sizeof(account));
		if (msg_end(m) == -1 || strcmp(account, a->name) != 0)
			break;
		opener_close(a);
		if (a->stage == AUTH_CHECK) {
			auth_done(a);
			return;
		}
		if (a->stage != AUTH_PROVE)
			break;
		a->stage = AUTH_LAST;
		base64_encode(a->signature, sizeof(a->signature), encoded);
		(void)snprintf(text, sizeof(text), "v=%s", encoded);
		auth_prompt(a, text);
		session_run(a->session);
		return;
	default:
		break;
	}
	log_warnx("opener protocol conn=%llu type=%u",
	    (unsigned long long)a->session->conn, m->type);
	opener_close(a);
	auth_refused(a, REFUSED_UNAVAILABLE);
}

static void
auth_refused(struct auth *a, enum store_refusal refusal)
{
	struct timeval tv;
	unsigned int ms;

	explicit_bzero(a->secret, sizeof(a->secret));
	a->asked = false;
	a->refusal = refusal;
	report_login(false);
	log_info("login refused conn=%llu account=%s peer=%s reason=%s",
	    (unsigned long long)a->session->conn, log_addr(a->name),
	    a->session->peer, store_refusal_name(refusal));
	ms = AUTH_DELAY_MS;
	if (refusal == REFUSED_CREDENTIALS)
		ms *= a->session->login_tries + 1;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	evtimer_add(&a->delay, &tv);
}

static void
auth_delayed(int fd, short what, void *arg)
{
	struct auth *a;
	struct session *s;
	enum store_refusal refusal;

	(void)fd;
	(void)what;
	a = arg;
	s = a->session;
	refusal = a->refusal;
	auth_abort(s);
	auth_say(s, refusal);
	if (refusal == REFUSED_CREDENTIALS &&
	    ++s->login_tries >= engine_config()->login_failures) {
		session_refused(s, "logins");
		session_reply(s, 421, "4.7.0", "Too many failed logins");
		session_close(s);
		return;
	}
	session_run(s);
}

static void
auth_say(struct session *s, enum store_refusal refusal)
{
	switch (refusal) {
	case REFUSED_CREDENTIALS:
		session_reply(s, 535, "5.7.8", "Wrong name or password");
		break;
	case REFUSED_DISABLED:
		session_reply(s, 525, "5.7.13", "The account is disabled");
		break;
	case REFUSED_RATE:
		session_reply(
		    s, 454, "4.7.0", "Too many failed logins; try again later");
		break;
	case REFUSED_DAMAGED:
		session_reply(s, 454, "4.7.0",
		    "The account is damaged; ask the administrator");
		break;
	case REFUSED_LIMIT:
	case REFUSED_UNAVAILABLE:
	default: /* another process's word */
		session_reply(s, 454, "4.7.0", "Try again later");
		break;
	}
}

static void
auth_done(struct auth *a)
{
	struct session *s;

	s = a->session;
	(void)strlcpy(s->login, a->name, sizeof(s->login));
	report_login(true);
	log_info("login conn=%llu account=%s peer=%s mechanism=%s",
	    (unsigned long long)s->conn, log_addr(s->login), s->peer,
	    mechanisms[a->mechanism]);
	auth_abort(s);
	s->errors = s->idle_commands = 0;
	session_logged_in(s);
	session_reply(s, 235, "2.7.0", "Logged in");
	session_run(s);
}
