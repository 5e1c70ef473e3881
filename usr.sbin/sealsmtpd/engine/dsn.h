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
 * Reports on mail (RFC 3461 to 3464, 6522, 6533): what the files that make them
 * share.
 */

#ifndef DSN_H
#define DSN_H

#include "engine.h"

#define DSN_ORIGINAL_MAX (256 * 1024) /* octets that come back whole */
#define DSN_LINE_MAX 4096             /* of a line of ours, CRLF included */
#define DSN_BOUNDARY_MAX 40

enum dsn_kind {
	DSN_FAILED = REPORT_FAILED,
	DSN_DELAYED = REPORT_DELAYED,
	DSN_RELAYED = REPORT_RELAYED,
	DSN_DELIVERED = REPORT_DELIVERED /* here */
};

enum dsn_phase {
	DSN_RCPT,     /* may its sender be told? */
	DSN_ORIGINAL, /* the queue gives what it is about */
	DSN_SENT      /* it is made durable */
};

struct dsn_rcpt {
	char *address;
	char *orcpt; /* "type;xtext", as it was given; "": it was not */
	char *status;
	char *host;
	char *text;
	int64_t when;
	uint16_t code; /* 0: none */
};

struct dsn {
	TAILQ_ENTRY(dsn) entry;
	struct session session; /* from nobody to the sender */
	enum dsn_kind kind;
	enum dsn_phase phase;
	uint32_t report; /* the queue's id */
	char *sender;
	char *envid; /* xtext; "": none */
	char *trace;
	struct dsn_rcpt *rcpts;
	size_t n;
	int64_t arrival;
	int64_t expiry;
	uint64_t octets; /* of the original's body */
	uint8_t flags;   /* of the original: QUEUE_8BIT, QUEUE_UTF8 */
	uint8_t codec;
	bool whole;    /* all of the original comes back; else its header */
	bool running;  /* it is being worked on */
	bool past;     /* the original's header has ended */
	uint8_t match; /* octets of CRLF CRLF seen */
	int code;      /* of the last reply */
	char boundary[DSN_BOUNDARY_MAX];
};

/* dsn.c: octets of the report. */
void dsn_write(struct dsn *, const void *, size_t);

/* dsn_text.c: all that stands before the original, and behind it. */
void dsn_begin(struct dsn *);
void dsn_end(struct dsn *);

#endif
