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
 * XSEALMAIL: secrets of the account.  A session is no proof for changing them:
 * each change is a login of its own, for that command alone, by a secret of
 * manage scope.  So it needs no session either, and who has forgotten the
 * password comes with a recovery code.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "fetch.h"
#include "log.h"
#include "mime.h"
#include "seal_keys.h"

#define ID_LEN 16 /* of a deleted message */

struct manage {
	TAILQ_ENTRY(manage) entry;
	struct job *job;
	uint32_t id;
	bool asked; /* the master owes an answer */
	bool bye;   /* the session ends once this is answered */
	char name[ACCOUNT_NAME_MAX];
	struct wire *wire;
	enum store_refusal refusal;
	struct event delay;
};

#define TEXT_MAX 250 /* octets of a text that is told */

static TAILQ_HEAD(, manage) manages = TAILQ_HEAD_INITIALIZER(manages);

static const uint8_t ops[] = {
    [IMAP_SEAL_PASSWD] = SLOT_PASSWD,
    [IMAP_SEAL_APP_ADD] = SLOT_APP_ADD,
    [IMAP_SEAL_APP_REVOKE] = SLOT_APP_REVOKE,
    [IMAP_SEAL_RECOVER] = SLOT_RECOVER,
    [IMAP_SEAL_REKEY] = SLOT_REKEY,
    [IMAP_SEAL_CONFIRM] = SLOT_CONFIRM,
    [IMAP_SEAL_PURGE] = SLOT_PURGE,
    [IMAP_SEAL_SCRAM_ON] = SLOT_SCRAM_ON,
    [IMAP_SEAL_SCRAM_OFF] = SLOT_SCRAM_OFF,
};

static bool
needs_session(enum imap_seal_op op)
{
	return op == IMAP_SEAL_LIST || op == IMAP_SEAL_DELETED ||
	    op == IMAP_SEAL_UNDELETE || op == IMAP_SEAL_VERIFY ||
	    op == IMAP_SEAL_SETTINGS || op == IMAP_SEAL_SET ||
	    op == IMAP_SEAL_REINDEX;
}

/* The secrets have been sent, or will not be. */
static void
secrets_wipe(struct imap_cmd *cmd)
{
	/* Some commands have none. */
	if (cmd->secret.p != NULL)
		explicit_bzero(
		    (void *)(uintptr_t)cmd->secret.p, cmd->secret.len);
	if (cmd->name2.p != NULL)
		explicit_bzero((void *)(uintptr_t)cmd->name2.p, cmd->name2.len);
	cmd->secret.len = cmd->name2.len = 0;
}

void
manage_free(struct job *job)
{
	struct manage *m = job->data;

	secrets_wipe(job->cmd);
	if (m == NULL)
		return;
	if (m->asked && engine_master() != NULL)
		msg_signal(engine_master(), ENGINE_MASTER_CANCEL, m->id);
	if (m->wire != NULL)
		wire_free(m->wire);
	evtimer_del(&m->delay);
	TAILQ_REMOVE(&manages, m, entry);
	freezero(m, sizeof(*m));
	job->data = NULL;
}

/* The last words of a change: m is gone afterwards, the connection may be. */
static void
manage_end(struct manage *m, const char *condition, const char *text)
{
	struct conn *c = m->job->conn;
	bool bye = m->bye;

	c->active = engine_now();
	job_done(m->job, condition, text);
	if (bye)
		conn_bye(c, "The secret was changed: log in again");
	conn_flush(c);
	conn_pump(c);
}

bool
manage_hold(struct conn *c)
{
	struct job *job = TAILQ_FIRST(&c->jobs);
	struct manage *m;

	if (job == NULL || !job->started || job->cmd->verb != IMAP_XSEALMAIL ||
	    job->data == NULL)
		return false;
	m = job->data;
	m->bye = true;
	return true;
}

static void
manage_delay(int fd, short what, void *arg)
{
	struct manage *m = arg;
	struct conn *c = m->job->conn;

	if (m->refusal == REFUSED_CREDENTIALS &&
	    ++c->tries >= engine_config()->login_failures) {
		job_done(m->job, "NO", "[AUTHENTICATIONFAILED] Wrong secret");
		conn_bye(c, "Too many failed logins");
		conn_flush(c);
		return;
	}
	switch (m->refusal) {
	case REFUSED_CREDENTIALS:
		manage_end(m, "NO", "[AUTHENTICATIONFAILED] Wrong secret");
		break;
	case REFUSED_DISABLED:
		manage_end(m, "NO", "[CONTACTADMIN] The account is disabled");
		break;
	case REFUSED_DAMAGED:
		manage_end(m, "NO", "[CONTACTADMIN] The account is damaged");
		break;
	case REFUSED_RATE:
		manage_end(
		    m, "NO", "[LIMIT] Too many failed logins; try again later");
		break;
	case REFUSED_LIMIT:
	case REFUSED_UNAVAILABLE:
		manage_end(m, "NO", "[UNAVAILABLE] Try again later");
		break;
	}
}

/* Late, as at a login; the secrets are of no more use. */
static void
manage_refused(struct manage *m, enum store_refusal refusal)
{
	struct conn *c = m->job->conn;
	struct timeval tv = {0};
	unsigned ms = LOGIN_DELAY_MS;

	secrets_wipe(m->job->cmd);
	m->asked = false;
	m->refusal = refusal;
	log_info("change of secrets refused conn=%llu account=%s reason=%s",
	    (unsigned long long)c->id, log_addr(m->name),
	    store_refusal_name(refusal));
	if (refusal == REFUSED_CREDENTIALS)
		ms *= c->tries + 1;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	evtimer_add(&m->delay, &tv);
}

static unsigned int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

static int
id_parse(const char *p, uint8_t id[ID_LEN])
{
	unsigned int high, low;

	for (size_t i = 0; i < ID_LEN; i++) {
		high = hex_value(p[2 * i]);
		low = hex_value(p[2 * i + 1]);
		if (high > 15 || low > 15)
			return -1;
		id[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* Ids as a DELETED line has them, commas between. */
static void
undelete(struct job *job)
{
	uint8_t ids[UNDELETE_MAX][ID_LEN];
	char name[BOX_NAME_MAX + 1];
	const struct imap_str *box;
	const char *p = job->cmd->name2.p;
	size_t left = job->cmd->name2.len;
	struct msgout *o;
	uint32_t n;

	for (n = 0; n < UNDELETE_MAX; n++) {
		if (left < 2 * ID_LEN || id_parse(p, ids[n]) == -1)
			break;
		p += 2 * ID_LEN;
		left -= 2 * ID_LEN;
		if (left == 0 || *p != ',') {
			n++;
			break;
		}
		p++;
		left--;
	}
	if (n == 0 || left != 0) {
		job_done(job, "BAD", "Not a list of at most 100 ids");
		return;
	}
	box = &job->cmd->seal_box;
	if (box->len > BOX_NAME_MAX ||
	    (box->len > 0 && memchr(box->p, '\0', box->len) != NULL)) {
		job_done(job, "NO", "[CANNOT] No mailbox can have that name");
		return;
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)box->len,
	    box->p == NULL ? "" : box->p);
	o = job_request(job, V_UNDELETE);
	msg_put_str(o, strcasecmp(name, "INBOX") == 0 ? "INBOX" : name);
	msg_put_u32(o, n);
	for (uint32_t i = 0; i < n; i++)
		msg_put_raw(o, ids[i], ID_LEN);
	msg_send(o);
}

/* What needs no secret, only the session's user. */
static bool
session_start_op(struct job *job)
{
	struct msgout *o;

	switch (job->cmd->seal_op) {
	case IMAP_SEAL_LIST:
		msg_send(job_request(job, V_SLOTS));
		return true;
	case IMAP_SEAL_VERIFY:
		msg_send(job_request(job, V_AUDIT));
		return true;
	case IMAP_SEAL_REINDEX:
		msg_send(job_request(job, V_REINDEX));
		return true;
	case IMAP_SEAL_DELETED:
		msg_send(job_request(job, V_DELETED));
		return true;
	case IMAP_SEAL_UNDELETE:
		undelete(job);
		return true;
	case IMAP_SEAL_SETTINGS:
		msg_send(job_request(job, V_SETTINGS));
		return true;
	case IMAP_SEAL_SET:
		o = job_request(job, V_SETTINGS_SET);
		msg_put_u8(o, job->cmd->seal_on);
		msg_send(o);
		return true;
	case IMAP_SEAL_PASSWD:
	case IMAP_SEAL_APP_ADD:
	case IMAP_SEAL_APP_REVOKE:
	case IMAP_SEAL_RECOVER:
	case IMAP_SEAL_REKEY:
	case IMAP_SEAL_CONFIRM:
	case IMAP_SEAL_PURGE:
	case IMAP_SEAL_SCRAM_ON:
	case IMAP_SEAL_SCRAM_OFF:
		break;
	}
	return false;
}

void
manage_start(struct job *job)
{
	struct imap_cmd *cmd = job->cmd;
	struct conn *c = job->conn;
	struct manage *m;
	struct msgout *o;

	if (c->listener == IMAP_LISTEN_STARTTLS && !tlsio_is_secure(c->io)) {
		job_done(job, "NO", "[PRIVACYREQUIRED] STARTTLS first");
		return;
	}
	if ((cmd->name.p == NULL) == (c->account == NULL) ||
	    (c->account == NULL && needs_session(cmd->seal_op))) {
		job_done(job, "BAD",
		    c->account == NULL ? "Log in, or name the user" :
					 "This session has a user");
		return;
	}
	if (session_start_op(job))
		return;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		fatal("manage");
	m->job = job;
	job->data = m;
	evtimer_set(&m->delay, manage_delay, m);
	TAILQ_INSERT_TAIL(&manages, m, entry);
	if (c->account != NULL)
		(void)strlcpy(m->name, c->account, sizeof(m->name));
	if ((c->account == NULL &&
		login_name(m->name, sizeof(m->name), cmd->name.p,
		    cmd->name.len) == -1) ||
	    cmd->secret.len == 0 || cmd->secret.len > SECRET_MAX) {
		manage_refused(m, REFUSED_CREDENTIALS);
		return;
	}
	if (engine_master() == NULL) {
		manage_refused(m, REFUSED_UNAVAILABLE);
		return;
	}
	m->id = login_next_id();
	m->asked = true;
	o = msg_new(engine_master(), ENGINE_MASTER_LOGIN, m->id);
	msg_put_u64(o, c->id);
	msg_put_u8(o, SERVICE_MANAGE);
	msg_put_str(o, m->name);
	msg_send(o);
}

/* "* XSEALMAIL what slot [code]" */
static void
tell(struct job *job, uint32_t slot, const char *code, uint32_t revoked)
{
	static const char *const names[] = {
	    [IMAP_SEAL_PASSWD] = "PASSWD ",
	    [IMAP_SEAL_APP_ADD] = "APP ADD ",
	    [IMAP_SEAL_APP_REVOKE] = "APP REVOKE ",
	    [IMAP_SEAL_RECOVER] = "RECOVER ",
	    [IMAP_SEAL_REKEY] = "REKEY ",
	    [IMAP_SEAL_CONFIRM] = "CONFIRMED ",
	    [IMAP_SEAL_PURGE] = "PURGED ",
	    [IMAP_SEAL_SCRAM_ON] = "SCRAM ON ",
	    [IMAP_SEAL_SCRAM_OFF] = "SCRAM OFF ",
	};
	enum imap_seal_op op = job->cmd->seal_op;
	struct imap_buf *b = conn_out(job->conn);

	imap_puts(b, "* XSEALMAIL ");
	imap_puts(b, names[op]);
	if (op == IMAP_SEAL_CONFIRM || op == IMAP_SEAL_PURGE) {
		imap_put_number(b, revoked);
		imap_puts(b, "\r\n");
		return;
	}
	imap_put_number(b, slot);
	if (code[0] != '\0') {
		imap_puts(b, " ");
		imap_put_string(b, code, strlen(code));
	}
	if (job->cmd->seal_op == IMAP_SEAL_REKEY) {
		imap_puts(b, " ");
		imap_put_number(b, revoked);
	}
	imap_puts(b, "\r\n");
}

static void
manage_result(struct manage *m, struct msg *msg)
{
	char code[CODE_MAX], text[64];
	uint32_t slot, revoked;
	uint8_t result;

	result = msg_get_u8(msg);
	slot = msg_get_u32(msg);
	(void)msg_get_str(msg, code, sizeof(code));
	revoked = msg_get_u32(msg);
	if (msg_end(msg) == -1) {
		manage_refused(m, REFUSED_UNAVAILABLE);
		return;
	}
	log_info("secrets conn=%llu account=%s op=%s result=%s",
	    (unsigned long long)m->job->conn->id, log_addr(m->name),
	    slot_op_name(ops[m->job->cmd->seal_op]), slot_result_name(result));
	if (result == SLOT_DONE || (result == SLOT_UNSURE && code[0] != '\0'))
		tell(m->job, slot, code, revoked);
	explicit_bzero(code, sizeof(code));
	switch (result) {
	case SLOT_DONE:
		manage_end(m, "OK", "Done");
		break;
	case SLOT_UNSURE:
		manage_end(m, "NO",
		    "[UNAVAILABLE] It may have been done or not: try both");
		break;
	case SLOT_UNKNOWN:
		manage_end(m, "NO", "[NONEXISTENT] No such app password");
		break;
	case SLOT_LIMIT:
		manage_end(m, "NO", "[LIMIT] Too many secrets");
		break;
	case SLOT_CANNOT:
		manage_end(m, "NO", "[CANNOT] Not with or to this secret");
		break;
	case SLOT_SHORT:
		(void)snprintf(text, sizeof(text),
		    "[CANNOT] A password has at least %d characters",
		    SEAL_PASSWORD_MIN);
		manage_end(m, "NO", text);
		break;
	default:
		manage_end(m, "NO", "[UNAVAILABLE] Nothing was changed");
		break;
	}
}

static void
manage_message(struct wire *w, struct msg *msg, void *arg)
{
	struct manage *m = arg;
	uint8_t refusal;

	if (m->job->conn->dead || evtimer_pending(&m->delay, NULL))
		return;
	switch (msg->type) {
	case VAULT_ENGINE_MANAGED:
		manage_result(m, msg);
		break;
	case OPENER_ENGINE_NO:
		refusal = msg_get_u8(msg);
		if (msg_end(msg) == -1 || refusal < REFUSED_CREDENTIALS ||
		    refusal > REFUSED_DAMAGED)
			refusal = REFUSED_UNAVAILABLE;
		manage_refused(m, refusal);
		break;
	default:
		log_warnx("opener protocol type=%u", msg->type);
		manage_refused(m, REFUSED_UNAVAILABLE);
		break;
	}
}

static void
manage_gone(struct wire *w, void *arg)
{
	struct manage *m = arg;

	wire_free(m->wire);
	m->wire = NULL;
	if (!m->job->conn->dead && !evtimer_pending(&m->delay, NULL))
		manage_refused(m, REFUSED_UNAVAILABLE);
}

static void
manage_opener(struct manage *m, int fd)
{
	struct imap_cmd *cmd = m->job->cmd;
	bool label = cmd->seal_op == IMAP_SEAL_APP_ADD;
	struct msgout *o;

	m->wire = wire_new(fd, manage_message, manage_gone, m);
	if (m->wire == NULL)
		fatal("opener");
	o = msg_new(m->wire, ENGINE_OPENER_AUTH, m->id);
	msg_put_u32(o, STORE_WIRE_VERSION);
	msg_put_u8(o, MECHANISM_PASSWORD);
	msg_put_bytes(o, cmd->secret.p, cmd->secret.len);
	msg_put_u8(o, ops[cmd->seal_op]);
	msg_put_bytes(o, label ? "" : cmd->name2.p, label ? 0 : cmd->name2.len);
	msg_put_str(o, label ? cmd->name2.p : "");
	msg_put_u16(o, (uint16_t)cmd->seal_scope);
	msg_put_u32(o, cmd->seal_slot);
	msg_send(o);
	secrets_wipe(cmd);
}

bool
manage_master_message(struct msg *msg)
{
	struct imap_cmd *cmd;
	struct manage *m;
	int fd;

	TAILQ_FOREACH (m, &manages, entry)
		if (m->asked && m->id == msg->id)
			break;
	if (m == NULL)
		return false;
	cmd = m->job->cmd;
	m->asked = false;
	if (msg->type == MASTER_ENGINE_OPENER) {
		fd = msg_get_fd(msg);
		if (msg_end(msg) == -1)
			fatalx("store master: malformed opener");
		/* What is too long, or no text, the wire does not carry. */
		if (cmd->name2.len > SECRET_MAX ||
		    (cmd->seal_op == IMAP_SEAL_APP_ADD &&
			(cmd->name2.len > LABEL_MAX ||
			    !imap_utf8_valid(
				cmd->name2.p, cmd->name2.len, true)))) {
			close(fd);
			secrets_wipe(cmd);
			manage_end(m, "NO", "[CANNOT] Too long, or no text");
			return true;
		}
		manage_opener(m, fd);
	} else
		manage_refused(m, REFUSED_UNAVAILABLE);
	return true;
}

void
manage_master_gone(void)
{
	struct manage *m, *next;

	TAILQ_FOREACH_SAFE (m, &manages, entry, next)
		if (m->asked)
			manage_refused(m, REFUSED_UNAVAILABLE);
}

/* A quoted string in one line, whatever it holds: UTF-8, no controls. */
static void
put_text(struct imap_buf *b, const char *p, size_t len)
{
	bool utf8;

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	while (len > 0 && len == TEXT_MAX && ((uint8_t)p[len] & 0xc0) == 0x80)
		len--;
	utf8 = imap_utf8_valid(p, len, true);
	imap_puts(b, " \"");
	for (; len > 0; p++, len--) {
		if (*p == '"' || *p == '\\')
			imap_puts(b, "\\");
		if ((uint8_t)*p < 0x20 || *p == 0x7f ||
		    ((uint8_t)*p > 0x7f && !utf8))
			imap_puts(b, "?");
		else
			imap_put(b, p, 1);
	}
	imap_puts(b, "\"");
}

/* Subject and From, as the header has them. */
static void
put_envelope(struct imap_buf *b, const uint8_t *octets, size_t len, uint64_t n)
{
	char subject[MIME_VALUE_MAX], from[MIME_VALUE_MAX];
	struct mime_summary sum = {0};
	struct mime_str s = {0}, f = {0};

	if (octets != NULL && mime_summary_open(&sum, octets, len, n) == 0) {
		s = mime_envelope_text(
		    &sum, 0, MIME_SUBJECT, subject, sizeof(subject));
		f = mime_envelope_text(&sum, 0, MIME_FROM, from, sizeof(from));
	}
	put_text(b, s.s, s.len);
	put_text(b, f.s, f.len);
}

/* "* XSEALMAIL DELETED id deleted received size held mailbox subject from" */
static void
deleted_answer(struct job *job, struct msg *msg)
{
	struct imap_buf *b = conn_out(job->conn);
	uint8_t id[ID_LEN], codec;
	char text[160], hex[2 * ID_LEN + 1], name[BOX_NAME_MAX + 1];
	const uint8_t *p = NULL;
	size_t len = 0;
	int64_t when, held, date;
	uint64_t size;

	(void)msg_get_raw(msg, id, sizeof(id));
	when = msg_get_i64(msg);
	held = msg_get_i64(msg);
	date = msg_get_i64(msg);
	size = msg_get_u64(msg);
	(void)msg_get_str(msg, name, sizeof(name));
	codec = msg_get_u8(msg);
	if (msg_get_u8(msg) != 0)
		p = summary_unpack(msg, codec, &len);
	if (msg_end(msg) == -1) {
		conn_protocol(job->conn, "deleted");
		return;
	}
	for (size_t i = 0; i < ID_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
	(void)snprintf(text, sizeof(text),
	    "* XSEALMAIL DELETED %s %lld %lld %llu %lld", hex, (long long)when,
	    (long long)date, (unsigned long long)size, (long long)held);
	imap_puts(b, text);
	put_text(b, name, strlen(name));
	put_envelope(b, p, len, size);
	imap_puts(b, "\r\n");
}

/* "* XSEALMAIL VERIFIED done of octets faults", or FAULT mailbox uid what */
static void
audit_answer(struct job *job, struct msg *msg)
{
	struct imap_buf *b = conn_out(job->conn);
	char name[BOX_NAME_MAX + 1], what[160];
	uint64_t n[4];
	uint32_t uid;

	if (msg->type == R_AUDITED) {
		for (size_t i = 0; i < 4; i++)
			n[i] = msg_get_u64(msg);
		if (msg_end(msg) == 0) {
			(void)snprintf(what, sizeof(what),
			    "* XSEALMAIL VERIFIED %llu %llu %llu %llu\r\n",
			    (unsigned long long)n[0], (unsigned long long)n[1],
			    (unsigned long long)n[2], (unsigned long long)n[3]);
			imap_puts(b, what);
			return;
		}
	} else {
		(void)msg_get_str(msg, name, sizeof(name));
		uid = msg_get_u32(msg);
		(void)msg_get_str(msg, what, sizeof(what));
		if (msg_end(msg) == 0) {
			imap_puts(b, "* XSEALMAIL FAULT");
			put_text(b, name, strlen(name));
			imap_puts(b, " ");
			imap_put_number(b, uid);
			put_text(b, what, strlen(what));
			imap_puts(b, "\r\n");
			return;
		}
	}
	conn_protocol(job->conn, "audit");
}

/* "* XSEALMAIL SETTING name value" */
static void
settings_answer(struct job *job, struct msg *msg)
{
	struct imap_buf *b = conn_out(job->conn);
	uint8_t save_sent = msg_get_u8(msg);

	if (msg_end(msg) == -1) {
		conn_protocol(job->conn, "settings");
		return;
	}
	imap_puts(b, "* XSEALMAIL SETTING SAVE-SENT ");
	imap_puts(b, save_sent == 1 ? "YES\r\n" : "NO\r\n");
}

/* "* XSEALMAIL REINDEXED segments octets messages" */
static void
reindexed_answer(struct job *job, struct msg *msg)
{
	uint32_t segments = msg_get_u32(msg);
	uint64_t octets = msg_get_u64(msg);
	uint32_t messages = msg_get_u32(msg);
	char text[96];

	if (msg_end(msg) == -1) {
		conn_protocol(job->conn, "reindexed");
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "* XSEALMAIL REINDEXED %lu %llu %lu\r\n", (unsigned long)segments,
	    (unsigned long long)octets, (unsigned long)messages);
	imap_puts(conn_out(job->conn), text);
}

/* An R_SLOT: "* XSEALMAIL SLOT id kind scopes created label [SCRAM]". */
void
manage_answer(struct job *job, struct msg *msg)
{
	static const char *const kinds[] = {
	    "unknown", "main", "app", "recovery", "escrow", "scram", "member"};
	struct imap_buf *b = conn_out(job->conn);
	char label[LABEL_MAX + 1], text[128];
	uint32_t id;
	uint16_t scope;
	uint8_t kind, scram;
	int64_t created;

	if (msg->type == R_AUDITED || msg->type == R_FAULT) {
		audit_answer(job, msg);
		return;
	}
	if (msg->type == R_DELETED) {
		deleted_answer(job, msg);
		return;
	}
	if (msg->type == R_SETTINGS) {
		settings_answer(job, msg);
		return;
	}
	if (msg->type == R_REINDEXED) {
		reindexed_answer(job, msg);
		return;
	}
	id = msg_get_u32(msg);
	kind = msg_get_u8(msg);
	scope = msg_get_u16(msg);
	created = msg_get_i64(msg);
	(void)msg_get_str(msg, label, sizeof(label));
	scram = msg_get_u8(msg);
	if (msg->type != R_SLOT || msg_end(msg) == -1) {
		conn_protocol(job->conn, "slot");
		return;
	}
	if (kind >= sizeof(kinds) / sizeof(kinds[0]))
		kind = 0;
	(void)snprintf(text, sizeof(text),
	    "* XSEALMAIL SLOT %lu %s \"%s%s%s\" %lld ", (unsigned long)id,
	    kinds[kind], scope & 1 ? "imap" : "",
	    scope & 2 ? (scope & 1 ? ",submission" : "submission") : "",
	    scope & 4 ? (scope & 3 ? ",manage" : "manage") : "",
	    (long long)created);
	imap_puts(b, text);
	imap_put_string(b, label, strlen(label));
	imap_puts(b, scram != 0 ? " SCRAM\r\n" : "\r\n");
	explicit_bzero(label, sizeof(label));
}

void
manage_done(struct job *job, enum vault_result result, const char *detail)
{
	switch (job->cmd->seal_op) {
	case IMAP_SEAL_VERIFY:
		job_result(job, result, "All of it was looked at");
		break;
	case IMAP_SEAL_REINDEX:
		if (result == DONE_OK)
			job_result(
			    job, result, "It is made anew in quiet moments");
		else
			job_done(job, "NO",
			    "[CONTACTADMIN] There is no index to be had");
		break;
	case IMAP_SEAL_DELETED:
		job_result(job, result, "These can be brought back");
		break;
	case IMAP_SEAL_UNDELETE:
		if (result == DONE_NONEXISTENT)
			job_done(job, "NO",
			    "[NONEXISTENT] Some of them were not deleted");
		else
			job_result(job, result, "They are back");
		break;
	default:
		job_result(job, result, "These open the account");
		break;
	}
}
