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
 * APPEND: the message streams by once.  Its octets go to the summary's parser
 * and, compressed by chunks, to the vault; one chunk is held.  What cannot be
 * kept is refused before its octets are asked for, or read over.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compat.h"
#include "engine.h"
#include "log.h"
#include "mime.h"

#define SUMMARY_PACK_MIN 2048 /* smaller summaries go as they are */
#define PARSERS_KEPT 4        /* parsers that wait for the next message */

struct append {
	uint32_t id;
	bool asked;   /* V_APPEND was sent */
	bool refused; /* the vault, or we, do not want it */
	bool whole;   /* the client has sent all of it */
	struct mime_parser *parser;
	uint8_t *chunk;
	size_t len;
	uint64_t size;
	uint32_t uidvalidity;
	struct imap_buf uids; /* of APPENDUID */
	const char *why;      /* we do not want it */
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
	return is_replace(job) && job->conn->state != CONN_SELECTED ? "BAD" :
								      "NO";
}

static void append_more(struct job *, struct imap_cmd *);

void
append_begin(struct conn *c, struct imap_cmd *cmd)
{
	if (c->append != NULL)
		append_more(c->append, cmd);
	else
		c->append = job_new(c, cmd);
}

/* Not to be: "NO text" at once, or after the octets that come anyway. */
static void
append_refuse(struct job *job, const char *text)
{
	struct conn *c = job->conn;

	if (job->cmd->sync) {
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

static void
append_put(struct job *job, const struct imap_cmd *cmd, struct msgout *m)
{
	size_t i;

	msg_put_u8(m, job_news_bits(job, is_replace(job)));
	msg_put_bytes(m, job->cmd->name.p, job->cmd->name.len);
	msg_put_u64(m, cmd->flags);
	msg_put_u16(m, (uint16_t)cmd->nkeywords);
	for (i = 0; i < cmd->nkeywords; i++)
		msg_put_bytes(m, cmd->keywords[i].p, cmd->keywords[i].len);
	msg_put_i64(m, cmd->has_date ? cmd->date : (int64_t)time(NULL));
	msg_put_u16(m, (uint16_t)cmd->zone);
	msg_put_u64(m, cmd->size);
	msg_put_u8(m, engine_config()->site.codec);
	msg_send(m);
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
	a->len = 0;
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

void
append_start(struct job *job)
{
	struct conn *c = job->conn;
	struct imap_cmd *cmd = job->cmd;
	struct append *a;

	if (is_replace(job) && c->state != CONN_SELECTED) {
		append_refuse(job, "Select a mailbox first");
		return;
	}
	if (is_replace(job) && c->readonly) {
		append_refuse(job, "[READ-ONLY] The mailbox is read-only");
		return;
	}
	if (cmd->size > engine_config()->literal_max) {
		append_refuse(job, "[TOOBIG] Message too large");
		return;
	}
	if (cmd->size == 0) {
		append_refuse(job, "A message has octets");
		return;
	}
	if (cmd->nkeywords > KEYWORDS_MAX) {
		append_refuse(job, "[LIMIT] Too many keywords");
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
	append_room_new(a);
	if (is_replace(job))
		put_replace(job);
	append_put(job, cmd, job_request(job, V_APPEND));
	a->id = job->expect;
	a->asked = true;
	imap_reader_accept(c->reader);
	if (cmd->sync)
		imap_puts(conn_out(c), "+ OK\r\n");
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
		n = codec_pack(engine_config()->site.codec, p, len, &packed);
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

void
append_data(struct conn *c, const uint8_t *p, size_t len)
{
	struct job *job = c->append;
	struct append *a;
	size_t n;

	a = job == NULL ? NULL : job->data;
	if (a == NULL || a->refused)
		return;
	if (a->header && !c->accept && header_8bit(a, p, len)) {
		a->refused = true;
		a->why = "[CANNOT] Its header is not ASCII,"
			 " and UTF8=ACCEPT not enabled";
		return;
	}
	mime_parser_feed(a->parser, p, len);
	a->size += len;
	while (len > 0) {
		n = CHUNK_PLAIN - a->len;
		if (n > len)
			n = len;
		memcpy(a->chunk + a->len, p, n);
		a->len += n;
		p += n;
		len -= n;
		if (a->len == CHUNK_PLAIN) {
			send_chunk(job, 0, a->chunk, a->len);
			a->len = 0;
		}
	}
	/* Many clients send the command's end only when this has arrived. */
	compat_ack_now(tlsio_fd(c->io));
	if (wire_queued(c->vault) > MSG_HIGH) {
		c->throttled = true;
		wire_produce(c->vault, append_room);
	}
}

static void
append_finish(struct job *job, struct append *a, bool more)
{
	struct msgout *m;
	const uint8_t *summary;
	size_t len, n;

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
	freezero(a->chunk, CHUNK_PLAIN);
	a->chunk = NULL;
	parser_put(a->parser);
	a->parser = NULL;
}

static void
append_abort(struct job *job, struct append *a)
{
	msg_signal(job->conn->vault, V_APPEND_ABORT, a->id);
	a->asked = false;
	job->waiting = 0;
}

/* Why a further message cannot be; NULL if it can. */
static const char *
more_refused(const struct append *a, const struct imap_cmd *cmd)
{
	if (a->why != NULL)
		return a->why;
	if (cmd->size > engine_config()->literal_max)
		return "[TOOBIG] Message too large";
	if (cmd->nkeywords > KEYWORDS_MAX)
		return "[LIMIT] Too many keywords";
	return cmd->size == 0 ? "A message has octets" : NULL;
}

/* One more message of the same command (RFC 3502): all are kept, or none. */
static void
append_more(struct job *job, struct imap_cmd *cmd)
{
	struct conn *c = job->conn;
	struct append *a = job->data;
	bool sync = cmd->sync;

	if (cmd->size > 4 * engine_config()->literal_max && !sync) {
		imap_cmd_free(cmd);
		conn_bye(c, "[TOOBIG] Message too large");
		return;
	}
	if (a != NULL && !a->refused && (a->why = more_refused(a, cmd)) != NULL)
		a->refused = true;
	if (a == NULL || a->refused) {
		imap_cmd_free(cmd);
		if (!sync) {
			imap_reader_accept(c->reader);
			return;
		}
		imap_reader_refuse(c->reader);
		append_data_end(c, true);
		return;
	}
	append_finish(job, a, true);
	append_room_new(a);
	append_put(job, cmd, msg_new(c->vault, V_APPEND, a->id));
	imap_cmd_free(cmd);
	imap_reader_accept(c->reader);
	if (sync)
		imap_puts(conn_out(c), "+ OK\r\n");
}

void
append_data_end(struct conn *c, bool good)
{
	struct job *job = c->append;
	struct append *a;

	c->append = NULL;
	if (job == NULL)
		return;
	a = job->data;
	if (!good) {
		if (a != NULL && a->asked)
			append_abort(job, a);
		job_done(job, "BAD", imap_reader_bad(c->reader));
		return;
	}
	if (a == NULL) {
		job_done(job, refusal(job), job->cmd->error);
		return;
	}
	a->whole = true;
	if (a->refused) {
		append_abort(job, a);
		if (a->why != NULL)
			job_done(job, "NO", a->why);
		else
			job_result(job, job->result, NULL);
		return;
	}
	append_finish(job, a, false);
}

void
append_answer(struct job *job, struct msg *msg)
{
	struct append *a = job->data;

	uint32_t uid;

	a->uidvalidity = msg_get_u32(msg);
	uid = msg_get_u32(msg);
	if (msg->type != R_APPENDED || msg_end(msg) == -1) {
		conn_protocol(job->conn, "R_APPENDED");
		return;
	}
	job->placed += a->uidvalidity == job->conn->uidvalidity;
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

void
append_done(struct job *job, enum vault_result result, const char *detail)
{
	struct append *a = job->data;
	struct imap_buf text = {0};

	if (!a->whole) {
		/* A refusal before the end: the rest is only read over. */
		if (result == DONE_OK) {
			conn_protocol(job->conn, "early APPEND");
			return;
		}
		a->refused = true;
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
	freezero(a->chunk, a->chunk == NULL ? 0 : CHUNK_PLAIN);
	parser_put(a->parser);
	imap_buf_free(&a->uids);
	freezero(a, sizeof(*a));
}
