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
 * APPEND and REPLACE: a message streams by once.  Its octets go to the
 * summary's parser and, compressed by chunks, to the vault; one chunk is held.
 * What cannot be kept is refused before its octets are asked for, or read over.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "append.h"
#include "compat.h"
#include "log.h"
#include "mime.h"

#define SUMMARY_PACK_MIN 2048 /* smaller summaries go as they are */
#define PARSERS_KEPT 4        /* parsers that wait for the next message */

struct append {
	uint32_t id;
	bool asked;                   /* V_APPEND was sent */
	bool refused;                 /* the vault, or we, do not want it */
	bool glanced;                 /* another box was looked into */
	struct imap_cmd *cmd;         /* what is done; NULL: the job's own */
	const struct imap_step *step; /* the next of it; NULL: all are */
	struct catenate *catenate;    /* of the step before; or NULL */
	struct mime_parser *parser;
	uint8_t *chunk;
	size_t len;
	size_t used; /* octets of chunk that were written to: to be wiped */
	uint64_t size;
	uint32_t uidvalidity;
	struct imap_buf uids; /* of APPENDUID */
	const char *why;      /* we do not want it */
	struct imap_buf text; /* of that */
	bool told;            /* REPLACE: APPENDUID was said */
	bool header;          /* its header has not ended */
	bool begun;           /* and its last line has octets */
};

static struct mime_parser *parsers[PARSERS_KEPT];
static size_t n_parsers;

static struct mime_parser *
parser_get(void)
{
	struct mime_parser *p;

	if (n_parsers > 0)
		return parsers[--n_parsers];
	p = mime_parser_new();
	if (p == NULL)
		fatal("parser");
	return p;
}

static void
parser_put(struct mime_parser *p)
{
	if (p == NULL)
		return;
	mime_parser_reset(p);
	if (n_parsers < PARSERS_KEPT)
		parsers[n_parsers++] = p;
	else
		mime_parser_free(p);
}

static bool
is_replace(const struct job *job)
{
	return job->cmd->verb == IMAP_REPLACE;
}

/* RFC 8508 section 3.5: what it names is in the selected box. */
static const char *
refusal(const struct job *job)
{
	const struct conn *c = job->conn;

	return is_replace(job) &&
		(c->state != CONN_SELECTED ||
		    (c->uidonly && by_numbers(job->cmd))) ?
	    "BAD" :
	    "NO";
}

static void append_steps(struct job *, struct imap_cmd *);

/* Not to be: "NO text" at once, or after the octets that come anyway. */
static void
append_refuse(struct job *job, const char *text)
{
	struct conn *c = job->conn;

	if (!job->cmd->literal || job->cmd->sync) {
		imap_reader_refuse(c->reader);
		job_done(job, refusal(job), text);
		return;
	}
	/* What nobody should send is not even read over. */
	if (job->cmd->size > 4 * engine_config()->literal_max) {
		conn_bye(c, "[TOOBIG] Message too large");
		return;
	}
	job->cmd->error = text;
	imap_reader_accept(c->reader);
}

/* The parser and the chunk for the next message. */
static void
append_room_new(struct append *a)
{
	a->chunk = malloc(CHUNK_PLAIN);
	if (a->chunk == NULL)
		fatal("append");
	a->parser = parser_get();
	a->header = true;
	a->begun = false;
	a->len = a->used = 0;
	a->size = 0;
}

static void
put_replace(struct job *job)
{
	struct msgout *m;

	m = msg_new(job->conn->vault, V_REPLACE, 0);
	msg_put_u8(m, job->cmd->uid ? BY_UID : 0);
	msg_put_u32(m, job->cmd->set.range[0].first);
	msg_send(m);
}

static void
append_put(struct job *job, const struct imap_step *step, uint64_t size)
{
	struct append *a = job->data;
	struct msgout *m;
	size_t i;

	m = msg_new(job->conn->vault, V_APPEND, a->id);
	msg_put_u8(m, job_news_bits(job, is_replace(job)));
	msg_put_bytes(m, job->cmd->name.p, job->cmd->name.len);
	msg_put_u64(m, step->flags);
	msg_put_u16(m, (uint16_t)step->nkeywords);
	for (i = 0; i < step->nkeywords; i++)
		msg_put_bytes(m, step->keywords[i].p, step->keywords[i].len);
	msg_put_i64(m, step->has_date ? step->date : (int64_t)time(NULL));
	msg_put_u16(m, (uint16_t)step->zone);
	msg_put_u64(m, size);
	msg_put_u8(m, engine_config()->site.codec);
	msg_send(m);
}

void
append_start(struct job *job)
{
	struct conn *c = job->conn;
	struct imap_cmd *cmd = job->cmd;
	struct append *a;

	if (c->uidonly && by_numbers(cmd)) {
		append_refuse(job, "[UIDREQUIRED] UIDONLY is enabled");
		return;
	}
	if (is_replace(job) && c->state != CONN_SELECTED) {
		append_refuse(job, "Select a mailbox first");
		return;
	}
	if (is_replace(job) && c->readonly) {
		append_refuse(job, "[READ-ONLY] The mailbox is read-only");
		return;
	}
	if (cmd->literal && cmd->size > engine_config()->literal_max) {
		append_refuse(job, "[TOOBIG] Message too large");
		return;
	}
	if (!box_name_valid(cmd, &cmd->name)) {
		append_refuse(job, "[CANNOT] No mailbox can have that name");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		fatal("append");
	job->data = a;
	a->id = conn_request_id(c);
	append_steps(job, NULL);
}

/* A chunk, compressed where that makes it smaller. */
static void
send_chunk(struct job *job, uint8_t kind, const uint8_t *p, size_t len)
{
	struct append *a = job->data;
	const uint8_t *packed;
	struct msgout *m;
	size_t n;

	n = 0;
	if (kind == 0 || len > SUMMARY_PACK_MIN)
		n = chunk_pack(p, len, &packed);
	m = msg_new(job->conn->vault, V_CHUNK, a->id);
	msg_put_u8(m, kind);
	msg_put_u8(m, n > 0);
	msg_put_u32(m, (uint32_t)len);
	msg_put_raw(m, n > 0 ? packed : p, n > 0 ? n : len);
	msg_send(m);
}

/* The vault's wire has room again. */
static void
append_room(struct wire *w, void *arg)
{
	struct conn *c = arg;

	wire_produce(w, NULL);
	c->throttled = false;
	conn_pump(c);
}

/* RFC 6855 section 4: who has not enabled it may not send these. */
static bool
header_8bit(struct append *a, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && a->header; i++) {
		if (p[i] >= 0x80)
			return true;
		if (p[i] != '\n')
			a->begun = a->begun || p[i] != '\r';
		else if (a->begun)
			a->begun = false;
		else
			a->header = false;
	}
	return false;
}

/* It is not to be, but what comes in is read to its end. */
static void
append_deny(struct append *a, const char *why)
{
	a->refused = true;
	a->why = why;
}

bool
append_too_big(struct job *job, uint64_t more)
{
	struct append *a = job->data;
	uint64_t max = engine_config()->literal_max;

	if (!a->refused && (a->size > max || more > max - a->size))
		append_deny(a, "[TOOBIG] Message too large");
	return a->refused;
}

bool
append_feed(struct job *job, const uint8_t *p, size_t len)
{
	struct append *a = job->data;
	size_t n;

	if (append_too_big(job, len))
		return false;
	if (a->header && !conn_utf8_headers(job->conn) &&
	    header_8bit(a, p, len)) {
		append_deny(a,
		    "[CANNOT] Its header is not ASCII,"
		    " and UTF8=ACCEPT not enabled");
		return false;
	}
	mime_parser_feed(a->parser, p, len);
	a->size += len;
	while (len > 0) {
		n = CHUNK_PLAIN - a->len;
		if (n > len)
			n = len;
		memcpy(a->chunk + a->len, p, n);
		a->len += n;
		if (a->used < a->len)
			a->used = a->len;
		p += n;
		len -= n;
		if (a->len == CHUNK_PLAIN) {
			send_chunk(job, 0, a->chunk, a->len);
			a->len = 0;
		}
	}
	return true;
}

void
append_data(struct conn *c, const uint8_t *p, size_t len)
{
	struct job *job = c->append;

	if (job == NULL || job->data == NULL || !append_feed(job, p, len))
		return;
	/* Many clients send the command's end only when this has arrived. */
	compat_ack_now(tlsio_fd(c->io));
	if (wire_queued(c->vault) > MSG_HIGH) {
		c->throttled = true;
		wire_produce(c->vault, append_room);
	}
}

/* RFC 4469 section 4.1; the URL as it came, but for what would end the code. */
static void
append_badurl(struct append *a, const struct imap_str *url)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t octet;
	size_t i;

	imap_puts(&a->text, "[BADURL ");
	for (i = 0; i < url->len; i++) {
		octet = (uint8_t)url->p[i];
		if (octet > ' ' && octet < 0x7f && octet != ']') {
			imap_putc(&a->text, url->p[i]);
			continue;
		}
		imap_putc(&a->text, '%');
		imap_putc(&a->text, digits[octet >> 4]);
		imap_putc(&a->text, digits[octet & 15]);
	}
	imap_put(&a->text, "] No such message or part",
	    sizeof("] No such message or part"));
	append_deny(a, (const char *)a->text.p);
}

static void
append_finish(struct job *job, struct append *a, bool more)
{
	struct msgout *m;
	const uint8_t *summary;
	size_t len, n;

	if (a->size == 0) {
		append_deny(a, "A message has octets");
		return;
	}
	if (a->len > 0)
		send_chunk(job, 0, a->chunk, a->len);
	summary = mime_parser_finish(a->parser, &len);
	if (summary == NULL)
		fatal("summary");
	for (; len > 0; summary += n, len -= n) {
		n = len < CHUNK_PLAIN ? len : CHUNK_PLAIN;
		send_chunk(job, 1, summary, n);
	}
	m = msg_new(job->conn->vault, V_APPEND_END, a->id);
	msg_put_u64(m, a->size);
	msg_put_u8(m, more);
	msg_send(m);
	/* What is kept until the answer comes is little. */
	freezero(a->chunk, a->used);
	a->chunk = NULL;
	parser_put(a->parser);
	a->parser = NULL;
}

/* A message begins: what is known of it goes ahead. */
static void
step_begin(struct job *job, struct append *a, const struct imap_step *step)
{
	const struct imap_cmd *cmd = a->cmd != NULL ? a->cmd : job->cmd;

	if (step->nkeywords > KEYWORDS_MAX) {
		append_deny(a, "[LIMIT] Too many keywords");
		return;
	}
	append_room_new(a);
	if (is_replace(job))
		put_replace(job);
	a->asked = true;
	append_put(job, step, step->catenate ? 0 : cmd->size);
}

/* Nothing is kept of it. */
static void
append_abort(struct job *job)
{
	struct append *a = job->data;

	if (a->asked)
		msg_signal(job->conn->vault, V_APPEND_ABORT, a->id);
	a->asked = false;
}

/* All that the client wants to send is there. */
static void
append_whole(struct job *job)
{
	struct append *a = job->data;
	struct conn *c = job->conn;

	c->append = NULL;
	if (a->glanced)
		catenate_end(c);
	if (a->refused) {
		append_abort(job);
		if (a->why != NULL)
			job_done(job, "NO", a->why);
		else
			job_result(job, job->result, NULL);
		return;
	}
	job->expect = a->id;
	job->waiting = 1;
	job->asked = engine_now();
	conn_watch();
}

/* After the steps come octets: are they wanted? */
static void
append_literal(struct job *job, const struct imap_cmd *cmd)
{
	struct append *a = job->data;
	struct conn *c = job->conn;

	if (cmd->size > 4 * engine_config()->literal_max && !cmd->sync) {
		conn_bye(c, "[TOOBIG] Message too large");
		return;
	}
	if (!a->refused)
		(void)append_too_big(job, cmd->size);
	if (a->refused && cmd->sync) {
		imap_reader_refuse(c->reader);
		append_whole(job);
		return;
	}
	imap_reader_accept(c->reader);
	if (cmd->sync)
		imap_puts(conn_out(c), "+ OK\r\n");
}

/* One by one; a URL is waited for.  What was refused needs none. */
static void
append_go(struct job *job)
{
	struct append *a = job->data;
	struct imap_cmd *cmd = a->cmd != NULL ? a->cmd : job->cmd;
	const struct imap_step *step;

	while ((step = a->step) != NULL && !a->refused) {
		switch (step->kind) {
		case IMAP_STEP_BEGIN:
			step_begin(job, a, step);
			break;
		case IMAP_STEP_URL:
			a->catenate = catenate_start(job, cmd, &step->url);
			if (a->catenate != NULL) {
				a->glanced = true;
				return;
			}
			append_badurl(a, &step->url);
			break;
		case IMAP_STEP_END:
			append_finish(job, a, step->next != NULL);
			break;
		}
		a->step = step->next;
	}
	a->step = NULL;
	if (cmd->literal)
		append_literal(job, cmd);
	else
		append_whole(job);
}

/* The steps of the command itself, or those behind a literal. */
static void
append_steps(struct job *job, struct imap_cmd *cmd)
{
	struct append *a = job->data;

	imap_cmd_free(a->cmd);
	a->cmd = cmd;
	a->step = cmd != NULL ? cmd->steps : job->cmd->steps;
	append_go(job);
}

struct catenate *
append_catenate(const struct job *job)
{
	const struct append *a = job->data;

	return a == NULL ? NULL : a->catenate;
}

/* Octets of what was refused before it began. */
static void
append_over(struct conn *c, struct imap_cmd *cmd)
{
	struct job *job = c->append;
	bool sync = cmd->sync;
	bool large = cmd->size > 4 * engine_config()->literal_max;

	imap_cmd_free(cmd);
	if (sync) {
		imap_reader_refuse(c->reader);
		c->append = NULL;
		job_done(job, refusal(job), job->cmd->error);
	} else if (large)
		conn_bye(c, "[TOOBIG] Message too large");
	else
		imap_reader_accept(c->reader);
}

bool
append_waits(const struct job *job)
{
	return append_catenate(job) != NULL;
}

void
append_begin(struct conn *c, struct imap_cmd *cmd)
{
	if (c->append == NULL) {
		c->append = job_new(c, cmd);
		return;
	}
	/* More of one that was refused before it began. */
	if (c->append->data == NULL) {
		append_over(c, cmd);
		return;
	}
	append_steps(c->append, cmd);
}

/* The command was no command after all. */
static void
append_bad(struct job *job)
{
	const struct append *a = job->data;

	append_abort(job);
	if (a->glanced)
		catenate_end(job->conn);
}

void
append_data_end(struct conn *c, bool good)
{
	struct job *job = c->append;
	struct imap_cmd *cmd;

	cmd = imap_reader_take(c->reader);
	if (job == NULL || !good || job->data == NULL || cmd == NULL) {
		imap_cmd_free(cmd);
		c->append = NULL;
		if (job != NULL && !good) {
			if (job->data != NULL)
				append_bad(job);
			job_done(job, "BAD", imap_reader_bad(c->reader));
		} else if (job != NULL)
			job_done(job, refusal(job), job->cmd->error);
		return;
	}
	append_steps(job, cmd);
}

void
append_answer(struct job *job, struct msg *msg)
{
	struct append *a = job->data;
	uint32_t uid;

	if (a->catenate != NULL) {
		catenate_answer(job, a->catenate, msg);
		return;
	}
	a->uidvalidity = msg_get_u32(msg);
	uid = msg_get_u32(msg);
	if (msg->type != R_APPENDED || msg_end(msg) == -1) {
		conn_protocol(job->conn, "R_APPENDED");
		return;
	}
	job_placed(job, a->uidvalidity, 1, uid, uid);
	imap_put_range(&a->uids, uid, uid, a->uids.len == 0);
}

static void
put_appenduid(struct imap_buf *b, const struct append *a)
{
	imap_puts(b, "[APPENDUID ");
	imap_put_number(b, a->uidvalidity);
	imap_putc(b, ' ');
	imap_put(b, a->uids.p, a->uids.len);
	imap_puts(b, "] ");
}

/* RFC 8508 section 4.3: before the client hears that the other is gone. */
void
append_news(struct job *job)
{
	struct append *a = job->data;
	struct imap_buf *b;

	if (!is_replace(job) || a == NULL || a->told || a->uids.len == 0)
		return;
	a->told = true;
	b = conn_out(job->conn);
	imap_puts(b, "* OK ");
	put_appenduid(b, a);
	imap_puts(b, "Replacement is there\r\n");
}

/* What the URL of a step names is there, or is not. */
static void
part_done(struct job *job, struct append *a, enum vault_result result)
{
	enum catenate_state state;

	job->result = DONE_OK;
	state = catenate_done(job, a->catenate, result);
	if (state == CATENATE_MORE)
		return;
	catenate_free(a->catenate);
	a->catenate = NULL;
	if (state == CATENATE_BADURL)
		append_badurl(a, &a->step->url);
	else if (state == CATENATE_FAILED)
		append_deny(a, NULL);
	a->step = a->step->next;
	append_go(job);
}

void
append_done(struct job *job, enum vault_result result, const char *detail)
{
	struct append *a = job->data;
	struct imap_buf text = {0};

	if (a->catenate != NULL) {
		part_done(job, a, result);
		return;
	}
	if (result != DONE_OK) {
		job_result(job, result, NULL);
		return;
	}
	put_oldname(job, "");
	if (is_replace(job)) {
		append_news(job);
		expunge_done(job, result, detail);
		return;
	}
	put_appenduid(&text, a);
	imap_put(&text, "Appended", sizeof("Appended"));
	job_done(job, "OK", (const char *)text.p);
	imap_buf_free(&text);
}

void
append_free(struct job *job)
{
	struct append *a = job->data;

	if (a == NULL)
		return;
	if (job->conn->throttled && job->conn->vault != NULL) {
		wire_produce(job->conn->vault, NULL);
		job->conn->throttled = false;
	}
	freezero(a->chunk, a->chunk == NULL ? 0 : a->used);
	parser_put(a->parser);
	imap_buf_free(&a->uids);
	imap_buf_free(&a->text);
	imap_cmd_free(a->cmd);
	catenate_free(a->catenate);
	freezero(a, sizeof(*a));
}
