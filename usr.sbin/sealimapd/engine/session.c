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
 * Commands that concern the session alone: CAPABILITY, ID, ENABLE, NAMESPACE,
 * NOOP, CHECK, IDLE, LOGOUT; and the answer to what is no command.
 */

#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "engine.h"
#include "log.h"

void
bad_start(struct job *job)
{
	job_done(job, "BAD",
	    job->cmd->error != NULL ? job->cmd->error : "Syntax error");
}

void
capability_put(struct conn *c, struct imap_buf *b)
{
	imap_puts(b, " IMAP4rev2 IMAP4rev1 LITERAL+ ID");
	if (c->listener != IMAP_LISTEN_STARTTLS || tlsio_is_secure(c->io))
		imap_puts(b, " XSEALMAIL");
	if (c->state == CONN_AUTH || c->state == CONN_SELECTED) {
		imap_puts(b,
		    " ENABLE IDLE NAMESPACE UIDPLUS MOVE UNSELECT"
		    " CHILDREN SPECIAL-USE CREATE-SPECIAL-USE ESEARCH"
		    " SEARCHRES LIST-EXTENDED LIST-STATUS STATUS=SIZE"
		    " STATUS=DELETED QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE"
		    " QUOTASET NOTIFY"
		    " METADATA LIST-METADATA"
		    " BINARY MULTIAPPEND OBJECTID SAVEDATE WITHIN"
		    " CONDSTORE QRESYNC UIDONLY"
		    " SORT SORT=DISPLAY ESORT PARTIAL"
		    " CONTEXT=SEARCH CONTEXT=SORT MULTISEARCH"
		    " INPROGRESS I18NLEVEL=1"
		    " THREAD=ORDEREDSUBJECT THREAD=REFERENCES"
		    " APPENDLIMIT=");
		imap_put_number(b, engine_config()->literal_max);
		imap_puts(b, " MESSAGELIMIT=");
		imap_put_number(b, c->command_messages);
		if (c->squeeze == NULL)
			imap_puts(b, " COMPRESS=DEFLATE");
		if (!engine_config()->isolated)
			imap_puts(b, " UNAUTHENTICATE");
		imap_puts(
		    b, " PREVIEW UTF8=ACCEPT REPLACE CATENATE URL-PARTIAL");
		return;
	}
	imap_puts(b, " SASL-IR");
	if (login_bound(c))
		imap_puts(b, " AUTH=SCRAM-SHA-256-PLUS");
	if (c->listener != IMAP_LISTEN_STARTTLS || tlsio_is_secure(c->io))
		imap_puts(b,
		    engine_config()->scram ? " AUTH=PLAIN AUTH=SCRAM-SHA-256" :
					     " AUTH=PLAIN");
	else
		imap_puts(b,
		    engine_tls(c->listener_index) == NULL ?
			" LOGINDISABLED" :
			" STARTTLS LOGINDISABLED");
}

void
capability_start(struct job *job)
{
	struct imap_buf *b;

	b = conn_out(job->conn);
	imap_puts(b, "* CAPABILITY");
	capability_put(job->conn, b);
	imap_puts(b, "\r\n");
	job_done(job, "OK", "Capabilities listed");
}

void
id_start(struct job *job)
{
	struct imap_buf *b;

	b = conn_out(job->conn);
	imap_puts(b, "* ID (\"name\" ");
	imap_put_string(b, engine_config()->site.product,
	    strlen(engine_config()->site.product));
	imap_puts(b, ")\r\n");
	job_done(job, "OK", "Nice to meet you");
}

static void
enable_rev2(struct conn *c)
{
	c->rev2 = c->utf8 = true;
	imap_reader_rev2(c->reader);
}

/* RFC 7162 section 3.2.3: CONDSTORE comes with it. */
static void
enable_qresync(struct conn *c)
{
	c->qresync = true;
	condstore_enable(c);
}

/* RFC 6855 */
static void
enable_utf8(struct conn *c)
{
	c->utf8 = c->accept = true;
	imap_reader_utf8(c->reader);
}

static const struct {
	const char *name;
	void (*enable)(struct conn *);
} extensions[] = {
    {"IMAP4rev2", enable_rev2},
    {"CONDSTORE", condstore_enable},
    {"QRESYNC", enable_qresync},
    {"UTF8=ACCEPT", enable_utf8},
    {"UIDONLY", uidonly_enable},
};

#define EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

/* RFC 5161: what is not known is ignored, what is enabled not named again. */
void
enable_start(struct job *job)
{
	struct conn *c = job->conn;
	struct msgout *m;
	struct imap_buf *b;
	size_t i, k;

	b = conn_out(c);
	imap_puts(b, "* ENABLED");
	for (i = 0; i < job->cmd->nwords; i++) {
		for (k = 0; k < EXTENSIONS; k++)
			if (strcasecmp(
				job->cmd->words[i].p, extensions[k].name) == 0)
				break;
		if (k == EXTENSIONS || (c->enabled >> k & 1) != 0)
			continue;
		c->enabled |= 1U << k;
		extensions[k].enable(c);
		imap_putc(b, ' ');
		imap_puts(b, extensions[k].name);
	}
	imap_puts(b, "\r\n");
	if (c->state != CONN_SELECTED) {
		job_done(job, "OK", "Enabled");
		return;
	}
	/* What an extension has to tell of the box comes before the OK. */
	m = job_request(job, V_NOOP);
	msg_put_u8(m, 0);
	msg_send(m);
}

void
namespace_start(struct job *job)
{
	imap_puts(
	    conn_out(job->conn), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	job_done(job, "OK", "One namespace");
}

/* RFC 4978 section 3 */
void
compress_start(struct job *job)
{
	struct conn *c = job->conn;

	if (c->squeeze != NULL) {
		job_done(job, "BAD", "COMPRESS is active already");
		return;
	}
	job_done(job, "OK", "DEFLATE is active");
	conn_flush(c);
	squeeze_start(c);
}

/*
 * RFC 8437.  Not where each session has a process of its own: that is to have
 * seen one user only.
 */
void
unauthenticate_start(struct job *job)
{
	struct conn *c = job->conn;

	if (engine_config()->isolated) {
		job_done(job, "BAD", "Not offered here");
		return;
	}
	log_info("unauthenticate conn=%llu", (unsigned long long)c->id);
	job_done(job, "OK", "Nobody is logged in");
	conn_flush(c);
	if (c->squeeze != NULL)
		squeeze_close(c);
	conn_leave(c);
}

static void
noop_ask(struct job *job)
{
	struct msgout *m;

	m = job_request(job, V_NOOP);
	msg_put_u8(m, job_news_bits(job, true));
	msg_send(m);
}

void
noop_start(struct job *job)
{
	if (job->conn->state == CONN_SELECTED)
		noop_ask(job);
	else
		job_done(job, "OK", "Nothing done");
}

void
noop_done(struct job *job, enum vault_result result, const char *detail)
{
	job_result(job, result, "Done");
}

void
logout_start(struct job *job)
{
	struct conn *c = job->conn;
	struct imap_buf *b;

	b = conn_out(c);
	imap_puts(b, "* BYE Logging out\r\n");
	job_done(job, "OK", "Logged out");
	conn_flush(c);
	c->state = CONN_CLOSING;
	wire_free(c->vault);
	c->vault = NULL;
	tlsio_finish(c->io);
	evtimer_del(&c->timer);
	evtimer_add(&c->timer, &(struct timeval){.tv_sec = 10});
}

static void
idle_ask(struct job *job, uint8_t on)
{
	struct msgout *m;

	/* With NOTIFY it is told what that asked for, and by that way. */
	if (job->conn->notify != NULL) {
		m = job_request(job, V_NOOP);
		msg_put_u8(m,
		    job->conn->state == CONN_SELECTED ?
			job_news_bits(job, true) :
			0);
	} else {
		m = job_request(job, V_IDLE);
		msg_put_u8(m, on);
	}
	msg_send(m);
}

/* data is set once DONE has come; the wire's answers come in pairs. */
void
idle_start(struct job *job)
{
	idle_ask(job, 1);
}

void
idle_done(struct job *job, enum vault_result result, const char *detail)
{
	struct conn *c = job->conn;

	if (job->data != NULL) {
		if (job->cmd->verb == IMAP_BAD)
			job_done(job, "BAD", "Expected DONE");
		else
			job_result(job, job->result, "No longer idle");
		return;
	}
	/* If it failed, a DONE will come all the same. */
	imap_puts(conn_out(c), "+ idling\r\n");
	c->answer_due = true;
}

void
idle_line(struct conn *c, const uint8_t *line, size_t len)
{
	struct job *job = TAILQ_LAST(&c->jobs, jobs);

	/* Anything else ends it too, and is BAD (RFC 2177). */
	job->data = job;
	if (len != 4 || strncasecmp((const char *)line, "DONE", 4) != 0)
		job->cmd->verb = IMAP_BAD;
	idle_ask(job, 0);
}
