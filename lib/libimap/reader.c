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
 * From octets to commands.  A command is kept as it comes, its literals with
 * it, until its last line end; then it is parsed in one go.  The exception is
 * the message of an APPEND, which is handed out piece by piece.  Between
 * commands the reader holds no buffer.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "imap_local.h"
#include "log.h"

#define BUFFER_FIRST 256   /* octets of a new buffer */
#define BUFFER_LARGE 65536 /* from here on it has room for any command */
#define HEAD_MAX \
	(IMAP_TAG_MAX + 1) /* kept of a line that is too long: its tag */
#define TAIL_MAX 32        /* kept of a line that is too long: its braces */

enum state {
	LINE,        /* of a command */
	LITERAL,     /* into the buffer */
	SKIP,        /* a literal that is read over */
	OFFER,       /* IMAP_MESSAGE was returned: accept or refuse? */
	MESSAGE,     /* handed out */
	MESSAGE_END, /* its line's end is due */
	ANSWER,      /* a line that is no command */
	DEAD
};

struct imap_reader {
	enum state state;
	bool login;
	bool utf8;
	bool rev2;
	bool sync;        /* of the literal at hand */
	bool binary;      /* the message may hold NUL */
	bool single;      /* and no other follows */
	bool wrapped;     /* a parenthesis closes it */
	bool part;        /* it is one of a message's parts */
	bool given;       /* the answer has been returned */
	enum state after; /* what follows SKIP or LITERAL */
	uint8_t *buf;     /* the command so far */
	size_t len;
	size_t size;
	size_t line; /* where its last line begins */
	size_t max;
	uint64_t left;     /* of a literal or message */
	const char *error; /* the command is bad; only its end is sought */
	const char *bad;   /* why the last APPEND was */
	size_t skipped;    /* octets of a bad command that were not kept */
	struct imap_cmd *cmd;
	const uint8_t *data;
	size_t data_len;
};

struct imap_reader *
imap_reader_new(void)
{
	struct imap_reader *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		fatal("imap: reader");
	r->max = IMAP_PRELINE_MAX;
	return r;
}

static void
buffer_drop(struct imap_reader *r)
{
	freezero(r->buf, r->size);
	r->buf = NULL;
	r->len = r->size = r->line = r->skipped = 0;
	r->error = NULL;
}

void
imap_reader_free(struct imap_reader *r)
{
	if (r == NULL)
		return;
	buffer_drop(r);
	imap_cmd_free(r->cmd);
	freezero(r, sizeof(*r));
}

void
imap_reader_login(struct imap_reader *r)
{
	r->login = true;
	r->max = IMAP_COMMAND_MAX;
}

void
imap_reader_logout(struct imap_reader *r)
{
	r->login = r->utf8 = r->rev2 = false;
	r->max = IMAP_PRELINE_MAX;
}

void
imap_reader_utf8(struct imap_reader *r)
{
	r->utf8 = true;
}

void
imap_reader_rev2(struct imap_reader *r)
{
	r->rev2 = true;
	imap_reader_utf8(r);
}

void
imap_reader_line(struct imap_reader *r)
{
	if (r->given) {
		buffer_drop(r);
		r->given = false;
	}
	if (r->state == LINE && r->len == 0)
		r->state = ANSWER;
}

bool
imap_reader_idle(const struct imap_reader *r)
{
	return r->state == LINE && r->len == 0 && r->error == NULL;
}

struct imap_cmd *
imap_reader_take(struct imap_reader *r)
{
	struct imap_cmd *cmd;

	cmd = r->cmd;
	r->cmd = NULL;
	return cmd;
}

const uint8_t *
imap_reader_data(struct imap_reader *r, size_t *len)
{
	*len = r->data_len;
	return r->data;
}

const char *
imap_reader_bad(const struct imap_reader *r)
{
	return r->bad != NULL ? r->bad : "Syntax error";
}

static void
buffer_size(struct imap_reader *r, size_t size)
{
	uint8_t *buf;

	buf = recallocarray(r->buf, r->size, size, 1);
	if (buf == NULL)
		fatal("imap: command");
	r->buf = buf;
	r->size = size;
}

static void
buffer_put(struct imap_reader *r, const uint8_t *p, size_t len)
{
	size_t size;

	if (len == 0)
		return;
	if (len > r->size - r->len) {
		size = r->size == 0 ? BUFFER_FIRST : r->size;
		while (len > size - r->len)
			size *= 2;
		/* Doubled on, the halves would be most of the memory. */
		if (size > BUFFER_LARGE && len <= r->max + 1 - r->len)
			size = r->max + 1;
		buffer_size(r, size);
	}
	memcpy(r->buf + r->len, p, len);
	r->len += len;
}

/* Of a bad command: its first octets, with the tag, and its last. */
static void
buffer_cut(struct imap_reader *r)
{
	size_t gone;

	if (r->len > HEAD_MAX + TAIL_MAX) {
		gone = r->len - (HEAD_MAX + TAIL_MAX);
		memmove(r->buf + HEAD_MAX, r->buf + HEAD_MAX + gone, TAIL_MAX);
		r->len -= gone;
		/* The last line may have lost its beginning. */
		if (r->line > HEAD_MAX)
			r->line = r->line > HEAD_MAX + gone ? r->line - gone :
							      HEAD_MAX;
	}
	/* The rest is read without what it would have needed. */
	if (r->size > BUFFER_FIRST)
		buffer_size(r, BUFFER_FIRST);
}

/*
 * Adds to the command; one that is too long is bad, and of it only the first
 * octets, with the tag, and the end of the line, with a literal, are kept.
 */
static void
buffer_add(struct imap_reader *r, const uint8_t *p, size_t len)
{
	size_t head;

	/* One more, for the CR of the line's end. */
	if (r->error == NULL && len > r->max + 1 - r->len)
		r->error = "Command too long";
	if (r->error == NULL) {
		buffer_put(r, p, len);
		return;
	}
	r->skipped += len;
	buffer_cut(r);
	if (len > TAIL_MAX) {
		head = r->len < HEAD_MAX ? HEAD_MAX - r->len : 0;
		if (head > len - TAIL_MAX)
			head = len - TAIL_MAX;
		buffer_put(r, p, head);
		p += len - TAIL_MAX;
		len = TAIL_MAX;
	}
	buffer_put(r, p, len);
	/* At once, so that what is kept is the same in whatever pieces. */
	buffer_cut(r);
}

/* The whole command, or its first words for the error, becomes r->cmd. */
static enum imap_event
command_end(struct imap_reader *r)
{
	struct imap_lex lex = {.utf8 = r->utf8, .rev2 = r->rev2};

	imap_cmd_free(r->cmd);
	r->cmd = imap_cmd_new();
	lex.cmd = r->cmd;
	lex.p = r->buf;
	lex.end = r->buf + r->len;
	imap_command_parse(&lex, r->login);
	if (r->error != NULL) {
		r->cmd->verb = IMAP_BAD;
		r->cmd->error = r->error;
	}
	buffer_drop(r);
	r->state = LINE;
	return IMAP_COMMAND;
}

/* The octets of an APPEND's message, or a part of it, come next. */
static enum imap_event
message_offer(struct imap_reader *r)
{
	r->sync = r->cmd->sync;
	r->left = r->cmd->size;
	r->binary = r->cmd->binary;
	r->wrapped = r->cmd->wrapped;
	r->part = r->cmd->part;
	r->state = OFFER;
	return IMAP_MESSAGE;
}

/* Is this literal an APPEND's message?  Then r->cmd is the command. */
static bool
is_message(struct imap_reader *r)
{
	struct imap_lex lex = {.utf8 = r->utf8, .rev2 = r->rev2};
	const struct imap_verb_row *row;

	imap_cmd_free(r->cmd);
	r->cmd = imap_cmd_new();
	lex.cmd = r->cmd;
	lex.p = r->buf;
	lex.end = r->buf + r->len;
	row = imap_command_begin(&lex, r->login);
	if (row == NULL) {
		r->error = lex.error;
		return false;
	}
	if (row->verb != IMAP_APPEND && row->verb != IMAP_REPLACE)
		return false;
	if (row->parse(&lex) == 0 && r->cmd->literal) {
		r->cmd->verb = row->verb;
		r->single = row->verb == IMAP_REPLACE;
		return true;
	}
	/* A mailbox name as a literal goes on; all else is wrong. */
	if (!lex.more)
		r->error = lex.error;
	return false;
}

/* Is it too large to be an argument?  Then the command is bad. */
static void
literal_check(struct imap_reader *r, const struct imap_literal *literal)
{
	size_t max = r->login ? IMAP_LITERAL_MAX : IMAP_PRELITERAL_MAX;

	if (r->error == NULL &&
	    (literal->overflow || literal->size > max ||
		literal->size > r->max - r->len))
		r->error = "Literal too large";
}

/* An argument: it goes into the buffer, what follows is read as before it. */
static enum imap_event
literal_keep(
    struct imap_reader *r, const struct imap_literal *literal, enum state after)
{
	r->left = literal->size;
	r->after = after;
	buffer_add(r, (const uint8_t *)"\r\n", 2);
	r->state = LITERAL;
	return literal->nonsync ? IMAP_MORE : IMAP_CONTINUE;
}

/* A literal stands at the end of the line: what becomes of it? */
static enum imap_event
literal_begin(struct imap_reader *r, const struct imap_literal *literal)
{
	r->sync = !literal->nonsync;
	if (r->error == NULL && is_message(r))
		return message_offer(r);
	literal_check(r, literal);
	if (r->error != NULL) {
		r->left = literal->size;
		r->after = LINE;
		/* The client will not send what it was not asked for. */
		if (r->sync)
			return command_end(r);
		if (literal->overflow || literal->size > IMAP_SKIP_MAX ||
		    (!r->login && literal->size > IMAP_PRELINE_MAX)) {
			r->state = DEAD;
			return IMAP_FATAL;
		}
		r->state = SKIP;
		return IMAP_MORE;
	}
	return literal_keep(r, literal, LINE);
}

/* The line is whole: IMAP_MORE if the command is not. */
static enum imap_event
line_end(struct imap_reader *r)
{
	struct imap_literal literal;

	if (r->len > r->line && r->buf[r->len - 1] == '\r')
		r->len--;
	if (r->len > r->line &&
	    imap_literal_find(r->buf + r->line, r->len - r->line, &literal))
		return literal_begin(r, &literal);
	if (r->len == 0 && r->error == NULL) {
		/* An empty line is no command; RFC 9051 wants BAD. */
		buffer_add(r, (const uint8_t *)"", 1);
	}
	return command_end(r);
}

/* A line goes on: for ever? */
static enum imap_event
endless(struct imap_reader *r)
{
	if (r->skipped <= IMAP_SKIP_MAX)
		return IMAP_MORE;
	r->state = DEAD;
	return IMAP_FATAL;
}

static enum imap_event
read_line(struct imap_reader *r, const uint8_t *p, size_t len, size_t *used)
{
	const uint8_t *lf;
	size_t n;

	lf = memchr(p, '\n', len);
	n = lf == NULL ? len : (size_t)(lf - p);
	buffer_add(r, p, n);
	*used += n;
	if (lf == NULL)
		return endless(r);
	(*used)++;
	return line_end(r);
}

static enum imap_event
read_literal(struct imap_reader *r, const uint8_t *p, size_t len, size_t *used)
{
	size_t n;

	n = len < r->left ? len : (size_t)r->left;
	if (r->state == LITERAL)
		buffer_add(r, p, n);
	*used += n;
	r->left -= n;
	if (r->left == 0) {
		r->line = r->len;
		r->state = r->after;
	}
	return IMAP_MORE;
}

/*
 * What follows a literal of an APPEND, as r->cmd: -1 if it cannot be read;
 * *more: for want of a literal that it names.
 */
static int
append_more(struct imap_reader *r, bool *more)
{
	struct imap_lex lex = {.utf8 = r->utf8, .rev2 = r->rev2};

	imap_cmd_free(r->cmd);
	r->cmd = imap_cmd_new();
	lex.cmd = r->cmd;
	lex.p = r->buf;
	lex.end = r->buf + r->len;
	lex.single = r->single;
	r->cmd->verb = IMAP_APPEND;
	if (imap_parse_append_more(&lex, r->part) == 0)
		return 0;
	*more = lex.more;
	if (!lex.more)
		r->error = lex.error;
	return -1;
}

/* Takes the parenthesis off that closes UTF8 (...). */
static bool
unwrap(struct imap_reader *r)
{
	r->wrapped = false;
	if (r->len == 0 || r->buf[0] != ')')
		return false;
	memmove(r->buf, r->buf + 1, --r->len);
	return true;
}

/* The rest is wrong: a literal that comes anyway is read over. */
static enum imap_event
message_bad(struct imap_reader *r, const struct imap_literal *literal)
{
	if (literal != NULL && literal->nonsync) {
		if (literal->overflow || literal->size > IMAP_SKIP_MAX) {
			r->state = DEAD;
			return IMAP_FATAL;
		}
		r->left = literal->size;
		r->len = r->line = 0;
		r->after = MESSAGE_END;
		r->state = SKIP;
		return IMAP_MORE;
	}
	r->bad = r->error;
	buffer_drop(r);
	r->state = LINE;
	return IMAP_DATA_BAD;
}

/* A line behind a literal of APPEND is whole. */
static enum imap_event
message_line(struct imap_reader *r)
{
	struct imap_literal literal;
	bool any, more = false;

	/* Nothing follows: an empty line, but one that is somewhere. */
	if (r->buf == NULL) {
		buffer_put(r, (const uint8_t *)"", 1);
		r->len = 0;
	}
	if (r->len > r->line && r->buf[r->len - 1] == '\r')
		r->len--;
	if (r->wrapped && !unwrap(r) && r->error == NULL)
		r->error = "Closing parenthesis expected";
	any = imap_literal_find(r->buf + r->line, r->len - r->line, &literal);
	if (r->error == NULL && append_more(r, &more) == 0) {
		if (r->cmd->literal)
			return message_offer(r);
		buffer_drop(r);
		r->state = LINE;
		return IMAP_DATA_END;
	}
	if (any && more)
		literal_check(r, &literal);
	if (any && more && r->error == NULL)
		return literal_keep(r, &literal, MESSAGE_END);
	if (r->error == NULL)
		r->error = "Unexpected extra arguments";
	return message_bad(r, any ? &literal : NULL);
}

static enum imap_event
message_end(struct imap_reader *r, const uint8_t *p, size_t len, size_t *used)
{
	const uint8_t *lf;
	size_t n;

	lf = memchr(p, '\n', len);
	n = lf == NULL ? len : (size_t)(lf - p);
	buffer_add(r, p, n);
	*used += n;
	if (lf == NULL)
		return endless(r);
	(*used)++;
	return message_line(r);
}

static enum imap_event
read_message(struct imap_reader *r, const uint8_t *p, size_t len, size_t *used)
{
	size_t n;

	n = len < r->left ? len : (size_t)r->left;
	r->data = p;
	r->data_len = n;
	r->left -= n;
	*used += n;
	/* literal = ... *CHAR8, which NUL is not; literal8 may hold it. */
	if (!r->binary && r->error == NULL && memchr(p, '\0', n) != NULL)
		r->error = "NUL in a literal that is not binary";
	if (r->left == 0)
		r->state = MESSAGE_END;
	return IMAP_DATA;
}

void
imap_reader_accept(struct imap_reader *r)
{
	if (r->state != OFFER)
		return;
	buffer_drop(r);
	r->state = r->left == 0 ? MESSAGE_END : MESSAGE;
}

void
imap_reader_refuse(struct imap_reader *r)
{
	if (r->state != OFFER)
		return;
	buffer_drop(r);
	r->state = r->sync ? LINE : r->left == 0 ? MESSAGE_END : MESSAGE;
}

static enum imap_event
read_answer(struct imap_reader *r, const uint8_t *p, size_t len, size_t *used)
{
	const uint8_t *lf;
	size_t n;

	lf = memchr(p, '\n', len);
	n = lf == NULL ? len : (size_t)(lf - p);
	if (n > IMAP_AUTHLINE_MAX + 1 - r->len) {
		r->state = DEAD;
		return IMAP_FATAL;
	}
	buffer_add(r, p, n);
	*used += n;
	if (lf == NULL)
		return IMAP_MORE;
	(*used)++;
	if (r->len > 0 && r->buf[r->len - 1] == '\r')
		r->len--;
	r->data = r->buf;
	r->data_len = r->len;
	r->given = true;
	return IMAP_LINE;
}

enum imap_event
imap_reader_next(
    struct imap_reader *r, const uint8_t *buf, size_t len, size_t *used)
{
	enum imap_event event;

	*used = 0;
	/* The line that was given out last is done with. */
	if (r->given) {
		buffer_drop(r);
		r->given = false;
		r->state = LINE;
	}
	r->data = NULL;
	event = IMAP_MORE;
	while (event == IMAP_MORE && *used < len) {
		switch (r->state) {
		case LINE:
			event = read_line(r, buf + *used, len - *used, used);
			break;
		case LITERAL:
		case SKIP:
			event = read_literal(r, buf + *used, len - *used, used);
			break;
		case OFFER:
			return IMAP_MORE;
		case MESSAGE:
			event = read_message(r, buf + *used, len - *used, used);
			break;
		case MESSAGE_END:
			event = message_end(r, buf + *used, len - *used, used);
			break;
		case ANSWER:
			event = read_answer(r, buf + *used, len - *used, used);
			break;
		case DEAD:
			return IMAP_FATAL;
		}
	}
	return event;
}
