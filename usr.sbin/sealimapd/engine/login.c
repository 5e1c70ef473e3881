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
 * LOGIN and AUTHENTICATE PLAIN (RFC 4616, RFC 4959).  The master names an
 * opener; the secret goes to the opener alone and is wiped here at once.  No
 * answer tells an unknown name from a wrong password, and refusals come late.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "sasl.h"

#define BASE64_MAX IMAP_AUTHLINE_MAX
#define CHALLENGE_MS 20 /* the soonest, so that it tells nothing */

/* How far it is. */
enum stage {
	STAGE_PASSWORD,
	STAGE_ASK,   /* SCRAM: the opener is asked for the salt */
	STAGE_WAIT,  /* the client is to send its proof */
	STAGE_PROVE, /* the opener has it */
	STAGE_LAST,  /* the client is to take note of our signature */
};

struct login {
	TAILQ_ENTRY(login) entry;
	struct conn *conn;
	struct job *job;
	uint32_t id;
	bool asked; /* the master owes an answer */
	char name[ACCOUNT_NAME_MAX];
	uint8_t secret[SECRET_MAX];
	size_t len;
	enum store_refusal refusal;
	struct event delay;
	enum stage stage;
	struct scram *scram; /* NULL: a password */
	struct timeval begun;
	struct event challenge;
	uint8_t signature[SCRAM_KEY_LEN];
	uint64_t session; /* of the welcome */
	uint8_t notes;    /* enum vault_note */
};

static TAILQ_HEAD(, login) logins = TAILQ_HEAD_INITIALIZER(logins);
static uint32_t next_id;

static void login_refused(struct login *, enum store_refusal);
static void login_challenge(int, short, void *);
static void sasl_failed(struct job *, enum sasl_result);
static void login_done(struct conn *);

uint32_t
login_next_id(void)
{
	if (++next_id == 0)
		next_id = 1;
	return next_id;
}

static void
login_free(struct login *l)
{
	l->conn->login = NULL;
	evtimer_del(&l->delay);
	evtimer_del(&l->challenge);
	TAILQ_REMOVE(&logins, l, entry);
	if (l->scram != NULL)
		freezero(l->scram, sizeof(*l->scram));
	freezero(l, sizeof(*l));
}

void
login_abort(struct conn *c)
{
	struct login *l = c->login;

	if (l == NULL)
		return;
	if (l->asked && engine_master() != NULL)
		msg_signal(engine_master(), ENGINE_MASTER_CANCEL, l->id);
	login_free(l);
}

int
login_name(char *to, size_t size, const char *name, size_t len)
{
	const struct engine_slice *conf = engine_config();
	size_t i;

	if (len == 0 || len >= size)
		return -1;
	for (i = 0; i < len; i++) {
		if (name[i] == '\0')
			return -1;
		to[i] = (char)tolower((unsigned char)name[i]);
	}
	to[len] = '\0';
	if (strchr(to, '@') == NULL && conf->site.n_domains > 0) {
		if (strlcat(to, "@", size) >= size ||
		    strlcat(to, conf->site.domains[0], size) >= size)
			return -1;
	}
	return 0;
}

static void
login_delay(int fd, short what, void *arg)
{
	struct login *l = arg;
	struct conn *c = l->conn;
	struct job *job = l->job;
	bool last;

	last = l->refusal == REFUSED_CREDENTIALS &&
	    ++c->tries >= engine_config()->login_failures;
	switch (l->refusal) {
	case REFUSED_CREDENTIALS:
		job_done(
		    job, "NO", "[AUTHENTICATIONFAILED] Wrong name or password");
		break;
	case REFUSED_DISABLED:
		job_done(job, "NO", "[CONTACTADMIN] The account is disabled");
		break;
	case REFUSED_LIMIT:
		job_done(job, "NO", "[LIMIT] Too many sessions");
		break;
	case REFUSED_DAMAGED:
		job_done(job, "NO", "[CONTACTADMIN] The account is damaged");
		break;
	case REFUSED_RATE:
		job_done(job, "NO",
		    "[LIMIT] Too many failed logins; try again later");
		break;
	case REFUSED_UNAVAILABLE:
		job_done(job, "NO", "[UNAVAILABLE] Try again later");
		break;
	}
	login_free(l);
	c->state = CONN_BEFORE;
	if (last)
		conn_bye(c, "Too many failed logins");
	conn_flush(c);
	conn_pump(c);
}

static void
login_refused(struct login *l, enum store_refusal refusal)
{
	struct timeval tv = {0};
	unsigned ms;

	explicit_bzero(l->secret, sizeof(l->secret));
	l->asked = false;
	l->refusal = refusal;
	report_refused(refusal);
	log_info("login refused conn=%llu account=%s reason=%s",
	    (unsigned long long)l->conn->id, log_addr(l->name),
	    store_refusal_name(refusal));
	ms = refusal == REFUSED_CREDENTIALS ?
	    LOGIN_DELAY_MS * (l->conn->tries + 1) :
	    LOGIN_DELAY_MS;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	evtimer_add(&l->delay, &tv);
}

static struct login *
login_new(struct job *job)
{
	struct conn *c = job->conn;
	struct login *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("login");
	l->conn = c;
	l->job = job;
	evtimer_set(&l->delay, login_delay, l);
	evtimer_set(&l->challenge, login_challenge, l);
	TAILQ_INSERT_TAIL(&logins, l, entry);
	c->login = l;
	c->state = CONN_LOGIN;
	return l;
}

/* The master names an opener. */
static void
login_ask(struct login *l)
{
	struct msgout *m;

	if (engine_master() == NULL) {
		login_refused(l, REFUSED_UNAVAILABLE);
		return;
	}
	l->id = login_next_id();
	l->asked = true;
	m = msg_new(engine_master(), ENGINE_MASTER_LOGIN, l->id);
	msg_put_u64(m, l->conn->id);
	msg_put_u8(m, SERVICE_IMAP);
	msg_put_str(m, l->name);
	msg_send(m);
}

/* Starts it; the secret is copied, the caller wipes its own. */
static void
login_begin(struct job *job, const char *name, size_t name_len,
    const void *secret, size_t len)
{
	struct login *l;

	l = login_new(job);
	if (login_name(l->name, sizeof(l->name), name, name_len) == -1 ||
	    len == 0 || len > sizeof(l->secret)) {
		login_refused(l, REFUSED_CREDENTIALS);
		return;
	}
	memcpy(l->secret, secret, len);
	l->len = len;
	login_ask(l);
}

/* A plain connection that is to become TLS carries no password. */
static bool
login_disabled(struct job *job)
{
	struct conn *c = job->conn;

	if (c->listener == IMAP_LISTEN_STARTTLS && !tlsio_is_secure(c->io)) {
		job_done(job, "NO", "[PRIVACYREQUIRED] STARTTLS first");
		return true;
	}
	return false;
}

void
login_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;

	if (login_disabled(job))
		return;
	login_begin(
	    job, cmd->name.p, cmd->name.len, cmd->secret.p, cmd->secret.len);
	/* The arena holds it until the answer otherwise. */
	explicit_bzero((void *)(uintptr_t)cmd->secret.p, cmd->secret.len);
}

static void
plain(struct job *job, const uint8_t *response, size_t len)
{
	uint8_t buf[BASE64_MAX];
	enum sasl_result why = SASL_OK;
	const uint8_t *secret;
	const char *name;
	size_t name_len;
	ssize_t n = -1;

	if (len <= sizeof(buf))
		n = base64_decode(response, len, buf);
	if (n == -1)
		job_done(job, "BAD", "Not base64");
	else
		why = sasl_plain(
		    buf, (size_t)n, &name, &name_len, &secret, &len);
	if (n != -1 && why == SASL_OK)
		login_begin(job, name, name_len, secret, len);
	else if (n != -1)
		sasl_failed(job, why);
	explicit_bzero(buf, sizeof(buf));
}

static bool
wants_plus(const struct job *job)
{
	return strcasecmp(job->cmd->words[0].p, "SCRAM-SHA-256-PLUS") == 0 &&
	    login_bound(job->conn);
}

bool
login_bound(const struct conn *c)
{
	uint8_t channel[TLSIO_CHANNEL_LEN];
	int r;

	r = tlsio_channel(c->io, channel);
	explicit_bzero(channel, sizeof(channel));
	return engine_config()->scram && r == 0;
}

static bool
wants_scram(const struct job *job)
{
	return engine_config()->scram &&
	    (strcasecmp(job->cmd->words[0].p, "SCRAM-SHA-256") == 0 ||
		wants_plus(job));
}

/* A line of ours in an exchange, and one of the client's after it. */
static void
sasl_line(struct conn *c, const char *text)
{
	char encoded[4 * ((2 * SCRAM_TEXT_MAX + 2) / 3) + 1];

	base64_encode(text, strlen(text), encoded);
	imap_puts(conn_out(c), "+ ");
	imap_puts(conn_out(c), encoded);
	imap_puts(conn_out(c), "\r\n");
	imap_reader_line(c->reader);
	c->answer_due = true;
	conn_flush(c);
	conn_pump(c);
}

static void
sasl_failed(struct job *job, enum sasl_result why)
{
	switch (why) {
	case SASL_OTHER_USER:
		job_done(
		    job, "NO", "[AUTHORIZATIONFAILED] Not for another user");
		break;
	case SASL_UNSUPPORTED:
		job_done(job, "NO", "[CANNOT] Not with this channel binding");
		break;
	case SASL_OK:
	case SASL_MALFORMED:
		job_done(job, "BAD", "Malformed response");
		break;
	}
}

/* RFC 5802 section 5: the client's name and nonce; the opener has the salt. */
static void
scram_begin(struct job *job, const uint8_t *response, size_t len)
{
	uint8_t buf[BASE64_MAX], nonce[SCRAM_NONCE_LEN];
	enum sasl_result why = SASL_MALFORMED;
	struct scram *s;
	struct login *l;
	ssize_t n = -1;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		fatal("login");
	if (len <= sizeof(buf))
		n = base64_decode(response, len, buf);
	arc4random_buf(nonce, sizeof(nonce));
	if (tlsio_channel(job->conn->io, s->channel) == 0)
		s->binding = wants_plus(job) ? SCRAM_EXPORTER : SCRAM_OFFERED;
	if (n >= 0)
		why = scram_first(s, buf, (size_t)n, nonce);
	if (why != SASL_OK) {
		freezero(s, sizeof(*s));
		sasl_failed(job, why);
		return;
	}
	l = login_new(job);
	l->scram = s;
	l->stage = STAGE_ASK;
	(void)gettimeofday(&l->begun, NULL);
	if (login_name(l->name, sizeof(l->name), s->name, strlen(s->name)) ==
	    -1) {
		login_refused(l, REFUSED_CREDENTIALS);
		return;
	}
	login_ask(l);
}

/* An opener's answer: told the client after the same time, whatever it took. */
static void
scram_answer(struct login *l, struct msg *msg)
{
	struct timeval now, spent, tv = {0};
	uint8_t salt[SCRAM_SALT_LEN];
	uint32_t iterations;

	(void)msg_get_raw(msg, salt, sizeof(salt));
	iterations = msg_get_u32(msg);
	if (msg_end(msg) == -1) {
		login_refused(l, REFUSED_UNAVAILABLE);
		return;
	}
	scram_challenge(l->scram, salt, iterations);
	l->stage = STAGE_WAIT;
	(void)gettimeofday(&now, NULL);
	timersub(&now, &l->begun, &spent);
	if (spent.tv_sec == 0 && spent.tv_usec < CHALLENGE_MS * 1000)
		tv.tv_usec = CHALLENGE_MS * 1000 - spent.tv_usec;
	evtimer_add(&l->challenge, &tv);
}

static void
login_challenge(int fd, short what, void *arg)
{
	struct login *l = arg;

	sasl_line(l->conn, l->scram->server);
}

/* The client's proof, or its assent to our signature. */
static void
scram_line(struct login *l, const uint8_t *line, size_t len)
{
	struct conn *c = l->conn;
	struct job *job = l->job;
	uint8_t buf[BASE64_MAX];
	enum sasl_result why = SASL_MALFORMED;
	ssize_t n;

	if (l->stage == STAGE_LAST && len == 0) {
		login_done(c);
		return;
	}
	if (l->stage == STAGE_WAIT && len <= sizeof(buf) &&
	    (n = base64_decode(line, len, buf)) != -1)
		why = scram_final(l->scram, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	if (why == SASL_OK) {
		l->stage = STAGE_PROVE;
		login_ask(l);
		return;
	}
	if (c->vault != NULL)
		wire_free(c->vault);
	c->vault = NULL;
	login_free(l);
	c->state = CONN_BEFORE;
	if (len == 1 && line[0] == '*')
		job_done(job, "BAD", "Cancelled");
	else
		sasl_failed(job, why);
}

void
authenticate_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct conn *c = job->conn;

	if (login_disabled(job))
		return;
	if (strcasecmp(cmd->words[0].p, "PLAIN") != 0 && !wants_scram(job)) {
		job_done(job, "NO", "[CANNOT] Unknown mechanism");
		return;
	}
	if (cmd->has_initial) {
		if (wants_scram(job))
			scram_begin(job, (const uint8_t *)cmd->secret.p,
			    cmd->secret.len);
		else
			plain(job, (const uint8_t *)cmd->secret.p,
			    cmd->secret.len);
		return;
	}
	imap_puts(conn_out(c), "+ \r\n");
	imap_reader_line(c->reader);
	c->answer_due = true;
}

void
authenticate_line(struct conn *c, const uint8_t *line, size_t len)
{
	struct job *job = TAILQ_LAST(&c->jobs, jobs);

	if (c->login != NULL) {
		scram_line(c->login, line, len);
		return;
	}
	if (len == 1 && line[0] == '*') {
		job_done(job, "BAD", "Cancelled");
		return;
	}
	if (wants_scram(job))
		scram_begin(job, line, len);
	else
		plain(job, line, len);
}

/* RFC 9051 7.1: what a client must show its user. */
static void
put_alerts(struct conn *c, uint8_t notes)
{
	if (notes & NOTE_PUT_BACK)
		imap_puts(conn_out(c),
		    "* OK [ALERT] This account was put back from an earlier "
		    "copy: mail and changes that are later may be missing\r\n");
	if (notes & NOTE_READ_ONLY)
		imap_puts(conn_out(c),
		    "* OK [ALERT] This account is damaged and can only be "
		    "read, until its administrator mends it\r\n");
}

/* The wire is the vault's from here on, and the client is told. */
static void
login_done(struct conn *c)
{
	struct login *l = c->login;
	struct job *job = l->job;
	struct imap_buf text = {0};

	c->account = strdup(l->name);
	if (c->account == NULL)
		fatal("login");
	report_add(COUNT_LOGIN_OK, 1);
	log_info("login conn=%llu session=%llu account=%s peer=%s%s",
	    (unsigned long long)c->id, (unsigned long long)l->session,
	    log_addr(c->account), c->peer,
	    l->scram != NULL ? " mechanism=scram" : "");
	put_alerts(c, l->notes);
	login_free(l);
	c->state = CONN_AUTH;
	c->active = engine_now();
	imap_reader_login(c->reader);
	conn_vault(c);
	imap_puts(&text, "[CAPABILITY");
	capability_put(c, &text);
	imap_put(&text, "] Logged in", sizeof("] Logged in"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
	conn_flush(c);
	conn_pump(c);
}

static void
login_welcome(struct conn *c, struct msg *msg)
{
	struct login *l = c->login;
	char text[80], encoded[48];

	(void)msg_get_u8(msg);
	(void)msg_get_u32(msg);
	l->session = msg_get_u64(msg);
	if (msg_get_str(msg, l->name, sizeof(l->name)) == -1 ||
	    msg_end(msg) == -1) {
		conn_protocol(c, "welcome");
		return;
	}
	if (l->stage != STAGE_PROVE) {
		login_done(c);
		return;
	}
	l->stage = STAGE_LAST;
	base64_encode(l->signature, sizeof(l->signature), encoded);
	(void)snprintf(text, sizeof(text), "v=%s", encoded);
	sasl_line(c, text);
}

static void
opener_close(struct conn *c, enum store_refusal refusal)
{
	wire_free(c->vault);
	c->vault = NULL;
	if (c->login != NULL)
		login_refused(c->login, refusal);
}

static void
opener_message(struct wire *w, struct msg *msg, void *arg)
{
	struct conn *c = arg;
	uint8_t refusal;

	if (c->dead || c->state != CONN_LOGIN || c->login == NULL)
		return;
	switch (msg->type) {
	case VAULT_ENGINE_NOTE:
		c->login->notes = msg_get_u8(msg);
		if (msg_end(msg) == -1)
			opener_close(c, REFUSED_UNAVAILABLE);
		break;
	case VAULT_ENGINE_WELCOME:
		login_welcome(c, msg);
		break;
	case OPENER_ENGINE_NO:
		refusal = msg_get_u8(msg);
		if (msg_end(msg) == -1 || refusal < REFUSED_CREDENTIALS ||
		    refusal > REFUSED_RATE)
			refusal = REFUSED_UNAVAILABLE;
		opener_close(c, refusal);
		break;
	case OPENER_ENGINE_CHALLENGE:
		wire_free(c->vault);
		c->vault = NULL;
		if (c->login->stage == STAGE_ASK)
			scram_answer(c->login, msg);
		else
			login_refused(c->login, REFUSED_UNAVAILABLE);
		break;
	case OPENER_ENGINE_PROVED:
		(void)msg_get_raw(msg, c->login->signature, SCRAM_KEY_LEN);
		if (msg_end(msg) == -1 || c->login->stage != STAGE_PROVE)
			opener_close(c, REFUSED_UNAVAILABLE);
		break;
	default:
		log_warnx("opener protocol conn=%llu type=%u",
		    (unsigned long long)c->id, msg->type);
		opener_close(c, REFUSED_UNAVAILABLE);
	}
}

static void
opener_gone(struct wire *w, void *arg)
{
	struct conn *c = arg;

	if (c->dead || c->state != CONN_LOGIN) {
		wire_free(w);
		c->vault = NULL;
		return;
	}
	opener_close(c, REFUSED_UNAVAILABLE);
}

static void
login_opener(struct login *l, int fd)
{
	struct conn *c = l->conn;
	struct msgout *m;

	l->asked = false;
	c->vault = wire_new(fd, opener_message, opener_gone, c);
	if (c->vault == NULL)
		fatal("opener");
	m = msg_new(c->vault, ENGINE_OPENER_AUTH, l->id);
	msg_put_u32(m, STORE_WIRE_VERSION);
	switch (l->stage) {
	case STAGE_ASK:
		msg_put_u8(m, MECHANISM_SCRAM_ASK);
		msg_put_bytes(m, "", 0);
		break;
	case STAGE_PROVE:
		msg_put_u8(m, MECHANISM_SCRAM_PROVE);
		msg_put_bytes(m, l->scram->message, strlen(l->scram->message));
		msg_put_raw(m, l->scram->proof, SCRAM_KEY_LEN);
		break;
	case STAGE_PASSWORD:
	case STAGE_WAIT:
	case STAGE_LAST:
		msg_put_u8(m, MECHANISM_PASSWORD);
		msg_put_bytes(m, l->secret, l->len);
		break;
	}
	msg_send(m);
	explicit_bzero(l->secret, sizeof(l->secret));
}

void
login_master_message(struct msg *msg)
{
	struct login *l;
	uint8_t refusal;
	int fd;

	if (manage_master_message(msg))
		return;
	TAILQ_FOREACH (l, &logins, entry)
		if (l->asked && l->id == msg->id)
			break;
	switch (msg->type) {
	case MASTER_ENGINE_OPENER:
		/* If it is not wanted any more libmsg closes it. */
		if (l == NULL)
			return;
		fd = msg_get_fd(msg);
		if (msg_end(msg) == -1)
			fatalx("store master: malformed opener");
		login_opener(l, fd);
		break;
	case MASTER_ENGINE_REFUSED:
		refusal = msg_get_u8(msg);
		if (msg_end(msg) == -1)
			fatalx("store master: malformed refusal");
		if (l != NULL)
			login_refused(l,
			    refusal >= REFUSED_CREDENTIALS &&
				    refusal <= REFUSED_RATE ?
				refusal :
				REFUSED_UNAVAILABLE);
		break;
	default:
		fatalx("store master: message %u", msg->type);
	}
}

void
login_master_gone(void)
{
	struct login *l, *next;

	manage_master_gone();
	TAILQ_FOREACH_SAFE (l, &logins, entry, next)
		if (l->asked)
			login_refused(l, REFUSED_UNAVAILABLE);
}

void
starttls_start(struct job *job)
{
	struct conn *c = job->conn;
	struct tlsio_server *server;

	if (c->listener != IMAP_LISTEN_STARTTLS || tlsio_is_secure(c->io)) {
		job_done(job, "BAD", "Not here");
		return;
	}
	server = engine_tls(c->listener_index);
	if (server == NULL) {
		job_done(job, "NO", "[UNAVAILABLE] No certificate");
		return;
	}
	job_done(job, "OK", "Begin TLS");
	conn_flush(c);
	/* Octets sent too early were in clear: not to be obeyed. */
	if (tlsio_starttls(c->io, server) == -1)
		conn_drop(c);
}
